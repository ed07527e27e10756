"""The ranking of sentences, each score worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rag.retrieve import LEXICAL_WEIGHT, PASSAGE_WEIGHT, rank
from rag.types import Candidate, Chunk, Place, Span

TEXT = "Cod left. Cod came."
QUESTION = np.array([1, 0], dtype=np.float32)


def candidate(rows: list[tuple[float, float]], lexical: tuple[float, ...], source: str = "a.txt") -> Candidate:
    """A passage of two sentences that starts at 100; the first row is the passage's, the others its sentences'."""
    spans = (Span(100, 109), Span(110, 119))
    chunk = Chunk("id", "doc", 100, 119, TEXT, spans)
    return Candidate(chunk, source, "Title", np.array(rows, dtype=np.float32), lexical)


def test_scores() -> None:
    # cosines with the question (1, 0): passage 0.6, sentences 0.8 and 0.0; BM25 2.0 and 1.0 of an ideal 4.0
    first, second = rank([candidate([(0.6, 0.8), (0.8, 0.6), (0, 1)], (2.0, 1.0))], QUESTION, ideal=4.0)
    assert (first.dense, first.lexical) == pytest.approx((0.8, 2.0 / 4.0))
    assert first.score == pytest.approx(0.8 + PASSAGE_WEIGHT * 0.6 + LEXICAL_WEIGHT * 2.0 / 4.0)
    assert (second.dense, second.lexical) == pytest.approx((0.0, 1.0 / 4.0))
    assert second.score == pytest.approx(0.0 + PASSAGE_WEIGHT * 0.6 + LEXICAL_WEIGHT * 1.0 / 4.0)


def test_each_sentence_knows_its_place_and_neighbours() -> None:
    first, second = rank([candidate([(1, 0), (1, 0), (0, 1)], (0.0, 0.0))], QUESTION, ideal=1.0)
    assert first.place == Place("doc", "a.txt", "Title", 100, 109)
    assert (first.before, first.text, first.after) == ("", "Cod left.", "Cod came.")
    assert (second.before, second.text, second.after) == ("Cod left.", "Cod came.", "")
    assert first.passage == second.passage == Span(100, 119)


def test_both_views_count() -> None:
    near, worded = [(0, 1), (1, 0), (0, 1)], [(0, 1), (0, 1), (0, 1)]
    # the same words: the nearer one wins; the same nearness: the one with the question's words wins
    assert rank([candidate(worded, (0, 0), "b"), candidate(near, (0, 0), "a")], QUESTION, 1.0)[0].place.source == "a"
    assert rank([candidate(worded, (0, 0), "b"), candidate(worded, (0, 1), "a")], QUESTION, 1.0)[0].place.source == "a"


def test_equal_scores_keep_the_order_of_the_articles() -> None:
    rows = [(1, 0), (1, 0), (1, 0)]
    hits = rank([candidate(rows, (0, 0), "a"), candidate(rows, (0, 0), "b")], QUESTION, ideal=1.0)
    assert [(h.place.source, h.place.start) for h in hits] == [("a", 100), ("a", 110), ("b", 100), ("b", 110)]


@pytest.mark.parametrize("ideal", [0.0, -1.0])
def test_question_without_a_word(ideal: float) -> None:
    hits = rank([candidate([(1, 0), (1, 0), (0, 1)], (0.0, 0.0))], QUESTION, ideal)
    assert [h.lexical for h in hits] == [0.0, 0.0]


def test_nothing_found() -> None:
    assert rank([], QUESTION, ideal=1.0) == []
