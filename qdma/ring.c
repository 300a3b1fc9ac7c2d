// SPDX-License-Identifier: GPL-2.0-only
/*
 * One direction of one queue: a ring of descriptors, filled here, emptied by
 * the hardware, which reports how far it came in the status entry behind the
 * last descriptor. Its kind says what the descriptors look like; the streams'
 * receive rings (rx.c), whose descriptors are buffers and which have a
 * completion ring, share its life and its interrupts, but not its lists.
 *
 *	 queued               active               finished
 *	[chunk][chunk]... -> [chunk][chunk]... -> [chunk]...
 *	 still outside,       posted in full       list of the transfer
 *	 or in part
 *
 * Invariants: chunks go through in the order in which they came; slots between
 * tail and head belong to the hardware; pages of a chunk that has begun are
 * let go of only when the hardware reports it done or has stopped the queue.
 *
 * States:
 *
 *	         first use             error, time-out, kill
 *	  IDLE -------------> RUNNING ----------------------> FAILED
 *	   ^   last close        ^                              |
 *	   +---------------------+------------------------------+ stopped, restarted
 *	                         |                              v
 *	                         +--------------------------- DEAD  cannot be stopped
 *	                            next use tries again              or started
 *
 * and GONE from anywhere, for good, when the device is removed. A receive ring
 * that failed is STOPPED instead of restarted, as it holds what was received;
 * its next use after that was read restarts it.
 */
#include "priv.h"

#include <linux/bitfield.h>
#include <linux/pci.h>

#include <compat/hrtimer.h>

#include "regs.h"
#include "trace.h"

#define BATCH_DESCS		256	/* descriptors that are worth a doorbell: 1 MiB of pages */
#define BACKLOG_CHUNKS		64	/* chunks that may wait for slots */
#define GUARD_MS		500	/* interval of the guard */
#define POLL_NS			(50 * NSEC_PER_USEC)

static_assert(sizeof(struct qdma_status) == 8);

static u64 read_status(struct qdma_ring *ring)
{
	/* One access, so that error and index belong together. */
	return le64_to_cpu(READ_ONCE(*(__le64 *)qdma_ring_desc(ring, ring->slots)));
}

#define STATUS_ERROR	GENMASK_ULL(15, 0)
#define STATUS_CIDX	GENMASK_ULL(31, 16)

static void ring_bell(struct qdma_ring *ring)
{
	struct svff_qdma *qd = ring->qd;
	bool arm = ring->vec;
	u32 offset = ring->dir == SVFF_QDMA_C2H ? QDMA_DB_C2H_PIDX(ring->qid) :
						  QDMA_DB_H2C_PIDX(ring->qid);

	qdma_doorbell(qd, offset, FIELD_PREP(QDMA_DB_PIDX_PIDX, ring->head) |
				  (arm ? QDMA_DB_PIDX_ARM : 0));
	ring->rung = ring->posted;
	qdma_batch_rung(&ring->batch);
	ring->doorbells++;
	trace_qdma_doorbell(&qd->pdev->dev, ring->qid, ring->dir, ring->head, arm);
}

/* Held descriptors are told of from here at the latest; poll mode lives on it. */
static void start_timer_locked(struct qdma_ring *ring, u64 ns)
{
	lockdep_assert_held(&ring->lock);
	if (ring->ticking)
		return;
	ring->ticking = true;
	hrtimer_start(&ring->timer, ns_to_ktime(ns), HRTIMER_MODE_REL);
}

static void fill_desc(struct qdma_ring *ring, struct qdma_chunk *chunk)
{
	if (!chunk->begun)
		chunk->first = ring->posted;
	ring->kind->fill(ring, chunk);
	chunk->begun = true;
	if (++ring->head == ring->slots)
		ring->head = 0;
	ring->posted++;
}

static bool chunk_wants_desc(struct qdma_chunk *chunk)
{
	return qdma_chunk_has_more(chunk) || !chunk->begun;
}

/* Fill free slots from the queue. Who calls this sees to the doorbell. */
static void post_locked(struct qdma_ring *ring)
{
	u32 room = ring->slots - 1 - (u32)(ring->posted - ring->done);
	struct qdma_chunk *chunk;
	u32 n = 0;

	lockdep_assert_held(&ring->lock);
	if (READ_ONCE(ring->qd->paused))
		return;
	while (n < room && !list_empty(&ring->queued)) {
		chunk = list_first_entry(&ring->queued, struct qdma_chunk, node);
		for (; n < room && chunk_wants_desc(chunk); n++)
			fill_desc(ring, chunk);
		if (chunk_wants_desc(chunk))
			break;
		chunk->end = ring->posted;
		list_move_tail(&chunk->node, &ring->active);
		if (--ring->nqueued < BACKLOG_CHUNKS)
			wake_up(&ring->room);
	}
}

/*
 * Tell the hardware of what was posted, or see to it that this is done soon.
 * Descriptors that are many bytes do not wait. Returns whether it was told.
 */
static bool bell_locked(struct qdma_ring *ring, bool more)
{
	lockdep_assert_held(&ring->lock);
	if (ring->posted == ring->rung)
		return false;
	if (qdma_batch_due(&ring->batch, more) ||
	    ring->posted - ring->rung >= min_t(u32, ring->slots / 4, BATCH_DESCS)) {
		ring_bell(ring);
		return true;
	}
	if (!more)
		start_timer_locked(ring, qdma_batch_wait_ns(&ring->batch));
	return false;
}

/**
 * qdma_ring_fail_locked - qdma_ring_fail() for who has the lock
 * @ring: ring
 * @error: what its transfers end with
 *
 * Context: any, @ring's lock held.
 */
void qdma_ring_fail_locked(struct qdma_ring *ring, int error)
{
	lockdep_assert_held(&ring->lock);
	if (ring->state != QDMA_RING_RUNNING)
		return;
	ring->state = QDMA_RING_FAILED;
	ring->error = error;
	queue_work(qdma_wq, &ring->recover);
}

/**
 * qdma_ring_fail - stop and restart a ring, ending its transfers
 * @ring: ring
 * @error: what they end with
 *
 * Context: any; the work is done later.
 */
void qdma_ring_fail(struct qdma_ring *ring, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	qdma_ring_fail_locked(ring, error);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * qdma_chunk_done - a chunk is through, or will never be
 * @chunk: chunk
 *
 * Context: any, the lock of its ring held.
 */
void qdma_chunk_done(struct qdma_chunk *chunk)
{
	if (chunk->done)
		chunk->done(chunk);
	else
		qdma_xfer_chunk_done(chunk);
}

static void complete_locked(struct qdma_ring *ring)
{
	struct qdma_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &ring->active, node) {
		if (chunk->end > ring->done)
			break;
		ring->chunks++;
		qdma_chunk_done(chunk);
	}
}

/*
 * Take what the hardware reports as done, and post what waits. In a status
 * entry with an error the index says nothing about which descriptor failed,
 * so that all that is outstanding fails.
 */
static void reap_locked(struct qdma_ring *ring)
{
	u64 status;
	u32 cidx;
	int n;

	lockdep_assert_held(&ring->lock);
	if (ring->posted == ring->done)
		return;
	status = read_status(ring);
	cidx = FIELD_GET(STATUS_CIDX, status);
	n = qdma_ring_done(cidx, ring->tail, ring->head, ring->slots);
	if (status & STATUS_ERROR & QDMA_STATUS_ERR || n < 0) {
		qdma_ring_fail_locked(ring, -EIO);
		return;
	}
	if (!n)
		return;
	/* The data was written before the index; do not look at it earlier. */
	dma_rmb();
	ring->tail = cidx;
	ring->done += n;
	ring->progress = jiffies;
	trace_qdma_complete(&ring->qd->pdev->dev, ring->qid, ring->dir, cidx, n);
	complete_locked(ring);
	if (READ_ONCE(ring->qd->paused))
		wake_up(&ring->qd->idle);
}

/* Returns whether the ring goes on running. */
static bool reap_and_post_locked(struct qdma_ring *ring)
{
	if (ring->state == QDMA_RING_RUNNING)
		reap_locked(ring);
	if (ring->state != QDMA_RING_RUNNING)
		return false;
	post_locked(ring);
	return true;
}

/* With news behind us: new descriptors arm the queue; if there are none, arm it. */
static void rearm_locked(struct qdma_ring *ring)
{
	if (!bell_locked(ring, false) && ring->rung != ring->done)
		ring_bell(ring);
}

/**
 * qdma_ring_service - the hardware has news
 * @ring: ring
 *
 * An interrupt disarms the queue. Whoever has descriptors outstanding arms it
 * again, by new descriptors or by the same index: what happened meanwhile then
 * interrupts at once.
 *
 * Context: any, hard interrupt above all.
 * Return: false if it had none.
 */
bool qdma_ring_service(struct qdma_ring *ring)
{
	unsigned long flags;
	bool news;
	u64 before;

	spin_lock_irqsave(&ring->lock, flags);
	before = ring->done;
	if (ring->kind->service)
		ring->kind->service(ring, true);
	else if (reap_and_post_locked(ring))
		rearm_locked(ring);
	news = ring->done != before || ring->state != QDMA_RING_RUNNING;
	spin_unlock_irqrestore(&ring->lock, flags);
	return news;
}

/* Returns nanoseconds until the timer is wanted again, 0 if it is not. */
static u64 tick_locked(struct qdma_ring *ring)
{
	u64 waited, limit;

	if (ring->kind->service)
		return ring->kind->service(ring, false) ? POLL_NS : 0;
	if (!reap_and_post_locked(ring))
		return 0;
	if (ring->posted != ring->rung) {
		waited = ktime_get_ns() - ring->batch.held_ns;
		limit = qdma_batch_wait_ns(&ring->batch);
		if (waited < limit && ring->batch.held)
			return ring->vec ? limit - waited : POLL_NS;
		qdma_batch_late(&ring->batch);
		ring->late++;
		ring_bell(ring);
	}
	return ring->vec || ring->posted == ring->done ? 0 : POLL_NS;
}

/**
 * qdma_ring_tick - look after a ring that polls, or holds descriptors back
 * @timer: &qdma_ring.timer
 *
 * Context: hard interrupt.
 * Return: whether it goes on.
 */
enum hrtimer_restart qdma_ring_tick(struct hrtimer *timer)
{
	struct qdma_ring *ring = container_of(timer, struct qdma_ring, timer);
	unsigned long flags;
	u64 again;

	spin_lock_irqsave(&ring->lock, flags);
	again = tick_locked(ring);
	ring->ticking = again;
	spin_unlock_irqrestore(&ring->lock, flags);
	if (!again)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(again));
	return HRTIMER_RESTART;
}

/* The function's count outlives the ring. */
static void count_missed_locked(struct qdma_ring *ring)
{
	ring->missed++;
	atomic64_inc(&ring->qd->missed);
}

/*
 * A receive ring may be silent for as long as it likes. What is written in a pause
 * is kept until its end, and not all of it if it is much.
 */
static bool guard_look_rx_locked(struct qdma_ring *ring, bool *stalled)
{
	u64 before = ring->done;
	bool again = ring->kind->service(ring, !ring->away);

	if (ring->done != before && before == ring->seen)
		count_missed_locked(ring);
	*stalled = again && ring->done == ring->seen;
	ring->seen = ring->done;
	return again;
}

/* Returns whether the guard has to look again. */
static bool guard_look_locked(struct qdma_ring *ring, bool *stalled)
{
	u64 before;

	lockdep_assert_held(&ring->lock);
	if (ring->kind->service)
		return guard_look_rx_locked(ring, stalled);
	if (ring->state != QDMA_RING_RUNNING || ring->posted == ring->done)
		return false;
	before = ring->done;
	reap_locked(ring);
	if (ring->state != QDMA_RING_RUNNING)
		return false;
	if (ring->done != before) {
		if (before == ring->seen)
			count_missed_locked(ring);
		post_locked(ring);
		rearm_locked(ring);
	}
	*stalled = ring->done == ring->seen;
	ring->seen = ring->done;
	if (*stalled && ring->timeout_ms &&
	    time_after(jiffies, ring->progress + msecs_to_jiffies(ring->timeout_ms)))
		qdma_ring_fail_locked(ring, -ETIMEDOUT);
	return ring->state == QDMA_RING_RUNNING && ring->posted != ring->done;
}

/**
 * qdma_ring_guard - an interrupt or status entry that was lost must not hang anybody
 * @work: &qdma_ring.guard
 *
 * Off the hot path: runs while something is outstanding, and reads a register
 * only if nothing has moved since it last looked.
 *
 * Context: work item.
 */
void qdma_ring_guard(struct work_struct *work)
{
	struct qdma_ring *ring = container_of(work, struct qdma_ring, guard.work);
	bool stalled = false;
	bool again;

	spin_lock_irq(&ring->lock);
	again = guard_look_locked(ring, &stalled);
	spin_unlock_irq(&ring->lock);
	ring->away = stalled && svff_qdma_away(ring->qd);
	if (ring->away)
		ring->progress = jiffies;
	else if (stalled && ring->qd->is_vf)
		svff_qdma_mbox_look(ring->qd);
	if (stalled && !qdma_alive(ring->qd))
		qdma_ring_fail(ring, -ENODEV);
	else if (again)
		queue_delayed_work(qdma_wq, &ring->guard, msecs_to_jiffies(GUARD_MS));
}

/**
 * qdma_ring_full - do many chunks wait for slots?
 * @ring: ring
 *
 * Context: any.
 * Return: true while who can wait should; see &qdma_ring.room.
 */
bool qdma_ring_full(const struct qdma_ring *ring)
{
	return READ_ONCE(ring->state) == QDMA_RING_RUNNING &&
	       READ_ONCE(ring->nqueued) >= BACKLOG_CHUNKS;
}

/**
 * qdma_ring_watch_locked - see to it that completions are noticed
 * @ring: ring that runs and has something outstanding
 *
 * Context: any, @ring's lock held.
 */
void qdma_ring_watch_locked(struct qdma_ring *ring)
{
	lockdep_assert_held(&ring->lock);
	queue_delayed_work(qdma_wq, &ring->guard, msecs_to_jiffies(GUARD_MS));
	if (!ring->vec)
		start_timer_locked(ring, POLL_NS);
}

static int submit_locked(struct qdma_ring *ring, struct qdma_chunk *chunk, bool more)
{
	lockdep_assert_held(&ring->lock);
	if (chunk->xfer && chunk->xfer->error)
		return chunk->xfer->error;
	if (ring->state != QDMA_RING_RUNNING)
		return -EAGAIN;
	if (ring->posted == ring->done)
		ring->progress = jiffies;
	if (chunk->xfer)
		chunk->xfer->inflight++;
	list_add_tail(&chunk->node, &ring->queued);
	ring->nqueued++;
	qdma_batch_add(&ring->batch, ktime_get_ns());
	post_locked(ring);
	bell_locked(ring, more);
	qdma_ring_watch_locked(ring);
	return 0;
}

/*
 * Only what this side has begun counts: what the card receives it begins of its
 * own accord.
 */
static bool is_idle(struct qdma_ring *ring)
{
	bool idle;

	if (ring->kind->service)
		return true;
	spin_lock_irq(&ring->lock);
	idle = ring->posted == ring->done;
	spin_unlock_irq(&ring->lock);
	return idle;
}

/**
 * qdma_rings_idle - has the hardware done all that it was given?
 * @qd: function
 *
 * While the function is paused the answer stays yes.
 *
 * Context: process.
 * Return: true if so.
 */
bool qdma_rings_idle(struct svff_qdma *qd)
{
	struct qdma_ring *ring;
	bool idle = true;

	spin_lock(&qd->running_lock);
	list_for_each_entry(ring, &qd->running, running)
		idle &= is_idle(ring);
	spin_unlock(&qd->running_lock);
	return idle;
}

static void resume_locked(struct qdma_ring *ring)
{
	lockdep_assert_held(&ring->lock);
	if (ring->state != QDMA_RING_RUNNING)
		return;
	/* Doorbells of who went on reading meanwhile did not get through. */
	if (ring->kind->begin)
		ring->kind->begin(ring);
	if (list_empty(&ring->queued) && ring->posted == ring->done)
		return;
	ring->progress = jiffies;
	post_locked(ring);
	ring_bell(ring);
	qdma_ring_watch_locked(ring);
}

/**
 * qdma_rings_resume - post what came while the function was paused
 * @qd: function
 *
 * What was posted before is told of again: doorbells may have been lost.
 *
 * Context: process.
 */
void qdma_rings_resume(struct svff_qdma *qd)
{
	struct qdma_ring *ring;

	spin_lock(&qd->running_lock);
	list_for_each_entry(ring, &qd->running, running) {
		spin_lock_irq(&ring->lock);
		resume_locked(ring);
		spin_unlock_irq(&ring->lock);
	}
	spin_unlock(&qd->running_lock);
}

/**
 * qdma_ring_submit - hand a chunk to a ring
 * @ring: ring
 * @chunk: chunk, mapped; the ring's until qdma_xfer_chunk_done()
 * @more: qdma_ring_flush() follows, so that the doorbell may wait for it
 *
 * Context: any.
 * Return: 0, the error of the transfer if it has failed already, -EAGAIN if
 * the ring is not running (see qdma_ring_ready()).
 */
int qdma_ring_submit(struct qdma_ring *ring, struct qdma_chunk *chunk, bool more)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&ring->lock, flags);
	err = submit_locked(ring, chunk, more);
	spin_unlock_irqrestore(&ring->lock, flags);
	return err;
}

/**
 * qdma_ring_through_locked - descriptors of a chunk that are done
 * @ring: ring
 * @chunk: chunk that the ring has
 *
 * Context: any; the ring's lock is held.
 * Return: the number.
 */
u64 qdma_ring_through_locked(const struct qdma_ring *ring, const struct qdma_chunk *chunk)
{
	lockdep_assert_held(&ring->lock);
	return chunk->begun && ring->done > chunk->first ? ring->done - chunk->first : 0;
}

/**
 * qdma_ring_kick - tell the hardware now of all that was submitted
 * @ring: ring
 *
 * Context: any.
 */
void qdma_ring_kick(struct qdma_ring *ring)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	if (ring->state == QDMA_RING_RUNNING && ring->posted != ring->rung)
		ring_bell(ring);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * qdma_ring_flush - no more is to come, for now
 * @ring: ring that was told that there was more
 *
 * Context: any.
 */
void qdma_ring_flush(struct qdma_ring *ring)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	if (ring->state == QDMA_RING_RUNNING)
		bell_locked(ring, false);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * qdma_ring_cancel - take back what the hardware has not seen of a transfer
 * @ring: ring
 * @xfer: transfer
 *
 * Context: process.
 */
void qdma_ring_cancel(struct qdma_ring *ring, struct qdma_xfer *xfer)
{
	struct qdma_chunk *chunk, *next;

	spin_lock_irq(&ring->lock);
	list_for_each_entry_safe(chunk, next, &ring->queued, node) {
		if (chunk->xfer != xfer || chunk->begun)
			continue;
		chunk->status = -EINTR;
		ring->nqueued--;
		qdma_chunk_done(chunk);
	}
	wake_up(&ring->room);
	spin_unlock_irq(&ring->lock);
}
