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

say()  { printf '%s\n' "$*" >&2; }
die()  { say "${0##*/}: $*"; exit 1; }

# need_root "$0" "$@": goes on as root, by sudo if it has to.
need_root()
{
	[ "$(id -u)" -eq 0 ] && return
	command -v sudo >/dev/null ||
		die "needs root for mounts and a Debian root of its own: run it as root, or install sudo"
	say "Needs root for mounts and a Debian root of its own: going on with sudo."
	exec sudo SVFF_CACHE="$SVFF_CACHE" SVFF_OWNER="$(id -u):$(id -g)" "$@"
}

# What root made in the work tree goes back to the one who called sudo.
give_back()
{
	[ -z "${SVFF_OWNER:-}" ] || chown -R "$SVFF_OWNER" "$SVFF_BUILD"
}

# kernel_of 6.12: the full version of the newest installed kernel of that series
kernel_of()
{
	local k

	# shellcheck disable=SC2012	# version sort; kernel names hold no blanks
	k=$(ls -d "${2:-}"/boot/vmlinuz-"$1"[.-]* 2>/dev/null | sort -V | tail -n 1)
	[ -n "$k" ] || die "no kernel $1 in the lab's root"
	printf '%s\n' "${k##*/vmlinuz-}"
}

# step "what it does" command...: one line with its time; the command's output goes to $SVFF_LOG.
step()
{
	local text=$1 t=$SECONDS rc=0
	shift

	printf '  %-60s' "$text" >&2
	"$@" >>"${SVFF_LOG:-/dev/null}" 2>&1 || rc=$?
	if [ "$rc" -eq 0 ]; then
		printf ' %5d s\n' $((SECONDS - t)) >&2
	else
		printf ' FAILED after %d s (status %d)\n' $((SECONDS - t)) "$rc" >&2
	fi
	return "$rc"
}
