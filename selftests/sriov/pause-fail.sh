#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The card does not do what a pause from sysfs needs: the pause fails in time, the VF goes on, another notices nothing.
# What VFIO's user sees of the same is in vf-test migrate. CTXT_STRIDE=1 tries all context commands.
# shellcheck disable=SC2317,SC2329	# functions are called through add

. "$(dirname "$0")/vf.sh"
trap 'movers_end; on_exit' EXIT	# a mover begins anew with any device of that name

GIVE_UP_MS=1000	# a pause that fails; what its driver takes to be idle is small
TRIES=5		# one of which takes no longer than it has to on a slow emulated machine
STRIDE=${CTXT_STRIDE:-14}	# from one context command to the next that fails
REST_MS=50	# between rounds of those who move data

# The card takes context commands, now and later. Status: 0 if it did not
unbusy()
{
	if [ "$(lab-qmp get inject-ctxt-busy)" = true ]; then
		inject ctxt-busy false
	else
		inject ctxt-busy-in 0
		return 1
	fi
}

has_node() { [ -c "$(data_device "$(vf_link "$1")" 2>/dev/null)" ]; }

# move VF: it moves data from now on, for which it needs no context command, by the VF's first queue
move()
{
	until_true has_node "$1" || fail "VF $1 has no data device"
	rm -f "$TMP/moved.$1" "$TMP/mover.$1"	# one that was killed has yet to say its last
	taskset -c 0 "$HERE/../bench/mover" "$(data_device "$(vf_link "$1")")" $((64 * $1)) "$TMP/moved.$1" "$REST_MS" \
		>"$TMP/mover.$1" 2>&1 3>&- &
	echo $! >"$TMP/pid.$1"
	until_true moved_more "$1" 0 || fail "VF $1 moves nothing"
}

# shellcheck disable=SC2046	# process ids
movers_end() { kill $(cat "$TMP"/pid.*); } 2>/dev/null

moved() { cat "$TMP/moved.$1" 2>/dev/null || echo 0; }
moved_more() { [ "$(moved "$1")" -gt "$2" ]; }
goes_on() { until_true moved_more "$1" $(($(moved "$1") + 1)) || fail "VF $1 moves nothing: $(cat "$TMP/mover.$1")"; }

both_go_on()
{
	goes_on 1
	goes_on 2
}

both_move()
{
	VFS=2 driven irq_mode=direct
	vf_bind 2 svff_vf
	move 1
	move 2
}

# A transfer that fails is counted, bytes that are wrong end it.
moved_well()
{
	local rounds gap failed

	kill "$(cat "$TMP/pid.$1")"
	until_true grep -q . "$TMP/mover.$1" || fail "VF $1 does not end"
	read -r rounds gap failed <"$TMP/mover.$1"
	[ "$failed" = 0 ] || fail "VF $1: $(cat "$TMP/mover.$1")"
	echo "VF $1: $rounds rounds, longest gap $gap ms"
}

both_end()
{
	moved_well 1
	moved_well 2
	undriven
}

# refused 'ERRNO...' TEXT COMMAND...: the card misbehaves from the command on: the pause is refused, in time, and the
# kernel's log says why
refused()
{
	local start ms n

	log_mark pause
	for ((n = 1; ; n++)); do
		"${@:3}"
		start=$EPOCHREALTIME
		put_refused "$1" 1 "$S/vf1/pause"
		ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
		echo "fails after $ms ms"
		[ "$ms" -gt "$GIVE_UP_MS" ] || break
		[ "$n" -lt "$TRIES" ] || fail "is given up on only after $ms ms"
	done
	log_since pause | grep -q "$2" || fail "the log does not say '$2'"
	expect active "$S/vf1/state"
	goes_on 2
}

pauses()
{
	put_ok 1 "$S/vf1/pause"
	expect paused "$S/vf1/state"
	put_ok 0 "$S/vf1/pause"
	expect active "$S/vf1/state"
	both_go_on
}

never_idle()
{
	refused ETIMEDOUT "do not come to rest" inject never-idle "$(get "$S/vf1/queue_base")"
	both_go_on
	inject never-idle -1
	pauses
}

# What it was busy with before it has done.
busy_anew()
{
	inject ctxt-busy false
	goes_on 1
	inject ctxt-busy true
}

busy_from_the_start()
{
	refused "ETIMEDOUT EBUSY" "is not paused" busy_anew
	put_refused "EBUSY ETIMEDOUT" 1 "$S/vf1/pause"
	both_go_on
	inject ctxt-busy false
	pauses
}

# try VALUE NTH: writes VALUE to the pause file, while the NTH context command does not end. Sets HIT to 1 if there
# was one. Status: of the write
try()
{
	local text rc=0

	inject ctxt-busy-in "$2"
	text=$(put "$1" "$S/vf1/pause") || rc=$?
	[[ $rc = 0 || $text = *"${ERRNO[EBUSY]}"* || $text = *"${ERRNO[ETIMEDOUT]}"* ]] || fail "command $2: ${text##*: }"
	goes_on 2
	HIT=0
	! unbusy || HIT=1
	return "$rc"
}

# At one of the commands that it needs, the first, then a later one, until none is hit
busy_meanwhile()
{
	local n

	HIT=1
	for ((n = 1; HIT; n += STRIDE)); do
		! try 1 "$n" || put_ok 0 "$S/vf1/pause"
		goes_on 1
	done
	[ "$n" -gt $((STRIDE + 1)) ] || fail "a pause needs no context command"
	pauses
}

busy_while_resumed()
{
	local n

	HIT=1
	for ((n = 1; HIT; n += STRIDE)); do
		put_ok 1 "$S/vf1/pause"
		try 0 "$n" || { expect paused "$S/vf1/state"; put_ok 0 "$S/vf1/pause"; }
		goes_on 1
	done
	[ "$n" -gt $((STRIDE + 1)) ] || fail "to resume needs no context command"
	pauses
}

# The reset of a function does not end for a while.
flr_hangs()
{
	local resetter

	moved_well 1
	inject flr-hang true
	put 1 "$S/vf1/reset" >"$TMP/reset" &
	resetter=$!
	until_true grep -q resetting "$S/vf1/state" || fail "no reset is under way"
	put_refused EBUSY 1 "$S/vf1/pause"
	goes_on 2
	inject flr-hang false
	wait "$resetter" || fail "the reset: $(cat "$TMP/reset")"
	until_true grep -q active "$S/vf1/state" || fail "the driver does not come back"
	move 1
	pauses
}

# Its queues are halted, and the card does not have them go on. How many commands come before that depends on what
# is asked of the card besides.
gets_stuck()
{
	local nth

	for nth in 17 20 14 23 11 26; do
		log_mark stuck
		inject ctxt-busy-in "$nth"
		put_refused "EBUSY ETIMEDOUT" 1 "$S/vf1/pause"
		! log_since stuck | grep -q 'do not go on yet' || break
		unbusy
		goes_on 1
	done
	log_since stuck | grep -q 'do not go on yet' || fail "it does not get stuck"
	goes_on 2
}

# Its driver is told, and begins anew.
stuck_is_reset()
{
	gets_stuck
	put 1 "$S/vf1/reset" >"$TMP/reset"
	unbusy
	put_ok 1 "$S/vf1/reset"
	until_true grep -q active "$S/vf1/state" || fail "the driver does not come back"
	kill "$(cat "$TMP/pid.1")"
	move 1
	pauses
}

stuck_is_removed()
{
	gets_stuck
	kill "$(cat "$TMP/pid.1")"
	moved_well 2
	no_vfs
	unbusy
	undriven
	both_move
	pauses
}

add "two VFs move data" both_move
add "a queue that does not come to rest" never_idle
add "context commands that do not end" busy_from_the_start
add "one that does not end, sooner or later in a pause" busy_meanwhile
add "one that does not end, sooner or later when it is resumed" busy_while_resumed
add "a function level reset that does not end" flr_hangs
add "what does not go on can be reset" stuck_is_reset
add_long "what does not go on can be removed" stuck_is_removed
add "every byte was right" both_end
add "the modules unload after all this" forget
allow 'DMAR: \[DMA'
finish
