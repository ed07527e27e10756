"""Read RSS and Atom files: one article per entry."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from rag.errors import DocumentError
from rag.load import worker
from rag.load.article import Article, Input, one_line
from rag.load.contain import contained
from rag.load.formats.html import PROLOGUE, decode_page, prose
from rag.types import Note

MAX_FEED = 20_000_000  # a feed is parsed as a whole, which takes ten times its size

_START = re.compile(PROLOGUE + rb"<(?:rss|feed|rdf:RDF)\b", re.DOTALL)
_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]{0,500}\?>")
_ENTITY = re.compile(rb"<!ENTITY\s+[^%\s]")


def starts_feed(head: bytes, suffix: str) -> bool:
    """Return whether a file with these first bytes is a feed, whatever its name."""
    return bool(_START.match(head))


def read(file: Input) -> Iterator[Article | Note]:
    """Yield the entries of a feed."""
    yield from worker.read("feed", file, MAX_FEED)


def parse(file: Input) -> Iterator[Article | Note]:
    """Yield the entries of a feed; runs in the process of `rag.load.worker`."""
    raw = file.read()
    decoded = decode_page(raw)
    if _ENTITY.search(raw.replace(b"\0", b"")):  # also in UTF-16
        raise DocumentError(f"{file.source} declares entities, which feeds do not need and bombs do; fetch it again")
    # Imported here, because it takes a tenth of a second and only feeds need it.
    import feedparser

    if notice := decoded.notice(file.source):
        yield Note(file.source, notice, failed=False)
    # Decoded here: feedparser reads all of a feed in another encoding if one byte is wrong.
    stream = io.BytesIO(_DECLARATION.sub("", decoded.text, count=1).encode("utf-8", "replace"))
    try:
        # Pass a stream: a string would be treated as an address and fetched.
        found = feedparser.parse(stream, sanitize_html=False, resolve_relative_uris=False)
    except MemoryError:
        raise
    except Exception as error:  # broken XML goes through two parsers here, which may raise anything
        raise DocumentError(f"{file.source} is a feed that cannot be understood; fetch it again") from error
    if not found.entries:
        what = "is a feed without entries" if found.version else "is XML, but no RSS or Atom feed"
        raise DocumentError(f"{file.source} {what}; save the articles as HTML or text")
    if found.bozo and not isinstance(found.bozo_exception, feedparser.CharacterEncodingOverride):
        reason = one_line(str(found.bozo_exception))[:120]
        yield Note(file.source, f"the feed is broken XML ({reason}), so entries may be missing", failed=True)
    for number, entry in enumerate(found.entries, 1):
        yield from contained(file.source, f"entry {number}", _article, entry, found.feed, file, number)


def _article(entry: Any, feed: Any, file: Input, number: int) -> Iterator[Article | Note]:
    contents = [prose(_said(content, "value")) for content in entry.get("content") or ()]
    title = one_line(prose(_said(entry, "title")))
    # Some feeds have the article in the summary and a teaser in the content; most have the reverse.
    text = max([*contents, prose(_said(entry, "summary"))], key=len) or title
    if not text:
        yield Note(file.source, f"entry {number} has no text")
        return
    yield Article(
        text=text,
        title=title,
        date=_date(entry),
        author=one_line(_said(entry, "author")),
        publisher=one_line(prose(_said(entry.get("source"), "title") or _said(feed, "title"))),
        language=one_line(_said(entry, "language") or _said(feed, "language")),
        url=one_line(_said(entry, "link")),
        member=str(number),
    )


def _said(element: Any, name: str) -> str:
    """Return a text value, or an empty string: a broken feed may omit it or give something other than text."""
    value = element.get(name) if isinstance(element, dict) else ""
    return value if isinstance(value, str) else ""


def _date(entry: Any) -> str:
    """Return the date as the feed says it: the parser's own reading of an unusual one may be another day."""
    return next(filter(None, (one_line(_said(entry, name)) for name in ("published", "updated"))), "")
