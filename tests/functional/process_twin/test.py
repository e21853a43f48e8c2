# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab of the processes without our care: a second provider's name servers are delegated before
anybody knows its keys, then a third one takes all at once. Whoever looks must notice: else the other
scenarios would prove nothing."""

from chains import Chains
from processes import NAMES, ZONE, begun
from prober import Prober

JOINER = {"beta": "beta", "beta_secondary": "beta"}


def test(make_lab):
    lab = begun(make_lab, module=False, receiver=False)
    prober = Prober({r: lab.server(r) for r in lab.resolvers}, ZONE, NAMES)
    chains = Chains(ZONE, lab.hosts(), {"parent": lab.server("parent")})
    try:
        lab.until(lambda: min(prober.asked.values()) > 30, 10, "some are asked")
        assert not prober.failures, prober.report()
        assert not chains.broken(), chains.broken()

        # Resolvers try another server where an answer does not validate: most of them hide this.
        lab.delegate(ZONE, ["alpha", "beta"], ds_of=["alpha"])
        lab.until(chains.broken, 10, "broken chains are found")
        lab.delegate(ZONE, ["gamma"])
        lab.until(lambda: all(map(prober.failed, lab.resolvers)), 30, "each resolver fails",
                  prober.report)
    finally:
        prober.stop()
        chains.stop()
    assert chains.early(JOINER, lab.ksks()) == list(JOINER)
    broken = "\n".join(chains.broken())
    assert "signatures of beta" in broken and "DNSKEY of beta" in broken, broken
