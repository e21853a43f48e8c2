#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py [--children N] [--changes N]: checks a second of a parent's signed children that change
nothing, and memory for them; and the time from a child's hint to the parent's new DS. Nothing is
asserted. See ../README.md."""

import argparse
import base64
import hashlib
import os
import shutil
import socket
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from parentlab import UNLIMITED, notify_message, with_lab    # noqa: E402

import dnsq                                          # noqa: E402
import labconf                                       # noqa: E402
from bulk import compile_c, cpu_seconds, memory, table      # noqa: E402
from delegation import PARENT, PORT, Delegation, ds_hex   # noqa: E402

LISTED = 60          # Seconds for the receiver to know all children.
NOT_LISTED = "children cannot be listed"
BATCH = 200          # NOTIFYs at once: less than a socket holds.
CHANGING = 5         # Children that change by turns.


class Many(Delegation):
    """Children with the same keys on both servers, all of them with a DS at the parent."""

    def __init__(self, folder, net, count):
        self.names = [f"c{i:05}.{PARENT}" for i in range(count)]
        super().__init__(folder, net, items=[*UNLIMITED, "gap: 0"], children=())

    def prepare_children(self):
        """One key pair for all of them, copied in the key database; files are the same for both."""
        os.makedirs(f"{self.folder}/zones")
        for role in "ksk=yes", "ksk=no":
            self.keymgr("ns1", self.names[0], "generate", "algorithm=15", role, "publish=+0",
                        "active=+0")
        names = f"{self.folder}/names"
        self.write(names, "".join(f"{name}\n" for name in self.names))
        self.run("sh", "-c", 'exec "$@" <"$0"', names, compile_c(self, "keyclone"),
                 f"{self.path('ns1')}/keys", self.names[0])
        self.tag, self.ksk = self.key_of(self.names[0])
        for name in self.names:
            self.write(f"{self.folder}/zones/{name}zone", self.child_zone(name))
        for name in "ns1", "ns2":
            if name != "ns1":
                shutil.copytree(f"{self.path('ns1')}/keys", f"{self.path(name)}/keys")
            self.configure_child(name, "none")
        self.knotds = [name for name in self.knotds if name != "ns3"]

    def key_of(self, zone):
        """The KSK's tag, and its RDATA in octets: keymgr prints a DNSKEY in presentation form."""
        fields = next(line.split() for line in self.keymgr("ns1", zone, "dnskey").splitlines()
                      if " 257 " in line)
        at = fields.index("257")
        flags, protocol, algorithm = (int(word) for word in fields[at:at + 3])
        rdata = flags.to_bytes(2, "big") + bytes([protocol, algorithm]) + \
            base64.b64decode("".join(fields[at + 3:]))
        return dnsq.key_tag(rdata), rdata

    def configure_child(self, name, _):
        text = labconf.head(self, name, [f"{self.address[name]}@53"])
        text += f"""\
policy:
  - id: hand
    manual: on
    algorithm: ED25519
    single-type-signing: off
    dnskey-ttl: 5
    cds-cdnskey-publish: always
template:
  - id: child
    storage: {self.folder}/zones
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    dnssec-signing: on
    dnssec-policy: hand
zone:
""" + "".join(f"  - domain: {zone}\n    template: child\n" for zone in self.names)
        self.write(f"{self.path(name)}/knot.conf", text)

    def child_zone(self, zone):
        return f"{zone} 5 SOA ns.a.{PARENT} hostmaster.{PARENT} 1 300 60 86400 5\n" \
            f"{zone} 5 NS ns.a.{PARENT}\n{zone} 5 NS ns.b.{PARENT}\n"

    def parent_zone(self):
        text = labconf.infra_zone(self)
        for host, name in ("a", "ns1"), ("b", "ns2"):
            text += f"ns.{host}.{PARENT} 60 A {self.address[name]}\n"
        for zone in self.names:
            digest = hashlib.sha256(dnsq.name_to_wire(zone) + self.ksk).hexdigest()
            text += labconf.delegation(zone, [f"ns.a.{PARENT}", f"ns.b.{PARENT}"],
                                       [f"{self.tag} 15 2 {digest}"])
        return text


def known(lab):
    """How many children the receiver has in its table."""
    return max((int(line["children"]) for line in lab.status(PARENT) if "children" in line),
               default=0)


def wait_for_list(lab):
    """Whether the receiver could list the children of its zone by itself."""
    lab.until(lambda: known(lab) >= len(lab.names) or NOT_LISTED in lab.log(), LISTED,
              "the children are listed", lambda: known(lab))
    return NOT_LISTED not in lab.log()


def introduce(lab):
    """Children that it could not list become known by a NOTIFY each."""
    names = lab.names
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((lab.address["parent"], PORT))
        for at in range(0, len(names), BATCH):
            for name in names[at:at + BATCH]:
                sock.send(notify_message(name))
            lab.until(lambda end=min(at + BATCH, len(names)): known(lab) >= end, LISTED,
                      "the children are known by NOTIFY", lambda: known(lab))


def scan(lab, options):
    lab.start("root", "ns1", "ns2", "parent")
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    parent = lab.process["parent"].pid
    before = memory(parent)
    lab.items.remove("scan: 0")
    lab.configure(f"scan: {max(1, options.children // 1000)}")
    lab.reload("parent")
    listed = wait_for_list(lab)
    if known(lab) < options.children:
        introduce(lab)
    lab.until(lambda: lab.counter("survey") > 0, LISTED, "a child was looked at")
    start, cpu, began = lab.counter("survey"), cpu_seconds(parent), time.monotonic()
    time.sleep(options.seconds)
    checks, span = lab.counter("survey") - start, time.monotonic() - began
    cpu, after = cpu_seconds(parent) - cpu, memory(parent)
    told = [line.get("ds", "?") for line in lab.status(PARENT) if "child" in line]
    each = f"CPU of the parent's knotd {1e6 * cpu / checks:.0f} us each" if checks else ""
    table(f"{options.children} signed children, two servers each, nothing to change", [
        ("the receiver listed them by itself", "yes" if listed else "NO: known by NOTIFY", ""),
        (f"checks in {span:.0f} s", checks, f"{checks / span:.1f}/s"),
        ("cores that the parent's knotd used", f"{cpu / span:.2f}", each),
        ("memory of it before children were listed", f"{before / 1e6:.1f} MB", ""),
        ("at the end", f"{after / 1e6:.1f} MB",
         f"{(after - before) / options.children / 1e3:.1f} kB a child"),
        ("verdicts of the first ones", ", ".join(f"{told.count(v)} {v}" for v in set(told)), ""),
    ])


def one_change(lab, zone, add):
    """Seconds from the hint, with both servers changed, to the new DS at the parent."""
    first, second = (ds_hex(ds) for ds in lab.ds("ns1", zone))
    for name in "ns1", "ns2":
        lab.keymgr(name, zone, "set", lab.keys[zone][1], "active=+0" if add else "active=0")
        lab.knotc(name, "zone-keys-load", zone)
    for name in "ns1", "ns2":
        lab.until(lambda n=name: len(lab.said(n, "CDS", zone)) == (2 if add else 1), 10,
                  f"{name} has the CDS of {zone}", lambda n=name: lab.said(n, "CDS", zone))
    wanted = {first, second} if add else {first}
    began = time.monotonic()
    lab.notify("CDS", zone)
    lab.until(lambda: lab.at_parent("DS", zone) == wanted, 20, f"the parent has the DS of {zone}",
              lambda: lab.status(zone))
    return time.monotonic() - began


def changes(lab, options):
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    for zone in lab.children:
        lab.cds("always", zone=zone)
    spans = [one_change(lab, lab.children[i % CHANGING], i // CHANGING % 2 == 0)
             for i in range(options.changes)]
    spans.sort()
    p99 = spans[min(len(spans) - 1, int(len(spans) * 0.99))]
    table(f"{options.changes} changes of CDS, from NOTIFY to the parent's new DS", [
        ("median", f"{1e3 * statistics.median(spans):.0f} ms", "< 500 ms"),
        ("p99", f"{1e3 * p99:.0f} ms", "< 500 ms"),
        ("longest", f"{1e3 * spans[-1]:.0f} ms", ""),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--children", type=int, default=10000)
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=40, help="of checks that are counted")
    options = parser.parse_args()
    failed = 0
    if options.changes:
        failed |= with_lab("scan", lambda lab: changes(lab, options),
                           children=[f"c{i}.{PARENT}" for i in range(CHANGING)],
                           items=[*UNLIMITED, "gap: 0"])
    if options.children:
        failed |= with_lab("scan", lambda lab: scan(lab, options), kind=Many,
                           count=options.children)
    return failed


if __name__ == "__main__":
    sys.exit(main())
