#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Pause and unpause of a VF whose state is kept: QEMU's part, with a driver's part that is made up, see
# fake-migration.c.

. "$(dirname "$0")/pause.sh"

add "state and writes are kept" on transparent_kvm
add "saving fails" on save_fails
add "a device that does not answer" on does_not_answer
add "a device that does not stop" on cannot_stop
add "the end of a machine with such a device" on lost_at_the_end
add "loading fails" on load_fails
add "the state is discarded" on discard
add "a reset while paused" on reset_forgets
add "stop and cont while paused" on followed
add "a migration excludes a pause, and a pause a migration" on migration_or_pause
finish
