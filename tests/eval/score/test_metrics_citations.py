"""The metrics of citations, each figure worked out by hand."""

from __future__ import annotations

import pytest
from graded import answer, cited, question, reader

from eval.score.metrics import citation_precision, citation_recall, citation_support, plain, score
from rag import Place


def test_citation_recall_and_precision() -> None:
    asked = question([("a", 0, 10)], [("a", 20, 30)], [("b", 0, 10)])
    # three citations: the first fact, the third fact, and one that states nothing that is needed
    found = answer(citations=[cited(1, "a", 0, 10), cited(2, "b", 5, 9), cited(3, "c", 0, 10)])
    assert citation_recall(asked, found) == 2 / 3
    assert citation_precision(asked, found) == 2 / 3
    twin = Place("id", "a", "T", 25, 26)
    found = answer(citations=[cited(1, "a", 0, 10), cited(2, "c", 0, 10, twin)])
    assert citation_recall(asked, found) == 2 / 3
    assert citation_precision(asked, found) == 2 / 2


def test_no_citation() -> None:
    asked = question([("a", 0, 10)])
    assert citation_precision(asked, answer()) is None
    assert citation_recall(asked, answer()) == 0 / 1


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Two boats left [1]", 3 / 3),
        ("Two red boats left [1].", 3 / 4),
        # "Two boats" on quote 1: 2 of 2; ". They sank Friday" on quote 2: 2 of 3 ("they" is not there)
        ("Two boats [1]. They sank Friday [2]", (2 + 2) / (2 + 3)),
        ("Two sank [1][2]", 2 / 2),  # one quote has the one word, the other the other
        ("Two boats left", 0 / 3),  # nothing is cited
        ("Two boats [1] left", 2 / 3),  # what follows the last marker cites nothing
        ("Two boats [7]", 0 / 2),  # a marker without a citation
        ("Yes, two boats [1]", 2 / 2),  # no quote says yes
        ("No boats [1]", 1 / 2),  # a word of the statement here
        ("Yes [1]", None),
        ("", None),
        ("[1]", None),
    ],
)
def test_citation_support(text: str, share: float | None) -> None:
    quotes = [cited(1, "a", 0, 10, quote="Two boats left."), cited(2, "b", 0, 10, quote="All sank on Friday")]
    assert citation_support(answer(text, citations=quotes)) == (None if share is None else pytest.approx(share))


def test_endless_marker_is_text() -> None:
    endless = f"[{'1' * 5000}]"
    assert citation_support(answer(f"boats {endless}")) == 0 / 2
    assert plain(answer(f"boats {endless}")) == f"boats {endless}"


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
