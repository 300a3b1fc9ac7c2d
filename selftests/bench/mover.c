// SPDX-License-Identifier: GPL-2.0-only
/*
 * mover DEVICE MIB ROUNDS-FILE [REST-MS]: moves data until it gets SIGTERM, in 16 MiB
 * of card memory from MIB on, and tells how long it ever had to wait. REST-MS is
 * how long it rests between rounds, if others want the processor. DEVICE may be
 * a disk: its data passes by no cache.
 *
 * Each round writes a block that was never written before, reads it back and
 * compares. A round that fails is counted and made again, with the device
 * opened anew: it may have been unplugged, and plugged again. ROUNDS-FILE holds
 * the number of rounds that are over. At the end prints
 *
 *	ROUNDS GAP FAILED
 *
 * where GAP is the longest time between the ends of two rounds, in
 * milliseconds. Status 1, at once: a block was different.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load.h"

#define BLOCK		(256 << 10)
#define BLOCKS		64
#define ALIGN		4096	/* of memory that a disk reads and writes */
#define RETRY_US	1000

/* No two rounds, and no two words of one, are alike. */
static void fill(uint64_t *block, uint64_t round)
{
	size_t i;

	for (i = 0; i < BLOCK / sizeof(*block); i++)
		block[i] = (round << 32 | i) * 0x9e3779b97f4a7c15ULL;
}

/* False if the device did not do it. */
static bool move(int fd, const uint64_t *block, uint64_t *back, off_t at)
{
	return pwrite(fd, block, BLOCK, at) == BLOCK && pread(fd, back, BLOCK, at) == BLOCK;
}

static int open_device(const char *path)
{
	struct stat st;
	int direct = !stat(path, &st) && S_ISBLK(st.st_mode) ? O_DIRECT : 0;

	return open(path, O_RDWR | direct);
}

int main(int argc, char **argv)
{
	uint64_t failed = 0, *block, *back;
	struct load load;
	useconds_t rest_us;
	off_t start;
	int fd = -1;

	if (argc != 4 && argc != 5)
		errx(2, "usage: mover DEVICE MIB ROUNDS-FILE [REST-MS]");
	rest_us = argc > 4 ? strtoul(argv[4], NULL, 0) * 1000 : 0;
	start = (off_t)strtoul(argv[2], NULL, 0) << 20;
	block = aligned_alloc(ALIGN, BLOCK);
	back = aligned_alloc(ALIGN, BLOCK);
	if (!block || !back)
		err(1, "blocks");
	load_begin(&load, argv[3]);
	while (!enough) {
		if (fd < 0)
			fd = open_device(argv[1]);
		fill(block, load.rounds);
		memset(back, 0, BLOCK);
		if (fd < 0 || !move(fd, block, back, start + load.rounds % BLOCKS * BLOCK)) {
			failed++;
			if (fd >= 0)
				close(fd);
			fd = -1;
			usleep(RETRY_US);
			continue;
		}
		if (memcmp(block, back, BLOCK))
			errx(1, "round %llu: what was read is not what was written", (unsigned long long)load.rounds);
		load_round_over(&load);
		if (rest_us)
			usleep(rest_us);
	}
	load_end(&load, failed);
	return 0;
}
