#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Pause and unpause of a VF that keeps no state, by QMP: QEMU holds a VF of the card and runs no guest. What comes
# first is in qemu-basics.sh.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/pause.sh"

add "without KVM" on emulated
add "device_del while paused and afterwards" on device_del
add "no migration while paused" on migrate
add "commands that are refused" on errors
add "QEMU without privileges" on unprivileged
add "the host takes the VFs" host_request
finish
