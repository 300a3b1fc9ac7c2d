/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns which hardware queues: one contiguous range per function, ranges
 * never overlap. Kept as the list of ranges in use, sorted by base; what is
 * free is what lies between them, so that freeing merges by itself. Pure: the
 * caller locks.
 */
#ifndef QDMA_RANGE_H
#define QDMA_RANGE_H

#include <linux/types.h>

#define QDMA_MAX_FUNCS	256

/**
 * struct qdma_range - queues [base, base + count) of a function
 * @base: first hardware queue
 * @count: how many, never 0
 * @func: owner
 */
struct qdma_range {
	u32 base;
	u32 count;
	u16 func;
};

/**
 * struct qdma_range_pool - all hardware queues of a card
 * @total: queues of the card
 * @nr: ranges in use
 * @used: these, by base
 */
struct qdma_range_pool {
	u32 total;
	u32 nr;
	struct qdma_range used[QDMA_MAX_FUNCS];
};

void qdma_range_init(struct qdma_range_pool *pool, u32 total);
int qdma_range_alloc(struct qdma_range_pool *pool, u16 func, u32 count, u32 *base);
int qdma_range_alloc_at(struct qdma_range_pool *pool, u16 func, u32 count, u32 base);
int qdma_range_resize(struct qdma_range_pool *pool, u16 func, u32 count);
bool qdma_range_free(struct qdma_range_pool *pool, u16 func);
const struct qdma_range *qdma_range_find(const struct qdma_range_pool *pool, u16 func);
const struct qdma_range *qdma_range_owner(const struct qdma_range_pool *pool, u32 qid);
u32 qdma_range_avail(const struct qdma_range_pool *pool);
u32 qdma_range_largest(const struct qdma_range_pool *pool);

#endif /* QDMA_RANGE_H */
