#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Errors of the hardware: counted, put down to the VF that made them, told; and queues that fail alone.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

EVENT_HW_ERROR=3
LEAF_DSC=1
LEAF_TRQ=2
LEAF_C2H_MM=3
LEAF_H2C_MM=4
LEAF_C2H_ST=5
NO_QUEUE=4294967295
C2H=65536	# in an event's queue
ARM_MS=10	# errors come in batches, this far apart at least
FLOOD_S=2
VF_DOORBELLS=0x3000

# count PREFIX: errors so far whose names begin like this
count() { cat "$S/errors/$1"* | awk '{ n += $1 } END { print n }'; }

counted() { [ "$(count "$1")" -gt "$2" ]; }

# is_counted PREFIX BEFORE: more than before, of the errors whose names begin so
is_counted() { until_true counted "$1" "$2" || { grep -H '[1-9]' "$S"/errors/*; fail "no error is counted"; }; }

# listen, then heard: VF, leaf and queue of the events of errors since then
listen() { exec 7<"$(control_device)"; }

heard()
{
	events 7 | awk -v t="$EVENT_HW_ERROR" '$3 == t { print $4, int($5 / 256), $6 }'
	exec 7<&-
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
	is_counted dsc "$before"
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
	is_counted trq "$before"
	heard >"$TMP/heard"
	grep -q "^1 $LEAF_TRQ $NO_QUEUE\$" "$TMP/heard" || { cat "$TMP/heard"; fail "no event of VF 1"; }
	[ "$(get "$S/vf1/stats/errors")" -gt 0 ] || fail "VF 1 has no error"
}

# take_function 0|1: the PF, or VF 1 with our driver; sets DEV, BASE and QUEUES: its data device and range
take_function()
{
	if [ "$1" = 1 ]; then
		# shellcheck disable=SC2119	# no options
		driven
		DEV=$M
		BASE=$(get "$S/vf1/queue_base")
		QUEUES=$(get "$S/vf1/queues")
	else
		no_vfs
		DEV=$(data_device "$PF")
		BASE=0
		QUEUES=$(get "$S/pf_queues")
	fi
}

# heard_of FUNCTION LEAF DIRECTION: since listen there was an error of one of its queues, and none of anybody else
heard_of()
{
	heard >"$TMP/heard"
	cat "$TMP/heard"
	awk -v n="$1" -v leaf="$2" -v first=$((BASE + $3)) -v end=$((BASE + $3 + QUEUES)) \
		'$1 != n { exit bad = 1 } $2 == leaf && $3 >= first && $3 < end { found = 1 } END { exit bad || !found }' "$TMP/heard" ||
		fail "no event of function $1, leaf $2"
}

# 4 KiB at block AT, by the first queue
one_read() { taskset -c 0 dd if="$DEV" of=/dev/null bs=4k skip="${AT:-0}" count=1 status=none; }
one_write() { taskset -c 0 dd if=/dev/zero of="$DEV" bs=4k seek="${AT:-0}" count=1 conv=notrunc status=none; }

fails() { "$@" 2>"$TMP/err" && fail "'$*': nobody noticed"; grep -q 'Input/output error' "$TMP/err" || fail "no EIO: $(cat "$TMP/err")"; }

# The card has no memory there.
no_memory()
{
	local before

	take_function "$1"
	before=$(count c2h_mm)
	listen
	AT=1M fails one_read
	is_counted c2h_mm "$before"
	heard_of "$1" "$LEAF_C2H_MM" "$C2H"
	before=$(count h2c_mm)
	listen
	AT=1M fails one_write
	is_counted h2c_mm "$before"
	heard_of "$1" "$LEAF_H2C_MM" 0
	[ "$1" = 0 ] || [ "$(get "$S/vf1/stats/errors")" -ge 2 ] || fail "VF 1 has $(get "$S/vf1/stats/errors") errors"
	one_write || fail "a write afterwards"
	one_read || fail "a read afterwards"
}

# The bus refuses the queue's data.
data_refused()
{
	local before

	take_function "$1"
	before=$(count h2c_mm_ur_ca)
	inject data-error "$BASE"
	listen
	fails one_write
	is_counted h2c_mm_ur_ca "$before"
	heard_of "$1" "$LEAF_H2C_MM" 0
	before=$(count c2h_mm_write_ur)
	fails one_read
	is_counted c2h_mm_write_ur "$before"
	inject data-error -1
	one_write || fail "a write afterwards"
	one_read || fail "a read afterwards"
}

# A stream of a VF that the card has no room for completions of
stream_fails()
{
	take_function 1
	listen
	sub uapi-stream "$(stream_device "$(vf_link 1)")" "$D/resource2" "a completion that finds no room"
	heard_of 1 "$LEAF_C2H_ST" "$C2H"
}

# What the card can log and the driver has unmasked: register, prefix of the names, bits and their names
LEAVES="0x254 dsc_ 1:poison 2:ur_ca 3:bcnt 4:param 5:addr 6:tag 8:flr 9:timeout 16:data_poison 19:flr_cancel 20:dma 21:dsc 22:rq_cancel 23:dbe 24:sbe
0x264 trq_ 0:csr_unmapped 1:vf_access 4:qspc_unmapped 5:qid_range 7:qspc_timeout
0xaf0 c2h_st_ 0:empty_bytes 1:length 2:shared_cmpt_desc 3:qid 4:desc_rsp 6:payload_parity 7:msi_failed 9:desc_count 10:port_id_ctxt 12:cmpt_inv_queue 13:cmpt_queue_full 14:cmpt_cidx 15:cmpt_parity 16:avail_ring_desc 17:hdr_dbe
0xaf8 c2h_fatal_ 0:empty_bytes 1:length 3:qid 4:timer_fifo0 8:pfch_list 9:cmpt_ctxt 10:pfch_ctxt 11:desc_req 12:intr_ctxt 14:cmpt_coal 15:cmpt_fifo 16:qid_fifo 17:payload_fifo 18:payload_parity 19:avail_ring_fifo 20:hdr_ecc
0xe00 h2c_st_ 0:zero_length 1:marker 2:no_dma_desc 3:dbe 4:sbe 5:parity
0xf4 ram_ 31:sbe
0xe4 ram_ 1:sbe_1
0xfc ram_ 0:dbe
0xec ram_ 3:dbe_1"

# QDMA 3.x has these the other way round.
leaves()
{
	if [ "$(get "$S/ip_type")" = QDMA ]; then
		sed '/^0xe00/s/3:dbe 4:sbe/3:sbe 4:dbe/' <<<"$LEAVES"
	else
		echo "$LEAVES"
	fi
}

# NAME:COUNT of all
snapshot() { grep . "$S"/errors/* | sed 's,.*/,,'; }

# once REGISTER BITS NAME...: when the card logs these, then they and nothing else are counted, once
once()
{
	local register=$1 bits=$2 last=${*: -1} before	# they are counted from bit 0 on
	shift 2

	before=$(get "$S/errors/$last")
	snapshot | awk -F : -v names=" $* " '{ print $1 ":" $2 + (index(names, " " $1 " ") > 0) }' >"$TMP/want"
	inject error "$register $bits"
	until_true counted_one "$last" "$before" || fail "$register $bits is no $last"
	snapshot | diff "$TMP/want" - || fail "$register $bits: others are counted"
}

counted_one() { [ "$(get "$S/errors/$1")" -gt "$2" ]; }

# All of a leaf together
each_leaf()
{
	local register prefix bits b mask names

	no_vfs
	while read -r register prefix bits; do
		mask=0 names=()
		for b in $bits; do
			mask=$((mask | 1 << ${b%:*}))
			names+=("$prefix${b#*:}")
		done
		once "$register" "$mask" "${names[@]}"
	done < <(leaves)
}

each()
{
	local register prefix bits b

	no_vfs
	while read -r register prefix bits; do
		for b in $bits; do
			once "$register" $((1 << ${b%:*})) "$prefix${b#*:}"
		done
	done < <(leaves)
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
	local dev=$DEV sum

	taskset -c "$1" dd if=/dev/urandom of="$dev" bs=1M seek=64 count=1 conv=notrunc status=none || exit
	sum=$(taskset -c "$1" dd if="$dev" bs=1M skip=64 count=1 status=none | sha256sum)
	while [ ! -e "$TMP/enough" ]; do
		[ "$(taskset -c "$1" dd if="$dev" bs=1M skip=64 count=1 status=none | sha256sum)" = "$sum" ] || exit
		echo >>"$TMP/moved"
	done
}

moved() { wc -l <"$TMP/moved"; }
moved_more() { [ "$(moved)" -gt "$1" ]; }

# Queue 0 of a function fails, queue 1 moves data all the while; then queue 0 works again.
one_queue_fails()
{
	local pid n i

	[ "$(nproc)" -ge 2 ] || skip "one processor"
	take_function "$1"
	[ "$QUEUES" -ge 2 ] || fail "there is one queue only"
	: >"$TMP/moved"
	rm -f "$TMP/enough"
	mover 1 2>"$TMP/mover" &
	pid=$!
	until_true moved_more 0 || fail "queue 1 does not start"
	for i in 1 2 3; do
		inject desc-fetch-error "$BASE"
		n=$(moved)
		fails one_read
		until_true moved_more $((n + 1)) || fail "queue 1 stands still"
		inject desc-fetch-error -1
		one_read || fail "queue 0 afterwards"
	done
	: >"$TMP/enough"
	wait "$pid" || fail "queue 1: $(cat "$TMP/mover")"
	[ ! -s "$TMP/mover" ] || fail "queue 1: $(cat "$TMP/mover")"
}

# ring_io OPTION...: one transfer by io_uring through the first queue, which fails; what fio says is in $TMP/fio
ring_io()
{
	command -v fio >/dev/null || skip "no fio"
	taskset -c 0 fio --name=one --filename="$DEV" --ioengine=io_uring --iodepth=1 --number_ios=1 --thread \
		--allow_file_create=0 "$@" >"$TMP/fio" 2>&1 && { cat "$TMP/fio"; fail "nobody noticed"; }
	grep -q 'Input/output error' "$TMP/fio" || { cat "$TMP/fio"; fail "no EIO"; }
}

huge_pages_free() { [ "$(meminfo 'v["HugePages_Free:"]')" -eq "$1" ]; }

# Pages that io_uring has pinned for its user go with the user, but for those that the card may still write to.
fixed_buffers()
{
	local fd

	take_function 0
	put_ok 4 /proc/sys/vm/nr_hugepages
	huge_pages_free 4 || skip "no huge pages"
	exec {fd}<"$DEV"
	one_read || fail "a read at first"
	inject ctxt-busy true
	inject desc-fetch-error "$BASE"
	ring_io --fixedbufs=1 --iomem=shmhuge --hugepage-size=2m --rw=read --bs=64k --size=64k
	huge_pages_free 3 || { calm; grep Huge /proc/meminfo; fail "pages that the card may write to are free"; }
	calm
	until_true one_read || fail "a read afterwards"
	until_true huge_pages_free 4 || fail "the pages are never given back"
	exec {fd}<&-
	put_ok 0 /proc/sys/vm/nr_hugepages
}

# EAGAIN would say that nothing has been done. It takes long until a queue that cannot be stopped is given up.
begun_is_not_again()
{
	local fd

	take_function 0
	exec {fd}<>"$DEV"
	one_write || fail "a write at first"
	inject ctxt-busy true
	inject desc-fetch-error "$BASE"
	ring_io --rw=write --bs=8M --size=8M
	calm
	until_true one_write || fail "a write afterwards"
	exec {fd}>&-
}

add "an error of a VF's queue" by_vf
add "errors of a VF's doorbells" by_doorbell
add "the PF reaches for memory that is not there" no_memory 0
add_long "a VF does" no_memory 1
add_long "the bus refuses data of the PF" data_refused 0
add "the bus refuses data of a VF" data_refused 1
add "a stream of a VF fails" stream_fails
add "pages of io_uring in a queue that cannot be stopped" fixed_buffers
add "a queue fails while it is given a transfer" begun_is_not_again
add "each place that notices errors" each_leaf
add_long "each error" each
add "traced" traced
add "errors without end" flood
add_long "a queue of the PF fails and another goes on" one_queue_fails 0
add "a queue of a VF fails and another goes on" one_queue_fails 1
allow 'DMAR: \[DMA'
finish
