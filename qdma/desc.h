/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Formats that driver and hardware share in memory: the MM descriptor, the
 * status entry at the end of a ring, the entry of an interrupt aggregation
 * ring. And how a transfer is cut into descriptors. Pure; the unit tests
 * compile it too.
 */
#ifndef QDMA_DESC_H
#define QDMA_DESC_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * struct qdma_mm_desc - memory mapped descriptor
 * @src: where from: bus address (H2C) or card address (C2H)
 * @len_flags: QDMA_MM_DESC_*
 * @rsvd0: zero
 * @dst: where to: card address (H2C) or bus address (C2H)
 * @rsvd1: zero
 */
struct qdma_mm_desc {
	__le64 src;
	__le32 len_flags;
	__le32 rsvd0;
	__le64 dst;
	__le64 rsvd1;
};

#define QDMA_MM_DESC_LEN	GENMASK(27, 0)
#define QDMA_MM_DESC_VALID	BIT(28)
#define QDMA_MM_DESC_SOP	BIT(29)
#define QDMA_MM_DESC_EOP	BIT(30)
#define QDMA_MM_DESC_SZ_CODE	2	/* 32 bytes */

/**
 * struct qdma_status - status entry in the last slot of a ring
 * @error: QDMA_STATUS_ERR_*
 * @cidx: next descriptor that the hardware will complete
 * @pidx: producer index that the hardware knows
 * @rsvd: reserved
 */
struct qdma_status {
	__le16 error;
	__le16 cidx;
	__le16 pidx;
	__le16 rsvd;
};

#define QDMA_STATUS_ERR_DMA	BIT(0)
#define QDMA_STATUS_ERR_FETCH	BIT(1)
#define QDMA_STATUS_ERR		(QDMA_STATUS_ERR_DMA | QDMA_STATUS_ERR_FETCH)

/* Entry of an interrupt aggregation ring, 64 bits */
#define QDMA_INTR_ENTRY_COLOR	BIT_ULL(63)
#define QDMA_INTR_ENTRY_QID	GENMASK_ULL(62, 39)
#define QDMA_INTR_ENTRY_C2H	BIT_ULL(38)
#define QDMA_INTR_ENTRY_SIZE	8

/**
 * struct qdma_span - what is left of a piece that is contiguous on both sides
 * @host: bus address
 * @card: card address
 * @left: bytes
 */
struct qdma_span {
	u64 host;
	u64 card;
	u64 left;
};

/**
 * qdma_span_take - cut the next descriptor off a span
 * @span: the span, not empty; advanced
 * @max: most bytes that a descriptor can have
 *
 * Context: any; pure.
 * Return: bytes of the descriptor.
 */
static inline u32 qdma_span_take(struct qdma_span *span, u32 max)
{
	u32 len = span->left < max ? (u32)span->left : max;

	span->host += len;
	span->card += len;
	span->left -= len;
	return len;
}

/**
 * qdma_span_descs - how many descriptors a span needs
 * @bytes: its length
 * @max: most bytes that a descriptor can have
 *
 * Context: any; pure.
 * Return: the number.
 */
static inline u64 qdma_span_descs(u64 bytes, u32 max)
{
	return bytes / max + !!(bytes % max);
}

/**
 * qdma_ring_done - descriptors that a status entry reports as completed
 * @cidx: its consumer index
 * @tail: first slot that was not completed yet
 * @head: next slot to be filled
 * @slots: slots of the ring
 *
 * What the hardware writes is not believed: an index that is not between
 * @tail and @head would complete transfers that have not happened.
 *
 * Context: any; pure.
 * Return: the number, or -1 if the index is impossible.
 */
static inline int qdma_ring_done(u32 cidx, u32 tail, u32 head, u32 slots)
{
	u32 used = (head + slots - tail) % slots;
	u32 done;

	if (cidx >= slots)
		return -1;
	done = (cidx + slots - tail) % slots;
	return done <= used ? (int)done : -1;
}

#endif /* QDMA_DESC_H */
