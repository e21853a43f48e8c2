# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider that is measured: started with the module and without it, asked, and read about."""

import subprocess
import time

from bulk import JOIN, LabError, commits, compile_c, cpu_seconds, memory, netns, \
    thread_seconds

COMBINED = 3         # DNSKEYs of a combined zone: our KSK and ZSK, and the other's ZSK.
QUIET = 5            # Seconds without work after which a provider has settled …
QUIET_CPU = 0.15     # … that is, with less than this share of a core.
SETTLE = 900         # Longest wait for it.
LOOK = 30            # Seconds between two looks whether all servers live.
IN_SYNC = "ours=current", "waits-for=nothing"


class Subject:
    """One provider of a Bulk lab."""

    def __init__(self, lab, name="alpha"):
        self.lab, self.name = lab, name
        self.sweep = compile_c(lab, "sweep")
        self.ctlrate = compile_c(lab, "ctlrate")

    def with_zones(self, *command):
        with open(f"{self.lab.folder}/zones", encoding="ascii") as names:
            done = subprocess.run(command, stdin=names, check=True, capture_output=True, text=True,
                                  preexec_fn=netns.die_with_parent)
        return done.stdout.split()

    def until_all(self, *condition, timeout=JOIN):
        """Waits until every zone is as sweep.c is told. Returns the moment."""
        for _ in range(timeout // LOOK):
            moment, left = self.with_zones(self.sweep, self.lab.address[self.name], str(LOOK),
                                           *condition)
            if left == "0":
                return float(moment)
            if self.lab.died():
                raise LabError(f"{', '.join(self.lab.died())} ended: see {self.lab.folder}/*/log")
        raise LabError(f"{left} zones at {self.name} without {' '.join(condition)} after "
                       f"{timeout} s: see {self.lab.path(self.name)}/log")

    def count_without(self, *condition):
        """The number of zones that are not so now."""
        return int(self.with_zones(self.sweep, self.lab.address[self.name], "-1", *condition)[1])

    def combined(self):
        return self.until_all("keys", str(COMBINED))

    def in_sync(self):
        return self.until_all("text", *IN_SYNC)

    def control_limit(self, old, new):
        """Zones a second through the control socket, by anybody."""
        seconds, again = self.with_zones(self.ctlrate, f"{self.lab.path(self.name)}/knot.sock",
                                         old, new)
        return len(self.lab.zones) / float(seconds), int(again)

    def cpu(self):
        return cpu_seconds(self.lab.pid(self.name))

    def thread_seconds(self):
        return thread_seconds(self.lab.pid(self.name))

    def memory(self):
        return memory(self.lab.pid(self.name))

    def stats(self):
        return self.lab.stats(self.name)

    def commits(self):
        return commits(f"{self.lab.path(self.name)}/msigner/data.mdb")

    def start(self, module, items=()):
        self.lab.configure(self.name, module, items)
        return self.lab.launch(self.name)

    def stop(self):
        self.lab.end(self.name)

    def settle(self):
        """Waits until it only does what it always does."""
        end = time.monotonic() + SETTLE
        while time.monotonic() < end:
            before = self.cpu()
            time.sleep(QUIET)
            if (self.cpu() - before) / QUIET < QUIET_CPU:
                return
        raise LabError(f"{self.name} still works after {SETTLE} s")

    def idle(self, seconds):
        """Percent of a core."""
        cpu, began = self.thread_seconds(), time.monotonic()
        time.sleep(seconds)
        return 100 * (self.thread_seconds() - cpu) / (time.monotonic() - began)

    def wait_for(self, counter, value):
        """Waits until a counter of the module has reached value. Returns the moment."""
        self.lab.until(lambda: self.stats().get(counter, 0) >= value, JOIN,
                       f"{counter} is {value}", lambda: self.stats().get(counter))
        return time.monotonic()


def gained(before, after):
    return {key: value - before.get(key, 0) for key, value in after.items()}
