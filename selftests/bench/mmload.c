// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmload [-l] [-g BAR] DEVICE read|write|aread|awrite|pread|pwrite SIZE DEPTH COUNT [OFFSET [SPAN]]
 *
 * COUNT transfers of SIZE bytes, DEPTH in flight, walking through SPAN bytes of
 * card memory from OFFSET: read and write through io_uring, aread and awrite
 * through the older asynchronous calls, pread and pwrite by so many threads,
 * for drivers that know no better. DEVICE may be a stream,
 * whose transfers are packets; -g has the example design make those that are
 * read, by the PF's BAR 2; -l takes any length for an answer, as a driver may
 * count something else than bytes. It does as little as possible besides, so that what
 * is counted is the driver and the card. Prints nothing; exit status 1 when a
 * transfer failed or was short.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/aio_abi.h>
#include <linux/svff.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Registers of the example design, words */
#define BAR_SIZE	4096
#define GEN_QUEUE	0
#define GEN_LENGTH	1
#define GEN_CONTROL	2
#define   GEN_START	2
#define GEN_PACKETS	8
#define GEN_MAX		1023

struct load {
	struct io_uring ring;
	int fd;
	bool write;
	bool stream;
	bool any_length;
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

static void submit_aio(aio_context_t ctx, struct iocb *list, unsigned int n)
{
	struct iocb *each[n];

	for (unsigned int i = 0; i < n; i++)
		each[i] = &list[i];
	for (unsigned int done = 0; done < n; ) {
		long got = syscall(SYS_io_submit, ctx, n - done, each + done);

		if (got < 0)
			err(1, "io_submit");
		done += got;
	}
}

static unsigned int fill_aio(struct load *l, struct iocb *cb, char *buf)
{
	if (l->started == l->count)
		return 0;
	*cb = (struct iocb) {
		.aio_data = (uintptr_t)buf,
		.aio_lio_opcode = l->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_fildes = l->fd,
		.aio_buf = (uintptr_t)buf,
		.aio_nbytes = l->size,
		.aio_offset = place(l, l->started++),
	};
	return 1;
}

static void run_aio(struct load *l)
{
	struct io_event event[l->depth];
	struct iocb cb[l->depth];
	aio_context_t ctx = 0;
	unsigned int n = 0;

	if (syscall(SYS_io_setup, l->depth, &ctx))
		err(1, "io_setup");
	for (unsigned int i = 0; i < l->depth; i++)
		n += fill_aio(l, &cb[n], l->buf + (size_t)i * l->size);
	for (uint64_t done = 0; done < l->count; ) {
		long got;

		submit_aio(ctx, cb, n);
		got = syscall(SYS_io_getevents, ctx, 1, l->depth, event, NULL);
		if (got < 0)
			err(1, "io_getevents");
		done += got;
		n = 0;
		for (long i = 0; i < got; i++) {
			if (event[i].res < 0 || (!l->any_length && event[i].res != (int64_t)l->size))
				errx(1, "transfer: %lld of %u bytes", (long long)event[i].res, l->size);
			n += fill_aio(l, &cb[n], (char *)(uintptr_t)event[i].data);
		}
	}
	syscall(SYS_io_destroy, ctx);
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
		if (l->stream)
			got = l->write ? write(l->fd, buf, l->size) : read(l->fd, buf, l->size);
		else
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

static void get_buffers(struct load *l)
{
	l->buf = mmap(NULL, (size_t)l->size * l->depth, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (l->buf == MAP_FAILED)
		err(1, "buffers");
}

static void run_ring(struct load *l)
{
	int ret;

	ret = io_uring_queue_init(l->depth, &l->ring, 0);
	if (ret < 0)
		errx(1, "io_uring: %s", strerror(-ret));
	run(l);
	io_uring_queue_exit(&l->ring);
}

/* A queue takes packets once it is started. */
static void generate(const struct load *l, const char *path)
{
	struct svff_st_info info = { .size = sizeof(info) };
	int fd = open(path, O_RDWR);
	volatile uint32_t *bar;

	if (l->count > GEN_MAX)
		errx(2, "at most %d packets can be generated", GEN_MAX);
	if (ioctl(l->fd, SVFF_IOC_ST_START) || ioctl(l->fd, SVFF_IOC_ST_INFO, &info))
		err(1, "stream");
	bar = fd < 0 ? MAP_FAILED : mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED)
		err(1, "%s", path);
	bar[GEN_QUEUE] = info.hw_queue;
	bar[GEN_LENGTH] = l->size;
	bar[GEN_PACKETS] = l->count;
	bar[GEN_CONTROL] = GEN_START;
}

static void parse(struct load *l, int argc, char **argv)
{
	if (argc < 5 || argc > 7)
		errx(2, "usage: mmload [-l] [-g BAR] DEVICE read|write|aread|awrite|pread|pwrite SIZE DEPTH COUNT [OFFSET [SPAN]]");
	l->write = strstr(argv[1], "write");
	l->size = number(argv[2]);
	l->depth = number(argv[3]);
	l->count = number(argv[4]);
	if (argc > 5)
		l->offset = number(argv[5]);
	if (argc > 6)
		l->span = number(argv[6]);
	if (!l->size || !l->depth || l->span < l->size)
		errx(2, "sizes must be positive, the span at least one transfer");
	l->fd = open(argv[0], O_RDWR);
	if (l->fd < 0)
		err(1, "%s", argv[0]);
	l->stream = lseek(l->fd, 0, SEEK_CUR) < 0 && errno == ESPIPE;
}

int main(int argc, char **argv)
{
	struct load l = { .span = 64 << 20 };
	const char *bar = NULL;

	if (argc > 1 && !strcmp(argv[1], "-l")) {
		l.any_length = true;
		argc--;
		argv++;
	}
	if (argc > 2 && !strcmp(argv[1], "-g")) {
		bar = argv[2];
		argc -= 2;
		argv += 2;
	}
	parse(&l, argc - 1, argv + 1);
	if (bar)
		generate(&l, bar);
	if (argv[2][0] == 'p') {
		run_threads(&l);
		return 0;
	}
	get_buffers(&l);
	if (argv[2][0] == 'a')
		run_aio(&l);
	else
		run_ring(&l);
	return 0;
}
