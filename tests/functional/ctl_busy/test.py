# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else has the control socket, or a transaction of the zone: edits wait, answers do not."""

import socket
import threading

from gamma import ZONE, Gamma, add, dnskey, drop, started, tag
from servers import control_clients

HOLD = 3.0    # Seconds; knotd itself cuts an idle holder after five.


def test(make_lab):
    # Silence of more than two heartbeats would be DEGRADED at beta: HOLD is longer.
    lab = started(make_lab, module_items=["heartbeat: 1s"])
    gamma = Gamma(lab)
    first, second = dnskey(1), dnskey(2)

    # Held connections keep everybody else out.
    holders = [socket.socket(socket.AF_UNIX) for _ in range(control_clients())]
    for holder in holders:
        holder.connect(f"{lab.path('alpha')}/knot.sock")
    freed = threading.Event()
    timer = threading.Timer(HOLD, lambda: ([holder.close() for holder in holders], freed.set()))
    timer.start()
    answer = gamma.update(drop(), add(first))
    assert answer["rcode"] == "NOERROR" and not freed.is_set(), f"stored while held: {answer}"
    for kind in "hello", "heartbeat", "state":
        assert gamma.send(kind)["rcode"] == "NOERROR" and not freed.is_set(), f"{kind} while held"
    assert gamma.send("query", zone=ZONE + "agent.gamma.example.")["answers"] == "1"
    assert tag(first) not in lab.tags("alpha", ZONE)
    seen = set()
    lab.until(lambda: seen.add(lab.relation("beta", "alpha")) or
              tag(first) in lab.tags("alpha", ZONE), 20, "the edit lands afterwards")
    assert seen == {"OPERATIONAL"} and freed.is_set(), f"alpha's heartbeats stop: {seen}"
    timer.join()

    # An operator edits the zone and takes his time: his transaction is not touched.
    lab.knotc("alpha", "zone-begin", ZONE)
    lab.knotc("alpha", "zone-set", ZONE, "operator." + ZONE, "60", "A", "192.0.2.77")
    assert gamma.update(drop(), add(second))["rcode"] == "NOERROR"
    lab.until(lambda: "edit" in lab.state("alpha", ZONE)[0]["waits-for"], 10, "waits-for=edit")
    assert tag(second) not in lab.tags("alpha", ZONE)
    lab.knotc("alpha", "zone-commit", ZONE)
    lab.until(lambda: lab.ask("alpha", "operator." + ZONE, "A").answer, 10, "his edit is served")
    lab.until(lambda: tag(second) in lab.tags("alpha", ZONE) and
              tag(first) not in lab.tags("alpha", ZONE), 30, "and ours afterwards",
              lambda: lab.state("alpha", ZONE))
