// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a ring: its memory and its contexts in the hardware, what is
 * done when it fails, its end. What is done with it while it runs is in ring.c,
 * where its states are drawn.
 */
#include "priv.h"

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/pci.h>

#include <compat/hrtimer.h>

#define RING_SIZE_MIN		3	/* one descriptor in flight */
#define TIMEOUT_MS		10000	/* without progress */
#define RETRY_DEAD_MS		1000	/* between attempts to revive a ring */
#define RECOVER_POLL_MS		20

static struct device *ring_dev(const struct qdma_ring *ring)
{
	return &ring->qd->pdev->dev;
}

static const char *dir_name(const struct qdma_ring *ring)
{
	return ring->dir == SVFF_QDMA_C2H ? "C2H" : "H2C";
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
	/* Who gave no answer in time may still do as it was told. */
	set_hw_running(ring, !err || err == -EINTR || err == -ETIMEDOUT);
	if (!ring->hw_running && ring->vec)
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

/*
 * A device that is gone has stopped. One that is there, but whose registers do not
 * answer, may be at work, and nobody can ask it to stop: it loses the bus.
 */
static void stop_unheard(struct svff_qdma *qd)
{
	if (qd->pdev->is_busmaster && pci_device_is_present(qd->pdev))
		qdma_ring_cut_off(qd);
}

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
		err = -ENODEV;
	if (err && qdma_alive(qd))
		return err;
	if (err)
		stop_unheard(qd);
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
		qdma_chunk_done(chunk);
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
	/* A client's memory is not ours to keep. */
	if (!ring->node)
		qdma_ring_cut_off(ring->qd);
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
	if (!qd->pdev->is_busmaster) {
		set_state(ring, QDMA_RING_DEAD, error);
		return;
	}
	if (ring->kind->service && ring->state != QDMA_RING_STOPPED) {
		set_state(ring, QDMA_RING_STOPPED, error);
		return;
	}
	err = hw_start(ring);
	/* Who was killed has tried for himself alone: the next need not wait. */
	ring->last_try = jiffies - (err == -EINTR ? msecs_to_jiffies(RETRY_DEAD_MS) : 0);
	set_state(ring, err ? QDMA_RING_DEAD : QDMA_RING_RUNNING, err == -EINTR ? -EIO : err);
	if (err && err != -EINTR)
		dev_err_ratelimited(ring_dev(ring), "queue %u %s cannot be restarted (%pe)\n",
				    ring->qid, dir_name(ring), ERR_PTR(err));
	else if (!err && error != -ECANCELED)
		dev_warn_ratelimited(ring_dev(ring), "queue %u %s was restarted after %pe\n",
				     ring->qid, dir_name(ring), ERR_PTR(error));
	ring->restarts++;
}

static void recover_work(struct work_struct *work)
{
	struct qdma_ring *ring = container_of(work, struct qdma_ring, recover);

	/* Who has it may be asking the PF, for as long as a pause lasts. Who only waits is not hung. */
	while (!mutex_trylock(&ring->ctl))
		msleep(RECOVER_POLL_MS);
	if (READ_ONCE(ring->state) == QDMA_RING_FAILED)
		recover_locked(ring);
	mutex_unlock(&ring->ctl);
}

static int first_start(struct qdma_ring *ring)
{
	int err = alloc_ring(ring), stopped;

	if (!err)
		err = hw_start(ring);
	if (!err) {
		set_state(ring, QDMA_RING_RUNNING, 0);
		return 0;
	}
	stopped = hw_stop(ring);
	if (stopped) {
		cannot_stop(ring, -EIO, stopped);
		return -EIO;
	}
	free_ring(ring);
	/* That the device is gone, or its first user killed, is no news of this queue. */
	if (err == -ENODEV || err == -EINTR)
		return err;
	dev_err_ratelimited(ring_dev(ring), "queue %u %s cannot be started (%pe)\n",
			    ring->qid, dir_name(ring), ERR_PTR(err));
	return err == -ENOMEM ? err : -EIO;
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
	/* A client's memory is not ours to keep: before it is told, see cannot_stop(). */
	if (err && !ring->node)
		qdma_ring_cut_off(ring->qd);
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
 * That is the only way to keep it from writing to memory that is freed. It takes the
 * interrupts, too: the mailbox, on which others rely, is polled from now on.
 *
 * Context: process.
 */
void qdma_ring_cut_off(struct svff_qdma *qd)
{
	dev_err(&qd->pdev->dev,
		"bus mastering is turned off, as queues do not stop; reset the function\n");
	pci_clear_master(qd->pdev);
	WRITE_ONCE(qd->mbox.polled, true);
	qdma_mbox_kick(qd);
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
	INIT_DELAYED_WORK(&ring->guard, qdma_ring_guard);
	INIT_WORK(&ring->recover, recover_work);
	INIT_LIST_HEAD(&ring->finished);
	INIT_WORK(&ring->deliver, qdma_mm_deliver);
	hrtimer_setup(&ring->timer, qdma_ring_tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
}
