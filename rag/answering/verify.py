"""What is left of an answer after checking: its text with markers and citations, or a refusal."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.answering.citation import cite
from rag.answering.phrasing import MARKERS, YES_NO
from rag.language.identify import detect_short, name
from rag.language.readable import readable
from rag.language.words import content_terms, fold
from rag.models.prompts import UNKNOWN
from rag.types import Citation, Evidence, Statement

NOT_SAID = "The articles do not say."
DIFFERS = "sources differ, another one says:"
_REFUSAL = re.compile(
    r"(?:the (?:text|sentences?|articles?|passages?|context)|it|this|that|there)"
    r" (?:do(?:es)? not|doesn't|don't|is no|are no|is not|isn't)"
    r" .{0,40}?(?:say|mention|state|provide|specif|contain|information|given|answer|known)"
    r"|(?:i )?(?:do not|don't|cannot|can't) (?:know|determine|answer|find)"
    r"|no (?:information|answer|mention)|not (?:mentioned|stated|specified|provided|given|known|said|available)"
)
_UNKNOWN = re.compile(rf"{UNKNOWN}(?:$|\s*[^\w\s])")
# "A concrete pier" does not say which pier.
_WHICH = re.compile(r"\bwhich (?P<kind>[\w'’-]+)")
_SOME = re.compile(r"(?:an?|another|some|one of \w+)(?: [\w'’-]+){0,3}? (?P<kind>[\w'’-]+)")
_MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The supported part of a draft, with markers and citations, or a refusal that names what is missing.

    `support` in [0, 1] is how far the sentences support the weakest statement; 0 for a refusal. `unconfirmed` is what
    the model said and the sentences do not confirm.
    """

    text: str
    citations: tuple[Citation, ...]
    abstained: bool
    support: float = 0.0
    statements: tuple[Statement, ...] = ()
    unconfirmed: tuple[str, ...] = ()


def refusal(missing: Sequence[str] = (), unconfirmed: Sequence[str] = ()) -> Verdict:
    """Return the verdict of an abstention.

    Args:
        missing: Words of the question that occur in no article, as the reader typed them.
        unconfirmed: What the model said.
    """
    text = f"The articles do not mention {_join(missing)}." if missing else NOT_SAID
    return Verdict(text, (), abstained=True, unconfirmed=tuple(unconfirmed))


def other_language(question: str, languages: Sequence[str]) -> Verdict:
    """Return the verdict on a question in a language that no article is in.

    Args:
        question: The question.
        languages: ISO 639-1 codes of the articles' languages.
    """
    asked, held = name(detect_short(question)), _join([name(language) for language in languages])
    return Verdict(f"The articles are in {held}, the question is in {asked}. Ask in {held}.", (), abstained=True)


def told(evidence: Sequence[Evidence]) -> Verdict:
    """Return sentences verbatim, each cited; this claims only that the articles say so."""
    shown = [e for e in evidence if not MARKERS.search(e.text)]  # an article's own brackets must not look like markers
    citations = [cite(n, e, 1.0) for n, e in enumerate(shown, 1)]
    text = " ".join(f"{readable(c.quote)} [{c.marker}]" for c in citations)
    return Verdict(text, tuple(citations), False, 1.0) if citations else refusal()


def verdict_of(kept: Sequence[tuple[str, Sequence[tuple[Evidence, float]]]]) -> Verdict:
    """Return statements with their citations, numbered in order of first use; a refusal if there are none.

    Args:
        kept: Each statement with its sentences and their support.
    """
    parts: list[str] = []
    citations: list[Citation] = []
    for text, found in kept:
        markers = sorted({marker_of(citations, e, support) for e, support in found})
        cited = f"{text} " + "".join(f"[{m}]" for m in markers)
        if cited not in parts:
            parts.append(cited)
    return Verdict(" ".join(parts), tuple(citations), False, min(c.support for c in citations)) if parts else refusal()


def combine(asked: Sequence[str], verdicts: Sequence[Verdict]) -> Verdict:
    """Combine the verdicts on the parts of one question; parts without an answer are named."""
    if len(verdicts) == 1:
        return verdicts[0]
    if all(verdict.abstained for verdict in verdicts):
        return refusal()
    citations: list[Citation] = []
    texts: list[str] = []
    for question, verdict in zip(asked, verdicts, strict=True):
        if verdict.abstained:
            texts.append(f"The articles do not say: “{question}”")
            continue
        numbers: dict[int, int] = {}
        for citation in verdict.citations:
            numbers[citation.marker] = _renumber(citations, citation)
        texts.append(_MARKER.sub(lambda m, known=numbers: f"[{known[int(m.group(1))]}]", verdict.text))  # type: ignore[misc]
    text = "; ".join(t.rstrip(".") if i + 1 < len(texts) else t for i, t in enumerate(texts))
    return Verdict(text, tuple(citations), False, min(v.support for v in verdicts if not v.abstained))


def differing(said: Verdict, other: Verdict) -> Verdict:
    """Return a verdict that gives the answers of two sources that disagree, and cites both."""
    citations = list(said.citations)
    known = {citation.marker: _renumber(citations, citation) for citation in other.citations}
    text = _MARKER.sub(lambda m: f"[{known[int(m.group(1))]}]", other.text)
    return Verdict(
        f"{said.text.rstrip('.')}; {DIFFERS} {text}", tuple(citations), False, min(said.support, other.support)
    )


def _renumber(citations: list[Citation], citation: Citation) -> int:
    for known in citations:
        if (known.document_id, known.start) == (citation.document_id, citation.start):
            return known.marker
    citations.append(dataclasses.replace(citation, marker=len(citations) + 1))
    return len(citations)


def unmarked(text: str) -> str:
    """Return an answer's text without its markers."""
    return re.sub(r"\s*\[\d+\]", "", text)


def finds_nothing(question: str, text: str) -> bool:
    """Return whether a model's words are no answer: a refusal, the question again, or "a pier" to "which pier"."""
    said = fold(YES_NO.sub("", text.strip(), count=1)).strip(" .?!")
    if is_refusal(text) or said == fold(question).strip(" .?!"):
        return True
    kind, some = _WHICH.search(fold(question)), _SOME.fullmatch(said)
    return bool(kind and some and content_terms(some["kind"]) == content_terms(kind["kind"]))


def is_refusal(text: str) -> bool:
    """Return whether a model's words mean "the sentences do not say"."""
    folded = fold(text).strip(" .\"'")
    return not folded or bool(_UNKNOWN.match(folded) or _REFUSAL.match(folded))


def marker_of(citations: list[Citation], e: Evidence, support: float) -> int:
    """Return the marker of a sentence, which is added to the citations if it is not among them."""
    for index, known in enumerate(citations):
        if (known.document_id, known.start) == (e.document_id, e.start):
            citations[index] = known if known.support >= support else cite(known.marker, e, support)
            return known.marker
    citations.append(cite(len(citations) + 1, e, support))
    return len(citations)


def _join(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"
