// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi-data DEVICE [CASE]: the data device. Offsets are card addresses; card
 * memory is CARD_SIZE bytes (the emulated card's default, or SVFF_CARD_SIZE).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "../ktap.h"
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#define KIB		1024ul
#define MIB		(1024 * KIB)
#define CARD_SIZE	(512 * MIB)
#define PAGE		4096
#define BASE		(16 * MIB)	/* below it: the shell tests' regions */
#define GUARD		64
#define GUARD_BYTE	0xA5
#define THREADS		16
#define ROUNDS		15
#define KILLS		20
#define OPENS		500

static const char *device;
static int fd;
static uint64_t card_size = CARD_SIZE;

static void fill(uint8_t *p, size_t len, uint64_t seed)
{
	uint64_t x = seed * 0x9E3779B97F4A7C15ull | 1;
	size_t i;

	for (i = 0; i < len; i += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(p + i, &x, len - i < sizeof(x) ? len - i : sizeof(x));
	}
}

static uint8_t *pages(size_t len, int prot)
{
	uint8_t *p = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(KTAP_FAIL);
	}
	return p;
}

/* Writes @len bytes of @seed at @pos, from @shift into a page. */
static ssize_t put(int file, uint64_t pos, size_t len, size_t shift,
		   uint64_t seed)
{
	uint8_t *p = pages(len + shift + PAGE, PROT_READ | PROT_WRITE);
	ssize_t n;

	fill(p + shift, len, seed);
	n = pwrite(file, p + shift, len, pos);
	if (n < 0)
		n = -errno;
	munmap(p, len + shift + PAGE);
	return n;
}

static bool all_guard(const uint8_t *p, const uint8_t *end)
{
	while (p < end)
		if (*p++ != GUARD_BYTE)
			return false;
	return true;
}

/* Reads them back; -EBADMSG if a byte is wrong, -ERANGE if one around is. */
static ssize_t check(int file, uint64_t pos, size_t len, size_t shift,
		     uint64_t seed)
{
	size_t room = len + shift + 2 * PAGE;
	uint8_t *want = pages(room, PROT_READ | PROT_WRITE);
	uint8_t *p = pages(room, PROT_READ | PROT_WRITE);
	uint8_t *in = p + PAGE + shift;
	ssize_t n;

	memset(p, GUARD_BYTE, room);
	fill(want, len, seed);
	n = pread(file, in, len, pos);
	if (n < 0)
		n = -errno;
	else if (memcmp(want, in, n))
		n = -EBADMSG;
	else if (!all_guard(p, in) || !all_guard(in + len, p + room))
		n = -ERANGE;
	munmap(p, room);
	munmap(want, room);
	return n;
}

static enum ktap_result works(void)
{
	KTAP_FAIL_ON(put(fd, BASE, 10000, 1, 42) != 10000, "write afterwards");
	KTAP_FAIL_ON(check(fd, BASE, 10000, 2, 42) != 10000, "read afterwards");
	return KTAP_PASS;
}

static enum ktap_result one_size(size_t len, size_t shift, uint64_t pos)
{
	ssize_t n = put(fd, pos, len, shift, len + pos);

	KTAP_FAIL_ON(n != (ssize_t)len, "write %zu at 0x%llx, page + %zu: %zd",
		     len, (unsigned long long)pos, shift, n);
	n = check(fd, pos, len, shift, len + pos);
	KTAP_FAIL_ON(n != (ssize_t)len, "read %zu at 0x%llx, page + %zu: %zd",
		     len, (unsigned long long)pos, shift, n);
	return KTAP_PASS;
}

static enum ktap_result sizes(const void *arg)
{
	static const size_t len[] = {
		1, 2, 3, 7, 8, 63, 64, 65, 511, 512, 4095, 4096, 4097, 8191,
		32767, 32768, 32769, 65535, 65536, 65537, 1000003,
	};
	static const size_t shift[] = { 0, 1, 3, 61, 4095 };
	unsigned int i, k;

	(void)arg;
	for (i = 0; i < sizeof(len) / sizeof(*len); i++)
		for (k = 0; k < sizeof(shift) / sizeof(*shift); k++)
			if (one_size(len[i], shift[k], BASE + k * 7 + i % 3))
				return KTAP_FAIL;
	return KTAP_PASS;
}

static enum ktap_result large(const void *arg)
{
	const size_t *len = arg;

	return one_size(*len, 17, BASE + 1);
}

/* A write changes its own bytes and none beside them. */
static enum ktap_result neighbours(const void *arg)
{
	uint8_t around[3 * GUARD];
	size_t len, i;

	(void)arg;
	for (len = 1; len <= GUARD; len++) {
		KTAP_FAIL_ON(put(fd, BASE, 3 * GUARD, 0, 5) != 3 * GUARD,
			     "first write");
		KTAP_FAIL_ON(put(fd, BASE + GUARD, len, len, 6) != (ssize_t)len,
			     "second write");
		KTAP_FAIL_ON(pread(fd, around, sizeof(around), BASE) < 0,
			     "read");
		for (i = 0; i < sizeof(around); i++) {
			uint8_t want[3 * GUARD];

			fill(want, sizeof(want), 5);
			fill(want + GUARD, len, 6);
			KTAP_FAIL_ON(around[i] != want[i],
				     "length %zu: byte %zu", len, i);
		}
	}
	return KTAP_PASS;
}

static enum ktap_result file_position(const void *arg)
{
	char out[100], in[100];
	int f = open(device, O_RDWR);

	(void)arg;
	KTAP_FAIL_ON(f < 0, "open: %d", errno);
	fill((uint8_t *)out, sizeof(out), 9);
	KTAP_FAIL_ON(lseek(f, BASE, SEEK_SET) != (off_t)BASE, "seek");
	KTAP_FAIL_ON(write(f, out, 60) != 60 || write(f, out + 60, 40) != 40,
		     "write");
	KTAP_FAIL_ON(lseek(f, 0, SEEK_CUR) != (off_t)BASE + 100, "position");
	KTAP_FAIL_ON(lseek(f, BASE, SEEK_SET) != (off_t)BASE, "seek back");
	KTAP_FAIL_ON(read(f, in, 33) != 33 || read(f, in + 33, 67) != 67,
		     "read");
	close(f);
	KTAP_FAIL_ON(memcmp(in, out, sizeof(in)), "differs");
	return KTAP_PASS;
}

static enum ktap_result nothing(const void *arg)
{
	(void)arg;
	KTAP_FAIL_ON(pread(fd, NULL, 0, BASE), "read: %d", errno);
	KTAP_FAIL_ON(pwrite(fd, NULL, 0, BASE), "write: %d", errno);
	return KTAP_PASS;
}

/* @arg: number of pieces; every fifth is empty, all have odd places. */
static enum ktap_result vectors(const void *arg)
{
	const unsigned int *count = arg;
	struct iovec *v = calloc(*count, sizeof(*v));
	size_t room = *count * 600ul, total = 0;
	uint8_t *out = pages(room, PROT_READ | PROT_WRITE);
	uint8_t *in = pages(room, PROT_READ | PROT_WRITE);
	ssize_t w, r;
	unsigned int i;

	fill(out, room, *count);
	for (i = 0; i < *count; i++) {
		v[i].iov_base = out + i * 600ul + i % 13;
		v[i].iov_len = i % 5 == 4 ? 0 : 1 + i * 31 % 580;
		total += v[i].iov_len;
	}
	w = pwritev(fd, v, *count, BASE);
	for (i = 0; i < *count; i++)
		v[i].iov_base = in + ((uint8_t *)v[i].iov_base - out);
	r = preadv(fd, v, *count, BASE);
	KTAP_FAIL_ON(w != (ssize_t)total || r != (ssize_t)total,
		     "%zd written, %zd read of %zu", w, r, total);
	for (i = 0; i < *count; i++)
		KTAP_FAIL_ON(memcmp(v[i].iov_base, (uint8_t *)v[i].iov_base -
				    in + out, v[i].iov_len), "piece %u", i);
	munmap(out, room);
	munmap(in, room);
	free(v);
	return KTAP_PASS;
}

static enum ktap_result expect_errno(ssize_t n, int want, const char *what)
{
	int got = n < 0 ? errno : 0;

	KTAP_FAIL_ON(n >= 0, "%s: %zd bytes, no error", what, n);
	KTAP_FAIL_ON(got != want, "%s: %s, not %s", what, strerror(got),
		     strerror(want));
	return KTAP_PASS;
}

static enum ktap_result bad_buffers(const void *arg)
{
	uint8_t *gone = pages(2 * PAGE, PROT_READ | PROT_WRITE);
	uint8_t *none = pages(2 * PAGE, PROT_NONE);
	uint8_t *volatile low = (uint8_t *)8;

	(void)arg;
	munmap(gone, 2 * PAGE);
	if (expect_errno(pread(fd, low, 100, BASE), EFAULT, "read to page 0") ||
	    expect_errno(pwrite(fd, low, 100, BASE), EFAULT, "write of page 0") ||
	    expect_errno(pread(fd, gone, 100, BASE), EFAULT, "read, unmapped") ||
	    expect_errno(pwrite(fd, gone, 5000, BASE), EFAULT, "write, unmapped") ||
	    expect_errno(pread(fd, none, 100, BASE), EFAULT, "read, no access") ||
	    expect_errno(pwrite(fd, (void *)-PAGE, 100, BASE), EFAULT, "write, kernel address"))
		return KTAP_FAIL;
	munmap(none, 2 * PAGE);
	return works();
}

/* A short count or EFAULT; never the bytes of something else. */
static enum ktap_result half_bad_buffer(const void *arg)
{
	uint8_t *p = pages(8 * PAGE, PROT_READ | PROT_WRITE);
	ssize_t n;

	(void)arg;
	munmap(p + 4 * PAGE, 4 * PAGE);
	fill(p, 4 * PAGE, 3);
	n = pwrite(fd, p + 7, 8 * PAGE - 7, BASE);
	KTAP_FAIL_ON(n > 4 * PAGE - 7 || (n < 0 && errno != EFAULT),
		     "write: %zd, %d", n, errno);
	n = pread(fd, p + 7, 8 * PAGE - 7, BASE);
	KTAP_FAIL_ON(n > 4 * PAGE - 7 || (n < 0 && errno != EFAULT),
		     "read: %zd, %d", n, errno);
	munmap(p, 4 * PAGE);
	return works();
}

static enum ktap_result read_only_target(const void *arg)
{
	uint8_t *p = pages(PAGE, PROT_READ | PROT_WRITE);
	int i;

	(void)arg;
	memset(p, 7, PAGE);
	mprotect(p, PAGE, PROT_READ);
	KTAP_FAIL_ON(put(fd, BASE, PAGE, 0, 1) != PAGE, "write");
	if (expect_errno(pread(fd, p, PAGE, BASE), EFAULT, "read"))
		return KTAP_FAIL;
	for (i = 0; i < PAGE; i++)
		KTAP_FAIL_ON(p[i] != 7, "byte %d was written", i);
	KTAP_FAIL_ON(pwrite(fd, p, PAGE, BASE) != PAGE,
		     "it is no source either");
	munmap(p, PAGE);
	return works();
}

static enum ktap_result bad_offsets(const void *arg)
{
	char b[PAGE];

	(void)arg;
	if (expect_errno(pread(fd, b, PAGE, -1), EINVAL, "minus one") ||
	    expect_errno(pread(fd, b, PAGE, INT64_MAX - 10), EINVAL, "overflow, read") ||
	    expect_errno(pwrite(fd, b, PAGE, INT64_MAX - 10), EINVAL, "overflow, write"))
		return KTAP_FAIL;
	return works();
}

static enum ktap_result past_the_end(const void *arg)
{
	static char b[2 * PAGE];
	ssize_t n;

	(void)arg;
	KTAP_FAIL_ON(pread(fd, b, PAGE, card_size - PAGE) != PAGE,
		     "last page: %d", errno);
	if (expect_errno(pread(fd, b, PAGE, card_size), EIO, "read at the end") ||
	    expect_errno(pwrite(fd, b, PAGE, card_size), EIO, "write at the end") ||
	    expect_errno(pread(fd, b, 1, 1ll << 40), EIO, "read far away") ||
	    expect_errno(pwrite(fd, b, 1, 1ll << 62), EIO, "write further away"))
		return KTAP_FAIL;
	n = pread(fd, b, 2 * PAGE, card_size - PAGE);
	KTAP_FAIL_ON(n > PAGE || (n < 0 && errno != EIO), "across: %zd, %d", n,
		     errno);
	return works();
}

static enum ktap_result access_mode(const void *arg)
{
	int r = open(device, O_RDONLY), w = open(device, O_WRONLY);
	enum ktap_result res;
	char b[8] = "";

	(void)arg;
	KTAP_FAIL_ON(r < 0 || w < 0, "open: %d", errno);
	res = expect_errno(pwrite(r, b, 8, BASE), EBADF, "write") |
	      expect_errno(pread(w, b, 8, BASE), EBADF, "read");
	KTAP_FAIL_ON(pwrite(w, b, 8, BASE) != 8 || pread(r, b, 8, BASE) != 8,
		     "what is allowed fails: %d", errno);
	close(r);
	close(w);
	return res;
}

static enum ktap_result other_calls(const void *arg)
{
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	(void)arg;
	KTAP_FAIL_ON(p != MAP_FAILED, "can be mapped");
	return expect_errno(ioctl(fd, 0xD5FF, NULL), ENOTTY, "ioctl");
}

/* What is read into a file's pages must be in the file. */
static enum ktap_result file_mapping(const void *arg)
{
	int file = memfd_create("svff", 0);
	uint8_t *p, b[PAGE], want[PAGE];

	(void)arg;
	KTAP_FAIL_ON(file < 0 || ftruncate(file, 2 * PAGE), "memfd");
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	KTAP_FAIL_ON(p == MAP_FAILED, "mmap");
	KTAP_FAIL_ON(put(fd, BASE, PAGE, 0, 8) != PAGE, "write");
	KTAP_FAIL_ON(pread(fd, p + 100, PAGE, BASE) != PAGE, "read: %d", errno);
	KTAP_FAIL_ON(pread(file, b, PAGE, 100) != PAGE, "file");
	fill(want, PAGE, 8);
	munmap(p, 2 * PAGE);
	close(file);
	KTAP_FAIL_ON(memcmp(b, want, PAGE), "differs");
	return KTAP_PASS;
}

/* A read lands in the reader's copy, not in its child's. */
static enum ktap_result copy_on_write(const void *arg)
{
	uint8_t *p = pages(PAGE, PROT_READ | PROT_WRITE);
	int status, go[2];
	pid_t child;
	char c;

	(void)arg;
	memset(p, 1, PAGE);
	KTAP_FAIL_ON(put(fd, BASE, PAGE, 0, 2) != PAGE || pipe(go), "set up");
	child = fork();
	if (!child) {
		if (read(go[0], &c, 1) != 1)
			_exit(2);
		_exit(p[0] != 1 || p[PAGE - 1] != 1);
	}
	KTAP_FAIL_ON(pread(fd, p, PAGE, BASE) != PAGE, "read: %d", errno);
	KTAP_FAIL_ON(write(go[1], "x", 1) != 1, "pipe");
	waitpid(child, &status, 0);
	close(go[0]);
	close(go[1]);
	munmap(p, PAGE);
	KTAP_FAIL_ON(status, "the child's page changed");
	return KTAP_PASS;
}

struct worker {
	pthread_t thread;
	unsigned int number;
	int rounds;
	ssize_t bad;
};

/* Own region, own file or the common one, own sizes. */
static void *worker_main(void *arg)
{
	struct worker *w = arg;
	uint64_t pos = BASE + w->number * MIB;
	int file = w->number % 2 ? open(device, O_RDWR) : fd;
	int i;

	for (i = 0; i < w->rounds && !w->bad; i++) {
		size_t len = 1 + (w->number * 7919 + i * 104729) % 200000;

		if (put(file, pos, len, i % 64, i) != (ssize_t)len ||
		    check(file, pos, len, i % 61, i) != (ssize_t)len)
			w->bad = len;
	}
	if (file != fd)
		close(file);
	return NULL;
}

static enum ktap_result threads(const void *arg)
{
	struct worker w[THREADS] = { 0 };
	unsigned int i;

	(void)arg;
	for (i = 0; i < THREADS; i++) {
		w[i].number = i;
		w[i].rounds = ROUNDS;
		KTAP_FAIL_ON(pthread_create(&w[i].thread, NULL, worker_main,
					    &w[i]), "thread");
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	for (i = 0; i < THREADS; i++)
		KTAP_FAIL_ON(w[i].bad, "thread %u, %zd bytes", i, w[i].bad);
	return KTAP_PASS;
}

static enum ktap_result forked(const void *arg)
{
	struct worker mine = { .number = 1, .rounds = ROUNDS };
	int status;
	pid_t child = fork();

	(void)arg;
	if (!child) {
		struct worker w = { .number = 2, .rounds = ROUNDS };

		worker_main(&w);
		_exit(!!w.bad);
	}
	worker_main(&mine);
	waitpid(child, &status, 0);
	KTAP_FAIL_ON(mine.bad || status, "parent %zd, child %d", mine.bad,
		     status);
	return KTAP_PASS;
}

static enum ktap_result many_opens(const void *arg)
{
	int f[OPENS], i, n;

	(void)arg;
	for (n = 0; n < OPENS; n++) {
		f[n] = open(device, O_RDWR | O_CLOEXEC);
		if (f[n] < 0)
			break;
	}
	i = errno;
	KTAP_FAIL_ON(n < OPENS, "open %d: %s", n, strerror(i));
	KTAP_FAIL_ON(put(f[OPENS - 1], BASE, 99, 0, 4) != 99 ||
		     check(f[0], BASE, 99, 0, 4) != 99, "data");
	while (n--)
		close(f[n]);
	return KTAP_PASS;
}

static void *close_soon(void *arg)
{
	usleep(2000);
	close(*(int *)arg);
	return NULL;
}

static enum ktap_result closed_within(const void *arg)
{
	uint8_t *p = pages(8 * MIB, PROT_READ | PROT_WRITE);
	pthread_t t;
	int i, f;
	ssize_t n;

	(void)arg;
	for (i = 0; i < 10; i++) {
		f = open(device, O_RDWR);
		KTAP_FAIL_ON(f < 0, "open %d: %d", i, errno);
		KTAP_FAIL_ON(pthread_create(&t, NULL, close_soon, &f), "thread");
		n = pread(f, p, 8 * MIB, BASE);
		pthread_join(t, NULL);
		KTAP_FAIL_ON(n < 0 && errno != EBADF, "read %d: %d", i, errno);
	}
	munmap(p, 8 * MIB);
	return works();
}

static void io_for_ever(int file)
{
	uint8_t *p = pages(4 * MIB, PROT_READ | PROT_WRITE);

	for (;;) {
		if (pwrite(file, p, 4 * MIB, BASE) < 0 ||
		    pread(file, p, 4 * MIB, BASE) < 0)
			_exit(1);
	}
}

static enum ktap_result killed_within(const void *arg)
{
	int i, status;

	(void)arg;
	for (i = 0; i < KILLS; i++) {
		pid_t child = fork();
		double start;

		if (!child)
			io_for_ever(fd);
		usleep(1000 * (i + 5));
		kill(child, SIGKILL);
		start = ktap_now();
		waitpid(child, &status, 0);
		KTAP_FAIL_ON(!WIFSIGNALED(status), "ended by itself: %x",
			     status);
		KTAP_FAIL_ON(ktap_now() - start > 5, "took %.1f s to die",
			     ktap_now() - start);
	}
	return works();
}

static void tick(int sig)
{
	(void)sig;
}

/* Only a signal that kills ends a wait: counts are whole. */
static enum ktap_result signals_within(const void *arg)
{
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, off = { 0 };
	struct sigaction sa = { .sa_handler = tick };
	ssize_t n, r;

	(void)arg;
	sigaction(SIGPROF, &sa, NULL);
	setitimer(ITIMER_PROF, &often, NULL);
	n = put(fd, BASE, 8 * MIB, 5, 6);
	r = check(fd, BASE, 8 * MIB, 5, 6);
	setitimer(ITIMER_PROF, &off, NULL);
	KTAP_FAIL_ON(n != 8 * MIB || r != 8 * MIB, "%zd written, %zd read", n,
		     r);
	return KTAP_PASS;
}

/* Who is not told later would have to wait for the card, whatever there is room for. */
static enum ktap_result no_wait(const void *arg)
{
	uint8_t b[64] = { 0 };
	struct iovec v = { b, sizeof(b) };
	ssize_t n;

	(void)arg;
	n = preadv2(fd, &v, 1, BASE, RWF_NOWAIT);
	KTAP_FAIL_ON(n != -1 || errno != EAGAIN, "read: %zd, %d", n, errno);
	n = pwritev2(fd, &v, 1, BASE, RWF_NOWAIT);
	KTAP_FAIL_ON(n != -1 || errno != EAGAIN, "write: %zd, %d", n, errno);
	return works();
}

#ifdef HAVE_LIBURING
#define DEPTH		32
#define OPS		256
#define OP_SIZE(i)	(1 + (i) * 7717ul % 60000)

static bool reap(struct io_uring *ring, unsigned int n)
{
	struct io_uring_cqe *cqe;
	bool good = true;

	while (n--) {
		if (io_uring_wait_cqe(ring, &cqe))
			return false;
		good &= cqe->res == (int)cqe->user_data;
		io_uring_cqe_seen(ring, cqe);
	}
	return good;
}

/* OPS requests, DEPTH in flight; request i has its own 64 KiB on both sides. */
static bool uring_pass(struct io_uring *ring, uint8_t *p, bool write)
{
	unsigned int i, k;

	for (i = 0; i < OPS; i += DEPTH) {
		for (k = i; k < i + DEPTH; k++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
			uint8_t *b = p + k * 64 * KIB + k % 61;
			uint64_t pos = BASE + k * 64 * KIB + k % 7;

			if (write)
				io_uring_prep_write(sqe, fd, b, OP_SIZE(k), pos);
			else
				io_uring_prep_read(sqe, fd, b, OP_SIZE(k), pos);
			sqe->user_data = OP_SIZE(k);
		}
		if (io_uring_submit(ring) != DEPTH || !reap(ring, DEPTH))
			return false;
	}
	return true;
}

static enum ktap_result uring(const void *arg)
{
	size_t room = OPS * 64 * KIB;
	uint8_t *out = pages(room, PROT_READ | PROT_WRITE);
	uint8_t *in = pages(room, PROT_READ | PROT_WRITE);
	struct io_uring ring;
	unsigned int i;
	int ret = io_uring_queue_init(DEPTH, &ring, 0);

	(void)arg;
	KTAP_SKIP_ON(ret == -ENOSYS || ret == -EPERM, "no io_uring here");
	KTAP_FAIL_ON(ret, "ring: %d", ret);
	fill(out, room, 12);
	KTAP_FAIL_ON(!uring_pass(&ring, out, true), "write");
	KTAP_FAIL_ON(!uring_pass(&ring, in, false), "read");
	for (i = 0; i < OPS; i++)
		KTAP_FAIL_ON(memcmp(in + i * 64 * KIB + i % 61,
				    out + i * 64 * KIB + i % 61, OP_SIZE(i)),
			     "request %u", i);
	io_uring_queue_exit(&ring);
	munmap(out, room);
	munmap(in, room);
	return KTAP_PASS;
}

/* The ring goes while its requests are under way. */
static enum ktap_result uring_dropped(const void *arg)
{
	uint8_t *p = pages(4 * MIB, PROT_READ | PROT_WRITE);
	struct io_uring ring;
	int i, k;

	(void)arg;
	for (i = 0; i < 5; i++) {
		KTAP_SKIP_ON(io_uring_queue_init(DEPTH, &ring, 0),
			     "no io_uring here");
		for (k = 0; k < DEPTH; k++)
			io_uring_prep_read(io_uring_get_sqe(&ring), fd,
					   p + k * 128 * KIB, 128 * KIB,
					   BASE + k * 128 * KIB);
		io_uring_submit(&ring);
		io_uring_queue_exit(&ring);
	}
	munmap(p, 4 * MIB);
	return works();
}
#else
static enum ktap_result uring(const void *arg)
{
	(void)arg;
	ktap_why("built without liburing");
	return KTAP_SKIP;
}

#define uring_dropped uring
#endif

static const size_t mib_1 = MIB, mib_64 = 64 * MIB;
static const unsigned int few = 7, most = 1024;

static const struct ktap_case cases[] = {
	{ "sizes and alignments", sizes, NULL },
	{ "1 MiB", large, &mib_1 },
	{ "64 MiB", large, &mib_64 },
	{ "a write leaves its neighbours alone", neighbours, NULL },
	{ "read, write and lseek share a position", file_position, NULL },
	{ "no bytes at all", nothing, NULL },
	{ "readv and writev, 7 pieces", vectors, &few },
	{ "readv and writev, 1024 pieces", vectors, &most },
	{ "bad buffers are EFAULT", bad_buffers, NULL },
	{ "a buffer that ends early", half_bad_buffer, NULL },
	{ "a read-only page is no target", read_only_target, NULL },
	{ "offsets that overflow are EINVAL", bad_offsets, NULL },
	{ "past the end of card memory is EIO", past_the_end, NULL },
	{ "open mode is kept", access_mode, NULL },
	{ "mmap and ioctl are refused", other_calls, NULL },
	{ "pages of a file as target", file_mapping, NULL },
	{ "copy on write", copy_on_write, NULL },
	{ "16 threads", threads, NULL },
	{ "parent and child", forked, NULL },
	{ "500 opens", many_opens, NULL },
	{ "close within a transfer", closed_within, NULL },
	{ "kill -9 within a transfer", killed_within, NULL },
	{ "signals within a transfer", signals_within, NULL },
	{ "RWF_NOWAIT", no_wait, NULL },
	{ "io_uring, 32 in flight", uring, NULL },
	{ "io_uring dropped with requests in flight", uring_dropped, NULL },
};

int main(int argc, char **argv)
{
	const char *size = getenv("SVFF_CARD_SIZE");

	if (argc < 2) {
		fputs("usage: uapi-data DEVICE [CASE]\n", stderr);
		return 2;
	}
	device = argv[1];
	if (size)
		card_size = strtoull(size, NULL, 0);
	fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		printf("Bail out! %s: %s\n", device, strerror(errno));
		return KTAP_FAIL;
	}
	return ktap_main(cases, sizeof(cases) / sizeof(*cases), argv[2]);
}
