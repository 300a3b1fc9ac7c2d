#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# On a debug kernel: what the drivers do works or fails cleanly, whichever of its allocations fails: the first, the
# second, and so on until there are no more.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

STEPS=400	# more allocations than anything makes
FAILNTH=/proc/thread-self/fail-nth
FAULTS="/sys/kernel/debug/failslab /sys/kernel/debug/fail_page_alloc"

[ -e "$FAILNTH" ] || { echo "1..0 # SKIP no debug kernel"; exit "$KTAP_SKIP"; }

# only MODULE: fails are for allocations that have it on the stack, sleeping ones too, and are not told
only()
{
	local f first last

	read -r first last < <(awk -v m="[$1]" '$2 ~ /[tT]/ && $4 == m { print $1 }' /proc/kallsyms | sort | sed -n '1p;$p' | paste -sd' ')
	[ -n "$last" ] || fail "no symbols of $1"
	for f in $FAULTS; do
		echo 0 >"$f/verbose"
		echo N >"$f/ignore-gfp-wait"
		echo 32 >"$f/stacktrace-depth"
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

# sweep COMMAND CHECK: until no allocation is left that could fail
sweep()
{
	local n

	for n in $(seq "$STEPS"); do
		fails "$n" "$1"
		"$2" "$n" "$RC"
		[ "$LEFT" -eq 0 ] || break
	done
	[ "$n" -lt "$STEPS" ] || fail "more than $STEPS allocations"
	[ "$n" -gt 1 ] || fail "no allocation failed"
	[ "$RC" -eq 0 ] || fail "it fails by itself"
	echo "$((n - 1)) allocations"
}

write_bind() { printf '%s' "$PF" >/sys/bus/pci/drivers/svff_pf/bind; }

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
	write_bind
	until_true test -e "$S/queues_total" || fail "not bound afterwards"
}

write_vfs() { printf 1 >"$D/sriov_numvfs"; }

vfs_or_none()
{
	if [ "$2" -eq 0 ]; then
		expect 1 "$D/sriov_numvfs"
		put_ok 0 "$D/sriov_numvfs"
	fi
	expect 0 "$D/sriov_numvfs"
	expect "$FREE" "$S/queues_free"
	expect absent "$S/vf1/state"
}

enable()
{
	no_vfs
	FREE=$(get "$S/queues_free")
	only svff_pf
	sweep write_vfs vfs_or_none
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
read_data() { exec 8<"$DEV" && read -r -N 4096 -u 8 _; }

still_reads()
{
	exec 8<&-
	dd if="$DEV" of=/dev/null bs=1M count=1 status=none || fail "step $1: a read afterwards"
}

data()
{
	DEV=$(data_device "$PF")
	only svff_qdma
	sweep read_data still_reads
}

quiet_again()
{
	local f

	for f in $FAULTS; do
		echo 0 >"$f/require-start"
		echo 0 >"$f/require-end"
		echo Y >"$f/ignore-gfp-wait"
	done
	dd if="$(data_device "$PF")" of=/dev/null bs=1M count=1 status=none || fail "the PF"
	vfs 1
	vf-client "$A" mm >/dev/null || fail "a VF"
}

add "the PF's probe" probe
add "VFs on" enable
add "queues of the PF" own_queues
add "a read of card memory" data
add "all is well afterwards" quiet_again
# What the PCI core and ACPI say of their own allocations
allow 'ACPI'
finish
