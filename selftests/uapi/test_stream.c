// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi-stream DEVICE BAR [CASE]: the stream device of a function. BAR is the
 * user BAR's file of the card's PF, with the example design behind it: its
 * loopback gives each queue its own packets back, its generator and checker
 * count in 16 bits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/svff.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "../ktap.h"
#include "pester.h"
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#define PACKET_MAX	65535
#define PAGE		4096
#define WAIT_MS		20000
#define PATH_LEN	256
#define LATE_US		100000
#define TOLD		4
#define MANY		300
#define GEN_MAX		1023	/* packets that the generator makes at once */

/* The example design */
#define USER_QID	0x00
#define USER_LEN	0x04
#define USER_CONTROL	0x08
#define   CONTROL_START		(1 << 1)
#define   CONTROL_IMMEDIATE	(1 << 2)
#define   CONTROL_RESTART	(1 << 3)
#define   CONTROL_MARKER	(1 << 5)
#define USER_CLEAR	0x0c
#define USER_MATCH	0x10
#define USER_STATUS	0x18
#define USER_PACKETS	0x20
#define USER_DATA	0x30
#define USER_CMPT	0x50
#define   CMPT_TRIGGER		(1 << 3)
#define USER_BYPASS	0x90
#define USER_LOOPBACK	0x200

static const char *device;
static volatile uint32_t *bar;
static size_t rx_max;	/* longest packet that the card receives into buffers of a page */
static uint8_t out[SVFF_ST_GATHER_MAX + PAGE], in[SVFF_ST_GATHER_MAX];

static void user(unsigned int reg, uint32_t value)
{
	bar[reg / 4] = value;
}

static void user_calm(bool loop)
{
	user(USER_CONTROL, 0);
	user(USER_CMPT, 0);
	user(USER_BYPASS, 0);
	user(USER_LOOPBACK, loop);
}

static void fill(uint8_t *p, size_t len, uint64_t seed)
{
	uint64_t x = seed * 0x9E3779B97F4A7C15ull | 1;
	size_t i;

	for (i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = x;
	}
}

static void pattern(uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = i & 1 ? i >> 9 : i >> 1;
}

static int open_stream(int flags)
{
	return open(device, flags | O_CLOEXEC);
}

static int configure(int f, struct svff_st_config *c)
{
	c->size = sizeof(*c);
	return ioctl(f, SVFF_IOC_ST_CONFIG, c);
}

static struct svff_st_info info_of(int f)
{
	struct svff_st_info i = { .size = sizeof(i) };

	if (ioctl(f, SVFF_IOC_ST_INFO, &i))
		memset(&i, 0xff, sizeof(i));
	return i;
}

static short wait_for(int f, short events)
{
	struct pollfd p = { .fd = f, .events = events };

	return poll(&p, 1, WAIT_MS) == 1 ? p.revents : 0;
}

static int readable(int f)
{
	int n = -1;

	return ioctl(f, FIONREAD, &n) ? -errno : n;
}

/* Sends @len bytes at @off of @out, receives them. 0, or what was wrong. */
static int loop(int f, size_t len, size_t off, uint64_t seed)
{
	ssize_t n;

	fill(out + off, len, seed);
	memset(in, 0x5a, len + off + 1);
	n = write(f, out + off, len);
	if (n != (ssize_t)len)
		return n < 0 ? errno : 1000;
	if (!(wait_for(f, POLLIN) & POLLIN))
		return 1001;
	n = read(f, in + off, len + 1);
	if (n != (ssize_t)len)
		return n < 0 ? errno : 1002;
	if (in[off + len] != 0x5a)
		return 1003;
	return memcmp(in + off, out + off, len) ? 1004 : 0;
}

static enum ktap_result sizes(const void *arg)
{
	static const size_t len[] = { 0, 1, 2, 63, 64, 65, 1500, 4095, 4096, 4097, 8192,
				      16384, 40000, 65534, PACKET_MAX };
	static const size_t off[] = { 0, 1, 64, 4095 };
	int f = open_stream(O_RDWR);
	unsigned int i, k;
	int bad;

	(void)arg;
	user_calm(true);
	KTAP_FAIL_ON(f < 0, "open: %s", strerror(errno));
	KTAP_FAIL_ON(rx_max < 7 * PAGE || rx_max > PACKET_MAX, "rx_max is %zu", rx_max);
	for (i = 0; i < sizeof(len) / sizeof(*len); i++) {
		for (k = 0; len[i] <= rx_max && k < sizeof(off) / sizeof(*off); k++) {
			bad = loop(f, len[i], off[k], i * 10 + k);
			KTAP_FAIL_ON(bad, "%zu bytes at %zu: %d", len[i], off[k], bad);
		}
	}
	close(f);
	return KTAP_PASS;
}

static size_t odd_size(unsigned int i)
{
	return i % 9 ? (i * 7919) % 3000 : 0;
}

/* More than fits anywhere; what does not fit waits for room. */
static enum ktap_result boundaries(const void *arg)
{
	int f = open_stream(O_RDWR | O_NONBLOCK);
	unsigned int sent = 0, got = 0;
	ssize_t n;

	(void)arg;
	user_calm(true);
	KTAP_FAIL_ON(f < 0, "open: %s", strerror(errno));
	while (got < 3000) {
		short ev = wait_for(f, sent < 3000 ? POLLIN | POLLOUT : POLLIN);

		KTAP_FAIL_ON(!ev, "nothing after %u sent, %u received", sent, got);
		while (ev & POLLOUT && sent < 3000) {
			fill(out, odd_size(sent), sent);
			n = write(f, out, odd_size(sent));
			if (n < 0 && errno == EAGAIN)
				break;
			KTAP_FAIL_ON(n != (ssize_t)odd_size(sent), "packet %u: %zd, %d", sent, n,
				     errno);
			sent++;
		}
		if (!(ev & POLLIN))
			continue;
		n = read(f, in, sizeof(in));
		fill(out, odd_size(got), got);
		KTAP_FAIL_ON(n != (ssize_t)odd_size(got) || memcmp(in, out, n),
			     "packet %u of %zu bytes: %zd", got, odd_size(got), n);
		got++;
	}
	n = read(f, in, 1);
	KTAP_FAIL_ON(n != -1 || errno != EAGAIN, "one too many: %zd, %d", n, errno);
	close(f);
	return KTAP_PASS;
}

static enum ktap_result rest_is_kept(const void *arg)
{
	int f = open_stream(O_RDWR);
	struct svff_st_info i;
	size_t pos;

	(void)arg;
	user_calm(true);
	fill(out, 20000, 1);
	KTAP_FAIL_ON(write(f, out, 10000) != 10000 || write(f, out + 10000, 5) != 5, "write");
	KTAP_FAIL_ON(!wait_for(f, POLLIN), "nothing comes");
	KTAP_FAIL_ON(readable(f) != 10000, "FIONREAD: %d", readable(f));
	for (pos = 0; pos < 9999; pos += 3333) {
		KTAP_FAIL_ON(read(f, in + pos, 3333) != 3333, "at %zu", pos);
		i = info_of(f);
		KTAP_FAIL_ON(i.rx_left != 10000 - pos - 3333, "left %u", i.rx_left);
	}
	KTAP_FAIL_ON(read(f, in + pos, 3333) != 1, "the last byte");
	i = info_of(f);
	KTAP_FAIL_ON(i.rx_left || i.last_len != 10000 || i.last_flags, "left %u, last %u",
		     i.rx_left, i.last_len);
	KTAP_FAIL_ON(memcmp(in, out, 10000), "bytes");
	KTAP_FAIL_ON(read(f, in, 100) != 5 || memcmp(in, out + 10000, 5), "next packet");
	close(f);
	return KTAP_PASS;
}

static enum ktap_result rest_is_dropped(const void *arg)
{
	struct svff_st_config c = { .flags = SVFF_ST_TRUNCATE };
	int f = open_stream(O_RDWR);
	struct svff_st_info i;

	(void)arg;
	user_calm(true);
	fill(out, 20000, 1);
	KTAP_FAIL_ON(configure(f, &c), "config: %s", strerror(errno));
	KTAP_FAIL_ON(write(f, out, 10000) != 10000 || write(f, out + 10000, 5) != 5, "write");
	KTAP_FAIL_ON(read(f, in, 100) != 100 || memcmp(in, out, 100), "start");
	i = info_of(f);
	KTAP_FAIL_ON(i.rx_left || i.rx_cut != 1 || i.last_flags != SVFF_ST_PACKET_CUT ||
		     i.last_len != 10000, "left %u cut %llu flags %x", i.rx_left,
		     (unsigned long long)i.rx_cut, i.last_flags);
	KTAP_FAIL_ON(read(f, in, 100) != 5 || memcmp(in, out + 10000, 5), "next packet");
	close(f);
	return KTAP_PASS;
}

/* Pieces of all sizes, some empty, from and to odd places. */
static unsigned int cut(struct iovec *v, uint8_t *p, size_t len)
{
	unsigned int n = 0;
	size_t pos = 0;

	while (pos < len && n < 1000) {
		size_t part = n == 999 ? len - pos : n * 37 % 200;

		if (part > len - pos)
			part = len - pos;
		v[n++] = (struct iovec){ p + pos, part };
		pos += part;
	}
	return n;
}

static enum ktap_result vectors(const void *arg)
{
	size_t wish = *(const size_t *)arg, len = wish < rx_max ? wish : rx_max;
	int f = open_stream(O_RDWR);
	struct iovec v[1000];

	user_calm(true);
	fill(out, len, len);
	memset(in, 0, len);
	KTAP_FAIL_ON(writev(f, v, cut(v, out, len)) != (ssize_t)len, "writev: %s",
		     strerror(errno));
	KTAP_FAIL_ON(readv(f, v, cut(v, in, len)) != (ssize_t)len, "readv: %s", strerror(errno));
	KTAP_FAIL_ON(memcmp(in, out, len), "bytes");
	close(f);
	return KTAP_PASS;
}

#define PIECES	1024	/* as many as writev takes */

/* Each piece of two bytes lies in two pages, so that the packet has twice as many. */
static enum ktap_result across_pages(const void *arg)
{
	int f = open_stream(O_RDWR);
	struct iovec v[PIECES];
	uint8_t *pages;
	int i;

	(void)arg;
	user_calm(true);
	pages = mmap(NULL, (PIECES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	KTAP_FAIL_ON(pages == MAP_FAILED, "mmap: %s", strerror(errno));
	fill(out, 2 * PIECES, 7);
	for (i = 0; i < PIECES; i++) {
		v[i] = (struct iovec){ pages + (i + 1) * PAGE - 1, 2 };
		memcpy(v[i].iov_base, out + 2 * i, 2);
	}
	KTAP_FAIL_ON(writev(f, v, PIECES) != 2 * PIECES, "writev: %s", strerror(errno));
	KTAP_FAIL_ON(read(f, in, sizeof(in)) != 2 * PIECES, "read: %s", strerror(errno));
	KTAP_FAIL_ON(memcmp(in, out, 2 * PIECES), "bytes");
	munmap(pages, (PIECES + 1) * PAGE);
	close(f);
	return KTAP_PASS;
}

/* With a bypass a packet has many descriptors; the checker knows the pattern. */
static enum ktap_result gathered(const void *arg)
{
	struct svff_st_config c = { .flags = SVFF_ST_BYPASS };
	int f = open_stream(O_RDWR);
	struct iovec v[3] = { { out, 3 }, { out + 3, 8000 }, { out + 8003, 41997 } };

	(void)arg;
	user_calm(false);
	user(USER_BYPASS, 1);
	user(USER_CLEAR, 1);
	pattern(out, sizeof(out));
	KTAP_FAIL_ON(configure(f, &c), "config: %s", strerror(errno));
	KTAP_FAIL_ON(writev(f, v, 3) != 50000, "50000 bytes: %s", strerror(errno));
	KTAP_FAIL_ON(write(f, out + 50000, 100000) != 100000, "100000 bytes: %s",
		     strerror(errno));
	KTAP_FAIL_ON(bar[USER_MATCH / 4] != 1, "the checker saw other bytes");
	KTAP_FAIL_ON(write(f, out, SVFF_ST_GATHER_MAX + 1) != -1 || errno != EMSGSIZE,
		     "too long: %d", errno);
	close(f);
	user_calm(true);
	return KTAP_PASS;
}

static enum ktap_result checker(const void *arg)
{
	int f = open_stream(O_WRONLY);

	(void)arg;
	user_calm(false);
	user(USER_CLEAR, 1);
	pattern(out, sizeof(out));
	KTAP_FAIL_ON(write(f, out, 1024) != 1024 || write(f, out + 1024, 30000) != 30000,
		     "write: %s", strerror(errno));
	KTAP_FAIL_ON(bar[USER_MATCH / 4] != 1, "the checker saw other bytes");
	KTAP_FAIL_ON(write(f, out, 10) != 10 || bar[USER_MATCH / 4], "it takes any");
	KTAP_FAIL_ON(read(f, in, 1) != -1 || errno != EBADF, "read: %d", errno);
	close(f);
	return KTAP_PASS;
}

static void generate(int f, uint32_t len, uint32_t packets, uint32_t control)
{
	user(USER_QID, info_of(f).hw_queue);
	user(USER_LEN, len);
	user(USER_PACKETS, packets);
	user(USER_CONTROL, CONTROL_START | CONTROL_RESTART | control);
}

static enum ktap_result expect_generated(int f, uint32_t len, unsigned int packets)
{
	unsigned int i;
	ssize_t n;

	pattern(out, len);
	for (i = 0; i < packets; i++) {
		KTAP_FAIL_ON(!(wait_for(f, POLLIN) & POLLIN), "packet %u does not come", i);
		memset(in, 0xff, len);
		n = read(f, in, sizeof(in));
		KTAP_FAIL_ON(n != len, "packet %u: %zd, %s", i, n, n < 0 ? strerror(errno) : "");
		KTAP_FAIL_ON(memcmp(in, out, len), "packet %u: bytes", i);
	}
	return KTAP_PASS;
}

/* All ways in which the card can tell of packets, with all that goes along. */
static enum ktap_result modes(const void *arg)
{
	unsigned int trigger, size, n = 0;
	enum ktap_result ret;

	(void)arg;
	user_calm(false);
	for (trigger = SVFF_ST_TRIG_DEFAULT; trigger <= SVFF_ST_TRIG_COUNT_TIMER; trigger++) {
		for (size = 8; size <= 64; size *= 2) {
			struct svff_st_config c = {
				.trigger = trigger, .cmpt_size = size, .count = n % 2 ? 2 : 64,
				.flags = n++ % 3 ? 0 : SVFF_ST_NO_PREFETCH,
				.buf_size = n % 2 ? 256 : 8192,
			};
			int f = open_stream(O_RDONLY);

			KTAP_FAIL_ON(configure(f, &c), "mode %u, %u bytes: %s", trigger, size,
				     strerror(errno));
			KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_START), "start: %s", strerror(errno));
			user(USER_CMPT, trigger == SVFF_ST_TRIG_USER ? CMPT_TRIGGER : 0);
			generate(f, 777, 200, 0);
			ret = expect_generated(f, 777, 200);
			close(f);
			if (ret != KTAP_PASS)
				return ret;
		}
	}
	user_calm(true);
	return KTAP_PASS;
}

/* Interrupts for completions of the device's function so far, -1 if it has no vectors for these */
static long interrupts(void)
{
	char path[PATH_LEN], function[PATH_LEN], name[PATH_LEN], *line = NULL, *p;
	const char *node = strrchr(device, '/') + 1;
	FILE *f = fopen("/proc/interrupts", "r");
	size_t room = 0;
	long sum = -1;
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/class/svff-st/%.40s/device", node);
	len = readlink(path, function, sizeof(function) - 1);
	if (!f || len < 0)
		return -1;
	function[len] = '\0';
	snprintf(name, sizeof(name), "svff_qdma-%.20s-data", strrchr(function, '/') + 1);
	while (getline(&line, &room, f) > 0) {
		if (!strstr(line, name))
			continue;
		sum = sum < 0 ? 0 : sum;
		for (p = strchr(line, ':') + 1; *(p += strspn(p, " ")) >= '0' && *p <= '9';)
			sum += strtol(p, &p, 10);
	}
	free(line);
	fclose(f);
	return sum;
}

struct trigger {
	const char *name;
	struct svff_st_config config;
	bool user;	/* the user logic says so */
	int packets;	/* that are made at once */
	bool tells;	/* of so many */
};

/* The card tells of packets before anybody looks for them, once; or it does not, and they are found after a while. */
static enum ktap_result triggered(const struct trigger *t, int f)
{
	long before = interrupts();
	enum ktap_result ret;
	int i, ms;

	for (i = 1; i <= TOLD; i++) {
		generate(f, 300, t->packets, 0);
		for (ms = 0; t->tells && ms < WAIT_MS && interrupts() - before < i; ms++)
			usleep(1000);
		KTAP_FAIL_ON(ms == WAIT_MS, "%s: no interrupt", t->name);
		ret = expect_generated(f, 300, t->packets);
		if (ret != KTAP_PASS)
			return ret;
		/* An interrupt is counted before it is handled, and what it finds is what it tells of. */
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	}
	usleep(LATE_US);
	KTAP_FAIL_ON(interrupts() - before != (t->tells ? TOLD : 0), "%s: %ld interrupts for %d times %d packets",
		     t->name, interrupts() - before, TOLD, t->packets);
	return KTAP_PASS;
}

static enum ktap_result one_trigger(const struct trigger *t)
{
	struct svff_st_config c = t->config;
	int f = open_stream(O_RDONLY);
	struct svff_st_info info;
	enum ktap_result ret;

	KTAP_FAIL_ON(configure(f, &c) || ioctl(f, SVFF_IOC_ST_START), "%s: %s", t->name, strerror(errno));
	info = info_of(f);
	KTAP_FAIL_ON((c.timer && info.config.timer != c.timer) || (c.count && info.config.count != c.count),
		     "%s: timer %u, count %u", t->name, info.config.timer, info.config.count);
	user(USER_CMPT, t->user ? CMPT_TRIGGER : 0);
	ret = triggered(t, f);
	user(USER_CMPT, 0);
	close(f);
	return ret;
}

static enum ktap_result triggers(const void *arg)
{
	struct svff_st_info t;
	unsigned int i;
	int f;

	(void)arg;
	KTAP_SKIP_ON(interrupts() < 0, "no interrupts in this mode");
	user_calm(false);
	f = open_stream(O_RDONLY);
	t = info_of(f);
	close(f);
	/* The last time of the table is the longest. */
	const struct trigger rows[] = {
		{ "every", { .trigger = SVFF_ST_TRIG_EVERY }, false, 1, true },
		{ "count 2", { .trigger = SVFF_ST_TRIG_COUNT, .count = 2 }, false, 2, true },
		{ "count 64", { .trigger = SVFF_ST_TRIG_COUNT, .count = 64 }, false, 2, false },
		{ "count 64, user", { .trigger = SVFF_ST_TRIG_COUNT, .count = 64 }, true, 1, true },
		{ "user, who is silent", { .trigger = SVFF_ST_TRIG_USER }, false, 1, false },
		{ "user", { .trigger = SVFF_ST_TRIG_USER }, true, 1, true },
		{ "shortest time", { .trigger = SVFF_ST_TRIG_TIMER, .timer = t.timers[0] }, false, 1, true },
		{ "longest time", { .trigger = SVFF_ST_TRIG_TIMER, .timer = t.timers[15] }, false, 1, true },
		{ "count 64 or time", { .trigger = SVFF_ST_TRIG_COUNT_TIMER, .count = 64, .timer = t.timers[1] },
		  false, 1, true },
	};

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (one_trigger(&rows[i]) != KTAP_PASS)
			return KTAP_FAIL;
	user_calm(true);
	return KTAP_PASS;
}

/* A trigger that does not come must not keep packets from who asks. */
static enum ktap_result no_trigger(const void *arg)
{
	struct svff_st_config c = { .trigger = SVFF_ST_TRIG_USER };
	int f = open_stream(O_RDONLY);
	enum ktap_result ret;

	(void)arg;
	user_calm(false);
	KTAP_FAIL_ON(configure(f, &c) || ioctl(f, SVFF_IOC_ST_START), "%s", strerror(errno));
	generate(f, 100, 3, 0);
	ret = expect_generated(f, 100, 3);
	close(f);
	return ret;
}

static enum ktap_result buffers(const void *arg)
{
	struct svff_st_info t;
	unsigned int i;
	int f, bad;

	(void)arg;
	user_calm(true);
	f = open_stream(O_RDWR);
	t = info_of(f);
	close(f);
	for (i = 0; i < 16; i++) {
		struct svff_st_config c = { .buf_size = t.buf_sizes[i] };
		size_t most;

		f = open_stream(O_RDWR);
		KTAP_FAIL_ON(configure(f, &c), "%u: %s", c.buf_size, strerror(errno));
		most = info_of(f).rx_max;
		KTAP_FAIL_ON(most < 7 * c.buf_size && most != PACKET_MAX, "rx_max is %zu", most);
		bad = loop(f, most, 3, i) ?: loop(f, 0, 0, i) ?: loop(f, c.buf_size, 0, i);
		KTAP_FAIL_ON(bad, "buffers of %u: %d", c.buf_size, bad);
		KTAP_FAIL_ON(info_of(f).config.buf_size != c.buf_size, "another size is in use");
		close(f);
	}
	return KTAP_PASS;
}

/* Completions without a packet carry the user logic's words. */
static enum ktap_result immediate(const void *arg)
{
	struct svff_st_config c = { .cmpt_size = 64 };
	int f = open_stream(O_RDONLY);
	struct svff_st_info i;
	unsigned int k;

	(void)arg;
	user_calm(false);
	for (k = 1; k < 8; k++)
		user(USER_DATA + 4 * k, 0xabcd0000 + k);
	KTAP_FAIL_ON(configure(f, &c) || ioctl(f, SVFF_IOC_ST_START), "%s", strerror(errno));
	generate(f, 500, 1, CONTROL_IMMEDIATE);
	KTAP_FAIL_ON(!wait_for(f, POLLIN) || read(f, in, 10), "it reads as nothing");
	i = info_of(f);
	KTAP_FAIL_ON(i.last_flags != SVFF_ST_PACKET_IMMEDIATE || i.rx_immediate != 1 ||
		     i.rx_packets || i.last_entry_size != 64, "flags %x", i.last_flags);
	for (k = 1; k < 8; k++) {
		uint32_t word;

		memcpy(&word, i.last_entry + 4 * k, 4);
		KTAP_FAIL_ON(word != 0xabcd0000 + k, "word %u is %x", k, word);
		user(USER_DATA + 4 * k, 0);
	}
	user(USER_CONTROL, CONTROL_MARKER);
	for (k = 0; k < 1000 && !bar[USER_STATUS / 4]; k++)
		usleep(1000);
	KTAP_FAIL_ON(!bar[USER_STATUS / 4], "no marker response");
	generate(f, 500, 1, 0);
	KTAP_FAIL_ON(expect_generated(f, 500, 1) != KTAP_PASS, "a packet after it");
	close(f);
	return KTAP_PASS;
}

/* Nobody reads and nothing holds the card back: the queue fails, and starts anew. */
static enum ktap_result overflow(const void *arg)
{
	int f = open_stream(O_RDONLY | O_NONBLOCK), other = open_stream(O_RDWR);
	unsigned int got = 0, k;
	ssize_t n;
	int bad;

	(void)arg;
	user_calm(false);
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_START), "%s", strerror(errno));
	for (k = 0; k < 3; k++) {
		generate(f, 8, GEN_MAX, CONTROL_IMMEDIATE);
		usleep(300000);
	}
	user_calm(true);
	bad = loop(other, 1000, 0, 1);
	KTAP_FAIL_ON(bad, "another stream: %d", bad);
	KTAP_FAIL_ON(!(wait_for(f, POLLIN) & POLLIN), "no news");
	while (!(n = read(f, in, 10)))
		got++;
	if (n == -1 && errno == EAGAIN && wait_for(f, POLLIN) & POLLERR)
		n = read(f, in, 10);
	KTAP_FAIL_ON(n != -1 || errno != EIO, "%u, then %zd, %d", got, n, errno);
	KTAP_FAIL_ON(got < 500, "only %u were kept", got);
	n = read(f, in, 10);
	KTAP_FAIL_ON(n != -1 || errno != EAGAIN, "the error again: %zd, %d", n, errno);
	user_calm(false);
	generate(f, 100, 5, 0);
	KTAP_FAIL_ON(expect_generated(f, 100, 5) != KTAP_PASS, "after the new start: %s",
		     ktap_reason);
	KTAP_FAIL_ON(info_of(f).restarts != 1, "%llu restarts",
		     (unsigned long long)info_of(f).restarts);
	user_calm(true);
	bad = loop(other, 1000, 0, 2);
	KTAP_FAIL_ON(bad, "another stream afterwards: %d", bad);
	close(f);
	close(other);
	return KTAP_PASS;
}

/* inject-WHAT of the emulated card, see tools/qemu/qdma.rst. Whether there is one. */
static bool inject(const char *what, int queue)
{
	char command[PATH_LEN];

	snprintf(command, sizeof(command), "lab-qmp set inject-%s %d >/dev/null 2>&1", what, queue);
	return !system(command);
}

/*
 * The card cannot write the completion of a packet (@arg "cmpt-overflow"), or neither read nor write data
 * ("data-error"): who is served by that queue hears of it, and goes on afterwards; nobody else is disturbed.
 */
static enum ktap_result fails_once(const void *arg)
{
	int f = open_stream(O_RDWR), other = open_stream(O_RDWR), bad, err = 0;
	const char *what = arg;

	KTAP_SKIP_ON(!inject(what, -1), "no injection");
	user_calm(true);
	bad = loop(f, 1000, 0, 1) ?: loop(other, 1000, 0, 2);
	KTAP_FAIL_ON(bad, "before: %d", bad);
	inject(what, info_of(f).hw_queue);
	if (write(f, out, 700) != 700 || read(f, in, sizeof(in)) != 700)
		err = errno;
	bad = loop(other, 1000, 0, 3);
	inject(what, -1);
	KTAP_FAIL_ON(err != EIO, "%s", err ? strerror(err) : "no error");
	KTAP_FAIL_ON(bad, "another stream meanwhile: %d", bad);
	bad = loop(f, 1234, 0, 4) ?: loop(other, 1234, 0, 5);
	KTAP_FAIL_ON(bad, "afterwards: %d", bad);
	KTAP_FAIL_ON(info_of(f).restarts != 1, "%llu restarts", (unsigned long long)info_of(f).restarts);
	close(f);
	close(other);
	return KTAP_PASS;
}

/* A stream whose reader sleeps holds the writer up, and loses nothing. */
static enum ktap_result back_pressure(const void *arg)
{
	int f = open_stream(O_RDWR | O_NONBLOCK);
	unsigned int sent = 0, got;
	struct pollfd p = { .fd = f, .events = POLLOUT };
	ssize_t n;

	(void)arg;
	user_calm(true);
	for (;;) {
		fill(out, 3000, sent);
		n = write(f, out, 3000);
		if (n == 3000) {
			sent++;
			continue;
		}
		KTAP_FAIL_ON(errno != EAGAIN, "write %u: %d", sent, errno);
		if (!poll(&p, 1, 500))
			break;
	}
	KTAP_FAIL_ON(sent < 250, "full after %u", sent);
	for (got = 0; got < sent; got++) {
		KTAP_FAIL_ON(!wait_for(f, POLLIN), "packet %u of %u", got, sent);
		fill(out, 3000, got);
		n = read(f, in, sizeof(in));
		KTAP_FAIL_ON(n != 3000 || memcmp(in, out, 3000), "packet %u of %u: %zd", got, sent,
			     n);
	}
	KTAP_FAIL_ON(!(wait_for(f, POLLOUT) & POLLOUT), "no room");
	close(f);
	return KTAP_PASS;
}

/* What a row of bad input does to a configuration */
struct bad_config {
	const char *name;
	size_t offset;
	uint32_t value;
	int error;
};

#define BAD(field, value, error) \
	{ #field " " #value, offsetof(struct svff_st_config, field), value, error }

static enum ktap_result bad_configs(const void *arg)
{
	static const struct bad_config rows[] = {
		BAD(size, 0, EINVAL), BAD(size, 4, EINVAL),
		BAD(size, sizeof(struct svff_st_config) - 1, EINVAL),
		BAD(size, 1 << 20, E2BIG), BAD(size, 0xffffffff, E2BIG),
		BAD(flags, 1 << 3, EOPNOTSUPP), BAD(flags, 1u << 31, EOPNOTSUPP),
		BAD(buf_size, 1, EINVAL), BAD(buf_size, 4095, EINVAL),
		BAD(buf_size, 0xffffffff, EINVAL),
		BAD(cmpt_size, 7, EINVAL), BAD(cmpt_size, 24, EINVAL),
		BAD(cmpt_size, 128, EINVAL), BAD(cmpt_size, 0xffffffff, EINVAL),
		BAD(trigger, 6, EINVAL), BAD(trigger, 0xffffffff, EINVAL),
		BAD(count, 1, EINVAL), BAD(count, 3, EINVAL), BAD(count, 0x10002, EINVAL),
		BAD(timer, 3, EINVAL), BAD(timer, 0xffffffff, EINVAL),
	};
	static struct { struct svff_st_config c; uint8_t more[8192]; } room;
	int f = open_stream(O_RDWR);
	struct svff_st_config ok = { 0 };
	unsigned int i;
	int ret;

	(void)arg;
	user_calm(true);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		memset(&room, 0, sizeof(room));
		room.more[0] = 1;
		room.c.size = sizeof(room.c);
		memcpy((uint8_t *)&room.c + rows[i].offset, &rows[i].value, 4);
		ret = ioctl(f, SVFF_IOC_ST_CONFIG, &room);
		KTAP_FAIL_ON(ret != -1 || errno != rows[i].error, "%s: %d, %d", rows[i].name, ret,
			     errno);
	}
	memset(&room, 0, sizeof(room));
	room.c.size = sizeof(room.c) + 100;
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_CONFIG, &room), "zeros behind: %s", strerror(errno));
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_CONFIG, NULL) != -1 || errno != EFAULT, "NULL: %d", errno);
	ret = loop(f, 100, 0, 1);
	KTAP_FAIL_ON(ret, "it still works: %d", ret);
	KTAP_FAIL_ON(configure(f, &ok) != -1 || errno != EBUSY, "after the start: %d", errno);
	close(f);
	return KTAP_PASS;
}

static enum ktap_result bad_calls(const void *arg)
{
	struct svff_st_info i = { .size = sizeof(i), .flags = 1 };
	int f = open_stream(O_RDWR);

	(void)arg;
	user_calm(true);
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_INFO, &i) != -1 || errno != EOPNOTSUPP, "flags: %d", errno);
	i = (struct svff_st_info){ .size = 15 };
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_INFO, &i) != -1 || errno != EINVAL, "short: %d", errno);
	i = (struct svff_st_info){ .size = 16, .config.size = 77 };
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_INFO, &i) || i.size != sizeof(i) || i.config.size != 77,
		     "a part: %d", errno);
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_INFO, NULL) != -1 || errno != EFAULT, "NULL: %d", errno);
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_START, 1) != -1 || errno != EINVAL, "start 1: %d", errno);
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_CARD_INFO, &i) != -1 || errno != ENOTTY, "other: %d", errno);
	KTAP_FAIL_ON(ioctl(f, FIONREAD, NULL) != -1 || errno != EFAULT, "FIONREAD: %d", errno);
	KTAP_FAIL_ON(lseek(f, 0, SEEK_SET) != -1 || errno != ESPIPE, "lseek: %d", errno);
	KTAP_FAIL_ON(pread(f, in, 1, 0) != -1 || errno != ESPIPE, "pread: %d", errno);
	KTAP_FAIL_ON(pwrite(f, out, 1, 0) != -1 || errno != ESPIPE, "pwrite: %d", errno);
	KTAP_FAIL_ON(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, f, 0) != MAP_FAILED, "mmap");
	KTAP_FAIL_ON(write(f, out, PACKET_MAX + 1) != -1 || errno != EMSGSIZE, "64 KiB: %d", errno);
	KTAP_FAIL_ON(read(f, in, 0), "read of nothing");
	close(f);
	return KTAP_PASS;
}

/* A packet that cannot be stored stays; one that cannot be had is not sent. */
static enum ktap_result bad_buffers(const void *arg)
{
	uint8_t *hole = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	int modes[] = { O_RDWR, O_RDWR | O_NONBLOCK }, bad;
	unsigned int i;

	(void)arg;
	user_calm(true);
	munmap(hole + PAGE, PAGE);
	fill(out, 3000, 1);
	for (i = 0; i < 2; i++) {
		int f = open_stream(modes[i]);

		KTAP_FAIL_ON(write(f, hole + PAGE, 100) != -1 || errno != EFAULT, "hole: %d", errno);
		KTAP_FAIL_ON(write(f, hole + PAGE - 50, 100) != -1 || errno != EFAULT, "half: %d",
			     errno);
		KTAP_FAIL_ON(write(f, out, 3000) != 3000 || !wait_for(f, POLLIN), "write");
		KTAP_FAIL_ON(read(f, hole + PAGE, 3000) != -1 || errno != EFAULT, "read: %d", errno);
		KTAP_FAIL_ON(read(f, hole + PAGE - 50, 3000) != 50, "half of a read");
		KTAP_FAIL_ON(read(f, in, 3000) != 2950 || memcmp(in, out + 50, 2950), "the rest");
		bad = loop(f, 777, 0, 1);
		KTAP_FAIL_ON(bad, "afterwards: %d", bad);
		close(f);
	}
	munmap(hole, 3 * PAGE);
	return KTAP_PASS;
}

/* As many as there are queues to spare, each with packets of its own; of STREAM_QUEUES the MM device keeps one. */
static enum ktap_result many(const void *arg)
{
	const char *queues = getenv("STREAM_QUEUES");
	int least = queues ? atoi(queues) - 1 : 2;
	int f[MANY], n, i, round, bad;

	(void)arg;
	user_calm(true);
	for (round = 0; round < 2; round++) {
		for (n = 0; n < MANY; n++) {
			f[n] = open_stream(O_RDWR);
			if (f[n] < 0)
				break;
		}
		KTAP_FAIL_ON(n < least || errno != EBUSY, "%d opened, %s", n, strerror(errno));
		for (i = 0; i < n; i++) {
			fill(out, 500 + i, i);
			KTAP_FAIL_ON(write(f[i], out, 500 + i) != 500 + i, "write %d", i);
		}
		for (i = n - 1; i >= 0; i--) {
			fill(out, 500 + i, i);
			KTAP_FAIL_ON(!wait_for(f[i], POLLIN) || read(f[i], in, PAGE) != 500 + i ||
				     memcmp(in, out, 500 + i), "stream %d of %d", i, n);
			close(f[i]);
		}
	}
	/* What was on its way when a stream was closed is not the next one's. */
	f[0] = open_stream(O_RDWR);
	KTAP_FAIL_ON(write(f[0], out, 99) != 99, "write");
	close(f[0]);
	f[0] = open_stream(O_RDWR);
	bad = loop(f[0], 1234, 0, 1);
	KTAP_FAIL_ON(bad, "the next stream: %d", bad);
	close(f[0]);
	return KTAP_PASS;
}

struct worker {
	pthread_t thread;
	unsigned int number;
	int bad;
};

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	uint8_t *mine = malloc(2 * PACKET_MAX);
	int f = open_stream(O_RDWR);
	int i;

	for (i = 0; i < 60 && !w->bad; i++) {
		size_t len = (w->number * 7919 + i * 10473) % rx_max;

		fill(mine, len, w->number * 100 + i);
		if (write(f, mine, len) != (ssize_t)len ||
		    read(f, mine + PACKET_MAX, PACKET_MAX) != (ssize_t)len ||
		    memcmp(mine, mine + PACKET_MAX, len))
			w->bad = i + 1;
	}
	close(f);
	free(mine);
	return NULL;
}

static enum ktap_result threads(const void *arg)
{
	struct worker w[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
	unsigned int i;

	(void)arg;
	user_calm(true);
	for (i = 0; i < 3; i++)
		KTAP_FAIL_ON(pthread_create(&w[i].thread, NULL, worker_main, &w[i]), "thread");
	for (i = 0; i < 3; i++)
		pthread_join(w[i].thread, NULL);
	for (i = 0; i < 3; i++)
		KTAP_FAIL_ON(w[i].bad, "thread %u, packet %d", i, w[i].bad);
	return KTAP_PASS;
}

static enum ktap_result signals(const void *arg)
{
	int f = open_stream(O_RDWR), bad;
	pid_t child;

	(void)arg;
	user_calm(true);
	child = pester();
	KTAP_FAIL_ON(child < 0, "fork: %d", errno);
	bad = read(f, in, 100) != -1 ? -1 : errno;
	pester_end(child);
	KTAP_FAIL_ON(bad != EINTR, "read: %d", bad);
	bad = loop(f, 1000, 0, 1);
	KTAP_FAIL_ON(bad, "afterwards: %d", bad);
	close(f);
	return KTAP_PASS;
}

static void stuck(int how)
{
	int f = open_stream(O_RDWR);

	if (!how)
		read(f, in, 100);
	for (;;)
		if (write(f, out, 4000) != 4000)
			_exit(1);
}

/* In a read that waits, and in a write that the card does not take. */
static enum ktap_result killed(const void *arg)
{
	int i, status, f, bad;

	(void)arg;
	user_calm(true);
	for (i = 0; i < 6; i++) {
		pid_t child = fork();
		double start;

		if (!child)
			stuck(i % 2);
		usleep(300000 + 100000 * i);
		kill(child, SIGKILL);
		start = ktap_now();
		waitpid(child, &status, 0);
		KTAP_FAIL_ON(!WIFSIGNALED(status), "ended by itself: %x", status);
		KTAP_FAIL_ON(ktap_now() - start > 10, "took %.1f s to die", ktap_now() - start);
	}
	f = open_stream(O_RDWR);
	bad = loop(f, 5000, 0, 1);
	KTAP_FAIL_ON(bad, "afterwards: %d", bad);
	close(f);
	return KTAP_PASS;
}

static enum ktap_result timed_out(const void *arg)
{
	struct svff_st_config c = { .tx_timeout_ms = 1000 };
	int f = open_stream(O_RDWR), bad;
	double start;
	ssize_t n;

	(void)arg;
	user_calm(true);
	KTAP_FAIL_ON(configure(f, &c), "config: %s", strerror(errno));
	do {
		start = ktap_now();
		n = write(f, out, 4000);
	} while (n == 4000);
	KTAP_FAIL_ON(errno != ETIMEDOUT || ktap_now() - start > 10, "%d after %.1f s", errno,
		     ktap_now() - start);
	close(f);
	f = open_stream(O_RDWR);
	bad = loop(f, 5000, 0, 1);
	KTAP_FAIL_ON(bad, "a new stream: %d", bad);
	close(f);
	return KTAP_PASS;
}

#ifdef HAVE_LIBURING
#define DEPTH	32
#define OPS	256

/* Writes and reads side by side; those of a kind end in order. */
static enum ktap_result uring(const void *arg)
{
	int f = open_stream(O_RDWR);
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	unsigned int i, sent = 0, asked = 0, done = 0;
	int ret = io_uring_queue_init(2 * DEPTH, &ring, 0);

	(void)arg;
	KTAP_SKIP_ON(ret == -ENOSYS || ret == -EPERM, "no io_uring here");
	user_calm(true);
	fill(out, sizeof(out), 5);
	for (i = 0; i < OPS; i += DEPTH) {
		for (; sent < i + DEPTH; sent++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			io_uring_prep_write(sqe, f, out + sent * 2048, 1 + sent * 7, 0);
			sqe->user_data = 1 + sent * 7;
		}
		for (; asked < i + DEPTH; asked++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			io_uring_prep_read(sqe, f, in + asked * 2048, 2048, 0);
			sqe->user_data = 1u << 31;
		}
		KTAP_FAIL_ON(io_uring_submit(&ring) != 2 * DEPTH, "submit");
		for (done = 0; done < 2 * DEPTH; done++) {
			KTAP_FAIL_ON(io_uring_wait_cqe(&ring, &cqe), "wait");
			KTAP_FAIL_ON(cqe->res < 0 || (cqe->user_data != 1u << 31 &&
				     cqe->res != (int)cqe->user_data), "%llx: %d",
				     (unsigned long long)cqe->user_data, cqe->res);
			io_uring_cqe_seen(&ring, cqe);
		}
	}
	io_uring_queue_exit(&ring);
	KTAP_FAIL_ON(info_of(f).rx_packets != OPS || info_of(f).tx_packets != OPS, "%llu packets",
		     (unsigned long long)info_of(f).rx_packets);
	close(f);
	return KTAP_PASS;
}
#else
static enum ktap_result uring(const void *arg)
{
	(void)arg;
	ktap_why("built without liburing");
	return KTAP_SKIP;
}
#endif

/*
 * Packets that come together share their doorbells, which are two for one that comes alone. How many come together
 * is up to the card's pace and the reader's.
 */
static enum ktap_result batched(const void *arg)
{
	int f = open_stream(O_RDONLY);
	unsigned long long before;
	enum ktap_result ret;

	(void)arg;
	user_calm(false);
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_START), "%s", strerror(errno));
	before = info_of(f).doorbells;
	generate(f, 64, 960, 0);
	usleep(500000);
	ret = expect_generated(f, 64, 960);
	if (ret != KTAP_PASS)
		return ret;
	KTAP_FAIL_ON(info_of(f).doorbells - before > 960 / 4, "%llu doorbells for 960 packets",
		     info_of(f).doorbells - before);
	close(f);
	return KTAP_PASS;
}

static const size_t small = 5000, large = 60000;

static int write_text(const char *path, const char *text)
{
	int f = open(path, O_WRONLY | O_CLOEXEC);
	int ret = f < 0 || write(f, text, strlen(text)) < 0 ? -errno : 0;

	if (f >= 0)
		close(f);
	return ret;
}

static enum ktap_result exchange(int f, int round, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		fill(out, 1000 + i, 9 * round + i);
		KTAP_FAIL_ON(write(f, out, 1000 + i) != 1000 + i, "round %d: write %d: %d", round, i, errno);
		KTAP_FAIL_ON(read(f, in, sizeof(in)) != 1000 + i, "round %d: read %d: %d", round, i, errno);
		KTAP_FAIL_ON(memcmp(in, out, 1000 + i), "round %d: packet %d is another", round, i);
	}
	return KTAP_PASS;
}

/*
 * The VF is paused and resumed, with nothing under way, and so often that all buffers
 * were fetched ahead of packets: each packet has to find the next one.
 */
static enum ktap_result paused(const void *arg)
{
	const char *pause = getenv("STREAM_PAUSE");
	enum ktap_result ret = KTAP_PASS;
	int f, round;

	(void)arg;
	KTAP_SKIP_ON(!pause, "no VF to pause");
	user_calm(true);
	f = open_stream(O_RDWR);
	KTAP_FAIL_ON(f < 0, "open: %d", errno);
	for (round = 0; ret == KTAP_PASS && round < 100; round++) {
		ret = exchange(f, round, 1 + round % 9);
		KTAP_FAIL_ON(write_text(pause, "1"), "round %d: pause", round);
		KTAP_FAIL_ON(write_text(pause, "0"), "round %d: resume", round);
	}
	close(f);
	return ret;
}

/*
 * Nearly all buffers have packets when the VF is paused, and all of these are read meanwhile:
 * that the buffers are free again the card has to hear afterwards.
 */
static enum ktap_result read_while_paused(const void *arg)
{
	const char *pause = getenv("STREAM_PAUSE");
	enum ktap_result ret;
	ssize_t n;
	int f, i, got;

	(void)arg;
	KTAP_SKIP_ON(!pause, "no VF to pause");
	user_calm(true);
	f = open_stream(O_RDWR);
	KTAP_FAIL_ON(f < 0, "open: %d", errno);
	for (i = 0; i < 250; i++)
		KTAP_FAIL_ON(write(f, out, 64) != 64, "write %d: %d", i, errno);
	KTAP_FAIL_ON(write_text(pause, "1"), "pause");
	for (got = 0; got < 250 && readable(f) == 64; got++)
		KTAP_FAIL_ON(read(f, in, sizeof(in)) != 64, "read %d: %d", got, errno);
	KTAP_FAIL_ON(write_text(pause, "0"), "resume");
	KTAP_FAIL_ON(got < 200, "only %d packets had come", got);
	/* The last may still have been in the card, which drops them: one of another length ends what is left. */
	KTAP_FAIL_ON(write(f, out, 65) != 65, "write after the pause: %d", errno);
	for (n = 64; n == 64; n = read(f, in, sizeof(in)))
		KTAP_FAIL_ON(!wait_for(f, POLLIN), "no packet after the pause");
	KTAP_FAIL_ON(n != 65, "read after the pause: %d", errno);
	for (i = 0; i < 300; i++) {
		KTAP_FAIL_ON(write(f, out, 64) != 64, "write %d afterwards: %d", i, errno);
		KTAP_FAIL_ON(!wait_for(f, POLLIN), "no packet %d afterwards", i);
		KTAP_FAIL_ON(read(f, in, sizeof(in)) != 64, "read %d afterwards: %d", i, errno);
	}
	ret = exchange(f, 0, 10);
	close(f);
	return ret;
}

static void *close_main(void *arg)
{
	close(*(int *)arg);
	return NULL;
}

/* What was taken while the VF is paused is sent when it goes on, though its file is closed before. */
static enum ktap_result closed_while_paused(const void *arg)
{
	const char *pause = getenv("STREAM_PAUSE");
	pthread_t closer;
	int f;

	(void)arg;
	KTAP_SKIP_ON(!pause, "no VF to pause");
	user_calm(false);
	user(USER_CLEAR, 1);
	pattern(out, sizeof(out));
	f = open_stream(O_WRONLY | O_NONBLOCK);
	KTAP_FAIL_ON(ioctl(f, SVFF_IOC_ST_START), "start: %d", errno);
	KTAP_FAIL_ON(write_text(pause, "1"), "pause");
	KTAP_FAIL_ON(write(f, out, 1024) != 1024 || write(f, out + 1024, 1024) != 1024, "write: %d", errno);
	KTAP_FAIL_ON(pthread_create(&closer, NULL, close_main, &f), "no thread");
	usleep(1500000);	/* longer than close() waits for a card that works */
	KTAP_FAIL_ON(bar[USER_MATCH / 4], "a packet got through the pause");
	KTAP_FAIL_ON(write_text(pause, "0"), "resume");
	pthread_join(closer, NULL);
	KTAP_FAIL_ON(bar[USER_MATCH / 4] != 1, "the packets were lost");
	user_calm(true);
	return KTAP_PASS;
}

static const struct ktap_case cases[] = {
	{ "sizes and alignments", sizes, NULL },
	{ "one write, one packet", boundaries, NULL },
	{ "a short read keeps the rest", rest_is_kept, NULL },
	{ "a short read drops the rest if told to", rest_is_dropped, NULL },
	{ "writev and readv", vectors, &small },
	{ "writev and readv, 1000 pieces", vectors, &large },
	{ "1024 pieces, each across two pages", across_pages, NULL },
	{ "checker", checker, NULL },
	{ "packets of many descriptors", gathered, NULL },
	{ "triggers, completion sizes, prefetch", modes, NULL },
	{ "triggers interrupt as they say", triggers, NULL },
	{ "packets that nothing announces", no_trigger, NULL },
	{ "buffer sizes", buffers, NULL },
	{ "immediate data and marker", immediate, NULL },
	{ "few doorbells", batched, NULL },
	{ "a queue that fails starts anew", overflow, NULL },
	{ "a completion that finds no room", fails_once, "cmpt-overflow" },
	{ "data that the bus refuses", fails_once, "data-error" },
	{ "back pressure", back_pressure, NULL },
	{ "bad configurations", bad_configs, NULL },
	{ "bad calls", bad_calls, NULL },
	{ "bad buffers", bad_buffers, NULL },
	{ "many streams", many, NULL },
	{ "threads", threads, NULL },
	{ "signals", signals, NULL },
	{ "kill -9", killed, NULL },
	{ "time-out of a write", timed_out, NULL },
	{ "io_uring, 32 deep", uring, NULL },
	{ "paused and resumed", paused, NULL },
	{ "read while paused", read_while_paused, NULL },
	{ "closed while paused", closed_while_paused, NULL },
};

static void learn_rx_max(void)
{
	int f = open_stream(O_RDWR);

	rx_max = f < 0 ? 0 : info_of(f).rx_max;
	close(f);
}

static int map_bar(const char *path)
{
	int f = open(path, O_RDWR | O_CLOEXEC);

	bar = f < 0 ? MAP_FAILED : mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	return bar == MAP_FAILED ? -1 : 0;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: uapi-stream DEVICE BAR [CASE]\n", stderr);
		return 2;
	}
	device = argv[1];
	if (map_bar(argv[2])) {
		printf("Bail out! %s: %s\n", argv[2], strerror(errno));
		return KTAP_FAIL;
	}
	learn_rx_max();
	if (!rx_max) {
		printf("Bail out! %s: no stream: %s\n", device, strerror(errno));
		return KTAP_FAIL;
	}
	return ktap_main(cases, sizeof(cases) / sizeof(*cases), argv[3]);
}
