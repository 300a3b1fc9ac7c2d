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
 */
#include "priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int apply_step(struct svff_plan *plan, struct svff_step *step)
{
	uint64_t begin = svff_now_us();
	int ret;

	if (svff_cancelled(plan->ctx))
		ret = svff_fail(plan->ctx, -EINTR, "interrupted before step '%s'", step->name);
	else
		ret = journal_step(plan, step, false);
	if (!ret)
		ret = step->ops->apply(plan, step);
	step->time_us = svff_now_us() - begin;
	if (ret)
		keep_error(plan, step);
	if (ret == STEP_SKIP)
		svff_log(plan->ctx, SVFF_LOG_NOTICE, "step '%s' was skipped: %s", step->name, plan->ctx->error);
	if (ret < 0)
		step->result = SVFF_STEP_FAILED;
	else
		step->result = ret == STEP_SKIP ? SVFF_STEP_SKIPPED : SVFF_STEP_DONE;
	return ret < 0 ? ret : 0;
}

static bool undo_step(struct svff_plan *plan, struct svff_step *step)
{
	int ret;

	if (journal_step(plan, step, true))	/* recovery will look for itself, so this stops nothing */
		svff_log(plan->ctx, SVFF_LOG_WARNING, "%s", plan->ctx->error);
	ret = step->ops->undo(plan, step);
	if (ret)
		keep_error(plan, step);
	step->result = ret ? SVFF_STEP_UNDO_FAILED : SVFF_STEP_UNDONE;
	return !ret;
}

/* Return: true if all is as before. */
static bool roll_back(struct svff_plan *plan, size_t failed)
{
	struct svff_step *step;
	char why[SVFF_ERROR_LEN];
	size_t i, undone = 0, stuck = 0;

	svff_copy(why, sizeof(why), plan->ctx->error);
	plan->ctx->shielded = true;
	for (i = failed; i-- > 0;) {
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
	plan->ctx->shielded = false;
	if (stuck)
		svff_fail(plan->ctx, 0, "%s (rolled back, but for %zu of %zu steps: see 'svff status'%s)", why, stuck,
			  stuck + undone, plan->journal_fd >= 0 ? "; 'svff recover' tries again" : "");
	else
		svff_fail(plan->ctx, 0, "%s%s", why, undone ? " (rolled back, all is as before)" : "");
	return !stuck;
}

static int run_step(struct svff_plan *plan, struct svff_step *step)
{
	int ret;

	tell(plan, step, false);
	ret = apply_step(plan, step);
	tell(plan, step, false);
	return ret;
}

/* Each step brings one thing nearer to what it is to be, so none is left out because another failed. */
static int run_all(struct svff_plan *plan)
{
	char why[SVFF_ERROR_LEN];
	size_t i, failed = 0;
	int ret, first = 0;

	for (i = 0; i < plan->count; i++) {
		ret = run_step(plan, plan->step[i]);
		if (!ret)
			continue;
		if (!failed++) {
			first = ret;
			svff_copy(why, sizeof(why), plan->ctx->error);
		}
	}
	if (!failed)
		journal_end(plan);
	return failed ? svff_fail(plan->ctx, first, "%s (%zu of %zu steps failed; recover again when that is mended)", why,
				  failed, plan->count) : 0;
}

static int run_or_undo(struct svff_plan *plan)
{
	bool clean = true;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < plan->count; i++)
		ret = run_step(plan, plan->step[i]);
	if (ret)
		clean = roll_back(plan, i - 1);
	if (clean)
		journal_end(plan);
	return ret;
}

/**
 * svff_plan_run() - carry out a plan, or leave everything as it was
 * @plan: the plan
 *
 * Return: 0, -EINTR if svff_cancel() was called, or the error of the step that failed.
 */
int svff_plan_run(struct svff_plan *plan)
{
	int ret = 0;

	if (plan->dry_run)
		return svff_fail(plan->ctx, -EINVAL, "a plan made to be looked at cannot be run");
	if (plan->command && (plan->count || plan->recovers))
		ret = journal_begin(plan);
	if (ret)
		return ret;
	ret = plan->recovers ? run_all(plan) : run_or_undo(plan);
	card_refresh(plan->card);
	return ret;
}
