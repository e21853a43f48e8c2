# SPDX-License-Identifier: GPL-3.0-or-later
"""knotd with a configuration database. In 3.2 a commit makes it forget shared modules, and a zone
that the next one touches loses its instance: gate and combining go on, in reloads as well."""

from days import ZONE, arrives, complete, new_key, own_keys, watched
from gamma import started

RELOADS = 20


def use_database(lab, name):
    """The server's configuration, imported; it is started from there."""
    where = f"{lab.path(name)}/confdb"
    sanitizer = [f"{key}={value}" for key, value in lab.sanitizer(name, "").items()]
    lab.run("env", *sanitizer, "knotc", "-C", where, "conf-import", f"{lab.path(name)}/knot.conf")
    lab.commands[name] = ["knotd", "-C", where]


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
    use_database(lab, "alpha")
    lab = started(lambda **_: lab)
    with watched(lab, own_keys(lab)) as watches:
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
