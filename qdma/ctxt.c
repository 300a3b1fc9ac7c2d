// SPDX-License-Identifier: GPL-2.0-only
/*
 * Context tables of each IP revision, and the two functions that use them. A
 * field is a run of bits of the whole context, so that one which crosses words
 * needs no special care.
 */
#include "ctxt.h"

#include <linux/errno.h>
#include <linux/string.h>

#define WORD_BITS	32

#define FIELD(word, bit, bits, text) \
	{ .name = text, .pos = (word) * WORD_BITS + (bit), .width = (bits) }
/* An address whose low bits are not stored */
#define ADDR(word, bit, bits, low, text) \
	{ .name = text, .pos = (word) * WORD_BITS + (bit), .width = (bits), .shift = (low) }

/* Soft IP 4.0 and 5.0; the other revisions differ from these */

static const struct qdma_field eqdma_sw[QDMA_SW_FIELDS] = {
	[QDMA_SW_PIDX] = FIELD(0, 0, 16, "pidx"),
	[QDMA_SW_IRQ_ARM] = FIELD(0, 16, 1, "irq_arm"),
	[QDMA_SW_FUNC] = FIELD(0, 17, 12, "func"),
	[QDMA_SW_QEN] = FIELD(1, 0, 1, "qen"),
	[QDMA_SW_FCRD_EN] = FIELD(1, 1, 1, "fcrd_en"),
	[QDMA_SW_WBI_CHK] = FIELD(1, 2, 1, "wbi_chk"),
	[QDMA_SW_WBI_INTVL_EN] = FIELD(1, 3, 1, "wbi_intvl_en"),
	[QDMA_SW_AT] = FIELD(1, 4, 1, "at"),
	[QDMA_SW_FETCH_MAX] = FIELD(1, 5, 4, "fetch_max"),
	[QDMA_SW_RING_IX] = FIELD(1, 12, 4, "ring_ix"),
	[QDMA_SW_DESC_SZ] = FIELD(1, 16, 2, "desc_sz"),
	[QDMA_SW_BYPASS] = FIELD(1, 18, 1, "bypass"),
	[QDMA_SW_MM_CHN] = FIELD(1, 19, 1, "mm_chn"),
	[QDMA_SW_WBK_EN] = FIELD(1, 20, 1, "wbk_en"),
	[QDMA_SW_IRQ_EN] = FIELD(1, 21, 1, "irq_en"),
	[QDMA_SW_PORT_ID] = FIELD(1, 22, 3, "port_id"),
	[QDMA_SW_IRQ_NO_LAST] = FIELD(1, 25, 1, "irq_no_last"),
	[QDMA_SW_ERR] = FIELD(1, 26, 2, "err"),
	[QDMA_SW_ERR_WB_SENT] = FIELD(1, 28, 1, "err_wb_sent"),
	[QDMA_SW_IRQ_REQ] = FIELD(1, 29, 1, "irq_req"),
	[QDMA_SW_MRKR_DIS] = FIELD(1, 30, 1, "mrkr_dis"),
	[QDMA_SW_IS_MM] = FIELD(1, 31, 1, "is_mm"),
	[QDMA_SW_BASE] = FIELD(2, 0, 64, "base"),
	[QDMA_SW_VEC] = FIELD(4, 0, 11, "vec"),
	[QDMA_SW_INT_AGGR] = FIELD(4, 11, 1, "int_aggr"),
	[QDMA_SW_DIS_INTR_ON_VF] = FIELD(4, 12, 1, "dis_intr_on_vf"),
	[QDMA_SW_VIRTIO_EN] = FIELD(4, 13, 1, "virtio_en"),
	[QDMA_SW_PACK_BYP_OUT] = FIELD(4, 14, 1, "pack_byp_out"),
	[QDMA_SW_IRQ_BYP] = FIELD(4, 15, 1, "irq_byp"),
	[QDMA_SW_HOST_ID] = FIELD(4, 16, 4, "host_id"),
	[QDMA_SW_PASID] = FIELD(4, 20, 22, "pasid"),
	[QDMA_SW_PASID_EN] = FIELD(5, 10, 1, "pasid_en"),
	[QDMA_SW_VIRTIO_BASE] = FIELD(5, 11, 64, "virtio_base"),
};

static const struct qdma_field eqdma_hw[QDMA_HW_FIELDS] = {
	[QDMA_HW_CIDX] = FIELD(0, 0, 16, "cidx"),
	[QDMA_HW_CRD_USE] = FIELD(0, 16, 16, "crd_use"),
	[QDMA_HW_DSC_PND] = FIELD(1, 8, 1, "dsc_pnd"),
	[QDMA_HW_IDL_STP_B] = FIELD(1, 9, 1, "idl_stp_b"),
	[QDMA_HW_EVT_PND] = FIELD(1, 10, 1, "evt_pnd"),
	[QDMA_HW_FETCH_PND] = FIELD(1, 11, 4, "fetch_pnd"),
};

static const struct qdma_field eqdma_credit[QDMA_CREDIT_FIELDS] = {
	[QDMA_CREDIT_CREDIT] = FIELD(0, 0, 16, "credit"),
};

static const struct qdma_field eqdma_cmpt[QDMA_CMPT_FIELDS] = {
	[QDMA_CMPT_EN_STAT] = FIELD(0, 0, 1, "en_stat"),
	[QDMA_CMPT_EN_INT] = FIELD(0, 1, 1, "en_int"),
	[QDMA_CMPT_TRIG_MODE] = FIELD(0, 2, 3, "trig_mode"),
	[QDMA_CMPT_FUNC] = FIELD(0, 5, 12, "func"),
	[QDMA_CMPT_CNT_IX] = FIELD(0, 17, 4, "cnt_ix"),
	[QDMA_CMPT_TIMER_IX] = FIELD(0, 21, 4, "timer_ix"),
	[QDMA_CMPT_INT_ST] = FIELD(0, 25, 2, "int_st"),
	[QDMA_CMPT_COLOR] = FIELD(0, 27, 1, "color"),
	[QDMA_CMPT_RING_IX] = FIELD(0, 28, 4, "ring_ix"),
	[QDMA_CMPT_BASE] = ADDR(1, 0, 58, 6, "base"),
	[QDMA_CMPT_DESC_SZ] = FIELD(2, 26, 2, "desc_sz"),
	[QDMA_CMPT_PIDX] = FIELD(2, 28, 16, "pidx"),
	[QDMA_CMPT_CIDX] = FIELD(3, 12, 16, "cidx"),
	[QDMA_CMPT_VALID] = FIELD(3, 28, 1, "valid"),
	[QDMA_CMPT_ERR] = FIELD(3, 29, 2, "err"),
	[QDMA_CMPT_USER_TRIG_PEND] = FIELD(3, 31, 1, "user_trig_pend"),
	[QDMA_CMPT_TIMER_RUNNING] = FIELD(4, 0, 1, "timer_running"),
	[QDMA_CMPT_FULL_UPD] = FIELD(4, 1, 1, "full_upd"),
	[QDMA_CMPT_OVF_CHK_DIS] = FIELD(4, 2, 1, "ovf_chk_dis"),
	[QDMA_CMPT_AT] = FIELD(4, 3, 1, "at"),
	[QDMA_CMPT_VEC] = FIELD(4, 4, 11, "vec"),
	[QDMA_CMPT_INT_AGGR] = FIELD(4, 15, 1, "int_aggr"),
	[QDMA_CMPT_DIS_INTR_ON_VF] = FIELD(4, 16, 1, "dis_intr_on_vf"),
	[QDMA_CMPT_VIO] = FIELD(4, 17, 1, "vio"),
	[QDMA_CMPT_DIR_C2H] = FIELD(4, 18, 1, "dir_c2h"),
	[QDMA_CMPT_HOST_ID] = FIELD(4, 19, 4, "host_id"),
	[QDMA_CMPT_PASID] = FIELD(4, 23, 22, "pasid"),
	[QDMA_CMPT_PASID_EN] = FIELD(5, 13, 1, "pasid_en"),
	[QDMA_CMPT_BASE_LOW] = FIELD(5, 14, 4, "base_low"),
	[QDMA_CMPT_VIO_EOP] = FIELD(5, 18, 1, "vio_eop"),
	[QDMA_CMPT_SH_CMPT] = FIELD(5, 19, 1, "sh_cmpt"),
	[QDMA_CMPT_PORT_ID] = FIELD(5, 20, 3, "port_id"),
};

static const struct qdma_field eqdma_pfch[QDMA_PFCH_FIELDS] = {
	[QDMA_PFCH_BYPASS] = FIELD(0, 0, 1, "bypass"),
	[QDMA_PFCH_BUF_IX] = FIELD(0, 1, 4, "buf_ix"),
	[QDMA_PFCH_PORT_ID] = FIELD(0, 5, 3, "port_id"),
	[QDMA_PFCH_VAR_DESC] = FIELD(0, 8, 1, "var_desc"),
	[QDMA_PFCH_VIRTIO] = FIELD(0, 9, 1, "virtio"),
	[QDMA_PFCH_NUM_PFCH] = FIELD(0, 10, 6, "num_pfch"),
	[QDMA_PFCH_NEED] = FIELD(0, 16, 6, "need"),
	[QDMA_PFCH_ERR] = FIELD(0, 26, 1, "err"),
	[QDMA_PFCH_EN] = FIELD(0, 27, 1, "en"),
	[QDMA_PFCH_ACTIVE] = FIELD(0, 28, 1, "active"),
	[QDMA_PFCH_SW_CRDT] = FIELD(0, 29, 16, "sw_crdt"),
	[QDMA_PFCH_VALID] = FIELD(1, 13, 1, "valid"),
};

static const struct qdma_field eqdma_intr[QDMA_INTR_FIELDS] = {
	[QDMA_INTR_VALID] = FIELD(0, 0, 1, "valid"),
	[QDMA_INTR_VEC] = FIELD(0, 1, 11, "vec"),
	[QDMA_INTR_INT_ST] = FIELD(0, 13, 1, "int_st"),
	[QDMA_INTR_COLOR] = FIELD(0, 14, 1, "color"),
	[QDMA_INTR_BASE] = ADDR(0, 15, 52, 12, "base"),
	[QDMA_INTR_PAGE_SIZE] = FIELD(2, 3, 3, "page_size"),
	[QDMA_INTR_PIDX] = FIELD(2, 6, 12, "pidx"),
	[QDMA_INTR_AT] = FIELD(2, 18, 1, "at"),
	[QDMA_INTR_HOST_ID] = FIELD(2, 19, 4, "host_id"),
	[QDMA_INTR_PASID] = FIELD(2, 23, 22, "pasid"),
	[QDMA_INTR_PASID_EN] = FIELD(3, 13, 1, "pasid_en"),
	[QDMA_INTR_FUNC] = FIELD(3, 18, 12, "func"),
};

static const struct qdma_field eqdma_fmap[QDMA_FMAP_FIELDS] = {
	[QDMA_FMAP_BASE] = FIELD(0, 0, 11, "base"),
	[QDMA_FMAP_COUNT] = FIELD(1, 0, 12, "count"),
};

/* CPM5 has twice as many queues */

static const struct qdma_field cpm5_fmap[QDMA_FMAP_FIELDS] = {
	[QDMA_FMAP_BASE] = FIELD(0, 0, 12, "base"),
	[QDMA_FMAP_COUNT] = FIELD(1, 0, 13, "count"),
};

/* Soft IP 3.x: 8-bit functions, no host ids, no PASIDs, 4 KiB aligned rings */

static const struct qdma_field qdma3_sw[QDMA_SW_FIELDS] = {
	[QDMA_SW_PIDX] = FIELD(0, 0, 16, "pidx"),
	[QDMA_SW_IRQ_ARM] = FIELD(0, 16, 1, "irq_arm"),
	[QDMA_SW_FUNC] = FIELD(0, 17, 8, "func"),
	[QDMA_SW_QEN] = FIELD(1, 0, 1, "qen"),
	[QDMA_SW_FCRD_EN] = FIELD(1, 1, 1, "fcrd_en"),
	[QDMA_SW_WBI_CHK] = FIELD(1, 2, 1, "wbi_chk"),
	[QDMA_SW_WBI_INTVL_EN] = FIELD(1, 3, 1, "wbi_intvl_en"),
	[QDMA_SW_AT] = FIELD(1, 4, 1, "at"),
	[QDMA_SW_FETCH_MAX] = FIELD(1, 5, 3, "fetch_max"),
	[QDMA_SW_RING_IX] = FIELD(1, 12, 4, "ring_ix"),
	[QDMA_SW_DESC_SZ] = FIELD(1, 16, 2, "desc_sz"),
	[QDMA_SW_BYPASS] = FIELD(1, 18, 1, "bypass"),
	[QDMA_SW_MM_CHN] = FIELD(1, 19, 1, "mm_chn"),
	[QDMA_SW_WBK_EN] = FIELD(1, 20, 1, "wbk_en"),
	[QDMA_SW_IRQ_EN] = FIELD(1, 21, 1, "irq_en"),
	[QDMA_SW_PORT_ID] = FIELD(1, 22, 3, "port_id"),
	[QDMA_SW_IRQ_NO_LAST] = FIELD(1, 25, 1, "irq_no_last"),
	[QDMA_SW_ERR] = FIELD(1, 26, 2, "err"),
	[QDMA_SW_ERR_WB_SENT] = FIELD(1, 28, 1, "err_wb_sent"),
	[QDMA_SW_IRQ_REQ] = FIELD(1, 29, 1, "irq_req"),
	[QDMA_SW_MRKR_DIS] = FIELD(1, 30, 1, "mrkr_dis"),
	[QDMA_SW_IS_MM] = FIELD(1, 31, 1, "is_mm"),
	[QDMA_SW_BASE] = FIELD(2, 0, 64, "base"),
	[QDMA_SW_VEC] = FIELD(4, 0, 11, "vec"),
	[QDMA_SW_INT_AGGR] = FIELD(4, 11, 1, "int_aggr"),
};

static const struct qdma_field qdma3_cmpt[QDMA_CMPT_FIELDS] = {
	[QDMA_CMPT_EN_STAT] = FIELD(0, 0, 1, "en_stat"),
	[QDMA_CMPT_EN_INT] = FIELD(0, 1, 1, "en_int"),
	[QDMA_CMPT_TRIG_MODE] = FIELD(0, 2, 3, "trig_mode"),
	[QDMA_CMPT_FUNC] = FIELD(0, 5, 8, "func"),
	[QDMA_CMPT_CNT_IX] = FIELD(0, 17, 4, "cnt_ix"),
	[QDMA_CMPT_TIMER_IX] = FIELD(0, 21, 4, "timer_ix"),
	[QDMA_CMPT_INT_ST] = FIELD(0, 25, 2, "int_st"),
	[QDMA_CMPT_COLOR] = FIELD(0, 27, 1, "color"),
	[QDMA_CMPT_RING_IX] = FIELD(0, 28, 4, "ring_ix"),
	[QDMA_CMPT_BASE] = ADDR(1, 6, 52, 12, "base"),
	[QDMA_CMPT_DESC_SZ] = FIELD(2, 26, 2, "desc_sz"),
	[QDMA_CMPT_PIDX] = FIELD(2, 28, 16, "pidx"),
	[QDMA_CMPT_CIDX] = FIELD(3, 12, 16, "cidx"),
	[QDMA_CMPT_VALID] = FIELD(3, 28, 1, "valid"),
	[QDMA_CMPT_ERR] = FIELD(3, 29, 2, "err"),
	[QDMA_CMPT_USER_TRIG_PEND] = FIELD(3, 31, 1, "user_trig_pend"),
	[QDMA_CMPT_TIMER_RUNNING] = FIELD(4, 0, 1, "timer_running"),
	[QDMA_CMPT_FULL_UPD] = FIELD(4, 1, 1, "full_upd"),
	[QDMA_CMPT_OVF_CHK_DIS] = FIELD(4, 2, 1, "ovf_chk_dis"),
	[QDMA_CMPT_AT] = FIELD(4, 3, 1, "at"),
	[QDMA_CMPT_VEC] = FIELD(4, 4, 11, "vec"),
	[QDMA_CMPT_INT_AGGR] = FIELD(4, 15, 1, "int_aggr"),
};

static const struct qdma_field qdma3_pfch[QDMA_PFCH_FIELDS] = {
	[QDMA_PFCH_BYPASS] = FIELD(0, 0, 1, "bypass"),
	[QDMA_PFCH_BUF_IX] = FIELD(0, 1, 4, "buf_ix"),
	[QDMA_PFCH_PORT_ID] = FIELD(0, 5, 3, "port_id"),
	[QDMA_PFCH_ERR] = FIELD(0, 26, 1, "err"),
	[QDMA_PFCH_EN] = FIELD(0, 27, 1, "en"),
	[QDMA_PFCH_ACTIVE] = FIELD(0, 28, 1, "active"),
	[QDMA_PFCH_SW_CRDT] = FIELD(0, 29, 16, "sw_crdt"),
	[QDMA_PFCH_VALID] = FIELD(1, 13, 1, "valid"),
};

static const struct qdma_field qdma3_intr[QDMA_INTR_FIELDS] = {
	[QDMA_INTR_VALID] = FIELD(0, 0, 1, "valid"),
	[QDMA_INTR_VEC] = FIELD(0, 1, 11, "vec"),
	[QDMA_INTR_INT_ST] = FIELD(0, 13, 1, "int_st"),
	[QDMA_INTR_COLOR] = FIELD(0, 14, 1, "color"),
	[QDMA_INTR_BASE] = ADDR(0, 15, 52, 12, "base"),
	[QDMA_INTR_PAGE_SIZE] = FIELD(2, 3, 3, "page_size"),
	[QDMA_INTR_PIDX] = FIELD(2, 6, 12, "pidx"),
	[QDMA_INTR_AT] = FIELD(2, 18, 1, "at"),
};

const struct qdma_ctxt_set qdma_ctxt_eqdma = {
	.type = {
		[QDMA_CTXT_SW] = { 8, QDMA_SW_FIELDS, eqdma_sw },
		[QDMA_CTXT_HW] = { 2, QDMA_HW_FIELDS, eqdma_hw },
		[QDMA_CTXT_CREDIT] = { 1, QDMA_CREDIT_FIELDS, eqdma_credit },
		[QDMA_CTXT_CMPT] = { 7, QDMA_CMPT_FIELDS, eqdma_cmpt },
		[QDMA_CTXT_PFCH] = { 2, QDMA_PFCH_FIELDS, eqdma_pfch },
		[QDMA_CTXT_INTR] = { 4, QDMA_INTR_FIELDS, eqdma_intr },
		[QDMA_CTXT_FMAP] = { 2, QDMA_FMAP_FIELDS, eqdma_fmap },
	},
};

const struct qdma_ctxt_set qdma_ctxt_cpm5 = {
	.type = {
		[QDMA_CTXT_SW] = { 8, QDMA_SW_FIELDS, eqdma_sw },
		[QDMA_CTXT_HW] = { 2, QDMA_HW_FIELDS, eqdma_hw },
		[QDMA_CTXT_CREDIT] = { 1, QDMA_CREDIT_FIELDS, eqdma_credit },
		[QDMA_CTXT_CMPT] = { 7, QDMA_CMPT_FIELDS, eqdma_cmpt },
		[QDMA_CTXT_PFCH] = { 2, QDMA_PFCH_FIELDS, eqdma_pfch },
		[QDMA_CTXT_INTR] = { 4, QDMA_INTR_FIELDS, eqdma_intr },
		[QDMA_CTXT_FMAP] = { 2, QDMA_FMAP_FIELDS, cpm5_fmap },
	},
};

const struct qdma_ctxt_set qdma_ctxt_qdma3 = {
	.type = {
		[QDMA_CTXT_SW] = { 5, QDMA_SW_FIELDS, qdma3_sw },
		[QDMA_CTXT_HW] = { 2, QDMA_HW_FIELDS, eqdma_hw },
		[QDMA_CTXT_CREDIT] = { 1, QDMA_CREDIT_FIELDS, eqdma_credit },
		[QDMA_CTXT_CMPT] = { 5, QDMA_CMPT_FIELDS, qdma3_cmpt },
		[QDMA_CTXT_PFCH] = { 2, QDMA_PFCH_FIELDS, qdma3_pfch },
		[QDMA_CTXT_INTR] = { 3, QDMA_INTR_FIELDS, qdma3_intr },
		[QDMA_CTXT_FMAP] = { 2, QDMA_FMAP_FIELDS, eqdma_fmap },
	},
};

/* Copy @width bits between @value and the bits of @words from @pos on. */
static void put_bits(u32 *words, unsigned int pos, unsigned int width, u64 value)
{
	while (width) {
		unsigned int bit = pos % WORD_BITS;
		unsigned int n = width < WORD_BITS - bit ? width : WORD_BITS - bit;
		u64 mask = (1ULL << n) - 1;

		words[pos / WORD_BITS] |= (u32)((value & mask) << bit);
		value >>= n;
		pos += n;
		width -= n;
	}
}

static u64 get_bits(const u32 *words, unsigned int pos, unsigned int width)
{
	unsigned int done = 0;
	u64 value = 0;

	while (done < width) {
		unsigned int bit = pos % WORD_BITS;
		unsigned int n = width - done < WORD_BITS - bit ? width - done : WORD_BITS - bit;
		u64 mask = (1ULL << n) - 1;

		value |= ((words[pos / WORD_BITS] >> bit) & mask) << done;
		pos += n;
		done += n;
	}
	return value;
}

static bool field_fits(const struct qdma_field *field, u64 value)
{
	u64 stored = value >> field->shift;

	if (stored << field->shift != value)
		return false;
	return field->width == 64 || !(stored >> field->width);
}

/**
 * qdma_ctxt_encode - values into context words
 * @layout: context of an IP revision
 * @values: one for each field of the context's enumeration
 * @words: QDMA_CTXT_MAX_WORDS of them; those beyond the context become 0
 *
 * A field that the revision does not have can only be 0.
 *
 * Context: any; pure.
 * Return: 0, or -ERANGE if a value does not fit its field.
 */
int qdma_ctxt_encode(const struct qdma_ctxt_layout *layout, const u64 *values,
		     u32 *words)
{
	unsigned int i;

	memset(words, 0, QDMA_CTXT_MAX_WORDS * sizeof(*words));
	for (i = 0; i < layout->nfields; i++) {
		const struct qdma_field *field = &layout->field[i];

		if (!field_fits(field, values[i]))
			return -ERANGE;
		put_bits(words, field->pos, field->width, values[i] >> field->shift);
	}
	return 0;
}

/**
 * qdma_ctxt_decode - context words into values
 * @layout: context of an IP revision
 * @words: as many as the context has
 * @values: filled, one for each field of the context's enumeration; 0 for
 *	those that the revision does not have
 *
 * Context: any; pure.
 */
void qdma_ctxt_decode(const struct qdma_ctxt_layout *layout, const u32 *words,
		      u64 *values)
{
	unsigned int i;

	for (i = 0; i < layout->nfields; i++) {
		const struct qdma_field *field = &layout->field[i];

		values[i] = get_bits(words, field->pos, field->width) << field->shift;
	}
}

/**
 * qdma_ctxt_put - words in which one field is set
 * @layout: context of an IP revision
 * @field: of the context's enumeration
 * @value: of the field; what does not fit is cut off
 * @words: QDMA_CTXT_MAX_WORDS of them; all else is 0
 *
 * Context: any; pure.
 */
void qdma_ctxt_put(const struct qdma_ctxt_layout *layout, unsigned int field, u64 value,
		   u32 *words)
{
	memset(words, 0, QDMA_CTXT_MAX_WORDS * sizeof(*words));
	put_bits(words, layout->field[field].pos, layout->field[field].width, value);
}

/**
 * qdma_ctxt_has - does this revision have a field?
 * @layout: context of an IP revision
 * @field: of the context's enumeration
 *
 * Context: any; pure.
 * Return: true if it has.
 */
bool qdma_ctxt_has(const struct qdma_ctxt_layout *layout, unsigned int field)
{
	return layout->field[field].width;
}
