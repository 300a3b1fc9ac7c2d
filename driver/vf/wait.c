// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFs that cannot be bound yet: their host has paused them, and nobody says when they go on. So a guest that is
 * booted anew meanwhile looks at them again and again, and binds each when it is there.
 */
#include "vf.h"

#include <linux/device.h>
#include <linux/list.h>
#include <linux/slab.h>

#define VF_LOOK_MS	500

/* A VF that is waited for; @again: the last look at it was in vain. */
struct vf_waiting {
	struct list_head node;
	struct pci_dev *pdev;
	bool again;
};

static LIST_HEAD(waiting);
static DEFINE_MUTEX(waiting_lock);	/* protects the list; only the work item and vf_wait_end() take from it */

static void drop_locked(struct vf_waiting *w)
{
	lockdep_assert_held(&waiting_lock);
	list_del(&w->node);
	pci_dev_put(w->pdev);
	kfree(w);
}

static void look(struct work_struct *work)
{
	struct vf_waiting *w, *next;

	guard(mutex)(&waiting_lock);
	list_for_each_entry_safe(w, next, &waiting, node) {
		w->again = false;
		/* The probe comes back to vf_wait_for(). */
		mutex_unlock(&waiting_lock);
		if (device_attach(&w->pdev->dev) < 0)
			dev_dbg(&w->pdev->dev, "not bound after a pause\n");
		mutex_lock(&waiting_lock);
		if (!w->again)
			drop_locked(w);
	}
	if (!list_empty(&waiting))
		queue_delayed_work(system_long_wq, to_delayed_work(work), msecs_to_jiffies(VF_LOOK_MS));
}

static DECLARE_DELAYED_WORK(look_work, look);

static struct vf_waiting *find_locked(struct pci_dev *pdev)
{
	struct vf_waiting *w;

	lockdep_assert_held(&waiting_lock);
	list_for_each_entry(w, &waiting, node)
		if (w->pdev == pdev)
			return w;
	return NULL;
}

/**
 * vf_wait_for() - a VF was found paused: bind it when it goes on
 * @pdev: VF, whose probe fails now
 *
 * Context: process.
 * Return: -ENODEV for the probe, with which the driver core has nothing to say; -ENOMEM.
 */
int vf_wait_for(struct pci_dev *pdev)
{
	struct vf_waiting *w;

	guard(mutex)(&waiting_lock);
	w = find_locked(pdev);
	if (!w) {
		w = kzalloc(sizeof(*w), GFP_KERNEL);
		if (!w)
			return -ENOMEM;
		w->pdev = pci_dev_get(pdev);
		list_add_tail(&w->node, &waiting);
		dev_info(&pdev->dev, "the host has paused this VF: it is bound when it goes on\n");
	}
	w->again = true;
	queue_delayed_work(system_long_wq, &look_work, msecs_to_jiffies(VF_LOOK_MS));
	return -ENODEV;
}

/**
 * vf_wait_end() - nobody is waited for any more
 *
 * Context: process; the driver is not registered any more.
 */
void vf_wait_end(void)
{
	struct vf_waiting *w, *next;

	cancel_delayed_work_sync(&look_work);
	guard(mutex)(&waiting_lock);
	list_for_each_entry_safe(w, next, &waiting, node)
		drop_locked(w);
}
