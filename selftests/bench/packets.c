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
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

#define ROUND		16	/* packets */
#define WORDS_MAX	512
#define LOST_MS		500	/* without a packet: the next round begins */

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

int main(int argc, char **argv)
{
	uint64_t next = 1, came = 0, first, i;
	struct load load;
	int fd;

	if (argc != 3)
		errx(2, "usage: packets DEVICE ROUNDS-FILE");
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[1]);
	load_begin(&load, argv[2]);
	while (!enough) {
		first = 1 + load.rounds * ROUND;
		for (i = 0; i < ROUND; i++)
			send_one(fd, first + i);
		came += receive(fd, &next, first + ROUND);
		load_round_over(&load);
	}
	load_end(&load, load.rounds * ROUND - came);
	return 0;
}
