// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of the rings that ring.c fills: memory mapped, and packets to the card.
 */
#include "priv.h"

#include <linux/bitfield.h>
#include <linux/scatterlist.h>

static_assert(sizeof(struct qdma_mm_desc) == 32);
static_assert(sizeof(struct qdma_h2c_desc) == 16);

/**
 * qdma_chunk_has_more - load the next segment if the current one is used up
 * @chunk: chunk
 *
 * Context: any, the ring's lock held.
 * Return: whether there are bytes without a descriptor.
 */
bool qdma_chunk_has_more(struct qdma_chunk *chunk)
{
	u64 card = chunk->span.card;

	if (chunk->span.left)
		return true;
	if (!chunk->left)
		return false;
	chunk->span = (struct qdma_span){
		.host = sg_dma_address(chunk->sg), .card = card,
		.left = sg_dma_len(chunk->sg),
	};
	chunk->sg = sg_next(chunk->sg);
	chunk->left--;
	return true;
}

static void fill_mm(struct qdma_ring *ring, struct qdma_chunk *chunk)
{
	struct qdma_mm_desc *desc = qdma_ring_desc(ring, ring->head);
	u64 host = chunk->span.host, card = chunk->span.card;
	bool c2h = ring->dir == SVFF_QDMA_C2H;
	u32 flags = QDMA_MM_DESC_VALID;

	if (!chunk->begun)
		flags |= QDMA_MM_DESC_SOP;
	flags |= FIELD_PREP(QDMA_MM_DESC_LEN,
			    qdma_span_take(&chunk->span, ring->qd->ip->mm_desc_max));
	if (!qdma_chunk_has_more(chunk))
		flags |= QDMA_MM_DESC_EOP;
	desc->src = cpu_to_le64(c2h ? card : host);
	desc->dst = cpu_to_le64(c2h ? host : card);
	desc->len_flags = cpu_to_le32(flags);
}

const struct qdma_ring_kind qdma_ring_mm = {
	.desc_sz = QDMA_MM_DESC_SZ_CODE,
	.best_size = 1025,	/* 4 MiB of pages in flight, 32 KiB of memory */
	.fill = fill_mm,
};

/**
 * qdma_tx_gathers - may a packet have several descriptors?
 * @ring: send ring
 *
 * The engine takes each descriptor for a packet. Only with a bypass the user
 * logic has them first, and looks at where packets start and end.
 *
 * Context: any.
 * Return: true if it may.
 */
bool qdma_tx_gathers(const struct qdma_ring *ring)
{
	return container_of(ring, struct qdma_tx, ring)->bypass;
}

/* The chunk is a packet; one without bytes has a descriptor too. */
static void fill_h2c(struct qdma_ring *ring, struct qdma_chunk *chunk)
{
	struct qdma_h2c_desc *desc = qdma_ring_desc(ring, ring->head);
	u32 max = qdma_h2c_desc_max(chunk->span.left);
	u16 flags = chunk->begun ? 0 : QDMA_H2C_DESC_SOP;

	desc->src = cpu_to_le64(chunk->span.host);
	desc->len = cpu_to_le16(qdma_span_take(&chunk->span, max));
	if (!qdma_chunk_has_more(chunk))
		flags |= QDMA_H2C_DESC_EOP;
	desc->meta = cpu_to_le32(FIELD_PREP(QDMA_H2C_DESC_PKT_LEN, chunk->bytes));
	desc->flags = cpu_to_le16(qdma_tx_gathers(ring) ? flags : 0);
}

static void describe_tx(struct qdma_ring *ring, struct svff_qdma_hwq *q)
{
	q->bypass = qdma_tx_gathers(ring);
}

const struct qdma_ring_kind qdma_ring_tx = {
	.st = true,
	.desc_sz = QDMA_H2C_DESC_SZ_CODE,
	.best_size = 1025,
	.fill = fill_h2c,
	.describe = describe_tx,
};
