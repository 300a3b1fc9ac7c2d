#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# VFs are paused and resumed from sysfs, with a driver of ours at work.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

BLOCK=65536
ROUNDS=20
PACKETS=16	# under way at a time, in bench/packets.c

# Blocks that are written, read back and compared, for as long as $TMP/go is there; a line for each.
work()
{
	local i=0

	while [ -e "$TMP/go" ]; do
		head -c "$BLOCK" /dev/urandom >"$TMP/block.out"
		dd if="$TMP/block.out" of="$M" bs="$BLOCK" seek=$((i % 16)) conv=notrunc status=none || return
		dd if="$M" of="$TMP/block.in" bs="$BLOCK" skip=$((i % 16)) count=1 status=none || return
		cmp "$TMP/block.out" "$TMP/block.in" || return
		i=$((i + 1))
		echo >>"$TMP/blocks"
	done
}

blocks() { wc -l <"$TMP/blocks"; }
more_blocks() { [ "$(blocks)" -gt "$1" ]; }
goes_on() { until_true more_blocks $(($(blocks) + 1)) || fail "nothing moves $1"; }

working()
{
	touch "$TMP/go"
	: >"$TMP/blocks"
	work >"$TMP/work.log" 2>&1 3>&- &
	worker=$!
	goes_on "at first"
}

worked()
{
	goes_on "at the end"
	rm "$TMP/go"
	wait "$worker" || fail "the work failed: $(cat "$TMP/work.log")"
}

under_load()
{
	local i n

	driven irq_mode="$1"
	working
	for i in $(seq "$ROUNDS"); do
		put_ok 1 "$S/vf1/pause"
		expect paused "$S/vf1/state"
		expect 0 "$S/vf1/queues_active"
		n=$(blocks)
		[ "$i" -gt 2 ] || sleep 0.2
		[ "$(blocks)" -le $((n + 1)) ] || fail "moves while paused"
		put_ok 0 "$S/vf1/pause"
		expect active "$S/vf1/state"
		[ "$i" -gt 3 ] || goes_on "after round $i"
	done
	worked
	expect "$ROUNDS" "$S/vf1/stats/pauses"
	[ "$(get "$S/vf1/stats/last_pause_us")" -gt 0 ] || fail "it took no time"
	undriven
}


streams()
{
	driven irq_mode="$1"
	STREAM_PAUSE=$S/vf1/pause sub uapi-stream "$(stream_device "$(vf_link 1)")" "$D/resource2" paused
	undriven
}

packet_rounds()
{
	local n

	n=$(cat "$TMP/rounds" 2>/dev/null)
	echo "${n:-0}"
}

packets_passed() { [ "$(packet_rounds)" -ge "$1" ]; }
packets_go_on() { until_true packets_passed $(($(packet_rounds) + 2)) || fail "no packets move: $(cat "$TMP/packets")"; }

# Packets come once and in order, or not at all; see bench/packets.c.
packets()
{
	local rounds gap lost pid

	driven irq_mode="$1"
	loopback || fail "no loopback"
	rm -f "$TMP/rounds"
	"$HERE/../bench/packets" "$(stream_device "$(vf_link 1)")" "$TMP/rounds" >"$TMP/packets" 2>&1 3>&- &
	pid=$!
	for _ in $(seq "$ROUNDS"); do
		packets_go_on
		put_ok 1 "$S/vf1/pause"
		put_ok 0 "$S/vf1/pause"
	done
	packets_go_on
	kill "$pid"
	wait "$pid" || fail "$(cat "$TMP/packets")"
	read -r rounds gap lost <"$TMP/packets"
	echo "$rounds rounds, longest gap $gap ms, $lost packets dropped"
	[ "$lost" -le $((ROUNDS * PACKETS)) ] || fail "$lost packets are missing"
	undriven
}

moved() { wc -l <"$TMP/moved"; }
moved_more() { [ "$(moved)" -gt "$1" ]; }
other_moves() { until_true moved_more "$(moved)" || fail "the other VF does not work meanwhile"; }

some_data() { dd if=/dev/zero of="$M" bs=4k count=1 conv=notrunc status=none; }

# Told to nobody else: the PF and another VF work while one is paused, and while that fails.
others()
{
	local other

	VFS=2 driven
	vf_bind 2 vfio-pci
	: >"$TMP/moved"
	vf-client --card $((64 << 20)) --rounds 100000 "$(vf_link 2)" mm >"$TMP/moved" 2>&1 &
	other=$!
	some_data || fail "the first transfer"
	put_ok 1 "$S/vf1/pause"
	# It tells in pieces, the first of which may be older.
	other_moves
	other_moves
	expect paused "$S/vf1/state"
	dd if="$(data_device "$PF")" of=/dev/null bs=64k count=1 status=none || fail "the PF"
	put_ok 0 "$S/vf1/pause"
	kill "$other" 2>/dev/null || fail "the other VF: $(tail -n 1 "$TMP/moved")"
	wait "$other"
	undriven
}

refused()
{
	no_vfs
	put_refused ENODEV 1 "$S/vf1/pause"
	put_refused ENODEV 0 "$S/vf1/pause"
	put_refused ENODEV 1 "$S/vf252/pause"
	put_refused EINVAL 2 "$S/vf1/pause"
	put_refused EINVAL x "$S/vf1/pause"
	vfs 2
	put_refused EINVAL 0 "$S/vf1/pause"
	put_ok 1 "$S/vf1/pause"
	put_refused EALREADY 1 "$S/vf1/pause"
	put_ok 0 "$S/vf1/pause"
	expect ready "$S/vf1/state"
	hold silent "$A" --queues 2
	put_refused EOPNOTSUPP 1 "$S/vf1/pause"
	expect active "$S/vf1/state"
	hold_end silent
}

# What ends a pause for good, and leaves a VF that works
ended()
{
	driven
	some_data || fail "the first transfer"
	put_ok 1 "$S/vf1/pause"
	put_ok 1 "$S/vf1/reset"
	[ "$(get "$S/vf1/state")" != paused ] || fail "a reset leaves it paused"
	put_refused EINVAL 0 "$S/vf1/pause"
	until_true grep -q active "$S/vf1/state" || fail "the driver does not come back"
	undriven
	put_ok 1 "$D/sriov_numvfs"
	expect ready "$S/vf1/state"	# nothing of the pause was kept
	driven
	some_data || fail "after a reset"
	put_ok 1 "$S/vf1/pause"
	vf_link 1 >"$D/virtfn0/driver/unbind"
	[ "$(get "$S/vf1/state")" != paused ] || fail "an unbound driver leaves it paused"
	vf_bind 1 svff_vf
	until_true grep -q active "$S/vf1/state" || fail "the driver does not come back"
	undriven
}

# closes_on_go DEVICE: has used it, and is the last that has it open
closes_on_go()
{
	exec 8<>"$1"
	"${@:2}" || exit
	: >"$TMP/used"
	until [ -e "$TMP/go" ]; do read -r -t 0.05 -u "$NEVER" || :; done
}

opens() { [[ $(<"/proc/$1/syscall") = "257 "* ]]; }
ended_of() { ! kill -0 "$1" 2>/dev/null; }

# killed_opening DEVICE COMMAND...: a close waits for the VF to go on, and an open for that, but not if it is killed
killed_opening()
{
	local closer opener

	rm -f "$TMP/used" "$TMP/go"
	closes_on_go "$@" 3>&- &
	closer=$!
	until_true test -e "$TMP/used" || fail "$1 cannot be used"
	put_ok 1 "$S/vf1/pause"
	: >"$TMP/go"
	sleep 0.5
	ended_of "$closer" && fail "the close does not wait"
	dd if="$1" of=/dev/null count=0 2>/dev/null 3>&- &
	opener=$!
	until_true opens "$opener" || fail "the open does not wait"
	sleep 0.5
	kill -KILL "$opener"
	until_true ended_of "$opener" || { put 0 "$S/vf1/pause"; fail "an open of $1 cannot be killed"; }
	put_ok 0 "$S/vf1/pause"
	wait "$closer" || fail "the close: status $?"
}

some_packet() { head -c 64 /dev/zero >&8; }

killed()
{
	driven
	killed_opening "$M" some_data
	killed_opening "$(stream_device "$(vf_link 1)")" some_packet
	some_data || fail "a transfer afterwards"
	undriven
}

# The card is reset; the VF has nothing on it, and its driver nothing to do.
card_reset()
{
	driven
	head -c "$BLOCK" /dev/urandom >"$TMP/block.out"
	dd if="$TMP/block.out" of="$M" bs="$BLOCK" conv=notrunc status=none || fail "the first transfer"
	put_ok 1 "$S/vf1/pause"
	put_ok 1 "$D/reset"
	expect paused "$S/vf1/state"
	put_ok 0 "$S/vf1/pause"
	timeout 20 dd if="$M" of="$TMP/block.in" bs="$BLOCK" count=1 status=none || fail "a transfer afterwards"
	cmp "$TMP/block.out" "$TMP/block.in" || fail "other bytes"
	undriven
}

# Quotas as before: the ranges too, whatever the order in which they were given.
same_ranges()
{
	local before

	no_vfs
	put_ok 4 "$D/sriov_numvfs"
	put_ok 0 "$D/sriov_numvfs"
	put_ok 40 "$S/vf2/queues"
	put_ok 6 "$D/sriov_numvfs"
	before=$(cat "$S"/vf[1-6]/queue_base)
	put_ok 0 "$D/sriov_numvfs"
	put_ok 3 "$D/sriov_numvfs"
	put_ok 0 "$D/sriov_numvfs"
	put_ok 6 "$D/sriov_numvfs"
	[ "$(cat "$S"/vf[1-6]/queue_base)" = "$before" ] || fail "other ranges"
	put_ok 0 "$D/sriov_numvfs"
}

add "svff_vf under load, direct" under_load direct
add "a stream, direct" streams direct
add "packets under way, direct" packets direct
for m in poll aggr; do
	add_long "svff_vf under load, $m" under_load $m
	add_long "a stream, $m" streams $m
done
add_long "packets under way, poll" packets poll
add "other functions do not notice" others
add "what cannot be paused, or resumed" refused
add "what ends a pause" ended
add "who opens its devices can be killed" killed
add "the card is reset meanwhile" card_reset
add "the same ranges for VFs made anew" same_ranges
add "the modules unload after all this" forget
finish
