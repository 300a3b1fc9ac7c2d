#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The control device: calls and events.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

EVENTS_KEPT=512	# for an open file

calls() { sub uapi-control "$(control_device)"; }

# common [CASE]
common() { sub uapi-calls "$(control_device)" "$(data_device "$PF")" "$(stream_device "$PF")" "$@"; }

# Without VF 1, with it, and while somebody has it who does not answer
common_calls()
{
	no_vfs
	common
	vfs 1
	common "VF: bad"
	hold silent "$A" --ext
	common "within a pause"
	expect active "$S/vf1/state"
	hold_end silent
	no_vfs
}

polled() { load irq_mode=poll || fail "modprobe"; common "no vectors"; }

# Where the card has no vectors the user logic has none.
no_vectors()
{
	local rc=0

	unload || fail "modprobe -r"
	put_ok 0 "$D/msi_bus"
	( polled ) || rc=$?
	unload || fail "modprobe -r"
	put_ok 1 "$D/msi_bus"
	load || fail "modprobe"
	return "$rc"
}

# A request that is refused is an event of its own.
refused_event()
{
	vfs 1
	exec 9<"$(control_device)"
	vf-client --queues 60 "$A" mm 2>/dev/null
	events 9 >"$TMP/text"
	exec 9<&-
	no_vfs
	awk '$3 == 2 && $4 == 1 && $5 == 4 && $6 == 15 { found = 1 } END { exit !found }' "$TMP/text" ||
		{ cat "$TMP/text"; fail "no event for the refused QREQ"; }
}

# A VF with queues and a refused request: the call tells what sysfs tells.
counts()
{
	vfs 1
	vf-client --queues 60 "$A" mm 2>/dev/null
	hold a "$A" --queues 2
	expect 4 "$S/vf1/queues_active"
	[ "$(get "$S/vf1/stats/refused")" -gt 0 ] || fail "nothing was refused"
	sub uapi-control "$(control_device)" "VF_INFO counts"
	hold_end a
	no_vfs
}

# Who does not read keeps the oldest; the next one that has room is told after the number of those that had none.
lost()
{
	local kept lost

	vfs 1
	exec 9<"$(control_device)"
	vf-client --rounds $((EVENTS_KEPT + 100)) "$A" refused || fail "not refused"
	events 9 >"$TMP/first"
	vf-client "$A" refused || fail "not refused"
	events 9 >"$TMP/then"
	exec 9<&-
	no_vfs
	kept=$(wc -l <"$TMP/first")
	[ "$kept" -eq "$EVENTS_KEPT" ] || fail "$kept events were kept"
	grep -qv ' 2 *1 *4 ' <(tail -n 100 "$TMP/first") && fail "$(tail -n 1 "$TMP/first")"
	lost=$(awk 'NR == 1 && $3 == 4 { print $5 }' "$TMP/then")
	if [ "${lost:-0}" -lt 100 ] || [ "$lost" -gt 110 ]; then
		cat "$TMP/then"
		fail "${lost:-none} were lost"
	fi
}

add "calls and events" calls
add "what all calls have in common" common_calls
add_long "a card without vectors" no_vectors
add "counts of a VF" counts
add "events that nobody reads are counted" lost
add "a refused request is an event" refused_event
finish
