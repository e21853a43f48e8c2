# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone without HSYNC is an ordinary zone (A-27); one record for the present signer is a no-op
(A-26, B-21); without our record nothing is done (A-28)."""

from gamma import ZONE, alarms, zone_line
from lab import hsync


def content(lab):
    """All of the zone that is not the signer's or the owner's bookkeeping."""
    lab.knotc("alpha", "zone-begin", ZONE)
    lines = lab.knotc("alpha", "zone-get", ZONE).splitlines()
    lab.knotc("alpha", "zone-abort", ZONE)
    skipped = " SOA ", " RRSIG ", " NSEC ", " TYPE65282 "
    return sorted(line for line in lines if not any(word in line for word in skipped))


def test(make_lab):
    lab = make_lab(providers=("alpha",))
    lab.start()
    lab.until(lambda: lab.tags("alpha", ZONE), 20, "the zone is signed with keys made for it")
    assert len(lab.own_tags("alpha", ZONE)) == 1 and len(lab.own_tags("alpha", ZONE, ksk=True)) == 1
    before = content(lab)
    assert zone_line(lab)["shared"] == "no" and len(lab.state("alpha")) == 1

    quiet = lab.counters("alpha", "message-sent", "located", "locate-failed", "edited")
    assert quiet and not any(quiet.values()), f"without HSYNC: {quiet}"

    lab.set_hsync(ZONE, [hsync("alpha")])
    lab.until(lambda: zone_line(lab)["shared"] == "yes", 15, "shared=yes")
    lab.until(lambda: zone_line(lab)["group"] == "ready", 15, "a group of one is ready")
    assert content(lab) == before, "the first HSYNC record changes the zone"
    assert len(lab.state("alpha")) == 1, "alone, and yet it knows a peer"
    assert not alarms(lab)
    assert lab.counters("alpha", *{name.split("[")[0] for name in quiet}) == quiet, "alone: traffic"

    lab.set_hsync(ZONE, [hsync("beta")])
    lab.until(lambda: "not-listed" in alarms(lab), 15, "not-listed")
    assert content(lab) == before
    lab.edit("owner", ZONE, ("clear", ZONE, "TYPE65282"))
    lab.until(lambda: zone_line(lab)["serial"] == str(lab.serial("alpha", ZONE)), 15, "seen")
    assert content(lab) == before and lab.tags("alpha", ZONE)
    assert lab.ask("alpha", "_msigner." + ZONE, "TXT").rcode == 0
