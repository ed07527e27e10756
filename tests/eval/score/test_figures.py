"""Figures of a run, each worked out by hand; none of the sums here knows more than its arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from runs import record, run

from eval.records import Record
from eval.score.curves import calibration, risk_coverage
from eval.score.figures import Figure, interval
from eval.score.metrics import by_kind, figures

RUN = run(
    record("a", "two boats", total=1.0, first=0.5, tokens=100, support=0.95),
    record("b", "three boats", total=2.0, first=0.7, tokens=120, calls=2, support=0.90),
    record("c", None, kind="wh", total=3.0, first=0.9, tokens=140, calls=1),
    record("d", None, kind="off_topic", due=True, total=4.0),
    record("e", "ten boats", kind="off_topic", due=True, total=5.0, support=0.5),
)


def values(found: dict[str, Figure]) -> dict[str, float | None]:
    return {name: figure.value for name, figure in found.items()}


def test_figures() -> None:
    expected = {
        "correct_answerable": 1 / 3,
        "conversations_right": None,  # nobody conversed
        "refused_of_must_refuse": 1 / 2,
        "over_refusal": 1 / 3,
        # refused: c and d, of which d was due; due: d and e, of which d was refused
        "abstention_precision": 1 / 2,
        "abstention_recall": 1 / 2,
        "abstention_f1": 2 * (1 / 2) * (1 / 2) / (1 / 2 + 1 / 2),
        "exact_match": (1 + 0 + 0) / 3,
        # "three boats" for "two boats": one of two words on either side
        "token_f1": (1 + 2 * 1 / (2 + 2) + 0) / 3,
        "gold_recall": (1 + 1 / 2 + 0) / 3,
        "evidence_recall@1": (1 + 1 + 1) / 3,
        "evidence_recall@3": (1 + 1 + 1) / 3,
        "evidence_recall@5": (1 + 1 + 1) / 3,
        "reciprocal_rank": (1 + 1 + 1) / 3,
        "ndcg@10": (1 + 1 + 1) / 3,
        # of the two that were answered and answerable
        "citation_precision": (1 + 1) / 2,
        "citation_recall": (1 + 1) / 2,
        # "three" and "ten" are not in the quote
        "citation_support": (2 / 2 + 1 / 2 + 1 / 2) / 3,
        "offset_validity": (1 + 1 + 1) / 3,
        "claims_right@0.9": 1 / 2,  # a right, b wrong; e was shown with less
        # most confident first: a right, b and e wrong, then the refused: risks 0/1, 1/2, 2/3, 3/4, 4/5
        "aurc": (0 + 1 / 2 + 2 / 3 + 3 / 4 + 4 / 5) / 5,
        "latency_p50": 3.0,
        # the 95th percentile of five values lies 0.95 * 4 = 3.8 steps in: 4 + 0.8 * (5 - 4)
        "latency_p95": 4.8,
        "first_token_p50": 0.7,
        "tokens": 120.0,
        "calls": (2 + 1) / 2,  # no model was asked elsewhere
    }
    found = figures(RUN)
    assert list(found) == list(expected), "work a new figure out here, too"
    assert values(found) == pytest.approx(expected)
    counts = {name: figure.count for name, figure in found.items()}
    assert counts["correct_answerable"] == 3 and counts["refused_of_must_refuse"] == 2
    assert counts["citation_precision"] == 2 and counts["latency_p50"] == 5 and counts["first_token_p50"] == 3
    assert found.pop("conversations_right").count == 0
    for figure in found.values():
        assert figure.value is not None and figure.low is not None and figure.high is not None
        assert figure.low <= figure.value <= figure.high


def test_by_kind() -> None:
    assert {kind: (figure.value, figure.count) for kind, figure in by_kind(RUN).items()} == {
        "fact": (1 / 2, 2),
        "wh": (0 / 1, 1),
        "off_topic": (1 / 2, 2),
    }


def said(name: str, *turns: str, right: bool) -> Record:
    """Return a record of the last of these turns."""
    one = record(name, "two boats" if right else "ten boats")
    return one.model_copy(update={"question": one.question.model_copy(update={"turns": turns})})


def test_conversation_is_right_if_every_scored_turn_is() -> None:
    whole = run(
        said("a1", "How many boats?", right=True),
        said("a3", "How many boats?", "And ships?", "Why?", right=True),  # the second turn is not scored
        said("b1", "Who left?", right=False),
        said("b2", "Who left?", "When?", right=True),
        said("c1", "How many boats?", "Of wood?", right=True),
        said("d1", "Where?", right=False),  # no conversation
    )
    assert figures(whole)["conversations_right"].value == pytest.approx(2 / 3)
    assert figures(whole)["conversations_right"].count == 3


def test_interval_is_the_percentile_bootstrap() -> None:
    # The mean of two draws from {0, 1} is 0, 1/2 or 1, with probabilities 1/4, 1/2 and 1/4.
    assert interval((np.array([0.0, 1.0]),), np.mean, seed=0) == (0.0, 1.0)
    # The number of ones in ten draws from five zeros and five ones is binomial: its 2.5 % and 97.5 % points are 2, 8.
    assert interval((np.array([0.0, 1.0] * 5),), np.mean, seed=0) == (2 / 10, 8 / 10)


def test_interval_is_the_same_for_one_seed() -> None:
    sample = (np.random.default_rng(5).random(30),)
    assert interval(sample, np.mean, seed=1) == interval(sample, np.mean, seed=1)
    assert interval(sample, np.mean, seed=1) != interval(sample, np.mean, seed=2)
    assert figures(RUN, seed=3) == figures(RUN, seed=3)


def test_interval_of_equal_values_is_that_value() -> None:
    assert interval((np.ones(5),), np.mean, seed=0) == (1.0, 1.0)


def test_one_question_has_no_interval() -> None:
    found = figures(run(record("a", total=2.0)))
    assert found["correct_answerable"] == Figure(1.0, None, None, 1)
    assert found["latency_p95"] == Figure(2.0, None, None, 1)


def test_no_question_at_all() -> None:
    assert set(figures(run()).values()) == {Figure(None, None, None, 0)}
    assert by_kind(run()) == {} and risk_coverage(run()).area is None
    assert all(part.bins == () and part.error is None for part in calibration(run()).values())


def test_nothing_answerable() -> None:
    found = values(figures(run(record("a", None, due=True), record("b", None, due=True))))
    assert found["refused_of_must_refuse"] == 1 and found["abstention_f1"] == 1
    for name in ("correct_answerable", "over_refusal", "token_f1", "ndcg@10", "citation_recall", "claims_right@0.9"):
        assert found[name] is None, name


def test_nothing_to_refuse() -> None:
    found = values(figures(run(record("a"), record("b"))))
    assert found["correct_answerable"] == 1 and found["over_refusal"] == 0
    for name in ("refused_of_must_refuse", "abstention_precision", "abstention_recall", "abstention_f1"):
        assert found[name] is None, name


def test_figures_of_questions_for_retrieval_alone() -> None:
    found = figures(run(record("a", answers=()), record("b", answers=())))
    assert found["ndcg@10"].value == 1.0 and found["evidence_recall@5"].count == 2
    for name in ("correct_answerable", "over_refusal", "exact_match", "abstention_recall", "aurc"):
        assert found[name] == Figure(None, None, None, 0), name


def test_judge_and_its_agreement() -> None:
    judged = [
        record("a", judge_correct=1.0),  # right, and the judge says so
        record("b", judge_correct=0.0),  # right, and the judge denies it
        record("c", "three", judge_correct=0.0),  # wrong, and the judge says so
        record("d", "three", judge_correct=0.0),
        record("e"),  # not judged
    ]
    found = figures(run(*judged))
    assert found["judge_correct"].value == 1 / 4 and found["judge_correct"].count == 4
    assert found["judge_correct_agreement"].value == 3 / 4
    # by chance: both say right 2/4 * 1/4, both say wrong 2/4 * 3/4, together 1/2
    assert found["judge_correct_kappa"].value == pytest.approx((3 / 4 - 1 / 2) / (1 - 1 / 2))


def test_kappa_of_one_verdict_is_undefined() -> None:
    found = figures(run(record("a", judge_correct=1.0), record("b", judge_correct=1.0)))
    assert found["judge_correct_agreement"].value == 1.0
    assert found["judge_correct_kappa"] == Figure(None, None, None, 2)


def test_risk_coverage() -> None:
    curve = risk_coverage(
        run(
            record("a", "two boats", confidence=0.9),
            record("b", "three", confidence=0.7),
            record("c", "two boats", confidence=0.5),
            record("d", None, confidence=0.8),  # refused: after everything that was answered, whatever its confidence
        )
    )
    assert [p.coverage for p in curve.points] == [1 / 4, 2 / 4, 3 / 4, 4 / 4]
    assert [p.risk for p in curve.points] == pytest.approx([0 / 1, 1 / 2, 1 / 3, 2 / 4])
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert curve.answered == 3 / 4


def test_equal_confidence_shares_its_errors() -> None:
    right, wrong = record("a", confidence=0.5), record("b", "three", confidence=0.5)
    for order in ((right, wrong), (wrong, right)):
        assert [p.risk for p in risk_coverage(run(*order)).points] == pytest.approx([(1 / 2) / 1, (1 / 2 + 1 / 2) / 2])


def test_confidence_falls_back_to_the_support() -> None:
    curve = risk_coverage(run(record("a", "three", support=0.2), record("b", support=0.8)))
    assert [p.risk for p in curve.points] == pytest.approx([0 / 1, 1 / 2])


def test_calibration() -> None:
    found = calibration(
        run(
            record("a", support=0.95, confidence=0.62),
            record("b", "three", support=0.91, confidence=0.66),
            record("c", support=1.0, confidence=0.64),
            record("d", "three", support=0.15),
            record("e", None, confidence=0.3),  # nothing was claimed
        )
    )
    low, high = found["support"].bins
    assert (low.low, low.high, low.count, low.predicted, low.right) == (0.1, 0.2, 1, 0.15, 0.0)
    assert (high.low, high.count) == (0.9, 3)
    assert high.predicted == pytest.approx((0.95 + 0.91 + 1.0) / 3) and high.right == pytest.approx(2 / 3)
    # one claim that is 0.15 off, and three that are 0.9533 - 0.6667 off
    assert found["support"].error == pytest.approx((1 * 0.15 + 3 * (2.86 / 3 - 2 / 3)) / 4)
    [only] = found["confidence"].bins
    assert only.count == 3 and only.predicted == pytest.approx(0.64) and only.right == pytest.approx(2 / 3)
