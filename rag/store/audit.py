"""Check every invariant of a store, and repair what is wrong from the documents without embedding anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rag.errors import DamagedError, one_line
from rag.store import outbox
from rag.store.derived import entry
from rag.store.documents import DocumentStore
from rag.store.lexical import LexicalIndex
from rag.store.vectors import VectorStore, record
from rag.store.view import MEND, Vectors, View
from rag.types import Chunk, Document

_PAGE = 500
_NEAR = 1e-4  # tolerance: the vectors are half precision, and Chroma scales them to unit length again
_TOGETHER = 100_000  # the most sentences in one page of passages
# Every row that a statement finds is a fault; the statement selects the values for the message.
_RULES = {
    "document {} is {}, not live: a write was not finished": "SELECT source, state FROM documents "
    "WHERE state != 'live'",
    "{} is not told of as read, but still waits": "SELECT path FROM arrivals",
    "document {} is held by no file": "SELECT source FROM documents d WHERE kept = 0 AND NOT EXISTS "
    "(SELECT 1 FROM places p WHERE p.document = d.number)",
    "document {} is called by a place that does not hold it": "SELECT source FROM documents d WHERE kept = 0 "
    "AND EXISTS (SELECT 1 FROM places p WHERE p.document = d.number) AND NOT EXISTS (SELECT 1 FROM places p "
    "WHERE p.document = d.number AND p.path = d.path AND p.source = d.source AND d.folded = p.folded)",
    "place {} is of another version than its file {}": "SELECT p.path, f.path FROM places p JOIN files f "
    "ON f.path = p.file WHERE p.version != f.hash",
    "document {} is in no family of its near-identical ones": "SELECT source FROM documents d WHERE family != "
    "(SELECT MIN(number) FROM documents o WHERE o.family = d.family)",
}
_DAMAGED = {
    "document {1} has no text": "SELECT number, source FROM documents d WHERE NOT EXISTS "
    "(SELECT 1 FROM texts t WHERE t.document = d.number)",
    "document {1} has not the passages that it should have": "SELECT d.number, d.source FROM documents d "
    "LEFT JOIN (SELECT document, COUNT(*) AS passages, SUM(CASE WHEN json_valid(spans) THEN json_array_length(spans) "
    "ELSE -1 END) AS sentences FROM chunks "
    "GROUP BY document) c ON c.document = d.number "
    "WHERE d.passages != COALESCE(c.passages, 0) OR d.sentences != COALESCE(c.sentences, 0)",
    "document {1} has vectors of another size than the store's": "SELECT DISTINCT d.number, d.source FROM documents d "
    "JOIN chunks c ON c.document = d.number WHERE json_valid(c.spans) AND length(c.vectors) != 2 * (1 + "
    "json_array_length(c.spans)) * "
    "(SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'dimensions')",
}


@dataclass
class Fault:
    """A fault: a message, and the id of what has to be rewritten or removed to repair it."""

    message: str
    chroma: str = ""  # id of a passage
    lexical: str = ""  # id of a passage
    damaged: str = ""  # id of a document


class Audit:
    """Compares the three parts of a store. Nothing may write to the store meanwhile."""

    def __init__(self, documents: DocumentStore, vectors: VectorStore, lexical: LexicalIndex) -> None:
        self._documents, self._vectors, self._lexical = documents, vectors, lexical

    def faults(self) -> Iterator[Fault]:
        """Yield every fault in the store."""
        with self._documents.snapshot() as view:
            yield from self._in_database(view)
            self._lexical.check()
            yield from self._in_rules(view)
            damaged = []
            for number, fault in self._in_documents(view):
                damaged.append(number)
                yield fault
            for ids in self._pages(view, damaged):
                broken: dict[int, str] = {}
                passages = list(view.chunks(ids, ("live", "changed", "pending"), broken))
                for number, message in broken.items():
                    damaged.append(number)
                    yield Fault(message, damaged=_id(view, number))
                yield from self._in_chroma(passages)
                yield from self._in_lexical(passages)
            yield from self._orphans(view)

    def check(self, quick: bool) -> None:
        """Check that there is no fault.

        Args:
            quick: Whether to run only the checks that are fast even in a large store.

        Raises:
            DamagedError: The store is damaged; the message says what is damaged.
        """
        if quick:
            self._glance()
        elif fault := next(self.faults(), None):
            raise DamagedError(f"the store is damaged: {fault.message.removesuffix(f'; {MEND}')}; {MEND}")

    def _glance(self) -> None:
        self._lexical.check()
        with self._documents.snapshot() as view:
            if message := next(self._documents.database.faults(view.connection, quick=True), None):
                raise DamagedError(f"documents.db: {one_line(message)}; {MEND}")

    def repair(self, documents: bool = True) -> list[Fault]:
        """Repair everything that can be repaired, and return what was wrong.

        Args:
            documents: Whether to remove documents that are damaged themselves.

        Raises:
            DamagedError: A document is damaged and `documents` is false. Nothing was changed.
        """
        found = list(self.faults())
        if not documents and (fault := next((fault for fault in found if fault.damaged), None)):
            raise DamagedError(f"{fault.message}; {MEND}")
        self._mend_documents([fault for fault in found if fault.damaged])
        with self._documents.snapshot() as view:
            self._rewrite(view, [f.chroma for f in found if f.chroma], self._put_vectors)
            self._rewrite(view, [f.lexical for f in found if f.lexical], self._put_lexical)
            self._vectors.remove(self._strangers(view))
            self._lexical.commit()
            if self._lexical.count() != view.count()[2]:
                # The entries cannot be listed, so orphans can only be removed by rebuilding the whole index.
                self._lexical.clear()
                for ids in self._pages(view):
                    self._put_lexical(list(view.chunks(ids)))
                self._lexical.commit()
        return found

    def _mend_documents(self, damaged: Sequence[Fault]) -> None:
        with self._documents.database.write() as connection:
            for table in ("texts", "chunks", "bands", "arrivals", "places"):
                connection.execute(f"DELETE FROM {table} WHERE document NOT IN (SELECT number FROM documents)")
            # Damaged documents are removed and their files forgotten, so the next sync reads the files again.
            for document_id in dict.fromkeys(fault.damaged for fault in damaged):
                outbox.remove(connection, document_id)
            outbox.mend(connection)
        with self._documents.snapshot() as view:
            going = view.numbers("going")
            chunk_ids = view.chunk_ids(going)
        self._vectors.remove(chunk_ids)
        self._lexical.remove(chunk_ids)
        self._lexical.commit()
        with self._documents.database.write() as connection:
            outbox.purge(connection, going)

    def _rewrite(
        self, view: View, ids: Sequence[str], put: Callable[[Sequence[tuple[Chunk, Document, Vectors]]], None]
    ) -> None:
        for first in range(0, len(ids), _PAGE):
            put(list(view.chunks(ids[first : first + _PAGE])))

    def _put_vectors(self, passages: Sequence[tuple[Chunk, Document, Vectors]]) -> None:
        self._vectors.put([(chunk, document, vectors[0]) for chunk, document, vectors in passages])

    def _put_lexical(self, passages: Sequence[tuple[Chunk, Document, Vectors]]) -> None:
        self._lexical.put(entry(chunk, document) for chunk, document, _ in passages)

    def _in_database(self, view: View) -> Iterator[Fault]:
        for message in self._documents.database.faults(view.connection):
            yield Fault(f"documents.db: {message}")

    def _in_rules(self, view: View) -> Iterator[Fault]:
        for message, statement in _RULES.items():
            for row in view.rows(statement):
                yield Fault(message.format(*row))

    def _in_documents(self, view: View) -> Iterator[tuple[int, Fault]]:
        for message, statement in _DAMAGED.items():
            for row in view.rows(statement):
                yield int(row[0]), Fault(message.format(*row), damaged=_id(view, row[0]))

    def _in_chroma(self, passages: Sequence[tuple[Chunk, Document, Vectors]]) -> Iterator[Fault]:
        held = self._vectors.records([chunk.id for chunk, _, _ in passages]) if passages else {}
        for chunk, document, vectors in passages:
            wanted, found = record(chunk, document, vectors[0]), held.get(chunk.id)
            if found is None:
                yield Fault(f"passage {chunk.id} of {document.source} is missing in Chroma", chroma=chunk.id)
            elif found.vector.shape != wanted.vector.shape or not np.allclose(found.vector, wanted.vector, atol=_NEAR):
                yield Fault(f"passage {chunk.id} of {document.source} has another vector in Chroma", chroma=chunk.id)
            elif (found.metadata, found.text) != (wanted.metadata, wanted.text):
                yield Fault(f"passage {chunk.id} of {document.source} reads otherwise in Chroma", chroma=chunk.id)

    def _in_lexical(self, passages: Sequence[tuple[Chunk, Document, Vectors]]) -> Iterator[Fault]:
        held = self._lexical.numbers([chunk.id for chunk, _, _ in passages], _TOGETHER)
        for chunk, document, _ in passages:
            if sorted(held.get(chunk.id, ())) != list(range(len(chunk.sentences))):
                yield Fault(
                    f"passage {chunk.id} of {document.source} has not each of its sentences once in the lexical index",
                    lexical=chunk.id,
                )

    def _orphans(self, view: View) -> Iterator[Fault]:
        for chunk_id in self._strangers(view):
            yield Fault(f"Chroma holds passage {chunk_id}, which no document has")
        sentences, held = view.count()[2], self._lexical.count()
        if held != sentences:
            yield Fault(f"the lexical index holds {held:,} sentences, the documents have {sentences:,}")

    def _strangers(self, view: View) -> list[str]:
        if self._vectors.count() == view.count()[1] == 0:
            return []
        found: list[str] = []
        page: list[str] = []
        for chunk_id in self._vectors.ids():
            page.append(chunk_id)
            if len(page) == _PAGE:
                found += _unknown(view, page)
                page = []
        return found + _unknown(view, page)

    def _pages(self, view: View, but: Sequence[int] = ()) -> Iterator[list[str]]:
        """Yield the ids of all passages in pages, except those of the documents in `but`."""
        statement = (
            "SELECT number, id FROM chunks WHERE number > ? AND document NOT IN (SELECT value FROM numbers(?)) "
            "ORDER BY number LIMIT ?"
        )
        last = 0
        while rows := view.rows(statement, last, list(but), _PAGE):
            last = rows[-1][0]
            yield [row[1] for row in rows]


def _id(view: View, number: int) -> str:
    return str(view.rows("SELECT id FROM documents WHERE number = ?", number)[0][0])


def _unknown(view: View, chunk_ids: Sequence[str]) -> list[str]:
    known = view.owners(chunk_ids)
    return [chunk_id for chunk_id in chunk_ids if chunk_id not in known]
