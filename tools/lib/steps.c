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

/* ---- quotas: VFs 1..count get value queues each ---- */

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

	for (vf = step->count; vf > 0; vf--) {
		if (step->quota[vf - 1] == step->value)
			continue;
		err = write_quota(plan, vf, step->quota[vf - 1]);
		ret = ret ? ret : err;
	}
	return ret;
}

/* Quotas that are to shrink go first: they make room for the others. */
static int apply_quotas(struct svff_plan *plan, struct svff_step *step)
{
	unsigned int vf, want = step->count;
	char why[SVFF_ERROR_LEN];
	int ret = 0, old;

	step->quota = calloc(want, sizeof(*step->quota));
	if (!step->quota)
		return out_of_memory(plan);
	for (vf = 1; !ret && vf <= want; vf++) {
		ret = sysfs_read_int(plan->ctx, &old, VF_DIR "queues", plan->card->address, vf);
		if (ret)
			return svff_fail(plan->ctx, ret, "VF %u of card %s: cannot read its queues: %s", vf,
					 plan->card->address, strerror(-ret));
		step->quota[vf - 1] = old;
	}
	for (step->count = 0; step->count < want; step->count++) {
		vf = step->count + 1;
		if (step->quota[vf - 1] == step->value)
			continue;
		ret = write_quota(plan, vf, step->value);
		if (ret)
			break;
	}
	if (!ret)
		return 0;
	svff_copy(why, sizeof(why), plan->ctx->error);
	undo_quotas(plan, step);
	return svff_fail(plan->ctx, ret, "%s", why);
}

const struct step_ops step_quotas = { apply_quotas, undo_quotas };

/* ---- count: from old VFs to value VFs; one of the two is 0 ---- */

static int count_refused(struct svff_plan *plan, unsigned int count, int err)
{
	struct svff_card *card = plan->card;

	switch (err) {
	case -ERANGE:
		return svff_fail(plan->ctx, err, "card %s cannot have %u VFs: it has at most %d", card->address, count,
				 card->vfs_total);
	case -EBUSY:
		if (count)
			return svff_fail(plan->ctx, err, "card %s has other VFs meanwhile: try again", card->address);
		return svff_fail(plan->ctx, err, "card %s keeps its VFs, one is in use: the kernel log names it; end its "
				 "user", card->address);
	case -EACCES:
		return svff_fail(plan->ctx, err, "card %s: no permission to change its VFs: be root", card->address);
	case -ENOSPC:
		return svff_fail(plan->ctx, err, "card %s has not enough queues for %u VFs: lower the VFs' queues "
				 "(--queues, vf_queues_default)", card->address, count);
	default:
		return svff_fail(plan->ctx, err, "card %s cannot have %u VFs: %s; the kernel log says why", card->address,
				 count, strerror(-err));
	}
}

/* A driver that udev loads a moment later must not find the VFs free either. */
static int reserve_vfs(struct svff_plan *plan, unsigned int count)
{
	char bdf[SVFF_BDF_LEN];
	unsigned int vf;
	int ret = card_refresh(plan->card);

	for (vf = 1; !ret && vf <= count; vf++) {
		if (vf <= plan->hosts && plan->host[vf - 1].driver[0])
			continue;
		ret = vf_need(plan->card, vf, bdf);
		if (!ret)
			ret = vfio_reserve(plan->ctx, bdf);
	}
	return ret;
}

/*
 * VFs for VFIO: no driver of this host is to have them first. Autoprobe is the admin's, so it is switched
 * off only until each VF has its override.
 */
static int enable_for_vfio(struct svff_plan *plan, unsigned int count)
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
		ret = reserve_vfs(plan, count);
		svff_copy(why, sizeof(why), plan->ctx->error);
		if (ret && !write_number(plan->ctx, 0, card, "sriov_numvfs"))
			svff_fail(plan->ctx, ret, "%s", why);
	}
	if (probe)
		write_number(plan->ctx, probe, card, "sriov_drivers_autoprobe");
	return ret;
}

static int write_count(struct svff_plan *plan, unsigned int count, bool vfio)
{
	int ret;

	if (count && vfio)
		return enable_for_vfio(plan, count);
	ret = write_number(plan->ctx, count, plan->card->address, "sriov_numvfs");
	return ret ? count_refused(plan, count, ret) : 0;
}

static int apply_count(struct svff_plan *plan, struct svff_step *step)
{
	return write_count(plan, step->value, step->vfio);
}

static int undo_count(struct svff_plan *plan, struct svff_step *step)
{
	return write_count(plan, step->old, step->vfio);
}

const struct step_ops step_count = { apply_count, undo_count };

/* ---- bind: one VF to VFIO ---- */

static int apply_bind(struct svff_plan *plan, struct svff_step *step)
{
	char bdf[SVFF_BDF_LEN];
	int ret = vf_need(plan->card, step->vf, bdf);

	step->found = calloc(1, sizeof(*step->found));
	if (!step->found)
		return out_of_memory(plan);
	if (!ret)
		ret = vfio_binding(plan->ctx, bdf, step->found);
	return ret ? ret : vfio_bind(plan->ctx, bdf);
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

const struct step_ops step_bind = { apply_bind, undo_bind };

/* ---- bind all, release all: VFs 1..count ---- */

static int restore_all(struct svff_plan *plan, struct svff_step *step, unsigned int count)
{
	char bdf[SVFF_BDF_LEN];
	unsigned int vf;
	int ret = 0, err;

	for (vf = count; vf > 0; vf--) {
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
	for (vf = 1; !ret && vf <= step->count; vf++) {
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

static int bind_again(struct svff_plan *plan, unsigned int vf, const char *bdf)
{
	if (vf <= plan->hosts && plan->host[vf - 1].driver[0])
		return vfio_restore(plan->ctx, bdf, &plan->host[vf - 1]);
	return vfio_bind(plan->ctx, bdf);
}

static int apply_bind_all(struct svff_plan *plan, struct svff_step *step)
{
	return for_all(plan, step, bind_again);
}

const struct step_ops step_bind_all = { apply_bind_all, undo_all };

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

const struct step_ops step_release_all = { apply_release_all, undo_all };

/* ---- attach, detach: one VF and a guest; each is the other's undo ---- */

static int note_owner(struct svff_plan *plan, const struct svff_step *step)
{
	if (state_set(&plan->card->state, step->vf, step->guest->uri, step->id, step->bus))
		return out_of_memory(plan);
	return card_save_owners(plan->card);
}

static int note_free(struct svff_plan *plan, const struct svff_step *step)
{
	state_drop(&plan->card->state, step->vf);
	return card_save_owners(plan->card);
}

static int choose_port(struct svff_plan *plan, struct svff_step *step)
{
	struct svff_guest_ports ports;
	int ret;

	if (step->bus[0])
		return 0;
	ret = step->guest->ops->ports(step->guest, &ports);
	if (ret)
		return ret;
	if (ports.needs_port && !ports.free)
		return svff_fail(plan->ctx, -ENOSPC, "guest %s has no free hot-plug port (%u, all taken): start QEMU with "
				 "one more '-device pcie-root-port,id=PORT,chassis=N', or detach something",
				 step->guest->uri, ports.total);
	svff_copy(step->bus, sizeof(step->bus), ports.first_free);
	return 0;
}

/*
 * The guest did not take the VF, or it is not known whether it did: its connection broke, or it is
 * silent. The note goes only when nobody has the VF open; else it stays and is checked next time.
 */
static int attach_failed(struct svff_plan *plan, struct svff_step *step, const char *bdf, int err)
{
	char why[SVFF_ERROR_LEN];

	svff_copy(why, sizeof(why), plan->ctx->error);
	if (err != -ETIMEDOUT && err != -EPROTO && !vfio_wait_free(plan->ctx, bdf))
		note_free(plan, step);
	return svff_fail(plan->ctx, err, "VF %u: %s", step->vf, why);
}

static int give(struct svff_plan *plan, struct svff_step *step)
{
	bool shielded = plan->ctx->shielded;
	char bdf[SVFF_BDF_LEN];
	int ret = vf_need(plan->card, step->vf, bdf);

	if (!ret)
		ret = choose_port(plan, step);
	if (!ret)
		ret = note_owner(plan, step);
	if (ret)
		return ret;
	plan->ctx->shielded = true;	/* QEMU cannot be stopped half-way, so its answer is awaited */
	ret = step->guest->ops->add(step->guest, step->id, bdf, step->bus, plan->timeout_ms);
	plan->ctx->shielded = shielded;
	return ret ? attach_failed(plan, step, bdf, ret) : 0;
}

static int take(struct svff_plan *plan, struct svff_step *step)
{
	char bdf[SVFF_BDF_LEN], why[SVFF_ERROR_LEN];
	int ret, free_now;

	ret = step->guest->ops->del(step->guest, step->id, plan->timeout_ms);
	if (ret) {
		svff_copy(why, sizeof(why), plan->ctx->error);
		svff_fail(plan->ctx, ret, "VF %u: %s", step->vf, why);
	}
	if (vf_address(plan->card, step->vf, bdf))
		return ret ? ret : note_free(plan, step);
	if (ret == -ECONNRESET) {
		free_now = vfio_wait_free(plan->ctx, bdf);
		if (free_now)
			return free_now;
		svff_log(plan->ctx, SVFF_LOG_NOTICE, "guest %s ended, VF %u is free", step->guest->uri, step->vf);
		return note_free(plan, step);
	}
	if (!ret)
		ret = vfio_wait_free(plan->ctx, bdf);
	return ret ? ret : note_free(plan, step);
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

const struct step_ops step_attach = { apply_attach, undo_by_take };

static int apply_detach(struct svff_plan *plan, struct svff_step *step)
{
	return take(plan, step);
}

static int undo_by_give(struct svff_plan *plan, struct svff_step *step)
{
	int ret = card_refresh(plan->card);

	return ret ? ret : give(plan, step);
}

const struct step_ops step_detach = { apply_detach, undo_by_give };
