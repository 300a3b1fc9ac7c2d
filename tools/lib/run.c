// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How a plan is carried out.
 *
 *	plan, nothing changed --run--> step 1 ... step n done
 *	                                 |
 *	                                 | a step fails, or the user gives up
 *	                                 v
 *	                               undo of the steps that were done, last one first
 *
 * A step that fails has put back what it had changed itself. An undo that fails does not stop the
 * others: each brings one thing nearer to what it was. The engine knows nothing of what steps do.
 *
 * A step begins when those before it have ended. Steps that only wait for a guest's answer
 * (step_ops.end) let others begin that may go on beside them (svff_step.together), one for each guest:
 *
 *	guest a  ====pause 1====  ===pause 2===
 *	guest b  ===pause 3===
 *	                                         disable ...
 *
 * No more than this host has processors are under way: what guests wait for is mostly work of their QEMUs, and
 * more at a time would only make each wait for all.
 *
 * When one fails no other begins, and those under way are waited for: what they have done is known then,
 * and is taken back too. Each wait has the bound that its step has given it. What a guest was asked for and did
 * not answer in time it may still do: the journal stays then, and a recovery takes it back.
 */
#include "priv.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_SLICE_MS	100	/* how soon is seen that a guest has not answered in time */
#define ROOM_MIN	2	/* one that is slow does not keep all others waiting */

/* A run so far. */
struct run {
	struct svff_plan *plan;
	size_t room;			/* how many steps may be under way */
	size_t under_way, failed;
	const char *late;		/* a guest that was asked and has not answered */
	const char *unplugs;		/* a guest that may yet unplug what it was asked to */
	int err;			/* the first, and its text */
	char why[SVFF_ERROR_LEN];
};

static void tell(struct svff_plan *plan, struct svff_step *step, bool undo)
{
	if (plan->progress)
		plan->progress(plan->progress_data, plan, step, undo);
}

static void keep_error(struct svff_plan *plan, struct svff_step *step)
{
	free(step->error);
	step->error = strdup(plan->ctx->error);
}

/* ---- there ---- */

/* What a step has come to; it goes on if its guest has not answered. */
static void take_result(struct run *run, struct svff_step *step, int ret)
{
	struct svff_plan *plan = run->plan;
	bool goes_on = ret == STEP_BEGUN;

	if ((step->begun && ret == -ETIMEDOUT) || (step->unknown && plan->journal_fd >= 0))
		run->late = step->guest->uri;
	if (step->unplug_asked)
		run->unplugs = step->guest->uri;
	if (goes_on != step->begun) {
		step->begun = step->guest->busy = goes_on;
		run->under_way += goes_on ? 1 : -1;
	}
	if (goes_on)
		return;
	step->time_us = svff_now_us() - step->begin_us;
	step->result = ret < 0 ? SVFF_STEP_FAILED : ret == STEP_SKIP ? SVFF_STEP_SKIPPED : SVFF_STEP_DONE;
	if (ret)
		keep_error(plan, step);
	if (ret == STEP_SKIP)
		svff_log(plan->ctx, SVFF_LOG_NOTICE, "step '%s' was skipped: %s", step->name, plan->ctx->error);
	if (ret < 0 && !run->failed++) {
		run->err = ret;
		svff_copy(run->why, sizeof(run->why), plan->ctx->error);
	}
	tell(plan, step, false);
}

/**
 * step_shielded() - do what is not to stop half-way, also for those who have been interrupted
 * @plan: the plan
 * @step: the step that it belongs to
 * @fn: what to do
 *
 * Return: what @fn returns.
 */
int step_shielded(struct svff_plan *plan, struct svff_step *step,
		  int (*fn)(struct svff_plan *plan, struct svff_step *step))
{
	bool before = plan->ctx->shielded;
	int ret;

	plan->ctx->shielded = true;
	ret = fn(plan, step);
	plan->ctx->shielded = before;
	return ret;
}

/* A guest that has been asked is listened to. */
static int apply_step(struct svff_plan *plan, struct svff_step *step)
{
	return step->ops->end ? step_shielded(plan, step, step->ops->apply) : step->ops->apply(plan, step);
}

static void begin_step(struct run *run, struct svff_step *step)
{
	struct svff_plan *plan = run->plan;
	int ret;

	tell(plan, step, false);
	step->begin_us = svff_now_us();
	if (svff_cancelled(plan->ctx))
		ret = svff_fail(plan->ctx, -EINTR, "interrupted before step '%s'", step->name);
	else
		ret = journal_step(plan, step, false);
	if (!ret)
		ret = apply_step(plan, step);
	take_result(run, step, ret);
}

static bool can_begin(const struct run *run, const struct svff_step *step)
{
	return !step->begun && !(step->guest && step->guest->busy) && !(step->ops->end && run->under_way >= run->room);
}

/* The next that may begin; NULL if there is none, or none before others have ended. */
static struct svff_step *next_step(const struct run *run)
{
	struct svff_plan *plan = run->plan;
	bool alone = true;
	size_t i;

	if (run->failed && !plan->recovers)
		return NULL;
	for (i = 0; i < plan->count; i++) {
		struct svff_step *step = plan->step[i];

		if (step->result != SVFF_STEP_PENDING)
			continue;
		if (!step->begun && !alone && !step->together)
			return NULL;
		if (can_begin(run, step))
			return step;
		alone = false;
	}
	return NULL;
}

/* Ends the steps whose guests have answered. */
static void end_steps(struct run *run)
{
	struct svff_plan *plan = run->plan;
	size_t i;

	for (i = 0; i < plan->count; i++)
		if (plan->step[i]->begun)
			take_result(run, plan->step[i], step_shielded(plan, plan->step[i], plan->step[i]->ops->end));
}

static void wait_for_guests(struct svff_plan *plan)
{
	struct pollfd *fds = calloc(plan->guests, sizeof(*fds));
	size_t i;

	for (i = 0; fds && i < plan->guests; i++) {
		fds[i].fd = plan->guest[i]->busy ? plan->guest[i]->ops->answer_fd(plan->guest[i]) : -1;
		fds[i].events = POLLIN;
	}
	if (fds)
		poll(fds, plan->guests, WAIT_SLICE_MS);
	free(fds);
}

static int run_steps(struct run *run)
{
	struct svff_step *step;

	while ((step = next_step(run)) || run->under_way) {
		if (step)
			begin_step(run, step);
		else
			wait_for_guests(run->plan);
		end_steps(run);
	}
	return run->failed ? svff_fail(run->plan->ctx, run->err, "%s", run->why) : 0;
}

/* ---- and back ---- */

static bool undo_step(struct svff_plan *plan, struct svff_step *step)
{
	int ret;

	if (journal_step(plan, step, true))	/* recovery will look for itself, so this stops nothing */
		svff_log(plan->ctx, SVFF_LOG_WARNING, "%s", plan->ctx->error);
	ret = step_shielded(plan, step, step->ops->undo);
	if (ret)
		keep_error(plan, step);
	step->result = ret ? SVFF_STEP_UNDO_FAILED : SVFF_STEP_UNDONE;
	return !ret;
}

static void tell_rolled_back(struct run *run, size_t undone, size_t stuck)
{
	struct svff_plan *plan = run->plan;
	const char *again = plan->journal_fd >= 0 ? "; 'svff recover' tries again" : "";

	if (stuck)
		svff_fail(plan->ctx, 0, "%s (rolled back, but for %zu of %zu steps: see 'svff status'%s)", run->why, stuck,
			  stuck + undone, again);
	else if (run->late)
		svff_fail(plan->ctx, 0, "%s (%sguest %s may still do it: 'svff recover' when it answers)", run->why,
			  undone ? "rolled back, but " : "", run->late);
	else if (run->unplugs && undone)
		svff_fail(plan->ctx, 0, "%s (rolled back; if guest %s does release it, 'svff attach' gives it back)", run->why,
			  run->unplugs);
	else if (plan->discard_state && undone)
		svff_fail(plan->ctx, 0, "%s (rolled back; a guest that had its VF back meanwhile will find it as after a reset)",
			  run->why);
	else
		svff_fail(plan->ctx, 0, "%s%s", run->why, undone ? " (rolled back, all is as before)" : "");
}

/* Return: true if all is as before. */
static bool roll_back(struct run *run)
{
	struct svff_plan *plan = run->plan;
	struct svff_step *step;
	size_t i, undone = 0, stuck = 0;

	for (i = plan->count; i-- > 0;) {
		step = plan->step[i];
		if (step->result != SVFF_STEP_DONE)
			continue;
		tell(plan, step, true);
		if (undo_step(plan, step))
			undone++;
		else
			stuck++;
		if (step->result == SVFF_STEP_UNDO_FAILED)
			svff_log(plan->ctx, SVFF_LOG_WARNING, "step '%s' cannot be taken back: %s", step->name,
				 step->error ? step->error : "out of memory");
		tell(plan, step, true);
	}
	tell_rolled_back(run, undone, stuck);
	return !stuck && !run->late;
}

/* Each step brings one thing nearer to what it is to be, so none is left out because another failed. */
static int run_all(struct run *run)
{
	struct svff_plan *plan = run->plan;
	int ret = run_steps(run);

	if (!ret && plan->left_out)
		return svff_fail(plan->ctx, -ETIMEDOUT, "guest %s does not answer: recover again when it does", plan->left_out);
	if (!ret)
		journal_end(plan);
	return ret ? svff_fail(plan->ctx, ret, "%s (%zu of %zu steps failed; recover again when that is mended)", run->why,
			       run->failed, plan->count) : 0;
}

static int run_or_undo(struct run *run)
{
	int ret = run_steps(run);

	if (!ret || roll_back(run))
		journal_end(run->plan);
	return ret;
}

/*
 * The way out for a guest that does not take what was kept of its VF, if that is still paused: as one that an
 * unpause was for is after it failed, and of others one that could not be put back.
 */
static void tell_of_discard(struct svff_plan *plan)
{
	bool own = !strcmp(plan->command, "unpause"), unfinished = plan->journal_fd >= 0;
	char number[SVFF_WORD_LEN] = "";

	if (!own && !unfinished)
		return;
	if (own)
		snprintf(number, sizeof(number), " %u", plan->refused_vf);
	svff_fail(plan->ctx, 0, "%s; %s'svff %s --discard-state --card %s%s' lets the guest go on without its state, as after a "
		  "reset", svff_error(plan->ctx), own && unfinished ? "after 'svff recover', " : "",
		  own ? "unpause" : "recover", plan->card->address, number);
}

/**
 * svff_plan_run() - carry out a plan, or leave everything as it was
 * @plan: the plan
 *
 * Return: 0, -EINTR if svff_cancel() was called, or the error of the first step that failed.
 */
int svff_plan_run(struct svff_plan *plan)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct run run = { .plan = plan, .room = processors > ROOM_MIN ? processors : ROOM_MIN };
	int ret = 0;

	if (plan->dry_run)
		return svff_fail(plan->ctx, -EINVAL, "a plan made to be looked at cannot be run");
	plan->begin_us = svff_now_us();
	if (plan->command && (plan->count || plan->recovers))
		ret = journal_begin(plan);
	if (ret)
		return ret;
	ret = plan->recovers ? run_all(&run) : run_or_undo(&run);
	plan->time_us = svff_now_us() - plan->begin_us;
	if (ret && plan->refused_vf)
		tell_of_discard(plan);
	card_refresh(plan->card);
	return ret;
}
