# SPDX-License-Identifier: GPL-3.0-or-later
"""NOTIFY(CDS) leads to a look at every server and to the DS RRset that all of them ask for; one
server that differs or is silent blocks, also when all DNSSEC shall go."""

import os
import struct

import dnsq
from delegation import CHILD, PORT, Delegation, ds_hex


def notify_with(lab, owner, rdata):
    """A NOTIFY(CDS) whose answer section has this record already; its RCODE, or None: no answer."""
    message = os.urandom(2) + struct.pack("!5H", 0x2400, 1, 1, 0, 0)
    message += dnsq.name_to_wire(CHILD) + struct.pack("!2H", 59, 1)
    message += dnsq.name_to_wire(owner) + struct.pack("!HHIH", 59, 1, 60, len(rdata)) + rdata
    answer = dnsq.exchange(f"{lab.address['parent']}@{PORT}", message, timeout=1)
    return None if answer is None else answer[3] & 15


def test(make_lab):
    lab = make_lab(kind=Delegation, items=["scan: 0", "retry: 300", "gap: 0"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    first, second = lab.ds("ns1", CHILD)
    assert lab.at_parent("DS") == {ds_hex(first)}
    assert lab.secure(CHILD)

    # Nothing is wished: nothing changes (K-12).
    serial = lab.serial()
    lab.looked_after(lambda: None)
    assert lab.verdict("ds") == ("same", "none", "no CDS, no CDNSKEY"), lab.verdict("ds")
    assert lab.serial() == serial

    # What stands in a NOTIFY is not believed (K-06); with a record of somebody else it is
    # dropped (K-01).
    rdata = bytes.fromhex(ds_hex(second))
    lab.looked_after(lambda: notify_with(lab, CHILD, rdata))
    assert lab.verdict("ds") == ("same", "none", "no CDS, no CDNSKEY"), lab.verdict("ds")
    assert notify_with(lab, CHILD, rdata) == 0 and notify_with(lab, "other.example.", rdata) is None
    assert lab.serial() == serial

    # Only one of two servers asks for it (K-19, K-21, P-27).
    lab.cds("always")
    lab.looked_after(lambda: lab.activate("ns1"))
    assert lab.verdict("ds")[:2] == ("refused", "agree"), lab.verdict("ds")
    assert lab.serial() == serial
    # The log has the child and the reason (K-15).
    assert any(CHILD in line and lab.verdict("ds")[2] in line for line in lab.log().splitlines())

    # Both do: a look at once, without any scan (K-02).
    lab.activate("ns2")
    answer = lab.notify()
    assert answer["rcode"] == "NOERROR", answer
    lab.until(lambda: lab.at_parent("DS") == {ds_hex(first), ds_hex(second)}, 10,
              "the DS of both keys are at the parent", lambda: (lab.at_parent("DS"), lab.status()))
    assert lab.secure(CHILD)

    # The old key goes.
    lab.activate(retire=True)
    lab.notify()
    lab.until(lambda: lab.at_parent("DS") == {ds_hex(second)}, 10, "the DS of the new key alone",
              lambda: (lab.at_parent("DS"), lab.status()))
    assert lab.secure(CHILD)

    # One server is silent: nothing changes, and it is asked again later (K-20).
    lab.stop("ns2")
    lab.looked_after(lambda: lab.cds("delete-dnssec", "ns1"))
    assert lab.verdict("ds")[:2] == ("wait", "answer"), lab.verdict("ds")
    assert lab.at_parent("DS") == {ds_hex(second)}
    lab.start("ns2")

    # One of two asks for the end of DNSSEC; then both (K-24).
    lab.looked_after(lambda: None)
    assert lab.verdict("ds")[:2] == ("refused", "agree"), lab.verdict("ds")
    lab.cds("delete-dnssec", "ns2")
    lab.notify()
    lab.until(lambda: lab.at_parent("DS") == set(), 10, "the DS RRset goes", lab.status)

    # Not a delegation (K-07); over TCP and without EDNS (K-11); two questions (K-01).
    assert lab.notify("CDS", "nobody.example.")["rcode"] == "REFUSED"
    assert lab.notify("CDS", "example.")["rcode"] != "NOERROR"
    assert lab.notify("CDS", CHILD, "-T")["rcode"] == "NOERROR"
    assert lab.notify("CSYNC", CHILD, "-E")["rcode"] == "NOERROR"
    assert lab.dsgen("-2", "-m", "500", "TO", "notify", CHILD)["rcode"] != "NOERROR"
