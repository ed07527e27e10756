"""Find the ranked sentences for a question, and the few of them that are used as evidence."""

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
from rag.types import Candidate, Evidence, Filters, Hit

# When only one or two sentences stood out and they lack the answer: how many more are shown, which share of the best
# score they need, and how many characters in all.
_FEW, _MORE, _MORE_WORTH, _MORE_CHARS = 2, 3, 0.5, 800
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
        candidates, hits = self._searched(question, question, filters, read)
        if self._models.reranker:
            hits = self._reranked(self._models.reranker, question, hits)
        elif reader := self._models.reader():
            hits = reader.rank(question, hits, candidates)
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
        return self._searched(claim, question, filters, read)[1]

    def _searched(
        self, text: str, question: str, filters: Filters | None, read: dict[str, str]
    ) -> tuple[Sequence[Candidate], list[Hit]]:
        asked = self._index.vocabulary.correct(content_terms(text))
        aliases = self.aliases(text)
        vector = self._models.embedding().embed_question(text)
        wanted = [*asked, *(term for names in aliases.values() for term in sorted(names))]
        proposed = self._index.search(vector, wanted, self._settings.candidates, filters)
        read.update((c.document.id, c.document.text) for c in proposed)
        candidates = reported(question, proposed, self._models.embeds_as_fitted)
        weights = {term: self._index.vocabulary.idf(term) for term in asked}
        return candidates, rank(text, candidates, vector, weights, aliases, self._models.word_table())

    def missing(self, question: str, read: Mapping[str, str]) -> list[str]:
        """Return the names in the question, as typed, that occur in no article; or its topic if none mentions that."""
        about = topic(question)
        if about and not any(self.known(term, read) for term in content_terms(about)):
            return [about if names(f"about {about}") else f"“{about}”"]
        wanted = [name for name in names(question) if not self.known(name, read)]
        typed = {content_terms(word)[0]: word for word in words(question) if content_terms(word)}
        return [typed[name].removesuffix("'s").removesuffix("’s") for name in wanted if name in typed]

    def known(self, term: str, read: Mapping[str, str]) -> bool:
        """Return whether a term occurs in a sentence of any article, or anywhere in the articles that were read."""
        return self._index.vocabulary.knows(term) or any(term in content_terms(text) for text in read.values())

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

    def evidence(self, hits: Sequence[Hit], others: Sequence[Sequence[Hit]]) -> list[Evidence]:
        """Return what the model is shown: the best sentences for the question, its parts and its other wordings."""
        if not others:
            return select(hits, self._settings.evidence)
        chosen: dict[tuple[str, int], Evidence] = {}
        for evidence in (e for found in (hits, *others) for e in select(found, 2)):
            chosen.setdefault((evidence.document_id, evidence.start), evidence)
        kept = list(chosen.values())[: self._settings.evidence]
        return [dataclasses.replace(e, rank=rank) for rank, e in enumerate(kept, 1)]

    def overview(self, about: str, filters: Filters | None, read: dict[str, str]) -> list[Evidence]:
        """Return what the articles say about a topic; for a person, a last name alone may match too."""
        terms = content_terms(about)
        found = overview(self.look_up(about, filters, read), self._settings.evidence)
        if len(terms) > 1 and set(terms) <= set(names(f"about {about}")) and len(found) < self._settings.evidence:
            found = overview(self.look_up(words(about)[-1], filters, read), self._settings.evidence)
        return found

    def more(self, hits: Sequence[Hit], evidence: Sequence[Evidence]) -> list[Evidence]:
        """Return the next relevant sentences after the few that the model was shown."""
        if len(evidence) > _FEW:
            return []
        shown = {(e.document_id, e.start) for e in evidence}
        further = select(hits, len(evidence) + _MORE, _MORE_CHARS, _MORE_WORTH)
        new = [e for e in further if (e.document_id, e.start) not in shown][:_MORE]
        return [dataclasses.replace(e, rank=rank) for rank, e in enumerate(new, len(evidence) + 1)]
