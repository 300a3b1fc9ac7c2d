#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The modules come and go: nothing is left behind, and a card that is not in order is refused.
# shellcheck disable=SC2317	# functions are called through add

NO_LOAD=1
. "$(dirname "$0")/vf.sh"

LOOPS=20
LEAK_KB=4096

nodes() { find /dev -name 'svff*' | wc -l; }
no_nodes() { [ "$(nodes)" -eq 0 ]; }
traces() { grep -c svff /proc/iomem /proc/interrupts /proc/devices | cut -d: -f2 | paste -sd' '; }
memory() { echo 3 >/proc/sys/vm/drop_caches; awk '/MemAvailable/ { print $2 }' /proc/meminfo; }

gone()
{
	until_true no_nodes || fail "$(nodes) device nodes are left"
	[ "$(traces)" = "0 0 0" ] || { grep svff /proc/iomem /proc/interrupts /proc/devices; fail "traces in /proc"; }
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

loop()
{
	local before after

	once
	once
	before=$(memory)
	for _ in $(seq "$LOOPS"); do
		load || fail "modprobe"
		dd if=/dev/zero of="$(data_device "$PF")" bs=64k count=1 conv=notrunc status=none || fail "dd"
		unload || fail "modprobe -r"
	done
	after=$(memory)
	gone
	[ $((before - after)) -lt "$LEAK_KB" ] || fail "$((before - after)) KiB are gone"
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

injected()
{
	lab-qmp set "$1" "$2" >/dev/null || skip "no injection"
}

not_bound() { [ ! -e "$D/driver" ]; }

bad_id()
{
	injected inject-bad-id true
	log_mark id
	modprobe svff_pf
	lab-qmp set inject-bad-id false >/dev/null
	not_bound || fail "bound to a card with a wrong identifier"
	log_since id | grep -qi 'identif' || { log_since id; fail "the log does not say why"; }
	log_since id | grep -qE 'ENODEV|error -19' || { log_since id; fail "not ENODEV"; }
	echo "$PF" >/sys/bus/pci/drivers_probe
	[ -e "$D/driver" ] || fail "not bound after it is right again"
	unload
	gone
}

# The card's context command never ends.
stuck_at_probe()
{
	local start=$SECONDS

	injected inject-ctxt-busy true
	log_mark stuck
	modprobe svff_pf
	lab-qmp set inject-ctxt-busy false >/dev/null
	not_bound || fail "bound to a card that does nothing"
	[ $((SECONDS - start)) -le 20 ] || fail "took $((SECONDS - start)) s"
	log_since stuck | grep -qE 'ETIMEDOUT|error -110' || { log_since stuck; fail "not ETIMEDOUT"; }
	echo "$PF" >/sys/bus/pci/drivers_probe
	[ -e "$D/driver" ] || fail "not bound after it works again"
	unload
	gone
}

stuck_at_enable()
{
	local free

	load || fail "modprobe"
	free=$(get "$S/queues_free")
	injected inject-ctxt-busy true
	timeout 60 bash -c "echo 2 >$D/sriov_numvfs" && { lab-qmp set inject-ctxt-busy false; fail "VFs are made"; }
	lab-qmp set inject-ctxt-busy false >/dev/null
	expect 0 "$D/sriov_numvfs"
	expect "$free" "$S/queues_free"
	put_ok 2 "$D/sriov_numvfs"
	put_ok 0 "$D/sriov_numvfs"
	unload || fail "modprobe -r"
	gone
}

no_card()
{
	modprobe svff_vf || fail "svff_vf without a VF"
	modprobe -r svff_vf || fail "modprobe -r svff_vf"
	gone
}

unload 2>/dev/null
add "$LOOPS times in and out, nothing lost" loop
add "all interrupt modes" modes
add "out with the data device open" open_data
add "out with the control device open" open_control
add "out within transfers" unbind_within
add "out with VFs" with_vfs
add "a wrong identifier is refused" bad_id
add "a context command that never ends, at probe" stuck_at_probe
add "a context command that never ends, with VFs" stuck_at_enable
add "the VF driver alone" no_card
finish
