# SPDX-License-Identifier: GPL-3.0-or-later
"""What the owner does and what happens to us meanwhile: its zone comes whole or in parts, it
restarts, it touches the NS RRset that we replaced; we crash right after an edit, or restart without
a journal that has it. No version without everybody's records leaves (G-05, G-06, G-12)."""

from days import ZONE, agents, arrives, complete, own_keys, rewrite, union_of, watched
from gamma import started
from lab import JOIN_TTL
from labconf import nameservers

COMMIT = f"[{ZONE}] control, received command 'zone-commit'"


def again(lab, keys, hosts, what):
    lab.until(lambda: complete(lab, keys, hosts), 20, what, lambda: lab.state("alpha", ZONE))


def test(make_lab):
    lab = started(make_lab, dnskey_ttl=JOIN_TTL)
    agents(lab)
    keys, hosts = own_keys(lab), union_of(lab)

    with watched(lab, keys, hosts) as watches:
        for provider in lab.providers:
            before = lab.serial(provider, ZONE)
            lab.knotc(provider, "zone-retransfer", ZONE)
            lab.until(lambda p=provider, b=before: (lab.serial(p, ZONE) or b) != b, 10, "AXFR")
        arrives(lab, "ixfr")
        lab.stop("owner")
        lab.start("owner")
        arrives(lab, "restart")
        # Of the NS RRset that stands at the owner nothing is left to take away: IXFR fails here.
        lab.edit("owner", ZONE, ("set", ZONE, "60", "NS", "ns.owner.example."),
                 ("unset", ZONE, "NS", nameservers("alpha")[0]))
        arrives(lab, "ns")
        again(lab, keys, hosts, "everything is combined")
    assert any(watch.held for watch in watches.values()), "the gate was never shut"

    with watched(lab, keys, hosts):
        for _ in range(3):
            before = lab.log("alpha").count(COMMIT)
            lab.knotc("alpha", "zone-retransfer", ZONE)
            lab.until(lambda b=before: lab.log("alpha").count(COMMIT) > b, 10, "our edit")
            lab.kill("alpha")
            lab.start("alpha")
        arrives(lab, "kill")
        again(lab, keys, hosts, "everything is there after the crashes")

    # The default journal and 'zonefile-load: none': a restart loses what we wrote.
    lab.stop("alpha")
    lab.forget_journal("alpha")
    rewrite(lab, "alpha", ("journal-content: all", "journal-content: changes"))
    with watched(lab, keys, hosts):
        lab.start("alpha")
        arrives(lab, "journal")
        lab.stop("alpha")
        lab.start("alpha")
        arrives(lab, "once-more")
        again(lab, keys, hosts, "and again")
