// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of qdma/state.c: contexts of a queue at rest, made ready to be loaded,
 * and held against what a VF may have.
 */
#include "tests.h"

#include <errno.h>
#include <linux/kernel.h>

#include "state.h"

#define FUNC	3
#define OTHER	7
#define VECTORS	8
#define SLOTS	64	/* of ring size 1 */

static const struct svff_qdma_csr csr = { .ring_size = { 2049, SLOTS + 1, 129 }, .buf_size = { 4096 } };
static const struct svff_qdma_grant grant = { .func = FUNC, .vectors = VECTORS };
static const struct svff_qdma_grant grant_ring = {
	.func = FUNC, .vectors = VECTORS, .rings = 0x5, .first_ring = 20,
};
static const struct svff_qdma_hwq mm = { .dir = SVFF_QDMA_H2C, .func = FUNC };
static const struct svff_qdma_hwq rx = {
	.dir = SVFF_QDMA_C2H, .st = true, .cmpt = true, .func = FUNC,
};

static const struct qdma_ctxt_set *set = &qdma_ctxt_eqdma;

static void put(enum qdma_ctxt_type type, u32 *words, unsigned int field, u64 value)
{
	const struct qdma_ctxt_layout *layout = &set->type[type];
	u64 values[QDMA_CTXT_MAX_FIELDS];
	u32 all[QDMA_CTXT_MAX_WORDS];

	qdma_ctxt_decode(layout, words, values);
	values[field] = value;
	if (qdma_ctxt_encode(layout, values, all))
		abort();
	memcpy(words, all, layout->words * sizeof(u32));
}

static u64 get(enum qdma_ctxt_type type, const u32 *words, unsigned int field)
{
	u64 values[QDMA_CTXT_MAX_FIELDS];

	qdma_ctxt_decode(&set->type[type], words, values);
	return values[field];
}

#define SW(s, f, v)	put(QDMA_CTXT_SW, (s)->sw, QDMA_SW_##f, v)
#define HW(s, f, v)	put(QDMA_CTXT_HW, (s)->hw, QDMA_HW_##f, v)
#define PFCH(s, f, v)	put(QDMA_CTXT_PFCH, (s)->pfch, QDMA_PFCH_##f, v)
#define CMPT(s, f, v)	put(QDMA_CTXT_CMPT, (s)->cmpt, QDMA_CMPT_##f, v)

/* An MM queue with work left, as it is when it was halted. */
static struct svff_qdma_hwq_state mm_state(void)
{
	struct svff_qdma_hwq_state s = {};

	SW(&s, PIDX, 40);
	SW(&s, FUNC, FUNC);
	SW(&s, RING_IX, 1);
	SW(&s, FETCH_MAX, 7);
	SW(&s, DESC_SZ, 2);
	SW(&s, MRKR_DIS, 1);
	SW(&s, IRQ_EN, 1);
	SW(&s, IRQ_ARM, 1);
	SW(&s, IS_MM, 1);
	SW(&s, BASE, 0x123456789000);
	SW(&s, VEC, 2);
	HW(&s, CIDX, 30);
	return s;
}

/* A receiving stream: 10 buffers fetched ahead, the index gone round the ring's end. */
static struct svff_qdma_hwq_state rx_state(void)
{
	struct svff_qdma_hwq_state s = {};

	SW(&s, PIDX, 50);
	SW(&s, FUNC, FUNC);
	SW(&s, RING_IX, 1);
	SW(&s, FETCH_MAX, 7);
	SW(&s, FCRD_EN, 1);
	SW(&s, BASE, 0x5000);
	HW(&s, CIDX, 4);
	PFCH(&s, VALID, 1);
	PFCH(&s, EN, 1);
	PFCH(&s, ACTIVE, 1);
	PFCH(&s, NUM_PFCH, 10);
	PFCH(&s, SW_CRDT, 46);
	CMPT(&s, VALID, 1);
	CMPT(&s, FUNC, FUNC);
	CMPT(&s, RING_IX, 1);
	CMPT(&s, EN_INT, 1);
	CMPT(&s, VEC, 5);
	CMPT(&s, PIDX, 20);
	CMPT(&s, CIDX, 18);
	CMPT(&s, DIR_C2H, 1);
	CMPT(&s, TIMER_RUNNING, 1);
	s.credit = 99;
	return s;
}

TEST(test_state_settle)
{
	struct svff_qdma_hwq_state s = mm_state();

	(void)arg;
	HW(&s, DSC_PND, 1);
	HW(&s, EVT_PND, 1);
	qdma_state_settle(set, &csr, &mm, true, &s);
	KTAP_FAIL_ON(!get(QDMA_CTXT_SW, s.sw, QDMA_SW_QEN), "not enabled again");
	KTAP_FAIL_ON(get(QDMA_CTXT_SW, s.sw, QDMA_SW_PIDX) != 40, "a doorbell is lost");
	KTAP_FAIL_ON(get(QDMA_CTXT_HW, s.hw, QDMA_HW_CIDX) != 30, "another index");
	KTAP_FAIL_ON(get(QDMA_CTXT_HW, s.hw, QDMA_HW_DSC_PND), "DSC_PND is kept");
	KTAP_FAIL_ON(!get(QDMA_CTXT_HW, s.hw, QDMA_HW_EVT_PND), "EVT_PND is lost");
	KTAP_FAIL_ON(qdma_state_check(set, &csr, &mm, &s, &grant), "its own state is refused");
	s = mm_state();
	qdma_state_settle(set, &csr, &mm, false, &s);
	KTAP_FAIL_ON(get(QDMA_CTXT_SW, s.sw, QDMA_SW_QEN), "a failed queue runs");
	return KTAP_PASS;
}

TEST(test_state_rewind)
{
	struct svff_qdma_hwq_state s = rx_state();

	(void)arg;
	qdma_state_settle(set, &csr, &rx, true, &s);
	KTAP_FAIL_ON(get(QDMA_CTXT_HW, s.hw, QDMA_HW_CIDX) != 4 + SLOTS - 10, "index %d",
		     (int)get(QDMA_CTXT_HW, s.hw, QDMA_HW_CIDX));
	KTAP_FAIL_ON(get(QDMA_CTXT_PFCH, s.pfch, QDMA_PFCH_NUM_PFCH) ||
		     get(QDMA_CTXT_PFCH, s.pfch, QDMA_PFCH_ACTIVE), "the cache is said to hold some");
	KTAP_FAIL_ON(get(QDMA_CTXT_PFCH, s.pfch, QDMA_PFCH_SW_CRDT) != (50 + SLOTS - 58) % SLOTS,
		     "credits %d", (int)get(QDMA_CTXT_PFCH, s.pfch, QDMA_PFCH_SW_CRDT));
	KTAP_FAIL_ON(get(QDMA_CTXT_CMPT, s.cmpt, QDMA_CMPT_TIMER_RUNNING), "a timer that nobody runs");
	KTAP_FAIL_ON(get(QDMA_CTXT_CMPT, s.cmpt, QDMA_CMPT_PIDX) != 20 || s.credit != 99, "changed");
	KTAP_FAIL_ON(qdma_state_check(set, &csr, &rx, &s, &grant), "its own state is refused");
	return KTAP_PASS;
}

TEST(test_state_assign)
{
	const struct svff_qdma_hwq other = { .dir = SVFF_QDMA_C2H, .st = true, .func = OTHER };
	struct svff_qdma_hwq_state s = rx_state();
	u32 ring[SVFF_QDMA_RING_WORDS] = {};

	(void)arg;
	put(QDMA_CTXT_SW, s.sw, QDMA_SW_QEN, 1);
	KTAP_FAIL_ON(!qdma_state_enabled(set, &s), "an enabled queue");
	qdma_state_assign(set, &other, &s);
	KTAP_FAIL_ON(qdma_state_enabled(set, &s), "works at once");
	KTAP_FAIL_ON(get(QDMA_CTXT_SW, s.sw, QDMA_SW_FUNC) != OTHER, "software context");
	KTAP_FAIL_ON(get(QDMA_CTXT_CMPT, s.cmpt, QDMA_CMPT_FUNC) != OTHER, "completion context");
	KTAP_FAIL_ON(get(QDMA_CTXT_SW, s.sw, QDMA_SW_BASE) != 0x5000, "other fields");
	put(QDMA_CTXT_INTR, ring, QDMA_INTR_BASE, 0x9000);
	qdma_state_assign_ring(set, OTHER, ring);
	KTAP_FAIL_ON(get(QDMA_CTXT_INTR, ring, QDMA_INTR_FUNC) != OTHER ||
		     get(QDMA_CTXT_INTR, ring, QDMA_INTR_BASE) != 0x9000, "interrupt ring");
	return KTAP_PASS;
}

/* Every field that a VF cannot ask for, one at a time. */
TEST(test_state_forbidden)
{
	static const u8 sw[] = {
		QDMA_SW_AT, QDMA_SW_MM_CHN, QDMA_SW_PORT_ID, QDMA_SW_DIS_INTR_ON_VF,
		QDMA_SW_VIRTIO_EN, QDMA_SW_PACK_BYP_OUT, QDMA_SW_IRQ_BYP, QDMA_SW_HOST_ID,
		QDMA_SW_PASID, QDMA_SW_PASID_EN, QDMA_SW_VIRTIO_BASE,
	};
	static const u8 cmpt[] = {
		QDMA_CMPT_AT, QDMA_CMPT_DIS_INTR_ON_VF, QDMA_CMPT_VIO, QDMA_CMPT_HOST_ID,
		QDMA_CMPT_PASID, QDMA_CMPT_PASID_EN, QDMA_CMPT_VIO_EOP, QDMA_CMPT_SH_CMPT,
		QDMA_CMPT_PORT_ID, QDMA_CMPT_FULL_UPD, QDMA_CMPT_TIMER_RUNNING,
	};
	static const u8 pfch[] = {
		QDMA_PFCH_PORT_ID, QDMA_PFCH_VAR_DESC, QDMA_PFCH_VIRTIO, QDMA_PFCH_NUM_PFCH,
		QDMA_PFCH_NEED, QDMA_PFCH_ACTIVE,
	};
	static const u8 intr[] = {
		QDMA_INTR_AT, QDMA_INTR_HOST_ID, QDMA_INTR_PASID, QDMA_INTR_PASID_EN,
	};
	struct svff_qdma_hwq_state s;
	unsigned int i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(sw); i++) {
		s = mm_state();
		put(QDMA_CTXT_SW, s.sw, sw[i], 1);
		KTAP_FAIL_ON(qdma_state_check(set, &csr, &mm, &s, &grant) != -EPERM, "software field %d", sw[i]);
	}
	for (i = 0; i < ARRAY_SIZE(cmpt) + ARRAY_SIZE(pfch); i++) {
		s = rx_state();
		qdma_state_settle(set, &csr, &rx, true, &s);
		if (i < ARRAY_SIZE(cmpt))
			put(QDMA_CTXT_CMPT, s.cmpt, cmpt[i], 1);
		else
			put(QDMA_CTXT_PFCH, s.pfch, pfch[i - ARRAY_SIZE(cmpt)], 1);
		KTAP_FAIL_ON(qdma_state_check(set, &csr, &rx, &s, &grant) != -EPERM, "stream field %d", i);
	}
	for (i = 0; i < ARRAY_SIZE(intr); i++) {
		u32 ring[SVFF_QDMA_RING_WORDS] = {};

		put(QDMA_CTXT_INTR, ring, intr[i], 1);
		KTAP_FAIL_ON(qdma_state_check_ring(set, ring, &grant) != -EPERM, "ring field %d", intr[i]);
	}
	return KTAP_PASS;
}

static int check_mm(struct svff_qdma_hwq_state s, const struct svff_qdma_grant *g)
{
	return qdma_state_check(set, &csr, &mm, &s, g);
}

static int check_rx(struct svff_qdma_hwq_state s)
{
	return qdma_state_check(set, &csr, &rx, &s, &grant);
}

#define RX_WITH(ctxt, field, value) ({ struct svff_qdma_hwq_state s_ = rx_state(); \
	qdma_state_settle(set, &csr, &rx, true, &s_); ctxt(&s_, field, value); s_; })
#define WITH(ctxt, field, value) ({ struct svff_qdma_hwq_state s_ = mm_state(); \
	ctxt(&s_, field, value); s_; })

static int check_3x(void)
{
	struct svff_qdma_hwq_state s = {};
	int ret;

	set = &qdma_ctxt_qdma3;
	SW(&s, RING_IX, 1);
	SW(&s, FETCH_MAX, 7);
	PFCH(&s, VALID, 1);
	CMPT(&s, VALID, 1);
	CMPT(&s, RING_IX, 1);
	ret = check_rx(s);
	set = &qdma_ctxt_eqdma;
	return ret;
}

/* What every VF's queues have, whatever it asks for. */
TEST(test_state_fixed)
{
	struct svff_qdma_hwq_state s = mm_state();
	unsigned int i;

	(void)arg;
	for (i = 0; i < 16; i++)
		KTAP_FAIL_ON(check_mm(WITH(SW, FETCH_MAX, i), &grant) != (i == 7 ? 0 : -EPERM), "fetch_max %u", i);
	KTAP_FAIL_ON(check_mm(WITH(SW, MRKR_DIS, 0), &grant) != -EPERM, "marker responses");
	KTAP_FAIL_ON(check_mm(WITH(SW, BYPASS, 1), &grant) != -EPERM, "no marker responses on the bypass port");
	SW(&s, BYPASS, 1);
	SW(&s, MRKR_DIS, 0);
	KTAP_FAIL_ON(check_mm(s, &grant), "a queue of the bypass port");
	KTAP_FAIL_ON(check_rx(RX_WITH(SW, MRKR_DIS, 1)) != -EPERM, "no marker responses of a stream");
	KTAP_FAIL_ON(check_rx(RX_WITH(SW, FETCH_MAX, 15)) != -EPERM, "fetch_max of a stream");
	KTAP_FAIL_ON(check_rx(RX_WITH(SW, WBK_EN, 1)) != -EPERM, "status entries of a stream");
	KTAP_FAIL_ON(check_rx(RX_WITH(SW, WBI_CHK, 1)) != -EPERM, "pending check of a stream");
	KTAP_FAIL_ON(check_rx(RX_WITH(SW, IRQ_EN, 1)) != -EPERM, "descriptor ring's interrupts of a stream");
	KTAP_FAIL_ON(check_rx(RX_WITH(SW, IRQ_ARM, 1)), "a stream whose doorbell asked for an interrupt");
	KTAP_FAIL_ON(check_rx(RX_WITH(SW, WBI_INTVL_EN, 1)), "a stream that may have it");
	KTAP_FAIL_ON(check_rx(RX_WITH(CMPT, DIR_C2H, 0)) != -EPERM, "completion ring of the other direction");
	KTAP_FAIL_ON(check_rx(RX_WITH(PFCH, SW_CRDT, SLOTS - 1)), "credits for all but one");
	KTAP_FAIL_ON(check_rx(RX_WITH(PFCH, SW_CRDT, SLOTS)) != -EBADMSG, "credits for more than the ring has");
	KTAP_FAIL_ON(check_3x(), "a stream of IP 3.x, which does not tell the direction");
	return KTAP_PASS;
}

/* What refers to something must refer to the VF's own. */
TEST(test_state_references)
{
	struct svff_qdma_hwq_state s = mm_state();
	u32 ring[SVFF_QDMA_RING_WORDS] = {};

	(void)arg;
	KTAP_FAIL_ON(check_mm(s, &grant), "a good state is refused");
	KTAP_FAIL_ON(check_mm(WITH(SW, VEC, VECTORS), &grant) != -ERANGE, "vector");
	KTAP_FAIL_ON(check_mm(WITH(SW, INT_AGGR, 1), &grant) != -EXDEV, "interrupt ring without one");
	KTAP_FAIL_ON(check_mm(WITH(SW, INT_AGGR, 1), &grant_ring) != -EXDEV, "another's interrupt ring");
	SW(&s, INT_AGGR, 1);
	SW(&s, VEC, FUNC);
	KTAP_FAIL_ON(check_mm(s, &grant_ring), "its own interrupt ring");
	SW(&s, VEC, 21);
	KTAP_FAIL_ON(check_mm(s, &grant_ring), "a second ring");
	SW(&s, VEC, 20);
	KTAP_FAIL_ON(check_mm(s, &grant_ring) != -EXDEV, "a ring that is not loaded");
	SW(&s, VEC, 27);
	KTAP_FAIL_ON(check_mm(s, &grant_ring) != -EXDEV, "a ring beyond its own");
	SW(&s, VEC, 19);
	KTAP_FAIL_ON(check_mm(s, &grant_ring) != -EXDEV, "a ring before its own");
	/* What is due is told when it is armed, also if interrupts are off. */
	SW(&s, IRQ_EN, 0);
	SW(&s, IRQ_REQ, 1);
	KTAP_FAIL_ON(check_mm(s, &grant_ring) != -EXDEV, "another's ring, interrupts off");
	SW(&s, VEC, 0);
	KTAP_FAIL_ON(check_mm(s, &grant_ring) != -EXDEV, "the PF's ring, interrupts off");
	SW(&s, INT_AGGR, 0);
	KTAP_FAIL_ON(check_mm(s, &grant_ring), "no vector, interrupts off");
	SW(&s, VEC, VECTORS);
	KTAP_FAIL_ON(check_mm(s, &grant_ring) != -ERANGE, "no vector of its own, interrupts off");
	s = rx_state();
	qdma_state_settle(set, &csr, &rx, true, &s);
	CMPT(&s, EN_INT, 0);
	CMPT(&s, INT_AGGR, 1);
	KTAP_FAIL_ON(check_rx(s) != -EXDEV, "completions, interrupts off");
	KTAP_FAIL_ON(check_rx(RX_WITH(CMPT, TRIG_MODE, 5)), "a good trigger");
	KTAP_FAIL_ON(check_rx(RX_WITH(CMPT, TRIG_MODE, 6)) != -EBADMSG, "trigger");
	KTAP_FAIL_ON(check_rx(RX_WITH(CMPT, BASE_LOW, 1)) != -EBADMSG, "alignment of a completion ring");
	KTAP_FAIL_ON(check_rx(RX_WITH(PFCH, BUF_IX, 1)) != -EBADMSG, "buffers that the card has not");
	KTAP_FAIL_ON(check_mm(WITH(SW, PIDX, SLOTS), &grant) != -EBADMSG, "producer index");
	KTAP_FAIL_ON(check_mm(WITH(HW, CIDX, SLOTS), &grant) != -EBADMSG, "consumer index");
	KTAP_FAIL_ON(check_mm(WITH(SW, RING_IX, 5), &grant) != -EBADMSG, "a size that the card has not");
	KTAP_FAIL_ON(check_mm(WITH(SW, BASE, 0x800), &grant) != -EBADMSG, "alignment");
	KTAP_FAIL_ON(check_mm(WITH(SW, DESC_SZ, 1), &grant) != -EBADMSG, "descriptor size");
	KTAP_FAIL_ON(check_mm(WITH(SW, IS_MM, 0), &grant) != -EBADMSG, "kind");
	KTAP_FAIL_ON(check_mm(WITH(HW, FETCH_PND, 1), &grant) != -EBADMSG, "not at rest");
	s = mm_state();
	s.cmpt[1] = 1;
	KTAP_FAIL_ON(check_mm(s, &grant) != -EBADMSG, "completion ring of an MM queue");
	s = mm_state();
	s.sw[1] |= 1 << 9;
	KTAP_FAIL_ON(check_mm(s, &grant) != -EBADMSG, "a bit of no field");
	put(QDMA_CTXT_INTR, ring, QDMA_INTR_VEC, VECTORS);
	KTAP_FAIL_ON(qdma_state_check_ring(set, ring, &grant) != -ERANGE, "ring's vector");
	put(QDMA_CTXT_INTR, ring, QDMA_INTR_VEC, 2);
	put(QDMA_CTXT_INTR, ring, QDMA_INTR_PIDX, 512);
	KTAP_FAIL_ON(qdma_state_check_ring(set, ring, &grant) != -EBADMSG, "ring's index");
	put(QDMA_CTXT_INTR, ring, QDMA_INTR_PAGE_SIZE, 1);
	KTAP_FAIL_ON(qdma_state_check_ring(set, ring, &grant), "a good ring is refused");
	return KTAP_PASS;
}
