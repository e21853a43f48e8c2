# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of keys at one provider reaches the other and its secondary, and survives everything."""

import re

from gamma import ZONE, Gamma, started
from lab import hsync


def everywhere(lab, keys, what):
    lab.until(lambda: all(lab.tags(n, ZONE) == sorted(keys) for p in lab.providers
                          for n in (p, p + "_secondary")), 20, what,
              lambda: {p: lab.tags(p, ZONE) for p in lab.providers})


def test(make_lab):
    lab = started(make_lab)
    keys = lab.own_tags("alpha", ZONE) | lab.own_tags("beta", ZONE)

    new = lab.keymgr("alpha", ZONE, "generate", "algorithm=13", "publish=+0", "active=0")
    lab.knotc("alpha", "zone-keys-load", ZONE)
    three = keys | lab.own_tags("alpha", ZONE)
    assert len(three) == 3
    everywhere(lab, three, "the new ZSK at all servers")

    lab.reload("beta")
    everywhere(lab, three, "all keys after a reload")
    lab.kill("beta")
    lab.start("beta")
    everywhere(lab, three, "all keys after a crash")
    lab.knotc("beta", "zone-retransfer", ZONE)
    everywhere(lab, three, "all keys after the owner's AXFR took them away")

    lab.keymgr("alpha", ZONE, "set", new, "active=+0", "retire=+0", "remove=+0")
    lab.knotc("alpha", "zone-keys-load", ZONE)
    everywhere(lab, keys, "the withdrawn ZSK is gone everywhere")

    # Anybody may read a contribution, keys (B-23) and NS (B-25); who signs the question gets a
    # signed answer (D-16).
    gamma = Gamma(lab, listed=False)
    for name in ZONE + "agent.alpha.example.", ZONE + "agent.beta.example.":
        lab.until(lambda n=name: gamma.send("query", zone=n)["answers"] == "1", 10, name)
        answer = gamma.send("query", zone=name)
        assert (answer["rcode"], answer["aa"]) == ("NOERROR", "1"), answer
    answer = gamma.send("query", "-u", zone=ZONE + "agent.alpha.example.")
    assert (answer["answers"], answer["signed"]) == ("1", "no"), answer
    gamma.list()
    answer = gamma.send("query", zone=ZONE + "agent.alpha.example.")
    assert (answer["aa"], answer["answers"], answer["signed"]) == ("1", "1", "good"), answer
    ns = gamma.send("query", "-q", "NS", zone=ZONE + "ns.agent.alpha.example.")
    assert (ns["aa"], ns["answers"]) == ("1", "2"), ns

    lab.set_hsync(ZONE, [hsync("alpha"), hsync("beta", state=2)])
    lab.until(lambda: re.search("leaving", str(lab.state("alpha", ZONE))), 15, "beta is leaving")
    everywhere(lab, keys, "a leaving provider's keys stay")
