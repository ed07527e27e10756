"""Rank sentences by their words alone, for questions in languages that the models cannot read.

An article says in its headline and first sentence what it is about. The words of a question that occur there choose the
article; its other words, the particular ones, choose the sentence. If most of those occur nowhere near a sentence, the
sentence does not answer the question.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial

from rag.language.grammar import compounds
from rag.language.sentences import split_sentences
from rag.language.words import same_name, terms
from rag.types import Candidate, Document, Hit

_LEAD_CHARS = 500  # where the first sentence of an article ends, at the latest
_ALL, _PARTICULAR = 0.5, 0.4  # shares of all words, and of the particular ones, from which a sentence may answer
_RELEVANT = 0.42  # the score from which `rag.retrieve.select` uses a sentence
_WEIGHTS = {"held": 0.5, "near": 0.3, "all": 0.3, "dense": 0.1}
_COMPOUND = 4  # least letters of a word that is looked for inside longer ones


def rank_by_words(
    hits: Sequence[Hit],
    candidates: Sequence[Candidate],
    weights: Mapping[str, float],
    language: str,
    names: Sequence[str] = (),
) -> list[Hit]:
    """Return the hits ranked again, best first; equal scores keep their order.

    Args:
        hits: Sentences.
        candidates: The passages that contain them.
        weights: The question's normalised terms with their inverse document frequencies.
        language: The question's language as an ISO 639-1 code.
        names: The terms of the names in the question; an article that answers it has them all.
    """
    documents = {c.document.id: c.document for c in candidates}
    met = partial(_met, inside=compounds(language))
    lead = {id: met(weights, _lead(document, language)) for id, document in documents.items()}
    wanted = dict.fromkeys(names, 1.0)
    named = {id: not wanted or met(wanted, terms(d.text, language)) == set(names) for id, d in documents.items()}

    def judged(hit: Hit) -> Hit:
        said = met(weights, terms(hit.text, language))
        near = met(weights, terms(f"{hit.before} {hit.text} {hit.after}", language))
        known = lead[hit.place.document_id]
        particular = {term: weight for term, weight in weights.items() if term not in known} or weights
        coverage = _share(weights, near | known)
        parts = {
            "held": _share(particular, said),
            "near": _share(particular, near),
            "all": _share(weights, said),
            "dense": hit.dense,
        }
        worth = sum(_WEIGHTS[name] * value for name, value in parts.items())
        answers = named[hit.place.document_id] and coverage >= _ALL and parts["near"] >= _PARTICULAR
        score = _RELEVANT + worth if answers else _RELEVANT * worth / (1 + worth)
        return dataclasses.replace(hit, score=score, coverage=coverage, held=parts["all"])

    return sorted(map(judged, hits), key=lambda hit: -hit.score)


def _lead(document: Document, language: str) -> list[str]:
    """Return the terms of the headline and of the first sentence under it."""
    text = document.text.strip().removeprefix(document.title)[:_LEAD_CHARS].lstrip()
    first = split_sentences(text, language)[0] if text else ""
    return terms(f"{document.title} {first}", language)


def _met(weights: Mapping[str, float], said: Sequence[str], inside: bool) -> set[str]:
    """Return the terms that occur among others; with `inside`, also those that make up longer ones or contain them."""
    return {term for term in weights if any(_same(term, other, inside) for other in said)}


def _same(term: str, other: str, inside: bool) -> bool:
    if same_name(term, other):
        return True
    return inside and min(len(term), len(other)) >= _COMPOUND and (term in other or other in term)


def _share(weights: Mapping[str, float], met: set[str]) -> float:
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in met) / total if total > 0 else 0.0
