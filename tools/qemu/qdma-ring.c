/*
 * Xilinx/AMD QDMA card: descriptor rings and the engine that works on them
 *
 * A doorbell puts its ring on the list of active rings and starts the engine
 * timer. The timer fetches descriptors (up to QDMA_IN_FLIGHT of a ring at a
 * time), gives each its due time from latency and bandwidth, and completes
 * those that are due, in order within a ring. What one run may move is
 * bounded, and the next run starts with the next ring, so that neither the
 * emulator's main loop nor another queue waits long.
 *
 * A ring's next descriptor to fetch is always its completed index plus what
 * is in flight. So dropping what is in flight loses nothing: this is what
 * invalidating a queue, and saving the device's state, does. A queue that is
 * disabled by a write to its context completes what is in flight instead.
 *
 * What a descriptor moves is told in qdma-mm.c and qdma-st.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "qdma.h"
#include "trace.h"

/* Bytes and descriptors of one run of the engine */
#define RUN_BYTES   (1 * MiB)
#define RUN_DESCS   256
#define FETCH_MAX   64

/* Slots of a ring without its status entry; 0 if the ring has no size */
unsigned qdma_ring_slots(QdmaState *s, const QdmaRing *r)
{
    unsigned ix = FIELD_EX32(qdma_sw(s, r)[1], SW_W1, RNG_SZ);
    uint32_t size = s->csr[R_GLBL_RNG_SZ + ix];

    return size > 1 ? size - 1 : 0;
}

QdmaFunction *qdma_ring_function(QdmaState *s, const QdmaRing *r)
{
    return qdma_function(s, FIELD_EX32(qdma_sw(s, r)[0], SW_W0, FNC));
}

bool qdma_ring_is_stream(QdmaState *s, const QdmaRing *r)
{
    return !FIELD_EX32(qdma_sw(s, r)[1], SW_W1, IS_MM);
}

static uint64_t ring_base(QdmaState *s, const QdmaRing *r)
{
    return qdma_sw(s, r)[2] | (uint64_t)qdma_sw(s, r)[3] << 32;
}

static unsigned ring_desc_size(QdmaState *s, const QdmaRing *r)
{
    return 8 << FIELD_EX32(qdma_sw(s, r)[1], SW_W1, DSC_SZ);
}

static bool ring_enabled(QdmaState *s, const QdmaRing *r)
{
    return FIELD_EX32(qdma_sw(s, r)[1], SW_W1, QEN);
}

/* Descriptors that are worked on; a C2H stream's wait for packets instead. */
unsigned qdma_ring_under_way(QdmaState *s, const QdmaRing *r)
{
    return r->c2h && qdma_ring_is_stream(s, r) ? 0 : r->in_flight;
}

static unsigned ring_cidx(QdmaState *s, const QdmaRing *r)
{
    return FIELD_EX32(qdma_hw(s, r)[0], HW_W0, CIDX);
}

static unsigned ring_pidx(QdmaState *s, const QdmaRing *r)
{
    return FIELD_EX32(qdma_sw(s, r)[0], SW_W0, PIDX);
}

static bool ring_is_c2h_stream(QdmaState *s, const QdmaRing *r)
{
    return r->c2h && qdma_ring_is_stream(s, r);
}

/* Streams run always, MM only with its engine; a bypass only with user logic */
static bool ring_runs(QdmaState *s, const QdmaRing *r)
{
    return (qdma_ring_is_stream(s, r) || qdma_csr_mm_running(s, r)) &&
           qdma_user_bypass(s, r);
}

static void ring_list(QdmaState *s, QdmaRing *r)
{
    if (!r->listed) {
        r->listed = true;
        QTAILQ_INSERT_TAIL(&s->active, r, next);
    }
}

static void ring_unlist(QdmaState *s, QdmaRing *r)
{
    if (r->listed) {
        r->listed = false;
        QTAILQ_REMOVE(&s->active, r, next);
    }
}

/* After this no DMA is done for the ring until it is kicked again. */
void qdma_ring_stop(QdmaState *s, QdmaRing *r)
{
    ring_unlist(s, r);
    g_free(r->op);
    r->op = NULL;
    r->in_flight = 0;
    r->blocked = false;
    r->since_status = 0;
    qdma_irq_forget(s, qdma_ring_index(r));
    if (r->c2h) {
        qdma_user_flush(s, r->qid);
    }
}

/* A C2H stream works for a waiting packet, others for their descriptors. */
static bool ring_has_work(QdmaState *s, const QdmaRing *r)
{
    if (ring_is_c2h_stream(s, r)) {
        return qdma_st_c2h_wanted(s, r);
    }
    return r->in_flight ||
           (ring_enabled(s, r) && ring_pidx(s, r) != ring_cidx(s, r));
}

void qdma_ring_kick(QdmaState *s, QdmaRing *r)
{
    if (!ring_has_work(s, r)) {
        return;
    }
    ring_list(s, r);
    if (ring_runs(s, r)) {
        timer_mod_anticipate_ns(s->engine,
                                qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    }
}

/* A channel's run bit or the user logic changed, or state was loaded. */
void qdma_ring_kick_all(QdmaState *s)
{
    for (unsigned i = 0; i < QDMA_RINGS; i++) {
        qdma_ring_kick(s, &s->ring[i]);
    }
}

/* The status entry: error, consumer index, producer index */
static void ring_write_status(QdmaState *s, QdmaRing *r, uint16_t err)
{
    QdmaFunction *fn = qdma_ring_function(s, r);
    uint8_t entry[QDMA_STATUS_SIZE] = { 0 };

    if (!FIELD_EX32(qdma_sw(s, r)[1], SW_W1, WBK_EN) ||
        ring_is_c2h_stream(s, r) || !fn) {
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
    if (qdma_dma_write(fn, ring_base(s, r) +
                       qdma_ring_slots(s, r) * ring_desc_size(s, r),
                       entry, sizeof(entry)) != MEMTX_OK) {
        qdma_dsc_error(s, r, R_GLBL_DSC_ERR_STS_UR_CA_MASK);
    }
}

/* A stream tells all errors alike. */
static uint16_t status_error(QdmaState *s, const QdmaRing *r, bool fetch)
{
    return fetch && !qdma_ring_is_stream(s, r) ? QDMA_STATUS_ERR_FETCH :
                                                 QDMA_STATUS_ERR_DMA;
}

/*
 * An error stops the queue: no more DMA but one status entry with the error,
 * and an interrupt, now or when armed.
 */
void qdma_ring_fail(QdmaState *s, QdmaRing *r, uint32_t dsc_bits, bool fetch)
{
    uint32_t *sw = qdma_sw(s, r);

    trace_xlnx_qdma_ring_fail(r->qid, r->c2h, dsc_bits, fetch);
    qdma_ring_stop(s, r);
    sw[1] &= ~R_SW_W1_QEN_MASK;
    sw[1] |= fetch ? R_SW_W1_ERR_FETCH_MASK : R_SW_W1_ERR_DMA_MASK;
    sw[1] |= R_SW_W1_ERR_WB_SENT_MASK;
    qdma_dsc_error(s, r, dsc_bits);
    ring_write_status(s, r, status_error(s, r, fetch));
    qdma_irq_ring_event(s, r);
}

/* Of user logic that loops descriptors back any size is taken. */
static bool ring_desc_size_ok(QdmaState *s, const QdmaRing *r)
{
    unsigned code = FIELD_EX32(qdma_sw(s, r)[1], SW_W1, DSC_SZ);
    unsigned need = !qdma_ring_is_stream(s, r) ? QDMA_MM_DESC_SIZE_CODE :
                    r->c2h ? QDMA_C2H_DESC_SIZE_CODE : QDMA_H2C_DESC_SIZE_CODE;

    return FIELD_EX32(qdma_sw(s, r)[1], SW_W1, BYPASS) ? code >= need :
                                                         code == need;
}

static bool ring_channel_ok(QdmaState *s, const QdmaRing *r)
{
    return qdma_ring_is_stream(s, r) ||
           FIELD_EX32(qdma_sw(s, r)[1], SW_W1, MM_CHN) < s->rev->mm_channels;
}

/* A setup the engine cannot work with is an error of the descriptor engine. */
static bool ring_setup_ok(QdmaState *s, QdmaRing *r)
{
    unsigned slots = qdma_ring_slots(s, r);

    return ring_desc_size_ok(s, r) && ring_channel_ok(s, r) &&
           QEMU_IS_ALIGNED(ring_base(s, r), QDMA_DESC_RING_ALIGN) &&
           ring_pidx(s, r) < slots && ring_cidx(s, r) < slots &&
           qdma_ring_function(s, r);
}

/* When the engine, which moves one thing after the other, is done with this */
int64_t qdma_engine_due(QdmaState *s, const QdmaRing *r, uint32_t len,
                        int64_t start)
{
    int64_t *busy_until = &s->busy_until[r->c2h][qdma_ring_channel(s, r)];

    start = MAX(start, *busy_until);
    if (s->bandwidth) {
        start += muldiv64(len, NANOSECONDS_PER_SECOND, s->bandwidth);
    }
    *busy_until = start;
    return start + s->latency_ns;
}

QdmaOp *qdma_ring_op(QdmaRing *r, unsigned n)
{
    return &r->op[(r->head + n) % QDMA_IN_FLIGHT];
}

static void op_decode(QdmaState *s, QdmaRing *r, QdmaOp *op,
                      const uint8_t *desc)
{
    *op = (QdmaOp) { .eop = true };
    if (!qdma_ring_is_stream(s, r)) {
        op->src = ldq_le_p(desc + QDMA_MM_DESC_SRC);
        op->dst = ldq_le_p(desc + QDMA_MM_DESC_DST);
        op->len = ldl_le_p(desc + QDMA_MM_DESC_LEN) & QDMA_MM_DESC_LEN_MASK;
    } else if (r->c2h) {
        op->dst = ldq_le_p(desc);
    } else {
        op->src = ldq_le_p(desc + QDMA_H2C_DESC_SRC);
        op->len = lduw_le_p(desc + QDMA_H2C_DESC_LEN);
        /* Without a bypass each descriptor is a packet. */
        op->eop = !FIELD_EX32(qdma_sw(s, r)[1], SW_W1, BYPASS) ||
                  lduw_le_p(desc + QDMA_H2C_DESC_FLAGS) & QDMA_H2C_DESC_F_EOP;
    }
}

static void ring_add_op(QdmaState *s, QdmaRing *r, const uint8_t *desc,
                        int64_t now)
{
    QdmaOp *op;

    if (!r->op) {
        r->op = g_new(QdmaOp, QDMA_IN_FLIGHT);
    }
    op = qdma_ring_op(r, r->in_flight++);
    op_decode(s, r, op, desc);
    op->due_ns = ring_is_c2h_stream(s, r) ? now + s->latency_ns :
                 qdma_engine_due(s, r, op->len, now);
    trace_xlnx_qdma_desc(r->qid, r->c2h, op->src, op->dst, op->len);
}

/* How many may be in flight: of a C2H stream as many as NUM_PFCH can tell */
static unsigned ring_limit(QdmaState *s, const QdmaRing *r)
{
    return ring_is_c2h_stream(s, r) ? QDMA_PREFETCH_MAX : QDMA_IN_FLIGHT;
}

/* Descriptors to fetch in one read: up to the ring's end, never too many */
static unsigned ring_fetch_count(QdmaState *s, QdmaRing *r, unsigned *index)
{
    unsigned slots = qdma_ring_slots(s, r);
    unsigned code = FIELD_EX32(s->csr[R_GLBL_DSC_CFG], GLBL_DSC_CFG, MAX_FETCH);
    unsigned count, known;

    if (!slots || !ring_enabled(s, r)) {
        return 0;
    }
    known = (ring_pidx(s, r) + slots - ring_cidx(s, r)) % slots;
    *index = (ring_cidx(s, r) + r->in_flight) % slots;
    if (known <= r->in_flight || ring_limit(s, r) <= r->in_flight) {
        return 0;
    }
    count = MIN(known - r->in_flight, slots - *index);
    count = MIN(count, ring_limit(s, r) - r->in_flight);
    return MIN(count, MIN(1u << code, FETCH_MAX));
}

bool qdma_ring_fetchable(QdmaState *s, QdmaRing *r)
{
    unsigned index;

    return ring_fetch_count(s, r, &index);
}

static void ring_count_fetched(QdmaState *s, QdmaRing *r, unsigned n)
{
    uint32_t *hw = qdma_hw(s, r);
    bool bypass = FIELD_EX32(qdma_sw(s, r)[1], SW_W1, BYPASS);

    if (FIELD_EX32(qdma_sw(s, r)[1], SW_W1, FCRD_EN)) {
        hw[0] = FIELD_DP32(hw[0], HW_W0, CRD_USE,
                           FIELD_EX32(hw[0], HW_W0, CRD_USE) + n);
    }
    if (ring_is_c2h_stream(s, r)) {
        qdma_csr_count(s, bypass ? A_STAT_NUM_BYP_DSC_RCVD :
                                   A_STAT_NUM_FCH_DSC_RCVD, n, 0xffff);
    }
}

/*
 * Fetch until so many are in flight or no more are there. Returns false when
 * the ring failed and is off the list.
 */
bool qdma_ring_fetch(QdmaState *s, QdmaRing *r, unsigned want, QdmaBudget *b)
{
    unsigned size = ring_desc_size(s, r);
    uint8_t desc[FETCH_MAX * QDMA_DESC_SIZE_MAX];
    unsigned index, count;

    while (b->descs && r->in_flight < want &&
           (count = ring_fetch_count(s, r, &index))) {
        if (r->qid == s->inject_desc_fetch_error ||
            qdma_dma_read(qdma_ring_function(s, r), ring_base(s, r) +
                          index * size, desc, count * size) != MEMTX_OK) {
            qdma_ring_fail(s, r, R_GLBL_DSC_ERR_STS_UR_CA_MASK, true);
            return false;
        }
        for (unsigned i = 0; i < count; i++) {
            ring_add_op(s, r, desc + i * size, b->now);
        }
        ring_count_fetched(s, r, count);
        b->descs -= MIN(b->descs, count);
    }
    return true;
}

/* Descriptors between two interval events */
static unsigned status_interval(QdmaState *s)
{
    return 4 << FIELD_EX32(s->csr[R_GLBL_DSC_CFG], GLBL_DSC_CFG, WB_ACC_INT);
}

/* Whether the descriptor that brought the ring to cidx makes an event */
static bool ring_is_event(QdmaState *s, QdmaRing *r, unsigned cidx)
{
    const uint32_t *sw = qdma_sw(s, r);
    bool interval = ++r->since_status >= status_interval(s);

    if (interval) {
        r->since_status = 0;
    }
    return (interval && FIELD_EX32(sw[1], SW_W1, WBI_INTVL_EN)) ||
           (cidx == ring_pidx(s, r) && FIELD_EX32(sw[1], SW_W1, WBI_CHK));
}

/* One descriptor is done: index, then status entry, then interrupt */
void qdma_ring_complete_one(QdmaState *s, QdmaRing *r)
{
    uint32_t *hw = qdma_hw(s, r);
    unsigned cidx = (ring_cidx(s, r) + 1) % qdma_ring_slots(s, r);

    r->head = (r->head + 1) % QDMA_IN_FLIGHT;
    r->in_flight--;
    hw[0] = FIELD_DP32(hw[0], HW_W0, CIDX, cidx);
    if (!ring_is_c2h_stream(s, r) && ring_is_event(s, r, cidx)) {
        ring_write_status(s, r, 0);
        qdma_irq_ring_event(s, r);
    }
}

/* When the ring wants the engine again; INT64_MAX if it does not */
static int64_t ring_next(QdmaState *s, QdmaRing *r, const QdmaBudget *b)
{
    if (r->blocked) {
        return INT64_MAX;
    }
    if (qdma_ring_fetchable(s, r)) {
        return b->now + 1;
    }
    if (!r->in_flight) {
        ring_unlist(s, r);
        return INT64_MAX;
    }
    return MAX(qdma_ring_op(r, 0)->due_ns, b->now + 1);
}

static int64_t ring_run(QdmaState *s, QdmaRing *r, QdmaBudget *b)
{
    int64_t again;

    if (!ring_runs(s, r)) {
        return INT64_MAX;
    }
    if (ring_enabled(s, r) && !ring_setup_ok(s, r)) {
        qdma_ring_fail(s, r, R_GLBL_DSC_ERR_STS_DSC_MASK, true);
        return INT64_MAX;
    }
    if (qdma_ring_under_way(s, r) && !ring_setup_ok(s, r)) {
        qdma_ring_stop(s, r);
        return INT64_MAX;
    }
    if (ring_is_c2h_stream(s, r)) {
        again = qdma_st_c2h_run(s, r, b);
        if (again == INT64_MAX) {
            ring_unlist(s, r);
        }
        return again;
    }
    if (!qdma_ring_fetch(s, r, QDMA_IN_FLIGHT, b)) {
        return INT64_MAX;
    }
    if (!(qdma_ring_is_stream(s, r) ? qdma_st_h2c_complete(s, r, b) :
                                      qdma_mm_complete(s, r, b))) {
        return INT64_MAX;
    }
    return ring_next(s, r, b);
}

static void engine_run(void *opaque)
{
    QdmaState *s = opaque;
    QdmaBudget b = {
        .now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
        .bytes = RUN_BYTES,
        .descs = RUN_DESCS,
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
        timer_mod_anticipate_ns(s->engine, again);
    }
}

void qdma_engine_init(QdmaState *s)
{
    QTAILQ_INIT(&s->active);
    for (unsigned i = 0; i < QDMA_RINGS; i++) {
        s->ring[i].qid = i % QDMA_QUEUES;
        s->ring[i].c2h = i < QDMA_QUEUES;
    }
    s->engine = timer_new_ns(QEMU_CLOCK_VIRTUAL, engine_run, s);
}

void qdma_engine_exit(QdmaState *s)
{
    for (unsigned i = 0; i < QDMA_RINGS; i++) {
        qdma_ring_stop(s, &s->ring[i]);
    }
    timer_free(s->engine);
}
