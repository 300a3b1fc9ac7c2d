// SPDX-License-Identifier: GPL-2.0-only
#include "tests.h"

#include <errno.h>

#include "range.h"

#define RANDOM_QUEUES	2048
#define RANDOM_FUNCS	260
#define RANDOM_STEPS	40000
#define NOBODY		(-1)

TEST(test_range_best_fit)
{
	struct qdma_range_pool pool;
	u32 base;
	u16 f;

	(void)arg;
	qdma_range_init(&pool, 100);
	for (f = 0; f < 10; f++)
		KTAP_FAIL_ON(qdma_range_alloc(&pool, f, 10, &base) || base != f * 10u,
			     "function %u does not get %u", f, f * 10u);
	/* Gaps: 10..39 (30), 60..69 (10), 80..99 (20). */
	for (f = 1; f < 10; f++)
		if ((f >= 1 && f <= 3) || f == 6 || f >= 8)
			KTAP_FAIL_ON(!qdma_range_free(&pool, f), "function %u had none", f);
	KTAP_FAIL_ON(qdma_range_avail(&pool) != 60, "%u free, not 60", qdma_range_avail(&pool));
	KTAP_FAIL_ON(qdma_range_largest(&pool) != 30, "largest is %u", qdma_range_largest(&pool));
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 20, 8, &base) || base != 60, "8 go to %u", base);
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 21, 15, &base) || base != 80, "15 go to %u", base);
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 22, 30, &base) || base != 10, "30 go to %u", base);
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 23, 6, &base) != -ENOSPC, "6 fit nowhere");
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 24, 5, &base) || base != 95, "5 go to %u", base);
	return KTAP_PASS;
}

TEST(test_range_resize)
{
	struct qdma_range_pool pool;
	u32 base;

	(void)arg;
	qdma_range_init(&pool, 64);
	qdma_range_alloc(&pool, 1, 16, &base);
	qdma_range_alloc(&pool, 2, 16, &base);
	KTAP_FAIL_ON(qdma_range_resize(&pool, 1, 17) != -ENOSPC, "into the next one");
	KTAP_FAIL_ON(qdma_range_resize(&pool, 2, 49) != -ENOSPC, "past the end");
	KTAP_FAIL_ON(qdma_range_resize(&pool, 2, 0xffffffff) != -ENOSPC, "huge");
	KTAP_FAIL_ON(qdma_range_resize(&pool, 2, 0) != -EINVAL, "to nothing");
	KTAP_FAIL_ON(qdma_range_resize(&pool, 3, 1) != -EINVAL, "without a range");
	KTAP_FAIL_ON(qdma_range_avail(&pool) != 32, "%u free", qdma_range_avail(&pool));
	KTAP_FAIL_ON(qdma_range_resize(&pool, 2, 48), "to the end");
	KTAP_FAIL_ON(qdma_range_resize(&pool, 1, 10), "smaller");
	KTAP_FAIL_ON(qdma_range_avail(&pool) != 6 || qdma_range_largest(&pool) != 6,
		     "%u free", qdma_range_avail(&pool));
	KTAP_FAIL_ON(qdma_range_resize(&pool, 1, 16), "as large as before");
	KTAP_FAIL_ON(qdma_range_find(&pool, 1)->base || qdma_range_find(&pool, 2)->base != 16,
		     "a range moved");
	return KTAP_PASS;
}

TEST(test_range_limits)
{
	struct qdma_range_pool pool;
	u32 base;
	u16 f;

	(void)arg;
	qdma_range_init(&pool, 4096);
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 1, 0, &base) != -EINVAL, "0 queues");
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 1, 4097, &base) != -ENOSPC, "more than there are");
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 1, ~0U, &base) != -ENOSPC, "all ones");
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 1, 4096, &base) || base, "all of them");
	KTAP_FAIL_ON(qdma_range_avail(&pool) || qdma_range_largest(&pool), "something is left");
	KTAP_FAIL_ON(!qdma_range_free(&pool, 1) || qdma_range_free(&pool, 1), "freed twice");
	for (f = 0; f < QDMA_MAX_FUNCS; f++)
		KTAP_FAIL_ON(qdma_range_alloc(&pool, f, 1, &base), "function %u", f);
	KTAP_FAIL_ON(qdma_range_alloc(&pool, f, 1, &base) != -ENOSPC, "one function too many");
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 7, 9, &base) != -EINVAL, "a second range");
	return KTAP_PASS;
}

/* Queues 0-7 are 1's, 12-15 are 2's, of 32. */
TEST(test_range_at)
{
	struct qdma_range_pool pool;
	u32 base;

	(void)arg;
	qdma_range_init(&pool, 32);
	KTAP_FAIL_ON(qdma_range_alloc_at(&pool, 1, 8, 0) || qdma_range_alloc_at(&pool, 2, 4, 12),
		     "free queues are refused");
	KTAP_FAIL_ON(qdma_range_alloc_at(&pool, 3, 4, 7) != -ENOSPC, "a taken queue at the start");
	KTAP_FAIL_ON(qdma_range_alloc_at(&pool, 3, 5, 8) != -ENOSPC, "a taken queue at the end");
	KTAP_FAIL_ON(qdma_range_alloc_at(&pool, 3, 9, 24) != -ENOSPC, "beyond the card");
	KTAP_FAIL_ON(qdma_range_alloc_at(&pool, 3, 1, ~0U) != -ENOSPC, "far beyond the card");
	KTAP_FAIL_ON(qdma_range_alloc_at(&pool, 3, 0, 8) != -EINVAL, "no queues");
	KTAP_FAIL_ON(qdma_range_alloc_at(&pool, 1, 1, 20) != -EINVAL, "a second range");
	KTAP_FAIL_ON(qdma_range_alloc_at(&pool, 3, 3, 9), "in the middle of a gap");
	KTAP_FAIL_ON(qdma_range_alloc_at(&pool, 4, 8, 24), "up to the end");
	KTAP_FAIL_ON(qdma_range_avail(&pool) != 32 - 23, "avail");
	KTAP_FAIL_ON(qdma_range_owner(&pool, 11)->func != 3 || qdma_range_owner(&pool, 8), "owners");
	KTAP_FAIL_ON(qdma_range_alloc(&pool, 5, 8, &base) || base != 16, "best fit beside it");
	return KTAP_PASS;
}

static u32 longest_free(const int *owner)
{
	u32 best = 0, run = 0, i;

	for (i = 0; i < RANDOM_QUEUES; i++) {
		run = owner[i] == NOBODY ? run + 1 : 0;
		if (run > best)
			best = run;
	}
	return best;
}

static u32 count_owner(const int *owner, int who)
{
	u32 n = 0, i;

	for (i = 0; i < RANDOM_QUEUES; i++)
		n += owner[i] == who;
	return n;
}

static void forget(int *owner, int who)
{
	u32 i;

	for (i = 0; i < RANDOM_QUEUES; i++)
		if (owner[i] == who)
			owner[i] = NOBODY;
}

/* What the map says before: would it fit, and has the function none? */
static enum ktap_result random_alloc(struct qdma_range_pool *pool, int *owner, int who, u32 count)
{
	bool fits = count && longest_free(owner) >= count && !count_owner(owner, who) && pool->nr < QDMA_MAX_FUNCS;
	u32 base = ~0U, i;
	int err;

	err = qdma_range_alloc(pool, who, count, &base);
	KTAP_FAIL_ON(!err != fits, "function %d, %u queues: %d, but fits: %d", who, count, err, fits);
	if (err)
		return KTAP_PASS;
	for (i = base; i < base + count; i++) {
		KTAP_FAIL_ON(i >= RANDOM_QUEUES || owner[i] != NOBODY, "queue %u is taken", i);
		owner[i] = who;
	}
	return KTAP_PASS;
}

static enum ktap_result random_step(struct qdma_range_pool *pool, int *owner)
{
	int who = random() % RANDOM_FUNCS;
	bool had;

	if (random() % 2)
		return random_alloc(pool, owner, who, random() % 8 ? random() % 24 : random() % 600);
	had = count_owner(owner, who);
	KTAP_FAIL_ON(qdma_range_free(pool, who) != had, "free of function %d", who);
	forget(owner, who);
	return KTAP_PASS;
}

TEST(test_range_random)
{
	static int owner[RANDOM_QUEUES];
	struct qdma_range_pool pool;
	int i;

	(void)arg;
	srandom(2);
	qdma_range_init(&pool, RANDOM_QUEUES);
	for (i = 0; i < RANDOM_QUEUES; i++)
		owner[i] = NOBODY;
	for (i = 0; i < RANDOM_STEPS; i++) {
		enum ktap_result ret = random_step(&pool, owner);

		if (ret != KTAP_PASS)
			return ret;
		if (i % 16)
			continue;
		KTAP_FAIL_ON(qdma_range_avail(&pool) != count_owner(owner, NOBODY), "step %d: avail", i);
		KTAP_FAIL_ON(qdma_range_largest(&pool) != longest_free(owner), "step %d: largest", i);
	}
	return KTAP_PASS;
}
