// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi-gone CONTROL|- MM ST [ATTRIBUTE]...: opens all these, has somebody wait in
 * a read of events and one of packets, and in a write whose page is not there
 * before the device goes, says "ready", and when a line comes (the device is gone
 * by then) tries everything that can be done with them: each call says ENODEV,
 * those that waited have ended so, and all can be closed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/svff.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "../ktap.h"

#define ATTRIBUTES	16
#define PAGE		4096
#define LATE_US		300000	/* the device is being removed for so long before the page comes */

static int control = -1, mm, st, attr[ATTRIBUTES], attrs;
static char **attr_name;

struct waiter {
	pthread_t thread;
	int fd;
	int error;
};

static struct waiter events, packets, copy = { .fd = -1 };
static int fault = -1;	/* userfaultfd of what @copy writes */
static void *page;

static void *wait_in_read(void *arg)
{
	struct waiter *w = arg;
	char buf[4096];
	ssize_t n;

	do {
		n = read(w->fd, buf, sizeof(buf));
	} while (n >= 0);
	w->error = errno;
	return NULL;
}

static void *wait_in_write(void *arg)
{
	struct waiter *w = arg;

	w->error = write(w->fd, page, PAGE) == PAGE ? 0 : errno;
	return NULL;
}

/* When the device has begun to go, and time enough to have all of its queues stopped, the page comes. */
static void *bring_page(void *arg)
{
	struct uffdio_zeropage zero = { .range = { .start = (unsigned long)page, .len = PAGE } };
	struct pollfd p = { .fd = copy.fd };

	(void)arg;
	while (poll(&p, 1, -1) != 1 || !(p.revents & POLLHUP))
		;
	usleep(LATE_US);
	ioctl(fault, UFFDIO_ZEROPAGE, &zero);
	return NULL;
}

static enum ktap_result ended(struct waiter *w, const char *what)
{
	pthread_join(w->thread, NULL);
	KTAP_FAIL_ON(w->error != ENODEV, "%s: %s", what, strerror(w->error));
	return KTAP_PASS;
}

static enum ktap_result gone(long ret, const char *what)
{
	int got = ret < 0 ? errno : 0;

	KTAP_FAIL_ON(got != ENODEV, "%s: %s", what, got ? strerror(got) : "no error");
	return KTAP_PASS;
}

#define GONE(call) do {			\
	if (gone(call, #call))		\
		return KTAP_FAIL;	\
} while (0)

static enum ktap_result control_calls(const void *arg)
{
	struct svff_card_info card = { .size = sizeof(card) };
	struct svff_vf_info vf = { .size = sizeof(vf), .vf = 1 };
	struct svff_vf_pause pause = { .size = sizeof(pause), .vfs = { 1 << 1 } };
	struct svff_vf_data data = { .size = sizeof(data), .vf = 1 };
	struct pollfd p = { .fd = control, .events = POLLIN };
	struct svff_event e;

	(void)arg;
	KTAP_SKIP_ON(control < 0, "no control device");
	if (ended(&events, "a read of events"))
		return KTAP_FAIL;
	GONE(ioctl(control, SVFF_IOC_CARD_INFO, &card));
	GONE(ioctl(control, SVFF_IOC_VF_INFO, &vf));
	GONE(ioctl(control, SVFF_IOC_VF_PAUSE, &pause));
	GONE(ioctl(control, SVFF_IOC_VF_RESUME, &pause));
	GONE(ioctl(control, SVFF_IOC_VF_SAVE, &data));
	GONE(ioctl(control, SVFF_IOC_VF_LOAD, &data));
	GONE(ioctl(control, SVFF_IOC_VF_LOAD, NULL));
	GONE(read(control, &e, sizeof(e)));
	KTAP_FAIL_ON(poll(&p, 1, 0) != 1 || !(p.revents & (POLLHUP | POLLERR)),
		     "poll: 0x%x", p.revents);
	KTAP_FAIL_ON(close(control), "close: %d", errno);
	return KTAP_PASS;
}

static enum ktap_result mm_calls(const void *arg)
{
	struct svff_irq_eventfd irq = { .size = sizeof(irq), .fd = -1 };
	int efd = eventfd(0, 0);
	char buf[64] = { 0 };

	(void)arg;
	GONE(pread(mm, buf, sizeof(buf), 0));
	GONE(pwrite(mm, buf, sizeof(buf), 0));
	GONE(ioctl(mm, SVFF_IOC_IRQ_EVENTFD, &irq));
	irq.fd = efd;
	GONE(ioctl(mm, SVFF_IOC_IRQ_EVENTFD, &irq));
	KTAP_FAIL_ON(close(mm) || close(efd), "close: %d", errno);
	return KTAP_PASS;
}

static enum ktap_result st_calls(const void *arg)
{
	struct svff_st_config config = { .size = sizeof(config) };
	struct svff_st_info info = { .size = sizeof(info) };
	struct pollfd p = { .fd = st, .events = POLLIN | POLLOUT };
	char buf[64] = { 0 };

	(void)arg;
	if (ended(&packets, "a read of packets"))
		return KTAP_FAIL;
	GONE(read(st, buf, sizeof(buf)));
	GONE(write(st, buf, sizeof(buf)));
	GONE(ioctl(st, SVFF_IOC_ST_CONFIG, &config));
	GONE(ioctl(st, SVFF_IOC_ST_START, NULL));
	GONE(ioctl(st, SVFF_IOC_ST_INFO, &info));
	KTAP_FAIL_ON(poll(&p, 1, 0) != 1 || !(p.revents & POLLHUP), "poll: 0x%x", p.revents);
	KTAP_FAIL_ON(close(st), "close: %d", errno);
	return KTAP_PASS;
}

static bool can(int fd, int mode)
{
	int flags = fcntl(fd, F_GETFL) & O_ACCMODE;

	return flags == O_RDWR || flags == mode;
}

static enum ktap_result write_under_way(const void *arg)
{
	(void)arg;
	KTAP_SKIP_ON(copy.fd < 0, "no userfaultfd");
	if (ended(&copy, "a write whose page came late"))
		return KTAP_FAIL;
	KTAP_FAIL_ON(close(copy.fd), "close: %d", errno);
	return KTAP_PASS;
}

static enum ktap_result attributes(const void *arg)
{
	char buf[64];
	int i;

	(void)arg;
	KTAP_SKIP_ON(!attrs, "no attributes");
	for (i = 0; i < attrs; i++) {
		if (can(attr[i], O_RDONLY) && gone(pread(attr[i], buf, sizeof(buf), 0), attr_name[i]))
			return KTAP_FAIL;
		if (can(attr[i], O_WRONLY) && gone(pwrite(attr[i], "1\n", 2, 0), attr_name[i]))
			return KTAP_FAIL;
		KTAP_FAIL_ON(close(attr[i]), "close: %d", errno);
	}
	return KTAP_PASS;
}

static const struct ktap_case cases[] = {
	{ "control device", control_calls, NULL },
	{ "MM device", mm_calls, NULL },
	{ "stream device", st_calls, NULL },
	{ "a write under way", write_under_way, NULL },
	{ "attributes", attributes, NULL },
};

static int open_some(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	printf("Bail out! %s: %s\n", path, strerror(errno));
	exit(KTAP_FAIL);
}

static void start_waiter(struct waiter *w, int fd)
{
	w->fd = fd;
	if (fd >= 0 && pthread_create(&w->thread, NULL, wait_in_read, w))
		exit(KTAP_FAIL);
}

/* An MM queue that runs, and one that has an eventfd, are harder to take away. */
static void use_mm(void)
{
	struct svff_irq_eventfd irq = { .size = sizeof(irq), .fd = eventfd(0, 0) };
	char buf[64];

	if (pread(mm, buf, sizeof(buf), 0) == sizeof(buf) && !ioctl(mm, SVFF_IOC_IRQ_EVENTFD, &irq))
		return;
	printf("Bail out! the MM device: %s\n", strerror(errno));
	exit(KTAP_FAIL);
}

/* A page that is there when bring_page() says so */
static bool make_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range.len = PAGE, .mode = UFFDIO_REGISTER_MODE_MISSING };

	fault = syscall(SYS_userfaultfd, O_CLOEXEC);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (unsigned long)page;
	return fault >= 0 && page != MAP_FAILED && !ioctl(fault, UFFDIO_API, &api) &&
	       !ioctl(fault, UFFDIO_REGISTER, &reg);
}

/* A write that does not wait for the card has a copy made, and is in the middle of it. */
static void start_copy(const char *path)
{
	struct uffd_msg msg;
	pthread_t bringer;

	if (!make_page())
		return;
	copy.fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (copy.fd >= 0 && !pthread_create(&copy.thread, NULL, wait_in_write, &copy) &&
	    read(fault, &msg, sizeof(msg)) == sizeof(msg) && !pthread_create(&bringer, NULL, bring_page, NULL))
		return;
	printf("Bail out! a write to %s: %s\n", path, strerror(errno));
	exit(KTAP_FAIL);
}

int main(int argc, char **argv)
{
	char line[16];

	if (argc < 4 || argc > 4 + ATTRIBUTES) {
		fputs("usage: uapi-gone CONTROL|- MM ST [ATTRIBUTE]...\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "-"))
		control = open_some(argv[1]);
	mm = open_some(argv[2]);
	st = open_some(argv[3]);
	attr_name = argv + 4;
	for (attrs = 0; attrs < argc - 4; attrs++)
		attr[attrs] = open_some(attr_name[attrs]);
	use_mm();
	start_waiter(&events, control);
	start_waiter(&packets, st);
	start_copy(argv[3]);
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return KTAP_FAIL;
	return ktap_main(cases, sizeof(cases) / sizeof(*cases), NULL);
}
