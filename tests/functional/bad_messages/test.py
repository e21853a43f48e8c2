# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is not let in, and that nothing comes of it (C-16, C-17, C-26, D-07, D-12, D-13, P-02, P-31)."""

import labconf
from gamma import HOST, ZONE, Gamma, add, dnskey, drop, started, tag


# Payloads of our option, and what a peer with a good signature is told.
OPTIONS = [
    ("OPERATION 0", ["00010300"], "FORMERR"), ("no octets", [""], "FORMERR"),
    ("two octets", ["0101"], "FORMERR"), ("two options", ["01010300", "01010300"], "FORMERR"),
    ("two different options", ["01010300", "02010300"], "FORMERR"),
    ("unassigned 3", ["03010300"], "NOTIMPL"), ("unassigned 127", ["7f010300"], "NOTIMPL"),
    ("private, not ours", ["fe010300"], "NOTIMPL"),
    ("STATE of version 9", ["8101030009"], "FORMERR"),
    ("three octets", ["010103"], "NOERROR"), ("reserved octet, body", ["010103ff0102"], "NOERROR"),
    ("unknown bits", ["01fdff00"], "NOERROR"),
]


def effort(lab):
    """What alpha has sent and looked up so far, but the states of processes, which go on meanwhile between
    those that are listed."""
    sums = lab.counters("alpha", "message-sent", "located", "locate-failed")
    return {name: value for name, value in sums.items() if name != "message-sent[state]"}


def test(make_lab):
    lab = started(make_lab, module_items=["heartbeat: 1h", "hello-retry: 60s"])
    gamma = Gamma(lab, listed=False)
    apex = lab.tags("alpha", ZONE)
    key = dnskey(1)
    update = drop(), add(key)

    def refused(what, answer, **expected):
        for name, value in ({"rcode": "REFUSED", "option": "none"} | expected).items():
            assert answer[name] == value, f"{what}: {answer}"
        assert lab.tags("alpha", ZONE) == apex, f"{what}: the zone has changed"

    # Everything about it is right, but the owner has not named it (yet).
    before = effort(lab)
    refused("early HELLO", gamma.send("hello"))
    refused("early UPDATE", gamma.update(*update))
    assert effort(lab) == before and gamma.received() == 0, "somebody unlisted makes traffic"
    gamma.list()
    refused("unsigned HELLO", gamma.send("hello", "-u"), signed="no")
    refused("unsigned UPDATE", gamma.update(*update, flags=["-u"]), signed="no")
    refused("broken signature", gamma.send("hello", "-x"), signed="no")
    refused("broken signature", gamma.update(*update, flags=["-x"]), signed="no")
    for shift, ede in (-3600, "7"), (3600, "8"), (-360, "7"), (360, "8"):
        refused(f"{shift} s", gamma.send("hello", "-t", str(shift)), ede=ede)
        refused(f"{shift} s", gamma.update(*update, flags=["-t", str(shift)]), ede=ede)
    refused("another key under gamma's name", gamma.send("hello", pem=gamma.stranger))
    refused("a stranger", gamma.send("hello", pem=gamma.stranger, signer="ns.agent.delta.example."))
    refused("a good signature, another zone", gamma.send("hello", zone="agent.alpha.example."))
    refused("somebody else's name", gamma.send("hello", signer="ns.agent.beta.example."))
    refused("our own name", gamma.send("hello", signer="ns.agent.alpha.example."))

    # alpha and beta said HELLO to gamma, who is silent; from now on all is quiet for a minute.
    for provider in lab.providers:
        lab.until(lambda p=provider: "next-hello" in str(lab.state(p, ZONE)), 15, "HELLO is over")
    gamma.received()
    before, refusals = effort(lab), lab.counters("alpha", "refused")
    for answer in gamma.send("hello", "-x", "-n", "500"), \
            gamma.send("hello", "-n", "500", pem=gamma.stranger, signer="ns.agent.delta.example."):
        refused("1,000 forged HELLOs", answer)
    assert effort(lab) == before, "forged HELLOs make look-ups or messages"
    assert gamma.received() == 0, "forged HELLOs make traffic"
    now = lab.counters("alpha", "refused")
    for kind in "refused[signature]", "refused[stranger]":
        assert now[kind] == refusals[kind] + 500, f"not all were seen: {refusals}, {now}"

    # Four minutes of skew are let in, by the host's name and by the identity's alike.
    for shift in "-240", "240":
        assert gamma.send("hello", "-t", shift)["rcode"] == "NOERROR", shift
    for signer in HOST, "agent.gamma.example.":
        answer = gamma.send("hello", signer=signer)
        assert (answer["rcode"], answer["option"], answer["signed"]) == ("NOERROR", "hello", "good")
        assert (answer["transport"], answer["sync"], answer["aa"]) == ("1", "3", "1"), answer

    # What is wrong in the option is told to a peer; somebody unsigned learns nothing, whatever he
    # writes. The counters count: these HELLOs are the control of the thousand above.
    for what, payloads, rcode in OPTIONS:
        words = [word for payload in payloads for word in ("-O", payload)]
        assert gamma.send("raw", "-u", *words)["rcode"] == "REFUSED", f"{what}, unsigned"
        answer = gamma.send("raw", *words)
        assert (answer["rcode"], answer["signed"]) == (rcode, "good"), f"{what}: {answer}"
    assert effort(lab)["message-sent[hello]"] > 0 and effort(lab)["located"] > 0, effort(lab)
    assert tag(key) not in lab.tags("alpha", ZONE)
    assert lab.ask("alpha", "_msigner." + labconf.identity("alpha"), "TXT").rcode == 0
