"""The store as a whole: what is written, renamed and found, and questions while it is written."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedding
from stores import COD, HERRING, MODEL, add, assert_whole, fill, found, known, make_entry, sources, write

from rag import StoreError
from rag.language.words import terms
from rag.store.index import Index


def test_write_replace_remove(index: Index) -> None:
    assert_whole(index)
    add(index, COD)
    assert index.documents.count() == (1, 2, 3)  # two passages of at most two sentences, three sentences
    assert_whole(index)
    trout = add(index, "Trout swam.")
    assert index.documents.count() == (1, 1, 1)
    assert_whole(index)
    assert found(index, "cod bay") == ["Trout swam."]  # the nearest that is left
    index.remove(trout)
    assert index.documents.count() == (0, 0, 0)
    assert_whole(index)
    assert found(index, "trout") == []


def test_candidates_in_the_order_of_the_articles(index: Index) -> None:
    add(index, HERRING, "b.txt")
    add(index, COD, "a.txt")
    candidates = index.search(FakeEmbedding().embed_question("home bay"), terms("home bay"), 10)
    assert [(c.source, c.chunk.start) for c in candidates] == [
        ("a.txt", 0),
        ("a.txt", COD.index("Nobody")),
        ("b.txt", 0),
    ]
    # "bay" stands in both sentences of the first passage; nothing of the question in the second
    assert [len(c.lexical) for c in candidates] == [2, 1, 2]
    assert min(candidates[0].lexical) > 0


def test_what_is_known(index: Index) -> None:
    add(index, COD)
    assert index.vocabulary.knows("cod") and not index.vocabulary.knows("herring")
    assert (
        index.vocabulary.idf("herring") > index.vocabulary.idf("cod") > index.vocabulary.idf("bay") > 0
    )  # in none, one and two sentences


def test_slips_of_the_pen(index: Index) -> None:
    add(index, "The minister met Zelenskyy. Cod left.")
    assert index.vocabulary.knows(*terms("Zelenskiy")) and not index.vocabulary.knows(*terms("Zuckerberg"))
    assert index.vocabulary.correct(terms("zelenskiy cod wonderland")) == terms("zelenskyy cod wonderland")
    assert index.vocabulary.correct([]) == []


def test_kept_across_opening(folder: Path) -> None:
    fill(folder)
    index = Index.open(folder, MODEL)
    assert [s.source for s in index.sources()] == ["a.txt", "b.txt"]
    assert_whole(index)
    assert "Herring came home. Home was warm." in found(index, "herring")
    index.close()


def test_written_in_pages(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.store.index._PAGE", 2)
    monkeypatch.setattr("rag.store.audit._PAGE", 2)
    add(index, " ".join(f"Boat {n} left." for n in range(10)))
    assert_whole(index)
    index.vectors.remove(list(index.vectors.ids()))
    assert len(index.repair()) == 5
    assert_whole(index)


def test_a_renamed_file_is_renamed_everywhere(index: Index) -> None:
    cod = make_entry(COD)
    write(index, cod)
    write(index, known(cod, "b.txt"))
    assert index.drop(["/articles/a.txt"]) == ["a.txt"]
    assert sources(index) == ["b.txt"]
    [*records] = index.vectors.records(list(index.vectors.ids())).values()
    assert {record.metadata["source"] for record in records} == {"b.txt"}
    assert_whole(index)


def test_a_new_title_is_searched(index: Index) -> None:
    cod = make_entry(COD)
    write(index, cod)
    assert not index.vocabulary.knows("mackerel")
    corrected = dataclasses.replace(known(cod), document=dataclasses.replace(cod.document, title="Mackerel gone"))
    assert write(index, corrected) == ["unchanged"]
    assert index.vocabulary.knows("mackerel")
    assert_whole(index)


def test_missing_in_the_store(index: Index) -> None:
    cod, herring = make_entry(COD), make_entry(HERRING, "b.txt")
    assert write(index, known(cod), herring) == ["missing", "added"]
    assert sources(index) == ["b.txt"]


def test_questions_while_it_is_written(index: Index) -> None:
    """One article is replaced over and over: each question finds one whole version of it, and always one."""
    versions = [f"Cod number {n} left the bay. It was day {n}. Nobody fished in {n}." for n in range(40)]
    add(index, versions[0])
    stop, failures = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            candidates = index.search(FakeEmbedding().embed_question("cod left the bay"), terms("cod left bay"), 10)
            texts = {c.document.text for c in candidates}
            if len(texts) != 1 or len(candidates) != 2 or any(c.chunk.text not in c.document.text for c in candidates):
                failures.append(candidates)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for version in versions[1:]:
        add(index, version)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert_whole(index)


def test_a_search_that_stumbles_looks_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add(index, COD)
    search, calls = index.vectors.search, []

    def stumbling(*asked: Any) -> list[tuple[str, float]]:
        calls.append(asked)
        if len(calls) < 3:
            raise StoreError("Error finding id")
        return search(*asked)

    monkeypatch.setattr(index.vectors, "search", stumbling)
    assert found(index, "cod") != [] and len(calls) == 3


def test_a_search_that_fails_says_so(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add(index, COD)

    def failing(*_: object) -> None:
        raise StoreError("Error finding id")

    monkeypatch.setattr(index.vectors, "search", failing)
    with pytest.raises(StoreError, match="Error finding id"):
        found(index, "cod")


def test_a_search_that_is_always_overtaken_takes_its_turn(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever changes while it looks, the last time it looks nothing is written."""
    add(index, COD)
    search, turns = index.vectors.search, []

    def overtaken(*asked: Any) -> list[tuple[str, float]]:
        if index._write_lock._is_owned():  # type: ignore[attr-defined]
            turns.append("mine")
        else:
            add(index, f"Cod number {len(turns)} left.")
            turns.append("another's")
        return search(*asked)

    monkeypatch.setattr(index.vectors, "search", overtaken)
    assert found(index, "cod") == ["Cod number 4 left."]
    assert turns == ["another's"] * 5 + ["mine"]
