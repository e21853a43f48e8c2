#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story that run.sh tells, step by step, on the lab of tests/functional."""

import os
import statistics
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import stage                                                          # noqa: E402
from stage import FOUR, PAIRS, LabError, moments, more, say           # noqa: E402
import dnsq                                                           # noqa: E402
import labconf                                                        # noqa: E402
import zonetext                                                       # noqa: E402

TWIN_QUESTIONS = 100
KEY_CHANGES = 5
TWIN = "twin." + labconf.INFRA


class Story(stage.Story):
    folder_name = "two-providers"
    reserved = (TWIN,)
    parents = ("notify", "update", "manual")

    def __init__(self, folder, options):
        super().__init__(folder, options, shared={TWIN: self.twin_text()}, apart=[TWIN])

    @staticmethod
    def twin_text():
        hosts = [host for p in ("alpha", "beta") for host in labconf.nameservers(p)]
        return labconf.soa(TWIN, hosts[0]) + "".join(f"{TWIN} 60 NS {h}\n" for h in hosts[1:])

    def one_record(self):
        lab, zone = self.lab, self.zone
        before = self.transfer()
        self.existing = zonetext.questions(zone, before)
        self.list_providers("alpha")
        lab.until(lambda: dnsq.rrset(lab.ask("alpha", zone, "TYPE65282"), "TYPE65282"), 10,
                  "alpha serves the HSYNC record")
        changed = {(owner, rrtype) for owner, rrtype, _ in before ^ self.transfer()}
        rest = {(owner, rrtype) for owner, rrtype in changed - {(zone, "NSEC"), (zone, "TYPE65282")}
                if rrtype not in ("SOA", "RRSIG")}
        if rest:
            raise LabError(f"the first HSYNC record changed more than itself: {sorted(rest)[:5]}")
        more(f"{len(before):,} signed records compared: nothing else changed")

    def twin(self):
        lab = self.lab
        lab.delegate(TWIN, ["alpha", "beta"])
        lab.until(lambda: all(lab.tags(name, TWIN) for name in FOUR), 30, f"{TWIN} is served")
        say(f"the same without the exchange: {TWIN}, same providers, no mod-msigner")
        for keys_from, data_from in PAIRS:
            drawn = zonetext.draw(TWIN, [(TWIN, "NS")], TWIN_QUESTIONS)
            alone, _, _ = self.cross(TWIN, keys_from, keys_from, drawn)
            secure, failed, _ = self.cross(TWIN, keys_from, data_from, drawn)
            more(f"DNSKEY from {keys_from}, data from {data_from}: {failed} of {len(drawn)} "
                 f"SERVFAIL; both from {keys_from}: {alone} secure")
            if secure or failed != len(drawn) or alone != len(drawn):
                raise LabError("the negative twin did not fail as it must")

    def key_changes(self):
        """ZSKs published at alpha: when do beta and its secondary serve them?"""
        lab, zone, before = self.lab, self.zone, self.lab.tags("alpha", self.zone)
        delays, made = {"beta": [], "beta_secondary": []}, []
        for _ in range(KEY_CHANGES):
            there = set(lab.tags("alpha", zone))
            made.append(lab.keymgr("alpha", zone, "generate", "algorithm=13", "publish=+0",
                                   "active=0").split()[-1])
            lab.knotc("alpha", "zone-keys-load", zone)
            seen = moments({name: lambda n=name, old=there: set(lab.tags(n, zone)) - old
                            for name in ("alpha", *delays)}, 30)
            for name, taken in delays.items():
                taken.append(1000 * (seen[name] - seen["alpha"]))
        median = {name: statistics.median(taken) for name, taken in delays.items()}
        say(f"{KEY_CHANGES} new ZSKs published at alpha, then withdrawn again")
        more(f"served by beta after {median['beta']:.0f} ms, by its secondary after "
             f"{median['beta_secondary']:.0f} ms (median)")
        for key in made:
            lab.keymgr("alpha", zone, "set", key, "active=+0", "retire=+0", "remove=+0")
        lab.knotc("alpha", "zone-keys-load", zone)
        lab.until(lambda: all(lab.tags(name, zone) == before for name in FOUR), 60,
                  "the withdrawn keys are gone everywhere",
                  lambda: {name: lab.tags(name, zone) for name in FOUR})

    def tell(self):
        for step in (self.start, self.serve_alone, self.one_record, self.second_provider,
                     self.delegation, self.both_forced, self.twin):
            step()
        if self.lab.module:
            self.key_changes()
        self.end_client()
        self.table()


if __name__ == "__main__":
    sys.exit(stage.main(Story))
