/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * svff, the tool: one command is one function that has its own argp. Results go to stdout, one line
 * per failure to stderr; exit status 0 done, 1 failed, 2 wrong usage.
 */
#ifndef SVFF_CLI_H
#define SVFF_CLI_H

#include <argp.h>
#include <json-c/json.h>
#include <stdbool.h>

#include "libsvff.h"

#define CLI_FAILED	1
#define CLI_USAGE	2

/**
 * struct cli - what all commands share
 * @ctx: the library
 * @card: address given by --card, or NULL
 * @json: --json was given
 * @verbose: --verbose was given
 * @progress: stderr is a terminal that wants to see how far we are
 * @line: a line of progress is on the terminal now
 * @all: --all was given
 * @dry_run: --dry-run was given
 * @timeout: seconds, from --timeout
 */
struct cli {
	struct svff_ctx *ctx;
	const char *card;
	bool json, verbose, progress, line, all, dry_run;
	unsigned int timeout;
};

/* ---- options of all commands; of those that make a plan; of those that ask guests in it. Their input is the tool. ---- */

extern const struct argp_child cli_common[], cli_plan[], cli_guest_plan[];

enum cli_key {
	CLI_KEY_JSON = 'j',
	CLI_KEY_CARD = 'c',
	CLI_KEY_VERBOSE = 'v',
	CLI_KEY_VFS = 'n',
	CLI_KEY_QUEUES = 'q',
	CLI_KEY_GUEST = 'g',
	CLI_KEY_BUS = 'b',
	CLI_KEY_TIMEOUT = 't',
	CLI_KEY_ATTACH = 'a',
	CLI_KEY_FORCE = 'f',
	CLI_KEY_DRY_RUN = 'N',
	CLI_KEY_ALL = 'A',
	CLI_KEY_SPARE = 's',
	CLI_KEY_NO_BIND = 0x100,
	CLI_KEY_BY_DETACH,
	CLI_KEY_BACK,
	CLI_KEY_FORWARD,
	CLI_KEY_FORGET,
	CLI_KEY_DISCARD_STATE,
};

void cli_usage(const struct argp_state *state, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));
unsigned int cli_number(const struct argp_state *state, const char *text, const char *what,
			unsigned int min, unsigned int max);

/* ---- output.c ---- */

int cli_fail(struct cli *cli, int err);
int cli_ok(struct json_object *root, bool ok);
void cli_print_json(struct json_object *root);
void cli_add_text(struct json_object *object, const char *key, const char *text);
void cli_add_number(struct json_object *object, const char *key, long long number);
struct json_object *cli_plan_json(const struct svff_plan *plan);
void cli_print_plan(struct cli *cli, const struct svff_plan *plan);
int cli_new_plan(struct cli *cli, struct svff_card *card, struct svff_plan **plan);
int cli_run_plan(struct cli *cli, struct svff_plan *plan);
void cli_clear_line(struct cli *cli);
void cli_show_line(struct cli *cli, const char *text);

/* ---- commands ---- */

int cmd_init(struct cli *cli, int argc, char **argv);
int cmd_attach(struct cli *cli, int argc, char **argv);
int cmd_detach(struct cli *cli, int argc, char **argv);
int cmd_reconf(struct cli *cli, int argc, char **argv);
int cmd_pause(struct cli *cli, int argc, char **argv);
int cmd_unpause(struct cli *cli, int argc, char **argv);
int cmd_recover(struct cli *cli, int argc, char **argv);
int cmd_status(struct cli *cli, int argc, char **argv);
int cmd_list(struct cli *cli, int argc, char **argv);
int cmd_doctor(struct cli *cli, int argc, char **argv);

#endif /* SVFF_CLI_H */
