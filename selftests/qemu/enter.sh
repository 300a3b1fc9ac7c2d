#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# enter.sh COMMAND [ARG...]: runs a command in the lab's root.
#
# The command sees the repository at /svff (read-only), its build folder at /svff/build and the cache at
# /cache (both writable). What it writes elsewhere goes to memory and is gone when it ends. Mounts and
# processes live in namespaces of their own, so nothing of it is left behind, even if this is killed. Compilers are
# ccache's: all clones of the repository have the same paths here.

set -eu
. "$(dirname "$0")/common.sh"

# In the new namespaces, as their first process.
inner()
{
	local m=$SVFF_CACHE/mnt r=$SVFF_CACHE/mnt/root rc=0
	shift

	trap 'exit 143' TERM INT HUP
	mount -t tmpfs -o mode=0755 svff "$m"
	mkdir "$m/upper" "$m/work" "$r"
	mount -t overlay -o "lowerdir=$SVFF_ROOT,upperdir=$m/upper,workdir=$m/work" svff "$r" ||
		die "cannot mount an overlay: the lab needs the kernel's overlay file system"
	mount -t proc proc "$r/proc"
	mount --rbind /dev "$r/dev"
	mount --bind "$SVFF_SRC" "$r/svff"
	mount -o remount,bind,ro "$r/svff"
	mount --bind "$SVFF_BUILD" "$r/svff/build"
	mount --bind "$SVFF_CACHE" "$r/cache"
	foreign "$r/foreign"
	network "$r"
	chroot "$r" /usr/bin/env -i PATH=/usr/lib/ccache:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" SVFF_CACHE=/cache CC=gcc CCACHE_DIR=/cache/ccache \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		"$@" || rc=$?
	exit "$rc"
}

# Foreign drivers, see foreign.sh
foreign()
{
	[ -n "${SVFF_FOREIGN:-}" ] || return 0
	mkdir "$1"
	mount --bind "$SVFF_FOREIGN" "$1"
	mount -o remount,bind,ro "$1"
}

# The machine's resolver and apt proxy, for those who fetch sources.
network()
{
	cat /etc/resolv.conf >"$1/etc/resolv.conf" 2>/dev/null || :
	apt-config dump 2>/dev/null | grep -i '^Acquire::.*proxy' >"$1/etc/apt/apt.conf.d/99machine" || :
}

if [ "${1:-}" = --inner ]; then
	inner "$@"
fi
[ $# -gt 0 ] || die "usage: enter.sh COMMAND [ARG...]"
need_root "$0" "$@"
SVFF_ROOT=$("$SVFF_LAB/root.sh")
mkdir -p "$SVFF_BUILD" "$SVFF_CACHE/mnt"
export SVFF_ROOT SVFF_CACHE
# unshare does not listen to SIGTERM while its child runs; it must not outlive this shell either.
setpriv --pdeathsig KILL -- \
	unshare --mount --propagation private --pid --fork --kill-child -- "$0" --inner "$@" <&0 &
child=$!
trap 'kill -KILL $child; exit 143' TERM INT HUP
rc=0
wait "$child" || rc=$?
exit "$rc"
