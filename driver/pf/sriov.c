// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making and removing VFs.
 */
#include "pf.h"

#include <linux/bitmap.h>
#include <linux/string.h>

#define PF_DEVFN_MASK		0xff	/* of a requester id */

/* A card that is just going, or reset, tells of any address: that of another card, or of the host's own. */
static bool is_vf(struct svff_pf *pf, struct pci_dev *dev, unsigned int n)
{
	return dev->is_virtfn && pci_physfn(dev) == pf->pdev && pci_iov_vf_id(dev) == n - 1;
}

/**
 * pf_vf_device() - PCI function of a VF
 * @pf: card
 * @n: VF number
 *
 * Where it is depends on the number of VFs, so that it is read anew each time.
 *
 * Context: process.
 * Return: the device with a reference that the caller drops, or NULL.
 */
struct pci_dev *pf_vf_device(struct svff_pf *pf, unsigned int n)
{
	struct pci_dev *pdev = pf->pdev;
	int cap = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_SRIOV);
	struct pci_dev *vfdev;
	u16 offset, stride;
	unsigned int rid;

	if (!cap)
		return NULL;
	pci_read_config_word(pdev, cap + PCI_SRIOV_VF_OFFSET, &offset);
	pci_read_config_word(pdev, cap + PCI_SRIOV_VF_STRIDE, &stride);
	rid = pci_dev_id(pdev) + offset + stride * (n - 1);
	vfdev = pci_get_domain_bus_and_slot(pci_domain_nr(pdev->bus), PCI_BUS_NUM(rid),
					    rid & PF_DEVFN_MASK);
	if (!vfdev || is_vf(pf, vfdev, n))
		return vfdev;
	pci_dev_put(vfdev);
	return NULL;
}

/* vfio-pci, svff_vfio and other variants: all have it in their names. */
static bool has_vfio_driver(struct svff_pf *pf, unsigned int n)
{
	struct pci_dev *vfdev = pf_vf_device(pf, n);
	bool vfio = true;

	if (!vfdev)
		return false;
	/* An unbind that waits for VFIO's user has the lock for as long as that likes. */
	if (device_trylock(&vfdev->dev)) {
		vfio = vfdev->dev.driver && strstr(vfdev->dev.driver->name, "vfio");
		device_unlock(&vfdev->dev);
	}
	pci_dev_put(vfdev);
	return vfio;
}

static bool has_queues(struct svff_pf *pf, unsigned int n)
{
	guard(mutex)(&pf->lock);
	return pf_state_in_use_locked(pf, pf_vf(pf, n));
}

/* VFs that a guest works with now; bit n is VF n. */
static bool find_busy(struct svff_pf *pf, unsigned long *busy)
{
	unsigned int n;

	bitmap_zero(busy, PF_FUNCTIONS_MAX);
	for (n = 1; n <= pci_num_vf(pf->pdev); n++)
		if (has_queues(pf, n) && has_vfio_driver(pf, n))
			__set_bit(n, busy);
	return !bitmap_empty(busy, PF_FUNCTIONS_MAX);
}

static enum pf_busy_policy busy_policy(struct svff_pf *pf)
{
	guard(mutex)(&pf->lock);
	return pf->busy_policy;
}

static int sriov_disable(struct svff_pf *pf)
{
	DECLARE_BITMAP(busy, PF_FUNCTIONS_MAX);

	if (find_busy(pf, busy)) {
		if (busy_policy(pf) == PF_BUSY_REFUSE) {
			dev_err(&pf->pdev->dev,
				"VFs not removed: VF%*pbl in use by VFIO with live queues; detach first, or set svff/busy_policy to release\n",
				PF_FUNCTIONS_MAX, busy);
			return -EBUSY;
		}
		pf_notify_vfs(pf, SVFF_MBOX_OP_PF_BYE);
	}
	pci_disable_sriov(pf->pdev);
	pf_unprovision_vfs(pf);
	return 0;
}

/*
 * A VF is reset alone, by FLR, or not at all. Behind a hot-plug port the PCI core takes the
 * first ones for the only function of their slot: where FLR fails it would go on to reset
 * the slot, and with it the card under everybody.
 */
static void reset_alone(struct svff_pf *pf, unsigned int num)
{
	unsigned int n, keep;

	for (n = 1; n <= num; n++) {
		struct pci_dev *vfdev = pf_vf_device(pf, n);

		if (!vfdev)
			continue;
		keep = vfdev->devcap & PCI_EXP_DEVCAP_FLR ? 1 : 0;
		memset(&vfdev->reset_methods[keep], 0, sizeof(vfdev->reset_methods) - keep);
		pci_dev_put(vfdev);
	}
}

static int sriov_enable(struct svff_pf *pf, unsigned int num)
{
	int err;

	if (!pf->card.caps->mailbox) {
		dev_err(&pf->pdev->dev, "no VFs: this card has no mailbox\n");
		return -EOPNOTSUPP;
	}
	err = pf_provision_vfs(pf, num);
	if (err)
		return err;
	err = pci_enable_sriov(pf->pdev, num);
	if (err) {
		dev_err(&pf->pdev->dev, "cannot enable %u VFs (%pe)\n", num,
			ERR_PTR(err));
		pf_unprovision_vfs(pf);
		return err;
	}
	reset_alone(pf, num);
	return num;
}

/**
 * pf_sriov_configure() - sriov_numvfs was written
 * @pdev: PF
 * @num_vfs: how many VFs there shall be; the PCI core has checked it
 *
 * Context: process, device lock held.
 * Return: number of VFs; -EBUSY if a guest works with one; -ENOSPC if the
 * quotas do not fit; -EOPNOTSUPP without a mailbox; -EIO if the card is down;
 * errno of the PCI core.
 */
int pf_sriov_configure(struct pci_dev *pdev, int num_vfs)
{
	struct svff_pf *pf = pci_get_drvdata(pdev);

	if (!pf->up && num_vfs) {
		dev_err(&pdev->dev, "no VFs: the card did not come back from a reset; bind the driver anew\n");
		return -EIO;
	}
	return num_vfs ? sriov_enable(pf, num_vfs) : sriov_disable(pf);
}

/**
 * pf_sriov_remove() - the PF's driver goes away, and the VFs with it
 * @pf: card
 *
 * Nobody can refuse that. A VFIO driver asks its users to let go and waits for
 * them in pci_disable_sriov(), which is said before, so that it is known for
 * whom.
 *
 * Context: process, device lock held.
 */
void pf_sriov_remove(struct svff_pf *pf)
{
	DECLARE_BITMAP(busy, PF_FUNCTIONS_MAX);

	if (!pci_num_vf(pf->pdev))
		return;
	if (find_busy(pf, busy))
		dev_warn(&pf->pdev->dev,
			 "driver removed while VF%*pbl in use by VFIO: waiting for their users\n",
			 PF_FUNCTIONS_MAX, busy);
	pf_notify_vfs(pf, SVFF_MBOX_OP_PF_BYE);
	pci_disable_sriov(pf->pdev);
	pf_unprovision_vfs(pf);
}
