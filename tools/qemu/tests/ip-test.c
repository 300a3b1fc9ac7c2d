// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests of what the IP revisions have different
 */
#include "card.h"

#define PFCH	7
#define HOST	0xa

#define EQDMA_CTXT							\
	.ctxt_words = {							\
		[SW_C2H] = 8, [SW_H2C] = 8, [HW_C2H] = 2, [4] = 1,	\
		[5] = 1, [CMPT] = 6, [PFCH] = 2, [INTR] = 4,		\
		[HOST] = 7, [FMAP] = 2,					\
	}, .ctxt_last = {						\
		[SW_C2H] = 0x7ff, [SW_H2C] = 0x7ff, [4] = 0xffff,	\
		[5] = 0xffff, [CMPT] = 0x7fffff, [PFCH] = 0x2000,	\
		[INTR] = 0x3ffc3fff, [HOST] = 0x3ff, [FMAP] = 0xfff,	\
	}

#define SOFT								\
	.pf_id = 0x903f10ee, .vf_id = 0xa03f10ee,			\
	.msix_table = 0x30000, .channels = 0x00030101,			\
	.queues_cap = 0x800, .queues = 2048, .mm_channels = 1

#define EQDMA								\
	SOFT, EQDMA_CTXT, .pf_mbox = 0x22400, .vf_mbox = 0x5000,	\
	.buffers = 31, .intr_function = true

const struct ip ips[] = {
	{
		EQDMA, .name = "eqdma-5.0", .misc_cap = 0x02200003,
		.vf_version = 0x1fd30220, .len_limit = 65536,
	}, {
		EQDMA, .name = "eqdma-4.0", .misc_cap = 0x01100003,
		.vf_version = 0x1fd30110, .len_limit = 1 << 28,
	}, {
		SOFT, .name = "qdma-3.1", .misc_cap = 0x02000003,
		.vf_version = 0x1fd30200, .len_limit = 1 << 28, .buffers = 7,
		.pf_mbox = 0x2400, .vf_mbox = 0x1000,
		.ctxt_words = {
			[SW_C2H] = 5, [SW_H2C] = 5, [HW_C2H] = 2, [4] = 1,
			[5] = 1, [CMPT] = 5, [PFCH] = 2, [INTR] = 3,
			[HOST] = 7, [FMAP] = 2,
		},
		.ctxt_last = {
			[SW_C2H] = 0xfff, [SW_H2C] = 0xfff, [4] = 0xffff,
			[5] = 0xffff, [CMPT] = 0xfffe, [PFCH] = 0x2000,
			[INTR] = 0x7ffff, [HOST] = 0x3ff, [FMAP] = 0xfff,
		},
	}, {
		.name = "cpm5", .misc_cap = 0x21000003,
		.vf_version = 0x1fd32100, .len_limit = 1 << 28, .buffers = 31,
		.pf_id = 0xb03f10ee, .vf_id = 0xc03f10ee,
		.msix_table = 0x50000, .channels = 0x00030303,
		.queues_cap = 0xfff, .queues = 4096, .mm_channels = 2,
		.pf_mbox = 0x42400, .vf_mbox = 0x5000, .intr_function = true,
		.ctxt_words = {
			[SW_C2H] = 8, [SW_H2C] = 8, [HW_C2H] = 2, [4] = 1,
			[5] = 1, [CMPT] = 6, [PFCH] = 2, [INTR] = 4,
			[HOST] = 7, [FMAP] = 2,
		},
		.ctxt_last = {
			[SW_C2H] = 0x7ff, [SW_H2C] = 0x7ff, [4] = 0xffff,
			[5] = 0xffff, [CMPT] = 0x7fffff, [PFCH] = 0x2000,
			[INTR] = 0x3ffc3fff, [HOST] = 0x3ff, [FMAP] = 0x1fff,
		},
	},
	{ }
};

static void test_identification(void)
{
	expect_eq(rd(0x000) >> 16, 0x1fd3);
	expect_eq(rd(0x134), ip->misc_cap);
	expect_eq(rd(0x120), ip->queues_cap);
	expect_eq(rd(0x12c), 0);
	expect_eq(rd(0x104), 1);
	expect_eq(rd(0x10c), 4);
	expect_eq(rd(0x118), ip->channels);
	expect_eq(rd(0xbe0), 0x40);
	expect_eq(vrd(1, ip->vf_mbox + 0x14), ip->vf_version);
	expect_eq(vrd(2, ip->vf_mbox + 0x18), 0x00104104);
	/* A driver tells the generations by where the identifier is. */
	expect_eq(vrd(1, 0x1014) >> 16 == 0x1fd3, ip->vf_mbox == 0x1000);
	expect_eq(vrd(1, 0x5014) >> 16 == 0x1fd3, ip->vf_mbox == 0x5000);
	expect_eq(vrd(1, 0x104), 0);
	expect_eq(rd(0x5014), 0);
	expect_eq(rd(0x264), 0);
	expect_eq(qt_cfg_read32(qt, 0, 0), ip->pf_id);
	expect_eq(qt_cfg_read32(qt, 1, 0), 0xffffffff);
	expect_eq(qt_cfg_read32(qt, 0, qt_find_ecap(qt, 0, 0x10) + 0x18) >> 16,
		  ip->vf_id >> 16);
	expect(qt_find_ecap(qt, 0, 1) && qt_find_ecap(qt, 0, 0xe));
	expect_eq(qt_cfg_read32(qt, 3, qt_find_cap(qt, 3, 0x11)) >> 16 & 0x7ff, 7);
}

static unsigned int ctxt_count(int sel)
{
	return sel == INTR || sel == FMAP ? 256 : sel == HOST ? 16 : ip->queues;
}

static void test_contexts(void)
{
	uint32_t ones[8] = { ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u };

	for (int sel = 0; sel < 16; sel++) {
		int words = ip->ctxt_words[sel];
		int index = ctxt_count(sel) - 1;

		if (!words)
			continue;
		wr(0x1004, 0);
		wr(0x1204, 0);
		ctxt_write(sel, index, ones, 8);
		if (ip->ctxt_last[sel])
			expect_eq(ctxt_word(sel, index, words - 1), ip->ctxt_last[sel]);
		if (words < 8)
			expect_eq(ctxt_word(sel, index, words), 0);
		ctxt(CLR, sel, index);
		expect_eq(ctxt_word(sel, index, 0), 0);
		expect_eq(rd(0x248), 0);
		ctxt(RD, sel, index + 1);
		expect_eq(rd(0x248), 1 << 9);
		wr(0x248, ~0u);
	}
	expect_eq(rd(0x844) & 1, 0);
	ctxt(RD, 9, 0);				/* reserved selector */
	expect_eq(rd(0x248), 1 << 9);
}

/* The last queue works, its doorbell is where it should be. */
static void test_last_queue(void)
{
	fmap(0, ip->queues - 4, 4);
	mm_queue(false, ip->queues - 1, 0, 0, WBI_CHK, 0);
	desc(0, 0, DATA, 0, 64);
	wr(PF_DB + 16 * 3 + DB_H2C, 1);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 1);
	fmap(0, ip->queues - 4, 5);
	wr(PF_DB + 16 * 4 + DB_H2C, 1);
	expect_eq(rd(0x264), 1 << 5);
	wr(0x264, ~0u);
	wr(PF_DB + 16 * (ip->queues - 1) + DB_H2C, 1);
	expect_eq(rd(0x264), 1 << 5);
}

/* A queue of the second channel waits for its own run bit, if there is such a channel. */
static void test_second_channel(void)
{
	bool two = ip->mm_channels == 2;

	mm_queue(false, 0, 0, 0, WBI_CHK | 1 << 19, 0);
	desc(0, 0, DATA, 0, 64);
	desc(0, 1, NOWHERE, 0, 64);
	wr(PF_DB + DB_H2C, 1);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 0);
	expect_eq(rd(0x254), two ? 0 : 1 << 21);
	expect_eq(ctxt_word(SW_H2C, 0, 1) & 1, two);
	if (!two)
		mm_queue(false, 0, 0, 0, WBI_CHK, 0);
	wr(PF_DB + DB_H2C, 1);
	wr(0x1308, 1);
	expect_eq(rd(0x264), two ? 0 : 1);
	expect_eq(rd(0x1340), two);
	qt_step(qt, STEP_NS);
	expect_eq(status_cidx(0, 16), 1);
	expect_eq(rd(0x1348), two);
	wr(0x1354, ~0u);
	wr(PF_DB + DB_H2C, 2);
	qt_step(qt, STEP_NS);
	expect_eq(rd(two ? 0x1358 : 0x1258) & 0x1f, 2);
	expect_eq(rd(0x248) & 0x30, two ? 0x20 : 0x10);
}

/* Without a function in the interrupt context the queue's is interrupted. */
static void test_ring_function(void)
{
	fmap(2, 64, 4);
	intr_ring(3, 1, 4);
	mm_queue(false, 64, 2, 0, WBI_CHK | IRQ_EN, AGGR | 3);
	desc(0, 0, DATA, 0, 8);
	vwr(2, VF_DB + DB_H2C, 1 | ARM);
	qt_step(qt, STEP_NS);
	expect_eq(intr_entry(3, 0) >> 39 & 0xffffff, 64);
	expect_eq(msi(1, 4), ip->intr_function);
	expect_eq(msi(2, 4), !ip->intr_function);
}

/* Registers that CPM5 has elsewhere or not at all */
static void test_moved_registers(void)
{
	bool cpm5 = ip->queues == 4096;

	wr(0x250, ~0u);
	expect_eq(rd(0x250), cpm5 ? 0x33f : 0x3fffff3f);
	wr(0x15c, 5);
	expect_eq(rd(0x15c), cpm5 ? 0 : 5);
	wr(0x147c, 5);
	expect_eq(rd(0x147c), cpm5 ? 0 : 5);
	expect_eq(rd(0x264), cpm5);
	wr(0x264, ~0u);
	wr(0x1500, 5);
	expect_eq(rd(0x1500), cpm5 ? 5 : 0);
	wr(PF_MBOX + 0xd00 + 4 * 2, 5 << 12 | 7);
	expect_eq(rd(PF_MBOX + 0xd00 + 4 * 2), cpm5 ? 5 << 12 | 7 : 0);
}

const struct test ip_tests[] = {
	{ "identification", test_identification },
	{ "contexts", test_contexts },
	{ "last-queue", test_last_queue },
	{ "second-channel", test_second_channel },
	{ "ring-function", test_ring_function },
	{ "moved-registers", test_moved_registers },
	{ }
};
