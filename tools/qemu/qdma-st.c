/*
 * Xilinx/AMD QDMA card: stream data movement
 *
 * H2C: a descriptor is a packet to the user logic; with a bypass, in which
 * the user logic hands the descriptors back, a packet may have several. A
 * packet that the user logic has no room for waits, with its descriptors.
 *
 * C2H: the user logic has a packet for a queue. It takes as many buffers as
 * it needs, fetched ahead (prefetch) or now, its data goes there, and an
 * entry to the completion ring says so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qdma.h"
#include "trace.h"

/*
 * Descriptors of the next packet, all of them in flight, and its length; 0 if
 * the end is not there yet.
 */
static unsigned h2c_packet(QdmaRing *r, uint32_t *len)
{
    *len = 0;
    for (unsigned n = 0; n < r->in_flight; n++) {
        *len += qdma_ring_op(r, n)->len;
        if (qdma_ring_op(r, n)->eop) {
            return n + 1;
        }
    }
    return 0;
}

static bool h2c_read(QdmaState *s, QdmaRing *r, unsigned n, uint8_t *data)
{
    QdmaFunction *fn = qdma_ring_function(s, r);

    for (unsigned i = 0; i < n; i++) {
        QdmaOp *op = qdma_ring_op(r, i);

        if (op->len &&
            qdma_dma_read(fn, op->src, data, op->len) != MEMTX_OK) {
            return false;
        }
        data += op->len;
    }
    return true;
}

/* Returns false when the ring failed and is off the list. */
static bool h2c_move(QdmaState *s, QdmaRing *r, unsigned n, uint32_t len)
{
    QdmaFunction *fn = qdma_ring_function(s, r);
    g_autofree uint8_t *data = g_malloc(len);

    if (r->qid == s->inject_data_error || !h2c_read(s, r, n, data)) {
        qdma_ring_fail(s, r, R_GLBL_DSC_ERR_STS_DMA_MASK, false);
        return false;
    }
    trace_xlnx_qdma_packet(r->qid, false, len);
    fn->count.packets_h2c++;
    qdma_csr_count(s, A_H2C_ALN_DBG_REG0, 1, 0xffff);
    qdma_user_h2c(fn, r->qid, data, len);
    while (n--) {
        qdma_ring_complete_one(s, r);
    }
    return true;
}

bool qdma_st_h2c_complete(QdmaState *s, QdmaRing *r, QdmaBudget *b)
{
    uint32_t len;

    r->blocked = false;
    while (r->in_flight && b->bytes) {
        unsigned n = h2c_packet(r, &len);

        if (!n && r->in_flight == QDMA_IN_FLIGHT) {
            qdma_guest_error(qdma_ring_function(s, r),
                             "stream packet of %u descriptors or more",
                             QDMA_IN_FLIGHT);
            qdma_ring_fail(s, r, R_GLBL_DSC_ERR_STS_DSC_MASK, false);
            return false;
        }
        if (!n || !qdma_user_ready(s, r->qid)) {
            r->blocked = n || !qdma_ring_fetchable(s, r);
            return true;
        }
        if (qdma_ring_op(r, n - 1)->due_ns > b->now) {
            return true;
        }
        if (!h2c_move(s, r, n, len)) {
            return false;
        }
        b->bytes -= MIN(b->bytes, len);
    }
    return true;
}

static bool c2h_prefetches(QdmaState *s, unsigned qid)
{
    return FIELD_EX32(s->pfch[qid][0], PFCH_W0, PFCH_EN) &&
           FIELD_EX32(s->pfch[qid][1], PFCH_W1, VALID);
}

static bool c2h_enabled(QdmaState *s, const QdmaRing *r)
{
    return FIELD_EX32(qdma_sw(s, r)[1], SW_W1, QEN);
}

/* Whether the engine has something to do for the ring */
bool qdma_st_c2h_wanted(QdmaState *s, const QdmaRing *r)
{
    QdmaBeat beat;

    return qdma_user_next(s, r->qid, &beat) ||
           (c2h_enabled(s, r) && c2h_prefetches(s, r->qid) &&
            qdma_ring_fetchable(s, qdma_ring(s, true, r->qid)));
}

static uint32_t c2h_buffer_size(QdmaState *s, unsigned qid)
{
    return s->csr[R_C2H_BUF_SZ +
                  FIELD_EX32(s->pfch[qid][0], PFCH_W0, BUF_SZ_IX)];
}

/* The packet is lost; who sent it does not learn of it, the counters do. */
static void c2h_drop(QdmaState *s, unsigned qid)
{
    QdmaFunction *fn = qdma_ring_function(s, qdma_ring(s, true, qid));

    trace_xlnx_qdma_drop(qid);
    if (fn) {
        fn->count.packets_dropped++;
    }
    s->stream[qid].started = false;
    qdma_csr_count(s, A_C2H_STAT_DROP, 1, UINT32_MAX);
    qdma_user_taken(s, qid, true);
}

/* Reasons to drop a packet whether there are buffers or not */
static bool c2h_refuse(QdmaState *s, QdmaRing *r, const QdmaBeat *beat,
                       unsigned need)
{
    if (!c2h_enabled(s, r) ||
        !FIELD_EX32(s->pfch[r->qid][1], PFCH_W1, VALID)) {
        return true;
    }
    if (!qdma_cmpt_valid(s, r->qid)) {
        qdma_csr_count(s, A_STAT_NUM_CMPT_DRP, 1, 0xffff);
        qdma_c2h_error(s, r->qid, R_C2H_ERR_STAT_CMPT_INV_Q_MASK);
        return true;
    }
    if (need > s->rev->c2h_max_buffers) {
        qdma_guest_error(qdma_ring_function(s, r), "packet of %u bytes needs "
                         "%u buffers; the limit is %u", beat->len, need,
                         s->rev->c2h_max_buffers);
        qdma_csr_count(s, A_C2H_DROP_LEN_MISMATCH, 1, QDMA_INTR_STAT_MASK);
        qdma_c2h_error(s, r->qid, R_C2H_ERR_STAT_LEN_MISMATCH_MASK);
        return true;
    }
    return false;
}

/* Buffers of a packet; one also without data, none without a packet */
static unsigned c2h_buffers(QdmaState *s, unsigned qid, const QdmaBeat *beat)
{
    uint32_t size = c2h_buffer_size(s, qid);

    if (beat->immediate || beat->marker) {
        return 0;
    }
    return size ? MAX(1, DIV_ROUND_UP(beat->len, size)) : UINT_MAX;
}

static bool c2h_write(QdmaState *s, QdmaRing *r, const uint8_t *data,
                      uint32_t len)
{
    QdmaFunction *fn = qdma_ring_function(s, r);
    uint32_t size = c2h_buffer_size(s, r->qid);

    for (unsigned n = 0; len; n++) {
        uint32_t part = MIN(len, size);

        if (qdma_dma_write(fn, qdma_ring_op(r, n)->dst, data,
                           part) != MEMTX_OK) {
            return false;
        }
        data += part;
        len -= part;
    }
    return true;
}

/* The example design's entry; the user's words follow after 20 bits. */
static void c2h_completion(QdmaState *s, unsigned qid, uint32_t len, bool used,
                           bool error)
{
    uint8_t entry[QDMA_CMPT_SIZE_MAX];
    uint32_t word = s->user[R_USER_CMPT_DATA] & QDMA_CMPT_USER_MASK;

    word |= len << QDMA_CMPT_LEN_SHIFT | (used ? QDMA_CMPT_DESC_USED : 0);
    stl_le_p(entry, word);
    for (unsigned i = 1; i < QDMA_CMPT_SIZE_MAX / 4; i++) {
        stl_le_p(entry + 4 * i, i < 8 ? s->user[R_USER_CMPT_DATA + i] : 0);
    }
    qdma_cmpt_post(s, qid, entry, FIELD_EX32(s->user[R_USER_CMPT_SIZE],
                                             USER_CMPT_SIZE, TRIGGER), error);
}

/* A buffer could not be had or written: the queue stops, its reader learns. */
static void c2h_fail(QdmaState *s, unsigned qid)
{
    s->pfch[qid][0] |= R_PFCH_W0_ERR_MASK;
    qdma_csr_count(s, A_C2H_STAT_DESC_RSP_ERR, 1, UINT32_MAX);
    qdma_c2h_error(s, qid, R_C2H_ERR_STAT_DESC_RSP_MASK);
    c2h_completion(s, qid, 0, false, true);
}

/* Returns false when the ring failed. */
static bool c2h_move(QdmaState *s, QdmaRing *r, const QdmaBeat *beat,
                     unsigned need)
{
    QdmaStream *st = &s->stream[r->qid];
    g_autofree uint8_t *made = NULL;
    const uint8_t *data = beat->data;

    if (!beat->immediate && !data) {
        data = made = g_malloc(beat->len);
        qdma_user_pattern(st, made, beat->len);
    }
    trace_xlnx_qdma_packet(r->qid, true, beat->len);
    if (need && (r->qid == s->inject_data_error ||
                 !c2h_write(s, r, data, beat->len))) {
        qdma_ring_fail(s, r, R_GLBL_DSC_ERR_STS_DMA_MASK, false);
        c2h_fail(s, r->qid);
        return false;
    }
    qdma_csr_count(s, A_C2H_STAT_AXIS_PKG_CMP, 1, UINT32_MAX);
    qdma_csr_count(s, beat->immediate ? A_C2H_STAT_IMM_ACCEPTED :
                                        A_C2H_STAT_AXIS_ACCEPTED,
                   1, beat->immediate ? QDMA_INTR_STAT_MASK : UINT32_MAX);
    qdma_ring_function(s, r)->count.packets_c2h += need > 0;
    for (unsigned n = 0; n < need; n++) {
        qdma_ring_complete_one(s, r);
    }
    c2h_completion(s, r->qid, beat->immediate ? 0 : beat->len, need, false);
    st->started = false;
    qdma_user_taken(s, r->qid, false);
    return true;
}

static bool c2h_fetch(QdmaState *s, QdmaRing *r, unsigned need, QdmaBudget *b)
{
    if (c2h_prefetches(s, r->qid)) {
        need = QDMA_IN_FLIGHT;
    }
    if (!c2h_enabled(s, r) || qdma_ring_fetch(s, r, need, b)) {
        return true;
    }
    c2h_fail(s, r->qid);
    return false;
}

/* When the next packet is through, given that its buffers are in flight */
static int64_t c2h_due(QdmaState *s, QdmaRing *r, uint32_t len, unsigned need,
                       int64_t now)
{
    QdmaStream *st = &s->stream[r->qid];
    int64_t start = need ? MAX(now, qdma_ring_op(r, need - 1)->due_ns) : now;

    if (!st->started) {
        st->started = true;
        st->due_ns = qdma_engine_due(s, r, len, start);
    }
    return st->due_ns;
}

/* The time of the next run; INT64_MAX: a doorbell or packet must come first */
int64_t qdma_st_c2h_run(QdmaState *s, QdmaRing *r, QdmaBudget *b)
{
    QdmaBeat beat;

    while (qdma_user_next(s, r->qid, &beat)) {
        unsigned need = c2h_buffers(s, r->qid, &beat);
        int64_t due;

        if (beat.marker) {
            qdma_csr_count(s, A_C2H_STAT_MARKER_ACCEPTED, 1,
                           QDMA_INTR_STAT_MASK);
            qdma_user_taken(s, r->qid, false);
            continue;
        }
        if (c2h_refuse(s, r, &beat, need)) {
            c2h_drop(s, r->qid);
            continue;
        }
        if (!c2h_fetch(s, r, need, b)) {
            return INT64_MAX;
        }
        if (need > r->in_flight) {
            if (!b->descs) {
                return b->now + 1;
            }
            if (!FIELD_EX32(s->user[R_USER_CONTROL], USER_CONTROL, DROP)) {
                return INT64_MAX;
            }
            c2h_drop(s, r->qid);
            continue;
        }
        due = c2h_due(s, r, beat.len, need, b->now);
        if (due > b->now || !b->bytes) {
            return MAX(due, b->now + 1);
        }
        if (!c2h_move(s, r, &beat, need)) {
            return INT64_MAX;
        }
        b->bytes -= MIN(b->bytes, beat.len);
    }
    return c2h_fetch(s, r, 0, b) && !b->descs ? b->now + 1 : INT64_MAX;
}

void qdma_st_init(QdmaState *s)
{
    for (unsigned qid = 0; qid < QDMA_QUEUES; qid++) {
        QTAILQ_INIT(&s->stream[qid].packets);
    }
}
