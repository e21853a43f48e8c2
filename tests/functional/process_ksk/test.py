# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider rolls its KSK by order, and one of its servers is late: the parent gets the new DS before the
old one goes, and nobody notices."""

from processes import ZONE, begun, probed

RELOADED = "reload -> look at everything again"
LATE = 50      # Questions to one resolver: five seconds, more than the other waits.


def late(lab, prober):
    """A server that has not got the new key yet holds everybody back, for as long as it takes (F-13)."""
    before = lab.parents("DS")
    lab.knotc("beta_secondary", "zone-freeze", ZONE)
    lab.configure("beta", f'roll: [ "{ZONE} ksk" ]')
    lab.until(lambda: len(lab.tags("beta", ZONE, 257)) == 2, 20, "beta has a new KSK", lab.positions)
    asked = min(prober.asked.values())
    lab.until(lambda: min(prober.asked.values()) > asked + LATE, 30, "some time has passed")
    for provider in lab.providers:
        line = lab.line(provider)
        assert (line["process"], line["step"]) == ("ksk", "publish"), lab.positions()
    assert lab.parents("DS") == before
    lab.knotc("beta_secondary", "zone-thaw", ZONE)
    lab.knotc("beta_secondary", "zone-refresh", ZONE)


def test(make_lab):
    lab = begun(make_lab, providers=("alpha", "beta"))
    members = "alpha", "beta"
    with probed(lab) as (prober, _):
        lab.members(*members)
        lab.settles(*members)
        old = lab.ksks("beta")["beta"]
        late(lab, prober)
        # CDS and DS of both keys (F-66); then the old ones go (F-69), and the key (F-68).
        lab.until(lambda: len(lab.cds("beta")) == 3, 30, "CDS of both keys", lab.positions)
        lab.until(lambda: len(lab.parents("DS")) == 3, 30, "DS of both keys", lab.positions)
        lab.until(lambda: not old & lab.parents("DS"), 45, "the old DS is gone", lab.positions)
        assert all(old <= {*lab.tags(name, ZONE, 257)} for name in lab.servers_of("beta"))
        lab.until(lambda: not any(old & {*lab.tags(name, ZONE, 257)}
                                  for name in lab.servers_of(*members)), 45, "the old KSK is gone",
                  lab.positions)
        lab.settles(*members)
        new = lab.ksks("beta")["beta"]
        assert len(new) == 1 and not old & new, (old, new)
        assert lab.delegated(*members) and lab.complete(*members), lab.parents("DS")
        # The same order is not done twice.
        seen = lab.log("beta").count(RELOADED)
        lab.reload("beta")
        lab.until(lambda: lab.log("beta").count(RELOADED) > seen, 10, "beta looks at everything again")
        lab.settles(*members)
        assert lab.ksks("beta")["beta"] == new
