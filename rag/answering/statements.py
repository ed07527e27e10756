"""Hold the statements of a text against the library: find evidence for each, and let the judge read it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answering.phrasing import MARKERS
from rag.answering.support import SUPPORTED, Claim, Judged, judged
from rag.answering.verify import Verdict, marker_of, refusal
from rag.language.words import content_terms, split_sentences
from rag.protocols import Judge
from rag.reports import CheckedSentence, CheckReport
from rag.retrieve.evidence import EvidenceFinder
from rag.retrieve.select import leans, nearest_sentences
from rag.types import Citation, Draft, Evidence, Filters, Statement

_SHORT = 4  # content words below which a claim is searched for with its question
_SEARCHED = 8  # sentences found for each statement
# From this probability on, the evidence speaks against a claim that it does not support.
_CONTRADICTED = 0.5
_BULLET = re.compile(r"^\s*(?:[-*•·–]|\d{1,2}[.)])\s+", re.MULTILINE)
_LEAD = re.compile(
    r"^(?:based on|according to|from) (?:the|these|your) (?:\w+ )?(?:sources?|articles?|sentences?|texts?|passages?|"
    r"context|documents?|evidence|information)(?: (?:provided|given|above|shown|supplied))?\s*[,:]\s*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)


def statements(text: str) -> list[str]:
    """Return the statements of a model's words, without its markers, bullets and lead-ins."""
    found: list[str] = []
    waiting = ""
    for line in _BULLET.sub("", MARKERS.sub("", text.replace("**", ""))).splitlines():
        if (lead := _LEAD.match(line.strip())) is not None:
            line = lead["rest"][:1].upper() + lead["rest"][1:]
        if line.rstrip().endswith(":"):
            continue  # it only announces what follows
        for sentence in split_sentences(line):
            said = " ".join(f"{waiting} {sentence}".split())
            # A "Yes." or "No." belongs to the sentence after it.
            waiting = said if said and not content_terms(said) else ""
            if said and not waiting:
                found.append(said)
    return [*found, waiting] if waiting else found


class Checker:
    """Finds evidence for claims in the library and lets the judge read it.

    Args:
        finder: Finds sentences.
        judge: The judge.
    """

    def __init__(self, finder: EvidenceFinder, judge: Judge) -> None:
        self._finder = finder
        self._judge = judge

    def judged(
        self,
        said: Sequence[str],
        question: str | None,
        shown: Sequence[Evidence],
        filters: Filters | None,
        read: dict[str, str],
    ) -> list[tuple[Judged, list[Evidence]]]:
        """Return for each statement how likely the library supports it, and the sentences to cite.

        Args:
            said: Statements in their order.
            question: The question that they answer; None if they stand alone.
            shown: Sentences found for the question.
            filters: Which articles to search; all when None.
            read: Receives the texts of the articles, by id.
        """
        claims = [Claim(text, question, said[n - 1] if n and leans(text) else "") for n, text in enumerate(said)]
        best = [self._found(claim, shown, filters, read) for claim in claims]
        found = [_in_order(some) for some in best]
        texts = [[" ".join(e.in_context.split()) for e in some] for some in found]
        order = [[some.index(e) for e in ranked] for some, ranked in zip(found, best, strict=True)]
        results = judged(self._judge, claims, texts, order)
        return [(one, [some[i] for i in one.cited]) for one, some in zip(results, found, strict=True)]

    def _found(
        self, claim: Claim, shown: Sequence[Evidence], filters: Filters | None, read: dict[str, str]
    ) -> list[Evidence]:
        # A short answer is searched for with its question.
        short = len(content_terms(claim.whole)) < _SHORT
        question = claim.question or ""
        hits = self._finder.search(f"{question} {claim.whole}" if short else claim.whole, question, filters, read)
        near = nearest_sentences(hits, _SEARCHED)
        places = {(e.document_id, e.start) for e in near}
        return [*near, *(e for e in shown if (e.document_id, e.start) not in places)]

    def answer(
        self, question: str, draft: Draft, shown: Sequence[Evidence], filters: Filters | None, read: dict[str, str]
    ) -> tuple[Verdict, Judged | None]:
        """Return a draft's supported statements with their citations, and the judgement on the least likely of them."""
        said = statements(draft.text)
        results = self.judged(said, question, shown, filters, read)
        citations: list[Citation] = []
        kept: list[Statement] = []
        unconfirmed = []
        least: Judged | None = None
        for text, (one, cited) in zip(said, results, strict=True):
            if one.probability < SUPPORTED or not cited:
                unconfirmed.append(text)
                continue
            markers = tuple(sorted({marker_of(citations, e, round(one.probability, 3)) for e in cited}))
            kept.append(Statement(text, markers, round(one.probability, 3)))
            least = one if least is None or one.probability < least.probability else least
        if not kept:
            best = max((one for one, _ in results), key=lambda one: one.probability, default=None)
            return refusal(unconfirmed=unconfirmed), best
        shown_text = " ".join(f"{s.text} " + "".join(f"[{m}]" for m in s.markers) for s in kept)
        support = min(s.support for s in kept)
        return Verdict(shown_text, tuple(citations), False, support, tuple(kept), tuple(unconfirmed)), least

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
            items.append(CheckedSentence(sentence, verdict, round(one.probability, 3), own))
        return CheckReport(tuple(items))


def _in_order(found: Sequence[Evidence]) -> list[Evidence]:
    """Return sentences article by article, each in its order, the article of the best sentence first."""
    documents = list(dict.fromkeys(e.document_id for e in found))
    return sorted(found, key=lambda e: (documents.index(e.document_id), e.start))
