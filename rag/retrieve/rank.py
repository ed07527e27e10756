"""Rank the sentences of candidate passages by meaning and words, then rank the first ones again more closely."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence, Set
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from rag.language.questions import holds_kind
from rag.language.word_table import WordTable
from rag.language.words import content_words, names, same_name, terms
from rag.types import Candidate, Document, Hit, Place, Span

# The first pass ranks every sentence; docs/experiments/ has the tables for both passes.
_PASSAGE, _LEXICAL = 0.5, 1.3
# The second pass ranks this many of the first ones again.
_CLOSER = 40
_KEPT = 200  # sentences returned, at most
_WEIGHTS = {"dense": 1.0, "passage": 0.37, "lexical": 0.24, "held": 0.51, "around": 0.43, "kind": 0.13, "pairs": 0.22}
# Two BM25 fields, the second at half weight, each at most idf * (k1 + 1).
_BM25_MOST = 1.5 * 2.2
_HEAD_CHARS = 1000
_SENTENCES = 8192  # whose words are kept: the same ones are proposed for many questions, and are neighbours of others
_NEAR = 4  # largest distance, in words, between two terms that count as a pair


def rank(
    question: str,
    candidates: Sequence[Candidate],
    vector: npt.NDArray[np.float32],
    weights: Mapping[str, float],
    aliases: Mapping[str, frozenset[str]] | None = None,
    table: WordTable | None = None,
) -> list[Hit]:
    """Return the best sentences of the candidates, best first; equal scores keep the order of the articles.

    Args:
        question: The question as asked.
        candidates: Passages from the index.
        vector: The question's vector, float32 of shape (dimensions,), unit length.
        weights: The question's normalised terms in order, with their inverse document frequencies.
        aliases: For each acronym, the terms of its full name; half of them are enough for a match.
        table: Finds words that are close in meaning to the question's own; not used when left out.
    """
    ideal = sum(weights.values()) * _BM25_MOST
    scored: list[tuple[float, Candidate, int, float, float, float]] = []
    for candidate in candidates:
        cosines = (candidate.vectors @ vector).tolist()
        for number, score in enumerate(candidate.lexical):
            lexical = score / ideal if ideal > 0 else 0.0
            dense, passage = cosines[1 + number], cosines[0]
            scored.append((dense + _PASSAGE * passage + _LEXICAL * lexical, candidate, number, dense, lexical, passage))
    scored.sort(key=lambda entry: -entry[0])
    found = [(_hit(c, n, score, dense, lexical), passage) for score, c, n, dense, lexical, passage in scored[:_KEPT]]
    first = found[:_CLOSER]
    said = [_words(hit.text) for hit, _ in first]
    synonyms = _synonyms(question, weights, said, table)
    titles = [_title_alone(candidate) for _, candidate, *_ in scored[:_CLOSER]]
    asked = _Asked(question, weights, aliases or {})
    closer = [
        _look(asked, hit, passage, words, near, title)
        for (hit, passage), words, near, title in zip(first, said, synonyms, titles, strict=True)
    ]
    closer.sort(key=lambda hit: -hit.score)
    # Sentences that were not ranked again stay below those that were.
    least = closer[-1].score if closer else 0.0
    rest = [hit if hit.score <= least else dataclasses.replace(hit, score=least) for hit, _ in found[_CLOSER:]]
    return closer + rest


@lru_cache(maxsize=_SENTENCES)
def _words(text: str) -> Mapping[str, str]:
    """Return the terms of a sentence, each with the last word that it came from."""
    return content_words(text)


class _Asked:
    """A question with its terms, which are looked for in many sentences.

    Args:
        question: The question.
        weights: Its terms in order, with their weights.
        aliases: For each acronym, the terms of its full name.
    """

    def __init__(self, question: str, weights: Mapping[str, float], aliases: Mapping[str, frozenset[str]]) -> None:
        self.question, self.weights, self._aliases = question, weights, aliases
        self.names = weights.keys() & set(names(question))
        # Forms of one name share their first four letters, so few pairs need comparing.
        self._heads = {term[:4] for term in weights}
        self._meant = cache(lambda other: [term for term in weights if same_name(term, other)])

    def met(self, held: Set[str]) -> dict[str, float]:
        """Return the terms that occur among these, each mapped to 1.0."""
        found = {term: 1.0 for other in held if other[:4] in self._heads for term in self._meant(other)}
        for term, name in self._aliases.items():
            if term in self.weights and 2 * len(name & held) >= len(name) > 0:
                found[term] = 1.0
        return found

    def share(self, met: Mapping[str, float]) -> float:
        """Return the share of the terms that are met, by weight."""
        total = sum(self.weights.values())
        return sum(weight * met.get(term, 0.0) for term, weight in self.weights.items()) / total if total > 0 else 0.0


def _look(
    asked: _Asked, hit: Hit, passage: float, words: Mapping[str, str], synonyms: Mapping[str, float], title: str
) -> Hit:
    held = asked.met(words.keys())
    before = _words(hit.before).keys()
    around = asked.met(words.keys() | _words(title).keys() | before | _words(hit.after).keys())
    several = len(asked.weights.keys() & words.keys()) > 1
    parts = {
        "dense": hit.dense,
        "passage": passage,
        "lexical": hit.lexical,
        "held": asked.share({**synonyms, **held}),
        "around": asked.share(around),
        "kind": float(holds_kind(asked.question, hit.text)),
        "pairs": _pairs(list(asked.weights), terms(hit.text)) if several else 0.0,
    }
    lacking = asked.names - held.keys()
    return dataclasses.replace(
        hit,
        score=sum(_WEIGHTS[name] * value for name, value in parts.items()),
        coverage=asked.share(around),
        held=asked.share(held),
        leans=bool(lacking and lacking & asked.met(before).keys()),
    )


def _synonyms(
    question: str, weights: Mapping[str, float], said: Sequence[Mapping[str, str]], table: WordTable | None
) -> list[dict[str, float]]:
    """Return for each sentence how near its words come to each of the question's terms."""
    asked = {term: word for term, word in content_words(question).items() if term in weights}
    if table is None or not asked:
        return [{} for _ in said]
    columns = {word: n for n, word in enumerate({word for words in said for word in words.values()})}
    near = table.nearness(list(asked.values()), list(columns))
    found = []
    for words in said:
        best = near[:, [columns[word] for word in words.values()]].max(axis=1, initial=0.0)
        found.append(dict(zip(asked, best.tolist(), strict=True)))
    return found


def _pairs(asked: Sequence[str], said: Sequence[str]) -> float:
    """Return the share of the question's neighbouring terms that are close together in a sentence."""
    where: dict[str, list[int]] = {}
    for position, term in enumerate(said):
        where.setdefault(term, []).append(position)
    pairs = list(itertools.pairwise(asked))
    near = sum(any(abs(i - j) <= _NEAR for i in where.get(a, ()) for j in where.get(b, ())) for a, b in pairs)
    return near / len(pairs) if pairs else 0.0


def _title_alone(candidate: Candidate) -> str:
    """Return an article's title if its text does not begin with it: then a name may stand in the title alone."""
    title = candidate.title.rstrip("…").strip()
    return "" if title in " ".join(candidate.document.text[:_HEAD_CHARS].split()) else title


def _hit(candidate: Candidate, number: int, score: float, dense: float, lexical: float) -> Hit:
    chunk = candidate.chunk
    span = chunk.sentences[number]

    def text(index: int) -> str:
        if not 0 <= index < len(chunk.sentences):
            return ""
        sentence = chunk.sentences[index]
        return chunk.text[sentence.start - chunk.start : sentence.end - chunk.start]

    return Hit(
        place=_place(candidate.document, candidate.source, candidate.title, span),
        also=tuple(_place(copy, copy.source, copy.title, span) for copy in candidate.copies),
        text=text(number),
        score=score,
        dense=dense,
        lexical=lexical,
        passage=Span(chunk.start, chunk.end),
        before=text(number - 1),
        after=text(number + 1),
        language=candidate.document.language,
    )


def _place(document: Document, source: str, title: str, span: Span) -> Place:
    details = (document.date or None, document.publisher or None, document.url or None, document.language)
    return Place(document.id, source, title, span.start, span.end, *details)
