"""Read files of any supported format into `Document`s: text, title, and metadata such as date and author."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

from rag.errors import DocumentError
from rag.language.characters import usual
from rag.language.dates import is_open, iso, order_of
from rag.language.identify import code, detect
from rag.load.article import MAX_BYTES as MAX_BYTES
from rag.load.article import Article, Budget, Input
from rag.load.contain import contained, unreadable
from rag.load.formats.kinds import SUFFIXES as SUFFIXES
from rag.load.formats.kinds import find_kind
from rag.load.heading import date_in_name, heading, year_in_name
from rag.load.web import WebPage
from rag.types import Document, Note

_TITLE_CHARS = 80
_HEADLINE_CHARS = 200
_MOST_NOTES = 20
_Item = Article | Note | Input
_WAITING = 200  # articles that wait for a later one to show whether the day or the month comes first
_WAITING_CHARS = 5_000_000
_FULL = len("2024-07-12")


def read(path: Path, source: str, columns: Mapping[str, str] | None = None) -> Iterator[Document | Note]:
    """Yield the article or articles of a file, and notes about what was odd or failed. Memory use is bounded.

    If a file holds several articles, each has `source!/member` as its source, and a path of the same form.

    Args:
        path: The file.
        source: Its name in citations.
        columns: For tables, which column holds what: `{"text": "Body", "title": "Head"}`. The keys are text, title,
            date, url, source, author and language; columns with common names are found without it.

    Raises:
        DocumentError: The file cannot be read, it has no readable article, or (at the end) it breaks off part way.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            yield from _read(Input(source, file, Budget(size), columns), str(path.resolve()))
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror}; check the file and its permissions") from error


def read_bytes(
    raw: bytes, name: str, path: str = "", columns: Mapping[str, str] | None = None
) -> Iterator[Document | Note]:
    """Yield the articles of a file given as bytes; see `read`.

    Args:
        raw: The content.
        name: The file's name, which becomes its source.
        path: Where the file is stored, if anywhere.
        columns: As for `read`.

    Raises:
        DocumentError: The file has no readable article, or breaks off part way.
    """
    yield from _read(Input(name, io.BytesIO(raw), Budget(len(raw)), columns), path)


def from_page(page: WebPage) -> Document:
    """Return the article of a web page."""
    return make_document(
        page.text,
        page.url,
        page.url,
        title=page.title,
        date=page.date,
        author=page.byline,
        publisher=page.publisher,
        language=page.language,
        url=page.url,
    )


def make_document(
    text: str,
    source: str,
    path: str = "",
    *,
    title: str = "",
    date: str = "",
    author: str = "",
    publisher: str = "",
    language: str = "",
    url: str = "",
) -> Document:
    """Return a `Document` for a text; its id is the SHA-256 of the text."""
    return Document(
        id=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        source=source,
        title=title[:_HEADLINE_CHARS] or usual(make_title(text)) or source,
        text=text,
        path=path,
        added=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        date=date,
        author=author,
        publisher=publisher,
        language=language,
        url=url,
    )


def from_text(text: str, source: str, path: str = "") -> Document:
    """Return a `Document` for a text that is given as such, with what its first lines and its name say about it."""
    said = heading(text, "", year_in_name(source))
    date = said.date or date_in_name(source)
    return make_document(text, source, path, date=date, author=said.author, publisher=said.publisher)


def make_title(text: str) -> str:
    """Return the first line if it is a headline, else the first words of the text, cut between words."""
    lines = _lines(text)
    first = next(lines, "")
    more = next(lines, None) is not None
    is_sentence = first.rstrip("\"'”’)").endswith(".") or len(first) > _HEADLINE_CHARS
    if more and not is_sentence:
        return first
    if len(first) <= _TITLE_CHARS:
        return first.rstrip(".") if more else first
    cut = first[: _TITLE_CHARS + 1]
    head = cut.rsplit(None, 1)[0] if " " in cut else first[:_TITLE_CHARS]
    return head.rstrip(" ,;:–—-") + "…"


def _read(file: Input, path: str) -> Iterator[Document | Note]:
    """Yield what a file holds; a file that holds nothing is an error."""
    said = False
    try:
        for item in _items(file, path):
            said = said or isinstance(item, Document) or item.failed
            yield item
    except (DocumentError, OSError, MemoryError):
        raise
    except Exception as error:
        raise DocumentError(unreadable(file.source, error)) from error
    if not said:
        raise DocumentError(f"{file.source} holds no article; give one with text")


def _items(file: Input, path: str) -> Iterator[Document | Note]:
    kind, remark = find_kind(file)
    if remark:
        yield Note(file.source, remark, failed=False)
    failed = 0
    undated: list[str] = []
    for item, order in _ordered(kind.read(file)):
        if isinstance(item, Input):
            yield from _inside(item, f"{path}!/{item.member}" if path else "")
        elif isinstance(item, Article):
            yield _document(item, file, path, order, undated)
        else:
            failed += item.failed
            if not item.failed or failed <= _MOST_NOTES:
                yield item
    if failed > _MOST_NOTES:
        yield Note(file.source, f"and {failed - _MOST_NOTES:,} more that failed")
    if undated:
        more = f" (and {len(undated) - 1:,} more)" if len(undated) > 1 else ""
        yield Note(file.source, f"the date {undated[0]!r}{more} is not understood and left out", failed=False)


def _inside(file: Input, path: str) -> Iterator[Document | Note]:
    """Yield what a file inside another one holds. Files that are not articles are skipped, as in a folder."""
    if not _is_article(file.member):
        return
    yield from contained(file.source, "", _read, file, path)


def _ordered(items: Iterator[_Item]) -> Iterator[tuple[_Item, str]]:
    """Yield a file's items, each with the order of day and month in the file's dates as far as that is known.

    From the first date with two readings on (05/06/2024), items wait for one with a single reading (29/06/2024).
    """
    waiting: list[_Item] = []
    known: set[str] = set()
    is_waiting, size = False, 0
    for item in items:
        waiting.append(item)
        if isinstance(item, Article) and isinstance(item.date, str):
            known |= {order_of([item.date])} - {""}
            is_waiting = is_waiting or is_open(item.date)
            size += len(item.text)
        if known or not is_waiting or len(waiting) == _WAITING or size > _WAITING_CHARS:
            order = min(known) if len(known) == 1 else ""
            yield from ((each, order) for each in waiting)
            waiting, is_waiting, size = [], False, 0
    yield from ((each, "") for each in waiting)


def _document(article: Article, file: Input, path: str, order: str, undated: list[str]) -> Document:
    language = code(article.language) or detect(article.text)
    inner = f"!/{article.member}" if article.member else ""
    written_in = article.language or language
    date = iso(article.date, written_in, order or order_of([article.text])) if article.date else ""
    if article.date and not date:
        undated.append(str(article.date)[:40])
    said = heading(article.text, written_in, year_in_name(file.source) or year_in_name(article.url))
    if len(date) < _FULL:  # the name of a file of many articles is not theirs
        beside = said.date if article.date is not None else ""
        date = beside or ("" if inner else date_in_name(file.source)) or date
    return make_document(
        article.text,
        file.source + inner,
        path + inner if path else "",
        title=article.title,
        date=date,
        author=article.author or said.author,
        publisher=article.publisher or said.publisher,
        language=language,
        url=article.url,
    )


def _is_article(name: str) -> bool:
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    return base.lower().endswith(SUFFIXES) and not base.startswith((".", "~$"))


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if stripped := line.strip().lstrip("#").strip():
            yield " ".join(stripped.split())
