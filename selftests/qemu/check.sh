#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make check: every test that needs no card. One line a step; the last line is
#	N passed, N failed, N skipped
# and the status is 1 if anything failed. KTAP output of all is in build/lab/ktap*, logs are beside it.

set -eu
. "$(dirname "$0")/common.sh"

LIMIT=3300		# seconds for one emulated host with all its tests
ROOM_FOR_TWO_KB=9000000	# free memory that two emulated hosts need

LAB=$SVFF_BUILD/lab
KTAP=$LAB/ktap

# one_case NAME "what" STATUS: KTAP of something that is a single test
one_case()
{
	{
		printf 'KTAP version 1\n1..1\n'
		[ "$3" -eq 0 ] && echo "ok 1 $2" || echo "not ok 1 $2 # see $SVFF_LOG"
		echo "# status $3"
	} >"$KTAP/$1"
}

static()
{
	local rc=0

	"$SVFF_LAB/enter.sh" /svff/selftests/qemu/static.sh >"$KTAP/static" || rc=$?
	echo "# status $rc" >>"$KTAP/static"
}

unit() { "$SVFF_LAB/enter.sh" /svff/selftests/qemu/unit.sh /svff/build/lab/ktap; }

dkms()
{
	local rc=0

	"$SVFF_SRC/selftests/dkms.sh" >"$KTAP/dkms" || rc=$?
	echo "# status $rc" >>"$KTAP/dkms"
}

# The tests in an emulated host; that it came up and down in order is one of them.
host()
{
	local rc=0

	"$SVFF_LAB/boot.sh" -k "$1" -t "$LIMIT" -o "$LAB/check-$1" "$SVFF_LAB/run-tests.sh" || rc=$?
	one_case "host-$1" "the emulated host with Linux $1 ends in order" "$rc"
}

# The modules are built again from scratch if there was a warning, so their failure is told by static too.
build()
{
	local rc=0

	"$SVFF_LAB/build.sh" "$1" || rc=$?
	one_case "build-$1" "$1 build" "$rc"
	return "$rc"
}

hosts_at_once()
{
	local pids=() k p rc=0

	for k in $SVFF_KERNELS; do
		host "$k" >"$LAB/check-$k.log" 2>&1 &
		pids+=($!)
	done
	for p in "${pids[@]}"; do
		wait "$p" || rc=$?
	done
	return "$rc"
}

hosts()
{
	local k

	if [ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -gt "$ROOM_FOR_TWO_KB" ]; then
		beside "tests in emulated hosts, $SVFF_KERNELS at the same time" hosts_at_once || :
		return
	fi
	for k in $SVFF_KERNELS; do
		beside "tests in an emulated host, Linux $k" host "$k" || :
	done
}

# What needs no emulated host: it runs beside them, where it fills the time that they wait.
alone()
{
	beside "static checks" static || :
	beside "unit tests, and the emulated card alone" unit || :
	beside "dkms, $SVFF_KERNELS" dkms || :
}

totals()
{
	local files=("$KTAP"/*) k rc=0

	for k in $SVFF_KERNELS; do
		mkdir -p "$LAB/ktap-$k"
		files+=("$LAB/ktap-$k"/*)
	done
	say
	"$SVFF_LAB/ktap.sh" "${files[@]}" || rc=$?
	return "$rc"
}

# Where ktap.sh finds the results of each emulated host, under a name that tells the kernel
collect()
{
	local k

	for k in $SVFF_KERNELS; do
		rm -rf "$LAB/ktap-$k"
		mkdir -p "$LAB/ktap-$k"
		cp "$LAB/check-$k/ktap"/* "$LAB/ktap-$k/" 2>/dev/null || :
	done
}

need_root "$0" "$@"
trap give_back EXIT
start_log check
rm -rf "$KTAP" "$LAB"/check-*/ktap
mkdir -p "$KTAP"
say "SVFF's tests. Logs are in $LAB."
need_packages
must_step "Debian root for building and running (2 min, once)" "$SVFF_LAB/root.sh"
ready=1
for part in qemu modules user guests; do
	step "build: $part" build "$part" || { ready=; tail -n 15 "$SVFF_LOG" >&2; }
done
alone &
if [ -n "$ready" ]; then
	hosts
else
	one_case hosts "the emulated hosts have all they need" 1
fi
wait
collect
totals
