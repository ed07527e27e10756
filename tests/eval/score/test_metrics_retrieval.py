"""The metrics of a ranking, each figure worked out by hand."""

from __future__ import annotations

from math import log2

import pytest
from graded import question, shown

from eval.datasets.dataset import Place as Gold
from eval.datasets.dataset import Question
from eval.score.metrics import retrieval
from rag import Evidence, Place


def ranking(asked: Question, *ranked: Evidence) -> list[float | None]:
    """Recall at 1, 3 and 5, reciprocal rank and nDCG at 10."""
    return list(retrieval(asked.evidence, ranked).values())


def test_ranking() -> None:
    # Two facts, the first in two places. Ranked: a miss, the second fact, the first fact at its other place.
    asked = question([("a", 0, 10), ("b", 50, 60)], [("a", 20, 30)])
    found = ranking(asked, shown(1, "a", 90, 99), shown(2, "a", 20, 30), shown(3, "b", 40, 55))
    gained, ideal = 1 / log2(2 + 1) + 1 / log2(3 + 1), 1 / log2(1 + 1) + 1 / log2(2 + 1)
    assert found == pytest.approx([0 / 2, 2 / 2, 2 / 2, 1 / 2, gained / ideal])


def test_nothing_ranked_and_nothing_found() -> None:
    asked = question([("a", 0, 10)])
    assert ranking(asked) == [0, 0, 0, 0, 0]
    assert ranking(asked, shown(1, "b", 0, 10)) == [0, 0, 0, 0, 0], "the same span of another article"


def test_fact_found_twice_counts_once() -> None:
    # One fact in two places, both found, then the second fact: the repeat takes no rank, so the second fact is second.
    asked = question([("a", 0, 10), ("b", 0, 10)], [("c", 0, 10)])
    found = ranking(asked, shown(1, "a", 0, 10), shown(2, "b", 0, 10), shown(3, "c", 0, 10))
    assert found == pytest.approx([1 / 2, 2 / 2, 2 / 2, 1.0, 1.0])
    # Without the second fact one of two is found, and found at the first rank: 1 of 1 + 1 / log2(3).
    found = ranking(asked, shown(1, "a", 0, 10), shown(2, "b", 0, 10))
    assert found == pytest.approx([1 / 2, 1 / 2, 1 / 2, 1.0, 1 / (1 + 1 / log2(3))])


def test_item_that_finds_two_facts_takes_two_ranks() -> None:
    # A miss at rank 1, then a passage with both facts: they stand at ranks 2 and 3.
    asked = question([("a", 0, 10)], [("a", 20, 30)])
    found = ranking(asked, shown(1, "b", 0, 10), shown(2, "a", 0, 99))
    ndcg = (1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3))
    assert found == pytest.approx([0 / 2, 2 / 2, 2 / 2, 1 / 2, ndcg])
    assert ranking(asked, shown(1, "a", 0, 99)) == pytest.approx([1, 1, 1, 1, 1])


def test_whole_document_is_one_item() -> None:
    # BEIR: both documents are relevant as a whole. Two sentences of the first, a miss, one of the second.
    asked = question([("a", 0, 1000)], [("b", 0, 1000)], answers=())
    ranked = shown(1, "a", 0, 10), shown(2, "a", 50, 90), shown(3, "c", 0, 9), shown(4, "b", 5, 9)
    ndcg = (1 + 1 / log2(3 + 1)) / (1 + 1 / log2(2 + 1))  # a, c, b: the second document is third
    assert ranking(asked, *ranked) == pytest.approx([1 / 2, 1 / 2, 2 / 2, 1.0, ndcg])


def test_relevance_is_the_gain() -> None:
    # BEIR's grades: the more relevant document (3) is found second, the less relevant one (1) first.
    places = [{"source": s, "start": 0, "end": 9, "quote": "x" * 9, "relevance": r} for s, r in (("a", 1), ("b", 3))]
    graded = question(answers=()).model_copy(
        update={"evidence": tuple((Gold.model_validate(place),) for place in places)}
    )
    gained, ideal = 1 + 3 / log2(2 + 1), 3 + 1 / log2(2 + 1)
    found = ranking(graded, shown(1, "a", 0, 9), shown(2, "b", 0, 9))
    assert found == pytest.approx([1 / 2, 1, 1, 1, gained / ideal])


def test_ndcg_ends_at_ten() -> None:
    misses = [shown(n, "b", 10 * n, 10 * n + 5) for n in range(1, 11)]
    asked = question([("a", 0, 10)])
    assert ranking(asked, *misses, shown(11, "a", 0, 10)) == pytest.approx([0, 0, 0, 1 / 11, 0])
    assert ranking(asked, *misses[:9], shown(10, "a", 0, 10)) == pytest.approx([0, 0, 0, 1 / 10, 1 / log2(11)])


def test_twin_counts_as_the_same_item() -> None:
    twin = Place("id", "a", "T", 0, 10)
    assert ranking(question([("a", 0, 10)]), shown(1, "b", 70, 80, twin)) == pytest.approx([1, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("start", "end", "hit"), [(9, 20, True), (10, 20, False), (-5, 0, False), (-5, 1, True), (3, 4, True)]
)
def test_one_shared_character_is_an_overlap(start: int, end: int, hit: bool) -> None:
    assert ranking(question([("a", 20, 30)]), shown(1, "a", 20 + start, 20 + end))[0] == float(hit)
