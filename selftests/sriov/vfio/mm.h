/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory mapped queues of a VF: descriptor ring, doorbell, completion.
 */
#ifndef SVFF_SELFTESTS_MM_H
#define SVFF_SELFTESTS_MM_H

#include "vf.h"

#define MM_WAIT_MS	10000

/**
 * struct mm_queue - one direction of a queue
 * @vf:    owner
 * @rel:   number relative to the VF's range
 * @c2h:   card to host
 * @mode:  how completions are learned
 * @vec:   MSI-X vector
 * @ring:  descriptors, then the 8-byte status entry
 * @slots: descriptors in the ring
 * @pidx:  next slot to fill
 * @rung:  producer index of the last doorbell
 * @cidx:  next slot that the card completes, as last seen
 * @error: -EIO once the card reported an error
 * @irqs:  interrupts that told about this queue
 */
struct mm_queue {
	struct vf *vf;
	unsigned int rel;
	bool c2h;
	enum irq_mode mode;
	unsigned int vec;
	struct dma_buf ring;
	unsigned int slots;
	unsigned int pidx;
	unsigned int rung;
	unsigned int cidx;
	int error;
	unsigned int irqs;
};

int mm_open(struct mm_queue *q, struct vf *vf, unsigned int rel, bool c2h,
	    enum irq_mode mode, unsigned int table_size);
int mm_close(struct mm_queue *q);
int mm_post(struct mm_queue *q, uint64_t host, uint64_t card, uint32_t len);
void mm_doorbell(struct mm_queue *q);
void mm_completed(struct mm_queue *q, uint64_t entry);
int mm_wait(struct mm_queue *q, int timeout_ms);
int mm_move(struct mm_queue *q, uint64_t host, uint64_t card, size_t len);
int mm_read_context(struct mm_queue *q, struct mbox_msg *rsp);

static inline uint16_t mm_hw_qid(const struct mm_queue *q)
{
	return q->vf->qbase + q->rel;
}

static inline volatile uint64_t *mm_status_entry(const struct mm_queue *q)
{
	return (volatile uint64_t *)(q->ring.va + q->slots * MM_DESC_SIZE);
}

#endif
