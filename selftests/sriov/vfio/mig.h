/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO's migration protocol, and a VF that goes away and comes back with its
 * state, as under a virtual machine that is paused.
 */
#ifndef SVFF_SELFTESTS_MIG_H
#define SVFF_SELFTESTS_MIG_H

#include <linux/vfio.h>

#include "mm.h"

#define MIG_MAX		65536
#define RIG_QUEUES	2	/* pairs */
#define RIG_BYTES	(128 * 1024)	/* a queue's buffer */

/**
 * struct mig_state - the state of a VF
 * @len:   bytes
 * @bytes: these
 */
struct mig_state {
	size_t len;
	uint8_t bytes[MIG_MAX];
};

/**
 * struct rig - a VF at work: queue pairs, each with a buffer
 * @vf:   the VF
 * @q:    its queues
 * @buf:  source or destination of each
 */
struct rig {
	struct vf vf;
	struct mm_queue q[2 * RIG_QUEUES];
	struct dma_buf buf[2 * RIG_QUEUES];
};

int mig_set(struct vfio_dev *dev, unsigned int state, int *data);
int mig_get(struct vfio_dev *dev, unsigned int *state);
int mig_save(struct vfio_dev *dev, struct mig_state *s);
int mig_write(struct vfio_dev *dev, const void *bytes, size_t len);
int mig_load(struct vfio_dev *dev, const struct mig_state *s);

int rig_open(struct rig *r, const char *bdf, enum irq_mode mode);
int rig_start(struct rig *r, uint64_t card, uint64_t seed);
int rig_wait(struct rig *r);
int rig_check(struct rig *r, uint64_t card, uint64_t seed);
void rig_close(struct rig *r);
void rig_leave(struct rig *r);
int rig_return(struct rig *r, const char *bdf);
void rig_inject(struct rig *r);

#endif
