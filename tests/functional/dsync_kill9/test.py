# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 of the parent: keys stay trusted, an approved change is finished after the restart without
anybody's help, and what was answered NOERROR is there (M-11)."""

from delegation import CHILD, PARENT, Delegation, ds_hex


def again(lab):
    lab.kill("parent")
    lab.start("parent")


def test(make_lab):
    lab = make_lab(kind=Delegation, items=["scan: 0", "gap: 0", "update-child-rate: 0"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    first, second = lab.ds("ns1", CHILD)
    key, stranger = lab.make_key("child"), lab.make_key("stranger")
    lab.trusted(key)
    again(lab)
    assert lab.keystate(key)["keystate"] == "trusted"
    assert lab.keystate(stranger)["keystate"] == "unknown"

    # Answered: there.
    saved = f"{lab.folder}/update.wire"
    said = lab.update(key, "-w", saved, "-R", f"{CHILD} add DS 60 {ds_hex(second)}")
    assert said["rcode"] == "NOERROR", said
    again(lab)
    assert lab.at_parent("DS") == {ds_hex(first), ds_hex(second)}
    # The same octets to the new process: the delegation is so already, nothing changes (P-01).
    serial = lab.serial()
    assert lab.dsgen("-T", "-f", saved, "TO", "update", PARENT)["rcode"] == "NOERROR"
    assert lab.serial() == serial

    # Approved, not applied yet, since somebody edits the zone: the restart brings it in.
    lab.cds("always")
    lab.activate()
    lab.activate(retire=True)
    lab.knotc("parent", "zone-begin", PARENT)
    lab.notify()
    lab.until(lambda: lab.status()[0]["todo"] == "1", 10, "the change is approved", lab.status)
    assert lab.at_parent("DS") == {ds_hex(first), ds_hex(second)}
    again(lab)
    lab.until(lambda: lab.at_parent("DS") == {ds_hex(second)}, 15, "the change is in the zone",
              lambda: (lab.at_parent("DS"), lab.status()))
    lab.until(lambda: lab.status()[0]["todo"] == "0", 10, "and nothing is left to do", lab.status)
    assert lab.keystate(key)["keystate"] == "trusted"
    assert lab.secure(CHILD)
