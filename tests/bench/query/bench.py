#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py [--zones N] [--runs N]: queries a second and CPU per query of a provider's knotd with the
module, and of stock knotd with a copy of its zones. Both run at the same time and are asked by
turns, a second each, so that whatever else the machine does meets both. Nothing is asserted. See
../README.md."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bulk import compile_c, run_in_lab, table       # noqa: E402
from subject import Subject                         # noqa: E402

KINDS = {
    "ordinary": lambda zone: [f"www{i}.{zone} A" for i in range(1, 5)],
    "apex": lambda zone: [f"{zone} {rrtype}" for rrtype in ("SOA", "DNSKEY", "NS")],
}
TARGET = {"ordinary": 0.98, "apex": 0.95}
FIGURES = "rate", "cpu", "hook", "paced", "bad", "lost"


class Load:
    """The questions of a kind, and the program that asks them."""

    def __init__(self, lab):
        self.lab, self.program = lab, compile_c(lab, "query/load")
        for kind, questions in KINDS.items():
            text = "".join(f"{line}\n" for zone in lab.zones for line in questions(zone))
            lab.write(f"{lab.folder}/{kind}", text)

    def ask(self, subject, kind, seconds, rate):
        """Answers a second, CPU microseconds for each, bad answers, lost questions."""
        cpu = subject.thread_seconds()
        with open(f"{self.lab.folder}/{kind}", encoding="ascii") as questions:
            done = subprocess.run([self.program, self.lab.address[subject.name], str(seconds),
                                   str(rate)], check=True, stdin=questions, capture_output=True,
                                  text=True)
        answers, span, bad, lost = map(float, done.stdout.split())
        return answers / span, 1e6 * (subject.thread_seconds() - cpu) / answers, bad, lost

    def turn(self, subject, kind, options):
        """Idle, as fast as it can, and at a fixed rate: FIGURES."""
        idle = subject.idle(options.seconds)
        rate, cpu, bad, lost = self.ask(subject, kind, options.seconds, 0)
        _, paced, paced_bad, paced_lost = self.ask(subject, kind, options.seconds, options.rate)
        hook = cpu - 1e4 * idle / rate
        return dict(zip(FIGURES, (rate, cpu, hook, paced, bad + paced_bad, lost + paced_lost)))


def stock(lab, alpha):
    """A server of its own: alpha's data and configuration without the module."""
    name = "stock"
    lab.address[name] = lab.address["root"].rsplit(".", 1)[0] + ".99"
    shutil.copytree(lab.path("alpha"), lab.path(name),
                    ignore=shutil.ignore_patterns("knot.sock", "msigner", "log"))
    lab.configure("alpha", False)
    with open(f"{lab.path('alpha')}/knot.conf", encoding="ascii") as conf:
        text = conf.read()
    lab.write(f"{lab.path(name)}/knot.conf", text.replace(lab.path("alpha"), lab.path(name))
              .replace(lab.address["alpha"] + "@", lab.address[name] + "@"))
    return Subject(lab, name)


def one_run(alone, subject, load, options):
    """Starts both, asks by turns, stops both. {kind: [(figures, figures with the module)]}"""
    subject.lab.launch(alone.name)
    subject.start(True)
    for each in alone, subject:
        each.combined()
        each.settle()
    subject.in_sync()
    pairs = {kind: [] for kind in KINDS}
    for kind in KINDS:
        for each in alone, subject:
            load.ask(each, kind, options.seconds, 0)
        for _ in range(options.turns):
            pairs[kind].append(tuple(load.turn(each, kind, options) for each in (alone, subject)))
    alone.stop()
    subject.stop()
    return pairs


def show(kind, pairs, options):
    def both(figure):
        return [statistics.median(pair[i][figure] for pair in pairs) for i in (0, 1)]

    def ratio(figure, inverse=False):
        ratios = [pair[1][figure] / pair[0][figure] for pair in pairs]
        return f"{statistics.median(1 / r if inverse else r for r in ratios):.3f}"

    (rate, rate_module), (cpu, cpu_module), (hook, hook_module), (paced, paced_module) = \
        map(both, FIGURES[:4])
    bad, lost = (sum(pair[i][figure] for pair in pairs for i in (0, 1)) for figure in FIGURES[4:])
    target = f">= {TARGET[kind]}"
    table(f"{kind} queries, medians of {len(pairs)} turns", [
        ("stock knotd, as fast as it can", f"{rate:.0f}/s", f"CPU {cpu:.2f} us each"),
        ("with the module", f"{rate_module:.0f}/s", f"CPU {cpu_module:.2f} us each"),
        ("ratio, median of the pairs", ratio("rate"), target),
        ("ratio of the CPU times", ratio("cpu", True), target),
        ("the same without what each needs when idle", ratio("hook", True),
         f"CPU {hook:.2f} us, {hook_module:.2f} us"),
        (f"stock knotd at {options.rate}/s", f"{paced:.2f} us", "CPU each"),
        ("with the module", f"{paced_module:.2f} us", "and its work when idle"),
        ("ratio", ratio("paced", True), ""),
        ("not NOERROR, lost", f"{bad:.0f}, {lost:.0f}", ""),
    ])


def measure(lab, options):
    subject, other = Subject(lab), Subject(lab, "beta")
    lab.start("root", "parent", "owner")
    other.start(True)
    subject.start(True)
    for each in subject, other:
        each.combined()
        each.in_sync()
    subject.settle()
    subject.stop()
    alone, load = stock(lab, subject), Load(lab)
    runs = [one_run(alone, subject, load, options) for _ in range(options.runs)]
    for kind in KINDS:
        show(kind, [pair for run in runs for pair in run[kind]], options)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zones", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5, help="starts of both servers")
    parser.add_argument("--turns", type=int, default=10, help="of each server after a start")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rate", type=int, default=20000)
    options = parser.parse_args()
    return run_in_lab("query", options, measure)


if __name__ == "__main__":
    sys.exit(main())
