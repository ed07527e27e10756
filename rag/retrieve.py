"""Candidate passages to ranked sentences: the sentence's and its passage's meaning, and the words of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rag.types import Candidate, Hit, Place, Span

# Chosen on the development half of the eval set (docs/architecture.md has the table).
PASSAGE_WEIGHT = 0.5
LEXICAL_WEIGHT = 1.3


def rank(candidates: Sequence[Candidate], vector: npt.NDArray[np.float32], ideal: float) -> list[Hit]:
    """Return every sentence of the candidates, best first; equal scores keep the order of the articles.

    Args:
        candidates: Passages from the index.
        vector: The question's vector, float32 of shape (dimensions,), unit length.
        ideal: The BM25 score of a sentence that held every word of the question; what `Hit.lexical` is a share of.
    """
    hits: list[Hit] = []
    for candidate in candidates:
        cosines = candidate.vectors @ vector
        for number, span in enumerate(candidate.chunk.sentences):
            lexical = candidate.lexical[number] / ideal if ideal > 0 else 0.0
            dense = float(cosines[1 + number])
            score = dense + PASSAGE_WEIGHT * float(cosines[0]) + LEXICAL_WEIGHT * lexical
            hits.append(_hit(candidate, number, span, score, dense, lexical))
    return sorted(hits, key=lambda hit: -hit.score)


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
