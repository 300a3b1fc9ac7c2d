#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# svff attach, svff detach: a VF and a guest; nothing is lost or left behind when one of them fails.
# shellcheck disable=SC2317,SC1091,SC2154
. "$(dirname "$0")/cli/common.sh"

ready() {
	run 0 init --vfs 2
}

# device DIR: a device of the class, or function, DIR. It has the number of one that each machine has, and another name.
device() {
	mkdir -p "$T/sys/$1"
	stat -c '%Hr:%Lr' /dev/full >"$T/sys/$1/dev"
}

# holder PID NAME: a process that has it open
holder() {
	mkdir -p "$T/proc/$1/fd"
	echo "$2" >"$T/proc/$1/comm"
	ln -sf /dev/full "$T/proc/$1/fd/5"
}

t_attach_and_detach() {
	ready
	guest a
	run 0 attach 1 "qmp:$T/a"
	check_out "VF 1 (0000:01:00.1) is attached to guest qmp:$T/a as svff-vf1-0000.01.00.0"
	check_owners 1=a
	grep -q '"bus":"rp0"' "$T/a.log" || fail "not behind the first port"
	run 0 detach 1
	check_out "VF 1 (0000:01:00.1) is taken from guest qmp:$T/a"
	check_owners ''
	check_free
	check_driver 1 vfio-pci
}

t_json() {
	ready
	guest a
	run 0 attach 1 "$T/a" --json
	check_json 'j["ok"] and j["vf"] == 1 and j["address"] == "0000:01:00.1" and j["device"] == "svff-vf1-0000.01.00.0"'
	run 0 detach 1 --json
	check_json 'j["ok"] and j["guest"].startswith("qmp:") and j["steps"][0]["result"] == "done"'
}

t_json_is_utf8_whatever_a_guest_is_called() {
	run 0 init --vfs 1
	for odd in '\377' '\303' '\355\240\200' '\300\200' '\364\220\200\200' '\342\202' '\303\274\342\202\254\360\237\230\200'; do
		odd=$T/$(printf "a%bb" "$odd")
		guest a
		mv "$T/a" "$odd"
		run 0 attach 1 "$odd" --json
		check_json 'j["ok"] and set(j["guest"].rsplit("/", 1)[1]) in (set("a?b"), set("a\u00fc\u20ac\U0001f600b"))'
		run 0 detach 1 --json
		check_json 'j["ok"]'
		stop_guests
	done
	check_json '"\u20ac" in j["guest"]'
}

t_dry_run_changes_nothing() {
	run 0 init --vfs 1 --no-bind
	guest a
	: >"$FAKE_LOG"
	run 0 attach 1 "$T/a" --dry-run
	check_out "bind VF 1 to VFIO"
	check_out "attach VF 1 to qmp:$T/a"
	run 0 attach 1 "$T/a" --dry-run --json
	check_json 'j["dry_run"] and [s["result"] for s in j["steps"]] == ["pending"] * 2'
	[ ! -s "$FAKE_LOG" ] || fail "wrote $(cat "$FAKE_LOG")"
	check_owners ''
	run 0 attach 1 "$T/a"
	run 0 detach 1 --dry-run
	check_out "detach VF 1 from qmp:$T/a"
	check_owners '1=a'
	run 2 init --vfs 1 --timeout 5
}

t_vf_by_address_guest_by_path() {
	ready
	guest a
	run 0 attach 01:00.2 "$T/a"
	check_owners 2=a
	run 0 detach 0000:01:00.2 "$T/a"
	check_owners ''
}

t_two_vfs_take_two_ports() {
	ready
	guest a
	run 0 attach 1 "$T/a"
	run 0 attach 2 "$T/a"
	check_owners '1=a 2=a'
	grep -q '"bus":"rp1"' "$T/a.log" || fail "not behind the second port"
}

t_no_free_port() {
	ready
	guest a --ports 1
	run 0 attach 1 "$T/a"
	run 1 attach 2 "$T/a"
	check_err "no free hot-plug port (1, all taken)"
	check_err "pcie-root-port"
	check_owners 1=a
}

t_port_by_name() {
	ready
	guest a
	run 0 attach 1 "$T/a" --bus rp1
	grep -q '"bus":"rp1"' "$T/a.log" || fail "not behind the named port"
	run 1 attach 2 "$T/a" --bus nowhere
	check_err "Bus 'nowhere' not found"
}

t_old_pc_needs_no_port() {
	ready
	guest a --ports 0 --i440fx
	run 0 attach 1 "$T/a"
	check_owners 1=a
}

t_binds_a_vf_that_has_no_driver() {
	run 0 init --vfs 1 --no-bind
	guest a
	run 0 attach 1 "$T/a"
	check_driver 1 vfio-pci
}

t_failed_bind_leaves_the_vf_as_it_was() {
	run 0 init --vfs 1 --no-bind
	guest a
	FAKE_FAIL='vfio-pci/bind=5' run 1 attach 1 "$T/a"
	check_one_line
	check_err "vfio-pci did not take it"
	check_driver 1 ''
	check_override 1 '(null)'
}

t_vf_that_does_not_exist() {
	guest a
	run 1 attach 1 "$T/a"
	check_one_line
	check_err "svff init --card 0000:01:00.0 --vfs 1"
	ready
	run 1 attach 5 "$T/a"
	check_one_line
	check_err "svff reconf --card 0000:01:00.0 --vfs 5"
	run 1 attach 0 "$T/a"
	check_err "numbered from 1"
	run 1 attach 00:1f.0 "$T/a"
	check_err "0000:00:1f.0 is not a VF"
	run 1 attach x "$T/a"
	check_err "'x' names no VF"
}

t_numbers_that_no_vf_has() {
	ready
	guest a
	while read -r number why; do
		for command in "attach $number $T/a" "detach $number" "detach $number $T/a" "pause $number" \
			"pause $number --guest $T/a" "unpause $number"; do
			# shellcheck disable=SC2086	# words
			run 1 $command
			check_one_line
			check_err "VF $number of card 0000:01:00.0 $why"
		done
	done <<-END
		0 is the card itself; VFs are numbered from 1
		5 does not exist, 2 VFs are enabled
		253 does not exist: it has at most 8 VFs
	END
}

t_vf_of_another_card() {
	machine --cards 2
	run 0 init --vfs 1 --card 01:00.0
	run 0 init --vfs 1 --card 02:00.0
	guest a
	run 1 attach 01:00.1 "$T/a" --card 02:00.0
	check_one_line
	check_err "0000:01:00.1 is no VF of card 0000:02:00.0"
}

t_vf_that_a_guest_has() {
	ready
	guest a
	guest b
	run 0 attach 1 "$T/a"
	run 1 attach 1 "$T/b"
	check_one_line
	check_err "attached to guest qmp:$T/a: 'svff detach"
}

t_vf_that_somebody_else_has() {
	ready
	guest a
	echo busy >"$T/dev/vfio/101"
	device class/vfio/101
	holder 4711 qemu-other
	run 1 attach 1 "$T/a"
	check_one_line
	check_err "process 4711 (qemu-other)"
}

t_vf_that_a_host_driver_uses() {
	guest a
	mkdir -p "$T/sys/bus/pci/drivers/other_vf"
	FAKE_VF_DRIVER=other_vf run 0 init --vfs 1 --no-bind
	run 1 attach 1 "$T/a"
	check_one_line
	check_err "in use by driver other_vf"
	check_driver 1 other_vf
}

t_vf_that_this_host_moves_data_with() {
	guest a
	FAKE_VF_DRIVER=svff_vf run 0 init --vfs 1 --no-bind
	for node in svff-mm/svff-mm3 svff-st/svff-st0; do
		device "bus/pci/devices/0000:01:00.1/$node"
		holder 4711 fio
		run 1 attach 1 "$T/a"
		check_one_line
		check_err "in use by driver svff_vf of this host, process 4711 (fio)"
		check_driver 1 svff_vf
		check_override 1 '(null)'
		rm -r "$PF/virtfn0/${node%/*}"
	done
}

# The node has another name there, as it may have in a container.
t_process_is_found_by_what_it_has_open() {
	guest a
	FAKE_VF_DRIVER=svff_vf run 0 init --vfs 1 --no-bind
	device bus/pci/devices/0000:01:00.1/svff-st/svff-st0
	sleep 60 9</dev/full &
	GUESTS="$GUESTS $!"
	await grep -qx sleep "/proc/$!/comm"
	SVFF_PROC=/proc run 1 attach 1 "$T/a"
	check_one_line
	check_err "in use by driver svff_vf of this host, process $! (sleep)"
}

t_vf_that_the_kernel_gave_to_svff_vf() {
	guest a
	FAKE_VF_DRIVER=svff_vf run 0 init --vfs 1 --no-bind
	check_driver 1 svff_vf
	device bus/pci/devices/0000:01:00.1/svff-mm/svff-mm3
	device bus/pci/devices/0000:01:00.1/svff-st/svff-st3
	FAKE_FAIL='vfio-pci/bind=5' run 1 attach 1 "$T/a"
	check_driver 1 svff_vf
	run 0 attach 1 "$T/a"
	check_driver 1 vfio-pci
	check_owners 1=a
}

t_guest_that_is_not_there() {
	ready
	run 1 attach 1 "qmp:$T/none"
	check_one_line
	check_err "guest qmp:$T/none is not running"
	run 1 attach 1 "$T/none"
	check_err "neither a URI"
	run 1 attach 1 "$T/writes"
	check_err "neither a URI"
	run 1 attach 1 qmp:
	check_err "names no socket"
	check_owners ''
}

t_guest_refuses() {
	run 0 init --vfs 1 --no-bind
	guest a 'error:device_add:vfio 0000:01:00.1: Cannot allocate memory'
	run 1 attach 1 "$T/a"
	check_one_line
	check_err "raise the locked-memory limit"
	check_err "rolled back"
	check_owners ''
	check_driver 1 ''
	check_override 1 '(null)'
}

t_guest_dies_during_attach() {
	run 0 init --vfs 1 --no-bind
	guest a die:device_add
	run 1 attach 1 "$T/a"
	check_one_line
	check_err "ended the connection during 'device_add'"
	check_driver 1 ''
	check_override 1 '(null)'
	grep -q qmp "$SVFF_RUN/0000:01:00.0.json" && fail "the note still names the guest"
	guest b
	run 0 attach 1 "$T/b"
}

t_guest_hangs_during_attach() {
	ready
	guest a hang:device_add
	run 1 attach 1 "$T/a" --timeout 1
	check_one_line
	check_err "did not answer 'device_add' in time"
	# it may still come: the note stays until the guest has been asked
	grep -q qmp "$SVFF_RUN/0000:01:00.0.json" || fail "no note of what is not known"
	guest b
	run 0 attach 1 "$T/b"
	check_err "is free again"
	check_owners 1=b
}

t_guest_dies_during_detach() {
	ready
	guest a die:device_del
	run 0 attach 1 "$T/a"
	run 0 detach 1
	check_err "ended, VF 1 is free"
	check_free
	check_driver 1 vfio-pci
}

t_guest_died_before_detach() {
	ready
	guest a
	run 0 attach 1 "$T/a"
	stop_guests
	: >"$T/dev/vfio/101"
	run 0 detach 1
	check_err "VF 1 of card 0000:01:00.0 is free again"
	check_out "is free: its guest has it no more"
	run 1 detach 1
	check_one_line
	check_err "was given to no guest"
}

t_dead_guest_is_noticed_at_the_next_attach() {
	ready
	guest a
	run 0 attach 1 "$T/a"
	stop_guests
	: >"$T/dev/vfio/101"
	guest b
	run 0 attach 1 "$T/b"
	check_err "is free again"
	check_owners 1=b
}

t_guest_that_is_just_ending() {
	ready
	guest a
	run 0 attach 1 "$T/a"
	stop_guests
	rm "$T/a"
	guest a die:greeting
	(sleep 1 && : >"$T/dev/vfio/101") &
	guest b
	run 0 attach 1 "$T/b"
	check_err "is not running any more"
	check_owners 1=b
}

t_guest_restarted_on_the_same_socket() {
	ready
	guest a
	run 0 attach 1 "$T/a"
	stop_guests
	rm "$T/a"
	: >"$T/dev/vfio/101"
	guest a
	run 0 attach 1 "$T/a"
	check_err "has no device svff-vf1-0000.01.00.0 any more"
	check_owners 1=a
}

t_guest_does_not_let_go() {
	ready
	guest a never-delete
	run 0 attach 1 "$T/a"
	run 1 detach 1 --timeout 1
	check_one_line
	check_err "did not release svff-vf1-0000.01.00.0 within 1 s"
	check_err "longer --timeout"
	check_owners 1=a
}

# QEMU keeps the request, and refuses another one meanwhile
t_unplug_that_is_under_way_is_taken_up() {
	ready
	guest a delete-after:8
	run 0 attach 1 "$T/a"
	run 1 detach 1 --timeout 1
	check_one_line
	check_err "the guest may release it later, too: 'svff status' tells"
	run 0 status
	check_out "qmp:$T/a (unplug asked, not let go of yet)"
	run 0 status --json
	check_json '[v["unplug_asked"] for v in j["cards"][0]["vf"]] == [True, False]'
	run 0 detach 1 --timeout 30
	[ "$(grep -c device_del "$T/a.log")" -gt 1 ] || fail "not refused"
	check_owners ''
	run 0 attach 1 "$T/a"
	run 0 status --json
	check_json 'not any(v["unplug_asked"] for v in j["cards"][0]["vf"])'
}

t_guest_lets_go_when_svff_has_given_up() {
	ready
	guest a delete-after:4
	run 0 attach 1 "$T/a"
	rm "$SVFF_RUN/0000:01:00.0.json"	# it came by other means
	run 1 detach 1 "$T/a" --timeout 1
	check_err "the guest may release it later, too"
	await is_free
	run 0 status
	check_out "qmp:$T/a (gone)"
	run 1 pause 1
	check_err "free again: guest qmp:$T/a has no device svff-vf1-0000.01.00.0 any more, it was asked to unplug it"
	run 0 attach 1 "$T/a"
	check_owners 1=a
}

t_guest_lets_go_late() {
	ready
	guest a delete-after:1.5
	run 0 attach 1 "$T/a"
	run 0 detach 1 --timeout 10
	check_owners ''
}

t_guest_is_asked_again() {
	ready
	guest a delete-on:2
	run 0 attach 1 "$T/a"
	run 0 detach 1 --timeout 20
	[ "$(grep -c device_del "$T/a.log")" = 2 ] || fail "asked $(grep -c device_del "$T/a.log") times"
}

t_guest_refuses_first() {
	ready
	guest a refuse-first
	run 0 attach 1 "$T/a"
	run 0 detach 1 --timeout 10
	check_owners ''
}

t_power_light_blinks_first() {
	ready
	guest a busy-first
	run 0 attach 1 "$T/a"
	run 0 detach 1 --timeout 20
	check_owners ''
}

t_lost_event() {
	ready
	guest a no-event
	run 0 attach 1 "$T/a"
	run 0 detach 1 --timeout 3
	check_owners ''
}

t_device_that_cannot_be_unplugged() {
	ready
	guest a "error:device_del:Bus 'pcie.0' does not support hotplugging"
	run 0 attach 1 "$T/a"
	run 1 detach 1
	check_one_line
	check_err "does not support hotplugging"
	check_owners 1=a
}

t_device_given_by_hand_is_found() {
	ready
	guest a
	run 0 attach 1 "$T/a"
	rm "$SVFF_RUN/0000:01:00.0.json"
	run 1 detach 1
	check_err "name it"
	run 0 detach 1 "$T/a"
	check_free
	run 1 detach 2 "$T/a"
	check_one_line
	check_err "does not have VF 2"
}

t_detach_names_the_wrong_guest() {
	ready
	guest a
	guest b
	run 0 attach 1 "$T/a"
	run 1 detach 1 "$T/b"
	check_one_line
	check_err "attached to guest qmp:$T/a, not to qmp:$T/b"
	check_owners 1=a
}

t_unreadable_note() {
	ready
	guest a
	for bad in '' '{' '[]' '{"version": 2, "attached": []}' '{"version": 1, "attached": [{"vf": 0}]}' \
		'{"version": 1, "attached": [7]}'; do
		echo "$bad" >"$SVFF_RUN/0000:01:00.0.json"
		run 1 attach 1 "$T/a"
		check_one_line
		check_err "0000:01:00.0.json"
	done
}

t_two_at_once_one_waits() {
	ready
	guest a delete-after:4
	guest b
	run 0 attach 1 "$T/a"
	"$SVFF" detach 1 >"$T/first" 2>&1 &
	first=$!
	await grep -q device_del "$T/a.log"
	run 0 attach 2 "$T/b"
	check_err "waiting for another svff"
	wait "$first" || fail "the first one failed: $(cat "$T/first")"
	check_owners 2=b
}

t_killed_tool_leaves_a_note_that_mends() {
	ready
	guest a hang:device_add
	"$SVFF" attach 1 "$T/a" >/dev/null 2>&1 &
	tool=$!
	await grep -q device_add "$T/a.log"
	kill -9 "$tool"
	wait "$tool" 2>/dev/null
	guest b
	run 0 attach 1 "$T/b"
	check_owners 1=b
}

main
