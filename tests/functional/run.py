#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the scenarios: run.py [NAME…]. One TAP line each, with its time; the lab of a failed scenario
stays. Those of the processes and of parents mostly wait, for TTLs and pauses: they run beside the others.

A scenario is NAME/test.py with a function test(make_lab); make_lab(…) takes what Lab takes (or the
class `kind`), and returns it prepared, not started. MSIGNER_SO names the module to test; MSIGNER_PRELOAD a sanitizer's
runtime for knotd."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import lab as lab_module
import netns

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 180    # Seconds for one scenario: a hang is a failure, not a wait.
BESIDE = ("process_",), ("parent_", "dsync_")  # Lanes of their own, by name; all others are lane 0.
NETS = 150 // (1 + len(BESIDE))


def free_net(lane):
    """127.53.100 to 127.53.249, each lane its part of it, from the process id on, so that runs side by
    side do not meet."""
    for i in range(NETS):
        net = f"127.53.{100 + lane * NETS + (os.getpid() + i) % NETS}"
        if netns.can_bind(net + ".1") and netns.can_bind(net + ".10"):
            return net
    raise lab_module.LabError("no free network between 127.53.100.0/24 and 127.53.249.0/24")


def load(name):
    spec = importlib.util.spec_from_file_location(f"scenario_{name}", f"{HERE}/{name}/test.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def over_limit(*_):
    raise lab_module.LabError(f"took longer than {LIMIT} s")


def run(name, lane):
    """None, or why the scenario failed and where its lab is."""
    folder, labs, why = tempfile.mkdtemp(prefix=f"msigner-{name}."), [], None

    def make_lab(**options):
        place = f"{folder}/lab{len(labs)}"
        os.mkdir(place)
        kind = options.pop("kind", lab_module.Lab)
        labs.append(kind(place, net=free_net(lane), **options))
        labs[-1].prepare()
        return labs[-1]

    signal.alarm(LIMIT)
    try:
        load(name).test(make_lab)
    except Exception:
        why = traceback.format_exc()
    finally:
        signal.alarm(0)
        for each in labs:
            try:
                each.stop()
            except lab_module.LabError as error:
                why = f"{why or ''}{error}\n"
        if why is None:
            shutil.rmtree(folder)
    return why and f"{why}the lab is in {folder}"


def lane_of(name):
    return next((lane for lane, starts in enumerate(BESIDE, 1) if name.startswith(starts)), 0)


def run_lane(lane, names):
    """One line of JSON for each scenario."""
    signal.signal(signal.SIGALRM, over_limit)
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    for name in names:
        start = time.monotonic()
        why = run(name, lane)
        print(json.dumps([name, why, time.monotonic() - start]), flush=True)
    return 0


class Report:
    """TAP lines in the order in which scenarios end."""

    def __init__(self, planned):
        self.lock, self.planned, self.done, self.failed = threading.Lock(), planned, 0, 0
        print(f"1..{planned}")

    def add(self, name, why, seconds):
        with self.lock:
            self.done += 1
            self.failed += why is not None
            for line in (why or "").splitlines():
                print(f"# {line}")
            print(f"{'not ok' if why else 'ok'} {self.done} - {name} ({seconds:.1f} s)", flush=True)

    def follow(self, child):
        for line in child.stdout:
            if line.startswith('["'):
                self.add(*json.loads(line))
            else: # Whatever a scenario itself has to say.
                self.say(line.rstrip("\n"))

    def say(self, line):
        with self.lock:
            print(line if line.startswith("#") else f"# {line}", flush=True)


def main():
    if sys.argv[1:2] == ["--lane"]:
        return run_lane(int(sys.argv[2]), sys.argv[3:])
    names = sys.argv[1:] or sorted(entry.name for entry in os.scandir(HERE)
                                   if os.path.exists(f"{entry.path}/test.py"))
    netns.ensure_port_53(["127.53.100.1"])
    lanes = [[name for name in names if lane_of(name) == lane] for lane in range(1 + len(BESIDE))]
    report = Report(len(names))
    children = [subprocess.Popen([sys.executable, __file__, "--lane", str(lane), *part],
                                 stdout=subprocess.PIPE, text=True)
                for lane, part in enumerate(lanes) if part]
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        threads = [threading.Thread(target=report.follow, args=[child]) for child in children]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for child in children:
            child.terminate()
            child.wait()
    failed = report.planned - report.done + report.failed
    print(f"# functional: {report.done - report.failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
