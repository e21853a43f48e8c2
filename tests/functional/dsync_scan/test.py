# SPDX-License-Identifier: GPL-3.0-or-later
"""Without any NOTIFY: the slow scan finds what children wish; a server that stays silent through all
repetitions stops counting; DS that an operator has taken out do not come back by themselves."""

from delegation import CHILD, PARENT, Delegation, ds_hex

OTHER = "other.example."


ACL = "acl:\n  - id: self\n    action: transfer\n    address: 127.0.0.0/8\n"
FILLER = 5000    # Records: more than the control socket tells.


def test(make_lab):
    lab = make_lab(kind=Delegation, children=[CHILD, OTHER], sections=ACL, zone_items=["acl: self"],
                   items=["scan: 1", "gap: 0", "retry: 1", "retries: 1", "timeout: 1",
                          "silent-servers: drop"])
    with open(f"{lab.path('parent')}/example.zone", "a", encoding="ascii") as zone:
        zone.writelines(f"x{number}.example. 60 TXT x\n" for number in range(FILLER))
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    for zone in CHILD, OTHER:
        lab.cds("always", zone=zone)
        lab.activate(zone=zone)
    for zone in CHILD, OTHER:
        wanted = {ds_hex(ds) for ds in lab.ds("ns1", zone)}
        lab.until(lambda z=zone, w=wanted: lab.at_parent("DS", z) == w, 45, f"{zone} is scanned",
                  lambda z=zone: (lab.at_parent("DS", z), lab.status(z)))
    names = {line["child"] for line in lab.status(PARENT) if "child" in line}
    assert names == {CHILD, OTHER}, lab.status(PARENT)

    # A server that has died for good (K-20).
    lab.stop("ns2")
    lab.activate("ns1", retire=True)
    wanted = {ds_hex(lab.ds("ns1", CHILD)[1])}
    lab.until(lambda: lab.at_parent("DS") == wanted, 45, "the silent server does not count any more",
              lambda: (lab.at_parent("DS"), lab.status()))
    lab.start("ns2")
    lab.cds("always", "ns2")
    lab.activate("ns2", retire=True)

    # By hand: the registry suspends automation (K-29).
    lab.edit("parent", PARENT, ("clear", CHILD, "DS"))
    lab.until(lambda: (lab.verdict("ds") or ())[:2] == ("refused", "bootstrap"), 20,
              "no first DS again", lambda: lab.verdict("ds"))
    assert "by hand" in lab.verdict("ds")[2]
    looks = int(lab.status()[0]["looks"])
    lab.until(lambda: int(lab.status()[0]["looks"]) > looks + 2, 30, "it is scanned on and on")
    assert lab.at_parent("DS") == set()
    lab.edit("parent", PARENT, ("set", CHILD, "60", "DS", *lab.ds("ns1", CHILD)[1].split()))
    lab.until(lambda: lab.verdict("ds")[0] == "same", 20, "automation goes on", lab.status)
