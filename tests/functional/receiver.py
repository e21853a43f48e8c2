# SPDX-License-Identifier: GPL-3.0-or-later
"""A parent's receiver that the test plays itself: records what comes in over UDP and TCP, and answers as
it is told to. And the DSYNC record that leads to it."""

import collections
import socket
import struct
import subprocess
import tempfile
import threading
import time

import dnsq
import labconf

HOST = "receiver.example."
PORT = 5353
NOTIFY, UPDATE = 4, 5
CDS, CSYNC = 59, 62
ANY = 255
KEYSTATE = 65100

Message = collections.namedtuple("Message", "opcode aa qname qtype options tcp wire")


def dsync(rrtype, scheme, port=PORT, target=HOST):
    rdata = struct.pack("!HBH", rrtype, scheme, port) + dnsq.name_to_wire(target)
    return f"\\# {len(rdata)} {rdata.hex()}"


def parse(wire, tcp=False):
    """Header, question, EDNS options."""
    flags, _, an, ns, ar = struct.unpack_from("!5H", wire, 2)
    qname, pos = dnsq.wire_to_name(wire, 12)
    qtype = struct.unpack_from("!H", wire, pos)[0]
    pos += 4
    options = {}
    for _ in range(an + ns + ar):
        _, pos = dnsq.wire_to_name(wire, pos)
        rrtype, length = struct.unpack_from("!H6xH", wire, pos)
        pos += 10
        at = pos
        while rrtype == 41 and at < pos + length:
            code, size = struct.unpack_from("!HH", wire, at)
            options[code] = wire[at + 4:at + 4 + size]
            at += 4 + size
        pos += length
    return Message(flags >> 11 & 15, bool(flags & 0x400), qname, qtype, options, tcp, wire)


def reply(wire, rcode=0, options=b""):
    """The bare answer to a request, with OPT."""
    _, pos = dnsq.wire_to_name(wire, 12)
    flags = struct.unpack_from("!H", wire, 2)[0] & 0x7800 | 0x8000 | rcode & 15
    opt = struct.pack("!BHHIH", 0, 41, 1232, rcode >> 4 << 24, len(options)) + options
    return wire[:2] + struct.pack("!5H", flags, 1, 0, 0, 1) + wire[12:pos + 4] + opt


def ede(code, text=""):
    return struct.pack("!HHH", 15, 2 + len(text), code) + text.encode()


def keystate(key_id, state):
    return struct.pack("!HHHBB", KEYSTATE, 4, key_id, state, 0)


Change = collections.namedtuple("Change", "owner type rclass ttl rdata")


def changes(wire):
    """The update section."""
    an, ns = struct.unpack_from("!2H", wire, 6)
    _, pos = dnsq.wire_to_name(wire, 12)
    pos, found = pos + 4, []
    for number in range(an + ns):
        owner, pos = dnsq.wire_to_name(wire, pos)
        rrtype, rclass, ttl, length = struct.unpack_from("!2HIH", wire, pos)
        pos += 10 + length
        if number >= an:
            found.append(Change(owner, rrtype, rclass, ttl, wire[pos - length:pos]))
    return found


class Key:
    """An ED25519 key for SIG(0), by openssl."""

    def __init__(self, pem, name, make=False):
        self.pem, self.name = pem, name
        if make:
            self.openssl("genpkey", "-algorithm", "ed25519", "-out", pem)
        public = self.openssl("pkey", "-in", pem, "-pubout", "-outform", "DER")[-32:]
        self.rdata = struct.pack("!HBB", 0x200, 3, 15) + public
        self.tag = dnsq.key_tag(self.rdata)

    def openssl(self, *words):
        return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout

    def fixed(self):
        now = int(time.time())
        return struct.pack("!HBBIIIH", 0, 15, 0, 0, now + 300, now - 300, self.tag) + \
            dnsq.name_to_wire(self.name)

    def signature(self, data, *words):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return self.openssl("pkeyutl", "-rawin", "-inkey", self.pem, "-in", file.name, *words)

    def sign(self, wire, request=b""):
        """The message with its SIG(0) behind it (RFC 2931 section 3.1)."""
        fixed = self.fixed()
        rdata = fixed + self.signature(fixed + request + wire, "-sign")
        count = struct.unpack_from("!H", wire, 10)[0] + 1
        return wire[:10] + struct.pack("!H", count) + wire[12:] + \
            struct.pack("!BHHIH", 0, 24, 255, 0, len(rdata)) + rdata

    def verifies(self, wire):
        """Is the last record a good SIG(0) of ours, under our name?"""
        fixed_len = 18 + len(dnsq.name_to_wire(self.name))
        start = len(wire) - 64 - fixed_len
        fixed, signature = wire[start:start + fixed_len], wire[-64:]
        count = struct.unpack_from("!H", wire, 10)[0] - 1
        bare = wire[:10] + struct.pack("!H", count) + wire[12:start - 11]
        if fixed[18:] != dnsq.name_to_wire(self.name):
            return False
        with tempfile.NamedTemporaryFile() as file:
            file.write(signature)
            file.flush()
            try:
                self.signature(fixed + bare, "-verify", "-sigfile", file.name)
            except subprocess.CalledProcessError:
                return False
        return True


class Receiver:
    """answer(message) yields octets, or None for silence."""

    def __init__(self, address, port=PORT):
        self.answer = lambda message: reply(message.wire)
        self.got, self.lock, self.over = [], threading.Lock(), False
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for sock in self.udp, self.tcp:
            sock.bind((address, port))
            sock.settimeout(0.1)
        self.tcp.listen()
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.serve_udp,
                                                                           self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def close(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        self.udp.close()
        self.tcp.close()

    def take(self, message):
        with self.lock:
            self.got.append(message)
        return self.answer(message)

    def serve_udp(self):
        while not self.over:
            try:
                wire, peer = self.udp.recvfrom(65535)
            except TimeoutError:
                continue
            answer = self.take(parse(wire))
            if answer is not None:
                self.udp.sendto(answer, peer)

    def serve_tcp(self):
        while not self.over:
            try:
                conn, _ = self.tcp.accept()
            except TimeoutError:
                continue
            conn.settimeout(2)
            with conn, conn.makefile("rb") as stream:
                wire = stream.read(struct.unpack("!H", stream.read(2))[0])
                answer = self.take(parse(wire, tcp=True))
                if answer is not None:
                    conn.sendall(struct.pack("!H", len(answer)) + answer)

    def messages(self, opcode=NOTIFY, qtype=None):
        with self.lock:
            return [m for m in self.got if m.opcode == opcode and qtype in (None, m.qtype)]


def publish(lab, *records, key=None):
    """DSYNC for every child of example., the receiver's address and KEY."""
    address = lab.address["root"].rsplit(".", 1)[0] + ".98"
    extra = [] if key is None else [("set", HOST, "60", "KEY", "\\#", str(len(key)), key.hex())]
    lab.edit("parent", labconf.INFRA, ("set", HOST, "60", "A", address), *extra,
             *[("set", "*._dsync." + labconf.INFRA, "60", "TYPE66", *record.split())
               for record in records])
    return address


def parent_line(lab, provider, zone):
    return next(line for line in lab.state(provider, zone) if "parent" in line)
