# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of a lab: start, stop, their control tools, and waiting for what they do."""

import functools
import glob
import os
import re
import subprocess
import time

import netns

HERE = os.path.dirname(os.path.abspath(__file__))
START = 60           # Seconds; a knotd opens its control socket when its zones are loaded.
STOP = 10            # Seconds from SIGTERM to SIGKILL.
COMMAND = 60         # Seconds for one call of knotc, keymgr and so on.
POLL = 0.005         # Seconds between two looks in until().

os.environ["PATH"] += ":/usr/sbin:/sbin"


class LabError(Exception):
    """One sentence for the user."""


@functools.cache
def knot_version():
    """What the differences between versions of Knot DNS hang on: (3, 2), …"""
    said = subprocess.run(["knotd", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.search(r"(\d+)\.(\d+)", said).groups())


def control_clients():
    """How many idle clients of a control socket keep everybody else out: Knot 3.2 and 3.3 serve one
    at a time, later versions eight, with one more in the main thread."""
    return 1 if knot_version() < (3, 4) else 9


class Servers:
    """knotds and unbounds, each with its files in folder/NAME. `signers` load the module."""

    def __init__(self, folder, knotds, resolvers, address, signers, survive=False):
        self.folder, self.address, self.survive = folder, address, survive
        self.knotds, self.resolvers, self.signers = knotds, resolvers, signers
        self.process = {}
        self.variables = {}     # {server: environment variables of its own}
        self.commands = {}      # {server: what it is started with, where that is not usual}

    def path(self, name):
        return f"{self.folder}/{name}"

    def server(self, name):
        return f"{self.address[name]}@53"

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)

    def start(self, *names):
        """Starts what is named, or everything, and waits until it answers."""
        names = names or self.knotds + self.resolvers
        for name in names:
            with open(f"{self.path(name)}/log", "ab") as log:
                self.process[name] = subprocess.Popen(
                    self.command(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True, env=self.environment(name),
                    preexec_fn=None if self.survive else netns.die_with_parent)
            self.write(f"{self.path(name)}/pid", f"{self.process[name].pid}\n")
        for name in names:
            self.until(lambda n=name: self.ready(n), START, f"{name} answers its control socket")

    def ready(self, name):
        control = self.unbound_control if name in self.resolvers else self.knotc
        return control(name, "status", check=False)

    def command(self, name):
        if name in self.commands:
            return self.commands[name]
        if name in self.resolvers:
            return ["unbound", "-c", f"{self.path(name)}/unbound.conf"]
        return ["knotd", "-c", f"{self.path(name)}/knot.conf"]

    def environment(self, name):
        """Of a server: everybody's, the scenario's for this one, and a sanitizer's."""
        own = os.environ | self.variables.get(name, {})
        return own | self.sanitizer(name, own.get("LD_PRELOAD", ""))

    def sanitizer(self, name, before):
        """Providers load a module that was built with sanitizers only behind their runtime; a clock
        of its own must come before that, or both wait for each other."""
        if "MSIGNER_PRELOAD" not in os.environ or name not in self.signers:
            return {}
        log = f"log_path={self.path(name)}/sanitizer"
        options = f"{log}:detect_leaks=0:print_stacktrace=1"
        order = ":verify_asan_link_order=0" if before else ""
        # ThreadSanitizer does not see how stock knotd synchronises: only our code is judged.
        return {"LD_PRELOAD": f"{before} {os.environ['MSIGNER_PRELOAD']}".strip(),
                "ASAN_OPTIONS": options + order, "UBSAN_OPTIONS": options,
                "TSAN_OPTIONS": f"{log}:ignore_noninstrumented_modules=1:"
                                f"suppressions={HERE}/tsan.supp"}

    def stop(self, *names):
        """Ends what is named, or everything; complains about servers that did not end well."""
        names, complaints = names or list(self.process), []
        for name in names:
            self.process[name].terminate()
        for name in names:
            process = self.process.pop(name)
            try:
                if process.wait(STOP) != 0:
                    complaints.append(f"{name} ended with status {process.returncode}")
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                complaints.append(f"{name} had to be killed {STOP} s after SIGTERM")
        complaints += [f"see {report}" for report in glob.glob(f"{self.folder}/*/sanitizer.*")]
        if complaints:
            raise LabError("; ".join(complaints))

    def kill(self, name):
        """As a power cut would end it."""
        process = self.process.pop(name)
        process.kill()
        process.wait()

    def died(self):
        return [name for name, process in self.process.items() if process.poll() is not None]

    def run(self, *command, check=True):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  timeout=COMMAND)
        except subprocess.TimeoutExpired:
            raise LabError(f"{' '.join(command)}: no answer within {COMMAND} s") from None
        if done.returncode != 0 and check:
            said = (done.stderr + done.stdout).strip()
            raise LabError(f"{' '.join(command)}: {said or done.returncode}")
        return done.stdout.strip() if done.returncode == 0 else ""

    def knotc(self, name, *command, check=True):
        return self.run("knotc", "-s", f"{self.path(name)}/knot.sock", *command, check=check)

    def reload(self, name):
        self.between_edits(name, "reload")

    def between_edits(self, name, command):
        """Knot 3.4 and later refuse some commands while the module edits a zone: milliseconds."""
        self.until(lambda: self.knotc(name, command, check=False), 10, f"{name} takes {command}")

    def edit(self, name, zone, *changes):
        """One transaction: ("set"|"unset", owner, …); ("clear", owner, type) unsets what is there."""
        self.knotc(name, "zone-begin", zone)
        try:
            for verb, *words in changes:
                if verb != "clear":
                    self.knotc(name, "zone-" + verb, zone, *words)
                elif self.knotc(name, "zone-get", zone, *words, check=False):
                    self.knotc(name, "zone-unset", zone, *words)
            self.knotc(name, "zone-commit", zone)
        except LabError:
            self.knotc(name, "zone-abort", zone, check=False)
            raise

    def keymgr(self, name, zone, *command):
        options = [word for word in command if word.startswith("-")]
        words = [word for word in command if not word.startswith("-")]
        return self.run("keymgr", "-D", f"{self.path(name)}/keys", *options, zone, *words)

    def unbound_control(self, name, *command, check=True):
        return self.run("unbound-control", "-c", f"{self.path(name)}/unbound.conf", *command,
                        check=check)

    def until(self, condition, timeout, what, show=None):
        """Waits for condition() to be true and returns its value."""
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if self.died():
                raise LabError(f"{', '.join(self.died())} ended while waiting until {what}: "
                               f"see {self.folder}/{self.died()[0]}/log")
            if time.monotonic() > end:
                seen = f"; last seen: {show()}" if show else ""
                raise LabError(f"not within {timeout} s: {what}{seen}")
            time.sleep(POLL)
