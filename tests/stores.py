"""Helpers for the tests of the store: make and write entries, and look up what a question finds."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from fakes import ROOT, FakeEmbedding, make_passages

from rag import Filters
from rag.language.words import terms
from rag.store.index import Index
from rag.types import Entry, File

MODEL = "fake-embedding"


def make_entry(text: str, source: str = "a.txt", path: str | None = None, **details: Any) -> Entry:
    """Return an article in its own file; `details` are fields of its document, and a `path` of "" means no file."""
    path = f"/articles/{source}" if path is None else path
    document, chunks, vectors = make_passages(text, source, path)
    document = dataclasses.replace(document, **details)
    version = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Entry(File(path, len(text), 1, version), document, tuple(chunks), tuple(vectors))


def known(entry: Entry, source: str | None = None) -> Entry:
    """Return an entry whose document is already in the store, in another place if `source` is given."""
    document, file = entry.document, entry.file
    if source is not None:
        path = f"/articles/{source}"
        document = dataclasses.replace(document, source=source, path=path)
        file = dataclasses.replace(file, path=path)
    return Entry(file, document)


def write(index: Index, *entries: Entry) -> list[str]:
    """Write articles, each of which is a whole file, as one batch."""
    return index.write(entries, [entry.file for entry in entries if entry.file.path])


def add(index: Index, text: str, source: str = "a.txt", **details: Any) -> str:
    """Write one article that is a whole file, and return its id."""
    entry = make_entry(text, source, **details)
    write(index, entry)
    return entry.document.id


def found(index: Index, question: str, limit: int = 10, filters: Filters | None = None) -> list[str]:
    """Return the passages that the index proposes for a question."""
    candidates = index.search(FakeEmbedding().embed_question(question), terms(question), limit, filters)
    return [candidate.chunk.text for candidate in candidates]


def sources(index: Index) -> list[str]:
    """Return the source names of the library."""
    return [entry.source for entry in index.sources()]


COD = "Cod left the bay. The bay froze. Nobody fished."
HERRING = "Herring came home. Home was warm."


def fill(folder: Path) -> None:
    """Create a store of two articles and close it."""
    index = Index.open(folder, MODEL)
    add(index, COD)
    add(index, HERRING, "b.txt")
    index.close()


def assert_whole(index: Index) -> None:
    """Assert that all three parts hold exactly the same passages, by a count here and by the store's own audit."""
    with index.documents.snapshot() as view:
        chunk_ids = view.chunk_ids(view.numbers("live"))
        assert view.numbers("pending", "changed", "going") == []
        passages = list(view.chunks(chunk_ids))
    assert sorted(index.vectors.ids()) == sorted(chunk_ids)
    sentences = {}
    for chunk, _, vectors in passages:
        assert vectors.shape[0] == 1 + len(chunk.sentences)
        for number, span in enumerate(chunk.sentences):
            sentences[chunk.id, number] = terms(chunk.text[span.start - chunk.start : span.end - chunk.start])
    assert index.lexical.count() == len(sentences)
    for place, words in sentences.items():
        assert place in {(chunk_id, number) for chunk_id, number, _ in index.lexical.search(words, 100)}
    assert index.documents.count()[1:] == (len(chunk_ids), len(sentences))
    assert list(index.problems()) == []


OTHER_PROCESS = """
import sys, time
from rag import RagError
from rag.store.index import Index
started = time.perf_counter()
try:
    index = Index.open(__import__("pathlib").Path(sys.argv[1]), "fake-embedding")
except RagError as error:
    print(type(error).__name__, f"{time.perf_counter() - started:.3f}", error, sep="|")
else:
    print("open", flush=True)
    sys.stdin.readline()
"""


def other_process(folder: Path) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OTHER_PROCESS, str(folder)]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
