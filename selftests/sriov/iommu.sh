#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A VF that aims at memory it was not given.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/vf.sh"

aim()
{
	vfs 2
	log_mark aim
	sub vf-test iommu "$A" "$B"
}

# The faults are those of the VF at fault and nobody else's.
faults()
{
	local a

	vfs 1
	a=${A#*:}
	log_since start | grep -E 'DMAR:.*Request device' >"$TMP/faults"
	[ -s "$TMP/faults" ] || fail "the IOMMU reported nothing"
	grep -v "\[$a\]" "$TMP/faults" && fail "another function is blamed"
	return 0
}

allow 'DMAR:.*(fault|Request device)'
add "the IOMMU stops a VF" aim
add "the faults name the VF" faults
finish
