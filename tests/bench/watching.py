# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers showed of a zone's apex, and when: runs the sampler (watch.c), reads its lines."""

import collections
import os
import statistics
import subprocess

from lab import BUILT, LabError

# what: TYPE -> set of values. Times in seconds of time.monotonic().
Run = collections.namedtuple("Run", "first last count rcode what")
Rate = collections.namedtuple("Rate", "asked answered seconds gap")


def program():
    build = os.environ.get("MSIGNER_SO", BUILT).split("/modules/msigner/.libs/")[0]
    path = os.environ.get("WATCH", f"{build}/tests/bench/watch")
    if not os.path.exists(path):
        raise LabError(f"{path} does not exist: use tests/bench/run.sh, or make it, or set WATCH")
    return path


def parse(text):
    """NOERROR DNSKEY=256/1 NS=… -> RCODE, {TYPE: values}"""
    rcode, *items = text.split(" ")
    what = {}
    for item in items:
        rrtype, _, value = item.partition("=")
        what.setdefault(rrtype, set()).add(value)
    return rcode, what


class Watch:
    """Runs while the `with` block does; then runs[name, type] and rates[name, type] are there."""

    def __init__(self, lab, zone, targets, rate=1000, pause=0, seconds=0):
        self.lab = lab
        self.targets = [f"{name},{lab.address[name]},{rrtype}" for name, rrtype in targets]
        self.command = [program(), "-r", str(rate), "-p", str(pause), "-s", str(seconds), zone]
        self.output = f"{lab.folder}/watch.out"
        self.runs, self.rates = {}, {}

    def __enter__(self):
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(self.command + self.targets, stdin=subprocess.PIPE,
                                            stdout=out)
        return self

    def ready(self):
        """Waits until every target has been seen once."""
        self.lab.until(lambda: os.path.getsize(self.output) > 0, 30,
                       "all targets answer the sampler")

    def __exit__(self, *_):
        self.process.stdin.close()
        status = self.process.wait(30)
        if status != 0:
            raise LabError(f"{self.command[0]} ended with status {status}")
        with open(self.output, encoding="utf-8") as lines:
            for line in lines:
                self.read(line.rstrip("\n").split("\t"))
        os.remove(self.output)

    def read(self, fields):
        if fields == ["ready"]:
            return
        kind, name, rrtype, *rest = fields
        if kind == "seen":
            run = Run(float(rest[0]), float(rest[1]), int(rest[2]), *parse(rest[3]))
            self.runs.setdefault((name, rrtype), []).append(run)
        else:
            self.rates[name, rrtype] = Rate(int(rest[0]), int(rest[1]), *map(float, rest[2:]))


def able(lab, name, zone, rrtype, seconds=2):
    """Looks per second at one idle server when nothing holds the sampler back."""
    with Watch(lab, zone, [(name, rrtype)], rate=0, seconds=seconds) as watch:
        watch.process.wait(seconds + 10)
    rate = watch.rates[name, rrtype]
    return rate.answered / rate.seconds


def median(values):
    return statistics.median(values) if values else None


def p99(values):
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))] if values else None


def cell(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(title, head, rows):
    """Prints rows of text and numbers under a heading: text to the left, numbers to the right."""
    cells = [list(head)] + [[cell(value) for value in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    left = [all(isinstance(row[i], str) for row in rows) for i in range(len(head))]
    print(f"\n{title}")
    for row in cells:
        print("  " + "  ".join(text.ljust(width) if is_left else text.rjust(width)
                               for text, width, is_left in zip(row, widths, left)).rstrip())
    print(flush=True)


RATES = "queries/s", "answered %", "median gap ms", "max gap ms", "AXFR/s"


def rates(watches):
    """What the sampler reached, per server and type, as RATES says; gap: between two answers."""
    all_rates = [(kind, rate) for watch in watches for (_, kind), rate in watch.rates.items()]
    queries = [rate for kind, rate in all_rates if kind != "AXFR"]
    axfr = [rate for kind, rate in all_rates if kind == "AXFR" and rate.seconds]
    answered = sum(rate.answered for rate in queries) / sum(rate.asked for rate in queries)
    return (median([rate.answered / rate.seconds for rate in queries]), f"{100 * answered:.1f}",
            1000 * median([rate.gap for rate in queries]), 1000 * max(rate.gap for rate in queries),
            median([rate.answered / rate.seconds for rate in axfr]))
