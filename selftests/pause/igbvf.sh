#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# VFs of a network card with the drivers that Linux has for it: a guest's igbvf goes on with another VF after
# all of them were removed. For an emulated host whose card is igb (boot.sh -d igb).
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../lib.sh"

GUEST=igb
QMP=/run/svff-lab/$GUEST.qmp
HOST_IP=10.9.0.1 GUEST_IP=10.9.0.2
MAC=02:00:00:00:09:02
ROUNDS=3
BACK_S=30	# seconds until a driver that polls has noticed

find_igb()
{
	local d

	for d in /sys/bus/pci/devices/*; do
		[ "$(get "$d/vendor") $(get "$d/device")" = "0x8086 0x10c9" ] || continue
		D=$d
		return
	done
	echo "1..0 # SKIP no igb"
	exit $KTAP_SKIP
}

qmp()
{
	local text

	text=$(lab-qmp -s "$QMP" "$(jq -nc --arg c "$1" --argjson a "$2" '{execute: $c, arguments: $a}')" 2>&1) || fail "$1: $text"
	echo "$text"
}

vf_link() { basename "$(readlink "$D/virtfn$1")"; }

# Two VFs; the one that is for the guest has the guest's address
make_vfs()
{
	local n

	put_ok 2 "$D/sriov_numvfs"
	ip link set "$PORT" vf "$1" mac "$MAC" || fail "no MAC for VF $1"
	for n in 0 1; do
		put_ok vfio-pci "$D/virtfn$n/driver_override"
		put_ok "$(vf_link "$n")" /sys/bus/pci/drivers/vfio-pci/bind
	done
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
	guest_start "$GUEST" || fail "guest does not start"
	qmp device_add "$(jq -nc --arg h "$(vf_link 0)" '{driver: "vfio-pci", id: "vf", host: $h, bus: "rp1"}')"
	guest_run "$GUEST" "modprobe igbvf; for _ in \$(seq 100); do ls /sys/bus/pci/drivers/igbvf/0*/net && break; sleep 0.1; done;
		cd /sys/bus/pci/drivers/igbvf/0*/net/ && i=\$(ls) && busybox ip addr add $GUEST_IP/24 dev \$i && busybox ip link set \$i up" ||
		fail "no interface in the guest"
	WAIT_S=$BACK_S
	until_true answers || { cat "$TMP/ping"; fail "no traffic"; }
}

guest_lines() { guest log "$GUEST" | wc -l; }

rounds()
{
	local round vf lines

	PORT=$(<"$TMP/port")
	WAIT_S=$BACK_S
	lines=$(guest_lines)
	for round in $(seq "$ROUNDS"); do
		vf=$((round % 2))
		qmp vfio-pci-pause '{"id": "vf"}'
		put_ok 0 "$D/sriov_numvfs"
		make_vfs "$vf"
		qmp vfio-pci-unpause "$(jq -nc --arg h "$(vf_link "$vf")" '{id: "vf", host: $h}')"
		until_true answers || { guest log "$GUEST" | tail; fail "round $round: no traffic"; }
	done
	guest log "$GUEST" | tail -n "+$((lines + 1))" >"$TMP/guest.log"
	cat "$TMP/guest.log"
	grep -iE 'pciehp|hotplug|removed|unregister|surprise' "$TMP/guest.log" && fail "the guest has seen an unplug"
	guest_log_clean "$GUEST"
}

on_exit()
{
	guest_stop "$GUEST" >/dev/null 2>&1
	[ -z "${D:-}" ] || echo 0 >"$D/sriov_numvfs"
	rm -rf "$TMP"
}

trap on_exit EXIT
find_igb
log_mark start
add "VFs of igb" host
add "a guest with one of them" guest_up
add "$ROUNDS times all VFs go and come, and traffic goes on" rounds
finish
