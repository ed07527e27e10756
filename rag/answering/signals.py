"""Take apart a verdict: its statements and the sentences it cites; and the signals for a statement."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.answering.checks import Checked
from rag.answering.verify import Verdict
from rag.types import Draft, Evidence, Statement


@dataclass(frozen=True, slots=True)
class Weighed:
    """A verdict, the probability that it (or the answer it holds back) is right, and the signals behind that."""

    verdict: Verdict
    probability: float
    signals: dict[str, float]


def statements_of(verdict: Verdict) -> tuple[Statement, ...]:
    """Return the parts of a text up to each run of markers, with their citations' support."""
    if verdict.abstained:
        return ()
    support = {c.marker: c.support for c in verdict.citations}
    found = []
    for part in re.finditer(r"(?P<text>.+?)\s*(?P<markers>(?:\[\d+\])+)[;.]?\s*", verdict.text, re.DOTALL):
        markers = tuple(int(m) for m in re.findall(r"\d+", part["markers"]))
        found.append(Statement(part["text"], markers, min(support.get(m, 0.0) for m in markers)))
    return tuple(found)


def cited_of(evidence: Sequence[Evidence], verdict: Verdict) -> list[Evidence]:
    """Return the sentences that a verdict cites."""
    places = {(c.document_id, c.start) for c in verdict.citations}
    return [e for e in evidence if (e.document_id, e.start) in places]


def passages_of(evidence: Sequence[Evidence], read: Mapping[str, str]) -> list[str]:
    """Return the passages that contain the evidence, each after its title."""
    return [f"{e.title}\n{read[e.document_id][e.passage.start : e.passage.end]}" for e in evidence]


def signals_of(draft: Draft, one: Checked, evidence: Sequence[Evidence], sharing: int) -> dict[str, float]:
    """Return the signals for a statement.

    Args:
        draft: The model's certainty is read.
        one: The statement, with the exact checks.
        evidence: The sentences shown to the model, best first.
        sharing: How many parts of one question were answered from the same evidence.
    """
    best, cited = evidence[0], [e for e, _ in one.found]
    found = {
        "score": best.score,
        "dense": best.dense,
        "coverage": best.coverage,
        "cited_score": max((e.score for e in cited), default=best.score),
        "cited_coverage": max((e.coverage for e in cited), default=best.coverage),
        "support": max((support for _, support in one.found), default=0.0),
        "sentences": len(evidence) / sharing,
        **one.signals,
    }
    read = [e.answers for e in cited or [best] if e.answers is not None]
    if read:
        found["answers"] = max(read)
    if draft.confidence is not None:
        found["certainty"] = draft.confidence
    if draft.unknown is not None:
        found["unknown"] = draft.unknown
    return {name: round(value, 4) for name, value in found.items()}
