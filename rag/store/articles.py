"""Find articles by what is known about them: their dates, writers and publishers, and the words that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.store.filters import matching
from rag.store.index import Index
from rag.store.view import VISIBLE, View
from rag.types import Document, Filters, Place, Span

_PASSAGES = 100_000  # passages with a term that are looked at, at most


@dataclass(frozen=True, slots=True)
class Opening:
    """An article with its first sentence, by which the whole article is cited.

    `copies` are the other places of the same text, each with its own name and details.
    """

    document: Document
    sentence: Span
    passage: Span
    copies: tuple[Document, ...] = ()

    @property
    def text(self) -> str:
        """The first sentence, verbatim."""
        return self.document.text[self.sentence.start : self.sentence.end]


class Articles:
    """The articles of a store, as a catalogue.

    Args:
        index: The store.
    """

    def __init__(self, index: Index) -> None:
        self._index = index

    def newest(self) -> str:
        """Return the latest date of any article, ISO 8601; empty if no date is known."""
        with self._index.documents.snapshot() as view:
            # By the index of dates: by that of states, which "state" alone would choose, 200,000 articles are sorted.
            found = view.rows(
                "SELECT date FROM documents WHERE state || '' IN ('live', 'changed') ORDER BY date DESC LIMIT 1"
            )
        return str(found[0][0]) if found else ""

    def publishers(self) -> list[str]:
        """Return the names of all publishers."""
        return self._every("publisher")

    def authors(self) -> list[str]:
        """Return all bylines."""
        return self._every("author")

    def find(self, filters: Filters | None = None, terms: Sequence[str] = ()) -> list[str]:
        """Return the ids of the articles that meet the filters and have every term in their title or text.

        The newest come first, those without a date last.
        """
        with self._index.documents.snapshot() as view:
            met = matching(view, filters).documents if filters else frozenset(view.numbers(*VISIBLE))
            for term in terms:
                met &= self._holding(view, term)
            found = view.rows(
                "SELECT d.id FROM numbers(?) j CROSS JOIN documents d ON d.number = j.value "
                "ORDER BY d.date DESC, d.source",
                sorted(met),
            )
        return [str(row[0]) for row in found]

    def dates(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the dates of those of these articles that have one, in the order given."""
        with self._index.documents.snapshot() as view:
            found = view.rows(
                "SELECT d.id, d.date FROM texts(?) j CROSS JOIN documents d ON d.id = j.value WHERE d.date != ''",
                list(ids),
            )
        return {str(row[0]): str(row[1]) for row in found}

    def openings(self, ids: Sequence[str], filters: Filters | None = None) -> list[Opening]:
        """Return these articles with their first sentences, in the order given; of copies, one that meets the filters.

        Args:
            ids: Ids of articles.
            filters: What the copy that is shown has to meet.
        """
        with self._index.documents.snapshot() as view:
            numbers = dict(
                view.rows(
                    "SELECT d.id, d.number FROM texts(?) j CROSS JOIN documents d ON d.id = j.value "
                    "WHERE d.state IN ('live', 'changed')",
                    list(ids),
                )
            )
            first = view.rows(
                "SELECT c.document, c.id FROM numbers(?) j CROSS JOIN chunks c ON c.document = j.value "
                "WHERE c.start = (SELECT MIN(o.start) FROM chunks o WHERE o.document = c.document)",
                list(numbers.values()),
            )
            copies = view.copies(numbers.values())
            among = matching(view, filters) if filters else None
            found: dict[str, Opening] = {}
            for chunk, document, _ in view.chunks(row[1] for row in first):
                number = numbers[document.id]
                others = {copy.path: copy.of(document) for copy in copies.get(number, ())}
                if among is not None and number not in among.main:
                    met = [others.pop(path) for path in among.copies.get(number, ()) if path in others]
                    document, *rest = [*met, document] if met else [document]
                    places = tuple(rest)
                else:
                    places = tuple(others.values())
                found[document.id] = Opening(document, chunk.sentences[0], Span(chunk.start, chunk.end), places)
        return [found[id] for id in ids if id in found]

    def _holding(self, view: View, term: str) -> frozenset[int]:
        """Return the documents that have a term in their title or text."""
        found = self._index.lexical.passages(term, _PASSAGES)
        return frozenset(owner.number for owner in view.owners(found).values())

    def _every(self, column: str) -> list[str]:
        with self._index.documents.snapshot() as view:
            found = view.rows(f"SELECT {column} FROM documents UNION SELECT {column} FROM places")
        return [str(row[0]) for row in found if row[0]]


def place_of(document: Document, sentence: Span) -> Place:
    """Return the place of a sentence in an article."""
    return Place(
        document_id=document.id,
        source=document.source,
        title=document.title,
        start=sentence.start,
        end=sentence.end,
        date=document.date or None,
        publisher=document.publisher or None,
        url=document.url or None,
        language=document.language,
    )
