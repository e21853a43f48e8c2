# SPDX-License-Identifier: GPL-3.0-or-later
"""No version that lacks a provider's key leaves a server, whatever the owner sends (G-06); with the
gate off they do, and the log says so."""

from gamma import ZONE, started, zone_line
from watch import Watch, has_keys

CHANGES = 15
SERVERS = "alpha", "alpha_secondary", "beta", "beta_secondary"


def change(lab, i):
    """One owner's change, by AXFR, until it has arrived everywhere."""
    lab.edit("owner", ZONE, ("set", f"new{i}", "60", "A", "192.0.2.200"))
    lab.until(lambda: all(lab.ask(n, f"new{i}.{ZONE}", "A").answer for n in SERVERS), 15,
              f"change {i} is everywhere", lambda: lab.state("alpha", ZONE))


def watched(lab, keys, work):
    watches = [Watch(lab.server(n), ZONE, "DNSKEY", has_keys(keys)) for n in SERVERS]
    work()
    return dict(zip(SERVERS, [each.stop() for each in watches]))


def complete(lab, keys):
    return all(lab.tags(n, ZONE) == keys for n in SERVERS)


def test(make_lab):
    lab = started(make_lab, ixfr=False)
    keys = sorted(lab.own_tags("alpha", ZONE) | lab.own_tags("beta", ZONE))
    lab.until(lambda: complete(lab, keys), 20, "all keys everywhere")

    seen = watched(lab, keys, lambda: [change(lab, i) for i in range(CHANGES)])
    for name, watch in seen.items():
        assert not watch.wrong, f"{name} showed {len(watch.wrong)} incomplete answers"
        assert watch.seen > CHANGES, f"{name} was hardly asked"
    assert seen["alpha"].held > 0 and seen["beta"].held > 0, "the gate was never shut"
    assert lab.counters("alpha", "gated")["gated"] >= seen["alpha"].held
    for provider in lab.providers:
        assert zone_line(lab, provider)["gate"] == "open", zone_line(lab, provider)

    # A crash right after the owner's change, a restart, and a restart without our journal.
    def bad_days():
        for i, action in enumerate((lambda: lab.kill("alpha"), lambda: lab.stop("alpha"))):
            lab.edit("owner", ZONE, ("set", f"bad{i}", "60", "A", "192.0.2.201"))
            action()
            lab.start("alpha")
            lab.until(lambda i=i: lab.ask("alpha_secondary", f"bad{i}.{ZONE}", "A").answer, 30,
                      "the change arrives", lambda: lab.state("alpha", ZONE))
        lab.stop("alpha")
        lab.forget_journal("alpha")
        lab.start("alpha")
        lab.until(lambda: lab.tags("alpha", ZONE) == keys, 30, "the zone is there again",
                  lambda: lab.state("alpha", ZONE))
    for name, watch in watched(lab, keys, bad_days).items():
        assert not watch.wrong, f"{name} showed {len(watch.wrong)} incomplete answers"

    # An operator holds a transaction: apex and transfers wait, everything else is answered.
    lab.knotc("alpha", "zone-retransfer", ZONE)
    lab.until(lambda: complete(lab, keys), 20, "combined after the transfer")

    # gate: off is honoured, and told.
    lab.configure("alpha", "gate: off")
    lab.until(lambda: lab.state("alpha")[0].get("gate") == "off", 15, "the gate is off")
    assert "gate is off" in lab.log("alpha")
    assert lab.counters("alpha", "gate")["gate"] == 0
    seen = watched(lab, keys, lambda: [change(lab, f"off{i}") for i in range(CHANGES)])
    assert seen["alpha"].held == 0, "a gate that is off holds nothing back"
    assert seen["alpha"].wrong, "without the gate incomplete answers are seen"
    assert not seen["beta"].wrong
