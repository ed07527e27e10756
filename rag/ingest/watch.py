"""Watch folders and ingest every changed file within seconds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import DocumentError, RagError, UsageError
from rag.ingest.objects import is_object
from rag.reports import IngestReport, merge

if TYPE_CHECKING:
    from rag.engine import Engine

_LOOK_MS = 300  # how often to check that the folders themselves still exist
_DEBOUNCE_MS = 1600  # changes in quick succession are ingested together, after this long at the latest

_State = tuple[int, int] | None


def watch(
    engine: Engine,
    paths: Sequence[Path | str],
    stop: threading.Event,
    on_report: Callable[[IngestReport], None],
    columns: Mapping[str, str] | None = None,
) -> None:
    """Keep the library in step with these files and folders, until `stop` is set.

    If a folder disappears (a disk that is unmounted), its articles stay, and it is watched again when it is back.

    Args:
        engine: The engine with the library; it can answer questions meanwhile.
        paths: Files and folders.
        stop: Ends the watch when set, after the ingest in progress.
        on_report: Called with the report of each ingest that has something new to report.
        columns: As for `Engine.ingest`.

    Raises:
        UsageError: A path is in an object store.
        RagError: The folders cannot be watched, or the store or the embedding model failed.
    """
    refuse_objects(paths)
    wanted = [Path(path).expanduser() for path in paths]
    last = IngestReport()
    while not stop.is_set():
        before = [_state(path) for path in wanted]
        present = [path for path, state in zip(wanted, before, strict=True) if state]
        is_first = True
        for is_changed in _changes(present, stop):
            if is_first or is_changed:
                report = _ingest(engine, wanted, columns)
                if _is_news(report, last):
                    on_report(report)
                last, is_first = report, False
            if [_state(path) for path in wanted] != before:
                break


def refuse_objects(paths: Sequence[Path | str]) -> None:
    """Check that no path is in an object store.

    Raises:
        UsageError: One is; stores do not tell what changes in them.
    """
    if found := [path for path in paths if is_object(path)]:
        raise UsageError(f"{found[0]} cannot be watched; run: rag ingest {found[0]} from time to time")


def _changes(paths: Sequence[Path], stop: threading.Event) -> Iterator[bool]:
    """Yield whether anything changed below the paths. The first value comes once every later change will be seen."""
    if not paths:
        while not stop.wait(_LOOK_MS / 1000):
            yield False
        return
    # Imported here, because it is only needed for watching.
    import watchfiles

    roots = [str(path.absolute()) for path in paths]
    try:
        for changes in watchfiles.watch(
            *roots,
            watch_filter=lambda _, path: not _is_hidden(path, roots),
            debounce=_DEBOUNCE_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
            stop_event=stop,
        ):
            yield bool(changes)
    except OSError as error:
        raise RagError(
            f"the folders cannot be watched: {error}; raise fs.inotify.max_user_watches, or set "
            "WATCHFILES_FORCE_POLLING=1"
        ) from error


def _ingest(engine: Engine, paths: Sequence[Path], columns: Mapping[str, str] | None) -> IngestReport:
    """Ingest the paths together, so that moves between them are recognised. A path that fails stops no other."""
    try:
        return engine.ingest(*paths, columns=columns)
    except DocumentError as error:
        if len(paths) == 1:
            return IngestReport(failed=((str(paths[0]), str(error)),))
    return merge([_ingest(engine, [path], columns) for path in paths])


def _is_news(report: IngestReport, last: IngestReport) -> bool:
    done = report.added or report.replaced or report.moved or report.removed
    return bool(done) or report.failed != last.failed


def _is_hidden(path: str, roots: Sequence[str]) -> bool:
    root = max((root for root in roots if path.startswith(root)), key=len, default="")
    return any(part.startswith((".", "~$")) for part in path[len(root) :].split(os.sep))


def _state(path: Path) -> _State:
    """Return what identifies the file or folder at a path (device and inode), or None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
