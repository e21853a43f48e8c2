# SPDX-License-Identifier: GPL-3.0-or-later
"""Both modules, nobody in between: providers with mod-msigner, a parent with mod-dsync. The delegation
follows keys and name servers, by NOTIFY and by UPDATE (H-14, Q-16), and the zone validates."""

import dnsq
from gamma import ZONE, alarms, started
from lab import AGENT, hsync
from labconf import DS_TTL, nameservers
from receiver import parent_line

UNION = sorted(nameservers("alpha") + nameservers("beta"))


def state(lab, provider="alpha"):
    return parent_line(lab, provider, ZONE)


def done(lab):
    return state(lab)["parent"] == "done" and state(lab)["lacks"] == "nothing"


def parents_tags(lab):
    """Key tags of the parent's DS."""
    records = dnsq.rrset(lab.ask("parent", ZONE, "DS"), "DS")
    return {int.from_bytes(record.rdata[:2], "big") for record in records}


def parents_ns(lab):
    reply = lab.ask("parent", ZONE, "NS")
    return sorted(record.rdata for record in reply.authority if record.type == 2)


def ksks(lab):
    return {tag for provider in lab.providers for tag in lab.own_tags(provider, ZONE, ksk=True)}


def story(lab, way):
    # What is there before: alpha alone, by hand.
    lab.delegate(ZONE, ["alpha"])
    for provider in lab.providers:
        lab.reload(provider)
    lab.until(lambda: parents_tags(lab) == ksks(lab), 60, f"{way}: DS of both", lambda: state(lab))
    lab.until(lambda: done(lab), 20, f"{way}: alpha sees it", lambda: state(lab))
    assert parents_ns(lab) == nameservers("alpha"), "NS is the owner's"

    lab.set_hsync(ZONE, [hsync(p, nsmgmt=AGENT) for p in lab.providers])
    lab.until(lambda: parents_ns(lab) == UNION, 60, f"{way}: NS of both", lambda: state(lab))
    lab.until(lambda: done(lab), 30, f"{way}: alpha sees that, too", lambda: state(lab))

    lab.keymgr("beta", ZONE, "generate", "algorithm=13", "ksk=yes", "publish=+0", "active=+0")
    lab.knotc("beta", "zone-keys-load", ZONE)
    lab.until(lambda: len(ksks(lab)) == 3 and parents_tags(lab) == ksks(lab), 60,
              f"{way}: DS of a new key", lambda: state(lab))
    lab.until(lambda: done(lab), 30, f"{way}: and is done", lambda: state(lab))
    lab.until(lambda: lab.secure(ZONE), 10 * DS_TTL, "the zone validates")
    assert "parent" not in alarms(lab)


def test(make_lab):
    for way in "notify", "update":
        items = ["apex-key: on"] if way == "update" else []
        lab = started(make_lab, receiver=True, module_items=[*items, f"parent: {way}"])
        story(lab, way)
        sent = lab.counters("alpha", "parent-sent")
        assert not any(lab.counters("beta", "parent-sent").values())
        if way == "update":
            assert sent["parent-sent[notify-cds]"] == sent["parent-sent[notify-csync]"] == 0, sent
            assert len(dnsq.rrset(lab.ask("beta_secondary", ZONE, "TYPE25"), "TYPE25")) == 1
        else:
            assert sent["parent-sent[update]"] == 0 < sent["parent-sent[notify-csync]"], sent
        lab.stop()
