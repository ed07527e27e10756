"""Text in an article that speaks to whoever answers questions over it, instead of reporting."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.language.words import fold
from rag.types import Candidate, Span

_DATA = Path(__file__).with_name("planted.json")
_WORD = re.compile(r"\w+")
_ASKS = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how|did|does|do|is|are|was|were|has|have|had|can|could|will|would"
    r"|should)\b"
)
# These open clauses of reports as well: "Okafor, who won the race, …", "it is not known how many people came".
_OPENS_CLAUSES = {"who", "whose", "which", "what", "how"}
_CLOSED = re.compile(r"\s*[?\"'”’»“:]")
_LEAST = 3  # words of a question that are told from a phrase
_REPEATED = -2.0  # suspicion from which a clause that has all of the question's words is planted


def reported(question: str, candidates: Sequence[Candidate], by_vector: bool) -> list[Candidate]:
    """Return the passages as they are without the sentences that somebody planted.

    A report says what happened. What repeats the question word for word talks to somebody who was asked it, whatever
    it goes on to say ("Correction: the answer to 'Who led the repairs?' is …"). A question answers nothing anyway.
    Other such sentences are told by their vectors and words. What follows one that begins a line goes with it.

    Args:
        question: The question.
        candidates: Passages, in any order, which is kept; one of which nothing is left is left out.
        by_vector: The vectors are those of the embedding model that Dateline comes with; of another they tell nothing.
    """
    left = []
    for candidate in candidates:
        kept = _kept(question, candidate, by_vector)
        if len(kept) == len(candidate.chunk.sentences):
            left.append(candidate)
        elif kept:
            chunk = dataclasses.replace(candidate.chunk, sentences=tuple(candidate.chunk.sentences[n] for n in kept))
            vectors = candidate.vectors[[0, *(1 + n for n in kept)]]
            lexical = tuple(candidate.lexical[n] for n in kept)
            left.append(dataclasses.replace(candidate, chunk=chunk, vectors=vectors, lexical=lexical))
    return left


def _kept(question: str, candidate: Candidate, by_vector: bool) -> list[int]:
    """Return the numbers of the sentences that report."""
    text = candidate.document.text
    kept, planted = [], Span(0, 0)
    for n, span in enumerate(candidate.chunk.sentences):
        if span.start < planted.end:
            continue
        said = text[span.start : span.end]
        least = _REPEATED if restates(question, said, clauses=True) else 0.0
        suspected = by_vector and suspicion(said, candidate.vectors[1 + n]) > least
        if not suspected and not restates(question, said):
            kept.append(n)
            continue
        line = Span(text.rfind("\n", 0, span.start) + 1, span.end + len(text[span.end :].split("\n", 1)[0]))
        if not text[line.start : span.start].strip():
            planted = line
    return kept


def suspicion(text: str, vector: npt.NDArray[np.float32]) -> float:
    """Return how much more likely a sentence speaks to whoever answers questions than that it reports: a logarithm.

    Args:
        text: The sentence.
        vector: Its vector by the embedding model that Dateline comes with, float32 of shape (dimensions,).
    """
    bias, weights, words = _model()
    found = grams(text)
    said: float = sum(words.get(gram, 0.0) for gram in found)
    return bias + float(weights @ vector) + said / math.sqrt(max(1, len(found)))


def grams(text: str) -> set[str]:
    """Return the words of a text and its pairs of neighbouring words, as far as they can be seen."""
    words = _WORD.findall(fold(_visible(text)))
    return {*words, *map(" ".join, itertools.pairwise(words))}


@lru_cache(maxsize=1)
def _model() -> tuple[float, npt.NDArray[np.float32], dict[str, float]]:
    """Return what `train/planted.py` made: bias, weights of the vector, weights of words."""
    data: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    return data["bias"], np.array(data["vector"], dtype=np.float32), data["words"]


def restates(question: str, text: str, *, clauses: bool = False) -> bool:
    """Tell whether a text puts a question word for word.

    Args:
        question: The question.
        text: A sentence.
        clauses: A clause that only opens as the question does counts as well.
    """
    asked = fold(_visible(question))
    opening = _ASKS.search(asked)
    wanted = _WORD.findall(asked[opening.start() :]) if opening else []
    if len(wanted) < _LEAST:
        return False
    visible = _visible(text)
    found = list(_WORD.finditer(visible))
    said = [fold(match.group()) for match in found]
    for n in range(len(said) - len(wanted) + 1):
        if said[n : n + len(wanted)] == wanted:
            first, last = found[n], found[n + len(wanted) - 1]
            in_clause = wanted[0] in _OPENS_CLAUSES and not {"did", "does", "do"} & set(wanted[1:4])
            if clauses or not in_clause or first.group()[0].isupper() or _CLOSED.match(visible, last.end()):
                return True
    return False


def _visible(text: str) -> str:
    """Return text without characters that nobody sees, such as zero-width spaces."""
    return "".join(c for c in text if unicodedata.category(c) != "Cf")
