// SPDX-License-Identifier: GPL-2.0-only
#include "mig.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work.h"

#define RIG_TABLE	513	/* ring size table entry: more than the card has in flight */
#define RIG_PART	512	/* bytes of a descriptor */

static int feature(struct vfio_dev *dev, uint32_t flags, void *data, size_t len)
{
	uint8_t raw[sizeof(struct vfio_device_feature) + sizeof(struct vfio_device_feature_mig_state)] = { 0 };
	struct vfio_device_feature *f = (void *)raw;
	int ret;

	f->argsz = sizeof(*f) + len;
	f->flags = flags;
	memcpy(f->data, data, len);
	ret = ioctl(dev->fd, VFIO_DEVICE_FEATURE, f) ? -errno : 0;
	memcpy(data, f->data, len);
	return ret;
}

/**
 * mig_set() - change the migration state
 * @dev:   the function
 * @state: VFIO_DEVICE_STATE_*
 * @data:  filled with the file of the state, -1 if there is none; or NULL
 *
 * Return: 0 or a negative errno.
 */
int mig_set(struct vfio_dev *dev, unsigned int state, int *data)
{
	struct vfio_device_feature_mig_state m = { .device_state = state, .data_fd = -1 };
	int ret = feature(dev, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			  &m, sizeof(m));

	if (data)
		*data = ret ? -1 : m.data_fd;
	else if (!ret && m.data_fd >= 0)
		close(m.data_fd);
	return ret;
}

/**
 * mig_get() - the migration state
 * @dev:   the function
 * @state: filled
 *
 * Return: 0 or a negative errno.
 */
int mig_get(struct vfio_dev *dev, unsigned int *state)
{
	struct vfio_device_feature_mig_state m = { 0 };
	int ret = feature(dev, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			  &m, sizeof(m));

	*state = m.device_state;
	return ret;
}

/**
 * mig_save() - stop a VF and read its state
 * @dev: the function
 * @s:   filled
 *
 * Return: 0 or a negative errno; if it cannot be stopped it runs.
 */
int mig_save(struct vfio_dev *dev, struct mig_state *s)
{
	ssize_t n;
	int data, ret;

	ret = mig_set(dev, VFIO_DEVICE_STATE_STOP, NULL);
	if (!ret)
		ret = mig_set(dev, VFIO_DEVICE_STATE_STOP_COPY, &data);
	if (ret)
		return ret;
	for (s->len = 0; (n = read(data, s->bytes + s->len, 1000)) > 0; s->len += n)
		if (s->len > MIG_MAX - 2000)
			break;
	ret = n < 0 ? -errno : n ? -E2BIG : 0;
	close(data);
	return ret ? ret : mig_set(dev, VFIO_DEVICE_STATE_STOP, NULL);
}

/**
 * mig_write() - give a VF bytes as its state; what comes of it the end of RESUMING tells
 * @dev:   the function
 * @bytes: bytes
 * @len:   how many
 *
 * Return: 0 or a negative errno.
 */
int mig_write(struct vfio_dev *dev, const void *bytes, size_t len)
{
	int data, ret = mig_set(dev, VFIO_DEVICE_STATE_RESUMING, &data);

	if (ret)
		return ret;
	if (write(data, bytes, len) != (ssize_t)len)
		ret = -errno;
	close(data);
	return ret;
}

/**
 * mig_load() - give a VF its state; it is stopped after that
 * @dev: the function
 * @s:   the state
 *
 * Return: 0 or a negative errno.
 */
int mig_load(struct vfio_dev *dev, const struct mig_state *s)
{
	int ret = mig_write(dev, s->bytes, s->len);

	return ret ? ret : mig_set(dev, VFIO_DEVICE_STATE_STOP, NULL);
}

/**
 * rig_open() - a VF with queues and buffers
 * @r:    filled
 * @bdf:  the VF
 * @mode: how completions are learned
 *
 * Return: 0, a status or a negative errno.
 */
int rig_open(struct rig *r, const char *bdf, enum irq_mode mode)
{
	unsigned int i;
	int ret;

	memset(r, 0, sizeof(*r));
	ret = vf_open(&r->vf, bdf);
	if (!ret)
		ret = vf_session(&r->vf, RIG_QUEUES);
	if (!ret && mode == MODE_AGGR)
		ret = agg_open(&r->vf, VF_VEC_DATA);
	for (i = 0; !ret && i < 2 * RIG_QUEUES; i++) {
		ret = mm_open(&r->q[i], &r->vf, i / 2, i % 2, mode, RIG_TABLE);
		if (!ret)
			ret = dma_alloc(&r->vf.dev, RIG_BYTES, &r->buf[i]);
	}
	return ret;
}

static uint64_t region(const struct rig *r, uint64_t card, unsigned int i)
{
	(void)r;
	return card + i / 2 * RIG_BYTES;
}

/**
 * rig_start() - all queues have work; it is not waited for
 * @r:    rig
 * @card: card address; what was there is read, what is there afterwards is new
 * @seed: of what is written
 *
 * H2C queues write below @card + 1 MiB, C2H queues read above it.
 *
 * Return: 0 or a negative errno.
 */
int rig_start(struct rig *r, uint64_t card, uint64_t seed)
{
	unsigned int i;
	uint32_t off;

	for (i = 0; i < 2 * RIG_QUEUES; i++) {
		bool c2h = i % 2;

		if (!c2h)
			fill_random(r->buf[i].va, RIG_BYTES, seed + i);
		else
			memset(r->buf[i].va, 0, RIG_BYTES);
		for (off = 0; off < RIG_BYTES; off += RIG_PART)
			if (mm_post(&r->q[i], r->buf[i].iova + off,
				    region(r, card, i) + off + (c2h ? 1 << 20 : 0), RIG_PART))
				return -EAGAIN;
		mm_doorbell(&r->q[i]);
	}
	return 0;
}

/**
 * rig_wait() - until all work is done
 * @r: rig
 *
 * Return: as mm_wait().
 */
int rig_wait(struct rig *r)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < 2 * RIG_QUEUES; i++)
		ret = mm_wait(&r->q[i], MM_WAIT_MS);
	return ret;
}

/* Moves a region between a queue's buffer and the card, with nothing else going on. */
static int move(struct rig *r, unsigned int i, uint64_t card)
{
	return mm_move(&r->q[i], r->buf[i].iova, card, RIG_BYTES);
}

/**
 * rig_check() - is on the card what rig_start() wrote, and was what it read right?
 * @r:    rig, after rig_wait()
 * @card: as for rig_start()
 * @seed: as for rig_start(); what is above the first MiB was written with seed 0
 *
 * Return: 0, -EILSEQ if bytes are wrong, or as mm_wait().
 */
int rig_check(struct rig *r, uint64_t card, uint64_t seed)
{
	static uint8_t want[RIG_BYTES];
	unsigned int i;
	int ret;

	for (i = 1; i < 2 * RIG_QUEUES; i += 2) {
		fill_random(want, RIG_BYTES, i - 1);
		if (memcmp(want, r->buf[i].va, RIG_BYTES))
			return -EILSEQ;
		memset(r->buf[i].va, 0, RIG_BYTES);
		ret = move(r, i, region(r, card, i));
		if (ret)
			return ret;
		fill_random(want, RIG_BYTES, seed + i - 1);
		if (memcmp(want, r->buf[i].va, RIG_BYTES))
			return -EILSEQ;
	}
	return 0;
}

/**
 * rig_close() - stop the queues, end the session, close the VF
 * @r: may be half open
 */
void rig_close(struct rig *r)
{
	unsigned int i;

	if (r->vf.dev.fd <= 0)
		return;
	for (i = 0; i < 2 * RIG_QUEUES; i++) {
		mm_close(&r->q[i]);
		dma_free(&r->vf.dev, &r->buf[i]);
	}
	dma_free(&r->vf.dev, &r->vf.agg.mem);
	vf_bye(&r->vf);
	vf_close(&r->vf);
	r->vf.dev.fd = -1;
}

/**
 * rig_leave() - close the VF, and keep the memory as it is
 * @r: rig whose state was saved
 */
void rig_leave(struct rig *r)
{
	vfio_close(&r->vf.dev);
}

static int map_again(struct rig *r, const struct dma_buf *buf)
{
	return buf->va ? vfio_dma_map(&r->vf.dev, buf->va, buf->size, buf->iova) : 0;
}

/**
 * rig_return() - open a VF in place of the one that was left; it has to be loaded yet
 * @r:   rig
 * @bdf: the VF
 *
 * Return: 0 or a negative errno.
 */
int rig_return(struct rig *r, const char *bdf)
{
	uint64_t next = r->vf.dev.next_iova;
	unsigned int i;
	int ret = vfio_open(&r->vf.dev, bdf);

	if (!ret)
		ret = vfio_irq_enable(&r->vf.dev, VF_VECTORS);
	if (!ret)
		ret = vfio_bus_master(&r->vf.dev, true);
	if (!ret)
		ret = map_again(r, &r->vf.agg.mem);
	for (i = 0; !ret && i < 2 * RIG_QUEUES; i++) {
		ret = map_again(r, &r->q[i].ring);
		if (!ret)
			ret = map_again(r, &r->buf[i]);
	}
	r->vf.dev.next_iova = next;
	return ret;
}

/**
 * rig_inject() - each vector once, as whoever resumes a guest does
 * @r: rig
 *
 * An interrupt that came before the VF was left went with its eventfd.
 */
void rig_inject(struct rig *r)
{
	uint64_t one = 1;
	unsigned int i;

	for (i = 0; i < r->vf.dev.nvec; i++)
		if (write(r->vf.dev.event[i], &one, sizeof(one)) != sizeof(one))
			return;
}
