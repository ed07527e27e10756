"""The words of the articles: which ones occur, how rare they are, misspellings, and what acronyms stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rapidfuzz.distance import OSA

from rag.language.words import spell_out, terms
from rag.store.documents import DocumentStore
from rag.store.lexical import LexicalIndex

_ACRONYM_PLACES = 20  # sentences whose articles are searched for what an acronym stands for


class Vocabulary:
    """The words of a store's articles.

    Args:
        documents: The articles' texts.
        lexical: The index of their terms.
    """

    def __init__(self, documents: DocumentStore, lexical: LexicalIndex) -> None:
        self._documents = documents
        self._lexical = lexical
        self._named: tuple[int, frozenset[str]] = (-1, frozenset())  # the store's version, the names' terms

    def knows(self, term: str) -> bool:
        """Return whether a normalised term, or one that it is a misspelling of, occurs in the articles.

        The names of their writers and publishers count as well.
        """
        if self._lexical.holds(term) or term in self._details():
            return True
        # Short names are too similar to one another: Osama is not a misspelling of Obama.
        near = self._lexical.nearest_term(term) if len(term) > 5 else None
        return near is not None and OSA.distance(term, near) == 1

    def _details(self) -> frozenset[str]:
        """Return the terms of the names of all writers and publishers."""
        with self._documents.snapshot() as view:
            version = view.version()
            if self._named[0] != version:
                columns = " UNION ".join(
                    f"SELECT {column} FROM {table}"
                    for table in ("documents", "places")
                    for column in ("author", "publisher")
                )
                names = [str(row[0]) for row in view.rows(columns)]
                self._named = (version, frozenset(term for name in names for term in terms(name)))
        return self._named[1]

    def correct(self, question_terms: Sequence[str]) -> list[str]:
        """Return the terms, with each that is in no article replaced by the nearest one that is, if there is one."""
        return [
            term if self._lexical.holds(term, "sentence") else self._lexical.nearest_term(term) or term
            for term in question_terms
        ]

    def spell_out(self, acronym: str) -> str | None:
        """Return the name that a word in capitals stands for in the articles that use it, or None.

        It is the first run of capitalised words with these initials, since articles spell out what they abbreviate.
        """
        found = self._lexical.search([normal for normal in terms(acronym)], _ACRONYM_PLACES)
        with self._documents.snapshot() as view:
            passages = view.chunks(dict.fromkeys(chunk_id for chunk_id, _, _ in found))
            texts = {document.id: document.text for _, document, _ in passages}
        names = (spell_out(acronym, text) for text in texts.values())
        return next((name for name in names if name), None)

    def idf(self, term: str) -> float:
        """Return BM25's inverse document frequency of a normalised term over all sentences."""
        total, count = self._lexical.count(), self._lexical.document_frequency(term)
        return math.log(1 + (total - count + 0.5) / (count + 0.5))

    def languages(self) -> dict[str, int]:
        """Return how many articles there are in each language, by ISO 639-1 code; "" stands for unknown ones."""
        with self._documents.snapshot() as view:
            return view.languages()
