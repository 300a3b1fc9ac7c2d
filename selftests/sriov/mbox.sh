#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The mailbox protocol over VFIO, good and bad input, and a flood.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

VFS=2
COMPLAINTS=6		# of a VF in so many seconds: five, and how many were left out
COMPLAINTS_S=5
OF_CARD=10		# of a kind that it has for all VFs, in that time

protocol()
{
	vfs "$VFS"
	sub vf-test mbox "$A" "$B"
}

# log_bounded MARK SECOND: what the PF has said since a mark, set in that second of this script
log_bounded()
{
	local n max=$(((VFS * COMPLAINTS + OF_CARD) * ((SECONDS - $2) / COMPLAINTS_S + 2)))

	n=$(log_since "$1" | grep -c "$PF")
	[ "$n" -le "$max" ] || fail "$n lines in the log, more than $max"
}

flood()
{
	local start=$SECONDS

	vfs "$VFS"
	log_mark flood
	sub vf-test flood "$A" "$B"
	log_bounded flood "$start"
}

counted()
{
	vfs 1
	vf-client "$A" hello >/dev/null || fail "hello"
	[ "$(get "$S/vf1/stats/requests")" -ge 1 ] || fail "no request is counted"
	expect 0 "$S/vf1/stats/refused"
	vf-client --queues 60 "$A" mm 2>/dev/null && fail "60 queues"
	[ "$(get "$S/vf1/stats/refused")" -ge 1 ] || fail "nothing refused is counted"
	expect 0 "$S/vf1/stats/errors"
}

add "protocol" protocol
add "bad input does not fill the log" log_bounded start 0
add "flood" flood
add "counters" counted
finish
