# SPDX-License-Identifier: GPL-3.0-or-later
"""Providers with one key each: one of them rolls it, then all roll its algorithm; nobody notices
(F-65..F-80)."""

from processes import ITEMS, ZONE, algorithm_rolled, begun, probed


def test(make_lab):
    members = "alpha", "beta"
    lab = begun(make_lab, providers=members, module_items=[*ITEMS, "single-type: on"])
    with probed(lab):
        lab.members(*members)
        lab.settles(*members)
        old = lab.ksks("beta")["beta"]
        assert not lab.own_tags("beta", ZONE), "there is a ZSK beside the CSK"
        lab.configure("beta", f'roll: [ "{ZONE} csk" ]')
        lab.until(lambda: not old & lab.ksks("beta")["beta"], 60, "the old CSK is gone",
                  lambda: lab.positions(*members))
        lab.settles(*members)
        assert lab.delegated(*members), lab.parents("DS")
        algorithm_rolled(lab, *members)
