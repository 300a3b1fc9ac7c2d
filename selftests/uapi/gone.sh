#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Files that are open when their device goes say ENODEV, whatever is tried on them; and nothing is left behind.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

node_of() { [ -c "$(data_device "$1" 2>/dev/null)" ] && [ -c "$(stream_device "$1" 2>/dev/null)" ]; }

# gone COMMAND FILE...: uapi-gone has these open while the command takes the device away
gone()
{
	local what=$1
	shift

	hold_start gone uapi-gone "$@"
	$what
	hold_end gone
	[ "$HELD" -eq 0 ] || { cat "$TMP/gone.log"; fail "$(grep -m 1 -E '^(not ok|Bail)' "$TMP/gone.log")"; }
}

one_vf()
{
	no_vfs
	modprobe svff_vf || fail "modprobe svff_vf"
	put_ok 1 "$D/sriov_numvfs"
	vf_bind 1 svff_vf
	VF=$(vf_link 1)
	until_true node_of "$VF" || fail "no devices of the VF"
}

unbind_pf() { put_ok "$PF" "$D/driver/unbind"; }
bind_pf()
{
	put_ok "$PF" /sys/bus/pci/drivers/svff_pf/bind
	until_true node_of "$PF" || fail "no devices of the PF"
}

# Those that can be written are: to a card that is there, 1 is harmless or refused.
pf_gone()
{
	one_vf
	gone unbind_pf "$(control_device)" "$(data_device "$PF")" "$(stream_device "$PF")" "$S"/vf1/{queues,queue_base,state,reset,pause,muted} \
		"$S"/vf1/stats/requests "$S"/{pf_queues,vf_queues_default,vf_message_rate,busy_policy,queues_free}
	bind_pf
	sub uapi-data "$(data_device "$PF")" sizes
}

unbind_vf() { put_ok "$VF" /sys/bus/pci/drivers/svff_vf/unbind; }

vf_gone()
{
	one_vf
	"$1"
	gone "$2" - "$(data_device "$VF")" "$(stream_device "$VF")"
	"$3"
	one_vf
	sub uapi-data "$(data_device "$VF")" sizes
}

pulled_out()
{
	inject surprise-removal true
	put_ok 1 "$D/remove"
}

back()
{
	inject surprise-removal false
	echo 1 >/sys/bus/pci/rescan
	until_true node_of "$PF" || fail "not found again"
	echo 0 >"$D/sriov_drivers_autoprobe"
}

# A reset takes its time, and a signal does not cut it short.
signal_within()
{
	local pid i ended

	one_vf
	for i in 1 2 3; do
		inject flr-hang true
		( put 1 "$S/vf1/reset" ) >"$TMP/reset" &
		pid=$!
		until_true grep -q resetting "$S/vf1/state" || fail "state $(get "$S/vf1/state")"
		kill -TERM "$pid"
		inject flr-hang false
		ended=0; wait "$pid" || ended=$?
		[ "$ended" -eq 143 ] || fail "status $ended: $(cat "$TMP/reset")"
		grep -q resetting "$S/vf1/state" && fail "still resetting"
	done
	put_ok 1 "$S/vf1/reset"
	until_true node_of "$VF" || fail "no devices of the VF"
	until_true grep -q active "$S/vf1/state" || fail "state $(get "$S/vf1/state")"
	sub uapi-data "$(data_device "$VF")" sizes
}

add "the PF's driver is unbound" pf_gone
add "a VF's driver is unbound" vf_gone : unbind_vf :
add "the VFs are removed" vf_gone : no_vfs :
add "the card is pulled out" vf_gone : pulled_out back
add "signals within a reset" signal_within
finish
