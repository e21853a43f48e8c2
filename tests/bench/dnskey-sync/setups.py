# SPDX-License-Identifier: GPL-3.0-or-later
"""Two signers that exchange their keys: by Knot's own dnskey-sync, or by mod-msigner."""

import labconf
from benchlab import ZONE, BenchLab
from lab import hsync

START = 300    # Seconds until both serve each other's keys; dnskey-sync looks again after 60.


class SyncLab(BenchLab):
    """As Knot's documentation has it for two signers with distinct keys and a common primary."""

    def __init__(self, folder, **options):
        super().__init__(folder, module=False, **options)

    def prepare(self):
        super().prepare()
        for name, peer in ("alpha", "beta"), ("beta", "alpha"):
            key, body = labconf.tsig("alpha", "beta")
            self.patch(name, "remote:\n", f"{body}remote:\n  - id: peer\n"
                       f"    address: {self.address[peer]}@53\n    key: {key}\n")
            self.patch(name, "\npolicy:\n", f"\n  - id: peer\n    action: [ query, update ]\n"
                       f"    key: {key}\ndnskey-sync:\n  - id: sync\n    remote: peer\npolicy:\n")
            self.patch(name, "    dnskey-management: incremental\n",
                       "    dnskey-management: incremental\n    dnskey-sync: sync\n")
            self.patch(name, r"(\n    acl: \[ [^]]*) \]\n", r'\1, peer ]\n    ddns-master: ""\n')


def make(name, folder, net):
    """The prepared lab of a set-up: dnskey-sync, gate-on or gate-off."""
    if name == "dnskey-sync":
        lab = SyncLab(folder, net=net)
    else:
        lab = BenchLab(folder, net=net, module_items=(f"gate: {name.removeprefix('gate-')}",))
    lab.prepare()
    return lab


def start(lab):
    """Runs until both providers and their secondaries serve both ZSKs; {provider: its ZSKs}."""
    lab.start()
    names = [name for p in lab.providers for name in (p, p + "_secondary")]
    lab.until(lambda: all(lab.tags(name, ZONE) for name in names), 60, "the zone is served")
    lab.set_hsync(ZONE, [hsync(p) for p in lab.providers])
    keys = {p: lab.own_tags(p, ZONE) for p in lab.providers}
    union = sorted(set().union(*keys.values()))
    lab.until(lambda: all(lab.tags(name, ZONE) == union for name in names), START,
              f"the ZSKs {union} are served by all",
              lambda: {name: lab.tags(name, ZONE) for name in names})
    return keys
