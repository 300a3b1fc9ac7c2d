# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of pausing share. Sourced; see ../sriov/vf.sh and qemu-cases.py.

. "$(dirname "$0")/../sriov/vf.sh"

CASE_LIMIT=120	# seconds
BACKEND=()	# options of qemu-cases.py
PAUSE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

py() { timeout "$CASE_LIMIT" "$PAUSE/qemu-cases.py" "${BACKEND[@]}" "$@"; }

# A case leaves its VFs as good as new: QEMU gave them back, and they were reset.
both_there()
{
	local n

	[ "$(get "$D/sriov_numvfs")" = 2 ] || return
	for n in 1 2; do
		[ "$(basename "$(readlink "$D/virtfn$((n - 1))/driver")")" = vfio-pci ] || return
	done
	A=$(vf_link 1)
	B=$(vf_link 2)
}

# on CASE: with two VFs
on()
{
	both_there || vfs 2
	py "$1" "$A" "$B" || fail "$(tail -n 1 "$TMP/out")"
}

# talk CASE ARG...: a case that says what it waits for. Bash forgets a coprocess that has ended.
talk()
{
	: >"$TMP/said"
	coproc py "$@" 2>&1
	talk_pid=$COPROC_PID
	exec {talk_in}<&"${COPROC[0]}" {talk_out}>&"${COPROC[1]}"
}

# Waits until the case says the word.
hear()
{
	local line

	while read -r -t "$CASE_LIMIT" line <&"$talk_in"; do
		echo "$line" | tee -a "$TMP/said"
		[ "$line" != "$1" ] || return 0
	done
	fail "$(tail -n 1 "$TMP/said")"
}

go() { echo go >&"$talk_out"; }

talk_end()
{
	cat <&"$talk_in" | tee -a "$TMP/said"
	wait "$talk_pid" || fail "$(tail -n 1 "$TMP/said")"
}

new_vfs()
{
	put_ok 2 "$D/sriov_numvfs"
	vf_bind 1 vfio-pci
	vf_bind 2 vfio-pci
}

# Both VFs go, under two machines that were told to let them go; then they come back, exchanged.
host_request()
{
	vfs 2
	talk host_request "$A" "$B"
	hear ready
	echo release >"$S/busy_policy"
	put_ok 0 "$D/sriov_numvfs"
	go
	hear paused
	new_vfs
	go
	talk_end
}

modprobe kvm_amd
