"""Fill the indexes of a library from its documents, step by step with the outbox."""

from __future__ import annotations

from itertools import chain

from rag.language.words import terms
from rag.store import outbox
from rag.store.documents import DocumentStore
from rag.store.lexical import LexicalIndex
from rag.store.vectors import VectorStore
from rag.types import Chunk, Document


class Derived:
    """The indexes that a write fills itself. Those that follow the change log are not among them.

    Args:
        documents: The documents.
        vectors: The passages' vectors, if a write fills them.
        lexical: The passages' terms, if a write fills them.
    """

    def __init__(self, documents: DocumentStore, vectors: VectorStore | None, lexical: LexicalIndex | None) -> None:
        self._documents, self._vectors, self._lexical = documents, vectors, lexical

    def fill(self, state: str, page: int) -> None:
        """Write the passages of the documents in this state to the indexes, in pages and with one commit."""
        with self._documents.snapshot() as view:
            ids = view.chunk_ids(numbers := view.numbers(state))
        for first in range(0, len(ids), page):
            with self._documents.snapshot() as view:
                passages = list(view.chunks(ids[first : first + page], (state,)))
            if self._vectors is not None:
                self._vectors.put([(chunk, document, vectors[0]) for chunk, document, vectors in passages])
            if self._lexical is not None:
                self._lexical.put(entry(chunk, document) for chunk, document, _ in passages)
        if self._lexical is not None:
            self._lexical.commit()
        if state == "changed" and numbers:
            with self._documents.database.write() as connection:
                outbox.settled(connection)

    def purge(self) -> None:
        """Remove the documents that are going from the indexes, then from the database."""
        with self._documents.snapshot() as view:
            ids = view.chunk_ids(numbers := view.numbers("going"))
        if not numbers:
            return
        if self._vectors is not None:
            self._vectors.remove(ids)
        if self._lexical is not None:
            self._lexical.remove(ids)
            self._lexical.commit()
        with self._documents.database.write() as connection:
            outbox.purge(connection, numbers)


def entry(chunk: Chunk, document: Document) -> tuple[Chunk, list[list[str]], list[str]]:
    """Return a passage in the form that `LexicalIndex.put` takes."""
    language = document.language
    sentences = [terms(document.text[s.start : s.end], language) for s in chunk.sentences]
    # What lies between sentences has no words, so nothing is split and stemmed twice.
    return chunk, sentences, [*terms(document.title, language), *chain.from_iterable(sentences)]
