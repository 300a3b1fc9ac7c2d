#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Vectors and interrupt rings: who has which, on which processor they interrupt, and storms of them.
# shellcheck disable=SC2317	# functions are called through add

NO_LOAD=1
. "$(dirname "$0")/vf.sh"

MMLOAD=$HERE/../bench/mmload
STORM_S=4
USER_IRQ=0x94		# register of the user logic: sends any vector of any function
RINGS=8			# that a function has at most
CROWD=250		# VFs, so many that none has more than one ring

debug() { echo "/sys/kernel/debug/svff_qdma/$1/$2"; }

# both MODE: the PF and a VF, each with our driver in that mode
both()
{
	unload 2>/dev/null
	load irq_mode="$1" || fail "modprobe svff_pf"
	modprobe svff_vf irq_mode="$1" || fail "modprobe svff_vf"
	echo 0 >"$D/sriov_drivers_autoprobe"
	put_ok "${2:-1}" "$D/sriov_numvfs"
	vf_bind 1 svff_vf
	VF=$(vf_link 1)
	until_true node_of "$VF" || fail "no data device of the VF"
}

node_of() { [ -c "$(data_device "$1" 2>/dev/null)" ]; }

# fired BDF VECTOR PROCESSOR: interrupts of a data vector that this processor took
fired() { awk -v name="svff_qdma-$1-data$2" -v col=$(($3 + 2)) '$NF == name { print $col }' /proc/interrupts; }

reads_on() { taskset -c "$1" dd if="$2" of=/dev/null bs=4k count=20 status=none || fail "dd on processor $1"; }

# Each processor's transfers are told to itself, by a vector of its own.
told_to_itself()
{
	local bdf=$1 cpu other before dev

	dev=$(data_device "$bdf")
	exec 9<"$dev"
	for cpu in 0 1; do
		other=$((1 - cpu))
		reads_on "$cpu" "$dev"
		before="$(fired "$bdf" "$cpu" "$cpu") $(fired "$bdf" "$other" "$cpu") $(fired "$bdf" "$other" "$other")"
		reads_on "$cpu" "$dev"
		read -r a b c <<<"$before"
		[ "$(fired "$bdf" "$cpu" "$cpu")" -ge $((a + 10)) ] || fail "$bdf: no interrupts on processor $cpu"
		[ "$(fired "$bdf" "$other" "$cpu") $(fired "$bdf" "$other" "$other")" = "$b $c" ] ||
			fail "$bdf: the other vector interrupts for processor $cpu"
	done
	exec 9<&-
}

spread()
{
	[ "$(nproc)" -ge 2 ] || skip "one processor"
	both "$1"
	told_to_itself "$PF"
	told_to_itself "$VF"
}

# rings_of BDF: indices of its interrupt rings
rings_of() { sed -n 's/^vector .* ring \([0-9]*\) entries.*/\1/p' "$(debug "$1" info)" | xargs; }

# has_rings BDF OWN NEXT COUNT: its own, and so many from the next on
has_rings()
{
	local rings

	rings=$(rings_of "$1")
	[ "$rings" = "$(xargs <<<"$2 $(seq "$3" $(($3 + $4 - 1)))")" ] || fail "the rings of $1 are $rings"
}

# Its own has its id; the others are behind all that are some function's own.
rings()
{
	local more pf vf

	both aggr
	more=$(($(nproc) < RINGS ? $(nproc) - 1 : RINGS - 1))
	pf=$(($(get "$D/sriov_totalvfs") + 1))
	vf=$((pf - (RINGS - 1)))
	has_rings "$PF" 0 "$pf" "$more"
	has_rings "$VF" 1 "$vf" "$more"
	grep 'entries for nobody [1-9]' "$(debug "$VF" info)" && fail "entries for nobody"
	grep -q "^1 .* rings $(printf %x $(((2 << more) - 1))) of 1+$((RINGS - 1)) at $vf " "/sys/kernel/debug/svff_pf/$PF/vfs" ||
		fail "$(head -n 1 "/sys/kernel/debug/svff_pf/$PF/vfs")"
	expect 0 "$S/vf1/stats/refused"
}

# Too many VFs for more than one ring each: all queues share it.
one_ring()
{
	both aggr "$CROWD"
	[ "$(rings_of "$VF")" = 1 ] || fail "the VF's rings are $(rings_of "$VF")"
	reads_on 0 "$(data_device "$VF")"
	reads_on 1 "$(data_device "$VF")"
	expect 0 "$S/vf1/stats/refused"
	no_vfs
}

# Of closed streams, too
no_missed() { grep 'nothing announced [1-9]' /sys/kernel/debug/svff_qdma/*/info && fail "completions that nothing announced"; return 0; }

# Vectors that are masked announce nothing. What is found all the same is counted, and stays so when the stream is closed.
unannounced()
{
	local st

	both direct
	loopback || fail "no loopback"
	st=$(stream_device "$PF")
	exec 7<>"$st"
	dd bs=64 count=1 status=none <&7 >"$TMP/packet" 3>&- &
	until_true reads $! "$st" || fail "nobody reads"
	no_missed
	setpci -s "$PF" CAP_MSIX+2.w=4000:4000 || fail "setpci"
	printf packet >&7 || fail "not sent"
	wait $! || fail "not received"
	setpci -s "$PF" CAP_MSIX+2.w=0:4000
	exec 7>&-
	[ "$(cat "$TMP/packet")" = packet ] || fail "received $(wc -c <"$TMP/packet") bytes"
	! (no_missed) || fail "they are not counted"
	unload || fail "modprobe -r"
}

# The processor that a vector is bound to goes away, and comes back.
processor_leaves()
{
	local cpu=/sys/devices/system/cpu/cpu1/online pid i

	[ -w "$cpu" ] || skip "processors cannot be turned off"
	both direct
	rm -f "$TMP/enough"
	exec 9<>"$(data_device "$VF")" 8<>"$(data_device "$PF")"
	reads_on 1 "$(data_device "$VF")"
	( while [ ! -e "$TMP/enough" ]; do
		"$MMLOAD" "$(data_device "$VF")" read 4096 8 200 && "$MMLOAD" "$(data_device "$PF")" read 4096 8 200 || exit
	done ) &
	pid=$!
	for i in 1 2 3; do
		put_ok 0 "$cpu"
		sleep 1
		put_ok 1 "$cpu"
		sleep 1
	done
	: >"$TMP/enough"
	wait "$pid" || fail "transfers failed"
	no_missed
}

#--- interrupts without news

# send SECONDS FUNCTION VECTOR [FUNCTION VECTOR]...: as fast as can be, for 0 seconds once; prints how many
send()
{
	python3 - "$D/resource2" "$USER_IRQ" "$@" <<-'PY'
		import ctypes, mmap, os, sys, time
		bar = mmap.mmap(os.open(sys.argv[1], os.O_RDWR | os.O_SYNC), 0)
		reg = ctypes.c_uint32.from_buffer(bar, int(sys.argv[2], 0))
		what = [int(a) for a in sys.argv[4:]]
		values = [1 | v << 4 | f << 12 for f, v in zip(what[::2], what[1::2])]
		end, n = time.monotonic() + int(sys.argv[3]), 0
		while not n or time.monotonic() < end:
		    for value in values:
		        reg.value = value
		    n += len(values)
		print(n)
	PY
}

# idle BDF: interrupts of all kinds that found nothing
idle()
{
	sed -n 's/.*without news \([0-9]*\).*/\1/p; s/^without news: mailbox \([0-9]*\) errors \([0-9]*\)/\1 + \2/p' \
		"$(debug "$1" info)" | xargs | sed 's/ \([0-9]\)/ + \1/g; s/+ +/+/g' | bc
}

idle_more() { [ "$(idle "$1")" -ge "$2" ]; }

# The vectors of the PF, then of the VF, that the driver has
ALL_VECTORS="0 0  0 1  0 2  0 3  0 4  1 0  1 1  1 2  1 3"

counted()
{
	local before vf

	both "$1"
	before=$(idle "$PF")
	vf=$(idle "$VF")
	# data, mailbox, error
	send 0 0 3 0 0 0 2 1 2 1 0 >/dev/null || fail "cannot send"
	until_true idle_more "$PF" $((before + 3)) || { cat "$(debug "$PF" info)"; fail "not counted"; }
	until_true idle_more "$VF" $((vf + 2)) || { cat "$(debug "$VF" info)"; fail "not counted by the VF"; }
	reads_on 0 "$(data_device "$PF")"
	reads_on 0 "$(data_device "$VF")"
}

background()
{
	BG=$((BG + 1))
	"$@" >"$TMP/bg.$BG" 2>&1 &
}

small()
{
	local n=0

	while [ ! -e "$TMP/enough" ]; do
		taskset -c "$1" "$MMLOAD" "$2" "$3" 64 "$4" 500 || return
		n=$((n + 1))
	done
	[ "$n" -gt 0 ] || { echo "nothing moved beside the storm"; return 1; }
}

# Every vector of PF and VF, as fast as can be, while all queues have transfers, most of them tiny: all of them
# end, data are right, and none had to be found by the guard.
storm()
{
	local dev st pid pids=() cpu BG=0 n

	both "$1"
	rm -f "$TMP/enough"
	dev=$(data_device "$PF") st=$(stream_device "$PF")
	exec 9<>"$dev" 8<>"$(data_device "$VF")"
	before=$(idle "$PF")
	# shellcheck disable=SC2086	# words
	send "$STORM_S" $ALL_VECTORS >"$TMP/sent" &
	pid=$!
	for cpu in 0 $(($(nproc) - 1)); do
		background small "$cpu" "$dev" read 1; pids+=($!)
		background small "$cpu" "$(data_device "$VF")" write 32; pids+=($!)
	done
	background uapi-data "$dev" threads; n=$!
	background uapi-stream "$st" "$D/resource2" threads; pids+=($!)
	wait "$n" || { cat "$TMP"/bg.*; fail "data"; }
	wait "$pid" || fail "no storm"
	: >"$TMP/enough"
	for pid in "${pids[@]}"; do
		wait "$pid" || { cat "$TMP"/bg.*; fail "transfers failed"; }
	done
	echo "$(cat "$TMP/sent") sent, $(($(idle "$PF") - before)) of the PF found nothing"
	[ "$(cat "$TMP/sent")" -ge 1000 ] || fail "$(cat "$TMP/sent") interrupts are no storm"
	no_missed
}

unload 2>/dev/null
add "direct: a vector for each processor" spread direct
add "aggr: a ring for each processor" spread aggr
add "rings of PF and VF" rings
add_long "a processor that leaves takes no interrupt along" processor_leaves
add "completions that nothing announces are counted" unannounced
for mode in direct aggr; do
	add "$mode: interrupts without news are counted" counted $mode
done
add "direct: a storm of interrupts" storm direct
for mode in aggr poll; do
	add_long "$mode: a storm of interrupts" storm $mode
done
add_long "$CROWD VFs, one ring each" one_ring
finish
