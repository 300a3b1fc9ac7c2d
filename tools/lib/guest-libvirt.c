// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A domain of libvirt as guest. VFs are plugged and unplugged by libvirt, live and, if the domain is
 * persistent, in its definition; QEMU's commands go through libvirt's monitor, with descriptors.
 *
 * A VF is a hostdev with managed='no': svff binds it, and its address stays that of the VF with this number.
 * QEMU runs unprivileged there, in a /dev of its own, which lacks the nodes of VFs that came later: it gets
 * the group opened (needs_fd).
 *
 * libvirt gives a command to QEMU and waits for the answer in one call, so each is made by a thread, for
 * others to go on meanwhile and for the wait to have a bound. The thread knows its domain's command and no more.
 */
#include "priv.h"

#include <errno.h>
#include <json-c/json.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SYSTEM_URI	"qemu:///system"
#define XML_LEN		512
#define GONE_POLL_MS	100
#define CONNECT_POLL_NS	50000000L	/* how soon a cancel is seen */
#define NSEC_PER_SEC	1000000000L
#define UNPLUG_AGAIN_MS	5500	/* QEMU takes a second request only after 5 s */

struct domain {
	virConnectPtr conn;
	virDomainPtr dom;
	char refusal[SVFF_ERROR_LEN / 2];
	/* The command under way: what the thread is given, and what it leaves */
	bool asked;
	pthread_t thread;
	int done;			/* an eventfd */
	int64_t deadline;
	const char *command;
	char *message, *text;
	int fd, err;
	char why[SVFF_ERROR_LEN / 2];
};

/* Errors are told by those who called, in one line. */
static void silent(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

/* A connection that a thread makes, for a libvirtd that hangs would keep us for ever; the last of the two frees it. */
struct connecting {
	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t wake;
	bool done, given_up;
	virConnectPtr conn;
	char why[SVFF_ERROR_LEN / 2];
};

static void *make_connection(void *data)
{
	struct connecting *c = data;
	virConnectPtr conn = virConnectOpen(secure_getenv("LIBVIRT_DEFAULT_URI") ? NULL : SYSTEM_URI);
	bool given_up;

	pthread_mutex_lock(&c->lock);
	c->conn = conn;
	if (!conn)
		svff_copy(c->why, sizeof(c->why), virGetLastErrorMessage());
	c->done = true;
	given_up = c->given_up;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	if (given_up && conn)
		virConnectClose(conn);
	if (given_up)
		free(c);
	return NULL;
}

static bool await_connection(struct svff_ctx *ctx, struct connecting *c)
{
	int64_t end = svff_now_ms() + PLAN_GUEST_TIMEOUT_MS;
	struct timespec slice;
	bool done;

	pthread_mutex_lock(&c->lock);
	while (!c->done && svff_now_ms() < end && !svff_cancelled(ctx)) {
		clock_gettime(CLOCK_MONOTONIC, &slice);
		slice.tv_nsec += CONNECT_POLL_NS;
		slice.tv_sec += slice.tv_nsec / NSEC_PER_SEC;
		slice.tv_nsec %= NSEC_PER_SEC;
		pthread_cond_clockwait(&c->wake, &c->lock, CLOCK_MONOTONIC, &slice);
	}
	done = c->done;
	c->given_up = !done;
	pthread_mutex_unlock(&c->lock);
	return done;
}

/* Return: 0, -ECONNREFUSED if there is no libvirt, -ETIMEDOUT if it hangs, or another negative errno. */
static int connect_libvirt(struct svff_ctx *ctx, virConnectPtr *conn)
{
	struct connecting *c = calloc(1, sizeof(*c));
	pthread_t thread;
	int ret = 0;

	if (!c)
		return svff_fail(ctx, -ENOMEM, "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	virSetErrorFunc(NULL, silent);
	ret = -pthread_create(&thread, NULL, make_connection, c);
	if (ret) {
		free(c);
		return svff_fail(ctx, ret, "cannot connect to libvirt: %s", strerror(-ret));
	}
	pthread_detach(thread);
	if (!await_connection(ctx, c))
		return svff_cancelled(ctx) ? svff_fail(ctx, -EINTR, "interrupted while libvirt was to answer") :
					     svff_fail(ctx, -ETIMEDOUT, "cannot connect to libvirt: it does not answer");
	*conn = c->conn;
	if (!c->conn)
		ret = svff_fail(ctx, -ECONNREFUSED, "cannot connect to libvirt: %s", c->why);
	free(c);
	return ret;
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

/*
 * libvirt's "operation invalid" may come from a domain that has just ended, which is like a QEMU that drops the
 * connection; but it says so of a hostdev that is in use, too.
 */
static int ended_or(struct domain *d, int err, int otherwise)
{
	int active;

	if (err != -ENOTCONN)
		return err;
	active = virDomainIsActive(d->dom);
	return !active || (active < 0 && libvirt_errno() == -ENOTCONN) ? -ECONNRESET : otherwise;
}

static int failed(struct svff_guest *guest, const char *what)
{
	return svff_fail(guest->ctx, libvirt_errno(), "guest %s: %s: %s", guest->uri, what, virGetLastErrorMessage());
}

static void close_domain(struct domain *d)
{
	if (d->asked) {		/* libvirt may still come back to it */
		pthread_detach(d->thread);
		return;
	}
	if (d->dom)
		virDomainFree(d->dom);
	if (d->conn)
		virConnectClose(d->conn);
	if (d->done >= 0)
		close(d->done);
	free(d);
}

static int open_domain(struct svff_guest *guest, struct domain *d)
{
	int active, ret;

	d->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->done < 0)
		return svff_fail(guest->ctx, -errno, "guest %s: no eventfd: %s", guest->uri, strerror(errno));
	ret = connect_libvirt(guest->ctx, &d->conn);
	if (ret)
		return svff_fail(guest->ctx, ret, "guest %s: %s", guest->uri, svff_error(guest->ctx));
	d->dom = virDomainLookupByName(d->conn, guest->path);
	if (!d->dom)
		return failed(guest, "not found");
	active = virDomainIsActive(d->dom);
	if (active < 0)
		return failed(guest, "cannot tell whether it runs");
	return active ? 0 : svff_fail(guest->ctx, -ENOTCONN, "guest %s is not running: 'virsh start %s'", guest->uri,
				      guest->path);
}

static int guest_libvirt_open(struct svff_guest *guest, unsigned int timeout_ms)
{
	struct domain *d = calloc(1, sizeof(*d));
	int ret;

	(void)timeout_ms;	/* libvirt has its own */
	if (!d)
		return svff_fail(guest->ctx, -ENOMEM, "guest %s: out of memory", guest->uri);
	ret = open_domain(guest, d);
	if (ret)
		close_domain(d);
	else
		guest->priv = d;
	return ret;
}

static void guest_libvirt_close(struct svff_guest *guest)
{
	close_domain(guest->priv);
}

static int guest_libvirt_reopen(struct svff_guest *guest, unsigned int timeout_ms)
{
	struct domain *lost = guest->priv;
	int ret = guest_libvirt_open(guest, timeout_ms);

	if (!ret)
		close_domain(lost);
	return ret;
}

/* ---- commands to QEMU ---- */

static void *give_command(void *data)
{
	struct domain *d = data;
	unsigned int none = 0;
	int *out = NULL;

	d->err = 0;
	if (virDomainQemuMonitorCommandWithFiles(d->dom, d->message, d->fd >= 0, &d->fd, &none, &out, &d->text, 0)) {
		d->err = libvirt_errno();
		svff_copy(d->why, sizeof(d->why), virGetLastErrorMessage());
	}
	free(out);
	eventfd_write(d->done, 1);
	return NULL;
}

/* Is it there? Waits for it until then. */
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

static void end_command(struct domain *d)
{
	eventfd_t done;

	eventfd_read(d->done, &done);
	pthread_join(d->thread, NULL);
	d->asked = false;
}

static void drop_answer(struct domain *d)
{
	free(d->message);
	free(d->text);
	d->text = NULL;
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
	/* An answer that came too late is nobody's. */
	if (d->asked && is_done(d, 0)) {
		end_command(d);
		drop_answer(d);
	}
	if (!d->asked && !virConnectIsAlive(d->conn)) {
		err = svff_fail(guest->ctx, -ECONNRESET, "guest %s: libvirt ended the connection before '%s'", guest->uri,
				command);
	} else if (d->asked) {
		err = svff_fail(guest->ctx, -ETIMEDOUT, "guest %s has not answered '%s' yet", guest->uri, d->command);
	} else {
		d->message = strdup(json_object_to_json_string(message));
		d->command = command;
		d->fd = fd;
		d->deadline = svff_now_ms() + timeout_ms;
		err = d->message ? -pthread_create(&d->thread, NULL, give_command, d) : -ENOMEM;
		d->asked = !err;
		if (err)
			svff_fail(guest->ctx, err, "guest %s: '%s' cannot be given: %s", guest->uri, command, strerror(-err));
		if (err)
			free(d->message);
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
		return svff_fail(guest->ctx, ended_or(d, d->err, -EIO), "guest %s: %s: %s", guest->uri, d->command, d->why);
	answer = json_tokener_parse(d->text);
	if (!answer || !json_object_is_type(answer, json_type_object)) {
		err = svff_fail(guest->ctx, -EPROTO, "guest %s: '%s' has no answer that is JSON", guest->uri, d->command);
	} else if (json_object_object_get_ex(answer, "error", &value)) {
		svff_copy(d->refusal, sizeof(d->refusal), svff_json_text(value, "desc"));
		err = svff_fail(guest->ctx, -EREMOTEIO, "guest %s refused '%s': %s", guest->uri, d->command, d->refusal);
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
				 guest->uri, d->command);
	end_command(d);
	err = take_answer(guest, ret);
	svff_log(guest->ctx, SVFF_LOG_DEBUG, "%s: %s -> %s", guest->uri, d->message, err ? svff_error(guest->ctx) : "done");
	drop_answer(d);
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

static unsigned int scope(struct domain *d)
{
	return virDomainIsPersistent(d->dom) == 1 ? VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG :
						    VIR_DOMAIN_AFFECT_LIVE;
}

static int guest_libvirt_add(struct svff_guest *guest, const char *id, const char *bdf, const char *bus,
			     unsigned int timeout_ms)
{
	struct domain *d = guest->priv;
	char xml[XML_LEN];
	int ret = domain_xml_hostdev(xml, sizeof(xml), bdf, id);

	(void)bus;	/* chooses_port */
	(void)timeout_ms;
	if (ret)
		return ret;
	if (!virDomainAttachDeviceFlags(d->dom, xml, scope(d)))
		return 0;
	ret = libvirt_errno();
	svff_fail(guest->ctx, ret, "guest %s did not take %s: %s; 'virsh dumpxml %s' tells its ports, and libvirt's log more",
		  guest->uri, bdf, virGetLastErrorMessage(), guest->path);
	return ended_or(d, ret, -EREMOTEIO);
}

/* The definition has the address, also of a device that libvirt named itself. */
static void drop_from_definition(struct svff_guest *guest, const char *id, const char *bdf)
{
	struct domain *d = guest->priv;
	char xml[XML_LEN];

	if (virDomainIsPersistent(d->dom) != 1 || domain_xml_hostdev(xml, sizeof(xml), bdf, NULL))
		return;
	if (virDomainDetachDeviceFlags(d->dom, xml, VIR_DOMAIN_AFFECT_CONFIG) && libvirt_errno() != -ENOENT)
		svff_log(guest->ctx, SVFF_LOG_NOTICE, "guest %s: %s stays in its definition: %s", guest->uri, id,
			 virGetLastErrorMessage());
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
			const struct domain *d = guest->priv;	/* another one after a reopen */

			if (virDomainDetachDeviceAlias(d->dom, id, VIR_DOMAIN_AFFECT_LIVE) && libvirt_errno() != -ENOENT)
				svff_log(guest->ctx, SVFF_LOG_INFO, "guest %s: %s", guest->uri, virGetLastErrorMessage());
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

/**
 * libvirt_domains_get() - take a picture of all domains that run
 * @ctx: the context
 *
 * Return: the domains, for libvirt_domains_put(); NULL if there are none, or no libvirt.
 */
struct libvirt_domains *libvirt_domains_get(struct svff_ctx *ctx)
{
	struct libvirt_domains *domains = NULL;
	virDomainPtr *dom = NULL;
	virConnectPtr conn;
	int i, count, ret = connect_libvirt(ctx, &conn);

	if (ret == -ETIMEDOUT)
		svff_log(ctx, SVFF_LOG_WARNING, "%s, so its domains are not known", svff_error(ctx));
	if (ret)
		return NULL;
	count = virConnectListAllDomains(conn, &dom, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	if (count > 0)
		domains = calloc(1, sizeof(*domains) + count * sizeof(domains->domain[0]));
	for (i = 0; i < count; i++) {
		if (domains) {
			domains->domain[i].name = strdup(virDomainGetName(dom[i]));
			domains->domain[i].xml = virDomainGetXMLDesc(dom[i], 0);
			domains->count++;
		}
		virDomainFree(dom[i]);
	}
	free(dom);
	virConnectClose(conn);
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
