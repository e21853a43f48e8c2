# SPDX-License-Identifier: GPL-3.0-or-later
"""First DS by RFC 9615 and by RFC 8078, first SIG(0) key of an unsigned child by many looks
(M-20), by the signal of its name servers (M-19), and by hand."""

import base64
import shlex

from delegation import CHILD, HOSTS, PARENT, Delegation, a_record, ds_hex, name_hex

SIGNAL = f"child.example._signal.{HOSTS['ns2']}"


def signal(lab, prefix, rrtype, rdata):
    owner = f"{prefix}.{SIGNAL}"
    lab.edit("parent", PARENT, ("clear", owner, rrtype),
             *[("set", owner, "5", rrtype, "\\#", str(len(data) // 2), data) for data in rdata])


def first_ds(lab):
    """Nobody vouches (K-52), somebody says something else (K-53), everybody agrees (K-04)."""
    lab.cds("always")
    lab.looked_after(lambda: None)
    assert lab.verdict("ds")[:2] == ("refused", "bootstrap"), lab.verdict("ds")
    lab.looked_after(lambda: signal(lab, "_dsboot", "CDS", [ds_hex(lab.ds("ns1", CHILD)[1])]))
    assert lab.verdict("ds")[:2] == ("refused", "bootstrap"), lab.verdict("ds")
    for rrtype in "CDS", "CDNSKEY":
        signal(lab, "_dsboot", rrtype, sorted(lab.said("ns1", rrtype)))
    assert lab.at_parent("DS") == set()
    lab.notify()
    lab.until(lambda: lab.at_parent("DS") == {ds_hex(lab.ds("ns1", CHILD)[0])}, 10,
              "the first DS is there", lambda: (lab.at_parent("DS"), lab.status()))
    assert lab.secure(CHILD)


def test_9615(make_lab):
    lab = make_lab(kind=Delegation, secure=False, items=["scan: 0", "gap: 0", "bootstrap-ds: rfc9615"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    first_ds(lab)
    lab.stop()


def test_8078(make_lab):
    """The same wish for three seconds, asked again and again, also over a kill -9 (K-56)."""
    lab = make_lab(kind=Delegation, secure=False,
                   items=["scan: 1", "retry: 1", "gap: 0", "bootstrap-ds: rfc8078",
                          "bootstrap-delay: 3"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    lab.cds("always")
    lab.looked_after(lambda: None)
    assert lab.verdict("ds")[:2] == ("wait", "bootstrap"), lab.verdict("ds")
    lab.kill("parent")      # What was seen is kept: the time does not begin anew.
    lab.start("parent")
    lab.until(lambda: lab.at_parent("DS") == {ds_hex(lab.ds("ns1", CHILD)[0])}, 15,
              "the first DS is there", lambda: (lab.at_parent("DS"), lab.status()))
    lab.stop()


def test_keys(make_lab):
    """An unsigned child: looks, then a signal, then by hand; then NS by UPDATE."""
    lab = make_lab(kind=Delegation, secure=False, items=[
        "scan: 0", "gap: 0", "update-child-rate: 0", "update-source-rate: 0", "bootstrap-key: [ unsigned, at-ns, manual ]",
        "key-looks: 3", "key-interval: 1", "keys-per-child: 3"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    by_looks, by_signal, by_hand = (lab.make_key(name) for name in ("looks", "signal", "hand"))

    lab.publish_key(by_looks, servers=["ns1"])
    assert lab.upload(by_looks)["rcode"] == "NOERROR"
    lab.until(lambda: lab.keystate(by_looks)["keystate"] == "validation failed", 10,
              "one server differs: not trusted", lab.status)
    lab.publish_key(by_looks)
    assert lab.upload(by_looks)["rcode"] == "NOERROR"
    # Known, not trusted (M-07, M-14).
    assert lab.keystate(by_looks)["keystate"] == "automatic bootstrap ongoing"
    assert lab.update(by_looks, "-R", f"{CHILD} delset NS 0")["ede"] == "49200"
    # Three looks in a row (P-20).
    lab.until(lambda: lab.keystate(by_looks)["keystate"] == "trusted", 15, "trusted after three looks",
              lab.status)

    signal(lab, "_sig0key", "KEY", [by_signal[1]])
    assert lab.upload(by_signal)["rcode"] == "NOERROR"
    lab.until(lambda: lab.keystate(by_signal)["keystate"] == "trusted", 10, "trusted by the signal",
              lab.status)

    public = base64.b64encode(bytes.fromhex(by_hand[1])[4:]).decode()
    line = shlex.quote(f"{CHILD} 512 3 15 {public}").strip("'")
    lab.configure(f'trust: "{line}"')
    lab.reload("parent")
    lab.until(lambda: lab.keystate(by_hand)["keystate"] == "trusted", 10, "trusted by hand", lab.status)

    for name in "ns1", "ns2", "ns3":
        lab.edit(name, CHILD, ("set", CHILD, "5", "NS", HOSTS["ns3"]))
    said = lab.update(by_hand, "-R", f"{CHILD} add NS 60 {name_hex(HOSTS['ns3'])}", "-R",
                      f"{HOSTS['ns3']} add A 60 {a_record(lab.address['ns3'])}")
    assert said["rcode"] == "NOERROR", (said, lab.status())
    assert lab.at_parent("NS") == set(HOSTS.values())


def test(make_lab):
    test_9615(make_lab)
    test_8078(make_lab)
    test_keys(make_lab)
