# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer that is down, comes back, and comes back with another key (B-20, C-25, C-30)."""

import os

from gamma import ZONE, started


def test(make_lab):
    lab = started(make_lab, module_items=["heartbeat: 1s", "hello-retry: 1s"])
    both = lab.tags("alpha", ZONE)

    lab.kill("beta")
    lab.until(lambda: lab.relation("alpha", "beta") == "DEGRADED", 15, "DEGRADED")
    lab.until(lambda: lab.relation("alpha", "beta") == "INTERRUPTED", 30, "INTERRUPTED")
    assert lab.tags("alpha", ZONE) == both, "a silent peer's keys stay"  # P-24
    lab.start("beta")
    lab.until(lab.operational, 30, "back: OPERATIONAL", lambda: lab.state("alpha"))

    lab.stop("alpha", "beta")
    lab.start("alpha", "beta")
    lab.until(lab.operational, 30, "both restarted at once", lambda: lab.state("alpha"))

    # Another SIG(0) key: published at the next start, found by a fresh look-up.
    lab.stop("beta")
    os.remove(f"{lab.path('beta')}/agent.pem")
    lab.start("beta")
    lab.until(lambda: lab.state("beta")[0]["published"] == "yes", 15, "the new KEY is published")
    lab.until(lab.operational, 60, "OPERATIONAL with the new key", lambda: lab.state("alpha"))

    # Whatever changes now is exchanged under it.
    lab.keymgr("beta", ZONE, "generate", "algorithm=13", "publish=+0", "active=0")
    lab.knotc("beta", "zone-keys-load", ZONE)
    lab.until(lambda: len(lab.tags("alpha", ZONE)) == 3, 30, "a key under the new key",
              lambda: lab.state("alpha", ZONE))

    # A key that others may read is not used, and knotd serves on (P-17).
    lab.stop("beta")
    os.chmod(f"{lab.path('beta')}/agent.pem", 0o644)
    lab.start("beta")
    assert "chmod" in lab.log("beta"), "the refusal names the remedy"
    assert lab.tags("beta", ZONE), "the zone is served all the same"
    os.chmod(f"{lab.path('beta')}/agent.pem", 0o600)
    lab.stop("beta")
    lab.start("beta")
    lab.until(lab.operational, 30, "OPERATIONAL again", lambda: lab.state("alpha"))
