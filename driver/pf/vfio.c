// SPDX-License-Identifier: GPL-2.0-only
/*
 * What svff_pf does for svff_vfio: see svff/pf.h.
 */
#include "pf.h"

#include <linux/cleanup.h>
#include <linux/device/bus.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <svff/pf.h>

/**
 * svff_pf_vf_find() - which VF is this?
 * @vfdev: PCI function, whose driver is being bound
 * @vf: filled
 *
 * Context: process.
 * Return: 0, or -ENODEV if it is no VF of a PF that svff_pf drives.
 */
int svff_pf_vf_find(struct pci_dev *vfdev, struct svff_pf_vf *vf)
{
	struct svff_pf *pf = pci_iov_get_pf_drvdata(vfdev, &pf_driver);
	int id = pci_iov_vf_id(vfdev);

	if (IS_ERR_OR_NULL(pf) || id < 0 || id >= pf->total_vfs)
		return -ENODEV;
	vf->pf = pf;
	vf->n = id + 1;
	vf->turn = 0;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_find, SVFF_NS(SVFF_PF));

/*
 * Nothing of a user stays: neither what it had on the card nor what was kept of it.
 * Return: 0, -ENODEV if the VF is reset, or not there, or errno of pf_release_locked().
 */
static int begin_anew_locked(struct svff_pf *pf, struct pf_vf *vf)
{
	int err;

	lockdep_assert_held(&pf->lock);
	pf_image_drop_locked(pf, vf);
	if (!pf->up || vf->state == SVFF_VF_ABSENT || vf->state == SVFF_VF_RESETTING)
		return -ENODEV;
	err = pf_release_locked(pf, vf);
	if (err)
		dev_err(&pf->pdev->dev, "VF%u: contexts not cleared (%pe)\n", pf_vf_number(pf, vf),
			ERR_PTR(err));
	pf_state_enter_locked(pf, vf, err ? SVFF_VF_ERROR : SVFF_VF_READY);
	return err;
}

static bool take_unreset(const struct svff_pf_vf *vf)
{
	struct pf_vf *v;
	bool unreset;

	guard(mutex)(&vf->pf->lock);
	v = pf_vf(vf->pf, vf->n);
	unreset = v->unreset;
	v->unreset = false;
	return unreset;
}

/* The reset that was left out when a VFIO user went. The device is locked, and not the new driver's yet. */
static void make_up_reset(const struct svff_pf_vf *vf, struct pci_dev *vfdev)
{
	int err = take_unreset(vf) ? pci_reset_function_locked(vfdev) : 0;

	if (err)
		dev_err(&vf->pf->pdev->dev, "VF%u: not reset for its new driver (%pe)\n", vf->n, ERR_PTR(err));
}

static void lose_fresh(const struct svff_pf_vf *vf)
{
	guard(mutex)(&vf->pf->lock);
	pf_vf(vf->pf, vf->n)->fresh = false;
}

/*
 * What another driver has left in a VF nobody knows. One that did not even bind is not
 * told apart from one that was not asked; what it did with queues came by messages.
 */
static int vf_driver_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct svff_pf_vf vf;

	if (action != BUS_NOTIFY_BIND_DRIVER && action != BUS_NOTIFY_UNBIND_DRIVER)
		return NOTIFY_DONE;
	if (!to_pci_dev(data)->is_virtfn || svff_pf_vf_find(to_pci_dev(data), &vf))
		return NOTIFY_DONE;
	if (action == BUS_NOTIFY_BIND_DRIVER)
		make_up_reset(&vf, to_pci_dev(data));
	else
		lose_fresh(&vf);
	return NOTIFY_OK;
}

static struct notifier_block vf_drivers = { .notifier_call = vf_driver_event };

/**
 * pf_vfio_init() - have an eye on the drivers of VFs
 *
 * Context: process.
 * Return: 0 or errno.
 */
int pf_vfio_init(void)
{
	return bus_register_notifier(&pci_bus_type, &vf_drivers);
}

/**
 * pf_vfio_exit() - no more
 *
 * Context: process.
 */
void pf_vfio_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &vf_drivers);
}

/**
 * svff_pf_vf_take_fresh() - is the VF as it was when it was made?
 * @vf: VF
 *
 * A VF that was just made is as after a reset. It is asked once, by who is about to
 * change that; another driver that has had the VF, or a message from it, have changed
 * it already.
 *
 * Context: process.
 * Return: true if so, the first time.
 */
bool svff_pf_vf_take_fresh(const struct svff_pf_vf *vf)
{
	struct svff_pf *pf = vf->pf;
	bool fresh;

	guard(mutex)(&pf->lock);
	fresh = pf_vf(pf, vf->n)->fresh;
	pf_vf(pf, vf->n)->fresh = false;
	return fresh;
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_take_fresh, SVFF_NS(SVFF_PF));

/**
 * svff_pf_vf_claim() - a VFIO user has opened the VF, which was reset, or is fresh
 * @vf: VF
 *
 * From now on it is paused and resumed by that user alone.
 *
 * Context: process.
 * Return: 0, -EBUSY if it is paused by somebody else, -EIO if the card is down, or
 * does not give up what the user before left on it.
 */
int svff_pf_vf_claim(const struct svff_pf_vf *vf)
{
	struct svff_pf *pf = vf->pf;
	struct pf_vf *v;
	int err;

	guard(mutex)(&pf->pause_lock);
	guard(mutex)(&pf->lock);
	v = pf_vf(pf, vf->n);
	if (!pf->up)
		return -EIO;
	if (v->claimed || v->image)
		return -EBUSY;
	err = begin_anew_locked(pf, v);
	if (err && err != -ENODEV)
		return -EIO;
	v->claimed = true;
	v->unreset = false;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_claim, SVFF_NS(SVFF_PF));

/**
 * svff_pf_vf_release() - the user has gone
 * @vf: VF that was claimed
 *
 * Context: process.
 * Return: true if the VF was paused, and has had neither queues nor doorbells since: it
 * need not be reset now, and is for the driver that it gets next.
 */
bool svff_pf_vf_release(const struct svff_pf_vf *vf)
{
	struct svff_pf *pf = vf->pf;
	struct pf_vf *v;
	bool paused;

	guard(mutex)(&pf->pause_lock);
	guard(mutex)(&pf->lock);
	v = pf_vf(pf, vf->n);
	paused = v->state == SVFF_VF_PAUSED;
	v->claimed = false;
	v->unreset = !begin_anew_locked(pf, v) && paused;
	return v->unreset;
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_release, SVFF_NS(SVFF_PF));

/**
 * svff_pf_vf_forget() - the VF was reset
 * @vf: VF that was claimed
 *
 * Context: process.
 */
void svff_pf_vf_forget(const struct svff_pf_vf *vf)
{
	struct svff_pf *pf = vf->pf;

	guard(mutex)(&pf->pause_lock);
	guard(mutex)(&pf->lock);
	begin_anew_locked(pf, pf_vf(pf, vf->n));
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_forget, SVFF_NS(SVFF_PF));

/*
 * Nobody else is paused, resumed or claimed during a step. After one that fails, which may have taken long for
 * nothing, its user leaves the others as much time as it took. One that succeeds delays none that follows.
 */
static int paced_step(struct svff_pf_vf *vf, int (*step)(struct svff_pf *pf, unsigned int n))
{
	ktime_t start, end;
	int err;

	while (ktime_before(ktime_get(), vf->turn)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		set_current_state(TASK_KILLABLE);
		schedule_hrtimeout(&vf->turn, HRTIMER_MODE_ABS);
	}
	guard(mutex)(&vf->pf->pause_lock);
	start = ktime_get();
	err = step(vf->pf, vf->n);
	end = ktime_get();
	if (err)
		vf->turn = ktime_add(end, ktime_sub(end, start));
	return err;
}

static int stop(struct svff_pf *pf, unsigned int n)
{
	return pf_vf_stop(pf, n, false);
}

/**
 * svff_pf_vf_stop() - pause the VF, whose user holds its doorbells back
 * @vf: VF that was claimed; one call of this or svff_pf_vf_run() at a time
 *
 * Context: process; sleeps up to 0.2 s and what context commands take, and as long
 * again first if the call before has failed just now.
 * Return: as pf_vf_stop(), or -EINTR if killed.
 */
int svff_pf_vf_stop(struct svff_pf_vf *vf)
{
	return paced_step(vf, stop);
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_stop, SVFF_NS(SVFF_PF));

/**
 * svff_pf_vf_run() - have the paused VF go on
 * @vf: as for svff_pf_vf_stop()
 *
 * Context: process; sleeps first as svff_pf_vf_stop().
 * Return: as pf_vf_run(), or -EINTR if killed.
 */
int svff_pf_vf_run(struct svff_pf_vf *vf)
{
	return paced_step(vf, pf_vf_run);
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_run, SVFF_NS(SVFF_PF));

/**
 * svff_pf_vf_save() - the state of the paused VF
 * @vf: VF that was claimed
 * @len: filled
 *
 * Context: process.
 * Return: as pf_vf_save().
 */
void *svff_pf_vf_save(const struct svff_pf_vf *vf, size_t *len)
{
	return pf_vf_save(vf->pf, vf->n, len);
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_save, SVFF_NS(SVFF_PF));

/**
 * svff_pf_vf_load() - another state for the paused VF
 * @vf: VF that was claimed
 * @bytes: from anybody
 * @len: how many
 *
 * Context: process.
 * Return: as pf_vf_load().
 */
int svff_pf_vf_load(const struct svff_pf_vf *vf, const void *bytes, size_t len)
{
	guard(mutex)(&vf->pf->pause_lock);
	return pf_vf_load(vf->pf, vf->n, bytes, len);
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_load, SVFF_NS(SVFF_PF));

/**
 * svff_pf_vf_size() - bytes of the VF's state, about
 * @vf: VF that was claimed
 *
 * Context: process.
 * Return: the number if it is paused, else the most that it can become.
 */
size_t svff_pf_vf_size(const struct svff_pf_vf *vf)
{
	struct svff_pf *pf = vf->pf;
	struct pf_vf *v;

	guard(mutex)(&pf->lock);
	v = pf_vf(pf, vf->n);
	return v->image && !v->moving ? pf_image_size(v->image) : pf_image_size_max(v->session.quota);
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_size, SVFF_NS(SVFF_PF));

/**
 * svff_pf_vf_size_max() - most bytes that the state of any VF can have
 *
 * Context: any.
 * Return: the number.
 */
size_t svff_pf_vf_size_max(void)
{
	return pf_image_size_max(PF_VF_QUEUES_MAX);
}
EXPORT_SYMBOL_NS_GPL(svff_pf_vf_size_max, SVFF_NS(SVFF_PF));
