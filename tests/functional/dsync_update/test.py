# SPDX-License-Identifier: GPL-3.0-or-later
"""UPDATE with SIG(0): how a key becomes trusted, what a trusted key may do, and what nobody may."""

import struct
import time

import dnsq
from delegation import CHILD, HOSTS, PARENT, PORT, TARGET, TTL, Delegation, a_record, ds_hex, name_hex


def upload(key):
    return ["-R", f"{CHILD} delset KEY 0", "-R", f"{CHILD} add KEY 60 {key[1]}"]


def update(lab, key, *words, **more):
    return lab.update(key, *words, **more)


def state(lab, key, *words):
    return lab.keystate(key, *words)


def set_ns(names, glue=()):
    words = ["-R", f"{CHILD} delset NS 0"]
    for name in names:
        words += ["-R", f"{CHILD} add NS 60 {name_hex(name)}"]
    for host, address in glue:
        words += ["-R", f"{host} add A 60 {a_record(address)}"]
    return words


def bootstrap(lab, key, stranger, receiver):
    """From nothing to trust; the parent's own KEY signs all answers (M-25)."""
    # Unknown key: BADKEY, which needs EDNS (M-06, X-37).
    assert update(lab, key, *set_ns(HOSTS.values()))["rcode"] == "BADKEY"
    assert update(lab, key, "-E", *set_ns(HOSTS.values()))["rcode"] == "REFUSED"
    # An inquiry: the tag and the state, signed (M-36).
    assert state(lab, key, "-v", receiver) | {"len": 0, "asked": 0} == {
        "rcode": "NOERROR", "ede": "-1", "tc": "0", "keystate": "unknown", "id": key[2],
        "signed": "good", "len": 0, "asked": 0, "parse": "0", "text": ""}
    # Who does not ask for the state is not told it (M-29).
    assert update(lab, key, *set_ns(HOSTS.values()))["keystate"] == "none"
    # What is not published at the child is not trusted (M-14, M-17, M-18), and its owner is
    # told so (M-07).
    said = update(lab, stranger, "-o", "2", "-i", stranger[2], "-v", receiver, *upload(stranger))
    assert (said["rcode"], said["signed"]) == ("NOERROR", "good"), said
    lab.until(lambda: state(lab, stranger)["keystate"] == "validation failed", 10,
              "the stranger's key is found out", lab.status)
    assert update(lab, stranger, *set_ns(HOSTS.values()))["ede"] == "49201"
    # The state is told with a refusal as well (M-30).
    said = update(lab, stranger, "-o", "2", "-i", stranger[2], *set_ns(HOSTS.values()))
    assert (said["rcode"], said["keystate"]) == ("REFUSED", "validation failed"), said
    lab.publish_key(key)
    assert update(lab, key, *upload(key))["rcode"] == "NOERROR"
    lab.until(lambda: state(lab, key)["keystate"] == "trusted", 10, "the key is trusted", lab.status)
    # A stranger's next upload takes nothing away (M-15, P-07).
    assert update(lab, stranger, *upload(stranger))["rcode"] == "NOERROR"
    lab.until(lambda: state(lab, stranger)["keystate"] == "validation failed", 10, "once more")
    assert state(lab, key)["keystate"] == "trusted"


def refusals(lab, key, stranger):
    """Table of what changes nothing: not even a part of it (M-11)."""
    good = set_ns(HOSTS.values(), [(HOSTS["ns3"], lab.address["ns3"])])
    serial, ns, ds = lab.serial(), lab.at_parent("NS"), lab.at_parent("DS")
    sibling = "sibling.example."
    cases = [
        ("unsigned (M-39)", ["-u", *good], {}, "REFUSED"),
        ("stranger's key (M-03)", good, {"key": stranger}, "REFUSED"),
        ("corrupt (M-08)", ["-x", *good], {}, "BADSIG"),
        ("expired (M-08, M-41)", ["-t", "-3600", *good], {}, "BADTIME"),
        ("from the future (M-08, M-41)", ["-t", "3600", *good], {}, "BADTIME"),
        ("two signatures", ["-K", stranger[0], *good], {}, "FORMERR"),
        ("another zone", good, {"where": "child.example."}, None),
        ("sibling as signer", good, {"signer": sibling}, "BADKEY"),
        ("parent as signer (M-02)", good, {"signer": PARENT}, "REFUSED"),
        ("prerequisite", ["-p", *good], {}, "NOTIMPL"),
        ("sibling's name (M-02)", ["-R", f"{sibling} add NS 60 {name_hex('ns.test.')}"], {},
         "REFUSED"),
        ("outside of the zone (M-09)", ["-R", f"x.test. add NS 60 {name_hex('ns.test.')}"], {},
         "NOTZONE"),
        ("A of the child (M-01)", ["-R", f"{CHILD} add A 60 7f000001"], {}, "REFUSED"),
        ("TXT (M-01)", ["-R", f"{CHILD} add TXT 60 0161"], {}, "REFUSED"),
        ("delete everything (M-10)", ["-R", f"{CHILD} delname ANY 0"], {}, "REFUSED"),
        ("delete all NS (M-10)", ["-R", f"{CHILD} delset NS 0"], {}, "REFUSED"),
        ("NS without glue (M-04)", set_ns(HOSTS.values()), {}, "REFUSED"),
        ("NS that the child has not (M-04)", set_ns([HOSTS["ns1"]]), {}, "REFUSED"),
        ("other glue", set_ns(HOSTS.values(), [(HOSTS["ns3"], "192.0.2.1")]), {}, "REFUSED"),
        ("all DS go (M-10)", ["-R", f"{CHILD} delset DS 0"], {}, "REFUSED"),
        ("DS of no key (M-04)", ["-R", f"{CHILD} add DS 60 12340f02{'11' * 32}"], {}, "REFUSED"),
        ("DS of a foreign algorithm", ["-R", f"{CHILD} add DS 60 12340502{'11' * 32}"], {}, "REFUSED"),
        ("DS with SHA-1", ["-R", f"{CHILD} add DS 60 12340f01{'11' * 20}"], {}, "REFUSED"),
        ("KEY and NS", [*upload(key), *good], {}, "REFUSED"),
        ("KEYs away (M-16)", ["-R", f"{CHILD} delset KEY 0"], {}, "REFUSED"),
        ("nothing at all", [], {}, "REFUSED"),
        ("a broken DS", ["-R", f"{CHILD} add DS 60 12"], {}, "REFUSED"),
        ("third record bad", [*good, "-R", f"{CHILD} add MX 60 000a00"], {}, "REFUSED"),
    ]
    for what, words, more, rcode in cases:
        said = update(lab, more.pop("key", key), *words, **more)
        assert rcode is None or said["rcode"] == rcode, (what, said)
        assert said["rcode"] != "NOERROR", (what, said)
        assert (lab.at_parent("NS"), lab.at_parent("DS")) == (ns, ds), what
    both_signatures(lab, key, good)
    assert (lab.at_parent("NS"), lab.at_parent("DS"), lab.serial()) == (ns, ds, serial)
    assert state(lab, key)["keystate"] == "trusted"


def both_signatures(lab, key, good):
    """SIG(0) with a TSIG behind it, of a key that nobody knows."""
    saved = f"{lab.folder}/both.wire"
    update(lab, key, "-x", "-w", saved, *good)
    with open(saved, "rb") as file:
        message = bytearray(file.read())
    message[10:12] = struct.pack("!H", struct.unpack("!H", message[10:12])[0] + 1)
    rdata = dnsq.name_to_wire("hmac-sha256.") + struct.pack("!HIHH", 0, int(time.time()), 300, 32) + \
        bytes(32) + message[:2] + struct.pack("!HH", 0, 0)
    message += dnsq.name_to_wire("operator.") + struct.pack("!HHIH", 250, 255, 0, len(rdata)) + rdata
    answer = dnsq.exchange(f"{lab.address['parent']}@{PORT}", bytes(message), timeout=5, tcp=True)
    assert answer is not None and answer[3] & 15 == 5, answer


def changes(lab, key):
    """NS with glue, then DS; the same octets once more have no second effect (P-01)."""
    names = set(HOSTS.values())
    for name in "ns1", "ns2", "ns3":
        lab.edit(name, CHILD, ("set", CHILD, str(TTL), "NS", HOSTS["ns3"]))
    glue = [(HOSTS["ns3"], lab.address["ns3"])]
    saved = f"{lab.folder}/update.wire"
    said = update(lab, key, "-w", saved, *set_ns(names, glue))
    assert said["rcode"] == "NOERROR", (said, lab.status())
    assert lab.at_parent("NS") == names
    assert lab.address["ns3"] in lab.dig_glue(HOSTS["ns3"])
    serial = lab.serial()
    assert lab.dsgen("-T", "-f", saved, "TO", "update", PARENT)["rcode"] == "NOERROR"
    assert lab.serial() == serial

    first, second = lab.ds("ns1", CHILD)
    said = update(lab, key, "-R", f"{CHILD} add DS 60 {ds_hex(second)}")
    assert said["rcode"] == "NOERROR", (said, lab.status())
    assert lab.at_parent("DS") == {ds_hex(first), ds_hex(second)}
    # Over UDP, as a difference.
    said = lab.dsgen("-k", key[0], "-s", CHILD, "-R", f"{CHILD} del DS 0 {ds_hex(first)}", "TO",
                     "update", PARENT)
    assert said["rcode"] == "NOERROR", (said, lab.status())
    assert lab.at_parent("DS") == {ds_hex(second)}
    assert lab.secure(CHILD)


def roll(lab, key, following):
    # The trusted key brings the next one (M-24).
    said = update(lab, key, "-o", "2", "-i", following[2], *upload(following))
    assert (said["rcode"], said["keystate"]) == ("NOERROR", "trusted"), said
    assert state(lab, key)["keystate"] == "unknown"
    # The old one again, by itself: known, and not published any more, so never trusted.
    lab.publish_key(following)
    assert update(lab, key, *upload(key))["rcode"] == "NOERROR"
    lab.until(lambda: state(lab, key)["keystate"] == "validation failed", 10, "the old key failed",
              lab.status)
    assert state(lab, following)["keystate"] == "trusted"


def test(make_lab):
    lab = make_lab(kind=Delegation, items=["scan: 0", "retry: 300", "gap: 0", "timeout: 1",
                                           "update-child-rate: 0", "update-source-rate: 0",
                                           "notify-child-rate: 0"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    lab.until(lambda: lab.secure(TARGET, "TYPE25"), 10, "the receiver's KEY is published, signed")
    receiver = dnsq.rrset(dnsq.ask(lab.server("parent"), TARGET, "TYPE25"), "TYPE25")[0].rdata.hex()
    key, stranger, following = (lab.make_key(name) for name in ("child", "stranger", "following"))

    bootstrap(lab, key, stranger, receiver)
    refusals(lab, key, stranger)
    changes(lab, key)
    roll(lab, key, following)

    # An unsigned inquiry over UDP is sent to TCP; odd states are told so (M-33).
    ask = ["-u", "-i", key[2], "TO", "inquiry", CHILD]
    assert lab.dsgen(*ask)["tc"] == "1"
    assert lab.dsgen("-T", "-v", receiver, *ask)["signed"] == "good"
    for odd in "0", "1", "3", "11", "99":
        assert state(lab, key, "-o", odd)["keystate"] == "malformed request", odd
    # Asked as ANY, too (M-35).
    said = state(lab, key, "-q", "ANY")
    assert said["keystate"] != "none" and said["id"] == key[2], said
    # Nothing of KEY comes into the zone (M-22).
    assert "KEY" not in lab.knotc("parent", "zone-read", PARENT, CHILD)
