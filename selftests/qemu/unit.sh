#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# unit.sh DIR: runs the host unit tests, the fuzzer and the tests of the emulated card in the lab's root; KTAP goes to DIR.

set -u
. "$(dirname "$0")/common.sh"

LIMIT=1800	# seconds, for one test
AT_ONCE=3	# they share nothing, and mostly wait, but for the programs

run_one()
{
	local name=$1 rc=0
	shift

	timeout -k 10 "$LIMIT" "$@" >"$DIR/$name" 2>&1 || rc=$?
	echo "# status $rc" >>"$DIR/$name"
}

run()
{
	while [ "$(jobs -pr | wc -l)" -ge "$AT_ONCE" ]; do
		wait -n
	done
	run_one "$@" &
}

DIR=$1
U=$SVFF_BUILD/user/selftests/unit
for t in "$U"/*/unit-*; do
	[ ! -x "$t" ] || run_one "$(basename "$t")" "$t"
done
for t in $(printf '%s\n' "$U"/*.sh | sort -r); do	# cli-recover takes longest, and is not to be the last
	run "$(basename "$t" .sh)" "$t"
done
run fuzz "$SVFF_BUILD/user/selftests/fuzz/run.sh"
model() { run "$1" env QEMU="$2/bin/qemu-system-x86_64" "$SVFF_SRC/tools/qemu/test.sh"; }
model model "$("$SVFF_SRC/tools/qemu/build.sh")"
newer=$(QEMU_RELEASE=$SVFF_QEMU_NEWER "$SVFF_SRC/tools/qemu/build.sh" --built)
[ -z "$newer" ] || model "model-$SVFF_QEMU_NEWER" "$newer"
wait
