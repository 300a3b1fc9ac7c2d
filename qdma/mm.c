// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes of card memory, straight from and to user pages. A transfer
 * is cut into chunks of pinned and mapped pages, which all go to one queue, so
 * that they end in order. A caller that waits has a few chunks in flight at a
 * time; a kiocb that does not is handed to the queue as a whole and completed
 * from the queue's work item, because unpinning may sleep. Whoever submits
 * under a plug, io_uring with several requests above all, has one doorbell for
 * what came in between.
 */
#include "priv.h"

#include <linux/blkdev.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include <compat/iov_iter.h>

#define CHUNK_PAGES		256	/* 1 MiB */
#define SYNC_CHUNKS		4	/* in flight for a caller that waits */
#define KILL_GRACE_MS		1000	/* for what the hardware has begun */

/* Unpin first what was pinned for writing: the pages are dirty. */
static void unpin_pages(struct qdma_chunk *chunk)
{
	if (!chunk->pinned)
		return;
	if (chunk->dir == DMA_FROM_DEVICE)
		unpin_user_pages_dirty_lock(chunk->page, chunk->npages, true);
	else
		unpin_user_pages(chunk->page, chunk->npages);
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
		spin_lock_irq(&ring->lock);
		list_add_tail(&chunk->node, &ring->quarantine);
		spin_unlock_irq(&ring->lock);
		return;
	}
	dma_unmap_sg(&ring->qd->pdev->dev, chunk->sgl, chunk->nents, chunk->dir);
	unpin_pages(chunk);
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

static int map_chunk(struct svff_qdma *qd, struct qdma_chunk *chunk, u64 card)
{
	int mapped;

	sg_mark_end(&chunk->sgl[chunk->nents - 1]);
	mapped = dma_map_sg(&qd->pdev->dev, chunk->sgl, chunk->nents, chunk->dir);
	if (!mapped)
		return -ENOMEM;
	chunk->sg = chunk->sgl;
	chunk->left = mapped;
	chunk->span.card = card;
	return 0;
}

static struct qdma_chunk *make_chunk(struct qdma_xfer *xfer, struct iov_iter *iter, u64 card)
{
	unsigned int max_pages = iov_iter_npages(iter, CHUNK_PAGES);
	struct qdma_chunk *chunk = alloc_chunk(max_pages);
	int err;

	if (!chunk)
		return ERR_PTR(-ENOMEM);
	chunk->xfer = xfer;
	chunk->dir = xfer->ring->dir == SVFF_QDMA_C2H ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	chunk->pinned = svff_iter_will_pin(iter);
	err = pin_chunk(chunk, iter, max_pages, xfer->mm->max_seg);
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

static void queue_completion(struct qdma_xfer *xfer)
{
	if (xfer->inflight || !xfer->iocb)
		return;
	list_add_tail(&xfer->node, &xfer->ring->finished);
	queue_work(qdma_wq, &xfer->ring->deliver);
}

/**
 * qdma_xfer_chunk_done - a chunk is through, well or not
 * @chunk: chunk, in a list of its ring
 *
 * Context: under the ring's lock.
 */
void qdma_xfer_chunk_done(struct qdma_chunk *chunk)
{
	struct qdma_xfer *xfer = chunk->xfer;

	lockdep_assert_held(&xfer->ring->lock);
	list_move_tail(&chunk->node, &xfer->finished);
	if (chunk->status && !xfer->error)
		xfer->error = chunk->status;
	xfer->inflight--;
	wake_up(&xfer->wait);
	queue_completion(xfer);
}

/* Count and free the chunks that are through. */
static void collect(struct qdma_xfer *xfer)
{
	struct qdma_chunk *chunk, *next;
	LIST_HEAD(list);

	spin_lock_irq(&xfer->ring->lock);
	list_splice_init(&xfer->finished, &list);
	list_for_each_entry(chunk, &list, node)
		xfer->ring->batch.inflight--;
	spin_unlock_irq(&xfer->ring->lock);
	list_for_each_entry_safe(chunk, next, &list, node) {
		xfer->broken |= chunk->status;
		if (!xfer->broken)
			xfer->bytes += chunk->bytes;
		list_del(&chunk->node);
		qdma_chunk_free(xfer->ring, chunk);
	}
}

static void init_xfer(struct qdma_xfer *xfer, struct qdma_mm *mm, struct qdma_ring *ring,
		      struct kiocb *iocb)
{
	memset(xfer, 0, sizeof(*xfer));
	xfer->mm = mm;
	xfer->ring = ring;
	xfer->iocb = iocb;
	INIT_LIST_HEAD(&xfer->finished);
	init_waitqueue_head(&xfer->wait);
}

/* What was moved counts, an error only if nothing was. */
static ssize_t xfer_result(const struct qdma_xfer *xfer)
{
	return xfer->bytes ? xfer->bytes : xfer->error;
}

struct ring_plug {
	struct blk_plug_cb cb;	/* first, see blk_check_plugged() */
	struct qdma_mm *mm;	/* has a reference */
};

static void unplug_ring(struct blk_plug_cb *cb, bool from_schedule)
{
	struct ring_plug *plug = container_of(cb, struct ring_plug, cb);

	qdma_ring_flush(cb->data);
	percpu_ref_put(&plug->mm->io);
	kfree(plug);
}

/*
 * Has the caller promised to submit more before it sleeps or is done? Do not
 * sleep between this and the submission.
 */
static bool is_plugged(struct qdma_xfer *xfer)
{
	struct ring_plug *plug;
	struct blk_plug_cb *cb;

	cb = blk_check_plugged(unplug_ring, xfer->ring, sizeof(*plug));
	if (!cb)
		return false;
	plug = container_of(cb, struct ring_plug, cb);
	if (!plug->mm) {
		plug->mm = xfer->mm;
		percpu_ref_get(&plug->mm->io);
	}
	return true;
}

static int submit_chunk(struct qdma_xfer *xfer, struct qdma_chunk *chunk, bool nowait)
{
	int err;

	for (;;) {
		err = qdma_ring_submit(xfer->ring, chunk, is_plugged(xfer));
		if (err != -EAGAIN)
			return err;
		err = qdma_ring_ready(xfer->ring, nowait);
		if (err)
			return err;
	}
}

static int submit_next(struct qdma_xfer *xfer, struct iov_iter *iter, u64 card, bool nowait)
{
	struct qdma_chunk *chunk = make_chunk(xfer, iter, card);
	size_t bytes;
	int err;

	if (IS_ERR(chunk))
		return PTR_ERR(chunk);
	bytes = chunk->bytes;
	err = submit_chunk(xfer, chunk, nowait);
	if (!err)
		return 0;
	qdma_chunk_free(xfer->ring, chunk);
	iov_iter_revert(iter, bytes);
	return err;
}

/* The card address of what comes next is the start plus what was taken. */
static int submit_all(struct qdma_xfer *xfer, struct iov_iter *iter, u64 card, bool nowait,
		      int (*make_room)(struct qdma_xfer *))
{
	size_t total = iov_iter_count(iter);
	int err = 0;

	while (!err && iov_iter_count(iter)) {
		err = make_room(xfer);
		if (!err)
			err = submit_next(xfer, iter, card + total - iov_iter_count(iter),
					  nowait);
	}
	return err;
}

static void set_error(struct qdma_xfer *xfer, int err)
{
	spin_lock_irq(&xfer->ring->lock);
	if (!xfer->error)
		xfer->error = err;
	spin_unlock_irq(&xfer->ring->lock);
}

static int sync_room(struct qdma_xfer *xfer)
{
	collect(xfer);
	if (wait_event_killable(xfer->wait, READ_ONCE(xfer->inflight) < SYNC_CHUNKS))
		return -EINTR;
	return READ_ONCE(xfer->error);
}

/*
 * Killed: the hardware mostly ends what it has begun within the grace period.
 * If it does not the queue is stopped, and only then the pages are let go of.
 */
static void abort_sync(struct qdma_xfer *xfer)
{
	struct qdma_ring *ring = xfer->ring;

	qdma_ring_cancel(ring, xfer);
	if (wait_event_timeout(xfer->wait, !READ_ONCE(xfer->inflight),
			       msecs_to_jiffies(KILL_GRACE_MS)))
		return;
	qdma_ring_fail(ring, -EIO);
	wait_event(xfer->wait, !READ_ONCE(xfer->inflight));
}

/* When this returns the interrupt handler is through with @xfer too. */
static void end_sync(struct qdma_xfer *xfer, int err)
{
	if (err == -EINTR || wait_event_killable(xfer->wait, !READ_ONCE(xfer->inflight))) {
		set_error(xfer, -EINTR);
		abort_sync(xfer);
	}
	set_error(xfer, err);
	collect(xfer);
}

static ssize_t transfer_sync(struct qdma_mm *mm, struct qdma_ring *ring, struct kiocb *iocb,
			     struct iov_iter *iter)
{
	struct qdma_xfer xfer;
	ssize_t ret;

	/* To wait for the hardware is all that it could do. */
	if (iocb->ki_flags & IOCB_NOWAIT)
		return -EAGAIN;
	init_xfer(&xfer, mm, ring, NULL);
	end_sync(&xfer, submit_all(&xfer, iter, iocb->ki_pos, false, sync_room));
	ret = xfer_result(&xfer);
	if (ret > 0)
		iocb->ki_pos += ret;
	return ret;
}

/* A queue that nobody has claimed, and a reference to the device, for a transfer. */
static struct qdma_ring *get_ring(struct qdma_mm *mm, enum svff_qdma_dir dir)
{
	int qid;

	if (!percpu_ref_tryget_live(&mm->io))
		return ERR_PTR(-ENODEV);
	qid = qdma_queue_mm_get(mm->qd, raw_smp_processor_id());
	if (qid >= 0)
		return &mm->ring[2 * qid + dir];
	percpu_ref_put(&mm->io);
	return ERR_PTR(qid);
}

static void put_ring(struct qdma_mm *mm, struct qdma_ring *ring)
{
	qdma_queue_mm_put(mm->qd, ring->qid);
	percpu_ref_put(&mm->io);
}

static void complete_xfer(struct qdma_xfer *xfer)
{
	struct qdma_ring *ring = xfer->ring;
	struct kiocb *iocb = xfer->iocb;
	struct qdma_mm *mm = xfer->mm;
	ssize_t ret;

	collect(xfer);
	ret = xfer_result(xfer);
	kfree(xfer);
	if (ret > 0)
		iocb->ki_pos += ret;
	/* The file, and with it the device, may go with the kiocb. */
	put_ring(mm, ring);
	iocb->ki_complete(iocb, ret);
}

/**
 * qdma_mm_deliver - tell who asked for them that transfers are through
 * @work: &qdma_ring.deliver
 *
 * Context: process.
 */
void qdma_mm_deliver(struct work_struct *work)
{
	struct qdma_ring *ring = container_of(work, struct qdma_ring, deliver);
	struct qdma_xfer *xfer, *next;
	LIST_HEAD(list);

	spin_lock_irq(&ring->lock);
	list_splice_init(&ring->finished, &list);
	spin_unlock_irq(&ring->lock);
	list_for_each_entry_safe(xfer, next, &list, node)
		complete_xfer(xfer);
}

static int async_room(struct qdma_xfer *xfer)
{
	if (wait_event_killable(xfer->ring->room, !qdma_ring_full(xfer->ring)))
		return -EINTR;
	return READ_ONCE(xfer->error);
}

/* Whether there is room was seen before; what has begun is not cut short. */
static int async_room_nowait(struct qdma_xfer *xfer)
{
	return READ_ONCE(xfer->error);
}

/* The submitter's own count kept @xfer from being completed under its hands. */
static void end_submission(struct qdma_xfer *xfer, int err)
{
	spin_lock_irq(&xfer->ring->lock);
	if (err && !xfer->error)
		xfer->error = err;
	xfer->inflight--;
	queue_completion(xfer);
	spin_unlock_irq(&xfer->ring->lock);
}

/* On success the reference to the device is the transfer's. */
static ssize_t transfer_async(struct qdma_mm *mm, struct qdma_ring *ring, struct kiocb *iocb,
			      struct iov_iter *iter)
{
	bool nowait = iocb->ki_flags & IOCB_NOWAIT;
	size_t total = iov_iter_count(iter);
	struct qdma_xfer *xfer;
	int err;

	err = qdma_ring_ready(ring, nowait);
	if (err)
		return err;
	if (nowait && qdma_ring_full(ring))
		return -EAGAIN;
	xfer = kmalloc(sizeof(*xfer), GFP_KERNEL);
	if (!xfer)
		return -ENOMEM;
	init_xfer(xfer, mm, ring, iocb);
	xfer->inflight = 1;
	err = submit_all(xfer, iter, iocb->ki_pos, nowait,
			 nowait ? async_room_nowait : async_room);
	if (err && iov_iter_count(iter) == total) {
		kfree(xfer);
		return err;
	}
	end_submission(xfer, err);
	return -EIOCBQUEUED;
}

/**
 * qdma_mm_transfer - move data between user pages and card memory
 * @mm: data device
 * @iocb: says where on the card, and who is to be told
 * @iter: user pages
 * @dir: direction
 *
 * Context: process.
 * Return: bytes moved, -EIOCBQUEUED, or the error if nothing was moved: as
 * listed in <uapi/linux/svff.h>, and -ENOMEM.
 */
ssize_t qdma_mm_transfer(struct qdma_mm *mm, struct kiocb *iocb, struct iov_iter *iter,
			 enum svff_qdma_dir dir)
{
	size_t len = iov_iter_count(iter);
	struct qdma_ring *ring;
	loff_t end;
	ssize_t ret;

	if (!len)
		return 0;
	if (iocb->ki_pos < 0 || check_add_overflow(iocb->ki_pos, (loff_t)len, &end))
		return -EINVAL;
	ring = get_ring(mm, dir);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	if (is_sync_kiocb(iocb))
		ret = transfer_sync(mm, ring, iocb, iter);
	else
		ret = transfer_async(mm, ring, iocb, iter);
	if (ret != -EIOCBQUEUED)
		put_ring(mm, ring);
	return ret;
}
