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
#include "channel.h"

#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

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
		/* One that may have begun, and does not stop, has lost the bus: see cannot_stop(). */
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
	struct qdma_chan *chan = to_qdma_chan(c);
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
	/* One that does not stop loses the bus. */
	qdma_ring_remove(chan->ring);
	qdma_chan_abort(chan);
	qdma_ring_free(chan->ring);
	release_pair(chan->dma, chan->qid);
	chan->dma->held--;
}

static void dma_free_chan(struct dma_chan *c)
{
	struct qdma_chan *chan = to_qdma_chan(c);

	dmaengine_terminate_sync(c);
	/* To the end: who unbinds the device at the same time has to find it a client's, or nobody's. */
	guard(mutex)(&chan->dma->lock);
	if (!chan->gone)
		stop_chan(chan);
	chan->gone = chan->dma->gone;
	qdma_chan_clear(chan);
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
	qdma_chan_setup(chan);
	chan->common.device = &dma->ddev;
	list_add_tail(&chan->common.device_node, &dma->ddev.channels);
	snprintf(dma->name[i], QDMA_CHAN_NAME_LEN, "%s%u", chan->dir == SVFF_QDMA_C2H ? "c2h" : "h2c",
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
	ddev->device_release = dma_release;
	qdma_chan_ops(ddev);
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
		WARN_ON_ONCE(dma->held);
	}
	qd->dma = NULL;
	dma_async_device_unregister(&dma->ddev);
}
