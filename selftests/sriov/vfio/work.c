// SPDX-License-Identifier: GPL-2.0-only
#include "work.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE		4096
#define GUARD		64
#define GUARD_BYTE	0xA5

static const char * const mode_names[] = {
	[MODE_POLL] = "poll", [MODE_DIRECT] = "direct", [MODE_AGGR] = "aggr",
};

/**
 * mode_name() - name of an interrupt mode
 * @mode: the mode
 *
 * Return: as the modules' irq_mode parameter has it.
 */
const char *mode_name(enum irq_mode mode)
{
	return mode_names[mode];
}

/**
 * mode_parse() - interrupt mode of a name
 * @name: "poll", "direct", "aggr"
 * @mode: filled in
 *
 * Return: 0 or -EINVAL.
 */
int mode_parse(const char *name, enum irq_mode *mode)
{
	unsigned int i;

	for (i = 0; i < sizeof(mode_names) / sizeof(*mode_names); i++)
		if (!strcmp(name, mode_names[i])) {
			*mode = i;
			return 0;
		}
	return -EINVAL;
}

/**
 * fill_random() - repeatable random bytes
 * @p:    where
 * @len:  how many
 * @seed: same seed, same bytes
 */
void fill_random(uint8_t *p, size_t len, uint64_t seed)
{
	uint64_t x = seed * 0x9E3779B97F4A7C15ull | 1;
	size_t i;

	for (i = 0; i < len; i += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(p + i, &x, len - i < sizeof(x) ? len - i : sizeof(x));
	}
}

/* One queue pair at work; @done is what has been posted. */
struct lane {
	struct mm_queue q[2];
	struct dma_buf buf[2];
	uint64_t card;
	size_t done;
};

static int lane_open(struct lane *l, struct vf *vf, const struct work *w,
		     unsigned int rel)
{
	size_t room = w->shift + w->size + 2 * GUARD;
	int c2h, ret;

	for (c2h = 0; c2h < 2; c2h++) {
		ret = dma_alloc(&vf->dev, room, &l->buf[c2h]);
		if (ret)
			return ret;
		ret = mm_open(&l->q[c2h], vf, rel, c2h, w->mode, w->table_size);
		if (ret)
			return ret;
	}
	l->card = w->card + rel * ((w->size + PAGE - 1) / PAGE * PAGE);
	return 0;
}

static void lane_fill(struct lane *l, uint64_t seed)
{
	fill_random(l->buf[0].va, l->buf[0].size, seed);
	memset(l->buf[1].va, GUARD_BYTE, l->buf[1].size);
}

static int lane_close(struct lane *l, struct vf *vf)
{
	int c2h, ret = 0;

	for (c2h = 0; c2h < 2; c2h++) {
		int status = mm_close(&l->q[c2h]);

		ret = ret ? ret : status;
		dma_free(&vf->dev, &l->buf[c2h]);
	}
	return ret;
}

/* Posts as much as the ring takes and rings once. */
static void lane_post(struct lane *l, const struct work *w, int c2h)
{
	uint32_t chunk = w->chunk ? w->chunk : MM_LEN_MAX;
	uint64_t host = l->buf[c2h].iova + w->shift + GUARD;

	while (l->done < w->size) {
		size_t left = w->size - l->done;
		uint32_t len = left < chunk ? left : chunk;

		if (mm_post(&l->q[c2h], host + l->done, l->card + l->done, len))
			break;
		l->done += len;
	}
	mm_doorbell(&l->q[c2h]);
}

static int move_all(struct lane *lane, const struct work *w, int c2h)
{
	unsigned int i, busy = w->queues;
	int ret;

	for (i = 0; i < w->queues; i++)
		lane[i].done = 0;
	while (busy) {
		for (i = 0; i < w->queues; i++)
			lane_post(&lane[i], w, c2h);
		for (i = busy = 0; i < w->queues; i++) {
			ret = mm_wait(&lane[i].q[c2h],
				      w->wait_ms ? w->wait_ms : MM_WAIT_MS);
			if (ret)
				return ret;
			busy += lane[i].done < w->size;
		}
	}
	return 0;
}

static bool all_guard(const uint8_t *p, const uint8_t *end)
{
	while (p < end)
		if (*p++ != GUARD_BYTE)
			return false;
	return true;
}

static int lane_check(const struct lane *l, const struct work *w,
		      struct work_result *res)
{
	size_t start = w->shift + GUARD;
	const uint8_t *out = l->buf[0].va + start, *in = l->buf[1].va + start;

	for (res->bad = 0; res->bad < w->size; res->bad++)
		if (in[res->bad] != out[res->bad]) {
			res->step = "compare";
			return -EBADMSG;
		}
	res->step = "bytes around the buffer";
	if (!all_guard(l->buf[1].va, in) ||
	    !all_guard(in + w->size, l->buf[1].va + l->buf[1].size))
		return -EBADMSG;
	return 0;
}

/**
 * work_open() - make the queues and their buffers
 * @w:     what
 * @vf:    a VF with at least @w->queues queues mapped
 * @res:   filled in
 * @lanes: the queues, for the other calls; whatever is returned, work_close() frees them
 *
 * Return: status, or a negative errno.
 */
int work_open(const struct work *w, struct vf *vf, struct work_result *res, struct lane **lanes)
{
	unsigned int i;
	int ret = 0;

	memset(res, 0, sizeof(*res));
	res->step = "set up";
	*lanes = calloc(w->queues, sizeof(**lanes));
	if (!*lanes)
		return -ENOMEM;
	if (w->mode == MODE_AGGR && !vf->agg.mem.va)
		ret = agg_open(vf, VF_VEC_DATA);
	for (i = 0; !ret && i < w->queues; i++)
		ret = lane_open(&(*lanes)[i], vf, w, i);
	return ret;
}

/**
 * work_move() - random data to the card and back, compared; can be done again
 * @w:     what
 * @lanes: from work_open()
 * @res:   filled in
 *
 * Return: 0; -EBADMSG if the data is wrong; other errors of the queues.
 */
int work_move(const struct work *w, struct lane *lanes, struct work_result *res)
{
	unsigned int i;
	int ret;

	for (i = 0; i < w->queues; i++)
		lane_fill(&lanes[i], w->seed + i);
	res->moving = true;
	res->step = "write to card";
	ret = move_all(lanes, w, false);
	if (!ret && !w->keep) {
		res->step = "read from card";
		ret = move_all(lanes, w, true);
	}
	for (i = 0; !ret && !w->keep && i < w->queues; i++)
		ret = lane_check(&lanes[i], w, res);
	res->moving = ret;
	return ret;
}

/**
 * work_close() - stop the queues
 * @w:     what
 * @vf:    the VF
 * @lanes: from work_open(), NULL is fine
 * @res:   filled in
 *
 * Return: first status that is not success.
 */
int work_close(const struct work *w, struct vf *vf, struct lane *lanes, struct work_result *res)
{
	unsigned int i;
	int ret = 0, status;

	for (i = 0; lanes && i < w->queues; i++) {
		res->irqs += lanes[i].q[0].irqs + lanes[i].q[1].irqs;
		status = lane_close(&lanes[i], vf);
		ret = ret ? ret : status;
	}
	if (w->mode == MODE_AGGR)
		agg_close(vf);
	free(lanes);
	return ret;
}

/**
 * work_run() - all of it
 * @vf:  a VF with at least @w->queues queues mapped
 * @w:   what
 * @res: filled in
 *
 * Return: 0; -EBADMSG if the data is wrong; other errors of the queues.
 */
int work_run(struct vf *vf, const struct work *w, struct work_result *res)
{
	struct lane *lanes;
	int ret, status;

	ret = work_open(w, vf, res, &lanes);
	if (!ret)
		ret = work_move(w, lanes, res);
	status = work_close(w, vf, lanes, res);
	if (status && !ret) {
		res->step = "tear down";
		ret = status;
	}
	return ret;
}
