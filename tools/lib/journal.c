// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a plan leaves behind while it runs, one file per card in the run folder, gone when it has ended well:
 *
 *	line 1		the command, its process, the picture before and the picture that was meant to be
 *	further lines	each step, before it is done or taken back
 *
 * The first line appears as a whole, and each line is on disk before its step begins; a last line that is
 * cut off says of no step that it began. Whoever finds a journal while holding the card's lock knows that
 * its writer was killed, or could not take everything back. Then only 'svff recover' may change the card.
 */
#include "priv.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOURNAL_VERSION		1
#define JOURNAL_SIZE_MAX	(16U << 20)

static int journal_path(struct svff_ctx *ctx, char path[PATH_MAX], const char *card, const char *suffix)
{
	return svff_path(ctx, SVFF_DIR_RUN, path, "%s.journal%s", card, suffix);
}

static char *encode_line(struct json_object *object)
{
	char *line;

	if (asprintf(&line, "%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
		line = NULL;
	json_object_put(object);
	return line;
}

static char *encode_header(const struct svff_plan *plan)
{
	struct json_object *root = json_object_new_object();

	json_object_object_add(root, "version", json_object_new_int(JOURNAL_VERSION));
	json_object_object_add(root, "card", json_object_new_string(plan->card->address));
	json_object_object_add(root, "command", json_object_new_string(plan->command));
	json_object_object_add(root, "pid", json_object_new_int(getpid()));
	json_object_object_add(root, "old", picture_encode(&plan->now));
	json_object_object_add(root, "new", picture_encode(&plan->to));
	return encode_line(root);
}

static int journal_failed(struct svff_plan *plan, int err)
{
	return svff_fail(plan->ctx, err, "card %s: cannot write the journal in %s: %s", plan->card->address,
			 plan->ctx->dir[SVFF_DIR_RUN], strerror(-err));
}

static int open_journal(struct svff_plan *plan)
{
	char path[PATH_MAX];
	int ret = journal_path(plan->ctx, path, plan->card->address, "");

	if (ret)
		return ret;
	plan->journal_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	return plan->journal_fd < 0 ? -errno : 0;
}

/**
 * journal_begin() - note what a plan is about to do
 * @plan: the plan; one that recovers goes on in the journal that it found
 *
 * Context: under state_lock().
 * Return: 0, or a negative errno.
 */
int journal_begin(struct svff_plan *plan)
{
	char path[PATH_MAX], draft[PATH_MAX], *line = NULL;
	int ret = 0;

	if (!plan->recovers) {
		line = encode_header(plan);
		ret = line ? journal_path(plan->ctx, path, plan->card->address, "") : -ENOMEM;
		if (!ret)
			ret = journal_path(plan->ctx, draft, plan->card->address, ".new");
		if (!ret)
			ret = svff_file_replace(path, draft, line);
		free(line);
	}
	if (!ret)
		ret = open_journal(plan);
	return ret ? journal_failed(plan, ret) : 0;
}

/**
 * journal_step() - note that a step begins
 * @plan: the plan
 * @step: the step
 * @undo: it is to be taken back
 *
 * Return: 0, or a negative errno; 0 if the plan has no journal.
 */
int journal_step(struct svff_plan *plan, const struct svff_step *step, bool undo)
{
	struct json_object *root;
	size_t len;
	char *line;
	int ret = 0;

	if (plan->journal_fd < 0)
		return 0;
	root = json_object_new_object();
	json_object_object_add(root, "step", json_object_new_int(step->index + 1));
	json_object_object_add(root, "name", json_object_new_string(svff_step_name(step)));
	json_object_object_add(root, "undo", json_object_new_boolean(undo));
	line = encode_line(root);
	if (!line)
		return journal_failed(plan, -ENOMEM);
	len = strlen(line);
	errno = EIO;
	if (write(plan->journal_fd, line, len) != (ssize_t)len || fsync(plan->journal_fd))
		ret = -errno;
	free(line);
	return ret ? journal_failed(plan, ret) : 0;
}

/**
 * journal_end() - nothing is left to be recovered
 * @plan: the plan
 */
void journal_end(struct svff_plan *plan)
{
	char path[PATH_MAX];

	if (plan->journal_fd < 0)
		return;
	close(plan->journal_fd);
	plan->journal_fd = -1;
	if (!journal_path(plan->ctx, path, plan->card->address, "") && unlink(path))
		svff_log(plan->ctx, SVFF_LOG_WARNING, "%s cannot be removed: %s", path, strerror(errno));
}

/**
 * journal_forget() - drop the journal of a card
 * @ctx: the context
 * @card: its address
 *
 * Context: under state_lock().
 * Return: 0, or a negative errno.
 */
int journal_forget(struct svff_ctx *ctx, const char *card)
{
	char path[PATH_MAX];
	int ret = journal_path(ctx, path, card, "");

	if (!ret && unlink(path) && errno != ENOENT)
		ret = -errno;
	return ret ? svff_fail(ctx, ret, "card %s: cannot remove its journal: %s", card, strerror(-ret)) : 0;
}

/**
 * journal_exists() - did a command leave a journal?
 * @ctx: the context
 * @card: address of the card
 *
 * Return: true if so.
 */
bool journal_exists(struct svff_ctx *ctx, const char *card)
{
	char path[PATH_MAX];

	return !journal_path(ctx, path, card, "") && !access(path, F_OK);
}

static int decode_header(struct json_object *root, struct journal *journal)
{
	struct json_object *old, *new;
	unsigned int version;
	int ret;

	if (svff_json_uint(root, "version", UINT_MAX, &version) || version != JOURNAL_VERSION ||
	    svff_json_uint(root, "pid", INT_MAX, &journal->pid) ||
	    !json_object_object_get_ex(root, "old", &old) || !json_object_object_get_ex(root, "new", &new))
		return -EBADMSG;
	svff_copy(journal->command, sizeof(journal->command), svff_json_text(root, "command"));
	ret = picture_decode(old, &journal->old);
	if (!ret)
		ret = picture_decode(new, &journal->new);
	return !ret && journal->old.room != journal->new.room ? -EBADMSG : ret;
}

/* The last line that is whole. */
static void decode_last(char *text, struct journal *journal)
{
	char *end = strrchr(text, '\n'), *begin;
	struct json_object *root, *undo;

	if (end)
		*end = '\0';
	begin = strrchr(text, '\n');
	root = begin ? json_tokener_parse(begin + 1) : NULL;
	if (!root)
		return;
	svff_copy(journal->step, sizeof(journal->step), svff_json_text(root, "name"));
	journal->undo = json_object_object_get_ex(root, "undo", &undo) && json_object_get_boolean(undo);
	json_object_put(root);
}

/**
 * journal_load() - read what a command left
 * @ctx: the context
 * @card: address of the card
 * @journal: result, for journal_clear()
 *
 * Return: 0, -ENOENT without an error text if there is none, or another negative errno.
 */
int journal_load(struct svff_ctx *ctx, const char *card, struct journal *journal)
{
	struct json_object *root = NULL;
	char path[PATH_MAX], *text = NULL;
	int ret = journal_path(ctx, path, card, "");

	memset(journal, 0, sizeof(*journal));
	if (!ret)
		ret = svff_file_text(path, JOURNAL_SIZE_MAX, &text);
	if (ret == -ENOENT)
		return ret;
	if (!ret)
		root = json_tokener_parse(text);
	if (!ret)
		ret = root ? decode_header(root, journal) : -EBADMSG;
	if (!ret)
		decode_last(text, journal);
	json_object_put(root);
	free(text);
	if (!ret)
		return 0;
	journal_clear(journal);
	return svff_fail(ctx, ret, "%s, the journal of a command that was killed, cannot be read: %s; see 'svff status', "
			 "and 'svff recover --forget'", path, strerror(-ret));
}

/**
 * journal_clear() - free what a journal holds in memory
 * @journal: the journal
 */
void journal_clear(struct journal *journal)
{
	picture_clear(&journal->old);
	picture_clear(&journal->new);
}
