#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fio writes and verifies through the data device.
# shellcheck disable=SC2317	# functions are called through add

. "$(dirname "$0")/../sriov/vf.sh"

job()
{
	command -v fio >/dev/null || skip "no fio"
	fio --name=verify --filename="$(data_device "$PF")" --size=16M --offset=64M --verify=crc32c --verify_fatal=1 \
		--randseed=7 --thread --allow_file_create=0 "$@" || fail "fio ended with status $?"
}

add "psync, 4 KiB" job --ioengine=psync --rw=randwrite --bs=4k --io_size=4M --size=4M
add "psync, 1 MiB" job --ioengine=psync --rw=write --bs=1M
add "io_uring, 4 KiB, 32 deep" job --ioengine=io_uring --iodepth=32 --rw=randwrite --bs=4k --size=4M
add "io_uring, mixed sizes, 4 jobs" job --ioengine=io_uring --iodepth=8 --rw=randwrite --bsrange=512-64k \
	--numjobs=4 --size=2M --offset_increment=16M
add "pvsync2 vectors" job --ioengine=pvsync2 --rw=randwrite --bs=64k --size=8M
finish
