# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who asks every resolver all the time, and writes down each answer that is not what the
zone says and validated."""

import collections
import random
import selectors
import socket
import struct
import threading
import time

import dnsq
import receiver

PAUSE = 0.1      # Seconds between two questions to one resolver.
# Seconds for one answer: resolvers wait for servers that are dead before they ask others. unbound drops what
# took it more than 1.9 s (discard-timeout), so one asks again, as every stub resolver does.
PATIENCE = 15.0
AGAIN = 3.0
# Not CDS: it is signed by the KSK of whose server is asked (RFC 7344 section 4.1), which stands in that
# provider's DNSKEY alone. MX: a type that is not there.
APEX = ["SOA", "NS", "DNSKEY", "MX"]
NXDOMAIN, EDE = 3, 15
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}

Question = collections.namedtuple("Question", "resolver qname qtype rcode asked sent wire")
Failure = collections.namedtuple("Failure", "at resolver qname qtype what")


def reason(wire):
    """Extended DNS Errors of an answer, as text."""
    option = receiver.parse(wire).options.get(EDE)
    if option is None:
        return ""
    return f" EDE {struct.unpack_from('!H', option)[0]} {option[2:].decode('utf-8', 'replace')}"


def judge(wire, rcode):
    """What is wrong with an answer; None: nothing."""
    reply = dnsq.parse(wire)
    if reply.rcode == rcode and reply.ad:
        return None
    return RCODES.get(reply.rcode, str(reply.rcode)) + ("" if reply.ad else " not AD") + reason(wire)


class Prober(threading.Thread):
    """servers: {resolver: address@port}. Existing names are www0.ZONE to www(existing-1).ZONE."""

    def __init__(self, servers, zone, existing, seed=1):
        super().__init__(daemon=True)
        self.zone, self.existing, self.random = zone, existing, random.Random(seed)
        self.over, self.start_at, self.pending = threading.Event(), time.monotonic(), {}
        self.asked, self.slowest = dict.fromkeys(servers, 0), dict.fromkeys(servers, 0.0)
        self.again = dict.fromkeys(servers, 0)
        self.failures, self.fresh = [], 0
        self.selector, self.sockets = selectors.DefaultSelector(), {}
        for resolver, server in servers.items():
            host, _, port = server.partition("@")
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect((host, int(port)))
            sock.setblocking(False)
            self.sockets[resolver] = sock
            self.selector.register(sock, selectors.EVENT_READ, resolver)
        self.start()

    def draw(self):
        """A name that is there, one that was never asked for, or something of the apex."""
        kind = self.random.randrange(10)
        if kind < 5:
            return f"www{self.random.randrange(self.existing)}.{self.zone}", "A", 0
        if kind < 9:
            self.fresh += 1
            return f"no{self.fresh}.{self.zone}", "A", NXDOMAIN
        return self.zone, self.random.choice(APEX), 0

    def ask(self, resolver):
        qname, qtype, rcode = self.draw()
        wire, now = dnsq.query(qname, qtype, rd=True), time.monotonic()
        self.pending[resolver, wire[:2]] = Question(resolver, qname, qtype, rcode, now, now, wire)
        self.asked[resolver] += 1
        self.send((resolver, wire[:2]))

    def send(self, key):
        try:
            self.sockets[key[0]].send(self.pending[key].wire)
        except OSError as error:
            self.end(key, str(error))

    def end(self, key, what):
        question = self.pending.pop(key, None)
        if question is not None:
            took = time.monotonic() - question.asked
            self.slowest[key[0]] = max(self.slowest[key[0]], took)
        if question is not None and what is not None:
            self.failures.append(Failure(question.asked - self.start_at, question.resolver,
                                         question.qname, question.qtype, what))

    def look_at_pending(self, now):
        """Asks again, or gives up."""
        for key, question in list(self.pending.items()):
            if now - question.asked > PATIENCE:
                self.end(key, "no answer")
            elif now - question.sent > AGAIN:
                self.pending[key] = question._replace(sent=now)
                self.again[question.resolver] += 1
                self.send(key)

    def collect(self, until):
        """Answers that come before the moment `until`."""
        while True:
            rest = until - time.monotonic()
            for key, _ in self.selector.select(max(rest, 0)):
                try:
                    wire = key.fileobj.recv(65535)
                except OSError:
                    continue
                question = self.pending.get((key.data, wire[:2]))
                if question is not None:
                    self.end((key.data, wire[:2]), judge(wire, question.rcode))
            self.look_at_pending(time.monotonic())
            if rest <= 0:
                return

    def run(self):
        turn = time.monotonic()
        while not self.over.is_set():
            for resolver in self.sockets:
                self.ask(resolver)
            turn = max(turn + PAUSE, time.monotonic())
            self.collect(turn)
        end = time.monotonic() + PATIENCE
        while self.pending and time.monotonic() < end:
            self.collect(time.monotonic() + PAUSE)
        for key in list(self.pending):
            self.end(key, "no answer")

    def stop(self):
        self.over.set()
        self.join()
        for sock in self.sockets.values():
            sock.close()
        return self

    def failed(self, resolver):
        return sum(failure.resolver == resolver for failure in list(self.failures))

    def report(self):
        """The first failures, a line each."""
        lines = [f"{f.at:.1f} s {f.resolver} {f.qname} {f.qtype}: {f.what}" for f in self.failures]
        slow = ", ".join(f"{r} {self.slowest[r]:.1f} s ({self.again[r]} asked again)"
                         for r in self.slowest)
        return "\n".join([f"{len(lines)} of {sum(self.asked.values())} failed; slowest: {slow}",
                          *lines[:12]])
