#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A VF that attacks, beside one that works: see ../sriov/vfio/test_hostile.c.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

LINES_MAX=150	# of the PF's driver

attacks()
{
	vfs 2
	log_mark attacks
	sub vf-test hostile "$A" "$B"
}

log_bounded()
{
	local n

	n=$(log_since attacks | grep -c "$PF")
	[ "$n" -le "$LINES_MAX" ] || fail "$n lines in the log"
}

allow 'DMAR:.*(fault|Request device)'
add "attacks" attacks
add "attacks do not fill the log" log_bounded
finish
