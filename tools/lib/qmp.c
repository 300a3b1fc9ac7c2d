// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Client of QEMU's monitor protocol (QMP) on a unix socket.
 *
 * The other end is not trusted to live, to answer, or to talk sense: every wait has a deadline, a
 * message has a largest size, and what is not QMP breaks the connection for good. Answers are matched
 * by id, so that the late answer to a command that was given up is not taken for another one's.
 * Events that come in between are kept for qmp_wait_event().
 *
 * Errors: -ENOTCONN nobody listens, -ECONNRESET the peer went away, -EPROTO it does not speak QMP,
 * -ETIMEDOUT it did not answer in time, -EREMOTEIO it answered with an error (qmp_error_text()),
 * -EINTR the user gave up.
 */
#include "priv.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define QMP_BUFFER	16384
#define QMP_MESSAGE_MAX	(16U << 20)	/* query-pci of a big machine has some 100 KiB */
#define QMP_DEPTH_MAX	64
#define QMP_EVENTS_MAX	1024
#define QMP_SLICE_MS	200		/* how soon a cancel is seen */
#define QMP_LATE_READS	32		/* when the time to wait is over: what a socket holds by then */

struct qmp {
	struct svff_ctx *ctx;
	char *path;
	int fd;
	bool broken;
	const char *doing;		/* command under way, for messages */
	char *line;			/* it, as it went out */
	int64_t id, deadline;		/* its number, and until when its answer has to come */
	unsigned int late_reads;	/* when the caller was to wait no more */
	struct json_tokener *parser;
	struct json_object *events;
	size_t message_size;		/* of the message that is not complete yet */
	char buf[QMP_BUFFER];
	size_t pos, len;
	char error_class[SVFF_WORD_LEN], error_text[SVFF_ERROR_LEN / 2];
};

static int qmp_lost(struct qmp *qmp, int err)
{
	qmp->broken = true;
	return svff_fail(qmp->ctx, -ECONNRESET, "guest qmp:%s ended the connection during '%s' (%s): see whether "
			 "its QEMU is still alive", qmp->path, qmp->doing, strerror(err));
}

static int qmp_garbage(struct qmp *qmp, const char *what)
{
	qmp->broken = true;
	return svff_fail(qmp->ctx, -EPROTO, "guest qmp:%s does not speak QMP during '%s' (%s): give the socket of "
			 "a monitor in control mode (qemu -qmp unix:...)", qmp->path, qmp->doing, what);
}

static int qmp_late(struct qmp *qmp)
{
	return svff_fail(qmp->ctx, -ETIMEDOUT, "guest qmp:%s did not answer '%s' in time: its QEMU hangs, or "
			 "another client holds the monitor (QEMU takes several -qmp sockets)", qmp->path,
			 qmp->doing);
}

/* Wait until the socket is ready, the deadline has passed, or the user has given up. */
static int qmp_poll(struct qmp *qmp, short what, int64_t deadline)
{
	struct pollfd pfd = { .fd = qmp->fd, .events = what };
	int64_t left;

	for (;;) {
		if (svff_cancelled(qmp->ctx))
			return svff_fail(qmp->ctx, -EINTR, "interrupted during '%s' of guest qmp:%s", qmp->doing,
					 qmp->path);
		left = deadline - svff_now_ms();
		if (left < 0)
			left = 0;
		if (poll(&pfd, 1, left < QMP_SLICE_MS ? left : QMP_SLICE_MS) > 0)
			return 0;
		if (!left)
			return -ETIMEDOUT;
	}
}

static void set_deadline(struct qmp *qmp, int64_t deadline)
{
	qmp->deadline = deadline;
	qmp->late_reads = 0;
}

static int qmp_fill(struct qmp *qmp, int64_t deadline)
{
	ssize_t got;
	int ret;

	/* A peer that never stops talking is late too, and keeps nobody longer than was to be waited for it. */
	if (svff_now_ms() > deadline && qmp->late_reads++ >= QMP_LATE_READS)
		return -ETIMEDOUT;
	ret = qmp_poll(qmp, POLLIN, deadline);
	if (ret)
		return ret;
	got = recv(qmp->fd, qmp->buf, sizeof(qmp->buf), 0);
	if (got == 0)
		return qmp_lost(qmp, ECONNRESET);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : qmp_lost(qmp, errno);
	qmp->pos = 0;
	qmp->len = got;
	return 0;
}

/* Parse what is in the buffer: 1 and a message, 0 if more bytes are needed, or an error. */
static int qmp_parse(struct qmp *qmp, struct json_object **message)
{
	size_t left = qmp->len - qmp->pos, used;
	struct json_object *object;

	if (!left)
		return 0;
	object = json_tokener_parse_ex(qmp->parser, qmp->buf + qmp->pos, left);
	used = json_tokener_get_parse_end(qmp->parser);
	qmp->pos += used;
	qmp->message_size += used;
	if (qmp->message_size > QMP_MESSAGE_MAX) {
		json_object_put(object);
		return qmp_garbage(qmp, "message without end");
	}
	if (json_tokener_get_error(qmp->parser) == json_tokener_continue)
		return 0;
	if (json_tokener_get_error(qmp->parser) != json_tokener_success)
		return qmp_garbage(qmp, json_tokener_error_desc(json_tokener_get_error(qmp->parser)));
	qmp->message_size = 0;
	json_tokener_reset(qmp->parser);
	if (!json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		return qmp_garbage(qmp, "no JSON object");
	}
	*message = object;
	return 1;
}

static int qmp_receive(struct qmp *qmp, int64_t deadline, struct json_object **message)
{
	int ret;

	while (!(ret = qmp_parse(qmp, message))) {
		ret = qmp_fill(qmp, deadline);
		if (ret)
			return ret;
	}
	return ret < 0 ? ret : 0;
}

/* A descriptor travels with the first byte that goes out. */
static ssize_t qmp_send_some(struct qmp *qmp, const char *text, size_t left, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec part = { (void *)text, left };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.space);
	}
	return sendmsg(qmp->fd, &message, MSG_NOSIGNAL);
}

static int qmp_send(struct qmp *qmp, const char *text, int fd, int64_t deadline)
{
	size_t left = strlen(text);
	ssize_t put;
	int ret;

	while (left) {
		put = qmp_send_some(qmp, text, left, fd);
		if (put < 0 && errno == EAGAIN) {
			ret = qmp_poll(qmp, POLLOUT, deadline);
			if (ret) {
				qmp->broken = true;	/* half a command is out */
				return ret == -ETIMEDOUT ? qmp_late(qmp) : ret;
			}
		} else if (put < 0 && errno != EINTR) {
			return qmp_lost(qmp, errno);
		} else if (put > 0) {
			text += put;
			left -= put;
			fd = -1;
		}
	}
	return 0;
}

static void qmp_keep_event(struct qmp *qmp, struct json_object *event)
{
	svff_log(qmp->ctx, SVFF_LOG_DEBUG, "qmp:%s: event %s", qmp->path, svff_json_text(event, "event"));
	if (json_object_array_length(qmp->events) >= QMP_EVENTS_MAX)
		json_object_array_del_idx(qmp->events, 0, 1);
	json_object_array_add(qmp->events, event);
}

/* The next message that is no event; -EINPROGRESS if none came until @until and there is still time. */
static int qmp_receive_answer(struct qmp *qmp, int64_t until, struct json_object **answer)
{
	int ret;

	for (;;) {
		ret = qmp_receive(qmp, until < qmp->deadline ? until : qmp->deadline, answer);
		if (ret == -ETIMEDOUT)
			return svff_now_ms() < qmp->deadline ? -EINPROGRESS : qmp_late(qmp);
		if (ret || !json_object_object_get_ex(*answer, "event", NULL))
			return ret;
		qmp_keep_event(qmp, *answer);
	}
}

static int qmp_take_error(struct qmp *qmp, struct json_object *error)
{
	svff_copy(qmp->error_class, sizeof(qmp->error_class), svff_json_text(error, "class"));
	svff_copy(qmp->error_text, sizeof(qmp->error_text), svff_json_text(error, "desc"));
	return svff_fail(qmp->ctx, -EREMOTEIO, "guest qmp:%s refused '%s': %s", qmp->path, qmp->doing,
			 qmp->error_text);
}

static bool qmp_answers(struct qmp *qmp, struct json_object *answer)
{
	struct json_object *value;

	/* QEMU leaves the id out when it could not even parse the command. */
	if (!json_object_object_get_ex(answer, "id", &value))
		return true;
	return json_object_is_type(value, json_type_int) && json_object_get_int64(value) == qmp->id;
}

static int qmp_await(struct qmp *qmp, int64_t until, struct json_object **ret)
{
	struct json_object *answer, *value;
	int err;

	qmp->late_reads = 0;
	for (;;) {
		err = qmp_receive_answer(qmp, until, &answer);
		if (err)
			return err;
		if (qmp_answers(qmp, answer))
			break;
		json_object_put(answer);
	}
	if (json_object_object_get_ex(answer, "error", &value))
		err = qmp_take_error(qmp, value);
	else if (!json_object_object_get_ex(answer, "return", &value))
		err = qmp_garbage(qmp, "neither answer nor error");
	else if (ret)
		*ret = json_object_get(value);
	json_object_put(answer);
	return err;
}

/* One line: the command as it went out, and what came of it. */
static void qmp_log(struct qmp *qmp, int err)
{
	const char *line = qmp->line ? qmp->line : qmp->doing;

	svff_log(qmp->ctx, SVFF_LOG_DEBUG, "qmp:%s: %.*s -> %s", qmp->path, (int)strcspn(line, "\n"), line,
		 err == -EREMOTEIO ? qmp->error_text : err ? strerror(-err) : "done");
}

static char *encode_command(struct qmp *qmp, const char *command, struct json_object *args)
{
	struct json_object *message = json_object_new_object();
	char *line;

	if (!message)
		return NULL;
	json_object_object_add(message, "execute", json_object_new_string(command));
	json_object_object_add(message, "id", json_object_new_int64(qmp->id));
	if (args)
		json_object_object_add(message, "arguments", json_object_get(args));
	if (asprintf(&line, "%s\n", json_object_to_json_string_ext(message, JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
		line = NULL;
	json_object_put(message);
	return line;
}

/**
 * qmp_ask() - give a command, and a descriptor with it; the answer comes by qmp_answer()
 * @qmp: the connection, on which no other command is under way
 * @command: its name; has to live until the next one
 * @args: its arguments, or NULL; the reference is taken, also on failure
 * @fd: the descriptor, negative for none; stays the caller's
 * @timeout_ms: how long QEMU may take
 *
 * Return: 0, or a negative errno as told at the top of this file.
 */
int qmp_ask(struct qmp *qmp, const char *command, struct json_object *args, int fd, unsigned int timeout_ms)
{
	int err = -ENOMEM;

	qmp->doing = command;
	set_deadline(qmp, svff_now_ms() + timeout_ms);
	qmp->id++;
	free(qmp->line);
	qmp->line = encode_command(qmp, command, args);
	json_object_put(args);
	if (qmp->broken)
		err = qmp_lost(qmp, ENOTCONN);
	else if (qmp->line)
		err = qmp_send(qmp, qmp->line, fd, qmp->deadline);
	if (err)
		qmp_log(qmp, err);
	return err;
}

/**
 * qmp_answer() - take the answer to the command that was given
 * @qmp: the connection
 * @until_ms: how long to wait for it, as svff_now_ms(); never longer than QEMU may take
 * @ret: what it returned, or NULL if nobody wants to know
 *
 * Return: 0; -EINPROGRESS without an error text if there is none yet, and QEMU may take longer; or another
 * negative errno as told at the top of this file.
 */
int qmp_answer(struct qmp *qmp, int64_t until_ms, struct json_object **ret)
{
	int err = qmp_await(qmp, until_ms, ret);

	if (err != -EINPROGRESS)
		qmp_log(qmp, err);
	return err;
}

/**
 * qmp_fd() - descriptor that can be read when QEMU has said something
 * @qmp: the connection
 *
 * Return: the descriptor, for poll() alone.
 */
int qmp_fd(const struct qmp *qmp)
{
	return qmp->fd;
}

/**
 * qmp_command() - give a command and wait for its answer
 * @qmp: the connection
 * @command: its name
 * @args: its arguments, or NULL; the reference is taken, also on failure
 * @timeout_ms: how long to wait
 * @ret: what it returned, or NULL if nobody wants to know
 *
 * Return: 0, or a negative errno as told at the top of this file.
 */
int qmp_command(struct qmp *qmp, const char *command, struct json_object *args,
		unsigned int timeout_ms, struct json_object **ret)
{
	return qmp_command_fd(qmp, command, args, -1, timeout_ms, ret);
}

/**
 * qmp_command_fd() - give a command and a descriptor with it, and wait for the answer
 * @qmp: the connection
 * @command: its name
 * @args: its arguments, or NULL; the reference is taken, also on failure
 * @fd: the descriptor, negative for none; stays the caller's
 * @timeout_ms: how long to wait
 * @ret: what it returned, or NULL if nobody wants to know
 *
 * Return: 0, or a negative errno as told at the top of this file.
 */
int qmp_command_fd(struct qmp *qmp, const char *command, struct json_object *args, int fd,
		   unsigned int timeout_ms, struct json_object **ret)
{
	int err = qmp_ask(qmp, command, args, fd, timeout_ms);

	return err ? err : qmp_answer(qmp, INT64_MAX, ret);
}

static bool event_matches(struct json_object *event, const char *const *names, const char *device)
{
	struct json_object *data;

	if (!json_object_object_get_ex(event, "data", &data) || strcmp(svff_json_text(data, "device"), device))
		return false;
	for (; *names; names++)
		if (!strcmp(svff_json_text(event, "event"), *names))
			return true;
	return false;
}

static struct json_object *qmp_find_event(struct qmp *qmp, const char *const *names, const char *device)
{
	size_t i, count = json_object_array_length(qmp->events);
	struct json_object *event;

	for (i = 0; i < count; i++) {
		event = json_object_array_get_idx(qmp->events, i);
		if (event_matches(event, names, device)) {
			json_object_get(event);
			json_object_array_del_idx(qmp->events, i, 1);
			return event;
		}
	}
	return NULL;
}

/**
 * qmp_wait_event() - wait for an event about a device, also one that came earlier
 * @qmp: the connection
 * @names: names of the events, ended by NULL
 * @device: id of the device
 * @deadline_ms: until when
 * @event: which one it was
 *
 * Return: 0, -ETIMEDOUT without an error text, or another negative errno as told above.
 */
int qmp_wait_event(struct qmp *qmp, const char *const *names, const char *device,
		   int64_t deadline_ms, struct json_object **event)
{
	struct json_object *message;
	int ret;

	set_deadline(qmp, deadline_ms);
	while (!(*event = qmp_find_event(qmp, names, device))) {
		ret = qmp_receive(qmp, deadline_ms, &message);
		if (ret)
			return ret;
		if (json_object_object_get_ex(message, "event", NULL))
			qmp_keep_event(qmp, message);
		else
			json_object_put(message);	/* late answer */
	}
	return 0;
}

static int qmp_refused(struct svff_ctx *ctx, const char *path, int err)
{
	switch (err) {
	case ENOENT:
	case ECONNREFUSED:
		return svff_fail(ctx, -ENOTCONN, "guest qmp:%s is not running: nobody listens on this socket (%s); "
				 "start QEMU with -qmp unix:%s,server=on,wait=off", path, strerror(err), path);
	case EACCES:
	case EPERM:
		return svff_fail(ctx, -EACCES, "guest qmp:%s: no permission to connect: be root or the user of "
				 "its QEMU", path);
	case EAGAIN:
		return svff_fail(ctx, -EAGAIN, "guest qmp:%s: too many clients wait for this monitor: give QEMU "
				 "another -qmp socket", path);
	default:
		return svff_fail(ctx, -err, "guest qmp:%s: cannot connect: %s", path, strerror(err));
	}
}

static int qmp_connect(struct qmp *qmp)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(qmp->path) >= sizeof(address.sun_path))
		return qmp_refused(qmp->ctx, qmp->path, ENAMETOOLONG);
	svff_copy(address.sun_path, sizeof(address.sun_path), qmp->path);
	qmp->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (qmp->fd < 0 || connect(qmp->fd, (struct sockaddr *)&address, sizeof(address)))
		return qmp_refused(qmp->ctx, qmp->path, errno);
	return 0;
}

static int qmp_greet(struct qmp *qmp, unsigned int timeout_ms)
{
	struct json_object *greeting;
	int ret;

	qmp->doing = "greeting";
	set_deadline(qmp, svff_now_ms() + timeout_ms);
	ret = qmp_receive_answer(qmp, INT64_MAX, &greeting);
	if (ret)
		return ret;
	if (!json_object_object_get_ex(greeting, "QMP", NULL))
		ret = qmp_garbage(qmp, "no greeting");
	json_object_put(greeting);
	return ret ? ret : qmp_command(qmp, "qmp_capabilities", NULL, timeout_ms, NULL);
}

static struct qmp *qmp_new(struct svff_ctx *ctx, const char *path)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));

	if (!qmp)
		return NULL;
	qmp->ctx = ctx;
	qmp->fd = -1;
	qmp->path = strdup(path);
	qmp->parser = json_tokener_new_ex(QMP_DEPTH_MAX);
	qmp->events = json_object_new_array();
	if (!qmp->path || !qmp->parser || !qmp->events) {
		qmp_close(qmp);
		return NULL;
	}
	json_tokener_set_flags(qmp->parser, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	return qmp;
}

/**
 * qmp_reopen() - begin anew with a peer whose connection is lost, or out of step
 * @qmp: the connection
 * @timeout_ms: how long the peer may take for each of its two messages
 *
 * Events that came are kept.
 *
 * Return: 0, or a negative errno as told at the top of this file; then the connection is broken.
 */
int qmp_reopen(struct qmp *qmp, unsigned int timeout_ms)
{
	int ret;

	if (qmp->fd >= 0)
		close(qmp->fd);
	json_tokener_reset(qmp->parser);
	qmp->pos = qmp->len = qmp->message_size = 0;
	qmp->broken = false;
	ret = qmp_connect(qmp);
	if (!ret)
		ret = qmp_greet(qmp, timeout_ms);
	qmp->broken = ret;
	return ret;
}

/**
 * qmp_open() - connect, and be ready for commands
 * @ctx: the context
 * @path: the socket
 * @timeout_ms: how long the peer may take for each of its two messages
 * @out: the connection
 *
 * Return: 0, or a negative errno as told at the top of this file.
 */
int qmp_open(struct svff_ctx *ctx, const char *path, unsigned int timeout_ms, struct qmp **out)
{
	struct qmp *qmp = qmp_new(ctx, path);
	int ret;

	if (!qmp)
		return svff_fail(ctx, -ENOMEM, "guest qmp:%s: out of memory", path);
	ret = qmp_reopen(qmp, timeout_ms);
	if (ret)
		qmp_close(qmp);
	else
		*out = qmp;
	return ret;
}

/**
 * qmp_close() - end a connection
 * @qmp: the connection, or NULL
 */
void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	if (qmp->fd >= 0)
		close(qmp->fd);
	json_object_put(qmp->events);
	if (qmp->parser)
		json_tokener_free(qmp->parser);
	free(qmp->line);
	free(qmp->path);
	free(qmp);
}

/**
 * qmp_peer_pid() - process that opened the socket
 * @qmp: the connection
 *
 * Return: its id, 0 if it is not known.
 */
int qmp_peer_pid(const struct qmp *qmp)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	return getsockopt(qmp->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ? 0 : peer.pid;
}

/**
 * qmp_error_class() - class of the last error that QEMU answered
 * @qmp: the connection
 *
 * Return: "GenericError", "DeviceNotFound" ...
 */
const char *qmp_error_class(const struct qmp *qmp)
{
	return qmp->error_class;
}

/**
 * qmp_error_text() - text of the last error that QEMU answered
 * @qmp: the connection
 *
 * Return: QEMU's own words.
 */
const char *qmp_error_text(const struct qmp *qmp)
{
	return qmp->error_text;
}
