// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data through memory mapped queues, and what the doorbells promise.
 */
#include <errno.h>

#include "test.h"

#define MIB		(1024 * 1024)
#define TABLE_2048	2049
#define QUIET_MS	100
#define GUARD_BYTE	0xA5
#define MORE_THAN_A_RING (AGG_ENTRIES + 88)

static enum ktap_result move(const void *arg)
{
	const struct work *w = arg;
	struct work mine = *w;
	struct work_result res;
	int ret;

	mine.card = CARD_A;
	mine.queues = w->queues ? w->queues : quota;
	mine.table_size = w->table_size ? w->table_size : TABLE_64;
	mine.seed = w->size + w->shift;
	EXPECT_STATUS(mapped(&vf_a), 0);
	ret = work_run(&vf_a, &mine, &res);
	KTAP_FAIL_ON(ret, "%s: %d, byte %zu", res.step, ret, res.bad);
	KTAP_FAIL_ON(w->mode == MODE_POLL && res.irqs, "%u interrupts",
		     res.irqs);
	KTAP_FAIL_ON(w->mode != MODE_POLL && res.irqs < 2 * mine.queues,
		     "only %u interrupts", res.irqs);
	return KTAP_PASS;
}

/* All sizes around what could go wrong, in one mode. */
static enum ktap_result sizes(const void *arg)
{
	static const struct { size_t size, shift; } table[] = {
		{ 1, 0 }, { 2, 1 }, { 3, 4095 - 64 }, { 63, 17 }, { 511, 4000 },
		{ 4095, 0 }, { 4096, 0 }, { 4097, 4033 }, { 32767, 5 },
		{ 32768, 0 }, { 32769, 0 }, { 65535, 7 }, { 65537, 4031 },
		{ 300001, 3 },
	};
	const enum irq_mode *mode = arg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		const struct work w = {
			.queues = 1, .mode = *mode, .table_size = TABLE_64,
			.size = table[i].size, .shift = table[i].shift,
		};

		if (move(&w)) {
			char why[KTAP_WHY_LEN / 2];

			snprintf(why, sizeof(why), "%.100s", ktap_reason);
			ktap_why("size %zu shift %zu: %s", w.size, w.shift,
				 why);
			return KTAP_FAIL;
		}
	}
	return KTAP_PASS;
}

/* One pair of queues, one page; helper of the cases below. */
struct pair {
	struct mm_queue out, in;
	struct dma_buf buf;
};

static int pair_open(struct pair *p, struct vf *vf, enum irq_mode mode)
{
	int ret = mapped(vf);

	memset(p, 0, sizeof(*p));
	if (!ret && mode == MODE_AGGR)
		ret = agg_open(vf, VF_VEC_DATA);
	if (!ret)
		ret = mm_open(&p->out, vf, 0, false, mode, TABLE_64);
	if (!ret)
		ret = mm_open(&p->in, vf, 0, true, mode, TABLE_64);
	if (!ret)
		ret = dma_alloc(&vf->dev, AGG_PAGE, &p->buf);
	return ret;
}

static void pair_close(struct pair *p)
{
	struct vf *vf = p->out.vf;

	mm_close(&p->out);
	mm_close(&p->in);
	agg_close(vf);
	dma_free(&vf->dev, &p->buf);
}

static enum ktap_result with_pair(enum irq_mode mode,
				  enum ktap_result (*fn)(struct pair *p))
{
	struct pair p;
	enum ktap_result r;

	EXPECT_STATUS(pair_open(&p, &vf_a, mode), 0);
	r = fn(&p);
	pair_close(&p);
	return r;
}

/* The same producer index again must not move anything again. */
static enum ktap_result run_no_replay(struct pair *p)
{
	uint64_t *word = (uint64_t *)p->buf.va;

	word[0] = 0x1111;
	KTAP_FAIL_ON(mm_move(&p->out, p->buf.iova, CARD_A, 8), "write");
	word[0] = 0x2222;
	mm_doorbell(&p->out);
	KTAP_FAIL_ON(mm_move(&p->in, p->buf.iova + 8, CARD_A, 8), "read");
	KTAP_FAIL_ON(word[1] != 0x1111, "card has 0x%llx",
		     (unsigned long long)word[1]);
	return KTAP_PASS;
}

static enum ktap_result no_replay(const void *arg)
{
	(void)arg;
	return with_pair(MODE_DIRECT, run_no_replay);
}

static bool moved_in_time(const struct mm_queue *q)
{
	int64_t end = now_ms() + MM_WAIT_MS;

	while ((*mm_status_entry(q) >> 16 & 0xFFFF) != q->pidx)
		if (now_ms() > end)
			return false;
	return true;
}

/* Not armed: no interrupt. Arming later brings the one that is due. */
static enum ktap_result run_late_arm(struct pair *p)
{
	struct mm_queue *q = &p->out;

	KTAP_FAIL_ON(mm_move(q, p->buf.iova, CARD_A, 64), "first write");
	vfio_irq_wait(&vf_a.dev, q->vec, 0);
	mm_post(q, p->buf.iova, CARD_A, 64);
	bar_write(&vf_a.dev, VF_DB_BASE + VF_DB_H2C_PIDX, q->pidx);
	KTAP_FAIL_ON(!moved_in_time(q), "no completion");
	KTAP_FAIL_ON(vfio_irq_wait(&vf_a.dev, q->vec, QUIET_MS),
		     "interrupt without arm");
	mm_doorbell(q);
	KTAP_FAIL_ON(!vfio_irq_wait(&vf_a.dev, q->vec, MM_WAIT_MS),
		     "the interrupt is lost");
	return KTAP_PASS;
}

static enum ktap_result late_arm(const void *arg)
{
	(void)arg;
	return with_pair(MODE_DIRECT, run_late_arm);
}

/* The status entry has 8 bytes; those after it are not the card's. */
static enum ktap_result run_status_size(struct pair *p)
{
	uint8_t *after = (uint8_t *)(mm_status_entry(&p->out) + 1);
	size_t len = p->out.ring.va + p->out.ring.size - after, i;

	memset(after, GUARD_BYTE, len);
	KTAP_FAIL_ON(mm_move(&p->out, p->buf.iova, CARD_A, 4096), "write");
	for (i = 0; i < len; i++)
		KTAP_FAIL_ON(after[i] != GUARD_BYTE, "byte %zu is written", i);
	return KTAP_PASS;
}

static enum ktap_result status_size(const void *arg)
{
	(void)arg;
	return with_pair(MODE_POLL, run_status_size);
}

/* More events than the interrupt ring has entries: index and colour wrap. */
static enum ktap_result run_agg_wrap(struct pair *p)
{
	unsigned int i;

	for (i = 0; i < MORE_THAN_A_RING; i++)
		KTAP_FAIL_ON(mm_move(&p->out, p->buf.iova, CARD_A, 8),
			     "transfer %u", i);
	KTAP_FAIL_ON(vf_a.agg.events < MORE_THAN_A_RING, "%u events",
		     vf_a.agg.events);
	return KTAP_PASS;
}

static enum ktap_result agg_wrap(const void *arg)
{
	(void)arg;
	return with_pair(MODE_AGGR, run_agg_wrap);
}

/* What one VF wrote the other one reads: card memory is shared. */
static enum ktap_result shared_memory(const void *arg)
{
	struct pair a, b;

	(void)arg;
	EXPECT_STATUS(pair_open(&a, &vf_a, MODE_DIRECT), 0);
	EXPECT_STATUS(pair_open(&b, &vf_b, MODE_DIRECT), 0);
	fill_random(a.buf.va, 4096, 77);
	KTAP_FAIL_ON(mm_move(&a.out, a.buf.iova, CARD_A, 4096), "write");
	KTAP_FAIL_ON(mm_move(&b.in, b.buf.iova, CARD_A, 4096), "read");
	KTAP_FAIL_ON(memcmp(a.buf.va, b.buf.va, 4096), "differs");
	pair_close(&a);
	pair_close(&b);
	return KTAP_PASS;
}

static bool started(const struct mm_queue *q)
{
	struct mbox_msg rsp;

	if (*mm_status_entry(q))
		return true;
	return mm_read_context((struct mm_queue *)q, &rsp) ||
	       msg_get16(&rsp, M_RD_SW_PIDX);
}

/* The bystander has work that it has not rung for; nobody else may start it. */
static enum ktap_result foreign_doorbells(const void *arg)
{
	struct pair b;
	uint32_t q;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(pair_open(&b, &vf_b, MODE_POLL), 0);
	mm_post(&b.out, b.buf.iova, CARD_B, 64);
	mm_post(&b.in, b.buf.iova, CARD_B, 64);
	for (q = vf_a.qmax; q < VF_DB_QUEUES; q++) {
		bar_write(&vf_a.dev, VF_DB_BASE + VF_DB_STRIDE * q +
			  VF_DB_H2C_PIDX, 1);
		bar_write(&vf_a.dev, VF_DB_BASE + VF_DB_STRIDE * q +
			  VF_DB_C2H_PIDX, 1);
		bar_write(&vf_a.dev, VF_DB_BASE + VF_DB_STRIDE * q +
			  VF_DB_CMPT_CIDX, 1);
	}
	KTAP_FAIL_ON(started(&b.out) || started(&b.in), "a foreign queue ran");
	mm_doorbell(&b.out);
	KTAP_FAIL_ON(mm_wait(&b.out, MM_WAIT_MS), "the owner cannot start it");
	pair_close(&b);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

static enum ktap_result unmapped_doorbells(const void *arg)
{
	uint32_t q;

	(void)arg;
	EXPECT_STATUS(fresh(&vf_a), 0);
	for (q = 0; q < VF_DB_QUEUES; q++)
		bar_write(&vf_a.dev, VF_DB_BASE + VF_DB_STRIDE * q +
			  VF_DB_H2C_PIDX, 1 | VF_DB_ARM);
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

static enum ktap_result unused_queue_doorbell(const void *arg)
{
	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	bar_write(&vf_a.dev, VF_DB_BASE + VF_DB_H2C_PIDX, 5 | VF_DB_ARM);
	bar_write(&vf_a.dev, VF_DB_BASE + VF_DB_C2H_PIDX, 5 | VF_DB_ARM);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

/* A producer index that the ring does not have stops this queue alone. */
static enum ktap_result producer_index_too_high(const void *arg)
{
	struct pair a;

	(void)arg;
	EXPECT_STATUS(pair_open(&a, &vf_a, MODE_POLL), 0);
	bar_write(&vf_a.dev, VF_DB_BASE + VF_DB_H2C_PIDX, 0xFFFF);
	KTAP_FAIL_ON(mm_move(&a.in, a.buf.iova, CARD_A, 64),
		     "the other direction stopped");
	pair_close(&a);
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

/* Acknowledging another VF's interrupt ring costs that VF nothing. */
static enum ktap_result foreign_ring_doorbell(const void *arg)
{
	struct pair b;
	unsigned int i;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(pair_open(&b, &vf_b, MODE_AGGR), 0);
	for (i = 0; i < 20; i++) {
		bar_write(&vf_a.dev, VF_DB_BASE + VF_DB_INTR_CIDX,
			  i * 7 | vf_b.agg.index << VF_DB_RING_SHIFT);
		KTAP_FAIL_ON(mm_move(&b.out, b.buf.iova, CARD_B, 64),
			     "transfer %u of the other VF", i);
	}
	pair_close(&b);
	return KTAP_PASS;
}

#define WORK(...) (&(const struct work){ __VA_ARGS__ })

static const enum irq_mode m_poll = MODE_POLL, m_direct = MODE_DIRECT;
static const enum irq_mode m_aggr = MODE_AGGR;

static const struct ktap_case mm_cases[] = {
	{ "sizes and alignments, poll", sizes, &m_poll },
	{ "sizes and alignments, direct", sizes, &m_direct },
	{ "sizes and alignments, aggr", sizes, &m_aggr },
	{ "1 MiB, poll", move, WORK(.queues = 1, .mode = MODE_POLL, .size = MIB) },
	{ "1 MiB, direct", move, WORK(.queues = 1, .mode = MODE_DIRECT, .size = MIB) },
	{ "1 MiB, aggr", move, WORK(.queues = 1, .mode = MODE_AGGR, .size = MIB) },
	{ "2 queues, poll", move, WORK(.queues = 2, .mode = MODE_POLL, .size = 100003) },
	{ "2 queues, direct", move, WORK(.queues = 2, .mode = MODE_DIRECT, .size = 100003) },
	{ "2 queues, aggr", move, WORK(.queues = 2, .mode = MODE_AGGR, .size = 100003) },
	{ "all queues, poll", move, WORK(.mode = MODE_POLL, .size = 50021) },
	{ "all queues, direct, vectors shared", move, WORK(.mode = MODE_DIRECT, .size = 50021) },
	{ "all queues, aggr, one ring", move, WORK(.mode = MODE_AGGR, .size = 50021) },
	{ "descriptor ring wraps", move, WORK(.queues = 1, .mode = MODE_DIRECT, .size = 20000, .chunk = 31) },
	{ "1500 descriptors at once", move, WORK(.queues = 1, .mode = MODE_DIRECT, .size = 6000, .chunk = 4, .table_size = TABLE_2048) },
	{ "the status entry has 8 bytes", status_size, NULL },
	{ "the same doorbell twice moves nothing twice", no_replay, NULL },
	{ "an interrupt that is due comes when armed", late_arm, NULL },
	{ "interrupt ring wraps", agg_wrap, NULL },
	{ "two VFs see the same card memory", shared_memory, NULL },
};

static const struct ktap_case doorbell_cases[] = {
	{ "doorbells outside the range start no foreign queue", foreign_doorbells, NULL },
	{ "doorbells without a range", unmapped_doorbells, NULL },
	{ "doorbell of a queue that is not set up", unused_queue_doorbell, NULL },
	{ "producer index beyond the ring", producer_index_too_high, NULL },
	{ "interrupt ring doorbell for another VF", foreign_ring_doorbell, NULL },
};

const struct suite suite_mm = {
	.name = "mm", .cases = mm_cases, .count = ARRAY_SIZE(mm_cases),
	.two = true,
};

const struct suite suite_doorbell = {
	.name = "doorbell", .cases = doorbell_cases,
	.count = ARRAY_SIZE(doorbell_cases), .two = true,
};
