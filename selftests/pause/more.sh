#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# More of qemu-stateless.sh and qemu-transparent.sh, for those who have the time.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/pause.sh"

# pf_driver NAME: no name is the driver that it should have
pf_driver()
{
	echo "$PF" >"$D/driver/unbind"
	echo "$1" >"$D/driver_override"
	put_ok "$PF" /sys/bus/pci/drivers_probe
	[ -e "$D/driver" ] || { dmesg | tail; fail "the PF has no driver"; }
}

# The PF in the place of its VF
other_kind()
{
	vfs 2
	talk other_kind "$A" "$PF"
	hear paused
	no_vfs
	pf_driver vfio-pci
	go
	hear refused
	pf_driver ""
	until_true test -e "$S/queues_total"
	put_ok 0 "$D/sriov_drivers_autoprobe"
	new_vfs
	go
	talk_end
}

# The PF itself, as a device that can sleep
asleep()
{
	no_vfs
	pf_driver vfio-pci
	py asleep "$PF" || fail "$(tail -n 1 "$TMP/out")"
	pf_driver ""
	until_true test -e "$S/queues_total"
	put_ok 0 "$D/sriov_drivers_autoprobe"
}

add "BARs that are not mapped" on no_mmap
add "quit while paused" on quit_paused
add "VF without its driver" on not_bound
add "a function of another kind" other_kind
add "writes, and sleep, while paused" asleep
add "nothing is left open" on no_leak
add "an open group from outside" on other_group
add "too little memory may be locked" on memlock
add "the same without KVM" on transparent_tcg
add "more writes than can be kept" on too_many_writes
add "enable-migration=off" on migration_off
finish
