"""The lexical index: BM25 over sentences, persisted and incremental. Only this module knows tantivy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import tantivy
from rapidfuzz.distance import OSA

from rag.errors import StoreError
from rag.types import Chunk

_HEAP_BYTES = 50_000_000


class LexicalIndex:
    """One entry a sentence with two fields: its own terms, and those of its passage and title around it.

    Terms come in normalised (`rag.text.terms`), so tantivy only splits them at spaces.

    Args:
        folder: Where the index lies; made when missing.

    Raises:
        StoreError: The folder cannot be used or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("chunk", stored=True, tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field("number", stored=True)
        for field in ("sentence", "passage"):
            builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(self._schema, path=str(folder), reuse=True)
            self._index.reload()
        except (ValueError, OSError) as error:
            raise self._error(error) from error

    def add(self, entries: Iterable[tuple[Chunk, Sequence[list[str]], list[str]]]) -> None:
        """Add passages: each with the terms of its sentences and the terms of its whole surroundings."""
        self._write(entries, ())

    def remove(self, chunk_ids: Iterable[str]) -> None:
        """Remove the sentences of these passages."""
        self._write((), chunk_ids)

    def clear(self) -> None:
        """Remove everything."""
        try:
            writer = self._index.writer(_HEAP_BYTES, 1)
            writer.delete_all_documents()
            writer.commit()
            writer.wait_merging_threads()
            self._index.reload()
        except (ValueError, OSError) as error:
            raise self._error(error) from error

    def count(self) -> int:
        """Return the number of sentences in the index."""
        return int(self._index.searcher().num_docs)

    def document_frequency(self, term: str) -> int:
        """Return in how many sentences `term` occurs."""
        return int(self._index.searcher().doc_freq("sentence", term))

    def holds(self, term: str) -> bool:
        """Tell whether `term` occurs in a sentence, its passage or its article's title."""
        return int(self._index.searcher().doc_freq("passage", term)) > 0

    def nearest(self, term: str) -> str | None:
        """Return the most frequent indexed term that starts alike and is one edit away (two from eight letters on).

        Terms of fewer than four letters, and numbers, are never taken for misspelt ones.
        """
        if len(term) < 4 or not term.isalpha():
            return None
        most = 1 if len(term) < 8 else 2
        known = self._index.searcher().terms_with_prefix("sentence", term[0])
        close = ((OSA.distance(term, other, score_cutoff=most), -count, other) for other, count in known)
        best = min((entry for entry in close if entry[0] <= most), default=None)
        return best[2] if best else None

    def search(self, terms: Sequence[str], limit: int, among: Sequence[str] = ()) -> list[tuple[str, int, float]]:
        """Return the best sentences for these terms as (chunk id, number of the sentence in it, BM25 score).

        The score is the sum of the sentence's BM25 and half of its surroundings'.

        Args:
            terms: Normalised terms.
            limit: How many, at most.
            among: Ids of the passages to look in; all when there are none.
        """
        clauses = [
            (
                tantivy.Occur.Should,
                tantivy.Query.boost_query(tantivy.Query.term_query(self._schema, field, term), boost),
            )
            for term in dict.fromkeys(terms)
            for field, boost in (("sentence", 1.0), ("passage", 0.5))
        ]
        if not clauses:
            return []
        searcher = self._index.searcher()
        try:
            query = tantivy.Query.boolean_query(clauses)
            if among:
                inside = tantivy.Query.const_score_query(
                    tantivy.Query.term_set_query(self._schema, "chunk", list(among)), 0.0
                )
                query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, inside)])
            found = searcher.search(query, limit).hits
            entries = [(searcher.doc(address), score) for score, address in found]
        except (ValueError, OSError) as error:
            raise self._error(error) from error
        return [(str(entry["chunk"][0]), int(entry["number"][0]), float(score)) for entry, score in entries]

    def _write(self, entries: Iterable[tuple[Chunk, Sequence[list[str]], list[str]]], removed: Iterable[str]) -> None:
        try:
            writer = self._index.writer(_HEAP_BYTES, 1)
            for chunk_id in removed:
                writer.delete_documents_by_term("chunk", chunk_id)
            for chunk, sentences, surroundings in entries:
                for number, terms in enumerate(sentences):
                    writer.add_document(
                        tantivy.Document(
                            chunk=chunk.id, number=number, sentence=" ".join(terms), passage=" ".join(surroundings)
                        )
                    )
            writer.commit()
            writer.wait_merging_threads()
            self._index.reload()
        except (ValueError, OSError) as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> StoreError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return StoreError(
            f"the lexical index in {self._folder} failed: {reason}; remove that folder to have it rebuilt"
        )
