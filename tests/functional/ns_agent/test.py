# SPDX-License-Identifier: GPL-3.0-or-later
"""NS: the owner's while any HSYNC record says OWNER, the union of the providers' when all say AGENT,
and the owner's own again afterwards, with what the owner changed meanwhile (A-10, G-12, G-14)."""

from dnsq import rrset
from gamma import ZONE, alarms, started
from lab import AGENT, JOIN_TTL, OWNER, hsync
from labconf import nameservers
from watch import Watch, has_exactly

SERVERS = "alpha", "alpha_secondary", "beta", "beta_secondary"
UNION = sorted(nameservers("alpha") + nameservers("beta"))
OWNERS = nameservers("alpha")[:1]


def ns(lab, name):
    return sorted(record.rdata for record in rrset(lab.ask(name, ZONE, "NS"), "NS"))


def everywhere(lab, names, what):
    lab.until(lambda: all(ns(lab, n) == sorted(names) for n in SERVERS), 20, what,
              lambda: {n: ns(lab, n) for n in SERVERS})


def flip(lab, alpha, beta):
    lab.set_hsync(ZONE, [hsync("alpha", nsmgmt=alpha), hsync("beta", nsmgmt=beta)])


def change_ns(lab, *changes):
    lab.edit("owner", ZONE, *[(verb, ZONE, *(["60"] if verb == "set" else []), "NS", name)
                              for verb, name in changes])


def test(make_lab):
    for ixfr in True, False:
        lab = started(make_lab, ixfr=ixfr, dnskey_ttl=JOIN_TTL)
        # OWNER: nobody touches NS (A-20, H-02).
        everywhere(lab, OWNERS, "the owner's NS")

        flip(lab, AGENT, OWNER)
        lab.until(lambda: all("nsmgmt-disagreement" in alarms(lab, p) for p in lab.providers), 15,
                  "the disagreement is alarmed")
        everywhere(lab, OWNERS, "records that disagree mean OWNER")

        # AGENT: the union of the members, at all servers of all (A-21, H-01, F-36); sets that differ
        # are told (H-09).
        lab.joins(ZONE)
        everywhere(lab, UNION, "the union of the providers' NS")
        lab.until(lambda: all("ns-differ" in alarms(lab, p) for p in lab.providers), 15,
                  "sets that differ are alarmed", lambda: lab.state("alpha", ZONE))

        # Whatever the owner does to its NS set now, nobody sees it.
        watches = [Watch(lab.server(n), ZONE, "NS", has_exactly(UNION)) for n in SERVERS]
        change_ns(lab, ("set", "ns.owner.example."))
        lab.edit("owner", ZONE, ("set", "mark1", "60", "A", "192.0.2.99"))
        change_ns(lab, ("set", nameservers("beta")[0]))
        change_ns(lab, ("unset", nameservers("alpha")[0]))
        lab.edit("owner", ZONE, ("set", "mark2", "60", "A", "192.0.2.99"))
        lab.until(lambda: all(lab.ask(n, f"mark2.{ZONE}", "A").answer for n in SERVERS), 20,
                  "the owner's changes arrive", lambda: lab.state("alpha", ZONE))
        everywhere(lab, UNION, "still the union")
        for name, watch in zip(SERVERS, watches):
            wrong = watch.stop().wrong
            assert not wrong, f"{name} showed {wrong[0]}"

        lab.kill("beta")
        lab.start("beta")
        everywhere(lab, UNION, "the union after a crash")
        flip(lab, OWNER, AGENT)
        everywhere(lab, ["ns.owner.example.", nameservers("beta")[0]],
                   "what the owner has by now comes back")
        flip(lab, AGENT, AGENT)
        everywhere(lab, UNION, "the union once more")
        flip(lab, OWNER, OWNER)
        everywhere(lab, ["ns.owner.example.", nameservers("beta")[0]], "and back")
        lab.stop()
