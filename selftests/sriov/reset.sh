#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Function level resets at bad moments, and VFs that never answer.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

BOUND_S=30	# a reset that hangs takes a minute

suite() { vfs 2; sub vf-test reset "$A" "$B"; }

refused_writes()
{
	put_refused EINVAL 2 "$S/vf1/reset"
	put_refused EINVAL no "$S/vf1/reset"
	put_refused ENODEV 1 "$S/vf252/reset"
}

in_time()
{
	local start=$SECONDS

	"$@"
	[ $((SECONDS - start)) -le "$BOUND_S" ] || fail "took $((SECONDS - start)) s"
}

# The client gives the VF back when VFIO asks, but says nothing to the PF.
mute_client()
{
	vfs 2
	hold a "$A" --mute --no-queues
	hold b "$B" --queues 1
	hold_end b
	in_time put_ok 0 "$D/sriov_numvfs"
	hold_end a
}

mute_with_queues()
{
	vfs 1
	hold a "$A" --mute --queues 4
	put_ok release "$S/busy_policy"
	in_time put_ok 0 "$D/sriov_numvfs"
	put_ok refuse "$S/busy_policy"
	hold_end a
}

mute_and_rmmod()
{
	vfs 1
	hold a "$A" --mute --no-queues
	in_time modprobe -r svff_pf || fail "modprobe -r"
	hold_end a
	load || fail "modprobe"
}

moved() { wc -l <"$TMP/moved"; }
moved_more() { [ "$(moved)" -gt "$1" ]; }

# The function comes out of its reset late: nobody else waits for it. (Opening another VF would be one
# more reset, so that one is at work before.)
reset_late()
{
	local reset other

	vfs 2
	vf-client --rounds 100000 "$B" mm >"$TMP/moved" 2>&1 &
	other=$!
	until_true moved_more 0 || fail "the other VF does not start"
	inject flr-hang true
	put 1 "$S/vf1/reset" >"$TMP/text" &
	reset=$!
	until_true grep -q resetting "$S/vf1/state" || fail "state is $(get "$S/vf1/state")"
	put_refused EBUSY 1 "$S/vf1/reset"
	until_true moved_more "$(moved)" || fail "the other VF waits"
	inject flr-hang false
	wait "$reset" || fail "reset: $(cat "$TMP/text")"
	kill "$other" 2>/dev/null || fail "the other VF: $(tail -n 1 "$TMP/moved")"
	wait "$other"
	expect ready "$S/vf1/state"
	vf-client "$A" mm >/dev/null || fail "the VF afterwards"
}

# What else the PCI core would try resets the others, too.
alone()
{
	local f

	vfs 2
	for f in "$D"/virtfn[01]/reset_method; do
		expect flr "$f"
	done
}

# It never does: the PCI core gives up after a minute.
reset_never()
{
	vfs 2
	inject flr-hang true
	log_mark never
	put 1 "$S/vf1/reset" && { inject flr-hang false; fail "the reset is said to be fine"; }
	inject flr-hang false
	log_since never | grep -q 'VF1: reset failed' || fail "the log does not say so"
	expect error "$S/vf1/state"
	vf-client "$B" mm >/dev/null || fail "the other VF"
	put_ok 1 "$S/vf1/reset"
	expect ready "$S/vf1/state"
	vf-client "$A" mm >/dev/null || fail "the VF after a good reset"
}

add "resets" suite
add "reset takes only 1, and only for a VF that is" refused_writes
add "a VF that never answers does not hold up removal" mute_client
add "nor does one with queues, under busy_policy release" mute_with_queues
add "nor does it hold up the module's removal" mute_and_rmmod
add "a reset that ends late" reset_late
add "a VF is reset alone" alone
add_long "a reset that never ends" reset_never
allow 'DMAR: \[DMA'
finish
