"""Turn a sentence of the evidence into the citation that an answer carries."""

from __future__ import annotations

from rag.language.relative import relative
from rag.types import Citation, Evidence


def cite(marker: int, evidence: Evidence, support: float) -> Citation:
    """Return the citation of a sentence, with where and when its article appeared, and what "yesterday" means in it."""
    return Citation(
        marker=marker,
        source=evidence.source,
        title=evidence.title,
        quote=evidence.text,
        start=evidence.start,
        end=evidence.end,
        support=support,
        document_id=evidence.document_id,
        passage=evidence.passage,
        also=evidence.also,
        date=evidence.date,
        publisher=evidence.publisher,
        url=evidence.url,
        times=relative(evidence.text, evidence.date or "", evidence.language),
    )


def evidence_from(citation: Citation) -> Evidence:
    """Return the sentence of a citation as evidence, for an answer that no search led to."""
    return Evidence(
        rank=citation.marker,
        source=citation.source,
        title=citation.title,
        text=citation.quote,
        start=citation.start,
        end=citation.end,
        score=citation.support,
        dense=0.0,
        lexical=0.0,
        document_id=citation.document_id,
        passage=citation.passage,
        also=citation.also,
        date=citation.date,
        publisher=citation.publisher,
        url=citation.url,
    )
