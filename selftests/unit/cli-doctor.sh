#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# svff doctor: one finding per thing, each with its remedy; status 0 only if all is well.
# shellcheck disable=SC2317,SC1091,SC2154
. "$(dirname "$0")/cli/common.sh"

# bad CHECK TEXT [machine's options]: this finding is bad and has a remedy
bad() {
	check=$1 text=$2
	shift 2
	machine "$@"
	run 1 doctor --json
	check_json "not j['ok'] and any(f['check'] == '$check' and f['verdict'] == 'bad' and '''$text''' in f['text'] and f['remedy'] for f in j['findings'])"
}

t_ready_host() {
	run 0 init --vfs 2
	run 0 doctor
	check_out "this host is ready"
	run 0 doctor --json
	check_json 'j["ok"] and {f["check"] for f in j["findings"]} >= set("kernel module iommu interrupts kvm memlock driver sriov bars ari acs groups".split())'
	check_json 'not any(f["verdict"] in ("bad", "unknown") for f in j["findings"])'
}

t_old_kernel() { bad kernel "5.10.0-x is too old" --kernel 5.10.0-x; }
t_no_modules() { bad module "vfio-pci is not there" --no-modules; }
t_no_iommu() { bad iommu "IOMMU is off" --no-iommu; }
t_no_remapping() { bad interrupts "remapping is off" --no-remapping; }
t_no_kvm() { bad kvm "no KVM" --no-kvm; }
t_no_sriov() { bad sriov "has no SR-IOV" --no-sriov; }
t_no_vfs() { bad sriov "TotalVFs is 0" --total 0; }
t_no_bars() { bad bars "no address space" --no-bars; }
t_no_ari() { bad ari "has ARI off" --no-ari; }
t_no_acs() { bad acs "does not isolate" --no-acs; }
t_no_card() { bad card "no card" --cards 0; }
t_unbound_card() { bad driver "not bound to svff_pf" --driver ''; }

t_few_vfs_do_without_ari() {
	machine --no-ari --total 7
	run 0 doctor
	check_out "7 VFs may do without"
}

t_remedy_is_for_this_processor() {
	machine --no-iommu
	run 1 doctor
	check_out "intel_iommu=on"
	machine --no-iommu --cpu AuthenticAMD
	run 1 doctor
	check_out "AMD-Vi"
}

t_unsafe_interrupts_are_a_warning() {
	machine --no-remapping --unsafe
	run 0 doctor
	check_out "a guest can raise any interrupt"
}

t_what_cannot_be_read_is_not_ready() {
	machine --short-config
	run 1 doctor --json
	check_json 'any(f["check"] == "acs" and f["verdict"] == "unknown" and f["remedy"] == "be root" for f in j["findings"])'
}

t_shared_group() {
	run 0 init --vfs 2
	ln -s "$PF" "$T/sys/kernel/iommu_groups/102/devices/0000:01:00.0"
	run 1 doctor
	check_out "VF 2 (0000:01:00.2) shares its IOMMU group"
}

# limits BYTES CAPABILITIES: of guest a
limits() {
	mkdir -p "$T/proc/$pid_a"
	printf 'CapEff:\t%s\n' "$2" >"$T/proc/$pid_a/status"
	printf 'Max locked memory         %-20s %-20s bytes\n' "$1" "$1" >"$T/proc/$pid_a/limits"
}

t_guest_with_ports() {
	guest a --ports 3
	limits unlimited 0000000000000000
	run 0 doctor --guest "$T/a"
	check_out "has 3 hot-plug ports, 3 of them free, the first is rp0"
	check_out "can take VFIO devices"
}

t_guest_without_ports() {
	guest a --ports 0
	run 1 doctor --guest "$T/a"
	check_out "none is free"
}

t_guest_that_cannot_pause() {
	guest a no-pause
	limits unlimited 0
	run 0 doctor --guest "$T/a"
	check_out "its QEMU cannot pause"
}

t_guest_without_vfio() {
	guest a no-vfio
	run 1 doctor --guest "$T/a"
	check_out "cannot take VFIO devices"
}

t_guest_that_is_not_there() {
	run 1 doctor --guest "qmp:$T/none"
	check_out "is not running"
}

t_guest_that_may_lock_too_little() {
	guest a
	limits 8388608 0000000000000000
	run 1 doctor --guest "$T/a"
	check_out "may lock 8 MiB, its memory is 512 MiB"
}

t_guest_that_may_lock_all() {
	guest a
	limits 8388608 000001ffffffffff
	run 0 doctor --guest "$T/a"
	check_out "qmp:$T/a may lock all memory"
}

t_card_that_is_none() {
	run 1 doctor --card 0000:00:1f.0
	check_one_line
	check_err "not a card"
}

main
