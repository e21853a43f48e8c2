# SPDX-License-Identifier: GPL-3.0-or-later
"""A recorded message sent again gets the first answer and nothing is acted on (D-08, P-01), also
after a reload and after a crash of knotd."""

from gamma import ZONE, Gamma, add, dnskey, drop, started, tag


def test(make_lab):
    lab = started(make_lab)
    gamma = Gamma(lab)
    first, second = dnskey(1), dnskey(2)
    tape = f"{lab.folder}/first.bin"
    assert gamma.update(drop(), add(first), flags=["-w", tape])["rcode"] == "NOERROR"
    lab.until(lambda: tag(first) in lab.tags("alpha", ZONE), 15, "the first key is served")
    assert gamma.update(drop(), add(second))["rcode"] == "NOERROR"
    lab.until(lambda: tag(second) in lab.tags("alpha", ZONE) and
              tag(first) not in lab.tags("alpha", ZONE), 15, "the second key replaces it")

    def again(when):
        for _ in range(3):
            answer = gamma.send("update", "-T", "-f", tape)
            assert (answer["rcode"], answer["signed"]) == ("NOERROR", "good"), f"{when}: {answer}"
        # Whatever was asked before this is done with when this is answered.
        assert gamma.send("state")["rcode"] == "NOERROR"
        held = gamma.send("query", zone=ZONE + "agent.gamma.example.")
        assert held["answers"] == "1", held
        served = lab.tags("alpha", ZONE)
        assert tag(second) in served and tag(first) not in served, f"{when}: {served}"

    again("at once")
    lab.reload("alpha")
    again("after a reload")
    lab.kill("alpha")
    lab.start("alpha")
    lab.until(lambda: lab.state("alpha", ZONE)[0]["shared"] == "yes", 15, "alpha is back")
    again("after a crash")

    # A refused message is remembered, too: it is not judged again by a newer state.
    tape = f"{lab.folder}/hello.bin"
    answers = [gamma.send("hello", "-w", tape)] + [gamma.send("hello", "-f", tape) for _ in "ab"]
    assert all(a["rcode"] == "NOERROR" and a["signed"] == "good" for a in answers), answers
