"""Write a documents' database step by step, and read its contents."""

from __future__ import annotations

from typing import Any

from rag.store import outbox
from rag.store.documents import DocumentStore
from rag.types import Entry, File


def stage(store: DocumentStore, *entries: Entry) -> tuple[list[str], Any]:
    with store.database.write() as connection:
        return outbox.stage(connection, entries)


def flip(store: DocumentStore, finished: tuple[File, ...] = (), retold: Any = ()) -> None:
    with store.database.write() as connection:
        outbox.flip(connection, finished, retold)


def write(store: DocumentStore, *entries: Entry) -> list[str]:
    """Run both steps without any index."""
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
