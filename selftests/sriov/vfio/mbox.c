// SPDX-License-Identifier: GPL-2.0-only
#include "mbox.h"

#include <errno.h>
#include <unistd.h>

#define POLL_STEP_US	50
#define LOOK_MS		10
#define STALE_MESSAGES	8

static uint32_t mbox_read(const struct mbox *m, uint32_t off)
{
	return bar_read(m->dev, m->base + off);
}

static void mbox_write(struct mbox *m, uint32_t off, uint32_t val)
{
	bar_write(m->dev, m->base + off, val);
}

/**
 * mbox_init() - throw away what is left over and enable the interrupt
 * @m:   filled in
 * @dev: the function; its vector 0 must have an eventfd
 *
 * Return: 0; -EIO if messages keep coming.
 */
int mbox_init(struct mbox *m, struct vfio_dev *dev)
{
	struct mbox_msg msg;
	int i;

	memset(m, 0, sizeof(*m));
	m->dev = dev;
	m->look_ms = LOOK_MS;
	m->reply_ms = MBOX_REPLY_MS;
	m->base = bar_read(dev, VF_ID_OLD) >> 16 == VF_VERSION_MAGIC ? VF_MBOX_OLD : VF_MBOX;
	for (i = 0; i < STALE_MESSAGES; i++) {
		if (!(mbox_read(m, MBOX_STATUS) & MBOX_STATUS_IN))
			break;
		mbox_recv(m, &msg);
	}
	if (i == STALE_MESSAGES)
		return -EIO;
	mbox_write(m, MBOX_VECTOR, VF_VEC_MBOX);
	mbox_write(m, MBOX_IRQ_EN, 1);
	return 0;
}

/**
 * mbox_wait_taken() - wait until the outgoing buffer is free
 * @m: mailbox
 *
 * Return: 0; -ETIMEDOUT if the PF does not take what is in it.
 */
int mbox_wait_taken(struct mbox *m)
{
	int64_t end = now_ms() + MBOX_SEND_MS;

	while (mbox_read(m, MBOX_STATUS) & MBOX_STATUS_OUT) {
		if (now_ms() > end)
			return -ETIMEDOUT;
		usleep(POLL_STEP_US);
	}
	return 0;
}

/**
 * mbox_put() - write some words of a message into the outgoing buffer
 * @m:     mailbox
 * @msg:   message
 * @first: word
 * @end:   word behind the last
 */
void mbox_put(struct mbox *m, const struct mbox_msg *msg, unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++)
		mbox_write(m, MBOX_OUT + 4 * i, msg->w[i]);
}

/**
 * mbox_commit() - send what is in the outgoing buffer
 * @m: mailbox
 */
void mbox_commit(struct mbox *m)
{
	mbox_write(m, MBOX_CMD, MBOX_CMD_SEND);
}

/**
 * mbox_send() - put a message into the outgoing buffer, and send it
 * @m:   mailbox
 * @msg: what to send, taken as it is
 *
 * Return: 0; -ETIMEDOUT if the PF does not take the message before.
 */
int mbox_send(struct mbox *m, const struct mbox_msg *msg)
{
	int err = mbox_wait_taken(m);

	if (err)
		return err;
	mbox_put(m, msg, 0, MBOX_WORDS);
	mbox_commit(m);
	return 0;
}

/**
 * mbox_recv() - take a message if there is one
 * @m:   mailbox
 * @msg: filled in
 *
 * The ids of the VF and its parent are learned from the first message.
 *
 * Return: whether there was one.
 */
bool mbox_recv(struct mbox *m, struct mbox_msg *msg)
{
	unsigned int i;

	if (!(mbox_read(m, MBOX_STATUS) & MBOX_STATUS_IN))
		return false;
	for (i = 0; i < MBOX_WORDS; i++)
		msg->w[i] = mbox_read(m, MBOX_IN + 4 * i);
	mbox_write(m, MBOX_CMD, MBOX_CMD_RECV);
	if (m->fn == m->parent) {
		m->fn = msg_get16(msg, M_DST);
		m->parent = msg_get16(msg, M_SRC);
	}
	return true;
}

/**
 * mbox_poll() - wait for a message
 * @m:          mailbox
 * @msg:        filled in
 * @timeout_ms: longest wait
 *
 * Sleeps on the interrupt, but looks at the status register too: whether the
 * interrupt works is a test of its own.
 *
 * Return: 0 or -ETIMEDOUT.
 */
int mbox_poll(struct mbox *m, struct mbox_msg *msg, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;

	for (;;) {
		if (mbox_recv(m, msg))
			return 0;
		if (now_ms() > end)
			return -ETIMEDOUT;
		m->irqs += vfio_irq_wait(m->dev, VF_VEC_MBOX, m->look_ms);
	}
}

static bool is_pf_request(uint8_t op)
{
	return op == OP_RESET_PREPARE || op == OP_RESET_DONE || op == OP_PF_BYE;
}

static int answer_pf(struct mbox *m, const struct mbox_msg *req)
{
	struct mbox_msg rsp = { 0 };

	m->pf_asked++;
	m->bye = req->b[M_OP] != OP_RESET_DONE;
	if (m->mute)
		return 0;
	rsp.b[M_OP] = req->b[M_OP] + MBOX_RSP;
	msg_put16(&rsp, M_SRC, msg_get16(req, M_DST));
	msg_put16(&rsp, M_DST, msg_get16(req, M_SRC));
	return mbox_send(m, &rsp);
}

/**
 * mbox_handle() - answer a message if the PF started it
 * @m:   mailbox
 * @msg: the message
 *
 * Return: true if it was one of these.
 */
bool mbox_handle(struct mbox *m, const struct mbox_msg *msg)
{
	if (!is_pf_request(msg->b[M_OP]))
		return false;
	answer_pf(m, msg);
	return true;
}

/**
 * mbox_request() - start a message of this VF
 * @m:   mailbox
 * @msg: cleared and given its header
 * @op:  opcode
 */
void mbox_request(const struct mbox *m, struct mbox_msg *msg, uint8_t op)
{
	memset(msg, 0, sizeof(*msg));
	msg->b[M_OP] = op;
	msg_put16(msg, M_SRC, m->fn);
}

/**
 * mbox_call() - send a request and wait for its answer
 * @m:   mailbox
 * @req: request
 * @rsp: answer
 *
 * What the PF starts in between is answered; other messages are counted as
 * strays and dropped.
 *
 * Return: 0, whatever the status in the answer; -ETIMEDOUT if none came.
 */
int mbox_call(struct mbox *m, const struct mbox_msg *req, struct mbox_msg *rsp)
{
	int64_t end = now_ms() + m->reply_ms;
	int ret = mbox_send(m, req);

	while (!ret) {
		int64_t left = end - now_ms();

		ret = mbox_poll(m, rsp, left > 0 ? left : 0);
		if (ret || rsp->b[M_OP] == (uint8_t)(req->b[M_OP] + MBOX_RSP))
			break;
		if (!mbox_handle(m, rsp))
			m->stray++;
	}
	return ret;
}
