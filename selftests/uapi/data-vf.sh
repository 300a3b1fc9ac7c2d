#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The data device of a VF whose driver runs on the host, as it does in a guest.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

bound()
{
	modprobe svff_vf irq_mode="$1" || fail "modprobe svff_vf"
	no_vfs
	put_ok 2 "$D/sriov_numvfs"
	vf_bind 1 svff_vf
	vf_bind 2 svff_vf
	expect active "$S/vf1/state"
	until_true data_device "$(vf_link 2)" >/dev/null || fail "no data device"
	until_true test -c "$(data_device "$(vf_link 2)")" || fail "no device node"
}

released()
{
	no_vfs
	data_device "$(vf_link 1)" 2>/dev/null && fail "a data device is left"
	modprobe -r svff_vf || fail "modprobe -r svff_vf"
}

all()
{
	bound "$1"
	sub uapi-data "$(data_device "$(vf_link 1)")"
	released
}

some()
{
	bound "$1"
	sub uapi-data "$(data_device "$(vf_link 1)")" threads
	sub uapi-data "$(data_device "$(vf_link 2)")" sizes
	released
}

# VFs go while their driver has transfers under way.
removed_within()
{
	local pid dev

	bound direct
	dev=$(data_device "$(vf_link 1)")
	( while dd if="$dev" of=/dev/null bs=4M count=4 status=none 2>/dev/null; do :; done ) &
	pid=$!
	sleep 0.3
	put_ok 0 "$D/sriov_numvfs"
	wait "$pid"
	until_true modprobe -r svff_vf 2>/dev/null || fail "modprobe -r svff_vf"
}

# The PF's driver goes: the VFs go with it, their drivers first.
pf_goes()
{
	bound direct
	modprobe -r svff_pf || fail "modprobe -r svff_pf"
	modprobe -r svff_vf || fail "modprobe -r svff_vf"
	load || fail "modprobe"
}

add "direct" all direct
add_long "poll" some poll
add "aggr" some aggr
add "VFs removed within transfers" removed_within
add "the PF's driver removed" pf_goes
finish
