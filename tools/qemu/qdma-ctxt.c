/*
 * Xilinx/AMD QDMA card: indirect context programming
 *
 * A context is a few words selected by kind and index. Commands complete
 * inside the register write, unless the busy injection holds them back.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qdma.h"
#include "trace.h"

typedef struct QdmaCtxtInfo {
    const char *name;
    size_t offset;                      /* of the array in QdmaState */
    uint16_t count;
    uint8_t words;
    uint32_t mask[QDMA_IND_CTXT_WORDS]; /* bits that exist */
    uint8_t valid_word;                 /* where INV clears ... */
    uint32_t valid_mask;                /* ... and what; 0: INV clears all */
} QdmaCtxtInfo;

#define ALL UINT32_MAX

#define SW_MASK { 0x1fffffff, 0xfffff1ff, ALL, ALL, ALL, ALL, ALL, 0x7ff }

static const QdmaCtxtInfo qdma_ctxt_info[QDMA_CTXT_COUNT] = {
    [QDMA_CTXT_SW_C2H] = {
        "SW C2H", offsetof(QdmaState, sw), QDMA_QUEUES, 8, SW_MASK,
        R_SW_W1, R_SW_W1_QEN_MASK,
    },
    [QDMA_CTXT_SW_H2C] = {
        "SW H2C", offsetof(QdmaState, sw[QDMA_QUEUES]), QDMA_QUEUES, 8, SW_MASK,
        R_SW_W1, R_SW_W1_QEN_MASK,
    },
    [QDMA_CTXT_HW_C2H] = {
        "HW C2H", offsetof(QdmaState, hw), QDMA_QUEUES, 2, { ALL, 0x7f00 },
    },
    [QDMA_CTXT_HW_H2C] = {
        "HW H2C", offsetof(QdmaState, hw[QDMA_QUEUES]), QDMA_QUEUES, 2,
        { ALL, 0x7f00 },
    },
    [QDMA_CTXT_CR_C2H] = {
        "credit C2H", offsetof(QdmaState, credit), QDMA_QUEUES, 1,
        { 0xffff },
    },
    [QDMA_CTXT_CR_H2C] = {
        "credit H2C", offsetof(QdmaState, credit[QDMA_QUEUES]), QDMA_QUEUES, 1,
        { 0xffff },
    },
    [QDMA_CTXT_CMPT] = {
        "CMPT", offsetof(QdmaState, cmpt), QDMA_QUEUES, 6,
        { ALL, ALL, ALL, ALL, ALL, 0x007fffff },
        R_CMPT_W3, R_CMPT_W3_VALID_MASK,
    },
    [QDMA_CTXT_PFCH] = {
        "prefetch", offsetof(QdmaState, pfch), QDMA_QUEUES, 2,
        { 0xfc3fffff, 0x3fff }, R_PFCH_W1, R_PFCH_W1_VALID_MASK,
    },
    [QDMA_CTXT_INTR] = {
        "interrupt", offsetof(QdmaState, intr), QDMA_INTR_RINGS, 4,
        { 0xffffefff, ALL, ALL, 0x3ffc3fff },
        R_INTR_W0, R_INTR_W0_VALID_MASK,
    },
    [QDMA_CTXT_HOST] = {
        "host profile", offsetof(QdmaState, host), QDMA_HOST_PROFILES, 7,
        { ALL, ALL, ALL, ALL, ALL, ALL, 0x3ff },
    },
    [QDMA_CTXT_FMAP] = {
        "FMAP", offsetof(QdmaState, fmap), QDMA_FUNCTIONS, 2,
        { 0x000007ff, 0x00000fff },
    },
};

static uint32_t *ctxt_words(QdmaState *s, const QdmaCtxtInfo *info,
                            unsigned index)
{
    return (uint32_t *)((char *)s + info->offset) + index * info->words;
}

/* The bits of a context that this IP has */
const uint32_t *qdma_ctxt_mask(QdmaState *s, unsigned sel)
{
    for (const QdmaCtxtMask *m = s->rev->ctxt; m && m->mask[0]; m++) {
        if (m->sel == sel) {
            return m->mask;
        }
    }
    return qdma_ctxt_info[sel].mask;
}

static void ctxt_modify(QdmaState *s, unsigned sel, uint32_t *words)
{
    const uint32_t *data = &s->csr[R_IND_CTXT_DATA];
    const uint32_t *mask = &s->csr[R_IND_CTXT_MASK];
    const uint32_t *have = qdma_ctxt_mask(s, sel);

    for (unsigned i = 0; i < qdma_ctxt_info[sel].words; i++) {
        uint32_t bits = mask[i] & have[i];

        words[i] = (words[i] & ~bits) | (data[i] & bits);
    }
}

static void ctxt_invalidate(const QdmaCtxtInfo *info, uint32_t *words)
{
    if (info->valid_mask) {
        words[info->valid_word] &= ~info->valid_mask;
    } else {
        memset(words, 0, info->words * sizeof(*words));
    }
}

/* Bits the hardware computes rather than keeps */
static uint32_t hw_live_bits(QdmaState *s, const QdmaRing *r)
{
    const uint32_t *sw = qdma_sw(s, r);
    uint32_t w1 = qdma_hw(s, r)[1] & R_HW_W1_EVT_PND_MASK;
    bool pending = FIELD_EX32(sw[0], SW_W0, PIDX) !=
                   FIELD_EX32(qdma_hw(s, r)[0], HW_W0, CIDX);
    bool busy = FIELD_EX32(sw[1], SW_W1, QEN) ||
                s->inject_never_idle == r->qid || qdma_irq_waits(s, r);
    unsigned under_way = qdma_ring_under_way(s, r);

    w1 = FIELD_DP32(w1, HW_W1, DSC_PND, pending);
    w1 = FIELD_DP32(w1, HW_W1, IDL_STP_B, busy || under_way);
    return FIELD_DP32(w1, HW_W1, FETCH_PND, MIN(under_way, 15));
}

/*
 * The index of a C2H stream is beyond the buffers that are in the prefetch
 * cache, where the prefetch context tells how many these are.
 */
static uint32_t hw_fetched(QdmaState *s, const QdmaRing *r)
{
    uint32_t w0 = qdma_hw(s, r)[0];
    unsigned slots = qdma_ring_slots(s, r);

    if (!slots || qdma_ring_under_way(s, r) ||
        !(qdma_ctxt_mask(s, QDMA_CTXT_PFCH)[0] & R_PFCH_W0_NUM_PFCH_MASK)) {
        return w0;
    }
    return FIELD_DP32(w0, HW_W0, CIDX,
                      (FIELD_EX32(w0, HW_W0, CIDX) + r->in_flight) % slots);
}

/* A prefetch context tells what is fetched, and may be, when it is read. */
static void pfch_live_bits(QdmaState *s, unsigned qid, uint32_t *w)
{
    const QdmaRing *r = qdma_ring(s, true, qid);
    unsigned slots = qdma_ring_slots(s, r);
    unsigned known, credits;

    if (!FIELD_EX32(w[1], PFCH_W1, VALID) || !slots) {
        return;
    }
    known = (FIELD_EX32(qdma_sw(s, r)[0], SW_W0, PIDX) + slots -
             FIELD_EX32(qdma_hw(s, r)[0], HW_W0, CIDX) % slots) % slots;
    credits = known > r->in_flight ? known - r->in_flight : 0;
    w[0] = FIELD_DP32(w[0], PFCH_W0, PFCH, r->in_flight > 0);
    w[0] = FIELD_DP32(w[0], PFCH_W0, NUM_PFCH, r->in_flight);
    w[0] &= qdma_ctxt_mask(s, QDMA_CTXT_PFCH)[0];
    w[0] = FIELD_DP32(w[0], PFCH_W0, SW_CRDT_LO, credits & 7);
    w[1] = FIELD_DP32(w[1], PFCH_W1, SW_CRDT_HI, credits >> 3);
}

/*
 * Buffers fetched ahead are thrown away. Nobody fetches them again: the fetch
 * index is beyond them.
 */
static void pfch_evict(QdmaState *s, unsigned qid)
{
    QdmaRing *r = qdma_ring(s, true, qid);

    pfch_live_bits(s, qid, s->pfch[qid]);
    if (qdma_ring_is_stream(s, r)) {
        qdma_hw(s, r)[0] = hw_fetched(s, r);
        r->in_flight = 0;
    }
}

static void ctxt_read(QdmaState *s, unsigned sel, unsigned index,
                      const QdmaCtxtInfo *info, const uint32_t *words)
{
    uint32_t *data = &s->csr[R_IND_CTXT_DATA];

    memset(data, 0, QDMA_IND_CTXT_WORDS * sizeof(*data));
    memcpy(data, words, info->words * sizeof(*data));
    if (sel == QDMA_CTXT_HW_C2H || sel == QDMA_CTXT_HW_H2C) {
        const QdmaRing *r = qdma_ring(s, sel == QDMA_CTXT_HW_C2H, index);

        data[0] = hw_fetched(s, r);
        data[1] = hw_live_bits(s, r);
    } else if (sel == QDMA_CTXT_PFCH) {
        pfch_live_bits(s, index, data);
    }
}

/*
 * A changed context takes effect before the command is done. But a queue that
 * is disabled by writing its context, not by clearing or invalidating it,
 * completes what it has fetched.
 */
static void ctxt_apply(QdmaState *s, unsigned sel, unsigned op, unsigned index)
{
    QdmaRing *r;

    switch (sel) {
    case QDMA_CTXT_SW_C2H:
    case QDMA_CTXT_SW_H2C:
        r = qdma_ring(s, sel == QDMA_CTXT_SW_C2H, index);
        if (FIELD_EX32(qdma_sw(s, r)[1], SW_W1, QEN) ||
            op == QDMA_CTXT_OP_WR) {
            qdma_ring_kick(s, r);
        } else {
            qdma_ring_stop(s, r);
        }
        break;
    case QDMA_CTXT_HW_C2H:
    case QDMA_CTXT_HW_H2C:
        r = qdma_ring(s, sel == QDMA_CTXT_HW_C2H, index);
        qdma_ring_stop(s, r);
        qdma_ring_kick(s, r);
        break;
    case QDMA_CTXT_CMPT:
        qdma_cmpt_stop(s, index);
        qdma_cmpt_resume(s, index);
        break;
    case QDMA_CTXT_PFCH:
        qdma_ring_kick(s, qdma_ring(s, true, index));
        break;
    case QDMA_CTXT_INTR:
        qdma_irq_aggr_restart(s, index);
        break;
    }
}

/* Function status: bus master, memory space, MSI-X enable, MSI-X mask */
static uint32_t function_status(QdmaState *s, unsigned id)
{
    QdmaFunction *fn = qdma_function(s, id);
    uint16_t cmd, msix;

    if (!fn) {
        return 0;
    }
    cmd = pci_get_word(fn->pdev->config + PCI_COMMAND);
    msix = pci_get_word(fn->pdev->config + fn->pdev->msix_cap + PCI_MSIX_FLAGS);
    return (cmd & PCI_COMMAND_MASTER ? BIT(0) : 0) |
           (cmd & PCI_COMMAND_MEMORY ? BIT(1) : 0) |
           (msix & PCI_MSIX_FLAGS_ENABLE ? BIT(2) : 0) |
           (msix & PCI_MSIX_FLAGS_MASKALL ? BIT(3) : 0);
}

static void ctxt_error(QdmaState *s, uint32_t cmd)
{
    qdma_guest_error(&s->pf, "context command 0x%x: no such context", cmd);
    memset(&s->csr[R_IND_CTXT_DATA], 0, QDMA_IND_CTXT_WORDS * 4);
    s->csr[R_GLBL_ERR_STAT] |= R_GLBL_ERR_STAT_IND_CTXT_CMD_MASK;
    qdma_irq_error_check(s);
}

static void ctxt_execute(QdmaState *s, uint32_t cmd)
{
    unsigned sel = FIELD_EX32(cmd, IND_CTXT_CMD, SEL);
    unsigned op = FIELD_EX32(cmd, IND_CTXT_CMD, OP);
    unsigned index = FIELD_EX32(cmd, IND_CTXT_CMD, QID);
    const QdmaCtxtInfo *info = &qdma_ctxt_info[sel];
    uint32_t *words;

    if (sel == QDMA_CTXT_FNSTS && op == QDMA_CTXT_OP_RD &&
        index < QDMA_FUNCTIONS) {
        memset(&s->csr[R_IND_CTXT_DATA], 0, QDMA_IND_CTXT_WORDS * 4);
        s->csr[R_IND_CTXT_DATA] = function_status(s, index);
        return;
    }
    if (sel == QDMA_CTXT_TIMER && index < s->rev->queues &&
        (op == QDMA_CTXT_OP_CLR || op == QDMA_CTXT_OP_INV)) {
        qdma_cmpt_stop(s, index);
        return;
    }
    if (index >= (info->count == QDMA_QUEUES ? s->rev->queues : info->count)) {
        ctxt_error(s, cmd);
        return;
    }

    words = ctxt_words(s, info, index);
    trace_xlnx_qdma_ctxt(info->name, op, index);
    switch (op) {
    case QDMA_CTXT_OP_CLR:
        memset(words, 0, info->words * sizeof(*words));
        break;
    case QDMA_CTXT_OP_WR:
        ctxt_modify(s, sel, words);
        break;
    case QDMA_CTXT_OP_INV:
        if (sel == QDMA_CTXT_PFCH) {
            pfch_evict(s, index);
        }
        ctxt_invalidate(info, words);
        break;
    case QDMA_CTXT_OP_RD:
        ctxt_read(s, sel, index, info, words);
        return;
    }
    ctxt_apply(s, sel, op, index);
}

void qdma_ctxt_command(QdmaState *s, uint32_t cmd)
{
    if (s->inject_ctxt_busy_in && !--s->inject_ctxt_busy_in) {
        s->inject_ctxt_busy = true;
    }
    if (s->inject_ctxt_busy) {
        s->ctxt_pending = true;
        return;
    }
    ctxt_execute(s, cmd);
}

/* The injection is over: what it held back runs now. */
void qdma_ctxt_release(QdmaState *s)
{
    if (s->ctxt_pending) {
        s->ctxt_pending = false;
        ctxt_execute(s, s->csr[R_IND_CTXT_CMD]);
    }
}

void qdma_ctxt_reset(QdmaState *s)
{
    for (unsigned i = 0; i < QDMA_RINGS; i++) {
        qdma_ring_stop(s, &s->ring[i]);
    }
    for (unsigned qid = 0; qid < QDMA_QUEUES; qid++) {
        qdma_cmpt_stop(s, qid);
    }
    for (unsigned sel = 0; sel < QDMA_CTXT_COUNT; sel++) {
        const QdmaCtxtInfo *info = &qdma_ctxt_info[sel];

        if (info->count) {
            memset((char *)s + info->offset, 0,
                   sizeof(uint32_t) * info->words * info->count);
        }
    }
    memset(s->cmpt_doorbell, 0, sizeof(s->cmpt_doorbell));
    memset(s->intr_cidx, 0, sizeof(s->intr_cidx));
    s->ctxt_pending = false;
}

static void invalidate_queue(QdmaState *s, unsigned qid)
{
    static const uint8_t sels[] = {
        QDMA_CTXT_SW_C2H, QDMA_CTXT_SW_H2C, QDMA_CTXT_CMPT, QDMA_CTXT_PFCH,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(sels); i++) {
        const QdmaCtxtInfo *info = &qdma_ctxt_info[sels[i]];

        ctxt_invalidate(info, ctxt_words(s, info, qid));
    }
    qdma_ring_stop(s, qdma_ring(s, true, qid));
    qdma_ring_stop(s, qdma_ring(s, false, qid));
    qdma_cmpt_stop(s, qid);
}

/*
 * A function is reset: the queues its FMAP entry names stop and lose their
 * valid bits. What is not in it lives on, also a queue that does DMA in the
 * function's name: software that clears the entry first has to stop it.
 */
void qdma_ctxt_drop_function(QdmaFunction *fn)
{
    QdmaState *s = fn->card;
    unsigned base = FIELD_EX32(s->fmap[fn->id][0], FMAP_W0, QID_BASE);
    unsigned count = FIELD_EX32(s->fmap[fn->id][1], FMAP_W1, QID_MAX);

    for (unsigned qid = base; qid < MIN(base + count, s->rev->queues); qid++) {
        invalidate_queue(s, qid);
    }
    for (unsigned i = 0; i < QDMA_INTR_RINGS; i++) {
        if (FIELD_EX32(s->intr[i][0], INTR_W0, VALID) &&
            qdma_irq_aggr_function(s, i) == fn->id) {
            ctxt_invalidate(&qdma_ctxt_info[QDMA_CTXT_INTR], s->intr[i]);
            qdma_irq_aggr_restart(s, i);
        }
    }
    memset(s->fmap[fn->id], 0, sizeof(s->fmap[fn->id]));
}
