#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The figures of README, measured in the emulated host: counts, and ratios within this run.

Counts per transfer are slopes: the same work is done with few and with many transfers, and the difference is
divided, so that what a process costs to start does not count. What else happens in the machine only adds, so the
least of a few samples is taken. The card counts MMIO accesses, interrupts and DMA
operations; the emulator counts instructions of the whole machine. With foreign drivers (see selftests/foreign/matrix.sh) the same work is done by them too.
Where the emulator counts, guests of the emulated host are too slow to tell anything: their tables are of a boot
without. Each boot prints the tables that it can, or of those that are named.
bench.py [--json] [--foreign FOLDER] [TABLE...]
"""

import argparse
import glob
import json
import os
import subprocess
import sys
import time

import pause

INSNS_PORT = "/dev/virtio-ports/svff.insns"
PCI = "/sys/bus/pci"
MMLOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mmload")
VF_COUNTS = (1, 16, 64, 252)
# The PCI core's own sleeps, seconds (drivers/pci/iov.c: 100 ms after VF enable, 1 s after disable).
CORE_ENABLE_S, CORE_DISABLE_S = 0.1, 1.0
ROUNDS = 3
# bytes, depth, few, many
TRANSFERS = ((4096, 1, 64, 576), (4096, 32, 64, 1088), (1 << 20, 1, 4, 20), (1 << 20, 32, 32, 96))
PACKET_MAX = 65535	# a packet's length has 16 bits
PACKETS = tuple((size, depth, few, many) for size in (64, 1536, 4096, PACKET_MAX)
                for depth, few, many in ((1, 64, 320), (32, 64, 960)))


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def run(*argv, **options):
    subprocess.run(argv, check=True, **options)


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
        write(f"{PCI}/drivers/{driver}/bind", os.path.basename(path))


def timed_numvfs(path, count):
    start = time.monotonic()
    write(f"{path}/sriov_numvfs", count)
    return time.monotonic() - start


def vf_rows(path):
    """Time to enable and disable VFs: with our driver, and with one that adds nothing to the PCI core."""
    times = vf_times(path, ("pci-pf-stub", "svff_pf"))
    for count in VF_COUNTS:
        core, own = times["pci-pf-stub", count], times["svff_pf", count]
        yield {"VFs": count,
               "enable / core's 0.1 s": own[0] / CORE_ENABLE_S, "disable / core's 1 s": own[1] / CORE_DISABLE_S,
               "enable / PCI core alone": own[0] / core[0], "disable / PCI core alone": own[1] / core[1]}


def vf_times(path, drivers):
    """The least seconds that enable and disable took, by driver and count."""
    times = {(driver, count): [] for driver in drivers for count in VF_COUNTS}
    write(f"{path}/sriov_drivers_autoprobe", 0)
    for _ in range(ROUNDS):
        for driver in drivers:
            rebind(path, driver)
            for count in VF_COUNTS:
                times[driver, count].append((timed_numvfs(path, count), timed_numvfs(path, 0)))
    return {key: [min(column) for column in zip(*rounds)] for key, rounds in times.items()}


def load(node, direction, size, depth, count, *options):
    run(MMLOAD, *options, node, direction, str(size), str(depth), str(count))


def load_packets(path):
    """For our streams: what is read is made by the example design."""
    def work(node, direction, *numbers):
        load(node, direction, *numbers, *(() if "write" in direction else ("-g", f"{path}/resource2")))
    return work


def sample(insns, work):
    """The least of a few runs, for each count."""
    samples = [sample_once(insns, work) for _ in range(ROUNDS)]
    return {key: min(each[key] for each in samples) for key in samples[0]}


def sample_once(insns, work):
    before, start = counters(), insns.read()
    work()
    end, after = insns.read(), counters()
    delta = {key: total(after, *keys) - total(before, *keys) for key, keys in
             {"MMIO writes": ["mmio-writes"], "MMIO reads": ["mmio-reads"], "interrupts": ["interrupts"],
              "DMA operations": ["dma-reads", "dma-writes"]}.items()}
    delta["instructions"] = end - start
    return delta


def size_text(size):
    return f"{size} B" if size % 1024 else f"{size >> 10} KiB"


def transfer_rows(insns, node, directions=("write", "read"), transfers=TRANSFERS, work=load):
    for size, depth, few, many in transfers:
        for direction in directions:
            work(node, direction, size, depth, few)
            one = sample(insns, lambda: work(node, direction, size, depth, few))
            two = sample(insns, lambda: work(node, direction, size, depth, many))
            row = {"transfer": f"{size_text(size)} {direction}", "queue depth": depth}
            row.update({key: (two[key] - one[key]) / (many - few) for key in one})
            yield row


class Foreign:
    """A foreign PF driver while it has the card, interrupt mode direct: queue 0 is memory mapped, queue 1 has packets."""
    QUEUES = 8
    VF_QUEUES = 4
    DIRECT = 2
    GENERATOR = (("0x0", "1"), ("0x4", "{size}"), ("0x20", "{count}"), ("0x8", "2"))	# registers of the example design

    def __init__(self, folder, path):
        self.folder, self.path = folder, path
        bus, function = os.path.basename(path).split(":", 1)[1].split(":")[0], path[-1]
        self.module = next(name for name in (os.uname().release, ".".join(os.uname().release.split(".")[:2]))
                           if os.path.exists(f"{folder}/{name}"))
        self.parameter = f"mode={bus}:{function}:{self.DIRECT}"
        self.name = self.name_of("qdma", path)

    @staticmethod
    def name_of(prefix, path):
        return prefix + os.path.basename(path).split(":", 1)[1].replace(":", "").replace(".", "")

    def node(self, kind):
        return f"/dev/{self.name}-{kind}"

    def ctl(self, *words, name=None):
        run(f"{self.folder}/bin/dma-ctl", name or self.name, *words, stdout=subprocess.DEVNULL)

    def insmod(self, name):
        run("insmod", f"{self.folder}/{self.module}/{name}.ko", self.parameter)

    def load_packets(self, node, direction, size, depth, count):
        for register, value in self.GENERATOR if direction == "pread" else ():
            self.ctl("reg", "write", "bar", "2", register, value.format(size=size, count=count))
        load(node, direction, size, depth, count)

    def __enter__(self):
        rebind(self.path, None)
        self.insmod("qdma-pf")
        rebind(self.path, "qdma-pf")
        write(f"{self.path}/qdma/qmax", self.QUEUES)
        for queue, mode in (("0", "mm"), ("1", "st")):
            self.ctl("q", "add", "idx", queue, "mode", mode, "dir", "bi")
            self.ctl("q", "start", "idx", queue, "dir", "bi")
        return self

    def __exit__(self, *_):
        rebind(self.path, None)
        run("rmmod", "qdma-pf")

    def vf_steps(self, vf):
        """The life of their VF's driver, as in vf_steps()."""
        name = self.name_of("qdmavf", vf)

        def bind():
            rebind(vf, "qdma-vf")
            write(f"{vf}/qdma/qmax", self.VF_QUEUES)

        def write_one():
            load(f"/dev/{name}-MM-0", "pwrite", 4096, 1, 1)

        def first_write():
            self.ctl("q", "add", "idx", "0", "mode", "mm", "dir", "bi", name=name)
            self.ctl("q", "start", "idx", "0", "dir", "bi", name=name)
            write_one()

        return bind, first_write, write_one, lambda: rebind(vf, None)


def both_rows(ours, theirs):
    """Ours and theirs, and ours / theirs."""
    for mine, other in zip(ours, theirs):
        row = {"what": f"{mine['transfer']}, depth {mine['queue depth']}"}
        for key in ("MMIO writes", "MMIO reads", "interrupts", "instructions"):
            row[key], row[f"{key}, foreign"] = mine[key], other[key]
        row["instructions / foreign"] = mine["instructions"] / other["instructions"]
        yield row


# The same work by what their driver does right: not io_uring, and the older asynchronous calls but for the lengths that it answers.
CALLS = ("pwrite", "pread")
ASYNC_CALLS = ("awrite", "aread")


def foreign_rows(path, insns, folder):
    def any_length(*args):
        load(*args, "-l")

    ours = list(transfer_rows(insns, data_device(path), CALLS + ASYNC_CALLS))
    with Foreign(folder, path) as foreign:
        theirs = list(transfer_rows(insns, foreign.node("MM-0"), CALLS + ASYNC_CALLS, work=any_length))
    rebind(path, "svff_pf")
    yield from both_rows(ours, theirs)


def foreign_packet_rows(path, insns, folder):
    ours = list(transfer_rows(insns, stream_device(path), CALLS, PACKETS, load_packets(path)))
    with Foreign(folder, path) as foreign:
        theirs = list(transfer_rows(insns, foreign.node("ST-1"), CALLS, PACKETS, foreign.load_packets))
    rebind(path, "svff_pf")
    yield from both_rows(ours, theirs)


def foreign_vf_rows(path, folder):
    with Foreign(folder, path):
        times = vf_times(path, ("qdma-pf",))
    times.update(vf_times(path, ("pci-pf-stub", "svff_pf")))
    for count in VF_COUNTS:
        row = {"VFs": count}
        for name, driver in (("ours", "svff_pf"), ("PCI core alone", "pci-pf-stub")):
            row[f"foreign's time to disable / {name}"] = times["qdma-pf", count][1] / times[driver, count][1]
        yield row


def foreign_mailbox_rows(path, folder):
    """Life of a VF's driver: ours with our PF driver, theirs with theirs."""
    ours = list(mailbox_rows(path))
    with Foreign(folder, path) as foreign:
        write(f"{path}/sriov_drivers_autoprobe", 0)
        write(f"{path}/sriov_numvfs", 1)
        foreign.insmod("qdma-vf")
        theirs = list(count_steps(foreign.vf_steps(os.path.realpath(f"{path}/virtfn0"))))
        write(f"{path}/sriov_numvfs", 0)
        run("rmmod", "qdma-vf")
    rebind(path, "svff_pf")
    for mine, other in zip(ours, theirs):
        yield {key if key == "what" else f"{key}{who}": row[key]
               for who, row in (("", mine), (", foreign", other)) for key in row}


def data_device(function):
    return "/dev/" + os.path.basename(glob.glob(f"{function}/svff-mm/svff-mm*")[0])


def stream_device(function):
    return "/dev/" + os.path.basename(glob.glob(f"{function}/svff-st/svff-st*")[0])


def messages(before, after):
    """MMIO accesses and messages of both ends."""
    ends = (("PF", slice(0, 1)), ("VF", slice(1, None)))
    return {f"{who} {what}": total(after[part], key) - total(before[part], key) for what, key in
            (("messages", "mbox-sent"), ("MMIO reads", "mmio-reads"), ("MMIO writes", "mmio-writes"))
            for who, part in ends}


STEPS = ("driver binds", "a queue is set up, with its first write", "the next write", "driver is unbound")


def vf_steps(vf):
    """What a VF's driver costs: a queue is set up by its first transfer, and taken down with the driver."""
    return (lambda: rebind(vf, "svff_vf"), lambda: load(data_device(vf), "write", 4096, 1, 1),
            lambda: load(data_device(vf), "write", 4096, 1, 1), lambda: rebind(vf, None))


def count_steps(steps):
    for name, step in zip(STEPS, steps):
        before = counters()
        step()
        yield {"what": name, **messages(before, counters())}


def mailbox_rows(path):
    write(f"{path}/sriov_numvfs", 1)
    run("modprobe", "svff_vf")
    yield from count_steps(vf_steps(os.path.realpath(f"{path}/virtfn0")))
    write(f"{path}/sriov_numvfs", 0)
    run("modprobe", "-r", "svff_vf")


def available_kib():
    run("sync")
    write("/proc/sys/vm/drop_caches", 3)
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    return int(fields["MemAvailable"].split()[0])


def memory_of_vfs(path, count):
    before = available_kib()
    write(f"{path}/sriov_numvfs", count)
    used = before - available_kib()
    write(f"{path}/sriov_numvfs", 0)
    return used


def memory_rows(path):
    """Host memory of a VF that nobody uses: ours, and what the PCI core takes by itself."""
    per_vf = {}
    count = VF_COUNTS[-1]
    for driver in ("pci-pf-stub", "svff_pf"):
        rebind(path, driver)
        per_vf[driver] = min(memory_of_vfs(path, count) for _ in range(ROUNDS)) / count
    yield {"what": "KiB per idle VF", "PCI core alone": per_vf["pci-pf-stub"], "with svff_pf": per_vf["svff_pf"]}


def text(value):
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def print_table(title, rows):
    heads = list(dict.fromkeys(head for row in rows for head in row))
    cells = [[text(row.get(head, "")) for head in heads] for row in rows]
    widths = [max(len(line[i]) for line in cells + [heads]) for i in range(len(heads))]
    print(f"\n{title}")
    for line in [heads] + cells:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths)))
    sys.stdout.flush()


def print_rows(title, rows):
    """The same of rows that take minutes each, as they come; all have the columns of the first."""
    print(f"\n{title}")
    widths = []
    for row in rows:
        cells = [text(value) for value in row.values()]
        if not widths:
            widths = [max(map(len, pair)) for pair in zip(cells, row)]
            print("  " + "  ".join(head.rjust(width) for head, width in zip(row, widths)))
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(cells, widths)))
        sys.stdout.flush()


def guest_tables(path):
    """Name, title and rows of each: those with guests."""
    parts = "in parts of what the PCI core sleeps, 1.1 s"
    yield "pause", f"The longest wait of guests that move data while the number of VFs changes, {parts} (goal: by pause at " \
        "most 1.25; what is above 1 at most a third of that by detach)", pause.rows
    yield "pause-steps", f"What a change takes of guests that stand still, {parts}", pause.still_rows
    yield "pause-memory", f"What a change takes of a guest that stands still, by its size, {parts}", pause.memory_rows
    yield "pause-queues", f"A pause and an unpause alone, by the VF's queues, {parts}", lambda: pause.queue_rows(path)


def tables(path, insns, folder):
    """The same of all others."""
    yield "vfs", "VFs on and off (goal: disable / core's 1 s at most 1.1)", lambda: vf_rows(path)
    yield "mm", "Per MM transfer, one PF queue set, interrupt mode direct", lambda: transfer_rows(insns, data_device(path))
    yield "st", "Per packet, one PF stream, interrupt mode direct", lambda: transfer_rows(
        insns, stream_device(path), transfers=PACKETS, work=load_packets(path))
    yield "mailbox", "Life of a VF's driver: messages and MMIO accesses", lambda: mailbox_rows(path)
    yield "memory", "Memory of the host", lambda: memory_rows(path)
    if folder:
        yield "foreign-mm", "Ours and foreign, direct mode", lambda: foreign_rows(path, insns, folder)
        yield "foreign-st", "Ours and foreign, packets", lambda: foreign_packet_rows(path, insns, folder)
        yield "foreign-mailbox", "Ours and foreign, life of a VF's driver", lambda: foreign_mailbox_rows(path, folder)
        yield "foreign-vfs", "Ours and foreign, VFs off", lambda: foreign_vf_rows(path, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")
    parser.add_argument("--foreign", metavar="FOLDER", help="foreign drivers to do the same work with")
    parser.add_argument("table", nargs="*", help="vfs, mm, st, mailbox, memory; pause, pause-steps, pause-memory, "
                        "pause-queues; with foreign drivers also foreign-mm, foreign-st, foreign-mailbox, foreign-vfs; "
                        "default: all that this boot can")
    options = parser.parse_args()
    for module in ("pci-pf-stub", "svff_pf"):
        run("modprobe", module)
    guests = not os.path.exists(INSNS_PORT)
    known = list(guest_tables(pf_path()) if guests else tables(pf_path(), Insns(), options.foreign))
    unknown = set(options.table) - {name for name, _, _ in known}
    if unknown:
        parser.error(f"no table {' '.join(sorted(unknown))}")
    results = {}
    for name, title, rows in known:
        if options.table and name not in options.table:
            continue
        if guests and not options.json:
            print_rows(title, rows())
            continue
        results[title] = list(rows())
        if not options.json:
            print_table(title, results[title])
    if options.json:
        json.dump(results, sys.stdout, indent=2)
        print()


if __name__ == "__main__":
    main()
