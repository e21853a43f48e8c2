#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two signers of one zone: Knot's own dnskey-sync against mod-msigner. The owner makes the same
changes by AXFR, the signers the same new keys. Who loses the other's key, for how long, and when is
a new one there?"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(f"{HERE}/../../..")
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(HERE, "../../functional")]

import netns                                                             # noqa: E402
from benchlab import end_on_signals                                      # noqa: E402
from lab import LabError                                                 # noqa: E402
from lap import SERVERS, Lap                                             # noqa: E402
from run import free_net                                                 # noqa: E402
from watching import RATES, median, table                                # noqa: E402

SUITE = "trixie"                             # Has Knot 3.4; that of Debian 12 has no dnskey-sync.
SUITE_SO = "modules/msigner/.libs/msigner.so"
SETUPS = [("dnskey-sync", SUITE), ("gate-on", SUITE), ("gate-on", None), ("gate-off", None)]


def version():
    text = subprocess.run(["knotd", "--version"], capture_output=True, text=True, check=True).stdout
    return text.split()[-1]


def lap(setup, options):
    """One set-up with the knotd that is found here; figures as JSON."""
    netns.ensure_port_53(["127.53.100.1"])
    folder, each = tempfile.mkdtemp(prefix=f"dnskey-sync-bench-{setup}."), None
    try:
        each = Lap(setup, folder, free_net(), options.changes, options.keys)
        figures = each.run() | {"setup": setup, "knot": version()}
    except Exception:
        print(f"logs and configurations stay in {folder}", file=sys.stderr)
        raise
    finally:
        if each:
            each.lab.stop()
    shutil.rmtree(folder)
    with open(options.output, "w", encoding="utf-8") as out:
        json.dump(figures, out)


def perform(setup, suite, options):
    """A set-up in a process of its own, which may be in another Debian."""
    print(f"# {setup} on Knot of {suite or 'this machine'}", flush=True)
    command, env = [sys.executable], dict(os.environ)
    if suite:
        command = [f"{TOP}/tests/matrix.sh", "exec", suite, "python3"]
        env["MSIGNER_SO"] = f"{TOP}/build-bench-{suite}/{SUITE_SO}"
    with tempfile.NamedTemporaryFile(prefix="dnskey-sync-bench.", dir="/tmp") as output:
        command += [f"{HERE}/bench.py", "--lap", setup, "--output", output.name,
                    "--changes", str(options.changes), "--keys", str(options.keys)]
        done = subprocess.run(command, env=env, check=False)
        if done.returncode != 0:
            raise LabError(f"{setup}: no figures, see above")
        return json.load(output)


def name(result):
    title = result["setup"] if result["setup"] == "dnskey-sync" else \
        f"mod-msigner, {result['setup'].replace('-', ' ')}"
    return f"{title}, Knot {result['knot']}"


def print_changes(results):
    rows = []
    for result in results:
        for server in SERVERS:
            lost, withheld = result["lost"][server], result["withheld"][server]
            rows.append((name(result), server, f"{len(lost)} of {result['changes']}",
                         median(lost), max(lost, default=None),
                         sum(length >= 1000 for length in lost), f"{len(withheld)} of "
                         f"{result['changes']}", median(withheld), max(withheld, default=None)))
    table("Owner's changes by AXFR: those in which a server's DNSKEY RRset lacked a key of the "
          "other signer, and those in which it was withheld (SERVFAIL); for how long",
          ("set-up", "server", "LACKED", "median ms", "max ms", "over 1 s",
           "withheld", "median ms", "max ms"), rows)
    table("Changes after which not all served the same keys within 90 s",
          ("set-up", "changes"), [(name(result), result["unrepaired"]) for result in results])


def print_keys(results):
    rows = []
    for result in results:
        for server, taken in result["served"].items():
            base = median(results[0]["served"][server])
            rows.append((name(result), server, len(taken), median(taken), max(taken),
                         f"{median(taken) / base:.3f}"))
    table("New ZSKs at alpha: from alpha's first answer with it to another server's; ratio to the "
          "first set-up", ("set-up", "server", "samples", "median ms", "max ms", "ratio"), rows)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=30, help="of the owner's")
    parser.add_argument("--keys", type=int, default=20, help="new ZSKs")
    parser.add_argument("--lap", help="only this set-up, here")
    parser.add_argument("--output", default="/dev/stdout", help="where its figures go")
    return parser.parse_args()


def main():
    options = arguments()
    end_on_signals()
    if options.lap:
        lap(options.lap, options)
        return 0
    results = [perform(setup, suite, options) for setup, suite in SETUPS]
    print_changes(results)
    print_keys(results)
    table("The sampler, per server and type; gap: longest time between two answers",
          ("set-up", *RATES[:-1]), [(name(result), *[result["rates"][key] for key in RATES[:-1]])
                                    for result in results])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"failed: {error}")
