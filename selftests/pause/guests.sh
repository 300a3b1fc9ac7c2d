# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests with guests share that have a VF each and move data all the time: two, or those that WITH names when
# this is sourced.
# shellcheck disable=SC2317,SC2329	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"
need_svff_vfio

WAIT_S=60	# guests are slow, the more so the more there are
RUN=/run/svff-lab
# shellcheck disable=SC2016	# expanded when svff has ended
WELL='expect "$OTHER" "$D/sriov_numvfs"'
REST_MS=${REST_MS:-0}	# that guests rest between blocks: they answer sooner
read -ra GUESTS <<<"${WITH:-A B}"
# Card addresses in MiB
declare -A REGION=([A]=0 [B]=128 [L]=0) VF=([A]=1 [B]=2)

# refused TEXT ARG...: svff fails, and says so
refused()
{
	svff "${@:2}" >"$TMP/said" 2>&1 && fail "svff ${*:2} succeeds"
	grep -qE "$1" "$TMP/said" || { cat "$TMP/said"; fail "svff ${*:2} does not say '$1'"; }
}

# drive GUEST: the guest's driver gets its VF, and it begins to move data
drive()
{
	guest_drives "$1" || fail "guest $1 has no data device"
	mover_start "$1" "${REGION[$1]}" "$REST_MS"
	guest_run "$1" 'dmesg -C'
}

qemu_pid() { cat "$RUN/$1.pid"; }

# Memory of a guest's QEMU that its VFs keep where it is: a container counts it as locked, iommufd as pinned
locked_kb() { awk '/^Vm(Lck|Pin)/ { n += $2 } END { print n }' "/proc/$(qemu_pid "$1")/status"; }

# each COMMAND...: with each guest as its last word, all at the same time
each()
{
	local g pids=() p

	for g in "${GUESTS[@]}"; do
		"$@" "$g" &
		pids+=($!)
	done
	for p in "${pids[@]}"; do
		wait "$p" || { svff status; cat "$TMP/said"; fail "'$*' fails in a guest"; }
	done
}

start_guest() { guest_start "$1" "$LAB_KERNEL" || fail "guest $1 does not start"; }

# begin [OPTION...]: of svff init
begin()
{
	local g

	must svff init --vfs "${#GUESTS[@]}" "$@"
	each start_guest
	for g in "${GUESTS[@]}"; do
		must svff attach "${VF[$g]}" "qmp:$RUN/$g.qmp"
	done
	each drive
}

# go_on GUEST: it moves data, and has noticed nothing
go_on()
{
	mover_goes_on "$1"
	guest_untouched "$1"
}

all_go_on() { each go_on; }

has_journal() { [ -e "/run/svff/$PF.journal" ]; }

#--- svff that is stopped on its way

tool_state()
{
	local state=''

	read -r _ _ state _ 2>/dev/null <"/proc/$tool_pid/stat"
	echo "$state"
}

tool_rests() { [[ $(tool_state) =~ ^[TZ]?$ ]]; }

# stopped N|TEXT ARG...: svff stops after the N-th thing that it does, or the first whose line in the log holds the text, see
# stop-at.c. Status 1: there is no such thing, it ended
stopped()
{
	rm -f "$TMP/deeds"
	STOP_AT=$1 STOP_LOG=$TMP/deeds LD_PRELOAD=$HERE/../pause/stop-at.so svff "${@:2}" >"$TMP/said" 2>&1 3>&- &
	tool_pid=$!
	trap 'kill -KILL "$tool_pid" 2>/dev/null' EXIT	# of the case: it holds the card
	until_true tool_rests || fail "svff ${*:2} neither stops nor ends"
	[ "$(tool_state)" = T ] || return 1
	echo "stopped: $(tail -n 1 "$TMP/deeds")"
}

# goes_on: svff that was stopped does. Status: its own
goes_on()
{
	kill -CONT "$tool_pid"
	wait "$tool_pid"
}

# ends: svff that was stopped goes on, and what it says of itself is so: it has done what WELL finds, or tells why not
ends()
{
	local rc=0

	goes_on || rc=$?
	[ "$rc" -ne 0 ] || { eval "$WELL"; return; }
	echo "status $rc: $(cat "$TMP/said")"
	if [ "$rc" -ne 1 ] || [ ! -s "$TMP/said" ]; then
		fail "status $rc of svff, which does not say why"
	fi
}

# What svff could not bring to an end is recovered.
settle()
{
	! has_journal || { tool recover; told '.needed and .ok'; }
	! has_journal || fail "not recovered"
}

# other SUM, either SUM: OTHER is the number of VFs that a reconf is to make, of two whose sum is this; now it is one of them
other() { OTHER=$(($1 - $(get "$D/sriov_numvfs"))); }

either()
{
	local now

	now=$(get "$D/sriov_numvfs")
	[ "$now" -eq "$OTHER" ] || [ "$now" -eq $(($1 - OTHER)) ] || fail "$now VFs, neither $OTHER nor $(($1 - OTHER))"
}

# sweep STRIDE WHAT BEFORE AFTER WORDS: svff WORDS is stopped at one thing that it does and each STRIDE-th after it. WHAT
# happens then, and has svff go on, or not; afterwards the guests go on. BEFORE and AFTER are done around each.
sweep()
{
	local n

	settle
	for ((n = 1; n < 300; n += $1)); do
		eval "$3"
		eval "stopped $n $5" || break
		"$2"
		settle
		eval "$4"
		all_go_on
	done
	wait "$tool_pid" || fail "fails though nothing happens: $(cat "$TMP/said")"
	[ "$n" -gt 4 ] || fail "svff $5 does only $n things"
	eval "$4"
	all_go_on
}

stop_moving()
{
	mover_stop "$1"
	# shellcheck disable=SC2153	# set by mover_stop
	[ "$FAILED" -eq 0 ] || fail "guest $1: $FAILED transfers failed"
	echo "guest $1: $ROUNDS rounds, longest gap $GAP ms"
	guest_log_clean "$1"
}

end()
{
	local g

	each stop_moving
	for g in "${GUESTS[@]}"; do
		must svff detach "${VF[$g]}"
	done
}

cleanup()
{
	local g

	calm
	for g in "${GUESTS[@]}"; do
		guest_stop "$g" 2>/dev/null
	done
	no_vfs
	rm -rf "$TMP"
}

trap cleanup EXIT
