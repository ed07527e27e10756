"""Read tables of articles: CSV, JSON lines and JSON lists, with a mapping of their columns."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rag.errors import DocumentError
from rag.load.article import Article, Input, one_line
from rag.load.charset import MAX_LINE, decode, encoding_of, lines, mended_notice
from rag.load.contain import contained
from rag.load.formats.values import line_of, text_of
from rag.load.metadata import plain_title
from rag.types import Note

_PATIENCE = 20
MAX_JSON = 20_000_000  # a file is parsed as a whole, which takes ten times its size
_COMMON = {
    "text": "text body content article fulltext articletext articlebody bodytext maintext",
    "title": "title headline heading",
    "date": "date published publishedat pubdate datepublished publicationdate createdat",
    "url": "url link weburl canonicalurl",
    "source": "source publisher outlet site publication sourcename",
    "author": "author byline creator authors",
    "language": "language lang",
}
_SEPARATOR = re.compile(r"\"?sep=(.)\"?\s*\Z", re.IGNORECASE)  # what Excel writes as the first line
_NO_VALUE = re.compile(r"[\s,\ufeff\x1e]*")  # between values of a file that holds several
_WRAPPERS = 3  # how deep in objects the articles of a JSON file may be


def read_csv(file: Input) -> Iterator[Article | Note]:
    """Yield the articles of a CSV file whose first line names the columns."""
    encoding, detected = encoding_of(file.file, file.source)
    if detected:
        yield Note(file.source, f"read as {detected} (detected)", failed=False)
    # The limit is global, and its default is smaller than an article.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
    bad: list[Note] = []
    mended: list[int] = []
    feed = _readable(file, encoding, bad, mended)
    first = next((line for line in feed if line.strip()), "")
    skipped = len(bad)
    if said := _SEPARATOR.match(first):
        first = next((line for line in feed if line.strip()), "")
        skipped += 1
    rows = csv.reader(itertools.chain([first], feed), delimiter=said[1] if said else max(",;\t|", key=first.count))
    header = [name.strip() for name in _next_row(rows)[0]]
    columns = _columns(header, file)
    while True:
        line = rows.line_num + skipped + 1
        try:
            cells, problem = _next_row(rows)
        except StopIteration:
            break
        yield from bad
        bad.clear()
        if problem or len(cells) > len(header):
            problem = (
                problem or f"has {len(cells)} cells, but there are {len(header)} columns (a comma without quotes?)"
            )
            yield Note(file.source, f"line {line}: {problem}")
        elif cells:
            row = dict(zip(header, cells, strict=False))
            yield from contained(file.source, f"line {line}", _article, row, columns, file, line)
    yield from bad
    if mended:
        yield Note(file.source, mended_notice(mended), failed=False)


def read_jsonl(file: Input) -> Iterator[Article | Note]:
    """Yield the articles of a file with a JSON object on each line."""
    if _is_whole(file):
        yield Note(file.source, "read as JSON, which it is", failed=False)
        yield from read_json(file)
        return
    encoding, detected = encoding_of(file.file, file.source)
    if detected:
        yield Note(file.source, f"read as {detected} (detected)", failed=False)
    mended: list[int] = []
    yield from _objects(_parsed(file, encoding, mended), file, "line")
    if mended:
        yield Note(file.source, mended_notice(mended), failed=False)


def read_json(file: Input) -> Iterator[Article | Note]:
    """Yield the articles of a JSON file: an object, a list of them, or an object that holds either."""
    if _is_lines(file):
        yield Note(file.source, "read as JSON lines, which it is", failed=False)
        yield from read_jsonl(file)
        return
    text, notice = decode(file.read(MAX_JSON), file.source)
    if notice:
        yield Note(file.source, notice, failed=False)
    try:
        found = _unwrapped(_values(text), file, _WRAPPERS)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{file.source} is no JSON ({_reason(error)}); mend it, or save it as text") from error
    many = isinstance(found, list)
    entries = enumerate(found, 1) if many else [(0, found)]
    yield from _objects(((number, entry, "") for number, entry in entries), file, "item")


def _values(text: str) -> Any:
    """Return the value of a JSON text, or a list if it holds several one after another."""
    reader = json.JSONDecoder()
    found = []
    at = _after(text, 0)
    while at < len(text):
        value, at = reader.raw_decode(text, at)
        found.append(value)
        at = _after(text, at)
    return found[0] if len(found) == 1 else found


def _after(text: str, at: int) -> int:
    """Return where the next value begins, at or after a place."""
    between = _NO_VALUE.match(text, at)
    return between.end() if between else at


def _unwrapped(found: Any, file: Input, depth: int) -> Any:
    """Return the articles that a value holds: an object with a text, or a list of them, else the value itself."""
    if not isinstance(found, dict):
        return found
    columns = _match(found, file.columns)
    if "text" in columns:
        said = found[columns["text"]]
        is_wrapper = _are_articles(said, file) or _are_articles([said], file)
        return _unwrapped(said, file, depth - 1) if is_wrapper and depth else found
    held = [value for value in found.values() if isinstance(value, dict | list)]
    if lists := [value for value in held if _are_articles(value, file, ())]:
        return lists[0]
    objects = [value for value in held if isinstance(value, dict)]
    if len(objects) > 1 and len(objects) == len(found) and _are_articles(objects, file, ()):
        return objects  # articles by their ids
    for value in objects if depth else []:
        inner = _unwrapped(value, file, depth - 1)
        if isinstance(inner, list) or "text" in _match(inner, file.columns):
            return inner
    return next((value for value in held if isinstance(value, list) and value and isinstance(value[0], dict)), found)


def _are_articles(value: object, file: Input, known: Collection[str] = ("title", "date", "url", "author")) -> bool:
    """Return whether a value is a list of articles: objects with a text and one of some other columns.

    A list of objects that have nothing but a text may be the paragraphs of one article.
    """
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    columns = _match(value[0], file.columns)
    return "text" in columns and (not known or any(column in columns for column in known))


def _is_whole(file: Input) -> bool:
    """Return whether a file that is named JSON lines is one JSON value over several lines, or a list."""
    file.file.seek(0)
    first = file.file.readline(MAX_LINE).strip()
    if not first.startswith((b"[", b"{")) or (first.startswith(b"{") and first.endswith(b"}")):
        return False
    raw = first + file.file.read(MAX_JSON)
    try:
        return len(raw) < MAX_JSON and isinstance(json.loads(raw), dict | list)
    except (ValueError, RecursionError):
        return False


def _is_lines(file: Input) -> bool:
    """Return whether a file has a JSON object on its first line, and more after it."""
    file.file.seek(0)
    first = next((line for line in iter(lambda: file.file.readline(MAX_LINE), b"") if line.strip()), b"")
    try:
        return bool(file.file.read(100).strip()) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _parsed(file: Input, encoding: str, mended: list[int]) -> Iterator[tuple[int, object, str]]:
    """Yield each line's number and its value, or the reason why it cannot be read."""
    for number, (line, problem) in enumerate(lines(file.file, encoding, mended), 1):
        if problem:
            yield number, None, problem
        elif line.strip():
            try:
                yield number, json.loads(line), ""
            except (ValueError, RecursionError) as error:
                yield number, None, f"is no JSON ({_reason(error)})"


def _objects(entries: Iterable[tuple[int, object, str]], file: Input, unit: str) -> Iterator[Article | Note]:
    """Yield the articles; if none of the first objects has a text, raise that the whole file has no such column."""
    textless: list[Note] = []
    first: DocumentError | None = None
    found = False
    for number, entry, problem in entries:
        if problem or not isinstance(entry, dict):
            yield Note(file.source, f"{unit} {number} {problem or 'is no JSON object'}")
            continue
        try:
            columns = _columns(list(entry), file)
        except DocumentError as error:
            first = first or error
            textless.append(Note(file.source, f"{unit} {number} has no text ({one_line(', '.join(entry))[:100]})"))
            if not found and len(textless) >= _PATIENCE:
                break
            continue
        found = True
        yield from textless
        textless.clear()
        yield from contained(file.source, f"{unit} {number}", _article, entry, columns, file, number, unit)
    if first and not found:
        raise first
    yield from textless


def _readable(file: Input, encoding: str, bad: list[Note], mended: list[int]) -> Iterator[str]:
    """Yield lines. An unreadable line is noted in `bad` and yielded empty, so that the line numbers stay right."""
    for number, (line, problem) in enumerate(lines(file.file, encoding, mended), 1):
        if problem:
            bad.append(Note(file.source, f"line {number} {problem}"))
        yield line


def _next_row(rows: Iterator[list[str]]) -> tuple[list[str], str]:
    try:
        return next(rows), ""
    except csv.Error:  # the reader continues with the next line
        return [], "the row that starts here is too long or broken (a quote that is not closed?)"


def _columns(names: Sequence[str], file: Input) -> dict[str, str]:
    columns = _match(names, file.columns)
    if "text" not in columns:
        there = ", ".join(name[:40] for name in names[:30]) or "none"
        raise DocumentError(
            f"{file.source} has no column that is known to hold the text (there are: {one_line(there)}); "
            f"name it: --columns text=NAME"
        )
    return columns


def _match(names: Sequence[str] | Mapping[str, Any], wanted: Mapping[str, str] | None) -> dict[str, str]:
    """Return the column that holds the title, text, date and so on: the one named by the user, or a common name."""
    by_name = {_plain(name): name for name in reversed(list(names))}
    wanted = wanted or {}
    if unknown := set(wanted) - set(_COMMON):
        raise DocumentError(f"there is no column {min(unknown)!r} to map; map some of {', '.join(_COMMON)}")
    found = {}
    for field, usual in _COMMON.items():
        named = _plain(wanted.get(field, ""))
        # If the user names a column for the text, no other one is tried.
        choices = [named] if named and field == "text" else [named, *usual.split()]
        if name := next((by_name[choice] for choice in choices if choice and choice in by_name), None):
            found[field] = name
    return found


def _plain(name: str) -> str:
    """Return a column's name in the form for comparison: `Published at`, `published_at` and `publishedAt` are equal."""
    return re.sub(r"[\W_]+", "", name).lower()


def _article(
    entry: Mapping[str, Any], columns: Mapping[str, str], file: Input, number: int, unit: str = "line"
) -> Iterator[Article | Note]:
    text = text_of(entry.get(columns["text"]))
    if not text:
        yield Note(file.source, f"{unit} {number} has no text")
        return
    values = {field: line_of(entry.get(name)) for field, name in columns.items() if field != "text"}
    values["publisher"] = values.pop("source", "")
    values["title"] = plain_title(values.get("title", ""), values["publisher"])
    yield Article(text=text, member=str(number or ""), **values)


def _reason(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else one_line(str(error))[:120]
