# SPDX-License-Identifier: GPL-3.0-or-later
"""NOTIFY floods: a limit whose excess is acknowledged with EDE 15 (K-03, K-05), one look for many
hints (K-08), no look for names that are not delegated (K-07), answers no longer than questions but
for the reason (P-10); and UPDATE floods (M-12, P-09)."""

import os
import socket
import struct

import dnsq
from delegation import CHILD, PORT, Delegation


def notify(name, edns=True):
    opt = struct.pack("!BHHIH", 0, 41, 1232, 0, 0) if edns else b""
    return os.urandom(2) + struct.pack("!5H", 0x2400, 1, 0, 0, 1 if edns else 0) + \
        dnsq.name_to_wire(name) + struct.pack("!2H", 59, 1) + opt


def send(lab, name, edns=True):
    message = notify(name, edns)
    answer = dnsq.exchange(f"{lab.address['parent']}@{PORT}", message, timeout=3)
    assert answer is not None
    # EDE is option code, length, INFO-CODE: six octets.
    assert len(answer) <= len(message) + (6 if edns else 0), (len(message), len(answer))
    ede = answer[-6:-2] == struct.pack("!2H", 15, 2)
    return answer[3] & 15, struct.unpack("!H", answer[-2:])[0] if edns and ede else None


def over_ipv6(lab):
    """Four sends, unsigned: UDP and TCP, IPv4 and IPv6 (K-11)."""
    for tcp in False, True:
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET6, kind) as sock:
            sock.settimeout(5)
            sock.connect(("::1", lab.port6))
            message = notify(CHILD)
            sock.sendall((struct.pack("!H", len(message)) if tcp else b"") + message)
            answer = sock.recv(4096)[2 if tcp else 0:]
            assert answer[:2] == message[:2] and answer[3] & 15 == 0, answer
        assert lab.notify("CDS", CHILD, *(["-T"] if tcp else []))["rcode"] == "NOERROR"


def test(make_lab):
    lab = make_lab(kind=Delegation, items=["scan: 0", "gap: 1", "burst: 20", "notify-child-rate: 6",
                                           "notify-source-rate: 60", "update-source-rate: 6"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    over_ipv6(lab)

    answers = [send(lab, CHILD) for _ in range(100)]
    assert all(rcode == 0 for rcode, _ in answers), answers
    passed = sum(ede is None for _, ede in answers)
    assert 16 <= passed <= 21, passed      # Four are gone already.
    assert {ede for _, ede in answers} == {None, 15}
    lab.until(lambda: lab.looks() >= 1, 10, "the child is looked at")
    lab.until(lambda: lab.status()[0]["phase"] == "idle", 10, "and the receiver rests")
    assert lab.looks() <= 4, lab.status()

    # The source has used up its share, too; 1 token a second comes back.
    lab.configure("notify-source-rate: 0")
    lab.reload("parent")
    looks = lab.until(lambda: lab.counter("survey"), 5, "statistics")
    assert {send(lab, f"x{i}.example.")[0] for i in range(40)} == {5}
    assert send(lab, "example.")[0] != 0
    assert lab.counter("survey") == looks
    assert send(lab, "x.example.", edns=False) == (5, None)

    # UPDATE: 20 at once, then REFUSED without any verification.
    key = lab.make_key("child")
    codes = [lab.update(key, "-R", f"{CHILD} delset NS 0") for _ in range(24)]
    assert codes[0]["rcode"] == "BADKEY" and codes[-1]["rcode"] == "REFUSED", codes
    assert codes[-1]["ede"] == "15", codes[-1]
