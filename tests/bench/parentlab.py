# SPDX-License-Identifier: GPL-3.0-or-later
"""A parent with mod-dsync for the benchmarks, and the program that sends it messages."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "functional"))

import dnsq                                      # noqa: E402
import netns                                     # noqa: E402
from bulk import compile_c, thread_seconds       # noqa: E402
from delegation import Delegation                # noqa: E402
from lab import LabError                         # noqa: E402
from run import free_net                         # noqa: E402

# No limit but the machine's; looks at children only where they are asked for.
UNLIMITED = ["scan: 0", "notify-child-rate: 0", "notify-source-rate: 0", "update-child-rate: 0",
             "update-source-rate: 0"]


def notify_message(child):
    """NOTIFY(CDS) with EDNS, in octets."""
    opt = struct.pack("!BHHIH", 0, 41, 1232, 0, 0)
    return os.urandom(2) + struct.pack("!5H", 0x2400, 1, 0, 0, 1) + dnsq.name_to_wire(child) + \
        struct.pack("!2H", dnsq.type_number("CDS"), 1) + opt


class Hail:
    """The program that sends messages to the parent, and what that costs knotd."""

    def __init__(self, lab):
        self.lab, self.program = lab, compile_c(lab, "hail")

    def messages(self, name, messages):
        """A file of messages; its path."""
        path = f"{self.lab.folder}/{name}"
        with open(path, "wb") as out:
            out.writelines(struct.pack("!H", len(message)) + message for message in messages)
        return path

    def send(self, path, port, seconds, rcode=0):
        """Answers a second, CPU microseconds of knotd for each, other RCODEs, lost ones."""
        pid = self.lab.process["parent"].pid
        cpu = thread_seconds(pid)
        with open(path, "rb") as messages:
            done = subprocess.run([self.program, self.lab.address["parent"], str(port), str(seconds),
                                   str(rcode)], stdin=messages, check=True, capture_output=True,
                                  text=True)
        answers, span, odd, lost = map(float, done.stdout.split())
        if not answers:
            raise LabError(f"knotd gave no answer to {path}: see {self.lab.path('parent')}/log")
        return answers / span, 1e6 * (thread_seconds(pid) - cpu) / answers, odd, lost


def with_lab(name, measure, kind=Delegation, **options):
    """Calls measure(lab) with a lab that is prepared; its folder stays where something went wrong."""
    netns.ensure_port_53(["127.53.100.1"])
    folder = tempfile.mkdtemp(prefix=f"msigner-bench-{name}.")
    lab = kind(folder, net=free_net(), **options)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
    try:
        lab.prepare()
        measure(lab)
        lab.stop()
    except (LabError, subprocess.CalledProcessError) as error:
        print(f"bench.py: {error}; the lab is in {folder}", file=sys.stderr)
        return 1
    finally:
        for server in list(lab.process):
            lab.kill(server)
    shutil.rmtree(folder)
    return 0
