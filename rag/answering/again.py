"""Say the last answer again in another way: shorter, with its sentences in full, or with more of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rag.answering.signals import statements_of
from rag.answering.verify import Verdict, told
from rag.types import Answer, Evidence

_MORE = 3  # sentences that are added


def shorter(answer: Answer, asked: str) -> Answer:
    """Return the first statement of an answer, with its citations.

    Args:
        answer: An answer that is no refusal.
        asked: What the reader typed.
    """
    first = answer.statements[0]
    kept = [c for c in answer.citations if c.marker in first.markers]
    citations = tuple(dataclasses.replace(c, marker=n) for n, c in enumerate(kept, 1))
    text = f"{first.text} {''.join(f'[{c.marker}]' for c in citations)}"
    return _with(answer, asked, Verdict(text, citations, False, first.support))


def sources(answer: Answer, asked: str) -> Answer:
    """Return the sentences that an answer rests on, with who published them and when; the arguments are as above."""
    lines = []
    for c in answer.citations:
        about = ", ".join(filter(None, (c.title, c.origin)))
        lines.append(f"{about}: “{' '.join(c.quote.split()).strip('“”')}” [{c.marker}]")
    return _with(answer, asked, Verdict("\n".join(lines), answer.citations, False, 1.0))


def more(answer: Answer, asked: str, near: Sequence[Evidence]) -> Answer | None:
    """Return further sentences about a question that was answered; None if there are none.

    Args:
        answer: The answer.
        asked: What the reader typed.
        near: Sentences about the question, best first.
    """
    said = {(c.document_id, c.start) for c in answer.citations}
    new = [e for e in near if (e.document_id, e.start) not in said][:_MORE]
    verdict = told(new)
    return None if verdict.abstained else _with(answer, asked, verdict)


def _with(answer: Answer, asked: str, verdict: Verdict) -> Answer:
    return dataclasses.replace(
        answer,
        question=asked,
        text=verdict.text,
        citations=verdict.citations,
        statements=statements_of(verdict),
        unconfirmed=(),
        notices=(),
        related=(),
    )
