// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which steps a command takes. Everything that can be refused is refused here, before the first step.
 *
 * init:	quotas; VFs enabled; VFs bound to VFIO
 * attach:	VF bound to VFIO; guest plugs it
 * detach:	guest unplugs it
 * reconf:	what the card is to be is painted, change.c finds the steps that lead there
 */
#include "priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool is_spare(const struct picture *picture, unsigned int vf)
{
	return vf <= picture->vfs && !picture_vf(picture, vf)->queues;
}

static void paint_vfio(struct svff_plan *plan, struct vf_picture *to)
{
	if (!vfio_is_driver(to->bound.driver))
		svff_copy(to->bound.driver, sizeof(to->bound.driver), plan_vfio(plan));
}

/* Paint a VF that is for guests. */
static void paint_vf(struct svff_plan *plan, unsigned int vf, unsigned int queues)
{
	struct vf_picture *to = picture_vf(&plan->to, vf);

	if (queues)
		to->queues = queues;
	else if (!to->queues)
		to->queues = plan->card->vf_queues_default;
	if (!to->bound.driver[0])
		paint_vfio(plan, to);
}

/* A spare VF has no queues and no driver, and no driver is to find it. */
static void paint_spare(struct svff_plan *plan, unsigned int vf)
{
	struct vf_picture *to = picture_vf(&plan->to, vf);

	to->queues = 0;
	to->bound.driver[0] = '\0';
	svff_copy(to->bound.override, sizeof(to->bound.override), plan_vfio(plan));
}

static bool queues_differ(struct svff_plan *plan, unsigned int count)
{
	unsigned int vf;

	for (vf = 1; vf <= count; vf++)
		if (picture_vf(&plan->now, vf)->queues != picture_vf(&plan->to, vf)->queues)
			return true;
	return false;
}

static int add_init_quotas(struct svff_plan *plan, unsigned int vfs, unsigned int queues)
{
	struct svff_step *step;

	if (!queues && !queues_differ(plan, plan->to.vfs))
		return 0;
	step = queues ? plan_add(plan, &step_quotas, 0, "give each of %u VFs %u queues", vfs, queues) :
			plan_add(plan, &step_quotas, 0, "give each of %u VFs its queues", vfs);
	if (!step)
		return -ENOMEM;
	step->first = 1;
	step->count = plan->to.vfs;
	return 0;
}

static int add_init(struct svff_plan *plan, unsigned int vfs, unsigned int queues, bool bind)
{
	unsigned int vf;
	int ret = plan_take_pictures(plan);

	if (ret)
		return ret;
	plan->to.vfs = vfs + plan->spare;
	for (vf = 1; vf <= plan->to.vfs; vf++) {
		if (vf > vfs) {
			paint_spare(plan, vf);
			continue;
		}
		paint_vf(plan, vf, queues);
		if (bind)
			paint_vfio(plan, picture_vf(&plan->to, vf));
	}
	ret = add_init_quotas(plan, vfs, queues);
	if (!ret && !plan->now.vfs)
		ret = add_count(plan, 0, plan->to.vfs, bind);
	if (!ret && bind)
		ret = add_all(plan, &step_bind_all, 1, vfs, "bind", " to VFIO");
	return ret;
}

/* VFs that have queues do not become spare ones: somebody may count on them. */
static int refuse_other_count(struct svff_plan *plan, unsigned int vfs)
{
	struct svff_card *card = plan->card;
	unsigned int spares = svff_card_spares(card);
	char and_spares[SVFF_WORD_LEN] = "", spare[SVFF_WORD_LEN] = "";

	if (!card->vfs || ((unsigned int)card->vfs == vfs + plan->spare && spares >= plan->spare))
		return 0;
	if (spares)
		snprintf(and_spares, sizeof(and_spares), " and %u spare ones", spares);
	if (spares || plan->spare)
		snprintf(spare, sizeof(spare), " --spare %u", plan->spare);
	return svff_fail(plan->ctx, -EBUSY,
			 "card %s has %u VFs%s already: 'svff reconf --card %s --vfs %u%s' changes their number",
			 card->address, svff_card_vfs(card), and_spares, card->address, vfs, spare);
}

/**
 * svff_plan_init() - plan to make VFs on a card that has none
 * @plan: an empty plan
 * @vfs: how many, beside spare ones
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
		ret = check_count(plan, vfs + plan->spare);
	if (ret)
		return ret;
	if (!vfs)
		return svff_fail(plan->ctx, -EINVAL, "init makes at least 1 VF; 'svff reconf --vfs 0' removes them");
	ret = refuse_other_count(plan, vfs);
	if (ret)
		return ret;
	if (bind)
		plan->command = "init";		/* autoprobe is off for a while */
	return add_init(plan, vfs, queues, bind);
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

static int refuse_spare(struct svff_plan *plan, unsigned int vf)
{
	if (vf <= svff_card_vfs(plan->card))
		return 0;
	return svff_fail(plan->ctx, -ENODEV, "VF %u of card %s is a spare one: 'svff reconf --card %s --vfs %u' first", vf,
			 plan->card->address, plan->card->address, vf);
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
	if (plan->bus[0] && guest->ops->chooses_port)
		return svff_fail(plan->ctx, -EOPNOTSUPP, "guest %s: libvirt chooses the port itself, leave out bus %s",
				 guest->uri, plan->bus);
	svff_guest_device_id(guest->uri, plan->card->address, vf, id);
	ret = add_guest_step(plan, &step_attach, vf, guest, id, plan->bus);
	return ret ? ret : plan_check_ports(plan);
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
		ret = refuse_spare(plan, vf);
	if (!ret)
		ret = refuse_if_owned(plan, vf);
	if (!ret)
		ret = refuse_if_held(plan, vf, bdf);
	if (!ret)
		ret = add_bind(plan, vf);
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
 * The plan is empty when the guest that had the VF has it no more.
 *
 * Return: 0, -ENOENT if no guest has the VF, -ENODEV if it does not exist, -EINVAL if it is another guest's,
 * or another negative errno.
 */
int svff_plan_detach(struct svff_plan *plan, unsigned int vf, const char *guest)
{
	bool noted = state_find(&plan->card->state, vf);
	const struct svff_owner *owner;
	char bdf[SVFF_BDF_LEN], *uri;
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
	ret = vf_need(plan->card, vf, bdf);
	if (ret)
		return ret;
	return svff_fail(plan->ctx, -ENOENT, "VF %u of card %s was given to no guest; if one has it, name it: 'svff detach "
			 "--card %s %u GUEST'", vf, plan->card->address, plan->card->address, vf);
}

/* ---- reconf ---- */

/* Would the guest of a VF lose it? One that is paused and whose VF does not exist loses nothing. */
static bool loses(struct svff_plan *plan, unsigned int vf, unsigned int vfs)
{
	const struct vf_picture *now = picture_vf(&plan->now, vf);

	if (vf <= vfs || !now->guest)
		return false;
	return now->use == VF_ATTACHED || vf <= plan->now.vfs;
}

static int refuse_lost_guests(struct svff_plan *plan, unsigned int vfs)
{
	unsigned int vf;

	for (vf = 1; vf <= plan->now.room; vf++) {
		if (!loses(plan, vf, vfs))
			continue;
		if (!plan->force)
			return svff_fail(plan->ctx, -EBUSY, "VF %u of card %s would not exist any more, but guest %s has it: detach "
					 "it first, or say --force", vf, plan->card->address,
					 picture_vf(&plan->now, vf)->guest);
		picture_set_guest(&plan->to, vf, NULL, NULL, NULL, VF_FREE);
	}
	return 0;
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

/* VFs that this host itself uses are refused, or go back to their driver. Unbound, that forgets its pause. */
static int check_host_vf(struct svff_plan *plan, unsigned int vf)
{
	char bdf[SVFF_BDF_LEN];
	int ret = vf_need(plan->card, vf, bdf);

	if (ret)
		return ret;
	if (picture_vf(&plan->now, vf)->use == VF_HOST_PAUSED && !plan->force)
		return svff_fail(plan->ctx, -EBUSY, "VF %u of card %s is paused for a driver of this host: 'svff unpause %u' "
				 "first, or say --force", vf, plan->card->address, vf);
	if (picture_vf(&plan->now, vf)->use == VF_HOST_PAUSED)
		picture_vf(&plan->to, vf)->use = VF_FREE;
	if (vfio_host_idle(plan->ctx, bdf) && !plan->force)
		return svff_fail(plan->ctx, -EBUSY, "VF %u: %s, or say --force", vf, svff_error(plan->ctx));
	return state_find(&plan->card->state, vf) ? 0 : refuse_if_held(plan, vf, bdf);
}

/* Each VF has a range of its own, so this is known before the first guest is disturbed. */
static int check_room(struct svff_plan *plan)
{
	unsigned long long have = plan->card->queues_free, need = 0;
	unsigned int vf;

	for (vf = 1; vf <= plan->now.vfs; vf++)
		have += picture_vf(&plan->now, vf)->queues;
	for (vf = 1; vf <= plan->to.vfs; vf++)
		need += picture_vf(&plan->to, vf)->queues;
	if (need <= have)
		return 0;
	return svff_fail(plan->ctx, -ENOSPC, "card %s has not enough queues for %u VFs: %llu are needed, %llu are there for "
			 "VFs; lower the VFs' queues (--queues, vf_queues_default)", plan->card->address, plan->to.vfs, need,
			 have);
}

static int paint_attach(struct svff_plan *plan, unsigned int vf, const char *name)
{
	struct vf_picture *to = picture_vf(&plan->to, vf);
	char id[SVFF_ID_LEN], *uri;
	int ret = svff_guest_uri(plan->ctx, name, &uri);

	if (ret)
		return ret;
	svff_guest_device_id(uri, plan->card->address, vf, id);
	if (picture_set_guest(&plan->to, vf, uri, id, plan->bus, VF_ATTACHED))
		ret = svff_fail(plan->ctx, -ENOMEM, "guest %s: out of memory", uri);
	free(uri);
	paint_vfio(plan, to);
	return ret;
}

static unsigned int spares(const struct picture *picture)
{
	unsigned int vf = picture->vfs;

	while (vf && is_spare(picture, vf))
		vf--;
	return picture->vfs - vf;
}

/* How many VFs there are to be in all: a card that has spare ones keeps its number while they will do. */
static unsigned int total_for(struct svff_plan *plan, unsigned int vfs)
{
	if (plan->spare_given)
		return vfs + plan->spare;
	return spares(&plan->now) && vfs && vfs <= plan->now.vfs ? plan->now.vfs : vfs;
}

static void paint_count(struct svff_plan *plan, unsigned int vfs)
{
	bool change = plan->to.vfs != plan->now.vfs;
	unsigned int vf;

	for (vf = 1; vf <= plan->to.vfs; vf++) {
		if (vf > vfs)
			paint_spare(plan, vf);
		else if (change || is_spare(&plan->now, vf))
			paint_vf(plan, vf, vf <= plan->now.vfs && !is_spare(&plan->now, vf) ? 0 : plan->queues);
	}
	if (!change && spares(&plan->now) != plan->to.vfs - vfs)
		plan->way = "spare";
}

static int check_leaving_vfs(struct svff_plan *plan, unsigned int vfs)
{
	unsigned int vf, first = plan->to.vfs == plan->now.vfs ? vfs + 1 : 1;
	int ret = 0;

	for (vf = first; !ret && vf <= plan->now.vfs; vf++)
		ret = check_host_vf(plan, vf);
	return ret;
}

static int paint_reconf(struct svff_plan *plan, unsigned int vfs, size_t count, const unsigned int *vf,
			const char *const *guest)
{
	size_t i;
	int ret = plan_take_pictures(plan);

	if (ret)
		return ret;
	plan->to.vfs = total_for(plan, vfs);
	ret = check_count(plan, plan->to.vfs);
	if (!ret)
		ret = check_attaches(plan, vfs, count, vf);
	if (ret)
		return ret;
	paint_count(plan, vfs);
	ret = check_leaving_vfs(plan, vfs);
	if (!ret)
		ret = refuse_lost_guests(plan, vfs);
	if (!ret)
		ret = check_room(plan);
	for (i = 0; !ret && i < count; i++)
		ret = paint_attach(plan, vf[i], guest[i]);
	return ret;
}

/**
 * svff_plan_reconf() - plan to change how many VFs a card has, while guests have some
 * @plan: an empty plan
 * @vfs: how many, beside spare ones; may be 0
 * @count: how many VFs are to be attached anew
 * @vf: their numbers
 * @guest: their guests
 *
 * Guests that have VFs keep them, or get the same VFs again; what is paused stays paused.
 *
 * Return: 0, -EBUSY if a guest or this host would lose a VF, -ERANGE if the card cannot have so many,
 * -EINVAL if a VF cannot be attached, -ENOSPC if there are too few queues, or another negative errno.
 */
int svff_plan_reconf(struct svff_plan *plan, unsigned int vfs, size_t count,
		     const unsigned int *vf, const char *const *guest)
{
	int ret = plan_begin(plan);

	if (!ret)
		ret = card_need_bound(plan->card);
	if (!ret)
		ret = check_count(plan, vfs);
	if (!ret)
		ret = paint_reconf(plan, vfs, count, vf, guest);
	plan->command = "reconf";
	return ret ? ret : plan_change(plan);
}
