// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Pausing a VF
 *
 *	       halt every queue      at rest: contexts, mailbox
 *	ACTIVE  ------------>  (moving)  ------------>  PAUSED
 *	  ^ ^      not at rest in time |                  |
 *	  | +--------------------------+                  |
 *	  +-------------------- (moving) <----------------+
 *	        contexts written, doorbells mapped, mailbox
 *
 * A paused VF has no context on the card; all there is of it is a struct
 * pf_image, from which it goes on, in the same function or, unless it has an
 * interrupt ring, in another, with the same queues or others. qdma/rest.c tells
 * what is kept of a queue, image.c what the image is as bytes. The image outlives
 * resets of the card and of the VF, and the VF itself: made anew, a VF that was
 * paused is paused. What ends it: a reset by the administrator or by VFIO, and a
 * VF's driver that says HELLO or BYE.
 *
 * A card that does not do what it is told is given up on after a while. A VF that
 * cannot be paused goes on, one that cannot be resumed stays paused. Where queues were
 * halted, and the card takes no context command to have them go on, the VF is stuck:
 * it is tried again until the card does, or the VF is reset or goes.
 *
 * A VF's driver notices nothing but time, if its doorbells are held back
 * meanwhile. A VFIO user (QEMU) does that by itself. Else the driver is asked, by
 * the extension of the mailbox, to be idle and to ring none; who has queues and does
 * not know the extension is not paused, unless the caller says that he holds the
 * doorbells back.
 *
 * Mailbox: a request of a VF that is being paused, or is paused, is kept, one, and
 * served when it is resumed; its driver waits for the answer as for any. What comes
 * behind it is dropped, as from a driver that sends without waiting. Messages to
 * the VF that it has not taken are kept too. If a reset has swallowed them they are
 * sent again, else they are where they were, so none is lost and none comes twice.
 * Its mailbox's interrupt is set up again, and what a VFIO user's guest has written
 * into the outgoing window is put back: the word that sends it may come after the pause.
 */
#include "pf.h"

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

/* A VF that no VFIO driver pauses and resumes, or errno. */
static struct pf_vf *find_unclaimed_locked(struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf = pf_vf_find_locked(pf, n);

	return !IS_ERR(vf) && vf->claimed ? ERR_PTR(-EBUSY) : vf;
}

/* What it says holds as long as pause_lock is held. */
static int check_unclaimed(struct svff_pf *pf, unsigned int n)
{
	lockdep_assert_held(&pf->pause_lock);
	guard(mutex)(&pf->lock);
	return PTR_ERR_OR_ZERO(find_unclaimed_locked(pf, n));
}

/* Whether the VF's driver is to be asked. Who has no queues rings no doorbells. */
static int must_ask(struct svff_pf *pf, unsigned int n, bool *ask)
{
	struct pf_vf *vf;
	bool active;

	guard(mutex)(&pf->lock);
	vf = find_unclaimed_locked(pf, n);
	if (IS_ERR(vf))
		return PTR_ERR(vf);
	active = pf_state_in_use_locked(pf, vf) && pf_session_active(&vf->session);
	*ask = vf->state == SVFF_VF_ACTIVE && (vf->session.ext & SVFF_MBOX_EXT_PAUSE);
	return active && !*ask ? -EOPNOTSUPP : 0;
}

/**
 * pf_vf_pause() - pause a VF
 * @pf: card
 * @n: VF number, of those that the card can have
 * @unasked: the caller holds its doorbells back, its driver need not be asked
 *
 * Context: process; sleeps up to 3 s for the driver; takes pause_lock, then as pf_vf_stop().
 * Return: as pf_vf_stop(); -EBUSY too if a VFIO driver pauses it or it is being asked;
 * -EOPNOTSUPP too if its driver does not know how to be asked; -ETIMEDOUT too if it
 * does not become idle; -EINTR if killed.
 */
int pf_vf_pause(struct svff_pf *pf, unsigned int n, bool unasked)
{
	bool ask;
	int err = must_ask(pf, n, &ask);

	if (err == -EOPNOTSUPP && unasked)
		err = 0;
	ask = ask && !unasked;
	if (!err && ask)
		err = pf_ask_pause(pf, n);
	if (err)
		return err;
	guard(mutex)(&pf->pause_lock);
	return check_unclaimed(pf, n) ?: pf_vf_stop(pf, n, ask);
}

/**
 * pf_vf_resume() - resume a VF
 * @pf: card
 * @n: VF number, of those that the card can have
 *
 * Context: process; takes pause_lock.
 * Return: as pf_vf_run(); -EBUSY if a VFIO driver pauses it.
 */
int pf_vf_resume(struct svff_pf *pf, unsigned int n)
{
	guard(mutex)(&pf->pause_lock);
	return check_unclaimed(pf, n) ?: pf_vf_run(pf, n);
}

/**
 * pf_vfs_pause() - pause some VFs, or none
 * @pf: card
 * @vfs: bit n is VF n
 * @unasked: see pf_vf_pause()
 * @failed: filled if it fails: the first that cannot be paused
 *
 * Those that are paused already are not touched.
 *
 * Context: process; takes pause_lock.
 * Return: 0 or what pf_vf_pause() said of @failed; then those that were paused go on.
 */
int pf_vfs_pause(struct svff_pf *pf, const unsigned long *vfs, bool unasked, unsigned int *failed)
{
	DECLARE_BITMAP(done, PF_FUNCTIONS_MAX) = {};
	unsigned int n, undo;
	int err;

	for_each_set_bit(n, vfs, pf->total_vfs + 1) {
		err = pf_vf_pause(pf, n, unasked);
		if (!err)
			__set_bit(n, done);
		if (!err || err == -EALREADY)
			continue;
		*failed = n;
		pf_vfs_resume(pf, done, &undo);
		return err;
	}
	return 0;
}

/**
 * pf_vfs_resume() - resume some VFs
 * @pf: card
 * @vfs: bit n is VF n
 * @failed: filled if it fails: the first that cannot be resumed
 *
 * Context: process; takes pause_lock.
 * Return: 0 or what pf_vf_resume() said of @failed. The others are resumed.
 */
int pf_vfs_resume(struct svff_pf *pf, const unsigned long *vfs, unsigned int *failed)
{
	unsigned int n;
	int err = 0, ret;

	for_each_set_bit(n, vfs, pf->total_vfs + 1) {
		ret = pf_vf_resume(pf, n);
		if (!ret)
			continue;
		if (!err)
			*failed = n;
		err = err ?: ret;
		dev_err(&pf->pdev->dev, "VF%u: not resumed (%pe)\n", n, ERR_PTR(ret));
	}
	return err;
}

/**
 * pf_vf_save() - the image of a paused VF as bytes
 * @pf: card
 * @n: VF number, of those that the card can have
 * @len: filled
 *
 * Context: process.
 * Return: the bytes, to be freed with kvfree(); or as ERR_PTR -EINVAL if it is not
 * paused, -ENOMEM.
 */
void *pf_vf_save(struct svff_pf *pf, unsigned int n, size_t *len)
{
	struct pf_image_card id;
	struct pf_vf *vf;
	void *bytes;

	guard(mutex)(&pf->pause_lock);
	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	/* One that is stuck works, in part, and not all of its image was filled. */
	if (!vf->image || vf->moving)
		return ERR_PTR(-EINVAL);
	*len = pf_image_size(vf->image);
	bytes = kvmalloc(*len, GFP_KERNEL_ACCOUNT);
	if (!bytes)
		return ERR_PTR(-ENOMEM);
	pf_image_card(&pf->card, &id);
	pf_image_encode(vf->image, &id, bytes);
	return bytes;
}

static int check_contexts(struct svff_pf *pf, const struct pf_image *img, const struct pf_session *vf)
{
	struct svff_qdma_grant grant = {
		.func = vf->func, .vectors = vf->vectors, .first_ring = vf->first_ring,
		.rings = img->session.rings,
	};
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < PF_RINGS_MAX; i++)
		if (grant.rings & BIT(i))
			err = svff_qdma_irq_ring_check(pf->qd, img->ring[i], &grant);
	for (i = 0; !err && i < img->num_queues; i++) {
		struct svff_qdma_hwq hwq = pf_image_hwq(vf, &img->queue[i]);

		if (hwq.st ? !pf->card.caps->st : !pf->card.caps->mm)
			return -EBADMSG;
		err = svff_qdma_hwq_check(pf->qd, &hwq, &img->queue[i].state, &grant);
	}
	return err;
}

/* For a VF that does nothing: nobody has it, or it is paused. */
static int put_image(struct svff_pf *pf, unsigned int n, struct pf_image *img)
{
	struct pf_vf *vf;
	int err;

	guard(mutex)(&pf->lock);
	vf = pf_vf_find_locked(pf, n);
	if (IS_ERR(vf))
		return PTR_ERR(vf);
	if (vf->state != SVFF_VF_PAUSED &&
	    (vf->state != SVFF_VF_READY || pf_state_in_use_locked(pf, vf)))
		return -EBUSY;
	pf_learn_vectors_locked(pf, vf);
	err = pf_image_fits(img, &vf->session) ?: check_contexts(pf, img, &vf->session);
	if (err)
		return err;
	kvfree(vf->image);
	vf->image = img;
	pf_state_enter_locked(pf, vf, SVFF_VF_PAUSED);
	return 0;
}

/**
 * pf_vf_load() - make bytes the image of a VF, which is paused then
 * @pf: card
 * @n: VF number, of those that the card can have
 * @bytes: from anybody
 * @len: how many
 *
 * Context: process, pause_lock held.
 * Return: 0; -ENODEV if there is no such VF; -EBUSY if it is in use; -EIO if the card
 * is down; -ENOMEM; for what is wrong with the bytes see image.c. On failure the VF
 * is as before.
 */
int pf_vf_load(struct svff_pf *pf, unsigned int n, const void *bytes, size_t len)
{
	struct pf_image_card id;
	struct pf_image *img;
	int ret;

	lockdep_assert_held(&pf->pause_lock);
	pf_image_card(&pf->card, &id);
	ret = pf_image_check(bytes, len, &id);
	if (ret < 0)
		return ret;
	img = pf_image_alloc(ret);
	if (!img)
		return -ENOMEM;
	pf_image_decode(bytes, img);
	ret = put_image(pf, n, img);
	if (ret)
		kvfree(img);
	return ret;
}

/**
 * pf_vf_load_unclaimed() - the same, but not behind a VFIO driver's back
 * @pf: card
 * @n: VF number, of those that the card can have
 * @bytes: from anybody
 * @len: how many
 *
 * Context: process; takes pause_lock.
 * Return: as pf_vf_load(); -EBUSY if a VFIO driver pauses the VF.
 */
int pf_vf_load_unclaimed(struct svff_pf *pf, unsigned int n, const void *bytes, size_t len)
{
	guard(mutex)(&pf->pause_lock);
	return check_unclaimed(pf, n) ?: pf_vf_load(pf, n, bytes, len);
}

/**
 * pf_images_free() - the card goes away
 * @pf: card, no VFs
 *
 * Context: process.
 */
void pf_images_free(struct svff_pf *pf)
{
	unsigned int n;

	cancel_delayed_work_sync(&pf->stuck_work);
	for (n = 0; n < pf->total_vfs; n++)
		kvfree(pf->vfs[n].image);
}
