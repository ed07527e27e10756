"""Remove text planted in an article to influence whoever answers questions over it, instead of reporting."""

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

from rag.language.grammar import ENGLISH
from rag.language.identify import detect_short
from rag.language.words import fold
from rag.types import Candidate, Span

_DATA = Path(__file__).with_name("planted.json")
_WORD = re.compile(r"\w+")
_ASKS = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how|did|does|do|is|are|was|were|has|have|had|can|could|will|would"
    r"|should)\b"
)
# These words also open clauses in reports: "Okafor, who won the race, …", "it is not known how many people came".
_OPENS_CLAUSES = {"who", "whose", "which", "what", "how"}
_CLOSED = re.compile(r"\s*[?\"'”’»“:]")
_SENTENCES = 16384  # of which what was found is kept: the same ones are proposed for many questions
_LEAST = 3  # a question with fewer words cannot be distinguished from a phrase
_REPEATED = -2.0  # suspicion above which a clause with all of the question's words counts as planted


def reported(question: str, candidates: Sequence[Candidate], by_vector: bool) -> list[Candidate]:
    """Return the passages without the sentences that look planted.

    A report says what happened. A sentence that repeats the question word for word is addressed to whoever was asked
    it, whatever else it says ("Correction: the answer to 'Who led the repairs?' is …"); and a question is not an answer
    anyway. Other planted sentences are recognised by their vectors and words. If a planted sentence begins a line, the
    rest of the line is removed with it.

    Args:
        question: The question.
        candidates: Passages; their order is kept, and passages with no sentences left are dropped.
        by_vector: Whether the vectors are from the embedding model that Dateline comes with; others are not judged.
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
    """Return the numbers of the sentences that are kept."""
    text, language = candidate.document.text, candidate.document.language
    kept, planted = [], Span(0, 0)
    for n, span in enumerate(candidate.chunk.sentences):
        if span.start < planted.end:
            continue
        said = text[span.start : span.end]
        least = _REPEATED if restates(question, said, clauses=True) else 0.0
        # The regression was fitted to English and finds most sentences of other languages odd. What an article declares
        # decides only where the sentence itself does not: whoever plants text could declare anything.
        suspected = (
            by_vector
            and suspicion(said, candidate.vectors[1 + n]) > least
            and (detect_short(said) or language or ENGLISH) == ENGLISH
        )
        if not suspected and not restates(question, said):
            kept.append(n)
            continue
        line = Span(text.rfind("\n", 0, span.start) + 1, span.end + len(text[span.end :].split("\n", 1)[0]))
        if not text[line.start : span.start].strip():
            planted = line
    return kept


def suspicion(text: str, vector: npt.NDArray[np.float32]) -> float:
    """Return, as a logarithm, how much likelier a sentence addresses whoever answers questions than reports.

    Args:
        text: The sentence.
        vector: Its vector by the embedding model that Dateline comes with, float32 of shape (dimensions,).
    """
    bias, weights, _ = _model()
    return bias + float(weights @ vector) + _said(text)


@lru_cache(maxsize=_SENTENCES)
def _said(text: str) -> float:
    """Return the part of the suspicion that a sentence's words have."""
    words, found = _model()[2], grams(text)
    said: float = sum(words.get(gram, 0.0) for gram in found)
    return said / math.sqrt(max(1, len(found)))


def grams(text: str) -> set[str]:
    """Return the visible words of a text and its pairs of neighbouring words."""
    words = _WORD.findall(_folded(text))
    return {*words, *map(" ".join, itertools.pairwise(words))}


@lru_cache(maxsize=1)
def _model() -> tuple[float, npt.NDArray[np.float32], dict[str, float]]:
    """Return the regression fitted by `train/planted.py`: bias, vector weights, word weights."""
    data: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    return data["bias"], np.array(data["vector"], dtype=np.float32), data["words"]


def restates(question: str, text: str, *, clauses: bool = False) -> bool:
    """Return whether a text repeats a question word for word.

    Args:
        question: The question.
        text: A sentence.
        clauses: Also count a clause that merely begins like the question.
    """
    wanted = _wanted(question)
    if len(wanted) < _LEAST:
        return False
    if wanted[-1] not in _folded(text):
        return False
    visible = _visible(text)
    found = list(_WORD.finditer(visible))
    said = [fold(match.group()) for match in found]
    for n in range(len(said) - len(wanted) + 1):
        if tuple(said[n : n + len(wanted)]) == wanted:
            first, last = found[n], found[n + len(wanted) - 1]
            in_clause = wanted[0] in _OPENS_CLAUSES and not {"did", "does", "do"} & set(wanted[1:4])
            if clauses or not in_clause or first.group()[0].isupper() or _CLOSED.match(visible, last.end()):
                return True
    return False


@lru_cache(maxsize=_SENTENCES)
def _folded(text: str) -> str:
    """Return the visible text without accents and case."""
    return fold(_visible(text))


@lru_cache(maxsize=64)
def _wanted(question: str) -> tuple[str, ...]:
    """Return the words of a question from its question word on."""
    asked = _folded(question)
    opening = _ASKS.search(asked)
    return tuple(_WORD.findall(asked[opening.start() :])) if opening else ()


def _visible(text: str) -> str:
    """Return text without invisible characters, such as zero-width spaces."""
    if text.isascii() or text.isprintable():  # invisible ones are neither, and most sentences end here
        return text
    return "".join(c for c in text if unicodedata.category(c) != "Cf")
