// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state that is loaded may come from anybody, so it is held against the same
 * rules as a VF's request, field by field: what a VF cannot ask for must be
 * as hwq.c writes it for every VF, mostly zero; what refers to something (a
 * function, a vector, an interrupt ring, a slot) must refer to the VF's own.
 * What the hardware counts or notes for itself is not known better here.
 */
#include "state.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#define DESC_RING_ALIGN	4096
#define DESC_64		3	/* size code */
#define TRIG_MODE_MAX	5
#define MORE_RINGS	7	/* bits of svff_qdma_grant.rings but the first */

static bool is_c2h_stream(const struct svff_qdma_hwq *q)
{
	return q->st && q->dir == SVFF_QDMA_C2H;
}

static void decode(const struct qdma_ctxt_set *set, enum qdma_ctxt_type type,
		   const u32 *words, u64 *values)
{
	qdma_ctxt_decode(&set->type[type], words, values);
}

/* Values that were decoded, or are smaller, fit. The caller has less room than the longest context. */
static void encode(const struct qdma_ctxt_set *set, enum qdma_ctxt_type type,
		   const u64 *values, u32 *words, size_t size)
{
	u32 all[QDMA_CTXT_MAX_WORDS];

	qdma_ctxt_encode(&set->type[type], values, all);
	memcpy(words, all, size);
}

static u32 slots(const struct svff_qdma_csr *csr, u64 ix)
{
	return csr->ring_size[ix] ? csr->ring_size[ix] - 1 : 0;
}

/*
 * Buffers that were fetched ahead of packets are fetched again: the index goes
 * back by as many, and the engine may ask for all that are there.
 */
static void settle_stream(const struct qdma_ctxt_set *set, u32 n, const u64 *sw, u64 *hw,
			  struct svff_qdma_hwq_state *state)
{
	u64 pfch[QDMA_PFCH_FIELDS], cmpt[QDMA_CMPT_FIELDS];
	u32 cidx = hw[QDMA_HW_CIDX], pidx = sw[QDMA_SW_PIDX];

	decode(set, QDMA_CTXT_PFCH, state->pfch, pfch);
	if (n) {
		cidx = (cidx % n + n - (u32)pfch[QDMA_PFCH_NUM_PFCH] % n) % n;
		hw[QDMA_HW_CIDX] = cidx;
		pfch[QDMA_PFCH_SW_CRDT] = (pidx % n + n - cidx) % n;
	}
	pfch[QDMA_PFCH_NUM_PFCH] = 0;
	pfch[QDMA_PFCH_NEED] = 0;
	pfch[QDMA_PFCH_ACTIVE] = 0;
	encode(set, QDMA_CTXT_PFCH, pfch, state->pfch, sizeof(state->pfch));

	decode(set, QDMA_CTXT_CMPT, state->cmpt, cmpt);
	cmpt[QDMA_CMPT_TIMER_RUNNING] = 0;
	encode(set, QDMA_CTXT_CMPT, cmpt, state->cmpt, sizeof(state->cmpt));
}

/**
 * qdma_state_settle - contexts as read from a queue at rest, made ready to be written
 * @set: layouts of the IP revision
 * @csr: the card's tables
 * @q: dir and st count
 * @enabled: the queue was enabled before it was stopped
 * @state: contexts
 *
 * Context: any; pure.
 */
void qdma_state_settle(const struct qdma_ctxt_set *set, const struct svff_qdma_csr *csr,
		       const struct svff_qdma_hwq *q, bool enabled,
		       struct svff_qdma_hwq_state *state)
{
	u64 sw[QDMA_SW_FIELDS], hw[QDMA_HW_FIELDS];

	decode(set, QDMA_CTXT_SW, state->sw, sw);
	decode(set, QDMA_CTXT_HW, state->hw, hw);
	sw[QDMA_SW_QEN] = enabled;
	hw[QDMA_HW_DSC_PND] = 0;
	hw[QDMA_HW_IDL_STP_B] = 0;
	hw[QDMA_HW_FETCH_PND] = 0;
	if (is_c2h_stream(q))
		settle_stream(set, slots(csr, sw[QDMA_SW_RING_IX]), sw, hw, state);
	encode(set, QDMA_CTXT_SW, sw, state->sw, sizeof(state->sw));
	encode(set, QDMA_CTXT_HW, hw, state->hw, sizeof(state->hw));
}

static bool all_zero(const u64 *values, const u8 *fields, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (values[fields[i]])
			return false;
	return true;
}

/* Bits that are no field's would be written too. */
static bool stray_bits(const struct qdma_ctxt_set *set, enum qdma_ctxt_type type,
		       const u32 *words, size_t size)
{
	u64 values[QDMA_CTXT_MAX_FIELDS];
	u32 again[QDMA_CTXT_MAX_WORDS];

	decode(set, type, words, values);
	qdma_ctxt_encode(&set->type[type], values, again);
	return memcmp(words, again, size);
}

static bool has_ring(u32 index, const struct svff_qdma_grant *grant)
{
	u32 more = index - grant->first_ring;

	if (index == grant->func)
		return grant->rings & 1;
	return index >= grant->first_ring && more < MORE_RINGS && (grant->rings >> (more + 1)) & 1;
}

/*
 * Also of a queue that does not interrupt: what it has to tell since it did is told when its doorbell arms it. One that
 * never did has vector 0.
 */
static int check_vector(u64 vec, bool aggr, bool on, const struct svff_qdma_grant *grant)
{
	if (!vec && !aggr && !on)
		return 0;
	if (aggr)
		return has_ring(vec, grant) ? 0 : -EXDEV;
	return vec < grant->vectors ? 0 : -ERANGE;
}

static u64 own_desc_sz(const struct svff_qdma_hwq *q)
{
	return !q->st ? 2 : q->dir == SVFF_QDMA_C2H ? 0 : 1;
}

/* The same whatever the VF asked for. A doorbell may arm a receiving stream, which does not interrupt all the same. */
static bool sw_as_written(const struct svff_qdma_hwq *q, const u64 *sw)
{
	static const u8 not_c2h_stream[] = { QDMA_SW_WBI_CHK, QDMA_SW_WBK_EN, QDMA_SW_IRQ_EN };
	bool c2h = is_c2h_stream(q);

	if (sw[QDMA_SW_FETCH_MAX] != QDMA_FETCH_MAX || sw[QDMA_SW_MRKR_DIS] != (!c2h && !sw[QDMA_SW_BYPASS]))
		return false;
	return !c2h || all_zero(sw, not_c2h_stream, ARRAY_SIZE(not_c2h_stream));
}

static int check_sw(const struct svff_qdma_csr *csr, const struct svff_qdma_hwq *q,
		    const u64 *sw, const u64 *hw, const struct svff_qdma_grant *grant)
{
	static const u8 zero[] = {
		QDMA_SW_AT, QDMA_SW_MM_CHN, QDMA_SW_PORT_ID, QDMA_SW_DIS_INTR_ON_VF,
		QDMA_SW_VIRTIO_EN, QDMA_SW_PACK_BYP_OUT, QDMA_SW_IRQ_BYP, QDMA_SW_HOST_ID,
		QDMA_SW_PASID, QDMA_SW_PASID_EN, QDMA_SW_VIRTIO_BASE,
	};
	u32 n = slots(csr, sw[QDMA_SW_RING_IX]);

	if (!all_zero(sw, zero, ARRAY_SIZE(zero)) || !sw_as_written(q, sw))
		return -EPERM;
	if (sw[QDMA_SW_IS_MM] == q->st || sw[QDMA_SW_BASE] % DESC_RING_ALIGN)
		return -EBADMSG;
	if (sw[QDMA_SW_DESC_SZ] != own_desc_sz(q) &&
	    !(sw[QDMA_SW_BYPASS] && sw[QDMA_SW_DESC_SZ] == DESC_64))
		return -EBADMSG;
	if (sw[QDMA_SW_PIDX] >= n || hw[QDMA_HW_CIDX] >= n)
		return -EBADMSG;
	return check_vector(sw[QDMA_SW_VEC], sw[QDMA_SW_INT_AGGR], sw[QDMA_SW_IRQ_EN], grant);
}

static int check_cmpt(const struct svff_qdma_csr *csr, const u64 *cmpt,
		      const struct svff_qdma_grant *grant)
{
	static const u8 zero[] = {
		QDMA_CMPT_AT, QDMA_CMPT_DIS_INTR_ON_VF, QDMA_CMPT_VIO, QDMA_CMPT_HOST_ID,
		QDMA_CMPT_PASID, QDMA_CMPT_PASID_EN, QDMA_CMPT_VIO_EOP, QDMA_CMPT_SH_CMPT,
		QDMA_CMPT_PORT_ID, QDMA_CMPT_FULL_UPD, QDMA_CMPT_TIMER_RUNNING,
	};
	u32 n = slots(csr, cmpt[QDMA_CMPT_RING_IX]);

	if (!all_zero(cmpt, zero, ARRAY_SIZE(zero)))
		return -EPERM;
	if (cmpt[QDMA_CMPT_PIDX] >= n || cmpt[QDMA_CMPT_CIDX] >= n)
		return -EBADMSG;
	/* The ring begins a line of 64 bytes. */
	if (cmpt[QDMA_CMPT_TRIG_MODE] > TRIG_MODE_MAX || cmpt[QDMA_CMPT_BASE_LOW])
		return -EBADMSG;
	return check_vector(cmpt[QDMA_CMPT_VEC], cmpt[QDMA_CMPT_INT_AGGR], cmpt[QDMA_CMPT_EN_INT], grant);
}

static int check_stream(const struct qdma_ctxt_set *set, const struct svff_qdma_csr *csr,
			const struct svff_qdma_hwq_state *state, const u64 *sw,
			const struct svff_qdma_grant *grant)
{
	static const u8 zero[] = {
		QDMA_PFCH_PORT_ID, QDMA_PFCH_VAR_DESC, QDMA_PFCH_VIRTIO, QDMA_PFCH_NUM_PFCH,
		QDMA_PFCH_NEED, QDMA_PFCH_ACTIVE,
	};
	u64 pfch[QDMA_PFCH_FIELDS], cmpt[QDMA_CMPT_FIELDS];

	if (stray_bits(set, QDMA_CTXT_PFCH, state->pfch, sizeof(state->pfch)) ||
	    stray_bits(set, QDMA_CTXT_CMPT, state->cmpt, sizeof(state->cmpt)))
		return -EBADMSG;
	decode(set, QDMA_CTXT_PFCH, state->pfch, pfch);
	if (!all_zero(pfch, zero, ARRAY_SIZE(zero)))
		return -EPERM;
	if (!csr->buf_size[pfch[QDMA_PFCH_BUF_IX]] || pfch[QDMA_PFCH_SW_CRDT] >= slots(csr, sw[QDMA_SW_RING_IX]))
		return -EBADMSG;
	decode(set, QDMA_CTXT_CMPT, state->cmpt, cmpt);
	if (cmpt[QDMA_CMPT_DIR_C2H] != qdma_ctxt_has(&set->type[QDMA_CTXT_CMPT], QDMA_CMPT_DIR_C2H))
		return -EPERM;
	return check_cmpt(csr, cmpt, grant);
}

static bool no_stream(const struct svff_qdma_hwq_state *state)
{
	static const struct svff_qdma_hwq_state none;

	return !memcmp(state->pfch, none.pfch, sizeof(none.pfch)) &&
	       !memcmp(state->cmpt, none.cmpt, sizeof(none.cmpt));
}

/**
 * qdma_state_check - may this be loaded?
 * @set: layouts of the IP revision
 * @csr: the card's tables
 * @q: dir and st count
 * @state: contexts, from anybody
 * @grant: what they may refer to
 *
 * A queue that failed holds anything that its driver gave it. It is not enabled,
 * and its indices are not looked at by the hardware, but are here.
 *
 * Context: any; pure.
 * Return: 0; -EBADMSG for what no queue can be in; -EPERM for what a VF cannot
 * have; -ERANGE for a vector that it does not have; -EXDEV for an interrupt ring
 * that is not its own.
 */
int qdma_state_check(const struct qdma_ctxt_set *set, const struct svff_qdma_csr *csr,
		     const struct svff_qdma_hwq *q, const struct svff_qdma_hwq_state *state,
		     const struct svff_qdma_grant *grant)
{
	u64 sw[QDMA_SW_FIELDS], hw[QDMA_HW_FIELDS];
	int err;

	if (stray_bits(set, QDMA_CTXT_SW, state->sw, sizeof(state->sw)) ||
	    stray_bits(set, QDMA_CTXT_HW, state->hw, sizeof(state->hw)) ||
	    stray_bits(set, QDMA_CTXT_CREDIT, &state->credit, sizeof(state->credit)))
		return -EBADMSG;
	decode(set, QDMA_CTXT_SW, state->sw, sw);
	decode(set, QDMA_CTXT_HW, state->hw, hw);
	if (hw[QDMA_HW_DSC_PND] || hw[QDMA_HW_IDL_STP_B] || hw[QDMA_HW_FETCH_PND])
		return -EBADMSG;
	err = check_sw(csr, q, sw, hw, grant);
	if (err)
		return err;
	if (is_c2h_stream(q))
		return check_stream(set, csr, state, sw, grant);
	return no_stream(state) ? 0 : -EBADMSG;
}

/**
 * qdma_state_check_ring - may this interrupt ring be loaded?
 * @set: layouts of the IP revision
 * @words: context, from anybody
 * @grant: what it may refer to
 *
 * Context: any; pure.
 * Return: as qdma_state_check().
 */
int qdma_state_check_ring(const struct qdma_ctxt_set *set, const u32 *words,
			  const struct svff_qdma_grant *grant)
{
	static const u8 zero[] = {
		QDMA_INTR_AT, QDMA_INTR_HOST_ID, QDMA_INTR_PASID, QDMA_INTR_PASID_EN,
	};
	u64 intr[QDMA_INTR_FIELDS];

	if (stray_bits(set, QDMA_CTXT_INTR, words, SVFF_QDMA_RING_WORDS * sizeof(*words)))
		return -EBADMSG;
	decode(set, QDMA_CTXT_INTR, words, intr);
	if (!all_zero(intr, zero, ARRAY_SIZE(zero)))
		return -EPERM;
	if (intr[QDMA_INTR_PIDX] >= (intr[QDMA_INTR_PAGE_SIZE] + 1) * 512)
		return -EBADMSG;
	return intr[QDMA_INTR_VEC] < grant->vectors ? 0 : -ERANGE;
}

/**
 * qdma_state_enabled - was the queue enabled?
 * @set: layouts of the IP revision
 * @state: contexts
 *
 * Context: any; pure.
 * Return: whether.
 */
bool qdma_state_enabled(const struct qdma_ctxt_set *set, const struct svff_qdma_hwq_state *state)
{
	u64 sw[QDMA_SW_FIELDS];

	decode(set, QDMA_CTXT_SW, state->sw, sw);
	return sw[QDMA_SW_QEN];
}

/**
 * qdma_state_assign - make a state another function's, of a queue that does not work yet
 * @set: layouts of the IP revision
 * @q: func, dir and st count
 * @state: contexts
 *
 * Context: any; pure.
 */
void qdma_state_assign(const struct qdma_ctxt_set *set, const struct svff_qdma_hwq *q,
		       struct svff_qdma_hwq_state *state)
{
	u64 sw[QDMA_SW_FIELDS], cmpt[QDMA_CMPT_FIELDS];

	decode(set, QDMA_CTXT_SW, state->sw, sw);
	sw[QDMA_SW_FUNC] = q->func;
	sw[QDMA_SW_QEN] = 0;
	encode(set, QDMA_CTXT_SW, sw, state->sw, sizeof(state->sw));
	if (!is_c2h_stream(q))
		return;
	decode(set, QDMA_CTXT_CMPT, state->cmpt, cmpt);
	cmpt[QDMA_CMPT_FUNC] = q->func;
	encode(set, QDMA_CTXT_CMPT, cmpt, state->cmpt, sizeof(state->cmpt));
}

/**
 * qdma_state_assign_ring - make an interrupt ring another function's
 * @set: layouts of the IP revision
 * @func: function
 * @words: context
 *
 * Context: any; pure.
 */
void qdma_state_assign_ring(const struct qdma_ctxt_set *set, u16 func, u32 *words)
{
	u64 intr[QDMA_INTR_FIELDS];

	decode(set, QDMA_CTXT_INTR, words, intr);
	if (qdma_ctxt_has(&set->type[QDMA_CTXT_INTR], QDMA_INTR_FUNC))
		intr[QDMA_INTR_FUNC] = func;
	encode(set, QDMA_CTXT_INTR, intr, words, SVFF_QDMA_RING_WORDS * sizeof(*words));
}
