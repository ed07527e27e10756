"""A library that is kept as its folders are: every change of a file is taken over within seconds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import DocumentError, RagError
from rag.types import IngestReport, merge

if TYPE_CHECKING:
    from rag.engine import Engine

_LOOK_MS = 300  # how often it is looked whether the folders themselves are still there
_DEBOUNCE_MS = 1600  # changes that follow one another are taken over together, after this long at the latest

_State = tuple[int, int] | None


def watch(
    engine: Engine,
    paths: Sequence[Path | str],
    stop: threading.Event,
    on_report: Callable[[IngestReport], None],
    columns: Mapping[str, str] | None = None,
) -> None:
    """Keep the library as these files and folders are, until `stop` is set.

    A folder that goes away (a disk that is unmounted) loses nothing and is taken up again when it is back.

    Args:
        engine: Whose library it is; questions may be put to it meanwhile.
        paths: Files and folders.
        stop: Ends it when it is set, after the ingest under way.
        on_report: Called with what each ingest did, where that is anything new.
        columns: As for `Engine.ingest`.

    Raises:
        RagError: The folders cannot be watched, or the store or the embedding model failed.
    """
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


def _changes(paths: Sequence[Path], stop: threading.Event) -> Iterator[bool]:
    """Yield whether anything changed below the paths, from the moment on that no change goes unnoticed."""
    if not paths:
        while not stop.wait(_LOOK_MS / 1000):
            yield False
        return
    # Only those who watch pay for it.
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
    """Ingest the paths together, so that what moves between them is seen to; those that fail stop no other."""
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
    """Return what tells a file or folder from another one in its place, or None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
