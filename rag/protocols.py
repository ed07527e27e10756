"""Protocols of the engine's exchangeable parts; `tests/doubles.py` has test doubles for them.

The answer model has no protocol here: it can be any LlamaIndex `LLM`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rag.types import Candidate, Chunk, Entry, File, Filters

Vectors = npt.NDArray[np.float32]


class Embedding(Protocol):
    """The model that makes the vectors of articles; implemented in `rag.models.embedding`."""

    @property
    def path(self) -> str:
        """Return the backend that runs the model, such as `openvino bf16`."""

    def embed_passages(self, chunks: Sequence[Chunk]) -> list[Vectors]:
        """Return for each passage a float32 array of shape (1 + sentences, dimensions), rows of unit length."""


class Reranker(Protocol):
    """A model that reads a question together with a sentence; implemented in `rag.models.reranker`."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return how well each text answers the question, higher is better.

        Raises:
            ModelError: The model cannot be used.
        """


@dataclass(frozen=True, slots=True)
class Reading:
    """What a judge reads: a claim and evidence.

    Args:
        claim: The claim.
        evidence: Sentences.
        question: The question that the claim answers; "" if it stands alone.
        before: What was claimed just before it, which helps to understand it and is not judged.
    """

    claim: str
    evidence: str
    question: str = ""
    before: str = ""

    @property
    def whole(self) -> str:
        """The claim after its question and what was claimed before."""
        return " ".join(filter(None, (self.question, self.before, self.claim)))


@dataclass(frozen=True, slots=True)
class Judgement:
    """How likely evidence supports a claim, and how likely it contradicts it; the rest to 1 is that it does neither."""

    supported: float
    contradicted: float


class Judge(Protocol):
    """A model that reads a claim together with evidence; implemented in `rag.models.judge`."""

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        """Return a judgement on each claim.

        Raises:
            ModelError: The model cannot be used.
        """


class Vocabulary(Protocol):
    """The words of the articles; implemented in `rag.store.vocabulary`."""

    def knows(self, term: str) -> bool:
        """Return whether a normalised term, or one that it may be a misspelling of, occurs in the articles."""

    def correct(self, question_terms: Sequence[str]) -> list[str]:
        """Return the terms, with any that occur in no article replaced by the nearest one that does."""

    def spell_out(self, acronym: str) -> str | None:
        """Return the name that an acronym stands for in the articles, or None."""

    def idf(self, term: str) -> float:
        """Return the inverse document frequency of a normalised term, which shows how rare it is."""

    def languages(self) -> dict[str, int]:
        """Return how many articles there are in each language, by ISO 639-1 code; "" stands for unknown ones."""


class Retriever(Protocol):
    """The retriever, which proposes passages for a question; implemented in `rag.store.index`."""

    def search(
        self, vector: Vectors, question_terms: Sequence[str], limit: int, filters: Filters | None = None
    ) -> list[Candidate]:
        """Return passages that may answer a question, in a deterministic order.

        Args:
            vector: The question's vector, float32 of shape (dimensions,), unit length.
            question_terms: The question's normalised terms.
            limit: How many passages each search method proposes.
            filters: Which documents to search; all when left out.

        Raises:
            UsageError: A date in the filters is not valid.
            StoreError: The store failed.
        """

    @property
    def vocabulary(self) -> Vocabulary:
        """Return the vocabulary of the articles."""


class Notes(Protocol):
    """Facts that a store keeps about itself."""

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value under a name, such as the backend that made the vectors."""


class ArticleStore(Protocol):
    """The part of the store that adding articles needs; implemented in `rag.store.index`.

    Every method raises `StoreError` when the store fails.
    """

    @property
    def documents(self) -> Notes:
        """Return the part that keeps facts about the store."""

    def files(self, folder: str | None = None) -> dict[str, File]:
        """Return the files that were read completely, by path: all, or those at or below `folder`."""

    def held(self, ids: Iterable[str]) -> set[str]:
        """Return which of these document ids the store holds."""

    def write(self, entries: Sequence[Entry], finished: Sequence[File] = ()) -> list[str]:
        """Write documents, and remove those that the files in `finished` no longer hold.

        Returns:
            For each entry "added", "replaced", "unchanged", or "missing" (it has no passages and is not in the store).
        """

    def touch(self, files: Sequence[File]) -> None:
        """Record the size and time of files whose content did not change."""

    def drop(self, paths: Sequence[str]) -> list[str]:
        """Remove these files, and the documents that no other file holds; return the removed source names."""
