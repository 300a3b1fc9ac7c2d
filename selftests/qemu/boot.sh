#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh [-k 6.1|6.12|debug] [-t SECONDS] [-o DIR] [-d DEVICE] [-c] [-v] [--] SCRIPT [ARG...]
# boot.sh [-k 6.1|6.12|debug] [-d DEVICE] -i
#
# Boots the emulated host, runs SCRIPT as root in it and returns its exit status. What the script prints
# appears as it comes; logs and what it writes to /out stay in DIR, a folder below build/ (default
# build/lab/out-KERNEL). -i: a shell instead of a script. -d: the device behind the root port (default the
# emulated card; nvme: one with two VFs and a namespace). LAB_MEMORY: its MiB. -c: instructions are counted, see the port svff.insns. -v: the kernel's log on the serial line in full. Status 124: the time limit (default 300 s).

set -eu
. "$(dirname "$0")/common.sh"

usage() { sed -n '4,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }

# Script paths are given as the machine sees them; in the emulated host the repository is at /svff.
inside_path()
{
	local p

	p=$(realpath -e -- "$1")
	case $p in
	"$SVFF_SRC"/*) echo "/svff${p#"$SVFF_SRC"}" ;;
	*) install -m 755 "$p" "$out/script"; echo /out/script ;;
	esac
}

kernel=6.12 limit=300 out='' device=xlnx-qdma verbose='' interactive='' count=''
while getopts k:t:o:d:cvi opt; do
	case $opt in
	k) kernel=$OPTARG ;;
	t) limit=$OPTARG ;;
	o) out=$OPTARG ;;
	d) device=$OPTARG ;;
	c) count=1 ;;
	v) verbose=1 ;;
	i) interactive=1 limit=28800 ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ -n "$interactive$*" ] || usage
need_root "$0" -k "$kernel" -t "$limit" -d "$device" ${out:+-o "$out"} ${count:+-c} ${verbose:+-v} ${interactive:+-i} -- "$@"

out=$(realpath -m -- "${out:-$SVFF_BUILD/lab/out-$kernel}")
case $out in
"$SVFF_BUILD"/*) ;;
*) die "$out is not below $SVFF_BUILD" ;;
esac
mkdir -p "$out"
rm -f "$out/status" "$out/serial.log" "$out/dmesg" "$out/script"
if [ -z "$interactive" ]; then
	script=$(inside_path "$1")
	shift
	set -- "$script" "$@"
fi
{
	printf 'LAB_COMMAND=(%s)\n' "${*@Q}"
	printf 'LAB_KERNEL=%q\nLAB_LIMIT=%q\nLAB_DEVICE=%q\n' "$kernel" "$limit" "$device"
	printf 'LAB_VERBOSE=%q\nLAB_INTERACTIVE=%q\n' "$verbose" "$interactive"
	printf 'LAB_COUNT=%q\n' "$count"
	printf 'LAB_QEMU=%q\nLAB_MEMORY=%q\n' "${SVFF_QEMU:-}" "${LAB_MEMORY:-}"
} >"$out/env"

exec "$SVFF_LAB/enter.sh" /svff/selftests/qemu/run-host.sh "/svff/build${out#"$SVFF_BUILD"}"
