// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Which function owns which queues
 *
 * Each VF has a quota: the administrator's for this VF, or the card's default.
 * When VFs are made each gets a contiguous range of that many queues, before
 * the PCI core shows the VF to anybody; the range is its own until the VF is
 * removed, and it gets the same one again when it is made anew, if it can be.
 * What a VF asks for by mailbox comes out of that range, so a VF can neither
 * starve nor fragment the others. The doorbells of a VF stay unmapped until it
 * asks for them: a VF that nobody drives can start nothing.
 */
#include "pf.h"

#include <linux/ratelimit.h>
#include <linux/slab.h>

#define PF_COMPLAINTS_INTERVAL	(5 * HZ)
#define PF_COMPLAINTS_BURST	5

/**
 * pf_provision_init() - make the table of VFs
 * @pf: card; total_vfs and first_func are set
 *
 * Context: process, before anybody else can see @pf.
 * Return: 0 or -ENOMEM.
 */
int pf_provision_init(struct svff_pf *pf)
{
	unsigned int i;

	pf->vf_queues_default = PF_VF_QUEUES_DEFAULT;
	pf->vf_message_rate = PF_THROTTLE_RATE;
	pf->own_queues = PF_OWN_QUEUES_DEFAULT;
	pf->own_base = SVFF_QDMA_NO_RANGE;
	if (!pf->total_vfs)
		return 0;
	pf->vfs = devm_kcalloc(&pf->pdev->dev, pf->total_vfs, sizeof(*pf->vfs),
			       GFP_KERNEL);
	if (!pf->vfs)
		return -ENOMEM;
	for (i = 0; i < pf->total_vfs; i++) {
		struct pf_vf *vf = &pf->vfs[i];

		vf->state = SVFF_VF_ABSENT;
		vf->quota = PF_QUOTA_UNSET;
		vf->session.func = pf->first_func + i;
		ratelimit_state_init(&vf->complaints, PF_COMPLAINTS_INTERVAL,
				     PF_COMPLAINTS_BURST);
		/* Its own summary of what it held back would name no VF. */
		ratelimit_set_flags(&vf->complaints, RATELIMIT_MSG_ON_RELEASE);
	}
	return 0;
}

/**
 * pf_quota_locked() - how many queues a VF may have
 * @pf: card
 * @n: VF number
 *
 * Context: process, svff_pf.lock held.
 * Return: queues that it has if it exists, else those that it would get.
 */
u32 pf_quota_locked(struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf = pf_vf(pf, n);

	if (vf->state != SVFF_VF_ABSENT)
		return vf->session.quota;
	return vf->quota == PF_QUOTA_UNSET ? pf->vf_queues_default : vf->quota;
}

/*
 * With @again where the VF was the last time it existed, if that is free: what it
 * left behind in a guest, or in a saved state, may name hardware queues.
 */
static int take_range(struct svff_pf *pf, unsigned int n, bool again)
{
	struct pf_vf *vf = pf_vf(pf, n);
	u32 quota = pf_quota_locked(pf, n);
	u32 base = vf->last_base;
	int err;

	if (!quota || vf->session.quota)
		return 0;
	if (again && quota != vf->last_quota)
		return 0;
	err = again ? svff_qdma_range_alloc_at(pf->qd, vf->session.func, quota, base) :
		      svff_qdma_range_alloc(pf->qd, vf->session.func, quota, &base);
	if (err)
		return err;
	vf->session.base = base;
	vf->session.quota = quota;
	return 0;
}

static void give_back_range(struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf = pf_vf(pf, n);

	if (vf->session.quota)
		svff_qdma_range_free(pf->qd, vf->session.func);
	vf->session.quota = 0;
}

static int take_ranges(struct svff_pf *pf, unsigned int num, bool again)
{
	struct device *dev = &pf->pdev->dev;
	unsigned int n;
	int err = 0;

	for (n = 1; again && n <= num; n++)
		take_range(pf, n, true);
	for (n = 1; !err && n <= num; n++)
		err = take_range(pf, n, false);
	if (!err)
		return 0;
	if (err != -ENOSPC)
		dev_err(dev, "VF%u: its queues cannot be cleared (%pe)\n", n - 1, ERR_PTR(err));
	else if (!again)
		dev_err(dev, "VF%u: cannot reserve %u queues, %u are free, %u in one piece (%pe); lower the queues of a VF or pf_queues\n",
			n - 1, pf_quota_locked(pf, n - 1), svff_qdma_range_avail(pf->qd),
			svff_qdma_range_largest(pf->qd), ERR_PTR(err));
	for (n = 1; n <= num; n++)
		give_back_range(pf, n);
	return err;
}

static int provision_vf(struct svff_pf *pf, unsigned int n, unsigned int num)
{
	struct pf_vf *vf = pf_vf(pf, n);
	int err;

	/* What an earlier driver left in the function map would be live at once. */
	err = svff_qdma_fmap_write(pf->qd, vf->session.func, 0, 0);
	if (err)
		return err;
	if (!vf->session.quota)
		vf->session.base = SVFF_QDMA_NO_RANGE;
	pf_session_keep_rings(&vf->session, n, pf->first_func, pf->total_vfs, num);
	pf_throttle_anew_locked(pf, vf);
	memset(&vf->stats, 0, sizeof(vf->stats));
	vf->fresh = true;
	vf->unreset = false;
	vf->told = false;
	pf_state_enter_locked(pf, vf, SVFF_VF_READY);
	if (vf->image)
		pf_state_enter_locked(pf, vf, SVFF_VF_PAUSED);
	return 0;
}

/* Cannot fail: contexts that the card does not clear die with the VF's reset, or the card. */
static void unprovision_vf(struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf = pf_vf(pf, n);
	struct pf_session empty = { .func = vf->session.func };
	int err = 0;

	if (vf->stuck)
		pf_image_drop_locked(pf, vf);
	if (vf->session.hello || vf->session.dirty || vf->session.rings)
		err = pf_release_locked(pf, vf);
	if (err && err != -ENODEV)
		dev_err(&pf->pdev->dev, "VF%u: contexts not cleared (%pe)\n", n,
			ERR_PTR(err));
	vf->last_base = vf->session.base;
	vf->last_quota = vf->session.quota;
	give_back_range(pf, n);
	pf_session_set_locked(pf, vf, &empty);
	pf_throttle_anew_locked(pf, vf);
	pf_state_enter_locked(pf, vf, SVFF_VF_ABSENT);
}

/**
 * pf_unprovision_vfs() - take the ranges of all VFs back
 * @pf: card
 *
 * What is kept of those that are paused stays.
 *
 * Context: process; the VFs are gone. Takes svff_pf.pause_lock.
 */
void pf_unprovision_vfs(struct svff_pf *pf)
{
	guard(mutex)(&pf->pause_lock);
	guard(mutex)(&pf->lock);
	for (; pf->num_vfs; pf->num_vfs--)
		unprovision_vf(pf, pf->num_vfs);
}

/* Those that were never made have their ranges, but are not VFs yet. */
static int provision_locked(struct svff_pf *pf, unsigned int num)
{
	unsigned int n;
	int err;

	lockdep_assert_held(&pf->lock);
	err = take_ranges(pf, num, true);
	if (err == -ENOSPC)
		err = take_ranges(pf, num, false);
	if (err)
		return err;
	for (err = 0; !err && pf->num_vfs < num; pf->num_vfs += !err)
		err = provision_vf(pf, pf->num_vfs + 1, num);
	if (!err)
		return 0;
	dev_err(&pf->pdev->dev, "VF%u: its doorbells cannot be unmapped (%pe)\n", pf->num_vfs + 1,
		ERR_PTR(err));
	for (n = pf->num_vfs + 1; n <= num; n++)
		give_back_range(pf, n);
	return err;
}

/**
 * pf_provision_vfs() - give each VF its range
 * @pf: card
 * @num: number of VFs, 1 to TotalVFs
 *
 * All or nothing. A VF whose quota did not change gets the range that it had
 * the last time, unless the quotas of the others do not fit around it.
 *
 * Context: process; there are no VFs. Takes svff_pf.lock.
 * Return: 0; -ENOSPC if the quotas do not fit; errno of a context command.
 */
int pf_provision_vfs(struct svff_pf *pf, unsigned int num)
{
	int err;

	scoped_guard(mutex, &pf->lock)
		err = provision_locked(pf, num);
	if (err)
		pf_unprovision_vfs(pf);
	return err;
}

static int check_quota(struct svff_pf *pf, u32 queues)
{
	if (queues > svff_qdma_range_avail(pf->qd))
		return -ENOSPC;
	return queues > PF_VF_QUEUES_MAX ? -ERANGE : 0;
}

/*
 * The range stays where it is: contexts hold its queues' numbers. What is cut
 * off is cleared first, for it may hold addresses of the VF.
 */
static int resize_locked(struct svff_pf *pf, struct pf_vf *vf, u32 queues)
{
	struct pf_session *s = &vf->session;
	int err = 0;

	if (queues < s->quota && s->dirty)
		err = svff_qdma_range_clear(pf->qd, s->base + queues, s->quota - queues);
	if (!err)
		err = svff_qdma_range_resize(pf->qd, s->func, queues);
	if (err)
		return err;
	s->quota = queues;
	pf_notify_quota_locked(pf, vf);
	return 0;
}

/* A VF that exists keeps its quota, unless its driver can be told of another. */
static int live_quota_set(struct svff_pf *pf, struct pf_vf *vf, u32 queues)
{
	struct pf_session *s = &vf->session;

	if (!(s->ext & SVFF_MBOX_EXT_QUOTA) || queues < s->granted || vf->moving)
		return -EBUSY;
	/* Without queues there is no range that could stay where it is. */
	if (!queues || !s->quota)
		return -EBUSY;
	return queues == s->quota ? 0 : resize_locked(pf, vf, queues);
}

/* No driver has introduced itself: nobody knows which queues the VF has. */
static bool is_idle(struct svff_pf *pf, struct pf_vf *vf)
{
	return !pf_state_in_use_locked(pf, vf) && vf->state == SVFF_VF_READY &&
	       !vf->session.hello && !vf->session.dirty;
}

static int idle_quota_set(struct svff_pf *pf, struct pf_vf *vf, u32 queues)
{
	struct pf_session *s = &vf->session;
	u32 base = queues ? s->base : SVFF_QDMA_NO_RANGE;
	int err = 0;

	if (queues == s->quota)
		return 0;
	if (!queues)
		svff_qdma_range_free(pf->qd, s->func);
	else if (s->quota)
		err = svff_qdma_range_resize(pf->qd, s->func, queues);
	else
		err = svff_qdma_range_alloc(pf->qd, s->func, queues, &base);
	if (err)
		return err;
	s->base = base;
	s->quota = queues;
	return 0;
}

/**
 * pf_quota_set() - set the quota of a VF
 * @pf: card
 * @n: VF number
 * @queues: its quota
 *
 * Context: process; takes svff_pf.lock.
 * A VF that exists and that no driver has taken up gets it at once.
 *
 * Return: 0; -EBUSY if the VF has a driver that cannot be told, or has got
 * more already; -ENOSPC if so many are not free; -ERANGE if the hardware cannot
 * give a VF so many; -EIO if it exists and the card is down, or is just being
 * reset; errno of a context command.
 */
int pf_quota_set(struct svff_pf *pf, unsigned int n, u32 queues)
{
	struct pf_vf *vf;
	int err;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	err = vf->state == SVFF_VF_ABSENT ? check_quota(pf, queues) :
	      queues > PF_VF_QUEUES_MAX ? -ERANGE :
	      !pf->up ? -EIO :	/* the PF gets the queues again that it had */
	      is_idle(pf, vf) ? idle_quota_set(pf, vf, queues) : live_quota_set(pf, vf, queues);
	if (!err)
		vf->quota = queues;
	return err;
}

/**
 * pf_quota_default_set() - set the quota of VFs that have no own setting
 * @pf: card
 * @queues: the quota; VFs that exist keep theirs
 *
 * Context: process; takes svff_pf.lock.
 * Return: 0, -ENOSPC or -ERANGE as pf_quota_set().
 */
int pf_quota_default_set(struct svff_pf *pf, u32 queues)
{
	int err;

	guard(mutex)(&pf->lock);
	err = check_quota(pf, queues);
	if (!err)
		pf->vf_queues_default = queues;
	return err;
}

/**
 * pf_message_rate_set() - set how many messages a VF may send
 * @pf: card
 * @rate: messages per second
 *
 * All VFs start anew; who was muted is heard.
 *
 * Context: process; takes svff_pf.lock.
 * Return: 0, or -ERANGE for 0 and above PF_THROTTLE_RATE_MAX.
 */
int pf_message_rate_set(struct svff_pf *pf, u32 rate)
{
	unsigned int n;

	if (!rate || rate > PF_THROTTLE_RATE_MAX)
		return -ERANGE;
	guard(mutex)(&pf->lock);
	pf->vf_message_rate = rate;
	for (n = 1; n <= pf->num_vfs; n++)
		pf_throttle_anew_locked(pf, pf_vf(pf, n));
	return 0;
}

static int own_start(struct svff_pf *pf, u32 queues)
{
	u16 func = pf->card.func;
	u32 base;
	int err;

	lockdep_assert_held(&pf->own_lock);
	if (!queues)
		return 0;
	err = svff_qdma_range_alloc(pf->qd, func, queues, &base);
	if (err)
		return err;
	err = svff_qdma_fmap_write(pf->qd, func, base, queues);
	if (err)
		goto free_range;
	err = svff_qdma_data_create(pf->qd, base, queues);
	if (err)
		goto unmap;
	pf->own_base = base;
	return 0;

unmap:
	svff_qdma_fmap_write(pf->qd, func, 0, 0);
free_range:
	svff_qdma_range_free(pf->qd, func);
	return err;
}

static void lost_queues(struct svff_pf *pf, int err)
{
	dev_err(&pf->pdev->dev, "the PF lost its %u queues (%pe); set svff/pf_queues anew\n",
		pf->own_queues, ERR_PTR(err));
}

static int own_stop(struct svff_pf *pf, bool force)
{
	int err;

	lockdep_assert_held(&pf->own_lock);
	if (pf->own_base == SVFF_QDMA_NO_RANGE)
		return 0;
	err = svff_qdma_data_destroy(pf->qd, force);
	if (err)
		return err;
	svff_qdma_fmap_write(pf->qd, pf->card.func, 0, 0);
	/* A VF that gets the queues may read their contexts, which hold addresses. */
	svff_qdma_range_clear(pf->qd, pf->own_base, pf->own_queues);
	svff_qdma_range_free(pf->qd, pf->card.func);
	pf->own_base = SVFF_QDMA_NO_RANGE;
	return 0;
}

/**
 * pf_own_queues_start() - give the PF its own queues and its data device
 * @pf: card
 *
 * Context: process; takes svff_pf.own_lock.
 * Return: 0 or errno.
 */
int pf_own_queues_start(struct svff_pf *pf)
{
	int err;

	guard(mutex)(&pf->own_lock);
	err = own_start(pf, pf->own_queues);
	/* The PF lost them, and they are VFs' now: no reason to keep the VFs from working. */
	if (err == -ENOSPC && pf->num_vfs) {
		lost_queues(pf, err);
		err = 0;
	}
	pf->own_on = !err;
	return err;
}

/**
 * pf_own_queues_stop() - take them away, even while the device is open
 * @pf: card
 *
 * Context: process; takes svff_pf.own_lock.
 */
void pf_own_queues_stop(struct svff_pf *pf)
{
	guard(mutex)(&pf->own_lock);
	own_stop(pf, true);
	pf->own_on = false;
}

/**
 * pf_own_queues_set() - change how many queues the PF has for itself
 * @pf: card
 * @queues: how many; 0 for no data device
 *
 * Context: process; takes svff_pf.own_lock. On failure the old number is back, or, if that
 * fails too, there are none until it is set again.
 * Return: 0; -EBUSY while the data device is open; -ENOSPC if so many are not
 * free in one piece; -EIO if the card is down.
 */
int pf_own_queues_set(struct svff_pf *pf, u32 queues)
{
	int err, back;

	guard(mutex)(&pf->own_lock);
	if (!pf->own_on)
		return -EIO;
	if (queues == pf->own_queues && (!queues || pf->own_base != SVFF_QDMA_NO_RANGE))
		return 0;
	err = own_stop(pf, false);
	if (err)
		return err;
	err = own_start(pf, queues);
	if (!err) {
		pf->own_queues = queues;
		return 0;
	}
	back = own_start(pf, pf->own_queues);
	if (back)
		lost_queues(pf, back);
	return err;
}
