/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of the QDMA, in its config BAR. Fields are indented below their
 * register. Offsets that differ between IP revisions are in the tables of
 * caps.c; what is here is common to all of them.
 */
#ifndef QDMA_REGS_H
#define QDMA_REGS_H

#include <linux/bits.h>

/* Identification */
#define QDMA_CFG_IDENT			0x000
#define   QDMA_CFG_IDENT_MAGIC		GENMASK(31, 16)
#define     QDMA_IDENT_MAGIC		0x1fd3
#define QDMA_GLBL2_PF_BARLITE_INT	0x104
#define   QDMA_BARLITE_PF0		GENMASK(5, 0)
#define   QDMA_BARLITE_PF1		GENMASK(11, 6)
#define   QDMA_BARLITE_PF2		GENMASK(17, 12)
#define   QDMA_BARLITE_PF3		GENMASK(23, 18)
#define QDMA_GLBL2_CHANNEL_MDMA		0x118
#define   QDMA_CHANNEL_C2H_ST		BIT(17)
#define   QDMA_CHANNEL_H2C_ST		BIT(16)
#define   QDMA_CHANNEL_C2H_ENG		GENMASK(11, 8)
#define   QDMA_CHANNEL_H2C_ENG		GENMASK(3, 0)
#define QDMA_GLBL2_CHANNEL_CAP		0x120
#define   QDMA_CHANNEL_CAP_QUEUES	GENMASK(11, 0)
#define QDMA_GLBL2_FUNC_RET		0x12c
#define   QDMA_FUNC_RET_ID		GENMASK(11, 0)
#define QDMA_GLBL2_MISC_CAP		0x134
#define   QDMA_MISC_CAP_DEVICE		GENMASK(31, 28)
#define   QDMA_MISC_CAP_RELEASE		GENMASK(27, 24)
#define   QDMA_MISC_CAP_IP		GENMASK(23, 20)
#define   QDMA_MISC_CAP_FLR		BIT(1)
#define   QDMA_MISC_CAP_MAILBOX		BIT(0)

/* Version of a VF, at its mailbox base + QDMA_MBOX_VERSION */
#define   QDMA_VF_VERSION_MAGIC		GENMASK(31, 16)
#define   QDMA_VF_VERSION_DEVICE	GENMASK(15, 12)
#define   QDMA_VF_VERSION_IP		GENMASK(7, 4)

/* Sizes and thresholds: 16 of each */
#define QDMA_GLBL_RNG_SZ(i)		(0x204 + 4 * (i))
#define   QDMA_RNG_SZ_SIZE		GENMASK(15, 0)
#define QDMA_C2H_TIMER_CNT(i)		(0xa00 + 4 * (i))
#define QDMA_C2H_CNT_TH(i)		(0xa40 + 4 * (i))
#define QDMA_C2H_BUF_SZ(i)		(0xab0 + 4 * (i))

/* Engine configuration */
#define QDMA_CFG_MISC_CTL		0x04c
#define QDMA_GLBL2_RRQ_BRG_THROT	0x158
#define QDMA_GLBL2_RRQ_PCIE_THROT	0x15c
#define   QDMA_THROT_DATA		GENMASK(17, 0)
#define QDMA_GLBL2_RRQ_AXIMM_THROT	0x160
#define QDMA_GLBL_DSC_CFG		0x250
#define QDMA_C2H_PFCH_CFG_1		0xa80
#define   QDMA_PFCH_CFG_1_EVICT		GENMASK(31, 16)
#define   QDMA_PFCH_CFG_1_QCNT		GENMASK(15, 0)
#define QDMA_C2H_PFCH_CFG_2		0xa84
#define   QDMA_PFCH_CFG_2_FENCE		BIT(31)
#define QDMA_C2H_PFCH_CFG		0xb08
#define   QDMA_PFCH_CFG_3X_FL_TH	GENMASK(8, 0)
#define   QDMA_PFCH_CFG_3X_NUM		GENMASK(17, 9)
#define   QDMA_PFCH_CFG_3X_QCNT		GENMASK(24, 18)
#define   QDMA_PFCH_CFG_3X_EVICT	GENMASK(31, 25)
#define QDMA_C2H_INT_TIMER_TICK		0xb0c
#define QDMA_C2H_WRB_COAL_CFG		0xb50
#define   QDMA_COAL_CFG_MAX_BUF		GENMASK(31, 26)
#define   QDMA_COAL_CFG_TICK_VAL	GENMASK(25, 14)
#define   QDMA_COAL_CFG_TICK_CNT	GENMASK(13, 2)
#define QDMA_C2H_PFCH_CACHE_DEPTH	0xbe0
#define   QDMA_PFCH_CACHE_DEPTH		GENMASK(7, 0)
#define QDMA_C2H_WRB_COAL_DEPTH		0xbe4
#define   QDMA_WRB_COAL_DEPTH		GENMASK(7, 0)
#define QDMA_H2C_REQ_THROT_PCIE		0xe24
#define QDMA_H2C_REQ_THROT_AXIMM	0xe2c
#define QDMA_H2C_MM_DATA_THROT		0x12ec
#define QDMA_C2H_CRDT_COAL_CFG_1	0x1400
#define QDMA_C2H_CRDT_COAL_CFG_2	0x1404
#define   QDMA_CRDT_COAL_2_FIFO_TH	GENMASK(23, 16)
#define   QDMA_CRDT_COAL_2_NT_TH	GENMASK(10, 0)
#define QDMA_PFCH_CFG_3			0x147c
#define QDMA_PFCH_CFG_4			0x1484

/* MM engines, channel 0 */
#define QDMA_C2H_MM_CTL			0x1004
#define QDMA_H2C_MM_CTL			0x1204
#define   QDMA_MM_CTL_RUN		BIT(0)
#define QDMA_C2H_MM_CTL_CLR		0x100c
#define QDMA_H2C_MM_CTL_CLR		0x120c
#define QDMA_MM_CHANNEL_STRIDE		0x100

/* Errors: global, then the leaves */
#define QDMA_GLBL_ERR_STAT		0x248
#define QDMA_GLBL_ERR_MASK		0x24c
#define   QDMA_GLBL_ERR_RAM_SBE		BIT(0)
#define   QDMA_GLBL_ERR_RAM_DBE		BIT(1)
#define   QDMA_GLBL_ERR_DSC		BIT(2)
#define   QDMA_GLBL_ERR_TRQ		BIT(3)
#define   QDMA_GLBL_ERR_H2C_MM_0	BIT(4)
#define   QDMA_GLBL_ERR_C2H_MM_0	BIT(6)
#define   QDMA_GLBL_ERR_C2H_ST		BIT(8)
#define   QDMA_GLBL_ERR_H2C_ST_3X	BIT(11)
#define   QDMA_GLBL_ERR_H2C_ST		BIT(16)
#define   QDMA_GLBL_ERR_ALL		GENMASK(17, 0)
#define QDMA_DSC_ERR_STS		0x254
#define QDMA_DSC_ERR_MSK		0x258
#define QDMA_DSC_ERR_LOG0		0x25c
#define   QDMA_DSC_ERR_LOG0_VALID	BIT(31)
#define   QDMA_DSC_ERR_LOG0_C2H		BIT(30)
#define   QDMA_DSC_ERR_LOG0_QID		GENMASK(12, 0)
#define QDMA_TRQ_ERR_STS		0x264
#define QDMA_TRQ_ERR_MSK		0x268
#define QDMA_TRQ_ERR_LOG		0x26c
#define   QDMA_TRQ_ERR_LOG_FUNC		GENMASK(26, 17)
#define QDMA_C2H_ERR_STS		0xaf0
#define QDMA_C2H_ERR_MSK		0xaf4
#define QDMA_C2H_FATAL_STS		0xaf8
#define QDMA_C2H_FATAL_MSK		0xafc
#define QDMA_C2H_FIRST_ERR_QID		0xb30
#define   QDMA_FIRST_ERR_QID		GENMASK(12, 0)
#define QDMA_H2C_ERR_STS		0xe00
#define QDMA_H2C_ERR_MSK		0xe04
#define QDMA_H2C_FIRST_ERR_QID		0xe08
#define QDMA_RAM_SBE_MSK_1		0x0e0
#define QDMA_RAM_SBE_STS_1		0x0e4
#define QDMA_RAM_DBE_MSK_1		0x0e8
#define QDMA_RAM_DBE_STS_1		0x0ec
#define QDMA_RAM_SBE_MSK		0x0f0
#define QDMA_RAM_SBE_STS		0x0f4
#define QDMA_RAM_DBE_MSK		0x0f8
#define QDMA_RAM_DBE_STS		0x0fc
#define QDMA_C2H_MM_ERR_MSK		0x1054
#define QDMA_C2H_MM_ERR_CODE		0x1058
#define QDMA_C2H_MM_ERR_INFO		0x105c
#define QDMA_H2C_MM_ERR_MSK		0x1254
#define QDMA_H2C_MM_ERR_CODE		0x1258
#define QDMA_H2C_MM_ERR_INFO		0x125c
#define   QDMA_MM_ERR_CODE_CODE		GENMASK(4, 0)
#define   QDMA_MM_ERR_INFO_VALID	BIT(31)
#define   QDMA_MM_ERR_INFO_QID		GENMASK(23, 0)
#define QDMA_GLBL_ERR_INT		0xb04
#define   QDMA_GLBL_ERR_INT_ARM		BIT(24)
#define   QDMA_GLBL_ERR_INT_VEC		GENMASK(22, 12)
#define   QDMA_GLBL_ERR_INT_FUNC	GENMASK(11, 0)

/* Indirect contexts */
#define QDMA_IND_CTXT_DATA(i)		(0x804 + 4 * (i))
#define QDMA_IND_CTXT_MASK(i)		(0x824 + 4 * (i))
#define QDMA_IND_CTXT_WORDS		8
#define QDMA_IND_CTXT_CMD		0x844
#define   QDMA_IND_CTXT_CMD_BUSY	BIT(0)
#define   QDMA_IND_CTXT_CMD_SEL		GENMASK(4, 1)
#define   QDMA_IND_CTXT_CMD_OP		GENMASK(6, 5)
#define   QDMA_IND_CTXT_CMD_INDEX	GENMASK(19, 7)

/* Doorbells, relative to the function's base */
#define QDMA_DB_STRIDE			0x10
#define QDMA_DB_INTR_CIDX(qid)		((qid) * QDMA_DB_STRIDE + 0x0)
#define   QDMA_DB_INTR_CIDX_CIDX	GENMASK(15, 0)
#define   QDMA_DB_INTR_CIDX_RING	GENMASK(23, 16)
#define QDMA_DB_H2C_PIDX(qid)		((qid) * QDMA_DB_STRIDE + 0x4)
#define QDMA_DB_C2H_PIDX(qid)		((qid) * QDMA_DB_STRIDE + 0x8)
#define   QDMA_DB_PIDX_PIDX		GENMASK(15, 0)
#define   QDMA_DB_PIDX_ARM		BIT(16)
#define QDMA_DB_CMPT_CIDX(qid)		((qid) * QDMA_DB_STRIDE + 0xc)
#define   QDMA_DB_CMPT_CIDX_CIDX	GENMASK(15, 0)
#define   QDMA_DB_CMPT_CIDX_CNT		GENMASK(19, 16)
#define   QDMA_DB_CMPT_CIDX_TIMER	GENMASK(23, 20)
#define   QDMA_DB_CMPT_CIDX_TRIG	GENMASK(26, 24)
#define   QDMA_DB_CMPT_CIDX_STAT_EN	BIT(27)
#define   QDMA_DB_CMPT_CIDX_IRQ_EN	BIT(28)

/* Mailbox, relative to the function's base */
#define QDMA_MBOX_STATUS		0x000
#define   QDMA_MBOX_STATUS_IN		BIT(0)
#define   QDMA_MBOX_STATUS_OUT		BIT(1)
#define   QDMA_MBOX_STATUS_ACK		BIT(2)
#define   QDMA_MBOX_STATUS_SRC		GENMASK(15, 4)
#define QDMA_MBOX_COMMAND		0x004
#define   QDMA_MBOX_COMMAND_SEND	BIT(0)
#define   QDMA_MBOX_COMMAND_RECV	BIT(1)
#define QDMA_MBOX_VECTOR		0x008
#define QDMA_MBOX_TARGET		0x00c
#define QDMA_MBOX_IRQ_ENABLE		0x010
#define QDMA_MBOX_VERSION		0x014
#define QDMA_MBOX_ACK(word)		(0x020 + 4 * (word))
#define QDMA_MBOX_ACK_WORDS		8
#define QDMA_MBOX_IN(word)		(0x800 + 4 * (word))
#define QDMA_MBOX_OUT(word)		(0xc00 + 4 * (word))

#endif /* QDMA_REGS_H */
