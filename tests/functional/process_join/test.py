# SPDX-License-Identifier: GPL-3.0-or-later
"""Providers come in one after the other under NSMgmt AGENT, one of them rolls its ZSK, and one that is
dead goes: nobody who asks meanwhile notices."""

from labconf import nameservers
from processes import ZONE, begun, probed


def joined(lab, chains, *providers):
    """The last one comes in: keys (F-31) and CDS (F-32) everywhere, DS at the parent (F-33) before any
    NS (F-36), NS at the parent (F-38)."""
    joiner = providers[-1]
    lab.members(*providers)
    lab.settles(*providers)
    assert lab.delegated(*providers), (lab.parents("NS"), lab.parents("DS"))
    assert lab.complete(*providers)
    early = chains.early({joiner: joiner, joiner + "_secondary": joiner}, lab.ksks(joiner))
    assert not early, f"{early} stood in NS before the DS of {joiner} at the parent"


def zsk_rolled(lab, provider, *members):
    """The new one stands everywhere (F-60), in time before it signs (F-61); the old one goes from
    everywhere, in time after (F-62): the chains tell."""
    old = lab.own_tags(provider, ZONE)
    lab.configure(provider, f'roll: [ "{ZONE} zsk" ]')
    lab.until(lambda: not old & set(lab.tags(provider, ZONE)), 45, "the old ZSK is gone",
              lambda: lab.positions(*members))
    lab.settles(*members)
    new = lab.own_tags(provider, ZONE)
    assert len(new) == 1 and not old & new, (old, new)
    assert lab.complete(*members)


def left(lab, leaver, *members):
    """Of who goes nothing is left anywhere, though it does nothing for that (F-15): no NS (F-45), CDS
    (F-51), DS (F-53) and keys."""
    tags = lab.own_tags(leaver, ZONE) | lab.ksks(leaver)[leaver]
    lab.members(*members, off=[leaver])
    lab.settles(*members)
    assert lab.delegated(*members), (lab.parents("NS"), lab.parents("DS"))
    assert lab.complete(*members)
    for name in lab.servers_of(*members):
        assert not tags & {*lab.tags(name, ZONE), *lab.tags(name, ZONE, 257)}, name
        served = {r.rdata for r in lab.ask(name, ZONE, "NS").answer if r.type == 2}
        assert not served & set(nameservers(leaver)), (name, served)


def test(make_lab):
    lab = begun(make_lab)
    with probed(lab) as (_, chains):
        # A group of one (F-28).
        lab.members("alpha")
        lab.settles("alpha")
        joined(lab, chains, "alpha", "beta")
        joined(lab, chains, "alpha", "beta", "gamma")
        zsk_rolled(lab, "beta", "alpha", "beta", "gamma")
        for name in "gamma", "gamma_secondary":
            lab.kill(name)
        left(lab, "gamma", "alpha", "beta")
