#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Pause and unpause of a VF that QEMU reaches by iommufd: what is different from qemu-{basics,stateless,
# transparent}.sh there, and the main ways.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/pause.sh"

BACKEND=(--iommufd)

# Debian's kernels have neither CONFIG_IOMMUFD nor CONFIG_VFIO_DEVICE_CDEV.
iommufd()
{
	[ -c /dev/iommu ] || modprobe -q iommufd || skip "this kernel has no iommufd"
	both_there || vfs 2
	[ -d "/sys/bus/pci/devices/$A/vfio-dev" ] || skip "this kernel has no nodes of VFIO devices"
	"$@"
}

add "pause, another VF, vectors, system_reset, an open node from outside" iommufd on \
	pause_and_unpause,other_vf,vectors,reset,open_node
add "device_del while paused and afterwards" iommufd on device_del
add "quit while paused" iommufd on quit_paused
add "a device made with an open node" iommufd on made_by_node
add "a VF that is in use" iommufd on node_in_use
add "the host takes the VFs" iommufd host_request
add "state and writes are kept" iommufd on transparent_kvm
add "loading fails" iommufd on load_fails
finish
