#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Data through VFs: all interrupt modes, two VFs at once, and what belongs to nobody.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

MIB=1048576

suite() { vfs 2; sub vf-test "$1" "$A" "$B"; }

# Card memory from 96 MiB on is touched by nobody here.
third() { dd if="$(data_device "$PF")" bs=1M skip=96 count=1 status=none | sha256sum; }

two_at_once()
{
	local a b before

	dd if=/dev/urandom of="$(data_device "$PF")" bs=1M seek=96 count=1 conv=notrunc status=none || fail "dd"
	before=$(third)
	vfs 2
	vf-client --queues 2 --mode direct --size "$MIB" --card $((1 * MIB)) --rounds 3 "$A" mm >"$TMP/a" 2>&1 &
	a=$!
	vf-client --queues 2 --mode aggr --size "$MIB" --card $((32 * MIB)) --rounds 3 --seed 9 "$B" mm >"$TMP/b" 2>&1 &
	b=$!
	wait "$a" || { cat "$TMP/a"; fail "first VF"; }
	wait "$b" || { cat "$TMP/b"; fail "second VF"; }
	grep -q 'irqs [1-9]' "$TMP/a" || fail "first VF: no interrupt"
	grep -q 'irqs [1-9]' "$TMP/b" || fail "second VF: no interrupt"
	[ "$(third)" = "$before" ] || fail "the third region changed"
}

# What the VF wrote the PF reads, and the other way round.
with_the_pf()
{
	local dev

	dev=$(data_device "$PF")
	vfs 1
	vf-client --size 65536 --card $((8 * MIB)) --seed 3 --keep "$A" mm >/dev/null || fail "first write"
	dd if="$dev" bs=64k skip=128 count=1 status=none >"$TMP/one"
	vf-client --size 65536 --card $((8 * MIB)) --seed 4 --keep "$A" mm >/dev/null || fail "second write"
	dd if="$dev" bs=64k skip=128 count=1 status=none >"$TMP/two"
	cmp -s "$TMP/one" "$TMP/two" && fail "the PF does not see what the VF writes"
	vf-client --size 65536 --card $((8 * MIB)) --seed 3 --keep "$A" mm >/dev/null || fail "third write"
	dd if="$dev" bs=64k skip=128 count=1 status=none | cmp -s - "$TMP/one" || fail "same seed, other bytes"
}

add "queues" suite mm
add "doorbells" suite doorbell
add "two VFs at once" two_at_once
add "a VF and the PF" with_the_pf
finish
