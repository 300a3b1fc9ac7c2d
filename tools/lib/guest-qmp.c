// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A bare QEMU as guest, reached by its QMP socket.
 */
#include "priv.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define VFIO_TYPE	"vfio-pci"

#define ASK_MS		PLAN_GUEST_TIMEOUT_MS
/*
 * QEMU takes a second unplug request for the same device only 5 s after the first; asking again helps
 * with a guest that had not yet loaded its hot-plug driver.
 */
#define UNPLUG_AGAIN_MS	5500
#define REFUSED_AGAIN_MS 1000

/* What QEMU says, and what helps. */
static const struct {
	const char *says, *hint;
} hints[] = {
	{ "Permission denied", "let the user of that QEMU open the VFIO group's node" },
	{ "Cannot allocate memory", "raise the locked-memory limit of that QEMU above the guest's memory" },
	{ "Device or resource busy", "another process has it; 'svff status' tells known guests" },
	{ "not support hotplug", "start QEMU with '-device pcie-root-port,id=PORT,chassis=N', or name such a "
	  "port by --bus" },
	{ "Duplicate", "detach the device of that name first" },
	{ "no such host device", "see 'svff status' for the VFs that exist" },
	{ "not a valid device model name", "use a QEMU that was built with VFIO" },
	{ "not found", "see 'svff doctor --guest' for the guest's ports" },
};

static const char *hint_for(const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hints); i++)
		if (strstr(text, hints[i].says))
			return hints[i].hint;
	return "QEMU's own log may tell more";
}

static int guest_qmp_open(struct svff_guest *guest, unsigned int timeout_ms)
{
	struct qmp *qmp;
	int ret = qmp_open(guest->ctx, guest->path, timeout_ms, &qmp);

	if (!ret)
		guest->priv = qmp;
	return ret;
}

static int guest_qmp_reopen(struct svff_guest *guest, unsigned int timeout_ms)
{
	return qmp_reopen(guest->priv, timeout_ms);
}

static void guest_qmp_close(struct svff_guest *guest)
{
	qmp_close(guest->priv);
}

static int guest_qmp_add(struct svff_guest *guest, const char *id, const char *bdf, const char *bus,
			 unsigned int timeout_ms)
{
	struct json_object *args = svff_json_args("driver", VFIO_TYPE, "id", id);
	const char *text;
	int ret;

	if (args)
		json_object_object_add(args, "host", json_object_new_string(bdf));
	if (args && bus[0])
		json_object_object_add(args, "bus", json_object_new_string(bus));
	ret = guest_ask(guest, "device_add", args, -1, timeout_ms);
	if (!ret)
		ret = qmp_answer(guest->priv, INT64_MAX, NULL);
	if (ret == -ECONNRESET)
		return guest_see_after_all(guest, id, guest_qemu_has, 1);
	if (ret != -EREMOTEIO)
		return ret;
	text = qmp_error_text(guest->priv);
	return svff_fail(guest->ctx, ret, "guest %s did not take %s: %s; %s", guest->uri, bdf, text,
			 hint_for(text));
}

/* QEMU refuses for now: a request is under way, or the guest blinks the slot's power light. */
static bool refused_for_now(const char *text)
{
	return strstr(text, "in the process of unplug") || strstr(text, "guest is busy");
}

/*
 * Ask once: 1 if the device is gone already, 0 if the guest was asked or @again_ms later is to be asked
 * again, or an error.
 */
static int ask_unplug(struct svff_guest *guest, const char *id, unsigned int *again_ms)
{
	int ret = guest_monitor(guest, "device_del", svff_json_args("id", id, NULL, NULL), -1, ASK_MS, NULL);

	*again_ms = UNPLUG_AGAIN_MS;
	if (ret != -EREMOTEIO)
		return ret;
	if (!strcmp(qmp_error_class(guest->priv), "DeviceNotFound"))
		return 1;
	*again_ms = REFUSED_AGAIN_MS;
	if (refused_for_now(qmp_error_text(guest->priv)))
		return 0;
	return svff_fail(guest->ctx, ret, "guest %s cannot unplug %s: %s", guest->uri, id,
			 qmp_error_text(guest->priv));
}

/* 1 if the device has gone, 0 if it is still there when @until comes, or an error. */
static int wait_unplug(struct svff_guest *guest, const char *id, int64_t until)
{
	static const char *const names[] = { "DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR", NULL };
	struct json_object *event;
	bool gone;
	int ret = qmp_wait_event(guest->priv, names, id, until, &event);

	if (ret == -ETIMEDOUT || ret == -ECONNRESET) {	/* its event may have come without this connection */
		if (ret == -ECONNRESET)
			svff_nap_ms(REFUSED_AGAIN_MS);
		ret = guest_qemu_has(guest, id);
		return ret < 0 ? ret : !ret;
	}
	if (ret)
		return ret;
	gone = !strcmp(svff_json_text(event, "event"), names[0]);
	json_object_put(event);
	if (!gone)
		svff_nap_ms(REFUSED_AGAIN_MS);
	return gone;
}

static const char *guest_run_state(struct svff_guest *guest, char buf[SVFF_WORD_LEN])
{
	struct json_object *status;

	svff_copy(buf, SVFF_WORD_LEN, "unknown");
	if (qmp_command(guest->priv, "query-status", NULL, ASK_MS, &status))
		return buf;
	svff_copy(buf, SVFF_WORD_LEN, svff_json_text(status, "status"));
	json_object_put(status);
	return buf;
}

static int guest_qmp_del(struct svff_guest *guest, const char *id, unsigned int timeout_ms)
{
	int64_t begin = svff_now_ms(), end = begin + timeout_ms, until;
	char status[SVFF_WORD_LEN];
	unsigned int again_ms;
	int ret;

	for (;;) {
		ret = ask_unplug(guest, id, &again_ms);
		if (ret)
			break;
		until = svff_now_ms() + again_ms;
		ret = wait_unplug(guest, id, until < end ? until : end);
		if (ret || svff_now_ms() >= end)
			break;
		svff_log(guest->ctx, SVFF_LOG_INFO, "waiting for guest %s to release %s (%d s of %d s)", guest->uri,
			 id, (int)((svff_now_ms() - begin) / MSEC_PER_SEC), (int)(timeout_ms / MSEC_PER_SEC));
	}
	if (ret)
		return ret < 0 ? ret : 0;
	return svff_fail(guest->ctx, -ETIMEDOUT, "guest %s (%s) did not release %s within %u s: unload its driver in "
			 "the guest, or try again with a longer --timeout%s", guest->uri,
			 guest_run_state(guest, status), id, timeout_ms / MSEC_PER_SEC,
			 guest_can_pause(guest) == 1 ? "; 'svff pause' needs no help of the guest" : "");
}

static int guest_qmp_pid(struct svff_guest *guest)
{
	return qmp_peer_pid(guest->priv);
}

static int guest_qmp_ask(struct svff_guest *guest, const char *command, struct json_object *args, int fd,
			 unsigned int timeout_ms)
{
	return qmp_ask(guest->priv, command, args, fd, timeout_ms);
}

static int guest_qmp_answer(struct svff_guest *guest, int64_t until_ms, struct json_object **ret)
{
	return qmp_answer(guest->priv, until_ms, ret);
}

static int guest_qmp_answer_fd(struct svff_guest *guest)
{
	return qmp_fd(guest->priv);
}

static const char *guest_qmp_refusal(struct svff_guest *guest)
{
	return qmp_error_text(guest->priv);
}

const struct svff_guest_ops svff_guest_qmp_ops = {
	.scheme   = "qmp",
	.id_prefix = "",
	.is_path  = true,
	.open     = guest_qmp_open,
	.reopen   = guest_qmp_reopen,
	.close    = guest_qmp_close,
	.has      = guest_qemu_has,
	.find     = guest_qemu_find,
	.ports    = guest_qemu_ports,
	.add      = guest_qmp_add,
	.del      = guest_qmp_del,
	.memory   = guest_qemu_memory,
	.pid      = guest_qmp_pid,
	.can_vfio = guest_qemu_can_vfio,
	.ask      = guest_qmp_ask,
	.answer   = guest_qmp_answer,
	.answer_fd = guest_qmp_answer_fd,
	.refusal  = guest_qmp_refusal,
};
