# SPDX-License-Identifier: GPL-3.0-or-later
"""A parent that takes UPDATE: the group's one KEY is published and given to it, its state is asked
for before each change, and DS and NS come as whole RRsets. The parent is played here; it is found by
DSYNC (L-01), and its answers are signed (L-24), unsigned, and BADKEY."""

from dnsq import rrset
from gamma import ZONE, started
from lab import AGENT, hsync
from labconf import DS_TTL, INFRA, nameservers
from receiver import (ANY, HOST, KEYSTATE, UPDATE, Key, Receiver, changes, dsync, keystate,
                      parent_line, publish, reply)

SERVERS = "alpha", "alpha_secondary", "beta", "beta_secondary"
DS, NS, KEY, SOA = 43, 2, 25, 6
INQUIRY, TRUSTED, UNKNOWN, AUTO, MANUAL = 2, 4, 5, 9, 10
QUERY, BADKEY = 0, 17


def state(lab, provider="alpha"):
    return parent_line(lab, provider, ZONE)


def reaches(lab, name):
    lab.until(lambda: state(lab)["parent"] == name, 40, f"'{name}'", lambda: state(lab))


def keys(lab, name):
    return [record.rdata for record in rrset(lab.ask(name, ZONE, "TYPE25"), "TYPE25")]


class Parent:
    """Knows a key once it was given to it; says so with its own signature. Each message comes by TCP
    (L-06), with OPT (L-07) and KeyState (L-20), signed by the child (L-05); an inquiry asks for KEY
    (X-38), an UPDATE is one of the parent zone (L-02)."""

    def __init__(self, lab, child, key):
        self.lab, self.child, self.key = lab, child, key
        self.trusted, self.talk, self.published, self.badkeys = False, [], None, 0
        self.signs = True

    def answer(self, message):
        assert message.tcp, "UDP"
        assert self.child.verifies(message.wire), "not the child's signature"
        tag, said = int.from_bytes(message.options[KEYSTATE][:2], "big"), message.options[KEYSTATE][2]
        assert tag == self.child.tag
        if message.opcode == QUERY:
            assert (message.qname, message.qtype, said) == (ZONE, KEY, INQUIRY), message
            self.talk.append("inquiry")
            return self.signed(message, 0, TRUSTED if self.trusted else UNKNOWN)
        assert (message.qname, message.qtype) == (INFRA, SOA), message
        if changes(message.wire)[0].type == KEY:
            self.talk.append("key")
            self.published = [keys(self.lab, name) for name in SERVERS]
            self.trusted = True
            return self.signed(message, 0, AUTO)
        self.talk.append("update")
        if self.badkeys > 0:
            self.badkeys -= 1
            return self.signed(message, BADKEY, UNKNOWN)
        return self.signed(message, 0 if self.trusted else BADKEY, TRUSTED)

    def signed(self, message, rcode, said):
        if not self.signs:
            said = MANUAL
        wire = reply(message.wire, rcode, keystate(self.child.tag, said))
        return self.key.sign(wire, message.wire) if self.signs else wire


def test(make_lab):
    lab = started(make_lab, module_items=["apex-key: on", "parent: [ update, notify ]",
                                            "update-scheme: 200", "keystate-code: 65100"])
    parent_key = Key(f"{lab.folder}/receiver.pem", HOST, make=True)
    child_key = Key(f"{lab.path('alpha')}/msigner/parent.pem", ZONE)
    receiver = Receiver(publish(lab, dsync(ANY, 200), key=parent_key.rdata))
    played = Parent(lab, child_key, parent_key)
    receiver.answer = played.answer
    try:
        play(lab, receiver, played)
    finally:
        receiver.close()


def last(receiver):
    return changes(receiver.messages(UPDATE)[-1].wire)


def play(lab, receiver, parent):
    # The first change: the key is published (L-18), its state asked for (L-23), it is given by itself
    # (L-15, L-17), and then DS of both, the same as CDS (L-27), as a whole (L-13): deletes have TTL 0
    # and no RDATA (L-04, X-31), and there is nothing else in it (L-03).
    lab.delegate(ZONE, lab.providers, ds_of=["alpha"])
    for provider in lab.providers:
        lab.reload(provider)
    reaches(lab, "watch")
    assert parent.talk == ["inquiry", "key", "inquiry", "update"], parent.talk
    assert parent.published == [[parent.child.rdata]] * 4, "not everywhere before it was given"
    gift = changes(receiver.messages(UPDATE)[0].wire)
    assert [(c.type, c.rclass, c.ttl, c.rdata) for c in gift[:1]] == [(KEY, ANY, 0, b"")], gift
    assert [(c.type, c.rclass, c.rdata) for c in gift[1:]] == [(KEY, 1, parent.child.rdata)], gift
    cds = sorted(r.rdata for r in rrset(lab.ask("alpha", ZONE, "CDS"), "CDS"))
    change = last(receiver)
    assert all(c.owner == ZONE and c.type == DS for c in change), change
    assert (change[0].rclass, change[0].ttl, change[0].rdata) == (ANY, 0, b"")
    assert sorted(c.rdata for c in change[1:]) == cds and len(cds) == 2
    lab.delegate(ZONE, lab.providers)
    reaches(lab, "done")

    # Accepted is not done: that is what the parent shows (L-08). NS, to a parent that has forgotten
    # our key: it gets it once more (L-10).
    parent.talk, parent.badkeys = [], 1
    lab.replace("parent", INFRA, ZONE, "NS", DS_TTL, nameservers("alpha"))
    lab.set_hsync(ZONE, [hsync(p, nsmgmt=AGENT) for p in lab.providers])
    reaches(lab, "watch")
    assert parent.talk == ["inquiry", "update", "key", "inquiry", "update"], parent.talk
    assert {c.type for c in last(receiver)} == {NS} and len(last(receiver)) == 5, last(receiver)
    lab.delegate(ZONE, lab.providers)
    reaches(lab, "done")

    # "A person must act", without the receiver's signature, is not believed (L-22,
    # M-37, P-13).
    parent.talk, parent.signs = [], False
    lab.keymgr("beta", ZONE, "generate", "algorithm=13", "ksk=yes", "publish=+0", "active=+0")
    lab.knotc("beta", "zone-keys-load", ZONE)
    reaches(lab, "watch")
    assert parent.talk == ["inquiry", "update"] and len(last(receiver)) == 4, parent.talk
    # Whoever asks finds one KEY (L-16, X-25), and beta has said nothing (L-28).
    assert [keys(lab, name) for name in SERVERS] == [[parent.child.rdata]] * 4
    assert not any(lab.counters("beta", "parent-sent").values())
    assert lab.counters("alpha", "parent-sent")["parent-sent[update]"] == 11
