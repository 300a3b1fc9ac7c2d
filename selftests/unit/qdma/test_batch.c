// SPDX-License-Identifier: GPL-2.0-only
#include "tests.h"

#include "batch.h"

#define STEP_NS	2000

struct user {
	struct qdma_batch b;
	u64 now;
	u32 doorbells;
	u32 told;	/* in flight, the hardware knows */
	u32 late;
};

static void ring(struct user *u)
{
	u->told += u->b.held;
	qdma_batch_rung(&u->b);
	u->doorbells++;
}

static void submit(struct user *u, bool more)
{
	u->now += STEP_NS;
	qdma_batch_add(&u->b, u->now);
	if (qdma_batch_due(&u->b, more))
		ring(u);
}

static void complete(struct user *u, u32 n)
{
	u->told -= n;
	u->b.inflight -= n;
}

/* Time passes with nobody submitting. */
static void wait_ring(struct user *u)
{
	u64 limit = u->b.held_ns + qdma_batch_wait_ns(&u->b);

	if (u->now < limit)
		u->now = limit;
	qdma_batch_late(&u->b);
	u->late++;
	ring(u);
}

/* @depth requests in flight, the next one as soon as one is through */
static void steady(struct user *u, u32 depth, u32 count)
{
	while (count--) {
		if (u->b.inflight == depth) {
			if (!u->told)
				wait_ring(u);
			complete(u, 1);
		}
		submit(u, false);
	}
}

TEST(test_batch_alone)
{
	struct user u = { 0 };
	int i;

	(void)arg;
	for (i = 1; i < 1000; i++) {
		submit(&u, false);
		KTAP_FAIL_ON(u.told != 1, "request %d waits", i);
		complete(&u, 1);
	}
	return KTAP_PASS;
}

TEST(test_batch_depths)
{
	u32 depth;

	(void)arg;
	for (depth = 1; depth <= 256; depth++) {
		struct user u = { 0 };

		steady(&u, depth, 300);
		u.doorbells = 0;
		steady(&u, depth, 1000);
		KTAP_FAIL_ON(u.late > 1300 / 100, "depth %u: late %u times", depth, u.late);
		KTAP_FAIL_ON(depth < QDMA_BATCH_SHALLOW && u.doorbells != 1000,
			     "depth %u: %u doorbells", depth, u.doorbells);
		KTAP_FAIL_ON(depth >= 32 && u.doorbells > 1000 / 8, "depth %u: %u doorbells",
			     depth, u.doorbells);
	}
	return KTAP_PASS;
}

/* Who was many and is few waits a few times, each time less, and then no more. */
TEST(test_batch_shrinks)
{
	struct user u = { 0 };
	int i;

	(void)arg;
	steady(&u, 64, 1000);
	if (u.b.held)
		ring(&u);
	complete(&u, u.told);
	submit(&u, false);
	KTAP_FAIL_ON(u.told != 1, "alone after many, and waits");
	for (i = 0; i < 100; i++) {
		submit(&u, false);
		if (u.b.held)
			wait_ring(&u);
		complete(&u, 1);
	}
	KTAP_FAIL_ON(u.late > 4, "late %u times", u.late);
	return KTAP_PASS;
}

/* Hardware that is through before the next one comes, and somebody was late once. */
TEST(test_batch_fast)
{
	struct user u = { 0 };
	u32 told;
	int i;

	(void)arg;
	steady(&u, 32, 100);
	qdma_batch_late(&u.b);
	u.doorbells = 0;
	for (i = 0; i < 10000; i++) {
		told = u.told;
		submit(&u, false);
		complete(&u, told);
	}
	KTAP_FAIL_ON(u.doorbells > 10000 / 8, "%u doorbells", u.doorbells);
	return KTAP_PASS;
}

TEST(test_batch_plug)
{
	struct user u = { 0 };
	int i;

	(void)arg;
	for (i = 0; i < 12; i++)
		submit(&u, true);
	KTAP_FAIL_ON(u.doorbells, "doorbell before the plug is out");
	KTAP_FAIL_ON(!qdma_batch_due(&u.b, false), "no doorbell after it");
	for (; i < 40; i++)
		submit(&u, true);
	KTAP_FAIL_ON(u.doorbells != 2, "%u doorbells for 40", u.doorbells);
	return KTAP_PASS;
}

TEST(test_batch_wait)
{
	struct qdma_batch b = { .depth = 1000 };
	u64 now = 0;
	int i;

	(void)arg;
	KTAP_FAIL_ON(qdma_batch_wait_ns(&b) != QDMA_BATCH_WAIT_MIN_NS, "too short");
	for (i = 0; i < 1000; i++)
		qdma_batch_add(&b, now += 10000);
	KTAP_FAIL_ON(qdma_batch_wait_ns(&b) < 10 * 10000 * QDMA_BATCH_MAX / 8 ||
		     qdma_batch_wait_ns(&b) > 2 * 10000 * QDMA_BATCH_MAX, "not twice the time");
	for (i = 0; i < 1000; i++)
		qdma_batch_add(&b, now += 1000000000);
	KTAP_FAIL_ON(qdma_batch_wait_ns(&b) != QDMA_BATCH_WAIT_MAX_NS, "too long");
	return KTAP_PASS;
}
