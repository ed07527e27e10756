"""Comparisons of two runs, with p-values worked out by hand."""

from __future__ import annotations

import json

import pytest
from rich.console import Console
from runs import record, run

from eval.records import Run
from eval.report.compare import Comparison, ComparisonError, Difference, compare, print_comparison


def difference(comparison: Comparison, metric: str) -> Difference:
    [found] = [d for d in comparison.differences if d.metric == metric]
    return found


def times(*seconds: float) -> Run:
    return run(*(record(f"q{n}", total=value) for n, value in enumerate(seconds)))


def printed(comparison: Comparison) -> str:
    console = Console(width=100, color_system=None, force_terminal=False)
    with console.capture() as captured:
        print_comparison(comparison, console)
    return captured.get()


def test_two_questions() -> None:
    # Both went from wrong to right. The two runs of each question may change places: of the four sums of ±1 ±1 one is
    # as large as the one seen (2) and one as small as -2, so p = 2 * 1/4.
    found = compare(run(record("a", "three"), record("b", "three")), run(record("a"), record("b")))
    assert (found.shared, found.only_a, found.only_b) == (2, 0, 0)
    assert difference(found, "correct") == Difference("correct", 0.0, 1.0, 1.0, 1.0, 1.0, 0.5, "no difference", 2)


def test_eight_questions_that_all_became_right() -> None:
    names = "abcdefgh"
    wrong, right = run(*(record(n, "three") for n in names)), run(*(record(n) for n in names))
    # Of the 2^8 sums one is as large as the one seen and one as small.
    assert difference(compare(wrong, right), "correct").p == pytest.approx(2 / 2**8)
    assert compare(wrong, right).verdict == "better"
    assert compare(right, wrong).verdict == "worse"


def test_one_more_and_one_less_is_no_difference() -> None:
    a = run(record("a"), record("b", "three"), record("c"))
    b = run(record("a", "three"), record("b"), record("c"))
    found = compare(a, b)
    row = difference(found, "correct")
    assert (row.a, row.b, row.difference, row.p, row.verdict) == (2 / 3, 2 / 3, 0.0, 1.0, "no difference")
    assert row.low is not None and row.high is not None and row.low < 0 < row.high
    assert [(c.a.question.id, c.before, c.after) for c in found.better] == [("b", 0, 1)]
    assert [(c.a.question.id, c.before, c.after) for c in found.worse] == [("a", 1, 0)]


def test_two_runs_of_the_same_are_no_difference() -> None:
    def again(pace: float) -> Run:
        return run(
            *(record(f"q{n}", "three" if n % 3 else "two boats", total=pace * (1 + n / 10)) for n in range(20)),
            *(record(f"r{n}", None if n % 2 else "ten", due=True, total=pace) for n in range(20)),
        )

    found = compare(again(1.0), again(1.04))
    assert {d.verdict for d in found.differences} == {"no difference"} and not found.better and not found.worse
    assert difference(found, "latency").p < 0.05, "every single time moved, but not by enough to matter"


def test_times_count_when_they_move_by_a_tenth() -> None:
    slow, fast = times(*[1.0] * 10), times(*[0.8] * 10)
    assert difference(compare(slow, fast), "latency").verdict == "better"
    assert difference(compare(fast, slow), "latency").verdict == "worse"


def test_a_hundredth_of_a_second_does_not_count() -> None:
    row = difference(compare(times(*[0.03] * 10), times(*[0.04] * 10)), "latency")
    assert row.p < 0.05 and row.verdict == "no difference"


def test_lower_is_better_where_it_is() -> None:
    names = "abcdefgh"
    refusing, answering = run(*(record(n, None) for n in names)), run(*(record(n, "three") for n in names))
    found = compare(refusing, answering, metric="over_refusal")
    assert found.verdict == "better" and len(found.better) == 8 and not found.worse


def test_paired_over_the_questions_of_both() -> None:
    a = run(record("a"), record("b"), record("only in a"))
    b = run(record("b", "three"), record("only in b"), record("also"), record("a"))
    found = compare(a, b)
    assert (found.shared, found.only_a, found.only_b) == (2, 1, 2)
    assert difference(found, "correct").b == 1 / 2


def test_metric_over_the_questions_that_have_it_in_both() -> None:
    a = run(record("a"), record("b", None))  # a refusal has no citations
    b = run(record("a"), record("b"))
    row = difference(compare(a, b), "citation_precision")
    assert (row.count, row.low, row.p, row.verdict) == (1, None, 1.0, "no difference")


def test_metric_of_no_question_is_left_out() -> None:
    found = compare(run(record("a", None, due=True)), run(record("a", None, due=True)))
    assert {d.metric for d in found.differences} == {"correct", "refused_of_must_refuse", "latency"}


def test_judge_is_compared_too() -> None:
    found = compare(run(record("a", judge_faithful=0.0)), run(record("a", judge_faithful=1.0)), "judge_faithful")
    assert difference(found, "judge_faithful").difference == 1.0 and len(found.better) == 1


@pytest.mark.parametrize(
    ("a", "b", "metric", "words"),
    [
        (run(record("a")), run(record("a"), data_hash="e" * 64), "correct", "different data"),
        (run(record("a")), run(record("b")), "correct", "share no question"),
        (run(), run(), "correct", "share no question"),
        (run(record("a")), run(record("a")), "beauty", "'beauty' is unknown; use one of correct, "),
        (run(record("a")), run(record("a")), "first_token", "no shared question has the metric 'first_token'"),
    ],
)
def test_what_cannot_be_compared(a: Run, b: Run, metric: str, words: str) -> None:
    with pytest.raises(ComparisonError, match=words) as caught:
        compare(a, b, metric)
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)


def test_plain_data() -> None:
    found = compare(run(record("a", "three")), run(record("a"), system="naive"))
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (data["a"]["system"], data["b"]["system"], data["verdict"]) == ("dateline", "naive", "no difference")
    assert data["better"] == [
        {
            "id": "a",
            "kind": "fact",
            "question": "How many boats left?",
            "expected": ["two boats"],
            "a": {"answer": "three [1]", "score": 0.0},
            "b": {"answer": "two boats [1]", "score": 1.0},
        }
    ]
    assert data["worse"] == [] and data["differences"][0]["metric"] == "correct"


def test_print() -> None:
    text = printed(compare(run(record("a", "three")), run(record("a"), system="naive")))
    assert "Correct, b beside a: no difference (p = 1.000)" in text
    assert "Better in b: 1" in text and "Worse in b: 0" in text
    assert "a  0.000  three [1]" in text and "b  1.000  two boats [1]" in text


def test_hostile_text_is_printed_as_text() -> None:
    hostile = "\x1b[31mred\x1b]0;title\x07 [bold]loud[/bold] \u202ereversed"
    text = printed(compare(run(record("a", hostile, question=hostile)), run(record("a"))))
    assert "[bold]loud[/bold]" in text and "red" in text
    assert not set(text) & set("\x1b\x07\u202e")
