// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a stream is set up, and what it tells of itself; see <uapi/linux/svff.h>.
 */
#include "priv.h"

#include <linux/svff.h>
#include <linux/uaccess.h>

#include <svff/ioctl_arg.h>

#define TX_TIMEOUT_MS		10000

#define CONFIG_FLAGS	(SVFF_ST_NO_PREFETCH | SVFF_ST_TRUNCATE | SVFF_ST_BYPASS)

static int configure(struct qdma_stream *s, const struct svff_st_config *user)
{
	int err;

	if (user->flags & ~CONFIG_FLAGS)
		return -EOPNOTSUPP;
	guard(mutex)(&s->start_lock);
	if (READ_ONCE(s->rx.ring.state) != QDMA_RING_IDLE ||
	    READ_ONCE(s->tx.ring.state) != QDMA_RING_IDLE)
		return -EBUSY;
	err = qdma_rx_configure(&s->rx, user);
	if (err)
		return err;
	s->flags = user->flags;
	s->tx.bypass = user->flags & SVFF_ST_BYPASS;
	s->tx.ring.timeout_ms = user->tx_timeout_ms ?: TX_TIMEOUT_MS;
	if (user->tx_timeout_ms == SVFF_ST_NO_TIMEOUT)
		s->tx.ring.timeout_ms = 0;
	return 0;
}

/**
 * qdma_stream_config - SVFF_IOC_ST_CONFIG
 * @s: stream
 * @user: struct svff_st_config
 *
 * Context: process; a VF may ask its PF.
 * Return: 0, -EBUSY if it was started, -EOPNOTSUPP or -EINVAL for what cannot be,
 * -EFAULT, -E2BIG, or why the card's tables cannot be read.
 */
int qdma_stream_config(struct qdma_stream *s, void __user *user)
{
	struct svff_st_config config;
	int err = svff_get_arg(&config, sizeof(config), sizeof(config), user);

	return err ? err : configure(s, &config);
}

static void fill_config(struct qdma_stream *s, struct svff_st_info *info)
{
	const struct qdma_rx_config *c = &s->rx.config;

	info->config = (struct svff_st_config){
		.flags = s->flags, .buf_size = c->buf_size,
		.cmpt_size = qdma_desc_size(c->cmpt_sz), .trigger = c->trigger,
		.count = info->counts[c->cnt_ix], .timer = info->timers[c->timer_ix],
		.tx_timeout_ms = s->tx.ring.timeout_ms ?: SVFF_ST_NO_TIMEOUT,
	};
}

static void fill_rx(struct qdma_stream *s, struct svff_st_info *info)
{
	struct qdma_rx *rx = &s->rx;

	spin_lock_irq(&rx->ring.lock);
	info->rx_left = rx->npkts && rx->pos ? qdma_rx_left(rx) : 0;
	info->last_len = s->last_len;
	info->rx_max = min_t(u32, QDMA_RX_PACKET_MAX, rx->ring.qd->ip->rx_bufs * rx->config.buf_size);
	info->last_flags = s->last_flags;
	info->last_entry_size = qdma_desc_size(rx->config.cmpt_sz);
	memcpy(info->last_entry, s->last_entry, sizeof(info->last_entry));
	info->rx_packets = rx->packets;
	info->rx_bytes = rx->bytes;
	info->rx_immediate = rx->immediate;
	info->rx_cut = s->cut;
	info->doorbells = rx->ring.doorbells + rx->cidx_bells;
	info->restarts = rx->ring.restarts;
	spin_unlock_irq(&rx->ring.lock);
}

static void fill_tx(struct qdma_stream *s, struct svff_st_info *info)
{
	struct qdma_ring *ring = &s->tx.ring;

	spin_lock_irq(&ring->lock);
	info->tx_packets = ring->chunks;
	info->doorbells += ring->doorbells;
	info->restarts += ring->restarts;
	spin_unlock_irq(&ring->lock);
}

/**
 * qdma_stream_info - SVFF_IOC_ST_INFO
 * @s: stream
 * @user: struct svff_st_info, filled
 *
 * Context: process; a VF may ask its PF.
 * Return: 0, -EOPNOTSUPP, -EINVAL, -EFAULT, -E2BIG, or why the card's tables cannot be read.
 */
int qdma_stream_info(struct qdma_stream *s, void __user *user)
{
	struct svff_qdma *qd = s->st->node.qd;
	struct svff_st_info info;
	u32 user_size;
	int err;

	err = svff_get_arg(&info, sizeof(info), offsetofend(struct svff_st_info, hw_queue), user);
	if (err)
		return err;
	if (info.flags)
		return -EOPNOTSUPP;
	user_size = info.size;
	memset(&info, 0, sizeof(info));
	err = qdma_rx_tables(qd, &info);
	if (err)
		return err;
	info.size = sizeof(info);
	info.queue = s->qid;
	info.hw_queue = qd->queues.base + s->qid;
	fill_config(s, &info);
	fill_rx(s, &info);
	fill_tx(s, &info);
	return svff_put_arg(&info, sizeof(info), user_size, user);
}
