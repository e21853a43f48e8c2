# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who asks all the time, so that nothing that a server ever shows goes unseen."""

import threading

import dnsq

SERVFAIL = 2


class Watch(threading.Thread):
    """Asks the server for one RRset again and again until stopped. `wrong` collects the answers
    that the judge finds incomplete; `held` counts SERVFAIL, `seen` all others."""

    def __init__(self, server, qname, qtype, judge):
        super().__init__(daemon=True)
        self.server, self.qname, self.qtype, self.judge = server, qname, qtype, judge
        self.seen, self.held, self.lost, self.wrong = 0, 0, 0, []
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            reply = dnsq.ask(self.server, self.qname, self.qtype, timeout=0.5, tries=1)
            if reply is None:
                self.lost += 1
            elif reply.rcode == SERVFAIL:
                self.held += 1
            else:
                self.seen += 1
                records = dnsq.rrset(reply, self.qtype)
                if not self.judge(records):
                    self.wrong.append(records)

    def stop(self):
        self.over.set()
        self.join()
        return self


def has_keys(tags):
    """A judge: these ZSKs are among the DNSKEYs."""
    return lambda records: set(tags) <= {dnsq.key_tag(record.rdata) for record in records}


def has_exactly(names):
    """A judge: these are the NS."""
    return lambda records: sorted(names) == sorted(record.rdata for record in records)
