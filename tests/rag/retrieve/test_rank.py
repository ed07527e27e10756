"""The ranking of sentences, each score worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rag.language.word_table import WordTable
from rag.retrieve.rank import rank
from rag.types import Candidate, Chunk, Document, Place, Span

TEXT = "Cod left. Cod came."
VECTOR = np.array([1, 0], dtype=np.float32)
NOTHING: dict[str, float] = {}


def candidate(
    rows: list[tuple[float, float]], lexical: tuple[float, ...], source: str = "a.txt", text: str = TEXT
) -> Candidate:
    """A passage of two sentences that starts at 100; the first row is the passage's, the others its sentences'."""
    cut = text.index(". ") + 1
    spans = (Span(100, 100 + cut), Span(101 + cut, 100 + len(text)))
    chunk = Chunk("id", "doc", 100, 100 + len(text), text, spans)
    document = Document("doc", source, "Title", " " * 100 + text)
    return Candidate(chunk, source, "Title", np.array(rows, dtype=np.float32), lexical, document)


def test_scores() -> None:
    # cosines with the question (1, 0): passage 0.6, sentences 0.8 and 0.0; BM25 3.3 and 1.65 of an ideal 2.0 * 3.3
    rows = [(0.6, 0.8), (0.8, 0.6), (0, 1)]
    found = rank("When did herring leave?", [candidate(rows, (3.3, 1.65))], VECTOR, {"her": 1.5, "left": 0.5})
    first, second = found
    assert (first.dense, first.lexical) == pytest.approx((0.8, 0.5))
    # of the two terms only `left`, 0.5 of 2.0 by weight, stands in the first sentence, and in the second's neighbour
    assert first.coverage == pytest.approx(0.25) and second.coverage == pytest.approx(0.25)
    assert first.score == pytest.approx(0.8 + 0.37 * 0.6 + 0.24 * 0.5 + 0.51 * 0.25 + 0.43 * 0.25)
    assert second.score == pytest.approx(0.0 + 0.37 * 0.6 + 0.24 * 0.25 + 0.51 * 0.0 + 0.43 * 0.25)


def test_a_sentence_with_the_kind_of_thing_that_is_asked_for_comes_first() -> None:
    rows = [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]
    found = rank("When did cod leave?", [candidate(rows, (0, 0), text="Cod left. Cod left in May.")], VECTOR, NOTHING)
    assert [hit.text for hit in found] == ["Cod left in May.", "Cod left."]
    assert found[0].score - found[1].score == pytest.approx(0.13)


def test_neighbouring_words_of_the_question_count_where_they_stand_together() -> None:
    rows = [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]
    text = "Red cod swam over a bed of very old blue kelp. Red kelp grew where all the old and blue cod swam."
    found = rank("x", [candidate(rows, (0, 0), text=text)], VECTOR, {"blue": 1.0, "kelp": 1.0})
    # both sentences hold both words; only in the first are they neighbours
    assert found[0].text.startswith("Red cod") and found[0].score - found[1].score == pytest.approx(0.22)


def test_each_sentence_knows_its_place_and_neighbours() -> None:
    first, second = rank("x", [candidate([(1, 0), (1, 0), (0, 1)], (0.0, 0.0))], VECTOR, NOTHING)
    assert first.place == Place("doc", "a.txt", "Title", 100, 109)
    assert (first.before, first.text, first.after) == ("", "Cod left.", "Cod came.")
    assert (second.before, second.text, second.after) == ("Cod left.", "Cod came.", "")
    assert first.passage == second.passage == Span(100, 119)


def test_both_views_count() -> None:
    near, worded = [(0, 1), (1, 0), (0, 1)], [(0, 1), (0, 1), (0, 1)]
    terms = {"x": 1.0}
    # the same words: the nearer one wins; the same nearness: the one with the question's words wins
    assert (
        rank("x", [candidate(worded, (0, 0), "b"), candidate(near, (0, 0), "a")], VECTOR, terms)[0].place.source == "a"
    )
    assert (
        rank("x", [candidate(worded, (0, 0), "b"), candidate(worded, (0, 1), "a")], VECTOR, terms)[0].place.source
        == "a"
    )


def test_equal_scores_keep_the_order_of_the_articles() -> None:
    rows = [(1, 0), (1, 0), (1, 0)]
    hits = rank("x", [candidate(rows, (0, 0), "a"), candidate(rows, (0, 0), "b")], VECTOR, NOTHING)
    assert [(h.place.source, h.place.start) for h in hits] == [("a", 100), ("a", 110), ("b", 100), ("b", 110)]


def test_what_is_not_looked_at_again_stays_below() -> None:
    rows = [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]
    many = [candidate(rows, (0, 0), f"{n:02}") for n in range(30)]
    scores = [hit.score for hit in rank("x", many, VECTOR, NOTHING)]
    assert len(scores) == 60 and scores == sorted(scores, reverse=True)


def test_question_without_a_word() -> None:
    hits = rank("?", [candidate([(1, 0), (1, 0), (0, 1)], (0.0, 0.0))], VECTOR, NOTHING)
    assert [h.lexical for h in hits] == [0.0, 0.0]


def test_nothing_found() -> None:
    assert rank("x", [], VECTOR, NOTHING) == []


def test_a_word_that_means_nearly_the_same_counts_in_part() -> None:
    # the cosine of frontier and border is 0.3: (0.3 - 0.15) / (0.4 - 0.15) = 0.6 of the term
    table = np.array([[1, 0], [0.3, 0.954], [0, 1]], dtype=np.float32)
    table = WordTable({"frontier": 0, "border": 1, "cod": 2}, table)
    rows = [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]
    found = rank(
        "Where is the frontier?",
        [candidate(rows, (0, 0), text="Cod came. A border ran.")],
        VECTOR,
        {"frontier": 2.0},
        table=table,
    )
    assert [hit.text for hit in found] == ["A border ran.", "Cod came."]
    assert found[0].score - found[1].score == pytest.approx(0.51 * 0.6, abs=1e-3)
    assert found[0].coverage == 0.0, "the sentence does not hold the word itself"
