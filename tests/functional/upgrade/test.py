# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that the previous release wrote: history and contributions are used from the first
version on, and what peers say now takes their places. Who was leaving then
stays combined until LEAVE removes it, and that agrees with everybody first."""

import os

import lmdb
from days import ZONE, arrives, watched
from gamma import alarms, dnskey, tag
from lab import OFF, hsync
from labconf import identity

HERE = os.path.dirname(os.path.abspath(__file__))
GAMMA = {tag(dnskey(1, algorithm=15)), tag(dnskey(2, algorithm=15))}
BETA = 56090    # Of the key that beta had then.


def old_store():
    with open(f"{HERE}/store.txt", encoding="ascii") as text:
        return [line for line in text if not line.startswith("#")]


def provider(lab, name):
    return next(line for line in lab.state("alpha", ZONE) if line.get("provider") == identity(name))


def position(lab):
    line = lab.state("alpha", ZONE)[0]
    return line.get("process"), line.get("step")


def test(make_lab):
    lab = make_lab(ixfr=False)
    lab.make_keys("alpha", ZONE)
    lmdb.load(f"{lab.path('alpha')}/msigner", old_store())
    lab.start("root", "parent", "owner", "resolver")
    lab.set_hsync(ZONE, [hsync("alpha"), hsync("beta"), hsync("gamma", state=OFF),
                         hsync("delta", state=OFF)])
    kept, own = GAMMA | {BETA}, lab.own_tags("alpha", ZONE)
    with watched(lab, kept, names=["alpha", "alpha_secondary"]):
        lab.start("alpha", "alpha_secondary")
        lab.until(lambda: set(lab.tags("alpha_secondary", ZONE)) == kept | own, 20, "all is used",
                  lambda: lab.state("alpha", ZONE))
        arrives(lab, "combined", ["alpha", "alpha_secondary"])
        assert provider(lab, "beta")["dnskey"] == str(BETA), provider(lab, "beta")
        assert provider(lab, "gamma")["leaving"] == "yes" and "leaving" in alarms(lab)
        assert "leaving" not in provider(lab, "delta"), "it was never ON"
        lab.until(lambda: position(lab) == ("leave", "agree"), 20, "LEAVE waits for beta",
                  lambda: lab.state("alpha", ZONE))
        lab.stop("alpha")
        before, after = old_store(), lmdb.dump(f"{lab.path('alpha')}/msigner")
        lost = {line.split()[0] for line in before} - {line.split()[0] for line in after}
        assert not [key for key in lost if key[:2] not in ("50", "52")], f"records are gone: {lost}"
        lab.start("alpha")
        arrives(lab, "restarted", ["alpha", "alpha_secondary"])
    # Beta has other keys by now.
    with watched(lab, GAMMA, names=["alpha", "alpha_secondary"]):
        lab.start("beta", "beta_secondary")
        lab.until(lambda: lab.tags("beta", ZONE), 20, "beta's zone is signed")
        now = GAMMA | own | lab.own_tags("beta", ZONE)
        lab.until(lambda: set(lab.tags("alpha_secondary", ZONE)) == now, 30, "beta's present key",
                  lambda: lab.state("alpha", ZONE))
