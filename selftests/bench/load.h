/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the loads in guests share: they go round until SIGTERM, tell how many rounds are over in a file, and remember
 * the longest time between the ends of two.
 */
#ifndef LOAD_H
#define LOAD_H

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t enough;

struct load {
	int fd;
	uint64_t rounds;
	uint64_t gap_us;
	uint64_t last_us;
};

static void on_term(int sig)
{
	(void)sig;
	enough = 1;
}

static inline void load_begin(struct load *load, const char *rounds_file)
{
	*load = (struct load){ .fd = open(rounds_file, O_WRONLY | O_CREAT | O_TRUNC, 0644) };
	if (load->fd < 0)
		err(1, "%s", rounds_file);
	signal(SIGTERM, on_term);
}

static inline uint64_t load_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static inline void load_round_over(struct load *load)
{
	uint64_t us = load_now_us();

	if (load->last_us && us - load->last_us > load->gap_us)
		load->gap_us = us - load->last_us;
	load->last_us = us;
	load->rounds++;
	if (lseek(load->fd, 0, SEEK_SET) || dprintf(load->fd, "%llu\n", (unsigned long long)load->rounds) < 0)
		err(1, "number of rounds");
}

/* @bad: transfers that failed, packets that were lost */
static inline void load_end(const struct load *load, uint64_t bad)
{
	printf("%llu %llu %llu\n", (unsigned long long)load->rounds,
	       (unsigned long long)load->gap_us / 1000, (unsigned long long)bad);
}

#endif /* LOAD_H */
