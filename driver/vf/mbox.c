// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Requests to the PF
 *
 * One request at a time, because the protocol tells responses apart by opcode
 * alone. That leaves one trap: a request that was given up (time-out, or the
 * caller was killed) may still be answered, and its answer would be taken for
 * that of the next request of the same opcode. But the PF answers in order. So
 * after a request was given up, one of another opcode that changes nothing is
 * sent first; when it is answered, everything older has come or never will.
 *
 * A PF that knows the extension numbers what it answers, and there is no trap.
 *
 * While the link is down after an error nobody answers, and nobody waits.
 */
#include "vf.h"

#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/string.h>

#define VF_REPLY_TIMEOUT_MS	10000
#define VF_REPLY_LOOK_MS	500
#define VF_LOCK_STEP_MS		10

static const char *const status_names[] = {
	[SVFF_MBOX_OK]			= "success",
	[SVFF_MBOX_ERR_INVALID_PARAM]	= "invalid parameter",
	[SVFF_MBOX_ERR_NO_MEM]		= "no memory",
	[SVFF_MBOX_ERR_BUSY_TIMEOUT]	= "the card's contexts are stuck",
	[SVFF_MBOX_ERR_NOT_SUPPORTED]	= "not supported",
	[SVFF_MBOX_ERR_NO_DEVICE]	= "not introduced",
	[SVFF_MBOX_ERR_NO_QUEUES]	= "no queues left",
	[SVFF_MBOX_ERR_QMAX_REJECTED]	= "number of queues rejected",
	[SVFF_MBOX_ERR_FMAP]		= "queues cannot be mapped",
	[SVFF_MBOX_ERR_NUM_QUEUES]	= "more queues than the host allows",
	[SVFF_MBOX_ERR_QID]		= "not a queue of this function",
	[SVFF_MBOX_ERR_RING_SIZE]	= "unknown ring size",
	[SVFF_MBOX_ERR_BUF_SIZE]	= "unknown buffer size",
	[SVFF_MBOX_ERR_CNT_TH]		= "unknown counter threshold",
	[SVFF_MBOX_ERR_TIMER_TH]	= "unknown timer threshold",
	[SVFF_MBOX_ERR_INVALID_MSG]	= "malformed message",
	[SVFF_MBOX_ERR_REG_READ]	= "registers cannot be read",
};

/**
 * vf_status_name() - status of a response in words
 * @status: as in the message, 0 or negative
 *
 * Context: any.
 * Return: a text.
 */
const char *vf_status_name(s8 status)
{
	int i = -status;

	if (i < 0 || i >= ARRAY_SIZE(status_names) || !status_names[i])
		return "unknown status";
	return status_names[i];
}

/**
 * vf_mbox_init() - before the first message
 * @vf: VF
 *
 * Context: any.
 */
void vf_mbox_init(struct svff_vf *vf)
{
	mutex_init(&vf->mbox.lock);
	spin_lock_init(&vf->mbox.reply_lock);
	init_completion(&vf->mbox.done);
}

/**
 * vf_mbox_begin() - a session begins
 * @vf: VF
 *
 * Context: process.
 */
void vf_mbox_begin(struct svff_vf *vf)
{
	spin_lock(&vf->mbox.reply_lock);
	vf->mbox.closing = false;
	spin_unlock(&vf->mbox.reply_lock);
}

/**
 * vf_mbox_close() - a session ends
 * @vf: VF
 *
 * Requests are still made, to take things back; but once one was not answered
 * the others are not tried.
 *
 * Context: process.
 */
void vf_mbox_close(struct svff_vf *vf)
{
	spin_lock(&vf->mbox.reply_lock);
	vf->mbox.closing = true;
	spin_unlock(&vf->mbox.reply_lock);
}

/**
 * vf_mbox_cut() - there is no way to the PF, or there is one again
 * @vf: VF
 * @cut: there is none: who waits for an answer gives up, and nobody asks
 *
 * Context: process.
 */
void vf_mbox_cut(struct svff_vf *vf, bool cut)
{
	spin_lock(&vf->mbox.reply_lock);
	vf->mbox.cut = cut;
	if (cut)
		complete(&vf->mbox.done);
	spin_unlock(&vf->mbox.reply_lock);
}

/**
 * vf_mbox_reply() - a message of the PF may be what is waited for
 * @vf: VF
 * @msg: message
 *
 * Context: process.
 * Return: true if it was.
 */
bool vf_mbox_reply(struct svff_vf *vf, const union svff_mbox_msg *msg)
{
	struct vf_mbox *m = &vf->mbox;
	bool match;

	spin_lock(&m->reply_lock);
	match = m->wanted && msg->hdr.op == m->wanted &&
		(!m->wanted_seq || le16_to_cpu(msg->hdr.src) == m->wanted_seq);
	if (match) {
		m->reply = *msg;
		m->wanted = 0;
		complete(&m->done);
	}
	spin_unlock(&m->reply_lock);
	return match;
}

/* False if there is nobody to reply. */
static bool want_reply(struct vf_mbox *m, u8 op, u16 seq)
{
	bool cut;

	spin_lock(&m->reply_lock);
	cut = m->cut;
	if (!cut) {
		m->wanted = op | SVFF_MBOX_RSP;
		m->wanted_seq = seq;
		reinit_completion(&m->done);
	}
	spin_unlock(&m->reply_lock);
	return !cut;
}

/* True if the response came, be it just when the wait for it ended. */
static bool stop_wanting(struct vf_mbox *m)
{
	bool came;

	spin_lock(&m->reply_lock);
	came = !m->wanted;
	m->wanted = 0;
	spin_unlock(&m->reply_lock);
	return came;
}

static bool is_closing(struct vf_mbox *m)
{
	bool closing;

	spin_lock(&m->reply_lock);
	closing = m->closing;
	spin_unlock(&m->reply_lock);
	return closing;
}

/* The PF answers a VF that it has paused when that goes on; who is being unbound does not wait. */
static bool answer_may_wait(struct svff_vf *vf)
{
	return svff_qdma_away(vf->qd) ||
	       (svff_qdma_data_paused(vf->qd) && !is_closing(&vf->mbox));
}

/*
 * What takes a queue or an interrupt ring back from the hardware is not given up
 * because somebody is killed: its memory would stay the hardware's, or the whole
 * function lose the bus.
 */
static bool is_firm(u8 op)
{
	return op == SVFF_MBOX_OP_QCTXT_INV || op == SVFF_MBOX_OP_INTR_CTXT_INV;
}

/* In a pause the lock may be held for long, of which the kernel is not to complain: hence the small steps. */
static int lock_mbox(struct vf_mbox *m, bool firm)
{
	int err;

	while ((err = mutex_lock_killable(&m->lock)) && firm)
		msleep(VF_LOCK_STEP_MS);
	return err;
}

static long wait_done(struct vf_mbox *m, bool firm)
{
	unsigned long look = msecs_to_jiffies(VF_REPLY_LOOK_MS);

	return firm ? wait_for_completion_timeout(&m->done, look) :
		      wait_for_completion_killable_timeout(&m->done, look);
}

static int wait_reply(struct svff_vf *vf, u8 op, bool firm)
{
	struct vf_mbox *m = &vf->mbox;
	unsigned int waited = 0;
	long left;

	do {
		left = wait_done(m, firm);
		if (left)
			break;
		svff_qdma_mbox_look(vf->qd);
		/* The time of a pause does not count. */
		if (!answer_may_wait(vf))
			waited += VF_REPLY_LOOK_MS;
	} while (waited < VF_REPLY_TIMEOUT_MS);
	if (!stop_wanting(m)) {
		m->stale |= BIT(op);
		m->silent = !left;
		return left > 0 ? -ENODEV : left ? -EINTR : -ETIMEDOUT;
	}
	/* Answers come in order, so this was the last of the old ones, if any. */
	if (!(m->stale & BIT(op)))
		m->stale = 0;
	m->silent = false;
	return 0;
}

/* HELLO is what agrees upon them, and has none; nor has anything 0. */
static u16 next_seq(struct vf_mbox *m, u8 op)
{
	if (!(m->ext & SVFF_MBOX_EXT_SEQ) || op == SVFF_MBOX_OP_HELLO)
		return 0;
	m->seq = m->seq + 1 ?: 1;
	return m->seq;
}

static int exchange(struct svff_vf *vf, union svff_mbox_msg *msg, bool firm)
{
	struct vf_mbox *m = &vf->mbox;
	u8 op = msg->hdr.op;
	u16 seq = next_seq(m, op);
	int err;

	lockdep_assert_held(&m->lock);
	msg->hdr.src = cpu_to_le16(vf->func);
	msg->hdr.dst = cpu_to_le16(seq);
	if (!want_reply(m, op, seq))
		return -ENODEV;
	err = svff_qdma_mbox_send(vf->qd, 0, msg);
	if (err) {
		stop_wanting(m);
		return err;
	}
	err = wait_reply(vf, op, firm);
	if (!err)
		*msg = m->reply;
	return err;
}

/* The status is of no interest: the vendor's PF sends a count as one of them. */
static int flush_stale(struct svff_vf *vf, bool firm)
{
	union svff_mbox_msg msg = {};
	u32 stale = vf->mbox.stale;

	if (!(stale & BIT(SVFF_MBOX_OP_QACTIVE_CNT)))
		msg.hdr.op = SVFF_MBOX_OP_QACTIVE_CNT;
	else if (!(stale & BIT(SVFF_MBOX_OP_CSR)))
		msg.hdr.op = SVFF_MBOX_OP_CSR;
	else
		return -ETIMEDOUT;
	return exchange(vf, &msg, firm);
}

static bool is_hopeless(struct vf_mbox *m)
{
	return is_closing(m) && m->silent;
}

/**
 * vf_request() - ask the PF and wait for its answer
 * @vf: VF
 * @msg: request, source left 0; becomes the response, whatever its status
 *
 * Context: process; sleeps up to 10 s, or 20 s if the last request was given
 * up, and for as long as the VF is paused. A fatal signal ends the wait, but for
 * what takes something back from the hardware.
 * Return: 0; -EINTR if killed; -ETIMEDOUT if the PF does not answer; -ENODEV if
 * the link is down; errno of svff_qdma_mbox_send().
 */
int vf_request(struct svff_vf *vf, union svff_mbox_msg *msg)
{
	struct vf_mbox *m = &vf->mbox;
	bool firm = is_firm(msg->hdr.op);
	int err = 0;

	if (lock_mbox(m, firm))
		return -EINTR;
	if (is_hopeless(m))
		err = -ETIMEDOUT;
	/* HELLO begins anew, and is harmless to be answered twice. */
	if (!err && m->stale && !(m->ext & SVFF_MBOX_EXT_SEQ) &&
	    msg->hdr.op != SVFF_MBOX_OP_HELLO)
		err = flush_stale(vf, firm);
	if (!err)
		err = exchange(vf, msg, firm);
	mutex_unlock(&m->lock);
	return err;
}

/**
 * vf_mbox_agree() - what the PF's answer to HELLO says about the extension
 * @vf: VF
 * @ext: from the answer; zero from a PF that does not know it
 *
 * Context: process.
 */
void vf_mbox_agree(struct svff_vf *vf, const struct svff_mbox_ext *ext)
{
	bool known = le32_to_cpu(ext->magic) == SVFF_MBOX_EXT_MAGIC;

	guard(mutex)(&vf->mbox.lock);
	vf->mbox.ext = known ? le32_to_cpu(ext->caps) & SVFF_MBOX_EXT_ALL : 0;
}

/**
 * vf_request_ok() - a request that should not be refused
 * @vf: VF
 * @msg: as vf_request()
 *
 * Says it if the request fails, except if the caller was killed or the device
 * is out of reach.
 *
 * Context: as vf_request().
 * Return: 0; -EIO if the PF refuses; errno of vf_request().
 */
int vf_request_ok(struct svff_vf *vf, union svff_mbox_msg *msg)
{
	u8 op = msg->hdr.op;
	int err = vf_request(vf, msg);

	if (err && err != -EINTR && err != -ENODEV)
		dev_err_ratelimited(&vf->pdev->dev,
				    "no answer of the PF to request 0x%02x (%pe)\n",
				    op, ERR_PTR(err));
	if (err || !msg->hdr.status)
		return err;
	dev_err_ratelimited(&vf->pdev->dev, "PF refused request 0x%02x: %s (%d)\n",
			    op, vf_status_name(msg->hdr.status), msg->hdr.status);
	if (msg->hdr.status == -SVFF_MBOX_ERR_NO_DEVICE && !is_closing(&vf->mbox))
		vf_session_doubted(vf);
	return -EIO;
}

/**
 * vf_send() - tell the PF something that it does not answer
 * @vf: VF
 * @op: what
 *
 * Context: process.
 */
void vf_send(struct svff_vf *vf, enum svff_mbox_op op)
{
	union svff_mbox_msg msg = {
		.hdr = { .op = op, .src = cpu_to_le16(vf->func) },
	};
	int err = svff_qdma_mbox_send(vf->qd, 0, &msg);

	if (err)
		dev_dbg(&vf->pdev->dev, "PF not told 0x%02x (%pe)\n", op, ERR_PTR(err));
}
