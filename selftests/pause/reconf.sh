#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# svff reconf, pause, unpause and recover with two running guests that move data all the time: every byte is right,
# the guests notice nothing of their VFs.
# shellcheck disable=SC2317,SC2329	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"
modinfo svff_vfio >/dev/null 2>&1 || { echo "1..0 # SKIP no svff_vfio"; exit "$KTAP_SKIP"; }

RUN=/run/svff-lab
# Card addresses in MiB
declare -A REGION=([A]=0 [B]=128)

start_guest()
{
	guest_start "$1" "$LAB_KERNEL" || fail "guest $1 does not start"
}

begin()
{
	local g

	must svff init --vfs 2 --spare 2
	start_guest A &
	start_guest B || fail "guest B does not start"
	wait $! || fail "guest A does not start"
	must svff attach 1 "qmp:$RUN/A.qmp"
	must svff attach 2 "qmp:$RUN/B.qmp"
	for g in A B; do
		guest_drives "$g" || fail "guest $g has no data device"
		mover_start "$g" "${REGION[$g]}"
		guest_run "$g" 'dmesg -C'
	done
}

both_go_on()
{
	local g

	for g in A B; do
		mover_goes_on "$g"
		guest_untouched "$g"
	done
}

within_spares()
{
	local group

	group=$(readlink "$D/virtfn0/iommu_group")
	tool reconf --vfs 3
	told '.way == "spare" and .vfs == 3 and .spare == 1'
	expect 4 "$D/sriov_numvfs"
	expect 8 "$S/vf3/queues"
	[ -e "$D/virtfn2/driver" ] || fail "VF 3 has no driver"
	[ ! -e "$D/virtfn3/driver" ] || fail "VF 4 has a driver"
	[ "$(readlink "$D/virtfn0/iommu_group")" = "$group" ] || fail "VF 1 was made anew"
	both_go_on
}

# changes COUNT: by pause, and the table of steps says so
changes()
{
	tool reconf --vfs "$1" --spare 0
	told ".way == \"pause\" and .vfs == $1 and ([.steps[].result] | all(. == \"done\"))"
	jq -r '.steps[] | "\(.name): \(.ms) ms"' "$TMP/told"
	expect "$1" "$D/sriov_numvfs"
	both_go_on
}

stays_paused()
{
	tool pause 1
	changes_while_paused 5
	tool status
	told '[.cards[0].vf[].guest_state] | .[0] == "paused" and .[1] == "attached"'
	tool unpause 1
	both_go_on
}

changes_while_paused()
{
	tool reconf --vfs "$1"
	told '.way == "pause" and ([.steps[].name] | map(select(startswith("unpause"))) | length == 1)'
	mover_goes_on B
}

# Without a pause between two looks: a step may be short.
journal_says()
{
	local end=$((SECONDS + WAIT_S))

	while [[ $(cat "/run/svff/$PF.journal" 2>/dev/null) != *"$1"* ]]; do
		[ "$SECONDS" -lt "$end" ] || return 1
	done
}

# killed STEP: the tool is killed in a step whose name begins so
killed()
{
	svff reconf --vfs 3 --spare 0 >/dev/null 2>&1 &
	journal_says "\"name\":\"$1" || fail "no step $1"
	kill -KILL $!
	wait $!
	[ $? -eq 137 ] || fail "ended before it could be killed"
	svff reconf --vfs 4 2>"$TMP/refused" && fail "goes on as if nothing had been"
	grep -q 'svff recover' "$TMP/refused" || fail "$(cat "$TMP/refused")"
	tool recover
	told '.needed and .ok'
	both_go_on
	tool reconf --vfs 5 --spare 0
}

killed_everywhere()
{
	killed "pause VF 2"
	killed disable
	killed enable
	killed "bind VF 2"
}

end()
{
	local g n

	for g in A B; do
		mover_stop "$g"
		# shellcheck disable=SC2153	# set by mover_stop
		[ "$FAILED" -eq 0 ] || fail "guest $g: $FAILED transfers failed"
		echo "guest $g: $ROUNDS rounds, longest gap $GAP ms"
		guest_log_clean "$g"
	done
	for n in 1 2; do
		must svff detach "$n"
	done
}

cleanup()
{
	guest_stop A 2>/dev/null
	guest_stop B 2>/dev/null
	no_vfs
	rm -rf "$TMP"
}

trap cleanup EXIT
add "two guests move data" begin
add "a reconf within spare VFs" within_spares
add "more VFs" changes 6
add "fewer VFs" changes 2
add "a VF that was paused stays paused, made anew" stays_paused
add "the tool is killed in the midst" killed_everywhere
add "every byte was right" end
finish
