#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""nvme-virt.py DEVICE ACTION,CONTROLLER,RESOURCE,COUNT...: Virtualization Management commands of NVMe, in that order.

DEVICE is the primary controller. ACTION: 1 allocates flexible resources to the primary controller, with effect from its
next reset; 8 assigns some to a secondary one that is offline; 9 puts that online. RESOURCE: 0 queues, 1 interrupts.
"""

import fcntl
import os
import struct
import sys

# struct nvme_admin_cmd of linux/nvme_ioctl.h: opcode, flags, -, nsid, cdw2 and 3, metadata, addr, their lengths,
# cdw10 to 15, timeout_ms, result
COMMAND = struct.Struct("<BBHIIIQQII6III")
ADMIN_CMD = 3 << 30 | COMMAND.size << 16 | ord("N") << 8 | 0x41
VIRTUALIZATION_MANAGEMENT = 0x1c


def main():
    fd = os.open(sys.argv[1], os.O_RDWR)
    for words in sys.argv[2:]:
        action, controller, resource, count = (int(word) for word in words.split(","))
        command = bytearray(COMMAND.pack(VIRTUALIZATION_MANAGEMENT, *[0] * 9,
                                         controller << 16 | resource << 8 | action, count, *[0] * 6))
        status = fcntl.ioctl(fd, ADMIN_CMD, command)
        if status:
            print(f"{words}: status {status:#x}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
