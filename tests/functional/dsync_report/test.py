# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parent publishes, and how it tells the child's operator about errors: Report-Channel
(RFC 9567), only to agent domains of the delegation's own name servers (K-09, P-11), and not again
and again (K-30)."""

import socket
import struct
import threading

import dnsq
from delegation import CHILD, HOSTS, PARENT, PORT, TARGET, Delegation, name_hex

AGENT = f"er.{HOSTS['ns1']}"


class Sink(threading.Thread):
    """The agent domain's server: writes down what is asked, answers with an empty answer."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.names = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, 53))

    def run(self):
        while True:
            try:
                message, sender = self.sock.recvfrom(4096)
            except OSError:
                return
            name, pos = dnsq.wire_to_name(message, 12)
            qtype = struct.unpack_from("!H", message, pos)[0]
            self.names.append((name, qtype))
            question = message[12:pos + 4]
            self.sock.sendto(message[:2] + struct.pack("!5H", 0x8400, 1, 0, 0, 0) + question, sender)

    def reports(self):
        return [name for name, qtype in self.names if qtype == 16 and name.startswith("_er.59.")]


def published(lab):
    """DSYNC, one of each kind (J-01, J-06), signed, by whatever name the child has (J-05, J-07); SVCB
    (M-27), KEY (M-25) and an address (J-04) at the target."""
    server = lab.server("parent")
    port = f"{PORT:04x}"
    target = name_hex(TARGET)
    wanted = {f"003b01{port}{target}", f"003e01{port}{target}", f"00ff02{port}{target}"}
    for name in f"child._dsync.{PARENT}", f"a.b._dsync.{PARENT}":
        found = dnsq.rrset(dnsq.ask(server, name, "TYPE66"), "TYPE66")
        assert {r.rdata.hex() for r in found} == wanted, found
        assert lab.secure(name, "TYPE66")
    svcb = dnsq.rrset(dnsq.ask(server, TARGET, "SVCB"), "SVCB")
    assert len(svcb) == 1 and b"at-apex,manual" in svcb[0].rdata, svcb
    assert svcb[0].rdata[:2] == b"\0\1"      # ServiceMode.
    assert len(dnsq.rrset(dnsq.ask(server, TARGET, "TYPE25"), "TYPE25")) == 1
    assert dnsq.rrset(dnsq.ask(server, TARGET, "A"), "A")
    # Taken back, they come again; other DSYNC there are not for anybody.
    lab.edit("parent", PARENT, ("clear", f"*._dsync.{PARENT}", "TYPE66"),
             ("set", f"*._dsync.{PARENT}", "60", "TYPE66", "\\#", "6", "003b01003500"))
    lab.configure("update: none")
    lab.reload("parent")
    wanted.remove(f"00ff02{port}{target}")
    lab.until(lambda: {r.rdata.hex() for r in dnsq.rrset(
        dnsq.ask(server, f"child._dsync.{PARENT}", "TYPE66"), "TYPE66")} == wanted, 10,
        "DSYNC without UPDATE")


def test(make_lab):
    lab = make_lab(kind=Delegation, items=["scan: 0", "gap: 0", "notify-child-rate: 0"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    published(lab)

    sink_address = lab.address["root"].rsplit(".", 1)[0] + ".99"
    sink = Sink(sink_address)
    sink.start()
    for name in "ns1", "ns2":
        lab.edit(name, CHILD, ("set", AGENT, "5", "NS", f"sink.{HOSTS['ns1']}"),
                 ("set", f"sink.{HOSTS['ns1']}", "5", "A", sink_address))
    lab.cds("always")
    lab.activate("ns1")
    # Another's agent domain: nothing is sent (P-11).
    lab.looked_after(lambda: lab.notify("CDS", CHILD, "-c", f"er.{TARGET}"))
    assert lab.verdict("ds")[:2] == ("refused", "agree"), lab.verdict("ds")
    assert lab.counter("report") == 0
    # Its own: the error code of "the servers differ".
    for _ in range(5):
        lab.looked_after(lambda: lab.notify("CDS", CHILD, "-c", AGENT))
    lab.until(sink.reports, 10, "a report arrives", lambda: sink.names)
    assert set(sink.reports()) == {f"_er.59.{CHILD}24._er.{AGENT}"}, sink.reports()
    lab.until(lambda: lab.counter("report") > 0, 5, "statistics")
    assert lab.counter("report") <= 2
    sink.sock.close()
