# SPDX-License-Identifier: GPL-2.0-only
"""A QEMU that holds a VF and runs no guest: the test itself is the guest.

QEMU is started with its processor stopped; if it is let go it halts. What a guest's driver would do (configuration space
by the ports 0xcf8 and 0xcfc, the BARs, the MSI-X table, memory) is done through QEMU's qtest port; what management would
do, through QMP.
"""

import array
import json
import os
import re
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

QEMU = os.path.join(os.environ["LAB_QEMU"], "bin", "qemu-system-x86_64")
FIRMWARE = ("/usr/share/seabios", "/usr/share/qemu")
FAKE = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "fake-migration.so")
PCI = "/sys/bus/pci/devices"
WAIT_S = 20

SLOT = 8
BAR0 = 0xd0000000
# Configuration space
COMMAND, CAPS, MEMORY, MASTER = 0x04, 0x34, 2, 4
CAP_MSIX = 0x11
MSIX_ENABLE = 0x8000
MSIX_ENTRY = 16
# ACPI's hot-plug registers of the machine: where a guest ejects a device
EJECT = 0xae08
# An MSI whose address is memory is a write there, which can be looked at.
MAILBOX = 0x10000
# Instead of a BIOS: cli; hlt; jmp, where a processor begins
BIOS_SIZE, BIOS_ENTRY = 0x10000, 0xfff0
HALT = b"\xfa\xf4\xeb\xfd"


class QmpError(Exception):
    """The text of an error, and its class"""

    def __init__(self, error):
        super().__init__(error["desc"])
        self.kind = error["class"]


class Failed(Exception):
    """A check failed."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def until(what, function, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while not function():
        check(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Qmp:
    def __init__(self, path):
        self.sock = connect(path)
        self.buf = b""
        self.events = []
        self.next_message()
        self("qmp_capabilities")

    def next_message(self):
        while b"\n" not in self.buf:
            data = self.sock.recv(65536)
            check(data, "QEMU has closed its monitor")
            self.buf += data
        line, self.buf = self.buf.split(b"\n", 1)
        return json.loads(line)

    def __call__(self, command, fds=(), **arguments):
        arguments = {key.replace("_", "-"): value for key, value in arguments.items() if value is not None}
        message = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.sock.sendmsg([message], rights)
        while True:
            reply = self.next_message()
            if "event" in reply:
                self.events.append(reply)
            elif "error" in reply:
                raise QmpError(reply["error"])
            else:
                return reply["return"]

    def event(self, name):
        """The oldest event of that name, which is taken away"""
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event["data"]
            self.events.append(self.next_message())


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(WAIT_S)
    until("socket of QEMU", lambda: tried(sock, path))
    return sock


def tried(sock, path):
    try:
        sock.connect(path)
    except OSError:
        return False
    return True


class Qtest:
    def __init__(self, path):
        self.file = connect(path).makefile("rw")

    def __call__(self, *words):
        self.file.write(" ".join(str(word) for word in words) + "\n")
        self.file.flush()
        while True:
            answer = self.file.readline().split()
            check(answer, "QEMU has closed its qtest port")
            if answer[0] != "IRQ":
                break
        check(answer[0] == "OK", f"qtest: {words}: {answer}")
        return int(answer[1], 0) if len(answer) > 1 else 0


class Machine:
    """QEMU with one VF, as device vf0, set up as a driver would: BAR 0 mapped, bus master on"""

    alive = []
    iommufd = False	# instead of a group and a container
    shared = None	# the Shared that lends it
    may_say = "$^"	# what a failure that is wanted makes QEMU say

    def __init__(self, bdf, *options, accel="kvm", user=None, memlock=None, fake=False, fd=None, incoming=False):
        self.dir = tempfile.mkdtemp()
        os.chmod(self.dir, 0o777)
        self.log = open(os.path.join(self.dir, "said"), "w+", encoding="utf-8", errors="replace")
        where = f"host={bdf}" if fd is None else f"fd={fd}"
        device = f"vfio-pci,id=vf0,{where},addr={SLOT}" + "".join("," + option for option in options)
        if self.iommufd:
            device += ",iommufd=iommufd0"
        with open(f"{self.dir}/bios", "wb") as bios:
            bios.write((bytes(BIOS_ENTRY) + HALT).ljust(BIOS_SIZE, b"\0"))
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL",
             *((f"--reuid={user}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
               if user is not None else ()),
             QEMU, "-S", "-nodefaults", "-no-user-config", "-display", "none",
             *(word for path in FIRMWARE for word in ("-L", path)),
             "-machine", f"pc,accel={accel}", "-m", "64", "-bios", f"{self.dir}/bios",
             "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
             "-qtest", f"unix:{self.dir}/qtest,server=on,wait=off", "-qtest-log", "none",
             *(("-incoming", "defer") if incoming else ()),
             *(("-object", "iommufd,id=iommufd0") if self.iommufd else ()), "-device", device],
            pass_fds=() if fd is None else (fd,),
            env=dict(os.environ, LD_PRELOAD=FAKE, FAKE_DIR=self.dir) if fake else None,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=lambda: memlock and resource.setrlimit(resource.RLIMIT_MEMLOCK, (memlock, resource.RLIM_INFINITY)))
        Machine.alive.append(self)
        self.qmp = Qmp(f"{self.dir}/qmp")
        self.qtest = Qtest(f"{self.dir}/qtest")
        self.msix = self.cap(CAP_MSIX)
        self.drive()
        self.mapped_kb = self.locked_kb()	# before its VF was paused last

    # the guest's side

    def config(self, pos, size=4, value=None):
        suffix = {1: "b", 2: "w", 4: "l"}[size]
        self.qtest("outl", 0xcf8, 1 << 31 | SLOT << 11 | pos & ~3)
        port = 0xcfc + (pos & 3)
        if value is None:
            return self.qtest("in" + suffix, port)
        return self.qtest("out" + suffix, port, value)

    def config_space(self):
        return [self.config(pos) for pos in range(0, 256, 4)]

    def cap(self, number):
        pos = self.config(CAPS, 1)
        while pos and self.config(pos, 1) != number:
            pos = self.config(pos + 1, 1)
        check(pos, f"no capability {number:#x}")
        return pos

    def drive(self):
        self.config(0x10, 4, BAR0)
        self.config(0x14, 4, 0)
        self.config(COMMAND, 2, MEMORY | MASTER)

    def read(self, register):
        return self.qtest("readl", BAR0 + register)

    def write(self, register, value):
        self.qtest("writel", BAR0 + register, value)

    def table(self, vector):
        where = self.config(self.msix + 4)
        check(where & 7 == 0, f"MSI-X table in BAR {where & 7}")
        return BAR0 + where + vector * MSIX_ENTRY

    def vector(self, number, address, data, masked=False):
        entry = self.table(number)
        for offset, value in ((0, address), (4, 0), (8, data), (12, int(masked))):
            self.qtest("writel", entry + offset, value)

    def msix_on(self):
        self.config(self.msix + 2, 2, MSIX_ENABLE)

    def memory(self, address, value=None):
        if value is None:
            return self.qtest("readl", address)
        return self.qtest("writel", address, value)

    # management's side

    def pause(self, device="vf0"):
        self.mapped_kb = self.locked_kb()
        self.qmp("vfio-pci-pause", id=device)
        return self.qmp.event("VFIO_PCI_STATE_CHANGED")

    def unpause(self, **arguments):
        self.qmp("vfio-pci-unpause", id="vf0", **arguments)
        return self.qmp.event("VFIO_PCI_STATE_CHANGED")

    def info(self):
        entries = [entry for entry in self.qmp("query-vfio-pci") if entry.get("device-id") == "vf0"]
        check(len(entries) == 1, f"query-vfio-pci has {len(entries)} entries of vf0")
        return entries[0]

    def refused(self, command, text, kind="GenericError", fds=(), **arguments):
        """The command fails, and its error has all of text"""
        try:
            self.qmp(command, fds=fds, **arguments)
        except QmpError as error:
            check(error.kind == kind, f"{command}: class {error.kind}, not {kind}: {error}")
            for part in [text] if isinstance(text, str) else text:
                check(re.search(part, str(error)), f"{command}: '{error}' does not say '{part}'")
            return str(error)
        raise Failed(f"{command} {arguments} is taken")

    def fds(self):
        return sorted(os.readlink(f"/proc/{self.process.pid}/fd/{fd}")
                      for fd in os.listdir(f"/proc/{self.process.pid}/fd"))

    def vfio_fds(self):
        return [name for name in self.fds() if ("vfio" in name and "kvm" not in name) or "iommu" in name]

    def vfio_maps(self):
        with open(f"/proc/{self.process.pid}/maps", encoding="ascii") as maps:
            return [line for line in maps if "vfio" in line]

    def locked_kb(self):
        """A container counts its pages as locked, iommufd as pinned."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return sum(map(int, re.findall(r"Vm(?:Lck|Pin):\s*(\d+)", status.read())))

    # fake-migration.so

    def fail(self, what):
        with open(f"{self.dir}/fail", "w", encoding="ascii") as file:
            file.write(what)

    def asked(self):
        """What the device was asked for since the last time"""
        path = f"{self.dir}/log"
        with open(path, encoding="ascii") as file:
            lines = file.read().splitlines()
        os.truncate(path, 0)
        return lines

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def quit(self):
        if self.shared:
            self.shared.give_back(self)
        else:
            self.end()

    def end(self):
        self.qmp("quit")
        status = self.process.wait(WAIT_S)
        # iommufd maps memory only, and QEMU says so for BARs
        usual = r"(IOAS_MAP|dma_map).*Bad address|peer-to-peer transactions on BARs"
        said = re.sub(rf".*({usual}|{self.may_say}).*\n", "", self.said())
        self.gone()
        check(status == 0, f"QEMU ended with status {status}: {said}")
        check(not said, f"QEMU said: {said}")

    def kill(self):
        """After a case that failed: its VF waits to be given back."""
        self.process.kill()
        self.process.wait(WAIT_S)
        print(self.said(), end="")
        self.gone()

    def gone(self):
        Machine.alive.remove(self)
        shutil.rmtree(self.dir)


class Shared:
    """Lends one machine to several cases, one after the other: each gets it as a reset leaves it, with the VF it wants."""

    def __init__(self):
        self.machine = None
        self.lent = None

    def __call__(self, bdf, *options, **kinds):
        wants = (options, {"accel": "kvm", **kinds})
        if self.machine is None or self.lent != wants:
            self.end()
            self.machine, self.lent = Machine(bdf, *options, **kinds), wants
            self.machine.shared = self
            return self.machine
        machine = self.machine
        machine.qmp("system_reset")
        machine.qmp.event("RESET")
        if machine.info()["host"] != bdf:
            machine.pause()
            machine.unpause(host=bdf)
        machine.drive()
        return machine

    def give_back(self, machine):
        check(machine is self.machine and machine.info()["state"] == "running", "the machine is not given back as it was")

    def end(self):
        if self.machine:
            machine, self.machine = self.machine, None
            machine.end()


def host_config(bdf, pos, size=2):
    with open(f"{PCI}/{bdf}/config", "rb") as config:
        config.seek(pos)
        return struct.unpack({1: "B", 2: "<H", 4: "<I"}[size], config.read(size))[0]


def node_of(bdf):
    """The VFIO device's own node, for iommufd"""
    return "/dev/vfio/devices/" + os.listdir(f"{PCI}/{bdf}/vfio-dev")[0]


def group_of(bdf):
    return "/dev/vfio/" + os.path.basename(os.readlink(f"{PCI}/{bdf}/iommu_group"))
