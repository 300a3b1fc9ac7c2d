#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# svff init: VFs made, quotas given, VFs bound; all or nothing.
# shellcheck disable=SC2317,SC1091
. "$(dirname "$0")/cli/common.sh"

t_makes_and_binds_vfs() {
	run 0 init --vfs 2
	check_attribute sriov_numvfs 2
	check_driver 1 vfio-pci
	check_driver 2 vfio-pci
	check_out "card 0000:01:00.0 has 2 VFs"
}

t_json_has_the_steps_and_their_times() {
	run 0 init --vfs 2 --json
	check_json 'j["ok"] and j["vfs"] == 2 and [s["name"] for s in j["steps"]] == ["enable 2 VFs", "bind VFs 1-2 to VFIO"]'
	check_json 'all(s["result"] == "done" and s["ms"] > 0 for s in j["steps"])'
}

t_gives_quotas_before_the_vfs_live() {
	run 0 init --vfs 2 --queues 16
	check_attribute svff/vf1/queues 16
	check_attribute svff/vf2/queues 16
	check_attribute svff/vf3/queues 8
}

t_no_bind_leaves_vfs_alone() {
	run 0 init --vfs 2 --no-bind
	check_driver 1 ''
	! grep -q driver_override "$FAKE_LOG" || fail "an override was written"
}

t_dry_run_writes_nothing() {
	run 0 init --vfs 2 --queues 4 --dry-run
	check_out 'give each of 2 VFs 4 queues'
	check_out 'enable 2 VFs'
	[ ! -e "$FAKE_LOG" ] || fail "wrote $(cat "$FAKE_LOG")"
	[ ! -e "$SVFF_RUN" ] || fail "made $SVFF_RUN"
}

t_autoprobe_is_off_for_the_moment_only() {
	export FAKE_VF_DRIVER=other_vf
	mkdir "$T/sys/bus/pci/drivers/other_vf"
	run 0 init --vfs 1
	check_driver 1 vfio-pci
	check_attribute sriov_drivers_autoprobe 1
}

t_autoprobe_that_stays_off_is_told() {
	FAKE_FAIL='sriov_drivers_autoprobe 1=5' run 0 init --vfs 1
	check_err "warning: card 0000:01:00.0: sriov_drivers_autoprobe stays 0: write 1 to it"
}

t_refuses_a_count_while_another_is_set() {
	run 0 init --vfs 2
	run 1 init --vfs 3
	check_one_line
	check_err "has 2 VFs already: 'svff reconf --card 0000:01:00.0 --vfs 3"
	check_attribute sriov_numvfs 2
}

t_same_count_again_is_fine_and_mends() {
	run 0 init --vfs 2 --no-bind
	run 0 init --vfs 2
	check_driver 2 vfio-pci
	run 0 init --vfs 2
}

t_takes_vfs_that_this_host_got_first() {
	FAKE_VF_DRIVER=svff_vf run 0 init --vfs 2 --no-bind
	check_driver 2 svff_vf
	run 0 init --vfs 2
	check_driver 1 vfio-pci
	check_driver 2 vfio-pci
}

t_refuses_vfs_of_other_drivers_of_this_host() {
	mkdir "$T/sys/bus/pci/drivers/other_vf"
	FAKE_VF_DRIVER=other_vf run 0 init --vfs 2 --no-bind
	run 1 init --vfs 2
	check_one_line
	check_err "in use by driver other_vf"
	check_driver 1 other_vf
	check_driver 2 other_vf
}

t_refuses_more_than_total_vfs() {
	run 1 init --vfs 9
	check_one_line
	check_err "at most 8"
	check_attribute sriov_numvfs 0
}

t_refuses_zero() {
	run 1 init --vfs 0
	check_one_line
	check_err "reconf --vfs 0"
}

t_failed_bind_takes_all_back() {
	picture >"$T/before"
	FAKE_FAIL='/bind 0000:01:00.3=5' run 1 init --vfs 4 --queues 4
	check_err "VF 3 of card 0000:01:00.0"
	check_err "rolled back, all is as before"
	picture >"$T/after"
	cmp -s "$T/before" "$T/after" || fail "$(diff "$T/before" "$T/after" | head -n 3)"
}

t_probe_that_binds_nothing_is_a_failure() {
	rmdir "$T/sys/bus/pci/drivers/vfio-pci"
	mkdir "$T/sys/module/vfio-pci" 2>/dev/null
	run 1 init --vfs 1
	check_err "vfio-pci did not take it"
	check_attribute sriov_numvfs 0
}

t_failed_quota_takes_the_others_back() {
	FAKE_FAIL='vf3/queues 16=28' run 1 init --vfs 4 --queues 16
	check_one_line
	check_err "VF 3 of card 0000:01:00.0 cannot have 16 queues"
	check_attribute svff/vf1/queues 8
	check_attribute sriov_numvfs 0
}

t_quota_beyond_what_is_free() {
	machine --free 100
	run 1 init --vfs 1 --queues 200
	check_one_line
	check_err "100 of 2048 are free"
}

t_kernel_refuses_the_count() {
	FAKE_FAIL='sriov_numvfs=12' run 1 init --vfs 1 --json
	check_json 'not j["ok"] and j["error"]["errno"] == "ENOMEM" and j["steps"][0]["result"] == "failed"'
	check_err "Cannot allocate memory"
}

t_no_permission_says_be_root() {
	FAKE_FAIL='sriov_numvfs=13' run 1 init --vfs 1
	check_one_line
	check_err "be root"
}

t_no_iommu_group_says_so() {
	FAKE_NO_IOMMU=1 run 1 init --vfs 1
	check_err "has no IOMMU group"
	check_attribute sriov_numvfs 0
}

t_interrupted_is_taken_back() {
	FAKE_SIGNAL='/bind 0000:01:00.2' run 1 init --vfs 4
	check_err "interrupted"
	check_err "rolled back"
	check_attribute sriov_numvfs 0
	check_attribute sriov_drivers_autoprobe 1
}

t_signal_that_is_ignored_interrupts_nothing() {
	(
		trap '' TERM
		FAKE_SIGNAL='/bind 0000:01:00.2' exec "$SVFF" init --vfs 4 >"$T/out" 2>"$T/err"
	) || fail "$(cat "$T/err")"
	check_attribute sriov_numvfs 4
}

t_bdf_that_is_no_card() {
	for bad in 0000:00:1f.0 0000:00:01.0; do
		run 1 init --card "$bad" --vfs 1
		check_one_line
		check_err "$bad"
		check_err "not a card"
	done
	run 1 init --card 0000:77:00.0 --vfs 1
	check_err "no PCI device 0000:77:00.0"
	run 1 init --card nonsense --vfs 1
	check_err "write it like 0000:01:00.0"
	run 0 init --card 01:00.0 --vfs 1
	run 1 init --card 01:00.1 --vfs 1
	check_err "is a VF, not a card: its card is 0000:01:00.0"
}

t_several_cards_need_a_choice() {
	machine --cards 2
	run 1 init --vfs 1
	check_one_line
	check_err "0000:01:00.0 0000:02:00.0"
	run 0 init --vfs 1 --card 02:00.0
}

t_card_without_its_driver() {
	machine --driver ''
	run 1 init --vfs 1
	check_one_line
	check_err "modprobe svff_pf"
	machine --driver qdma-pf
	run 1 init --vfs 1
	check_one_line
	check_err "bound to driver qdma-pf"
}

t_card_without_sriov() {
	machine --no-sriov
	run 1 init --vfs 1
	check_one_line
	check_err "no SR-IOV"
}

t_no_card_at_all() {
	machine --cards 0
	run 1 init --vfs 1
	check_one_line
	check_err "no card with QDMA"
}

t_252_vfs() {
	machine --total 252
	run 0 init --vfs 252
	check_driver 252 vfio-pci
}

main
