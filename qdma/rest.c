// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: A queue at rest
 *
 * A queue is stopped for a while, its contexts are read, and written back later,
 * perhaps to another queue of the same or another function:
 *
 *	HALT	QEN of the software context is cleared, by a write that leaves
 *		all else alone. The engine fetches nothing more, and ends what it
 *		has fetched: data, then status entry, then interrupt.
 *	REST	the hardware context says IDL_STP_B = 0 and FETCH_PND = 0. DSC_PND
 *		may stay: descriptors that a doorbell told of and that were not
 *		fetched. EVT_PND may stay: progress that was not told, because the
 *		queue was not armed. Both are part of what is saved.
 *	SAVE	all contexts are read. Of a receiving stream the prefetch context is
 *		invalidated first, so that no packet takes a buffer meanwhile; both
 *		it and the completion context are read until they stand still.
 *	LOAD	hardware, credit, prefetch and completion context, then the software
 *		context with QEN off. Once all queues are loaded QEN is set, by a
 *		write that leaves all else alone, and the queue runs.
 *
 * Kept: each descriptor that was not completed, wherever it was; indices, colours,
 * what is armed, errors; interrupts that are due and could not be sent.
 *
 * Buffers that a receiving stream has fetched ahead are in the prefetch cache, and
 * the hardware's index is beyond them. The cache cannot be read; NUM_PFCH tells how
 * many there are, so that the index goes back by as many and they are fetched
 * again. IP 3.x does not tell, and such a queue is not saved unless it does without
 * prefetch. The credits of queues with FCRD_EN are those for descriptors that are
 * not there yet; they stay as they are.
 *
 * Not kept: packets that the user logic sends to a receiving stream from HALT to
 * LOAD, which the card drops as for any queue that is not set up, and counts; the
 * time that a completion timer has run (a timer starts anew with the next completion
 * or doorbell: whoever resumes raises every vector once); the number of descriptors
 * since the last status entry by interval; how far an interrupt ring was read, which
 * its driver tells again with each interrupt. A doorbell between HALT and LOAD is
 * lost: whoever stops a queue holds its driver back, or keeps what it writes.
 *
 * A sending stream whose user logic takes nothing does not come to rest.
 */
#include "priv.h"

#include <linux/delay.h>

#include "state.h"

#define STILL_TRIES	10
#define STILL_US	20

static bool is_c2h_stream(const struct svff_qdma_hwq *q)
{
	return q->st && q->dir == SVFF_QDMA_C2H;
}

/**
 * svff_qdma_hwq_kind - what is a queue that somebody has set up?
 * @qd: PF
 * @q: qid and dir count; st and cmpt are filled
 * @enabled: filled: it is enabled
 *
 * Context: process.
 * Return: 0, -EINVAL for a queue that the card does not have, -ETIMEDOUT,
 * -EBUSY or -ENODEV as a context command.
 */
int svff_qdma_hwq_kind(struct svff_qdma *qd, struct svff_qdma_hwq *q, bool *enabled)
{
	u64 sw[QDMA_SW_FIELDS];
	int err;

	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	err = qdma_ctxt_read(qd, qdma_sw_sel(q), q->qid, sw);
	if (err)
		return err;
	q->st = !sw[QDMA_SW_IS_MM];
	q->cmpt = is_c2h_stream(q);
	*enabled = sw[QDMA_SW_QEN];
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_kind, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_hwq_halt - have a queue fetch nothing more
 * @qd: PF
 * @q: qid and dir count
 *
 * Context: process.
 * Return: as svff_qdma_hwq_kind().
 */
int svff_qdma_hwq_halt(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	return qdma_ctxt_write_field(qd, qdma_sw_sel(q), q->qid, QDMA_SW_QEN, 0);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_halt, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_hwq_unhalt - undo svff_qdma_hwq_halt(), or have a queue that was loaded work
 * @qd: PF
 * @q: qid and dir count; was enabled
 *
 * Nothing happens to a queue that works.
 *
 * Context: process.
 * Return: as svff_qdma_hwq_kind().
 */
int svff_qdma_hwq_unhalt(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	return qdma_ctxt_write_field(qd, qdma_sw_sel(q), q->qid, QDMA_SW_QEN, 1);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_unhalt, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_hwq_at_rest - is a halted queue done with what it has fetched?
 * @qd: PF
 * @q: qid and dir count
 *
 * Context: process.
 * Return: 1 if it is, 0 if not yet, or as svff_qdma_hwq_kind().
 */
int svff_qdma_hwq_at_rest(struct svff_qdma *qd, const struct svff_qdma_hwq *q)
{
	u64 hw[QDMA_HW_FIELDS];
	int err;

	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	err = qdma_ctxt_read(qd, qdma_hw_sel(q), q->qid, hw);
	return err ?: !hw[QDMA_HW_IDL_STP_B] && !hw[QDMA_HW_FETCH_PND];
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_at_rest, SVFF_NS(SVFF_QDMA));

static int read_stream(struct svff_qdma *qd, u16 qid, struct svff_qdma_hwq_state *state)
{
	int err;

	err = qdma_ctxt_read_raw(qd, QDMA_SEL_PFCH, qid, state->pfch);
	return err ?: qdma_ctxt_read_raw(qd, QDMA_SEL_CMPT, qid, state->cmpt);
}

/* Cut off from the cache's way in, what is under way ends soon. */
static int read_still_stream(struct svff_qdma *qd, u16 qid, struct svff_qdma_hwq_state *state)
{
	struct svff_qdma_hwq_state before;
	int err, i;

	err = read_stream(qd, qid, &before);
	for (i = 0; !err && i < STILL_TRIES; i++) {
		fsleep(STILL_US);
		err = read_stream(qd, qid, state);
		if (!err && !memcmp(state->pfch, before.pfch, sizeof(before.pfch)) &&
		    !memcmp(state->cmpt, before.cmpt, sizeof(before.cmpt)))
			return 0;
		before = *state;
	}
	return err ?: -EAGAIN;
}

static int save_stream(struct svff_qdma *qd, u16 qid, struct svff_qdma_hwq_state *state)
{
	const struct qdma_ctxt_layout *layout = qdma_ctxt_layout(qd, QDMA_SEL_PFCH);
	u64 pfch[QDMA_PFCH_FIELDS];
	u32 words[QDMA_CTXT_MAX_WORDS];
	int err;

	err = qdma_ctxt_read(qd, QDMA_SEL_PFCH, qid, pfch);
	if (err)
		return err;
	if (pfch[QDMA_PFCH_EN] && !qdma_ctxt_has(layout, QDMA_PFCH_NUM_PFCH))
		return -EOPNOTSUPP;
	/* A stream that was set up is valid, unless it was to be saved before and that failed. */
	if (pfch[QDMA_PFCH_VALID])
		err = qdma_ctxt_inval(qd, QDMA_SEL_PFCH, qid);
	if (!err)
		err = read_still_stream(qd, qid, state);
	if (err && err != -EAGAIN)
		return err;
	qdma_ctxt_put(layout, QDMA_PFCH_VALID, 1, words);
	state->pfch[0] |= words[0];
	state->pfch[1] |= words[1];
	return err;
}

/**
 * svff_qdma_hwq_save - read the contexts of a queue at rest
 * @qd: PF
 * @q: qid, dir, st and cmpt count
 * @enabled: it was enabled before it was halted
 * @state: filled, ready to be loaded
 *
 * A receiving stream goes on after that by svff_qdma_hwq_load() and
 * svff_qdma_hwq_unhalt(). Where a context command failed it can be saved again.
 *
 * Context: process.
 * Return: 0; -EOPNOTSUPP if the card does not tell all that is needed, and nothing
 * was changed; -EAGAIN if a stream does not stand still: it is not saved for
 * good, but can go on; or as svff_qdma_hwq_kind().
 */
int svff_qdma_hwq_save(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
		       bool enabled, struct svff_qdma_hwq_state *state)
{
	int err, still = 0;

	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	memset(state, 0, sizeof(*state));
	if (is_c2h_stream(q))
		still = save_stream(qd, q->qid, state);
	if (still && still != -EAGAIN)
		return still;
	err = qdma_ctxt_read_raw(qd, qdma_sw_sel(q), q->qid, state->sw);
	if (!err)
		err = qdma_ctxt_read_raw(qd, qdma_hw_sel(q), q->qid, state->hw);
	if (!err)
		err = qdma_ctxt_read_raw(qd, qdma_credit_sel(q), q->qid, &state->credit);
	if (!err)
		qdma_state_settle(qd->ip->ctxt, &qd->csr, q, enabled, state);
	return err ?: still;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_save, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_hwq_check - may a state be loaded?
 * @qd: PF
 * @q: dir and st count
 * @state: the state, from anybody
 * @grant: what it may refer to
 *
 * Context: any.
 * Return: 0; -EBADMSG for what no queue can be in; -EPERM for what a VF cannot
 * have; -ERANGE for a vector that it does not have; -EXDEV for an interrupt ring
 * that is not its own.
 */
int svff_qdma_hwq_check(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
			const struct svff_qdma_hwq_state *state,
			const struct svff_qdma_grant *grant)
{
	return qdma_state_check(qd->ip->ctxt, &qd->csr, q, state, grant);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_check, SVFF_NS(SVFF_QDMA));

static int load(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
		const struct svff_qdma_hwq_state *state)
{
	int err;

	err = qdma_ctxt_write_raw(qd, qdma_hw_sel(q), q->qid, state->hw);
	if (!err)
		err = qdma_ctxt_write_raw(qd, qdma_credit_sel(q), q->qid, &state->credit);
	if (!err && is_c2h_stream(q))
		err = qdma_ctxt_write_raw(qd, QDMA_SEL_PFCH, q->qid, state->pfch);
	if (!err && is_c2h_stream(q))
		err = qdma_ctxt_write_raw(qd, QDMA_SEL_CMPT, q->qid, state->cmpt);
	return err ?: qdma_ctxt_write_raw(qd, qdma_sw_sel(q), q->qid, state->sw);
}

/**
 * svff_qdma_hwq_load - have a queue go on where another was
 * @qd: PF
 * @q: qid, func, dir, st and cmpt count
 * @state: where, as checked by svff_qdma_hwq_check() or of svff_qdma_hwq_save()
 *
 * It does not work before svff_qdma_hwq_unhalt(), so that it can be loaded again.
 *
 * Context: process.
 * Return: as svff_qdma_hwq_kind().
 */
int svff_qdma_hwq_load(struct svff_qdma *qd, const struct svff_qdma_hwq *q,
		       const struct svff_qdma_hwq_state *state)
{
	struct svff_qdma_hwq_state own = *state;

	if (!qdma_hwq_in_card(qd, q))
		return -EINVAL;
	set_bit(2 * q->qid + q->dir, qd->card->dirty);
	qdma_state_assign(qd->ip->ctxt, q, &own);
	return load(qd, q, &own);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_load, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_hwq_enabled - was a queue enabled whose state this is?
 * @qd: PF
 * @state: the state
 *
 * Context: any.
 * Return: whether.
 */
bool svff_qdma_hwq_enabled(struct svff_qdma *qd, const struct svff_qdma_hwq_state *state)
{
	return qdma_state_enabled(qd->ip->ctxt, state);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_hwq_enabled, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_irq_ring_save - read the context of an interrupt ring
 * @qd: PF
 * @index: ring, whose queues are at rest
 * @words: filled, SVFF_QDMA_RING_WORDS of them
 *
 * Context: process.
 * Return: 0, -EINVAL for a ring that the card does not have, -ETIMEDOUT, -EBUSY
 * or -ENODEV as a context command.
 */
int svff_qdma_irq_ring_save(struct svff_qdma *qd, u16 index, u32 *words)
{
	if (index >= QDMA_IRQ_RINGS)
		return -EINVAL;
	memset(words, 0, SVFF_QDMA_RING_WORDS * sizeof(*words));
	return qdma_ctxt_read_raw(qd, QDMA_SEL_INTR, index, words);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_irq_ring_save, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_irq_ring_check - may the state of an interrupt ring be loaded?
 * @qd: PF
 * @words: the state, from anybody
 * @grant: what it may refer to
 *
 * Context: any.
 * Return: as svff_qdma_hwq_check().
 */
int svff_qdma_irq_ring_check(struct svff_qdma *qd, const u32 *words,
			     const struct svff_qdma_grant *grant)
{
	return qdma_state_check_ring(qd->ip->ctxt, words, grant);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_irq_ring_check, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_irq_ring_load - write back an interrupt ring
 * @qd: PF
 * @index: ring
 * @func: function that it is for
 * @words: its state
 *
 * Context: process.
 * Return: as svff_qdma_irq_ring_save().
 */
int svff_qdma_irq_ring_load(struct svff_qdma *qd, u16 index, u16 func, const u32 *words)
{
	u32 own[SVFF_QDMA_RING_WORDS];

	if (index >= QDMA_IRQ_RINGS)
		return -EINVAL;
	memcpy(own, words, sizeof(own));
	qdma_state_assign_ring(qd->ip->ctxt, func, own);
	return qdma_ctxt_write_raw(qd, QDMA_SEL_INTR, index, own);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_irq_ring_load, SVFF_NS(SVFF_QDMA));
