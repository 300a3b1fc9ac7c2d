/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments of extensible ioctls: structures that start with their size. */
#ifndef SVFF_IOCTL_ARG_H
#define SVFF_IOCTL_ARG_H

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <linux/uaccess.h>

/**
 * svff_get_arg - the caller's structure, cut or filled up to the kernel's size
 * @arg: filled; its size member is the caller's
 * @size: of the kernel's structure
 * @min: least that the caller's must have
 * @user: the caller's
 *
 * Context: process.
 * Return: 0, -EFAULT, -EINVAL if it is too small, -E2BIG if it is larger than a
 * page, or if bytes that are not known here are not zero.
 */
static inline int svff_get_arg(void *arg, size_t size, size_t min, void __user *user)
{
	u32 user_size;

	if (get_user(user_size, (u32 __user *)user))
		return -EFAULT;
	if (user_size < min)
		return -EINVAL;
	/* What the kernel does not know is read to see that it is zero: a bounded amount of it. */
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(arg, size, user, user_size);
}

/**
 * svff_put_arg - give as much of a structure as the caller has room for
 * @arg: structure
 * @size: of it
 * @user_size: of the caller's
 * @user: the caller's
 *
 * Context: process.
 * Return: 0 or -EFAULT.
 */
static inline int svff_put_arg(const void *arg, size_t size, u32 user_size,
			       void __user *user)
{
	return copy_to_user(user, arg, min_t(size_t, size, user_size)) ? -EFAULT : 0;
}

#endif /* SVFF_IOCTL_ARG_H */
