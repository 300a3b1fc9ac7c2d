// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client has a dmaengine channel move; see dmaengine.c.
 */
#include "priv.h"
#include "channel.h"

#include <linux/slab.h>

#define TELL_BATCH	32	/* periods that are told of in one go */

struct dma_desc {
	struct dma_async_tx_descriptor tx;
	struct list_head node;	/* in a list of the channel */
	size_t bytes;
	size_t period;		/* of a cyclic one, else 0 */
	size_t at;		/* cyclic: offset of the current period */
	unsigned int news;	/* cyclic: periods that nobody was told of */
	bool parked;		/* cyclic: the next period is not with the ring yet */
	bool dropped;		/* terminated: nobody is told */
	dma_addr_t buf;
	u64 card;
	struct qdma_chunk chunk;	/* last, it has the segments */
};

static struct dma_desc *to_desc(struct dma_async_tx_descriptor *tx)
{
	return container_of(tx, struct dma_desc, tx);
}

static enum dma_transfer_direction chan_direction(const struct qdma_chan *chan)
{
	return chan->dir == SVFF_QDMA_C2H ? DMA_DEV_TO_MEM : DMA_MEM_TO_DEV;
}

/* --- the ring's side --- */

/* Have the chunk, which is all segments or one period, start from its start. */
static void rewind_chunk(struct dma_desc *desc)
{
	struct qdma_chunk *chunk = &desc->chunk;

	if (desc->period)
		sg_dma_address(chunk->sgl) = desc->buf + desc->at;
	chunk->sg = chunk->sgl;
	chunk->left = chunk->nents;
	chunk->span = (struct qdma_span){ .card = desc->card + desc->at };
	chunk->begun = false;
	chunk->status = 0;
}

/* Returns whether a cyclic descriptor goes on. */
static bool next_period(struct dma_desc *desc)
{
	if (!desc->period || desc->dropped || desc->chunk.status)
		return false;
	desc->news++;
	desc->at += desc->period;
	if (desc->at == desc->bytes)
		desc->at = 0;
	rewind_chunk(desc);
	list_del_init(&desc->chunk.node);
	desc->parked = true;
	return true;
}

static void dma_chunk_done(struct qdma_chunk *chunk)
{
	struct dma_desc *desc = container_of(chunk, struct dma_desc, chunk);
	struct qdma_chan *chan = to_qdma_chan(desc->tx.chan);

	lockdep_assert_held(&chan->ring->lock);
	chan->ring->batch.inflight--;
	if (!next_period(desc)) {
		list_del_init(&chunk->node);
		list_move_tail(&desc->node, &chan->finished);
		wake_up_all(&chan->idle);
	}
	tasklet_schedule(&chan->tasklet);
}

/* A ring that does not run takes nothing until it was restarted. */
static void feed_locked(struct qdma_chan *chan)
{
	struct qdma_ring *ring = chan->ring;
	struct dma_desc *desc, *next;

	lockdep_assert_held(&chan->lock);
	if (chan->gone || chan->paused)
		return;
	list_for_each_entry_safe(desc, next, &chan->issued, node) {
		spin_lock(&ring->lock);
		list_move_tail(&desc->node, &chan->running);
		spin_unlock(&ring->lock);
		if (!qdma_ring_submit(ring, &desc->chunk, true))
			continue;
		spin_lock(&ring->lock);
		list_move(&desc->node, &chan->issued);
		spin_unlock(&ring->lock);
		queue_work(qdma_wq, &chan->revive);
		break;
	}
	qdma_ring_kick(ring);
}

static void end_issued_locked(struct qdma_chan *chan, int status, bool dropped)
{
	struct qdma_ring *ring = chan->ring;
	struct dma_desc *desc;

	lockdep_assert_held(&chan->lock);
	spin_lock(&ring->lock);
	list_for_each_entry(desc, &chan->issued, node) {
		desc->chunk.status = status;
		desc->dropped = dropped;
	}
	list_splice_tail_init(&chan->issued, &chan->finished);
	spin_unlock(&ring->lock);
	tasklet_schedule(&chan->tasklet);
}

static void revive_work(struct work_struct *work)
{
	struct qdma_chan *chan = container_of(work, struct qdma_chan, revive);
	int err = qdma_ring_ready(chan->ring, false);

	spin_lock_irq(&chan->lock);
	if (err)
		end_issued_locked(chan, err, false);
	else
		feed_locked(chan);
	spin_unlock_irq(&chan->lock);
}

/* --- telling the client --- */

static void call_back(const struct dma_desc *desc, enum dmaengine_tx_result result)
{
	struct dmaengine_result res = { .result = result };

	if (desc->tx.callback_result)
		desc->tx.callback_result(desc->tx.callback_param, &res);
	else if (desc->tx.callback)
		desc->tx.callback(desc->tx.callback_param);
}

static enum dmaengine_tx_result result_of(const struct qdma_chan *chan, int status)
{
	if (!status)
		return DMA_TRANS_NOERROR;
	if (status != -EIO)
		return DMA_TRANS_ABORTED;
	return chan->dir == SVFF_QDMA_C2H ? DMA_TRANS_READ_FAILED : DMA_TRANS_WRITE_FAILED;
}

static void finish_desc(struct qdma_chan *chan, struct dma_desc *desc)
{
	if (!desc->dropped) {
		spin_lock_irq(&chan->lock);
		chan->common.completed_cookie = desc->tx.cookie;
		if (desc->chunk.status)
			chan->failed = desc->tx.cookie;
		spin_unlock_irq(&chan->lock);
		call_back(desc, result_of(chan, desc->chunk.status));
	}
	kfree(desc);
}

/* Only here a descriptor that was submitted is freed, so that it cannot go meanwhile. */
static void tell_periods(struct qdma_chan *chan, struct dma_desc *desc)
{
	unsigned int news;
	bool dropped;

	spin_lock_irq(&chan->ring->lock);
	news = desc->news;
	dropped = desc->dropped;
	desc->news = 0;
	spin_unlock_irq(&chan->ring->lock);
	while (news-- && !dropped)
		call_back(desc, DMA_TRANS_NOERROR);
}

/* A cyclic descriptor that has periods to tell of */
static struct dma_desc *find_news(struct qdma_chan *chan)
{
	struct dma_desc *desc;

	lockdep_assert_held(&chan->ring->lock);
	list_for_each_entry(desc, &chan->running, node)
		if (desc->period && desc->news)
			return desc;
	return NULL;
}

/* Cyclic descriptors between two periods are the first to go on. */
static void unpark_locked(struct qdma_chan *chan)
{
	struct dma_desc *desc, *next;

	lockdep_assert_held(&chan->lock);
	spin_lock(&chan->ring->lock);
	list_for_each_entry_safe(desc, next, &chan->running, node) {
		if (!desc->parked)
			continue;
		desc->parked = false;
		list_move(&desc->node, &chan->issued);
	}
	spin_unlock(&chan->ring->lock);
}

static void feed_parked(struct qdma_chan *chan)
{
	spin_lock_irq(&chan->lock);
	if (!chan->paused) {
		unpark_locked(chan);
		feed_locked(chan);
	}
	spin_unlock_irq(&chan->lock);
}

static void chan_tasklet(struct tasklet_struct *tasklet)
{
	struct qdma_chan *chan = from_tasklet(chan, tasklet, tasklet);
	unsigned int budget = TELL_BATCH;
	struct dma_desc *desc, *next;
	LIST_HEAD(list);

	spin_lock_irq(&chan->ring->lock);
	while ((desc = find_news(chan))) {
		/* The next period may be through before one looks: others have a turn too. */
		if (!budget--) {
			tasklet_schedule(&chan->tasklet);
			break;
		}
		spin_unlock_irq(&chan->ring->lock);
		tell_periods(chan, desc);
		feed_parked(chan);
		spin_lock_irq(&chan->ring->lock);
	}
	list_splice_init(&chan->finished, &list);
	spin_unlock_irq(&chan->ring->lock);
	list_for_each_entry_safe(desc, next, &list, node) {
		tell_periods(chan, desc);
		finish_desc(chan, desc);
	}
}

/* --- dmaengine's calls --- */

static dma_cookie_t dma_submit(struct dma_async_tx_descriptor *tx)
{
	struct qdma_chan *chan = to_qdma_chan(tx->chan);
	dma_cookie_t cookie;
	unsigned long flags;

	spin_lock_irqsave(&chan->lock, flags);
	cookie = tx->chan->cookie + 1;
	if (cookie < DMA_MIN_COOKIE)
		cookie = DMA_MIN_COOKIE;
	tx->cookie = cookie;
	tx->chan->cookie = cookie;
	list_move_tail(&to_desc(tx)->node, &chan->submitted);
	spin_unlock_irqrestore(&chan->lock, flags);
	return cookie;
}

static void dma_issue(struct dma_chan *c)
{
	struct qdma_chan *chan = to_qdma_chan(c);
	unsigned long flags;

	spin_lock_irqsave(&chan->lock, flags);
	list_splice_tail_init(&chan->submitted, &chan->issued);
	if (chan->gone)
		end_issued_locked(chan, -ENODEV, false);
	else
		feed_locked(chan);
	spin_unlock_irqrestore(&chan->lock, flags);
}

static struct dma_desc *new_desc(struct qdma_chan *chan, unsigned int nents,
				 enum dma_transfer_direction direction)
{
	struct dma_desc *desc;

	if (!nents || direction != chan_direction(chan))
		return NULL;
	desc = kzalloc(struct_size(desc, chunk.sgl, nents), GFP_NOWAIT);
	if (!desc)
		return NULL;
	dma_async_tx_descriptor_init(&desc->tx, &chan->common);
	desc->tx.tx_submit = dma_submit;
	desc->card = chan->dir == SVFF_QDMA_C2H ? chan->config.src_addr :
						  chan->config.dst_addr;
	desc->chunk.nents = nents;
	desc->chunk.done = dma_chunk_done;
	INIT_LIST_HEAD(&desc->chunk.node);
	sg_init_table(desc->chunk.sgl, nents);
	return desc;
}

static struct dma_async_tx_descriptor *prepared(struct qdma_chan *chan, struct dma_desc *desc,
						unsigned long flags)
{
	unsigned long irq;
	bool gone;

	desc->tx.flags = flags;
	rewind_chunk(desc);
	spin_lock_irqsave(&chan->lock, irq);
	gone = chan->gone;
	if (!gone)
		list_add_tail(&desc->node, &chan->prepared);
	spin_unlock_irqrestore(&chan->lock, irq);
	if (!gone)
		return &desc->tx;
	kfree(desc);
	return NULL;
}

static struct dma_async_tx_descriptor *
dma_prep_sg(struct dma_chan *c, struct scatterlist *sgl, unsigned int nents,
	    enum dma_transfer_direction direction, unsigned long flags, void *context)
{
	struct qdma_chan *chan = to_qdma_chan(c);
	struct dma_desc *desc = new_desc(chan, nents, direction);
	struct scatterlist *sg, *to;
	unsigned int i;

	if (!desc)
		return NULL;
	to = desc->chunk.sgl;
	for_each_sg(sgl, sg, nents, i) {
		if (!sg_dma_len(sg)) {
			kfree(desc);
			return NULL;
		}
		sg_dma_address(to) = sg_dma_address(sg);
		sg_dma_len(to) = sg_dma_len(sg);
		desc->bytes += sg_dma_len(sg);
		to = sg_next(to);
	}
	return prepared(chan, desc, flags);
}

static struct dma_async_tx_descriptor *
dma_prep_cyclic(struct dma_chan *c, dma_addr_t buf, size_t len, size_t period,
		enum dma_transfer_direction direction, unsigned long flags)
{
	struct qdma_chan *chan = to_qdma_chan(c);
	struct dma_desc *desc;

	if (!period || !len || len % period || period > UINT_MAX)
		return NULL;
	desc = new_desc(chan, 1, direction);
	if (!desc)
		return NULL;
	desc->buf = buf;
	desc->bytes = len;
	desc->period = period;
	sg_dma_len(desc->chunk.sgl) = period;
	return prepared(chan, desc, flags);
}

static int dma_config(struct dma_chan *c, struct dma_slave_config *config)
{
	to_qdma_chan(c)->config = *config;
	return 0;
}

static int dma_pause(struct dma_chan *c)
{
	struct qdma_chan *chan = to_qdma_chan(c);
	unsigned long flags;

	spin_lock_irqsave(&chan->lock, flags);
	chan->paused = true;
	spin_unlock_irqrestore(&chan->lock, flags);
	return 0;
}

static int dma_resume(struct dma_chan *c)
{
	struct qdma_chan *chan = to_qdma_chan(c);
	unsigned long flags;

	spin_lock_irqsave(&chan->lock, flags);
	chan->paused = false;
	unpark_locked(chan);
	feed_locked(chan);
	spin_unlock_irqrestore(&chan->lock, flags);
	return 0;
}

/* What the hardware has is ended by stopping the queue. */
static void drop_begun_locked(struct qdma_chan *chan)
{
	struct dma_desc *desc;
	bool busy = false;

	lockdep_assert_held(&chan->lock);
	spin_lock(&chan->ring->lock);
	list_for_each_entry(desc, &chan->running, node) {
		desc->dropped = true;
		busy |= !desc->parked;
	}
	list_for_each_entry(desc, &chan->finished, node)
		desc->dropped = true;
	if (busy && !chan->gone)
		qdma_ring_fail_locked(chan->ring, -ECANCELED);
	spin_unlock(&chan->ring->lock);
}

static int dma_terminate(struct dma_chan *c)
{
	struct qdma_chan *chan = to_qdma_chan(c);
	unsigned long flags;

	spin_lock_irqsave(&chan->lock, flags);
	chan->paused = false;
	/* First, so that a period which ends now is not followed by another. */
	drop_begun_locked(chan);
	unpark_locked(chan);
	list_splice_tail_init(&chan->submitted, &chan->issued);
	end_issued_locked(chan, -ECANCELED, true);
	spin_unlock_irqrestore(&chan->lock, flags);
	return 0;
}

static bool has_dropped(struct qdma_chan *chan)
{
	struct dma_desc *desc;
	bool found = false;

	spin_lock_irq(&chan->ring->lock);
	list_for_each_entry(desc, &chan->running, node)
		found |= desc->dropped;
	spin_unlock_irq(&chan->ring->lock);
	return found;
}

/* What was terminated ends when the queue was stopped, which is bounded. */
static void dma_sync(struct dma_chan *c)
{
	struct qdma_chan *chan = to_qdma_chan(c);

	wait_event(chan->idle, !has_dropped(chan));
	tasklet_kill(&chan->tasklet);
}

/* Bytes of the chunk that the hardware has reported. */
static size_t chunk_moved(struct qdma_chan *chan, struct dma_desc *desc)
{
	u64 n = qdma_ring_through_locked(chan->ring, &desc->chunk);
	u32 max = chan->dma->qd->ip->mm_desc_max;
	struct scatterlist *sg;
	size_t moved = 0;
	unsigned int i;

	for_each_sg(desc->chunk.sgl, sg, desc->chunk.nents, i) {
		u64 descs = qdma_span_descs(sg_dma_len(sg), max);

		if (descs > n)
			return moved + n * max;
		n -= descs;
		moved += sg_dma_len(sg);
	}
	return moved;
}

static size_t running_residue(struct qdma_chan *chan, dma_cookie_t cookie)
{
	struct dma_desc *desc;
	size_t left = 0;

	spin_lock(&chan->ring->lock);
	list_for_each_entry(desc, &chan->running, node)
		if (desc->tx.cookie == cookie)
			left = desc->bytes - desc->at - chunk_moved(chan, desc);
	spin_unlock(&chan->ring->lock);
	return left;
}

static size_t residue_of(struct qdma_chan *chan, dma_cookie_t cookie)
{
	struct dma_desc *desc;

	lockdep_assert_held(&chan->lock);
	if (chan->gone)
		return 0;
	list_for_each_entry(desc, &chan->submitted, node)
		if (desc->tx.cookie == cookie)
			return desc->bytes;
	list_for_each_entry(desc, &chan->issued, node)
		if (desc->tx.cookie == cookie)
			return desc->bytes - desc->at;
	return running_residue(chan, cookie);
}

static enum dma_status dma_status(struct dma_chan *c, dma_cookie_t cookie,
				  struct dma_tx_state *state)
{
	struct qdma_chan *chan = to_qdma_chan(c);
	enum dma_status status;
	unsigned long flags;

	spin_lock_irqsave(&chan->lock, flags);
	status = dma_async_is_complete(cookie, c->completed_cookie, c->cookie);
	dma_set_tx_state(state, c->completed_cookie, c->cookie,
			 status == DMA_COMPLETE ? 0 : residue_of(chan, cookie));
	if (status == DMA_COMPLETE && cookie == chan->failed)
		status = DMA_ERROR;
	else if (status != DMA_COMPLETE && chan->paused)
		status = DMA_PAUSED;
	spin_unlock_irqrestore(&chan->lock, flags);
	return status;
}

static void dma_caps(struct dma_chan *c, struct dma_slave_caps *caps)
{
	caps->directions = BIT(chan_direction(to_qdma_chan(c)));
}

static void free_list(struct list_head *list)
{
	struct dma_desc *desc, *next;

	list_for_each_entry_safe(desc, next, list, node) {
		list_del(&desc->node);
		kfree(desc);
	}
}

/**
 * qdma_chan_ops() - what channels can do, as the dmaengine calls it
 * @ddev: filled
 *
 * Context: any.
 */
void qdma_chan_ops(struct dma_device *ddev)
{
	ddev->device_prep_slave_sg = dma_prep_sg;
	ddev->device_prep_dma_cyclic = dma_prep_cyclic;
	ddev->device_caps = dma_caps;
	ddev->device_config = dma_config;
	ddev->device_pause = dma_pause;
	ddev->device_resume = dma_resume;
	ddev->device_terminate_all = dma_terminate;
	ddev->device_synchronize = dma_sync;
	ddev->device_tx_status = dma_status;
	ddev->device_issue_pending = dma_issue;
}

/**
 * qdma_chan_setup() - a channel that is nobody's yet
 * @chan: channel, zeroed
 *
 * Context: any.
 */
void qdma_chan_setup(struct qdma_chan *chan)
{
	spin_lock_init(&chan->lock);
	INIT_LIST_HEAD(&chan->prepared);
	INIT_LIST_HEAD(&chan->submitted);
	INIT_LIST_HEAD(&chan->issued);
	INIT_LIST_HEAD(&chan->running);
	INIT_LIST_HEAD(&chan->finished);
	init_waitqueue_head(&chan->idle);
	tasklet_setup(&chan->tasklet, chan_tasklet);
	INIT_WORK(&chan->revive, revive_work);
}

/**
 * qdma_chan_abort() - end what a client wants moved, and has not begun
 * @chan: channel that was closed, its ring removed
 *
 * Context: process.
 */
void qdma_chan_abort(struct qdma_chan *chan)
{
	spin_lock_irq(&chan->lock);
	unpark_locked(chan);
	end_issued_locked(chan, -ENODEV, false);
	spin_unlock_irq(&chan->lock);
}

/**
 * qdma_chan_clear() - forget what a client has left
 * @chan: channel that moves nothing
 *
 * Context: process.
 */
void qdma_chan_clear(struct qdma_chan *chan)
{
	tasklet_kill(&chan->tasklet);
	free_list(&chan->finished);
	free_list(&chan->submitted);
	free_list(&chan->prepared);
}
