#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# On a debug kernel, after all other tests: whether its checkers still look, and what kmemleak has found.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

KMEMLEAK=/sys/kernel/debug/kmemleak
AGE_S=6	# kmemleak does not speak of younger objects

[ -e "$KMEMLEAK" ] || { echo "1..0 # SKIP no debug kernel"; exit "$KTAP_SKIP"; }

# Each checker gives up for good after its first grave find, or when it lacks memory.
checkers()
{
	grep -q '^ debug_locks: *1' /proc/lockdep_stats || fail "lockdep is off"
	[ "$(get /sys/kernel/debug/dma-api/disabled)" = N ] || fail "the check of DMA mappings is off"
	expect 0 /sys/kernel/debug/dma-api/error_count
	dmesg | grep -q 'kmemleak: .*disabled' && fail "kmemleak is off"
	return 0
}

use_all()
{
	put_ok 2 "$D/sriov_numvfs"
	vf_bind 1 vfio-pci
	vf_client_works || fail "VF 1"
	vf_bind 2 svff_vf
	dd if="$(data_device "$(vf_link 2)")" of=/dev/null bs=1M count=1 status=none || fail "VF 2"
	no_vfs
}

vf_client_works() { vf-client "$(vf_link 1)" mm >/dev/null; }

# What the modules have lost is seen while they are there, with names, and after.
leaks()
{
	local k

	use_all
	for k in there gone; do
		[ "$k" = there ] || unload
		echo scan >"$KMEMLEAK"
		sleep "$AGE_S"
		echo scan >"$KMEMLEAK"
		cat "$KMEMLEAK" >"$TMP/leaks"
		cp "$TMP/leaks" "/out/leaks-$k" 2>/dev/null
		[ ! -s "$TMP/leaks" ] || { head -n 200 "$TMP/leaks"; fail "$(grep -c '^unreferenced' "$TMP/leaks") objects are lost"; }
	done
}

add "the checkers look" checkers
add "nothing is lost" leaks
finish
