"""The documents' database: what goes in comes out, replacing is one step, and nothing is lost by threads or limits."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes import make_passages

from rag import StoreError
from rag.documents import DocumentStore

FOUR = "One boat left. Two boats left. Three boats left. Four boats left."  # two passages of two sentences


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    store = DocumentStore(tmp_path / "documents.db")
    yield store
    store.close()


def test_round_trip(store: DocumentStore) -> None:
    document, chunks, vectors = make_passages(FOUR + "\r\n“Ünïcödé” 🎣.", "b/a.txt", "/x/a.txt")
    store.add(document, chunks, vectors, None)
    assert store.document(document.id) == document
    assert store.by_path("/x/a.txt") == document.id
    assert store.by_path("/x/b.txt") is None
    found = list(store.chunks(reversed([c.id for c in chunks])))
    by_id = {chunk.id: (chunk, owner, rows) for chunk, owner, rows in found}
    for chunk, rows in zip(chunks, vectors, strict=True):
        kept, owner, kept_rows = by_id[chunk.id]
        assert kept == chunk and owner == document
        assert kept_rows.dtype == np.float32 and kept_rows.shape == rows.shape
        np.testing.assert_allclose(kept_rows, rows, atol=1e-3)  # half precision: 11 bits


def test_counts_and_sources(store: DocumentStore) -> None:
    assert store.count() == (0, 0, 0) and store.sources() == ()
    for source in ("b.txt", "a.txt"):
        store.add(*make_passages(f"{FOUR} They met {source}.", source), None)
    # each: 4 sentences and one that names the file, in 3 passages of at most two
    assert store.count() == (2, 2 * 3, 2 * 5)
    assert [(s.source, s.passages) for s in store.sources()] == [("a.txt", 3), ("b.txt", 3)]


def test_replacing_is_one_step(store: DocumentStore) -> None:
    old, new = make_passages("Old news.", path="/a"), make_passages("New news.", path="/a")
    store.add(*old, None)
    store.add(*new, replaces=old[0].id)
    assert store.document(old[0].id) is None
    assert store.by_path("/a") == new[0].id
    assert store.chunk_ids() == [c.id for c in new[1]]


def test_failed_replacing_keeps_the_old(store: DocumentStore) -> None:
    old, new, other = make_passages("Old news."), make_passages("New news."), make_passages("Other news.")
    store.add(*old, None)
    store.add(*new, None)
    with pytest.raises(StoreError):  # the id is taken
        store.add(*new, replaces=old[0].id)
    assert store.document(old[0].id) == old[0]
    store.add(*other, None)  # the failed transaction is over
    assert store.count()[0] == 3


def test_removing_takes_the_passages_along(store: DocumentStore) -> None:
    document, chunks, vectors = make_passages(FOUR)
    store.add(document, chunks, vectors, None)
    store.remove(document.id)
    assert store.count() == (0, 0, 0)
    assert list(store.chunks([c.id for c in chunks])) == []


def test_more_ids_than_sqlite_takes_variables(store: DocumentStore) -> None:
    document, chunks, vectors = make_passages(FOUR)
    store.add(document, chunks, vectors, None)
    ids = [f"no-{n}" for n in range(40_000)]  # SQLite's limit is 32,766
    assert [c.id for c, _, _ in store.chunks([*ids, chunks[0].id])] == [chunks[0].id]


def test_meta(store: DocumentStore) -> None:
    assert store.get_meta("layout") is None
    store.set_meta("layout", "1")
    store.set_meta("layout", "2")
    assert store.get_meta("layout") == "2"


def test_kept_across_opening(tmp_path: Path) -> None:
    document, chunks, vectors = make_passages(FOUR)
    first = DocumentStore(tmp_path / "d.db")
    first.add(document, chunks, vectors, None)
    first.close()
    second = DocumentStore(tmp_path / "d.db")
    assert second.document(document.id) == document
    second.close()


def test_threads_share_it(store: DocumentStore) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                document, chunks, vectors = make_passages(f"Boat {number} left on day {turn}.")
                store.add(document, chunks, vectors, None)
                assert store.document(document.id) == document
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.count() == (4 * 10, 4 * 10, 4 * 10)


@pytest.mark.parametrize("content", [b"this is no database, it is a text " * 100, b"SQLite format 3\0" + b"x" * 4096])
def test_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "d.db"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        DocumentStore(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert path.read_bytes() == content  # nothing of the reader's file is lost


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        DocumentStore(tmp_path / "no" / "d.db")
