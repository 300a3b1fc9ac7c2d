/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a VF sees of a QDMA card, read from the reference a second time.
 *
 * Nothing here comes from the drivers' headers: where the two readings
 * differ, one of them is wrong and a test shows it.
 */
#ifndef SVFF_SELFTESTS_VF_REGS_H
#define SVFF_SELFTESTS_VF_REGS_H

/* Config BAR of a VF */
#define VF_BAR_MIN_SIZE		0x8000
#define VF_ID_OLD		0x1014	/* QDMA 3.x keeps its identity here */
#define VF_DB_BASE		0x3000
#define VF_DB_STRIDE		0x10
#define VF_DB_QUEUES		256
#define   VF_DB_INTR_CIDX	0x0
#define   VF_DB_H2C_PIDX	0x4
#define   VF_DB_C2H_PIDX	0x8
#define   VF_DB_CMPT_CIDX	0xC
#define VF_DB_ARM		(1u << 16)
#define VF_DB_RING_SHIFT	16

#define VF_MBOX			0x5000
#define VF_MBOX_OLD		0x1000	/* QDMA 3.x */
#define   MBOX_STATUS		0x000
#define     MBOX_STATUS_IN	(1u << 0)
#define     MBOX_STATUS_OUT	(1u << 1)
#define   MBOX_CMD		0x004
#define     MBOX_CMD_SEND	(1u << 0)
#define     MBOX_CMD_RECV	(1u << 1)
#define   MBOX_VECTOR		0x008
#define   MBOX_IRQ_EN		0x010
#define   MBOX_VERSION		0x014
#define   MBOX_USER_BAR		0x018
#define   MBOX_FLR		0x100
#define   MBOX_IN		0x800
#define   MBOX_OUT		0xC00
#define MBOX_WORDS		32
#define MBOX_BYTES		(MBOX_WORDS * 4)

#define VF_VERSION_MAGIC	0x1FD3
#define VF_VERSION_NEW		0xF0F0	/* device type and IP: 0 is soft 3.x */
#define VF_VERSION_CPM5		0x2000
#define VF_USER_BAR_2		0x00104104

/* MSI-X vectors of a VF */
#define VF_VEC_MBOX		0
#define VF_VEC_USER		1
#define VF_VEC_DATA		2
#define VF_VECTORS		8

/* Mailbox opcodes; a response is the request plus MBOX_RSP */
#define MBOX_RSP		0x80
enum mbox_op {
	OP_VF_BYE = 0x00,
	OP_HELLO,
	OP_FMAP,
	OP_CSR,
	OP_QREQ,
	OP_QNOTIFY_ADD,
	OP_QNOTIFY_DEL,
	OP_GET_QACTIVE_CNT,
	OP_QCTXT_WRT,
	OP_QCTXT_RD,
	OP_QCTXT_CLR,
	OP_QCTXT_INV,
	OP_INTR_WRT,
	OP_INTR_RD,
	OP_INTR_CLR,
	OP_INTR_INV,
	OP_RESET_PREPARE,
	OP_RESET_DONE,
	OP_REG_LIST_READ,
	OP_PF_BYE,
	OP_PF_RESET_VF_BYE,
	OP_FIRST_UNKNOWN,
	OP_EXT_QUOTA = 0x40,
	OP_EXT_PAUSE,
	OP_EXT_RESUME,
};

/* Status codes; on the wire they are negative */
#define ST_OK			0
#define ST_PARAM		(-1)
#define ST_BUSY			(-3)
#define ST_NOT_SUPPORTED	(-7)
#define ST_NO_QUEUES		(-12)
#define ST_FMAP			(-14)
#define ST_NUM_QUEUES		(-15)
#define ST_QID			(-16)
#define ST_RING_SIZE		(-17)
#define ST_BUF_SIZE		(-18)
#define ST_CNT_THRES		(-19)
#define ST_TIMER_THRES		(-20)
#define ST_MSG			(-21)
#define ST_REG_READ		(-24)

/* Message header and payloads: byte offsets */
#define M_OP			0
#define M_STATUS		1
#define M_SRC			2
#define M_DST			4

#define M_QBASE			8	/* HELLO, FMAP, QREQ */
#define M_QMAX			12
#define M_HELLO_NUM_PFS		16
#define M_HELLO_NUM_QS		18
#define M_HELLO_CAPS		20
#define   HELLO_FLR		(1u << 0)
#define   HELLO_ST		(1u << 1)
#define   HELLO_MM		(1u << 2)
#define   HELLO_MBOX		(1u << 4)
#define M_HELLO_MM_CHN		21
#define M_HELLO_EXT		16	/* in the request */
#define M_HELLO_RSP_EXT		28
#define   M_EXT_VERSION		4
#define   M_EXT_RINGS		5	/* in the response */
#define   M_EXT_FIRST_RING	6
#define   M_EXT_CAPS		8
#define   M_EXT_LEN		12
#define   EXT_SEQ		(1u << 0)
#define   EXT_QUOTA		(1u << 1)
#define   EXT_PAUSE		(1u << 2)
#define   EXT_RINGS		(1u << 3)
#define   EXT_ALL		15u
#define M_EXT_QUOTA		8	/* in the notices */
#define M_EXT_IDLE_MS		8

#define M_CSR_RINGSZ		6
#define M_CSR_BUFSZ		38
#define M_CSR_TIMER		70
#define M_CSR_COUNTER		86
#define CSR_ENTRIES		16

#define M_QN_QID		6	/* QNOTIFY */
#define M_QN_TYPE		8
enum q_type { Q_H2C, Q_C2H, Q_CMPT };

#define M_QACT_H2C		8
#define M_QACT_C2H		12
#define M_QACT_CMPT		16

#define M_QC_QID		6	/* QCTXT */
#define M_QC_KIND		8
#define   QC_ST			(1u << 0)
#define   QC_C2H		(1u << 1)
#define   QC_CMPT_SHIFT		2
#define   QC_KIND_RESERVED	0xF0
enum qc_cmpt { QC_CMPT_ONLY, QC_CMPT_MM, QC_CMPT_ST, QC_CMPT_NONE };
#define M_QC_BASE		16
#define M_QC_CMPT_BASE		24
#define M_QC_FLAGS		32
#define   QC_IRQ_ARM		(1u << 2)
#define   QC_WBI_INTVL		(1u << 3)
#define   QC_WBI_CHK		(1u << 4)
#define   QC_AT			(1u << 5)
#define   QC_WBK_EN		(1u << 6)
#define   QC_IRQ_EN		(1u << 7)
#define   QC_STAT_EN		(1u << 15)
#define   QC_DESC_SZ_SHIFT	16
#define   QC_DESC_SZ		(3u << QC_DESC_SZ_SHIFT)
#define   QC_FLAGS_RESERVED	0xFF800000u
#define M_QC_FUNC		36
#define M_QC_CNT		38
#define M_QC_TIMER		39
#define M_QC_INTR		40
#define   QC_INTR_AGGR		(1u << 11)
#define M_QC_RINGSZ		42
#define M_QC_BUFSZ		44
#define M_QC_CMPT_RINGSZ	46

#define M_RD_FMAP_BASE		20	/* QCTXT_RD response */
#define M_RD_FMAP_MAX		22
#define M_RD_SW_BASE		24
#define M_RD_SW_VEC		32
#define M_RD_SW_PIDX		34
#define M_RD_SW_FNC		37
#define M_RD_SW_QEN		38
#define M_RD_SW_RNGSZ		44
#define M_RD_SW_DSCSZ		45
#define M_RD_SW_WBK		48
#define M_RD_SW_ERR		52
#define   SW_ERR_FETCH		1
#define   SW_ERR_DMA		2
#define M_RD_SW_IS_MM		56
#define M_RD_SW_AGGR		57
#define M_RD_SW_END		80
#define M_RD_HW_CIDX		80

#define M_IC_NUM		8	/* INTR_CTXT */
#define M_IC_INDEX		12
#define M_IC_BASE		16
#define M_IC_VEC		24
#define M_IC_VALID		28
#define M_IC_COLOR		30
#define M_IC_PAGE_SIZE		31
#define M_IC_FUNC		42

#define M_RL_GROUP		6	/* REG_LIST_READ */
#define M_RL_COUNT		8
#define M_RL_PAIRS		12

/* MM descriptor and status entry */
#define MM_DESC_SIZE		32
#define MM_DESC_SIZE_CODE	2
#define MM_LEN_MAX		0x8000	/* IP 5.0: below 64 KiB; a power of two */
#define MM_DESC_DV		(1u << 28)
#define MM_DESC_SOP		(1u << 29)
#define MM_DESC_EOP		(1u << 30)
#define WB_ERR_DMA		(1u << 0)
#define WB_ERR_FETCH		(1u << 1)
#define WB_ERR_MASK		3u

/* Interrupt aggregation ring */
#define AGG_PAGE		4096
#define AGG_ENTRIES		(AGG_PAGE / 8)

#endif
