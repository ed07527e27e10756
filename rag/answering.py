"""One question: retrieved for, answered, checked and weighed."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator, Mapping, Sequence

from rag.confidence import probability
from rag.draft import extract, generate
from rag.errors import LLMError, ModelMissingError, StoreError
from rag.evidence import nearest, select
from rag.index import Index
from rag.prompts import answer_start
from rag.question import Form, form, parts
from rag.retrieve import rank
from rag.runtime import Models
from rag.settings import Settings
from rag.text import acronyms, content_terms, names, words
from rag.types import Answer, Draft, Evidence, Filters, Hit
from rag.verify import Verdict, combine, refusal, verify

RELATED = 3  # sentences offered beside an abstention


@dataclasses.dataclass(frozen=True, slots=True)
class Weighed:
    """A verdict with the probability that it, or what it holds back, is right, and what that was weighed from."""

    verdict: Verdict
    probability: float
    signals: dict[str, float]


class Answering:
    """Answers questions over an index with the models of an engine.

    Args:
        index: The store.
        settings: What is configured.
        models: What embeds and answers.
    """

    def __init__(self, index: Index, settings: Settings, models: Models) -> None:
        self._index = index
        self.settings = settings
        self._models = models

    def stream(self, question: str, filters: Filters | None) -> Iterator[str | Answer]:
        """Yield the model's words as they come, unchecked, and last the checked `Answer`."""
        started = time.perf_counter()
        timings: dict[str, float] = {}
        missing = self._missing(question)
        hits = self.hits(question, filters)
        asked = parts(question)
        evidence = self._evidence(asked, hits, filters)
        timings["retrieve"] = time.perf_counter() - started
        drafts: list[tuple[str, Draft]] = []
        weighed: list[Weighed] = []
        if not missing and evidence:
            for part in self._drafts(asked, evidence, timings, started):
                if isinstance(part, str):
                    yield part
                else:
                    drafts.append(part)
            checking = time.perf_counter()
            weighed = [self._weigh(text, draft, evidence) for text, draft in drafts]
            timings["verify"] = time.perf_counter() - checking
        verdict = combine([q for q, _ in drafts], [w.verdict for w in weighed]) if weighed else refusal(missing)
        related = nearest(hits, RELATED) if verdict.abstained else ()
        draft = drafts[0][1] if drafts else Draft("", "none")
        least = min(weighed, key=lambda w: w.probability, default=None)
        yield self._answer(question, verdict, evidence, draft, timings, started, related, least)

    def _missing(self, question: str) -> list[str]:
        """Return the names of the question, as typed, that occur in no article."""
        wanted = [name for name in names(question) if not self._index.knows(name)]
        typed = {content_terms(word)[0]: word for word in words(question) if content_terms(word)}
        return [typed[name].removesuffix("'s").removesuffix("’s") for name in wanted if name in typed]

    def hits(self, question: str, filters: Filters | None) -> list[Hit]:
        """Return every sentence of the proposed passages, best first."""
        asked = self._index.correct(content_terms(question))
        full = {short: name for short in acronyms(question) if (name := self._index.spell_out(short))}
        aliases = {content_terms(short)[0]: frozenset(content_terms(name)) for short, name in full.items()}
        vector = self._models.embedding().embed_question(_spelled_out(question, full))
        documents = filters.documents if filters else ()
        wanted = [*asked, *(term for names in aliases.values() for term in sorted(names))]
        candidates = self._index.search(vector, wanted, self.settings.candidates, documents)
        return rank(question, candidates, vector, {term: self._index.idf(term) for term in asked}, aliases)

    def _evidence(self, asked: Sequence[str], hits: Sequence[Hit], filters: Filters | None) -> list[Evidence]:
        """Return what the model is shown: the best sentences, and where a question has parts the best for each."""
        if len(asked) == 1:
            return select(hits, self.settings.evidence)
        by_part = [select(hits, 2), *(select(self.hits(part, filters), 2) for part in asked)]
        chosen: dict[tuple[str, int], Evidence] = {}
        for evidence in (e for found in by_part for e in found):
            chosen.setdefault((evidence.document_id, evidence.start), evidence)
        kept = list(chosen.values())[: self.settings.evidence]
        return [dataclasses.replace(e, rank=rank) for rank, e in enumerate(kept, 1)]

    def _weigh(self, question: str, draft: Draft, evidence: Sequence[Evidence]) -> Weighed:
        """Return what is left of a draft where it is likely enough to be right, else a refusal."""

        def read(document_id: str) -> str:
            document = self._index.documents.document(document_id)
            if document is None:
                raise StoreError(f"the library holds no article with id {document_id}; see: rag sources")
            return document.text

        verdict = verify(question, draft, evidence, read)
        signals = _signals(evidence[0], draft, verdict, evidence)
        if verdict.abstained:
            return Weighed(verdict, 0.0, signals)
        likely = probability("extractive" if draft.model == "extractive" else "answer", signals)
        if likely < self.settings.caution:
            return Weighed(refusal(), likely, signals)
        citations = tuple(dataclasses.replace(c, support=round(likely, 3)) for c in verdict.citations)
        return Weighed(dataclasses.replace(verdict, citations=citations), likely, signals)

    def _drafts(
        self, asked: Sequence[str], evidence: list[Evidence], timings: dict[str, float], started: float
    ) -> Iterator[str | tuple[str, Draft]]:
        """Yield the model's words, and after each part of the question the part with its draft."""
        generating = time.perf_counter()
        if self._models.extractive:
            yield " and ".join(asked) if len(asked) > 1 else asked[0], extract(evidence)
            return
        earlier: list[tuple[str, str]] = []
        for question in asked:
            if earlier:
                yield "; "
            for part in self._draft(question, evidence, form(asked[0]), earlier, timings, started):
                if isinstance(part, str):
                    yield part
                else:
                    earlier.append((question, part.text))
                    yield question, part
        timings["generate"] = time.perf_counter() - generating

    def _draft(
        self,
        question: str,
        evidence: list[Evidence],
        form: Form,
        earlier: Sequence[tuple[str, str]],
        timings: dict[str, float],
        started: float,
    ) -> Iterator[str | Draft]:
        try:
            llm = self._models.llm()
            self._models.prepare(answer_start(form))
            for part in generate(question, evidence, self._models.stream, llm.metadata.model_name, form, earlier):
                timings.setdefault("first_token", time.perf_counter() - started)
                yield part
        except (ModelMissingError, LLMError) as error:
            # A damaged or unusable model is an error; one that is missing or down must not keep the reader waiting.
            fallback = extract(evidence)
            notice = f"{error}. The best matching sentence is shown instead."
            yield dataclasses.replace(fallback, notices=(notice,))

    def _answer(
        self,
        question: str,
        verdict: Verdict,
        evidence: Sequence[Evidence],
        draft: Draft,
        timings: dict[str, float],
        started: float,
        related: Sequence[Evidence] = (),
        weighed: Weighed | None = None,
    ) -> Answer:
        timings["total"] = time.perf_counter() - started
        return Answer(
            question=question,
            text=verdict.text,
            abstained=verdict.abstained,
            citations=verdict.citations,
            evidence=tuple(evidence),
            model=draft.model,
            timings=timings,
            settings_hash=self.settings.hash,
            notices=draft.notices,
            related=tuple(related),
            confidence=round(weighed.probability, 3) if weighed else None,
            signals=weighed.signals if weighed else {},
        )


def _spelled_out(question: str, names: Mapping[str, str]) -> str:
    """Return the question with acronyms replaced by the names that they stand for."""
    for short, name in names.items():
        question = re.sub(rf"\b{re.escape(short)}\b", lambda _, name=name: name, question)  # type: ignore[misc]
    return question


def _signals(best: Evidence, draft: Draft, verdict: Verdict, evidence: Sequence[Evidence]) -> dict[str, float]:
    """Return what speaks for an answer: the best sentence's scores, the model's certainty, the support it found."""
    cited = [
        e for e in evidence if any((c.document_id, c.start) == (e.document_id, e.start) for c in verdict.citations)
    ]
    found = {
        "score": best.score,
        "dense": best.dense,
        "coverage": best.coverage,
        "cited_score": max((e.score for e in cited), default=best.score),
        "cited_coverage": max((e.coverage for e in cited), default=best.coverage),
        "support": verdict.support,
        "sentences": float(len(evidence)),
    }
    if draft.confidence is not None:
        found["certainty"] = draft.confidence
    if draft.unknown is not None:
        found["unknown"] = draft.unknown
    return {name: round(value, 4) for name, value in found.items()}
