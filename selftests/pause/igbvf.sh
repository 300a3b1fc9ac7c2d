#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# VFs of a network card with the drivers that Linux has for it: a guest's igbvf goes on with another VF after
# all of them were removed. For an emulated host whose card is igb (boot.sh -d igb).
# shellcheck disable=SC2317,SC2329	# functions are called through add

GUEST=igb
. "$(dirname "$0")/other-vf.sh"

HOST_IP=10.9.0.1 GUEST_IP=10.9.0.2
MAC=02:00:00:00:09:02
ROUNDS=3
WAIT_S=30	# until a driver that polls has noticed

# The one that is for the guest has the guest's address.
make_vfs()
{
	put_ok 2 "$D/sriov_numvfs"
	ip link set "$PORT" vf "$1" mac "$MAC" || fail "no MAC for VF $1"
	bind_vfs
}

host()
{
	modprobe -a igb vfio-pci vfio_iommu_type1 || fail "no driver"
	until_true test -d "$D/net" || fail "no network interface"
	PORT=$(ls "$D/net")
	echo "$PORT" >"$TMP/port"
	ip addr add "$HOST_IP/24" dev "$PORT"
	ip link set "$PORT" up
	put_ok 0 "$D/sriov_drivers_autoprobe"
	make_vfs 0
}

answers() { guest_run "$GUEST" "busybox ping -c 1 -W 1 $HOST_IP" >"$TMP/ping" 2>&1; }

guest_up()
{
	guest_with_vf
	guest_run "$GUEST" "modprobe igbvf; for _ in \$(seq 100); do ls /sys/bus/pci/drivers/igbvf/0*/net && break; sleep 0.1; done;
		cd /sys/bus/pci/drivers/igbvf/0*/net/ && i=\$(ls) && busybox ip addr add $GUEST_IP/24 dev \$i && busybox ip link set \$i up" ||
		fail "no interface in the guest"
	until_true answers || { cat "$TMP/ping"; fail "no traffic"; }
}

rounds()
{
	local round

	PORT=$(<"$TMP/port")
	guest_run "$GUEST" 'dmesg -C'
	for round in $(seq "$ROUNDS"); do
		exchange $((round % 2))
		until_true answers || { guest log "$GUEST" | tail; fail "round $round: no traffic"; }
	done
	no_unplug
}

find_device 0x8086 0x10c9 igb
log_mark start
add "VFs of igb" host
add "a guest with one of them" guest_up
add "$ROUNDS times all VFs go and come, and traffic goes on" rounds
finish
