# SPDX-License-Identifier: GPL-3.0-or-later
"""A parent with mod-dsync, and a child zone on name servers that may disagree: a root and example.
signed, child.example. on ns1 (below the child, with glue) and ns2 (outside of it), and ns3 in reserve."""

import os
import shlex
import shutil

import dnsq
import labconf
from lab import receiver_file
from servers import LabError, Servers

CHILD = "child.example."
PARENT = "example."
TARGET = "dsync.example."
SERVERS = ["ns1", "ns2", "ns3"]
HOSTS = {"ns1": "ns1.child.example.", "ns2": "ns.beta.example.", "ns3": "ns3.child.example."}
PORT = 5399
TTL = 5

POLICY = """\
policy:
  - id: hand
    manual: on
    algorithm: ED25519
    dnskey-ttl: 5
    dnskey-management: incremental
    delete-delay: 10
    cds-cdnskey-publish: {cds}
"""


def name_hex(name):
    return dnsq.name_to_wire(name).hex()


def a_record(address):
    return bytes(int(part) for part in address.split(".")).hex()


class Delegation(Servers):
    """items: further lines of the module's section. secure: the parent has a DS from the start."""

    def __init__(self, folder, net, items=(), secure=True, children=(CHILD,), survive=False,
                 sections="", zone_items=()):
        host = {"root": 1, "parent": 2, "ns1": 11, "ns2": 12, "ns3": 13, "resolver": 53}
        address = {name: f"{net}.{number}" for name, number in host.items()}
        super().__init__(folder, ["root", "parent", *SERVERS], ["resolver"], address, ["parent"],
                         survive)
        self.items, self.is_secure, self.children = list(items), secure, list(children)
        self.port6 = 20000 + int(net.split(".")[2])     # On ::1, one for each lab.
        self.sections, self.zone_items = sections, list(zone_items)
        self.keys = {}          # {zone: [first KSK, second KSK, ZSK]}, as keymgr calls them
        self.providers, self.module_file = [], receiver_file()
        self.msgen_path = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
            os.path.dirname(self.module_file)))), "tests/functional/dsgen")

    # Preparation

    def prepare(self):
        for name in self.knotds + self.resolvers:
            os.makedirs(self.path(name), exist_ok=True)
        self.prepare_children()
        self.keymgr("parent", PARENT, "generate", "algorithm=15", "ksk=yes", "zsk=yes",
                    "publish=+0", "active=+0")
        self.keymgr("root", ".", "generate", "algorithm=15", "ksk=yes", "zsk=yes", "publish=+0",
                    "active=+0")
        self.write(f"{self.folder}/root.ds", "".join(f". DS {ds}\n" for ds in self.ds("root", ".")))
        self.write(f"{self.folder}/root.hints", ". 3600000 NS ns.root-servers.example.\n"
                   f"ns.root-servers.example. 3600000 A {self.address['root']}\n")
        self.write(f"{self.path('root')}/root.zone", labconf.root_zone(
            self, labconf.delegation(PARENT, ["ns.example."], self.ds("parent", PARENT))))
        self.write(f"{self.path('parent')}/example.zone", self.parent_zone())
        self.write(f"{self.path('root')}/knot.conf", labconf.infra(self, "root", ["."]))
        self.configure()
        self.write(f"{self.path('resolver')}/unbound.conf", labconf.unbound(self, "resolver"))

    def zonefile(self, name, zone):
        return f"{self.path(name)}/{'root' if zone == '.' else zone.rstrip('.')}.zone"

    def prepare_children(self):
        """Two KSKs and a ZSK, the same at every server: the parent knows the first KSK, the second one
        signs DNSKEY and has no CDS before it is made active."""
        for zone in self.children:
            for role in ["ksk=yes", "active=+0"], ["ksk=yes", "active=0"], ["ksk=no", "active=+0"]:
                key = self.keymgr("ns1", zone, "generate", "algorithm=15", "publish=+0", *role)
                self.keys.setdefault(zone, []).append(key)
        for name in SERVERS:
            if name != "ns1":
                shutil.copytree(f"{self.path('ns1')}/keys", f"{self.path(name)}/keys",
                                dirs_exist_ok=True)
            for zone in self.children:
                self.write(self.zonefile(name, zone), self.child_zone(zone))
            self.configure_child(name, "none")

    def configure_child(self, name, cds):
        listen = [f"{self.address[name]}@53"]
        text = labconf.head(self, name, listen) + POLICY.format(cds=cds) + "zone:\n"
        for zone in self.children:
            text += (f"  - domain: {zone}\n    file: {self.zonefile(name, zone)}\n"
                     "    zonefile-sync: -1\n    zonefile-load: whole\n    dnssec-signing: on\n"
                     "    dnssec-policy: hand\n")
        self.write(f"{self.path(name)}/knot.conf", text)

    def hosts(self, zone):
        return {name: host.replace(CHILD, zone) for name, host in HOSTS.items()}

    def child_zone(self, zone):
        hosts = self.hosts(zone)
        text = f"{zone} {TTL} SOA {hosts['ns1']} hostmaster.example. 1 300 2 86400 {TTL}\n"
        text += "".join(f"{zone} {TTL} NS {hosts[name]}\n" for name in ("ns1", "ns2"))
        return text + "".join(f"{hosts[name]} {TTL} A {self.address[name]}\n"
                              for name in ("ns1", "ns3"))

    def parent_zone(self):
        text = labconf.infra_zone(self) + f"ns.beta.example. 60 A {self.address['ns2']}\n"
        for zone in self.children:
            hosts = self.hosts(zone)
            text += labconf.delegation(zone, [hosts["ns1"], hosts["ns2"]],
                                       self.ds("ns1", zone)[:1] if self.is_secure else [])
            text += f"{hosts['ns1']} 60 A {self.address['ns1']}\n"
        return text

    def configure(self, *items):
        """The parent's knot.conf with further items of the module."""
        listen = [f"{self.address['parent']}@53", f"{self.address['parent']}@{PORT}",
                  f"::1@{self.port6}"]
        text = labconf.head(self, "parent", listen) + labconf.POLICIES + self.sections + f"""\
module:
  - id: mod-dsync
    file: {self.module_file}
mod-dsync:
  - id: default
    target: {TARGET}
    address: {self.address['parent']}@{PORT}
    control: {self.path('parent')}/knot.sock
    root-hints: {self.folder}/root.hints
    trust-anchor: {self.folder}/root.ds
""" + "".join(f"    {line}\n" for line in [*self.items, *items]) + f"""\
template:
  - id: default
    global-module: mod-dsync/default
zone:
  - domain: {PARENT}
    file: {self.path('parent')}/example.zone
    zonefile-sync: -1
    dnssec-signing: on
    dnssec-policy: single
    module: mod-dsync/default
""" + "".join(f"    {line}\n" for line in self.zone_items)
        self.write(f"{self.path('parent')}/knot.conf", text)

    def ds(self, name, zone):
        """DS data (SHA-256) of the server's own KSKs, in the order in which they were made."""
        keys = self.keys.get(zone, [""])[:2]
        lines = [line.split() for key in keys
                 for line in self.keymgr(name, zone, "ds", *[key] if key else []).splitlines()]
        return [" ".join(f[2:]) for f in lines if len(f) > 5 and f[1] == "DS" and f[4] == "2"]

    # Playing the child

    def cds(self, mode, *servers, zone=CHILD):
        """What these servers publish: none, always (CDS and CDNSKEY of active KSKs), delete-dnssec."""
        for name in servers or ("ns1", "ns2"):
            self.configure_child(name, mode)
            self.knotc(name, "reload")
            self.knotc(name, "zone-keys-load", zone)
            self.until(lambda n=name: bool(self.said(n, "CDS", zone)) == (mode != "none") and
                       ("0000000000" in self.said(n, "CDS", zone)) == (mode == "delete-dnssec"),
                       10, f"{name} has CDS as for {mode}", lambda n=name: self.said(n, "CDS", zone))

    def activate(self, *servers, zone=CHILD, retire=False):
        """The second KSK gets its CDS as well; retire: instead of the first one."""
        first, second, _ = self.keys[zone]
        for name in servers or ("ns1", "ns2"):
            self.keymgr(name, zone, "set", second, "active=+0")
            if retire:
                self.keymgr(name, zone, "set", first, "retire_active=+0")
            self.knotc(name, "zone-keys-load", zone)
            self.until(lambda n=name: len(self.said(n, "CDS", zone)) == (1 if retire else 2), 10,
                       f"{name} has the CDS", lambda n=name: self.said(n, "CDS", zone))

    def said(self, name, rrtype, zone=CHILD):
        """What one server says: RDATA in hex, NS as names."""
        return {r.rdata if rrtype == "NS" else r.rdata.hex()
                for r in dnsq.rrset(dnsq.ask(self.server(name), zone, rrtype), rrtype)}

    def dsgen(self, *arguments, port=PORT):
        """A message to the receiver; what it answered as a dictionary."""
        words = [word if word != "TO" else f"{self.address['parent']}@{port}" for word in arguments]
        said = self.run(self.msgen_path, *words)
        return dict(word.split("=", 1) for word in shlex.split(said) if "=" in word)

    def notify(self, rrtype="CDS", zone=CHILD, *options):
        return self.dsgen("-q", rrtype, *options, "TO", "notify", zone)

    def update(self, key, *words, where=PARENT, signer=CHILD):
        return self.dsgen("-T", "-k", key[0], "-s", signer, *words, "TO", "update", where)

    def upload(self, key, *words):
        return self.update(key, *words, "-R", f"{CHILD} delset KEY 0", "-R",
                           f"{CHILD} add KEY 60 {key[1]}")

    def keystate(self, key, *words):
        return self.dsgen("-T", "-k", key[0], "-s", CHILD, "-i", key[2], *words, "TO", "inquiry",
                          CHILD)

    def publish_key(self, *keys, servers=SERVERS):
        """At the child's apex, instead of what is there."""
        for name in servers:
            sets = [("set", CHILD, str(TTL), "KEY", "\\#", str(len(k[1]) // 2), k[1]) for k in keys]
            self.edit(name, CHILD, ("clear", CHILD, "KEY"), *sets)

    def trusted(self, key):
        """The whole way of a key of a signed child."""
        self.publish_key(key)
        self.upload(key)
        self.until(lambda: self.keystate(key)["keystate"] == "trusted", 10, "the key is trusted",
                   self.status)

    def make_key(self, name):
        """A SIG(0) key: path of its file, KEY RDATA (hex), tag."""
        path = f"{self.folder}/{name}.pem"
        self.run("openssl", "genpkey", "-algorithm", "ED25519", "-out", path)
        rdata, tag = self.run(self.msgen_path, "-k", path, "-s", CHILD, "-P").split()
        return path, rdata, tag

    # Looking

    def at_parent(self, rrtype, zone=CHILD):
        """RDATA that the parent has about the child: NS as names, others in hex."""
        reply = dnsq.ask(self.server("parent"), zone, rrtype)
        found = reply.answer + reply.authority if rrtype == "NS" else reply.answer
        return {r.rdata if rrtype == "NS" else r.rdata.hex() for r in found
                if r.type == dnsq.type_number(rrtype) and r.owner == zone}

    def dig_glue(self, host, zone=CHILD):
        """Addresses in the parent's referrals."""
        said = self.run("kdig", "+norec", f"@{self.address['parent']}", zone, "NS")
        fields = [line.split() for line in said.splitlines()]
        return {f[4] for f in fields if len(f) == 5 and f[0] == host and f[3] == "A"}

    def serial(self):
        return dnsq.serial(dnsq.ask(self.server("parent"), PARENT, "SOA"))

    def secure(self, qname, qtype="SOA"):
        reply = dnsq.ask(self.server("resolver"), qname, qtype, rd=True, timeout=5)
        return reply is not None and reply.rcode in (0, 3) and reply.ad

    def status(self, zone=CHILD):
        """`_dsync-status.ZONE TXT`: a dictionary for each line."""
        reply = dnsq.ask(self.server("parent"), f"_dsync-status.{zone}", "TXT")
        return [dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)
                for line in dnsq.texts(reply)]

    def verdict(self, what, zone=CHILD):
        """The receiver's last verdict about ds, ns or anything ("last"): (verdict, rule, why)."""
        for line in self.status(zone):
            if what in line:
                return line[what], line["rule"], line["why"]
        return None

    def looks(self, zone=CHILD):
        """How many looks at the child have ended; -1 while one is under way."""
        lines = self.status(zone)
        if not lines or "child" not in lines[0]:
            return 0
        return int(lines[0]["looks"]) if lines[0]["phase"] == "idle" else -1

    def looked_after(self, action, zone=CHILD):
        """Does something, hints at the child, and waits for a look that began afterwards."""
        action()
        before = self.until(lambda: self.looks(zone) + 1, 30, "the receiver rests") - 1
        answer = self.notify("CDS", zone)
        self.until(lambda: self.looks(zone) > before, 30, "the receiver looked at the child",
                   lambda: (answer, self.status(zone)))

    def counter(self, name):
        for line in self.knotc("parent", "-f", "stats", "mod-dsync").splitlines():
            key, _, value = line.removeprefix("mod-dsync.").partition(" = ")
            if key == name:
                return int(value)
        raise LabError(f"no statistics {name}")

    def read(self, path):
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log(self, name="parent"):
        return self.read(f"{self.path(name)}/log")


def ds_hex(text):
    """DS data in presentation form to hex."""
    tag, algorithm, digest, data = text.split(maxsplit=3)
    return f"{int(tag):04x}{int(algorithm):02x}{int(digest):02x}{data.replace(' ', '').lower()}"
