#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make demo: gets what it needs, builds, boots the emulated host and shows the main job in it.

set -eu
. "$(dirname "$0")/common.sh"

KERNEL=${KERNEL:-6.12}
LIMIT=1500	# seconds

need_root "$0" "$@"
trap give_back EXIT
start_log demo
echo "SVFF's main job on an emulated card. The log is $SVFF_LOG."
echo
echo "Getting ready"
prepare
echo
echo "In the emulated host: Linux $KERNEL, IOMMU with interrupt remapping, an emulated QDMA card"
"$SVFF_LAB/boot.sh" -k "$KERNEL" -t "$LIMIT" -o "$SVFF_BUILD/lab/demo" "$SVFF_LAB/demo-host.sh" ||
	die "the demo did not end well: logs are in $SVFF_BUILD/lab/demo"
