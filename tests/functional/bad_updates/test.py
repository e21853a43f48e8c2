# SPDX-License-Identifier: GPL-3.0-or-later
"""Contributions that are refused whole, with the reason; the zone stays as it is (D-15, D-21, F-16,
P-14, P-26, limits of the architecture)."""

import dnsq
from gamma import ZONE, Gamma, add, dnskey, drop, started, tag
from lab import NOSIGN


def served_zsk(lab, provider):
    return next(rr.rdata for rr in dnsq.rrset(lab.ask(provider, ZONE, "DNSKEY"), "DNSKEY")
                if rr.rdata[1] == 0 and dnsq.key_tag(rr.rdata) in lab.own_tags(provider, ZONE))


def test(make_lab):
    lab = started(make_lab)
    gamma = Gamma(lab)
    apex = lab.tags("alpha", ZONE)
    alphas, betas = served_zsk(lab, "alpha"), served_zsk(lab, "beta")
    # Two words of the key swapped: another key with the same tag.
    twin = alphas[:4] + alphas[6:8] + alphas[4:6] + alphas[8:]
    assert dnsq.key_tag(twin) == dnsq.key_tag(alphas)
    good, mx = dnskey(1), "000a026d78047a6f6e65076578616d706c6500"
    cases = [
        ("foreign owner", [drop(), add(good, owner="www1." + ZONE)], ""),
        ("another zone's name", [drop(owner="example."), add(good, owner="example.")], ""),
        ("MX", [drop("MX"), add(mx, "MX")], ""),
        ("good and MX together", [drop(), add(good), drop("MX"), add(mx, "MX")], ""),
        ("beta's key", [drop(), add(betas.hex())], "another provider's"),
        ("alpha's own key", [drop(), add(alphas.hex())], "is ours"),
        ("REVOKE", [drop(), add(dnskey(1, flags=256 | 128))], "revoked"),
        ("protocol 2", [drop(), add(dnskey(1, protocol=2))], "protocol 2"),
        ("no zone key", [drop(), add(dnskey(1, flags=0))], "zone key flag"),
        ("algorithm 5", [drop(), add(dnskey(1, algorithm=5))], "algorithm 5"),
        ("colliding tag", [drop(), add(twin.hex())], "tag of another key"),
        ("nine keys", [drop()] + [add(dnskey(i)) for i in range(9)], "more than 8"),
        ("CDS delete", [drop("CDS"), add("0000000000", "CDS")], "algorithm 0"),
        ("add without delete", [add(good)], ""),
        ("removal of a record of somebody", [f"{ZONE} 254 DNSKEY 0 {betas.hex()}"], ""),
    ]
    for what, records, reason in cases:
        answer = gamma.update(*records)
        assert answer["rcode"] == "REFUSED" and answer["signed"] == "good", f"{what}: {answer}"
        assert reason in answer["text"], f"{what}: {answer}"
        assert not reason or answer["text"] in lab.log("alpha"), what
        held = gamma.send("query", zone=ZONE + "agent.gamma.example.")
        assert held["answers"] == "0", f"{what}: {held}"
    # RSA-sized keys: eight of 1,100 octets are more than 8 KiB.
    large = [add(dnskey(i, algorithm=8) + "00" * 1064) for i in range(8)]
    answer = gamma.update(drop(), *large)
    assert answer["rcode"] == "REFUSED" and "8192" in answer["text"], answer
    assert lab.tags("alpha", ZONE) == apex

    answer = gamma.update(drop(), add(good))
    assert (answer["rcode"], answer["signed"]) == ("NOERROR", "good"), answer
    for name in "alpha", "alpha_secondary":
        lab.until(lambda n=name: lab.tags(n, ZONE) == sorted(apex + [tag(good)]), 15, name)
    assert gamma.send("query", zone=ZONE + "agent.gamma.example.")["answers"] == "1"

    # Withdrawn; then as a NOSIGN provider it has no keys to give.
    assert gamma.update(drop())["rcode"] == "NOERROR"
    lab.until(lambda: lab.tags("alpha", ZONE) == apex, 15, "the withdrawn key is gone")
    gamma.list(sign=NOSIGN)
    lab.until(lambda: "NOSIGN" in str(lab.state("alpha", ZONE)), 15, "gamma is NOSIGN")
    answer = gamma.update(drop(), add(good))
    assert answer["rcode"] == "REFUSED" and "NOSIGN" in answer["text"], answer
    assert gamma.update(drop("NS"), add("026e730567616d6d61076578616d706c6500", "NS"))["rcode"] == \
        "NOERROR"
    assert lab.tags("alpha", ZONE) == apex
