#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# static.sh: what can be said of the sources without running them, as KTAP; runs in the lab's root.
# shellcheck disable=SC2317,SC2329	# the checks are called through check

set -u
. "$(dirname "$0")/common.sh"
cd "$SVFF_SRC" || exit

CHECKERS=/usr/share/svff-lab/scripts	# of the kernel's source
CHECKPATCH="--no-tree --strict --terse --show-types --no-summary --max-line-length=120"
# What checkpatch cannot know: trace events look like this everywhere; programs include the wire format too;
# the compatibility header does what nothing else may.
EXCEPTIONS="qdma/trace.h:.*(PARENTHESIS_ALIGNMENT|OPEN_ENDED_LINE)
include/svff/mbox_abi.h:.*(PREFER_DEFINED_ATTRIBUTE_MACRO|CAMELCASE)
include/compat/.*(CONSTANT_COMPARISON|MACRO_ARG_UNUSED|LINUX_VERSION_CODE)
Can't write '.checkpatch-camelcase"

checks=() calls=()

# check "what is promised" function...: passes if the function prints nothing
check()
{
	checks+=("$1")
	shift
	calls+=("$*")
}

sources() { find . -path ./build -prune -o -path ./.git -prune -o -type f "$@" -print; }
kernel_sources() { find qdma driver include -name '*.[ch]'; }
shell_scripts()
{
	sources -size -200k | while read -r f; do
		head -n 1 "$f" | tr -d '\0' | grep -qE '^#! ?/bin/(ba|busybox )?sh' && echo "$f"
	done
}

modules_silent()
{
	local log="$SVFF_BUILD/modules/$1/log"

	command -v sparse >/dev/null || echo "no sparse in the lab's root"
	[ -e "$log" ] && cat "$log" || echo "not built"
}

# each_file FUNCTION: has it look at the files whose names come on standard input, but for those in which it found nothing
# when they, this script and the root's packages were what they are now.
each_file()
{
	local seen=$SVFF_CACHE/static tools name sum sums=() new=()

	mkdir -p "$seen"
	tools=$(cat "$0" /var/lib/dpkg/status | sha256sum)
	while read -r name; do
		sum=$(echo "$1 $name $tools" | cat - "$name" | sha256sum)
		[ -e "$seen/${sum%% *}" ] || { new+=("$name"); sums+=("$seen/${sum%% *}"); }
	done
	[ ${#new[@]} -eq 0 ] || "$1" "${new[@]}" 2>&1 | grep . || touch "${sums[@]}"
}

# shellcheck disable=SC2086	# words
run_checkpatch() { perl "$CHECKERS/checkpatch.pl" $CHECKPATCH -f "$@" 2>&1 | grep -vE "$EXCEPTIONS"; }

checkpatch()
{
	[ -e "$CHECKERS/checkpatch.pl" ] || { echo "SKIP no checkpatch in the lab's root"; return; }
	kernel_sources | each_file run_checkpatch
}

kernel_doc()
{
	[ -e "$CHECKERS/kernel-doc" ] || { echo "SKIP no kernel-doc in the lab's root"; return; }
	# shellcheck disable=SC2046
	perl "$CHECKERS/kernel-doc" -none -Wreturn $(kernel_sources) 2>&1
}

run_shellcheck() { shellcheck -f gcc "$@"; }
shellcheck_all() { shell_scripts | each_file run_shellcheck; }

man_pages()
{
	local p

	for p in tools/man/*.[1-9]; do
		LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$p" 3>&1 >/dev/null 2>&3
	done
}

spdx()
{
	sources -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name Makefile -o -name Kbuild -o -name Kconfig |
		grep -E '\.(c|h|sh|py)$|Makefile$|Kbuild$|Kconfig$' |
		while read -r f; do
			head -n 12 "$f" | grep -q 'SPDX-License-Identifier: ' || echo "$f: no licence"
		done
}

# What a grep finds is wrong.
never() { grep -rnE --include='*.[ch]' "$@"; }

no_or_errors() { never '(ret|rc|err) \|= ' qdma driver; }
no_bug_on() { never '\bBUG(_ON)?\(' qdma driver; }
no_func_names() { never '__func__' qdma driver; }
versions_in_compat_only() { never 'LINUX_VERSION_CODE' qdma driver include tools/lib tools/svff | grep -v '^include/compat/compat.h:'; }
qdma_knows_no_driver() { never '#include.*(driver/|pf\.h|vf\.h)' qdma; }
pf_and_vf_apart() { never '#include ".*vf/' driver/pf; never '#include ".*pf/' driver/vf; }
one_place_for_mmio() { never '\b(readl|writel|ioread32|iowrite32)(_relaxed)?\(' qdma driver | grep -v '^qdma/io\.[ch]:'; }

run()
{
	local n=$1 out

	out=$(eval "${calls[n]}" 2>&1)
	case $out in
	"") echo "ok $((n + 1)) ${checks[n]}" ;;
	SKIP*) echo "ok $((n + 1)) ${checks[n]} # $out" ;;
	*)
		printf '# %s\n' "${out//$'\n'/$'\n'# }"
		echo "not ok $((n + 1)) ${checks[n]} # $(wc -l <<<"$out") lines"
		return 1
		;;
	esac
}

for k in $SVFF_KERNELS; do
	check "W=1 C=1 on $k is silent" modules_silent "$(kernel_of "$k")"
done
check "checkpatch --strict" checkpatch
check "kernel-doc" kernel_doc
check "shellcheck" shellcheck_all
check "man pages" man_pages
check "each file has a licence" spdx
check "errors are not or-ed together" no_or_errors
check "no BUG_ON" no_bug_on
check "messages name no functions" no_func_names
check "kernel versions are compared in compat.h alone" versions_in_compat_only
check "the manager includes no driver" qdma_knows_no_driver
check "PF and VF driver share only include/" pf_and_vf_apart
check "registers are touched in io.[ch] alone" one_place_for_mmio

echo "KTAP version 1"
echo "1..${#checks[@]}"
rc=0
for n in "${!checks[@]}"; do
	run "$n" || rc=1
done
exit "$rc"
