// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A PCI function and its VFIO driver: bind, give back, is somebody using it?
 *
 * Unbinding a function that is open, or removing it, blocks in the kernel until the user lets go.
 * So whoever unbinds or removes looks with vfio_wait_free() first. The test is to open the group: the
 * kernel lets one user in at a time, whether it came by the group or by the device's own node.
 *
 * Who has a device open is looked up by its number: in a container, or moved, its node may have any name.
 */
#include "priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define VFIO_DRIVER	"vfio-pci"
#define VFIO_VARIANT	"svff_vfio"	/* what makes a pause transparent */
#define VF_DRIVER	"svff_vf"
#define GROUP_CLASS	"class/vfio"
#define FREE_WAIT_MS	10000	/* a QEMU with much memory needs seconds to end */
#define FREE_POLL_MS	20

static const char *const vfio_drivers[] = { VFIO_DRIVER, VFIO_VARIANT };
static const char *const data_classes[] = { "svff-mm", "svff-st" };	/* the names of their devices begin so, too */

/**
 * vfio_is_driver() - does this driver hand devices to user space?
 * @driver: its name
 *
 * Return: true if so.
 */
bool vfio_is_driver(const char *driver)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vfio_drivers); i++)
		if (!strcmp(driver, vfio_drivers[i]))
			return true;
	return false;
}

/**
 * vfio_binding() - what a function is bound to
 * @ctx: the context
 * @bdf: its address
 * @binding: result, for vfio_restore()
 *
 * Return: 0, or a negative errno.
 */
int vfio_binding(struct svff_ctx *ctx, const char *bdf, struct vf_binding *binding)
{
	int ret = sysfs_driver(ctx, bdf, binding->driver);

	if (!ret)
		ret = sysfs_get_override(ctx, bdf, binding->override);
	if (ret)
		return svff_fail(ctx, ret, "%s: cannot read its driver: %s", bdf, strerror(-ret));
	return 0;
}

/* A file server that does not answer is not asked. */
static int look_at(const char *path, struct statx *st)
{
	return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, st);
}

static bool process_holds(struct svff_ctx *ctx, const char *pid, dev_t dev)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	struct statx st;
	DIR *dir;

	if (svff_path(ctx, SVFF_DIR_PROC, path, "%s/fd", pid))
		return false;
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		if (!svff_path(ctx, SVFF_DIR_PROC, path, "%s/fd/%s", pid, entry->d_name) && !look_at(path, &st))
			found = S_ISCHR(st.stx_mode) && makedev(st.stx_rdev_major, st.stx_rdev_minor) == dev;
	if (dir)
		closedir(dir);
	return found;
}

static int find_holder(struct svff_ctx *ctx, dev_t dev, char pid[SVFF_WORD_LEN])
{
	struct dirent *entry;
	char path[PATH_MAX];
	unsigned int number;
	int ret = -ESRCH;
	DIR *dir;

	if (svff_path(ctx, SVFF_DIR_PROC, path, "%s", ""))
		return -ENAMETOOLONG;
	dir = opendir(path);
	while (dir && ret && (entry = readdir(dir))) {
		if (svff_parse_uint(entry->d_name, INT_MAX, &number))
			continue;
		if (!process_holds(ctx, entry->d_name, dev))
			continue;
		svff_copy(pid, SVFF_WORD_LEN, entry->d_name);
		ret = 0;
	}
	if (dir)
		closedir(dir);
	return ret;
}

/* Name the process that has a device open; "another process" if it cannot be found. */
static int describe_holder(struct svff_ctx *ctx, dev_t dev, char *buf, size_t size)
{
	char path[PATH_MAX], pid[SVFF_WORD_LEN], comm[SVFF_WORD_LEN] = "?";
	int ret, len;

	snprintf(buf, size, "another process");
	ret = find_holder(ctx, dev, pid);
	if (!ret)
		ret = svff_path(ctx, SVFF_DIR_PROC, path, "%s/comm", pid);
	if (ret)
		return ret;
	len = svff_file_read(path, comm, sizeof(comm) - 1);
	comm[len > 0 ? len : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	snprintf(buf, size, "process %s (%s)", pid, comm);
	return 0;
}

static int find_class_user(struct svff_ctx *ctx, const char *bdf, const char *class, char *user, size_t size)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int ret = -ESRCH;
	dev_t dev;
	DIR *dir;

	if (svff_path(ctx, SVFF_DIR_SYS, path, "bus/pci/devices/%s/%s", bdf, class))
		return -ENAMETOOLONG;
	dir = opendir(path);
	while (dir && ret == -ESRCH && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, class, strlen(class)))
			continue;
		ret = sysfs_dev(ctx, &dev, "bus/pci/devices/%s/%s/%s/dev", bdf, class, entry->d_name);
		if (!ret)
			ret = describe_holder(ctx, dev, user, size);
		else if (ret == -ENOENT || ret == -ENODEV)	/* gone meanwhile */
			ret = -ESRCH;
	}
	if (dir)
		closedir(dir);
	return ret;
}

/* 0 if a process has a data device of the function open, and tells which; -ESRCH if none has. */
static int find_data_user(struct svff_ctx *ctx, const char *bdf, char *user, size_t size)
{
	int ret = -ESRCH;
	size_t i;

	for (i = 0; ret == -ESRCH && i < ARRAY_SIZE(data_classes); i++)
		ret = find_class_user(ctx, bdf, data_classes[i], user, size);
	return ret;
}

/**
 * vfio_host_idle() - may a function be taken from the driver of this host that has it?
 * @ctx: the context
 * @bdf: its address
 *
 * The kernel gives new VFs to svff_vf when that is loaded, although nobody asked for it. Unused, it may
 * lose them. What other drivers do with a VF is not known here.
 *
 * Return: 0 if no driver, a VFIO driver, or an unused svff_vf has it; -EBUSY if not.
 */
int vfio_host_idle(struct svff_ctx *ctx, const char *bdf)
{
	char driver[SVFF_DRIVER_LEN], user[SVFF_ERROR_LEN / 4] = "";
	int ret = sysfs_driver(ctx, bdf, driver);

	if (ret || !driver[0] || vfio_is_driver(driver))
		return 0;
	if (!strcmp(driver, VF_DRIVER) && find_data_user(ctx, bdf, user, sizeof(user)) == -ESRCH)
		return 0;
	return svff_fail(ctx, -EBUSY, "%s is in use by driver %s of this host%s%s: stop its users, and write "
			 "'%s' to /sys/bus/pci/drivers/%s/unbind", bdf, driver, user[0] ? ", " : "", user, bdf, driver);
}

/**
 * vfio_preferred() - which VFIO driver VFs are bound to when nobody says otherwise
 * @ctx: the context
 *
 * Return: svff_vfio if this host has it and it is not blacklisted, else vfio-pci.
 */
const char *vfio_preferred(struct svff_ctx *ctx)
{
	enum module_state state;

	if (module_blacklisted(ctx, VFIO_VARIANT))
		return VFIO_DRIVER;
	if (sysfs_exists(ctx, "bus/pci/drivers/" VFIO_VARIANT))
		return VFIO_VARIANT;
	return module_state(ctx, VFIO_VARIANT, &state) || state == MODULE_MISSING ? VFIO_DRIVER : VFIO_VARIANT;
}

static int vfio_need_driver(struct svff_ctx *ctx, const char *driver)
{
	int ret = 0;

	if (!sysfs_exists(ctx, "bus/pci/drivers/%s", driver))
		ret = module_load(ctx, driver);
	if (ret)
		return svff_fail(ctx, ret, "module %s cannot be loaded: %s; 'svff doctor' tells what this host lacks",
				 driver, strerror(-ret));
	return 0;
}

/* The override comes first: from then on no other driver can come in between. */
static int vfio_take(struct svff_ctx *ctx, const char *bdf, const char *wanted)
{
	char driver[SVFF_DRIVER_LEN];
	int ret = sysfs_set_override(ctx, bdf, wanted);

	if (!ret)
		ret = sysfs_unbind(ctx, bdf);
	if (!ret)
		ret = sysfs_bind(ctx, bdf, wanted);
	/* somebody else may have bound it just now, as wanted */
	if (ret == -EBUSY && !sysfs_driver(ctx, bdf, driver) && !strcmp(driver, wanted))
		ret = 0;
	return ret;
}

/**
 * vfio_bind() - bind a function to a VFIO driver; fine if it has one already
 * @ctx: the context
 * @bdf: its address
 * @driver: which one, NULL for the preferred one
 *
 * Return: 0, -EBUSY if this host uses it, or another negative errno; then it is as it was.
 */
int vfio_bind(struct svff_ctx *ctx, const char *bdf, const char *driver)
{
	struct vf_binding found;
	int ret = vfio_binding(ctx, bdf, &found);

	if (ret || vfio_is_driver(found.driver))
		return ret;
	ret = vfio_host_idle(ctx, bdf);
	if (ret)
		return ret;
	if (sysfs_iommu_group(ctx, bdf) < 0)
		return svff_fail(ctx, -ENODEV, "%s has no IOMMU group, so VFIO cannot take it: switch the IOMMU "
				 "on (see 'svff doctor')", bdf);
	driver = driver ? driver : vfio_preferred(ctx);
	ret = vfio_need_driver(ctx, driver);
	if (ret)
		return ret;
	ret = vfio_take(ctx, bdf, driver);
	if (!ret)
		return 0;
	vfio_restore(ctx, bdf, &found);
	return svff_fail(ctx, ret, "%s: %s did not take it: %s; the kernel log says why", bdf, driver, strerror(-ret));
}

/**
 * vfio_restore() - bind a function to what it was bound to
 * @ctx: the context
 * @bdf: its address
 * @binding: from vfio_binding()
 *
 * Return: 0, or a negative errno.
 */
int vfio_restore(struct svff_ctx *ctx, const char *bdf, const struct vf_binding *binding)
{
	char driver[SVFF_DRIVER_LEN];
	int ret = sysfs_driver(ctx, bdf, driver);

	if (!ret && strcmp(driver, binding->driver))
		ret = sysfs_unbind(ctx, bdf);
	if (!ret)
		ret = sysfs_set_override(ctx, bdf, binding->override);
	if (!ret && binding->driver[0] && strcmp(driver, binding->driver))
		ret = sysfs_bind(ctx, bdf, binding->driver);
	if (ret)
		return svff_fail(ctx, ret, "%s cannot be given back to driver %s: %s", bdf,
				 binding->driver[0] ? binding->driver : "(none)", strerror(-ret));
	return 0;
}

/**
 * vfio_in_use() - does a process have a function open through VFIO?
 * @ctx: the context
 * @bdf: its address
 *
 * Return: 1 if so, 0 if not, or a negative errno if that cannot be told.
 */
int vfio_in_use(struct svff_ctx *ctx, const char *bdf)
{
	char driver[SVFF_DRIVER_LEN], path[PATH_MAX];
	int group = sysfs_iommu_group(ctx, bdf);
	int ret = sysfs_driver(ctx, bdf, driver);

	if (ret || group < 0 || !vfio_is_driver(driver))
		return 0;
	ret = svff_path(ctx, SVFF_DIR_DEV, path, "vfio/%d", group);
	if (!ret)
		ret = svff_try_open(path);
	if (ret == -EBUSY)
		return 1;
	return ret == -ENOENT ? 0 : ret;
}

/**
 * vfio_wait_free() - wait until nobody has a function open
 * @ctx: the context
 * @bdf: its address
 *
 * A process that ends closes its files one after the other, its monitor before its devices.
 *
 * Return: 0, -EBUSY if it stays in use, or another negative errno.
 */
int vfio_wait_free(struct svff_ctx *ctx, const char *bdf)
{
	int64_t end = svff_now_ms() + FREE_WAIT_MS;
	char user[SVFF_ERROR_LEN / 4];
	int ret;

	while ((ret = vfio_in_use(ctx, bdf)) == 1 && svff_now_ms() < end && !svff_cancelled(ctx))
		svff_nap_ms(FREE_POLL_MS);
	if (ret <= 0)
		return ret ? svff_fail(ctx, ret, "%s: cannot tell whether it is in use: %s", bdf,
				       strerror(-ret)) : 0;
	vfio_describe_user(ctx, bdf, user, sizeof(user));
	return svff_fail(ctx, -EBUSY, "%s is in use by %s: end it, or let it give the device back", bdf, user);
}

/**
 * vfio_describe_user() - name the process that has a function open
 * @ctx: the context
 * @bdf: its address
 * @buf: result, for people
 * @size: of @buf
 *
 * Return: 0, -ESRCH if it was not found; @buf has a text all the same.
 */
int vfio_describe_user(struct svff_ctx *ctx, const char *bdf, char *buf, size_t size)
{
	dev_t dev = 0;	/* nobody has that open */

	sysfs_dev(ctx, &dev, GROUP_CLASS "/%d/dev", sysfs_iommu_group(ctx, bdf));
	return describe_holder(ctx, dev, buf, size);
}
