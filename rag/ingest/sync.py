"""Synchronise the store with files: read, split, embed and write what is new or changed, and drop what is gone."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from rag.ingest.changes import Changes, compare
from rag.ingest.pipeline import pipelined
from rag.ingest.read import LATER, BatchReader, Part, guarded
from rag.ingest.report import Pace as Pace
from rag.ingest.report import Progress as Progress
from rag.ingest.report import ReportBuilder
from rag.ingest.scan import Found, Scan, scan
from rag.ingest.spread import Spread, Workers
from rag.ingest.write import Writer
from rag.load.files import from_text, read_bytes
from rag.protocols import ArticleStore, Embedding, Vectors
from rag.reports import IngestReport
from rag.types import Document, File, Note

_PAGE = 1000  # files dropped together
_Batch = tuple[list[Part], list[Vectors] | None]  # the vectors are None until this process embeds


def sync(
    index: ArticleStore,
    embedding: Embedding,
    paths: Sequence[Path | str],
    size: int,
    progress: Progress | None = None,
    columns: Mapping[str, str] | None = None,
    pace: Pace | None = None,
    workers: Callable[[], AbstractContextManager[Workers]] | None = None,
) -> IngestReport:
    """Make the store hold what is at these paths; see `Engine.ingest`.

    Args:
        index: The store.
        embedding: The embedding model; loaded only when there is something to embed.
        paths: Files and folders.
        size: The most sentences in a passage.
        progress: Called with (files done, files in total, source) after each file.
        columns: The names of the columns of tables; see `rag.load.files.read`.
        pace: Called after each batch with (passages embedded so far, share of the bytes read).
        workers: Starts workers that read and embed, if there is something to read; otherwise this process does both.
    """
    started = time.perf_counter()
    found = scan(paths, lambda folder: len(index.files(folder)))
    changes = compare(found, index.files, columns)
    builder = ReportBuilder(list(found.files.values()), changes.known, progress, pace)
    builder.failed += found.failed
    builder.notices += found.notices
    for file in changes.same:
        builder.same(file)
    if changes.changed:
        reader = BatchReader(index.held, size, columns)
        with workers() if workers else contextlib.nullcontext() as crew:
            spread = Spread(crew, reader, index.held) if crew else None
            _take_in(index, Writer(index, embedding, size), reader, spread, changes.changed, builder)
    _let_go(index, found, changes, builder)
    report = builder.report(time.perf_counter() - started)
    index.documents.set_meta("used", "1")
    return report


def add(
    index: ArticleStore,
    embedding: Embedding,
    source: str,
    content: str | bytes,
    path: str,
    size: int,
    columns: Mapping[str, str] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> IngestReport:
    """Add one article given as text, or a file given as its bytes; see `Engine.add`."""
    if isinstance(content, bytes):
        items = read_bytes(content, source, path, columns)
        return put(index, embedding, source, content, path, size, items, stopped)
    raw = content.encode("utf-8", "surrogatepass")
    empty = Note(source, f"{source} is empty; give some text")
    item = from_text(content, source, path) if content.strip() else empty
    return put(index, embedding, source, raw, path, size, [item])


def put(
    index: ArticleStore,
    embedding: Embedding,
    source: str,
    raw: bytes,
    path: str,
    size: int,
    items: Iterable[Document | Note],
    stopped: Callable[[], bool] = lambda: False,
) -> IngestReport:
    """Write the articles of a file that is not on this machine's disk.

    Args:
        index: The store.
        embedding: The embedding model.
        source: The file's name in citations.
        raw: The file's bytes, whose hash distinguishes its versions.
        path: Where the file came from: what the store has from there is replaced. Empty if it has no path.
        size: The most sentences in a passage.
        items: The articles in the file.
        stopped: Called after each batch; if it returns True, the rest is skipped, and what was written stays.
    """
    started = time.perf_counter()
    found = Found(path, path, source, len(raw), LATER)
    builder = ReportBuilder([found], index.files(path) if path else {})
    reader = BatchReader(index.held, size)
    writer = Writer(index, embedding, size)
    file = File(path, len(raw), LATER, hashlib.sha256(raw).hexdigest())
    for part in reader.parts(found, file, guarded(source, lambda: items)):
        for done, words in writer.write([part], writer.embed([part])):
            builder.take(done, words)
        reader.written([part])
        if stopped():
            reader.stopped.set()
    report = builder.report(time.perf_counter() - started)
    if not report.failed:
        index.documents.set_meta("used", "1")
    return report


def _take_in(
    index: ArticleStore,
    writer: Writer,
    reader: BatchReader,
    spread: Spread | None,
    changed: Sequence[tuple[Found, File | None]],
    builder: ReportBuilder,
) -> None:
    """Read, embed and write what is new or changed; with `spread`, others read and embed."""

    def embed(batch: _Batch) -> list[Vectors]:
        return writer.embed(batch[0]) if batch[1] is None else batch[1]

    read: Generator[_Batch, None, None] = ((parts, None) for parts in reader.batches(changed))
    batches = spread.batches(changed) if spread else read
    stages = pipelined(batches, embed, lambda batch, vectors: writer.write(batch[0], vectors), reader.stopped.set)
    with contextlib.closing(batches), contextlib.closing(stages) as results:
        for written in results:
            for part, words in written:
                builder.take(part, words)
            (spread or reader).written([part for part, _ in written])
            index.documents.set_meta("used", "1")  # after each batch, in case the sync is interrupted
            builder.beat()


def _let_go(index: ArticleStore, found: Scan, changes: Changes, builder: ReportBuilder) -> None:
    """Drop the files that are gone. Everything new is written by now, so files that only moved are still there."""
    gone = [*changes.gone, *(changes.known[key] for key in sorted(builder.gone & changes.known.keys()))]
    gone = [file for file in gone if file.hash not in builder.lost]
    arrivals = builder.arrivals()
    elsewhere = [file for file in index.files().values() if _has_left(file, found, arrivals)] if arrivals else []
    moved, removed = [], []
    for file in [*gone, *elsewhere]:
        if places := arrivals.get(file.hash):
            builder.moved(places.pop(0))
            moved.append(file.path)
        elif file.path in changes.known:
            removed.append(file.path)
    _drop(index, moved)
    builder.removed += _drop(index, removed)


def _drop(index: ArticleStore, paths: Sequence[str]) -> list[str]:
    """Drop files in pages, and return the source names that were removed."""
    return [name for first in range(0, len(paths), _PAGE) for name in index.drop(paths[first : first + _PAGE])]


def _has_left(file: File, found: Scan, arrivals: Mapping[str, list[str]]) -> bool:
    """Return whether a file in another folder is gone, and a file with the same content has arrived here."""
    if file.hash not in arrivals or file.path in found.files or found.mirrors(file.path) or found.hides(file.path):
        return False
    # An escaped name cannot be checked on disk, and neither can a web address.
    return os.path.isabs(file.path) and "\\x" not in file.path and not os.path.lexists(file.path)
