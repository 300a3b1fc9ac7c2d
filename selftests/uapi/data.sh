#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The data device of the PF, in each interrupt mode.
# shellcheck disable=SC2317	# functions are called through add

NO_LOAD=1
. "$(dirname "$0")/../sriov/vf.sh"

all()
{
	load irq_mode="$1" || fail "modprobe"
	sub uapi-data "$(data_device "$PF")"
}

# The other modes differ only in how completions are learned.
some()
{
	load irq_mode="$1" || fail "modprobe"
	sub uapi-data "$(data_device "$PF")" threads
	sub uapi-data "$(data_device "$PF")" sizes
	sub uapi-data "$(data_device "$PF")" kill
	unload
}

unload 2>/dev/null
add "poll" some poll
add "aggr" some aggr
add "direct" all direct
finish
