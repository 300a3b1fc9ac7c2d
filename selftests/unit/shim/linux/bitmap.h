/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITMAP_H
#define SHIM_LINUX_BITMAP_H

#include <linux/bits.h>
#include <linux/types.h>

#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, n)	unsigned long name[BITS_TO_LONGS(n)]

static inline bool test_bit(unsigned long n, const unsigned long *map)
{
	return map[n / BITS_PER_LONG] & BIT(n % BITS_PER_LONG);
}

static inline void __assign_bit(unsigned long n, unsigned long *map, bool on)
{
	if (on)
		map[n / BITS_PER_LONG] |= BIT(n % BITS_PER_LONG);
	else
		map[n / BITS_PER_LONG] &= ~BIT(n % BITS_PER_LONG);
}

static inline unsigned int bitmap_weight(const unsigned long *map, unsigned int n)
{
	unsigned int i, sum = 0;

	for (i = 0; i < n; i++)
		sum += test_bit(i, map);
	return sum;
}

static inline bool bitmap_empty(const unsigned long *map, unsigned int n)
{
	return !bitmap_weight(map, n);
}

#endif
