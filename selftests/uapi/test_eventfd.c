// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi-eventfd DEVICE BAR OTHER-DEVICE [CASE]: interrupts of the user logic by
 * eventfd. BAR is a function's BAR with the user logic, whose register sends any
 * interrupt; OTHER-DEVICE belongs to another function of the card.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/svff.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "../ktap.h"

#define PAGE		4096
#define USER_IRQ	0x94	/* [0] send, [8:4] vector, [19:12] function */
#define COME_MS		3000
#define NOT_COME_MS	300
#define MANY		50
#define BIG		64	/* more than any kernel's structure has on top */
#define SIGNALS_S	1

static const char *device, *other;
static volatile uint32_t *bar;
static int fd;

static int set(int file, int efd, struct svff_irq_eventfd *arg)
{
	*arg = (struct svff_irq_eventfd){ .size = sizeof(*arg), .fd = efd };
	return ioctl(file, SVFF_IOC_IRQ_EVENTFD, arg);
}

static void send(const struct svff_irq_eventfd *arg)
{
	bar[USER_IRQ / 4] = 1 | arg->msix << 4 | arg->function << 12;
}

static bool comes(int efd, int ms)
{
	struct pollfd p = { .fd = efd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

/* What the eventfd has counted, once it has; 0 if nothing comes. */
static uint64_t count(int efd, int ms)
{
	uint64_t n = 0;

	if (!comes(efd, ms) || read(efd, &n, sizeof(n)) != sizeof(n))
		return 0;
	return n;
}

static enum ktap_result signalled(const void *arg)
{
	int efd = eventfd(0, EFD_NONBLOCK), i;
	struct svff_irq_eventfd a;
	uint64_t n;

	(void)arg;
	KTAP_FAIL_ON(set(fd, efd, &a), "ioctl: %d", errno);
	KTAP_FAIL_ON(a.size != sizeof(a) || a.msix != 1, "size %u, vector %u", a.size, a.msix);
	KTAP_FAIL_ON(comes(efd, NOT_COME_MS), "signalled before it was sent");
	for (i = 0; i < MANY; i++) {
		send(&a);
		n = count(efd, COME_MS);
		KTAP_FAIL_ON(n != 1, "interrupt %d: counted %llu", i, (unsigned long long)n);
	}
	for (i = 0; i < MANY; i++)
		send(&a);
	n = count(efd, COME_MS);
	KTAP_FAIL_ON(!n || n > MANY, "of %d at once: %llu", MANY, (unsigned long long)n);
	KTAP_FAIL_ON(set(fd, -1, &a), "none: %d", errno);
	read(efd, &n, sizeof(n));
	send(&a);
	KTAP_FAIL_ON(comes(efd, NOT_COME_MS), "signalled after it was taken back");
	close(efd);
	return KTAP_PASS;
}

static enum ktap_result replaced(const void *arg)
{
	int a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, EFD_NONBLOCK);
	int other = open(device, O_RDONLY);
	struct svff_irq_eventfd x;

	(void)arg;
	KTAP_FAIL_ON(set(fd, a, &x) || set(fd, b, &x), "ioctl: %d", errno);
	send(&x);
	KTAP_FAIL_ON(!comes(b, COME_MS), "the new one is not signalled");
	KTAP_FAIL_ON(comes(a, 0), "the old one is signalled");
	KTAP_FAIL_ON(set(fd, b, &x), "the same again: %d", errno);
	/* It is the file's now, whatever becomes of the descriptor; another file tells that the interrupt has come. */
	KTAP_FAIL_ON(other < 0 || set(other, a, &x), "another file: %d", errno);
	close(b);
	send(&x);
	KTAP_FAIL_ON(!comes(a, COME_MS), "no interrupt");
	close(other);
	KTAP_FAIL_ON(set(fd, -1, &x) || set(fd, -1, &x), "none, twice: %d", errno);
	close(a);
	return KTAP_PASS;
}

static enum ktap_result several_files(const void *arg)
{
	int f[3], e[3], i;
	struct svff_irq_eventfd a;

	(void)arg;
	for (i = 0; i < 3; i++) {
		f[i] = open(device, i ? O_RDONLY : O_RDWR);
		e[i] = eventfd(0, EFD_NONBLOCK);
		KTAP_FAIL_ON(f[i] < 0 || set(f[i], e[i], &a), "file %d: %d", i, errno);
	}
	send(&a);
	for (i = 0; i < 3; i++)
		KTAP_FAIL_ON(count(e[i], COME_MS) != 1, "file %d is not told", i);
	close(f[1]);
	send(&a);
	KTAP_FAIL_ON(!comes(e[0], COME_MS) || !comes(e[2], COME_MS), "the others are not told");
	KTAP_FAIL_ON(comes(e[1], NOT_COME_MS), "a file that is closed is told");
	for (i = 0; i < 3; i++) {
		if (i != 1)
			close(f[i]);
		close(e[i]);
	}
	return KTAP_PASS;
}

/* Who dies leaves nothing behind: the eventfd outlives the file here. */
static enum ktap_result killed(const void *arg)
{
	int efd = eventfd(0, EFD_NONBLOCK), ready[2], i;
	struct svff_irq_eventfd a = { 0 };
	pid_t child;

	(void)arg;
	for (i = 0; i < 10; i++) {
		KTAP_FAIL_ON(pipe(ready), "pipe");
		child = fork();
		if (!child) {
			int f = open(device, O_RDWR);

			if (f >= 0 && !set(f, efd, &a))
				write(ready[1], &a, sizeof(a));
			pause();
			_exit(0);
		}
		close(ready[1]);
		KTAP_FAIL_ON(read(ready[0], &a, sizeof(a)) != sizeof(a), "the child");
		close(ready[0]);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	send(&a);
	KTAP_FAIL_ON(comes(efd, NOT_COME_MS), "told for a process that is dead");
	close(efd);
	return KTAP_PASS;
}

static enum ktap_result other_function(const void *arg)
{
	int mine = eventfd(0, EFD_NONBLOCK), its = eventfd(0, EFD_NONBLOCK);
	struct svff_irq_eventfd a, b;
	int f = open(other, O_RDWR);

	(void)arg;
	KTAP_FAIL_ON(f < 0 || set(fd, mine, &a) || set(f, its, &b), "ioctl: %d", errno);
	KTAP_FAIL_ON(a.function == b.function, "both are function %u", a.function);
	send(&b);
	KTAP_FAIL_ON(count(its, COME_MS) != 1 || comes(mine, NOT_COME_MS), "the wrong one");
	send(&a);
	KTAP_FAIL_ON(count(mine, COME_MS) != 1 || comes(its, NOT_COME_MS), "the wrong one");
	set(fd, -1, &a);
	close(f);
	close(mine);
	close(its);
	return KTAP_PASS;
}

static enum ktap_result refused(int err, struct svff_irq_eventfd *a, const char *what)
{
	int ret = ioctl(fd, SVFF_IOC_IRQ_EVENTFD, a), got = ret ? errno : 0;

	KTAP_FAIL_ON(got != err, "%s: %s, not %s", what, strerror(got), strerror(err));
	return KTAP_PASS;
}

#define REFUSED(err, field, value) do {					\
	struct svff_irq_eventfd a_ = { .size = sizeof(a_), .fd = efd };	\
									\
	a_.field = (value);						\
	if (refused(err, &a_, #field " " #value))			\
		return KTAP_FAIL;					\
} while (0)

/* All are refused, and leave what was set before. */
static enum ktap_result bad_calls(const void *arg)
{
	struct { struct svff_irq_eventfd a; char more[BIG]; } big = { 0 };
	int efd = eventfd(0, EFD_NONBLOCK), file = open("/dev/null", O_RDWR), p[2];
	struct svff_irq_eventfd a;

	(void)arg;
	KTAP_FAIL_ON(pipe(p) || set(fd, efd, &a), "setup: %d", errno);
	REFUSED(EBADF, fd, -2);
	REFUSED(EBADF, fd, 1 << 20);
	REFUSED(EBADF, fd, INT32_MIN);
	REFUSED(EINVAL, fd, file);
	REFUSED(EINVAL, fd, p[0]);
	REFUSED(EINVAL, fd, fd);
	REFUSED(EOPNOTSUPP, flags, 1);
	REFUSED(EOPNOTSUPP, flags, 1u << 31);
	REFUSED(EINVAL, vector, 1);
	REFUSED(EINVAL, vector, ~0u);
	REFUSED(EINVAL, msix, 1);
	REFUSED(EINVAL, function, 1);
	REFUSED(EINVAL, size, 0);
	REFUSED(EINVAL, size, 15);
	big.a = (struct svff_irq_eventfd){ .size = sizeof(big), .fd = -2 };
	big.more[BIG - 1] = 1;
	if (refused(E2BIG, &big.a, "larger, not zero"))
		return KTAP_FAIL;
	big.a.size = 1u << 31;
	if (refused(E2BIG, &big.a, "huge") || refused(EFAULT, NULL, "NULL") ||
	    refused(EFAULT, (void *)-4096l, "kernel address"))
		return KTAP_FAIL;
	send(&a);
	KTAP_FAIL_ON(count(efd, COME_MS) != 1, "what was set before is gone");
	set(fd, -1, &a);
	close(p[0]);
	close(p[1]);
	close(file);
	close(efd);
	return KTAP_PASS;
}

static enum ktap_result sizes(const void *arg)
{
	struct { struct svff_irq_eventfd a; char more[BIG]; } big = { 0 };
	int efd = eventfd(0, EFD_NONBLOCK);
	struct svff_irq_eventfd a = { .size = 16, .fd = efd };

	(void)arg;
	KTAP_FAIL_ON(ioctl(fd, SVFF_IOC_IRQ_EVENTFD, &a), "smaller: %d", errno);
	KTAP_FAIL_ON(a.msix || a.function, "wrote past the size");
	big.a = (struct svff_irq_eventfd){ .size = sizeof(big), .fd = efd };
	KTAP_FAIL_ON(ioctl(fd, SVFF_IOC_IRQ_EVENTFD, &big), "larger, zero: %d", errno);
	send(&big.a);
	KTAP_FAIL_ON(count(efd, COME_MS) != 1, "not signalled");
	set(fd, -1, &a);
	close(efd);
	return KTAP_PASS;
}

static volatile sig_atomic_t ticks;

static void tick(int sig)
{
	(void)sig;
	ticks++;
}

/* Calls and interrupts go on while signals come as fast as they can. */
static enum ktap_result signals(const void *arg)
{
	struct sigaction sa = { .sa_handler = tick }, old;
	struct itimerval fast = { { 0, 200 }, { 0, 200 } }, none = { 0 };
	int efd = eventfd(0, EFD_NONBLOCK), calls = 0, bad = 0;
	double end = ktap_now() + SIGNALS_S;
	struct svff_irq_eventfd a;

	(void)arg;
	sigaction(SIGVTALRM, &sa, &old);
	setitimer(ITIMER_VIRTUAL, &fast, NULL);
	while (ktap_now() < end && !bad) {
		bad = set(fd, calls % 3 ? efd : -1, &a) ? errno : 0;
		send(&a);
		calls++;
	}
	setitimer(ITIMER_VIRTUAL, &none, NULL);
	sigaction(SIGVTALRM, &old, NULL);
	KTAP_FAIL_ON(bad, "call %d: %s", calls, strerror(bad));
	KTAP_FAIL_ON(!ticks, "no signals");
	KTAP_FAIL_ON(set(fd, efd, &a), "afterwards: %d", errno);
	send(&a);
	KTAP_FAIL_ON(!count(efd, COME_MS), "not signalled afterwards");
	set(fd, -1, &a);
	close(efd);
	return KTAP_PASS;
}

static const struct ktap_case cases[] = {
	{ "an eventfd is signalled, until it is taken back", signalled, NULL },
	{ "one replaces another", replaced, NULL },
	{ "several files each have theirs", several_files, NULL },
	{ "kill -9 takes it back", killed, NULL },
	{ "each function has its own", other_function, NULL },
	{ "bad calls change nothing", bad_calls, NULL },
	{ "other sizes", sizes, NULL },
	{ "signals within calls", signals, NULL },
};

int main(int argc, char **argv)
{
	int f;

	if (argc < 4) {
		fputs("usage: uapi-eventfd DEVICE BAR OTHER-DEVICE [CASE]\n", stderr);
		return 2;
	}
	device = argv[1];
	other = argv[3];
	fd = open(device, O_RDWR | O_CLOEXEC);
	f = open(argv[2], O_RDWR | O_CLOEXEC);
	bar = f < 0 ? MAP_FAILED : mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	if (fd < 0 || bar == MAP_FAILED) {
		printf("Bail out! %s, %s: %s\n", device, argv[2], strerror(errno));
		return KTAP_FAIL;
	}
	return ktap_main(cases, sizeof(cases) / sizeof(*cases), argv[4]);
}
