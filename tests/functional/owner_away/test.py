# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner's server is away: keys and NS of the providers still flow, until the zone expires; when
it is back, everything heals, and no version without everybody's records leaves (G-27)."""

from days import (ZONE, agents, arrives, complete, new_key, own_keys, rewrite, servers, union_of,
                  watched)
from gamma import started
from lab import JOIN_TTL
from labconf import INFRA, nameservers

EXPIRE = 12    # Seconds: all that flows meanwhile must have time enough.
SERVFAIL = 2


def limit(lab, expire):
    """The owner's SOA: refresh, retry, expire."""
    serial = lab.serial("alpha", ZONE) + 100
    lab.edit("owner", ZONE, ("set", ZONE, "60", "SOA", nameservers("alpha")[0],
                             "hostmaster." + INFRA, str(serial), "2", "2", str(expire), "5"))


def expired(lab, name):
    reply = lab.ask(name, ZONE, "SOA")
    return reply is not None and reply.rcode == SERVFAIL


def test(make_lab):
    lab = started(make_lab, dnskey_ttl=JOIN_TTL)
    agents(lab)
    keys, hosts = own_keys(lab), union_of(lab)
    kept = [host for host in hosts if host != nameservers("beta")[1]]

    with watched(lab, keys, kept):
        limit(lab, EXPIRE)
        arrives(lab, "limited")
        lab.stop("owner")
        new_key(lab, "alpha")
        lab.until(lambda: complete(lab, own_keys(lab), hosts), EXPIRE - 2, "a new key flows")
        assert len(own_keys(lab)) == len(keys) + 1
        rewrite(lab, "beta", (nameservers("beta")[1], "ns3.beta.example."))
        lab.knotc("beta", "reload")
        hosts = kept + ["ns3.beta.example."]
        lab.until(lambda: complete(lab, own_keys(lab), hosts), EXPIRE - 2, "a new NS flows")
        lab.until(lambda: all(expired(lab, n) for n in servers(lab)), EXPIRE + 15, "it expires")
        lab.start("owner")
        lab.until(lambda: complete(lab, own_keys(lab), hosts), 20, "everything heals",
                  lambda: lab.state("alpha", ZONE))
        arrives(lab, "back")
