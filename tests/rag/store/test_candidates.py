"""Candidates: copies count once, what stands for them is the earliest, and what differs in a figure is no copy."""

from __future__ import annotations

import pytest
from fakes import FakeEmbedding
from stores import add, found, make_entry, write

from rag import Filters
from rag.language.words import terms
from rag.store.index import Index
from rag.types import Candidate

WIRE = " ".join(f"The boats of harbour {n} left for bay {n * 13} on a cold day." for n in range(1, 11))
QUESTION = "Which boats of a harbour left for the bay on a cold day?"


def candidates(index: Index, limit: int = 10, filters: Filters | None = None) -> list[Candidate]:
    return index.search(FakeEmbedding().embed_question(QUESTION), terms(QUESTION), limit, filters)


def sources(index: Index, limit: int = 10, filters: Filters | None = None) -> set[str]:
    """The articles whose passages about harbours are proposed."""
    return {c.source for c in candidates(index, limit, filters) if "harbour" in c.chunk.text}


def test_fifty_copies_do_not_crowd_out_the_rest(index: Index) -> None:
    """The proposals of each index are all taken up by copies at first."""
    copies = [make_entry(f"{WIRE} Printed by number {n}. Sold.", f"wire/{n:02}.txt") for n in range(50)]
    others = [make_entry(f"Another boat, the {n}th, left a bay. Nobody saw it go.", f"{n}.txt") for n in range(4)]
    write(index, *copies, *others)
    assert len(index.sources()[10].similar) == 49
    found = candidates(index, limit=5)
    repeated = [c for c in found if "harbour" in c.chunk.text]
    assert {c.source for c in repeated} == {"wire/00.txt"}  # the first that was added stands for all
    assert len(repeated) == 5
    assert {f"{n}.txt" for n in range(4)} <= {c.source for c in candidates(index, limit=15)}


def test_copies_that_differ_a_little_do_not_either(index: Index) -> None:
    """What they say anew stands in a passage with what was said before; there is room for as many others."""
    copies = [make_entry(f"{WIRE} Printed by number {n}.", f"wire/{n:02}.txt") for n in range(30)]
    others = [make_entry(f"Another boat, the {n}th, left a bay. Nobody saw it go.", f"{n}.txt") for n in range(4)]
    write(index, *copies, *others)
    found = candidates(index, limit=12)
    assert {f"{n}.txt" for n in range(4)} <= {c.source for c in found}
    assert sum("Printed" in c.chunk.text for c in found) <= 1 + 12


def test_the_earliest_stands_for_the_others(index: Index) -> None:
    write(
        index,
        make_entry(WIRE, "undated.txt"),
        make_entry(WIRE + " It is late. Night falls.", "late.txt", date="2024-07-13"),
    )
    assert sources(index) == {"late.txt"}
    write(index, make_entry(WIRE + " It is early. Day breaks.", "early.txt", date="2024-07-12"))
    assert sources(index) == {"early.txt"}


def test_among_those_that_match(index: Index) -> None:
    write(
        index,
        make_entry(WIRE + " It is early. Day breaks.", "early.txt", date="2024-07-12"),
        make_entry(WIRE + " It is late. Night falls.", "late.txt", date="2024-07-13"),
        make_entry(WIRE + " It is later. Birds sing.", "later.txt", date="2024-07-14"),
    )
    assert sources(index, filters=Filters(since="2024-07-13")) == {"late.txt"}
    assert sources(index, filters=Filters(since="2024-07-14")) == {"later.txt"}


def test_what_a_copy_adds_is_kept(index: Index) -> None:
    write(
        index,
        make_entry(WIRE, "first.txt", date="2024-07-12"),
        make_entry(WIRE + " One boat of a harbour sank on a cold day.", "second.txt", date="2024-07-13"),
    )
    own = [c for c in candidates(index) if c.source == "second.txt"]
    assert len(own) == 1 and "sank" in own[0].chunk.text


def test_other_figures_are_another_statement(index: Index) -> None:
    changed = WIRE.replace("bay 65 ", "bay 66 ")
    write(index, make_entry(WIRE, "first.txt"), make_entry(changed, "second.txt"))
    assert [s.similar for s in index.sources()] == [("second.txt",), ("first.txt",)]
    own = [c.chunk.text for c in candidates(index) if c.source == "second.txt"]
    assert len(own) == 1 and "66" in own[0]


def test_another_name_is_another_statement(index: Index) -> None:
    told = "A group led by the teacher Omar {} has gone to court to keep the harbour open on every cold day."
    write(
        index,
        make_entry(f"{WIRE} {told.format('Salim')}", "first.txt", language="en"),
        make_entry(f"{WIRE} {told.format('Saleh')}", "second.txt", language="en"),
    )
    assert [s.similar for s in index.sources()] == [("second.txt",), ("first.txt",)]
    own = [c.chunk.text for c in candidates(index, limit=20) if c.source == "second.txt"]
    assert len(own) == 1 and "Saleh" in own[0]


def test_other_boundaries_of_passages(index: Index) -> None:
    """A copy with a sentence in front has its passages one sentence further; what they say is said."""
    write(index, make_entry(WIRE, "first.txt"), make_entry("An agency says so. " + WIRE, "second.txt"))
    seconds = [c for c in candidates(index, limit=20) if c.source == "second.txt"]
    assert all("agency" in c.chunk.text for c in seconds) and len(seconds) <= 1


def test_what_stands_for_a_copy_has_its_scores(index: Index) -> None:
    """The copies are what the lexical index proposes; the sentence that stands for them is scored like them."""
    add(index, WIRE, "copy.txt", date="2024-07-13")
    alone = {c.chunk.text: c.lexical for c in candidates(index)}
    add(index, WIRE + " Printed early.", "first.txt", date="2024-07-12")
    together = {c.chunk.text: c.lexical for c in candidates(index, limit=2)}
    assert all(min(scores) > 0 for scores in alone.values())
    assert all(min(scores) > 0 for text, scores in together.items() if text in alone)


def test_unlike_documents_may_say_the_same(index: Index) -> None:
    """Only copies of whole articles are told apart from articles that happen to share a sentence."""
    shared = "The boats of harbour 1 left for bay 13 on a cold day."
    add(index, shared + " " + " ".join(f"Cod number {n} was sold." for n in range(30)), "a.txt")
    add(index, shared + " " + " ".join(f"Nobody fished in year {n}." for n in range(30)), "b.txt")
    assert {c.source for c in candidates(index) if "harbour" in c.chunk.text} == {"a.txt", "b.txt"}


def test_a_copy_that_goes_gives_way(index: Index) -> None:
    first = add(index, WIRE + " It is early. Day breaks.", "early.txt", date="2024-07-12")
    add(index, WIRE + " It is late. Night falls.", "late.txt", date="2024-07-13")
    assert sources(index) == {"early.txt"}
    index.remove(first)
    assert sources(index) == {"late.txt"}


def test_the_article_as_it_was(index: Index) -> None:
    add(index, "Cod left the bay.")
    [before] = index.search(FakeEmbedding().embed_question("cod"), ["cod"], 1)
    add(index, "Herring came home.")
    assert before.document.text == "Cod left the bay."
    assert found(index, "cod herring") == ["Herring came home."]


def test_no_more_than_there_is(index: Index) -> None:
    assert candidates(index) == []
    add(index, "Cod left the bay.")
    assert len(candidates(index, limit=100)) == 1
    assert candidates(index, limit=0) == []


def test_while_chroma_fails_every_vector_is_compared(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"Boats left a harbour for the bay{f' filler{n}' * n}." for n in range(20)]  # each less like the question
    write(index, *(make_entry(text, f"{n:02}.txt", date=f"20{n + 1:02}-01-01") for n, text in enumerate(texts)))
    late = Filters(since="2011")
    before, before_late = candidates(index, limit=5), candidates(index, limit=5, filters=late)
    index.vectors.failed = True
    monkeypatch.setattr(index.vectors, "search", lambda *_: pytest.fail("it was asked"))
    assert [c.source for c in candidates(index, limit=5)] == [c.source for c in before]
    monkeypatch.setattr("rag.store.filters.FEW", 0)
    index._passages._matching.clear()
    assert [c.source for c in candidates(index, limit=5, filters=late)] == [c.source for c in before_late]
    assert min(c.source for c in before_late) == "10.txt"
