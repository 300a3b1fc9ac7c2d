// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A bare QEMU as guest, reached by its QMP socket.
 *
 * Devices and ports are looked up in QEMU's object tree and not by query-pci: query-pci shows what is
 * behind a port only after the firmware has given that port a bus number, and has no host addresses.
 */
#include "priv.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define PERIPHERAL	"/machine/peripheral"	/* devices that were given an id */
#define VFIO_TYPE	"vfio-pci"
#define QOM_CHILD	"child<"
#define QOM_PATH_LEN	256

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

static struct json_object *args2(const char *key1, const char *value1, const char *key2,
				 const char *value2)
{
	struct json_object *args = json_object_new_object();

	if (args)
		json_object_object_add(args, key1, json_object_new_string(value1));
	if (args && key2)
		json_object_object_add(args, key2, json_object_new_string(value2));
	return args;
}

static int odd_answer(struct svff_guest *guest, const char *command, struct json_object *answer)
{
	json_object_put(answer);
	return svff_fail(guest->ctx, -EPROTO, "guest %s: '%s' has an answer of a form that is not known",
			 guest->uri, command);
}

static int qom_list(struct svff_guest *guest, const char *path, struct json_object **list)
{
	int ret = qmp_command(guest->priv, "qom-list", args2("path", path, NULL, NULL), ASK_MS, list);

	if (!ret && !json_object_is_type(*list, json_type_array))
		return odd_answer(guest, "qom-list", *list);
	return ret;
}

static int qom_get(struct svff_guest *guest, const char *path, const char *property,
		   enum json_type type, struct json_object **value)
{
	int ret = qmp_command(guest->priv, "qom-get", args2("path", path, "property", property), ASK_MS,
			      value);

	if (!ret && !json_object_is_type(*value, type))
		return odd_answer(guest, "qom-get", *value);
	return ret;
}

static int guest_qmp_open(struct svff_guest *guest, unsigned int timeout_ms)
{
	struct qmp *qmp;
	int ret = qmp_open(guest->ctx, guest->path, timeout_ms, &qmp);

	if (!ret)
		guest->priv = qmp;
	return ret;
}

static void guest_qmp_close(struct svff_guest *guest)
{
	qmp_close(guest->priv);
}

static int guest_qmp_has(struct svff_guest *guest, const char *id)
{
	struct json_object *list;
	size_t i;
	int ret = qom_list(guest, PERIPHERAL, &list);

	if (ret)
		return ret;
	for (i = 0; !ret && i < json_object_array_length(list); i++)
		ret = !strcmp(svff_json_text(json_object_array_get_idx(list, i), "name"), id);
	json_object_put(list);
	return ret;
}

/* 1 if the device of this name is host function @bdf, 0 if not. */
static int is_host_function(struct svff_guest *guest, const char *name, const char *bdf)
{
	char path[QOM_PATH_LEN], host[SVFF_BDF_LEN];
	struct json_object *value;
	int ret;

	snprintf(path, sizeof(path), PERIPHERAL "/%s", name);
	ret = qom_get(guest, path, "host", json_type_string, &value);
	if (ret)
		return ret;
	ret = !pci_bdf_parse(json_object_get_string(value), host) && !strcmp(host, bdf);
	json_object_put(value);
	return ret;
}

static int guest_qmp_find(struct svff_guest *guest, const char *bdf, char id[SVFF_ID_LEN])
{
	struct json_object *list, *entry;
	size_t i;
	int ret = qom_list(guest, PERIPHERAL, &list);

	if (ret)
		return ret;
	for (i = 0; !ret && i < json_object_array_length(list); i++) {
		entry = json_object_array_get_idx(list, i);
		if (strncmp(svff_json_text(entry, "type"), QOM_CHILD VFIO_TYPE, strlen(QOM_CHILD VFIO_TYPE)))
			continue;
		ret = is_host_function(guest, svff_json_text(entry, "name"), bdf);
		if (ret == 1)
			svff_copy(id, SVFF_ID_LEN, svff_json_text(entry, "name"));
	}
	json_object_put(list);
	if (ret < 0)
		return ret;
	return ret ? 0 : -ENOENT;
}

static bool list_has_child(struct json_object *list)
{
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++)
		if (!strncmp(svff_json_text(json_object_array_get_idx(list, i), "name"), "child[", 6))
			return true;
	return false;
}

/* 1 if nothing is plugged into the bus of this name below device @path, 0 if something is. */
static int bus_is_free(struct svff_guest *guest, const char *path, const char *bus)
{
	char bus_path[2 * QOM_PATH_LEN];
	struct json_object *list;
	int ret;

	snprintf(bus_path, sizeof(bus_path), "%s/%s", path, bus);
	ret = qom_list(guest, bus_path, &list);
	if (ret)
		return ret;
	ret = !list_has_child(list);
	json_object_put(list);
	return ret;
}

/* Name of the PCIe bus below a device that has property "hotplug": it is a PCIe slot. */
static bool slot_bus(struct json_object *properties, char bus[SVFF_ID_LEN])
{
	struct json_object *entry;
	bool slot = false;
	size_t i;

	bus[0] = '\0';
	for (i = 0; i < json_object_array_length(properties); i++) {
		entry = json_object_array_get_idx(properties, i);
		if (!strcmp(svff_json_text(entry, "name"), "hotplug"))
			slot = true;
		if (!strcmp(svff_json_text(entry, "type"), QOM_CHILD "PCIE>"))
			svff_copy(bus, SVFF_ID_LEN, svff_json_text(entry, "name"));
	}
	return slot && bus[0];
}

static int slot_takes_plugs(struct svff_guest *guest, const char *path)
{
	struct json_object *value;
	int ret = qom_get(guest, path, "hotplug", json_type_boolean, &value);

	if (ret)
		return ret;
	ret = json_object_get_boolean(value);
	json_object_put(value);
	return ret;
}

static int count_port(struct svff_guest *guest, const char *name, struct svff_guest_ports *ports)
{
	char path[QOM_PATH_LEN], bus[SVFF_ID_LEN];
	struct json_object *properties;
	bool slot;
	int ret;

	snprintf(path, sizeof(path), PERIPHERAL "/%s", name);
	ret = qom_list(guest, path, &properties);
	if (ret)
		return ret;
	slot = slot_bus(properties, bus);
	json_object_put(properties);
	if (slot)
		ret = slot_takes_plugs(guest, path);
	if (ret <= 0)
		return ret;
	ports->total++;
	ret = bus_is_free(guest, path, bus);
	if (ret <= 0)
		return ret;
	ports->free++;
	/* QEMU lists them in no order; the choice is to be the same each time, and rp2 before rp10 */
	if (!ports->first_free[0] || strverscmp(bus, ports->first_free) < 0)
		svff_copy(ports->first_free, sizeof(ports->first_free), bus);
	return 0;
}

/* PCI Express machines take hot-plugged devices behind ports only, the old PC on its root bus. */
static int machine_needs_port(struct svff_guest *guest, bool *needs)
{
	struct json_object *type;
	int ret = qom_get(guest, "/machine", "type", json_type_string, &type);

	if (ret)
		return ret;
	*needs = !strstr(json_object_get_string(type), "i440fx");
	json_object_put(type);
	return 0;
}

static int guest_qmp_ports(struct svff_guest *guest, struct svff_guest_ports *ports)
{
	struct json_object *list, *entry;
	size_t i;
	int ret;

	memset(ports, 0, sizeof(*ports));
	ret = machine_needs_port(guest, &ports->needs_port);
	if (ret)
		return ret;
	ret = qom_list(guest, PERIPHERAL, &list);
	if (ret)
		return ret;
	for (i = 0; !ret && i < json_object_array_length(list); i++) {
		entry = json_object_array_get_idx(list, i);
		if (!strncmp(svff_json_text(entry, "type"), QOM_CHILD, strlen(QOM_CHILD)))
			ret = count_port(guest, svff_json_text(entry, "name"), ports);
	}
	json_object_put(list);
	return ret;
}

static int guest_qmp_add(struct svff_guest *guest, const char *id, const char *bdf, const char *bus,
			 unsigned int timeout_ms)
{
	struct json_object *args = args2("driver", VFIO_TYPE, "id", id);
	const char *text;
	int ret;

	if (args)
		json_object_object_add(args, "host", json_object_new_string(bdf));
	if (args && bus[0])
		json_object_object_add(args, "bus", json_object_new_string(bus));
	ret = qmp_command(guest->priv, "device_add", args, timeout_ms, NULL);
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
	int ret = qmp_command(guest->priv, "device_del", args2("id", id, NULL, NULL), ASK_MS, NULL);

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

	if (ret == -ETIMEDOUT) {	/* its event may have come before this connection */
		ret = guest_qmp_has(guest, id);
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

static int guest_qmp_memory(struct svff_guest *guest, unsigned long long *bytes)
{
	struct json_object *answer, *part;
	int ret = qmp_command(guest->priv, "query-memory-size-summary", NULL, ASK_MS, &answer);

	if (ret)
		return ret;
	*bytes = 0;
	if (json_object_object_get_ex(answer, "base-memory", &part))
		*bytes += json_object_get_int64(part);
	if (json_object_object_get_ex(answer, "plugged-memory", &part))
		*bytes += json_object_get_int64(part);
	json_object_put(answer);
	return 0;
}

static int guest_qmp_pid(struct svff_guest *guest)
{
	return qmp_peer_pid(guest->priv);
}

static int guest_qmp_can_vfio(struct svff_guest *guest)
{
	struct json_object *list;
	int ret = qmp_command(guest->priv, "qom-list-types", args2("implements", VFIO_TYPE, NULL, NULL), ASK_MS,
			      &list);

	if (ret)
		return ret;
	if (!json_object_is_type(list, json_type_array))
		return odd_answer(guest, "qom-list-types", list);
	ret = json_object_array_length(list) > 0;
	json_object_put(list);
	return ret;
}

static int guest_qmp_monitor(struct svff_guest *guest, const char *command, struct json_object *args, int fd,
			     unsigned int timeout_ms, struct json_object **ret)
{
	return qmp_command_fd(guest->priv, command, args, fd, timeout_ms, ret);
}

static const char *guest_qmp_refusal(struct svff_guest *guest)
{
	return qmp_error_text(guest->priv);
}

const struct svff_guest_ops svff_guest_qmp_ops = {
	.scheme   = "qmp",
	.open     = guest_qmp_open,
	.close    = guest_qmp_close,
	.has      = guest_qmp_has,
	.find     = guest_qmp_find,
	.ports    = guest_qmp_ports,
	.add      = guest_qmp_add,
	.del      = guest_qmp_del,
	.memory   = guest_qmp_memory,
	.pid      = guest_qmp_pid,
	.can_vfio = guest_qmp_can_vfio,
	.monitor  = guest_qmp_monitor,
	.refusal  = guest_qmp_refusal,
};
