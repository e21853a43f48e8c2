# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner's zone has DNSKEY, CDS, CDNSKEY, CSYNC and ZONEMD of its own: what is the providers' is
replaced (A-19, G-12), what is wrong is refused, what is served has a ZONEMD that fits (G-24)."""

import dnsq
from days import ZONE, arrives, complete, own_keys, rewrite, served, servers
from gamma import alarms, dnskey, started, tag
from lab import small_zone
from watch import Transfers, Watch

ZSK, KSK = dnskey(7), dnskey(8, flags=257)
STRAYS = {
    "DNSKEY": [ZSK, KSK],
    "CDS": [f"{tag(KSK):04x}0f02" + "ab" * 32],
    "CDNSKEY": [KSK],
    "CSYNC": ["0000000700030003" + "000220"],
}


def stray_zone():
    text = small_zone(ZONE)
    for rrtype, records in STRAYS.items():
        text += "".join(f"{ZONE} 60 {rrtype} \\# {len(r) // 2} {r}\n" for r in records)
    return text


def no_strays(records):
    """A judge: none of the owner's."""
    seen = {(record.type, record.rdata) for record in records}
    return not any((dnsq.TYPES[rrtype], bytes.fromhex(rdata)) in seen
                   for rrtype, records in STRAYS.items() for rdata in records)


def clean(lab):
    return all(no_strays(lab.ask(n, ZONE, rrtype).answer) for n in servers(lab)
               for rrtype in STRAYS)


def line(lab, name, before, *lines):
    """More lines in the sections of zones, in front of this one."""
    rewrite(lab, name, (before, "".join(f"    {line}\n" for line in lines) + before))


def sealed(lab, name):
    """Does the log of a secondary say that the last version it took is what its digest says?"""
    said = [text for text in lab.log(name).splitlines() if "ZONEMD, verification" in text]
    return said and "successful" in said[-1]


def quiet(lab):
    """The owner changes other things: nothing of its own is ever seen."""
    watches = [Watch(lab.server(n), ZONE, rrtype, no_strays) for n in servers(lab)
               for rrtype in STRAYS]
    watches += [Transfers(lab.server(p), ZONE, no_strays) for p in lab.providers]
    for i in range(5):
        arrives(lab, f"change{i}")
    lab.until(lambda: complete(lab, own_keys(lab)), 10, "combined")
    for watch in watches:
        watch.stop()
    for watch in watches:
        assert not watch.wrong, f"{watch.server}: {len(watch.wrong)} of {watch.seen} answers"
        assert watch.seen > 0, watch.server


def bad_digest(lab):
    """A digest that is not the zone's: alpha checks it, and stays with what it has."""
    line(lab, "alpha", "    journal-content: all\n", "zonemd-verify: on")
    lab.reload("alpha")
    serial = lab.serial("owner", ZONE) + 1
    lab.edit("owner", ZONE, ("set", "bad", "60", "A", "192.0.2.200"),
             ("set", ZONE, "60", "TYPE63", "\\#", "54", f"{serial:08x}0101" + "00" * 48))
    lab.until(lambda: "ZONEMD, verification failed" in lab.log("alpha"), 10, "it is refused")
    served(lab, "bad", ["beta", "beta_secondary"])
    assert not lab.ask("alpha", f"bad.{ZONE}", "A").answer
    assert complete(lab, own_keys(lab)), "all is served as before"
    rewrite(lab, "alpha", ("zonemd-verify: on", "zonemd-verify: off"))
    lab.reload("alpha")
    lab.knotc("alpha", "zone-refresh", ZONE)
    served(lab, "bad")


def test(make_lab):
    lab = make_lab(ixfr=False, shared={ZONE: stray_zone()})
    for name in lab.providers:
        line(lab, name, "    journal-content: all\n", "zonemd-generate: zonemd-sha384")
        line(lab, name + "_secondary", "    zonefile-sync: -1\n", "zonemd-verify: on")
    lab = started(lambda **_: lab)
    lab.until(lambda: clean(lab), 15, "the owner's are out everywhere")
    lab.until(lambda: all("owner-dnssec" in alarms(lab, p) for p in lab.providers), 10, "the alarm")
    quiet(lab)
    bad_digest(lab)
    lab.until(lambda: clean(lab) and complete(lab, own_keys(lab)), 10, "everything is combined")
    # The owner does as it was told.
    lab.edit("owner", ZONE, *[("unset", ZONE, rrtype) for rrtype in STRAYS],
             ("unset", ZONE, "TYPE63"))
    lab.until(lambda: not any("owner-dnssec" in alarms(lab, p) for p in lab.providers), 15,
              "the alarm ends")
    for name in lab.providers:
        assert sealed(lab, name + "_secondary"), f"the ZONEMD of {name} does not fit"
        assert "ZONEMD, verification failed" not in lab.log(name + "_secondary")
