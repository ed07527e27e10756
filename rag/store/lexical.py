"""The lexical index: BM25 over sentences, persisted and incremental. Only this module uses tantivy."""

from __future__ import annotations

import json
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tantivy
from rapidfuzz import process
from rapidfuzz.distance import OSA

from rag.errors import DamagedError, StoreError, one_line
from rag.types import Chunk

_HEAP_BYTES = 50_000_000
_SEALED = ("term", "idx", "pos", "store", "fast", "fieldnorm")  # a segment's files; each ends with a checksum
_MAGIC = 1337
_MOST_LETTERS = 64  # a longer term is not treated as a misspelt word


class LexicalIndex:
    """An index with one entry per sentence and two fields: its own terms, and those of its passage and title.

    Terms are already normalised (`rag.language.words.terms`), so tantivy only splits them at spaces. Changes by `put`
    and `remove` become visible together, after `commit`. Only one thread may write at a time.

    Args:
        folder: The folder of the index. It is created if missing.

    Raises:
        StoreError: The folder cannot be used or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None
        self._known: dict[
            str, tuple[list[str], list[int]]
        ] = {}  # the dictionary by first letter, since the last commit
        self._known_lock = threading.Lock()
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("chunk", stored=True, tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field("number", stored=True)
        for field in ("sentence", "passage"):
            builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        with self._translated():
            folder.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(self._schema, path=str(folder), reuse=True)
            self._index.reload()

    def close(self) -> None:
        """Release the folder. Uncommitted changes are lost."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with self._translated():
                writer.wait_merging_threads()

    def put(self, entries: Iterable[tuple[Chunk, Sequence[list[str]], list[str]]]) -> None:
        """Write or replace passages, each with the terms of its sentences and those of its surroundings."""
        with self._writing() as writer:
            for chunk, sentences, surroundings in entries:
                writer.delete_documents_by_term("chunk", chunk.id)
                around = _spaced(surroundings)
                for number, terms in enumerate(sentences):
                    writer.add_document(
                        tantivy.Document(chunk=chunk.id, number=number, sentence=_spaced(terms), passage=around)
                    )

    def remove(self, chunk_ids: Iterable[str]) -> None:
        """Remove the sentences of these passages."""
        with self._writing() as writer:
            for chunk_id in chunk_ids:
                writer.delete_documents_by_term("chunk", chunk_id)

    def clear(self) -> None:
        """Remove everything."""
        with self._writing() as writer:
            writer.delete_all_documents()

    def commit(self) -> None:
        """Make what was put and removed visible to readers; small segments are merged in the background."""
        if self._writer is None:
            return
        with self._writing() as writer:
            writer.commit()
            self._index.reload()
        with self._known_lock:
            self._known = {}

    def count(self) -> int:
        """Return the number of sentences in the index."""
        with self._translated():
            return int(self._index.searcher().num_docs)

    def check(self) -> None:
        """Read the files of the last commit and compare each with the checksum that tantivy wrote at its end.

        There may be other files: a killed process leaves what it was writing, and tantivy deletes that later.

        Raises:
            DamagedError: A file has changed since it was written.
        """
        for path in self._committed():
            if not _is_sealed(path):
                raise DamagedError(f"{path} is not what was written; run: rag doctor --repair")

    def _committed(self) -> list[Path]:
        """Return the files that the last commit consists of, if they exist."""
        path = self._folder / "meta.json"
        try:
            segments = json.loads(path.read_bytes())["segments"]
            names = [
                f"{segment['segment_id'].replace('-', '')}.{ending}"
                for segment in segments
                for ending in (*_SEALED, *([f"{segment['deletes']['opstamp']}.del"] if segment["deletes"] else []))
            ]
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise DamagedError(f"{path} is not what was written; run: rag doctor --repair") from error
        return [file for file in (self._folder / name for name in names) if file.exists()]

    def document_frequency(self, term: str) -> int:
        """Return in how many sentences `term` occurs; recently removed sentences may still count."""
        with self._translated():
            searcher = self._index.searcher()
            return min(int(searcher.doc_freq("sentence", term)), int(searcher.num_docs))

    def holds(self, term: str, field: str = "passage") -> bool:
        """Return whether `term` occurs in any passage or article title, or with `field="sentence"` in any sentence."""
        with self._translated():
            searcher = self._index.searcher()
            if not searcher.doc_freq(field, term):
                return False
            # The frequency still counts removed sentences until their segment is merged.
            return bool(searcher.search(tantivy.Query.term_query(self._schema, field, term), 1, count=False).hits)

    def nearest_term(self, term: str) -> str | None:
        """Return the nearest indexed term with the same first letter, the most frequent one on a tie, or None.

        It is at most one edit away, or two for terms of eight letters or more. Terms of fewer than four letters and
        numbers are never treated as misspelt.
        """
        if not 4 <= len(term) <= _MOST_LETTERS or not term.isalpha():
            return None
        most = 1 if len(term) < 8 else 2
        known, counts = self._starting(term[0])
        close = process.extract_iter(term, known, scorer=OSA.distance, processor=None, score_cutoff=most)
        best = min(((distance, -counts[i], other) for other, distance, i in close), default=None)
        return best[2] if best else None

    def search(self, terms: Sequence[str], limit: int, among: Sequence[str] = ()) -> list[tuple[str, int, float]]:
        """Return the best sentences for these terms as (chunk id, number of the sentence in it, BM25 score).

        The score is the BM25 score of the sentence plus half that of its surroundings.

        Args:
            terms: Normalised terms.
            limit: The most sentences to return.
            among: Ids of the passages to search; all when empty.
        """
        clauses = [
            (
                tantivy.Occur.Should,
                tantivy.Query.boost_query(tantivy.Query.term_query(self._schema, field, term), boost),
            )
            for term in dict.fromkeys(terms)
            for field, boost in (("sentence", 1.0), ("passage", 0.5))
        ]
        if not clauses or limit < 1:
            return []
        query = tantivy.Query.boolean_query(clauses)
        if among:
            inside = tantivy.Query.const_score_query(self._of(among), 0.0)
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, inside)])
        return list(self._found(query, limit))

    def numbers(self, chunk_ids: Sequence[str], most: int) -> dict[str, list[int]]:
        """Return the sentence numbers in the index for each of these passages, at most `most` in total."""
        found: dict[str, list[int]] = {}
        for chunk_id, number, _ in self._found(self._of(chunk_ids), most) if chunk_ids else ():
            found.setdefault(chunk_id, []).append(number)
        return found

    def passages(self, term: str, most: int) -> list[str]:
        """Return the ids of the passages that have a term in their text or in their article's title, at most `most`."""
        query = tantivy.Query.const_score_query(tantivy.Query.term_query(self._schema, "passage", term), 1.0)
        return list(dict.fromkeys(chunk_id for chunk_id, _, _ in self._found(query, most)))

    def _found(self, query: Any, limit: int) -> Iterator[tuple[str, int, float]]:
        with self._translated():
            searcher = self._index.searcher()
            for score, address in searcher.search(query, limit, count=False).hits:
                entry = searcher.doc(address)
                yield str(entry["chunk"][0]), int(entry["number"][0]), float(score)

    def _of(self, chunk_ids: Sequence[str]) -> Any:
        return tantivy.Query.term_set_query(self._schema, "chunk", list(chunk_ids))

    def _starting(self, letter: str) -> tuple[list[str], list[int]]:
        """Return the indexed terms with this first letter, and their frequencies."""
        with self._known_lock:
            known = self._known
            if letter not in known:
                with self._translated():
                    found = self._index.searcher().terms_with_prefix("sentence", letter)
                known[letter] = ([term for term, _ in found], [count for _, count in found])
            return known[letter]

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """Lend the writer. After a failure it is discarded, and uncommitted changes with it."""
        with self._translated():
            try:
                if self._writer is None:
                    writer = self._index.writer(_HEAP_BYTES, 1)
                    # A process killed during a commit leaves files that make the next commit fail.
                    writer.garbage_collect_files()
                    self._writer = writer
                yield self._writer
            except BaseException:
                self._writer = None
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            # A Rust panic is not an Exception, and can only be recognised by its name.
            if (
                not isinstance(error, (ValueError, OSError, KeyError, IndexError, TypeError))
                and type(error).__name__ != "PanicException"
            ):
                raise
            raise StoreError(
                f"the lexical index in {self._folder} failed: {one_line(error, first=True)}; check the disk's "
                "space, run: rag doctor --repair, or remove that folder to have it rebuilt"
            ) from error


def _is_sealed(path: Path) -> bool:
    """Check a file against its footer: JSON with a checksum, the length of the JSON, and a magic number."""
    raw = path.read_bytes()
    try:
        length, magic = struct.unpack("<II", raw[-8:])
        footer = json.loads(raw[-8 - length : -8])
        return bool(magic == _MAGIC and footer["crc"] == zlib.crc32(raw[: -8 - length]))
    except (struct.error, ValueError, KeyError, TypeError):
        return False


def _spaced(terms: Sequence[str]) -> str:
    # tantivy does not accept half of a surrogate pair.
    return " ".join(terms).encode("utf-8", "replace").decode("utf-8")
