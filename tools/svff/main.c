// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * svff: commands, options that they share, and what is said on the way.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_S	60
#define TIMEOUT_MAX_S	86400

const char *argp_program_version = "svff " SVFF_VERSION;

static const struct command {
	const char *name, *args, *help;
	int (*run)(struct cli *cli, int argc, char **argv);
} commands[] = {
	{ "init",   "--vfs N",            "make VFs and get them ready for VFIO",       cmd_init },
	{ "attach", "VF GUEST",           "give a VF to a running guest",               cmd_attach },
	{ "detach", "VF [GUEST]",         "take a VF from its guest",                   cmd_detach },
	{ "reconf", "--vfs N",            "change the number of VFs while guests run",  cmd_reconf },
	{ "pause",  "VF...",              "release VFs, while their guests keep the devices", cmd_pause },
	{ "unpause", "VF...",             "put VFs back under the guests' devices",     cmd_unpause },
	{ "recover", "",                  "finish or undo what a killed svff had begun", cmd_recover },
	{ "status", "",                   "show a card, its VFs and their guests",      cmd_status },
	{ "list",   "",                   "show all cards of this machine",             cmd_list },
	{ "doctor", "[--guest GUEST]",    "say whether this host is ready, and what to do if not", cmd_doctor },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* ---- options of all commands ---- */

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->err_stream = NULL;	/* getopt or cli_usage() have said it in one line */
		return 0;
	case CLI_KEY_JSON:
		cli->json = true;
		return 0;
	case CLI_KEY_CARD:
		cli->card = arg;
		return 0;
	case CLI_KEY_VERBOSE:
		cli->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option common_options[] = {
	{ "card",    CLI_KEY_CARD,    "ADDRESS", 0, "PCI address of the card; needed only if there are several", 9 },
	{ "json",    CLI_KEY_JSON,    NULL,      0, "Results as JSON", 9 },
	{ "verbose", CLI_KEY_VERBOSE, NULL,      0, "Tell each access", 9 },
	{ 0 }
};

static const struct argp common_argp = { .options = common_options, .parser = parse_common };

const struct argp_child cli_common[] = { { &common_argp, 0, NULL, 0 }, { 0 } };

/* ---- options of commands that make a plan, and of those that ask guests in it ---- */

static error_t parse_plan(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = cli;
		return 0;
	case CLI_KEY_TIMEOUT:
		cli->timeout = cli_number(state, arg, "--timeout", 1, TIMEOUT_MAX_S);
		return 0;
	case CLI_KEY_DRY_RUN:
		cli->dry_run = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option plan_options[] = {
	{ "dry-run", CLI_KEY_DRY_RUN, NULL, 0, "Show the steps, change nothing", 8 },
	{ 0 }
};

static const struct argp plan_argp = { .options = plan_options, .parser = parse_plan, .children = cli_common };

const struct argp_child cli_plan[] = { { &plan_argp, 0, NULL, 0 }, { 0 } };

static const struct argp_option guest_options[] = {
	{ "timeout", CLI_KEY_TIMEOUT, "SECONDS", 0, "How long a guest may take for one step (60)", 8 },
	{ 0 }
};

static const struct argp guest_argp = { .options = guest_options, .parser = parse_plan, .children = cli_plan };

const struct argp_child cli_guest_plan[] = { { &guest_argp, 0, NULL, 0 }, { 0 } };

/**
 * cli_usage() - tell wrong usage and end the program
 * @state: of the parser
 * @fmt: what is wrong
 */
void cli_usage(const struct argp_state *state, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s: ", state->name);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "; see '%s --help'\n", state->name);
	va_end(args);
	exit(CLI_USAGE);
}

/**
 * cli_number() - number that the user wrote; anything else ends the program as wrong usage
 * @state: of the parser
 * @text: what was written
 * @what: name of the option
 * @min: smallest
 * @max: largest
 *
 * Return: the number.
 */
unsigned int cli_number(const struct argp_state *state, const char *text, const char *what,
			unsigned int min, unsigned int max)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || *end || text[0] < '0' || text[0] > '9' || number < min || number > max)
		cli_usage(state, "%s takes a number from %u to %u, not '%s'", what, min, max, text);
	return number;
}

/* ---- what the library says ---- */

static void hear(void *data, enum svff_log_level level, const char *text)
{
	struct cli *cli = data;

	if (level == SVFF_LOG_INFO && cli->progress) {
		cli_show_line(cli, text);
		return;
	}
	if (level >= SVFF_LOG_INFO && !cli->verbose)
		return;
	cli_clear_line(cli);
	fprintf(stderr, "svff: %s%s\n", level == SVFF_LOG_WARNING ? "warning: " : "", text);
}

static struct svff_ctx *interrupted_ctx;

static void interrupt(int signal_number)
{
	(void)signal_number;
	svff_cancel(interrupted_ctx);
}

/* What is to be ignored, as nohup has it, stays so. */
static void catch_signal(int signal_number)
{
	const struct sigaction action = { .sa_handler = interrupt };
	struct sigaction old;

	if (!sigaction(signal_number, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(signal_number, &action, NULL);
}

static void catch_signals(struct svff_ctx *ctx)
{
	interrupted_ctx = ctx;
	catch_signal(SIGINT);
	catch_signal(SIGTERM);
	catch_signal(SIGHUP);
	signal(SIGPIPE, SIG_IGN);	/* a pager that ends early must not end a transaction */
}

/* ---- the command line ---- */

static void print_help(void)
{
	size_t i;

	printf("Usage: svff COMMAND [OPTION...]\n"
	       "Virtual functions of FPGA cards with QDMA: made, given to guests, changed in number.\n\n");
	for (i = 0; i < COMMANDS; i++)
		printf("  %-7s %-17s %s\n", commands[i].name, commands[i].args, commands[i].help);
	printf("\n'svff COMMAND --help' tells the options of a command, svff(1) the rest.\n");
}

static int usage(const char *what, const char *word)
{
	fprintf(stderr, "svff: %s%s%s; 'svff --help' tells the commands\n", what, word ? " " : "", word ? word : "");
	return CLI_USAGE;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct cli cli = { .progress = isatty(STDERR_FILENO), .timeout = TIMEOUT_S };
	char name[32];
	int status;

	if (svff_new(&cli.ctx)) {
		fprintf(stderr, "svff: out of memory\n");
		return CLI_FAILED;
	}
	snprintf(name, sizeof(name), "svff %s", command->name);
	argv[0] = name;	/* argp's messages begin with it */
	svff_set_log(cli.ctx, hear, &cli);
	catch_signals(cli.ctx);
	status = command->run(&cli, argc, argv);
	cli_clear_line(&cli);
	svff_free(cli.ctx);
	return status;
}

static int dispatch(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		return usage("no command", NULL);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "help")) {
		print_help();
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("%s\n", argp_program_version);
		return 0;
	}
	if (argv[1][0] == '-')
		return usage("options come behind the command:", argv[1]);
	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return run(&commands[i], argc - 1, argv + 1);
	return usage("no such command:", argv[1]);
}

/*
 * What is opened next would be taken for stdout or stderr if that was closed: a guest's monitor, or the journal.
 * Writing to what takes their places fails, as it did before.
 */
static bool fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd > STDERR_FILENO;
}

int main(int argc, char **argv)
{
	int status;

	setlocale(LC_CTYPE, "C.UTF-8");	/* whatever the user's: JSON is UTF-8, and so are the names of guests */
	if (!fill_standard_fds()) {
		fprintf(stderr, "svff: cannot open /dev/null: %s\n", strerror(errno));
		return CLI_FAILED;
	}
	status = dispatch(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "svff: cannot write the result: %s\n", strerror(errno));
		return CLI_FAILED;
	}
	return status;
}
