// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * svff init, svff reconf: how many VFs a card has.
 */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VFS_MAX		65535
#define QUEUES_MAX	256		/* more has no VF; svff_pf would say so when all VFs are away */

struct count_args {
	struct cli *cli;
	int vfs, spare;			/* -1: not given */
	unsigned int queues;
	bool no_bind, force, by_detach;
	size_t attaches;
	unsigned int *vf;
	const char **guest;
	int (*plan)(struct count_args *args, struct svff_plan *plan);
};

static void take_attach(struct count_args *args, char *text, struct argp_state *state)
{
	char *guest = strchr(text, '=');
	size_t count = args->attaches + 1;

	if (!guest || !guest[1])
		cli_usage(state, "--attach takes VF=GUEST, not '%s'", text);
	*guest++ = '\0';
	args->vf = reallocarray(args->vf, count, sizeof(*args->vf));
	args->guest = reallocarray(args->guest, count, sizeof(*args->guest));
	if (!args->vf || !args->guest)
		cli_usage(state, "out of memory");
	args->vf[args->attaches] = cli_number(state, text, "the VF of --attach", 1, VFS_MAX);
	args->guest[args->attaches++] = guest;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct count_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->cli;
		return 0;
	case CLI_KEY_VFS:
		args->vfs = cli_number(state, arg, "--vfs", 0, VFS_MAX);
		return 0;
	case CLI_KEY_SPARE:
		args->spare = cli_number(state, arg, "--spare", 0, VFS_MAX);
		return 0;
	case CLI_KEY_BY_DETACH:
		args->by_detach = true;
		return 0;
	case CLI_KEY_QUEUES:
		args->queues = cli_number(state, arg, "--queues", 1, QUEUES_MAX);
		return 0;
	case CLI_KEY_ATTACH:
		take_attach(args, arg, state);
		return 0;
	case CLI_KEY_NO_BIND:
		args->no_bind = true;
		return 0;
	case CLI_KEY_FORCE:
		args->force = true;
		return 0;
	case ARGP_KEY_ARG:
		cli_usage(state, "'%s' is one word too many", arg);
		return 0;
	case ARGP_KEY_END:
		if (args->vfs < 0)
			cli_usage(state, "how many VFs? (--vfs N)");
		if (args->no_bind && args->spare > 0)
			cli_usage(state, "--spare and --no-bind exclude each other: spare VFs are kept from this host's drivers");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_way(const struct svff_plan *plan)
{
	const char *way = svff_plan_way(plan);

	if (!strcmp(way, "spare"))
		printf("by spare VFs: no guest is touched\n");
	else if (*way)
		printf("by %s: guests %s\n", way, !strcmp(way, "pause") ? "keep their devices" :
		       !strcmp(way, "detach") ? "see their devices go and come" :
		       "keep their devices where QEMU can pause, others see them go and come");
}

static int report(struct count_args *args, struct svff_card *card, struct svff_plan *plan)
{
	struct json_object *root;

	if (!args->cli->json) {
		cli_print_plan(args->cli, plan);
		print_way(plan);
		if (args->cli->dry_run)
			return 0;
		printf("card %s has %u VFs", svff_card_address(card), svff_card_vfs(card));
		if (svff_card_spares(card))
			printf(", and %u spare ones", svff_card_spares(card));
		putchar('\n');
		return 0;
	}
	root = json_object_new_object();
	cli_add_text(root, "card", svff_card_address(card));
	cli_add_number(root, "vfs", svff_card_vfs(card));
	cli_add_number(root, "spare", svff_card_spares(card));
	cli_add_text(root, "way", svff_plan_way(plan));
	json_object_object_add(root, "dry_run", json_object_new_boolean(args->cli->dry_run));
	json_object_object_add(root, "steps", cli_plan_json(plan));
	return cli_ok(root, true);
}

static int change(struct count_args *args, struct svff_card *card, struct svff_plan *plan)
{
	int ret;

	svff_plan_set_force(plan, args->force);
	svff_plan_set_by_detach(plan, args->by_detach);
	svff_plan_set_queues(plan, args->queues);
	if (args->spare >= 0)
		svff_plan_set_spare(plan, args->spare);
	ret = args->plan(args, plan);
	if (ret)
		return cli_fail(args->cli, ret);
	ret = cli_run_plan(args->cli, plan);
	return ret ? ret : report(args, card, plan);
}

static int run(struct count_args *args)
{
	struct svff_card *card;
	struct svff_plan *plan;
	int ret = svff_card_open(args->cli->ctx, args->cli->card, &card);

	if (ret)
		return cli_fail(args->cli, ret);
	ret = cli_new_plan(args->cli, card, &plan);
	if (!ret) {
		ret = change(args, card, plan);
		svff_plan_free(plan);
	}
	svff_card_free(card);
	return ret;
}

static int command(struct cli *cli, int argc, char **argv, const struct argp *argp,
		   int (*plan)(struct count_args *args, struct svff_plan *plan))
{
	struct count_args args = { .cli = cli, .vfs = -1, .spare = -1, .plan = plan };
	int status = CLI_USAGE;

	if (!argp_parse(argp, argc, argv, 0, NULL, &args))
		status = run(&args);
	free(args.vf);
	free(args.guest);
	return status;
}

static int plan_init(struct count_args *args, struct svff_plan *plan)
{
	return svff_plan_init(plan, args->vfs, args->queues, !args->no_bind);
}

static int plan_reconf(struct count_args *args, struct svff_plan *plan)
{
	return svff_plan_reconf(plan, args->vfs, args->attaches, args->vf, args->guest);
}

#define VFS_OPTION	{ "vfs", CLI_KEY_VFS, "N", 0, "How many VFs the card is to have", 0 }

static const struct argp_option init_options[] = {
	VFS_OPTION,
	{ "spare",   CLI_KEY_SPARE,   "M",  0, "Make M more, hidden and without queues, for a later reconf", 0 },
	{ "queues",  CLI_KEY_QUEUES,  "Q",  0, "Queues for each VF; else the card's default", 0 },
	{ "no-bind", CLI_KEY_NO_BIND, NULL, 0, "Do not bind the VFs to VFIO", 0 },
	{ 0 }
};

static const struct argp init_argp = {
	.options = init_options, .parser = parse, .children = cli_plan,
	.doc = "Make VFs on a card that has none, and bind them to VFIO.\vIf a step fails, those before it are "
	       "taken back.",
};

static const struct argp_option reconf_options[] = {
	VFS_OPTION,
	{ "spare",   CLI_KEY_SPARE,   "M",        0, "How many spare VFs there are to be; else as many as are left", 0 },
	{ "queues",  CLI_KEY_QUEUES,  "Q",        0, "Queues for each VF that comes; else the card's default", 0 },
	{ "attach",  CLI_KEY_ATTACH,  "VF=GUEST", 0, "Give this VF to this guest at the end; may be repeated", 0 },
	{ "force",   CLI_KEY_FORCE,   NULL,       0, "Take VFs also from those who will not get them back", 0 },
	{ "by-detach", CLI_KEY_BY_DETACH, NULL,   0, "Let all guests unplug and plug their VFs, also those that can pause", 0 },
	{ 0 }
};

static const struct argp reconf_argp = {
	.options = reconf_options, .parser = parse, .children = cli_guest_plan,
	.doc = "Change the number of VFs while guests run.\vGuests keep their devices, which are paused for the "
	       "while; those whose QEMU cannot pause unplug them and get the same VFs again. Within the spare VFs no "
	       "guest is touched. If a step fails, those before it are taken back.",
};

/**
 * cmd_init() - svff init
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status.
 */
int cmd_init(struct cli *cli, int argc, char **argv)
{
	return command(cli, argc, argv, &init_argp, plan_init);
}

/**
 * cmd_reconf() - svff reconf
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status.
 */
int cmd_reconf(struct cli *cli, int argc, char **argv)
{
	return command(cli, argc, argv, &reconf_argp, plan_reconf);
}
