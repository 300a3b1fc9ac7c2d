#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The stream device of the PF, in each interrupt mode.
# shellcheck disable=SC2317	# functions are called through add

NO_LOAD=1
. "$(dirname "$0")/../sriov/vf.sh"

stream() { sub uapi-stream "$(stream_device "$PF")" "$D/resource2" "$@"; }

all()
{
	load irq_mode="$1" || fail "modprobe"
	stream
}

# The other modes differ only in how packets are noticed.
some()
{
	load irq_mode="$1" || fail "modprobe"
	stream sizes
	stream triggers
	stream threads
	stream anew
	unload
}

# A stream takes a queue from the MM device, and gives it back.
beside_mm()
{
	local mm pid

	mm=$(data_device "$PF")
	( while dd if="$mm" of="$mm" bs=64k count=16 conv=notrunc status=none; do :; done ) &
	pid=$!
	stream "many streams"
	kill "$pid" 2>/dev/null || fail "the MM device failed meanwhile"
	wait "$pid"
	sub uapi-data "$mm" sizes
}

# many_queues COUNT
many_queues()
{
	local queues

	queues=$(get "$S/pf_queues")
	put_ok "$1" "$S/pf_queues"
	until_true test -c "$(stream_device "$PF")" || fail "no device node"
	STREAM_QUEUES=$1 stream "many streams"
	put_ok "$queues" "$S/pf_queues"
	until_true test -c "$(stream_device "$PF")" || fail "no device node"
}

# Files that are open when their device goes say so; nothing is left behind.
removed_within()
{
	local st pid fd rc=0

	st=$(stream_device "$PF")
	exec {fd}<>"$st"
	dd if="$st" of=/dev/null bs=4k count=1 status=none 2>"$TMP/dd" &
	pid=$!
	until_true reads "$pid" "$st" || fail "nobody reads"
	echo "$PF" >"$D/driver/unbind" || fail "unbind"
	wait "$pid" && fail "a read of a device that is gone succeeds"
	grep -q "No such device" "$TMP/dd" || { cat "$TMP/dd"; fail "not ENODEV"; }
	{ echo x >&"$fd"; } 2>/dev/null && fail "a write to a device that is gone succeeds"
	exec {fd}>&-
	echo "$PF" >/sys/bus/pci/drivers/svff_pf/bind || rc=$?
	[ "$rc" -eq 0 ] || fail "bind"
	until_true stream_device "$PF" >/dev/null || fail "no stream device"
	until_true test -c "$(stream_device "$PF")" || fail "no device node"
	stream sizes
}

unload 2>/dev/null
add_long "poll" some poll
add "aggr" some aggr
add "direct" all direct
add "beside the MM device" beside_mm
add_long "64 queues" many_queues 64
add "the driver removed with streams open" removed_within
finish
