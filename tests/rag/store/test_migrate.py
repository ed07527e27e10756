"""A store of an older layout becomes a current one: the same articles, nothing embedded, a copy of it beside it."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from stores import MODEL, found, known, make_entry, sources, write

from rag import StoreError, StoreMismatchError
from rag.store import outbox
from rag.store.audit import entry as lexical_entry
from rag.store.index import Index
from rag.store.lexical import LexicalIndex
from rag.store.migrate import LAYOUT
from rag.store.vectors import VectorStore
from rag.types import Entry, Filters

# As the first release made it.
LAYOUT_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE documents (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, title TEXT NOT NULL, text BLOB NOT NULL, path TEXT NOT NULL,
    added TEXT NOT NULL);
CREATE INDEX documents_path ON documents (path);
CREATE TABLE files (
    path TEXT PRIMARY KEY, source TEXT NOT NULL, document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE);
CREATE INDEX files_document ON files (document_id);
CREATE TABLE chunks (
    id TEXT PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, spans TEXT NOT NULL, vectors BLOB NOT NULL);
CREATE INDEX chunks_document ON chunks (document_id);
"""
COD = make_entry("Cod left the bay. The bay froze. Nobody fished.", "a.txt")
HERRING = make_entry("Herring came home. Home was warm.", "b.txt")
BY_HAND = make_entry("Trout swam. The “Ünïcödé” 🎣 sank.", "Note", path="")


def make_old(folder: Path, *entries: Entry) -> None:
    """Write a store as the first release left it."""
    folder.mkdir()
    db = sqlite3.connect(folder / "documents.db")
    db.executescript(LAYOUT_1)
    db.executemany(
        "INSERT INTO meta VALUES (?, ?)", [("layout", "1"), ("embedding", MODEL), ("dirty", "0"), ("used", "1")]
    )
    for e in entries:
        d = e.document
        text = d.text.encode("utf-8", "surrogatepass")
        db.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", (d.id, d.source, d.title, text, d.path, d.added))
        if d.path:
            db.execute("INSERT INTO files VALUES (?, ?, ?)", (d.path, d.source, d.id))
        for chunk, vectors in zip(e.chunks or (), e.vectors or (), strict=True):
            spans = json.dumps([(s.start, s.end) for s in chunk.sentences])
            raw = vectors.astype(np.float16).tobytes()
            db.execute(
                "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)", (chunk.id, d.id, chunk.start, chunk.end, spans, raw)
            )
    db.commit()
    db.close()
    vectors, lexical = VectorStore(folder / "chroma"), LexicalIndex(folder / "lexical")
    for e in entries:
        passages = list(zip(e.chunks or (), e.vectors or (), strict=True))
        vectors.put([(chunk, e.document, rows[0]) for chunk, rows in passages])
        lexical.put([lexical_entry(chunk, e.document) for chunk, _ in passages])
    lexical.commit()
    lexical.close()
    vectors.close()


def add_place(folder: Path, entry: Entry, path: str) -> None:
    db = sqlite3.connect(folder / "documents.db")
    db.execute("INSERT INTO files VALUES (?, ?, ?)", (path, Path(path).name, entry.document.id))
    db.commit()
    db.close()


def test_migrated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "store"
    make_old(folder, COD, HERRING, BY_HAND)
    add_place(folder, COD, "/articles/copy.txt")
    before = (folder / "documents.db").read_bytes()
    with caplog.at_level(logging.WARNING):
        index = Index.open(folder, MODEL)
    assert list(index.problems()) == []
    assert [(s.source, s.path, s.copies) for s in index.sources()] == [
        ("Note", "", ()),
        ("a.txt", "/articles/a.txt", ("copy.txt",)),
        ("b.txt", "/articles/b.txt", ()),
    ]
    assert index.documents.document(COD.document.id) == COD.document
    assert index.documents.document(BY_HAND.document.id) == BY_HAND.document
    assert index.documents.get_meta("used") == "1" and index.documents.get_meta("layout") == LAYOUT
    assert "Cod left the bay. The bay froze." in found(index, "cod")
    assert index.files() == {}  # what they held was not kept, so the next sync reads them
    assert write(index, known(COD), known(HERRING)) == ["unchanged", "unchanged"]
    assert index.drop(["/articles/b.txt"]) == ["b.txt"]
    assert sources(index) == ["Note", "a.txt"]
    index.close()
    copy = sqlite3.connect(folder / "documents.db.layout-1.bak")
    assert copy.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone() == ("1",)
    assert copy.execute("SELECT COUNT(*) FROM documents").fetchone() == (3,)
    copy.close()
    (folder / "documents.db").write_bytes(before)  # and back again
    with caplog.at_level(logging.WARNING):
        again = Index.open(folder, MODEL)
    assert sources(again) == ["Note", "a.txt", "b.txt"] and list(again.problems()) == []
    again.close()


def test_layout_2_is_migrated(tmp_path: Path) -> None:
    """In layout 2 only a document's main place had details; the others are read again."""
    folder = tmp_path / "store"
    index = Index.open(folder, MODEL)
    cod = make_entry(COD.document.text, "a.txt", publisher="Valley Times", date="2024-02-01", author="Ann Roe")
    write(index, cod, known(cod, "copy.txt"), HERRING)
    index.close()
    db = sqlite3.connect(folder / "documents.db")
    for table in ("places", "arrivals"):
        for name in ("date", "author", "publisher"):
            db.execute(f"DROP INDEX IF EXISTS {table}_{name}")
        for name in ("title", "date", "author", "publisher", "language", "url"):
            db.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
    for table in ("documents", "places"):  # another version wrote names otherwise for comparing
        db.execute(f"UPDATE {table} SET folded = 'b.TXT' WHERE source = 'b.txt'")
    db.execute("UPDATE meta SET value = '2' WHERE key = 'layout'")
    db.commit()
    db.close()
    index = Index.open(folder, MODEL)
    assert index.documents.get_meta("layout") == LAYOUT and list(index.problems()) == []
    assert (folder / "documents.db.layout-2.bak").exists()
    assert [(s.source, s.publisher, s.copies) for s in index.sources()] == [
        ("a.txt", "Valley Times", ("copy.txt",)),
        ("b.txt", "", ()),
    ]
    assert index.meets(Filters(sources=("b.txt",)))
    with index.documents.snapshot() as view:
        places = view.rows("SELECT source, publisher, date, author FROM places ORDER BY path")
    assert places == [
        ("a.txt", "Valley Times", "2024-02-01", "Ann Roe"),
        ("b.txt", "", "", ""),
        ("copy.txt", "", "", ""),
    ]
    assert sorted(index.files()) == ["/articles/a.txt", "/articles/b.txt"]  # the copy is read again
    index.close()


def test_the_indexes_are_mended_where_they_were_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    make_old(folder, COD, HERRING)
    vectors = VectorStore(folder / "chroma")
    vectors.remove([next(vectors.ids())])
    vectors.put([((BY_HAND.chunks or ())[0], BY_HAND.document, (BY_HAND.vectors or ())[0][0])])
    vectors.close()
    index = Index.open(folder, MODEL)
    assert list(index.problems()) == []
    index.close()


def test_an_empty_store(tmp_path: Path) -> None:
    make_old(tmp_path / "store")
    index = Index.open(tmp_path / "store", MODEL)
    assert index.documents.is_empty()
    write(index, COD)
    assert list(index.problems()) == []
    index.close()


def test_near_identical_articles_are_linked(tmp_path: Path) -> None:
    wire = " ".join(f"On day {n} the boats of harbour {n * 7} left for bay {n * 13}." for n in range(20))
    make_old(tmp_path / "store", make_entry(wire), make_entry(wire + " So it was said.", "b.txt"))
    index = Index.open(tmp_path / "store", MODEL)
    assert [s.similar for s in index.sources()] == [("b.txt",), ("a.txt",)]
    index.close()


@pytest.mark.parametrize("step", ["link", "mend"])
def test_interrupted_it_is_what_it_was(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "store"
    make_old(folder, COD, HERRING)

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, step, full)
        with pytest.raises(StoreError, match="the disk is full"):
            Index.open(folder, MODEL)
    db = sqlite3.connect(folder / "documents.db")
    assert db.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone() == ("1",)
    assert db.execute("SELECT COUNT(*) FROM files").fetchone() == (2,)
    db.close()
    index = Index.open(folder, MODEL)
    assert sources(index) == ["a.txt", "b.txt"] and list(index.problems()) == []
    index.close()


def test_interrupted_after_it_the_indexes_are_still_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "store"
    make_old(folder, COD)
    with monkeypatch.context() as patch:
        patch.setattr(Index, "repair", lambda self, **options: (_ for _ in ()).throw(StoreError("killed")))
        with pytest.raises(StoreError, match="killed"):
            Index.open(folder, MODEL)
    compared = []
    repair = Index.repair

    def repaired(self: Index, documents: bool = True) -> list[str]:
        compared.append(self)
        return repair(self, documents)

    monkeypatch.setattr(Index, "repair", repaired)
    Index.open(folder, MODEL).close()
    assert len(compared) == 1
    Index.open(folder, MODEL).close()
    assert len(compared) == 1


def test_another_embedding_model_is_refused(tmp_path: Path) -> None:
    make_old(tmp_path / "store", COD)
    with pytest.raises(StoreMismatchError, match=MODEL):
        Index.open(tmp_path / "store", "other-model")


def test_a_newer_layout_is_refused_unchanged(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    make_old(folder, COD)
    db = sqlite3.connect(folder / "documents.db")
    db.execute("UPDATE meta SET value = '99' WHERE key = 'layout'")
    db.commit()
    before = list(db.iterdump())
    db.close()
    with pytest.raises(StoreMismatchError, match="layout 99") as caught:
        Index.open(folder, MODEL)
    assert "rag ingest" in str(caught.value) and "\n" not in str(caught.value)
    db = sqlite3.connect(folder / "documents.db")
    assert list(db.iterdump()) == before
    db.close()
    assert not (folder / "documents.db.layout-1.bak").exists()


def test_an_index_with_the_terms_of_another_version_is_built_again(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "s", MODEL)
    write(index, COD, HERRING)
    index.lexical.put([(COD.chunks[0], [["of"], ["another"], ["version"]], [])])  # type: ignore[index]
    index.lexical.commit()
    index.documents.set_meta("terms", "1")
    index.close()
    index = Index.open(tmp_path / "s", MODEL)
    assert not index.lexical.holds("version") and index.lexical.holds("cod")
    assert index.documents.get_meta("terms") != "1" and list(index.problems()) == []
    index.close()
