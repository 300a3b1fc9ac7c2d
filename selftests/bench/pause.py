# SPDX-License-Identifier: GPL-2.0-only
"""What guests notice when the number of VFs changes: by pause, by detach and attach, within spare VFs.

Guests move data all the time (mover.c, by the functions of lib.sh) and tell the longest that they had to wait. All
is given in parts of the time that the PCI core sleeps when all VFs go and come (drivers/pci/iov.c: 1 s and 100 ms).
"""

import concurrent.futures
import json
import os
import subprocess

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib.sh")
FLOOR_MS = 1100
ROUNDS = 2
LIMIT_S = 120
RATE_S = 3
REGION_MIB = 64		# of card memory, for a guest
# guests, VFs of all of them, MiB of a guest
CASES = ((1, 1, 512), (1, 1, 2048), (2, 2, 512))
STILL_CASES = ((1, 1, 512), (1, 1, 2048), (2, 2, 512), (1, 8, 512), (4, 8, 512), (4, 64, 512))


def lab(script, **environment):
    """Functions of lib.sh; what they print."""
    done = subprocess.run(["bash", "-c", f'. {LIB}; trap \'rm -rf "$TMP"\' EXIT; {script}'], stdout=subprocess.PIPE,
                          text=True, env={**os.environ, **environment}, check=False)
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stdout.strip()}")
    return done.stdout


def in_guest(name, command):
    return lab(f"guest_run {name} -t {LIMIT_S} \"$command\"", command=command)


def svff(*argv):
    done = subprocess.run(["svff", *argv, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def start_guests(count, mib, ports, **environment):
    names = [chr(ord("A") + i) for i in range(count)]
    environment.update(GUEST_MEMORY=str(mib), GUEST_PORTS=str(ports))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: lab(f"guest_start {name}", **environment), names))
    return names


def plug(names, vfs):
    """VF 1 goes to the first guest, VF 2 to the second and so on."""
    for i in range(vfs):
        svff("attach", str(i + 1), f"qmp:/run/svff-lab/{names[i % len(names)]}.qmp")


def attach(names, vfs):
    plug(names, vfs)
    each = vfs // len(names)
    for name in names:
        in_guest(name, f"modprobe svff_vf; until [ $(ls /dev | grep -c svff-mm) = {each} ]; do sleep 0.1; done")


def rate(name):
    return int(in_guest(name, f"a=$(cat /tmp/rounds); sleep {RATE_S}; echo $(($(cat /tmp/rounds) - a))"))


def wait_during(names, work):
    """What work returns, the longest wait of a guest in ms, and how fast the first moves data afterwards / before."""
    for i, name in enumerate(names):
        lab(f"mover_start {name} {i * REGION_MIB}")
    before = rate(names[0])
    done = work()
    after = rate(names[0])
    return done, max(int(lab(f"mover_stop {name}; echo $GAP")) for name in names), after / before


def steps_of(steps, *verbs):
    return [step for step in steps if step["name"].split()[0] in verbs]


def change(vfs, *options):
    """To some other number of VFs than now; all guests keep theirs."""
    count = vfs + 2 if svff("status")["cards"][0]["vfs"] != vfs + 2 else vfs + 3
    return svff("reconf", "--vfs", str(count), "--spare", "0", *options)["steps"]


def of_kernel(steps):
    return sum(step["ms"] for step in steps_of(steps, "disable", "enable"))


def least(names, vfs, *options):
    """Of a few changes the one in which guests waited least: ms of the kernel, wait, after / before."""
    return min((wait_during(names, lambda: of_kernel(change(vfs, *options))) for _ in range(ROUNDS)),
               key=lambda one: one[1])


def case_row(guests, vfs, mib):
    names = start_guests(guests, mib, vfs // guests)
    svff("init", "--vfs", str(vfs), "--spare", "1")
    attach(names, vfs)
    _, calm, _ = wait_during(names, lambda: None)
    _, spare, _ = wait_during(names, lambda: svff("reconf", "--vfs", str(vfs + 1)))
    kernel, pause, moved = least(names, vfs)
    _, detach, _ = least(names, vfs, "--by-detach")
    for i in range(vfs):
        svff("detach", str(i + 1))
    svff("reconf", "--vfs", "0")
    for name in names:
        lab(f"guest_stop {name}")
    return {"guests": guests, "their VFs": vfs, "MiB each": mib, "wait by pause": pause / FLOOR_MS,
            "of that VFs off and on": kernel / FLOOR_MS, "wait by detach": detach / FLOOR_MS,
            "within spares": spare / FLOOR_MS, "no change": calm / FLOOR_MS, "moved after / before": moved}


def rows():
    for case in CASES:
        yield case_row(*case)


def still_row(guests, vfs, mib):
    names = start_guests(guests, mib, vfs // guests, GUEST_STILL="1")
    svff("init", "--vfs", str(vfs))
    plug(names, vfs)
    rounds = [change(vfs) for _ in range(ROUNDS)]
    gap, steps = min(((last_ms(steps) - steps_of(steps, "pause")[0]["begin_ms"], steps) for steps in rounds),
                     key=lambda one: one[0])
    for name in names:
        lab(f"guest_stop {name}", GUEST_STILL="1")
    svff("reconf", "--vfs", "0")
    row = {"guests": guests, "their VFs": vfs, "MiB each": mib, "first pause to last unpause": gap / FLOOR_MS,
           "of that VFs off and on": of_kernel(steps) / FLOOR_MS}
    for verb in ("pause", "unpause"):
        row[f"{verb} of a VF"] = sum(step["ms"] for step in steps_of(steps, verb)) / vfs / FLOOR_MS
    return row


def last_ms(steps):
    return max(step["begin_ms"] + step["ms"] for step in steps_of(steps, "unpause"))


def still_rows():
    """Of guests whose processors stand still, so that there can be many."""
    for case in STILL_CASES:
        yield still_row(*case)
