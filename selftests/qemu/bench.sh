#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make bench: the figures of README, measured in the emulated host. Further arguments go to bench.py.

set -eu
. "$(dirname "$0")/common.sh"

LIMIT=3600	# seconds

need_root "$0" "$@"
start_log bench
prepare
"$SVFF_LAB/boot.sh" -c -k "${KERNEL:-6.12}" -t "$LIMIT" -o "$SVFF_BUILD/lab/bench" \
	"$SVFF_SRC/selftests/qemu/bench-host.sh" "$@"
