"""Answer what asks for more than a fact: several sentences of the articles for a summary, a comparison or a course.

It stands before `Timely`. A strong model writes such answers itself; here it is only given the right articles. Without
one, the answer is sentences of the articles, which say what they say.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from rag.answering.course import course
from rag.answering.known import unasked
from rag.answering.phrasing import MARKERS
from rag.answering.route import Route, about, route
from rag.answering.talk import HELLO, HELP, SORRY, TALK, THANKS
from rag.answering.timely import Timely
from rag.answering.verify import Verdict, told
from rag.language.article_questions import ArticleQuestion, Wanted, article_question
from rag.language.asked_time import asked_time
from rag.language.grammar import ENGLISH
from rag.language.questions import holds_kind
from rag.language.sides import compares, sides
from rag.language.words import content_terms
from rag.models.runtime import Models
from rag.retrieve.evidence import EvidenceFinder
from rag.retrieve.select import leans, nearest_sentences
from rag.store.articles import Articles
from rag.types import Answer, Evidence, Filters, Hit

SAID = {Route.HELLO: HELLO, Route.THANKS: THANKS, Route.HELP: HELP, Route.ANNOYED: SORRY}
_ANY_LANGUAGE = (*SAID, Route.LIST)  # told apart in the other languages of `train/routes.json` too
_REPORTED = (Wanted.COURSE, Wanted.EVENTS, Wanted.SAID)  # questions about what articles report
_OF_TIME = (Route.LIBRARY, Route.TOPIC, Route.COURSE)
_NEWEST = 5  # articles in a summary of the library
_LEAD = 3  # sentences at the head of an article, which sum it up as news is written
_TOLD = 4  # sentences of other answers
_POOL = 40  # sentences that are chosen from
_RELEVANT, _NEAR = 0.42, 0.5  # least score, and least share of the best score
# Sentences of a course of events, at least and at most, and the share of the best score that they have.
_FEW, _STEPS, _STEP = 3, 8, 0.35
_MOST_DATED = 12  # articles that a course of events takes a sentence from
_SAME_ARTICLE = 0.65  # share of the words asked about that an article has to have
_MORE = 1.5  # least rarity of words that one more sentence must add


class Composed:
    """Answers messages by way of `Timely`, except those that ask for more or for less than a fact.

    Args:
        articles: The store's articles.
        timely: Answers questions.
        finder: Finds sentences.
        models: The models; messages are told apart by vectors of the embedding model that Dateline comes with.
    """

    def __init__(self, articles: Articles, timely: Timely, finder: EvidenceFinder, models: Models) -> None:
        self._articles = articles
        self._timely = timely
        self._finder = finder
        self._models = models
        self._strong = models.is_strong

    def stream(
        self, asks: Route, question: str, filters: Filters | None, wordings: Sequence[str] = ()
    ) -> Iterator[str | Answer]:
        """Yield the model's words as they arrive, then the `Answer`; see `Engine.stream`.

        Args:
            asks: What the question asks for, as `route` tells.
            question: The question.
            filters: Which articles to search; all when None.
            wordings: Other wordings of the question.
        """
        started = time.perf_counter()
        if asks is Route.LIST and (listed := self._timely.catalogue.answer(ArticleQuestion(Wanted.LIST), filters)):
            yield self._timely.answer(question, listed, started)
        elif asks in (Route.ANSWER, Route.ABOUT_ARTICLES) or (
            self._strong and asks not in (Route.LIBRARY, Route.ARTICLE)
        ):
            yield from self._timely.stream(question, filters, wordings)
        elif self._strong:
            only = self._chosen(asks, question, filters)
            yield from self._timely.stream(question, filters if only is None else only, wordings)
        elif (verdict := self._verdict(asks, question, filters)) is not None:
            yield self._timely.answer(question, verdict, started)
        else:
            yield from self._timely.stream(question, filters, wordings)

    def talk(self, asks: Route, message: str) -> Answer | None:
        """Return what is said to a greeting, to thanks, to a call for help or to anger; None for all other messages."""
        said = SAID.get(asks)
        return unasked(message, said, self._models.settings.hash, TALK) if said else None

    def route(self, message: str) -> Route:
        """Return what a message asks for."""
        if not self._models.embeds_as_fitted:
            return Route.ANSWER
        if self._finder.language(message) != ENGLISH:
            found = route(self._models.vector(message))
            return found if found in _ANY_LANGUAGE else Route.ANSWER
        asked = article_question(message)
        if asked and asked.wanted not in _REPORTED:
            return Route.COURSE if asked.wanted is Wanted.TIMELINE else Route.ABOUT_ARTICLES
        found = route(self._models.vector(message))
        if found is Route.ANSWER and compares(message):
            return Route.COMPARE
        # "What happened in July 2025?" is about the articles of that time, however it is put.
        return Route.ABOUT_ARTICLES if asked and found in _OF_TIME and self._dated(message) else found

    def _dated(self, message: str) -> bool:
        when = asked_time(message, self._articles.newest())
        return when is not None and bool(when.since or when.until)

    def _chosen(self, asks: Route, question: str, filters: Filters | None) -> Filters | None:
        """Return the filters for the articles that are to be summed up; None if there is no such article."""
        everything = asks is Route.LIBRARY
        ids = self._articles.find(filters)[: 4 * _NEWEST] if everything else self._article(question, filters)
        return dataclasses.replace(filters or Filters(), documents=tuple(ids)) if ids else None

    def _verdict(self, asks: Route, question: str, filters: Filters | None) -> Verdict | None:
        """Return sentences for a message; None if there are none, so that it is answered as a question."""
        if asks is Route.LIBRARY:
            leads = [self._lead(id, filters, 1) for id in self._articles.find(filters)[:_NEWEST]]
            return _quoted([hit for lead in leads for hit in lead])
        if asks is Route.ARTICLE:
            return _quoted(
                [hit for id in self._article(question, filters)[:1] for hit in self._lead(id, filters, _LEAD)]
            )
        wanted = about(question)
        if not wanted:
            return None
        if asks is Route.TOPIC and (evidence := self._finder.overview(wanted, filters, {})):
            return told(evidence)
        read: dict[str, str] = {}
        hits = self._finder.look_up(wanted, filters, read)
        if self._finder.missing(question, read):
            return None
        if asks is Route.COURSE:
            steps = _evidence(_steps(hits))
            about_it = self._articles.find(filters, content_terms(wanted))[:_MOST_DATED]
            heads = _evidence([hit for id in about_it for hit in self._lead(id, filters, 1)])
            return course(hits, wanted, steps, heads) or (told(steps) if steps else None)
        weights = {term: self._finder.weight(term) for term in content_terms(wanted)}
        chosen = self._of_each_side(question, filters) or _covering(hits, weights)
        if len(chosen) < 2:
            return None
        chosen.sort(key=lambda hit: (hit.place.date or "", hit.place.document_id, hit.place.start))
        return _quoted(chosen)

    def _of_each_side(self, question: str, filters: Filters | None) -> list[Hit]:
        """Return the best sentence about each of the two things that a question compares; none where one has none."""
        chosen: list[Hit] = []
        for side in sides(question) or ():
            name = side.terms & set(content_terms(about(question)))
            hits = self._finder.look_up(side.question, filters, {})
            least = max(_RELEVANT, _NEAR * hits[0].score) if hits else 0.0
            of_it = (hit for hit in hits if hit.score >= least and name & set(content_terms(_with_context(hit))))
            if (best := next(of_it, None)) is None:
                return []
            chosen.append(best)
        return chosen if len({(hit.place.document_id, hit.place.start) for hit in chosen}) > 1 else []

    def _article(self, question: str, filters: Filters | None) -> list[str]:
        """Return the article that a message is about and those that are as near to it, best first."""
        wanted = about(question)
        terms = content_terms(wanted)
        if not terms:
            return []
        weights = {term: self._finder.weight(term) for term in terms}
        read: dict[str, str] = {}
        scores: dict[str, list[float]] = {}
        titles: dict[str, str] = {}
        dates: dict[str, str] = {}
        for hit in self._finder.look_up(wanted, filters, read):
            place = hit.place
            scores.setdefault(place.document_id, []).append(hit.score)
            titles[place.document_id], dates[place.document_id] = place.title, place.date or ""
        total = sum(weights.values())
        near: dict[str, float] = {}
        for id, found in scores.items():
            title, text = set(content_terms(titles[id])), set(content_terms(read[id]))
            share = sum(weight for term, weight in weights.items() if term in text | title) / total
            if share >= _SAME_ARTICLE:
                in_title = sum(weight for term, weight in weights.items() if term in title) / total
                near[id] = share + in_title + sum(found[:3]) / 3
        ranked = sorted(near, key=lambda id: -near[id])
        when = asked_time(question, self._articles.newest())
        if when and when.newest:
            alike = [id for id in ranked if near[id] >= 0.75 * near[ranked[0]]]
            ranked = sorted(alike, key=lambda id: dates[id], reverse=True)
        return ranked

    def _lead(self, id: str, filters: Filters | None, count: int) -> list[Hit]:
        """Return the first sentences of an article."""
        limits = dataclasses.replace(filters or Filters(), documents=(id,))
        hits = self._finder.search("", "", limits, {})  # there is no question to read them with
        sizes = Counter(hit.passage.start for hit in hits)
        # A sentence that is a passage by itself may be a caption.
        told = [hit for hit in hits if sizes[hit.passage.start] > 1] or hits
        return sorted(told, key=lambda hit: hit.place.start)[:count]


def _with_context(hit: Hit) -> str:
    """Return a sentence with what names its subject where it does not do so itself."""
    return f"{hit.place.title}: {hit.before if leans(hit.text) else ''} {hit.text}"


def _covering(hits: Sequence[Hit], weights: dict[str, float]) -> list[Hit]:
    """Return a few sentences that together have the words asked about, the best first, from several articles."""
    least = max(_RELEVANT, _NEAR * hits[0].score) if hits else 0.0
    pool = [hit for hit in hits[:_POOL] if hit.score >= least]
    terms = {id(hit): set(content_terms(f"{hit.before if leans(hit.text) else ''} {hit.text}")) for hit in pool}
    left = dict(weights)
    articles: set[str] = set()
    chosen: list[Hit] = []
    while pool and len(chosen) < _TOLD:
        gains = [
            sum(weight for term, weight in left.items() if term in terms[id(hit)])
            + hit.score * (1.0 if hit.place.document_id in articles else 2.0)
            for hit in pool
        ]
        best = pool[gains.index(max(gains))]
        if chosen and max(gains) < _MORE:
            break
        chosen.append(best)
        articles.add(best.place.document_id)
        left = {term: weight for term, weight in left.items() if term not in terms[id(best)]}
        pool = [hit for hit in pool if hit is not best and not _alike(terms[id(hit)], terms[id(best)])]
    return chosen


def _steps(hits: Sequence[Hit]) -> list[Hit]:
    """Return the sentences of an article that say when something happened, in their order; none if they are few."""
    dated = [h for h in hits if h.score >= _STEP * hits[0].score and holds_kind("When?", h.text)]
    often = Counter(h.place.document_id for h in dated)
    if not often or max(often.values()) < _FEW:
        return []
    article = max(often, key=lambda id: often[id])
    steps = [h for h in dated if h.place.document_id == article][:_STEPS]
    return sorted(steps, key=lambda hit: hit.place.start)


def _alike(one: set[str], other: set[str]) -> bool:
    return len(one & other) >= 0.75 * len(one | other)


def _quoted(hits: Sequence[Hit]) -> Verdict | None:
    evidence = _evidence(hits)
    return told(evidence) if evidence else None


def _evidence(hits: Sequence[Hit]) -> list[Evidence]:
    return [e for hit in hits for e in nearest_sentences([hit], 1) if not MARKERS.search(e.text)]
