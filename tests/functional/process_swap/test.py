# SPDX-License-Identifier: GPL-3.0-or-later
"""One provider instead of another one in a single version of the owner's zone: the new one comes in
first, then the old one goes (A-31). It answers on, and so must its keys stay (F-49, F-52): the chains
tell."""

from processes import ZONE, begun, items, probed, zone_text

# So long that no other wait of a LEAVE stands in for theirs.
NS_TTL, SOA_TTL = 6, 18


def test(make_lab):
    lab = begun(make_lab, providers=("alpha", "beta"), module_items=items(SOA_TTL),
                shared={ZONE: zone_text(SOA_TTL, NS_TTL)})
    with probed(lab) as (_, chains):
        lab.members("alpha")
        lab.settles("alpha")
        tags = lab.own_tags("alpha", ZONE) | lab.ksks("alpha")["alpha"]
        lab.members("beta", off=["alpha"])
        lab.settles("beta", timeout=60)
        assert lab.delegated("beta"), (lab.parents("NS"), lab.parents("DS"))
        assert lab.complete("beta")
        for name in lab.servers_of("beta"):
            assert not tags & {*lab.tags(name, ZONE), *lab.tags(name, ZONE, 257)}, name
        assert not chains.early({"beta": "beta", "beta_secondary": "beta"}, lab.ksks("beta"))
        delegated = [sorted(span.value) for look in chains.above for span in look.ns.list]
        assert delegated == [lab.union("alpha"), lab.union("alpha", "beta"), lab.union("beta")]
