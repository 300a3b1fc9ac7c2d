#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make check: every test that needs no card, without the cases that take long, what asks nothing of the kernel on one
# kernel only, and without the demo if make demo has shown it with these very sources. One line a step; the last line is
#	N passed, N failed, N skipped
# and the status is 1 if anything failed. KTAP output of all is in build/lab/ktap*, logs are beside it.
#
# make check-long: what takes longer: on both stock kernels all cases of these tests, a VF that attacks, all VFs at once,
# all of a pause, pauses that go wrong, RECONFS (50) reconfs in a row; the tests, but for such cases, on a debug kernel
# (KASAN, lockdep, kmemleak and more), beside all else; on the card's other IP revisions; millions of messages from a
# fuzzer; with FOREIGN=FOLDER also selftests/foreign.

set -eu
. "$(dirname "$0")/common.sh"

LIMIT=4500		# seconds for one emulated host with all its tests
LONG_LIMIT=10800
LONG_FUZZ_RUNS=20000	# some 4 million messages
OTHER_IPS="qdma-3.1 eqdma-4.0 cpm5"
HOST_KB=4500000		# free memory that an emulated host needs

LAB=$SVFF_BUILD/lab
KTAP=$LAB/ktap

# one_case NAME "what" STATUS: KTAP of something that is a single test; status 4: there is nothing to test
one_case()
{
	{
		printf 'KTAP version 1\n1..1\n'
		case $3 in
		0) echo "ok 1 $2" ;;
		4) echo "ok 1 $2 # SKIP see $SVFF_LOG" ;;
		*) echo "not ok 1 $2 # see $SVFF_LOG" ;;
		esac
		echo "# status $3"
	} >"$KTAP/$1"
}

# ktap NAME COMMAND...: a program that prints KTAP
ktap()
{
	local name=$1 rc=0
	shift

	"$@" >"$KTAP/$name" || rc=$?
	echo "# status $rc" >>"$KTAP/$name"
}

static() { ktap static "$SVFF_LAB/enter.sh" /svff/selftests/qemu/static.sh; }
dkms() { ktap dkms "$SVFF_SRC/selftests/dkms.sh"; }
unit() { "$SVFF_LAB/enter.sh" /svff/selftests/qemu/unit.sh /svff/build/lab/ktap; }

# host NAME KERNEL DEVICE SCRIPT [ARG...]: tests in an emulated host; that it came up and down in order is one of them.
host()
{
	local name=$1 rc=0

	"$SVFF_LAB/boot.sh" -k "$2" -d "$3" -t "$LIMIT" -o "$LAB/check-$name" "${@:4}" >"$LAB/check-$name.log" 2>&1 || rc=$?
	one_case "host-$name" "the emulated host $name ends in order" "$rc"
}

# tests NAME KERNEL DEVICE [ARG...]: those that run-tests.sh chooses by ARG
tests() { host "$1" "$2" "$3" "$SVFF_LAB/run-tests.sh" "${@:4}"; }

# The modules are built again from scratch if there was a warning, so their failure is told by static too.
build()
{
	local rc=0

	"$SVFF_LAB/build.sh" "$1" || rc=$?
	one_case "build-$1" "$1 build" "$rc"
	[ "$rc" -eq 0 ] || [ "$rc" -eq 4 ]
}

# Emulated hosts at the same time: as many as memory and processors bear.
room()
{
	local mem cpus

	mem=$(($(awk '/^MemAvailable/ { print $2 }' /proc/meminfo) / HOST_KB))
	cpus=$(nproc)
	echo $((mem < 1 ? 1 : mem < cpus ? mem : cpus))
}

# job COMMAND...: in the background, as soon as there is room
job()
{
	while [ "$(jobs -rp | wc -l)" -ge "${ROOM:=$(room)}" ]; do
		wait -n || :
	done
	"$@" &
}

# in_host "what" NAME KERNEL DEVICE [ARG...]: tests as a job, which has failed unless it says otherwise
in_host()
{
	one_case "host-$2" "the emulated host $2 comes up" 1
	job beside "$1" tests "${@:2}"
}

# on_each "what" NAME DEVICE [ARG...]: on all stock kernels
on_each()
{
	local k

	for k in $SVFF_KERNELS; do
		in_host "$1, Linux $k" "$2$k" "$k" "${@:3}"
	done
}

hosts() { on_each "tests in an emulated host" '' xlnx-qdma "$@"; }

# What needs no emulated host: it runs beside them, where it fills the time that they wait. Unit tests mostly wait, too.
alone()
{
	beside "unit tests, and the emulated card alone" unit &
	beside "static checks" static || :
	beside "dkms, $SVFF_KERNELS" dkms || :
	wait
}

# The results of each emulated host are copied to where ktap.sh tells its name with them.
totals()
{
	local files=("$KTAP"/*) d name

	for d in "$LAB"/check-*/ktap; do
		[ -d "$d" ] || continue
		name=$(basename "$(dirname "$d")")
		cp -r "$d" "$LAB/ktap-${name#check-}"
		files+=("$LAB/ktap-${name#check-}"/*)
	done
	say
	"$SVFF_LAB/ktap.sh" "${files[@]}"
}

fuzz() { ktap fuzz-long "$SVFF_LAB/enter.sh" /svff/build/user/selftests/fuzz/run.sh "$LONG_FUZZ_RUNS"; }
kills() { ktap cli-recover-long "$SVFF_LAB/enter.sh" env SOME=1 /svff/build/user/selftests/unit/cli-recover.sh; }

debug_host()
{
	beside "debug kernel (40 min, once)" build debug || return 0
	beside "tests on the debug kernel" tests debug debug xlnx-qdma --quick --debug || :
	beside "those of a pause on the debug kernel" tests debug-pause debug xlnx-qdma --quick --debug-pause || :
}

long()
{
	local ip

	LIMIT=$LONG_LIMIT
	job debug_host
	hosts
	for ip in $OTHER_IPS; do
		in_host "tests on a card with $ip" "$ip" "${SVFF_KERNELS##* }" "xlnx-qdma,ip=$ip" --card
	done
	on_each "a VF that attacks, beside one that works" hostile- xlnx-qdma --hostile
	on_each "252 VFs and 2048 queues at once" scale- xlnx-qdma --scale
	on_each "QEMU's part of a pause" pause- xlnx-qdma --pause
	on_each "pauses in which the tool, a QEMU or the card is stopped at each point" kills- xlnx-qdma --kills
	on_each "pauses in which the card does not do as it is told" faults- xlnx-qdma --faults
	on_each "${RECONFS:=50} reconfs in a row" soak- xlnx-qdma --soak "$RECONFS"
	on_each "a network card's VF, paused" igb- igb --igb
	on_each "an NVMe controller's VF, paused" nvme- nvme --nvme
	[ -z "${FOREIGN:-}" ] || job beside "foreign drivers" foreign
	job beside "millions of messages" fuzz
	job beside "the tool killed at each point, in each kind of pause" kills
	wait
}

foreign()
{
	local k

	for k in $SVFF_KERNELS; do
		SVFF_FOREIGN=$(realpath "$FOREIGN") tests "foreign-$k" "$k" xlnx-qdma --foreign
	done
}

normal()
{
	local shown=

	if [ "$(sources_key)" = "$(cat "$LAB/demo.passed" 2>/dev/null)" ]; then
		say "  make demo has passed with these sources: not shown again"
		one_case demo "make demo, with these sources" 0
		shown=1
	fi
	if [ -n "$ready" ]; then
		hosts --quick ${shown:+--shown}
	else
		one_case hosts "the emulated hosts have all they need" 1
	fi
	alone
}

need_root "$0" "$@"
trap give_back EXIT
start_log check
rm -rf "$LAB"/ktap* "$LAB"/check-*/ktap
mkdir -p "$KTAP"
say "SVFF's tests. Logs are in $LAB."
need_packages
must_step "Debian root for building and running (2 min, once)" "$SVFF_LAB/root.sh"
ready=1
step "build: QEMU $SVFF_QEMU_NEWER, for guests (4 min, once)" build newer || :
for part in qemu modules user guests; do
	step "build: $part" build "$part" || { ready=; tail -n 15 "$SVFF_LOG" >&2; }
done
if [ "${1:-}" = long ]; then
	long
else
	normal
fi
totals
