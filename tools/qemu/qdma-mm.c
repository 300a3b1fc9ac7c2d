/*
 * Xilinx/AMD QDMA card: memory mapped data movement
 *
 * What a descriptor of an MM queue moves between the host's memory and the
 * card's; qdma-ring.c says when.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qdma.h"

static void ring_fail_data(QdmaState *s, QdmaRing *r, unsigned code)
{
    qdma_mm_error(s, r, code);
    qdma_ring_fail(s, r, R_GLBL_DSC_ERR_STS_DMA_MASK, false);
}

static bool card_range_ok(QdmaState *s, uint64_t addr, uint32_t len)
{
    return addr <= s->card_size && len <= s->card_size - addr;
}

/* Move the next part of a descriptor; false when the ring failed. */
static bool op_move(QdmaState *s, QdmaRing *r, QdmaOp *op, QdmaBudget *b)
{
    uint64_t card = (r->c2h ? op->src : op->dst) + op->moved;
    uint64_t bus = (r->c2h ? op->dst : op->src) + op->moved;
    uint32_t part = MIN(op->len - op->moved, b->bytes);
    QdmaFunction *fn = qdma_ring_function(s, r);
    uint8_t *mem;

    if (op->len >= s->rev->mm_len_limit) {
        qdma_guest_error(fn, "descriptor of %u bytes; the limit is %u",
                         op->len, s->rev->mm_len_limit - 1);
        ring_fail_data(s, r, r->c2h ? QDMA_MM_C2H_RD_SLV_ERR :
                                      QDMA_MM_H2C_RD_PARAM);
        return false;
    }
    if (!card_range_ok(s, card, part)) {
        qdma_guest_error(fn, "no card memory at 0x%" PRIx64 " + %u", card,
                         part);
        ring_fail_data(s, r, r->c2h ? QDMA_MM_C2H_RD_SLV_ERR :
                                      QDMA_MM_H2C_WR_DEC_ERR);
        return false;
    }
    mem = (uint8_t *)memory_region_get_ram_ptr(s->card) + card;
    if (r->c2h) {
        if (r->qid == s->inject_data_error ||
            qdma_dma_write(fn, bus, mem, part) != MEMTX_OK) {
            ring_fail_data(s, r, QDMA_MM_C2H_WR_UR);
            return false;
        }
    } else {
        /* A read that fails leaves anything in its buffer; not on the card. */
        g_autofree uint8_t *data = g_malloc(part);

        if (r->qid == s->inject_data_error ||
            qdma_dma_read(fn, bus, data, part) != MEMTX_OK) {
            ring_fail_data(s, r, QDMA_MM_H2C_RD_UR_CA);
            return false;
        }
        memcpy(mem, data, part);
        memory_region_set_dirty(s->card, card, part);
    }
    op->moved += part;
    b->bytes -= part;
    return true;
}

/* Move what is due. Returns false when the ring failed and is off the list. */
bool qdma_mm_complete(QdmaState *s, QdmaRing *r, QdmaBudget *b)
{
    while (r->in_flight && b->bytes && qdma_ring_op(r, 0)->due_ns <= b->now) {
        QdmaOp *op = qdma_ring_op(r, 0);

        if (!op_move(s, r, op, b)) {
            return false;
        }
        if (op->moved == op->len) {
            qdma_csr_mm_completed(s, r);
            qdma_ring_complete_one(s, r);
        }
    }
    return true;
}
