#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py [--zones N] [--runs N]: what many small shared zones cost at one of two providers, beside
stock knotd with the same zones and the same data. Everything is measured in this one run; nothing
is asserted. See ../README.md."""

import argparse
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bulk import JOIN, run_in_lab, table                 # noqa: E402
from subject import COMBINED, Subject, gained            # noqa: E402

IDLE = 60            # Seconds of doing nothing: one heartbeat interval.
IDLE_START = 20      # The same after each start.
BEAT = 6             # Seconds; a shorter heartbeat interval, so that ten of them pass in a minute …
BEATS = 11           # … and this many are watched: unasked states come once in ten to eleven.
KINDS = "hello", "heartbeat", "state", "update"


def messages(stats, direction="sent"):
    return [stats.get(f"message-{direction}[{kind}]", 0) for kind in KINDS]


def told(counts):
    return ", ".join(f"{count} {kind}" for kind, count in zip(KINDS, counts) if count) or "none"


def join(subject):
    """The first meeting of both providers."""
    lab, other = subject.lab, Subject(subject.lab, "beta")
    lab.start("root", "parent", "owner")
    other.start(True)
    launched = subject.start(True)
    both = max(subject.combined(), other.combined()) - launched
    in_sync = max(subject.in_sync(), other.in_sync()) - launched
    lab.listening("alpha")
    table("First meeting", [
        ("all zones combined at both", f"{both:.1f} s", ""),
        ("both in sync", f"{in_sync:.1f} s", ""),
        ("CPU of alpha", f"{subject.cpu():.1f} s", ""),
        ("messages sent by alpha", told(messages(subject.stats())), ""),
        ("commits of alpha", subject.commits(), ""),
    ])


def watch(subject, seconds):
    """Percent of a core, messages sent, received, and commits of some idle seconds."""
    subject.settle()
    stats, stored = subject.stats(), subject.commits()
    percent = subject.idle(seconds)
    stats = gained(stats, subject.stats())
    return (percent, told(messages(stats)), told(messages(stats, "received")),
            subject.commits() - stored)


def idle(subject):
    percent, sent, received, stored = watch(subject, IDLE)
    subject.stop()
    subject.start(True, [f"heartbeat: {BEAT}s"])
    subject.combined()
    subject.in_sync()
    short = watch(subject, BEAT * BEATS)
    table(f"Idle for {IDLE} s, one peer", [
        ("CPU with the module", f"{percent:.2f} %", "< 2 %"),
        ("messages sent", sent, "heartbeats per peer, not per zone"),
        ("messages received", received, ""),
        ("commits", stored, ""),
        (f"messages sent in {BEATS} short heartbeat intervals", short[1], ""),
    ])


def rest(subject):
    """Memory and idle percent once it has settled; then it is stopped."""
    subject.lab.listening(subject.name)
    subject.settle()
    percent, used = subject.idle(IDLE_START), subject.memory()
    subject.stop()
    return used, percent


def restart_bare(subject):
    """Seconds to all zones answering, CPU seconds, memory, idle percent."""
    launched = subject.start(False)
    seconds = subject.combined() - launched
    return seconds, subject.cpu(), *rest(subject)


def restart_module(subject):
    """The same with the module; then seconds to sync with everybody's zones being asked for."""
    launched = subject.start(True)
    seconds = subject.combined() - launched
    cpu = subject.cpu()
    synced = subject.in_sync() - launched
    return seconds, cpu, *rest(subject), synced


def restarts(subject, runs):
    """A/B/A/B …; each start finds the same data."""
    subject.stop()
    bare, module = [], []
    for _ in range(runs):
        bare.append(restart_bare(subject))
        module.append(restart_module(subject))
    show_restarts(len(subject.lab.zones), runs, bare, module)


def resync(subject):
    """Once more, and no client asks anything until the module has seen and told everything."""
    count, stored = len(subject.lab.zones), subject.commits()
    launched = subject.start(True)
    subject.lab.listening(subject.name)
    seen = subject.wait_for("apex-seen", count) - launched
    subject.wait_for("message-sent[state]", count)
    synced = subject.in_sync() - launched
    stats = subject.stats()
    table("Resync after a restart that nobody asks about", [
        ("all zones seen by the module", f"{seen:.1f} s", ""),
        ("all in sync with the peer", f"{synced:.1f} s", ""),
        ("messages sent", told(messages(stats)), ""),
        ("messages received", told(messages(stats, "received")), ""),
        ("repeated by the peer", stats["replayed"], ""),
        ("timeouts", stats["timeout"], ""),
        ("commits", subject.commits() - stored, "one per batch"),
    ])
    subject.stop()


def show_restarts(count, runs, bare, module):
    (wall, wall_module), (cpu, cpu_module), (used, used_module), (rest_bare, rest_module) = (
        [statistics.median(run[i] for run in kind) for kind in (bare, module)] for i in range(4))
    table(f"Restart with all zones combined, medians of {runs}", [
        ("stock knotd to all zones", f"{wall:.2f} s", f"CPU {cpu:.2f} s"),
        ("with the module", f"{wall_module:.2f} s", f"CPU {cpu_module:.2f} s"),
        ("ratio of the times", f"{wall_module / wall:.2f}", "<= 1.15"),
        ("ratio of the CPU times", f"{cpu_module / cpu:.2f}", ""),
        ("all in sync with the peer", f"{statistics.median(run[4] for run in module):.2f} s", ""),
        ("stock knotd idle", f"{rest_bare:.2f} %", ""),
        ("with the module idle", f"{rest_module:.2f} %", "< 2 %"),
        ("stock knotd, memory per zone", f"{used / count:.0f} B", ""),
        ("the module's memory per zone", f"{(used_module - used) / count:.0f} B", "< 1024 B"),
    ])


def edits(subject):
    """What the control socket can do, and what the module does with it when all its records have
    gone from all zones at once."""
    count = len(subject.lab.zones)
    subject.start(False)
    subject.combined()
    subject.lab.listening(subject.name)
    subject.settle()
    subject.control_limit("bench0", "bench1")
    cpu = subject.cpu()
    limits = [subject.control_limit("bench1", "bench2"), subject.control_limit("bench2", "bench3")]
    limit, cpu = statistics.mean(limit for limit, _ in limits), (subject.cpu() - cpu) / 2
    bare_transfer = retransfer(subject, COMBINED - 1)
    subject.stop()
    rate, stored = recombine(subject)
    subject.settle()
    live = retransfer(subject, COMBINED)
    edit = live[1] - bare_transfer[1]
    table("Edits", [
        ("control socket, one transaction per zone", f"{limit:.0f} zones/s",
         f"CPU {1000 * cpu / count:.2f} ms each, {sum(again for _, again in limits)} again"),
        ("recombined by the module after a start", f"{rate:.0f} zones/s" if rate else "-",
         "" if rate else "was done before it could be watched: take more zones"),
        ("ratio", f"{rate / limit:.2f}" if rate else "-", ">= 0.8"),
        ("commits of the module per edit", f"{stored / count:.3f}", "one per batch"),
        ("all zones transferred, stock knotd", f"{count / bare_transfer[0]:.0f} zones/s",
         f"{bare_transfer[0]:.1f} s, CPU {1000 * bare_transfer[1] / count:.2f} ms each"),
        ("all zones transferred and recombined", f"{count / live[0]:.0f} zones/s",
         f"{live[0]:.1f} s, CPU {1000 * edit / count:.2f} ms more each"),
    ])


def retransfer(subject, keys):
    """Seconds and CPU seconds from the command until all zones have a new version with so many
    keys."""
    lab, name, last = subject.lab, subject.name, subject.lab.zones[-1]
    serial, cpu, began = lab.serial(name, last), subject.cpu(), time.monotonic()
    lab.knotc(name, "zone-retransfer")
    lab.until(lambda: lab.serial(name, last) not in (serial, None), JOIN,
              "the last zone is transferred")
    return subject.until_all("keys", str(keys)) - began, subject.cpu() - cpu


def recombine(subject):
    """Starts on zones that were transferred without the module. Zones a second, from when all are
    known to it (None where too few are left by then), and all its commits."""
    stored = subject.commits()
    subject.start(True)
    subject.lab.listening(subject.name)
    began = subject.wait_for("apex-seen", len(subject.lab.zones))
    left = subject.count_without("keys", str(COMBINED))
    seconds = subject.combined() - began
    rate = left / seconds if left > len(subject.lab.zones) // 4 else None
    return rate, subject.commits() - stored


def measure(lab, options):
    subject = Subject(lab)
    join(subject)
    idle(subject)
    restarts(subject, options.runs)
    resync(subject)
    edits(subject)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zones", type=int, default=10000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    return run_in_lab("zones", options, measure)


if __name__ == "__main__":
    sys.exit(main())
