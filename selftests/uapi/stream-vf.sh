#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The stream device of a VF whose driver runs on the host, as it does in a guest.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

# stream VF [CASE]
stream() { sub uapi-stream "$(stream_device "$(vf_link "$1")")" "$D/resource2" "${@:2}"; }

bound()
{
	modprobe svff_vf irq_mode="$1" || fail "modprobe svff_vf"
	no_vfs
	put_ok 2 "$D/sriov_numvfs"
	vf_bind 1 svff_vf
	vf_bind 2 svff_vf
	until_true stream_device "$(vf_link 2)" >/dev/null || fail "no stream device"
	until_true test -c "$(stream_device "$(vf_link 2)")" || fail "no device node"
}

released()
{
	[ "$(get "$S/vf1/stats/refused")" = 0 ] || fail "the PF refused requests"
	no_vfs
	stream_device "$(vf_link 1)" 2>/dev/null && fail "a stream device is left"
	modprobe -r svff_vf || fail "modprobe -r svff_vf"
}

all()
{
	bound "$1"
	stream 1
	released
}

some()
{
	bound "$1"
	stream 1 sizes
	stream 2 triggers
	stream 1 threads
	released
}

# Packets of one VF are not another's.
two_at_once()
{
	local pid

	bound direct
	uapi-stream "$(stream_device "$(vf_link 1)")" "$D/resource2" threads >"$TMP/other" 2>&1 &
	pid=$!
	stream 2 threads
	wait "$pid" || { cat "$TMP/other"; fail "the other VF"; }
	released
}

# many_queues COUNT
many_queues()
{
	local queues

	no_vfs
	queues=$(get "$S/vf1/queues")
	put_ok "$1" "$S/vf1/queues"
	bound aggr
	STREAM_QUEUES=$1 stream 1 "many streams"
	released
	put_ok "$queues" "$S/vf1/queues"
}

# VFs go while somebody waits for packets of theirs.
removed_within()
{
	local st pid

	bound direct
	st=$(stream_device "$(vf_link 1)")
	dd if="$st" of=/dev/null bs=4k count=1 status=none 2>"$TMP/dd" &
	pid=$!
	until_true reads "$pid" "$st" || fail "nobody reads"
	put_ok 0 "$D/sriov_numvfs"
	wait "$pid" && fail "a read of a device that is gone succeeds"
	grep -q "No such device" "$TMP/dd" || { cat "$TMP/dd"; fail "not ENODEV"; }
	until_true modprobe -r svff_vf 2>/dev/null || fail "modprobe -r svff_vf"
}

# A queue that did not stop when its file was closed is the next one's as soon as it does. One more is the MM device's.
stuck()
{
	local st queues

	no_vfs
	queues=$(get "$S/vf1/queues")
	put_ok 2 "$S/vf1/queues"
	bound direct
	st=$(stream_device "$(vf_link 1)")
	exec 5<>"$st"
	echo >&5 || fail "no packet is sent"
	inject ctxt-busy true
	exec 5>&-
	(exec 6<>"$st") 2>/dev/null && fail "there was another queue"
	inject ctxt-busy false
	exec 5<>"$st" || fail "its queue is lost"
	echo >&5 || fail "no packet is sent afterwards"
	exec 5>&-
	no_vfs
	put_ok "$queues" "$S/vf1/queues"
	modprobe -r svff_vf || fail "modprobe -r svff_vf"
}

add "direct" all direct
add_long "poll" some poll
add "aggr" some aggr
add "two VFs at once" two_at_once
add_long "64 queues" many_queues 64
add "VFs removed while read" removed_within
add "a queue that did not stop" stuck
finish
