#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# probe.sh SRCTREE: print a -D flag for each feature that the kernel whose
# sources or headers are in SRCTREE has. Distributions back-port features, so
# what counts is what the headers say, never the version number.

inc=$1/include/linux

has()	# flag, pattern, header
{
	if grep -q -e "$2" "$inc/$3" 2>/dev/null; then
		printf ' -D%s=1' "$1"
	fi
}

if [ ! -d "$inc" ]; then
	echo "probe.sh: no kernel headers in $inc" >&2
	exit 1
fi

has SVFF_HAVE_NS_TOKEN		'define MODULE_IMPORT_NS.*__stringify'	module.h
has SVFF_HAVE_EXTRACT_PAGES	'iov_iter_extract_pages('		uio.h
has SVFF_HAVE_HRTIMER_SETUP	'hrtimer_setup('			hrtimer.h
has SVFF_HAVE_EVENTFD_COUNT	'eventfd_signal(struct eventfd_ctx \*ctx, __u64 n)'	eventfd.h
has SVFF_HAVE_CLASS_OWNER	'define class_create(owner'		device/class.h
has SVFF_HAVE_CLASS_CONST	'devnode)(const struct device'		device/class.h
has SVFF_HAVE_ASSIGN_STR_2	'define __assign_str(dst, src)'	../trace/stages/stage6_event_callback.h
has SVFF_HAVE_MIG_DATA_SIZE	'migration_get_data_size)'		vfio.h
has SVFF_HAVE_VFIO_IOMMUFD	'vfio_iommufd_physical_bind('		vfio.h
has SVFF_HAVE_VFIO_DETACH_IOAS	'vfio_iommufd_physical_detach_ioas('	vfio.h
echo
