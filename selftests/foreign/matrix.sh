#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# matrix.sh FOLDER [CYCLES [PAIRING...]]: the vendor's Linux drivers and ours on the emulated card, each with each as PF and
# VF driver, in each interrupt mode: loaded, queues started, data moved on two VFs at the same time and compared,
# memory mapped and as packets that the card sends back, queues stopped, all unloaded, CYCLES times (default 50).
#
# FOLDER has what was built elsewhere: qdma-pf.ko and qdma-vf.ko in a folder named after the running kernel
# (6.12.107-amd64, or 6.12), and dma-ctl, dma-to-device, dma-from-device in bin/. PAIRING is the PF's driver and the
# VF's, as in svff-foreign, or svff-foreign-poll for that mode alone; default all four.
# shellcheck disable=SC2317,SC2329	# functions are called through add

usage() { sed -n '4,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }

[ -d "${1:-}" ] || usage
FOREIGN=$1
CYCLES=${2:-50}
PAIRINGS=("${@:3}")
[ ${#PAIRINGS[@]} -gt 0 ] || PAIRINGS=(foreign-foreign foreign-svff svff-foreign svff-svff)
NO_LOAD=1
. "$(dirname "$0")/../sriov/vf.sh"

PATH=$FOREIGN/bin:$PATH
MODES="poll direct aggr"
declare -A FOREIGN_MODE=([poll]=1 [direct]=2 [aggr]=3)	# of its parameter "mode"
PF_QUEUES=8 VF_QUEUES=4
SIZES="4 4097 65536 1048577"
PACKETS="64 1500 4096 65535"	# a packet's length has 16 bits
LOOPBACK=0x200		# of the user logic: packets come back to the queue that sent them
REGION=$((32 << 20))	# of card memory, for each VF
MOVE_S=120		# the longest that one transfer may take

foreign_folder()
{
	local k

	k=$(uname -r)
	for k in "$k" "$(cut -d. -f1,2 <<<"$k")"; do
		[ ! -e "$FOREIGN/$k/qdma-pf.ko" ] || { echo "$FOREIGN/$k"; return; }
	done
}

# Their modules know a card by bus and function: BUS:FUNCTION:MODE
foreign_insmod() { insmod "$KO/$1.ko" "mode=$(cut -d: -f2 <<<"$PF"):${PF##*.}:${FOREIGN_MODE[$2]}" || fail "insmod $1"; }

# The name that their tools give a function: qdma01000
foreign_name() { echo "$1$(tr -d :. <<<"${2#*:}")"; }

# A command's output is shown when it fails; standard output may be a stream.
quiet()
{
	local log=$TMP/quiet.$BASHPID

	"$@" 2>"$log" || { cat "$log"; fail "'$*' failed"; }
}

#--- PF drivers

pf_up_svff() { modprobe svff_pf "irq_mode=$1" || fail "svff_pf does not load"; }
pf_down_svff() { quiet modprobe -r svff_pf; }

pf_loop_svff()
{
	python3 - "$D/resource2" "$LOOPBACK" <<-'END' || fail "no loopback"
		import mmap, sys
		with open(sys.argv[1], "r+b") as bar, mmap.mmap(bar.fileno(), 4096) as map:
		    memoryview(map).cast("I")[int(sys.argv[2], 0) // 4] = 1
	END
}

pf_up_foreign()
{
	foreign_insmod qdma-pf "$1"
	put_ok "$PF_QUEUES" "$D/qdma/qmax"
}

pf_down_foreign() { quiet rmmod qdma-pf; }
pf_loop_foreign() { quiet dma-ctl "$(foreign_name qdma "$PF")" reg write bar 2 "$LOOPBACK" 1; }

#--- VF drivers: vf_up_X MODE; vf_node_X NUMBER, the data device; put_X, fetch_X NODE FILE SIZE ADDRESS
# vf_stream_X NUMBER, the stream; bounce_X NODE FILE SIZE, a packet there and back

vf_up_svff()
{
	modprobe svff_vf "irq_mode=$1" || fail "svff_vf does not load"
	vf_bind 1 svff_vf
	vf_bind 2 svff_vf
}

vf_down_svff() { :; }
vf_unload_svff() { quiet modprobe -r svff_vf; }
vf_node_svff() { until_true data_device "$(vf_link "$1")" || fail "VF $1 has no data device"; }

put_svff() { quiet timeout "$MOVE_S" dd if="$2" of="$1" bs=4M oflag=seek_bytes seek="$4" conv=notrunc; }
fetch_svff() { quiet timeout "$MOVE_S" dd if="$1" of="$2" bs=4M iflag=skip_bytes,count_bytes skip="$4" count="$3"; }

vf_stream_svff() { until_true stream_device "$(vf_link "$1")" || fail "VF $1 has no stream device"; }

bounce_svff()
{
	local fd

	exec {fd}<>"$1"
	quiet timeout "$MOVE_S" dd if="$2" bs="$3" count=1 >&"$fd"
	quiet timeout "$MOVE_S" dd of="$2.back" bs=64k count=1 <&"$fd"
	exec {fd}>&-
}

# Queue 0 is memory mapped, queue 1 has packets.
vf_up_foreign()
{
	local n name

	foreign_insmod qdma-vf "$1"
	for n in 1 2; do
		vf_bind "$n" qdma-vf
		put_ok "$VF_QUEUES" "$D/virtfn$((n - 1))/qdma/qmax"
		name=$(foreign_name qdmavf "$(vf_link "$n")")
		quiet dma-ctl "$name" q add idx 0 mode mm dir bi
		quiet dma-ctl "$name" q add idx 1 mode st dir bi
		quiet dma-ctl "$name" q start list 0 2 dir bi
	done
}

vf_down_foreign()
{
	local n name

	for n in 1 2; do
		name=$(foreign_name qdmavf "$(vf_link "$n")")
		quiet dma-ctl "$name" q stop list 0 2 dir bi
		quiet dma-ctl "$name" q del list 0 2 dir bi
	done
}

vf_unload_foreign() { quiet rmmod qdma-vf; }
vf_node_foreign() { echo "/dev/$(foreign_name qdmavf "$(vf_link "$1")")-MM-0"; }

put_foreign() { quiet timeout "$MOVE_S" dma-to-device -d "$1" -f "$2" -s "$3" -a "$4"; }
fetch_foreign() { rm -f "$2"; quiet timeout "$MOVE_S" dma-from-device -d "$1" -f "$2" -s "$3" -a "$4"; }

vf_stream_foreign() { echo "/dev/$(foreign_name qdmavf "$(vf_link "$1")")-ST-1"; }

# It sends a packet for each page.
bounce_foreign()
{
	put_foreign "$1" "$2" "$3" 0
	fetch_foreign "$1" "$2.back" "$3" 0
}

#--- a cycle

# data KIND NUMBER: each size to the VF's region and back
data()
{
	local node size address=$((($2 - 1) * REGION)) file=$TMP/data.$2

	node=$("vf_node_$1" "$2") || fail "$node"
	for size in $SIZES; do
		head -c "$size" /dev/urandom >"$file"
		"put_$1" "$node" "$file" "$size" "$address"
		"fetch_$1" "$node" "$file.back" "$size" "$address"
		cmp "$file" "$file.back" || fail "VF $2: $size bytes came back different"
		address=$((address + size + 4096 - size % 4096))
	done
	rm -f "$file" "$file.back"
}

# packets KIND NUMBER
packets()
{
	local node size file=$TMP/packet.$2

	node=$("vf_stream_$1" "$2") || fail "$node"
	for size in $PACKETS; do
		head -c "$size" /dev/urandom >"$file"
		"bounce_$1" "$node" "$file" "$size"
		cmp "$file" "$file.back" || fail "VF $2: a packet of $size bytes came back different"
	done
	rm -f "$file" "$file.back"
}

# cycle PF-DRIVER VF-DRIVER MODE
cycle()
{
	local pids=() p n rc=0

	"pf_up_$1" "$3"
	put_ok 0 "$D/sriov_drivers_autoprobe"
	put_ok 2 "$D/sriov_numvfs"
	"vf_up_$2" "$3"
	"pf_loop_$1"
	for n in 1 2; do
		data "$2" "$n" & pids+=($!)
		packets "$2" "$n" & pids+=($!)
	done
	for p in "${pids[@]}"; do
		wait "$p" || rc=$?
	done
	[ "$rc" -eq 0 ] || fail "data did not move"
	"vf_down_$2"
	put_ok 0 "$D/sriov_numvfs"
	"vf_unload_$2"
	"pf_down_$1"
}

cycles()
{
	local n

	for n in $(seq "$CYCLES"); do
		( cycle "$@" ) || fail "cycle $n"
	done
}

# Whatever a case left behind
clear_away()
{
	local m

	echo 0 >"$D/sriov_numvfs"
	for m in qdma_vf qdma_pf svff_vf svff_pf svff_qdma; do
		[ ! -d "/sys/module/$m" ] || modprobe -r "$m" || rmmod "$m"
	done
}

pairing() { cycles "$@" || { log_since start | tail -n 20; clear_away; fail "$(tail -n 1 "$TMP/out")"; }; }

KO=$(foreign_folder)
[ -n "$KO" ] || { echo "1..0 # SKIP no foreign modules for $(uname -r)"; exit "$KTAP_SKIP"; }
for mode in $MODES; do
	for p in "${PAIRINGS[@]}"; do
		IFS=- read -r pf vf only <<<"$p"
		[ "${only:-$mode}" = "$mode" ] || continue
		add "PF $pf, VF $vf, $mode: $CYCLES cycles" pairing "$pf" "$vf" "$mode"
	done
done
finish
