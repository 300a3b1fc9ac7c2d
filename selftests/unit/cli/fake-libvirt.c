// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tool needs of libvirt, for domains whose QEMU is fake-qemu.py; linked in place of libvirt.
 *
 * A domain NAME is there if its definition is: the file NAME.domain beside the recorded machine's folders,
 * with a line for each hostdev. It runs if the socket NAME is there; NAME.live has the hostdevs it has now.
 * It is persistent unless NAME.transient is there. libvirt is there if any definition is.
 *
 * FAKE_RESTART	"before COMMAND", "after COMMAND": libvirtd is started anew when QEMU is first given that command, or has
 *		done it: the connection is lost; "behind COMMAND": when it has told so, too
 * FAKE_DOWN	seconds that it takes
 * FAKE_HANG	libvirtd says nothing from this on: "connect", "lookup", "list", "attach", "detach", "undefine", "close"
 * FAKE_IN_USE	"n": for libvirt the n-th hostdev that it is to attach is in use
 * FAKE_OLD	libvirt takes no device of the driver that its hostdev has
 */
#include <json-c/json.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "priv.h"

#define LINE_MAX_LEN	1024
#define DOMAINS_MAX	16

struct _virConnect { int alive; };

struct _virDomain { char name[NAME_MAX + 1]; };

static struct _virConnect connection;
static int64_t down_until;
static __thread virError last;
static __thread char message[LINE_MAX_LEN] = "no error";

static int fail(int code, const char *text)
{
	snprintf(message, sizeof(message), "%s", text);
	last.code = code;
	last.message = message;
	return -1;
}

static void hang(const char *what)
{
	while (getenv("FAKE_HANG") && !strcmp(getenv("FAKE_HANG"), what))
		sleep(1);
}

static void file_of(virDomainPtr dom, const char *suffix, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/../%s%s", getenv("SVFF_SYSFS"), dom->name, suffix);
}

static int exists(virDomainPtr dom, const char *suffix)
{
	char path[PATH_MAX];

	file_of(dom, suffix, path);
	return !access(path, F_OK);
}

virErrorPtr virGetLastError(void)
{
	return &last;
}

const char *virGetLastErrorMessage(void)
{
	return message;
}

void virSetErrorFunc(void *data, virErrorFunc handler)
{
	(void)data;
	(void)handler;
}

static int is_domain(const struct dirent *entry)
{
	return strstr(entry->d_name, ".domain") != NULL;
}

/* Names of all domains, in order; the count. */
static int list(virDomainPtr *dom)
{
	struct dirent **entry;
	char path[PATH_MAX];
	int i, count;

	snprintf(path, sizeof(path), "%s/..", getenv("SVFF_SYSFS"));
	count = scandir(path, &entry, is_domain, alphasort);
	if (count < 0)
		return 0;
	for (i = 0; i < count && i < DOMAINS_MAX; i++) {
		dom[i] = calloc(1, sizeof(**dom));
		memcpy(dom[i]->name, entry[i]->d_name, strcspn(entry[i]->d_name, "."));
	}
	while (count > 0)
		free(entry[--count]);
	free(entry);
	return i;
}

virConnectPtr virConnectOpen(const char *name)
{
	virDomainPtr dom[DOMAINS_MAX];
	int i, count = list(dom);

	hang("connect");
	(void)name;
	for (i = 0; i < count; i++)
		free(dom[i]);
	if (!count || svff_now_ms() < down_until) {
		fail(VIR_ERR_NO_CONNECT, "Failed to connect socket to '/var/run/libvirt/libvirt-sock'");
		return NULL;
	}
	connection.alive = 1;
	return &connection;
}

int virConnectIsAlive(virConnectPtr conn)
{
	return conn->alive;
}

int virConnectClose(virConnectPtr conn)
{
	(void)conn;
	hang("close");
	return 0;
}

int virConnectListAllDomains(virConnectPtr conn, virDomainPtr **domains, unsigned int flags)
{
	virDomainPtr *dom = calloc(DOMAINS_MAX, sizeof(*dom));
	int i, kept = 0, count = list(dom);

	(void)conn;
	(void)flags;
	hang("list");
	for (i = 0; i < count; i++) {
		if (exists(dom[i], ""))
			dom[kept++] = dom[i];
		else
			free(dom[i]);
	}
	*domains = dom;
	return kept;
}

virDomainPtr virDomainLookupByName(virConnectPtr conn, const char *name)
{
	virDomainPtr dom = calloc(1, sizeof(*dom));

	(void)conn;
	hang("lookup");
	snprintf(dom->name, sizeof(dom->name), "%s", name);
	if (exists(dom, ".domain"))
		return dom;
	free(dom);
	fail(VIR_ERR_NO_DOMAIN, "Domain not found");
	return NULL;
}

int virDomainFree(virDomainPtr dom)
{
	free(dom);
	return 0;
}

const char *virDomainGetName(virDomainPtr dom)
{
	return dom->name;
}

int virDomainIsActive(virDomainPtr dom)
{
	return exists(dom, "");
}

int virDomainIsPersistent(virDomainPtr dom)
{
	return !exists(dom, ".transient");
}

char *virDomainGetXMLDesc(virDomainPtr dom, unsigned int flags)
{
	char path[PATH_MAX], *text = NULL;

	(void)flags;
	file_of(dom, ".live", path);
	return svff_file_text(path, 1 << 20, &text) ? strdup("<domain/>") : text;
}

/* ---- QEMU ---- */

static char *answer_of(int err, struct qmp *qmp, struct json_object *ret)
{
	struct json_object *root = json_object_new_object(), *error;
	char *text;

	if (err) {
		error = svff_json_args("class", qmp_error_class(qmp), "desc", qmp_error_text(qmp));
		json_object_object_add(root, "error", error);
	} else {
		json_object_object_add(root, "return", ret ? ret : json_object_new_object());
	}
	text = strdup(json_object_to_json_string(root));
	json_object_put(root);
	return text;
}

/* Is libvirtd to be started anew at this? Once. */
static int restarts(const char *when, const char *command)
{
	static int done;
	char wanted[LINE_MAX_LEN];

	snprintf(wanted, sizeof(wanted), "%s %s", when, command);
	if (done || !getenv("FAKE_RESTART") || strcmp(getenv("FAKE_RESTART"), wanted))
		return 0;
	done = 1;
	connection.alive = 0;
	down_until = svff_now_ms() + (getenv("FAKE_DOWN") ? atoi(getenv("FAKE_DOWN")) : 0) * MSEC_PER_SEC;
	return 1;
}

int virDomainQemuMonitorCommandWithFiles(virDomainPtr dom, const char *cmd, unsigned int ninfiles, int *infiles,
					 unsigned int *noutfiles, int **outfiles, char **result, unsigned int flags)
{
	struct json_object *request = json_tokener_parse(cmd), *args, *ret = NULL;
	char path[PATH_MAX];
	struct svff_ctx *ctx;
	struct qmp *qmp;
	int err;

	(void)noutfiles;
	(void)outfiles;
	(void)flags;
	if (!connection.alive || restarts("before", svff_json_text(request, "execute"))) {
		json_object_put(request);
		return fail(VIR_ERR_INTERNAL_ERROR, "client socket is closed");
	}
	file_of(dom, "", path);
	svff_new(&ctx);
	if (qmp_open(ctx, path, 5000, &qmp)) {
		svff_free(ctx);
		json_object_put(request);
		return fail(VIR_ERR_OPERATION_INVALID, "domain is not running");
	}
	args = json_object_object_get_ex(request, "arguments", &args) ? json_object_get(args) : NULL;
	err = qmp_command_fd(qmp, svff_json_text(request, "execute"), args, ninfiles ? infiles[0] : -1, 5000, &ret);
	if (!err || err == -EREMOTEIO)
		*result = answer_of(err, qmp, ret);
	else
		fail(VIR_ERR_OPERATION_TIMEOUT, svff_error(ctx));
	qmp_close(qmp);
	svff_free(ctx);
	if (restarts("after", svff_json_text(request, "execute"))) {
		free(*result);
		*result = NULL;
		err = fail(VIR_ERR_SYSTEM_ERROR, "End of file while reading data: Input/output error");
	}
	restarts("behind", svff_json_text(request, "execute"));
	json_object_put(request);
	return !err || err == -EREMOTEIO ? 0 : -1;
}

/* 0 if QEMU did it, and libvirt's error if not. */
static int give(virDomainPtr dom, const char *fmt, const char *a, const char *b)
{
	char command[LINE_MAX_LEN], *text = NULL;
	int ret;

	snprintf(command, sizeof(command), fmt, a, b);
	ret = virDomainQemuMonitorCommandWithFiles(dom, command, 0, NULL, NULL, NULL, &text, 0);
	if (!ret && strstr(text, "\"error\""))
		ret = fail(VIR_ERR_OPERATION_FAILED, text);
	free(text);
	return ret;
}

/* ---- hostdevs ---- */

static void add_line(virDomainPtr dom, const char *suffix, const char *xml)
{
	char path[PATH_MAX];
	FILE *file;

	file_of(dom, suffix, path);
	file = fopen(path, "a");
	fprintf(file, "%s\n", xml);
	fclose(file);
}

/* Lines that hold @what; the count. */
static int drop_lines(virDomainPtr dom, const char *suffix, const char *what)
{
	char path[PATH_MAX], line[LINE_MAX_LEN], rest[16 * LINE_MAX_LEN] = "";
	int dropped = 0;
	FILE *file;

	file_of(dom, suffix, path);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (strstr(line, what))
			dropped++;
		else
			strcat(rest, line);
	}
	if (file)
		fclose(file);
	file = fopen(path, "w");
	fputs(rest, file);
	fclose(file);
	return dropped;
}

static void part(const char *xml, const char *begin, const char *end, char *text, size_t size)
{
	const char *at = strstr(xml, begin);

	text[0] = '\0';
	if (at)
		snprintf(text, size, "%.*s", (int)strcspn(at + strlen(begin), end), at + strlen(begin));
}

int virDomainAttachDeviceFlags(virDomainPtr dom, const char *xml, unsigned int flags)
{
	unsigned int domain, bus, slot, function;
	char alias[64], bdf[64];
	static int attaches;

	hang("attach");
	if (getenv("FAKE_IN_USE") && ++attaches == atoi(getenv("FAKE_IN_USE")))
		return fail(VIR_ERR_OPERATION_INVALID, "PCI device is in use by driver QEMU, domain x");
	if (getenv("FAKE_OLD"))
		return fail(VIR_ERR_OPERATION_INVALID, "Unmanaged PCI device must be manually detached from the host");
	part(xml, "<alias name='", "'", alias, sizeof(alias));
	sscanf(strstr(xml, "<address"), "<address domain='%x' bus='%x' slot='%x' function='%x'", &domain, &bus, &slot,
	       &function);
	snprintf(bdf, sizeof(bdf), "%04x:%02x:%02x.%x", domain, bus, slot, function);
	if (flags & VIR_DOMAIN_AFFECT_LIVE &&
	    give(dom, "{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"vfio-pci\", \"id\": \"%s\", \"host\": \"%s\"}}",
		 alias, bdf))
		return -1;
	if (flags & VIR_DOMAIN_AFFECT_LIVE)
		add_line(dom, ".live", xml);
	if (flags & VIR_DOMAIN_AFFECT_CONFIG)
		add_line(dom, ".domain", xml);
	return 0;
}

int virDomainDetachDeviceAlias(virDomainPtr dom, const char *alias, unsigned int flags)
{
	(void)flags;
	hang("detach");
	if (getenv("FAKE_SIGNAL") && !strcmp(getenv("FAKE_SIGNAL"), "libvirt detach"))
		raise(SIGTERM);
	if (give(dom, "{\"execute\": \"device_del\", \"arguments\": {\"id\": \"%s%s\"}}", alias, ""))
		return -1;
	drop_lines(dom, ".live", alias);
	return 0;
}

int virDomainDetachDeviceFlags(virDomainPtr dom, const char *xml, unsigned int flags)
{
	char source[LINE_MAX_LEN];

	(void)flags;
	hang("undefine");
	part(xml, "<source>", ">", source, sizeof(source));
	return drop_lines(dom, ".domain", source) ? 0 : fail(VIR_ERR_DEVICE_MISSING, "device not found");
}
