# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9: what was answered NOERROR is there after the restart, whenever the blow fell."""

import json
import random

from gamma import ZONE, Gamma, add, dnskey, drop, started, tag

ROUNDS = 8


def published(lab, provider):
    """Own ZSKs that are not withdrawn; keymgr goes on listing the others for a while."""
    keys = json.loads(lab.keymgr(provider, ZONE, "-j", "list"))
    return {key["tag"] for key in keys if not key["ksk"] and not key["remove"]}


def test(make_lab):
    lab = started(make_lab, module_items=["hello-retry: 1s"])
    gamma = Gamma(lab)

    # Right after the answer: no other moment is closer to the promise.
    for number in range(1, 4):
        key = dnskey(number)
        assert gamma.update(drop(), add(key))["rcode"] == "NOERROR"
        lab.kill("alpha")
        lab.start("alpha")
        lab.until(lambda: lab.state("alpha", ZONE)[0]["shared"] == "yes", 15, "alpha is back")
        held = gamma.send("query", zone=ZONE + "agent.gamma.example.")
        assert held["answers"] == "1", f"a confirmed contribution is lost: {held}"
        lab.until(lambda k=key: tag(k) in lab.tags("alpha", ZONE), 15, "and it is served")
        others = {tag(dnskey(n)) for n in range(1, 4)} - {tag(key)}
        lab.until(lambda o=others: o.isdisjoint(lab.tags("alpha", ZONE)), 15, "alone")

    # At random moments of a change of keys at beta (the seed is fixed: the same moments each time).
    rng = random.Random(4711)
    for number in range(ROUNDS):
        new = lab.keymgr("beta", ZONE, "generate", "algorithm=13", "publish=+0", "active=0")
        lab.knotc("beta", "zone-keys-load", ZONE)
        for _ in range(rng.randrange(200)):
            lab.ask("beta", ZONE, "DNSKEY")    # some 0.2 ms each: a moment of random length
        victim = rng.choice(["alpha", "beta"])
        lab.kill(victim)
        lab.start(victim)
        wanted = sorted(published(lab, "alpha") | published(lab, "beta") | {tag(dnskey(3))})
        lab.until(lambda w=wanted: lab.tags("alpha", ZONE) == w, 30, f"round {number}: {victim}",
                  lambda: (wanted, lab.tags("alpha", ZONE), lab.state("alpha", ZONE)))
        lab.keymgr("beta", ZONE, "set", new, "active=+0", "retire=+0", "remove=+0")
        lab.knotc("beta", "zone-keys-load", ZONE)
    # Gamma told its key to alpha alone.
    lab.until(lambda: set(lab.tags("beta", ZONE)) ==
              set(lab.tags("alpha", ZONE)) - {tag(dnskey(3))}, 40,
              "both serve the same keys in the end",
              lambda: [lab.tags(p, ZONE) for p in lab.providers])
    lab.until(lab.operational, 20, "both are OPERATIONAL", lambda: lab.state("alpha"))
