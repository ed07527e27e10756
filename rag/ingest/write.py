"""Embed parts of files together, and write them to the store together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from rag.errors import ModelError
from rag.ingest.read import Part
from rag.load.passages import split
from rag.protocols import ArticleStore, Embedding, Vectors
from rag.types import Chunk, Entry


class Writer:
    """Embeds and writes parts of files.

    Args:
        index: The store.
        embedding: The embedding model.
        size: The most sentences in a passage.
    """

    def __init__(self, index: ArticleStore, embedding: Embedding, size: int) -> None:
        self._index = index
        self._embedding = embedding
        self._size = size
        self._noted = False

    def embed(self, parts: Sequence[Part]) -> list[Vectors]:
        """Return the vectors of all passages in the order of the parts."""
        return self._vectors([chunk for part in parts for _, chunks in part.documents for chunk in chunks or ()])

    def write(self, parts: Sequence[Part], vectors: Sequence[Vectors]) -> list[tuple[Part, list[str]]]:
        """Write parts, and return the outcome for each document of each: added, replaced or unchanged."""
        if vectors and not self._noted:
            # Set before the first write: after a crash there might be nothing left to embed, and it would never be set.
            self._index.documents.set_meta("embedding_path", self._embedding.path)
            self._noted = True
        entries = self._complete(list(_entries(parts, iter(vectors))))
        files = [part.file for part in parts if part.file and part.is_whole]
        words = list(self._index.write(entries, files)) if entries or files else []
        # Another thread may have removed what an entry relied on; it is then written again, with its passages.
        if missing := [number for number, word in enumerate(words) if word == "missing"]:
            again = self._index.write([self._filled(entries[number]) for number in missing])
            for number, word in zip(missing, again, strict=True):
                words[number] = word
        if same := [part.file for part in parts if part.file and part.is_same]:
            self._index.touch(same)
        left = iter(words)
        return [(part, [next(left) for _ in part.documents]) for part in parts]

    def _complete(self, entries: list[Entry]) -> list[Entry]:
        """Return the entries, adding passages where an earlier batch removed the document that they relied on."""
        relying = {entry.document.id for entry in entries if entry.chunks is None}
        relying -= {entry.document.id for entry in entries if entry.chunks is not None}
        lacking = relying - self._index.held(relying) if relying else set()
        complete = []
        for entry in entries:
            if entry.document.id in lacking:
                lacking.discard(entry.document.id)
                entry = self._filled(entry)
            complete.append(entry)
        return complete

    def _filled(self, entry: Entry) -> Entry:
        chunks = tuple(split(entry.document, self._size))
        return dataclasses.replace(entry, chunks=chunks, vectors=tuple(self._vectors(chunks)))

    def _vectors(self, chunks: Sequence[Chunk]) -> list[Vectors]:
        if not chunks:
            return []
        vectors = self._embedding.embed_passages(chunks)
        if len(vectors) != len(chunks):
            raise ModelError(f"the embedding model made {len(vectors)} vectors of {len(chunks)} passages")
        return vectors


def _entries(parts: Sequence[Part], vectors: Iterator[Vectors]) -> Iterator[Entry]:
    for part in parts:
        for document, chunks in part.documents:
            if part.file:
                made = None if chunks is None else tuple(next(vectors) for _ in chunks)
                yield Entry(part.file, document, chunks, made)
