"""Write the articles that the crash benchmark syncs, and dump stores so that two can be compared."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.archive import Article, articles
from rag.store.index import Index

ARTICLES = 30
_OLD, _NEW = 1_600_000_000, 1_700_000_000  # fixed file times, so that each folder is the same in every run
_TABLES = {
    "documents": "SELECT id, state, kept, source, title, path, date, author, publisher, language, url, passages, "
    "sentences, folded, (SELECT MIN(id) FROM documents o WHERE o.family = d.family) FROM documents d ORDER BY id",
    "texts": "SELECT d.id, t.signature, t.text FROM texts t JOIN documents d ON d.number = t.document ORDER BY d.id",
    "bands": "SELECT key, d.id FROM bands JOIN documents d ON d.number = document ORDER BY key, d.id",
    "chunks": "SELECT c.id, d.id, start, end, spans, vectors FROM chunks c "
    "JOIN documents d ON d.number = c.document ORDER BY c.id",
    "places": "SELECT p.path, p.file, p.version, p.source, d.id FROM places p "
    "JOIN documents d ON d.number = p.document ORDER BY p.path",
    "files": "SELECT path, size, mtime_ns, hash FROM files ORDER BY path",
    "arrivals": "SELECT path FROM arrivals ORDER BY path",
    # The version counts changes, and so depends on the number of interruptions.
    "meta": "SELECT key, value FROM meta WHERE key != 'version' ORDER BY key",
}


@dataclasses.dataclass
class State:
    """Everything that a store holds, except the times it was written, and the problems that its own audit finds."""

    tables: dict[str, list[tuple[Any, ...]]]
    chroma: dict[str, tuple[Any, dict[str, Any], str]]
    lexical: dict[str, list[int]]
    counts: tuple[int, ...]
    problems: list[str]

    def differences(self, other: State) -> list[str]:
        """Return the differences from another store, one per line."""
        found = [f"table {name} differs" for name, rows in self.tables.items() if rows != other.tables[name]]
        if self.counts != other.counts:
            found.append(f"counts {self.counts}, not {other.counts}")
        if self.lexical != other.lexical:
            found.append("the lexical index differs")
        if self.chroma.keys() != other.chroma.keys():
            found.append(f"Chroma holds {len(self.chroma)} passages, others than {len(other.chroma)}")
        for chunk_id, (vector, *said) in self.chroma.items():
            vector_there, *said_there = other.chroma.get(chunk_id, (vector, *said))
            # Chroma normalises a vector to unit length again when it moves it to its index.
            if said != said_there or not np.allclose(vector, vector_there, atol=1e-6):
                found.append(f"Chroma's passage {chunk_id} differs")
        return found


def dump(index: Index) -> State:
    """Return everything that a store holds."""
    with index.documents.snapshot() as view:
        tables = {name: view.rows(statement) for name, statement in _TABLES.items()}
    chroma_ids = list(index.vectors.ids())
    chunk_ids = [row[0] for row in tables["chunks"]]
    records = index.vectors.records(chroma_ids)
    lexical = index.lexical.numbers(chunk_ids, 100_000)
    return State(
        tables,
        {i: (record.vector, _parsed(record.metadata), record.text) for i, record in records.items()},
        {chunk_id: sorted(numbers) for chunk_id, numbers in lexical.items()},
        (*index.documents.count(), index.vectors.count(), index.lexical.count()),
        list(index.problems()),
    )


def _parsed(metadata: dict[str, Any]) -> dict[str, Any]:
    return metadata | {"_node_content": json.loads(metadata["_node_content"])}


def committed(database: Path) -> set[str]:
    """Return the passages that a killed process had committed, without touching its files."""
    if not database.exists():
        return set()
    with tempfile.TemporaryDirectory() as temporary:
        for path in database.parent.glob(f"{database.name}*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, temporary)
        connection = sqlite3.connect(Path(temporary) / database.name)
        try:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'chunks'").fetchone():
                return set()
            return {row[0] for row in connection.execute("SELECT id FROM chunks")}
        finally:
            connection.close()


def write_articles(folder: Path, operation: str) -> None:
    """Write the folder that an operation syncs: all files; some changed, moved, added or removed; half removed."""
    shutil.rmtree(folder, ignore_errors=True)
    made = list(articles(6 * ARTICLES, per_article=2, questions=0))
    first, later = made[:ARTICLES], made[ARTICLES:]
    files = {article.source: (article.text, _OLD) for article in first}
    files["copy/same.txt"] = files[first[0].source]  # the same document in two places
    files["copy/wire.txt"] = (f"{first[1].text}\nAn agency reported it.\n", _OLD)  # a near-duplicate
    files["rows.jsonl"] = (_rows(later[:6]), _OLD)
    if operation == "update":
        _update(files, first, later)
    elif operation == "delete":
        for article in first[::2]:
            del files[article.source]
        files["rows.jsonl"] = (_rows(later[:3]), _NEW)
    for source, (text, modified) in files.items():
        path = folder / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        os.utime(path, (modified, modified))


def _update(files: dict[str, tuple[str, int]], first: list[Article], later: list[Article]) -> None:
    for number, article in enumerate(first):
        kind = number % 5
        if kind == 0:  # changed in one sentence
            files[article.source] = (article.text.replace(". ", f". It was the {number}th. ", 1), _NEW)
        elif kind == 1:  # moved
            files[f"moved/{number}.txt"] = files.pop(article.source)
        elif kind == 2:  # replaced
            files[article.source] = (later[10 + number].text, _NEW)
        elif kind == 3 and number > 15:  # removed
            del files[article.source]
    files["new.txt"] = (later[7].text, _NEW)
    files["rows.jsonl"] = (_rows([*later[3:7], later[8]]), _NEW)


def _rows(rows: list[Article]) -> str:
    return "".join(json.dumps({"text": a.text, "title": a.source, "date": "2024-07-12"}) + "\n" for a in rows)
