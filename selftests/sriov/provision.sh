#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Queue quotas: who gets how many, set from sysfs.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

TOTAL=$(get "$S/queues_total")

# The card's name, version and queues, by what is emulated
declare -A CARDS=([eqdma-5.0]="EQDMA 5.0 2048" [eqdma-4.0]="EQDMA 4.0 2048" [qdma-3.1]="QDMA 3.x 2048" [cpm5]="CPM5 1.0 4096")

card()
{
	local ip type version queues

	command -v lab-qmp >/dev/null || skip "not in the emulated host"
	ip=$(lab-qmp get ip) || fail "the card does not say what it is"
	ip=${ip//\"/}
	read -r type version queues <<<"${CARDS[${ip:=eqdma-5.0}]:-}"
	[ -n "$queues" ] || fail "what is $ip?"
	expect "$type" "$S/ip_type"
	expect "$version" "$S/ip_version"
	expect "$queues" "$S/queues_total"
}

facts()
{
	expect $((TOTAL - $(get "$S/pf_queues"))) "$S/queues_free"
	expect 8 "$S/vf_queues_default"
	[ -d "$S/vf1" ] || fail "VF 1 has no folder"
	[ -d "$S/vf252" ] || fail "VF 252 has no folder"
	[ ! -e "$S/vf253" ] || fail "there is a VF 253"
	[ ! -e "$S/vf0" ] || fail "there is a VF 0"
}

default_quota()
{
	put_ok 16 "$S/vf_queues_default"
	put_ok 2 "$D/sriov_numvfs"
	expect 16 "$S/vf1/queues"
	expect 16 "$S/vf2/queues"
	put_ok 8 "$S/vf_queues_default"
	expect 16 "$S/vf2/queues"
	put_ok 0 "$D/sriov_numvfs"
	expect 8 "$S/vf2/queues"
}

own_quota()
{
	local free

	free=$(get "$S/queues_free")
	put_ok 100 "$S/vf2/queues"
	put_ok 1 "$S/vf3/queues"
	put_ok 3 "$D/sriov_numvfs"
	expect 8 "$S/vf1/queues"
	expect 100 "$S/vf2/queues"
	expect 1 "$S/vf3/queues"
	expect $((free - 109)) "$S/queues_free"
	put_ok 0 "$D/sriov_numvfs"
	expect 100 "$S/vf2/queues"
	put_ok 3 "$D/sriov_numvfs"
	expect 100 "$S/vf2/queues"
	put_ok 0 "$D/sriov_numvfs"
	put_ok 8 "$S/vf2/queues"
	put_ok 8 "$S/vf3/queues"
}

client_gets_it()
{
	put_ok 5 "$S/vf1/queues"
	vfs 1
	vf-client --queues 5 --size 5000 "$A" mm || fail "5 queues"
	vf-client --queues 6 "$A" mm && fail "6 queues of a quota of 5"
	no_vfs
	put_ok 0 "$S/vf1/queues"
	vfs 1
	expect ready "$S/vf1/state"
	vf-client "$A" hello || fail "a VF without queues may still say hello"
	vf-client --queues 1 "$A" mm && fail "1 queue of a quota of 0"
	no_vfs
	put_ok 8 "$S/vf1/queues"
}

# Who says HELLO and not BYE is still there, and knows nothing of extensions.
live_quota()
{
	vfs 2
	hold quota "$A"
	put_refused EBUSY 4 "$S/vf1/queues"
	put_refused EBUSY 0 "$S/vf1/queues"
	expect 8 "$S/vf1/queues"
	put_ok 4 "$S/vf3/queues"
	put_ok 8 "$S/vf3/queues"
	hold_end quota
	no_vfs
}

is_ready() { [ "$(get "$S/vf$1/state")" = ready ]; }

# A VF that no driver has taken up gets and loses its range as it is.
idle_quota()
{
	local free

	vfs 2
	free=$(get "$S/queues_free")
	put_ok 0 "$S/vf1/queues"
	expect -1 "$S/vf1/queue_base"
	expect $((free + 8)) "$S/queues_free"
	put_ok 20 "$S/vf1/queues"
	expect $((free + 8 - 20)) "$S/queues_free"
	[ "$(get "$S/vf1/queue_base")" -ge $(($(get "$S/vf2/queue_base") + 8)) ] || fail "VF 1 got queues of VF 2"
	vf-client --queues 20 --size 5000 "$A" mm || fail "20 queues"
	until_true is_ready 1 || fail "the client's BYE is not heard"
	vf-client --queues 8 --size 5000 "$B" mm || fail "VF 2 lost its queues"
	put_ok 5 "$S/vf1/queues"
	vf-client --queues 6 "$A" mm && fail "6 queues of a quota of 5"
	expect $((free + 8 - 5)) "$S/queues_free"
	put_refused ERANGE 257 "$S/vf1/queues"
	# That client said HELLO and no BYE: only a reset tells that it is no more.
	put_refused EBUSY 0 "$S/vf1/queues"
	put_ok 1 "$S/vf1/reset"
	put_ok 0 "$S/vf1/queues"
	no_vfs
	put_ok 8 "$S/vf1/queues"
}

bad_quota()
{
	local v

	put_refused ENOSPC $((TOTAL + 1)) "$S/vf1/queues"
	put_refused ENOSPC 4294967295 "$S/vf1/queues"
	put_refused ERANGE 257 "$S/vf1/queues"
	for v in -1 abc 8x "" 1.5; do
		put_refused EINVAL "$v" "$S/vf1/queues"
		put_refused EINVAL "$v" "$S/vf_queues_default"
	done
	expect 8 "$S/vf1/queues"
	expect 8 "$S/vf_queues_default"
}

# Each quota fits, all together do not.
sum_too_large()
{
	local free n max=$((TOTAL / 240 + 1))

	free=$(get "$S/queues_free")
	for n in $(seq "$max"); do
		put_ok 240 "$S/vf$n/queues"
	done
	log_mark sum
	put_refused ENOSPC "$max" "$D/sriov_numvfs"
	log_since sum | grep -q "VF$max: cannot reserve 240 queues" || { log_since sum; fail "the log does not say why"; }
	expect 0 "$D/sriov_numvfs"
	expect "$free" "$S/queues_free"
	expect absent "$S/vf1/state"
	put_ok $((max - 1)) "$D/sriov_numvfs"
	put_ok 0 "$D/sriov_numvfs"
	for n in $(seq "$max"); do
		put_ok 8 "$S/vf$n/queues"
	done
}

pf_queues()
{
	local free old dev v

	old=$(get "$S/pf_queues")
	free=$(get "$S/queues_free")
	put_ok $((old + 3)) "$S/pf_queues"
	expect $((free - 3)) "$S/queues_free"
	put_ok 0 "$S/pf_queues"
	expect $((free + old)) "$S/queues_free"
	data_device "$PF" && fail "the data device is still there"
	put_ok "$old" "$S/pf_queues"
	dev=$(data_device "$PF") || fail "the data device does not come back"
	until_true test -c "$dev" || fail "no $dev"
	exec 9<"$dev"
	put_refused EBUSY $((old + 1)) "$S/pf_queues"
	exec 9<&-
	put_ok $((old + 1)) "$S/pf_queues"
	put_ok "$old" "$S/pf_queues"
	put_refused ENOSPC $((TOTAL + 1)) "$S/pf_queues"
	put_refused ERANGE 4294967296 "$S/pf_queues"
	for v in -1 abc 8x "" 1.5; do
		put_refused EINVAL "$v" "$S/pf_queues"
	done
	expect "$old" "$S/pf_queues"
	data_device "$PF" >/dev/null || fail "the data device is gone after a refused value"
	expect "$free" "$S/queues_free"
	until_true test -c "$(data_device "$PF")" || fail "no node"
	dd if=/dev/zero of="$(data_device "$PF")" bs=4k count=1 conv=notrunc status=none || fail "no data after a refused value"
}

add "what the card is" card
add "what it has" facts
add "default quota" default_quota
add "own quota, kept while VFs are off" own_quota
add "a client gets its quota and no more" client_gets_it
add "quota under a live VF is EBUSY" live_quota
add "quota of a VF without a driver is set at once" idle_quota
add "quotas that cannot be" bad_quota
add "quotas that do not fit together are ENOSPC" sum_too_large
add "queues of the PF itself" pf_queues
finish
