/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to the registers: the only reads and writes of the config BAR are in
 * io.c. Indirect context commands go through one window that all functions of
 * a card share, hence the card's lock.
 */
#ifndef QDMA_IO_H
#define QDMA_IO_H

#include <linux/types.h>

#include "ctxt.h"

struct svff_qdma;

#define QDMA_ALL_ONES		0xffffffffU

/* What a context command is about. */
enum qdma_sel {
	QDMA_SEL_SW_C2H		= 0x0,
	QDMA_SEL_SW_H2C		= 0x1,
	QDMA_SEL_HW_C2H		= 0x2,
	QDMA_SEL_HW_H2C		= 0x3,
	QDMA_SEL_CREDIT_C2H	= 0x4,
	QDMA_SEL_CREDIT_H2C	= 0x5,
	QDMA_SEL_CMPT		= 0x6,
	QDMA_SEL_PFCH		= 0x7,
	QDMA_SEL_INTR		= 0x8,
	QDMA_SEL_FMAP		= 0xc,
};

enum qdma_ctxt_op {
	QDMA_CTXT_OP_CLR	= 0,
	QDMA_CTXT_OP_WR		= 1,
	QDMA_CTXT_OP_RD		= 2,
	QDMA_CTXT_OP_INV	= 3,
};

u32 qdma_read(struct svff_qdma *qd, u32 offset);
void qdma_write(struct svff_qdma *qd, u32 offset, u32 value);
u32 qdma_mbox_read(struct svff_qdma *qd, u32 offset);
void qdma_mbox_write(struct svff_qdma *qd, u32 offset, u32 value);
void qdma_doorbell(struct svff_qdma *qd, u32 offset, u32 value);
bool qdma_may_be_away(struct svff_qdma *qd);
bool qdma_alive(struct svff_qdma *qd);

int qdma_ctxt_clear(struct svff_qdma *qd, enum qdma_sel sel, u32 index);
int qdma_ctxt_inval(struct svff_qdma *qd, enum qdma_sel sel, u32 index);
int qdma_ctxt_write(struct svff_qdma *qd, enum qdma_sel sel, u32 index,
		    const u64 *values);
int qdma_ctxt_write_raw(struct svff_qdma *qd, enum qdma_sel sel, u32 index, const u32 *words);
int qdma_ctxt_write_field(struct svff_qdma *qd, enum qdma_sel sel, u32 index,
			  unsigned int field, u32 value);
int qdma_ctxt_read_raw(struct svff_qdma *qd, enum qdma_sel sel, u32 index, u32 *words);
int qdma_ctxt_read(struct svff_qdma *qd, enum qdma_sel sel, u32 index, u64 *values);
const struct qdma_ctxt_layout *qdma_ctxt_layout(const struct svff_qdma *qd,
						enum qdma_sel sel);

#endif /* QDMA_IO_H */
