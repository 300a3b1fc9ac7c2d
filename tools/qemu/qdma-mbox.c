/*
 * Xilinx/AMD QDMA card: mailbox between the PF and its VFs
 *
 * Each VF has one buffer to the PF and one from the PF. The PF reaches them
 * through its TARGET register, and learns who wrote from a queue of sources.
 * The PF can address itself; such a message comes in as from function 0.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qdma.h"
#include "trace.h"

/* The VF's version register differs from the PF's: it identifies the card. */
#define MBOX_RTL_VERSION 0

/* User BAR 2, at each 6-bit position a driver may shift to */
#define MBOX_USER_BAR_BITMAP 0x00104104

static void event_remove(QdmaState *s, unsigned pos)
{
    s->events--;
    memmove(&s->event[pos], &s->event[pos + 1],
            (s->events - pos) * sizeof(s->event[0]));
}

static int event_find(QdmaState *s, unsigned id)
{
    for (unsigned i = 0; i < s->events; i++) {
        if (s->event[i] == id) {
            return i;
        }
    }
    return -1;
}

/* Each source is there once, but for what a forged saved state says. */
static void event_add(QdmaState *s, unsigned id)
{
    if (s->events < QDMA_FUNCTIONS && event_find(s, id) < 0) {
        s->event[s->events++] = id;
    }
}

static bool mbox_waiting(QdmaFunction *fn)
{
    return qdma_is_pf(fn) ? fn->card->events > 0 : fn->from_pf.full;
}

static void mbox_interrupt(QdmaFunction *fn)
{
    if (FIELD_EX32(fn->mbox_enable, MBOX_ENABLE, ENABLE) && mbox_waiting(fn)) {
        qdma_irq_send(fn->card, fn->id,
                      FIELD_EX32(fn->mbox_vector, MBOX_VECTOR, VECTOR),
                      A_INTR_STATS);
    }
}

/* The function the PF's TARGET register selects, or NULL */
static QdmaFunction *mbox_target(QdmaState *s)
{
    return qdma_function(s, s->mbox_target);
}

/* The buffer a function's outgoing window shows */
static QdmaMessage *mbox_out(QdmaFunction *fn)
{
    QdmaFunction *target;

    if (!qdma_is_pf(fn)) {
        return &fn->to_pf;
    }
    target = mbox_target(fn->card);
    if (!target) {
        return NULL;
    }
    return qdma_is_pf(target) ? &fn->to_pf : &target->from_pf;
}

/* The buffer a function's incoming window shows */
static QdmaMessage *mbox_in(QdmaFunction *fn)
{
    QdmaFunction *target;

    if (!qdma_is_pf(fn)) {
        return &fn->from_pf;
    }
    target = mbox_target(fn->card);
    return target ? &target->to_pf : NULL;
}

static uint32_t mbox_status(QdmaFunction *fn)
{
    QdmaState *s = fn->card;
    QdmaMessage *out = mbox_out(fn);
    uint32_t val = 0;

    val = FIELD_DP32(val, MBOX_STATUS, IN, mbox_waiting(fn));
    val = FIELD_DP32(val, MBOX_STATUS, OUT, out && out->full);
    if (!qdma_is_pf(fn)) {
        return val;
    }
    for (unsigned i = 0; i < QDMA_MBOX_ACK_WORDS; i++) {
        if (s->mbox_ack[i]) {
            val = FIELD_DP32(val, MBOX_STATUS, ACK, 1);
        }
    }
    if (s->events) {
        val = FIELD_DP32(val, MBOX_STATUS, SRC, s->event[0]);
    }
    return val;
}

static void mbox_send(QdmaFunction *fn)
{
    QdmaState *s = fn->card;
    QdmaMessage *out = mbox_out(fn);
    QdmaFunction *to = qdma_is_pf(fn) ? mbox_target(s) : &s->pf;

    if (!out || out->full) {
        qdma_guest_error(fn, out ? "message sent over one not yet taken" :
                         "message sent to function %u, which is not there",
                         s->mbox_target);
        return;
    }
    trace_xlnx_qdma_mbox(fn->id, to->id, out->word[0]);
    out->full = true;
    fn->count.mbox_sent++;
    if (qdma_is_pf(to)) {
        event_add(s, fn->id);
    }
    mbox_interrupt(to);
}

static void mbox_receive_pf(QdmaFunction *pf)
{
    QdmaState *s = pf->card;
    QdmaFunction *from = mbox_target(s);
    int pos = from ? event_find(s, from->id) : -1;

    if (pos < 0) {
        qdma_guest_error(pf, "no message of function %u to receive",
                         s->mbox_target);
        return;
    }
    from->to_pf.full = false;
    pf->count.mbox_received++;
    event_remove(s, pos);
    mbox_interrupt(pf);
}

static void mbox_receive_vf(QdmaFunction *fn)
{
    if (!fn->from_pf.full) {
        qdma_guest_error(fn, "no message to receive");
        return;
    }
    fn->from_pf.full = false;
    fn->count.mbox_received++;
    fn->card->mbox_ack[fn->id / 32] |= BIT(fn->id % 32);
}

static void mbox_command(QdmaFunction *fn, uint32_t val)
{
    if (FIELD_EX32(val, MBOX_COMMAND, RECEIVE)) {
        if (qdma_is_pf(fn)) {
            mbox_receive_pf(fn);
        } else {
            mbox_receive_vf(fn);
        }
    }
    if (FIELD_EX32(val, MBOX_COMMAND, SEND)) {
        mbox_send(fn);
    }
}

/* Pre-FLR: the function's queues stop; done at once unless made to hang. */
static void mbox_flr(QdmaFunction *fn, uint32_t val)
{
    if (val & 1) {
        qdma_ctxt_drop_function(fn);
        fn->pre_flr = fn->card->inject_flr_hang;
    }
}

static bool in_window(hwaddr offset, hwaddr window)
{
    return offset >= window && offset < window + QDMA_MBOX_WORDS * 4;
}

static bool in_ack(QdmaFunction *fn, hwaddr offset)
{
    return qdma_is_pf(fn) && offset >= A_MBOX_ACK &&
           offset < A_MBOX_ACK + QDMA_MBOX_ACK_WORDS * 4;
}

/* CPM5 has a function map here, too: storage, for a reset goes by the contexts. */
static bool in_fmap(QdmaFunction *fn, hwaddr offset)
{
    return qdma_is_pf(fn) && fn->card->rev->mbox_fmap &&
           offset >= A_MBOX_FMAP && offset < A_MBOX_FMAP + QDMA_FUNCTIONS * 4;
}

static uint32_t window_read(QdmaMessage *msg, hwaddr offset)
{
    return msg ? msg->word[offset / 4 % QDMA_MBOX_WORDS] : 0;
}

uint32_t qdma_mbox_read(QdmaFunction *fn, hwaddr offset)
{
    QdmaState *s = fn->card;

    if (in_window(offset, A_MBOX_INCOMING)) {
        return window_read(mbox_in(fn), offset);
    }
    if (in_window(offset, A_MBOX_OUTGOING)) {
        return window_read(mbox_out(fn), offset);
    }
    if (in_ack(fn, offset)) {
        return s->mbox_ack[(offset - A_MBOX_ACK) / 4];
    }
    if (in_fmap(fn, offset)) {
        return s->mbox_fmap[(offset - A_MBOX_FMAP) / 4];
    }
    switch (offset) {
    case A_MBOX_STATUS:
        return mbox_status(fn);
    case A_MBOX_VECTOR:
        return fn->mbox_vector;
    case A_MBOX_TARGET:
        return qdma_is_pf(fn) ? s->mbox_target : 0;
    case A_MBOX_ENABLE:
        return fn->mbox_enable;
    case A_MBOX_VERSION:
        return qdma_is_pf(fn) ? MBOX_RTL_VERSION :
               s->inject_bad_id ? 0 : s->rev->vf_version;
    case A_MBOX_USER_BAR:
        return qdma_is_pf(fn) ? 0 : MBOX_USER_BAR_BITMAP;
    case A_MBOX_FLR:
        return fn->pre_flr;
    default:
        return 0;
    }
}

static void window_write(QdmaFunction *fn, hwaddr offset, uint32_t val)
{
    QdmaMessage *out = mbox_out(fn);

    if (!out || out->full) {
        qdma_guest_error(fn, "message written over one not yet taken");
        return;
    }
    out->word[offset / 4 % QDMA_MBOX_WORDS] = val;
}

void qdma_mbox_write(QdmaFunction *fn, hwaddr offset, uint32_t val)
{
    QdmaState *s = fn->card;

    if (in_window(offset, A_MBOX_OUTGOING)) {
        window_write(fn, offset, val);
        return;
    }
    if (in_ack(fn, offset)) {
        s->mbox_ack[(offset - A_MBOX_ACK) / 4] &= ~val;
        return;
    }
    if (in_fmap(fn, offset)) {
        s->mbox_fmap[(offset - A_MBOX_FMAP) / 4] =
            val & (R_MBOX_FMAP_QID_BASE_MASK | R_MBOX_FMAP_QID_MAX_MASK);
        return;
    }
    switch (offset) {
    case A_MBOX_COMMAND:
        mbox_command(fn, val);
        break;
    case A_MBOX_VECTOR:
        fn->mbox_vector = val & R_MBOX_VECTOR_VECTOR_MASK;
        break;
    case A_MBOX_TARGET:
        if (qdma_is_pf(fn)) {
            s->mbox_target = val & R_MBOX_TARGET_FUNC_MASK;
        }
        break;
    case A_MBOX_ENABLE:
        fn->mbox_enable = val & R_MBOX_ENABLE_ENABLE_MASK;
        mbox_interrupt(fn);
        break;
    case A_MBOX_FLR:
        mbox_flr(fn, val);
        break;
    default:
        qdma_guest_error(fn, "write to mailbox offset 0x%" HWADDR_PRIx, offset);
    }
}

/* A function is reset: nothing of it stays in either direction. */
void qdma_mbox_reset(QdmaFunction *fn)
{
    QdmaState *s = fn->card;
    int pos = event_find(s, fn->id);

    if (pos >= 0) {
        event_remove(s, pos);
    }
    memset(&fn->to_pf, 0, sizeof(fn->to_pf));
    memset(&fn->from_pf, 0, sizeof(fn->from_pf));
    fn->mbox_vector = 0;
    fn->mbox_enable = 0;
    fn->pre_flr = false;
    s->mbox_fmap[fn->id] = 0;
    s->mbox_ack[fn->id / 32] &= ~BIT(fn->id % 32);
}
