# SPDX-License-Identifier: GPL-3.0-or-later
"""Which apex data agree across providers is told in the TXT answer and as gauges; a provider that
serves an old zone is noticed (O-12)."""

from gamma import ZONE, alarms, started
from lab import hsync

DEFAULT = {"SOA", "RNAME", "NS", "DNSKEY", "CDS", "CDNSKEY", "CSYNC", "KEY", "HSYNC", "NSEC3PARAM"}


def told(lab, provider, key):
    return set(lab.state(provider, ZONE)[1][key].split(",")) - {"none"}


def gauge(lab, provider):
    return {key[len("zones-differ["):-1] for key, value in
            lab.counters(provider, "zones-differ").items() if value}


def set_soa(lab, contact, minimum):
    lab.edit("owner", ZONE, ("set", ZONE, "60", "SOA", "ns1.alpha.example.", contact,
                             str(1 + lab.serial("owner", ZONE)), "300", "2", "86400", minimum))


def test(make_lab):
    # NS, DNSKEY, CDS and CDNSKEY agree (O-05).
    lab = started(make_lab)
    for provider in lab.providers:
        lab.until(lambda p=provider: told(lab, p, "agrees") == DEFAULT, 15,
                  "everything that is compared agrees", lambda p=provider: lab.state(p, ZONE))
        assert not told(lab, provider, "differs") and not gauge(lab, provider)
    assert lab.serial("alpha", ZONE) and not alarms(lab)

    # beta stays at the old zone: the contact (O-02), MINIMUM (O-04), then HSYNC differ (O-11).
    lab.knotc("beta", "zone-freeze", ZONE)
    set_soa(lab, "somebody.example.", "7")
    lab.until(lambda: told(lab, "alpha", "differs") == {"SOA", "RNAME"}, 15, "the SOA differs",
              lambda: lab.state("alpha", ZONE))
    lab.until(lambda: told(lab, "beta", "differs") == {"SOA", "RNAME"}, 15, "beta knows, too",
              lambda: lab.state("beta", ZONE))
    assert gauge(lab, "alpha") == {"soa", "rname"}
    lab.set_hsync(ZONE, [hsync("alpha"), hsync("beta", upstream=".")] + [hsync("gamma", state=2)])
    lab.until(lambda: "HSYNC" in told(lab, "alpha", "differs"), 15, "HSYNC differs",
              lambda: lab.state("alpha", ZONE))

    lab.knotc("beta", "zone-thaw", ZONE)
    lab.knotc("beta", "zone-refresh", ZONE)
    for provider in lab.providers:
        lab.until(lambda p=provider: not told(lab, p, "differs"), 15, "they agree again",
                  lambda p=provider: lab.state(p, ZONE))

    # The list is configuration (O-15).
    for provider in lab.providers:
        lab.configure(provider, "compare: [ MX, TXT, NS ]")
    for provider in lab.providers:
        lab.until(lambda p=provider: told(lab, p, "agrees") == {"MX", "TXT", "NS"}, 15, "our list",
                  lambda p=provider: lab.state(p, ZONE))
    lab.edit("beta", ZONE, ("set", ZONE, "60", "TXT", '"only at beta"'))
    lab.until(lambda: told(lab, "alpha", "differs") == {"TXT"}, 15, "TXT differs",
              lambda: lab.state("alpha", ZONE))
