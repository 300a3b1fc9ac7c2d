#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Guests that are domains of libvirt; libvirt is a fake (fake-libvirt.c).
# shellcheck disable=SC2317,SC1091,SC2154
. "$(dirname "$0")/cli/common.sh"

# domain NAME [fake-qemu.py's options]: a running domain
domain() {
	guest "$@" --i440fx unprivileged
	: >"$T/$1.domain"
}

ready() {
	run 0 init --vfs 3
	domain a "$@"
}

# The note knows libvirt's guests by name, where others have a path.
check_guests() {
	now=$("$SVFF" status --json | python3 -c 'import json, os, sys
print(" ".join("%d=%s:%s" % (v["vf"], os.path.basename(v["guest"]), v["guest_state"])
               for v in json.load(sys.stdin)["cards"][0]["vf"] if v["guest"]))')
	[ "$now" = "$1" ] || fail "guests have '$now', not '$1'"
}

hostdevs() {
	grep -c hostdev "$T/$1" 2>/dev/null
}

t_attach_and_detach_live_and_in_the_definition() {
	ready
	run 0 attach 1 libvirt:a
	check_out "is attached to guest libvirt:a as ua-svff-vf1-0000-01-00-0"
	check_guests '1=libvirt:a:attached'
	grep -q "managed='no'.*bus='0x01' slot='0x00' function='0x1'.*ua-svff-vf1-0000-01-00-0" "$T/a.domain" ||
		fail "definition: $(cat "$T/a.domain")"
	[ "$(hostdevs a.live)" = 1 ] || fail "not live"
	run 0 detach 1
	check_guests ''
	[ "$(hostdevs a.domain)$(hostdevs a.live)" = 00 ] || fail "left: $(cat "$T/a.domain" "$T/a.live")"
	check_free
}

t_port_is_libvirts_choice() {
	ready
	run 1 attach 1 libvirt:a --bus rp0
	check_one_line
	check_err "guest libvirt:a: libvirt chooses the port itself"
	check_guests ''
	check_driver 1 vfio-pci
}

t_interrupted_detach() {
	ready delete-after:0
	run 0 attach 1 libvirt:a
	FAKE_SIGNAL='libvirt detach' run 0 detach 1
	check_guests ''
	domain b never-delete
	run 0 attach 2 libvirt:b
	FAKE_SIGNAL='libvirt detach' run 1 detach 2
	check_one_line
	check_err "interrupted while guest libvirt:b was to release"
	check_err "the guest may release it later, too"
	check_guests '2=libvirt:b:attached'
	run 0 status
	check_out "libvirt:b (unplug asked, not let go of yet)"
}

t_transient_domain_has_no_definition_to_change() {
	ready
	: >"$T/a.transient"
	run 0 attach 1 libvirt:a
	[ "$(hostdevs a.domain)$(hostdevs a.live)" = 01 ] || fail "$(cat "$T/a.domain" "$T/a.live")"
	run 0 detach 1
	[ "$(hostdevs a.live)" = 0 ] || fail "left"
}

t_pause_and_unpause_by_descriptor() {
	ready
	run 0 attach 1 libvirt:a
	run 0 pause 1
	check_guests '1=libvirt:a:paused'
	run 0 unpause 1
	check_guests '1=libvirt:a:attached'
	grep -q '"group-fd"' "$T/a.log" || fail "no descriptor"
	[ "$(hostdevs a.domain)$(hostdevs a.live)" = 11 ] || fail "the XML is wrong"
}

t_state_that_cannot_be_had_is_discarded_on_demand() {
	run 0 init --vfs 1
	domain a writes-much
	run 0 attach 1 libvirt:a
	run 0 pause 1
	run 1 unpause 1
	check_one_line
	check_err "'svff unpause --discard-state --card 0000:01:00.0 1' lets the guest go on"
	run 0 unpause --discard-state 1
	check_guests '1=libvirt:a:attached'
}

t_domains_do_not_wait_for_each_other() {
	run 0 init --vfs 2
	domain a slow-pause:1 slow-unpause:1
	domain b slow-pause:1 slow-unpause:1
	run 0 attach 1 libvirt:a
	run 0 attach 2 libvirt:b
	run 0 pause 1 2 --json
	check_json 'beside("pause VF 1", "pause VF 2")'
	run 0 unpause 1 2 --json
	check_json 'beside("unpause VF 1", "unpause VF 2")'
	check_guests '1=libvirt:a:attached 2=libvirt:b:attached'
}

# though libvirt still waits for it
t_silent_domain_is_given_up() {
	run 0 init --vfs 1
	domain a hang:vfio-pci-pause
	run 0 attach 1 libvirt:a
	begin=$(date +%s)
	run 1 pause 1 --timeout 1
	[ $(($(date +%s) - begin)) -lt 4 ] || fail "waited too long"
	check_one_line
	check_err "did not answer 'vfio-pci-pause' in time"
}

# whether QEMU has got the command, and whether another one comes after it
t_libvirtd_is_started_anew_meanwhile() {
	ready
	guest b
	run 0 attach 1 libvirt:a
	run 0 attach 2 "$T/b"
	for when in 'after vfio-pci-pause' 'after vfio-pci-unpause' 'after query-vfio-pci' 'after getfd'; do
		FAKE_RESTART=$when "$SVFF" reconf --vfs 4 >"$T/out" 2>"$T/err" || [ $? = 1 ] || fail "$(cat "$T/err")"
		[ ! -e "$SVFF_RUN/0000:01:00.0.journal" ] || run 0 recover
		check_guests '1=libvirt:a:attached 2=b:attached'
		! grep -q 'svff-vf1.*free again' "$T/err" || fail "$when: taken for one that has ended"
		run 0 reconf --vfs 3
	done
	for when in 'before vfio-pci-pause' 'before vfio-pci-unpause'; do
		FAKE_RESTART=$when run 1 reconf --vfs 4
		check_err "client socket is closed"
		[ ! -e "$SVFF_RUN/0000:01:00.0.journal" ] || run 0 recover
		check_guests '1=libvirt:a:attached 2=b:attached'
		check_attribute sriov_numvfs 3
	done
	FAKE_RESTART='after vfio-pci-pause' run 0 reconf --vfs 4
	FAKE_RESTART='after vfio-pci-unpause' run 0 reconf --vfs 3
	FAKE_RESTART='after vfio-pci-pause' run 0 pause 1
	check_guests '1=libvirt:a:paused 2=b:attached'
	FAKE_RESTART='after vfio-pci-unpause' run 0 unpause 1
	check_guests '1=libvirt:a:attached 2=b:attached'
	! grep -q device_del "$T"/?.log || fail "a guest saw an unplug"
}

# and is not back when the domain is to get its VF again: the domain has not ended, and gets it later
t_libvirtd_is_away_for_some_seconds() {
	ready
	run 0 attach 1 libvirt:a
	FAKE_RESTART='behind vfio-pci-pause' FAKE_DOWN=4 run 1 reconf --vfs 4
	check_err "cannot connect to libvirt"
	check_err "rolled back, all is as before"
	check_guests '1=libvirt:a:attached'
	FAKE_RESTART='behind vfio-pci-pause' FAKE_DOWN=30 run 1 reconf --vfs 4
	check_err "'svff recover' tries again"
	check_guests '1=libvirt:a:paused'
	run 0 recover
	check_guests '1=libvirt:a:attached'
	check_attribute sriov_numvfs 3
}

t_libvirtd_that_hangs_is_given_up() {
	ready
	guest b
	run 0 attach 1 "$T/b"
	export FAKE_HANG=connect
	run 0 status
	check_one_line
	check_err "warning: libvirt does not answer 'list domains', so its domains are not known"
	run 0 detach 1
	run 1 attach 1 libvirt:a
	check_err "guest libvirt:a: libvirt does not answer 'find domain'"
	"$SVFF" status >"$T/out" 2>"$T/err" &
	sleep 1
	begin=$(date +%s)
	kill -TERM $!
	wait $!
	[ $(($(date +%s) - begin)) -lt 3 ] || fail "does not hear signals"
}

# It says nothing more in the midst of a command
t_libvirtd_that_begins_to_hang_is_given_up() {
	ready
	FAKE_HANG=list run 0 status
	check_err "warning: libvirt does not answer 'list domains'"
	FAKE_HANG=lookup run 1 attach 1 libvirt:a
	check_err "guest libvirt:a: libvirt does not answer 'find domain'"
	FAKE_HANG=attach run 1 attach 1 libvirt:a --timeout 1
	check_one_line
	check_err "guest libvirt:a did not take 0000:01:00.1: libvirt does not answer 'attach'"
	grep -q libvirt:a "$SVFF_RUN/0000:01:00.0.json" || fail "no note of what is not known"
	FAKE_HANG=close run 0 attach 1 libvirt:a
	check_guests '1=libvirt:a:attached'
	FAKE_HANG=detach run 1 detach 1 --timeout 1
	check_one_line
	check_err "libvirt has not answered 'detach' yet"
	check_guests '1=libvirt:a:attached'
	FAKE_HANG=undefine run 0 detach 1
	check_err "stays in its definition: libvirt does not answer"
	check_guests ''
}

# libvirt has an error of its own for this, the same as for a domain that has ended
t_hostdev_that_libvirt_takes_for_used_is_not_lost() {
	ready
	run 0 attach 1 libvirt:a
	FAKE_IN_USE=1 run 1 reconf --vfs 4 --by-detach
	check_err "PCI device is in use by driver QEMU"
	check_err "rolled back, all is as before"
	check_guests '1=libvirt:a:attached'
	FAKE_IN_USE=1 run 1 attach 2 libvirt:a
	check_one_line
	FAKE_OLD=1 run 1 attach 2 libvirt:a
	check_one_line
	check_err "libvirt before 9.7 knows vfio-pci alone: 'blacklist svff_vfio' in /etc/modprobe.d"
	check_guests '1=libvirt:a:attached'
}

t_reconf_with_a_domain_and_a_bare_qemu() {
	ready
	guest b
	run 0 attach 1 libvirt:a
	run 0 attach 2 "$T/b"
	run 0 reconf --vfs 5 --attach 5=libvirt:a --json
	check_json 'j["way"] == "pause" and j["vfs"] == 5'
	check_guests '1=libvirt:a:attached 2=b:attached 5=libvirt:a:attached'
	! grep -q device_del "$T"/?.log || fail "a guest saw an unplug"
	[ "$(hostdevs a.domain)$(hostdevs a.live)" = 22 ] || fail "the XML is wrong"
	run 0 reconf --vfs 5 --by-detach
	run 0 detach 5
	run 0 reconf --vfs 4 --by-detach
	check_guests '1=libvirt:a:attached 2=b:attached'
	[ "$(hostdevs a.domain)$(hostdevs a.live)" = 11 ] || fail "the XML is wrong"
}

# by_virsh VF [DOMAIN]: as virsh does it, with a name that libvirt chose
by_virsh() {
	name=${2:-a}
	xml="<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0x0000' bus='0x01' slot='0x00' function='0x$1'/></source><alias name='hostdev0'/></hostdev>"
	echo "$xml" >"$T/$name.live"
	echo "$xml" >"$T/$name.domain"
	python3 - "$T/$name" "$1" <<-'END'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		file = s.makefile("rw")
		file.readline()
		file.write(json.dumps({"execute": "device_add", "id": 1, "arguments": {
		    "driver": "vfio-pci", "id": "hostdev0", "host": "0000:01:00." + sys.argv[2]}}) + "\n")
		file.flush()
		file.readline()
	END
}

t_domain_is_found_by_its_hostdev() {
	ready
	by_virsh 2
	check_guests '2=libvirt:a:attached'
	run 1 attach 2 libvirt:a
	check_err "attached to guest libvirt:a"
	run 0 pause 2
	check_out "VF 2 (0000:01:00.2) of guest libvirt:a is paused"
	check_guests '2=libvirt:a:paused'
	run 0 unpause 2
	run 0 reconf --vfs 4
	check_guests '2=libvirt:a:attached'
	! grep -q device_del "$T/a.log" || fail "the domain saw an unplug"
	run 0 detach 2
	[ "$(hostdevs a.domain)" = 0 ] || fail "the definition still has it"
}

# Where a guest sees its disk may look like a VF of the host. b has VF 2, a is looked at first.
t_addresses_in_the_guest_are_not_the_hosts() {
	run 0 init --vfs 3
	domain b
	by_virsh 2 b
	for disk in "<source file='/disk'/>" "<source file='/disk'><privateData/></source>"; do
		domain a
		{
			echo "<disk>$disk<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x2'/></disk>"
			echo "<interface><source network='x'>$disk</source></interface>"
		} >"$T/a.live"
		check_guests '2=libvirt:b:attached'
		rm "$T/a.domain" "$T/a"
	done
}

t_reconf_finds_domains_too() {
	ready
	by_virsh 3
	run 1 reconf --vfs 2
	check_err "guest libvirt:a has it"
	run 0 reconf --vfs 4
	check_guests '3=libvirt:a:attached'
	! grep -q device_del "$T/a.log" || fail "the domain saw an unplug"
}

t_domain_that_is_not_there() {
	ready
	run 1 attach 1 libvirt:nobody
	check_one_line
	check_err "guest libvirt:nobody: Domain not found"
	rm "$T/a.domain"
	run 1 attach 1 libvirt:a
	check_err "cannot connect to libvirt"
	run 1 attach 1 libvirt:
	check_err "names no domain"
}

t_domain_that_was_shut_down_loses_its_vf() {
	ready
	run 0 attach 1 libvirt:a
	kill "$pid_a"
	wait "$pid_a" 2>/dev/null
	rm "$T/a"
	: >"$T/dev/vfio/101"
	run 0 reconf --vfs 4
	check_err "VF 1 of card 0000:01:00.0 is free again"
	check_guests ''
}

t_doctor_looks_at_a_domain() {
	ready
	run 0 doctor --guest libvirt:a
	check_out "libvirt sees to that"
	check_out "guest libvirt:a keeps its VFs while their number changes"
}

t_killed_reconf_of_a_domain_is_recovered() {
	ready
	run 0 attach 1 libvirt:a
	n=0
	while :; do
		n=$((n + 2))
		FAKE_KILL=$n "$SVFF" reconf --vfs 4 >/dev/null 2>"$T/err" && break
		[ "$n" -lt 200 ] || fail "no end"
		run 0 recover
		check_guests '1=libvirt:a:attached'
		[ "$(attribute sriov_numvfs)" = 3 ] || run 0 reconf --vfs 3
	done
	check_guests '1=libvirt:a:attached'
	! grep -q device_del "$T/a.log" || fail "the domain saw an unplug"
}

pkg-config --atleast-version=8.2 libvirt-qemu 2>/dev/null || {
	printf 'KTAP version 1\n1..0 # SKIP no libvirt-dev\n'
	exit 4
}
main
