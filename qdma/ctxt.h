/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts are what the hardware keeps for each queue: bit fields spread over
 * a few 32-bit words, which may cross words and differ between IP revisions.
 * Here they are arrays of values, indexed by the names below, and one const
 * table per revision says where each of them lives. Encoding and decoding are
 * pure functions of values; the unit tests compile them too.
 */
#ifndef QDMA_CTXT_H
#define QDMA_CTXT_H

#include <linux/types.h>

#define QDMA_CTXT_MAX_WORDS	8

/* Contexts that have a layout; H2C and C2H share one. */
enum qdma_ctxt_type {
	QDMA_CTXT_SW,
	QDMA_CTXT_HW,
	QDMA_CTXT_CREDIT,
	QDMA_CTXT_CMPT,
	QDMA_CTXT_PFCH,
	QDMA_CTXT_INTR,
	QDMA_CTXT_FMAP,
	QDMA_CTXT_TYPES
};

/* Software descriptor context: what the driver says about a ring. */
enum qdma_sw_field {
	QDMA_SW_PIDX,
	QDMA_SW_IRQ_ARM,
	QDMA_SW_FUNC,
	QDMA_SW_QEN,
	QDMA_SW_FCRD_EN,
	QDMA_SW_WBI_CHK,
	QDMA_SW_WBI_INTVL_EN,
	QDMA_SW_AT,
	QDMA_SW_FETCH_MAX,
	QDMA_SW_RING_IX,
	QDMA_SW_DESC_SZ,
	QDMA_SW_BYPASS,
	QDMA_SW_MM_CHN,
	QDMA_SW_WBK_EN,
	QDMA_SW_IRQ_EN,
	QDMA_SW_PORT_ID,
	QDMA_SW_IRQ_NO_LAST,
	QDMA_SW_ERR,
	QDMA_SW_ERR_WB_SENT,
	QDMA_SW_IRQ_REQ,
	QDMA_SW_MRKR_DIS,
	QDMA_SW_IS_MM,
	QDMA_SW_BASE,
	QDMA_SW_VEC,
	QDMA_SW_INT_AGGR,
	QDMA_SW_DIS_INTR_ON_VF,
	QDMA_SW_VIRTIO_EN,
	QDMA_SW_PACK_BYP_OUT,
	QDMA_SW_IRQ_BYP,
	QDMA_SW_HOST_ID,
	QDMA_SW_PASID,
	QDMA_SW_PASID_EN,
	QDMA_SW_VIRTIO_BASE,
	QDMA_SW_FIELDS
};

#define QDMA_FETCH_MAX	7	/* of QDMA_SW_FETCH_MAX: as much at once as the engine may */

/* Hardware descriptor context: where the hardware is. */
enum qdma_hw_field {
	QDMA_HW_CIDX,
	QDMA_HW_CRD_USE,
	QDMA_HW_DSC_PND,
	QDMA_HW_IDL_STP_B,
	QDMA_HW_EVT_PND,
	QDMA_HW_FETCH_PND,
	QDMA_HW_FIELDS
};

enum qdma_credit_field {
	QDMA_CREDIT_CREDIT,
	QDMA_CREDIT_FIELDS
};

/* Completion ring of a stream. Bits 5:2 of its address live apart. */
enum qdma_cmpt_field {
	QDMA_CMPT_EN_STAT,
	QDMA_CMPT_EN_INT,
	QDMA_CMPT_TRIG_MODE,
	QDMA_CMPT_FUNC,
	QDMA_CMPT_CNT_IX,
	QDMA_CMPT_TIMER_IX,
	QDMA_CMPT_INT_ST,
	QDMA_CMPT_COLOR,
	QDMA_CMPT_RING_IX,
	QDMA_CMPT_BASE,
	QDMA_CMPT_DESC_SZ,
	QDMA_CMPT_PIDX,
	QDMA_CMPT_CIDX,
	QDMA_CMPT_VALID,
	QDMA_CMPT_ERR,
	QDMA_CMPT_USER_TRIG_PEND,
	QDMA_CMPT_TIMER_RUNNING,
	QDMA_CMPT_FULL_UPD,
	QDMA_CMPT_OVF_CHK_DIS,
	QDMA_CMPT_AT,
	QDMA_CMPT_VEC,
	QDMA_CMPT_INT_AGGR,
	QDMA_CMPT_DIS_INTR_ON_VF,
	QDMA_CMPT_VIO,
	QDMA_CMPT_DIR_C2H,
	QDMA_CMPT_HOST_ID,
	QDMA_CMPT_PASID,
	QDMA_CMPT_PASID_EN,
	QDMA_CMPT_BASE_LOW,
	QDMA_CMPT_VIO_EOP,
	QDMA_CMPT_SH_CMPT,
	QDMA_CMPT_PORT_ID,
	QDMA_CMPT_FIELDS
};

enum qdma_pfch_field {
	QDMA_PFCH_BYPASS,
	QDMA_PFCH_BUF_IX,
	QDMA_PFCH_PORT_ID,
	QDMA_PFCH_VAR_DESC,
	QDMA_PFCH_VIRTIO,
	QDMA_PFCH_NUM_PFCH,
	QDMA_PFCH_NEED,
	QDMA_PFCH_ERR,
	QDMA_PFCH_EN,
	QDMA_PFCH_ACTIVE,
	QDMA_PFCH_SW_CRDT,
	QDMA_PFCH_VALID,
	QDMA_PFCH_FIELDS
};

enum qdma_intr_field {
	QDMA_INTR_VALID,
	QDMA_INTR_VEC,
	QDMA_INTR_INT_ST,
	QDMA_INTR_COLOR,
	QDMA_INTR_BASE,
	QDMA_INTR_PAGE_SIZE,
	QDMA_INTR_PIDX,
	QDMA_INTR_AT,
	QDMA_INTR_HOST_ID,
	QDMA_INTR_PASID,
	QDMA_INTR_PASID_EN,
	QDMA_INTR_FUNC,
	QDMA_INTR_FIELDS
};

enum qdma_fmap_field {
	QDMA_FMAP_BASE,
	QDMA_FMAP_COUNT,
	QDMA_FMAP_FIELDS
};

#define QDMA_CTXT_MAX_FIELDS	QDMA_SW_FIELDS

/**
 * struct qdma_field - where a field lives
 * @name: for people; NULL: this revision has no such field
 * @pos: first bit, counted from bit 0 of word 0
 * @width: bits
 * @shift: bits of the value that are not stored and must be zero (addresses)
 */
struct qdma_field {
	const char *name;
	u16 pos;
	u8 width;
	u8 shift;
};

/**
 * struct qdma_ctxt_layout - one context of one IP revision
 * @words: words that the hardware takes
 * @nfields: entries of @field
 * @field: indexed by the enumeration of the context
 */
struct qdma_ctxt_layout {
	u8 words;
	u8 nfields;
	const struct qdma_field *field;
};

/**
 * struct qdma_ctxt_set - all contexts of one IP revision
 * @type: indexed by &enum qdma_ctxt_type
 */
struct qdma_ctxt_set {
	struct qdma_ctxt_layout type[QDMA_CTXT_TYPES];
};

extern const struct qdma_ctxt_set qdma_ctxt_eqdma;
extern const struct qdma_ctxt_set qdma_ctxt_cpm5;
extern const struct qdma_ctxt_set qdma_ctxt_qdma3;

int qdma_ctxt_encode(const struct qdma_ctxt_layout *layout, const u64 *values,
		     u32 *words);
void qdma_ctxt_decode(const struct qdma_ctxt_layout *layout, const u32 *words,
		      u64 *values);
void qdma_ctxt_put(const struct qdma_ctxt_layout *layout, unsigned int field, u64 value,
		   u32 *words);
bool qdma_ctxt_has(const struct qdma_ctxt_layout *layout, unsigned int field);

#endif /* QDMA_CTXT_H */
