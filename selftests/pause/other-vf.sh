# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests share in which the guest $GUEST has a VF of another device than the card, with the driver that Linux has
# for it. They say with make_vfs N how two VFs are made of which the guest gets N. Sourced.

. "$(dirname "$0")/../lib.sh"

QMP=/run/svff-lab/$GUEST.qmp

# find_device VENDOR DEVICE NAME: sets D, its sysfs folder
find_device()
{
	local d

	for d in /sys/bus/pci/devices/*; do
		[ "$(get "$d/vendor") $(get "$d/device")" = "$1 $2" ] || continue
		D=$d
		return
	done
	echo "1..0 # SKIP no $3"
	exit $KTAP_SKIP
}

# qmp COMMAND [ARGUMENTS]
qmp()
{
	local text

	[ $# -gt 1 ] || set -- "$1" '{}'
	text=$(lab-qmp -s "$QMP" "$(jq -nc --arg c "$1" --argjson a "$2" '{execute: $c, arguments: $a}')" 2>&1) ||
		fail "$1: $text"
	echo "$text"
}

vf_link() { basename "$(readlink "$D/virtfn$1")"; }

bind_vfs()
{
	local n

	for n in 0 1; do
		put_ok vfio-pci "$D/virtfn$n/driver_override"
		put_ok "$(vf_link "$n")" /sys/bus/pci/drivers/vfio-pci/bind
	done
}

# The guest has VF 0.
guest_with_vf()
{
	guest_start "$GUEST" || fail "guest does not start"
	qmp device_add "$(jq -nc --arg h "$(vf_link 0)" '{driver: "vfio-pci", id: "vf", host: $h, bus: "rp1"}')"
}

# exchange N: all VFs go and come while the guest's is paused, then it gets VF N.
exchange()
{
	local start=$EPOCHREALTIME

	qmp vfio-pci-pause '{"id": "vf"}'
	put_ok 0 "$D/sriov_numvfs"
	make_vfs "$1"
	qmp vfio-pci-unpause "$(jq -nc --arg h "$(vf_link "$1")" '{id: "vf", host: $h}')"
	echo "paused for $(((${EPOCHREALTIME/./} - ${start/./}) / 1000)) ms"
}

# no_unplug: since its kernel's log was cleared (dmesg -C) the guest has not lost its device
no_unplug()
{
	guest log "$GUEST" | tee "$TMP/guest.log"
	! grep -iE 'pciehp|hotplug|removed|unregister|surprise' "$TMP/guest.log" || fail "the guest has seen an unplug"
	guest_log_clean "$GUEST"
}

on_exit()
{
	guest_stop "$GUEST" >/dev/null 2>&1
	[ -z "${D:-}" ] || echo 0 >"$D/sriov_numvfs"
	rm -rf "$TMP"
}

trap on_exit EXIT
