// SPDX-License-Identifier: GPL-2.0-only
#include "vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Above the MSI window and anything firmware reserves, within 39 bits. */
#define FIRST_IOVA	0x100000000ull
#define PATH_LEN	256

static int open_group(const char *bdf)
{
	char link[PATH_LEN], target[PATH_LEN], path[PATH_LEN];
	ssize_t n;
	int fd;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%.32s", basename(target));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int attach_group(struct vfio_dev *dev)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	if (ioctl(dev->group, VFIO_GROUP_GET_STATUS, &status))
		return -errno;
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return -EPERM;
	if (ioctl(dev->group, VFIO_GROUP_SET_CONTAINER, &dev->container))
		return -errno;
	if (ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	return 0;
}

static int map_bar0(struct vfio_dev *dev)
{
	struct vfio_region_info bar = {
		.argsz = sizeof(bar), .index = VFIO_PCI_BAR0_REGION_INDEX
	};
	struct vfio_region_info cfg = {
		.argsz = sizeof(cfg), .index = VFIO_PCI_CONFIG_REGION_INDEX
	};
	void *map;

	if (ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &bar) ||
	    ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &cfg))
		return -errno;
	if (!(bar.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return -ENODEV;
	map = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
		   bar.offset);
	if (map == MAP_FAILED)
		return -errno;
	dev->bar0 = map;
	dev->bar0_size = bar.size;
	dev->config = cfg.offset;
	return 0;
}

/* Hands one eventfd to an interrupt index of the device. */
static int set_irqs(struct vfio_dev *dev, unsigned int index,
		    const int *event, unsigned int count)
{
	char raw[sizeof(struct vfio_irq_set) + sizeof(int) * VFIO_MAX_VECTORS];
	struct vfio_irq_set *set = (void *)raw;

	set->argsz = sizeof(*set) + sizeof(int) * count;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = index;
	set->start = 0;
	set->count = count;
	memcpy(set->data, event, sizeof(int) * count);
	return ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
}

static void forget(struct vfio_dev *dev, const char *bdf)
{
	unsigned int i;

	memset(dev, 0, sizeof(*dev));
	snprintf(dev->bdf, sizeof(dev->bdf), "%s", bdf);
	dev->container = -1;
	dev->group = -1;
	dev->fd = -1;
	dev->req_event = -1;
	dev->next_iova = FIRST_IOVA;
	for (i = 0; i < VFIO_MAX_VECTORS; i++)
		dev->event[i] = -1;
}

static int open_device(struct vfio_dev *dev)
{
	int ret;

	dev->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (dev->container < 0)
		return -errno;
	dev->group = open_group(dev->bdf);
	if (dev->group < 0)
		return dev->group;
	ret = attach_group(dev);
	if (ret)
		return ret;
	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, dev->bdf);
	if (dev->fd < 0)
		return -errno;
	return map_bar0(dev);
}

/**
 * vfio_open() - open a function that is bound to a VFIO driver
 * @dev: filled in
 * @bdf: its address, "0000:01:00.1"
 *
 * Return: 0; -EPERM if its group holds a device of another driver; what the
 * system call says otherwise.
 */
int vfio_open(struct vfio_dev *dev, const char *bdf)
{
	int ret;

	forget(dev, bdf);
	ret = open_device(dev);
	if (ret) {
		vfio_close(dev);
		return ret;
	}
	dev->req_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	set_irqs(dev, VFIO_PCI_REQ_IRQ_INDEX, &dev->req_event, 1);
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/**
 * vfio_close() - give the function back
 * @dev: may be half open
 *
 * The kernel resets the function and drops its DMA mappings.
 */
void vfio_close(struct vfio_dev *dev)
{
	unsigned int i;

	if (dev->bar0)
		munmap((void *)dev->bar0, dev->bar0_size);
	dev->bar0 = NULL;
	close_fd(&dev->fd);
	close_fd(&dev->group);
	close_fd(&dev->container);
	close_fd(&dev->req_event);
	for (i = 0; i < VFIO_MAX_VECTORS; i++)
		close_fd(&dev->event[i]);
}

/**
 * vfio_bus_master() - allow or forbid the function its own DMA
 * @dev: the function
 * @on:  allow
 *
 * Return: 0 or a negative errno.
 */
int vfio_bus_master(struct vfio_dev *dev, bool on)
{
	uint16_t cmd;

	if (pread(dev->fd, &cmd, sizeof(cmd), dev->config + PCI_COMMAND) < 0)
		return -errno;
	cmd |= PCI_COMMAND_MEMORY;
	cmd = on ? cmd | PCI_COMMAND_MASTER : cmd & ~PCI_COMMAND_MASTER;
	if (pwrite(dev->fd, &cmd, sizeof(cmd), dev->config + PCI_COMMAND) < 0)
		return -errno;
	return 0;
}

/**
 * vfio_reset() - function level reset
 * @dev: the function
 *
 * Return: 0 or a negative errno.
 */
int vfio_reset(struct vfio_dev *dev)
{
	return ioctl(dev->fd, VFIO_DEVICE_RESET) ? -errno : 0;
}

/**
 * vfio_irq_enable() - give an eventfd to each of the first MSI-X vectors
 * @dev:   the function
 * @count: how many
 *
 * Return: 0; -ENOSPC if the function has fewer vectors.
 */
int vfio_irq_enable(struct vfio_dev *dev, unsigned int count)
{
	struct vfio_irq_info info = {
		.argsz = sizeof(info), .index = VFIO_PCI_MSIX_IRQ_INDEX
	};
	unsigned int i;

	if (ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info))
		return -errno;
	if (info.count < count || count > VFIO_MAX_VECTORS)
		return -ENOSPC;
	for (i = 0; i < count; i++) {
		dev->event[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (dev->event[i] < 0)
			return -errno;
	}
	dev->nvec = count;
	return set_irqs(dev, VFIO_PCI_MSIX_IRQ_INDEX, dev->event, count);
}

/**
 * vfio_irq_wait() - wait for an interrupt
 * @dev:        the function
 * @vec:        MSI-X vector
 * @timeout_ms: longest wait; 0 only looks
 *
 * Return: interrupts since the last call, 0 if none came in time.
 */
int vfio_irq_wait(struct vfio_dev *dev, unsigned int vec, int timeout_ms)
{
	struct pollfd p = { .fd = dev->event[vec], .events = POLLIN };
	uint64_t count;

	if (poll(&p, 1, timeout_ms) <= 0)
		return 0;
	if (read(dev->event[vec], &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

/**
 * vfio_dma_map() - let the function reach memory
 * @dev:  the function
 * @va:   page aligned
 * @size: whole pages
 * @iova: where the function finds it
 *
 * Return: 0 or a negative errno.
 */
int vfio_dma_map(struct vfio_dev *dev, void *va, size_t size, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)va, .iova = iova, .size = size,
	};

	return ioctl(dev->container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

/**
 * vfio_dma_unmap() - take memory away from the function
 * @dev:  the function
 * @size: as mapped
 * @iova: as mapped
 *
 * Return: 0 or a negative errno.
 */
int vfio_dma_unmap(struct vfio_dev *dev, size_t size, uint64_t iova)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = size,
	};

	return ioctl(dev->container, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : 0;
}

/**
 * dma_alloc() - zeroed memory, mapped at the next free device address
 * @dev:  the function
 * @size: bytes, rounded up to pages
 * @buf:  filled in
 *
 * A page is left out between two buffers: an access past the end of one faults.
 *
 * Return: 0 or a negative errno.
 */
int dma_alloc(struct vfio_dev *dev, size_t size, struct dma_buf *buf)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int ret;

	buf->size = (size + page - 1) & ~(page - 1);
	buf->iova = dev->next_iova;
	buf->va = mmap(NULL, buf->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf->va == MAP_FAILED) {
		buf->va = NULL;
		return -ENOMEM;
	}
	ret = vfio_dma_map(dev, buf->va, buf->size, buf->iova);
	if (ret) {
		munmap(buf->va, buf->size);
		buf->va = NULL;
		return ret;
	}
	dev->next_iova += buf->size + page;
	return 0;
}

/**
 * dma_free() - undo dma_alloc()
 * @dev: the function
 * @buf: may be empty
 */
void dma_free(struct vfio_dev *dev, struct dma_buf *buf)
{
	if (!buf->va)
		return;
	vfio_dma_unmap(dev, buf->size, buf->iova);
	munmap(buf->va, buf->size);
	buf->va = NULL;
}
