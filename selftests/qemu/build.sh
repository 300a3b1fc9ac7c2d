#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# build.sh [qemu|modules|user|guests]...: builds in the lab's root what the emulated host runs, by default all.
# build.sh newer: the second release of QEMU (4 min, once); status 4 if there is no source of it any more.
# build.sh debug: the debug kernel, if the cache has none (10 to 30 min), and modules for it.
# LAB_KERNELS="6.12" builds modules and guests for that kernel alone.
#
# build/modules/KVER  the modules, an index for modprobe, and a log of all that compiler and checker said
# build/user          the repository linked, test programs built in place; inst/ holds the tools as installed
# build/guest         an initramfs and an unpacked kernel for each version

set -eu
. "$(dirname "$0")/common.sh"

qemu() { "$SVFF_SRC/tools/qemu/build.sh"; }
newer() { QEMU_RELEASE=$SVFF_QEMU_NEWER "$SVFF_SRC/tools/qemu/build.sh"; }

# Warnings are told once, so a build that had some is started anew: silence then means something.
# The products are swapped in when all is done: who boots meanwhile gets the old ones, not half of the new.
modules_of()
{
	local kver=$1 dir=$SVFF_BUILD/modules/$1 new=$SVFF_BUILD/modules/$1.new rc=0

	if [ -s "$new/log" ] || [ -s "$dir/log" ]; then
		rm -rf "$SVFF_BUILD/modules-$kver"
	fi
	rm -rf "$new"
	mkdir -p "$new/index"
	make -s -C "$SVFF_SRC" modules KVER="$kver" SELFTESTS=y W=1 C=1 CONFIG_DEBUG_INFO_BTF_MODULES= -j2 \
		>"$new/log" 2>&1 || rc=$?
	cat "$new/log" >&2
	[ "$rc" -eq 0 ] || { echo "status $rc" >>"$new/log"; die "modules do not build on $kver"; }
	find "$SVFF_BUILD/modules-$kver" -name '*.ko' -exec cp {} "$new/" \;
	mkdir -p "/lib/modules/$kver/updates"
	cp "$new"/*.ko "/lib/modules/$kver/updates/"
	depmod "$kver"
	cp /lib/modules/"$kver"/modules.* "$new/index/"
	rm -rf "$dir"
	mv "$new" "$dir"
}

modules()
{
	local k

	for k in ${LAB_KERNELS:-$SVFF_KERNELS}; do
		modules_of "$(kernel_of "$k")"
	done
}

debug()
{
	add_debug_kernel
	modules_of "$(kernel_of debug)"
}

user()
{
	local u=$SVFF_BUILD/user d

	mkdir -p "$u/inst"
	for d in "$SVFF_SRC"/*; do
		[ "$d" = "$SVFF_BUILD" ] || cp -asf "$d" "$u/"
	done
	find "$u" -path "$u/inst" -prune -o -xtype l -exec rm {} +
	make -s -C "$u" tools -j2
	for d in lib svff packaging; do
		[ ! -e "$u/tools/$d/Makefile" ] || make -s -C "$u/tools/$d" install PREFIX=/usr DESTDIR="$u/inst"
	done
	for d in "$u"/selftests/*/Makefile "$u"/selftests/unit/*/Makefile; do
		make -s -C "${d%/*}" SANITIZE=y -j2
	done
}

guests()
{
	local k kver

	mkdir -p "$SVFF_BUILD/guest"
	for k in ${LAB_KERNELS:-$SVFF_KERNELS}; do
		kver=$(kernel_of "$k")
		if [ -d "$SVFF_BUILD/modules/$kver/index" ]; then
			mkdir -p "/lib/modules/$kver/updates"
			cp "$SVFF_BUILD/modules/$kver"/*.ko "/lib/modules/$kver/updates/"
			cp "$SVFF_BUILD/modules/$kver"/index/* "/lib/modules/$kver/"
		fi
		"$SVFF_LAB/mkinitrd.sh" guest "$kver" "$SVFF_BUILD/guest/$kver"
		[ -e "$SVFF_BUILD/guest/$kver.kernel" ] ||
			"$SVFF_LAB/unpack-kernel.sh" "/boot/vmlinuz-$kver" "$SVFF_BUILD/guest/$kver.kernel"
	done
}

if [ "$SVFF_SRC" != /svff ]; then
	exec "$SVFF_LAB/enter.sh" env LAB_KERNELS="${LAB_KERNELS:-}" /svff/selftests/qemu/build.sh "$@"
fi
[ $# -gt 0 ] || set -- qemu modules user guests
exec 8>"$SVFF_BUILD/lock"
flock 8
for part; do
	case $part in
	qemu|newer|modules|user|guests|debug) "$part" ;;
	*) die "unknown part $part" ;;
	esac
done
