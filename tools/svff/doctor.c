// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * svff doctor: is this host ready, and what is to be done if not.
 */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

struct doctor_args {
	struct cli *cli;
	size_t count;
	const char **guest;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct doctor_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->cli;
		return 0;
	case CLI_KEY_GUEST:
		args->guest = reallocarray(args->guest, args->count + 1, sizeof(*args->guest));
		if (!args->guest)
			cli_usage(state, "out of memory");
		args->guest[args->count++] = arg;
		return 0;
	case ARGP_KEY_ARG:
		cli_usage(state, "'%s' is one word too many", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int print_json(const struct svff_report *report)
{
	struct json_object *root = json_object_new_object(), *list = json_object_new_array(), *entry;
	size_t i;

	for (i = 0; i < svff_report_count(report); i++) {
		entry = json_object_new_object();
		cli_add_text(entry, "check", svff_report_check(report, i));
		cli_add_text(entry, "verdict", svff_verdict_name(svff_report_verdict(report, i)));
		cli_add_text(entry, "text", svff_report_text(report, i));
		cli_add_text(entry, "remedy", svff_report_remedy(report, i));
		json_object_array_add(list, entry);
	}
	json_object_object_add(root, "findings", list);
	return cli_ok(root, svff_report_ready(report));
}

static int print_text(const struct svff_report *report)
{
	bool ready = svff_report_ready(report);
	size_t i;

	for (i = 0; i < svff_report_count(report); i++) {
		printf("%-8s %-11s %s\n", svff_verdict_name(svff_report_verdict(report, i)), svff_report_check(report, i),
		       svff_report_text(report, i));
		if (svff_report_remedy(report, i))
			printf("%-8s %-11s -> %s\n", "", "", svff_report_remedy(report, i));
	}
	puts(ready ? "this host is ready" : "this host is not ready");
	return ready ? 0 : CLI_FAILED;
}

static const struct argp_option options[] = {
	{ "guest", CLI_KEY_GUEST, "GUEST", 0, "Look also at this running guest; may be repeated", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options, .parser = parse, .children = cli_common,
	.doc = "Say whether this host is ready to give VFs to guests, and what to do if not.\vExit status is 0 only "
	       "if it is. Some checks need root.",
};

/**
 * cmd_doctor() - svff doctor
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status.
 */
int cmd_doctor(struct cli *cli, int argc, char **argv)
{
	struct doctor_args args = { .cli = cli };
	struct svff_report *report;
	int ret;

	if (argp_parse(&argp, argc, argv, 0, NULL, &args))
		return CLI_USAGE;
	ret = svff_doctor(cli->ctx, cli->card, args.count, args.guest, &report);
	free(args.guest);
	if (ret)
		return cli_fail(cli, ret);
	ret = cli->json ? print_json(report) : print_text(report);
	svff_report_free(report);
	return ret;
}
