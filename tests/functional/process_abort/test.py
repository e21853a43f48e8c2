# SPDX-License-Identifier: GPL-3.0-or-later
"""A roll that is given up before its new key is used leaves no key behind, and may be ordered again."""

from processes import ITEMS, ZONE, begun, probed

LONG = "max-ttl: 20s"    # The new key is held back long enough to change one's mind.
ROLES = {"zsk": 256, "ksk": 257}


def test(make_lab):
    members = "alpha", "beta"
    lab = begun(make_lab, providers=members, module_items=[*ITEMS[:1], LONG, *ITEMS[2:]])
    with probed(lab):
        lab.members(*members)
        lab.settles(*members, timeout=90)
        for word, flags in ROLES.items():
            before = lab.tags("beta", ZONE, flags)
            roll = f'roll: [ "{ZONE} {word} once" ]'
            lab.configure("beta", roll)
            lab.until(lambda n=before, f=flags: len(lab.tags("beta", ZONE, f)) > len(n), 20,
                      f"a new {word}", lambda: lab.positions(*members))
            lab.configure("beta", roll, f'abort: [ "{ZONE} {word}" ]')
            lab.until(lambda n=before, f=flags: lab.tags("beta", ZONE, f) == n, 20,
                      f"the new {word} is gone", lambda: lab.positions(*members))
            lab.settles(*members)
            assert lab.tags("beta_secondary", ZONE, flags) == before
