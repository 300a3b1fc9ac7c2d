// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts of hardware queues and of interrupt rings, as a PF sets them up for
 * itself and for its VFs.
 */
#include "priv.h"

#include <linux/bitfield.h>
#include <linux/pci.h>

#include "regs.h"

#define FIRST_COLOR	1	/* rings start zeroed, so that the first colour is new */
#define CMPT_LOW_MASK	GENMASK_ULL(5, 2)
#define CMPT_BASE_MASK	GENMASK_ULL(63, 6)

/**
 * qdma_sw_sel - selector of a queue's software context
 * @q: dir counts
 *
 * Context: any.
 * Return: the selector.
 */
enum qdma_sel qdma_sw_sel(const struct svff_qdma_hwq *q)
{
	return q->dir == SVFF_QDMA_C2H ? QDMA_SEL_SW_C2H : QDMA_SEL_SW_H2C;
}

/**
 * qdma_hw_sel - selector of a queue's hardware context
 * @q: dir counts
 *
 * Context: any.
 * Return: the selector.
 */
enum qdma_sel qdma_hw_sel(const struct svff_qdma_hwq *q)
{
	return q->dir == SVFF_QDMA_C2H ? QDMA_SEL_HW_C2H : QDMA_SEL_HW_H2C;
}

/**
 * qdma_credit_sel - selector of a queue's credit context
 * @q: dir counts
 *
 * Context: any.
 * Return: the selector.
 */
enum qdma_sel qdma_credit_sel(const struct svff_qdma_hwq *q)
{
	return q->dir == SVFF_QDMA_C2H ? QDMA_SEL_CREDIT_C2H : QDMA_SEL_CREDIT_H2C;
}

static bool has_prefetch(const struct svff_qdma_hwq *q)
{
	return q->st && q->dir == SVFF_QDMA_C2H;
}

/**
 * qdma_hwq_in_card - does the card have this queue and function?
 * @qd: PF
 * @q: queue
 *
 * Context: any.
 * Return: true if it has.
 */
bool qdma_hwq_in_card(const struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	return q->qid < qd->caps.num_queues && q->func < QDMA_MAX_FUNCS;
}

/* The stream engine uses the completion ring instead of the status entry. */
static int write_sw(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	bool st_c2h = has_prefetch(q);
	u64 values[QDMA_SW_FIELDS] = {
		[QDMA_SW_IRQ_ARM] = q->irq_arm && !st_c2h,
		[QDMA_SW_FUNC] = q->func,
		[QDMA_SW_QEN] = 1,
		[QDMA_SW_FCRD_EN] = q->fcrd_en,
		[QDMA_SW_WBI_CHK] = q->wbi_chk && !st_c2h,
		[QDMA_SW_WBI_INTVL_EN] = q->wbi_intvl_en,
		[QDMA_SW_FETCH_MAX] = QDMA_FETCH_MAX,
		[QDMA_SW_RING_IX] = q->ring_ix,
		[QDMA_SW_DESC_SZ] = q->desc_sz,
		[QDMA_SW_BYPASS] = q->bypass,
		[QDMA_SW_WBK_EN] = q->wbk_en && !st_c2h,
		[QDMA_SW_IRQ_EN] = q->irq_en && !st_c2h,
		[QDMA_SW_MRKR_DIS] = !q->bypass && !st_c2h,
		[QDMA_SW_IS_MM] = !q->st,
		[QDMA_SW_BASE] = q->base,
		[QDMA_SW_VEC] = q->vec,
		[QDMA_SW_INT_AGGR] = q->irq_aggr,
	};

	return qdma_ctxt_write(qd, qdma_sw_sel(q), q->qid, values);
}

static int write_prefetch(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	u64 values[QDMA_PFCH_FIELDS] = {
		[QDMA_PFCH_BYPASS] = q->pfch_bypass,
		[QDMA_PFCH_BUF_IX] = q->buf_ix,
		[QDMA_PFCH_EN] = q->pfch_en,
		[QDMA_PFCH_VALID] = 1,
	};

	return qdma_ctxt_write(qd, QDMA_SEL_PFCH, q->qid, values);
}

static int write_cmpt(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	u64 values[QDMA_CMPT_FIELDS] = {
		[QDMA_CMPT_EN_STAT] = q->cmpt_stat_en,
		[QDMA_CMPT_EN_INT] = q->cmpt_irq_en,
		[QDMA_CMPT_TRIG_MODE] = q->trig_mode,
		[QDMA_CMPT_FUNC] = q->func,
		[QDMA_CMPT_CNT_IX] = q->cnt_ix,
		[QDMA_CMPT_TIMER_IX] = q->timer_ix,
		[QDMA_CMPT_COLOR] = FIRST_COLOR,
		[QDMA_CMPT_RING_IX] = q->cmpt_ring_ix,
		[QDMA_CMPT_BASE] = q->cmpt_base & CMPT_BASE_MASK,
		[QDMA_CMPT_BASE_LOW] = FIELD_GET(CMPT_LOW_MASK, q->cmpt_base),
		[QDMA_CMPT_DESC_SZ] = q->cmpt_desc_sz,
		[QDMA_CMPT_VALID] = 1,
		[QDMA_CMPT_OVF_CHK_DIS] = q->cmpt_ovf_dis,
		[QDMA_CMPT_VEC] = q->vec,
		[QDMA_CMPT_INT_AGGR] = q->irq_aggr,
	};

	if (qdma_ctxt_has(qdma_ctxt_layout(qd, QDMA_SEL_CMPT), QDMA_CMPT_DIR_C2H))
		values[QDMA_CMPT_DIR_C2H] = has_prefetch(q);
	return qdma_ctxt_write(qd, QDMA_SEL_CMPT, q->qid, values);
}

/* All contexts of a queue in the order in which the hardware wants it. */
static int each_ctxt(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
		     int (*command)(struct svff_qdma *, enum qdma_sel, u32))
{
	int err;

	err = command(qd, qdma_sw_sel(q), q->qid);
	if (!err)
		err = command(qd, qdma_hw_sel(q), q->qid);
	if (!err)
		err = command(qd, qdma_credit_sel(q), q->qid);
	if (!err && has_prefetch(q))
		err = command(qd, QDMA_SEL_PFCH, q->qid);
	if (!err && q->cmpt)
		err = command(qd, QDMA_SEL_CMPT, q->qid);
	return err;
}

/* Whatever kind of queue it is said to be: what is left of a stream stays valid, and is the next owner's to read. */
static int clear_ctxts(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	struct svff_qdma_hwq any = *q;

	any.st = qd->caps.st;
	any.cmpt = has_prefetch(&any);
	return each_ctxt(qd, &any, qdma_ctxt_clear);
}

/**
 * svff_qdma_hwq_clear - clear the contexts of one direction of a queue
 * @qd: PF
 * @q: qid and dir count
 *
 * Context: process.
 * Return: 0, -EINVAL for a queue that the card does not have, -ETIMEDOUT,
 * -EBUSY or -ENODEV as a context command.
 */
int svff_qdma_hwq_clear(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	int err;

	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	err = clear_ctxts(qd, q);
	if (!err)
		clear_bit(2 * q->qid + q->dir, qd->card->dirty);
	return err;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_clear, SVFF_NS(SVFF_QDMA));

/* What enables the queue comes last: nothing of one that was set up in part works. */
static int write_all(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	int err = 0;

	if (has_prefetch(q))
		err = write_prefetch(qd, q);
	if (!err && q->cmpt)
		err = write_cmpt(qd, q);
	return err ?: write_sw(qd, q);
}

/**
 * svff_qdma_hwq_start - set up one direction of a queue
 * @qd: PF
 * @q: how
 *
 * If it fails nothing of the queue is left enabled, but for -ETIMEDOUT: a command
 * that has not ended may do so later.
 *
 * Context: process.
 * Return: 0, -EINVAL for a queue or function that the card does not have,
 * -ERANGE for a value that the hardware cannot hold, -ETIMEDOUT, -EBUSY or
 * -ENODEV as a context command.
 */
int svff_qdma_hwq_start(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	int err;

	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	if (test_and_set_bit(2 * q->qid + q->dir, qd->card->dirty)) {
		err = clear_ctxts(qd, q);
		if (err)
			return err;
	}
	err = write_all(qd, q);
	if (err)
		each_ctxt(qd, q, qdma_ctxt_inval);
	return err;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_start, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_hwq_stop - stop one direction of a queue
 * @qd: PF
 * @q: qid, dir, st and cmpt count
 *
 * When it succeeds the hardware does not touch the queue's memory any more.
 *
 * Context: process.
 * Return: 0, -EINVAL for a queue that the card does not have, -ETIMEDOUT,
 * -EBUSY or -ENODEV as a context command.
 */
int svff_qdma_hwq_stop(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	return each_ctxt(qd, q, qdma_ctxt_inval);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_stop, SVFF_NS(SVFF_QDMA));

/* Decoded contexts as the vendor's drivers have them in memory. */
struct dump_wire {
	u8 qid2vec[4];
	__le16 fmap_base;
	__le16 fmap_count;
	__le64 sw_base;
	__le16 sw_vec;
	__le16 sw_pidx;
	u8 sw[28];
	__le32 sw_pasid;
	u8 pad[4];
	__le64 sw_virtio_base;
	__le16 hw_cidx;
	__le16 hw_crd_use;
	u8 hw[4];
	__le32 credit;
	__le16 pfch_sw_crdt;
	u8 pfch0[4];
	__le16 pfch_num;
	u8 pfch1[4];
	u8 cmpt0[4];
	u8 pad2[4];
	__le64 cmpt_base;
	__le16 cmpt_pidx;
	__le16 cmpt_cidx;
	u8 cmpt1[2];
	__le16 cmpt_vec;
} __packed;

static_assert(sizeof(struct dump_wire) ==
	      sizeof_field(struct svff_mbox_qctxt_rd_rsp, ctxt));

static void dump_sw(struct dump_wire *wire, const u64 *v)
{
	static const u8 order[sizeof(wire->sw)] = {
		QDMA_SW_IRQ_ARM, QDMA_SW_FUNC, QDMA_SW_QEN, QDMA_SW_FCRD_EN,
		QDMA_SW_WBI_CHK, QDMA_SW_WBI_INTVL_EN, QDMA_SW_AT, QDMA_SW_FETCH_MAX,
		QDMA_SW_RING_IX, QDMA_SW_DESC_SZ, QDMA_SW_BYPASS, QDMA_SW_MM_CHN,
		QDMA_SW_WBK_EN, QDMA_SW_IRQ_EN, QDMA_SW_PORT_ID, QDMA_SW_IRQ_NO_LAST,
		QDMA_SW_ERR, QDMA_SW_ERR_WB_SENT, QDMA_SW_IRQ_REQ, QDMA_SW_MRKR_DIS,
		QDMA_SW_IS_MM, QDMA_SW_INT_AGGR, QDMA_SW_PASID_EN, QDMA_SW_DIS_INTR_ON_VF,
		QDMA_SW_VIRTIO_EN, QDMA_SW_PACK_BYP_OUT, QDMA_SW_IRQ_BYP, QDMA_SW_HOST_ID,
	};
	unsigned int i;

	wire->sw_base = cpu_to_le64(v[QDMA_SW_BASE]);
	wire->sw_vec = cpu_to_le16(v[QDMA_SW_VEC]);
	wire->sw_pidx = cpu_to_le16(v[QDMA_SW_PIDX]);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		wire->sw[i] = v[order[i]];
	wire->sw_pasid = cpu_to_le32(v[QDMA_SW_PASID]);
	wire->sw_virtio_base = cpu_to_le64(v[QDMA_SW_VIRTIO_BASE]);
}

static void dump_hw(struct dump_wire *wire, const u64 *v)
{
	wire->hw_cidx = cpu_to_le16(v[QDMA_HW_CIDX]);
	wire->hw_crd_use = cpu_to_le16(v[QDMA_HW_CRD_USE]);
	wire->hw[0] = v[QDMA_HW_DSC_PND];
	wire->hw[1] = v[QDMA_HW_IDL_STP_B];
	wire->hw[2] = v[QDMA_HW_EVT_PND];
	wire->hw[3] = v[QDMA_HW_FETCH_PND];
}

static void dump_pfch(struct dump_wire *wire, const u64 *v)
{
	wire->pfch_sw_crdt = cpu_to_le16(v[QDMA_PFCH_SW_CRDT]);
	wire->pfch0[0] = v[QDMA_PFCH_BYPASS];
	wire->pfch0[1] = v[QDMA_PFCH_BUF_IX];
	wire->pfch0[2] = v[QDMA_PFCH_PORT_ID];
	wire->pfch0[3] = v[QDMA_PFCH_VAR_DESC];
	wire->pfch_num = cpu_to_le16(v[QDMA_PFCH_NUM_PFCH]);
	wire->pfch1[0] = v[QDMA_PFCH_ERR];
	wire->pfch1[1] = v[QDMA_PFCH_EN];
	wire->pfch1[2] = v[QDMA_PFCH_ACTIVE];
	wire->pfch1[3] = v[QDMA_PFCH_VALID];
}

/* Bit fields that share bytes, from bit 0 up. */
static void dump_cmpt(struct dump_wire *wire, const u64 *v)
{
	wire->cmpt0[0] = v[QDMA_CMPT_EN_STAT] | v[QDMA_CMPT_EN_INT] << 1 |
			 v[QDMA_CMPT_TRIG_MODE] << 2;
	wire->cmpt0[1] = v[QDMA_CMPT_FUNC];
	wire->cmpt0[2] = v[QDMA_CMPT_CNT_IX] | v[QDMA_CMPT_TIMER_IX] << 4;
	wire->cmpt0[3] = v[QDMA_CMPT_INT_ST] | v[QDMA_CMPT_COLOR] << 2 |
			 v[QDMA_CMPT_RING_IX] << 3;
	wire->cmpt_base = cpu_to_le64(v[QDMA_CMPT_BASE] |
				      FIELD_PREP(CMPT_LOW_MASK, v[QDMA_CMPT_BASE_LOW]));
	wire->cmpt_pidx = cpu_to_le16(v[QDMA_CMPT_PIDX]);
	wire->cmpt_cidx = cpu_to_le16(v[QDMA_CMPT_CIDX]);
	wire->cmpt1[0] = v[QDMA_CMPT_DESC_SZ] | v[QDMA_CMPT_VALID] << 2 |
			 v[QDMA_CMPT_ERR] << 3 | v[QDMA_CMPT_USER_TRIG_PEND] << 5 |
			 v[QDMA_CMPT_TIMER_RUNNING] << 6 | v[QDMA_CMPT_FULL_UPD] << 7;
	wire->cmpt1[1] = v[QDMA_CMPT_OVF_CHK_DIS] | v[QDMA_CMPT_AT] << 1;
	wire->cmpt_vec = cpu_to_le16(v[QDMA_CMPT_VEC] | v[QDMA_CMPT_INT_AGGR] << 11 |
				     v[QDMA_CMPT_DIS_INTR_ON_VF] << 12 |
				     v[QDMA_CMPT_DIR_C2H] << 13);
}

/**
 * svff_qdma_hwq_dump - read the contexts of one direction of a queue
 * @qd: PF
 * @q: qid, func, dir, st and cmpt count
 * @rsp: its @ctxt is filled, in the layout of the wire format
 *
 * Context: process.
 * Return: 0, -EINVAL for a queue that the card does not have, -ETIMEDOUT,
 * -EBUSY or -ENODEV as a context command.
 */
int svff_qdma_hwq_dump(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
		       struct svff_mbox_qctxt_rd_rsp *rsp)
{
	struct dump_wire *wire = (struct dump_wire *)rsp->ctxt;
	u64 v[QDMA_CTXT_MAX_FIELDS];
	int err;

	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	memset(wire, 0, sizeof(*wire));
	err = qdma_ctxt_read(qd, QDMA_SEL_FMAP, q->func, v);
	if (err)
		return err;
	wire->fmap_base = cpu_to_le16(v[QDMA_FMAP_BASE]);
	wire->fmap_count = cpu_to_le16(v[QDMA_FMAP_COUNT]);
	err = qdma_ctxt_read(qd, qdma_sw_sel(q), q->qid, v);
	if (err)
		return err;
	dump_sw(wire, v);
	err = qdma_ctxt_read(qd, qdma_hw_sel(q), q->qid, v);
	if (err)
		return err;
	dump_hw(wire, v);
	err = qdma_ctxt_read(qd, qdma_credit_sel(q), q->qid, v);
	if (err)
		return err;
	wire->credit = cpu_to_le32(v[QDMA_CREDIT_CREDIT]);
	if (has_prefetch(q)) {
		err = qdma_ctxt_read(qd, QDMA_SEL_PFCH, q->qid, v);
		if (err)
			return err;
		dump_pfch(wire, v);
	}
	if (q->cmpt) {
		err = qdma_ctxt_read(qd, QDMA_SEL_CMPT, q->qid, v);
		if (err)
			return err;
		dump_cmpt(wire, v);
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_dump, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_irq_ring_clear - clear the context of an interrupt ring
 * @qd: PF
 * @index: ring
 *
 * Context: process.
 * Return: 0, -EINVAL for a ring that the card does not have, -ETIMEDOUT,
 * -EBUSY or -ENODEV as a context command.
 */
int svff_qdma_irq_ring_clear(struct svff_qdma *qd, u16 index)
{
	if (index >= QDMA_IRQ_RINGS)
		return -EINVAL;
	return qdma_ctxt_clear(qd, QDMA_SEL_INTR, index);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_irq_ring_clear, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_irq_ring_write - set up an interrupt ring
 * @qd: PF
 * @ring: how
 *
 * Context: process.
 * Return: 0, -EINVAL for a ring that the card does not have or a size that
 * there is not, -ERANGE for a base that is not aligned, -ETIMEDOUT, -EBUSY or
 * -ENODEV as a context command.
 */
int svff_qdma_irq_ring_write(struct svff_qdma *qd,
			     const struct svff_qdma_irq_ring *ring)
{
	u64 values[QDMA_INTR_FIELDS] = {
		[QDMA_INTR_VALID] = 1,
		[QDMA_INTR_VEC] = ring->vec,
		[QDMA_INTR_COLOR] = FIRST_COLOR,
		[QDMA_INTR_BASE] = ring->base,
		[QDMA_INTR_PAGE_SIZE] = ring->pages - 1,
	};
	int err;

	if (!ring->pages || ring->pages > 8 || ring->func >= QDMA_MAX_FUNCS)
		return -EINVAL;
	if (qdma_ctxt_has(qdma_ctxt_layout(qd, QDMA_SEL_INTR), QDMA_INTR_FUNC))
		values[QDMA_INTR_FUNC] = ring->func;
	err = svff_qdma_irq_ring_clear(qd, ring->index);
	return err ? err : qdma_ctxt_write(qd, QDMA_SEL_INTR, ring->index, values);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_irq_ring_write, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_irq_ring_inv - stop an interrupt ring
 * @qd: PF
 * @index: ring
 *
 * Context: process.
 * Return: as svff_qdma_irq_ring_clear().
 */
int svff_qdma_irq_ring_inv(struct svff_qdma *qd, u16 index)
{
	if (index >= QDMA_IRQ_RINGS)
		return -EINVAL;
	return qdma_ctxt_inval(qd, QDMA_SEL_INTR, index);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_irq_ring_inv, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_irq_ring_dump - read the context of an interrupt ring
 * @qd: PF
 * @index: ring
 * @rsp: filled, but for its header, num_rings and ring_index
 *
 * Context: process.
 * Return: as svff_qdma_irq_ring_clear().
 */
int svff_qdma_irq_ring_dump(struct svff_qdma *qd, u16 index,
			    struct svff_mbox_intr_ctxt *rsp)
{
	u64 v[QDMA_INTR_FIELDS];
	int err;

	if (index >= QDMA_IRQ_RINGS)
		return -EINVAL;
	err = qdma_ctxt_read(qd, QDMA_SEL_INTR, index, v);
	if (err)
		return err;
	rsp->base = cpu_to_le64(v[QDMA_INTR_BASE]);
	rsp->vec = cpu_to_le16(v[QDMA_INTR_VEC]);
	rsp->pidx = cpu_to_le16(v[QDMA_INTR_PIDX]);
	rsp->valid = v[QDMA_INTR_VALID];
	rsp->int_st = v[QDMA_INTR_INT_ST];
	rsp->color = v[QDMA_INTR_COLOR];
	rsp->page_size = v[QDMA_INTR_PAGE_SIZE];
	rsp->at = v[QDMA_INTR_AT];
	rsp->host_id = v[QDMA_INTR_HOST_ID];
	rsp->pasid = cpu_to_le32(v[QDMA_INTR_PASID]);
	rsp->pasid_en = v[QDMA_INTR_PASID_EN];
	rsp->func = cpu_to_le16(v[QDMA_INTR_FUNC]);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_irq_ring_dump, SVFF_NS(SVFF_QDMA));
