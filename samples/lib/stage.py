# SPDX-License-Identifier: GPL-3.0-or-later
"""What the samples' stories have in common, on the lab of tests/functional: an owner's zone, two
providers, resolvers, somebody who asks all the time, and leaving nothing behind."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "../two-providers"), os.path.join(HERE, "../../tests/functional")]

import dnsq                           # noqa: E402
import labconf                        # noqa: E402
import netns                          # noqa: E402
import zonetext                       # noqa: E402
from lab import AGENT, OWNER, Lab, LabError, hsync  # noqa: E402

QUESTIONS = 1000         # Half of them with each provider forced.
ADDRESS = {"root": "127.53.0.1", "parent": "127.53.0.2", "owner": "127.53.0.3",
           "resolver": "127.53.0.53", "judge": "127.53.0.54",
           "alpha": "127.53.1.1", "alpha_secondary": "127.53.1.2",
           "beta": "127.53.2.1", "beta_secondary": "127.53.2.2"}
FOUR = ["alpha", "alpha_secondary", "beta", "beta_secondary"]
PAIRS = [("alpha", "beta"), ("beta", "alpha")]
# How the providers tell the parent, as items of the module.
ITEMS = {"notify": ["parent: notify"], "update": ["parent: update", "apex-key: on"],
         "manual": ["parent: off"]}
T0 = float(os.environ.get("MSIGNER_T0", time.time()))


def say(text):
    print(f"[{time.time() - T0:6.1f} s] {text}", flush=True)


def more(text):
    print(f"{'':11}{text}", flush=True)


def moments(conditions, timeout):
    """When each of the named conditions was first true, looking about 1,000 times a second."""
    seen, end = {}, time.monotonic() + timeout
    while len(seen) < len(conditions):
        for name, condition in conditions.items():
            if name not in seen and condition():
                seen[name] = time.monotonic()
        if time.monotonic() > end:
            missing = ", ".join(name for name in conditions if name not in seen)
            raise LabError(f"not within {timeout} s: {missing}")
        time.sleep(0.0005)
    return seen


def title(name):
    """alpha_combiner -> alpha's combiner"""
    return name.replace("_", "'s ")


class Client(threading.Thread):
    """Somebody who asks the resolver all the time: names that nobody has asked before."""

    def __init__(self, server, zone):
        super().__init__(daemon=True)
        self.server, self.zone, self.ends = server, zone, threading.Event()
        self.asked, self.failed = 0, []

    def run(self):
        while not self.ends.wait(0.05):
            name = f"client{self.asked}.{self.zone}"
            reply = dnsq.ask(self.server, name, "A", rd=True, timeout=5, tries=1)
            self.asked += 1
            if reply is None or reply.rcode not in (0, 3) or not reply.ad:
                self.failed.append((time.time() - T0, name))


class Story:
    """One sample. It says what its lab is; tell() goes through its steps."""

    folder_name = ""         # In /tmp.
    address = ADDRESS
    delegations = 50000      # Of the generated zone.
    reserved = ()            # Names that the owner's zone must not hold, beside the lab's own.
    cast = "providers alpha and beta with a secondary each"
    parents = ("manual",)    # Who may change the delegation; the first one by default.

    def __init__(self, folder, options, shared=None, **lab):
        zonefile = self.zonefile = options.zone
        self.parent = options.parent
        # By hand the owner's NS stay the owner's; else the providers' are taken, one after the other.
        self.nsmgmt = OWNER if self.parent == "manual" else AGENT
        self.zone = zonetext.name_of(zonefile) if zonefile else "zone." + labconf.INFRA
        reserved = [labconf.INFRA, *self.reserved, *map(labconf.identity, ("alpha", "beta"))]
        if self.zone == "." or any(name.endswith("." + self.zone) or name == self.zone
                                   for name in reserved):
            raise LabError(f"{zonefile}: the zone {self.zone} cannot be used, the sample needs "
                           f"{labconf.INFRA} for itself: take another zone")
        self.given = f"{folder}/given.zone"
        self.existing = []
        self.lab = Lab(folder, address=self.address, resolvers=("resolver", "judge"),
                       survive=options.keep, receiver=self.parent != "manual",
                       module_items=ITEMS[self.parent],
                       shared={self.zone: self.given} | (shared or {}), **lab)
        self.client = Client(self.lab.server("resolver"), self.zone)

    def tell(self):
        """Everything."""
        raise NotImplementedError

    def start(self):
        lab, zone = self.lab, self.zone
        if self.zonefile:
            shutil.copyfile(self.zonefile, self.given)
            say(f"the owner's zone is {zone} from {self.zonefile}")
        else:
            zonetext.generate(self.given, zone, self.delegations, labconf.nameservers("alpha"))
            say(f"the owner's zone is {zone} with {self.delegations:,} delegations")
        lab.prepare()
        lab.start("root", "parent", "owner")
        if lab.serial("owner", zone) is None:
            with open(f"{lab.path('owner')}/log", encoding="utf-8") as log:
                errors = [line.split("] ", 1)[1] for line in log if f" error: [{zone}]" in line]
            found = "".join(errors[:3]).strip()
            raise LabError(f"knotd cannot load {self.zonefile} as {zone}\n{found}")
        if self.zonefile:
            self.adopt()
        lab.start(*lab.combiners, *FOUR, *lab.resolvers)
        say(f"started: root, parent, owner, {self.cast}, unbound")

    def adopt(self):
        """The owner's file as it would be with these providers: NS are ours, DNSSEC is theirs."""
        clear = [("clear", self.zone, rrtype) for rrtype in
                 ("NS", "DNSKEY", "CDS", "CDNSKEY", "NSEC3PARAM", "TYPE65282")]
        hosts = [("set", self.zone, "60", "NS", host) for host in labconf.nameservers("alpha")]
        self.lab.edit("owner", self.zone, *clear, *hosts)

    def serve_alone(self):
        lab, zone = self.lab, self.zone
        lab.until(lambda: all(lab.tags(name, zone) for name in FOUR[:2]), 60,
                  f"alpha and its secondary serve the signed {zone}")
        lab.delegate(zone, ["alpha"])
        lab.until(lambda: lab.secure(zone), 10, f"unbound finds {zone} secure")
        self.client.start()
        say(f"alpha signs {zone}, its DS is at the parent, unbound says: secure")

    def transfer(self):
        server = "@" + self.lab.server("alpha")
        return zonetext.records(self.lab.run("kdig", server, "AXFR", self.zone))

    def list_providers(self, *providers):
        """The owner's HSYNC RRset, of which the last record is new."""
        self.lab.set_hsync(self.zone, [hsync(p, nsmgmt=self.nsmgmt) for p in providers])
        say(f"owner: + HSYNC  ON {'OWNER' if self.nsmgmt == OWNER else 'AGENT'} SIGN "
            f"{labconf.identity(providers[-1])}")

    def second_provider(self):
        lab, zone = self.lab, self.zone
        self.list_providers("alpha", "beta")
        waits = {f"{p} serves both HSYNC records": lambda p=p: len(dnsq.rrset(
            lab.ask(p, zone, "TYPE65282"), "TYPE65282")) == 2 for p in lab.providers}
        if lab.module:
            waits |= {f"{a} holds {b} OPERATIONAL": lambda a=a, b=b:
                      lab.relation(a, b) == "OPERATIONAL" for a, b in PAIRS}
        seen = list(moments(waits, 60).values())
        if lab.module:
            say("alpha and beta found each other in DNS and talk, signed with SIG(0): OPERATIONAL")
            more(f"{max(seen[2:]) - max(seen[:2]):.3f} s after the record had reached both")
        else:
            say("LAB_NO_MODULE: the keys are exchanged by hand")
            lab.until(lambda: all(lab.tags(p, zone) for p in lab.providers), 30, "both serve keys")
            lab.exchange_by_hand(zone)
        lab.until(self.keys_agree, 30, "the same ZSKs at all four servers",
                  lambda: {name: lab.tags(name, zone) for name in FOUR})
        say(f"the same ZSKs at all four servers: {self.zsks()}")

    def zsks(self):
        return " ".join(map(str, self.lab.tags("alpha", self.zone)))

    def keys_agree(self):
        sets = [self.lab.tags(name, self.zone) for name in FOUR]
        return len(sets[0]) >= 2 and sets.count(sets[0]) == len(sets)

    def delegation(self):
        if self.parent == "manual":
            self.delegated_by_hand()
        else:
            self.delegated_by_itself()

    def hosts(self):
        return sorted(host for p in self.lab.providers for host in labconf.nameservers(p))

    def at_parent(self, rrtype):
        """What the parent's server has: key tags of DS, or names of NS."""
        reply = self.lab.ask(self.lab.parent_server(self.zone), self.zone, rrtype)
        if rrtype == "DS":
            return {int.from_bytes(r.rdata[:2], "big") for r in dnsq.rrset(reply, "DS")}
        return sorted(r.rdata for r in reply.authority if r.type == dnsq.TYPES["NS"])

    def delegated_by_hand(self):
        lab, zone = self.lab, self.zone
        lab.delegate(zone, ["alpha"], ds_of=["alpha", "beta"])
        say(f"parent's operator: + DS of beta; {labconf.DS_TTL} s until it is in all caches")
        time.sleep(labconf.DS_TTL)
        lab.replace("owner", zone, zone, "NS", 60, self.hosts())
        lab.until(lambda: all(self.ns(name) == self.hosts() for name in FOUR), 30,
                  "all four servers list the four name servers", lambda: [*map(self.ns, FOUR)])
        lab.delegate(zone, ["alpha", "beta"])
        say("owner and parent's operator: + NS of beta; the resolvers now use both providers")

    def delegated_by_itself(self):
        """The providers let beta join: DS first, and its name servers when no cache can have keys
        without beta's, or no DS of it. The owner does nothing more."""
        lab = self.lab
        both = {tag for p in lab.providers for tag in lab.own_tags(p, self.zone, ksk=True)}
        lab.until(lambda: self.at_parent("DS") == both, 60, "the parent has the DS of both",
                  self.parent_lines)
        say(f"parent: + DS of beta, by itself ({self.parent.upper()} from one of the providers); "
            f"{labconf.DNSKEY_TTL} s until no cache lacks it or beta's keys")
        lab.until(lambda: all(self.ns(name) == self.hosts() for name in FOUR), 60,
                  "all four servers list the four name servers", lambda: [*map(self.ns, FOUR)])
        say("all four servers list the name servers of both")
        lab.until(lambda: self.at_parent("NS") == self.hosts(), 60, "the parent has all NS",
                  self.parent_lines)
        say("parent: + NS of beta, by itself; the resolvers now use both providers")
        lab.until(lambda: all(lab.state(p, self.zone)[0]["process"] == "none" and
                              lab.state(p, self.zone)[0]["member"] == "yes" for p in lab.providers),
                  30, "the process is over", self.parent_lines)
        say("alpha and beta agree: beta has joined")

    def parent_lines(self):
        """What the providers say about the parent."""
        return [line for p in self.lab.providers for line in self.lab.state(p, self.zone)
                if "parent" in line]

    def ns(self, name):
        return sorted(r.rdata for r in dnsq.rrset(self.lab.ask(name, self.zone, "NS"), "NS"))

    def cross(self, zone, keys_from, data_from, questions):
        """Asks the judge, who has the DNSKEY set of one provider and gets all else from the other.
        Returns (secure, failed, how many were seen to be signed by data_from)."""
        lab = self.lab
        lab.unbound_control("judge", "flush_zone", zone)
        lab.unbound_control("judge", "flush_infra", "all")
        lab.force("judge", zone, keys_from)
        if not lab.secure(zone, "DNSKEY", "judge"):
            raise LabError(f"unbound does not find the DNSKEY set of {zone} at {keys_from} secure")
        lab.force("judge", zone, data_from)
        own = lab.own_tags(data_from, zone)
        secure = failed = proven = 0
        for qname, qtype in questions:
            reply = lab.ask("judge", qname, qtype, rd=True, do=True, timeout=10)
            good = reply is not None and reply.rcode in (0, 3) and reply.ad
            secure += good
            failed += reply is not None and reply.rcode == 2
            proven += good and bool(dnsq.signers(reply, zone)) and dnsq.signers(reply, zone) <= own
        kept = dnsq.signers(lab.ask("judge", zone, "DNSKEY", rd=True, do=True), zone)
        if kept != lab.own_tags(keys_from, zone, ksk=True):
            raise LabError(f"unbound did not keep the DNSKEY set of {keys_from} while being asked")
        return secure, failed, proven

    def both_forced(self):
        say(f"{QUESTIONS:,} random names: data of one provider, DNSKEY cached from the other")
        for keys_from, data_from in PAIRS:
            drawn = zonetext.draw(self.zone, self.existing, QUESTIONS // 2)
            secure, _, proven = self.cross(self.zone, keys_from, data_from, drawn)
            more(f"DNSKEY from {keys_from}, data from {data_from}: {secure} of {len(drawn)} "
                 f"secure, {proven} signed by {data_from}")
            if not secure == proven == len(drawn):
                raise LabError("not every answer was secure")

    def end_client(self):
        self.client.ends.set()
        self.client.join()
        say(f"all the while a client asked unbound for new names: {self.client.asked} asked, "
            f"{len(self.client.failed)} failed")
        if self.client.failed:
            raise LabError(f"the client had no secure answer at {self.client.failed[0][0]:.1f} s")

    def table(self):
        lab, zone = self.lab, self.zone
        rows = [("SERVER", "ADDRESS", "SERIAL", "KSK", "ZSK", "NS", "DS")]
        where = lab.parent_server(zone)
        ds = sorted(int.from_bytes(r.rdata[:2], "big") for r in
                    dnsq.rrset(lab.ask(where, zone, "DS"), "DS"))
        hosts = [r for r in lab.ask(where, zone, "NS").authority if r.type == dnsq.TYPES["NS"]]
        rows.append((where, lab.server(where), "", "", "", str(len(hosts)), " ".join(map(str, ds))))
        for name in [*lab.combiners, *FOUR]:
            tags = [" ".join(map(str, lab.tags(name, zone, flags))) for flags in (257, 256)]
            rows.append((title(name), lab.server(name), str(lab.serial(name, zone)),
                         *tags, str(len(self.ns(name))), ""))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        print()
        for row in rows:
            print("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip())
        print()

    def leave(self, inside):
        """--keep: what one needs to go on by hand."""
        lab = self.lab
        lines = [f"{name.upper()}={lab.server(name)}" for name in self.address if name != "judge"]
        for name in lab.knotds:
            lines += [f"{name.upper()}_CONF={lab.path(name)}/knot.conf",
                      f"{name.upper()}_SOCK={lab.path(name)}/knot.sock"]
        lines += [f"ZONE={self.zone}", "HSYNC_TYPE=65282"]
        lab.write(f"{lab.folder}/lab.env", "\n".join(lines) + "\n")
        print(f"Everything is left running. Go on by hand:  . {lab.folder}/lab.env")
        if inside:
            pid = lab.process["owner"].pid
            print("  port 53 was not free: the lab has its own network, enter it first:\n"
                  f"  nsenter --target {pid} --user --net --preserve-credentials")
        print(f"  kdig @$ALPHA _msigner.{labconf.identity('alpha')} TXT\n"
              f"  kdig @$RESOLVER $ZONE DNSKEY +dnssec\n"
              f"End it:  kill $(cat {lab.folder}/*/pid)\n"
              f"         rm -r {lab.folder}")


def interrupt(number, _):
    sys.exit(128 + number)


def choose_folder(name, wanted):
    if not wanted:
        return tempfile.mkdtemp(prefix=name + ".")
    os.makedirs(wanted, exist_ok=True)
    if os.listdir(wanted):
        raise LabError(f"{wanted} is not empty: choose another --dir, or remove it")
    return os.path.abspath(wanted)


def main(story_class):
    """The whole program: options, the story, the exit status."""
    options = argparse.ArgumentParser()
    options.add_argument("--zone")
    options.add_argument("--dir")
    options.add_argument("--keep", action="store_true")
    options.add_argument("--parent", choices=story_class.parents, default=story_class.parents[0])
    options = options.parse_args()
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, interrupt)
    try:
        inside = netns.ensure_port_53(story_class.address.values())
        folder = choose_folder(story_class.folder_name, options.dir)
        return perform(story_class, folder, options, inside)
    except LabError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1


def perform(story_class, folder, options, inside):
    """Tells the story and leaves nothing behind, except what --keep or a failure has to."""
    lab, leave = None, False
    try:
        story = story_class(folder, options)
        lab = story.lab
        story.tell()
        say(f"done: {story.zone} validates whichever provider answers")
        leave = options.keep
        if leave:
            story.leave(inside)
        return 0
    except Exception:
        leave = lab is not None
        if leave:
            print(f"logs and configurations stay in {folder}", file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if lab and not (leave and sys.exc_info()[0] is None):
            lab.stop()
        if not leave:
            shutil.rmtree(folder, ignore_errors=True)
