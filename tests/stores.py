"""What tests of the store share: entries to write, and what a question finds."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from fakes import FakeEmbedding, make_passages

from rag import Filters
from rag.language.words import terms
from rag.store.index import Index
from rag.types import Entry, File

MODEL = "fake-embedding"


def make_entry(text: str, source: str = "a.txt", path: str | None = None, **details: Any) -> Entry:
    """Return an article in a file of its own; `details` are fields of its document, `path` "" is no file."""
    path = f"/articles/{source}" if path is None else path
    document, chunks, vectors = make_passages(text, source, path)
    document = dataclasses.replace(document, **details)
    version = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Entry(File(path, len(text), 1, version), document, tuple(chunks), tuple(vectors))


def known(entry: Entry, source: str | None = None) -> Entry:
    """Return an entry as it comes when the store holds its document, from another place if `source` is given."""
    document, file = entry.document, entry.file
    if source is not None:
        path = f"/articles/{source}"
        document = dataclasses.replace(document, source=source, path=path)
        file = dataclasses.replace(file, path=path)
    return Entry(file, document)


def write(index: Index, *entries: Entry) -> list[str]:
    """Write articles, each the whole of its file, as one batch."""
    return index.write(entries, [entry.file for entry in entries if entry.file.path])


def add(index: Index, text: str, source: str = "a.txt", **details: Any) -> str:
    """Write one article, the whole of its file, and return its id."""
    entry = make_entry(text, source, **details)
    write(index, entry)
    return entry.document.id


def found(index: Index, question: str, limit: int = 10, filters: Filters | None = None) -> list[str]:
    """Return the passages that the index proposes for a question."""
    candidates = index.search(FakeEmbedding().embed_question(question), terms(question), limit, filters)
    return [candidate.chunk.text for candidate in candidates]


def sources(index: Index) -> list[str]:
    """Return the source names of the library."""
    return [entry.source for entry in index.sources()]
