// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pause and unpause of a device in its guest: QEMU's commands, for all kinds of guests whose QEMU can be
 * given commands (svff_guest_ops.ask).
 *
 * A paused device keeps its place in the guest, and QEMU holds nothing of the host's VF. QEMU refuses a
 * pause before it changes anything, and a device whose unpause failed stays paused: both can be tried again.
 */
#include "priv.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ASK_MS		PLAN_GUEST_TIMEOUT_MS
#define CMD_PAUSE	"vfio-pci-pause"
#define CMD_UNPAUSE	"vfio-pci-unpause"
#define CMD_QUERY	"query-vfio-pci"

static int ask_list(struct svff_guest *guest, const char *command, struct json_object **list)
{
	int ret = guest_monitor(guest, command, NULL, -1, ASK_MS, list);

	if (ret || json_object_is_type(*list, json_type_array))
		return ret;
	json_object_put(*list);
	return svff_fail(guest->ctx, -EPROTO, "guest %s: '%s' has an answer of a form that is not known", guest->uri,
			 command);
}

/* The entry of a list whose member @key is @value, or NULL; it belongs to the list. */
static struct json_object *entry_of(struct json_object *list, const char *key, const char *value)
{
	struct json_object *entry;
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++) {
		entry = json_object_array_get_idx(list, i);
		if (!strcmp(svff_json_text(entry, key), value))
			return entry;
	}
	return NULL;
}

/**
 * guest_can_pause() - has the guest's QEMU the commands?
 * @guest: the guest
 *
 * Return: 1 if so, 0 if not, or a negative errno.
 */
int guest_can_pause(struct svff_guest *guest)
{
	struct json_object *list;
	int ret;

	if (guest->can_pause >= 0)
		return guest->can_pause;
	ret = ask_list(guest, "query-commands", &list);
	if (ret)
		return ret;
	guest->can_pause = entry_of(list, "name", CMD_PAUSE) && entry_of(list, "name", CMD_UNPAUSE) &&
			   entry_of(list, "name", CMD_QUERY);
	json_object_put(list);
	return guest->can_pause;
}

/* 1 if the device is paused, 0 if not, -ENOENT if the guest has no such device, or another negative errno. */
static int look_paused(struct svff_guest *guest, const char *id)
{
	struct json_object *list, *entry;
	int ret = ask_list(guest, CMD_QUERY, &list);

	if (ret)
		return ret;
	entry = entry_of(list, "device-id", id);
	ret = entry ? !strcmp(svff_json_text(entry, "state"), "paused") : -ENOENT;
	json_object_put(list);
	return ret;
}

/**
 * guest_is_paused() - is a device of a guest paused?
 * @guest: the guest
 * @id: its name of the device
 *
 * Return: 1 if so, 0 if not, if there is no such device or if the guest cannot pause at all, or a negative errno.
 */
int guest_is_paused(struct svff_guest *guest, const char *id)
{
	int ret = guest_can_pause(guest);

	if (ret > 0)
		ret = look_paused(guest, id);
	return ret == -ENOENT ? 0 : ret;
}

static int need_pause(struct svff_guest *guest)
{
	int ret = guest_can_pause(guest);

	if (ret)
		return ret < 0 ? ret : 0;
	return svff_fail(guest->ctx, -EOPNOTSUPP, "guest %s: its QEMU cannot pause devices ('%s' is missing); 'svff detach' "
			 "works with every QEMU", guest->uri, CMD_PAUSE);
}

/**
 * guest_begin_pause() - ask for a device's host side to be let go of, while the guest keeps the device
 * @guest: the guest
 * @id: its name of the device
 * @timeout_ms: how long QEMU may take
 *
 * Return: 0, -EOPNOTSUPP if this QEMU cannot, or another negative errno.
 */
int guest_begin_pause(struct svff_guest *guest, const char *id, unsigned int timeout_ms)
{
	int ret = need_pause(guest);

	return ret ? ret : guest_ask(guest, CMD_PAUSE, svff_json_args("id", id, NULL, NULL), -1, timeout_ms);
}

static bool is_lost(int err)
{
	return err && err != -EINPROGRESS && err != -EREMOTEIO && err != -ETIMEDOUT;
}

/**
 * guest_end_pause() - has QEMU let go of it?
 * @guest: the guest
 * @id: its name of the device, as in guest_begin_pause()
 * @until_ms: how long to wait for that, as svff_now_ms()
 *
 * Return: 0, also if it was paused already; -EINPROGRESS if there is no answer yet; -ETIMEDOUT if none came, and QEMU
 * may still do it; -ECONNRESET if the guest has ended, -ENOENT if it has the device no more; or another negative errno.
 */
int guest_end_pause(struct svff_guest *guest, const char *id, int64_t until_ms)
{
	int ret = guest->ops->answer(guest, until_ms, NULL);

	if (is_lost(ret))
		return guest_see_after_all(guest, id, look_paused, 1);
	if (ret != -EREMOTEIO)
		return ret;
	svff_fail(guest->ctx, ret, "guest %s did not pause %s: %s", guest->uri, id, guest->ops->refusal(guest));
	return guest_is_paused(guest, id) == 1 ? 0 : ret;
}

static void group_name(char name[SVFF_ID_LEN], int group)
{
	snprintf(name, SVFF_ID_LEN, "svff-group-%d", group);
}

/**
 * guest_drop_group() - have a guest's QEMU close the descriptor of a group that it was given, and has not used
 * @guest: the guest
 * @group: the IOMMU group
 *
 * A command that was killed may have left it one, which keeps the group open.
 *
 * Return: 0, also if it has none, or a negative errno.
 */
int guest_drop_group(struct svff_guest *guest, int group)
{
	char name[SVFF_ID_LEN];
	int ret;

	group_name(name, group);
	ret = guest_monitor(guest, "closefd", svff_json_args("fdname", name, NULL, NULL), -1, ASK_MS, NULL);
	return ret == -EREMOTEIO ? 0 : ret;
}

/* QEMU forgets the name of a descriptor when it takes it, so the same name serves each time. */
static int give_group(struct svff_guest *guest, const char *name, int group)
{
	char path[PATH_MAX];
	int fd, ret = svff_path(guest->ctx, SVFF_DIR_DEV, path, "vfio/%d", group);

	if (!ret)
		ret = guest_drop_group(guest, group);
	if (ret)
		return ret;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return svff_fail(guest->ctx, -errno, "guest %s: cannot open %s for it: %s", guest->uri, path,
				 strerror(errno));
	ret = guest_monitor(guest, "getfd", svff_json_args("fdname", name, NULL, NULL), fd, ASK_MS, NULL);
	close(fd);	/* the group counts as open until the last copy is closed */
	return ret;
}

/**
 * guest_begin_unpause() - ask for a host function to be put under a paused device of a guest
 * @guest: the guest
 * @unpause: which, and how
 *
 * Return: 0, -EOPNOTSUPP if this QEMU cannot, or another negative errno.
 */
int guest_begin_unpause(struct svff_guest *guest, const struct guest_unpause *unpause)
{
	struct json_object *args;
	char name[SVFF_ID_LEN];
	int ret = need_pause(guest);

	group_name(name, unpause->group);
	if (!ret && guest->gives_group)
		ret = give_group(guest, name, unpause->group);
	if (ret)
		return ret;
	args = svff_json_args("id", unpause->id, "host", unpause->bdf);
	if (guest->gives_group)
		json_object_object_add(args, "group-fd", json_object_new_string(name));
	if (unpause->discard_state)
		json_object_object_add(args, "discard-state", json_object_new_boolean(true));
	return guest_ask(guest, CMD_UNPAUSE, args, -1, unpause->timeout_ms);
}

/**
 * guest_end_unpause() - has QEMU put it there?
 * @guest: the guest
 * @unpause: as in guest_begin_unpause()
 * @until_ms: how long to wait for that, as svff_now_ms()
 *
 * A QEMU that may not open the group's node gets it opened, and is asked again.
 *
 * Return: 0; -EINPROGRESS if there is no answer yet; -ETIMEDOUT if none came, and QEMU may still do it; -ECONNRESET
 * if the guest has ended, -ENOENT if it has the device no more; or another negative errno, and then that is still paused.
 */
int guest_end_unpause(struct svff_guest *guest, const struct guest_unpause *unpause, int64_t until_ms)
{
	int ret = guest->ops->answer(guest, until_ms, NULL);

	if (is_lost(ret))
		return guest_see_after_all(guest, unpause->id, look_paused, 0);
	if (ret != -EREMOTEIO)
		return ret;
	if (!guest->gives_group && strstr(guest->ops->refusal(guest), "Permission denied")) {
		guest->gives_group = true;
		ret = guest_begin_unpause(guest, unpause);
		return ret ? ret : guest_end_unpause(guest, unpause, until_ms);
	}
	return svff_fail(guest->ctx, ret, "guest %s did not unpause %s with %s: %s; it stays paused", guest->uri,
			 unpause->id, unpause->bdf, guest->ops->refusal(guest));
}
