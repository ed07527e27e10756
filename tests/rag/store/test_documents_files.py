"""The files of a documents' database: one of several articles, several of one article, and none."""

from __future__ import annotations

import dataclasses

from document_stores import files, flip, stage, state, version, write
from stores import known, make_entry

from rag.store import outbox
from rag.store.documents import DocumentStore
from rag.types import Entry, File


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
