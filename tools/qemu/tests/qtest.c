// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Minimal client of QEMU's qtest and QMP protocols, and set-up of a root port.
 */
#include "qtest.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ECAM		0xb0000000u
#define RP_DEVFN	(1 << 3)
#define BUS		1

struct qt {
	pid_t pid;
	char dir[64];
	int fd, qmp_fd;
	char line[65536];
	size_t used;
	char qmp[262144];
};

static pid_t running;	/* the last QEMU started, to tell how it ended */

static void die(const char *what)
{
	int status = 0;

	printf("Bail out! %s: %s", what, strerror(errno));
	usleep(100000);
	if (running > 0 && waitpid(running, &status, WNOHANG) > 0)
		printf(" (QEMU ended, wait status 0x%x)", status);
	else if (running > 0)
		kill(running, SIGKILL);
	printf("\n");
	fflush(stdout);
	exit(1);
}

static int listen_on(const char *dir, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", dir, name);
	if (fd < 0 || bind(fd, (void *)&a, sizeof(a)) || listen(fd, 1))
		die("cannot listen");
	return fd;
}

static void send_all(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = send(fd, s, len, MSG_NOSIGNAL);

		if (n <= 0)
			die("QEMU is gone (send)");
		s += n;
		len -= n;
	}
}

/* Reads one line into qt->line, without its end. */
static void read_line(struct qt *qt)
{
	char *end;

	while (!(end = memchr(qt->line, '\n', qt->used))) {
		ssize_t n;

		if (qt->used == sizeof(qt->line))
			die("line too long");
		n = read(qt->fd, qt->line + qt->used, sizeof(qt->line) - qt->used);
		if (n <= 0)
			die("QEMU is gone (read)");
		qt->used += n;
	}
	*end = '\0';
}

static void drop_line(struct qt *qt)
{
	size_t len = strlen(qt->line) + 1;

	qt->used -= len;
	memmove(qt->line, qt->line + len, qt->used);
}

/* Sends a command; the value of "OK value" */
static uint64_t command(struct qt *qt, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static uint64_t command(struct qt *qt, const char *fmt, ...)
{
	char cmd[256];
	uint64_t val = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	send_all(qt->fd, cmd, strlen(cmd));
	for (;;) {
		read_line(qt);
		if (!strncmp(qt->line, "OK", 2))
			break;
		if (strncmp(qt->line, "IRQ", 3))
			die(qt->line);
		drop_line(qt);
	}
	if (qt->line[2])
		val = strtoull(qt->line + 3, NULL, 0);
	drop_line(qt);
	return val;
}

void qt_step(struct qt *qt, uint64_t ns)
{
	command(qt, "clock_step %" PRIu64 "\n", ns);
}

uint32_t qt_read32(struct qt *qt, uint64_t addr)
{
	return command(qt, "readl 0x%" PRIx64 "\n", addr);
}

void qt_write32(struct qt *qt, uint64_t addr, uint32_t val)
{
	command(qt, "writel 0x%" PRIx64 " 0x%x\n", addr, val);
}

static char size_letter(int bytes)
{
	return bytes == 1 ? 'b' : bytes == 2 ? 'w' : bytes == 4 ? 'l' : 'q';
}

void qt_write_sized(struct qt *qt, uint64_t addr, uint64_t val, int bytes)
{
	command(qt, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n",
		size_letter(bytes), addr, val);
}

uint64_t qt_read_sized(struct qt *qt, uint64_t addr, int bytes)
{
	return command(qt, "read%c 0x%" PRIx64 "\n", size_letter(bytes), addr);
}

#define CHUNK	4096

static void read_chunk(struct qt *qt, uint64_t addr, uint8_t *buf, size_t len)
{
	char cmd[80];
	const char *hex;

	snprintf(cmd, sizeof(cmd), "read 0x%" PRIx64 " 0x%zx\n", addr, len);
	send_all(qt->fd, cmd, strlen(cmd));
	read_line(qt);
	hex = strchr(qt->line, 'x');
	if (!hex)
		die(qt->line);
	for (size_t i = 0; i < len; i++) {
		char byte[3] = { hex[1 + 2 * i], hex[2 + 2 * i] };

		buf[i] = strtoul(byte, NULL, 16);
	}
	drop_line(qt);
}

void qt_read(struct qt *qt, uint64_t addr, void *buf, size_t len)
{
	for (size_t at = 0; at < len; at += CHUNK)
		read_chunk(qt, addr + at, (uint8_t *)buf + at,
			   len - at < CHUNK ? len - at : CHUNK);
}

static void write_chunk(struct qt *qt, uint64_t addr, const uint8_t *buf, size_t len)
{
	char cmd[2 * CHUNK + 80];
	int n = snprintf(cmd, sizeof(cmd), "write 0x%" PRIx64 " 0x%zx 0x", addr, len);

	for (size_t i = 0; i < len; i++)
		n += sprintf(cmd + n, "%02x", buf[i]);
	cmd[n++] = '\n';
	send_all(qt->fd, cmd, n);
	read_line(qt);
	drop_line(qt);
}

void qt_write(struct qt *qt, uint64_t addr, const void *buf, size_t len)
{
	for (size_t at = 0; at < len; at += CHUNK)
		write_chunk(qt, addr + at, (const uint8_t *)buf + at,
			    len - at < CHUNK ? len - at : CHUNK);
}

void qt_fill(struct qt *qt, uint64_t addr, int byte, size_t len)
{
	command(qt, "memset 0x%" PRIx64 " 0x%zx 0x%02x\n", addr, len, byte);
}

static uint64_t cfg_addr(int bus, int devfn, int reg)
{
	return ECAM + ((uint64_t)bus << 20) + (devfn << 12) + reg;
}

uint64_t qt_cfg_addr(int devfn, int reg)
{
	return cfg_addr(BUS, devfn, reg);
}

/* Of the port that the card is behind */
uint64_t qt_port_addr(int reg)
{
	return cfg_addr(0, RP_DEVFN, reg);
}

uint32_t qt_cfg_read32(struct qt *qt, int devfn, int reg)
{
	return qt_read32(qt, cfg_addr(BUS, devfn, reg));
}

void qt_cfg_write32(struct qt *qt, int devfn, int reg, uint32_t val)
{
	qt_write32(qt, cfg_addr(BUS, devfn, reg), val);
}

void qt_cfg_write16(struct qt *qt, int devfn, int reg, uint16_t val)
{
	qt_write_sized(qt, cfg_addr(BUS, devfn, reg), val, 2);
}

int qt_find_cap(struct qt *qt, int devfn, int id)
{
	int pos = qt_cfg_read32(qt, devfn, 0x34) & 0xff;

	while (pos) {
		uint32_t head = qt_cfg_read32(qt, devfn, pos);

		if ((int)(head & 0xff) == id)
			return pos;
		pos = head >> 8 & 0xff;
	}
	return 0;
}

int qt_find_ecap(struct qt *qt, int devfn, int id)
{
	int pos = 0x100;

	while (pos) {
		uint32_t head = qt_cfg_read32(qt, devfn, pos);

		if ((int)(head & 0xffff) == id)
			return pos;
		pos = head >> 20;
	}
	return 0;
}

/* Bus 1 behind the root port, a 64-bit window to it, bus mastering on */
static void setup_root_port(struct qt *qt)
{
	uint64_t limit = QT_WINDOW + QT_WINDOW_SIZE - 1;

	command(qt, "outl 0xcf8 0x80000060\n");
	command(qt, "outl 0xcfc 0x%x\n", ECAM | 1);
	qt_write32(qt, cfg_addr(0, RP_DEVFN, 0x18), BUS << 16 | BUS << 8);
	qt_write32(qt, cfg_addr(0, RP_DEVFN, 0x24),
		   (QT_WINDOW >> 16 & 0xfff0) | (limit & 0xfff00000));
	qt_write32(qt, cfg_addr(0, RP_DEVFN, 0x28), QT_WINDOW >> 32);
	qt_write32(qt, cfg_addr(0, RP_DEVFN, 0x2c), limit >> 32);
	qt_write32(qt, cfg_addr(0, RP_DEVFN, 0x20), 0x0000fff0);
	qt_write32(qt, cfg_addr(0, RP_DEVFN, 0x04), 0x6);
}

static void run_qemu(struct qt *qt, const char *qemu, const char *device,
		     const char *incoming)
{
	char dev[512], qtest[128], qmp[128], in[256];

	snprintf(dev, sizeof(dev), "%s,id=card0,bus=rp0", device);
	snprintf(qtest, sizeof(qtest), "unix:%s/qtest", qt->dir);
	snprintf(qmp, sizeof(qmp), "unix:%s/qmp", qt->dir);
	snprintf(in, sizeof(in), "file:%s", incoming ? incoming : "");
	execl(qemu, qemu, "-M", "q35,sata=off,i8042=off", "-accel", "qtest",
	      "-m", "64", "-nodefaults", "-display", "none", "-nographic",
	      "-qtest", qtest, "-qtest-log", "/dev/null", "-qmp", qmp,
	      "-device", "pcie-root-port,id=rp0,addr=1", "-device", dev,
	      incoming ? "-incoming" : NULL, in, (char *)NULL);
	_exit(127);
}

/* Reads until an answer of QMP is complete: a line with "return" or "error". */
static void qmp_read(struct qt *qt, const char *until)
{
	size_t used = 0;

	for (;;) {
		char *line = qt->qmp, *end;
		ssize_t n = read(qt->qmp_fd, qt->qmp + used,
				 sizeof(qt->qmp) - 1 - used);

		if (n <= 0)
			die("QEMU is gone (QMP)");
		used += n;
		qt->qmp[used] = '\0';
		while ((end = strchr(line, '\n'))) {
			if (!strncmp(line, until, strlen(until)) ||
			    !strncmp(line, "{\"error\"", 8)) {
				memmove(qt->qmp, line, strlen(line) + 1);
				return;
			}
			line = end + 1;
		}
	}
}

const char *qt_qmp(struct qt *qt, bool *error, const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd) - 1, fmt, ap);
	va_end(ap);
	/* In one piece: QEMU acts, and may quit, when the object is complete. */
	strcat(cmd, "\n");
	send_all(qt->qmp_fd, cmd, strlen(cmd));
	qmp_read(qt, "{\"return\"");
	if (error)
		*error = !strncmp(qt->qmp, "{\"error\"", 8);
	return qt->qmp;
}

bool qt_set(struct qt *qt, const char *property, const char *value)
{
	bool error;

	qt_qmp(qt, &error, "{\"execute\":\"qom-set\",\"arguments\":{\"path\":"
	       "\"card0\",\"property\":\"%s\",\"value\":%s}}", property, value);
	return !error;
}

/* Until the migration is over; a minute at most */
static bool wait_migrated(struct qt *qt)
{
	for (int i = 0; i < 600; i++) {
		const char *r = qt_qmp(qt, NULL, "{\"execute\":\"query-migrate\"}");

		if (strstr(r, "\"completed\""))
			return true;
		if (strstr(r, "\"failed\""))
			return false;
		usleep(100000);
	}
	return false;
}

bool qt_save(struct qt *qt, const char *file)
{
	bool error;

	qt_qmp(qt, &error, "{\"execute\":\"migrate\",\"arguments\":"
	       "{\"uri\":\"file:%s\"}}", file);
	return !error && wait_migrated(qt);
}

struct qt *qt_start(const char *qemu, const char *device, const char *incoming)
{
	struct qt *qt = calloc(1, sizeof(*qt));
	int listener, qmp_listener;

	if (!qt)
		die("no memory");
	if (access(qemu, X_OK))
		die(qemu);
	strcpy(qt->dir, "/tmp/qdma-test-XXXXXX");
	if (!mkdtemp(qt->dir))
		die("no folder");
	listener = listen_on(qt->dir, "qtest");
	qmp_listener = listen_on(qt->dir, "qmp");
	fflush(stdout);
	qt->pid = fork();
	if (qt->pid < 0)
		die("fork");
	if (!qt->pid)
		run_qemu(qt, qemu, device, incoming);
	running = qt->pid;
	qt->fd = accept(listener, NULL, NULL);
	qt->qmp_fd = accept(qmp_listener, NULL, NULL);
	if (qt->fd < 0 || qt->qmp_fd < 0)
		die("accept");
	close(listener);
	close(qmp_listener);
	qmp_read(qt, "{\"QMP\"");
	qt_qmp(qt, NULL, "{\"execute\":\"qmp_capabilities\"}");
	if (!incoming)
		setup_root_port(qt);
	else if (!wait_migrated(qt))
		die("the saved state is not taken");
	return qt;
}

bool qt_stop(struct qt *qt)
{
	char path[80];
	int status;

	qt_qmp(qt, NULL, "{\"execute\":\"quit\"}");
	waitpid(qt->pid, &status, 0);
	close(qt->fd);
	close(qt->qmp_fd);
	snprintf(path, sizeof(path), "%s/qtest", qt->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/qmp", qt->dir);
	unlink(path);
	rmdir(qt->dir);
	free(qt);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}
