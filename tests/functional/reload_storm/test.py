# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloads in a loop under traffic, and commits of other sections: knotd lives, the agent goes on."""

import threading

from gamma import ZONE, Gamma, add, dnskey, drop, started, tag

RELOADS = 40
COMMITS = 5


def traffic(lab, ends, asked):
    while not ends.is_set():
        for qname, qtype in (ZONE, "SOA"), (ZONE, "DNSKEY"), ("_msigner." + ZONE, "TXT"):
            if lab.ask("alpha", qname, qtype) is not None:
                asked.append(qtype)


def test(make_lab):
    lab = started(make_lab, module_items=["hello-retry: 1s"])
    gamma = Gamma(lab)
    ends, asked = threading.Event(), []
    clients = [threading.Thread(target=traffic, args=(lab, ends, asked)) for _ in range(2)]
    for client in clients:
        client.start()
    try:
        for number in range(RELOADS):
            lab.reload("alpha")
            if number % 8 == 0:
                key = dnskey(number)
                answer = gamma.update(drop(), add(key))
                assert answer["rcode"] == "NOERROR", answer
                lab.until(lambda k=key: tag(k) in lab.tags("alpha", ZONE), 20, f"key {number}")
            assert gamma.send("hello")["rcode"] == "NOERROR", f"HELLO after reload {number}"
        committed = 0
        for number in range(COMMITS):
            lab.between_edits("alpha", "conf-begin")
            lab.knotc("alpha", "conf-set", "server.nsid", f"nsid{number}")
            # Knot 3.2 may forget a shared module here; a reload heals it (doc/operation.rst).
            if lab.knotc("alpha", "conf-commit", check=False):
                committed += 1
            else:
                lab.knotc("alpha", "conf-abort", check=False)
            lab.reload("alpha")
            assert gamma.send("hello")["rcode"] == "NOERROR", f"HELLO after commit {number}"
    finally:
        ends.set()
        for client in clients:
            client.join()
    assert committed > 0, "no commit went through"
    assert len(asked) > 100 and not lab.died()
    lab.until(lab.operational, 30, "OPERATIONAL", lambda: lab.state("alpha"))
    last = dnskey(99)
    assert gamma.update(drop(), add(last))["rcode"] == "NOERROR"
    lab.until(lambda: tag(last) in lab.tags("alpha_secondary", ZONE), 20, "a key after the storm")
