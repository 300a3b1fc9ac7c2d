// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the kernel shows and takes in sysfs, below ctx's root. Knows PCI devices, not cards or VFs.
 */
#include "priv.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PCI_DEVICE	"bus/pci/devices/%s"
#define OVERRIDE_NONE	"(null)"

static int sysfs_path(struct svff_ctx *ctx, char path[PATH_MAX], const char *fmt, va_list args)
{
	char inside[PATH_MAX];

	if (vsnprintf(inside, sizeof(inside), fmt, args) >= (int)sizeof(inside))
		return -ENAMETOOLONG;
	return svff_path(ctx, SVFF_DIR_SYS, path, "%s", inside);
}

static int read_line(const char *path, char *buf, size_t size)
{
	int len = svff_file_read(path, buf, size - 1);

	if (len < 0)
		return len;
	buf[len] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

static int read_attribute(struct svff_ctx *ctx, char *buf, size_t size, const char *fmt, va_list args)
{
	char path[PATH_MAX];
	int ret = sysfs_path(ctx, path, fmt, args);

	return ret ? ret : read_line(path, buf, size);
}

/**
 * sysfs_read() - first line of an attribute
 * @ctx: the context
 * @buf: where to
 * @size: of @buf
 * @fmt: path below sysfs
 *
 * Return: 0, or a negative errno.
 */
int sysfs_read(struct svff_ctx *ctx, char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = read_attribute(ctx, buf, size, fmt, args);
	va_end(args);
	return ret;
}

/**
 * sysfs_read_int() - attribute with a number, in any base that C knows
 * @ctx: the context
 * @value: result
 * @fmt: path below sysfs
 *
 * Return: 0, -EBADMSG if it is no number, or another negative errno.
 */
int sysfs_read_int(struct svff_ctx *ctx, int *value, const char *fmt, ...)
{
	char line[SVFF_WORD_LEN], *end;
	va_list args;
	long number;
	int ret;

	va_start(args, fmt);
	ret = read_attribute(ctx, line, sizeof(line), fmt, args);
	va_end(args);
	if (ret)
		return ret;
	errno = 0;
	number = strtol(line, &end, 0);
	if (errno || end == line || *end || number < INT_MIN || number > INT_MAX)
		return -EBADMSG;
	*value = number;
	return 0;
}

/**
 * sysfs_dev() - attribute with the number of a device
 * @ctx: the context
 * @dev: result
 * @fmt: path below sysfs
 *
 * Return: 0, -EBADMSG if it is no such number, or another negative errno.
 */
int sysfs_dev(struct svff_ctx *ctx, dev_t *dev, const char *fmt, ...)
{
	char line[SVFF_WORD_LEN];
	unsigned int major, minor;
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = read_attribute(ctx, line, sizeof(line), fmt, args);
	va_end(args);
	if (ret)
		return ret;
	if (sscanf(line, "%u:%u", &major, &minor) != 2)
		return -EBADMSG;
	*dev = makedev(major, minor);
	return 0;
}

/**
 * sysfs_link() - last part of where a link points to
 * @ctx: the context
 * @buf: where to
 * @size: of @buf
 * @fmt: path below sysfs
 *
 * Return: 0, or a negative errno.
 */
int sysfs_link(struct svff_ctx *ctx, char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX], target[PATH_MAX];
	va_list args;
	ssize_t len;
	int ret;

	va_start(args, fmt);
	ret = sysfs_path(ctx, path, fmt, args);
	va_end(args);
	if (ret)
		return ret;
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	svff_copy(buf, size, basename(target));
	return 0;
}

/**
 * sysfs_exists() - is there something of this name?
 * @ctx: the context
 * @fmt: path below sysfs
 *
 * Return: true if so.
 */
bool sysfs_exists(struct svff_ctx *ctx, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = sysfs_path(ctx, path, fmt, args);
	va_end(args);
	return !ret && !access(path, F_OK);
}

/**
 * sysfs_write() - write an attribute
 * @ctx: the context
 * @value: the text
 * @fmt: path below sysfs
 *
 * Return: 0, or the attribute's negative errno.
 */
int sysfs_write(struct svff_ctx *ctx, const char *value, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = sysfs_path(ctx, path, fmt, args);
	va_end(args);
	if (ret)
		return ret;
	ret = svff_file_write(path, value);
	svff_log(ctx, SVFF_LOG_DEBUG, "write '%s' to %s -> %s", *value == '\n' ? "" : value, path,
		 ret ? strerror(-ret) : "done");
	return ret;
}

/**
 * sysfs_config() - config space of a PCI device
 * @ctx: the context
 * @bdf: its address
 * @config: result
 *
 * Return: bytes read (PCI_CONFIG_PUBLIC for others than root), or a negative errno.
 */
int sysfs_config(struct svff_ctx *ctx, const char *bdf, uint8_t config[PCI_CONFIG_SIZE])
{
	char path[PATH_MAX];
	int ret;

	ret = svff_path(ctx, SVFF_DIR_SYS, path, PCI_DEVICE "/config", bdf);
	return ret ? ret : svff_file_read(path, config, PCI_CONFIG_SIZE);
}

/**
 * sysfs_driver() - driver that a PCI device is bound to
 * @ctx: the context
 * @bdf: its address
 * @driver: result, empty if there is none
 *
 * Return: 0, -ENODEV if there is no such device.
 */
int sysfs_driver(struct svff_ctx *ctx, const char *bdf, char driver[SVFF_DRIVER_LEN])
{
	driver[0] = '\0';
	if (!sysfs_exists(ctx, PCI_DEVICE, bdf))
		return -ENODEV;
	if (sysfs_link(ctx, driver, SVFF_DRIVER_LEN, PCI_DEVICE "/driver", bdf))
		driver[0] = '\0';
	return 0;
}

/**
 * sysfs_iommu_group() - IOMMU group of a PCI device
 * @ctx: the context
 * @bdf: its address
 *
 * Return: number of the group, -ENODEV if it has none.
 */
int sysfs_iommu_group(struct svff_ctx *ctx, const char *bdf)
{
	char name[SVFF_WORD_LEN];
	unsigned int group;

	if (sysfs_link(ctx, name, sizeof(name), PCI_DEVICE "/iommu_group", bdf))
		return -ENODEV;
	return svff_parse_uint(name, INT_MAX, &group) ? -ENODEV : (int)group;
}

/**
 * sysfs_port_above() - the PCI device that a PCI device is behind
 * @ctx: the context
 * @bdf: its address
 * @port: result
 *
 * Return: 0, -ENODEV if it sits on a root bus, or another negative errno.
 */
int sysfs_port_above(struct svff_ctx *ctx, const char *bdf, char port[SVFF_BDF_LEN])
{
	char path[PATH_MAX], real[PATH_MAX];
	int ret;

	ret = svff_path(ctx, SVFF_DIR_SYS, path, PCI_DEVICE, bdf);
	if (ret)
		return ret;
	if (!realpath(path, real))
		return -errno;
	return pci_bdf_parse(basename(dirname(real)), port) ? -ENODEV : 0;
}

/**
 * sysfs_unbind() - take a PCI device from its driver, if it has one
 * @ctx: the context
 * @bdf: its address
 *
 * Return: 0, or a negative errno.
 */
int sysfs_unbind(struct svff_ctx *ctx, const char *bdf)
{
	char driver[SVFF_DRIVER_LEN];
	int ret = sysfs_driver(ctx, bdf, driver);

	if (ret || !driver[0])
		return ret;
	return sysfs_write(ctx, bdf, "bus/pci/drivers/%s/unbind", driver);
}

/**
 * sysfs_set_override() - say which driver alone may have a PCI device
 * @ctx: the context
 * @bdf: its address
 * @driver: name, empty to let all drivers have it again
 *
 * Return: 0, or a negative errno.
 */
int sysfs_set_override(struct svff_ctx *ctx, const char *bdf, const char *driver)
{
	return sysfs_write(ctx, driver[0] ? driver : "\n", PCI_DEVICE "/driver_override", bdf);
}

/**
 * sysfs_get_override() - which driver alone may have a PCI device
 * @ctx: the context
 * @bdf: its address
 * @driver: result, empty if all may
 *
 * Return: 0, or a negative errno.
 */
int sysfs_get_override(struct svff_ctx *ctx, const char *bdf, char driver[SVFF_DRIVER_LEN])
{
	int ret = sysfs_read(ctx, driver, SVFF_DRIVER_LEN, PCI_DEVICE "/driver_override", bdf);

	if (!ret && !strcmp(driver, OVERRIDE_NONE))
		driver[0] = '\0';
	return ret;
}

/**
 * sysfs_bind() - bind a PCI device without a driver to one
 * @ctx: the context
 * @bdf: its address
 * @driver: name; it has to be loaded
 *
 * Not by drivers_probe: that passes over a device which another driver is just about to refuse, in silence
 * (bus_rescan_devices_helper() in drivers/base/bus.c looks without the device's lock). Once VFs are there, udev loads
 * svff_vf, which may be that driver.
 *
 * Return: 0, -ENODEV if that driver is not for this device, -EBUSY if it has a driver, the error of the driver's
 * probe, or another negative errno.
 */
int sysfs_bind(struct svff_ctx *ctx, const char *bdf, const char *driver)
{
	return sysfs_write(ctx, bdf, "bus/pci/drivers/%s/bind", driver);
}
