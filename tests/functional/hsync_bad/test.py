# SPDX-License-Identifier: GPL-3.0-or-later
"""What the owner can get wrong: the last good RRset is kept, and an alarm says why (A-08, A-09,
A-10, A-25, A-32, P-06)."""

from gamma import ZONE, alarms, started, zone_line
from lab import AGENT, NOSIGN, OFF, hsync


def test(make_lab):
    lab = started(make_lab, module_items=["hello-retry: 1s"])
    both = lab.tags("alpha", ZONE)
    good = [hsync("alpha"), hsync("beta")]

    def owner_says(records, alarm, what):
        lab.set_hsync(ZONE, records)
        lab.until(lambda: all((alarm in alarms(lab, p)) if alarm else not alarms(lab, p)
                              for p in lab.providers), 15, f"{what}: alarm {alarm}",
                  lambda: [lab.state(p, ZONE) for p in lab.providers])
        for provider in lab.providers:
            assert lab.tags(provider, ZONE) == both, what
            assert zone_line(lab, provider)["shared"] == "yes", what

    owner_says([hsync("alpha"), hsync("beta", state=0)], "hsync-invalid", "State 0")
    owner_says(good, None, "good again")
    owner_says(good + [hsync("beta", state=OFF)], "hsync-conflict", "beta twice")
    owner_says([hsync("alpha"), hsync("beta", nsmgmt=AGENT)], "nsmgmt-disagreement", "NSMgmt")
    assert zone_line(lab)["nsmgmt"] == "OWNER"
    owner_says([hsync("alpha", upstream="agent.beta.example."),
                hsync("beta", upstream="agent.alpha.example.")], "upstream-loop", "a circle")
    owner_says([hsync("alpha", sign=NOSIGN), hsync("beta", sign=NOSIGN)], "no-signer", "all NOSIGN")
    owner_says(good, None, "good again")

    # A new OFF record is inert; communication is verified all the same.
    owner_says(good + [hsync("gamma", state=OFF)], None, "new OFF")
    lab.until(lambda: lab.relation("alpha", "gamma") == "NEEDED", 15, "gamma is looked for")
    owner_says(good, None, "never ON, and gone")
    lab.until(lambda: lab.relation("alpha", "gamma") is None, 15, "gamma is forgotten")

    # All records gone in one version: nobody believes that without being asked.
    lab.edit("owner", ZONE, ("clear", ZONE, "TYPE65282"))
    lab.until(lambda: all("hsync-gone" in alarms(lab, p) for p in lab.providers), 15, "hsync-gone")
    assert lab.tags("alpha", ZONE) == both
    owner_says(good, None, "good again")

    # ON to OFF, and then absent: the provider is leaving, its keys stay. Also over a
    # restart.
    lab.set_hsync(ZONE, [hsync("alpha"), hsync("beta", state=OFF)])
    lab.until(lambda: "leaving" in alarms(lab), 15, "beta is leaving")
    lab.until(lambda: zone_line(lab, "beta")["hsync"] == "OFF,SIGN", 15, "and knows it")
    assert lab.tags("alpha", ZONE) == both and lab.tags("beta", ZONE) == both
    lab.stop("alpha")
    owner_zone = [hsync("alpha")]
    lab.set_hsync(ZONE, owner_zone)
    lab.start("alpha")
    lab.until(lambda: "leaving" in alarms(lab), 15, "leaving after the restart")
    lab.until(lambda: lab.state("alpha", ZONE)[1]["hsync"].startswith("absent"), 15, "absent")
    assert lab.tags("alpha", ZONE) == both
    owner_says(good, None, "back to ON")
    lab.until(lab.operational, 20, "OPERATIONAL again", lambda: lab.state("alpha"))
