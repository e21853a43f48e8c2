# SPDX-License-Identifier: GPL-3.0-or-later
"""One topology in one variant: makes the owner's changes under watch, judges what was seen."""

import time
from contextlib import contextmanager

import zonetext
from benchlab import ZONE
from dnsq import rrset, texts
from ownerside import Owner
from watching import Watch

SIGNED = {"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY", "SOA"}
KINDS = "AXFR", "DNSKEY", "NS", "TXT"
ARRIVAL = 600    # Seconds until a change must have arrived everywhere.
SURELY = 0.002   # Seconds: a look that much later has seen the same version, or a later one.


class Lap:
    def __init__(self, topology):
        self.topology, self.lab = topology, topology.lab
        self.watched = topology.gated + topology.downstream
        self.sights = {}                         # Phase -> watches
        self.committed, self.arrived = [], []    # Seconds, of each burst.

    def start(self):
        self.topology.start()
        self.owner = Owner(self.lab, ZONE)
        self.owner.change()
        self.arrive()

    # Changing

    def shows(self, name):
        """The last change is at this server, in a version that has what it must have."""
        lab = self.lab
        if texts(lab.ask(name, ZONE, "TXT")) != [self.owner.mark()]:
            return False
        wanted = self.topology.wanted(name)
        keys = {f"256/{tag}" for tag in lab.tags(name, ZONE)}
        hosts = {r.rdata for r in rrset(lab.ask(name, ZONE, "NS"), "NS")}
        return wanted["DNSKEY"] <= keys and wanted.get("NS", set()) <= hosts

    def arrive(self):
        self.lab.until(lambda: all(self.shows(name) for name in self.watched), ARRIVAL,
                       f"{self.owner.mark()} is complete at {', '.join(self.watched)}")

    @contextmanager
    def watch(self, phase, pause):
        targets = [("owner", "TXT"), *((name, kind) for name in self.watched for kind in KINDS)]
        with Watch(self.lab, ZONE, targets, pause=pause) as watch:
            watch.ready()
            yield
        self.sights.setdefault(phase, []).append(watch)

    def burst(self, changes, pause):
        """All changes at once."""
        with self.watch("burst", pause):
            begin = time.monotonic()
            for _ in range(changes):
                self.owner.change()
            committed = time.monotonic()
            self.arrive()
        self.committed.append(committed - begin)
        self.arrived.append(time.monotonic() - committed)

    def singles(self, changes, pause):
        """Each change when the one before is everywhere."""
        with self.watch("single", pause):
            for _ in range(changes):
                self.owner.change()
                self.arrive()

    # Judging

    def content(self, name):
        """All records that the owner is to answer for."""
        text = self.lab.run("kdig", f"@{self.lab.server(name)}", "AXFR", ZONE)
        without = {(ZONE, rrtype) for rrtype in self.topology.replaced()}
        return {record for record in zonetext.records(text)
                if record[1] not in SIGNED and record[:2] not in without}

    def compare(self):
        """How many changes left their record, and how many records differ from the owner's zone, at
        all servers together."""
        owners = self.content("owner")
        made = self.owner.records() & {owner for owner, _, _ in owners}
        return len(made), sum(len(owners ^ self.content(name)) for name in self.topology.downstream)

    def complete(self, name, what, rrtype=None):
        """Whether a look, or what it says about one type, has what it must have."""
        return all(values <= what.get(wanted, set())
                   for wanted, values in self.topology.wanted(name).items()
                   if rrtype in (None, wanted))

    def runs(self, phase, name, *kinds):
        return [run for watch in self.sights[phase] for kind in kinds
                for run in watch.runs.get((name, kind), ())]

    def transfers(self, phase, name):
        """(looks, versions, incomplete versions, looks refused, looks cut)"""
        runs = self.runs(phase, name, "AXFR")
        good = [run for run in runs if run.rcode == "NOERROR"]
        serials = {serial for run in good for serial in run.what["SOA"]}
        bad = {serial for run in good for serial in run.what["SOA"]
               if not self.complete(name, run.what)}
        cut = sum(run.count for run in runs if run.rcode == "cut")
        looks = sum(run.count for run in runs)
        return looks, len(serials), len(bad), looks - sum(run.count for run in good) - cut, cut

    def queries(self, phase, name):
        """(answers, incomplete ones, refused ones, longest time of incomplete ones in ms)"""
        answers = incomplete = refused = 0
        longest = 0.0
        for rrtype in "DNSKEY", "NS":
            for run in self.runs(phase, name, rrtype):
                answers += run.count
                if run.rcode != "NOERROR":
                    refused += run.count
                elif not self.complete(name, run.what, rrtype):
                    incomplete += run.count
                    longest = max(longest, 1000 * (run.last - run.first))
        return answers, incomplete, refused, longest

    def delays(self, phase):
        """Milliseconds from the first sight of a change at the owner to the first one of a complete
        version with it, for each change that was seen at a server downstream."""
        delays = []
        for watch in self.sights[phase]:
            owner = first_sights(watch, "owner")
            for name in self.topology.downstream:
                delays += [1000 * (self.complete_from(watch, name, at) - owner[change])
                           for change, at in first_sights(watch, name).items() if change in owner]
        return delays

    def complete_from(self, watch, name, at):
        """The first moment from `at` on at which all that must be there is seen."""
        for rrtype in self.topology.wanted(name):
            good = [run for run in watch.runs[name, rrtype] if run.last > at + SURELY
                    and run.rcode == "NOERROR" and self.complete(name, run.what, rrtype)]
            at = max(at, good[0].first) if good else at
        return at


def first_sights(watch, name):
    """{change: when}, without what was there when the watch began."""
    runs = watch.runs[name, "TXT"]
    return {text: run.first for run in runs[1:] for text in run.what.get("TXT", ())}
