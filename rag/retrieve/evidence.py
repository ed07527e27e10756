"""Find the ranked sentences for a question, and the few of them that are used as evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from rag.language.day_names import is_day_or_month
from rag.language.grammar import ENGLISH
from rag.language.identify import detect_short, near
from rag.language.questions import own_words, told_by, topic
from rag.language.words import acronyms, content_terms, names, published_by, words
from rag.models.profile import profile_of
from rag.models.runtime import Models
from rag.protocols import Reranker, Retriever
from rag.retrieve.by_words import rank_by_words
from rag.retrieve.planted import reported
from rag.retrieve.rank import rank
from rag.retrieve.select import overview, select, with_reason
from rag.settings import Settings
from rag.types import Candidate, Evidence, Filters, Hit

# When only one or two sentences stood out and they lack the answer: how many more are shown, which share of the best
# score they need, and how many characters in all.
_FEW, _MORE, _MORE_WORTH, _MORE_CHARS = 2, 3, 0.5, 800
_COMPARED = 20  # sentences whose languages are compared with the question's
_LONG = 6  # letters of a stem from which a similar one is a misspelling, outside of English
_RERANKED = 20  # sentences that a cross-encoder reads


class EvidenceFinder:
    """Finds the sentences in an index that may answer a question, with the models of an engine.

    Args:
        index: The store.
        settings: The configuration.
        models: The embedding model, the reader and the reranker.
    """

    def __init__(self, index: Retriever, settings: Settings, models: Models) -> None:
        self._index = index
        self._settings = settings
        self._models = models

    def look_up(self, question: str, filters: Filters | None, read: dict[str, str]) -> list[Hit]:
        """Return every sentence of the passages that the store proposes, best first.

        Args:
            question: The question.
            filters: Which documents to look in; all when None.
            read: Receives the current texts of the articles, by id.
        """
        language = self.language(question)
        candidates, hits, weights = self._searched(question, question, language, filters, read)
        if language != ENGLISH:
            hits = rank_by_words(hits, candidates, weights, language, names(question, language))
        elif self._models.reranker:
            hits = self._reranked(self._models.reranker, question, hits)
        elif reader := self._models.reader():
            # The words of the question before bring its sentences. Read together, they are answered instead.
            hits = reader.rank(own_words(question), hits, candidates)
        # Only the Courier's own articles can say what the Courier reported.
        teller = told_by(question)
        own = {id for id, text in read.items() if teller and published_by(text, teller)}
        return [hit for hit in hits if hit.place.document_id in own] or hits

    def search(self, claim: str, question: str, filters: Filters | None, read: dict[str, str]) -> list[Hit]:
        """Do the same as `look_up` for a claim, without the reader, which reads questions.

        Args:
            claim: What to find sentences for.
            question: The question that it answers; empty if there is none.
            filters: Which documents to look in; all when None.
            read: Receives the current texts of the articles, by id.
        """
        return self._searched(claim, question, self.language(claim), filters, read)[1]

    def _searched(
        self, text: str, question: str, language: str, filters: Filters | None, read: dict[str, str]
    ) -> tuple[Sequence[Candidate], list[Hit], dict[str, float]]:
        """Return the passages that the store proposes, their ranked sentences, and the weights of the text's terms."""
        asked = self._corrected(content_terms(text, language), language)
        aliases = self.aliases(text)
        vector = self._models.vector(text)
        wanted = [*asked, *(term for names in aliases.values() for term in sorted(names))]
        proposed = self._index.search(vector, wanted, self._settings.candidates, filters)
        read.update((c.document.id, c.document.text) for c in proposed)
        candidates = reported(question, proposed, self._models.embeds_as_fitted)
        weights = {term: self._index.vocabulary.idf(term) for term in asked}
        return candidates, rank(text, candidates, vector, weights, aliases, self._models.word_table()), weights

    def _corrected(self, asked: Sequence[str], language: str) -> list[str]:
        """Return the terms without spelling mistakes; short stems of other languages than English are kept."""
        if language == ENGLISH:
            return self._index.vocabulary.correct(asked)
        return [self._index.vocabulary.correct([term])[0] if len(term) >= _LONG else term for term in asked]

    def missing(self, question: str, read: Mapping[str, str]) -> list[str]:
        """Return the names in the question, as typed, that occur in no article; or its topic if none mentions that.

        A month or weekday is none of them: an article's own date may be what is meant.
        """
        language = self.language(question)
        about = topic(question) if language == ENGLISH else None
        if about and not any(self.known(term, read) for term in content_terms(about)):
            return [about if names(f"about {about}") else f"“{about}”"]
        wanted = [name for name in names(question, language) if not self.known(name, read, language)]
        typed = {terms[0]: word for word in words(question) if (terms := content_terms(word, language))}
        bare = [typed[name].removesuffix("'s").removesuffix("’s") for name in wanted if name in typed]
        return [word for word in bare if not is_day_or_month(word, language)]

    def known(self, term: str, read: Mapping[str, str], language: str = ENGLISH) -> bool:
        """Return whether a term occurs in a sentence of any article, or anywhere in the articles that were read."""
        return self._index.vocabulary.knows(term) or any(
            term in content_terms(text, language) for text in read.values()
        )

    def weight(self, term: str) -> float:
        """Return how much a term counts: its rarity in the articles."""
        return self._index.vocabulary.idf(term)

    def language(self, question: str) -> str:
        """Return the language of a question; where it is not clear, that of the articles if they have only one."""
        clear = detect_short(question)
        if clear == ENGLISH:
            return clear
        held = self._index.vocabulary.languages()
        alike = [language for language in held if near(language, clear)] if clear else list(held)
        if clear in held or len(alike) != 1:
            return clear or ENGLISH
        return alike[0] or ENGLISH

    @staticmethod
    def other_languages(question: str, hits: Sequence[Hit]) -> list[str]:
        """Return the languages of the articles found if the question is clearly in none of them, else nothing."""
        # What a page declares about itself is often wrong, so the sentence itself comes first.
        asked, held = detect_short(question), {detect_short(hit.text) or hit.language for hit in hits[:_COMPARED]}
        if not asked or "" in held or any(near(asked, language) for language in held):
            return []
        return sorted(held)

    @staticmethod
    def _reranked(reranker: Reranker, question: str, hits: list[Hit]) -> list[Hit]:
        """Return the hits with the first ones in the cross-encoder's order.

        The list of scores stays the same, so that later steps can read it as before; only the hits change places.
        """
        first = hits[:_RERANKED]
        judged = reranker.scores(question, [f"{h.before} {h.text}".strip() for h in first])
        order = sorted(range(len(first)), key=lambda n: -judged[n])
        return [dataclasses.replace(first[n], score=hit.score) for n, hit in zip(order, first, strict=True)] + hits[
            _RERANKED:
        ]

    def aliases(self, question: str) -> dict[str, frozenset[str]]:
        """Return the question's acronyms that the articles spell out, each with the terms of its full name."""
        full = {short: name for short in acronyms(question) if (name := self._index.vocabulary.spell_out(short))}
        return {content_terms(short)[0]: frozenset(content_terms(name)) for short, name in full.items()}

    def evidence(self, question: str, hits: Sequence[Hit], others: Sequence[Sequence[Hit]]) -> list[Evidence]:
        """Return what the model is shown: the best sentences for the question, its parts and its other wordings."""
        profile = profile_of(self._settings, is_local=True)
        if not others:
            chosen = select(hits, profile.evidence, profile.evidence_chars, profile.worth)
            return with_reason(question, chosen, hits)
        first: dict[tuple[str, int], Evidence] = {}
        for evidence in (e for found in (hits, *others) for e in select(found, 2)):
            first.setdefault((evidence.document_id, evidence.start), evidence)
        kept = list(first.values())[: self._settings.evidence]
        return [dataclasses.replace(e, rank=rank) for rank, e in enumerate(kept, 1)]

    def overview(self, about: str, filters: Filters | None, read: dict[str, str]) -> list[Evidence]:
        """Return what the articles say about a topic; for a person, a last name alone may match too."""
        terms = content_terms(about)
        profile = profile_of(self._settings, is_local=True)
        most, chars = profile.evidence, profile.evidence_chars
        found = overview(self.look_up(about, filters, read), most, chars)
        if len(terms) > 1 and set(terms) <= set(names(f"about {about}")) and len(found) < most:
            found = overview(self.look_up(words(about)[-1], filters, read), most, chars)
        return found

    def more(self, hits: Sequence[Hit], evidence: Sequence[Evidence]) -> list[Evidence]:
        """Return the next relevant sentences after the few that the model was shown."""
        if len(evidence) > _FEW:
            return []
        shown = {(e.document_id, e.start) for e in evidence}
        further = select(hits, len(evidence) + _MORE, _MORE_CHARS, _MORE_WORTH)
        new = [e for e in further if (e.document_id, e.start) not in shown][:_MORE]
        return [dataclasses.replace(e, rank=rank) for rank, e in enumerate(new, len(evidence) + 1)]
