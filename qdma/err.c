// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors of the card form a tree: leaves (descriptor engine, register access,
 * streams, memories, MM engines) log what happened and, if unmasked, set a bit
 * of the global status, which raises one interrupt. To be told of the next
 * one, software clears the leaf, then the global bit, and arms again.
 *
 * A leaf's log tells where its first error since the last clear happened; what
 * came after it in the same leaf is taken to be the same culprit's.
 *
 * Who owns a queue can make errors as fast as it likes (a doorbell outside its
 * range is enough), so the interrupt is armed again only after a while.
 */
#include "priv.h"

#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/pci.h>
#include <linux/svff.h>

#include "regs.h"
#include "trace.h"

#define ERR_REARM_MS	10
#define ERR_REST	0xff	/* a bit that has no name */
#define H2C_ST_DBE_BIT	3
#define H2C_ST_SBE_BIT	4

/**
 * struct err_name - what a bit of a leaf means
 * @leaf: leaf
 * @bit: its bit, or ERR_REST
 * @name: as in sysfs
 */
struct err_name {
	u8 leaf;
	u8 bit;
	const char *name;
};

/* The last one of a leaf is for the bits that have no name. */
static const struct err_name names[] = {
	{ SVFF_ERR_DSC, 1, "dsc_poison" },
	{ SVFF_ERR_DSC, 2, "dsc_ur_ca" },
	{ SVFF_ERR_DSC, 3, "dsc_bcnt" },
	{ SVFF_ERR_DSC, 4, "dsc_param" },
	{ SVFF_ERR_DSC, 5, "dsc_addr" },
	{ SVFF_ERR_DSC, 6, "dsc_tag" },
	{ SVFF_ERR_DSC, 8, "dsc_flr" },
	{ SVFF_ERR_DSC, 9, "dsc_timeout" },
	{ SVFF_ERR_DSC, 16, "dsc_data_poison" },
	{ SVFF_ERR_DSC, 19, "dsc_flr_cancel" },
	{ SVFF_ERR_DSC, 20, "dsc_dma" },
	{ SVFF_ERR_DSC, 21, "dsc_dsc" },
	{ SVFF_ERR_DSC, 22, "dsc_rq_cancel" },
	{ SVFF_ERR_DSC, 23, "dsc_dbe" },
	{ SVFF_ERR_DSC, 24, "dsc_sbe" },
	{ SVFF_ERR_DSC, 25, "dsc_port_id" },
	{ SVFF_ERR_DSC, ERR_REST, "dsc_other" },
	{ SVFF_ERR_TRQ, 0, "trq_csr_unmapped" },
	{ SVFF_ERR_TRQ, 1, "trq_vf_access" },
	{ SVFF_ERR_TRQ, 3, "trq_csr_timeout" },
	{ SVFF_ERR_TRQ, 4, "trq_qspc_unmapped" },
	{ SVFF_ERR_TRQ, 5, "trq_qid_range" },
	{ SVFF_ERR_TRQ, 7, "trq_qspc_timeout" },
	{ SVFF_ERR_TRQ, ERR_REST, "trq_other" },
	{ SVFF_ERR_C2H_MM, 0, "c2h_mm_write_slave" },
	{ SVFF_ERR_C2H_MM, 1, "c2h_mm_read_slave" },
	{ SVFF_ERR_C2H_MM, 28, "c2h_mm_write_flr" },
	{ SVFF_ERR_C2H_MM, 29, "c2h_mm_write_ur" },
	{ SVFF_ERR_C2H_MM, 30, "c2h_mm_ram_dbe" },
	{ SVFF_ERR_C2H_MM, ERR_REST, "c2h_mm_other" },
	{ SVFF_ERR_H2C_MM, 1, "h2c_mm_hdr_poison" },
	{ SVFF_ERR_H2C_MM, 2, "h2c_mm_ur_ca" },
	{ SVFF_ERR_H2C_MM, 3, "h2c_mm_hdr_bcnt" },
	{ SVFF_ERR_H2C_MM, 4, "h2c_mm_hdr_param" },
	{ SVFF_ERR_H2C_MM, 5, "h2c_mm_hdr_addr" },
	{ SVFF_ERR_H2C_MM, 8, "h2c_mm_flr" },
	{ SVFF_ERR_H2C_MM, 16, "h2c_mm_data_poison" },
	{ SVFF_ERR_H2C_MM, 22, "h2c_mm_rq_disabled" },
	{ SVFF_ERR_H2C_MM, 28, "h2c_mm_write_decode" },
	{ SVFF_ERR_H2C_MM, 29, "h2c_mm_write_slave" },
	{ SVFF_ERR_H2C_MM, ERR_REST, "h2c_mm_other" },
	{ SVFF_ERR_C2H_ST, 0, "c2h_st_empty_bytes" },
	{ SVFF_ERR_C2H_ST, 1, "c2h_st_length" },
	{ SVFF_ERR_C2H_ST, 2, "c2h_st_shared_cmpt_desc" },
	{ SVFF_ERR_C2H_ST, 3, "c2h_st_qid" },
	{ SVFF_ERR_C2H_ST, 4, "c2h_st_desc_rsp" },
	{ SVFF_ERR_C2H_ST, 6, "c2h_st_payload_parity" },
	{ SVFF_ERR_C2H_ST, 7, "c2h_st_msi_failed" },
	{ SVFF_ERR_C2H_ST, 9, "c2h_st_desc_count" },
	{ SVFF_ERR_C2H_ST, 10, "c2h_st_port_id_ctxt" },
	{ SVFF_ERR_C2H_ST, 12, "c2h_st_cmpt_inv_queue" },
	{ SVFF_ERR_C2H_ST, 13, "c2h_st_cmpt_queue_full" },
	{ SVFF_ERR_C2H_ST, 14, "c2h_st_cmpt_cidx" },
	{ SVFF_ERR_C2H_ST, 15, "c2h_st_cmpt_parity" },
	{ SVFF_ERR_C2H_ST, 16, "c2h_st_avail_ring_desc" },
	{ SVFF_ERR_C2H_ST, 17, "c2h_st_hdr_dbe" },
	{ SVFF_ERR_C2H_ST, 18, "c2h_st_hdr_sbe" },
	{ SVFF_ERR_C2H_ST, 19, "c2h_st_hdr_parity" },
	{ SVFF_ERR_C2H_ST, 20, "c2h_st_cmpt_port_id" },
	{ SVFF_ERR_C2H_ST, ERR_REST, "c2h_st_other" },
	{ SVFF_ERR_C2H_FATAL, 0, "c2h_fatal_empty_bytes" },
	{ SVFF_ERR_C2H_FATAL, 1, "c2h_fatal_length" },
	{ SVFF_ERR_C2H_FATAL, 3, "c2h_fatal_qid" },
	{ SVFF_ERR_C2H_FATAL, 4, "c2h_fatal_timer_fifo0" },
	{ SVFF_ERR_C2H_FATAL, 5, "c2h_fatal_timer_fifo1" },
	{ SVFF_ERR_C2H_FATAL, 6, "c2h_fatal_timer_fifo2" },
	{ SVFF_ERR_C2H_FATAL, 7, "c2h_fatal_timer_fifo3" },
	{ SVFF_ERR_C2H_FATAL, 8, "c2h_fatal_pfch_list" },
	{ SVFF_ERR_C2H_FATAL, 9, "c2h_fatal_cmpt_ctxt" },
	{ SVFF_ERR_C2H_FATAL, 10, "c2h_fatal_pfch_ctxt" },
	{ SVFF_ERR_C2H_FATAL, 11, "c2h_fatal_desc_req" },
	{ SVFF_ERR_C2H_FATAL, 12, "c2h_fatal_intr_ctxt" },
	{ SVFF_ERR_C2H_FATAL, 14, "c2h_fatal_cmpt_coal" },
	{ SVFF_ERR_C2H_FATAL, 15, "c2h_fatal_cmpt_fifo" },
	{ SVFF_ERR_C2H_FATAL, 16, "c2h_fatal_qid_fifo" },
	{ SVFF_ERR_C2H_FATAL, 17, "c2h_fatal_payload_fifo" },
	{ SVFF_ERR_C2H_FATAL, 18, "c2h_fatal_payload_parity" },
	{ SVFF_ERR_C2H_FATAL, 19, "c2h_fatal_avail_ring_fifo" },
	{ SVFF_ERR_C2H_FATAL, 20, "c2h_fatal_hdr_ecc" },
	{ SVFF_ERR_C2H_FATAL, ERR_REST, "c2h_fatal_other" },
	{ SVFF_ERR_H2C_ST, 0, "h2c_st_zero_length" },
	{ SVFF_ERR_H2C_ST, 1, "h2c_st_marker" },
	{ SVFF_ERR_H2C_ST, 2, "h2c_st_no_dma_desc" },
	{ SVFF_ERR_H2C_ST, H2C_ST_DBE_BIT, "h2c_st_dbe" },
	{ SVFF_ERR_H2C_ST, H2C_ST_SBE_BIT, "h2c_st_sbe" },
	{ SVFF_ERR_H2C_ST, 5, "h2c_st_parity" },
	{ SVFF_ERR_H2C_ST, ERR_REST, "h2c_st_other" },
	{ SVFF_ERR_RAM_DBE, ERR_REST, "ram_dbe" },
	{ SVFF_ERR_RAM_DBE_1, ERR_REST, "ram_dbe_1" },
	{ SVFF_ERR_RAM_SBE, ERR_REST, "ram_sbe" },
	{ SVFF_ERR_RAM_SBE_1, ERR_REST, "ram_sbe_1" },
	{ SVFF_ERR_GLOBAL, 15, "bridge" },
	{ SVFF_ERR_GLOBAL, 17, "fabric" },
	{ SVFF_ERR_GLOBAL, ERR_REST, "ctxt_command" },
};

/**
 * struct err_leaf - a leaf of the error tree
 * @leaf: which one
 * @status: write 1 to clear
 * @mask: what propagates
 * @enable: bits of it that exist
 * @global: bit of the global status
 * @st: there only if the card has streams
 * @code: the status holds one code, valid if the log is, not bits
 * @log: register that names a queue, or 0
 * @log_valid: bit of @log, 0 if it is always valid
 * @log_qid: field of @log
 * @log_c2h: bit of @log, 0 if the leaf has but one direction
 * @dir: that direction
 */
struct err_leaf {
	enum svff_error_leaf leaf;
	u32 status;
	u32 mask;
	u32 enable;
	u32 global;
	bool st;
	bool code;
	u32 log;
	u32 log_valid;
	u32 log_qid;
	u32 log_c2h;
	enum svff_qdma_dir dir;
};

static const struct err_leaf leaves[] = {
	{
		.leaf = SVFF_ERR_DSC, .global = QDMA_GLBL_ERR_DSC,
		.status = QDMA_DSC_ERR_STS, .mask = QDMA_DSC_ERR_MSK, .enable = 0x01f9037e,
		.log = QDMA_DSC_ERR_LOG0, .log_valid = QDMA_DSC_ERR_LOG0_VALID,
		.log_qid = QDMA_DSC_ERR_LOG0_QID, .log_c2h = QDMA_DSC_ERR_LOG0_C2H,
	}, {
		.leaf = SVFF_ERR_C2H_MM, .global = QDMA_GLBL_ERR_C2H_MM_0, .code = true,
		.status = QDMA_C2H_MM_ERR_CODE, .mask = QDMA_C2H_MM_ERR_MSK,
		.enable = 0x70000003,
		.log = QDMA_C2H_MM_ERR_INFO, .log_valid = QDMA_MM_ERR_INFO_VALID,
		.log_qid = QDMA_MM_ERR_INFO_QID, .dir = SVFF_QDMA_C2H,
	}, {
		.leaf = SVFF_ERR_H2C_MM, .global = QDMA_GLBL_ERR_H2C_MM_0, .code = true,
		.status = QDMA_H2C_MM_ERR_CODE, .mask = QDMA_H2C_MM_ERR_MSK,
		.enable = 0x3041013e,
		.log = QDMA_H2C_MM_ERR_INFO, .log_valid = QDMA_MM_ERR_INFO_VALID,
		.log_qid = QDMA_MM_ERR_INFO_QID, .dir = SVFF_QDMA_H2C,
	}, {
		.leaf = SVFF_ERR_TRQ, .global = QDMA_GLBL_ERR_TRQ,
		.status = QDMA_TRQ_ERR_STS, .mask = QDMA_TRQ_ERR_MSK, .enable = 0x000000b3,
	}, {
		.leaf = SVFF_ERR_C2H_ST, .global = QDMA_GLBL_ERR_C2H_ST, .st = true,
		.status = QDMA_C2H_ERR_STS, .mask = QDMA_C2H_ERR_MSK, .enable = 0x0003f6df,
		.log = QDMA_C2H_FIRST_ERR_QID, .log_qid = QDMA_FIRST_ERR_QID,
		.dir = SVFF_QDMA_C2H,
	}, {
		.leaf = SVFF_ERR_C2H_FATAL, .global = QDMA_GLBL_ERR_C2H_ST, .st = true,
		.status = QDMA_C2H_FATAL_STS, .mask = QDMA_C2H_FATAL_MSK,
		.enable = 0x001fdf1b,
		.log = QDMA_C2H_FIRST_ERR_QID, .log_qid = QDMA_FIRST_ERR_QID,
		.dir = SVFF_QDMA_C2H,
	}, {
		.leaf = SVFF_ERR_H2C_ST, .global = QDMA_GLBL_ERR_H2C_ST, .st = true,
		.status = QDMA_H2C_ERR_STS, .mask = QDMA_H2C_ERR_MSK, .enable = 0x0000003f,
		.log = QDMA_H2C_FIRST_ERR_QID, .log_qid = QDMA_FIRST_ERR_QID,
		.dir = SVFF_QDMA_H2C,
	}, {
		.leaf = SVFF_ERR_RAM_DBE, .global = QDMA_GLBL_ERR_RAM_DBE,
		.status = QDMA_RAM_DBE_STS, .mask = QDMA_RAM_DBE_MSK, .enable = ~0U,
	}, {
		.leaf = SVFF_ERR_RAM_DBE_1, .global = QDMA_GLBL_ERR_RAM_DBE,
		.status = QDMA_RAM_DBE_STS_1, .mask = QDMA_RAM_DBE_MSK_1, .enable = ~0U,
	}, {
		.leaf = SVFF_ERR_RAM_SBE, .global = QDMA_GLBL_ERR_RAM_SBE,
		.status = QDMA_RAM_SBE_STS, .mask = QDMA_RAM_SBE_MSK, .enable = ~0U,
	}, {
		.leaf = SVFF_ERR_RAM_SBE_1, .global = QDMA_GLBL_ERR_RAM_SBE,
		.status = QDMA_RAM_SBE_STS_1, .mask = QDMA_RAM_SBE_MSK_1, .enable = ~0U,
	},
};

/**
 * svff_qdma_error_name - errors by number
 * @id: number, from 0
 *
 * Context: any.
 * Return: what &svff_qdma_error.id means; NULL if there is none.
 */
const char *svff_qdma_error_name(unsigned int id)
{
	return id < ARRAY_SIZE(names) ? names[id].name : NULL;
}
EXPORT_SYMBOL_NS_GPL(svff_qdma_error_name, SVFF_NS(SVFF_QDMA));

/* The stream engine's bit is the only one that moved between revisions. */
static u32 leaf_global(const struct svff_qdma *qd, const struct err_leaf *leaf)
{
	return leaf->global == QDMA_GLBL_ERR_H2C_ST ? qd->ip->err_h2c_st : leaf->global;
}

static bool leaf_exists(const struct svff_qdma *qd, const struct err_leaf *leaf)
{
	return !leaf->st || qd->caps.st;
}

/**
 * qdma_err_enable - unmask all errors
 * @qd: PF, under the lock of the cards
 *
 * Context: process.
 */
void qdma_err_enable(struct svff_qdma *qd)
{
	u32 global = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		if (!leaf_exists(qd, &leaves[i]))
			continue;
		qdma_write(qd, leaves[i].mask, leaves[i].enable);
		global |= leaf_global(qd, &leaves[i]);
	}
	qdma_write(qd, QDMA_GLBL_ERR_MASK, global);
}

/**
 * qdma_err_disable - mask all errors
 * @qd: PF, under the lock of the cards
 *
 * Context: process.
 */
void qdma_err_disable(struct svff_qdma *qd)
{
	unsigned int i;

	qdma_write(qd, QDMA_GLBL_ERR_INT, 0);
	qdma_write(qd, QDMA_GLBL_ERR_MASK, 0);
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaf_exists(qd, &leaves[i]))
			qdma_write(qd, leaves[i].mask, 0);
}

/**
 * qdma_err_arm - have the next error interrupt this function
 * @qd: PF
 * @vector: of its MSI-X table
 *
 * Context: any.
 */
void qdma_err_arm(struct svff_qdma *qd, int vector)
{
	qdma_write(qd, QDMA_GLBL_ERR_INT,
		   FIELD_PREP(QDMA_GLBL_ERR_INT_FUNC, qd->caps.func_id) |
		   FIELD_PREP(QDMA_GLBL_ERR_INT_VEC, vector) | QDMA_GLBL_ERR_INT_ARM);
}

static unsigned int error_id(const struct svff_qdma *qd, enum svff_error_leaf leaf, unsigned int bit)
{
	unsigned int id;

	if (leaf == SVFF_ERR_H2C_ST && qd->ip->h2c_st_sbe_first &&
	    (bit == H2C_ST_DBE_BIT || bit == H2C_ST_SBE_BIT))
		bit ^= H2C_ST_DBE_BIT ^ H2C_ST_SBE_BIT;
	for (id = 0; names[id].leaf != leaf || (names[id].bit != bit && names[id].bit != ERR_REST);)
		id++;
	return id;
}

static u32 queue_owner(struct svff_qdma *qd, u32 hw_qid)
{
	const struct qdma_range *range;

	guard(mutex)(&qd->card->range_lock);
	range = qdma_range_owner(&qd->card->ranges, hw_qid);
	return range ? range->func : SVFF_QDMA_NO_RANGE;
}

/* Who did it: the log says, or whoever owns the queue that the log names. */
static void find_culprit(struct svff_qdma *qd, const struct err_leaf *leaf, u32 log,
			 struct svff_qdma_error *err)
{
	err->hw_qid = SVFF_QDMA_NO_RANGE;
	err->func = SVFF_QDMA_NO_RANGE;
	if (leaf->leaf == SVFF_ERR_TRQ)
		err->func = FIELD_GET(QDMA_TRQ_ERR_LOG_FUNC, qdma_read(qd, QDMA_TRQ_ERR_LOG));
	if (!leaf->log || (leaf->log_valid && !(log & leaf->log_valid)))
		return;
	err->hw_qid = (log & leaf->log_qid) >> __ffs(leaf->log_qid);
	err->func = queue_owner(qd, err->hw_qid);
	err->dir = leaf->dir;
	if (log & leaf->log_c2h)
		err->dir = SVFF_QDMA_C2H;
}

static void report(struct svff_qdma *qd, struct svff_qdma_error *err, unsigned long bits)
{
	unsigned int bit;

	for_each_set_bit(bit, &bits, BITS_PER_TYPE(u32)) {
		err->bit = bit;
		err->id = error_id(qd, err->leaf, bit);
		trace_qdma_error(&qd->pdev->dev, names[err->id].name, err->status,
				 err->hw_qid, err->dir, err->func);
		if (qd->ops->hw_error)
			qd->ops->hw_error(qd, err);
	}
}

static u32 error_bits(const struct err_leaf *leaf, u32 status, u32 log)
{
	if (!leaf->code)
		return status;
	return log & leaf->log_valid ? BIT(FIELD_GET(QDMA_MM_ERR_CODE_CODE, status)) : 0;
}

static void handle_leaf(struct svff_qdma *qd, const struct err_leaf *leaf)
{
	struct svff_qdma_error err = {
		.leaf = leaf->leaf,
		.status = qdma_read(qd, leaf->status),
	};
	u32 log = leaf->log ? qdma_read(qd, leaf->log) : 0;
	u32 bits = error_bits(leaf, err.status, log);

	if (!bits)
		return;
	find_culprit(qd, leaf, log, &err);
	report(qd, &err, bits);
	qdma_write(qd, leaf->status, err.status);
}

/* Bits that no leaf explains */
static void handle_global(struct svff_qdma *qd, u32 global)
{
	struct svff_qdma_error err = {
		.leaf = SVFF_ERR_GLOBAL, .status = global,
		.hw_qid = SVFF_QDMA_NO_RANGE, .func = SVFF_QDMA_NO_RANGE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		global &= ~leaf_global(qd, &leaves[i]);
	report(qd, &err, global & QDMA_GLBL_ERR_ALL);
}

/**
 * qdma_err_handle - decode, report and clear errors; arm again in a while
 * @qd: PF
 *
 * Context: process (threaded interrupt).
 */
void qdma_err_handle(struct svff_qdma *qd)
{
	unsigned int i;
	u32 global;

	/* Not armed, the card has none: whoever sent it costs no more than this. */
	if (delayed_work_pending(&qd->err_arm)) {
		qd->err_idle++;
		return;
	}
	global = qdma_read(qd, QDMA_GLBL_ERR_STAT);
	if (global == QDMA_ALL_ONES && !qdma_alive(qd))
		return;
	qd->err_idle += !global;
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaf_exists(qd, &leaves[i]) && global & leaf_global(qd, &leaves[i]))
			handle_leaf(qd, &leaves[i]);
	handle_global(qd, global);
	qdma_write(qd, QDMA_GLBL_ERR_STAT, global);
	queue_delayed_work(qdma_wq, &qd->err_arm, msecs_to_jiffies(ERR_REARM_MS));
}

static void arm_work(struct work_struct *work)
{
	struct svff_qdma *qd = container_of(work, struct svff_qdma, err_arm.work);

	qdma_write(qd, QDMA_GLBL_ERR_INT,
		   qdma_read(qd, QDMA_GLBL_ERR_INT) | QDMA_GLBL_ERR_INT_ARM);
}

/**
 * qdma_err_setup - before the first error
 * @qd: function
 *
 * Context: any.
 */
void qdma_err_setup(struct svff_qdma *qd)
{
	INIT_DELAYED_WORK(&qd->err_arm, arm_work);
}

/**
 * qdma_err_disarm - no more error interrupts of this function
 * @qd: PF; its error vector is free
 *
 * Context: process.
 */
void qdma_err_disarm(struct svff_qdma *qd)
{
	cancel_delayed_work_sync(&qd->err_arm);
}
