// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel would do when the tool writes to sysfs, done to a recorded tree.
 *
 * Linked into the tool in place of its two functions that touch the kernel (ld --wrap). Knows: VFs come
 * and go with sriov_numvfs, drivers take and leave functions, a VF's quota. A write that would block in
 * the kernel for ever, because the device is open, fails with EDEADLK here, so that the test sees it.
 *
 * FAKE_LOG	file that each write is added to: "path value"
 * FAKE_FAIL	"text=errno@n;...": the n-th write whose "path value" contains text fails (@n may be left out:
 *		all of them)
 * FAKE_KILL	"n": the tool is killed (SIGKILL) right before the n-th thing that it does to the kernel, to its own files
 *		or to a guest, or right after the guest has done it
 * FAKE_SIGNAL	"text": a write that contains it is interrupted by SIGTERM; "libvirt detach": that call
 * FAKE_PROCESSORS  how many the machine has
 * FAKE_VF_DRIVER  driver that takes new VFs when autoprobe is on; and all VFs that are free, a moment after
 *		autoprobe is switched on again, as one that udev loads
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP_BASE	100	/* IOMMU group of VF n is GROUP_BASE + n */
#define QUEUES_PER_VF	8

int __real_svff_file_write(const char *path, const char *value);
int __wrap_svff_file_write(const char *path, const char *value);
int __real_svff_try_open(const char *path);
int __wrap_svff_try_open(const char *path);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

struct qmp;
struct json_object;
int __real_qmp_command(struct qmp *qmp, const char *command, struct json_object *args, unsigned int timeout_ms,
		       struct json_object **ret);
int __wrap_qmp_command(struct qmp *qmp, const char *command, struct json_object *args, unsigned int timeout_ms,
		       struct json_object **ret);
int __real_qmp_ask(struct qmp *qmp, const char *command, struct json_object *args, int fd, unsigned int timeout_ms);
int __wrap_qmp_ask(struct qmp *qmp, const char *command, struct json_object *args, int fd, unsigned int timeout_ms);
int __real_qmp_answer(struct qmp *qmp, int64_t until_ms, struct json_object **ret);
int __wrap_qmp_answer(struct qmp *qmp, int64_t until_ms, struct json_object **ret);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
long __real_sysconf(int name);
long __wrap_sysconf(int name);

static const char *sys_dir(void)
{
	return getenv("SVFF_SYSFS");
}

static void __attribute__((format(printf, 2, 3))) put(const char *text, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *file;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	file = fopen(path, "w");
	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

static int __attribute__((format(printf, 3, 4))) get(char *text, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *file;
	size_t len;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	file = fopen(path, "r");
	if (!file)
		return -errno;
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
	return 0;
}

static int get_number(const char *dir, const char *name)
{
	char text[64];

	return get(text, sizeof(text), "%s/%s", dir, name) ? 0 : atoi(text);
}

static void put_number(int number, const char *dir, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "%d\n", number);
	put(text, "%s/%s", dir, name);
}

static void link_to(const char *target, const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	if (symlink(target, path))
		perror(path);
}

static void device_dir(const char *bdf, char dir[PATH_MAX])
{
	snprintf(dir, PATH_MAX, "%s/bus/pci/devices/%s", sys_dir(), bdf);
}

static bool is_open(const char *bdf)
{
	char dir[PATH_MAX], target[PATH_MAX], text[64], link[PATH_MAX + 16];
	ssize_t len;

	device_dir(bdf, dir);
	snprintf(link, sizeof(link), "%s/iommu_group", dir);
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	return !get(text, sizeof(text), "%s/vfio/%s", getenv("SVFF_DEV"), strrchr(target, '/') + 1) &&
	       !strncmp(text, "busy", 4);
}

/* ---- drivers ---- */

static void driver_of(const char *bdf, char driver[PATH_MAX])
{
	char dir[PATH_MAX], link[PATH_MAX + 16];
	ssize_t len;

	device_dir(bdf, dir);
	snprintf(link, sizeof(link), "%s/driver", dir);
	len = readlink(link, driver, PATH_MAX - 1);
	driver[len > 0 ? len : 0] = '\0';
	if (len > 0)
		memmove(driver, strrchr(driver, '/') + 1, strlen(strrchr(driver, '/')));
}

static int bind(const char *bdf, const char *driver)
{
	char dir[PATH_MAX], target[PATH_MAX], group[PATH_MAX], path[PATH_MAX];
	struct stat st;
	ssize_t len;

	snprintf(target, sizeof(target), "%s/bus/pci/drivers/%s", sys_dir(), driver);
	if (stat(target, &st))
		return -ENODEV;
	device_dir(bdf, dir);
	link_to(target, dir, "driver");
	snprintf(path, sizeof(path), "%.4000s/iommu_group", dir);
	len = readlink(path, group, sizeof(group) - 1);
	if (strstr(driver, "vfio") && len > 0) {
		group[len] = '\0';
		put("", "%s/vfio/%s", getenv("SVFF_DEV"), strrchr(group, '/') + 1);
	}
	return 0;
}

static int unbind(const char *bdf)
{
	char dir[PATH_MAX], path[PATH_MAX + 16];

	if (is_open(bdf))
		return -EDEADLK;
	device_dir(bdf, dir);
	snprintf(path, sizeof(path), "%s/driver", dir);
	unlink(path);
	return 0;
}

/* ---- VFs ---- */

static void vf_bdf(const char *pf, int vf, char bdf[64])
{
	unsigned int domain, bus, device, function, devfn;

	sscanf(pf, "%x:%x:%x.%x", &domain, &bus, &device, &function);
	devfn = device * 8 + function + vf;
	snprintf(bdf, 64, "%04x:%02x:%02x.%x", domain, bus, devfn / 8, devfn % 8);
}

static void make_vf(const char *real, const char *pf, int vf)
{
	char bdf[64], name[64], dir[PATH_MAX], path[PATH_MAX];
	int queues;

	vf_bdf(pf, vf, bdf);
	snprintf(dir, sizeof(dir), "%.3000s/../%s", real, bdf);
	mkdir(dir, 0755);
	put("0x10ee\n", "%s/vendor", dir);
	put("0xa03f\n", "%s/device", dir);
	put("(null)\n", "%s/driver_override", dir);
	link_to(real, dir, "physfn");
	snprintf(name, sizeof(name), "virtfn%d", vf - 1);
	link_to(dir, real, name);
	snprintf(path, sizeof(path), "%s/bus/pci/devices", sys_dir());
	link_to(dir, path, bdf);
	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d", sys_dir(), GROUP_BASE + vf);
	if (!getenv("FAKE_NO_IOMMU")) {
		mkdir(path, 0755);
		link_to(path, dir, "iommu_group");
		strcat(path, "/devices");
		mkdir(path, 0755);
		link_to(dir, path, bdf);
	}
	put("ready\n", "%s/svff/vf%d/state", real, vf);
	snprintf(name, sizeof(name), "svff/vf%d/queues", vf);
	queues = get_number(real, name);
	snprintf(name, sizeof(name), "svff/vf%d/queue_base", vf);
	put_number(queues ? vf * QUEUES_PER_VF : -1, real, name);
	if (getenv("FAKE_VF_DRIVER") && get_number(real, "sriov_drivers_autoprobe"))
		bind(bdf, getenv("FAKE_VF_DRIVER"));
}

static void remove_vf(const char *real, const char *pf, int vf)
{
	char bdf[64], name[64], dir[PATH_MAX], command[3 * PATH_MAX];

	vf_bdf(pf, vf, bdf);
	snprintf(dir, sizeof(dir), "%.3000s/../%s", real, bdf);
	snprintf(command, sizeof(command), "rm -rf '%s' '%s/bus/pci/devices/%s' '%s/virtfn%d' "
		 "'%s/kernel/iommu_groups/%d'", dir, sys_dir(), bdf, real, vf - 1, sys_dir(), GROUP_BASE + vf);
	if (system(command))
		perror(command);
	put("absent\n", "%s/svff/vf%d/state", real, vf);
	snprintf(name, sizeof(name), "svff/vf%d/queue_base", vf);
	put_number(-1, real, name);
}

static int vfs_free(const char *real, const char *pf, int count)
{
	char bdf[64], name[64], driver[PATH_MAX];
	int vf;

	for (vf = 1; vf <= count; vf++) {
		vf_bdf(pf, vf, bdf);
		snprintf(name, sizeof(name), "svff/vf%d/queues_active", vf);
		driver_of(bdf, driver);
		if (strstr(driver, "vfio") && get_number(real, name))
			return -EBUSY;
		if (is_open(bdf))
			return -EDEADLK;
	}
	return 0;
}

static int set_count(const char *path, int count)
{
	char real[PATH_MAX], *pf;
	int vf, ret, old;

	if (!realpath(path, real))
		return -errno;
	*strrchr(real, '/') = '\0';
	pf = strrchr(real, '/') + 1;
	old = get_number(real, "sriov_numvfs");
	if (count > get_number(real, "sriov_totalvfs"))
		return -ERANGE;
	if (count && old)
		return -EBUSY;
	ret = count ? 0 : vfs_free(real, pf, old);
	if (ret)
		return ret;
	for (vf = 1; vf <= count; vf++)
		make_vf(real, pf, vf);
	for (vf = old; vf >= 1; vf--)
		remove_vf(real, pf, vf);
	put_number(count, real, "sriov_numvfs");
	return 0;
}

static void load_vf_driver(const char *path)
{
	char link[PATH_MAX], target[PATH_MAX], override[64], driver[PATH_MAX];
	int vf;
	ssize_t len;

	for (vf = 0; getenv("FAKE_VF_DRIVER"); vf++) {
		snprintf(link, sizeof(link), "%.*s/virtfn%d", (int)(strrchr(path, '/') - path), path, vf);
		len = readlink(link, target, sizeof(target) - 1);
		if (len < 0)
			return;
		target[len] = '\0';
		driver_of(strrchr(target, '/') + 1, driver);
		if (!driver[0] && !get(override, sizeof(override), "%s/driver_override", target) &&
		    !strcmp(override, "(null)"))
			bind(strrchr(target, '/') + 1, getenv("FAKE_VF_DRIVER"));
	}
}

/* A VF that no driver has taken up can be given another range. */
static int check_quota(const char *path, int queues)
{
	char dir[PATH_MAX], state[64];

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	if (get(state, sizeof(state), "%s/state", dir) || (strcmp(state, "absent") && strcmp(state, "ready")))
		return -EBUSY;
	if (!strcmp(state, "ready"))
		put_number(queues ? QUEUES_PER_VF : -1, dir, "queue_base");
	strcat(dir, "/../..");
	if (queues > get_number(dir, "svff/queues_free"))
		return -ENOSPC;
	return 0;
}

static int pause_vf(const char *path, int on)
{
	char dir[PATH_MAX], state[64];

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	if (get(state, sizeof(state), "%s/state", dir) || strcmp(state, on ? "active" : "paused"))
		return -EINVAL;
	put(on ? "paused\n" : "active\n", "%s/state", dir);
	return 0;
}

/* ---- what the test asks for ---- */

static void maybe_kill(void)
{
	static int events;
	const char *at = getenv("FAKE_KILL");

	if (at && ++events == atoi(at))
		raise(SIGKILL);
}

static void log_write(const char *what)
{
	const char *name = getenv("FAKE_LOG");
	FILE *file = name ? fopen(name, "a") : NULL;

	if (file) {
		fprintf(file, "%s\n", what);
		fclose(file);
	}
}

static int wanted_failure(const char *what)
{
	static int seen[16];
	char all[1024], *rule, *save, *error, *nth;
	int i = 0;

	snprintf(all, sizeof(all), "%s", getenv("FAKE_FAIL") ? getenv("FAKE_FAIL") : "");
	for (rule = strtok_r(all, ";", &save); rule && i < 16; rule = strtok_r(NULL, ";", &save), i++) {
		error = strchr(rule, '=');
		*error++ = '\0';
		nth = strchr(error, '@');
		if (!strstr(what, rule))
			continue;
		seen[i]++;
		if (!nth || atoi(nth + 1) == seen[i])
			return -atoi(error);
	}
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), part = strlen(end);

	return len >= part && !strcmp(text + len - part, end);
}

static int behave(const char *path, const char *value)
{
	int ret = 0;

	if (ends_with(path, "/sriov_numvfs"))
		return set_count(path, atoi(value));
	if (ends_with(path, "/unbind"))
		return unbind(value);
	if (ends_with(path, "/bind")) {
		char driver[PATH_MAX];

		snprintf(driver, sizeof(driver), "%s", path);
		*strrchr(driver, '/') = '\0';
		return bind(value, strrchr(driver, '/') + 1);
	}
	if (ends_with(path, "/pause"))
		return pause_vf(path, atoi(value));
	if (ends_with(path, "/driver_override") && *value == '\n')
		value = "(null)\n";
	if (ends_with(path, "/sriov_drivers_autoprobe") && atoi(value))
		load_vf_driver(path);
	if (strstr(path, "/svff/vf") && ends_with(path, "/queues"))
		ret = check_quota(path, atoi(value));
	return ret ? ret : __real_svff_file_write(path, value);
}

int __wrap_svff_file_write(const char *path, const char *value)
{
	char what[2 * PATH_MAX];
	int ret;

	maybe_kill();
	snprintf(what, sizeof(what), "%s %s", path + strlen(sys_dir()) + 1, *value == '\n' ? "" : value);
	log_write(what);
	if (getenv("FAKE_SIGNAL") && strstr(what, getenv("FAKE_SIGNAL")))
		raise(SIGTERM);
	ret = wanted_failure(what);
	return ret ? ret : behave(path, value);
}

int __wrap_svff_try_open(const char *path)
{
	char text[64];

	if (!get(text, sizeof(text), "%s", path) && !strncmp(text, "busy", 4))
		return -EBUSY;
	return __real_svff_try_open(path);
}

int __wrap_open(const char *path, int flags, ...)
{
	char text[64];
	va_list args;
	int mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	if (strstr(path, "/dev/vfio/") && !get(text, sizeof(text), "%s", path) && !strncmp(text, "busy", 4)) {
		errno = EBUSY;
		return -1;
	}
	return __real_open(path, flags, mode);
}

static bool changes_guest(const char *command)
{
	return strncmp(command, "q", 1);	/* query-..., qom-..., qmp_capabilities */
}

int __wrap_qmp_command(struct qmp *qmp, const char *command, struct json_object *args, unsigned int timeout_ms,
		       struct json_object **ret)
{
	int err;

	if (changes_guest(command))
		maybe_kill();
	err = __real_qmp_command(qmp, command, args, timeout_ms, ret);
	if (changes_guest(command))
		maybe_kill();
	return err;
}

/* Guests that have been asked for a change: several may be at the same time. */
static struct qmp *changing[8];

static struct qmp **changing_place(struct qmp *qmp)
{
	size_t i;

	for (i = 0; i < sizeof(changing) / sizeof(*changing) - 1; i++)
		if (changing[i] == qmp)
			break;
	return &changing[i];
}

int __wrap_qmp_ask(struct qmp *qmp, const char *command, struct json_object *args, int fd, unsigned int timeout_ms)
{
	int err;

	if (changes_guest(command))
		maybe_kill();
	err = __real_qmp_ask(qmp, command, args, fd, timeout_ms);
	if (!err && changes_guest(command))
		*changing_place(NULL) = qmp;
	return err;
}

int __wrap_qmp_answer(struct qmp *qmp, int64_t until_ms, struct json_object **ret)
{
	int err = __real_qmp_answer(qmp, until_ms, ret);
	struct qmp **place = changing_place(qmp);

	if (err != -EINPROGRESS && *place == qmp) {
		*place = NULL;
		maybe_kill();
	}
	return err;
}

int __wrap_rename(const char *from, const char *to)
{
	maybe_kill();
	return __real_rename(from, to);
}

int __wrap_fsync(int fd)
{
	maybe_kill();
	return __real_fsync(fd);
}

int __wrap_unlink(const char *path)
{
	maybe_kill();
	return __real_unlink(path);
}

long __wrap_sysconf(int name)
{
	const char *processors = getenv("FAKE_PROCESSORS");

	return name == _SC_NPROCESSORS_ONLN && processors ? atoi(processors) : __real_sysconf(name);
}
