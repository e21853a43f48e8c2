# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner's zone as text: made, named, and read back as a list of questions to ask."""

import random

import dnsq
import labconf

# What the story itself changes, and what cannot be asked for on its own.
UNASKED = {"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "SOA", "DNSKEY", "CDS", "CDNSKEY"}


def generate(path, zone, delegations, servers):
    """Delegations as a registry has them: two name servers each, every tenth with a DS."""
    with open(path, "w", encoding="ascii") as out:
        out.write(f"$ORIGIN {zone}\n$TTL 60\n{labconf.soa(zone, servers[0])}")
        out.write("".join(f"@ NS {server}\n" for server in servers[1:]))
        for i in range(delegations):
            out.write(f"d{i} NS ns1.hosting.{labconf.INFRA}\n NS ns2.hosting.{labconf.INFRA}\n")
            if i % 10 == 0:
                out.write(f" DS {i % 65536} 13 2 {random.randbytes(32).hex()}\n")


def name_of(path):
    """The zone's name: owner of its SOA, or $ORIGIN, or what the file is called."""
    origin = path.rsplit("/", 1)[-1].removeprefix("db.").removesuffix(".zone").removesuffix(".txt")
    origin = origin.rstrip(".") + "."
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words = line.split(";", 1)[0].split()
            if len(words) > 1 and words[0].upper() == "$ORIGIN":
                origin = words[1].rstrip(".") + "."
            elif "SOA" in (word.upper() for word in words):
                owner = words[0] if not line[0].isspace() else "@"
                absolute = owner.endswith(".") and owner or f"{owner}.{origin}"
                return (origin if owner == "@" else absolute).lower()
    return origin.lower()


def records(axfr):
    """kdig's transfer as a set of (owner, type, rest)."""
    result = set()
    for line in axfr.splitlines():
        if line and line[0] != ";":
            owner, _, _, rrtype, rest = line.split(None, 4)
            result.add((owner.lower(), rrtype, rest))
    return result


def questions(zone, content):
    """(name, type) of what the zone's servers are authoritative for: at delegations only DS."""
    types = {}
    for owner, rrtype, _ in content:
        types.setdefault(owner, set()).add(rrtype)
    cuts = {name for name, has in types.items() if name != zone and has & {"NS", "DNAME"}}
    result = []
    for name, has in types.items():
        above = name.split(".", 1)[1] if name != zone else "."
        while len(above) > len(zone) and above not in cuts:
            above = above.split(".", 1)[1]
        if above in cuts or name.startswith("*"):
            continue
        asked = ["DS"] if name in cuts else sorted(has & dnsq.TYPES.keys() - UNASKED)
        result += [(name, rrtype) for rrtype in asked]
    return sorted(result)


def draw(zone, existing, count):
    """Half of them from the zone, half that do not exist there."""
    made_up = [(f"x{random.randbytes(6).hex()}.{zone}", "A") for _ in range(count - count // 2)]
    drawn = random.choices(existing, k=count // 2) + made_up
    random.shuffle(drawn)
    return drawn
