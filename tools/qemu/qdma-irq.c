/*
 * Xilinx/AMD QDMA card: interrupts
 *
 * A descriptor ring or a completion ring raises one interrupt per arming.
 * Directly it is an MSI-X
 * message of the owner; aggregated it is an entry in an interrupt ring, and
 * one message of the interrupt ring's function for as many entries as come
 * before software moves the consumer index.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/pci/msix.h"
#include "qdma.h"
#include "trace.h"

static void irq_count(QdmaState *s, hwaddr addr)
{
    qdma_csr_count(s, addr, 1, QDMA_INTR_STAT_MASK);
}

/* Sends a message; stats is the block of statistics that counts it. */
void qdma_irq_send(QdmaState *s, unsigned function, unsigned vector,
                   hwaddr stats)
{
    QdmaFunction *fn = qdma_function(s, function);

    if (!fn || !msix_enabled(fn->pdev)) {
        irq_count(s, stats + A_INTR_NO_MSIX);
        return;
    }
    if (vector >= QDMA_MSIX_VECTORS) {
        qdma_guest_error(fn, "interrupt with vector %u of %u", vector,
                         QDMA_MSIX_VECTORS);
        irq_count(s, stats + A_INTR_MSIX_FAIL);
        qdma_leaf_error(s, A_C2H_ERR_STAT, A_C2H_ERR_MASK,
                        R_C2H_ERR_STAT_MSI_INT_FAIL_MASK,
                        R_GLBL_ERR_STAT_C2H_ST_MASK);
        return;
    }
    trace_xlnx_qdma_msix(fn->id, vector);
    irq_count(s, stats + A_INTR_MSIX_ACK);
    fn->count.interrupts++;
    s->in_message = true;
    msix_notify(fn->pdev, vector);
    s->in_message = false;
}

static bool aggr_valid(QdmaState *s, unsigned ring)
{
    return FIELD_EX32(s->intr[ring][0], INTR_W0, VALID);
}

/* The function a ring belongs to; without a field for it, who used it last */
unsigned qdma_irq_aggr_function(QdmaState *s, unsigned ring)
{
    return s->rev->intr_has_function ?
           FIELD_EX32(s->intr[ring][3], INTR_W3, FUNC) : s->intr_owner[ring];
}

static unsigned aggr_entries(QdmaState *s, unsigned ring)
{
    return QDMA_INTR_PAGE_ENTRIES *
           (FIELD_EX32(s->intr[ring][2], INTR_W2, PAGE_SIZE) + 1);
}

static uint64_t aggr_base(QdmaState *s, unsigned ring)
{
    const uint32_t *c = s->intr[ring];

    return (uint64_t)FIELD_EX32(c[0], INTR_W0, BADDR_LO) << 12 |
           (uint64_t)c[1] << 29 |
           (uint64_t)FIELD_EX32(c[2], INTR_W2, BADDR_HI) << 61;
}

/* One slot stays free, so that a full ring differs from an empty one. */
static bool aggr_full(QdmaState *s, unsigned ring)
{
    unsigned pidx = FIELD_EX32(s->intr[ring][2], INTR_W2, PIDX);

    return (pidx + 1) % aggr_entries(s, ring) == s->intr_cidx[ring];
}

/* One message until software acknowledges by moving the consumer index */
static void aggr_notify(QdmaState *s, unsigned ring)
{
    uint32_t *c = s->intr[ring];

    if (FIELD_EX32(c[0], INTR_W0, INT_ST)) {
        return;
    }
    c[0] = FIELD_DP32(c[0], INTR_W0, INT_ST, 1);
    qdma_irq_send(s, qdma_irq_aggr_function(s, ring),
                  FIELD_EX32(c[0], INTR_W0, VEC), A_INTR_STATS);
}

/* The descriptor ring a source is, or that its completion ring belongs to */
static QdmaRing *source_ring(QdmaState *s, unsigned source)
{
    return source < QDMA_RINGS ? &s->ring[source] :
           qdma_ring(s, true, source - QDMA_RINGS);
}

static unsigned source_vector(QdmaState *s, unsigned source)
{
    return source < QDMA_RINGS ?
           FIELD_EX32(s->sw[source][4], SW_W4, VEC) :
           FIELD_EX32(s->cmpt[source - QDMA_RINGS][4], CMPT_W4, VEC);
}

static unsigned source_function(QdmaState *s, unsigned source)
{
    return source < QDMA_RINGS ?
           FIELD_EX32(s->sw[source][0], SW_W0, FNC) :
           FIELD_EX32(s->cmpt[source - QDMA_RINGS][0], CMPT_W0, FNC);
}

static uint64_t ring_entry(QdmaState *s, const QdmaRing *r)
{
    const uint32_t *sw = qdma_sw(s, r);

    return (uint64_t)FIELD_EX32(sw[0], SW_W0, PIDX) |
           (uint64_t)FIELD_EX32(qdma_hw(s, r)[0], HW_W0, CIDX) << 16 |
           (uint64_t)((sw[1] >> R_SW_W1_ERR_FETCH_SHIFT) & 3) << 35;
}

static uint64_t cmpt_entry(QdmaState *s, unsigned qid)
{
    const uint32_t *c = s->cmpt[qid];

    return (uint64_t)qdma_cmpt_pidx(s, qid) |
           (uint64_t)FIELD_EX32(c[3], CMPT_W3, CIDX) << 16 |
           (uint64_t)FIELD_EX32(c[0], CMPT_W0, COLOR) << 32 |
           (uint64_t)FIELD_EX32(c[3], CMPT_W3, ERR) << 35;
}

static uint64_t aggr_entry(QdmaState *s, unsigned source, bool color)
{
    const QdmaRing *r = source_ring(s, source);

    return (source < QDMA_RINGS ? ring_entry(s, r) : cmpt_entry(s, r->qid)) |
           (uint64_t)r->c2h << 38 |
           (uint64_t)r->qid << 39 |
           (uint64_t)color << 63;
}

static void aggr_write_entry(QdmaState *s, unsigned ring, unsigned source)
{
    uint32_t *c = s->intr[ring];
    const QdmaRing *r = source_ring(s, source);
    unsigned pidx = FIELD_EX32(c[2], INTR_W2, PIDX);
    bool color = FIELD_EX32(c[0], INTR_W0, COLOR);
    uint64_t entry = cpu_to_le64(aggr_entry(s, source, color));
    QdmaFunction *fn;

    s->intr_owner[ring] = source_function(s, source);
    fn = qdma_function(s, qdma_irq_aggr_function(s, ring));
    trace_xlnx_qdma_aggr(ring, pidx, r->qid, r->c2h);
    if (!fn || qdma_dma_write(fn, aggr_base(s, ring) +
                              pidx * QDMA_INTR_ENTRY_SIZE,
                              &entry, sizeof(entry)) != MEMTX_OK) {
        qdma_dsc_error(s, r, R_GLBL_DSC_ERR_STS_DMA_MASK);
        return;
    }
    pidx = (pidx + 1) % aggr_entries(s, ring);
    c[2] = FIELD_DP32(c[2], INTR_W2, PIDX, pidx);
    if (pidx == 0) {
        c[0] = FIELD_DP32(c[0], INTR_W0, COLOR, !color);
    }
    aggr_notify(s, ring);
}

static void aggr_event(QdmaState *s, unsigned source, hwaddr stats)
{
    unsigned vec = source_vector(s, source);
    unsigned ring = vec % QDMA_INTR_RINGS;

    if (vec >= QDMA_INTR_RINGS || !aggr_valid(s, ring)) {
        qdma_guest_error(&s->pf, "queue %u interrupts through ring %u, which "
                         "is not valid", source_ring(s, source)->qid, vec);
        irq_count(s, stats + A_INTR_CTXT_INVAL);
        return;
    }
    if (aggr_full(s, ring)) {
        s->aggr_waiting += !s->aggr_wait[source];
        s->aggr_wait[source] = true;
        return;
    }
    aggr_write_entry(s, ring, source);
}

/* The source is gone: so is what it had to tell. */
void qdma_irq_forget(QdmaState *s, unsigned source)
{
    s->aggr_waiting -= s->aggr_wait[source];
    s->aggr_wait[source] = false;
}

/* A ring, or its completion ring, has something to tell and no room for it. */
bool qdma_irq_waits(QdmaState *s, const QdmaRing *r)
{
    return s->aggr_wait[qdma_ring_index(r)] ||
           (r->c2h && s->aggr_wait[QDMA_RINGS + r->qid]);
}

static bool aggr_waits_for(QdmaState *s, unsigned source, unsigned ring)
{
    return s->aggr_wait[source] && source_vector(s, source) == ring;
}

/* Space in an interrupt ring: write what waited for it */
static void aggr_drain(QdmaState *s, unsigned ring)
{
    for (unsigned i = 0; s->aggr_waiting && i < QDMA_SOURCES; i++) {
        if (aggr_full(s, ring)) {
            return;
        }
        if (aggr_waits_for(s, i, ring)) {
            qdma_irq_forget(s, i);
            aggr_write_entry(s, ring, i);
        }
    }
}

/*
 * An interrupt context was written, cleared or invalidated. It does not hold
 * the consumer index: the ring is taken to be read.
 */
void qdma_irq_aggr_restart(QdmaState *s, unsigned ring)
{
    s->intr_cidx[ring] = FIELD_EX32(s->intr[ring][2], INTR_W2, PIDX);
    for (unsigned i = 0; s->aggr_waiting && i < QDMA_SOURCES; i++) {
        if (aggr_waits_for(s, i, ring)) {
            qdma_irq_forget(s, i);
        }
    }
}

/* Software has read the ring up to cidx. */
void qdma_irq_aggr_cidx(QdmaFunction *fn, unsigned ring, uint16_t cidx)
{
    QdmaState *s = fn->card;
    uint32_t *c = s->intr[ring];

    if (!aggr_valid(s, ring) || cidx >= aggr_entries(s, ring)) {
        qdma_guest_error(fn, "interrupt ring %u: bad consumer index %u",
                         ring, cidx);
        return;
    }
    s->intr_cidx[ring] = cidx;
    c[0] = FIELD_DP32(c[0], INTR_W0, INT_ST, 0);
    aggr_drain(s, ring);
    if (FIELD_EX32(c[2], INTR_W2, PIDX) != cidx) {
        aggr_notify(s, ring);
    }
}

static void interrupt(QdmaState *s, unsigned source, unsigned function,
                      bool aggregated, hwaddr stats)
{
    if (aggregated) {
        aggr_event(s, source, stats);
    } else {
        qdma_irq_send(s, function, source_vector(s, source), stats);
    }
}

static void ring_interrupt(QdmaState *s, QdmaRing *r)
{
    uint32_t *sw = qdma_sw(s, r);
    unsigned function = FIELD_EX32(sw[0], SW_W0, FNC);

    sw[0] = FIELD_DP32(sw[0], SW_W0, IRQ_ARM, 0);
    sw[1] &= ~(R_SW_W1_IRQ_NO_LAST_MASK | R_SW_W1_IRQ_REQ_MASK);
    qdma_hw(s, r)[1] &= ~R_HW_W1_EVT_PND_MASK;
    if (FIELD_EX32(sw[4], SW_W4, DIS_INTR_ON_VF) && function) {
        return;
    }
    irq_count(s, r->c2h ? A_INTR_C2H_MM_REQ : A_INTR_H2C_REQ);
    interrupt(s, qdma_ring_index(r), function,
              FIELD_EX32(sw[4], SW_W4, INT_AGGR), A_INTR_STATS);
}

/* A completion ring tells; when it may, qdma-cmpt.c knows. */
void qdma_irq_cmpt(QdmaState *s, unsigned qid)
{
    const uint32_t *c = s->cmpt[qid];
    unsigned function = FIELD_EX32(c[0], CMPT_W0, FNC);

    if (FIELD_EX32(c[4], CMPT_W4, DIS_INTR_ON_VF) && function) {
        return;
    }
    irq_count(s, A_INTR_C2H_ST_REQ);
    interrupt(s, QDMA_RINGS + qid, function,
              FIELD_EX32(c[4], CMPT_W4, INT_AGGR), A_INTR_C2H_ST_STATS);
}

/*
 * Something to tell. Not armed, two kinds are remembered: IRQ_REQ for an
 * error, IRQ_NO_LAST when the ring went idle. Progress on the way (EVT_PND)
 * is not told later: told late, it could find no news, and a driver that
 * arms only after news would then sleep through the last event.
 */
void qdma_irq_ring_event(QdmaState *s, QdmaRing *r)
{
    uint32_t *sw = qdma_sw(s, r);
    uint32_t *hw = qdma_hw(s, r);

    if (!FIELD_EX32(sw[1], SW_W1, IRQ_EN)) {
        return;
    }
    if (FIELD_EX32(sw[0], SW_W0, IRQ_ARM)) {
        ring_interrupt(s, r);
    } else if (FIELD_EX32(sw[1], SW_W1, ERR_WB_SENT)) {
        sw[1] |= R_SW_W1_IRQ_REQ_MASK;
    } else if (FIELD_EX32(sw[0], SW_W0, PIDX) ==
               FIELD_EX32(hw[0], HW_W0, CIDX)) {
        sw[1] |= R_SW_W1_IRQ_NO_LAST_MASK;
    } else {
        hw[1] |= R_HW_W1_EVT_PND_MASK;
    }
}

/* The doorbell's arm bit; what was remembered is told at once. */
void qdma_irq_ring_arm(QdmaState *s, QdmaRing *r)
{
    uint32_t *sw = qdma_sw(s, r);

    sw[0] |= R_SW_W0_IRQ_ARM_MASK;
    if (sw[1] & (R_SW_W1_IRQ_NO_LAST_MASK | R_SW_W1_IRQ_REQ_MASK)) {
        ring_interrupt(s, r);
    }
}

/* The error interrupt: direct, one per arming, while an unmasked bit is set */
void qdma_irq_error_check(QdmaState *s)
{
    uint32_t cfg = s->csr[R_GLBL_ERR_INT];
    unsigned function = FIELD_EX32(cfg, GLBL_ERR_INT, FUNC);

    if (!FIELD_EX32(cfg, GLBL_ERR_INT, ARM) ||
        !(s->csr[R_GLBL_ERR_STAT] & s->csr[R_GLBL_ERR_MASK])) {
        return;
    }
    s->csr[R_GLBL_ERR_INT] = cfg & ~R_GLBL_ERR_INT_ARM_MASK;
    if (FIELD_EX32(cfg, GLBL_ERR_INT, EN_COAL)) {
        qdma_guest_error(&s->pf, "error interrupts cannot be aggregated");
        return;
    }
    if (FIELD_EX32(cfg, GLBL_ERR_INT, DIS_INTR_ON_VF) && function) {
        return;
    }
    irq_count(s, A_INTR_ERR_INT_REQ);
    qdma_irq_send(s, function, FIELD_EX32(cfg, GLBL_ERR_INT, VEC),
                  A_INTR_STATS);
}
