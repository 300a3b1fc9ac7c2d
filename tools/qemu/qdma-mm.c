/*
 * Xilinx/AMD QDMA card: memory mapped data movement
 *
 * A doorbell puts its ring on the list of active rings and starts the engine
 * timer. The timer fetches descriptors (up to QDMA_MM_IN_FLIGHT of a ring at
 * a time), gives each its due time from latency and bandwidth, and completes
 * those that are due, in order within a ring. What one run may move is
 * bounded, and the next run starts with the next ring, so that neither the
 * emulator's main loop nor another queue waits long.
 *
 * A ring's next descriptor to fetch is always its completed index plus what
 * is in flight. So dropping what is in flight loses nothing: this is what
 * stopping a queue, and saving the device's state, does.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "qemu/log.h"
#include "qdma.h"
#include "trace.h"

/* Bytes and descriptors of one run of the engine */
#define MM_RUN_BYTES    (1 * MiB)
#define MM_RUN_DESCS    256
#define MM_FETCH_MAX    64

typedef struct MmBudget {
    int64_t now;
    uint32_t bytes;
    uint32_t descs;
} MmBudget;

/* Slots of a ring without its status entry; 0 if the ring has no size */
unsigned qdma_ring_slots(QdmaState *s, const QdmaRing *r)
{
    unsigned ix = FIELD_EX32(qdma_sw(s, r)[1], SW_W1, RNG_SZ);
    uint32_t size = s->csr[R_GLBL_RNG_SZ + ix];

    return size > 1 ? size - 1 : 0;
}

static QdmaFunction *ring_function(QdmaState *s, const QdmaRing *r)
{
    return qdma_function(s, FIELD_EX32(qdma_sw(s, r)[0], SW_W0, FNC));
}

static uint64_t ring_base(QdmaState *s, const QdmaRing *r)
{
    return qdma_sw(s, r)[2] | (uint64_t)qdma_sw(s, r)[3] << 32;
}

static bool ring_enabled(QdmaState *s, const QdmaRing *r)
{
    return FIELD_EX32(qdma_sw(s, r)[1], SW_W1, QEN);
}

static unsigned ring_cidx(QdmaState *s, const QdmaRing *r)
{
    return FIELD_EX32(qdma_hw(s, r)[0], HW_W0, CIDX);
}

static unsigned ring_pidx(QdmaState *s, const QdmaRing *r)
{
    return FIELD_EX32(qdma_sw(s, r)[0], SW_W0, PIDX);
}

static void ring_list(QdmaState *s, QdmaRing *r)
{
    if (!r->listed) {
        r->listed = true;
        r->op = g_new(QdmaOp, QDMA_MM_IN_FLIGHT);
        QTAILQ_INSERT_TAIL(&s->active, r, next);
    }
}

static void ring_unlist(QdmaState *s, QdmaRing *r)
{
    if (r->listed) {
        r->listed = false;
        r->in_flight = 0;
        g_free(r->op);
        r->op = NULL;
        QTAILQ_REMOVE(&s->active, r, next);
    }
}

/* After this no DMA is done for the ring until it is kicked again. */
void qdma_mm_stop(QdmaState *s, QdmaRing *r)
{
    ring_unlist(s, r);
    r->since_status = 0;
    qdma_irq_forget(s, r);
}

void qdma_mm_kick(QdmaState *s, QdmaRing *r)
{
    const uint32_t *sw = qdma_sw(s, r);

    if (!ring_enabled(s, r) || ring_pidx(s, r) == ring_cidx(s, r)) {
        return;
    }
    if (!FIELD_EX32(sw[1], SW_W1, IS_MM)) {
        qemu_log_mask(LOG_UNIMP, "xlnx-qdma: stream queue %u: "
                      "no stream data movement\n", r->qid);
        return;
    }
    ring_list(s, r);
    if (qdma_csr_mm_running(s, r->c2h)) {
        timer_mod_anticipate_ns(s->engine,
                                qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    }
}

/* A channel's run bit was written, or state was loaded. */
void qdma_mm_kick_all(QdmaState *s)
{
    for (unsigned i = 0; i < QDMA_RINGS; i++) {
        qdma_mm_kick(s, &s->ring[i]);
    }
}

/* The status entry: error, consumer index, producer index */
static void ring_write_status(QdmaState *s, QdmaRing *r, uint16_t err)
{
    unsigned esize = 8 << FIELD_EX32(qdma_sw(s, r)[1], SW_W1, DSC_SZ);
    QdmaFunction *fn = ring_function(s, r);
    uint8_t entry[QDMA_STATUS_SIZE] = { 0 };

    if (!FIELD_EX32(qdma_sw(s, r)[1], SW_W1, WBK_EN) || !fn) {
        return;
    }
    if (s->inject_drop_writeback) {
        s->inject_drop_writeback--;
        return;
    }
    stw_le_p(entry, err);
    stw_le_p(entry + 2, ring_cidx(s, r));
    stw_le_p(entry + 4, ring_pidx(s, r));
    trace_xlnx_qdma_status(r->qid, r->c2h, ring_cidx(s, r), err);
    if (qdma_dma_write(fn, ring_base(s, r) + qdma_ring_slots(s, r) * esize,
                       entry, sizeof(entry)) != MEMTX_OK) {
        qdma_dsc_error(s, r, R_GLBL_DSC_ERR_STS_UR_CA_MASK);
    }
}

/*
 * An error stops the queue: no more DMA but one status entry with the error,
 * and an interrupt, now or when armed.
 */
static void ring_fail(QdmaState *s, QdmaRing *r, uint32_t dsc_bits, bool fetch)
{
    uint32_t *sw = qdma_sw(s, r);

    trace_xlnx_qdma_ring_fail(r->qid, r->c2h, dsc_bits, fetch);
    qdma_mm_stop(s, r);
    sw[1] &= ~R_SW_W1_QEN_MASK;
    sw[1] |= fetch ? R_SW_W1_ERR_FETCH_MASK : R_SW_W1_ERR_DMA_MASK;
    sw[1] |= R_SW_W1_ERR_WB_SENT_MASK;
    qdma_dsc_error(s, r, dsc_bits);
    ring_write_status(s, r, fetch ? QDMA_STATUS_ERR_FETCH :
                                    QDMA_STATUS_ERR_DMA);
    qdma_irq_ring_event(s, r);
}

static void ring_fail_data(QdmaState *s, QdmaRing *r, unsigned code)
{
    qdma_mm_error(s, r, code);
    ring_fail(s, r, R_GLBL_DSC_ERR_STS_DMA_MASK, false);
}

/* A setup the engine cannot work with is an error of the descriptor engine. */
static bool ring_setup_ok(QdmaState *s, QdmaRing *r)
{
    const uint32_t *sw = qdma_sw(s, r);
    unsigned slots = qdma_ring_slots(s, r);

    return FIELD_EX32(sw[1], SW_W1, DSC_SZ) == QDMA_MM_DESC_SIZE_CODE &&
           !FIELD_EX32(sw[1], SW_W1, BYPASS) &&
           ring_pidx(s, r) < slots && ring_cidx(s, r) < slots &&
           ring_function(s, r);
}

/* When the engine, which serves one descriptor after the other, is done */
static int64_t op_due(QdmaState *s, bool c2h, uint32_t len, int64_t now)
{
    int64_t start = MAX(now, s->busy_until[c2h]);

    if (s->bandwidth) {
        start += muldiv64(len, NANOSECONDS_PER_SECOND, s->bandwidth);
    }
    s->busy_until[c2h] = start;
    return start + s->latency_ns;
}

static void ring_add_op(QdmaState *s, QdmaRing *r, const uint8_t *desc,
                        int64_t now)
{
    QdmaOp *op = &r->op[(r->head + r->in_flight++) % QDMA_MM_IN_FLIGHT];

    op->src = ldq_le_p(desc + QDMA_MM_DESC_SRC);
    op->dst = ldq_le_p(desc + QDMA_MM_DESC_DST);
    op->len = ldl_le_p(desc + QDMA_MM_DESC_LEN) & QDMA_MM_DESC_LEN_MASK;
    op->moved = 0;
    op->due_ns = op_due(s, r->c2h, op->len, now);
    trace_xlnx_qdma_desc(r->qid, r->c2h, op->src, op->dst, op->len);
}

/* Descriptors to fetch in one read: up to the ring's end, never too many */
static unsigned ring_fetch_count(QdmaState *s, QdmaRing *r, unsigned *index)
{
    unsigned slots = qdma_ring_slots(s, r);
    unsigned code = FIELD_EX32(s->csr[R_GLBL_DSC_CFG], GLBL_DSC_CFG, MAX_FETCH);
    unsigned count, known;

    known = (ring_pidx(s, r) + slots - ring_cidx(s, r)) % slots;
    *index = (ring_cidx(s, r) + r->in_flight) % slots;
    if (known <= r->in_flight) {
        return 0;
    }
    count = MIN(known - r->in_flight, slots - *index);
    count = MIN(count, QDMA_MM_IN_FLIGHT - r->in_flight);
    return MIN(count, MIN(1u << code, MM_FETCH_MAX));
}

/* Returns false when the ring failed and is off the list. */
static bool ring_fetch(QdmaState *s, QdmaRing *r, MmBudget *b)
{
    uint8_t desc[MM_FETCH_MAX * QDMA_MM_DESC_SIZE];
    unsigned index, count;

    while (b->descs && (count = ring_fetch_count(s, r, &index))) {
        if (r->qid == s->inject_desc_fetch_error ||
            qdma_dma_read(ring_function(s, r),
                          ring_base(s, r) + index * QDMA_MM_DESC_SIZE,
                          desc, count * QDMA_MM_DESC_SIZE) != MEMTX_OK) {
            ring_fail(s, r, R_GLBL_DSC_ERR_STS_UR_CA_MASK, true);
            return false;
        }
        for (unsigned i = 0; i < count; i++) {
            ring_add_op(s, r, desc + i * QDMA_MM_DESC_SIZE, b->now);
        }
        b->descs -= MIN(b->descs, count);
    }
    return true;
}

static bool card_range_ok(QdmaState *s, uint64_t addr, uint32_t len)
{
    return addr <= s->card_size && len <= s->card_size - addr;
}

/* Move the next part of a descriptor; false when the ring failed. */
static bool op_move(QdmaState *s, QdmaRing *r, QdmaOp *op, MmBudget *b)
{
    uint64_t card = (r->c2h ? op->src : op->dst) + op->moved;
    uint64_t bus = (r->c2h ? op->dst : op->src) + op->moved;
    uint32_t part = MIN(op->len - op->moved, b->bytes);
    QdmaFunction *fn = ring_function(s, r);
    uint8_t *mem;

    if (op->len >= s->len_limit) {
        qdma_guest_error(fn, "descriptor of %u bytes; the limit is %u",
                         op->len, s->len_limit - 1);
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
        if (qdma_dma_write(fn, bus, mem, part) != MEMTX_OK) {
            ring_fail_data(s, r, QDMA_MM_C2H_WR_UR);
            return false;
        }
    } else {
        /* A read that fails leaves anything in its buffer; not on the card. */
        g_autofree uint8_t *data = g_malloc(part);

        if (qdma_dma_read(fn, bus, data, part) != MEMTX_OK) {
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

/* Descriptors between two interval events */
static unsigned status_interval(QdmaState *s)
{
    return 4 << FIELD_EX32(s->csr[R_GLBL_DSC_CFG], GLBL_DSC_CFG, WB_ACC_INT);
}

/* One descriptor is done: index, then status entry, then interrupt */
static void ring_complete_one(QdmaState *s, QdmaRing *r)
{
    uint32_t *hw = qdma_hw(s, r);
    const uint32_t *sw = qdma_sw(s, r);
    unsigned cidx = (ring_cidx(s, r) + 1) % qdma_ring_slots(s, r);
    bool event = false;

    r->head = (r->head + 1) % QDMA_MM_IN_FLIGHT;
    r->in_flight--;
    hw[0] = FIELD_DP32(hw[0], HW_W0, CIDX, cidx);
    s->csr[R_C2H_MM_CMPL_DESC_CNT + (r->c2h ? 0 : QDMA_MM_H2C_STEP / 4)]++;

    if (++r->since_status >= status_interval(s)) {
        r->since_status = 0;
        event = FIELD_EX32(sw[1], SW_W1, WBI_INTVL_EN);
    }
    if (cidx == ring_pidx(s, r) && FIELD_EX32(sw[1], SW_W1, WBI_CHK)) {
        event = true;
    }
    if (event) {
        ring_write_status(s, r, 0);
        qdma_irq_ring_event(s, r);
    }
}

/* Returns false when the ring failed and is off the list. */
static bool ring_complete(QdmaState *s, QdmaRing *r, MmBudget *b)
{
    while (r->in_flight && b->bytes && r->op[r->head].due_ns <= b->now) {
        QdmaOp *op = &r->op[r->head];

        if (!op_move(s, r, op, b)) {
            return false;
        }
        if (op->moved == op->len) {
            ring_complete_one(s, r);
        }
    }
    return true;
}

/* When the ring wants the engine again; INT64_MAX if it does not */
static int64_t ring_next(QdmaState *s, QdmaRing *r, const MmBudget *b)
{
    unsigned index;

    if (r->in_flight < QDMA_MM_IN_FLIGHT && ring_fetch_count(s, r, &index)) {
        return b->now + 1;
    }
    if (!r->in_flight) {
        ring_unlist(s, r);
        return INT64_MAX;
    }
    return MAX(r->op[r->head].due_ns, b->now + 1);
}

static int64_t ring_run(QdmaState *s, QdmaRing *r, MmBudget *b)
{
    if (!qdma_csr_mm_running(s, r->c2h)) {
        return INT64_MAX;
    }
    if (!ring_setup_ok(s, r)) {
        ring_fail(s, r, R_GLBL_DSC_ERR_STS_DSC_MASK, true);
        return INT64_MAX;
    }
    if (!ring_fetch(s, r, b) || !ring_complete(s, r, b)) {
        return INT64_MAX;
    }
    return ring_next(s, r, b);
}

static void engine_run(void *opaque)
{
    QdmaState *s = opaque;
    MmBudget b = {
        .now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
        .bytes = MM_RUN_BYTES,
        .descs = MM_RUN_DESCS,
    };
    int64_t again = INT64_MAX;
    QdmaRing *first, *r, *next;

    QTAILQ_FOREACH_SAFE(r, &s->active, next, next) {
        again = MIN(again, ring_run(s, r, &b));
    }
    first = QTAILQ_FIRST(&s->active);
    if (first) {
        QTAILQ_REMOVE(&s->active, first, next);
        QTAILQ_INSERT_TAIL(&s->active, first, next);
    }
    if (again != INT64_MAX) {
        timer_mod_ns(s->engine, again);
    }
}

void qdma_mm_init(QdmaState *s)
{
    QTAILQ_INIT(&s->active);
    for (unsigned i = 0; i < QDMA_RINGS; i++) {
        s->ring[i].qid = i % QDMA_QUEUES;
        s->ring[i].c2h = i < QDMA_QUEUES;
    }
    s->engine = timer_new_ns(QEMU_CLOCK_VIRTUAL, engine_run, s);
}

void qdma_mm_exit(QdmaState *s)
{
    QdmaRing *r, *next;

    QTAILQ_FOREACH_SAFE(r, &s->active, next, next) {
        qdma_mm_stop(s, r);
    }
    timer_free(s->engine);
}
