// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the steps of a plan do that pause and unpause. A guest's VF is paused by its QEMU, one that a driver
 * of this host has by svff_pf.
 */
#include "priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a guest has come to have its VF no more; NULL if it has it. It may unplug what it was asked to long ago. */
static const char *how_gone(struct svff_step *step, int err)
{
	struct svff_ctx *ctx = step->guest->ctx;
	char why[SVFF_ERROR_LEN];
	int has;

	if (err == -ECONNRESET)
		return "ended";
	if (err != -EREMOTEIO && err != -ENOENT)
		return NULL;
	svff_copy(why, sizeof(why), ctx->error);
	has = step->guest->ops->has(step->guest, step->id);
	svff_fail(ctx, err, "%s", why);
	if (has)
		return NULL;
	return err == -ENOENT ? "has it no more" : "unplugged it";
}

/* A VF that its guest has no more is free, and that is no reason to undo what was done for the others. */
static int guest_gone(struct svff_plan *plan, struct svff_step *step, const char *how)
{
	int ret = vfio_wait_free(plan->ctx, step->bdf);

	if (ret)
		return ret;
	step_note_free(plan, step);
	svff_fail(plan->ctx, 0, "guest %s %s, VF %u is free", step->guest->uri, how, step->vf);
	return STEP_SKIP;
}

static int failed(struct svff_plan *plan, struct svff_step *step, int err)
{
	return svff_fail(plan->ctx, err, "VF %u: %s", step->vf, svff_error(plan->ctx));
}

/* Below those who have been shielded, for QEMU cannot be stopped half-way. */
static int pause_now(struct svff_plan *plan, struct svff_step *step)
{
	int ret = guest_begin_pause(step->guest, step->id, plan->timeout_ms);

	return ret ? ret : guest_end_pause(step->guest, step->id, INT64_MAX);
}

static struct guest_unpause unpause_of(struct svff_plan *plan, struct svff_step *step)
{
	return (struct guest_unpause){
		.id = step->id,
		.bdf = step->bdf,
		.group = sysfs_iommu_group(plan->ctx, step->bdf),
		.discard_state = plan->discard_state,
		.timeout_ms = plan->timeout_ms,
	};
}

/*
 * QEMU's words when what it kept in a pause is too little, or is not taken; and when a second try may do. It speaks
 * English, whatever the caller does.
 */
static bool is_about_state(const char *refusal)
{
	static const char *const words[] = { "discard-state", "supports no migration", "device state", "device's state" };
	static const int passing[] = { ETIMEDOUT, EBUSY, EAGAIN, ENOMEM, EINTR };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(passing); i++)
		if (strstr(refusal, strerrordesc_np(passing[i])))
			return false;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(refusal, words[i]))
			return true;
	return false;
}

static int begin_unpause(struct svff_plan *plan, struct svff_step *step)
{
	struct guest_unpause unpause = unpause_of(plan, step);

	return guest_begin_unpause(step->guest, &unpause);
}

static int end_unpause(struct svff_plan *plan, struct svff_step *step, int64_t until_ms)
{
	struct guest_unpause unpause = unpause_of(plan, step);
	int ret = guest_end_unpause(step->guest, &unpause, until_ms);

	if (ret == -EREMOTEIO && !plan->discard_state && is_about_state(step->guest->ops->refusal(step->guest)))
		plan->refused_vf = step->vf;
	else if (!ret && plan->refused_vf == step->vf)
		plan->refused_vf = 0;
	return ret;
}

static int unpause_now(struct svff_plan *plan, struct svff_step *step)
{
	int ret = begin_unpause(plan, step);

	return ret ? ret : end_unpause(plan, step, INT64_MAX);
}

/* ---- pause, unpause: a VF of a guest; each is the other's undo ---- */

/* A VF that QEMU says it has let go of, and that is open all the same, goes back to the guest. */
static int check_released(struct svff_plan *plan, struct svff_step *step)
{
	char why[SVFF_ERROR_LEN];
	int ret = vfio_wait_free(plan->ctx, step->bdf);

	if (!ret)
		ret = step_note_owner(plan, step);
	if (!ret)
		return 0;
	svff_copy(why, sizeof(why), plan->ctx->error);
	/* Else the journal is what remembers it. */
	if (unpause_now(plan, step))
		ret = -ETIMEDOUT;
	return svff_fail(plan->ctx, ret, "VF %u: %s", step->vf, why);
}

static int ask_failed(struct svff_plan *plan, struct svff_step *step, int err)
{
	const char *how = step->guest_may_go ? how_gone(step, err) : NULL;

	return how ? guest_gone(plan, step, how) : failed(plan, step, err);
}

static int apply_pause(struct svff_plan *plan, struct svff_step *step)
{
	int ret = vf_need(plan->card, step->vf, step->bdf);

	step->found = calloc(1, sizeof(*step->found));
	if (!step->found)
		return svff_fail(plan->ctx, -ENOMEM, "VF %u: out of memory", step->vf);
	if (!ret)
		ret = vfio_binding(plan->ctx, step->bdf, step->found);
	if (ret)
		return ret;
	ret = guest_begin_pause(step->guest, step->id, plan->timeout_ms);
	return ret ? ask_failed(plan, step, ret) : STEP_BEGUN;
}

static int end_pause(struct svff_plan *plan, struct svff_step *step)
{
	int ret = guest_end_pause(step->guest, step->id, 0);

	if (ret == -EINPROGRESS)
		return STEP_BEGUN;
	return ret ? ask_failed(plan, step, ret) : check_released(plan, step);
}

static int undo_pause(struct svff_plan *plan, struct svff_step *step)
{
	int ret = card_refresh(plan->card);
	const char *how;

	if (!ret)
		ret = vf_need(plan->card, step->vf, step->bdf);
	if (!ret)
		ret = vfio_restore(plan->ctx, step->bdf, step->found);
	if (!ret)
		ret = unpause_now(plan, step);
	how = how_gone(step, ret);
	if (how)
		return guest_gone(plan, step, how) == STEP_SKIP ? 0 : ret;
	return ret ? failed(plan, step, ret) : 0;
}

const struct step_ops step_pause = { apply_pause, undo_pause, end_pause };

static int apply_unpause(struct svff_plan *plan, struct svff_step *step)
{
	int ret;

	if (!state_find(&plan->card->state, step->vf)) {
		svff_fail(plan->ctx, 0, "guest %s has it no more", step->guest->uri);
		return STEP_SKIP;
	}
	ret = vf_need(plan->card, step->vf, step->bdf);
	if (ret)
		return failed(plan, step, ret);
	ret = begin_unpause(plan, step);
	return ret ? ask_failed(plan, step, ret) : STEP_BEGUN;
}

static int end_unpause_step(struct svff_plan *plan, struct svff_step *step)
{
	int ret = end_unpause(plan, step, 0);

	if (ret == -EINPROGRESS)
		return STEP_BEGUN;
	return ret ? ask_failed(plan, step, ret) : 0;
}

static int undo_unpause(struct svff_plan *plan, struct svff_step *step)
{
	int ret = vf_need(plan->card, step->vf, step->bdf);

	if (!ret)
		ret = pause_now(plan, step);
	if (!ret || how_gone(step, ret))
		ret = vfio_wait_free(plan->ctx, step->bdf);
	return ret ? failed(plan, step, ret) : 0;
}

const struct step_ops step_unpause = { apply_unpause, undo_unpause, end_unpause_step };

/* ---- the same for a VF that a driver of this host has ---- */

static int write_pause(struct svff_plan *plan, struct svff_step *step, const char *value)
{
	int ret = sysfs_write(plan->ctx, value, "bus/pci/devices/%s/svff/vf%u/pause", plan->card->address, step->vf);

	if (!ret)
		return 0;
	return svff_fail(plan->ctx, ret, "VF %u of card %s: svff_pf did not %s it: %s; the kernel log says why", step->vf,
			 plan->card->address, *value == '1' ? "pause" : "unpause", strerror(-ret));
}

static int host_pause(struct svff_plan *plan, struct svff_step *step)
{
	return write_pause(plan, step, "1");
}

static int host_unpause(struct svff_plan *plan, struct svff_step *step)
{
	return write_pause(plan, step, "0");
}

const struct step_ops step_host_pause = { host_pause, host_unpause, NULL };
const struct step_ops step_host_unpause = { host_unpause, host_pause, NULL };
