#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a transfer costs: doorbells and interrupts, as the emulated card counts them. One submitter stays on
# one processor, and so on one queue; the device is kept open, so that setting up queues does not count.
# shellcheck disable=SC2317	# functions are called through add

NO_LOAD=1
. "$(dirname "$0")/../sriov/vf.sh"

MMLOAD=$HERE/../bench/mmload
PER_EVENT=8	# transfers for a doorbell, and for an interrupt, if many are in flight
ONE_BY_ONE=4	# the same without a plug, where it depends on who is faster, card or submitter
RUNS=8
DEEP=32

counters()
{
	lab-qmp get counters | jq -r 'map([."mmio-writes", ."mmio-reads", .interrupts]) | transpose | map(add) | @tsv'
}

# counted COMMAND...: sets WRITES, READS and IRQS to what the command cost
counted()
{
	local before after

	read -ra before < <(counters)
	"$@" >&2 || fail "$1 ended with status $?"
	read -ra after < <(counters)
	WRITES=$((after[0] - before[0]))
	READS=$((after[1] - before[1]))
	IRQS=$((after[2] - before[2]))
	echo "$* writes $WRITES reads $READS interrupts $IRQS"
}

# Aggregated interrupts are acknowledged with a write each.
doorbells() { [ "$MODE" = aggr ] && echo $((WRITES - IRQS)) || echo "$WRITES"; }

ready()
{
	command -v lab-qmp >/dev/null || skip "not in the emulated host"
	MODE=$1
	load irq_mode="$MODE" || fail "modprobe"
	DEV=$(data_device "$PF")
	exec 9<>"$DEV"
	warm
}

# The first transfer of a queue sets it up, and io_uring would have it done on any processor.
warm()
{
	taskset -c 0 dd if="$DEV" of="$TMP/page" bs=4k count=1 status=none || fail "dd"
	taskset -c 0 dd if="$TMP/page" of="$DEV" bs=4k count=1 conv=notrunc status=none || fail "dd"
}

done_with() { exec 9>&-; unload; }

pinned() { taskset -c 0 "$MMLOAD" "$DEV" "$@"; }

no_reads() { [ "$READS" -eq 0 ] || fail "$READS reads"; }

alone()
{
	local n=200 dir

	ready direct
	for dir in write read; do
		counted pinned "$dir" 4096 1 "$n"
		[ "$WRITES" -eq "$n" ] || fail "$WRITES writes for $n"
		[ "$IRQS" -eq "$n" ] || fail "$IRQS interrupts for $n"
		no_reads
	done
	grep 'late [1-9]' "/sys/kernel/debug/svff_qdma/$PF/rings" && fail "one that was alone had to wait"
	done_with
}

# rare TRANSFERS PER-EVENT
rare() { [ "$(doorbells)" -le $(($1 / $2)) ] && [ "$IRQS" -le $(($1 / $2)) ]; }

# few TRANSFERS PER-EVENT
few()
{
	rare "$@" || fail "$(doorbells) doorbells and $IRQS interrupts for $1"
	no_reads
}

# best_of TRANSFERS PER-EVENT COMMAND...: the best of some runs. A submitter that has to wait for its processor finds
# the card idle, and rings for each rightly.
best_of()
{
	local i

	for ((i = 0; i < RUNS; i++)); do
		counted "${@:3}"
		rare "$1" "$2" && break
	done
	few "$1" "$2"
}

deep()
{
	local n=1000 dir size

	ready "$1"
	for dir in write read; do
		for size in 4096 65536; do
			best_of "$n" "$PER_EVENT" pinned "$dir" "$size" "$DEEP" "$n"
		done
	done
	done_with
}

# Without a plug: each request is submitted by itself. test_batch.c judges what may be held.
one_by_one()
{
	command -v fio >/dev/null || skip "no fio"
	[ "${LAB_KERNEL:-}" != debug ] || skip "a debug kernel submits no faster than the card works"
	ready direct
	best_of 2048 "$ONE_BY_ONE" fio --name=deep --filename="$DEV" --size=8M --bs=4k --rw=randwrite --thread \
		--allow_file_create=0 --ioengine=io_uring --iodepth="$DEEP" --cpus_allowed=0
	done_with
}

unload 2>/dev/null
add "one at a time: a doorbell and an interrupt each" alone
add "$DEEP deep, direct: $PER_EVENT or more per doorbell and interrupt" deep direct
add_long "$DEEP deep, aggr" deep aggr
add_long "$DEEP deep, poll" deep poll
add "$DEEP deep, submitted one by one" one_by_one
finish
