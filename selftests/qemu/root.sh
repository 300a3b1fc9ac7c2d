#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# root.sh: prints the path of the lab's Debian root, and builds it first if the cache has none.
#
# The root is what everything is built in; beside it, ROOT.erofs is the same as the emulated host's disk. Nobody
# writes to it: builds and the emulated host see it through an overlay that is thrown away. It is keyed by what it is
# made from, built under a temporary name and renamed when complete, so that a killed build leaves
# nothing that a later one would take for a root.

set -eu
. "$(dirname "$0")/common.sh"

SUITE=trixie
OLDSUITE=bookworm
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# The machine's own mirror: the project names none.
mirror()
{
	local own

	[ -z "${SVFF_MIRROR:-}" ] || { echo "$SVFF_MIRROR"; return; }
	own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016	# apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v own="$own" '($2 == own || $2 ~ /^(old)?stable$/) && $3 == "main" && $1 ~ /^http/ { print $1; exit }'
}

key()
{
	{ echo "$SUITE $OLDSUITE"; cat "$SVFF_LAB/packages" "$SVFF_LAB/root.sh"; } | sha256sum | cut -c1-12
}

packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$SVFF_LAB/packages" | paste -sd,; }

# apt_old ARGS...: apt-cache or apt-get with a private state that knows the older suite only
apt_old()
{
	local cmd=$1 d=$WORK/apt
	shift

	mkdir -p "$d/lists/partial" "$d/cache/archives/partial"
	echo "deb [signed-by=$KEYRING] $MIRROR $OLDSUITE main" >"$d/sources.list"
	: >"$d/status"
	"$cmd" -qq -o Dir::State::lists="$d/lists" -o Dir::State::status="$d/status" -o Dir::Cache="$d/cache" \
		-o Dir::Etc::sourcelist="$d/sources.list" -o Dir::Etc::sourceparts=- "$@"
}

# The older suite's kernel has its number in its name, which changes with each point release.
old_kernel()
{
	apt_old apt-get update
	apt_old apt-cache search --names-only '^linux-image-6\.1\.0-[0-9]+-amd64$' |
		sed -e 's/ .*//' -e 's/^linux-image-//' | sort -V | tail -n 1
}

# Runs outside the new root ($1): takes checkpatch out of the kernel's source package, nothing else.
# shellcheck disable=SC2016	# expanded by mmdebstrap's shell
fetch_checkpatch='
	set -e
	mkdir -p "$1/usr/share/svff-lab" "$1/svff" "$1/cache" "$1/out"
	cd "$1/usr/share/svff-lab"
	APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq download linux-source-6.12
	chroot "$1" sh -c "cd /usr/share/svff-lab && dpkg-deb --fsys-tarfile linux-source-*.deb |
		tar -xO ./usr/src/linux-source-6.12.tar.xz |
		tar -xJ --strip-components=1 --wildcards --occurrence=1 \*/scripts/checkpatch.pl \
			\*/scripts/spelling.txt \*/scripts/const_structs.checkpatch \*/scripts/kernel-doc || :"
	rm -f linux-source-*.deb
'

build()
{
	local tmp=$1 old

	old=$(old_kernel)
	[ -n "$old" ] || die "the mirror has no 6.1 kernel in $OLDSUITE"
	# INITRD=No: the lab boots with an initramfs of its own; making Debian's takes long.
	# All ends with this shell, and holds its lock until it has ended.
	INITRD=No setpriv --pdeathsig KILL -- unshare --mount --pid --fork --kill-child --mount-proc -- \
	mmdebstrap --quiet --mode=root --variant=minbase \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$(packages),linux-image-amd64,linux-headers-amd64" \
		--include="linux-image-$old,linux-headers-$old" \
		--customize-hook="$fetch_checkpatch" \
		"$SUITE" "$tmp" \
		"deb [signed-by=$KEYRING] $MIRROR $SUITE main" \
		"deb-src [signed-by=$KEYRING] $MIRROR $SUITE main" \
		"deb [signed-by=$KEYRING] $MIRROR $OLDSUITE main"
}

# What nothing asks for that runs in the emulated host
NOT_ON_DISK="out/disk usr/include usr/lib/gcc usr/lib/llvm-17 usr/libexec/gcc usr/share/doc usr/src var/cache var/lib/apt"

# The root $1 as a file system, on standard output
disk()
{
	# shellcheck disable=SC2046,SC2086	# words
	chroot "$1" mkfs.erofs --quiet $(printf -- '--exclude-path=%s ' $NOT_ON_DISK) /out/disk / >&2 || return
	cat "$1/out/disk"
	rm "$1/out/disk"
}

main()
{
	local root

	root=$SVFF_CACHE/root-$(key)
	if [ ! -d "$root" ]; then
		need_root "$0" "$@"
		mkdir -p "$SVFF_CACHE"
		exec 9>"$SVFF_CACHE/root.lock"
		flock -n 9 || { say "Another build of the root runs: waiting for it."; flock 9; }
	fi
	if [ ! -d "$root" ]; then
		[ "$(dpkg --print-architecture)" = amd64 ] || die "the lab needs an amd64 machine"
		command -v mmdebstrap >/dev/null || die "needs the package mmdebstrap"
		MIRROR=$(mirror)
		[ -n "$MIRROR" ] || die "no Debian mirror in this machine's apt sources: set SVFF_MIRROR to one"
		rm -rf "$SVFF_CACHE"/root-*.tmp	# of builds that were killed: the lock is ours
		WORK=$root.tmp
		mkdir -p "$WORK"
		{ build "$WORK/root" && disk "$WORK/root" >"$WORK/root.erofs"; } >"$SVFF_CACHE/root.log" 2>&1 ||
			{ tail -n 20 "$SVFF_CACHE/root.log" >&2; die "no root: see $SVFF_CACHE/root.log"; }
		mv "$WORK/root.erofs" "$root.erofs"
		mv "$WORK/root" "$root"
		rm -rf "$WORK"
	fi
	echo "$root"
}

main "$@"
