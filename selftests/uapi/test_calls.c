// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi-calls CONTROL MM ST [CASE]: what all calls of a PF's devices have in common:
 * sizes, unknown flags and bytes, bad addresses, files that may not be written. What
 * each call says of its other arguments is elsewhere. VF 1 is used by nobody, or is
 * that of a client that knows the extension of the mailbox and answers nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/svff.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../ktap.h"
#include "pester.h"

#define PAGE		4096
#define KERNEL_ADDRESS	((void *)-4096l)
#define ASK_S		3	/* the PF asks a VF's driver for so long */
#define DIE_S		1.5
#define VF		1
#define ALL_FLAGS	(~(SVFF_VF_PAUSE_UNASKED | SVFF_ST_NO_PREFETCH | SVFF_ST_TRUNCATE | SVFF_ST_BYPASS))

enum { CONTROL, MM, ST, DEVICES };

static const char *path[DEVICES];
static const char *only;	/* asked for by name: what it wants is there */

/* Any of them: all have their size first, then flags. */
union argument {
	struct {
		uint32_t size;
		uint32_t flags;
	};
	struct svff_card_info card;
	struct svff_vf_info vf;
	struct svff_vf_pause pause;
	struct svff_vf_data data;
	struct svff_irq_eventfd irq;
	struct svff_st_config config;
	struct svff_st_info info;
	uint8_t bytes[2 * PAGE];	/* more than the kernel looks at */
};

static void of_vf(union argument *a) { a->vf.vf = VF; }
static void of_vfs(union argument *a) { a->pause.vfs[0] = 1 << VF; }
static void of_state(union argument *a) { a->data.vf = VF; }
static void no_eventfd(union argument *a) { a->irq.fd = -1; }

#define WHOLE(type)		sizeof(struct type), sizeof(struct type)
#define FROM(type, last)	sizeof(struct type), offsetof(struct type, last) + sizeof(((struct type *)0)->last)

static const struct call {
	const char *name;
	unsigned long nr;
	int device;
	size_t size;	/* of the kernel's structure */
	size_t least;	/* of the caller's */
	bool write;	/* wants a file that may be written */
	int says;	/* errno if nothing is wrong with the argument, VF 1 not there */
	void (*fill)(union argument *a);
} calls[] = {
	{ "CARD_INFO", SVFF_IOC_CARD_INFO, CONTROL, FROM(svff_card_info, flags), false, 0, NULL },
	{ "VF_INFO", SVFF_IOC_VF_INFO, CONTROL, FROM(svff_vf_info, vf), false, 0, of_vf },
	{ "VF_PAUSE", SVFF_IOC_VF_PAUSE, CONTROL, WHOLE(svff_vf_pause), true, ENODEV, of_vfs },
	{ "VF_RESUME", SVFF_IOC_VF_RESUME, CONTROL, WHOLE(svff_vf_pause), true, ENODEV, of_vfs },
	{ "VF_SAVE", SVFF_IOC_VF_SAVE, CONTROL, WHOLE(svff_vf_data), true, EINVAL, of_state },
	{ "VF_LOAD", SVFF_IOC_VF_LOAD, CONTROL, WHOLE(svff_vf_data), true, ENODEV, of_state },
	{ "IRQ_EVENTFD", SVFF_IOC_IRQ_EVENTFD, MM, FROM(svff_irq_eventfd, fd), false, 0, no_eventfd },
	{ "ST_CONFIG", SVFF_IOC_ST_CONFIG, ST, WHOLE(svff_st_config), false, 0, NULL },
	{ "ST_INFO", SVFF_IOC_ST_INFO, ST, FROM(svff_st_info, hw_queue), false, 0, NULL },
};

#define EACH_CALL(c)	for (c = calls; c < calls + sizeof(calls) / sizeof(*calls); c++)

/* The call on a file of its own, so that none is in the way of the next. 0 or errno. */
static int call_as(const struct call *c, int mode, void *a)
{
	int fd = open(path[c->device], mode | O_CLOEXEC), err;

	if (fd < 0)
		return errno;
	err = ioctl(fd, c->nr, a) ? errno : 0;
	close(fd);
	return err;
}

static int call(const struct call *c, void *a)
{
	return call_as(c, O_RDWR, a);
}

static union argument good(const struct call *c, size_t size)
{
	union argument a = { .bytes = { 0 } };

	if (c->fill)
		c->fill(&a);
	a.size = size;
	return a;
}

static enum ktap_result expect(const struct call *c, const char *what, int got, int want)
{
	KTAP_FAIL_ON(got != want, "%s, %s: %s, not %s", c->name, what, got ? strerror(got) : "no error",
		     want ? strerror(want) : "none");
	return KTAP_PASS;
}

#define EXPECT(c, what, got, want) do {			\
	if (expect(c, what, got, want) != KTAP_PASS)	\
		return KTAP_FAIL;			\
} while (0)

static enum ktap_result too_small(const void *arg)
{
	const struct call *c;
	union argument a;
	size_t i;

	(void)arg;
	EACH_CALL(c) {
		const size_t size[] = { 0, 4, c->least - 1 };

		for (i = 0; i < sizeof(size) / sizeof(*size); i++) {
			a = good(c, size[i]);
			EXPECT(c, "too small", call(c, &a), EINVAL);
		}
		a = good(c, c->least);
		EXPECT(c, "as small as can be", call(c, &a), c->says);
		for (i = c->least; i < sizeof(a); i++)
			KTAP_FAIL_ON(a.bytes[i], "%s wrote past the size, at %zu", c->name, i);
	}
	return KTAP_PASS;
}

/* A caller who knows more is understood if he wants none of it. */
static enum ktap_result larger(const void *arg)
{
	static const size_t size[] = { 1, 4, 64 };
	const struct call *c;
	union argument a;
	size_t i;

	(void)arg;
	EACH_CALL(c) {
		for (i = 0; i < sizeof(size) / sizeof(*size); i++) {
			a = good(c, c->size + size[i]);
			EXPECT(c, "larger, zero", call(c, &a), c->says);
			a = good(c, c->size + size[i]);
			a.bytes[c->size + size[i] - 1] = 1;
			EXPECT(c, "larger, not zero", call(c, &a), E2BIG);
			a = good(c, c->size + size[i]);
			a.bytes[c->size] = 0x80;
			EXPECT(c, "larger, not zero at once", call(c, &a), E2BIG);
		}
		a = good(c, PAGE);
		EXPECT(c, "a page", call(c, &a), c->says);
		a = good(c, PAGE + 1);
		EXPECT(c, "more than a page", call(c, &a), E2BIG);
		a = good(c, 1u << 31);
		EXPECT(c, "huge", call(c, &a), E2BIG);
		a = good(c, ~0u);
		EXPECT(c, "larger than all", call(c, &a), E2BIG);
	}
	return KTAP_PASS;
}

static enum ktap_result unknown_flags(const void *arg)
{
	const struct call *c;
	union argument a;
	uint32_t flag;

	(void)arg;
	EACH_CALL(c) {
		for (flag = 1; flag; flag <<= 1) {
			if (!(flag & ALL_FLAGS))
				continue;
			a = good(c, c->size);
			a.flags = flag;
			EXPECT(c, "an unknown flag", call(c, &a), EOPNOTSUPP);
		}
	}
	return KTAP_PASS;
}

/* The last page of these is not there. */
static uint8_t *before_a_hole(void)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + PAGE, PAGE, PROT_NONE)) {
		printf("Bail out! mmap: %s\n", strerror(errno));
		exit(KTAP_FAIL);
	}
	return p;
}

static enum ktap_result bad_addresses(const void *arg)
{
	uint8_t *p = before_a_hole(), *at;
	const struct call *c;
	union argument a;

	(void)arg;
	EACH_CALL(c) {
		EXPECT(c, "NULL", call(c, NULL), EFAULT);
		EXPECT(c, "a kernel address", call(c, KERNEL_ADDRESS), EFAULT);
		EXPECT(c, "nothing but a hole", call(c, p + PAGE), EFAULT);
		a = good(c, c->size);
		at = p + PAGE - (c->size - 4);
		memcpy(at, &a, c->size - 4);
		EXPECT(c, "its end in a hole", call(c, at), EFAULT);
		at = p + PAGE - c->size;
		memcpy(at, &a, c->size);
		EXPECT(c, "just before a hole", call(c, at), c->says);
	}
	munmap(p, 2 * PAGE);
	return KTAP_PASS;
}

static enum ktap_result read_only(const void *arg)
{
	const struct call *c;
	union argument a;

	(void)arg;
	EACH_CALL(c) {
		a = good(c, c->size);
		EXPECT(c, "a read-only file", call_as(c, O_RDONLY, &a), c->write ? EBADF : c->says);
		a = good(c, 0);
		EXPECT(c, "a read-only file, too small", call_as(c, O_RDONLY, &a), c->write ? EBADF : EINVAL);
	}
	return KTAP_PASS;
}

/* Neither a number that nobody has, nor another device's, nor another magic */
static enum ktap_result foreign(const void *arg)
{
	const struct call *c;
	struct call other;

	(void)arg;
	EACH_CALL(c) {
		union argument a = good(c, c->size);

		other = *c;
		other.device = (c->device + 1) % DEVICES;
		EXPECT(c, "on another device", call(&other, &a), ENOTTY);
		other = *c;
		other.nr = _IO(SVFF_IOC_MAGIC, 0x7f);
		EXPECT(c, "unknown", call(&other, &a), ENOTTY);
		other.nr = _IO('X', _IOC_NR(c->nr));
		EXPECT(c, "another magic", call(&other, &a), ENOTTY);
	}
	return KTAP_PASS;
}

/* Everything else works, by polling; control.sh has the card without vectors for this one. */
static enum ktap_result no_vectors(const void *arg)
{
	struct svff_irq_eventfd a = { .size = sizeof(a), .fd = -1 };
	int fd = open(path[MM], O_RDWR | O_CLOEXEC), err;
	char buf[64] = { 0 };

	(void)arg;
	KTAP_SKIP_ON(!only, "the card has vectors");
	KTAP_FAIL_ON(fd < 0, "open: %s", strerror(errno));
	err = ioctl(fd, SVFF_IOC_IRQ_EVENTFD, &a) ? errno : 0;
	KTAP_FAIL_ON(err != ENXIO, "%s", err ? strerror(err) : "no error");
	KTAP_FAIL_ON(pwrite(fd, buf, sizeof(buf), 0) != sizeof(buf), "write: %s", strerror(errno));
	KTAP_FAIL_ON(pread(fd, buf, sizeof(buf), 0) != sizeof(buf), "read: %s", strerror(errno));
	close(fd);
	return KTAP_PASS;
}

/* --- with VF 1 --- */

static int control = -1;

static uint32_t state_of_vf(void)
{
	struct svff_vf_info i = { .size = sizeof(i), .vf = VF };

	return ioctl(control, SVFF_IOC_VF_INFO, &i) ? ~0u : i.state;
}

/* 0 or errno; @len: room, then what it has or wants */
static int state_call(unsigned long nr, void *bytes, uint64_t *len)
{
	struct svff_vf_data d = {
		.size = sizeof(d), .vf = VF, .data = (uintptr_t)bytes, .len = *len,
	};
	int err = ioctl(control, nr, &d) ? errno : 0;

	*len = d.len;
	return err;
}

static int pause_call(unsigned long nr)
{
	struct svff_vf_pause p = { .size = sizeof(p), .vfs = { 1 << VF } };

	return ioctl(control, nr, &p) ? errno : 0;
}

/* @p: a page before a hole */
static enum ktap_result bad_state(uint8_t *p)
{
	uint64_t len = 0, n;
	int save, load;

	KTAP_FAIL_ON(state_call(SVFF_IOC_VF_SAVE, p, &len) != ENOSPC || !len || len > PAGE, "it wants %llu bytes",
		     (unsigned long long)len);
	for (n = 0; n < 4; n++) {
		uint8_t *at = n == 0 ? NULL : n == 1 ? KERNEL_ADDRESS : n == 2 ? p + PAGE : p + PAGE - len + 1;
		uint64_t room = len;

		save = state_call(SVFF_IOC_VF_SAVE, at, &room);
		room = len;
		load = state_call(SVFF_IOC_VF_LOAD, at, &room);
		KTAP_FAIL_ON(save != EFAULT || load != EFAULT, "place %llu: save %d, load %d", (unsigned long long)n,
			     save, load);
	}
	KTAP_FAIL_ON(state_of_vf() != SVFF_VF_PAUSED, "VF 1 is %u", state_of_vf());
	n = len;
	save = state_call(SVFF_IOC_VF_SAVE, p + PAGE - len, &n);
	load = state_call(SVFF_IOC_VF_LOAD, p + PAGE - len, &n);
	KTAP_FAIL_ON(save || load || n != len, "just before a hole: save %d, load %d", save, load);
	return KTAP_PASS;
}

static enum ktap_result bad_bytes(const void *arg)
{
	uint8_t *p = before_a_hole();
	enum ktap_result r;
	int err;

	(void)arg;
	KTAP_SKIP_ON(!only, "no VF 1");
	KTAP_FAIL_ON(state_of_vf() != SVFF_VF_READY, "VF 1 is %u", state_of_vf());
	err = pause_call(SVFF_IOC_VF_PAUSE);
	KTAP_FAIL_ON(err, "pause: %s", strerror(err));
	r = bad_state(p);
	err = pause_call(SVFF_IOC_VF_RESUME);
	munmap(p, 2 * PAGE);
	KTAP_FAIL_ON(r == KTAP_PASS && err, "resume: %s", strerror(err));
	return r;
}

/* The VF's driver is asked, and does not answer: only a signal that kills ends that earlier. */
static enum ktap_result signals(const void *arg)
{
	double start, took;
	pid_t child;
	int err;

	(void)arg;
	KTAP_SKIP_ON(!only, "nobody uses VF 1");
	KTAP_FAIL_ON(state_of_vf() != SVFF_VF_ACTIVE, "VF 1 is %u", state_of_vf());
	child = pester();
	KTAP_FAIL_ON(child < 0, "fork: %d", errno);
	start = ktap_now();
	err = pause_call(SVFF_IOC_VF_PAUSE);
	took = ktap_now() - start;
	pester_end(child);
	KTAP_FAIL_ON(err != ETIMEDOUT, "%s after %.1f s", err ? strerror(err) : "paused", took);
	KTAP_FAIL_ON(took < ASK_S * 0.9, "it waited for %.1f s", took);
	KTAP_FAIL_ON(!bites, "no signals");
	KTAP_FAIL_ON(state_of_vf() != SVFF_VF_ACTIVE, "VF 1 is %u", state_of_vf());
	return KTAP_PASS;
}

/* Does a process stand in an ioctl? */
static int in_call(pid_t pid)
{
	char path[64];
	int number = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &number) != 1)	/* it runs */
		number = -1;
	fclose(file);
	return number == SYS_ioctl;
}

static enum ktap_result killed(const void *arg)
{
	double start;
	int status;
	pid_t child;

	(void)arg;
	KTAP_SKIP_ON(!only, "nobody uses VF 1");
	KTAP_FAIL_ON(state_of_vf() != SVFF_VF_ACTIVE, "VF 1 is %u", state_of_vf());
	child = fork();
	if (!child)
		_exit(pause_call(SVFF_IOC_VF_PAUSE) ? 1 : 0);
	KTAP_FAIL_ON(child < 0, "fork: %d", errno);
	for (start = ktap_now(); !in_call(child) && ktap_now() - start < ASK_S;)
		usleep(1000);
	KTAP_FAIL_ON(!in_call(child), "it does not wait");
	start = ktap_now();
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	KTAP_FAIL_ON(!WIFSIGNALED(status), "it ended by itself: %x", status);
	KTAP_FAIL_ON(ktap_now() - start > DIE_S, "took %.1f s to die", ktap_now() - start);
	KTAP_FAIL_ON(state_of_vf() != SVFF_VF_ACTIVE, "VF 1 is %u", state_of_vf());
	return KTAP_PASS;
}

static const struct ktap_case cases[] = {
	{ "structures that are too small", too_small, NULL },
	{ "structures that are larger", larger, NULL },
	{ "unknown flags", unknown_flags, NULL },
	{ "bad addresses", bad_addresses, NULL },
	{ "read-only files", read_only, NULL },
	{ "unknown calls", foreign, NULL },
	{ "no vectors, no eventfd", no_vectors, NULL },
	{ "VF: bad addresses of a state", bad_bytes, NULL },
	{ "VF: signals within a pause", signals, NULL },
	{ "VF: kill -9 within a pause", killed, NULL },
};

int main(int argc, char **argv)
{
	if (argc < 4) {
		fputs("usage: uapi-calls CONTROL MM ST [CASE]\n", stderr);
		return 2;
	}
	memcpy(path, argv + 1, sizeof(path));
	control = open(path[CONTROL], O_RDWR | O_CLOEXEC);
	if (control < 0) {
		printf("Bail out! %s: %s\n", path[CONTROL], strerror(errno));
		return KTAP_FAIL;
	}
	only = argv[4];
	return ktap_main(cases, sizeof(cases) / sizeof(*cases), only);
}
