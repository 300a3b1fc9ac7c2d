#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Resets, errors of the link and a card that is pulled out, with VFs at work: the PF comes back, and so do they.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

LOOPS=20
KERNEL_KB=256
RECOVERY_MS=5000	# nobody waits for answers that cannot come
GUEST_S=150
PORT=$(basename "$(dirname "$(readlink -f "$D")")")

device() { data_device "$(vf_link "$1")"; }

# own COUNT: so many VFs, each with our driver
own()
{
	local n

	modprobe svff_vf || fail "modprobe svff_vf"
	no_vfs
	put_ok "$1" "$D/sriov_numvfs"
	for n in $(seq "$1"); do
		vf_bind "$n" svff_vf
	done
	all_work "$1"
}

has_node() { [ -c "$(device "$1" 2>/dev/null)" ]; }

# works DEVICE MIB: what is written is read again
works()
{
	dd if=/dev/urandom of="$TMP/data" bs=100000 count=1 status=none
	dd if="$TMP/data" of="$1" bs=100000 oflag=seek_bytes seek=$(($2 << 20)) count=1 conv=notrunc status=none ||
		return
	dd if="$1" bs=100000 iflag=skip_bytes skip=$(($2 << 20)) count=1 status=none | cmp -s - "$TMP/data"
}

vf_works() { has_node "$1" && works "$(device "$1")" $((16 * $1)) 2>"$TMP/err"; }
pf_works() { works "$(data_device "$PF")" 1 2>"$TMP/err"; }

all_work()
{
	local n

	until_true pf_works || fail "the PF: $(cat "$TMP/err")"
	for n in $(seq "$1"); do
		until_true vf_works "$n" || fail "VF $n: $(cat "$TMP/err")"
		expect active "$S/vf$n/state"
	done
}

# mover DEVICE MIB: moves and compares until it is enough
mover()
{
	local sum

	dd if=/dev/urandom of="$1" bs=1M seek="$2" count=1 conv=notrunc status=none || exit
	sum=$(dd if="$1" bs=1M skip="$2" count=1 status=none | sha256sum)
	while [ ! -e "$TMP/enough" ]; do
		[ "$(dd if="$1" bs=1M skip="$2" count=1 status=none | sha256sum)" = "$sum" ] || exit
		echo >>"$TMP/moved"
	done
}

moved() { wc -l <"$TMP/moved"; }
moved_more() { [ "$(moved)" -gt "$1" ]; }

# meanwhile DEVICE COMMAND...: while data move there, and go on moving after
meanwhile()
{
	local dev=$1 pid
	shift

	: >"$TMP/moved"
	rm -f "$TMP/enough"
	mover "$dev" 100 2>"$TMP/mover" &
	pid=$!
	until_true moved_more 0 || fail "nothing moves"
	"$@"
	until_true moved_more "$(moved)" || fail "nothing moves any more"
	: >"$TMP/enough"
	wait "$pid" || fail "the other: $(cat "$TMP/mover")"
	[ ! -s "$TMP/mover" ] || fail "the other: $(cat "$TMP/mover")"
}

busy_reader() { while [ ! -e "$TMP/done" ]; do dd if="$1" of=/dev/null bs=4M count=4 status=none 2>/dev/null; done; }

# within DEVICE COMMAND...: while transfers are under way there, which may fail
within()
{
	local pid
	rm -f "$TMP/done"
	busy_reader "$1" &
	pid=$!
	sleep 0.3
	shift
	"$@"
	: >"$TMP/done"
	wait "$pid"
}

#--- function level resets

vf_reset_svff() { put_ok 1 "$S/vf1/reset"; }
vf_reset_pci() { put_ok 1 "$D/virtfn0/reset"; }

vf_reset()
{
	own 2
	meanwhile "$(device 2)" within "$(device 1)" "$1"
	all_work 2
	expect 8 "$S/vf1/queues"
}

pf_reset()
{
	own 2
	within "$(device 1)" put_ok 1 "$D/reset"
	all_work 2
	put_ok 1 "$D/reset"
	all_work 2
	expect 2 "$D/sriov_numvfs"
}

# A VF that a VFIO user has: its session is over, its next HELLO is served.
pf_reset_vfio()
{
	vfs 2
	hold a "$A" --queues 2
	put_ok 1 "$D/reset"
	expect ready "$S/vf1/state"
	expect 0 "$S/vf1/queues_active"
	hold_end a KILL
	vf-client "$A" mm >/dev/null || fail "the VF afterwards"
	pf_works || fail "the PF: $(cat "$TMP/err")"
}

bus_reset()
{
	local methods

	no_vfs
	methods=$(get "$D/reset_method")
	put_ok bus "$D/reset_method"
	within "$(data_device "$PF")" put_ok 1 "$D/reset"
	put_ok "$methods" "$D/reset_method"
	own 2
}

# The manager lets a queue not be that does not stop, but then the card may not reach memory.
master_back()
{
	local bdf

	own 2
	bdf=$(vf_link 1)
	inject ctxt-busy true
	echo "$bdf" >/sys/bus/pci/drivers/svff_vf/unbind
	inject ctxt-busy false
	master "$bdf" && fail "it may reach memory"
	put 1 "$S/vf1/reset" >/dev/null
	vf_bind 1 svff_vf
	all_work 2
	master "$bdf" || fail "bus mastering is off"
	inject ctxt-busy true
	put 2 "$S/pf_queues" >"$TMP/text" && { inject ctxt-busy false; fail "queues that do not stop are said to"; }
	inject ctxt-busy false
	put_ok 1 "$D/reset"
	all_work 2
	master "$PF" || fail "bus mastering is off"
}

# A guest resets its VF itself, and its driver begins anew.
GUEST_READ='until [ -c /dev/svff-mm0 ]; do sleep 0.1; done; dd if=/dev/svff-mm0 of=/dev/null bs=1M count=4'

guest_begins()
{
	unload 2>/dev/null
	load || fail "modprobe"
	svff init --vfs 1 >/dev/null 2>"$TMP/err" || fail "svff init: $(cat "$TMP/err")"
	guest_start R || fail "the guest does not start"
	svff attach 1 qmp:/run/svff-lab/R.qmp >/dev/null 2>"$TMP/err" || fail "svff attach: $(cat "$TMP/err")"
	guest_run R -t "$GUEST_S" "modprobe svff_vf && $GUEST_READ" >"$TMP/guest" 2>&1 || fail "$(tail -n 1 "$TMP/guest")"
}

guest_ends()
{
	expect active "$S/vf1/state"
	guest_log_clean R
	guest_stop R
	until_true no_vfs || fail "VFs stay"
	expect 0 "$D/sriov_numvfs"
}

guest_reset()
{
	guest_begins
	guest_run R -t "$GUEST_S" "echo 1 >\$(echo /sys/bus/pci/drivers/svff_vf/0*)/reset && $GUEST_READ" >"$TMP/guest" 2>&1 ||
		fail "after a reset: $(tail -n 1 "$TMP/guest")"
	guest_ends
}

# QEMU has the VF of a guest that it stops paused. One that stands still for other reasons hears nothing of the PF's reset,
# and its session, queues and vectors are gone.
guest_sleeps()
{
	local monitor=/run/svff-lab/R.lab.qmp qemu

	guest_begins
	lab-qmp -s "$monitor" '{"execute": "stop"}' >/dev/null || fail "the guest does not stop"
	expect paused "$S/vf1/state"
	put_ok 1 "$D/reset"
	lab-qmp -s "$monitor" '{"execute": "cont"}' >/dev/null || fail "the guest does not go on"
	guest_run R -t "$GUEST_S" "$GUEST_READ" >"$TMP/guest" 2>&1 || fail "stopped: $(tail -n 1 "$TMP/guest")"
	guest_run R 'while [ ! -e /tmp/enough ]; do dd if=/dev/svff-mm0 of=/dev/null bs=1M count=64; done >/tmp/reads 2>&1 &'
	qemu=$(cat /run/svff-lab/R.pid)
	kill -STOP "$qemu"
	put_ok 1 "$D/reset"
	kill -CONT "$qemu"
	expect ready "$S/vf1/state"
	guest_run R -t "$GUEST_S" "for i in \$(seq 60); do $GUEST_READ && exit; sleep 0.5; done; exit 1" >"$TMP/guest" 2>&1 ||
		fail "asleep: $(tail -n 1 "$TMP/guest")"
	guest_run R 'touch /tmp/enough; wait; dmesg' | grep -E 'cannot be stopped|bus mastering' && fail "queues that the reset has stopped"
	guest_ends
}

#--- errors of the link

recovered() { log_since aer | grep -q 'device recovery successful'; }
given_up() { log_since aer | grep -q 'device recovery failed'; }

# The time between an error and the end of its recovery, by the kernel's log
recovery_ms()
{
	log_since aer | awk -F '[][ ]+' '/Fatal\) error message/ { t = $2 } /recovery successful/ { print int(($2 - t) * 1000) }'
}

in_time() { [ "$(recovery_ms)" -le "$RECOVERY_MS" ] || fail "recovered in $(recovery_ms) ms"; }

correctable()
{
	own 1
	log_mark aer
	meanwhile "$(device 1)" inject aer correctable
	log_since aer | grep -qE 'Correct(ed|able) error message received' || fail "no error"
	all_work 1
}

nonfatal()
{
	own 1
	log_mark aer
	meanwhile "$(device 1)" inject aer nonfatal
	until_true recovered || { log_since aer; fail "not recovered"; }
	all_work 1
}

# A queue that fails is set up anew while a file is open, if the function may reach memory.
fails_and_goes_on()
{
	local dev fd

	dev=$(device "$1")
	exec {fd}<"$dev"
	taskset -p 1 "$BASHPID" >/dev/null	# by one queue
	dd if="$dev" of=/dev/null bs=4k skip=1M count=1 status=none 2>"$TMP/err" && fail "there is no memory, and nobody noticed"
	until_true vf_works "$1" || fail "after a transfer that failed: $(cat "$TMP/err")"
	exec {fd}<&-
}

fatal()
{
	local fd

	own 2
	exec {fd}<"$(device 1)"	# so that there are queues that nobody can stop
	vf_works 1 || fail "VF 1: $(cat "$TMP/err")"
	log_mark aer
	within "$(device 1)" inject aer fatal
	until_true recovered || { log_since aer; fail "not recovered"; }
	in_time
	log_since aer | grep -q 'link has been reset (0)' || { log_since aer; fail "the link was not reset"; }
	exec {fd}<&-
	all_work 2
	fails_and_goes_on 1
	expect 2 "$D/sriov_numvfs"
}

# One VF that has no driver is enough for the PCI core to give up.
give_up()
{
	own 2
	put_ok "$(vf_link 2)" /sys/bus/pci/drivers/svff_vf/unbind
	log_mark aer
	inject aer fatal
	until_true given_up || { log_since aer; fail "not given up"; }
}

fatal_given_up()
{
	give_up
	all_work 1
	vf_bind 2 svff_vf
	all_work 2
}

# What svff_pf would try by itself 2 s after the error must not be done again.
given_up_and_reset()
{
	give_up
	put_ok 1 "$D/reset"
	all_work 1
	sleep 3
	all_work 1
}

fatal_vfio()
{
	vfs 2
	hold a "$A" --queues 2
	log_mark aer
	inject aer fatal
	until_true recovered || { log_since aer; fail "not recovered"; }
	expect ready "$S/vf1/state"
	hold_end a KILL
	vf-client "$A" mm >/dev/null || fail "the VF afterwards"
	pf_works || fail "the PF: $(cat "$TMP/err")"
}

# An error that leaves all at work, and a driver that wants a reset nevertheless: so all are called.
slot_reset_within()
{
	local resets=/sys/module/svff_slot_test/parameters/resets

	modprobe svff_slot_test || fail "modprobe svff_slot_test"
	own 2
	vf_bind 2 svff_slot_test
	log_mark aer
	within "$(device 1)" inject aer nonfatal
	until_true recovered || { log_since aer; fail "not recovered"; }
	in_time
	expect 1 "$resets"
	all_work 1
	vf_bind 2 svff_vf
	all_work 2
	modprobe -r svff_slot_test || fail "modprobe -r svff_slot_test"
}

# The kernel's own injection, as a person would do it on a real host
aer_inject()
{
	modprobe aer_inject 2>/dev/null || skip "no aer_inject"
	own 1
	log_mark aer
	# one 32 bit error mask each: bus, slot and function of the PF are 1, 0, 0
	printf '\1\0\0\0\0\100\0\0%024d' 0 | tr 0 '\0' >"$TMP/aer"
	truncate -s 32 "$TMP/aer"
	cat "$TMP/aer" >/dev/aer_inject || fail "no injection"
	until_true recovered || { log_since aer; fail "not recovered"; }
	all_work 1
}

#--- surprise removal

gone() { [ ! -e "$D" ]; }
back() { [ -e "$D/driver" ] && [ -e "$S/queues_total" ]; }

pulled_out()
{
	rm -f "$TMP/done"
	busy_reader "$(data_device "$PF")" &
	inject surprise-removal true
	put_ok 1 "$D/remove"
	: >"$TMP/done"
	wait $!
	until_true gone || fail "still there"
	inject surprise-removal false
	echo 1 >"/sys/bus/pci/devices/$PORT/rescan"
	until_true back || fail "not found again"
	echo 0 >"$D/sriov_drivers_autoprobe"
	until_true pf_works || fail "the PF afterwards: $(cat "$TMP/err")"
}

in_a_loop()
{
	local kernel areas

	own 2
	pulled_out
	own 2
	pulled_out
	kernel=$(kernel_kb)
	areas=$(dma_areas)
	for _ in $(seq "$LOOPS"); do
		own 2
		pulled_out
	done
	kernel=$(($(kernel_kb) - kernel))
	areas=$(($(dma_areas) - areas))
	echo "kernel $kernel KiB, $areas areas for DMA"
	[ "$areas" -le 0 ] || fail "$areas areas for DMA are left"
	[ "$kernel" -le "$KERNEL_KB" ] || fail "$kernel KiB of the kernel's memory are gone"
}

with_vfs()
{
	own 2
	pulled_out
	own 2
}

add "a VF's reset by the PF's driver, within transfers, another goes on" vf_reset vf_reset_svff
add_long "a VF's reset by the PCI core, the same" vf_reset vf_reset_pci
add_long "a VF's reset by the guest that has it" guest_reset
add_long "the PF's reset while a guest stands still" guest_sleeps
add "the PF's reset with VFs at work" pf_reset
add "the PF's reset with a VF that VFIO has" pf_reset_vfio
add "the reset of the bus, within transfers" bus_reset
add_long "bus mastering that was turned off comes back" master_back
add_long "a correctable error changes nothing" correctable
add "an error that is not fatal changes nothing" nonfatal
add "an error after which a driver wants a reset, with the PF and a VF at work" slot_reset_within
add "a fatal error with VFs at work" fatal
add "a fatal error with a VF that VFIO has" fatal_vfio
add_long "a fatal error that the PCI core gives up on" fatal_given_up
add_long "the same, and the administrator resets the PF" given_up_and_reset
add "an error that the kernel injects" aer_inject
add "pulled out with VFs at work" with_vfs
add_long "pulled out $LOOPS times with VFs at work, nothing lost" in_a_loop
allow 'DMAR: \[DMA'
finish
