#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The main ways of pausing a VF that keeps no state, in one QEMU: to start one is what takes longest. See qemu-stateless.sh.

. "$(dirname "$0")/pause.sh"

add "pause, another VF, configuration space, vectors, pending ones, system_reset, stop and cont" on \
	pause_and_unpause,other_vf,config_while_paused,vectors,pending,reset,stop_and_cont
finish
