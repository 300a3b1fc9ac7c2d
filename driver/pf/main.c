// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PF driver: binding to a card and letting go of it.
 */
#include "pf.h"

#include <linux/bitfield.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "ids.h"

static char *irq_mode = "direct";
module_param(irq_mode, charp, 0444);
MODULE_PARM_DESC(irq_mode, "how the PF's own queues report: poll, direct (default), aggr");

static const char *const irq_modes[] = {
	[SVFF_QDMA_IRQ_POLL]	= "poll",
	[SVFF_QDMA_IRQ_DIRECT]	= "direct",
	[SVFF_QDMA_IRQ_AGGR]	= "aggr",
};

/* VF number of a function, 0 if it is none of the VFs that exist. */
static unsigned int func_to_vf(struct svff_pf *pf, u32 func)
{
	lockdep_assert_held(&pf->lock);
	if (func == SVFF_QDMA_NO_RANGE || func < pf->first_func ||
	    func - pf->first_func >= pf->num_vfs)
		return 0;
	return func - pf->first_func + 1;
}

/* A VF can cause as many as it likes, so it is complained of as of its requests. */
static void tell_error(struct svff_pf *pf, unsigned int n, const struct svff_qdma_error *err)
{
	struct ratelimit_state *rs = n ? &pf_vf(pf, n)->complaints : &pf->complaints;
	char who[16] = "", queue[32] = "";

	if (!__ratelimit(rs))
		return;
	if (n)
		snprintf(who, sizeof(who), "VF%u: ", n);
	if (err->hw_qid != SVFF_QDMA_NO_RANGE)
		snprintf(queue, sizeof(queue), ", queue %u %s", err->hw_qid,
			 err->dir == SVFF_QDMA_C2H ? "C2H" : "H2C");
	dev_warn(&pf->pdev->dev, "%shardware error %s (status 0x%x%s)\n", who,
		 svff_qdma_error_name(err->id), err->status, queue);
}

/* An error is counted, for the VF too that the card's log names, and is an event. */
static void pf_hw_error(struct svff_qdma *qd, const struct svff_qdma_error *err)
{
	struct svff_pf *pf = svff_qdma_priv(qd);
	u32 queue = ~0U;
	unsigned int n;

	if (err->hw_qid != SVFF_QDMA_NO_RANGE)
		queue = FIELD_PREP(SVFF_ERROR_QUEUE, err->hw_qid) |
			(err->dir == SVFF_QDMA_C2H ? SVFF_ERROR_C2H : 0);
	guard(mutex)(&pf->lock);
	pf->errors[err->id]++;
	n = func_to_vf(pf, err->func);
	if (n)
		pf_vf(pf, n)->stats.errors++;
	tell_error(pf, n, err);
	pf_event(pf, SVFF_EVENT_HW_ERROR, n,
		 FIELD_PREP(SVFF_ERROR_LEAF, err->leaf) | FIELD_PREP(SVFF_ERROR_BIT, err->bit),
		 queue);
}

static const struct svff_qdma_ops pf_qdma_ops = {
	.owner		= THIS_MODULE,
	.mbox_recv	= pf_mbox_recv,
	.hw_error	= pf_hw_error,
};

static int pf_pci_enable(struct pci_dev *pdev)
{
	int err = pcim_enable_device(pdev);

	if (err)
		return dev_err_probe(&pdev->dev, err, "cannot enable the device\n");
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		return dev_err_probe(&pdev->dev, err, "no usable DMA mask\n");
	pci_set_master(pdev);
	return 0;
}

/*
 * Function ids: all PFs of the card first, then the VFs of each PF in turn. The
 * other PFs need no driver for their VFs to count.
 */
static u16 first_vf_func(struct svff_pf *pf)
{
	struct pci_dev *pdev = pf->pdev;
	u16 func = pf->card.caps->num_pfs;
	unsigned int fn;

	for (fn = 0; fn < pf->card.caps->func_id; fn++) {
		struct pci_dev *other;

		other = pci_get_slot(pdev->bus, PCI_DEVFN(PCI_SLOT(pdev->devfn), fn));
		if (other)
			func += pci_sriov_get_totalvfs(other);
		pci_dev_put(other);
	}
	return func;
}

/**
 * pf_up() - hardware, then interrupts and mailbox, then the PF's own data
 * @pf: card
 *
 * Context: process, device lock held; at probe and after a reset of the card.
 * Return: 0 or errno; what failed has been said.
 */
int pf_up(struct svff_pf *pf)
{
	int mode = match_string(irq_modes, ARRAY_SIZE(irq_modes), irq_mode);
	struct device *dev = &pf->pdev->dev;
	int err;

	err = svff_qdma_card_init(pf->qd);
	if (err) {
		dev_err(dev, "cannot set up the card (%pe)\n", ERR_PTR(err));
		return err;
	}
	pf_forget_vfs(pf);
	err = svff_qdma_irq_enable(pf->qd, mode);
	if (err) {
		dev_err(dev, "cannot enable interrupts in mode %s (%pe)\n", irq_mode,
			ERR_PTR(err));
		goto fini_card;
	}
	if (pf->card.caps->mailbox)
		err = svff_qdma_mbox_enable(pf->qd);
	if (err) {
		dev_err(dev, "cannot enable the mailbox (%pe)\n", ERR_PTR(err));
		goto disable_irq;
	}
	err = pf_own_queues_start(pf);
	if (err) {
		dev_err(dev, "cannot set up the PF's %u queues (%pe)\n",
			pf->own_queues, ERR_PTR(err));
		goto disable_mbox;
	}
	pf->up = true;
	return 0;

disable_mbox:
	if (pf->card.caps->mailbox)
		svff_qdma_mbox_disable(pf->qd);
disable_irq:
	svff_qdma_irq_disable(pf->qd);
fini_card:
	svff_qdma_card_fini(pf->qd);
	return err;
}

/**
 * pf_down() - the mirror of pf_up()
 * @pf: card; nothing happens if it is down
 *
 * Context: process, device lock held; at remove and before a reset of the card.
 */
void pf_down(struct svff_pf *pf)
{
	if (!pf->up)
		return;
	/* Who is pausing a VF, or resuming it, or changing its quota, gets to the end; nobody begins. */
	scoped_guard(mutex, &pf->pause_lock) {
		scoped_guard(mutex, &pf->lock)
			pf->up = false;
		pf_forget_stuck(pf);
	}
	pf_own_queues_stop(pf);
	if (pf->card.caps->mailbox)
		svff_qdma_mbox_disable(pf->qd);
	svff_qdma_irq_disable(pf->qd);
	svff_qdma_card_fini(pf->qd);
}

static int alloc_errors(struct svff_pf *pf)
{
	unsigned int num = 0;

	while (svff_qdma_error_name(num))
		num++;
	pf->errors = devm_kcalloc(&pf->pdev->dev, num, sizeof(*pf->errors), GFP_KERNEL);
	return pf->errors ? 0 : -ENOMEM;
}

/* Interrupt rings that can be no VF's; with several PFs they may be another PF's. */
static void keep_own_rings(struct svff_pf *pf)
{
	u32 first = pf->first_func + pf->total_vfs;

	if (pf->card.caps->num_pfs == 1 && first < PF_RING_INDICES)
		svff_qdma_set_irq_rings(pf->qd, first, PF_RING_INDICES - first);
}

static int pf_create(struct svff_pf *pf)
{
	struct pci_dev *pdev = pf->pdev;

	if (alloc_errors(pf))
		return -ENOMEM;
	ratelimit_state_init(&pf->complaints, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	ratelimit_set_flags(&pf->complaints, RATELIMIT_MSG_ON_RELEASE);
	mutex_init(&pf->own_lock);
	mutex_init(&pf->pause_lock);
	mutex_init(&pf->lock);
	init_waitqueue_head(&pf->no_sessions);
	init_waitqueue_head(&pf->answers);
	pf_reset_init(pf);
	pf_notice_init(pf);
	pf_move_init(pf);
	pf->qd = svff_qdma_create(pdev, false, &pf_qdma_ops, pf);
	if (IS_ERR(pf->qd))
		return PTR_ERR(pf->qd);
	pf->card.caps = svff_qdma_caps(pf->qd);
	pf->card.csr = svff_qdma_csr(pf->qd);
	pf->card.func = pf->card.caps->func_id;
	pf->total_vfs = max(pci_sriov_get_totalvfs(pdev), 0);
	pf->first_func = first_vf_func(pf);
	keep_own_rings(pf);
	return 0;
}

static int pf_show(struct svff_pf *pf)
{
	int err = pf_sysfs_create(pf);

	if (err)
		return err;
	err = pf_chrdev_register(pf);
	if (err)
		pf_sysfs_destroy(pf);
	else
		pf_debugfs_create(pf);
	return err;
}

static void pf_hide(struct svff_pf *pf)
{
	pf_debugfs_destroy(pf);
	pf_chrdev_unregister(pf);
	pf_sysfs_destroy(pf);
}

static int keep_config(struct svff_pf *pf)
{
	pci_save_state(pf->pdev);
	pf->config = pci_store_saved_state(pf->pdev);
	return pf->config ? 0 : -ENOMEM;
}

static int pf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct svff_pf *pf = devm_kzalloc(&pdev->dev, sizeof(*pf), GFP_KERNEL);
	int err;

	if (!pf)
		return -ENOMEM;
	pf->pdev = pdev;
	err = pf_pci_enable(pdev);
	if (err)
		return err;
	err = pf_create(pf);
	if (err)
		return err;
	err = keep_config(pf);
	if (err)
		goto destroy;
	err = pf_provision_init(pf);
	if (err)
		goto destroy;
	err = pf_hub_create(pf);
	if (err)
		goto destroy;
	err = pf_up(pf);
	if (err)
		goto destroy_hub;
	err = pf_show(pf);
	if (err) {
		dev_err(&pdev->dev, "cannot show the card (%pe)\n", ERR_PTR(err));
		goto down;
	}
	/* VFs that there are already, left by another driver, find us from here on. */
	pci_set_drvdata(pdev, pf);
	return 0;

down:
	pf_down(pf);
destroy_hub:
	pf_hub_destroy(pf);
destroy:
	svff_qdma_destroy(pf->qd);
	kfree(pf->config);
	return err;
}

/* Stop new work, take the VFs down, then the PF, then free. */
static void pf_remove(struct pci_dev *pdev)
{
	struct svff_pf *pf = pci_get_drvdata(pdev);

	pf_reset_exit(pf);
	pf_hide(pf);
	pf_sriov_remove(pf);
	pf_down(pf);
	pf_hub_destroy(pf);
	pf_images_free(pf);
	pf_notice_exit(pf);
	svff_qdma_destroy(pf->qd);
	kfree(pf->config);
	pci_clear_master(pdev);
}

/* VFs are devices of their own and have been shut down before their PF. */
static void pf_shutdown(struct pci_dev *pdev)
{
	struct svff_pf *pf = pci_get_drvdata(pdev);

	pf_reset_exit(pf);
	pf_hide(pf);
	pf_down(pf);
	pci_clear_master(pdev);
}

MODULE_DEVICE_TABLE(pci, pf_ids);

struct pci_driver pf_driver = {
	.name			= "svff_pf",
	.id_table		= pf_ids,
	.probe			= pf_probe,
	.remove			= pf_remove,
	.shutdown		= pf_shutdown,
	.sriov_configure	= pf_sriov_configure,
	.err_handler		= &pf_err_handlers,
};

static int __init pf_init(void)
{
	int err;

	if (match_string(irq_modes, ARRAY_SIZE(irq_modes), irq_mode) < 0) {
		pr_err("svff_pf: irq_mode=%s is not one of poll, direct, aggr\n",
		       irq_mode);
		return -EINVAL;
	}
	err = pf_vfio_init();
	if (err)
		return err;
	pf_debugfs_init();
	err = pci_register_driver(&pf_driver);
	if (!err)
		return 0;
	pf_debugfs_exit();
	pf_vfio_exit();
	return err;
}
module_init(pf_init);

static void __exit pf_exit(void)
{
	pci_unregister_driver(&pf_driver);
	pf_debugfs_exit();
	pf_vfio_exit();
}
module_exit(pf_exit);

MODULE_DESCRIPTION("SVFF: PF driver of QDMA cards with SR-IOV");
MODULE_AUTHOR("The SVFF developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SVFF_NS(SVFF_QDMA));
