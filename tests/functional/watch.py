# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who asks all the time, so that nothing that a server ever shows goes unseen."""

import socket
import struct
import threading

import dnsq

SERVFAIL = 2
PAUSE = 0.001    # Seconds between two questions: an incomplete version is seen for ten or more.


class Asking(threading.Thread):
    """Asks again and again until stopped. `wrong` collects the answers that the judge finds
    incomplete; `held` counts SERVFAIL, `lost` no answer at all, `seen` all others."""

    def __init__(self, server, judge):
        super().__init__(daemon=True)
        self.server, self.judge = server, judge
        self.seen, self.held, self.lost, self.wrong = 0, 0, 0, []
        self.over = threading.Event()
        self.start()

    def note(self, rcode, records):
        """One answer; rcode None: there was none."""
        if rcode is None:
            self.lost += 1
        elif rcode == SERVFAIL:
            self.held += 1
        else:
            self.seen += 1
            if not self.judge(records):
                self.wrong.append(records)

    def run(self):
        while not self.over.wait(PAUSE):
            self.once()

    def stop(self):
        self.over.set()
        self.join()
        return self


class Watch(Asking):
    """For one RRset; the judge gets its records."""

    def __init__(self, server, qname, qtype, judge):
        self.qname, self.qtype = qname, qtype
        super().__init__(server, judge)

    def once(self):
        reply = dnsq.ask(self.server, self.qname, self.qtype, timeout=0.5, tries=1)
        self.note(reply and reply.rcode, reply and dnsq.rrset(reply, self.qtype))


class Transfers(Asking):
    """For the whole zone by AXFR; the judge gets the apex's records."""

    def __init__(self, server, zone, judge):
        self.zone = zone
        super().__init__(server, judge)

    def once(self):
        try:
            rcode, records = axfr(self.server, self.zone)
        except (OSError, struct.error):
            rcode, records = None, None
        self.note(rcode, records)


def axfr(server, zone, timeout=2.0):
    """RCODE and the records of the apex, in the order they came in."""
    host, _, port = server.partition("@")
    with socket.create_connection((host, int(port)), timeout) as conn, \
            conn.makefile("rb") as stream:
        message = dnsq.query(zone, "TYPE252")
        conn.sendall(struct.pack("!H", len(message)) + message)
        records, soas = [], 0
        while soas < 2:
            reply = dnsq.parse(stream.read(struct.unpack("!H", stream.read(2))[0]))
            if reply.rcode != 0:
                return reply.rcode, []
            soas += len(dnsq.rrset(reply, "SOA"))
            records += [record for record in reply.answer if record.owner == zone]
    return 0, records


def has_keys(tags):
    """A judge: these ZSKs are among the DNSKEYs."""
    return lambda records: set(tags) <= {dnsq.key_tag(record.rdata) for record in records
                                         if record.type == dnsq.TYPES["DNSKEY"]}


def has_exactly(names):
    """A judge: these are the NS."""
    return lambda records: sorted(names) == sorted(record.rdata for record in records
                                                   if record.type == dnsq.TYPES["NS"])


def has_at_least(names):
    """A judge: these are among the NS."""
    return lambda records: set(names) <= {record.rdata for record in records
                                          if record.type == dnsq.TYPES["NS"]}


def all_of(*judges):
    return lambda records: all(judge(records) for judge in judges)
