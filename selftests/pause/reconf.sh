#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# svff reconf, pause, unpause and recover with two running guests that move data all the time: every byte is right,
# the guests notice nothing of their VFs.
# shellcheck disable=SC2317,SC2329	# functions are called through add

. "$(dirname "$0")/guests.sh"

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
	all_go_on
}

# changes COUNT: by pause, and the table of steps says so
changes()
{
	tool reconf --vfs "$1" --spare 0
	told ".way == \"pause\" and .vfs == $1 and ([.steps[].result] | all(. == \"done\"))"
	jq -r '.steps[] | "\(.name): \(.ms) ms"' "$TMP/told"
	expect "$1" "$D/sriov_numvfs"
	all_go_on
}

stays_paused()
{
	tool pause 1
	changes_while_paused 5
	tool status
	told '[.cards[0].vf[].guest_state] | .[0] == "paused" and .[1] == "attached"'
	tool unpause 1
	all_go_on
}

changes_while_paused()
{
	tool reconf --vfs "$1"
	told '.way == "pause" and ([.steps[].name] | map(select(startswith("unpause"))) | length == 1)'
	mover_goes_on B
}

# killed TEXT: the tool is killed right after it has done that, see stop-at.c
killed()
{
	stopped "$1" reconf --vfs 3 --spare 0 || fail "does not do that: $1"
	kill -KILL "$tool_pid"
	wait "$tool_pid"
	refused 'svff recover' reconf --vfs 4
	tool recover
	told '.needed and .ok'
	all_go_on
	tool reconf --vfs 5 --spare 0
}

killed_everywhere()
{
	killed vfio-pci-pause
	killed "sriov_numvfs 0"
	killed "sriov_numvfs 3"
	killed vfio-pci-unpause
}

add "two guests move data" begin --spare 2
add "a reconf within spare VFs" within_spares
add "more VFs" changes 6
add "fewer VFs" changes 2
add_long "a VF that was paused stays paused, made anew" stays_paused
add_long "the tool is killed in the midst" killed_everywhere
add "every byte was right" end
finish
