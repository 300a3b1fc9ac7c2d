/* SPDX-License-Identifier: GPL-2.0-only */
/* eventfd_signal() without a count, for kernels that want one. */
#ifndef SVFF_COMPAT_EVENTFD_H
#define SVFF_COMPAT_EVENTFD_H

#include <linux/eventfd.h>

static inline void svff_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef SVFF_HAVE_EVENTFD_COUNT
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

#endif /* SVFF_COMPAT_EVENTFD_H */
