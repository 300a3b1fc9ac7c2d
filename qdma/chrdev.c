// SPDX-License-Identifier: GPL-2.0-only
/* /dev/svff-mmN: card memory as a file; interrupts of the user logic. */
#include "priv.h"

#include <linux/fs.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/svff.h>

static struct qdma_mm *to_mm(struct qdma_node *node)
{
	return container_of(node, struct qdma_mm, node);
}

static int mm_open(struct inode *inode, struct file *file)
{
	struct qdma_node *node = container_of(inode->i_cdev, struct qdma_node, cdev);
	struct qdma_mm_file *f = kzalloc(sizeof(*f), GFP_KERNEL);
	int err;

	if (!f)
		return -ENOMEM;
	f->mm = to_mm(node);
	file->private_data = f;
	/* Transfers do not sleep if asked not to, and never touch a page cache. */
	file->f_mode |= FMODE_NOWAIT | FMODE_CAN_ODIRECT;
	/* A close waits for as long as the VF is paused. */
	err = mutex_lock_killable(&node->lock);
	if (err)
		goto free_file;
	err = qdma_node_open(node);
	mutex_unlock(&node->lock);
	if (err)
		goto free_file;
	return 0;

free_file:
	kfree(f);
	return err;
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
	struct qdma_mm_file *f = file->private_data;
	struct qdma_mm *mm = f->mm;

	qdma_user_forget(f);
	kfree(f);
	guard(mutex)(&mm->node.lock);
	qdma_node_close(&mm->node);
	if (!mm->node.opens && !mm->node.dead)
		stop_rings(mm);
	return 0;
}

static long mm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct qdma_mm_file *f = file->private_data;
	long ret;

	/* The size is in the argument, so the one in @cmd does not count. */
	if (_IOC_TYPE(cmd) != SVFF_IOC_MAGIC || _IOC_NR(cmd) != _IOC_NR(SVFF_IOC_IRQ_EVENTFD))
		return -ENOTTY;
	if (!percpu_ref_tryget_live(&f->mm->node.io))
		return -ENODEV;
	ret = qdma_user_set(f, (void __user *)arg);
	percpu_ref_put(&f->mm->node.io);
	return ret;
}

static struct qdma_mm *file_mm(const struct kiocb *iocb)
{
	return ((struct qdma_mm_file *)iocb->ki_filp->private_data)->mm;
}

static ssize_t mm_read_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	return qdma_mm_transfer(file_mm(iocb), iocb, iter, SVFF_QDMA_C2H);
}

static ssize_t mm_write_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	return qdma_mm_transfer(file_mm(iocb), iocb, iter, SVFF_QDMA_H2C);
}

static const struct file_operations mm_fops = {
	.owner = THIS_MODULE,
	.open = mm_open,
	.release = mm_release,
	.read_iter = mm_read_iter,
	.write_iter = mm_write_iter,
	.unlocked_ioctl = mm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = no_seek_end_llseek,
};

static void mm_free(struct qdma_node *node)
{
	kvfree(to_mm(node));
}

struct qdma_node_class qdma_mm_class = {
	.name = "svff-mm",
	.fops = &mm_fops,
	.free = mm_free,
};

static struct qdma_mm *alloc_mm(struct svff_qdma *qd)
{
	u32 count = qd->queues.count;
	struct qdma_mm *mm = kvzalloc(struct_size(mm, ring, 2 * count), GFP_KERNEL);
	u32 i;

	if (!mm)
		return NULL;
	mm->count = count;
	spin_lock_init(&mm->user_lock);
	INIT_LIST_HEAD(&mm->users);
	for (i = 0; i < 2 * count; i++)
		qdma_ring_setup(&mm->ring[i], &qdma_ring_mm, qd, &mm->node, i / 2, i % 2);
	return mm;
}

/**
 * qdma_mm_create - make the MM data device of a function
 * @qd: function, with queues
 *
 * Context: process.
 * Return: 0, -ENOMEM, -ENOSPC if there are too many devices. On failure what there
 * is of it is the function's, to be removed as if it were whole.
 */
int qdma_mm_create(struct svff_qdma *qd)
{
	struct qdma_mm *mm = alloc_mm(qd);
	int err;

	if (!mm)
		return -ENOMEM;
	err = qdma_node_setup(&mm->node, qd, &qdma_mm_class);
	if (err)
		return err;
	/* Publish last: from here on it can be opened. */
	WRITE_ONCE(qd->mm, mm);
	return cdev_device_add(&mm->node.cdev, &mm->node.dev);
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

static void free_rings(struct qdma_mm *mm)
{
	bool stopped = true;
	u32 i;

	for (i = 0; i < 2 * mm->count; i++)
		stopped &= qdma_ring_remove(&mm->ring[i]);
	if (!stopped)
		qdma_ring_cut_off(mm->node.qd);
	wait_for_completion(&mm->node.drained);
	for (i = 0; i < 2 * mm->count; i++)
		qdma_ring_free(&mm->ring[i]);
}

/**
 * qdma_mm_destroy - remove the MM data device of a function
 * @mm: device; marked dead, taken from its function and hidden
 *
 * Context: process; a VF asks its PF.
 */
void qdma_mm_destroy(struct qdma_mm *mm)
{
	free_rings(mm);
	put_device(&mm->node.dev);
}
