# SPDX-License-Identifier: GPL-3.0-or-later
"""A third provider that the test plays itself: an identity in the signed parent zone, a key, and a
socket that counts what is sent to it. With its key msgen is an authenticated peer."""

import re
import socket
import struct

import labconf
from lab import hsync

HOST = "ns.agent.gamma.example."
IDENTITY = "agent.gamma.example."
ZONE = "zone.example."


class Gamma:
    def __init__(self, lab, key=True, listed=True):
        self.lab = lab
        net = lab.address["root"].rsplit(".", 1)[0]
        self.address = f"{net}.99"
        self.pem = f"{lab.folder}/gamma.pem"
        self.stranger = f"{lab.folder}/stranger.pem"
        for path in self.pem, self.stranger:
            lab.run("openssl", "genpkey", "-algorithm", "ed25519", "-out", path)
        self.key = re.search(r"key=(\w+)", lab.msgen("-k", self.pem, "-s", HOST, "-P"))[1]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, labconf.AGENT_PORT))
        self.socket.setblocking(False)
        self.publish(key)
        self.peer_key = {p: self.served_key(p) for p in lab.providers}
        if listed:
            self.list()

    def publish(self, key=True):
        """URI, SVCB and KEY, all but the last where key is False."""
        uri = struct.pack("!HH", 10, 10) + f"dns://{HOST}:{labconf.AGENT_PORT}/".encode()
        svcb = struct.pack("!H", 1) + b"\0" + struct.pack("!HHH", 3, 2, labconf.AGENT_PORT) + \
            struct.pack("!HH", 4, 4) + socket.inet_aton(self.address)
        records = [("_dns._tcp." + IDENTITY, "TYPE256", uri), (HOST, "TYPE64", svcb)]
        if key:
            records.append((HOST, "TYPE25", bytes.fromhex(self.key)))
        self.lab.edit("parent", labconf.INFRA, *[
            ("set", owner, "60", rrtype, "\\#", str(len(rdata)), rdata.hex())
            for owner, rrtype, rdata in records])

    def served_key(self, provider):
        """The KEY by which a provider's answers are verified."""
        reply = self.lab.until(lambda: self.lab.ask(provider, "ns." + labconf.identity(provider),
                                                    "TYPE25").answer, 10, "KEY is published")
        return next(rr.rdata.hex() for rr in reply if rr.type == 25)

    def list(self, **flags):
        """HSYNC: the two providers and gamma; waits until both know its key."""
        self.lab.set_hsync(ZONE, [hsync("alpha"), hsync("beta"), hsync("gamma", **flags)])
        self.lab.until(lambda: all(self.lab.relation(p, "gamma") in ("KNOWN", "OPERATIONAL")
                                   for p in self.lab.providers), 15, "gamma is KNOWN",
                       lambda: self.lab.state("alpha"))

    def send(self, kind, *options, to="alpha", zone=ZONE, signer=HOST, pem=None):
        """One message; the answer as a dictionary of its key=value words."""
        line = self.lab.msgen("-k", pem or self.pem, "-s", signer, "-v", self.peer_key[to],
                              *options, f"{self.lab.address[to]}@{labconf.AGENT_PORT}", kind, zone)
        text = re.search(r'text="(.*)"', line)
        answer = dict(word.split("=", 1) for word in line.split('text="')[0].split())
        return answer | {"text": text[1] if text else ""}

    def update(self, *records, **options):
        """A contribution: each record is "owner class type ttl hex"."""
        words = [word for record in records for word in ("-R", record)]
        return self.send("update", "-T", *options.pop("flags", ()), *words, **options)

    def received(self):
        """Datagrams that came in since the last call."""
        count = 0
        while True:
            try:
                self.socket.recv(65535)
                count += 1
            except BlockingIOError:
                return count


def dnskey(seed, flags=256, protocol=3, algorithm=13, first=None):
    """RDATA of a key nobody has the private part of, in hexadecimal."""
    octets = 32 if algorithm == 15 else 64
    key = bytes((seed * 37 + i * 11) % 256 for i in range(octets))
    key = (first or key[:4]) + key[4:]
    return struct.pack("!HBB", flags, protocol, algorithm).hex() + key.hex()


def drop(rrtype="DNSKEY", owner=ZONE):
    return f"{owner} 255 {rrtype} 0"


def add(hexdata, rrtype="DNSKEY", owner=ZONE, ttl=300):
    return f"{owner} 1 {rrtype} {ttl} {hexdata}"


def tag(hexdata):
    from dnsq import key_tag
    return key_tag(bytes.fromhex(hexdata))


def started(make_lab, **options):
    """A lab whose two providers are OPERATIONAL and serve each other's ZSK."""
    lab = make_lab(**options)
    lab.start()
    lab.until(lambda: all(lab.tags(p, ZONE) for p in lab.providers), 20, "the zone is signed")
    lab.set_hsync(ZONE, [hsync(p) for p in lab.providers])
    lab.until(lab.operational, 15, "all are OPERATIONAL", lambda: lab.state("alpha"))
    keys = sorted(t for p in lab.providers for t in lab.own_tags(p, ZONE))
    lab.until(lambda: all(lab.tags(n, ZONE) == keys for p in lab.providers
                          for n in (p, p + "_secondary")), 15, "both ZSKs at all servers")
    return lab


def zone_line(lab, provider="alpha"):
    return lab.state(provider, ZONE)[0]


def alarms(lab, provider="alpha"):
    return {line["alarm"] for line in lab.state(provider, ZONE) if "alarm" in line}
