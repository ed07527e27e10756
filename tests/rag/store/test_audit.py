"""The audit: every kind of harm is found and told in a line, and what can be mended is, without embedding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import COD, HERRING, MODEL, found, make_entry, sources, write

from rag.store.index import Index


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = Index.open(tmp_path / "store", MODEL)
    write(index, make_entry(COD, "a.txt"), make_entry(HERRING, "b.txt"))
    yield index
    index.close()


def sql(*statements: str) -> Callable[[Index], None]:
    def harm(index: Index) -> None:
        with index.documents.database.write() as connection:
            for statement in statements:
                connection.execute(statement)

    return harm


def without_keys(*statements: str) -> Callable[[Index], None]:
    def harm(index: Index) -> None:
        writer = index.documents.database._writer
        writer.execute("PRAGMA foreign_keys = OFF")
        sql(*statements)(index)
        writer.execute("PRAGMA foreign_keys = ON")

    return harm


def in_chroma(**changed: Any) -> Callable[[Index], None]:
    def harm(index: Index) -> None:
        first = next(index.vectors.ids())
        vector, metadata, text = index.vectors.records([first])[first]
        held: dict[str, Any] = {"embeddings": [vector], "metadatas": [metadata], "documents": [text]}
        index.vectors._collection.upsert(ids=[first], **held | changed)

    return harm


def no_vector(index: Index) -> None:
    index.vectors.remove([next(index.vectors.ids())])


def stranger_in_chroma(index: Index) -> None:
    index.vectors._collection.add(ids=["stranger"], embeddings=[[1.0] * 256], documents=["x"], metadatas=[{"a": "b"}])


def no_sentence(index: Index) -> None:
    index.lexical.remove([next(index.vectors.ids())])
    index.lexical.commit()


def too_few_sentences(index: Index) -> None:
    entry = make_entry(COD)
    index.lexical.put([((entry.chunks or ())[0], [["cod"]], [])])
    index.lexical.commit()


def stranger_in_lexical(index: Index) -> None:
    entry = make_entry("Orphans play chess.")
    index.lexical.put([((entry.chunks or ())[0], [["orphan"]], [])])
    index.lexical.commit()


FIRST = "(SELECT MIN(number) FROM documents)"


def no_numbers(index: Index) -> None:
    with index.documents.database.write() as connection:
        for number, raw in connection.execute(
            f"SELECT number, vectors FROM chunks WHERE document = {FIRST}"
        ).fetchall():
            connection.execute("UPDATE chunks SET vectors = ? WHERE number = ?", (b"\xff" * len(raw), number))


MENDED = {
    "another vector": in_chroma(embeddings=[[1.0] + [0.0] * 255]),
    "reads otherwise": in_chroma(documents=["Cod came."]),
    "reads otherwise in Chroma": in_chroma(metadatas=[{"source": "x.txt"}]),
    "missing in Chroma": no_vector,
    "stranger, which no document has": stranger_in_chroma,
    "not each of its sentences once": no_sentence,
    "has not each of its sentences": too_few_sentences,
    "the lexical index holds 6 sentences, the documents have 5": stranger_in_lexical,
    "held by no file": sql(f"DELETE FROM places WHERE document = {FIRST}"),
    "called by a place that does not": sql("UPDATE documents SET source = 'x.txt' WHERE source = 'a.txt'"),
    "of another version": sql("UPDATE places SET version = 'x' WHERE source = 'a.txt'"),
    "not live": sql("UPDATE documents SET state = 'changed' WHERE source = 'a.txt'"),
    "still waits": sql(f"INSERT INTO arrivals SELECT 'x', 'x', '', 'x', {FIRST}, 'x', '', '', '', '', '', ''"),
    "belongs to none of documents": without_keys("INSERT INTO bands VALUES (1, 999)"),
    "in no family": sql("UPDATE documents SET family = 99 WHERE source = 'a.txt'"),
}
# The document itself is harmed, so it goes until its file is read again.
LOST = {
    "is not what was read": sql(f"UPDATE texts SET text = x'436f64' WHERE document = {FIRST}"),
    "has no text": sql(f"DELETE FROM texts WHERE document = {FIRST}"),
    "not the passages that it should have": sql(
        f"DELETE FROM chunks WHERE number = (SELECT MIN(number) FROM chunks WHERE document = {FIRST})"
    ),
    "lie outside": sql(f"UPDATE chunks SET end = 9999 WHERE document = {FIRST}"),
    "vectors of another size": sql(f"UPDATE chunks SET vectors = x'007e007e' WHERE document = {FIRST}"),
    "are no numbers": no_numbers,
}


def test_sound(index: Index) -> None:
    assert list(index.problems()) == [] == index.repair()


@pytest.mark.parametrize("message", MENDED)
def test_found_and_mended(index: Index, message: str) -> None:
    version = index.version
    MENDED[message](index)
    problems = list(index.problems())
    assert any(message in problem for problem in problems), problems
    assert all("\n" not in problem for problem in problems)
    assert index.repair() == problems
    assert list(index.problems()) == []
    assert sources(index) == ["a.txt", "b.txt"]
    assert found(index, "cod bay")[0] == "Cod left the bay. The bay froze."
    assert index.version > version  # what was answered before may have been wrong


@pytest.mark.parametrize("message", LOST)
def test_found_and_taken_out(index: Index, message: str) -> None:
    LOST[message](index)
    problems = list(index.problems())
    assert any(message in problem for problem in problems), problems
    assert index.repair() == problems
    assert list(index.problems()) == []
    assert sources(index) == ["b.txt"]
    assert [file for file in index.files() if "a.txt" in file] == []  # so that the next sync reads it
    assert write(index, make_entry(COD, "a.txt")) == ["added"]
    assert list(index.problems()) == []


def test_everything_at_once(index: Index) -> None:
    for harm in [*MENDED.values(), *LOST.values()]:
        harm(index)
    assert len(index.repair()) >= 8  # several concern the same article
    assert list(index.problems()) == []


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    """A byte of one of its indexes is another; everything can still be read."""
    index = Index.open(tmp_path / "store", MODEL)
    write(index, make_entry(COD, "a.txt", author="Ada"))
    with index.documents.snapshot() as view:
        [(page, size)] = view.rows(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'documents_author'"
        )
    index.close()
    path = tmp_path / "store" / "documents.db"
    content = path.read_bytes()
    start = (page - 1) * size
    path.write_bytes(content[:start] + content[start : start + size].replace(b"Ada", b"Bea") + content[start + size :])
    index = Index.open(tmp_path / "store", MODEL)
    problems = list(index.problems())
    index.close()
    assert problems and all(p.startswith("documents.db: ") and "new store" in p and "\n" not in p for p in problems)
