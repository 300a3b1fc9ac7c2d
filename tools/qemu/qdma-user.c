/*
 * Xilinx/AMD QDMA card: user logic of the example design
 *
 * One register set per card, reached through the user BAR of any function.
 * The stream generator and checker are registers only: stream data movement
 * is not modelled.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qdma.h"
#include "trace.h"

/* Bits software can write; registers not named here keep nothing */
static const uint32_t user_mask[QDMA_USER_SIZE / 4] = {
    [R_USER_C2H_QID]     = 0x000007ff,
    [R_USER_C2H_LEN]     = 0x0000ffff,
    [R_USER_CONTROL]     = 0x803e003f,
    [R_USER_C2H_PACKETS] = 0x000003ff,
    [R_USER_PFCH_TAG]    = 0x07ff007f,
    [R_USER_CMPT_DATA ... R_USER_CMPT_DATA + 7] = UINT32_MAX,
    [R_USER_CMPT_SIZE]   = 0x0000177b,
    [R_USER_SCRATCH0]    = UINT32_MAX,
    [R_USER_SCRATCH1]    = UINT32_MAX,
    [R_USER_BYPASS]      = 0x00000007,
    [R_USER_INTR]        = 0x000ff1f0,
    [R_USER_INTR_MASK]   = UINT32_MAX,
    [R_USER_VDM]         = UINT32_MAX,
};

static void user_written(QdmaState *s, hwaddr addr, uint32_t val)
{
    switch (addr) {
    case A_USER_CONTROL:
        /* The generator starts and is done at once: the bit clears itself. */
        s->user[R_USER_CONTROL] &= ~R_USER_CONTROL_START_MASK;
        if (FIELD_EX32(val, USER_CONTROL, MARKER)) {
            s->user[R_USER_C2H_STATUS] = 1;
        }
        break;
    case A_USER_H2C_CLEAR:
        if (val & 1) {
            s->user[R_USER_H2C_MATCH] = 0;
        }
        break;
    case A_USER_INTR:
        if (FIELD_EX32(val, USER_INTR, TRIGGER)) {
            qdma_irq_send(s, FIELD_EX32(val, USER_INTR, FUNC),
                          FIELD_EX32(val, USER_INTR, VECTOR));
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
    if (s->removed || s->in_dma) {
        return UINT32_MAX;
    }
    val = s->user[addr / 4];
    if (addr == A_USER_INTR_VECTOR) {
        s->user[R_USER_INTR_VECTOR] = 0;
    }
    trace_xlnx_qdma_user_read(fn->id, addr, val);
    return val;
}

static void user_write(void *opaque, hwaddr addr, uint64_t val, unsigned size)
{
    QdmaFunction *fn = opaque;
    QdmaState *s = fn->card;

    fn->count.mmio_writes++;
    if (s->removed || s->in_dma) {
        return;
    }
    trace_xlnx_qdma_user_write(fn->id, addr, val);
    s->user[addr / 4] = (s->user[addr / 4] & ~user_mask[addr / 4]) |
                        (val & user_mask[addr / 4]);
    user_written(s, addr, val);
}

void qdma_user_reset(QdmaState *s)
{
    memset(s->user, 0, sizeof(s->user));
}

const MemoryRegionOps qdma_user_ops = {
    .read = user_read,
    .write = user_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};
