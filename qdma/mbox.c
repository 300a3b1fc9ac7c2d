// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox carries 128 bytes at a time; what they mean is the driver's
 * affair. A VF has one buffer to its PF and one from it. A PF has one of each
 * per VF, and selects by its TARGET register whose buffers it sees, so that
 * the register sequences are under a lock.
 *
 * Nobody can hold up the others: a message to a function whose buffer is full
 * waits in a list, not the sender; the receive work takes a limited batch and
 * comes back a jiffy later. The hardware queues one message per VF, so that a
 * VF which floods gets its turn like every other.
 */
#include "priv.h"
#include "mbox.h"

#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "regs.h"
#include "trace.h"

#define RX_BATCH		32	/* messages per run of the receive work */
#define POLL_MS			10	/* without a vector */
#define AWAY_MS			100	/* in a VF that is paused */
#define RETRY_MS		1	/* receiver's buffer was full */
#define SEND_TIMEOUT_MS		1000	/* then the message is dropped */
#define TX_WAITING_MAX		(SVFF_QDMA_MBOX_UNTAKEN - 1)	/* one is in the buffer */

/**
 * struct tx_msg - a message that waits for its receiver
 * @node: in &qdma_mbox.tx
 * @dst: receiver
 * @deadline: when it is given up, in jiffies
 * @msg: the message
 */
struct tx_msg {
	struct list_head node;
	u16 dst;
	unsigned long deadline;
	union svff_mbox_msg msg;
};

static unsigned long send_deadline(void)
{
	return jiffies + msecs_to_jiffies(SEND_TIMEOUT_MS);
}

static u32 read_word(void *arg, unsigned int i)
{
	return qdma_mbox_read(arg, QDMA_MBOX_IN(i));
}

static void write_msg(struct svff_qdma *qd, const union svff_mbox_msg *msg)
{
	unsigned int i;

	for (i = 0; i < SVFF_MBOX_MSG_WORDS; i++)
		qdma_mbox_write(qd, QDMA_MBOX_OUT(i), le32_to_cpu(msg->words[i]));
}

/*
 * Returns -ENOENT if there is none, -EAGAIN if there was one and a pause came in
 * between; that one stays where it is.
 */
static int receive_locked(struct svff_qdma *qd, u16 *src, union svff_mbox_msg *msg)
{
	u32 status;

	lockdep_assert_held(&qd->mbox.lock);
	status = qdma_mbox_read(qd, QDMA_MBOX_STATUS);
	if (status == QDMA_ALL_ONES || !(status & QDMA_MBOX_STATUS_IN))
		return -ENOENT;
	*src = 0;
	if (!qd->is_vf) {
		*src = FIELD_GET(QDMA_MBOX_STATUS_SRC, status);
		qdma_mbox_write(qd, QDMA_MBOX_TARGET, *src);
	}
	if (!qdma_mbox_take(read_word, qd, msg, qd->is_vf))
		return -EAGAIN;
	qdma_mbox_write(qd, QDMA_MBOX_COMMAND, QDMA_MBOX_COMMAND_RECV);
	qd->mbox.received++;
	trace_qdma_mbox(&qd->pdev->dev, false, *src, msg->hdr.op, msg->hdr.status);
	return 0;
}

/* The mailbox reads as all ones. */
static int out_of_reach(struct svff_qdma *qd)
{
	return qdma_may_be_away(qd) && !READ_ONCE(qd->gone) ? -EAGAIN : -ENODEV;
}

/* Returns -EBUSY if the receiver has not taken the last one yet, -EAGAIN if this VF is paused. */
static int send_locked(struct svff_qdma *qd, u16 dst, const union svff_mbox_msg *msg)
{
	u32 status;

	lockdep_assert_held(&qd->mbox.lock);
	/* TARGET first: it says whose buffer the status is about. */
	if (!qd->is_vf)
		qdma_mbox_write(qd, QDMA_MBOX_TARGET, dst);
	status = qdma_mbox_read(qd, QDMA_MBOX_STATUS);
	if (status == QDMA_ALL_ONES)
		return out_of_reach(qd);
	if (status & QDMA_MBOX_STATUS_OUT)
		return -EBUSY;
	write_msg(qd, msg);
	/* What was written before a pause that began meanwhile is lost: do not send the rest. */
	if (qd->is_vf && qdma_mbox_read(qd, QDMA_MBOX_STATUS) == QDMA_ALL_ONES)
		return out_of_reach(qd);
	if (!qd->is_vf)
		qdma_mbox_write(qd, QDMA_MBOX_ACK(dst / 32), BIT(dst % 32));
	qdma_mbox_write(qd, QDMA_MBOX_COMMAND, QDMA_MBOX_COMMAND_SEND);
	if (qd->mbox.last)
		qd->mbox.last[dst] = *msg;
	qd->mbox.sent++;
	trace_qdma_mbox(&qd->pdev->dev, true, dst, msg->hdr.op, msg->hdr.status);
	return 0;
}

/* Returns the number of messages, RX_BATCH if there may be more. */
static unsigned int receive_batch(struct svff_qdma *qd)
{
	union svff_mbox_msg msg;
	unsigned int n;
	u16 src;
	int err;

	for (n = 0; n < RX_BATCH; n++) {
		mutex_lock(&qd->mbox.lock);
		err = qd->mbox.enabled ? receive_locked(qd, &src, &msg) : -ENOENT;
		mutex_unlock(&qd->mbox.lock);
		if (err)
			return err == -EAGAIN ? RX_BATCH : n;
		qd->ops->mbox_recv(qd, src, &msg);
	}
	return n;
}

/* What came before a pause and could not be read interrupts no more. */
static void look_after_pause(struct svff_qdma *qd)
{
	WRITE_ONCE(qd->mbox.looking, true);
	queue_delayed_work(qdma_mbox_wq, &qd->mbox.rx, msecs_to_jiffies(AWAY_MS));
}

static void rx_work(struct work_struct *work)
{
	struct svff_qdma *qd = container_of(work, struct svff_qdma, mbox.rx.work);
	unsigned int n = receive_batch(qd);

	qd->mbox.idle += !xchg(&qd->mbox.looking, false) && !n && !qd->mbox.polled;
	if (!READ_ONCE(qd->mbox.enabled))
		return;
	if (n == RX_BATCH)
		queue_delayed_work(qdma_mbox_wq, &qd->mbox.rx, 1);
	else if (qd->mbox.polled)
		queue_delayed_work(qdma_mbox_wq, &qd->mbox.rx, msecs_to_jiffies(POLL_MS));
	else if (svff_qdma_away(qd))
		look_after_pause(qd);
}

/**
 * qdma_mbox_kick - the mailbox has interrupted
 * @qd: function
 *
 * A work that is waiting for its next batch is not hurried.
 *
 * Context: any.
 */
void qdma_mbox_kick(struct svff_qdma *qd)
{
	if (READ_ONCE(qd->mbox.enabled))
		queue_delayed_work(qdma_mbox_wq, &qd->mbox.rx, 0);
}

/**
 * svff_qdma_mbox_look - see whether a message has come that interrupted nobody
 * @qd: function
 *
 * A reset of the card takes a VF's vectors, and who slept through it had none
 * given back.
 *
 * Context: any.
 */
void svff_qdma_mbox_look(struct svff_qdma *qd)
{
	WRITE_ONCE(qd->mbox.looking, true);
	qdma_mbox_kick(qd);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_mbox_look, SVFF_NS(SVFF_QDMA));

static void drop_tx(struct svff_qdma *qd, struct tx_msg *tx)
{
	list_del(&tx->node);
	qd->mbox.ntx--;
	kfree(tx);
}

static bool is_late(struct svff_qdma *qd, const struct tx_msg *tx)
{
	if (time_before(jiffies, tx->deadline))
		return false;
	qd->mbox.lost++;
	dev_warn_ratelimited(&qd->pdev->dev,
			     "function %u does not take its mailbox message (opcode 0x%02x)\n",
			     tx->dst, tx->msg.hdr.op);
	return true;
}

/*
 * Messages to one function stay in order: behind a full buffer all wait. In a
 * VF that is paused they wait for its end.
 */
static void retry_locked(struct svff_qdma *qd)
{
	DECLARE_BITMAP(full, QDMA_MAX_FUNCS);
	struct tx_msg *tx, *next;
	int err;

	bitmap_zero(full, QDMA_MAX_FUNCS);
	list_for_each_entry_safe(tx, next, &qd->mbox.tx, node) {
		err = test_bit(tx->dst, full) ? -EBUSY : send_locked(qd, tx->dst, &tx->msg);
		if (err == -EAGAIN) {
			tx->deadline = send_deadline();
			continue;
		}
		if (err == -EBUSY)
			__set_bit(tx->dst, full);
		if (err != -EBUSY || is_late(qd, tx))
			drop_tx(qd, tx);
	}
}

static void retry_work(struct work_struct *work)
{
	struct svff_qdma *qd = container_of(work, struct svff_qdma, mbox.retry.work);

	guard(mutex)(&qd->mbox.lock);
	retry_locked(qd);
	if (qd->mbox.ntx && qd->mbox.enabled)
		queue_delayed_work(qdma_mbox_wq, &qd->mbox.retry, msecs_to_jiffies(RETRY_MS));
}

static unsigned int count_waiting(struct svff_qdma *qd, u16 dst)
{
	struct tx_msg *tx;
	unsigned int n = 0;

	list_for_each_entry(tx, &qd->mbox.tx, node)
		n += tx->dst == dst;
	return n;
}

static int enqueue_locked(struct svff_qdma *qd, u16 dst, const union svff_mbox_msg *msg)
{
	struct tx_msg *tx;

	/* Who takes nothing fills its own list and nobody else's. */
	if (count_waiting(qd, dst) >= TX_WAITING_MAX)
		return -EBUSY;
	tx = kmalloc(sizeof(*tx), GFP_KERNEL);
	if (!tx)
		return -ENOMEM;
	tx->dst = dst;
	tx->deadline = send_deadline();
	tx->msg = *msg;
	list_add_tail(&tx->node, &qd->mbox.tx);
	qd->mbox.ntx++;
	queue_delayed_work(qdma_mbox_wq, &qd->mbox.retry, msecs_to_jiffies(RETRY_MS));
	return 0;
}

/**
 * svff_qdma_mbox_send - send a message
 * @qd: function
 * @dst: receiver; on a VF it is always the PF
 * @msg: the message, padding zero
 *
 * Does not wait: if the receiver's buffer is full the message is kept and sent
 * as soon as there is room. One that is not taken within a second is dropped,
 * which is logged; in a VF that is paused that time does not pass.
 *
 * Context: process.
 * Return: 0 if it was sent or kept, -EINVAL for a receiver that there is not,
 * -EBUSY if too many messages wait for it, -ENOMEM, -ENODEV if the device is gone,
 * -ESHUTDOWN if the mailbox is off.
 */
int svff_qdma_mbox_send(struct svff_qdma *qd, u16 dst,
			const union svff_mbox_msg *msg)
{
	int err;

	if (qd->is_vf)
		dst = 0;
	if (dst >= QDMA_MAX_FUNCS)
		return -EINVAL;
	guard(mutex)(&qd->mbox.lock);
	if (!qd->mbox.enabled)
		return -ESHUTDOWN;
	err = count_waiting(qd, dst) ? -EBUSY : send_locked(qd, dst, msg);
	return err == -EBUSY || err == -EAGAIN ? enqueue_locked(qd, dst, msg) : err;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_mbox_send, SVFF_NS(SVFF_QDMA));

static bool nothing_came(struct svff_qdma *qd)
{
	guard(mutex)(&qd->mbox.lock);
	return !qd->mbox.enabled ||
	       !(qdma_mbox_read(qd, QDMA_MBOX_STATUS) & QDMA_MBOX_STATUS_IN);
}

/**
 * svff_qdma_mbox_drain - take all messages that have come
 * @qd: PF
 *
 * Who was kept from sending before this is called has no message under way
 * when it returns.
 *
 * Context: process; not from mbox_recv(), which it waits for.
 */
void svff_qdma_mbox_drain(struct svff_qdma *qd)
{
	unsigned int i;

	for (i = 0; i <= QDMA_MAX_FUNCS / RX_BATCH; i++) {
		mod_delayed_work(qdma_mbox_wq, &qd->mbox.rx, 0);
		flush_delayed_work(&qd->mbox.rx);
		if (nothing_came(qd))
			return;
	}
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_mbox_drain, SVFF_NS(SVFF_QDMA));

static bool untaken_locked(struct svff_qdma *qd, u16 dst)
{
	lockdep_assert_held(&qd->mbox.lock);
	qdma_mbox_write(qd, QDMA_MBOX_TARGET, dst);
	return qdma_mbox_read(qd, QDMA_MBOX_STATUS) & QDMA_MBOX_STATUS_OUT;
}

/**
 * svff_qdma_mbox_untaken - has a function not taken the last message to it?
 * @qd: PF
 * @dst: function
 *
 * Context: process.
 * Return: true if the message is in its buffer; false too if the mailbox is off.
 */
bool svff_qdma_mbox_untaken(struct svff_qdma *qd, u16 dst)
{
	guard(mutex)(&qd->mbox.lock);
	return qd->mbox.enabled && untaken_locked(qd, dst);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_mbox_untaken, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_mbox_take_back - which messages has a function not taken?
 * @qd: PF
 * @dst: function
 * @msgs: filled, oldest first; room for SVFF_QDMA_MBOX_UNTAKEN
 * @in_buffer: filled: the first is in the hardware's buffer, and stays there
 *
 * Those that waited for the buffer do so no longer.
 *
 * Context: process.
 * Return: how many.
 */
unsigned int svff_qdma_mbox_take_back(struct svff_qdma *qd, u16 dst,
				      union svff_mbox_msg *msgs, bool *in_buffer)
{
	struct tx_msg *tx, *next;
	unsigned int n = 0;

	guard(mutex)(&qd->mbox.lock);
	*in_buffer = false;
	if (!qd->mbox.enabled)
		return 0;
	if (untaken_locked(qd, dst)) {
		*in_buffer = true;
		msgs[n++] = qd->mbox.last[dst];
	}
	list_for_each_entry_safe(tx, next, &qd->mbox.tx, node) {
		if (tx->dst != dst)
			continue;
		msgs[n++] = tx->msg;
		drop_tx(qd, tx);
	}
	return n;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_mbox_take_back, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_mbox_pending - is a message to a function not lost, but there or taken?
 * @qd: PF
 * @dst: function; it was sent a message that it had not taken
 *
 * Context: process.
 * Return: true if it is in the function's buffer still, or was taken out of it;
 * false if a reset of the function has swallowed it.
 */
bool svff_qdma_mbox_pending(struct svff_qdma *qd, u16 dst)
{
	guard(mutex)(&qd->mbox.lock);
	if (!qd->mbox.enabled)
		return false;
	return untaken_locked(qd, dst) ||
	       (qdma_mbox_read(qd, QDMA_MBOX_ACK(dst / 32)) & BIT(dst % 32));
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_mbox_pending, SVFF_NS(SVFF_QDMA));

/* What is left from before is nobody's: take it out, clear acknowledgements. */
static void discard_stale_locked(struct svff_qdma *qd)
{
	union svff_mbox_msg msg;
	unsigned int i;
	u16 src;

	for (i = 0; i < QDMA_MAX_FUNCS && !receive_locked(qd, &src, &msg); i++)
		;
	if (qd->is_vf || !(qdma_mbox_read(qd, QDMA_MBOX_STATUS) & QDMA_MBOX_STATUS_ACK))
		return;
	for (i = 0; i < QDMA_MBOX_ACK_WORDS; i++)
		qdma_mbox_write(qd, QDMA_MBOX_ACK(i), qdma_mbox_read(qd, QDMA_MBOX_ACK(i)));
}

/**
 * svff_qdma_mbox_enable - start to send and receive messages
 * @qd: function, its vectors enabled
 *
 * Context: process.
 * Return: 0, -EOPNOTSUPP if the card has no mailbox, -ENODEV if it is gone,
 * -ENOMEM.
 */
int svff_qdma_mbox_enable(struct svff_qdma *qd)
{
	bool kept;

	if (!qd->caps.mailbox)
		return -EOPNOTSUPP;
	if (!svff_qdma_alive_again(qd))
		return -ENODEV;
	guard(mutex)(&qd->mbox.lock);
	if (!qd->is_vf && !qd->mbox.last)
		qd->mbox.last = kvcalloc(QDMA_MAX_FUNCS, sizeof(*qd->mbox.last), GFP_KERNEL);
	if (!qd->is_vf && !qd->mbox.last)
		return -ENOMEM;
	/* That a reset is over may have been said to a VF before it listens again. */
	kept = qd->is_vf && qd->mbox.used;
	if (!kept)
		discard_stale_locked(qd);
	qd->mbox.used = true;
	qd->mbox.polled = !qd->irq.nvec;
	WRITE_ONCE(qd->mbox.enabled, true);
	if (!qd->mbox.polled) {
		qdma_mbox_write(qd, QDMA_MBOX_VECTOR, 0);
		qdma_mbox_write(qd, QDMA_MBOX_IRQ_ENABLE, 1);
	}
	/* What has come already interrupts no more. */
	if (qd->mbox.polled || kept)
		queue_delayed_work(qdma_mbox_wq, &qd->mbox.rx, 0);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_mbox_enable, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_mbox_disable - stop to send and receive messages
 * @qd: function
 *
 * What waits to be sent gets a last try. When this returns the driver's
 * mbox_recv() is not running, and is not called again.
 *
 * Context: process; not from mbox_recv().
 */
void svff_qdma_mbox_disable(struct svff_qdma *qd)
{
	struct tx_msg *tx, *next;

	/* No new work, mask, then wait for what is under way. */
	scoped_guard(mutex, &qd->mbox.lock) {
		if (!qd->mbox.enabled)
			return;
		retry_locked(qd);
		WRITE_ONCE(qd->mbox.enabled, false);
		qdma_mbox_write(qd, QDMA_MBOX_IRQ_ENABLE, 0);
	}
	cancel_delayed_work_sync(&qd->mbox.rx);
	cancel_delayed_work_sync(&qd->mbox.retry);
	list_for_each_entry_safe(tx, next, &qd->mbox.tx, node)
		drop_tx(qd, tx);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_mbox_disable, SVFF_NS(SVFF_QDMA));

/**
 * qdma_mbox_setup - make the mailbox known, still off
 * @qd: function
 *
 * Context: process.
 */
void qdma_mbox_setup(struct svff_qdma *qd)
{
	mutex_init(&qd->mbox.lock);
	INIT_DELAYED_WORK(&qd->mbox.rx, rx_work);
	INIT_DELAYED_WORK(&qd->mbox.retry, retry_work);
	INIT_LIST_HEAD(&qd->mbox.tx);
}

/**
 * qdma_mbox_teardown - wait for the last of the mailbox's work
 * @qd: function, mailbox and vectors off
 *
 * An interrupt may have queued it while the mailbox was being turned off.
 *
 * Context: process.
 */
void qdma_mbox_teardown(struct svff_qdma *qd)
{
	cancel_delayed_work_sync(&qd->mbox.rx);
	kvfree(qd->mbox.last);
	qd->mbox.last = NULL;
}
