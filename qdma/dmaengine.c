// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues as dmaengine channels, for clients in the kernel. Each queue pair is
 * two DMA_SLAVE channels of its function: "h2c<N>" (DMA_MEM_TO_DEV) and
 * "c2h<N>" (DMA_DEV_TO_MEM), which a client gets with dma_request_chan() of the
 * PCI function. Whoever gets the first of a pair claims the pair.
 *
 * The card address is dst_addr or src_addr of the dma_slave_config at the time
 * of the preparation. It is that of the first byte; each further byte of the
 * scatter list has the next address. A cyclic transfer starts over at both ends
 * when the buffer is through: a period always has the same card address. It is
 * paced by its client alone: the next period starts when the callback of the
 * last one has returned.
 *
 * A descriptor of a client is in one list of its channel:
 *
 *	prepared -> submitted -> issued -> running -> finished
 *			  issue_pending   with the ring	   called back, freed
 *
 * Pausing keeps issued ones from running, and a cyclic one from its next
 * period; what the hardware has begun it ends. Residue is what the hardware
 * has not reported: it reports at the end of what it was told of, and every so
 * many descriptors. Terminating stops and restarts the queue if it is at work.
 *
 * When the device is unbound, all ends with DMA_TRANS_ABORTED; the channel, of
 * no use any more, is the client's until it lets go.
 *
 * virt-dma.h is not among the headers that distributions ship for modules.
 */
#include "priv.h"

#include <linux/dmaengine.h>
#include <linux/interrupt.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#define DMA_NAME_LEN	12	/* h2c65535 */
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

struct qdma_chan {
	struct dma_chan common;
	struct qdma_dma *dma;
	u16 qid;
	enum svff_qdma_dir dir;
	spinlock_t lock;	/* @ring, @paused and lists up to @issued; ring's lock nests in it */
	struct qdma_ring *ring;
	bool gone;
	bool paused;
	dma_cookie_t failed;
	struct dma_slave_config config;
	struct list_head prepared;
	struct list_head submitted;
	struct list_head issued;
	struct list_head running;	/* from here on: the ring's lock */
	struct list_head finished;
	wait_queue_head_t idle;
	struct tasklet_struct tasklet;
	struct work_struct revive;
};

struct qdma_dma {
	struct dma_device ddev;
	struct svff_qdma *qd;	/* valid unless @gone */
	struct device *dev;
	struct mutex lock;	/* who has which pair; @gone. Inside the dmaengine's */
	bool gone;
	unsigned int held;
	u8 *users;		/* channels in use of each pair */
	struct dma_slave_map *map;
	char (*name)[DMA_NAME_LEN];
	struct work_struct release;
	unsigned int nchans;
	struct qdma_chan chan[];
};

static struct qdma_chan *to_chan(struct dma_chan *chan)
{
	return container_of(chan, struct qdma_chan, common);
}

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
	struct qdma_chan *chan = to_chan(desc->tx.chan);

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
	struct qdma_chan *chan = to_chan(tx->chan);
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
	struct qdma_chan *chan = to_chan(c);
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
	struct qdma_chan *chan = to_chan(c);
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
	struct qdma_chan *chan = to_chan(c);
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
	to_chan(c)->config = *config;
	return 0;
}

static int dma_pause(struct dma_chan *c)
{
	struct qdma_chan *chan = to_chan(c);
	unsigned long flags;

	spin_lock_irqsave(&chan->lock, flags);
	chan->paused = true;
	spin_unlock_irqrestore(&chan->lock, flags);
	return 0;
}

static int dma_resume(struct dma_chan *c)
{
	struct qdma_chan *chan = to_chan(c);
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
	struct qdma_chan *chan = to_chan(c);
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
	struct qdma_chan *chan = to_chan(c);

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
	struct qdma_chan *chan = to_chan(c);
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
	caps->directions = BIT(chan_direction(to_chan(c)));
}

/* --- life --- */

static int claim_pair(struct qdma_dma *dma, u16 qid)
{
	int ret;

	lockdep_assert_held(&dma->lock);
	if (!dma->users[qid]) {
		ret = qdma_queue_claim(dma->qd, QDMA_USER_DMA, qid);
		if (ret < 0)
			return ret;
	}
	dma->users[qid]++;
	return 0;
}

static void release_pair(struct qdma_dma *dma, u16 qid)
{
	lockdep_assert_held(&dma->lock);
	if (!--dma->users[qid])
		qdma_queue_release(dma->qd, qid);
}

static int start_chan(struct qdma_chan *chan)
{
	struct qdma_ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL);
	int err;

	if (!ring)
		return -ENOMEM;
	qdma_ring_setup(ring, &qdma_ring_mm, chan->dma->qd, NULL, chan->qid, chan->dir);
	err = qdma_ring_ready(ring, false);
	if (err) {
		/* One that may have begun, and does not stop, has lost the bus already: see cannot_stop(). */
		qdma_ring_remove(ring);
		qdma_ring_free(ring);
		kfree(ring);
		return err;
	}
	chan->paused = false;
	chan->failed = 0;
	chan->common.cookie = DMA_MIN_COOKIE;
	chan->common.completed_cookie = DMA_MIN_COOKIE;
	chan->ring = ring;
	return 0;
}

static int dma_alloc_chan(struct dma_chan *c)
{
	struct qdma_chan *chan = to_chan(c);
	struct qdma_dma *dma = chan->dma;
	int err;

	guard(mutex)(&dma->lock);
	if (dma->gone)
		return -ENODEV;
	err = claim_pair(dma, chan->qid);
	if (err)
		return err;
	err = start_chan(chan);
	if (err) {
		release_pair(dma, chan->qid);
		return err;
	}
	dma->held++;
	return 0;
}

/* The ring itself stays: who still looks at the channel takes its lock. */
static void stop_chan(struct qdma_chan *chan)
{
	lockdep_assert_held(&chan->dma->lock);
	spin_lock_irq(&chan->lock);
	chan->gone = true;
	spin_unlock_irq(&chan->lock);
	cancel_work_sync(&chan->revive);
	if (!qdma_ring_remove(chan->ring))
		qdma_ring_cut_off(chan->dma->qd);
	spin_lock_irq(&chan->lock);
	unpark_locked(chan);
	end_issued_locked(chan, -ENODEV, false);
	spin_unlock_irq(&chan->lock);
	qdma_ring_free(chan->ring);
	release_pair(chan->dma, chan->qid);
	chan->dma->held--;
}

static void free_list(struct list_head *list)
{
	struct dma_desc *desc, *next;

	list_for_each_entry_safe(desc, next, list, node) {
		list_del(&desc->node);
		kfree(desc);
	}
}

static void dma_free_chan(struct dma_chan *c)
{
	struct qdma_chan *chan = to_chan(c);

	dma_terminate(c);
	dma_sync(c);
	scoped_guard(mutex, &chan->dma->lock) {
		if (!chan->gone)
			stop_chan(chan);
		chan->gone = chan->dma->gone;
	}
	tasklet_kill(&chan->tasklet);
	free_list(&chan->finished);
	free_list(&chan->submitted);
	free_list(&chan->prepared);
	kfree(chan->ring);
	chan->ring = NULL;
}

/*
 * The core calls device_release() under its lock and looks at the device once
 * more before it lets go of it. A request that matches nothing takes that lock.
 */
static bool match_nothing(struct dma_chan *chan, void *param)
{
	return false;
}

static void release_work(struct work_struct *work)
{
	struct qdma_dma *dma = container_of(work, struct qdma_dma, release);
	dma_cap_mask_t mask;

	dma_cap_zero(mask);
	dma_cap_set(DMA_SLAVE, mask);
	dma_request_channel(mask, match_nothing, NULL);
	put_device(dma->dev);
	kfree(dma->users);
	kfree(dma->map);
	kfree(dma->name);
	kvfree(dma);
}

static void dma_release(struct dma_device *ddev)
{
	struct qdma_dma *dma = container_of(ddev, struct qdma_dma, ddev);

	queue_work(qdma_wq, &dma->release);
}

static bool match_chan(struct dma_chan *chan, void *param)
{
	return chan == param;
}

static void setup_chan(struct qdma_dma *dma, unsigned int i)
{
	struct qdma_chan *chan = &dma->chan[i];

	chan->dma = dma;
	chan->qid = i / 2;
	chan->dir = i % 2;
	spin_lock_init(&chan->lock);
	INIT_LIST_HEAD(&chan->prepared);
	INIT_LIST_HEAD(&chan->submitted);
	INIT_LIST_HEAD(&chan->issued);
	INIT_LIST_HEAD(&chan->running);
	INIT_LIST_HEAD(&chan->finished);
	init_waitqueue_head(&chan->idle);
	tasklet_setup(&chan->tasklet, chan_tasklet);
	INIT_WORK(&chan->revive, revive_work);
	chan->common.device = &dma->ddev;
	list_add_tail(&chan->common.device_node, &dma->ddev.channels);
	snprintf(dma->name[i], DMA_NAME_LEN, "%s%u", chan->dir == SVFF_QDMA_C2H ? "c2h" : "h2c",
		 chan->qid);
	dma->map[i] = (struct dma_slave_map){
		.devname = dev_name(dma->dev), .slave = dma->name[i], .param = &chan->common,
	};
}

static void setup_ddev(struct qdma_dma *dma)
{
	struct dma_device *ddev = &dma->ddev;

	dma_cap_set(DMA_SLAVE, ddev->cap_mask);
	dma_cap_set(DMA_CYCLIC, ddev->cap_mask);
	dma_cap_set(DMA_PRIVATE, ddev->cap_mask);
	INIT_LIST_HEAD(&ddev->channels);
	ddev->dev = dma->dev;
	ddev->filter = (struct dma_filter){
		.fn = match_chan, .mapcnt = dma->nchans, .map = dma->map,
	};
	ddev->directions = BIT(DMA_MEM_TO_DEV) | BIT(DMA_DEV_TO_MEM);
	ddev->src_addr_widths = BIT(DMA_SLAVE_BUSWIDTH_1_BYTE);
	ddev->dst_addr_widths = BIT(DMA_SLAVE_BUSWIDTH_1_BYTE);
	ddev->residue_granularity = DMA_RESIDUE_GRANULARITY_BURST;
	ddev->device_alloc_chan_resources = dma_alloc_chan;
	ddev->device_free_chan_resources = dma_free_chan;
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
	ddev->device_release = dma_release;
}

static struct qdma_dma *alloc_dma(unsigned int nchans)
{
	struct qdma_dma *dma = kvzalloc(struct_size(dma, chan, nchans), GFP_KERNEL);

	if (!dma)
		return NULL;
	dma->nchans = nchans;
	dma->users = kcalloc(nchans / 2, sizeof(*dma->users), GFP_KERNEL);
	dma->map = kcalloc(nchans, sizeof(*dma->map), GFP_KERNEL);
	dma->name = kcalloc(nchans, sizeof(*dma->name), GFP_KERNEL);
	if (dma->users && dma->map && dma->name)
		return dma;
	kfree(dma->users);
	kfree(dma->map);
	kfree(dma->name);
	kvfree(dma);
	return NULL;
}

/**
 * qdma_dma_create - offer the queues of a function as dmaengine channels
 * @qd: function with queues
 *
 * Context: process.
 * Return: 0, -ENOMEM, or why the dmaengine refused.
 */
int qdma_dma_create(struct svff_qdma *qd)
{
	struct qdma_dma *dma = alloc_dma(2 * qd->queues.count);
	unsigned int i;
	int err;

	if (!dma)
		return -ENOMEM;
	dma->qd = qd;
	dma->dev = get_device(&qd->pdev->dev);
	mutex_init(&dma->lock);
	INIT_WORK(&dma->release, release_work);
	setup_ddev(dma);
	for (i = 0; i < dma->nchans; i++)
		setup_chan(dma, i);
	err = dma_async_device_register(&dma->ddev);
	if (err) {
		queue_work(qdma_wq, &dma->release);
		return err;
	}
	qd->dma = dma;
	return 0;
}

/*
 * The core would take down the links of dma_request_chan() when the client lets
 * go of the channel; its folder is gone by then. A client that lets go at the
 * same time either waits in dma_free_chan(), or has no ring here.
 */
static void unlink_client(struct dma_chan *c)
{
	if (!c->slave)
		return;
	sysfs_remove_link(&c->dev->device.kobj, "slave");
	sysfs_remove_link(&c->slave->kobj, c->name);
	kfree(c->name);
	c->name = NULL;
	c->slave = NULL;
}

static void stop_all(struct qdma_dma *dma)
{
	unsigned int i;

	lockdep_assert_held(&dma->lock);
	for (i = 0; i < dma->nchans; i++) {
		if (!dma->chan[i].ring)
			continue;
		stop_chan(&dma->chan[i]);
		unlink_client(&dma->chan[i].common);
	}
}

/**
 * qdma_dma_in_use - does a client hold a channel?
 * @qd: function
 *
 * Context: process; not at once with qdma_dma_destroy().
 * Return: true if one does.
 */
bool qdma_dma_in_use(const struct svff_qdma *qd)
{
	return qd->dma && READ_ONCE(qd->dma->held);
}

/**
 * qdma_dma_destroy - take the channels of a function back
 * @qd: function; it need not have any
 *
 * Context: process; a VF asks its PF.
 */
void qdma_dma_destroy(struct svff_qdma *qd)
{
	struct qdma_dma *dma = qd->dma;

	if (!dma)
		return;
	scoped_guard(mutex, &dma->lock) {
		dma->gone = true;
		stop_all(dma);
	}
	qd->dma = NULL;
	dma_async_device_unregister(&dma->ddev);
}
