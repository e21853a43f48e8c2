# SPDX-License-Identifier: GPL-3.0-or-later
"""`apply: command`: a program gets the approved change as text for nsupdate; its exit status decides (M-05).
Here it sends the change with TSIG to the primary, which is what a receiver beside another primary does."""

import os

import labconf
from delegation import CHILD, Delegation, ds_hex

PROGRAM = """\
#!/bin/sh
cp "$3" {folder}/last
echo "$1 $2" >>{folder}/calls
test -e {folder}/broken && {{ echo "registry is closed" >&2; exit 3; }}
{{ echo "server {server}"; cat "$3"; }} | knsupdate -y hmac-sha256:operator:{secret}
"""


def test(make_lab):
    name, body = "operator", labconf.tsig("operator")[1]
    sections = f"key:\n{body}acl:\n  - id: operator\n    action: update\n    key: {name}\n"
    lab = make_lab(kind=Delegation, sections=sections, zone_items=["acl: operator"],
                   items=["scan: 0", "gap: 0", "retries: 0", "apply: command", "command: /bin/false"])
    program = f"{lab.folder}/apply"
    lab.write(program, PROGRAM.format(folder=lab.folder, server=lab.address["parent"],
                                      secret=labconf.secret("operator")))
    os.chmod(program, 0o755)
    lab.items[-1] = f"command: {program}"
    lab.configure()
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    first, second = lab.ds("ns1", CHILD)
    key = lab.make_key("child")
    lab.trusted(key)

    lab.write(f"{lab.folder}/broken", "")
    said = lab.update(key, "-R", f"{CHILD} add DS 60 {ds_hex(second)}")
    assert said["rcode"] == "REFUSED" and "registry is closed" in said["text"], said
    assert lab.at_parent("DS") == {ds_hex(first)}
    os.unlink(f"{lab.folder}/broken")

    said = lab.update(key, "-R", f"{CHILD} add DS 60 {ds_hex(second)}")
    assert said["rcode"] == "NOERROR", (said, lab.status())
    lab.until(lambda: lab.at_parent("DS") == {ds_hex(first), ds_hex(second)}, 10, "it is done",
              lambda: lab.at_parent("DS"))
    with open(f"{lab.folder}/last", encoding="ascii") as last:
        text = last.read().splitlines()
    assert text[0] == "zone example." and text[1] == f"update delete {CHILD} DS", text
    assert len(text) == 5 and text[-1] == "send", text
    with open(f"{lab.folder}/calls", encoding="ascii") as calls:
        assert set(calls.read().splitlines()) == {f"example. {CHILD}"}
