#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The card fails now and then: write-backs are lost, descriptors cannot be fetched.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

BOUND_S=40

vf_lost_writeback()
{
	vfs 2
	inject drop-writeback 1
	vf-client --mode poll --size 64 --wait 500 "$A" mm 2>"$TMP/err" && fail "nobody noticed"
	inject drop-writeback 0
	grep -q 'timed out' "$TMP/err" || fail "$(cat "$TMP/err")"
	vf-client --mode poll "$A" mm >/dev/null || fail "the VF afterwards"
	vf-client "$B" mm >/dev/null || fail "the other VF"
}

vf_fetch_error()
{
	vfs 2
	inject desc-fetch-error "$(get "$S/vf1/queue_base")"
	vf-client "$A" mm 2>"$TMP/err" && fail "nobody noticed"
	vf-client "$B" mm >/dev/null || fail "the other VF meanwhile"
	inject desc-fetch-error -1
	grep -q 'Input/output error' "$TMP/err" || fail "$(cat "$TMP/err")"
	vf-client "$A" mm >/dev/null || fail "the VF afterwards"
}

io_to_pf() { timeout "$BOUND_S" dd if=/dev/zero of="$(data_device "$PF")" bs=4k count=1 conv=notrunc status=none; }

pf_works()
{
	io_to_pf || fail "a write afterwards"
	timeout "$BOUND_S" dd if="$(data_device "$PF")" of=/dev/null bs=1M count=4 status=none || fail "a read afterwards"
}

# One lost write-back may be made up for; it must not hang, and must not spoil what follows.
pf_lost_writeback()
{
	local rc=0

	inject drop-writeback 1
	io_to_pf 2>"$TMP/err" || rc=$?
	inject drop-writeback 0
	[ "$rc" -ne 124 ] || fail "hangs"
	[ "$rc" -eq 0 ] || grep -qE 'timed out|Input/output' "$TMP/err" || fail "$(cat "$TMP/err")"
	pf_works
}

# With one queue the PF's is the card's first.
pf_fetch_error()
{
	local n

	n=$(get "$S/pf_queues")
	put_ok 1 "$S/pf_queues"
	inject desc-fetch-error 0
	io_to_pf 2>"$TMP/err" && fail "nobody noticed"
	inject desc-fetch-error -1
	grep -q 'Input/output error' "$TMP/err" || fail "no EIO: $(cat "$TMP/err")"
	pf_works
	put_ok "$n" "$S/pf_queues"
}

add "VF: a write-back is lost" vf_lost_writeback
add "VF: a descriptor cannot be fetched" vf_fetch_error
add_long "PF: a write-back is lost" pf_lost_writeback
add "PF: a descriptor cannot be fetched" pf_fetch_error
allow 'DMAR: \[DMA'
finish
