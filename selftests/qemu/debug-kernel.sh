#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# debug-kernel.sh: prints the folder of a kernel that sees what a stock one does not (debug.config), and builds it
# first if the cache has none: 10 to 30 minutes. Runs in the lab's root.
#
# The source is that of Debian's package; any 6.12 serves. Products are keyed by what they are made from:
#   debug/KEY/vmlinuz	the kernel
#   debug/KEY/modules	what belongs to /lib/modules/VERSION, with all that building modules takes
#   debug/KEY/version

set -eu
. "$(dirname "$0")/common.sh"

CACHE=$SVFF_CACHE/debug
PACKAGE=linux-source-6.12

key() { cat "$SVFF_LAB/debug.config" "$SVFF_LAB/debug-kernel.sh" | sha256sum | cut -c1-12; }

# The root's lists of packages are gone with the overlay.
get_source()
{
	compgen -G "$CACHE/$PACKAGE*.deb" >/dev/null && return
	apt-get -qq update
	(cd "$CACHE" && apt-get -qq -o APT::Sandbox::User=root download "$PACKAGE")
}

unpack()
{
	dpkg-deb --fsys-tarfile "$CACHE/$PACKAGE"*.deb | tar -xO "./usr/src/$PACKAGE.tar.xz" |
		tar -xJ -C "$WORK" --strip-components=1 --one-top-level=src
}

kmake() { nice make -s -C "$WORK/src" O="$WORK/obj" -j "${JOBS:-2}" "$@"; }

# A symbol whose dependencies are missing disappears without a word.
configure()
{
	local lost

	kmake KCONFIG_ALLCONFIG="$SVFF_LAB/debug.config" allnoconfig
	lost=$(grep -E '^(CONFIG_|# CONFIG_.* is not set)' "$SVFF_LAB/debug.config" | while read -r line; do
		grep -qxF "$line" "$WORK/obj/.config" || case $line in
		"#"*) ! grep -q "^$(awk '{ print $2 }' <<<"$line")=" "$WORK/obj/.config" || echo "$line" ;;
		*) echo "$line" ;;
		esac
	done)
	[ -z "$lost" ] || die "debug.config is not obeyed: $lost"
}

compile()
{
	local version

	kmake bzImage modules
	version=$(cat "$WORK/obj/include/config/kernel.release")
	kmake INSTALL_MOD_PATH="$WORK/inst" INSTALL_MOD_STRIP=1 modules_install
	rm -f "$WORK/inst/lib/modules/$version/build"
	# shellcheck disable=SC2016	# make's variable
	kmake run-command KBUILD_RUN_COMMAND='$(srctree)/scripts/package/install-extmod-build '"$WORK/build"
	mkdir "$WORK/out"
	mv "$WORK/inst/lib/modules/$version" "$WORK/out/modules"
	mv "$WORK/build" "$WORK/out/modules/build"
	cp "$WORK/obj/arch/x86/boot/bzImage" "$WORK/out/vmlinuz"
	echo "$version" >"$WORK/out/version"
}

main()
{
	local out

	out=$CACHE/$(key)
	mkdir -p "$CACHE"
	exec 9>"$CACHE/lock"
	flock 9
	if [ ! -d "$out" ]; then
		WORK=$out.tmp
		rm -rf "$CACHE"/*.tmp	# of builds that were killed: the lock is ours
		mkdir "$WORK"
		# A process of its own, so that the first failure ends it.
		"$0" --build "$WORK" >"$CACHE/log" 2>&1 ||
			{ tail -n 20 "$CACHE/log" >&2; die "no debug kernel: see the log in $CACHE"; }
		mv "$WORK/out" "$out"
		rm -rf "$WORK"
	fi
	echo "$out"
}

if [ "${1:-}" = --build ]; then
	WORK=$2
	get_source
	unpack
	configure
	compile
else
	main
fi
