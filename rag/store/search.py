"""Search the passages of a store, each time in one snapshot of its documents."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.errors import DamagedError, StoreError
from rag.store.candidates import CandidateSearch
from rag.store.catch_up import CatchUp
from rag.store.documents import DocumentStore
from rag.store.filters import Matching, matching
from rag.store.lexical import LexicalIndex
from rag.store.vectors import VectorStore
from rag.store.view import View
from rag.types import Candidate, Filters

_TRIES = 5  # attempts at a search whose result a concurrent write makes invalid
_MOST_MATCHING = 8  # filters whose matching documents are cached


class PassageSearch:
    """Finds passages for questions; safe to use from several threads.

    Args:
        documents: The documents.
        vectors: The passages' vectors.
        lexical: The passages' terms.
        write_lock: Held while the store is written to.
        catch_up: Pending while the vectors are not those of all documents.
    """

    def __init__(
        self,
        documents: DocumentStore,
        vectors: VectorStore,
        lexical: LexicalIndex,
        write_lock: AbstractContextManager[Any],
        catch_up: CatchUp,
    ) -> None:
        self._documents, self._vectors, self._lexical = documents, vectors, lexical
        self._write_lock = write_lock
        self._catch_up = catch_up
        # Called with the version of the documents that a search reads; brings the indexes there if they lag behind.
        self.reach: Callable[[int], None] = lambda version: None
        self.by_words = 0  # searches so far in which the vectors were missing
        self._matching: OrderedDict[tuple[int, Filters], Matching] = OrderedDict()
        self._matching_lock = threading.Lock()

    def search(
        self,
        vector: npt.NDArray[np.float32],
        question_terms: Sequence[str],
        limit: int,
        filters: Filters | None = None,
    ) -> list[Candidate]:
        """Return the passages that Chroma or the lexical index proposes, always in the same order.

        All are from one snapshot, whatever is written meanwhile. Near-identical passages of near-identical documents
        count once: those of the earliest document (the first added if there is no date) represent the others.

        Args:
            vector: The question's vector, float32 of shape (dimensions,), unit length.
            question_terms: The question's normalised terms.
            limit: How many passages each of the two proposes.
            filters: Which documents to search; all when left out. `UsageError` if a date in them is not a date.

        Raises:
            StoreError: The store failed.
        """
        for _ in range(_TRIES):
            try:
                version, found = self._search(vector, question_terms, limit, filters)
            except DamagedError:
                raise
            except StoreError:
                continue  # Chroma may fail on a passage that is deleted during its search
            # If the version changed, Chroma may have missed both a passage removed meanwhile and its replacement.
            if version == self._version():
                return found
        with self._write_lock:
            return self._search(vector, question_terms, limit, filters)[1]

    def meets(self, filters: Filters) -> bool:
        """Return whether any document meets the filters."""
        with self._documents.snapshot() as view:
            return bool(self._among(view, view.version(), filters).documents)

    def _version(self) -> int:
        with self._documents.snapshot() as view:
            return view.version()

    def _search(
        self, vector: npt.NDArray[np.float32], question_terms: Sequence[str], limit: int, filters: Filters | None
    ) -> tuple[int, list[Candidate]]:
        with self._documents.snapshot() as view:
            version = view.version()
            self.reach(version)
            among = None if filters in (None, Filters()) else self._among(view, version, filters)
            search = CandidateSearch(view, self._vectors, self._lexical, among)
            found = search.candidates(vector, question_terms, limit)
            if search.lost:
                self._catch_up.start(search.lost)
            if self._catch_up.pending:
                self.by_words += 1
            return version, found

    def _among(self, view: View, version: int, filters: Filters) -> Matching:
        with self._matching_lock:
            known = self._matching.get((version, filters))
        if known is None:
            known = matching(view, filters)
            with self._matching_lock:
                self._matching[version, filters] = known
                while len(self._matching) > _MOST_MATCHING:
                    self._matching.popitem(last=False)
        return known
