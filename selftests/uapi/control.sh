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
	timeout 2 dd bs=24 status=none <&9 >"$TMP/events"
	exec 9<&-
	no_vfs
	od -An -v -t u4 -w24 "$TMP/events" >"$TMP/text"
	awk '$3 == 2 && $4 == 1 && $5 == 4 && $6 == 15 { found = 1 } END { exit !found }' "$TMP/text" ||
		{ cat "$TMP/text"; fail "no event for the refused QREQ"; }
}

add "calls and events" calls
add "a refused request is an event" refused_event
finish
