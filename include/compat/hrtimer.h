/* SPDX-License-Identifier: GPL-2.0-only */
/* hrtimer_setup() for kernels that have only hrtimer_init(). */
#ifndef SVFF_COMPAT_HRTIMER_H
#define SVFF_COMPAT_HRTIMER_H

#include <linux/hrtimer.h>

#ifndef SVFF_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

#endif /* SVFF_COMPAT_HRTIMER_H */
