// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Transactions: lists of steps, each of which knows how to be done and how to be taken back. How they are
 * carried out: run.c.
 */
#include "priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT_S	60

static const char *const result_names[] = {
	[SVFF_STEP_PENDING]     = "pending",
	[SVFF_STEP_DONE]        = "done",
	[SVFF_STEP_SKIPPED]     = "skipped",
	[SVFF_STEP_FAILED]      = "failed",
	[SVFF_STEP_UNDONE]      = "undone",
	[SVFF_STEP_UNDO_FAILED] = "undo failed",
};

/**
 * svff_plan_new() - make an empty plan
 * @card: what it is to change; has to live longer than the plan
 * @out: the plan
 *
 * Return: 0, or -ENOMEM.
 */
int svff_plan_new(struct svff_card *card, struct svff_plan **out)
{
	struct svff_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return svff_fail(card->ctx, -ENOMEM, "card %s: out of memory", card->address);
	plan->ctx = card->ctx;
	plan->card = card;
	plan->timeout_ms = TIMEOUT_DEFAULT_S * MSEC_PER_SEC;
	plan->lock_fd = -1;
	plan->journal_fd = -1;
	plan->way = "";
	*out = plan;
	return 0;
}

static void free_step(struct svff_step *step)
{
	free(step->found);
	free(step->quota);
	free(step->name);
	free(step->error);
	free(step);
}

/**
 * svff_plan_free() - drop a plan, and let others change the card
 * @plan: the plan, or NULL
 */
void svff_plan_free(struct svff_plan *plan)
{
	if (!plan)
		return;
	while (plan->count)
		free_step(plan->step[--plan->count]);
	while (plan->guests)
		svff_guest_close(plan->guest[--plan->guests]);
	if (plan->journal_fd >= 0)
		close(plan->journal_fd);
	state_unlock(&plan->lock_fd);
	picture_clear(&plan->now);
	picture_clear(&plan->to);
	free(plan->step);
	free(plan->guest);
	free(plan->by_pause);
	free(plan);
}

/**
 * svff_plan_set_progress() - say who hears of each step
 * @plan: the plan
 * @fn: called when a step begins (its result is "pending") and ends, and when it is taken back
 * @data: handed to @fn
 */
void svff_plan_set_progress(struct svff_plan *plan, svff_progress_fn fn, void *data)
{
	plan->progress = fn;
	plan->progress_data = data;
}

/**
 * svff_plan_set_timeout() - how long a guest may take for a step; 60 s if nothing is said
 * @plan: the plan
 * @seconds: the time
 */
void svff_plan_set_timeout(struct svff_plan *plan, unsigned int seconds)
{
	plan->timeout_ms = seconds * MSEC_PER_SEC;
}

/**
 * svff_plan_set_force() - take VFs also from those who will not get them back
 * @plan: the plan
 * @force: whether
 */
void svff_plan_set_force(struct svff_plan *plan, bool force)
{
	plan->force = force;
}

/**
 * svff_plan_set_dry_run() - make the plan only to look at it: takes no lock, cannot be run
 * @plan: the plan
 * @dry_run: whether
 */
void svff_plan_set_dry_run(struct svff_plan *plan, bool dry_run)
{
	plan->dry_run = dry_run;
}

/**
 * svff_plan_set_bus() - plug into this bus of the guest, not into the first free port
 * @plan: the plan
 * @bus: the guest's name of the bus
 */
void svff_plan_set_bus(struct svff_plan *plan, const char *bus)
{
	svff_copy(plan->bus, sizeof(plan->bus), bus);
}

/**
 * svff_plan_set_by_detach() - let guests unplug their VFs for the while, also those that could pause them
 * @plan: the plan
 * @by_detach: whether
 */
void svff_plan_set_by_detach(struct svff_plan *plan, bool by_detach)
{
	plan->by_detach = by_detach;
}

/**
 * plan_vfio() - which VFIO driver the plan's VFs are bound to when nobody says otherwise
 * @plan: the plan
 *
 * There may be 252, and modprobe's configuration is read for the answer.
 *
 * Return: as vfio_preferred().
 */
const char *plan_vfio(struct svff_plan *plan)
{
	if (!plan->vfio)
		plan->vfio = vfio_preferred(plan->ctx);
	return plan->vfio;
}

/**
 * svff_plan_set_discard_state() - put VFs back without what was kept of them in the pause
 * @plan: the plan
 * @discard: whether; then guests find their devices as after a reset
 *
 * The way out if QEMU could not keep all that a guest wrote, or if a device takes its state no more.
 */
void svff_plan_set_discard_state(struct svff_plan *plan, bool discard)
{
	plan->discard_state = discard;
}

/**
 * svff_plan_set_spare() - have spare VFs beside the others: without queues and driver, for a later reconf
 * @plan: the plan
 * @spare: how many
 */
void svff_plan_set_spare(struct svff_plan *plan, unsigned int spare)
{
	plan->spare = spare;
	plan->spare_given = true;
}

/**
 * svff_plan_set_queues() - queues for each VF that a reconf adds; the card's default if nothing is said
 * @plan: the plan
 * @queues: how many
 */
void svff_plan_set_queues(struct svff_plan *plan, unsigned int queues)
{
	plan->queues = queues;
}

/**
 * svff_plan_way() - how a plan goes about guests' VFs
 * @plan: the plan
 *
 * Return: "pause", "detach", "pause and detach"; "spare" if only spare VFs change; empty if no guest has one.
 */
const char *svff_plan_way(const struct svff_plan *plan)
{
	return plan->way;
}

static int refuse_unfinished(struct svff_plan *plan)
{
	const char *card = plan->card->address;

	if (plan->recovers || !journal_exists(plan->ctx, card))
		return 0;
	if (plan->dry_run && state_is_locked(plan->ctx, card))
		return svff_fail(plan->ctx, -EBUSY, "card %s: another svff is at work on it", card);
	return svff_fail(plan->ctx, -EUCLEAN, "card %s: an earlier svff did not come to its end: 'svff recover --card %s' "
			 "first", card, card);
}

/**
 * plan_begin() - lock the card and see how things are
 * @plan: the plan
 *
 * Return: 0, -EUCLEAN if a plan that was killed has to be recovered first, -EBUSY if another one is under way, or another negative errno.
 */
int plan_begin(struct svff_plan *plan)
{
	int ret = 0;

	if (!plan->dry_run)
		ret = state_lock(plan->ctx, plan->card->address, &plan->lock_fd);
	if (!ret)
		ret = refuse_unfinished(plan);
	if (!ret)
		ret = card_refresh(plan->card);
	if (!ret)
		ret = card_verify_owners(plan->card, !plan->dry_run);
	return ret;
}

/**
 * plan_add() - add a step at the end
 * @plan: the plan
 * @ops: what it does
 * @vf: VF that it is about, 0 if not one
 * @fmt: its name, for people
 *
 * Return: the step, or NULL if there is no memory.
 */
struct svff_step *plan_add(struct svff_plan *plan, const struct step_ops *ops, unsigned int vf,
			   const char *fmt, ...)
{
	struct svff_step **all, *step = calloc(1, sizeof(*step));
	va_list args;

	all = reallocarray(plan->step, plan->count + 1, sizeof(*all));
	if (all)
		plan->step = all;
	if (!all || !step) {
		free(step);
		svff_fail(plan->ctx, -ENOMEM, "card %s: out of memory", plan->card->address);
		return NULL;
	}
	va_start(args, fmt);
	if (vasprintf(&step->name, fmt, args) < 0)
		step->name = NULL;
	va_end(args);
	step->ops = ops;
	step->vf = vf;
	step->index = plan->count;
	plan->step[plan->count++] = step;
	return step;
}

/**
 * plan_guest() - connect to a guest for as long as the plan lives
 * @plan: the plan
 * @uri: name of the guest, in normal form
 * @guest: the guest; the plan closes it
 *
 * Return: 0, or a negative errno.
 */
int plan_guest(struct svff_plan *plan, const char *uri, struct svff_guest **guest)
{
	struct svff_guest **all;
	size_t i;
	int ret;

	for (i = 0; i < plan->guests; i++) {
		*guest = plan->guest[i];
		if (!strcmp((*guest)->uri, uri))
			return 0;
	}
	all = reallocarray(plan->guest, plan->guests + 1, sizeof(*all));
	if (!all)
		return svff_fail(plan->ctx, -ENOMEM, "guest %s: out of memory", uri);
	plan->guest = all;
	ret = svff_guest_open(plan->ctx, uri, PLAN_GUEST_TIMEOUT_MS, guest);
	if (!ret)
		plan->guest[plan->guests++] = *guest;
	return ret;
}

/**
 * svff_plan_count() - how many steps a plan has
 * @plan: the plan
 *
 * Return: the count.
 */
size_t svff_plan_count(const struct svff_plan *plan)
{
	return plan->count;
}

/**
 * svff_plan_step() - one step of a plan
 * @plan: the plan
 * @index: from 0
 *
 * Return: the step, NULL if there are not so many; it belongs to the plan.
 */
const struct svff_step *svff_plan_step(const struct svff_plan *plan, size_t index)
{
	return index < plan->count ? plan->step[index] : NULL;
}

/**
 * svff_step_index() - where a step is in its plan
 * @step: the step
 *
 * Return: from 0.
 */
size_t svff_step_index(const struct svff_step *step)
{
	return step->index;
}

/**
 * svff_step_name() - what a step does
 * @step: the step
 *
 * Return: a few words.
 */
const char *svff_step_name(const struct svff_step *step)
{
	return step->name ? step->name : "";
}

/**
 * svff_step_guest() - guest that a step is about
 * @step: the step
 *
 * Return: its URI, or NULL.
 */
const char *svff_step_guest(const struct svff_step *step)
{
	return step->guest ? step->guest->uri : NULL;
}

/**
 * svff_step_error() - why a step failed, was skipped or could not be taken back
 * @step: the step
 *
 * Return: one line, or NULL.
 */
const char *svff_step_error(const struct svff_step *step)
{
	return step->error;
}

/**
 * svff_step_vf() - VF that a step is about
 * @step: the step
 *
 * Return: its number, 0 if it is not about one VF.
 */
unsigned int svff_step_vf(const struct svff_step *step)
{
	return step->vf;
}

/**
 * svff_plan_time_us() - how long a plan took: less than its steps together if some went on at the same time
 * @plan: the plan
 *
 * Return: microseconds, 0 if it was not run.
 */
unsigned long long svff_plan_time_us(const struct svff_plan *plan)
{
	return plan->time_us;
}

/**
 * svff_step_begin_us() - when a step began
 * @plan: its plan
 * @step: the step
 *
 * Return: microseconds after the plan did, 0 if it was not reached.
 */
unsigned long long svff_step_begin_us(const struct svff_plan *plan, const struct svff_step *step)
{
	return step->begin_us ? step->begin_us - plan->begin_us : 0;
}

/**
 * svff_step_time_us() - how long a step took
 * @step: the step
 *
 * Return: microseconds, 0 if it was not reached.
 */
unsigned long long svff_step_time_us(const struct svff_step *step)
{
	return step->time_us;
}

/**
 * svff_step_result() - what became of a step
 * @step: the step
 *
 * Return: the result.
 */
enum svff_step_result svff_step_result(const struct svff_step *step)
{
	return step->result;
}

/**
 * svff_step_result_name() - name of a result
 * @result: the result
 *
 * Return: one or two words.
 */
const char *svff_step_result_name(enum svff_step_result result)
{
	return result_names[result];
}
