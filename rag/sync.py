"""Files to the store: what is new or changed is read, split, embedded and written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rag.chunk import split
from rag.embed import PassageEmbedding
from rag.errors import DocumentError
from rag.index import Index
from rag.load import decode, find_files, load, make_document
from rag.types import Document, IngestReport

Progress = Callable[[int, int, str], None]


def sync(
    index: Index,
    embedding: PassageEmbedding,
    paths: Sequence[Path | str],
    size: int,
    progress: Progress | None = None,
) -> IngestReport:
    """Make the store hold what is at these paths; see `Engine.ingest`.

    Args:
        index: The store.
        embedding: What makes the vectors.
        paths: Files and folders.
        size: Sentences in a passage, at most.
        progress: Called with (files done, files in all, source) after each file.
    """
    started = time.perf_counter()
    files = [file for path in paths for file in find_files(Path(path).expanduser())]
    done: dict[str, list[str]] = {"added": [], "replaced": [], "unchanged": []}
    failed: list[tuple[str, str]] = []
    passages = 0
    for number, (path, source) in enumerate(files, 1):
        try:
            changed, count = _put(index, embedding, load(path, source), size)
            passages += count
            done[changed].append(source)
        except DocumentError as error:
            failed.append((source, str(error)))
        if progress:
            progress(number, len(files), source)
    index.documents.set_meta("used", "1")
    return IngestReport(
        added=tuple(done["added"]),
        replaced=tuple(done["replaced"]),
        unchanged=tuple(done["unchanged"]),
        failed=tuple(failed),
        passages=passages,
        seconds=time.perf_counter() - started,
    )


def add(
    index: Index, embedding: PassageEmbedding, source: str, content: str | bytes, path: str, size: int
) -> IngestReport:
    """Add one article given as text, or as a file's bytes; see `Engine.add`."""
    started = time.perf_counter()
    try:
        text = content if isinstance(content, str) else decode(content, source)
        changed, passages = _put(index, embedding, make_document(text, source, path), size)
        index.documents.set_meta("used", "1")
    except DocumentError as error:
        return IngestReport(failed=((source, str(error)),), seconds=time.perf_counter() - started)
    names = {changed: (source,)}
    return IngestReport(**names, passages=passages, seconds=time.perf_counter() - started)  # type: ignore[arg-type]


def _put(index: Index, embedding: PassageEmbedding, document: Document, size: int) -> tuple[str, int]:
    """Make the library hold what a file holds now; return what that took and how many passages are new."""
    documents = index.documents
    old = documents.by_path(document.path) if document.path else None
    # What the file held before goes with it, unless another file holds it too.
    orphan = old if old and old != document.id and documents.files(old) == [document.path] else None
    replaces = bool(old and old != document.id)
    if documents.document(document.id) is None:
        chunks = split(document, size)
        index.add(document, chunks, embedding.embed_passages(chunks), orphan)
        return "replaced" if replaces else "added", len(chunks)
    if document.path:
        documents.place(document.path, document.source, document.id)
    if orphan:
        index.remove(orphan)
    return "replaced" if replaces else "unchanged", 0
