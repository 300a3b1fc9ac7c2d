# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the lab's scripts share. Sourced, on the machine and in the lab's root.

SVFF_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034	# used by those who source this
SVFF_LAB=$SVFF_SRC/selftests/qemu
SVFF_BUILD=$SVFF_SRC/build
SVFF_CACHE=${SVFF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/svff}

# The stock Debian kernels everything is tried on: floor and newest LTS.
# shellcheck disable=SC2034	# used by those who source this
SVFF_KERNELS="6.1 6.12"

# A second release of QEMU, for which tools/qemu/patches has a series too: guests of the emulated host.
# shellcheck disable=SC2034
SVFF_QEMU_NEWER=10.2

say()  { printf '%s\n' "$*" >&2; }
die()  { say "${0##*/}: $*"; exit 1; }

# need_root "$0" "$@": goes on as root, by sudo if it has to.
need_root()
{
	[ "$(id -u)" -eq 0 ] && return
	command -v sudo >/dev/null ||
		die "needs root for mounts and a Debian root of its own: run it as root, or install sudo"
	say "Needs root for mounts and a Debian root of its own: going on with sudo."
	exec sudo SVFF_CACHE="$SVFF_CACHE" SVFF_FOREIGN="${SVFF_FOREIGN:-}" LAB_MEMORY="${LAB_MEMORY:-}" SVFF_OWNER="$(id -u):$(id -g)" "$@"
}

# What root made in the work tree goes back to the one who called sudo.
give_back()
{
	[ -z "${SVFF_OWNER:-}" ] || chown -R "$SVFF_OWNER" "$SVFF_BUILD"
}

# kernel_of 6.12: the full version of the newest installed kernel of that series; or of the debug kernel
kernel_of()
{
	local k names="$1[.-]*-amd64"

	[ "$1" != debug ] || names="*-svff-debug"
	# shellcheck disable=SC2012,SC2086	# version sort; kernel names hold no blanks; names is a pattern
	k=$(ls -d "${2:-}"/boot/vmlinuz-$names 2>/dev/null | sort -V | tail -n 1)
	[ -n "$k" ] || die "no kernel $1 in the lab's root"
	printf '%s\n' "${k##*/vmlinuz-}"
}

# In the lab's root: puts the debug kernel, built if need be, where the others are.
add_debug_kernel()
{
	local dir version

	dir=$("$SVFF_LAB/debug-kernel.sh")
	version=$(cat "$dir/version")
	mkdir -p "/lib/modules/$version"
	cp -r "$dir"/modules/kernel "$dir"/modules/modules.* "/lib/modules/$version/"
	ln -sfn "$dir/modules/build" "/lib/modules/$version/build"
	ln -sfn "$dir/vmlinuz" "/boot/vmlinuz-$version"
}

# Names all that is built and run here: it is made from these sources, in this root.
sources_key()
{
	(
		cd "$SVFF_SRC" || exit
		find . -path ./build -prune -o -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
		"$SVFF_LAB/root.sh"
	) | sha256sum
}

# step "what it does" command...: one line with its time; the command's output goes to $SVFF_LOG.
step()
{
	printf '  %-60s' "$1" >&2
	timed '' "$@"
}

# beside "what it does" command...: the same where several run at once: the line is written when it ends.
beside() { timed "$(printf '  %-60s' "$1")" "$@"; }

timed()
{
	local text=$1 t=$SECONDS rc=0
	shift 2

	"$@" >>"${SVFF_LOG:-/dev/null}" 2>&1 || rc=$?
	if [ "$rc" -eq 0 ]; then
		printf '%s %5d s\n' "$text" $((SECONDS - t)) >&2
	else
		printf '%s FAILED after %d s (status %d)\n' "$text" $((SECONDS - t)) "$rc" >&2
	fi
	return "$rc"
}

# What the lab needs on the machine itself; told before it is installed, asked for on a terminal.
need_packages()
{
	local answer

	command -v mmdebstrap >/dev/null && return
	say "To install on this machine, and nothing else: mmdebstrap and what it depends on. With it the lab makes"
	say "a Debian root of its own (in $SVFF_CACHE, about 4 GB) in which everything is built and run."
	if [ -t 0 ] && [ -t 2 ]; then
		read -r -p "Install it? [Y/n] " answer
		case $answer in
		[nN]*) die "stopped: mmdebstrap is needed" ;;
		esac
	fi
	install_packages mmdebstrap
}

install_packages()
{
	local log=$SVFF_CACHE/apt.log

	mkdir -p "$SVFF_CACHE"
	{ apt_install "$@" || { apt-get update && apt_install "$@"; }; } >"$log" 2>&1 ||
		{ tail -n 5 "$log" >&2; die "cannot install $*: see $log"; }
}

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "$@"; }

# A step that the rest cannot do without.
must_step()
{
	step "$@" || { tail -n 20 "$SVFF_LOG" >&2; die "the log is $SVFF_LOG"; }
}

# Everything that the emulated host runs: each part is skipped quickly if it is there.
prepare()
{
	need_packages
	must_step "Debian root for building and running (2 min, once)" "$SVFF_LAB/root.sh"
	must_step "QEMU with the emulated card (4 min, once)" "$SVFF_LAB/build.sh" qemu
	must_step "modules for the kernels $SVFF_KERNELS" "$SVFF_LAB/build.sh" modules
	must_step "library, tool and test programs" "$SVFF_LAB/build.sh" user
	must_step "guests" "$SVFF_LAB/build.sh" guests
}

# start_log NAME: the log of the steps that follow
start_log()
{
	SVFF_LOG=$SVFF_BUILD/lab/$1.log
	mkdir -p "$SVFF_BUILD/lab"
	: >"$SVFF_LOG"
}
