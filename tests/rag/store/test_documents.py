"""The documents' database: what goes in comes out, readers see what is live, threads and limits lose nothing."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stores import known, make_entry

from rag import StoreError
from rag.store import outbox
from rag.store.documents import DocumentStore
from rag.types import Entry, File

FOUR = "One boat left. Two boats left. Three boats left. Four boats left."  # two passages of two sentences


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    store = DocumentStore(tmp_path / "documents.db")
    yield store
    store.close()


def stage(store: DocumentStore, *entries: Entry) -> tuple[list[str], Any]:
    with store.database.write() as connection:
        return outbox.stage(connection, entries)


def flip(store: DocumentStore, finished: tuple[File, ...] = (), retold: Any = ()) -> None:
    with store.database.write() as connection:
        outbox.flip(connection, finished, retold)


def write(store: DocumentStore, *entries: Entry) -> list[str]:
    """Both steps, without any index."""
    words, retold = stage(store, *entries)
    flip(store, tuple(entry.file for entry in entries if entry.file.path), retold)
    return words


def purge(store: DocumentStore) -> None:
    with store.snapshot() as view:
        going = view.numbers("going")
    with store.database.write() as connection:
        outbox.purge(connection, going)


def state(store: DocumentStore, document_id: str) -> str | None:
    with store.snapshot() as view:
        found = view.rows("SELECT state FROM documents WHERE id = ?", document_id)
    return found[0][0] if found else None


def version(store: DocumentStore) -> int:
    with store.snapshot() as view:
        return view.version()


def files(store: DocumentStore, folder: str | None = None) -> list[str]:
    with store.snapshot() as view:
        return sorted(view.files(folder))


def chunk_ids(entry: Entry) -> list[str]:
    return [chunk.id for chunk in entry.chunks or ()]


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


def test_one_place_twice_in_a_batch(store: DocumentStore) -> None:
    old, new = make_entry("Old news."), make_entry("New news.")
    assert write(store, old, new) == ["added", "replaced"]
    assert [s.id for s in store.sources()] == [new.document.id]
    assert state(store, old.document.id) == "going"


def test_two_files_change_places(store: DocumentStore) -> None:
    cod, herring = make_entry("Cod left.", "a.txt"), make_entry("Herring left.", "b.txt")
    write(store, cod, herring)
    assert write(store, known(cod, "b.txt"), known(herring, "a.txt")) == ["replaced", "replaced"]
    assert [(s.source, s.id) for s in store.sources()] == [
        ("a.txt", herring.document.id),
        ("b.txt", cod.document.id),
    ]
    assert state(store, cod.document.id) == "changed"  # its name in the indexes is another


def test_a_document_lives_while_a_file_holds_it(store: DocumentStore) -> None:
    cod = make_entry("Cod left.")
    write(store, cod)
    write(store, known(cod, "b.txt"))
    with store.database.write() as connection:
        assert outbox.drop(connection, ["/articles/a.txt"]) == ["a.txt"]
    [entry] = store.sources()
    assert (entry.source, entry.path, entry.copies) == ("b.txt", "/articles/b.txt", ())
    assert state(store, cod.document.id) == "changed"
    with store.database.write() as connection:
        assert outbox.drop(connection, ["/articles/b.txt", "/articles/no.txt"]) == ["b.txt"]
    assert store.sources() == () and files(store) == []


def test_added_by_hand(store: DocumentStore) -> None:
    cod = make_entry("Cod left.", path="")
    assert write(store, cod) == ["added"] and write(store, cod) == ["unchanged"]
    assert files(store) == []
    write(store, known(cod, "b.txt"))
    with store.database.write() as connection:
        outbox.drop(connection, ["/articles/b.txt"])
    assert [s.source for s in store.sources()] == ["a.txt"]  # no file held it, so none takes it along
    with store.database.write() as connection:
        outbox.remove(connection, cod.document.id)
    assert store.sources() == ()


def test_removed_by_hand_is_read_again(store: DocumentStore) -> None:
    cod = make_entry("Cod left.")
    write(store, cod)
    before = version(store)
    with store.database.write() as connection:
        outbox.remove(connection, cod.document.id)
    assert store.sources() == () and files(store) == [] and version(store) == before + 1
    with store.database.write() as connection:
        outbox.remove(connection, "no such document")
    assert version(store) == before + 1


def test_told_otherwise(store: DocumentStore) -> None:
    cod = make_entry("Cod left.", date="2024-07-12")
    write(store, cod)
    before = version(store)
    assert write(store, known(cod)) == ["unchanged"] and version(store) == before
    corrected = dataclasses.replace(cod, document=dataclasses.replace(cod.document, date="2024-07-13"), chunks=None)
    assert write(store, corrected) == ["unchanged"] and version(store) == before + 1
    assert store.document(cod.document.id) == corrected.document
    assert state(store, cod.document.id) == "changed"
    elsewhere = dataclasses.replace(known(cod, "b.txt"), document=dataclasses.replace(known(cod, "b.txt").document))
    write(store, elsewhere)  # what a copy says of itself changes nothing
    assert [s.date for s in store.sources()] == ["2024-07-13"]


def container(version: str) -> File:
    return File("/articles/all.csv", 1, 1, version)


def row(text: str, number: int, version: str) -> Entry:
    entry = make_entry(text, f"all.csv!/{number}")
    return dataclasses.replace(entry, file=container(version))


def test_a_file_of_several_documents(store: DocumentStore) -> None:
    """Written in several batches; what is not in it any more goes when it was read to its end, not before."""
    stage(store, row("Cod left.", 1, "one"), row("Herring left.", 2, "one"))
    flip(store)
    assert files(store) == []  # not read to its end
    stage(store, row("Trout left.", 3, "one"))
    flip(store, (container("one"),))
    assert files(store) == ["/articles/all.csv"] and len(store.sources()) == 3
    stage(store, row("Cod came.", 1, "two"))
    flip(store)
    assert files(store) == []  # it is being read: were it to end here, it would be read again
    assert {s.source for s in store.sources()} == {"all.csv!/1", "all.csv!/2", "all.csv!/3"}
    stage(store, known_row(row("Herring left.", 2, "two")))
    flip(store, (container("two"),))
    assert {s.source for s in store.sources()} == {"all.csv!/1", "all.csv!/2"}
    assert files(store) == ["/articles/all.csv"]


def known_row(entry: Entry) -> Entry:
    return dataclasses.replace(entry, chunks=None, vectors=None)


def test_files_below_a_folder(store: DocumentStore) -> None:
    names = ["/a", "/a.txt", "/a/b", "/a/c/d", "/ab", "/a0"]
    with store.database.write() as connection:
        outbox.touch(connection, [File(name, 1, -1, "h") for name in names])
    assert files(store) == sorted(names)
    assert files(store, "/a") == files(store, "/a/") == ["/a", "/a/b", "/a/c/d"]
    assert files(store, "/") == sorted(names)
    assert files(store, "/z") == []


def test_touched(store: DocumentStore) -> None:
    cod = make_entry("Cod left.")
    write(store, cod)
    before = version(store)
    with store.database.write() as connection:
        outbox.touch(connection, [dataclasses.replace(cod.file, mtime_ns=99)])
    with store.snapshot() as view:
        assert view.files(None)[cod.file.path].mtime_ns == 99
    assert version(store) == before  # nothing that a reader sees


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
