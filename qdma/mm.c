// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes of card memory, and packets to a stream, straight from and
 * to user pages. A transfer is cut into chunks of pinned and mapped pages (chunk.c),
 * which all go to one queue, so that they end in order; a packet is one chunk.
 * A caller that waits has a few chunks in flight at a time; a kiocb that does
 * not is handed to the queue as a whole and completed from the queue's work
 * item, because unpinning may sleep. Whoever submits under a plug, io_uring with
 * several requests above all, has one doorbell for what came in between.
 */
#include "priv.h"

#include <linux/blkdev.h>
#include <linux/fs.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/svff.h>
#include <linux/uio.h>

#define SYNC_CHUNKS		4	/* in flight for a caller that waits */
#define KILL_GRACE_MS		1000	/* for what the hardware has begun, without progress */
#define KILL_GRACES		10	/* so many times, if there is some */

static void queue_completion(struct qdma_xfer *xfer)
{
	if (xfer->inflight || !(xfer->iocb || xfer->alone))
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

static void init_xfer(struct qdma_xfer *xfer, struct qdma_ring *ring, struct kiocb *iocb)
{
	memset(xfer, 0, sizeof(*xfer));
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
	struct qdma_node *node;	/* has a reference */
};

static void unplug_ring(struct blk_plug_cb *cb, bool from_schedule)
{
	struct ring_plug *plug = container_of(cb, struct ring_plug, cb);

	qdma_ring_flush(cb->data);
	percpu_ref_put(&plug->node->io);
	kfree(plug);
}

/*
 * Has the caller promised to submit more before it sleeps or is done? Do not
 * sleep between this and the submission. A stream's ring goes with its file,
 * which may be before the promise ends.
 */
static bool is_plugged(struct qdma_xfer *xfer)
{
	struct ring_plug *plug;
	struct blk_plug_cb *cb;

	if (xfer->ring->kind->st)
		return false;
	cb = blk_check_plugged(unplug_ring, xfer->ring, sizeof(*plug));
	if (!cb)
		return false;
	plug = container_of(cb, struct ring_plug, cb);
	if (!plug->node) {
		plug->node = xfer->ring->node;
		percpu_ref_get(&plug->node->io);
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
	struct qdma_chunk *chunk = qdma_chunk_make(xfer, iter, card);
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
	int err;

	/* A packet may have no bytes at all. */
	do {
		err = make_room(xfer);
		if (!err)
			err = submit_next(xfer, iter, card + total - iov_iter_count(iter),
					  nowait);
	} while (!err && iov_iter_count(iter));
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

/* Returns whether the hardware has ended what it has begun; it may have much of others to do before. */
static bool wait_begun(struct qdma_xfer *xfer)
{
	struct qdma_ring *ring = xfer->ring;
	unsigned int i;
	u64 before;

	for (i = 0; i < KILL_GRACES; i++) {
		before = READ_ONCE(ring->done);
		if (qdma_wait_working(ring->qd, xfer->wait, !READ_ONCE(xfer->inflight), KILL_GRACE_MS))
			return true;
		if (READ_ONCE(ring->done) == before)
			return false;
	}
	return false;
}

/*
 * Killed: the hardware mostly ends what it has begun within the grace period.
 * If it does not the queue is stopped, and only then the pages are let go of.
 * In a pause that would end what others have in the queue.
 */
static void abort_sync(struct qdma_xfer *xfer)
{
	qdma_ring_cancel(xfer->ring, xfer);
	if (wait_begun(xfer))
		return;
	qdma_ring_fail(xfer->ring, -EIO);
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

static ssize_t transfer_sync(struct qdma_ring *ring, struct kiocb *iocb, struct iov_iter *iter)
{
	struct qdma_xfer xfer;
	ssize_t ret;

	/* To wait for the hardware is all that it could do. */
	if (iocb->ki_flags & IOCB_NOWAIT)
		return -EAGAIN;
	init_xfer(&xfer, ring, NULL);
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

	if (!percpu_ref_tryget_live(&mm->node.io))
		return ERR_PTR(-ENODEV);
	qid = qdma_queue_mm_get(mm->node.qd, raw_smp_processor_id());
	if (qid >= 0)
		return &mm->ring[2 * qid + dir];
	percpu_ref_put(&mm->node.io);
	return ERR_PTR(qid);
}

/* A stream's queue is its own for good. */
static void put_ring(struct qdma_ring *ring)
{
	if (!ring->kind->st)
		qdma_queue_mm_put(ring->qd, ring->qid);
	percpu_ref_put(&ring->node->io);
}

static void complete_copy(struct qdma_xfer *xfer)
{
	struct qdma_tx *tx = container_of(xfer->ring, struct qdma_tx, ring);
	struct qdma_node *node = tx->ring.node;

	collect(xfer);
	spin_lock_irq(&tx->ring.lock);
	tx->copied -= xfer->copied;
	tx->copies--;
	if (xfer->error)
		tx->error = xfer->error;
	/* Under the lock: who waits for the last one frees @tx. */
	wake_up_all(&tx->ring.room);
	spin_unlock_irq(&tx->ring.lock);
	kfree(xfer);
	percpu_ref_put(&node->io);
}

static void complete_xfer(struct qdma_xfer *xfer)
{
	struct qdma_ring *ring = xfer->ring;
	struct kiocb *iocb = xfer->iocb;
	ssize_t ret;

	collect(xfer);
	ret = xfer_result(xfer);
	kfree(xfer);
	if (ret > 0)
		iocb->ki_pos += ret;
	/* The file, and with it the device, may go with the kiocb. */
	put_ring(ring);
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
	list_for_each_entry_safe(xfer, next, &list, node) {
		if (xfer->alone)
			complete_copy(xfer);
		else
			complete_xfer(xfer);
	}
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

/*
 * The submitter's own count kept @xfer from being completed under its hands. That a queue failed
 * in between is no reason to try again: some of @xfer has begun.
 */
static void end_submission(struct qdma_xfer *xfer, int err)
{
	if (err == -EAGAIN)
		err = -EIO;
	spin_lock_irq(&xfer->ring->lock);
	if (err && !xfer->error)
		xfer->error = err;
	xfer->inflight--;
	queue_completion(xfer);
	spin_unlock_irq(&xfer->ring->lock);
}

/* On success the reference to the device is the transfer's. */
static ssize_t transfer_async(struct qdma_ring *ring, struct kiocb *iocb, struct iov_iter *iter)
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
	init_xfer(xfer, ring, iocb);
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
 * qdma_transfer - have a ring carry a transfer
 * @ring: ring; a reference to its device's &qdma_node.io is held
 * @iocb: who is to be told
 * @iter: user pages
 *
 * Context: process.
 * Return: bytes moved, -EIOCBQUEUED, in which case the reference goes with the
 * transfer, or the error if nothing was moved.
 */
ssize_t qdma_transfer(struct qdma_ring *ring, struct kiocb *iocb, struct iov_iter *iter)
{
	if (is_sync_kiocb(iocb))
		return transfer_sync(ring, iocb, iter);
	return transfer_async(ring, iocb, iter);
}

/**
 * qdma_tx_room - is there room for a packet that is copied?
 * @tx: send ring
 *
 * Context: any.
 * Return: true if there is.
 */
bool qdma_tx_room(const struct qdma_tx *tx)
{
	return READ_ONCE(tx->copied) < QDMA_TX_COPY_MAX &&
	       !qdma_ring_full(&tx->ring);
}

/* Both the number and the bytes are bounded: it is the kernel's memory. */
static int reserve_copy(struct qdma_tx *tx, size_t bytes)
{
	bool room;

	spin_lock_irq(&tx->ring.lock);
	room = qdma_tx_room(tx);
	if (room) {
		tx->copied += bytes;
		tx->copies++;
	}
	spin_unlock_irq(&tx->ring.lock);
	return room ? 0 : -EAGAIN;
}

/* For one there is room now, for who removes the ring one less to wait for. */
static void unreserve_copy(struct qdma_tx *tx, size_t bytes)
{
	spin_lock_irq(&tx->ring.lock);
	tx->copied -= bytes;
	tx->copies--;
	wake_up_all(&tx->ring.room);
	spin_unlock_irq(&tx->ring.lock);
}

static int submit_copy(struct qdma_tx *tx, struct iov_iter *iter)
{
	struct qdma_xfer *xfer = kmalloc(sizeof(*xfer), GFP_KERNEL);
	struct qdma_chunk *chunk;
	int err;

	if (!xfer)
		return -ENOMEM;
	init_xfer(xfer, &tx->ring, NULL);
	xfer->alone = true;
	xfer->copied = iov_iter_count(iter);
	chunk = qdma_chunk_copy(xfer, iter);
	err = PTR_ERR_OR_ZERO(chunk);
	if (err)
		goto free_xfer;
	err = submit_chunk(xfer, chunk, false);
	if (err)
		goto free_chunk;
	return 0;

free_chunk:
	qdma_chunk_free(&tx->ring, chunk);
free_xfer:
	kfree(xfer);
	return err;
}

/**
 * qdma_send_copy - send a packet that is copied, and do not wait for it
 * @tx: send ring; a reference to its device's &qdma_node.io is held
 * @iter: the packet
 *
 * What becomes of it is in &qdma_tx.error.
 *
 * Context: process.
 * Return: 0, in which case the reference goes with the packet, -EAGAIN if there
 * is no room, -EFAULT, -ENOMEM, or as qdma_ring_ready().
 */
int qdma_send_copy(struct qdma_tx *tx, struct iov_iter *iter)
{
	size_t len = iov_iter_count(iter);
	int err = reserve_copy(tx, len);

	if (err)
		return err;
	err = submit_copy(tx, iter);
	if (err)
		unreserve_copy(tx, len);
	return err;
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
	ret = qdma_transfer(ring, iocb, iter);
	if (ret != -EIOCBQUEUED)
		put_ring(ring);
	return ret;
}
