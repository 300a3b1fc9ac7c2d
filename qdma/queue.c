// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue pairs of a function and who uses them. A stream or a dmaengine
 * channel claims a pair and keeps it until it lets go. The MM data device
 * claims nothing: a transfer takes any pair that is not claimed for as long as
 * it lasts, so that a claim waits for transfers at most, and only if all pairs
 * have some. One pair stays unclaimed for it, unless there is but one.
 *
 * &qdma_queue.mm counts the transfers; while the pair is claimed it is below
 * zero, which keeps new ones out without a lock.
 */
#include "priv.h"

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

static bool dmaengine;
module_param(dmaengine, bool, 0444);
MODULE_PARM_DESC(dmaengine, "offer queues as dmaengine channels too: two devices for each queue pair; default no");

#define CLAIMED		INT_MIN
#define DRAIN_MS	10000	/* a claim's wait for transfers to end, on all pairs together */

/**
 * qdma_queue_mm_get - take a queue pair for one MM transfer
 * @qd: function
 * @wish: the pair that is liked best
 *
 * Context: any; the data device cannot go away.
 * Return: the queue, -EBUSY if all are claimed.
 */
int qdma_queue_mm_get(struct svff_qdma *qd, u32 wish)
{
	struct qdma_queues *qs = &qd->queues;
	u32 i, qid;

	for (i = 0; i < qs->count; i++) {
		qid = (wish + i) % qs->count;
		if (atomic_inc_unless_negative(&qs->queue[qid].mm))
			return qid;
	}
	return -EBUSY;
}

/**
 * qdma_queue_mm_put - a transfer is through
 * @qd: function
 * @qid: what qdma_queue_mm_get() returned
 *
 * Context: any; the data device cannot go away.
 */
void qdma_queue_mm_put(struct svff_qdma *qd, u16 qid)
{
	if (atomic_dec_return(&qd->queues.queue[qid].mm) == CLAIMED)
		wake_up(&qd->queues.drained);
}

static bool may_claim(struct svff_qdma *qd)
{
	struct qdma_queues *qs = &qd->queues;
	u32 spare = qd->mm && qs->count > 1;

	lockdep_assert_held(&qs->lock);
	return qs->claimed + spare < qs->count;
}

/* Keep new transfers out, and wait for those under way until @end, 0: not at all. */
static int evict_mm(struct svff_qdma *qd, u32 qid, unsigned long end)
{
	struct qdma_queues *qs = &qd->queues;
	atomic_t *mm = &qs->queue[qid].mm;
	long left = end - jiffies;

	if (atomic_cmpxchg(mm, 0, CLAIMED) == 0)
		return 0;
	if (!end)
		return -EBUSY;
	atomic_add(CLAIMED, mm);
	left = wait_event_killable_timeout(qs->drained, atomic_read(mm) == CLAIMED, max(left, 0L));
	if (left > 0)
		return 0;
	atomic_sub(CLAIMED, mm);
	return left ? -EINTR : -EBUSY;
}

static int claim_one(struct svff_qdma *qd, enum qdma_user user, u32 qid, unsigned long end)
{
	struct qdma_queues *qs = &qd->queues;
	struct qdma_queue *queue = &qs->queue[qid];
	int err;

	lockdep_assert_held(&qs->lock);
	if (queue->user != QDMA_USER_NONE)
		return -EBUSY;
	err = evict_mm(qd, qid, end);
	if (err)
		return err;
	if (qd->mm && !qdma_mm_stop_queue(qd->mm, qid)) {
		atomic_sub(CLAIMED, &queue->mm);
		return -EIO;
	}
	queue->user = user;
	qs->claimed++;
	return qid;
}

/* From the top, because the MM device starts at the bottom. */
static int claim_any(struct svff_qdma *qd, enum qdma_user user, unsigned long end)
{
	int err = -EBUSY, ret;
	u32 qid = qd->queues.count;

	while (qid--) {
		ret = claim_one(qd, user, qid, end);
		if (ret >= 0 || ret == -EINTR)
			return ret;
		if (ret != -EBUSY)
			err = ret;
	}
	return err;
}

static int claim_locked(struct svff_qdma *qd, enum qdma_user user, int qid)
{
	struct qdma_queues *qs = &qd->queues;
	unsigned long end = jiffies + msecs_to_jiffies(DRAIN_MS) ?: 1;
	int ret;

	lockdep_assert_held(&qs->lock);
	if (qid >= 0 && qid >= qs->count)
		return -EINVAL;
	if (!may_claim(qd))
		return -EBUSY;
	if (qid >= 0)
		return claim_one(qd, user, qid, end);
	ret = claim_any(qd, user, 0);
	return ret == -EBUSY ? claim_any(qd, user, end) : ret;
}

/**
 * qdma_queue_claim - have a queue pair for oneself
 * @qd: function, with queues
 * @user: who
 * @qid: which one, -1 for any
 *
 * Context: process; a VF may ask its PF. Transfers of the MM device on the
 * pair are waited for, if no other pair is without.
 * Return: the queue; -EBUSY if there is none to be had; -EINVAL if there is no
 * such pair; -EINTR if killed; -EIO if the pair cannot be stopped.
 */
int qdma_queue_claim(struct svff_qdma *qd, enum qdma_user user, int qid)
{
	int ret;

	if (mutex_lock_killable(&qd->queues.lock))
		return -EINTR;
	ret = claim_locked(qd, user, qid);
	mutex_unlock(&qd->queues.lock);
	return ret;
}

/**
 * qdma_queue_release - let go of a queue pair
 * @qd: function
 * @qid: what qdma_queue_claim() returned; its contexts are not in use
 *
 * Context: process.
 */
void qdma_queue_release(struct svff_qdma *qd, u16 qid)
{
	struct qdma_queues *qs = &qd->queues;

	guard(mutex)(&qs->lock);
	qs->queue[qid].user = QDMA_USER_NONE;
	qs->claimed--;
	atomic_sub(CLAIMED, &qs->queue[qid].mm);
}

static bool range_is_ours(struct svff_qdma *qd, u32 base, u32 count)
{
	return count && base <= QDMA_MAX_QUEUES && count <= QDMA_MAX_QUEUES - base &&
	       (qd->is_vf || base + count <= qd->caps.num_queues);
}

static int init_queues(struct svff_qdma *qd, u32 base, u32 count)
{
	struct qdma_queues *qs = &qd->queues;

	qs->queue = kcalloc(count, sizeof(*qs->queue), GFP_KERNEL);
	if (!qs->queue)
		return -ENOMEM;
	qs->base = base;
	qs->count = count;
	qs->claimed = 0;
	return 0;
}

static void exit_queues(struct svff_qdma *qd)
{
	struct qdma_queues *qs = &qd->queues;

	WARN_ON_ONCE(qs->claimed);
	kfree(qs->queue);
	qs->queue = NULL;
	qs->count = 0;
}

/* All or none: who may not have one device removed keeps the other. */
static int mark_dead(struct svff_qdma *qd, bool force)
{
	int err;

	if (!force && qdma_dma_in_use(qd))
		return -EBUSY;
	err = qd->mm ? qdma_node_mark_dead(&qd->mm->node, force) : 0;

	if (err || !qd->st)
		return err;
	err = qdma_node_mark_dead(&qd->st->node, force);
	if (err && qd->mm)
		qdma_node_revive(&qd->mm->node);
	return err;
}

/*
 * No new opens, no new calls; end the old ones; free. One RCU grace period does for both: who has
 * found a device under RCU, as the user logic's interrupt does, is through with it by then.
 */
static void destroy_nodes(struct svff_qdma *qd)
{
	struct qdma_mm *mm = qd->mm;
	struct qdma_st *st = qd->st;

	WRITE_ONCE(qd->mm, NULL);
	WRITE_ONCE(qd->st, NULL);
	if (mm)
		qdma_node_hide(&mm->node);
	if (st)
		qdma_node_hide(&st->node);
	if (st)
		qdma_st_destroy(st);
	if (mm)
		qdma_mm_destroy(mm);
}

/**
 * svff_qdma_data_create - make the data devices of a function
 * @qd: function, its vectors enabled, its range mapped
 * @base: first hardware queue of its range
 * @count: queue pairs 0..@count-1 are used
 *
 * Queues are set up when they are first used, and given back when the device
 * is closed.
 *
 * Context: process; a VF asks its PF.
 * Return: 0, -EINVAL for a range that cannot be, -EEXIST if there are some
 * already, -ENOMEM, -ENOSPC if there are too many devices, or why the
 * interrupt ring was refused.
 */
int svff_qdma_data_create(struct svff_qdma *qd, u32 base, u32 count)
{
	int err;

	if (!range_is_ours(qd, base, count))
		return -EINVAL;
	if (qd->queues.queue)
		return -EEXIST;
	qd->paused = false;
	err = init_queues(qd, base, count);
	if (err)
		return err;
	err = qdma_irq_start(qd);
	if (err)
		goto exit_queues;
	if (qd->caps.mm)
		err = qdma_mm_create(qd);
	if (!err && qd->caps.st)
		err = qdma_st_create(qd);
	if (!err && qd->caps.mm && dmaengine)
		err = qdma_dma_create(qd);
	if (!err)
		return 0;

	mark_dead(qd, true);
	destroy_nodes(qd);
	qdma_irq_stop(qd);
exit_queues:
	exit_queues(qd);
	return err;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_data_create, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_data_destroy - remove the data devices of a function
 * @qd: function; it need not have any
 * @force: even if one is open
 *
 * Transfers under way end with -ENODEV, and so does all that is tried later
 * on files that are still open. When this returns the hardware does not use
 * the queues, and nothing of the function is used from here.
 *
 * Context: process; a VF asks its PF, hence not from mbox_recv().
 * Return: 0, or -EBUSY if one is open, or a channel held, and not @force.
 */
int svff_qdma_data_destroy(struct svff_qdma *qd, bool force)
{
	int err = mark_dead(qd, force);

	if (err)
		return err;
	if (!qd->queues.queue)
		return 0;
	qdma_dma_destroy(qd);
	destroy_nodes(qd);
	qdma_irq_stop(qd);
	exit_queues(qd);
	/* Who asks the PF for new ones does not wait for it as long as one that is paused does. */
	WRITE_ONCE(qd->paused, false);
	/* It may be another PF by then. */
	if (qd->is_vf)
		qd->csr_valid = false;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_data_destroy, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_data_pause - start nothing new, wait for what is under way
 * @qd: function
 * @idle_ms: how long to wait
 *
 * Transfers that come later wait, and so does what of earlier ones has not
 * been handed to the hardware. Queues stay set up.
 *
 * Context: process; the data devices are neither made nor removed meanwhile.
 * Return: 0; -ETIMEDOUT if something is still under way, then all goes on.
 */
int svff_qdma_data_pause(struct svff_qdma *qd, unsigned int idle_ms)
{
	WRITE_ONCE(qd->paused, true);
	if (wait_event_timeout(qd->idle, qdma_rings_idle(qd), msecs_to_jiffies(idle_ms)))
		return 0;
	svff_qdma_data_resume(qd);
	return -ETIMEDOUT;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_data_pause, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_data_paused - is a function between pause and resume?
 * @qd: function
 *
 * Context: any.
 * Return: true if it is.
 */
bool svff_qdma_data_paused(const struct svff_qdma *qd)
{
	return READ_ONCE(qd->paused);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_data_paused, SVFF_NS(SVFF_QDMA));

/**
 * qdma_stands_still - does the hardware do nothing for now?
 * @qd: function
 *
 * Then no queue can be stopped either.
 *
 * Context: any; see svff_qdma_away().
 * Return: true if so.
 */
bool qdma_stands_still(struct svff_qdma *qd)
{
	return svff_qdma_data_paused(qd) || svff_qdma_away(qd);
}

/**
 * svff_qdma_data_resume - go on
 * @qd: function; one that is not paused rings its doorbells again
 *
 * Context: as svff_qdma_data_pause().
 */
void svff_qdma_data_resume(struct svff_qdma *qd)
{
	WRITE_ONCE(qd->paused, false);
	qdma_rings_resume(qd);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_data_resume, SVFF_NS(SVFF_QDMA));
