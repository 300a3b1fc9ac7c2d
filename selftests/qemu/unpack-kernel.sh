#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# unpack-kernel.sh VMLINUZ OUT: the ELF kernel in a bzImage. QEMU starts it directly (PVH), which spares a guest
# the unpacking: many seconds where each instruction is emulated twice.

set -eu
. "$(dirname "$0")/common.sh"

# The packed kernel is followed by other things, at which the unpacker complains.
try()
{
	local magic=$1 offset
	shift

	offset=$(LC_ALL=C grep -obUaP -m 1 "$magic" "$IN" | head -n 1 | cut -d: -f1)
	[ -n "$offset" ] || return
	tail -c +$((offset + 1)) "$IN" | "$@" >"$OUT.tmp" 2>/dev/null || :
	[ "$(head -c 4 "$OUT.tmp")" = $'\x7fELF' ]
}

IN=$1 OUT=$2
try '\x28\xb5\x2f\xfd' zstd -dc || try '\xfd7zXZ\x00' xz -dc || die "cannot unpack $IN"
mv "$OUT.tmp" "$OUT"
