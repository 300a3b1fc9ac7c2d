// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which steps a command takes. Everything that can be refused is refused here, before the first step.
 *
 * init:	quotas; VFs enabled; VFs bound to VFIO
 * attach:	VF bound to VFIO; guest plugs it
 * detach:	guest unplugs it
 * reconf:	guests unplug their VFs; VFs released; VFs disabled; VFs enabled; VFs bound; the same
 *		guests plug the same VFs; new guests plug theirs
 */
#include "priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void device_id(struct svff_card *card, unsigned int vf, char id[SVFF_ID_LEN])
{
	char *c;

	snprintf(id, SVFF_ID_LEN, "svff-vf%u-%s", vf, card->address);
	for (c = id; *c; c++)	/* QEMU's ids have no colon */
		if (*c == ':')
			*c = '.';
}

static int check_count(struct svff_plan *plan, unsigned int vfs)
{
	struct svff_card *card = plan->card;

	if (!card->sriov)
		return svff_fail(plan->ctx, -EOPNOTSUPP, "card %s has no SR-IOV: its FPGA image has no VFs, or the "
				 "firmware has SR-IOV off", card->address);
	if (vfs > (unsigned int)card->vfs_total)
		return svff_fail(plan->ctx, -ERANGE, "card %s cannot have %u VFs: it has at most %d", card->address, vfs,
				 card->vfs_total);
	return 0;
}

static int add_count(struct svff_plan *plan, unsigned int from, unsigned int to, bool vfio)
{
	struct svff_step *step;

	step = to ? plan_add(plan, &step_count, 0, "enable %u VFs", to) :
		    plan_add(plan, &step_count, 0, "disable %u VFs", from);
	if (!step)
		return -ENOMEM;
	step->old = from;
	step->value = to;
	step->vfio = vfio;
	return 0;
}

static int add_all(struct svff_plan *plan, const struct step_ops *ops, unsigned int count,
		   const char *before, const char *after)
{
	struct svff_step *step;

	step = plan_add(plan, ops, 0, count > 1 ? "%s VFs 1-%u%s" : "%s VF %u%s", before, count, after);
	if (!step)
		return -ENOMEM;
	step->count = count;
	return 0;
}

static int add_guest_step(struct svff_plan *plan, const struct step_ops *ops, unsigned int vf,
			  struct svff_guest *guest, const char *id, const char *bus)
{
	struct svff_step *step;

	step = plan_add(plan, ops, vf, ops == &step_attach ? "attach VF %u to %s" : "detach VF %u from %s", vf,
			guest->uri);
	if (!step)
		return -ENOMEM;
	step->guest = guest;
	svff_copy(step->id, sizeof(step->id), id);
	svff_copy(step->bus, sizeof(step->bus), bus);
	return 0;
}

static int add_quotas(struct svff_plan *plan, unsigned int vfs, unsigned int queues)
{
	struct svff_step *step = plan_add(plan, &step_quotas, 0, "give each of %u VFs %u queues", vfs, queues);

	if (!step)
		return -ENOMEM;
	step->count = vfs;
	step->value = queues;
	return 0;
}

/**
 * svff_plan_init() - plan to make VFs on a card that has none
 * @plan: an empty plan
 * @vfs: how many
 * @queues: queues for each, 0 to leave that as it is
 * @bind: bind them to VFIO
 *
 * A card that has this count already is fine: what is missing is made up for.
 *
 * Return: 0, -EBUSY if the card has another count, -ERANGE if it cannot have so many, or another
 * negative errno.
 */
int svff_plan_init(struct svff_plan *plan, unsigned int vfs, unsigned int queues, bool bind)
{
	struct svff_card *card = plan->card;
	int ret = plan_begin(plan);

	if (!ret && !plan->dry_run)
		ret = svff_card_probe(card);
	if (!ret)
		ret = card_need_bound(card);
	if (!ret)
		ret = check_count(plan, vfs);
	if (ret)
		return ret;
	if (!vfs)
		return svff_fail(plan->ctx, -EINVAL, "init makes at least 1 VF; 'svff reconf --vfs 0' removes them");
	if (card->vfs && (unsigned int)card->vfs != vfs)
		return svff_fail(plan->ctx, -EBUSY, "card %s has %d VFs already: 'svff reconf --card %s --vfs %u' changes "
				 "their number", card->address, card->vfs, card->address, vfs);
	if (queues)
		ret = add_quotas(plan, vfs, queues);
	if (!ret && !card->vfs)
		ret = add_count(plan, 0, vfs, bind);
	if (!ret && bind)
		ret = add_all(plan, &step_bind_all, vfs, "bind", " to VFIO");
	return ret;
}

static int refuse_if_owned(struct svff_plan *plan, unsigned int vf)
{
	const struct svff_owner *owner = state_find(&plan->card->state, vf);

	if (!owner)
		return 0;
	return svff_fail(plan->ctx, -EBUSY, "VF %u of card %s is attached to guest %s: 'svff detach --card %s %u' first",
			 vf, plan->card->address, owner->guest, plan->card->address, vf);
}

/* A device that was plugged by other means than this tool is in nobody's note. */
static int refuse_if_held(struct svff_plan *plan, unsigned int vf, const char *bdf)
{
	char user[SVFF_ERROR_LEN / 4];

	if (vfio_in_use(plan->ctx, bdf) != 1)
		return 0;
	vfio_describe_user(plan->ctx, bdf, user, sizeof(user));
	return svff_fail(plan->ctx, -EBUSY, "VF %u (%s) is in use by %s, which was not given it by svff: end it, or "
			 "'svff detach' with the guest's name", vf, bdf, user);
}

static int add_new_attach(struct svff_plan *plan, unsigned int vf, const char *name)
{
	struct svff_guest *guest;
	char id[SVFF_ID_LEN];
	char *uri;
	int ret = svff_guest_uri(plan->ctx, name, &uri);

	if (ret)
		return ret;
	ret = plan_guest(plan, uri, &guest);
	free(uri);
	if (ret)
		return ret;
	device_id(plan->card, vf, id);
	return add_guest_step(plan, &step_attach, vf, guest, id, plan->bus);
}

/**
 * svff_plan_attach() - plan to give a VF to a guest
 * @plan: an empty plan
 * @vf: number of the VF
 * @guest: URI of the guest, or path of its QMP socket
 *
 * Return: 0, -EBUSY if somebody has the VF, -ENOTCONN if the guest is not running, or another negative
 * errno.
 */
int svff_plan_attach(struct svff_plan *plan, unsigned int vf, const char *guest)
{
	char bdf[SVFF_BDF_LEN];
	int ret = plan_begin(plan);

	if (!ret)
		ret = card_need_bound(plan->card);
	if (!ret)
		ret = vf_need(plan->card, vf, bdf);
	if (!ret)
		ret = refuse_if_owned(plan, vf);
	if (!ret)
		ret = refuse_if_held(plan, vf, bdf);
	if (!ret && !plan_add(plan, &step_bind, vf, "bind VF %u to VFIO", vf))
		ret = -ENOMEM;
	return ret ? ret : add_new_attach(plan, vf, guest);
}

static int add_detach_noted(struct svff_plan *plan, const struct svff_owner *owner)
{
	struct svff_guest *guest;
	int ret = plan_guest(plan, owner->guest, &guest);

	return ret ? ret : add_guest_step(plan, &step_detach, owner->vf, guest, owner->id, owner->bus);
}

/* The guest got the VF by other means than this tool: look for it there. */
static int add_detach_found(struct svff_plan *plan, unsigned int vf, const char *uri)
{
	char bdf[SVFF_BDF_LEN], id[SVFF_ID_LEN];
	struct svff_guest *guest;
	int ret = vf_need(plan->card, vf, bdf);

	if (!ret)
		ret = plan_guest(plan, uri, &guest);
	if (ret)
		return ret;
	ret = guest->ops->find(guest, bdf, id);
	if (ret == -ENOENT)
		return svff_fail(plan->ctx, ret, "guest %s does not have VF %u (%s); 'svff status' tells who has what", uri,
				 vf, bdf);
	return ret ? ret : add_guest_step(plan, &step_detach, vf, guest, id, "");
}

static int detach_from(struct svff_plan *plan, unsigned int vf, const char *uri)
{
	const struct svff_owner *owner = state_find(&plan->card->state, vf);

	if (!owner)
		return add_detach_found(plan, vf, uri);
	if (strcmp(owner->guest, uri))
		return svff_fail(plan->ctx, -EINVAL, "VF %u of card %s is attached to guest %s, not to %s", vf,
				 plan->card->address, owner->guest, uri);
	return add_detach_noted(plan, owner);
}

/**
 * svff_plan_detach() - plan to take a VF from its guest
 * @plan: an empty plan
 * @vf: number of the VF
 * @guest: URI of the guest, or NULL for the one that was given the VF
 *
 * The plan is empty when the guest that had the VF is no more.
 *
 * Return: 0, -ENOENT if no guest has the VF, -EINVAL if it is another guest's, or another negative
 * errno.
 */
int svff_plan_detach(struct svff_plan *plan, unsigned int vf, const char *guest)
{
	bool noted = state_find(&plan->card->state, vf);
	const struct svff_owner *owner;
	char *uri;
	int ret = plan_begin(plan);

	if (ret)
		return ret;
	if (guest) {
		ret = svff_guest_uri(plan->ctx, guest, &uri);
		if (!ret) {
			ret = detach_from(plan, vf, uri);
			free(uri);
		}
		return ret;
	}
	owner = state_find(&plan->card->state, vf);
	if (owner)
		return add_detach_noted(plan, owner);
	if (noted)
		return 0;
	return svff_fail(plan->ctx, -ENOENT, "VF %u of card %s was given to no guest; if one has it, name it: 'svff detach "
			 "--card %s %u GUEST'", vf, plan->card->address, plan->card->address, vf);
}

/* ---- reconf ---- */

static int refuse_lost_guest(struct svff_plan *plan, const struct svff_owner *owner, unsigned int vfs)
{
	if (owner->vf <= vfs || plan->force)
		return 0;
	return svff_fail(plan->ctx, -EBUSY, "VF %u of card %s would not exist any more, but guest %s has it: detach it "
			 "first, or say --force", owner->vf, plan->card->address, owner->guest);
}

static int add_detaches(struct svff_plan *plan, unsigned int vfs)
{
	const struct svff_state *state = &plan->card->state;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < state->count; i++)
		ret = refuse_lost_guest(plan, &state->owner[i], vfs);
	for (i = 0; !ret && i < state->count; i++)
		ret = add_detach_noted(plan, &state->owner[i]);
	return ret;
}

static int add_old_attaches(struct svff_plan *plan, unsigned int vfs)
{
	const struct svff_state *state = &plan->card->state;
	struct svff_guest *guest;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < state->count; i++) {
		if (state->owner[i].vf > vfs)
			continue;
		ret = plan_guest(plan, state->owner[i].guest, &guest);
		if (!ret)
			ret = add_guest_step(plan, &step_attach, state->owner[i].vf, guest, state->owner[i].id,
					     state->owner[i].bus);
		if (!ret)
			plan->step[plan->count - 1]->guest_may_go = true;
	}
	return ret;
}

static int check_attach(struct svff_plan *plan, unsigned int vfs, unsigned int vf)
{
	if (!vf || vf > vfs)
		return svff_fail(plan->ctx, -EINVAL, "VF %u cannot be attached: card %s will have VFs 1 to %u", vf,
				 plan->card->address, vfs);
	return refuse_if_owned(plan, vf);
}

static int check_attaches(struct svff_plan *plan, unsigned int vfs, size_t count, const unsigned int *vf)
{
	size_t i, j;
	int ret = 0;

	for (i = 0; !ret && i < count; i++) {
		ret = check_attach(plan, vfs, vf[i]);
		for (j = 0; !ret && j < i; j++)
			if (vf[j] == vf[i])
				ret = svff_fail(plan->ctx, -EINVAL, "VF %u is to be attached twice", vf[i]);
	}
	return ret;
}

/* VFs that this host itself uses: refused, or remembered so that they go back to their driver. */
static int check_host_vf(struct svff_plan *plan, unsigned int vf)
{
	struct vf_binding *host = &plan->host[vf - 1];
	char bdf[SVFF_BDF_LEN];
	int ret = vf_need(plan->card, vf, bdf);

	if (!ret)
		ret = vfio_binding(plan->ctx, bdf, host);
	if (ret)
		return ret;
	if (vfio_is_driver(host->driver))
		host->driver[0] = '\0';
	if (vfio_host_idle(plan->ctx, bdf) && !plan->force)
		return svff_fail(plan->ctx, -EBUSY, "VF %u: %s, or say --force", vf, svff_error(plan->ctx));
	return state_find(&plan->card->state, vf) ? 0 : refuse_if_held(plan, vf, bdf);
}

static int check_host_vfs(struct svff_plan *plan)
{
	unsigned int vf;
	int ret = 0;

	plan->hosts = plan->card->vfs;
	plan->host = calloc(plan->hosts + 1, sizeof(*plan->host));
	if (!plan->host)
		return svff_fail(plan->ctx, -ENOMEM, "card %s: out of memory", plan->card->address);
	for (vf = 1; !ret && vf <= plan->hosts; vf++)
		ret = check_host_vf(plan, vf);
	return ret;
}

/* A VF that a guest is to get does not go back to a driver of this host. */
static void forget_host(struct svff_plan *plan, unsigned int vf)
{
	if (vf <= plan->hosts)
		plan->host[vf - 1].driver[0] = '\0';
}

static int add_change(struct svff_plan *plan, unsigned int vfs)
{
	unsigned int old = plan->card->vfs;
	int ret = check_host_vfs(plan);

	if (!ret)
		ret = add_detaches(plan, vfs);
	if (!ret && old)
		ret = add_all(plan, &step_release_all, old, "release", "");
	if (!ret && old)
		ret = add_count(plan, old, 0, true);
	if (!ret && vfs)
		ret = add_count(plan, 0, vfs, true);
	if (!ret && vfs)
		ret = add_all(plan, &step_bind_all, vfs, "bind", " to VFIO");
	return ret ? ret : add_old_attaches(plan, vfs);
}

/**
 * svff_plan_reconf() - plan to change how many VFs a card has, while guests have some
 * @plan: an empty plan
 * @vfs: how many, may be 0
 * @count: how many VFs are to be attached anew
 * @vf: their numbers
 * @guest: their guests
 *
 * Guests that have VFs get the same VFs again.
 *
 * Return: 0, -EBUSY if a guest or this host would lose a VF, -ERANGE if the card cannot have so many,
 * -EINVAL if a VF cannot be attached, or another negative errno.
 */
int svff_plan_reconf(struct svff_plan *plan, unsigned int vfs, size_t count,
		     const unsigned int *vf, const char *const *guest)
{
	bool change;
	size_t i;
	int ret = plan_begin(plan);

	if (!ret)
		ret = card_need_bound(plan->card);
	if (!ret)
		ret = check_count(plan, vfs);
	if (!ret)
		ret = check_attaches(plan, vfs, count, vf);
	change = !ret && (unsigned int)plan->card->vfs != vfs;
	if (change)
		ret = add_change(plan, vfs);
	for (i = 0; !ret && i < count; i++) {
		forget_host(plan, vf[i]);
		if (!change && !plan_add(plan, &step_bind, vf[i], "bind VF %u to VFIO", vf[i]))
			ret = -ENOMEM;
		if (!ret)
			ret = add_new_attach(plan, vf[i], guest[i]);
	}
	return ret;
}
