#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# VFs that svff_vfio stops, saves, loads and resumes.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

# vfio_vfs COUNT: so many VFs, each bound to svff_vfio; A and B are the first two
vfio_vfs() { vfs "$1" svff_vfio; }

suite() { vfio_vfs 2; sub vf-test migrate "$A" "$B"; }

# It binds to what it is told to, and to VFs of svff_pf alone.
binds()
{
	vfs 1
	[ "$(basename "$(readlink "$D/virtfn0/driver")")" = vfio-pci ] || fail "it took a VF unasked"
	vf_bind 1 svff_vfio
	[ "$(basename "$(readlink "$D/virtfn0/driver")")" = svff_vfio ] || fail "not bound"
	vf-client "$A" mm >/dev/null || fail "it does not work as vfio-pci does"
}

# VFIO's user pauses it, nobody else; whoever has none live can go.
others()
{
	vfio_vfs 1
	hold user "$A" --queues 1
	put_refused EBUSY 1 "$S/vf1/pause"
	put_refused EBUSY 0 "$S/vf1/pause"
	put_refused EBUSY 0 "$D/sriov_numvfs"
	hold_end user
	put_ok 1 "$S/vf1/pause"
	vf-client "$A" info >/dev/null 2>&1 && fail "a paused VF can be opened"
	put_ok 0 "$S/vf1/pause"
	vf-client "$A" mm >/dev/null || fail "the VF afterwards"
}

# All VFs go, with users: who can pause his is asked by VFIO alone, and his driver is to hear nothing; another's is told.
told_or_asked()
{
	vfio_vfs 2
	vf_bind 2 vfio-pci
	hold asked "$A" --queues 2
	hold told "$B" --queues 2
	put_ok release "$S/busy_policy"
	put_ok 0 "$D/sriov_numvfs"
	put_ok refuse "$S/busy_policy"
	hold_end asked
	hold_end told
	hold_says asked wanted-back || fail "the user of svff_vfio is not asked"
	! hold_says asked pf-bye || fail "the driver of its VF is told"
	hold_says told pf-bye || fail "the driver of the other VF is not told"
}

# resets NUMBER COMMAND...: vf-client's COMMAND, and so many function level resets with it
resets()
{
	local want=$1 is
	shift

	echo >"$TRACE/trace"
	vf-client "$A" "$@" >"$TMP/client" 2>&1 || fail "$*: $(tail -n 1 "$TMP/client")"
	is=$(resets_made)
	[ "$is" -eq "$want" ] || { cat "$TRACE/trace"; fail "$is resets by '$*', not $want"; }
}

resets_made() { grep -c ' pcie_reset_flr ' "$TRACE/trace" || :; }

# A reset takes 100 ms of a guest's time: which of them are made
needless_resets()
{
	TRACE=/sys/kernel/tracing
	mountpoint -q "$TRACE" || mount -t tracefs tracefs "$TRACE"
	put_ok pcie_reset_flr "$TRACE/set_ftrace_filter"
	put_ok function "$TRACE/current_tracer"
	trap 'echo nop >"$TRACE/current_tracer"; echo >"$TRACE/set_ftrace_filter"' EXIT
	vfio_vfs 1
	resets 1 hello			# made a moment ago; a reset when it is closed
	resets 2 hello			# it had a user before
	resets 1 stop --queues 4	# has nothing on the card when it is closed
	resets 2 mm			# and is reset when it is opened again
	vfio_vfs 1
	resets 0 stop --queues 4	# as in a reconfiguration
	vfio_vfs 1
	resets 0 stop --queues 4
	vf_bind 1 vfio-pci		# another driver gets none that was not reset
	[ "$(resets_made)" = 1 ] || fail "$(resets_made) resets when another driver gets it, not 1"
	vf_bind 1 svff_vfio
	[ "$(resets_made)" = 1 ] || fail "it is reset again for the next driver"
	vfio_vfs 1
	resets 2 reset			# a fresh one can be reset like others
	vfs 1
	vf-client "$A" info >"$TMP/client" || fail "a VF on vfio-pci"
	vf_bind 1 svff_vfio
	resets 2 hello			# another driver had it
	vfs 1
	vf_bind 1 svff_vfio
	resets 2 hello			# the same, and did nothing with it
}

unloads()
{
	no_vfs
	modprobe -r svff_vfio || fail "svff_vfio does not unload"
}

need_svff_vfio
modprobe svff_vfio || { echo "Bail out! svff_vfio does not load"; exit "$KTAP_FAIL"; }
add "it binds by driver_override" binds
add "who may pause" others
add "all VFs go: told, or asked" told_or_asked
add "stop, save, load, resume" suite
add "a VF is reset but where nothing is to be reset" needless_resets
add "it unloads" unloads
allow 'DMAR: \[DMA'
finish
