#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# svff pause, svff unpause: the host side of VFs goes and comes, the guests keep their devices.
# shellcheck disable=SC2317,SC1091,SC2154
. "$(dirname "$0")/cli/common.sh"

# VF 1 and VF 2 are a's, VF 3 is b's
ready() {
	run 0 init --vfs 4
	guest a "$@"
	guest b "$@"
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/a"
	run 0 attach 3 "$T/b"
}

# guest_states: as the tool tells them, of VFs 1 to 4
guest_states() {
	"$SVFF" status --json | python3 -c 'import json, sys
print(*[v["guest_state"] for v in json.load(sys.stdin)["cards"][0]["vf"]])'
}

check_states() {
	now=$(guest_states)
	[ "$now" = "$1" ] || fail "guests' states are '$now', not '$1'"
}

never_unplugged() {
	! grep -q device_del "$T"/?.log || fail "a guest saw an unplug"
}

t_pause_and_unpause() {
	ready
	run 0 pause 1
	check_out "VF 1 (0000:01:00.1) of guest qmp:$T/a is paused"
	check_states 'paused attached attached detached'
	[ ! -s "$T/dev/vfio/101" ] || fail "VF 1 is still open"
	[ -s "$T/dev/vfio/102" ] || fail "VF 2 was let go"
	run 0 unpause 1
	check_out "VF 1 (0000:01:00.1) of guest qmp:$T/a is not paused any more"
	check_states 'attached attached attached detached'
	[ -s "$T/dev/vfio/101" ] || fail "VF 1 is not open again"
	never_unplugged
}

t_several_vfs_and_guests_at_once() {
	ready
	run 0 pause 1 0000:01:00.2 3 --json
	check_json 'j["ok"] and [v["vf"] for v in j["vf"]] == [1, 2, 3] and len(j["steps"]) == 3'
	check_json 'all(s["result"] == "done" and s["ms"] > 0 for s in j["steps"])'
	check_states 'paused paused paused detached'
	run 0 unpause 3 2 1 --json
	check_json 'j["ok"] and all(v["device"] for v in j["vf"])'
	check_states 'attached attached attached detached'
	[ ! -e "$SVFF_RUN/0000:01:00.0.journal" ] || fail "a journal is left"
}

t_twice_is_fine() {
	ready
	run 0 pause 1
	run 0 pause 1 2
	check_states 'paused paused attached detached'
	run 0 unpause 1 3
	run 0 unpause 1 2
	check_states 'attached attached attached detached'
}

t_status_shows_it() {
	ready
	run 0 pause 2
	run 0 status
	grep -q "^ *2 .*qmp:$T/a (paused)" "$T/out" || fail "$(cat "$T/out")"
}

t_dry_run_changes_nothing() {
	ready
	run 0 pause 1 --dry-run
	check_out "pause VF 1 of qmp:$T/a"
	check_states 'attached attached attached detached'
	run 0 pause 1 --dry-run --json
	check_json 'j["dry_run"] and j["steps"][0]["result"] == "pending"'
}

t_one_that_fails_undoes_the_others() {
	run 0 init --vfs 2
	guest a
	guest b 'error:vfio-pci-pause:a migration runs'
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 pause 1 2
	check_err "VF 2: guest qmp:$T/b did not pause svff-vf2-0000.01.00.0: a migration runs"
	check_err "rolled back, all is as before"
	check_states 'attached attached'
}

t_unpause_that_fails_leaves_all_paused() {
	run 0 init --vfs 2
	guest a
	guest b 'error:vfio-pci-unpause:host device differs in region 0'
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 pause 1 2
	run 1 unpause 1 2
	check_err "differs in region 0; it stays paused (rolled back, all is as before)"
	check_states 'paused paused'
	run 1 unpause --discard-state 1 2
	check_err "it stays paused (rolled back; a guest that had its VF back meanwhile will find it as after a reset)"
	check_states 'paused paused'
}

t_state_that_cannot_be_had_is_discarded_on_demand() {
	for why in writes-much no-migration; do
		machine
		ready "$why"
		run 0 pause 1 3
		run 1 unpause 1
		check_one_line
		check_err "it stays paused; 'svff unpause --discard-state --card 0000:01:00.0 1' lets the guest go on without its state"
		check_states 'paused attached paused detached'
		run 0 unpause --discard-state 1 --dry-run
		check_out "unpause VF 1 of qmp:$T/a without its state"
		! grep -q '"discard-state"' "$T/a.log" || fail "discarded unasked"
		run 0 unpause --discard-state --card 0000:01:00.0 1
		grep -q '"discard-state":true' "$T/a.log" || fail "not so: $(grep unpause "$T/a.log")"
		check_states 'attached attached paused detached'
		stop_guests
	done
	run 2 pause --discard-state 1
}

t_state_is_not_discarded_where_a_second_try_may_do() {
	for why in 'Connection timed out' 'Cannot allocate memory'; do
		machine
		ready "state-once:Failed setting device state to RUNNING: $why"
		run 0 pause 1
		run 1 unpause 1
		check_one_line
		check_err "$why; it stays paused"
		! grep -q "discard-state" "$T/err" || fail "$(cat "$T/err")"
		run 0 unpause 1
		stop_guests
	done
}

t_state_is_discarded_when_the_rest_is_recovered() {
	run 0 init --vfs 2
	guest a writes-much slow-unpause:1	# b's has begun then
	guest b mute:vfio-pci-unpause
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 pause 1 2
	run 1 unpause 1 2 --timeout 4
	check_one_line
	check_err "after 'svff recover', 'svff unpause --discard-state --card 0000:01:00.0 1' lets the guest go on"
	run 1 unpause --discard-state 1
	check_err "svff recover"
}

t_vf_that_stays_open_is_no_pause() {
	run 0 init --vfs 1
	guest a keeps-open
	run 0 attach 1 "$T/a"
	run 1 pause 1
	check_one_line
	check_err "is in use by another process"
	check_states attached
}

t_old_qemu() {
	ready no-pause
	run 1 pause 1
	check_one_line
	check_err "its QEMU cannot pause devices"
	check_err "svff detach"
	run 0 status
}

t_wrong_vfs() {
	ready
	run 1 pause 4
	check_one_line
	check_err "VF 4 of card 0000:01:00.0 was given to no guest"
	run 1 unpause 4
	check_err "is not paused"
	run 1 pause 9
	check_err "VF 9 of card 0000:01:00.0 does not exist"
	run 1 pause 0
	check_one_line
	check_err "VF 0 of card 0000:01:00.0 is the card itself"
	run 2 pause
	run 2 pause nonsense --wrong
	run 1 pause 1 nonsense
	check_err "names no VF"
}

t_vf_that_came_by_other_means() {
	ready
	rm "$SVFF_RUN/0000:01:00.0.json"
	run 1 pause 3
	check_err "--guest GUEST"
	run 1 pause 3 --guest "$T/a"
	check_err "does not have VF 3"
	run 0 pause 3 --guest "$T/b"
	check_states 'detached detached paused detached'
	run 0 unpause 3
	check_states 'detached detached attached detached'
}

# Its QEMU was told so by others, or has done it when the host's kernel asked for the VF (on-host-request)
t_vf_that_was_paused_by_other_means() {
	ready
	run 0 pause 3
	rm "$SVFF_RUN/0000:01:00.0.json"
	run 1 unpause 3
	run 0 pause 3 --guest "$T/b" --dry-run
	check_states 'detached detached detached detached'
	run 0 pause 3 --guest "$T/b"
	check_out "VF 3 (0000:01:00.3) of guest qmp:$T/b is paused"
	check_states 'detached detached paused detached'
	run 0 unpause 3
	check_states 'detached detached attached detached'
}

t_unprivileged_qemu_gets_the_group_opened() {
	run 0 init --vfs 1
	guest a unprivileged
	run 0 attach 1 "$T/a"
	run 0 pause 1
	run 0 unpause 1
	grep -q '"group-fd":"svff-group-101"' "$T/a.log" || fail "no descriptor was given"
	check_states attached
}

t_vf_of_this_host() {
	FAKE_VF_DRIVER=svff_vf run 0 init --vfs 1 --no-bind
	echo active >"$PF/svff/vf1/state"
	run 0 pause 1
	check_out "VF 1 (0000:01:00.1) of this host is paused"
	check_attribute svff/vf1/state paused
	check_driver 1 svff_vf
	run 0 unpause 1
	check_attribute svff/vf1/state active
	FAKE_FAIL='vf1/pause 1=110' run 1 pause 1
	check_one_line
	check_err "svff_pf did not pause it: Connection timed out"
}

t_paused_vf_can_be_detached() {
	ready
	run 0 pause 1
	run 0 detach 1
	check_states 'detached attached attached detached'
}

# Nobody has the VF open, but the guest has its device
t_paused_vf_of_a_guest_that_drops_the_connection() {
	run 0 init --vfs 1
	guest a lose:device_del:1
	run 0 attach 1 "$T/a"
	run 0 pause 1
	run 1 detach 1
	check_one_line
	check_err "ended the connection during 'device_del'"
	run 0 unpause 1
	check_owners 1=a
}

t_paused_vf_is_not_given_to_others() {
	ready
	run 0 pause 1
	run 1 attach 1 "$T/b"
	check_err "attached to guest qmp:$T/a"
}

t_vfs_may_be_made_anew_while_paused() {
	run 0 init --vfs 1
	guest a
	run 0 attach 1 "$T/a"
	run 0 pause 1
	run 1 reconf --vfs 0
	check_err "guest qmp:$T/a has it"
	# somebody writes 0 to sriov_numvfs
	rm -rf "$(readlink "$PF/virtfn0")" "$PF/virtfn0" "$T/sys/bus/pci/devices/0000:01:00.1" "$T/sys/kernel/iommu_groups/101"
	echo absent >"$PF/svff/vf1/state"
	echo 0 >"$PF/sriov_numvfs"
	run 1 unpause 1
	check_err "does not exist"
	FAKE_VF_DRIVER=svff_vf run 0 init --vfs 1 --no-bind
	check_driver 1 svff_vf
	run 0 unpause 1
	check_driver 1 vfio-pci
	check_states attached
	never_unplugged
}

t_guest_that_dies_is_a_failure() {
	run 0 init --vfs 1
	guest a die:vfio-pci-pause
	run 0 attach 1 "$T/a"
	run 1 pause 1
	check_err "ended the connection during 'vfio-pci-pause'"
}

# b is asked once, though it has two VFs
t_silent_guest_does_not_keep_others_from_it() {
	run 0 init --vfs 3
	guest a
	guest b
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 attach 3 "$T/b"
	kill -STOP "$pid_b"
	begin=$(date +%s)
	run 0 pause 1
	[ $(($(date +%s) - begin)) -lt 9 ] || fail "asked it again and again"
	run 0 unpause 1
	for words in 'pause 2' 'unpause 2' 'reconf --vfs 4'; do
		# shellcheck disable=SC2086	# words
		run 1 $words
		check_one_line
		check_err "guest qmp:$T/b"
	done
	kill -CONT "$pid_b"
	await has_owners '1=a 2=b 3=b'
}

# Its events are read until the time is over, but between them others are heard
t_talkative_qemu_keeps_nobody_waiting() {
	run 0 init --vfs 2
	guest a slow-pause:0.3
	guest b talk:vfio-pci-pause
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 pause 1 2 --timeout 12 --json
	check_err "did not answer 'vfio-pci-pause' in time"
	check_json '[s["result"] for s in j["steps"]] == ["undone", "failed"]'
	check_json 'j["steps"][0]["ms"] < 8000 and 11990 <= j["steps"][1]["ms"] < 24000'
}

t_silent_qemu() {
	run 0 init --vfs 1
	guest a hang:vfio-pci-pause
	run 0 attach 1 "$T/a"
	run 1 pause 1 --timeout 1
	check_one_line
	check_err "did not answer 'vfio-pci-pause' in time"
	check_err "guest qmp:$T/a may still do it: 'svff recover' when it answers"
}

# QEMU does it after all: what was given up is taken back
t_late_qemu() {
	run 0 init --vfs 2
	guest a mute:vfio-pci-pause
	guest b
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 pause 1 2 --timeout 3
	check_one_line
	check_err "(rolled back, but guest qmp:$T/a may still do it: 'svff recover' when it answers)"
	check_states 'paused attached'
	run 1 unpause 1
	check_err "'svff recover"
	run 0 recover
	check_states 'attached attached'
	run 0 recover
	check_out "nothing is to be recovered"
}

# Its answer is lost, but it says what it has done
t_lost_answer() {
	run 0 init --vfs 1
	guest a spoil:vfio-pci-pause spoil:vfio-pci-unpause
	run 0 attach 1 "$T/a"
	run 0 pause 1
	check_states paused
	run 0 unpause 1
	check_states attached
	guest b close:vfio-pci-pause
	run 0 detach 1
	run 0 attach 1 "$T/b"
	run 1 pause 1
	check_one_line
	check_err "ended the connection during 'vfio-pci-pause'"
	check_states attached
	run 0 status
}

# The guest has unplugged it meanwhile, or is another one
t_lost_answer_of_a_guest_that_has_it_no_more() {
	for how in spoil anew; do
		machine
		run 0 init --vfs 1
		guest a gone-at:vfio-pci-pause "$how:vfio-pci-pause"
		run 0 attach 1 "$T/a"
		run 1 pause 1
		check_one_line
		check_err "'vfio-pci-pause'"
		check_err "it has no device svff-vf1-0000.01.00.0 any more"
		check_states gone
		guest b gone-at:vfio-pci-unpause "$how:vfio-pci-unpause"
		run 0 attach 1 "$T/b"
		run 0 pause 1
		run 0 unpause 1
		check_err "guest qmp:$T/b has it no more, VF 1 is free"
		check_out "VF 1 (0000:01:00.1) is free: its guest has it no more"
		check_states detached
		stop_guests
	done
}

t_guest_that_ignores_the_unplug_is_offered_pause() {
	run 0 init --vfs 1
	guest a never-delete
	run 0 attach 1 "$T/a"
	run 1 detach 1 --timeout 1
	check_err "'svff pause'"
	run 0 pause 1
	check_states paused
}

main
