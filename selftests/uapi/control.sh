#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The control device: calls and events.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

calls() { sub uapi-control "$(control_device)"; }

# A request that is refused is an event of its own.
refused_event()
{
	vfs 1
	exec 9<"$(control_device)"
	vf-client --queues 60 "$A" mm 2>/dev/null
	timeout 5 od -An -v -t u4 -w24 -N 240 <&9 >"$TMP/events" &
	sleep 0.5
	kill %1 2>/dev/null
	exec 9<&-
	no_vfs
	awk '$3 == 2 && $4 == 1 && $5 == 4 && $6 == 15 { found = 1 } END { exit !found }' "$TMP/events" ||
		{ cat "$TMP/events"; fail "no event for the refused QREQ"; }
}

add "calls and events" calls
add "a refused request is an event" refused_event
finish
