#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# svff recover: the tool is killed at each thing that it does, in turn; then all is as before, or as wanted.
# shellcheck disable=SC2317,SC1091,SC2154,SC2119
. "$(dirname "$0")/cli/common.sh"

# Guests a and b live through all kills of a test, the machine too: each kill is followed by a recovery.
ready() {
	run 0 init --vfs 3
	guest a "$@"
	guest b "$@"
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
}

# Kills take long; of what differs a little from the plain case every third will do. SOME=1 for all.
SOME=${SOME:-3}

# all that svff may change, in one line: the count, and of each VF driver, quota and what its guest has of it
now() {
	"$SVFF" status --json 2>/dev/null | python3 -c 'import json, os, sys
card = json.load(sys.stdin)["cards"][0]
print(card["vfs"], *["%d:%s:%d:%s:%s" % (v["vf"], v["driver"], v["queues"], os.path.basename(v["guest"] or "-"), v["guest_state"])
                     for v in card["vf"]])'
}

check_mended() {
	[ ! -e "$SVFF_RUN/0000:01:00.0.journal" ] || fail "$*: a journal is left"
	check_attribute sriov_drivers_autoprobe 1
}

# kill_everywhere WORDS...: svff WORDS is killed at its n-th deed, for each n; go_back undoes what was done,
# at_back holds where that need not be
kill_everywhere() {
	n=0 backs=0 forths=0
	before=$(now)
	while :; do
		n=$((n + ${stride:-1}))
		[ "$n" -lt 200 ] || fail "no end"
		FAKE_KILL=$n "$SVFF" "$@" >"$T/out" 2>"$T/err"
		status=$?
		[ "$status" != 0 ] || break
		[ "$status" = 137 ] || fail "killed at $n: ends with $status: $(cat "$T/err")"
		run 0 recover
		check_mended "$* killed at $n"
		after=$(now)
		if [ "$after" = "$before" ]; then
			backs=$((backs + 1))
			${at_back:-:}
		else
			forths=$((forths + 1))
			check_is_after "$after" "$n"
			go_back
			[ "$(now)" = "$before" ] || fail "cannot go back: $(now)"
		fi
	done
	check_is_after "$(now)" "not"
	[ "$n" -gt 5 ] || fail "only $n deeds"
	echo "# $n deeds, $backs times back, $forths times forth" >&3
}

check_is_after() {
	[ "$1" = "$wanted" ] || fail "killed at $2: neither as before ($before) nor as wanted ($wanted): $1"
}

t_killed_init() {
	export FAKE_VF_DRIVER=svff_vf
	wanted='3 1:vfio-pci:4:-:detached 2:vfio-pci:4:-:detached 3:vfio-pci:4:-:detached'
	go_back() {
		run 0 reconf --vfs 0
		for vf in 1 2 3; do
			echo 8 >"$PF/svff/vf$vf/queues"
		done
	}
	kill_everywhere init --vfs 3 --queues 4
}

t_killed_pause() {
	ready
	wanted='3 1:vfio-pci:8:a:paused 2:vfio-pci:8:b:paused 3:vfio-pci:8:-:detached'
	go_back() { run 0 unpause 1 2; }
	kill_everywhere pause 1 2
}

t_killed_unpause() {
	ready
	run 0 pause 1 2
	wanted='3 1:vfio-pci:8:a:attached 2:vfio-pci:8:b:attached 3:vfio-pci:8:-:detached'
	go_back() { run 0 pause 1 2; }
	kill_everywhere unpause 1 2
}

t_killed_reconf() {
	ready
	wanted='4 1:vfio-pci:8:a:attached 2:vfio-pci:8:b:attached 3:vfio-pci:8:-:detached 4:vfio-pci:8:-:detached'
	go_back() { run 0 reconf --vfs 3; }
	kill_everywhere reconf --vfs 4
	! grep -q device_del "$T"/?.log || fail "a guest saw an unplug"
}

t_killed_reconf_of_the_variant_driver() {
	machine --variant
	stride=$SOME
	ready
	wanted='2 1:svff_vfio:8:a:attached 2:svff_vfio:8:b:attached'
	go_back() { run 0 reconf --vfs 3; }
	kill_everywhere reconf --vfs 2
}

t_killed_reconf_with_a_new_guest() {
	stride=$SOME
	ready
	guest c
	wanted='4 1:vfio-pci:8:a:attached 2:vfio-pci:8:b:attached 3:vfio-pci:8:-:detached 4:vfio-pci:8:c:attached'
	go_back() {
		run 0 detach 4
		run 0 reconf --vfs 3
	}
	kill_everywhere reconf --vfs 4 --attach "4=$T/c"
}

t_killed_reconf_with_a_paused_guest() {
	stride=$SOME
	ready
	run 0 pause 2
	wanted='4 1:vfio-pci:8:a:attached 2:vfio-pci:8:b:paused 3:vfio-pci:8:-:detached 4:vfio-pci:8:-:detached'
	go_back() { run 0 reconf --vfs 3; }
	kill_everywhere reconf --vfs 4
}

t_killed_reconf_by_detach() {
	stride=$SOME
	ready no-pause delete-after:0
	wanted='4 1:vfio-pci:8:a:attached 2:vfio-pci:8:b:attached 3:vfio-pci:8:-:detached 4:vfio-pci:8:-:detached'
	go_back() { run 0 reconf --vfs 3; }
	kill_everywhere reconf --vfs 4
}

# Each kill leaves the guest what it has got by then, also a descriptor of the group that nobody uses.
t_killed_unpause_by_descriptor() {
	ready unprivileged
	run 0 pause 1 2
	at_back=check_free
	wanted='3 1:vfio-pci:8:a:attached 2:vfio-pci:8:b:attached 3:vfio-pci:8:-:detached'
	go_back() { run 0 pause 1 2; }
	kill_everywhere unpause 1 2
}

# reconf --vfs 4 of guests a and b, killed at the write that contains the text
killed_at() {
	"$SVFF" reconf --vfs 4 --verbose >"$T/out" 2>"$T/err" || fail "does not run"
	run 0 reconf --vfs 3
	: >"$FAKE_LOG"
	n=0
	until grep -q -- "$1" "$FAKE_LOG"; do
		n=$((n + 1))
		[ "$n" -lt 200 ] || fail "never writes $1"
		[ ! -e "$SVFF_RUN/0000:01:00.0.journal" ] || run 0 recover --back
		: >"$FAKE_LOG"
		FAKE_KILL=$n "$SVFF" reconf --vfs 4 >/dev/null 2>&1
	done
}

t_direction_can_be_chosen() {
	ready
	killed_at 'sriov_numvfs 0'
	run 0 recover --dry-run
	check_err "going back to how it was, 3 VFs"
	check_attribute sriov_numvfs 0
	run 0 recover --forward
	check_err "finishing it, 4 VFs"
	check_attribute sriov_numvfs 4
	check_owners '1=a 2=b'
	check_mended
}

t_others_wait_for_the_recovery() {
	ready
	killed_at 'sriov_numvfs 0'
	for words in 'init --vfs 3' 'reconf --vfs 3' "attach 3 $T/a" 'detach 1' 'pause 1' 'unpause 1'; do
		# shellcheck disable=SC2086	# words
		run 1 $words
		check_one_line
		check_err "'svff recover --card 0000:01:00.0' first"
	done
	run 0 status
	run 0 recover --json
	check_json 'j["ok"] and j["needed"] and j["vfs"] == 3'
	check_owners '1=a 2=b'
}

t_recovery_is_killed_too() {
	ready
	killed_at 'sriov_numvfs 0'
	n=0
	while :; do
		n=$((n + 1))
		FAKE_KILL=$n "$SVFF" recover >/dev/null 2>"$T/err" && break
		[ "$n" -lt 200 ] || fail "no end"
	done
	[ "$n" -gt 5 ] || fail "only $n kills"
	check_owners '1=a 2=b'
	check_attribute sriov_numvfs 3
	check_mended
}

t_guest_that_ended_meanwhile_is_left_out() {
	ready
	killed_at 'sriov_numvfs 0'
	kill "$pid_a"
	wait "$pid_a" 2>/dev/null
	rm -f "$T/a"
	run 0 recover
	check_err "VF 1 of card 0000:01:00.0 is free again"
	check_owners 2=b
	check_attribute sriov_numvfs 3
	check_mended
}

# It was paused when svff was killed, and stays so until it answers.
t_silent_guest_is_left_out() {
	ready
	killed_at 'sriov_numvfs 0'
	kill -STOP "$pid_a"
	run 1 recover
	check_err "guest qmp:$T/a does not answer: VF 1 is left to it as it is"
	check_err "guest qmp:$T/a does not answer: recover again when it does"
	check_attribute sriov_numvfs 3
	check_driver 1 vfio-pci
	[ -e "$SVFF_RUN/0000:01:00.0.journal" ] || fail "no journal"
	kill -CONT "$pid_a"
	await has_owners 2=b
	run 0 recover
	check_owners '1=a 2=b'
	check_mended
}

# Of the one that is silent the command that was killed had asked nothing.
t_silent_guest_that_was_not_asked() {
	ready
	FAKE_KILL=4 "$SVFF" pause 2 >/dev/null 2>&1
	[ -e "$SVFF_RUN/0000:01:00.0.journal" ] || fail "not killed within it"
	kill -STOP "$pid_a"
	run 0 recover
	kill -CONT "$pid_a"
	await has_owners '1=a 2=b'
	check_mended
}

t_status_tells_of_it() {
	ready
	FAKE_KILL=4 "$SVFF" pause 2 >/dev/null 2>&1
	run 0 status
	check_out "an svff did not come to its end: 'svff recover --card 0000:01:00.0'"
	run 0 status --json
	check_json 'j["cards"][0]["unfinished"]'
	run 1 reconf --dry-run --vfs 4
	check_err "an earlier svff did not come to its end"
	run 0 recover
	run 0 status --json
	check_json 'not j["cards"][0]["unfinished"]'
}

# The journal is there, and so is who writes it.
t_nothing_to_recover_while_it_is_under_way() {
	ready slow-pause:3
	"$SVFF" pause 2 >"$T/first" 2>&1 &
	first=$!
	await grep -q vfio-pci-pause "$T/b.log"
	run 1 reconf --dry-run --vfs 4
	check_err "another svff is at work on it"
	run 0 status --json
	check_json 'not j["cards"][0]["unfinished"]'
	wait "$first" || fail "the first failed: $(cat "$T/first")"
	check_mended
}

t_what_fails_does_not_stop_the_rest() {
	ready
	killed_at 'sriov_numvfs 0'
	FAKE_FAIL='/bind 0000:01:00.1=5' run 1 recover
	check_err "recover again when that is mended"
	check_owners 2=b
	run 0 recover
	check_owners '1=a 2=b'
	check_mended
}

# Neither the new VFs nor the old ones can have what a's was
t_state_that_cannot_be_had() {
	ready writes-much
	run 1 reconf --vfs 4
	check_err "only 'discard-state' is left; it stays paused (rolled back, but for 2 of"
	check_err "'svff recover' tries again); 'svff recover --discard-state --card 0000:01:00.0' lets"
	check_attribute sriov_numvfs 3
	check_owners ''
	run 1 recover
	check_err "'svff recover --discard-state --card 0000:01:00.0' lets"
	run 2 recover --forget --discard-state
	run 0 recover --discard-state --card 0000:01:00.0
	check_owners '1=a 2=b'
	check_mended
}

# The new VFs cannot, the old ones can: nothing is left to be done
t_state_that_the_old_vf_takes() {
	run 0 init --vfs 3
	guest a "state-once:only 'discard-state' is left"
	guest b
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 4
	check_err "only 'discard-state' is left; it stays paused (rolled back, all is as before)"
	! grep -q "svff recover" "$T/err" || fail "$(cat "$T/err")"
	check_attribute sriov_numvfs 3
	check_owners '1=a 2=b'
}

t_nothing_to_recover() {
	ready
	run 0 recover
	check_out "nothing is to be recovered"
	run 0 recover --json
	check_json 'j["ok"] and not j["needed"] and j["steps"] == []'
}

t_journal_that_cannot_be_read() {
	ready
	for text in '' '{' '[]' '{"version": 1}' '{"version": 9, "pid": 1, "old": {}, "new": {}}' \
		'{"version": 1, "pid": 1, "old": {"vfs": 3, "room": 2, "vf": []}, "new": {}}' \
		'{"version": 1, "pid": 1, "old": {"vfs": 1, "room": 2, "vf": [{"vf": 7, "queues": 1}]}, "new": {}}' \
		'{"version": 1, "pid": 1, "old": {"vfs": 3, "room": 8, "vf": [{"vf": 3, "queues": 8, "use": "attached"}]}, "new": {"vfs": 3, "room": 8, "vf": []}}'; do
		echo "$text" >"$SVFF_RUN/0000:01:00.0.journal"
		run 1 recover
		check_one_line
		check_err "svff recover --forget"
	done
	run 0 recover --forget
	run 0 reconf --vfs 4
	run 2 recover --forget --back
}

# The last line that is whole says that all was being taken back, though the new VFs are there.
t_journal_whose_last_line_is_cut() {
	ready
	killed_at '01:00.1/driver_override vfio-pci'
	check_attribute sriov_numvfs 4
	printf '{"step":8,"name":"some","undo":true}\n{"step":7,"name":"some' >>"$SVFF_RUN/0000:01:00.0.journal"
	run 0 recover
	check_err "its last step was 'some'"
	check_attribute sriov_numvfs 3
	check_owners '1=a 2=b'
	check_mended
}

t_journal_is_written_before_each_step() {
	ready
	mv "$SVFF_RUN/0000:01:00.0.json" "$T/note"
	mkdir "$SVFF_RUN/0000:01:00.0.journal.new"
	mv "$T/note" "$SVFF_RUN/0000:01:00.0.json"
	: >"$FAKE_LOG"
	run 1 reconf --vfs 4
	check_one_line
	check_err "cannot write the journal"
	[ ! -s "$FAKE_LOG" ] || fail "wrote $(cat "$FAKE_LOG")"
}

main 3>&1
