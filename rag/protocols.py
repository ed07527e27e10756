"""What the engine asks of its exchangeable parts; `tests/doubles.py` has doubles of them.

The answer model has no protocol here: it is any `LLM` of LlamaIndex.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rag.types import Candidate, Chunk, Entry, File, Filters

Vectors = npt.NDArray[np.float32]


class Embedding(Protocol):
    """What makes the vectors of articles; `rag.models.embedding` has the real one."""

    @property
    def path(self) -> str:
        """Return what runs the model here, such as `openvino bf16`."""

    def embed_passages(self, chunks: Sequence[Chunk]) -> list[Vectors]:
        """Return for each passage a float32 array of shape (1 + sentences, dimensions), rows of unit length."""


class Reranker(Protocol):
    """What reads a question together with a sentence; `rag.models.reranker` has the real one."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return how well each text answers the question, higher is better.

        Raises:
            ModelError: The model cannot be used.
        """


class Vocabulary(Protocol):
    """The words of the articles; `rag.store.vocabulary` has the real one."""

    def knows(self, term: str) -> bool:
        """Tell whether a normalised term, or one that it is a slip of the pen from, occurs in the articles."""

    def correct(self, question_terms: Sequence[str]) -> list[str]:
        """Return the terms, those that no article holds replaced by the nearest that one does."""

    def spell_out(self, acronym: str) -> str | None:
        """Return the name that an acronym stands for in the articles, or None."""

    def idf(self, term: str) -> float:
        """Return the inverse document frequency of a normalised term: how rare it is."""


class Retriever(Protocol):
    """What proposes passages for a question; `rag.store.index` has the real one."""

    def search(
        self, vector: Vectors, question_terms: Sequence[str], limit: int, filters: Filters | None = None
    ) -> list[Candidate]:
        """Return passages that may answer a question, in an order that is the same every time.

        Args:
            vector: The question's vector, float32 of shape (dimensions,), unit length.
            question_terms: The question's normalised terms.
            limit: How many passages each way of searching proposes.
            filters: Which documents to look in; all when left out.

        Raises:
            UsageError: A filter is no date.
            StoreError: The store failed.
        """

    @property
    def vocabulary(self) -> Vocabulary:
        """Return what is known of the words of the articles."""


class Notes(Protocol):
    """What a store remembers about itself."""

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value under a name, such as what made the vectors."""


class ArticleStore(Protocol):
    """What keeps articles, as far as adding them needs it; `rag.store.index` has the real one.

    Every method raises `StoreError` when the store fails.
    """

    @property
    def documents(self) -> Notes:
        """Return what remembers facts about the store."""

    def files(self, folder: str | None = None) -> dict[str, File]:
        """Return the files that were read to their end, by path: all, or those at or below `folder`."""

    def held(self, ids: Iterable[str]) -> set[str]:
        """Return which of these document ids the store holds."""

    def write(self, entries: Sequence[Entry], finished: Sequence[File] = ()) -> list[str]:
        """Write documents, and forget what the files in `finished` held before and hold no longer.

        Returns:
            For each entry "added", "replaced", "unchanged", or "missing" (it came without passages and is not held).
        """

    def touch(self, files: Sequence[File]) -> None:
        """Note the size and time of files whose content did not change."""

    def drop(self, paths: Sequence[str]) -> list[str]:
        """Forget these files, and the documents that no other file holds; return the source names that went."""
