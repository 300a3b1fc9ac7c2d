// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/svff-mmN: card memory as a file. The device lives as long as somebody
 * has it open, the function behind it does not: each transfer holds a
 * reference that removal waits for, and after removal there is only ENODEV.
 */
#include "priv.h"

#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#define MM_NAME		"svff-mm"
#define MM_MINORS	1024
#define MAX_SEG		SZ_1M

static dev_t mm_devt;
static struct class *mm_class;
static DEFINE_IDA(mm_ida);

static int mm_open(struct inode *inode, struct file *file)
{
	struct qdma_mm *mm = container_of(inode->i_cdev, struct qdma_mm, cdev);

	guard(mutex)(&mm->lock);
	if (mm->dead || !try_module_get(mm->owner))
		return -ENODEV;
	mm->opens++;
	file->private_data = mm;
	/* Transfers do not sleep if asked not to, and never touch a page cache. */
	file->f_mode |= FMODE_NOWAIT | FMODE_CAN_ODIRECT;
	return 0;
}

static void stop_rings(struct qdma_mm *mm)
{
	u32 i;

	for (i = 0; i < 2 * mm->count; i++)
		qdma_ring_stop(&mm->ring[i]);
}

/* Rings cost memory; the last one out gives them back. */
static int mm_release(struct inode *inode, struct file *file)
{
	struct qdma_mm *mm = file->private_data;

	scoped_guard(mutex, &mm->lock) {
		if (!--mm->opens && !mm->dead)
			stop_rings(mm);
	}
	module_put(mm->owner);
	return 0;
}

static ssize_t mm_read_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	return qdma_mm_transfer(iocb->ki_filp->private_data, iocb, iter, SVFF_QDMA_C2H);
}

static ssize_t mm_write_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	return qdma_mm_transfer(iocb->ki_filp->private_data, iocb, iter, SVFF_QDMA_H2C);
}

static const struct file_operations mm_fops = {
	.owner = THIS_MODULE,
	.open = mm_open,
	.release = mm_release,
	.read_iter = mm_read_iter,
	.write_iter = mm_write_iter,
	.llseek = no_seek_end_llseek,
};

static void mm_dev_release(struct device *dev)
{
	struct qdma_mm *mm = container_of(dev, struct qdma_mm, dev);

	percpu_ref_exit(&mm->io);
	ida_free(&mm_ida, mm->id);
	kvfree(mm);
}

static void mm_drained(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct qdma_mm, io)->drained);
}

static struct qdma_mm *alloc_mm_device(struct svff_qdma *qd)
{
	u32 count = qd->queues.count;
	struct device *dma_dev = &qd->pdev->dev;
	struct qdma_mm *mm = kvzalloc(struct_size(mm, ring, 2 * count), GFP_KERNEL);
	u32 i;

	if (!mm)
		return NULL;
	mm->qd = qd;
	mm->owner = qd->ops->owner;
	mm->count = count;
	mm->max_seg = min_t(size_t, dma_max_mapping_size(dma_dev), MAX_SEG);
	mutex_init(&mm->lock);
	init_completion(&mm->drained);
	for (i = 0; i < count; i++) {
		qdma_ring_setup(&mm->ring[2 * i + SVFF_QDMA_H2C], qd, i, SVFF_QDMA_H2C);
		qdma_ring_setup(&mm->ring[2 * i + SVFF_QDMA_C2H], qd, i, SVFF_QDMA_C2H);
	}
	return mm;
}

static int setup_device(struct qdma_mm *mm)
{
	int err;

	mm->id = ida_alloc_max(&mm_ida, MM_MINORS - 1, GFP_KERNEL);
	if (mm->id < 0)
		return mm->id;
	err = percpu_ref_init(&mm->io, mm_drained, 0, GFP_KERNEL);
	if (err) {
		ida_free(&mm_ida, mm->id);
		return err;
	}
	device_initialize(&mm->dev);
	mm->dev.class = mm_class;
	mm->dev.parent = &mm->qd->pdev->dev;
	mm->dev.devt = MKDEV(MAJOR(mm_devt), MINOR(mm_devt) + mm->id);
	mm->dev.release = mm_dev_release;
	cdev_init(&mm->cdev, &mm_fops);
	mm->cdev.owner = THIS_MODULE;
	return dev_set_name(&mm->dev, MM_NAME "%d", mm->id);
}

/**
 * qdma_mm_create - make the MM data device of a function
 * @qd: function, with queues
 *
 * Context: process.
 * Return: 0, -ENOMEM, -ENOSPC if there are too many devices.
 */
int qdma_mm_create(struct svff_qdma *qd)
{
	struct qdma_mm *mm = alloc_mm_device(qd);
	int err;

	if (!mm)
		return -ENOMEM;
	err = setup_device(mm);
	if (err) {
		/* Once initialised the device frees itself. */
		if (mm->dev.release)
			put_device(&mm->dev);
		else
			kvfree(mm);
		return err;
	}
	/* Publish last: from here on it can be opened. */
	WRITE_ONCE(qd->mm, mm);
	err = cdev_device_add(&mm->cdev, &mm->dev);
	if (err) {
		WRITE_ONCE(qd->mm, NULL);
		put_device(&mm->dev);
	}
	return err;
}

/**
 * qdma_mm_stop_queue - have the device give up a queue pair
 * @mm: data device; none of its transfers is on the pair, or can get there
 * @qid: queue
 *
 * Context: process; a VF asks its PF.
 * Return: true if the hardware has stopped both directions.
 */
bool qdma_mm_stop_queue(struct qdma_mm *mm, u16 qid)
{
	bool stopped = qdma_ring_stop(&mm->ring[2 * qid + SVFF_QDMA_H2C]);

	return qdma_ring_stop(&mm->ring[2 * qid + SVFF_QDMA_C2H]) && stopped;
}

/* Under the lock, so that nobody opens it in between. */
static int mark_dead(struct qdma_mm *mm, bool force)
{
	guard(mutex)(&mm->lock);
	if (mm->opens && !force)
		return -EBUSY;
	mm->dead = true;
	return 0;
}

/*
 * If the hardware does not stop a queue, the only way to keep it from writing
 * to memory that is freed is to take the bus away from the function.
 */
static void free_rings(struct qdma_mm *mm)
{
	bool stopped = true;
	u32 i;

	for (i = 0; i < 2 * mm->count; i++)
		stopped &= qdma_ring_remove(&mm->ring[i]);
	if (!stopped) {
		dev_err(&mm->qd->pdev->dev,
			"bus mastering is turned off, as queues do not stop; reset the function\n");
		pci_clear_master(mm->qd->pdev);
	}
	wait_for_completion(&mm->drained);
	for (i = 0; i < 2 * mm->count; i++)
		qdma_ring_free(&mm->ring[i]);
}

/**
 * qdma_mm_destroy - remove the MM data device of a function
 * @qd: function with a data device
 * @force: even if it is open
 *
 * Context: process; a VF asks its PF.
 * Return: 0, or -EBUSY if it is open and not @force.
 */
int qdma_mm_destroy(struct svff_qdma *qd, bool force)
{
	struct qdma_mm *mm = qd->mm;
	int err = mark_dead(mm, force);

	if (err)
		return err;
	/* No new opens, no new transfers; end the old ones; free. */
	cdev_device_del(&mm->cdev, &mm->dev);
	WRITE_ONCE(qd->mm, NULL);
	percpu_ref_kill(&mm->io);
	free_rings(mm);
	put_device(&mm->dev);
	return 0;
}

/**
 * qdma_chrdev_init - make the device class
 *
 * Context: module init.
 * Return: 0 or why the kernel refused.
 */
int qdma_chrdev_init(void)
{
	int err;

	err = alloc_chrdev_region(&mm_devt, 0, MM_MINORS, MM_NAME);
	if (err)
		return err;
	mm_class = svff_class_create(MM_NAME);
	if (!IS_ERR(mm_class))
		return 0;
	unregister_chrdev_region(mm_devt, MM_MINORS);
	return PTR_ERR(mm_class);
}

/**
 * qdma_chrdev_exit - remove the device class
 *
 * Context: module exit.
 */
void qdma_chrdev_exit(void)
{
	class_destroy(mm_class);
	unregister_chrdev_region(mm_devt, MM_MINORS);
	ida_destroy(&mm_ida);
}
