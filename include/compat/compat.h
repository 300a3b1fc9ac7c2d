/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included in every kernel file by the build: what differs between the kernels
 * that SVFF is built for. The SVFF_HAVE_* come from probe.sh. Code is written
 * for the newest kernel; here are the bridges back.
 */
#ifndef SVFF_COMPAT_H
#define SVFF_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "SVFF needs Linux 6.1 or newer"
#endif

/* A symbol namespace is a token on older kernels, a string on newer ones. */
#ifdef SVFF_HAVE_NS_TOKEN
#define SVFF_NS(ns)	ns
#else
#define SVFF_NS(ns)	#ns
#endif

#ifdef SVFF_HAVE_CLASS_OWNER
#define svff_class_create(name)	class_create(THIS_MODULE, name)
#else
#define svff_class_create(name)	class_create(name)
#endif

/* On newer kernels the string's source is known from its declaration. */
#ifdef SVFF_HAVE_ASSIGN_STR_2
#define SVFF_ASSIGN_STR(dst, src)	__assign_str(dst, src)
#else
#define SVFF_ASSIGN_STR(dst, src)	__assign_str(dst)
#endif

#endif /* SVFF_COMPAT_H */
