"""Answer one question: retrieve evidence, ask the model, check its answer, and estimate how likely it is right."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence

from rag.answering.confidence import probability
from rag.answering.generate import extract, generate
from rag.answering.mentions import Mentions
from rag.answering.signals import cited_of, passages_of, signals_of, statements_of
from rag.answering.statements import Checker
from rag.answering.verify import (
    Verdict,
    combine,
    differing,
    finds_nothing,
    other_language,
    refusal,
    told,
    unmarked,
    verify,
)
from rag.errors import LLMError, ModelMissingError, QuestionError, SettingsError
from rag.language.grammar import ENGLISH
from rag.language.questions import Form, asks_reason, form, leans_on, looked_up, parts, topic, values
from rag.language.words import content_terms
from rag.models.prompts import answer_start
from rag.models.runtime import Models
from rag.protocols import Retriever
from rag.reports import CheckReport
from rag.retrieve.evidence import EvidenceFinder
from rag.retrieve.select import nearest_sentences
from rag.settings import Settings
from rag.types import Answer, Draft, Evidence, Filters, Hit

_MOST_CHECKED = 20_000  # characters of a text to check
RELATED = 3  # sentences offered beside an abstention
_COMPARED = 8  # sentences in which another answer is looked for
_SURE_OF_OTHER = 0.75  # mean token probability from which another answer differs from the first
# How certain (mean token probability) the model must be of what it finds in a second look.
_CERTAIN = 0.95


@dataclasses.dataclass(frozen=True, slots=True)
class Weighed:
    """A verdict, the probability that it (or the answer it holds back) is right, and the signals behind that."""

    verdict: Verdict
    probability: float
    signals: dict[str, float]


class Answerer:
    """Answers questions over an index with the models of an engine.

    Args:
        index: Finds passages.
        settings: The configuration.
        models: The embedding model and the answer model.
    """

    def __init__(self, index: Retriever, settings: Settings, models: Models) -> None:
        self.settings = settings
        self._models = models
        self.finder = EvidenceFinder(index, settings, models)
        self._mentions = Mentions(index, models)

    def stream(self, question: str, filters: Filters | None, wordings: Sequence[str] = ()) -> Iterator[str | Answer]:
        """Yield the model's words as they arrive, unchecked, then the checked `Answer`; see `Engine.stream`."""
        started = time.perf_counter()
        timings: dict[str, float] = {}
        read: dict[str, str] = {}
        hits = self.finder.look_up(question, filters, read)
        checker, lacking = self._strong_checker()
        # A strong model sums up a topic itself, and no word of a question refuses before the judge has read the answer.
        missing = self.finder.missing(question, read)
        foreign = self.finder.other_languages(question, hits)
        about = topic(question)
        if about and not missing and not checker and (evidence := self.finder.overview(about, filters, read)):
            timings["retrieve"] = time.perf_counter() - started
            yield self._answer(question, told(evidence), evidence, Draft("", "extractive"), timings, started)
            return
        asked = [question] if checker else parts(question)
        wanted = (*wordings, *(looked_up(asked) if len(asked) > 1 else ()))
        others = [self.finder.look_up(other, filters, read) for other in wanted]
        evidence = self.finder.evidence(hits, others)
        if checker and not evidence:
            evidence = nearest_sentences(hits, self.settings.evidence)
        timings["retrieve"] = time.perf_counter() - started
        drafts: list[tuple[str, Draft]] = []
        weighed: list[Weighed] = []
        if evidence and (checker or not missing) and not (foreign and self._models.extractive):
            for part in self._drafts(asked, evidence, timings, started):
                if isinstance(part, str):
                    yield part
                else:
                    drafts.append(part)
            draft = drafts[0][1]
            if len(drafts) == 1 and draft.model != "extractive" and finds_nothing(question, draft.text):
                more = self.finder.more(hits, evidence)
                for found in self._second_look(question, evidence, more, timings, started):
                    if isinstance(found, str):
                        yield found
                    else:
                        drafts, evidence = [(question, found)], [*evidence, *more]
            checking = time.perf_counter()
            draft = drafts[0][1]
            if checker and draft.model != "extractive":
                weighed = [self._confirmed(checker, question, draft, evidence, filters, read)]
            else:
                weighed = [self._weigh(text, one, evidence, read, bool(wordings), len(drafts)) for text, one in drafts]
            for n in range(1, len(weighed)):
                # "How many work there?" has no answer when "which place?" has none.
                if weighed[n - 1].verdict.abstained and leans_on(drafts[n][0], drafts[n - 1][0]):
                    weighed[n] = dataclasses.replace(weighed[n], verdict=refusal())
            if len(weighed) == 1 and not checker:
                weighed = [self._compared(question, weighed[0], drafts[0][1], hits, read)]
            timings["verify"] = time.perf_counter() - checking
        verdict = combine([q for q, _ in drafts], [w.verdict for w in weighed]) if weighed else refusal(missing)
        if verdict.abstained and missing:
            verdict = refusal(missing, verdict.unconfirmed)
        if verdict.abstained and foreign:
            verdict = dataclasses.replace(other_language(question, foreign), unconfirmed=verdict.unconfirmed)
        related = nearest_sentences(hits, RELATED) if verdict.abstained else ()
        draft = drafts[0][1] if drafts else Draft("", "none")
        notices = tuple(dict.fromkeys([*lacking, *(notice for _, part in drafts for notice in part.notices)]))
        draft = dataclasses.replace(
            draft, notices=notices
        )  # any part may be answered by a sentence because the model failed
        least = min(weighed, key=lambda w: w.probability, default=None)
        yield self._answer(question, verdict, evidence, draft, timings, started, related, least)

    def check(self, text: str, filters: Filters | None) -> CheckReport:
        """Return what the library says of each sentence of a text; see `Engine.check`."""
        if not text.strip():
            raise QuestionError("the text is empty; give some sentences to check")
        if len(text) > _MOST_CHECKED:
            raise QuestionError(
                f"the text has {len(text):,} characters, at most {_MOST_CHECKED:,} are checked; check it in parts"
            )
        checker = self._checker()
        if checker is None:
            raise SettingsError("a text is checked by the judge, which is turned off; set 'judge' to judge")
        return checker.check(text, filters)

    def _strong_checker(self) -> tuple[Checker | None, list[str]]:
        """Return what checks a model that is not local, and a notice if that is missing and words are compared."""
        if self._models.is_local:
            return None, []
        try:
            return self._checker(), []
        except ModelMissingError as error:
            return None, [f"{error}. Until then the answer is only compared with the articles word by word."]

    def _checker(self) -> Checker | None:
        judge = self._models.judge()
        return Checker(self.finder, judge) if judge else None

    @staticmethod
    def _confirmed(
        checker: Checker,
        question: str,
        draft: Draft,
        evidence: Sequence[Evidence],
        filters: Filters | None,
        read: dict[str, str],
    ) -> Weighed:
        """Return what the judge confirms of a strong model's draft."""
        if finds_nothing(question, draft.text):
            return Weighed(refusal(), 0.0, {})
        verdict, least = checker.answer(question, draft, evidence, filters, read)
        return Weighed(verdict, least.probability if least else 0.0, dict(least.signals) if least else {})

    def _second_look(
        self,
        question: str,
        evidence: list[Evidence],
        more: list[Evidence],
        timings: dict[str, float],
        started: float,
    ) -> Iterator[str | Draft]:
        """Yield what the model finds in more sentences; yield a draft only if the model is certain."""
        if not more:
            return
        generating = time.perf_counter()
        yield "; "
        for part in self._draft(question, more, form(question), (), timings, started, evidence):
            certain = isinstance(part, Draft) and (part.confidence is None or part.confidence >= _CERTAIN)
            if isinstance(part, str) or (certain and part.model != "extractive"):
                yield part
        timings["generate"] += time.perf_counter() - generating

    def _weigh(
        self,
        question: str,
        draft: Draft,
        evidence: Sequence[Evidence],
        read: Mapping[str, str],
        follow_up: bool = False,
        sharing: int = 1,
    ) -> Weighed:
        """Return the supported part of a draft if it is likely enough to be right, else a refusal.

        `sharing` is how many parts of one question were answered from the same evidence.
        """
        language = self.finder.language(question)
        aliases = self.finder.aliases(question)
        verdict = verify(question, draft, evidence, read.__getitem__, aliases, follow_up, language)
        signals = signals_of(evidence[0], draft, verdict, evidence, sharing)
        if verdict.abstained:
            return Weighed(verdict, 0.0, signals)
        likely = probability("extractive" if draft.model == "extractive" else "answer", signals)
        if likely < self.settings.caution:
            return Weighed(refusal(), likely, signals)
        cited = cited_of(evidence, verdict)
        text = " ".join(e.in_context for e in cited)
        # If the best sentence replaces a model that is down, the model did not answer and cannot be asked again.
        articles = [read[e.document_id] for e in cited]
        asked = draft.model != "extractive" and language == ENGLISH
        word = self._mentions.unsaid(question, text, passages_of(cited, read), articles) if asked else None
        if word is not None:
            # Here the word is usually a verb for what did not happen, not a thing that an article could mention.
            known = asks_reason(question) or self.finder.known(content_terms(word)[0], read)
            return Weighed(refusal([] if known else [f"“{word}”"]), 0.0, signals)
        citations = tuple(dataclasses.replace(c, support=round(likely, 3)) for c in verdict.citations)
        return Weighed(dataclasses.replace(verdict, citations=citations), likely, signals)

    def _compared(
        self, question: str, weighed: Weighed, draft: Draft, hits: Sequence[Hit], read: Mapping[str, str]
    ) -> Weighed:
        """Return the answer, joined with that of another article if it gives a different amount or time."""
        verdict = weighed.verdict
        said = values(question, unmarked(verdict.text))
        if verdict.abstained or not said or draft.model == "extractive":
            return weighed
        cited = {c.document_id for c in verdict.citations}
        near = nearest_sentences(hits, _COMPARED)
        best = max((e.coverage for e in near if e.document_id in cited), default=1.0)
        evidence = next(
            (
                e
                for e in near
                if e.document_id not in cited
                and e.coverage >= best
                and values(question, e.text) - values(question, question)
                and not said & values(question, e.text)
            ),
            None,
        )
        if evidence is None:
            return weighed
        again = self._ask_again(question, evidence)
        if again.model == "extractive" or (again.confidence is not None and again.confidence < _SURE_OF_OTHER):
            return weighed
        other = self._weigh(question, again, [evidence], read)
        differs = values(question, unmarked(other.verdict.text))
        if other.verdict.abstained or not differs or differs & said:
            return weighed
        least = min(weighed, other, key=lambda w: w.probability)
        return dataclasses.replace(least, verdict=differing(verdict, other.verdict))

    def _ask_again(self, question: str, evidence: Evidence) -> Draft:
        """Return what the model answers from one sentence alone; an empty draft if there is none."""
        for part in self._draft(question, [evidence], form(question), (), {}, 0.0):
            if isinstance(part, Draft):
                return part
        return Draft("", "none")

    def _drafts(
        self, asked: Sequence[str], evidence: list[Evidence], timings: dict[str, float], started: float
    ) -> Iterator[str | tuple[str, Draft]]:
        """Yield the model's words, and after each part of the question that part with its draft."""
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
        without: Sequence[Evidence] = (),
    ) -> Iterator[str | Draft]:
        try:
            llm = self._models.llm()
            self._models.prepare(answer_start(form))
            for part in generate(
                question, evidence, self._models.stream, llm.metadata.model_name, form, earlier, without
            ):
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
            statements=verdict.statements or statements_of(verdict),
            unconfirmed=verdict.unconfirmed,
        )
