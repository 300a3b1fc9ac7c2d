// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which steps lead from one picture of a card (plan->now) to another (plan->to).
 *
 * To change the number of VFs all of them have to go for a moment:
 *
 *	guests that do not get their VF back unplug it, and so do those whose QEMU cannot pause
 *	VFs that nobody is to miss are released				| before the gap
 *	the other guests pause theirs					+
 *	VFs disabled; quotas; VFs enabled				| what guests notice
 *	each paused VF is bound, and unpaused at once			+
 *	the other VFs are bound, and plugged where they are to be	| after the gap
 *
 * Guests pause at the same time, and unpause while the VFs of others are bound: none waits for another.
 *
 * With the number unchanged each VF has its steps alone, and no other guest is touched.
 */
#include "priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct vf_picture *now_vf(struct svff_plan *plan, unsigned int vf)
{
	return picture_vf(&plan->now, vf);
}

static struct vf_picture *to_vf(struct svff_plan *plan, unsigned int vf)
{
	return picture_vf(&plan->to, vf);
}

static bool with_guest(const struct vf_picture *pic)
{
	return pic->use == VF_ATTACHED || pic->use == VF_PAUSED;
}

static struct svff_step *last_step(struct svff_plan *plan)
{
	return plan->step[plan->count - 1];
}

/**
 * add_count() - add the step that enables or disables VFs
 * @plan: the plan
 * @from: how many there are then
 * @to: how many there are to be; one of the two is 0
 * @vfio: they are for VFIO
 *
 * Return: 0, or -ENOMEM.
 */
int add_count(struct svff_plan *plan, unsigned int from, unsigned int to, bool vfio)
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

/**
 * add_all() - add a step about several VFs
 * @plan: the plan
 * @ops: what it does
 * @first: its first VF
 * @count: its last VF
 * @before: its name in front of the VFs
 * @after: and behind them
 *
 * Return: 0, or -ENOMEM.
 */
int add_all(struct svff_plan *plan, const struct step_ops *ops, unsigned int first, unsigned int count,
	    const char *before, const char *after)
{
	struct svff_step *step;

	step = first < count ? plan_add(plan, ops, 0, "%s VFs %u-%u%s", before, first, count, after) :
			       plan_add(plan, ops, 0, "%s VF %u%s", before, first, after);
	if (!step)
		return -ENOMEM;
	step->first = first;
	step->count = count;
	return 0;
}

/**
 * add_guest_step() - add a step about a VF and a guest
 * @plan: the plan
 * @ops: what it does
 * @vf: number of the VF
 * @guest: the guest
 * @id: its name of the device
 * @bus: port the device is behind, may be empty
 *
 * Return: 0, or -ENOMEM.
 */
int add_guest_step(struct svff_plan *plan, const struct step_ops *ops, unsigned int vf,
		   struct svff_guest *guest, const char *id, const char *bus)
{
	const char *what = ops == &step_attach ? "attach VF %u to %s" : ops == &step_detach ? "detach VF %u from %s" :
			   ops == &step_pause ? "pause VF %u of %s" : !plan->discard_state ? "unpause VF %u of %s" :
			   "unpause VF %u of %s without its state";
	struct svff_step *step = plan_add(plan, ops, vf, what, vf, guest->uri);

	if (!step)
		return -ENOMEM;
	step->guest = guest;
	step->together = ops->end;
	svff_copy(step->id, sizeof(step->id), id);
	svff_copy(step->bus, sizeof(step->bus), bus);
	return 0;
}

/**
 * add_bind() - add the step that gives a VF the driver that it is to have, VFIO if nothing is said
 * @plan: the plan
 * @vf: number of the VF
 *
 * Return: 0, or -ENOMEM.
 */
int add_bind(struct svff_plan *plan, unsigned int vf)
{
	const char *driver = plan->to.room ? to_vf(plan, vf)->bound.driver : NULL;

	if (!driver || vfio_is_driver(driver))
		return plan_add(plan, &step_bind, vf, "bind VF %u to VFIO", vf) ? 0 : -ENOMEM;
	return plan_add(plan, &step_bind, vf, "bind VF %u to %s", vf, driver[0] ? driver : "no driver") ? 0 : -ENOMEM;
}

static int add_for_guest(struct svff_plan *plan, const struct step_ops *ops, unsigned int vf,
			 const struct vf_picture *pic)
{
	struct svff_guest *guest;
	int ret = plan_guest(plan, pic->guest, &guest);

	if (!ret)
		ret = add_guest_step(plan, ops, vf, guest, pic->id, pic->bus);
	return ret;
}

static bool changes_count(const struct svff_plan *plan)
{
	return plan->now.vfs != plan->to.vfs;
}

/* ---- who pauses and who unplugs, while all VFs are away ---- */

static int choose_way(struct svff_plan *plan, unsigned int vf, unsigned int *pauses, unsigned int *unplugs)
{
	struct svff_guest *guest;
	int ret;

	if (now_vf(plan, vf)->use == VF_PAUSED && to_vf(plan, vf)->use == VF_ATTACHED)
		plan->by_pause[vf - 1] = true;
	if (now_vf(plan, vf)->use != VF_ATTACHED || !with_guest(to_vf(plan, vf)))
		return 0;
	ret = plan_guest(plan, now_vf(plan, vf)->guest, &guest);
	if (!ret)
		ret = guest_can_pause(guest);
	if (ret < 0)
		return ret;
	plan->by_pause[vf - 1] = ret && !plan->by_detach;
	if (plan->by_pause[vf - 1])
		(*pauses)++;
	else
		(*unplugs)++;
	return 0;
}

static int choose_ways(struct svff_plan *plan)
{
	unsigned int vf, pauses = 0, unplugs = 0;
	int ret = 0;

	plan->by_pause = calloc(plan->now.room + 1, sizeof(*plan->by_pause));
	if (!plan->by_pause)
		return svff_fail(plan->ctx, -ENOMEM, "card %s: out of memory", plan->card->address);
	for (vf = 1; !ret && changes_count(plan) && vf <= plan->now.room; vf++)
		ret = choose_way(plan, vf, &pauses, &unplugs);
	if (pauses || unplugs)
		plan->way = !unplugs ? "pause" : pauses ? "pause and detach" : "detach";
	return ret;
}

static bool is_by_pause(struct svff_plan *plan, unsigned int vf)
{
	return plan->by_pause[vf - 1];
}

/* ---- the number of VFs changes ---- */

static int add_leaving(struct svff_plan *plan)
{
	unsigned int vf;
	int ret = 0;

	for (vf = 1; !ret && vf <= plan->now.room; vf++) {
		if (!with_guest(now_vf(plan, vf)))
			continue;
		if (with_guest(to_vf(plan, vf)) && (!changes_count(plan) || is_by_pause(plan, vf) ||
						    now_vf(plan, vf)->use == VF_PAUSED))
			continue;
		ret = add_for_guest(plan, &step_detach, vf, now_vf(plan, vf));
	}
	return ret;
}

static int add_pauses(struct svff_plan *plan)
{
	unsigned int vf;
	int ret = 0;

	for (vf = 1; !ret && vf <= plan->now.vfs; vf++) {
		if (!is_by_pause(plan, vf) || now_vf(plan, vf)->use != VF_ATTACHED)
			continue;
		ret = add_for_guest(plan, &step_pause, vf, now_vf(plan, vf));
		if (ret)
			break;
		last_step(plan)->guest_may_go = true;
	}
	return ret;
}

/* All VFs in one step, but for those that have steps of their own. */
static int add_others(struct svff_plan *plan, const struct step_ops *ops, unsigned int count, const char *verb,
		      const char *after)
{
	unsigned int vf, others = 0;
	struct svff_step *step;

	for (vf = 1; vf <= count; vf++)
		others += !is_by_pause(plan, vf);
	if (others == count)
		return count ? add_all(plan, ops, 1, count, verb, after) : 0;
	if (!others)
		return 0;
	step = plan_add(plan, ops, 0, others > 1 ? "%s the %u VFs that were not paused%s" : "%s the %u VF that was not "
			"paused%s", verb, others, after);
	if (!step)
		return -ENOMEM;
	step->first = 1;
	step->count = count;
	step->not_paused = true;
	return 0;
}

/* A VF that is made anew gets the default, which may have changed since it was made. */
static int add_quotas_again(struct svff_plan *plan)
{
	unsigned int vf, queues;
	bool needed = false;

	for (vf = 1; vf <= plan->to.vfs; vf++) {
		queues = to_vf(plan, vf)->queues;
		if (queues != now_vf(plan, vf)->queues || queues != (unsigned int)plan->card->vf_queues_default)
			needed = true;
	}
	return needed ? add_all(plan, &step_quotas, 1, plan->to.vfs, "queues of", "") : 0;
}

static int add_unpauses_at_once(struct svff_plan *plan)
{
	unsigned int vf;
	int ret = 0;

	for (vf = 1; !ret && vf <= plan->to.vfs; vf++) {
		if (!is_by_pause(plan, vf))
			continue;
		ret = add_bind(plan, vf);
		if (ret)
			break;
		last_step(plan)->together = true;
		if (to_vf(plan, vf)->use != VF_ATTACHED)
			continue;
		ret = add_for_guest(plan, &step_unpause, vf, now_vf(plan, vf));
		if (!ret)
			last_step(plan)->guest_may_go = true;
	}
	return ret;
}

static int add_new_count(struct svff_plan *plan)
{
	unsigned int old = plan->now.vfs, new = plan->to.vfs;
	int ret = add_others(plan, &step_release_all, old, "release", "");

	if (!ret)
		ret = add_pauses(plan);
	if (!ret && old)
		ret = add_count(plan, old, 0, true);
	if (!ret)
		ret = add_quotas_again(plan);
	if (!ret && new)
		ret = add_count(plan, 0, new, true);
	if (!ret)
		ret = add_unpauses_at_once(plan);
	return ret ? ret : add_others(plan, &step_bind_all, new, "bind", " to VFIO");
}

/* ---- the number stays ---- */

/* VF becomes a spare one, or a spare one becomes a VF. */
static int add_new_queues(struct svff_plan *plan, unsigned int vf)
{
	unsigned int old = now_vf(plan, vf)->queues, new = to_vf(plan, vf)->queues;
	struct svff_step *step;
	int ret = 0;

	if (old == new)
		return 0;
	if (!new)
		ret = add_all(plan, &step_release_all, vf, vf, "release", "");
	if (ret)
		return ret;
	step = new ? plan_add(plan, &step_quotas, vf, "give VF %u %u queues", vf, new) :
		     plan_add(plan, &step_quotas, vf, "make VF %u a spare one", vf);
	if (!step)
		return -ENOMEM;
	step->first = vf;
	step->count = vf;
	return 0;
}

static int add_same_count(struct svff_plan *plan, unsigned int vf)
{
	const struct vf_picture *now = now_vf(plan, vf), *to = to_vf(plan, vf);
	int ret = add_new_queues(plan, vf);

	if (!ret && now->use == VF_ATTACHED && to->use == VF_PAUSED)
		ret = add_for_guest(plan, &step_pause, vf, now);
	if (!ret && now->use != VF_HOST_PAUSED && to->use == VF_HOST_PAUSED)
		ret = plan_add(plan, &step_host_pause, vf, "pause VF %u of this host", vf) ? 0 : -ENOMEM;
	if (!ret && now->use == VF_HOST_PAUSED && to->use != VF_HOST_PAUSED)
		ret = plan_add(plan, &step_host_unpause, vf, "unpause VF %u of this host", vf) ? 0 : -ENOMEM;
	if (!ret && vf <= plan->to.vfs && strcmp(now->bound.driver, to->bound.driver))
		ret = add_bind(plan, vf);
	return ret;
}

/* ---- guests get what they are to have: first what comes behind a port that is known, lest others take it ---- */

static int add_returning(struct svff_plan *plan, unsigned int vf, bool knows_port)
{
	const struct vf_picture *now = now_vf(plan, vf), *to = to_vf(plan, vf);
	const struct step_ops *ops = NULL;
	int ret;

	if (to->use != VF_ATTACHED || is_by_pause(plan, vf) || !to->bus[0] == knows_port)
		return 0;
	if (now->use == VF_PAUSED)
		ops = &step_unpause;
	else if (now->use == VF_FREE || changes_count(plan))
		ops = &step_attach;
	if (!ops)
		return 0;
	ret = add_for_guest(plan, ops, vf, to);
	if (!ret)
		last_step(plan)->guest_may_go = with_guest(now);
	return ret;
}

/* A device that leaves makes room for one that comes. One that is to be behind a port of its own takes no other. */
static int check_guest_ports(struct svff_plan *plan, struct svff_guest *guest)
{
	unsigned int need = 0, own = 0, freed = 0;
	struct svff_guest_ports ports;
	struct svff_step *step;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		step = plan->step[i];
		if (step->guest != guest)
			continue;
		freed += step->ops == &step_detach;
		need += step->ops == &step_attach && !step->bus[0];
		own += step->ops == &step_attach && step->bus[0];
	}
	freed = freed > own ? freed - own : 0;
	return need > freed ? guest_need_ports(guest, need, freed, &ports) : 0;
}

/**
 * plan_check_ports() - will each guest have the hot-plug ports for what it is to get?
 * @plan: the plan
 *
 * Return: 0, -ENOSPC if not, or another negative errno.
 */
int plan_check_ports(struct svff_plan *plan)
{
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < plan->guests; i++)
		ret = check_guest_ports(plan, plan->guest[i]);
	return ret;
}

/**
 * plan_change() - add the steps that lead from plan->now to plan->to
 * @plan: the plan
 *
 * Return: 0, or a negative errno.
 */
int plan_change(struct svff_plan *plan)
{
	unsigned int vf;
	int ret = choose_ways(plan);

	if (!ret)
		ret = add_leaving(plan);
	if (!ret && changes_count(plan))
		ret = add_new_count(plan);
	for (vf = 1; !ret && !changes_count(plan) && vf <= plan->to.room; vf++)
		ret = add_same_count(plan, vf);
	for (vf = 1; !ret && vf <= plan->to.room; vf++)
		ret = add_returning(plan, vf, true);
	for (vf = 1; !ret && vf <= plan->to.room; vf++)
		ret = add_returning(plan, vf, false);
	/* What fails in a recovery does not stop the rest. */
	return ret || plan->recovers ? ret : plan_check_ports(plan);
}
