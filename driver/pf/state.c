// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The life of a VF, as the PF sees it
 *
 *	                 sriov_numvfs                HELLO
 *	    +--------+  --------------->  +-------+  ------>  +--------+
 *	    | ABSENT |                    | READY |           | ACTIVE | <-+ HELLO
 *	    +--------+  <---------------  +-------+  <------  +--------+ --+
 *	         ^        sriov_numvfs=0    ^   |      BYE      ^   |
 *	         |        (from any state)  |   |         HELLO |   |
 *	         |                          |   v reset         |   v reset
 *	         |                       +-----------+ ---------+   |
 *	         |                  done | RESETTING | <------------+
 *	         |                       +-----------+
 *	         |                         |       ^
 *	         |   cannot be reset, or   v       | reset
 *	         |   cannot be cleared   +-------+ |    HELLO that could clear it
 *	         +---------------------- | ERROR | +    leads to ACTIVE, a VFIO user
 *	                                 +-------+      that could to READY
 *
 *	    ABSENT, READY, ACTIVE  <----->  PAUSED  ----> READY, RESETTING, ACTIVE
 *	            pause, resume, sriov_numvfs      reset, HELLO, BYE
 *
 * A VF with a range of its own is READY: it can be given to a guest. It is
 * ACTIVE between its driver's HELLO and BYE. A function level reset by the
 * guest or by VFIO is not seen by the PF: the VF stays ACTIVE until the next
 * HELLO, or until somebody looks and finds that the hardware knows nothing of
 * its queues any more (pf_state_in_use_locked()).
 *
 * A PAUSED VF has nothing on the card; pause.c keeps what it had. It came from
 * READY or ACTIVE and goes back there. One that is removed is ABSENT, and PAUSED
 * again when it is made anew. A reset ends it, and so does its driver if that
 * starts anew or goes.
 */
#include "pf.h"

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>

static const char *const state_names[] = {
	[SVFF_VF_ABSENT]	= "absent",
	[SVFF_VF_READY]		= "ready",
	[SVFF_VF_ACTIVE]	= "active",
	[SVFF_VF_PAUSED]	= "paused",
	[SVFF_VF_RESETTING]	= "resetting",
	[SVFF_VF_ERROR]		= "error",
};

static const u8 state_next[] = {
	[SVFF_VF_ABSENT]	= BIT(SVFF_VF_READY),
	[SVFF_VF_READY]		= BIT(SVFF_VF_ABSENT) | BIT(SVFF_VF_ACTIVE) |
				  BIT(SVFF_VF_RESETTING) | BIT(SVFF_VF_ERROR) |
				  BIT(SVFF_VF_PAUSED),
	[SVFF_VF_ACTIVE]	= BIT(SVFF_VF_ABSENT) | BIT(SVFF_VF_READY) |
				  BIT(SVFF_VF_RESETTING) | BIT(SVFF_VF_ERROR) |
				  BIT(SVFF_VF_PAUSED),
	[SVFF_VF_PAUSED]	= BIT(SVFF_VF_ABSENT) | BIT(SVFF_VF_READY) |
				  BIT(SVFF_VF_ACTIVE) | BIT(SVFF_VF_RESETTING) |
				  BIT(SVFF_VF_ERROR),
	[SVFF_VF_RESETTING]	= BIT(SVFF_VF_ABSENT) | BIT(SVFF_VF_READY) |
				  BIT(SVFF_VF_ACTIVE) | BIT(SVFF_VF_ERROR),
	[SVFF_VF_ERROR]		= BIT(SVFF_VF_ABSENT) | BIT(SVFF_VF_READY) |
				  BIT(SVFF_VF_ACTIVE) | BIT(SVFF_VF_RESETTING),
};

/**
 * pf_state_name() - a state in words
 * @state: state
 *
 * Context: any.
 * Return: the word that sysfs shows.
 */
const char *pf_state_name(enum svff_vf_state state)
{
	return state_names[state];
}

/**
 * pf_vf_find_locked() - a VF that exists, on a card that works
 * @pf: card
 * @n: VF number, of those that the card can have
 *
 * Context: process, svff_pf.lock held.
 * Return: the VF; as ERR_PTR -EIO if the card is down, -ENODEV if there is no such VF.
 */
struct pf_vf *pf_vf_find_locked(struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf = pf_vf(pf, n);

	if (!pf->up)
		return ERR_PTR(-EIO);
	return vf->state == SVFF_VF_ABSENT ? ERR_PTR(-ENODEV) : vf;
}

/**
 * pf_state_enter_locked() - change the state of a VF
 * @pf: card
 * @vf: VF
 * @state: new state; nothing happens if it is the old one
 *
 * Context: process, svff_pf.lock held.
 */
void pf_state_enter_locked(struct svff_pf *pf, struct pf_vf *vf,
			   enum svff_vf_state state)
{
	enum svff_vf_state old = vf->state;
	unsigned int n = pf_vf_number(pf, vf);

	lockdep_assert_held(&pf->lock);
	if (old == state)
		return;
	if (WARN_ONCE(!(state_next[old] & BIT(state)), "VF%u: %s -> %s\n", n,
		      state_names[old], state_names[state]))
		return;
	vf->state = state;
	dev_dbg(&pf->pdev->dev, "VF%u: %s -> %s\n", n, state_names[old],
		state_names[state]);
	pf_event(pf, SVFF_EVENT_VF_STATE, n, state, old);
}

/* Bytes of the response to QCTXT_RD: queues mapped (two), queue enabled. */
#define PF_DUMP_FMAP_COUNT	(22 - sizeof(struct svff_mbox_qctxt_id))
#define PF_DUMP_QEN		(38 - sizeof(struct svff_mbox_qctxt_id))
#define PF_REFRESH_INTERVAL	HZ

static int dump_queue(struct svff_pf *pf, struct pf_vf *vf, unsigned int i,
		      enum svff_qdma_dir dir, struct svff_mbox_qctxt_rd_rsp *rsp)
{
	struct svff_qdma_hwq q = {
		.qid = vf->session.base + i,
		.func = vf->session.func,
		.dir = dir,
	};

	return svff_qdma_hwq_dump(pf->qd, &q, rsp);
}

/* Who cannot be asked is taken to be mapped, and to run. */
static bool is_mapped(struct svff_pf *pf, struct pf_vf *vf)
{
	struct svff_mbox_qctxt_rd_rsp rsp = {};

	return dump_queue(pf, vf, 0, SVFF_QDMA_H2C, &rsp) ||
	       rsp.ctxt[PF_DUMP_FMAP_COUNT] || rsp.ctxt[PF_DUMP_FMAP_COUNT + 1];
}

static bool any_runs(struct svff_pf *pf, struct pf_vf *vf, enum svff_qdma_dir dir,
		     const unsigned long *live)
{
	struct svff_mbox_qctxt_rd_rsp rsp = {};
	unsigned int i;

	for_each_set_bit(i, live, PF_VF_QUEUES_MAX)
		if (dump_queue(pf, vf, i, dir, &rsp) || rsp.ctxt[PF_DUMP_QEN])
			return true;
	return false;
}

/*
 * A function level reset clears the contexts of a VF's queues and unmaps its
 * doorbells. A VF that has neither queues nor doorbells is as good as new.
 */
static bool was_reset(struct svff_pf *pf, struct pf_vf *vf)
{
	struct pf_session *s = &vf->session;

	if (s->mapped && is_mapped(pf, vf))
		return false;
	return !any_runs(pf, vf, SVFF_QDMA_H2C, s->live[SVFF_MBOX_Q_H2C]) &&
	       !any_runs(pf, vf, SVFF_QDMA_C2H, s->live[SVFF_MBOX_Q_C2H]);
}

/**
 * pf_state_in_use_locked() - has a VF queues that work, or could at once?
 * @pf: card
 * @vf: VF
 *
 * Nobody tells the PF of a function level reset, and a guest that is killed
 * says no BYE. So the hardware is asked, and where it knows nothing any more
 * the VF is READY again.
 *
 * Context: process, svff_pf.lock held; reads contexts.
 * Return: true if its doorbells are mapped or queues are set up.
 */
bool pf_state_in_use_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	struct pf_session *s = &vf->session;

	lockdep_assert_held(&pf->lock);
	if (vf->moving)
		return true;
	if (!s->mapped && !pf_session_active(s))
		return false;
	vf->refreshed = jiffies;
	if (!was_reset(pf, vf))
		return true;
	if (pf_release_locked(pf, vf))
		return true;
	if (vf->state == SVFF_VF_ACTIVE)
		pf_state_enter_locked(pf, vf, SVFF_VF_READY);
	return false;
}

/**
 * pf_state_refresh_locked() - before a VF's state is shown
 * @pf: card
 * @vf: VF
 *
 * Context: process, svff_pf.lock held; reads contexts once a second at most.
 */
void pf_state_refresh_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	lockdep_assert_held(&pf->lock);
	if (pf->up && vf->state == SVFF_VF_ACTIVE &&
	    time_after(jiffies, vf->refreshed + PF_REFRESH_INTERVAL))
		pf_state_in_use_locked(pf, vf);
}

static int may_reset_locked(struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf = pf_vf_find_locked(pf, n);

	if (IS_ERR(vf))
		return PTR_ERR(vf);
	return vf->state == SVFF_VF_RESETTING || (vf->moving && !vf->stuck) ? -EBUSY : 0;
}

/* Nobody waits for what ends in an error. */
static int may_reset(struct svff_pf *pf, unsigned int n)
{
	guard(mutex)(&pf->lock);
	return may_reset_locked(pf, n);
}

static int reset_begin(struct svff_pf *pf, unsigned int n)
{
	struct pf_vf *vf;
	int err;

	guard(mutex)(&pf->lock);
	err = may_reset_locked(pf, n);
	if (err)
		return err;
	vf = pf_vf(pf, n);
	/* Now: a driver that says HELLO within the reset has ended it. */
	pf_image_drop_locked(pf, vf);
	pf_state_enter_locked(pf, vf, SVFF_VF_RESETTING);
	return 0;
}

/* A VF whose driver said HELLO, or which went away meanwhile, is left alone. */
static int reset_end(struct svff_pf *pf, unsigned int n, int err)
{
	struct pf_vf *vf;

	guard(mutex)(&pf->lock);
	vf = pf_vf(pf, n);
	if (vf->state != SVFF_VF_RESETTING)
		return err;
	if (!err)
		err = pf_release_locked(pf, vf);
	pf_throttle_anew_locked(pf, vf);
	pf_state_enter_locked(pf, vf, err ? SVFF_VF_ERROR : SVFF_VF_READY);
	return err;
}

#define PF_VF_LOCK_MS		1000
#define PF_VF_LOCK_POLL_MS	10

/* As the PCI core does, but an unbind that waits for VFIO's user has the lock for as long as that likes. */
static bool lock_vf(struct pci_dev *vfdev)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(PF_VF_LOCK_MS);

	while (!device_trylock(&vfdev->dev)) {
		if (time_after(jiffies, deadline))
			return false;
		msleep(PF_VF_LOCK_POLL_MS);
	}
	pci_cfg_access_lock(vfdev);
	return true;
}

static void unlock_vf(struct pci_dev *vfdev)
{
	pci_cfg_access_unlock(vfdev);
	device_unlock(&vfdev->dev);
}

static int reset_locked(struct svff_pf *pf, unsigned int n, struct pci_dev *vfdev)
{
	int err = reset_begin(pf, n);

	if (err)
		return err;
	err = reset_end(pf, n, vfdev ? pci_reset_function_locked(vfdev) : -ENODEV);
	if (err)
		dev_err(&pf->pdev->dev, "VF%u: reset failed (%pe)\n", n, ERR_PTR(err));
	return err;
}

/**
 * pf_vf_reset() - reset a VF and take its queues back
 * @pf: card
 * @n: VF number
 *
 * Context: process; sleeps for as long as a function level reset takes (0.1 s,
 * up to a minute on a card that hangs), and up to 1 s before. The VF's driver is
 * told, as with the PCI core's own reset attribute.
 * Return: 0; -EIO if the card is down; -ENODEV if there is no such VF now; -EBUSY if it is being reset, paused or
 * resumed, or bound or unbound and that takes too long; -ENOTTY if the function did not
 * come back; -ETIMEDOUT if the card's contexts did not.
 */
int pf_vf_reset(struct svff_pf *pf, unsigned int n)
{
	struct pci_dev *vfdev;
	int err = may_reset(pf, n);

	if (err)
		return err;
	vfdev = pf_vf_device(pf, n);
	if (!vfdev)
		return reset_locked(pf, n, NULL);
	err = -EBUSY;
	if (lock_vf(vfdev)) {
		err = reset_locked(pf, n, vfdev);
		unlock_vf(vfdev);
	}
	pci_dev_put(vfdev);
	return err;
}
