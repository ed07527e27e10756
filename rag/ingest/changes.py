"""Find out which files changed since the store last saw them, with a fast path for when none did."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import filelock

from rag.ingest.objects import UNKNOWN
from rag.ingest.scan import Found, Scan, scan
from rag.reports import IngestReport
from rag.store.database import Database
from rag.store.migrate import LAYOUT, UNCHECKED
from rag.store.view import View
from rag.types import File

_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".zip")


@dataclass(slots=True)
class Changes:
    """Files, grouped by what happened to them; `known` is what the store knows about files at the scanned paths."""

    known: dict[str, File] = field(default_factory=dict)
    same: list[Found] = field(default_factory=list)
    changed: list[tuple[Found, File | None]] = field(default_factory=list)
    gone: list[File] = field(default_factory=list)


def compare(found: Scan, files: Callable[[str], Mapping[str, File]], columns: Mapping[str, str] | None) -> Changes:
    """Compare files with what the store knows about them, by size and time.

    Args:
        found: The files at the paths.
        files: Returns the files that the store knows at or below a path.
        columns: The names of the columns of tables. If given, tables count as changed until their hash is compared.
    """
    changes = Changes()
    for folder in found.folders:
        changes.known.update(files(folder.rstrip("/") or "/"))
    for key, file in found.files.items():
        if not any(key.startswith(folder) for folder in found.folders) and (known := files(key).get(key)):
            changes.known[key] = known
        before = changes.known.get(key)
        stands = before and UNKNOWN != before.mtime_ns == file.mtime_ns and before.size == file.size
        if stands and not by_columns(file.path, columns):
            changes.same.append(file)
        else:
            changes.changed.append((file, before))
    changes.gone = [file for key, file in changes.known.items() if key not in found.files and found.mirrors(key)]
    return changes


def by_columns(path: str, columns: Mapping[str, str] | None) -> bool:
    """Return whether the articles in a file depend on the columns given."""
    return bool(columns) and path.lower().endswith(_TABLES)


def glance(
    store: Path, embedding: str, paths: Sequence[Path | str], columns: Mapping[str, str] | None
) -> IngestReport | None:
    """Return the report of an ingest that has nothing to do, or None when there is or may be something to do.

    It reads only the list of files, which does not need Chroma and LlamaIndex; these take seconds to import.

    Args:
        store: Folder of the store.
        embedding: Name of the embedding model of the ingest.
        paths: Files and folders, and addresses of them in object stores.
        columns: As for an ingest.

    Raises:
        DocumentError: A path does not exist or holds no article.
        ObjectStoreError: An object store cannot be reached.
        UsageError: See `scan`.
    """
    started = time.perf_counter()
    store = store.expanduser()
    try:
        if not (store / "documents.db").stat().st_size:
            return None  # opening it would create it
        with filelock.FileLock(store / "lock", timeout=0):
            database = Database(store / "documents.db")
            try:
                with database.read() as connection:
                    view = View(connection)
                    if not _is_settled(view, embedding):
                        return None
                    found = scan(paths, lambda folder: len(view.files(folder)))
                    changes = compare(found, view.files, columns)
            finally:
                database.close()
    except (filelock.Timeout, OSError):
        return None  # opening the store will report what is wrong
    if changes.changed or changes.gone:
        return None
    return IngestReport(
        unchanged=tuple(file.source for file in changes.same),
        failed=tuple(found.failed),
        notices=tuple(found.notices),
        seconds=time.perf_counter() - started,
    )


def _is_settled(view: View, embedding: str) -> bool:
    """Return whether opening the store would find nothing to do."""
    if not view.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
        return False
    made = (view.meta("layout"), view.meta("embedding"), view.meta(UNCHECKED) or "0")
    if made != (LAYOUT, embedding, "0"):
        return False
    return not (
        view.rows("SELECT 1 FROM documents WHERE state != 'live' LIMIT 1")
        or view.rows("SELECT 1 FROM arrivals LIMIT 1")
    )
