/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One PCI function through VFIO: group, container, BAR 0, MSI-X, DMA memory.
 *
 * Every device has a container of its own, so two devices in one process are
 * two IOMMU domains, as they are in two guests.
 */
#ifndef SVFF_SELFTESTS_VFIO_H
#define SVFF_SELFTESTS_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define VFIO_BDF_LEN		16
#define VFIO_MAX_VECTORS	32

/**
 * struct dma_buf - memory the device may reach
 * @va:   where the program sees it
 * @iova: where the device sees it
 * @size: bytes, a multiple of the page size
 */
struct dma_buf {
	uint8_t *va;
	uint64_t iova;
	size_t size;
};

/**
 * struct vfio_dev - an open function
 * @bdf:       its address, for messages
 * @container: VFIO container
 * @group:     IOMMU group
 * @fd:        the device
 * @bar0:      BAR 0, mapped; 32-bit accesses only
 * @bar0_size: its size
 * @config:    file offset of the configuration space
 * @nvec:      MSI-X vectors that have an eventfd
 * @event:     the eventfds
 * @req_event: signalled when the host wants the device back
 * @next_iova: where the next buffer goes
 */
struct vfio_dev {
	char bdf[VFIO_BDF_LEN];
	int container;
	int group;
	int fd;
	volatile uint8_t *bar0;
	size_t bar0_size;
	uint64_t config;
	unsigned int nvec;
	int event[VFIO_MAX_VECTORS];
	int req_event;
	uint64_t next_iova;
};

int vfio_open(struct vfio_dev *dev, const char *bdf);
void vfio_close(struct vfio_dev *dev);
int vfio_bus_master(struct vfio_dev *dev, bool on);
int vfio_reset(struct vfio_dev *dev);
int vfio_irq_enable(struct vfio_dev *dev, unsigned int count);
int vfio_irq_wait(struct vfio_dev *dev, unsigned int vec, int timeout_ms);
int vfio_dma_map(struct vfio_dev *dev, void *va, size_t size, uint64_t iova);
int vfio_dma_unmap(struct vfio_dev *dev, size_t size, uint64_t iova);
int dma_alloc(struct vfio_dev *dev, size_t size, struct dma_buf *buf);
void dma_free(struct vfio_dev *dev, struct dma_buf *buf);

static inline int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static inline uint32_t bar_read(const struct vfio_dev *dev, uint32_t off)
{
	return *(const volatile uint32_t *)(dev->bar0 + off);
}

/* Memory written before is visible to the device before the register is. */
static inline void bar_write(struct vfio_dev *dev, uint32_t off, uint32_t val)
{
	__sync_synchronize();
	*(volatile uint32_t *)(dev->bar0 + off) = val;
}

#endif
