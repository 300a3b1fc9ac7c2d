// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Serving the VFs' requests
 *
 * A message passes the throttle of its sender, is judged by request.c, and the
 * commands of the verdict are carried out here. The hardware holds one message
 * of each VF and shows them in turn, and each takes a bounded number of
 * context commands, so a VF that sends as fast as it can costs the others one
 * dropped message of its own per message of theirs.
 */
#include "pf.h"

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/ratelimit.h>

#define PF_PAUSE_IDLE_MS	2000	/* that a VF has to become idle */
#define PF_ANSWER_MS		1000	/* and to say so */

static int exec_regs(struct svff_pf *pf, struct svff_mbox_reg_list *list)
{
	u32 value;
	int i, err;

	for (i = 0; i < le16_to_cpu(list->count); i++) {
		err = svff_qdma_reg_read(pf->qd, le32_to_cpu(list->reg[i].addr),
					 &value);
		if (err)
			return err;
		list->reg[i].value = cpu_to_le32(value);
	}
	return 0;
}

static int exec_cmd(struct svff_pf *pf, struct pf_verdict *v, struct pf_cmd *cmd)
{
	struct svff_qdma *qd = pf->qd;

	switch (cmd->op) {
	case PF_CMD_FMAP:
		return svff_qdma_fmap_write(qd, v->next.func, cmd->range.base,
					    cmd->range.count);
	case PF_CMD_WIPE:
		return svff_qdma_range_clear(qd, cmd->range.base, cmd->range.count);
	case PF_CMD_QUEUE_START:
		return svff_qdma_hwq_start(qd, &cmd->queue);
	case PF_CMD_QUEUE_STOP:
		return svff_qdma_hwq_stop(qd, &cmd->queue);
	case PF_CMD_QUEUE_CLEAR:
		return svff_qdma_hwq_clear(qd, &cmd->queue);
	case PF_CMD_QUEUE_DUMP:
		return svff_qdma_hwq_dump(qd, &cmd->queue, &v->rsp.qctxt_rd_rsp);
	case PF_CMD_RING_WRITE:
		return svff_qdma_irq_ring_write(qd, &cmd->ring);
	case PF_CMD_RING_INV:
		return svff_qdma_irq_ring_inv(qd, cmd->ring.index);
	case PF_CMD_RING_CLEAR:
		return svff_qdma_irq_ring_clear(qd, cmd->ring.index);
	case PF_CMD_RING_DUMP:
		return svff_qdma_irq_ring_dump(qd, cmd->ring.index, &v->rsp.intr_ctxt);
	case PF_CMD_REGS:
		return exec_regs(pf, &v->rsp.reg_list);
	}
	WARN_ONCE(1, "command %d\n", cmd->op);
	return -EINVAL;
}

static int exec_cmds(struct svff_pf *pf, struct pf_verdict *v)
{
	int i, err;

	for (i = 0; i < v->num_cmds; i++) {
		err = exec_cmd(pf, v, &v->cmd[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Who does not know the VF any more, or anew, waits for no answer of it. */
static void forget_question(struct svff_pf *pf, struct pf_vf *vf)
{
	lockdep_assert_held(&pf->lock);
	if (!vf->asked)
		return;
	vf->asked = 0;
	vf->answer = -SVFF_MBOX_ERR_NO_DEVICE;
	wake_up_all(&pf->answers);
}

/**
 * pf_session_set_locked() - the one way to change a session
 * @pf: card
 * @vf: VF
 * @next: its session from now on
 *
 * Context: process, svff_pf.lock held.
 */
void pf_session_set_locked(struct svff_pf *pf, struct pf_vf *vf,
			   const struct pf_session *next)
{
	lockdep_assert_held(&pf->lock);
	WRITE_ONCE(pf->num_sessions,
		   pf->num_sessions + next->hello - vf->session.hello);
	vf->session = *next;
	if (!next->hello)
		forget_question(pf, vf);
	if (!pf->num_sessions)
		wake_up_all(&pf->no_sessions);
}

/**
 * pf_release_locked() - take back everything that a VF was given on request
 * @pf: card
 * @vf: VF
 *
 * Its range and quota stay. On failure nothing is forgotten, so that it can be
 * tried again.
 *
 * Context: process, svff_pf.lock held.
 * Return: 0, or the errno of the command that the card did not carry out.
 */
int pf_release_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	struct pf_verdict *v = &pf->verdict;
	int err;

	lockdep_assert_held(&pf->lock);
	memset(v, 0, sizeof(*v));
	pf_request_release(&vf->session, v);
	err = exec_cmds(pf, v);
	if (!err)
		pf_session_set_locked(pf, vf, &v->next);
	return err;
}

/* All-zero VF numbers and functions that are no VF of ours give NULL. */
static struct pf_vf *sender(struct svff_pf *pf, u16 src)
{
	lockdep_assert_held(&pf->lock);
	if (src < pf->first_func || src - pf->first_func >= pf->num_vfs)
		return NULL;
	return &pf->vfs[src - pf->first_func];
}

static bool may_pass(struct svff_pf *pf, struct pf_vf *vf)
{
	enum pf_pass pass = pf_throttle_check(&vf->throttle, ktime_get_ns());
	unsigned int n = pf_vf_number(pf, vf);

	if (pass == PF_PASS)
		return true;
	if (pass == PF_PASS_UNMUTED) {
		pf_event(pf, SVFF_EVENT_VF_MUTED, n, 0, vf->stats.dropped);
		return true;
	}
	vf->stats.dropped++;
	if (pass == PF_HOLD_MUTED) {
		dev_warn(&pf->pdev->dev,
			 "VF%u floods the mailbox: not heard until it is quiet for %llu s\n",
			 n, PF_THROTTLE_QUIET_NS / NSEC_PER_SEC);
		pf_event(pf, SVFF_EVENT_VF_MUTED, n, 1, vf->stats.dropped);
	}
	return false;
}

/* Where a request leaves the VF; a release that failed leaves it in ERROR. */
static void settle(struct svff_pf *pf, struct pf_vf *vf, u8 op, bool failed)
{
	switch (op) {
	case SVFF_MBOX_OP_HELLO:
		forget_question(pf, vf);
		pf_state_enter_locked(pf, vf, failed ? SVFF_VF_ERROR : SVFF_VF_ACTIVE);
		break;
	case SVFF_MBOX_OP_VF_BYE:
	case SVFF_MBOX_OP_PF_RESET_VF_BYE:
		if (failed)
			pf_state_enter_locked(pf, vf, SVFF_VF_ERROR);
		else if (vf->state == SVFF_VF_ACTIVE)
			pf_state_enter_locked(pf, vf, SVFF_VF_READY);
		break;
	}
}

static void complain(struct svff_pf *pf, struct pf_vf *vf, u8 op, u8 status)
{
	unsigned int n = pf_vf_number(pf, vf);

	pf_event(pf, SVFF_EVENT_VF_REFUSED, n, op, status);
	if (__ratelimit(&vf->complaints))
		dev_warn(&pf->pdev->dev,
			 "VF%u: request 0x%02x refused with status %u\n",
			 n, op, status);
}

static void answer(struct svff_pf *pf, struct pf_vf *vf, struct pf_verdict *v)
{
	int err;

	v->rsp.hdr.status = -(s8)v->status;
	err = svff_qdma_mbox_send(pf->qd, vf->session.func, &v->rsp);
	if (!err)
		return;
	vf->stats.dropped++;
	if (__ratelimit(&vf->complaints))
		dev_warn(&pf->pdev->dev, "VF%u: cannot be answered (%pe)\n",
			 pf_vf_number(pf, vf), ERR_PTR(err));
}

/* The header-only response of a request whose command failed. */
static void fail(struct pf_verdict *v, int err)
{
	struct svff_mbox_hdr hdr = v->rsp.hdr;

	memset(&v->rsp, 0, sizeof(v->rsp));
	v->rsp.hdr = hdr;
	v->status = pf_request_status(err, v->fail_status);
}

static void serve(struct svff_pf *pf, struct pf_vf *vf, u8 op,
		  struct pf_verdict *v)
{
	struct svff_mbox_hdr hdr = v->rsp.hdr;
	int err = exec_cmds(pf, v);

	v->rsp.hdr = hdr;
	vf->stats.requests++;
	if (err)
		fail(v, err);
	else
		pf_session_set_locked(pf, vf, &v->next);
	if (err || !v->status)
		settle(pf, vf, op, err);
	if (v->status) {
		vf->stats.refused++;
		complain(pf, vf, op, v->status);
	}
	if (!v->silent)
		answer(pf, vf, v);
}

/* An answer to what is not asked any more is as good as none. */
static void take_answer(struct svff_pf *pf, struct pf_vf *vf,
			const union svff_mbox_msg *msg)
{
	bool has_seq = vf->session.ext & SVFF_MBOX_EXT_SEQ;

	if (!vf->asked || msg->hdr.op != (vf->asked | SVFF_MBOX_RSP) ||
	    (has_seq && le16_to_cpu(msg->hdr.dst) != vf->seq))
		return;
	vf->asked = 0;
	vf->answer = msg->hdr.status;
	wake_up_all(&pf->answers);
}

/**
 * pf_learn_vectors_locked() - a VF has as many vectors as its PCI function says
 * @pf: card
 * @vf: VF
 *
 * Context: process, svff_pf.lock held.
 */
void pf_learn_vectors_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	struct pci_dev *vfdev = pf_vf_device(pf, pf_vf_number(pf, vf));
	int n = vfdev ? pci_msix_vec_count(vfdev) : 0;

	pci_dev_put(vfdev);
	vf->session.vectors = clamp(n, 0, PF_VF_VECTORS_MAX);
}

static void handle(struct svff_pf *pf, struct pf_vf *vf, const union svff_mbox_msg *msg)
{
	struct pf_verdict *v = &pf->verdict;

	if (msg->hdr.op == SVFF_MBOX_OP_HELLO)
		pf_learn_vectors_locked(pf, vf);
	pf_request_decide(&pf->card, &vf->session, msg, v);
	if (v->kind == PF_MSG_SERVE)
		serve(pf, vf, msg->hdr.op, v);
	else if (v->kind == PF_MSG_REPLY)
		take_answer(pf, vf, msg);
	else
		vf->stats.dropped++;
}

/**
 * pf_serve_held_locked() - a request that was held back is served now
 * @pf: card
 * @vf: VF that sent it
 * @msg: the request
 *
 * Context: process, svff_pf.lock held.
 */
void pf_serve_held_locked(struct svff_pf *pf, struct pf_vf *vf, const union svff_mbox_msg *msg)
{
	lockdep_assert_held(&pf->lock);
	handle(pf, vf, msg);
}

/**
 * pf_mbox_recv() - a message arrived
 * @qd: the PF's manager
 * @src: function that sent it, on the hardware's word
 * @msg: the message; nothing in it is believed
 *
 * Context: process; takes svff_pf.lock.
 */
void pf_mbox_recv(struct svff_qdma *qd, u16 src, const union svff_mbox_msg *msg)
{
	struct svff_pf *pf = svff_qdma_priv(qd);
	struct pf_vf *vf;

	guard(mutex)(&pf->lock);
	vf = sender(pf, src);
	if (!vf) {
		dev_warn_ratelimited(&pf->pdev->dev,
				     "message from function %u, which is no VF here\n",
				     src);
		return;
	}
	vf->fresh = false;
	if (may_pass(pf, vf) && !pf_hold_locked(pf, vf, msg))
		handle(pf, vf, msg);
}

static int notify_locked(struct svff_pf *pf, struct pf_vf *vf, union svff_mbox_msg *msg)
{
	bool has_seq = vf->session.ext & SVFF_MBOX_EXT_SEQ;
	int err;

	lockdep_assert_held(&pf->lock);
	/* 0 is no sequence number. */
	vf->seq = vf->seq + 1 ?: 1;
	msg->hdr.src = cpu_to_le16(has_seq ? vf->seq : pf->card.func);
	msg->hdr.dst = cpu_to_le16(vf->session.func);
	err = svff_qdma_mbox_send(pf->qd, vf->session.func, msg);
	if (err)
		dev_dbg(&pf->pdev->dev, "VF%u: not told 0x%02x (%pe)\n",
			pf_vf_number(pf, vf), msg->hdr.op, ERR_PTR(err));
	return err;
}

/**
 * pf_notify_vf_locked() - tell a VF's driver what the PF is about to do
 * @pf: card
 * @vf: VF
 * @op: PF_BYE, RESET_PREPARE or RESET_DONE
 *
 * Sends and goes on: a VF that does not listen must not hold up the others.
 *
 * Context: process, svff_pf.lock held.
 */
void pf_notify_vf_locked(struct svff_pf *pf, struct pf_vf *vf, enum svff_mbox_op op)
{
	union svff_mbox_msg msg = { .hdr = { .op = op } };

	notify_locked(pf, vf, &msg);
}

/**
 * pf_notify_quota_locked() - tell a VF's driver its quota, if it wants to know
 * @pf: card
 * @vf: VF
 *
 * Context: process, svff_pf.lock held.
 */
void pf_notify_quota_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	union svff_mbox_msg msg = {
		.quota = {
			.hdr = { .op = SVFF_MBOX_OP_QUOTA },
			.queues = cpu_to_le32(vf->session.quota),
		},
	};

	if (vf->session.ext & SVFF_MBOX_EXT_QUOTA)
		notify_locked(pf, vf, &msg);
}

static int ask_pause(struct svff_pf *pf, unsigned int n)
{
	union svff_mbox_msg msg = {
		.pause = {
			.hdr = { .op = SVFF_MBOX_OP_PAUSE },
			.idle_ms = cpu_to_le32(PF_PAUSE_IDLE_MS),
		},
	};
	struct pf_vf *vf;
	int err;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	if (vf->state == SVFF_VF_ABSENT)
		return -ENODEV;
	if (!(vf->session.ext & SVFF_MBOX_EXT_PAUSE))
		return -EOPNOTSUPP;
	if (vf->asked)
		return -EBUSY;
	err = notify_locked(pf, vf, &msg);
	if (!err)
		vf->asked = SVFF_MBOX_OP_PAUSE;
	return err;
}

/**
 * pf_tell_resume_locked() - tell a VF's driver to go on, or that doorbells may have been lost
 * @pf: card
 * @vf: VF; nothing happens if its driver does not know how
 *
 * Context: process, svff_pf.lock held.
 */
void pf_tell_resume_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	union svff_mbox_msg msg = { .hdr = { .op = SVFF_MBOX_OP_RESUME } };

	lockdep_assert_held(&pf->lock);
	if (vf->session.ext & SVFF_MBOX_EXT_PAUSE)
		notify_locked(pf, vf, &msg);
}

/* What came of the question. Who is not known to be idle is told to go on. */
static int end_pause(struct svff_pf *pf, unsigned int n, bool killed)
{
	struct pf_vf *vf;
	int err = 0;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	if (vf->asked)
		err = killed ? -EINTR : -ETIMEDOUT;
	else if (vf->answer == -SVFF_MBOX_ERR_NO_DEVICE)
		err = -ENODEV;
	else if (vf->answer)
		err = -ETIMEDOUT;
	vf->asked = 0;
	if (err)
		pf_tell_resume_locked(pf, vf);
	return err;
}

/**
 * pf_ask_pause() - ask a VF's driver to start nothing new until it is resumed
 * @pf: card
 * @n: VF number, of those that the card can have
 *
 * Its queues stay set up. A hostile driver may say that it is idle when it is
 * not: this is a courtesy to those who want to be paused well, no protection.
 *
 * Context: process; sleeps up to 3 s.
 * Return: 0 once the VF is idle; -ENODEV if there is no such VF, or it went;
 * -EOPNOTSUPP if its driver does not know how; -EBUSY if it is being asked;
 * -ETIMEDOUT if it does not become idle; -EINTR if killed; errno of
 * svff_qdma_mbox_send(). On failure the VF goes on.
 */
int pf_ask_pause(struct svff_pf *pf, unsigned int n)
{
	int err = ask_pause(pf, n);
	long left;

	if (err)
		return err;
	left = wait_event_killable_timeout(pf->answers, !READ_ONCE(pf->vfs[n - 1].asked),
					   msecs_to_jiffies(PF_PAUSE_IDLE_MS + PF_ANSWER_MS));
	return end_pause(pf, n, left < 0);
}

/**
 * pf_tell_resume() - tell a VF's driver to go on
 * @pf: card
 * @n: VF number, of those that the card can have
 *
 * Context: process; takes svff_pf.lock.
 * Return: 0; -ENODEV if there is no such VF; -EOPNOTSUPP if its driver does not
 * know how.
 */
int pf_tell_resume(struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	if (vf->state == SVFF_VF_ABSENT)
		return -ENODEV;
	if (!(vf->session.ext & SVFF_MBOX_EXT_PAUSE))
		return -EOPNOTSUPP;
	pf_tell_resume_locked(pf, vf);
	return 0;
}

/**
 * pf_notify_vfs() - tell all VFs that have a driver
 * @pf: card
 * @op: PF_BYE or RESET_PREPARE
 *
 * Context: process; takes svff_pf.lock.
 */
void pf_notify_vfs(struct svff_pf *pf, enum svff_mbox_op op)
{
	unsigned int n;

	guard(mutex)(&pf->lock);
	for (n = 1; n <= pf->num_vfs; n++) {
		struct pf_vf *vf = pf_vf(pf, n);

		if (!vf->session.hello)
			continue;
		vf->told = op == SVFF_MBOX_OP_RESET_PREPARE;
		pf_notify_vf_locked(pf, vf, op);
	}
}
