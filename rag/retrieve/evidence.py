"""A question to ranked sentences, and the few of them that are evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from rag.language.questions import told_by, topic
from rag.language.words import acronyms, content_terms, names, published_by, words
from rag.models.runtime import Models
from rag.protocols import Reranker, Retriever
from rag.retrieve.planted import reported
from rag.retrieve.rank import rank
from rag.retrieve.select import overview, select
from rag.settings import Settings
from rag.types import Evidence, Filters, Hit

# Where one sentence or two stood out and do not hold the answer: how many more are shown, from which share of the best
# score, up to how many characters in all.
_FEW, _MORE, _MORE_WORTH, _MORE_CHARS = 2, 3, 0.5, 800
_RERANKED = 20  # sentences that a cross-encoder reads


class EvidenceFinder:
    """Finds the sentences of an index that a question asks for, with the models of an engine.

    Args:
        index: The store.
        settings: What is configured.
        models: What embeds, and what reads closely.
    """

    def __init__(self, index: Retriever, settings: Settings, models: Models) -> None:
        self._index = index
        self._settings = settings
        self._models = models

    def look_up(self, question: str, filters: Filters | None, read: dict[str, str]) -> list[Hit]:
        """Return every sentence of the passages that the store proposes, best first.

        Args:
            question: What is asked.
            filters: Which documents to look in; all when None.
            read: Takes the texts of the articles by id, as they are now.
        """
        asked = self._index.vocabulary.correct(content_terms(question))
        aliases = self.aliases(question)
        vector = self._models.embedding().embed_question(question)
        wanted = [*asked, *(term for names in aliases.values() for term in sorted(names))]
        proposed = self._index.search(vector, wanted, self._settings.candidates, filters)
        read.update((c.document.id, c.document.text) for c in proposed)
        candidates = reported(question, proposed, self._models.embeds_as_fitted)
        weights = {term: self._index.vocabulary.idf(term) for term in asked}
        hits = rank(question, candidates, vector, weights, aliases, self._models.word_table())
        if self._models.reranker:
            hits = self._reranked(self._models.reranker, question, hits)
        elif reader := self._models.reader():
            hits = reader.rank(question, hits, candidates)
        # What the Courier reported is told by the Courier's articles alone.
        teller = told_by(question)
        own = {id for id, text in read.items() if teller and published_by(text, teller)}
        return [hit for hit in hits if hit.place.document_id in own] or hits

    def missing(self, question: str, read: Mapping[str, str]) -> list[str]:
        """Return the names of the question, as typed, that occur in no article; or all that it is about."""
        about = topic(question)
        if about and not any(self.known(term, read) for term in content_terms(about)):
            return [about if names(f"about {about}") else f"“{about}”"]
        wanted = [name for name in names(question) if not self.known(name, read)]
        typed = {content_terms(word)[0]: word for word in words(question) if content_terms(word)}
        return [typed[name].removesuffix("'s").removesuffix("’s") for name in wanted if name in typed]

    def known(self, term: str, read: Mapping[str, str]) -> bool:
        """Tell whether a term occurs in an article: in a sentence, or in a heading, byline or credit of those read."""
        return self._index.vocabulary.knows(term) or any(term in content_terms(text) for text in read.values())

    @staticmethod
    def _reranked(reranker: Reranker, question: str, hits: list[Hit]) -> list[Hit]:
        """Return the hits with the first ones in the cross-encoder's order.

        The scores stay where they are, so that what follows reads them as before: only who has which one changes.
        """
        first = hits[:_RERANKED]
        judged = reranker.scores(question, [f"{h.before} {h.text}".strip() for h in first])
        order = sorted(range(len(first)), key=lambda n: -judged[n])
        return [dataclasses.replace(first[n], score=hit.score) for n, hit in zip(order, first, strict=True)] + hits[
            _RERANKED:
        ]

    def aliases(self, question: str) -> dict[str, frozenset[str]]:
        """Return the terms of the question's acronyms that the articles spell out, each with the terms of its name."""
        full = {short: name for short in acronyms(question) if (name := self._index.vocabulary.spell_out(short))}
        return {content_terms(short)[0]: frozenset(content_terms(name)) for short, name in full.items()}

    def evidence(self, hits: Sequence[Hit], others: Sequence[Sequence[Hit]]) -> list[Evidence]:
        """Return what the model is shown: the best sentences for the question, and for its parts and other wordings."""
        if not others:
            return select(hits, self._settings.evidence)
        chosen: dict[tuple[str, int], Evidence] = {}
        for evidence in (e for found in (hits, *others) for e in select(found, 2)):
            chosen.setdefault((evidence.document_id, evidence.start), evidence)
        kept = list(chosen.values())[: self._settings.evidence]
        return [dataclasses.replace(e, rank=rank) for rank, e in enumerate(kept, 1)]

    def overview(self, about: str, filters: Filters | None, read: dict[str, str]) -> list[Evidence]:
        """Return what the articles say about a topic; of a person, also where they give the last name alone."""
        terms = content_terms(about)
        found = overview(self.look_up(about, filters, read), self._settings.evidence)
        if len(terms) > 1 and set(terms) <= set(names(f"about {about}")) and len(found) < self._settings.evidence:
            found = overview(self.look_up(words(about)[-1], filters, read), self._settings.evidence)
        return found

    def more(self, hits: Sequence[Hit], evidence: Sequence[Evidence]) -> list[Evidence]:
        """Return the sentences that come after the few that the model was shown, as far as they are to the point."""
        if len(evidence) > _FEW:
            return []
        shown = {(e.document_id, e.start) for e in evidence}
        further = select(hits, len(evidence) + _MORE, _MORE_CHARS, _MORE_WORTH)
        new = [e for e in further if (e.document_id, e.start) not in shown][:_MORE]
        return [dataclasses.replace(e, rank=rank) for rank, e in enumerate(new, len(evidence) + 1)]
