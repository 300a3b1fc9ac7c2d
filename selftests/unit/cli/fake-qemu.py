#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A QEMU as its monitor shows it, on a recorded machine; can misbehave in the ways a real one does.

fake-qemu.py SOCKET TREE [--ports N] [BEHAVIOUR...]

BEHAVIOUR, COMMAND being a QMP command or "greeting":
  close:COMMAND    closes the connection instead of answering, lives on
  lose:COMMAND:N   the same, at the N-th COMMAND only
  die:COMMAND      ends instead of answering; its devices become free a moment after its connection closes
  anew:COMMAND     is another QEMU, without devices, at the same place from then on, which was not given the command
  hang:COMMAND     does not answer this and what follows
  garbage:COMMAND  answers something that is no JSON
  text:COMMAND     answers JSON that is no object
  huge:COMMAND     answers without end
  deep:COMMAND     answers JSON of great depth
  talk:COMMAND     events come instead of an answer, for ever
  spoil:COMMAND    does the command, but the answer is no JSON
  mute:COMMAND     does the command, but does not answer this and what follows
  error:COMMAND:TEXT      answers with an error, always
  never-delete     the guest does not let go of a device
  add-after:S      a device comes after S seconds
  delete-after:S   the guest lets go after S seconds
  delete-on:N      the guest lets go at the N-th request
  refuse-first     the guest refuses the first request (DEVICE_UNPLUG_GUEST_ERROR)
  busy-first       QEMU refuses the first request, the guest blinks the power light
  gone-at:COMMAND  the guest lets go of a device, which it was asked for at another time, when this comes
  close-late       an unplugged device stays open until SOCKET.close is there; SOCKET.gone tells that the guest has let go
  no-event         the device goes, but no event says so
  no-pause         a QEMU without the commands that pause devices
  unprivileged     may not open VFIO's nodes: a device comes back by a descriptor only
  keeps-open       says that a device is paused, and has it open all the same
  refuse-unpause:N refuses the first N VFs that it is to unpause with
  writes-much      has a guest that writes to a paused VF more often than is kept
  no-migration     has kept a state that the VF's driver does not take
  state-once:TEXT  does not take what it has kept when it is first to unpause a VF, and says so with TEXT
  slow-pause:S     a pause takes S seconds
  slow-unpause:S   an unpause takes S seconds
  flood            many events before each answer
  bytes            answers come byte by byte
  pretty           answers have line breaks
  stale            each answer comes after one with another id
"""
import json
import os
import socket
import subprocess
import sys
import threading
import time

FREE_AFTER_DEATH_S = 0.3
UNPLUG_AGAIN_S = 5


class Qemu:
    def __init__(self, path, tree, ports, behaviour, machine):
        self.path, self.tree, self.ports, self.machine = path, tree, ports, machine
        self.behaviour = behaviour
        self.devices = {}
        self.requests = self.unpauses = 0
        self.asked = {}
        self.fds, self.received = {}, []
        self.hung = False
        self.lock = threading.Lock()
        self.wire = threading.Lock()	# one message at a time
        self.log = open(path + ".log", "a", buffering=1, encoding="utf-8")

    def has(self, what):
        return what in self.behaviour

    def value(self, what, default=None):
        for entry in self.behaviour:
            if entry.startswith(what + ":"):
                return entry[len(what) + 1:]
        return default

    # ---- the host's side of a device

    def node(self, host):
        group = os.path.basename(os.readlink(f"{self.tree}/sys/bus/pci/devices/{host}/iommu_group"))
        return f"{self.tree}/dev/vfio/{group}"

    def hold(self, host, held):
        with open(self.node(host), "w", encoding="utf-8") as file:
            file.write("busy" if held else "")

    def host_error(self, host):
        device = f"{self.tree}/sys/bus/pci/devices/{host}"
        if not os.path.exists(device):
            return f"vfio {host}: no such host device: No such file or directory"
        if not os.path.realpath(device + "/driver").endswith(("/vfio-pci", "/svff_vfio")):
            return f"vfio {host}: error getting device from group: not bound to a vfio driver"
        with open(self.node(host), encoding="utf-8") as file:
            if file.read().startswith("busy"):
                return f"vfio {host}: failed to open group: Device or resource busy"
        return None

    def die(self):
        with self.lock:
            hosts = [d["host"] for d in self.devices.values() if not d["paused"]]
        os.unlink(self.path)
        if hosts:
            script = f"import time; time.sleep({FREE_AFTER_DEATH_S})\n"
            script += "\n".join(f"open({self.node(h)!r}, 'w').close()" for h in hosts)
            subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=True)
        os._exit(1)

    def start_anew(self):
        for device in self.devices.values():
            if not device["paused"]:
                self.hold(device["host"], False)
        self.devices.clear()

    # ---- commands

    def cmd_device_add(self, args):
        if "host" not in args:
            return self.fail("Parameter 'host' is missing")
        if args["id"] in self.devices:
            return self.fail(f"Duplicate device ID '{args['id']}'")
        bus = args.get("bus")
        if not bus and self.machine == "q35":
            return self.fail("Bus 'pcie.0' does not support hotplugging")
        if bus and bus not in self.ports:
            return self.fail(f"Bus '{bus}' not found")
        if any(d["bus"] == bus for d in self.devices.values()) and bus:
            return self.fail(f"PCI: slot 0 function 0 not available for vfio-pci, in use by x (bus {bus})")
        error = self.host_error(args["host"])
        if error:
            return self.fail(error)
        time.sleep(float(self.value("add-after", "0")))
        with self.lock:
            self.devices[args["id"]] = {"host": args["host"], "bus": bus, "paused": False}
        self.hold(args["host"], True)
        return {"return": {}}

    def remove(self, connection, name):
        with self.lock:
            device = self.devices.pop(name, None)
        if not device:
            return
        if not device["paused"] and not self.has("close-late"):
            self.hold(device["host"], False)
        if not self.has("no-event"):
            self.event(connection, "DEVICE_DELETED", {"device": name, "path": f"/machine/peripheral/{name}"})
        if self.has("close-late"):
            open(self.path + ".gone", "w", encoding="utf-8").close()
            while not os.path.exists(self.path + ".close"):
                time.sleep(0.02)
            self.hold(device["host"], False)

    def cmd_device_del(self, args, connection):
        name = args["id"]
        if name not in self.devices:
            return self.fail(f"Device '{name}' not found", "DeviceNotFound")
        if time.monotonic() < self.devices[name].get("asked", 0) + UNPLUG_AGAIN_S:
            return self.fail(f"Device {name} is already in the process of unplug")
        self.requests += 1
        if self.has("busy-first") and self.requests == 1:
            return self.fail("Hot-unplug failed: guest is busy (power indicator blinking)")
        if self.has("refuse-first") and self.requests == 1:
            threading.Timer(0.05, self.event, (connection, "DEVICE_UNPLUG_GUEST_ERROR",
                                               {"device": name, "path": f"/machine/peripheral/{name}"})).start()
            return {"return": {}}
        self.devices[name]["asked"] = time.monotonic()
        if not self.has("never-delete") and self.requests >= int(self.value("delete-on", "1")):
            threading.Timer(float(self.value("delete-after", "0.05")), self.remove, (connection, name)).start()
        return {"return": {}}

    def cmd_pause(self, args):
        device = self.devices.get(args["id"])
        if not device:
            return self.fail(f"Device '{args['id']}' not found", "DeviceNotFound")
        if device["paused"]:
            return self.fail(f"Device '{args['id']}' is paused already")
        time.sleep(float(self.value("slow-pause", "0")))
        device["paused"] = True
        if not self.has("keeps-open"):
            self.hold(device["host"], False)
        return {"return": {}}

    def state_refusal(self):
        if self.has("writes-much"):
            return "the guest wrote 70000 times while paused, 65536 is what can be kept; only 'discard-state' is left"
        if self.has("no-migration"):
            return "the host device's driver supports no migration, so the saved state cannot be loaded"
        return self.value("state-once") if self.unpauses == 1 else None

    def cmd_unpause(self, args):
        name, device = args["id"], self.devices.get(args["id"])
        host = args.get("host", device["host"] if device else "")
        fd = self.take_fd(args.get("group-fd"))
        if not device:
            return self.fail(f"Device '{name}' not found", "DeviceNotFound")
        if not device["paused"]:
            return self.fail(f"Device '{name}' is not paused")
        time.sleep(float(self.value("slow-unpause", "0")))
        self.unpauses += 1
        if self.unpauses <= int(self.value("refuse-unpause", "0")):
            return self.fail(f"Device '{name}' stays paused: host device differs in region 0")
        refusal = self.state_refusal()
        if refusal and not args.get("discard-state"):
            return self.fail(f"device '{name}' is still paused: {refusal}")
        error = self.host_error(host)
        if self.has("unprivileged") and fd is None and (not error or "busy" in error):
            error = f"Could not open '{self.node(host)}': Permission denied"
        if error and not (self.has("keeps-open") and "busy" in error):
            return self.fail(f"Device '{name}' stays paused: {error}")
        if "group-fd" in args and fd is None:
            return self.fail(f"File descriptor named '{args['group-fd']}' has not been found")
        if fd is not None and os.readlink(f"/proc/self/fd/{fd}") != os.path.realpath(self.node(host)):
            return self.fail(f"Device '{name}' stays paused: error getting device from group: No such device")
        if fd is not None:
            os.close(fd)
        device.update(host=host, paused=False)
        self.hold(host, True)
        return {"return": {}}

    def cmd_getfd(self, args):
        if not self.received:
            return self.fail("No file descriptor supplied via SCM_RIGHTS")
        fd = self.fds[args["fdname"]] = self.received.pop(0)
        self.mark(fd, "busy")
        return {"return": {}}

    def cmd_closefd(self, args):
        fd = self.take_fd(args["fdname"])
        if fd is None:
            return self.fail(f"File descriptor named '{args['fdname']}' not found")
        os.close(fd)
        return {"return": {}}

    # A group whose descriptor somebody has is open, whatever its name.
    @staticmethod
    def mark(fd, text):
        with open(f"/proc/self/fd/{fd}", "w", encoding="utf-8") as file:
            file.write(text)

    def take_fd(self, name):
        fd = self.fds.pop(name, None)
        if fd is not None:
            self.mark(fd, "")
        return fd

    def cmd_query_commands(self):
        names = ["device_add", "device_del", "qom-list", "qom-get", "getfd"]
        if not self.has("no-pause"):
            names += ["vfio-pci-pause", "vfio-pci-unpause", "query-vfio-pci"]
        return {"return": [{"name": name} for name in names]}

    def cmd_query_vfio(self):
        return {"return": [{"qom-path": f"/machine/peripheral/{n}", "device-id": n, "host": d["host"],
                            "state": "paused" if d["paused"] else "running"} for n, d in self.devices.items()]}

    def cmd_qom_list(self, args):
        path = args["path"]
        peripheral = "/machine/peripheral"
        if path == peripheral:
            entries = [{"name": "type", "type": "string"}]
            entries += [{"name": p, "type": "child<pcie-root-port>"} for p in self.ports]
            entries += [{"name": d, "type": "child<vfio-pci>"} for d in self.devices]
            return {"return": entries}
        name = path[len(peripheral) + 1:]
        if name in self.devices:
            return {"return": [{"name": "host", "type": "str"}, {"name": "hotplugged", "type": "bool"}]}
        port, _, bus = name.partition("/")
        if port in self.ports and not bus:
            return {"return": [{"name": "hotplug", "type": "bool"}, {"name": port, "type": "child<PCIE>"}]}
        if port in self.ports:
            taken = any(d["bus"] == port for d in self.devices.values())
            return {"return": [{"name": "child[0]", "type": "link<vfio-pci>"}] if taken else []}
        return self.fail(f"Device '{path}' not found", "DeviceNotFound")

    def cmd_qom_get(self, args):
        if args["path"] == "/machine":
            return {"return": "pc-q35-10.0-machine" if self.machine == "q35" else "pc-i440fx-10.0-machine"}
        name = os.path.basename(args["path"])
        if args["property"] == "hotplug":
            return {"return": True}
        if name in self.devices and args["property"] == "host":
            return {"return": self.devices[name]["host"]}
        return self.fail(f"Property '{args['property']}' not found")

    @staticmethod
    def fail(text, kind="GenericError"):
        return {"error": {"class": kind, "desc": text}}

    def answer(self, command, args, connection):
        error = self.value("error:" + command)
        if error:
            return self.fail(error)
        if self.has("gone-at:" + command):
            self.remove(connection, args["id"])
        if command == "device_add":
            return self.cmd_device_add(args)
        if command == "device_del":
            return self.cmd_device_del(args, connection)
        if command == "query-commands":
            return self.cmd_query_commands()
        if command == "getfd":
            return self.cmd_getfd(args)
        if command == "closefd":
            return self.cmd_closefd(args)
        if not self.has("no-pause") and command == "vfio-pci-pause":
            return self.cmd_pause(args)
        if not self.has("no-pause") and command == "vfio-pci-unpause":
            return self.cmd_unpause(args)
        if not self.has("no-pause") and command == "query-vfio-pci":
            return self.cmd_query_vfio()
        if command == "qom-list":
            return self.cmd_qom_list(args)
        if command == "qom-get":
            return self.cmd_qom_get(args)
        if command == "qom-list-types":
            return {"return": [] if self.has("no-vfio") else [{"name": "vfio-pci"}]}
        if command == "query-status":
            return {"return": {"status": "running", "running": True}}
        if command == "query-memory-size-summary":
            return {"return": {"base-memory": 512 << 20, "plugged-memory": 0}}
        if command == "qmp_capabilities":
            return {"return": {}}
        return self.fail(f"The command {command} has not been found", "CommandNotFound")

    # ---- the wire

    def send(self, connection, message):
        text = json.dumps(message, indent=4 if self.has("pretty") else None) + "\r\n"
        try:
            with self.wire:
                for part in text if self.has("bytes") else (text,):
                    connection.sendall(part.encode())
        except OSError:
            pass

    def event(self, connection, name, data):
        self.send(connection, {"event": name, "data": data, "timestamp": {"seconds": 1, "microseconds": 2}})

    def misbehave(self, connection, command):
        if self.has("die:" + command):
            self.die()
        self.asked[command] = self.asked.get(command, 0) + 1
        if self.has("close:" + command) or self.value("lose:" + command) == str(self.asked[command]):
            raise ConnectionError
        if self.has("anew:" + command):
            self.start_anew()
            raise ConnectionError
        if self.has("hang:" + command):
            self.hung = True
        spoilt = any(self.has(how + command) for how in ("garbage:", "text:", "deep:", "huge:"))
        if self.has("garbage:" + command):
            connection.sendall(b"QEMU 10.0.0 monitor - type 'help' for more information\r\n(qemu) ")
        if self.has("text:" + command):
            connection.sendall(b'"hello"\r\n')
        if self.has("deep:" + command):
            connection.sendall(b"[" * 100000)
        if self.has("huge:" + command):
            connection.sendall(b'{"a": "')
        while self.has("huge:" + command):
            connection.sendall(b"x" * 65536)
        while self.has("talk:" + command):
            connection.sendall(b'{"event": "RTC_CHANGE", "data": {}}\r\n' * 100)
        return self.hung or spoilt

    def greet(self, connection):
        if not self.misbehave(connection, "greeting"):
            self.send(connection, {"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 10}},
                                           "capabilities": ["oob"]}})

    def serve_line(self, connection, line):
        request = json.loads(line)
        command = request["execute"]
        self.log.write(line + "\n")
        if self.misbehave(connection, command):
            return
        if self.has("flood"):
            for i in range(1500):
                self.event(connection, "RTC_CHANGE", {"offset": i, "device": "other"})
        reply = self.answer(command, request.get("arguments", {}), connection)
        if self.has("spoil:" + command):
            connection.sendall(b"{]")
            return
        if self.has("mute:" + command):
            self.hung = True
            return
        if self.has("stale"):
            self.send(connection, {"return": {"stale": True}, "id": request["id"] - 1})
        self.send(connection, dict(reply, id=request["id"]))

    def lines(self, connection):
        rest = b""
        while True:
            data, fds, _, _ = socket.recv_fds(connection, 65536, 4)
            self.received += fds
            if not data:
                return
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield line.decode().strip()

    def serve(self, connection):
        try:
            self.greet(connection)
            for line in self.lines(connection):
                self.serve_line(connection, line)
        except (ConnectionError, OSError):
            pass
        connection.close()
        self.hung = False


def main():
    words = sys.argv[3:]
    ports, machine = 2, "q35"
    if "--ports" in words:
        at = words.index("--ports")
        ports = int(words[at + 1])
        del words[at:at + 2]
    if "--i440fx" in words:
        machine = "i440fx"
        words.remove("--i440fx")
    qemu = Qemu(sys.argv[1], sys.argv[2], [f"rp{i}" for i in range(ports)], words, machine)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1] + ".new")
    listener.listen(1)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    while True:		# one client at a time, as QEMU does
        connection, _ = listener.accept()
        qemu.serve(connection)


main()
