"""Put what several articles say about the same thing in the order of their dates."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from rag.answering.signals import statements_of
from rag.answering.verify import DIFFERS, Verdict, differing, unmarked
from rag.language.amounts import amounts, disagree
from rag.language.questions import asks_time, in_past, values
from rag.language.relative import weekday
from rag.language.words import content_terms
from rag.origin import readable_date
from rag.types import Answer, Citation, Evidence

_DAY = len("2024-07-12")
_MARKER = re.compile(r"\[(\d+)\]")
_EARLIER = "; earlier: "
_ALIKE = 0.65  # of the first sentence's share of the question's words, which another one about the same thing has too
_AS_NEAR = 0.6  # of the best cited sentence's score, which another one about the same thing has too


def same_day(one: str | None, other: str | None) -> bool:
    """Return whether two dates are of the same day, or may be: one is unknown, or only a month."""
    if not one or not other:
        return True
    length = min(len(one), len(other), _DAY)
    return one[:length] == other[:length]


def rivals(question: str, answer: Answer) -> list[Evidence]:
    """Return the evidence from other dated articles with another value for what was asked, one for each article.

    Args:
        question: What was answered.
        answer: The answer, with one statement.
    """
    cited = {citation.document_id for citation in answer.citations}
    first = next((e for e in answer.evidence if e.document_id in cited), None)
    if first is None or not amounts(first.text):
        return []
    found: dict[str, Evidence] = {}
    for e in answer.evidence:
        places = {e.document_id, *(place.document_id for place in e.also)}
        if places & cited or not e.date or not first.date or e.coverage < _ALIKE * first.coverage:
            continue
        if disagree(question, first.text, e.text):
            found.setdefault(e.document_id, e)
    return list(found.values())


def other_value(question: str, verdict: Verdict, near: Sequence[Evidence]) -> Evidence | None:
    """Return the first sentence of another article that gives another amount or time than an answer; None if none does.

    Args:
        question: What was answered.
        verdict: The answer.
        near: The sentences nearest to the question, best first.
    """
    said = values(question, unmarked(verdict.text))
    cited = {c.document_id for c in verdict.citations}
    stated = " ".join(c.quote for c in verdict.citations)
    own = [e for e in near if e.document_id in cited]
    best = max((e.coverage for e in own), default=1.0)
    least = _AS_NEAR * max((e.score for e in own), default=0.0)
    named = values(question, question)
    for e in near if said else ():
        found = values(question, e.text)
        if e.document_id in cited or e.coverage < best or e.score < least or said & found or not found - named:
            continue
        if asks_time(question) or disagree(question, stated, e.text, loosely=True):
            return e
    return None


def joined(answers: Sequence[Answer]) -> Answer:
    """Return one answer that gives several, the newest first with their dates; those of one day as differing.

    Args:
        answers: Answers from an article each. The first is the one to return if no two can be joined.
    """
    ordered = sorted(answers, key=lambda a: date_of(a) or "", reverse=True)
    if all(same_day(date_of(a), date_of(b)) for a in ordered for b in ordered):
        both = differing(_verdict(answers[0]), _verdict(answers[1])) if len(answers) > 1 else _verdict(answers[0])
        return _with(answers[0], both, answers)
    parts: list[str] = []
    citations: list[Citation] = []
    for answer in ordered:
        said, numbers = _MARKER.sub("", answer.text).rstrip(" .;"), []
        for citation in answer.citations:
            citations.append(dataclasses.replace(citation, marker=len(citations) + 1))
            numbers.append(f"[{len(citations)}]")
        day = readable_date(date_of(answer) or "")
        parts.append(f"{' '.join(said.split())} ({day or 'no date'}) {''.join(numbers)}")
    text = parts[0] + "".join(f"{_EARLIER if n == 1 else '; '}{part}" for n, part in enumerate(parts[1:], 1))
    verdict = Verdict(text, tuple(citations), False, min((c.support for c in citations), default=0.0))
    return _with(ordered[0], verdict, answers)


def parted(answer: Answer) -> list[Answer]:
    """Return the answers of two sources that differ, taken apart; the answer alone if it is not of this form."""
    pieces = answer.text.split(f"; {DIFFERS} ")
    if len(pieces) != 2:
        return [answer]
    parts = []
    for piece in pieces:
        markers = {int(marker) for marker in _MARKER.findall(piece)}
        own = tuple(c for c in answer.citations if c.marker in markers)
        parts.append(dataclasses.replace(answer, text=piece, citations=own))
    return parts if all(part.citations for part in parts) else [answer]


def resolved(question: str, answer: Answer) -> Answer:
    """Return an answer to "when" with what its relative dates mean: "yesterday (11 Jul 2024)"."""
    if answer.abstained or not asks_time(question):
        return answer
    meant = {said: iso for citation in answer.citations for said, iso in citation.times}
    if (past := in_past(question)) is not None:
        cited = {(citation.document_id, citation.start) for citation in answer.citations}
        for e in answer.evidence:
            if (e.document_id, e.start) in cited:
                meant |= dict(filter(None, [weekday(e.text, e.date or "", past)]))
    text = answer.text
    for said, iso in meant.items():
        text = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)(?! \()", rf"\g<0> ({readable_date(iso)})", text, count=1)
    if text == answer.text:
        return answer
    verdict = dataclasses.replace(_verdict(answer), text=text)
    return dataclasses.replace(answer, text=text, statements=statements_of(verdict))


def date_of(answer: Answer) -> str | None:
    """Return the latest date of the articles that an answer cites; None if none is known."""
    return max((citation.date for citation in answer.citations if citation.date), default=None)


def says_when(words: str, text: str) -> bool:
    """Return whether a text has the words that say when: "in June 2023" is in "it opened in June 2023"."""
    asked = set(content_terms(words))
    return bool(asked) and asked <= set(content_terms(text))


def _verdict(answer: Answer) -> Verdict:
    support = min((c.support for c in answer.citations), default=0.0)
    return Verdict(answer.text, answer.citations, answer.abstained, support)


def _with(first: Answer, verdict: Verdict, answers: Sequence[Answer]) -> Answer:
    evidence = {(e.document_id, e.start): e for answer in answers for e in answer.evidence}
    return dataclasses.replace(
        first,
        text=verdict.text,
        citations=verdict.citations,
        statements=statements_of(verdict),
        evidence=tuple(dataclasses.replace(e, rank=n) for n, e in enumerate(evidence.values(), 1)),
        confidence=min((a.confidence for a in answers if a.confidence is not None), default=None),
    )
