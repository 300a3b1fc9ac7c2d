#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Interrupts of the user logic by eventfd, for the PF and for a VF, in each interrupt mode.
# shellcheck disable=SC2317	# functions are called through add

NO_LOAD=1
. "$(dirname "$0")/../sriov/vf.sh"

node_of() { [ -c "$(data_device "$1" 2>/dev/null)" ]; }

all()
{
	local vf

	unload 2>/dev/null
	load irq_mode="$1" || fail "modprobe svff_pf"
	modprobe svff_vf irq_mode="$1" || fail "modprobe svff_vf"
	echo 0 >"$D/sriov_drivers_autoprobe"
	put_ok 1 "$D/sriov_numvfs"
	vf_bind 1 svff_vf
	vf=$(vf_link 1)
	until_true node_of "$vf" || fail "no data device"
	sub uapi-eventfd "$(data_device "$PF")" "$D/resource2" "$(data_device "$vf")"
	# A VF reaches the user logic by its own BAR.
	sub uapi-eventfd "$(data_device "$vf")" "$D/virtfn0/resource2" "$(data_device "$PF")"
}

add "direct" all direct
add_long "aggr" all aggr
add_long "poll" all poll
finish
