# SPDX-License-Identifier: GPL-2.0-only
"""What a guest notices when the number of VFs changes: by pause, and by detach and attach."""

import json
import os
import subprocess
import time

GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../qemu/guest.sh")
NAME = "bench"
URI = f"qmp:/run/svff-lab/{NAME}.qmp"
MEMORY_MIB = (512, 2048)
# The PCI core's own sleeps when all VFs go and come (drivers/pci/iov.c): 1 s and 100 ms.
FLOOR_MS = 1100
ROUNDS = 3
LIMIT_S = 120
MOVE_S = 1
DRIVER = "modprobe svff_vf; until [ -c /dev/svff-mm0 ]; do sleep 0.1; done"
START = "rm -f /tmp/rounds; mover /dev/svff-mm0 0 /tmp/rounds >/tmp/mover 2>&1 & echo $! >/tmp/pid; " \
        "until [ -s /tmp/rounds ]; do sleep 0.1; done"
STOP = "old=$(cat /tmp/rounds); until [ $(cat /tmp/rounds) -ge $((old + 2)) ]; do sleep 0.05; done; " \
       "kill $(cat /tmp/pid); tail --pid=$(cat /tmp/pid) -f /dev/null; cat /tmp/mover"


def guest(*argv, **environment):
    return subprocess.run([GUEST, *argv], check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, **environment}).stdout


def in_guest(command):
    return guest("run", NAME, "-t", str(LIMIT_S), command)


def svff(*argv):
    done = subprocess.run(["svff", *argv, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def change(count, *options):
    """Changes the number of VFs while the guest moves data; returns the guest's longest wait and the steps, in ms."""
    in_guest(START)
    time.sleep(MOVE_S)
    steps = svff("reconf", "--vfs", str(count), *options)["steps"]
    gap = int(in_guest(STOP).split()[1])
    return gap, {step["name"]: step["ms"] for step in steps}


def took(steps, verb):
    return sum(ms for name, ms in steps.items() if name.startswith(f"{verb} VF 1 "))


def least(*options):
    """The round in which the guest waited least."""
    return min((change(2 + (n + 1) % 2, *options) for n in range(ROUNDS)), key=lambda one: one[0])


def rows():
    for memory in MEMORY_MIB:
        guest("start", NAME, GUEST_MEMORY=str(memory))
        svff("init", "--vfs", "2")
        svff("attach", "1", URI)
        in_guest(DRIVER)
        pause, steps = least()
        svff("reconf", "--vfs", "2")
        detach, _ = least("--by-detach")
        yield {"guest MiB": memory, "wait, pause / floor": pause / FLOOR_MS, "wait, detach / floor": detach / FLOOR_MS,
               "above floor, pause / detach": (pause - FLOOR_MS) / (detach - FLOOR_MS),
               "pause / floor": took(steps, "pause") / FLOOR_MS, "unpause / floor": took(steps, "unpause") / FLOOR_MS}
        svff("detach", "1")
        svff("reconf", "--vfs", "0")
        guest("stop", NAME)
