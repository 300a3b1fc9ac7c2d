// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Guests by URI. Each way to reach guests is one svff_guest_ops in the table below; nothing outside
 * of its file knows more than the operations.
 */
#include "priv.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef SVFF_LIBVIRT
static const struct svff_guest_ops *const guest_kinds[] = { &svff_guest_qmp_ops, &svff_guest_libvirt_ops };
#else
static const struct svff_guest_ops *const guest_kinds[] = { &svff_guest_qmp_ops };
#endif

#define LIBVIRT_SCHEME	"libvirt:"
#define ENDING_WAIT_MS	2000	/* from the first to the last file that an ending QEMU closes */
#define ENDING_POLL_MS	50

static const struct svff_guest_ops *guest_kind(const char *uri, const char **path)
{
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(guest_kinds); i++) {
		len = strlen(guest_kinds[i]->scheme);
		if (!strncmp(uri, guest_kinds[i]->scheme, len) && uri[len] == ':') {
			*path = uri + len + 1;
			return guest_kinds[i];
		}
	}
	return NULL;
}

/* The same socket by two spellings is one guest; a path that is not there yet stays as it is. */
static char *guest_uri_of_path(const char *path)
{
	char *real = realpath(path, NULL), *uri = NULL;

	if (asprintf(&uri, "qmp:%s", real ? real : path) < 0)
		uri = NULL;
	free(real);
	return uri;
}

/**
 * svff_guest_uri() - the normal form of a guest's name
 * @ctx: the context
 * @text: a URI, or the path of a QMP socket
 * @uri: result, to be freed
 *
 * Return: 0, -EINVAL if it names no guest, or another negative errno.
 */
int svff_guest_uri(struct svff_ctx *ctx, const char *text, char **uri)
{
	const struct svff_guest_ops *kind;
	const char *path = text;
	struct stat st;

	kind = guest_kind(text, &path);
	if (!kind && !strncmp(text, LIBVIRT_SCHEME, strlen(LIBVIRT_SCHEME)))
		return svff_fail(ctx, -EOPNOTSUPP, "guest '%s': this svff was built without libvirt", text);
	if (!kind && (stat(text, &st) || !S_ISSOCK(st.st_mode)))
		return svff_fail(ctx, -EINVAL, "guest '%s' is neither a URI (qmp:/path/to/socket, libvirt:DOMAIN) nor a "
				 "unix socket that exists", text);
	if (!*path)
		return svff_fail(ctx, -EINVAL, "guest '%s' names no %s", text, kind->is_path ?
				 "socket: write qmp:/path/to/socket" : "domain: write libvirt:DOMAIN");
	*uri = !kind || kind->is_path ? guest_uri_of_path(path) : strdup(text);
	return *uri ? 0 : svff_fail(ctx, -ENOMEM, "guest '%s': out of memory", text);
}

/**
 * svff_guest_open() - connect to a guest
 * @ctx: the context
 * @uri: its name, in normal form
 * @timeout_ms: how long it may take
 * @out: the guest
 *
 * Return: 0, -ENOTCONN if there is no such guest, or another negative errno.
 */
int svff_guest_open(struct svff_ctx *ctx, const char *uri, unsigned int timeout_ms,
		    struct svff_guest **out)
{
	struct svff_guest *guest = calloc(1, sizeof(*guest));
	int ret = -ENOMEM;

	if (guest)
		guest->uri = strdup(uri);
	if (!guest || !guest->uri) {
		svff_fail(ctx, ret, "guest %s: out of memory", uri);
		goto free_guest;
	}
	guest->ctx = ctx;
	guest->can_pause = -1;
	guest->ops = guest_kind(guest->uri, &guest->path);
	if (!guest->ops) {
		ret = svff_fail(ctx, -EINVAL, "guest '%s' is of no kind that is known here", uri);
		goto free_guest;
	}
	guest->gives_group = guest->ops->needs_fd;
	ret = guest->ops->open(guest, timeout_ms);
	if (ret)
		goto free_guest;
	*out = guest;
	return 0;

free_guest:
	if (guest)
		free(guest->uri);
	free(guest);
	return ret;
}

/**
 * guest_is_ending() - is it worth the while to try again to connect to a guest?
 * @err: what came of the last try
 * @since_ms: time of the first one, as svff_now_ms()
 *
 * A guest that is just ending may take the connection and drop it, and a libvirt that is started anew takes
 * none for a moment: what matters is whether the guest is there afterwards. Sleeps a moment if so.
 *
 * Return: true if so.
 */
bool guest_is_ending(int err, int64_t since_ms)
{
	if ((err != -ECONNRESET && err != -ECONNREFUSED) || svff_now_ms() - since_ms >= ENDING_WAIT_MS)
		return false;
	svff_nap_ms(ENDING_POLL_MS);
	return true;
}

/**
 * guest_reopen() - connect anew to a guest, the connection to which was lost
 * @guest: the guest; nothing is under way there, as far as is known
 *
 * Return: 0, -ENOTCONN if there is no such guest any more, or another negative errno; commands to it fail then.
 */
int guest_reopen(struct svff_guest *guest)
{
	int64_t begin = svff_now_ms();
	int ret;

	do
		ret = guest->ops->reopen(guest, PLAN_GUEST_TIMEOUT_MS);
	while (guest_is_ending(ret, begin));
	return ret;
}

/**
 * guest_ask() - give a command to a guest's QEMU
 * @guest: the guest
 * @command: its name
 * @args: its arguments, or NULL; the reference is taken, also on failure
 * @fd: descriptor that goes with it, negative for none; stays the caller's
 * @timeout_ms: how long QEMU may take
 *
 * A connection that was lost since the last command says nothing of the guest: one that lives gets it on a new one.
 * Nor does it when that cannot be had for now, as from a libvirtd that is started anew.
 *
 * Return: 0, then the answer is to be taken; -ECONNRESET if the guest has ended; or another negative errno.
 */
int guest_ask(struct svff_guest *guest, const char *command, struct json_object *args, int fd, unsigned int timeout_ms)
{
	int again, ret = guest->ops->ask(guest, command, json_object_get(args), fd, timeout_ms);

	if (ret == -ECONNRESET) {
		again = guest_reopen(guest);
		if (!again)
			again = guest->ops->ask(guest, command, json_object_get(args), fd, timeout_ms);
		ret = again == -ECONNRESET ? -EIO : again == -ENOTCONN ? ret : again;
	}
	json_object_put(args);
	return ret;
}

/**
 * guest_monitor() - give a command to a guest's QEMU, and wait for the answer
 * @guest: the guest
 * @command: its name
 * @args: its arguments, or NULL; the reference is taken, also on failure
 * @fd: descriptor that goes with it, negative for none; stays the caller's
 * @timeout_ms: how long QEMU may take
 * @ret: what it returned, or NULL if nobody wants to know
 *
 * Return: 0, -EREMOTEIO if QEMU refuses it, -ECONNRESET if the guest has ended, or another negative errno.
 */
int guest_monitor(struct svff_guest *guest, const char *command, struct json_object *args, int fd,
		  unsigned int timeout_ms, struct json_object **ret)
{
	char why[SVFF_ERROR_LEN];
	int err = guest_ask(guest, command, args, fd, timeout_ms);

	if (err)
		return err;
	err = guest->ops->answer(guest, INT64_MAX, ret);
	if (err != -ECONNRESET)
		return err;
	svff_copy(why, sizeof(why), guest->ctx->error);
	return svff_fail(guest->ctx, guest_reopen(guest) == -ENOTCONN ? err : -EIO, "%s", why);
}

/**
 * guest_see_after_all() - the answer to a command was lost: has it been done?
 * @guest: the guest
 * @id: its name of the device that the command was about
 * @look: tells how the device is: 1, 0, -ENOENT if there is none of this name, or another negative errno
 * @wanted: how it is to be
 *
 * A lost answer says nothing of the command: a guest that lives is asked. QEMU answers when it has done what it was
 * told before.
 *
 * Return: 0 if the device is as wanted, -EIO if it is not, -ETIMEDOUT if that is not known; -ECONNRESET if the guest
 * has ended, -ENOENT if it has unplugged the device, or is another one at the same place.
 */
int guest_see_after_all(struct svff_guest *guest, const char *id,
			int (*look)(struct svff_guest *guest, const char *id), int wanted)
{
	char why[SVFF_ERROR_LEN];
	int ret;

	svff_copy(why, sizeof(why), guest->ctx->error);
	ret = guest_reopen(guest);
	if (ret == -ENOTCONN)
		return svff_fail(guest->ctx, -ECONNRESET, "%s", why);
	if (!ret)
		ret = look(guest, id);
	if (ret == wanted)
		return 0;
	if (ret == -ENOENT)
		return svff_fail(guest->ctx, ret, "%s; it has no device %s any more", why, id);
	return svff_fail(guest->ctx, ret < 0 ? -ETIMEDOUT : -EIO, "%s", why);
}

/**
 * guest_need_ports() - has a guest enough hot-plug ports?
 * @guest: the guest
 * @need: how many devices are to be plugged
 * @freed: how many ports will be free by then that are not so now
 * @ports: its ports
 *
 * Return: 0, also if it needs none; -ENOSPC, or another negative errno.
 */
int guest_need_ports(struct svff_guest *guest, unsigned int need, unsigned int freed, struct svff_guest_ports *ports)
{
	int ret = guest->ops->ports(guest, ports);

	if (ret || !ports->needs_port || need <= ports->free + freed)
		return ret;
	if (!ports->free)
		return svff_fail(guest->ctx, -ENOSPC, "guest %s has no free hot-plug port (%u, all taken): start QEMU with "
				 "one more '-device pcie-root-port,id=PORT,chassis=N', or detach something", guest->uri,
				 ports->total);
	return svff_fail(guest->ctx, -ENOSPC, "guest %s has too few free hot-plug ports (%u, %u free, %u needed): start QEMU "
			 "with one more '-device pcie-root-port,id=PORT,chassis=N' for each, or detach something", guest->uri,
			 ports->total, ports->free, need - freed);
}

/**
 * svff_guest_device_id() - name that a guest is to give to a VF
 * @uri: name of the guest, in normal form
 * @card: address of the card
 * @vf: number of the VF
 * @id: result
 */
void svff_guest_device_id(const char *uri, const char *card, unsigned int vf, char id[SVFF_ID_LEN])
{
	const struct svff_guest_ops *kind = guest_kind(uri, &(const char *){ NULL });
	const char *prefix = kind ? kind->id_prefix : "";
	char *c;

	snprintf(id, SVFF_ID_LEN, "%ssvff-vf%u-%s", prefix, vf, card);
	for (c = id; *c; c++) {
		if (*c == ':')	/* QEMU's ids have no colon, libvirt's neither that nor a point */
			*c = *prefix ? '-' : '.';
		else if (*c == '.' && *prefix)
			*c = '-';
	}
}

/**
 * svff_guest_close() - disconnect from a guest
 * @guest: the guest, or NULL
 */
void svff_guest_close(struct svff_guest *guest)
{
	if (!guest)
		return;
	guest->ops->close(guest);
	free(guest->uri);
	free(guest);
}
