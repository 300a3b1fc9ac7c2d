// SPDX-License-Identifier: GPL-2.0-only
#include "vf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mm.h"

#define MAX_VFS		256
#define NO_PREFERENCE	(-1)

static const char * const status_text[] = {
	[0] = "success", [1] = "invalid parameter", [2] = "no memory",
	[3] = "context busy", [7] = "not supported", [8] = "exists", [9] = "does not exist",
	[11] = "no session", [12] = "no queues left", [14] = "FMAP write failed",
	[15] = "number of queues", [16] = "invalid queue id",
	[17] = "invalid ring size", [18] = "invalid buffer size",
	[19] = "invalid counter", [20] = "invalid timer",
	[21] = "invalid message", [24] = "register read failed",
};

/**
 * vf_error() - text of a status
 * @status: what a call of this library returned
 *
 * Return: constant text.
 */
const char *vf_error(int status)
{
	size_t code = -status;

	if (status == VF_NO_ANSWER)
		return "no answer";
	if (status > 0 || code >= sizeof(status_text) / sizeof(*status_text) ||
	    !status_text[code])
		return "unknown status";
	return status_text[code];
}

/**
 * vf_open_vectors() - open a VF: BARs, interrupts, bus mastering, mailbox
 * @vf:   filled in
 * @bdf:  its address
 * @nvec: MSI-X vectors, 1 to VF_VECTORS; with one, all that the VF tells comes by it
 *
 * Return: 0 or a negative errno.
 */
int vf_open_vectors(struct vf *vf, const char *bdf, unsigned int nvec)
{
	int ret;

	memset(vf, 0, sizeof(*vf));
	ret = vfio_open(&vf->dev, bdf);
	if (ret)
		return ret;
	ret = vf->dev.bar0_size < VF_BAR_MIN_SIZE ? -ENODEV : 0;
	if (!ret)
		ret = vfio_irq_enable(&vf->dev, nvec);
	if (!ret)
		ret = vfio_bus_master(&vf->dev, true);
	if (!ret)
		ret = mbox_init(&vf->mbox, &vf->dev);
	if (ret)
		vfio_close(&vf->dev);
	return ret;
}

/**
 * vf_open() - open a VF with all its vectors
 * @vf:  filled in
 * @bdf: its address
 *
 * Return: 0 or a negative errno.
 */
int vf_open(struct vf *vf, const char *bdf)
{
	return vf_open_vectors(vf, bdf, VF_VECTORS);
}

/**
 * vf_close() - close without a word to the PF, as a killed guest does
 * @vf: the VF
 */
void vf_close(struct vf *vf)
{
	vfio_close(&vf->dev);
}

/**
 * vf_ask() - a request whose answer has a status
 * @vf:  the VF
 * @req: request
 * @rsp: answer
 *
 * Return: status of the answer, or VF_NO_ANSWER.
 */
int vf_ask(struct vf *vf, const struct mbox_msg *req, struct mbox_msg *rsp)
{
	if (mbox_call(&vf->mbox, req, rsp))
		return VF_NO_ANSWER;
	return msg_status(rsp);
}

/**
 * vf_hello() - open the session
 * @vf:    the VF
 * @hello: filled in unless NULL
 *
 * Return: status.
 */
int vf_hello(struct vf *vf, struct hello *hello)
{
	struct mbox_msg req, rsp;
	int status;

	mbox_request(&vf->mbox, &req, OP_HELLO);
	msg_put32(&req, M_QBASE, NO_PREFERENCE);
	status = vf_ask(vf, &req, &rsp);
	if (status || !hello)
		return status;
	hello->num_pfs = rsp.b[M_HELLO_NUM_PFS];
	hello->num_qs = msg_get16(&rsp, M_HELLO_NUM_QS);
	hello->caps = rsp.b[M_HELLO_CAPS];
	hello->mm_chn = rsp.b[M_HELLO_MM_CHN];
	return 0;
}

/**
 * vf_hello_ext() - open the session with the mailbox extension
 * @vf:      the VF
 * @version: of the extension
 * @caps:    EXT_*
 * @rsp:     whole answer
 *
 * Return: status.
 */
int vf_hello_ext(struct vf *vf, uint8_t version, uint32_t caps, struct mbox_msg *rsp)
{
	struct mbox_msg req;

	mbox_request(&vf->mbox, &req, OP_HELLO);
	msg_put32(&req, M_QBASE, NO_PREFERENCE);
	memcpy(req.b + M_HELLO_EXT, "SVFF", 4);
	req.b[M_HELLO_EXT + M_EXT_VERSION] = version;
	msg_put32(&req, M_HELLO_EXT + M_EXT_CAPS, caps);
	return vf_ask(vf, &req, rsp);
}

/**
 * vf_csr() - ask for the tables of sizes; keeps the ring sizes
 * @vf:  the VF
 * @rsp: whole answer, may be NULL
 *
 * Return: status.
 */
int vf_csr(struct vf *vf, struct mbox_msg *rsp)
{
	struct mbox_msg req, mine;
	int status, i;

	rsp = rsp ? rsp : &mine;
	mbox_request(&vf->mbox, &req, OP_CSR);
	status = vf_ask(vf, &req, rsp);
	for (i = 0; !status && i < CSR_ENTRIES; i++)
		vf->ringsz[i] = msg_get16(rsp, M_CSR_RINGSZ + 2 * i);
	return status;
}

/**
 * vf_qreq() - ask for queues; what is granted goes to @vf
 * @vf:    the VF
 * @base:  wanted first queue, -1 for any
 * @count: how many, 0 gives all back
 *
 * Return: status.
 */
int vf_qreq(struct vf *vf, int32_t base, uint32_t count)
{
	struct mbox_msg req, rsp;
	int status;

	mbox_request(&vf->mbox, &req, OP_QREQ);
	msg_put32(&req, M_QBASE, base);
	msg_put32(&req, M_QMAX, count);
	status = vf_ask(vf, &req, &rsp);
	if (status)
		return status;
	vf->qbase = msg_get32(&rsp, M_QBASE);
	vf->qmax = msg_get32(&rsp, M_QMAX);
	return 0;
}

/**
 * vf_fmap() - ask for the function map to be written
 * @vf:    the VF
 * @base:  first hardware queue
 * @count: how many
 *
 * Return: status.
 */
int vf_fmap(struct vf *vf, uint32_t base, uint32_t count)
{
	struct mbox_msg req, rsp;

	mbox_request(&vf->mbox, &req, OP_FMAP);
	msg_put32(&req, M_QBASE, base);
	msg_put32(&req, M_QMAX, count);
	return vf_ask(vf, &req, &rsp);
}

/**
 * vf_qnotify() - tell that a queue comes into use, or goes
 * @vf:   the VF
 * @add:  comes
 * @qid:  hardware queue
 * @type: enum q_type
 *
 * Return: status.
 */
int vf_qnotify(struct vf *vf, bool add, uint16_t qid, uint32_t type)
{
	struct mbox_msg req, rsp;

	mbox_request(&vf->mbox, &req, add ? OP_QNOTIFY_ADD : OP_QNOTIFY_DEL);
	msg_put16(&req, M_QN_QID, qid);
	msg_put32(&req, M_QN_TYPE, type);
	return vf_ask(vf, &req, &rsp);
}

/**
 * vf_qactive() - how many queues the PF counts as in use
 * @vf:    the VF
 * @count: by enum q_type
 *
 * Return: status.
 */
int vf_qactive(struct vf *vf, uint32_t count[3])
{
	struct mbox_msg req, rsp;
	int status;

	mbox_request(&vf->mbox, &req, OP_GET_QACTIVE_CNT);
	status = vf_ask(vf, &req, &rsp);
	count[Q_H2C] = msg_get32(&rsp, M_QACT_H2C);
	count[Q_C2H] = msg_get32(&rsp, M_QACT_C2H);
	count[Q_CMPT] = msg_get32(&rsp, M_QACT_CMPT);
	return status;
}

/**
 * vf_bye() - leave; the PF does not answer this
 * @vf: the VF
 *
 * Return: 0, or VF_NO_ANSWER if the message was not taken.
 */
int vf_bye(struct vf *vf)
{
	struct mbox_msg req;

	mbox_request(&vf->mbox, &req, OP_VF_BYE);
	vf->qmax = 0;
	if (mbox_send(&vf->mbox, &req))
		return VF_NO_ANSWER;
	return mbox_wait_taken(&vf->mbox) ? VF_NO_ANSWER : 0;
}

/**
 * vf_session() - take an open VF to the point where queues can be made
 * @vf:     the VF
 * @queues: how many to ask for
 *
 * Return: status.
 */
int vf_session(struct vf *vf, uint32_t queues)
{
	int status = vf_hello(vf, NULL);

	if (!status)
		status = vf_qreq(vf, NO_PREFERENCE, queues);
	if (!status)
		status = vf_csr(vf, NULL);
	if (!status)
		status = vf_fmap(vf, vf->qbase, vf->qmax);
	return status;
}

/**
 * qctxt_request() - start a message about a memory mapped queue's context
 * @vf:  the VF
 * @req: filled in
 * @op:  one of OP_QCTXT_*
 * @qid: hardware queue
 * @c2h: direction
 */
void qctxt_request(struct vf *vf, struct mbox_msg *req, uint8_t op,
		   uint16_t qid, bool c2h)
{
	mbox_request(&vf->mbox, req, op);
	msg_put16(req, M_QC_QID, qid);
	req->b[M_QC_KIND] = (c2h ? QC_C2H : 0) | QC_CMPT_NONE << QC_CMPT_SHIFT;
}

/**
 * qctxt_mm() - a good QCTXT_WRT for a polled memory mapped queue
 * @vf:    the VF
 * @req:   filled in
 * @qid:   hardware queue
 * @c2h:   direction
 * @ring:  device address of the ring
 * @slots: descriptors in the ring, its table size less one
 */
void qctxt_mm(struct vf *vf, struct mbox_msg *req, uint16_t qid, bool c2h,
	      uint64_t ring, uint16_t slots)
{
	qctxt_request(vf, req, OP_QCTXT_WRT, qid, c2h);
	msg_put64(req, M_QC_BASE, ring);
	msg_put32(req, M_QC_FLAGS, QC_WBI_INTVL | QC_WBI_CHK | QC_WBK_EN |
		  MM_DESC_SIZE_CODE << QC_DESC_SZ_SHIFT);
	msg_put16(req, M_QC_FUNC, vf->mbox.fn);
	msg_put16(req, M_QC_RINGSZ, slots);
}

/**
 * intr_request() - a good message about this VF's interrupt ring
 * @vf:   the VF
 * @req:  filled in
 * @op:   one of OP_INTR_*
 * @ring: device address of the ring
 */
void intr_request(struct vf *vf, struct mbox_msg *req, uint8_t op,
		  uint64_t ring)
{
	mbox_request(&vf->mbox, req, op);
	req->b[M_IC_NUM] = 1;
	msg_put32(req, M_IC_INDEX, vf->mbox.fn);
	msg_put64(req, M_IC_BASE, ring);
	msg_put16(req, M_IC_VEC, VF_VEC_DATA);
	req->b[M_IC_VALID] = 1;
	req->b[M_IC_COLOR] = 1;
	msg_put16(req, M_IC_FUNC, vf->mbox.fn);
}

/**
 * agg_open() - set up the interrupt ring
 * @vf:  the VF
 * @vec: MSI-X vector it uses
 *
 * Return: status, or -ENOMEM.
 */
int agg_open(struct vf *vf, unsigned int vec)
{
	struct agg_ring *agg = &vf->agg;
	struct mbox_msg req, rsp;
	int status;

	if (dma_alloc(&vf->dev, AGG_PAGE, &agg->mem))
		return -ENOMEM;
	agg->index = vf->mbox.fn;
	agg->vec = vec;
	agg->cidx = 0;
	agg->colour = true;
	intr_request(vf, &req, OP_INTR_WRT, agg->mem.iova);
	msg_put16(&req, M_IC_VEC, vec);
	status = vf_ask(vf, &req, &rsp);
	if (status)
		dma_free(&vf->dev, &agg->mem);
	return status;
}

/**
 * agg_close() - take the interrupt ring down
 * @vf: the VF
 *
 * Return: status.
 */
int agg_close(struct vf *vf)
{
	struct mbox_msg req, rsp;
	int status;

	if (!vf->agg.mem.va)
		return 0;
	intr_request(vf, &req, OP_INTR_INV, 0);
	status = vf_ask(vf, &req, &rsp);
	dma_free(&vf->dev, &vf->agg.mem);
	return status;
}

/*
 * Entry layout: [31:16] consumer index, [36:35] error, [38] C2H, [62:39] queue,
 * [63] colour
 */
static int agg_entry(struct vf *vf, uint64_t entry, uint32_t *rel)
{
	struct mm_queue *q;
	bool c2h = entry >> 38 & 1;
	uint32_t qid = entry >> 39 & 0xFFFFFF;

	*rel = qid - vf->qbase;
	if (*rel >= vf->qmax || *rel >= VF_MAX_QUEUES)
		return -ERANGE;
	q = vf->queue[*rel][c2h];
	if (!q)
		return -ENOENT;
	q->irqs++;
	if (entry >> 35 & 3)
		q->error = -EIO;
	mm_completed(q, entry);
	return 0;
}

/**
 * agg_drain() - take all new entries of the interrupt ring
 * @vf: the VF
 *
 * Return: how many; -ERANGE for an entry with a foreign queue, -ENOENT for one
 * of a queue that is not open.
 */
int agg_drain(struct vf *vf)
{
	struct agg_ring *agg = &vf->agg;
	volatile uint64_t *ring = (volatile uint64_t *)agg->mem.va;
	uint32_t rel = 0;
	int n = 0, ret = 0;

	while ((bool)(ring[agg->cidx] >> 63) == agg->colour) {
		__sync_synchronize();
		ret = agg_entry(vf, ring[agg->cidx], &rel);
		if (ret)
			return ret;
		n++;
		agg->events++;
		agg->cidx = (agg->cidx + 1) % AGG_ENTRIES;
		agg->colour ^= !agg->cidx;
	}
	bar_write(&vf->dev, VF_DB_BASE + VF_DB_STRIDE * rel + VF_DB_INTR_CIDX,
		  agg->cidx | agg->index << VF_DB_RING_SHIFT);
	return n;
}

/**
 * vf_number() - number of a VF as people say it, from 1
 * @vf: the VF
 *
 * Return: the number, or -ENOENT.
 */
int vf_number(const struct vf *vf)
{
	char path[PATH_MAX], target[PATH_MAX];
	int i;

	for (i = 0; i < MAX_VFS; i++) {
		ssize_t n;

		snprintf(path, sizeof(path),
			 "/sys/bus/pci/devices/%s/physfn/virtfn%d",
			 vf->dev.bdf, i);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (strstr(target, vf->dev.bdf))
			return i + 1;
	}
	return -ENOENT;
}

/**
 * vf_attr_path() - where the PF driver keeps an attribute of this VF
 * @vf:   the VF
 * @name: "queues", "stats/refused" and so on
 * @path: filled in
 * @len:  room in @path
 *
 * Return: 0 or -ENOENT.
 */
int vf_attr_path(const struct vf *vf, const char *name, char *path, size_t len)
{
	int n = vf_number(vf);

	if (n < 0)
		return n;
	snprintf(path, len, "/sys/bus/pci/devices/%s/physfn/svff/vf%d/%s",
		 vf->dev.bdf, n, name);
	return 0;
}

/**
 * vf_attr() - read a number that the PF driver shows about this VF
 * @vf:   the VF
 * @name: "queues", "stats/refused" and so on
 *
 * Return: the number, LONG_MIN if it cannot be read.
 */
long vf_attr(const struct vf *vf, const char *name)
{
	char path[PATH_MAX];
	long value = LONG_MIN;
	FILE *f;

	if (vf_attr_path(vf, name, path, sizeof(path)))
		return LONG_MIN;
	f = fopen(path, "r");
	if (!f)
		return LONG_MIN;
	if (fscanf(f, "%ld", &value) != 1)
		value = LONG_MIN;
	fclose(f);
	return value;
}

/**
 * vf_attr_write() - write what the PF driver takes about this VF
 * @vf:   the VF
 * @name: as of vf_attr()
 * @text: what to write
 *
 * Return: 0 or errno.
 */
int vf_attr_write(const struct vf *vf, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd, ret;

	if (vf_attr_path(vf, name, path, sizeof(path)))
		return -ENOENT;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}
