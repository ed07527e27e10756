"""Answer questions in view of when articles appeared: choose by date, and say when a value was given.

It stands before `Answerer`, and works by choosing the articles that it answers from.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence

from rag.answering.answer import Answerer
from rag.answering.catalogue import Catalogue
from rag.answering.citation import evidence_from
from rag.answering.course import course
from rag.answering.dated import joined, parted, resolved, rivals, says_when
from rag.answering.signals import statements_of
from rag.answering.verify import Verdict, refusal, told
from rag.language.article_questions import ArticleQuestion, Wanted, article_question
from rag.language.asked_time import AskedTime, asked_time, moved
from rag.language.grammar import ENGLISH
from rag.language.words import content_terms
from rag.models.runtime import Models
from rag.retrieve.select import select
from rag.store.articles import Articles
from rag.types import Answer, Filters, Hit

_NEAR = 0.8  # of the best score and coverage: such a sentence is about the same
_COMPARED = 40  # sentences in which other articles are looked for
_OLDER = 3  # earlier values that are given
_TOLD = 3  # sentences given of what a publisher said


class Timely:
    """Answers questions by way of an `Answerer`, with regard to dates and to what is known about articles.

    Args:
        articles: The store's articles.
        answerer: Answers from the articles that it is given.
        models: The models; a strong model reads dates in its prompt, and chooses and orders by itself.
    """

    def __init__(self, articles: Articles, answerer: Answerer, models: Models) -> None:
        self._articles = articles
        self._answerer = answerer
        self._chooses = not models.is_strong
        self.catalogue = Catalogue(articles, answerer.finder)

    def stream(self, question: str, filters: Filters | None, wordings: Sequence[str] = ()) -> Iterator[str | Answer]:
        """Yield the model's words as they arrive, then the `Answer`; see `Engine.stream`."""
        started = time.perf_counter()
        if self._answerer.finder.language(question) != ENGLISH:
            yield from self._answerer.stream(question, filters, wordings)
            return
        when = asked_time(question, self._articles.newest())
        dated = when is not None and bool(when.since or when.until)
        limits = _within(filters, when) if when and dated else filters
        asked = (article_question(when.rest) if when and dated else None) or article_question(question)
        if asked and asked.wanted in (Wanted.SAID, Wanted.BY_ONE) and (by := self._by(asked, limits)):
            if asked.wanted is Wanted.BY_ONE or (asked.about and not self._chooses):
                own = f"{asked.about[:1].upper()}{asked.about[1:]}?" if asked.wanted is Wanted.BY_ONE else question
                for part in self._answerer.stream(own, by, wordings):
                    yield part if isinstance(part, str) else dataclasses.replace(part, question=question)
                return
            limits = by
        if asked and (verdict := self._about_articles(asked, limits, dated)) is not None:
            yield self.answer(question, verdict, started)
            return
        yield from self._timed(question, when, filters, wordings)

    def _timed(
        self, question: str, when: AskedTime | None, filters: Filters | None, wordings: Sequence[str]
    ) -> Iterator[str | Answer]:
        """Yield an answer from the articles of the time asked about, or else from all."""
        chosen = self._chosen(when, question, filters) if self._chooses and when else None
        if chosen is not None:
            for part in self._answerer.stream(chosen[0], chosen[1], wordings):
                if isinstance(part, str):
                    yield part
                elif not part.abstained:
                    yield dataclasses.replace(self._finished(chosen[0], part, chosen[1]), question=question)
                    return
            yield "; "
        for part in self._answerer.stream(question, filters, wordings):
            yield part if isinstance(part, str) else self._finished(question, part, filters)

    def _by(self, asked: ArticleQuestion, limits: Filters | None) -> Filters | None:
        """Return filters that keep to the publisher that a question names; None if none has this name."""
        publishers = self.catalogue.published_by(asked.by)
        if not publishers or (limits and limits.sources):
            return None
        return dataclasses.replace(limits or Filters(), sources=publishers)

    def _about_articles(self, asked: ArticleQuestion, limits: Filters | None, dated: bool) -> Verdict | None:
        """Return the answer to a question about the articles themselves; None for all others."""
        if asked.wanted is Wanted.EVENTS:
            return self._events(asked, limits) if dated else None
        if asked.wanted is Wanted.SAID:
            return (self._events(asked, limits) or refusal()) if self.catalogue.published_by(asked.by) else None
        if asked.wanted in (Wanted.COURSE, Wanted.TIMELINE):
            found = self._answerer.finder.look_up(asked.about, limits, {}) if self._chooses else ()
            return course(found, asked.about)
        return self.catalogue.answer(asked, limits) if asked.wanted is not Wanted.BY_ONE else None

    def _events(self, asked: ArticleQuestion, limits: Filters | None) -> Verdict | None:
        """Return what the articles of a time or a publisher report, all of them or those about something."""
        if asked.about:
            return self._best(asked.about, limits)
        return self.catalogue.chronicle(self._articles.find(limits), limits)

    def _best(self, about: str, limits: Filters | None) -> Verdict | None:
        """Return the sentences nearest to a topic, with their dates if there are several; None if none is about it."""
        hits = self._answerer.finder.look_up(about, limits, {})
        evidence = select(hits, _TOLD)
        return (course(hits, about) or told(evidence)) if evidence else None

    def _chosen(self, when: AskedTime, question: str, filters: Filters | None) -> tuple[str, Filters] | None:
        """Return the question to ask instead, and the articles of its time that speak of the same; None if none do."""
        if when.event:
            when = self._of_event(when, filters)
        if not (when.newest or when.since or when.until):
            return None
        asked = question if when.newest else when.rest
        near = _near(self._answerer.finder.look_up(asked, filters, {}))
        dates = {hit.place.document_id: hit.place.date or "" for hit in near}
        if when.newest:
            latest = max(dates.values(), default="")[:10]
            chosen = [id for id, date in dates.items() if date[:10] == latest]
            return (asked, _only(filters, chosen)) if latest and len(chosen) < len(dates) else None
        if any(says_when(when.words, f"{h.before} {h.text}") for h in near[:1]):
            return None
        chosen = [id for id, date in dates.items() if when.meets(date)]
        return (asked, _only(filters, chosen)) if chosen else None

    def _of_event(self, when: AskedTime, filters: Filters | None) -> AskedTime:
        """Return the time before or after an event, which is as old as the first article that names it."""
        dates = self._articles.dates(self._articles.find(filters, content_terms(when.event)))
        if not dates:
            return when
        first = min(dates.values())[:10]
        if when.before:
            return dataclasses.replace(when, until=moved(first, -1))
        return dataclasses.replace(when, since=first)

    def _finished(self, question: str, given: Answer, filters: Filters | None) -> Answer:
        """Return an answer with the values of other dates, and with what its relative dates mean."""
        if given.abstained or not self._chooses:
            return given
        answers = parted(given)
        if len(answers) == 1 and len(given.statements) == 1:
            for other in rivals(question, given)[:_OLDER]:
                again = self._ask(question, _only(filters, [other.document_id]))
                if not again.abstained and len(again.statements) == 1:
                    answers.append(again)
        return resolved(question, joined(answers) if len(answers) > 1 else given)

    def _ask(self, question: str, filters: Filters) -> Answer:
        for part in self._answerer.stream(question, filters):
            if isinstance(part, Answer):
                return part
        raise AssertionError("an answerer ends with an answer")

    def answer(self, question: str, verdict: Verdict, started: float) -> Answer:
        """Return the answer that a verdict is, with the sentences that it cites as its evidence."""
        evidence = tuple(evidence_from(citation) for citation in verdict.citations)
        return Answer(
            question=question,
            text=verdict.text,
            abstained=verdict.abstained,
            citations=verdict.citations,
            evidence=evidence,
            model="extractive",
            timings={"total": time.perf_counter() - started},
            settings_hash=self._answerer.settings.hash,
            statements=statements_of(verdict),
        )


def _near(hits: Sequence[Hit]) -> list[Hit]:
    """Return the sentences that answer about as well as the best one."""
    best = hits[:1]
    return [
        hit
        for hit in hits[:_COMPARED]
        if hit.score >= _NEAR * best[0].score and hit.coverage >= _NEAR * best[0].coverage
    ]


def _only(filters: Filters | None, documents: Sequence[str]) -> Filters:
    return dataclasses.replace(filters or Filters(), documents=tuple(documents))


def _within(filters: Filters | None, when: AskedTime) -> Filters:
    """Return filters that also keep to the time asked about."""
    base = filters or Filters()
    until = min(filter(None, (base.until, when.until)), default="")
    return dataclasses.replace(base, since=max(base.since, when.since), until=until)
