#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Errors of the hardware: counted, put down to the VF that made them, told; and queues that fail alone.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

EVENT_BYTES=24
EVENT_HW_ERROR=3
LEAF_DSC=1
LEAF_TRQ=2
NO_QUEUE=4294967295
C2H=65536	# in an event's queue
ARM_MS=10	# errors come in batches, this far apart at least
FLOOD_S=2
VF_DOORBELLS=0x3000

# count PREFIX: errors so far whose names begin like this
count() { cat "$S/errors/$1"* | awk '{ n += $1 } END { print n }'; }

counted() { [ "$(count "$1")" -gt "$2" ]; }

# listen, then heard: VF, leaf and queue of the events of errors since then
listen() { exec 7<"$(control_device)"; }

heard()
{
	timeout 1 cat <&7 >"$TMP/events"
	exec 7<&-
	od -A n -v -t u4 -w"$EVENT_BYTES" "$TMP/events" | awk -v t="$EVENT_HW_ERROR" '$3 == t { print $4, int($5 / 256), $6 }'
}

# fails to fetch descriptors, once
vf_fetch_error()
{
	inject desc-fetch-error "$(get "$S/vf1/queue_base")"
	vf-client "$A" mm >/dev/null 2>&1 && fail "nobody noticed"
	inject desc-fetch-error -1
}

by_vf()
{
	local before base

	vfs 2
	before=$(count dsc)
	base=$(get "$S/vf1/queue_base")
	listen
	vf_fetch_error
	until_true counted dsc "$before" || fail "no error is counted"
	heard >"$TMP/heard"
	cat "$TMP/heard"
	expect 0 "$S/vf2/stats/errors"
	[ "$(get "$S/vf1/stats/errors")" -gt 0 ] || fail "VF 1 has no error"
	grep -qE "^1 $LEAF_DSC ($base|$((base + C2H)))\$" "$TMP/heard" || fail "no event of VF 1, queue $base"
	grep -qv '^1 ' "$TMP/heard" && fail "an event of somebody else"
	return 0
}

by_doorbell()
{
	local before

	vfs 2
	before=$(count trq)
	listen
	sub vf-test doorbell "$A" "$B"
	until_true counted trq "$before" || fail "no error is counted"
	heard >"$TMP/heard"
	grep -q "^1 $LEAF_TRQ $NO_QUEUE\$" "$TMP/heard" || { cat "$TMP/heard"; fail "no event of VF 1"; }
	[ "$(get "$S/vf1/stats/errors")" -gt 0 ] || fail "VF 1 has no error"
}

# The card has no memory there.
by_pf()
{
	local before

	vfs 1
	before=$(count c2h_mm)
	listen
	dd if="$(data_device "$PF")" of=/dev/null bs=4k skip=1M count=1 status=none 2>"$TMP/err" && fail "there is memory"
	until_true counted c2h_mm "$before" || { grep -H '[1-9]' "$S"/errors/*; fail "no error is counted"; }
	heard >"$TMP/heard"
	grep -q '^0 ' "$TMP/heard" || { cat "$TMP/heard"; fail "no event of the PF"; }
	expect 0 "$S/vf1/stats/errors"
}

# What the card would log in each leaf: register, bit, error
EACH="0x254 2 dsc_poison
0x254 0x200 dsc_timeout
0x254 0x1000000 dsc_sbe
0x264 0x80 trq_qspc_timeout
0xaf0 1 c2h_st_empty_bytes
0xaf0 0x2000 c2h_st_cmpt_queue_full
0xaf8 0x100000 c2h_fatal_hdr_ecc
0xe00 1 h2c_st_zero_length
0xe00 0x20 h2c_st_parity
0xf4 1 ram_sbe
0xe4 2 ram_sbe_1
0xfc 4 ram_dbe
0xec 8 ram_dbe_1"

each()
{
	local register bit name before

	while read -r register bit name; do
		before=$(get "$S/errors/$name")
		inject error "$register $bit"
		until_true counted "$name" "$before" || fail "$register $bit is no $name"
		expect $((before + 1)) "$S/errors/$name"
	done <<<"$EACH"
}

traced()
{
	local t=/sys/kernel/tracing

	vfs 1
	echo >"$t/trace"
	put_ok 1 "$t/events/svff_qdma/qdma_error/enable"
	vf_fetch_error
	put_ok 0 "$t/events/svff_qdma/qdma_error/enable"
	grep "qdma_error: $PF dsc_[a-z_]* .* queue $(get "$S/vf1/queue_base") " "$t/trace" || { cat "$t/trace"; fail "no trace"; }
}

error_irqs() { awk '/svff_qdma-.*-error/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts; }

# storm BDF: doorbells that are not its own, as fast as can be; prints how many
storm()
{
	setpci -s "$1" COMMAND=2:2
	python3 - "/sys/bus/pci/devices/$1/resource0" "$VF_DOORBELLS" "$FLOOD_S" <<-'PY'
		import ctypes, mmap, os, sys, time
		bar = mmap.mmap(os.open(sys.argv[1], os.O_RDWR | os.O_SYNC), 0)
		bell = ctypes.c_uint32.from_buffer(bar, int(sys.argv[2], 0))
		end, n = time.monotonic() + int(sys.argv[3]), 0
		while time.monotonic() < end:
		    bell.value = 1
		    n += 1
		print(n)
	PY
}

# What a VF does wrong costs the PF no more than a bounded number of interrupts.
flood()
{
	local before start ms n bells

	no_vfs
	put_ok 1 "$D/sriov_numvfs"
	before=$(error_irqs)
	start=$EPOCHREALTIME
	bells=$(storm "$(vf_link 1)") || fail "no storm"
	ms=$(( (${EPOCHREALTIME/./} - ${start/./}) / 1000 ))
	n=$(($(error_irqs) - before))
	echo "$bells doorbells in $ms ms: $n interrupts"
	[ "$n" -gt 0 ] || fail "no interrupt"
	[ "$bells" -gt $((10 * n)) ] || fail "that was no storm"
	[ "$n" -le $((ms / ARM_MS + 1)) ] || fail "$n interrupts in $ms ms"
}

# mover CPU: reads what it knows, again and again, through the queue of that CPU
mover()
{
	local dev sum

	dev=$(data_device "$PF")
	taskset -c "$1" dd if=/dev/urandom of="$dev" bs=1M seek=64 count=1 conv=notrunc status=none || exit
	sum=$(taskset -c "$1" dd if="$dev" bs=1M skip=64 count=1 status=none | sha256sum)
	while [ ! -e "$TMP/enough" ]; do
		[ "$(taskset -c "$1" dd if="$dev" bs=1M skip=64 count=1 status=none | sha256sum)" = "$sum" ] || exit
		echo >>"$TMP/moved"
	done
}

moved() { wc -l <"$TMP/moved"; }
moved_more() { [ "$(moved)" -gt "$1" ]; }

# Queue 0 of the PF fails, queue 1 moves data all the while; then queue 0 works again.
one_queue_fails()
{
	local pid n i dev

	dev=$(data_device "$PF")
	[ "$(get "$S/pf_queues")" -ge 2 ] || fail "the PF has one queue only"
	: >"$TMP/moved"
	rm -f "$TMP/enough"
	mover 1 2>"$TMP/mover" &
	pid=$!
	until_true moved_more 0 || fail "queue 1 does not start"
	for i in 1 2 3; do
		inject desc-fetch-error 0
		n=$(moved)
		taskset -c 0 dd if="$dev" of=/dev/null bs=4k count=1 status=none 2>"$TMP/err" && fail "nobody noticed"
		grep -q 'Input/output error' "$TMP/err" || fail "no EIO: $(cat "$TMP/err")"
		until_true moved_more $((n + 1)) || fail "queue 1 stands still"
		inject desc-fetch-error -1
		taskset -c 0 dd if="$dev" of=/dev/null bs=4k count=1 status=none || fail "queue 0 afterwards"
	done
	: >"$TMP/enough"
	wait "$pid" || fail "queue 1: $(cat "$TMP/mover")"
	[ ! -s "$TMP/mover" ] || fail "queue 1: $(cat "$TMP/mover")"
}

add "an error of a VF's queue" by_vf
add "errors of a VF's doorbells" by_doorbell
add "an error of the PF's queue" by_pf
add "each place that notices errors" each
add "traced" traced
add "errors without end" flood
add "a queue fails and another goes on" one_queue_fails
allow 'DMAR: \[DMA'
finish
