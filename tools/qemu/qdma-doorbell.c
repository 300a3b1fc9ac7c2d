/*
 * Xilinx/AMD QDMA card: doorbells
 *
 * Each function sees 16 bytes of doorbells per queue, addressed by its own
 * queue numbers; its FMAP entry turns them into hardware queues.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qdma.h"
#include "trace.h"

/* The hardware queue of a doorbell, or -1 with the error raised */
static int doorbell_queue(QdmaFunction *fn, hwaddr offset)
{
    QdmaState *s = fn->card;
    unsigned rel = offset / QDMA_DB_STRIDE;
    unsigned base = FIELD_EX32(s->fmap[fn->id][0], FMAP_W0, QID_BASE);
    unsigned count = FIELD_EX32(s->fmap[fn->id][1], FMAP_W1, QID_MAX);

    if (rel >= count || base + rel >= s->rev->queues) {
        qdma_guest_error(fn, "doorbell of queue %u, but it has %u queues",
                         rel, count);
        qdma_trq_error(fn, R_GLBL_TRQ_ERR_STS_QID_RANGE_MASK,
                       (qdma_is_pf(fn) ? QDMA_PF_DOORBELL : QDMA_VF_DOORBELL) +
                       offset);
        return -1;
    }
    return base + rel;
}

/* A failed queue takes no work, but its waiting error interrupt can be armed */
static void doorbell_disabled(QdmaFunction *fn, QdmaRing *r, uint32_t val)
{
    QdmaState *s = fn->card;

    if (FIELD_EX32(qdma_sw(s, r)[1], SW_W1, IRQ_REQ) &&
        FIELD_EX32(val, DB_PIDX, IRQ_ARM)) {
        qdma_irq_ring_arm(s, r);
        return;
    }
    qdma_guest_error(fn, "doorbell of %s queue %u, which is not enabled",
                     r->c2h ? "C2H" : "H2C", r->qid);
}

static void doorbell_pidx(QdmaFunction *fn, QdmaRing *r, uint32_t val)
{
    QdmaState *s = fn->card;
    uint32_t *sw = qdma_sw(s, r);
    uint16_t pidx = FIELD_EX32(val, DB_PIDX, PIDX);

    if (!FIELD_EX32(sw[1], SW_W1, QEN)) {
        doorbell_disabled(fn, r, val);
        return;
    }
    if (pidx >= qdma_ring_slots(s, r)) {
        qdma_guest_error(fn, "producer index %u in a ring of %u", pidx,
                         qdma_ring_slots(s, r));
        qdma_pidx_error(s, r, pidx);
        return;
    }
    if (pidx != FIELD_EX32(sw[0], SW_W0, PIDX)) {
        /* New work will end in an event of its own. */
        sw[1] &= ~R_SW_W1_IRQ_NO_LAST_MASK;
        sw[0] = FIELD_DP32(sw[0], SW_W0, PIDX, pidx);
    }
    if (FIELD_EX32(val, DB_PIDX, IRQ_ARM)) {
        qdma_irq_ring_arm(s, r);
    }
    qdma_ring_kick(s, r);
}

void qdma_doorbell_write(QdmaFunction *fn, hwaddr offset, uint32_t val)
{
    QdmaState *s = fn->card;
    int qid = doorbell_queue(fn, offset);

    if (qid < 0) {
        return;
    }
    trace_xlnx_qdma_doorbell(fn->id, qid, offset % QDMA_DB_STRIDE, val);
    switch (offset % QDMA_DB_STRIDE) {
    case A_DB_INTR_CIDX:
        qdma_irq_aggr_cidx(fn, FIELD_EX32(val, DB_INTR_CIDX, RING),
                           FIELD_EX32(val, DB_INTR_CIDX, CIDX));
        break;
    case A_DB_H2C_PIDX:
        doorbell_pidx(fn, qdma_ring(s, false, qid), val);
        break;
    case A_DB_C2H_PIDX:
        doorbell_pidx(fn, qdma_ring(s, true, qid), val);
        break;
    case A_DB_CMPT_CIDX:
        qdma_cmpt_cidx(fn, qid, val);
        break;
    }
}

/* Only the completion doorbell reads back what was written. */
uint32_t qdma_doorbell_read(QdmaFunction *fn, hwaddr offset)
{
    int qid;

    if (offset % QDMA_DB_STRIDE != A_DB_CMPT_CIDX) {
        return 0;
    }
    qid = doorbell_queue(fn, offset);
    return qid < 0 ? 0 : fn->card->cmpt_doorbell[qid];
}
