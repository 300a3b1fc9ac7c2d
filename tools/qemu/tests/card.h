/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulated card as its tests see it: addresses, accesses, contexts, rings
 *
 * Register numbers are written out again here, from the hardware documents:
 * a test that used the model's own header could not find a mistake in it.
 */
#ifndef CARD_H
#define CARD_H

#include "qtest.h"

#define VFS		4

/* Bus addresses the test gives to the BARs */
#define PF_CFG		(QT_WINDOW + 0x00000000ull)
#define PF_USER		(QT_WINDOW + 0x00100000ull)
#define PF_BYPASS	(QT_WINDOW + 0x00200000ull)
#define VF_CFG(n)	(QT_WINDOW + 0x01000000ull + ((n) - 1) * 0x8000ull)
#define VF_USER(n)	(QT_WINDOW + 0x02000000ull + ((n) - 1) * 0x1000ull)
#define VF_BYPASS(n)	(QT_WINDOW + 0x10000000ull + ((n) - 1) * 0x100000ull)

/* Machine memory: a word per vector that MSI-X messages go to, rings, data */
#define MSI(fn, vec)	(0x100000ull + (fn) * 0x100 + (vec) * 4)
#define RING(i)		(0x200000ull + (i) * 0x10000ull)
#define INTR_RING(i)	(0x300000ull + (i) * 0x10000ull)
#define DATA		0x400000ull
#define BACK		0x800000ull
#define NOWHERE		0x00f0000000000000ull

#define PF_DB		0x18000
#define VF_DB		0x3000
#define DB_INTR		0x0
#define DB_H2C		0x4
#define DB_C2H		0x8
#define DB_CMPT		0xc
#define ARM		0x10000u
#define PF_MBOX		(ip->pf_mbox)
#define VF_MBOX		(ip->vf_mbox)

#define CLR		0
#define WR		1
#define RD		2
#define INV		3

#define SW_C2H		0
#define SW_H2C		1
#define HW_C2H		2
#define HW_H2C		3
#define CMPT		6
#define INTR		8
#define FMAP		0xc

#define STEP_NS		1000000		/* enough for anything in flight */

#define IRQ_EN		(1u << 21)
#define WBI_INTVL	(1u << 3)
#define WBI_CHK		(1u << 2)
#define AGGR		(1u << 11)

/* What an IP revision has different, from the hardware documents */
struct ip {
	const char *name;
	uint32_t pf_id, vf_id;		/* device << 16 | vendor */
	uint32_t pf_mbox, vf_mbox, msix_table;
	uint32_t misc_cap, vf_version, channels, queues_cap;
	unsigned int queues, buffers, len_limit, mm_channels;
	bool intr_function;
	uint32_t ctxt_last[16];		/* by selector: bits of the last word */
	int ctxt_words[16];
};

extern const struct ip *ip;

/* The machine under test, and what went wrong first in the running test */
extern struct qt *qt;
extern char why[256];

#define expect(cond)	expect_at(__LINE__, (cond), "%s", #cond)
#define expect_eq(a, b) do {						\
	uint64_t a_ = (a), b_ = (b);					\
	expect_at(__LINE__, a_ == b_, "%s is 0x%llx, not 0x%llx", #a,	\
		  (unsigned long long)a_, (unsigned long long)b_);	\
} while (0)

void expect_at(int line, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
uint32_t rd(uint32_t reg);
void wr(uint32_t reg, uint32_t val);
uint32_t vrd(int vf, uint32_t reg);
void vwr(int vf, uint32_t reg, uint32_t val);
void ctxt(int op, int sel, unsigned int index);
void ctxt_write(int sel, unsigned int index, const uint32_t *w, int words);
void ctxt_read(int sel, unsigned int index, uint32_t *w);
uint32_t ctxt_word(int sel, unsigned int index, int word);
void fmap(int fn, uint32_t base, uint32_t count);
bool msi(int fn, int vec);
void enable_vfs(int count);
void start(void);
void mm_queue(bool c2h, int qid, int fn, int ring, uint32_t extra, uint32_t w4);
void desc(int ring, int slot, uint64_t src, uint64_t dst, uint32_t len);
uint16_t status_cidx(int ring, int slots);
uint16_t status_err(int ring, int slots);
void fill_pattern(uint8_t *p, size_t len, unsigned int seed);
void intr_ring(int ring, int fn, int vec);
uint64_t intr_entry(int ring, int index);
long counter(int fn, const char *name);
void arm_errors(void);

struct test {
	const char *name;
	void (*test)(void);
};

/* stream-test.c, ip-test.c; the last has no name */
extern const struct test stream_tests[];
extern const struct test ip_tests[];
extern const struct ip ips[];

/* Parts of tests that need to know streams: around a migration, and noise */
void stream_save_prepare(void);
void stream_save_check(void);
void stream_noise(uint32_t *x, int i);

#endif
