/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the capability registers say of the whole card. Pure; the unit tests
 * compile it too, because they know cards with more PFs than one.
 */
#ifndef QDMA_CAPS_H
#define QDMA_CAPS_H

#include <linux/bitfield.h>
#include <linux/types.h>

#include "regs.h"

/**
 * qdma_count_pfs - physical functions of the card
 * @map: QDMA_GLBL2_PF_BARLITE_INT
 * @by_value: it has their number; else it has a field with a PF's BARs for each
 *
 * Return: their number.
 */
static inline u8 qdma_count_pfs(u32 map, bool by_value)
{
	if (by_value)
		return FIELD_GET(QDMA_BARLITE_PF0, map);
	return !!(map & QDMA_BARLITE_PF0) + !!(map & QDMA_BARLITE_PF1) +
	       !!(map & QDMA_BARLITE_PF2) + !!(map & QDMA_BARLITE_PF3);
}

/**
 * qdma_count_queues - queues of the card
 * @cap: QDMA_GLBL2_CHANNEL_CAP
 * @mask_is_max: the field cannot hold the number if it is the largest
 * @max: that number
 *
 * Return: their number.
 */
static inline u16 qdma_count_queues(u32 cap, bool mask_is_max, u16 max)
{
	u32 field = FIELD_GET(QDMA_CHANNEL_CAP_QUEUES, cap);

	return mask_is_max && field == FIELD_MAX(QDMA_CHANNEL_CAP_QUEUES) ? max : field;
}

#endif
