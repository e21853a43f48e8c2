#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story that run.sh tells, step by step, on the lab of tests/functional."""

import os
import subprocess
import sys
import threading

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import stage                                          # noqa: E402
from stage import FOUR, LabError, hsync, more, say    # noqa: E402
import dnsq                                           # noqa: E402
import labconf                                        # noqa: E402
import zonetext                                       # noqa: E402

COMBINER = "alpha_combiner"
ZONES_SENT = 5           # By AXFR, whole, from the owner.


class Watcher(threading.Thread):
    """Asks a server for the apex DNSKEYs all the time: which versions of the set does it show?"""

    def __init__(self, server, zone):
        super().__init__(daemon=True)
        self.server, self.zone, self.ends = server, zone, threading.Event()
        self.asked, self.held, self.seen = 0, 0, set()

    def run(self):
        while not self.ends.wait(0.005):
            reply = dnsq.ask(self.server, self.zone, "DNSKEY", tries=1)
            self.asked += 1
            if reply is None or reply.rcode == 2:
                self.held += 1
            else:
                keys = dnsq.rrset(reply, "DNSKEY")
                self.seen.add(tuple(sorted(dnsq.key_tag(key.rdata) for key in keys)))


class Story(stage.Story):
    folder_name = "combiner-signer"
    address = stage.ADDRESS | {COMBINER: "127.53.1.3"}
    delegations = 5000
    cast = "alpha's combiner and signer, beta, a secondary behind each signer"

    def __init__(self, folder, options):
        super().__init__(folder, options, combined=("alpha",), ixfr=False)
        self.key, _ = labconf.tsig("agent", "alpha")

    def nsupdate(self, *lines, sign=True):
        """What nsupdate answers when something was wrong, else NOERROR."""
        text = "\n".join([f"server {self.lab.address[COMBINER]}", f"zone {self.zone}", *lines,
                          "send", ""])
        key = ["-y", f"hmac-sha256:{self.key}:{labconf.secret('agent', 'alpha')}"] if sign else []
        done = subprocess.run(["nsupdate", "-t", "5", *key], input=text, capture_output=True,
                              text=True, check=False, timeout=20)
        return done.stderr.strip() or "NOERROR"

    def combined(self):
        """The combiner's zone: beta's ZSK came by UPDATE, nothing is signed."""
        lab, zone = self.lab, self.zone
        lab.until(lambda: lab.tags(COMBINER, zone) == sorted(lab.own_tags("beta", zone)), 15,
                  "the combiner holds beta's ZSK alone", lambda: lab.tags(COMBINER, zone))
        if lab.ask(COMBINER, zone, "RRSIG").answer:
            raise LabError("the combiner's zone has signatures")
        say(f"alpha's combiner: the owner's zone and beta's ZSK {lab.tags(COMBINER, zone)[0]}, "
            "unsigned; alpha's signer adds its own keys and signs")
        self.existing = zonetext.questions(zone, self.transfer())

    def owner_sends(self):
        """Whole zones by AXFR, which throw everything out that is not the owner's."""
        lab, zone = self.lab, self.zone
        watchers = [Watcher(lab.server(name), zone) for name in (COMBINER, "alpha_secondary")]
        for watcher in watchers:
            watcher.start()
        for number in range(ZONES_SENT):
            lab.edit("owner", zone, ("set", f"sent{number}.{zone}", "60", "A", "192.0.2.1"))
            lab.until(lambda n=number: lab.ask("alpha_secondary", f"sent{n}.{zone}", "A").answer, 30,
                      f"change {number} has gone the whole way")
        for watcher in watchers:
            watcher.ends.set()
            watcher.join()
        say(f"owner: {ZONES_SENT} new versions by AXFR; each came out at the other end")
        for name, watcher in zip((COMBINER, "alpha_secondary"), watchers):
            if len(watcher.seen) != 1:
                raise LabError(f"{name} showed different DNSKEY sets: {watcher.seen}")
            more(f"{stage.title(name)}: asked {watcher.asked:,} times for DNSKEY, always the same "
                 f"set; {watcher.held} times held back by the gate")

    def strangers(self):
        """Who may say what."""
        zone = self.zone
        cases = [
            ("unsigned", [f"update delete {zone} DNSKEY"], False, "REFUSED"),
            ("an A record by the agent's key", [f"update delete {zone} DNSKEY",
                                                f"update add {zone} 60 A 192.0.2.1"], True, "REFUSED"),
            ("a name below the apex", [f"update add www.{zone} 60 CDNSKEY 257 3 13 AQI="], True, "REFUSED"),
        ]
        before = self.lab.tags(COMBINER, zone)
        say("UPDATEs that the combiner does not take, and nothing of them:")
        for what, lines, sign, wanted in cases:
            said = self.nsupdate(*lines, sign=sign)
            more(f"{what}: {said.rsplit(': ', 1)[-1]}")
            if wanted not in said or self.lab.tags(COMBINER, zone) != before:
                raise LabError(f"{what}: {said}")

    def crash(self):
        """A power cut right after the answer. The agent would take out what is not its own."""
        lab, zone = self.lab, self.zone
        lab.stop("alpha")
        said = self.nsupdate(f"update add {zone} 60 CDNSKEY 257 3 13 AQI=")
        lab.kill(COMBINER)
        if said != "NOERROR":
            raise LabError(f"nsupdate: {said}")
        lab.start(COMBINER)
        lab.until(lambda: any(key.rdata.hex() == "0101030d0102" for key in
                              dnsq.rrset(lab.ask(COMBINER, zone, "CDNSKEY"), "CDNSKEY")), 20,
                  "the contribution is there after the restart")
        lab.start("alpha")
        say("kill -9 of the combiner right after NOERROR: after the restart it is in the zone")
        lab.until(self.keys_agree, 30, "the same ZSKs at all four servers",
                  lambda: {name: lab.tags(name, zone) for name in FOUR})

    def tell(self):
        for step in (self.start, self.serve_alone, self.second_provider, self.combined,
                     self.delegation, self.owner_sends, self.strangers, self.crash,
                     self.both_forced, self.end_client, self.table):
            step()


if __name__ == "__main__":
    sys.exit(stage.main(Story))
