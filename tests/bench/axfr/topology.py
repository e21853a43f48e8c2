# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers there are between the owner and those who ask, and what each of them must show.

A topology is a class with what Direct has; the benchmark knows nothing else about servers."""

import labconf
from benchlab import ZONE, BenchLab
from lab import AGENT, hsync

START = 300    # Seconds until a large zone is signed.
PLAIN, GATE_OFF, GATE_ON = "without module", "gate off", "gate on"


class Direct:
    """Owner -> provider (a signing knotd, with the module) -> its secondary; two providers."""

    title = "owner -> alpha, beta (sign, mod-msigner) -> a secondary each"
    combined = ()
    variants = PLAIN, GATE_OFF, GATE_ON

    def __init__(self, folder, net, zone_text, variant, nsmgmt=AGENT):
        self.with_module, self.nsmgmt = variant != PLAIN, nsmgmt
        gate = {PLAIN: (), GATE_OFF: ("gate: off",), GATE_ON: ("gate: on",)}[variant]
        self.lab = BenchLab(folder, net=net, shared={ZONE: zone_text}, module=self.with_module,
                            module_items=gate, combined=self.combined)
        self.gated = self.lab.combiners + self.lab.providers
        self.downstream = [p + "_secondary" for p in self.lab.providers]
        self.want = {}

    def start(self):
        """Everything runs, and is ready to show what it must."""
        lab = self.lab
        self.prepare()
        lab.start()
        lab.until(lambda: all(lab.tags(name, ZONE) for name in self.downstream), START,
                  "the zone is signed and at the secondaries")
        lab.set_hsync(ZONE, [hsync(p, nsmgmt=self.nsmgmt) for p in lab.providers])
        if self.with_module:
            lab.until(lab.operational, START, "all are OPERATIONAL", lambda: lab.state("alpha"))
        own = {p: {f"256/{tag}" for tag in lab.own_tags(p, ZONE)} for p in lab.providers}
        every = set().union(*own.values())
        hosts = {host for p in lab.providers for host in labconf.nameservers(p)}
        ns = {"NS": hosts} if self.replaced() else {}
        for p in lab.providers:
            signed = {"DNSKEY": every if self.with_module else own[p]} | ns
            unsigned = {"DNSKEY": every - own[p] if self.with_module else set()} | ns
            self.want |= {p: signed, p + "_secondary": signed, p + "_combiner": unsigned}

    def prepare(self):
        self.lab.prepare()

    def wanted(self, name):
        """{TYPE: values} that each version at this server must have."""
        return self.want[name]

    def replaced(self):
        """RRsets of the apex that a provider combines: their content is not the owner's."""
        return {"NS"} if self.with_module and self.nsmgmt == AGENT else set()


class Combined(Direct):
    """The two servers of the drafts: an unsigned combiner in front of each signer. Never without
    the gate: a signer that took the owner's own version finds all combined ones too old."""

    title = "owner -> a combiner each -> alpha, beta (sign, mod-msigner) -> a secondary each"
    combined = "alpha", "beta"
    variants = PLAIN, GATE_ON

    def prepare(self):
        super().prepare()
        for name in self.lab.combiners if not self.with_module else ():
            self.lab.patch(name, r"(?s)\n(module|mod-msigner):\n.*?\nzone:\n", "\nzone:\n")
