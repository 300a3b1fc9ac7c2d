/*
 * Xilinx/AMD QDMA card: user logic of the example design
 *
 * One register set per card, reached through the user BAR of any function:
 * loopback of stream packets, a generator of C2H packets, a checker of H2C
 * packets, descriptor bypass, user interrupts.
 *
 * Packets of one queue wait for its buffers without holding up another's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qdma.h"
#include "trace.h"

/* What of one queue may wait; more keeps its H2C queues waiting */
#define USER_FIFO_PACKETS   64
#define USER_FIFO_BYTES     (128 * KiB)

/* Bits software can write; registers not named here keep nothing */
static const uint32_t user_mask[QDMA_USER_SIZE / 4] = {
    [R_USER_C2H_QID]     = QDMA_QUEUES - 1,    /* see user_bits() */
    [R_USER_C2H_LEN]     = 0x0000ffff,
    [R_USER_CONTROL]     = 0x803e003f,
    [R_USER_C2H_PACKETS] = 0x000003ff,
    [R_USER_PFCH_TAG]    = 0x0fff007f,
    [R_USER_CMPT_DATA ... R_USER_CMPT_DATA + 7] = UINT32_MAX,
    [R_USER_CMPT_SIZE]   = 0x0000177b,
    [R_USER_SCRATCH0]    = UINT32_MAX,
    [R_USER_SCRATCH1]    = UINT32_MAX,
    [R_USER_BYPASS]      = 0x00000007,
    [R_USER_INTR]        = 0x000ff1f0,
    [R_USER_INTR_MASK]   = UINT32_MAX,
    [R_USER_VDM]         = UINT32_MAX,
    [R_USER_LOOPBACK]    = R_USER_LOOPBACK_OWN_QUEUE_MASK,
};

/* The pattern: 16-bit little endian numbers that count up from 0 */
static uint8_t pattern_byte(uint32_t pos)
{
    return pos & 1 ? pos / 2 >> 8 : pos / 2;
}

void qdma_user_pattern(QdmaStream *st, uint8_t *data, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        data[i] = pattern_byte(st->gen_pos + i);
    }
}

/*
 * Whether the user logic takes a ring's descriptors from the bypass and gives
 * them back; true for a ring without one.
 */
bool qdma_user_bypass(QdmaState *s, const QdmaRing *r)
{
    uint32_t bypass = s->user[R_USER_BYPASS];
    uint32_t tag = s->user[R_USER_PFCH_TAG];

    if (!FIELD_EX32(qdma_sw(s, r)[1], SW_W1, BYPASS)) {
        return true;
    }
    if (!r->c2h) {
        return FIELD_EX32(bypass, USER_BYPASS, H2C);
    }
    switch (FIELD_EX32(bypass, USER_BYPASS, C2H)) {
    case QDMA_C2H_BYPASS_CACHE:
        return true;
    case QDMA_C2H_BYPASS_SIMPLE:
        return FIELD_EX32(tag, USER_PFCH_TAG, QID) == r->qid &&
               FIELD_EX32(tag, USER_PFCH_TAG, TAG) == qdma_pfch_tag(r->qid);
    default:
        return false;
    }
}

/*
 * The user logic's own reasons to interrupt, unlike a write of the trigger:
 * their bits stay until read, and interrupt when they are unmasked.
 */
static void user_event(QdmaState *s, uint32_t event)
{
    uint32_t intr = s->user[R_USER_INTR];

    s->user[R_USER_INTR_VECTOR] |= event;
    if (event & s->user[R_USER_INTR_MASK]) {
        qdma_irq_send(s, FIELD_EX32(intr, USER_INTR, FUNC),
                      FIELD_EX32(intr, USER_INTR, VECTOR), A_INTR_STATS);
    }
}

static void marker_response(QdmaState *s)
{
    s->user[R_USER_C2H_STATUS] = 1;
    user_event(s, R_USER_INTR_VECTOR_MARKER_MASK);
}

static bool own_queue(QdmaState *s)
{
    return FIELD_EX32(s->user[R_USER_LOOPBACK], USER_LOOPBACK, OWN_QUEUE);
}

static bool loops_back(QdmaState *s)
{
    return own_queue(s) ||
           FIELD_EX32(s->user[R_USER_CONTROL], USER_CONTROL, LOOPBACK);
}

/* The queue a packet of this queue loops back to */
static unsigned loop_queue(QdmaState *s, unsigned qid)
{
    return own_queue(s) ? qid : s->user[R_USER_C2H_QID];
}

static bool fifo_full(const QdmaStream *st)
{
    return st->waiting >= USER_FIFO_PACKETS ||
           st->waiting_bytes >= USER_FIFO_BYTES;
}

/* Whether a packet of this H2C queue can be taken */
bool qdma_user_ready(QdmaState *s, unsigned qid)
{
    return !loops_back(s) || !fifo_full(&s->stream[loop_queue(s, qid)]);
}

/* Queues that are not C2H streams take no packets. */
static bool takes_packets(QdmaState *s, unsigned qid)
{
    return qdma_ring_is_stream(s, qdma_ring(s, true, qid));
}

static void loop_packet(QdmaState *s, unsigned qid, const uint8_t *data,
                        uint32_t len)
{
    QdmaStream *st = &s->stream[qid];
    QdmaPacket *p = g_new(QdmaPacket, 1);

    p->len = len;
    p->data = g_memdup2(data, len);
    QTAILQ_INSERT_TAIL(&st->packets, p, next);
    st->waiting++;
    st->waiting_bytes += len;
    qdma_ring_kick(s, qdma_ring(s, true, qid));
}

static void check_packet(QdmaState *s, const uint8_t *data, uint32_t len)
{
    if (FIELD_EX32(s->user[R_USER_CONTROL], USER_CONTROL, RESTART)) {
        s->check_pos = 0;
    }
    for (uint32_t i = 0; i < len; i++) {
        s->check_bad |= data[i] != pattern_byte(s->check_pos++);
    }
    s->user[R_USER_H2C_MATCH] = !s->check_bad;
    user_event(s, R_USER_INTR_VECTOR_CHECKED_MASK);
}

/* A packet of an H2C queue has come. */
void qdma_user_h2c(QdmaFunction *fn, unsigned qid, const uint8_t *data,
                   uint32_t len)
{
    QdmaState *s = fn->card;

    if (!loops_back(s)) {
        check_packet(s, data, len);
    } else if (len > (own_queue(s) ? QDMA_PACKET_MAX :
                                     QDMA_USER_LOOPBACK_MAX) ||
               !takes_packets(s, loop_queue(s, qid))) {
        fn->count.packets_dropped++;
        s->user[R_USER_DROPPED]++;
    } else {
        loop_packet(s, loop_queue(s, qid), data, len);
    }
}

/* What comes next for a C2H queue; false if nothing */
bool qdma_user_next(QdmaState *s, unsigned qid, QdmaBeat *beat)
{
    QdmaStream *st = &s->stream[qid];
    QdmaPacket *p = QTAILQ_FIRST(&st->packets);

    *beat = (QdmaBeat) { 0 };
    if (p) {
        beat->len = p->len;
        beat->data = p->data;
    } else if (st->gen_left) {
        beat->len = st->gen_immediate ? 0 : st->gen_len;
        beat->immediate = st->gen_immediate;
    } else {
        beat->marker = st->marker;
    }
    return p || st->gen_left || st->marker;
}

static void free_packet(QdmaStream *st)
{
    QdmaPacket *p = QTAILQ_FIRST(&st->packets);

    QTAILQ_REMOVE(&st->packets, p, next);
    st->waiting--;
    st->waiting_bytes -= p->len;
    g_free(p->data);
    g_free(p);
}

/* Room for a packet: H2C queues that wait for it go on. */
static void room_again(QdmaState *s)
{
    QdmaRing *r, *next;

    QTAILQ_FOREACH_SAFE(r, &s->active, next, next) {
        if (r->blocked) {
            qdma_ring_kick(s, r);
        }
    }
}

/* The C2H queue is through with what qdma_user_next() told. */
void qdma_user_taken(QdmaState *s, unsigned qid, bool dropped)
{
    QdmaStream *st = &s->stream[qid];
    bool full = fifo_full(st);

    if (!QTAILQ_EMPTY(&st->packets)) {
        free_packet(st);
    } else if (st->gen_left) {
        st->gen_left--;
        st->gen_pos += st->gen_immediate ? 0 : st->gen_len;
        if (FIELD_EX32(s->user[R_USER_CONTROL], USER_CONTROL, RESTART)) {
            st->gen_pos = 0;
        }
        s->user[R_USER_C2H_COUNT]++;
        if (!st->gen_left) {
            user_event(s, R_USER_INTR_VECTOR_GENERATED_MASK);
        }
    } else {
        st->marker = false;
        marker_response(s);
        return;
    }
    s->user[dropped ? R_USER_DROPPED : R_USER_ACCEPTED]++;
    if (full) {
        room_again(s);
    }
}

/* The queue stops: what was on its way to it is lost, a marker answered. */
void qdma_user_flush(QdmaState *s, unsigned qid)
{
    QdmaStream *st = &s->stream[qid];
    bool full = fifo_full(st);

    s->user[R_USER_DROPPED] += st->waiting + st->gen_left;
    while (!QTAILQ_EMPTY(&st->packets)) {
        free_packet(st);
    }
    st->gen_left = 0;
    st->started = false;
    if (st->marker) {
        st->marker = false;
        marker_response(s);
    }
    if (full) {
        room_again(s);
    }
}

/* Each start adds to what its queue still has to come. */
static void generator_start(QdmaState *s)
{
    unsigned qid = s->user[R_USER_C2H_QID];
    QdmaStream *st = &s->stream[qid];
    uint32_t control = s->user[R_USER_CONTROL];

    if (FIELD_EX32(control, USER_CONTROL, MARKER)) {
        st->marker = takes_packets(s, qid);
        s->user[R_USER_C2H_STATUS] = 0;
        if (!st->marker) {
            marker_response(s);
        }
    } else if (!takes_packets(s, qid)) {
        s->user[R_USER_DROPPED] += s->user[R_USER_C2H_PACKETS];
    } else if (!FIELD_EX32(control, USER_CONTROL, STOP)) {
        st->gen_pos = 0;
        st->gen_left = s->user[R_USER_C2H_PACKETS];
        st->gen_len = s->user[R_USER_C2H_LEN];
        st->gen_immediate = FIELD_EX32(control, USER_CONTROL, IMMEDIATE);
    }
    qdma_ring_kick(s, qdma_ring(s, true, qid));
}

static void generator_stop(QdmaState *s)
{
    for (unsigned qid = 0; qid < QDMA_QUEUES; qid++) {
        s->stream[qid].gen_left = 0;
        s->stream[qid].started = false;
    }
}

static void control_written(QdmaState *s, uint32_t val)
{
    if (FIELD_EX32(val, USER_CONTROL, STOP)) {
        generator_stop(s);
    }
    if (val & (R_USER_CONTROL_START_MASK | R_USER_CONTROL_MARKER_MASK)) {
        generator_start(s);
    }
    s->user[R_USER_CONTROL] &= ~R_USER_CONTROL_START_MASK;
    /* Lets packets go that wait for buffers, or for the end of loopback. */
    qdma_ring_kick_all(s);
}

static void user_written(QdmaState *s, hwaddr addr, uint32_t val)
{
    switch (addr) {
    case A_USER_CONTROL:
        control_written(s, val);
        break;
    case A_USER_H2C_CLEAR:
        if (val & 1) {
            s->user[R_USER_H2C_MATCH] = 0;
            s->check_pos = 0;
            s->check_bad = false;
        }
        break;
    case A_USER_C2H_QID:
    case A_USER_PFCH_TAG:
    case A_USER_BYPASS:
    case A_USER_LOOPBACK:
        qdma_ring_kick_all(s);
        break;
    case A_USER_INTR:
        if (FIELD_EX32(val, USER_INTR, TRIGGER)) {
            qdma_irq_send(s, FIELD_EX32(val, USER_INTR, FUNC),
                          FIELD_EX32(val, USER_INTR, VECTOR), A_INTR_STATS);
        }
        break;
    }
}

static uint64_t user_read(void *opaque, hwaddr addr, unsigned size)
{
    QdmaFunction *fn = opaque;
    QdmaState *s = fn->card;
    uint32_t val;

    fn->count.mmio_reads++;
    if (s->removed || s->in_message) {
        return UINT32_MAX;
    }
    val = s->user[addr / 4];
    if (addr == A_USER_INTR_VECTOR) {
        s->user[R_USER_INTR_VECTOR] = 0;
    }
    trace_xlnx_qdma_user_read(fn->id, addr, val);
    return val;
}

/* Bits of a register that software can write on this IP */
static uint32_t user_bits(QdmaState *s, hwaddr addr)
{
    uint32_t bits = user_mask[addr / 4];

    return addr == A_USER_C2H_QID ? bits & (s->rev->queues - 1) : bits;
}

static void user_write(void *opaque, hwaddr addr, uint64_t val, unsigned size)
{
    QdmaFunction *fn = opaque;
    QdmaState *s = fn->card;
    uint32_t bits = user_bits(s, addr);

    fn->count.mmio_writes++;
    if (s->removed || s->in_message) {
        return;
    }
    trace_xlnx_qdma_user_write(fn->id, addr, val);
    s->user[addr / 4] = (s->user[addr / 4] & ~bits) | (val & bits);
    user_written(s, addr, val);
}

void qdma_user_reset(QdmaState *s)
{
    for (unsigned qid = 0; qid < QDMA_QUEUES; qid++) {
        qdma_user_flush(s, qid);
    }
    memset(s->user, 0, sizeof(s->user));
    s->check_pos = 0;
    s->check_bad = false;
}

const MemoryRegionOps qdma_user_ops = {
    .read = user_read,
    .write = user_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};
