// SPDX-License-Identifier: GPL-2.0-only
#include "mm.h"

#include <errno.h>
#include <unistd.h>

#define POLL_STEP_US	20

/* Little endian, as the card reads it */
struct mm_desc {
	uint64_t src;
	uint32_t len;
	uint32_t reserved0;
	uint64_t dst;
	uint64_t reserved1;
};

_Static_assert(sizeof(struct mm_desc) == MM_DESC_SIZE, "descriptor size");

static int write_context(struct mm_queue *q)
{
	struct mbox_msg req, rsp;
	uint32_t flags;

	qctxt_mm(q->vf, &req, mm_hw_qid(q), q->c2h, q->ring.iova, q->slots);
	flags = msg_get32(&req, M_QC_FLAGS);
	if (q->mode != MODE_POLL)
		flags |= QC_IRQ_EN | QC_IRQ_ARM;
	msg_put32(&req, M_QC_FLAGS, flags);
	if (q->mode == MODE_DIRECT)
		msg_put16(&req, M_QC_INTR, q->vec);
	else if (q->mode == MODE_AGGR)
		msg_put16(&req, M_QC_INTR, q->vf->agg.index | QC_INTR_AGGR);
	return vf_ask(q->vf, &req, &rsp);
}

/**
 * mm_open() - make one direction of a queue ready for transfers
 * @q:          filled in
 * @vf:         owner; for MODE_AGGR its interrupt ring is set up
 * @rel:        queue, relative to the VF's range
 * @c2h:        card to host
 * @mode:       how completions are learned
 * @table_size: wanted entry of the ring size table, e.g. 65 for 64 slots
 *
 * Return: status, or -ENOMEM.
 */
int mm_open(struct mm_queue *q, struct vf *vf, unsigned int rel, bool c2h,
	    enum irq_mode mode, unsigned int table_size)
{
	int status;

	memset(q, 0, sizeof(*q));
	q->vf = vf;
	q->rel = rel;
	q->c2h = c2h;
	q->mode = mode;
	if (vf->dev.nvec > VF_VEC_DATA)
		q->vec = VF_VEC_DATA + (2 * rel + c2h) % (vf->dev.nvec - VF_VEC_DATA);
	q->slots = table_size - 1;
	if (dma_alloc(&vf->dev, q->slots * MM_DESC_SIZE + 8, &q->ring))
		return -ENOMEM;
	status = vf_qnotify(vf, true, mm_hw_qid(q), c2h ? Q_C2H : Q_H2C);
	if (status)
		goto free_ring;
	status = write_context(q);
	if (status)
		goto notify_del;
	vf->queue[rel][c2h] = q;
	return 0;

notify_del:
	vf_qnotify(vf, false, mm_hw_qid(q), c2h ? Q_C2H : Q_H2C);
free_ring:
	dma_free(&vf->dev, &q->ring);
	return status;
}

/**
 * mm_close() - stop a queue and free its ring
 * @q: may be half open
 *
 * Return: first status that is not success.
 */
int mm_close(struct mm_queue *q)
{
	struct mbox_msg req, rsp;
	int status, ret;

	if (!q->ring.va)
		return 0;
	qctxt_request(q->vf, &req, OP_QCTXT_INV, mm_hw_qid(q), q->c2h);
	status = vf_ask(q->vf, &req, &rsp);
	ret = vf_qnotify(q->vf, false, mm_hw_qid(q), q->c2h ? Q_C2H : Q_H2C);
	q->vf->queue[q->rel][q->c2h] = NULL;
	dma_free(&q->vf->dev, &q->ring);
	return status ? status : ret;
}

static unsigned int mm_outstanding(const struct mm_queue *q)
{
	return (q->pidx + q->slots - q->cidx) % q->slots;
}

/**
 * mm_post() - write a descriptor; nothing moves before mm_doorbell()
 * @q:    queue
 * @host: device address of host memory
 * @card: card address
 * @len:  bytes, up to MM_LEN_MAX unless a test wants it otherwise
 *
 * Return: 0, or -EAGAIN if the ring is full.
 */
int mm_post(struct mm_queue *q, uint64_t host, uint64_t card, uint32_t len)
{
	struct mm_desc *d = (struct mm_desc *)q->ring.va + q->pidx;

	if (mm_outstanding(q) == q->slots - 1)
		return -EAGAIN;
	d->src = q->c2h ? card : host;
	d->dst = q->c2h ? host : card;
	d->len = len | MM_DESC_DV | MM_DESC_SOP | MM_DESC_EOP;
	q->pidx = (q->pidx + 1) % q->slots;
	return 0;
}

static void write_doorbell(struct mm_queue *q)
{
	uint32_t off = q->c2h ? VF_DB_C2H_PIDX : VF_DB_H2C_PIDX;

	bar_write(&q->vf->dev, VF_DB_BASE + VF_DB_STRIDE * q->rel + off,
		  q->rung | (q->mode == MODE_POLL ? 0 : VF_DB_ARM));
}

/**
 * mm_doorbell() - tell the card the producer index, arm the interrupt
 * @q: queue
 */
void mm_doorbell(struct mm_queue *q)
{
	q->rung = q->pidx;
	write_doorbell(q);
}

/**
 * mm_completed() - take the news about a queue; arm again if more must come
 * @q:     queue
 * @entry: status entry, or interrupt ring entry: both have the consumer index
 *         in [31:16]
 */
void mm_completed(struct mm_queue *q, uint64_t entry)
{
	q->cidx = entry >> 16 & 0xFFFF;
	if (mm_outstanding(q) && q->mode != MODE_POLL && !q->error)
		write_doorbell(q);
}

static void look_at_status(struct mm_queue *q)
{
	uint64_t entry = *mm_status_entry(q);

	__sync_synchronize();
	if (entry & WB_ERR_MASK)
		q->error = -EIO;
	mm_completed(q, entry);
}

/* A vector may be shared: its interrupt is news about each of its queues. */
static void look_at_vector(struct vf *vf, unsigned int vec, unsigned int irqs)
{
	unsigned int i;

	for (i = 0; i < 2 * VF_MAX_QUEUES; i++) {
		struct mm_queue *q = vf->queue[i / 2][i % 2];

		if (!q || q->vec != vec || q->mode != MODE_DIRECT)
			continue;
		q->irqs += irqs;
		look_at_status(q);
	}
}

/* Waits for one event; in the interrupt modes only an interrupt is one. */
static int wait_event(struct mm_queue *q, int timeout_ms)
{
	struct vf *vf = q->vf;
	int n;

	switch (q->mode) {
	case MODE_POLL:
		usleep(POLL_STEP_US);
		look_at_status(q);
		return 0;
	case MODE_DIRECT:
		n = vfio_irq_wait(&vf->dev, q->vec, timeout_ms);
		if (!n)
			return -ETIMEDOUT;
		look_at_vector(vf, q->vec, n);
		return 0;
	case MODE_AGGR:
		if (!vfio_irq_wait(&vf->dev, vf->agg.vec, timeout_ms))
			return -ETIMEDOUT;
		n = agg_drain(vf);
		return n < 0 ? n : 0;
	}
	return -EINVAL;
}

/**
 * mm_wait() - wait until all posted descriptors are completed
 * @q:          queue
 * @timeout_ms: longest wait
 *
 * In the interrupt modes the status entry is looked at only after an
 * interrupt: one that is lost shows as -ETIMEDOUT.
 *
 * Return: 0; -EIO if the card reports an error, -ETIMEDOUT.
 */
int mm_wait(struct mm_queue *q, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	int ret;

	while (mm_outstanding(q) && !q->error) {
		int64_t left = end - now_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		ret = wait_event(q, left);
		if (ret)
			return ret;
	}
	return q->error;
}

/**
 * mm_move() - move bytes and wait for them
 * @q:    queue
 * @host: device address of host memory
 * @card: card address
 * @len:  bytes, any number
 *
 * Return: as mm_wait().
 */
int mm_move(struct mm_queue *q, uint64_t host, uint64_t card, size_t len)
{
	int ret = 0;

	while (len && !ret) {
		uint32_t part = len < MM_LEN_MAX ? len : MM_LEN_MAX;

		if (mm_post(q, host, card, part)) {
			mm_doorbell(q);
			ret = mm_wait(q, MM_WAIT_MS);
			continue;
		}
		host += part;
		card += part;
		len -= part;
	}
	if (ret)
		return ret;
	mm_doorbell(q);
	return mm_wait(q, MM_WAIT_MS);
}

/**
 * mm_read_context() - ask the PF for the queue's context
 * @q:   queue
 * @rsp: whole answer
 *
 * Return: status.
 */
int mm_read_context(struct mm_queue *q, struct mbox_msg *rsp)
{
	struct mbox_msg req;

	qctxt_request(q->vf, &req, OP_QCTXT_RD, mm_hw_qid(q), q->c2h);
	return vf_ask(q->vf, &req, rsp);
}
