# SPDX-License-Identifier: GPL-3.0-or-later
"""The same days of one set-up: the owner's changes, then new keys at alpha, under watch."""

import setups
from benchlab import ZONE
from dnsq import texts
from lab import LabError
from ownerside import Owner
from watching import RATES, Watch, rates

PATIENCE = 90     # Seconds until a change must be everywhere; dnskey-sync looks again after 60.
QUIET = 100       # Looks in a row (some 0.5 s) that must be good before the next change.
SERVERS = "alpha", "beta", "alpha_secondary", "beta_secondary"
PEER = {"alpha": "beta", "beta": "alpha", "alpha_secondary": "beta", "beta_secondary": "alpha"}


class Lap:
    def __init__(self, setup, folder, net, changes, keys):
        self.lab = setups.make(setup, folder, net)
        self.count = {"changes": changes, "keys": keys}
        self.unrepaired = 0

    def run(self):
        """All figures of this set-up, milliseconds."""
        self.keys = setups.start(self.lab)
        self.union = sorted(set().union(*self.keys.values()))
        self.owner = Owner(self.lab, ZONE)
        changes = self.watch(self.make_changes, ("owner", "TXT"))
        self.settle(lambda: True)
        new_keys = self.watch(self.make_keys)
        return self.count | {
                "unrepaired": self.unrepaired,
                "lost": {name: self.lost(changes, name) for name in SERVERS},
                "withheld": {name: self.withheld(changes, name) for name in SERVERS},
                "served": {name: self.latencies(new_keys, name) for name in SERVERS[1:]},
                "rates": dict(zip(RATES, rates([changes, new_keys])))}

    def watch(self, work, *more):
        targets = [*more, *((name, "DNSKEY") for name in SERVERS)]
        with Watch(self.lab, ZONE, targets) as watch:
            watch.ready()
            work()
        return watch

    # The owner's changes

    def settle(self, arrived):
        """Waits until all have arrived() and serve just the right ZSKs for a while, or not."""
        good = [0]

        def quiet():
            right = arrived() and all(self.lab.tags(name, ZONE) == self.union for name in SERVERS)
            good[0] = good[0] + 1 if right else 0
            return good[0] >= QUIET
        try:
            self.lab.until(quiet, PATIENCE, "the same keys everywhere")
        except LabError:
            if self.lab.died():
                raise
            self.unrepaired += 1

    def make_changes(self):
        for _ in range(self.count["changes"]):
            self.owner.change()
            mark = [self.owner.mark()]
            self.settle(lambda mark=mark: all(texts(self.lab.ask(name, ZONE, "TXT")) == mark
                                              for name in SERVERS))

    def episodes(self, runs, is_bad):
        """(begin, milliseconds) of each time during which what was seen was bad."""
        found, begin = [], None
        for run in runs:
            if is_bad(run) and begin is None:
                begin = run.first
            elif not is_bad(run) and begin is not None:
                found.append((begin, 1000 * (run.first - begin)))
                begin = None
        return found + ([(begin, 1000 * (runs[-1].last - begin))] if begin is not None else [])

    def lost(self, watch, name):
        """How long the DNSKEY RRset lacked a ZSK of the peer, for each change where it did."""
        peers = {f"256/{tag}" for tag in self.keys[PEER[name]]}
        return self.by_change(watch, self.episodes(
            watch.runs[name, "DNSKEY"],
            lambda run: run.rcode == "NOERROR" and not peers <= run.what.get("DNSKEY", set())))

    def withheld(self, watch, name):
        """The same: how long the DNSKEY query was answered SERVFAIL or so."""
        return self.by_change(watch, self.episodes(watch.runs[name, "DNSKEY"],
                                                   lambda run: run.rcode != "NOERROR"))

    def by_change(self, watch, episodes):
        marks = [run.first for run in watch.runs["owner", "TXT"][1:]]
        sums = {}
        for begin, length in episodes:
            change = sum(mark <= begin for mark in marks)
            sums[change] = sums.get(change, 0) + length
        return list(sums.values())

    # New keys

    def serve(self, tag, wanted):
        """The key is at all servers, or at none."""
        self.lab.until(lambda: all((tag in self.lab.tags(name, ZONE)) == wanted
                                   for name in SERVERS),
                       PATIENCE, f"the ZSK {tag} is {'every' if wanted else 'no'}where",
                       lambda: {name: self.lab.tags(name, ZONE) for name in SERVERS})

    def make_keys(self):
        self.new = []
        for _ in range(self.count["keys"]):
            made = self.lab.keymgr("alpha", ZONE, "generate", "algorithm=13", "publish=+0",
                                   "active=0").split()[-1]
            self.lab.knotc("alpha", "zone-keys-load", ZONE)
            tag = (self.lab.own_tags("alpha", ZONE) - self.keys["alpha"]).pop()
            self.new.append(f"256/{tag}")
            self.serve(tag, True)
            self.lab.keymgr("alpha", ZONE, "set", made, "active=+0", "retire=+0", "remove=+0")
            self.lab.knotc("alpha", "zone-keys-load", ZONE)
            self.serve(tag, False)
            self.lab.keymgr("alpha", ZONE, "delete", made)

    def latencies(self, watch, name):
        """From alpha's first answer with the key to this server's."""
        at = first_with(watch.runs["alpha", "DNSKEY"])
        here = first_with(watch.runs[name, "DNSKEY"])
        return [1000 * (here[key] - at[key]) for key in self.new]


def first_with(runs):
    first = {}
    for run in runs:
        for key in run.what.get("DNSKEY", ()):
            first.setdefault(key, run.first)
    return first
