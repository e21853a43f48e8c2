# SPDX-License-Identifier: GPL-3.0-or-later
"""NOTIFY(CSYNC): NS and glue follow the child when all of its servers agree and the new ones serve the
zone; whatever is odd changes nothing."""

from delegation import CHILD, HOSTS, TTL, Delegation


def replace(lab, rrtype, rdata, servers=("ns1", "ns2", "ns3"), owner=CHILD):
    """One RRset of the child at these servers."""
    for name in servers:
        sets = [("set", owner, str(TTL), rrtype, *data.split()) for data in rdata]
        lab.edit(name, CHILD, ("clear", owner, rrtype), *sets)


def refused(lab, verdict, rule, action):
    before = lab.at_parent("NS")
    lab.looked_after(action)
    assert lab.verdict("ns")[:2] == (verdict, rule), (lab.verdict("ns"), verdict, rule)
    assert lab.at_parent("NS") == before


def test(make_lab):
    lab = make_lab(kind=Delegation, items=["scan: 0", "retry: 300", "gap: 0", "timeout: 1"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    two, three = {HOSTS["ns1"], HOSTS["ns2"]}, set(HOSTS.values())

    # CSYNC, then NS, at one server only (K-43).
    refused(lab, "refused", "agree", lambda: replace(lab, "CSYNC", ["0 1 NS A AAAA"], ["ns1"]))
    refused(lab, "refused", "agree", lambda: (replace(lab, "CSYNC", ["0 1 NS A AAAA"]),
                                              replace(lab, "NS", sorted(three), ["ns1"])))
    # One provider alone cannot take another's name server away (P-12).
    refused(lab, "refused", "agree", lambda: replace(lab, "NS", [HOSTS["ns1"]], ["ns1"]))
    # Without the flag immediate (K-34); a foreign type, an unknown flag (K-33).
    refused(lab, "wait", "immediate", lambda: (replace(lab, "NS", sorted(three)),
                                               replace(lab, "CSYNC", ["0 0 NS A AAAA"])))
    refused(lab, "refused", "form", lambda: replace(lab, "CSYNC", ["0 1 NS MX"]))
    refused(lab, "refused", "form", lambda: replace(lab, "CSYNC", ["0 5 NS A"]))
    # soaminimum with a serial that no server has (K-35).
    refused(lab, "wait", "settled", lambda: replace(lab, "CSYNC", ["1000000 3 NS A AAAA"]))
    # The new server does not answer (K-44).
    lab.stop("ns3")
    refused(lab, "wait", "serves",
            lambda: replace(lab, "CSYNC", ["0 1 NS A AAAA"], ["ns1", "ns2"]))
    lab.start("ns3")
    # Types of addresses are not in the bitmap: the new server below the child would have
    # none (K-41).
    refused(lab, "refused", "glue", lambda: replace(lab, "CSYNC", ["0 1 NS"]))

    # All agree: NS exactly as the child has it, and its glue (K-40).
    replace(lab, "CSYNC", ["0 1 NS A AAAA"])
    assert lab.notify("CSYNC")["rcode"] == "NOERROR"
    lab.until(lambda: lab.at_parent("NS") == three, 10, "the parent has three name servers",
              lambda: (lab.at_parent("NS"), lab.status()))
    assert lab.address["ns3"] in lab.dig_glue(HOSTS["ns3"]), lab.dig_glue(HOSTS["ns3"])
    assert lab.secure(CHILD)

    # Glue follows, too: another address of ns1, and then back to two servers.
    other = "A", [lab.address["ns1"], lab.address["ns3"]]
    replace(lab, *other, owner=HOSTS["ns1"])
    lab.notify("CSYNC")
    lab.until(lambda: lab.address["ns3"] in lab.dig_glue(HOSTS["ns1"]), 10, "glue follows",
              lambda: (lab.dig_glue(HOSTS["ns1"]), lab.status()))
    replace(lab, "NS", sorted(two))
    lab.notify("CSYNC")
    lab.until(lambda: lab.at_parent("NS") == two, 10, "the parent has two name servers again",
              lambda: (lab.at_parent("NS"), lab.status()))
    lab.until(lambda: lab.dig_glue(HOSTS["ns3"]) == set(), 5, "and no glue for the third")
    assert lab.secure(CHILD)
