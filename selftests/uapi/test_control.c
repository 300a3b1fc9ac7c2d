// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi-control DEVICE [CASE]: information calls and events of /dev/svffN.
 * Changes the number of VFs of the card, which must be 0 at the start.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/svff.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../ktap.h"
#include "pester.h"

#define PATH_LEN	256
#define EVENT_MS	3000
#define LATER_US	200000

static const char *device;
static int fd;
static char sysfs[PATH_LEN - 64];

static enum ktap_result expect_errno(int ret, int want, const char *what)
{
	int got = ret < 0 ? errno : 0;

	KTAP_FAIL_ON(ret >= 0, "%s: no error", what);
	KTAP_FAIL_ON(got != want, "%s: %s, not %s", what, strerror(got),
		     strerror(want));
	return KTAP_PASS;
}

static long attr(const char *name)
{
	char path[PATH_LEN];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	if (fscanf(f, "%li", &value) != 1)
		value = -EINVAL;
	fclose(f);
	return value;
}

/* Does the attribute say this? */
static bool attr_is(const char *name, const char *text)
{
	char path[PATH_LEN], line[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return line[0] && !strcmp(line, text);
}

static int attr_write(const char *name, const char *value)
{
	char path[PATH_LEN];
	int f, ret;

	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	f = open(path, O_WRONLY);
	if (f < 0)
		return -errno;
	ret = write(f, value, strlen(value)) < 0 ? -errno : 0;
	close(f);
	return ret;
}

static int card_info(struct svff_card_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ioctl(fd, SVFF_IOC_CARD_INFO, info);
}

static int vf_info(struct svff_vf_info *info, unsigned int vf)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->vf = vf;
	return ioctl(fd, SVFF_IOC_VF_INFO, info);
}

static enum ktap_result card(const void *arg)
{
	struct svff_card_info i;

	(void)arg;
	KTAP_FAIL_ON(card_info(&i), "ioctl: %d", errno);
	KTAP_FAIL_ON(i.size != sizeof(i) || i.uapi_version != SVFF_UAPI_VERSION,
		     "size %u, version %u", i.size, i.uapi_version);
	KTAP_FAIL_ON(!attr_is("svff/ip_type", i.ip_type) ||
		     !attr_is("svff/ip_version", i.ip_version),
		     "%s %s", i.ip_type, i.ip_version);
	KTAP_FAIL_ON(i.queues_total != attr("svff/queues_total") ||
		     i.queues_free != attr("svff/queues_free") ||
		     i.total_vfs != attr("sriov_totalvfs") ||
		     i.num_vfs != attr("sriov_numvfs"),
		     "sysfs differs: %u %u %u %u", i.queues_total,
		     i.queues_free, i.total_vfs, i.num_vfs);
	return KTAP_PASS;
}

/* One that knows more fills what fits, and not a byte more. */
static enum ktap_result card_short(const void *arg)
{
	struct svff_card_info i;
	size_t len = offsetof(struct svff_card_info, queues_total);

	(void)arg;
	memset(&i, 0, sizeof(i));
	i.size = len;
	KTAP_FAIL_ON(ioctl(fd, SVFF_IOC_CARD_INFO, &i), "ioctl: %d", errno);
	KTAP_FAIL_ON(!attr_is("svff/ip_type", i.ip_type), "ip type is \"%s\"",
		     i.ip_type);
	KTAP_FAIL_ON(i.queues_total || i.num_vfs || i.total_vfs,
		     "wrote past the size");
	return KTAP_PASS;
}

static enum ktap_result vf_numbers(const void *arg)
{
	static const unsigned int bad[] = { 0, 253, 256, 65536, ~0u };
	struct svff_vf_info v;
	unsigned int i;

	(void)arg;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		KTAP_FAIL_ON(!vf_info(&v, bad[i]), "VF %u exists", bad[i]);
		KTAP_FAIL_ON(errno != EINVAL && errno != ENOENT, "VF %u: %d",
			     bad[i], errno);
	}
	KTAP_FAIL_ON(vf_info(&v, 252), "VF 252: %d", errno);
	KTAP_FAIL_ON(v.state != SVFF_VF_ABSENT, "VF 252 is %u", v.state);
	return KTAP_PASS;
}

static enum ktap_result vf_facts(const void *arg)
{
	struct svff_vf_info v;
	int ret = attr_write("sriov_numvfs", "2");

	(void)arg;
	KTAP_FAIL_ON(ret, "two VFs: %d", ret);
	ret = vf_info(&v, 2);
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "0"), "no VFs again");
	KTAP_FAIL_ON(ret, "ioctl: %d", errno);
	KTAP_FAIL_ON(v.state != SVFF_VF_READY, "state %u", v.state);
	KTAP_FAIL_ON(v.quota != attr("svff/vf2/queues"), "quota %u", v.quota);
	KTAP_FAIL_ON(v.queue_count && v.queue_base == ~0u, "%u queues at ~0",
		     v.queue_count);
	return KTAP_PASS;
}

/* control.sh runs it once more with VF 1 at work, and something of it refused. */
static enum ktap_result vf_counts(const void *arg)
{
	struct svff_vf_info v;
	long requests = attr("svff/vf1/stats/requests"), refused = attr("svff/vf1/stats/refused");
	long active = attr("svff/vf1/queues_active"), dropped = attr("svff/vf1/stats/dropped");

	(void)arg;
	KTAP_FAIL_ON(vf_info(&v, 1), "ioctl: %d", errno);
	KTAP_FAIL_ON(active && v.state != SVFF_VF_ACTIVE, "state %u", v.state);
	KTAP_FAIL_ON(v.queues_active != active, "%u queues active, not %ld", v.queues_active, active);
	KTAP_FAIL_ON(v.requests != (__u64)requests || v.refused != (__u64)refused || v.dropped != (__u64)dropped,
		     "%llu requests, %llu refused, %llu dropped; sysfs: %ld, %ld, %ld",
		     v.requests, v.refused, v.dropped, requests, refused, dropped);
	KTAP_FAIL_ON(v.queue_base != (__u32)attr("svff/vf1/queue_base") || (active && v.queue_count != v.quota),
		     "queues %u+%u", v.queue_base, v.queue_count);
	return KTAP_PASS;
}

static int wait_event(int f, struct svff_event *e)
{
	struct pollfd p = { .fd = f, .events = POLLIN };

	if (poll(&p, 1, EVENT_MS) <= 0)
		return -ETIMEDOUT;
	return read(f, e, sizeof(*e)) == sizeof(*e) ? 0 : -errno;
}

static enum ktap_result expect_state(int f, __u32 vf, __u32 now, __u32 before)
{
	struct svff_event e = { 0 };
	int ret = wait_event(f, &e);

	KTAP_FAIL_ON(ret, "no event: %d", ret);
	KTAP_FAIL_ON(e.type != SVFF_EVENT_VF_STATE || e.vf != vf ||
		     e.a != now || e.b != before,
		     "event %u of VF %u: %u after %u", e.type, e.vf, e.a, e.b);
	KTAP_FAIL_ON(!e.time_ns, "no time");
	return KTAP_PASS;
}

static enum ktap_result events(const void *arg)
{
	int a = open(device, O_RDONLY | O_NONBLOCK), b = open(device, O_RDONLY);
	struct svff_event e;
	enum ktap_result r;

	(void)arg;
	KTAP_FAIL_ON(a < 0 || b < 0, "open: %d", errno);
	if (expect_errno(read(a, &e, sizeof(e)), EAGAIN, "nothing to read") ||
	    expect_errno(read(a, &e, sizeof(e) - 1), EINVAL, "short buffer"))
		return KTAP_FAIL;
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "1"), "one VF");
	r = expect_state(a, 1, SVFF_VF_READY, SVFF_VF_ABSENT);
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "0"), "no VF");
	r |= expect_state(a, 1, SVFF_VF_ABSENT, SVFF_VF_READY);
	r |= expect_state(b, 1, SVFF_VF_READY, SVFF_VF_ABSENT);
	close(a);
	close(b);
	return r;
}

/* Several records at once, whole ones only. */
static enum ktap_result many_events(const void *arg)
{
	int a = open(device, O_RDONLY | O_NONBLOCK);
	char room[sizeof(struct svff_event) * 3 + 5];
	ssize_t n, again;

	(void)arg;
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "4"), "four VFs");
	n = read(a, room, sizeof(room));
	again = read(a, room, sizeof(room));
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "0"), "no VF");
	close(a);
	KTAP_FAIL_ON(n != 3 * sizeof(struct svff_event), "first read: %zd", n);
	KTAP_FAIL_ON(again != sizeof(struct svff_event), "second: %zd", again);
	return KTAP_PASS;
}

/* An event that the reader's memory does not take is there for the next read. */
static enum ktap_result stored(const void *arg)
{
	const size_t size = sizeof(struct svff_event), page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int f = open(device, O_RDONLY | O_NONBLOCK);
	struct svff_event *e;
	enum ktap_result r;
	ssize_t n;

	(void)arg;
	KTAP_FAIL_ON(mem == MAP_FAILED || f < 0 || mprotect(mem + page, page, PROT_NONE), "mmap, open: %d", errno);
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "1") || attr_write("sriov_numvfs", "0"), "a VF, and none");
	r = expect_errno(read(f, mem + page, 2 * size), EFAULT, "nothing can be stored");
	r |= expect_errno(read(f, mem + page - size / 3, size), EFAULT, "a third can be stored");
	e = (struct svff_event *)(mem + page - size - size / 3);
	n = read(f, e, 2 * size);
	KTAP_FAIL_ON(n != (ssize_t)size, "one and a third can be stored: %zd", n);
	KTAP_FAIL_ON(e->a != SVFF_VF_READY, "not the first");
	r |= expect_state(f, 1, SVFF_VF_ABSENT, SVFF_VF_READY);
	r |= expect_errno(read(f, mem, size), EAGAIN, "nothing is left");
	close(f);
	munmap(mem, 2 * page);
	return r;
}

/* In a child: the first value soon, the second soon after a byte came. */
static void write_later(const char *name, const char *first, const char *second, int go)
{
	char c;

	usleep(LATER_US);
	attr_write(name, first);
	if (read(go, &c, 1) == 1) {
		usleep(LATER_US);
		attr_write(name, second);
	}
	_exit(0);
}

/* Who waits is woken: in poll first, then in read. */
static enum ktap_result woken(const void *arg)
{
	int f = open(device, O_RDONLY), go[2], ret;
	struct pollfd p = { .fd = f, .events = POLLIN };
	enum ktap_result r = KTAP_PASS;
	struct svff_event e = { 0 };
	double start = ktap_now();
	ssize_t n = 0;

	(void)arg;
	KTAP_FAIL_ON(f < 0 || pipe(go), "open: %d", errno);
	KTAP_FAIL_ON(poll(&p, 1, 0), "readable at once");
	if (!fork())
		write_later("sriov_numvfs", "1", "0", go[0]);
	ret = poll(&p, 1, EVENT_MS);
	start = ktap_now() - start;
	if (ret == 1)
		r = expect_state(f, 1, SVFF_VF_READY, SVFF_VF_ABSENT);
	if (write(go[1], "", 1) == 1)
		n = read(f, &e, sizeof(e));
	wait(NULL);
	close(go[0]);
	close(go[1]);
	close(f);
	KTAP_FAIL_ON(ret != 1 || p.revents != POLLIN || start * 1000 >= EVENT_MS,
		     "poll: %d, events 0x%x, after %.1f s", ret, p.revents, start);
	KTAP_FAIL_ON(n != sizeof(e) || e.a != SVFF_VF_ABSENT, "read: %zd, state %u", n, e.a);
	return r;
}

static enum ktap_result interrupted(const void *arg)
{
	int f = open(device, O_RDONLY);
	pid_t child = pester();
	struct svff_event e;
	enum ktap_result r;

	(void)arg;
	KTAP_FAIL_ON(child < 0, "fork: %d", errno);
	r = expect_errno(read(f, &e, sizeof(e)), EINTR, "blocking read");
	pester_end(child);
	close(f);
	return r;
}

static int pause_call(unsigned long call, unsigned int flags, uint64_t vfs, unsigned int *failed)
{
	struct svff_vf_pause p = { .size = sizeof(p), .flags = flags, .vfs = { vfs } };
	int ret = ioctl(fd, call, &p);

	*failed = p.failed;
	return ret;
}

static enum ktap_result pause_arguments(const void *arg)
{
	struct svff_vf_pause p = { .size = sizeof(p), .vfs = { 1 << 1 } }, bad;
	struct svff_vf_data d = { .size = sizeof(d), .vf = 1 };
	unsigned int i;

	(void)arg;
	if (expect_errno(ioctl(fd, SVFF_IOC_VF_PAUSE, &p), ENODEV, "a VF that is not there"))
		return KTAP_FAIL;
	KTAP_FAIL_ON(p.failed != 1, "it is about VF %u", p.failed);
	for (i = 0; i < 4; i++) {
		bad = p;
		bad.pad = i == 0;
		bad.vfs[0] = i == 1 ? 0 : i == 2 ? 1 : 2;
		bad.vfs[3] = i == 3 ? 1ull << 61 : 0;	/* VF 253 */
		if (expect_errno(ioctl(fd, SVFF_IOC_VF_PAUSE, &bad), EINVAL, "bad pause") ||
		    expect_errno(ioctl(fd, SVFF_IOC_VF_RESUME, &bad), EINVAL, "bad resume"))
			return KTAP_FAIL;
	}
	p.flags = SVFF_VF_PAUSE_UNASKED;
	if (expect_errno(ioctl(fd, SVFF_IOC_VF_RESUME, &p), EOPNOTSUPP, "a flag of the other call"))
		return KTAP_FAIL;
	for (i = 0; i < 3; i++) {
		d = (struct svff_vf_data) { .size = sizeof(d), .vf = i == 0 ? 0 : i == 1 ? 253 : 1, .pad = i == 2 };
		if (expect_errno(ioctl(fd, SVFF_IOC_VF_SAVE, &d), EINVAL, "bad save") ||
		    expect_errno(ioctl(fd, SVFF_IOC_VF_LOAD, &d), EINVAL, "bad load"))
			return KTAP_FAIL;
	}
	return KTAP_PASS;
}

static unsigned int vf_state(unsigned int n)
{
	struct svff_vf_info v;

	return vf_info(&v, n) ? ~0u : v.state;
}

static int data_call(unsigned long call, unsigned int vf, void *bytes, uint64_t *len)
{
	struct svff_vf_data d = { .size = sizeof(d), .vf = vf, .data = (uintptr_t)bytes, .len = *len };
	int ret = ioctl(fd, call, &d);

	*len = d.len;
	return ret;
}

/* All or none, and what was saved of one is another's state. */
static enum ktap_result pause_some(void)
{
	unsigned char bytes[4096];
	unsigned int failed;
	uint64_t len = 8, want;

	if (expect_errno(pause_call(SVFF_IOC_VF_PAUSE, 0, 1 << 1 | 1 << 2 | 1 << 9, &failed), ENODEV, "one too many"))
		return KTAP_FAIL;
	KTAP_FAIL_ON(failed != 9 || vf_state(1) != SVFF_VF_READY, "VF %u failed, VF 1 is %u", failed, vf_state(1));
	KTAP_FAIL_ON(pause_call(SVFF_IOC_VF_PAUSE, 0, 1 << 1 | 1 << 2, &failed), "pause: %d", errno);
	KTAP_FAIL_ON(vf_state(1) != SVFF_VF_PAUSED || vf_state(2) != SVFF_VF_PAUSED, "not paused");
	KTAP_FAIL_ON(vf_state(3) != SVFF_VF_READY, "VF 3 is %u", vf_state(3));
	KTAP_FAIL_ON(pause_call(SVFF_IOC_VF_PAUSE, 0, 1 << 1, &failed), "paused already: %d", errno);
	if (expect_errno(data_call(SVFF_IOC_VF_SAVE, 3, bytes, &len), EINVAL, "save of one that is not paused") ||
	    expect_errno(data_call(SVFF_IOC_VF_SAVE, 1, bytes, &len), ENOSPC, "save without room"))
		return KTAP_FAIL;
	KTAP_FAIL_ON(len <= 8 || len > sizeof(bytes), "it wants %llu bytes", (unsigned long long)len);
	want = len;
	KTAP_FAIL_ON(data_call(SVFF_IOC_VF_SAVE, 1, bytes, &len) || len != want, "save: %d", errno);
	len--;
	if (expect_errno(data_call(SVFF_IOC_VF_LOAD, 3, bytes, &len), ENODATA, "short"))
		return KTAP_FAIL;
	len = want + 1;
	if (expect_errno(data_call(SVFF_IOC_VF_LOAD, 3, bytes, &len), EMSGSIZE, "long"))
		return KTAP_FAIL;
	len = 1 << 30;
	if (expect_errno(data_call(SVFF_IOC_VF_LOAD, 3, bytes, &len), EMSGSIZE, "very long"))
		return KTAP_FAIL;
	len = want;
	bytes[want - 1] ^= 1;
	if (expect_errno(data_call(SVFF_IOC_VF_LOAD, 3, bytes, &len), EBADMSG, "damaged") ||
	    expect_errno(data_call(SVFF_IOC_VF_LOAD, 9, bytes, &len), ENODEV, "damaged, for none"))
		return KTAP_FAIL;
	bytes[want - 1] ^= 1;
	if (expect_errno(data_call(SVFF_IOC_VF_LOAD, 9, bytes, &len), ENODEV, "for none"))
		return KTAP_FAIL;
	KTAP_FAIL_ON(data_call(SVFF_IOC_VF_LOAD, 3, bytes, &len), "load: %d", errno);
	KTAP_FAIL_ON(vf_state(3) != SVFF_VF_PAUSED, "VF 3 is %u", vf_state(3));
	/* Removed and made anew they are paused still. */
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "0") || vf_state(2) != SVFF_VF_ABSENT, "removal");
	if (expect_errno(pause_call(SVFF_IOC_VF_RESUME, 0, 1 << 2, &failed), ENODEV, "resume of an absent one"))
		return KTAP_FAIL;
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "3"), "made anew");
	KTAP_FAIL_ON(vf_state(2) != SVFF_VF_PAUSED, "VF 2 is %u, made anew", vf_state(2));
	KTAP_FAIL_ON(pause_call(SVFF_IOC_VF_RESUME, 0, 0xe, &failed), "resume: %d, VF %u", errno, failed);
	KTAP_FAIL_ON(vf_state(1) != SVFF_VF_READY || vf_state(3) != SVFF_VF_READY, "not ready");
	return KTAP_PASS;
}

static enum ktap_result pauses(const void *arg)
{
	enum ktap_result ret;

	(void)arg;
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "3"), "three VFs");
	ret = pause_some();
	KTAP_FAIL_ON(attr_write("sriov_numvfs", "0"), "no VFs again");
	return ret;
}

static const struct ktap_case cases[] = {
	{ "CARD_INFO agrees with sysfs", card, NULL },
	{ "CARD_INFO fills what fits", card_short, NULL },
	{ "VF_INFO of VFs that cannot be", vf_numbers, NULL },
	{ "VF_INFO agrees with sysfs", vf_facts, NULL },
	{ "VF_INFO counts", vf_counts, NULL },
	{ "arguments of the calls that pause", pause_arguments, NULL },
	{ "VFs are paused, saved, loaded and resumed", pauses, NULL },
	{ "each reader gets state events", events, NULL },
	{ "an event wakes who waits", woken, NULL },
	{ "only whole records are read", many_events, NULL },
	{ "an event stays until it could be stored", stored, NULL },
	{ "a blocking read can be interrupted", interrupted, NULL },
};

int main(int argc, char **argv)
{
	struct svff_card_info i;

	if (argc < 2) {
		fputs("usage: uapi-control DEVICE [CASE]\n", stderr);
		return 2;
	}
	device = argv[1];
	fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0 || card_info(&i)) {
		printf("Bail out! %s: %s\n", device, strerror(errno));
		return KTAP_FAIL;
	}
	snprintf(sysfs, sizeof(sysfs),
		 "/sys/bus/pci/devices/%04x:%02x:%02x.%x", i.domain, i.bus,
		 i.devfn >> 3, i.devfn & 7);
	return ktap_main(cases, sizeof(cases) / sizeof(*cases), argv[2]);
}
