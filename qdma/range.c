// SPDX-License-Identifier: GPL-2.0-only
#include "range.h"

#include <linux/errno.h>
#include <linux/string.h>

/* The free queues before range @i of the list (or after the last, @i == nr). */
static u32 gap_before(const struct qdma_range_pool *pool, u32 i, u32 *base)
{
	u32 end = i < pool->nr ? pool->used[i].base : pool->total;

	*base = i ? pool->used[i - 1].base + pool->used[i - 1].count : 0;
	return end - *base;
}

/* The smallest gap that fits; the lowest of equals. Returns its place or -1. */
static int find_best(const struct qdma_range_pool *pool, u32 count)
{
	u32 best = 0, base, i;
	int place = -1;

	for (i = 0; i <= pool->nr; i++) {
		u32 gap = gap_before(pool, i, &base);

		if (gap < count || (place >= 0 && gap >= best))
			continue;
		best = gap;
		place = i;
	}
	return place;
}

static int find_func(const struct qdma_range_pool *pool, u16 func)
{
	u32 i;

	for (i = 0; i < pool->nr; i++)
		if (pool->used[i].func == func)
			return i;
	return -1;
}

static void insert(struct qdma_range_pool *pool, u32 place, struct qdma_range range)
{
	memmove(&pool->used[place + 1], &pool->used[place],
		(pool->nr - place) * sizeof(range));
	pool->used[place] = range;
	pool->nr++;
}

static void remove(struct qdma_range_pool *pool, u32 place)
{
	pool->nr--;
	memmove(&pool->used[place], &pool->used[place + 1],
		(pool->nr - place) * sizeof(pool->used[0]));
}

/**
 * qdma_range_init - make all queues free
 * @pool: the pool
 * @total: queues of the card
 *
 * Context: any; pure.
 */
void qdma_range_init(struct qdma_range_pool *pool, u32 total)
{
	memset(pool, 0, sizeof(*pool));
	pool->total = total;
}

/**
 * qdma_range_alloc - give a function a range
 * @pool: the pool
 * @func: the function, which has no range
 * @count: how many queues
 * @base: filled with the first of them
 *
 * Best fit.
 *
 * Context: any; pure.
 * Return: 0, -EINVAL for no queues at all or a function with a range, -ENOSPC if no
 * free range is large enough or there are too many functions.
 */
int qdma_range_alloc(struct qdma_range_pool *pool, u16 func, u32 count, u32 *base)
{
	struct qdma_range new = { .count = count, .func = func };
	int place;

	if (!count || find_func(pool, func) >= 0)
		return -EINVAL;
	place = pool->nr < QDMA_MAX_FUNCS ? find_best(pool, count) : -1;
	if (place < 0)
		return -ENOSPC;
	gap_before(pool, place, &new.base);
	insert(pool, place, new);
	*base = new.base;
	return 0;
}

/**
 * qdma_range_alloc_at - give a function the range that begins at a queue
 * @pool: the pool
 * @func: the function, which has no range
 * @count: how many queues
 * @base: the first of them
 *
 * Context: any; pure.
 * Return: 0, -EINVAL for no queues at all or a function with a range, -ENOSPC
 * if one of them is not free or there are too many functions.
 */
int qdma_range_alloc_at(struct qdma_range_pool *pool, u16 func, u32 count, u32 base)
{
	u32 place, start, gap;

	if (!count || find_func(pool, func) >= 0)
		return -EINVAL;
	if (pool->nr >= QDMA_MAX_FUNCS)
		return -ENOSPC;
	for (place = 0; place <= pool->nr; place++) {
		gap = gap_before(pool, place, &start);
		if (base < start || base - start >= gap)
			continue;
		if (count > gap - (base - start))
			break;
		insert(pool, place, (struct qdma_range){ .base = base, .count = count, .func = func });
		return 0;
	}
	return -ENOSPC;
}

/**
 * qdma_range_resize - give a function more or fewer queues behind its first
 * @pool: the pool
 * @func: the function, which has a range
 * @count: how many queues
 *
 * Context: any; pure.
 * Return: 0, -EINVAL for no queues at all or a function without a range,
 * -ENOSPC if the queues behind its own are not free.
 */
int qdma_range_resize(struct qdma_range_pool *pool, u16 func, u32 count)
{
	int place = find_func(pool, func);
	u32 base;

	if (place < 0 || !count)
		return -EINVAL;
	if (count > pool->used[place].count &&
	    count - pool->used[place].count > gap_before(pool, place + 1, &base))
		return -ENOSPC;
	pool->used[place].count = count;
	return 0;
}

/**
 * qdma_range_free - take a function's range back
 * @pool: the pool
 * @func: the function
 *
 * Context: any; pure.
 * Return: true if it had one.
 */
bool qdma_range_free(struct qdma_range_pool *pool, u16 func)
{
	int place = find_func(pool, func);

	if (place < 0)
		return false;
	remove(pool, place);
	return true;
}

/**
 * qdma_range_find - the range of a function
 * @pool: the pool
 * @func: the function
 *
 * Context: any; pure.
 * Return: its range until the pool changes, or NULL.
 */
const struct qdma_range *qdma_range_find(const struct qdma_range_pool *pool, u16 func)
{
	int place = find_func(pool, func);

	return place < 0 ? NULL : &pool->used[place];
}

/**
 * qdma_range_owner - the range that a queue is in
 * @pool: the pool
 * @qid: hardware queue
 *
 * Context: any; pure.
 * Return: the range until the pool changes, or NULL if the queue is free.
 */
const struct qdma_range *qdma_range_owner(const struct qdma_range_pool *pool, u32 qid)
{
	u32 i;

	for (i = 0; i < pool->nr; i++)
		if (qid >= pool->used[i].base &&
		    qid - pool->used[i].base < pool->used[i].count)
			return &pool->used[i];
	return NULL;
}

/**
 * qdma_range_avail - free queues in total
 * @pool: the pool
 *
 * Context: any; pure.
 * Return: their number.
 */
u32 qdma_range_avail(const struct qdma_range_pool *pool)
{
	u32 avail = pool->total, i;

	for (i = 0; i < pool->nr; i++)
		avail -= pool->used[i].count;
	return avail;
}

/**
 * qdma_range_largest - free queues in one piece
 * @pool: the pool
 *
 * Context: any; pure.
 * Return: size of the largest free range.
 */
u32 qdma_range_largest(const struct qdma_range_pool *pool)
{
	u32 largest = 0, base, i;

	for (i = 0; i <= pool->nr; i++) {
		u32 gap = gap_before(pool, i, &base);

		if (gap > largest)
			largest = gap;
	}
	return largest;
}
