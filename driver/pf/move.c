// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two movements of a pause, see pause.c: from the card into a struct pf_image,
 * and from there onto the card; and what becomes of a VF's messages meanwhile.
 */
#include "pf.h"

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>

#define PF_REST_MS	200	/* that all queues of a VF together have to come to rest */
#define PF_REST_POLL_US	50

/**
 * pf_image_alloc() - an empty image
 * @queues: room for so many
 *
 * Context: process.
 * Return: the image, to be freed with kvfree(), or NULL.
 */
struct pf_image *pf_image_alloc(unsigned int queues)
{
	struct pf_image *img = kvzalloc(struct_size(img, queue, queues), GFP_KERNEL);

	if (img) {
		img->num_queues = queues;
		img->since_ns = ktime_get_ns();
	}
	return img;
}

static void list_queues(struct pf_image *img)
{
	const struct pf_session *s = &img->session;
	struct pf_image_queue *q = img->queue;
	unsigned int rel;

	for (rel = 0; rel < s->granted; rel++) {
		if (test_bit(rel, s->live[SVFF_MBOX_Q_H2C]))
			*q++ = (struct pf_image_queue){ .rel = rel, .dir = SVFF_QDMA_H2C };
		if (test_bit(rel, s->live[SVFF_MBOX_Q_C2H]))
			*q++ = (struct pf_image_queue){ .rel = rel, .dir = SVFF_QDMA_C2H };
	}
	img->num_queues = q - img->queue;
}

/* From here on the session stays as it is, and requests are kept. */
static int begin_stop(struct svff_pf *pf, unsigned int n, struct pf_image **image)
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
	list_queues(img);
	vf->image = img;
	vf->moving = true;
	*image = img;
	return 0;
}

static int halt_queues(struct svff_pf *pf, struct pf_image *img)
{
	unsigned int i;
	int err;

	for (i = 0; i < img->num_queues; i++) {
		struct pf_image_queue *q = &img->queue[i];
		struct svff_qdma_hwq hwq = pf_image_hwq(&img->session, q);

		err = svff_qdma_hwq_kind(pf->qd, &hwq, &q->enabled);
		q->st = hwq.st;
		if (!err && q->enabled)
			err = svff_qdma_hwq_halt(pf->qd, &hwq);
		if (err)
			return err;
	}
	return 0;
}

static int await_rest(struct svff_pf *pf, const struct pf_image *img)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(PF_REST_MS);
	unsigned int i = 0;

	while (i < img->num_queues) {
		struct svff_qdma_hwq hwq = pf_image_hwq(&img->session, &img->queue[i]);
		bool late = time_after(jiffies, deadline);
		int ret = svff_qdma_hwq_at_rest(pf->qd, &hwq);

		if (ret < 0)
			return ret;
		i += ret;
		if (!ret && late)
			return -ETIMEDOUT;
		if (!ret)
			usleep_range(PF_REST_POLL_US, 2 * PF_REST_POLL_US);
	}
	return 0;
}

static int save_rings(struct svff_pf *pf, struct pf_image *img)
{
	const struct pf_session *s = &img->session;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < PF_RINGS_MAX; i++)
		if (s->rings & BIT(i))
			err = svff_qdma_irq_ring_save(pf->qd, pf_session_ring(s, i), img->ring[i]);
	return err;
}

static int load_rings(struct svff_pf *pf, const struct pf_image *img, const struct pf_session *s)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < PF_RINGS_MAX; i++)
		if (s->rings & BIT(i))
			err = svff_qdma_irq_ring_load(pf->qd, pf_session_ring(s, i), s->func, img->ring[i]);
	return err;
}

static int clear_rings(struct svff_pf *pf, const struct pf_session *s)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < PF_RINGS_MAX; i++)
		if (s->rings & BIT(i))
			err = svff_qdma_irq_ring_clear(pf->qd, pf_session_ring(s, i)) ?: err;
	return err;
}

static int save_queues(struct svff_pf *pf, struct pf_image *img, unsigned int *saved)
{
	int err = 0;

	for (*saved = 0; !err && *saved < img->num_queues; ) {
		struct pf_image_queue *q = &img->queue[*saved];
		struct svff_qdma_hwq hwq = pf_image_hwq(&img->session, q);

		err = svff_qdma_hwq_save(pf->qd, &hwq, q->enabled, &q->state);
		*saved += !err || err == -EAGAIN;
	}
	if (err)
		return err == -EAGAIN ? -ETIMEDOUT : err;
	return save_rings(pf, img);
}

/* As it was: what was saved may have lost something that only a load brings back. */
static void go_on(struct svff_pf *pf, struct pf_image *img, unsigned int saved)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < img->num_queues; i++) {
		struct pf_image_queue *q = &img->queue[i];
		struct svff_qdma_hwq hwq = pf_image_hwq(&img->session, q);
		int ret = 0;

		if (i < saved)
			ret = svff_qdma_hwq_load(pf->qd, &hwq, &q->state);
		else if (q->enabled)
			ret = svff_qdma_hwq_unhalt(pf->qd, &hwq);
		err = err ?: ret;
	}
	if (err)
		dev_err(&pf->pdev->dev, "function %u: queues that were halted do not go on (%pe)\n",
			img->session.func, ERR_PTR(err));
}

static int quiesce(struct svff_pf *pf, struct pf_image *img)
{
	unsigned int saved = 0;
	int err;

	err = halt_queues(pf, img);
	if (!err)
		err = await_rest(pf, img);
	if (!err)
		err = save_queues(pf, img, &saved);
	if (err)
		go_on(pf, img, saved);
	else
		svff_qdma_mbox_drain(pf->qd);
	return err;
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

static int end_stop(struct svff_pf *pf, unsigned int n, int err)
{
	struct pf_vf *vf;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	vf->moving = false;
	/* Who starts anew, or goes, gets everything cleared with the request. */
	if (!err && vf->image->held && ends_session(&vf->image->request) && !vf->claimed)
		err = -ENODEV;
	if (err) {
		let_go_locked(pf, vf);
		return err;
	}
	save_mailbox(pf, vf, vf->image);
	err = pf_release_locked(pf, vf);
	pf_state_enter_locked(pf, vf, err ? SVFF_VF_ERROR : SVFF_VF_PAUSED);
	if (err) {
		dev_err(&pf->pdev->dev, "VF%u: contexts not cleared (%pe)\n", n, ERR_PTR(err));
		kvfree(vf->image);
		vf->image = NULL;
	}
	return err;
}

/**
 * pf_vf_stop() - pause a VF whose doorbells are held back
 * @pf: card
 * @n: VF number, of those that the card can have
 *
 * Context: process; takes pause_lock; sleeps up to PF_REST_MS and what context
 * commands take.
 * Return: 0; -ENODEV if there is no such VF, or its driver went meanwhile;
 * -EALREADY if it is paused; -EBUSY if it is being reset or has failed; -EIO if the
 * card is down; -ETIMEDOUT if its queues do not come to rest; -EOPNOTSUPP if the
 * card does not tell enough of them; -ENOMEM; errno of a context command. On failure
 * the VF goes on, unless the card does not even clear its contexts.
 */
int pf_vf_stop(struct svff_pf *pf, unsigned int n)
{
	struct pf_image *img;
	int err;

	guard(mutex)(&pf->pause_lock);
	err = begin_stop(pf, n, &img);
	if (err)
		return err;
	err = quiesce(pf, img);
	return end_stop(pf, n, err);
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
	vf->moving = true;
	*image = vf->image;
	return 0;
}

static int load_all(struct svff_pf *pf, const struct pf_image *img, const struct pf_session *s)
{
	unsigned int i;
	int err = load_rings(pf, img, s);

	for (i = 0; !err && i < img->num_queues; i++) {
		struct svff_qdma_hwq hwq = pf_image_hwq(s, &img->queue[i]);

		err = svff_qdma_hwq_load(pf->qd, &hwq, &img->queue[i].state);
	}
	if (!err && s->mapped)
		err = svff_qdma_fmap_write(pf->qd, s->func, s->base, s->granted);
	return err;
}

static void unload_all(struct svff_pf *pf, const struct pf_session *s)
{
	int err = svff_qdma_fmap_write(pf->qd, s->func, 0, 0);

	if (s->quota)
		err = svff_qdma_range_clear(pf->qd, s->base, s->quota) ?: err;
	err = clear_rings(pf, s) ?: err;
	if (err)
		dev_err(&pf->pdev->dev, "function %u: contexts not cleared (%pe)\n", s->func,
			ERR_PTR(err));
}

static void load_mailbox(struct svff_pf *pf, struct pf_vf *vf, const struct pf_image *img)
{
	struct pci_dev *vfdev = pf_vf_device(pf, pf_vf_number(pf, vf));
	unsigned int i = 0;

	lockdep_assert_held(&pf->lock);
	vf->seq = img->seq;
	if (vfdev && (img->mbox.vector || img->mbox.enable))
		svff_qdma_vf_mbox_load(pf->qd, vfdev, &img->mbox);
	pci_dev_put(vfdev);
	if (img->in_buffer && svff_qdma_mbox_pending(pf->qd, vf->session.func))
		i++;
	for (; i < img->num_msgs; i++)
		if (svff_qdma_mbox_send(pf->qd, vf->session.func, &img->msg[i]))
			vf->stats.dropped++;
}

static int end_run(struct svff_pf *pf, unsigned int n, const struct pf_session *next, int err)
{
	struct pf_vf *vf;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	vf->moving = false;
	if (err)
		return err;
	pf_session_set_locked(pf, vf, next);
	pf_state_enter_locked(pf, vf, next->hello ? SVFF_VF_ACTIVE : SVFF_VF_READY);
	load_mailbox(pf, vf, vf->image);
	vf->stats.pauses++;
	vf->stats.last_pause_us = div_u64(ktime_get_ns() - vf->image->since_ns, NSEC_PER_USEC);
	let_go_locked(pf, vf);
	return 0;
}

/**
 * pf_vf_run() - have a paused VF go on
 * @pf: card
 * @n: VF number, of those that the card can have
 *
 * Context: process; takes pause_lock.
 * Return: 0; -ENODEV if there is no such VF; -EINVAL if it is not paused; -EIO if
 * the card is down; -ENOSPC if it has fewer queues than it was granted, -ERANGE if
 * fewer vectors; -EXDEV if it has an interrupt ring and is not the same function with
 * the same queues; errno of a context command. On failure it is paused, and it can be
 * tried again.
 */
int pf_vf_run(struct svff_pf *pf, unsigned int n)
{
	struct pf_session next;
	struct pf_image *img;
	int err;

	guard(mutex)(&pf->pause_lock);
	err = begin_run(pf, n, &img, &next);
	if (err)
		return err;
	err = load_all(pf, img, &next);
	if (err)
		unload_all(pf, &next);
	return end_run(pf, n, &next, err);
}

/**
 * pf_image_drop_locked() - a VF begins anew: what was kept of it is forgotten
 * @pf: card
 * @vf: VF; nothing happens if it has no image, or is just getting or leaving it
 *
 * Context: process, svff_pf.lock held.
 */
void pf_image_drop_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	lockdep_assert_held(&pf->lock);
	if (!vf->image || vf->moving)
		return;
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
	if (img->held && !ends_session(msg)) {
		vf->stats.dropped++;
		return true;
	}
	img->held = true;
	img->request = *msg;
	return true;
}
