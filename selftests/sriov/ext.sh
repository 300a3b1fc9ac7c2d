#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The mailbox extension: with a client of our own, and between svff_pf and svff_vf.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

KIB=64
DEBUG="/sys/kernel/debug/svff_pf/$PF"
KILL_US=2000000	# the PF would wait for longer

protocol()
{
	vfs 2
	sub vf-test ext "$A" "$B"
}

copy() { dd if=/dev/zero of="$M" bs="${KIB}k" count=1 conv=notrunc status=none; }

agreed()
{
	driven
	grep -q '^1 active .* ext f' "$DEBUG/vfs" || fail "$(grep '^1 ' "$DEBUG/vfs")"
	undriven
}

quota_told()
{
	driven queues=2
	log_mark quota
	udevadm monitor --kernel --property >"$TMP/events" 2>&1 3>&- &
	until_true grep -q KERNEL "$TMP/events" || fail "no monitor"
	put_ok 5 "$S/vf1/queues"
	until_true grep -q SVFF_QUOTA=5 "$TMP/events" || fail "no event: $(cat "$TMP/events")"
	kill %1
	log_since quota | grep -q 'the host allows 5 queues now' || fail "$(log_since quota)"
	put_refused EBUSY 1 "$S/vf1/queues"
	copy || fail "a transfer afterwards"
	modprobe -r svff_vf
	modprobe svff_vf
	vf_bind 1 svff_vf
	expect 5 "$S/vf1/queues"
	grep -q '^1 active .* granted 5 ' "$DEBUG/vfs" || fail "not used: $(grep '^1 ' "$DEBUG/vfs")"
	undriven
	put_ok 8 "$S/vf1/queues"
}

copies()
{
	while [ -e "$TMP/go" ]; do
		copy || return
		echo >>"$TMP/copies"
	done
}

count_copies() { wc -l <"$TMP/copies"; }

# Transfers under way end, those that come wait and are made at resume.
paused()
{
	local n rounds pid

	driven irq_mode="$1"
	touch "$TMP/go"
	: >"$TMP/copies"
	copies 3>&- &
	pid=$!
	for rounds in 1 2 3 4 5; do
		n=$(count_copies)
		until_true eval "[ \$(count_copies) -gt $((n + 3)) ]" || fail "nothing moves before round $rounds"
		put_ok 1 "$DEBUG/pause"
		n=$(count_copies)
		sleep 0.3
		[ "$(count_copies)" -le $((n + 1)) ] || fail "moves while paused"
		put_ok 1 "$DEBUG/resume"
	done
	n=$(count_copies)
	until_true eval "[ \$(count_copies) -gt $((n + 3)) ]" || fail "nothing moves at the end"
	rm "$TMP/go"
	wait "$pid" || fail "a transfer failed"
	undriven
}

# A session that ends while it is paused takes the pause with it.
paused_and_reset()
{
	driven
	put_ok 1 "$DEBUG/pause"
	put_ok 1 "$S/vf1/reset"
	until_true grep -q '^1 active ' "$DEBUG/vfs" || fail "the driver does not come back"
	timeout 10 dd if=/dev/zero of="$M" bs=4k count=1 conv=notrunc status=none || fail "still paused"
	put_ok 1 "$DEBUG/pause"
	undriven
}

# Killed while it waits, the VF is told to go on.
pause_killed()
{
	local pid start

	vfs 1
	hold silent "$A" --ext
	bash -c "echo 1 >$DEBUG/pause" 3>&- &
	pid=$!
	until_true hold_says silent pf-pause || fail "not asked"
	start=$EPOCHREALTIME
	kill -KILL "$pid"
	wait "$pid" && fail "the VF answered"
	[ "$((${EPOCHREALTIME/./} - ${start/./}))" -lt "$KILL_US" ] || fail "cannot be killed"
	until_true hold_says silent pf-resume || fail "not told to go on: $(cat "$TMP/silent.log")"
	hold_end silent
}

bad_numbers()
{
	local n f

	no_vfs
	for f in pause resume; do
		for n in 0 253 -1 99999999999 x; do
			put "$n" "$DEBUG/$f" >/dev/null && fail "$n to $f"
		done
		put_refused ENODEV 1 "$DEBUG/$f"
	done
}

[ -d "$DEBUG" ] || mount -t debugfs debugfs /sys/kernel/debug
add "a client that asks for it, and one that does not" protocol
add "svff_pf and svff_vf agree" agreed
add "svff_vf is told its quota" quota_told
add "svff_vf pauses and goes on, aggr" paused aggr
for m in poll direct; do
	add_long "svff_vf pauses and goes on, $m" paused $m
done
add "a reset ends a pause" paused_and_reset
add "who waits for a pause can be killed" pause_killed
add "numbers that no VF has" bad_numbers
add "the modules unload after all this" forget
finish
