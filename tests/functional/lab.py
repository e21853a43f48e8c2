# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole DNS on loopback: private root, parent, zone owner, providers with a secondary each, and
validating resolvers. The functional tests and the samples run on it."""

import filecmp
import json
import os
import shlex
import shutil
import subprocess

import dnsq
import labconf
from servers import LabError, Servers

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILT = f"{TOP}/build/modules/msigner/.libs/msigner.so"
ON, OFF = 1, 2
OWNER, AGENT = 1, 2
SIGN, NOSIGN = 1, 2
TTL = 60       # Seconds, of the owner's data.
JOIN_TTL = 1   # Seconds, of DNSKEY where a JOIN is waited for.
JOINED = 30    # Seconds: a JOIN with that TTL, on a busy machine.


def hsync(provider, state=ON, nsmgmt=OWNER, sign=SIGN, upstream="."):
    """One HSYNC record as knotc takes it."""
    rdata = bytes([state, nsmgmt, sign]) + dnsq.name_to_wire(labconf.identity(provider)) + \
        dnsq.name_to_wire(upstream)
    return f"\\# {len(rdata)} {rdata.hex()}"


def addresses(names, net):
    """Default addresses below net, e.g. 127.53.100."""
    host = {"root": 1, "parent": 2, "owner": 3, "resolver": 53, "judge": 54}
    for i, name in enumerate(n for n in names if n not in host):
        host[name] = 10 + i
    return {name: f"{net}.{host[name]}" for name in names}


def module_file():
    """The module under test; None where knotd finds the same file by itself, since naming it as
    well is an error to knotd."""
    built = os.path.abspath(os.environ.get("MSIGNER_SO", BUILT))
    if not os.path.exists(built):
        raise LabError(f"{built} does not exist: build it first, or set MSIGNER_SO")
    where = subprocess.run(["pkg-config", "--variable=module_instdir", "knotd"], check=False,
                           capture_output=True, text=True).stdout.strip()
    installed = f"{where}/msigner.so"
    if not os.path.exists(installed):
        return built
    if filecmp.cmp(installed, built, shallow=False):
        return None
    raise LabError(f"knotd loads {installed} by itself, and it is not {built}: remove it, or "
                   "install what you have built")


def receiver_file():
    """mod-dsync of the same build."""
    built = os.path.abspath(os.environ.get("MSIGNER_SO", BUILT)).replace(
        "/msigner/.libs/msigner.so", "/dsync/.libs/dsync.so")
    built = os.environ.get("DSYNC_SO", built)
    if not os.path.exists(built):
        raise LabError(f"{built} does not exist: build it first, or set DSYNC_SO")
    return built


class Lab(Servers):
    """shared: {zone: text or path of its file} is served by every provider. Zones named in `apart`,
    or all of them where module is False, are served without the module, with keys made here.
    Providers named in `combined` have a combiner of their own between the owner and the signer.
    receiver: the parent's server has mod-dsync. dnskey_ttl: at the providers; a JOIN waits that long."""

    def __init__(self, folder, net="127.53.100", providers=("alpha", "beta"), shared=None,
                 module=None, apart=(), address=None, module_items=(), resolvers=("resolver",),
                 survive=False, ixfr=True, combined=(), receiver=False,
                 dnskey_ttl=labconf.DNSKEY_TTL):
        knotds = ["root", "parent", "owner"]
        for provider in providers:
            knotds += [provider, provider + "_secondary"]
        self.combiners = [provider + "_combiner" for provider in combined]
        knotds += self.combiners
        address = address or addresses(knotds + list(resolvers), net)
        super().__init__(folder, knotds, list(resolvers), address,
                         [*providers, *self.combiners, *["parent"] * receiver], survive)
        self.providers, self.apart, self.module_items = list(providers), apart, list(module_items)
        self.ixfr, self.ttl, self.dnskey_ttl = ixfr, TTL, dnskey_ttl
        self.shared = shared or {"zone.example.": small_zone("zone.example.")}
        self.module = os.environ.get("LAB_NO_MODULE") != "1" if module is None else module
        self.module_file = module_file() if self.module else None
        self.receiver_file, self.receiver_items = receiver_file() if receiver else None, []

    def zonefile(self, name, zone):
        return f"{self.path(name)}/{'root' if zone == '.' else zone.rstrip('.')}.zone"

    def front(self, provider):
        """The server of a provider that the owner knows."""
        return provider + "_combiner" if provider + "_combiner" in self.combiners else provider

    def upstream(self, provider):
        """Where a signer gets its zones."""
        return "owner" if self.front(provider) == provider else self.front(provider)

    def takes_part(self, zone):
        return self.module and zone not in self.apart

    def parent_server(self, zone):
        return "root" if labconf.parent_of(zone) == "." else "parent"

    # Preparation

    def prepare(self):
        """Keys, zone files and configurations: everything up to the first start."""
        for name in self.knotds + self.resolvers:
            os.makedirs(self.path(name), exist_ok=True)
        self.prepare_providers()
        parents = {labconf.INFRA} | {labconf.parent_of(zone) for zone in self.shared}
        self.prepare_parents(sorted(parents - {"."}))
        self.write(f"{self.folder}/root.hints", f". 3600000 NS ns.root-servers.{labconf.INFRA}\n"
                   f"ns.root-servers.{labconf.INFRA} 3600000 A {self.address['root']}\n")
        for name in self.resolvers:
            self.prepare_resolver(name)

    def prepare_resolver(self, name):
        self.write(f"{self.path(name)}/unbound.conf", labconf.unbound(self, name))

    def prepare_providers(self):
        for provider in self.providers:
            identity = labconf.identity(provider)
            self.make_keys(provider, identity, single=True)
            self.write(self.zonefile(provider, identity),
                       labconf.soa(identity, labconf.nameservers(provider)[0]))
            self.write(f"{self.path(provider)}/knot.conf", labconf.provider(self, provider))
            self.write(f"{self.path(provider)}_secondary/knot.conf",
                       labconf.secondary(self, provider + "_secondary"))
            for zone in self.shared:
                if not self.takes_part(zone):
                    self.make_keys(provider, zone)
        for name in self.combiners:
            self.write(f"{self.path(name)}/knot.conf", labconf.combiner(self, name))
        self.write(f"{self.path('owner')}/knot.conf", labconf.owner(self))
        for zone, source in self.shared.items():
            if os.path.isfile(source):
                shutil.copyfile(source, self.zonefile("owner", zone))
            else:
                self.write(self.zonefile("owner", zone), source)

    def prepare_parents(self, zones):
        for zone in zones:
            self.make_keys("parent", zone, single=True)
        self.make_keys("root", ".", single=True)
        self.write(f"{self.folder}/root.ds", "".join(f". DS {ds}\n" for ds in self.ds("root", ".")))
        below = "".join(labconf.delegation(labconf.identity(p), labconf.nameservers(p)[:1],
                                           self.ds(p, labconf.identity(p))) for p in self.providers)
        for zone in zones:
            text = labconf.infra_zone(self) + below if zone == labconf.INFRA else \
                labconf.soa(zone, "ns." + labconf.INFRA)
            self.write(self.zonefile("parent", zone), text)
        tops = "".join(labconf.delegation(zone, ["ns." + labconf.INFRA], self.ds("parent", zone))
                       for zone in zones)
        self.write(self.zonefile("root", "."), labconf.root_zone(self, tops))
        self.write(f"{self.path('parent')}/knot.conf", labconf.infra(self, "parent", zones))
        self.write(f"{self.path('root')}/knot.conf", labconf.infra(self, "root", ["."]))

    def msgen(self, *arguments):
        """Raw and signed messages: the helper program of the C part of the tests, from the build
        of the module under test."""
        build = os.environ.get("MSIGNER_SO", BUILT).split("/modules/msigner/.libs/")[0]
        return self.run(os.environ.get("MSGEN", f"{build}/tests/functional/msgen"), *arguments)

    def make_keys(self, name, zone, single=False):
        """First keys of a zone that the module does not care for."""
        for role in [["algorithm=15", "ksk=yes", "zsk=yes"]] if single else \
                [["algorithm=13", "ksk=yes"], ["algorithm=13"]]:
            self.keymgr(name, zone, "generate", *role, "publish=+0", "active=+0")

    def ds(self, name, zone):
        """DS data (SHA-256) of the server's own KSKs."""
        lines = [line.split() for line in self.keymgr(name, zone, "ds").splitlines()]
        return [" ".join(f[2:]) for f in lines if len(f) > 5 and f[1] == "DS" and f[4] == "2"]

    # Playing the people

    def configure(self, provider, *items):
        """Other items of the module at one provider, from a reload on."""
        common, self.module_items = self.module_items, self.module_items + list(items)
        self.write(f"{self.path(provider)}/knot.conf", labconf.provider(self, provider))
        self.module_items = common
        self.reload(provider)

    def forget_journal(self, name):
        """Of a server that does not run: its zones must come from their primaries again."""
        shutil.rmtree(f"{self.path(name)}/journal")

    def replace(self, name, zone, owner, rrtype, ttl, rdata):
        """One RRset becomes rdata, whatever it was."""
        sets = [("set", owner, str(ttl), rrtype, *data.split()) for data in rdata]
        self.edit(name, zone, ("clear", owner, rrtype), *sets)

    def set_hsync(self, zone, records):
        """The owner's whole wish about providers; records from hsync()."""
        self.replace("owner", zone, zone, "TYPE65282", self.ttl, records)

    def delegate(self, zone, providers, ds_of=None):
        """The parent's operator: DS of `ds_of` (default: providers), NS of providers."""
        ds = [rdata for p in (ds_of or providers) for rdata in self.ds(p, zone)]
        ns = [host for p in providers for host in labconf.nameservers(p)]
        where = self.parent_server(zone), labconf.parent_of(zone), zone
        self.replace(*where, "NS", labconf.DS_TTL, ns)
        self.replace(*where, "DS", labconf.DS_TTL, ds)

    def exchange_by_hand(self, zone):
        """What the module is for: each provider publishes the ZSKs of the others."""
        keys = {key.rdata for p in self.providers
                for key in dnsq.rrset(self.ask(p, zone, "DNSKEY"), "DNSKEY") if key.rdata[1] == 0}
        for name in self.providers:
            there = self.tags(name, zone)
            self.edit(name, zone, *[("set", zone, "DNSKEY", "\\#", str(len(key)), key.hex())
                                    for key in keys if dnsq.key_tag(key) not in there])

    # Looking

    def ask(self, name, qname, qtype, **flags):
        return dnsq.ask(self.server(name), qname, qtype, **flags)

    def own_tags(self, name, zone, ksk=False):
        """Key tags of a provider's own ZSKs or KSKs, as its key store has them."""
        return {key["tag"] for key in json.loads(self.keymgr(name, zone, "-j", "list"))
                if key["ksk"] == ksk}

    def tags(self, name, zone, flags=256):
        """Key tags of the keys with these flags that a server has in its DNSKEY RRset."""
        keys = dnsq.rrset(self.ask(name, zone, "DNSKEY"), "DNSKEY")
        return sorted(dnsq.key_tag(key.rdata) for key in keys
                      if int.from_bytes(key.rdata[:2], "big") == flags)

    def serial(self, name, zone):
        return dnsq.serial(self.ask(name, zone, "SOA"))

    def state(self, name, subject=None):
        """`_msigner.SUBJECT TXT` (default: its own identity): a dictionary for each line."""
        qname = f"_msigner.{subject or labconf.identity(name)}"
        lines = dnsq.texts(self.ask(name, qname, "TXT"))
        return [dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)
                for line in lines]

    def relation(self, name, peer):
        """The relation of a provider to a peer: OPERATIONAL, …; None where it has none."""
        for line in self.state(name):
            if line.get("peer") == labconf.identity(peer):
                return line["state"]
        return None

    def operational(self):
        return all(self.relation(a, b) == "OPERATIONAL"
                   for a in self.providers for b in self.providers if a != b)

    def counters(self, name, *wanted):
        """The module's statistics with these names, zeros, too, and with all that has happened
        until now: they are shown a moment late, so a refusal of ours is waited for."""
        def shown():
            return dict(line.removeprefix("mod-msigner.").split(" = ") for line in
                        self.knotc(name, "-f", "stats", "mod-msigner").splitlines())
        before = shown()
        self.msgen("-u", f"{self.address[name]}@{labconf.AGENT_PORT}", "hello",
                   labconf.identity(name))
        self.until(lambda: shown() != before, 10, f"{name} shows new statistics")
        return {key: int(value) for key, value in shown().items() if key.split("[")[0] in wanted}

    def log(self, name):
        with open(f"{self.path(name)}/log", encoding="utf-8", errors="replace") as log:
            return log.read()

    def joined(self, zone):
        """Is everybody a member by the word of all providers, and no process under way?"""
        said = [self.state(p, zone) for p in self.providers]
        return all(lines and lines[0].get("process") == "none" and
                   all(line.get("member", "yes") == "yes" for line in lines) for lines in said)

    def joins(self, zone, records=None, timeout=JOINED):
        """The group is complete: the NS of all are in the zone. records: HSYNC (default: all of them
        AGENT and signers)."""
        self.set_hsync(zone, records or [hsync(p, nsmgmt=AGENT) for p in self.providers])
        self.until(lambda: self.joined(zone), timeout, "all are members",
                   lambda: [self.state(p, zone) for p in self.providers])

    def secure(self, qname, qtype="SOA", resolver="resolver"):
        reply = self.ask(resolver, qname, qtype, rd=True, timeout=5)
        return reply is not None and reply.rcode in (0, 3) and reply.ad

    def force(self, resolver, zone, provider):
        """From now on the resolver asks only this provider's servers about the zone."""
        servers = self.address[provider], self.address[provider + "_secondary"]
        self.unbound_control(resolver, "stub_remove", zone)
        self.unbound_control(resolver, "stub_add", zone, *servers)


def small_zone(zone):
    """A dozen names."""
    text = labconf.soa(zone, labconf.nameservers("alpha")[0])
    return text + "".join(f"www{i}.{zone} 60 A 192.0.2.{i}\n" for i in range(1, 13))
