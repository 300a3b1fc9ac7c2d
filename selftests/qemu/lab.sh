#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make lab: a shell in the emulated host, modules loaded. KERNEL=6.1 for the other kernel.

set -eu
. "$(dirname "$0")/common.sh"

need_root "$0" "$@"
start_log lab
prepare
cat <<'T'

The emulated host boots. In it: svff (the tool), lab-qmp (errors and counters of the card), guest.sh (guests),
/svff (the repository), /out (kept in build/lab/shell). Leave with exit.

T
"$SVFF_LAB/boot.sh" -k "${KERNEL:-6.12}" -o "$SVFF_BUILD/lab/shell" -i
