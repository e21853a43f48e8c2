# SPDX-License-Identifier: GPL-3.0-or-later
"""knotd with a configuration database. In 3.2 a commit makes it forget shared modules, and a zone
that the next one touches loses its instance: gate and combining go on, in reloads as well."""

import subprocess

from days import ZONE, arrives, complete, new_key, own_keys, watched
from gamma import started

RELOADS = 20
GOOD = """\
    roll: [ "zone.example. zsk", "Zone.Example ksk 2" ]
    step: zone.example.
    skip: [ "zone.example. again" ]
    abort: zone.example.
    zsk-lifetime: 30d
    max-ttl: 1h
"""
WRONG = [
    ("roll: zone.example.", "give zsk, ksk, csk or algorithm"),
    ('roll: "zone.example. key"', "give zsk, ksk, csk or algorithm"),
    ('roll: "zone.example. zsk 1 2"', "'roll' has too many words"),
    ('roll: "zone..example. zsk"', "does not begin with a zone's name"),
    ("step: .example.", "does not begin with a zone's name"),
    ('abort: "zone.example. 1 2"', "at most one word"),
    ("skip: [ " + ", ".join(f'"zone.example. {i}"' for i in range(17)) + " ]", "more than sixteen"),
    ("max-ttl: 0", "'max-ttl' is 0"),
    ("ksk-lifetime: 1h", "is not longer than 'max-ttl'"),
]


def use_database(lab, name):
    """The server's configuration, imported; it is started from there."""
    where = f"{lab.path(name)}/confdb"
    sanitizer = [f"{key}={value}" for key, value in lab.sanitizer(name, "").items()]
    lab.run("env", *sanitizer, "knotc", "-C", where, "conf-import", f"{lab.path(name)}/knot.conf")
    lab.commands[name] = ["knotd", "-C", where]


def checked(lab, items):
    """What conf-check says to more items of the module."""
    with open(f"{lab.path('alpha')}/knot.conf", encoding="utf-8") as conf:
        text = conf.read()
    path = f"{lab.folder}/checked.conf"
    lab.write(path, text.replace("    identity:", items + "    identity:", 1))
    done = subprocess.run(["knotc", "-c", path, "conf-check"], capture_output=True, text=True,
                          check=False, env=lab.environment("alpha"))
    return done.returncode, done.stderr


def orders_are_checked(lab):
    """Each mistake has its sentence."""
    assert checked(lab, GOOD) == (0, "")
    for item, sentence in WRONG:
        status, said = checked(lab, f"    {item}\n")
        assert status != 0 and sentence in said, f"{item}: {said}"


def ordered(lab):
    """An order in a transaction, beside another one; a wrong one ends with it."""
    lab.knotc("alpha", "conf-begin")
    for number in "12":
        lab.knotc("alpha", "conf-set", "mod-msigner[default].skip", f"{ZONE} {number}")
    lab.knotc("alpha", "conf-commit")
    said = lab.knotc("alpha", "conf-read", "mod-msigner[default].skip")
    assert f"{ZONE} 1" in said and f"{ZONE} 2" in said, said
    assert not commit(lab, "mod-msigner[default].roll", f"{ZONE} key")


def commit(lab, item, value):
    """False where knotd refuses it, as 3.2 may after an earlier one (doc/operation.rst)."""
    lab.knotc("alpha", "conf-begin")
    lab.knotc("alpha", "conf-set", item, value)
    if lab.knotc("alpha", "conf-commit", check=False):
        return True
    lab.knotc("alpha", "conf-abort", check=False)
    return False


def key_flows(lab, what):
    new_key(lab, "beta")
    lab.until(lambda: complete(lab, own_keys(lab)), 15, what, lambda: lab.state("alpha", ZONE))


def test(make_lab):
    lab = make_lab(ixfr=False)
    orders_are_checked(lab)
    use_database(lab, "alpha")
    lab = started(lambda **_: lab)
    with watched(lab, own_keys(lab)) as watches:
        ordered(lab)
        assert commit(lab, "server.nsid", "abc"), "the first commit goes through"
        arrives(lab, "committed")
        assert commit(lab, f"zone[{ZONE}].semantic-checks", "on"), "one that makes the zone anew"
        arrives(lab, "touched")
        lab.knotc("alpha", "zone-retransfer", ZONE)
        key_flows(lab, "a new key after the commits")
        held = watches["DNSKEY of alpha"].held
        assert held > 0, "the gate was never shut"
        for number in range(RELOADS):
            lab.knotc("alpha", "reload")
            if number % 5 == 0:
                commit(lab, "server.nsid", f"nsid{number}")
                arrives(lab, f"storm{number}")
        key_flows(lab, "a new key after the storm")
        assert watches["DNSKEY of alpha"].held > held, "it was never shut in the storm"
    assert not lab.died()
