#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# soak.sh [RECONFS [SEED]]: so many reconfs (6) in a row to random numbers of VFs, with two guests that move data and
# packets all the time. Afterwards every byte is right, packets came once and in order, each interrupt vector still
# works, the guests' kernels have said nothing, and the host has lost nothing.
#
# Of 20 numbers 16 are from 2 to 8, 3 from 9 to 32, and 1 from 33 to 252: many VFs take long to make. SEED is 1; random: another
# one each time.
# shellcheck disable=SC2317,SC2329	# functions are called through add

. "$(dirname "$0")/guests.sh"

RECONFS=${1:-6}
SEED=${2:-1}
[ "$SEED" != random ] || SEED=$RANDOM
MOST=252
ATTACHED=2
KERNEL_KB=4096	# that may come and go
AVAILABLE_KB=65536

# Sets NEXT, which is not $1.
next_count()
{
	local kind

	NEXT=$1
	while [ "$NEXT" -eq "$1" ]; do
		kind=$((RANDOM % 20))
		case $kind in
		0) NEXT=$((33 + RANDOM % (MOST - 32))) ;;
		[1-3]) NEXT=$((9 + RANDOM % 24)) ;;
		*) NEXT=$((ATTACHED + RANDOM % 7)) ;;
		esac
	done
}

with_packets()
{
	begin --spare 0
	loopback || fail "no loopback"
	each packets_start
}

packets_start()
{
	guest_run "$1" 'packets /dev/svff-st0 /tmp/packet-rounds >/tmp/packets 2>&1 & echo $! >/tmp/packets.pid' ||
		fail "guest $1: no packets"
	packets_go_on "$1"
}

# At most what was under way to the VF in each reconf is missing.
packets_end()
{
	local said rounds gap lost

	# shellcheck disable=SC2016	# expanded in the guest
	said=$(guest_run "$1" 'p=$(cat /tmp/packets.pid); kill "$p"; tail --pid="$p" -f /dev/null; cat /tmp/packets')
	read -r rounds gap lost <<<"$said"
	[ -n "$lost" ] || fail "guest $1: $said"
	echo "# guest $1: $rounds rounds of packets, longest gap $gap ms, $lost packets dropped" >&3
	[ "$lost" -le $(((RECONFS + 6) * 16)) ] || fail "guest $1: $lost packets are missing"
}

packets_go_on() { rounds_go_on "$1" /tmp/packet-rounds /tmp/packets; }

works() { mover_goes_on "$1"; packets_go_on "$1"; }
all_work() { each works; }

#--- what the host has

fds() { find "/proc/$(qemu_pid "$1")/fd" -type l 2>/dev/null | wc -l; }
vfio_maps() { grep -c vfio "/proc/$(qemu_pid "$1")/maps"; }
groups() { find /sys/kernel/iommu_groups -mindepth 1 -maxdepth 1 | wc -l; }

# With as many VFs as are attached; a line for each number, those that must not change first
have()
{
	local g

	for g in A B; do
		echo "fds-$g $(fds "$g")"
		echo "locked-kb-$g $(locked_kb "$g")"
		echo "vfio-maps-$g $(vfio_maps "$g")"
	done
	echo "iommu-groups $(groups)"
	echo "used-kb $(meminfo '-v["MemAvailable:"]')"
	echo "kernel-kb $(kernel_kb)"
}

number() { awk -v name="$1" '$1 == name { print $2 }' "$2"; }
grown() { echo $(($(number "$1" "$TMP/have.now") - $(number "$1" "$TMP/have.first"))); }

# A lone VM's pages, caches and pools fill at first, so it is looked at after some rounds.
first_look()
{
	local n

	for n in $MOST $ATTACHED 5 $ATTACHED; do
		tool reconf --vfs "$n"
		all_work
	done
	have >"$TMP/have.first"
	cat "$TMP/have.first"
}

many()
{
	local i now=$ATTACHED start=$SECONDS

	RANDOM=$SEED	# here: a subshell has its own
	for i in $(seq "$RECONFS"); do
		next_count "$now"
		now=$NEXT
		tool reconf --vfs "$now"
		told '.way == "pause"'
		all_work
		echo "# $i: $now VFs, $(jq '[.steps[] | .begin_ms + .ms] | max | round' "$TMP/told") ms" >&3
	done
	echo "# $RECONFS reconfs, each checked: $(((SECONDS - start) / RECONFS)) s each" >&3
	[ "$now" -eq "$ATTACHED" ] || tool reconf --vfs "$ATTACHED"
	all_work
}

nothing_lost()
{
	local name

	have >"$TMP/have.now"
	paste "$TMP/have.first" "$TMP/have.now"
	for name in fds-A fds-B locked-kb-A locked-kb-B vfio-maps-A vfio-maps-B iommu-groups; do
		[ "$(grown "$name")" -eq 0 ] || fail "$name: $(grown "$name") more"
	done
	[ "$(grown kernel-kb)" -le "$KERNEL_KB" ] || fail "$(grown kernel-kb) KiB of the kernel's memory are gone"
	[ "$(grown used-kb)" -le "$AVAILABLE_KB" ] || fail "$(grown used-kb) KiB of memory are gone"
}

# Vectors of the guest's VF and how often each was raised; a guest has one processor
interrupts() { guest_run "$1" 'grep svff /proc/interrupts' | awk '{ print $NF, $2 }' | sort; }

# Queues that are set up take the mailbox.
stop_and_start()
{
	packets_end "$1"
	stop_moving "$1"
	drive "$1"
	packets_start "$1"
	guest_run "$1" 'uapi-eventfd /dev/svff-mm0 /sys/bus/pci/drivers/svff_vf/0*/resource2 /dev/svff-mm0 "is signalled"' ||
		fail "guest $1: no user interrupt"
	works "$1"
}

# Those of mailbox and user, and all that have worked before
vectors_work()
{
	local g lost

	for g in A B; do
		interrupts "$g" >"$TMP/irqs.$g"
	done
	each stop_and_start
	for g in A B; do
		interrupts "$g" | join "$TMP/irqs.$g" - >"$TMP/irqs"
		sed "s/^/guest $g: /" "$TMP/irqs"
		[ "$(grep -cE -- '-(mbox|user) ' "$TMP/irqs")" -eq 2 ] || fail "guest $g: vectors are missing"
		lost=$(awk '($2 > 0 || $1 ~ /-(mbox|user)$/) && $3 <= $2 { print $1 }' "$TMP/irqs" | paste -sd' ')
		[ -z "$lost" ] || fail "guest $g: $lost lost"
	done
}

# One line is not about devices: an emulated processor may have to wait for its turn.
quiet()
{
	local g said

	for g in A B; do
		said=$(guest_run "$g" 'dmesg -r | grep -v "^<7>" | grep -v "hrtimer: interrupt took"' || :)
		[ -z "$said" ] || { echo "$said"; fail "guest $g: $(head -n 1 <<<"$said")"; }
	done
}

add "two guests move data and packets" with_packets
add "a first look" first_look
add "$RECONFS reconfs, seed $SEED" many
add "the host has lost nothing" nothing_lost
add "the guests' kernels have said nothing" quiet
add "bytes and packets were right, and each vector works" vectors_work
add "and they were until the end" end
finish
