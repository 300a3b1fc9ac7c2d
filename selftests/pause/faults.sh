#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What goes wrong while guests are paused, or are to be: the card does not do what it is told, or goes; a guest is rebooted,
# is reset, crashes. svff gives up in time, and says why; the guest goes on, or stays paused and goes on later; another
# guest notices nothing.
# shellcheck disable=SC2317,SC2329	# functions are called through add

REST_MS=20
. "$(dirname "$0")/guests.sh"

GIVES_UP_S=20	# svff with its way back, on a slow emulated machine; the card alone: see sriov/pause-fail.sh
BOOT_S=200	# a guest
HANGS_S=3

vfs_are() { expect "$1" "$D/sriov_numvfs"; }

# guests_are A B: what the two guests have of VFs 1 and 2
guests_are()
{
	tool status
	told "[.cards[0].vf[0,1].guest_state] == [\"$1\", \"$2\"]"
}

# gives_up TEXT ARG...: svff fails in time, and says so
gives_up()
{
	local start=$SECONDS

	refused "$@"
	[ $((SECONDS - start)) -le "$GIVES_UP_S" ] || fail "svff ${*:2} gives up after $((SECONDS - start)) s"
	cat "$TMP/said"
}

not_at_rest()
{
	inject never-idle "$(get "$S/vf2/queue_base")"
	gives_up 'VF 2: guest .*B.qmp did not pause .*Connection timed out' pause 2
	all_go_on
	gives_up 'B.qmp did not pause.*\(rolled back, all is as before\)' reconf --vfs 3
	vfs_are 2
	guests_are attached attached
	all_go_on
	inject never-idle -1
	tool reconf --vfs 3
	told '.way == "pause"'
	all_go_on
	tool reconf --vfs 2
}

busy_from_the_start()
{
	inject ctxt-busy true
	gives_up 'did not pause' pause 1
	all_go_on
	gives_up 'did not pause' reconf --vfs 3
	inject ctxt-busy false
	vfs_are 2
	guests_are attached attached
	all_go_on
}

# Some queues stand still then, until the card takes commands again.
busy_half_way()
{
	inject ctxt-busy-in 12
	gives_up 'did not pause' pause 1
	go_on B
	inject ctxt-busy false
	all_go_on
	tool reconf --vfs 3
	all_go_on
	tool reconf --vfs 2
}

# What is paused stays paused.
busy_when_it_goes_on()
{
	tool pause 1
	inject ctxt-busy true
	gives_up 'did not unpause' unpause 1
	guests_are paused attached
	go_on B
	inject ctxt-busy false
	tool unpause 1
	all_go_on
}

# Too late to go back, so both stay paused until the card has come to itself.
busy_in_a_reconf()
{
	stopped "sriov_numvfs 3" reconf --vfs 3 || fail "no VFs are enabled: $(cat "$TMP/said")"
	inject ctxt-busy true
	! goes_on || fail "succeeds: $(cat "$TMP/said")"
	cat "$TMP/said"
	grep -q "svff recover" "$TMP/said" || fail "does not say what to do"
	inject ctxt-busy false
	tool recover
	told '.needed and .ok'
	guests_are attached attached
	all_go_on
	[ "$(get "$D/sriov_numvfs")" = 2 ] || tool reconf --vfs 2
}

# A VF that is not fresh is reset when QEMU opens it, and QEMU waits for that.
reset_hangs()
{
	tool pause 1
	inject flr-hang true
	gives_up "A.qmp did not answer 'vfio-pci-unpause' in time.*guest .*A.qmp may still do it: 'svff recover'" \
		unpause 1 --timeout "$HANGS_S"
	go_on B
	inject flr-hang false
	until_true answers A || fail "QEMU of guest A does not come back"
	tool recover --forward
	guests_are attached attached
	all_go_on
}

answers() { timeout 5 lab-qmp -s "$RUN/$1.lab.qmp" '{"execute": "query-status"}' >/dev/null 2>&1; }

#--- the card goes while both are paused

back() { [ -e "$D/driver" ] && [ -e "$S/queues_total" ]; }

card_goes()
{
	local port

	port=$(basename "$(dirname "$(readlink -f "$D")")")
	tool pause 1 2
	put_ok 1 "$D/remove"
	refused 'no card|no PCI device' unpause 1
	echo 1 >"/sys/bus/pci/devices/$port/rescan"
	until_true back || fail "not found again"
	refused 'VF 1' unpause 1
	tool reconf --vfs 2
	tool unpause 1 2
	all_go_on
}

#--- the guest

# A reset would end QEMU otherwise, see guest.sh.
may_reset() { must lab-qmp -s "$RUN/$1.lab.qmp" '{"execute": "set-action", "arguments": {"reboot": "reset"}}' >/dev/null; }

# What a dying kernel is asked is lost, so it is asked again.
is_new() { guest_run A -t 5 'test ! -e /run/old'; }
comes_up() { WAIT_S=$BOOT_S until_true is_new; }

# comes_back COMMAND: that begins a boot of guest A, whose VF is paused; it has it when it is unpaused
comes_back()
{
	may_reset A
	guest_run A 'touch /run/old'
	tool pause 1
	"$@"
	comes_up || fail "guest A does not come up again"
	guest_run A 'modprobe svff_vf' || fail "the driver cannot be loaded"
	guest_run A 'ls /sys/bus/pci/drivers/svff_vf | grep -q ^0000' && fail "bound while paused"
	go_on B
	tool unpause 1
	drive A
	all_go_on
	tool reconf --vfs 3
	all_go_on
	tool reconf --vfs 2
	all_go_on
}

system_reset() { must lab-qmp -s "$RUN/A.lab.qmp" '{"execute": "system_reset"}' >/dev/null; }

# These never answer.
crash() { guest_run A -t 1 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1; }
reboot() { guest_run A -t 1 'busybox reboot -f' >/dev/null 2>&1; }

add "two guests move data" begin
add "a queue that does not come to rest" not_at_rest
add "context commands that do not end" busy_from_the_start
add "one that does not end, half-way through a pause" busy_half_way
add "context commands that do not end in an unpause" busy_when_it_goes_on
add "context commands that do not end when new VFs are there" busy_in_a_reconf
add "a function level reset that does not end" reset_hangs
add "the card goes, and comes back" card_goes
add "a guest that is reset while paused" comes_back system_reset
add "a guest whose kernel crashes while paused" comes_back crash
add "a guest that is rebooted while paused" comes_back reboot
add "every byte was right" end
finish
