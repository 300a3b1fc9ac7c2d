# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests in the emulated host (or on a machine with a card) share: cases in KTAP, the kernel's log,
# the card, guests. Sourced.
#
#	add "what is promised" function [argument...]
#	add_long ...
#	finish
#
# A case is a function; it runs in a subshell, ends with fail or skip, or passes. What it prints is shown
# when it fails. One more case at the end looks at the kernel's log.

SELFTESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LC_ALL=C

KTAP_FAIL=1
KTAP_SKIP=4
WAIT_S=15
TMP=$(mktemp -d)
exec {NEVER}<> <(:)	# never has anything to read: to wait without a process that sleeps

#--- cases

names=() calls=() allowed=()

add()
{
	names+=("$1")
	shift
	calls+=("${*@Q}")
}

# long: true but in make check, which leaves to make check-long what takes its time
long() { [ -z "${KTAP_QUICK:-}" ]; }
add_long() { ! long || add "$@"; }

fail() { echo "$*"; exit $KTAP_FAIL; }
skip() { echo "$*"; exit $KTAP_SKIP; }
must() { "$@" || fail "'$*' failed (status $?)"; }

# allow REGEX: log lines that this test brings about on purpose
allow() { allowed+=("$1"); }

# Runs a KTAP program as a part of the case.
sub()
{
	local rc

	"$@" 2>&1 | sed 's/^/  /' | tee "$TMP/sub" >&3
	rc=${PIPESTATUS[0]}
	[ "$rc" -eq 0 ] || [ "$rc" -eq $KTAP_SKIP ] ||
		fail "$(grep -m 1 '^  not ok' "$TMP/sub" || echo "$1 ended with status $rc")"
}

# inject WHAT VALUE: the emulated card misbehaves, see tools/qemu/qdma.rst
inject()
{
	command -v lab-qmp >/dev/null || skip "the card cannot be told to misbehave"
	must lab-qmp set "inject-$1" "$2" >/dev/null
}

# What a case that failed may have left switched on in the emulated card
calm()
{
	local i

	command -v lab-qmp >/dev/null || return 0
	for i in "ctxt-busy-in 0" "ctxt-busy false" "flr-hang false" "bad-id false" "drop-writeback 0" "desc-fetch-error -1" \
		"data-error -1" "cmpt-overflow -1" "never-idle -1"; do
		# shellcheck disable=SC2086	# two words
		lab-qmp set inject-$i
	done >/dev/null 2>&1
	[ "$(lab-qmp get inject-surprise-removal 2>/dev/null)" != true ] || put_back
}

# The card was pulled out: it comes back, and has forgotten all
put_back()
{
	lab-qmp set inject-surprise-removal false
	[ ! -e "$D" ] || echo 1 >"$D/remove"
	echo 1 >/sys/bus/pci/rescan
	until_true test -e "$S/queues_total"
	echo 0 >"$D/sriov_drivers_autoprobe"
} >/dev/null 2>&1

# leave STATUS: what a case that failed has left running would keep its VF, and the kernel waits for that
leave()
{
	# shellcheck disable=SC2046	# process ids
	[ "$1" -eq 0 ] || kill $(jobs -p)
} 2>/dev/null

run_case()
{
	local n=$1 rc=0 start=$EPOCHREALTIME why

	( trap 'leave $?' EXIT; eval "${calls[n]}" ) >"$TMP/out" 2>&1 || rc=$?
	why=$(tail -n 1 "$TMP/out")
	case $rc in
	0) echo "ok $((n + 1)) ${names[n]}" ;;
	"$KTAP_SKIP") echo "ok $((n + 1)) ${names[n]} # SKIP $why" ;;
	*) sed 's/^/# /' "$TMP/out"; echo "not ok $((n + 1)) ${names[n]} # $why" ;;
	esac
	[ "$rc" -eq 0 ] || calm
	[ -z "${KTAP_TIMES:-}" ] || echo "# $(( (${EPOCHREALTIME/./} - ${start/./}) / 1000 )) ms"
	return "$rc"
}

finish()
{
	local n failed=0 skipped=0 rc

	add "the kernel's log is clean" clean_log
	echo "KTAP version 1"
	echo "1..${#names[@]}"
	for n in "${!names[@]}"; do
		rc=0
		run_case "$n" 3>&1 || rc=$?
		case $rc in
		0) ;;
		"$KTAP_SKIP") skipped=$((skipped + 1)) ;;
		*) failed=$((failed + 1)) ;;
		esac
	done
	[ "$failed" -eq 0 ] || exit $KTAP_FAIL
	[ "$skipped" -lt $((${#names[@]} - 1)) ] || exit $KTAP_SKIP
	exit 0
}

#--- the kernel's log

BAD_LOG='WARNING:|BUG:|Oops|general protection|Call Trace|DMAR:.*(fault|Request device)|blocked for more|refcount_t|KASAN|UBSAN|KFENCE|possible recursive|irq [0-9]+: nobody cared|DMA-API:|ODEBUG|kmemleak: [0-9]+ new|turning off the locking'

log_mark() { echo "svff-test $1 $$ $EPOCHREALTIME" | tee /dev/kmsg >"$TMP/mark.$1"; }

# log_since MARK: what came after log_mark MARK
log_since()
{
	local mark

	mark=$(cat "$TMP/mark.$1")
	dmesg | awk -v mark="$mark" 'found; index($0, mark) { found = 1 }'
}

clean_log()
{
	local a bad

	bad=$(log_since start | grep -E "$BAD_LOG" || :)
	for a in "${allowed[@]}"; do
		bad=$(grep -vE "$a" <<<"$bad" || :)
	done
	[ -z "$bad" ] || { log_since start; fail "$(head -n 1 <<<"$bad")"; }
}

#--- errors of a write

declare -A ERRNO=(
	[EBUSY]="Device or resource busy" [EINVAL]="Invalid argument" [ENOSPC]="No space left on device"
	[ERANGE]="Numerical result out of range" [ENODEV]="No such device" [EOVERFLOW]="Value too large"
	[ETIMEDOUT]="Connection timed out" [EAGAIN]="Resource temporarily unavailable"
	[EALREADY]="Operation already in progress" [EOPNOTSUPP]="Operation not supported"
)

# put VALUE FILE; the message has the errno's text
put() { { printf '%s\n' "$1" >"$2"; } 2>&1; }

put_ok()
{
	local text

	text=$(put "$1" "$2") || fail "$1 to ${2##*/}: ${text##*: }"
}

# put_refused 'ERRNO...' VALUE FILE: one of these
put_refused()
{
	local text e

	text=$(put "$2" "$3") && fail "'$2' to ${3##*/} is taken"
	for e in $1; do
		[ -n "${ERRNO[$e]:-}" ] || fail "what is $e?"
		[[ $text != *": ${ERRNO[$e]}"* ]] || return 0
	done
	fail "'$2' to ${3##*/}: ${text##*: }, not $1"
}

get() { printf '%s\n' "$(<"$1")"; }

# expect VALUE FILE
expect()
{
	local is

	is=$(<"$2") || fail "$2 cannot be read"
	[ "$is" = "$1" ] || fail "${2##*/} is $is, not $1"
}

# until_true COMMAND...: waits until the command succeeds
until_true()
{
	local end=$((SECONDS + WAIT_S))

	while ! "$@"; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.05 -u "$NEVER" || :
	done
}

#--- memory

# meminfo EXPRESSION: of the numbers of /proc/meminfo, in KiB
meminfo() { awk "{ v[\$1] = \$2 } END { print $1 }" /proc/meminfo; }
kernel_kb() { meminfo 'v["SUnreclaim:"] + v["VmallocUsed:"] + v["Percpu:"]'; }

# Memory for DMA that is mapped
dma_areas() { grep -c dma-coherent /proc/vmallocinfo; }

#--- the tool

# tool ARG...: svff, its JSON in $TMP/told
tool() { must svff "$@" --json >"$TMP/told"; }

# told EXPRESSION: so says the last command's JSON
told() { jq -e "$1" "$TMP/told" >/dev/null || { cat "$TMP/told"; fail "not so: $1"; }; }

#--- the card

# Sets PF (its address), D (its sysfs folder) and S (its svff attributes).
# shellcheck disable=SC2034	# for those who source this
find_pf()
{
	local d

	for d in /sys/bus/pci/devices/*; do
		[ -e "$d/sriov_totalvfs" ] || continue
		[ "$(get "$d/vendor")" = 0x10ee ] || continue
		PF=${d##*/}
		D=$d
		S=$d/svff
		return
	done
	echo "1..0 # SKIP no card"
	exit $KTAP_SKIP
}

# device_of CLASS BDF: the device of a class that a PCI function has
device_of()
{
	local c=("/sys/bus/pci/devices/$2/$1/svff"*)

	[ -e "${c[0]}" ] && echo "/dev/${c[0]##*/}"
}

data_device() { device_of svff-mm "$1"; }
stream_device() { device_of svff-st "$1"; }

control_device() { device_of misc "$PF"; }

#--- guests

guest() { "$SELFTESTS/qemu/guest.sh" "$@"; }

guest_start() { guest start "$@"; }
guest_stop() { guest stop "$@"; }

# guest_run NAME [-t SECONDS] COMMAND
guest_run() { guest run "$@"; }

# guest_drives NAME: the guest's driver binds, asks the PF for queues, and a data device appears
guest_drives()
{
	# shellcheck disable=SC2016	# expanded in the guest
	guest_run "$1" -t 90 'modprobe svff_vf && for i in $(seq 600); do [ -e /dev/svff-mm0 ] && exit; sleep 0.1; done; exit 1'
}

# guest_log_clean NAME: the guest's kernel has nothing to complain about
guest_log_clean()
{
	local bad

	bad=$(guest log "$1" | grep -E "$BAD_LOG" || :)
	[ -z "$bad" ] || fail "guest $1: $(head -n 1 <<<"$bad")"
}

# mover_start NAME MIB [REST-MS [DEVICE]]: the guest moves data from now on, see bench/mover.c
mover_start()
{
	guest_run "$1" "rm -f /tmp/rounds; mover ${4:-/dev/svff-mm0} $2 /tmp/rounds ${3:-0} >/tmp/mover 2>&1 &
		echo \$! >/tmp/mover.pid" ||
		fail "guest $1: no mover"
	until_true mover_passed "$1" 1 || fail "guest $1 moves nothing"
}

# mover_passed NAME ROUNDS: so many are over
mover_passed() { [ "$(guest_run "$1" 'cat /tmp/rounds')" -ge "$2" ]; }

# rounds_go_on NAME FILE LOG: two more rounds end, whose number is in FILE, so that one has begun since. The guest looks
# itself: to ask it takes long.
rounds_go_on()
{
	local said

	# shellcheck disable=SC2016	# expanded in the guest
	said=$(guest_run "$1" -t $((2 * WAIT_S)) 'n=$(($(cat '"$2"') + 2)); for i in $(seq '$((10 * WAIT_S))'); do
		m=$(cat '"$2"'); [ "${m:-0}" -lt "$n" ] || exit 0; sleep 0.1; done; cat '"$3"'; exit 1') ||
		fail "guest $1 moves nothing: $said"
}

mover_goes_on() { rounds_go_on "$1" /tmp/rounds /tmp/mover; }

# mover_stop NAME: sets GAP, the longest time in ms between the ends of two rounds, and FAILED, how many rounds failed
mover_stop()
{
	local said

	mover_goes_on "$1"
	# shellcheck disable=SC2016	# expanded in the guest
	said=$(guest_run "$1" 'pid=$(cat /tmp/mover.pid); kill "$pid"; tail --pid="$pid" -f /dev/null; cat /tmp/mover')
	# shellcheck disable=SC2034	# for those who source this
	read -r ROUNDS GAP FAILED <<<"$said"
	[ -n "$FAILED" ] || fail "guest $1: $said"
}

# guest_untouched NAME: since its kernel's log was cleared (dmesg -C) the guest noticed nothing of its VF
guest_untouched()
{
	local said

	said=$(guest_run "$1" 'dmesg -r | grep -v "^<7>" | grep -iE "svff|pcieport|pciehp|0000:0[1-9]"
		ls /sys/bus/pci/drivers/svff_vf | grep -q ^0000 || echo "the driver is not bound"') ||
		fail "guest $1 does not answer"
	[ -z "$said" ] || fail "guest $1 noticed: $(head -n 1 <<<"$said")"
}
