# SPDX-License-Identifier: GPL-3.0-or-later
"""An owner who signs its zone itself: nothing of its signatures and keys is served by providers
that sign, and the owner is told (A-19, G-12, G-25)."""

import labconf
from days import ZONE, arrives, complete, own_keys, rewrite, servers
from dnsq import key_tag, rrset, signers
from gamma import alarms, started

def owner_signs(lab):
    rewrite(lab, "owner", ("zone:\n", labconf.POLICIES + "zone:\n"),
            ("    zonefile-sync: -1\n",
             "    zonefile-sync: -1\n    dnssec-signing: on\n    dnssec-policy: shared\n"))
    lab.make_keys("owner", ZONE)


def cds_tags(lab, name):
    return {int.from_bytes(record.rdata[:2], "big")
            for record in rrset(lab.ask(name, ZONE, "CDS"), "CDS")} | \
        {key_tag(record.rdata) for record in rrset(lab.ask(name, ZONE, "CDNSKEY"), "CDNSKEY")}


def ours_alone(lab):
    """Every signature is the provider's own, and every key and CDS a provider's: CDS of the KSKs of
    all, everywhere (I-03, I-04), also of those whose DNSKEY is elsewhere (I-26)."""
    ksks = {tag for p in lab.providers for tag in lab.own_tags(p, ZONE, ksk=True)}
    for name in servers(lab):
        provider = name.removesuffix("_secondary")
        if cds_tags(lab, name) != ksks or \
                lab.tags(name, ZONE, 257) != sorted(lab.own_tags(provider, ZONE, ksk=True)):
            return False
        for owner, rrtype in (ZONE, "SOA"), ("www1." + ZONE, "A"), ("nowhere." + ZONE, "A"):
            reply = lab.ask(name, owner, rrtype, do=True)
            if signers(reply, ZONE) != lab.own_tags(provider, ZONE):
                return False
    return complete(lab, own_keys(lab))


def test(make_lab):
    lab = make_lab(ixfr=False)
    owner_signs(lab)
    lab = started(lambda **_: lab)
    for i in range(3):
        arrives(lab, f"change{i}")
        lab.until(lambda: ours_alone(lab), 15, "only what the providers made is served")
    for provider in lab.providers:
        assert "owner-dnssec" in alarms(lab, provider)
