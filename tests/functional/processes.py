# SPDX-License-Identifier: GPL-3.0-or-later
"""Three providers under NSMgmt AGENT, a parent with mod-dsync, resolvers of three kinds, and short
TTLs: what the scenarios of the multi-signer processes share."""

import contextlib
import json
import threading
import time

import labconf
import resolvers
from chains import Chains
from dnsq import rrset
from lab import AGENT, ON, Lab, hsync
from prober import Prober

ZONE = "zone.example."
PROVIDERS = "alpha", "beta", "gamma"
NAMES = 100
TTL = 2


def items(max_ttl=TTL):
    """Of the module."""
    return ["hello-retry: 1s", f"max-ttl: {max_ttl}s", "heartbeat: 1s"]


ITEMS = items()


def zone_text(soa_ttl=TTL, ns_ttl=TTL):
    hosts = labconf.nameservers("alpha")
    text = f"{ZONE} {soa_ttl} SOA {hosts[0]} hostmaster.{labconf.INFRA} 1 300 2 86400 {TTL}\n"
    text += "".join(f"{ZONE} {ns_ttl} NS {host}\n" for host in hosts)
    return text + "".join(f"www{i}.{ZONE} {TTL} A 192.0.2.{i}\n" for i in range(NAMES))


class Trio(Lab):
    """The lab of processes; module=False: the same without our care."""

    def __init__(self, folder, net, **options):
        super().__init__(folder, net, **{
            "providers": PROVIDERS, "shared": {ZONE: zone_text()}, "receiver": True,
            "resolvers": tuple(resolvers.KINDS), "module_items": ITEMS} | options)
        self.ttl = self.dnskey_ttl = TTL
        # A provider that is dead may go.
        self.receiver_items = ["silent-servers: drop", "retries: 2"]

    def prepare_resolver(self, name):
        resolvers.KINDS[name].prepare(self, name)

    def server(self, name):
        return f"127.0.0.1@{resolvers.named_port(self)}" if name == "named" else super().server(name)

    def ready(self, name):
        return resolvers.answers(self, name) if name in self.resolvers else super().ready(name)

    def hosts(self):
        """{server: (its name in NS, address@port)}"""
        return {name: (host, self.server(name)) for p in self.providers
                for name, host in zip((p, p + "_secondary"), labconf.nameservers(p))}

    # The owner

    def members(self, *providers, off=(), **fields):
        """The owner's HSYNC RRset: these ON, those OFF."""
        self.set_hsync(ZONE, [hsync(p, nsmgmt=AGENT, **fields) for p in providers] +
                       [hsync(p, state=ON + 1, nsmgmt=AGENT) for p in off])

    # Looking

    def own_tags(self, name, zone, ksk=False):
        """Without keys that were removed: knotd forgets those some time later."""
        return {key["tag"] for key in json.loads(self.keymgr(name, zone, "-j", "list"))
                if key["ksk"] == ksk and not key["remove"]}

    def line(self, provider):
        """The first line of the zone's state; {} where there is no answer."""
        lines = self.state(provider, ZONE)
        return lines[0] if lines else {}

    def who_is_in(self, provider):
        """Members by the word of one provider."""
        lines = self.state(provider, ZONE)
        if not lines:
            return None
        inside = {line["provider"].split(".")[1] for line in lines
                  if "provider" in line and line.get("member") == "yes"}
        return inside | ({provider} if lines[0].get("member") == "yes" else set())

    def settled(self, *providers):
        """No process runs, by the word of each of these, and they are the members."""
        return all(self.line(p).get("process") == "none" and self.who_is_in(p) == set(providers)
                   for p in providers)

    def settles(self, *providers, timeout=45):
        self.until(lambda: self.settled(*providers), timeout,
                   f"{', '.join(providers)} are the members", lambda: self.positions(*providers))

    def positions(self, *providers):
        """For error messages: where each says the zone is."""
        wanted = "process", "step", "subject", "waits-for", "until", "member"
        return {p: {key: self.line(p)[key] for key in wanted if key in self.line(p)}
                for p in providers or self.providers}

    def ksks(self, *providers):
        return {p: frozenset(self.own_tags(p, ZONE, ksk=True)) for p in providers or self.providers}

    def parents(self, rrtype):
        """Key tags of DS, or names of NS, as the parent has them."""
        reply = self.ask("parent", ZONE, rrtype)
        if rrtype == "DS":
            return {int.from_bytes(r.rdata[:2], "big") for r in rrset(reply, "DS")}
        return sorted(r.rdata for r in reply.authority if r.type == 2)

    def servers_of(self, *providers):
        return [name for p in providers for name in (p, p + "_secondary")]

    def complete(self, *providers):
        """Has each server of these the ZSKs and the CDS of all of them, and no others?"""
        zsks = sorted(tag for p in providers for tag in self.own_tags(p, ZONE))
        ksks = sorted(tag for p in providers for tag in self.ksks(p)[p])
        return all(self.tags(name, ZONE) == zsks and self.cds(name) == ksks
                   for name in self.servers_of(*providers))

    def cds(self, name):
        """Key tags of CDS at a server."""
        return sorted(int.from_bytes(r.rdata[:2], "big")
                      for r in rrset(self.ask(name, ZONE, "CDS"), "CDS"))

    def union(self, *providers):
        return sorted(host for p in providers for host in labconf.nameservers(p))

    def delegated(self, *providers):
        """Has the parent all of these, and nothing else?"""
        tags = {tag for p in providers for tag in self.ksks(p)[p]}
        return self.parents("NS") == self.union(*providers) and self.parents("DS") == tags


def begun(make_lab, **options):
    """A lab in which alpha signs alone, delegated by hand, and all resolvers find that secure."""
    lab = make_lab(kind=Trio, **options)
    lab.start()
    lab.until(lambda: all(lab.tags(p, ZONE, 257) for p in lab.providers), 30, "the zone is signed")
    lab.delegate(ZONE, ["alpha"])
    lab.until(lambda: all(lab.secure(ZONE, resolver=r) for r in lab.resolvers), 20,
              "all resolvers find the zone secure")
    return lab


def algorithm_rolled(lab, *members, timeout=100):
    """All are told of the new algorithm first, then ordered to roll to it; no old key stays."""
    def keys(provider):
        return lab.own_tags(provider, ZONE) | lab.ksks(provider)[provider]
    old = {p: keys(p) for p in members}
    for provider in members:
        lab.configure(provider, "algorithm: ed25519")
    lab.settles(*members)
    for provider in members:
        lab.configure(provider, "algorithm: ed25519", f'roll: [ "{ZONE} algorithm" ]')
    lab.until(lambda: not any(old[p] & keys(p) for p in members), timeout, "all old keys are gone",
              lambda: lab.positions(*members))
    lab.settles(*members)
    assert all(len(keys(p)) == len(old[p]) for p in members), (old, lab.ksks(*members))
    assert lab.delegated(*members), lab.parents("DS")
    for name in [name for p in members for name in (p, p + "_secondary")]:
        keyset = rrset(lab.ask(name, ZONE, "DNSKEY"), "DNSKEY")
        assert {key.rdata[3] for key in keyset} == {15}, name


class Diary(threading.Thread):
    """Each change of process and step that a provider shows, with its time."""

    def __init__(self, lab, since):
        super().__init__(daemon=True)
        self.lab, self.since, self.over, self.lines, self.last = lab, since, threading.Event(), [], {}
        self.start()

    def run(self):
        while not self.over.wait(0.1):
            for provider in self.lab.providers:
                line = self.lab.line(provider)
                now = " ".join(line.get(key, "-") for key in ("process", "step", "subject", "member"))
                if line and self.last.get(provider) != now:
                    self.last[provider] = now
                    self.lines.append(f"{time.monotonic() - self.since:.1f} s {provider}: {now}")

    def stop(self):
        self.over.set()
        self.join()


@contextlib.contextmanager
def probed(lab, seed=1):
    """While the body runs every resolver is asked, and every server is looked at. Afterwards: not one
    answer may have been wrong, and not one chain of trust broken."""
    prober = Prober({r: lab.server(r) for r in lab.resolvers}, ZONE, NAMES, seed)
    chains = Chains(ZONE, lab.hosts(), {"parent": lab.server("parent")})
    diary = Diary(lab, prober.start_at)
    try:
        yield prober, chains
    except Exception as error:
        raise AssertionError(f"{error}\n" + "\n".join(diary.lines + [prober.report()])) from error
    finally:
        diary.stop()
        prober.stop()
        chains.stop()
    story = "\n".join(diary.lines)
    assert not prober.failures, f"{prober.report()}\n{story}"
    assert not chains.broken(), "\n".join(chains.broken()[:10]) + f"\n{story}"
    assert min(prober.asked.values()) > 20, prober.asked
