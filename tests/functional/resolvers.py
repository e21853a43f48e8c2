# SPDX-License-Identifier: GPL-3.0-or-later
"""Validating resolvers of three kinds, all from the lab's private root, each with its own rules for
what may stay in its cache: unbound as it comes, unbound as strict as it can be, BIND's named."""

import shutil

import dnsq
import labconf
from servers import LabError

HARDENED = [f"harden-{what}: yes" for what in
            ("short-bufsize", "large-queries", "glue", "dnssec-stripped", "below-nxdomain",
             "referral-path", "algo-downgrade")] + ["qname-minimisation-strict: yes", "ede: yes"]


def unbound(lab, name):
    return labconf.unbound(lab, name, "ede: yes")


def hardened(lab, name):
    return labconf.unbound(lab, name, *HARDENED)


def named_port(lab):
    """named listens only where an interface has that very address, so it has a port of its own."""
    return 21000 + int(lab.address["root"].split(".")[2])


def named(lab, name):
    """synth-from-dnssec off: each question reaches a server. Caches keep what they are told."""
    with open(f"{lab.folder}/root.ds", encoding="utf-8") as anchors:
        lines = [line.split(maxsplit=5)[2:] for line in anchors]
    keys = "".join(f'    . static-ds {tag} {algorithm} {digest} "{"".join(data.split())}";\n'
                   for tag, algorithm, digest, data in lines)
    folder = lab.path(name)
    return f"""\
options {{
    directory "{folder}";
    managed-keys-directory "{folder}";
    session-keyfile "{folder}/session.key";
    pid-file none;
    lock-file none;
    listen-on port {named_port(lab)} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    allow-query {{ 127.0.0.0/8; }};
    recursion yes;
    dnssec-validation yes;
    synth-from-dnssec no;
    empty-zones-enable no;
    max-cache-size 64m;
}};
controls {{ }};
trust-anchors {{
{keys}}};
zone "." {{ type hint; file "{lab.folder}/root.hints"; }};
"""


class Kind:
    """text(lab, name) is what stands in `file`; command: without the path of that file."""

    def __init__(self, text, file, *command):
        self.text, self.file, self.command = text, file, command

    def prepare(self, lab, name):
        if shutil.which(self.command[0]) is None:
            raise LabError(f"{self.command[0]} is missing: install bind9 or unbound")
        path = f"{lab.path(name)}/{self.file}"
        lab.write(path, self.text(lab, name))
        lab.commands[name] = [*self.command, path]


KINDS = {"unbound": Kind(unbound, "unbound.conf", "unbound", "-c"),
         "hardened": Kind(hardened, "unbound.conf", "unbound", "-c"),
         "named": Kind(named, "named.conf", "named", "-g", "-n", "1", "-c")}


def answers(lab, name):
    reply = dnsq.ask(lab.server(name), ".", "SOA", rd=True, timeout=0.5, tries=1)
    return reply is not None and reply.rcode == 0 and reply.ad
