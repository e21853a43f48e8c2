#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py [--turns N] [--messages N]: signed UPDATEs a second that mod-dsync verifies (and refuses by
their contents, all different), beside what the library verifies and signs alone, by turns. Nothing is
asserted. See ../README.md."""

import argparse
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from parentlab import UNLIMITED, Hail, with_lab      # noqa: E402

from bulk import table                               # noqa: E402
from delegation import CHILD, PARENT, PORT           # noqa: E402
from lab import LabError                             # noqa: E402

REFUSED = 5


class Library:
    """The program that does what libdnssec does, and signs messages."""

    def __init__(self, lab, key):
        self.lab, self.key = lab, key
        self.program = os.path.join(os.path.dirname(os.path.dirname(lab.msgen_path)), "bench/sig0")

    def make(self, path, count):
        done = self.lab.run("sh", "-c", 'exec "$@" >"$0"', path, self.program, "make", self.key,
                            CHILD, PARENT, str(count))
        return done or path

    def alone(self, what, seconds):
        """CPU microseconds of one operation."""
        count, cpu = self.lab.run(self.program, what, self.key, CHILD, str(seconds)).split()
        return 1e6 * float(cpu) / int(count)


def check(lab, key):
    """That what is measured is a verification: the same contents with a broken signature are BADSIG,
    and by a key that is not trusted BADKEY."""
    contents = ["-R", f"{CHILD} add TXT 60 0401020304"]
    told = [lab.update(key, *words, *contents)["rcode"] for words in ([], ["-x"])]
    stranger = lab.update(lab.make_key("stranger"), *contents)["rcode"]
    if told + [stranger] != ["REFUSED", "BADSIG", "BADKEY"]:
        raise LabError(f"the receiver does not verify what it refuses: {told}, {stranger}")


def measure(lab, options):
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    key = lab.make_key("child")
    lab.trusted(key)
    check(lab, key)
    hail, library = Hail(lab), Library(lab, key[0])
    path = library.make(f"{lab.folder}/updates", options.messages)
    hail.send(path, PORT, options.seconds, REFUSED)
    turns = []
    for _ in range(options.turns):
        turns.append((*hail.send(path, PORT, options.seconds, REFUSED),
                      library.alone("verify", options.seconds / 2),
                      library.alone("sign", options.seconds / 2)))
    show(turns, options)


def show(turns, options):
    rate, cpu, _, _, verify, sign = map(statistics.median, zip(*turns))
    odd, lost = (sum(turn[i] for turn in turns) for i in (2, 3))
    only = statistics.median(turn[4] / turn[1] for turn in turns)
    both = statistics.median((turn[4] + turn[5]) / turn[1] for turn in turns)
    table(f"UPDATEs by SIG(0), ED25519, medians of {options.turns} turns", [
        ("the library alone: one verification", f"{verify:.1f} us", f"{1e6 / verify:.0f}/s per core"),
        ("one signature", f"{sign:.1f} us", f"{1e6 / sign:.0f}/s per core"),
        ("UPDATE verified, refused, answer signed", f"{cpu:.1f} us",
         f"CPU of knotd, {1e6 / cpu:.0f}/s per core"),
        ("as fast as it can", f"{rate:.0f}/s", ""),
        ("verification alone / UPDATE", f"{only:.3f}", ">= 0.7"),
        ("verification and signature / UPDATE", f"{both:.3f}", ""),
        ("UPDATE less the signature of its answer", f"{cpu - sign:.1f} us",
         f"ratio {verify / (cpu - sign):.3f}"),
        ("not REFUSED, lost", f"{odd:.0f}, {lost:.0f}", ""),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--messages", type=int, default=20000, help="different ones")
    parser.add_argument("--seconds", type=float, default=1)
    options = parser.parse_args()
    return with_lab("update", lambda lab: measure(lab, options),
                    items=[*UNLIMITED, "gap: 0", "timeout: 1"])


if __name__ == "__main__":
    sys.exit(main())
