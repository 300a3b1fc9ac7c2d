/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When to tell the hardware of new descriptors. A doorbell, and the interrupt
 * that its last descriptor ends in, cost the same for one request and for
 * twenty; but a request that waits for company is late. So:
 *
 * - One that is alone is told of at once, and so is all of it while the queue
 *   is shallow.
 * - Of many in flight, up to half wait for each other: the other half keeps
 *   the hardware, or the one who submits, busy.
 * - A submitter that says there is more to come (a plug) is taken at its word.
 * - Who was waited for and did not come within twice the time that it takes on
 *   average lets go what is held, and halves what is thought of the depth.
 * - With hardware that is faster than who submits, few are in flight whatever
 *   the depth is. So it is not thought less of for that, and if all whom was
 *   waited for came, many times in a row, it is thought more of.
 *
 * Pure; the unit tests compile it too.
 */
#ifndef QDMA_BATCH_H
#define QDMA_BATCH_H

#include <linux/minmax.h>
#include <linux/types.h>

#define QDMA_BATCH_MAX		16	/* requests of a doorbell, if there are more */
#define QDMA_BATCH_SHALLOW	8	/* in flight: fewer do not wait */
#define QDMA_BATCH_TRIES	16	/* full batches after which a larger one is tried */
#define QDMA_BATCH_WAIT_MIN_NS	50000ULL
#define QDMA_BATCH_WAIT_MAX_NS	10000000ULL

/**
 * struct qdma_batch - requests of a ring, and how they come
 * @inflight: submitted and not given back
 * @held: submitted since the last doorbell
 * @depth: most that are thought to be in flight, those included that the user has
 * @full: batches in a row for which nobody was late
 * @last_ns: when the last one came
 * @gap_ns: time between two, in the mean
 * @held_ns: when the first of @held came
 */
struct qdma_batch {
	u32 inflight;
	u32 held;
	u32 depth;
	u32 full;
	u64 last_ns;
	u64 gap_ns;
	u64 held_ns;
};

/**
 * qdma_batch_goal - requests that are worth a doorbell
 * @b: batch
 *
 * Context: any; pure.
 * Return: the number.
 */
static inline u32 qdma_batch_goal(const struct qdma_batch *b)
{
	return b->depth < QDMA_BATCH_SHALLOW ? 1 : min_t(u32, b->depth / 2, QDMA_BATCH_MAX);
}

/**
 * qdma_batch_wait_ns - how long a request may wait for others
 * @b: batch
 *
 * Context: any; pure.
 * Return: nanoseconds.
 */
static inline u64 qdma_batch_wait_ns(const struct qdma_batch *b)
{
	return clamp_t(u64, 2 * qdma_batch_goal(b) * b->gap_ns, QDMA_BATCH_WAIT_MIN_NS,
		       QDMA_BATCH_WAIT_MAX_NS);
}

/**
 * qdma_batch_add - a request was submitted
 * @b: batch
 * @now_ns: time
 *
 * Context: any; pure.
 */
static inline void qdma_batch_add(struct qdma_batch *b, u64 now_ns)
{
	u64 gap = min_t(u64, now_ns - b->last_ns, QDMA_BATCH_WAIT_MAX_NS);

	b->gap_ns += gap / 8 - b->gap_ns / 8;
	b->last_ns = now_ns;
	if (!b->held++)
		b->held_ns = now_ns;
	b->inflight++;
	b->depth = max(b->depth, b->inflight);
}

/**
 * qdma_batch_due - is it time for a doorbell?
 * @b: batch
 * @more: the submitter has promised to ask again
 *
 * Nothing held means that there is a rest of what was told of before.
 *
 * Context: any; pure.
 * Return: true if it is.
 */
static inline bool qdma_batch_due(const struct qdma_batch *b, bool more)
{
	if (more)
		return b->held >= QDMA_BATCH_MAX;
	return !b->held || b->inflight <= 1 || b->held >= qdma_batch_goal(b);
}

/**
 * qdma_batch_late - those who were waited for did not come
 * @b: batch
 *
 * Context: any; pure.
 */
static inline void qdma_batch_late(struct qdma_batch *b)
{
	b->depth /= 2;
	b->full = 0;
}

/**
 * qdma_batch_rung - the hardware was told of all
 * @b: batch
 *
 * Context: any; pure.
 */
static inline void qdma_batch_rung(struct qdma_batch *b)
{
	bool full = b->depth >= QDMA_BATCH_SHALLOW && b->held >= qdma_batch_goal(b);

	b->held = 0;
	if (!full || ++b->full < QDMA_BATCH_TRIES)
		return;
	b->full = 0;
	if (b->depth < 2 * QDMA_BATCH_MAX)
		b->depth += b->depth / 4;
}

#endif /* QDMA_BATCH_H */
