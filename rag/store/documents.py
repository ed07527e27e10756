"""Documents and passages in a database, from which Chroma and the lexical index are derived.

The vectors are stored here too (float16), so both indexes can be rebuilt without embedding anything again.
`rag/store/outbox.py` does the writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rag.errors import StoreError
from rag.store.connection import AnyDatabase
from rag.store.database import Database
from rag.store.view import View
from rag.types import Document, SourceInfo

T = TypeVar("T")
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('pending', 'live', 'changed', 'going')), kept INTEGER NOT NULL,
    source TEXT NOT NULL, title TEXT NOT NULL, path TEXT NOT NULL, added TEXT NOT NULL, date TEXT NOT NULL,
    author TEXT NOT NULL, publisher TEXT NOT NULL, language TEXT NOT NULL, url TEXT NOT NULL,
    passages INTEGER NOT NULL, sentences INTEGER NOT NULL, family INTEGER NOT NULL, folded TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS documents_state ON documents (state, passages, sentences);
CREATE INDEX IF NOT EXISTS documents_family ON documents (family, state, date);
CREATE INDEX IF NOT EXISTS documents_folded ON documents (folded);
CREATE INDEX IF NOT EXISTS documents_date ON documents (date);
CREATE INDEX IF NOT EXISTS documents_author ON documents (author);
CREATE INDEX IF NOT EXISTS documents_publisher ON documents (publisher);
CREATE TABLE IF NOT EXISTS texts (
    document INTEGER PRIMARY KEY REFERENCES documents (number) ON DELETE CASCADE,
    signature BLOB NOT NULL, text BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS bands (
    key INTEGER NOT NULL, document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    PRIMARY KEY (key, document)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS bands_document ON bands (document);
CREATE TABLE IF NOT EXISTS chunks (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, spans TEXT NOT NULL, vectors BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS chunks_document ON chunks (document, id);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS places (
    path TEXT PRIMARY KEY, file TEXT NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL,
    document INTEGER NOT NULL REFERENCES documents (number), folded TEXT NOT NULL,
    title TEXT NOT NULL, date TEXT NOT NULL, author TEXT NOT NULL, publisher TEXT NOT NULL, language TEXT NOT NULL,
    url TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS places_folded ON places (folded, document);
CREATE INDEX IF NOT EXISTS places_file ON places (file);
CREATE INDEX IF NOT EXISTS places_document ON places (document, source);
CREATE INDEX IF NOT EXISTS places_date ON places (date);
CREATE INDEX IF NOT EXISTS places_author ON places (author);
CREATE INDEX IF NOT EXISTS places_publisher ON places (publisher);
CREATE TABLE IF NOT EXISTS arrivals (
    path TEXT PRIMARY KEY, file TEXT NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE, folded TEXT NOT NULL,
    title TEXT NOT NULL, date TEXT NOT NULL, author TEXT NOT NULL, publisher TEXT NOT NULL, language TEXT NOT NULL,
    url TEXT NOT NULL);
"""


class DocumentStore:
    """Documents, passages and vectors in one database; safe to use from several threads.

    Args:
        place: An SQLite file, which is created if missing, or an open database that has the tables.

    Raises:
        StoreError: The file cannot be opened or is not a database.
    """

    def __init__(self, place: Path | AnyDatabase) -> None:
        self.database: AnyDatabase = Database(place) if isinstance(place, Path) else place
        if not isinstance(place, Path):
            return
        try:
            with self.database.write() as connection:
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
        except StoreError:
            self.database.close()
            raise

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    @contextmanager
    def snapshot(self) -> Iterator[View]:
        """Lend a view of the documents that does not change, whatever is written meanwhile."""
        with self.database.read() as connection:
            yield View(connection)

    def lasting(self, look: Callable[[View], T]) -> T:
        """Return what is seen in a snapshot; another one is taken if the connection is lost."""

        def work() -> T:
            with self.snapshot() as view:
                return look(view)

        return self.database.lasting(work)

    def get_meta(self, key: str) -> str | None:
        """Return the value stored under `key`, or None."""
        with self.snapshot() as view:
            return view.meta(key)

    def set_meta(self, key: str, value: str) -> None:
        """Store `value` under `key`."""

        def work() -> None:
            with self.database.write() as connection:
                connection.execute(
                    "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (key, value),
                )

        self.database.lasting(work)

    def first_meta(self, key: str, value: str) -> str:
        """Store `value` under `key` if there is none yet, and return what is stored there."""
        with self.database.write() as connection:
            connection.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", (key, value))
            return str(connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0])

    def document(self, document_id: str) -> Document | None:
        """Return one document with its text, or None."""
        with self.snapshot() as view:
            return view.document(document_id)

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return every document without its text, sorted by source name."""
        with self.snapshot() as view:
            return view.sources()

    def is_empty(self) -> bool:
        """Return whether there are no documents."""
        with self.snapshot() as view:
            return view.is_empty()

    def count(self) -> tuple[int, int, int]:
        """Return how many documents, passages and sentences there are."""
        with self.snapshot() as view:
            return view.count()
