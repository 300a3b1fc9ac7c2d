// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the steps of a plan do. In pairs: apply, and undo directly below it.
 */
#include "priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PF_DIR	"bus/pci/devices/%s/"
#define VF_DIR	PF_DIR "svff/vf%u/"

static int out_of_memory(struct svff_plan *plan)
{
	return svff_fail(plan->ctx, -ENOMEM, "card %s: out of memory", plan->card->address);
}

static int write_number(struct svff_ctx *ctx, unsigned int number, const char *bdf, const char *what)
{
	char text[SVFF_WORD_LEN];

	snprintf(text, sizeof(text), "%u", number);
	return sysfs_write(ctx, text, PF_DIR "%s", bdf, what);
}

/* ---- quotas: VFs first..count get the queues that they are to have ---- */

static int write_quota(struct svff_plan *plan, unsigned int vf, unsigned int queues)
{
	const char *card = plan->card->address;
	char what[SVFF_WORD_LEN];
	int ret;

	snprintf(what, sizeof(what), "svff/vf%u/queues", vf);
	ret = write_number(plan->ctx, queues, card, what);
	switch (ret) {
	case 0:
		return 0;
	case -ENOSPC:
		return svff_fail(plan->ctx, ret, "VF %u of card %s cannot have %u queues: %d of %d are free; ask for less",
				 vf, card, queues, plan->card->queues_free, plan->card->queues_total);
	case -EBUSY:
		return svff_fail(plan->ctx, ret, "VF %u of card %s is live, its queues cannot be changed: disable the "
				 "VFs first ('svff reconf --vfs 0')", vf, card);
	default:
		return svff_fail(plan->ctx, ret, "VF %u of card %s: %u queues are not accepted: %s%s", vf, card, queues,
				 strerror(-ret), ret == -EACCES ? "; be root" : "");
	}
}

static int undo_quotas(struct svff_plan *plan, struct svff_step *step)
{
	unsigned int vf;
	int ret = 0, err;

	for (vf = step->count; vf >= step->first; vf--) {
		if (step->quota[vf - 1] == picture_vf(&plan->to, vf)->queues)
			continue;
		err = write_quota(plan, vf, step->quota[vf - 1]);
		ret = ret ? ret : err;
	}
	return ret;
}

static int read_quotas(struct svff_plan *plan, struct svff_step *step)
{
	unsigned int vf;
	int ret, old;

	step->quota = calloc(step->count, sizeof(*step->quota));
	if (!step->quota)
		return out_of_memory(plan);
	for (vf = step->first; vf <= step->count; vf++) {
		ret = sysfs_read_int(plan->ctx, &old, VF_DIR "queues", plan->card->address, vf);
		if (ret)
			return svff_fail(plan->ctx, ret, "VF %u of card %s: cannot read its queues: %s", vf,
					 plan->card->address, strerror(-ret));
		step->quota[vf - 1] = old;
	}
	return 0;
}

/* Quotas that are to shrink go first: they make room for the others. */
static int write_quotas(struct svff_plan *plan, struct svff_step *step, bool shrink)
{
	unsigned int vf, queues;
	int ret = 0;

	for (vf = step->first; !ret && vf <= step->count; vf++) {
		queues = picture_vf(&plan->to, vf)->queues;
		if (shrink ? queues < step->quota[vf - 1] : queues > step->quota[vf - 1])
			ret = write_quota(plan, vf, queues);
	}
	return ret;
}

static int apply_quotas(struct svff_plan *plan, struct svff_step *step)
{
	char why[SVFF_ERROR_LEN];
	int ret = read_quotas(plan, step);

	if (ret)
		return ret;
	ret = write_quotas(plan, step, true);
	if (!ret)
		ret = write_quotas(plan, step, false);
	if (!ret)
		return 0;
	svff_copy(why, sizeof(why), plan->ctx->error);
	undo_quotas(plan, step);
	return svff_fail(plan->ctx, ret, "%s", why);
}

const struct step_ops step_quotas = { apply_quotas, undo_quotas, NULL };

/* ---- count: from old VFs to value VFs; one of the two is 0 ---- */

static int count_refused(struct svff_plan *plan, unsigned int count, int err)
{
	struct svff_card *card = plan->card;

	switch (err) {
	case -ERANGE:
		return svff_fail(plan->ctx, err, "card %s cannot have %u VFs: it has at most %d", card->address, count,
				 card->vfs_total);
	case -EBUSY:
		if (!count)
			return svff_fail(plan->ctx, err, "card %s keeps its VFs, one is in use: the kernel log names it; end its "
					 "user", card->address);
		if (!card_refresh(card) && card->vfs)
			return svff_fail(plan->ctx, err, "card %s has other VFs meanwhile: try again", card->address);
		break;
	case -EACCES:
		return svff_fail(plan->ctx, err, "card %s: no permission to change its VFs: be root", card->address);
	case -ENOSPC:
		return svff_fail(plan->ctx, err, "card %s has not enough queues for %u VFs: lower the VFs' queues "
				 "(--queues, vf_queues_default)", card->address, count);
	}
	return svff_fail(plan->ctx, err, "card %s cannot have %u VFs: %s; the kernel log says why", card->address, count,
			 strerror(-err));
}

/* The driver that alone may have a VF, or NULL if the VF is for a driver of this host. */
static const char *reserved_for(const struct vf_binding *bound)
{
	if (vfio_is_driver(bound->driver))
		return bound->driver;
	return bound->driver[0] ? NULL : bound->override;
}

/* A driver that udev loads a moment later must not find the VFs free either. */
static int reserve_vfs(struct svff_plan *plan, unsigned int count, const struct picture *picture)
{
	char bdf[SVFF_BDF_LEN];
	const char *driver;
	unsigned int vf;
	int ret = card_refresh(plan->card);

	for (vf = 1; !ret && vf <= count; vf++) {
		driver = reserved_for(&picture_vf(picture, vf)->bound);
		if (!driver || !driver[0])
			continue;
		ret = vf_need(plan->card, vf, bdf);
		if (!ret && sysfs_set_override(plan->ctx, bdf, driver))
			ret = svff_fail(plan->ctx, -EIO, "VF %u (%s) cannot be kept for %s", vf, bdf, driver);
	}
	return ret;
}

/*
 * VFs for VFIO: no driver of this host is to have them first. Autoprobe is the admin's, so it is switched
 * off only until each VF has its override.
 */
static int enable_for_vfio(struct svff_plan *plan, unsigned int count, const struct picture *picture)
{
	const char *card = plan->card->address;
	char why[SVFF_ERROR_LEN];
	int ret, probe = 0;

	if (!sysfs_read_int(plan->ctx, &probe, PF_DIR "sriov_drivers_autoprobe", card) && probe)
		write_number(plan->ctx, 0, card, "sriov_drivers_autoprobe");
	ret = write_number(plan->ctx, count, card, "sriov_numvfs");
	if (ret) {
		count_refused(plan, count, ret);
	} else {
		ret = reserve_vfs(plan, count, picture);
		svff_copy(why, sizeof(why), plan->ctx->error);
		if (ret && !write_number(plan->ctx, 0, card, "sriov_numvfs"))
			svff_fail(plan->ctx, ret, "%s", why);
	}
	if (probe && write_number(plan->ctx, probe, card, "sriov_drivers_autoprobe"))
		svff_log(plan->ctx, SVFF_LOG_WARNING, "card %s: sriov_drivers_autoprobe stays 0: write %d to it", card, probe);
	return ret;
}

/* To remove a VF that is open makes the kernel wait for its user, and ask the guest to unplug it. */
static int remove_all(struct svff_plan *plan)
{
	char bdf[SVFF_BDF_LEN];
	unsigned int vf;
	int ret = card_refresh(plan->card);

	for (vf = 1; !ret && vf <= (unsigned int)plan->card->vfs; vf++)
		if (!vf_address(plan->card, vf, bdf) && vfio_in_use(plan->ctx, bdf) == 1)
			ret = vfio_wait_free(plan->ctx, bdf);
	if (ret)
		return ret;
	ret = write_number(plan->ctx, 0, plan->card->address, "sriov_numvfs");
	return ret ? count_refused(plan, 0, ret) : 0;
}

static int write_count(struct svff_plan *plan, unsigned int count, bool vfio, const struct picture *picture)
{
	int ret;

	if (!count)
		return remove_all(plan);
	if (vfio)
		return enable_for_vfio(plan, count, picture);
	ret = write_number(plan->ctx, count, plan->card->address, "sriov_numvfs");
	return ret ? count_refused(plan, count, ret) : 0;
}

static int apply_count(struct svff_plan *plan, struct svff_step *step)
{
	return write_count(plan, step->value, step->vfio, &plan->to);
}

static int undo_count(struct svff_plan *plan, struct svff_step *step)
{
	return write_count(plan, step->old, step->vfio, &plan->now);
}

const struct step_ops step_count = { apply_count, undo_count, NULL };

/* ---- bind: one VF ---- */

/* A VF that is to have a driver of this host, or none, has got it when it has that and no other. */
static int bind_vf(struct svff_plan *plan, unsigned int vf, const char *bdf)
{
	const struct vf_binding *to = plan->to.room ? &picture_vf(&plan->to, vf)->bound : NULL;

	if (to && !vfio_is_driver(to->driver))
		return vfio_restore(plan->ctx, bdf, to);
	return vfio_bind(plan->ctx, bdf, to ? to->driver : NULL);
}

static int apply_bind(struct svff_plan *plan, struct svff_step *step)
{
	char bdf[SVFF_BDF_LEN];
	int ret = vf_need(plan->card, step->vf, bdf);

	step->found = calloc(1, sizeof(*step->found));
	if (!step->found)
		return out_of_memory(plan);
	if (!ret)
		ret = vfio_binding(plan->ctx, bdf, step->found);
	return ret ? ret : bind_vf(plan, step->vf, bdf);
}

static int undo_bind(struct svff_plan *plan, struct svff_step *step)
{
	char bdf[SVFF_BDF_LEN];
	int ret = vf_need(plan->card, step->vf, bdf);

	if (vfio_is_driver(step->found->driver))
		return 0;
	if (!ret)
		ret = vfio_wait_free(plan->ctx, bdf);
	return ret ? ret : vfio_restore(plan->ctx, bdf, step->found);
}

const struct step_ops step_bind = { apply_bind, undo_bind, NULL };

/* ---- bind all, release all: VFs first..count ---- */

static bool has_own_steps(struct svff_plan *plan, struct svff_step *step, unsigned int vf)
{
	return step->not_paused && plan->by_pause && plan->by_pause[vf - 1];
}

static int restore_all(struct svff_plan *plan, struct svff_step *step, unsigned int count)
{
	char bdf[SVFF_BDF_LEN];
	unsigned int vf;
	int ret = 0, err;

	for (vf = count; vf >= step->first; vf--) {
		if (has_own_steps(plan, step, vf))
			continue;
		err = vf_need(plan->card, vf, bdf);
		if (!err)
			err = vfio_wait_free(plan->ctx, bdf);
		if (!err)
			err = vfio_restore(plan->ctx, bdf, &step->found[vf - 1]);
		ret = ret ? ret : err;
	}
	return ret;
}

static int for_all(struct svff_plan *plan, struct svff_step *step,
		   int (*one)(struct svff_plan *plan, unsigned int vf, const char *bdf))
{
	char bdf[SVFF_BDF_LEN], why[SVFF_ERROR_LEN];
	unsigned int vf;
	int ret = card_refresh(plan->card);

	step->found = calloc(step->count, sizeof(*step->found));
	if (!step->found)
		return out_of_memory(plan);
	for (vf = step->first; !ret && vf <= step->count; vf++) {
		if (has_own_steps(plan, step, vf))
			continue;
		ret = svff_cancelled(plan->ctx) ? svff_fail(plan->ctx, -EINTR, "interrupted") :
						  vf_need(plan->card, vf, bdf);
		if (!ret)
			ret = vfio_binding(plan->ctx, bdf, &step->found[vf - 1]);
		if (!ret)
			ret = one(plan, vf, bdf);
	}
	if (!ret)
		return 0;
	svff_copy(why, sizeof(why), plan->ctx->error);
	restore_all(plan, step, vf > 2 ? vf - 2 : 0);
	return svff_fail(plan->ctx, ret, "VF %u of card %s: %s", vf - 1, plan->card->address, why);
}

static int undo_all(struct svff_plan *plan, struct svff_step *step)
{
	int ret = card_refresh(plan->card);

	return ret ? ret : restore_all(plan, step, step->count);
}

static int apply_bind_all(struct svff_plan *plan, struct svff_step *step)
{
	return for_all(plan, step, bind_vf);
}

const struct step_ops step_bind_all = { apply_bind_all, undo_all, NULL };

static int release(struct svff_plan *plan, unsigned int vf, const char *bdf)
{
	int ret = vfio_wait_free(plan->ctx, bdf);

	if (ret)
		return ret;
	ret = sysfs_unbind(plan->ctx, bdf);
	if (ret)
		return svff_fail(plan->ctx, ret, "VF %u (%s) cannot be taken from its driver: %s", vf, bdf,
				 strerror(-ret));
	return 0;
}

static int apply_release_all(struct svff_plan *plan, struct svff_step *step)
{
	return for_all(plan, step, release);
}

const struct step_ops step_release_all = { apply_release_all, undo_all, NULL };

/* ---- attach, detach: one VF and a guest; each is the other's undo ---- */

/**
 * step_note_owner() - note that the guest of a step has its VF
 * @plan: the plan
 * @step: the step
 *
 * Return: 0, or a negative errno.
 */
int step_note_owner(struct svff_plan *plan, const struct svff_step *step)
{
	if (state_set(&plan->card->state, step->vf, step->guest->uri, step->id, step->bus))
		return out_of_memory(plan);
	return card_save_owners(plan->card);
}

/**
 * step_note_free() - note that no guest has the VF of a step
 * @plan: the plan
 * @step: the step
 *
 * A file that cannot be written says too much, which is found out when it is used: no reason to fail when the guest has
 * let go of the VF already.
 */
void step_note_free(struct svff_plan *plan, const struct svff_step *step)
{
	state_drop(&plan->card->state, step->vf);
	if (card_save_owners(plan->card))
		svff_log(plan->ctx, SVFF_LOG_WARNING, "%s", plan->ctx->error);
}

/* It was there when the plan was made, see plan_check_ports(). */
static int choose_port(struct svff_step *step)
{
	struct svff_guest_ports ports;
	int ret;

	if (step->bus[0])
		return 0;
	ret = guest_need_ports(step->guest, 1, 0, &ports);
	if (!ret)
		svff_copy(step->bus, sizeof(step->bus), ports.first_free);
	return ret;
}

/*
 * The guest did not take the VF, or it is not known whether it did: its connection broke, or it is
 * silent. The note goes only when nobody has the VF open; else it stays and is checked next time.
 */
static int attach_failed(struct svff_plan *plan, struct svff_step *step, int err)
{
	char why[SVFF_ERROR_LEN];

	svff_copy(why, sizeof(why), plan->ctx->error);
	if (err != -ETIMEDOUT && err != -EPROTO && !vfio_wait_free(plan->ctx, step->bdf))
		step_note_free(plan, step);
	return svff_fail(plan->ctx, err, "VF %u: %s", step->vf, why);
}

static int plug(struct svff_plan *plan, struct svff_step *step)
{
	return step->guest->ops->add(step->guest, step->id, step->bdf, step->bus, plan->timeout_ms);
}

/* QEMU cannot be stopped half-way, so its answer is awaited. */
static int give(struct svff_plan *plan, struct svff_step *step)
{
	int ret = vf_need(plan->card, step->vf, step->bdf);

	if (!ret)
		ret = choose_port(step);
	if (!ret)
		ret = step_note_owner(plan, step);
	if (ret)
		return ret;
	ret = step_shielded(plan, step, plug);
	return ret ? attach_failed(plan, step, ret) : 0;
}

static int has_device(struct svff_plan *plan, struct svff_step *step)
{
	(void)plan;
	return step->guest->ops->has(step->guest, step->id);
}

/* QEMU cannot take an unplug back: who has the VF is noted also if svff did not give it. */
static void note_unplug_asked(struct svff_plan *plan, struct svff_step *step)
{
	struct svff_state *state = &plan->card->state;

	step->unplug_asked = true;
	if (!state_find(state, step->vf) && state_set(state, step->vf, step->guest->uri, step->id, step->bus))
		return;
	state_find(state, step->vf)->unplug_asked = true;
	if (card_save_owners(plan->card))
		svff_log(plan->ctx, SVFF_LOG_WARNING, "%s", plan->ctx->error);
}

/* A guest that cannot be asked whether it has the device may have let go of it, or may do so later. */
static int let_unplug(struct svff_plan *plan, struct svff_step *step)
{
	int ret = step->guest->ops->del(step->guest, step->id, plan->timeout_ms), has = 1;
	bool pending = ret != -ECONNRESET && ret != -EREMOTEIO;
	char why[SVFF_ERROR_LEN];

	if (!ret)
		return 0;
	svff_copy(why, sizeof(why), plan->ctx->error);
	if (pending)
		has = step_shielded(plan, step, has_device);
	step->unknown = has < 0;
	if (!has)
		return 0;
	if (pending)
		note_unplug_asked(plan, step);
	return svff_fail(plan->ctx, ret, "VF %u: %s%s", step->vf, why, pending ?
			 "; the guest may release it later, too: 'svff status' tells" : "");
}

/* A device that has left its guest is closed a moment later. */
static int await_close(struct svff_plan *plan, struct svff_step *step)
{
	int ret = vfio_wait_free(plan->ctx, step->bdf);

	step->unknown = ret;	/* the guest has let go of it all the same */
	return ret;
}

static int take(struct svff_plan *plan, struct svff_step *step)
{
	int ret = let_unplug(plan, step);
	bool ended = ret == -ECONNRESET;

	if (!vf_address(plan->card, step->vf, step->bdf) && (!ret || ended))
		ret = step_shielded(plan, step, await_close);
	if (ret)
		return ret;
	if (ended)
		svff_log(plan->ctx, SVFF_LOG_NOTICE, "guest %s ended, VF %u is free", step->guest->uri, step->vf);
	step_note_free(plan, step);
	return 0;
}

/* A guest that has ended during a reconfiguration needs its VF no more: no reason to undo it all. */
static int apply_attach(struct svff_plan *plan, struct svff_step *step)
{
	int ret = card_refresh(plan->card);

	if (!ret)
		ret = give(plan, step);
	return ret == -ECONNRESET && step->guest_may_go ? STEP_SKIP : ret;
}

static int undo_by_take(struct svff_plan *plan, struct svff_step *step)
{
	return take(plan, step);
}

const struct step_ops step_attach = { apply_attach, undo_by_take, NULL };

static int apply_detach(struct svff_plan *plan, struct svff_step *step)
{
	return take(plan, step);
}

static int undo_by_give(struct svff_plan *plan, struct svff_step *step)
{
	int ret = card_refresh(plan->card);

	return ret ? ret : give(plan, step);
}

const struct step_ops step_detach = { apply_detach, undo_by_give, NULL };
