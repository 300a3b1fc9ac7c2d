// SPDX-License-Identifier: GPL-2.0-only
/* Life of a function with a QDMA, and of the module. */
#include "priv.h"

#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#define BAR_MIN		SZ_32K	/* smallest config BAR there is: a VF's */

struct workqueue_struct *qdma_wq;
/* Its own: rings that recover wait for the mailbox, and may be as many as a workqueue has running. */
struct workqueue_struct *qdma_mbox_wq;

static int map_bar(struct svff_qdma *qd)
{
	struct pci_dev *pdev = qd->pdev;
	int err;

	qd->bar_len = pci_resource_len(pdev, QDMA_CONFIG_BAR);
	if (qd->bar_len < BAR_MIN) {
		dev_err(&pdev->dev, "BAR %d has 0x%llx bytes, a QDMA's has 0x%x or more\n",
			QDMA_CONFIG_BAR, (u64)qd->bar_len, BAR_MIN);
		return -ENODEV;
	}
	err = pci_request_region(pdev, QDMA_CONFIG_BAR, "svff_qdma");
	if (err)
		return err;
	qd->bar = pci_iomap(pdev, QDMA_CONFIG_BAR, 0);
	if (qd->bar)
		return 0;
	pci_release_region(pdev, QDMA_CONFIG_BAR);
	return -ENOMEM;
}

static void unmap_bar(struct svff_qdma *qd)
{
	pci_iounmap(qd->pdev, qd->bar);
	pci_release_region(qd->pdev, QDMA_CONFIG_BAR);
}

/**
 * svff_qdma_create - take a PCI function with a QDMA
 * @pdev: function: enabled, bus master, DMA mask set
 * @is_vf: it is a VF
 * @ops: what the manager asks of the driver
 * @priv: the driver's own
 *
 * Context: process.
 * Return: the function; -ENODEV if it is not a QDMA that is supported
 * (logged), -EAGAIN if it is a VF that the host has paused, -EBUSY if its BAR is
 * taken, -ENOMEM.
 */
struct svff_qdma *svff_qdma_create(struct pci_dev *pdev, bool is_vf,
				   const struct svff_qdma_ops *ops, void *priv)
{
	struct svff_qdma *qd = kzalloc(sizeof(*qd), GFP_KERNEL);
	int err;

	if (!qd)
		return ERR_PTR(-ENOMEM);
	qd->pdev = pdev;
	qd->is_vf = is_vf;
	qd->ops = ops;
	qd->priv = priv;
	mutex_init(&qd->queues.lock);
	mutex_init(&qd->irq.lock);
	init_waitqueue_head(&qd->queues.drained);
	init_waitqueue_head(&qd->idle);
	spin_lock_init(&qd->running_lock);
	INIT_LIST_HEAD(&qd->running);
	qdma_mbox_setup(qd);
	qdma_err_setup(qd);
	err = map_bar(qd);
	if (err)
		goto free_qd;
	err = qdma_identify(qd);
	if (err)
		goto unmap;
	if (!is_vf) {
		err = qdma_card_get(qd);
		if (err)
			goto unmap;
	}
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	qdma_debugfs_add(qd);
	return qd;

unmap:
	unmap_bar(qd);
free_qd:
	kfree(qd);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_create, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_destroy - let go of a function
 * @qd: function; what is still on is turned off
 *
 * Context: process.
 */
void svff_qdma_destroy(struct svff_qdma *qd)
{
	qdma_debugfs_del(qd);
	svff_qdma_data_destroy(qd, true);
	svff_qdma_mbox_disable(qd);
	svff_qdma_irq_disable(qd);
	qdma_mbox_teardown(qd);
	if (!qd->is_vf) {
		svff_qdma_card_fini(qd);
		qdma_card_put(qd);
	}
	unmap_bar(qd);
	kfree(qd);
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_destroy, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_priv - the driver's own
 * @qd: function
 *
 * Context: any.
 * Return: what was given to svff_qdma_create().
 */
void *svff_qdma_priv(const struct svff_qdma *qd)
{
	return qd->priv;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_priv, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_pdev - the PCI function
 * @qd: function
 *
 * Context: any.
 * Return: what was given to svff_qdma_create().
 */
struct pci_dev *svff_qdma_pdev(const struct svff_qdma *qd)
{
	return qd->pdev;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_pdev, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_caps - what the card is and has
 * @qd: function
 *
 * Context: any.
 * Return: its capabilities; a VF's hold what it can know by itself.
 */
const struct svff_qdma_caps *svff_qdma_caps(const struct svff_qdma *qd)
{
	return &qd->caps;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_caps, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_set_caps - a VF has learnt what it is and has
 * @qd: VF
 * @func_id: the QDMA's id of it
 * @mm: memory mapped transfers
 * @st: streams
 *
 * Context: any; before svff_qdma_data_create().
 */
void svff_qdma_set_caps(struct svff_qdma *qd, u16 func_id, bool mm, bool st)
{
	qd->caps.func_id = func_id;
	qd->caps.mm = mm;
	qd->caps.st = st;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_set_caps, SVFF_NS(SVFF_QDMA));

/**
 * svff_qdma_set_irq_rings - interrupt rings that a function may use beside its own
 * @qd: function
 * @first: index of the first of them
 * @count: how many there are
 *
 * The ring whose index is the function's id is its own without being told.
 *
 * Context: any; before svff_qdma_data_create().
 */
void svff_qdma_set_irq_rings(struct svff_qdma *qd, u16 first, u16 count)
{
	qd->irq.first_ring = first;
	qd->irq.more_rings = count;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_set_irq_rings, SVFF_NS(SVFF_QDMA));

static int __init svff_qdma_init(void)
{
	int err;

	qdma_wq = alloc_workqueue("svff_qdma", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!qdma_wq)
		return -ENOMEM;
	qdma_mbox_wq = alloc_workqueue("svff_mbox", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!qdma_mbox_wq) {
		err = -ENOMEM;
		goto destroy_wq;
	}
	err = qdma_node_class_init(&qdma_mm_class);
	if (err)
		goto destroy_mbox_wq;
	err = qdma_node_class_init(&qdma_st_class);
	if (err)
		goto exit_mm;
	qdma_debugfs_init();
	return 0;

exit_mm:
	qdma_node_class_exit(&qdma_mm_class);
destroy_mbox_wq:
	destroy_workqueue(qdma_mbox_wq);
destroy_wq:
	destroy_workqueue(qdma_wq);
	return err;
}
module_init(svff_qdma_init);

static void __exit svff_qdma_exit(void)
{
	qdma_debugfs_exit();
	qdma_node_class_exit(&qdma_st_class);
	qdma_node_class_exit(&qdma_mm_class);
	destroy_workqueue(qdma_mbox_wq);
	destroy_workqueue(qdma_wq);
	/* The last reference to a data device's transfers is dropped from RCU. */
	rcu_barrier();
}
module_exit(svff_qdma_exit);

MODULE_DESCRIPTION("SVFF QDMA manager");
MODULE_LICENSE("GPL");
