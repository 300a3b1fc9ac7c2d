#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# VFs of an NVMe controller with the drivers that Linux has for it: a guest writes and reads, and goes on with another VF
# after all of them were removed, in each of the ways that docs/system/devices/vfio-pause.rst of QEMU's series promises.
# For an emulated host whose card is nvme (boot.sh -d nvme).
# shellcheck disable=SC2317,SC2329	# functions are called through add

GUEST=nvme
. "$(dirname "$0")/other-vf.sh"

DISK=/dev/nvme0n1	# here, and in the guest: the one namespace there is
MIB=16			# that are written, see bench/mover.c
TIMEOUT_S=30		# of a request in the guest: the driver tries to abort it, and after twice that time resets the controller
WAIT_S=120

virt() { must "$SELFTESTS/pause/nvme-virt.py" "${DISK%n1}" "$@"; }
is_live() { [ "$(get /sys/class/nvme/nvme0/state 2>/dev/null)" = live ]; }

# A VF is a secondary controller, which needs 2 queues and 2 interrupts, and has to be put online. Its number is that of the VF.
make_vfs()
{
	put_ok 2 "$D/sriov_numvfs"
	virt 8,{1,2},{0,1},2 9,{1,2},0,0
	bind_vfs
}

host()
{
	modprobe -a nvme vfio-pci vfio_iommu_type1 || fail "no driver"
	until_true is_live || fail "no controller"
	put_ok 0 "$D/sriov_drivers_autoprobe"
	# What can be given to VFs is the PF's to begin with.
	virt 1,0,0,0 1,0,1,0
	put_ok 1 "$D/reset"
	until_true is_live || fail "no controller after a reset"
	make_vfs 0
}

guest_up()
{
	guest_with_vf
	guest_run "$GUEST" "modprobe nvme && for _ in \$(seq 200); do [ ! -b $DISK ] || exit 0; sleep 0.1; done; exit 1" ||
		fail "no disk in the guest"
	mover_start "$GUEST" 0 0 "$DISK"
}

# goes_on COMMAND...: which has the VF exchanged. The guest's driver stays bound, and writes and reads go on.
goes_on()
{
	guest_run "$GUEST" 'dmesg -C'
	"$@"
	mover_goes_on "$GUEST"
	no_unplug
	! grep -iE 'i/o error|disabling|removing|failure' "$TMP/guest.log" || fail "the driver has given up"
}

by_timeout()
{
	goes_on exchange 1
	grep 'timeout' "$TMP/guest.log" || fail "no request has timed out"
}

told() { exchange 0 && guest_run "$GUEST" 'echo 1 >/sys/bus/pci/drivers/nvme/0*/reset'; }

by_reset()
{
	goes_on told
	! grep 'timeout' "$TMP/guest.log" || fail "a request has timed out"
}

# All that the guest's driver reads meanwhile is a controller that is gone: the machine stands still, so it reads nothing.
stopped()
{
	qmp stop
	qmp vfio-pci-pause '{"id": "vf"}'
	read -r -t $((TIMEOUT_S + 2)) -u "$NEVER"
	qmp vfio-pci-unpause '{"id": "vf"}'
	qmp cont
}

same_data()
{
	local there here

	mover_stop "$GUEST"
	echo "$ROUNDS rounds, longest gap $GAP ms"
	[ "$FAILED" -eq 0 ] || fail "$FAILED transfers failed"
	there=$(guest_run "$GUEST" "dd if=$DISK bs=1M count=$MIB iflag=direct status=none | sha256sum")
	here=$(dd if="$DISK" bs=1M count="$MIB" iflag=direct status=none | sha256sum)
	[ "$here" = "$there" ] || fail "the PF reads something else than the VF"
}

find_device 0x1b36 0x0010 nvme
log_mark start
add "VFs of nvme" host
add "a guest with one of them" guest_up
add "all VFs go and come, and the driver finds out by a time-out" by_timeout
add "all VFs go and come, and the driver is told by a reset from inside" by_reset
add "a pause longer than a time-out, with the machine stopped" goes_on stopped
add "no transfer has failed, and the data is right" same_data
finish
