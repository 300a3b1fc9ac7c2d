#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""qemu-cases.py [--iommufd] CASE[,CASE...] BDF...: cases of pausing a VF of the emulated card, several in one QEMU; BDF
are VFs bound to a VFIO driver. --iommufd: QEMU reaches them by iommufd and nodes of their own, not by a container and their groups'.

Status 0: as promised; 1: not, and the last line says why. See qemu-stateless.sh.
"""

import os
import resource
import sys
import time
import traceback

import machine as machines
from machine import (BAR0, COMMAND, EJECT, MAILBOX, MASTER, MEMORY, PCI, SLOT, Failed, Machine, Shared, check, group_of,
                     host_config, node_of, until)

ALL_ONES = 0xffffffff
# Registers of a VF: its version, what its mailbox does, the vector of that, whether it may be raised, the words of an
# outgoing message; the pending bits of its vectors
VERSION, DO, VECTOR, ENABLE, MESSAGE, PENDING = 0x5014, 0x5004, 0x5008, 0x5010, 0x5c00, 0x4800
SEND = 1
QUESTION = 7	# that is answered to any VF
# of the PF: the first of its ring sizes
RING_SIZE = 0x204
VERSION_IS = 0x1fd30220
ROUNDS = 20
CAP_EXPRESS, DEVCTL, FLR = 0x10, 8, 0x8000
CAP_PM, PM_CTRL, D3HOT = 0x01, 4, 3
NOBODY = 65534
NOWHERE = "exec:cat >/dev/null"	# to migrate to


def alive(machine):
    """The guest reaches the VF: in the mapped part of its BAR, for reading and writing."""
    check(machine.read(VERSION) == VERSION_IS, f"version {machine.read(VERSION):#x}")
    machine.write(MESSAGE, 0x600df00d)
    check(machine.read(MESSAGE) == 0x600df00d, "a write is not read back")


def released(machine):
    """Nothing of the host device is open or mapped. Memory that iommufd has mapped stays so while there is a device."""
    stays = machine.iommufd and machine.qmp("query-vfio-pci")
    still_open = [name for name in machine.vfio_fds() if not stays or name != "/dev/iommu"]
    check(not still_open, f"still open: {still_open}")
    check(not machine.vfio_maps(), f"still mapped: {machine.vfio_maps()}")
    locked = machine.locked_kb()
    check(locked == (machine.mapped_kb if stays else 0), f"{locked} KiB are locked, there were {machine.mapped_kb}")


def pause_and_unpause(bdf, *_):
    machine = Machine(bdf)
    alive(machine)
    check(machine.info() == {"qom-path": "/machine/peripheral/vf0", "device-id": "vf0", "host": bdf,
                             "state": "running", "pause-mode": "stateless"}, f"running: {machine.info()}")
    check(machine.locked_kb() > 0, "no memory is mapped for the VF")
    before = machine.config_space()
    event = machine.pause()
    check(event == {"device-id": "vf0", "qom-path": "/machine/peripheral/vf0", "state": "paused", "host": bdf,
                    "reason": "command"}, f"event {event}")
    released(machine)
    check(machine.config_space() == before, "configuration space differs while paused")
    check(machine.read(VERSION) == ALL_ONES, "a read does not give all ones")
    machine.write(MESSAGE, 1)
    info = machine.info()
    check(info["state"] == "paused" and info["trapped-reads"] == 1 and info["trapped-writes"] == 1, f"paused: {info}")
    event = machine.unpause()
    check(event["state"] == "running" and event["host"] == bdf, f"event {event}")
    check(machine.config_space() == before, "configuration space differs after it")
    check(machine.read(MESSAGE) == 0, "a write while paused was not dropped, or the VF was not reset")
    alive(machine)
    check(machine.info()["state"] == "running" and "trapped-reads" not in machine.info(), f"{machine.info()}")
    machine.quit()


def no_mmap(bdf, *_):
    machine = Machine(bdf, "x-no-mmap=on")
    machine.pause()
    check(machine.read(VERSION) == ALL_ONES, "a read does not give all ones")
    machine.unpause()
    alive(machine)
    machine.quit()


def emulated(bdf, *_):
    """The same without KVM, whose processors look at memory in another way"""
    machine = Machine(bdf, accel="tcg")
    for _round in range(3):
        alive(machine)
        machine.pause()
        released(machine)
        check(machine.read(VERSION) == ALL_ONES, "a read does not give all ones")
        machine.unpause()
    alive(machine)
    machine.quit()


def other_vf(first, second):
    machine = Machine(first)
    machine.pause()
    event = machine.unpause(host=second)
    check(event["host"] == second and machine.info()["host"] == second, f"event {event}")
    alive(machine)
    check(os.path.basename(os.readlink(f"{PCI}/{second}/driver")) == "vfio-pci", "who drives it?")
    check(host_config(second, COMMAND) & MASTER, "bus master is off on the host")
    check(not host_config(first, COMMAND) & MASTER, "bus master is on at the old place")
    machine.pause()
    check(machine.info()["host"] == second, "the address is forgotten")
    machine.unpause(sysfsdev=f"{PCI}/{first}")
    check(machine.info()["host"] == first, f"{machine.info()}")
    alive(machine)
    machine.quit()


def config_while_paused(bdf, *_):
    machine = Machine(bdf)
    machine.pause()
    machine.config(COMMAND, 2, MEMORY)
    check(machine.config(COMMAND, 2) == MEMORY, "the guest's write is not seen")
    machine.config(0x3c, 1, 11)
    machine.config(0, 4, 0)
    check(machine.config(0, 4) == 0xa03f10ee, "a read-only register took a write")
    # the BAR moves
    machine.config(0x10, 4, BAR0 + 0x100000)
    check(machine.qtest("readl", BAR0 + 0x100000 + VERSION) == ALL_ONES, "BAR 0 is not where it was put")
    machine.unpause()
    check(not host_config(bdf, COMMAND) & MASTER, "bus master is on, the guest has switched it off")
    check(machine.config(COMMAND, 2) == MEMORY and machine.config(0x3c, 1) == 11, "not as the guest left it")
    check(machine.qtest("readl", BAR0 + 0x100000 + VERSION) == VERSION_IS, "BAR 0 is not where it was put")
    machine.quit()


def vectors(bdf, *_):
    """A write to memory stands for an interrupt: it says that a vector was raised."""
    machine = Machine(bdf)
    machine.vector(0, MAILBOX, 0xa0)
    machine.vector(1, MAILBOX + 4, 0xa1, masked=True)
    machine.vector(2, MAILBOX + 8, 0xa2)
    machine.msix_on()
    got = lambda: [machine.memory(MAILBOX + 4 * i) for i in range(4)]
    check(got() == [0, 0, 0, 0], f"raised before: {got()}")
    before = machine.fds()
    machine.pause()
    # vector 2 is masked, and 3 comes in use, while paused; table and pending bits are those of QEMU
    machine.vector(2, MAILBOX + 8, 0xa2, masked=True)
    machine.vector(3, MAILBOX + 12, 0xa3)
    check(machine.qtest("readl", machine.table(3) + 8) == 0xa3, "the table is not there")
    check(machine.read(PENDING) == 0, "pending bits read as the BAR does")
    machine.unpause()
    check(got() == [0xa0, 0, 0, 0xa3], f"raised by unpause: {[hex(x) for x in got()]}")
    # two of them are in use, as before
    check(machine.fds() == before, f"before {before}, after {machine.fds()}")
    for i in range(4):
        machine.memory(MAILBOX + 4 * i, 0)
    machine.pause()
    machine.unpause(inject_interrupts=False)
    check(got() == [0, 0, 0, 0], "raised although not asked for")
    # MSI-X goes off while paused
    machine.pause()
    machine.config(machine.msix + 2, 2, 0)
    machine.unpause()
    check(got() == [0, 0, 0, 0], "raised although MSI-X is off")
    machine.quit()


def pending(bdf, *_):
    """A vector is raised while masked, stays so over a pause, and is delivered in the next when the guest unmasks it."""
    machine = Machine(bdf)
    machine.vector(0, MAILBOX, 0xa0)
    machine.msix_on()
    machine.vector(0, MAILBOX, 0xa0, masked=True)
    for register, value in ((VECTOR, 0), (ENABLE, 1), (MESSAGE, QUESTION), (DO, SEND)):
        machine.write(register, value)
    until("the PF's answer", lambda: machine.read(PENDING) & 1)
    for _round in range(2):
        machine.pause()
        machine.unpause()
        check(machine.read(PENDING) & 1, "it is not pending any more")
        check(machine.memory(MAILBOX) == 0, "raised although masked")
    machine.pause()
    machine.vector(0, MAILBOX, 0xa0)
    check(machine.memory(MAILBOX) == 0xa0, "not raised when unmasked")
    machine.unpause(inject_interrupts=False)
    check(not machine.read(PENDING) & 1, "it is still pending")
    machine.quit()


def reset(bdf, *_):
    machine = Machine(bdf)
    devctl = machine.cap(CAP_EXPRESS) + DEVCTL
    of_host = machine.config(devctl, 2)
    check(of_host, "the host has set nothing in DEVCTL, so nothing can be seen there")
    machine.msix_on()
    machine.pause()
    machine.config(devctl, 2, 0)
    machine.qmp("system_reset")
    machine.qmp.event("RESET")
    check(machine.info()["state"] == "paused", "a reset ended the pause")
    check(machine.config(COMMAND, 2) == 0, "the command register was not reset")
    check(machine.config(devctl, 2) == of_host, "DEVCTL is not as after a reset by the host, which restores it")
    check(machine.config(machine.msix + 2, 2) & 0x8000 == 0, "MSI-X is still on")
    machine.unpause()
    check(not host_config(bdf, COMMAND) & MASTER, "bus master is on")
    machine.drive()
    alive(machine)
    machine.qmp("system_reset")
    machine.qmp.event("RESET")
    machine.drive()
    alive(machine)
    machine.quit()


def unplug(machine):
    """As a guest's ACPI does"""
    machine.qmp("device_del", id="vf0")
    machine.qtest("outl", EJECT, 1 << SLOT)
    machine.qmp.event("DEVICE_DELETED")
    check(not machine.qmp("query-vfio-pci"), "query-vfio-pci still has it")
    check("blocked-reasons" not in machine.qmp("query-migrate"), f"blocks migration: {machine.qmp('query-migrate')}")


def device_del(bdf, *_):
    machine = Machine(bdf)
    for way in ("paused", "unpaused"):
        machine.pause()
        if way == "unpaused":
            machine.unpause()
        unplug(machine)
        released(machine)
        machine.qmp("device_add", driver="vfio-pci", id="vf0", host=bdf, addr=str(SLOT))
        machine.drive()
        alive(machine)
    # A guest that was asked and does not let go; in the end it does.
    machine.qmp("device_del", id="vf0")
    machine.pause()
    machine.unpause()
    machine.drive()
    machine.pause()
    machine.qtest("outl", EJECT, 1 << SLOT)
    machine.qmp.event("DEVICE_DELETED")
    released(machine)
    machine.quit()


def quit_paused(bdf, *_):
    machine = Machine(bdf)
    machine.pause()
    machine.quit()


def stop_and_cont(bdf, *_):
    """The machine is stopped, and goes on, while the VF is paused."""
    machine = Machine(bdf)
    machine.qmp("cont")
    machine.pause()
    for command in ("stop", "cont", "stop"):
        machine.qmp(command)
        check(machine.info()["state"] == "paused", f"{command} ended the pause")
        check(machine.read(VERSION) == ALL_ONES, "a read does not give all ones")
        released(machine)
    machine.unpause()
    alive(machine)
    machine.pause()
    machine.qmp("cont")
    machine.unpause()
    alive(machine)
    check(machine.qmp("query-status")["running"], "the machine stands still")
    machine.qmp("stop")
    machine.quit()


def no_migration(machine):
    """It is blocked by the pause, and so are snapshots."""
    machine.refused("migrate", "vf0 is paused", uri=NOWHERE)
    said = machine.qmp("human-monitor-command", command_line="savevm now")
    check("vf0 is paused" in said, f"savevm: {said}")


def migrate(bdf, *_):
    machine = Machine(bdf, "enable-migration=off")
    machine.pause()
    no_migration(machine)
    machine.unpause()
    text = machine.refused("migrate", "disabled", uri=NOWHERE)
    check("paused" not in text, "still blocked by the pause")
    machine.quit()
    # not in the target of a migration either
    machine = Machine(bdf, incoming=True)
    machine.refused("vfio-pci-pause", ["vf0", "not paused", "incoming"], id="vf0")
    alive(machine)
    machine.quit()


def errors(first, second):
    machine, other = Machine(first), Machine(second)
    machine.refused("vfio-pci-pause", "nobody", kind="DeviceNotFound", id="nobody")
    machine.refused("vfio-pci-unpause", "nobody", kind="DeviceNotFound", id="nobody")
    machine.refused("vfio-pci-pause", "no vfio-pci device", id="/machine/unattached")
    machine.refused("vfio-pci-unpause", ["vf0", "not paused"], id="vf0")
    machine.pause(device="/machine/peripheral/vf0")
    before = len(machine.fds())
    machine.refused("vfio-pci-pause", ["vf0", "paused already"], id="vf0")
    for arguments, text in (
            ({"host": "zz"}, "'zz' is no PCI address"),
            ({"host": "0000:01:00.9"}, "no PCI address"),
            ({"host": "0000:01:00.1 "}, "no PCI address"),
            ({"host": first, "sysfsdev": f"{PCI}/{first}"}, "exclude"),
            ({"host": "0000:7f:00.0"}, "no such host device"),
            ({"sysfsdev": "/nowhere"}, "no such host device"),
            ({"group-fd": "none"}, "none"),
            ({"host": "0000:00:00.0"}, "no iommu_group|not viable|No such file"),
            ({"host": second}, "busy")):
        text = [text] if "fd" in str(arguments) else ["vf0", "still paused", text]
        error = machine.refused("vfio-pci-unpause", text, id="vf0", **arguments)
        check(machine.info()["state"] == "paused" and machine.info()["host"] == first, f"{arguments}: {machine.info()}")
        if "group-fd" not in arguments:
            check(machine.info()["last-error"] == error, f"last-error: {machine.info()}")
        released(machine)
    check(len(machine.fds()) == before, f"{before} fds before, {len(machine.fds())} after: {machine.fds()}")
    machine.unpause()
    alive(machine)
    # in use by the same QEMU
    machine.pause()
    machine.qmp("device_add", driver="vfio-pci", id="vf1", host=first, addr="9")
    machine.refused("vfio-pci-unpause", ["still paused", "already attached|busy"], id="vf0")
    machine.quit()
    other.quit()


def not_bound(bdf, *_):
    """The VF is there, and has another driver or none"""
    machine = Machine(bdf)
    machine.pause()
    with open(f"{PCI}/{bdf}/driver/unbind", "w", encoding="ascii") as unbind:
        unbind.write(bdf)
    machine.refused("vfio-pci-unpause", "still paused", id="vf0")
    with open("/sys/bus/pci/drivers_probe", "w", encoding="ascii") as probe:
        probe.write(bdf)
    machine.unpause()
    alive(machine)
    machine.quit()


def other_kind(bdf, device):
    """The VF is away, and a function with other BARs is there; see say() for the talk with the shell."""
    machine = Machine(bdf)
    machine.pause()
    say("paused")
    for _try in range(3):
        machine.refused("vfio-pci-unpause", ["still paused", "differs in"], id="vf0", host=device)
        released(machine)
        check(machine.info()["host"] == bdf, f"{machine.info()}")
    say("refused")
    machine.unpause()
    alive(machine)
    machine.quit()


def no_leak(bdf, *_):
    machine = Machine(bdf)
    machine.msix_on()
    machine.vector(0, MAILBOX, 1)
    machine.pause()
    machine.unpause()
    before, maps = machine.fds(), len(machine.vfio_maps())
    for _round in range(ROUNDS):
        machine.pause()
        machine.refused("vfio-pci-unpause", "no such host device", id="vf0", host="0000:7f:00.0")
        machine.unpause()
        alive(machine)
    check(machine.fds() == before, f"before {before}, after {machine.fds()}")
    check(len(machine.vfio_maps()) == maps, f"{maps} maps before, {len(machine.vfio_maps())} after")
    machine.quit()


def times(bdf, *_):
    """Not a check of time: it says what it takes."""
    machine = Machine(bdf)
    took = []
    for _round in range(10):
        start = time.monotonic()
        machine.pause()
        middle = time.monotonic()
        machine.unpause()
        took.append((middle - start, time.monotonic() - middle))
    print("pause, unpause, ms:", [(round(a * 1000), round(b * 1000)) for a, b in sorted(took)])
    machine.quit()


def unprivileged(bdf, *_):
    """A new node of the group belongs to root; QEMU does not run as root."""
    group = group_of(bdf)
    os.chown(group, NOBODY, NOBODY)
    machine = Machine(bdf, accel="tcg", user=NOBODY, memlock=1 << 30)
    machine.pause()
    released(machine)
    os.chown(group, 0, 0)
    machine.refused("vfio-pci-unpause", ["still paused", "Permission denied"], id="vf0")
    # a file of the wrong kind
    pass_fd(machine, "wrong", "/dev/null")
    machine.refused("vfio-pci-unpause", "still paused", id="vf0", group_fd="wrong")
    machine.refused("closefd", "wrong", fdname="wrong")
    # taken also by a command that fails
    pass_fd(machine, "group", group)
    machine.refused("vfio-pci-unpause", "no PCI address", id="vf0", host="no", group_fd="group")
    machine.refused("closefd", "group", fdname="group")
    pass_fd(machine, "group", group)
    machine.unpause(group_fd="group")
    alive(machine)
    machine.pause()
    released(machine)
    machine.quit()


def pass_fd(machine, name, path):
    fd = os.open(path, os.O_RDWR)
    machine.qmp("getfd", fds=[fd], fdname=name)
    os.close(fd)


def other_group(first, second):
    """The open file is that of another group."""
    machine = Machine(first)
    machine.pause()
    pass_fd(machine, "group", group_of(second))
    machine.refused("vfio-pci-unpause", ["still paused", "error getting device"], id="vf0", group_fd="group")
    released(machine)
    pass_fd(machine, "group", group_of(second))
    machine.unpause(host=second, group_fd="group")
    alive(machine)
    # no iommufd backend
    machine.pause()
    pass_fd(machine, "device", "/dev/null")
    machine.refused("vfio-pci-unpause", ["still paused", "iommufd"], id="vf0", fd="device")
    machine.unpause()
    machine.quit()


def open_node(first, second):
    """iommufd: a device's node is open already."""
    machine = Machine(first)
    machine.pause()
    # whatever is wrong, it is closed
    for path, text in (("/dev/null", "still paused"), (group_of(second), "still paused")):
        pass_fd(machine, "device", path)
        machine.refused("vfio-pci-unpause", text, id="vf0", fd="device")
        released(machine)
        check(machine.info()["host"] == first, f"{machine.info()}")
    pass_fd(machine, "group", "/dev/null")
    machine.refused("vfio-pci-unpause", ["still paused", "group-fd"], id="vf0", group_fd="group")
    # what is told with it is what it is called
    pass_fd(machine, "device", node_of(second))
    event = machine.unpause(host=second, fd="device")
    check(event["host"] == second, f"event {event}")
    alive(machine)
    machine.pause()
    released(machine)
    machine.unpause()
    check(machine.info()["host"] == second, f"{machine.info()}")
    machine.pause()
    pass_fd(machine, "device", node_of(first))
    event = machine.unpause(fd="device")
    check(event["host"] == "vf0", f"event {event}")
    check(host_config(first, COMMAND) & MASTER, "it is not the one that was given")
    alive(machine)
    machine.pause()
    released(machine)
    machine.refused("vfio-pci-unpause", ["still paused", "file descriptor"], id="vf0")
    machine.unpause(host=first)
    alive(machine)
    machine.quit()


def made_by_node(first, second):
    """iommufd: the device was made with an open node."""
    fd = os.open(node_of(first), os.O_RDWR)
    machine = Machine(None, fd=fd)
    os.close(fd)
    alive(machine)
    machine.pause()
    released(machine)
    machine.refused("vfio-pci-unpause", ["still paused", "file descriptor"], id="vf0")
    machine.unpause(host=second)
    alive(machine)
    machine.quit()


def node_in_use(first, second):
    machine, other = Machine(first), Machine(second)
    machine.pause()
    machine.refused("vfio-pci-unpause", "still paused", id="vf0", host=second)
    released(machine)
    machine.unpause()
    alive(machine)
    alive(other)
    machine.quit()
    other.quit()


def memlock(bdf, *_):
    group = group_of(bdf)
    os.chown(group, NOBODY, NOBODY)
    machine = Machine(bdf, accel="tcg", user=NOBODY, memlock=1 << 30)
    machine.pause()
    limit = lambda n: resource.prlimit(machine.process.pid, resource.RLIMIT_MEMLOCK, (n, 1 << 30))
    limit(1 << 20)
    machine.refused("vfio-pci-unpause", ["still paused", "emory"], id="vf0")
    released(machine)
    limit(1 << 30)
    machine.unpause()
    alive(machine)
    os.chown(group, 0, 0)
    machine.qmp("quit")
    check(machine.process.wait() == 0, machine.said())
    machine.gone()


def say(word):
    """Tells the shell that it is its turn, and waits until it had it"""
    print(word, flush=True)
    check(input() == "go", "what?")


def host_request(first, second):
    """The number of VFs is set to 0 under two machines."""
    machines = [Machine(bdf, "on-host-request=pause") for bdf in (first, second)]
    say("ready")
    for machine in machines:
        event = machine.qmp.event("VFIO_PCI_STATE_CHANGED")
        check(event["state"] == "paused" and event["reason"] == "host-request", f"event {event}")
        released(machine)
    say("paused")
    for machine, bdf in zip(machines, (second, first)):
        machine.unpause(host=bdf)
        alive(machine)
    for machine in machines:
        machine.quit()


# The same with a device that can save and load its state: fake-migration.so

STATE = 0x5c04	# its state
STATE_SIZE = 8
KEPT_MAX = 65536
SAVED = ["state STOP", "state STOP_COPY"]


def saves(machine, value=0x5afe):
    """Pauses, with a state that is known again, and a write afterwards"""
    machine.write(STATE, value)
    machine.asked()
    machine.pause()
    check(machine.asked()[-2:] == SAVED, "the state was not saved as it should be")
    machine.write(MESSAGE, 1)


def loads(machine, value=0x5afe, **arguments):
    machine.unpause(**arguments)
    check(machine.read(STATE) == value, f"the state is {machine.read(STATE):#x} after it")
    check(machine.read(MESSAGE) == 1, f"the write while paused is {machine.read(MESSAGE):#x} after it")


def transparent(accel):
    def case(first, second):
        machine = Machine(first, fake=True, accel=accel)
        check(machine.info()["pause-mode"] == "transparent", f"{machine.info()}")
        saves(machine)
        for value in (2, 2, 1):
            machine.write(MESSAGE, value)
        check(machine.read(MESSAGE) == ALL_ONES, "a read does not give all ones")
        info = machine.info()
        check((info["pause-mode"], info["kept-writes"], info["state-size"]) == ("transparent", 4, STATE_SIZE), f"{info}")
        loads(machine, host=second)
        done = machine.asked()
        writes = [f"write {MESSAGE:#x} {value:#x}" for value in (1, 2, 2, 1)]
        # the machine is stopped, so the device is when it has what was kept
        check(done == ["state new", "state RESUMING", "state STOP", "state RUNNING", *writes, "state STOP"], f"{done}")
        machine.quit()
    return case


transparent_kvm = transparent("kvm")
transparent_tcg = transparent("tcg")


def save_fails(bdf, *_):
    machine = Machine(bdf, fake=True)
    machine.write(STATE, 0x5afe)
    for what in ("STOP", "STOP_COPY", "read"):
        machine.fail(what)
        machine.refused("vfio-pci-pause", ["vf0", "not paused"], id="vf0")
        machine.fail("")
        check([line for line in machine.asked() if "state" in line][-1] == "state RUNNING", "it does not run")
        check(machine.info()["state"] == "running", f"{machine.info()}")
        check(machine.read(STATE) == 0x5afe, "it was reset")
        alive(machine)
    check("paused" not in machine.refused("migrate", "", uri=NOWHERE), "still blocked by the pause")
    saves(machine)
    loads(machine)
    machine.quit()


def does_not_answer(bdf, *_):
    """What all ones are the identity of would never be found again."""
    machine = Machine(bdf, fake=True)
    machine.asked()
    machine.fail("GONE")
    machine.refused("vfio-pci-pause", ["vf0", "not paused", "does not answer"], id="vf0")
    machine.fail("")
    check(machine.asked() == [], "it was asked for its state")
    check(machine.info()["state"] == "running", f"{machine.info()}")
    alive(machine)
    saves(machine)
    loads(machine)
    machine.quit()


# Neither stops nor runs on, nor can be reset
LOST = "STOP RUNNING RESET"
LOST_SAYS = "Failed setting device in recover state"


def reset_brings_back(machine):
    """A device that was lost follows the machine when it can again."""
    machine.refused("migrate", "it is in an error state", uri=NOWHERE)
    machine.fail("")
    machine.qmp("system_reset")
    machine.qmp.event("RESET")
    machine.asked()
    machine.qmp("cont")
    machine.fail(LOST)
    machine.qmp("stop")
    check(not machine.asked(), "it has taken a state")
    machine.fail("RESET")
    machine.qmp("cont")
    machine.qmp("stop")
    check(not machine.asked(), "it is asked for a state where it is in an error state")
    machine.fail("")
    machine.qmp("system_reset")
    machine.qmp.event("RESET")
    machine.asked()
    for command, state in (("cont", []), ("stop", ["state STOP"]), ("cont", ["state RUNNING"])):
        machine.qmp(command)
        done = machine.asked()
        check(done == state, f"{command} after a reset: {done}")
    machine.drive()


def cannot_stop(bdf, *_):
    """A device that neither stops nor runs on is reset; if even that fails the machine stops and goes on without it."""
    machine = Machine(bdf, "migration-events=on,enable-migration=on", fake=True)
    machine.may_say = LOST_SAYS + "|cannot be reset|IOMMU dirty tracking"
    for what, text in ((LOST, "cannot be reset"), ("STOP RUNNING", "was reset"),
                       ("read RUNNING", "cannot read the device's state: .*; then it was reset, and its state is lost: ")):
        machine.write(STATE, 0x5afe)
        machine.fail(what)
        machine.refused("vfio-pci-pause", ["vf0", "not paused", text], id="vf0")
        if what == LOST:
            for command in ("cont", "stop", "cont", "stop"):
                machine.qmp(command)
        machine.fail("")
        check(machine.info()["state"] == "running", f"{what}: {machine.info()}")
        check((machine.read(STATE) == 0) == ("was reset" in text), f"{what}: {machine.read(STATE):#x} is its state")
        if what == LOST:
            reset_brings_back(machine)
    saves(machine)
    loads(machine)
    machine.quit()


def lost_at_the_end(bdf, *_):
    """The machine, which runs, ends with such a device."""
    machine = Machine(bdf, fake=True)
    machine.may_say = LOST_SAYS
    machine.qmp("cont")
    machine.fail(LOST)
    machine.refused("vfio-pci-pause", ["vf0", "not paused", "cannot be reset"], id="vf0")
    machine.quit()


def load_fails(bdf, *_):
    machine = Machine(bdf, fake=True)
    machine.may_say = "vfio: failed to enable vectors|Failed to set up TRIGGER eventfd signaling"
    machine.vector(0, MAILBOX, 0xa0)
    machine.msix_on()
    saves(machine)
    for what, text in (("PIN", "interrupt pin"), ("MIGRATION", ""), ("VECTORS", "MSI-X vectors"), ("RESUMING", ""),
                       ("load", ""), ("RUNNING", "")):
        machine.fail(what)
        machine.refused("vfio-pci-unpause", ["vf0", "still paused", text], id="vf0")
        machine.fail("")
        info = machine.info()
        check((info["state"], info["pause-mode"], info["kept-writes"]) == ("paused", "transparent", 1), f"{info}")
        released(machine)
        check(not any(line.startswith("write") for line in machine.asked()), "the writes were not kept back")
    check(machine.memory(MAILBOX) == 0, "raised by an unpause that failed")
    loads(machine)
    check(machine.memory(MAILBOX) == 0xa0, "not raised by unpause")
    machine.quit()


def too_many_writes(bdf, *_):
    machine = Machine(bdf, fake=True)
    machine.pause()
    size = 0x1000
    while machine.info()["trapped-writes"] <= KEPT_MAX:
        machine.qtest("memset", BAR0 + 0x6000, size, 0)
    check(machine.info()["kept-writes"] == KEPT_MAX, f"{machine.info()}")
    machine.refused("vfio-pci-unpause", ["still paused", str(KEPT_MAX), "discard-state"], id="vf0")
    machine.asked()
    machine.unpause(discard_state=True)
    check(machine.asked() == ["state new"], "it got what was to be discarded")
    alive(machine)
    machine.quit()


def asleep(bdf):
    """The PF, because a VF has no power states: the guest puts it to sleep after its last writes."""
    machine = Machine(bdf, fake=True)
    power = machine.cap(CAP_PM) + PM_CTRL
    machine.write(RING_SIZE, 0x100)
    machine.pause()
    machine.write(RING_SIZE, 0x123)
    machine.config(COMMAND, 2, MEMORY)
    machine.config(power, 2, D3HOT)
    machine.unpause()
    check(machine.config(power, 2) & D3HOT == D3HOT, "it does not sleep")
    check(not host_config(bdf, COMMAND) & MASTER, "bus master is on")
    machine.config(power, 2, 0)
    machine.drive()
    check(machine.read(RING_SIZE) == 0x123, f"the write while paused was lost: {machine.read(RING_SIZE):#x}")
    machine.quit()


def discard(bdf, *_):
    machine = Machine(bdf, fake=True)
    saves(machine)
    machine.refused("vfio-pci-unpause", "no such host device", id="vf0", host="0000:7f:00.0", discard_state=True)
    check(machine.info()["pause-mode"] == "transparent", "a command that failed has discarded the state")
    machine.asked()
    machine.unpause(discard_state=True)
    check(machine.asked() == ["state new"], "it got what was to be discarded")
    check(machine.read(STATE) == 0, "that is not a device after a reset")
    machine.quit()


def followed(bdf, *_):
    """The device follows a machine that is stopped, or goes on, while it is paused: when it has what was kept."""
    machine = Machine(bdf, fake=True)
    loaded = ["state new", "state RESUMING", "state STOP", "state RUNNING", f"write {MESSAGE:#x} 0x1"]
    machine.qmp("cont")
    saves(machine)
    machine.qmp("stop")
    check(machine.asked() == [], "a device that is away was asked to stop")
    loads(machine)
    done = machine.asked()
    check(done == [*loaded, "state STOP"], f"stopped meanwhile: {done}")
    machine.pause()
    done = machine.asked()
    check(done == ["state STOP_COPY"], f"stopped before: {done}")
    machine.write(MESSAGE, 1)
    machine.qmp("cont")
    check(machine.asked() == [], "a device that is away was asked to run")
    loads(machine)
    done = machine.asked()
    check(done == loaded, f"let go meanwhile: {done}")
    for command, state in (("stop", "STOP"), ("cont", "RUNNING")):
        machine.qmp(command)
        done = machine.asked()
        check(done == [f"state {state}"], f"{command} afterwards: {done}")
    machine.quit()


def migrates(machine):
    """A migration begins, which does not come to an end: a device that does not say how much state it has may have much."""
    machine.qmp("migrate", uri=NOWHERE)
    until("migration", lambda: machine.qmp("query-migrate")["status"] == "active")


def does_not_migrate(machine):
    machine.qmp("migrate_cancel")
    until("end of the migration", lambda: machine.qmp("query-migrate")["status"] == "cancelled")


def migration_or_pause(bdf, *_):
    """While one of the two goes on the other is refused, and the one that does goes on."""
    machine = Machine(bdf, "enable-migration=on", fake=True)
    machine.may_say = "IOMMU dirty tracking|failed to save SaveStateEntry"	# that is cancelled
    machine.qmp("cont")
    migrates(machine)
    machine.write(STATE, 0x5afe)
    machine.asked()
    machine.refused("vfio-pci-pause", ["vf0", "not paused", "migration.* in progress"], id="vf0")
    check(machine.asked() == [], "a device that is not paused was asked for its state")
    check(machine.qmp("query-migrate")["status"] == "active", f"{machine.qmp('query-migrate')}")
    check(machine.info()["state"] == "running" and machine.read(STATE) == 0x5afe, f"{machine.info()}")
    does_not_migrate(machine)
    saves(machine)
    no_migration(machine)
    check(machine.info()["state-size"] == STATE_SIZE, f"{machine.info()}")
    loads(machine)
    migrates(machine)
    does_not_migrate(machine)
    machine.quit()


def reset_forgets(bdf, *_):
    machine = Machine(bdf, fake=True)
    for way in ("system_reset", "flr"):
        saves(machine)
        if way == "flr":
            pos = machine.cap(CAP_EXPRESS) + DEVCTL
            machine.config(pos, 2, machine.config(pos, 2) | FLR)
            check(not machine.config(pos, 2) & FLR, "the reset bit reads 1")
        else:
            machine.qmp("system_reset")
            machine.qmp.event("RESET")
        check(machine.info()["pause-mode"] == "stateless", f"{way}: {machine.info()}")
        machine.write(MESSAGE, 1)
        machine.asked()
        machine.unpause()
        check(machine.asked() == ["state new"], f"{way}: it got a state")
        machine.drive()
        check(machine.read(STATE) == 0 and machine.read(MESSAGE) == 0, f"{way}: that is not a device after a reset")
    machine.quit()


def migration_off(bdf, *_):
    machine = Machine(bdf, "enable-migration=off", fake=True)
    check(machine.info()["pause-mode"] == "stateless", f"{machine.info()}")
    machine.asked()
    machine.pause()
    check(machine.asked() == [], "it was asked for its state")
    machine.unpause()
    alive(machine)
    machine.quit()


def run_cases(names, vfs):
    """Of one case its own machine, of several one for all"""
    global Machine	# pylint: disable=global-statement

    if len(names) == 1:
        globals()[names[0]](*vfs)
        return
    Machine = Shared()
    for name in names:
        try:
            globals()[name](*vfs)
        except Failed as error:
            raise Failed(f"{name}: {error}") from error
    Machine.end()


def main():
    if sys.argv[1] == "--iommufd":
        Machine.iommufd = True
        del sys.argv[1]
    names, vfs = sys.argv[1].split(","), sys.argv[2:]
    try:
        run_cases(names, vfs)
    except Exception as error:  # pylint: disable=broad-except
        if not isinstance(error, Failed):
            traceback.print_exc()
        for machine in list(machines.Machine.alive):
            machine.kill()
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
