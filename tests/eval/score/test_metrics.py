"""The scores of one question, and the table of metrics that everything else reads."""

from __future__ import annotations

import re

import pytest
from cases import NOT_SAID, REFUSABLE, answer, cited, question, shown
from fakes import ROOT
from rich.console import Console
from runs import record, run

from eval.records import Run
from eval.report import html, markdown, print_summary
from eval.report.compare import compare
from eval.report.words import label, number
from eval.score import metrics
from eval.score.formulas import plain
from eval.score.judge import SCORES
from eval.score.metric import GROUPS, Metric
from eval.score.metrics import METRICS, figures, score
from rag import RagError, StoreError
from rag.cli.eval import _check as check_floors

TEXTS = {"a": "Two boats left.", "b": "All sank."}


def reader(document: str) -> str:
    if document == "locked":
        raise StoreError("the store is locked")
    return TEXTS[document]


def test_talk_is_only_right_or_wrong() -> None:
    greeting = question(kind="talk", answers=(), keys=[["hello"]])
    found, _ = score(greeting, answer("Hello.", abstained=True), (), reader)
    assert {name: value for name, value in found.items() if value is not None} == {"correct": 1.0}
    one = record("a", "hello").model_copy(update={"question": greeting})
    aurc = figures(run(one))["aurc"]
    assert aurc.count == 0 and aurc.value is None, "neither refused nor answered with confidence"


def test_offset_validity() -> None:
    found = answer(
        citations=[
            cited(1, "a", 4, 9, quote="boats"),
            cited(2, "a", 4, 9, quote="Boats"),  # not verbatim
            cited(3, "b", 4, 9, quote="boats"),  # the span of another document
            cited(4, "unknown", 4, 9, quote="boats"),
            cited(5, "locked", 4, 9, quote="boats"),
            cited(6, "a", 99, 99, quote=""),  # an empty quote shows nothing
        ]
    )
    scores, valid = score(question([("a", 4, 9)]), found, (), reader)
    assert valid == (True, False, False, False, False, False)
    assert scores["offset_validity"] == pytest.approx(1 / 6)


RETRIEVAL = ("evidence_recall@1", "evidence_recall@3", "evidence_recall@5", "reciprocal_rank", "ndcg@10")
CITATION = ("citation_precision", "citation_recall", "citation_support", "offset_validity")


ALL = ("correct", "exact_match", "token_f1", "gold_recall", *RETRIEVAL, *CITATION, "refused")


def among(scores: dict[str, float | None]) -> dict[str, float | None]:
    """The scores that these tests are about; a metric that is added has a test of its own."""
    return {name: scores[name] for name in ALL}


def test_every_score_of_an_answer() -> None:
    asked = question([("a", 0, 9)], keys=[["two"]], answers=("Two boats",))
    found = answer("Two boats [1]", citations=[cited(1, "a", 0, 9, quote="Two boats")])
    scores, valid = score(asked, found, [shown(1, "a", 0, 15)], reader)
    assert valid == (True,)
    ones = ("correct", "exact_match", "token_f1", "gold_recall", *RETRIEVAL, *CITATION)
    assert among(scores) == pytest.approx(dict.fromkeys(ones, 1.0) | {"refused": 0.0})


def test_scores_of_a_refusal_that_was_not_due() -> None:
    asked = question([("a", 0, 9)], keys=[["two"]], answers=("Two boats",))
    scores, valid = score(asked, NOT_SAID, [shown(1, "a", 0, 15)], reader)
    assert valid == () and scores["refused"] == 1.0
    assert [scores[n] for n in ("correct", "exact_match", "token_f1", "gold_recall")] == [0, 0, 0, 0]
    assert [scores[n] for n in RETRIEVAL] == pytest.approx([1, 1, 1, 1, 1])
    assert [scores[n] for n in CITATION] == [None, None, None, None]


def test_scores_of_a_refusal_that_was_due() -> None:
    scores, _ = score(REFUSABLE, NOT_SAID, [shown(1, "a", 0, 15)], reader)
    # SQuAD 2.0: the empty answer is the accepted one
    known = {"correct": 1.0, "exact_match": 1.0, "token_f1": 1.0, "refused": 1.0}
    assert {name: value for name, value in among(scores).items() if value is not None} == known


def test_scores_of_an_answer_where_a_refusal_was_due() -> None:
    found = answer("Two boats [1]", citations=[cited(1, "a", 0, 9, quote="Two boats")])
    scores, _ = score(REFUSABLE, found, (), reader)
    known = {"correct": 0, "exact_match": 0, "token_f1": 0, "refused": 0, "citation_support": 1, "offset_validity": 1}
    assert {name: value for name, value in among(scores).items() if value is not None} == known


def test_scores_of_an_empty_answer() -> None:
    asked = question([("a", 0, 9)], keys=[["two"]], answers=("Two boats",))
    scores, valid = score(asked, answer(""), (), reader)
    assert valid == ()
    zeros = ("correct", "exact_match", "token_f1", "gold_recall", *RETRIEVAL, "citation_recall", "refused")
    assert among(scores) == dict.fromkeys(zeros, 0.0) | dict.fromkeys(
        ("citation_precision", "citation_support", "offset_validity")
    )


def test_question_for_retrieval_alone_has_nothing_else() -> None:
    scores, _ = score(question([("a", 0, 9)], answers=()), answer(), [shown(1, "a", 0, 5)], reader)
    known = {name for name, value in among(scores).items() if value is not None}
    assert known == set(RETRIEVAL)


def test_question_without_gold_evidence_has_neither_retrieval_nor_citation_scores() -> None:
    found = answer("boats [1]", citations=[cited(1, "a", 4, 9, quote="boats")])
    scores, _ = score(question(answers=("boats",)), found, [shown(1, "a", 0, 5)], reader)
    missing = {name for name, value in among(scores).items() if value is None}
    assert missing == {*RETRIEVAL, "citation_precision", "citation_recall"}
    assert scores["correct"] == 1.0


FULL = run(record("a", first=0.1, tokens=9, judge_correct=1.0, judge_faithful=1.0), record("b", None, due=True))


def test_everything_in_a_run_has_its_record() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    assert set(figures(FULL)) == {metric.name for metric in METRICS if metric.group}
    assert {name for one in FULL.records for name in one.scores} <= set(names)
    assert {found.metric for found in compare(FULL, FULL).differences} <= set(names) and set(SCORES) <= set(names)
    for metric in METRICS:
        assert re.fullmatch(r"\S.*\S", metric.label) and metric.label != metric.name, metric.name
        assert re.fullmatch(r"[A-Z].*\.", metric.description), metric.name
        assert metric.group in (*GROUPS, None), metric.name


def test_labels_are_no_others() -> None:
    shown = [metric.label for metric in METRICS if metric.group]
    assert len(shown) == len(set(shown))


def test_docs_list_the_figures() -> None:
    page = (ROOT / "docs" / "eval.md").read_text(encoding="utf-8")
    table = page.split("\n| Figure |")[1].split("\n\n")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines()[2:]]
    told = {name: "lower is better" in row[-1] for row in rows for name in re.findall("`([^`]+)`", row[0])}
    assert told == {metric.name: metric.lower_is_better for metric in METRICS if metric.group}


def words(text: str | None) -> Run:
    """A run of one answer, scored with the table as it is."""
    return run(record("a", text))


def test_metric_of_ones_own_is_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Metric(
        "own_words",
        "Words of my own",
        "Number of words, on average.",
        "Answers",
        "count",
        lower_is_better=True,
        score=lambda case: None if case.answer.abstained else float(len(plain(case.answer).split())),
    )
    before = set(figures(words("two boats")))
    monkeypatch.setattr(metrics, "METRICS", (*METRICS, own))
    short, long = words("two boats"), run(record("a", "two boats and no more"), record("b", None), system="naive")
    assert short.records[0].scores["own_words"] == 2.0
    assert [one.scores["own_words"] for one in long.records] == [5.0, None]
    assert set(figures(short)) - before == {"own_words"}
    assert (figures(long)["own_words"].value, figures(long)["own_words"].count) == (5.0, 1)
    assert (label("own_words"), number("own_words", 5.0)) == ("Words of my own", "5")

    page = html([short, long])
    assert "Words of my own <small>lower is better</small>" in page and "Number of words, on average." in page
    assert "| Words of my own | 2 (1) | 5 (1) |" in markdown([short, long])
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        print_summary([short], console)
    assert re.search(r"Words of my own +2 \(1\)", captured.get())
    found = compare(long, short, "own_words")
    assert [change.a.question.id for change in found.better] == ["a"] and not found.worse

    check_floors([short, long], [("own_words", 2.0), ("naive.own_words", 5.0)])
    with pytest.raises(RagError, match=r"^own_words is 2, at most 1\.5 is allowed$"):
        check_floors([short], [("own_words", 1.5)])


def test_score_of_another_version_keeps_its_name() -> None:
    assert (label("beauty_of\x1b_words"), number("beauty", 0.5)) == ("Beauty of  words", "0.500")
    assert "<dt>Beauty</dt>" in html([run(record("a", beauty=0.5))])
