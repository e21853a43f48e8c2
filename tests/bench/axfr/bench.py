#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner changes its zone as fast as it can and delivers every change by AXFR: which versions do
those behind the providers see, are they complete, and how much later than without the module?"""

import argparse
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(HERE, "../../functional"),
                os.path.join(HERE, "../../../samples/two-providers")]

import labconf                                                           # noqa: E402
import netns                                                             # noqa: E402
import topology                                                          # noqa: E402
from benchlab import ZONE, end_on_signals                                # noqa: E402
from lab import AGENT, OWNER, LabError                                   # noqa: E402
from lap import Lap                                                      # noqa: E402
from run import free_net                                                 # noqa: E402
from topology import PLAIN                                               # noqa: E402
from watching import RATES, able, median, p99, rates, table              # noqa: E402

# Milliseconds between transfers of the sampler: in bursts, and one change after the other. Without
# any, serving them takes all CPUs, and nobody sees an ordinary day.
BUSY, CALM = 5, 20
SMALL = 10000        # Records. Below, a round takes a second: many are made, to see more versions.
RUNS = [("Direct", 1000), ("Combined", 1000), ("Direct", 200000)]
# Whether it is small: bursts; rounds of single changes, and how many each has.
ROUNDS = {True: (6, 10, 10), False: (1, 2, 4)}


def say(text):
    print(f"# {text}", flush=True)


def generate(path, records):
    """Delegations as a registry has them, with glue: about so many records."""
    with open(path, "w", encoding="ascii") as out:
        out.write(f"$ORIGIN {ZONE}\n$TTL 60\n{labconf.soa(ZONE, labconf.nameservers('alpha')[0])}")
        for i in range(records // 8):
            out.write(f"d{i} NS ns1.d{i}\n NS ns2.d{i}\n NS ns3.d{i}\n NS ns4.d{i}\n")
            out.write("".join(f"ns{n}.d{i} A 192.0.2.{n}\n" for n in range(1, 5)))


def make_laps(folder, make, records, options):
    """All variants run side by side and are changed in turn, so that what else this machine does
    meets them all alike."""
    zone = f"{folder}/zone"
    generate(zone, records)
    laps = {}
    try:
        for number, variant in enumerate(options.variants or make.variants):
            place = f"{folder}/{number}"
            os.mkdir(place)
            laps[variant] = Lap(make(place, free_net(), zone, variant, options.nsmgmt))
            laps[variant].start()
            say(f"{records:,} records, {variant}: everything runs and is complete")
    except Exception:
        stop(laps)
        raise
    return laps


def stop(laps):
    for lap in laps.values():
        lap.lab.stop()


def perform(laps, records, options):
    bursts, rounds, singles = ROUNDS[records <= SMALL]
    for i in range(bursts):
        for lap in laps.values():
            lap.burst(options.changes, options.pause)
        say(f"burst {i + 1} of {bursts}: {options.changes} changes each")
    for i in range(rounds):
        for lap in laps.values():
            lap.singles(singles, CALM)
        say(f"round {i + 1} of {rounds}: {singles} single changes each")


def print_seen(laps, phase, title):
    rows = [(variant, name, *lap.transfers(phase, name), *lap.queries(phase, name))
            for variant, lap in laps.items() for name in lap.watched]
    table(title, ("variant", "server", "AXFRs", "versions", "INCOMPLETE", "refused", "cut",
                  "queries", "incomplete", "refused", "longest ms"), rows)


def print_delays(laps, phase, title):
    plain = median(laps[PLAIN].delays(phase)) if PLAIN in laps else None
    rows = []
    for variant, lap in laps.items():
        taken = lap.delays(phase)
        middle = median(taken)
        known = plain and middle
        rows.append((variant, len(taken), middle, p99(taken), middle - plain if known else None,
                     f"{middle / plain:.2f}" if known else "-"))
    table(title, ("variant", "samples", "median ms", "p99 ms", "added ms", "ratio"), rows)


def print_arrival(laps, options):
    rows = []
    for variant, lap in laps.items():
        made, differences = lap.compare()
        rows.append((variant, options.changes / median(lap.committed), median(lap.arrived),
                     max(lap.arrived), f"{made} of {lap.owner.changes}", differences))
    table("Arrival of a burst: from its last commit until it is complete everywhere; at the end, "
          "changes that left their record, and differences from the owner's zone",
          ("variant", "changes/s", "median s", "max s", "changes", "differences"), rows)


def print_sampler(laps):
    lap = list(laps.values())[0]
    name = lap.topology.downstream[0]
    queries, transfers = (able(lap.lab, name, ZONE, rrtype) for rrtype in ("DNSKEY", "AXFR"))
    print(f"The sampler at one server with nothing else to do: {queries:,.0f} queries/s, "
          f"{transfers:,.0f} AXFR/s")
    table("The sampler during the runs, per server and type; gap: longest time between two answers",
          ("variant", "phase", *RATES), [(variant, phase, *rates(lap.sights[phase]))
                                         for variant, lap in laps.items() for phase in lap.sights])


def bench(make, records, options):
    folder, laps = tempfile.mkdtemp(prefix="axfr-bench."), {}
    try:
        laps = make_laps(folder, make, records, options)
        perform(laps, records, options)
        print(f"\n== {records:,} records; {make.title}")
        print_seen(laps, "burst",
                   f"Seen while the owner made {options.changes} changes at full speed")
        print_seen(laps, "single",
                   "Seen during single changes, each when the one before is everywhere")
        print_delays(laps, "burst", "From the owner's commit to a complete version at a secondary, "
                     "at full speed (versions that were seen)")
        print_delays(laps, "single", "The same, single changes")
        print_arrival(laps, options)
        print_sampler(laps)
    except Exception:
        print(f"logs and configurations stay in {folder}", file=sys.stderr)
        raise
    finally:
        stop(laps)
    shutil.rmtree(folder)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="*", default=[])
    parser.add_argument("--changes", type=int, default=50, help="of a burst")
    parser.add_argument("--pause", type=float, default=BUSY,
                        help="milliseconds between two transfers of the sampler, in bursts")
    parser.add_argument("--variants", nargs="*")
    parser.add_argument("--topology", default="Direct", help="a class of topology.py; without "
                        "--records: " + ", ".join(f"{name} {count:,}" for name, count in RUNS))
    parser.add_argument("--nsmgmt", type={"owner": OWNER, "agent": AGENT}.get, default=AGENT)
    return parser.parse_args()


def main():
    options = arguments()
    end_on_signals()
    netns.ensure_port_53(["127.53.100.1"])
    for name, records in [(options.topology, count) for count in options.records] or RUNS:
        bench(getattr(topology, name), records, options)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"failed: {error}")
