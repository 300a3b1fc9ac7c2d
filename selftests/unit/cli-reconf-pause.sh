#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# svff reconf by pause: another number of VFs, and no guest sees its device go.
# shellcheck disable=SC2317,SC1091,SC2154,SC2119
. "$(dirname "$0")/cli/common.sh"

# VF 1 and VF 3 are a's, VF 2 is b's, VF 4 is nobody's
ready() {
	run 0 init --vfs 4
	guest a "$@"
	guest b "$@"
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 attach 3 "$T/a"
	: >"$FAKE_LOG"
}

never_unplugged() {
	! grep -q device_del "$T"/?.log || fail "a guest saw an unplug"
}

check_states() {
	now=$("$SVFF" status --json | python3 -c 'import json, sys
print(*[v["guest_state"] for v in json.load(sys.stdin)["cards"][0]["vf"]])')
	[ "$now" = "$1" ] || fail "guests' states are '$now', not '$1'"
}

check_no_journal() {
	[ ! -e "$SVFF_RUN/0000:01:00.0.journal" ] || fail "a journal is left"
}

t_grows_and_no_guest_sees_it() {
	ready
	guest c
	run 0 reconf --vfs 6 --attach "6=$T/c" --json
	check_json 'j["vfs"] == 6 and j["way"] == "pause" and all(s["result"] == "done" for s in j["steps"])'
	check_json '[s["name"].split()[0] for s in j["steps"]] == "release pause pause pause disable enable bind unpause bind unpause bind unpause bind attach".split()'
	check_json 'all(s["ms"] > 0 for s in j["steps"])'
	check_owners '1=a 2=b 3=a 6=c'
	check_driver 4 vfio-pci
	check_driver 5 vfio-pci
	never_unplugged
	check_no_journal
}

t_guests_do_not_wait_for_each_other() {
	ready slow-pause:1 slow-unpause:1
	run 0 reconf --vfs 5 --json
	check_json 'beside("pause VF 1", "pause VF 2") and after("pause VF 3", "pause VF 1")'
	check_json 'all(after("disable", "pause VF %d" % n) for n in (1, 2, 3))'
	check_json 'beside("unpause VF 1", "unpause VF 2") and after("unpause VF 3", "unpause VF 1")'
	check_json 'beside("unpause VF 1", "bind VF 3") and after("bind the", "unpause VF 3")'
	check_json 'all(1000 <= s["ms"] < 2000 for s in j["steps"] if "pause" in s["name"].split()[0])'
	check_owners '1=a 2=b 3=a'
}

t_no_more_guests_at_a_time_than_processors() {
	export FAKE_PROCESSORS=2
	run 0 init --vfs 3
	for name in a b c; do
		guest "$name" slow-pause:1 slow-unpause:1
	done
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 attach 3 "$T/c"
	run 0 reconf --vfs 4 --json
	for verb in pause unpause; do
		check_json "beside('$verb VF 1', '$verb VF 2')"
		check_json "after('$verb VF 3', '$verb VF 1') or after('$verb VF 3', '$verb VF 2')"
	done
	check_owners '1=a 2=b 3=c'
	export FAKE_PROCESSORS=3
	run 0 reconf --vfs 3 --json
	check_json 'all(beside(v + " VF 1", v + " VF 3") and beside(v + " VF 2", v + " VF 3") for v in ("pause", "unpause"))'
}

# VF 1 is being paused when that of VF 2 fails: it is waited for, and taken back; VF 3 was never begun
t_failure_of_one_waits_for_those_under_way() {
	run 0 init --vfs 3
	guest a slow-pause:1
	guest b 'error:vfio-pci-pause:a migration runs'
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 attach 3 "$T/a"
	run 1 reconf --vfs 4 --json
	check_json '[s["result"] for s in j["steps"]][:3] == ["undone", "failed", "pending"]'
	check_err "VF 2: guest qmp:$T/b did not pause svff-vf2-0000.01.00.0: a migration runs (rolled back, all is as before)"
	check_states 'attached attached attached'
	check_no_journal
}

t_silent_guest_does_not_keep_the_others_paused() {
	run 0 init --vfs 2
	guest a
	guest b hang:vfio-pci-pause
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 3 --timeout 3
	check_err "qmp:$T/b did not answer 'vfio-pci-pause' in time"
	check_err "rolled back"
	grep -q vfio-pci-unpause "$T/a.log" || fail "a stays paused"
	check_attribute sriov_numvfs 2
}

# The same, and it pauses after all
t_late_guest_is_not_left_paused() {
	run 0 init --vfs 2
	guest a
	guest b mute:vfio-pci-pause
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 3 --timeout 3
	check_err "(rolled back, but guest qmp:$T/b may still do it: 'svff recover' when it answers)"
	check_states 'attached paused'
	run 0 recover
	check_states 'attached attached'
	check_attribute sriov_numvfs 2
	check_no_journal
}

t_late_guest_when_the_new_vfs_are_there() {
	run 0 init --vfs 2
	guest a
	guest b mute:vfio-pci-unpause
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 3 --timeout 3
	check_err "did not answer 'vfio-pci-unpause' in time"
	check_err "'svff recover'"
	run 0 recover --forward
	check_states 'attached attached detached'
	check_no_journal
}

t_shrinks_to_what_guests_have() {
	ready
	run 0 reconf --vfs 3
	check_out 'by pause: guests keep their devices'
	check_owners '1=a 2=b 3=a'
	check_attribute sriov_numvfs 3
	never_unplugged
}

t_dry_run_tells_the_way() {
	ready
	run 0 reconf --vfs 5 --dry-run
	check_out "pause VF 2 of qmp:$T/b"
	check_out "unpause VF 3 of qmp:$T/a"
	check_out 'by pause: guests keep their devices'
	run 0 reconf --vfs 5 --dry-run --by-detach
	check_out "detach VF 2 from qmp:$T/b"
	check_out 'by detach: guests see their devices go and come'
	[ ! -s "$FAKE_LOG" ] || fail "wrote $(cat "$FAKE_LOG")"
	! grep -q vfio-pci-pause "$T/a.log" || fail "paused"
	check_no_journal
}

t_by_detach_on_demand() {
	ready
	run 0 reconf --vfs 5 --by-detach
	[ "$(grep -c device_del "$T/a.log")" = 2 ] || fail "no unplug"
	! grep -q vfio-pci-pause "$T/a.log" || fail "paused"
	check_owners '1=a 2=b 3=a'
}

t_a_guest_that_cannot_pause_unplugs_the_others_pause() {
	run 0 init --vfs 2
	guest a
	guest b no-pause
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 reconf --vfs 3 --json
	check_json 'j["way"] == "pause and detach"'
	check_json '[s["name"].split()[0] for s in j["steps"]] == "detach release pause disable enable bind unpause bind attach".split()'
	! grep -q device_del "$T/a.log" || fail "a saw an unplug"
	check_owners '1=a 2=b'
}

t_only_the_change_itself_is_in_the_gap() {
	ready
	guest c
	run 0 reconf --vfs 5 --attach "5=$T/c" --json
	check_json '[s["name"] for s in j["steps"]].index("release the 1 VF that was not paused") == 0'
	check_json '[s["name"] for s in j["steps"]].index("bind the 2 VFs that were not paused to VFIO") == len(j["steps"]) - 2'
	# bound right before it is unpaused, not all before the first
	grep -n '/bind ' "$FAKE_LOG" | head -n 1 | grep -q '0000:01:00.1' || fail "VF 1 was not bound first"
}

t_paused_before_stays_paused_and_comes_back() {
	ready
	run 0 pause 2
	run 0 reconf --vfs 5
	check_states 'attached paused attached detached detached'
	[ "$(grep -c vfio-pci-unpause "$T/b.log")" = 0 ] || fail "b was unpaused"
	run 0 reconf --vfs 3
	run 0 unpause 2
	check_states 'attached attached attached'
	never_unplugged
}

t_quotas_outlive_it() {
	run 0 init --vfs 2 --queues 16
	guest a
	run 0 attach 1 "$T/a"
	echo 4 >"$PF/svff/vf_queues_default"
	run 0 reconf --vfs 3 --queues 32
	check_attribute svff/vf1/queues 16
	check_attribute svff/vf2/queues 16
	check_attribute svff/vf3/queues 32
}

t_quotas_that_do_not_fit_disturb_nobody() {
	machine --free 8
	run 0 init --vfs 1
	guest a
	run 0 attach 1 "$T/a"
	run 1 reconf --vfs 4
	check_one_line
	check_err "not enough queues for 4 VFs: 32 are needed, 16 are there for VFs"
	! grep -q vfio-pci-pause "$T/a.log" || fail "paused"
}

t_refuses_to_lose_a_guests_vf() {
	ready
	run 1 reconf --vfs 2
	check_one_line
	check_err "VF 3 of card 0000:01:00.0 would not exist any more"
	run 0 reconf --vfs 2 --force
	check_owners '1=a 2=b'
	[ "$(grep -c device_del "$T/a.log")" = 1 ] || fail "VF 3 was not taken from a"
	! grep -q device_del "$T/b.log" || fail "b saw an unplug"
}

t_each_failure_brings_the_old_count_back() {
	for rule in 'sriov_numvfs 0=16@1' 'sriov_numvfs 5=12@1' '/bind 0000:01:00.5=5@1' \
		'01:00.1/driver_override vfio-pci=5@1' '/bind 0000:01:00.2=5@1'; do
		machine
		ready
		picture >"$T/before"
		FAKE_FAIL="$rule" run 1 reconf --vfs 5
		check_err "rolled back, all is as before"
		picture >"$T/after"
		cmp -s "$T/before" "$T/after" || fail "$rule: $(diff "$T/before" "$T/after" | head -n 3)"
		check_owners '1=a 2=b 3=a'
		check_states 'attached attached attached detached'
		never_unplugged
		check_no_journal
		stop_guests
	done
}

t_guest_that_refuses_brings_the_old_count_back() {
	run 0 init --vfs 2
	guest a
	guest b 'error:vfio-pci-pause:a migration runs'
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 3
	check_err "a migration runs (rolled back, all is as before)"
	check_states 'attached attached'
	check_attribute sriov_numvfs 2
}

t_new_vf_that_a_guest_refuses_brings_the_old_ones_back() {
	run 0 init --vfs 2
	guest a
	guest b refuse-unpause:1
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 3
	check_err "host device differs"
	check_err "rolled back, all is as before"
	check_states 'attached attached'
	check_attribute sriov_numvfs 2
	never_unplugged
}

t_guest_that_stays_paused_is_told_and_recovered() {
	run 0 init --vfs 2
	guest a
	guest b refuse-unpause:2
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 3
	check_err "cannot be taken back"
	check_err "'svff recover' tries again"
	check_states 'attached paused'
	run 1 reconf --vfs 3
	check_one_line
	check_err "'svff recover --card 0000:01:00.0' first"
	run 1 pause 1
	check_err "'svff recover"
	run 0 recover
	check_states 'attached attached'
	check_no_journal
}

t_guest_that_dies_meanwhile_is_skipped() {
	run 0 init --vfs 2
	guest a die:vfio-pci-pause
	guest b
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 reconf --vfs 3
	check_out skipped
	check_owners 2=b
	! grep -q "qmp:$T/a" "$SVFF_RUN/0000:01:00.0.json" || fail "the note still names a"
	machine
	run 0 init --vfs 2
	guest a die:vfio-pci-unpause
	guest b
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 reconf --vfs 3
	check_out skipped
	check_owners 2=b
}

t_vf_that_is_open_is_never_removed() {
	run 0 init --vfs 2
	guest a keeps-open
	guest b
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 3
	check_err "is in use by"
	check_attribute sriov_numvfs 2
	! grep -q 'sriov_numvfs 0' "$FAKE_LOG" || fail "wrote 0 while a VF was open"
}

# QEMU has taken the VF, and its answer is lost
t_lost_answer_is_no_failure() {
	run 0 init --vfs 1
	guest a spoil:vfio-pci-pause spoil:vfio-pci-unpause
	run 0 attach 1 "$T/a"
	run 0 reconf --vfs 2
	check_states 'attached detached'
	check_attribute sriov_numvfs 2
}

# There is another QEMU at the same place
t_lost_answer_of_a_guest_that_has_it_no_more() {
	for verb in pause unpause; do
		machine
		run 0 init --vfs 2
		guest a "anew:vfio-pci-$verb"
		guest b
		run 0 attach 1 "$T/a"
		run 0 attach 2 "$T/b"
		run 0 reconf --vfs 3
		check_err "guest qmp:$T/a has it no more, VF 1 is free"
		check_states 'detached attached detached'
		check_no_journal
		stop_guests
	done
}

# QEMU says nothing any more: nobody may take the VF away under the guest
t_vf_of_a_lost_answer_is_not_removed() {
	run 0 init --vfs 1
	guest a mute:vfio-pci-unpause
	run 0 attach 1 "$T/a"
	: >"$FAKE_LOG"
	run 1 reconf --vfs 2 --timeout 3
	check_err "did not answer 'vfio-pci-unpause' in time"
	check_err "'svff recover' tries again"
	[ "$(grep -c 'sriov_numvfs 0' "$FAKE_LOG")" = 1 ] || fail "wrote 0 while the VF was open: $(cat "$T/err")"
	check_states 'attached detached'
	run 0 recover --forward
	check_attribute sriov_numvfs 2
	check_states 'attached detached'
}

t_refuses_to_forget_a_pause_of_this_host() {
	FAKE_VF_DRIVER=svff_vf run 0 init --vfs 1 --no-bind
	echo active >"$PF/svff/vf1/state"
	run 0 pause 1
	run 1 reconf --vfs 2
	check_one_line
	check_err "is paused for a driver of this host"
	run 0 reconf --vfs 2 --force
	check_driver 1 svff_vf
}

t_driver_of_a_vf_stays_what_it_was() {
	run 0 init --vfs 1
	guest a
	run 0 attach 1 "$T/a"
	mkdir "$T/sys/bus/pci/drivers/svff_vfio"
	run 0 reconf --vfs 2
	check_driver 1 vfio-pci
	check_driver 2 svff_vfio
}

t_interrupted_brings_the_old_count_back() {
	ready
	FAKE_SIGNAL='sriov_numvfs 0' run 1 reconf --vfs 5
	check_err "interrupted"
	check_err "rolled back, all is as before"
	check_states 'attached attached attached detached'
	never_unplugged
}

t_a_second_svff_waits() {
	ready slow-pause:1
	"$SVFF" reconf --vfs 5 >"$T/first" 2>&1 &
	first=$!
	await grep -q vfio-pci-pause "$T/a.log"
	run 0 reconf --vfs 6
	check_err "waiting for another svff (process $first)"
	wait "$first" || fail "the first failed: $(cat "$T/first")"
	check_attribute sriov_numvfs 6
	check_states 'attached attached attached detached detached detached'
	[ "$(grep -c 'sriov_numvfs 5' "$FAKE_LOG")" = 1 ] || fail "they did not come one after the other"
}

# It was asked to at another time
t_guest_that_unplugs_meanwhile_keeps_nobody_from_it() {
	for when in pause unpause; do
		machine
		run 0 init --vfs 2
		guest a "gone-at:vfio-pci-$when"
		guest b
		run 0 attach 1 "$T/a"
		run 0 attach 2 "$T/b"
		run 0 reconf --vfs 3
		check_err "guest qmp:$T/a unplugged it, VF 1 is free"
		check_owners 2=b
		check_attribute sriov_numvfs 3
		run 0 attach 1 "$T/a"
		FAKE_FAIL='sriov_numvfs 4=12@1' run 1 reconf --vfs 4
		check_err "rolled back, all is as before"
		check_owners 2=b
		stop_guests
	done
}

main
