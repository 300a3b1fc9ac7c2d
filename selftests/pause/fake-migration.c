// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into QEMU: lets a VF on plain vfio-pci look as if its driver knew VFIO's migration (version 2), so that
 * QEMU's part of a transparent pause can be tried alone, with failures that a real driver does not make on demand.
 *
 * The device's state is what one register of BAR 0 holds. What is asked for is written to the log, a line each:
 *	state NAME	a change of state that was done
 *	write OFFSET VALUE	a write to BAR 0 that QEMU does itself
 * A name in the file "fail" makes a change to that state fail ("load" is the one from RESUMING to STOP), "read" the
 * reading of the state, "MIGRATION" the question whether there is any, "RESET" a reset, "VECTORS" the request for MSI-X
 * vectors; where a reset fails the state is ERROR; with "PIN" the device is one with another interrupt pin, with "GONE" its configuration space reads all ones.
 * There may be several of them.
 *
 *	FAKE_DIR  folder of log and fail
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define STATE_REGISTER	0x5c04
#define BAR0_END	(1ULL << 32)	/* of offsets in the device's file */
#define CONFIG		((off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)
#define MAGIC		0x66616b65

struct blob {
	uint32_t magic;
	uint32_t value;
};

static const char * const names[] = {
	[VFIO_DEVICE_STATE_ERROR] = "ERROR", [VFIO_DEVICE_STATE_STOP] = "STOP",
	[VFIO_DEVICE_STATE_RUNNING] = "RUNNING", [VFIO_DEVICE_STATE_STOP_COPY] = "STOP_COPY",
	[VFIO_DEVICE_STATE_RESUMING] = "RESUMING",
};

static struct {
	int device;	/* its file, or -1 */
	unsigned int state;
	int incoming;	/* what is written while RESUMING */
} fake = { .device = -1, .incoming = -1 };

static void say(const char *format, ...)
{
	char path[256], line[128];
	va_list args;
	int fd, n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/log", getenv("FAKE_DIR"));
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0 || write(fd, line, n) != n)
		abort();
	close(fd);
}

static bool fails(const char *what)
{
	char path[256], text[64];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/fail", getenv("FAKE_DIR"));
	file = fopen(path, "r");
	if (!file)
		return false;
	while (!found && fscanf(file, "%63s", text) == 1)
		found = !strcmp(text, what);
	fclose(file);
	return found;
}

/* A file with the device's state */
static int save(void)
{
	struct blob blob = { .magic = MAGIC };
	int fd = memfd_create("state", 0);
	char path[64];
	int broken;

	if (pread(fake.device, &blob.value, 4, STATE_REGISTER) != 4 || write(fd, &blob, sizeof(blob)) != sizeof(blob) ||
	    lseek(fd, 0, SEEK_SET))
		abort();
	if (!fails("read"))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	broken = open(path, O_WRONLY);
	close(fd);
	return broken;
}

static int load(void)
{
	ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64");
	struct blob blob;

	if (pread(fake.incoming, &blob, sizeof(blob), 0) != sizeof(blob) || blob.magic != MAGIC || fails("load"))
		return -EINVAL;
	if (real(fake.device, &blob.value, 4, STATE_REGISTER) != 4)
		abort();
	return 0;
}

static int change(struct vfio_device_feature_mig_state *to)
{
	unsigned int state = to->device_state;

	to->data_fd = -1;
	if (state >= sizeof(names) / sizeof(names[0]) || !names[state] || fails(names[state]))
		return -EIO;
	if (fake.state == VFIO_DEVICE_STATE_RESUMING && load())
		return -EINVAL;
	if (fake.incoming >= 0)
		close(fake.incoming);
	fake.incoming = -1;
	if (state == VFIO_DEVICE_STATE_STOP_COPY)
		to->data_fd = save();
	if (state == VFIO_DEVICE_STATE_RESUMING) {
		to->data_fd = memfd_create("incoming", 0);
		fake.incoming = dup(to->data_fd);
	}
	fake.state = state;
	say("state %s\n", names[state]);
	return 0;
}

static int feature(struct vfio_device_feature *f)
{
	struct vfio_device_feature_migration *migration = (void *)f->data;

	switch (f->flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_MIGRATION:
		if (fails("MIGRATION"))
			return -ENOTTY;
		migration->flags = VFIO_MIGRATION_STOP_COPY;
		return 0;
	case VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
		if (f->flags & VFIO_DEVICE_FEATURE_SET)
			return change((void *)f->data);
		((struct vfio_device_feature_mig_state *)f->data)->device_state = fake.state;
		return 0;
	default:
		return -ENOTTY;
	}
}

static int refusal(unsigned long request, const void *arg)
{
	const struct vfio_irq_set *irqs = arg;

	if (request == VFIO_DEVICE_RESET && fails("RESET")) {
		fake.state = VFIO_DEVICE_STATE_ERROR;
		return EAGAIN;
	}
	if (request == VFIO_DEVICE_SET_IRQS && irqs->index == VFIO_PCI_MSIX_IRQ_INDEX &&
	    (irqs->flags & VFIO_IRQ_SET_DATA_EVENTFD) && fails("VECTORS"))
		return ENOSPC;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int fd, unsigned long request, void *arg);
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!real)
		real = dlsym(RTLD_NEXT, "ioctl");
	/* a container's VFIO_IOMMU_DIRTY_PAGES is the same number */
	if (request == VFIO_DEVICE_FEATURE && fd == fake.device) {
		ret = feature(arg);
		if (ret < 0)
			errno = -ret;
		return ret < 0 ? -1 : ret;
	}
	errno = refusal(request, arg);
	if (errno)
		return -1;
	ret = real(fd, request, arg);
	if (request == VFIO_GROUP_GET_DEVICE_FD && ret >= 0)
		fake.device = ret;
	if (request == VFIO_DEVICE_BIND_IOMMUFD && ret >= 0)
		fake.device = fd;
	if (ret >= 0 && (request == VFIO_DEVICE_RESET || request == VFIO_GROUP_GET_DEVICE_FD ||
			 request == VFIO_DEVICE_BIND_IOMMUFD)) {
		fake.state = VFIO_DEVICE_STATE_RUNNING;
		say("state new\n");
	}
	return ret;
}

ssize_t pread64(int fd, void *buf, size_t size, off_t offset)
{
	static ssize_t (*real)(int fd, void *buf, size_t size, off_t offset);
	const off_t pin = CONFIG + PCI_INTERRUPT_PIN;
	ssize_t ret;

	if (!real)
		real = dlsym(RTLD_NEXT, "pread64");
	ret = real(fd, buf, size, offset);
	if (fd == fake.device && offset <= pin && pin < offset + ret && fails("PIN"))
		((uint8_t *)buf)[pin - offset] ^= 1;
	if (fd == fake.device && offset >= CONFIG && ret > 0 && fails("GONE"))
		memset(buf, 0xff, ret);
	return ret;
}

ssize_t pwrite64(int fd, const void *buf, size_t size, off_t offset)
{
	static ssize_t (*real)(int fd, const void *buf, size_t size, off_t offset);

	if (!real)
		real = dlsym(RTLD_NEXT, "pwrite64");
	if (fd == fake.device && (unsigned long long)offset < BAR0_END && size == 4)
		say("write %#llx %#x\n", (unsigned long long)offset, *(const uint32_t *)buf);
	return real(fd, buf, size, offset);
}
