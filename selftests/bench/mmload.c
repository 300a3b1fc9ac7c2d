// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmload DEVICE read|write|pread|pwrite SIZE DEPTH COUNT [OFFSET [SPAN]]
 *
 * COUNT transfers of SIZE bytes, DEPTH in flight, walking through SPAN bytes of
 * card memory from OFFSET: read and write through io_uring, pread and pwrite
 * by so many threads, for drivers that know no better. It does as little as
 * possible besides, so that what is counted is the driver and the card. Prints
 * nothing; exit status 1 when a transfer failed or was short.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct load {
	struct io_uring ring;
	int fd;
	bool write;
	unsigned int size;
	unsigned int depth;
	uint64_t count;
	uint64_t offset;
	uint64_t span;
	char *buf;
	uint64_t started;
	atomic_ullong taken;	/* by threads */
};

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (*end || end == text)
		errx(2, "not a number: %s", text);
	return value;
}

static uint64_t place(const struct load *l, uint64_t n)
{
	return l->offset + n * l->size % l->span;
}

static void submit_one(struct load *l, unsigned int slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);
	char *buf = l->buf + (size_t)slot * l->size;
	uint64_t at = place(l, l->started);

	if (l->write)
		io_uring_prep_write(sqe, l->fd, buf, l->size, at);
	else
		io_uring_prep_read(sqe, l->fd, buf, l->size, at);
	io_uring_sqe_set_data64(sqe, slot);
	l->started++;
}

static unsigned int reap(struct load *l)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;

	io_uring_for_each_cqe(&l->ring, head, cqe) {
		if (cqe->res < 0)
			errx(1, "transfer: %s", strerror(-cqe->res));
		if ((unsigned int)cqe->res != l->size)
			errx(1, "transfer: %d of %u bytes", cqe->res, l->size);
		if (l->started < l->count)
			submit_one(l, cqe->user_data);
		seen++;
	}
	io_uring_cq_advance(&l->ring, seen);
	return seen;
}

static void run(struct load *l)
{
	uint64_t done = 0;
	int ret;

	for (unsigned int i = 0; i < l->depth && l->started < l->count; i++)
		submit_one(l, i);
	while (done < l->count) {
		ret = io_uring_submit_and_wait(&l->ring, 1);
		if (ret < 0)
			errx(1, "io_uring: %s", strerror(-ret));
		done += reap(l);
	}
}

static void *thread(void *arg)
{
	struct load *l = arg;
	char *buf = mmap(NULL, l->size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	uint64_t n;
	ssize_t got;

	if (buf == MAP_FAILED)
		err(1, "buffer");
	while ((n = atomic_fetch_add(&l->taken, 1)) < l->count) {
		got = l->write ? pwrite(l->fd, buf, l->size, place(l, n)) :
				 pread(l->fd, buf, l->size, place(l, n));
		if (got < 0)
			err(1, "transfer");
		if ((size_t)got != l->size)
			errx(1, "transfer: %zd of %u bytes", got, l->size);
	}
	return NULL;
}

static void run_threads(struct load *l)
{
	pthread_t id[l->depth];

	for (unsigned int i = 0; i < l->depth; i++) {
		errno = pthread_create(&id[i], NULL, thread, l);
		if (errno)
			err(1, "thread");
	}
	for (unsigned int i = 0; i < l->depth; i++)
		pthread_join(id[i], NULL);
}

static void run_ring(struct load *l)
{
	int ret;

	l->buf = mmap(NULL, (size_t)l->size * l->depth, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (l->buf == MAP_FAILED)
		err(1, "buffers");
	ret = io_uring_queue_init(l->depth, &l->ring, 0);
	if (ret < 0)
		errx(1, "io_uring: %s", strerror(-ret));
	run(l);
	io_uring_queue_exit(&l->ring);
}

int main(int argc, char **argv)
{
	struct load l = { .span = 64 << 20 };

	if (argc < 6 || argc > 8)
		errx(2, "usage: mmload DEVICE read|write|pread|pwrite SIZE DEPTH COUNT [OFFSET [SPAN]]");
	l.write = strstr(argv[2], "write");
	l.size = number(argv[3]);
	l.depth = number(argv[4]);
	l.count = number(argv[5]);
	if (argc > 6)
		l.offset = number(argv[6]);
	if (argc > 7)
		l.span = number(argv[7]);
	if (!l.size || !l.depth || l.span < l.size)
		errx(2, "sizes must be positive, the span at least one transfer");
	l.fd = open(argv[1], O_RDWR);
	if (l.fd < 0)
		err(1, "%s", argv[1]);
	if (argv[2][0] == 'p')
		run_threads(&l);
	else
		run_ring(&l);
	return 0;
}
