# SPDX-License-Identifier: GPL-3.0-or-later
"""What HSYNC said before counts, and survives: ON to OFF while the agent was down, with and without
the zone in its journal, new OFF records, and their removal. A leaver's data stay until LEAVE removes
them, and that waits for the TTL of NS first: longer than this scenario."""

import dnsq
from days import ZONE, arrives, complete, own_keys, served, watched
from gamma import Gamma, add, alarms, dnskey, drop, started, zone_line
from lab import OFF, hsync
from watch import axfr

NS = dnsq.name_to_wire("ns1.gamma.example.").hex()
MINE = "alpha", "alpha_secondary"


def apex(lab, name="alpha"):
    """All of the apex that is not bookkeeping or the owner's wish."""
    skipped = {dnsq.TYPES[rrtype] for rrtype in ("SOA", "RRSIG", "NSEC")} | {65282}
    records = axfr(lab.server(name), ZONE)[1]
    return {(record.type, record.rdata) for record in records if record.type not in skipped}


def owner_says(lab, records, mark):
    lab.set_hsync(ZONE, records)
    lab.edit("owner", ZONE, ("set", mark, "60", "A", "192.0.2.200"))


def holds(lab):
    """LEAVE waits until no cache has beta's NS (F-49)."""
    lab.until(lambda: (zone_line(lab).get("process"), zone_line(lab).get("step")) ==
              ("leave", "hold-ns"), 15, "LEAVE is in step hold-ns", lambda: lab.state("alpha", ZONE))


def left(lab, how):
    """beta is leaving, and its data are served as if it were not."""
    line = next(x for x in lab.state("alpha", ZONE) if x.get("provider") == "agent.beta.example.")
    return line.get("leaving") == "yes" and line["hsync"].startswith(how)


def unsafe(lab):
    """Why a step may not be left."""
    return [line["reason"] for line in lab.state("alpha", ZONE)
            if line.get("reason", "").startswith("safe: ")]


def parent_away(lab, keys, before):
    """Without the parent nothing can be seen of it, and LEAVE takes nothing away."""
    lab.stop("parent")
    with watched(lab, keys, names=MINE):
        owner_says(lab, [hsync("alpha"), hsync("beta", state=OFF)], "nobody")
        served(lab, "nobody", MINE)
        lab.until(lambda: zone_line(lab).get("step") in ("agree", "ns", "parent-ns") and unsafe(lab), 30,
                  "LEAVE waits until the parent can be seen", lambda: lab.state("alpha", ZONE))
        arrives(lab, "waiting", MINE)
        lab.until(lambda: complete(lab, keys, names=MINE), 10, "its key stays")
        assert zone_line(lab)["step"] in ("agree", "ns", "parent-ns"), zone_line(lab)
        assert apex(lab) == before


def test(make_lab):
    lab = started(make_lab, ixfr=False, module_items=["hello-retry: 1s"])
    keys = own_keys(lab)
    before = apex(lab)

    with watched(lab, keys, names=MINE):
        # ON to OFF while alpha is down, and its journal is lost as well.
        lab.stop("alpha")
        owner_says(lab, [hsync("alpha"), hsync("beta", state=OFF)], "off")
        lab.forget_journal("alpha")
        lab.start("alpha")
        served(lab, "off", MINE)
        lab.until(lambda: left(lab, "OFF"), 15, "beta is leaving", lambda: lab.state("alpha", ZONE))
        holds(lab)
        lab.until(lambda: complete(lab, keys, names=MINE), 10, "its key stays")
        assert apex(lab) == before

        # The record is taken away: nobody sees a difference.
        owner_says(lab, [hsync("alpha")], "gone")
        served(lab, "gone", MINE)
        lab.until(lambda: left(lab, "absent"), 15, "still leaving")
        holds(lab)
        lab.until(lambda: complete(lab, keys, names=MINE), 10, "its key stays all the same")
        assert apex(lab) == before

        # A provider that is new and OFF: it is spoken to, and nothing of it is used.
        owner_says(lab, [hsync("alpha"), hsync("beta"), hsync("gamma", state=OFF)], "new")
        gamma = Gamma(lab, listed=False)
        lab.until(lambda: lab.relation("alpha", "gamma") in ("KNOWN", "OPERATIONAL"), 15, "gamma")
        lab.until(lambda: not left(lab, "ON"), 15, "beta is back")
        for kind in "hello", "heartbeat":
            assert gamma.send(kind)["rcode"] == "NOERROR", kind
        for rrtype, rdata in ("DNSKEY", dnskey(1)), ("NS", NS):
            answer = gamma.update(drop(rrtype), add(rdata, rrtype))
            assert answer["rcode"] == "REFUSED", answer
        arrives(lab, "inert", MINE)
        lab.until(lambda: complete(lab, keys, names=MINE), 10, "combined")
        assert apex(lab) == before, "a new OFF provider's data are used"
        lab.stop("alpha")
        lab.start("alpha")
        arrives(lab, "restarted", MINE)
        lab.until(lambda: complete(lab, keys, names=MINE), 10, "combined")
        assert apex(lab) == before
        owner_says(lab, [hsync("alpha"), hsync("beta")], "forgotten")
        served(lab, "forgotten", MINE)
        lab.until(lambda: complete(lab, keys, names=MINE), 10, "combined")
        assert apex(lab) == before and lab.relation("alpha", "gamma") is None
    assert zone_line(lab)["gate"] == "open" and "leaving" not in alarms(lab)
    parent_away(lab, keys, before)
