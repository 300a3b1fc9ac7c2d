# SPDX-License-Identifier: GPL-2.0-only
"""What guests notice when the number of VFs changes: by pause, by detach and attach, within spare VFs.

Guests that run move data all the time (mover.c) on the first and on the last of their VFs, and tell the longest that
they had to wait. Many guests, or big ones, are too much for an emulated host: their processors stand still, and a
VF's wait is from the begin of its pause to the end of its unpause. All is given in parts of the time that the PCI core
sleeps when all VFs go and come (drivers/pci/iov.c: 1 s and 100 ms). Of a few rounds the one with the shortest wait
counts: what else happens on the machine only adds.
"""

import collections
import concurrent.futures
import itertools
import json
import os
import subprocess
import time

GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../qemu/guest.sh")
FLOOR_MS = 1100
ROUNDS = 3
LIMIT_S = 120
QUEUES_LIMIT_S = 30
MOVER_REST_MS = 100
RATE_S = 3
REGION_MIB, MOVER_MIB = 64, 16	# of card memory, for a guest and for one of its movers
MIB = 1 << 20
# guests, VFs of all of them, MiB of a guest
CASES = ((1, 1, 512), (2, 2, 512), (1, 8, 512), (4, 64, 512))
STILL_CASES = ((1, 1, 512), (2, 2, 512), (1, 8, 512), (4, 8, 512), (4, 64, 512))
STILL_SIZES = (512, 1024, 2048, 4096, 8192)
HOST_PART = 0.8		# of its memory a guest may have so much
QUEUES = (1, 8, 64)

Wait = collections.namedtuple("Wait", "ms failed before after steps")


def guest(*argv, **environment):
    """guest.sh; what it prints."""
    done = subprocess.run([GUEST, *argv], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment},
                          check=False)
    if done.returncode:
        raise RuntimeError(f"guest.sh {' '.join(argv)}: status {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def in_guest(name, command):
    return guest("run", name, "-t", str(LIMIT_S), command)


def at_once(work, items):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(work, items))


def svff(*argv):
    """What it tells in JSON. Progress is not for the console, which is slow."""
    done = subprocess.run(["svff", *argv, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"svff {' '.join(argv)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


class Guests:
    """Some guests, and VFs that belong to them: VF 1 to the first, VF 2 to the second and so on."""

    def __init__(self, count, vfs, mib, still=False, spare=0, queues=None):
        self.names = [chr(ord("A") + i) for i in range(count)]
        self.vfs, self.each, self.more = vfs, vfs // count, 2
        self.environment = {"GUEST_MEMORY": str(mib), "GUEST_PORTS": str(self.each)}
        if still:
            self.environment["GUEST_STILL"] = "1"
        self.options = ["--spare", str(spare), *(["--queues", str(queues)] if queues else [])]

    def __enter__(self):
        at_once(lambda name: guest("start", name, **self.environment), self.names)
        attaches = [("--attach", f"{i + 1}=qmp:/run/svff-lab/{self.names[i % len(self.names)]}.qmp")
                    for i in range(self.vfs)]
        svff("reconf", "--vfs", str(self.vfs), *self.options, *itertools.chain(*attaches))
        if "GUEST_STILL" not in self.environment:
            at_once(self.bind, self.names)
        return self

    def __exit__(self, *_):
        for name in self.names:
            guest("stop", name, **self.environment)
        svff("reconf", "--vfs", "0", "--spare", "0")

    def bind(self, name):
        in_guest(name, f"modprobe svff_vf; until [ $(ls /dev | grep -c svff-mm) = {self.each} ]; do sleep 0.1; done")

    def move_during(self, work):
        """What guests notice while work goes on: the longest wait of one, transfers that failed, and how fast all moved
        data before and afterwards; and its steps.
        """
        movers = [Movers(name, i * REGION_MIB, self.each) for i, name in enumerate(self.names)]
        before = sum(at_once(Movers.start, movers))
        steps = work()
        waits, failed, after = zip(*at_once(Movers.stop, movers))
        return Wait(max(waits), sum(failed), before, sum(after), steps)

    def change(self, *options):
        """To some other number of VFs than now; all guests keep theirs."""
        self.more = 5 - self.more
        return svff("reconf", "--vfs", str(self.vfs + self.more), "--spare", "0", *options)["steps"]


class Movers:
    """The programs that move data in a guest. A device that goes and comes may be another one of its VFs afterwards."""

    # One script, for each command takes a second and more. 0$n: the file may be empty for a moment.
    SCRIPT = """
each={each}
go_on()	# two more rounds of each end, so that one has begun since
{{
	local i a
	for i in $each; do
		a=$(cat /tmp/rounds$i)
		until [ 0$(cat /tmp/rounds$i) -ge $((a + 2)) ]; do
			kill -0 $(cat /tmp/mover$i.pid) || exit
			sleep 0.05
		done
	done
}}
rounds()
{{
	local i n sum=0
	for i in $each; do read -r n </tmp/rounds$i; sum=$((sum + n)); done
	echo $sum
}}
rate()	# per 1000 s
{{
	local before=$(rounds) start=${{EPOCHREALTIME/./}}
	sleep {seconds}
	echo $((($(rounds) - before) * 1000000000 / (${{EPOCHREALTIME/./}} - start)))
}}
"""
    START = """
for i in $each; do
	echo 0 >/tmp/rounds$i
	mover /dev/svff-mm$i $(({region} + (i > 0) * {mover_mib})) /tmp/rounds$i >/tmp/mover$i 2>&1 &
	echo $! >/tmp/mover$i.pid
done
go_on
rate
"""
    STOP = """
go_on
rate
for i in $each; do
	pid=$(cat /tmp/mover$i.pid)
	kill $pid
	tail --pid=$pid -f /dev/null
	cat /tmp/mover$i
done
"""

    def __init__(self, name, region, each):
        self.name, self.region, self.each = name, region, f"'0 {each - 1}'" if each > 1 else "0"

    def run(self, command):
        return in_guest(self.name, (self.SCRIPT + command).format(each=self.each, seconds=RATE_S, region=self.region,
                                                                  mover_mib=MOVER_MIB)).splitlines()

    def start(self):
        """How fast they move data."""
        return int(self.run(self.START).pop())

    def stop(self):
        """The longest wait, transfers that failed, and how fast they moved data since."""
        rate, *said = self.run(self.STOP)
        _, waits, failed = zip(*(map(int, line.split()) for line in said))
        return max(waits), sum(failed), int(rate)


def steps_of(steps, *verbs):
    return [step for step in steps if step["name"].split()[0] in verbs]


def end_ms(step):
    return step["begin_ms"] + step["ms"]


def of_kernel(steps):
    return sum(step["ms"] for step in steps_of(steps, "disable", "enable"))


def total(steps):
    return max(map(end_ms, steps))


def longest_of_a_vf(steps):
    ends = {step["vf"]: end_ms(step) for step in steps_of(steps, "unpause")}
    return max(ends[step["vf"]] - step["begin_ms"] for step in steps_of(steps, "pause"))


def case_row(guests, vfs, mib):
    with Guests(guests, vfs, mib, spare=1) as some:
        calm = some.move_during(lambda: [])
        spare = some.move_during(lambda: svff("reconf", "--vfs", str(vfs + 1))["steps"])
        paused = [some.move_during(some.change) for _ in range(ROUNDS)]
        pause = min(paused, key=lambda wait: wait.ms)
        detach = some.move_during(lambda: some.change("--by-detach"))
        if any(wait.failed for wait in paused):
            raise RuntimeError("a transfer failed in a pause")
        return {"guests": guests, "their VFs": vfs, "MiB each": mib, "wait by pause": pause.ms / FLOOR_MS,
                "of that VFs off and on": of_kernel(pause.steps) / FLOOR_MS, "wait by detach": detach.ms / FLOOR_MS,
                "above 1, pause / detach": (pause.ms - FLOOR_MS) / (detach.ms - FLOOR_MS),
                "wait within spares": spare.ms / FLOOR_MS, "wait without a change": calm.ms / FLOOR_MS,
                "time within spares": total(spare.steps) / FLOOR_MS,
                "moved after / before": sum(wait.after for wait in paused) / sum(wait.before for wait in paused)}


def rows():
    for case in CASES:
        yield case_row(*case)


def still_row(guests, vfs, mib):
    with Guests(guests, vfs, mib, still=True) as some:
        steps = min((some.change() for _ in range(ROUNDS)), key=longest_of_a_vf)
    row = {"guests": guests, "their VFs": vfs, "MiB each": mib, "longest wait of a VF": longest_of_a_vf(steps) / FLOOR_MS,
           "of that VFs off and on": of_kernel(steps) / FLOOR_MS, "all": total(steps) / FLOOR_MS}
    for verb in ("pause", "bind", "unpause"):
        own = [step["ms"] for step in steps_of(steps, verb) if "vf" in step]
        row[f"{verb} of a VF"] = sum(own) / len(own) / FLOOR_MS
    return row


def still_rows():
    """Of guests whose processors stand still, so that there can be many."""
    for case in STILL_CASES:
        yield still_row(*case)


def memory_rows():
    """The same of one guest of several sizes, as far as the emulated host's memory goes (LAB_MEMORY)."""
    room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * HOST_PART
    for mib in STILL_SIZES:
        if mib * MIB <= room:
            yield still_row(1, 1, mib)


def step_ms(verb):
    return steps_of(svff(verb, "1")["steps"], verb)[0]["ms"]


def use_queues(name, count):
    """Both queues of a pair are the data device's, while a program moves data; a reader of packets takes one of a pair."""
    in_guest(name, f"mover /dev/svff-mm0 0 /tmp/rounds0 {MOVER_REST_MS} >/dev/null & "
             f"for i in $(seq {count - 1}); do cat /dev/svff-st0 >/dev/null & done")


def queues_set_up(path, queues):
    """How many there are, in both directions; at the latest after a while as many as are used."""
    deadline = time.monotonic() + QUEUES_LIMIT_S
    while True:
        with open(f"{path}/svff/vf1/queues_active", encoding="ascii") as file:
            count = int(file.read())
        if count > queues or time.monotonic() > deadline:
            return count
        time.sleep(0.2)


def queue_row(path, queues):
    with Guests(1, 1, CASES[0][2], queues=queues) as some:
        use_queues(some.names[0], queues)
        row = {"queue pairs": queues, "queues set up": queues_set_up(path, queues)}
        times = [(step_ms("pause"), step_ms("unpause")) for _ in range(ROUNDS)]
        row["pause"], row["unpause"] = (min(column) / FLOOR_MS for column in zip(*times))
    return row


def queue_rows(path):
    """A pause and an unpause of one VF that stays."""
    for queues in QUEUES:
        yield queue_row(path, queues)
