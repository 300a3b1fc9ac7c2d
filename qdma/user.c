// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of the user logic. The card sends them as it likes, with a vector
 * that no queue uses; who wants to know gives an open file of the MM data device
 * an eventfd. A file has one at most, and loses it when it is closed, so that
 * nothing is left behind by a process that dies.
 */
#include "priv.h"

#include <linux/err.h>
#include <linux/rcupdate.h>
#include <linux/svff.h>

#include <compat/eventfd.h>
#include <svff/ioctl_arg.h>

#define USER_VECTORS	1

/**
 * qdma_user_irq - the user logic has interrupted
 * @qd: function
 *
 * Context: hard interrupt.
 */
void qdma_user_irq(struct svff_qdma *qd)
{
	struct qdma_mm_file *f;
	struct qdma_mm *mm;
	bool heard = false;

	/* Who removes the device waits for us between taking it from @qd and freeing it. */
	rcu_read_lock();
	mm = READ_ONCE(qd->mm);
	if (mm) {
		spin_lock(&mm->user_lock);
		list_for_each_entry(f, &mm->users, user_node)
			svff_eventfd_signal(f->user);
		heard = !list_empty(&mm->users);
		spin_unlock(&mm->user_lock);
	}
	rcu_read_unlock();
	qd->irq.user_fired++;
	qd->irq.user_idle += !heard;
}

static void set_user(struct qdma_mm_file *f, struct eventfd_ctx *ctx)
{
	struct eventfd_ctx *old;

	spin_lock_irq(&f->mm->user_lock);
	old = f->user;
	f->user = ctx;
	if (old)
		list_del(&f->user_node);
	if (ctx)
		list_add_tail(&f->user_node, &f->mm->users);
	spin_unlock_irq(&f->mm->user_lock);
	if (old)
		eventfd_ctx_put(old);
}

static int do_set(struct qdma_mm_file *f, const struct svff_irq_eventfd *arg)
{
	struct eventfd_ctx *ctx = NULL;

	if (arg->fd != -1)
		ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	set_user(f, ctx);
	return 0;
}

/**
 * qdma_user_set - SVFF_IOC_IRQ_EVENTFD
 * @f: open file; a reference to its device's &qdma_node.io is held
 * @user: argument
 *
 * Context: process.
 * Return: 0 or as listed in <uapi/linux/svff.h>.
 */
int qdma_user_set(struct qdma_mm_file *f, void __user *user)
{
	struct svff_qdma *qd = f->mm->node.qd;
	struct svff_irq_eventfd arg;
	u32 user_size;
	int err;

	err = svff_get_arg(&arg, sizeof(arg), offsetofend(struct svff_irq_eventfd, fd), user);
	if (err)
		return err;
	if (arg.flags)
		return -EOPNOTSUPP;
	if (arg.vector >= USER_VECTORS || arg.msix || arg.function)
		return -EINVAL;
	if (!qd->irq.nvec)
		return -ENXIO;
	user_size = arg.size;
	arg.size = sizeof(arg);
	arg.msix = QDMA_VECTOR_USER + arg.vector;
	arg.function = qd->caps.func_id;
	/* What can fail comes first, so that a call that fails has changed nothing. */
	err = svff_put_arg(&arg, sizeof(arg), user_size, user);
	return err ? err : do_set(f, &arg);
}

/**
 * qdma_user_forget - a file is closed
 * @f: file
 *
 * Context: process.
 */
void qdma_user_forget(struct qdma_mm_file *f)
{
	set_user(f, NULL);
}
