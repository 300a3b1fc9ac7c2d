// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: what this VF gets from the PF, and what the manager needs from it.
 */
#include "vf.h"

#include <linux/bitfield.h>
#include <linux/minmax.h>

#define VF_QUEUES_FIRST_TRY	8	/* of a PF that does not tell the quota */

/* The one with the function's id is not asked for, and need not be told. */
static void take_rings(struct svff_vf *vf, const struct svff_mbox_ext *ext)
{
	bool more = vf->mbox.ext & SVFF_MBOX_EXT_RINGS;

	svff_qdma_set_irq_rings(vf->qd, more ? ext->first_ring : 0, more ? ext->rings : 0);
}

/**
 * vf_hello() - introduce this VF
 * @vf: VF; learns its function id
 * @quota: becomes the number of queues that it may have, 0 if the PF does not say
 *
 * Context: process.
 * Return: 0 or errno of vf_request_ok(); -EOPNOTSUPP if the card has neither
 * memory mapped transfers nor streams.
 */
int vf_hello(struct svff_vf *vf, u32 *quota)
{
	union svff_mbox_msg msg = {
		.hello = {
			.range.hdr.op = SVFF_MBOX_OP_HELLO,
			.range.qbase = cpu_to_le32(SVFF_MBOX_QBASE_ANY),
			.ext.magic = cpu_to_le32(SVFF_MBOX_EXT_MAGIC),
			.ext.version = SVFF_MBOX_EXT_VERSION,
			.ext.caps = cpu_to_le32(SVFF_MBOX_EXT_ALL),
		},
	};
	int err = vf_request_ok(vf, &msg);
	bool mm, st;

	if (err)
		return err;
	vf->func = le16_to_cpu(msg.hdr.dst);
	vf_mbox_agree(vf, &msg.hello_rsp.ext);
	take_rings(vf, &msg.hello_rsp.ext);
	*quota = min_t(u32, le32_to_cpu(msg.hello_rsp.qmax), VF_QUEUES_MAX);
	mm = msg.hello_rsp.caps0 & SVFF_MBOX_CAP0_MM;
	st = msg.hello_rsp.caps0 & SVFF_MBOX_CAP0_ST;
	svff_qdma_set_caps(vf->qd, vf->func, mm, st);
	if (mm || st)
		return 0;
	dev_err(&vf->pdev->dev, "the card has neither memory mapped transfers nor streams\n");
	return -EOPNOTSUPP;
}

/* A refusal is a positive return, so that the caller can ask for less. */
static int ask_queues(struct svff_vf *vf, u32 count)
{
	union svff_mbox_msg msg = {
		.range = {
			.hdr = { .op = SVFF_MBOX_OP_QREQ },
			.qbase = cpu_to_le32(SVFF_MBOX_QBASE_ANY),
			.qmax = cpu_to_le32(count),
		},
	};
	int err = vf_request(vf, &msg);

	if (err)
		return err;
	if (msg.hdr.status)
		return -msg.hdr.status;
	if (le32_to_cpu(msg.range.qmax) != count)
		return -EPROTO;
	vf->base = le32_to_cpu(msg.range.qbase);
	vf->count = count;
	return 0;
}

static int map_queues(struct svff_vf *vf)
{
	union svff_mbox_msg msg = {
		.range = {
			.hdr = { .op = SVFF_MBOX_OP_FMAP },
			.qbase = cpu_to_le32(vf->base),
			.qmax = cpu_to_le32(vf->count),
		},
	};

	return vf_request_ok(vf, &msg);
}

/**
 * vf_queues_get() - get queues and have their doorbells mapped
 * @vf: VF
 * @quota: number that the PF is said to allow, 0 if not known
 *
 * A number that the user set is asked for as it is. Else it is the quota, or,
 * with a PF that does not tell it, halved until it is granted.
 *
 * Context: process.
 * Return: 0; -ENOSPC if the PF refuses; errno of the mailbox.
 */
int vf_queues_get(struct svff_vf *vf, u32 quota)
{
	u32 count = vf_queues_wanted ?: quota ?: VF_QUEUES_FIRST_TRY;
	int err;

	do {
		err = ask_queues(vf, count);
		if (err <= 0)
			break;
		count /= 2;
	} while (count && !vf_queues_wanted);

	if (err > 0) {
		dev_err(&vf->pdev->dev, "PF grants no queues: %s; raise this VF's queues on the host%s\n",
			vf_status_name(-err),
			vf_queues_wanted ? " or lower svff_vf.queues" : "");
		return -ENOSPC;
	}
	if (err) {
		dev_err(&vf->pdev->dev, "cannot get queues from the PF (%pe)\n",
			ERR_PTR(err));
		return err;
	}
	return map_queues(vf);
}

/**
 * vf_csr_read() - manager's hook: the card's tables
 * @qd: manager
 * @csr: filled
 *
 * Context: process.
 * Return: 0 or errno of vf_request_ok().
 */
int vf_csr_read(struct svff_qdma *qd, struct svff_qdma_csr *csr)
{
	struct svff_vf *vf = svff_qdma_priv(qd);
	union svff_mbox_msg msg = { .hdr = { .op = SVFF_MBOX_OP_CSR } };
	int err = vf_request_ok(vf, &msg);
	int i;

	if (err)
		return err;
	for (i = 0; i < SVFF_QDMA_RING_SIZES; i++) {
		csr->ring_size[i] = le16_to_cpu(msg.csr_rsp.ring_size[i]);
		csr->buf_size[i] = le16_to_cpu(msg.csr_rsp.buf_size[i]);
		csr->timer_cnt[i] = msg.csr_rsp.timer_cnt[i];
		csr->cnt_th[i] = msg.csr_rsp.cnt_th[i];
	}
	vf->csr = *csr;
	return 0;
}

static int notify_one(struct svff_vf *vf, u16 qid, enum svff_mbox_qtype type,
		      enum svff_mbox_op op)
{
	union svff_mbox_msg msg = {
		.qnotify = {
			.hdr = { .op = op },
			.qid_hw = cpu_to_le16(vf->base + qid),
			.qtype = cpu_to_le32(type),
		},
	};

	return vf_request_ok(vf, &msg);
}

/* A completion ring is announced for itself. */
static int notify(struct svff_vf *vf, const struct svff_qdma_hwq *q,
		  enum svff_mbox_op op)
{
	bool c2h = q->dir == SVFF_QDMA_C2H;
	int err = notify_one(vf, q->qid, c2h ? SVFF_MBOX_Q_C2H : SVFF_MBOX_Q_H2C, op);

	if (err || !q->cmpt)
		return err;
	return notify_one(vf, q->qid, SVFF_MBOX_Q_CMPT, op);
}

static void encode_id(struct svff_vf *vf, const struct svff_qdma_hwq *q,
		      struct svff_mbox_qctxt_id *id)
{
	id->qid_hw = cpu_to_le16(vf->base + q->qid);
	id->flags = (q->st ? SVFF_MBOX_QCTXT_ST : 0) |
		    (q->dir == SVFF_QDMA_C2H ? SVFF_MBOX_QCTXT_C2H : 0) |
		    FIELD_PREP(SVFF_MBOX_QCTXT_CMPT,
			       q->cmpt ? SVFF_MBOX_CMPT_WITH_ST : SVFF_MBOX_CMPT_NONE);
}

static u32 encode_cfg(const struct svff_qdma_hwq *q)
{
	return (q->fcrd_en ? SVFF_MBOX_QCFG_FCRD_EN : 0) |
	       (q->bypass ? SVFF_MBOX_QCFG_BYPASS : 0) |
	       (q->irq_arm ? SVFF_MBOX_QCFG_IRQ_ARM : 0) |
	       (q->wbi_intvl_en ? SVFF_MBOX_QCFG_WBI_INTVL_EN : 0) |
	       (q->wbi_chk ? SVFF_MBOX_QCFG_WBI_CHK : 0) |
	       (q->wbk_en ? SVFF_MBOX_QCFG_WBK_EN : 0) |
	       (q->irq_en ? SVFF_MBOX_QCFG_IRQ_EN : 0) |
	       (q->pfch_en ? SVFF_MBOX_QCFG_PFCH_EN : 0) |
	       (q->pfch_bypass ? SVFF_MBOX_QCFG_PFCH_BYPASS : 0) |
	       (q->cmpt_ovf_dis ? SVFF_MBOX_QCFG_OVF_CHK_DIS : 0) |
	       (q->cmpt_irq_en ? SVFF_MBOX_QCFG_CMPT_INT_EN : 0) |
	       (q->cmpt_stat_en ? SVFF_MBOX_QCFG_CMPT_STAT_EN : 0) |
	       FIELD_PREP(SVFF_MBOX_QCFG_DESC_SZ, q->desc_sz) |
	       FIELD_PREP(SVFF_MBOX_QCFG_CMPT_DESC_SZ, q->cmpt_desc_sz) |
	       FIELD_PREP(SVFF_MBOX_QCFG_TRIG_MODE, q->trig_mode);
}

/* The message carries values where the hardware has indices of its tables. */
static void encode_queue(struct svff_vf *vf, const struct svff_qdma_hwq *q,
			 struct svff_mbox_qctxt_wrt *wrt)
{
	const struct svff_qdma_csr *csr = &vf->csr;
	u16 intr = q->irq_aggr ? SVFF_MBOX_QINTR_AGGR | q->vec : q->vec;

	encode_id(vf, q, &wrt->id);
	wrt->cfg = cpu_to_le32(encode_cfg(q));
	wrt->func = cpu_to_le16(vf->func);
	wrt->intr = cpu_to_le16(q->irq_en || q->cmpt_irq_en ? intr : 0);
	wrt->desc_base = cpu_to_le64(q->base);
	wrt->ring_size = cpu_to_le16(csr->ring_size[q->ring_ix] - 1);
	if (!q->cmpt)
		return;
	wrt->cmpt_base = cpu_to_le64(q->cmpt_base);
	wrt->cnt_th = csr->cnt_th[q->cnt_ix];
	wrt->timer_cnt = csr->timer_cnt[q->timer_ix];
	wrt->buf_size = cpu_to_le16(csr->buf_size[q->buf_ix]);
	wrt->cmpt_ring_size = cpu_to_le16(csr->ring_size[q->cmpt_ring_ix] - 1);
}

/**
 * vf_hwq_start() - manager's hook: set up a queue
 * @qd: manager
 * @q: queue
 *
 * It is announced first, because that is what keeps the vendor's PF from giving
 * it away.
 *
 * Context: process.
 * Return: 0 or errno of vf_request_ok().
 */
int vf_hwq_start(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	struct svff_vf *vf = svff_qdma_priv(qd);
	union svff_mbox_msg msg = { .hdr = { .op = SVFF_MBOX_OP_QCTXT_WRT } };
	int err = notify(vf, q, SVFF_MBOX_OP_QNOTIFY_ADD);

	if (err)
		return err;
	encode_queue(vf, q, &msg.qctxt_wrt);
	err = vf_request_ok(vf, &msg);
	if (err)
		notify(vf, q, SVFF_MBOX_OP_QNOTIFY_DEL);
	return err;
}

/**
 * vf_hwq_stop() - manager's hook: stop a queue
 * @qd: manager
 * @q: queue
 *
 * Context: process.
 * Return: 0 if the hardware does not use its memory any more, else errno of
 * vf_request_ok().
 */
int vf_hwq_stop(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	struct svff_vf *vf = svff_qdma_priv(qd);
	union svff_mbox_msg msg = { .hdr = { .op = SVFF_MBOX_OP_QCTXT_INV } };
	int err;

	encode_id(vf, q, &msg.qctxt_id);
	err = vf_request_ok(vf, &msg);
	/* A PF that knows no such VF has cleared what the VF had. */
	if (err == -EIO && msg.hdr.status == -SVFF_MBOX_ERR_NO_DEVICE)
		return 0;
	if (!err)
		notify(vf, q, SVFF_MBOX_OP_QNOTIFY_DEL);
	return err;
}

static void encode_ring(struct svff_vf *vf, const struct svff_qdma_irq_ring *ring,
			struct svff_mbox_intr_ctxt *m)
{
	m->num_rings = 1;
	m->ring_index = cpu_to_le32(ring->index);
	m->func = cpu_to_le16(vf->func);
}

/**
 * vf_irq_ring_start() - manager's hook: set up an interrupt ring
 * @qd: manager
 * @ring: ring
 *
 * Context: process.
 * Return: 0 or errno of vf_request_ok().
 */
int vf_irq_ring_start(struct svff_qdma *qd, const struct svff_qdma_irq_ring *ring)
{
	struct svff_vf *vf = svff_qdma_priv(qd);
	union svff_mbox_msg msg = { .hdr = { .op = SVFF_MBOX_OP_INTR_CTXT_WRT } };

	encode_ring(vf, ring, &msg.intr_ctxt);
	msg.intr_ctxt.base = cpu_to_le64(ring->base);
	msg.intr_ctxt.vec = cpu_to_le16(ring->vec);
	msg.intr_ctxt.page_size = ring->pages - 1;
	msg.intr_ctxt.valid = 1;
	msg.intr_ctxt.color = 1;
	return vf_request_ok(vf, &msg);
}

/**
 * vf_irq_ring_stop() - manager's hook: stop an interrupt ring
 * @qd: manager
 * @ring: ring
 *
 * Context: process.
 */
void vf_irq_ring_stop(struct svff_qdma *qd, const struct svff_qdma_irq_ring *ring)
{
	struct svff_vf *vf = svff_qdma_priv(qd);
	union svff_mbox_msg msg = { .hdr = { .op = SVFF_MBOX_OP_INTR_CTXT_INV } };

	encode_ring(vf, ring, &msg.intr_ctxt);
	vf_request_ok(vf, &msg);
}
