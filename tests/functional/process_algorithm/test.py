# SPDX-License-Identifier: GPL-3.0-or-later
"""All signers roll KSK and ZSK to another algorithm, and nobody notices (F-75..F-80)."""

from processes import algorithm_rolled, begun, probed


def test(make_lab):
    members = "alpha", "beta"
    lab = begun(make_lab, providers=members)
    with probed(lab):
        lab.members(*members)
        lab.settles(*members)
        algorithm_rolled(lab, *members)
