#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mkinitrd.sh host|guest KVER OUT: makes an initramfs for the emulated host or for a guest, in the lab's root.
#
# host: busybox and what it takes to mount the root over 9p; then lab.init= of the command line runs.
# guest: all there is in a guest: a few tools and the modules under test.

set -eu
. "$(dirname "$0")/common.sh"

GUEST_TOOLS="base64 bash cat chmod cmp ln cut date dd dmesg env fio grep head kill kmod ls lspci mkdir mknod od ps
	readlink rm sed seq setpci sha256sum sleep sort stat tail tee timeout touch tr truncate wc"

LOADS="$SVFF_BUILD/user/selftests/bench/mover $SVFF_BUILD/user/selftests/bench/packets $SVFF_BUILD/user/selftests/bench/pokes
	$SVFF_BUILD/user/selftests/uapi/uapi-eventfd"

kind=$1 KVER=$2 OUT=$3
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

# copy_modules NAME...: the modules and what they need, unpacked, in /mods, their order in /mods/order
copy_modules()
{
	local m f

	mkdir -p "$DIR/mods"
	for m; do
		modprobe -S "$KVER" --show-depends "$m" | awk '$1 == "insmod" { print $2 }'
	done | awk '!seen[$0]++' >"$DIR/mods/paths"
	while read -r f; do
		unpack_module "$f" "$DIR/mods"
	done <"$DIR/mods/paths" >"$DIR/mods/order"
}

# unpack_module FILE FOLDER: prints its name
unpack_module()
{
	local b=${1##*/}

	case $1 in
	*.xz) xz -dc "$1" >"$2/${b%.xz}" ;;
	*) cp "$1" "$2/" ;;
	esac
	echo "${b%.xz}"
}

# The modules under test, where modprobe finds them, and foreign ones. Without an index they are not built yet: none then.
modules_under_test()
{
	local m f d=$DIR/lib/modules/$KVER

	mkdir -p "$d"
	for m in svff_vf igbvf nvme; do
		modprobe -S "$KVER" --show-depends "$m" 2>/dev/null || :
	done | while read -r _ f; do
		[ ! -e "$f" ] || strip --strip-debug "$d/$(unpack_module "$f" "$d")"
	done
	touch "$d/modules.order" "$d/modules.builtin" "$d/modules.builtin.modinfo"
	depmod -b "$DIR" "$KVER"
}

# copy_tool PATH: a program with its libraries
copy_tool()
{
	local f

	install -D "$1" "$DIR$1"
	ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r f; do
		[ -e "$DIR$f" ] || install -D "$f" "$DIR$f"
	done
}

host()
{
	copy_modules virtio_pci virtio_blk erofs 9pnet_virtio 9p overlay virtio_console
	cp "$SVFF_LAB/host-start" "$DIR/init"
}

guest()
{
	local t path

	copy_modules virtio_pci virtio_console
	for t in $GUEST_TOOLS; do
		path=$(type -P "$t") || die "no $t in the lab's root"
		copy_tool "$path"
	done
	for t in insmod lsmod modprobe modinfo rmmod; do
		ln -sf kmod "$DIR/usr/bin/$t"
	done
	for path in $LOADS; do
		[ ! -e "$path" ] || { copy_tool "$path"; ln -s "$path" "$DIR/usr/bin/"; }
	done
	modules_under_test
	cp "$SVFF_LAB/guest-init" "$DIR/init"
}

mkdir -p "$DIR"/{proc,sys,dev,run,tmp,root,usr/bin,usr/sbin,usr/lib,usr/lib64}
for d in bin sbin lib lib64; do
	ln -s "usr/$d" "$DIR/$d"
done
install /usr/bin/busybox "$DIR/usr/bin/busybox"
"$kind"
chmod +x "$DIR/init"
# Not packed: unpacking costs more in an emulated machine than it saves.
(cd "$DIR" && find . -print0 | cpio --quiet -0 -o -H newc) >"$OUT.tmp"
mv "$OUT.tmp" "$OUT"
