// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a stream receives. The hardware fills buffers, in the order of the ring,
 * and says in the completion ring how long each packet is. The entries are
 * taken out as they come, so that the hardware can go on; the packets stay in
 * their buffers until somebody reads them. If nobody does the buffers run out,
 * and the user logic has to wait: nothing is dropped.
 *
 *	buffers:   | read, not given back | packets | the hardware's |
 *		 head                    slot      tail             head
 *
 * The hardware counts as told what it was told by the completion index; it
 * raises no further interrupt before. So an interrupt is always answered by
 * one, while a reader who finds packets without an interrupt lets some pass.
 * If there is no place for more entries the index is held back.
 */
#include "priv.h"

#include <linux/bitfield.h>
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/svff.h>
#include <linux/uio.h>

#include "regs.h"
#include "trace.h"

#define RX_RING_BEST	257	/* entries: 1 MiB of buffers by default */
#define CMPT_RING_BEST	513	/* more than packets can be: some have no buffer */
#define RX_RING_MIN	(2 * QDMA_RX_BUFS_MAX)	/* below it each buffer counts */
#define DEFAULT_BUF_SIZE	4096
#define DEFAULT_COUNT	16	/* packets that are worth an interrupt */
#define DEFAULT_TIMER	100	/* ticks: 10 us at 250 MHz and 25 cycles a tick */
#define TELL_PART	4	/* tell the hardware after this part of a ring */

static struct qdma_rx *to_rx(struct qdma_ring *ring)
{
	return container_of(ring, struct qdma_rx, ring);
}

static u32 cmpt_size(const struct qdma_rx *rx)
{
	return qdma_desc_size(rx->config.cmpt_sz);
}

/**
 * qdma_rx_entry - a completion that nobody has read
 * @rx: receive ring
 * @index: 0 for the first
 *
 * Context: any, ring's lock held.
 * Return: where it is.
 */
const void *qdma_rx_entry(const struct qdma_rx *rx, u32 index)
{
	return rx->fifo + (rx->first + index) % rx->cmpt_slots * cmpt_size(rx);
}

static u64 first_word(const void *entry)
{
	return le64_to_cpu(*(const __le64 *)entry);
}

/* Everything but the index is as the context says, and there for the record. */
static void tell_cidx(struct qdma_rx *rx)
{
	struct svff_qdma *qd = rx->ring.qd;
	const struct qdma_rx_config *c = &rx->config;

	qdma_doorbell(qd, QDMA_DB_CMPT_CIDX(rx->ring.qid),
		      FIELD_PREP(QDMA_DB_CMPT_CIDX_CIDX, rx->cidx) |
		      FIELD_PREP(QDMA_DB_CMPT_CIDX_CNT, c->cnt_ix) |
		      FIELD_PREP(QDMA_DB_CMPT_CIDX_TIMER, c->timer_ix) |
		      FIELD_PREP(QDMA_DB_CMPT_CIDX_TRIG, c->trigger) |
		      QDMA_DB_CMPT_CIDX_STAT_EN |
		      (rx->ring.vec ? QDMA_DB_CMPT_CIDX_IRQ_EN : 0));
	rx->told = rx->cidx;
	rx->cidx_bells++;
}

/* All that is read is the hardware's, but for one: a full ring looks empty. */
static void give_back(struct qdma_rx *rx)
{
	struct qdma_ring *ring = &rx->ring;

	ring->posted += rx->freed;
	rx->freed = 0;
	ring->head = (rx->slot + ring->slots - 1) % ring->slots;
	qdma_doorbell(ring->qd, QDMA_DB_C2H_PIDX(ring->qid),
		      FIELD_PREP(QDMA_DB_PIDX_PIDX, ring->head));
	ring->doorbells++;
	trace_qdma_doorbell(&ring->qd->pdev->dev, ring->qid, ring->dir, ring->head, false);
}

/* The next completion, if there is one. */
static const void *next_entry(struct qdma_rx *rx)
{
	const void *entry = rx->cmpt + rx->cidx * cmpt_size(rx);
	u64 word = le64_to_cpu(READ_ONCE(*(__le64 *)entry));

	if (!!(word & QDMA_CMPT_ENTRY_COLOR) != rx->color)
		return NULL;
	/* The data was written before; do not look at it, or the rest, earlier. */
	dma_rmb();
	return entry;
}

static bool take_entry(struct qdma_rx *rx, const void *entry)
{
	struct qdma_ring *ring = &rx->ring;
	u32 owned = (ring->head + ring->slots - ring->tail) % ring->slots;
	void *kept = rx->fifo + rx->cidx * cmpt_size(rx);
	u64 word;

	/* What was checked is what is kept, whatever the card writes meanwhile. */
	memcpy(kept, entry, cmpt_size(rx));
	word = first_word(kept);
	if (!qdma_rx_valid(word, rx->config.buf_size, owned))
		return false;
	ring->tail = (ring->tail + qdma_rx_bufs(word, rx->config.buf_size)) % ring->slots;
	ring->done++;
	rx->npkts++;
	rx->bytes += qdma_rx_len(word);
	if (word & QDMA_CMPT_ENTRY_DATA)
		rx->packets++;
	else
		rx->immediate++;
	if (++rx->cidx == rx->cmpt_slots) {
		rx->cidx = 0;
		rx->color = !rx->color;
	}
	return true;
}

/* Returns how many entries were taken, -1 if something is wrong. */
static int take_entries(struct qdma_rx *rx)
{
	const __le64 *status = rx->cmpt + rx->cmpt_slots * cmpt_size(rx);
	const void *entry;
	int n = 0;

	while (rx->npkts < rx->cmpt_slots) {
		entry = next_entry(rx);
		if (!entry)
			break;
		if (!take_entry(rx, entry))
			return -1;
		n++;
	}
	if (!n && le64_to_cpu(READ_ONCE(*status)) & QDMA_CMPT_STATUS_ERR)
		return -1;
	return n;
}

static u32 untold(const struct qdma_rx *rx)
{
	return (rx->cidx + rx->cmpt_slots - rx->told) % rx->cmpt_slots;
}

/* As &qdma_ring_kind.service. */
static bool rx_service(struct qdma_ring *ring, bool irq)
{
	struct qdma_rx *rx = to_rx(ring);
	int n;

	lockdep_assert_held(&ring->lock);
	if (ring->state != QDMA_RING_RUNNING)
		return false;
	n = take_entries(rx);
	if (n < 0) {
		qdma_ring_fail_locked(ring, -EIO);
		return false;
	}
	if (rx->npkts < rx->cmpt_slots && (irq || untold(rx) >= rx->cmpt_slots / TELL_PART))
		tell_cidx(rx);
	if (n)
		trace_qdma_complete(&ring->qd->pdev->dev, ring->qid, ring->dir, rx->cidx, n);
	if (rx->npkts) {
		rx->wanted = false;
		wake_up(&ring->room);
	}
	return rx->wanted;
}

/**
 * qdma_rx_left - bytes of the first packet that were not read
 * @rx: receive ring with a packet
 *
 * Context: any, ring's lock held.
 * Return: the number.
 */
size_t qdma_rx_left(const struct qdma_rx *rx)
{
	return qdma_rx_len(first_word(qdma_rx_entry(rx, 0))) - rx->pos;
}

static void *buffer(const struct qdma_rx *rx, u32 slot, dma_addr_t *dma)
{
	const struct qdma_block *block = &rx->block[slot / rx->per_block];
	size_t offset = (size_t)(slot % rx->per_block) * rx->stride;

	*dma = block->dma + offset;
	return page_address(block->page) + offset;
}

/**
 * qdma_rx_copy - copy from the first packet
 * @rx: receive ring; nobody else reads
 * @len: bytes, as many as are left at most
 * @iter: where to
 *
 * Context: process; the packet stays where it is.
 * Return: bytes that could be copied.
 */
size_t qdma_rx_copy(struct qdma_rx *rx, size_t len, struct iov_iter *iter)
{
	struct device *dev = &rx->ring.qd->pdev->dev;
	size_t done = 0;

	while (done < len) {
		size_t pos = rx->pos + done, offset = pos % rx->config.buf_size;
		size_t n = min(len - done, rx->config.buf_size - offset);
		u32 slot = (rx->slot + pos / rx->config.buf_size) % rx->ring.slots;
		dma_addr_t dma;
		void *data = buffer(rx, slot, &dma);
		size_t copied;

		dma_sync_single_for_cpu(dev, dma + offset, n, DMA_FROM_DEVICE);
		copied = copy_to_iter(data + offset, n, iter);
		dma_sync_single_for_device(dev, dma + offset, n, DMA_FROM_DEVICE);
		done += copied;
		if (copied < n)
			break;
	}
	return done;
}

/**
 * qdma_rx_done - the first packet is read
 * @rx: receive ring with a packet
 *
 * Context: process, ring's lock held.
 */
void qdma_rx_done(struct qdma_rx *rx)
{
	u32 bufs = qdma_rx_bufs(first_word(qdma_rx_entry(rx, 0)), rx->config.buf_size);
	struct qdma_ring *ring = &rx->ring;
	bool was_full = rx->npkts == rx->cmpt_slots;

	lockdep_assert_held(&ring->lock);
	rx->slot = (rx->slot + bufs) % ring->slots;
	rx->freed += bufs;
	rx->pos = 0;
	rx->first = (rx->first + 1) % rx->cmpt_slots;
	rx->npkts--;
	if (ring->state != QDMA_RING_RUNNING)
		return;
	if (rx->freed && (rx->freed >= ring->slots / TELL_PART || ring->slots < RX_RING_MIN))
		give_back(rx);
	if (was_full)
		rx_service(ring, true);
}

static void free_blocks(struct qdma_rx *rx)
{
	struct device *dev = &rx->ring.qd->pdev->dev;

	while (rx->nblocks) {
		struct qdma_block *block = &rx->block[--rx->nblocks];

		dma_unmap_page(dev, block->dma, PAGE_SIZE << rx->order, DMA_FROM_DEVICE);
		__free_pages(block->page, rx->order);
	}
	kvfree(rx->block);
	rx->block = NULL;
}

/* Zeroed: what the card says that it has written it may not have. */
static int alloc_block(struct qdma_rx *rx)
{
	struct qdma_block *block = &rx->block[rx->nblocks];
	struct device *dev = &rx->ring.qd->pdev->dev;

	block->page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN, rx->order);
	if (!block->page)
		return -ENOMEM;
	block->dma = dma_map_page(dev, block->page, 0, PAGE_SIZE << rx->order,
				  DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, block->dma)) {
		__free_pages(block->page, rx->order);
		return -ENOMEM;
	}
	rx->nblocks++;
	return 0;
}

static int alloc_blocks(struct qdma_rx *rx)
{
	u32 n;
	int err = 0;

	rx->stride = ALIGN(rx->config.buf_size, SMP_CACHE_BYTES);
	rx->order = get_order(rx->stride);
	rx->per_block = (PAGE_SIZE << rx->order) / rx->stride;
	n = DIV_ROUND_UP(rx->ring.slots, rx->per_block);
	rx->block = kvcalloc(n, sizeof(*rx->block), GFP_KERNEL);
	if (!rx->block)
		return -ENOMEM;
	while (!err && rx->nblocks < n)
		err = alloc_block(rx);
	return err;
}

static int alloc_cmpt(struct qdma_rx *rx)
{
	struct svff_qdma *qd = rx->ring.qd;
	u16 entries;

	rx->cmpt_ix = qdma_pick_ring_ix(&qd->csr, CMPT_RING_BEST);
	entries = qd->csr.ring_size[rx->cmpt_ix];
	rx->cmpt_slots = entries - 1;
	rx->cmpt_bytes = entries * cmpt_size(rx);
	rx->fifo = kvmalloc_array(rx->cmpt_slots, cmpt_size(rx), GFP_KERNEL);
	if (!rx->fifo)
		return -ENOMEM;
	rx->cmpt = dma_alloc_coherent(&qd->pdev->dev, rx->cmpt_bytes, &rx->cmpt_dma,
				      GFP_KERNEL);
	return rx->cmpt ? 0 : -ENOMEM;
}

static int rx_alloc(struct qdma_ring *ring)
{
	struct qdma_rx *rx = to_rx(ring);
	int err = alloc_cmpt(rx);

	return err ? err : alloc_blocks(rx);
}

static void rx_free(struct qdma_ring *ring)
{
	struct qdma_rx *rx = to_rx(ring);

	free_blocks(rx);
	if (rx->cmpt)
		dma_free_coherent(&ring->qd->pdev->dev, rx->cmpt_bytes, rx->cmpt, rx->cmpt_dma);
	rx->cmpt = NULL;
	kvfree(rx->fifo);
	rx->fifo = NULL;
	rx->npkts = 0;
}

/* Packets that nobody has read were read before, or are given up. */
static void rx_reset(struct qdma_ring *ring)
{
	struct qdma_rx *rx = to_rx(ring);
	__le64 *desc = ring->mem;
	dma_addr_t dma;
	u32 i;

	for (i = 0; i < ring->slots; i++) {
		buffer(rx, i, &dma);
		desc[i] = cpu_to_le64(dma);
	}
	memset(rx->cmpt, 0, rx->cmpt_bytes);
	rx->cidx = 0;
	rx->told = 0;
	rx->color = true;
	rx->npkts = 0;
	rx->first = 0;
	rx->slot = 0;
	rx->pos = 0;
	rx->freed = ring->slots - 1;
}

static void rx_describe(struct qdma_ring *ring, struct svff_qdma_hwq *q)
{
	struct qdma_rx *rx = to_rx(ring);
	const struct qdma_rx_config *c = &rx->config;

	q->cmpt = true;
	q->cmpt_base = rx->cmpt_dma;
	q->cmpt_ring_ix = rx->cmpt_ix;
	q->cmpt_desc_sz = c->cmpt_sz;
	q->buf_ix = c->buf_ix;
	q->cnt_ix = c->cnt_ix;
	q->timer_ix = c->timer_ix;
	q->trig_mode = c->trigger;
	q->pfch_en = c->prefetch;
	q->cmpt_stat_en = true;
	q->cmpt_irq_en = q->irq_en;
	q->fcrd_en = true;
	q->irq_en = false;
	q->irq_arm = false;
	q->wbk_en = false;
	q->wbi_chk = false;
	q->wbi_intvl_en = false;
}

/* The first completion index arms; only then there may be packets. */
static void rx_begin(struct qdma_ring *ring)
{
	tell_cidx(to_rx(ring));
	give_back(to_rx(ring));
}

const struct qdma_ring_kind qdma_ring_rx = {
	.st = true,
	.desc_sz = QDMA_C2H_DESC_SZ_CODE,
	.best_size = RX_RING_BEST,
	.service = rx_service,
	.alloc = rx_alloc,
	.free = rx_free,
	.reset = rx_reset,
	.describe = rx_describe,
	.begin = rx_begin,
};

static u32 distance(u32 a, u32 b)
{
	return a < b ? b - a : a - b;
}

/* Index of the entry that is @value, or of the one nearest to @best if that is 0. */
static int look_up(const u32 *table, u32 value, u32 best)
{
	int ix = -EINVAL, i;

	for (i = 0; i < SVFF_QDMA_RING_SIZES; i++) {
		if (!table[i] || (value && table[i] != value))
			continue;
		if (ix < 0 || distance(table[i], best) < distance(table[ix], best))
			ix = i;
	}
	return ix;
}

/**
 * qdma_rx_tables - what a receive ring can be set up with
 * @qd: function
 * @info: its tables are filled
 *
 * Context: process; a VF may ask its PF.
 * Return: 0 or as qdma_load_csr().
 */
int qdma_rx_tables(struct svff_qdma *qd, struct svff_st_info *info)
{
	int err = qdma_load_csr(qd), i;

	for (i = 0; !err && i < SVFF_QDMA_RING_SIZES; i++) {
		info->buf_sizes[i] = qd->csr.buf_size[i];
		info->counts[i] = qd->csr.cnt_th[i];
		info->timers[i] = qd->csr.timer_cnt[i];
	}
	return err;
}

static bool is_cmpt_size(u32 size)
{
	return size == 8 || size == 16 || size == 32 || size == 64;
}

/**
 * qdma_rx_configure - choose how a receive ring is set up
 * @rx: receive ring, idle
 * @user: what is wished, checked for flags only; 0 for what is usual
 *
 * Context: process; a VF may ask its PF.
 * Return: 0, -EINVAL for a value that the card does not have, or as
 * qdma_load_csr().
 */
int qdma_rx_configure(struct qdma_rx *rx, const struct svff_st_config *user)
{
	struct svff_st_info tables = {};
	int buf, cnt, timer;
	int err = qdma_rx_tables(rx->ring.qd, &tables);

	if (err)
		return err;
	buf = look_up(tables.buf_sizes, user->buf_size, DEFAULT_BUF_SIZE);
	cnt = look_up(tables.counts, user->count, DEFAULT_COUNT);
	timer = look_up(tables.timers, user->timer, DEFAULT_TIMER);
	if (buf < 0 || cnt < 0 || timer < 0 || user->trigger > SVFF_ST_TRIG_COUNT_TIMER ||
	    (user->cmpt_size && !is_cmpt_size(user->cmpt_size)))
		return -EINVAL;
	rx->config = (struct qdma_rx_config){
		.buf_size = tables.buf_sizes[buf], .buf_ix = buf, .cnt_ix = cnt, .timer_ix = timer,
		.cmpt_sz = user->cmpt_size ? ilog2(user->cmpt_size / qdma_desc_size(0)) : 0,
		.trigger = user->trigger ?: SVFF_ST_TRIG_COUNT_TIMER,
		.prefetch = !(user->flags & SVFF_ST_NO_PREFETCH),
	};
	return 0;
}
