# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider's knotd is killed at some step of a process and comes back: the process goes on from where
it was, and nobody notices (F-10, F-12). SEED chooses who and where."""

import os
import random
import time

from processes import begun, probed

STEPS = "keys", "cds", "ds", "hold", "ns", "parent-ns"    # Of a join.


def position(lab, victim, members):
    """The step in which the victim is; "none" when all is over."""
    line = lab.line(victim)
    if line.get("process") == "join":
        return line["step"]
    return "none" if lab.settled(*members) else None


def killed(lab, victim, step, members):
    """Waits until the victim is in this step, or past it, and ends it there."""
    where = lab.until(lambda: (lambda at: at if at in (step, "none") else None)(
        position(lab, victim, members)), 45, f"{victim} is in step {step}", lab.positions)
    lab.kill(victim)
    print(f"# {victim} is killed in step {where}", flush=True)
    lab.start(victim)


def test(make_lab):
    seed = int(os.environ.get("SEED", time.time_ns() % 10000))
    print(f"# SEED={seed}", flush=True)
    dice = random.Random(seed)
    lab = begun(make_lab)
    with probed(lab, seed):
        lab.members("alpha")
        lab.settles("alpha")
        for members in ("alpha", "beta"), ("alpha", "beta", "gamma"):
            lab.members(*members)
            killed(lab, dice.choice(members), dice.choice(STEPS), members)
            lab.settles(*members)
            assert lab.delegated(*members), (lab.parents("NS"), lab.parents("DS"))
