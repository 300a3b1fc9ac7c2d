#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The modules through dkms: added, built, installed and removed for each kernel; and make install, what it puts
# where, and make uninstall. In the lab's root, where nothing outlives the test.
# shellcheck disable=SC2317	# functions are called through run

. "$(dirname "$0")/qemu/common.sh"

MODULES="svff_qdma svff_pf svff_vf svff_vfio"
LIMIT_S=1800
dkms_tree='' kernel_source_dir=''	# dkms.conf wants them

if [ "$SVFF_SRC" != /svff ]; then
	exec timeout "$LIMIT_S" "$SVFF_LAB/enter.sh" /svff/selftests/dkms.sh
fi

DKMS=$SVFF_SRC/tools/packaging/dkms.sh
number=0 failed=0

# run "what is promised" function [argument...]
run()
{
	local name=$1 out
	shift

	number=$((number + 1))
	if out=$("$@" 2>&1); then
		echo "ok $number $name"
	else
		failed=1
		printf '%s\n' "$out" | tail -n 40 | sed 's/^/# /'
		echo "not ok $number $name # $(printf '%s\n' "$out" | tail -n 1)"
	fi
}

installed() { find "/lib/modules/$1/updates/dkms" -name 'svff_*.ko*' 2>/dev/null | wc -l; }

build_and_install() { "$DKMS" install "${KVERS[@]}"; }

has_modules()
{
	local m magic

	for m in $MODULES; do
		magic=$(modinfo -k "$1" -F vermagic "$m") || { echo "$m is not installed"; return 1; }
		[ "${magic%% *}" = "$1" ] || { echo "$m is for ${magic%% *}"; return 1; }
	done
	dkms status svff -k "$1" | grep -q ': installed' || { dkms status; return 1; }
}

has_alias() { modprobe -S "$1" -R "pci:v000010EEd0000903Fsv00000000sd00000000bc05sc80i00" | grep -qx svff_pf; }

refuses_old()
{
	local k

	# shellcheck disable=SC1091
	. "$SVFF_SRC/dkms.conf"
	for k in 5.10.0-1-amd64 5.19.17 6.0.12-1-amd64 4.19.0; do
		[[ ! $k =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "takes $k"; return 1; }
	done
	for k in 6.1.0-1-amd64 6.12.107+deb13-amd64 6.6.1 7.0.1 10.2.0; do
		[[ $k =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "refuses $k"; return 1; }
	done
}

version_agrees()
{
	local v

	v=$(sed -n 's/^VERSION[[:space:]]*:= *//p' "$SVFF_SRC/tools/tools.mk")
	# shellcheck disable=SC1091
	. "$SVFF_SRC/dkms.conf"
	[ "$PACKAGE_VERSION" = "$v" ] || { echo "dkms.conf says $PACKAGE_VERSION, tools say $v"; return 1; }
}

nothing_left()
{
	local k left

	"$DKMS" remove || return
	for k in "${KVERS[@]}"; do
		left=$(installed "$k")
		[ "$left" -eq 0 ] || { echo "$left modules are left in $k"; return 1; }
	done
	left=$(find /usr/src /var/lib/dkms -maxdepth 1 -name 'svff*')
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

# As build.sh does it, so that what is built already will do.
make_modules()
{
	make -s -C "$SVFF_SRC" "$1" KVER="$newest" SELFTESTS=y W=1 C=1 CONFIG_DEBUG_INFO_BTF_MODULES= TOOLS=
}

make_tools()
{
	local dir=$SVFF_BUILD/user

	[ -d "$dir" ] || dir=$SVFF_SRC
	make -s -C "$dir" "$1" KVER="$newest"
}

ours() { find /usr /lib/modules /etc -xdev -name '*svff*' | sort; }

make_install()
{
	! has_alias "$newest" || { echo "the card has its driver already"; return 1; }
	make_modules install-modules && has_alias "$newest"
}

make_install_tools()
{
	make_tools install-tools && svff --help >/dev/null && man -w svff-unpause >/dev/null || return
	echo '#include <linux/svff.h>' | cc -I/usr/local/include -xc -fsyntax-only - || return
	[ -e /usr/lib/udev/rules.d/60-svff.rules ]
}

make_uninstall()
{
	make_tools uninstall && make_modules uninstall || return
	diff <(echo "$before") <(ours) || return
	! has_alias "$newest" 2>/dev/null
}

KVERS=()
for k in $SVFF_KERNELS; do
	KVERS+=("$(kernel_of "$k")")
done
echo "KTAP version 1"
echo "1..$((7 + 2 * ${#KVERS[@]}))"
run "kernels below the floor are refused" refuses_old
run "one version everywhere" version_agrees
run "add, build and install" build_and_install
for k in "${KVERS[@]}"; do
	run "all modules in $k" has_modules "$k"
	run "the card finds its driver in $k" has_alias "$k"
done
run "removed without a trace" nothing_left
newest=${KVERS[-1]}
before=$(ours)
run "make install-modules: the card finds its driver in $newest" make_install
run "make install-tools: command, man pages, header, rules" make_install_tools
run "make uninstall leaves nothing" make_uninstall
exit "$failed"
