// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * svff recover: after a command was killed.
 */
#include "cli.h"

#include <stdio.h>

struct recover_args {
	struct cli *cli;
	enum svff_direction direction;
	bool forget, discard_state;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct recover_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->cli;
		return 0;
	case CLI_KEY_BACK:
		args->direction = SVFF_BACK;
		return 0;
	case CLI_KEY_FORWARD:
		args->direction = SVFF_FORWARD;
		return 0;
	case CLI_KEY_FORGET:
		args->forget = true;
		return 0;
	case CLI_KEY_DISCARD_STATE:
		args->discard_state = true;
		return 0;
	case ARGP_KEY_ARG:
		cli_usage(state, "'%s' is one word too many", arg);
		return 0;
	case ARGP_KEY_END:
		if (args->forget && (args->direction != SVFF_AUTO || args->cli->dry_run || args->discard_state))
			cli_usage(state, "--forget does not go with --back, --forward, --dry-run or --discard-state");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int report(struct recover_args *args, const struct svff_card *card, const struct svff_plan *plan)
{
	struct json_object *root;
	bool needed = !args->forget && svff_plan_is_needed(plan);

	if (!args->cli->json) {
		if (svff_plan_count(plan))
			cli_print_plan(args->cli, plan);
		if (!args->cli->dry_run)
			printf("card %s has %u VFs: %s\n", svff_card_address(card), svff_card_vfs(card),
			       needed ? "recovered" : "nothing is to be recovered");
		return 0;
	}
	root = json_object_new_object();
	cli_add_text(root, "card", svff_card_address(card));
	cli_add_number(root, "vfs", svff_card_vfs(card));
	json_object_object_add(root, "dry_run", json_object_new_boolean(args->cli->dry_run));
	json_object_object_add(root, "needed", json_object_new_boolean(needed));
	json_object_object_add(root, "steps", cli_plan_json(plan));
	return cli_ok(root, true);
}

static int recover(struct recover_args *args, struct svff_card *card, struct svff_plan *plan)
{
	int ret;

	svff_plan_set_discard_state(plan, args->discard_state);
	ret = svff_plan_recover(plan, args->direction);
	if (ret)
		return cli_fail(args->cli, ret);
	ret = svff_plan_is_needed(plan) ? cli_run_plan(args->cli, plan) : 0;
	return ret ? ret : report(args, card, plan);
}

static int run(struct recover_args *args)
{
	struct svff_card *card;
	struct svff_plan *plan;
	int ret = svff_card_open(args->cli->ctx, args->cli->card, &card);

	if (ret)
		return cli_fail(args->cli, ret);
	ret = args->forget ? svff_recover_forget(card) : 0;
	ret = ret ? cli_fail(args->cli, ret) : cli_new_plan(args->cli, card, &plan);
	if (!ret) {
		ret = args->forget ? report(args, card, plan) : recover(args, card, plan);
		svff_plan_free(plan);
	}
	svff_card_free(card);
	return ret;
}

static const struct argp_option options[] = {
	{ "back",    CLI_KEY_BACK,    NULL, 0, "To how it was before the command", 0 },
	{ "forward", CLI_KEY_FORWARD, NULL, 0, "To what the command was to bring about", 0 },
	{ "forget",  CLI_KEY_FORGET,  NULL, 0, "Leave all as it is, and let other commands change the card again", 0 },
	{ "discard-state", CLI_KEY_DISCARD_STATE, NULL, 0,
	  "Guests whose VFs are put back go on as after a reset: what was kept of the VFs is lost", 0 },
	{ 0 }
};

static const struct argp recover_argp = {
	.options = options, .parser = parse, .children = cli_guest_plan,
	.doc = "Finish or undo what an svff had begun that was killed, or that could not take back all it had "
	       "done.\vA reconf that had made its new VFs is finished, all else is taken back, unless an option says "
	       "otherwise. What fails does not stop the rest, and can be tried again.",
};

/**
 * cmd_recover() - svff recover
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status; 0 also if there is nothing to recover.
 */
int cmd_recover(struct cli *cli, int argc, char **argv)
{
	struct recover_args args = { .cli = cli };

	if (argp_parse(&recover_argp, argc, argv, 0, NULL, &args))
		return CLI_USAGE;
	return run(&args);
}
