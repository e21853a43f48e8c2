#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py [--children N] [--turns N]: what an answer to NOTIFY(CDS) costs the parent's knotd beside an
answer to a plain SOA query, by turns, at the same port. Nothing is asserted. See ../README.md."""

import argparse
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from parentlab import UNLIMITED, Hail, notify_message, with_lab      # noqa: E402

import dnsq                                          # noqa: E402
from bulk import table                               # noqa: E402
from delegation import PARENT, PORT                  # noqa: E402


def measure(lab, options):
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    for child in lab.children:
        lab.notify("CDS", child)
        lab.until(lambda c=child: lab.looks(c) >= 1, 30, f"{child} was looked at")
    hail = Hail(lab)
    kinds = {"notify": hail.messages("notify", [notify_message(child) for child in lab.children]),
             "soa": hail.messages("soa", [dnsq.query(PARENT, "SOA")])}
    looks = lab.counter("survey")
    turns = {kind: [] for kind in kinds}
    for kind, path in kinds.items():
        hail.send(path, PORT, options.seconds)
    for _ in range(options.turns):
        for kind, path in kinds.items():
            turns[kind].append(hail.send(path, PORT, options.seconds))
    show(turns, options, lab.counter("survey") - looks)


def show(turns, options, looks):
    def median(kind, figure):
        return statistics.median(turn[figure] for turn in turns[kind])

    def ratio(figure, upside_down=False):
        pairs = [(n[figure], s[figure]) for n, s in zip(turns["notify"], turns["soa"])]
        return f"{statistics.median(s / n if upside_down else n / s for n, s in pairs):.3f}"

    odd, lost = (sum(turn[i] for kind in turns for turn in turns[kind]) for i in (2, 3))
    table(f"NOTIFY(CDS) for {options.children} children, medians of {options.turns} turns", [
        ("SOA queries, as fast as it can", f"{median('soa', 0):.0f}/s",
         f"CPU {median('soa', 1):.2f} us each, {1e6 / median('soa', 1):.0f}/s per core"),
        ("NOTIFY(CDS)", f"{median('notify', 0):.0f}/s",
         f"CPU {median('notify', 1):.2f} us each, {1e6 / median('notify', 1):.0f}/s per core"),
        ("ratio of the rates", ratio(0), ""),
        ("ratio of the CPU times (SOA / NOTIFY)", ratio(1, True), ""),
        ("not NOERROR, lost", f"{odd:.0f}, {lost:.0f}", ""),
        ("looks at children meanwhile", looks, ""),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--children", type=int, default=10)
    parser.add_argument("--turns", type=int, default=10, help="of each kind")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--gap", type=int, default=60, help="least seconds between two looks")
    options = parser.parse_args()
    children = [f"c{i:03}.{PARENT}" for i in range(options.children)]
    return with_lab("notify", lambda lab: measure(lab, options), children=children,
                    items=[*UNLIMITED, f"gap: {options.gap}"])


if __name__ == "__main__":
    sys.exit(main())
