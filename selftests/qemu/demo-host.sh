#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# demo-host.sh [--ktap]: the main job, shown in the emulated host: VFs are made, two running guests get one each and
# move data, the number of VFs changes while they go on, a third guest joins, the number changes once more with
# devices that go and come, and all is taken back.
# --ktap: the same as a test.
# shellcheck disable=SC2317,SC2329	# the steps are called through show

. "$(dirname "$0")/../lib.sh"

RUN=/run/svff-lab
# shellcheck disable=SC2034	# lib.sh's: two rounds of a guest's mover take long where the processors are shared
WAIT_S=60
MIB=1048576
DATA_MIB=64
# Card addresses in MiB: a region for each guest, and one that belongs to none.
declare -A REGION=([A]=0 [B]=128 [C]=256)
OTHER_MIB=384 OTHER_SIZE_MIB=16
FIO_MIB=8
MOVE_LIMIT=900	# seconds; checksums are slow in a guest of an emulated host
# A guest with the host's kernel, one with the other stock kernel.
declare -A KERNEL=([A]=$LAB_KERNEL [B]=$([ "$LAB_KERNEL" = 6.12 ] && echo 6.1 || echo 6.12) [C]=$LAB_KERNEL)

ktap='' shown=0 facts=()
[ "${1:-}" != --ktap ] || ktap=1

fact() { printf '%s\n' "$*" >>"$TMP/facts"; }

# show "what" function...: one line with its time; the facts it noted go into the table.
show()
{
	local what=$1 start=$EPOCHREALTIME rc=0 ms
	shift

	shown=$((shown + 1))
	: >"$TMP/facts"
	[ -n "$ktap" ] || printf '%2d  %-58s' "$shown" "$what"
	( "$@" ) >"$TMP/out" 2>&1 || rc=$?
	ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	if [ -n "$ktap" ]; then
		result "$rc" "$what"
	elif [ "$rc" -eq 0 ]; then
		printf ' %4d.%d s\n' $((ms / 1000)) $((ms % 1000 / 100))
	else
		printf ' FAILED: %s\n' "$(tail -n 1 "$TMP/out")"
	fi
	mapfile -t -O "${#facts[@]}" facts < <(sed "s/^/$shown\t/" "$TMP/facts")
	[ "$rc" -eq 0 ] || broken
}

result()
{
	if [ "$1" -eq 0 ]; then
		echo "ok $shown $2"
	else
		echo "not ok $shown $2 # $(tail -n 1 "$TMP/out")"
	fi
}

# Nothing after a failed step means anything.
broken()
{
	sed 's/^/# /' "$TMP/out"
	dmesg | tail -n 30 >/out/demo.dmesg
	echo "# The end of the kernel's log is in demo.dmesg, guests' consoles are in guest-*.log, beside serial.log."
	exit "$KTAP_FAIL"
}

#--- the steps

load()
{
	modprobe svff_pf || fail "svff_pf does not load"
	must svff status
	fact "card $PF: $(get "$S/ip_type") $(get "$S/ip_version"), $(get "$S/queues_total") queues, $(get "$D/sriov_totalvfs") VFs possible"
}

ranges()
{
	local n text=

	for n in $(seq "$1"); do
		text="$text${text:+, }VF $n: $(get "$S/vf$n/queue_base")+$(get "$S/vf$n/queues")"
	done
	echo "$text"
}

# VFs are for guests here: left on, autoprobe gives each to this host's svff_vf as soon as udev has loaded it.
enable_by_sysfs()
{
	put_ok 0 "$D/sriov_drivers_autoprobe"
	put_ok 2 "$D/sriov_numvfs"
	expect ready "$S/vf1/state"
	expect ready "$S/vf2/state"
	fact "2 VFs by sysfs, queue ranges $(ranges 2)"
	put_ok 0 "$D/sriov_numvfs"
}

on_vfio() { [[ $(basename "$(readlink "$D/virtfn$(($1 - 1))/driver")") == *vfio* ]]; }

enable_by_tool()
{
	must svff init --vfs 2
	on_vfio 1 || fail "VF 1 is not bound to VFIO"
	on_vfio 2 || fail "VF 2 is not bound to VFIO"
	fact "2 VFs by svff init, bound to VFIO, IOMMU groups $(groups_of 2)"
}

groups_of()
{
	local n

	for n in $(seq "$1"); do
		basename "$(readlink "$D/virtfn$((n - 1))/iommu_group")"
	done | paste -sd' '
}

start_guests()
{
	local g pids=()

	for g; do
		guest_start "$g" "${KERNEL[$g]}" &
		pids+=($!)
	done
	for g in "${pids[@]}"; do
		wait "$g" || fail "a guest does not start"
	done
	for g; do
		fact "guest $g runs $(guest_run "$g" 'cut -d" " -f3 /proc/version')"
	done
}

attach()
{
	must svff attach "$1" "qmp:$RUN/$2.qmp"
	guest_driver "$2"
}

guest_driver()
{
	guest_drives "$1" || { guest log "$1" | tail -n 20; fail "guest $1 has no data device"; }
}

attach_both()
{
	attach 1 A
	attach 2 B
	expect active "$S/vf1/state"
	expect active "$S/vf2/state"
	fact "VF 1 in guest A, VF 2 in guest B, data device /dev/svff-mm0 in each"
}

# In the guest $1: random data to its region and back.
move_data()
{
	guest_run "$1" -t "$MOVE_LIMIT" "
		set -e
		dd if=/dev/urandom of=/tmp/data bs=1M count=$DATA_MIB
		# of the data vectors alone; mailbox interrupts do not count
		irqs() { n=0; while read -r _ c _; do n=\$((n + c)); done < <(grep 'svff_qdma.*-data' /proc/interrupts); echo \$n; }
		before=\$(irqs)
		dd if=/tmp/data of=/dev/svff-mm0 bs=1M oflag=seek_bytes seek=$((REGION[$1] * MIB))
		dd if=/dev/svff-mm0 bs=1M iflag=skip_bytes skip=$((REGION[$1] * MIB)) count=$DATA_MIB | sha256sum | cut -c1-64 >/tmp/read
		sha256sum </tmp/data | cut -c1-64 >/tmp/wrote
		rm /tmp/data
		cmp /tmp/wrote /tmp/read
		fio --name=fio --filename=/dev/svff-mm0 --ioengine=io_uring --iodepth=8 --rw=randwrite --bs=64k \
			--offset=$(((REGION[$1] + DATA_MIB) * MIB)) --size=${FIO_MIB}M --verify=crc32c --verify_fatal=1 >/tmp/fio || { cat /tmp/fio; exit 1; }
		echo result \$(cut -c1-12 /tmp/read) \$((\$(irqs) - before))
	" >"$TMP/move.$1" 2>&1 || echo "moving data ended with status $?" >>"$TMP/move.$1"
}

# Prints a guest's checksum and its number of interrupts; polling would leave none.
moved()
{
	local sum irqs

	read -r _ sum irqs < <(grep '^result' "$TMP/move.$1") || { cat "$TMP/move.$1"; fail "guest $1: $(tail -n 1 "$TMP/move.$1")"; }
	[ "$irqs" -gt 0 ] || fail "guest $1 has seen no interrupt"
	fact "guest $1: $DATA_MIB MiB written and read (dd), sha256 $sum... agrees; $FIO_MIB MiB by fio; $irqs interrupts"
}

data_in()
{
	local g

	for g; do
		move_data "$g" &
	done
	wait
	for g; do
		moved "$g"
	done
}

other_sum()
{
	dd if="$1" bs=1M iflag=skip_bytes skip=$((OTHER_MIB * MIB)) count=$OTHER_SIZE_MIB 2>/dev/null | sha256sum
}

both_move_data()
{
	local pf before

	pf=$(data_device "$PF") || fail "the PF has no data device"
	must dd if=/dev/urandom of="$pf" bs=1M oflag=seek_bytes seek=$((OTHER_MIB * MIB)) count=$OTHER_SIZE_MIB
	before=$(other_sum "$pf")
	data_in A B
	[ "$(other_sum "$pf")" = "$before" ] || fail "a region that belongs to no guest has changed"
	fact "$OTHER_SIZE_MIB MiB that belong to neither guest: unchanged"
}

# reconf_under_load ARG...: the number of VFs changes while guests A and B move data. Sets GAP, the longest that one of
# them had to wait, in ms, and FAILED, how many transfers failed.
reconf_under_load()
{
	local g gap=0 failed=0

	for g in A B; do
		guest_run "$g" 'dmesg -C'
		mover_start "$g" "${REGION[$g]}"
	done
	must svff reconf --json "$@" >"$TMP/reconf"
	for g in A B; do
		mover_stop "$g"
		[ "$GAP" -le "$gap" ] || gap=$GAP
		failed=$((failed + FAILED))
	done
	GAP=$gap FAILED=$failed
}

reconf_by_pause()
{
	local g

	reconf_under_load --vfs 4
	[ "$FAILED" -eq 0 ] || fail "$FAILED transfers failed"
	expect 4 "$D/sriov_numvfs"
	for g in A B; do
		guest_untouched "$g"
	done
	echo "$GAP" >"$TMP/gap"
	fact "2 VFs became 4 while A and B moved data: every byte right, drivers stayed bound, not a word in the guests' logs"
	fact "the longest that a guest waited for a transfer was $GAP ms; of that"
	jq -r '.steps[] | "  \(.name): \(.ms | floor) ms"' "$TMP/reconf" >>"$TMP/facts"
}

reconf_by_detach()
{
	reconf_under_load --by-detach --vfs 3
	expect 3 "$D/sriov_numvfs"
	fact "4 VFs became 3 by detach and attach: A and B lost their devices and got them again, $FAILED transfers failed,"
	fact "the longest wait was $GAP ms, $(awk -v d="$GAP" -v p="$(cat "$TMP/gap")" 'BEGIN { printf "%.1f", d / p }') times as long"
}

third_guest()
{
	attach 3 C
	data_in C
}

detach_all()
{
	local n

	for n in 1 2 3; do
		must svff detach "$n"
		expect ready "$S/vf$n/state"
	done
	for n in A B C; do
		guest_run "$n" 'test ! -e /dev/svff-mm0' || fail "guest $n still has its data device"
		guest_log_clean "$n"
	done
}

remove()
{
	put_ok 0 "$D/sriov_numvfs"
	must modprobe -r svff_vfio svff_vf svff_pf
	nothing_left
	fact "no VF, no module, no device node is left; all kernel logs are clean"
}

nothing_left()
{
	local left

	udevadm settle --timeout=30
	left=$(find /dev /sys/class /sys/bus/pci/devices -maxdepth 1 -name 'svff*'; lsmod | grep '^svff' || :)
	[ -z "$left" ] || { echo "$left"; fail "left behind: $(echo "$left" | paste -sd' ')"; }
	[ ! -e "$S" ] || fail "$S is left"
	clean_log
}

table()
{
	echo
	echo "What was shown"
	printf '%s\n' "${facts[@]}" | awk -F'\t' '{ printf "%3s  %s\n", $1 == last ? "" : $1, $2; last = $1 }'
}

cleanup()
{
	local g

	for g in A B C; do
		guest_stop "$g" 2>/dev/null
	done
	rm -rf "$TMP"
}

trap cleanup EXIT
find_pf
log_mark start
[ -z "$ktap" ] || printf 'KTAP version 1\n1..11\n'
show "modprobe svff_pf binds the card" load
show "echo 2 > sriov_numvfs: two VFs with a queue range each" enable_by_sysfs
show "svff init --vfs 2: the same, and ready for VFIO" enable_by_tool
show "guests A, B and C start" start_guests A B C
show "svff attach: VF 1 to guest A, VF 2 to guest B" attach_both
show "both guests move data at the same time" both_move_data
show "svff reconf --vfs 4, while both move data" reconf_by_pause
show "svff attach: VF 3 to guest C, which moves data" third_guest
show "svff reconf --vfs 3, the old way, under the same load" reconf_by_detach
show "svff detach: each guest gives its VF back" detach_all
show "echo 0 > sriov_numvfs, modprobe -r: nothing is left behind" remove
[ -n "$ktap" ] || table
