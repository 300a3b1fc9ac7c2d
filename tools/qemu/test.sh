#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Test the emulated card alone, over QEMU's qtest protocol: no kernel, no
# guest, seconds. KTAP output. QEMU names the binary; without it build.sh
# tells (and makes it if needed). Runs where the binary runs.

set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
qemu=${QEMU:-$("$here/build.sh")/bin/qemu-system-x86_64}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cc -std=gnu11 -O1 -g -Wall -Wextra -Werror -o "$tmp/qdma-test" "$here"/tests/*.c
"$tmp/qdma-test" "$qemu"
