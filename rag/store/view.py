"""A read-only snapshot of the documents, which checks them for damage as they are read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rag.errors import DamagedError
from rag.store.connection import Connection
from rag.types import Chunk, Document, File, SourceInfo, Span

Vectors = npt.NDArray[np.float32]

# A document is `pending` until both indexes hold it, then `live`. `changed` is live, but the indexes must be updated.
# `going` is no longer visible to readers, and waits to be removed from the indexes.
VISIBLE = ("live", "changed")
_FIELDS = "d.id, d.source, d.title, t.text, d.path, d.added, d.date, d.author, d.publisher, d.language, d.url"
_SHOWN = "d.state IN ('live', 'changed')"
MEND = "run: rag doctor --repair"
_MOST_OF_UNIT = 1.01
_MOST_SIMILAR = 50  # the most near-identical articles listed with one article


class Owner(NamedTuple):
    """The document of a passage: its number, the number of its family of near-identical ones, and its date."""

    number: int
    family: int
    date: str


class Copy(NamedTuple):
    """A place of a document with what the file there says about it."""

    path: str
    source: str
    title: str
    date: str
    author: str
    publisher: str
    language: str
    url: str

    def of(self, document: Document) -> Document:
        """Return the document as it is at this place."""
        return replace(document, **self._asdict())


class View:
    """A snapshot of the database: every method sees the same state."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT statement."""
        return self.connection.execute(statement, values).fetchall()

    def meta(self, key: str) -> str | None:
        """Return the value stored under `key`, or None."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", key)
        return str(found[0][0]) if found else None

    def version(self) -> int:
        """Return the number that increases with every change that readers can see."""
        return int(self.meta("version") or 0)

    def document(self, document_id: str) -> Document | None:
        """Return one document with its text, or None."""
        found = self.rows(
            f"SELECT {_FIELDS} FROM documents d JOIN texts t ON t.document = d.number WHERE d.id = ? AND {_SHOWN}",
            document_id,
        )
        return _sound(_document(found[0])) if found else None

    def documents(self, numbers: Iterable[int]) -> dict[int, Document]:
        """Return the documents with these numbers that readers see, in the order in which they were added.

        Raises:
            DamagedError: A text has changed since it was written.
        """
        found = self._documents(numbers, VISIBLE)
        return {number: _sound(_document(found[number])) for number in sorted(found)}

    def held(self, ids: Iterable[str]) -> set[str]:
        """Return which of these document ids are in the store."""
        found = self.rows(
            f"SELECT d.id FROM texts(?) j CROSS JOIN documents d ON d.id = j.value WHERE {_SHOWN}",
            list(ids),
        )
        return {str(row[0]) for row in found}

    def files(self, folder: str | None) -> dict[str, File]:
        """Return the files that were read completely, by path: all, or those at or below `folder`."""
        statement = "SELECT path, size, mtime_ns, hash FROM files"
        if folder is None:
            found = self.rows(statement)
        else:
            below = folder.rstrip(os.sep)
            within = (below + os.sep, below + chr(ord(os.sep) + 1))
            found = self.rows(f"{statement} WHERE path = ? OR (path >= ? AND path < ?)", below, *within)
        return {row[0]: File(*row) for row in found}

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return every document without its text, sorted by source name."""
        copies = _grouped(
            self.rows(
                f"SELECT d.number, p.source FROM places p JOIN documents d ON d.number = p.document "
                f"WHERE {_SHOWN} AND p.path != d.path ORDER BY p.source"
            )
        )
        families = _grouped(
            self.rows(
                f"SELECT d.family, d.source, d.number FROM documents d WHERE {_SHOWN} AND d.family IN "
                f"(SELECT family FROM documents d WHERE {_SHOWN} GROUP BY family HAVING COUNT(*) > 1) ORDER BY d.source"
            )
        )
        found = self.rows(
            "SELECT d.number, d.family, d.id, d.source, d.title, d.path, d.added, d.passages, d.date, d.author, "
            f"d.publisher, d.language, d.url FROM documents d WHERE {_SHOWN} ORDER BY d.source, d.id"
        )
        return tuple(
            SourceInfo(*(*row, tuple(s for (s,) in copies.get(number, ())), _others(families.get(family, ()), number)))
            for number, family, *row in found
        )

    def count(self) -> tuple[int, int, int]:
        """Return how many documents, passages and sentences readers see; a database index covers the sums."""
        row = self.rows(
            f"SELECT COUNT(*), COALESCE(SUM(passages), 0), COALESCE(SUM(sentences), 0) FROM documents d WHERE {_SHOWN}"
        )[0]
        return int(row[0]), int(row[1]), int(row[2])

    def languages(self) -> dict[str, int]:
        """Return how many documents that readers see are in each language."""
        found = self.rows(f"SELECT d.language, COUNT(*) FROM documents d WHERE {_SHOWN} GROUP BY d.language")
        return {str(row[0]): int(row[1]) for row in found}

    def is_empty(self) -> bool:
        """Return whether readers see no documents."""
        return not self.rows(f"SELECT 1 FROM documents d WHERE {_SHOWN} LIMIT 1")

    def numbers(self, *states: str) -> list[int]:
        """Return the numbers of the documents in one of these states, in the order in which they were added."""
        found = self.rows(
            "SELECT number FROM documents WHERE state IN (SELECT value FROM texts(?)) ORDER BY number",
            list(states),
        )
        return [int(row[0]) for row in found]

    def copies(self, numbers: Iterable[int]) -> dict[int, list[Copy]]:
        """Return the other places of these documents: those whose name and details are not the document's own."""
        found = self.rows(
            "SELECT d.number, p.path, p.source, p.title, p.date, p.author, p.publisher, p.language, p.url "
            "FROM numbers(?) j CROSS JOIN documents d ON d.number = j.value "
            f"JOIN places p ON p.document = d.number AND p.path != d.path WHERE {_SHOWN} ORDER BY p.path",
            list(numbers),
        )
        return {number: [Copy(*row) for row in rows] for number, rows in _grouped(found).items()}

    def chunk_ids(self, numbers: Iterable[int]) -> list[str]:
        """Return the ids of the passages of the documents with these numbers."""
        found = self.rows("SELECT c.id FROM numbers(?) j CROSS JOIN chunks c ON c.document = j.value", list(numbers))
        return [str(row[0]) for row in found]

    def owners(self, chunk_ids: Iterable[str]) -> dict[str, Owner]:
        """Return the document of each of these passages that readers see."""
        found = self.rows(
            "SELECT c.id, d.number, d.family, d.date FROM texts(?) j CROSS JOIN chunks c ON c.id = j.value "
            f"CROSS JOIN documents d ON d.number = c.document WHERE {_SHOWN}",
            list(chunk_ids),
        )
        return {row[0]: Owner(*row[1:]) for row in found}

    def families(self, numbers: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
        """Return the members of these families as (document number, date)."""
        found = self.rows(
            f"SELECT d.family, d.number, d.date FROM numbers(?) j CROSS JOIN documents d ON d.family = j.value "
            f"WHERE {_SHOWN}",
            list(numbers),
        )
        return {family: [(row[0], row[1]) for row in rows] for family, rows in _grouped(found).items()}

    def passage_vectors(self, chunk_ids: Iterable[str]) -> list[tuple[str, Vectors]]:
        """Return the vectors of whole passages, without those of their sentences."""
        dimensions = int(self.meta("dimensions") or 0)
        found = self.rows(
            "SELECT c.id, substr(c.vectors, 1, ?) FROM texts(?) j CROSS JOIN chunks c ON c.id = j.value",
            2 * dimensions,
            list(chunk_ids),
        )
        return [(chunk_id, unpack(raw, 1)[0]) for chunk_id, raw in found]

    def all_vectors(self) -> Iterator[list[tuple[str, Vectors]]]:
        """Yield the vectors of all passages that readers see, in pages, without those of their sentences."""
        last = 0
        while rows := self.rows(
            "SELECT c.number, c.id, d.state FROM chunks c JOIN documents d ON d.number = c.document "
            "WHERE c.number > ? ORDER BY c.number LIMIT 2000",
            last,
        ):
            last = rows[-1][0]
            yield self.passage_vectors(chunk_id for _, chunk_id, state in rows if state in VISIBLE)

    def chunks(
        self, ids: Iterable[str], states: Sequence[str] = VISIBLE, damaged: dict[int, str] | None = None
    ) -> Iterator[tuple[Chunk, Document, Vectors]]:
        """Yield the existing passages with these ids, each with its document and vectors. Each text is read once.

        Args:
            ids: The ids of the passages.
            states: The states that their documents may have.
            damaged: Receives what is wrong, by document number; damaged passages are then left out.

        Raises:
            DamagedError: A text or passage has changed since it was written, and `damaged` was not given.
        """
        found = self.rows(
            "SELECT c.document, c.id, c.start, c.end, c.spans, c.vectors FROM texts(?) j "
            "CROSS JOIN chunks c ON c.id = j.value",
            list(dict.fromkeys(ids)),
        )
        rows = self._documents({row[0] for row in found}, states)
        documents: dict[int, Document] = {}
        for number, row in rows.items():
            with _telling(number, damaged):
                documents[number] = _sound(_document(row))
        for number, chunk_id, start, end, spans, vectors in found:
            if (document := documents.get(number)) is not None:
                with _telling(number, damaged):
                    yield _passage(document, chunk_id, start, end, spans, vectors)

    def _documents(self, numbers: Iterable[int], states: Sequence[str]) -> dict[int, Sequence[Any]]:
        found = self.rows(
            f"SELECT d.number, {_FIELDS} FROM numbers(?) j CROSS JOIN documents d ON d.number = j.value "
            "JOIN texts t ON t.document = d.number WHERE d.state IN (SELECT value FROM texts(?))",
            list(numbers),
            list(states),
        )
        return {row[0]: row[1:] for row in found}


def pack(vectors: Vectors) -> bytes:
    """Return vectors in the stored form: float16, row by row."""
    return vectors.astype(np.float16).tobytes()


def unpack(raw: bytes, count: int) -> Vectors:
    """Return stored vectors as float32 of shape (count, dimensions)."""
    return np.frombuffer(raw, dtype=np.float16).reshape(count, -1).astype(np.float32)


def _document(row: Sequence[Any]) -> Document:
    document_id, source, title, text, *rest = row
    try:
        return Document(document_id, source, title, text.decode("utf-8", "surrogatepass"), *rest)
    except (UnicodeDecodeError, AttributeError) as error:
        raise _damaged(f"the text of {source} cannot be read") from error


def _sound(document: Document) -> Document:
    """Return a document after checking that its id is the SHA-256 of its text."""
    if hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest() != document.id:
        raise _damaged(f"the text of {document.source} is not what was read")
    return document


def _passage(
    document: Document, chunk_id: str, start: int, end: int, spans: str, vectors: bytes
) -> tuple[Chunk, Document, Vectors]:
    try:
        sentences = tuple(Span(*pair) for pair in json.loads(spans))
        rows = unpack(vectors, 1 + len(sentences))
        edges = [0, start, *(edge for span in sentences for edge in (span.start, span.end)), end, len(document.text)]
        outside = edges != sorted(edges)
    except (ValueError, TypeError) as error:
        raise _damaged(f"passage {chunk_id} of {document.source} cannot be read") from error
    if outside:
        raise _damaged(f"the sentences of passage {chunk_id} lie outside of {document.source}")
    # The vectors are unit vectors in half precision; one flipped bit can turn a value into a thousand.
    if not np.isfinite(rows).all() or np.abs(rows).max(initial=0.0) > _MOST_OF_UNIT:
        raise _damaged(f"the vectors of passage {chunk_id} of {document.source} are no numbers of a unit vector")
    return Chunk(chunk_id, document.id, start, end, document.text[start:end], sentences), document, rows


@contextmanager
def _telling(number: int, damaged: dict[int, str] | None) -> Iterator[None]:
    try:
        yield
    except DamagedError as error:
        if damaged is None:
            raise
        damaged.setdefault(number, str(error).removesuffix(f"; {MEND}"))


def _damaged(what: str) -> DamagedError:
    return DamagedError(f"{what}; {MEND}")


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for key, *rest in rows:
        found.setdefault(key, []).append(tuple(rest))
    return found


def _others(family: Sequence[tuple[Any, ...]], number: int) -> tuple[str, ...]:
    return tuple(source for source, other in family[: _MOST_SIMILAR + 1] if other != number)[:_MOST_SIMILAR]
