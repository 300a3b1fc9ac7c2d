// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: What a VF may ask of contexts
 *
 * Of queues it was granted, and of interrupt rings that are kept for it. Each value is one that the hardware takes and
 * that is the VF's to use; see request.c.
 */
#include "decision.h"

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>

#define PF_PAGE_SIZE		4096	/* of the hardware, not of the host */
#define PF_CMPT_ALIGN		64
#define PF_RING_PAGES_MAX	8
#define PF_TRIG_MODE_MAX	5

/* Descriptor size codes */
enum {
	PF_DESC_8,
	PF_DESC_16,
	PF_DESC_32,
	PF_DESC_64,
};

static void add_queue_cmd(struct pf_verdict *v, enum pf_cmd_op op,
			  const struct svff_qdma_hwq *q)
{
	pf_add_cmd(v, op)->queue = *q;
}

/* Which queue, and of which kind: the part that all QCTXT requests share. */
static u8 decode_queue(struct pf_decision *d, struct svff_qdma_hwq *q)
{
	const struct svff_mbox_qctxt_id *id = &d->msg->qctxt_id;
	const struct svff_qdma_caps *caps = d->card->caps;
	u32 cmpt = FIELD_GET(SVFF_MBOX_QCTXT_CMPT, id->flags);
	u32 qid = le16_to_cpu(id->qid_hw);
	bool granted = pf_hw_queue(d->s, &qid);

	if ((id->flags & SVFF_MBOX_QCTXT_RSVD) ||
	    !pf_bytes_zero(id->pad, id->pad + sizeof(id->pad)))
		return SVFF_MBOX_ERR_INVALID_MSG;

	memset(q, 0, sizeof(*q));
	q->qid = qid;
	q->func = d->s->func;
	q->st = id->flags & SVFF_MBOX_QCTXT_ST;
	q->dir = id->flags & SVFF_MBOX_QCTXT_C2H ? SVFF_QDMA_C2H : SVFF_QDMA_H2C;
	q->cmpt = cmpt == SVFF_MBOX_CMPT_WITH_ST;

	if (!granted)
		return SVFF_MBOX_ERR_QID;
	/* No card here has completion rings of MM queues. */
	if (cmpt == SVFF_MBOX_CMPT_ONLY || cmpt == SVFF_MBOX_CMPT_WITH_MM)
		return SVFF_MBOX_ERR_NOT_SUPPORTED;
	if (q->st ? !caps->st : !caps->mm)
		return SVFF_MBOX_ERR_NOT_SUPPORTED;
	if (q->cmpt != (q->st && q->dir == SVFF_QDMA_C2H))
		return SVFF_MBOX_ERR_INVALID_PARAM;
	return SVFF_MBOX_OK;
}

static unsigned long *live_map(struct pf_session *s, const struct svff_qdma_hwq *q)
{
	return s->live[q->dir == SVFF_QDMA_C2H ? SVFF_MBOX_Q_C2H : SVFF_MBOX_Q_H2C];
}

/* All contexts of the direction are cleared, of whatever kind the queue is said to be: see svff_qdma_hwq_clear(). */
static void clear_live(struct pf_session *s, const struct svff_qdma_hwq *q)
{
	__assign_bit(q->qid - s->base, live_map(s, q), false);
	if (q->dir == SVFF_QDMA_C2H)
		__assign_bit(q->qid - s->base, s->live[SVFF_MBOX_Q_CMPT], false);
}

static void set_live(struct pf_session *s, const struct svff_qdma_hwq *q, bool live)
{
	__assign_bit(q->qid - s->base, live_map(s, q), live);
	if (q->cmpt)
		__assign_bit(q->qid - s->base, s->live[SVFF_MBOX_Q_CMPT], live);
}

/* First entry of the table that is @size + 1, or -1. */
static int find_ring_size(const struct svff_qdma_csr *csr, u16 size)
{
	int i;

	for (i = 0; i < SVFF_QDMA_RING_SIZES; i++)
		if (csr->ring_size[i] && csr->ring_size[i] - 1 == size)
			return i;
	return -1;
}

static int find_buf_size(const struct svff_qdma_csr *csr, u16 size)
{
	int i;

	for (i = 0; i < SVFF_QDMA_RING_SIZES; i++)
		if (csr->buf_size[i] && (u16)csr->buf_size[i] == size)
			return i;
	return -1;
}

/* The message has room for the low 8 bits of a table's entries. */
static int find_low_byte(const u16 *table, u8 value)
{
	int i;

	for (i = 0; i < SVFF_QDMA_RING_SIZES; i++)
		if ((u8)table[i] == value)
			return i;
	return -1;
}

/*
 * A vector must be one that the VF has, a ring must be its own: a wrong one
 * would be another function's. Without interrupts neither is used.
 */
static u8 decode_interrupt(struct pf_decision *d, struct svff_qdma_hwq *q)
{
	u32 intr = le16_to_cpu(d->msg->qctxt_wrt.intr);
	int number;

	if (intr & SVFF_MBOX_QINTR_RSVD)
		return SVFF_MBOX_ERR_INVALID_MSG;
	if (!q->irq_en && !q->cmpt_irq_en)
		return SVFF_MBOX_OK;

	q->vec = FIELD_GET(SVFF_MBOX_QINTR_ID, intr);
	q->irq_aggr = intr & SVFF_MBOX_QINTR_AGGR;
	if (!q->irq_aggr)
		return q->vec < d->s->vectors ? SVFF_MBOX_OK : SVFF_MBOX_ERR_INVALID_PARAM;
	number = pf_ring_number(d->s, q->vec);
	if (number < 0 || !(d->s->rings & BIT(number)))
		return SVFF_MBOX_ERR_INVALID_PARAM;
	/* The ring may be cleared, the queue still names it. */
	d->v->next.named |= BIT(number);
	return SVFF_MBOX_OK;
}

static u8 decode_flags(struct pf_decision *d, struct svff_qdma_hwq *q)
{
	u32 cfg = le32_to_cpu(d->msg->qctxt_wrt.cfg);

	if (cfg & SVFF_MBOX_QCFG_RSVD)
		return SVFF_MBOX_ERR_INVALID_MSG;
	/* An address that the VF calls translated would pass the IOMMU unseen. */
	if (cfg & (SVFF_MBOX_QCFG_AT | SVFF_MBOX_QCFG_CMPT_AT))
		return SVFF_MBOX_ERR_NOT_SUPPORTED;

	q->fcrd_en = cfg & SVFF_MBOX_QCFG_FCRD_EN;
	q->bypass = cfg & SVFF_MBOX_QCFG_BYPASS;
	q->irq_arm = cfg & SVFF_MBOX_QCFG_IRQ_ARM;
	q->wbi_intvl_en = cfg & SVFF_MBOX_QCFG_WBI_INTVL_EN;
	q->wbi_chk = cfg & SVFF_MBOX_QCFG_WBI_CHK;
	q->wbk_en = cfg & SVFF_MBOX_QCFG_WBK_EN;
	q->irq_en = cfg & SVFF_MBOX_QCFG_IRQ_EN;
	q->desc_sz = FIELD_GET(SVFF_MBOX_QCFG_DESC_SZ, cfg);
	if (!q->cmpt)
		return SVFF_MBOX_OK;

	q->pfch_en = cfg & SVFF_MBOX_QCFG_PFCH_EN;
	q->pfch_bypass = cfg & SVFF_MBOX_QCFG_PFCH_BYPASS;
	q->cmpt_ovf_dis = cfg & SVFF_MBOX_QCFG_OVF_CHK_DIS;
	q->cmpt_irq_en = cfg & SVFF_MBOX_QCFG_CMPT_INT_EN;
	q->cmpt_stat_en = cfg & SVFF_MBOX_QCFG_CMPT_STAT_EN;
	q->cmpt_desc_sz = FIELD_GET(SVFF_MBOX_QCFG_CMPT_DESC_SZ, cfg);
	q->trig_mode = FIELD_GET(SVFF_MBOX_QCFG_TRIG_MODE, cfg);
	if (q->trig_mode > PF_TRIG_MODE_MAX)
		return SVFF_MBOX_ERR_INVALID_PARAM;
	return SVFF_MBOX_OK;
}

/* Only the bypass port takes descriptors that the engine does not know. */
static bool desc_sz_fits(const struct svff_qdma_hwq *q)
{
	u8 own = !q->st ? PF_DESC_32 : q->dir == SVFF_QDMA_C2H ? PF_DESC_8 : PF_DESC_16;

	return q->desc_sz == own || (q->bypass && q->desc_sz == PF_DESC_64);
}

static u8 decode_ring(struct pf_decision *d, struct svff_qdma_hwq *q)
{
	const struct svff_mbox_qctxt_wrt *wrt = &d->msg->qctxt_wrt;
	int ix = find_ring_size(d->card->csr, le16_to_cpu(wrt->ring_size));

	if (ix < 0)
		return SVFF_MBOX_ERR_RING_SIZE;
	if (!desc_sz_fits(q))
		return SVFF_MBOX_ERR_INVALID_PARAM;
	q->ring_ix = ix;
	q->base = le64_to_cpu(wrt->desc_base);
	return q->base % PF_PAGE_SIZE ? SVFF_MBOX_ERR_INVALID_PARAM : SVFF_MBOX_OK;
}

static u8 decode_cmpt(struct pf_decision *d, struct svff_qdma_hwq *q)
{
	const struct svff_mbox_qctxt_wrt *wrt = &d->msg->qctxt_wrt;
	const struct svff_qdma_csr *csr = d->card->csr;
	int buf, cnt, timer, ring;

	if (!q->cmpt)
		return SVFF_MBOX_OK;
	buf = find_buf_size(csr, le16_to_cpu(wrt->buf_size));
	cnt = find_low_byte(csr->cnt_th, wrt->cnt_th);
	timer = find_low_byte(csr->timer_cnt, wrt->timer_cnt);
	ring = find_ring_size(csr, le16_to_cpu(wrt->cmpt_ring_size));
	if (buf < 0)
		return SVFF_MBOX_ERR_BUF_SIZE;
	if (cnt < 0)
		return SVFF_MBOX_ERR_CNT_TH;
	if (timer < 0)
		return SVFF_MBOX_ERR_TIMER_TH;
	if (ring < 0)
		return SVFF_MBOX_ERR_RING_SIZE;
	q->buf_ix = buf;
	q->cnt_ix = cnt;
	q->timer_ix = timer;
	q->cmpt_ring_ix = ring;
	q->cmpt_base = le64_to_cpu(wrt->cmpt_base);
	return q->cmpt_base % PF_CMPT_ALIGN ? SVFF_MBOX_ERR_INVALID_PARAM :
					      SVFF_MBOX_OK;
}

/**
 * pf_decide_qctxt_wrt() - may a queue be set up?
 * @d: message that asks for it, its length and padding checked
 *
 * Context: any.
 * Return: SVFF_MBOX_OK and a command, or an error for the VF.
 */
u8 pf_decide_qctxt_wrt(struct pf_decision *d)
{
	static u8 (*const steps[])(struct pf_decision *, struct svff_qdma_hwq *) = {
		decode_queue, decode_flags, decode_ring, decode_cmpt,
		decode_interrupt,
	};
	struct svff_qdma_hwq q;
	u8 status;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		status = steps[i](d, &q);
		if (status)
			return status;
	}
	if (!d->s->mapped)
		return SVFF_MBOX_ERR_FMAP;
	/* A reset that the PF does not hear of has unmapped them, and the next one clears only what is mapped. */
	pf_add_range_cmd(d->v, PF_CMD_FMAP, d->s->base, d->s->granted);
	/* Who writes a running queue's contexts anew gets it stopped first. */
	if (test_bit(q.qid - d->s->base, live_map(&d->v->next, &q)))
		add_queue_cmd(d->v, PF_CMD_QUEUE_STOP, &q);
	add_queue_cmd(d->v, PF_CMD_QUEUE_START, &q);
	/* It may have been of another kind; it is cleared first. */
	clear_live(&d->v->next, &q);
	set_live(&d->v->next, &q, true);
	d->v->next.dirty = true;
	return SVFF_MBOX_OK;
}

/**
 * pf_decide_qctxt_rd() - may a queue's contexts be read?
 * @d: message that asks for it, its length and padding checked
 *
 * Context: any.
 * Return: SVFF_MBOX_OK and a command, or an error for the VF.
 */
u8 pf_decide_qctxt_rd(struct pf_decision *d)
{
	struct svff_qdma_hwq q;
	u8 status = decode_queue(d, &q);

	if (status)
		return status;
	add_queue_cmd(d->v, PF_CMD_QUEUE_DUMP, &q);
	d->v->rsp.qctxt_id = d->msg->qctxt_id;
	return SVFF_MBOX_OK;
}

/**
 * pf_decide_qctxt_end() - may a queue be cleared, or stopped?
 * @d: message that asks for it, its length and padding checked
 *
 * Context: any.
 * Return: SVFF_MBOX_OK and a command, or an error for the VF.
 */
u8 pf_decide_qctxt_end(struct pf_decision *d)
{
	bool clear = d->msg->hdr.op == SVFF_MBOX_OP_QCTXT_CLR;
	struct svff_qdma_hwq q;
	u8 status = decode_queue(d, &q);

	if (status)
		return status;
	add_queue_cmd(d->v, clear ? PF_CMD_QUEUE_CLEAR : PF_CMD_QUEUE_STOP, &q);
	if (clear)
		clear_live(&d->v->next, &q);
	else
		set_live(&d->v->next, &q, false);
	return SVFF_MBOX_OK;
}

/*
 * A function's ring has the function's id as its index: the vendor's drivers
 * reckon it so. Others are for those that know the extension, one in a message.
 * What the message says about the function is not read at all.
 */
static u8 decode_irq_ring(struct pf_decision *d, int *number)
{
	const struct svff_mbox_intr_ctxt *m = &d->msg->intr_ctxt;

	if (!pf_bytes_zero(m->pad0, m->pad0 + sizeof(m->pad0)) ||
	    !pf_bytes_zero(m->pad1, m->pad1 + sizeof(m->pad1)) ||
	    !pf_bytes_zero(m->pad2, m->pad2 + sizeof(m->pad2)) ||
	    !pf_bytes_zero(m->pad4, m->pad4 + sizeof(m->pad4)) || m->pad3)
		return SVFF_MBOX_ERR_INVALID_MSG;
	*number = pf_ring_number(d->s, le32_to_cpu(m->ring_index));
	return m->num_rings == 1 && *number >= 0 ? SVFF_MBOX_OK : SVFF_MBOX_ERR_INVALID_PARAM;
}

/**
 * pf_decide_intr_wrt() - may an interrupt ring be set up?
 * @d: message that asks for it, its length and padding checked
 *
 * Context: any.
 * Return: SVFF_MBOX_OK and a command, or an error for the VF.
 */
u8 pf_decide_intr_wrt(struct pf_decision *d)
{
	const struct svff_mbox_intr_ctxt *m = &d->msg->intr_ctxt;
	struct svff_qdma_irq_ring *ring;
	int number;
	u8 status = decode_irq_ring(d, &number);

	if (status)
		return status;
	if (m->at || m->host_id || m->pasid || m->pasid_en)
		return SVFF_MBOX_ERR_NOT_SUPPORTED;
	if (m->valid != 1 || le64_to_cpu(m->base) % PF_PAGE_SIZE ||
	    m->page_size >= PF_RING_PAGES_MAX ||
	    le16_to_cpu(m->vec) >= d->s->vectors)
		return SVFF_MBOX_ERR_INVALID_PARAM;

	ring = &pf_add_cmd(d->v, PF_CMD_RING_WRITE)->ring;
	ring->index = pf_session_ring(d->s, number);
	ring->func = d->s->func;
	ring->vec = le16_to_cpu(m->vec);
	ring->base = le64_to_cpu(m->base);
	ring->pages = m->page_size + 1;
	d->v->next.rings |= BIT(number);
	return SVFF_MBOX_OK;
}

/**
 * pf_decide_intr_other() - may an interrupt ring be read, cleared or stopped?
 * @d: message that asks for it, its length and padding checked
 *
 * Context: any.
 * Return: SVFF_MBOX_OK and a command, or an error for the VF.
 */
u8 pf_decide_intr_other(struct pf_decision *d)
{
	u8 op = d->msg->hdr.op;
	int number;
	u8 status = decode_irq_ring(d, &number);
	enum pf_cmd_op cmd;

	if (status)
		return status;
	if (op == SVFF_MBOX_OP_INTR_CTXT_RD)
		cmd = PF_CMD_RING_DUMP;
	else if (op == SVFF_MBOX_OP_INTR_CTXT_CLR)
		cmd = PF_CMD_RING_CLEAR;
	else
		cmd = PF_CMD_RING_INV;
	pf_add_cmd(d->v, cmd)->ring.index = pf_session_ring(d->s, number);
	/* What is only invalid still holds the VF's addresses. */
	if (cmd == PF_CMD_RING_CLEAR)
		d->v->next.rings &= ~BIT(number);
	return SVFF_MBOX_OK;
}
