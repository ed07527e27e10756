"""Candidate passages to ranked sentences: meaning and words of the sentence and its passage, then a closer look."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rag.question import holds_kind
from rag.text import content_terms, same_name, terms
from rag.types import Candidate, Hit, Place, Span

# The first look ranks every sentence; docs/architecture.md has the tables of both.
_PASSAGE, _LEXICAL = 0.5, 1.3
# The closer look ranks the first ones of these again.
_CLOSER = 40
_WEIGHTS = {"dense": 1.0, "passage": 0.37, "lexical": 0.24, "held": 0.32, "around": 0.34, "kind": 0.1, "pairs": 0.15}
# Two BM25 fields, the second at half weight, each at most idf * (k1 + 1).
_BM25_MOST = 1.5 * 2.2
_NEAR = 4  # words between two that count as a pair


def rank(
    question: str,
    candidates: Sequence[Candidate],
    vector: npt.NDArray[np.float32],
    weights: Mapping[str, float],
    aliases: Mapping[str, frozenset[str]] | None = None,
) -> list[Hit]:
    """Return every sentence of the candidates, best first; equal scores keep the order of the articles.

    Args:
        question: The question as asked.
        candidates: Passages from the index.
        vector: The question's vector, float32 of shape (dimensions,), unit length.
        weights: The question's normalised terms in order, with their inverse document frequencies.
        aliases: For a term that stands for a name, the name's terms; half of them are as good as the term.
    """
    ideal = sum(weights.values()) * _BM25_MOST
    found: list[tuple[Hit, float]] = []
    for candidate in candidates:
        cosines = candidate.vectors @ vector
        for number, span in enumerate(candidate.chunk.sentences):
            lexical = candidate.lexical[number] / ideal if ideal > 0 else 0.0
            dense, passage = float(cosines[1 + number]), float(cosines[0])
            score = dense + _PASSAGE * passage + _LEXICAL * lexical
            found.append((_hit(candidate, number, span, score, dense, lexical), passage))
    found.sort(key=lambda entry: -entry[0].score)
    closer = [_look(question, hit, passage, weights, aliases or {}) for hit, passage in found[:_CLOSER]]
    closer.sort(key=lambda hit: -hit.score)
    # What was not looked at again stays below what was.
    least = closer[-1].score if closer else 0.0
    rest = [dataclasses.replace(hit, score=min(hit.score, least)) for hit, _ in found[_CLOSER:]]
    return closer + rest


def _look(
    question: str, hit: Hit, passage: float, weights: Mapping[str, float], aliases: Mapping[str, frozenset[str]]
) -> Hit:
    held = _share(weights, aliases, set(content_terms(hit.text)))
    around = _share(weights, aliases, set(content_terms(f"{hit.before} {hit.text} {hit.after}")))
    parts = {
        "dense": hit.dense,
        "passage": passage,
        "lexical": hit.lexical,
        "held": held,
        "around": around,
        "kind": float(holds_kind(question, hit.text)),
        "pairs": _pairs(list(weights), terms(hit.text)),
    }
    score = sum(_WEIGHTS[name] * value for name, value in parts.items())
    return dataclasses.replace(hit, score=score, coverage=around)


def _share(weights: Mapping[str, float], aliases: Mapping[str, frozenset[str]], held: set[str]) -> float:
    """Return the share of the question's terms, by weight, that stand among these."""
    total = sum(weights.values())
    # Names that are the same begin with the same four letters, so few pairs are compared.
    heads: dict[str, list[str]] = {}
    for term in held:
        heads.setdefault(term[:4], []).append(term)

    def met_by(term: str) -> bool:
        name = aliases.get(term, frozenset())
        return any(same_name(term, other) for other in heads.get(term[:4], ())) or 2 * len(name & held) >= len(name) > 0

    met = sum(weight for term, weight in weights.items() if met_by(term))
    return met / total if total > 0 else 0.0


def _pairs(asked: Sequence[str], said: Sequence[str]) -> float:
    """Return the share of the question's neighbouring terms that stand near each other in a sentence."""
    where: dict[str, list[int]] = {}
    for position, term in enumerate(said):
        where.setdefault(term, []).append(position)
    pairs = list(itertools.pairwise(asked))
    near = sum(any(abs(i - j) <= _NEAR for i in where.get(a, ()) for j in where.get(b, ())) for a, b in pairs)
    return near / len(pairs) if pairs else 0.0


def _hit(candidate: Candidate, number: int, span: Span, score: float, dense: float, lexical: float) -> Hit:
    chunk = candidate.chunk

    def text(index: int) -> str:
        if not 0 <= index < len(chunk.sentences):
            return ""
        sentence = chunk.sentences[index]
        return chunk.text[sentence.start - chunk.start : sentence.end - chunk.start]

    return Hit(
        place=Place(chunk.document_id, candidate.source, candidate.title, span.start, span.end),
        text=text(number),
        score=score,
        dense=dense,
        lexical=lexical,
        passage=Span(chunk.start, chunk.end),
        before=text(number - 1),
        after=text(number + 1),
    )
