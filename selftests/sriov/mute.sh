#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A VF that floods the mailbox is not heard until it is quiet.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

RATE=20	# messages per second, so that a slow machine can flood too

# listen: from now on events are kept; LISTENER does
listen()
{
	local dev

	dev=$(control_device) || fail "no control device"
	cat <"$dev" >"$TMP/events" 3>&- &
	LISTENER=$!
	until_true reads "$LISTENER" "$dev" || fail "nobody listens"
}

# muted_events A: how many there were. An event is 24 bytes: time, type, VF and two numbers; 5 is SVFF_EVENT_VF_MUTED.
muted_events() { od -An -v -w24 -t u4 "$TMP/events" | awk -v a="$1" '$3 == 5 && $4 == 1 && $5 == a { n++ } END { print n + 0 }'; }
said_muted() { [ "$(muted_events 1)" -ge 1 ]; }
said_heard() { [ "$(muted_events 0)" -ge "$1" ]; }

muted()
{
	vfs 2
	put_ok "$RATE" "$S/vf_message_rate"
	listen
	log_mark muted
	sub vf-test muted "$A" "$B"
	until_true said_muted || fail "no event when it was muted"
	until_true said_heard 1 || fail "no event when it was heard again"
	kill "$LISTENER"
	log_since muted | grep -q 'VF1 floods the mailbox' || fail "the log does not tell"
	put_ok 2048 "$S/vf_message_rate"
}

mute_vf1()
{
	put_ok 1 "$S/vf_message_rate"
	vf-client "$A" mm >/dev/null 2>&1 && fail "all is heard at one message a second"
	expect 1 "$S/vf1/muted"
}

# heard N: VF 1 is, and so says the Nth event of it
heard()
{
	expect 0 "$S/vf1/muted"
	until_true said_heard "$1" || fail "no event when it was heard again"
	[ "$(muted_events 0)" -eq "$1" ] || fail "$(muted_events 0) events, not $1"
}

# Muted, and heard at once: when the rate is set, after a reset, and when it goes. What mutes nobody is no event.
unmuted()
{
	vfs 1
	listen
	mute_vf1
	put_ok 2048 "$S/vf_message_rate"
	heard 1
	vf-client "$A" mm >/dev/null || fail "not heard after the rate was set"
	mute_vf1
	put_ok 1 "$S/vf1/reset"
	heard 2
	mute_vf1
	vfs 0
	heard 3
	vfs 1
	put_ok 2048 "$S/vf_message_rate"
	put_ok 1 "$S/vf1/reset"
	heard 3
	kill "$LISTENER"
}

bad_rate()
{
	local v

	put_refused ERANGE 0 "$S/vf_message_rate"
	put_refused ERANGE 1000001 "$S/vf_message_rate"
	put_refused ERANGE 4294967296 "$S/vf_message_rate"
	for v in -1 abc 8x "" 1.5; do
		put_refused EINVAL "$v" "$S/vf_message_rate"
	done
	expect 2048 "$S/vf_message_rate"
	put_ok 1000000 "$S/vf_message_rate"
	put_ok 2048 "$S/vf_message_rate"
}

add "a flood mutes a VF, and that is an event" muted
add_long "what makes a muted VF heard" unmuted
add "rates that cannot be" bad_rate
finish
