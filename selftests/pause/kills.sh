#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kills.sh [STRIDE [SMALL]]: the tool is killed, or a guest's QEMU, the card does not do what it is told, or the VFs go, at
# each thing that svff does on its way through a pause, an unpause and a reconf; or at each STRIDE-th thing (3), in a pause
# and an unpause at each SMALL-th (STRIDE). Afterwards all is as before, or as wanted, at the latest after 'svff recover',
# and the guests have noticed nothing.
# shellcheck disable=SC2317,SC2329	# functions are called through add

WITH=A
REST_MS=20
. "$(dirname "$0")/guests.sh"

STRIDE=${1:-3}
SMALL=${2:-$STRIDE}

tool_is_killed()
{
	kill -KILL "$tool_pid"
	wait "$tool_pid"
	! has_journal || refused "svff recover" reconf --vfs 5
}

# vf_is STATE: so says QEMU of guest A's VF
vf_is()
{
	lab-qmp -s "$RUN/A.lab.qmp" '{"execute": "query-vfio-pci"}' | jq -e ".[0].state == \"$1\"" >/dev/null ||
		fail "guest A's VF is not $1"
}

pause() { must svff pause "$1" >/dev/null; }

# unpause VF: also if the VFs have gone, or it is not paused
unpause()
{
	[ "$(get "$D/sriov_numvfs")" -gt 0 ] || must svff reconf --vfs 2 >/dev/null
	must svff unpause "$1" >/dev/null
}

# in_pause WHAT, in_unpause WHAT: happens to svff at its work on VF 1
in_pause() { WELL='vf_is paused'; sweep "$SMALL" "$1" : 'unpause 1' 'pause 1'; }
in_unpause() { WELL='vf_is running'; sweep "$SMALL" "$1" 'pause 1' 'unpause 1' 'unpause 1'; }

# shellcheck disable=SC2016	# expanded each time
killed_in_reconf() { sweep "$STRIDE" tool_is_killed 'other 5' 'either 5' 'reconf --vfs $OTHER'; }

#--- a QEMU with VF 2, and no guest in it, that can be killed again and again

victim_lives() { [ -e "$RUN/V.pid" ] && kill -0 "$(cat "$RUN/V.pid")" 2>/dev/null; }

victim()
{
	! victim_lives || return 0
	# shellcheck disable=SC2054	# the commas are QEMU's
	"$LAB_QEMU/bin/qemu-system-x86_64" -S -daemonize -pidfile "$RUN/V.pid" -nodefaults -no-user-config -display none \
		-L /usr/share/seabios -L /usr/share/qemu -machine q35,accel=kvm,sata=off,i8042=off -m 64 \
		-device pcie-root-port,id=rp1,chassis=1,slot=1 -qmp "unix:$RUN/V.qmp,server=on,wait=off" || fail "no victim"
	must svff attach 2 "qmp:$RUN/V.qmp" >/dev/null
}

victim_is_dead() { ! victim_lives; }

victim_is_killed()
{
	kill -KILL "$(cat "$RUN/V.pid")"
	until_true victim_is_dead || fail "the victim does not die"
	ends
}

# If it is killed when svff has done all, svff says that it is gone.
victim_is_forgotten()
{
	tool status
	told '.cards[0].vf[1] | .guest == null or .guest_state == "gone"'
}

# Where it is killed when svff has done all, svff has succeeded.
qemu_killed_in_pause()
{
	WELL=:
	sweep "$SMALL" victim_is_killed victim '! victim_lives || unpause 2; victim_lives || victim_is_forgotten' 'pause 2'
	sweep "$SMALL" victim_is_killed 'victim; pause 2' 'victim_lives || victim_is_forgotten' 'unpause 2'
}

# shellcheck disable=SC2016	# expanded each time
qemu_killed()
{
	sweep "$STRIDE" victim_is_killed 'victim; other 5' 'either 5; victim_lives || victim_is_forgotten' 'reconf --vfs $OTHER'
	# It has no guest in it that could let go of the VF.
	kill "$(cat "$RUN/V.pid")"
	must svff detach 2
}

#--- the card

# It takes context commands again when svff has given up.
card_is_busy()
{
	inject ctxt-busy true
	ends
	inject ctxt-busy false
}

# shellcheck disable=SC2016	# expanded each time
pf_refuses() { sweep $((2 * STRIDE)) card_is_busy 'other 5' 'either 5' 'reconf --vfs $OTHER'; }

holds_vf() { find "/proc/$(cat "$RUN/$1.pid")/fd" -lname "/dev/vfio/[0-9]*" | grep -q .; }

# All VFs go behind svff's back, unless the guest has its own: then svff_pf would refuse, and the kernel wait for QEMU.
vfs_go()
{
	holds_vf A || put_ok 0 "$D/sriov_numvfs"
	ends
}

# shellcheck disable=SC2016	# expanded each time
vfs_gone() { sweep "$STRIDE" vfs_go 'other 5' 'either 5' 'reconf --vfs $OTHER'; }

trap 'victim_lives && kill -KILL "$(cat "$RUN/V.pid")"; cleanup' EXIT	# it would keep its VF, and the kernel wait
add "a guest moves data" begin --vfs 2
add "the tool is killed in a pause" in_pause tool_is_killed
add "the tool is killed in an unpause" in_unpause tool_is_killed
add "the tool is killed in a reconf" killed_in_reconf
add "another guest's QEMU is killed in its pause or unpause" qemu_killed_in_pause
add "another guest's QEMU is killed in a reconf" qemu_killed
add "the card takes no context commands in a pause" in_pause card_is_busy
add "the card takes no context commands in an unpause" in_unpause card_is_busy
add "the card takes no context commands in a reconf" pf_refuses
add "the VFs go in a pause" in_pause vfs_go
add "the VFs go in an unpause" in_unpause vfs_go
add "the VFs go in a reconf" vfs_gone
add "every byte was right" end
finish
