// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What can be learnt from a guest's QEMU by commands, whichever way these go (svff_guest_ops.ask).
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

static int ask(struct svff_guest *guest, const char *command, struct json_object *args, struct json_object **ret)
{
	return guest_monitor(guest, command, args, -1, PLAN_GUEST_TIMEOUT_MS, ret);
}

static int odd_answer(struct svff_guest *guest, const char *command, struct json_object *answer)
{
	json_object_put(answer);
	return svff_fail(guest->ctx, -EPROTO, "guest %s: '%s' has an answer of a form that is not known",
			 guest->uri, command);
}

static int qom_list(struct svff_guest *guest, const char *path, struct json_object **list)
{
	int ret = ask(guest, "qom-list", svff_json_args("path", path, NULL, NULL), list);

	if (!ret && !json_object_is_type(*list, json_type_array))
		return odd_answer(guest, "qom-list", *list);
	return ret;
}

static int qom_get(struct svff_guest *guest, const char *path, const char *property,
		   enum json_type type, struct json_object **value)
{
	int ret = ask(guest, "qom-get", svff_json_args("path", path, "property", property),
		      value);

	if (!ret && !json_object_is_type(*value, type))
		return odd_answer(guest, "qom-get", *value);
	return ret;
}

/**
 * guest_qemu_has() - is there a device of this name in a guest?
 * @guest: the guest
 * @id: the name
 *
 * Return: 1 if so, 0 if not, or a negative errno.
 */
int guest_qemu_has(struct svff_guest *guest, const char *id)
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

/**
 * guest_qemu_find() - find the device that is a host function
 * @guest: the guest
 * @bdf: address of the function
 * @id: result
 *
 * Return: 0, -ENOENT if there is none, or another negative errno.
 */
int guest_qemu_find(struct svff_guest *guest, const char *bdf, char id[SVFF_ID_LEN])
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

/**
 * guest_qemu_ports() - look at the hot-plug ports of a guest
 * @guest: the guest
 * @ports: result
 *
 * Return: 0, or a negative errno.
 */
int guest_qemu_ports(struct svff_guest *guest, struct svff_guest_ports *ports)
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

/**
 * guest_qemu_memory() - size of a guest's memory
 * @guest: the guest
 * @bytes: result
 *
 * Return: 0, or a negative errno.
 */
int guest_qemu_memory(struct svff_guest *guest, unsigned long long *bytes)
{
	struct json_object *answer, *part;
	int ret = ask(guest, "query-memory-size-summary", NULL, &answer);

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

/**
 * guest_qemu_can_vfio() - can a guest take VFIO devices?
 * @guest: the guest
 *
 * Return: 1 if so, 0 if not, or a negative errno.
 */
int guest_qemu_can_vfio(struct svff_guest *guest)
{
	struct json_object *list;
	int ret = ask(guest, "qom-list-types", svff_json_args("implements", VFIO_TYPE, NULL, NULL),
		      &list);

	if (ret)
		return ret;
	if (!json_object_is_type(list, json_type_array))
		return odd_answer(guest, "qom-list-types", list);
	ret = json_object_array_length(list) > 0;
	json_object_put(list);
	return ret;
}
