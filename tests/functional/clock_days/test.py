# SPDX-License-Identifier: GPL-3.0-or-later
"""The civil clock of one provider jumps a day ahead and a day back while its knotd runs: gate and
edits go on, and the peers talk to each other again when the clocks agree (P-30)."""

import glob
import json
import os

from days import ZONE, arrives, complete, new_key, own_keys, watched
from dnsq import key_tag, rrset
from gamma import started
from lab import small_zone

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def clock(lab, offset):
    """What alpha takes for the time is this far from ours; read at each call, and never half."""
    lab.write(f"{lab.folder}/clock.new", offset)
    os.rename(f"{lab.folder}/clock.new", f"{lab.folder}/clock")


def with_clock(lab):
    libraries = glob.glob(LIBRARY)
    assert libraries, f"{LIBRARY} does not exist: apt-get install faketime"
    clock(lab, "+0")
    lab.variables["alpha"] = {
        "LD_PRELOAD": libraries[0], "FAKETIME_TIMESTAMP_FILE": f"{lab.folder}/clock",
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}


def age_keys(lab):
    """Keys that a clock of yesterday does not take for those of tomorrow."""
    for key in json.loads(lab.keymgr("alpha", ZONE, "-j", "list")):
        lab.keymgr("alpha", ZONE, "set", key["id"], "publish=-3d", "active=-3d")
    lab.knotc("alpha", "zone-keys-load", ZONE)


def strip(lab):
    """The operator of alpha takes beta's ZSKs out."""
    zsks = lab.own_tags("beta", ZONE)
    keys = [key.rdata for key in rrset(lab.ask("alpha", ZONE, "DNSKEY"), "DNSKEY")
            if key_tag(key.rdata) in zsks]
    lab.edit("alpha", ZONE, *[("unset", ZONE, "DNSKEY", "\\#", str(len(key)), key.hex())
                              for key in keys])


def test(make_lab):
    # A day must not let the zone expire.
    lab = make_lab(ixfr=False, module_items=["heartbeat: 1s", "hello-retry: 1s"],
                   shared={ZONE: small_zone(ZONE).replace(" 86400 ", " 1209600 ")})
    with_clock(lab)
    lab = started(lambda **_: lab)
    age_keys(lab)
    keys = own_keys(lab)

    for offset in "+1d", "-1d":
        with watched(lab, keys) as watches:
            clock(lab, offset)
            lab.until(lambda: not lab.operational(), 30, "nobody believes the other")
            # TSIG keeps the owner's zone out as well, but here is a version without beta's keys.
            held = watches["DNSKEY of alpha"].held
            strip(lab)
            lab.until(lambda w=watches, h=held: w["DNSKEY of alpha"].held > h, 5, "the gate shuts")
            lab.until(lambda: complete(lab, own_keys(lab)), 10, "our edit lands",
                      lambda: lab.state("alpha", ZONE))
            clock(lab, "+0")
            lab.until(lab.operational, 30, "OPERATIONAL again",
                      lambda: [lab.state(p) for p in lab.providers])
            new_key(lab, "beta")
            arrives(lab, "ahead" if offset == "+1d" else "back")
            lab.until(lambda: complete(lab, own_keys(lab)), 20, "a new key")
    assert not lab.died()
