"""Check a draft in a language whose grammar `rag.answering.verify` does not know: by its words and numbers alone."""

from __future__ import annotations

from collections.abc import Sequence

from rag.language.sentences import split_sentences
from rag.language.words import content_terms, numbers, same_name
from rag.types import Evidence

_COVERED = 0.75  # share of a statement's words that one sentence must have


def supported(text: str, evidence: Sequence[Evidence], language: str) -> list[tuple[str, Evidence, float]]:
    """Return the statements of a text that one of the sentences supports, each with that sentence and its support.

    Args:
        text: What the model said, without markers.
        evidence: The sentences shown to the model, best first.
        language: The question's language as an ISO 639-1 code.
    """
    found = []
    for statement in split_sentences(text, language):
        claimed = set(content_terms(statement, language))
        views = [(e, _share(claimed, set(content_terms(e.in_context, language)))) for e in evidence]
        sentence, covered = max(views, key=lambda view: view[1], default=(None, 0.0))
        if sentence and covered >= _COVERED and numbers(statement) <= numbers(sentence.in_context):
            found.append((statement.strip(), sentence, round(covered, 3)))
    return found


def _share(claimed: set[str], said: set[str]) -> float:
    met = sum(word in said or any(same_name(word, other) for other in said) for word in claimed)
    return met / len(claimed) if claimed else 0.0
