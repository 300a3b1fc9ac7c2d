// SPDX-License-Identifier: GPL-2.0-only
/*
 * Function level reset at bad moments, and a VF that floods its PF.
 */
#include <errno.h>
#include <pthread.h>

#include "test.h"

#define BIG		(60 * MM_LEN_MAX)
#define RESETS		10
#define SETTLE_US	50000
#define FLOOD		2000
#define FLOOD_STEP	100
#define ANSWER_MS	1000

struct big {
	struct mm_queue q;
	struct dma_buf buf;
};

static int big_open(struct big *b, struct vf *vf, bool c2h)
{
	int ret = mapped(vf);

	memset(b, 0, sizeof(*b));
	if (!ret)
		ret = dma_alloc(&vf->dev, BIG, &b->buf);
	if (!ret)
		ret = mm_open(&b->q, vf, 0, c2h, MODE_POLL, TABLE_64);
	return ret;
}

/* After a reset there is no queue to stop, only memory to free. */
static void big_drop(struct big *b)
{
	b->q.vf->queue[0][b->q.c2h] = NULL;
	dma_free(&b->q.vf->dev, &b->q.ring);
	dma_free(&b->q.vf->dev, &b->buf);
}

static void big_start(struct big *b, uint64_t card)
{
	uint32_t off;

	for (off = 0; off < BIG; off += MM_LEN_MAX)
		mm_post(&b->q, b->buf.iova + off, card + off, MM_LEN_MAX);
	mm_doorbell(&b->q);
}

static enum ktap_result reset_and_use(void)
{
	KTAP_FAIL_ON(vfio_reset(&vf_a.dev), "reset");
	KTAP_FAIL_ON(mbox_init(&vf_a.mbox, &vf_a.dev), "mailbox");
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	KTAP_FAIL_ON(vf_attr(&vf_a, "queues_active"), "%ld queues active",
		     vf_attr(&vf_a, "queues_active"));
	return KTAP_PASS;
}

static enum ktap_result reset_idle(const void *arg)
{
	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	return reset_and_use();
}

static enum ktap_result reset_with_queues(const void *arg)
{
	struct big b;
	int i;

	(void)arg;
	for (i = 0; i < RESETS; i++) {
		EXPECT_STATUS(big_open(&b, &vf_a, i % 2), 0);
		big_start(&b, CARD_A);
		mm_wait(&b.q, 0);
		KTAP_FAIL_ON(vfio_reset(&vf_a.dev), "reset %d", i);
		KTAP_FAIL_ON(mbox_init(&vf_a.mbox, &vf_a.dev), "mailbox");
		big_drop(&b);
	}
	return reset_and_use();
}

/* Once the reset has returned the card must not write to the host any more. */
static enum ktap_result reset_stops_dma(const void *arg)
{
	uint8_t *copy = malloc(BIG);
	struct big b;
	int differs;

	(void)arg;
	KTAP_FAIL_ON(!copy, "memory");
	EXPECT_STATUS(big_open(&b, &vf_a, true), 0);
	memset(b.buf.va, 0x5A, BIG);
	big_start(&b, CARD_A);
	KTAP_FAIL_ON(vfio_reset(&vf_a.dev), "reset");
	memcpy(copy, b.buf.va, BIG);
	usleep(SETTLE_US);
	differs = memcmp(copy, b.buf.va, BIG);
	free(copy);
	KTAP_FAIL_ON(mbox_init(&vf_a.mbox, &vf_a.dev), "mailbox");
	big_drop(&b);
	KTAP_FAIL_ON(differs, "memory changed after the reset");
	return reset_and_use();
}

static enum ktap_result reset_ends_the_map(const void *arg)
{
	struct big b;

	(void)arg;
	EXPECT_STATUS(big_open(&b, &vf_a, false), 0);
	mm_post(&b.q, b.buf.iova, CARD_A, 64);
	KTAP_FAIL_ON(vfio_reset(&vf_a.dev), "reset");
	mm_doorbell(&b.q);
	KTAP_FAIL_ON(mm_wait(&b.q, SETTLE_US / 1000) != -ETIMEDOUT,
		     "the queue still works");
	KTAP_FAIL_ON(mbox_init(&vf_a.mbox, &vf_a.dev), "mailbox");
	big_drop(&b);
	return reset_and_use();
}

static int reset_unheard(void)
{
	int ret = vfio_reset(&vf_a.dev);

	return ret ? ret : mbox_init(&vf_a.mbox, &vf_a.dev);
}

/* A reset clears what is mapped: what is set up behind one that the PF does not hear of, or unmapped, is no exception. */
static enum ktap_result reset_ends_unmapped(const void *arg)
{
	bool unmap = arg;
	struct mbox_msg rsp;
	struct big b = { 0 };

	EXPECT_STATUS(mapped(&vf_a), 0);
	if (!unmap)
		EXPECT_STATUS(reset_unheard(), 0);
	EXPECT_STATUS(mm_open(&b.q, &vf_a, 0, true, MODE_POLL, TABLE_64), 0);
	if (unmap)
		EXPECT_STATUS(vf_fmap(&vf_a, 0, 0), 0);
	EXPECT_STATUS(reset_unheard(), 0);
	EXPECT_STATUS(mm_read_context(&b.q, &rsp), 0);
	big_drop(&b);
	KTAP_FAIL_ON(rsp.b[M_RD_SW_QEN], "it is still enabled");
	return reset_and_use();
}

/* Whatever the PF still answers to the old session must not disturb. */
static enum ktap_result reset_within_a_request(const void *arg)
{
	struct mbox_msg req;
	int i;

	(void)arg;
	for (i = 0; i < RESETS; i++) {
		mbox_request(&vf_a.mbox, &req, OP_CSR);
		KTAP_FAIL_ON(mbox_send(&vf_a.mbox, &req), "request %d", i);
		KTAP_FAIL_ON(vfio_reset(&vf_a.dev), "reset %d", i);
		KTAP_FAIL_ON(mbox_init(&vf_a.mbox, &vf_a.dev), "mailbox");
		EXPECT_STATUS(vf_hello(&vf_a, NULL), 0);
	}
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	return reset_and_use();
}

struct neighbour {
	volatile bool stop;
	unsigned int rounds;
	int ret;
};

static void *keep_moving(void *arg)
{
	struct neighbour *n = arg;

	while (!n->stop && !n->ret) {
		n->ret = small_move(&vf_b, CARD_B);
		n->rounds++;
	}
	return NULL;
}

static enum ktap_result reset_beside_traffic(const void *arg)
{
	struct neighbour n = { 0 };
	pthread_t thread;
	int i, ret = 0;

	(void)arg;
	KTAP_FAIL_ON(pthread_create(&thread, NULL, keep_moving, &n), "thread");
	for (i = 0; i < RESETS && !ret; i++)
		ret = vfio_reset(&vf_a.dev);
	n.stop = true;
	pthread_join(thread, NULL);
	KTAP_FAIL_ON(mbox_init(&vf_a.mbox, &vf_a.dev), "mailbox");
	KTAP_FAIL_ON(ret, "reset %d: %d", i, ret);
	KTAP_FAIL_ON(n.ret, "the other VF failed in round %u: %d", n.rounds,
		     n.ret);
	return reset_and_use();
}

static enum ktap_result reset_by_host(const void *arg)
{
	struct big b;
	int ret;

	(void)arg;
	EXPECT_STATUS(big_open(&b, &vf_a, false), 0);
	KTAP_FAIL_ON(vf_attr(&vf_a, "queues_active") != 1, "%ld queues active",
		     vf_attr(&vf_a, "queues_active"));
	big_start(&b, CARD_A);
	ret = vf_attr_write(&vf_a, "reset", "1");
	KTAP_FAIL_ON(ret, "write says %d", ret);
	KTAP_FAIL_ON(vf_attr(&vf_a, "queues_active"),
		     "%ld queues are left active",
		     vf_attr(&vf_a, "queues_active"));
	KTAP_FAIL_ON(mbox_init(&vf_a.mbox, &vf_a.dev), "mailbox");
	big_drop(&b);
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

/* How long the bystander waits for an answer while the other one floods. */
static int64_t answer_time(void)
{
	int64_t start = now_ms();

	return vf_csr(&vf_b, NULL) ? -1 : now_ms() - start;
}

static enum ktap_result flood(const void *arg)
{
	const uint8_t *op = arg;
	struct mbox_msg req;
	int64_t ms;
	int i;

	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(mapped(&vf_b), 0);
	mbox_request(&vf_a.mbox, &req, *op);
	for (i = 0; i < FLOOD; i++) {
		if (i % FLOOD_STEP == 0) {
			ms = answer_time();
			KTAP_FAIL_ON(ms < 0 || ms > ANSWER_MS,
				     "after %d messages the other VF waits %lld ms",
				     i, (long long)ms);
		}
		if (mbox_send(&vf_a.mbox, &req))
			break;	/* muted: the PF takes nothing more */
	}
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	KTAP_FAIL_ON(vf_attr(&vf_a, "stats/refused") +
		     vf_attr(&vf_a, "stats/dropped") <= 0, "nothing is counted");
	return KTAP_PASS;
}

static enum ktap_result after_flood(const void *arg)
{
	int ret = vf_attr_write(&vf_a, "reset", "1");

	(void)arg;
	KTAP_FAIL_ON(ret, "write to reset says %d", ret);
	KTAP_FAIL_ON(mbox_init(&vf_a.mbox, &vf_a.dev), "mailbox");
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	return KTAP_PASS;
}

static const uint8_t unknown = OP_FIRST_UNKNOWN, silent = OP_VF_BYE;
static const uint8_t asks = OP_CSR;
static const bool unmapped = true;

static const struct ktap_case reset_cases[] = {
	{ "reset of an idle VF", reset_idle, NULL },
	{ "reset within transfers", reset_with_queues, NULL },
	{ "no DMA after a reset", reset_stops_dma, NULL },
	{ "no queue after a reset", reset_ends_the_map, NULL },
	{ "nor one that was set up after another reset", reset_ends_unmapped, NULL },
	{ "nor one that was unmapped", reset_ends_unmapped, &unmapped },
	{ "reset within a mailbox request", reset_within_a_request, NULL },
	{ "resets do not disturb another VF", reset_beside_traffic, NULL },
	{ "reset by the host through sysfs", reset_by_host, NULL },
};

static const struct ktap_case flood_cases[] = {
	{ "flood of unknown messages", flood, &unknown },
	{ "a reset ends what the flood led to", after_flood, NULL },
	{ "flood of requests, answers never taken", flood, &asks },
	{ "a reset ends this too", after_flood, NULL },
	{ "flood of messages without an answer", flood, &silent },
	{ "and this", after_flood, NULL },
};

const struct suite suite_reset = {
	.name = "reset", .cases = reset_cases, .count = ARRAY_SIZE(reset_cases),
	.two = true,
};

const struct suite suite_flood = {
	.name = "flood", .cases = flood_cases, .count = ARRAY_SIZE(flood_cases),
	.two = true,
};
