#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Spare VFs: made beforehand and hidden; a reconf within them touches nobody.
# shellcheck disable=SC2317,SC1091,SC2154
. "$(dirname "$0")/cli/common.sh"

# VF 1 is a's; 2 VFs, 4 spare ones
ready() {
	run 0 init --vfs 2 --spare 4
	guest a
	run 0 attach 1 "$T/a"
	: >"$FAKE_LOG"
	: >"$T/a.log"
}

untouched() {
	! grep -qv 'query-\|qom-\|qmp_capabilities' "$T/a.log" || fail "guest a was touched: $(cat "$T/a.log")"
	! grep -q 'sriov_numvfs\|01:00\.1\|vf1/' "$FAKE_LOG" || fail "VF 1 was touched: $(cat "$FAKE_LOG")"
}

t_init_makes_and_hides_them() {
	run 0 init --vfs 2 --spare 4
	check_out "card 0000:01:00.0 has 2 VFs, and 4 spare ones"
	check_attribute sriov_numvfs 6
	for vf in 3 4 5 6; do
		check_attribute "svff/vf$vf/queues" 0
		check_attribute "svff/vf$vf/queue_base" -1
		check_driver "$vf" ''
		check_override "$vf" vfio-pci
	done
	check_driver 2 vfio-pci
	run 0 init --vfs 2 --spare 4
	run 1 init --vfs 2 --spare 3
	check_one_line
	run 1 init --vfs 2
	check_err "has 2 VFs and 4 spare ones already: 'svff reconf --card 0000:01:00.0 --vfs 2 --spare 0' changes"
	run 0 reconf --vfs 4
	run 1 init --vfs 2 --spare 4
	check_err "has 4 VFs and 2 spare ones already: 'svff reconf --card 0000:01:00.0 --vfs 2 --spare 4' changes"
	check_attribute svff/vf4/queues 8
	run 0 reconf --card 0000:01:00.0 --vfs 2 --spare 4
	run 0 init --vfs 2 --spare 4
	run 0 reconf --vfs 6 --spare 0
	run 1 init --vfs 2 --spare 4
	check_err "has 6 VFs already: 'svff reconf --card 0000:01:00.0 --vfs 2 --spare 4' changes"
}

t_status_shows_them_on_demand() {
	ready
	run 0 status
	check_out "VFs     2 of 8, 4 spare"
	[ "$(grep -c '0000:01:00\.[1-9]' "$T/out")" = 2 ] || fail "$(cat "$T/out")"
	run 0 status --all
	[ "$(grep -c '0000:01:00\.[1-9]' "$T/out")" = 6 ] || fail "$(cat "$T/out")"
	run 0 status --json
	check_json 'j["cards"][0]["vfs"] == 2 and j["cards"][0]["spare"] == 4 and len(j["cards"][0]["vf"]) == 2'
	run 0 list --json
	check_json 'j["cards"][0]["vfs"] == 2 and j["cards"][0]["spare"] == 4'
}

t_reconf_within_them_touches_nobody() {
	ready
	run 0 reconf --vfs 4 --dry-run
	check_out "give VF 3 8 queues"
	check_out "by spare VFs: no guest is touched"
	[ ! -s "$FAKE_LOG" ] || fail "wrote $(cat "$FAKE_LOG")"
	run 0 reconf --vfs 4 --json
	check_json 'j["way"] == "spare" and j["vfs"] == 4 and j["spare"] == 2'
	check_json '[s["name"].split()[0] for s in j["steps"]] == "give bind give bind".split()'
	untouched
	check_attribute sriov_numvfs 6
	check_attribute svff/vf3/queues 8
	check_driver 4 vfio-pci
	check_driver 5 ''
	check_owners 1=a
}

t_new_guest_gets_one() {
	ready
	guest b
	run 1 attach 3 "$T/b"
	check_one_line
	check_err "VF 3 of card 0000:01:00.0 is a spare one"
	run 0 reconf --vfs 3 --queues 16 --attach "3=$T/b"
	check_attribute svff/vf3/queues 16
	check_owners '1=a 3=b'
	untouched
}

t_fewer_make_spare_ones() {
	ready
	run 0 reconf --vfs 4
	run 0 reconf --vfs 1
	check_out "1 VFs, and 5 spare ones"
	check_attribute sriov_numvfs 6
	check_attribute svff/vf2/queues 0
	check_driver 2 ''
	untouched
	guest b
	run 0 reconf --vfs 3 --attach "3=$T/b"
	run 1 reconf --vfs 2
	check_one_line
	check_err "guest qmp:$T/b has it"
	run 0 reconf --vfs 2 --force
	check_owners 1=a
	check_attribute svff/vf3/queues 0
}

t_beyond_them_is_by_pause() {
	ready
	run 0 reconf --vfs 7 --dry-run
	check_out "by pause: guests keep their devices"
	run 0 reconf --vfs 7
	check_attribute sriov_numvfs 7
	check_attribute svff/vf6/queues 8
	check_driver 7 vfio-pci
	check_owners 1=a
	! grep -q device_del "$T/a.log" || fail "guest a saw an unplug"
}

t_spare_ones_by_reconf() {
	run 0 init --vfs 2
	guest a
	run 0 attach 1 "$T/a"
	run 0 reconf --vfs 2 --spare 3
	check_out "has 2 VFs, and 3 spare ones"
	check_attribute sriov_numvfs 5
	check_attribute svff/vf3/queues 0
	check_driver 3 ''
	run 0 reconf --vfs 3 --spare 2
	check_attribute sriov_numvfs 5
	check_driver 3 vfio-pci
	run 0 reconf --vfs 3 --spare 0
	check_attribute sriov_numvfs 3
	check_owners 1=a
}

t_quotas_of_earlier_spare_ones_are_forgotten() {
	run 0 init --vfs 1 --spare 2
	run 0 reconf --vfs 0
	check_attribute svff/vf2/queues 0
	run 0 init --vfs 3
	check_attribute svff/vf2/queues 8
	check_out "has 3 VFs"
	! grep -q spare "$T/out" || fail "spare ones: $(cat "$T/out")"
}

t_failure_takes_all_back() {
	for rule in 'vf4/queues 8=28@1' '/bind 0000:01:00.4=5@1' '/bind 0000:01:00.3=5@1'; do
		machine
		ready
		picture >"$T/before"
		FAKE_FAIL="$rule" run 1 reconf --vfs 4
		picture >"$T/after"
		cmp -s "$T/before" "$T/after" || fail "$rule: $(diff "$T/before" "$T/after" | head -n 3)"
		check_owners 1=a
		stop_guests
	done
}

t_killed_within_them() {
	ready
	before=$(picture)
	n=0
	while :; do
		n=$((n + 1))
		FAKE_KILL=$n "$SVFF" reconf --vfs 4 >/dev/null 2>"$T/err" && break
		[ "$n" -lt 100 ] || fail "no end"
		run 0 recover
		[ "$(picture)" = "$before" ] || fail "killed at $n: not as before"
	done
	[ "$n" -gt 5 ] || fail "only $n deeds"
	check_owners 1=a
}

t_wrong_usage() {
	run 2 init --vfs 2 --spare x
	run 2 init --vfs 2 --spare 1 --no-bind
	run 1 init --vfs 6 --spare 3
	check_err "at most 8"
}

main
