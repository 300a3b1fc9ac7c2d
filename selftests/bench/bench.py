#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The figures of README, measured in the emulated host: counts, and ratios within this run.

Counts per transfer are slopes: the same work is done with few and with many transfers, and the difference is
divided, so that what a process costs to start does not count. The card counts MMIO accesses, interrupts and DMA
operations; the emulator counts instructions of the whole machine. bench.py [--json]
"""

import argparse
import glob
import json
import os
import subprocess
import sys
import time

INSNS_PORT = "/dev/virtio-ports/svff.insns"
PCI = "/sys/bus/pci"
MMLOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mmload")
VF_COUNTS = (1, 16, 64, 252)
# The PCI core's own sleeps, seconds (drivers/pci/iov.c: 100 ms after VF enable, 1 s after disable).
CORE_ENABLE_S, CORE_DISABLE_S = 0.1, 1.0
TRANSFERS = ((4096, 1, 64, 576), (4096, 32, 64, 1088), (1 << 20, 1, 4, 20), (1 << 20, 32, 32, 96))


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def run(*argv):
    subprocess.run(argv, check=True)


def counters():
    """What the card has counted, a list with an entry per function."""
    answer = subprocess.run(["lab-qmp", "get", "counters"], check=True, capture_output=True, text=True).stdout
    return json.loads(answer)


def total(functions, *keys):
    return sum(entry[key] for entry in functions for key in keys)


class Insns:
    """Instructions that the emulated machine has executed since it started."""

    def __init__(self):
        self.port = os.open(INSNS_PORT, os.O_RDWR)

    def read(self):
        os.write(self.port, b"\n")
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(self.port, 64)
        return int(line)


def pf_path():
    for path in glob.glob(f"{PCI}/devices/*/sriov_totalvfs"):
        path = os.path.dirname(path)
        if read(f"{path}/vendor") == "0x10ee":
            return path
    sys.exit("bench: no card")


def rebind(path, driver):
    """Give a function to a driver, None: to nobody."""
    if os.path.exists(f"{path}/driver"):
        write(f"{path}/driver/unbind", os.path.basename(path))
    write(f"{path}/driver_override", driver or "\n")
    if driver:
        write(f"{PCI}/drivers_probe", os.path.basename(path))
        bound = os.path.basename(os.path.realpath(f"{path}/driver"))
        if bound != driver:
            sys.exit(f"bench: {os.path.basename(path)} is bound to {bound}, not {driver}")


def timed_numvfs(path, count):
    start = time.monotonic()
    write(f"{path}/sriov_numvfs", count)
    return time.monotonic() - start


def vf_rows(path):
    """Time to enable and disable VFs: with our driver, and with one that adds nothing to the PCI core."""
    times = {}
    write(f"{path}/sriov_drivers_autoprobe", 0)
    for driver in ("pci-pf-stub", "svff_pf"):
        rebind(path, driver)
        for count in VF_COUNTS:
            times[driver, count] = (timed_numvfs(path, count), timed_numvfs(path, 0))
    for count in VF_COUNTS:
        core, own = times["pci-pf-stub", count], times["svff_pf", count]
        yield {"VFs": count,
               "enable / core's 0.1 s": own[0] / CORE_ENABLE_S, "disable / core's 1 s": own[1] / CORE_DISABLE_S,
               "enable / PCI core alone": own[0] / core[0], "disable / PCI core alone": own[1] / core[1]}


def load(node, direction, size, depth, count):
    run(MMLOAD, node, direction, str(size), str(depth), str(count))


def sample(insns, work):
    before, start = counters(), insns.read()
    work()
    end, after = insns.read(), counters()
    delta = {key: total(after, *keys) - total(before, *keys) for key, keys in
             {"MMIO writes": ["mmio-writes"], "MMIO reads": ["mmio-reads"], "interrupts": ["interrupts"],
              "DMA operations": ["dma-reads", "dma-writes"]}.items()}
    delta["instructions"] = end - start
    return delta


def transfer_rows(insns, node):
    for size, depth, few, many in TRANSFERS:
        for direction in ("write", "read"):
            load(node, direction, size, depth, few)
            one = sample(insns, lambda: load(node, direction, size, depth, few))
            two = sample(insns, lambda: load(node, direction, size, depth, many))
            row = {"transfer": f"{size >> 10} KiB {direction}", "queue depth": depth}
            row.update({key: (two[key] - one[key]) / (many - few) for key in one})
            yield row


def mmio(before, after):
    return {f"{who} MMIO {kind}s": total(after[part], f"mmio-{kind}s") - total(before[part], f"mmio-{kind}s")
            for who, part in (("PF", slice(0, 1)), ("VF", slice(1, None))) for kind in ("read", "write")}


def probe_cost(vf, queues):
    """MMIO of a VF driver's set-up and tear-down with this many queue pairs."""
    run("modprobe", "svff_vf", f"queues={queues}")
    before = counters()
    rebind(vf, "svff_vf")
    middle = counters()
    rebind(vf, None)
    after = counters()
    run("modprobe", "-r", "svff_vf")
    sent = total(middle[1:], "mbox-sent") - total(before[1:], "mbox-sent")
    return mmio(before, middle), mmio(middle, after), sent


def mailbox_rows(path):
    write(f"{path}/sriov_numvfs", 1)
    vf = os.path.realpath(f"{path}/virtfn0")
    one, two = probe_cost(vf, 1), probe_cost(vf, 2)
    write(f"{path}/sriov_numvfs", 0)
    for name, index in (("set-up of a queue pair", 0), ("tear-down of a queue pair", 1)):
        yield {"what": name, **{key: two[index][key] - one[index][key] for key in one[index]}}
    yield {"what": f"a message, in the mean of the set-up's {one[2]}",
           **{key: value / one[2] for key, value in one[0].items()}}


def available_kib():
    run("sync")
    write("/proc/sys/vm/drop_caches", 3)
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    return int(fields["MemAvailable"].split()[0])


def memory_rows(path):
    """Host memory of a VF that nobody uses: ours, and what the PCI core takes by itself."""
    per_vf = {}
    count = VF_COUNTS[-1]
    for driver in ("pci-pf-stub", "svff_pf"):
        rebind(path, driver)
        before = available_kib()
        write(f"{path}/sriov_numvfs", count)
        per_vf[driver] = (before - available_kib()) / count
        write(f"{path}/sriov_numvfs", 0)
    yield {"what": "KiB per idle VF", "PCI core alone": per_vf["pci-pf-stub"], "with svff_pf": per_vf["svff_pf"]}


def text(value):
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def print_table(title, rows):
    heads = list(rows[0])
    cells = [[text(row[head]) for head in heads] for row in rows]
    widths = [max(len(line[i]) for line in cells + [heads]) for i in range(len(heads))]
    print(f"\n{title}")
    for line in [heads] + cells:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths)))
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")
    options = parser.parse_args()
    for module in ("pci-pf-stub", "svff_pf"):
        run("modprobe", module)
    path, insns, tables = pf_path(), Insns(), {}

    def table(title, rows):
        tables[title] = list(rows)
        if not options.json:
            print_table(title, tables[title])

    table("VFs on and off (goal: disable / core's 1 s at most 1.1)", vf_rows(path))
    node = "/dev/" + os.path.basename(glob.glob(f"{path}/svff/svff-mm*")[0])
    table("Per MM transfer, one PF queue set, interrupt mode direct", transfer_rows(insns, node))
    table("Mailbox: MMIO accesses", mailbox_rows(path))
    table("Memory of the host", memory_rows(path))
    if options.json:
        json.dump(tables, sys.stdout, indent=2)
        print()


if __name__ == "__main__":
    main()
