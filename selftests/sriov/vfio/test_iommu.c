// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VF that aims at memory it was not given: the IOMMU stops it, its queue
 * gets the error, and nobody else notices. The log shows faults on purpose.
 */
#include <errno.h>

#include "test.h"

#define NOWHERE		0x7F00000000ull	/* never mapped; within 39 bits */
#define LEN		8192
#define QUIET_MS	200

struct rig {
	struct mm_queue q;
	struct dma_buf buf;
};

static int rig_open(struct rig *r, bool c2h)
{
	int ret = mapped(&vf_a);

	memset(r, 0, sizeof(*r));
	if (!ret)
		ret = dma_alloc(&vf_a.dev, LEN, &r->buf);
	if (!ret)
		ret = mm_open(&r->q, &vf_a, 0, c2h, MODE_POLL, TABLE_64);
	return ret;
}

static void rig_close(struct rig *r)
{
	mm_close(&r->q);
	dma_free(&vf_a.dev, &r->buf);
}

/* Both VFs move data, the one at fault after its queue was set up again. */
static enum ktap_result all_well(void)
{
	EXPECT_STATUS(small_move(&vf_b, CARD_B), 0);
	EXPECT_STATUS(small_move(&vf_a, CARD_A), 0);
	return KTAP_PASS;
}

static int put_pattern(uint64_t seed)
{
	struct rig r;
	int ret = rig_open(&r, false);

	fill_random(r.buf.va, LEN, seed);
	ret = ret ? ret : mm_move(&r.q, r.buf.iova, CARD_A, LEN);
	rig_close(&r);
	return ret;
}

/* Compares @len bytes at the start of the region. */
static int check_pattern(uint64_t seed, size_t len)
{
	uint8_t want[LEN];
	struct rig r;
	int ret = rig_open(&r, true);

	fill_random(want, LEN, seed);
	ret = ret ? ret : mm_move(&r.q, r.buf.iova, CARD_A, LEN);
	if (!ret && memcmp(want, r.buf.va, len))
		ret = -EBADMSG;
	rig_close(&r);
	return ret;
}

static enum ktap_result expect_error(struct mm_queue *q, unsigned int want)
{
	struct mbox_msg rsp;
	int ret = mm_wait(q, MM_WAIT_MS);

	KTAP_FAIL_ON(ret != -EIO, "wait says %d, not -EIO", ret);
	EXPECT_STATUS(mm_read_context(q, &rsp), 0);
	KTAP_FAIL_ON(rsp.b[M_RD_SW_ERR] != want, "context error %u, not %u",
		     rsp.b[M_RD_SW_ERR], want);
	return KTAP_PASS;
}

static enum ktap_result read_unmapped(const void *arg)
{
	enum ktap_result res;
	struct rig r;

	(void)arg;
	EXPECT_STATUS(put_pattern(1), 0);
	EXPECT_STATUS(rig_open(&r, false), 0);
	mm_post(&r.q, NOWHERE, CARD_A, LEN);
	mm_doorbell(&r.q);
	res = expect_error(&r.q, SW_ERR_DMA);
	rig_close(&r);
	if (res)
		return res;
	KTAP_FAIL_ON(check_pattern(1, LEN), "the region changed");
	return all_well();
}

static enum ktap_result write_unmapped(const void *arg)
{
	enum ktap_result res;
	struct rig r;

	(void)arg;
	EXPECT_STATUS(rig_open(&r, true), 0);
	mm_post(&r.q, NOWHERE, CARD_A, LEN);
	mm_doorbell(&r.q);
	res = expect_error(&r.q, SW_ERR_DMA);
	rig_close(&r);
	return res ? res : all_well();
}

/* The second page of the buffer is not there; what follows it must not run. */
static enum ktap_result read_past_the_end(const void *arg)
{
	enum ktap_result res;
	struct rig r;

	(void)arg;
	EXPECT_STATUS(rig_open(&r, false), 0);
	mm_post(&r.q, r.buf.iova + LEN - 64, CARD_A, 128);
	mm_post(&r.q, r.buf.iova, CARD_A + LEN, 128);
	mm_doorbell(&r.q);
	res = expect_error(&r.q, SW_ERR_DMA);
	rig_close(&r);
	return res ? res : all_well();
}

static enum ktap_result write_past_the_end(const void *arg)
{
	enum ktap_result res;
	struct rig r;

	(void)arg;
	EXPECT_STATUS(rig_open(&r, true), 0);
	mm_post(&r.q, r.buf.iova + LEN - 64, CARD_A, 128);
	mm_doorbell(&r.q);
	res = expect_error(&r.q, SW_ERR_DMA);
	rig_close(&r);
	return res ? res : all_well();
}

/* Memory of the bystander, at an address that only its domain knows. */
static enum ktap_result memory_of_another_vf(const void *arg)
{
	enum ktap_result res;
	struct dma_buf victim;
	struct rig r;
	size_t i;

	(void)arg;
	vf_b.dev.next_iova += 0x1000000000ull;
	EXPECT_STATUS(dma_alloc(&vf_b.dev, LEN, &victim), 0);
	memset(victim.va, 0x5A, LEN);
	EXPECT_STATUS(rig_open(&r, true), 0);
	mm_post(&r.q, victim.iova, CARD_A, LEN);
	mm_doorbell(&r.q);
	res = expect_error(&r.q, SW_ERR_DMA);
	rig_close(&r);
	for (i = 0; i < LEN; i++)
		KTAP_FAIL_ON(victim.va[i] != 0x5A, "byte %zu was written", i);
	dma_free(&vf_b.dev, &victim);
	return res ? res : all_well();
}

static enum ktap_result memory_taken_away(const void *arg)
{
	enum ktap_result res;
	struct dma_buf gone;
	struct rig r;

	(void)arg;
	EXPECT_STATUS(rig_open(&r, false), 0);
	EXPECT_STATUS(dma_alloc(&vf_a.dev, LEN, &gone), 0);
	KTAP_FAIL_ON(mm_move(&r.q, gone.iova, CARD_A, LEN), "while mapped");
	vfio_dma_unmap(&vf_a.dev, gone.size, gone.iova);
	mm_post(&r.q, gone.iova, CARD_A, LEN);
	mm_doorbell(&r.q);
	res = expect_error(&r.q, SW_ERR_DMA);
	rig_close(&r);
	return res ? res : all_well();
}

/* No status entry can come: the context tells, and the card goes on. */
static enum ktap_result ring_unmapped(const void *arg)
{
	int64_t end = now_ms() + MM_WAIT_MS;
	struct mbox_msg rsp;
	struct rig r;

	(void)arg;
	EXPECT_STATUS(rig_open(&r, false), 0);
	mm_post(&r.q, r.buf.iova, CARD_A, LEN);
	vfio_dma_unmap(&vf_a.dev, r.q.ring.size, r.q.ring.iova);
	mm_doorbell(&r.q);
	do {
		EXPECT_STATUS(mm_read_context(&r.q, &rsp), 0);
		KTAP_FAIL_ON(now_ms() > end, "no error in the context");
	} while (!rsp.b[M_RD_SW_ERR]);
	KTAP_FAIL_ON(rsp.b[M_RD_SW_ERR] != SW_ERR_FETCH, "context error %u",
		     rsp.b[M_RD_SW_ERR]);
	rig_close(&r);
	return all_well();
}

static enum ktap_result interrupt_ring_unmapped(const void *arg)
{
	struct mm_queue q;
	struct dma_buf buf;

	(void)arg;
	EXPECT_STATUS(mapped(&vf_a), 0);
	EXPECT_STATUS(dma_alloc(&vf_a.dev, LEN, &buf), 0);
	EXPECT_STATUS(agg_open(&vf_a, VF_VEC_DATA), 0);
	EXPECT_STATUS(mm_open(&q, &vf_a, 0, false, MODE_AGGR, TABLE_64), 0);
	vfio_dma_unmap(&vf_a.dev, vf_a.agg.mem.size, vf_a.agg.mem.iova);
	mm_post(&q, buf.iova, CARD_A, LEN);
	mm_doorbell(&q);
	mm_wait(&q, QUIET_MS);
	KTAP_FAIL_ON(((volatile uint64_t *)vf_a.agg.mem.va)[0],
		     "the ring was written");
	mm_close(&q);
	agg_close(&vf_a);
	dma_free(&vf_a.dev, &buf);
	return all_well();
}

static enum ktap_result no_bus_master(const void *arg)
{
	struct rig r;
	int ret;

	(void)arg;
	EXPECT_STATUS(put_pattern(2), 0);
	EXPECT_STATUS(rig_open(&r, false), 0);
	vfio_bus_master(&vf_a.dev, false);
	mm_post(&r.q, r.buf.iova, CARD_A, LEN);
	mm_doorbell(&r.q);
	ret = mm_wait(&r.q, QUIET_MS);
	vfio_bus_master(&vf_a.dev, true);
	rig_close(&r);
	KTAP_FAIL_ON(!ret, "data moved");
	KTAP_FAIL_ON(check_pattern(2, LEN), "the region changed");
	return all_well();
}

static const struct ktap_case cases[] = {
	{ "H2C from memory that is not mapped", read_unmapped, NULL },
	{ "C2H to memory that is not mapped", write_unmapped, NULL },
	{ "H2C past the end of a buffer", read_past_the_end, NULL },
	{ "C2H past the end of a buffer", write_past_the_end, NULL },
	{ "C2H to memory of another VF", memory_of_another_vf, NULL },
	{ "H2C from memory that was unmapped", memory_taken_away, NULL },
	{ "descriptor ring that is not mapped", ring_unmapped, NULL },
	{ "interrupt ring that is not mapped", interrupt_ring_unmapped, NULL },
	{ "no DMA without bus mastering", no_bus_master, NULL },
};

const struct suite suite_iommu = {
	.name = "iommu", .cases = cases, .count = ARRAY_SIZE(cases),
	.two = true,
};
