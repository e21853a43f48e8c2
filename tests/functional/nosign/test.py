# SPDX-License-Identifier: GPL-3.0-or-later
"""Providers that do not sign: their NS stand beside those of the signers once their servers serve what
these signed (F-85), their keys are refused, and their own copy is not edited; where nobody signs, the NS
alone are combined, behind the owner's serial (A-22, H-03, G-16, X-11)."""

import dnsq
import labconf
from days import ZONE, arrives, rewrite, served, servers, union_of, watched
from gamma import Gamma, add, dnskey, drop
from lab import AGENT, NOSIGN, hsync
from labconf import nameservers, unsigned_journal

BEHIND = 1 << 30
NS = dnsq.name_to_wire("ns1.gamma.example.").hex()
PLAIN = (("    dnssec-signing: on\n    dnssec-policy: shared\n", ""),
         ("    journal-content: all\n", unsigned_journal()))


def hosts(lab, name):
    return sorted(record.rdata for record in dnsq.rrset(lab.ask(name, ZONE, "NS"), "NS"))


def everywhere(lab, names, what):
    lab.until(lambda: all(hosts(lab, n) == sorted(names) for n in servers(lab)), 20, what,
              lambda: [lab.state(p, ZONE) for p in lab.providers])


def behind_alpha(lab):
    """From now on beta serves what alpha has signed."""
    rewrite(lab, "alpha", ("acl:\n", f"  - id: beta\n    address: {lab.address['beta']}@53\n"
                           f"    via: {lab.address['alpha']}\nacl:\n"),
            ("    notify: secondary\n", "    notify: [ secondary, beta ]\n"))
    rewrite(lab, "beta",
            (f"    address: {lab.address['owner']}@53\n    key: owner-beta\n",
             f"    address: {lab.address['alpha']}@53\n    via: {lab.address['beta']}\n"),
            ("    action: notify\n    key: owner-beta\n",
             f"    action: notify\n    address: {lab.address['alpha']}\n"))
    lab.reload("alpha")
    lab.reload("beta")
    for name in "beta", "beta_secondary":
        lab.knotc(name, "zone-retransfer", ZONE)
        lab.until(lambda n=name: lab.tags(n, ZONE), 20, f"the signed zone is at {name}")


def listed(*names):
    """HSYNC: alpha signs, the others do not."""
    upstream = labconf.identity("alpha")
    return [hsync("alpha", nsmgmt=AGENT)] + \
        [hsync(name, nsmgmt=AGENT, sign=NOSIGN, upstream=upstream) for name in names]


def waits(lab, step, why):
    """alpha lets somebody who does not sign wait in this step."""
    def is_so():
        lines = lab.state("alpha", ZONE)
        return (lines[0].get("process"), lines[0].get("step")) == ("serve", step) and \
            any(why in line.get("reason", "") for line in lines)
    lab.until(is_so, 20, f"it waits in step {step}: {why}", lambda: lab.state("alpha", ZONE))


def comes_in(lab):
    """beta serves the owner's zone, without signatures: its NS stay out until it serves alpha's
    (F-85)."""
    alpha = ["alpha", "alpha_secondary"]
    lab.until(lab.operational, 15, "all are OPERATIONAL")
    waits(lab, "keys", ".beta.example. lacks a DNSKEY")
    arrives(lab, "unsigned")
    assert all(hosts(lab, n) == nameservers("alpha") for n in alpha), "NS of who is not secure"
    assert hosts(lab, "beta") == nameservers("alpha")[:1], "beta's own copy is edited"
    assert lab.serial("beta", ZONE) == lab.serial("owner", ZONE), "beta's own copy is edited"
    behind_alpha(lab)
    lab.until(lambda: lab.joined(ZONE), 30, "beta is in", lambda: lab.state("alpha", ZONE))
    everywhere(lab, union_of(lab), "beta's NS beside alpha's")


def among_signers(make_lab):
    """alpha signs, beta does not, and gamma, whom the test plays, does not either."""
    lab = make_lab(ixfr=False)
    rewrite(lab, "beta", *PLAIN)
    lab.start()
    lab.until(lambda: lab.tags("alpha", ZONE), 20, "the zone is signed")
    lab.set_hsync(ZONE, listed("beta"))
    comes_in(lab)
    gamma = Gamma(lab, listed=False)
    lab.set_hsync(ZONE, listed("beta", "gamma"))
    lab.until(lambda: lab.relation("alpha", "gamma") == "KNOWN", 15, "gamma is KNOWN")
    for rrtype in "DNSKEY", "CDNSKEY":
        answer = gamma.update(drop(rrtype), add(dnskey(1), rrtype))
        assert answer["rcode"] == "REFUSED" and "NOSIGN" in answer["text"], answer
    assert gamma.update(drop("NS"), add(NS, "NS"))["rcode"] == "NOERROR"
    with watched(lab, lab.own_tags("alpha", ZONE), union_of(lab)):
        arrives(lab, "signed")
        # The test answers no HELLO: whoever does not stays outside.
        waits(lab, "agree", "HELLO")
        assert all(hosts(lab, n) == union_of(lab) for n in servers(lab)), "NS of who is not in"
    assert lab.tags("alpha", ZONE) == sorted(lab.own_tags("alpha", ZONE)), "keys of others"
    lab.until(lambda: lab.serial("beta", ZONE) == lab.serial("alpha", ZONE), 10, "beta has the same")
    assert "-> edit (" not in lab.log("beta"), "beta's own copy is edited"
    lab.stop()


def ahead(lab, seen):
    """All serials, each 2^30 behind the owner's or less, and none below what was seen before."""
    owner = lab.serial("owner", ZONE)
    for name in servers(lab):
        serial = lab.serial(name, ZONE)
        behind = (owner - serial) % (1 << 32)
        assert BEHIND - 1000 < behind <= BEHIND, f"{name}: {serial}, owner {owner}"
        assert (serial - seen.get(name, serial)) % (1 << 32) < 1 << 31, f"{name} went back"
        seen[name] = serial


def nobody(make_lab):
    """An unsigned zone."""
    lab = make_lab()
    for provider in lab.providers:
        rewrite(lab, provider, *PLAIN)
    lab.start()
    served(lab, "www1")
    lab.set_hsync(ZONE, [hsync(p, nsmgmt=AGENT, sign=NOSIGN) for p in lab.providers])
    lab.until(lambda: all(hosts(lab, p) == union_of(lab) for p in lab.providers), 20, "the union")
    # To who has the owner's serial ours is older: the operator fetches the zone once.
    for provider in lab.providers:
        lab.knotc(provider + "_secondary", "zone-retransfer", ZONE)
    everywhere(lab, union_of(lab), "the union of the NS")
    seen = {}
    with watched(lab, [], union_of(lab)):
        ahead(lab, seen)
        for i in range(3):
            arrives(lab, f"flows{i}")
            ahead(lab, seen)
        lab.stop("alpha")
        lab.edit("owner", ZONE, ("set", "away", "60", "A", "192.0.2.200"))
        lab.start("alpha")
        served(lab, "away")
        arrives(lab, "restarted")
        lab.kill("beta")
        lab.forget_journal("beta")
        lab.start("beta")
        arrives(lab, "lost")
        everywhere(lab, union_of(lab), "still the union")
        ahead(lab, seen)
    assert not any(dnsq.rrset(lab.ask(n, ZONE, t), t) for n in servers(lab)
                   for t in ("DNSKEY", "CDS", "CDNSKEY", "CSYNC"))


def test(make_lab):
    among_signers(make_lab)
    nobody(make_lab)
