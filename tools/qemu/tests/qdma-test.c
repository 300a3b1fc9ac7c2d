// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests of the emulated QDMA card over qtest, KTAP output
 */
#define _GNU_SOURCE
#include "card.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int tests, failures;

static void test_csr(void)
{
	wr(0x204, 0x12345678);
	expect_eq(rd(0x204), 0x5678);
	wr(0x120, 0);
	expect_eq(rd(0x120), ip->queues_cap);
	expect_eq(rd(0x264), 0);
	wr(0x9fc, 1);				/* unmapped */
	expect_eq(rd(0x264), 1);
	expect_eq(rd(0x26c) & 0x1ffff, 0x9fc);
	expect_eq(rd(0x248), 1 << 3);
	wr(0x264, 1);
	expect_eq(rd(0x264), 0);
	wr(0x248, 1 << 3);
	expect_eq(rd(0x248), 0);
	expect_eq(rd(0x9fc), 0);
	wr(0x100c, 1);
	expect_eq(rd(0x1004), 0);
	expect_eq(rd(0x1040), 0);
	wr(0x1008, 1);
	expect_eq(rd(0x1004), 1);
	expect_eq(rd(0x1040), 1);
	expect_eq(rd(0x1204), 1);
}

static void test_context_masks(void)
{
	uint32_t w[8] = { 0, 0x80000001, 0x11111000, 0x2222, 0x3333 };

	ctxt_write(SW_H2C, 100, w, 8);
	wr(0x804 + 8, 0xffffffff);
	for (int i = 0; i < 8; i++)
		wr(0x824 + 4 * i, 0);
	wr(0x824 + 8, 0x0000f000);
	ctxt(WR, SW_H2C, 100);
	expect_eq(ctxt_word(SW_H2C, 100, 2), 0x1111f000);
	expect_eq(ctxt_word(SW_H2C, 100, 3), 0x2222);
	ctxt(INV, SW_H2C, 100);
	expect_eq(ctxt_word(SW_H2C, 100, 1), 0x80000000);
	expect_eq(ctxt_word(SW_H2C, 100, 3), 0x2222);
	expect_eq(ctxt_word(SW_C2H, 100, 3), 0);
}

static void test_context_busy(void)
{
	uint32_t w[2] = { 7, 9 };

	expect(qt_set(qt, "inject-ctxt-busy", "true"));
	ctxt_write(FMAP, 9, w, 2);
	expect_eq(rd(0x844) & 1, 1);
	ctxt(CLR, FMAP, 0);			/* ignored while busy */
	expect(qt_set(qt, "inject-ctxt-busy", "false"));
	expect_eq(rd(0x844) & 1, 0);
	expect_eq(ctxt_word(FMAP, 9, 1), 9);
	expect_eq(ctxt_word(FMAP, 0, 1), 8);
	expect(qt_set(qt, "inject-ctxt-busy-in", "2"));
	w[1] = 10;
	ctxt_write(FMAP, 9, w, 2);
	expect_eq(rd(0x844) & 1, 0);
	w[1] = 11;
	ctxt_write(FMAP, 9, w, 2);
	expect_eq(rd(0x844) & 1, 1);
	expect(qt_set(qt, "inject-ctxt-busy", "false"));
	expect_eq(ctxt_word(FMAP, 9, 1), 11);
}

static void test_fmap(void)
{
	expect(qt_set(qt, "counters-reset", "true"));
	fmap(1, 32, 2);
	mm_queue(false, 33, 1, 0, 0, 0);
	vwr(1, VF_DB + 16 * 1 + DB_H2C, 0);
	expect_eq(rd(0x264), 0);
	vwr(1, VF_DB + 16 * 2 + DB_H2C, 1);
	expect_eq(rd(0x264), 1 << 5);
	expect_eq(counter(1, "guest-errors"), 1);
	expect_eq(rd(0x26c) >> 17 & 0x3ff, 1);
	expect_eq(rd(0x26c) & 0x1ffff, VF_DB + 16 * 2 + DB_H2C);
	wr(0x264, ~0u);
	vwr(2, VF_DB + DB_H2C, 1);		/* no map at all */
	expect_eq(rd(0x264), 1 << 5);
	expect_eq(ctxt_word(SW_H2C, 33, 0) & 0xffff, 0);
}

static void test_mm_transfer(void)
{
	static uint8_t out[20001], in[20001];

	fill_pattern(out, sizeof(out), 3);
	qt_write(qt, DATA + 5, out, sizeof(out));
	mm_queue(false, 2, 0, 0, WBI_CHK, 0);
	mm_queue(true, 2, 0, 1, WBI_CHK, 0);
	desc(0, 0, DATA + 5, 0x10003, 12345);
	desc(0, 1, DATA + 5 + 12345, 0x10003 + 12345, sizeof(out) - 12345);
	qt_fill(qt, RING(0) + 32 * 16 + 8, 0xee, 8);
	wr(PF_DB + 16 * 2 + DB_H2C, 2);
	expect_eq(status_cidx(0, 16), 0);		/* not at once */
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 2);
	expect_eq(status_err(0, 16), 0);
	expect_eq(qt_read32(qt, RING(0) + 32 * 16 + 4), 2);
	expect_eq(qt_read32(qt, RING(0) + 32 * 16 + 8), 0xeeeeeeee);	/* 8 bytes, no more */
	expect_eq(ctxt_word(HW_H2C, 2, 0), 2);

	desc(1, 0, 0x10003, BACK + 1, sizeof(out));
	wr(PF_DB + 16 * 2 + DB_C2H, 1);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(1, 16), 1);
	qt_read(qt, BACK + 1, in, sizeof(in));
	expect(!memcmp(in, out, sizeof(in)));
	qt_read(qt, PF_BYPASS + 0x10003, in, sizeof(in));
	expect(!memcmp(in, out, sizeof(in)));
	qt_read(qt, VF_BYPASS(2) + 0x10003, in, sizeof(in));
	expect(!memcmp(in, out, sizeof(in)));
	expect_eq(rd(0x1248), 2);
	expect_eq(rd(0x1048), 1);
}

/* Twice round a ring of 16, one status entry per interval of 4 and at the end */
static void test_mm_wrap(void)
{
	mm_queue(false, 0, 0, 0, WBI_CHK | WBI_INTVL, 0);
	for (int i = 0; i < 16; i++)
		desc(0, i, DATA + i * 8, i * 8, 8);
	for (int i = 0; i < 5; i++) {
		qt_write32(qt, DATA, 0x1000 + i);
		wr(PF_DB + DB_H2C, (i + 1) * 7 % 16);
		qt_step(qt, STEP_NS);
		expect_eq(status_cidx(0, 16), (i + 1) * 7 % 16);
	}
	expect_eq(rd(0x1248), 35);
	expect_eq(rd(0x254), 0);
}

/* Interval events alone: every 4 descriptors, counted on over doorbells */
static void test_mm_interval(void)
{
	mm_queue(false, 0, 0, 0, WBI_INTVL, 0);
	for (int i = 0; i < 16; i++)
		desc(0, i, DATA, 0, 8);
	wr(PF_DB + DB_H2C, 10);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 8);
	wr(PF_DB + DB_H2C, 12);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 12);
	mm_queue(false, 1, 0, 1, 0, 0);			/* no events at all */
	for (int i = 0; i < 8; i++)
		desc(1, i, DATA, 0, 8);
	wr(PF_DB + 16 + DB_H2C, 8);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(1, 16), 0);
	expect_eq(ctxt_word(HW_H2C, 1, 0), 8);
}

static void test_mm_stopped_channel(void)
{
	mm_queue(false, 0, 0, 0, WBI_CHK, 0);
	desc(0, 0, DATA, 0, 64);
	wr(0x1204, 0);
	wr(PF_DB + DB_H2C, 1);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 0);
	wr(0x1204, 1);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 1);
}

/* INV ends all DMA of a queue, also of what is in flight. */
static void test_inv_stops(void)
{
	mm_queue(true, 0, 0, 0, WBI_CHK, 0);
	qt_fill(qt, BACK, 0xee, 4096);
	desc(0, 0, 0, BACK, 4096);
	wr(PF_DB + DB_C2H, 1);
	qt_step(qt, 1000);				/* fetched, not due */
	expect_eq(ctxt_word(HW_C2H, 0, 1) >> 11 & 0xf, 1);
	ctxt(INV, SW_C2H, 0);
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	expect_eq(status_cidx(0, 16), 0);
	expect_eq(ctxt_word(HW_C2H, 0, 1) >> 9 & 1, 0);
	wr(PF_DB + DB_C2H, 2);
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
}

/* A queue that is disabled by a write ends what it has fetched, and rests. */
static void test_disable_drains(void)
{
	uint32_t sw[8];

	mm_queue(true, 0, 0, 0, WBI_CHK, 0);
	qt_fill(qt, BACK, 0xee, 8192);
	desc(0, 0, 0, BACK, 4096);
	wr(PF_DB + DB_C2H, 1);
	qt_step(qt, 1000);				/* fetched, not due */
	ctxt_read(SW_C2H, 0, sw);
	sw[1] &= ~1u;
	ctxt_write(SW_C2H, 0, sw, 8);
	expect_eq(ctxt_word(HW_C2H, 0, 0), 0);
	expect_eq(ctxt_word(HW_C2H, 0, 1) >> 9 & 0x3d, 1 | 1 << 2);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	qt_step(qt, STEP_NS);
	expect(qt_read32(qt, BACK) != 0xeeeeeeee);
	expect_eq(status_cidx(0, 16), 1);
	expect_eq(ctxt_word(HW_C2H, 0, 1) >> 8 & 0x7f, 0);
	/* Nothing new is fetched, and it goes on where it was. */
	desc(0, 1, 0, BACK + 4096, 4096);
	sw[0] = (sw[0] & ~0xffffu) | 2;
	ctxt_write(SW_C2H, 0, sw, 8);
	qt_step(qt, STEP_NS);
	expect_eq(ctxt_word(HW_C2H, 0, 1) >> 8 & 0x7f, 1);
	expect_eq(qt_read32(qt, BACK + 4096), 0xeeeeeeee);
	sw[1] |= 1;
	ctxt_write(SW_C2H, 0, sw, 8);
	qt_step(qt, STEP_NS);
	expect(qt_read32(qt, BACK + 4096) != 0xeeeeeeee);
	expect_eq(status_cidx(0, 16), 2);
	expect(qt_set(qt, "inject-never-idle", "0"));
	sw[1] &= ~1u;
	ctxt_write(SW_C2H, 0, sw, 8);
	expect_eq(ctxt_word(HW_C2H, 0, 1) >> 9 & 1, 1);
	expect(qt_set(qt, "inject-never-idle", "-1"));
	expect_eq(ctxt_word(HW_C2H, 0, 1) >> 9 & 1, 0);
}

static void one_desc(int pidx, uint32_t arm)
{
	desc(0, pidx - 1, DATA, 0, 8);
	wr(PF_DB + DB_H2C, pidx | arm);
	qt_step(qt, STEP_NS);
}

static void test_direct_interrupt(void)
{
	mm_queue(false, 0, 0, 0, WBI_CHK | IRQ_EN, 5);
	one_desc(1, ARM);
	expect(msi(0, 5));
	one_desc(2, 0);					/* not armed */
	expect(!msi(0, 5));
	expect_eq(status_cidx(0, 16), 2);
	expect_eq(ctxt_word(SW_H2C, 0, 1) >> 25 & 1, 1);	/* IRQ_NO_LAST */
	wr(PF_DB + DB_H2C, 2 | ARM);			/* fires at once */
	expect(msi(0, 5));
	qt_write32(qt, RING(0) + 32 * 16, 0);
	wr(PF_DB + DB_H2C, 2 | ARM);			/* arms, replays nothing */
	qt_step(qt, STEP_NS);
	expect(!msi(0, 5));
	expect_eq(status_cidx(0, 16), 0);
	expect_eq(ctxt_word(SW_H2C, 0, 0) >> 16 & 1, 1);
	one_desc(3, 0);					/* still armed */
	expect(msi(0, 5));
	expect_eq(rd(0x1248), 3);
}

/*
 * Not armed, an idle ring's event waits for the arm bit until new work makes
 * another event certain; an event on the way is not told later.
 */
static void test_events_not_armed(void)
{
	mm_queue(false, 0, 0, 0, WBI_CHK | IRQ_EN, 5);
	one_desc(1, 0);
	expect(msi(0, 5));				/* armed by the context */
	one_desc(2, 0);
	expect_eq(ctxt_word(SW_H2C, 0, 1) >> 25 & 1, 1);
	desc(0, 2, DATA, 0, 8);
	wr(PF_DB + DB_H2C, 3 | ARM);			/* new work */
	expect(!msi(0, 5));
	expect_eq(ctxt_word(SW_H2C, 0, 1) >> 25 & 1, 0);
	qt_step(qt, STEP_NS);
	expect(msi(0, 5));

	mm_queue(false, 1, 0, 1, WBI_INTVL | IRQ_EN, 6);
	for (int i = 0; i < 10; i++)
		desc(1, i, DATA, 0, 8);
	wr(PF_DB + 16 + DB_H2C, 4);
	qt_step(qt, STEP_NS);
	expect(msi(0, 6));
	wr(PF_DB + 16 + DB_H2C, 10);			/* an event at 8 */
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(1, 16), 8);
	expect(!msi(0, 6));
	wr(PF_DB + 16 + DB_H2C, 10 | ARM);
	qt_step(qt, STEP_NS);
	expect(!msi(0, 6));
}

static void test_aggregated_interrupt(void)
{
	uint64_t e;

	fmap(0, 40, 8);
	intr_ring(3, 0, 4);
	mm_queue(false, 40, 0, 0, WBI_CHK | IRQ_EN, AGGR | 3);
	mm_queue(true, 41, 0, 1, WBI_CHK | IRQ_EN, AGGR | 3);
	one_desc(1, ARM);
	expect(msi(0, 4));
	e = intr_entry(3, 0);
	expect_eq(e & 0xffff, 1);			/* PIDX */
	expect_eq(e >> 16 & 0xffff, 1);			/* CIDX */
	expect_eq(e >> 38 & 1, 0);			/* H2C */
	expect_eq(e >> 39 & 0xffffff, 40);		/* absolute queue */
	expect_eq(e >> 63, 1);				/* colour */
	desc(1, 0, 0, BACK, 8);
	wr(PF_DB + 16 + DB_C2H, 1 | ARM);
	qt_step(qt, STEP_NS);
	e = intr_entry(3, 1);
	expect_eq(e >> 38, 1ull << 25 | 41 << 1 | 1);
	expect(!msi(0, 4));				/* one outstanding */
	wr(PF_DB + DB_INTR, 3 << 16 | 1);		/* one entry left */
	expect(msi(0, 4));
	wr(PF_DB + DB_INTR, 3 << 16 | 2);
	expect(!msi(0, 4));
	expect_eq(ctxt_word(INTR, 3, 0) >> 13 & 1, 0);
	one_desc(2, ARM);
	expect(msi(0, 4));
}

/* 600 entries through a ring of 512: colour flips, a full ring waits */
static void test_interrupt_ring_full(void)
{
	int sent = 0;

	intr_ring(0, 0, 2);
	mm_queue(false, 0, 0, 0, WBI_CHK | IRQ_EN, AGGR | 0);
	for (int i = 0; i < 16; i++)
		desc(0, i, DATA, 0, 8);
	for (; sent < 511; sent++) {
		wr(PF_DB + DB_H2C, ((sent + 1) % 16) | ARM);
		qt_step(qt, STEP_NS);
	}
	expect_eq(ctxt_word(INTR, 0, 2) >> 6 & 0xfff, 511);
	expect_eq(intr_entry(0, 510) >> 63, 1);
	wr(PF_DB + DB_H2C, ((sent + 1) % 16) | ARM);	/* full: waits */
	qt_step(qt, STEP_NS);
	expect_eq(intr_entry(0, 511), 0);
	wr(PF_DB + DB_INTR, 100);
	expect_eq(intr_entry(0, 511) >> 63, 1);
	wr(PF_DB + DB_H2C, ((sent + 2) % 16) | ARM);
	qt_step(qt, STEP_NS);
	expect_eq(intr_entry(0, 0) >> 63, 0);		/* next round */
	expect_eq(ctxt_word(INTR, 0, 0) >> 14 & 1, 0);
}

static void test_vf_transfer(void)
{
	uint8_t out[512], in[512];

	fill_pattern(out, sizeof(out), 99);
	qt_write(qt, DATA, out, sizeof(out));
	fmap(2, 100, 4);
	mm_queue(false, 103, 2, 0, WBI_CHK | IRQ_EN, 6);
	desc(0, 0, DATA, 0x8000, sizeof(out));
	expect(qt_set(qt, "counters-reset", "true"));
	vwr(2, VF_DB + 16 * 3 + DB_H2C, 1 | ARM);
	qt_step(qt, STEP_NS);
	expect(msi(2, 6));
	expect(!msi(0, 6));
	expect_eq(status_cidx(0, 16), 1);
	qt_read(qt, PF_BYPASS + 0x8000, in, sizeof(in));
	expect(!memcmp(in, out, sizeof(in)));
	expect(counter(2, "dma-read-bytes") == 32 + sizeof(out));
	expect_eq(counter(2, "dma-reads"), 2);
	expect_eq(counter(2, "dma-writes"), 1);
	expect_eq(counter(2, "dma-write-bytes"), 8);
	expect_eq(counter(2, "interrupts"), 1);
	expect_eq(counter(2, "mmio-writes"), 1);
	expect_eq(counter(2, "mmio-reads"), 0);
	expect_eq(counter(2, "guest-errors"), 0);
	expect(counter(0, "dma-reads") == 0);
}

static void test_mailbox(void)
{
	expect(qt_set(qt, "counters-reset", "true"));
	wr(PF_MBOX + 0x8, 1);
	wr(PF_MBOX + 0x10, 1);
	vwr(3, VF_MBOX + 0x8, 2);
	vwr(3, VF_MBOX + 0x10, 1);
	for (int i = 0; i < 32; i++)
		vwr(3, VF_MBOX + 0xc00 + 4 * i, 0x300 + i);
	vwr(3, VF_MBOX + 0x4, 1);
	expect_eq(vrd(3, VF_MBOX), 2);
	vwr(3, VF_MBOX + 0xc00, 0xbad);			/* ignored: not taken */
	expect(msi(0, 1));
	vwr(1, VF_MBOX + 0xc00, 0x100);
	vwr(1, VF_MBOX + 0x4, 1);

	expect_eq(rd(PF_MBOX), 3 << 4 | 1);
	wr(PF_MBOX + 0xc, 3);
	expect_eq(rd(PF_MBOX + 0x800), 0x300);
	expect_eq(rd(PF_MBOX + 0x87c), 0x31f);
	msi(0, 1);
	wr(PF_MBOX + 0x4, 2);
	expect(msi(0, 1));				/* VF 1 still waits */
	expect_eq(vrd(3, VF_MBOX), 0);
	expect_eq(rd(PF_MBOX), 1 << 4 | 1);
	wr(PF_MBOX + 0xc, 1);
	expect_eq(rd(PF_MBOX + 0x800), 0x100);
	wr(PF_MBOX + 0x4, 2);
	expect_eq(rd(PF_MBOX), 0);

	wr(PF_MBOX + 0xc, 3);
	wr(PF_MBOX + 0xc00, 0x8181);
	wr(PF_MBOX + 0x4, 1);
	expect_eq(rd(PF_MBOX), 2);
	expect(msi(3, 2));
	expect_eq(vrd(3, VF_MBOX), 1);
	expect_eq(vrd(3, VF_MBOX + 0x800), 0x8181);
	vwr(3, VF_MBOX + 0x4, 2);
	expect_eq(vrd(3, VF_MBOX), 0);
	expect_eq(counter(3, "mbox-sent"), 1);
	expect_eq(counter(3, "mbox-received"), 1);
	expect_eq(counter(0, "mbox-sent"), 1);
	expect_eq(counter(0, "mbox-received"), 2);
	expect_eq(rd(PF_MBOX), 4);
	expect_eq(rd(PF_MBOX + 0x20), 1 << 3);
	wr(PF_MBOX + 0x20, 1 << 3);
	expect_eq(rd(PF_MBOX), 0);
	wr(PF_MBOX + 0xc, 200);				/* no such function */
	wr(PF_MBOX + 0x4, 3);
	expect_eq(rd(PF_MBOX), 0);
}

/* Enabling the interrupt with a message waiting interrupts. */
static void test_mailbox_enable(void)
{
	vwr(1, VF_MBOX + 0xc00, 1);
	vwr(1, VF_MBOX + 0x4, 1);
	expect(!msi(0, 0));
	wr(PF_MBOX + 0x10, 1);
	expect(msi(0, 0));
}

static void test_vf_flr(void)
{
	int exp = qt_find_cap(qt, 1, 0x10);

	fmap(1, 64, 4);
	fmap(2, 68, 4);
	intr_ring(1, 1, 2);
	mm_queue(true, 65, 1, 0, WBI_CHK, 0);
	mm_queue(true, 69, 2, 1, WBI_CHK, 0);
	qt_fill(qt, BACK, 0xee, 8192);
	desc(0, 0, 0, BACK, 4096);
	desc(1, 0, 0, BACK + 4096, 4096);
	vwr(1, VF_MBOX + 0xc00, 1);
	vwr(1, VF_MBOX + 0x4, 1);
	vwr(1, VF_DB + 16 + DB_C2H, 1);
	vwr(2, VF_DB + 16 + DB_C2H, 1);
	qt_step(qt, 1000);
	qt_cfg_write16(qt, 1, exp + 8, 0x8000);
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	expect(qt_read32(qt, BACK + 4096) != 0xeeeeeeee);
	expect_eq(status_cidx(1, 16), 1);
	expect_eq(ctxt_word(SW_C2H, 65, 1) & 1, 0);
	expect_eq(ctxt_word(SW_C2H, 69, 1) & 1, 1);
	expect_eq(ctxt_word(FMAP, 1, 1), 0);
	expect_eq(ctxt_word(FMAP, 2, 1), 4);
	expect_eq(ctxt_word(INTR, 1, 0) & 1, !ip->intr_function);
	expect_eq(rd(PF_MBOX), 0);
	expect_eq(rd(0x204), 17);
	expect_eq(qt_cfg_read32(qt, 1, 0x04) & 0x6, 0);
	expect_eq(rd(0x254), 0);
}

/* A VF's queue in flight, which its FMAP entry names no more */
static void stray_queue(void)
{
	fmap(1, 64, 4);
	mm_queue(true, 65, 1, 0, WBI_CHK, 0);
	qt_write32(qt, PF_BYPASS, 0x600d600d);
	qt_fill(qt, BACK, 0xee, 64);
	desc(0, 0, 0, BACK, 64);
	vwr(1, VF_DB + 16 + DB_C2H, 1);
	qt_step(qt, 1000);				/* fetched, not due */
	fmap(1, 0, 0);
}

/* A reset goes by the FMAP: what is not in it lives on, while the function is there. */
static void test_flr_fmap(void)
{
	stray_queue();
	qt_cfg_write16(qt, 1, qt_find_cap(qt, 1, 0x10) + 8, 0x8000);
	expect_eq(ctxt_word(SW_C2H, 65, 1) & 1, 1);
	qt_cfg_write16(qt, 1, 0x04, 0x6);
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0x600d600d);
	expect_eq(status_cidx(0, 16), 1);
	stray_queue();
	enable_vfs(0);
	expect_eq(ctxt_word(SW_C2H, 65, 1) & 1, 1);
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	expect_eq(ctxt_word(SW_C2H, 65, 1) & 1, 0);
	expect_eq(rd(0x254), 1 << 21);
	enable_vfs(VFS);
	stray_queue();
	expect(qt_set(qt, "inject-surprise-removal", "true"));
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	expect(qt_set(qt, "inject-surprise-removal", "false"));
}

static void test_pre_flr(void)
{
	fmap(1, 64, 4);
	mm_queue(true, 64, 1, 0, WBI_CHK, 0);
	vwr(1, VF_MBOX + 0x100, 1);
	expect_eq(vrd(1, VF_MBOX + 0x100), 0);
	expect_eq(ctxt_word(SW_C2H, 64, 1) & 1, 0);
	expect(qt_set(qt, "inject-flr-hang", "true"));
	vwr(1, VF_MBOX + 0x100, 1);
	expect_eq(vrd(1, VF_MBOX + 0x100), 1);
	qt_cfg_write16(qt, 2, qt_find_cap(qt, 2, 0x10) + 8, 0x8000);
	expect_eq(qt_cfg_read32(qt, 2, 0x04), ~0u);
	expect(qt_set(qt, "inject-flr-hang", "false"));
	expect_eq(vrd(1, VF_MBOX + 0x100), 0);
	expect(qt_cfg_read32(qt, 2, 0x04) != ~0u);
}

static void test_dma_fault(void)
{
	arm_errors();
	mm_queue(false, 1, 0, 0, WBI_CHK | IRQ_EN, 5);
	desc(0, 0, DATA, 0, 8);
	desc(0, 1, NOWHERE, 0, 4096);
	desc(0, 2, DATA, 0, 8);
	wr(PF_DB + 16 + DB_H2C, 3);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 1);
	expect_eq(status_err(0, 16), 1);
	expect_eq(ctxt_word(SW_H2C, 1, 1) & 1, 0);
	expect_eq(ctxt_word(SW_H2C, 1, 1) >> 26 & 7, 6);	/* ERR DMA, sent */
	expect_eq(rd(0x254), 1 << 20);
	expect_eq(rd(0x25c), 1u << 31 | 1);
	expect_eq(rd(0x260) >> 12, 1);
	expect_eq(rd(0x1258) & 0x1f, 2);
	expect_eq(rd(0x125c), 1u << 31 | 1);
	expect_eq(rd(0x248), 1 << 2 | 1 << 4);
	expect(msi(0, 3));
	expect(msi(0, 5));
	expect_eq(rd(0xb04) >> 24 & 1, 0);
	wr(0x254, 1 << 20);
	expect_eq(rd(0x25c), 0);
}

static void test_write_fault(void)
{
	mm_queue(true, 1, 0, 0, WBI_CHK, 0);
	desc(0, 0, 0, NOWHERE, 16);
	wr(PF_DB + 16 + DB_C2H, 1);
	qt_step(qt, STEP_NS);
	expect_eq(status_err(0, 16), 1);
	expect_eq(rd(0x1058) & 0x1f, 29);
	expect_eq(rd(0x248), 1 << 2 | 1 << 6);
}

/* Injected, in each direction: what a fault does, and the data stays where it is. */
static void test_data_error(void)
{
	for (int c2h = 0; c2h < 2; c2h++) {
		mm_queue(c2h, 2, 0, 0, WBI_CHK, 0);
		qt_fill(qt, c2h ? BACK : PF_BYPASS, 0xee, 64);
		qt_fill(qt, c2h ? PF_BYPASS : BACK, 0x11, 64);
		desc(0, 0, c2h ? 0 : BACK, c2h ? BACK : 0, 64);
		expect(qt_set(qt, "inject-data-error", "2"));
		wr(PF_DB + 16 * 2 + (c2h ? DB_C2H : DB_H2C), 1);
		qt_step(qt, STEP_NS);
		expect(qt_set(qt, "inject-data-error", "-1"));
		expect_eq(status_err(0, 16), 1);
		expect_eq(rd(c2h ? 0x1058 : 0x1258) & 0x1f, c2h ? 29 : 2);
		expect_eq(ctxt_word(c2h ? SW_C2H : SW_H2C, 2, 1) & 1, 0);
		expect_eq(qt_read32(qt, c2h ? BACK : PF_BYPASS), 0xeeeeeeee);
	}
}

static void test_fetch_fault(void)
{
	uint32_t w[8] = {
		0, 1u << 31 | 1u << 20 | 2u << 16 | WBI_CHK | 1, 0, NOWHERE >> 32,
	};

	ctxt_write(SW_H2C, 0, w, 8);
	wr(PF_DB + DB_H2C, 1);
	qt_step(qt, STEP_NS);
	expect_eq(ctxt_word(SW_H2C, 0, 1) >> 26 & 3, 1);
	expect_eq(rd(0x254), 1 << 2);

	wr(0x254, ~0u);
	expect(qt_set(qt, "inject-desc-fetch-error", "3"));
	mm_queue(false, 3, 0, 0, WBI_CHK, 0);
	desc(0, 0, DATA, 0, 8);
	wr(PF_DB + 16 * 3 + DB_H2C, 1);
	qt_step(qt, STEP_NS);
	expect(qt_set(qt, "inject-desc-fetch-error", "-1"));
	expect_eq(status_err(0, 16), 2);
	expect_eq(rd(0x25c) & 0x1fff, 3);
}

static void test_card_range(void)
{
	mm_queue(false, 0, 0, 0, WBI_CHK, 0);
	desc(0, 0, DATA, (16 << 20) - 4, 8);
	wr(PF_DB + DB_H2C, 1);
	qt_step(qt, STEP_NS);
	expect_eq(status_err(0, 16), 1);
	expect_eq(rd(0x1258) & 0x1f, 28);
	mm_queue(true, 0, 0, 0, WBI_CHK, 0);
	desc(0, 0, ~0ull - 3, BACK, 8);
	wr(PF_DB + DB_C2H, 1);
	qt_step(qt, STEP_NS);
	expect_eq(rd(0x1058) & 0x1f, 1);
	mm_queue(false, 2, 0, 1, WBI_CHK, 0);
	desc(1, 0, DATA, 0, 65536);
	wr(PF_DB + 32 + DB_H2C, 1);
	qt_step(qt, STEP_NS);
	expect_eq(status_err(1, 16), ip->len_limit <= 65536);
}

/* Errors wait for the arm bit as well. */
static void test_error_waits_for_arm(void)
{
	mm_queue(false, 0, 0, 0, WBI_CHK | IRQ_EN, 5);
	one_desc(1, 0);
	expect(msi(0, 5));				/* armed by the context */
	desc(0, 1, NOWHERE, 0, 8);
	wr(PF_DB + DB_H2C, 2);
	qt_step(qt, STEP_NS);
	expect(!msi(0, 5));
	expect_eq(ctxt_word(SW_H2C, 0, 1) >> 29 & 1, 1);
	wr(PF_DB + DB_H2C, 2 | ARM);
	expect(msi(0, 5));
}

/* A ring that begins elsewhere than at a multiple of 4 KiB is none. */
static void test_ring_base(void)
{
	uint32_t w[8] = {
		0, 1u << 31 | 1u << 20 | 2u << 16 | WBI_CHK | 1, RING(0) + 0x800,
	};

	ctxt_write(SW_H2C, 0, w, 8);
	wr(PF_DB + DB_H2C, 1);
	qt_step(qt, STEP_NS);
	expect_eq(rd(0x254), 1 << 21);
	expect_eq(ctxt_word(SW_H2C, 0, 1) & 1, 0);
	expect_eq(ctxt_word(HW_H2C, 0, 0), 0);
}

static void test_bad_pidx(void)
{
	mm_queue(false, 0, 0, 0, WBI_CHK, 0);
	wr(PF_DB + DB_H2C, 16);
	expect_eq(rd(0x254), 1 << 21);
	expect_eq(rd(0x27c), 16);
	expect_eq(ctxt_word(SW_H2C, 0, 0) & 0xffff, 0);
	one_desc(1, 0);
	expect_eq(status_cidx(0, 16), 1);
}

static void test_bad_accesses(void)
{
	qt_write_sized(qt, PF_CFG + 0x204, 0xff, 1);
	qt_write_sized(qt, PF_CFG + 0x204, 0xffff, 2);
	expect_eq(rd(0x204), 17);
	expect_eq(qt_read_sized(qt, PF_CFG + 0x200, 8), 17ull << 32);
	vwr(1, 0x204, 1);
	expect_eq(rd(0x264), 1 << 1);
	expect_eq(rd(0x26c) >> 17 & 0x3ff, 1);
	wr(0x264, ~0u);
	wr(PF_MBOX + 0x2c00, 1);
	expect_eq(rd(0x264), 0);
	wr(0x3f000, 1);
	expect_eq(rd(0x264), 1);
	wr(PF_DB + DB_C2H, 1);				/* queue not enabled */
	qt_step(qt, STEP_NS);
	expect_eq(rd(0x254), 0);
	wr(PF_DB + DB_INTR, 77 << 16);			/* ring not valid */
}

static void test_drop_writeback(void)
{
	expect(qt_set(qt, "inject-drop-writeback", "1"));
	mm_queue(false, 0, 0, 0, WBI_CHK, 0);
	one_desc(1, 0);
	expect_eq(status_cidx(0, 16), 0);
	expect_eq(ctxt_word(HW_H2C, 0, 0), 1);
	one_desc(2, 0);
	expect_eq(status_cidx(0, 16), 2);
}

/* Every leaf reaches its bit of the global status, through its mask alone. */
static void test_error_leafs(void)
{
	static const struct {
		int status, mask;
		unsigned int bits, bit;
	} leafs[] = {
		{ 0x254, 0x258, 1 << 8, 2 }, { 0x264, 0x268, 1 << 7, 3 },
		{ 0xaf0, 0xaf4, 1 << 20, 8 }, { 0xaf8, 0xafc, 1 << 20, 8 },
		{ 0xe00, 0xe04, 1 << 5, 16 }, { 0x0e4, 0x0e0, 1 << 4, 0 },
		{ 0x0f4, 0x0f0, 1u << 31, 0 }, { 0x0ec, 0x0e8, 1 << 4, 1 },
		{ 0x0fc, 0x0f8, 1u << 31, 1 },
	};

	for (size_t i = 0; i < sizeof(leafs) / sizeof(leafs[0]); i++) {
		int bit = leafs[i].bit == 16 && ip->pf_mbox == 0x2400 ? 11 : leafs[i].bit;
		char value[64];

		snprintf(value, sizeof(value), "\"0x%x 0x%x\"", leafs[i].status, leafs[i].bits);
		wr(leafs[i].mask, 0);
		expect(qt_set(qt, "inject-error", value));
		expect_eq(rd(leafs[i].status), leafs[i].bits);
		expect_eq(rd(0x248), 0);
		wr(leafs[i].mask, leafs[i].bits);
		arm_errors();
		expect(qt_set(qt, "inject-error", value));
		expect_eq(rd(0x248), 1u << bit);
		expect(msi(0, 3));
		wr(leafs[i].status, ~0u);
		wr(0x248, ~0u);
		expect_eq(rd(leafs[i].status) | rd(0x248), 0);
	}
	expect(!qt_set(qt, "inject-error", "\"0x254 0x1\""));
	expect(!qt_set(qt, "inject-error", "\"0x258 0x4\""));
	expect(!qt_set(qt, "inject-error", "\"0x254\""));
}

/* A PF's reset takes its VFs along; enabled again they are as new. */
static void test_pf_flr(void)
{
	fmap(1, 64, 4);
	mm_queue(true, 64, 1, 0, WBI_CHK, 0);
	qt_fill(qt, BACK, 0xee, 64);
	desc(0, 0, 0, BACK, 64);
	vwr(1, VF_MBOX + 0xc00, 1);
	vwr(1, VF_MBOX + 0x4, 1);
	vwr(1, VF_DB + DB_C2H, 1);
	qt_step(qt, 1000);				/* fetched, not due */
	qt_cfg_write16(qt, 0, qt_find_cap(qt, 0, 0x10) + 8, 0x8000);
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	expect_eq(vrd(1, VF_MBOX + 0x14), ~0u);
	start();
	expect_eq(vrd(1, VF_MBOX + 0x14), ip->vf_version);
	expect_eq(rd(PF_MBOX), 0);
	expect_eq(ctxt_word(SW_C2H, 64, 1), 0);
	expect_eq(ctxt_word(FMAP, 1, 1), 0);
	fmap(1, 64, 4);
	mm_queue(true, 64, 1, 0, WBI_CHK, 0);
	desc(0, 0, 0, BACK, 64);
	vwr(1, VF_DB + DB_C2H, 1);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 1);
}

static void test_removal(void)
{
	expect(qt_set(qt, "inject-bad-id", "true"));
	expect_eq(rd(0), 0);
	expect_eq(vrd(1, VF_MBOX + 0x14), 0);
	expect(qt_set(qt, "inject-bad-id", "false"));
	expect_eq(vrd(1, VF_MBOX + 0x14), ip->vf_version);
	mm_queue(true, 0, 0, 0, WBI_CHK, 0);
	qt_fill(qt, BACK, 0xee, 64);
	desc(0, 0, 0, BACK, 64);
	wr(PF_DB + DB_C2H, 1);
	qt_step(qt, 1000);				/* fetched, not due */
	expect(qt_set(qt, "inject-surprise-removal", "true"));
	expect_eq(rd(0), ~0u);
	expect_eq(vrd(1, VF_MBOX + 0x14), ~0u);
	expect_eq(qt_read32(qt, PF_USER), ~0u);
	expect_eq(qt_read32(qt, PF_BYPASS), ~0u);
	expect_eq(qt_cfg_read32(qt, 0, 0), ~0u);
	wr(0x204, 5);
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	expect(qt_set(qt, "inject-surprise-removal", "false"));
	expect_eq(rd(0x204), 17);
}

/* Each kind sets its bit of the AER capability, and nothing else. */
static void test_aer(void)
{
	static const struct {
		const char *kind;
		uint32_t uncorrectable, correctable;
	} errors[] = {
		{ "\"nonfatal\"", 1 << 15, 0 }, { "\"fatal\"", 1 << 18, 0 }, { "\"correctable\"", 0, 1 << 6 },
	};
	int aer = qt_find_ecap(qt, 0, 1), exp = qt_find_cap(qt, 0, 0x10);
	uint32_t link = qt_cfg_read32(qt, 0, exp + 0xc);

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		qt_cfg_write32(qt, 0, aer + 0x4, ~0u);
		qt_cfg_write32(qt, 0, aer + 0x10, ~0u);
		expect(qt_set(qt, "inject-aer", errors[i].kind));
		expect_eq(qt_cfg_read32(qt, 0, aer + 0x4), errors[i].uncorrectable);
		expect_eq(qt_cfg_read32(qt, 0, aer + 0x10), errors[i].correctable);
	}
	expect_eq(qt_cfg_read32(qt, 0, exp + 0xc), link);
	expect(!qt_set(qt, "inject-aer", "\"nonsense\""));
}

static void test_user_logic(void)
{
	qt_write32(qt, PF_USER + 0x60, 0x12345678);
	expect_eq(qt_read32(qt, VF_USER(1) + 0x60), 0x12345678);
	qt_write32(qt, PF_USER + 0x08, 0x22);
	expect_eq(qt_read32(qt, PF_USER + 0x18), 1);
	expect_eq(qt_read32(qt, PF_USER + 0x08) & 2, 0);
	qt_write32(qt, PF_USER + 0x94, 2 << 12 | 4 << 4 | 1);
	expect(msi(2, 4));
}

static void test_vf_disable(void)
{
	fmap(4, 200, 4);
	mm_queue(true, 200, 4, 0, WBI_CHK, 0);
	qt_fill(qt, BACK, 0xee, 64);
	desc(0, 0, 0, BACK, 64);
	vwr(4, VF_DB + DB_C2H, 1);
	qt_step(qt, 1000);
	enable_vfs(0);
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	expect_eq(ctxt_word(FMAP, 4, 1), 0);
	enable_vfs(2);
	expect_eq(vrd(2, VF_MBOX + 0x14), ip->vf_version);
}

/*
 * A descriptor that points at registers or config space, the card's own or the
 * bridge's above it, fails: nothing is reset in the middle of a transfer.
 */
static void test_dma_to_registers(void)
{
	const struct {
		uint64_t where;
		uint32_t val, len;
	} to[] = {
		{ PF_CFG + 0x204, 0x5555, 4 },
		{ qt_cfg_addr(0, qt_find_cap(qt, 0, 0x10) + 8), 0x8000, 4 },	/* FLR */
		{ qt_port_addr(0x3e), 0x40, 2 },	/* secondary bus reset */
	};

	for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++) {
		mm_queue(true, 0, 0, 0, WBI_CHK, 0);
		mm_queue(false, 0, 0, 1, WBI_CHK, 0);
		qt_write32(qt, PF_BYPASS, to[i].val);
		desc(0, 0, 0, to[i].where, to[i].len);
		wr(PF_DB + DB_C2H, 1);
		qt_step(qt, STEP_NS);
		expect_eq(status_err(0, 16), 1);
		expect_eq(rd(0x204), 17);
		desc(1, 0, to[i].where, 0, to[i].len);
		wr(PF_DB + DB_H2C, 1);
		qt_step(qt, STEP_NS);
		expect_eq(status_err(1, 16), 1);
		expect_eq(qt_read32(qt, PF_BYPASS), to[i].val);
	}
}

/* Whatever is written where, QEMU lives: the next test and its end show it. */
static void test_noise(void)
{
	uint32_t x = 12345;

	for (int i = 0; i < 20000; i++) {
		uint64_t where;

		x = x * 1664525 + 1013904223;
		where = x % 3 == 0 ? PF_CFG + (x >> 8) % 0x2400 :
			x % 3 == 1 ? PF_CFG + (x >> 8) % 0x40000 :
				     VF_CFG(1 + (x >> 4) % VFS) + (x >> 8) % 0x8000;
		where &= ~3ull;
		if (where == PF_CFG + 0x844 && x & 0x10000)
			continue;
		if (x & 0x100)
			qt_write32(qt, where, x * 2654435761u);
		else
			qt_read32(qt, where);
		if (i % 64 == 0)
			qt_step(qt, 10000);
	}
	qt_step(qt, STEP_NS);
	/* Queues made of random contexts */
	for (int i = 0; i < 300; i++) {
		uint32_t w[8];

		for (int k = 0; k < 8; k++)
			w[k] = x = x * 1664525 + 1013904223;
		w[0] &= ~(0xfffu << 17);
		w[1] |= 1u << 31 | 1;
		if (i & 8)
			w[1] &= ~(1u << 31);
		if (i & 1)
			w[3] = 0, w[2] &= 0x3fff000;
		if (i & 2)
			w[1] = (w[1] & ~(3u << 16 | 1u << 18)) |
			       (i & 8 ? !(i & 1) : 2u) << 16;
		ctxt_write(i % 2 ? SW_C2H : SW_H2C, i % 8, w, 8);
		wr(PF_DB + 16 * (i % 8) + (i % 2 ? DB_C2H : DB_H2C), ARM | (x >> 20));
		qt_step(qt, 5000);
	}
	for (int i = 0; i < 300; i++)
		stream_noise(&x, i);
	expect_eq(rd(0) >> 16, 0x1fd3);
}

#define DEVICE	"xlnx-qdma,vfs=4,card-memory=16M"

static const char *qemu;

static struct qt *start_machine(const char *incoming)
{
	char device[80];

	snprintf(device, sizeof(device), DEVICE ",ip=%s", ip->name);
	return qt_start(qemu, device, incoming);
}

/* The machine's state is saved, and changed perhaps; a new machine goes on with it. */
static void move_machine(void (*forge)(int fd))
{
	char file[] = "/tmp/qdma-test-state-XXXXXX";
	int fd = mkstemp(file);

	expect(fd >= 0);
	expect(qt_save(qt, file));
	if (forge)
		forge(fd);
	close(fd);
	expect(qt_stop(qt));
	qt = start_machine(file);
	unlink(file);
}

/* Saved with a transfer in flight and a message waiting; both go on. */
static void test_migration(void)
{
	fmap(2, 16, 4);
	mm_queue(true, 17, 2, 0, WBI_CHK | IRQ_EN, 3);
	qt_write32(qt, PF_BYPASS + 64, 0xfeedbeef);
	qt_write32(qt, BACK, 0);
	desc(0, 0, 64, BACK, 4);
	vwr(2, VF_MBOX + 0xc00, 0x77);
	vwr(2, VF_MBOX + 0x4, 1);
	vwr(2, VF_DB + 16 + DB_C2H, 1 | ARM);
	qt_step(qt, 1000);
	move_machine(NULL);
	expect_eq(qt_read32(qt, BACK), 0);
	qt_step(qt, STEP_NS);
	expect_eq(qt_read32(qt, BACK), 0xfeedbeef);
	expect_eq(status_cidx(0, 16), 1);
	expect(msi(2, 3));
	expect_eq(rd(PF_MBOX), 2 << 4 | 1);
	wr(PF_MBOX + 0xc, 2);
	expect_eq(rd(PF_MBOX + 0x800), 0x77);
	expect_eq(rd(0x204), 17);
}

/* Saved with a packet in the user logic and a completion timer running */
static void test_migration_stream(void)
{
	stream_save_prepare();
	move_machine(NULL);
	stream_save_check();
}

#define FORGED_WORD(i)	(0x5ead0000u + (i))
#define FORGED_WORDS	32

/* The message with these words was taken, it says; who has sent it still waits. */
static void forge_taken(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *state = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint32_t words[FORGED_WORDS];
	char *at;

	for (int i = 0; i < FORGED_WORDS; i++)
		words[i] = htonl(FORGED_WORD(i));
	expect(state != MAP_FAILED);
	if (state == MAP_FAILED)
		return;
	at = memmem(state, size, words, sizeof(words));
	expect(at && at[sizeof(words)] == 1);
	if (at)
		at[sizeof(words)] = 0;
	munmap(state, size);
}

/* A VF that waits for the PF already, and can send: it waits once. */
static void test_migration_forged(void)
{
	for (int i = 0; i < FORGED_WORDS; i++)
		vwr(2, VF_MBOX + 0xc00 + 4 * i, FORGED_WORD(i));
	vwr(2, VF_MBOX + 0x4, 1);
	move_machine(forge_taken);
	expect_eq(rd(PF_MBOX), 2 << 4 | 1);
	vwr(2, VF_MBOX + 0x4, 1);
	wr(PF_MBOX + 0xc, 2);
	wr(PF_MBOX + 0x4, 2);
	expect_eq(rd(PF_MBOX), 0);
}

static void run(const char *name, void (*test)(void))
{
	start();
	test();
	tests++;
	if (why[0]) {
		failures++;
		printf("not ok %d %s %s # %s\n", tests, ip->name, name, why);
	} else {
		printf("ok %d %s %s\n", tests, ip->name, name);
	}
	fflush(stdout);
}

static const struct test list[] = {
	{ "csr", test_csr },
	{ "context-masks", test_context_masks },
	{ "context-busy", test_context_busy },
	{ "fmap", test_fmap },
	{ "mm-transfer", test_mm_transfer },
	{ "mm-wrap", test_mm_wrap },
	{ "mm-interval", test_mm_interval },
	{ "mm-stopped-channel", test_mm_stopped_channel },
	{ "inv-stops", test_inv_stops },
	{ "mm-disable-drains", test_disable_drains },
	{ "direct-interrupt", test_direct_interrupt },
	{ "events-not-armed", test_events_not_armed },
	{ "aggregated-interrupt", test_aggregated_interrupt },
	{ "interrupt-ring-full", test_interrupt_ring_full },
	{ "vf-transfer", test_vf_transfer },
	{ "mailbox", test_mailbox },
	{ "mailbox-enable", test_mailbox_enable },
	{ "vf-flr", test_vf_flr },
	{ "flr-fmap", test_flr_fmap },
	{ "pre-flr", test_pre_flr },
	{ "dma-fault", test_dma_fault },
	{ "write-fault", test_write_fault },
	{ "data-error", test_data_error },
	{ "fetch-fault", test_fetch_fault },
	{ "card-range", test_card_range },
	{ "error-waits-for-arm", test_error_waits_for_arm },
	{ "ring-base", test_ring_base },
	{ "bad-pidx", test_bad_pidx },
	{ "bad-accesses", test_bad_accesses },
	{ "drop-writeback", test_drop_writeback },
	{ "error-leafs", test_error_leafs },
	{ "pf-flr", test_pf_flr },
	{ "removal", test_removal },
	{ "aer", test_aer },
	{ "user-logic", test_user_logic },
	{ "vf-disable", test_vf_disable },
	{ "dma-to-registers", test_dma_to_registers },
	{ "migration", test_migration },
	{ "migration-stream", test_migration_stream },
	{ "migration-forged", test_migration_forged },
	{ "noise", test_noise },
	{ }
};

static size_t count(const struct test *t)
{
	size_t n = 0;

	while (t[n].name)
		n++;
	return n;
}

static void run_all(const struct test *t)
{
	for (; t->name; t++)
		run(t->name, t->test);
}

static void test_ip(void)
{
	qt = start_machine(NULL);
	run_all(ip_tests);
	run_all(stream_tests);
	run_all(list);
	tests++;
	if (qt_stop(qt)) {
		printf("ok %d %s qemu-lives\n", tests, ip->name);
	} else {
		failures++;
		printf("not ok %d %s qemu-lives # QEMU did not end well\n", tests, ip->name);
	}
}

int main(int argc, char **argv)
{
	size_t n = count(ip_tests) + count(stream_tests) + count(list) + 1;
	size_t revisions = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s QEMU\n", argv[0]);
		return 2;
	}
	alarm(300);
	while (ips[revisions].name)
		revisions++;
	printf("KTAP version 1\n1..%zu\n", n * revisions);
	qemu = argv[1];
	for (ip = ips; ip->name; ip++)
		test_ip();
	return failures ? 1 : 0;
}
