// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Resets of the card
 *
 * A reset of the PF takes the contexts of every function with it. Before it the
 * VFs' drivers are told to stop, after it the card is set up anew, what the VFs
 * had is forgotten, and the drivers are told to start again with a HELLO. Their
 * ranges and quotas stay, and so do VFs that are paused: they have nothing on the
 * card, and their configuration is put back. Who was not told, or does not know
 * the notice, finds out when its requests are refused for want of a HELLO.
 *
 * A fatal error of the link is worse: the PCI core asks every function on it,
 * and one without a driver (a VF that nobody uses) makes it give the recovery up
 * after the reset, without a word to those that wait for the next step. Hence
 * the rescue: who is still down after a while puts itself right, and resets the
 * VFs that have drivers, so that these begin anew.
 *
 * If the card does not come back the PF stays bound and down: requests fail
 * with -EIO, and unbinding is the way out.
 */
#include "pf.h"

#include <linux/jiffies.h>
#include <linux/workqueue.h>

/* For all VFs together: time to stop their queues while they can be stopped. */
#define PF_VFS_STOP_MS	200

#define PF_RESCUE_MS	2000	/* an orderly recovery is faster: the reset of the link, and a callback per function */
#define PF_RESCUES	30

/**
 * pf_forget_vfs() - VFs have nothing on the card any more
 * @pf: card, reset and set up anew; down, so that nobody is paused or resumed, and its
 *	mailbox off, so that nobody begins anew too early and loses that again
 *
 * Those that are paused have nothing to lose, and go on where they were.
 *
 * Context: process, device lock held; takes svff_pf.lock.
 */
void pf_forget_vfs(struct svff_pf *pf)
{
	unsigned int n;

	guard(mutex)(&pf->lock);
	for (n = 1; n <= pf->num_vfs; n++) {
		struct pf_vf *vf = pf_vf(pf, n);
		int err;

		if (vf->state == SVFF_VF_PAUSED)
			continue;
		err = pf_release_locked(pf, vf);
		pf_state_enter_locked(pf, vf, err ? SVFF_VF_ERROR : SVFF_VF_READY);
		if (!err)
			continue;
		vf->told = false;
		dev_err(&pf->pdev->dev, "VF%u: contexts not cleared (%pe)\n", n, ERR_PTR(err));
	}
}

static void restart_vfs(struct svff_pf *pf)
{
	unsigned int n;

	guard(mutex)(&pf->lock);
	for (n = 1; n <= pf->num_vfs; n++) {
		struct pf_vf *vf = pf_vf(pf, n);

		if (vf->told)
			pf_notify_vf_locked(pf, vf, SVFF_MBOX_OP_RESET_DONE);
		vf->told = false;
	}
}

static bool is_paused(struct svff_pf *pf, unsigned int n)
{
	guard(mutex)(&pf->lock);
	return pf_vf(pf, n)->state == SVFF_VF_PAUSED;
}

/* Whoever holds the lock resets the VF, and saves and restores this too, or takes its driver away. */
static void keep_vf(struct pci_dev *vfdev, int (*keep)(struct pci_dev *vfdev))
{
	if (!device_trylock(&vfdev->dev))
		return;
	keep(vfdev);
	device_unlock(&vfdev->dev);
}

/* Their drivers are idle, and not told: they find the configuration as they left it. */
static void keep_paused_vfs(struct svff_pf *pf, int (*keep)(struct pci_dev *vfdev))
{
	unsigned int n;

	for (n = 1; n <= pci_num_vf(pf->pdev); n++) {
		struct pci_dev *vfdev = is_paused(pf, n) ? pf_vf_device(pf, n) : NULL;

		if (vfdev)
			keep_vf(vfdev, keep);
		pci_dev_put(vfdev);
	}
}

static int restore_vf(struct pci_dev *vfdev)
{
	pci_restore_state(vfdev);
	return 0;
}

static void pf_reset_prepare(struct pci_dev *pdev)
{
	struct svff_pf *pf = pci_get_drvdata(pdev);

	pf_notify_vfs(pf, SVFF_MBOX_OP_RESET_PREPARE);
	wait_event_timeout(pf->no_sessions, !READ_ONCE(pf->num_sessions),
			   msecs_to_jiffies(PF_VFS_STOP_MS));
	pf_down(pf);
	/* None is paused or resumed any more. */
	keep_paused_vfs(pf, pci_save_state);
}

/*
 * What the PCI core has saved it forgets with the first reset, so that the
 * configuration of the probe is kept.
 */
static void come_back(struct svff_pf *pf)
{
	pci_load_saved_state(pf->pdev, pf->config);
	pci_restore_state(pf->pdev);
	pci_set_master(pf->pdev);
}

/* Their drivers were told of the error, and nothing since. */
static void reset_vfs(struct svff_pf *pf)
{
	unsigned int n;

	for (n = 1; n <= pci_num_vf(pf->pdev); n++) {
		struct pci_dev *vfdev = pf_vf_device(pf, n);
		int err = vfdev && vfdev->dev.driver ? pci_try_reset_function(vfdev) : 0;

		if (err)
			dev_warn(&pf->pdev->dev, "VF%u: not reset after an error (%pe)\n",
				 n, ERR_PTR(err));
		pci_dev_put(vfdev);
	}
}

static void rescue(struct svff_pf *pf)
{
	struct pci_dev *pdev = pf->pdev;

	device_lock_assert(&pdev->dev);
	come_back(pf);
	if (pf_up(pf))
		return;
	dev_warn(&pdev->dev, "the recovery from an error was given up half-way: the card is set up again\n");
	pf->lost = false;
	restart_vfs(pf);
	reset_vfs(pf);
}

static void pf_reset_done(struct pci_dev *pdev)
{
	struct svff_pf *pf = pci_get_drvdata(pdev);

	pci_set_master(pdev);
	/* Before they can be resumed */
	keep_paused_vfs(pf, restore_vf);
	/* An error has reset the card before: what the PCI core saved, and restored, was nothing. */
	if (pf->lost) {
		rescue(pf);
		return;
	}
	if (!pf_up(pf))
		restart_vfs(pf);
}

/* Whoever holds the device's lock may be the recovery, or waits for this to end. */
static void rescue_work(struct work_struct *work)
{
	struct svff_pf *pf = container_of(work, struct svff_pf, rescue_work.work);
	struct device *dev = &pf->pdev->dev;

	if (device_trylock(dev)) {
		if (pf->lost && pci_device_is_present(pf->pdev))
			rescue(pf);
		pf->rescues--;
		device_unlock(dev);
	}
	if (READ_ONCE(pf->lost) && pf->rescues > 0)
		schedule_delayed_work(&pf->rescue_work, msecs_to_jiffies(PF_RESCUE_MS));
}

/**
 * pf_reset_init() - before the first reset
 * @pf: card
 *
 * Context: any.
 */
void pf_reset_init(struct svff_pf *pf)
{
	INIT_DELAYED_WORK(&pf->rescue_work, rescue_work);
}

/**
 * pf_reset_exit() - no more rescues
 * @pf: card
 *
 * Context: process, device lock held.
 */
void pf_reset_exit(struct svff_pf *pf)
{
	pf->lost = false;
	cancel_delayed_work_sync(&pf->rescue_work);
}

static pci_ers_result_t pf_error_detected(struct pci_dev *pdev,
					  pci_channel_state_t state)
{
	struct svff_pf *pf = pci_get_drvdata(pdev);

	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	pf_down(pf);
	if (state != pci_channel_io_frozen)
		return PCI_ERS_RESULT_DISCONNECT;
	pf->lost = true;
	pf->rescues = PF_RESCUES;
	schedule_delayed_work(&pf->rescue_work, msecs_to_jiffies(PF_RESCUE_MS));
	return PCI_ERS_RESULT_NEED_RESET;
}

/*
 * The link never went down: nothing was lost but the transaction. If that was a read the card was taken for gone, and
 * may have lost the bus.
 */
static pci_ers_result_t pf_mmio_enabled(struct pci_dev *pdev)
{
	struct svff_pf *pf = pci_get_drvdata(pdev);

	if (svff_qdma_alive_again(pf->qd) && pdev->is_busmaster)
		return PCI_ERS_RESULT_RECOVERED;
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t pf_slot_reset(struct pci_dev *pdev)
{
	struct svff_pf *pf = pci_get_drvdata(pdev);

	/* Another function may have asked for it after an error that left us up. */
	pf_down(pf);
	pf->lost = false;
	come_back(pf);
	if (pf_up(pf))
		return PCI_ERS_RESULT_DISCONNECT;
	pf->restart = true;
	return PCI_ERS_RESULT_RECOVERED;
}

/* Also called after an error that needed no reset; then the card was never down. */
static void pf_resume(struct pci_dev *pdev)
{
	struct svff_pf *pf = pci_get_drvdata(pdev);

	if (pf->restart)
		restart_vfs(pf);
	pf->restart = false;
}

const struct pci_error_handlers pf_err_handlers = {
	.error_detected	= pf_error_detected,
	.mmio_enabled	= pf_mmio_enabled,
	.slot_reset	= pf_slot_reset,
	.resume		= pf_resume,
	.reset_prepare	= pf_reset_prepare,
	.reset_done	= pf_reset_done,
};
