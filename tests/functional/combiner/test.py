# SPDX-License-Identifier: GPL-3.0-or-later
"""The drafts' two servers: owner -> combiner (unsigned, contributions by UPDATE with TSIG) -> signer
with the agent (G-01, G-02, G-11), beside a provider that has both in one (G-29)."""

import base64
import subprocess

import dnsq
import labconf
from lab import JOIN_TTL, LabError

ZONE = "zone.example."
COMBINER = "alpha_combiner"
KEY, _ = labconf.tsig("agent", "alpha")
SECRET = labconf.secret("agent", "alpha")


def nsupdate(lab, *lines, key=KEY, secret=SECRET, server=COMBINER):
    """What nsupdate says: empty, or why not. key None: unsigned."""
    text = "\n".join([f"server {lab.address[server]}", f"zone {ZONE}", *lines, "send", ""])
    sign = [] if key is None else ["-y", f"hmac-sha256:{key}:{secret}"]
    done = subprocess.run(["nsupdate", "-t", "5", *sign], input=text, capture_output=True,
                          text=True, check=False, timeout=20)
    said = done.stderr.strip()
    if (done.returncode == 0) != (said == ""):
        raise LabError(f"nsupdate ended with {done.returncode}: {said}")
    return said


def raw(lab, *options):
    """One line of msgen about an UPDATE over TCP with our TSIG."""
    return lab.msgen("-T", "-s", KEY, "-y", base64.b64decode(SECRET).hex(), *options,
                     f"{lab.server(COMBINER)}", "update", ZONE)


def apex(lab, rrtype, name=COMBINER):
    """RDATA of an apex RRset, sorted."""
    records = dnsq.rrset(lab.ask(name, ZONE, rrtype), rrtype)
    return sorted(r.rdata if isinstance(r.rdata, str) else r.rdata.hex() for r in records)


def waits(lab, rrtype, wanted, name=COMBINER):
    lab.until(lambda: apex(lab, rrtype, name) == sorted(wanted), 15, f"{rrtype} at {name}",
              lambda: (apex(lab, rrtype, name), sorted(wanted)))


def integrated(lab):
    """alpha with its combiner and beta without share the zone."""
    keys = sorted(lab.own_tags("alpha", ZONE) | lab.own_tags("beta", ZONE))
    for name in "alpha", "alpha_secondary", "beta", "beta_secondary":
        lab.until(lambda n=name: lab.tags(n, ZONE) == keys, 20, f"both ZSKs at {name}",
                  lambda n=name: (lab.tags(n, ZONE), lab.state("alpha", ZONE)))
    lab.until(lambda: lab.tags(COMBINER, ZONE) == sorted(lab.own_tags("beta", ZONE)), 15,
              "the combiner has beta's ZSK alone", lambda: lab.tags(COMBINER, ZONE))
    hosts = [h for p in lab.providers for h in labconf.nameservers(p)]
    for name in COMBINER, "alpha_secondary", "beta_secondary":
        waits(lab, "NS", hosts, name)
    # A combiner does not sign (G-10).
    assert not lab.ask(COMBINER, ZONE, "RRSIG").answer, "the combiner's zone is not signed"


def owner_changes(lab):
    """A whole new zone from the owner: nothing that leaves the combiner lacks the rest (G-05, G-06)."""
    for number in range(3):
        lab.edit("owner", ZONE, ("set", f"new{number}.{ZONE}", "60", "A", "192.0.2.77"))
        for name in COMBINER, "alpha_secondary":
            lab.until(lambda n=name, i=number: lab.ask(n, f"new{i}.{ZONE}", "A").answer, 20,
                      f"change {number} has reached {name}", lambda: lab.state("alpha", ZONE))
        integrated(lab)


def refused(lab):
    """Each of them changes nothing (G-09, G-20)."""
    ns, cds = f"update add {ZONE} 60 NS ns.mixed.example.", f"{ZONE} CDS"
    cases = [
        ("NS and A", "REFUSED", [ns, f"update add {ZONE} 60 A 192.0.2.1"], {}),
        ("not the apex", "REFUSED", [ns, f"update add www1.{ZONE} 60 NS ns.mixed.example."], {}),
        ("SOA", "REFUSED", [ns, f"update delete {ZONE} SOA"], {}),
        ("another name", "NOTZONE", [ns, "update add example. 60 NS ns.mixed.example."], {}),
        ("prerequisite", "NXRRSET", [f"prereq yxrrset {cds}", f"update delete {cds}", ns], {}),
        ("unsigned", "REFUSED", [ns], {"key": None}),
        ("another key", "BADKEY", [ns], {"key": "owner-alpha",
                                         "secret": labconf.secret("owner", "alpha")}),
        ("another secret", "BADSIG", [ns], {"secret": labconf.secret("owner", "alpha")}),
    ]
    nsupdate(lab, f"update delete {cds}")
    before = {rrtype: apex(lab, rrtype) for rrtype in ("NS", "A", "DNSKEY", "CDS", "SOA")}
    for what, rcode, lines, how in cases:
        said = nsupdate(lab, *lines, **how)
        assert rcode in said, f"{what}: {said}"
    assert "signed=BADTIME" in raw(lab, "-t", "-400", "-R", f"{ZONE} 255 NS 0"), "late"
    assert "signed=BADTIME" in raw(lab, "-t", "400", "-R", f"{ZONE} 255 NS 0"), "early"
    # What came later is done: had one of those before it had an effect, it would be seen.
    assert nsupdate(lab, f"update delete {ZONE} CDNSKEY",
                    f"update add {ZONE} 60 CDNSKEY 257 3 13 AQI=") == ""
    waits(lab, "CDNSKEY", ["0101030d0102"])
    for rrtype in "NS", "A", "DNSKEY", "CDS":
        assert apex(lab, rrtype) == before[rrtype], rrtype


def accepted(lab):
    """Sets of every kind; delete and add make exactly the new set (G-03, G-04, G-18)."""
    assert nsupdate(lab, f"update delete {ZONE} NS", f"update add {ZONE} 60 NS ns.one.example.") == ""
    waits(lab, "NS", ["ns.one.example."])
    assert nsupdate(lab, f"update add {ZONE} 60 NS ns.two.example.",
                    f"update delete {ZONE} NS ns.one.example.") == ""
    waits(lab, "NS", ["ns.two.example."])
    assert nsupdate(lab, f"update delete {ZONE} CDNSKEY",
                    f"update add {ZONE} 60 CDNSKEY 257 3 13 AQM=",
                    f"update add {ZONE} 60 CSYNC 1 3 A NS",
                    f"update add {ZONE} 60 KEY 512 3 13 AQI=") == ""
    waits(lab, "CDNSKEY", ["0101030d0103"])
    lab.until(lambda: lab.ask(COMBINER, ZONE, "TYPE25").answer, 15, "KEY is combined")
    assert len(apex(lab, "CSYNC")) == 1
    # Withdrawn, NS is the owner's again: never an empty set (G-13).
    assert nsupdate(lab, f"update delete {ZONE} NS") == ""
    waits(lab, "NS", apex(lab, "NS", "owner"))


def replayed(lab):
    """The same octets again get the same answer and do nothing (G-20), also from another run."""
    tape = f"{lab.folder}/update.bin"
    one, two = "0101030d0201", "0101030d0202"
    drop = f"{ZONE} 255 CDNSKEY 0"
    first = raw(lab, "-w", tape, "-R", drop, "-R", f"{ZONE} 1 CDNSKEY 60 {one}")
    assert "rcode=NOERROR" in first and "signed=good" in first, first
    waits(lab, "CDNSKEY", [one])
    assert "rcode=NOERROR" in raw(lab, "-R", drop, "-R", f"{ZONE} 1 CDNSKEY 60 {two}")
    waits(lab, "CDNSKEY", [two])
    assert raw(lab, "-f", tape) == first
    assert nsupdate(lab, f"update add {ZONE} 60 CSYNC 2 3 A NS") == ""
    lab.until(lambda: len(apex(lab, "CSYNC")) == 2, 15, "a later one is done")
    assert apex(lab, "CDNSKEY") == [two]
    lab.kill(COMBINER)
    lab.start(COMBINER)
    assert "signed=BADTIME" in raw(lab, "-f", tape)
    waits(lab, "CDNSKEY", [two])


def confirmed(lab):
    """kill -9 right after NOERROR (G-19)."""
    for number in range(1, 4):
        key = f"update add {ZONE} 60 DNSKEY 256 3 13 AQI{'ABCD'[number]}"
        lab.until(lambda k=key: nsupdate(lab, f"update delete {ZONE} DNSKEY", k) == "", 10, "NOERROR")
        lab.kill(COMBINER)
        lab.start(COMBINER)
        wanted = "0100030d" + base64.b64decode(f"AQI{'ABCD'[number]}").hex()
        waits(lab, "DNSKEY", [wanted])


def configured(lab):
    """Each mistake has its sentence."""
    with open(f"{lab.path(COMBINER)}/knot.conf", encoding="utf-8") as conf:
        good = conf.read()
    line = f"    agent-key: {KEY}\n"
    cases = [
        (line + "    combiner: 127.0.0.1\n", "exclude each other"),
        ("    combiner: 127.0.0.1\n", "'combiner' needs 'combiner-key'"),
        (f"    combiner-key: {KEY}\n", "'combiner-key' needs 'combiner'"),
        (f"    combiner: 0.0.0.0\n    combiner-key: {KEY}\n", "give IP[@PORT]"),
    ]
    path = f"{lab.folder}/wrong.conf"
    for items, sentence in cases:
        # Only a combiner does without an address.
        lab.write(path, good.replace(line, items + "    address: 127.0.0.1\n"))
        done = subprocess.run(["knotc", "-c", path, "conf-check"], capture_output=True, text=True,
                              check=False, env=lab.environment(COMBINER))
        assert done.returncode != 0 and sentence in done.stderr, f"{items}: {done.stderr}"


def unknown_key(lab):
    """A key that is not there is an error in the log; the server goes on without the module."""
    with open(f"{lab.path(COMBINER)}/knot.conf", encoding="utf-8") as conf:
        good = conf.read()
    lab.stop(COMBINER)
    lab.write(f"{lab.path(COMBINER)}/knot.conf", good.replace(f"agent-key: {KEY}", "agent-key: no"))
    lab.start(COMBINER)
    wanted = "'agent-key' names a key that section 'key' does not have: add it there"
    lab.until(lambda: wanted in lab.log(COMBINER), 10, wanted)
    assert nsupdate(lab, f"update delete {ZONE} NS") != "", "knotd takes none without an ACL"


def test(make_lab):
    lab = make_lab(module_items=["hello-retry: 1s", "apex-key: on"], combined=("alpha",), ixfr=False,
                   dnskey_ttl=JOIN_TTL)
    lab.start()
    lab.until(lambda: all(lab.tags(p, ZONE) for p in lab.providers), 20, "the zone is signed")
    # The agent looks, and has its combiner name beta's servers (F-36).
    lab.joins(ZONE)
    integrated(lab)
    owner_changes(lab)

    # From here on nsupdate is the agent.
    lab.stop("alpha")
    refused(lab)
    accepted(lab)
    replayed(lab)
    confirmed(lab)

    # The agent is back and says what it said before.
    lab.start("alpha")
    integrated(lab)
    configured(lab)
    unknown_key(lab)
