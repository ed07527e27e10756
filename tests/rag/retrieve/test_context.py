"""The passages that a strong model reads."""

from __future__ import annotations

from rag.retrieve.context import passages
from rag.types import Evidence, Hit, Place, Span


def hit(document: str, passage: int, number: int, text: str = "") -> Hit:
    start = passage * 100 + number * 10
    place = Place(document, f"{document}.txt", document, start, start + 5)
    said = text or f"Sentence {document} {passage} {number} of w{start}x{document} about v{start}y{document}."
    return Hit(place, said, 0.5, 0.5, 0.5, Span(passage * 100, passage * 100 + 99))


def places(found: list[list[Evidence]]) -> list[list[tuple[str, int]]]:
    return [[(e.document_id, e.start) for e in sentences] for sentences in found]


def test_sentences_of_a_passage_are_in_order_and_the_best_article_is_first() -> None:
    found = passages([[hit("b", 1, 1), hit("a", 0, 0), hit("b", 1, 0), hit("b", 0, 0)]], 1000)
    assert places(found) == [[("b", 0)], [("b", 100), ("b", 110)], [("a", 0)]]


def test_the_neighbours_of_the_best_passages_come_before_what_is_further_down() -> None:
    hits = [hit("a", 2, 0), *(hit(f"c{n}", 0, 0) for n in range(20)), hit("a", 3, 0), hit("a", 1, 0), hit("a", 7, 0)]
    found = passages([hits], 200)  # some five passages
    assert places(found)[:3] == [[("a", 100)], [("a", 200)], [("a", 300)]]
    assert ("a", 700) not in [place for passage in places(found) for place in passage]


def test_other_wordings_take_turns_with_the_question() -> None:
    question, other = [hit("a", n, 0) for n in range(0, 20, 3)], [hit("b", n, 0) for n in range(0, 20, 3)]
    found = places(passages([question, other], 170))
    assert {document for passage in found for document, _ in passage} == {"a", "b"}


def test_the_same_sentence_is_shown_once() -> None:
    same = "The dam on the upper river burst on 12 March after eight days of rain."
    found = passages([[hit("a", 0, 0, same), hit("b", 0, 0, same), hit("b", 0, 1)]], 1000)
    assert places(found) == [[("a", 0)], [("b", 10)]]
    assert [place.document_id for place in found[0][0].also] == ["b"]


def test_budget_and_nothing() -> None:
    hits = [hit("a", 0, 0), hit("b", 0, 0)]
    assert places(passages([hits], 1)) == [[("a", 0)]]
    assert passages([[]], 100) == []
