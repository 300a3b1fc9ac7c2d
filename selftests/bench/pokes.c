// SPDX-License-Identifier: GPL-2.0-only
/*
 * pokes BAR0 BAR2 ROUNDS-FILE [REST-MS]: reads and writes registers of a VF until it gets SIGTERM, by way of its driver's
 * BARs in sysfs (iomem=relaxed); REST-MS (1) is how long it rests between rounds. The user logic's scratch register has
 * to be this program's alone.
 *
 * Each round reads the number that the round before has written to that register, writes another there, rings a doorbell
 * that moves nothing, and reads the register and the VF's version. What is read is what it has to be, or all ones if the
 * VF is paused just then. At the end prints
 *
 *	ROUNDS GAP ONES
 *	STALL
 *
 * where GAP is the longest time between the ends of two rounds, in milliseconds, ONES how many reads gave all ones,
 * and STALL the longest time that one access took, in milliseconds. Status 1, at once: a read gave something else.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "load.h"

#define PAGE		4096
#define REGS_PAGE	0x5000	/* BAR 0: the mailbox, of an EQDMA */
#define VERSION		0x14
#define DOORBELLS_PAGE	0x3000
#define DOORBELL	0x0c	/* of queue 0: index of a completion ring, which it has not */
#define SCRATCH		0x60	/* BAR 2 */
#define ALL_ONES	0xffffffffU

struct pokes {
	struct load load;
	uint64_t ones;
	uint64_t stall_us;
};

static volatile uint32_t *map(const char *bar, off_t page)
{
	int fd = open(bar, O_RDWR | O_SYNC);
	void *regs = fd < 0 ? MAP_FAILED : mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);

	if (regs == MAP_FAILED)
		err(1, "%s", bar);
	close(fd);
	return regs;
}

static void note_stall(struct pokes *p, uint64_t start_us)
{
	uint64_t us = load_now_us() - start_us;

	if (us > p->stall_us)
		p->stall_us = us;
}

static void poke(struct pokes *p, volatile uint32_t *reg, uint32_t value)
{
	uint64_t start_us = load_now_us();

	*reg = value;
	note_stall(p, start_us);
}

/* @want: what the register holds */
static void peek(struct pokes *p, volatile uint32_t *reg, uint32_t want, const char *what)
{
	uint64_t start_us = load_now_us();
	uint32_t is = *reg;

	note_stall(p, start_us);
	if (is == ALL_ONES)
		p->ones++;
	else if (is != want)
		errx(1, "round %llu: %s is %#x, not %#x", (unsigned long long)p->load.rounds, what, is, want);
}

int main(int argc, char **argv)
{
	volatile uint32_t *regs, *doorbells, *user;
	struct pokes p = { 0 };
	useconds_t rest_us;
	uint32_t version;

	if (argc != 4 && argc != 5)
		errx(2, "usage: pokes BAR0 BAR2 ROUNDS-FILE [REST-MS]");
	rest_us = argc > 4 ? strtoul(argv[4], NULL, 0) * 1000 : 1000;
	regs = map(argv[1], REGS_PAGE);
	doorbells = map(argv[1], DOORBELLS_PAGE);
	user = map(argv[2], 0);
	version = regs[VERSION / 4];
	if (!version || version == ALL_ONES)
		errx(1, "version %#x", version);
	load_begin(&p.load, argv[3]);
	poke(&p, &user[SCRATCH / 4], 0);
	while (!enough) {
		uint32_t number = p.load.rounds + 1;

		peek(&p, &user[SCRATCH / 4], number - 1, "the scratch register, from before,");
		poke(&p, &user[SCRATCH / 4], number);
		poke(&p, &doorbells[DOORBELL / 4], 0);
		peek(&p, &user[SCRATCH / 4], number, "the scratch register");
		peek(&p, &regs[VERSION / 4], version, "the version");
		load_round_over(&p.load);
		usleep(rest_us);
	}
	load_end(&p.load, p.ones);
	printf("%llu\n", (unsigned long long)p.stall_us / 1000);
	return 0;
}
