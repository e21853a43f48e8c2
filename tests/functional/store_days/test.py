# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk is full or may only be read, or the store is damaged: knotd serves on, nothing
uncombined leaves, nothing is confirmed that is not on disk, and it heals (decisions 8 and 10)."""

import random
import struct

import mounts
from days import ZONE, arrives, complete, new_key, own_keys, served, watched
from gamma import Gamma, add, dnskey, drop, started, tag

MINE = "alpha", "alpha_secondary"
NOERROR, SERVFAIL = "NOERROR", "SERVFAIL"


def large_keys(seed):
    """Keys as long as RSA's: a contribution that needs pages of its own."""
    rng = random.Random(seed)
    return [(struct.pack("!HBB", 256, 3, 13) + rng.randbytes(516)).hex()
            for _ in range(6)]


def combined(lab, what, more=()):
    keys = own_keys(lab) + [tag(key) for key in more]
    lab.until(lambda: complete(lab, keys, names=MINE), 30, what,
              lambda: (keys, lab.tags("alpha", ZONE), lab.state("alpha", ZONE)))


def store_says(lab, word, timeout=20):
    lab.until(lambda: lab.state("alpha")[0]["store"] == word, timeout, f"store={word}",
              lambda: lab.state("alpha"))


def full(lab, gamma, store):
    """While it runs. What is on disk already stays in force."""
    keys, small, large = own_keys(lab), [dnskey(1)], large_keys(1)
    with mounts.SmallDisk(store, "128k") as disk:
        lab.start("alpha")
        assert gamma.update(drop(), add(small[0]))["rcode"] == NOERROR
        combined(lab, "gamma's key", small)
        with watched(lab, keys + [tag(small[0])], names=MINE) as watches:
            disk.fill()
            update = drop(), *(add(key) for key in large)
            assert gamma.update(*update)["rcode"] == SERVFAIL, "confirmed, and not on disk"
            store_says(lab, "failing")
            assert gamma.update(*update)["rcode"] == SERVFAIL
            line = next(x for x in lab.log("alpha").splitlines() if "store failed" in x or
                        "cannot be written" in x)
            assert "full" in line and "make room" in line and store in line, line
            assert watches["DNSKEY of alpha"].held == 0, "what is served is not held back"
            lab.edit("owner", ZONE, ("set", "full", "60", "A", "192.0.2.200"))
            served(lab, "full", MINE, 10)
            lab.kill("alpha")
            lab.start("alpha")
            assert gamma.send("query", "-T", zone=ZONE + "agent.gamma.example.")["answers"] == "1"
            disk.make_room()
            store_says(lab, "ok")
        assert gamma.update(*update)["rcode"] == NOERROR
        combined(lab, "everything heals", large)
        lab.stop("alpha")


def read_only(lab, store):
    with mounts.SmallDisk(store, "512k") as disk, watched(lab, own_keys(lab), names=MINE):
        disk.read_only(True)
        lab.start("alpha")
        assert "read-only file system" in lab.log("alpha").lower()
        lab.edit("owner", ZONE, ("set", "readonly", "60", "A", "192.0.2.200"))
        lab.until(lambda: lab.ask("alpha", f"readonly.{ZONE}", "A").answer, 20, "knotd serves on")
        lab.stop("alpha")
        disk.read_only(False)
        lab.start("alpha")
        served(lab, "readonly", MINE)
        combined(lab, "everything heals")
        lab.stop("alpha")


def journal(lab):
    """knotd's own disk is full: the owner's zone, and perhaps an edit of ours, cannot be taken."""
    keys = own_keys(lab)
    with mounts.SmallDisk(f"{lab.path('alpha')}/journal", "1m") as disk:
        lab.start("alpha")
        combined(lab, "all is as before")
        with watched(lab, keys, names=MINE):
            disk.fill()
            lab.edit("owner", ZONE, ("set", "journal", "60", "A", "192.0.2.200"),
                     *[("set", "large", "60", "TXT", f"{i} " + 8 * ("x" * 250 + " "))
                       for i in range(30)])
            new_key(lab, "beta")
            lab.until(lambda: "failed to store changes" in lab.log("alpha"), 20, "it is refused")
            assert not lab.ask("alpha", f"journal.{ZONE}", "A").answer
            disk.make_room()
            lab.knotc("alpha", "zone-refresh", ZONE)
            served(lab, "journal", MINE)
            combined(lab, "everything heals")
        lab.stop("alpha")


def damaged(lab, store):
    """Each kind of damage; the owner sends its zone at once after the start."""
    with open(f"{store}/data.mdb", "rb") as file:
        good = file.read()
    kinds = {"short": good[:8192], "meta": b"x" * 8192 + good[8192:],
             "zeros": good[:8192] + bytes(len(good) - 8192),
             "noise": good[:8192] + random.Random(1).randbytes(len(good) - 8192)}
    for kind, octets in kinds.items():
        with open(f"{store}/data.mdb", "wb") as file:
            file.write(octets)
        mark = len(lab.log("alpha"))
        with watched(lab, own_keys(lab), names=MINE):
            lab.start("alpha")
            arrives(lab, kind, MINE)
            combined(lab, f"combined without the old store: {kind}")
        line = next(x for x in lab.log("alpha")[mark:].splitlines() if "damaged" in x)
        assert " error: " in line and store in line and "restore it" in line, line
        lab.stop("alpha")


def test(make_lab):
    lab = started(make_lab, ixfr=False, module_items=["hello-retry: 1s"])
    gamma = Gamma(lab)
    store = f"{lab.path('alpha')}/msigner"
    lab.stop("alpha")
    damaged(lab, store)
    why = mounts.unavailable()
    if why:
        print(f"# store_days: neither full nor read-only disks: {why}")
        return
    full(lab, gamma, store)
    read_only(lab, store)
    journal(lab)
