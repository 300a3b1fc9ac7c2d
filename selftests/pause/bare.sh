#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest that moves data all the time, and pauses that svff has no part in: the host's kernel asks QEMU for the VF, or
# QMP has the guest go on with another VF. And one in which the guest reads and writes registers all the time, too.
# IOMMUFD=1: QEMU reaches VFs by iommufd, and keeps the guest's memory mapped in a pause.
# shellcheck disable=SC2317,SC2329	# functions are called through add

WITH=A
export GUEST_OPTIONS="-global vfio-pci.on-host-request=pause" GUEST_APPEND="iomem=relaxed"
[ -z "${IOMMUFD:-}" ] || GUEST_OPTIONS="$GUEST_OPTIONS -object iommufd,id=iommufd0 -global vfio-pci.iommufd=iommufd0"
. "$(dirname "$0")/guests.sh"

KEPT_MAX=65536	# writes in a pause
PAUSED_ROUNDS=50	# of pokes, in a pause

# qmp COMMAND ARGUMENTS: beside svff
qmp()
{
	lab-qmp -s "$RUN/A.lab.qmp" "{\"execute\": \"$1\", \"arguments\": $2}" >"$TMP/qmp" || fail "$1: $(cat "$TMP/qmp")"
}

# vf_is EXPRESSION: so says QEMU of its VF
vf_is()
{
	qmp query-vfio-pci '{}'
	jq -e "length == 1 and (.[0] | $1)" "$TMP/qmp" >/dev/null || { cat "$TMP/qmp"; fail "not so: $1"; }
}

# Nobody is there whom the kernel could not ask: 'refuse' says what to do, 'release' asks QEMU, which pauses.
bare_zero()
{
	put_refused EBUSY 0 "$D/sriov_numvfs"
	put_ok release "$S/busy_policy"
	put_ok 0 "$D/sriov_numvfs"
	put_ok refuse "$S/busy_policy"
	vf_is '.state == "paused" and ."pause-mode" == "transparent"'
	put_ok 3 "$D/sriov_numvfs"
	vf_bind 1 svff_vfio
	tool unpause 1
	go_on A
	vf_bind 2 svff_vfio
	vf_bind 3 svff_vfio
}

#--- another VF

# on VF: what VF the guest has, as its queues tell
on()
{
	[ "$(get "$S/vf$1/queues_active")" -gt 0 ] || fail "VF $1 has no queues"
	[ "$(get "$S/vf$((3 - $1))/queues_active")" -eq 0 ] || fail "VF $((3 - $1)) has queues"
	vf_is ".state == \"running\" and .host == \"$(vf_link "$1")\""
}

# moves_to VF: QEMU knows the device by svff's name, the VF that it had first
moves_to()
{
	local id locked stays

	vf_is '.state == "running"'
	id=$(jq -r '.[0]."device-id"' "$TMP/qmp")
	locked=$(locked_kb A)
	[ "$locked" -gt 0 ] || fail "no memory is locked"
	qmp vfio-pci-pause "{\"id\": \"$id\"}"
	stays=$(locked_kb A)
	[ "$stays" -eq "$((${IOMMUFD:-0} * locked))" ] || fail "$stays KiB are locked, before it $locked"
	qmp vfio-pci-unpause "{\"id\": \"$id\", \"host\": \"$(vf_link "$1")\"}"
	on "$1"
	go_on A
}

# There, where all but its driver is another, through a change of the number of VFs, and back
other_vf()
{
	local differ

	for differ in queue_base queues; do
		[ "$(get "$S/vf1/$differ")" -ne "$(get "$S/vf2/$differ")" ] || fail "$differ is the same"
	done
	[ "$(readlink "$D/virtfn0/iommu_group")" != "$(readlink "$D/virtfn1/iommu_group")" ] || fail "the same IOMMU group"
	moves_to 2
	moves_to 1
	tool reconf --vfs 4
	told '.way == "pause"'
	on 1
	go_on A
}

#--- a guest that reads and writes

pokes_start()
{
	# shellcheck disable=SC2016	# expanded in the guest
	guest_run A 'd=$(readlink -f /sys/bus/pci/drivers/svff_vf/0*); pokes $d/resource0 $d/resource2 /tmp/poke-rounds \
		>/tmp/pokes 2>&1 & echo $! >/tmp/pokes.pid' || fail "no pokes"
	pokes_go_on
}

pokes_go_on() { rounds_go_on A /tmp/poke-rounds /tmp/pokes; }

# poked ROUNDS: so many are over
poked() { [ "$(guest_run A 'cat /tmp/poke-rounds')" -ge "$1" ]; }

# Sets POKES, their GAP, ONES and STALL.
pokes_end()
{
	local said

	pokes_go_on
	# shellcheck disable=SC2016	# expanded in the guest
	said=$(guest_run A 'p=$(cat /tmp/pokes.pid); kill "$p"; tail --pid="$p" -f /dev/null; cat /tmp/pokes')
	read -r POKES POKES_GAP ONES STALL <<<"$(paste -sd' ' <<<"$said")"
	[ -n "$STALL" ] || fail "the guest reads: $said"
	echo "# $POKES rounds of pokes, longest gap $POKES_GAP ms, $ONES reads gave ones, longest access $STALL ms" >&3
	[ "$ONES" -gt 0 ] || fail "nothing was read while paused"
}

# errors: that the card has seen, of all kinds
errors() { cat "$S"/errors/* "$S"/vf[12]/stats/errors | paste -sd' '; }

# A pause of some time, in which it reads nothing but ones, and what it writes is kept
pokes_in_pause()
{
	local before first

	before=$(errors)
	pokes_start
	tool pause 1
	first=$(guest_run A 'cat /tmp/poke-rounds')
	until_true poked $((first + PAUSED_ROUNDS)) || fail "the guest stands still: $(guest_run A 'cat /tmp/pokes')"
	vf_is ".\"kept-writes\" == .\"trapped-writes\" and .\"kept-writes\" >= $((2 * PAUSED_ROUNDS)) and
		.\"kept-writes\" < $KEPT_MAX and .\"trapped-reads\" >= $((2 * PAUSED_ROUNDS))"
	tool unpause 1
	pokes_end
	[ "$(errors)" = "$before" ] || fail "the card has seen errors: $(errors)"
	go_on A
}

# No access takes longer than from the begin of the pause to the end of the unpause.
pokes_in_reconf()
{
	local ms

	pokes_start
	tool reconf --vfs 2
	told '.way == "pause"'
	ms=$(jq '[.steps[] | select(.name | test("^(un)?pause"))] | (last | .begin_ms + .ms) - first.begin_ms | ceil' "$TMP/told")
	pokes_end
	echo "# the pause took $ms ms" >&3
	[ "$STALL" -le "$ms" ] || fail "an access took $STALL ms, the pause $ms ms"
	go_on A
}

with_another()
{
	begin --vfs 2
	put_ok 12 "$S/vf2/queues"
}

add "a guest moves data" with_another
add "0 is written to sriov_numvfs, and QEMU pauses" bare_zero
add "on another VF, with other queues, and back" other_vf
add "a guest that reads and writes while paused" pokes_in_pause
add "and through a reconf" pokes_in_reconf
add "every byte was right" end
finish
