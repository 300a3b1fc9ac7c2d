/*
 * Registers and memory formats of a QDMA card
 *
 * As of soft EQDMA; where another IP differs, qdma-ip.c says so.
 *
 * This table is the model's own reading of the hardware documents; no driver
 * shares it. Offsets are in bytes, all registers are 32 bits wide.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_XLNX_QDMA_REGS_H
#define HW_MISC_XLNX_QDMA_REGS_H

#include "hw/registerfields.h"

/* The most that any IP has */
#define QDMA_QUEUES              4096
#define QDMA_MM_CHANNELS         2
#define QDMA_FUNCTIONS           256
#define QDMA_MAX_VFS             252
#define QDMA_INTR_RINGS          256
#define QDMA_HOST_PROFILES       16
#define QDMA_MSIX_VECTORS        8
#define QDMA_VF_DOORBELL_QUEUES  256

/* PCI identity */
#define QDMA_PCI_SUBSYSTEM_ID    0x0007

/* BAR numbers and layout of the config BAR of a PF and of a VF */
#define QDMA_BAR_CONFIG          0
#define QDMA_BAR_USER            2
#define QDMA_BAR_BYPASS          4

#define QDMA_PF_CSR_SIZE         0x02400
#define QDMA_PF_DOORBELL         0x18000

#define QDMA_VF_CONFIG_SIZE      0x08000
#define QDMA_VF_DOORBELL         0x03000
#define QDMA_VF_MSIX_TABLE       0x04000
#define QDMA_VF_MSIX_PBA         0x04800
#define QDMA_VF_MBOX_SIZE        0x02000
#define QDMA_PF_MBOX_SIZE        0x04000

#define QDMA_USER_SIZE           0x01000

/* Identification and capabilities */
#define QDMA_IDENTIFIER          0x1fd30000u

REG32(CFG_BLK_IDENTIFIER,        0x000)
REG32(RAM_SBE_MSK_1,             0x0e0)
REG32(RAM_SBE_STS_1,             0x0e4)
REG32(RAM_DBE_MSK_1,             0x0e8)
REG32(RAM_DBE_STS_1,             0x0ec)
REG32(RAM_SBE_MSK,               0x0f0)
REG32(RAM_SBE_STS,               0x0f4)
REG32(RAM_DBE_MSK,               0x0f8)
REG32(RAM_DBE_STS,               0x0fc)
REG32(GLBL2_IDENTIFIER,          0x100)
REG32(GLBL2_PF_BARLITE_INT,      0x104)
REG32(GLBL2_PF_VF_BARLITE_INT,   0x108)
REG32(GLBL2_PF_BARLITE_EXT,      0x10c)
REG32(GLBL2_PF_VF_BARLITE_EXT,   0x110)
REG32(GLBL2_CHANNEL_INST,        0x114)
REG32(GLBL2_CHANNEL_MDMA,        0x118)
REG32(GLBL2_CHANNEL_STRM,        0x11c)
REG32(GLBL2_CHANNEL_CAP,         0x120)
REG32(GLBL2_CHANNEL_PASID_CAP,   0x128)
REG32(GLBL2_CHANNEL_FUNC_RET,    0x12c)
REG32(GLBL2_SYSTEM_ID,           0x130)
REG32(GLBL2_MISC_CAP,            0x134)
REG32(GLBL_RNG_SZ,               0x204)
#define QDMA_RNG_SZ_COUNT        16

/* Global errors: leaf status -> leaf mask -> 0x248 -> 0x24c -> interrupt */
REG32(GLBL_ERR_STAT,             0x248)
    FIELD(GLBL_ERR_STAT, RAM_SBE, 0, 1)
    FIELD(GLBL_ERR_STAT, RAM_DBE, 1, 1)
    FIELD(GLBL_ERR_STAT, DSC, 2, 1)
    FIELD(GLBL_ERR_STAT, TRQ, 3, 1)
    FIELD(GLBL_ERR_STAT, H2C_MM_0, 4, 1)
    FIELD(GLBL_ERR_STAT, C2H_MM_0, 6, 1)
    FIELD(GLBL_ERR_STAT, C2H_ST, 8, 1)
    FIELD(GLBL_ERR_STAT, IND_CTXT_CMD, 9, 1)
REG32(GLBL_ERR_MASK,             0x24c)
REG32(GLBL_DSC_CFG,              0x250)
    FIELD(GLBL_DSC_CFG, WB_ACC_INT, 0, 3)
    FIELD(GLBL_DSC_CFG, MAX_FETCH, 3, 3)
REG32(GLBL_DSC_ERR_STS,          0x254)
    FIELD(GLBL_DSC_ERR_STS, UR_CA, 2, 1)
    FIELD(GLBL_DSC_ERR_STS, DMA, 20, 1)
    FIELD(GLBL_DSC_ERR_STS, DSC, 21, 1)
REG32(GLBL_DSC_ERR_MSK,          0x258)
REG32(GLBL_DSC_ERR_LOG0,         0x25c)
    FIELD(GLBL_DSC_ERR_LOG0, QID, 0, 13)
    FIELD(GLBL_DSC_ERR_LOG0, SEL, 30, 1)
    FIELD(GLBL_DSC_ERR_LOG0, VALID, 31, 1)
REG32(GLBL_DSC_ERR_LOG1,         0x260)
    FIELD(GLBL_DSC_ERR_LOG1, ERR_TYPE, 0, 5)
    FIELD(GLBL_DSC_ERR_LOG1, CIDX, 12, 16)
REG32(GLBL_TRQ_ERR_STS,          0x264)
    FIELD(GLBL_TRQ_ERR_STS, CSR_UNMAPPED, 0, 1)
    FIELD(GLBL_TRQ_ERR_STS, VF_ACCESS, 1, 1)
    FIELD(GLBL_TRQ_ERR_STS, QSPC_UNMAPPED, 4, 1)
    FIELD(GLBL_TRQ_ERR_STS, QID_RANGE, 5, 1)
REG32(GLBL_TRQ_ERR_MSK,          0x268)
REG32(GLBL_TRQ_ERR_LOG,          0x26c)
    FIELD(GLBL_TRQ_ERR_LOG, ADDRESS, 0, 17)
    FIELD(GLBL_TRQ_ERR_LOG, FUNC, 17, 10)
    FIELD(GLBL_TRQ_ERR_LOG, TARGET, 27, 4)
REG32(GLBL_DSC_ERR_LOG2,         0x27c)
    FIELD(GLBL_DSC_ERR_LOG2, NEW_PIDX, 0, 16)
    FIELD(GLBL_DSC_ERR_LOG2, OLD_PIDX, 16, 16)
REG32(GLBL_INTERRUPT_CFG,        0x2c4)

/* Indirect context programming */
REG32(IND_CTXT_DATA,             0x804)
REG32(IND_CTXT_MASK,             0x824)
#define QDMA_IND_CTXT_WORDS      8
REG32(IND_CTXT_CMD,              0x844)
    FIELD(IND_CTXT_CMD, BUSY, 0, 1)
    FIELD(IND_CTXT_CMD, SEL, 1, 4)
    FIELD(IND_CTXT_CMD, OP, 5, 2)
    FIELD(IND_CTXT_CMD, QID, 7, 13)

enum {
    QDMA_CTXT_OP_CLR,
    QDMA_CTXT_OP_WR,
    QDMA_CTXT_OP_RD,
    QDMA_CTXT_OP_INV,
};

enum {
    QDMA_CTXT_SW_C2H = 0x0,
    QDMA_CTXT_SW_H2C = 0x1,
    QDMA_CTXT_HW_C2H = 0x2,
    QDMA_CTXT_HW_H2C = 0x3,
    QDMA_CTXT_CR_C2H = 0x4,
    QDMA_CTXT_CR_H2C = 0x5,
    QDMA_CTXT_CMPT   = 0x6,
    QDMA_CTXT_PFCH   = 0x7,
    QDMA_CTXT_INTR   = 0x8,
    QDMA_CTXT_HOST   = 0xa,
    QDMA_CTXT_TIMER  = 0xb,
    QDMA_CTXT_FMAP   = 0xc,
    QDMA_CTXT_FNSTS  = 0xd,
    QDMA_CTXT_COUNT  = 0x10,
};

/* Tables of the stream engine; its errors and statistics; interrupts */
REG32(C2H_TIMER_CNT,             0xa00)
REG32(C2H_CNT_TH,                0xa40)
REG32(C2H_STAT_AXIS_ACCEPTED,    0xa88)
REG32(C2H_STAT_CMPT_ACCEPTED,    0xa8c)
REG32(C2H_STAT_DESC_RSP_PKT,     0xa90)
REG32(C2H_STAT_AXIS_PKG_CMP,     0xa94)
REG32(C2H_BUF_SZ,                0xab0)
REG32(C2H_ERR_STAT,              0xaf0)
    FIELD(C2H_ERR_STAT, LEN_MISMATCH, 1, 1)
    FIELD(C2H_ERR_STAT, DESC_RSP, 4, 1)
    FIELD(C2H_ERR_STAT, MSI_INT_FAIL, 7, 1)
    FIELD(C2H_ERR_STAT, CMPT_INV_Q, 12, 1)
    FIELD(C2H_ERR_STAT, CMPT_QFULL, 13, 1)
    FIELD(C2H_ERR_STAT, CMPT_CIDX, 14, 1)
REG32(C2H_ERR_MASK,              0xaf4)
REG32(C2H_FATAL_ERR_STAT,        0xaf8)
REG32(C2H_FATAL_ERR_MASK,        0xafc)
REG32(GLBL_ERR_INT,              0xb04)
    FIELD(GLBL_ERR_INT, FUNC, 0, 12)
    FIELD(GLBL_ERR_INT, VEC, 12, 11)
    FIELD(GLBL_ERR_INT, EN_COAL, 23, 1)
    FIELD(GLBL_ERR_INT, ARM, 24, 1)
    FIELD(GLBL_ERR_INT, DIS_INTR_ON_VF, 25, 1)
REG32(C2H_INT_TIMER_TICK,        0xb0c)
REG32(C2H_STAT_DROP,             0xb10)
REG32(C2H_STAT_DESC_RSP_ERR,     0xb14)
REG32(C2H_FIRST_ERR_QID,         0xb30)
    FIELD(C2H_FIRST_ERR_QID, QID, 0, 13)
    FIELD(C2H_FIRST_ERR_QID, ERR_TYPE, 16, 5)
REG32(STAT_NUM_CMPT_IN,          0xb34)
REG32(STAT_NUM_CMPT_OUT,         0xb38)
REG32(STAT_NUM_CMPT_DRP,         0xb3c)
REG32(STAT_NUM_STAT_DESC_OUT,    0xb40)
REG32(STAT_NUM_FCH_DSC_RCVD,     0xb48)
REG32(STAT_NUM_BYP_DSC_RCVD,     0xb4c)
REG32(INTR_H2C_REQ,              0xb54)
REG32(INTR_C2H_MM_REQ,           0xb58)
REG32(INTR_ERR_INT_REQ,          0xb5c)
REG32(INTR_C2H_ST_REQ,           0xb60)
REG32(INTR_STATS,                0xb64)     /* of all but stream C2H */
REG32(INTR_C2H_ST_STATS,         0xb74)
/* What each of the two blocks counts */
REG32(INTR_MSIX_ACK,             0x0)
REG32(INTR_MSIX_FAIL,            0x4)
REG32(INTR_NO_MSIX,              0x8)
REG32(INTR_CTXT_INVAL,           0xc)
#define QDMA_INTR_STAT_MASK      0x3ffffu
REG32(C2H_STAT_IMM_ACCEPTED,     0xb9c)
REG32(C2H_STAT_MARKER_ACCEPTED,  0xba0)
REG32(C2H_DROP_LEN_MISMATCH,     0xbb4)
REG32(C2H_CMPT_FORMAT,           0xbc4)
    FIELD(C2H_CMPT_FORMAT, COLOR_LOC, 0, 16)
    FIELD(C2H_CMPT_FORMAT, ERR_LOC, 16, 16)
#define QDMA_CMPT_FORMATS        7
REG32(C2H_PFCH_CACHE_DEPTH,      0xbe0)
REG32(C2H_WRB_COAL_BUF_DEPTH,    0xbe4)
REG32(H2C_ERR_STAT,              0xe00)
REG32(H2C_ERR_MASK,              0xe04)
REG32(H2C_ALN_DBG_REG0,          0xe28)
REG32(C2H_PFCH_BYP_QID,          0x1408)
REG32(C2H_PFCH_BYP_TAG,          0x140c)
    FIELD(C2H_PFCH_BYP_TAG, TAG, 0, 7)
    FIELD(C2H_PFCH_BYP_TAG, QID, 8, 12)

/* MM engines: C2H at the offsets below, H2C 0x200 above; next channel 0x100 */
#define QDMA_MM_FIRST            0x1000
#define QDMA_MM_H2C_STEP         0x200
#define QDMA_MM_CHANNEL_STEP     0x100
REG32(C2H_MM_CTL,                0x1004)
    FIELD(C2H_MM_CTL, RUN, 0, 1)
REG32(C2H_MM_CTL_W1S,            0x1008)
REG32(C2H_MM_CTL_W1C,            0x100c)
REG32(C2H_MM_STATUS,             0x1040)
REG32(C2H_MM_CMPL_DESC_CNT,      0x1048)
REG32(C2H_MM_ERR_CODE_MASK,      0x1054)
REG32(C2H_MM_ERR_CODE,           0x1058)
    FIELD(C2H_MM_ERR_CODE, CODE, 0, 5)
    FIELD(C2H_MM_ERR_CODE, CIDX, 12, 16)
REG32(C2H_MM_ERR_INFO,           0x105c)
    FIELD(C2H_MM_ERR_INFO, QID, 0, 24)
    FIELD(C2H_MM_ERR_INFO, SEL, 30, 1)
    FIELD(C2H_MM_ERR_INFO, VALID, 31, 1)

/* Error codes of the MM engines: bit numbers of their mask registers */
#define QDMA_MM_C2H_WR_UR        29
#define QDMA_MM_C2H_RD_SLV_ERR   1
#define QDMA_MM_H2C_WR_DEC_ERR   28
#define QDMA_MM_H2C_RD_PARAM     4
#define QDMA_MM_H2C_RD_UR_CA     2

/* SW descriptor context: FIELD() names are word numbers */
REG32(SW_W0, 0x00)
    FIELD(SW_W0, PIDX, 0, 16)
    FIELD(SW_W0, IRQ_ARM, 16, 1)
    FIELD(SW_W0, FNC, 17, 12)
REG32(SW_W1, 0x04)
    FIELD(SW_W1, QEN, 0, 1)
    FIELD(SW_W1, FCRD_EN, 1, 1)
    FIELD(SW_W1, WBI_CHK, 2, 1)
    FIELD(SW_W1, WBI_INTVL_EN, 3, 1)
    FIELD(SW_W1, RNG_SZ, 12, 4)
    FIELD(SW_W1, DSC_SZ, 16, 2)
    FIELD(SW_W1, BYPASS, 18, 1)
    FIELD(SW_W1, MM_CHN, 19, 1)
    FIELD(SW_W1, WBK_EN, 20, 1)
    FIELD(SW_W1, IRQ_EN, 21, 1)
    FIELD(SW_W1, IRQ_NO_LAST, 25, 1)
    FIELD(SW_W1, ERR_FETCH, 26, 1)
    FIELD(SW_W1, ERR_DMA, 27, 1)
    FIELD(SW_W1, ERR_WB_SENT, 28, 1)
    FIELD(SW_W1, IRQ_REQ, 29, 1)
    FIELD(SW_W1, IS_MM, 31, 1)
REG32(SW_W4, 0x10)
    FIELD(SW_W4, VEC, 0, 11)
    FIELD(SW_W4, INT_AGGR, 11, 1)
    FIELD(SW_W4, DIS_INTR_ON_VF, 12, 1)

REG32(HW_W0, 0x00)
    FIELD(HW_W0, CIDX, 0, 16)
    FIELD(HW_W0, CRD_USE, 16, 16)
REG32(HW_W1, 0x04)
    FIELD(HW_W1, DSC_PND, 8, 1)
    FIELD(HW_W1, IDL_STP_B, 9, 1)
    FIELD(HW_W1, EVT_PND, 10, 1)
    FIELD(HW_W1, FETCH_PND, 11, 4)

REG32(CMPT_W0, 0x00)
    FIELD(CMPT_W0, EN_STAT_DESC, 0, 1)
    FIELD(CMPT_W0, EN_INT, 1, 1)
    FIELD(CMPT_W0, TRIG_MODE, 2, 3)
    FIELD(CMPT_W0, FNC, 5, 12)
    FIELD(CMPT_W0, CNTER_IX, 17, 4)
    FIELD(CMPT_W0, TIMER_IX, 21, 4)
    FIELD(CMPT_W0, INT_ST, 25, 2)
    FIELD(CMPT_W0, COLOR, 27, 1)
    FIELD(CMPT_W0, QSIZE_IX, 28, 4)
REG32(CMPT_W1, 0x04)            /* BADDR 37:6 */
REG32(CMPT_W2, 0x08)
    FIELD(CMPT_W2, BADDR_HI, 0, 26)
    FIELD(CMPT_W2, DESC_SIZE, 26, 2)
    FIELD(CMPT_W2, PIDX_LO, 28, 4)
REG32(CMPT_W3, 0x0c)
    FIELD(CMPT_W3, PIDX_HI, 0, 12)
    FIELD(CMPT_W3, CIDX, 12, 16)
    FIELD(CMPT_W3, VALID, 28, 1)
    FIELD(CMPT_W3, ERR, 29, 2)
    FIELD(CMPT_W3, USER_TRIG_PEND, 31, 1)
REG32(CMPT_W4, 0x10)
    FIELD(CMPT_W4, TIMER_RUNNING, 0, 1)
    FIELD(CMPT_W4, FULL_UPD, 1, 1)
    FIELD(CMPT_W4, OVF_CHK_DIS, 2, 1)
    FIELD(CMPT_W4, VEC, 4, 11)
    FIELD(CMPT_W4, INT_AGGR, 15, 1)
    FIELD(CMPT_W4, DIS_INTR_ON_VF, 16, 1)
    FIELD(CMPT_W4, DIR_C2H, 18, 1)
REG32(CMPT_W5, 0x14)
    FIELD(CMPT_W5, BADDR_LO, 14, 4)

/* ERR of a completion context and of its status entry */
#define QDMA_CMPT_ERR_CIDX       1
#define QDMA_CMPT_ERR_DESC       2
#define QDMA_CMPT_ERR_OVERFLOW   3

/*
 * INT_ST of a completion context: idle until the first consumer index, armed
 * for an interrupt, or waiting for the consumer index to arm it (again)
 */
enum {
    QDMA_CMPT_ST_IDLE,
    QDMA_CMPT_ST_ARMED,
    QDMA_CMPT_ST_SENT,
};

enum {
    QDMA_TRIG_NONE,
    QDMA_TRIG_EVERY,
    QDMA_TRIG_USER_COUNT,
    QDMA_TRIG_USER,
    QDMA_TRIG_USER_TIMER,
    QDMA_TRIG_USER_TIMER_COUNT,
};

REG32(PFCH_W0, 0x00)
    FIELD(PFCH_W0, BYPASS, 0, 1)
    FIELD(PFCH_W0, BUF_SZ_IX, 1, 4)
    FIELD(PFCH_W0, NUM_PFCH, 10, 6)
    FIELD(PFCH_W0, ERR, 26, 1)
    FIELD(PFCH_W0, PFCH_EN, 27, 1)
    FIELD(PFCH_W0, PFCH, 28, 1)
    FIELD(PFCH_W0, SW_CRDT_LO, 29, 3)
REG32(PFCH_W1, 0x04)
    FIELD(PFCH_W1, SW_CRDT_HI, 0, 13)
    FIELD(PFCH_W1, VALID, 13, 1)

REG32(INTR_W0, 0x00)
    FIELD(INTR_W0, VALID, 0, 1)
    FIELD(INTR_W0, VEC, 1, 11)
    FIELD(INTR_W0, INT_ST, 13, 1)
    FIELD(INTR_W0, COLOR, 14, 1)
    FIELD(INTR_W0, BADDR_LO, 15, 17)
REG32(INTR_W2, 0x08)
    FIELD(INTR_W2, BADDR_HI, 0, 3)
    FIELD(INTR_W2, PAGE_SIZE, 3, 3)
    FIELD(INTR_W2, PIDX, 6, 12)
REG32(INTR_W3, 0x0c)
    FIELD(INTR_W3, FUNC, 18, 12)
#define QDMA_INTR_PAGE_ENTRIES   512
#define QDMA_INTR_ENTRY_SIZE     8

REG32(FMAP_W0, 0x00)
    FIELD(FMAP_W0, QID_BASE, 0, 12)
REG32(FMAP_W1, 0x04)
    FIELD(FMAP_W1, QID_MAX, 0, 13)

/* Doorbells: 16 bytes per queue */
#define QDMA_DB_STRIDE           16
REG32(DB_INTR_CIDX, 0x0)
    FIELD(DB_INTR_CIDX, CIDX, 0, 16)
    FIELD(DB_INTR_CIDX, RING, 16, 8)
REG32(DB_H2C_PIDX, 0x4)
    FIELD(DB_PIDX, PIDX, 0, 16)
    FIELD(DB_PIDX, IRQ_ARM, 16, 1)
REG32(DB_C2H_PIDX, 0x8)
REG32(DB_CMPT_CIDX, 0xc)
    FIELD(DB_CMPT_CIDX, CIDX, 0, 16)
    FIELD(DB_CMPT_CIDX, CNTER_IX, 16, 4)
    FIELD(DB_CMPT_CIDX, TIMER_IX, 20, 4)
    FIELD(DB_CMPT_CIDX, TRIG_MODE, 24, 3)
    FIELD(DB_CMPT_CIDX, EN_STAT_DESC, 27, 1)
    FIELD(DB_CMPT_CIDX, EN_INT, 28, 1)

/* Descriptor rings begin at a multiple of it. */
#define QDMA_DESC_RING_ALIGN     4096

/* MM descriptor */
#define QDMA_MM_DESC_SIZE        32
#define QDMA_MM_DESC_SIZE_CODE   2
#define QDMA_MM_DESC_SRC         0
#define QDMA_MM_DESC_LEN         8
#define QDMA_MM_DESC_LEN_MASK    0x0fffffffu
#define QDMA_MM_DESC_DST         16

/* Stream descriptors: H2C 16 bytes, C2H 8 (the buffer's address) */
#define QDMA_H2C_DESC_SIZE_CODE  1
#define QDMA_H2C_DESC_LEN        4
#define QDMA_H2C_DESC_FLAGS      6
#define QDMA_H2C_DESC_F_EOP      BIT(1)
#define QDMA_H2C_DESC_SRC        8
#define QDMA_C2H_DESC_SIZE_CODE  0
#define QDMA_DESC_SIZE_MAX       64

/* Completion entry as the example design makes it: first 20 of its bits */
#define QDMA_CMPT_SIZE_MAX       64
#define QDMA_CMPT_COLOR_BIT      1
#define QDMA_CMPT_ERR_BIT        2
#define QDMA_CMPT_DESC_USED      BIT(3)
#define QDMA_CMPT_LEN_SHIFT      4
#define QDMA_CMPT_USER_MASK      0xfff00000u
#define QDMA_PACKET_MAX          0xffffu

/* Period of the clock that interrupt timers count */
#define QDMA_CLOCK_NS            4

/* Status entry of descriptor rings: error, CIDX, PIDX, 0; 16 bits each */
#define QDMA_STATUS_SIZE         8
#define QDMA_STATUS_ERR_DMA      BIT(0)
#define QDMA_STATUS_ERR_FETCH    BIT(1)

/* Mailbox, offsets from its base */
#define QDMA_MBOX_WORDS          32
REG32(MBOX_STATUS,               0x000)
    FIELD(MBOX_STATUS, IN, 0, 1)
    FIELD(MBOX_STATUS, OUT, 1, 1)
    FIELD(MBOX_STATUS, ACK, 2, 1)
    FIELD(MBOX_STATUS, SRC, 4, 12)
REG32(MBOX_COMMAND,              0x004)
    FIELD(MBOX_COMMAND, SEND, 0, 1)
    FIELD(MBOX_COMMAND, RECEIVE, 1, 1)
REG32(MBOX_VECTOR,               0x008)
    FIELD(MBOX_VECTOR, VECTOR, 0, 5)
REG32(MBOX_TARGET,               0x00c)
    FIELD(MBOX_TARGET, FUNC, 0, 12)
REG32(MBOX_ENABLE,               0x010)
    FIELD(MBOX_ENABLE, ENABLE, 0, 1)
REG32(MBOX_VERSION,              0x014)
REG32(MBOX_USER_BAR,             0x018)
REG32(MBOX_ACK,                  0x020)
#define QDMA_MBOX_ACK_WORDS      8
REG32(MBOX_FLR,                  0x100)
REG32(MBOX_INCOMING,             0x800)
REG32(MBOX_OUTGOING,             0xc00)
REG32(MBOX_FMAP,                 0xd00)     /* with CPM5; one per function */
    FIELD(MBOX_FMAP, QID_BASE, 0, 12)
    FIELD(MBOX_FMAP, QID_MAX, 12, 12)

/* User logic of the example design */
REG32(USER_C2H_QID,              0x00)
REG32(USER_C2H_LEN,              0x04)
REG32(USER_CONTROL,             0x08)
    FIELD(USER_CONTROL, LOOPBACK, 0, 1)
    FIELD(USER_CONTROL, START, 1, 1)
    FIELD(USER_CONTROL, IMMEDIATE, 2, 1)
    FIELD(USER_CONTROL, RESTART, 3, 1)
    FIELD(USER_CONTROL, MARKER, 5, 1)
    FIELD(USER_CONTROL, STOP, 18, 1)
    FIELD(USER_CONTROL, DROP, 19, 1)
REG32(USER_H2C_CLEAR,            0x0c)
REG32(USER_H2C_MATCH,            0x10)
REG32(USER_C2H_COUNT,            0x14)
REG32(USER_C2H_STATUS,           0x18)
REG32(USER_C2H_PACKETS,          0x20)
REG32(USER_PFCH_TAG,             0x24)
    FIELD(USER_PFCH_TAG, TAG, 0, 7)
    FIELD(USER_PFCH_TAG, QID, 16, 12)
REG32(USER_CMPT_DATA,            0x30)
REG32(USER_CMPT_SIZE,            0x50)
    FIELD(USER_CMPT_SIZE, TRIGGER, 3, 1)
    FIELD(USER_CMPT_SIZE, COLOR_IX, 4, 3)
    FIELD(USER_CMPT_SIZE, ERR_IX, 8, 3)
REG32(USER_SCRATCH0,             0x60)
REG32(USER_SCRATCH1,             0x64)
REG32(USER_DROPPED,              0x88)
REG32(USER_ACCEPTED,             0x8c)
REG32(USER_BYPASS,               0x90)
    FIELD(USER_BYPASS, H2C, 0, 1)
    FIELD(USER_BYPASS, C2H, 1, 2)
#define QDMA_C2H_BYPASS_CACHE    1
#define QDMA_C2H_BYPASS_SIMPLE   2
REG32(USER_INTR,                 0x94)
    FIELD(USER_INTR, TRIGGER, 0, 1)
    FIELD(USER_INTR, VECTOR, 4, 5)
    FIELD(USER_INTR, FUNC, 12, 8)
REG32(USER_INTR_MASK,            0x98)
REG32(USER_INTR_VECTOR,          0x9c)
    FIELD(USER_INTR_VECTOR, GENERATED, 0, 1)
    FIELD(USER_INTR_VECTOR, CHECKED, 1, 1)
    FIELD(USER_INTR_VECTOR, MARKER, 2, 1)
REG32(USER_DMA_CTL,              0xa0)
REG32(USER_VDM,                  0xa4)
/* Not of the example design */
REG32(USER_LOOPBACK,             0x200)
    FIELD(USER_LOOPBACK, OWN_QUEUE, 0, 1)
#define QDMA_USER_LOOPBACK_MAX   4096

#endif
