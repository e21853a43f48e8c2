# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios of bad days share: other configurations, and all that is watched meanwhile."""

import contextlib

from labconf import nameservers
from watch import Transfers, Watch, all_of, has_at_least, has_exactly, has_keys

ZONE = "zone.example."


def servers(lab):
    return [name for p in lab.providers for name in (p, p + "_secondary")]


def rewrite(lab, name, *pairs):
    """Other lines in a server's knot.conf: (old, new), wherever old stands."""
    path = f"{lab.path(name)}/knot.conf"
    with open(path, encoding="utf-8") as conf:
        text = conf.read()
    for old, new in pairs:
        assert old in text, f"{path} has no '{old}'"
        text = text.replace(old, new)
    lab.write(path, text)


def own_keys(lab):
    """The ZSKs of all providers."""
    return sorted(tag for p in lab.providers for tag in lab.own_tags(p, ZONE))


def union_of(lab):
    return sorted(host for p in lab.providers for host in nameservers(p))


def agents(lab):
    """NSMgmt becomes AGENT; waits until all are members and serve everybody's name servers."""
    lab.joins(ZONE)
    lab.until(lambda: complete(lab, own_keys(lab), union_of(lab)), 20, "NSMgmt is AGENT",
              lambda: lab.state("alpha", ZONE))


def new_key(lab, name):
    """One more ZSK at a provider: published, signing nothing."""
    lab.keymgr(name, ZONE, "generate", "algorithm=13", "publish=+0", "active=0")
    lab.knotc(name, "zone-keys-load", ZONE)


def complete(lab, keys, hosts=(), names=None):
    """Do all servers have these ZSKs and, where some are named, these NS, and no others?"""
    fits = has_exactly(hosts)
    return all(lab.tags(n, ZONE) == sorted(keys) and (not hosts or fits(rrset_ns(lab, n)))
               for n in names or servers(lab))


def rrset_ns(lab, name):
    reply = lab.ask(name, ZONE, "NS")
    return reply.answer if reply else []


def arrives(lab, owner, names=None, timeout=20):
    """One change of the owner, until it is served everywhere."""
    lab.edit("owner", ZONE, ("set", owner, "60", "A", "192.0.2.200"))
    served(lab, owner, names, timeout)


def served(lab, owner, names=None, timeout=20):
    def there(name):
        reply = lab.ask(name, f"{owner}.{ZONE}", "A")
        return reply is not None and reply.answer
    lab.until(lambda: all(there(n) for n in names or servers(lab)), timeout,
              f"{owner} is everywhere", lambda: lab.state("alpha", ZONE))


@contextlib.contextmanager
def watched(lab, keys, hosts=(), names=None):
    """While the body runs, all servers are asked, and whole zones fetched: each of these keys and
    name servers must be in each answer. Gives the watches, by what they look at."""
    judge = all_of(has_keys(keys), has_at_least(hosts))
    watches = {}
    for name in names or servers(lab):
        watches[f"DNSKEY of {name}"] = Watch(lab.server(name), ZONE, "DNSKEY", has_keys(keys))
        if hosts:
            watches[f"NS of {name}"] = Watch(lab.server(name), ZONE, "NS", has_at_least(hosts))
        if name in lab.providers:
            watches[f"AXFR of {name}"] = Transfers(lab.server(name), ZONE, judge)
    try:
        yield watches
    finally:
        for watch in watches.values():
            watch.stop()
    for what, watch in watches.items():
        assert not watch.wrong, f"{what}: {len(watch.wrong)} incomplete answers, {watch.wrong[0]}"
        assert watch.seen > 0, f"{what} was never seen"
