// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox protocol: every opcode with good input, and what the PF must
 * say to bad input.
 */
#include <errno.h>

#include "test.h"

#define NO_BASE		0xFFFFFFFFu
#define CARD_QUEUES	2048
#define LAST_RING_INDEX	255
#define REG_GROUP_REGS	14
#define REG_GROUP_NONE	3
#define FIRST_RING_REG	0x204

/* What the reference lists as the card's defaults */
static const uint16_t default_ringsz[CSR_ENTRIES] = {
	2049, 65, 129, 193, 257, 385, 513, 769, 1025, 1537, 3073, 4097, 6145,
	8193, 12289, 16385,
};

static const uint8_t default_counter[CSR_ENTRIES] = {
	2, 4, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192,
};

/* CPM5 has twice as much of both. */
static enum ktap_result hello(const void *arg)
{
	uint32_t version = bar_read(&vf_a.dev, vf_a.mbox.base + MBOX_VERSION);
	unsigned int times = version & VF_VERSION_CPM5 ? 2 : 1;
	struct hello h;

	(void)arg;
	EXPECT_STATUS(vf_hello(&vf_a, &h), 0);
	KTAP_FAIL_ON(vf_a.mbox.fn != vf_number(&vf_a),
		     "function id %u, VF number %d", vf_a.mbox.fn,
		     vf_number(&vf_a));
	KTAP_FAIL_ON(vf_a.mbox.parent, "parent %u", vf_a.mbox.parent);
	KTAP_FAIL_ON(h.num_pfs != 1 || h.num_qs != times * CARD_QUEUES || h.mm_chn != times,
		     "%u PFs, %u queues, %u MM channels", h.num_pfs, h.num_qs,
		     h.mm_chn);
	KTAP_FAIL_ON(~h.caps & (HELLO_FLR | HELLO_MM | HELLO_MBOX),
		     "caps 0x%x", h.caps);
	return KTAP_PASS;
}

static enum ktap_result identity(const void *arg)
{
	uint32_t version = bar_read(&vf_a.dev, vf_a.mbox.base + MBOX_VERSION);

	(void)arg;
	KTAP_FAIL_ON(version >> 16 != VF_VERSION_MAGIC, "0x%08x", version);
	KTAP_FAIL_ON((vf_a.mbox.base == VF_MBOX_OLD) != !(version & VF_VERSION_NEW),
		     "0x%08x, identity at the place of another generation", version);
	KTAP_FAIL_ON(!bar_read(&vf_a.dev, vf_a.mbox.base + MBOX_USER_BAR),
		     "no user BAR");
	return KTAP_PASS;
}

static enum ktap_result mailbox_interrupt(const void *arg)
{
	struct mbox_msg req, rsp;
	bool came = false;
	int i;

	(void)arg;
	vfio_irq_wait(&vf_a.dev, VF_VEC_MBOX, 0);
	mbox_request(&vf_a.mbox, &req, OP_CSR);
	KTAP_FAIL_ON(mbox_send(&vf_a.mbox, &req), "message not taken");
	/* The first may be that of an answer which was found without. */
	for (i = 0; i < 2 && !came; i++) {
		KTAP_FAIL_ON(!vfio_irq_wait(&vf_a.dev, VF_VEC_MBOX, MBOX_REPLY_MS),
			     "answer without an interrupt");
		came = mbox_recv(&vf_a.mbox, &rsp);
	}
	KTAP_FAIL_ON(!came, "interrupt, no message");
	return KTAP_PASS;
}

static enum ktap_result csr(const void *arg)
{
	struct mbox_msg rsp;

	(void)arg;
	EXPECT_STATUS(vf_csr(&vf_a, &rsp), 0);
	KTAP_FAIL_ON(memcmp(vf_a.ringsz, default_ringsz, sizeof(default_ringsz)),
		     "ring sizes start with %u, %u", vf_a.ringsz[0],
		     vf_a.ringsz[1]);
	KTAP_FAIL_ON(memcmp(rsp.b + M_CSR_COUNTER, default_counter,
			    sizeof(default_counter)), "counters start with %u",
		     rsp.b[M_CSR_COUNTER]);
	return KTAP_PASS;
}

static enum ktap_result qreq_all(const void *arg)
{
	(void)arg;
	EXPECT_STATUS(fresh(&vf_a), 0);
	EXPECT_STATUS(vf_qreq(&vf_a, -1, quota), 0);
	KTAP_FAIL_ON(vf_a.qmax != quota, "%u queues, not %u", vf_a.qmax, quota);
	KTAP_FAIL_ON((long)vf_a.qbase != vf_attr(&vf_a, "queue_base"),
		     "base %u, sysfs %ld", vf_a.qbase,
		     vf_attr(&vf_a, "queue_base"));
	return KTAP_PASS;
}

static enum ktap_result qreq_release(const void *arg)
{
	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(vf_qreq(&vf_a, -1, 0), 0);
	KTAP_FAIL_ON(vf_a.qmax, "still %u queues", vf_a.qmax);
	EXPECT_STATUS(vf_qreq(&vf_a, -1, 1), 0);
	KTAP_FAIL_ON(vf_a.qmax != 1, "%u queues, not 1", vf_a.qmax);
	return KTAP_PASS;
}

static enum ktap_result expect_active(uint32_t h2c, uint32_t c2h, uint32_t cmpt)
{
	uint32_t n[3];

	EXPECT_STATUS(vf_qactive(&vf_a, n), 0);
	KTAP_FAIL_ON(n[Q_H2C] != h2c || n[Q_C2H] != c2h || n[Q_CMPT] != cmpt,
		     "counts %u %u %u, not %u %u %u", n[Q_H2C], n[Q_C2H],
		     n[Q_CMPT], h2c, c2h, cmpt);
	return KTAP_PASS;
}

static enum ktap_result qnotify_counts(const void *arg)
{
	uint32_t base, type;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	base = vf_a.qbase;
	for (type = Q_H2C; type <= Q_CMPT; type++)
		EXPECT_STATUS(vf_qnotify(&vf_a, true, base, type), 0);
	EXPECT_STATUS(vf_qnotify(&vf_a, true, base + 1, Q_C2H), 0);
	if (expect_active(1, 2, 1))
		return KTAP_FAIL;
	EXPECT_STATUS(vf_qnotify(&vf_a, false, base + 1, Q_C2H), 0);
	for (type = Q_H2C; type <= Q_CMPT; type++)
		EXPECT_STATUS(vf_qnotify(&vf_a, false, base, type), 0);
	return expect_active(0, 0, 0);
}

static enum ktap_result qnotify_del_unknown(const void *arg)
{
	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	vf_qnotify(&vf_a, false, vf_a.qbase, Q_H2C);
	return expect_active(0, 0, 0);
}

/* Every queue of the range once, then one of them again. */
static enum ktap_result qnotify_too_many(const void *arg)
{
	uint32_t i;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	for (i = 0; i < quota; i++)
		EXPECT_STATUS(vf_qnotify(&vf_a, true, vf_a.qbase + i, Q_H2C), 0);
	vf_qnotify(&vf_a, true, vf_a.qbase, Q_H2C);
	return expect_active(quota, 0, 0);
}

static enum ktap_result hello_again_releases(const void *arg)
{
	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(vf_qnotify(&vf_a, true, vf_a.qbase, Q_H2C), 0);
	EXPECT_STATUS(fresh(&vf_a), 0);
	if (expect_active(0, 0, 0))
		return KTAP_FAIL;
	KTAP_FAIL_ON(vf_attr(&vf_a, "queues_active") > 0, "sysfs counts %ld",
		     vf_attr(&vf_a, "queues_active"));
	EXPECT_STATUS(vf_qreq(&vf_a, -1, quota), 0);
	return KTAP_PASS;
}

static enum ktap_result check_sw_context(const struct mbox_msg *rsp,
					 const struct mm_queue *q)
{
	KTAP_FAIL_ON(msg_get64(rsp, M_RD_SW_BASE) != q->ring.iova,
		     "ring base 0x%llx",
		     (unsigned long long)msg_get64(rsp, M_RD_SW_BASE));
	KTAP_FAIL_ON(rsp->b[M_RD_SW_QEN] != 1 || rsp->b[M_RD_SW_IS_MM] != 1 ||
		     rsp->b[M_RD_SW_WBK] != 1, "enabled %u, MM %u, writeback %u",
		     rsp->b[M_RD_SW_QEN], rsp->b[M_RD_SW_IS_MM],
		     rsp->b[M_RD_SW_WBK]);
	KTAP_FAIL_ON(rsp->b[M_RD_SW_FNC] != vf_a.mbox.fn, "function %u, not %u",
		     rsp->b[M_RD_SW_FNC], vf_a.mbox.fn);
	KTAP_FAIL_ON(default_ringsz[rsp->b[M_RD_SW_RNGSZ] % CSR_ENTRIES] !=
		     q->slots + 1, "ring size index %u", rsp->b[M_RD_SW_RNGSZ]);
	KTAP_FAIL_ON(rsp->b[M_RD_SW_DSCSZ] != MM_DESC_SIZE_CODE,
		     "descriptor size %u", rsp->b[M_RD_SW_DSCSZ]);
	KTAP_FAIL_ON(msg_get16(rsp, M_RD_FMAP_BASE) != vf_a.qbase ||
		     msg_get16(rsp, M_RD_FMAP_MAX) != vf_a.qmax,
		     "function map %u, %u", msg_get16(rsp, M_RD_FMAP_BASE),
		     msg_get16(rsp, M_RD_FMAP_MAX));
	return KTAP_PASS;
}

static enum ktap_result qctxt_write_read(const void *arg)
{
	const bool *c2h = arg;
	struct mbox_msg rsp;
	struct mm_queue q;
	enum ktap_result r;

	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(mm_open(&q, &vf_a, quota - 1, *c2h, MODE_POLL, TABLE_64),
		      0);
	EXPECT_STATUS(mm_read_context(&q, &rsp), 0);
	r = check_sw_context(&rsp, &q);
	EXPECT_STATUS(mm_close(&q), 0);
	return r;
}

static bool any_set(const struct mbox_msg *m, unsigned int from,
		    unsigned int to)
{
	while (from < to)
		if (m->b[from++])
			return true;
	return false;
}

/* @arg: OP_QCTXT_INV only disables, OP_QCTXT_CLR leaves nothing. */
static enum ktap_result qctxt_take_down(const void *arg)
{
	const enum mbox_op *op = arg;
	struct mbox_msg req, rsp;
	struct mm_queue q;

	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(mm_open(&q, &vf_a, 0, false, MODE_POLL, TABLE_64), 0);
	qctxt_request(&vf_a, &req, *op, mm_hw_qid(&q), false);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	EXPECT_STATUS(mm_read_context(&q, &rsp), 0);
	KTAP_FAIL_ON(rsp.b[M_RD_SW_QEN], "still enabled");
	KTAP_FAIL_ON(*op == OP_QCTXT_CLR &&
		     any_set(&rsp, M_RD_SW_BASE, M_RD_SW_END), "not all zero");
	mm_close(&q);
	return KTAP_PASS;
}

/* What an interrupt ring's context says of the function; that of QDMA 3.x says nothing. */
static unsigned int ring_function(void)
{
	return vf_a.mbox.base == VF_MBOX_OLD ? 0 : vf_a.mbox.fn;
}

static enum ktap_result intr_write_read(const void *arg)
{
	struct mbox_msg req, rsp;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(agg_open(&vf_a, VF_VEC_DATA), 0);
	intr_request(&vf_a, &req, OP_INTR_RD, 0);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	KTAP_FAIL_ON(msg_get64(&rsp, M_IC_BASE) != vf_a.agg.mem.iova ||
		     rsp.b[M_IC_VALID] != 1 || rsp.b[M_IC_COLOR] != 1 ||
		     msg_get16(&rsp, M_IC_VEC) != VF_VEC_DATA ||
		     msg_get16(&rsp, M_IC_FUNC) != ring_function(),
		     "valid %u, colour %u, vector %u, function %u",
		     rsp.b[M_IC_VALID], rsp.b[M_IC_COLOR],
		     msg_get16(&rsp, M_IC_VEC), msg_get16(&rsp, M_IC_FUNC));
	return KTAP_PASS;
}

static enum ktap_result intr_take_down(const void *arg)
{
	const enum mbox_op *op = arg;
	struct mbox_msg req, rsp;

	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(agg_open(&vf_a, VF_VEC_DATA), 0);
	intr_request(&vf_a, &req, *op, 0);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	intr_request(&vf_a, &req, OP_INTR_RD, 0);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	KTAP_FAIL_ON(rsp.b[M_IC_VALID], "still valid");
	KTAP_FAIL_ON(*op == OP_INTR_CLR && msg_get64(&rsp, M_IC_BASE),
		     "base is left");
	dma_free(&vf_a.dev, &vf_a.agg.mem);
	return KTAP_PASS;
}

static enum ktap_result reg_list(const void *arg)
{
	struct mbox_msg req, rsp;

	(void)arg;
	EXPECT_STATUS(fresh(&vf_a), 0);
	mbox_request(&vf_a.mbox, &req, OP_REG_LIST_READ);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	KTAP_FAIL_ON(msg_get16(&rsp, M_RL_COUNT) != REG_GROUP_REGS,
		     "%u registers", msg_get16(&rsp, M_RL_COUNT));
	KTAP_FAIL_ON(msg_get32(&rsp, M_RL_PAIRS) != FIRST_RING_REG ||
		     msg_get32(&rsp, M_RL_PAIRS + 4) != default_ringsz[0],
		     "first is 0x%x = %u", msg_get32(&rsp, M_RL_PAIRS),
		     msg_get32(&rsp, M_RL_PAIRS + 4));
	return KTAP_PASS;
}

static enum ktap_result no_answer(const struct mbox_msg *req)
{
	struct mbox_msg rsp;

	KTAP_FAIL_ON(mbox_send(&vf_a.mbox, req), "message not taken");
	KTAP_FAIL_ON(!mbox_poll(&vf_a.mbox, &rsp, 100),
		     "answered with opcode 0x%02x", rsp.b[M_OP]);
	return KTAP_PASS;
}

static enum ktap_result bye(const void *arg)
{
	struct mbox_msg req;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	mbox_request(&vf_a.mbox, &req, OP_VF_BYE);
	if (no_answer(&req))
		return KTAP_FAIL;
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

static enum ktap_result reset_bye(const void *arg)
{
	struct mbox_msg req, rsp;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	mbox_request(&vf_a.mbox, &req, OP_PF_RESET_VF_BYE);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

/* The vendor's PF can be killed by this one. */
static enum ktap_result all_zero(const void *arg)
{
	struct mbox_msg req = { 0 };

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	if (no_answer(&req))
		return KTAP_FAIL;
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

/* A VF that calls itself another one is answered as what it is. */
static enum ktap_result forged_source(const void *arg)
{
	struct mbox_msg req, rsp;
	uint32_t n[3];

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(mapped(&vf_b), 0);
	EXPECT_STATUS(vf_qnotify(&vf_b, true, vf_b.qbase, Q_H2C), 0);
	mbox_request(&vf_a.mbox, &req, OP_QREQ);
	msg_put16(&req, M_SRC, vf_b.mbox.fn);
	msg_put32(&req, M_QBASE, NO_BASE);
	KTAP_FAIL_ON(vf_ask(&vf_a, &req, &rsp) == VF_NO_ANSWER, "no answer");
	KTAP_FAIL_ON(msg_get16(&rsp, M_DST) != vf_a.mbox.fn, "addressed to %u",
		     msg_get16(&rsp, M_DST));
	EXPECT_STATUS(vf_qactive(&vf_b, n), 0);
	KTAP_FAIL_ON(n[Q_H2C] != 1, "the other VF lost its queue");
	EXPECT_STATUS(vf_qnotify(&vf_b, false, vf_b.qbase, Q_H2C), 0);
	return KTAP_PASS;
}

/*
 * Bad input: a good message is spoilt in one place. @want is the exact status;
 * the VF must still be in order after it.
 */
struct bad {
	int want;
	uint8_t op;
	void (*spoil)(struct mbox_msg *req);
};

/* Well formed, for the last queue of the range. */
static void good_request(struct mbox_msg *req, uint8_t op)
{
	uint16_t qid = vf_a.qbase + vf_a.qmax - 1;

	switch (op) {
	case OP_QCTXT_WRT:
		qctxt_mm(&vf_a, req, qid, false, vf_a.dev.next_iova,
			 TABLE_64 - 1);
		return;
	case OP_QCTXT_RD:
	case OP_QCTXT_CLR:
	case OP_QCTXT_INV:
		qctxt_request(&vf_a, req, op, qid, false);
		return;
	case OP_INTR_WRT:
	case OP_INTR_RD:
	case OP_INTR_CLR:
	case OP_INTR_INV:
		intr_request(&vf_a, req, op, vf_a.dev.next_iova);
		return;
	}
	mbox_request(&vf_a.mbox, req, op);
	if (op == OP_QREQ || op == OP_FMAP || op == OP_HELLO) {
		msg_put32(req, M_QBASE, op == OP_FMAP ? vf_a.qbase : NO_BASE);
		msg_put32(req, M_QMAX, vf_a.qmax);
	} else if (op == OP_QNOTIFY_ADD || op == OP_QNOTIFY_DEL) {
		msg_put16(req, M_QN_QID, qid);
	}
}

static void more_queues(struct mbox_msg *r) { msg_put32(r, M_QMAX, quota + 1); }
static void all_queues(struct mbox_msg *r) { msg_put32(r, M_QMAX, CARD_QUEUES); }
static void huge_queues(struct mbox_msg *r) { msg_put32(r, M_QMAX, 1u << 31); }
static void minus_queues(struct mbox_msg *r) { msg_put32(r, M_QMAX, NO_BASE); }
static void base_of_b(struct mbox_msg *r) { msg_put32(r, M_QBASE, vf_b.qbase); }
static void base_below(struct mbox_msg *r) { msg_put32(r, M_QBASE, vf_a.qbase - 1); }
static void base_above(struct mbox_msg *r) { msg_put32(r, M_QBASE, vf_a.qbase + 1); }
static void base_none(struct mbox_msg *r) { msg_put32(r, M_QBASE, NO_BASE); }
static void qid_next(struct mbox_msg *r) { msg_put16(r, M_QC_QID, vf_a.qbase + vf_a.qmax); }
static void qid_before(struct mbox_msg *r) { msg_put16(r, M_QC_QID, vf_a.qbase - 1); }
static void qid_of_b(struct mbox_msg *r) { msg_put16(r, M_QC_QID, vf_b.qbase); }
static void qid_huge(struct mbox_msg *r) { msg_put16(r, M_QC_QID, 0xFFFF); }
static void type_unknown(struct mbox_msg *r) { msg_put32(r, M_QN_TYPE, Q_CMPT + 1); }
static void type_huge(struct mbox_msg *r) { msg_put32(r, M_QN_TYPE, 1u << 31); }
static void kind_reserved(struct mbox_msg *r) { r->b[M_QC_KIND] |= QC_KIND_RESERVED; }
static void flags_reserved(struct mbox_msg *r) { r->w[M_QC_FLAGS / 4] |= QC_FLAGS_RESERVED; }
static void ring_unknown(struct mbox_msg *r) { msg_put16(r, M_QC_RINGSZ, 63); }
static void ring_zero(struct mbox_msg *r) { msg_put16(r, M_QC_RINGSZ, 0); }
static void vec_too_high(struct mbox_msg *r) { msg_put16(r, M_QC_INTR, VF_VECTORS); msg_put32(r, M_QC_FLAGS, msg_get32(r, M_QC_FLAGS) | QC_IRQ_EN); }
static void agg_of_b(struct mbox_msg *r) { msg_put16(r, M_QC_INTR, vf_b.mbox.fn | QC_INTR_AGGR); msg_put32(r, M_QC_FLAGS, msg_get32(r, M_QC_FLAGS) | QC_IRQ_EN); }
static void cmpt_only_of_b(struct mbox_msg *r) { qid_of_b(r); r->b[M_QC_KIND] = 0; }
static void rings_none(struct mbox_msg *r) { r->b[M_IC_NUM] = 0; }
static void rings_two(struct mbox_msg *r) { r->b[M_IC_NUM] = 2; }
static void rings_many(struct mbox_msg *r) { r->b[M_IC_NUM] = 255; }
static void ring_of_b(struct mbox_msg *r) { msg_put32(r, M_IC_INDEX, vf_b.mbox.fn); }
static void ring_of_pf(struct mbox_msg *r) { msg_put32(r, M_IC_INDEX, 0); }
static void ring_high(struct mbox_msg *r) { msg_put32(r, M_IC_INDEX, LAST_RING_INDEX + 1); }
static void ring_huge(struct mbox_msg *r) { msg_put32(r, M_IC_INDEX, NO_BASE); }
static void intr_vec_high(struct mbox_msg *r) { msg_put16(r, M_IC_VEC, VF_VECTORS); }
static void page_size_high(struct mbox_msg *r) { r->b[M_IC_PAGE_SIZE] = 8; }
static void base_unaligned(struct mbox_msg *r) { msg_put64(r, M_IC_BASE, 0x1008); }
static void tail(struct mbox_msg *r) { r->b[MBOX_BYTES - 1] = 1; }
static void header_status(struct mbox_msg *r) { r->b[M_STATUS] = 1; }
static void intr_filler(struct mbox_msg *r) { msg_put16(r, M_QC_INTR, 1u << 15); }
static void translated(struct mbox_msg *r) { r->w[M_QC_FLAGS / 4] |= QC_AT; }
static void group_none(struct mbox_msg *r) { msg_put16(r, M_RL_GROUP, REG_GROUP_NONE); }
static void group_huge(struct mbox_msg *r) { msg_put16(r, M_RL_GROUP, 0xFFFF); }

/* Descriptors of 8 bytes, which are those of an ST C2H queue alone. */
static void desc_8(struct mbox_msg *r)
{
	msg_put32(r, M_QC_FLAGS, msg_get32(r, M_QC_FLAGS) & ~QC_DESC_SZ);
}

/* An ST C2H queue whose completion ring is right but for one field. */
static void st_queue(struct mbox_msg *r)
{
	desc_8(r);
	r->b[M_QC_KIND] = QC_ST | QC_C2H | QC_CMPT_ST << QC_CMPT_SHIFT;
	msg_put64(r, M_QC_CMPT_BASE, vf_a.dev.next_iova);
	r->b[M_QC_CNT] = 2;
	r->b[M_QC_TIMER] = 1;
	msg_put16(r, M_QC_BUFSZ, 4096);
	msg_put16(r, M_QC_CMPT_RINGSZ, TABLE_64 - 1);
}

static void st_buffer(struct mbox_msg *r) { st_queue(r); msg_put16(r, M_QC_BUFSZ, 4097); }
static void st_counter(struct mbox_msg *r) { st_queue(r); r->b[M_QC_CNT] = 3; }
static void st_timer(struct mbox_msg *r) { st_queue(r); r->b[M_QC_TIMER] = 3; }
static void st_cmpt_ring(struct mbox_msg *r) { st_queue(r); msg_put16(r, M_QC_CMPT_RINGSZ, 66); }

static enum ktap_result bad_request(const void *arg)
{
	const struct bad *bad = arg;
	struct mbox_msg req, rsp;
	long refused;
	uint32_t n[3];

	EXPECT_STATUS(mapped(&vf_b), 0);
	EXPECT_STATUS(mapped(&vf_a), 0);
	refused = vf_attr(&vf_a, "stats/refused");
	good_request(&req, bad->op);
	bad->spoil(&req);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), bad->want);
	KTAP_FAIL_ON(vf_attr(&vf_a, "stats/refused") != refused + 1,
		     "refused went from %ld to %ld", refused,
		     vf_attr(&vf_a, "stats/refused"));
	EXPECT_STATUS(vf_qactive(&vf_a, n), 0);
	KTAP_FAIL_ON(n[Q_H2C] || n[Q_C2H] || n[Q_CMPT], "a queue is counted");
	return KTAP_PASS;
}

/* A stream that is cleared as if it were none: neither its completion ring nor its buffers are the next owner's to see. */
static enum ktap_result qctxt_clr_other_kind(const void *arg)
{
	struct mbox_msg req, rsp;
	uint16_t qid;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	good_request(&req, OP_QCTXT_WRT);
	st_queue(&req);
	qid = msg_get16(&req, M_QC_QID);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	qctxt_request(&vf_a, &req, OP_QCTXT_CLR, qid, true);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	qctxt_request(&vf_a, &req, OP_QCTXT_RD, qid, true);
	req.b[M_QC_KIND] = QC_ST | QC_C2H | QC_CMPT_ST << QC_CMPT_SHIFT;
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	KTAP_FAIL_ON(any_set(&rsp, M_RD_SW_BASE, MBOX_BYTES), "not all zero");
	return KTAP_PASS;
}

/* The function map is what it was: nothing of the refused request is left. */
static enum ktap_result fmap_unchanged(const void *arg)
{
	struct mbox_msg req, rsp;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_b), 0);
	EXPECT_STATUS(mapped(&vf_a), 0);
	KTAP_FAIL_ON(vf_fmap(&vf_a, vf_b.qbase, vf_b.qmax) >= 0, "taken");
	qctxt_request(&vf_a, &req, OP_QCTXT_RD, vf_a.qbase, false);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	KTAP_FAIL_ON(msg_get16(&rsp, M_RD_FMAP_BASE) != vf_a.qbase ||
		     msg_get16(&rsp, M_RD_FMAP_MAX) != vf_a.qmax,
		     "map is %u, %u", msg_get16(&rsp, M_RD_FMAP_BASE),
		     msg_get16(&rsp, M_RD_FMAP_MAX));
	return KTAP_PASS;
}

/* Function ids inside messages mean nothing: the contexts get the sender's. */
static enum ktap_result foreign_function_id(const void *arg)
{
	struct mbox_msg req, rsp;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	good_request(&req, OP_QCTXT_WRT);
	msg_put16(&req, M_QC_FUNC, vf_b.mbox.fn);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	good_request(&req, OP_QCTXT_RD);
	EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
	KTAP_FAIL_ON(rsp.b[M_RD_SW_FNC] != vf_a.mbox.fn, "queue of function %u",
		     rsp.b[M_RD_SW_FNC]);
	good_request(&req, OP_INTR_WRT);
	msg_put16(&req, M_IC_FUNC, vf_b.mbox.fn);
	if (!vf_ask(&vf_a, &req, &rsp)) {
		good_request(&req, OP_INTR_RD);
		EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), 0);
		KTAP_FAIL_ON(msg_get16(&rsp, M_IC_FUNC) != ring_function(),
			     "interrupts go to function %u",
			     msg_get16(&rsp, M_IC_FUNC));
	}
	EXPECT_STATUS(fresh(&vf_a), 0);
	return KTAP_PASS;
}

static enum ktap_result qreq_while_active(const void *arg)
{
	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(vf_qnotify(&vf_a, true, vf_a.qbase, Q_H2C), 0);
	EXPECT_STATUS(vf_qreq(&vf_a, -1, 1), ST_NUM_QUEUES);
	KTAP_FAIL_ON(vf_a.qmax != quota, "range changed");
	EXPECT_STATUS(vf_qnotify(&vf_a, true, vf_a.qbase + 1, Q_H2C), 0);
	return KTAP_PASS;
}

/* A wish for another's base may be refused or ignored, never granted. */
static enum ktap_result qreq_foreign_base(const void *arg)
{
	int status;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_b), 0);
	EXPECT_STATUS(fresh(&vf_a), 0);
	status = vf_qreq(&vf_a, vf_b.qbase, quota);
	KTAP_FAIL_ON(status == VF_NO_ANSWER, "no answer");
	KTAP_FAIL_ON(!status && vf_a.qbase < vf_b.qbase + vf_b.qmax &&
		     vf_b.qbase < vf_a.qbase + vf_a.qmax, "granted");
	return KTAP_PASS;
}

static enum ktap_result unknown_opcodes(const void *arg)
{
	struct mbox_msg req, rsp;
	int op;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	for (op = OP_FIRST_UNKNOWN; op < MBOX_RSP; op += 7) {
		mbox_request(&vf_a.mbox, &req, op);
		memset(req.b + M_DST, 0xFF, MBOX_BYTES - M_DST);
		EXPECT_STATUS(vf_ask(&vf_a, &req, &rsp), ST_MSG);
	}
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

/* Answers that nobody asked for, and the PF's own requests sent back at it. */
static enum ktap_result stray_answers(const void *arg)
{
	static const uint8_t ops[] = {
		0x81, 0x84, 0x90, 0x91, 0x93, 0xFF, OP_RESET_PREPARE, OP_PF_BYE,
		OP_RESET_DONE,
	};
	struct mbox_msg req, rsp;
	unsigned int i;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		mbox_request(&vf_a.mbox, &req, ops[i]);
		KTAP_FAIL_ON(mbox_send(&vf_a.mbox, &req), "not taken");
	}
	while (!mbox_poll(&vf_a.mbox, &rsp, 100))
		;
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

/* Requests that need a session or a range, before there is one. */
static enum ktap_result before_hello(const void *arg)
{
	static const uint8_t ops[] = {
		OP_FMAP, OP_QREQ, OP_QNOTIFY_ADD, OP_QNOTIFY_DEL, OP_QCTXT_WRT,
		OP_QCTXT_RD, OP_QCTXT_CLR, OP_QCTXT_INV, OP_INTR_WRT,
		OP_INTR_RD, OP_INTR_CLR, OP_INTR_INV,
	};
	struct mbox_msg req, rsp;
	unsigned int i;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		good_request(&req, ops[i]);
		EXPECT_STATUS(vf_bye(&vf_a), 0);
		KTAP_FAIL_ON(vf_ask(&vf_a, &req, &rsp) >= 0,
			     "opcode 0x%02x taken without HELLO", ops[i]);
		EXPECT_STATUS(mapped(&vf_a), 0);
	}
	return KTAP_PASS;
}

static enum ktap_result context_before_qreq(const void *arg)
{
	static const uint8_t ops[] = {
		OP_QNOTIFY_ADD, OP_QCTXT_WRT, OP_QCTXT_RD, OP_QCTXT_CLR,
		OP_QCTXT_INV,
	};
	struct mbox_msg req[ARRAY_SIZE(ops)], rsp;
	unsigned int i;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		good_request(&req[i], ops[i]);
	EXPECT_STATUS(fresh(&vf_a), 0);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EXPECT_STATUS(vf_ask(&vf_a, &req[i], &rsp), ST_QID);
	return KTAP_PASS;
}

static enum ktap_result bystander(const void *arg)
{
	(void)arg;
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

#define BAD(text, want_, op_, spoil_) {					\
	text, bad_request,						\
	&(const struct bad){ .want = (want_), .op = (op_), .spoil = (spoil_) } \
}

static const bool h2c_dir = false, c2h_dir = true;
static const enum mbox_op qctxt_inv = OP_QCTXT_INV, qctxt_clr = OP_QCTXT_CLR;
static const enum mbox_op intr_inv = OP_INTR_INV, intr_clr = OP_INTR_CLR;

static const struct ktap_case cases[] = {
	{ "identity registers", identity, NULL },
	{ "HELLO tells ids and capabilities", hello, NULL },
	{ "an answer comes with an interrupt", mailbox_interrupt, NULL },
	{ "CSR tells the default tables", csr, NULL },
	{ "QREQ grants the whole quota", qreq_all, NULL },
	{ "QREQ 0 gives the range back", qreq_release, NULL },
	{ "QNOTIFY counts by type", qnotify_counts, NULL },
	{ "QNOTIFY_DEL of an unknown queue counts nothing", qnotify_del_unknown, NULL },
	{ "QNOTIFY_ADD never counts more than the range", qnotify_too_many, NULL },
	{ "HELLO again releases the queues", hello_again_releases, NULL },
	{ "QCTXT_WRT and QCTXT_RD, H2C", qctxt_write_read, &h2c_dir },
	{ "QCTXT_WRT and QCTXT_RD, C2H", qctxt_write_read, &c2h_dir },
	{ "QCTXT_INV disables", qctxt_take_down, &qctxt_inv },
	{ "QCTXT_CLR leaves nothing", qctxt_take_down, &qctxt_clr },
	{ "QCTXT_CLR as another kind leaves nothing", qctxt_clr_other_kind, NULL },
	{ "INTR_CTXT_WRT and INTR_CTXT_RD", intr_write_read, NULL },
	{ "INTR_CTXT_INV disables", intr_take_down, &intr_inv },
	{ "INTR_CTXT_CLR leaves nothing", intr_take_down, &intr_clr },
	{ "REG_LIST_READ tells the ring sizes", reg_list, NULL },
	{ "VF_BYE has no answer and ends the session", bye, NULL },
	{ "PF_RESET_VF_BYE is answered and ends the session", reset_bye, NULL },
	{ "an all-zero message is survived", all_zero, NULL },
	{ "a forged source id is not believed", forged_source, NULL },
	{ "function ids in messages are not believed", foreign_function_id, NULL },
	{ "unknown opcodes are answered as invalid", unknown_opcodes, NULL },
	{ "stray answers are survived", stray_answers, NULL },
	{ "requests before HELLO are refused", before_hello, NULL },
	{ "queue requests before QREQ are refused", context_before_qreq, NULL },
	{ "QREQ with active queues is refused", qreq_while_active, NULL },
	{ "QREQ for a foreign base gets no foreign queue", qreq_foreign_base, NULL },
	{ "a refused FMAP changes nothing", fmap_unchanged, NULL },
	BAD("QREQ: one more than the quota", ST_NUM_QUEUES, OP_QREQ, more_queues),
	BAD("QREQ: all of the card", ST_NUM_QUEUES, OP_QREQ, all_queues),
	BAD("QREQ: sign bit", ST_NUM_QUEUES, OP_QREQ, huge_queues),
	BAD("QREQ: minus one", ST_NUM_QUEUES, OP_QREQ, minus_queues),
	BAD("QREQ: longer than it is", ST_MSG, OP_QREQ, tail),
	BAD("QREQ: with a status", ST_MSG, OP_QREQ, header_status),
	BAD("HELLO: longer than it is", ST_MSG, OP_HELLO, tail),
	BAD("FMAP: longer than it is", ST_MSG, OP_FMAP, tail),
	BAD("FMAP: base of another VF", ST_FMAP, OP_FMAP, base_of_b),
	BAD("FMAP: base one lower", ST_FMAP, OP_FMAP, base_below),
	BAD("FMAP: base one higher", ST_FMAP, OP_FMAP, base_above),
	BAD("FMAP: no base", ST_FMAP, OP_FMAP, base_none),
	BAD("FMAP: more than granted", ST_FMAP, OP_FMAP, more_queues),
	BAD("FMAP: sign bit", ST_FMAP, OP_FMAP, huge_queues),
	BAD("QNOTIFY_ADD: first queue above", ST_QID, OP_QNOTIFY_ADD, qid_next),
	BAD("QNOTIFY_ADD: first queue below", ST_QID, OP_QNOTIFY_ADD, qid_before),
	BAD("QNOTIFY_ADD: of another VF", ST_QID, OP_QNOTIFY_ADD, qid_of_b),
	BAD("QNOTIFY_ADD: huge", ST_QID, OP_QNOTIFY_ADD, qid_huge),
	BAD("QNOTIFY_ADD: unknown type", ST_PARAM, OP_QNOTIFY_ADD, type_unknown),
	BAD("QNOTIFY_ADD: huge type", ST_PARAM, OP_QNOTIFY_ADD, type_huge),
	BAD("QNOTIFY_DEL: of another VF", ST_QID, OP_QNOTIFY_DEL, qid_of_b),
	BAD("QCTXT_WRT: first queue above", ST_QID, OP_QCTXT_WRT, qid_next),
	BAD("QCTXT_WRT: first queue below", ST_QID, OP_QCTXT_WRT, qid_before),
	BAD("QCTXT_WRT: of another VF", ST_QID, OP_QCTXT_WRT, qid_of_b),
	BAD("QCTXT_WRT: completion ring of another VF", ST_QID, OP_QCTXT_WRT, cmpt_only_of_b),
	BAD("QCTXT_WRT: reserved bits of the kind", ST_MSG, OP_QCTXT_WRT, kind_reserved),
	BAD("QCTXT_WRT: reserved flags", ST_MSG, OP_QCTXT_WRT, flags_reserved),
	BAD("QCTXT_WRT: reserved bits of the interrupt", ST_MSG, OP_QCTXT_WRT, intr_filler),
	BAD("QCTXT_WRT: longer than it is", ST_MSG, OP_QCTXT_WRT, tail),
	BAD("QCTXT_WRT: addresses past the IOMMU", ST_NOT_SUPPORTED, OP_QCTXT_WRT, translated),
	BAD("QCTXT_WRT: unknown ring size", ST_RING_SIZE, OP_QCTXT_WRT, ring_unknown),
	BAD("QCTXT_WRT: ring size 0", ST_RING_SIZE, OP_QCTXT_WRT, ring_zero),
	BAD("QCTXT_WRT: vector the VF does not have", ST_PARAM, OP_QCTXT_WRT, vec_too_high),
	BAD("QCTXT_WRT: interrupt ring of another VF", ST_PARAM, OP_QCTXT_WRT, agg_of_b),
	BAD("QCTXT_WRT: descriptors of another engine", ST_PARAM, OP_QCTXT_WRT, desc_8),
	BAD("QCTXT_WRT: unknown buffer size", ST_BUF_SIZE, OP_QCTXT_WRT, st_buffer),
	BAD("QCTXT_WRT: unknown counter", ST_CNT_THRES, OP_QCTXT_WRT, st_counter),
	BAD("QCTXT_WRT: unknown timer", ST_TIMER_THRES, OP_QCTXT_WRT, st_timer),
	BAD("QCTXT_WRT: unknown completion ring size", ST_RING_SIZE, OP_QCTXT_WRT, st_cmpt_ring),
	BAD("QCTXT_RD: of another VF", ST_QID, OP_QCTXT_RD, qid_of_b),
	BAD("QCTXT_RD: first queue above", ST_QID, OP_QCTXT_RD, qid_next),
	BAD("QCTXT_RD: reserved bits of the kind", ST_MSG, OP_QCTXT_RD, kind_reserved),
	BAD("QCTXT_CLR: of another VF", ST_QID, OP_QCTXT_CLR, qid_of_b),
	BAD("QCTXT_CLR: completion ring of another VF", ST_QID, OP_QCTXT_CLR, cmpt_only_of_b),
	BAD("QCTXT_INV: of another VF", ST_QID, OP_QCTXT_INV, qid_of_b),
	BAD("QCTXT_INV: huge", ST_QID, OP_QCTXT_INV, qid_huge),
	BAD("INTR_CTXT_WRT: no ring", ST_PARAM, OP_INTR_WRT, rings_none),
	BAD("INTR_CTXT_WRT: two rings", ST_PARAM, OP_INTR_WRT, rings_two),
	BAD("INTR_CTXT_WRT: 255 rings", ST_PARAM, OP_INTR_WRT, rings_many),
	BAD("INTR_CTXT_WRT: ring of another VF", ST_PARAM, OP_INTR_WRT, ring_of_b),
	BAD("INTR_CTXT_WRT: ring of the PF", ST_PARAM, OP_INTR_WRT, ring_of_pf),
	BAD("INTR_CTXT_WRT: ring 256", ST_PARAM, OP_INTR_WRT, ring_high),
	BAD("INTR_CTXT_WRT: huge ring", ST_PARAM, OP_INTR_WRT, ring_huge),
	BAD("INTR_CTXT_WRT: vector the VF does not have", ST_PARAM, OP_INTR_WRT, intr_vec_high),
	BAD("INTR_CTXT_WRT: page size 8", ST_PARAM, OP_INTR_WRT, page_size_high),
	BAD("INTR_CTXT_WRT: base not on a page", ST_PARAM, OP_INTR_WRT, base_unaligned),
	BAD("INTR_CTXT_WRT: longer than it is", ST_MSG, OP_INTR_WRT, tail),
	BAD("INTR_CTXT_RD: ring of another VF", ST_PARAM, OP_INTR_RD, ring_of_b),
	BAD("INTR_CTXT_CLR: ring of another VF", ST_PARAM, OP_INTR_CLR, ring_of_b),
	BAD("INTR_CTXT_INV: ring of another VF", ST_PARAM, OP_INTR_INV, ring_of_b),
	BAD("INTR_CTXT_INV: 255 rings", ST_PARAM, OP_INTR_INV, rings_many),
	BAD("REG_LIST_READ: group without registers", ST_REG_READ, OP_REG_LIST_READ, group_none),
	BAD("REG_LIST_READ: huge group", ST_REG_READ, OP_REG_LIST_READ, group_huge),
	{ "both VFs work after all this", bystander, NULL },
};

const struct suite suite_mbox = {
	.name = "mbox", .cases = cases, .count = ARRAY_SIZE(cases), .two = true,
};
