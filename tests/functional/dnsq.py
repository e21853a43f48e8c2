# SPDX-License-Identifier: GPL-3.0-or-later
"""A small DNS client for the lab: one query, one parsed answer, fast enough to poll 1,000 times a
second. It validates nothing: that is unbound's job."""

import collections
import os
import socket
import struct

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16,
         "RP": 17, "AAAA": 28, "LOC": 29, "SRV": 33, "NAPTR": 35, "CERT": 37, "DNAME": 39, "DS": 43,
         "SSHFP": 44, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3": 50, "NSEC3PARAM": 51,
         "TLSA": 52, "SMIMEA": 53, "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62,
         "SVCB": 64, "HTTPS": 65, "SPF": 99, "URI": 256, "CAA": 257}

Record = collections.namedtuple("Record", "owner type ttl rdata")
Reply = collections.namedtuple("Reply", "rcode aa tc ad answer authority")


def type_number(rrtype):
    """DNSKEY or TYPE65282 -> the number."""
    return TYPES[rrtype] if rrtype in TYPES else int(rrtype.removeprefix("TYPE"))


def name_to_wire(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def wire_to_name(wire, pos):
    """The lower-case name at pos, and the position behind it."""
    labels, behind = [], None
    while wire[pos] != 0:
        if wire[pos] >= 0xc0:
            behind = behind or pos + 2
            target = struct.unpack_from("!H", wire, pos)[0] & 0x3fff
            if target >= pos:
                raise ValueError("compression pointer does not point back")
            pos = target
            continue
        labels.append(wire[pos + 1:pos + 1 + wire[pos]].decode("latin-1").lower())
        pos += 1 + wire[pos]
    return ".".join(labels) + ".", behind or pos + 1


def query(qname, qtype, rd=False, do=False, cd=False):
    flags = (0x0120 if rd else 0) | (0x0010 if cd else 0)
    head = os.urandom(2) + struct.pack("!5H", flags, 1, 0, 0, 1)
    edns = struct.pack("!BHHIH", 0, 41, 1232, 0x8000 if do else 0, 0)
    return head + name_to_wire(qname) + struct.pack("!2H", type_number(qtype), 1) + edns


def parse(wire):
    _, flags, questions, answers, authorities, _ = struct.unpack_from("!6H", wire)
    pos, sections = 12, []
    for _ in range(questions):
        pos = wire_to_name(wire, pos)[1] + 4
    for count in answers, authorities:
        records = []
        for _ in range(count):
            owner, pos = wire_to_name(wire, pos)
            rrtype, _, ttl, length = struct.unpack_from("!2HIH", wire, pos)
            pos += 10
            rdata = wire[pos:pos + length]
            if rrtype in (TYPES["NS"], TYPES["CNAME"]):
                rdata = wire_to_name(wire, pos)[0]
            records.append(Record(owner, rrtype, ttl, rdata))
            pos += length
        sections.append(records)
    aa, tc, ad = (bool(flags & bit) for bit in (0x400, 0x200, 0x20))
    return Reply(flags & 15, aa, tc, ad, *sections)


def exchange_tcp(address, message, timeout):
    with socket.create_connection(address, timeout) as conn, conn.makefile("rb") as stream:
        conn.sendall(struct.pack("!H", len(message)) + message)
        return stream.read(struct.unpack("!H", stream.read(2))[0])


def exchange(server, message, timeout=1.0, tries=2, tcp=False):
    """Raw octets to addr@port and back; None where nobody answers."""
    host, _, port = server.partition("@")
    address = (host, int(port or 53))
    for _ in range(tries):
        try:
            if tcp:
                return exchange_tcp(address, message, timeout)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(timeout)
                sock.connect(address)
                sock.send(message)
                while True:
                    wire = sock.recv(65535)
                    if wire[:2] == message[:2]:
                        return wire
        except (OSError, struct.error):
            continue
    return None


def ask(server, qname, qtype, timeout=1.0, tries=2, **flags):
    """The Reply of addr@port, or None. flags: rd, do, cd."""
    message = query(qname, qtype, **flags)
    wire = exchange(server, message, timeout, tries)
    if wire is not None and wire[2] & 2:
        wire = exchange(server, message, timeout, tries, tcp=True)
    return None if wire is None else parse(wire)


def rrset(reply, rrtype):
    """Records of one type in the answer section."""
    return [] if reply is None else [r for r in reply.answer if r.type == type_number(rrtype)]


def key_tag(rdata):
    """RFC 4034 appendix B."""
    padded = rdata + b"\0" * (len(rdata) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    return (total + (total >> 16)) & 0xffff


def serial(reply):
    soa = rrset(reply, "SOA")
    return struct.unpack("!I", soa[0].rdata[-20:-16])[0] if soa else None


def signers(reply, zone):
    """Key tags of the zone's signatures over what was answered."""
    tags = set()
    for record in reply.answer + reply.authority:
        if record.type == TYPES["RRSIG"] and wire_to_name(record.rdata, 18)[0] == zone:
            tags.add(struct.unpack_from("!H", record.rdata, 16)[0])
    return tags


def texts(reply):
    """TXT records, each as one string."""
    result = []
    for record in rrset(reply, "TXT"):
        pos, text = 0, b""
        while pos < len(record.rdata):
            text += record.rdata[pos + 1:pos + 1 + record.rdata[pos]]
            pos += 1 + record.rdata[pos]
        result.append(text.decode("utf-8", "replace"))
    return result
