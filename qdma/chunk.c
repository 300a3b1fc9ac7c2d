// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks of transfers: user pages, pinned and mapped, or a copy of a packet.
 */
#include "priv.h"

#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/svff.h>
#include <linux/uio.h>

#include <compat/iov_iter.h>

#define MAX_SEG			SZ_1M
#define COPY_BLOCK		SZ_64K
#define CHUNK_PAGES		256	/* 1 MiB */
/* A piece touches up to two pages more than it fills. */
#define PACKET_PAGES		(SVFF_ST_GATHER_MAX / SZ_4K + 2 * UIO_MAXIOV)

static void free_copies(struct qdma_chunk *chunk)
{
	while (chunk->npages) {
		chunk->npages--;
		__free_pages(chunk->page[chunk->npages],
			     get_order(chunk->sgl[chunk->npages].length));
	}
}

/* Unpin first what was pinned for writing: the pages are dirty. */
static void unpin_pages(struct qdma_chunk *chunk)
{
	if (chunk->copied)
		free_copies(chunk);
	if (!chunk->pinned)
		return;
	if (chunk->dir == DMA_FROM_DEVICE)
		unpin_user_pages_dirty_lock(chunk->page, chunk->npages, true);
	else
		unpin_user_pages(chunk->page, chunk->npages);
}

/* Who submitted them, io_uring above all, may free lent pages as soon as it is told of the end. */
static void hold_lent(struct qdma_chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < chunk->npages; i++)
		get_page(chunk->page[i]);
	chunk->held = true;
}

static void put_held(struct qdma_chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < chunk->npages; i++)
		put_page(chunk->page[i]);
}

/**
 * qdma_chunk_free - let go of a chunk's pages
 * @ring: its ring
 * @chunk: chunk
 *
 * One whose pages the hardware may still write to is kept for later.
 *
 * Context: process.
 */
void qdma_chunk_free(struct qdma_ring *ring, struct qdma_chunk *chunk)
{
	if (chunk->kept) {
		if (chunk->lent)
			hold_lent(chunk);
		spin_lock_irq(&ring->lock);
		list_add_tail(&chunk->node, &ring->quarantine);
		spin_unlock_irq(&ring->lock);
		return;
	}
	if (chunk->nents)
		dma_unmap_sg(&ring->qd->pdev->dev, chunk->sgl, chunk->nents, chunk->dir);
	unpin_pages(chunk);
	if (chunk->held)
		put_held(chunk);
	kvfree(chunk);
}

static struct qdma_chunk *alloc_chunk(unsigned int max_pages)
{
	size_t sgl = max_pages * sizeof(struct scatterlist);
	struct qdma_chunk *chunk;

	chunk = kvmalloc(sizeof(*chunk) + sgl + max_pages * sizeof(struct page *), GFP_KERNEL);
	if (!chunk)
		return NULL;
	memset(chunk, 0, sizeof(*chunk));
	sg_init_table(chunk->sgl, max_pages);
	chunk->page = (struct page **)((u8 *)chunk->sgl + sgl);
	return chunk;
}

static bool follows(const struct scatterlist *sg, phys_addr_t phys, size_t len, size_t max_seg)
{
	return sg_phys((struct scatterlist *)sg) + sg->length == phys &&
	       sg->length + len <= max_seg;
}

/* Neighbours in memory become one segment: fewer descriptors. */
static void add_piece(struct qdma_chunk *chunk, struct page *page, size_t offset,
		      size_t len, size_t max_seg)
{
	struct scatterlist *last = chunk->nents ? &chunk->sgl[chunk->nents - 1] : NULL;

	if (last && follows(last, page_to_phys(page) + offset, len, max_seg))
		last->length += len;
	else
		sg_set_page(&chunk->sgl[chunk->nents++], page, len, offset);
}

static void add_extent(struct qdma_chunk *chunk, size_t bytes, size_t offset, size_t max_seg)
{
	chunk->bytes += bytes;
	while (bytes) {
		size_t len = min_t(size_t, bytes, PAGE_SIZE - offset);

		add_piece(chunk, chunk->page[chunk->npages++], offset, len, max_seg);
		bytes -= len;
		offset = 0;
	}
}

/* Take pages until the chunk or the iterator is full; what came is enough. */
static int pin_chunk(struct qdma_chunk *chunk, struct iov_iter *iter,
		     unsigned int max_pages, size_t max_seg)
{
	while (chunk->npages < max_pages && iov_iter_count(iter)) {
		size_t offset;
		ssize_t got = svff_iter_extract(iter, chunk->page + chunk->npages,
						iov_iter_count(iter),
						max_pages - chunk->npages, &offset);

		if (got <= 0)
			return chunk->bytes ? 0 : got ? got : -EFAULT;
		add_extent(chunk, got, offset, max_seg);
	}
	return 0;
}

static size_t max_seg_of(struct svff_qdma *qd)
{
	return min_t(size_t, dma_max_mapping_size(&qd->pdev->dev), MAX_SEG);
}

static int map_chunk(struct svff_qdma *qd, struct qdma_chunk *chunk, u64 card)
{
	int mapped;

	if (!chunk->nents)
		return 0;
	sg_mark_end(&chunk->sgl[chunk->nents - 1]);
	mapped = dma_map_sg(&qd->pdev->dev, chunk->sgl, chunk->nents, chunk->dir);
	if (!mapped)
		return -ENOMEM;
	chunk->sg = chunk->sgl;
	chunk->left = mapped;
	chunk->span.card = card;
	return 0;
}

static int copy_block(struct qdma_chunk *chunk, struct iov_iter *iter)
{
	size_t len = min_t(size_t, iov_iter_count(iter), COPY_BLOCK);
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, get_order(len));

	if (!page)
		return -ENOMEM;
	chunk->page[chunk->npages++] = page;
	sg_set_page(&chunk->sgl[chunk->nents++], page, len, 0);
	if (copy_from_iter(page_address(page), len, iter) != len)
		return -EFAULT;
	chunk->bytes += len;
	return 0;
}

/**
 * qdma_chunk_copy - make a chunk of a packet that is copied, in as few pieces as can be
 * @xfer: its transfer
 * @iter: the packet
 *
 * Context: process.
 * Return: the chunk, mapped, or -ENOMEM, -EFAULT; @iter is as it was then.
 */
struct qdma_chunk *qdma_chunk_copy(struct qdma_xfer *xfer, struct iov_iter *iter)
{
	size_t total = iov_iter_count(iter);
	struct qdma_chunk *chunk = alloc_chunk(total / COPY_BLOCK + 1);
	int err = 0;

	if (!chunk)
		return ERR_PTR(-ENOMEM);
	chunk->xfer = xfer;
	chunk->dir = DMA_TO_DEVICE;
	chunk->copied = true;
	while (!err && iov_iter_count(iter))
		err = copy_block(chunk, iter);
	if (!err)
		err = map_chunk(xfer->ring->qd, chunk, 0);
	if (!err)
		return chunk;
	free_copies(chunk);
	kvfree(chunk);
	iov_iter_revert(iter, total - iov_iter_count(iter));
	return ERR_PTR(err);
}

/* A packet is whole, or is none. */
static int pin_packet(struct qdma_chunk *chunk, struct iov_iter *iter,
		      unsigned int max_pages, size_t max_seg)
{
	int err = pin_chunk(chunk, iter, max_pages, max_seg);

	if (err || !iov_iter_count(iter))
		return err;
	unpin_pages(chunk);
	iov_iter_revert(iter, chunk->bytes);
	return -EFAULT;
}

static struct qdma_chunk *make_chunk(struct qdma_xfer *xfer, struct iov_iter *iter, u64 card)
{
	bool packet = xfer->ring->kind->st;
	unsigned int max_pages = max(iov_iter_npages(iter, packet ? PACKET_PAGES : CHUNK_PAGES), 1);
	size_t max_seg = max_seg_of(xfer->ring->qd);
	struct qdma_chunk *chunk = alloc_chunk(max_pages);
	int err;

	if (!chunk)
		return ERR_PTR(-ENOMEM);
	chunk->xfer = xfer;
	chunk->dir = xfer->ring->dir == SVFF_QDMA_C2H ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	chunk->pinned = svff_iter_will_pin(iter);
	chunk->lent = iov_iter_is_bvec(iter);
	err = packet ? pin_packet(chunk, iter, max_pages, max_seg) :
		       pin_chunk(chunk, iter, max_pages, max_seg);
	if (err)
		goto free_chunk;
	err = map_chunk(xfer->ring->qd, chunk, card);
	if (err)
		goto unpin;
	return chunk;

unpin:
	unpin_pages(chunk);
	iov_iter_revert(iter, chunk->bytes);
free_chunk:
	kvfree(chunk);
	return ERR_PTR(err);
}

/* What cannot be sent from where it is, is sent from a copy. */
static struct qdma_chunk *make_packet(struct qdma_xfer *xfer, struct iov_iter *iter)
{
	struct qdma_chunk *chunk = make_chunk(xfer, iter, 0);

	if (IS_ERR(chunk) || chunk->left <= 1 || qdma_tx_gathers(xfer->ring))
		return chunk;
	iov_iter_revert(iter, chunk->bytes);
	qdma_chunk_free(xfer->ring, chunk);
	return qdma_chunk_copy(xfer, iter);
}

/**
 * qdma_chunk_make - make a chunk of what comes next
 * @xfer: its transfer
 * @iter: user pages
 * @card: card address
 *
 * For a stream it is a whole packet.
 *
 * Context: process.
 * Return: the chunk, mapped, or -ENOMEM, -EFAULT; @iter is as it was then.
 */
struct qdma_chunk *qdma_chunk_make(struct qdma_xfer *xfer, struct iov_iter *iter, u64 card)
{
	return xfer->ring->kind->st ? make_packet(xfer, iter) : make_chunk(xfer, iter, card);
}
