// SPDX-License-Identifier: GPL-2.0-only
/*
 * LD_PRELOAD of svff: it stops, as by SIGSTOP, right after the n-th thing that it does to the kernel, to its own files or
 * to a guest, counted from when its journal is there. Whoever has started it does what he likes then, and kills it or
 * has it go on.
 *
 * STOP_AT	n, or a text: the first thing whose line in the log holds it
 * STOP_LOG	file that gets a line for each thing: its number and what it was
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define JOURNAL		".journal"
#define TEXT_MAX	80	/* of what is written, in the log */

static int deeds;

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* Not by write(), which is one of those below. */
static void log_line(const char *line)
{
	const char *name = getenv("STOP_LOG");
	int fd = name ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return;
	syscall(SYS_write, fd, line, strlen(line));
	close(fd);
}

static void did(const char *what, const char *where, const char *text, size_t len)
{
	const char *at = getenv("STOP_AT");
	char line[PATH_MAX];

	if (!deeds && (strcmp(what, "rename") || !strstr(where, JOURNAL)))
		return;
	deeds++;
	snprintf(line, sizeof(line) - 1, "%d %s %s %.*s", deeds, what, where, (int)(len < TEXT_MAX ? len : TEXT_MAX), text);
	line[strcspn(line, "\n")] = '\0';
	strcat(line, "\n");
	log_line(line);
	if (at && (atoi(at) ? atoi(at) == deeds : !!strstr(line, at)))
		kill(getpid(), SIGSTOP);
}

static void name_of(int fd, char name[PATH_MAX])
{
	char link[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, name, PATH_MAX / 2);
	name[len > 0 ? len : 0] = '\0';
}

ssize_t write(int fd, const void *buf, size_t count)
{
	ssize_t (*next)(int, const void *, size_t) = real("write");
	ssize_t ret = next(fd, buf, count);
	char name[PATH_MAX];

	name_of(fd, name);
	if (!strncmp(name, "/sys/", 5))
		did("write", name, buf, count);
	else if (!strncmp(name, "socket:", 7))	/* to libvirt, not in words */
		did("write", name, "", 0);
	return ret;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*next)(int, const struct msghdr *, int) = real("sendmsg");
	ssize_t ret = next(fd, message, flags);

	did("sendmsg", "", message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
	return ret;
}

int fsync(int fd)
{
	int (*next)(int) = real("fsync");
	int ret = next(fd);
	char name[PATH_MAX];

	name_of(fd, name);
	did("fsync", name, "", 0);
	return ret;
}

int rename(const char *from, const char *to)
{
	int (*next)(const char *, const char *) = real("rename");
	int ret = next(from, to);

	did("rename", to, "", 0);
	return ret;
}

int unlink(const char *path)
{
	int (*next)(const char *) = real("unlink");
	int ret = next(path);

	did("unlink", path, "", 0);
	return ret;
}
