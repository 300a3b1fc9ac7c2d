// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the tests of the emulated card share
 */
#include "card.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ip *ip;
struct qt *qt;
char why[256];

/* Records the first thing that is wrong in a test. */
void expect_at(int line, bool ok, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (ok || why[0])
		return;
	n = snprintf(why, sizeof(why), "line %d: ", line);
	va_start(ap, fmt);
	vsnprintf(why + n, sizeof(why) - n, fmt, ap);
	va_end(ap);
}

uint32_t rd(uint32_t reg)
{
	return qt_read32(qt, PF_CFG + reg);
}

void wr(uint32_t reg, uint32_t val)
{
	qt_write32(qt, PF_CFG + reg, val);
}

uint32_t vrd(int vf, uint32_t reg)
{
	return qt_read32(qt, VF_CFG(vf) + reg);
}

void vwr(int vf, uint32_t reg, uint32_t val)
{
	qt_write32(qt, VF_CFG(vf) + reg, val);
}

void ctxt(int op, int sel, unsigned int index)
{
	wr(0x844, index << 7 | op << 5 | sel << 1);
}

void ctxt_write(int sel, unsigned int index, const uint32_t *w, int words)
{
	for (int i = 0; i < 8; i++)
		wr(0x804 + 4 * i, i < words ? w[i] : 0);
	for (int i = 0; i < 8; i++)
		wr(0x824 + 4 * i, ~0u);
	ctxt(WR, sel, index);
}

void ctxt_read(int sel, unsigned int index, uint32_t *w)
{
	ctxt(RD, sel, index);
	for (int i = 0; i < 8; i++)
		w[i] = rd(0x804 + 4 * i);
}

uint32_t ctxt_word(int sel, unsigned int index, int word)
{
	uint32_t w[8];

	ctxt_read(sel, index, w);
	return w[word];
}

void fmap(int fn, uint32_t base, uint32_t count)
{
	uint32_t w[2] = { base, count };

	ctxt_write(FMAP, fn, w, 2);
}

static void setup_msix(int devfn, uint64_t cfg, uint32_t table)
{
	int cap = qt_find_cap(qt, devfn, 0x11);

	for (int v = 0; v < 8; v++) {
		qt_write32(qt, cfg + table + 16 * v, MSI(devfn, v));
		qt_write32(qt, cfg + table + 16 * v + 4, 0);
		qt_write32(qt, cfg + table + 16 * v + 8, 0xc0de0000 | v);
		qt_write32(qt, cfg + table + 16 * v + 12, 0);
	}
	qt_cfg_write16(qt, devfn, cap + 2, 0x8000);
	qt_fill(qt, MSI(devfn, 0), 0, 32);
}

/* Whether vector vec of function fn was sent since the last call */
bool msi(int fn, int vec)
{
	bool sent = qt_read32(qt, MSI(fn, vec)) == (0xc0de0000u | vec);

	qt_write32(qt, MSI(fn, vec), 0);
	return sent;
}

static void set_bar(int devfn, int reg, uint64_t addr)
{
	qt_cfg_write32(qt, devfn, reg, addr);
	qt_cfg_write32(qt, devfn, reg + 4, addr >> 32);
}

void enable_vfs(int count)
{
	int cap = qt_find_ecap(qt, 0, 0x10);

	set_bar(0, cap + 0x24, VF_CFG(1));
	set_bar(0, cap + 0x2c, VF_USER(1));
	set_bar(0, cap + 0x34, VF_BYPASS(1));
	qt_cfg_write16(qt, 0, cap + 0x10, count);
	qt_cfg_write16(qt, 0, cap + 0x08, count ? 0x19 : 0);
	for (int vf = 1; vf <= count; vf++) {
		qt_cfg_write16(qt, vf, 0x04, 0x6);
		setup_msix(vf, VF_CFG(vf), 0x4000);
	}
}

/* The state every test starts from: a reset card, VFs on, an MM engine on */
void start(void)
{
	int exp = qt_find_cap(qt, 0, 0x10);

	why[0] = '\0';
	qt_cfg_write16(qt, 0, exp + 8, 0x8000);		/* FLR */
	set_bar(0, 0x10, PF_CFG);
	set_bar(0, 0x18, PF_USER);
	set_bar(0, 0x20, PF_BYPASS);
	qt_cfg_write16(qt, 0, 0x04, 0x6);
	setup_msix(0, PF_CFG, ip->msix_table);
	enable_vfs(VFS);
	wr(0x204, 17);					/* 16 slots */
	wr(0x208, 65);
	wr(0x250, 0x28);				/* fetch 32, interval 4 */
	wr(0x1004, 1);
	wr(0x1204, 1);
	wr(0x258, ~0u);
	wr(0x268, ~0u);
	wr(0x1054, ~0u);
	wr(0x1254, ~0u);
	fmap(0, 0, 8);
	for (int i = 0; i < 8; i++)
		qt_fill(qt, RING(i), 0, 0x1000);
}

/* An MM queue with ring size index 0; extra goes into word 1, w4 is word 4 */
void mm_queue(bool c2h, int qid, int fn, int ring, uint32_t extra, uint32_t w4)
{
	uint32_t w[8] = {
		fn << 17 | (extra & IRQ_EN ? 1u << 16 : 0),
		1u << 31 | 1u << 20 | 2u << 16 | 1 | extra,
		RING(ring), 0, w4,
	};

	ctxt(CLR, c2h ? SW_C2H : SW_H2C, qid);
	ctxt(CLR, c2h ? HW_C2H : HW_H2C, qid);
	ctxt_write(c2h ? SW_C2H : SW_H2C, qid, w, 8);
}

void desc(int ring, int slot, uint64_t src, uint64_t dst, uint32_t len)
{
	uint64_t d[4] = { src, len, dst, 0 };

	qt_write(qt, RING(ring) + 32 * slot, d, sizeof(d));
}

uint16_t status_cidx(int ring, int slots)
{
	return qt_read32(qt, RING(ring) + 32 * slots) >> 16;
}

uint16_t status_err(int ring, int slots)
{
	return qt_read32(qt, RING(ring) + 32 * slots) & 0xffff;
}

void fill_pattern(uint8_t *p, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = seed + i * 7 + (i >> 8);
}

void intr_ring(int ring, int fn, int vec)
{
	uint64_t base = INTR_RING(ring);
	uint32_t w[4] = {
		1 | vec << 1 | 1 << 14 | (base >> 12) << 15, base >> 29,
		base >> 61, fn << 18,
	};

	qt_fill(qt, base, 0, 4096);
	ctxt_write(INTR, ring, w, 4);
}

uint64_t intr_entry(int ring, int index)
{
	return qt_read_sized(qt, INTR_RING(ring) + 8 * index, 8);
}

/* A counter of a function; -1 if it is not there */
long counter(int fn, const char *name)
{
	const char *list = qt_qmp(qt, NULL, "{\"execute\":\"qom-get\","
				  "\"arguments\":{\"path\":\"card0\","
				  "\"property\":\"counters\"}}");
	const char *object = list, *end, *at;
	char key[64], id[32];

	snprintf(key, sizeof(key), "\"%s\": ", name);
	snprintf(id, sizeof(id), "\"function\": %d", fn);
	while ((object = strchr(object, '{'))) {
		object++;
		end = strchr(object, '}');
		at = strstr(object, id);
		if (!end || !at || at > end || (at[strlen(id)] != ',' &&
						at[strlen(id)] != '}'))
			continue;
		at = strstr(object, key);
		return at && at < end ? atol(at + strlen(key)) : -1;
	}
	return -1;
}

/* Arms the error interrupt: vector 3 of the PF, all errors let through */
void arm_errors(void)
{
	wr(0x24c, ~0u);
	wr(0xb04, 3 << 12);
	wr(0xb04, 3 << 12 | 1 << 24);
}
