"""`rag ingest`: add files, folders and web addresses to the library, once or continuously."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from rag.cli import remote
from rag.cli.console import count, print_json, shown
from rag.cli.remote import Remote
from rag.errors import RagError, UsageError
from rag.ingest.objects import is_object
from rag.ingest.watch import refuse_objects
from rag.reports import IngestReport, merge
from rag.settings import Settings
from rag.store.collections import folder_of

if TYPE_CHECKING:
    from rag.engine import Engine
    from rag.ingest.sync import Pace, Progress

_COLUMNS = ("text", "title", "date", "url", "source", "author", "language")
_MOST_LINES = 50
_err = Console(stderr=True, highlight=False)
_log = logging.getLogger(__name__)


def run(settings: Settings, paths: Sequence[str], columns: str, watch: bool, as_json: bool, ray: str = "") -> int:
    """Ingest and print the results; return the exit code.

    Args:
        settings: The configuration, which names the store.
        paths: Files, folders, addresses of them in object stores, and web addresses; none: the shipped articles.
        columns: `text=Body,title=Head`, or nothing.
        watch: Continue until Ctrl-C.
        as_json: Print reports as JSON: a single one, or with `watch` one per line.
        ray: The address of a Ray cluster that reads and embeds.

    Raises:
        UsageError: The columns are not usable, or a web address or a cluster was given with `watch`.
    """
    # Slow imports are done where they are needed: `rag --help` must be quick.
    from rag.load.web import is_url

    addresses = [path for path in paths if is_url(path)]
    files = [path for path in paths if not is_url(path)]
    named = parse_columns(columns)
    if watch and addresses:
        raise UsageError(f"{addresses[0]} cannot be watched; give files and folders, or leave --watch out")
    if watch:
        refuse_objects(files)
    if watch and ray:
        raise UsageError("--watch reads on this machine; leave --ray or --watch out")
    if files and not (watch or addresses or settings.database):
        from rag.ingest.changes import glance

        if report := glance(folder_of(settings.store, settings.collection), settings.embedding, files, named):
            _print(report, as_json)
            return 1 if report.failed else 0
    server = None if watch or ray else remote.find(settings)
    if not paths:
        from rag.shared_engine import seeds_folder

        files = [str(seeds_folder())]
    if server:
        return _ingest_by(server, files, addresses, named, as_json)
    from rag.engine import Engine

    with Engine(settings, create=True) as engine:
        try:
            report = _ingest(engine, files, addresses, named, ray)
        except KeyboardInterrupt:
            return _stopped()
        _print(report, as_json, one_line=watch)
        if watch:
            _watch(engine, files, named, as_json)
            return 0
    return 1 if report.failed else 0


def take_over(settings: Settings, store: Path, as_json: bool) -> None:
    """Take over the articles of another store, and print what happened; see `Library.take_over`."""
    from rag.engine import Engine

    with Engine(settings, create=True) as engine:
        _print(engine.take_over(store), as_json)


def _ingest_by(
    server: Remote, files: Sequence[str], addresses: Sequence[str], columns: Mapping[str, str], as_json: bool
) -> int:
    """Let the running server ingest, print the results and return the exit code."""
    try:
        with _progress() as (progress, pace):
            absolute = [file if is_object(file) else os.path.abspath(file) for file in files]
            report = server.ingest(absolute, addresses, columns, progress, pace)
    except KeyboardInterrupt:
        return _stopped()
    _print(report, as_json)
    return 1 if report.failed else 0


def _stopped() -> int:
    print("rag: stopped; what was read so far is in the store, the same command goes on", file=sys.stderr)
    return 130


@contextlib.contextmanager
def watching(engine: Engine, paths: Sequence[str]) -> Iterator[None]:
    """Keep the library in step with these folders, in a thread, until the block ends."""
    if not paths:
        yield
        return
    refuse_objects(paths)
    from rag.ingest.watch import watch  # imports the engine, which takes seconds

    stop = threading.Event()

    def run() -> None:
        try:
            watch(engine, paths, stop, lambda report: _log.warning("%s", summary(report)))
        except RagError as error:
            _log.error("the folders are not watched any more: %s", error)

    thread = threading.Thread(target=run, name="dateline-watch")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def parse_columns(given: str) -> dict[str, str]:
    """Return which column holds what.

    Raises:
        UsageError: It does not have the form `text=Body,title=Head`.
    """
    columns = {}
    for pair in filter(None, (part.strip() for part in given.split(","))):
        key, is_pair, name = (part.strip() for part in pair.partition("="))
        if not (is_pair and name) or key not in _COLUMNS:
            raise UsageError(
                f"--columns {pair!r} is not understood; write it like text=Body,title=Head with "
                f"{', '.join(_COLUMNS[:-1])} or {_COLUMNS[-1]} on the left"
            )
        columns[key] = name
    return columns


def _print(report: IngestReport, as_json: bool, one_line: bool = False) -> None:
    if as_json:
        print_json(report.to_dict(), one_line)
    else:
        print_report(report)


def print_report(report: IngestReport) -> None:
    """Print what an ingest did: changes and the summary to stdout, notes and failures to stderr."""
    changed = ("added", "replaced", "moved", "removed")
    _print_lines([f"{state} {shown(name)}" for state in changed for name in getattr(report, state)], sys.stdout)
    _print_lines([f"note {shown(name)}: {text}" for name, text in report.notices], sys.stderr)
    _print_lines([f"failed {shown(name)}: {shown(reason)}" for name, reason in report.failed], sys.stderr)
    print(summary(report), flush=True)  # a watcher runs for days, and stdout may be a pipe


def summary(report: IngestReport) -> str:
    """Return what an ingest did in one line."""
    states = ("added", "replaced", "moved", "removed", "unchanged", "failed")
    counts = ", ".join(f"{len(getattr(report, state)):,} {state}" for state in states)
    rate = f" ({report.passages / report.seconds:,.0f}/s)" if report.passages and report.seconds >= 1 else ""
    return f"{counts}; {count(report.passages, 'new passage')} in {report.seconds:.1f} s{rate}"


def _print_lines(lines: Sequence[str], stream: object) -> None:
    for line in lines[:_MOST_LINES]:
        print(line, file=stream)  # type: ignore[call-overload]
    if len(lines) > _MOST_LINES:
        print(f"and {len(lines) - _MOST_LINES:,} more; --json lists all", file=stream)  # type: ignore[call-overload]


def _ingest(
    engine: Engine, files: Sequence[str], addresses: Sequence[str], columns: Mapping[str, str], ray: str
) -> IngestReport:
    # Ray prints to stdout what happens to its workers.
    apart = contextlib.redirect_stdout(sys.stderr) if ray else contextlib.nullcontext()
    with _progress() as (progress, pace), apart:
        reports = [engine.ingest(*files, progress=progress, columns=columns, pace=pace, ray=ray)] if files else []
        reports += [engine.add_url(address, allow_private=True) for address in addresses]
    return merge(reports)


def _watch(engine: Engine, paths: Sequence[str], columns: Mapping[str, str], as_json: bool) -> None:
    from rag.ingest.watch import watch  # imports the engine, which takes seconds

    def say(report: IngestReport) -> None:
        if as_json:
            _print(report, as_json, one_line=True)
            return
        _print_lines([f"failed {shown(name)}: {shown(reason)}" for name, reason in report.failed], sys.stderr)
        print(f"{time.strftime('%H:%M:%S')}  {summary(report)}", flush=True)

    if not as_json:
        print("rag: watching; Ctrl-C ends it", file=sys.stderr, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        watch(engine, paths, threading.Event(), say, columns)


@contextlib.contextmanager
def _progress() -> Iterator[tuple[Progress | None, Pace | None]]:
    """Show the progress of an ingest, its rate and the time left on a terminal; elsewhere show nothing."""
    if not _err.is_terminal:
        yield None, None
        return
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        BarColumn(20),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[files]}"),
    )
    with Bar(*columns, console=_err, transient=True) as bar:
        task = bar.add_task("", total=1.0, rate="reading", files="")
        started = time.perf_counter()

        def progress(done: int, total: int, source: str) -> None:
            bar.update(task, files=escape(f"{done:,} of {total:,} files  {shown(source[-40:])}"))

        def pace(passages: int, share: float) -> None:
            rate = passages / (time.perf_counter() - started)
            bar.update(task, completed=share, rate=f"{rate:,.0f} passages/s")

        yield progress, pace
