// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which guest has which VF: one file per card in the run folder.
 *
 * The file is a note, not the truth: the truth is in the guest, which is asked before the note is used
 * (card_verify_owners()). It is written before a VF is given away, so that a tool that is killed leaves
 * too much in it and never too little. It is replaced as a whole, under a lock that is held for as long
 * as a command changes the card.
 */
#include "priv.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_VERSION	1
#define STATE_SIZE_MAX	(4U << 20)
#define LOCK_WAIT_MS	60000
#define LOCK_POLL_MS	50
#define RUN_MODE	0755
#define FILE_MODE	0644

static int run_dir(struct svff_ctx *ctx)
{
	const char *dir = ctx->dir[SVFF_DIR_RUN];

	if ((!mkdir(dir, RUN_MODE) && !chmod(dir, RUN_MODE)) || errno == EEXIST)	/* whatever the umask */
		return 0;
	return svff_fail(ctx, -errno, "cannot make folder %s: %s%s", dir, strerror(errno),
			 errno == EACCES ? "; be root" : "");
}

static int state_path(struct svff_ctx *ctx, char path[PATH_MAX], const char *card, const char *suffix)
{
	return svff_path(ctx, SVFF_DIR_RUN, path, "%s.%s", card, suffix);
}

/**
 * state_find() - who has a VF, by the note
 * @state: the note
 * @vf: its number
 *
 * Return: the owner, or NULL.
 */
struct svff_owner *state_find(const struct svff_state *state, unsigned int vf)
{
	size_t i;

	for (i = 0; i < state->count; i++)
		if (state->owner[i].vf == vf)
			return &state->owner[i];
	return NULL;
}

/**
 * state_set() - note that a guest has a VF
 * @state: the note, in memory
 * @vf: number of the VF
 * @guest: URI of the guest
 * @id: the guest's name for the device
 * @bus: port it is behind, may be empty
 *
 * Return: 0, or -ENOMEM.
 */
int state_set(struct svff_state *state, unsigned int vf, const char *guest, const char *id,
	      const char *bus)
{
	struct svff_owner *owner = state_find(state, vf);
	char *name = strdup(guest);
	bool asked = owner && owner->unplug_asked;

	if (!name)
		return -ENOMEM;
	state_drop(state, vf);
	owner = reallocarray(state->owner, state->count + 1, sizeof(*owner));
	if (!owner) {
		free(name);
		return -ENOMEM;
	}
	state->owner = owner;
	owner += state->count++;
	owner->vf = vf;
	owner->guest = name;
	owner->silent = false;
	owner->unplug_asked = asked;
	svff_copy(owner->id, sizeof(owner->id), id);
	svff_copy(owner->bus, sizeof(owner->bus), bus);
	return 0;
}

/**
 * state_drop() - note that nobody has a VF
 * @state: the note, in memory
 * @vf: number of the VF
 */
void state_drop(struct svff_state *state, unsigned int vf)
{
	struct svff_owner *owner = state_find(state, vf);
	size_t after;

	if (!owner)
		return;
	free(owner->guest);
	after = &state->owner[state->count] - (owner + 1);
	memmove(owner, owner + 1, after * sizeof(*owner));
	state->count--;
}

/**
 * state_clear() - free what a note holds in memory
 * @state: the note
 */
void state_clear(struct svff_state *state)
{
	size_t i;

	for (i = 0; i < state->count; i++)
		free(state->owner[i].guest);
	free(state->owner);
	memset(state, 0, sizeof(*state));
}

static int decode_owner(struct svff_state *state, struct json_object *entry)
{
	const char *guest = svff_json_text(entry, "guest"), *id = svff_json_text(entry, "device");
	struct json_object *asked;
	unsigned int vf;
	int ret;

	if (!*guest || !*id || svff_json_uint(entry, "vf", SVFF_VF_MAX, &vf) || !vf)
		return -EBADMSG;
	ret = state_set(state, vf, guest, id, svff_json_text(entry, "bus"));
	if (!ret && json_object_object_get_ex(entry, "unplug_asked", &asked))
		state_find(state, vf)->unplug_asked = json_object_get_boolean(asked);
	return ret;
}

static int decode_state(struct svff_state *state, struct json_object *root)
{
	struct json_object *list;
	unsigned int version;
	int ret = 0;
	size_t i;

	if (svff_json_uint(root, "version", UINT_MAX, &version) || version != STATE_VERSION)
		return -EBADMSG;
	if (!json_object_object_get_ex(root, "attached", &list) ||
	    !json_object_is_type(list, json_type_array))
		return -EBADMSG;
	for (i = 0; !ret && i < json_object_array_length(list); i++)
		ret = decode_owner(state, json_object_array_get_idx(list, i));
	return ret;
}

/**
 * state_load() - read the note of a card
 * @ctx: the context
 * @card: its address
 * @state: result, replaced
 *
 * Return: 0 (also if there is no note), -EBADMSG if it cannot be understood, or another negative errno.
 */
int state_load(struct svff_ctx *ctx, const char *card, struct svff_state *state)
{
	struct json_object *root = NULL;
	char path[PATH_MAX], *text = NULL;
	int ret;

	state_clear(state);
	ret = state_path(ctx, path, card, "json");
	if (!ret)
		ret = svff_file_text(path, STATE_SIZE_MAX, &text);
	if (ret == -ENOENT)
		return 0;
	if (!ret)
		root = json_tokener_parse(text);
	if (!ret)
		ret = root ? decode_state(state, root) : -EBADMSG;
	json_object_put(root);
	free(text);
	if (!ret)
		return 0;
	state_clear(state);
	return svff_fail(ctx, ret, "%s, the note of which guest has which VF, cannot be read: %s; remove it when no "
			 "guest has a VF of this card", path, strerror(-ret));
}

static struct json_object *encode_state(const char *card, const struct svff_state *state)
{
	struct json_object *root = json_object_new_object(), *list = json_object_new_array(), *entry;
	size_t i;

	json_object_object_add(root, "version", json_object_new_int(STATE_VERSION));
	json_object_object_add(root, "card", json_object_new_string(card));
	for (i = 0; i < state->count; i++) {
		entry = json_object_new_object();
		json_object_object_add(entry, "vf", json_object_new_int(state->owner[i].vf));
		json_object_object_add(entry, "guest", json_object_new_string(state->owner[i].guest));
		json_object_object_add(entry, "device", json_object_new_string(state->owner[i].id));
		json_object_object_add(entry, "bus", json_object_new_string(state->owner[i].bus));
		if (state->owner[i].unplug_asked)
			json_object_object_add(entry, "unplug_asked", json_object_new_boolean(true));
		json_object_array_add(list, entry);
	}
	json_object_object_add(root, "attached", list);
	return root;
}

/**
 * state_save() - replace the note of a card
 * @ctx: the context
 * @card: its address
 * @state: the note
 *
 * Context: under state_lock().
 * Return: 0, or a negative errno; then the old note is still there.
 */
int state_save(struct svff_ctx *ctx, const char *card, const struct svff_state *state)
{
	char path[PATH_MAX], draft[PATH_MAX];
	struct json_object *root;
	int ret;

	ret = state_path(ctx, path, card, "json");
	if (!ret)
		ret = state_path(ctx, draft, card, "new");
	root = encode_state(card, state);
	if (!ret)
		ret = svff_file_replace(path, draft, json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
										    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
	if (ret)
		return svff_fail(ctx, ret, "cannot write %s: %s", path, strerror(-ret));
	return 0;
}

static void read_holder(int fd, char text[SVFF_WORD_LEN])
{
	ssize_t len = pread(fd, text, SVFF_WORD_LEN - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static int wait_lock(struct svff_ctx *ctx, const char *card, int fd)
{
	int64_t end = svff_now_ms() + LOCK_WAIT_MS;
	char holder[SVFF_WORD_LEN];
	bool told = false;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return svff_fail(ctx, -errno, "card %s: cannot lock: %s", card, strerror(errno));
		if (svff_cancelled(ctx))
			return svff_fail(ctx, -EINTR, "interrupted while another svff works on card %s", card);
		read_holder(fd, holder);
		if (svff_now_ms() >= end)
			return svff_fail(ctx, -EBUSY, "card %s: another svff (process %s) has worked on it for %d s; "
					 "wait for it or end it", card, holder, LOCK_WAIT_MS / MSEC_PER_SEC);
		if (!told)
			svff_log(ctx, SVFF_LOG_NOTICE, "card %s: waiting for another svff (process %s)", card, holder);
		told = true;
		svff_nap_ms(LOCK_POLL_MS);
	}
	return 0;
}

/**
 * state_lock() - be the only one who changes a card
 * @ctx: the context
 * @card: its address
 * @fd: the lock, for state_unlock()
 *
 * The lock goes with the process, however that ends. Waits for another holder, but not for ever.
 *
 * Return: 0, -EBUSY if another one keeps it, or another negative errno.
 */
int state_lock(struct svff_ctx *ctx, const char *card, int *fd)
{
	char path[PATH_MAX], pid[SVFF_WORD_LEN];
	int lock, len, ret = run_dir(ctx);

	if (!ret)
		ret = state_path(ctx, path, card, "lock");
	if (ret)
		return ret;
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	if (lock < 0)
		return svff_fail(ctx, -errno, "cannot open %s: %s%s", path, strerror(errno),
				 errno == EACCES ? "; be root" : "");
	ret = wait_lock(ctx, card, lock);
	if (ret) {
		close(lock);
		return ret;
	}
	len = snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(lock, 0) || pwrite(lock, pid, len, 0) != len)
		svff_log(ctx, SVFF_LOG_WARNING, "%s: cannot note who holds the lock", path);
	*fd = lock;
	return 0;
}

/**
 * state_is_locked() - is somebody changing a card just now?
 * @ctx: the context
 * @card: its address
 *
 * Return: true if so.
 */
bool state_is_locked(struct svff_ctx *ctx, const char *card)
{
	char path[PATH_MAX];
	bool locked;
	int fd;

	if (state_path(ctx, path, card, "lock"))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

/**
 * state_unlock() - let others change the card
 * @fd: the lock, or -1
 */
void state_unlock(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
