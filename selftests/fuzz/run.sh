#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh [RUNS [SEED]]: lets the fuzzer find messages of a VF, as KTAP. A run is some 200 messages, so that the
# default takes seconds and a million of runs hours. With the same RUNS and SEED the same messages are sent.

set -u
cd "$(dirname "$0")" || exit

RUNS=${1:-3000}
SEED=${2:-1}
LEN_MAX=256	# bytes of an input

TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

echo "KTAP version 1"
echo "1..2"
if [ ! -x fuzz-request ]; then
	echo "ok 1 messages # SKIP fuzz-request is not built: no clang"
	echo "ok 2 commands # SKIP fuzz-request is not built: no clang"
	exit 4
fi

rc=0
./fuzz-request -runs="$RUNS" -seed="$SEED" -max_len="$LEN_MAX" -len_control=0 -verbosity=0 \
	-artifact_prefix="$TMP/" >"$TMP/log" 2>&1 || rc=$?
count() { sed -n "s/^$1 //p" "$TMP/log"; }

text="$(count messages) messages, $(count served) of them served, get no VF what it was not granted"
if [ "$rc" -eq 0 ]; then
	echo "ok 1 $text"
else
	sed 's/^/# /' "$TMP/log"
	for f in "$TMP"/*-*; do
		[ ! -f "$f" ] || echo "# the input, in base64: $(base64 -w 0 "$f")"
	done
	echo "not ok 1 $(grep -m 1 -oE '(oracle|runtime error|ERROR): .*' "$TMP/log")"
fi

# A fuzzer whose messages are all refused at the door tests the door.
read -ra commands <<<"$(count commands)"
idle=0
for n in "${commands[@]}"; do
	[ "$n" -gt 0 ] || idle=$((idle + 1))
done
if [ "${#commands[@]}" -gt 0 ] && [ "$idle" -eq 0 ]; then
	echo "ok 2 each of the ${#commands[@]} commands was reached"
else
	rc=1
	echo "not ok 2 $idle of ${#commands[@]} commands were not reached"
fi
[ "$rc" -eq 0 ] || exit 1
