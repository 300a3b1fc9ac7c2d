// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * After a command was killed: how the card is now is compared with the two pictures in the journal, and
 * change.c finds the steps that lead to one of them, wherever between its steps, or within one, the command
 * had come to. What had got as far as the new number of VFs is finished, all else is taken back.
 */
#include "priv.h"

#include <errno.h>
#include <string.h>

/* The kernel's switch that a plan had moved for a while. */
static int apply_autoprobe(struct svff_plan *plan, struct svff_step *step)
{
	const char *card = plan->card->address;
	int ret = sysfs_write(plan->ctx, "1", "bus/pci/devices/%s/sriov_drivers_autoprobe", card);

	(void)step;
	return ret ? svff_fail(plan->ctx, ret, "card %s: autoprobe cannot be restored: %s", card, strerror(-ret)) : 0;
}

static int undo_nothing(struct svff_plan *plan, struct svff_step *step)
{
	(void)plan;
	(void)step;
	return 0;
}

static const struct step_ops step_autoprobe = { apply_autoprobe, undo_nothing, NULL };

/* Whoever may have a VF: the note, and those that the killed plan had in mind. Who is gone is dropped. */
static int find_owners(struct svff_plan *plan, const struct journal *journal)
{
	struct svff_card *card = plan->card;
	const struct vf_picture *pic;
	unsigned int i, vf;
	int ret = state_load(plan->ctx, card->address, &card->state);

	for (i = 0; !ret && i < 2 * journal->old.room; i++) {
		vf = i / 2 + 1;
		pic = picture_vf(i % 2 ? &journal->new : &journal->old, vf);
		if (pic->guest && !state_find(&card->state, vf) &&
		    state_set(&card->state, vf, pic->guest, pic->id, pic->bus))
			ret = svff_fail(plan->ctx, -ENOMEM, "card %s: out of memory", card->address);
	}
	if (!ret)
		ret = card_drop_gone_owners(card, false);
	return ret || plan->dry_run ? ret : card_save_owners(card);
}

static bool goes_back(struct svff_plan *plan, const struct journal *journal, enum svff_direction direction)
{
	if (direction != SVFF_AUTO)
		return direction == SVFF_BACK;
	return journal->undo || journal->old.vfs == journal->new.vfs || plan->now.vfs != journal->new.vfs;
}

/* A guest that has ended meanwhile gets nothing; what it does not have any more cannot be left paused. */
static int drop_ended(struct svff_plan *plan)
{
	struct svff_guest *guest;
	struct vf_picture *to;
	unsigned int vf;
	int ret = 0;

	for (vf = 1; !ret && vf <= plan->to.room; vf++) {
		to = picture_vf(&plan->to, vf);
		if (!to->guest || picture_vf(&plan->now, vf)->guest)
			continue;
		ret = to->use == VF_PAUSED ? -ENOTCONN : plan_guest(plan, to->guest, &guest);
		if (ret == -ENOTCONN)
			ret = picture_set_guest(&plan->to, vf, NULL, NULL, NULL, VF_FREE);
	}
	return ret;
}

/* Was anything of a VF's guest to change? With another number of VFs each guest's VF makes way for a while. */
static bool was_asked(const struct journal *journal, unsigned int vf)
{
	return journal->old.vfs != journal->new.vfs ||
	       picture_vf(&journal->old, vf)->use != picture_vf(&journal->new, vf)->use;
}

/*
 * What a silent guest has of its VF stays; the journal stays too, for when it answers: it may yet do what it was told,
 * if it was.
 */
static int leave_silent(struct svff_plan *plan, const struct journal *journal)
{
	const struct vf_picture *now, *to;
	unsigned int vf;
	int ret = 0;

	for (vf = 1; !ret && vf <= plan->now.room; vf++) {
		now = picture_vf(&plan->now, vf);
		to = picture_vf(&plan->to, vf);
		if (!now->silent)
			continue;
		if (was_asked(journal, vf))
			plan->left_out = now->guest;
		if (to->guest && to->use == now->use)
			continue;
		svff_log(plan->ctx, SVFF_LOG_WARNING, "guest %s does not answer: VF %u is left to it as it is", now->guest,
			 vf);
		ret = picture_set_guest(&plan->to, vf, now->guest, now->id, now->bus, now->use);
	}
	return ret;
}

/* A group that a guest was given for an unpause that did not come would stay open. */
static void drop_groups(struct svff_plan *plan)
{
	const struct vf_picture *now;
	struct svff_guest *guest;
	char bdf[SVFF_BDF_LEN];
	unsigned int vf;

	for (vf = 1; vf <= plan->now.vfs; vf++) {
		now = picture_vf(&plan->now, vf);
		if (now->use != VF_PAUSED || now->silent || vf_address(plan->card, vf, bdf))
			continue;
		if (plan_guest(plan, now->guest, &guest) || guest_drop_group(guest, sysfs_iommu_group(plan->ctx, bdf)))
			svff_log(plan->ctx, SVFF_LOG_WARNING, "VF %u may stay open: %s", vf, plan->ctx->error);
	}
}

static int plan_from(struct svff_plan *plan, const struct journal *journal, enum svff_direction direction)
{
	bool back;
	int ret = find_owners(plan, journal);

	if (!ret)
		ret = picture_take(plan, &plan->now);
	if (ret)
		return ret;
	if (!plan->dry_run)
		drop_groups(plan);
	back = goes_back(plan, journal, direction);
	if (plan->now.room != journal->old.room)
		return svff_fail(plan->ctx, -EUCLEAN, "card %s can have %u VFs now, and %u when svff was killed: 'svff recover "
				 "--forget'", plan->card->address, plan->now.room, journal->old.room);
	if (picture_copy(&plan->to, back ? &journal->old : &journal->new))
		return svff_fail(plan->ctx, -ENOMEM, "card %s: out of memory", plan->card->address);
	svff_log(plan->ctx, SVFF_LOG_NOTICE, "'svff %s' of process %u did not end%s%s%s: %s, %u VFs", journal->command,
		 journal->pid, journal->step[0] ? "; its last step was '" : "", journal->step,
		 journal->step[0] ? "'" : "", back ? "going back to how it was" : "finishing it", plan->to.vfs);
	ret = drop_ended(plan);
	if (!ret)
		ret = leave_silent(plan, journal);
	if (!ret && plan->to.autoprobe > plan->now.autoprobe && !plan_add(plan, &step_autoprobe, 0, "restore autoprobe"))
		ret = -ENOMEM;
	return ret ? ret : plan_change(plan);
}

/**
 * svff_plan_recover() - plan to bring a card into order after a command was killed, or could not take all back
 * @plan: an empty plan; what fails in it does not stop the rest
 * @direction: to how it was before the command, to what the command was to bring about, or to what is nearer
 *
 * The plan is empty, and its command too (svff_plan_is_needed()), when there is nothing to recover.
 *
 * Return: 0, or a negative errno.
 */
int svff_plan_recover(struct svff_plan *plan, enum svff_direction direction)
{
	struct journal journal;
	int ret;

	plan->recovers = true;
	ret = plan_begin(plan);
	if (!ret)
		ret = card_need_bound(plan->card);
	if (!ret)
		ret = journal_load(plan->ctx, plan->card->address, &journal);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	plan->command = "recover";
	ret = plan_from(plan, &journal, direction);
	journal_clear(&journal);
	return ret;
}

/**
 * svff_plan_is_needed() - is there anything that a plan is for?
 * @plan: the plan
 *
 * Return: false for a recovery when no command was killed.
 */
bool svff_plan_is_needed(const struct svff_plan *plan)
{
	return !plan->recovers || plan->command;
}

/**
 * svff_recover_forget() - leave all as it is, and let other commands change the card again
 * @card: the card
 *
 * Return: 0, or a negative errno.
 */
int svff_recover_forget(struct svff_card *card)
{
	int fd, ret = state_lock(card->ctx, card->address, &fd);

	if (ret)
		return ret;
	ret = journal_forget(card->ctx, card->address);
	state_unlock(&fd);
	return ret;
}
