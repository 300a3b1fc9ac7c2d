#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run-tests.sh [TEST...]: runs KTAP tests in the emulated host, by default sriov, uapi, dmaengine, scale, the main ways of
# a pause, reconfs and the demo, and prints a line for each; those of pause twice, with guests of two releases of QEMU.
# Full output goes to /out/ktap/NAME. The totals are made outside, by ktap.sh.
#	--quick		the same without the cases that take long, and some tests on one kernel only
#	--quick --shown	without the demo, too
#	--debug		those for a debug kernel, and all others but the demo and those of a pause
#	--debug-pause	those of a pause, on a debug kernel: in one boot with errors of the link lockdep finds that VFIO and
#			the PCI core take memory_lock and pci_bus_sem in either order, and looks no more
#	--card		those that ask something of the card
#	--hostile	a VF that attacks
#	--pause		QEMU's part of a pause, and all parts together
#	--kills		pauses in which the tool, a QEMU or the card is stopped at each point
#	--faults	pauses in which the card does not do as it is told
#	--soak [N]	N reconfs in a row
#	--igb		with a network card instead: its VFs, paused
#	--nvme		with an NVMe controller instead: the same
#	--scale		all VFs with all queues
#	--foreign	selftests/foreign

set -u
. "$(dirname "$0")/common.sh"

TESTS=/svff/build/user/selftests
LIMIT=1800	# seconds, for one test
LONG_LIMIT=9000
export KTAP_TIMES=1

# Seconds that all processors have worked so far
busy_s() { awk '/^cpu / { print int(($2 + $3 + $4 + $7 + $8) / 100) }' /proc/stat; }

run()
{
	local t=$1 name rc=0 start=$SECONDS busy
	shift

	busy=$(busy_s)
	name=$(basename "$(dirname "$t")")-$(basename "$t" .sh)$SUFFIX
	timeout -k 10 "$LIMIT" "$t" "$@" >"/out/ktap/$name" 2>&1 &
	wait $! || rc=$?
	kill -KILL -- -$! 2>/dev/null && echo "$name has left processes behind"	# timeout has a group of its own
	echo "# status $rc" >>"/out/ktap/$name"
	printf '%-28s status %d, %d s, %d s busy\n' "$name" "$rc" $((SECONDS - start)) $(($(busy_s) - busy))
	grep -a '^not ok' "/out/ktap/$name"
}

# The same with guests of the second release of QEMU, if it is there. Bash forgets the values afterwards.
run_newer() { [ -z "$LAB_QEMU_NEWER" ] || SUFFIX=-$SVFF_QEMU_NEWER LAB_QEMU=$LAB_QEMU_NEWER run "$@"; }

# What lies between the card and its users asks little of a kernel: to be quick, one kernel does for it. newer: run_newer.
OLDEST_DOES="sriov/inject sriov/mbox sriov/mute sriov/pause-fail sriov/provision uapi/control uapi/stream uapi/stream-vf
	scale/scale pause/reconf newer"
NEWEST_DOES="sriov/errors sriov/ext sriov/migrate sriov/pause uapi/eventfd qemu/demo-host"

# What takes long is done with guests of one release of QEMU: of the newer on the oldest kernel.
run_one() { if [ "$LAB_KERNEL" = "${SVFF_KERNELS%% *}" ] && [ -n "$LAB_QEMU_NEWER" ]; then run_newer "$@"; else run "$@"; fi; }

# Guests of the other release of QEMU are in the demo.
is_newer_alone() { [ -n "$QUICK" ] && [ -n "$LAB_QEMU_NEWER" ] && [[ $1 = */reconf.sh ]]; }

# is_of TEST LIST
is_of() { [[ " ${2//[$'\n\t']/ } " == *" $1 "* ]]; }

for_this_kernel()
{
	local name=${1#"$TESTS"/}

	[ -n "$QUICK" ] || return 0
	[ "$LAB_KERNEL" = "${SVFF_KERNELS%% *}" ] || ! is_of "${name%.sh}" "$OLDEST_DOES" || return
	[ "$LAB_KERNEL" = "${SVFF_KERNELS##* }" ] || ! is_of "${name%.sh}" "$NEWEST_DOES"
}

SUFFIX='' QUICK='' SHOWN=''
[ "${1:-}" != --quick ] || { export KTAP_QUICK=1; shift; }
[ "${1:-}" != --shown ] || { SHOWN=1; shift; }
[ $# -gt 0 ] || QUICK=${KTAP_QUICK:-}
mkdir -p /out/ktap
rm -f /out/ktap/*
case ${1:-} in
'') set -- "$TESTS"/sriov/*.sh "$TESTS"/uapi/*.sh "$TESTS"/dmaengine/*.sh "$TESTS"/scale/*.sh \
	"$TESTS"/pause/{qemu-basics,reconf}.sh "$TESTS/qemu/demo-host.sh" ;;
--debug) set -- "$TESTS"/sriov/*.sh "$TESTS"/uapi/*.sh "$TESTS"/dmaengine/*.sh "$TESTS"/hostile/*.sh "$TESTS"/debug/*.sh ;;
--debug-pause) export IOMMUFD=1; set -- "$TESTS"/pause/{qemu-*,more,bare}.sh "$TESTS/debug/leaks.sh" ;;
--pause) set -- "$TESTS"/pause/{qemu-*,more,bare,libvirt}.sh ;;
--card) set -- "$TESTS"/sriov/{count,errors,ext,inject,iommu,irq,mbox,mm,provision,recover,reset}.sh "$TESTS"/uapi/*.sh \
	"$TESTS"/dmaengine/*.sh ;;
--igb) set -- "$TESTS/pause/igbvf.sh" ;;
--nvme) set -- "$TESTS/pause/nvmevf.sh" ;;
--hostile) set -- "$TESTS"/hostile/*.sh ;;
--scale) run "$TESTS/scale/scale.sh" 252 2048; exit 0 ;;
--kills) LIMIT=$LONG_LIMIT; run_one "$TESTS/pause/kills.sh" 1; exit 0 ;;
--faults) LIMIT=$LONG_LIMIT; run_one "$TESTS/pause/faults.sh"; exit 0 ;;
--soak) LIMIT=$LONG_LIMIT; run_one "$TESTS/pause/soak.sh" "${2:-}"; exit 0 ;;
--foreign) set -- "$SVFF_SRC/selftests/foreign/matrix.sh" ;;
esac
for t; do
	[[ $t = /* ]] || t=$TESTS/$t
	for_this_kernel "$t" || continue
	case $t in
	*/vf.sh) ;;	# sourced by the others
	*/demo-host.sh) [ -n "$SHOWN" ] || run "$t" --ktap ;;
	*/matrix.sh) run "$t" /foreign ;;
	*/pause/*)
		is_newer_alone "$t" || run "$t"
		! for_this_kernel newer || run_newer "$t"
		;;
	*) run "$t" ;;
	esac
done
exit 0
