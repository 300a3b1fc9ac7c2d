// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What commands print: errors, JSON, and plans.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USEC_PER_MSEC	1000.0
#define UNICODE_MAX	0x10ffff
#define LINE_LEN	78		/* more would wrap, and could not be cleared */

/**
 * cli_clear_line() - take the line of progress from the terminal
 * @cli: the tool
 */
void cli_clear_line(struct cli *cli)
{
	if (cli->line)
		fputs("\r\033[K", stderr);
	cli->line = false;
}

/**
 * cli_show_line() - put a line of progress on the terminal, in place of the one that is there
 * @cli: the tool
 * @text: the line
 */
void cli_show_line(struct cli *cli, const char *text)
{
	cli_clear_line(cli);
	fprintf(stderr, "%.*s", LINE_LEN, text);
	fflush(stderr);
	cli->line = true;
}

/* JSON is UTF-8; a file's name, or a text that was cut, need not be. */
static struct json_object *text_json(const char *text)
{
	struct json_object *json = NULL;
	char *copy = strdup(text), *at;
	wchar_t code;
	int size;

	for (at = copy; at && *at; at += size) {
		size = mbtowc(&code, at, MB_CUR_MAX);
		if (size > 0 && code <= UNICODE_MAX)	/* the C library goes on to 31 bits */
			continue;
		*at = '?';
		size = 1;
	}
	if (copy)
		json = json_object_new_string(copy);
	free(copy);
	return json;
}

/**
 * cli_add_text() - text member of an object, null if there is no text
 * @object: the object
 * @key: name of the member
 * @text: the text, or NULL, or empty
 */
void cli_add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, text && *text ? text_json(text) : NULL);
}

/**
 * cli_add_number() - number member of an object
 * @object: the object
 * @key: name of the member
 * @number: the number
 */
void cli_add_number(struct json_object *object, const char *key, long long number)
{
	json_object_object_add(object, key, json_object_new_int64(number));
}

/**
 * cli_print_json() - print an object and drop it
 * @root: the object
 */
void cli_print_json(struct json_object *root)
{
	puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
						  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}

/**
 * cli_ok() - end a JSON result
 * @root: the object; dropped
 * @ok: whether it went well
 *
 * Return: exit status.
 */
int cli_ok(struct json_object *root, bool ok)
{
	json_object_object_add(root, "ok", json_object_new_boolean(ok));
	cli_print_json(root);
	return ok ? 0 : CLI_FAILED;
}

static struct json_object *error_json(struct cli *cli, int err)
{
	struct json_object *error = json_object_new_object();

	cli_add_text(error, "errno", strerrorname_np(-err));
	cli_add_text(error, "message", svff_error(cli->ctx));
	return error;
}

static void print_error(struct cli *cli)
{
	cli_clear_line(cli);
	fprintf(stderr, "svff: %s\n", svff_error(cli->ctx));
}

/**
 * cli_fail() - tell the library's error
 * @cli: the tool
 * @err: negative errno
 *
 * Return: exit status.
 */
int cli_fail(struct cli *cli, int err)
{
	struct json_object *root;

	print_error(cli);
	if (!cli->json)
		return CLI_FAILED;
	root = json_object_new_object();
	json_object_object_add(root, "error", error_json(cli, err));
	return cli_ok(root, false);
}

/* With microseconds, and no more digits than that. */
static void add_ms(struct json_object *object, const char *key, unsigned long long us)
{
	static char format[] = "%.3f";
	struct json_object *ms = json_object_new_double(us / USEC_PER_MSEC);

	json_object_set_serializer(ms, json_object_double_to_json_string, format, NULL);
	json_object_object_add(object, key, ms);
}

static struct json_object *step_json(const struct svff_plan *plan, const struct svff_step *step)
{
	struct json_object *object = json_object_new_object();

	cli_add_text(object, "name", svff_step_name(step));
	if (svff_step_vf(step))
		cli_add_number(object, "vf", svff_step_vf(step));
	if (svff_step_guest(step))
		cli_add_text(object, "guest", svff_step_guest(step));
	cli_add_text(object, "result", svff_step_result_name(svff_step_result(step)));
	add_ms(object, "begin_ms", svff_step_begin_us(plan, step));
	add_ms(object, "ms", svff_step_time_us(step));
	if (svff_step_error(step))
		cli_add_text(object, "error", svff_step_error(step));
	return object;
}

/**
 * cli_plan_json() - steps of a plan
 * @plan: the plan
 *
 * Return: an array.
 */
struct json_object *cli_plan_json(const struct svff_plan *plan)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < svff_plan_count(plan); i++)
		json_object_array_add(list, step_json(plan, svff_plan_step(plan, i)));
	return list;
}

/**
 * cli_print_plan() - table of the steps of a plan; without times where nothing was done
 * @cli: the tool
 * @plan: the plan
 */
void cli_print_plan(struct cli *cli, const struct svff_plan *plan)
{
	const struct svff_step *step;
	size_t i;

	for (i = 0; i < svff_plan_count(plan); i++) {
		step = svff_plan_step(plan, i);
		if (cli->dry_run)
			printf("%3zu  %s\n", i + 1, svff_step_name(step));
		else
			printf("%3zu  %9.1f ms  %-11s  %s\n", i + 1, svff_step_time_us(step) / USEC_PER_MSEC,
			       svff_step_result_name(svff_step_result(step)), svff_step_name(step));
	}
	if (!cli->dry_run && svff_plan_count(plan))
		printf("     %9.1f ms  in all\n", svff_plan_time_us(plan) / USEC_PER_MSEC);
}

static void show_progress(void *data, const struct svff_plan *plan, const struct svff_step *step,
			  bool undo)
{
	struct cli *cli = data;
	char text[LINE_LEN + 1];

	if (!cli->progress || (!undo && svff_step_result(step) != SVFF_STEP_PENDING))
		return;
	snprintf(text, sizeof(text), "%s[%zu/%zu] %s", undo ? "undo " : "", svff_step_index(step) + 1,
		 svff_plan_count(plan), svff_step_name(step));
	cli_show_line(cli, text);
}

/**
 * cli_new_plan() - an empty plan, made as the user wants it
 * @cli: the tool
 * @card: what it is to change
 * @plan: the plan
 *
 * Return: 0, or the exit status.
 */
int cli_new_plan(struct cli *cli, struct svff_card *card, struct svff_plan **plan)
{
	int ret = svff_plan_new(card, plan);

	if (ret)
		return cli_fail(cli, ret);
	svff_plan_set_timeout(*plan, cli->timeout);
	svff_plan_set_dry_run(*plan, cli->dry_run);
	return 0;
}

/**
 * cli_run_plan() - carry out a plan, unless it is to be looked at; if it fails, tell so, and what became of each step
 * @cli: the tool
 * @plan: the plan
 *
 * Return: 0, or the exit status.
 */
int cli_run_plan(struct cli *cli, struct svff_plan *plan)
{
	struct json_object *root;
	int ret;

	if (cli->dry_run)
		return 0;
	svff_plan_set_progress(plan, show_progress, cli);
	ret = svff_plan_run(plan);
	cli_clear_line(cli);
	if (!ret)
		return 0;
	print_error(cli);
	if (!cli->json) {
		if (svff_plan_count(plan) > 2)
			cli_print_plan(cli, plan);
		return CLI_FAILED;
	}
	root = json_object_new_object();
	json_object_object_add(root, "error", error_json(cli, ret));
	json_object_object_add(root, "steps", cli_plan_json(plan));
	return cli_ok(root, false);
}
