// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * svff pause, svff unpause: VFs of one card.
 */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pause_args {
	struct cli *cli;
	char **word;
	int words;
	unsigned int *vf;
	const char *guest;
	bool pause, discard_state;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct pause_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->cli;
		return 0;
	case CLI_KEY_GUEST:
		args->guest = arg;
		return 0;
	case CLI_KEY_DISCARD_STATE:
		args->discard_state = true;
		return 0;
	case ARGP_KEY_ARGS:
		args->word = state->argv + state->next;
		args->words = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		if (!args->words)
			cli_usage(state, "which VFs?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* All words have to name VFs of one card. */
static int resolve(struct pause_args *args, struct svff_card **card)
{
	struct cli *cli = args->cli;
	struct svff_card *other;
	int i, ret = svff_vf_resolve(cli->ctx, cli->card, args->word[0], card, &args->vf[0]);

	if (ret)
		return cli_fail(cli, ret);
	for (i = 1; i < args->words; i++) {
		ret = svff_vf_resolve(cli->ctx, svff_card_address(*card), args->word[i], &other, &args->vf[i]);
		if (ret) {
			svff_card_free(*card);
			return cli_fail(cli, ret);
		}
		svff_card_free(other);
	}
	return 0;
}

static struct json_object *vf_json(const struct svff_vf *vf)
{
	struct json_object *object = json_object_new_object();

	cli_add_number(object, "vf", svff_vf_number(vf));
	cli_add_text(object, "address", svff_vf_address(vf));
	cli_add_text(object, "guest", svff_vf_guest(vf));
	cli_add_text(object, "device", svff_vf_guest_device(vf));
	return object;
}

/* Its guest has gone, or has unplugged it. */
static bool is_gone(const struct svff_plan *plan, unsigned int vf)
{
	const struct svff_step *step;
	size_t i;

	for (i = 0; (step = svff_plan_step(plan, i)); i++)
		if (svff_step_vf(step) == vf && svff_step_result(step) == SVFF_STEP_SKIPPED)
			return true;
	return false;
}

static void print_vf(struct pause_args *args, const struct svff_plan *plan, const struct svff_vf *vf)
{
	const char *guest = svff_vf_guest(vf);

	printf("VF %u (%s) ", svff_vf_number(vf), svff_vf_address(vf));
	if (is_gone(plan, svff_vf_number(vf)))
		printf("is free: its guest has it no more\n");
	else
		printf("of %s%s %s\n", guest ? "guest " : "", guest ? guest : "this host",
		       args->pause ? "is paused" : "is not paused any more");
}

static int report(struct pause_args *args, struct svff_card *card, const struct svff_plan *plan)
{
	struct json_object *root = json_object_new_object(), *list = json_object_new_array();
	struct svff_vf *vf;
	int i, ret = 0;

	for (i = 0; !ret && i < args->words; i++) {
		ret = svff_vf_open(card, args->vf[i], &vf);
		if (ret)
			break;
		json_object_array_add(list, vf_json(vf));
		if (!args->cli->json)
			print_vf(args, plan, vf);
		svff_vf_free(vf);
	}
	cli_add_text(root, "card", svff_card_address(card));
	json_object_object_add(root, "vf", list);
	json_object_object_add(root, "dry_run", json_object_new_boolean(args->cli->dry_run));
	json_object_object_add(root, "steps", cli_plan_json(plan));
	if (!ret && args->cli->json)
		return cli_ok(root, true);
	json_object_put(root);
	return ret ? cli_fail(args->cli, ret) : 0;
}

static int change(struct pause_args *args, struct svff_card *card, struct svff_plan *plan)
{
	int ret;

	svff_plan_set_discard_state(plan, args->discard_state);
	ret = args->pause ? svff_plan_pause(plan, args->words, args->vf, args->guest) :
			    svff_plan_unpause(plan, args->words, args->vf);
	if (ret)
		return cli_fail(args->cli, ret);
	if (args->cli->dry_run && !args->cli->json) {
		cli_print_plan(args->cli, plan);
		return 0;
	}
	ret = cli_run_plan(args->cli, plan);
	return ret ? ret : report(args, card, plan);
}

static int run(struct pause_args *args)
{
	struct svff_card *card;
	struct svff_plan *plan;
	int ret = resolve(args, &card);

	if (ret)
		return ret;
	ret = cli_new_plan(args->cli, card, &plan);
	if (!ret) {
		ret = change(args, card, plan);
		svff_plan_free(plan);
	}
	svff_card_free(card);
	return ret;
}

static const struct argp_option pause_options[] = {
	{ "guest", CLI_KEY_GUEST, "GUEST", 0, "The guest that has the VFs, if it got them by other means than svff", 0 },
	{ 0 }
};

static const struct argp pause_argp = {
	.options = pause_options, .parser = parse, .args_doc = "VF...", .children = cli_guest_plan,
	.doc = "Release VFs on this host, while their guests keep the devices and their drivers stay bound.\vA VF "
	       "that a driver of this host has is paused by svff_pf. If one VF cannot be paused, none is.",
};

static const struct argp_option unpause_options[] = {
	{ "discard-state", CLI_KEY_DISCARD_STATE, NULL, 0,
	  "The guest goes on as after a reset: what was kept of the VF, and what the guest wrote to it, is lost", 0 },
	{ 0 }
};

static const struct argp unpause_argp = {
	.options = unpause_options, .parser = parse, .args_doc = "VF...", .children = cli_guest_plan,
	.doc = "Put VFs back under the paused devices of their guests.\vIf one VF cannot be put back, none is.",
};

static int command(struct cli *cli, int argc, char **argv, const struct argp *argp, bool pause)
{
	struct pause_args args = { .cli = cli, .pause = pause };
	int status = CLI_USAGE;

	args.vf = calloc(argc, sizeof(*args.vf));
	if (!args.vf)
		return CLI_FAILED;
	if (!argp_parse(argp, argc, argv, 0, NULL, &args))
		status = run(&args);
	free(args.vf);
	return status;
}

/**
 * cmd_pause() - svff pause
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status.
 */
int cmd_pause(struct cli *cli, int argc, char **argv)
{
	return command(cli, argc, argv, &pause_argp, true);
}

/**
 * cmd_unpause() - svff unpause
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status.
 */
int cmd_unpause(struct cli *cli, int argc, char **argv)
{
	return command(cli, argc, argv, &unpause_argp, false);
}
