#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# scale.sh [VFS QUEUES]: so many VFs (default 16), with so many of the card's queues in all (128), each driven by a
# process of its own over VFIO, with data on all queues at the same time. See ../sriov/vfio/crowd.c.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

VFS=${1:-16}
QUEUES=${2:-128}
SIZE=16384	# bytes for each queue
ROUNDS=3

# quota NUMBER: what a VF gets, so that the sum is QUEUES
quota() { echo $((QUEUES / VFS + ($1 <= QUEUES % VFS))); }

guest_errors() { lab-qmp get counters | jq 'map(."guest-errors") | add'; }

# The PF gives its own queues away, if they are needed.
prepare_vfs()
{
	local n

	[ $((QUEUES + $(get "$S/pf_queues"))) -le "$(get "$S/queues_total")" ] || put_ok 0 "$S/pf_queues"
	for n in $(seq "$VFS"); do
		put_ok "$(quota "$n")" "$S/vf$n/queues"
	done
	svff init --vfs "$VFS" || fail "svff init"
	expect $((FREE + PF_QUEUES - $(get "$S/pf_queues") - QUEUES)) "$S/queues_free"
}

at_work()
{
	local n members=()

	for n in $(seq "$VFS"); do
		members+=("$(vf_link "$n")=$(quota "$n")")
	done
	sub vf-crowd "$SIZE" "$ROUNDS" "${members[@]}"
}

unharmed()
{
	local n

	for n in $(seq "$VFS"); do
		expect 0 "$S/vf$n/stats/refused"
		expect 0 "$S/vf$n/queues_active"
	done
	expect "$ERRORS" <(guest_errors)
}

nothing_left()
{
	local n

	put_ok 0 "$D/sriov_numvfs"
	for n in $(seq "$VFS"); do
		expect absent "$S/vf$n/state"
		put_ok 8 "$S/vf$n/queues"
	done
	put_ok "$PF_QUEUES" "$S/pf_queues"
	expect "$FREE" "$S/queues_free"
	[ "$(find /dev/vfio -type c -name '[0-9]*' | wc -l)" -eq 0 ] || fail "VFIO groups are left"
	grep vfio /proc/interrupts && fail "interrupts are left"
	unload || fail "the modules do not go"
}

PF_QUEUES=$(get "$S/pf_queues")
FREE=$(get "$S/queues_free")
ERRORS=$(guest_errors)
add "$VFS VFs with $QUEUES queues" prepare_vfs
add "all at work" at_work
add "no request was refused, no mistake was made" unharmed
add "nothing is left behind" nothing_left
finish
