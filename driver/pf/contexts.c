// SPDX-License-Identifier: GPL-2.0-only
/*
 * An image and the contexts on the card: queues are halted and saved, loaded and
 * started. A card that takes no context commands for a while stops this anywhere;
 * what brings a VF back to work (pf_image_load(), pf_image_start()) can be done
 * again then, and goes on where it was.
 */
#include "pf.h"

#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
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

/**
 * pf_image_list_queues() - the live queues of a session
 * @img: with the session
 *
 * Context: any.
 */
void pf_image_list_queues(struct pf_image *img)
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

/* Saves one more. Where that fails the queue may be cut off from its buffers, see save_stream() in rest.c. */
static int save_next(struct svff_pf *pf, struct pf_image *img)
{
	struct pf_image_queue *q = &img->queue[img->to_load];
	struct svff_qdma_hwq hwq = pf_image_hwq(&img->session, q);
	int err = svff_qdma_hwq_save(pf->qd, &hwq, q->enabled, &q->state);

	img->half_saved = err && err != -EAGAIN && err != -EOPNOTSUPP;
	img->to_load += !err || err == -EAGAIN;
	return err;
}

static int save_queues(struct svff_pf *pf, struct pf_image *img)
{
	int err = 0;

	while (!err && img->to_load < img->num_queues)
		err = save_next(pf, img);
	if (err)
		return err == -EAGAIN ? -ETIMEDOUT : err;
	return save_rings(pf, img);
}

/**
 * pf_image_quiesce() - halt a VF's queues, and read their contexts
 * @pf: card
 * @img: with the VF's session, and its queues as pf_image_list_queues() has them
 *
 * Context: process; sleeps up to PF_REST_MS and what context commands take.
 * Return: 0, -ETIMEDOUT if the queues do not come to rest, -EOPNOTSUPP if the card does
 * not tell enough of them, errno of a context command. On failure pf_image_load() and
 * pf_image_start() have them go on.
 */
int pf_image_quiesce(struct svff_pf *pf, struct pf_image *img)
{
	const char *what = "its queues cannot be halted";
	int err;

	err = halt_queues(pf, img);
	if (!err) {
		what = "its queues do not come to rest";
		err = await_rest(pf, img);
	}
	if (!err) {
		what = "its contexts cannot be read";
		err = save_queues(pf, img);
	}
	/* A VFIO user may try as often as it likes. */
	if (err)
		dev_err_ratelimited(&pf->pdev->dev, "function %u is not paused: %s (%pe)\n",
				    img->session.func, what, ERR_PTR(err));
	else
		svff_qdma_mbox_drain(pf->qd);
	return err;
}

/**
 * pf_image_load() - write back what has to be
 * @pf: card
 * @img: image
 * @s: session that it belongs to now
 *
 * Nothing works yet after that.
 *
 * Context: process.
 * Return: 0 or errno of a context command; it can be done again then.
 */
int pf_image_load(struct svff_pf *pf, struct pf_image *img, const struct pf_session *s)
{
	int err = 0;

	if (img->half_saved)
		err = save_next(pf, img);
	if (!err || err == -EAGAIN)
		err = img->rings_to_load ? load_rings(pf, img, s) : 0;
	/* Once a queue works the rings move on, and what is tried again leaves them alone. */
	if (!err)
		img->rings_to_load = false;
	while (!err && img->to_load) {
		struct pf_image_queue *q = &img->queue[img->to_load - 1];
		struct svff_qdma_hwq hwq = pf_image_hwq(s, q);

		err = svff_qdma_hwq_load(pf->qd, &hwq, &q->state);
		img->to_load -= !err;
	}
	return err;
}

/**
 * pf_image_start() - have queues work
 * @pf: card
 * @img: image, after pf_image_load(), which is not to be done again
 * @s: session that it belongs to now
 *
 * Context: process.
 * Return: 0 or errno of a context command; it can be done again then.
 */
int pf_image_start(struct svff_pf *pf, const struct pf_image *img, const struct pf_session *s)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < img->num_queues; i++) {
		struct svff_qdma_hwq hwq = pf_image_hwq(s, &img->queue[i]);

		if (img->queue[i].enabled)
			err = svff_qdma_hwq_unhalt(pf->qd, &hwq);
	}
	if (!err && img->cleared && s->mapped)
		err = svff_qdma_fmap_write(pf->qd, s->func, s->base, s->granted);
	return err;
}

/**
 * pf_image_rewind() - all of an image has to be loaded
 * @pf: card
 * @img: a whole image, perhaps from bytes, perhaps one that was tried before
 *
 * Context: any.
 */
void pf_image_rewind(struct svff_pf *pf, struct pf_image *img)
{
	unsigned int i;

	for (i = 0; i < img->num_queues; i++)
		img->queue[i].enabled = svff_qdma_hwq_enabled(pf->qd, &img->queue[i].state);
	img->to_load = img->num_queues;
	img->rings_to_load = true;
	img->cleared = true;
}

/**
 * pf_image_unload() - clear what pf_image_load() has written
 * @pf: card
 * @s: session
 *
 * What cannot be cleared does not work.
 *
 * Context: process.
 * Return: 0 or errno of a context command.
 */
int pf_image_unload(struct svff_pf *pf, const struct pf_session *s)
{
	int err = svff_qdma_fmap_write(pf->qd, s->func, 0, 0);

	if (s->quota)
		err = svff_qdma_range_clear(pf->qd, s->base, s->quota) ?: err;
	err = clear_rings(pf, s) ?: err;
	if (err)
		dev_err(&pf->pdev->dev, "function %u: contexts not cleared (%pe)\n", s->func,
			ERR_PTR(err));
	return err;
}
