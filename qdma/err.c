// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors of the card form a tree: leaves (descriptor engine, register access,
 * streams, memories, MM engines) log what happened and, if unmasked, set a bit
 * of the global status, which raises one interrupt. To be told of the next
 * one, software clears the leaf, then the global bit, and arms again.
 */
#include "priv.h"

#include <linux/bitfield.h>
#include <linux/pci.h>

#include "regs.h"

struct err_bit {
	u32 bit;
	const char *name;
};

/**
 * struct err_leaf - a leaf of the error tree
 * @name: for people
 * @status: write 1 to clear
 * @mask: what propagates
 * @enable: bits of it that exist
 * @global: bit of the global status
 * @st: there only if the card has streams
 * @bits: names of the bits that say most, the most telling first
 * @log: register that names a queue, or 0
 * @log_valid: bit of @log, 0 if it is always valid
 * @log_qid: field of @log
 */
struct err_leaf {
	const char *name;
	u32 status;
	u32 mask;
	u32 enable;
	u32 global;
	bool st;
	const struct err_bit *bits;
	u32 log;
	u32 log_valid;
	u32 log_qid;
};

static const struct err_bit dsc_bits[] = {
	{ BIT(21), "descriptor" }, { BIT(20), "DMA" }, { BIT(22), "request cancelled" },
	{ BIT(19), "cancelled by FLR" }, { BIT(8), "FLR" }, { BIT(9), "timeout" },
	{ BIT(2), "unsupported request or completer abort" }, { BIT(5), "address" },
	{ BIT(16), "poisoned data" }, { BIT(1), "poisoned" }, { BIT(4), "parameter" },
	{ BIT(3), "byte count" }, { BIT(6), "tag" }, { BIT(25), "port id" },
	{ BIT(23), "double bit ECC" }, { BIT(24), "single bit ECC" }, { }
};

static const struct err_bit trq_bits[] = {
	{ BIT(5), "queue out of range" }, { BIT(1), "register access by a VF" },
	{ BIT(4), "queue space unmapped" }, { BIT(0), "register unmapped" },
	{ BIT(7), "queue space timeout" }, { BIT(3), "register timeout" }, { }
};

static const struct err_bit c2h_bits[] = {
	{ BIT(13), "completion ring full" }, { BIT(14), "completion consumer index" },
	{ BIT(12), "completion to an invalid queue" }, { BIT(4), "descriptor response" },
	{ BIT(1), "length mismatch" }, { BIT(0), "empty bytes mismatch" },
	{ BIT(3), "queue mismatch" }, { BIT(9), "descriptor count" },
	{ BIT(7), "interrupt failed" }, { BIT(6), "payload parity" }, { }
};

static const struct err_bit fatal_bits[] = {
	{ BIT(3), "queue mismatch" }, { BIT(1), "length mismatch" },
	{ BIT(0), "empty bytes mismatch" }, { BIT(18), "payload parity" }, { }
};

static const struct err_bit h2c_bits[] = {
	{ BIT(0), "zero length descriptor" }, { BIT(2), "no DMA descriptor" },
	{ BIT(1), "marker request" }, { BIT(5), "parity" }, { }
};

static const struct err_bit no_bits[] = { { } };

/* The most telling leaf first: what it says is what is reported. */
static const struct err_leaf leaves[] = {
	{ "descriptor engine", QDMA_DSC_ERR_STS, QDMA_DSC_ERR_MSK, 0x01f9037e,
	  QDMA_GLBL_ERR_DSC, false, dsc_bits,
	  QDMA_DSC_ERR_LOG0, QDMA_DSC_ERR_LOG0_VALID, QDMA_DSC_ERR_LOG0_QID },
	{ "MM engine C2H", QDMA_C2H_MM_ERR_CODE, QDMA_C2H_MM_ERR_MSK, 0x70000003,
	  QDMA_GLBL_ERR_C2H_MM_0, false, no_bits,
	  QDMA_C2H_MM_ERR_INFO, QDMA_MM_ERR_INFO_VALID, QDMA_MM_ERR_INFO_QID },
	{ "MM engine H2C", QDMA_H2C_MM_ERR_CODE, QDMA_H2C_MM_ERR_MSK, 0x3041013e,
	  QDMA_GLBL_ERR_H2C_MM_0, false, no_bits,
	  QDMA_H2C_MM_ERR_INFO, QDMA_MM_ERR_INFO_VALID, QDMA_MM_ERR_INFO_QID },
	{ "register access", QDMA_TRQ_ERR_STS, QDMA_TRQ_ERR_MSK, 0x000000b3,
	  QDMA_GLBL_ERR_TRQ, false, trq_bits, 0, 0, 0 },
	{ "C2H stream", QDMA_C2H_ERR_STS, QDMA_C2H_ERR_MSK, 0x0003f6df,
	  QDMA_GLBL_ERR_C2H_ST, true, c2h_bits,
	  QDMA_C2H_FIRST_ERR_QID, 0, QDMA_FIRST_ERR_QID },
	{ "C2H stream (fatal)", QDMA_C2H_FATAL_STS, QDMA_C2H_FATAL_MSK, 0x001fdf1b,
	  QDMA_GLBL_ERR_C2H_ST, true, fatal_bits,
	  QDMA_C2H_FIRST_ERR_QID, 0, QDMA_FIRST_ERR_QID },
	{ "H2C stream", QDMA_H2C_ERR_STS, QDMA_H2C_ERR_MSK, 0x0000003f,
	  QDMA_GLBL_ERR_H2C_ST, true, h2c_bits,
	  QDMA_H2C_FIRST_ERR_QID, 0, QDMA_FIRST_ERR_QID },
	{ "memory, double bit", QDMA_RAM_DBE_STS, QDMA_RAM_DBE_MSK, ~0U,
	  QDMA_GLBL_ERR_RAM_DBE, false, no_bits, 0, 0, 0 },
	{ "memory, double bit", QDMA_RAM_DBE_STS_1, QDMA_RAM_DBE_MSK_1, ~0U,
	  QDMA_GLBL_ERR_RAM_DBE, false, no_bits, 0, 0, 0 },
	{ "memory, single bit", QDMA_RAM_SBE_STS, QDMA_RAM_SBE_MSK, ~0U,
	  QDMA_GLBL_ERR_RAM_SBE, false, no_bits, 0, 0, 0 },
	{ "memory, single bit", QDMA_RAM_SBE_STS_1, QDMA_RAM_SBE_MSK_1, ~0U,
	  QDMA_GLBL_ERR_RAM_SBE, false, no_bits, 0, 0, 0 },
};

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

static const char *bit_name(const struct err_leaf *leaf, u32 status)
{
	const struct err_bit *bit;

	for (bit = leaf->bits; bit->name; bit++)
		if (status & bit->bit)
			return bit->name;
	return leaf->name;
}

static u32 leaf_queue(struct svff_qdma *qd, const struct err_leaf *leaf)
{
	u32 log;

	if (!leaf->log)
		return SVFF_QDMA_NO_RANGE;
	log = qdma_read(qd, leaf->log);
	if (leaf->log_valid && !(log & leaf->log_valid))
		return SVFF_QDMA_NO_RANGE;
	return (log & leaf->log_qid) >> __ffs(leaf->log_qid);
}

static u32 queue_owner(struct svff_qdma *qd, u32 hw_qid)
{
	const struct qdma_range *range;

	guard(mutex)(&qd->card->range_lock);
	range = qdma_range_owner(&qd->card->ranges, hw_qid);
	return range ? range->func : SVFF_QDMA_NO_RANGE;
}

/* Who did it: the log says, or whoever owns the queue that the log names. */
static void find_culprit(struct svff_qdma *qd, const struct err_leaf *leaf,
			 struct svff_qdma_error *err)
{
	err->hw_qid = leaf_queue(qd, leaf);
	if (err->hw_qid != SVFF_QDMA_NO_RANGE)
		err->func = queue_owner(qd, err->hw_qid);
	if (leaf->status == QDMA_TRQ_ERR_STS)
		err->func = FIELD_GET(QDMA_TRQ_ERR_LOG_FUNC, qdma_read(qd, QDMA_TRQ_ERR_LOG));
}

static void handle_leaf(struct svff_qdma *qd, const struct err_leaf *leaf,
			struct svff_qdma_error *err)
{
	u32 status = qdma_read(qd, leaf->status);

	if (!status)
		return;
	if (!err->leaf) {
		err->leaf = status;
		err->leaf_name = bit_name(leaf, status);
		find_culprit(qd, leaf, err);
		dev_warn_ratelimited(&qd->pdev->dev,
				     "hardware error: %s: %s (status 0x%x, queue %d, function %d)\n",
				     leaf->name, err->leaf_name, status,
				     (int)err->hw_qid, (int)err->func);
	}
	qdma_write(qd, leaf->status, status);
}

/**
 * qdma_err_handle - decode, log, report and clear an error; arm again
 * @qd: PF
 *
 * Context: process (threaded interrupt).
 */
void qdma_err_handle(struct svff_qdma *qd)
{
	struct svff_qdma_error err = {
		.global = qdma_read(qd, QDMA_GLBL_ERR_STAT),
		.leaf_name = "unknown",
		.hw_qid = SVFF_QDMA_NO_RANGE,
		.func = SVFF_QDMA_NO_RANGE,
	};
	unsigned int i;

	if (err.global == QDMA_ALL_ONES && !qdma_alive(qd))
		return;
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaf_exists(qd, &leaves[i]) && err.global & leaf_global(qd, &leaves[i]))
			handle_leaf(qd, &leaves[i], &err);
	qdma_write(qd, QDMA_GLBL_ERR_STAT, err.global);
	if (err.global && qd->ops->hw_error)
		qd->ops->hw_error(qd, &err);
	qdma_write(qd, QDMA_GLBL_ERR_INT,
		   qdma_read(qd, QDMA_GLBL_ERR_INT) | QDMA_GLBL_ERR_INT_ARM);
}
