#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# VFs that svff_vfio stops, saves, loads and resumes.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

# vfio_vfs COUNT: so many VFs, each bound to svff_vfio; A and B are the first two
vfio_vfs()
{
	local n

	vfs "$1"
	for n in $(seq "$1"); do
		vf_bind "$n" svff_vfio
	done
}

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

unloads()
{
	no_vfs
	modprobe -r svff_vfio || fail "svff_vfio does not unload"
}

modprobe svff_vfio || { echo "1..0 # SKIP no svff_vfio"; exit "$KTAP_SKIP"; }
add "it binds by driver_override" binds
add "who may pause" others
add "stop, save, load, resume" suite
add "it unloads" unloads
allow 'DMAR: \[DMA'
finish
