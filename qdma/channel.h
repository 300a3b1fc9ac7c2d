/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmaengine channels: what dmaengine.c, which has them come and go, and channel.c,
 * which moves what their clients want moved, know of each other.
 */
#ifndef QDMA_CHANNEL_H
#define QDMA_CHANNEL_H

#include <linux/dmaengine.h>
#include <linux/interrupt.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <svff/qdma.h>

#define QDMA_CHAN_NAME_LEN	12	/* h2c65535 */

struct qdma_dma;
struct qdma_ring;

/**
 * struct qdma_chan - a channel
 * @common: the dmaengine's
 * @dma: device that it is of
 * @qid: queue pair
 * @dir: direction
 * @lock: protects what follows, up to @issued; the ring's lock nests in it
 * @ring: its queue while it is a client's
 * @gone: nothing is moved any more
 * @paused: nothing begins
 * @failed: the last descriptor that ended with an error
 * @config: the client's
 * @prepared: descriptors that were not submitted
 * @submitted: those that were not issued
 * @issued: those that the ring has not got
 * @running: those that it has (from here on: the ring's lock)
 * @finished: those of which the client is to be told
 * @idle: woken when a descriptor is finished
 * @tasklet: tells the client
 * @revive: restarts the ring
 */
struct qdma_chan {
	struct dma_chan common;
	struct qdma_dma *dma;
	u16 qid;
	enum svff_qdma_dir dir;
	spinlock_t lock; /* see above */
	struct qdma_ring *ring;
	bool gone;
	bool paused;
	dma_cookie_t failed;
	struct dma_slave_config config;
	struct list_head prepared;
	struct list_head submitted;
	struct list_head issued;
	struct list_head running;
	struct list_head finished;
	wait_queue_head_t idle;
	struct tasklet_struct tasklet;
	struct work_struct revive;
};

/**
 * struct qdma_dma - the channels of a function
 * @ddev: the dmaengine's
 * @qd: function; valid unless @gone
 * @dev: its device
 * @lock: protects @gone, @held, @users, and whose a channel is; inside the dmaengine's
 * @gone: the function is being unbound, or was
 * @held: channels that are a client's
 * @users: the same, of each pair
 * @map: how clients find them
 * @name: their names
 * @release: frees all this
 * @nchans: channels
 * @chan: these
 */
struct qdma_dma {
	struct dma_device ddev;
	struct svff_qdma *qd;
	struct device *dev;
	struct mutex lock; /* see above */
	bool gone;
	unsigned int held;
	u8 *users;
	struct dma_slave_map *map;
	char (*name)[QDMA_CHAN_NAME_LEN];
	struct work_struct release;
	unsigned int nchans;
	struct qdma_chan chan[];
};

static inline struct qdma_chan *to_qdma_chan(struct dma_chan *chan)
{
	return container_of(chan, struct qdma_chan, common);
}

void qdma_chan_ops(struct dma_device *ddev);
void qdma_chan_setup(struct qdma_chan *chan);
void qdma_chan_abort(struct qdma_chan *chan);
void qdma_chan_clear(struct qdma_chan *chan);

#endif /* QDMA_CHANNEL_H */
