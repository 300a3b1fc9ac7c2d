/*
 * Xilinx/AMD QDMA card: control and status registers of the PF, error tree
 *
 * The table says what each register stores and how a write changes it; the
 * few registers with a meaning for the model are handled after the store.
 * Registers the table does not name read 0; a write to them is a TRQ error.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qdma.h"
#include "trace.h"

#define ALL UINT32_MAX

static const QdmaCsrInfo qdma_csr_info[] = {
    /* configuration block */
    { 0x0000, 1, CSR_RO, ALL },
    { 0x0008, 5, CSR_RO, ALL },             /* sizes, system id, MSI-X, width */
    { 0x001c, 1, CSR_RW, 0x00030003 },      /* PCIe control */
    { 0x0020, 1, CSR_RO, ALL },
    { 0x0040, 2, CSR_RO, ALL },             /* AXI user sizes */
    { 0x004c, 1, CSR_RW, 0x00bfff1f },      /* misc control */
    { 0x0068, 1, CSR_RW, 0x00000011 },
    { 0x0080, 1, CSR_RW, ALL },             /* scratch */
    { 0x00a0, 1, CSR_RO, ALL },
    { A_RAM_SBE_MSK_1, 1, CSR_RW, ALL },
    { A_RAM_SBE_STS_1, 1, CSR_W1C, 0x0000001f },
    { A_RAM_DBE_MSK_1, 1, CSR_RW, ALL },
    { A_RAM_DBE_STS_1, 1, CSR_W1C, 0x0000001f },
    { A_RAM_SBE_MSK, 1, CSR_RW, ALL },
    { A_RAM_SBE_STS, 1, CSR_W1C, ALL },
    { A_RAM_DBE_MSK, 1, CSR_RW, ALL },
    { A_RAM_DBE_STS, 1, CSR_W1C, ALL },

    /* identification, capabilities, request throttles, debug */
    { 0x0100, 9, CSR_RO, ALL },
    { 0x0128, 4, CSR_RO, ALL },
    { 0x0158, 3, CSR_RW, ALL },             /* request throttles */
    { 0x0164, 4, CSR_RO, ALL },
    { 0x01b8, 8, CSR_RO, ALL },
    { 0x01f4, 3, CSR_RW, ALL },

    /* ring sizes, global errors, descriptor engine */
    { A_GLBL_RNG_SZ, QDMA_RNG_SZ_COUNT, CSR_RW, 0x0000ffff },
    { 0x0244, 1, CSR_RW, ALL },             /* scratch */
    { A_GLBL_ERR_STAT, 1, CSR_W1C, 0x0003ffff },
    { A_GLBL_ERR_MASK, 1, CSR_RW, ALL },
    { A_GLBL_DSC_CFG, 1, CSR_RW, 0x3fffff3f },
    { A_GLBL_DSC_ERR_STS, 1, CSR_W1C, 0x03f9037e },
    { A_GLBL_DSC_ERR_MSK, 1, CSR_RW, ALL },
    { A_GLBL_DSC_ERR_LOG0, 2, CSR_RO, ALL },
    { A_GLBL_TRQ_ERR_STS, 1, CSR_W1C, 0x000000bb },
    { A_GLBL_TRQ_ERR_MSK, 1, CSR_RW, ALL },
    { A_GLBL_TRQ_ERR_LOG, 3, CSR_RO, ALL },
    { 0x0278, 1, CSR_RW, 0x0000ffff },
    { A_GLBL_DSC_ERR_LOG2, 1, CSR_RO, ALL },
    { A_GLBL_INTERRUPT_CFG, 1, CSR_RW, 0x00000001 },
    { 0x02c8, 1, CSR_RW, 0x0fffffff },
    { 0x0308, 1, CSR_RW, 0x0000000f },
    { 0x030c, 1, CSR_RW, ALL },
    { 0x0314, 1, CSR_RO, ALL },
    { 0x0318, 1, CSR_W1C, 0x000007ff },
    { 0x031c, 1, CSR_RW, ALL },
    { 0x0320, 18, CSR_RO, ALL },            /* latencies, credit counters */
    { 0x0368, 1, CSR_RW, ALL },
    { 0x036c, 1, CSR_RW, 0x0003ffff },
    { 0x0370, 56, CSR_RO, ALL },            /* performance counters */

    /* indirect contexts */
    { A_IND_CTXT_DATA, QDMA_IND_CTXT_WORDS, CSR_RW, ALL },
    { A_IND_CTXT_MASK, QDMA_IND_CTXT_WORDS, CSR_RW, ALL },
    { A_IND_CTXT_CMD, 1, CSR_RW, 0x000ffffe },

    /* completion and prefetch engines */
    { 0x0a00, 16, CSR_RW, 0x0000ffff },     /* timer counts */
    { 0x0a40, 16, CSR_RW, 0x0000ffff },     /* counter thresholds */
    { 0x0a80, 1, CSR_RW, ALL },
    { 0x0a84, 1, CSR_RW, 0x9fffffff },
    { 0x0a88, 10, CSR_RO, ALL },
    { 0x0ab0, 16, CSR_RW, ALL },            /* buffer sizes */
    { A_C2H_ERR_STAT, 1, CSR_W1C, 0x001ff6df },
    { A_C2H_ERR_MASK, 1, CSR_RW, ALL },
    { A_C2H_FATAL_ERR_STAT, 1, CSR_W1C, 0x001fdffb },
    { A_C2H_FATAL_ERR_MASK, 1, CSR_RW, ALL },
    { 0x0b00, 1, CSR_RW, 0x00000003 },
    { A_GLBL_ERR_INT, 1, CSR_RW, 0x3fffffff },
    { 0x0b08, 2, CSR_RW, ALL },             /* prefetch, timer tick */
    { 0x0b10, 16, CSR_RO, ALL },
    { 0x0b50, 1, CSR_RW, 0xfffffffe },      /* coalescing */
    { 0x0b54, 15, CSR_RO, ALL },            /* interrupt statistics, debug */
    { 0x0b90, 1, CSR_RW, 0x0000ffff },
    { 0x0b94, 12, CSR_RO, ALL },
    { 0x0bc4, 7, CSR_RW, ALL },             /* completion formats */
    { 0x0be0, 8, CSR_RO, ALL },
    { A_H2C_ERR_STAT, 1, CSR_W1C, 0x0000003f },
    { A_H2C_ERR_MASK, 1, CSR_RW, ALL },
    { 0x0e08, 6, CSR_RO, ALL },
    { 0x0e20, 1, CSR_RW, 0x00000001 },
    { 0x0e24, 1, CSR_RW, ALL },
    { 0x0e28, 1, CSR_RO, ALL },
    { 0x0e2c, 1, CSR_RW, ALL },

    /* MM engines, C2H then H2C */
    { A_C2H_MM_CTL, 1, CSR_RW, 0x00000101 },
    { A_C2H_MM_CTL_W1S, 2, CSR_W1S, 0x00000101 },
    { A_C2H_MM_STATUS, 1, CSR_RO, ALL },
    { A_C2H_MM_CMPL_DESC_CNT, 1, CSR_RO, ALL },
    { A_C2H_MM_ERR_CODE_MASK, 1, CSR_RW, 0x70000003 },
    { A_C2H_MM_ERR_CODE, 1, CSR_W1C, 0x0ffff3ff },
    { A_C2H_MM_ERR_INFO, 1, CSR_RO, ALL },
    { 0x10c0, 1, CSR_RW, 0x0000000f },
    { 0x10c4, 4, CSR_RO, ALL },
    { 0x10e8, 1, CSR_RO, ALL },
    { 0x1204, 1, CSR_RW, 0x00000101 },
    { 0x1208, 2, CSR_W1S, 0x00000101 },
    { 0x1240, 1, CSR_RO, ALL },
    { 0x1248, 1, CSR_RO, ALL },
    { 0x1254, 1, CSR_RW, 0x3041013e },
    { 0x1258, 1, CSR_W1C, 0x0ffff3ff },
    { 0x125c, 1, CSR_RO, ALL },
    { 0x12c0, 1, CSR_RW, 0x0000000f },
    { 0x12c4, 4, CSR_RO, ALL },
    { 0x12e8, 1, CSR_RO, ALL },
    { 0x12ec, 1, CSR_RW, 0x0001ffff },

    /* credit coalescing and the rest of the C2H engine */
    { 0x1400, 1, CSR_RW, 0x0003ffff },
    { 0x1404, 1, CSR_RW, 0x00ff07ff },
    { 0x1408, 1, CSR_RW, 0x00000fff },
    { 0x140c, 1, CSR_RO, ALL },
    { 0x1410, 1, CSR_RW, ALL },
    { 0x1450, 1, CSR_RW, 0x0000ffff },
    { 0x1454, 9, CSR_RO, ALL },
    { 0x1478, 1, CSR_RW, ALL },
    { 0x147c, 1, CSR_RW, 0x0000ffff },
    { 0x1480, 1, CSR_RW, 0x00000003 },
    { 0x1484, 1, CSR_RW, ALL },
};

/* Later rows replace earlier ones. */
static void csr_add_info(QdmaState *s, const QdmaCsrInfo *info)
{
    for (unsigned k = 0; k < info->count; k++) {
        s->csr_info[info->first / 4 + k] = *info;
    }
}

/* The table above, then what this IP has different */
static void csr_index_table(QdmaState *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(qdma_csr_info); i++) {
        csr_add_info(s, &qdma_csr_info[i]);
    }
    for (const QdmaCsrInfo *info = s->rev->csr; info && info->count; info++) {
        csr_add_info(s, info);
    }
}

static inline uint32_t csr_get(const QdmaState *s, hwaddr addr)
{
    return s->csr[addr / 4];
}

static inline void csr_set(QdmaState *s, hwaddr addr, uint32_t val)
{
    s->csr[addr / 4] = val;
}

/* BAR 0 holds the internal registers, BAR 2 the user logic, for PF 0 */
#define QDMA_BARLITE_INT     0x00000001
#define QDMA_BARLITE_EXT     0x00000004
#define QDMA_PASID_CAP_DMA   0x00000001
#define QDMA_CACHE_DEPTH     0x00000040
#define QDMA_COAL_DEPTH      0x00000020

/* Reset values: all zero but identification and capabilities */
void qdma_csr_init(QdmaState *s)
{
    csr_index_table(s);
    memset(s->csr, 0, sizeof(s->csr));
    csr_set(s, A_CFG_BLK_IDENTIFIER, QDMA_IDENTIFIER);
    csr_set(s, A_GLBL2_IDENTIFIER, QDMA_IDENTIFIER);
    csr_set(s, A_GLBL2_PF_BARLITE_INT, QDMA_BARLITE_INT);
    csr_set(s, A_GLBL2_PF_VF_BARLITE_INT, QDMA_BARLITE_INT);
    csr_set(s, A_GLBL2_PF_BARLITE_EXT, QDMA_BARLITE_EXT);
    csr_set(s, A_GLBL2_PF_VF_BARLITE_EXT, QDMA_BARLITE_EXT);
    csr_set(s, A_GLBL2_CHANNEL_INST, s->rev->channels);
    csr_set(s, A_GLBL2_CHANNEL_MDMA, s->rev->channels);
    csr_set(s, A_GLBL2_CHANNEL_STRM, s->rev->channels);
    csr_set(s, A_GLBL2_CHANNEL_CAP, s->rev->queues_cap);
    csr_set(s, A_GLBL2_CHANNEL_PASID_CAP, QDMA_PASID_CAP_DMA);
    csr_set(s, A_GLBL2_MISC_CAP, s->rev->misc_cap);
    csr_set(s, A_C2H_PFCH_CACHE_DEPTH, QDMA_CACHE_DEPTH);
    csr_set(s, A_C2H_WRB_COAL_BUF_DEPTH, QDMA_COAL_DEPTH);
}

/* The block of the MM engine that works on a ring, relative to the first */
static hwaddr mm_block(QdmaState *s, const QdmaRing *r)
{
    return (r->c2h ? 0 : QDMA_MM_H2C_STEP) +
           qdma_ring_channel(s, r) * QDMA_MM_CHANNEL_STEP;
}

bool qdma_csr_mm_running(QdmaState *s, const QdmaRing *r)
{
    return csr_get(s, A_C2H_MM_CTL + mm_block(s, r)) & R_C2H_MM_CTL_RUN_MASK;
}

void qdma_csr_mm_completed(QdmaState *s, const QdmaRing *r)
{
    s->csr[(A_C2H_MM_CMPL_DESC_CNT + mm_block(s, r)) / 4]++;
}

/* Statistics are 16, 18 or 32 bits wide and wrap. */
void qdma_csr_count(QdmaState *s, hwaddr addr, unsigned n, uint32_t mask)
{
    csr_set(s, addr, (csr_get(s, addr) + n) & mask);
}

/*
 * A leaf status register logs an event whether masked or not; its mask lets
 * the event through to the global status.
 */
void qdma_leaf_error(QdmaState *s, hwaddr status, hwaddr mask, uint32_t bits,
                     uint32_t global)
{
    trace_xlnx_qdma_error(status, bits);
    csr_set(s, status, csr_get(s, status) | bits);
    if (csr_get(s, mask) & bits) {
        csr_set(s, A_GLBL_ERR_STAT, csr_get(s, A_GLBL_ERR_STAT) | global);
        qdma_irq_error_check(s);
    }
}

/* Error status registers, but for those of the MM engines, and their masks */
static const struct {
    uint16_t status, mask;
    uint32_t global;                /* 0: where the IP has stream H2C */
} leafs[] = {
    { A_GLBL_DSC_ERR_STS, A_GLBL_DSC_ERR_MSK, R_GLBL_ERR_STAT_DSC_MASK },
    { A_GLBL_TRQ_ERR_STS, A_GLBL_TRQ_ERR_MSK, R_GLBL_ERR_STAT_TRQ_MASK },
    { A_C2H_ERR_STAT, A_C2H_ERR_MASK, R_GLBL_ERR_STAT_C2H_ST_MASK },
    { A_C2H_FATAL_ERR_STAT, A_C2H_FATAL_ERR_MASK,
      R_GLBL_ERR_STAT_C2H_ST_MASK },
    { A_H2C_ERR_STAT, A_H2C_ERR_MASK, 0 },
    { A_RAM_SBE_STS_1, A_RAM_SBE_MSK_1, R_GLBL_ERR_STAT_RAM_SBE_MASK },
    { A_RAM_SBE_STS, A_RAM_SBE_MSK, R_GLBL_ERR_STAT_RAM_SBE_MASK },
    { A_RAM_DBE_STS_1, A_RAM_DBE_MSK_1, R_GLBL_ERR_STAT_RAM_DBE_MASK },
    { A_RAM_DBE_STS, A_RAM_DBE_MSK, R_GLBL_ERR_STAT_RAM_DBE_MASK },
};

/* An error from outside; false if there is no such register or bit. */
bool qdma_csr_inject(QdmaState *s, uint64_t status, uint64_t bits)
{
    for (unsigned i = 0; i < ARRAY_SIZE(leafs); i++) {
        if (leafs[i].status == status && bits &&
            !(bits & ~(uint64_t)s->csr_info[status / 4].mask)) {
            qdma_leaf_error(s, status, leafs[i].mask, bits,
                            leafs[i].global ?: s->rev->err_h2c_st);
            return true;
        }
    }
    return false;
}

/* Logs keep the first error until software has cleared the status. */
void qdma_trq_error(QdmaFunction *fn, uint32_t bits, hwaddr addr)
{
    QdmaState *s = fn->card;

    if (!csr_get(s, A_GLBL_TRQ_ERR_STS)) {
        uint32_t log = 0;

        log = FIELD_DP32(log, GLBL_TRQ_ERR_LOG, ADDRESS, addr & 0x1ffff);
        log = FIELD_DP32(log, GLBL_TRQ_ERR_LOG, FUNC, fn->id);
        log = FIELD_DP32(log, GLBL_TRQ_ERR_LOG, TARGET,
                         !!(bits & (R_GLBL_TRQ_ERR_STS_QID_RANGE_MASK |
                                    R_GLBL_TRQ_ERR_STS_QSPC_UNMAPPED_MASK)));
        csr_set(s, A_GLBL_TRQ_ERR_LOG, log);
    }
    qdma_leaf_error(s, A_GLBL_TRQ_ERR_STS, A_GLBL_TRQ_ERR_MSK, bits,
                    R_GLBL_ERR_STAT_TRQ_MASK);
}

void qdma_dsc_error(QdmaState *s, const QdmaRing *r, uint32_t bits)
{
    if (!FIELD_EX32(csr_get(s, A_GLBL_DSC_ERR_LOG0), GLBL_DSC_ERR_LOG0,
                    VALID)) {
        uint32_t log0 = R_GLBL_DSC_ERR_LOG0_VALID_MASK;
        uint32_t log1 = 0;

        log0 = FIELD_DP32(log0, GLBL_DSC_ERR_LOG0, QID, r->qid);
        log0 = FIELD_DP32(log0, GLBL_DSC_ERR_LOG0, SEL, r->c2h);
        log1 = FIELD_DP32(log1, GLBL_DSC_ERR_LOG1, CIDX,
                          FIELD_EX32(qdma_hw(s, r)[0], HW_W0, CIDX));
        log1 = FIELD_DP32(log1, GLBL_DSC_ERR_LOG1, ERR_TYPE, ctz32(bits));
        csr_set(s, A_GLBL_DSC_ERR_LOG0, log0);
        csr_set(s, A_GLBL_DSC_ERR_LOG1, log1);
    }
    qdma_leaf_error(s, A_GLBL_DSC_ERR_STS, A_GLBL_DSC_ERR_MSK, bits,
                    R_GLBL_ERR_STAT_DSC_MASK);
}

/* A producer index outside the ring is a software error with its own log. */
void qdma_pidx_error(QdmaState *s, const QdmaRing *r, uint16_t pidx)
{
    uint32_t log = 0;

    if (!csr_get(s, A_GLBL_DSC_ERR_STS)) {
        log = FIELD_DP32(log, GLBL_DSC_ERR_LOG2, NEW_PIDX, pidx);
        log = FIELD_DP32(log, GLBL_DSC_ERR_LOG2, OLD_PIDX,
                         FIELD_EX32(qdma_sw(s, r)[0], SW_W0, PIDX));
        csr_set(s, A_GLBL_DSC_ERR_LOG2, log);
    }
    qdma_dsc_error(s, r, R_GLBL_DSC_ERR_STS_DSC_MASK);
}

/* The MM engines log one code, not bits; the mask has one bit per code. */
void qdma_mm_error(QdmaState *s, const QdmaRing *r, unsigned code)
{
    hwaddr base = mm_block(s, r);
    uint32_t info = R_C2H_MM_ERR_INFO_VALID_MASK;
    uint32_t err = 0;

    trace_xlnx_qdma_error(A_C2H_MM_ERR_CODE + base, code);
    if (!(csr_get(s, A_C2H_MM_ERR_INFO + base) &
          R_C2H_MM_ERR_INFO_VALID_MASK)) {
        err = FIELD_DP32(err, C2H_MM_ERR_CODE, CODE, code);
        err = FIELD_DP32(err, C2H_MM_ERR_CODE, CIDX,
                         FIELD_EX32(qdma_hw(s, r)[0], HW_W0, CIDX));
        info = FIELD_DP32(info, C2H_MM_ERR_INFO, QID, r->qid);
        info = FIELD_DP32(info, C2H_MM_ERR_INFO, SEL, r->c2h);
        csr_set(s, A_C2H_MM_ERR_CODE + base, err);
        csr_set(s, A_C2H_MM_ERR_INFO + base, info);
    }
    if (csr_get(s, A_C2H_MM_ERR_CODE_MASK + base) & BIT(code)) {
        uint32_t bit = r->c2h ? R_GLBL_ERR_STAT_C2H_MM_0_MASK :
                                R_GLBL_ERR_STAT_H2C_MM_0_MASK;

        csr_set(s, A_GLBL_ERR_STAT, csr_get(s, A_GLBL_ERR_STAT) |
                bit << qdma_ring_channel(s, r));
        qdma_irq_error_check(s);
    }
}

/* Errors of C2H streams and completions; the first is kept with its queue. */
void qdma_c2h_error(QdmaState *s, unsigned qid, uint32_t bits)
{
    uint32_t first = 0;

    if (!csr_get(s, A_C2H_ERR_STAT)) {
        first = FIELD_DP32(first, C2H_FIRST_ERR_QID, QID, qid);
        first = FIELD_DP32(first, C2H_FIRST_ERR_QID, ERR_TYPE, ctz32(bits));
        csr_set(s, A_C2H_FIRST_ERR_QID, first);
    }
    qdma_leaf_error(s, A_C2H_ERR_STAT, A_C2H_ERR_MASK, bits,
                    R_GLBL_ERR_STAT_C2H_ST_MASK);
}

static uint32_t pfch_tag(QdmaState *s)
{
    uint32_t qid = csr_get(s, A_C2H_PFCH_BYP_QID);

    return FIELD_DP32(FIELD_DP32(0, C2H_PFCH_BYP_TAG, QID, qid),
                      C2H_PFCH_BYP_TAG, TAG, qdma_pfch_tag(qid));
}

/* A register of an MM engine, moved to where the first one has it; else 0 */
static hwaddr mm_register(QdmaState *s, hwaddr addr)
{
    hwaddr reg = addr & (QDMA_MM_CHANNEL_STEP - 1);

    if (addr < QDMA_MM_FIRST || addr >= QDMA_MM_FIRST + 2 * QDMA_MM_H2C_STEP ||
        s->csr_info[addr / 4].kind == CSR_UNMAPPED) {
        return 0;
    }
    return QDMA_MM_FIRST + reg;
}

uint32_t qdma_csr_read(QdmaFunction *fn, hwaddr addr)
{
    QdmaState *s = fn->card;

    if (mm_register(s, addr) == A_C2H_MM_STATUS) {
        return csr_get(s, addr - A_C2H_MM_STATUS + A_C2H_MM_CTL) &
               R_C2H_MM_CTL_RUN_MASK;
    }
    switch (addr) {
    case A_CFG_BLK_IDENTIFIER:
        return s->inject_bad_id ? 0 : csr_get(s, addr);
    case A_GLBL2_CHANNEL_FUNC_RET:
        return fn->id;
    case A_IND_CTXT_CMD:
        return csr_get(s, addr) | (s->ctxt_pending ?
                                   R_IND_CTXT_CMD_BUSY_MASK : 0);
    case A_C2H_PFCH_BYP_TAG:
        return pfch_tag(s);
    default:
        return csr_get(s, addr);
    }
}

/* What a register does beyond keeping its value */
static void csr_written(QdmaState *s, hwaddr addr, uint32_t val)
{
    switch (addr) {
    case A_IND_CTXT_CMD:
        qdma_ctxt_command(s, val);
        break;
    case A_GLBL_DSC_ERR_STS:
        if (!csr_get(s, addr)) {
            csr_set(s, A_GLBL_DSC_ERR_LOG0, 0);
        }
        break;
    case A_GLBL_ERR_INT:
    case A_GLBL_ERR_MASK:
        qdma_irq_error_check(s);
        break;
    }
    switch (mm_register(s, addr)) {
    case A_C2H_MM_ERR_CODE:
        if (!csr_get(s, addr)) {
            csr_set(s, addr + A_C2H_MM_ERR_INFO - A_C2H_MM_ERR_CODE, 0);
        }
        break;
    case A_C2H_MM_CTL:
        qdma_ring_kick_all(s);
        break;
    }
}

/* The write-1-to-set and -clear windows follow the control register. */
static void csr_write_window(QdmaState *s, hwaddr addr, uint32_t val)
{
    bool clear = addr & (A_C2H_MM_CTL_W1S ^ A_C2H_MM_CTL_W1C);
    hwaddr ctl = clear ? addr - 8 : addr - 4;
    uint32_t old = csr_get(s, ctl);

    csr_set(s, ctl, clear ? old & ~val : old | val);
    csr_written(s, ctl, csr_get(s, ctl));
}

void qdma_csr_write(QdmaFunction *fn, hwaddr addr, uint32_t val)
{
    QdmaState *s = fn->card;
    const QdmaCsrInfo *info = &s->csr_info[addr / 4];
    uint32_t old = csr_get(s, addr);

    switch (info->kind) {
    case CSR_UNMAPPED:
        qdma_guest_error(fn, "write to unmapped CSR 0x%" HWADDR_PRIx, addr);
        qdma_trq_error(fn, R_GLBL_TRQ_ERR_STS_CSR_UNMAPPED_MASK, addr);
        return;
    case CSR_RO:
        qdma_guest_error(fn, "write to read-only CSR 0x%" HWADDR_PRIx, addr);
        return;
    case CSR_W1S:
        csr_write_window(s, addr, val & info->mask);
        return;
    case CSR_W1C:
        csr_set(s, addr, old & ~(val & info->mask));
        break;
    case CSR_RW:
        if (addr == A_IND_CTXT_CMD && s->ctxt_pending) {
            qdma_guest_error(fn, "context command while one is running");
            return;
        }
        csr_set(s, addr, val & info->mask);
        break;
    }
    csr_written(s, addr, val);
}
