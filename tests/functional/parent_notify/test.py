# SPDX-License-Identifier: GPL-3.0-or-later
"""CDS and CSYNC changes reach the parent's receiver as NOTIFY, once, from one provider, and not
before every server serves them. The parent is played here, its DSYNC is found by discovery
(J-09)."""

from dnsq import rrset
from gamma import ZONE, alarms, started
from lab import AGENT, hsync
from labconf import DS_TTL, INFRA, nameservers
from receiver import CDS, CSYNC, NOTIFY, Receiver, dsync, ede, parent_line, publish, reply

SERVERS = "alpha", "alpha_secondary", "beta", "beta_secondary"
CHANNEL = 18


def state(lab, provider="alpha"):
    return parent_line(lab, provider, ZONE)


def reaches(lab, name, provider="alpha", timeout=20):
    lab.until(lambda: state(lab, provider)["parent"] == name, timeout,
              f"{provider} is at '{name}'", lambda: state(lab, provider))


def new_ksk(lab, provider):
    lab.keymgr(provider, ZONE, "generate", "algorithm=13", "ksk=yes", "publish=+0", "active=+0")
    lab.knotc(provider, "zone-keys-load", ZONE)


def cds(lab, name):
    return len(rrset(lab.ask(name, ZONE, "CDS"), "CDS"))


def csync(lab, name):
    return [record.rdata.hex() for record in rrset(lab.ask(name, ZONE, "CSYNC"), "CSYNC")]


def test(make_lab):
    lab = started(make_lab, module_items=["report-channel: er.ns1.alpha.example."])
    reaches(lab, "manual")
    assert "delegate" in state(lab)["reason"], state(lab)

    receiver = Receiver(publish(lab, dsync(CDS, 1), dsync(CSYNC, 1), dsync(CDS, 200, 9)))
    try:
        played(lab, receiver)
    finally:
        receiver.close()


def played(lab, receiver):
    # The parent knows alpha's key only: one message (J-14), from alpha (J-23), that says where
    # errors may be reported (J-18). It is done when the parent shows it (J-21).
    lab.delegate(ZONE, lab.providers, ds_of=["alpha"])
    for provider in lab.providers:
        lab.reload(provider)
    lab.until(lambda: receiver.messages(), 30, "NOTIFY arrives", lambda: state(lab))
    message = receiver.messages()[0]
    assert (message.opcode, message.aa, message.qname, message.qtype) == (NOTIFY, True, ZONE, CDS)
    assert message.options[CHANNEL].startswith(b"\x02er\x03ns1\x05alpha"), message
    reaches(lab, "watch")
    lab.delegate(ZONE, lab.providers)
    reaches(lab, "done")
    assert state(lab)["lacks"] == "nothing" and state(lab, "beta")["turn"] == "no"

    # A new KSK (J-15), and a server that is late: nothing is said before it has it (J-16).
    lab.knotc("beta_secondary", "zone-freeze", ZONE)
    new_ksk(lab, "beta")
    lab.until(lambda: all(cds(lab, name) == 3 for name in SERVERS[:3]), 15, "three servers have it")
    lab.until(lambda: "ns2.beta" in state(lab).get("reason", ""), 20, "alpha waits for the last one",
              lambda: state(lab))
    assert len(receiver.messages()) == 1
    lab.knotc("beta_secondary", "zone-thaw", ZONE)
    lab.knotc("beta_secondary", "zone-refresh", ZONE)
    lab.until(lambda: len(receiver.messages(qtype=CDS)) == 2, 30, "it is told", lambda: state(lab))
    assert cds(lab, "beta_secondary") == 3
    lab.delegate(ZONE, lab.providers)
    reaches(lab, "done")

    # NS: the parent has alpha's, and there is nothing to tell until beta has joined; then one provider
    # tells (H-11).
    lab.replace("parent", INFRA, ZONE, "NS", DS_TTL, nameservers("alpha"))
    lab.set_hsync(ZONE, [hsync(p, nsmgmt=AGENT) for p in lab.providers])
    lab.until(lambda: receiver.messages(qtype=CSYNC), 40, "NOTIFY(CSYNC)", lambda: state(lab))
    # One CSYNC (I-11): serial 0, flag immediate (I-13), NS A AAAA (I-12), everywhere (I-14).
    assert all(csync(lab, name) == ["0000000000010004600000" + "08"] for name in SERVERS), \
        [csync(lab, name) for name in SERVERS]
    assert len(receiver.messages(qtype=CDS)) == 2
    lab.delegate(ZONE, lab.providers)
    reaches(lab, "done")
    lab.until(lambda: lab.joined(ZONE), 30, "beta is a member", lambda: lab.state("alpha", ZONE))
    # It has been read, and goes (I-16).
    lab.until(lambda: not any(csync(lab, name) for name in SERVERS), 20, "CSYNC goes",
              lambda: [csync(lab, name) for name in SERVERS])

    # A receiver that blocks us is no success (J-29).
    receiver.answer = lambda message: reply(message.wire, 5, ede(15, "not you"))
    new_ksk(lab, "alpha")
    lab.until(lambda: "not you" in state(lab).get("reason", ""), 30, "the refusal is shown",
              lambda: state(lab))
    assert state(lab)["parent"] == "tell" and "parent" not in alarms(lab)
    numbers = lab.counters("alpha", "parent-sent", "parent-refused", "parent-done")
    assert numbers["parent-sent[notify-cds]"] == 3 and numbers["parent-refused"] == 1, numbers
    # A fourth time it was done when AGENT began, where that was seen before beta's NS came in.
    assert numbers["parent-sent[notify-csync]"] == 1 and numbers["parent-done"] in (3, 4), numbers
    assert not any(lab.counters("beta", "parent-sent").values())
