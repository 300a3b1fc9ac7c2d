// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * svff status, svff list: what there is.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#define RANGE_LEN	32

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->input;
		return 0;
	case CLI_KEY_ALL:
		((struct cli *)state->input)->all = true;
		return 0;
	case ARGP_KEY_ARG:
		cli_usage(state, "'%s' is one word too many", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void add_error(void *object, const char *error, unsigned int times)
{
	cli_add_number(object, error, times);
}

static struct json_object *card_json(struct svff_card *card)
{
	struct json_object *object = json_object_new_object(), *errors = json_object_new_object();

	cli_add_text(object, "address", svff_card_address(card));
	cli_add_number(object, "vendor", svff_card_vendor(card));
	cli_add_number(object, "device", svff_card_device(card));
	cli_add_text(object, "driver", svff_card_driver(card));
	json_object_object_add(object, "bound", json_object_new_boolean(svff_card_is_bound(card)));
	cli_add_text(object, "ip_type", svff_card_ip_type(card));
	cli_add_text(object, "ip_version", svff_card_ip_version(card));
	json_object_object_add(object, "sriov", json_object_new_boolean(svff_card_has_sriov(card)));
	cli_add_number(object, "vfs", svff_card_vfs(card));
	cli_add_number(object, "spare", svff_card_spares(card));
	json_object_object_add(object, "unfinished", json_object_new_boolean(svff_card_unfinished(card)));
	cli_add_number(object, "vfs_total", svff_card_vfs_total(card));
	cli_add_number(object, "queues_total", svff_card_queues_total(card));
	cli_add_number(object, "queues_free", svff_card_queues_free(card));
	cli_add_number(object, "vf_queues_default", svff_card_vf_queues_default(card));
	svff_card_errors(card, add_error, errors);
	json_object_object_add(object, "errors", errors);
	return object;
}

static struct json_object *vf_json(const struct svff_vf *vf)
{
	struct json_object *object = json_object_new_object();

	cli_add_number(object, "vf", svff_vf_number(vf));
	cli_add_text(object, "address", svff_vf_address(vf));
	cli_add_text(object, "state", svff_vf_state(vf));
	json_object_object_add(object, "muted", json_object_new_boolean(svff_vf_is_muted(vf)));
	cli_add_text(object, "driver", svff_vf_driver(vf));
	cli_add_number(object, "queues", svff_vf_queues(vf));
	cli_add_number(object, "queue_base", svff_vf_queue_base(vf));
	cli_add_number(object, "queues_active", svff_vf_queues_active(vf));
	cli_add_number(object, "errors", svff_vf_errors(vf));
	cli_add_number(object, "iommu_group", svff_vf_iommu_group(vf));
	cli_add_text(object, "guest", svff_vf_guest(vf));
	cli_add_text(object, "guest_device", svff_vf_guest_device(vf));
	cli_add_text(object, "guest_state", svff_guest_state_name(svff_vf_guest_state(vf)));
	json_object_object_add(object, "unplug_asked", json_object_new_boolean(svff_vf_unplug_asked(vf)));
	return object;
}

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

/* ---- status ---- */

static void print_error(void *line, const char *error, unsigned int times)
{
	printf("%s%s %u", *(const char **)line, error, times);
	*(const char **)line = ", ";
}

static void print_errors(struct svff_card *card)
{
	const char *line = "  errors  ";

	svff_card_errors(card, print_error, &line);
	if (*line == ',')
		putchar('\n');
}

static void print_card(struct svff_card *card)
{
	printf("card %s  %s %s  driver %s\n", svff_card_address(card), or_dash(svff_card_ip_type(card)),
	       svff_card_ip_version(card), or_dash(svff_card_driver(card)));
	if (!svff_card_is_bound(card))
		printf("  not bound to svff_pf: 'modprobe svff_pf'\n");
	if (svff_card_unfinished(card))
		printf("  an svff did not come to its end: 'svff recover --card %s'\n", svff_card_address(card));
	printf("  VFs     %u of %u", svff_card_vfs(card), svff_card_vfs_total(card));
	if (svff_card_spares(card))
		printf(", %u spare", svff_card_spares(card));
	putchar('\n');
	if (svff_card_is_bound(card))
		printf("  queues  %u, %u of them free, %u for a new VF\n", svff_card_queues_total(card),
		       svff_card_queues_free(card), svff_card_vf_queues_default(card));
	print_errors(card);
}

static void print_vf(const struct svff_vf *vf)
{
	enum svff_guest_state state = svff_vf_guest_state(vf);
	char range[RANGE_LEN] = "-";
	int base = svff_vf_queue_base(vf), queues = svff_vf_queues(vf);

	if (base >= 0 && queues > 0)
		snprintf(range, sizeof(range), "%d-%d", base, base + queues - 1);
	printf("  %4u  %-13s  %-9s  %-11s  %6d  %5d  %-10s  %s", svff_vf_number(vf), or_dash(svff_vf_address(vf)),
	       or_dash(svff_vf_state(vf)), range, svff_vf_queues_active(vf), svff_vf_iommu_group(vf),
	       or_dash(svff_vf_driver(vf)), or_dash(svff_vf_guest(vf)));
	if (state == SVFF_GUEST_GONE || state == SVFF_GUEST_SILENT || state == SVFF_GUEST_PAUSED)
		printf(" (%s)", svff_guest_state_name(state));
	if (svff_vf_unplug_asked(vf) && state != SVFF_GUEST_GONE)
		printf(" (unplug asked, not let go of yet)");
	if (svff_vf_errors(vf) > 0)
		printf(" (%d errors)", svff_vf_errors(vf));
	if (svff_vf_is_muted(vf))
		printf(" (muted: it floods the mailbox)");
	putchar('\n');
}

/* What was opened is closed again when the guest cannot be asked. */
static int ask(struct svff_vf *vf)
{
	int ret = svff_vf_ask_guest(vf);

	if (ret)
		svff_vf_free(vf);
	return ret;
}

static int show_vfs(struct cli *cli, struct svff_card *card, struct json_object *list)
{
	struct svff_vf *vf;
	unsigned int i, count = svff_card_vfs(card) + (cli->all ? svff_card_spares(card) : 0);
	int ret = svff_card_find_guests(card);

	if (ret)
		return cli_fail(cli, ret);
	if (!list && count)
		printf("  %4s  %-13s  %-9s  %-11s  %6s  %5s  %-10s  %s\n", "VF", "address", "state", "queues", "active",
		       "group", "driver", "guest");
	for (i = 1; i <= count; i++) {
		ret = svff_vf_open(card, i, &vf);
		if (!ret)
			ret = ask(vf);
		if (ret)
			return cli_fail(cli, ret);
		if (list)
			json_object_array_add(list, vf_json(vf));
		else
			print_vf(vf);
		svff_vf_free(vf);
	}
	return 0;
}

static int show_card(struct cli *cli, struct svff_card *card, struct json_object *cards)
{
	struct json_object *object, *list = NULL;

	if (!cards) {
		print_card(card);
	} else {
		object = card_json(card);
		list = json_object_new_array();
		json_object_object_add(object, "vf", list);
		json_object_array_add(cards, object);
	}
	return show_vfs(cli, card, list);
}

typedef int (*show_fn)(struct cli *cli, struct svff_card *card, struct json_object *cards);

static int show_one(struct cli *cli, const char *address, show_fn show, struct json_object *cards)
{
	struct svff_card *card;
	int ret = svff_card_open(cli->ctx, address, &card);

	if (ret)
		return cli_fail(cli, ret);
	ret = show(cli, card, cards);
	svff_card_free(card);
	return ret;
}

static int show_all(struct cli *cli, size_t count, show_fn show, struct json_object *cards)
{
	struct svff_card *card;
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < count; i++) {
		ret = svff_card_open_nth(cli->ctx, i, &card);
		if (ret)
			return cli_fail(cli, ret);
		ret = show(cli, card, cards);
		svff_card_free(card);
	}
	return ret;
}

static int show_cards(struct cli *cli, show_fn show, bool need_one)
{
	struct json_object *root = cli->json ? json_object_new_object() : NULL, *cards = NULL;
	size_t count;
	int ret = svff_card_count(cli->ctx, &count);

	if (ret)
		return cli_fail(cli, ret);
	if (root) {
		cards = json_object_new_array();
		json_object_object_add(root, "cards", cards);
	}
	if (cli->card || (!count && need_one))
		ret = show_one(cli, cli->card, show, cards);
	else
		ret = show_all(cli, count, show, cards);
	if (root && !ret)
		return cli_ok(root, true);
	json_object_put(root);
	return ret;
}

static const struct argp_option status_options[] = {
	{ "all", CLI_KEY_ALL, NULL, 0, "Also spare VFs", 0 },
	{ 0 }
};

static const struct argp status_argp = {
	.options = status_options, .parser = parse, .children = cli_common,
	.doc = "Show cards, their VFs, and which guest has which VF. Guests are asked, not believed.",
};

/**
 * cmd_status() - svff status
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status.
 */
int cmd_status(struct cli *cli, int argc, char **argv)
{
	if (argp_parse(&status_argp, argc, argv, 0, NULL, cli))
		return CLI_USAGE;
	return show_cards(cli, show_card, true);
}

/* ---- list ---- */

static int list_card(struct cli *cli, struct svff_card *card, struct json_object *cards)
{
	const char *note = "";

	(void)cli;
	if (cards) {
		json_object_array_add(cards, card_json(card));
		return 0;
	}
	if (!svff_card_is_bound(card))
		note = *svff_card_driver(card) ? "another driver has it: unbind it, then 'modprobe svff_pf'" :
						 "not bound to svff_pf: 'modprobe svff_pf'";
	else if (!svff_card_has_sriov(card))
		note = "no SR-IOV";
	printf("%-12s  %04x:%04x  %-10s  %s%s%s  VFs %u/%u%s%s\n", svff_card_address(card), svff_card_vendor(card),
	       svff_card_device(card), or_dash(svff_card_driver(card)), or_dash(svff_card_ip_type(card)),
	       *svff_card_ip_version(card) ? " " : "", svff_card_ip_version(card), svff_card_vfs(card),
	       svff_card_vfs_total(card), *note ? "  " : "", note);
	return 0;
}

static const struct argp list_argp = {
	.parser = parse, .children = cli_common,
	.doc = "Show all cards of this machine, also those that svff_pf does not have.",
};

/**
 * cmd_list() - svff list
 * @cli: the tool
 * @argc: count of words
 * @argv: words
 *
 * Return: exit status; a machine without cards is no error.
 */
int cmd_list(struct cli *cli, int argc, char **argv)
{
	if (argp_parse(&list_argp, argc, argv, 0, NULL, cli))
		return CLI_USAGE;
	return show_cards(cli, list_card, false);
}
