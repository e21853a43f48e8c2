# SPDX-License-Identifier: GPL-3.0-or-later
"""Every chain of trust that some cache may put together: DS from the parent, DNSKEY from one server,
a signature from another one, each as old as its TTL allows. Resolvers try other servers where a
chain breaks, and so hide most of it; this looks at all of them. By key tags, without cryptography."""

import collections
import struct
import threading
import time

import dnsq

PAUSE = 0.05     # Seconds between two looks at one server.
SLACK = 0.3      # Seconds that a window is narrower: a change may lie anywhere between two looks.

# What one server showed: from the first to the last look that found it so. Seconds.
Span = collections.namedtuple("Span", "server start end value ttl")


def signers(records, covered):
    """Key tags of the signatures over one type."""
    return frozenset(struct.unpack_from("!H", record.rdata, 16)[0] for record in records
                     if record.type == dnsq.TYPES["RRSIG"] and
                     struct.unpack_from("!H", record.rdata)[0] == dnsq.type_number(covered))


class Spans:
    """The history of one thing at one server."""

    def __init__(self, server):
        self.server, self.list = server, []

    def note(self, value, ttl, now):
        """None: no answer that anybody would use."""
        last = self.list[-1] if self.list else None
        if last is not None and last.value == value and last.ttl == ttl and not self.gap:
            self.list[-1] = last._replace(end=now)
        elif value is not None:
            self.list.append(Span(self.server, now, now, value, ttl))
        self.gap = value is None

    gap = False


class Look(threading.Thread):
    """One server of the zone, or of the parent (parent=True), looked at again and again."""

    def __init__(self, name, server, zone, parent):
        super().__init__(daemon=True)
        self.server, self.zone, self.parent, self.over = server, zone, parent, threading.Event()
        self.ds, self.ns, self.keys, self.data = (Spans(name) for _ in range(4))
        self.start()

    def ask(self, qtype):
        reply = dnsq.ask(self.server, self.zone, qtype, timeout=0.5, tries=1, do=True)
        return reply if reply is not None and reply.rcode == 0 else None

    def note(self, spans, qtype, of):
        """Notes of(reply) as value, with the TTL of the RRset."""
        reply, now = self.ask(qtype), time.monotonic()
        records = [] if reply is None else [
            r for r in reply.answer + reply.authority
            if r.type == dnsq.TYPES[qtype] and r.owner == self.zone]
        if reply is None or (not records and qtype != "DS"):
            spans.note(None, 0, now)
        else:
            spans.note(of(reply, records), max([r.ttl for r in records], default=0), now)

    def once(self):
        self.note(self.ns, "NS", lambda _, found: frozenset(r.rdata for r in found))
        if self.parent:
            self.note(self.ds, "DS", lambda _, found: frozenset(
                struct.unpack_from("!H", r.rdata)[0] for r in found))
            return
        self.note(self.keys, "DNSKEY", lambda reply, found: (
            frozenset(dnsq.key_tag(r.rdata) for r in found), signers(reply.answer, "DNSKEY")))
        self.note(self.data, "SOA", lambda reply, _: signers(reply.answer, "SOA"))

    def run(self):
        while not self.over.wait(PAUSE):
            self.once()


class Chains:
    """hosts: {server: (name in NS, address@port)}; parents: {server: address@port}."""

    def __init__(self, zone, hosts, parents):
        self.hosts = {name: host for name, (host, _) in hosts.items()}
        self.below = [Look(name, server, zone, False) for name, (_, server) in hosts.items()]
        self.above = [Look(name, server, zone, True) for name, server in parents.items()]

    def stop(self):
        for look in self.below + self.above:
            look.over.set()
        for look in self.below + self.above:
            look.join()
        return self

    def spans(self, what, looks=None):
        return [span for look in looks or self.below for span in getattr(look, what).list]

    def used(self, server):
        """When resolvers may ask a server: as long as an NS RRset with its name may be cached."""
        return [(span.start, span.end + span.ttl) for span in self.spans("ns", self.below + self.above)
                if self.hosts[server] in span.value]

    def asked(self, spans):
        """The parts of these spans in which somebody may have seen them."""
        return [span._replace(start=max(span.start, start), end=min(span.end, end))
                for span in spans for start, end in self.used(span.server)
                if max(span.start, start) <= min(span.end, end)]

    def broken(self):
        """Sentences about chains that do not close."""
        keys = self.asked(self.spans("keys"))
        wrong = [f"signatures of {d.server} by {sorted(d.value)}, DNSKEY of {k.server} has "
                 f"{sorted(k.value[0])}"
                 for d, k in meetings(self.asked(self.spans("data")), keys)
                 if not d.value & k.value[0]]
        wrong += [f"DNSKEY of {k.server} has {sorted(k.value[0])}, signed by {sorted(k.value[1])}, "
                  f"DS are {sorted(ds.value)}"
                  for k, ds in meetings(keys, self.spans("ds", self.above))
                  if ds.value and not ds.value & k.value[0] & k.value[1]]
        return list(dict.fromkeys(wrong))

    def early(self, provider_of, ksks):
        """Servers that stood in an NS RRset before the DS of their provider was at the parent:
        provider_of {server: provider}, ksks {provider: key tags}."""
        found = []
        for server, provider in provider_of.items():
            named = [span.start for span in self.spans("ns", self.below + self.above)
                     if self.hosts[server] in span.value]
            secure = [span.start for span in self.spans("ds", self.above)
                      if span.value & ksks[provider]]
            if named and min(secure, default=float("inf")) > min(named) + SLACK:
                found.append(server)
        return found


def meetings(lower, upper):
    """Pairs that one cache may hold at the same time: each is kept for its TTL."""
    for a in lower:
        for b in upper:
            if a.start + SLACK < b.end + b.ttl and b.start + SLACK < a.end + a.ttl:
                yield a, b
