"""The few sentences that are shown: folded, bounded, and with what they lean on."""

from __future__ import annotations

import dataclasses

from rag.retrieve.select import overview, select, with_reason
from rag.types import Hit, Place, Span

AID = "Harris announced US $310 million in additional aid for the region on Friday."
AID_AGAIN = "Harris on Friday announced additional aid of US $310 million for the region."
COD = "The cod left the harbour before the winter storms began."


def hit(text: str, score: float = 1.0, source: str = "a.txt", start: int = 0, before: str = "", after: str = "") -> Hit:
    place = Place(f"id-{source}", source, f"Title of {source}", start, start + len(text), language="en")
    return Hit(place, text, score, score / 2, score / 4, Span(start, start + len(text) + 10), before, after)


def test_what_a_hit_knows_is_kept() -> None:
    found = hit(AID, 0.8, "b.txt", 40)
    [shown] = select([found], 5)
    assert (shown.rank, shown.source, shown.title, shown.document_id) == (1, "b.txt", "Title of b.txt", "id-b.txt")
    assert (shown.text, shown.start, shown.end, shown.passage) == (AID, 40, 40 + len(AID), found.passage)
    assert (shown.score, shown.dense, shown.lexical) == (0.8, 0.4, 0.2)
    assert shown.also == ()


def test_near_identical_sentences_count_once_with_all_places() -> None:
    hits = [hit(AID, 1.0, "a.txt"), hit(AID_AGAIN, 0.99, "b.txt"), hit(COD, 0.98), hit(AID, 0.97, "c.txt", 99)]
    first, second = select(hits, 5)
    assert (first.text, second.text) == (AID, COD)
    assert first.also == (hits[1].place, hits[3].place)
    assert second.also == ()


def test_twin_beyond_the_limit_is_still_a_place() -> None:
    [shown] = select([hit(AID, 1.0), hit(COD, 0.99), hit(AID_AGAIN, 0.98, "b.txt")], 1)
    assert [place.source for place in shown.also] == ["b.txt"]


def test_another_number_is_another_fact() -> None:
    other = AID.replace("310", "130")
    assert [e.text for e in select([hit(AID), hit(other, source="b.txt")], 5)] == [AID, other]


def test_another_name_is_another_fact() -> None:
    other = AID.replace("Harris", "Hollis")
    assert [e.text for e in select([hit(AID), hit(other, source="b.txt")], 5)] == [AID, other]


def test_short_sentences_are_not_alike_for_having_few_words() -> None:
    assert len(select([hit("He left."), hit("They came."), hit("“Why?”"), hit("“Who?”")], 5)) == 4


def test_best_first_numbered_and_bounded() -> None:
    hits = [hit(f"Boat number {n} left the harbour of town {n * 7}.", 1 - n / 100, start=n) for n in range(20)]
    shown = select(hits, 3)
    assert [(e.rank, e.text) for e in shown] == [(1, hits[0].text), (2, hits[1].text), (3, hits[2].text)]


def test_prompt_stays_short_but_is_never_empty() -> None:
    words = ("cod harbour winter storm", "cat kitchen summer cream", "dog village autumn bones")
    hits = [hit(text, start=n) for n, text in enumerate(words)]
    long = len(words[0])  # all three are as long
    assert len(select(hits, 5, max_chars=2 * long)) == 2
    assert len(select(hits, 5, max_chars=1)) == 1


def test_sentence_that_leans_back_brings_what_it_leans_on() -> None:
    before = "Foreign minister Marcelo Ebrard described the call."
    [shown] = select([hit("He called it cordial.", before=before)], 5)
    assert shown.context == before
    assert shown.text == "He called it cordial."  # the quote itself stays the sentence


def test_sentence_that_stands_alone_brings_nothing() -> None:
    [shown] = select([hit(COD, before="The sea was cold.")], 5)
    assert shown.context == ""


def test_context_that_is_shown_anyway_is_not_repeated() -> None:
    first, second = select([hit(COD), hit("They came back in spring.", before=COD, start=60)], 5)
    assert (first.context, second.context) == ("", "")


def test_nothing_found() -> None:
    assert select([], 5) == []


def test_overview_draws_on_every_article() -> None:
    def said(text: str, score: float, source: str, start: int, held: float = 1.0) -> Hit:
        return dataclasses.replace(hit(text, score, source, start), held=held)

    hits = [
        said("The ferry sank in May.", 0.9, "a.txt", 50),
        said("The ferry carried cod.", 0.8, "a.txt", 10),
        said("Brandt ran the ferry.", 0.7, "a.txt", 90),
        said("A ferry came to Orrin.", 0.6, "b.txt", 70),
        said("Nothing else was there.", 0.5, "c.txt", 0, held=0.5),
    ]
    shown = overview(hits, 3)
    # One of each article first, then the best of the rest; told article by article, in the order of its text.
    assert [(e.rank, e.source, e.start) for e in shown] == [(1, "a.txt", 10), (2, "a.txt", 50), (3, "b.txt", 70)]
    assert overview(hits[-1:], 3) == []


def test_the_sentence_after_may_give_the_reason() -> None:
    first, second, third = "Four mills will not open again.", "Their owners are too old.", "The oil is sold in Serra."
    hits = [
        dataclasses.replace(hit(text, score, start=start), passage=Span(0, 90))
        for text, score, start in ((first, 1.0, 0), (third, 0.9, 60), (second, 0.3, 32))
    ]
    shown = select(hits, 5)
    assert [e.text for e in shown] == [first, third]
    assert [(e.rank, e.text) for e in with_reason("Why will four mills not open?", shown, hits)] == [
        (1, first),
        (2, second),
        (3, third),
    ]
    assert with_reason("Which mills will not open?", shown, hits) == shown
    assert with_reason("Why will they not open?", select(hits[2:], 5), hits[2:]) == []
    gives = dataclasses.replace(hits[0], text="Four mills will not open because their owners are old.")
    assert [e.text for e in with_reason("Why will they not?", select([gives], 5), [gives, *hits[1:]])] == [gives.text]
