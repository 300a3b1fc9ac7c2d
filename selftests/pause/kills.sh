#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kills.sh [STRIDE]: the tool is killed, or a guest's QEMU, the card does not do what it is told, or the VFs go, at each
# thing that svff does on its way through a pause, an unpause and a reconf; or at each STRIDE-th thing (3). Afterwards
# all is as before, or as wanted, at the latest after 'svff recover', and the guests have noticed nothing.
# shellcheck disable=SC2317,SC2329	# functions are called through add

WITH=A
REST_MS=20
. "$(dirname "$0")/guests.sh"

STRIDE=${1:-3}

# A number of VFs that there are not
other() { echo $((5 - $(get "$D/sriov_numvfs"))); }

tool_is_killed()
{
	kill -KILL "$tool_pid"
	wait "$tool_pid"
	! has_journal || refused "svff recover" reconf --vfs 5
}

killed_in_pause() { sweep "$STRIDE" tool_is_killed : 'must svff unpause 1 >/dev/null' 'pause 1'; }
killed_in_unpause() { sweep "$STRIDE" tool_is_killed 'must svff pause 1 >/dev/null' 'must svff unpause 1 >/dev/null' 'unpause 1'; }

# shellcheck disable=SC2016	# expanded each time
killed_in_reconf() { sweep "$STRIDE" tool_is_killed : : 'reconf --vfs $(other)'; }

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

victim_is_killed()
{
	kill -KILL "$(cat "$RUN/V.pid")"
	goes_on || echo "status $?: $(cat "$TMP/said")"
}

# If it is killed when svff has done all, svff says that it is gone.
victim_is_forgotten()
{
	tool status
	told '.cards[0].vf[1] | .guest == null or .guest_state == "gone"'
}

# shellcheck disable=SC2016	# expanded each time
qemu_killed()
{
	sweep "$STRIDE" victim_is_killed victim 'victim_lives || victim_is_forgotten' 'reconf --vfs $(other)'
	# It has no guest in it that could let go of the VF.
	kill "$(cat "$RUN/V.pid")"
	must svff detach 2
}

#--- the card

# It takes context commands again when svff has given up.
card_is_busy()
{
	local start=$SECONDS

	inject ctxt-busy true
	goes_on || echo "status $? after $((SECONDS - start)) s: $(cat "$TMP/said")"
	inject ctxt-busy false
}

# shellcheck disable=SC2016	# expanded each time
pf_refuses() { sweep $((2 * STRIDE)) card_is_busy : : 'reconf --vfs $(other)'; }

holds_vf() { find "/proc/$(cat "$RUN/$1.pid")/fd" -lname "/dev/vfio/[0-9]*" | grep -q .; }

# All VFs go behind svff's back, unless the guest has its own: then svff_pf would refuse, and the kernel wait for QEMU.
vfs_go()
{
	holds_vf A || put_ok 0 "$D/sriov_numvfs"
	goes_on || echo "status $?: $(cat "$TMP/said")"
}

# shellcheck disable=SC2016	# expanded each time
vfs_gone() { sweep "$STRIDE" vfs_go : : 'reconf --vfs $(other)'; }

trap 'victim_lives && kill -KILL "$(cat "$RUN/V.pid")"; cleanup' EXIT	# it would keep its VF, and the kernel wait
add "a guest moves data" begin --vfs 2
add "the tool is killed in a pause" killed_in_pause
add "the tool is killed in an unpause" killed_in_unpause
add "the tool is killed in a reconf" killed_in_reconf
add "another guest's QEMU is killed in a reconf" qemu_killed
add "the card takes no context commands in a reconf" pf_refuses
add "the VFs go in a reconf" vfs_gone
add "every byte was right" end
finish
