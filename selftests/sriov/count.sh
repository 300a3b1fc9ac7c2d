#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The number of VFs: what sriov_numvfs takes, and what it refuses.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

MANY="1 $(! long || echo 2 16 64) 252"

links() { find "$D/" -maxdepth 1 -name 'virtfn*' | wc -l; }

# Prints base and count of every VF that has queues, sorted.
ranges()
{
	# shellcheck disable=SC2046	# these paths hold no blanks
	paste <(cat $(seq -f "$S/vf%g/queue_base" "$1")) <(cat $(seq -f "$S/vf%g/queues" "$1")) | sort -n
}

disjoint()
{
	ranges "$1" | awk -v total="$(get "$S/queues_total")" '$1 < end { exit 1 } { end = $1 + $2 } END { exit end > total }'
}

enable()
{
	local free

	free=$(get "$S/queues_free")
	put_ok "$1" "$D/sriov_numvfs"
	expect "$1" "$D/sriov_numvfs"
	[ "$(links)" -eq "$1" ] || fail "$(links) functions"
	expect ready "$S/vf1/state"
	expect ready "$S/vf$1/state"
	[ "$1" -eq 252 ] || expect absent "$S/vf$(($1 + 1))/state"
	disjoint "$1" || { ranges "$1"; fail "ranges overlap"; }
	expect $((free - 8 * $1)) "$S/queues_free"
	put_ok 0 "$D/sriov_numvfs"
	expect 0 "$D/sriov_numvfs"
	[ "$(links)" -eq 0 ] || fail "$(links) functions are left"
	expect absent "$S/vf$1/state"
	expect -1 "$S/vf$1/queue_base"
	expect "$free" "$S/queues_free"
}

too_many()
{
	put_refused ERANGE 253 "$D/sriov_numvfs"
	put_refused ERANGE 65535 "$D/sriov_numvfs"
	put_refused EINVAL -1 "$D/sriov_numvfs"
	put_refused EINVAL many "$D/sriov_numvfs"
	expect 0 "$D/sriov_numvfs"
}

while_set()
{
	put_ok 2 "$D/sriov_numvfs"
	put_refused EBUSY 3 "$D/sriov_numvfs"
	put_refused EBUSY 1 "$D/sriov_numvfs"
	put_ok 2 "$D/sriov_numvfs"
	expect 2 "$D/sriov_numvfs"
	put_ok 0 "$D/sriov_numvfs"
	put_ok 0 "$D/sriov_numvfs"
}

# Who drives VFs is the administrator's business.
autoprobe_kept()
{
	local v

	for v in 1 0; do
		echo "$v" >"$D/sriov_drivers_autoprobe"
		put_ok 1 "$D/sriov_numvfs"
		expect "$v" "$D/sriov_drivers_autoprobe"
		[ "$v" = 1 ] || [ ! -e "$D/virtfn0/driver" ] || fail "bound to $(basename "$(readlink "$D/virtfn0/driver")")"
		put_ok 0 "$D/sriov_numvfs"
	done
}

busy()
{
	vfs 2
	hold a "$B" --queues 2
	log_mark busy
	put_refused EBUSY 0 "$D/sriov_numvfs"
	log_since busy | grep -q 'VF2 ' || { log_since busy; fail "the log does not name VF2"; }
	log_since busy | grep -q 'VF1' && fail "the log names VF1"
	expect 2 "$D/sriov_numvfs"
	expect active "$S/vf2/state"
	expect 4 "$S/vf2/queues_active"
	hold_end a
	put_ok 0 "$D/sriov_numvfs"
}

two_busy()
{
	vfs 2
	hold a "$A"
	hold b "$B"
	log_mark two
	put_refused EBUSY 0 "$D/sriov_numvfs"
	log_since two | grep -qE 'VF(1-2|1,2|1.*VF2)' || { log_since two; fail "the log does not name both"; }
	hold_end a KILL
	hold_end b KILL
	put_ok 0 "$D/sriov_numvfs"
}

bound_but_idle()
{
	vfs 1
	hold a "$A" --no-queues
	put_ok 0 "$D/sriov_numvfs"
	hold_says a 'pf-bye\|wanted-back' || fail "the client was not asked"
	hold_end a
}

killed()
{
	vfs 1
	hold a "$A" --queues 3
	hold_end a KILL
	put_ok 0 "$D/sriov_numvfs"
}

release()
{
	vfs 2
	hold a "$A" --queues 2
	put_ok release "$S/busy_policy"
	expect release "$S/busy_policy"
	put_ok 0 "$D/sriov_numvfs"
	put_ok refuse "$S/busy_policy"
	expect 0 "$D/sriov_numvfs"
	hold_says a 'pf-bye\|wanted-back' || fail "the client was not asked"
	hold_end a
}

policy_words()
{
	expect refuse "$S/busy_policy"
	put_refused EINVAL maybe "$S/busy_policy"
	put_refused EINVAL refused "$S/busy_policy"
	put_refused EINVAL "" "$S/busy_policy"
	expect refuse "$S/busy_policy"
}

for n in $MANY; do
	add "$n VFs on and off" enable "$n"
done
add "more than TotalVFs is refused" too_many
add "a count while another is set is refused" while_set
add "sriov_drivers_autoprobe is kept, VFs are bound to nothing" autoprobe_kept
add "0 while a VF has live queues is refused and names it" busy
add "two such VFs are both named" two_busy
add "0 with a VF that is bound but idle" bound_but_idle
add "0 after a client was killed" killed
add "busy_policy release asks the client and goes on" release
add "busy_policy takes only its words" policy_words
allow 'DMAR: \[DMA'
finish
