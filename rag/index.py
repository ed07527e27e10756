"""The store as a whole: documents in SQLite, and Chroma and the lexical index derived from them and checked on open."""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import filelock
import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA

from rag.documents import DocumentStore
from rag.errors import StoreError, StoreLockedError, StoreMismatchError
from rag.lexical import LexicalIndex
from rag.store import VectorStore
from rag.text import spell_out, terms
from rag.types import Candidate, Chunk, Document, SourceInfo

LAYOUT = "1"
_log = logging.getLogger(__name__)
_PAGE = 1000
_ACRONYM_PLACES = 20  # sentences whose articles are searched for what an acronym stands for
_open: dict[Path, Index] = {}
_open_lock = threading.Lock()


class Index:
    """One store folder, owned by one process at a time and shared by all engines in it.

    Use `Index.open`, and `close` once for each `open`. Reading is safe from several threads; writers take turns.
    """

    @classmethod
    def open(cls, folder: Path, embedding: str) -> Index:
        """Open the store in `folder`, making it when it is missing.

        Args:
            folder: The store.
            embedding: Name of the embedding model; a store keeps to the one it was made with.

        Raises:
            StoreLockedError: Another process has it open.
            StoreMismatchError: It was made with another embedding model or another layout.
            StoreError: It cannot be read or written.
        """
        with _open_lock:
            key = folder.expanduser().resolve()
            index = _open.get(key)
            if index is None:
                index = _open[key] = cls(key, embedding)
            index._check_made_with(embedding)
            index._users += 1
            return index

    def __init__(self, folder: Path, embedding: str) -> None:
        self.folder = folder
        self._users = 0
        self.version = 0  # grows with every change of what the store holds
        self._write_lock = threading.RLock()
        self._lock = _take_lock(folder)
        opened: list[DocumentStore | VectorStore] = []
        try:
            self.documents = DocumentStore(folder / "documents.db")
            opened.append(self.documents)
            if self.documents.get_meta("layout") is None:
                self.documents.set_meta("layout", LAYOUT)
                self.documents.set_meta("embedding", embedding)
            self._check_made_with(embedding)
            self.vectors = VectorStore(folder / "chroma")
            opened.append(self.vectors)
            self.lexical = LexicalIndex(folder / "lexical")
            self._check()
        except BaseException:
            for part in opened:
                part.close()
            self._lock.release()
            raise

    def close(self) -> None:
        """Give the store back; the last user of this process lets go of the folder."""
        with _open_lock:
            self._users -= 1
            if self._users <= 0 and _open.pop(self.folder, None) is not None:
                self.vectors.close()
                self.documents.close()
                self._lock.release()

    def add(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Sequence[npt.NDArray[np.float32]],
        replaces: str | None,
    ) -> None:
        """Write a document; what it replaces goes only when the new one is in.

        Args:
            document: The article.
            chunks: Its passages.
            vectors: For each, float32 of shape (1 + sentences, dimensions).
            replaces: Id of the document that it replaces, if any.
        """
        with self._write_lock:
            old = self.documents.chunk_ids(replaces) if replaces else []
            self.documents.set_meta("dirty", "1")
            self.vectors.add([(c, document, v[0]) for c, v in zip(chunks, vectors, strict=True)])
            self.lexical.add(_entry(chunk, document) for chunk in chunks)
            # From here on a question sees the new document; entries without a passage in SQLite are never shown.
            self.documents.add(document, chunks, vectors, replaces)
            self.version += 1
            self._forget(old)
            self.documents.set_meta("dirty", "0")

    def remove(self, document_id: str) -> None:
        """Remove a document and everything derived from it."""
        with self._write_lock:
            old = self.documents.chunk_ids(document_id)
            self.documents.set_meta("dirty", "1")
            self.documents.remove(document_id)
            self.version += 1
            self._forget(old)
            self.documents.set_meta("dirty", "0")

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return the articles in the store, by source name."""
        return self.documents.sources()

    def search(
        self,
        vector: npt.NDArray[np.float32],
        question_terms: Sequence[str],
        limit: int,
        documents: Sequence[str] = (),
    ) -> list[Candidate]:
        """Return the passages that Chroma or the lexical index proposes, in an order that is the same every time.

        Args:
            vector: The question's vector, float32 of shape (dimensions,), unit length.
            question_terms: The question's normalised terms.
            limit: How many passages each of the two proposes.
            documents: Ids of the documents to look in; all when there are none.
        """
        among = [chunk_id for document_id in documents for chunk_id in self.documents.chunk_ids(document_id)]
        if documents and not among:
            return []
        near = [chunk_id for chunk_id, _ in self.vectors.search(vector, limit, documents)]
        scores: dict[str, dict[int, float]] = {}
        for chunk_id, number, score in self.lexical.search(question_terms, limit * 4, among):
            scores.setdefault(chunk_id, {})[number] = score
        wanted = list(dict.fromkeys([*near, *list(scores)[: limit * 2]]))
        found = [
            Candidate(
                chunk,
                document.source,
                document.title,
                vectors,
                tuple(scores.get(chunk.id, {}).get(n, 0.0) for n in range(len(chunk.sentences))),
            )
            for chunk, document, vectors in self.documents.chunks(wanted)
        ]
        return sorted(found, key=lambda c: (c.source, c.chunk.start))

    def knows(self, term: str) -> bool:
        """Tell whether a normalised term, or one that it is a slip of the pen from, occurs in the articles."""
        if self.lexical.holds(term):
            return True
        # Short names are too near one another: Osama is no misspelt Obama.
        near = self.lexical.nearest(term) if len(term) > 5 else None
        return near is not None and OSA.distance(term, near) == 1

    def correct(self, question_terms: Sequence[str]) -> list[str]:
        """Return the terms with those that no article holds replaced by the nearest that one does, if any is near."""
        return [
            term if self.lexical.document_frequency(term) else self.lexical.nearest(term) or term
            for term in question_terms
        ]

    def spell_out(self, acronym: str) -> str | None:
        """Return the name that a word in capitals stands for in the articles that use it, or None.

        It is the first run of capitalised words with these initials: the articles say what they abbreviate.
        """
        found = self.lexical.search([normal for normal in terms(acronym)], _ACRONYM_PLACES)
        chunk_ids = dict.fromkeys(chunk_id for chunk_id, _, _ in found)
        texts = {document.id: document.text for _, document, _ in self.documents.chunks(chunk_ids)}
        names = (spell_out(acronym, text) for text in texts.values())
        return next((name for name in names if name), None)

    def idf(self, term: str) -> float:
        """Return BM25's inverse document frequency of a normalised term over all sentences."""
        total, count = self.lexical.count(), self.lexical.document_frequency(term)
        return math.log(1 + (total - count + 0.5) / (count + 0.5))

    def rebuild(self) -> None:
        """Make Chroma and the lexical index agree with the documents; nothing is embedded again."""
        with self._write_lock:
            self.documents.set_meta("dirty", "1")
            wanted = set(self.documents.chunk_ids())
            present = set(self.vectors.ids())
            self.vectors.remove(sorted(present - wanted))
            missing = sorted(wanted - present)
            for first in range(0, len(missing), _PAGE):
                page = self.documents.chunks(missing[first : first + _PAGE])
                self.vectors.add([(chunk, document, vectors[0]) for chunk, document, vectors in page])
            self.lexical.clear()
            everything = sorted(wanted)
            for first in range(0, len(everything), _PAGE):
                page = self.documents.chunks(everything[first : first + _PAGE])
                self.lexical.add(_entry(chunk, document) for chunk, document, _ in page)
            self.documents.set_meta("dirty", "0")

    def _forget(self, chunk_ids: Sequence[str]) -> None:
        if chunk_ids:
            self.vectors.remove(chunk_ids)
            self.lexical.remove(chunk_ids)

    def _check(self) -> None:
        _, chunks, sentences = self.documents.count()
        agrees = (self.vectors.count(), self.lexical.count()) == (chunks, sentences)
        agrees = agrees and set(self.vectors.ids()) == set(self.documents.chunk_ids())
        if not agrees or self.documents.get_meta("dirty") == "1":
            _log.warning("the indexes of %s did not match its documents; rebuilding them", self.folder)
            self.rebuild()

    def _check_made_with(self, embedding: str) -> None:
        layout = self.documents.get_meta("layout")
        if layout != LAYOUT:
            raise StoreMismatchError(
                f"the store {self.folder} has layout {layout}, this version needs {LAYOUT}; "
                "choose another folder with --store and ingest the articles again"
            )
        made_with = self.documents.get_meta("embedding")
        if made_with != embedding:
            raise StoreMismatchError(
                f"the store {self.folder} was made with embedding model {made_with}, not {embedding}; "
                f"set embedding to {made_with}, or choose another folder with --store and ingest again"
            )


def _entry(chunk: Chunk, document: Document) -> tuple[Chunk, list[list[str]], list[str]]:
    sentences = [terms(document.text[s.start : s.end]) for s in chunk.sentences]
    return chunk, sentences, terms(f"{document.title} {chunk.text}")


def _take_lock(folder: Path) -> filelock.FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Any thread may be the one that closes.
        lock = filelock.FileLock(folder / "lock", timeout=0, thread_local=False)
        lock.acquire()
        (folder / "owner").write_text(str(os.getpid()), encoding="ascii")
    except filelock.Timeout as error:
        raise StoreLockedError(
            f"the store {folder} is in use by {_owner(folder)}; stop it first, or choose another store with --store"
        ) from error
    except OSError as error:
        raise StoreError(
            f"the store {folder} cannot be used: {error.strerror}; check its permissions, or use --store"
        ) from error
    return lock


def _owner(folder: Path) -> str:
    try:
        return f"process {(folder / 'owner').read_text(encoding='ascii')}"
    except (OSError, UnicodeDecodeError):
        return "another process"
