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
#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>

#include <compat/hrtimer.h>

#include "regs.h"
#include "trace.h"

#define RING_SIZE_MIN		3	/* one descriptor in flight */
#define BATCH_DESCS		256	/* descriptors that are worth a doorbell: 1 MiB of pages */
#define BACKLOG_CHUNKS		64	/* chunks that may wait for slots */
#define GUARD_MS		500	/* interval of the guard */
#define TIMEOUT_MS		10000	/* without progress */
#define RETRY_DEAD_MS		1000	/* between attempts to revive a ring */
#define POLL_NS			(50 * NSEC_PER_USEC)

static_assert(sizeof(struct qdma_mm_desc) == 32);
static_assert(sizeof(struct qdma_h2c_desc) == 16);
static_assert(sizeof(struct qdma_status) == 8);

static struct device *ring_dev(const struct qdma_ring *ring)
{
	return &ring->qd->pdev->dev;
}

static const char *dir_name(const struct qdma_ring *ring)
{
	return ring->dir == SVFF_QDMA_C2H ? "C2H" : "H2C";
}

static void *ring_desc(struct qdma_ring *ring, u32 slot)
{
	return ring->mem + slot * qdma_desc_size(ring->kind->desc_sz);
}

static u64 read_status(struct qdma_ring *ring)
{
	/* One access, so that error and index belong together. */
	return le64_to_cpu(READ_ONCE(*(__le64 *)ring_desc(ring, ring->slots)));
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

/* Load the next segment if the current one is used up. */
static bool chunk_has_more(struct qdma_chunk *chunk)
{
	u64 card = chunk->span.card;

	if (chunk->span.left)
		return true;
	if (!chunk->left)
		return false;
	chunk->span = (struct qdma_span){
		.host = sg_dma_address(chunk->sg), .card = card,
		.left = sg_dma_len(chunk->sg),
	};
	chunk->sg = sg_next(chunk->sg);
	chunk->left--;
	return true;
}

static void fill_mm(struct qdma_ring *ring, struct qdma_chunk *chunk)
{
	struct qdma_mm_desc *desc = ring_desc(ring, ring->head);
	u64 host = chunk->span.host, card = chunk->span.card;
	bool c2h = ring->dir == SVFF_QDMA_C2H;
	u32 flags = QDMA_MM_DESC_VALID;

	if (!chunk->begun)
		flags |= QDMA_MM_DESC_SOP;
	flags |= FIELD_PREP(QDMA_MM_DESC_LEN,
			    qdma_span_take(&chunk->span, ring->qd->ip->mm_desc_max));
	if (!chunk_has_more(chunk))
		flags |= QDMA_MM_DESC_EOP;
	desc->src = cpu_to_le64(c2h ? card : host);
	desc->dst = cpu_to_le64(c2h ? host : card);
	desc->len_flags = cpu_to_le32(flags);
}

const struct qdma_ring_kind qdma_ring_mm = {
	.desc_sz = QDMA_MM_DESC_SZ_CODE,
	.best_size = 1025,	/* 4 MiB of pages in flight, 32 KiB of memory */
	.fill = fill_mm,
};

/**
 * qdma_tx_gathers - may a packet have several descriptors?
 * @ring: send ring
 *
 * The engine takes each descriptor for a packet. Only with a bypass the user
 * logic has them first, and looks at where packets start and end.
 *
 * Context: any.
 * Return: true if it may.
 */
bool qdma_tx_gathers(const struct qdma_ring *ring)
{
	return container_of(ring, struct qdma_tx, ring)->bypass;
}

/* The chunk is a packet; one without bytes has a descriptor too. */
static void fill_h2c(struct qdma_ring *ring, struct qdma_chunk *chunk)
{
	struct qdma_h2c_desc *desc = ring_desc(ring, ring->head);
	u32 max = qdma_h2c_desc_max(chunk->span.left);
	u16 flags = chunk->begun ? 0 : QDMA_H2C_DESC_SOP;

	desc->src = cpu_to_le64(chunk->span.host);
	desc->len = cpu_to_le16(qdma_span_take(&chunk->span, max));
	if (!chunk_has_more(chunk))
		flags |= QDMA_H2C_DESC_EOP;
	desc->meta = cpu_to_le32(FIELD_PREP(QDMA_H2C_DESC_PKT_LEN, chunk->bytes));
	desc->flags = cpu_to_le16(qdma_tx_gathers(ring) ? flags : 0);
}

static void describe_tx(struct qdma_ring *ring, struct svff_qdma_hwq *q)
{
	q->bypass = qdma_tx_gathers(ring);
}

const struct qdma_ring_kind qdma_ring_tx = {
	.st = true,
	.desc_sz = QDMA_H2C_DESC_SZ_CODE,
	.best_size = 1025,
	.fill = fill_h2c,
	.describe = describe_tx,
};

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
	return chunk_has_more(chunk) || !chunk->begun;
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

static void chunk_done(struct qdma_chunk *chunk)
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
		chunk_done(chunk);
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
	trace_qdma_complete(ring_dev(ring), ring->qid, ring->dir, cidx, n);
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

static enum hrtimer_restart ring_tick(struct hrtimer *timer)
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

/* A receive ring may be silent for as long as it likes. */
static bool guard_look_rx_locked(struct qdma_ring *ring, bool *stalled)
{
	u64 before = ring->done;
	bool again = ring->kind->service(ring, true);

	ring->missed += ring->done != before && before == ring->seen;
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
		ring->missed += before == ring->seen;
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

/*
 * An interrupt or status entry that was lost must not hang anybody. Off the
 * hot path: runs while something is outstanding, and reads a register only if
 * nothing has moved since it last looked.
 */
static void guard_work(struct work_struct *work)
{
	struct qdma_ring *ring = container_of(work, struct qdma_ring, guard.work);
	bool stalled = false;
	bool again;

	spin_lock_irq(&ring->lock);
	again = guard_look_locked(ring, &stalled);
	spin_unlock_irq(&ring->lock);
	if (stalled && svff_qdma_away(ring->qd))
		ring->progress = jiffies;
	if (stalled && !qdma_alive(ring->qd))
		qdma_ring_fail(ring, -ENODEV);
	else if (again)
		queue_delayed_work(qdma_wq, &ring->guard, msecs_to_jiffies(GUARD_MS));
}

/**
 * qdma_pick_ring_ix - the ring size that fits best
 * @csr: the card's tables
 * @best: entries that would be best; less is better than more
 *
 * Context: any; pure.
 * Return: index of the ring size; its size may still be one that is of no use.
 */
u8 qdma_pick_ring_ix(const struct svff_qdma_csr *csr, u16 best)
{
	u8 ix = 0, i;

	for (i = 1; i < SVFF_QDMA_RING_SIZES; i++) {
		u16 size = csr->ring_size[i], have = csr->ring_size[ix];

		if (size < RING_SIZE_MIN)
			continue;
		if (have < RING_SIZE_MIN ||
		    (size <= best ? size > have || have > best : have > best && size < have))
			ix = i;
	}
	return ix;
}

static int alloc_ring(struct qdma_ring *ring)
{
	struct svff_qdma *qd = ring->qd;
	u16 entries;
	int err;

	if (ring->mem)
		return 0;
	err = qdma_load_csr(qd);
	if (err)
		return err;
	ring->ring_ix = qdma_pick_ring_ix(&qd->csr, ring->kind->best_size);
	entries = qd->csr.ring_size[ring->ring_ix];
	if (entries < RING_SIZE_MIN)
		return -EIO;
	ring->slots = entries - 1;
	ring->size = entries * qdma_desc_size(ring->kind->desc_sz);
	ring->mem = dma_alloc_coherent(&qd->pdev->dev, ring->size, &ring->dma, GFP_KERNEL);
	if (!ring->mem)
		return -ENOMEM;
	return ring->kind->alloc ? ring->kind->alloc(ring) : 0;
}

static void free_ring(struct qdma_ring *ring)
{
	if (!ring->mem)
		return;
	if (ring->kind->free)
		ring->kind->free(ring);
	dma_free_coherent(ring_dev(ring), ring->size, ring->mem, ring->dma);
	ring->mem = NULL;
}

static struct svff_qdma_hwq describe(struct qdma_ring *ring)
{
	struct svff_qdma *qd = ring->qd;
	struct svff_qdma_hwq q = {
		.qid = ring->qid + (qd->is_vf ? 0 : ring->qd->queues.base),
		.func = qd->caps.func_id,
		.dir = ring->dir,
		.base = ring->dma,
		.ring_ix = ring->ring_ix,
		.st = ring->kind->st,
		.desc_sz = ring->kind->desc_sz,
		.wbk_en = true,
		.wbi_chk = true,
		.wbi_intvl_en = true,
	};

	if (ring->vec) {
		q.vec = qdma_irq_vector_index(qd, ring->vec);
		q.irq_en = true;
		q.irq_arm = true;
		q.irq_aggr = qd->irq.mode == SVFF_QDMA_IRQ_AGGR;
	}
	if (ring->kind->describe)
		ring->kind->describe(ring, &q);
	return q;
}

static void reset_indices(struct qdma_ring *ring)
{
	spin_lock_irq(&ring->lock);
	memset(ring->mem, 0, ring->size);
	ring->head = 0;
	ring->tail = 0;
	ring->posted = 0;
	ring->done = 0;
	ring->rung = 0;
	ring->batch.held = 0;
	ring->seen = 0;
	ring->progress = jiffies;
	if (ring->kind->reset)
		ring->kind->reset(ring);
	spin_unlock_irq(&ring->lock);
	wake_up(&ring->qd->idle);
}

static void set_hw_running(struct qdma_ring *ring, bool runs)
{
	struct svff_qdma *qd = ring->qd;

	ring->hw_running = runs;
	spin_lock(&qd->running_lock);
	if (runs)
		list_move_tail(&ring->running, &qd->running);
	else
		list_del_init(&ring->running);
	spin_unlock(&qd->running_lock);
}

static int hw_start(struct qdma_ring *ring)
{
	struct svff_qdma *qd = ring->qd;
	struct svff_qdma_hwq q;
	int err;

	lockdep_assert_held(&ring->ctl);
	reset_indices(ring);
	ring->vec = qdma_irq_vector(qd, ring->qid);
	if (ring->vec)
		qdma_irq_attach(ring->vec, ring);
	q = describe(ring);
	err = qd->is_vf ? qd->ops->hwq_start(qd, &q) : svff_qdma_hwq_start(qd, &q);
	set_hw_running(ring, !err);
	if (err && ring->vec)
		qdma_irq_detach(ring->vec, ring);
	return err;
}

/* Nothing is submitted meanwhile, so that nobody starts it again. */
static void stop_timer(struct qdma_ring *ring)
{
	hrtimer_cancel(&ring->timer);
	spin_lock_irq(&ring->lock);
	ring->ticking = false;
	spin_unlock_irq(&ring->lock);
}

/* A device that is gone has stopped. */
static int hw_stop(struct qdma_ring *ring)
{
	struct svff_qdma *qd = ring->qd;
	struct svff_qdma_hwq q;
	int err;

	lockdep_assert_held(&ring->ctl);
	if (!ring->hw_running)
		return 0;
	stop_timer(ring);
	q = describe(ring);
	if (qdma_alive(qd))
		err = qd->is_vf ? qd->ops->hwq_stop(qd, &q) : svff_qdma_hwq_stop(qd, &q);
	else
		err = 0;
	if (err && qdma_alive(qd))
		return err;
	set_hw_running(ring, false);
	if (ring->vec)
		qdma_irq_detach(ring->vec, ring);
	return 0;
}

static void set_state(struct qdma_ring *ring, enum qdma_ring_state state, int error)
{
	spin_lock_irq(&ring->lock);
	if (ring->state != QDMA_RING_GONE) {
		ring->state = state;
		ring->error = error;
		if (state == QDMA_RING_RUNNING && ring->kind->begin)
			ring->kind->begin(ring);
	}
	wake_up_all(&ring->room);
	spin_unlock_irq(&ring->lock);
}

/* End all transfers. @kept: the hardware may still write to their pages. */
static void fail_all(struct qdma_ring *ring, int error, bool kept)
{
	struct qdma_chunk *chunk, *next;

	spin_lock_irq(&ring->lock);
	list_splice_tail_init(&ring->queued, &ring->active);
	ring->nqueued = 0;
	list_for_each_entry_safe(chunk, next, &ring->active, node) {
		chunk->status = error;
		chunk->kept = kept && chunk->begun;
		chunk_done(chunk);
	}
	wake_up(&ring->room);
	spin_unlock_irq(&ring->lock);
}

static void free_quarantine(struct qdma_ring *ring)
{
	struct qdma_chunk *chunk, *next;
	LIST_HEAD(list);

	spin_lock_irq(&ring->lock);
	list_splice_init(&ring->quarantine, &list);
	spin_unlock_irq(&ring->lock);
	list_for_each_entry_safe(chunk, next, &list, node) {
		chunk->kept = false;
		qdma_chunk_free(ring, chunk);
	}
}

static void cannot_stop(struct qdma_ring *ring, int error, int err)
{
	dev_err_ratelimited(ring_dev(ring),
			    "queue %u %s cannot be stopped (%pe); pages of its transfers stay pinned\n",
			    ring->qid, dir_name(ring), ERR_PTR(err));
	set_state(ring, QDMA_RING_DEAD, error);
	ring->last_try = jiffies;
	fail_all(ring, error, true);
}

/*
 * Stop the queue, end its transfers, start it again. In this order: as long as
 * the hardware may write, neither pages nor ring can be let go of.
 */
static void recover_locked(struct qdma_ring *ring)
{
	struct svff_qdma *qd = ring->qd;
	int error = ring->error;
	int err;

	lockdep_assert_held(&ring->ctl);
	err = hw_stop(ring);
	if (err) {
		cannot_stop(ring, error, err);
		return;
	}
	if (READ_ONCE(qd->gone))
		error = -ENODEV;
	fail_all(ring, error, false);
	free_quarantine(ring);
	if (error == -ENODEV) {
		set_state(ring, QDMA_RING_GONE, error);
		return;
	}
	if (ring->kind->service && ring->state != QDMA_RING_STOPPED) {
		set_state(ring, QDMA_RING_STOPPED, error);
		return;
	}
	err = hw_start(ring);
	ring->last_try = jiffies;
	set_state(ring, err ? QDMA_RING_DEAD : QDMA_RING_RUNNING, err);
	if (err)
		dev_err_ratelimited(ring_dev(ring), "queue %u %s cannot be restarted (%pe)\n",
				    ring->qid, dir_name(ring), ERR_PTR(err));
	else if (error != -ECANCELED)
		dev_warn_ratelimited(ring_dev(ring), "queue %u %s was restarted after %pe\n",
				     ring->qid, dir_name(ring), ERR_PTR(error));
	ring->restarts++;
}

static void recover_work(struct work_struct *work)
{
	struct qdma_ring *ring = container_of(work, struct qdma_ring, recover);

	guard(mutex)(&ring->ctl);
	if (READ_ONCE(ring->state) == QDMA_RING_FAILED)
		recover_locked(ring);
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

static int first_start(struct qdma_ring *ring)
{
	int err = alloc_ring(ring);

	if (!err)
		err = hw_start(ring);
	if (!err) {
		set_state(ring, QDMA_RING_RUNNING, 0);
		return 0;
	}
	free_ring(ring);
	/* That the device is gone is no news of this queue. */
	if (err != -ENODEV)
		dev_err_ratelimited(ring_dev(ring), "queue %u %s cannot be started (%pe)\n",
				    ring->qid, dir_name(ring), ERR_PTR(err));
	return err == -ENOMEM || err == -ENODEV ? err : -EIO;
}

static int revive(struct qdma_ring *ring)
{
	if (time_before(jiffies, ring->last_try + msecs_to_jiffies(RETRY_DEAD_MS)))
		return -EIO;
	recover_locked(ring);
	return READ_ONCE(ring->state) == QDMA_RING_RUNNING ? 0 : -EIO;
}

/* Under @ctl nobody else changes the state, but for RUNNING to FAILED. */
static int make_ready(struct qdma_ring *ring)
{
	lockdep_assert_held(&ring->ctl);
	switch (READ_ONCE(ring->state)) {
	case QDMA_RING_IDLE:
		return first_start(ring);
	case QDMA_RING_FAILED:
	case QDMA_RING_STOPPED:
		recover_locked(ring);
		return 0;
	case QDMA_RING_DEAD:
		return revive(ring);
	case QDMA_RING_GONE:
		return -ENODEV;
	case QDMA_RING_RUNNING:
	default:
		return 0;
	}
}

/**
 * qdma_ring_ready - have a ring that takes transfers
 * @ring: ring; its data device cannot go away
 * @nowait: do not sleep
 *
 * The first use starts the ring; after an error it is restarted.
 *
 * Context: process.
 * Return: 0, -EAGAIN if it would have to sleep, -EINTR if killed, -ENODEV if
 * the device is gone, -ENOMEM, -EIO if the ring cannot be started.
 */
int qdma_ring_ready(struct qdma_ring *ring, bool nowait)
{
	int err;

	if (likely(READ_ONCE(ring->state) == QDMA_RING_RUNNING))
		return 0;
	if (nowait)
		return READ_ONCE(ring->state) == QDMA_RING_GONE ? -ENODEV : -EAGAIN;
	if (mutex_lock_killable(&ring->ctl))
		return -EINTR;
	err = make_ready(ring);
	mutex_unlock(&ring->ctl);
	return err;
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

static void resume(struct qdma_ring *ring)
{
	spin_lock_irq(&ring->lock);
	if (ring->state == QDMA_RING_RUNNING && !list_empty(&ring->queued)) {
		ring->progress = jiffies;
		post_locked(ring);
		ring_bell(ring);
		qdma_ring_watch_locked(ring);
	}
	spin_unlock_irq(&ring->lock);
}

/**
 * qdma_rings_resume - post what came while the function was paused
 * @qd: function
 *
 * Context: process.
 */
void qdma_rings_resume(struct svff_qdma *qd)
{
	struct qdma_ring *ring;

	spin_lock(&qd->running_lock);
	list_for_each_entry(ring, &qd->running, running)
		resume(ring);
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
		chunk_done(chunk);
	}
	wake_up(&ring->room);
	spin_unlock_irq(&ring->lock);
}

/**
 * qdma_ring_stop - give a ring's memory and contexts back
 * @ring: ring that nobody uses
 *
 * Context: process.
 * Return: true if the hardware does not use the ring any more.
 */
bool qdma_ring_stop(struct qdma_ring *ring)
{
	int err;

	cancel_delayed_work_sync(&ring->guard);
	flush_work(&ring->recover);
	guard(mutex)(&ring->ctl);
	if (READ_ONCE(ring->state) == QDMA_RING_IDLE)
		return true;
	err = hw_stop(ring);
	if (err) {
		cannot_stop(ring, -EIO, err);
		return false;
	}
	free_quarantine(ring);
	free_ring(ring);
	set_state(ring, QDMA_RING_IDLE, 0);
	return true;
}

/**
 * qdma_ring_remove - end a ring's transfers for good
 * @ring: ring
 *
 * Context: process.
 * Return: true if it stopped; if not, its memory and the pages of transfers
 * are still the hardware's.
 */
bool qdma_ring_remove(struct qdma_ring *ring)
{
	int err;

	/* No new work; then wait for what is under way. */
	set_state(ring, QDMA_RING_GONE, -ENODEV);
	cancel_delayed_work_sync(&ring->guard);
	cancel_work_sync(&ring->recover);
	guard(mutex)(&ring->ctl);
	err = hw_stop(ring);
	/* That the device is out of reach is no news of this queue. */
	if (err && err != -ENODEV)
		dev_err(ring_dev(ring), "queue %u %s cannot be stopped (%pe)\n",
			ring->qid, dir_name(ring), ERR_PTR(err));
	fail_all(ring, -ENODEV, err);
	return !err;
}

/**
 * qdma_ring_free - free what a ring has
 * @ring: ring after qdma_ring_remove(); the hardware cannot reach memory
 *
 * Context: process.
 */
void qdma_ring_free(struct qdma_ring *ring)
{
	guard(mutex)(&ring->ctl);
	if (ring->hw_running && ring->vec)
		qdma_irq_detach(ring->vec, ring);
	set_hw_running(ring, false);
	hrtimer_cancel(&ring->timer);
	flush_work(&ring->deliver);
	free_quarantine(ring);
	free_ring(ring);
}

/**
 * qdma_ring_cut_off - take the bus away from a function
 * @qd: function; a queue of it does not stop
 *
 * That is the only way to keep it from writing to memory that is freed.
 *
 * Context: process.
 */
void qdma_ring_cut_off(struct svff_qdma *qd)
{
	dev_err(&qd->pdev->dev,
		"bus mastering is turned off, as queues do not stop; reset the function\n");
	pci_clear_master(qd->pdev);
}

/**
 * qdma_ring_setup - make a ring, idle
 * @ring: ring, zeroed
 * @kind: its kind
 * @qd: function
 * @node: device whose calls use it, NULL for a dmaengine channel
 * @qid: queue, relative to the function
 * @dir: direction
 *
 * Context: process.
 */
void qdma_ring_setup(struct qdma_ring *ring, const struct qdma_ring_kind *kind,
		     struct svff_qdma *qd, struct qdma_node *node, u16 qid,
		     enum svff_qdma_dir dir)
{
	ring->kind = kind;
	ring->qd = qd;
	ring->node = node;
	ring->timeout_ms = TIMEOUT_MS;
	ring->qid = qid;
	ring->dir = dir;
	mutex_init(&ring->ctl);
	spin_lock_init(&ring->lock);
	INIT_LIST_HEAD(&ring->queued);
	INIT_LIST_HEAD(&ring->active);
	INIT_LIST_HEAD(&ring->quarantine);
	INIT_LIST_HEAD(&ring->vec_node);
	INIT_LIST_HEAD(&ring->running);
	init_waitqueue_head(&ring->room);
	INIT_DELAYED_WORK(&ring->guard, guard_work);
	INIT_WORK(&ring->recover, recover_work);
	INIT_LIST_HEAD(&ring->finished);
	INIT_WORK(&ring->deliver, qdma_mm_deliver);
	hrtimer_setup(&ring->timer, ring_tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
}
