// SPDX-License-Identifier: GPL-2.0-only
/*
 * packets DEVICE ROUNDS-FILE: sends numbered packets into a stream and receives
 * them again, through the loopback of the example design, until it gets SIGTERM.
 *
 * Each round sends some packets of many lengths, and waits a while for the last of them.
 * What is promised of a stream: a packet comes once or not at all, after those
 * sent before it, with every byte right. A card whose function is paused for a
 * while drops what is under way to it, so some may be missing; they are counted.
 * ROUNDS-FILE holds the number of rounds that are over. At the end prints
 *
 *	ROUNDS GAP LOST
 *
 * where GAP is the longest time between the ends of two rounds, in
 * milliseconds. Status 1, at once: a packet came twice, out of order, or with
 * other bytes, or the device failed.
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUND		16	/* packets */
#define WORDS_MAX	512
#define LOST_MS		500	/* without a packet: the next round begins */

static volatile sig_atomic_t enough;

static void on_term(int sig)
{
	(void)sig;
	enough = 1;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* The number, then what follows from it. Return: bytes. */
static size_t make(uint64_t *packet, uint64_t number)
{
	size_t i, words = 1 + number * 37 % WORDS_MAX;

	packet[0] = number;
	for (i = 1; i < words; i++)
		packet[i] = (number << 16 | i) * 0x9e3779b97f4a7c15ULL;
	return words * sizeof(*packet);
}

static void send_one(int fd, uint64_t number)
{
	uint64_t packet[WORDS_MAX];
	size_t len = make(packet, number);

	if (write(fd, packet, len) != (ssize_t)len)
		err(1, "packet %llu is not sent", (unsigned long long)number);
}

/* Receives one packet, none before @from. Return: its number. */
static uint64_t receive_one(int fd, uint64_t from)
{
	uint64_t got[WORDS_MAX + 1] = { 0 }, want[WORDS_MAX];
	ssize_t len = read(fd, got, sizeof(got));

	if (len < (ssize_t)sizeof(*got))
		err(1, "packet %llu: %zd bytes", (unsigned long long)from, len);
	if (got[0] < from)
		errx(1, "packet %llu came again, or out of order: %llu is due", (unsigned long long)got[0],
		     (unsigned long long)from);
	if ((size_t)len != make(want, got[0]) || memcmp(got, want, len))
		errx(1, "packet %llu is not what was sent", (unsigned long long)got[0]);
	return got[0];
}

/* What does not come before @end in time may still come in a later round, or was dropped. Return: how many came. */
static uint64_t receive(int fd, uint64_t *next, uint64_t end)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t came = 0, number;

	while (*next < end && poll(&p, 1, LOST_MS) > 0) {
		number = receive_one(fd, *next);
		if (number >= end)
			errx(1, "packet %llu was not sent", (unsigned long long)number);
		*next = number + 1;
		came++;
	}
	return came;
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
	uint64_t round = 0, next = 1, came = 0, gap = 0, last = 0, i;
	int fd, rounds_fd;

	if (argc != 3)
		errx(2, "usage: packets DEVICE ROUNDS-FILE");
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[1]);
	rounds_fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (rounds_fd < 0)
		err(1, "%s", argv[2]);
	signal(SIGTERM, on_term);
	while (!enough) {
		for (i = 0; i < ROUND; i++)
			send_one(fd, 1 + round * ROUND + i);
		came += receive(fd, &next, 1 + ++round * ROUND);
		if (last && now_ms() - last > gap)
			gap = now_ms() - last;
		last = now_ms();
		tell(rounds_fd, round);
	}
	printf("%llu %llu %llu\n", (unsigned long long)round, (unsigned long long)gap,
	       (unsigned long long)(round * ROUND - came));
	return 0;
}
