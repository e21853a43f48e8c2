# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloads under load, keys made trusted by knotc conf-set, a zone that is opted out, and a quick end."""

import base64
import time

from delegation import CHILD, PARENT, Delegation, ds_hex


def by_hand(lab):
    """With a configuration database (knotd -C): knotd reads a file again at each commit of a module.
    Two keys are trusted where two may be (M-42)."""
    key, second = lab.make_key("child"), lab.make_key("second")
    lab.stop("parent")
    database = f"{lab.path('parent')}/confdb"
    sanitizer = [f"{key}={value}" for key, value in lab.sanitizer("parent", "").items()]
    lab.run("env", *sanitizer, "knotc", "-C", database, "conf-import",
            f"{lab.path('parent')}/knot.conf")
    lab.commands["parent"] = ["knotd", "-C", database]
    lab.start("parent")
    for number, each in enumerate((key, second)):
        public = base64.b64encode(bytes.fromhex(each[1])[4:]).decode()
        lab.knotc("parent", "conf-begin")
        if number == 1:
            lab.knotc("parent", "conf-set", "mod-dsync[default].keys-per-child", "2")
        lab.knotc("parent", "conf-set", "mod-dsync[default].trust", f"{CHILD} 512 3 15 {public}")
        lab.knotc("parent", "conf-commit")
        lab.until(lambda k=each: lab.keystate(k)["keystate"] == "trusted", 10, "trusted by hand",
                  lab.status)
    assert lab.keystate(key)["keystate"] == "trusted"
    lab.knotc("parent", "conf-begin")
    lab.knotc("parent", "conf-set", "mod-dsync[default].trust", "no key", check=False)
    assert not lab.knotc("parent", "conf-commit", check=False)
    lab.knotc("parent", "conf-abort", check=False)
    lab.stop("parent")
    del lab.commands["parent"]
    lab.start("parent")
    return key


def test(make_lab):
    lab = make_lab(kind=Delegation, items=["scan: 0", "gap: 0", "notify-child-rate: 0",
                                           "notify-source-rate: 0"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    first, second = lab.ds("ns1", CHILD)
    lab.cds("always")
    for number in range(30):
        assert lab.notify("CDS", CHILD, "-m", "4000")["rcode"] == "NOERROR", number
        lab.reload("parent")
    lab.activate()
    lab.notify()
    lab.until(lambda: lab.at_parent("DS") == {ds_hex(first), ds_hex(second)}, 10,
              "changes come in after all those reloads", lab.status)

    key = by_hand(lab)
    # The zone takes no part any more.
    text = lab.read(f"{lab.path('parent')}/knot.conf")
    lab.write(f"{lab.path('parent')}/knot.conf", text.replace("    module: mod-dsync/default\n", ""))
    lab.reload("parent")
    lab.until(lambda: lab.notify("CDS", CHILD, "-m", "1000")["rcode"] != "NOERROR", 10,
              "NOTIFY is knotd's again")
    assert lab.update(key, "-R", f"{CHILD} delset DS 0")["rcode"] != "NOERROR"
    lab.write(f"{lab.path('parent')}/knot.conf", text)
    lab.reload("parent")
    lab.until(lambda: lab.notify("CDS", CHILD, "-m", "1000")["rcode"] == "NOERROR", 10, "and ours")

    # It ends at once, also while servers are asked that do not answer.
    lab.stop("ns1", "ns2")
    lab.notify()
    began = time.monotonic()
    lab.stop("parent")
    assert time.monotonic() - began < 3, "the end took too long"
