// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Context of libsvff: where to look, whom to tell, and the last error.
 *
 * The folders can be moved by the environment, so that all of it runs on a recorded tree:
 * SVFF_SYSFS (/sys), SVFF_PROC (/proc), SVFF_DEV (/dev), SVFF_RUN (/run/svff), and SVFF_MODULE_DIR
 * (modules of the running kernel).
 */
#include "priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *env, *path;
} dirs[SVFF_DIRS] = {
	[SVFF_DIR_SYS]     = { "SVFF_SYSFS",      "/sys" },
	[SVFF_DIR_PROC]    = { "SVFF_PROC",       "/proc" },
	[SVFF_DIR_DEV]     = { "SVFF_DEV",        "/dev" },
	[SVFF_DIR_RUN]     = { "SVFF_RUN",        "/run/svff" },
	[SVFF_DIR_MODULES] = { "SVFF_MODULE_DIR", "" },	/* empty: where kmod looks */
};

#define FILE_MODE	0644

/**
 * svff_new() - make a context
 * @out: the context
 *
 * Return: 0, or -ENOMEM.
 */
int svff_new(struct svff_ctx **out)
{
	struct svff_ctx *ctx = calloc(1, sizeof(*ctx));
	const char *moved;
	int i;

	if (!ctx)
		return -ENOMEM;
	for (i = 0; i < SVFF_DIRS; i++) {
		moved = secure_getenv(dirs[i].env);
		ctx->dir[i] = strdup(moved ? moved : dirs[i].path);
		if (!ctx->dir[i]) {
			svff_free(ctx);
			return -ENOMEM;
		}
	}
	*out = ctx;
	return 0;
}

/**
 * svff_free() - end a context; nothing made from it may be left
 * @ctx: the context, or NULL
 */
void svff_free(struct svff_ctx *ctx)
{
	int i;

	if (!ctx)
		return;
	for (i = 0; i < SVFF_DIRS; i++)
		free(ctx->dir[i]);
	free(ctx);
}

/**
 * svff_set_log() - say who hears notices
 * @ctx: the context
 * @fn: called with one line of text without line end, NULL: nobody
 * @data: handed to @fn
 */
void svff_set_log(struct svff_ctx *ctx, svff_log_fn fn, void *data)
{
	ctx->log = fn;
	ctx->log_data = data;
}

/**
 * svff_error() - what the last error was
 * @ctx: the context
 *
 * Return: one line for people, valid until the next call into the library.
 */
const char *svff_error(const struct svff_ctx *ctx)
{
	return ctx->error;
}

/**
 * svff_cancel() - end what runs as soon as that is safe; it fails with -EINTR and is rolled back
 * @ctx: the context
 *
 * Context: any thread, any signal handler.
 */
void svff_cancel(struct svff_ctx *ctx)
{
	ctx->cancelled = 1;
}

/**
 * svff_cancelled() - has svff_cancel() been called, and may work stop here?
 * @ctx: the context
 *
 * Return: true if work is to end with -EINTR.
 */
bool svff_cancelled(const struct svff_ctx *ctx)
{
	return ctx->cancelled && !ctx->shielded;
}

/* QEMU's and libvirt's words are in it, and a message is one line that does nothing to a terminal. */
static void format_line(char text[SVFF_ERROR_LEN], const char *fmt, va_list args)
{
	char *c;

	vsnprintf(text, SVFF_ERROR_LEN, fmt, args);
	for (c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
}

/**
 * svff_fail() - remember an error
 * @ctx: the context
 * @err: negative errno
 * @fmt: what failed, why, and the way out
 *
 * Return: @err, so that a function can end with it.
 */
int svff_fail(struct svff_ctx *ctx, int err, const char *fmt, ...)
{
	char text[SVFF_ERROR_LEN];	/* the arguments may come from the old text */
	va_list args;

	va_start(args, fmt);
	format_line(text, fmt, args);
	va_end(args);
	memcpy(ctx->error, text, sizeof(text));
	return err;
}

/**
 * svff_log() - tell the log callback
 * @ctx: the context
 * @level: how important
 * @fmt: the text
 */
void svff_log(struct svff_ctx *ctx, enum svff_log_level level, const char *fmt, ...)
{
	char text[SVFF_ERROR_LEN];
	va_list args;

	if (!ctx->log)
		return;
	va_start(args, fmt);
	format_line(text, fmt, args);
	va_end(args);
	ctx->log(ctx->log_data, level, text);
}

/**
 * svff_path() - path of a file below one of the folders
 * @ctx: the context
 * @dir: which folder
 * @path: result
 * @fmt: path inside the folder, empty for the folder itself
 *
 * Return: 0, or -ENAMETOOLONG.
 */
int svff_path(struct svff_ctx *ctx, enum svff_dir dir, char path[PATH_MAX], const char *fmt, ...)
{
	int len = snprintf(path, PATH_MAX, "%s/", ctx->dir[dir]);
	va_list args;
	int more;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	va_start(args, fmt);
	more = vsnprintf(path + len, PATH_MAX - len, fmt, args);
	va_end(args);
	return more >= PATH_MAX - len ? -ENAMETOOLONG : 0;
}

/**
 * svff_is_live() - is this the running kernel, and not a recorded tree?
 * @ctx: the context
 *
 * Return: true if modules may be loaded for what sysfs shows.
 */
bool svff_is_live(const struct svff_ctx *ctx)
{
	return !strcmp(ctx->dir[SVFF_DIR_SYS], dirs[SVFF_DIR_SYS].path);
}

/**
 * svff_file_read() - read a file from its begin
 * @path: the file
 * @buf: where to
 * @size: at most so much
 *
 * Return: number of bytes, or a negative errno.
 */
int svff_file_read(const char *path, void *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	while (got && done < size) {
		got = read(fd, (char *)buf + done, size - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		done += got;
	}
	got = got < 0 ? -errno : (ssize_t)done;
	close(fd);
	return got;
}

/**
 * svff_file_write() - write a value to an existing file in one write
 * @path: the file
 * @value: the text
 *
 * Return: 0, or a negative errno; in sysfs it is the attribute's answer.
 */
int svff_file_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t put;
	int ret;

	if (fd < 0)
		return -errno;
	do
		put = write(fd, value, strlen(value));
	while (put < 0 && errno == EINTR);
	ret = put < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/**
 * svff_file_text() - read a whole file
 * @path: the file
 * @max: a larger one is refused
 * @text: result, to be freed
 *
 * Return: 0, -EFBIG, or another negative errno.
 */
int svff_file_text(const char *path, size_t max, char **text)
{
	char *all = malloc(max + 1);
	int len;

	if (!all)
		return -ENOMEM;
	len = svff_file_read(path, all, max + 1);
	if (len < 0 || (size_t)len > max) {
		free(all);
		return len < 0 ? len : -EFBIG;
	}
	all[len] = '\0';
	*text = all;
	return 0;
}

static int write_whole(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	size_t len = strlen(text);
	int ret = 0;

	if (fd < 0)
		return -errno;
	errno = EIO;
	if (fchmod(fd, FILE_MODE) || write(fd, text, len) != (ssize_t)len || fsync(fd))	/* whatever the umask */
		ret = -errno;
	close(fd);
	return ret;
}

/**
 * svff_file_replace() - replace a file as a whole
 * @path: the file
 * @draft: where the new one is made, in the same folder
 * @text: what it is to hold
 *
 * Return: 0, or a negative errno; then the old file is still there.
 */
int svff_file_replace(const char *path, const char *draft, const char *text)
{
	int ret = write_whole(draft, text);

	return !ret && rename(draft, path) ? -errno : ret;
}

/**
 * svff_try_open() - can a device node be opened?
 * @path: the node
 *
 * Return: 0, or a negative errno.
 */
int svff_try_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/**
 * svff_now_us() - monotonic time
 *
 * Return: microseconds since some point.
 */
uint64_t svff_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

/**
 * svff_now_ms() - monotonic time
 *
 * Return: milliseconds since some point.
 */
int64_t svff_now_ms(void)
{
	return svff_now_us() / 1000;
}

/**
 * svff_nap_ms() - let time pass between two looks at something that sends no event
 * @ms: milliseconds; a signal ends it early
 */
void svff_nap_ms(unsigned int ms)
{
	poll(NULL, 0, ms);
}

/**
 * svff_parse_uint() - number from decimal text
 * @text: nothing but digits
 * @max: largest that is allowed
 * @value: result
 *
 * Return: 0, -EINVAL if it is no number, -ERANGE if it is above @max.
 */
int svff_parse_uint(const char *text, unsigned int max, unsigned int *value)
{
	unsigned long long number = 0;
	const char *c;

	if (!*text)
		return -EINVAL;
	for (c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		number = number * 10 + (*c - '0');
		if (number > max)
			number = max + 1ULL;
	}
	if (number > max)
		return -ERANGE;
	*value = number;
	return 0;
}

/**
 * svff_copy() - copy text that fits by construction; what does not is cut
 * @dst: where to
 * @size: of @dst
 * @src: the text
 */
void svff_copy(char *dst, size_t size, const char *src)
{
	size_t len = strnlen(src, size - 1);

	memcpy(dst, src, len);
	dst[len] = '\0';
}
