// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two movements of a pause, see pause.c: from the card into a struct pf_image,
 * and from there onto the card; and what becomes of a VF's messages meanwhile.
 */
#include "pf.h"

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#define PF_STUCK_MS	500	/* until what the card did not take is tried again */

/* From here on the session stays as it is, and requests are kept. */
static int begin_stop(struct svff_pf *pf, unsigned int n, bool asked, struct pf_image **image)
{
	struct pf_image *img;
	struct pf_vf *vf;

	guard(mutex)(&pf->lock);
	vf = pf_vf_find_locked(pf, n);
	if (IS_ERR(vf))
		return PTR_ERR(vf);
	if (vf->state == SVFF_VF_PAUSED)
		return -EALREADY;
	if (vf->state != SVFF_VF_READY && vf->state != SVFF_VF_ACTIVE)
		return -EBUSY;
	/* What a reset has taken is not to be saved. */
	pf_state_in_use_locked(pf, vf);
	img = pf_image_alloc(pf_session_active(&vf->session));
	if (!img)
		return -ENOMEM;
	img->session = vf->session;
	/* Who is owed a RESUME stands still as one that was asked. */
	img->asked = asked || vf->owed;
	pf_image_list_queues(img);
	vf->image = img;
	vf->moving = true;
	*image = img;
	return 0;
}

static void save_mailbox(struct svff_pf *pf, struct pf_vf *vf, struct pf_image *img)
{
	struct pci_dev *vfdev = pf_vf_device(pf, pf_vf_number(pf, vf));

	lockdep_assert_held(&pf->lock);
	img->seq = vf->seq;
	img->num_msgs = svff_qdma_mbox_take_back(pf->qd, vf->session.func, img->msg, &img->in_buffer);
	if (vfdev)
		svff_qdma_vf_mbox_save(pf->qd, vfdev, &img->mbox);
	pci_dev_put(vfdev);
	/* Whose accesses nobody holds back may be writing when it goes on. */
	img->mbox.begun &= vf->claimed;
}

/* HELLO and BYE: the driver has nothing more to do with what it had. */
static bool ends_session(const union svff_mbox_msg *msg)
{
	return msg->hdr.op == SVFF_MBOX_OP_HELLO || msg->hdr.op == SVFF_MBOX_OP_VF_BYE ||
	       msg->hdr.op == SVFF_MBOX_OP_PF_RESET_VF_BYE;
}

/* The image goes, the request that it kept is served, or is refused for want of a session. */
static void let_go_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	struct pf_image *img = vf->image;

	lockdep_assert_held(&pf->lock);
	vf->image = NULL;
	if (img->held)
		pf_serve_held_locked(pf, vf, &img->request);
	kvfree(img);
}

static void load_mailbox(struct svff_pf *pf, struct pf_vf *vf, const struct pf_image *img)
{
	struct pci_dev *vfdev = pf_vf_device(pf, pf_vf_number(pf, vf));
	unsigned int i = 0;

	lockdep_assert_held(&pf->lock);
	vf->seq = img->seq;
	if (vfdev && (img->mbox.vector || img->mbox.enable || img->mbox.begun))
		svff_qdma_vf_mbox_load(pf->qd, vfdev, &img->mbox);
	pci_dev_put(vfdev);
	if (img->in_buffer && svff_qdma_mbox_pending(pf->qd, vf->session.func))
		i++;
	for (; i < img->num_msgs; i++)
		if (svff_qdma_mbox_send(pf->qd, vf->session.func, &img->msg[i]))
			vf->stats.dropped++;
}

/* The VF works: where it was, or where it was put. Doorbells of one that was stuck may have been lost. */
static void end_move_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	bool tell = vf->image->asked || vf->stuck;

	lockdep_assert_held(&pf->lock);
	vf->moving = false;
	vf->stuck = false;
	if (vf->image->cleared)
		load_mailbox(pf, vf, vf->image);
	if (tell)
		pf_tell_resume_locked(pf, vf);
	let_go_locked(pf, vf);
}

/* Half of its queues may work. The card may come to itself. */
static void stick_locked(struct svff_pf *pf, struct pf_vf *vf, int err)
{
	lockdep_assert_held(&pf->lock);
	vf->stuck = true;
	dev_err(&pf->pdev->dev, "VF%u: queues that were halted do not go on yet (%pe)\n",
		pf_vf_number(pf, vf), ERR_PTR(err));
	schedule_delayed_work(&pf->stuck_work, msecs_to_jiffies(PF_STUCK_MS));
}

/* As it was: what was saved may have lost something that only a load brings back. */
static void go_on(struct svff_pf *pf, unsigned int n, struct pf_image *img)
{
	struct pf_vf *vf;
	int err;

	err = pf_image_load(pf, img, &img->session);
	if (!err)
		err = pf_image_start(pf, img, &img->session);
	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	if (err)
		stick_locked(pf, vf, err);
	else
		end_move_locked(pf, vf);
}

/* Return: 0 if it is paused; 1 if it is gone; else it is to go on. */
static int end_stop(struct svff_pf *pf, unsigned int n, struct pf_image *img)
{
	struct pf_vf *vf;
	int err;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	/* Who starts anew, or goes, gets everything cleared with the request. */
	if (img->held && ends_session(&img->request) && !vf->claimed) {
		vf->moving = false;
		let_go_locked(pf, vf);
		return 1;
	}
	save_mailbox(pf, vf, img);
	img->rings_to_load = true;
	img->cleared = true;
	err = pf_release_locked(pf, vf);
	if (err) {
		dev_err(&pf->pdev->dev, "VF%u is not paused: its contexts are not cleared (%pe)\n", n,
			ERR_PTR(err));
		return err;
	}
	vf->moving = false;
	pf_state_enter_locked(pf, vf, SVFF_VF_PAUSED);
	return 0;
}

/* Tries again what the card did not take. Return: 1 if the VF goes on now, 0 if it did. */
static int unstick(struct svff_pf *pf, unsigned int n)
{
	struct pf_image *img;
	struct pf_vf *vf;
	int err;

	lockdep_assert_held(&pf->pause_lock);
	scoped_guard(mutex, &pf->lock) {
		vf = pf_vf(pf, n);
		if (!vf->stuck)
			return 0;
		if (!pf->up)
			return -EIO;
		vf->stuck = false;
		img = vf->image;
	}
	err = pf_image_load(pf, img, &img->session);
	if (!err)
		err = pf_image_start(pf, img, &img->session);
	guard(mutex)(&pf->lock);
	vf->stuck = true;
	if (!err)
		end_move_locked(pf, vf);
	return err ?: 1;
}

static void stuck_work(struct work_struct *work)
{
	struct svff_pf *pf = container_of(work, struct svff_pf, stuck_work.work);
	bool again = false;
	unsigned int n;

	guard(mutex)(&pf->pause_lock);
	for (n = 1; n <= pf->total_vfs; n++)
		again |= unstick(pf, n) < 0;
	if (again)
		schedule_delayed_work(&pf->stuck_work, msecs_to_jiffies(PF_STUCK_MS));
}

/**
 * pf_move_init() - before the first pause
 * @pf: card
 *
 * Context: any.
 */
void pf_move_init(struct svff_pf *pf)
{
	INIT_DELAYED_WORK(&pf->stuck_work, stuck_work);
}

/**
 * pf_forget_stuck() - the card goes, or is reset: VFs that do not go on begin anew
 * @pf: card, whose pause_lock is held
 *
 * Context: process; takes svff_pf.lock.
 */
void pf_forget_stuck(struct svff_pf *pf)
{
	unsigned int n;

	lockdep_assert_held(&pf->pause_lock);
	guard(mutex)(&pf->lock);
	for (n = 1; n <= pf->total_vfs; n++)
		if (pf_vf(pf, n)->stuck)
			pf_image_drop_locked(pf, pf_vf(pf, n));
}

/**
 * pf_vf_stop() - pause a VF whose doorbells are held back
 * @pf: card, whose pause_lock is held
 * @n: VF number, of those that the card can have
 * @asked: its driver was asked for that, and is to be told when it works again
 *
 * Context: process; sleeps as pf_image_quiesce() does.
 * Return: 0; -ENODEV if there is no such VF, or its driver went meanwhile;
 * -EALREADY if it is paused; -EBUSY if it is being reset, has failed or, @asked, has
 * just gone on after the card took no commands; -EIO if the card is down; -ETIMEDOUT
 * if its queues do not come to rest; -EOPNOTSUPP if the card does not tell enough of
 * them; -ENOMEM; errno of a context command. On failure the VF goes on, at once or as
 * soon as the card takes context commands again.
 */
int pf_vf_stop(struct svff_pf *pf, unsigned int n, bool asked)
{
	struct pf_image *img;
	int err;

	lockdep_assert_held(&pf->pause_lock);
	err = unstick(pf, n);
	/* Its driver has just been told to go on. */
	if (err > 0 && asked)
		return -EBUSY;
	if (err >= 0)
		err = begin_stop(pf, n, asked, &img);
	if (err && asked)
		pf_tell_resume(pf, n);
	if (err)
		return err;
	err = pf_image_quiesce(pf, img);
	if (!err)
		err = end_stop(pf, n, img);
	if (err < 0)
		go_on(pf, n, img);
	return err > 0 ? -ENODEV : err;
}

static int begin_run(struct svff_pf *pf, unsigned int n, struct pf_image **image,
		     struct pf_session *next)
{
	struct pf_vf *vf;
	int err;

	guard(mutex)(&pf->lock);
	vf = pf_vf_find_locked(pf, n);
	if (IS_ERR(vf))
		return PTR_ERR(vf);
	if (vf->state != SVFF_VF_PAUSED)
		return -EINVAL;
	pf_learn_vectors_locked(pf, vf);
	err = pf_image_fits(vf->image, &vf->session);
	if (err == -EXDEV)
		dev_err(&pf->pdev->dev,
			"VF%u: not resumed: it has an interrupt ring, and was function %u with queues from %u\n",
			n, vf->image->session.func, vf->image->session.base);
	if (err)
		return err;
	pf_image_place(vf->image, &vf->session, next);
	pf_image_rewind(pf, vf->image);
	vf->moving = true;
	*image = vf->image;
	return 0;
}

static void stay_paused(struct svff_pf *pf, unsigned int n, const struct pf_session *next, int err)
{
	bool dirty;

	dev_err(&pf->pdev->dev, "VF%u stays paused: its contexts cannot be written (%pe)\n", n, ERR_PTR(err));
	dirty = pf_image_unload(pf, next);
	guard(mutex)(&pf->lock);
	pf_vf(pf, n)->moving = false;
	/* Who has the range next gets it cleared. */
	if (dirty)
		pf_vf(pf, n)->session.dirty = true;
}

/* There is no way back: what works has changed already. So @err is made up for later. */
static void end_run(struct svff_pf *pf, unsigned int n, const struct pf_session *next, int err)
{
	struct pf_vf *vf;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	vf->image->session = *next;
	pf_session_set_locked(pf, vf, next);
	pf_state_enter_locked(pf, vf, next->hello ? SVFF_VF_ACTIVE : SVFF_VF_READY);
	vf->stats.pauses++;
	vf->stats.last_pause_us = div_u64(ktime_get_ns() - vf->image->since_ns, NSEC_PER_USEC);
	if (err)
		stick_locked(pf, vf, err);
	else
		end_move_locked(pf, vf);
}

/**
 * pf_vf_run() - have a paused VF go on
 * @pf: card, whose pause_lock is held
 * @n: VF number, of those that the card can have
 *
 * Context: process.
 * Return: 0; -ENODEV if there is no such VF; -EINVAL if it is not paused; -EIO if
 * the card is down; -ENOSPC if it has fewer queues than it was granted, -ERANGE if
 * fewer vectors; -EXDEV if it has an interrupt ring and is not the same function with
 * the same queues; errno of a context command. On failure it is paused, and it can be
 * tried again. Once the first queue works it has succeeded; if the card refuses a
 * command after that, the rest of the queues follows as soon as it does not any more.
 */
int pf_vf_run(struct svff_pf *pf, unsigned int n)
{
	struct pf_session next;
	struct pf_image *img;
	int err;

	lockdep_assert_held(&pf->pause_lock);
	err = begin_run(pf, n, &img, &next);
	if (err)
		return err;
	err = pf_image_load(pf, img, &next);
	if (err)
		stay_paused(pf, n, &next, err);
	else
		end_run(pf, n, &next, pf_image_start(pf, img, &next));
	return err;
}

/**
 * pf_image_drop_locked() - a VF begins anew: what was kept of it is forgotten
 * @pf: card
 * @vf: VF; nothing happens if it has no image, or is just getting or leaving it and
 *	not stuck
 *
 * Context: process, svff_pf.lock held.
 */
void pf_image_drop_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	lockdep_assert_held(&pf->lock);
	if (!vf->image || (vf->moving && !vf->stuck))
		return;
	vf->moving = false;
	vf->stuck = false;
	kvfree(vf->image);
	vf->image = NULL;
	if (vf->state == SVFF_VF_PAUSED)
		pf_state_enter_locked(pf, vf, SVFF_VF_READY);
}

/**
 * pf_hold_locked() - is a message of a VF to be kept until the VF is resumed?
 * @pf: card
 * @vf: VF
 * @msg: message
 *
 * Context: process, svff_pf.lock held.
 * Return: true if it was kept, or has to be dropped; false if it is to be handled.
 */
bool pf_hold_locked(struct svff_pf *pf, struct pf_vf *vf, const union svff_mbox_msg *msg)
{
	struct pf_image *img = vf->image;

	lockdep_assert_held(&pf->lock);
	if (!img || (!vf->moving && vf->state != SVFF_VF_PAUSED) || (msg->hdr.op & SVFF_MBOX_RSP))
		return false;
	if (ends_session(msg) && !vf->moving && !vf->claimed) {
		pf_state_enter_locked(pf, vf, SVFF_VF_READY);
		let_go_locked(pf, vf);
		return false;
	}
	/* Of two the first was given up, and the last may take it back; but a session stays new, or ended. */
	vf->stats.dropped += img->held;
	if (!img->held || ends_session(msg) || !ends_session(&img->request))
		img->request = *msg;
	img->held = true;
	return true;
}
