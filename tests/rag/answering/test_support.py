"""Which sentences the judge reads for a claim, the exact checks, and the probability."""

from __future__ import annotations

import math

import pytest
from doubles import WordJudge

from rag.answering.support import Claim, given_prior, judged, probability, signals, supported_by
from rag.protocols import Reading

DAM = "The Halden dam was finished in 1968."
FLOOD = "The flood drowned 23 people in Moravik."
PAPER = "A paper mill stood still for six weeks."


def test_the_sentences_with_the_claims_words_are_read_and_cited() -> None:
    judge = WordJudge()
    texts = [PAPER, DAM, "Nobody cried.", FLOOD]
    [one] = judged(judge, [Claim("The Halden dam, finished in 1968, drowned 23 people.")], [texts], [[0, 1, 2, 3]])
    assert judge.asked[0] == Reading("The Halden dam, finished in 1968, drowned 23 people.", f"{DAM} {FLOOD}")
    assert one.cited == (1, 3)
    assert one.probability > 0.5


def test_where_these_do_not_support_it_the_best_of_the_search_are_read() -> None:
    judge = WordJudge()
    far = "Mirelle works there."
    [one] = judged(judge, [Claim("The mill stood still.")], [["The mill is old.", far, PAPER]], [[2, 1, 0]])
    assert one.probability > 0.5
    judge = WordJudge()
    judged(judge, [Claim("The mill burned.")], [["The mill is old.", far]], [[1, 0]])
    assert [reading.evidence for reading in judge.asked] == ["The mill is old.", f"The mill is old. {far}"]


def test_no_more_is_read_than_the_judge_was_trained_on() -> None:
    judge = WordJudge()
    texts = [f"The dam number {n} was built by many hands in the hard years after the war." for n in range(40)]
    judged(judge, [Claim("The dam burst.")], [texts], [list(range(40))])
    assert all(len(reading.evidence.split()) <= 110 for reading in judge.asked)


def test_a_claim_that_leans_on_the_one_before_is_read_with_it() -> None:
    judge = WordJudge()
    judged(judge, [Claim("It burst.", before="The Halden dam is old.")], [["The dam burst."]], [[0]])
    assert judge.asked[0].whole == "The Halden dam is old. It burst."


@pytest.mark.parametrize(
    ("claim", "evidence", "question", "signal", "share"),
    [
        ("The dam cost 40 crowns.", "The dam cost 40 crowns.", None, "numbers", 0.0),
        ("The dam cost 40 or 50 crowns.", "The dam cost 40 crowns.", None, "numbers", 0.5),
        ("In 1968 it opened.", "It opened.", "Did the dam open in 1968?", "numbers", 0.0),
        ("Nineteen people drowned.", "19 people drowned.", None, "numbers", 0.0),
        ("The dam near Orrin burst.", "The dam burst.", None, "names", 1.0),
        ("The dam near Orrin burst.", "Orrin's dam burst.", None, "names", 0.0),
        ("He said “it was an act of God”.", "He said it was an act of neglect.", None, "quotations", 1.0),
        ("He called it “an act of neglect.”", "He called it “an act of neglect” today.", None, "quotations", 0.0),
    ],
)
def test_exact_checks(claim: str, evidence: str, question: str | None, signal: str, share: float) -> None:
    assert signals(Claim(claim, question), evidence, 0.9)[signal] == share


def test_the_judges_signal_is_the_logarithm_of_the_odds_within_bounds() -> None:
    assert signals(Claim("a"), "b", 0.75)["judge"] == pytest.approx(math.log(3))
    assert signals(Claim("a"), "b", 0.0)["judge"] == pytest.approx(-signals(Claim("a"), "b", 1.0)["judge"])


def test_a_check_that_fails_never_makes_a_claim_likelier() -> None:
    good = {"judge": 1.0, "numbers": 0.0, "names": 0.0, "quotations": 0.0}
    assert 0 < probability(good | {"judge": -3.0}) < probability(good) < 1
    for name in ("numbers", "names", "quotations"):
        assert probability(good | {name: 1.0}) <= probability(good)


def test_a_claim_of_two_sentences_is_as_likely_as_the_less_likely_one() -> None:
    both = supported_by(WordJudge(), f"{DAM} It is made of cheese.", [DAM])
    assert both == supported_by(WordJudge(), "It is made of cheese.", [DAM]) < supported_by(WordJudge(), DAM, [DAM])


def test_without_evidence_nothing_is_supported() -> None:
    assert supported_by(WordJudge(), DAM, []) == supported_by(WordJudge(), DAM, [" "]) == 0.0


def test_a_signal_that_is_left_out_does_not_count() -> None:
    found = {"judge": 2.0, "numbers": 1.0, "names": 1.0, "quotations": 1.0}
    assert probability(found, without=("quotations", "numbers", "names")) == probability({"judge": 2.0})
    assert probability(found, without=("judge",)) < probability(found)


def test_what_is_mostly_right_needs_less_evidence() -> None:
    assert given_prior(0.5, 0.5) == 0.5
    assert given_prior(0.25, 0.75) == pytest.approx(0.5)
    assert given_prior(0.5, 0.75) == pytest.approx(0.75)
    assert (given_prior(0.0, 0.75), given_prior(1.0, 0.75)) == (0.0, 1.0)
