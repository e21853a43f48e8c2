# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGTERM in the middle of anything: knotd ends in under two seconds, and nothing confirmed is lost."""

import signal
import socket
import time

import labconf
from gamma import ZONE, Gamma, add, dnskey, drop, started
from lab import hsync

LIMIT = 2.0
# Stock knotd 3.2.6, without any module, takes 4.7 s when somebody holds its control socket: it
# reads from the holder until control.timeout (5 s) before it looks at its signals.
STOCK_HELD = 5.0


def end(lab, name, what, limit=LIMIT, then=lambda: None):
    process = lab.process[name]
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    then()
    process.wait(10)
    took = time.monotonic() - began
    lab.stop(name)
    assert took < limit, f"{what}: {took:.1f} s"


def back(lab):
    lab.start("alpha")
    lab.until(lambda: lab.state("alpha", ZONE)[0]["shared"] == "yes", 15, "alpha is back")


def test(make_lab):
    lab = started(make_lab, module_items=["hello-retry: 1s"])
    gamma = Gamma(lab)
    where = ZONE + "agent.gamma.example."

    end(lab, "alpha", "idle")
    back(lab)

    # An edit is under way, or just committed.
    assert gamma.update(drop(), add(dnskey(1)))["rcode"] == "NOERROR"
    end(lab, "alpha", "an edit is under way")
    back(lab)
    assert gamma.send("query", zone=where)["answers"] == "1", "a confirmed contribution is lost"

    # Somebody else has the control socket: the edit cannot be made.
    holder = socket.socket(socket.AF_UNIX)
    holder.connect(f"{lab.path('alpha')}/knot.sock")
    assert gamma.update(drop(), add(dnskey(2)))["rcode"] == "NOERROR"
    end(lab, "alpha", "the control socket is held", STOCK_HELD + LIMIT)
    holder.close()
    back(lab)
    assert gamma.send("query", zone=where)["answers"] == "1"

    # The same, but he lets go as knotd is told to end: what is left is the module's time.
    holder = socket.socket(socket.AF_UNIX)
    holder.connect(f"{lab.path('alpha')}/knot.sock")
    assert gamma.update(drop(), add(dnskey(4)))["rcode"] == "NOERROR"
    end(lab, "alpha", "the control socket was held", then=holder.close)
    back(lab)
    assert gamma.send("query", zone=where)["answers"] == "1"

    # An operator's transaction is open.
    lab.knotc("alpha", "zone-begin", ZONE)
    assert gamma.update(drop(), add(dnskey(3)))["rcode"] == "NOERROR"
    end(lab, "alpha", "a transaction is open")
    back(lab)

    # A look-up that nobody answers: the parent is stopped.
    lab.process["parent"].send_signal(signal.SIGSTOP)
    lab.set_hsync(ZONE, [hsync(p) for p in ("alpha", "beta", "gamma", "delta")])
    lab.until(lambda: lab.relation("alpha", "delta") == "NEEDED", 15, "delta is looked for")
    end(lab, "alpha", "a look-up is under way")
    lab.process["parent"].send_signal(signal.SIGCONT)
    back(lab)

    # Messages come in all the while.
    flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tape = f"{lab.folder}/hello.bin"
    assert gamma.send("hello", "-w", tape)["rcode"] == "NOERROR"
    with open(tape, "rb") as recorded:
        hello = recorded.read()
    for _ in range(2000):
        flood.sendto(hello, (lab.address["alpha"], labconf.AGENT_PORT))
    end(lab, "alpha", "a flood of HELLOs")
    back(lab)
    lab.until(lab.operational, 30, "OPERATIONAL after all this", lambda: lab.state("alpha"))
