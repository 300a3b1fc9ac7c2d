#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make demo: gets what it needs, builds, boots the emulated host and shows the main job in it. make check need not show it
# again then: build/lab/demo.passed names what it was shown with.

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
rm -f "$SVFF_BUILD/lab/demo.passed"
prepare
key=$(sources_key)
echo
echo "In the emulated host: Linux $KERNEL, IOMMU with interrupt remapping, an emulated QDMA card"
"$SVFF_LAB/boot.sh" -k "$KERNEL" -t "$LIMIT" -o "$SVFF_BUILD/lab/demo" "$SVFF_LAB/demo-host.sh" ||
	die "the demo did not end well: logs are in $SVFF_BUILD/lab/demo"
[ "$KERNEL" != "${SVFF_KERNELS##* }" ] || echo "$key" >"$SVFF_BUILD/lab/demo.passed"
