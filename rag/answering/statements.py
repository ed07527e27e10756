"""Hold the statements of a text against the library: find evidence for each, and let the judge read it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from rag.answering.markup import plain_lines
from rag.answering.phrasing import MARKERS
from rag.answering.support import SUPPORTED, Claim, Judged, given_prior, judged
from rag.answering.verify import Verdict, is_refusal, marker_of, refusal
from rag.language.words import content_terms, split_sentences
from rag.origin import origin
from rag.protocols import Judge
from rag.reports import CheckedSentence, CheckReport
from rag.retrieve.evidence import EvidenceFinder
from rag.retrieve.select import leans, nearest_sentences
from rag.types import Citation, Draft, Evidence, Filters, Statement

_SHORT = 4  # content words below which a claim is searched for with its question
_SEARCHED = 8  # sentences found for each statement
# From this probability on, the evidence speaks against a claim that it does not support.
_CONTRADICTED = 0.5
# Share of a strong model's statements over passages that are right, as assumed; of a text that anybody may have written
# it is one half. docs/judge.md says what this costs and gains.
_RIGHT = 0.75
_AFTER = re.compile(rf"(?P<end>[.!?][\"”’']?)(?P<markers>(?:{MARKERS.pattern})+)")
_BULLET = re.compile(r"^\s*[•·–]\s+")  # what Markdown does not know as one
_LEAD = re.compile(
    r"^(?:based on|according to|from) (?:the|these|your) (?:\w+ )?(?:sources?|articles?|sentences?|texts?|passages?|"
    r"context|documents?|evidence|information)(?: (?:provided|given|above|shown|supplied))?\s*[,:]\s*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Said:
    """A statement of a model, and the numbers of the passages that it names for it."""

    text: str
    cited: tuple[int, ...] = ()


def statements(text: str) -> list[Said]:
    """Return the statements of a model's words, without its markers, markup and lead-ins."""
    found: list[Said] = []
    waiting = ""
    for line in plain_lines(text):
        # A marker after the full stop belongs to the sentence before it.
        line = _AFTER.sub(lambda m: f"{m['markers']}{m['end']}", _BULLET.sub("", line))
        if (lead := _LEAD.match(line.strip())) is not None:
            line = lead["rest"][:1].upper() + lead["rest"][1:]
        if line.rstrip().endswith(":"):
            continue  # it only announces what follows
        for sentence in split_sentences(line):
            cited = tuple(int(n) for marker in MARKERS.finditer(sentence) for n in re.findall(r"\d+", marker[1]))
            said = " ".join(f"{waiting} {MARKERS.sub('', sentence)}".split())
            # A "Yes." or "No." belongs to the sentence after it.
            waiting = said if said and not content_terms(said) else ""
            if said and not waiting:
                found.append(Said(said, cited))
    return [*found, Said(waiting)] if waiting else found


class Checker:
    """Finds evidence for claims in the library and lets the judge read it.

    Args:
        finder: Finds sentences.
        judge: The judge.
        without: Signals that do not count.
    """

    def __init__(self, finder: EvidenceFinder, judge: Judge, without: Collection[str] = ()) -> None:
        self._finder = finder
        self._judge = judge
        self._without = without

    def judged(
        self,
        said: Sequence[Said],
        question: str | None,
        shown: Sequence[Sequence[Evidence]],
        filters: Filters | None,
        read: dict[str, str],
    ) -> list[tuple[Judged, list[Evidence]]]:
        """Return for each statement how likely the library supports it, and the sentences to cite.

        Args:
            said: Statements in their order.
            question: The question that they answer; None if they stand alone.
            shown: The sentences of each passage that the model was shown.
            filters: Which articles to search; all when None.
            read: Receives the texts of the articles, by id.
        """
        claims = [
            Claim(
                one.text,
                question if len(content_terms(one.text)) < _SHORT else None,
                said[n - 1].text if n and leans(one.text) else "",
            )
            for n, one in enumerate(said)
        ]
        best = [
            self._found(claim, _cited_first(one.cited, shown), filters, read)
            for claim, one in zip(claims, said, strict=True)
        ]
        found = [_in_order(some) for some in best]
        texts = [[_text(e, claim.whole) for e in some] for claim, some in zip(claims, found, strict=True)]
        order = [[some.index(e) for e in ranked] for some, ranked in zip(found, best, strict=True)]
        results = judged(self._judge, claims, texts, order, self._without)
        return [(one, [some[i] for i in one.cited]) for one, some in zip(results, found, strict=True)]

    def _found(
        self, claim: Claim, shown: tuple[list[Evidence], list[Evidence]], filters: Filters | None, read: dict[str, str]
    ) -> list[Evidence]:
        """Return sentences that may support a claim: those that the model names for it, the nearest, the others."""
        # A short answer is searched for with its question.
        short = len(content_terms(claim.whole)) < _SHORT
        question = claim.question or ""
        hits = self._finder.search(f"{question} {claim.whole}" if short else claim.whole, question, filters, read)
        cited, others = shown
        found: dict[tuple[str, int], Evidence] = {}
        for e in (*cited, *nearest_sentences(hits, _SEARCHED), *others):
            found.setdefault((e.document_id, e.start), e)
        return list(found.values())

    def answer(
        self,
        question: str,
        draft: Draft,
        shown: Sequence[Sequence[Evidence]],
        filters: Filters | None,
        read: dict[str, str],
    ) -> tuple[Verdict, Judged | None, list[str]]:
        """Check a strong model's words.

        Returns:
            The supported statements with their citations, the judgement on the least likely of them, and the sentences
            that say what the passages do not have.
        """
        said = statements(draft.text)
        results = [
            (replace(one, probability=given_prior(one.probability, _RIGHT)), cited)
            for one, cited in self.judged(said, question, shown, filters, read)
        ]
        citations: list[Citation] = []
        kept: list[Statement] = []
        unconfirmed, absent = list[str](), list[str]()
        least: Judged | None = None
        for statement, (one, cited) in zip(said, results, strict=True):
            text = statement.text
            if one.probability < SUPPORTED or not cited:
                (absent if is_refusal(text) else unconfirmed).append(text)
                continue
            markers = tuple(sorted({marker_of(citations, e, round(one.probability, 3)) for e in cited}))
            kept.append(Statement(text, markers, round(one.probability, 3)))
            least = one if least is None or one.probability < least.probability else least
        if not kept:
            best = max((one for one, _ in results), key=lambda one: one.probability, default=None)
            return refusal(unconfirmed=unconfirmed), best, absent
        shown_text = " ".join(f"{s.text} " + "".join(f"[{m}]" for m in s.markers) for s in kept)
        support = min(s.support for s in kept)
        return Verdict(shown_text, tuple(citations), False, support, tuple(kept), tuple(unconfirmed)), least, absent

    def check(self, text: str, filters: Filters | None) -> CheckReport:
        """Return what the library says of each sentence of a text; see `Engine.check`."""
        said = statements(text)
        citations: list[Citation] = []
        items = []
        for sentence, (one, cited) in zip(said, self.judged(said, None, (), filters, {}), strict=True):
            verdict = "not found"
            if one.probability >= SUPPORTED and cited:
                verdict = "supported"
            elif one.contradicted >= _CONTRADICTED and cited:
                verdict = "contradicted"
            markers = {marker_of(citations, e, round(one.probability, 3)) for e in cited}
            own = tuple(c for c in citations if c.marker in markers)
            items.append(CheckedSentence(sentence.text, verdict, round(one.probability, 3), own))
        return CheckReport(tuple(items))


def _cited_first(cited: Sequence[int], passages: Sequence[Sequence[Evidence]]) -> tuple[list[Evidence], list[Evidence]]:
    """Return the sentences of the passages with these numbers, and the others."""
    named: list[Evidence] = []
    others: list[Evidence] = []
    for number, sentences in enumerate(passages, 1):
        (named if number in cited else others).extend(sentences)
    return named, others


def _text(e: Evidence, claim: str) -> str:
    """Return a sentence as the judge reads it, after who published it and when if the claim speaks of that."""
    text = " ".join(e.in_context.split())
    # "March" of "Valley Courier, 14 Mar 2024", which the model read in its prompt
    told = origin(e.publisher, e.date, in_full=True)
    spoken = set(content_terms(told)) & set(content_terms(claim)) - set(content_terms(text))
    return f"{told}: {text}" if spoken else text


def _in_order(found: Sequence[Evidence]) -> list[Evidence]:
    """Return sentences article by article, each in its order, the article of the best sentence first."""
    documents = list(dict.fromkeys(e.document_id for e in found))
    return sorted(found, key=lambda e: (documents.index(e.document_id), e.start))
