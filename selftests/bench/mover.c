// SPDX-License-Identifier: GPL-2.0-only
/*
 * mover DEVICE MIB ROUNDS-FILE [REST-MS]: moves data until it gets SIGTERM, in 16 MiB
 * of card memory from MIB on, and tells how long it ever had to wait. REST-MS is
 * how long it rests between rounds, if others want the processor.
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
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK		(256 << 10)
#define BLOCKS		64
#define RETRY_US	1000

static volatile sig_atomic_t enough;

static void on_term(int sig)
{
	(void)sig;
	enough = 1;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

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

static void tell(int rounds_fd, uint64_t rounds)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)rounds);

	if (pwrite(rounds_fd, text, len, 0) != len)
		err(1, "number of rounds");
}

int main(int argc, char **argv)
{
	uint64_t round = 0, failed = 0, gap = 0, last = 0, *block, *back;
	int fd = -1, rounds_fd;
	useconds_t rest_us;
	off_t start;

	if (argc != 4 && argc != 5)
		errx(2, "usage: mover DEVICE MIB ROUNDS-FILE [REST-MS]");
	rest_us = argc > 4 ? strtoul(argv[4], NULL, 0) * 1000 : 0;
	start = (off_t)strtoul(argv[2], NULL, 0) << 20;
	rounds_fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	block = malloc(BLOCK);
	back = malloc(BLOCK);
	if (rounds_fd < 0 || !block || !back)
		err(1, "%s", argv[3]);
	signal(SIGTERM, on_term);
	while (!enough) {
		if (fd < 0)
			fd = open(argv[1], O_RDWR);
		fill(block, round);
		memset(back, 0, BLOCK);
		if (fd < 0 || !move(fd, block, back, start + round % BLOCKS * BLOCK)) {
			failed++;
			if (fd >= 0)
				close(fd);
			fd = -1;
			usleep(RETRY_US);
			continue;
		}
		if (memcmp(block, back, BLOCK))
			errx(1, "round %llu: what was read is not what was written", (unsigned long long)round);
		if (last && now_us() - last > gap)
			gap = now_us() - last;
		last = now_us();
		tell(rounds_fd, ++round);
		if (rest_us)
			usleep(rest_us);
	}
	printf("%llu %llu %llu\n", (unsigned long long)round, (unsigned long long)gap / 1000,
	       (unsigned long long)failed);
	return 0;
}
