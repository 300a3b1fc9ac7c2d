#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The mailbox protocol over VFIO, good and bad input, and a flood.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

LINES_MAX=100

protocol()
{
	vfs 2
	sub vf-test mbox "$A" "$B"
}

log_bounded()
{
	local n

	n=$(log_since start | grep -c "$PF")
	[ "$n" -le "$LINES_MAX" ] || fail "$n lines in the log"
}

flood()
{
	local n

	vfs 2
	log_mark flood
	sub vf-test flood "$A" "$B"
	n=$(log_since flood | grep -c "$PF")
	[ "$n" -le "$LINES_MAX" ] || fail "$n lines in the log"
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
add "bad input does not fill the log" log_bounded
add "flood" flood
add "counters" counted
finish
