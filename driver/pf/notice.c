// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Telling the VFs
 *
 * Notices are sent and not waited for, but for a pause that somebody asked for: a
 * VF that does not listen must not hold up the others. One that a VF does not take
 * within a second is lost (see svff_qdma_mbox_send()), which does no harm, but for
 * RESUME: a driver that does not hear it stands still for ever. So RESUME is owed
 * until it is answered, and is sent again when the VF takes messages.
 */
#include "pf.h"

#include <linux/jiffies.h>

#define PF_PAUSE_IDLE_MS	2000	/* that a VF has to become idle */
#define PF_ANSWER_MS		1000	/* and to say so */
#define PF_OWED_MS		500	/* between two looks at who is owed a RESUME */
#define PF_OWED_SENT_MAX	8	/* who takes as many and answers none does not want to know */

/**
 * pf_forget_notices_locked() - a VF is not known any more, or anew: no answer of it is waited for
 * @pf: card
 * @vf: VF
 *
 * Context: process, svff_pf.lock held.
 */
void pf_forget_notices_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	lockdep_assert_held(&pf->lock);
	vf->owed = 0;
	if (!vf->asked)
		return;
	vf->asked = 0;
	vf->answer = -SVFF_MBOX_ERR_NO_DEVICE;
	wake_up_all(&pf->answers);
}

/* Is @msg the answer to the notice @op that had the sequence number @seq, if there is one? */
static bool answers(const struct pf_vf *vf, const union svff_mbox_msg *msg, u8 op, u16 seq)
{
	bool has_seq = vf->session.ext & SVFF_MBOX_EXT_SEQ;

	return seq && msg->hdr.op == (op | SVFF_MBOX_RSP) && (!has_seq || le16_to_cpu(msg->hdr.dst) == seq);
}

/**
 * pf_take_answer_locked() - a VF answers a notice
 * @pf: card
 * @vf: VF
 * @msg: the answer; one to what is not asked any more is as good as none
 *
 * Context: process, svff_pf.lock held.
 */
void pf_take_answer_locked(struct svff_pf *pf, struct pf_vf *vf, const union svff_mbox_msg *msg)
{
	lockdep_assert_held(&pf->lock);
	if (answers(vf, msg, SVFF_MBOX_OP_RESUME, vf->owed))
		vf->owed = 0;
	if (!answers(vf, msg, SVFF_MBOX_OP_PAUSE, vf->asked))
		return;
	vf->asked = 0;
	vf->answer = msg->hdr.status;
	wake_up_all(&pf->answers);
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

/* A VF whose driver knows the notices of a pause, or errno. */
static struct pf_vf *find_pausable_locked(struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf = pf_vf(pf, n);

	if (vf->state == SVFF_VF_ABSENT)
		return ERR_PTR(-ENODEV);
	return vf->session.ext & SVFF_MBOX_EXT_PAUSE ? vf : ERR_PTR(-EOPNOTSUPP);
}

/* Return: the number of the question, or errno. */
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
	vf = find_pausable_locked(pf, n);
	if (IS_ERR(vf))
		return PTR_ERR(vf);
	if (vf->asked)
		return -EBUSY;
	err = notify_locked(pf, vf, &msg);
	if (err)
		return err;
	vf->owed = 0;
	vf->asked = vf->seq;
	return vf->asked;
}

static void send_resume(struct svff_pf *pf, struct pf_vf *vf)
{
	union svff_mbox_msg msg = { .hdr = { .op = SVFF_MBOX_OP_RESUME } };

	lockdep_assert_held(&pf->lock);
	notify_locked(pf, vf, &msg);
	vf->owed = vf->seq;
	vf->owed_sent++;
}

/* Who has not taken the last message, or is paused, gets no other. Return: is it still owed? */
static bool send_owed(struct svff_pf *pf, struct pf_vf *vf)
{
	lockdep_assert_held(&pf->lock);
	if (!vf->owed)
		return false;
	if (vf->moving || vf->state != SVFF_VF_ACTIVE || svff_qdma_mbox_untaken(pf->qd, vf->session.func))
		return true;
	if (vf->owed_sent < PF_OWED_SENT_MAX)
		send_resume(pf, vf);
	else
		vf->owed = 0;
	return vf->owed;
}

static void owed_work(struct work_struct *work)
{
	struct svff_pf *pf = container_of(work, struct svff_pf, owed_work.work);
	bool again = false;
	unsigned int n;

	guard(mutex)(&pf->lock);
	for (n = 1; n <= pf->num_vfs; n++)
		again |= send_owed(pf, pf_vf(pf, n));
	if (again)
		schedule_delayed_work(&pf->owed_work, msecs_to_jiffies(PF_OWED_MS));
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
	lockdep_assert_held(&pf->lock);
	if (!(vf->session.ext & SVFF_MBOX_EXT_PAUSE))
		return;
	vf->owed_sent = 0;
	send_resume(pf, vf);
	schedule_delayed_work(&pf->owed_work, msecs_to_jiffies(PF_OWED_MS));
}

/* What came of question @seq. Who is not known to be idle is told to go on. */
static int end_pause(struct svff_pf *pf, unsigned int n, u16 seq, bool killed)
{
	struct pf_vf *vf;
	int err = 0;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	/* It answered, and somebody else has asked. */
	if (vf->asked && vf->asked != seq)
		return -EBUSY;
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
	int seq = ask_pause(pf, n);
	long left;

	if (seq < 0)
		return seq;
	left = wait_event_killable_timeout(pf->answers, READ_ONCE(pf->vfs[n - 1].asked) != seq,
					   msecs_to_jiffies(PF_PAUSE_IDLE_MS + PF_ANSWER_MS));
	return end_pause(pf, n, seq, left < 0);
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
	vf = find_pausable_locked(pf, n);
	if (!IS_ERR(vf))
		pf_tell_resume_locked(pf, vf);
	return PTR_ERR_OR_ZERO(vf);
}

/*
 * Of PF_BYE not a VF that a VFIO driver has claimed: VFIO asks its user to let go, who may pause it, and then its
 * driver is to notice nothing. Nor one that is being paused, which would hear it when it goes on.
 */
static bool is_to_hear_locked(struct svff_pf *pf, const struct pf_vf *vf, enum svff_mbox_op op)
{
	lockdep_assert_held(&pf->lock);
	return vf->session.hello && (op != SVFF_MBOX_OP_PF_BYE || !(vf->claimed || vf->moving));
}

/**
 * pf_notify_vfs() - tell all VFs that have a driver
 * @pf: card
 * @op: PF_BYE or RESET_PREPARE; the former not to VFs that their users may pause
 *
 * Context: process; takes svff_pf.lock.
 */
void pf_notify_vfs(struct svff_pf *pf, enum svff_mbox_op op)
{
	unsigned int n;

	guard(mutex)(&pf->lock);
	for (n = 1; n <= pf->num_vfs; n++) {
		struct pf_vf *vf = pf_vf(pf, n);

		if (!is_to_hear_locked(pf, vf, op))
			continue;
		vf->told = op == SVFF_MBOX_OP_RESET_PREPARE;
		pf_notify_vf_locked(pf, vf, op);
	}
}

/**
 * pf_notice_init() - before the first notice
 * @pf: card
 *
 * Context: any.
 */
void pf_notice_init(struct svff_pf *pf)
{
	INIT_DELAYED_WORK(&pf->owed_work, owed_work);
}

/**
 * pf_notice_exit() - no more notices
 * @pf: card, no VFs
 *
 * Context: process.
 */
void pf_notice_exit(struct svff_pf *pf)
{
	cancel_delayed_work_sync(&pf->owed_work);
}
