// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which steps pause and unpause take: what the card is to be is painted, change.c finds the steps that lead
 * there.
 */
#include "priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The guest got the VF by other means than this tool: look for it there. */
static int find_owner(struct svff_plan *plan, unsigned int vf, const char *name)
{
	char bdf[SVFF_BDF_LEN], id[SVFF_ID_LEN], *uri;
	struct svff_guest *guest;
	int ret = vf_need(plan->card, vf, bdf);

	if (!ret)
		ret = svff_guest_uri(plan->ctx, name, &uri);
	if (ret)
		return ret;
	ret = plan_guest(plan, uri, &guest);
	if (!ret)
		ret = guest->ops->find(guest, bdf, id);
	if (ret == -ENOENT)
		svff_fail(plan->ctx, ret, "guest %s does not have VF %u (%s); 'svff status' tells who has what", uri, vf, bdf);
	if (!ret && state_set(&plan->card->state, vf, uri, id, ""))
		ret = svff_fail(plan->ctx, -ENOMEM, "guest %s: out of memory", uri);
	free(uri);
	/* If it is paused already no step will note it. */
	return ret || plan->dry_run ? ret : card_save_owners(plan->card);
}

static int paint_pause(struct svff_plan *plan, unsigned int vf)
{
	struct vf_picture *to;
	char bdf[SVFF_BDF_LEN];
	int ret;

	if (!vf || vf > plan->to.room)
		return vf_need(plan->card, vf, bdf);
	to = picture_vf(&plan->to, vf);
	if (to->use == VF_PAUSED || to->use == VF_HOST_PAUSED)
		return 0;
	ret = vf_need(plan->card, vf, bdf);
	if (ret)
		return ret;
	if (to->use == VF_ATTACHED)
		to->use = VF_PAUSED;
	else if (to->bound.driver[0] && !vfio_is_driver(to->bound.driver))
		to->use = VF_HOST_PAUSED;
	else
		return svff_fail(plan->ctx, -ENOENT, "VF %u of card %s was given to no guest; if one has it, name it: 'svff pause "
				 "--guest GUEST %u'", vf, plan->card->address, vf);
	return 0;
}

static int paint_unpause(struct svff_plan *plan, unsigned int vf)
{
	struct vf_picture *to;
	char bdf[SVFF_BDF_LEN];
	int ret = vf_need(plan->card, vf, bdf);

	if (ret)
		return ret;
	to = picture_vf(&plan->to, vf);
	if (to->use == VF_HOST_PAUSED)
		to->use = VF_FREE;
	if (to->use == VF_FREE && !to->guest && picture_vf(&plan->now, vf)->use == VF_FREE)
		return svff_fail(plan->ctx, -ENOENT, "VF %u of card %s is not paused: no guest has it", vf, plan->card->address);
	if (to->use != VF_PAUSED)
		return 0;
	to->use = VF_ATTACHED;
	if (!vfio_is_driver(to->bound.driver))
		svff_copy(to->bound.driver, sizeof(to->bound.driver), plan_vfio(plan));
	return 0;
}

static int plan_paint(struct svff_plan *plan, size_t count, const unsigned int *vf, const char *guest,
		      int (*paint)(struct svff_plan *plan, unsigned int vf))
{
	struct svff_owner *owner;
	size_t i;
	int ret = plan_begin(plan);

	if (!ret)
		ret = card_need_bound(plan->card);
	for (i = 0; !ret && i < count; i++) {
		owner = state_find(&plan->card->state, vf[i]);
		if (owner)
			owner->silent = false;	/* it has to answer */
		else if (guest)
			ret = find_owner(plan, vf[i], guest);
	}
	if (!ret)
		ret = plan_take_pictures(plan);
	for (i = 0; !ret && i < count; i++)
		ret = paint(plan, vf[i]);
	return ret ? ret : plan_change(plan);
}

/**
 * svff_plan_pause() - plan to pause VFs
 * @plan: an empty plan
 * @count: how many VFs
 * @vf: their numbers; those that are paused already are left alone
 * @guest: the guest that has them, NULL if svff gave them to their guests; a VF that a driver of this host
 *	has needs none
 *
 * Return: 0, -ENOENT if no guest has a VF, -EOPNOTSUPP if its QEMU cannot pause, or another negative errno.
 */
int svff_plan_pause(struct svff_plan *plan, size_t count, const unsigned int *vf, const char *guest)
{
	plan->command = "pause";
	return plan_paint(plan, count, vf, guest, paint_pause);
}

/**
 * svff_plan_unpause() - plan to put VFs back under the paused devices of their guests
 * @plan: an empty plan
 * @count: how many VFs
 * @vf: their numbers; those that are not paused are left alone
 *
 * Return: 0, -ENODEV if a VF does not exist, -ENOENT if nobody has it, or another negative errno.
 */
int svff_plan_unpause(struct svff_plan *plan, size_t count, const unsigned int *vf)
{
	plan->command = "unpause";
	return plan_paint(plan, count, vf, NULL, paint_unpause);
}
