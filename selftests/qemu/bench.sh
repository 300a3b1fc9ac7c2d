#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make bench [FOREIGN=FOLDER]: the figures of README, measured in the emulated host; with foreign drivers (see
# selftests/foreign/matrix.sh) also theirs. Further arguments go to bench.py.

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
"$SVFF_LAB/boot.sh" -c -k "${KERNEL:-6.12}" -t "$LIMIT" -o "$SVFF_BUILD/lab/bench" \
	"$SVFF_SRC/selftests/qemu/bench-host.sh" "$@"
