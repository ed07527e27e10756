"""Answer questions about the articles themselves from what is known about them, such as who wrote one, and when.

An answer is a value as the article's file gives it, with the article's first sentence as the citation. What is not
known is not made up: then the articles do not say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rag.answering.citation import cite
from rag.answering.verify import Verdict, refusal
from rag.language.article_questions import ArticleQuestion, Wanted, quoted_title
from rag.language.readable import readable
from rag.language.words import content_terms, same_name
from rag.origin import readable_date
from rag.retrieve.evidence import EvidenceFinder
from rag.retrieve.select import nearest_sentences
from rag.store.articles import Articles, Opening, place_of
from rag.types import Citation, Filters, Hit

_LISTED = 10  # articles in a list, at most
_READ = 12  # articles found for a topic that are compared with it
_ABOUT = 0.65  # share of a topic's words, by rarity, that an article about it has
_AS_GOOD = 0.99  # of the best share: from here on two articles are equally about it
_OF_ONE = (Wanted.AUTHOR, Wanted.DATE, Wanted.TITLE)  # an article's own details, which no other article gives
_ROLES = frozenset(content_terms("newspaper paper the daily weekly news agency website magazine"))


class Catalogue:
    """Answers questions about articles.

    Args:
        articles: The store's articles.
        finder: Finds the articles about something.
    """

    def __init__(self, articles: Articles, finder: EvidenceFinder) -> None:
        self._articles = articles
        self._finder = finder

    def answer(self, asked: ArticleQuestion, filters: Filters | None) -> Verdict | None:
        """Return the answer, or None if the question is about what articles report rather than about them.

        Args:
            asked: What is asked.
            filters: Which articles to search; all when None.
        """
        if asked.wanted in (Wanted.COUNT, Wanted.LIST):
            return self._listed(asked, filters)
        if asked.wanted in (Wanted.NEWEST, Wanted.OLDEST):
            return self._first(asked, filters)
        if asked.by and not self.published_by(asked.by):
            return None
        found = self._meant(asked, filters)
        if not found:
            sure = asked.named and (self._is_title(asked) or (asked.wanted in _OF_ONE and not asked.by))
            return refusal() if sure else None
        if asked.by:  # not those of the same text in other papers
            found = [dataclasses.replace(opening, copies=()) for opening in found]
        return _values(asked.wanted, found)

    def published_by(self, name: str) -> tuple[str, ...]:
        """Return the publishers that a name means: "the Courier" for "The Verrin Courier"."""
        return _named(name, self._articles.publishers())

    def chronicle(self, ids: Sequence[str], filters: Filters | None) -> Verdict | None:
        """Return the first sentence of each of these articles with its date, the oldest first; None if there are none.

        Args:
            ids: Articles, the newest first. Of more than are listed, the newest are.
            filters: What the copy that is cited has to meet.
        """
        openings = self._articles.openings(ids[:_LISTED], filters)[::-1]
        lines = []
        citations = []
        for n, opening in enumerate(openings, 1):
            day = readable_date(opening.document.date)
            lines.append(f"{f'{day}: ' if day else ''}{readable(opening.text)} [{n}]")
            citations.append(_cited(n, opening))
        if len(ids) > _LISTED:
            lines.append(f"({len(ids) - _LISTED:,} earlier articles are left out.)")
        return Verdict("\n".join(lines), tuple(citations), False, 1.0) if lines else None

    def _listed(self, asked: ArticleQuestion, filters: Filters | None) -> Verdict:
        ids, limits = self._of(asked, filters)
        if not ids:
            return refusal()
        openings = self._articles.openings(ids[:_LISTED], limits)
        entries = [f"{_titled(opening)} [{n}]" for n, opening in enumerate(openings, 1)]
        more = f"; and {len(ids) - _LISTED:,} more" if len(ids) > _LISTED else ""
        said = f"{'; '.join(entries)}{more}"
        if asked.wanted is Wanted.COUNT:
            said = f"{len(ids):,} article{'s' if len(ids) > 1 else ''}: {said}"
        return Verdict(said, tuple(_cited(n, opening) for n, opening in enumerate(openings, 1)), False, 1.0)

    def _first(self, asked: ArticleQuestion, filters: Filters | None) -> Verdict:
        ids, limits = self._of(asked, filters)
        dates = self._articles.dates(ids)
        if not dates:
            return refusal()
        best = (max if asked.wanted is Wanted.NEWEST else min)(dates, key=lambda id: dates[id])
        chosen = self._articles.openings([best], limits)[0]
        return Verdict(f"{_titled(chosen)} [1]", (_cited(1, chosen),), False, 1.0)

    def _of(self, asked: ArticleQuestion, filters: Filters | None) -> tuple[list[str], Filters | None]:
        """Return the articles that a question is about, the newest first, and what their copies have to meet."""
        limits = filters
        if asked.by:
            publishers, authors = self.published_by(asked.by), _named(asked.by, self._articles.authors())
            if not publishers and not authors:
                return [], limits
            base = filters or Filters()
            limits = dataclasses.replace(base, sources=publishers) if publishers else base
            limits = limits if publishers else dataclasses.replace(base, authors=authors)
        return self._articles.find(limits, content_terms(asked.about)), limits

    def _meant(self, asked: ArticleQuestion, filters: Filters | None) -> list[Opening]:
        """Return the article that a question means, or the few that fit equally well."""
        limits = filters
        if asked.by:
            limits = dataclasses.replace(filters or Filters(), sources=self.published_by(asked.by))
        title = quoted_title(asked.about) or asked.about
        wanted = content_terms(title)
        if not wanted:
            return []
        titled = [o for o in self._with(wanted, limits) if content_terms(o.document.title) == wanted]
        if titled or self._is_title(asked):
            return titled
        hits = self._finder.look_up(title, limits, {})
        ids = list(dict.fromkeys(hit.place.document_id for hit in hits))[:_READ]
        openings = self._articles.openings(ids, limits)
        shares = [self._share(wanted, opening) for opening in openings]
        best = max(shares, default=0.0)
        return [o for o, share in zip(openings, shares, strict=True) if share >= max(_ABOUT, _AS_GOOD * best)][:3]

    @staticmethod
    def _is_title(asked: ArticleQuestion) -> bool:
        """Return whether only an article with this very title can be meant."""
        return not asked.named or bool(quoted_title(asked.about))

    def _with(self, terms: Sequence[str], limits: Filters | None) -> list[Opening]:
        return self._articles.openings(self._articles.find(limits, terms)[:_READ], limits)

    def _share(self, wanted: Sequence[str], opening: Opening) -> float:
        """Return how much of a topic an article has, by rarity; its title's words count a little more."""
        weights = {term: self._finder.weight(term) for term in wanted}
        title, text = set(content_terms(opening.document.title)), set(content_terms(opening.document.text))

        def held(terms: set[str]) -> float:
            met = [w for term, w in weights.items() if term in terms or any(same_name(term, t) for t in terms)]
            return sum(met) / (sum(weights.values()) or 1.0)

        return min(1.0, 0.9 * held(text | title) + 0.1 * held(title) + 0.05)


def _values(wanted: Wanted, found: Sequence[Opening]) -> Verdict:
    """Return what is asked about each article, as its file gives it; a refusal if no file does."""
    said: list[str] = []
    citations: list[Citation] = []
    for opening in found:
        values = list(dict.fromkeys(filter(None, (_value(wanted, d) for d in (opening.document, *opening.copies)))))
        if not values:
            continue
        citations.append(_cited(len(citations) + 1, opening))
        said.append(f"{', '.join(values)} [{len(citations)}]")
    if len({text.rsplit(" [", 1)[0] for text in said}) == 1:  # the same value for all
        said, citations = said[:1], citations[:1]
    return Verdict("; ".join(said), tuple(citations), False, 1.0) if said else refusal()


def _value(wanted: Wanted, document: object) -> str:
    value = getattr(document, {Wanted.FILE: "source"}.get(wanted, wanted.value))
    return readable_date(value) if wanted is Wanted.DATE else str(value)


def _titled(opening: Opening) -> str:
    origin = place_of(opening.document, opening.sentence).origin
    return f"“{opening.document.title}”{f' ({origin})' if origin else ''}"


def _cited(marker: int, opening: Opening) -> Citation:
    """Return an article's first sentence as a citation."""
    hit = Hit(
        place_of(opening.document, opening.sentence),
        opening.text,
        score=1.0,
        dense=0.0,
        lexical=0.0,
        passage=opening.passage,
        also=tuple(place_of(copy, opening.sentence) for copy in opening.copies),
    )
    return cite(marker, nearest_sentences([hit], 1)[0], 1.0)


def _named(name: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the known names that have all words of a name; a word such as "paper" alone names none."""
    wanted = set(content_terms(name))
    if not wanted - _ROLES:
        return ()
    return tuple(each for each in known if wanted <= set(content_terms(each)))
