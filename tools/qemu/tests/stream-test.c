// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests of stream queues and of the example design's user logic
 *
 * Queue q of function fn has its H2C ring at RING(0), its C2H ring at RING(1)
 * and its completion ring at RING(2), all with 16 slots.
 */
#include "card.h"

#include <string.h>

#define SLOTS		16
#define BUF		0x1000		/* buffers are so far apart */
#define PFCH		7

/* User logic */
#define U_QID		0x00
#define U_LEN		0x04
#define U_CTL		0x08
#define U_CLEAR		0x0c
#define U_MATCH		0x10
#define U_COUNT		0x14
#define U_STATUS	0x18
#define U_PACKETS	0x20
#define U_TAG		0x24
#define U_DATA		0x30
#define U_SIZE		0x50
#define U_DROPPED	0x88
#define U_ACCEPTED	0x8c
#define U_BYPASS	0x90
#define U_INTR		0x94
#define U_MASK		0x98
#define U_EVENTS	0x9c
#define U_LOOP		0x200

#define LOOPBACK	(1u << 0)
#define START		(1u << 1)
#define IMMEDIATE	(1u << 2)
#define RESTART		(1u << 3)
#define MARKER		(1u << 5)
#define DROP		(1u << 19)

/* Flags of H2C descriptors */
#define SOP		(1u << 0)
#define EOP		(1u << 1)

/* Completion doorbell */
#define C_TIMER(n)	((n) << 20)
#define C_COUNT(n)	((n) << 16)
#define C_TRIG(n)	((n) << 24)
#define C_STAT		(1u << 27)
#define C_INT		(1u << 28)

enum { NONE, EVERY, USER_COUNT, USER, USER_TIMER, USER_TIMER_COUNT };

/* How a queue is made; zero is: not so */
struct setup {
	int qid, fn;
	int trig;
	int size;		/* code of the completion entries' size */
	int bufsz;		/* index */
	int vec;
	bool no_interrupt, aggregated, prefetch, bypass, full_update, no_check;
	bool no_direction;
};

static unsigned int esize;	/* of the queue made last, bytes */

static uint32_t urd(uint32_t reg)
{
	return qt_read32(qt, PF_USER + reg);
}

static void uwr(uint32_t reg, uint32_t val)
{
	qt_write32(qt, PF_USER + reg, val);
}

static void make_h2c(const struct setup *q, uint32_t extra)
{
	uint32_t w[8] = {
		q->fn << 17, 1 | 1u << 20 | WBI_CHK | 1 << 16 | extra, RING(0), 0, q->vec,
	};

	ctxt(CLR, SW_H2C, q->qid);
	ctxt(CLR, HW_H2C, q->qid);
	ctxt_write(SW_H2C, q->qid, w, 8);
}

/* Buffers follow one another from BACK on; the doorbells are the caller's. */
static void make_c2h(const struct setup *q)
{
	uint32_t sw[8] = { q->fn << 17, 3 | (q->bypass ? 1u << 18 : 0), RING(1) };
	uint32_t pfch[2] = { q->bufsz << 1 | (q->prefetch ? 1u << 27 : 0), 1 << 13 };
	uint32_t cmpt[6] = {
		1 | (q->no_interrupt ? 0 : 2) | q->trig << 2 | q->fn << 5 | 1 << 27 |
		2 << 17 | 3 << 21, RING(2) >> 6, q->size << 26, 1 << 28,
		q->vec << 4 | (q->aggregated ? 1 << 15 : 0) |
		(q->full_update ? 2 : 0) | (q->no_check ? 4 : 0) |
		(q->no_direction ? 0 : 1 << 18), 0,
	};

	ctxt(CLR, SW_C2H, q->qid);
	ctxt(CLR, HW_C2H, q->qid);
	ctxt(CLR, PFCH, q->qid);
	ctxt(CLR, CMPT, q->qid);
	for (uint64_t i = 0; i < SLOTS; i++) {
		uint64_t buf = BACK + i * BUF;

		qt_write(qt, RING(1) + 8 * i, &buf, 8);
	}
	qt_fill(qt, RING(2), 0, 0x1000);
	qt_fill(qt, BACK, 0xee, SLOTS * BUF);
	esize = 8 << q->size;
	ctxt_write(SW_C2H, q->qid, sw, 8);
	ctxt_write(PFCH, q->qid, pfch, 2);
	ctxt_write(CMPT, q->qid, cmpt, 6);
}

/* Tables as drivers write them, and a queue ready to receive */
static void tables(void)
{
	wr(0xab0, 4096);
	wr(0xab4, 256);
	wr(0xab8, 512);
	wr(0xa40 + 8, 4);		/* threshold 2: 4 entries */
	wr(0xa00 + 12, 250);		/* timer 3: 250 * 25 * 4 ns = 25 us */
	wr(0xa00 + 16, 1000);		/* timer 4: 100 us */
	wr(0xb0c, 25);
	wr(0xaf4, ~0u);
}

static void cmpt_bell(int qid, uint32_t val)
{
	wr(PF_DB + 16 * qid + DB_CMPT, val);
}

static void receive(const struct setup *q)
{
	tables();
	make_c2h(q);
	cmpt_bell(q->qid, C_STAT | C_TRIG(q->trig) | (q->no_interrupt ? 0 : C_INT));
	wr(PF_DB + 16 * q->qid + DB_C2H, SLOTS - 1);
}

static void generate(int qid, int len, int packets, uint32_t control)
{
	uwr(U_QID, qid);
	uwr(U_LEN, len);
	uwr(U_PACKETS, packets);
	uwr(U_CTL, control | START);
	qt_step(qt, STEP_NS);
}

static uint32_t entry(int i)
{
	return qt_read32(qt, RING(2) + esize * i);
}

static unsigned int entry_len(int i)
{
	return entry(i) >> 4 & 0xffff;
}

static unsigned int stat_pidx(void)
{
	return qt_read32(qt, RING(2) + esize * SLOTS) & 0xffff;
}

static unsigned int stat_err(void)
{
	return qt_read32(qt, RING(2) + esize * SLOTS + 4) >> 3 & 3;
}

/* The generator's pattern from byte pos on */
static bool is_pattern(uint64_t addr, unsigned int pos, unsigned int len)
{
	static uint8_t buf[65536];

	qt_read(qt, addr, buf, len);
	for (unsigned int i = 0; i < len; i++, pos++)
		if (buf[i] != (uint8_t)(pos & 1 ? pos / 2 >> 8 : pos / 2))
			return false;
	return true;
}

static void send(int slot, uint64_t addr, unsigned int len, unsigned int flags)
{
	uint64_t d[2] = { (uint64_t)len << 32 | (uint64_t)flags << 48, addr };

	qt_write(qt, RING(0) + 16 * slot, d, 16);
}

static void h2c_bell(int qid, uint32_t val)
{
	wr(PF_DB + 16 * qid + DB_H2C, val);
	qt_step(qt, STEP_NS);
}

static unsigned int h2c_cidx(void)
{
	return qt_read32(qt, RING(0) + 16 * SLOTS) >> 16;
}

/* Buffers of a C2H stream that packets have taken: not those fetched ahead */
static unsigned completed(unsigned qid)
{
	return ((ctxt_word(HW_C2H, qid, 0) & 0xffff) + SLOTS -
		(ctxt_word(PFCH, qid, 0) >> 10 & 0x3f)) % SLOTS;
}

static void test_generator(void)
{
	receive(&(struct setup){ .qid = 2, .trig = EVERY, .vec = 5 });
	generate(2, 1024, 3, 0);
	expect(msi(0, 5));
	for (int i = 0; i < 3; i++) {
		expect_eq(entry(i), 1024 << 4 | 1 << 3 | 1 << 1);
		expect(is_pattern(BACK + i * BUF, i * 1024, 1024));
		expect_eq(qt_read32(qt, BACK + i * BUF + 1024), 0xeeeeeeee);
	}
	expect_eq(entry(3), 0);
	expect_eq(stat_pidx(), 3);
	expect_eq(urd(U_COUNT), 3);
	expect_eq(urd(U_CTL) & START, 0);
	expect_eq(completed(2), 3);
	/* bit 3: each packet from 0 */
	generate(2, 100, 2, RESTART);
	expect(is_pattern(BACK + 4 * BUF, 0, 100));
}

/* No status entry in the descriptor ring, whatever WBK_EN says */
static void test_no_status(void)
{
	uint32_t w[8] = { 0, 3 | 1u << 20 | WBI_CHK, RING(1) };

	receive(&(struct setup){ .trig = EVERY });
	ctxt_write(SW_C2H, 0, w, 8);
	wr(PF_DB + DB_C2H, SLOTS - 1);
	generate(0, 8, SLOTS - 1, 0);			/* up to PIDX: an event */
	expect_eq(stat_pidx(), SLOTS - 1);
	expect_eq(qt_read32(qt, RING(1) + 8 * SLOTS), 0);
}

static void test_entry_sizes(void)
{
	for (int size = 0; size < 4; size++) {
		receive(&(struct setup){ .trig = EVERY, .size = size });
		uwr(U_DATA, 0xabcfffff);
		uwr(U_DATA + 4, 0x12345678);
		uwr(U_DATA + 8, 0x9abcdef0);
		generate(0, 64, 2, 0);
		expect_eq(entry(1), 0xabc00000 | 64 << 4 | 1 << 3 | 1 << 1);
		expect_eq(qt_read32(qt, RING(2) + esize + 4), 0x12345678);
		if (size)
			expect_eq(qt_read32(qt, RING(2) + esize + 8), 0x9abcdef0);
		expect_eq(entry(2), 0);
		expect_eq(stat_pidx(), 2);
		expect_eq(qt_read32(qt, RING(2) + esize * SLOTS + 8), 0);
		uwr(U_DATA, 0);
	}
}

/* Over the ring's end the colour changes; PIDX and buffers wrap too. */
static void test_colour(void)
{
	unsigned int bell = C_STAT | C_TRIG(EVERY) | C_INT;

	receive(&(struct setup){ .trig = EVERY });
	for (int round = 0; round < 5; round++) {
		unsigned int from = round * 7 % SLOTS;

		generate(0, 16, 7, 0);
		expect_eq(stat_pidx(), (from + 7) % SLOTS);
		for (int i = 0; i < 7; i++) {
			int color = !((round * 7 + i) / SLOTS & 1);

			expect_eq(entry((from + i) % SLOTS) >> 1 & 1, color);
		}
		cmpt_bell(0, bell | ((from + 7) % SLOTS));
		wr(PF_DB + DB_C2H, (from + 7 + SLOTS - 1) % SLOTS);
	}
	expect_eq(qt_read32(qt, RING(2) + esize * SLOTS + 4) & 1, 1);
	expect_eq(rd(0xaf0), 0);
}

/* Packets over several buffers; all but the last are filled. */
static void test_many_buffers(void)
{
	for (int prefetch = 0; prefetch < 2; prefetch++) {
		receive(&(struct setup){ .trig = EVERY, .bufsz = 1, .prefetch = prefetch });
		generate(0, 1000, 2, 0);
		expect_eq(stat_pidx(), 2);
		expect_eq(entry_len(0), 1000);
		for (int i = 0; i < 3; i++)
			expect(is_pattern(BACK + i * BUF, i * 256, 256));
		expect(is_pattern(BACK + 3 * BUF, 768, 232));
		expect_eq(qt_read32(qt, BACK + 3 * BUF + 232), 0xeeeeeeee);
		expect(is_pattern(BACK + 4 * BUF, 1000, 256));
		expect_eq(completed(0), 8);
	}
	generate(0, 256 * ip->buffers + 1, 1, 0);	/* one too many */
	expect_eq(rd(0xaf0), 1 << 1);
	expect_eq(rd(0x248), 1 << 8);
	expect_eq(urd(U_DROPPED), 1);
}

static void test_zero_length(void)
{
	receive(&(struct setup){ .trig = EVERY });
	generate(0, 0, 1, 0);
	expect_eq(entry(0), 1 << 3 | 1 << 1);
	expect_eq(stat_pidx(), 1);
	expect_eq(completed(0), 1);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	generate(0, 0, 1, IMMEDIATE);
	expect_eq(entry(1), 1 << 1);			/* no descriptor used */
	expect_eq(completed(0), 1);
}

/* Packets wait for buffers, or are dropped when the user logic says so. */
static void test_back_pressure(void)
{
	expect(qt_set(qt, "counters-reset", "true"));
	receive(&(struct setup){ .trig = EVERY });
	generate(0, 64, 14, 0);
	cmpt_bell(0, C_STAT | C_INT | 14);
	generate(0, 64, 4, 0);
	expect_eq(stat_pidx(), 15);			/* one buffer was left */
	expect_eq(urd(U_DROPPED), 0);
	wr(PF_DB + DB_C2H, 2);
	qt_step(qt, STEP_NS);
	expect_eq(stat_pidx(), 2);
	expect_eq(urd(U_COUNT), 18);
	cmpt_bell(0, C_STAT | C_INT | 2);
	generate(0, 64, 5, DROP);
	expect_eq(urd(U_DROPPED), 5);
	expect_eq(rd(0xb10), 5);
	expect_eq(urd(U_ACCEPTED), 18);
	expect_eq(counter(0, "packets-dropped"), 5);
	expect_eq(rd(0xaf0), 0);
}

static void test_h2c_checker(void)
{
	uint8_t data[4096];

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = i & 1 ? i / 2 >> 8 : i / 2;
	qt_write(qt, DATA, data, sizeof(data));
	make_h2c(&(struct setup){ .qid = 3, .vec = 4 }, IRQ_EN);
	uwr(U_CLEAR, 1);
	expect_eq(urd(U_MATCH), 0);
	send(0, DATA, 1001, 0);
	send(1, DATA + 1001, 999, 0);
	h2c_bell(3, 2 | ARM);
	expect_eq(h2c_cidx(), 2);
	expect(msi(0, 4));
	expect_eq(urd(U_MATCH), 1);
	send(2, DATA, 4, 0);				/* starts anew: wrong */
	h2c_bell(3, 3);
	expect_eq(urd(U_MATCH), 0);
	uwr(U_CTL, RESTART);
	uwr(U_CLEAR, 1);
	send(3, DATA, 100, 0);
	send(4, DATA, 0, 0);				/* zero length */
	send(5, DATA, 300, 0);
	h2c_bell(3, 6);
	expect_eq(urd(U_MATCH), 1);
	expect_eq(h2c_cidx(), 6);
	expect_eq(counter(0, "packets-h2c") >= 6, 1);
}

static void test_loopback(void)
{
	uint8_t out[4000], in[4000];

	fill_pattern(out, sizeof(out), 9);
	qt_write(qt, DATA, out, sizeof(out));
	receive(&(struct setup){ .qid = 1, .trig = EVERY, .bufsz = 2 });
	make_h2c(&(struct setup){ .qid = 1 }, 0);
	uwr(U_QID, 1);
	uwr(U_CTL, LOOPBACK);
	send(0, DATA, 700, 0);
	send(1, DATA, 0, 0);
	send(2, DATA + 700, 300, 6);		/* flags mean nothing here */
	h2c_bell(1, 3);
	expect_eq(h2c_cidx(), 3);
	expect_eq(stat_pidx(), 3);
	expect_eq(entry_len(0), 700);
	expect_eq(entry_len(1), 0);
	expect_eq(entry_len(2), 300);
	qt_read(qt, BACK, in, 512);
	qt_read(qt, BACK + BUF, in + 512, 188);
	qt_read(qt, BACK + 3 * BUF, in + 700, 300);
	expect(!memcmp(in, out, 1000));
	send(3, DATA, 4097, 0);				/* too long */
	h2c_bell(1, 4);
	expect_eq(stat_pidx(), 3);
	expect_eq(urd(U_DROPPED), 1);
}

/* Each queue of its own, of any length, and through a VF */
static void test_own_loopback(void)
{
	static uint8_t out[60000], in[60000];
	unsigned int len = ip->buffers < 15 ? ip->buffers * 4096 : sizeof(out);

	fill_pattern(out, sizeof(out), 77);
	qt_write(qt, DATA, out, sizeof(out));
	fmap(2, 16, 4);
	receive(&(struct setup){ .qid = 17, .fn = 2, .trig = EVERY, .vec = 3 });
	make_h2c(&(struct setup){ .qid = 17, .fn = 2, .vec = 2 }, IRQ_EN);
	qt_write32(qt, VF_USER(2) + U_LOOP, 1);
	vwr(2, VF_DB + 16 + DB_CMPT, C_STAT | C_INT);
	vwr(2, VF_DB + 16 + DB_C2H, SLOTS - 1);
	expect(qt_set(qt, "counters-reset", "true"));
	send(0, DATA, len, 0);
	vwr(2, VF_DB + 16 + DB_H2C, 1 | ARM);
	qt_step(qt, STEP_NS);
	expect(msi(2, 2));
	expect(msi(2, 3));
	expect_eq(entry_len(0), len);
	qt_read(qt, BACK, in, len);
	expect(!memcmp(in, out, len));
	expect_eq(counter(2, "packets-h2c"), 1);
	expect_eq(counter(2, "packets-c2h"), 1);
	expect_eq(counter(2, "completions"), 1);
	expect_eq(counter(0, "dma-writes"), 0);
}

/* A receiver that is slow keeps the sender's descriptors waiting. */
static void test_loopback_pressure(void)
{
	receive(&(struct setup){ .trig = EVERY });
	make_h2c(&(struct setup){ }, 0);
	uwr(U_LOOP, 1);
	wr(0xab0, 64);
	for (int i = 0; i < SLOTS; i++)
		send(i, DATA, 64, 0);
	for (int i = 1; i < 7; i++)
		h2c_bell(0, i * 15 % SLOTS);
	expect_eq(stat_pidx(), 15);			/* nobody reads on */
	expect_eq(ctxt_word(HW_H2C, 0, 0) & 0xffff, (15 + 64) % SLOTS);
	for (int i = 1; i < 7; i++) {
		cmpt_bell(0, C_STAT | C_INT | i * 15 % SLOTS);
		wr(PF_DB + DB_C2H, (i + 1) * 15 % SLOTS);
		qt_step(qt, STEP_NS);
	}
	expect_eq(stat_pidx(), 90 % SLOTS);
	expect_eq(h2c_cidx(), 90 % SLOTS);
	expect_eq(urd(U_ACCEPTED), 90);
	expect_eq(rd(0xaf0), 0);
	/* Long ones fill the user logic earlier. */
	wr(0xab0, 65536);
	for (int i = 0; i < SLOTS; i++)
		send(i, DATA, 60000, 0);
	wr(PF_DB + DB_C2H, 90 % SLOTS);
	h2c_bell(0, 105 % SLOTS);
	expect_eq(ctxt_word(HW_H2C, 0, 0) & 0xffff, 93 % SLOTS);
	ctxt(CLR, SW_C2H, 0);
	receive(&(struct setup){ .trig = EVERY });
	wr(0xab0, 64);
	qt_step(qt, STEP_NS);
	expect_eq(h2c_cidx(), 105 % SLOTS);
	for (int i = 0; i < SLOTS; i++)
		send(i, DATA, 64, 0);
	make_h2c(&(struct setup){ }, 0);
	wr(PF_DB + DB_C2H, 0);
	/* A receiver that is gone holds up nobody. */
	for (int i = 1; i < 7; i++)
		h2c_bell(0, i * 15 % SLOTS);
	expect(h2c_cidx() != 90 % SLOTS);
	ctxt(CLR, SW_C2H, 0);
	qt_step(qt, STEP_NS);
	expect_eq(h2c_cidx(), 90 % SLOTS);
}

/* A sender that waits for room goes on when its packets go another way. */
static void test_loopback_moves(void)
{
	for (int way = 0; way < 2; way++) {
		receive(&(struct setup){ .qid = 1, .trig = EVERY });
		make_h2c(&(struct setup){ .qid = 2 }, 0);
		wr(0xab0, 64);
		uwr(U_QID, 1);
		uwr(U_CTL, LOOPBACK);
		for (int i = 0; i < SLOTS; i++)
			send(i, DATA, 64, 0);
		for (int i = 1; i < 7; i++)
			h2c_bell(2, i * 15 % SLOTS);
		expect(h2c_cidx() != 90 % SLOTS);
		if (way)
			uwr(U_QID, 3);
		else
			uwr(U_CTL, 0);
		qt_step(qt, STEP_NS);
		expect_eq(h2c_cidx(), 90 % SLOTS);
		ctxt(CLR, SW_C2H, 1);
	}
}

/* With bypass user logic hands descriptors back, packets may have several. */
static void test_bypass(void)
{
	uint8_t out[600], in[600];

	fill_pattern(out, sizeof(out), 5);
	qt_write(qt, DATA, out, sizeof(out));
	receive(&(struct setup){ .qid = 2, .trig = EVERY, .bypass = true });
	make_h2c(&(struct setup){ .qid = 2 }, 1u << 18);
	uwr(U_LOOP, 1);
	send(0, DATA, 200, SOP);
	send(1, DATA + 200, 300, 0);
	h2c_bell(2, 2);
	expect_eq(h2c_cidx(), 0);			/* no bypass logic yet */
	uwr(U_BYPASS, 1);
	qt_step(qt, STEP_NS);
	expect_eq(h2c_cidx(), 0);			/* no end of packet yet */
	send(2, DATA + 500, 100, EOP);
	h2c_bell(2, 3);
	expect_eq(h2c_cidx(), 3);
	expect_eq(stat_pidx(), 0);			/* no way back yet */
	uwr(U_BYPASS, 1 | 2 << 1);
	qt_step(qt, STEP_NS);
	expect_eq(stat_pidx(), 0);			/* simple bypass: no tag */
	wr(0x1408, 2);
	expect_eq(rd(0x140c) >> 8, 2);
	uwr(U_TAG, 2 << 16 | (rd(0x140c) & 0x7f));
	qt_step(qt, STEP_NS);
	expect_eq(stat_pidx(), 1);
	expect_eq(entry_len(0), 600);
	qt_read(qt, BACK, in, sizeof(in));
	expect(!memcmp(in, out, sizeof(in)));
	send(3, DATA, 64, SOP | EOP);
	uwr(U_BYPASS, 1 | 1 << 1);			/* cache bypass */
	h2c_bell(2, 4);
	expect_eq(stat_pidx(), 2);
	expect_eq(rd(0x254), 0);
}

/* No sign before the first consumer index, then one interrupt at a time */
static void test_trigger_every(void)
{
	tables();
	make_c2h(&(struct setup){ .trig = EVERY, .vec = 5 });
	wr(PF_DB + DB_C2H, SLOTS - 1);
	generate(0, 8, 1, 0);
	expect_eq(entry(0), 8 << 4 | 1 << 3 | 1 << 1);
	expect_eq(stat_pidx(), 0);
	expect(!msi(0, 5));
	cmpt_bell(0, C_STAT | C_INT);			/* finds one unread */
	expect_eq(stat_pidx(), 1);
	expect(msi(0, 5));
	generate(0, 8, 1, 0);
	expect(!msi(0, 5));				/* one is outstanding */
	expect_eq(stat_pidx(), 2);
	cmpt_bell(0, C_STAT | C_INT | 1);
	expect(msi(0, 5));				/* one is left */
	cmpt_bell(0, C_STAT | C_INT | 1);		/* the same once more */
	expect(msi(0, 5));
	cmpt_bell(0, C_STAT | C_INT | 2);
	expect(!msi(0, 5));
	cmpt_bell(0, C_STAT | 2);			/* disarms */
	generate(0, 8, 1, 0);
	expect(!msi(0, 5));
	expect_eq(stat_pidx(), 3);
	cmpt_bell(0, C_STAT | C_INT | 2);
	expect(msi(0, 5));
	expect_eq(qt_read32(qt, PF_CFG + PF_DB + DB_CMPT), C_STAT | C_INT | 2);
	expect_eq(rd(0xb60), 4);
	expect_eq(rd(0xb74), 4);
}

static void test_trigger_count(void)
{
	for (int i = 0; i < 2; i++) {
		receive(&(struct setup){ .trig = i ? USER_TIMER_COUNT : USER_COUNT,
					 .vec = 5 });
		wr(0xa00 + 12, 50000);			/* not within this test */
		generate(0, 8, 3, 0);
		expect(!msi(0, 5));
		expect_eq(stat_pidx(), 0);
		generate(0, 8, 1, 0);
		expect(msi(0, 5));
		expect_eq(stat_pidx(), 4);
		cmpt_bell(0, C_STAT | C_INT | 1);	/* three left */
		expect(!msi(0, 5));
		cmpt_bell(0, C_STAT | C_INT | 4);
		generate(0, 8, 5, 0);
		expect(msi(0, 5));
		cmpt_bell(0, C_STAT | C_INT | 5);	/* four left */
		expect(msi(0, 5));
		ctxt(CLR, SW_C2H, 0);
		ctxt(CLR, CMPT, 0);
	}
}

static void test_trigger_user(void)
{
	for (int trig = USER_COUNT; trig <= USER_TIMER_COUNT; trig++) {
		receive(&(struct setup){ .trig = trig, .vec = 5 });
		wr(0xa00 + 12, 50000);
		generate(0, 8, 2, 0);
		expect(!msi(0, 5));
		uwr(U_SIZE, 1 << 3);
		generate(0, 8, 1, 0);
		uwr(U_SIZE, 0);
		expect(msi(0, 5));
		expect_eq(stat_pidx(), 3);
		cmpt_bell(0, C_STAT | C_INT | 2);	/* told already */
		expect(!msi(0, 5));
		ctxt(CLR, SW_C2H, 0);
		ctxt(CLR, CMPT, 0);
	}
}

static void test_trigger_timer(void)
{
	for (int i = 0; i < 2; i++) {
		receive(&(struct setup){ .trig = i ? USER_TIMER_COUNT : USER_TIMER,
					 .vec = 5 });
		uwr(U_QID, 0);
		uwr(U_LEN, 8);
		uwr(U_PACKETS, 2);
		uwr(U_CTL, START);
		qt_step(qt, 20000);			/* timer runs 25 us */
		expect_eq(entry_len(1), 8);
		expect(!msi(0, 5));
		expect_eq(stat_pidx(), 0);
		expect_eq(ctxt_word(CMPT, 0, 4) & 1, 1);
		qt_step(qt, 20000);
		expect(msi(0, 5));
		expect_eq(stat_pidx(), 2);
		expect_eq(ctxt_word(CMPT, 0, 4) & 1, 0);
		cmpt_bell(0, C_STAT | C_INT | 1);	/* starts it again */
		qt_step(qt, 20000);
		expect(!msi(0, 5));
		qt_step(qt, 20000);
		expect(msi(0, 5));
		cmpt_bell(0, C_STAT | C_INT | 2);	/* nothing left */
		qt_step(qt, STEP_NS);
		expect(!msi(0, 5));
		ctxt(CLR, SW_C2H, 0);
		ctxt(CLR, CMPT, 0);
	}
}

static void test_trigger_none(void)
{
	receive(&(struct setup){ .trig = NONE, .vec = 5 });
	uwr(U_SIZE, 1 << 3);
	generate(0, 8, 6, 0);
	expect_eq(entry_len(5), 8);
	expect_eq(stat_pidx(), 0);
	expect(!msi(0, 5));
}

/* Modes in the doorbell count only with FULL_UPD. */
static void test_full_update(void)
{
	receive(&(struct setup){ .trig = NONE, .vec = 5 });
	cmpt_bell(0, C_STAT | C_INT | C_TRIG(EVERY));
	generate(0, 8, 1, 0);
	expect(!msi(0, 5));
	receive(&(struct setup){ .trig = NONE, .vec = 5, .full_update = true });
	cmpt_bell(0, C_STAT | C_INT | C_TRIG(USER_TIMER) | C_TIMER(4) | C_COUNT(2));
	expect_eq(ctxt_word(CMPT, 0, 0) >> 2 & 7, USER_TIMER);
	expect_eq(ctxt_word(CMPT, 0, 0) >> 21 & 15, 4);
	uwr(U_CTL, START);
	qt_step(qt, 50000);
	expect(!msi(0, 5));
	qt_step(qt, 100000);
	expect(msi(0, 5));
	cmpt_bell(0, C_STAT | C_TRIG(EVERY) | 1);	/* no interrupts */
	expect_eq(ctxt_word(CMPT, 0, 0) >> 1 & 1, 0);
}

static void test_polled(void)
{
	receive(&(struct setup){ .trig = EVERY, .vec = 5, .no_interrupt = true });
	generate(0, 8, 2, 0);
	expect_eq(stat_pidx(), 2);
	generate(0, 8, 2, 0);
	expect_eq(stat_pidx(), 4);
	expect(!msi(0, 5));
}

static void test_aggregated(void)
{
	uint64_t e;

	fmap(0, 40, 8);
	intr_ring(3, 0, 4);
	tables();
	make_c2h(&(struct setup){ .qid = 41, .trig = EVERY, .vec = 3, .aggregated = true });
	cmpt_bell(1, C_STAT | C_INT);
	wr(PF_DB + 16 + DB_C2H, SLOTS - 1);
	generate(41, 8, 2, 0);
	expect(msi(0, 4));
	e = intr_entry(3, 0);
	expect_eq(e & 0xffff, 1);			/* PIDX of completions */
	expect_eq(e >> 32 & 1, 1);
	expect_eq(e >> 38, 1ull << 25 | 41 << 1 | 1);
	expect_eq(intr_entry(3, 1), 0);
	cmpt_bell(1, C_STAT | C_INT | 1);		/* one left: an entry */
	e = intr_entry(3, 1);
	expect_eq(e & 0xffffffff, 1 << 16 | 2);
	expect(!msi(0, 4));
	wr(PF_DB + DB_INTR, 3 << 16 | 1);
	expect(msi(0, 4));
}

static void test_overflow(void)
{
	arm_errors();
	receive(&(struct setup){ .qid = 1, .trig = EVERY, .vec = 5 });
	generate(1, 8, SLOTS - 1, 0);
	expect(msi(0, 5));
	expect_eq(stat_pidx(), SLOTS - 1);		/* S - 2 are unread */
	wr(PF_DB + 16 + DB_C2H, 5);
	cmpt_bell(1, C_STAT | C_INT);			/* reads nothing */
	msi(0, 5);
	generate(1, 8, 1, 0);
	expect_eq(stat_err(), 3);
	expect_eq(stat_pidx(), SLOTS - 1);
	expect_eq(rd(0xaf0), 1 << 13);
	expect_eq(rd(0xb30), 13 << 16 | 1);
	expect(msi(0, 3));				/* the error interrupt */
	expect_eq(ctxt_word(CMPT, 1, 3) >> 28, 3 << 1);	/* error, not valid */
	generate(1, 8, 1, 0);
	expect_eq(rd(0xaf0), 1 << 13 | 1 << 12);
	receive(&(struct setup){ .qid = 2, .trig = EVERY, .vec = 5, .no_check = true });
	generate(2, 8, SLOTS - 1, 0);
	wr(PF_DB + 32 + DB_C2H, 5);
	generate(2, 8, 3, 0);
	expect_eq(stat_pidx(), 2);
	expect_eq(stat_err(), 0);
}

/* A completion context has to say that it is of a C2H queue, where it can. */
static void test_direction(void)
{
	bool asked = ip->ctxt_words[CMPT] == 6;

	receive(&(struct setup){ .trig = EVERY, .vec = 5, .no_direction = true });
	generate(0, 8, 1, 0);
	expect_eq(stat_pidx(), !asked);
	expect_eq(ctxt_word(HW_C2H, 0, 0) & 0xffff, !asked);	/* no buffer is used up */
	expect_eq(rd(0xaf0), asked ? 1 << 12 : 0);
	expect_eq(msi(0, 5), !asked);
}

static void test_bad_cidx(void)
{
	receive(&(struct setup){ .trig = EVERY, .vec = 5 });
	generate(0, 8, 3, 0);
	cmpt_bell(0, C_STAT | C_INT | 4);
	expect_eq(rd(0xaf0), 1 << 14);
	expect_eq(stat_err(), 1);
	expect_eq(ctxt_word(CMPT, 0, 3) >> 12 & 0xffff, 0);
	expect_eq(ctxt_word(CMPT, 0, 3) >> 29 & 3, 1);
	cmpt_bell(0, C_STAT | C_INT | 100);
	cmpt_bell(0, C_STAT | C_INT | 3);
	expect_eq(ctxt_word(CMPT, 0, 3) >> 12 & 0xffff, 3);
	cmpt_bell(0, C_STAT | C_INT | 2);		/* backwards */
	expect_eq(ctxt_word(CMPT, 0, 3) >> 12 & 0xffff, 3);
}

static void test_buffer_fault(void)
{
	uint64_t nowhere = NOWHERE;

	receive(&(struct setup){ .qid = 1, .trig = EVERY, .vec = 5 });
	qt_write(qt, RING(1) + 8, &nowhere, 8);
	generate(1, 8, 3, 0);
	expect_eq(stat_pidx(), 2);
	expect_eq(entry(1), 1 << 2 | 1 << 1);
	expect_eq(stat_err(), 2);
	expect_eq(rd(0xaf0), 1 << 4);
	expect_eq(rd(0xb30), 4 << 16 | 1);
	expect_eq(rd(0x254), 1 << 20);
	expect_eq(rd(0x25c), 3u << 30 | 1);
	expect_eq(ctxt_word(SW_C2H, 1, 1) & 1, 0);
	expect_eq(ctxt_word(PFCH, 1, 0) >> 26 & 1, 1);

	wr(0xaf0, ~0u);
	receive(&(struct setup){ .qid = 1, .trig = EVERY, .vec = 5, .prefetch = true });
	expect(qt_set(qt, "inject-desc-fetch-error", "2"));
	receive(&(struct setup){ .qid = 2, .trig = EVERY, .vec = 5 });
	generate(2, 8, 1, 0);
	expect(qt_set(qt, "inject-desc-fetch-error", "-1"));
	expect_eq(entry(0), 1 << 2 | 1 << 1);
	expect_eq(rd(0xaf0), 1 << 4);
}

static void test_h2c_fault(void)
{
	make_h2c(&(struct setup){ .qid = 1, .vec = 5 }, IRQ_EN);
	send(0, DATA, 100, 0);
	send(1, NOWHERE, 100, 0);
	h2c_bell(1, 2 | ARM);
	expect_eq(h2c_cidx(), 1);
	expect_eq(qt_read32(qt, RING(0) + 16 * SLOTS) & 0xffff, 1);
	expect(msi(0, 5));
	expect_eq(rd(0x254), 1 << 20);
	expect_eq(ctxt_word(SW_H2C, 1, 1) & 1, 0);
}

static void test_injection(void)
{
	receive(&(struct setup){ .qid = 1, .trig = EVERY, .vec = 5 });
	expect(qt_set(qt, "inject-drop-writeback", "1"));
	generate(1, 8, 1, 0);
	expect_eq(entry(0), 8 << 4 | 1 << 3 | 1 << 1);
	expect_eq(stat_pidx(), 0);
	generate(1, 8, 1, 0);
	expect_eq(stat_pidx(), 2);
	receive(&(struct setup){ .qid = 1, .trig = EVERY, .vec = 5 });
	make_h2c(&(struct setup){ .qid = 1 }, 0);
	expect(!qt_set(qt, "inject-cmpt-overflow", "4096"));
	expect(qt_set(qt, "inject-cmpt-overflow", "1"));
	generate(1, 8, 1, 0);
	expect(qt_set(qt, "inject-cmpt-overflow", "-1"));
	expect_eq(stat_err(), 3);
	expect_eq(rd(0xaf0), 1 << 13);
	wr(0xaf0, ~0u);
	receive(&(struct setup){ .qid = 1, .trig = EVERY, .vec = 5 });
	expect(qt_set(qt, "inject-data-error", "1"));
	generate(1, 8, 1, 0);
	send(0, DATA, 8, 0);
	h2c_bell(1, 1);
	expect(qt_set(qt, "inject-data-error", "-1"));
	expect_eq(entry(0), 1 << 2 | 1 << 1);
	expect_eq(qt_read32(qt, BACK), 0xeeeeeeee);
	expect_eq(rd(0xaf0), 1 << 4);
	expect_eq(qt_read32(qt, RING(0) + 16 * SLOTS) & 0xffff, 1);
}

/* After INV nothing is written; packets on their way are lost. */
static void test_stop(void)
{
	receive(&(struct setup){ .qid = 1, .trig = USER_TIMER, .vec = 5, .prefetch = true });
	generate(1, 8, 1, 0);
	msi(0, 5);
	cmpt_bell(1, C_STAT | C_INT | 0);
	uwr(U_CTL, START);
	ctxt(INV, SW_C2H, 1);
	ctxt(INV, PFCH, 1);
	ctxt(INV, CMPT, 1);
	qt_step(qt, STEP_NS);
	expect(!msi(0, 5));
	expect_eq(qt_read32(qt, BACK + BUF), 0xeeeeeeee);
	expect_eq(entry(1), 0);
	generate(1, 8, 3, 0);
	expect_eq(urd(U_DROPPED), 4);
	expect_eq(rd(0xaf0), 0);
	/* What waits for buffers is lost too, not kept for the next user. */
	receive(&(struct setup){ .qid = 1, .trig = EVERY, .vec = 5 });
	wr(PF_DB + 16 + DB_C2H, 0);
	generate(1, 8, 2, 0);
	expect_eq(stat_pidx(), 0);
	receive(&(struct setup){ .qid = 1, .trig = EVERY, .vec = 5 });
	qt_step(qt, STEP_NS);
	expect_eq(stat_pidx(), 0);
	expect_eq(urd(U_DROPPED), 6);
	generate(1, 8, 1, 0);
	expect_eq(stat_pidx(), 1);
}

/* The contexts are all of a queue: read, stopped, written back it goes on. */
static void test_move_queue(void)
{
	uint32_t sw[8], hw[8], pfch[8], cmpt[8];

	receive(&(struct setup){ .qid = 1, .trig = USER_TIMER, .vec = 5, .prefetch = true });
	uwr(U_PACKETS, 3);
	uwr(U_LEN, 8);
	uwr(U_QID, 1);
	uwr(U_CTL, START);
	qt_step(qt, 10000);
	ctxt_read(SW_C2H, 1, sw);
	ctxt_read(HW_C2H, 1, hw);
	ctxt_read(PFCH, 1, pfch);
	hw[0] -= pfch[0] >> 10 & 0x3f;			/* to be fetched again */
	ctxt_read(CMPT, 1, cmpt);
	ctxt(INV, SW_C2H, 1);
	ctxt(INV, CMPT, 1);
	qt_step(qt, STEP_NS);
	expect(!msi(0, 5));
	ctxt_write(HW_C2H, 2, hw, 2);
	ctxt_write(SW_C2H, 2, sw, 8);
	ctxt_write(PFCH, 2, pfch, 2);
	ctxt_write(CMPT, 2, cmpt, 6);
	qt_step(qt, STEP_NS);
	expect(msi(0, 5));
	expect_eq(stat_pidx(), 3);
	generate(2, 8, 1, 0);
	expect(is_pattern(BACK + 3 * BUF, 0, 8));
	expect_eq(entry_len(3), 8);
}

/* Buffers in the prefetch cache count as fetched, and go with its context. */
static void test_evict(void)
{
	uint32_t sw[8], hw[8], pfch[8];

	receive(&(struct setup){ .qid = 1, .trig = EVERY, .vec = 5, .prefetch = true });
	generate(1, 8, 1, 0);
	ctxt_read(SW_C2H, 1, sw);
	sw[1] &= ~1u;
	ctxt_write(SW_C2H, 1, sw, 8);
	expect_eq(ctxt_word(HW_C2H, 1, 1) >> 9 & 1, 0);
	ctxt(INV, PFCH, 1);
	ctxt_read(PFCH, 1, pfch);
	expect_eq(pfch[1] >> 13 & 1, 0);
	/* IP 3.x does not tell, and the index is that of completed ones. */
	expect_eq(pfch[0] >> 10 & 0x3f, ip->ctxt_words[SW_C2H] == 8 ? SLOTS - 2 : 0);
	ctxt_read(HW_C2H, 1, hw);
	expect_eq(hw[0] & 0xffff, 1 + (pfch[0] >> 10 & 0x3f));
	/* Without this they would be skipped. */
	hw[0] = 1;
	pfch[0] &= ~0xfc00u;
	pfch[1] |= 1 << 13;
	sw[1] |= 1;
	ctxt_write(HW_C2H, 1, hw, 2);
	ctxt_write(PFCH, 1, pfch, 2);
	ctxt_write(SW_C2H, 1, sw, 8);
	generate(1, 8, 1, 0);
	expect_eq(stat_pidx(), 2);
	expect(is_pattern(BACK + BUF, 0, 8));
}

static void test_marker(void)
{
	receive(&(struct setup){ .trig = EVERY, .vec = 5 });
	generate(0, 8, 1, MARKER);
	expect_eq(urd(U_STATUS), 1);
	expect_eq(rd(0xba0), 1);
	expect_eq(stat_pidx(), 0);
	/* It comes after what waits. */
	generate(0, 8, SLOTS - 1, 0);
	cmpt_bell(0, C_STAT | C_INT | (SLOTS - 1));
	generate(0, 8, 1, 0);
	uwr(U_CTL, MARKER);
	qt_step(qt, STEP_NS);
	expect_eq(urd(U_STATUS), 0);
	wr(PF_DB + DB_C2H, 5);
	qt_step(qt, STEP_NS);
	expect_eq(urd(U_STATUS), 1);
	uwr(U_QID, 7);					/* no such queue */
	uwr(U_CTL, MARKER);
	qt_step(qt, STEP_NS);
	expect_eq(urd(U_STATUS), 1);
}

/* User interrupts go to the function and vector that 0x94 names. */
static void test_user_interrupt(void)
{
	receive(&(struct setup){ .trig = EVERY, .vec = 5 });
	make_h2c(&(struct setup){ .qid = 1 }, 0);
	uwr(U_INTR, 3 << 12 | 7 << 4);
	generate(0, 8, 2, 0);
	expect(!msi(3, 7));				/* masked */
	expect_eq(urd(U_EVENTS), 1);
	expect_eq(urd(U_EVENTS), 0);
	uwr(U_MASK, 3);
	generate(0, 8, 2, 0);
	expect(msi(3, 7));
	send(0, DATA, 8, 0);
	h2c_bell(1, 1);
	expect(msi(3, 7));
	generate(0, 8, 1, MARKER);
	expect(!msi(3, 7));
	expect_eq(urd(U_EVENTS), 7);
	uwr(U_INTR, 2 << 12 | 4 << 4 | 1);
	expect(msi(2, 4));
	expect_eq(urd(U_INTR) & 1, 0);
	uwr(U_QID, ~0u);
	expect_eq(urd(U_QID), ip->queues - 1);
	uwr(U_INTR, 200 << 12 | 4 << 4 | 1);		/* no such function */
	uwr(U_INTR, 1 << 12 | 31 << 4 | 1);		/* no such vector */
	expect_eq(rd(0xaf0), 1 << 7);
}

void stream_save_prepare(void)
{
	qt_fill(qt, DATA, 0x5a, 64);
	receive(&(struct setup){ .qid = 1, .trig = USER_TIMER, .vec = 5 });
	make_h2c(&(struct setup){ .qid = 1 }, 0);
	uwr(U_LOOP, 1);
	generate(1, 8, SLOTS - 2, 0);			/* one buffer is left */
	cmpt_bell(1, C_STAT | C_INT | (SLOTS - 2));
	msi(0, 5);
	send(0, DATA, 60, 0);
	send(1, DATA, 61, 0);
	wr(PF_DB + 16 + DB_H2C, 2);
	qt_step(qt, 10000);
	expect_eq(ctxt_word(CMPT, 1, 4) & 1, 1);
	uwr(U_QID, ~0u);
}

void stream_save_check(void)
{
	expect_eq(urd(U_QID), ip->queues - 1);
	expect(!msi(0, 5));
	qt_step(qt, 1000ull * STEP_NS * 1000);	/* a new machine's time is 0 */
	expect(msi(0, 5));
	expect_eq(entry_len(SLOTS - 2), 60);
	cmpt_bell(1, C_STAT | C_INT | (SLOTS - 1));
	wr(PF_DB + 16 + DB_C2H, 5);
	qt_step(qt, STEP_NS);
	expect_eq(entry_len(SLOTS - 1), 61);
	expect_eq(qt_read32(qt, BACK + (SLOTS - 1) * BUF), 0x5a5a5a5a);
}

/* A queue of random contexts, a random start of the user logic */
void stream_noise(uint32_t *x, int i)
{
	static const int sel[] = { SW_C2H, PFCH, CMPT };
	int qid = i % 4;
	uint32_t w[8];

	for (int s = 0; s < 3; s++) {
		for (int k = 0; k < 8; k++)
			w[k] = *x = *x * 1664525 + 1013904223;
		if (sel[s] == SW_C2H && i & 1) {
			w[0] &= 0xffff;
			w[1] = (w[1] & ~(1u << 31 | 7u << 16 | 0xfu << 12)) | 1;
			w[2] &= 0x3fff000;
			w[3] = 0;
		} else if (sel[s] == CMPT && i & 1) {
			w[0] &= ~(0xfffu << 5 | 0xfu << 28);
			w[1] &= 0xffff;
			w[2] &= 3u << 26;
			w[3] = (w[3] & 0xf000) | 1u << 28;
			w[5] &= ~(0xfu << 14);
		}
		ctxt_write(sel[s], qid, w, 8);
	}
	uwr(U_QID, qid);
	uwr(U_LEN, *x >> 8);
	uwr(U_PACKETS, *x >> 20);
	uwr(U_BYPASS, *x >> 3);
	uwr(U_LOOP, *x >> 7);
	uwr(U_CTL, *x & ~1u);
	wr(PF_DB + 16 * qid + DB_C2H, *x >> 24);
	cmpt_bell(qid, *x * 2654435761u);
	qt_step(qt, 50000);
}

const struct test stream_tests[] = {
	{ "st-generator", test_generator },
	{ "st-no-status", test_no_status },
	{ "st-entry-sizes", test_entry_sizes },
	{ "st-colour", test_colour },
	{ "st-many-buffers", test_many_buffers },
	{ "st-zero-length", test_zero_length },
	{ "st-back-pressure", test_back_pressure },
	{ "st-h2c-checker", test_h2c_checker },
	{ "st-loopback", test_loopback },
	{ "st-own-loopback", test_own_loopback },
	{ "st-loopback-pressure", test_loopback_pressure },
	{ "st-loopback-moves", test_loopback_moves },
	{ "st-bypass", test_bypass },
	{ "st-trigger-every", test_trigger_every },
	{ "st-trigger-count", test_trigger_count },
	{ "st-trigger-user", test_trigger_user },
	{ "st-trigger-timer", test_trigger_timer },
	{ "st-trigger-none", test_trigger_none },
	{ "st-full-update", test_full_update },
	{ "st-polled", test_polled },
	{ "st-aggregated", test_aggregated },
	{ "st-overflow", test_overflow },
	{ "st-direction", test_direction },
	{ "st-bad-cidx", test_bad_cidx },
	{ "st-buffer-fault", test_buffer_fault },
	{ "st-h2c-fault", test_h2c_fault },
	{ "st-injection", test_injection },
	{ "st-stop", test_stop },
	{ "st-move-queue", test_move_queue },
	{ "st-evict", test_evict },
	{ "st-marker", test_marker },
	{ "user-interrupt", test_user_interrupt },
	{ }
};
