#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# dmaengine channels of a PF and of a VF, by a client in the kernel; see svff_dma_test.c.
# shellcheck disable=SC2317	# functions are called through add

NO_LOAD=1
. "$(dirname "$0")/../sriov/vf.sh"

OPTIONS=/etc/modprobe.d/svff-test.conf
ABORTED=3	# DMA_TRANS_ABORTED

client() { modprobe svff_dma_test "device=$1" "${@:2}"; }

# client_tests BDF [QUEUES]: on the second queue and those behind it. Its word on each part is in the kernel's log.
client_tests()
{
	local rc=0

	log_mark client
	client "$1" ${2:+pairs=$(($2 - 1))} || rc=$?
	log_since client | grep 'svff_dma_test:' | sed 's/^[^]]*\] //'
	[ "$rc" -eq 0 ] || fail "$(log_since client | grep -m 1 -o 'not ok.*')"
	modprobe -r svff_dma_test
}

pf()
{
	load irq_mode="$1" || fail "modprobe"
	client_tests "$PF" "$(get "$S/pf_queues")"
	unload || fail "modprobe -r"
}

vf_bound()
{
	load || fail "modprobe"
	no_vfs
	modprobe svff_vf irq_mode="$1" || fail "modprobe svff_vf"
	echo 0 >"$D/sriov_drivers_autoprobe"
	put_ok 1 "$D/sriov_numvfs"
	vf_bind 1 svff_vf
}

vf()
{
	vf_bound "$1"
	client_tests "$(vf_link 1)" "$(get "$S/vf1/queues")"
	unload || fail "modprobe -r"
}

# The driver goes while a client holds a channel that is at work.
held()
{
	client "$1" hold=1 || fail "client"
	modprobe -r "$(basename "$(readlink "/sys/bus/pci/devices/$1/driver/module")")" 2>/dev/null &&
		fail "a driver whose channel is held was unloaded"
	echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
	log_mark held
	modprobe -r svff_dma_test || fail "modprobe -r of the client"
	log_since held | grep -q "ended with $ABORTED after [1-9]" || { log_since held; fail "it was not told"; }
}

pf_held()
{
	load || fail "modprobe"
	held "$PF"
	echo "$PF" >/sys/bus/pci/drivers_probe
	until_true test -e "$S/queues_total" || fail "it does not come back"
	client_tests "$PF"
	unload || fail "modprobe -r"
}

vf_held()
{
	vf_bound direct
	held "$(vf_link 1)"
	unload || fail "modprobe -r"
}

# It lets go while the driver goes: a channel is its own or the driver's to end, never both.
let_go()
{
	local vf

	vf_bound direct
	vf=$(vf_link 1)
	log_mark let_go
	client "$vf" let_go=1 || fail "client"
	echo "$vf" >/sys/bus/pci/drivers/svff_vf/unbind
	modprobe -r svff_dma_test || fail "modprobe -r of the client"
	log_since let_go | grep -q '14 channels at rest' || { log_since let_go; fail "not that many channels"; }
	log_since let_go | grep -q ' 0 channels were not let go of' || fail "it has not let go"
	vf_bind 1 svff_vf
	client_tests "$vf"
	unload || fail "modprobe -r"
}

no_master() { ! master "$PF"; }

# The client is told that its transfer has failed, and may free the memory: then the card must not reach any, not even
# with interrupts, but VFs are served.
not_stopped()
{
	load || fail "modprobe"
	echo 0 >"$D/sriov_drivers_autoprobe"
	vfs 1
	client "$PF" hold=1 || fail "client"
	inject ctxt-busy true
	inject desc-fetch-error 1
	until_true no_master || fail "a queue that does not stop may reach memory"
	calm
	vf-client "$A" hello >/dev/null || fail "the PF does not answer a VF any more"
	modprobe -r svff_dma_test || fail "modprobe -r of the client"
	no_vfs
	put_ok 1 "$D/reset"
	client_tests "$PF"
	unload || fail "modprobe -r"
}

# Its driver goes then: when the client hears of it the card must not reach memory any more.
not_stopped_held()
{
	load || fail "modprobe"
	client "$PF" hold=1 || fail "client"
	inject ctxt-busy true
	put_ok "$PF" "$D/driver/unbind"
	calm
	log_mark held
	modprobe -r svff_dma_test || fail "modprobe -r of the client"
	log_since held | grep "ended with $ABORTED" | grep -q 'the bus off' || { log_since held; fail "told while the card may reach memory"; }
	echo "$PF" >/sys/bus/pci/drivers_probe
	until_true test -e "$S/queues_total" || fail "it does not come back"
	put_ok 1 "$D/reset"
	client_tests "$PF"
	unload || fail "modprobe -r"
}

# Two devices for each queue pair of each VF are much for a host that has no use for them.
not_asked()
{
	rm "$OPTIONS"
	load || fail "modprobe"
	[ ! -e "/sys/bus/pci/devices/$PF/dma" ] || fail "there are channels"
	unload || fail "modprobe -r"
}

unload 2>/dev/null
echo "options svff_qdma dmaengine=1" >"$OPTIONS"
add "PF, direct" pf direct
add_long "PF, aggr" pf aggr
add "PF, poll" pf poll
add_long "VF, direct" vf direct
add "VF, aggr" vf aggr
add "the PF's driver is unbound from a client" pf_held
add "a VF's driver is unbound from a client" vf_held
add "a client lets go while a VF's driver is unbound" let_go
add "a queue that fails and does not stop" not_stopped
add_long "a queue that does not stop when the driver is unbound" not_stopped_held
add "no channels unless they are asked for" not_asked
finish
