# SPDX-License-Identifier: GPL-3.0-or-later
"""Many small shared zones for the benchmarks: a lab whose providers can be started with the module
and without it on the same data, and what is read from /proc and from LMDB files."""

import contextlib
import copy
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "functional"))

import labconf                                   # noqa: E402
import netns                                     # noqa: E402
from lab import Lab, LabError, hsync        # noqa: E402
from run import free_net                         # noqa: E402

TEMPLATE = """\
template:
  - id: shared
    master: upstream
    acl: [ upstream, hand ]
    dnssec-signing: on
    dnssec-policy: shared
    zonefile-load: none
    zonefile-sync: -1
    journal-content: all
    retry-max-interval: 2
"""
START = 300          # Seconds for a start: many zones are loaded.
STOP = 120           # Seconds for a stop: as many are freed.
JOIN = 3600          # Longest wait for anything that is to happen to all zones, seconds.
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = 4096


def zone_names(count):
    return [f"z{i:05}.{labconf.INFRA}" for i in range(count)]


def zone_text(zone, providers):
    """As the owner writes it: both providers are ON and SIGN, and four host names."""
    text = labconf.soa(zone, labconf.nameservers(providers[0])[0])
    text += "".join(f"{zone} 60 TYPE65282 {hsync(provider)}\n" for provider in providers)
    return text + "".join(f"www{i}.{zone} 60 A 192.0.2.{i}\n" for i in range(1, 5))


class Bulk(Lab):
    """alpha and beta with many zones. Nothing stands behind them: no secondaries, no resolver."""

    def __init__(self, folder, count, module_items=()):
        self.zones = zone_names(count)
        shared = {zone: zone_text(zone, ["alpha", "beta"]) for zone in self.zones}
        super().__init__(folder, net=free_net(), shared=shared, resolvers=(),
                         module_items=module_items)

    def prepare(self):
        super().prepare()
        self.write(f"{self.folder}/zones", "".join(f"{zone}\n" for zone in self.zones))
        clone = compile_c(self, "keyclone")
        for provider in self.providers:
            self.make_keys(provider, self.zones[0])
            with open(f"{self.folder}/zones", encoding="ascii") as names:
                subprocess.run([clone, f"{self.path(provider)}/keys", self.zones[0]], stdin=names,
                               check=True)
            self.configure(provider)

    def configure(self, name, module=True, items=()):
        """Writes knot.conf: with the module, or the same without it."""
        head = copy.copy(self)
        head.shared, head.module = {}, module
        head.module_items = [*self.module_items, *items]
        text = labconf.provider(head, name).replace("    notify: secondary\n", "") + TEMPLATE
        if module:
            text += "    module: mod-msigner/default\n"
        text += "zone:\n" + "".join(f"  - domain: {zone}\n    template: shared\n"
                                    for zone in self.zones)
        self.write(f"{self.path(name)}/knot.conf", text)

    def launch(self, name):
        """Starts a provider and does not wait. Returns the moment."""
        with open(f"{self.path(name)}/log", "ab") as log:
            began = time.monotonic()
            self.process[name] = subprocess.Popen(
                ["knotd", "-c", f"{self.path(name)}/knot.conf"], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                preexec_fn=netns.die_with_parent)
        return began

    def listening(self, name):
        """Waits until the control socket answers."""
        self.until(lambda: self.knotc(name, "status", check=False), START, f"{name} answers")

    def end(self, name):
        """Ends a provider and waits as long as it needs."""
        process = self.process.pop(name)
        process.terminate()
        try:
            code = process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise LabError(f"{name} did not end within {STOP} s of SIGTERM") from None
        if code != 0:
            raise LabError(f"{name} ended with status {code}: see {self.path(name)}/log")

    def stats(self, name):
        """The module's statistics by name, as knotc shows them (half a second late)."""
        lines = self.knotc(name, "-f", "stats", "mod-msigner").splitlines()
        pairs = [line.removeprefix("mod-msigner.").split(" = ") for line in lines]
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}

    def pid(self, name):
        return self.process[name].pid


def compile_c(lab, name):
    """Builds tests/bench/NAME.c with cc in the lab's folder; returns the program."""
    program = f"{lab.folder}/{os.path.basename(name)}"
    flags = lab.run("pkg-config", "--cflags", "--libs", "libknot").split()
    lab.run("cc", "-O2", "-D_GNU_SOURCE", "-o", program, f"{HERE}/{name}.c", *flags)
    return program


def cpu_seconds(pid):
    """User and system time of a process, with that of its children that ended."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


def thread_seconds(pid):
    """The same of the threads that live now, in nanosecond steps: for those whose threads stay."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


def memory(pid):
    """Private anonymous memory of a process, octets: heap and stacks, not files or code."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        sizes = dict(line.split(":", 1) for line in rollup if line.endswith("kB\n"))
    return int(sizes["Pss_Anon"].split()[0]) * 1024


def commits(path):
    """Number of the last transaction of an LMDB file: one more for each commit (each is synced)."""
    last = 0
    with open(path, "rb") as data:
        for page in 0, 1:
            data.seek(page * PAGE)
            meta = data.read(160)
            last = max(last, struct.unpack_from("<Q", meta, 144)[0])
    return last


def table(title, rows):
    """Columns: what, value, beside it the target."""
    print(f"\n{title}")
    widths = [max(len(str(row[i])) for row in rows) for i in range(3)]
    for what, value, target in rows:
        print(f"  {what:<{widths[0]}}  {value:>{widths[1]}}  {target}".rstrip())
    sys.stdout.flush()


def run_in_lab(name, options, measure):
    """Calls measure(lab, options) with a prepared lab of options.zones zones. The lab's folder stays
    where something went wrong."""
    netns.ensure_port_53(["127.53.100.1"])
    folder = tempfile.mkdtemp(prefix=f"msigner-bench-{name}.")
    lab = Bulk(folder, options.zones)
    began = time.monotonic()
    try:
        lab.prepare()
        print(f"{options.zones} zones, two providers; prepared in {time.monotonic() - began:.1f} s",
              flush=True)
        measure(lab, options)
    except LabError as error:
        print(f"bench.py: {error}; the lab is in {folder}", file=sys.stderr)
        return 1
    finally:
        for server in list(lab.process):
            lab.end(server)
    shutil.rmtree(folder)
    return 0
