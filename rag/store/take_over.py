"""Take over the articles of another library, with their passages and vectors, so that nothing is embedded again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import StoreError, StoreMismatchError
from rag.store.documents import DocumentStore
from rag.store.index import Index
from rag.store.lock import take_lock
from rag.store.migrate import LAYOUT
from rag.store.view import VISIBLE, Copy, Vectors, View
from rag.types import Chunk, Entry, File

_PAGE = 100  # documents that are read and written together
_DETAILS = "source", "title", "date", "author", "publisher", "language", "url"
_PLACES = ", ".join(f"p.{name}" for name in ("document", "file", "version", "path", *_DETAILS))


@contextmanager
def folder_documents(folder: Path, embedding: str) -> Iterator[DocumentStore]:
    """Lend the documents of a store in a folder, which nobody else uses meanwhile.

    Args:
        folder: The store's folder.
        embedding: Name of the embedding model that it has to be made with.

    Raises:
        StoreMismatchError: It has an older layout, or was made with another embedding model.
        StoreError: There is none, or it is in use.
    """
    folder = folder.expanduser().resolve()
    if not (folder / "documents.db").exists():
        raise StoreError(f"{folder} holds no store; give the folder that has documents.db")
    lock = take_lock(folder)
    try:
        documents = DocumentStore(folder / "documents.db")
        try:
            if documents.get_meta("layout") != LAYOUT:
                raise StoreMismatchError(f"the store {folder} has an older layout; run: rag doctor --store {folder}")
            if (made_with := documents.get_meta("embedding")) != embedding:
                raise StoreMismatchError(f"the store {folder} was made with {made_with}; set embedding to {made_with}")
            yield documents
        finally:
            documents.close()
    finally:
        lock.release()


def take_over(documents: DocumentStore, target: Index) -> Iterator[list[tuple[str, str]]]:
    """Write the articles of another library to an index, and yield each batch as (outcome, source name).

    An outcome is what `Index.write` says. A second call goes on where the first one ended: what is there is left as
    it is.

    Args:
        documents: The other library.
        target: Where to write.

    Raises:
        DamagedError: An article of the other library is damaged.
        StoreError: A store failed. What was yielded is in the target.
    """
    with documents.snapshot() as view:
        numbers = view.numbers(*VISIBLE)
        if numbers and (path := view.meta("embedding_path")):
            target.documents.set_meta("embedding_path", path)
        for first in range(0, len(numbers), _PAGE):
            entries = list(_entries(view, numbers[first : first + _PAGE]))
            words = target.write(entries)
            yield [(word, entry.document.source) for word, entry in zip(words, entries, strict=True)]
        target.touch(list(view.files(None).values()))
    target.documents.set_meta("used", "1")


def _entries(view: View, numbers: list[int]) -> Iterator[Entry]:
    """Yield each document with its passages, first at its own place, and then at the others without them."""
    passages: dict[str, list[tuple[Chunk, Vectors]]] = {}
    for chunk, document, vectors in view.chunks(view.chunk_ids(numbers)):
        passages.setdefault(document.id, []).append((chunk, vectors))
    places: dict[int, list[tuple[File, Copy]]] = {}
    for number, file, version, *place in view.rows(
        f"SELECT {_PLACES} FROM numbers(?) j JOIN places p ON p.document = j.value ORDER BY p.path", numbers
    ):
        places.setdefault(number, []).append((File(file, hash=version), Copy(*place)))
    for number, document in view.documents(numbers).items():
        here = sorted(places.get(number, ()), key=lambda place: place[1].path != document.path)
        found = sorted(passages.get(document.id, ()), key=lambda pair: pair[0].start)
        whole = Entry(File(""), document, tuple(c for c, _ in found), tuple(vectors for _, vectors in found))
        if not here:  # it was given as a text
            yield whole
        for n, (file, copy) in enumerate(here):
            there = dataclasses.replace(whole, file=file, document=copy.of(document))
            yield dataclasses.replace(there, chunks=None, vectors=None) if n else there
