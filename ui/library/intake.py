"""Add articles from files and web addresses, remove them, and put them back; does not depend on Gradio."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from rag import Document, Engine, IngestReport, RagError
from ui.library.shelf import Shelf
from ui.server.uploads import Own
from ui.server.visitors import NOBODY, Visitor

log = logging.getLogger(__name__)
MOST_FILES = 500  # at a time
MOST_BYTES = 10_000_000  # of one file
MOST_CHARS = 1_000_000  # of a pasted text
_NAME_CHARS = 60  # of the first line of a pasted text, which names it
_TOLD = 3  # the most errors, and the most notices, shown for one file
_FAULT = "something went wrong inside Dateline; its log says what"


@dataclass(frozen=True)
class Result:
    """The result for one file or address: `state` is added, replaced, unchanged or failed.

    `reason` says why it failed, or what else a reader should know. A file may contain several `articles`.
    """

    name: str
    state: str
    title: str = ""
    passages: int = 0
    id: str = ""
    reason: str = ""
    articles: int = 1


@dataclass(frozen=True)
class Undo:
    """The articles taken out of the library, and the id of what took the place of each (empty if nothing did)."""

    verb: str = ""
    documents: tuple[Document, ...] = ()
    instead: tuple[str, ...] = ()


@dataclass
class Intake:
    """One reader's upload in progress: the results so far, the expected `total`, and how to undo replacements.

    `left` names what is still to come, first what is read now.
    """

    total: int = 0
    results: list[Result] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    undo: Undo = field(default_factory=Undo)


def add_files(
    engine: Engine,
    shelf: Shelf,
    paths: Sequence[str],
    own: Own,
    stopped: Callable[[], bool] = lambda: False,
    by: Visitor = NOBODY,
) -> Generator[Intake, None, None]:
    """Add uploaded files one by one, yielding before the first and after each; the files are deleted.

    Args:
        engine: The engine that stores the articles.
        shelf: Notified that the library changed.
        paths: The files, as the browser names them.
        own: This reader's uploads; no other file is read or deleted.
        stopped: Called between the batches of a large file; if it returns True, the file is not continued.
        by: Who adds them, for the log of the users.
    """
    left = [Path(path) for path in paths]
    intake = Intake(len(paths), left=[path.name for path in left])
    old: dict[str, Document] = {}
    try:
        yield intake
        before = {entry.path: entry.id for entry in shelf.entries()}
        while left:
            name, place = left[0].name, f"upload:{left[0].name}"
            if not own.has(str(left[0])):
                intake.results.append(Result(name, "failed", reason="was not uploaded here; upload it again"))
            elif len(intake.results) < MOST_FILES:
                add = partial(_add_file, engine, left[0], place, before, old, stopped)
                intake.results.append(_noted(by, _add(name, add)))
            else:
                reason = f"more than {MOST_FILES} files at once; add the rest next"
                intake.results.append(Result(name, "failed", reason=reason))
            own.drop(str(left.pop(0)))
            intake.left.pop(0)
            if left:
                yield intake
        yield _finished(shelf, intake, old)
    finally:
        shelf.changed()
        for path in left:  # the reader may have left
            own.drop(str(path))


def add_url(engine: Engine, shelf: Shelf, url: str, by: Visitor = NOBODY) -> Generator[Intake, None, None]:
    """Fetch a web page and add its article for `by`, yielding before and after."""
    yield from _add_one(engine, shelf, url, lambda: engine.add_url(url), by)


def add_text(engine: Engine, shelf: Shelf, text: str, by: Visitor = NOBODY) -> Generator[Intake, None, None]:
    """Add a pasted text, yielding before and after; it replaces one pasted before that begins with the same line."""
    text = text[:MOST_CHARS]
    first = " ".join(text.strip().split("\n", 1)[0].split())[:_NAME_CHARS]
    name = f"pasted: {first}.txt"
    yield from _add_one(engine, shelf, name, lambda: engine.add(name, text, name), by)


def _add_one(
    engine: Engine, shelf: Shelf, place: str, add: Callable[[], IngestReport], by: Visitor
) -> Generator[Intake, None, None]:
    """Add one article from a place, yielding before and after."""
    intake = Intake(1, left=[place])
    yield intake
    old: dict[str, Document] = {}
    if before := shelf.at(place):
        with contextlib.suppress(RagError):
            old[place] = engine.document(before.id)
    intake.results.append(_noted(by, _add(place, add)))
    intake.left.clear()
    yield _finished(shelf, intake, old)


def remove(engine: Engine, shelf: Shelf, ids: Iterable[str], by: Visitor = NOBODY) -> Undo:
    """Remove the given articles that still exist for `by`, and return how to put them back.

    Raises:
        RagError: The store failed; articles that were already removed cannot be put back.
    """
    gone = []
    try:
        for document_id in dict.fromkeys(ids):
            with contextlib.suppress(RagError):  # another reader has already removed it
                document = engine.document(document_id)
                engine.remove(document_id)
                gone.append(document)
                by.note("article removed", article=document.source, id=document_id)
    finally:
        shelf.changed()
    return Undo("Removed", tuple(gone), ("",) * len(gone))


def put_back(engine: Engine, shelf: Shelf, undo: Undo, by: Visitor = NOBODY) -> list[Result]:
    """Put articles back for `by` with their text and source; what has since taken the place of one is kept."""
    shelf.changed()
    results = []
    for document, instead in zip(undo.documents, undo.instead, strict=True):
        now = shelf.at(document.path)
        path = document.path if (now.id if now else "") == instead else ""
        try:
            if any(entry.id == document.id for entry in shelf.entries()):
                continue
            report = engine.restore(replace(document, path=path))
            if not report.failed:
                by.note("article put back", article=document.source, id=document.id)
            results += [Result(name, "failed", document.title, reason=reason) for name, reason in report.failed]
        except RagError as error:
            results.append(Result(document.source, "failed", document.title, reason=str(error)))
        finally:
            shelf.changed()
    return results


def _add(name: str, add: Callable[[], IngestReport]) -> Result:
    """Add one article and return the result; an error is also returned as a result."""
    try:
        report = add()
    except RagError as error:
        return Result(name, "failed", reason=str(error))
    except Exception:  # a bug must not cost the reader the other files
        log.exception("an article could not be added")
        return Result(name, "failed", reason=_FAULT)
    states = ("added", "replaced", "unchanged")
    told = "; ".join(reason for _, reason in (*report.failed[:_TOLD], *report.notices[:_TOLD]))
    for state in states:
        if sources := getattr(report, state):
            articles = sum(len(getattr(report, each)) for each in states)
            name = name if articles > 1 else sources[0]  # for a web page, the address after redirects
            if state == "added" and not report.passages:  # a copy of an article in the library
                state = "unchanged"
            return Result(name, state, passages=report.passages, reason=told, articles=articles)
    return Result(name, "failed", reason=told or _FAULT)


def _noted(by: Visitor, result: Result) -> Result:
    """Write a change of the library into the log of the users, and return the result."""
    if result.state in ("added", "replaced"):
        by.note(f"article {result.state}", article=result.name)
    return result


def _add_file(
    engine: Engine,
    file: Path,
    place: str,
    before: dict[str, str],
    old: dict[str, Document],
    stopped: Callable[[], bool],
) -> IngestReport:
    """Add one file; the document that it may replace goes into `old`."""
    name = file.name
    try:
        if file.stat().st_size > MOST_BYTES:
            return IngestReport(failed=((name, f"larger than {MOST_BYTES // 1_000_000} MB; split it into articles"),))
        content = file.read_bytes()
    except OSError as error:
        return IngestReport(failed=((name, f"the upload cannot be read ({error.strerror}); try again"),))
    if place in before:
        with contextlib.suppress(RagError):
            old.setdefault(place, engine.document(before[place]))
    return engine.add(name, content, place, stopped=stopped)


def _finished(shelf: Shelf, intake: Intake, old: dict[str, Document]) -> Intake:
    """Add the article of each result, and how to undo the replacements."""
    shelf.changed()
    places = {entry.path: entry for entry in shelf.entries()}
    for number, result in enumerate(intake.results):
        entry = places.get(f"upload:{result.name}") or places.get(result.name)
        if entry and result.state != "failed" and result.articles == 1:
            intake.results[number] = replace(result, title=entry.title, id=entry.id)
    gone = {place: document for place, document in old.items() if place in places and places[place].id != document.id}
    intake.undo = Undo("Replaced", tuple(gone.values()), tuple(places[place].id for place in gone))
    return intake
