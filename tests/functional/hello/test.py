# SPDX-License-Identifier: GPL-3.0-or-later
"""Two providers find each other from HSYNC alone; one learns of it later than the other (C-12,
C-13, A-17, B-28)."""

from gamma import ZONE, alarms, zone_line
from lab import hsync


def test(make_lab):
    lab = make_lab(module_items=["hello-retry: 1s"])
    lab.start()
    lab.until(lambda: all(lab.tags(p, ZONE) for p in lab.providers), 20, "the zone is signed")
    assert lab.relation("alpha", "beta") is None, "nobody is looked for without HSYNC"

    # beta is not told: alpha finds it, says HELLO, and is refused.
    lab.knotc("beta", "zone-freeze", ZONE)
    lab.set_hsync(ZONE, [hsync("alpha"), hsync("beta")])
    lab.until(lambda: lab.relation("alpha", "beta") == "KNOWN", 15, "alpha knows beta's key",
              lambda: lab.state("alpha"))
    lab.until(lambda: "refused" in lab.state("alpha", ZONE)[1].get("reason", ""), 15,
              "alpha's HELLO is REFUSED", lambda: lab.state("alpha", ZONE))
    assert lab.relation("alpha", "beta") == "KNOWN" and lab.relation("beta", "alpha") is None
    assert lab.own_tags("beta", ZONE).isdisjoint(lab.tags("alpha", ZONE))

    lab.knotc("beta", "zone-thaw", ZONE)
    lab.knotc("beta", "zone-refresh", ZONE)
    lab.until(lab.operational, 15, "both are OPERATIONAL", lambda: lab.state("alpha"))
    keys = sorted(lab.own_tags("alpha", ZONE) | lab.own_tags("beta", ZONE))
    for name in "alpha", "alpha_secondary", "beta", "beta_secondary":
        lab.until(lambda n=name: lab.tags(n, ZONE) == keys, 15, f"both ZSKs at {name}")
    for provider in lab.providers:
        lab.until(lambda p=provider: zone_line(lab, p)["group"] == "ready", 15, "group=ready")
        line = zone_line(lab, provider)
        assert (line["transport"], line["model"]) == ("dns", "peer-to-peer"), line
        lab.until(lambda p=provider: lab.state(p, ZONE)[1]["ours"] == "current", 15, "ours=current")
        assert not alarms(lab, provider)
    # Each publishes what it is found by: URI, SVCB, KEY at host and identity, signed (B-01, B-14).
    lab.delegate(ZONE, ["alpha", "beta"])
    for owner, rrtype in ("_dns._tcp.agent.alpha.example.", "TYPE256"), \
            ("ns.agent.alpha.example.", "SVCB"), ("ns.agent.alpha.example.", "TYPE25"), \
            ("agent.alpha.example.", "TYPE25"):
        assert lab.secure(owner, rrtype), f"{owner} {rrtype} is not secure"
        assert lab.ask("resolver", owner, rrtype, rd=True).answer, f"{owner} {rrtype} is missing"
