// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the char devices of a function have in common. A device lives as long
 * as somebody has it open, the function behind it does not: each call holds a
 * reference that removal waits for, and after removal there is only ENODEV.
 */
#include "priv.h"

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pci.h>

#define MINORS	1024

static void node_release(struct device *dev)
{
	struct qdma_node *node = container_of(dev, struct qdma_node, dev);

	percpu_ref_exit(&node->io);
	ida_free(&node->class->ida, node->id);
	node->class->free(node);
}

static void node_drained(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct qdma_node, io)->drained);
}

/**
 * qdma_node_setup - make a device, not yet to be seen
 * @node: device, zeroed; from now on freed by put_device()
 * @qd: function
 * @class: kind of device
 *
 * Context: process.
 * Return: 0, or -ENOMEM or -ENOSPC if there are too many devices; then @node
 * is freed.
 */
int qdma_node_setup(struct qdma_node *node, struct svff_qdma *qd,
		    struct qdma_node_class *class)
{
	int err;

	node->qd = qd;
	node->owner = qd->ops->owner;
	node->class = class;
	mutex_init(&node->lock);
	init_completion(&node->drained);
	node->id = ida_alloc_max(&class->ida, MINORS - 1, GFP_KERNEL);
	if (node->id < 0) {
		err = node->id;
		goto free;
	}
	err = percpu_ref_init(&node->io, node_drained, 0, GFP_KERNEL);
	if (err)
		goto free_id;
	device_initialize(&node->dev);
	node->dev.class = class->class;
	node->dev.parent = &qd->pdev->dev;
	node->dev.devt = MKDEV(MAJOR(class->devt), MINOR(class->devt) + node->id);
	node->dev.release = node_release;
	cdev_init(&node->cdev, class->fops);
	node->cdev.owner = THIS_MODULE;
	err = dev_set_name(&node->dev, "%s%d", class->name, node->id);
	if (err)
		put_device(&node->dev);
	return err;

free_id:
	ida_free(&class->ida, node->id);
free:
	class->free(node);
	return err;
}

/**
 * qdma_node_open - somebody opens a device
 * @node: device
 *
 * Context: process, @node's lock held.
 * Return: 0, or -ENODEV if it is being removed, or was.
 */
int qdma_node_open(struct qdma_node *node)
{
	lockdep_assert_held(&node->lock);
	if (node->dead || !try_module_get(node->owner))
		return -ENODEV;
	node->opens++;
	return 0;
}

/**
 * qdma_node_close - the counterpart
 * @node: device
 *
 * Context: process, @node's lock held.
 */
void qdma_node_close(struct qdma_node *node)
{
	lockdep_assert_held(&node->lock);
	node->opens--;
	module_put(node->owner);
}

/**
 * qdma_node_mark_dead - let nobody open a device any more
 * @node: device
 * @force: even if it is open
 *
 * Context: process.
 * Return: 0, or -EBUSY if it is open and not @force.
 */
int qdma_node_mark_dead(struct qdma_node *node, bool force)
{
	guard(mutex)(&node->lock);
	if (node->opens && !force)
		return -EBUSY;
	node->dead = true;
	return 0;
}

/**
 * qdma_node_revive - qdma_node_mark_dead() was a mistake
 * @node: device
 *
 * Context: process.
 */
void qdma_node_revive(struct qdma_node *node)
{
	guard(mutex)(&node->lock);
	node->dead = false;
}

/**
 * qdma_node_hide - take a dead device away; its calls get no new references
 * @node: device
 *
 * Context: process.
 */
void qdma_node_hide(struct qdma_node *node)
{
	/* One that could not be shown may have been opened all the same, by its number. */
	if (device_is_registered(&node->dev))
		cdev_device_del(&node->cdev, &node->dev);
	percpu_ref_kill(&node->io);
}

/**
 * qdma_node_class_init - make a class of devices
 * @class: class; name, fops and free are set
 *
 * Context: module init.
 * Return: 0 or why the kernel refused.
 */
int qdma_node_class_init(struct qdma_node_class *class)
{
	int err = alloc_chrdev_region(&class->devt, 0, MINORS, class->name);

	if (err)
		return err;
	ida_init(&class->ida);
	class->class = svff_class_create(class->name);
	if (!IS_ERR(class->class))
		return 0;
	unregister_chrdev_region(class->devt, MINORS);
	return PTR_ERR(class->class);
}

/**
 * qdma_node_class_exit - remove a class of devices
 * @class: class
 *
 * Context: module exit.
 */
void qdma_node_class_exit(struct qdma_node_class *class)
{
	class_destroy(class->class);
	unregister_chrdev_region(class->devt, MINORS);
	ida_destroy(&class->ida);
}
