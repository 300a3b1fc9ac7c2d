#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Build QEMU with the emulated QDMA card (and the patches in patches/series)
# from Debian's source package. Runs inside a Debian 13 root that has QEMU's
# build dependencies. Progress goes to stderr; the only line on stdout is the
# folder QEMU was installed into. Status 4: no package source has this release.
#
#   build.sh --built  tells the folder if it is there, and builds nothing
#
#   SVFF_CACHE    folder for downloads, build trees and products
#   QEMU_RELEASE  10.0 (default) or 10.2
#
# Three kinds of folder below $SVFF_CACHE/qemu, each keyed by what it is made of:
#   src        Debian's source package as downloaded; any 10.0.x serves
#              (src-10.2: any 10.2.x, and so on)
#   tree-KEY   unpacked and patched source with its build folder; KEY covers
#              source version, patches and configure options, not the model,
#              so that a change to the model recompiles only the model
#   KEY        installed products; KEY covers the tree and the model's files

set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${SVFF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/svff}/qemu
jobs=${JOBS:-2}
prefix=/opt/svff-qemu
release=${QEMU_RELEASE:-10.0}

# Where the releases differ: the folder with the series, what the folders and the lock
# in the cache end with, and the suite that has the source if none of the root's has.
case $release in
10.0) patches=$here/patches end='' suite='' ;;
10.2) patches=$here/patches/$release end=-$release suite=sid ;;
*) echo "qemu: no patches for QEMU $release" >&2; exit 1 ;;
esac
src=$cache/src$end

NO_SOURCE=4	# exit status

# The firmware comes from the packages seabios and qemu-system-data.
firmware=/usr/share/qemu:/usr/share/seabios:/usr/share/qemu-firmware

# Everything else is off: see --without-default-features.
options="--target-list=x86_64-softmmu --without-default-features
	--enable-system --enable-tcg --enable-kvm --enable-virtfs --enable-attr
	--enable-cap-ng --enable-pixman --enable-plugins --enable-linux-aio
	--enable-trace-backends=log --disable-fdt --disable-download
	--disable-install-blobs --disable-docs
	--disable-debug-info --disable-werror"

# Plain files of the model; the rest of this folder is scripts and text.
model_files() {
	for f in "$here"/*.c "$here"/*.h "$here"/meson.build \
		 "$here"/Kconfig "$here"/trace-events; do
		printf '%s\n' "$f"
	done
}

say() {
	printf 'qemu: %s\n' "$*" >&2
}

die() {
	say "$*"
	exit 1
}

key_of() {
	sha256sum | cut -c1-16
}

# The root's package sources, in both formats, as sources of source packages
derive_sources() {
	mkdir -p "$state/sources.d"
	rm -f "$state/sources.d"/*
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n 's/^deb\(-src\)\{0,1\} /deb-src /p' |
		sort -u > "$state/sources.d/root.list"
	[ -z "$suite" ] || add_suite
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -f "$f" ] || continue
		sed 's/^Types:.*/Types: deb-src/' "$f" > "$state/sources.d/$(basename "$f")"
	done
}

# The first of the root's sources with another suite. A mirror may be frozen, and its
# lists older than they say they may be; their signature is checked all the same.
add_suite() {
	sed -e '1!d' -e '/^deb-src \[/!s/^deb-src /deb-src [] /' \
		-e 's/^deb-src \[/deb-src [check-valid-until=no /' \
		-e "s| \([^ ]*://[^ ]*\) [^ ]* | \1 $suite |" \
		"$state/sources.d/root.list" > "$state/sources.d/suite.list"
}

dots() { printf '%s' "$1" | sed 's/\./\\./g'; }

# apt with its state in the cache: the root's own lists stay as they are.
apt_source() {
	state=$cache/apt$end
	mkdir -p "$state/lists/partial" "$state/archives/partial"
	derive_sources
	set -- -q -o Dir::Etc::SourceList=/dev/null \
		-o Dir::Etc::SourceParts="$state/sources.d" \
		-o Dir::State::Lists="$state/lists" \
		-o Dir::Cache="$state" -o APT::Sandbox::User=root \
		-o Acquire::Languages=none
	apt-get "$@" update >&2
	version=$(apt-cache "$@" showsrc --only-source qemu |
		sed -n "s/^Version: *\(1:$(dots "$release")\..*\)\$/\1/p" | sort -V | tail -n 1)
	[ -n "$version" ] || {
		say "no source package of QEMU $release.x in the root's package sources${suite:+ or in $suite}"
		exit "$NO_SOURCE"
	}
	say "version $version"
	rm -rf "$src.new"
	mkdir "$src.new"
	(cd "$src.new" && apt-get "$@" source --download-only "qemu=$version" >&2)
	rm -rf "$src"
	mv "$src.new" "$src"
}

find_dsc() {
	find "$src" -name "qemu_$release.*.dsc" 2>/dev/null | sort -V | tail -n 1
}

get_source() {
	dsc=$(find_dsc)
	if [ -z "$dsc" ]; then
		say "getting Debian's source package"
		apt_source
		dsc=$(find_dsc)
	fi
	[ -n "$dsc" ] || die "the source package was not downloaded"
}

# Unpack and patch into a temporary name, so that a half-made tree is never used.
make_tree() {
	[ -d "$tree" ] && return
	say "unpacking $(basename "$dsc")"
	rm -rf "$tree.new"
	dpkg-source --no-check --no-copy -x "$dsc" "$tree.new" >&2
	while read -r p; do
		[ -n "$p" ] || continue
		say "patch $p"
		patch -s -f -p1 -d "$tree.new" < "$patches/$p" >&2
	done < "$patches/series"
	mkdir "$tree.new/build" "$tree.new/hw/misc/xlnx-qdma"
	mv "$tree.new" "$tree"
}

# Copy only what differs: an untouched file keeps its time stamp.
copy_model() {
	dest=$tree/hw/misc/xlnx-qdma
	model_files | while read -r f; do
		cmp -s "$f" "$dest/$(basename "$f")" || cp "$f" "$dest/"
	done
	for f in "$dest"/*; do
		[ -e "$here/$(basename "$f")" ] || rm -f "$f"
	done
}

configure_tree() {
	[ -f "$tree/build/build.ninja" ] && return
	say "configuring"
	# shellcheck disable=SC2086 # the options are words
	(cd "$tree/build" && ../configure --prefix="$prefix" \
		--firmwarepath="$firmware" $options > configure.log 2>&1) || {
		tail -n 30 "$tree/build/configure.log" >&2
		die "configure failed; see $tree/build/configure.log"
	}
}

compile_tree() {
	say "compiling"
	ninja -C "$tree/build" -j "$jobs" qemu-system-x86_64 > "$tree/build/ninja.log" 2>&1 || {
		tail -n 40 "$tree/build/ninja.log" >&2
		die "build failed; see $tree/build/ninja.log"
	}
}

install_tree() {
	rm -rf "$out.new"
	mkdir -p "$out.new/bin" "$out.new/lib" "$out.new/share/qemu"
	cp "$tree/build/qemu-system-x86_64" "$out.new/bin/"
	cp -r "$tree/pc-bios/keymaps" "$out.new/share/qemu/" 2>/dev/null || :
	# shellcheck disable=SC2046 # the flags are words
	cc -O2 -Wall -shared -fPIC -I"$tree/include/qemu" $(pkg-config --cflags glib-2.0) \
		-o "$out.new/lib/insn-count.so" "$here/plugin/insn-count.c" \
		$(pkg-config --libs glib-2.0)
	basename "$dsc" .dsc > "$out.new/version"
	rm -rf "$out"
	mv "$out.new" "$out"
}

mkdir -p "$cache"
if [ "${1:-}" = --built ]; then
	dsc=$(find_dsc)
	[ -n "$dsc" ] || exit 0
else
	exec 9> "$cache/lock$end"
	flock 9
	get_source
fi
tree_key=$({ basename "$dsc"; echo "$options $prefix $firmware"
	cat "$patches/series"; sed "s|^|$patches/|" "$patches/series" | xargs cat; } | key_of)
tree=$cache/tree-$tree_key
# The list is of words without spaces: the folder's own file names.
out_key=$({ echo "$tree_key"; model_files | while read -r f; do
	basename "$f"; cat "$f"; done; cat "$here/plugin/insn-count.c" "$here/build.sh"; } | key_of)
out=$cache/$out_key

if [ ! -x "$out/bin/qemu-system-x86_64" ]; then
	[ "${1:-}" != --built ] || exit 0
	make_tree
	copy_model
	configure_tree
	compile_tree
	install_tree
fi
say "ready: $(cat "$out/version")"
printf '%s\n' "$out"
