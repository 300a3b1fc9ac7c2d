#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# On a debug kernel: what the drivers do works or fails cleanly, whichever of its allocations fails: the first, the
# second, and so on until there are no more.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

STEPS=20000	# more allocations than anything makes
NEAR=6		# calls up from an allocation: what the PCI core allocates to make a VF is its own affair, and its BUG()
FAILNTH=/proc/thread-self/fail-nth
FAULTS="/sys/kernel/debug/failslab /sys/kernel/debug/fail_page_alloc /sys/kernel/debug/fail_usercopy"

[ -e "$FAILNTH" ] || { echo "1..0 # SKIP no debug kernel"; exit "$KTAP_SKIP"; }

# only MODULE: fails are for allocations, and copies from and to users, that it asks for, sleeping ones too, and are not told
only()
{
	local f first last

	read -r first last < <(awk -v m="[$1]" '$2 ~ /[tT]/ && $4 == m { print $1 }' /proc/kallsyms | sort | sed -n '1p;$p' | paste -sd' ')
	[ -n "$last" ] || fail "no symbols of $1"
	for f in $FAULTS; do
		echo 0 >"$f/verbose"
		[ ! -e "$f/ignore-gfp-wait" ] || echo N >"$f/ignore-gfp-wait"
		echo "$NEAR" >"$f/stacktrace-depth"
		echo "0x$first" >"$f/require-start"
		echo "0x$last" >"$f/require-end"
	done
	[ ! -e /sys/kernel/debug/fail_page_alloc/min-order ] || echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
}

# fails N COMMAND...: runs it, a function of builtins, while its N-th allocation fails; sets LEFT and RC
fails()
{
	local n=$1
	shift

	RC=0
	echo "$n" >"$FAILNTH"
	"$@" 2>/dev/null || RC=$?
	read -r LEFT <"$FAILNTH"
	echo 0 >"$FAILNTH"
}

# sweep COMMAND CHECK: until no allocation is left that could fail; each of the first ones, fewer later (252 VFs are alike)
sweep()
{
	local n

	for ((n = 1; n < STEPS; n += 1 + n / 16)); do
		fails "$n" "$1"
		"$2" "$n" "$RC"
		[ "$LEFT" -eq 0 ] || break
	done
	[ "$n" -lt "$STEPS" ] || fail "more than $STEPS allocations"
	[ "$n" -gt 1 ] || fail "no allocation failed"
	[ "$RC" -eq 0 ] || fail "it fails by itself"
	echo "fewer than $n allocations"
}

write_bind() { printf '%s' "$PF" >/sys/bus/pci/drivers/svff_pf/bind; }

# Bound, whatever the case before left
bound()
{
	[ -e "$D/driver" ] || write_bind
	until_true test -e "$S/queues_total" || fail "not bound"
	"$@"
}

bound_or_not()
{
	if [ "$2" -eq 0 ]; then
		[ -e "$D/driver" ] || fail "step $1: not bound without an error"
		echo "$PF" >/sys/bus/pci/drivers/svff_pf/unbind
	else
		[ ! -e "$D/driver" ] || fail "step $1: bound with an error"
	fi
	[ ! -e "$S" ] || fail "step $1: $S is left"
}

probe()
{
	no_vfs
	only svff_pf
	echo "$PF" >/sys/bus/pci/drivers/svff_pf/unbind
	sweep write_bind bound_or_not
	bound :
}

write_queues() { printf 2 >"$S/pf_queues"; }

queues_or_before()
{
	expect $((2 + 2 * ($2 != 0))) "$S/pf_queues"
	put_ok 4 "$S/pf_queues"
	until_true test -c "$(data_device "$PF")" || fail "step $1: no data device"
}

own_queues()
{
	put_ok 4 "$S/pf_queues"
	only svff_pf
	sweep write_queues queues_or_before
}

# A builtin that reads: the task that is to fail is the shell.
read_data() { exec 8<"$DEV" && read -r -N 1 -u 8 _; }

still_reads()
{
	exec 8<&-
	dd if="$DEV" of=/dev/null bs=1M count=1 status=none || fail "step $1: a read afterwards"
}

data()
{
	DEV=$(data_device "$PF")
	# The shell would read on over zeros.
	head -c 1M /dev/zero | tr '\0' x | dd of="$DEV" bs=1M conv=notrunc status=none || fail "a write before"
	only svff_qdma
	sweep read_data still_reads
}

quiet_again()
{
	local f

	for f in $FAULTS; do
		echo 0 >"$f/require-start"
		echo 0 >"$f/require-end"
		[ ! -e "$f/ignore-gfp-wait" ] || echo Y >"$f/ignore-gfp-wait"
	done
	dd if="$(data_device "$PF")" of=/dev/null bs=1M count=1 status=none || fail "the PF"
	vfs 1
	vf-client "$A" mm >/dev/null || fail "a VF"
}

add "the PF's probe" bound probe
add "queues of the PF" bound own_queues
add "a read of card memory" bound data
add "all is well afterwards" bound quiet_again
# What the PCI core and ACPI say of their own allocations
allow 'ACPI'
finish
