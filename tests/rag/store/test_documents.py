"""The documents' database: what goes in comes out, readers see what is live, threads and limits lose nothing."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest
from document_stores import chunk_ids, flip, purge, stage, state, version, write
from stores import known, make_entry

from rag import StoreError
from rag.store import outbox
from rag.store.documents import DocumentStore

FOUR = "One boat left. Two boats left. Three boats left. Four boats left."  # two passages of two sentences


def test_round_trip(store: DocumentStore) -> None:
    entry = make_entry(
        FOUR + "\r\n“Ünïcödé” 🎣.",
        "b/a.txt",
        date="2024-07-12",
        author="Ada Díaz",
        publisher="The Bay",
        language="en",
        url="https://bay.example/cod",
    )
    assert write(store, entry) == ["added"]
    assert store.document(entry.document.id) == entry.document
    with store.snapshot() as view:
        assert view.files(None) == {entry.file.path: entry.file}
        found = {chunk.id: (chunk, document, rows) for chunk, document, rows in view.chunks(chunk_ids(entry))}
    for chunk, rows in zip(entry.chunks or (), entry.vectors or (), strict=True):
        kept, owner, kept_rows = found[chunk.id]
        assert kept == chunk and owner == entry.document
        assert kept_rows.dtype == np.float32 and kept_rows.shape == rows.shape
        np.testing.assert_allclose(kept_rows, rows, atol=1e-3)  # half precision: 11 bits


def test_counts_and_sources(store: DocumentStore) -> None:
    assert store.count() == (0, 0, 0) and store.sources() == () and store.is_empty()
    for source in ("b.txt", "a.txt"):
        write(store, make_entry(f"{FOUR} They met {source}.", source))
    # each: 4 sentences and one that names the file, in 3 passages of at most two
    assert store.count() == (2, 2 * 3, 2 * 5)
    assert [(s.source, s.passages) for s in store.sources()] == [("a.txt", 3), ("b.txt", 3)]


def test_seen_when_both_indexes_have_it(store: DocumentStore) -> None:
    entry = make_entry(FOUR)
    stage(store, entry)
    assert state(store, entry.document.id) == "pending"
    assert store.document(entry.document.id) is None and store.sources() == () and store.is_empty()
    assert store.count() == (0, 0, 0)
    with store.snapshot() as view:
        assert view.held([entry.document.id]) == set()
        assert list(view.chunks(chunk_ids(entry))) == [] and view.owners(chunk_ids(entry)) == {}
        assert len(list(view.chunks(chunk_ids(entry), ("pending",)))) == 2
    flip(store)
    assert state(store, entry.document.id) == "live"
    assert store.count() == (1, 2, 4)
    with store.snapshot() as view:
        assert view.held([entry.document.id, "other"]) == {entry.document.id}


def test_replacing_is_one_step(store: DocumentStore) -> None:
    old, new = make_entry("Old news."), make_entry("New news.")
    write(store, old)
    before = version(store)
    stage(store, new)
    assert [s.id for s in store.sources()] == [old.document.id] and version(store) == before
    flip(store)
    assert [s.id for s in store.sources()] == [new.document.id] and version(store) == before + 1
    assert state(store, old.document.id) == "going"
    purge(store)
    assert state(store, old.document.id) is None
    with store.snapshot() as view:
        assert list(view.chunks(chunk_ids(old), ("going", "live"))) == []


def test_words(store: DocumentStore) -> None:
    cod, herring = make_entry("Cod left."), make_entry("Herring left.", "b.txt")
    assert write(store, cod, herring) == ["added", "added"]
    assert write(store, known(cod), make_entry("Trout left.", "b.txt")) == ["unchanged", "replaced"]
    assert write(store, known(make_entry("Nobody knows.", "c.txt"))) == ["missing"]
    assert write(store, known(cod, "d.txt")) == ["added"]


def test_one_document_twice_in_a_batch(store: DocumentStore) -> None:
    cod = make_entry("Cod left.")
    assert write(store, cod, known(cod, "b.txt"), make_entry("Cod left.", "c.txt")) == ["added", "added", "added"]
    [entry] = store.sources()
    assert (entry.source, entry.copies) == ("a.txt", ("b.txt", "c.txt"))


def test_version_grows_with_what_is_seen_only(store: DocumentStore) -> None:
    cod = make_entry("Cod left.")
    seen = [version(store)]

    def grown() -> bool:
        seen.append(version(store))
        return seen[-1] > seen[-2]

    write(store, cod)
    assert grown()
    write(store, known(cod))
    assert not grown()
    write(store, known(cod, "b.txt"))  # another place: the library shows it
    assert grown()
    with store.database.write() as connection:
        outbox.drop(connection, ["/articles/no.txt"])
    assert not grown()
    flip(store)
    purge(store)
    assert not grown()


@pytest.mark.parametrize("harm", ["nan", "infinite", "size", "rows"])
def test_vectors_that_no_index_takes_are_refused(store: DocumentStore, harm: str) -> None:
    write(store, make_entry("Herring left.", "b.txt"))
    entry = make_entry("Cod left.")
    [vectors] = entry.vectors or ()
    bad = {
        "nan": vectors * np.float32("nan"),
        "infinite": vectors * np.float32(1e30),
        "size": vectors[:, :7],
        "rows": vectors[:1],
    }[harm]
    with pytest.raises(StoreError, match=r"a\.txt") as caught:
        stage(store, dataclasses.replace(entry, vectors=(bad,)))
    assert "\n" not in str(caught.value)
    assert state(store, entry.document.id) is None
    assert write(store, entry) == ["added"]


def test_near_identical_ones_are_listed(store: DocumentStore) -> None:
    wire = " ".join(f"On day {n} the boats of harbour {n * 7} left for bay {n * 13}." for n in range(20))
    write(store, make_entry(wire, "a.txt"), make_entry("Nobody fished.", "c.txt"))
    write(store, make_entry(wire + " The agency reported it.", "b.txt"))
    similar = {s.source: s.similar for s in store.sources()}
    assert similar == {"a.txt": ("b.txt",), "b.txt": ("a.txt",), "c.txt": ()}
    with store.database.write() as connection:
        outbox.drop(connection, ["/articles/a.txt"])
    assert {s.source: s.similar for s in store.sources()} == {"b.txt": (), "c.txt": ()}
    purge(store)
    with store.snapshot() as view:
        assert view.rows("SELECT COUNT(*), COUNT(DISTINCT document) FROM bands") == [(2 * 20, 2)]


def test_more_ids_than_sqlite_takes_variables(store: DocumentStore) -> None:
    entry = make_entry(FOUR)
    write(store, entry)
    ids = [f"no-{n}" for n in range(40_000)]  # SQLite's limit is 32,766
    first = chunk_ids(entry)[0]
    with store.snapshot() as view:
        assert [c.id for c, _, _ in view.chunks([*ids, first])] == [first]
        assert view.held([*ids, entry.document.id]) == {entry.document.id}


def test_meta(store: DocumentStore) -> None:
    assert store.get_meta("layout") is None
    store.set_meta("layout", "1")
    store.set_meta("layout", "2")
    assert store.get_meta("layout") == "2"


def test_kept_across_opening(tmp_path: Path) -> None:
    entry = make_entry(FOUR)
    first = DocumentStore(tmp_path / "d.db")
    write(first, entry)
    first.close()
    second = DocumentStore(tmp_path / "d.db")
    assert second.document(entry.document.id) == entry.document
    second.close()


def test_threads_share_it(store: DocumentStore) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                entry = make_entry(f"Boat {number} left on day {turn}.", f"{number}-{turn}.txt")
                with store.database.write() as connection:
                    outbox.stage(connection, [entry])
                    outbox.flip(connection)
                assert store.document(entry.document.id) == entry.document
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.count() == (4 * 10, 4 * 10, 4 * 10)
