// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * svff attach, svff detach: one VF and one guest.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

struct vf_args {
	struct cli *cli;
	const char *vf, *guest, *bus;
	bool guest_needed;
};

static error_t take_word(struct vf_args *args, char *word, struct argp_state *state)
{
	if (!args->vf)
		args->vf = word;
	else if (!args->guest)
		args->guest = word;
	else
		cli_usage(state, "'%s' is one word too many", word);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct vf_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->cli;
		return 0;
	case CLI_KEY_BUS:
		args->bus = arg;
		return 0;
	case ARGP_KEY_ARG:
		return take_word(args, arg, state);
	case ARGP_KEY_END:
		if (!args->vf)
			cli_usage(state, "which VF?");
		if (!args->guest && args->guest_needed)
			cli_usage(state, "which guest?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int report(struct cli *cli, const char *what, struct svff_card *card, unsigned int number,
		  const char *guest, const struct svff_plan *plan)
{
	struct json_object *root;
	struct svff_vf *vf;
	int ret = svff_vf_open(card, number, &vf);

	if (ret)
		return cli_fail(cli, ret);
	if (cli->json) {
		root = json_object_new_object();
		cli_add_text(root, "card", svff_card_address(card));
		cli_add_number(root, "vf", number);
		cli_add_text(root, "address", svff_vf_address(vf));
		cli_add_text(root, "guest", guest);
		cli_add_text(root, "device", svff_vf_guest_device(vf));
		json_object_object_add(root, "dry_run", json_object_new_boolean(cli->dry_run));
		json_object_object_add(root, "steps", cli_plan_json(plan));
		cli_ok(root, true);
	} else if (guest) {
		printf("VF %u (%s) %s guest %s%s%s\n", number, svff_vf_address(vf), what, guest,
		       *svff_vf_guest_device(vf) ? " as " : "", svff_vf_guest_device(vf));
	} else {
		printf("VF %u (%s) is free: its guest has it no more\n", number, svff_vf_address(vf));
	}
	svff_vf_free(vf);
	return 0;
}

static const char *plan_guest(const struct svff_plan *plan)
{
	size_t count = svff_plan_count(plan);

	return count ? svff_step_guest(svff_plan_step(plan, count - 1)) : NULL;
}

static int change(struct vf_args *args, struct svff_card *card, unsigned int vf, struct svff_plan *plan)
{
	struct cli *cli = args->cli;
	int ret;

	if (args->bus)
		svff_plan_set_bus(plan, args->bus);
	ret = args->guest_needed ? svff_plan_attach(plan, vf, args->guest) :
				   svff_plan_detach(plan, vf, args->guest);
	if (ret)
		return cli_fail(cli, ret);
	if (cli->dry_run && !cli->json) {
		cli_print_plan(cli, plan);
		return 0;
	}
	ret = cli_run_plan(cli, plan);
	return ret ? ret : report(cli, args->guest_needed ? "is attached to" : "is taken from", card, vf, plan_guest(plan), plan);
}

static int run(struct vf_args *args)
{
	struct svff_card *card;
	struct svff_plan *plan;
	unsigned int vf;
	int ret = svff_vf_resolve(args->cli->ctx, args->cli->card, args->vf, &card, &vf);

	if (ret)
		return cli_fail(args->cli, ret);
	ret = cli_new_plan(args->cli, card, &plan);
	if (!ret) {
		ret = change(args, card, vf, plan);
		svff_plan_free(plan);
	}
	svff_card_free(card);
	return ret;
}

static const struct argp_option attach_options[] = {
	{ "bus", CLI_KEY_BUS, "NAME", 0, "The guest's name of the port; else the first free hot-plug port", 0 },
	{ 0 }
};

static const struct argp attach_argp = {
	.options = attach_options, .parser = parse, .args_doc = "VF GUEST", .children = cli_guest_plan,
	.doc = "Give a VF to a running guest.\vVF is a number from 1 or a PCI address. GUEST is "
	       "qmp:/path/to/socket, or the path alone, or libvirt:DOMAIN.",
};

static const struct argp detach_argp = {
	.parser = parse, .args_doc = "VF [GUEST]", .children = cli_guest_plan,
	.doc = "Take a VF from its guest.\vVF is a number from 1 or a PCI address. GUEST is needed only if "
	       "the guest got the VF by other means than 'svff attach'.",
};

static int command(struct cli *cli, int argc, char **argv, const struct argp *argp, bool attach)
{
	struct vf_args args = { .cli = cli, .guest_needed = attach };

	if (argp_parse(argp, argc, argv, 0, NULL, &args))
		return CLI_USAGE;
	return run(&args);
}

/**
 * cmd_attach() - svff attach
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status.
 */
int cmd_attach(struct cli *cli, int argc, char **argv)
{
	return command(cli, argc, argv, &attach_argp, true);
}

/**
 * cmd_detach() - svff detach
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status.
 */
int cmd_detach(struct cli *cli, int argc, char **argv)
{
	return command(cli, argc, argv, &detach_argp, false);
}
