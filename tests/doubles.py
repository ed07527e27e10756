"""In-memory doubles of the protocols in `rag.protocols`, without a model; `fakes.py` has the embedding."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from rag.language.words import content_terms, terms
from rag.protocols import Judgement, Reading, Vectors
from rag.types import Candidate, Chunk, Entry, File, Filters


class MemoryStore:
    """A store and a retriever in one, which finds what was written; without copies, filters or spelling."""

    def __init__(self) -> None:
        self.meta: dict[str, str] = {}
        self._files: dict[str, File] = {}
        self._places: dict[tuple[str, str], Entry] = {}  # by file and source

    @property
    def documents(self) -> MemoryStore:
        return self

    def set_meta(self, key: str, value: str) -> None:
        self.meta[key] = value

    def files(self, folder: str | None = None) -> dict[str, File]:
        return {path: file for path, file in self._files.items() if path.startswith(folder or "")}

    def held(self, ids: Iterable[str]) -> set[str]:
        return {entry.document.id for entry in self._places.values()} & set(ids)

    def write(self, entries: Sequence[Entry], finished: Sequence[File] = ()) -> list[str]:
        words = []
        for entry in entries:
            place = (entry.file.path, entry.document.source)
            before = self._places.get(place)
            if before and before.document.id == entry.document.id:
                words.append("unchanged")
            elif entry.chunks is None:
                words.append("missing")
            else:
                words.append("replaced" if before else "added")
                self._places[place] = entry
        self._files.update((file.path, file) for file in finished)
        return words

    def touch(self, files: Sequence[File]) -> None:
        self._files.update((file.path, file) for file in files)

    def drop(self, paths: Sequence[str]) -> list[str]:
        gone = [place for place in self._places if place[0] in paths]
        for path in paths:
            self._files.pop(path, None)
        return [self._places.pop(place).document.source for place in gone]

    def search(
        self, vector: Vectors, question_terms: Sequence[str], limit: int, filters: Filters | None = None
    ) -> list[Candidate]:
        found = [
            Candidate(
                chunk,
                entry.document.source,
                entry.document.title,
                rows,
                self._scores(chunk, question_terms),
                entry.document,
            )
            for entry in self._places.values()
            for chunk, rows in zip(entry.chunks or (), entry.vectors or (), strict=True)
        ]
        return sorted(found, key=lambda c: -float(c.vectors[0] @ vector))[:limit]

    @property
    def vocabulary(self) -> MemoryStore:
        return self

    def knows(self, term: str) -> bool:
        return any(term in words for words in self._sentences())

    def correct(self, question_terms: Sequence[str]) -> list[str]:
        return list(question_terms)

    def spell_out(self, acronym: str) -> str | None:
        return None

    def idf(self, term: str) -> float:
        sentences = self._sentences()
        count = sum(term in words for words in sentences)
        return math.log(1 + (len(sentences) - count + 0.5) / (count + 0.5))

    def languages(self) -> dict[str, int]:
        return dict(Counter(entry.document.language for entry in self._places.values()))

    def _sentences(self) -> list[list[str]]:
        chunks = [chunk for entry in self._places.values() for chunk in entry.chunks or ()]
        return [words for chunk in chunks for words in _sentences(chunk)]

    def _scores(self, chunk: Chunk, question_terms: Sequence[str]) -> tuple[float, ...]:
        return tuple(sum(self.idf(term) for term in question_terms if term in words) for words in _sentences(chunk))


class WordReranker:
    """Ranks sentences with a given word first; `asked` records the pairs that it was given."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.asked: list[tuple[str, str]] = []

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.asked += [(question, text) for text in texts]
        return [float(self.word in text) for text in texts]


class WordJudge:
    """Finds a claim supported if the evidence has all its words, and contradicted if the evidence also has "not".

    `asked` records the claims that it was given.
    """

    def __init__(self) -> None:
        self.asked: list[Reading] = []

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        self.asked += readings
        found = []
        for reading in readings:
            has = set(content_terms(reading.claim)) <= set(content_terms(f"{reading.evidence} {reading.question}"))
            denied = " not " in f" {reading.evidence} " and " not " not in f" {reading.claim} "
            found.append(Judgement(0.95 * (has and not denied), 0.9 * (has and denied)))
        return found


def _sentences(chunk: Chunk) -> list[list[str]]:
    return [terms(chunk.text[s.start - chunk.start : s.end - chunk.start]) for s in chunk.sentences]
