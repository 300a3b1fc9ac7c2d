#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# dkms.sh install [KVER...]	hand the modules to dkms; build and install them (default: the running kernel)
# dkms.sh remove		take them back, from all kernels

set -eu

dkms_tree='' kernel_source_dir=''	# known to dkms, not here
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC1091
. "$top/dkms.conf"
module=$PACKAGE_NAME/$PACKAGE_VERSION
src=/usr/src/$PACKAGE_NAME-$PACKAGE_VERSION

die() { echo "dkms.sh: $*" >&2; exit 1; }

known() { [ -n "$(dkms status "$module")" ]; }

take_back()
{
	if known; then
		dkms remove "$module" --all
	fi
	rm -rf "$src"
}

hand_over()
{
	mkdir -p "$src"
	cp -a "$top/Kbuild" "$top/dkms.conf" "$top/COPYING" "$top/qdma" "$top/driver" "$top/include" "$src/"
	dkms add "$module"
}

install()
{
	local k

	for k; do
		[ -e "/lib/modules/$k/build" ] || die "no headers of kernel $k: install linux-headers-$k"
	done
	take_back
	hand_over
	for k; do
		dkms install "$module" -k "$k"
	done
}

command -v dkms >/dev/null || die "dkms is not installed"
[ "$(id -u)" -eq 0 ] || die "must be root: dkms writes to /usr/src and /lib/modules"
case ${1:-} in
install)
	shift
	[ $# -gt 0 ] || set -- "$(uname -r)"
	install "$@"
	;;
remove) take_back ;;
*) sed -n '4,5s/^# //p' "$0" >&2; exit 2 ;;
esac
