"""The documents and their passages in SQLite: the truth that Chroma and the lexical index are derived from.

Vectors lie here too (float16), so both can be rebuilt without embedding anything again.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.errors import StoreError
from rag.types import Chunk, Document, SourceInfo, Span

Vectors = npt.NDArray[np.float32]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, title TEXT NOT NULL, text BLOB NOT NULL, path TEXT NOT NULL,
    added TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS documents_path ON documents (path);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, source TEXT NOT NULL, document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE);
CREATE INDEX IF NOT EXISTS files_document ON files (document_id);
CREATE TABLE IF NOT EXISTS chunks (
    id TEXT PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, spans TEXT NOT NULL, vectors BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS chunks_document ON chunks (document_id);
"""
_PAGE = 500  # well under SQLite's limit of variables in one statement


class DocumentStore:
    """Documents, passages and vectors in one SQLite file; safe to use from several threads.

    Args:
        path: The database file; made when missing.

    Raises:
        StoreError: The file cannot be opened or is no database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Close the database file."""
        with self._lock:
            self._db.close()

    def get_meta(self, key: str) -> str | None:
        """Return the value kept under `key`, or None."""
        rows = self._all("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def set_meta(self, key: str, value: str) -> None:
        """Keep `value` under `key`."""
        self._all("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))

    def add(
        self, document: Document, chunks: Sequence[Chunk], vectors: Sequence[Vectors], replaces: str | None
    ) -> None:
        """Write a document with its passages, and drop the document that it replaces, in one transaction.

        Args:
            document: The article.
            chunks: Its passages.
            vectors: For each passage, float32 of shape (1 + sentences, dimensions).
            replaces: Id of the document that goes, if any.
        """
        rows = [
            (c.id, c.document_id, c.start, c.end, json.dumps([(s.start, s.end) for s in c.sentences]), _pack(v))
            for c, v in zip(chunks, vectors, strict=True)
        ]
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                if replaces:
                    self._db.execute("DELETE FROM documents WHERE id = ?", (replaces,))
                self._db.execute(
                    "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        document.id,
                        document.source,
                        document.title,
                        document.text.encode("utf-8", "surrogatepass"),
                        document.path,
                        document.added,
                    ),
                )
                self._db.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)", rows)
                if document.path:
                    self._put_file(document.path, document.source, document.id)
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise self._error(error) from error

    def remove(self, document_id: str) -> None:
        """Delete a document and its passages."""
        self._all("DELETE FROM documents WHERE id = ?", (document_id,))

    def document(self, document_id: str) -> Document | None:
        """Return one document with its text, or None."""
        rows = self._all("SELECT id, source, title, text, path, added FROM documents WHERE id = ?", (document_id,))
        return _document(rows[0]) if rows else None

    def place(self, path: str, source: str, document_id: str) -> None:
        """Note that the file at `path`, called `source`, holds this document."""
        with self._lock:
            self._put_file(path, source, document_id)

    def by_path(self, path: str) -> str | None:
        """Return the id of the document that the file at `path` holds, or None."""
        rows = self._all("SELECT document_id FROM files WHERE path = ?", (path,))
        return str(rows[0][0]) if rows else None

    def files(self, document_id: str) -> list[str]:
        """Return the paths of the files that hold this document."""
        return [str(row[0]) for row in self._all("SELECT path FROM files WHERE document_id = ?", (document_id,))]

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return every document without its text, by source name."""
        rows = self._all(
            "SELECT d.id, d.source, d.title, d.path, d.added, COUNT(c.id) FROM documents d "
            "LEFT JOIN chunks c ON c.document_id = d.id GROUP BY d.id ORDER BY d.source, d.id"
        )
        return tuple(SourceInfo(*row) for row in rows)

    def chunk_ids(self, document_id: str | None = None) -> list[str]:
        """Return the ids of all passages, or of one document's."""
        if document_id is None:
            return [str(row[0]) for row in self._all("SELECT id FROM chunks ORDER BY id")]
        return [str(row[0]) for row in self._all("SELECT id FROM chunks WHERE document_id = ?", (document_id,))]

    def chunks(self, ids: Iterable[str]) -> Iterator[tuple[Chunk, Document, Vectors]]:
        """Yield the passages with these ids that exist, each with its document and vectors."""
        wanted = list(dict.fromkeys(ids))
        for first in range(0, len(wanted), _PAGE):
            page = wanted[first : first + _PAGE]
            marks = ",".join("?" * len(page))
            rows = self._all(
                f"SELECT id, document_id, start, end, spans, vectors FROM chunks WHERE id IN ({marks})", page
            )
            documents: dict[str, Document | None] = {row[1]: None for row in rows}
            for document_id in documents:
                documents[document_id] = self.document(document_id)
            for chunk_id, document_id, start, end, spans, vectors in rows:
                document = documents[document_id]
                if document is None:  # removed since the first query
                    continue
                sentences = tuple(Span(*pair) for pair in json.loads(spans))
                chunk = Chunk(chunk_id, document_id, start, end, document.text[start:end], sentences)
                yield chunk, document, _unpack(vectors, 1 + len(sentences))

    def is_empty(self) -> bool:
        """Tell whether there is no document."""
        return not self._all("SELECT 1 FROM documents LIMIT 1")

    def count(self) -> tuple[int, int, int]:
        """Return how many documents, passages and sentences there are."""
        documents = self._all("SELECT COUNT(*) FROM documents")[0][0]
        chunks, sentences = self._all("SELECT COUNT(*), COALESCE(SUM(json_array_length(spans)), 0) FROM chunks")[0]
        return int(documents), int(chunks), int(sentences)

    def _put_file(self, path: str, source: str, document_id: str) -> None:
        self._all(
            "INSERT INTO files VALUES (?, ?, ?) ON CONFLICT (path) DO UPDATE SET source = excluded.source, "
            "document_id = excluded.document_id",
            (path, source, document_id),
        )
        # A document whose own file now holds another one is called by the next file that holds it.
        self._all(
            "UPDATE documents SET (source, path) = (SELECT source, path FROM files WHERE document_id = documents.id "
            "ORDER BY path LIMIT 1) WHERE EXISTS (SELECT 1 FROM files WHERE document_id = documents.id) "
            "AND (path = ? OR id = ?) "
            "AND NOT EXISTS (SELECT 1 FROM files f WHERE f.path = documents.path AND f.document_id = documents.id)",
            (path, document_id),
        )

    def _all(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise self._error(error) from error

    def _error(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"{self._path} cannot be used: {error}; check the disk and its permissions, or use another store"
        )


def _document(row: tuple[Any, ...]) -> Document:
    document_id, source, title, text, path, added = row
    return Document(document_id, source, title, text.decode("utf-8", "surrogatepass"), path, added)


def _pack(vectors: Vectors) -> bytes:
    return vectors.astype(np.float16).tobytes()


def _unpack(raw: bytes, count: int) -> Vectors:
    return np.frombuffer(raw, dtype=np.float16).reshape(count, -1).astype(np.float32)
