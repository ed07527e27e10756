"""Answer one question: retrieve evidence, ask the model, check its answer, and estimate how likely it is right."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence

from rag.answering.asked import Asked
from rag.answering.checks import check
from rag.answering.confidence import probability
from rag.answering.dated import other_value
from rag.answering.generate import MAX_ANSWER_CHARS, extract, generate, repeated
from rag.answering.mentions import Mentions
from rag.answering.signals import Weighed, cited_of, passages_of, signals_of, statements_of
from rag.answering.statements import Checker
from rag.answering.strong import Written, write
from rag.answering.verify import (
    combine,
    differing,
    finds_nothing,
    other_language,
    refusal,
    told,
    unmarked,
    verdict_of,
)
from rag.errors import LLMError, ModelMissingError, QuestionError, RagError, SettingsError
from rag.language.grammar import ENGLISH
from rag.language.questions import Form, asks_reason, form, leans_on, looked_up, parts, topic, values
from rag.language.readable import readable
from rag.language.words import content_terms
from rag.models.meter import Meter
from rag.models.profile import profile_of
from rag.models.prompts import answer_start
from rag.models.runtime import Models
from rag.protocols import Retriever
from rag.reports import CheckReport
from rag.retrieve.evidence import EvidenceFinder
from rag.retrieve.select import nearest_sentences, sentence_after
from rag.settings import Settings
from rag.types import Answer, Draft, Evidence, Filters

_MOST_CHECKED = 20_000  # characters of a text to check
RELATED = 3  # sentences offered beside an abstention
_COMPARED = 8  # sentences in which another answer is looked for
_SURE_OF_OTHER = 0.75  # mean token probability from which another answer differs from the first
# How certain (mean token probability) the model must be of what it finds in a second look.
_CERTAIN = 0.95
_ENDS = (".", "!", "?", "”", '"')


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
        asked = Asked(question, filters, wordings, Meter(self._models))
        asked.hits = self.finder.look_up(question, filters, asked.read)
        sections = parts(question)
        others = (*wordings, *(looked_up(sections) if len(sections) > 1 else ()))
        asked.others = [self.finder.look_up(other, filters, asked.read) for other in others]
        missing = self.finder.missing(question, asked.read)
        foreign = self.finder.other_languages(question, asked.hits)
        checker, lacking = self._strong_checker()
        if checker:
            # A strong model sums up a topic and answers all parts itself, and no word of a question refuses before the
            # judge has read the answer.
            written = self._strong(asked, checker)
        else:
            written = self._write(asked, sections, bool(missing), bool(foreign))
        for part in written:
            yield part if isinstance(part, str) else self._settled(asked, part, missing, foreign, lacking)

    def _strong(self, asked: Asked, checker: Checker) -> Iterator[str | Written]:
        """Yield a strong model's words, then what the judge leaves of them; the best sentence if the model fails."""
        generating = time.perf_counter()
        try:
            yield from write(asked, self._models, checker)
        except (ModelMissingError, LLMError) as error:
            asked.took("generate", generating)
            evidence = self.finder.evidence(asked.question, asked.hits, asked.others) or nearest_sentences(
                asked.hits, 1
            )
            draft = _instead(evidence, error)
            weighed = self._weigh(asked.question, draft, evidence, asked.read)
            yield Written(draft, tuple(evidence), weighed.verdict, weighed)

    def _write(self, asked: Asked, sections: Sequence[str], missing: bool, foreign: bool) -> Iterator[str | Written]:
        """Yield a small model's words, or none without a model, then what the checks leave of them."""
        question, read = asked.question, asked.read
        about = topic(question)
        if about and not missing and (evidence := self.finder.overview(about, asked.filters, read)):
            asked.took("retrieve")
            yield Written(Draft("", "extractive"), tuple(evidence), told(evidence))
            return
        evidence = self.finder.evidence(question, asked.hits, asked.others)
        asked.took("retrieve")
        if not evidence or missing or (foreign and self._models.extractive):
            yield Written(Draft("", "none"), tuple(evidence), refusal())
            return
        drafts: list[tuple[str, Draft]] = []
        for part in self._drafts(asked, sections, evidence, self._quotes(question, foreign)):
            if isinstance(part, str):
                yield part
            else:
                drafts.append(part)
        if len(drafts) == 1 and drafts[0][1].model != "extractive" and finds_nothing(question, drafts[0][1].text):
            more = self.finder.more(asked.hits, evidence)
            for again in self._second_look(asked, evidence, more):
                if isinstance(again, str):
                    yield again
                else:
                    drafts, evidence = [(question, again)], [*evidence, *more]
        checking = time.perf_counter()
        follow_up = bool(asked.wordings)
        weighed = [self._weigh(text, one, evidence, read, follow_up, len(drafts)) for text, one in drafts]
        for n in range(1, len(weighed)):
            # "How many work there?" has no answer when "which place?" has none.
            if weighed[n - 1].verdict.abstained and leans_on(drafts[n][0], drafts[n - 1][0]):
                weighed[n] = dataclasses.replace(weighed[n], verdict=refusal())
        if len(weighed) == 1:
            weighed = [self._compared(asked, weighed[0], drafts[0][1])]
        asked.took("verify", checking)
        # Any part may be answered by a sentence because the model failed.
        notices = tuple(dict.fromkeys(notice for _, draft in drafts for notice in draft.notices))
        draft = dataclasses.replace(drafts[0][1], notices=notices)
        verdict = combine([q for q, _ in drafts], [w.verdict for w in weighed])
        yield Written(draft, tuple(evidence), verdict, min(weighed, key=lambda w: w.probability))

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
        """Return what checks a strong model, and a notice if that is missing and words are compared."""
        if not self._models.is_strong:
            return None, []
        try:
            return self._checker(), []
        except ModelMissingError as error:
            return None, [f"{error}. Until then the answer is only compared with the articles word by word."]

    def _checker(self) -> Checker | None:
        judge = self._models.judge()
        return Checker(self.finder, judge, self.settings.without_signals) if judge else None

    def _second_look(self, asked: Asked, evidence: list[Evidence], more: list[Evidence]) -> Iterator[str | Draft]:
        """Yield what the model finds in more sentences; yield a draft only if the model is certain."""
        if not more:
            return
        generating = time.perf_counter()
        yield "; "
        for part in self._draft(asked, asked.question, more, form(asked.question), (), evidence):
            certain = isinstance(part, Draft) and (part.confidence is None or part.confidence >= _CERTAIN)
            if isinstance(part, str) or (certain and part.model != "extractive"):
                yield part
        asked.timings["generate"] += time.perf_counter() - generating

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
        kind = "extractive" if draft.model == "extractive" else "answer"
        kept: list[tuple[str, list[tuple[Evidence, float]]]] = []
        likely, signals = 0.0, dict[str, float]()
        for one in check(question, draft, evidence, read.__getitem__, aliases, follow_up, language):
            own = signals_of(draft, one, evidence, sharing)
            chance = probability(kind, {n: v for n, v in own.items() if n not in self.settings.without_signals})
            if chance >= self.settings.caution:
                likely = min(likely, chance) if kept else chance
                kept.append((one.text, [(e, round(chance, 3)) for e, _ in one.found]))
            elif not kept:
                likely = max(likely, chance)
            signals = own if likely == chance else signals
            if not kept and asks_reason(question):
                break  # a reason is none without what it is the reason for
        verdict = verdict_of(kept)
        if verdict.abstained:
            return Weighed(verdict, likely, signals)
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
        return Weighed(verdict, likely, signals)

    def _compared(self, asked: Asked, weighed: Weighed, draft: Draft) -> Weighed:
        """Return the answer, joined with that of another article if it gives a different amount or time."""
        question, verdict = asked.question, weighed.verdict
        if verdict.abstained or draft.model == "extractive":
            return weighed
        evidence = other_value(question, verdict, nearest_sentences(asked.hits, _COMPARED))
        if evidence is None:
            return weighed
        again = self._ask_again(asked, evidence)
        if again.model == "extractive" or (again.confidence is not None and again.confidence < _SURE_OF_OTHER):
            return weighed
        other = self._weigh(question, again, [evidence], asked.read)
        said, differs = (values(question, unmarked(one.text)) for one in (verdict, other.verdict))
        if other.verdict.abstained or not differs or differs & said:
            return weighed
        least = min(weighed, other, key=lambda w: w.probability)
        return dataclasses.replace(least, verdict=differing(verdict, other.verdict))

    def _ask_again(self, asked: Asked, evidence: Evidence) -> Draft:
        """Return what the model answers from one sentence alone; an empty draft if there is none."""
        for part in self._draft(asked, asked.question, [evidence], form(asked.question), ()):
            if isinstance(part, Draft):
                return part
        return Draft("", "none")

    def _drafts(
        self, asked: Asked, sections: Sequence[str], evidence: list[Evidence], quotes: bool
    ) -> Iterator[str | tuple[str, Draft]]:
        """Yield the model's words, and after each part of the question that part with its draft."""
        generating = time.perf_counter()
        if quotes:
            yield " and ".join(sections) if len(sections) > 1 else sections[0], extract(asked.question, evidence)
            return
        earlier: list[tuple[str, str]] = []
        for question in sections:
            if earlier:
                yield "; "
            for part in self._draft(asked, question, evidence, form(sections[0]), earlier):
                if isinstance(part, str):
                    yield part
                    continue
                if more := self._reason(asked, question, part, evidence):
                    yield more
                    part = dataclasses.replace(part, text=part.text + more)
                earlier.append((question, part.text))
                yield question, part
        asked.took("generate", generating)

    def _quotes(self, question: str, foreign: bool) -> bool:
        """Return whether a question is answered by a quoted sentence: always without a model.

        A small model knows other languages than English less well than the words do (docs/languages.md). It is asked
        where the articles are in another language than the question.
        """
        if self._models.extractive:
            return True
        return not (foreign or self._models.is_strong or self.finder.language(question) == ENGLISH)

    def _reason(self, asked: Asked, question: str, given: Draft, evidence: list[Evidence]) -> str:
        """Return the sentence after the one that was repeated where a reason is asked for, and add it as evidence.

        Where the reason is not in the sentence itself, it is mostly in the next one. Empty if none is needed.
        """
        told = repeated(question, given.text, evidence)
        after = sentence_after(told, asked.hits) if told else None
        if not after:
            return ""
        if (after.document_id, after.start) not in {(e.document_id, e.start) for e in evidence}:
            evidence.append(dataclasses.replace(after, rank=len(evidence) + 1))
        return f"{'' if given.text.endswith(_ENDS) else '.'} {readable(after.text)}"

    def _draft(
        self,
        asked: Asked,
        question: str,
        evidence: list[Evidence],
        form: Form,
        earlier: Sequence[tuple[str, str]],
        without: Sequence[Evidence] = (),
    ) -> Iterator[str | Draft]:
        try:
            name = self._models.llm().metadata.model_name
            self._models.prepare(answer_start(form))
            most = max(MAX_ANSWER_CHARS, profile_of(self.settings, is_local=True).answer_chars)
            for part in generate(question, evidence, asked.meter, name, form, earlier, without, most):
                if "first_token" not in asked.timings:
                    asked.took("first_token")
                yield part
        except (ModelMissingError, LLMError) as error:
            # A damaged or unusable model is an error; one that is missing or down must not keep the reader waiting.
            yield _instead(evidence, error)

    def _settled(
        self, asked: Asked, written: Written, missing: Sequence[str], foreign: Sequence[str], lacking: Sequence[str]
    ) -> Answer:
        """Return the answer; a refusal says what is missing, and comes with the nearest sentences."""
        verdict, least = written.verdict, written.weighed
        if verdict.abstained and missing:
            verdict = refusal(missing, verdict.unconfirmed)
        if verdict.abstained and foreign:
            verdict = dataclasses.replace(other_language(asked.question, foreign), unconfirmed=verdict.unconfirmed)
        asked.took("total")
        return Answer(
            question=asked.question,
            text=verdict.text,
            abstained=verdict.abstained,
            citations=verdict.citations,
            evidence=written.evidence,
            model=written.draft.model,
            timings=asked.timings,
            settings_hash=self.settings.hash,
            notices=tuple(dict.fromkeys([*lacking, *written.draft.notices])),
            related=tuple(nearest_sentences(asked.hits, RELATED)) if verdict.abstained else (),
            confidence=round(least.probability, 3) if least else None,
            signals=least.signals if least else {},
            statements=verdict.statements or statements_of(verdict),
            unconfirmed=verdict.unconfirmed,
            usage=asked.meter.usage,
        )


def _instead(evidence: Sequence[Evidence], error: RagError) -> Draft:
    """Return the best sentence, with a notice that says why it is shown instead of a model's answer."""
    notice = f"{error}. The best matching sentence is shown instead."
    return dataclasses.replace(extract("", evidence), notices=(notice,))
