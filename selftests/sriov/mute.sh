#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A VF that floods the mailbox is not heard until it is quiet.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

RATE=20	# messages per second, so that a slow machine can flood too

# An event is 24 bytes: time, type, VF and two numbers; 5 is SVFF_EVENT_VF_MUTED.
is_muted_event() { od -An -v -w24 -t u4 "$TMP/events" | awk -v a="$1" '$3 == 5 && $4 == 1 && $5 == a { n++ } END { exit !n }'; }

muted()
{
	local pid dev

	vfs 2
	dev=$(control_device) || fail "no control device"
	put_ok "$RATE" "$S/vf_message_rate"
	cat "$dev" >"$TMP/events" 3>&- &
	pid=$!
	log_mark muted
	sub vf-test muted "$A" "$B"
	until_true is_muted_event 1 || fail "no event when it was muted"
	until_true is_muted_event 0 || fail "no event when it was heard again"
	kill "$pid"
	log_since muted | grep -q 'VF1 floods the mailbox' || fail "the log does not tell"
	put_ok 2048 "$S/vf_message_rate"
}

mute_vf1()
{
	put_ok 1 "$S/vf_message_rate"
	vf-client "$A" mm >/dev/null 2>&1 && fail "all is heard at one message a second"
	expect 1 "$S/vf1/muted"
}

# Muted, and heard at once: after a reset, and when the rate is set.
unmuted()
{
	vfs 1
	mute_vf1
	put_ok 2048 "$S/vf_message_rate"
	expect 0 "$S/vf1/muted"
	vf-client "$A" mm >/dev/null || fail "not heard after the rate was set"
	mute_vf1
	put_ok 1 "$S/vf1/reset"
	expect 0 "$S/vf1/muted"
	put_ok 2048 "$S/vf_message_rate"
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
