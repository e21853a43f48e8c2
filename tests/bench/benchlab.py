# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab of the functional tests, with configurations that a benchmark changes."""

import re
import signal
import sys

from lab import Lab, LabError

ZONE = "zone.example."


class BenchLab(Lab):
    """Every change of the owner's comes as a whole zone, and everybody here may transfer."""

    def __init__(self, folder, **options):
        super().__init__(folder, resolvers=(), ixfr=False, **options)

    def prepare(self):
        super().prepare()
        for name in set(self.knotds) - set(self.providers) - {"root", "parent"}:
            self.open_to_hand(name)

    def open_to_hand(self, name):
        """As the providers are in every lab."""
        self.patch(name, r"\nacl:\n", "\nacl:\n  - id: hand\n    action: transfer\n"
                   "    address: 127.0.0.0/8\n")
        self.patch(name, r"\n    acl: \[? ?([a-z, ]*[a-z]) ?\]?\n", r"\n    acl: [ \1, hand ]\n")

    def patch(self, name, old, new):
        path = f"{self.path(name)}/knot.conf"
        with open(path, encoding="utf-8") as conf:
            text = conf.read()
        text, count = re.subn(old, new, text)
        if count == 0:
            raise LabError(f"{path} has no {old!r} that the benchmark could change")
        self.write(path, text)


def end_on_signals():
    """SIGTERM ends a benchmark as an error does: with its servers."""
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
