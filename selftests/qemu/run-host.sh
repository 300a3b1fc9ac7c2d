#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run-host.sh DIR: the inner half of boot.sh, in the lab's root. DIR holds env, written by boot.sh.
#
# The emulated host's root is the lab's, from a disk (looking for files over 9p takes half the time of short commands),
# below a tmpfs. What this script sees of the repository and the cache is in place there, read-only over 9p.

set -eu
. "$(dirname "$0")/common.sh"

TIMED_OUT=124
OUT=$1
# shellcheck disable=SC1091
. "$OUT/env"

# Windows that hold the BARs of the card with all its VFs, for firmware that does not count those.
PORT=pcie-root-port,id=rp0,chassis=1,slot=1,pref64-reserve=8G,mem-reserve=64M

find_qemu()
{
	QEMU=$LAB_QEMU
	[ -n "$QEMU" ] || QEMU=$("$SVFF_SRC/tools/qemu/build.sh" 2>"$OUT/qemu-build.log") ||
		die "QEMU does not build: see $OUT/qemu-build.log"
	printf 'LAB_QEMU=%q\nLAB_QEMU_NEWER=%q\n' "$QEMU" \
		"$(QEMU_RELEASE=$SVFF_QEMU_NEWER "$SVFF_SRC/tools/qemu/build.sh" --built)" >>"$OUT/env"
}

# The emulator shares its processors with other work: what the kernel takes for a broken timer or a lock-up
# within its usual limits may be a machine that waited for its turn. Mitigations guard against nothing here and
# cost a sixth of the time.
PATIENCE="mitigations=off rcupdate.rcu_expedited=1 no_timer_check tsc=reliable watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120"

# Sets ARGS. With hot-plug by ACPI the root port never says that its link is up, so that no reset of the link
# ends well. A monitor cannot share a character device with a port, so a socket joins the two. The emulator copies byte
# by byte for "rep movsb": a kernel that is told not to prefer it copies words.
machine()
{
	local append="console=ttyS0 panic=-1 intel_iommu=on $PATIENCE lab.init=$SVFF_LAB/host-init"
	local sock

	[ -n "$LAB_VERBOSE" ] || append="$append quiet"
	sock=$(mktemp -u /tmp/qmp.XXXXXX)
	# shellcheck disable=SC2054	# the commas are QEMU's
	ARGS=(
		-nodefaults -no-user-config -no-reboot -display none
		-L /usr/share/seabios -L /usr/share/qemu
		-machine q35,kernel-irqchip=split -accel tcg,thread=multi
		-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off
		-cpu max,la57=off,erms=off,fsrm=off -smp 2 -m "${LAB_MEMORY:-4096}"
		-device intel-iommu,intremap=on
		-kernel "/boot/vmlinuz-$KVER" -initrd "$OUT/initrd" -append "$append"
		-serial "file:$OUT/serial.log"
		-drive "file=$("$SVFF_LAB/root.sh").erofs,format=raw,if=none,id=root,readonly=on" -device virtio-blk-pci,drive=root
		-device virtio-serial-pci
		-chardev stdio,id=tty,signal=off -device virtconsole,chardev=tty
		-chardev "socket,id=qmp,path=$sock,server=on,wait=off" -mon qmp,mode=control
		-chardev "socket,id=lab,path=$sock" -device virtserialport,chardev=lab,name=svff.lab
		-fsdev local,id=outside,path=/,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,fsdev=outside,mount_tag=outside
		-fsdev "local,id=out,path=$OUT,security_model=none,multidevs=remap"
		-device virtio-9p-pci,fsdev=out,mount_tag=out
		-device "$PORT"
	)
}

# The device behind the root port. nvme is one with two VFs, to each of which it can give an admin queue and another, and
# two interrupts; the namespace is that of them all.
# shellcheck disable=SC2054
card()
{
	local id=id=card0,bus=rp0

	if [ "$LAB_DEVICE" != nvme ]; then
		ARGS+=(-device "$LAB_DEVICE,$id")
		return
	fi
	rm -f "$OUT/nvme"
	truncate -s 64M "$OUT/nvme"
	ARGS+=(
		-device nvme-subsys,id=subsys0
		-device "nvme,$id,serial=lab,subsys=subsys0,max_ioqpairs=6,msix_qsize=5,sriov_max_vfs=2,sriov_vq_flexible=4,sriov_vi_flexible=4"
		-drive "file=$OUT/nvme,format=raw,if=none,id=namespace" -device nvme-ns,drive=namespace,bus=card0
	)
}

# Counting is asked for through a socket too, to which the plugin connects.
count_instructions()
{
	local sock

	sock=$(mktemp -u /tmp/insns.XXXXXX)
	# shellcheck disable=SC2054
	ARGS+=(
		-plugin "$QEMU/lib/insn-count.so,socket=$sock"
		-chardev "socket,id=insns,path=$sock,server=on,wait=off" -device virtserialport,chardev=insns,name=svff.insns
	)
}

# A script's own status is in the file; without one, the emulated host did not get that far.
result()
{
	local rc=$1

	[ ! -s "$OUT/status" ] || exit "$(cat "$OUT/status")"
	tail -n 30 "$OUT/serial.log" >&2
	if [ "$rc" -eq "$TIMED_OUT" ]; then
		say "The emulated host did not end within $LAB_LIMIT s: see $OUT/serial.log"
		exit "$TIMED_OUT"
	fi
	die "the emulated host died (status $rc): see $OUT/serial.log"
}

[ "$LAB_KERNEL" != debug ] || add_debug_kernel
KVER=$(kernel_of "$LAB_KERNEL")
find_qemu
"$SVFF_LAB/mkinitrd.sh" host "$KVER" "$OUT/initrd"
machine
card
[ -z "$LAB_COUNT" ] || count_instructions
rc=0
timeout --foreground -k 10 "$LAB_LIMIT" "$QEMU/bin/qemu-system-x86_64" "${ARGS[@]}" || rc=$?
result "$rc"
