# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody keeps us from editing: an operator's transaction lasts, or our control socket is gone.
What is served stays as it was, or the gate stays shut, and after five seconds that is an alarm."""

import os
import re
import time

from days import ZONE, complete, new_key, own_keys, rewrite, served, watched
from gamma import alarms, started, zone_line

HOLD = 10    # Seconds.


def gauges(lab):
    text = lab.knotc("alpha", "-f", "stats", "mod-msigner")
    return {name: int(value) for name, value in re.findall(r"(zones-\w+) = (\d+)", text)}


def operator(lab, keys):
    """A transaction of ten seconds: what comes meanwhile waits, what is served is whole."""
    with watched(lab, keys) as watches:
        lab.knotc("alpha", "zone-begin", ZONE)
        lab.knotc("alpha", "zone-set", ZONE, "operator." + ZONE, "60", "A", "192.0.2.77")
        until = time.monotonic() + HOLD
        lab.edit("owner", ZONE, ("set", "held", "60", "A", "192.0.2.200"))
        new_key(lab, "beta")
        served(lab, "held", ["beta", "beta_secondary"])
        lab.until(lambda: "edit-failing" in alarms(lab), HOLD, "edit-failing",
                  lambda: lab.state("alpha", ZONE))
        lab.until(lambda: time.monotonic() > until, HOLD + 5, "the operator is done")
        assert not lab.ask("alpha", f"held.{ZONE}", "A").answer, "he was not asked"
        assert watches["DNSKEY of alpha"].held == 0, "the present version is not held back"
        lab.knotc("alpha", "zone-commit", ZONE)
        served(lab, "held")
        lab.until(lambda: complete(lab, own_keys(lab)), 20, "the new key is served",
                  lambda: lab.state("alpha", ZONE))
    lab.until(lambda: not alarms(lab), 10, "no alarm is left")


def test(make_lab):
    lab = make_lab(ixfr=False)
    spare = f"{lab.path('alpha')}/spare.sock"
    rewrite(lab, "alpha", (f"    control: {lab.path('alpha')}/knot.sock", f"    control: {spare}"))
    os.symlink("knot.sock", spare)
    lab = started(lambda **_: lab)
    operator(lab, own_keys(lab))

    # Our way to the control socket is gone, and the owner sends the whole zone.
    keys = own_keys(lab)
    with watched(lab, keys) as watches:
        os.rename(spare, spare + ".away")
        lab.edit("owner", ZONE, ("set", "shut", "60", "A", "192.0.2.200"))
        lab.until(lambda: zone_line(lab)["gate"] == "shut", 10, "the gate is shut")
        assert not alarms(lab) & {"gate-shut"}, "at once"
        lab.until(lambda: "gate-shut" in alarms(lab), 10, "the alarm")
        held = watches["DNSKEY of alpha"].held
        lab.until(lambda: gauges(lab)["zones-shut"] == 1 and gauges(lab)["zones-alarmed"] == 1, 5,
                  "the gauges", lambda: gauges(lab))
        line = next(line for line in lab.log("alpha").splitlines() if "ALARM gate-shut" in line)
        assert ZONE in line and "control socket" in line and "'gate: off'" in line, line
        told = next(x for x in lab.state("alpha", ZONE) if x.get("alarm") == "gate-shut")
        assert "control socket" in told["reason"] and "gate: off" in told["reason"], told
        assert watches["DNSKEY of alpha"].held > held, "it is shut all the time"
        os.rename(spare + ".away", spare)
        served(lab, "shut")
        lab.until(lambda: complete(lab, keys), 20, "combined")
    lab.until(lambda: gauges(lab)["zones-shut"] == gauges(lab)["zones-alarmed"] == 0, 5,
              "it is over", lambda: gauges(lab))
    assert zone_line(lab)["gate"] == "open" and not alarms(lab)
    assert f"{ZONE}: alarm gate-shut is over" in lab.log("alpha")
