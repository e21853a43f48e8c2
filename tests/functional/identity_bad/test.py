# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what is DNSSEC-validated counts: a peer whose records are unsigned, bogus or missing stays
NEEDED, with the reason, until they are repaired (B-03, B-17, B-19)."""

import labconf
from gamma import HOST, ZONE, Gamma
from lab import hsync

BETA = labconf.identity("beta")


def needed(lab, peer, *words):
    """NEEDED with all these words in its reason."""
    def reason():
        line = next((x for x in lab.state("alpha") if x.get("peer") == labconf.identity(peer)), {})
        return line.get("state") == "NEEDED" and all(w in line.get("reason", "") for w in words)
    lab.until(reason, 30, f"{peer} is NEEDED: {words}", lambda: lab.state("alpha"))


def test(make_lab):
    lab = make_lab(module_items=["hello-retry: 1s"])
    lab.start()
    lab.until(lambda: all(lab.tags(p, ZONE) for p in lab.providers), 20, "the zone is signed")
    good = lab.ds("beta", BETA)

    # The parent has no DS: beta's identity zone is insecure.
    lab.edit("parent", labconf.INFRA, ("clear", BETA, "DS"))
    lab.set_hsync(ZONE, [hsync("alpha"), hsync("beta")])
    needed(lab, "beta", "not DNSSEC-signed")
    assert lab.own_tags("beta", ZONE).isdisjoint(lab.tags("alpha", ZONE))

    # A DS that is not beta's: bogus.
    lab.replace("parent", labconf.INFRA, BETA, "DS", 1, lab.ds("alpha", labconf.identity("alpha")))
    needed(lab, "beta", "bogus")
    assert lab.own_tags("beta", ZONE).isdisjoint(lab.tags("alpha", ZONE))

    lab.replace("parent", labconf.INFRA, BETA, "DS", 1, good)
    lab.until(lab.operational, 60, "repaired: OPERATIONAL", lambda: lab.state("alpha"))
    lab.until(lambda: lab.own_tags("beta", ZONE) <= set(lab.tags("alpha", ZONE)), 15, "beta's ZSK")

    # Gamma publishes address but no KEY; no records at all for delta.
    gamma = Gamma(lab, key=False, listed=False)
    lab.set_hsync(ZONE, [hsync(p) for p in ("alpha", "beta", "gamma", "delta")])
    needed(lab, "gamma", "KEY does not exist")
    needed(lab, "delta", "URI does not exist")
    assert gamma.received() == 0, "HELLO to somebody without a key"
    assert gamma.send("hello")["rcode"] == "REFUSED", "let in without a validated key"
    lab.edit("parent", labconf.INFRA, ("set", HOST, "60", "TYPE25", "\\#",
                                       str(len(gamma.key) // 2), gamma.key))
    lab.until(lambda: lab.relation("alpha", "gamma") == "KNOWN", 60, "gamma is KNOWN")
    assert gamma.send("hello")["rcode"] == "NOERROR"
    lab.until(lambda: lab.relation("alpha", "gamma") == "OPERATIONAL", 5, "gamma is OPERATIONAL")
    needed(lab, "delta", "URI does not exist")
