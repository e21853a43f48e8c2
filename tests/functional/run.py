#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the scenarios: run.py [NAME…]. One TAP line each, with its time; the lab of a failed scenario
stays.

A scenario is NAME/test.py with a function test(make_lab); make_lab(…) takes what Lab takes (or the
class `kind`), and returns it prepared, not started. MSIGNER_SO names the module to test; MSIGNER_PRELOAD a sanitizer's
runtime for knotd."""

import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

import lab as lab_module
import netns

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 180    # Seconds for one scenario: a hang is a failure, not a wait.


def free_net():
    """127.53.100 to 127.53.249, from the process id on, so that runs side by side do not meet."""
    for i in range(150):
        net = f"127.53.{100 + (os.getpid() + i) % 150}"
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


def run(name):
    """None, or why the scenario failed and where its lab is."""
    folder, labs, why = tempfile.mkdtemp(prefix=f"msigner-{name}."), [], None

    def make_lab(**options):
        place = f"{folder}/lab{len(labs)}"
        os.mkdir(place)
        kind = options.pop("kind", lab_module.Lab)
        labs.append(kind(place, net=free_net(), **options))
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


def main():
    names = sys.argv[1:] or sorted(entry.name for entry in os.scandir(HERE)
                                   if os.path.exists(f"{entry.path}/test.py"))
    netns.ensure_port_53(["127.53.100.1"])
    signal.signal(signal.SIGALRM, over_limit)
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    failed = 0
    print(f"1..{len(names)}")
    for number, name in enumerate(names, 1):
        start = time.monotonic()
        why = run(name)
        failed += why is not None
        for line in (why or "").splitlines():
            print(f"# {line}")
        print(f"{'not ok' if why else 'ok'} {number} - {name} ({time.monotonic() - start:.1f} s)",
              flush=True)
    print(f"# functional: {len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
