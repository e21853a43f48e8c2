# SPDX-License-Identifier: GPL-3.0-or-later
"""The zone's owner: changes of its zone, one transaction each, as fast as its knotd survives."""

import time

import control
from lab import LabError

PATIENCE = 30    # Seconds until the providers must have been told of a change.


class Owner:
    """Change n: the apex says n (TXT), and a record with a name of its own stays.

    Knot before 3.3.6 reads the zone while it sends NOTIFY without holding it: a transaction that is
    committed meanwhile makes it crash. So the next one waits until all providers have been told."""

    def __init__(self, lab, zone):
        self.lab, self.zone, self.changes = lab, zone, 0
        self.socket = f"{lab.path('owner')}/knot.sock"
        self.log = open(f"{lab.path('owner')}/log", encoding="utf-8")

    def change(self):
        last = [("zone-unset", {"owner": self.zone, "type": "TXT"})] if self.changes else []
        self.changes += 1
        self.log.seek(0, 2)
        control.edit(self.socket, self.zone, *last,
                     ("zone-set", {"owner": self.zone, "ttl": "60", "type": "TXT",
                                   "data": self.mark()}),
                     ("zone-set", {"owner": f"change{self.changes}.{self.zone}", "ttl": "60",
                                   "type": "A", "data": "192.0.2.1"}))
        self.until_told()

    def mark(self):
        return f"change={self.changes}"

    def until_told(self):
        said, end = "", time.monotonic() + PATIENCE
        while said.count("notify, outgoing") < len(self.lab.providers):
            more = self.log.read()
            said += more
            if not more:
                time.sleep(0.0005)
            if time.monotonic() > end or self.lab.died():
                raise LabError(f"change {self.changes}: not all were told within {PATIENCE} s, or "
                               f"{self.lab.died()} ended: see {self.log.name}")

    def records(self):
        return {f"change{i}.{self.zone}" for i in range(1, self.changes + 1)}
