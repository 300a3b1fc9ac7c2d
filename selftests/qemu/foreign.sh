#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make foreign FOREIGN=FOLDER [CYCLES=50]: foreign drivers, already built, with ours, on the emulated card. What
# FOLDER holds is told in selftests/foreign/matrix.sh.

set -eu
. "$(dirname "$0")/common.sh"

LIMIT=10800	# seconds

[ -d "${1:-}" ] || die "usage: foreign.sh FOLDER [CYCLES]"
SVFF_FOREIGN=$(realpath "$1")
export SVFF_FOREIGN
need_root "$0" "$@"
start_log foreign
prepare
rc=0
for k in ${KERNEL:-$SVFF_KERNELS}; do
	say "Linux $k"
	"$SVFF_LAB/boot.sh" -k "$k" -t "$LIMIT" -o "$SVFF_BUILD/lab/foreign-$k" \
		"$SVFF_SRC/selftests/foreign/matrix.sh" /foreign "${2:-50}" || rc=$?
done
exit "$rc"
