# SPDX-License-Identifier: GPL-3.0-or-later
"""What operations on keys show (doc/architecture.rst) holds where the module combines the keys of two
providers, too: hidden, early, late and discarded keys are put back by nobody."""

import json
import time

import dnsq
from gamma import ZONE, started


class Keys:
    """The keys of one provider by name: KSK and ZSK of each generation."""

    def __init__(self, lab, provider):
        self.lab, self.provider, self.ids, self.tag = lab, provider, {}, {}
        for key in self.list():
            self.learn("ksk" if key["ksk"] else "zsk", key)

    def list(self):
        return json.loads(self.lab.keymgr(self.provider, ZONE, "-j", "list"))

    def learn(self, name, key):
        self.ids[name], self.tag[name] = key["id"], key["tag"]

    def make(self, name, algorithm, ksk):
        kind = ("ksk=yes", "zsk=no") if ksk else ("ksk=no", "zsk=yes")
        made = self.lab.keymgr(self.provider, ZONE, "generate", f"algorithm={algorithm}", *kind,
                               "publish=0", "active=0").split()[-1]
        self.learn(name, next(key for key in self.list() if key["id"] == made))

    def set(self, names, *timers):
        now = int(time.time())
        for name in names:
            self.lab.keymgr(self.provider, ZONE, "set", f"id={self.ids[name]}",
                            *[f"{timer}={now}" for timer in timers])
        self.lab.knotc(self.provider, "zone-keys-load", ZONE)


def signers(lab, name):
    answer = lab.ask(name, ZONE, "SOA", do=True)
    return sorted(int.from_bytes(rr.rdata[16:18], "big") for rr in answer.answer if rr.type == 46)


def shown(lab, name):
    cds = dnsq.rrset(lab.ask(name, ZONE, "CDS"), "CDS")
    return (lab.tags(name, ZONE), lab.tags(name, ZONE, 257), signers(lab, name),
            sorted(int.from_bytes(rr.rdata[:2], "big") for rr in cds))


def expect(lab, what, both, zsks, ksks, signs, cds):
    """Of each provider these of its keys: ZSKs and CDS everywhere, KSKs and signatures in its own
    zone."""
    def of(names, providers):
        return sorted(both[p].tag[n] for p in providers for n in names)
    for provider in lab.providers:
        wanted = (of(zsks, both), of(ksks, [provider]), of(signs, [provider]), of(cds, both))
        for name in provider, provider + "_secondary":
            lab.until(lambda n=name, w=wanted: shown(lab, n) == w, 20,
                      f"{what}: {name} has {wanted}", lambda n=name: shown(lab, n))


def test(make_lab):
    lab = started(make_lab)
    both = {p: Keys(lab, p) for p in lab.providers}

    def step(what, names, timers, *wanted):
        for keys in both.values():
            keys.set(names, *timers)
        expect(lab, what, both, *wanted)

    expect(lab, "at first", both, ["zsk"], ["ksk"], ["zsk"], ["ksk"])
    for keys in both.values():
        keys.make("tried", 13, False)
    step("a new ZSK", ["tried"], ["publish"], ["zsk", "tried"], ["ksk"], ["zsk"], ["ksk"])
    step("discarded", ["tried"], ["active", "retire", "remove"], ["zsk"], ["ksk"], ["zsk"], ["ksk"])
    for keys in both.values():
        keys.make("k15", 15, True)
        keys.make("z15", 15, False)
    new = ["k15", "z15"]
    step("signed early", new, ["pre_active"], ["zsk"], ["ksk"], ["zsk", "z15"], ["ksk"])
    step("published", new, ["publish"], ["zsk", "z15"], ["ksk", "k15"], ["zsk", "z15"], ["ksk"])
    step("active", new, ["active"], ["zsk", "z15"], ["ksk", "k15"], ["zsk", "z15"], ["ksk", "k15"])
    step("withdrawn", ["ksk"], ["retire_active"], ["zsk", "z15"], ["ksk", "k15"], ["zsk", "z15"],
         ["k15"])
    step("hidden", ["ksk", "zsk"], ["post_active"], ["z15"], ["k15"], ["zsk", "z15"], ["k15"])
    step("removed", ["ksk", "zsk"], ["retire", "remove"], ["z15"], ["k15"], ["z15"], ["k15"])
