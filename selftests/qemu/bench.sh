#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make bench [FOREIGN=FOLDER]: the figures of README, measured in the emulated host; with foreign drivers (see
# selftests/foreign/matrix.sh) also theirs. Further arguments go to bench.py, with which the tables pause...
# are of a boot of their own: nothing is counted there, for guests to run fast enough. LAB_MEMORY=11264 has room for
# the biggest guest of pause-memory, 8 GiB.

set -eu
. "$(dirname "$0")/common.sh"

LIMIT=3600	# seconds

if [ -n "${FOREIGN:-}" ]; then
	SVFF_FOREIGN=$(realpath "$FOREIGN")
	export SVFF_FOREIGN
	set -- --foreign /foreign "$@"
	unset FOREIGN
fi
need_root "$0" "$@"
start_log bench
prepare

# bench NAME [-c] -- ARG...
bench()
{
	local name=$1 count=()
	shift

	[ "$1" != -c ] || { count=(-c); shift; }
	shift
	"$SVFF_LAB/boot.sh" "${count[@]}" -k "${KERNEL:-6.12}" -t "$LIMIT" -o "$SVFF_BUILD/lab/$name" \
		"$SVFF_SRC/selftests/qemu/bench-host.sh" "$@"
}

options=() counted=() guests=()
while [ $# -gt 0 ]; do
	case $1 in
	pause*) guests+=("$1") ;;
	--foreign) options+=("$1" "$2"); shift ;;
	-*) options+=("$1") ;;
	*) counted+=("$1") ;;
	esac
	shift
done
if [ ${#counted[@]} -gt 0 ] || [ ${#guests[@]} -eq 0 ]; then
	bench bench -c -- "${options[@]}" "${counted[@]}"
fi
if [ ${#guests[@]} -gt 0 ] || [ ${#counted[@]} -eq 0 ]; then
	bench bench-guests -- "${options[@]}" "${guests[@]}"
fi
