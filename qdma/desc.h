/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Formats that driver and hardware share in memory: descriptors, the status
 * entry at the end of a ring, the entries of completion rings and of interrupt
 * aggregation rings. And how a transfer is cut into descriptors. Pure; the
 * unit tests compile it too.
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
 * struct qdma_h2c_desc - stream descriptor, host to card
 * @meta: goes to the user logic with the packet; QDMA_H2C_DESC_PKT_LEN
 * @len: bytes
 * @flags: QDMA_H2C_DESC_*
 * @src: bus address
 */
struct qdma_h2c_desc {
	__le32 meta;
	__le16 len;
	__le16 flags;
	__le64 src;
};

#define QDMA_H2C_DESC_PKT_LEN	GENMASK(31, 16)
#define QDMA_H2C_DESC_SOP	BIT(0)
#define QDMA_H2C_DESC_EOP	BIT(1)
#define QDMA_H2C_DESC_SZ_CODE	1	/* 16 bytes */
#define QDMA_H2C_DESC_MAX	65535
#define QDMA_C2H_DESC_SZ_CODE	0	/* 8 bytes: where a buffer is */

/**
 * qdma_desc_size - size of a descriptor or completion entry
 * @code: 0, 1, 2 or 3
 *
 * Context: any; pure.
 * Return: 8, 16, 32 or 64 bytes.
 */
static inline u32 qdma_desc_size(u8 code)
{
	return 8U << code;
}

/**
 * qdma_h2c_desc_max - most bytes of the next descriptor of a packet
 * @left: bytes of the piece that is contiguous
 *
 * A piece that needs several is cut at pages, to keep them aligned.
 *
 * Context: any; pure.
 * Return: the number.
 */
static inline u32 qdma_h2c_desc_max(u64 left)
{
	return left <= QDMA_H2C_DESC_MAX ? QDMA_H2C_DESC_MAX : QDMA_H2C_DESC_MAX & ~4095U;
}

/* First 64 bits of a completion entry */
#define QDMA_CMPT_ENTRY_FORMAT	BIT_ULL(0)	/* 1: has no length */
#define QDMA_CMPT_ENTRY_COLOR	BIT_ULL(1)
#define QDMA_CMPT_ENTRY_ERR	BIT_ULL(2)
#define QDMA_CMPT_ENTRY_DATA	BIT_ULL(3)	/* there is a packet in buffers */
#define QDMA_CMPT_ENTRY_LEN	GENMASK_ULL(19, 4)

/* Status entry of a completion ring, 64 bits */
#define QDMA_CMPT_STATUS_ERR	GENMASK_ULL(36, 35)
#define   QDMA_CMPT_STATUS_FULL	3

/* Longest packet: what the length field holds, and 31 buffers */
#define QDMA_RX_PACKET_MAX	65535
#define QDMA_RX_BUFS_MAX	31
#define QDMA3_RX_BUFS_MAX	7	/* IP 3.x */

/**
 * qdma_rx_len - bytes of a packet
 * @entry: its completion
 *
 * Context: any; pure.
 * Return: bytes that it has in buffers.
 */
static inline u32 qdma_rx_len(u64 entry)
{
	return entry & QDMA_CMPT_ENTRY_DATA ? (u32)((entry & QDMA_CMPT_ENTRY_LEN) >> 4) : 0;
}

/**
 * qdma_rx_bufs - buffers that a packet is in
 * @entry: its completion
 * @buf_size: bytes of a buffer
 *
 * Context: any; pure.
 * Return: the number; a packet without bytes has one, an entry without a packet
 * none.
 */
static inline u32 qdma_rx_bufs(u64 entry, u32 buf_size)
{
	u32 len = qdma_rx_len(entry);

	if (!(entry & QDMA_CMPT_ENTRY_DATA))
		return 0;
	return len ? (len + buf_size - 1) / buf_size : 1;
}

/**
 * qdma_rx_valid - can a completion be true?
 * @entry: completion
 * @buf_size: bytes of a buffer
 * @owned: buffers that the hardware had
 *
 * Context: any; pure.
 * Return: false if it tells of an error, or of more than there can be.
 */
static inline bool qdma_rx_valid(u64 entry, u32 buf_size, u32 owned)
{
	return !(entry & (QDMA_CMPT_ENTRY_FORMAT | QDMA_CMPT_ENTRY_ERR)) &&
	       qdma_rx_bufs(entry, buf_size) <= owned;
}

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
