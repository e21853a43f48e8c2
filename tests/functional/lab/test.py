# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab itself, without the module: what must validate does, what must not does not. If this
fails, no other scenario says anything."""

import dnsq
import labconf

ZONE = "zone.example."


def cross(lab, keys_from, data_from):
    """The resolver has the DNSKEY set of one provider and asks the other: its reply."""
    lab.unbound_control("resolver", "flush_zone", ZONE)
    lab.force("resolver", ZONE, keys_from)
    assert lab.secure(ZONE, "DNSKEY"), f"DNSKEY set of {keys_from} is not secure"
    lab.force("resolver", ZONE, data_from)
    return lab.ask("resolver", "www1." + ZONE, "A", rd=True, do=True, timeout=5)


def test(make_lab):
    lab = make_lab(module=False)
    lab.start()
    servers = [name for p in lab.providers for name in (p, p + "_secondary")]
    lab.until(lambda: all(lab.tags(name, ZONE) for name in servers), 10, "all serve the zone")
    assert lab.tags("alpha", ZONE) == lab.tags("alpha_secondary", ZONE)
    assert lab.tags("alpha", ZONE) != lab.tags("beta", ZONE)

    reply = lab.ask("resolver", ZONE, "SOA", rd=True, timeout=5)
    assert reply.rcode == 3, "the parent does not delegate yet"
    lab.unbound_control("resolver", "flush_zone", labconf.INFRA)
    lab.delegate(ZONE, ["alpha", "beta"])
    for provider in lab.providers:
        assert lab.secure(labconf.identity(provider)), f"identity zone of {provider}"

    for pair in ("alpha", "beta"), ("beta", "alpha"):
        assert cross(lab, *pair).rcode == 2, f"keys of {pair[0]} validate data of {pair[1]}"
    lab.exchange_by_hand(ZONE)
    lab.until(lambda: all(len(lab.tags(name, ZONE)) == 2 for name in servers), 10,
              "both ZSKs at all servers")
    for pair in ("alpha", "beta"), ("beta", "alpha"):
        reply = cross(lab, *pair)
        assert reply.ad and dnsq.signers(reply, ZONE) == lab.own_tags(pair[1], ZONE)

    lab.knotc("owner", "zone-begin", ZONE)
    lab.knotc("owner", "zone-abort", ZONE)
    lab.edit("owner", ZONE, ("set", "new." + ZONE, "60", "A", "192.0.2.99"))
    lab.until(lambda: all(lab.ask(name, "new." + ZONE, "A").answer for name in servers), 10,
              "an owner's change reaches all four servers")
    lab.stop("beta", "beta_secondary")
    assert lab.secure("www2." + ZONE, "A"), "one provider is enough"
