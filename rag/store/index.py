"""The store as a whole: documents in SQLite, with Chroma and the lexical index derived from them."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.errors import StoreError, StoreMismatchError, VectorServerError
from rag.language.words import VERSION
from rag.store import collections, outbox
from rag.store.audit import Audit
from rag.store.catch_up import CatchUp
from rag.store.connection import Connection
from rag.store.derived import Derived
from rag.store.documents import DocumentStore
from rag.store.lexical import LexicalIndex
from rag.store.lock import take_lock
from rag.store.migrate import LAYOUT, UNCHECKED, lost, migrate
from rag.store.outbox import Outcome
from rag.store.search import PassageSearch
from rag.store.vector_server import ChromaServer, vector_store
from rag.store.vectors import VectorStore
from rag.store.vocabulary import Vocabulary
from rag.types import Candidate, Document, Entry, File, Filters, SourceInfo

_log = logging.getLogger(__name__)
_PAGE = 500  # passages read and passed to the indexes at a time
_HOME = "vectors"  # where the vectors were last
_AUDITED = 2000  # in stores of up to this many passages, all are compared before the first refusal
_open: dict[Hashable, Index] = {}
_open_lock = threading.Lock()


class Index:
    """One store folder, owned by one process at a time and shared by all engines in it; opened with `Index.open`.

    Call `close` once for each `open`. Reading is safe from several threads and never waits; writers take turns.
    """

    @classmethod
    def open(cls, folder: Path, embedding: str, chroma: ChromaServer | None = None) -> Index:
        """Open the store in `folder`, creating it if it is missing, and finish what a crash interrupted.

        Args:
            folder: The store's folder.
            embedding: Name of the embedding model. It has to be the one that the store was made with.
            chroma: The server that keeps the vectors; they are in the folder when left out.

        Raises:
            StoreLockedError: Another process has the store open.
            StoreMismatchError: The store was made with another embedding model or a newer layout.
            StoreError: The store cannot be read or written.
        """
        folder = folder.expanduser().resolve()
        return cls._shared(folder, lambda: cls(folder, embedding, chroma), embedding, chroma)

    @staticmethod
    def _shared(key: Hashable, make: Callable[[], Index], embedding: str, chroma: ChromaServer | None) -> Index:
        """Return the index that is open under a key in this process, after making it if there is none."""
        with _open_lock:
            if (index := _open.get(key)) is None:
                index = _open[key] = make()
                index._key = key
            index._check_made_with(embedding)
            if index._chroma != chroma:
                raise StoreError(f"{index.name} is open with another Chroma server; use the same settings for both")
            index._users += 1
            return index

    def __init__(self, folder: Path, embedding: str, chroma: ChromaServer | None = None) -> None:
        self.folder = folder
        self._key: Hashable = folder
        self._chroma = chroma
        self._catch_up = CatchUp(self._caught_up)
        self._users = 0
        self._write_lock: AbstractContextManager[Any] = threading.RLock()
        self._unfinished, self._sound = True, False
        self.taken_out: list[str] = []  # what was wrong with the documents that a repair removed
        self._lock = take_lock(folder)
        opened: list[DocumentStore | VectorStore | LexicalIndex] = []
        try:
            self.documents = self._open_documents(embedding)
            opened.append(self.documents)
            self._check_made_with(embedding)
            self.vectors = vector_store(folder, self.documents, chroma)
            opened.append(self.vectors)
            self.lexical = LexicalIndex(folder / "lexical")
            opened.append(self.lexical)
            self._derived = Derived(self.documents, self.vectors, self.lexical)
            self._passages = PassageSearch(self.documents, self.vectors, self.lexical, self._write_lock, self._catch_up)
            self._audit = Audit(self.documents, self.vectors, self.lexical)
            self.vocabulary = Vocabulary(self.documents, self.lexical)
            self._begin()
        except BaseException:
            self._stop()
            for part in reversed(opened):
                part.close()
            self._lock.release()
            raise

    @property
    def name(self) -> str:
        """Return how the store is called in messages."""
        return f"the store {self.folder}"

    def _open_documents(self, embedding: str) -> DocumentStore:
        migrate(self.folder / "documents.db")
        documents = DocumentStore(self.folder / "documents.db")
        if documents.get_meta("layout") is None:
            documents.set_meta("embedding", embedding)
            documents.set_meta("terms", VERSION)
            documents.set_meta("layout", LAYOUT)
        return documents

    def _begin(self) -> None:
        """Finish what a crash interrupted, and compare the parts."""
        if self.documents.count()[1] <= _AUDITED:
            self.lexical.check()
        with self._catch_up.on(VectorServerError):
            self._recover()
            self._check()

    def _stop(self) -> None:
        self._catch_up.stop()

    def close(self, discard: bool = False) -> None:
        """Close the store for one user; the last user in this process releases the folder.

        Args:
            discard: Whether the last user deletes the folder if nothing was ever added.
        """
        with _open_lock:
            self._users -= 1
            if self._users <= 0 and _open.pop(self._key, None) is not None:
                self._stop()
                with self._write_lock, contextlib.ExitStack() as stack:
                    stack.callback(self._lock.release)
                    for part in (self.documents, self.vectors, self.lexical):
                        stack.callback(part.close)
                    unused = discard and self.is_new
                if unused:
                    collections.discard(self.folder)

    @property
    def is_new(self) -> bool:
        """Return whether nothing was ever added."""
        return self.documents.get_meta("used") is None and self.documents.is_empty()

    @property
    def by_words(self) -> int:
        """Return how many searches so far went without the vectors, because the Chroma server was down or behind."""
        return self._passages.by_words

    def lag(self) -> int:
        """Return how many changes of the library this process has still to follow; none with a store in a folder."""
        return 0

    @property
    def version(self) -> int:
        """Return a number that increases with every change that readers can see, and only then."""
        with self.documents.snapshot() as view:
            return view.version()

    def files(self, folder: str | None = None) -> dict[str, File]:
        """Return the files that were read completely, by path: all, or those at or below `folder`."""
        return self.documents.lasting(lambda view: view.files(folder))

    def held(self, ids: Iterable[str]) -> set[str]:
        """Return which of these document ids the store holds, including those that a failed write left unfinished."""
        wanted = list(ids)
        if self._unfinished:
            self.documents.database.lasting(self.settle)
        return self.documents.lasting(lambda view: view.held(wanted))

    def write(self, entries: Sequence[Entry], finished: Sequence[File] = ()) -> list[str]:
        """Write one batch: readers see its documents, and stop seeing what they replace, at the same moment.

        Args:
            entries: Documents with their places. A document that the store already holds may come without passages.
            finished: Files that have been read completely. They are known from now on, and what they no longer hold is
                removed.

        Returns:
            For each entry "added" (a new place), "replaced" (the place held another document), "unchanged" (it held
            this one), or "missing" (it came without passages and the store does not hold it; nothing was done).

        Raises:
            StoreError: The store failed. The next call or the next opening finishes what was staged.
        """
        return outbox.words(self._changed(lambda connection: outbox.stage(connection, entries), finished))

    def touch(self, files: Sequence[File]) -> None:
        """Record the size and time of files whose content did not change."""

        def touch() -> None:
            with self._write_lock, self.documents.database.write() as connection:
                outbox.touch(connection, files)

        self.documents.database.lasting(touch)

    def drop(self, paths: Sequence[str]) -> list[str]:
        """Forget these files, and the documents that no other file holds; return the source names of their places."""
        found = self._changed(lambda connection: (outbox.drop(connection, paths), []))
        return next((sources for sources, _ in found if sources), [])

    def remove(self, document_id: str) -> None:
        """Remove a document and everything derived from it; the next sync reads its files again."""
        self._changed(lambda connection: outbox.remove(connection, document_id))

    def _changed(self, change: Callable[[Connection], Outcome | None], finished: Sequence[File] = ()) -> list[Outcome]:
        """Make a change that readers see, again after a lost connection, and return the outcome of each attempt."""
        found: list[Outcome] = []

        def attempt() -> None:
            with self._write_lock:
                self.settle()
                self._unfinished = True
                with self.documents.database.write() as connection:
                    found.append(change(connection) or ([], []))
                self._settle(finished, found[-1][1])

        self.documents.database.lasting(attempt)
        return found

    def settle(self) -> None:
        """Finish what an interrupted or failed write left, from the data in SQLite, without embedding anything.

        Raises:
            StoreError: The store failed again.
        """
        with self._write_lock:
            if self._unfinished:
                self._settle()

    def _recover(self) -> None:
        """Finish what a crash interrupted. Chroma is rebuilt if the crash left it unable to write."""
        try:
            self.settle()
        except StoreError:
            if not self.vectors.failed:
                raise
            _log.warning("Chroma cannot write in %s any more; its passages are written again", self.folder)
            self.vectors.clear()
            self.settle()

    def _settle(self, finished: Sequence[File] = (), retold: Sequence[Document] = ()) -> None:
        try:
            self._derived.fill("pending", _PAGE)
            with self.documents.database.write() as connection:
                outbox.flip(connection, finished, retold)
            self._derived.fill("changed", _PAGE)
            self._derived.purge()
        except VectorServerError as error:
            self._catch_up.start(error)
            raise
        self._unfinished = False

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return the articles in the store, sorted by source name."""
        return self.documents.sources()

    def search(
        self, vector: npt.NDArray[np.float32], question_terms: Sequence[str], limit: int, filters: Filters | None = None
    ) -> list[Candidate]:
        """Return the passages that Chroma or the lexical index proposes; see `PassageSearch.search`."""
        return self._passages.search(vector, question_terms, limit, filters)

    def meets(self, filters: Filters) -> bool:
        """Return whether any document meets the filters."""
        return self._passages.meets(filters)

    def problems(self) -> Iterator[str]:
        """Return everything that is wrong with the store, after a full comparison. Writers wait meanwhile."""
        with self._write_lock:
            return iter([fault.message for fault in self._audit.faults()])

    def check(self) -> None:
        """Check once that the store is sound: if damage hid an article, "the articles do not say" would be false.

        Only the fast checks are run for a store with many passages, and none while the Chroma server is down.

        Raises:
            DamagedError: The store is damaged; the message says what is damaged.
        """
        if self.vectors.down or self._catch_up.pending:
            return  # a write may hold the lock for as long as it waits for the server
        with self._write_lock, self._catch_up.on(VectorServerError):
            if self._sound or self._unfinished:
                return
            self._audit.check(quick=self.documents.count()[1] > _AUDITED)
            self._sound = True

    def repair(self, documents: bool = True) -> list[str]:
        """Repair the store from its documents, without embedding anything, and return what was wrong.

        Args:
            documents: Whether to remove documents that are damaged themselves; the next sync reads their files again.

        Raises:
            DamagedError: A document is damaged and `documents` is false.
        """
        with self._write_lock:
            self.settle()
            self._unfinished = True
            found = self._audit.repair(documents)
            self._settle()
            self.taken_out += [fault.message for fault in found if fault.damaged]
            return [fault.message for fault in found]

    def _check(self) -> None:
        """Repair the indexes if they hold more or fewer entries than the documents, or are marked as unchecked."""
        _, passages, sentences = self.documents.count()
        if not self.version and self.vectors.count():
            raise lost(self.folder / "documents.db")  # nothing was ever written to this database
        unchecked = self.documents.get_meta(UNCHECKED) == "1"
        moved = bool(self.version) and (self.documents.get_meta(_HOME) or "") != self.vectors.home
        if unchecked or moved or (self.vectors.count(), self.lexical.count()) != (passages, sentences):
            _log.warning("the indexes of %s did not match its documents; rebuilding them", self.folder)
            self.repair(documents=unchecked)  # otherwise a document could be removed without a report
            self.documents.set_meta(UNCHECKED, "0")
        if (self.documents.get_meta(_HOME) or "") != self.vectors.home:
            self.documents.set_meta(_HOME, self.vectors.home)

    def _caught_up(self) -> None:
        """Write what the Chroma server missed while it was down.

        Raises:
            StoreError: It is still down, or the store failed.
        """
        self.vectors.reach()  # before the lock is taken
        with self._write_lock:
            self.settle()
            self._check()
            self._sound = False

    def _check_made_with(self, embedding: str) -> None:
        made_with = self.documents.get_meta("embedding")
        if made_with != embedding:
            raise StoreMismatchError(
                f"{self.name} was made with embedding model {made_with}, not {embedding}; "
                f"set embedding to {made_with}, or choose another folder with --store and ingest again"
            )
