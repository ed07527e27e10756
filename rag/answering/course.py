"""Say how something changed: what the articles of different dates say about it, in order."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.citation import cite
from rag.answering.phrasing import MARKERS
from rag.answering.verify import Verdict
from rag.language.amounts import amounts
from rag.language.readable import readable
from rag.language.words import content_terms
from rag.origin import readable_date
from rag.retrieve.select import nearest_sentences
from rag.types import Evidence, Hit

_SEARCHED = 60  # sentences
_ABOUT = 0.7  # of the best share of the topic's words, from which a sentence is about it
_EACH, _MOST = 2, 12  # sentences of an article, and in all


def course(
    hits: Sequence[Hit], about: str, steps: Sequence[Evidence] = (), leads: Sequence[Evidence] = ()
) -> Verdict | None:
    """Return dated sentences about something, the oldest first; None if they are too few.

    Args:
        hits: Sentences found for it, best first.
        about: What changed, such as "the cost of the bridge".
        steps: Sentences of one article that are given in any case, such as the events that it tells of.
        leads: First sentences of articles about it, each given where nothing else of its article is.
    """
    found = nearest_sentences(hits, _SEARCHED)
    best = max((e.coverage for e in found), default=0.0)
    kept = [e for e in found if e.date and e.coverage >= _ABOUT * best and not MARKERS.search(e.text)]
    said: dict[str, list[Evidence]] = {}
    for e in kept:
        said.setdefault(e.document_id, []).append(e)
    subject = _subject(about, kept)
    told = {e.document_id for e in steps}
    more = [e for id, sentences in said.items() if id not in told for e in _telling(sentences, subject)]
    given = {e.document_id for e in (*steps, *more)}
    chosen = [*steps, *more, *(e for e in leads if e.document_id not in given)][:_MOST]
    days = {(e.date or "")[:10] for e in chosen}
    # A change needs two dates, a course of events two events.
    if "" in days or len(chosen if leads else days) < 2:
        return None
    chosen.sort(key=lambda e: (e.date or "", e.document_id, e.start))
    lines = [f"{readable_date(e.date or '')}: {readable(e.text)} [{n}]" for n, e in enumerate(chosen, 1)]
    return Verdict("\n".join(lines), tuple(cite(n, e, 1.0) for n, e in enumerate(chosen, 1)), False, 1.0)


def _subject(about: str, found: Sequence[Evidence]) -> str:
    """Return the first word of a topic that articles use: in "the number of people who work there", "people"."""
    used = {term for e in found for term in content_terms(e.text)}
    return next((term for term in content_terms(about) if term in used), "")


def _telling(said: Sequence[Evidence], subject: str) -> list[Evidence]:
    """Return the sentences of an article that say the most: those that name the subject, with an amount if any has."""
    named = [e for e in said if subject in content_terms(e.text)] or said
    figures = [e for e in named if amounts(e.text)]
    return list(figures[:_EACH] or named[:1])
