// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A domain of libvirt as guest. VFs are plugged and unplugged by libvirt, live and, if the domain is
 * persistent, in its definition; QEMU's commands go through libvirt's monitor, with descriptors.
 *
 * A VF is a hostdev with managed='no': svff binds it, and its address stays that of the VF with this number.
 * QEMU runs unprivileged there, in a /dev of its own, which lacks the nodes of VFs that came later: it gets
 * the group opened (needs_fd).
 *
 * A libvirtd that hangs keeps whoever calls it for ever, and a command to QEMU is a call that waits for the answer.
 * So each call is made by a thread, which knows its struct domain and no more: the wait has a bound, and others go on
 * meanwhile. Of the thread and those who have given it up the last one drops what they share.
 */
#include "priv.h"

#include <errno.h>
#include <json-c/json.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SYSTEM_URI	"qemu:///system"
#define XML_LEN		512
#define GONE_POLL_MS	100
#define CALL_POLL_MS	50	/* how soon a cancel is seen */
#define UNPLUG_AGAIN_MS	5500	/* QEMU takes a second request only after 5 s */
#define UNPLUG_MS	10000	/* libvirt waits 5 s for the guest itself */

struct domain {
	virConnectPtr conn;
	virDomainPtr dom;
	char *name;			/* NULL: only the connection is wanted */
	char refusal[SVFF_ERROR_LEN / 2];
	/* The call under way: what the thread is given, and what it leaves */
	bool asked;
	atomic_bool left;		/* by the first of the two */
	pthread_t thread;
	int (*call)(struct domain *d);
	int done;			/* an eventfd */
	int64_t deadline;
	const char *doing;
	char *message, *text;
	struct libvirt_domains *all;
	int fd, err;
	char why[SVFF_ERROR_LEN / 2];
};

/* Errors are told by those who called, in one line. */
static void silent(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static int libvirt_errno(void)
{
	virErrorPtr error = virGetLastError();

	switch (error ? error->code : VIR_ERR_OK) {
	case VIR_ERR_NO_DOMAIN:
	case VIR_ERR_OPERATION_INVALID:
		return -ENOTCONN;
	case VIR_ERR_OPERATION_TIMEOUT:
	case VIR_ERR_AGENT_UNRESPONSIVE:
		return -ETIMEDOUT;
	case VIR_ERR_ACCESS_DENIED:
	case VIR_ERR_AUTH_FAILED:
		return -EACCES;
	case VIR_ERR_DEVICE_MISSING:
		return -ENOENT;
	default:
		return -EIO;
	}
}

/* Return: libvirt's error, whose text is kept. */
static int failed(struct domain *d)
{
	svff_copy(d->why, sizeof(d->why), virGetLastErrorMessage());
	return libvirt_errno();
}

/*
 * libvirt's "operation invalid" may come from a domain that has just ended, which is like a QEMU that drops the
 * connection; but it says so of a hostdev that is in use, too.
 */
static int failed_or_ended(struct domain *d, int otherwise)
{
	int active, err = failed(d);

	if (err != -ENOTCONN)
		return err;
	active = virDomainIsActive(d->dom);
	return !active || (active < 0 && libvirt_errno() == -ENOTCONN) ? -ECONNRESET : otherwise;
}

/* ---- calls ---- */

static int disconnect(struct domain *d)
{
	if (d->dom)
		virDomainFree(d->dom);
	if (d->conn)
		virConnectClose(d->conn);
	d->dom = NULL;
	d->conn = NULL;
	return 0;
}

static void free_domain(struct domain *d)
{
	disconnect(d);
	if (d->done >= 0)
		close(d->done);
	libvirt_domains_put(d->all);
	free(d->message);
	free(d->text);
	free(d->name);
	free(d);
}

static struct domain *new_domain(struct svff_ctx *ctx, const char *name)
{
	struct domain *d = calloc(1, sizeof(*d));

	if (d) {
		d->name = name ? strdup(name) : NULL;
		d->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (d->done >= 0 && (d->name || !name))
			return d;
		free_domain(d);
	}
	svff_fail(ctx, -ENOMEM, "no memory or no eventfd for libvirt");
	return NULL;
}

static void *make_call(void *data)
{
	struct domain *d = data;

	d->err = d->call(d);
	eventfd_write(d->done, 1);
	if (atomic_exchange(&d->left, true))
		free_domain(d);
	return NULL;
}

/* Has it ended? Waits for that until then. */
static bool is_done(struct domain *d, int64_t until_ms)
{
	struct pollfd pfd = { .fd = d->done, .events = POLLIN };
	int64_t left;
	int ret;

	do {
		left = (until_ms < d->deadline ? until_ms : d->deadline) - svff_now_ms();
		ret = poll(&pfd, 1, left > 0 ? left : 0);
	} while (ret < 0 && errno == EINTR);
	return ret > 0;
}

static void end_call(struct domain *d)
{
	eventfd_t done;

	eventfd_read(d->done, &done);
	pthread_join(d->thread, NULL);
	d->left = false;
	d->asked = false;
}

/* Is no call under way? What came too late is nobody's. */
static bool is_idle(struct domain *d)
{
	if (d->asked && is_done(d, 0))
		end_call(d);
	return !d->asked;
}

/* @message is taken, also on failure. */
static int begin_call(struct svff_ctx *ctx, struct domain *d, int (*call)(struct domain *d), const char *doing,
		      char *message, unsigned int timeout_ms)
{
	int ret;

	if (!is_idle(d)) {
		free(message);
		return svff_fail(ctx, -ETIMEDOUT, "libvirt has not answered '%s' yet", d->doing);
	}
	free(d->message);
	free(d->text);
	d->message = message;
	d->text = NULL;
	d->call = call;
	d->doing = doing;
	d->deadline = svff_now_ms() + timeout_ms;
	ret = -pthread_create(&d->thread, NULL, make_call, d);
	d->asked = !ret;
	return ret ? svff_fail(ctx, ret, "libvirt cannot be asked for '%s': %s", doing, strerror(-ret)) : 0;
}

/* A call that has to connect first has changed nothing yet, and can be left at any time. */
static int call_libvirt(struct svff_ctx *ctx, struct domain *d, int (*call)(struct domain *d), const char *doing,
			char *message, unsigned int timeout_ms)
{
	bool connects = !d->conn;
	int ret = begin_call(ctx, d, call, doing, message, timeout_ms);

	if (ret)
		return ret;
	while (!is_done(d, svff_now_ms() + CALL_POLL_MS)) {
		if (connects && svff_cancelled(ctx))
			return svff_fail(ctx, -EINTR, "interrupted while libvirt was to answer");
		if (svff_now_ms() >= d->deadline)
			return svff_fail(ctx, -ETIMEDOUT, "libvirt does not answer '%s'", doing);
	}
	end_call(d);
	return d->err ? svff_fail(ctx, d->err, "%s", d->why) : 0;
}

/* ---- connections ---- */

static int connect_libvirt(struct domain *d)
{
	d->conn = virConnectOpen(secure_getenv("LIBVIRT_DEFAULT_URI") ? NULL : SYSTEM_URI);
	if (d->conn)
		return 0;
	snprintf(d->why, sizeof(d->why), "cannot connect to libvirt: %s", virGetLastErrorMessage());
	return -ECONNREFUSED;
}

static int find_domain(struct domain *d)
{
	int active, ret = connect_libvirt(d);

	if (ret)
		return ret;
	d->dom = virDomainLookupByName(d->conn, d->name);
	active = d->dom ? virDomainIsActive(d->dom) : -1;
	if (active > 0)
		return 0;
	if (active < 0)
		return failed(d);
	snprintf(d->why, sizeof(d->why), "it is not running: 'virsh start %s'", d->name);
	return -ENOTCONN;
}

static void close_domain(struct svff_ctx *ctx, struct domain *d)
{
	char why[SVFF_ERROR_LEN];

	svff_copy(why, sizeof(why), svff_error(ctx));
	if (!d->asked && d->conn)
		call_libvirt(ctx, d, disconnect, "close", NULL, PLAN_GUEST_TIMEOUT_MS);
	svff_fail(ctx, 0, "%s", why);
	if (d->asked) {
		pthread_detach(d->thread);
		if (!atomic_exchange(&d->left, true))
			return;
	}
	free_domain(d);
}

static int guest_libvirt_open(struct svff_guest *guest, unsigned int timeout_ms)
{
	struct domain *d = new_domain(guest->ctx, guest->path);
	int ret;

	if (!d)
		return -ENOMEM;
	virSetErrorFunc(NULL, silent);
	ret = call_libvirt(guest->ctx, d, find_domain, "find domain", NULL, timeout_ms);
	if (!ret) {
		guest->priv = d;
		return 0;
	}
	svff_fail(guest->ctx, ret, "guest %s: %s", guest->uri, svff_error(guest->ctx));
	close_domain(guest->ctx, d);
	return ret;
}

static void guest_libvirt_close(struct svff_guest *guest)
{
	close_domain(guest->ctx, guest->priv);
}

static int guest_libvirt_reopen(struct svff_guest *guest, unsigned int timeout_ms)
{
	struct domain *lost = guest->priv;
	int ret = guest_libvirt_open(guest, timeout_ms);

	if (!ret)
		close_domain(guest->ctx, lost);
	return ret;
}

/* ---- commands to QEMU ---- */

static int give_command(struct domain *d)
{
	unsigned int none = 0;
	int *out = NULL, err = 0;

	if (virDomainQemuMonitorCommandWithFiles(d->dom, d->message, d->fd >= 0, &d->fd, &none, &out, &d->text, 0))
		err = failed_or_ended(d, -EIO);
	free(out);
	return err;
}

static int guest_libvirt_ask(struct svff_guest *guest, const char *command, struct json_object *args, int fd,
			     unsigned int timeout_ms)
{
	struct json_object *message = json_object_new_object();
	struct domain *d = guest->priv;
	int err = 0;

	json_object_object_add(message, "execute", json_object_new_string(command));
	if (args)
		json_object_object_add(message, "arguments", args);
	if (is_idle(d) && !virConnectIsAlive(d->conn)) {
		err = svff_fail(guest->ctx, -ECONNRESET, "guest %s: libvirt ended the connection before '%s'", guest->uri,
				command);
	} else {
		if (!d->asked)
			d->fd = fd;
		err = begin_call(guest->ctx, d, give_command, command, strdup(json_object_to_json_string(message)), timeout_ms);
		if (err)
			svff_fail(guest->ctx, err, "guest %s: %s", guest->uri, svff_error(guest->ctx));
	}
	json_object_put(message);
	return err;
}

static int take_answer(struct svff_guest *guest, struct json_object **ret)
{
	struct domain *d = guest->priv;
	struct json_object *answer, *value;
	int err = 0;

	if (d->err)
		return svff_fail(guest->ctx, d->err, "guest %s: %s: %s", guest->uri, d->doing, d->why);
	answer = json_tokener_parse(d->text);
	if (!answer || !json_object_is_type(answer, json_type_object)) {
		err = svff_fail(guest->ctx, -EPROTO, "guest %s: '%s' has no answer that is JSON", guest->uri, d->doing);
	} else if (json_object_object_get_ex(answer, "error", &value)) {
		svff_copy(d->refusal, sizeof(d->refusal), svff_json_text(value, "desc"));
		err = svff_fail(guest->ctx, -EREMOTEIO, "guest %s refused '%s': %s", guest->uri, d->doing, d->refusal);
	} else if (ret) {
		*ret = json_object_object_get_ex(answer, "return", &value) ? json_object_get(value) : NULL;
	}
	json_object_put(answer);
	return err;
}

static int guest_libvirt_answer(struct svff_guest *guest, int64_t until_ms, struct json_object **ret)
{
	struct domain *d = guest->priv;
	int err;

	if (!is_done(d, until_ms))
		return svff_now_ms() < d->deadline ? -EINPROGRESS :
		       svff_fail(guest->ctx, -ETIMEDOUT, "guest %s did not answer '%s' in time: its QEMU or libvirt hangs",
				 guest->uri, d->doing);
	end_call(d);
	err = take_answer(guest, ret);
	svff_log(guest->ctx, SVFF_LOG_DEBUG, "%s: %s -> %s", guest->uri, d->message, err ? svff_error(guest->ctx) : "done");
	return err;
}

static int guest_libvirt_answer_fd(struct svff_guest *guest)
{
	struct domain *d = guest->priv;

	return d->done;
}

static const char *guest_libvirt_refusal(struct svff_guest *guest)
{
	struct domain *d = guest->priv;

	return d->refusal;
}

/* ---- plug, unplug ---- */

static int plug(struct domain *d)
{
	unsigned int persistent = virDomainIsPersistent(d->dom) == 1 ? VIR_DOMAIN_AFFECT_CONFIG : 0;

	if (!virDomainAttachDeviceFlags(d->dom, d->message, VIR_DOMAIN_AFFECT_LIVE | persistent))
		return 0;
	return failed_or_ended(d, -EREMOTEIO);
}

static int guest_libvirt_add(struct svff_guest *guest, const char *id, const char *bdf, const char *bus,
			     unsigned int timeout_ms)
{
	char xml[XML_LEN];
	int ret = domain_xml_hostdev(xml, sizeof(xml), bdf, id);

	(void)bus;	/* chooses_port */
	if (ret)
		return ret;
	ret = call_libvirt(guest->ctx, guest->priv, plug, "attach", strdup(xml), timeout_ms);
	if (ret && strstr(svff_error(guest->ctx), "manually detached"))
		return svff_fail(guest->ctx, ret, "guest %s did not take %s: %s; libvirt before 9.7 knows vfio-pci alone: "
				 "'blacklist svff_vfio' in /etc/modprobe.d, and make the VFs anew", guest->uri, bdf, svff_error(guest->ctx));
	return ret ? svff_fail(guest->ctx, ret, "guest %s did not take %s: %s; 'virsh dumpxml %s' tells its ports, and "
			       "libvirt's log more", guest->uri, bdf, svff_error(guest->ctx), guest->path) : 0;
}

static int unplug(struct domain *d)
{
	return virDomainDetachDeviceAlias(d->dom, d->message, VIR_DOMAIN_AFFECT_LIVE) ? failed(d) : 0;
}

static int undefine(struct domain *d)
{
	if (virDomainIsPersistent(d->dom) != 1)
		return 0;
	return virDomainDetachDeviceFlags(d->dom, d->message, VIR_DOMAIN_AFFECT_CONFIG) ? failed(d) : 0;
}

/* The definition has the address, also of a device that libvirt named itself. */
static void drop_from_definition(struct svff_guest *guest, const char *id, const char *bdf)
{
	char xml[XML_LEN];
	int ret;

	if (domain_xml_hostdev(xml, sizeof(xml), bdf, NULL))
		return;
	ret = call_libvirt(guest->ctx, guest->priv, undefine, "detach from the definition", strdup(xml), UNPLUG_MS);
	if (ret && ret != -ENOENT)
		svff_log(guest->ctx, SVFF_LOG_NOTICE, "guest %s: %s stays in its definition: %s", guest->uri, id,
			 svff_error(guest->ctx));
}

static int host_of(struct svff_guest *guest, const char *id, char bdf[SVFF_BDF_LEN])
{
	struct json_object *value = NULL;
	char path[SVFF_ERROR_LEN / 4];
	int ret;

	snprintf(path, sizeof(path), "/machine/peripheral/%s", id);
	ret = guest_monitor(guest, "qom-get", svff_json_args("path", path, "property", "host"), -1, PLAN_GUEST_TIMEOUT_MS,
			    &value);
	if (!ret)
		ret = value ? pci_bdf_parse(json_object_get_string(value), bdf) : -EPROTO;
	json_object_put(value);
	return ret;
}

static int guest_libvirt_del(struct svff_guest *guest, const char *id, unsigned int timeout_ms)
{
	int64_t end = svff_now_ms() + timeout_ms, again = 0;
	char bdf[SVFF_BDF_LEN];
	int ret = guest_qemu_has(guest, id);

	if (ret <= 0)
		return ret;
	ret = host_of(guest, id, bdf);
	if (ret)
		return ret;
	while ((ret = guest_qemu_has(guest, id)) == 1 && svff_now_ms() < end && !svff_cancelled(guest->ctx)) {
		if (svff_now_ms() >= again) {
			ret = call_libvirt(guest->ctx, guest->priv, unplug, "detach", strdup(id), UNPLUG_MS);
			if (ret && ret != -ENOENT)
				svff_log(guest->ctx, SVFF_LOG_INFO, "guest %s: %s", guest->uri, svff_error(guest->ctx));
			again = svff_now_ms() + UNPLUG_AGAIN_MS;
		}
		svff_nap_ms(GONE_POLL_MS);
	}
	if (ret < 0)
		return ret;
	if (ret && svff_cancelled(guest->ctx))
		return svff_fail(guest->ctx, -EINTR, "interrupted while guest %s was to release %s", guest->uri, id);
	if (ret)
		return svff_fail(guest->ctx, -ETIMEDOUT, "guest %s did not release %s within %u s: unload its driver in the "
				 "guest, or try again with a longer --timeout%s", guest->uri, id, timeout_ms / MSEC_PER_SEC,
				 guest_can_pause(guest) == 1 ? "; 'svff pause' needs no help of the guest" : "");
	drop_from_definition(guest, id, bdf);
	return 0;
}

/* ---- whose is it? ---- */

struct libvirt_domains {
	size_t count;
	struct {
		char *name, *xml;
	} domain[];
};

static int list_domains(struct domain *d)
{
	virDomainPtr *dom = NULL;
	int i, count, ret = connect_libvirt(d);

	if (ret)
		return ret;
	count = virConnectListAllDomains(d->conn, &dom, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	if (count > 0)
		d->all = calloc(1, sizeof(*d->all) + count * sizeof(d->all->domain[0]));
	for (i = 0; i < count; i++) {
		if (d->all) {
			d->all->domain[i].name = strdup(virDomainGetName(dom[i]));
			d->all->domain[i].xml = virDomainGetXMLDesc(dom[i], 0);
			d->all->count++;
		}
		virDomainFree(dom[i]);
	}
	free(dom);
	return 0;
}

/**
 * libvirt_domains_get() - take a picture of all domains that run
 * @ctx: the context
 *
 * Return: the domains, for libvirt_domains_put(); NULL if there are none, or no libvirt.
 */
struct libvirt_domains *libvirt_domains_get(struct svff_ctx *ctx)
{
	struct domain *d = new_domain(ctx, NULL);
	struct libvirt_domains *domains;
	int ret;

	if (!d)
		return NULL;
	virSetErrorFunc(NULL, silent);
	ret = call_libvirt(ctx, d, list_domains, "list domains", NULL, PLAN_GUEST_TIMEOUT_MS);
	if (ret == -ETIMEDOUT)
		svff_log(ctx, SVFF_LOG_WARNING, "%s, so its domains are not known", svff_error(ctx));
	domains = ret ? NULL : d->all;
	if (!ret)
		d->all = NULL;
	close_domain(ctx, d);
	return domains;
}

/**
 * libvirt_domains_find() - find the domain that has a function of this host
 * @domains: the domains
 * @bdf: address of the function
 *
 * Return: its URI, to be freed; NULL if none has it.
 */
char *libvirt_domains_find(const struct libvirt_domains *domains, const char *bdf)
{
	char *uri;
	size_t i;

	for (i = 0; i < domains->count; i++) {
		if (!domains->domain[i].name || !domains->domain[i].xml || !domain_xml_has(domains->domain[i].xml, bdf))
			continue;
		return asprintf(&uri, "libvirt:%s", domains->domain[i].name) < 0 ? NULL : uri;
	}
	return NULL;
}

/**
 * libvirt_domains_put() - drop the picture of all domains
 * @domains: the domains, or NULL
 */
void libvirt_domains_put(struct libvirt_domains *domains)
{
	size_t i;

	for (i = 0; domains && i < domains->count; i++) {
		free(domains->domain[i].name);
		free(domains->domain[i].xml);
	}
	free(domains);
}

const struct svff_guest_ops svff_guest_libvirt_ops = {
	.scheme    = "libvirt",
	.id_prefix = "ua-",	/* so that libvirt takes it for the alias */
	.open      = guest_libvirt_open,
	.reopen    = guest_libvirt_reopen,
	.close     = guest_libvirt_close,
	.has       = guest_qemu_has,
	.find      = guest_qemu_find,
	.ports     = guest_qemu_ports,
	.add       = guest_libvirt_add,
	.del       = guest_libvirt_del,
	.memory    = guest_qemu_memory,
	.can_vfio  = guest_qemu_can_vfio,
	.ask       = guest_libvirt_ask,
	.answer    = guest_libvirt_answer,
	.answer_fd = guest_libvirt_answer_fd,
	.refusal   = guest_libvirt_refusal,
	.needs_fd  = true,
	.chooses_port = true,
};
