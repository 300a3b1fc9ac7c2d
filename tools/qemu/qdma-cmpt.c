/*
 * Xilinx/AMD QDMA card: completion rings
 *
 * An entry per packet, and a status entry and an interrupt as the queue's
 * trigger mode says. All state is in the completion context, but for the
 * time at which a running timer expires.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qdma.h"
#include "trace.h"

static QdmaFunction *cmpt_function(QdmaState *s, unsigned qid)
{
    return qdma_function(s, FIELD_EX32(s->cmpt[qid][0], CMPT_W0, FNC));
}

/* Slots without the status entry; 0 if the ring has no size */
unsigned qdma_cmpt_slots(QdmaState *s, unsigned qid)
{
    unsigned ix = FIELD_EX32(s->cmpt[qid][0], CMPT_W0, QSIZE_IX);
    uint32_t size = s->csr[R_GLBL_RNG_SZ + ix];

    return size > 1 ? size - 1 : 0;
}

unsigned qdma_cmpt_pidx(QdmaState *s, unsigned qid)
{
    const uint32_t *c = s->cmpt[qid];

    return FIELD_EX32(c[2], CMPT_W2, PIDX_LO) |
           FIELD_EX32(c[3], CMPT_W3, PIDX_HI) << 4;
}

static void cmpt_set_pidx(uint32_t *c, unsigned pidx)
{
    c[2] = FIELD_DP32(c[2], CMPT_W2, PIDX_LO, pidx & 0xf);
    c[3] = FIELD_DP32(c[3], CMPT_W3, PIDX_HI, pidx >> 4);
}

static unsigned cmpt_entry_size(QdmaState *s, unsigned qid)
{
    return 8 << FIELD_EX32(s->cmpt[qid][2], CMPT_W2, DESC_SIZE);
}

static uint64_t cmpt_base(QdmaState *s, unsigned qid)
{
    const uint32_t *c = s->cmpt[qid];

    return (uint64_t)c[1] << 6 |
           (uint64_t)FIELD_EX32(c[2], CMPT_W2, BADDR_HI) << 38 |
           (uint64_t)FIELD_EX32(c[5], CMPT_W5, BADDR_LO) << 2;
}

/* Entries that software has not read, in a ring whose indices are good */
static unsigned cmpt_unread(QdmaState *s, unsigned qid)
{
    unsigned slots = qdma_cmpt_slots(s, qid);

    return (qdma_cmpt_pidx(s, qid) + slots -
            FIELD_EX32(s->cmpt[qid][3], CMPT_W3, CIDX)) % slots;
}

/* A ring of C2H streams, which there are no others of; IP 3.x does not ask */
bool qdma_cmpt_valid(QdmaState *s, unsigned qid)
{
    uint32_t have = qdma_ctxt_mask(s, QDMA_CTXT_CMPT)[R_CMPT_W4];

    return FIELD_EX32(s->cmpt[qid][3], CMPT_W3, VALID) &&
           !((have & ~s->cmpt[qid][4]) & R_CMPT_W4_DIR_C2H_MASK);
}

static bool cmpt_setup_ok(QdmaState *s, unsigned qid)
{
    unsigned slots = qdma_cmpt_slots(s, qid);

    return qdma_cmpt_pidx(s, qid) < slots && cmpt_function(s, qid) &&
           qdma_cmpt_valid(s, qid) &&
           FIELD_EX32(s->cmpt[qid][3], CMPT_W3, CIDX) < slots;
}

static bool cmpt_write(QdmaState *s, unsigned qid, unsigned index,
                       const uint8_t *data, unsigned len)
{
    uint64_t addr = cmpt_base(s, qid) + index * cmpt_entry_size(s, qid);

    if (qdma_dma_write(cmpt_function(s, qid), addr, data, len) == MEMTX_OK) {
        return true;
    }
    qdma_dsc_error(s, qdma_ring(s, true, qid), R_GLBL_DSC_ERR_STS_UR_CA_MASK);
    return false;
}

static void cmpt_write_status(QdmaState *s, unsigned qid)
{
    const uint32_t *c = s->cmpt[qid];
    bool armed = FIELD_EX32(c[0], CMPT_W0, INT_ST) == QDMA_CMPT_ST_ARMED;
    uint8_t entry[QDMA_STATUS_SIZE];

    if (!FIELD_EX32(c[0], CMPT_W0, EN_STAT_DESC)) {
        return;
    }
    if (s->inject_drop_writeback) {
        s->inject_drop_writeback--;
        return;
    }
    stw_le_p(entry, qdma_cmpt_pidx(s, qid));
    stw_le_p(entry + 2, FIELD_EX32(c[3], CMPT_W3, CIDX));
    stl_le_p(entry + 4, FIELD_EX32(c[0], CMPT_W0, COLOR) | armed << 1 |
             FIELD_EX32(c[3], CMPT_W3, ERR) << 3);
    qdma_csr_count(s, A_STAT_NUM_STAT_DESC_OUT, 1, 0xffff);
    cmpt_write(s, qid, qdma_cmpt_slots(s, qid), entry, sizeof(entry));
}

static void timer_stop(QdmaState *s, unsigned qid)
{
    QdmaStream *st = &s->stream[qid];

    if (st->timer_ns) {
        st->timer_ns = 0;
        QTAILQ_REMOVE(&s->timers, st, timer_next);
    }
    s->cmpt[qid][4] &= ~R_CMPT_W4_TIMER_RUNNING_MASK;
}

static bool timer_mode(unsigned mode)
{
    return mode == QDMA_TRIG_USER_TIMER || mode == QDMA_TRIG_USER_TIMER_COUNT;
}

static void timer_start(QdmaState *s, unsigned qid)
{
    QdmaStream *st = &s->stream[qid];
    const uint32_t *c = s->cmpt[qid];
    unsigned ix = FIELD_EX32(c[0], CMPT_W0, TIMER_IX);
    uint64_t cycles = (uint64_t)s->csr[R_C2H_TIMER_CNT + ix] *
                      s->csr[R_C2H_INT_TIMER_TICK];

    if (st->timer_ns || !timer_mode(FIELD_EX32(c[0], CMPT_W0, TRIG_MODE))) {
        return;
    }
    st->timer_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                   MAX(cycles, 1) * QDMA_CLOCK_NS;
    QTAILQ_INSERT_TAIL(&s->timers, st, timer_next);
    s->cmpt[qid][4] |= R_CMPT_W4_TIMER_RUNNING_MASK;
    timer_mod_anticipate_ns(s->cmpt_timer, st->timer_ns);
}

/* Status entry, then interrupt if none is outstanding */
static void cmpt_tell(QdmaState *s, unsigned qid)
{
    uint32_t *c = s->cmpt[qid];
    bool interrupt = FIELD_EX32(c[0], CMPT_W0, EN_INT);

    if (interrupt &&
        FIELD_EX32(c[0], CMPT_W0, INT_ST) != QDMA_CMPT_ST_ARMED) {
        cmpt_write_status(s, qid);
        return;
    }
    if (interrupt) {
        c[0] = FIELD_DP32(c[0], CMPT_W0, INT_ST, QDMA_CMPT_ST_SENT);
    }
    c[3] &= ~R_CMPT_W3_USER_TRIG_PEND_MASK;
    cmpt_write_status(s, qid);
    if (interrupt) {
        qdma_irq_cmpt(s, qid);
    }
}

/* Whether the mode wants to tell of what is unread */
static bool cmpt_triggered(QdmaState *s, unsigned qid, bool expired)
{
    const uint32_t *c = s->cmpt[qid];
    unsigned ix = FIELD_EX32(c[0], CMPT_W0, CNTER_IX);
    bool user = FIELD_EX32(c[3], CMPT_W3, USER_TRIG_PEND);
    bool many = cmpt_unread(s, qid) >= s->csr[R_C2H_CNT_TH + ix];

    switch (FIELD_EX32(c[0], CMPT_W0, TRIG_MODE)) {
    case QDMA_TRIG_EVERY:
        return true;
    case QDMA_TRIG_USER_COUNT:
        return user || many;
    case QDMA_TRIG_USER:
        return user;
    case QDMA_TRIG_USER_TIMER:
        return user || expired;
    case QDMA_TRIG_USER_TIMER_COUNT:
        return user || expired || many;
    default:
        return false;
    }
}

/* Something changed: a new entry, a consumer index, or the timer expired. */
static void cmpt_evaluate(QdmaState *s, unsigned qid, bool expired)
{
    if (FIELD_EX32(s->cmpt[qid][0], CMPT_W0, INT_ST) == QDMA_CMPT_ST_IDLE) {
        return;
    }
    if (!cmpt_unread(s, qid)) {
        s->cmpt[qid][3] &= ~R_CMPT_W3_USER_TRIG_PEND_MASK;
        timer_stop(s, qid);
        return;
    }
    if (cmpt_triggered(s, qid, expired)) {
        cmpt_tell(s, qid);
    }
    if (!expired) {
        timer_start(s, qid);
    }
}

static void timers_run(void *opaque)
{
    QdmaState *s = opaque;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    int64_t again = INT64_MAX;
    QdmaStream *st, *next;

    QTAILQ_FOREACH_SAFE(st, &s->timers, timer_next, next) {
        unsigned qid = st - s->stream;

        if (st->timer_ns > now) {
            again = MIN(again, st->timer_ns);
            continue;
        }
        timer_stop(s, qid);
        if (cmpt_setup_ok(s, qid)) {
            cmpt_evaluate(s, qid, true);
        }
    }
    if (again != INT64_MAX) {
        timer_mod_anticipate_ns(s->cmpt_timer, again);
    }
}

/* An error in the context is told once, by status entry and interrupt. */
static void cmpt_error(QdmaState *s, unsigned qid, unsigned err, uint32_t bits)
{
    uint32_t *c = s->cmpt[qid];

    c[3] = FIELD_DP32(c[3], CMPT_W3, ERR, err);
    if (bits) {
        qdma_c2h_error(s, qid, bits);
    }
    if (FIELD_EX32(c[0], CMPT_W0, INT_ST) != QDMA_CMPT_ST_IDLE) {
        cmpt_tell(s, qid);
    }
}

static bool cmpt_full(QdmaState *s, unsigned qid)
{
    return s->inject_cmpt_overflow == qid ||
           (!FIELD_EX32(s->cmpt[qid][4], CMPT_W4, OVF_CHK_DIS) &&
            cmpt_unread(s, qid) + 1 >= qdma_cmpt_slots(s, qid));
}

static void cmpt_overflow(QdmaState *s, unsigned qid)
{
    qdma_guest_error(cmpt_function(s, qid), "completion ring of queue %u is "
                     "full", qid);
    qdma_csr_count(s, A_STAT_NUM_CMPT_DRP, 1, 0xffff);
    timer_stop(s, qid);
    s->cmpt[qid][3] &= ~R_CMPT_W3_VALID_MASK;
    cmpt_error(s, qid, QDMA_CMPT_ERR_OVERFLOW, R_C2H_ERR_STAT_CMPT_QFULL_MASK);
}

/* The engine puts colour and error where the user logic's format has them. */
static void entry_set_bit(uint8_t *entry, unsigned size, unsigned bit,
                          unsigned standard, bool val)
{
    bit = bit ?: standard;
    if (bit < size * 8) {
        entry[bit / 8] = deposit32(entry[bit / 8], bit % 8, 1, val);
    }
}

static void entry_finish(QdmaState *s, unsigned qid, uint8_t *entry,
                         bool error)
{
    const uint32_t *format = &s->csr[R_C2H_CMPT_FORMAT];
    unsigned size = cmpt_entry_size(s, qid);
    uint32_t user = s->user[R_USER_CMPT_SIZE];
    unsigned color_ix = FIELD_EX32(user, USER_CMPT_SIZE, COLOR_IX);
    unsigned err_ix = FIELD_EX32(user, USER_CMPT_SIZE, ERR_IX);

    entry_set_bit(entry, size, FIELD_EX32(format[color_ix %
                  QDMA_CMPT_FORMATS], C2H_CMPT_FORMAT, COLOR_LOC),
                  QDMA_CMPT_COLOR_BIT,
                  FIELD_EX32(s->cmpt[qid][0], CMPT_W0, COLOR));
    entry_set_bit(entry, size, FIELD_EX32(format[err_ix %
                  QDMA_CMPT_FORMATS], C2H_CMPT_FORMAT, ERR_LOC),
                  QDMA_CMPT_ERR_BIT, error);
}

static void cmpt_advance(QdmaState *s, unsigned qid)
{
    uint32_t *c = s->cmpt[qid];
    unsigned pidx = (qdma_cmpt_pidx(s, qid) + 1) % qdma_cmpt_slots(s, qid);

    cmpt_set_pidx(c, pidx);
    if (!pidx) {
        c[0] ^= R_CMPT_W0_COLOR_MASK;
    }
}

/* A packet is through: its entry, of the largest size, goes to the ring. */
void qdma_cmpt_post(QdmaState *s, unsigned qid, uint8_t *entry, bool trigger,
                    bool error)
{
    uint32_t *c = s->cmpt[qid];

    qdma_csr_count(s, A_C2H_STAT_CMPT_ACCEPTED, 1, UINT32_MAX);
    qdma_csr_count(s, A_STAT_NUM_CMPT_IN, 1, 0xffff);
    if (!cmpt_setup_ok(s, qid)) {
        qdma_csr_count(s, A_STAT_NUM_CMPT_DRP, 1, 0xffff);
        qdma_c2h_error(s, qid, R_C2H_ERR_STAT_CMPT_INV_Q_MASK);
        return;
    }
    if (cmpt_full(s, qid)) {
        cmpt_overflow(s, qid);
        return;
    }
    entry_finish(s, qid, entry, error);
    trace_xlnx_qdma_completion(qid, qdma_cmpt_pidx(s, qid), ldl_le_p(entry));
    cmpt_write(s, qid, qdma_cmpt_pidx(s, qid), entry, cmpt_entry_size(s, qid));
    cmpt_function(s, qid)->count.completions++;
    qdma_csr_count(s, A_STAT_NUM_CMPT_OUT, 1, 0xffff);
    cmpt_advance(s, qid);
    c[3] |= trigger ? R_CMPT_W3_USER_TRIG_PEND_MASK : 0;
    if (error) {
        cmpt_error(s, qid, QDMA_CMPT_ERR_DESC, 0);
    } else {
        cmpt_evaluate(s, qid, false);
    }
}

/* With FULL_UPD the doorbell's modes replace the context's. */
static void cmpt_set_modes(uint32_t *c, uint32_t val)
{
    c[0] = FIELD_DP32(c[0], CMPT_W0, CNTER_IX,
                      FIELD_EX32(val, DB_CMPT_CIDX, CNTER_IX));
    c[0] = FIELD_DP32(c[0], CMPT_W0, TIMER_IX,
                      FIELD_EX32(val, DB_CMPT_CIDX, TIMER_IX));
    c[0] = FIELD_DP32(c[0], CMPT_W0, TRIG_MODE,
                      FIELD_EX32(val, DB_CMPT_CIDX, TRIG_MODE));
    c[0] = FIELD_DP32(c[0], CMPT_W0, EN_STAT_DESC,
                      FIELD_EX32(val, DB_CMPT_CIDX, EN_STAT_DESC));
    c[0] = FIELD_DP32(c[0], CMPT_W0, EN_INT,
                      FIELD_EX32(val, DB_CMPT_CIDX, EN_INT));
}

/* A consumer index lies between the old one and the producer index. */
static bool cmpt_cidx_ok(QdmaState *s, unsigned qid, unsigned cidx)
{
    unsigned slots = qdma_cmpt_slots(s, qid);
    unsigned old = FIELD_EX32(s->cmpt[qid][3], CMPT_W3, CIDX);

    if (cidx >= slots || FIELD_EX32(s->cmpt[qid][4], CMPT_W4, OVF_CHK_DIS)) {
        return cidx < slots;
    }
    return (cidx + slots - old) % slots <= cmpt_unread(s, qid);
}

/* The doorbell: what software has read; arms, and looks at what is left */
void qdma_cmpt_cidx(QdmaFunction *fn, unsigned qid, uint32_t val)
{
    QdmaState *s = fn->card;
    uint32_t *c = s->cmpt[qid];
    unsigned cidx = FIELD_EX32(val, DB_CMPT_CIDX, CIDX);

    s->cmpt_doorbell[qid] = val;
    if (!cmpt_setup_ok(s, qid)) {
        qdma_guest_error(fn, "completion doorbell of queue %u, which has no "
                         "valid completion context", qid);
        return;
    }
    if (!cmpt_cidx_ok(s, qid, cidx)) {
        qdma_guest_error(fn, "completion consumer index %u of queue %u is out "
                         "of range", cidx, qid);
        cmpt_error(s, qid, QDMA_CMPT_ERR_CIDX,
                   R_C2H_ERR_STAT_CMPT_CIDX_MASK);
        return;
    }
    c[3] = FIELD_DP32(c[3], CMPT_W3, CIDX, cidx);
    if (FIELD_EX32(c[4], CMPT_W4, FULL_UPD)) {
        cmpt_set_modes(c, val);
    }
    c[0] = FIELD_DP32(c[0], CMPT_W0, INT_ST,
                      FIELD_EX32(val, DB_CMPT_CIDX, EN_INT) ?
                      QDMA_CMPT_ST_ARMED : QDMA_CMPT_ST_SENT);
    timer_stop(s, qid);
    cmpt_evaluate(s, qid, false);
}

/* The context is changed: no timer and no waiting interrupt of the old one */
void qdma_cmpt_stop(QdmaState *s, unsigned qid)
{
    timer_stop(s, qid);
    qdma_irq_forget(s, QDMA_RINGS + qid);
}

/* What the doorbell reads as: the settings that are in the context */
static uint32_t cmpt_doorbell(const uint32_t *c)
{
    uint32_t val = FIELD_DP32(0, DB_CMPT_CIDX, CIDX,
                              FIELD_EX32(c[3], CMPT_W3, CIDX));

    val = FIELD_DP32(val, DB_CMPT_CIDX, CNTER_IX,
                     FIELD_EX32(c[0], CMPT_W0, CNTER_IX));
    val = FIELD_DP32(val, DB_CMPT_CIDX, TIMER_IX,
                     FIELD_EX32(c[0], CMPT_W0, TIMER_IX));
    val = FIELD_DP32(val, DB_CMPT_CIDX, TRIG_MODE,
                     FIELD_EX32(c[0], CMPT_W0, TRIG_MODE));
    val = FIELD_DP32(val, DB_CMPT_CIDX, EN_STAT_DESC,
                     FIELD_EX32(c[0], CMPT_W0, EN_STAT_DESC));
    return FIELD_DP32(val, DB_CMPT_CIDX, EN_INT,
                      FIELD_EX32(c[0], CMPT_W0, EN_INT));
}

/* A context was written; with entries unread its timer goes on. */
void qdma_cmpt_resume(QdmaState *s, unsigned qid)
{
    s->cmpt_doorbell[qid] = cmpt_doorbell(s->cmpt[qid]);
    if (FIELD_EX32(s->cmpt[qid][0], CMPT_W0, INT_ST) != QDMA_CMPT_ST_IDLE &&
        cmpt_setup_ok(s, qid) && cmpt_unread(s, qid)) {
        timer_start(s, qid);
    }
}

/* State was loaded: timers that ran go on. */
void qdma_cmpt_loaded(QdmaState *s)
{
    for (unsigned qid = 0; qid < QDMA_QUEUES; qid++) {
        QdmaStream *st = &s->stream[qid];

        if (st->timer_ns) {
            QTAILQ_INSERT_TAIL(&s->timers, st, timer_next);
            timer_mod_anticipate_ns(s->cmpt_timer, st->timer_ns);
        }
    }
}

void qdma_cmpt_init(QdmaState *s)
{
    QTAILQ_INIT(&s->timers);
    s->cmpt_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, timers_run, s);
}

void qdma_cmpt_exit(QdmaState *s)
{
    for (unsigned qid = 0; qid < QDMA_QUEUES; qid++) {
        qdma_cmpt_stop(s, qid);
    }
    timer_free(s->cmpt_timer);
}
