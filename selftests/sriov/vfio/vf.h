/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VF as its driver has it: mailbox session, queue range, MM queues.
 *
 * Calls that ask the PF return the status of the answer (ST_*, 0 or negative,
 * above -100), or VF_NO_ANSWER.
 */
#ifndef SVFF_SELFTESTS_VF_H
#define SVFF_SELFTESTS_VF_H

#include "mbox.h"

#define VF_NO_ANSWER		(-1000)
#define VF_MAX_QUEUES		64

enum irq_mode { MODE_POLL, MODE_DIRECT, MODE_AGGR };

struct mm_queue;

/**
 * struct agg_ring - an interrupt aggregation ring
 * @mem:    the ring; no memory means that it is not set up
 * @index:  its hardware number
 * @vec:    MSI-X vector
 * @cidx:   next entry to look at
 * @colour: colour of a new entry
 * @events: entries taken so far
 */
struct agg_ring {
	struct dma_buf mem;
	uint32_t index;
	unsigned int vec;
	unsigned int cidx;
	bool colour;
	unsigned int events;
};

/**
 * struct vf - an open VF
 * @dev:      the function
 * @mbox:     its mailbox
 * @qbase:    first hardware queue of its range
 * @qmax:     queues in its range, 0 before vf_get_queues()
 * @ringsz:   ring size table, as the PF told it
 * @agg:      interrupt ring
 * @queue:    open MM queues, by relative number and direction
 */
struct vf {
	struct vfio_dev dev;
	struct mbox mbox;
	uint32_t qbase;
	uint32_t qmax;
	uint16_t ringsz[CSR_ENTRIES];
	struct agg_ring agg;
	struct mm_queue *queue[VF_MAX_QUEUES][2];
};

/**
 * struct hello - the PF's answer to HELLO
 * @num_pfs: PFs of the card
 * @num_qs:  queues of the card
 * @caps:    HELLO_* bits
 * @mm_chn:  memory mapped channels
 */
struct hello {
	unsigned int num_pfs;
	unsigned int num_qs;
	unsigned int caps;
	unsigned int mm_chn;
};

int vf_open(struct vf *vf, const char *bdf);
int vf_open_vectors(struct vf *vf, const char *bdf, unsigned int nvec);
void vf_close(struct vf *vf);
const char *vf_error(int status);

int vf_hello(struct vf *vf, struct hello *hello);
int vf_hello_ext(struct vf *vf, uint8_t version, uint32_t caps, struct mbox_msg *rsp);
int vf_csr(struct vf *vf, struct mbox_msg *rsp);
int vf_qreq(struct vf *vf, int32_t base, uint32_t count);
int vf_fmap(struct vf *vf, uint32_t base, uint32_t count);
int vf_qnotify(struct vf *vf, bool add, uint16_t qid, uint32_t type);
int vf_qactive(struct vf *vf, uint32_t count[3]);
int vf_bye(struct vf *vf);
int vf_session(struct vf *vf, uint32_t queues);

void qctxt_request(struct vf *vf, struct mbox_msg *req, uint8_t op,
		   uint16_t qid, bool c2h);
void qctxt_mm(struct vf *vf, struct mbox_msg *req, uint16_t qid, bool c2h,
	      uint64_t ring, uint16_t slots);
void intr_request(struct vf *vf, struct mbox_msg *req, uint8_t op,
		  uint64_t ring);
int vf_ask(struct vf *vf, const struct mbox_msg *req, struct mbox_msg *rsp);

int agg_open(struct vf *vf, unsigned int vec);
int agg_close(struct vf *vf);
int agg_drain(struct vf *vf);

int vf_number(const struct vf *vf);
int vf_attr_path(const struct vf *vf, const char *name, char *path, size_t len);
long vf_attr(const struct vf *vf, const char *name);
int vf_attr_write(const struct vf *vf, const char *name, const char *text);

#endif
