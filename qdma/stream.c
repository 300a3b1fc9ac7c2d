// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/svff-stN: each open file is a stream with a queue pair of its own. What
 * the calls mean is in <uapi/linux/svff.h>.
 */
#include "priv.h"

#include <linux/fs.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/svff.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <asm/ioctls.h>

#define LINGER_MS		1000	/* what close(2) gives to copies under way */

static bool stream_get(struct qdma_stream *s)
{
	return percpu_ref_tryget_live(&s->st->node.io);
}

static void stream_put(struct qdma_stream *s)
{
	percpu_ref_put(&s->st->node.io);
}

/*--- life of a stream */

static int start_rings(struct qdma_stream *s)
{
	int err = 0;

	lockdep_assert_held(&s->start_lock);
	if (s->mode & FMODE_READ)
		err = qdma_ring_ready(&s->rx.ring, false);
	if (!err && s->mode & FMODE_WRITE)
		err = qdma_ring_ready(&s->tx.ring, false);
	if (!err)
		WRITE_ONCE(s->started, true);
	return err;
}

/* To be started is no wait for data, so that who must not wait has it too. */
static int stream_start(struct qdma_stream *s)
{
	int err;

	if (likely(READ_ONCE(s->started)))
		return 0;
	if (mutex_lock_killable(&s->start_lock))
		return -EINTR;
	err = start_rings(s);
	mutex_unlock(&s->start_lock);
	return err;
}

static struct qdma_stream *alloc_stream(struct qdma_st *st, struct file *file)
{
	struct qdma_stream *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->st = st;
	s->mode = file->f_mode & (FMODE_READ | FMODE_WRITE);
	mutex_init(&s->start_lock);
	mutex_init(&s->read_lock);
	return s;
}

static unsigned int copies_left(struct qdma_stream *s)
{
	unsigned int n;

	/* Under the lock: who counts down is through with @s when it is zero. */
	spin_lock_irq(&s->tx.ring.lock);
	n = s->tx.copies;
	spin_unlock_irq(&s->tx.ring.lock);
	return n;
}

/* Returns whether the hardware has stopped. */
static bool remove_rings(struct qdma_stream *s)
{
	bool stopped = qdma_ring_remove(&s->tx.ring);

	stopped &= qdma_ring_remove(&s->rx.ring);
	wait_event(s->tx.ring.room, !copies_left(s));
	return stopped;
}

static void free_rings(struct qdma_stream *s)
{
	qdma_ring_free(&s->tx.ring);
	qdma_ring_free(&s->rx.ring);
	qdma_queue_release(s->st->node.qd, s->qid);
	s->shut = true;
}

static void free_stream(struct qdma_stream *s)
{
	list_del(&s->entry);
	kfree(s);
}

/* Of closed files whose queues did not stop: a PF that was silent may answer now. */
static void free_stuck(struct qdma_st *st)
{
	struct qdma_stream *s, *next;

	lockdep_assert_held(&st->node.lock);
	list_for_each_entry_safe(s, next, &st->stuck, entry) {
		if (!remove_rings(s))
			return;
		free_rings(s);
		free_stream(s);
	}
}

/* A queue pair; one that is stuck is wanted only if there is no other, for that may take long. */
static int find_queue(struct qdma_st *st)
{
	int qid = qdma_queue_claim(st->node.qd, QDMA_USER_ST, -1);

	if (qid != -EBUSY || list_empty(&st->stuck))
		return qid;
	free_stuck(st);
	return qdma_queue_claim(st->node.qd, QDMA_USER_ST, -1);
}

static int claim_queue(struct qdma_stream *s)
{
	static const struct svff_st_config usual;
	struct svff_qdma *qd = s->st->node.qd;
	int qid = find_queue(s->st);
	int err;

	if (qid < 0)
		return qid;
	s->qid = qid;
	qdma_ring_setup(&s->tx.ring, &qdma_ring_tx, qd, &s->st->node, qid, SVFF_QDMA_H2C);
	qdma_ring_setup(&s->rx.ring, &qdma_ring_rx, qd, &s->st->node, qid, SVFF_QDMA_C2H);
	err = qdma_rx_configure(&s->rx, &usual);
	if (err)
		qdma_queue_release(qd, qid);
	return err;
}

static int open_stream(struct qdma_st *st, struct file *file)
{
	struct qdma_stream *s = alloc_stream(st, file);
	int err;

	if (!s)
		return -ENOMEM;
	err = claim_queue(s);
	if (err) {
		kfree(s);
		return err;
	}
	list_add_tail(&s->entry, &st->streams);
	file->private_data = s;
	return 0;
}

static int open_node(struct qdma_node *node, struct file *file)
{
	int err;

	lockdep_assert_held(&node->lock);
	err = qdma_node_open(node);
	if (err)
		return err;
	err = open_stream(container_of(node, struct qdma_st, node), file);
	if (err)
		qdma_node_close(node);
	return err;
}

static int st_open(struct inode *inode, struct file *file)
{
	struct qdma_node *node = container_of(inode->i_cdev, struct qdma_node, cdev);
	/* A close waits for as long as the VF is paused. */
	int err = mutex_lock_killable(&node->lock);

	if (err)
		return err;
	err = open_node(node, file);
	mutex_unlock(&node->lock);
	if (err)
		return err;
	file->f_mode |= FMODE_NOWAIT;
	return stream_open(inode, file);
}

/* Without the node's lock: who removes the device ends this too, if the pause does not. */
static void linger(struct qdma_stream *s)
{
	if (!stream_get(s))
		return;
	qdma_wait_working(s->st->node.qd, s->tx.ring.room, !copies_left(s), LINGER_MS);
	stream_put(s);
}

/* A queue that does not stop keeps its memory until it does, or the device is removed. */
static void close_stream(struct qdma_stream *s)
{
	struct qdma_st *st = s->st;

	lockdep_assert_held(&st->node.lock);
	if (!s->shut) {
		if (!remove_rings(s)) {
			list_move_tail(&s->entry, &st->stuck);
			return;
		}
		free_rings(s);
		if (READ_ONCE(s->started))
			free_stuck(st);
	}
	free_stream(s);
}

static int st_release(struct inode *inode, struct file *file)
{
	struct qdma_stream *s = file->private_data;
	struct qdma_node *node = &s->st->node;

	linger(s);
	guard(mutex)(&node->lock);
	close_stream(s);
	qdma_node_close(node);
	return 0;
}

/*--- receiving */

/* Is there a packet? If not see to it that it is noticed when it comes. */
static int look(struct qdma_stream *s)
{
	struct qdma_ring *ring = &s->rx.ring;

	lockdep_assert_held(&ring->lock);
	if (ring->state == QDMA_RING_GONE)
		return -ENODEV;
	if (!s->rx.npkts && ring->state == QDMA_RING_RUNNING) {
		s->rx.wanted = true;
		if (ring->kind->service(ring, false))
			qdma_ring_watch_locked(ring);
	}
	if (s->rx.npkts)
		return 0;
	if (ring->state == QDMA_RING_STOPPED || ring->state == QDMA_RING_DEAD)
		return ring->error ?: -EIO;
	return -EAGAIN;
}

static int look_unlocked(struct qdma_stream *s)
{
	int err;

	spin_lock_irq(&s->rx.ring.lock);
	err = look(s);
	spin_unlock_irq(&s->rx.ring.lock);
	return err;
}

static bool has_news(struct qdma_stream *s)
{
	return look_unlocked(s) != -EAGAIN;
}

/* Returns 0 if there is a packet or an error. */
static int wait_packet(struct qdma_stream *s, bool nowait)
{
	if (has_news(s))
		return 0;
	if (nowait)
		return -EAGAIN;
	return wait_event_interruptible(s->rx.ring.room, has_news(s)) ? -ERESTARTSYS : 0;
}

static void note_packet(struct qdma_stream *s, bool cut)
{
	const void *entry = qdma_rx_entry(&s->rx, 0);
	u64 word = le64_to_cpu(*(const __le64 *)entry);

	lockdep_assert_held(&s->rx.ring.lock);
	s->last_len = qdma_rx_len(word);
	s->last_flags = (word & QDMA_CMPT_ENTRY_DATA ? 0 : SVFF_ST_PACKET_IMMEDIATE) |
			(cut ? SVFF_ST_PACKET_CUT : 0);
	s->cut += cut;
	memcpy(s->last_entry, entry, qdma_desc_size(s->rx.config.cmpt_sz));
}

/*
 * An error is told once; then there is a new start, which forgets all packets:
 * not while another reader has one.
 */
static int tell_error(struct qdma_stream *s, int err)
{
	lockdep_assert_held(&s->read_lock);
	if (err != -EAGAIN && err != -ENODEV)
		qdma_ring_ready(&s->rx.ring, false);
	return err;
}

/* Whoever holds @read_lock has the first packet; more may come meanwhile. */
static ssize_t read_first(struct qdma_stream *s, struct iov_iter *iter)
{
	struct qdma_rx *rx = &s->rx;
	size_t left, len, done;
	int err;

	lockdep_assert_held(&s->read_lock);
	spin_lock_irq(&rx->ring.lock);
	err = look(s);
	left = err ? 0 : qdma_rx_left(rx);
	spin_unlock_irq(&rx->ring.lock);
	if (err)
		return tell_error(s, err);
	len = min(left, iov_iter_count(iter));
	done = qdma_rx_copy(rx, len, iter);
	if (len && !done)
		return -EFAULT;
	spin_lock_irq(&rx->ring.lock);
	rx->pos += done;
	if (done == left || (s->flags & SVFF_ST_TRUNCATE && done == len)) {
		note_packet(s, done < left);
		qdma_rx_done(rx);
	}
	spin_unlock_irq(&rx->ring.lock);
	return done;
}

static int lock_read(struct qdma_stream *s, bool nowait)
{
	if (nowait)
		return mutex_trylock(&s->read_lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&s->read_lock) ? -ERESTARTSYS : 0;
}

static ssize_t read_packet(struct qdma_stream *s, struct iov_iter *iter, bool nowait)
{
	ssize_t ret;

	do {
		ret = wait_packet(s, nowait);
		if (ret)
			return ret;
		ret = lock_read(s, nowait);
		if (ret)
			return ret;
		ret = read_first(s, iter);
		mutex_unlock(&s->read_lock);
		/* Another reader may have been faster. */
	} while (ret == -EAGAIN && !nowait);
	return ret;
}

static bool must_not_wait(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT || iocb->ki_filp->f_flags & O_NONBLOCK;
}

static ssize_t st_read_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	struct qdma_stream *s = iocb->ki_filp->private_data;
	ssize_t ret;

	if (!iov_iter_count(iter))
		return 0;
	if (!stream_get(s))
		return -ENODEV;
	ret = stream_start(s);
	if (!ret)
		ret = read_packet(s, iter, must_not_wait(iocb));
	stream_put(s);
	return ret;
}

/*--- sending */

static int late_error(struct qdma_tx *tx)
{
	int err;

	if (likely(!READ_ONCE(tx->error)))
		return 0;
	spin_lock_irq(&tx->ring.lock);
	err = tx->error;
	tx->error = 0;
	spin_unlock_irq(&tx->ring.lock);
	return err;
}

/* The reference goes with the packet if @kept is set. */
static ssize_t send_packet(struct qdma_stream *s, struct kiocb *iocb, struct iov_iter *iter,
			   bool *kept)
{
	size_t len = iov_iter_count(iter);
	ssize_t ret = stream_start(s);

	if (!ret)
		ret = late_error(&s->tx);
	if (ret)
		return ret;
	if (is_sync_kiocb(iocb) && must_not_wait(iocb)) {
		ret = qdma_send_copy(&s->tx, iter);
		*kept = !ret;
		return ret ? ret : len;
	}
	ret = qdma_transfer(&s->tx.ring, iocb, iter);
	*kept = ret == -EIOCBQUEUED;
	return ret;
}

static ssize_t st_write_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	struct qdma_stream *s = iocb->ki_filp->private_data;
	bool kept = false;
	ssize_t ret;

	if (iov_iter_count(iter) > (s->tx.bypass ? SVFF_ST_GATHER_MAX : SVFF_ST_SEND_MAX))
		return -EMSGSIZE;
	if (!stream_get(s))
		return -ENODEV;
	ret = send_packet(s, iocb, iter, &kept);
	if (!kept)
		stream_put(s);
	return ret;
}

/*--- waiting */

static __poll_t poll_rings(struct qdma_stream *s)
{
	__poll_t mask = 0;
	int err;

	if (stream_start(s))
		return EPOLLERR;
	if (s->mode & FMODE_READ) {
		err = look_unlocked(s);
		if (!err)
			mask |= EPOLLIN | EPOLLRDNORM;
		else if (err != -EAGAIN)
			mask |= EPOLLERR | EPOLLIN;
	}
	if (s->mode & FMODE_WRITE && qdma_tx_room(&s->tx))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static __poll_t st_poll(struct file *file, poll_table *wait)
{
	struct qdma_stream *s = file->private_data;
	__poll_t mask;

	poll_wait(file, &s->rx.ring.room, wait);
	poll_wait(file, &s->tx.ring.room, wait);
	if (!stream_get(s))
		return EPOLLERR | EPOLLHUP;
	mask = poll_rings(s);
	stream_put(s);
	return mask;
}

/*--- control */

/* Nothing to read, or a queue that failed, is no error here. */
static int ioctl_readable(struct qdma_stream *s, int __user *user)
{
	int left = 0;

	spin_lock_irq(&s->rx.ring.lock);
	if (!look(s))
		left = qdma_rx_left(&s->rx);
	spin_unlock_irq(&s->rx.ring.lock);
	return put_user(left, user);
}

static long do_ioctl(struct qdma_stream *s, unsigned int cmd, void __user *user)
{
	if (cmd == FIONREAD)
		return ioctl_readable(s, user);
	/* The size is in the argument, so the one in @cmd does not count. */
	switch (_IOC_NR(cmd) | (_IOC_TYPE(cmd) << _IOC_TYPESHIFT)) {
	case _IOC_NR(SVFF_IOC_ST_CONFIG) | (SVFF_IOC_MAGIC << _IOC_TYPESHIFT):
		return qdma_stream_config(s, user);
	case _IOC_NR(SVFF_IOC_ST_START) | (SVFF_IOC_MAGIC << _IOC_TYPESHIFT):
		return user ? -EINVAL : stream_start(s);
	case _IOC_NR(SVFF_IOC_ST_INFO) | (SVFF_IOC_MAGIC << _IOC_TYPESHIFT):
		return qdma_stream_info(s, user);
	default:
		return -ENOTTY;
	}
}

static long st_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct qdma_stream *s = file->private_data;
	long ret;

	if (!stream_get(s))
		return -ENODEV;
	ret = do_ioctl(s, cmd, (void __user *)arg);
	stream_put(s);
	return ret;
}

static const struct file_operations st_fops = {
	.owner = THIS_MODULE,
	.open = st_open,
	.release = st_release,
	.read_iter = st_read_iter,
	.write_iter = st_write_iter,
	.poll = st_poll,
	.unlocked_ioctl = st_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/*--- the device */

static void st_free(struct qdma_node *node)
{
	kfree(container_of(node, struct qdma_st, node));
}

struct qdma_node_class qdma_st_class = {
	.name = "svff-st",
	.fops = &st_fops,
	.free = st_free,
};

/**
 * qdma_st_create - make the stream device of a function
 * @qd: function, with queues
 *
 * Context: process.
 * Return: 0, -ENOMEM, -ENOSPC if there are too many devices. On failure what there
 * is of it is the function's, to be removed as if it were whole.
 */
int qdma_st_create(struct svff_qdma *qd)
{
	struct qdma_st *st = kzalloc(sizeof(*st), GFP_KERNEL);
	int err;

	if (!st)
		return -ENOMEM;
	INIT_LIST_HEAD(&st->streams);
	INIT_LIST_HEAD(&st->stuck);
	err = qdma_node_setup(&st->node, qd, &qdma_st_class);
	if (err)
		return err;
	/* Publish last: from here on it can be opened. */
	WRITE_ONCE(qd->st, st);
	return cdev_device_add(&st->node.cdev, &st->node.dev);
}

/* Files that are still open keep what is left of their stream. */
static void shut_streams(struct qdma_st *st)
{
	struct qdma_stream *s, *next;
	bool stopped = true;

	lockdep_assert_held(&st->node.lock);
	list_for_each_entry(s, &st->streams, entry)
		stopped &= remove_rings(s);
	list_for_each_entry(s, &st->stuck, entry)
		stopped &= remove_rings(s);
	if (!stopped)
		qdma_ring_cut_off(st->node.qd);
	wait_for_completion(&st->node.drained);
	list_for_each_entry(s, &st->streams, entry)
		free_rings(s);
	list_for_each_entry_safe(s, next, &st->stuck, entry) {
		free_rings(s);
		free_stream(s);
	}
}

/**
 * qdma_st_destroy - remove the stream device of a function
 * @st: device; marked dead, taken from its function and hidden
 *
 * Context: process; a VF asks its PF.
 */
void qdma_st_destroy(struct qdma_st *st)
{
	scoped_guard(mutex, &st->node.lock)
		shut_streams(st);
	put_device(&st->node.dev);
}
