# SPDX-License-Identifier: GPL-3.0-or-later
"""A JOIN that people lead: one provider goes on by its operator's word alone (F-14), and the parent is
changed by hand (F-18)."""

from processes import ZONE, begun, probed

MEMBERS = "alpha", "beta"


def at(lab, provider, step):
    """Of the JOIN; "none": not begun."""
    line = lab.line(provider)
    return (line.get("process"), line.get("step")) == ("join", step) if step != "none" else \
        line.get("process") == "none"


def reasons(lab, provider):
    return [line["reason"] for line in lab.state(provider, ZONE) if "reason" in line]


def waits(lab, provider, step, why, timeout=20):
    lab.until(lambda: at(lab, provider, step) and any(why in said for said in reasons(lab, provider)),
              timeout, f"{provider} waits in step {step}: {why}", lambda: reasons(lab, provider))


def stays(lab, prober, provider, step, questions=30):
    """Nothing moves while so many questions are asked: three seconds."""
    asked = min(prober.asked.values())
    lab.until(lambda: min(prober.asked.values()) > asked + questions, 30, "some time has passed")
    assert at(lab, provider, step), lab.positions()


def led(lab, prober):
    """Each order is one step; nobody else is more than one step ahead (F-09)."""
    items = ["mode: hold"]
    lab.configure("alpha", *items)
    lab.members(*MEMBERS)
    waits(lab, "beta", "agree", "others: ")
    for number, step in enumerate(["none", "agree", "keys"]):
        if number > 0:
            items.append(f'step: [ "{ZONE} {number}" ]')
            lab.configure("alpha", items[0], items[-1])
        waits(lab, "alpha", step, "'mode: hold'")
        stays(lab, prober, "alpha", step, 15)
    assert at(lab, "beta", "keys") or at(lab, "beta", "cds"), lab.positions()
    lab.configure("alpha")


def test(make_lab):
    lab = begun(make_lab, providers=MEMBERS, receiver=False)
    with probed(lab) as (prober, chains):
        lab.members("alpha")
        lab.settles("alpha")
        led(lab, prober)
        for provider in MEMBERS:
            waits(lab, provider, "ds", "safe: ")
        stays(lab, prober, "beta", "ds")
        lab.delegate(ZONE, ["alpha"], ds_of=MEMBERS)
        for provider in MEMBERS:
            waits(lab, provider, "parent-ns", "safe: ")
        stays(lab, prober, "beta", "parent-ns")
        lab.delegate(ZONE, MEMBERS)
        lab.settles(*MEMBERS)
        assert lab.complete(*MEMBERS)
        assert not chains.early({"beta": "beta", "beta_secondary": "beta"}, lab.ksks("beta"))
