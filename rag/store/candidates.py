"""Find the candidate passages for a question in Chroma and the lexical index, filtered and without duplicates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rag.errors import VectorServerError
from rag.language.alike import same_fact
from rag.language.words import terms
from rag.store.filters import Matching
from rag.store.lexical import LexicalIndex
from rag.store.vectors import VectorStore
from rag.store.view import Owner, View
from rag.types import Candidate, Chunk, Document

_REPEATED = 0.8  # a sentence repeats another when they share this much of their words and no fact differs
_SCORES = 1000  # most sentences scored afterwards, in passages that replace their copies

Vector = npt.NDArray[np.float32]
Passage = tuple[Chunk, Document, Vector]


@dataclass
class CandidateSearch:
    """The search for one question in one view of the store.

    Args:
        view: A snapshot of the documents.
        vectors: Chroma.
        lexical: The lexical index.
        among: The documents to search; all when None.
    """

    view: View
    vectors: VectorStore
    lexical: LexicalIndex
    among: Matching | None = None
    lost: VectorServerError | None = None  # why no passages were found by their vectors
    _owners: dict[str, Owner] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _passages: dict[str, Passage] = field(default_factory=dict)
    _heads: dict[int, int] = field(default_factory=dict)
    _compared: list[tuple[str, float]] | None = None
    _partial: set[str] = field(default_factory=set)  # passages that repeat others in part

    def candidates(self, vector: Vector, question_terms: Sequence[str], limit: int) -> list[Candidate]:
        """Return the passages that either index proposes, always in the same order; see `Index.search`."""
        if self.among is not None and not self.among.passages:
            return []
        scores: dict[str, dict[int, float]] = {}
        few = self.among.few if self.among else ()

        def near(most: int) -> tuple[list[str], bool]:
            exactly = few or self.vectors.failed
            try:
                found = self._exact(vector)[:most] if exactly else self.vectors.search(vector, most)
            except VectorServerError as error:
                self.lost = error
                return [], True
            return [chunk_id for chunk_id, _ in found], len(found) < most

        def lexical(most: int) -> tuple[list[str], bool]:
            # Usually at most two sentences of a passage are among the best.
            found = self.lexical.search(question_terms, most * 2, few)
            for chunk_id, number, score in found:
                scores.setdefault(chunk_id, {})[number] = score
            return list(scores)[:most], len(found) < most * 2

        wanted = self._distinct([*self._first(near, limit), *self._first(lexical, limit * 2)])
        partial = [chunk_id for chunk_id in wanted if chunk_id in self._partial]
        wanted = [chunk_id for chunk_id in wanted if chunk_id not in partial[limit:]]
        unscored = [chunk_id for chunk_id in wanted if chunk_id not in self._asked]
        if unscored:  # these passages replace copies that an index proposed
            for chunk_id, number, score in self.lexical.search(question_terms, _SCORES, unscored):
                scores.setdefault(chunk_id, {})[number] = score
        passages = self._read(wanted)
        numbers = {chunk.id: self._owners[chunk.id].number for chunk, _, _ in passages}
        places = self._places(set(numbers.values()), {numbers[c.id]: document for c, document, _ in passages})
        found = [_candidate(passage, scores, places[numbers[passage[0].id]]) for passage in passages]
        return sorted(found, key=lambda c: (c.source, c.chunk.document_id, c.chunk.start))

    def _places(self, numbers: Iterable[int], documents: Mapping[int, Document]) -> dict[int, list[Document]]:
        """Return each document as it is at each of its places that meet the filter, the one to cite first."""
        copies = self.view.copies(numbers)
        found = {}
        for number, document in documents.items():
            others = {copy.path: copy.of(document) for copy in copies.get(number, ())}
            if self.among is None:
                found[number] = [document, *others.values()]
                continue
            met = [others[path] for path in self.among.copies.get(number, ()) if path in others]
            found[number] = [document, *met] if number in self.among.main else met or [document]
        return found

    def _first(self, propose: Callable[[int], tuple[list[str], bool]], limit: int) -> list[str]:
        """Return at least `limit` proposals where possible, not counting those that are dropped or repeat others."""
        # An index proposes from all documents, so only this share of its proposals passes the filter.
        share = self.among.share if self.among and not self.among.few else 1.0
        most = round(limit / share)
        while True:
            proposed, all_of_them = propose(most)
            self._learn(proposed)
            kept = [chunk_id for chunk_id in proposed if chunk_id in self._owners]
            count = sum(chunk_id not in self._partial for chunk_id in self._distinct(kept))
            if all_of_them or count >= limit or count == len(proposed):
                return kept
            # Ask for as many more as the useful share so far suggests, at least twice and at most eight times as many.
            most = max(most * 2, min(most * 8, most * limit // max(1, count)))

    def _learn(self, chunk_ids: Iterable[str]) -> None:
        """Look up the documents of passages. Passages that may not be shown get no entry."""
        new = [chunk_id for chunk_id in chunk_ids if chunk_id not in self._asked]
        self._asked.update(new)
        found = self.view.owners(new)
        self._owners |= {i: o for i, o in found.items() if self.among is None or o.number in self.among.documents}

    def _distinct(self, chunk_ids: Iterable[str]) -> list[str]:
        """Return the passages, each once; near-identical copies are replaced by the passages of one document."""
        ids = list(dict.fromkeys(chunk_ids))
        families = {self._owners[i].family for i in ids}
        heads = self._heads_of(families)
        in_family = [i for i in ids if self._owners[i].family in heads]
        if not in_family:
            return ids
        told = {number: self._told(number) for number in {heads[self._owners[i].family] for i in in_family}}
        # Earliest first: later documents need not repeat what it says.
        in_family.sort(key=lambda i: (self._owners[i].date or "9", self._owners[i].number, i))
        stands: dict[str, list[str]] = {}
        said: dict[int, _Sentences] = {}
        self._read(in_family)
        for chunk_id in in_family:
            owner = self._owners[chunk_id]
            head = heads[owner.family]
            sentences = _sentences(self._passages[chunk_id])
            if owner.number == head:
                stands[chunk_id] = [chunk_id]
                continue
            where = [told[head].find(sentence) for sentence in sentences]
            if all(where):
                stands[chunk_id] = [str(place) for place in dict.fromkeys(where)]
            else:
                others = said.setdefault(owner.family, _Sentences())
                repeated = [place or others.find(s, owner.number) for place, s in zip(where, sentences, strict=True)]
                stands[chunk_id] = [] if all(repeated) else [chunk_id]
                if any(repeated):
                    self._partial.add(chunk_id)
                for sentence in sentences:
                    others.add(sentence, chunk_id, owner.number)
        return list(dict.fromkeys(other for i in ids for other in stands.get(i, [i])))

    def _heads_of(self, families: Iterable[int]) -> dict[int, int]:
        """Return the document that represents each family of several: the earliest, or else the first added."""
        for family, members in self.view.families([f for f in families if f not in self._heads]).items():
            allowed = [(date or "9", n) for n, date in members if self.among is None or n in self.among.documents]
            self._heads[family] = min(allowed)[1] if len(allowed) > 1 else 0
        return {family: self._heads[family] for family in families if self._heads.get(family)}

    def _told(self, number: int) -> _Sentences:
        """Return the sentences of a document, each with its passage."""
        ids = self.view.chunk_ids([number])
        found = _Sentences()
        for passage in self._read(ids):
            self._owners.setdefault(passage[0].id, Owner(number, 0, ""))
            for sentence in _sentences(passage):
                found.add(sentence, passage[0].id, number)
        return found

    def _read(self, chunk_ids: Sequence[str]) -> list[Passage]:
        missing = [chunk_id for chunk_id in chunk_ids if chunk_id not in self._passages]
        for passage in self.view.chunks(missing) if missing else ():
            self._passages[passage[0].id] = passage
        return [self._passages[i] for i in chunk_ids if i in self._passages]

    def _exact(self, vector: Vector) -> list[tuple[str, float]]:
        """Return passages best first, by exact comparison: the matching ones if they are few, else all.

        All are compared only while Chroma is marked as failed, since it may not answer then.
        """
        if self._compared is None:
            if self.among and self.among.vectors is not None:
                pages = [(list(self.among.few), self.among.vectors)]
            else:
                found = (page for page in self.view.all_vectors() if page)
                pages = [([i for i, _ in page], np.stack([row for _, row in page])) for page in found]
            cosines = [(i, float(c)) for ids, rows in pages for i, c in zip(ids, rows @ vector, strict=True)]
            self._compared = sorted(cosines, key=lambda found: (-found[1], found[0]))
        return self._compared


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence with its terms and language."""

    text: str
    terms: tuple[str, ...]
    language: str


class _Sentences:
    """Sentences seen so far, each with its passage. Near-identical sentences count as one."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, ...], list[tuple[str, int]]] = {}
        self._sets: list[tuple[frozenset[str], _Sentence, tuple[str, int]]] = []

    def add(self, sentence: _Sentence, chunk_id: str, number: int) -> None:
        """Add a sentence with the passage and document it is from."""
        places = self._exact.setdefault(sentence.terms, [])
        if not places:
            self._sets.append((frozenset(sentence.terms), sentence, (chunk_id, number)))
        places.append((chunk_id, number))

    def find(self, sentence: _Sentence, but: int | None = None) -> str | None:
        """Return a passage with this sentence, in a document other than `but`, or None."""
        for chunk_id, number in self._exact.get(sentence.terms, ()):
            if number != but:
                return chunk_id
        mine = frozenset(sentence.terms)
        for others, other, (chunk_id, number) in self._sets:
            repeated = len(mine & others) >= _REPEATED * max(len(mine), len(others)) > 0
            if number != but and repeated and same_fact(sentence.text, other.text, sentence.language):
                return chunk_id
        return None


def _sentences(passage: Passage) -> list[_Sentence]:
    """Return the sentences of a passage."""
    chunk, document, _ = passage
    texts = [document.text[span.start : span.end] for span in chunk.sentences]
    return [_Sentence(text, tuple(terms(text, document.language)), document.language) for text in texts]


def _candidate(passage: Passage, scores: Mapping[str, Mapping[int, float]], places: Sequence[Document]) -> Candidate:
    chunk, _, vectors = passage
    document, *copies = places
    mine = scores.get(chunk.id, {})
    lexical = tuple(mine.get(number, 0.0) for number in range(len(chunk.sentences)))
    return Candidate(chunk, document.source, document.title, vectors, lexical, document, tuple(copies))
