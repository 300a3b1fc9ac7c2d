#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The modules come and go: nothing is left behind, and a card that is not in order is refused.
# shellcheck disable=SC2317	# functions are called through add

NO_LOAD=1
. "$(dirname "$0")/vf.sh"

LOOPS=$(long && echo 20 || echo 4)
KERNEL_KB=512
USED_KB=40960

nodes() { find /dev -maxdepth 1 -name 'svff*' | wc -l; }
no_nodes() { [ "$(nodes)" -eq 0 ]; }
traces() { grep -c svff /proc/iomem /proc/interrupts /proc/devices | cut -d: -f2 | paste -sd' '; }

# KiB that are not free, caches aside: all there is, but it swings by megabytes
used_kb()
{
	echo 3 >/proc/sys/vm/drop_caches
	meminfo 'v["MemTotal:"] - v["MemFree:"] - v["Buffers:"] - v["Cached:"] - v["AnonPages:"] - v["SReclaimable:"]'
}

gone()
{
	until_true no_nodes || fail "$(nodes) device nodes are left"
	[ "$(traces)" = "0 0 0" ] || { grep svff /proc/iomem /proc/interrupts /proc/devices; fail "traces in /proc"; }
	[ "$(dma_areas)" -eq "$DMA_AREAS" ] || fail "$(($(dma_areas) - DMA_AREAS)) areas for DMA are left"
	[ ! -d /sys/class/svff-mm ] || fail "the class is left"
	grep -q '^svff' /proc/modules && fail "a module is left"
	return 0
}

once()
{
	load || fail "modprobe"
	put_ok 2 "$D/sriov_numvfs"
	put_ok 0 "$D/sriov_numvfs"
	unload || fail "modprobe -r"
}

round()
{
	load || fail "modprobe"
	dd if=/dev/zero of="$(data_device "$PF")" bs=64k count=1 conv=notrunc status=none || fail "dd"
	unload || fail "modprobe -r"
}

loop()
{
	local kernel used

	once
	round
	kernel=$(kernel_kb)
	used=$(used_kb)
	for _ in $(seq "$LOOPS"); do
		round
	done
	gone
	kernel=$(($(kernel_kb) - kernel))
	used=$(($(used_kb) - used))
	echo "kernel $kernel KiB, all $used KiB"
	[ "$kernel" -le "$KERNEL_KB" ] || fail "$kernel KiB of the kernel's memory are gone"
	[ "$used" -le "$USED_KB" ] || fail "$used KiB are gone"
}

modes()
{
	local m

	for m in poll direct aggr; do
		load irq_mode="$m" || fail "irq_mode=$m"
		dd if=/dev/urandom bs=100000 count=1 status=none >"$TMP/data"
		dd if="$TMP/data" of="$(data_device "$PF")" bs=100000 conv=notrunc status=none || fail "write, $m"
		dd if="$(data_device "$PF")" bs=100000 count=1 status=none | cmp - "$TMP/data" || fail "compare, $m"
		unload || fail "modprobe -r"
	done
	modprobe svff_pf irq_mode=maybe 2>/dev/null && fail "irq_mode=maybe is taken"
	modprobe -r svff_pf 2>/dev/null
	return 0
}

no_vectors() { grep -q "svff.*$1" /proc/interrupts && fail "$1 has vectors"; }

# A host that has no vectors for the PF, then none for its VF: what interrupts tell is looked for instead.
without_vectors()
{
	trap 'echo 1 >"$D/msi_bus"' EXIT
	echo 0 >"$D/msi_bus"
	load irq_mode=poll || fail "modprobe svff_pf"
	modprobe svff_vf irq_mode=poll || fail "modprobe svff_vf"
	no_vectors "$PF"
	vfs 1
	vf-client "$A" mm >/dev/null || fail "the PF does not hear its VF"
	echo 0 >"$D/virtfn0/msi_bus"
	vf_bind 1 svff_vf
	expect active "$S/vf1/state"
	no_vectors "$A"
	until_true data_device "$A" >/dev/null || fail "no data device"
	until_true test -c "$(data_device "$A")" || fail "no device node"
	dd if=/dev/zero of="$(data_device "$A")" bs=64k count=1 conv=notrunc status=none || fail "the VF does not hear its PF"
	unload || fail "modprobe -r"
	gone
}

# rmmod of a module in use is refused; unbinding cannot be, so it has to be safe.
open_data()
{
	local dev

	load || fail "modprobe"
	dev=$(data_device "$PF")
	exec 9<>"$dev"
	modprobe -r svff_pf 2>/dev/null && fail "removed while $dev is open"
	echo "$PF" >/sys/bus/pci/drivers/svff_pf/unbind
	dd of=/dev/null bs=4k count=1 status=none <&9 2>"$TMP/err" && fail "a read works without a driver"
	grep -q 'No such device' "$TMP/err" || fail "$(cat "$TMP/err")"
	exec 9<&-
	until_true unload 2>/dev/null || fail "cannot be removed after close"
	gone
}

open_control()
{
	load || fail "modprobe"
	exec 9<"$(control_device)"
	modprobe -r svff_pf 2>/dev/null && fail "removed while the control device is open"
	echo "$PF" >/sys/bus/pci/drivers/svff_pf/unbind
	timeout 5 head -c 24 <&9 >/dev/null 2>"$TMP/err"
	grep -q 'No such device' "$TMP/err" || fail "a read says: $(cat "$TMP/err")"
	exec 9<&-
	until_true unload 2>/dev/null || fail "cannot be removed after close"
	gone
}

# Transfers under way when the driver is unbound end, with an error or without.
unbind_within()
{
	local dev pid

	load || fail "modprobe"
	dev=$(data_device "$PF")
	( while dd if="$dev" of=/dev/null bs=8M count=4 status=none 2>/dev/null; do :; done ) &
	pid=$!
	sleep 0.3
	echo "$PF" >/sys/bus/pci/drivers/svff_pf/unbind
	wait "$pid"
	until_true unload 2>/dev/null || fail "cannot be removed"
	gone
}

with_vfs()
{
	load || fail "modprobe"
	put_ok 3 "$D/sriov_numvfs"
	modprobe -r svff_pf || fail "modprobe -r"
	[ ! -e "$D/virtfn0" ] || fail "VFs are left"
	unload
	gone
}

# bind_refused 'ERRNO...': the driver looks at the card again and refuses it
bind_refused()
{
	put_refused "$1" "$PF" /sys/bus/pci/drivers/svff_pf/bind
	[ ! -e "$D/driver" ] || fail "bound"
}

bind_taken()
{
	put_ok "$PF" /sys/bus/pci/drivers/svff_pf/bind
	[ -e "$D/driver" ] || fail "not bound after the card is right again"
	unload
	gone
}

bad_id()
{
	inject bad-id true
	log_mark id
	modprobe svff_pf
	[ ! -e "$D/driver" ] || fail "bound to a card with a wrong identifier"
	log_since id | grep -qi 'not a QDMA: identifier' || { log_since id; fail "the log does not say why"; }
	bind_refused ENODEV
	inject bad-id false
	bind_taken
}

# The card's context command never ends.
stuck_at_probe()
{
	local start=$SECONDS

	inject ctxt-busy true
	log_mark stuck
	modprobe svff_pf
	[ ! -e "$D/driver" ] || fail "bound to a card that does nothing"
	bind_refused 'ETIMEDOUT EBUSY'
	[ $((SECONDS - start)) -le 20 ] || fail "took $((SECONDS - start)) s"
	log_since stuck | grep -q 'context command' || { log_since stuck; fail "the log does not say why"; }
	inject ctxt-busy false
	bind_taken
}

stuck_at_enable()
{
	local free

	load || fail "modprobe"
	free=$(get "$S/queues_free")
	inject ctxt-busy true
	put_refused ETIMEDOUT 2 "$D/sriov_numvfs"
	inject ctxt-busy false
	expect 0 "$D/sriov_numvfs"
	expect "$free" "$S/queues_free"
	put_ok 2 "$D/sriov_numvfs"
	put_ok 0 "$D/sriov_numvfs"
	unload || fail "modprobe -r"
	gone
}

# Each case starts without the modules, whatever the one before left.
alone()
{
	unload 2>/dev/null
	"$@"
}

no_card()
{
	modprobe svff_vf || fail "svff_vf without a VF"
	modprobe -r svff_vf || fail "modprobe -r svff_vf"
	gone
}

# made_for DRIVER: the tool's VF is bound to it
made_for()
{
	svff init --vfs 1 >/dev/null 2>"$TMP/err" || fail "svff init: $(cat "$TMP/err")"
	[ "$(basename "$(readlink "$D/virtfn0/driver")")" = "$1" ] || fail "VF is bound to $(readlink "$D/virtfn0/driver")"
	svff reconf --vfs 0 >/dev/null 2>"$TMP/err" || fail "svff reconf: $(cat "$TMP/err")"
}

blacklisted()
{
	local conf=/etc/modprobe.d/svff-test.conf

	echo "blacklist svff_vfio" >"$conf"
	(made_for vfio-pci)
	rm "$conf"
	made_for svff_vfio
}

unload 2>/dev/null
DMA_AREAS=$(dma_areas)
add "$LOOPS times in and out, nothing lost" alone loop
add "all interrupt modes" alone modes
add "no interrupt vectors" alone without_vectors
add "out with the data device open" alone open_data
add "out with the control device open" alone open_control
add "out within transfers" alone unbind_within
add "out with VFs" alone with_vfs
add "a wrong identifier is refused" alone bad_id
add "a context command that never ends, at probe" alone stuck_at_probe
add "a context command that never ends, with VFs" alone stuck_at_enable
add "the VF driver alone" alone no_card
add "svff init takes svff_vfio, unless it is blacklisted" alone blacklisted
finish
