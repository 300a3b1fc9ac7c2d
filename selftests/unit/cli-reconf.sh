#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# svff reconf: another number of VFs under running guests, as a transaction. Here by guests whose QEMU cannot pause.
# shellcheck disable=SC2317,SC1091,SC2154,SC2119
. "$(dirname "$0")/cli/common.sh"

# VF 1 is a's, VF 2 is b's
ready() {
	run 0 init --vfs 2
	guest a no-pause
	guest b no-pause
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	: >"$FAKE_LOG"
}

t_grows_and_gives_the_same_vfs_back() {
	ready
	guest c
	run 0 reconf --vfs 3 --attach "3=qmp:$T/c"
	check_attribute sriov_numvfs 3
	check_owners '1=a 2=b 3=c'
	check_driver 3 vfio-pci
}

t_reports_each_step_with_its_time() {
	ready
	guest c
	run 0 reconf --vfs 3 --attach "3=$T/c" --json
	check_json '[s["name"].split()[0] for s in j["steps"]] == "detach detach release disable enable bind attach attach attach".split()'
	check_json 'all(s["result"] == "done" and s["ms"] > 0 for s in j["steps"]) and j["vfs"] == 3'
	run 0 reconf --vfs 4
	check_out 'in all'
	check_out 'enable 4 VFs'
	check_out 'card 0000:01:00.0 has 4 VFs'
}

t_dry_run_shows_the_steps_and_changes_nothing() {
	ready
	picture >"$T/before"
	run 0 reconf --vfs 3 --dry-run
	check_out "detach VF 1 from qmp:$T/a"
	check_out "attach VF 2 to qmp:$T/b"
	run 0 reconf --vfs 3 --dry-run --json
	check_json 'j["dry_run"] and all(s["result"] == "pending" for s in j["steps"]) and len(j["steps"]) == 8'
	picture >"$T/after"
	cmp -s "$T/before" "$T/after" || fail "$(diff "$T/before" "$T/after")"
	check_owners '1=a 2=b'
	! grep -q device_del "$T/a.log" || fail "guest a was asked"
}

t_guest_gets_its_old_port_again() {
	run 0 init --vfs 1
	guest a no-pause
	run 0 attach 1 "$T/a" --bus rp1
	run 0 reconf --vfs 2
	[ "$(grep -c '"bus":"rp1"' "$T/a.log")" = 2 ] || fail "not behind its old port"
}

# --dry-run says so, too
t_too_few_ports_disturb_nobody() {
	ready
	guest c --ports 1
	guest d
	for dry in --dry-run --force; do	# not forced either
		run 1 reconf --vfs 4 --attach "3=$T/c" --attach "4=$T/c" "$dry"
		check_one_line
		check_err "guest qmp:$T/c has too few free hot-plug ports (1, 1 free, 2 needed)"
		check_err "-device pcie-root-port"
	done
	run 0 reconf --vfs 3 --attach "3=$T/c"
	for log in "$FAKE_LOG" "$T"/?.log; do
		: >"$log"
	done
	run 1 reconf --vfs 4 --attach "4=$T/c" --dry-run
	check_err "guest qmp:$T/c has no free hot-plug port (1, all taken)"
	run 1 reconf --vfs 4 --attach "4=$T/c"
	check_one_line
	[ ! -s "$FAKE_LOG" ] || fail "wrote $(cat "$FAKE_LOG")"
	! grep -q device_del "$T"/?.log || fail "a guest was asked"
	run 0 reconf --vfs 4 --attach "4=$T/d"
	check_owners '1=a 2=b 3=c 4=d'
}

t_port_of_a_device_that_leaves_is_free() {
	run 0 init --vfs 3
	guest a --ports 1
	run 0 attach 3 "$T/a"
	run 0 reconf --vfs 2 --force --attach "1=$T/a"
	check_owners 1=a
	rm "$SVFF_RUN/0000:01:00.0.json"	# whose port is not known
	run 0 pause 1 --guest "$T/a"
	run 0 unpause 1
	run 0 reconf --vfs 3 --by-detach
	check_owners 1=a
}

t_nobody_gets_the_port_of_a_device_that_comes_back() {
	run 0 init --vfs 2
	guest a no-pause
	run 0 attach 2 "$T/a"
	run 0 reconf --vfs 3 --attach "1=$T/a"
	check_owners '1=a 2=a'
	grep '"host":"0000:01:00.2"' "$T/a.log" | tail -n 1 | grep -q '"bus":"rp0"' || fail "not behind its old port"
}

t_same_count_touches_no_guest() {
	ready
	guest c
	run 0 reconf --vfs 2
	[ ! -s "$FAKE_LOG" ] || fail "wrote $(cat "$FAKE_LOG")"
	run 1 reconf --vfs 2 --attach "1=$T/c"
	check_one_line
	check_err "attached to guest qmp:$T/a"
	run 0 detach 2
	run 0 reconf --vfs 2 --attach "2=$T/c"
	check_owners '1=a 2=c'
}

t_from_none_and_to_none() {
	guest a
	run 0 reconf --vfs 1 --attach "1=$T/a"
	check_owners 1=a
	run 0 detach 1
	run 0 reconf --vfs 0
	check_attribute sriov_numvfs 0
}

t_refuses_to_lose_a_guests_vf() {
	ready
	run 1 reconf --vfs 1
	check_one_line
	check_err "guest qmp:$T/b has it"
	check_err "--force"
	check_owners '1=a 2=b'
	run 0 reconf --vfs 1 --force
	check_owners 1=a
	check_attribute sriov_numvfs 1
	! grep -q "\"$T/b\"" "$SVFF_RUN/0000:01:00.0.json" || fail "the note still names b"
}

t_refuses_more_than_total_vfs() {
	ready
	run 1 reconf --vfs 9
	check_one_line
	check_err "at most 8"
	check_owners '1=a 2=b'
}

t_refuses_attach_outside_or_twice() {
	guest a
	run 1 reconf --vfs 2 --attach "3=$T/a"
	check_one_line
	check_err "VFs 1 to 2"
	run 1 reconf --vfs 2 --attach "1=$T/a" --attach "1=$T/a"
	check_err "twice"
	run 2 reconf --vfs 2 --attach "x=$T/a"
	run 2 reconf --vfs 2 --attach "$T/a"
	check_attribute sriov_numvfs 0
}

t_refuses_a_vf_that_this_host_uses() {
	mkdir -p "$T/sys/bus/pci/drivers/other_vf"
	FAKE_VF_DRIVER=other_vf run 0 init --vfs 2 --no-bind
	run 1 reconf --vfs 3
	check_one_line
	check_err "VF 1: 0000:01:00.1 is in use by driver other_vf"
	check_err "--force"
	run 0 reconf --vfs 3 --force
	check_driver 2 other_vf
	check_driver 3 vfio-pci
}

t_unused_driver_of_this_host_is_no_obstacle() {
	guest a
	FAKE_VF_DRIVER=svff_vf run 0 init --vfs 2 --no-bind
	FAKE_VF_DRIVER=svff_vf run 0 reconf --vfs 3 --attach "2=$T/a"
	check_driver 1 svff_vf
	check_driver 2 vfio-pci
	check_driver 3 vfio-pci
	check_owners 2=a
}

t_refuses_a_vf_that_a_stranger_has() {
	ready
	run 0 detach 2
	echo busy >"$T/dev/vfio/102"
	run 1 reconf --vfs 3
	check_one_line
	check_err "VF 2 (0000:01:00.2) is in use by another process"
	check_owners 1=a
}

t_guest_that_does_not_let_go_undoes_all() {
	run 0 init --vfs 2
	guest a no-pause
	guest b no-pause never-delete
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 3 --timeout 3
	check_err "guest qmp:$T/b (running) did not release"
	check_err "(rolled back; if guest qmp:$T/b does release it, 'svff attach' gives it back)"
	check_attribute sriov_numvfs 2
	check_owners '1=a 2=b'
	check_out 'undone'
	check_out 'failed'
	check_out 'pending'
}

t_each_failed_write_undoes_all() {
	for rule in 'sriov_numvfs 0=16@1' 'sriov_numvfs 3=12@1' '/bind 0000:01:00.3=5@1' \
		'unbind 0000:01:00.2=5@1' '01:00.1/driver_override vfio-pci=5@1'; do
		machine
		ready
		picture >"$T/before"
		FAKE_FAIL="$rule" run 1 reconf --vfs 3
		check_err "rolled back, all is as before"
		picture >"$T/after"
		cmp -s "$T/before" "$T/after" || fail "$rule: $(diff "$T/before" "$T/after" | head -n 3)"
		check_owners '1=a 2=b'
		stop_guests
	done
}

t_failed_undo_is_told_and_the_rest_goes_on() {
	ready
	FAKE_FAIL='sriov_numvfs 3=12@1;vfio-pci/bind 0000:01:00.1=5' run 1 reconf --vfs 3 --json
	check_err "cannot be taken back"
	check_err "see 'svff status'"
	check_json '{s["name"]: s["result"] for s in j["steps"]}["release VFs 1-2"] == "undo failed"'
	check_json 'not j["ok"] and "rolled back, but for 2 of 4 steps" in j["error"]["message"]'
	check_attribute sriov_numvfs 2
	check_owners 2=b
}

t_interrupted_undoes_all() {
	ready
	FAKE_SIGNAL='sriov_numvfs 0' run 1 reconf --vfs 3
	check_err "interrupted"
	check_err "rolled back, all is as before"
	check_attribute sriov_numvfs 2
	check_owners '1=a 2=b'
}

# The guest has let go of the VF, and QEMU has not closed it yet
t_interrupted_in_an_unplug_gives_it_back() {
	run 0 init --vfs 2
	guest a no-pause close-late
	run 0 attach 1 "$T/a"
	"$SVFF" reconf --vfs 3 >"$T/out" 2>"$T/err" &
	reconf=$!
	await test -e "$T/a.gone"
	kill -TERM "$reconf"
	sleep 0.5
	: >"$T/a.close"
	wait "$reconf" && fail "goes on"
	check_err "rolled back, all is as before"
	check_owners 1=a
}

# The same for ever
t_unplugged_vf_that_stays_open_is_not_forgotten() {
	run 0 init --vfs 2
	guest a no-pause close-late
	run 0 attach 1 "$T/a"
	run 1 reconf --vfs 3
	check_err "is in use by"
	check_err "'svff recover'"
	: >"$T/a.close"
	run 0 recover
	check_owners 1=a
}

t_undo_is_not_interrupted() {
	run 0 init --vfs 2
	guest a no-pause delete-after:0.5
	guest b no-pause add-after:1
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	guest c
	"$SVFF" reconf --vfs 3 --attach "3=$T/c" >"$T/out" 2>"$T/err" &
	tool=$!
	has_it_again() { [ "$(grep -c device_add "$T/b.log")" = 2 ]; }
	await has_it_again
	kill -TERM "$tool"	# a shell has SIGINT ignored in what it runs beside itself
	wait "$tool" && fail "is not interrupted"
	check_err "interrupted"
	check_err "rolled back, all is as before"
	check_owners '1=a 2=b'
	check_attribute sriov_numvfs 2
}

t_new_guest_that_refuses_undoes_all() {
	ready
	guest c 'error:device_add:out of luck'
	run 1 reconf --vfs 3 --attach "3=$T/c"
	check_err "out of luck"
	check_attribute sriov_numvfs 2
	check_owners '1=a 2=b'
}

t_new_guest_that_is_not_there_changes_nothing() {
	ready
	run 1 reconf --vfs 3 --attach "3=qmp:$T/c"
	check_one_line
	check_err "guest qmp:$T/c is not running"
	[ ! -s "$FAKE_LOG" ] || fail "wrote $(cat "$FAKE_LOG")"
}

t_guest_that_died_before_is_left_out() {
	ready
	kill "$pid_a"
	wait "$pid_a" 2>/dev/null
	: >"$T/dev/vfio/101"
	run 0 reconf --vfs 3
	check_err "VF 1 of card 0000:01:00.0 is free again"
	check_owners 2=b
}

t_guest_that_dies_meanwhile_is_skipped() {
	run 0 init --vfs 2
	guest a no-pause die:device_del
	guest b no-pause
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 0 reconf --vfs 3
	check_out 'skipped'
	check_owners 2=b
	check_attribute sriov_numvfs 3
	! grep -q "qmp:$T/a" "$SVFF_RUN/0000:01:00.0.json" || fail "the note still names a"
}

# A folder where the new note is to be made stands for a disk that is full.
t_note_that_cannot_be_written_loses_no_vf() {
	run 0 init --vfs 2
	guest a no-pause
	run 0 attach 1 "$T/a"
	mkdir "$SVFF_RUN/0000:01:00.0.new"
	run 1 reconf --vfs 3
	check_err "cannot write"
	check_err "'svff recover' tries again"
	rmdir "$SVFF_RUN/0000:01:00.0.new"
	run 0 recover
	check_owners 1=a
	mkdir "$SVFF_RUN/0000:01:00.0.new"
	run 0 detach 1
	check_err "warning: cannot write"
	check_owners ''
}

# It lets go, and nobody hears that: it is to get its VF back when it can be asked
t_guest_that_is_silent_during_the_unplug() {
	run 0 init --vfs 2
	guest a no-pause mute:device_del
	guest b no-pause
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/b"
	run 1 reconf --vfs 3
	check_err "did not answer 'device_del' in time"
	check_err "guest qmp:$T/a may still do it: 'svff recover' when it answers"
	check_owners 2=b
	run 0 recover
	check_owners '1=a 2=b'
	check_attribute sriov_numvfs 2
}

# Its connection breaks, and it lives
t_guest_that_drops_the_connection_keeps_its_vf() {
	for how in device_del:1 device_add:2; do
		machine
		run 0 init --vfs 2
		guest a no-pause "lose:$how"
		run 0 attach 1 "$T/a"
		"$SVFF" reconf --vfs 3 >"$T/out" 2>"$T/err" || [ $? = 1 ] || fail "$how: $(cat "$T/err")"
		[ ! -e "$SVFF_RUN/0000:01:00.0.journal" ] || run 0 recover
		check_owners 1=a
		stop_guests
	done
}

t_silent_guest_makes_it_refuse() {
	ready
	kill -STOP "$pid_a"
	run 1 reconf --vfs 3
	check_one_line
	check_err "guest qmp:$T/a did not answer"
	kill -CONT "$pid_a"
	check_owners '1=a 2=b'
}

main
