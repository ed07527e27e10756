"""Search, sort and page the library without reading more than is shown.

This does not depend on Gradio. Article texts are read one at a time; only the result of `Engine.sources` is kept.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass

from rag import Engine, RagError, SourceInfo

PAGE = 25  # articles on a page
SORTS = {"newest": "Newest first", "title": "Title", "source": "Source", "longest": "Longest first"}
_FRESH = 5.0  # seconds for which the list is cached; changes made through the page show at once
_KEPT_SEARCHES = 16
_SNIPPET = 90  # characters before and after the first match
_LOOKED_AT = 100_000  # characters of a text that are searched for a snippet
_ACCENTS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufeff]+")  # and what is not seen


@dataclass(frozen=True)
class View:
    """What one reader sees: the search words, the order and the page, counted from 0."""

    query: str = ""
    sort: str = "newest"
    page: int = 0


@dataclass(frozen=True)
class Row:
    """An article in the list. `snippet` is (before, match, after) if the text, not the title, contains the words."""

    info: SourceInfo
    snippet: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Page:
    """The rows of a page; `number` counts from 0, `found` is the number of articles on all pages."""

    rows: tuple[Row, ...]
    number: int
    pages: int
    found: int
    total: int


class Shelf:
    """The articles of an engine, shared by all readers of a page; thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._entries: tuple[SourceInfo, ...] = ()
        self._read = -_FRESH
        self._found: OrderedDict[str, tuple[SourceInfo, ...]] = OrderedDict()

    def entries(self) -> tuple[SourceInfo, ...]:
        """Return every article, without its text."""
        with self._lock:
            if time.monotonic() - self._read >= _FRESH:
                entries = self._engine.sources()
                if entries != self._entries:
                    self._found.clear()
                self._entries, self._read = entries, time.monotonic()
            return self._entries

    def changed(self) -> None:
        """Drop the cached list, because the library has changed."""
        with self._lock:
            self._read = -_FRESH

    def find(self, query: str) -> tuple[SourceInfo, ...]:
        """Return the articles with every word of `query` in title, source or text; all if there are no words."""
        entries = self.entries()
        words = tuple(dict.fromkeys(fold(query).split()))
        if not words:
            return entries
        key = " ".join(words)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = tuple(entry for entry in entries if self._holds(entry, words))
        with self._lock:
            if entries is self._entries:
                self._found[key] = found
                while len(self._found) > _KEPT_SEARCHES:
                    self._found.popitem(last=False)
        return found

    def page(self, view: View) -> Page:
        """Return the page that a reader sees; if it no longer exists, return the last page."""
        found = _sorted(self.find(view.query), view.sort)
        pages = max(1, -(-len(found) // PAGE))
        number = min(max(view.page, 0), pages - 1)
        shown = found[number * PAGE : (number + 1) * PAGE]
        words = fold(view.query).split()
        rows = tuple(self._row(entry, words) for entry in shown)
        return Page(rows, number, pages, len(found), len(self.entries()))

    def titles(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        """Return the titles of the given articles that are still in the library, in this order."""
        titles = {entry.id: entry.title for entry in self.entries()}
        return tuple(titles[i] for i in ids if i in titles)

    def at(self, path: str) -> SourceInfo | None:
        """Return the article that came from `path`, if there is one."""
        return next((entry for entry in self.entries() if entry.path == path), None) if path else None

    def _holds(self, entry: SourceInfo, words: tuple[str, ...]) -> bool:
        known = fold(f"{entry.title}\n{entry.source}")
        missing = [word for word in words if word not in known]
        if not missing:
            return True
        text = fold(self._text(entry))
        return all(word in text for word in missing)

    def _row(self, entry: SourceInfo, words: list[str]) -> Row:
        text = self._text(entry)
        known = fold(f"{entry.title}\n{entry.source}")
        missing = [word for word in words if word not in known]
        return Row(entry, snippet(text, missing) if missing else None)

    def _text(self, entry: SourceInfo) -> str:
        with contextlib.suppress(RagError):  # the article was removed in the meantime
            return self._engine.document(entry.id).text
        return ""


def fold(text: str) -> str:
    """Return `text` without case and accents, so that lopez finds López."""
    folded = text.casefold()
    return folded if folded.isascii() else _ACCENTS.sub("", unicodedata.normalize("NFKD", folded))


def snippet(text: str, words: list[str]) -> tuple[str, str, str] | None:
    """Return the first match of one of these folded words in a text, as (before, match, after)."""
    text = text[:_LOOKED_AT]
    pieces = [fold(character) for character in text]
    folded = "".join(pieces)
    starts = [(at, word) for word in words if (at := folded.find(word)) >= 0]
    if not starts:
        return None
    at, word = min(starts)
    first, last = _original(pieces, at), _original(pieces, at + len(word) - 1) + 1
    before = text[max(0, first - _SNIPPET) : first]
    after = text[last : last + _SNIPPET]
    if first > _SNIPPET:
        before = "…" + (before.split(None, 1)[-1] if " " in before.strip() else before)
    if last + _SNIPPET < len(text):
        after = (after.rsplit(None, 1)[0] if " " in after.strip() else after) + "…"
    return _one_line(before), text[first:last], _one_line(after)


def _original(pieces: list[str], at: int) -> int:
    """Return the index of the character that folded to the one at `at`."""
    for index, piece in enumerate(pieces):
        at -= len(piece)
        if at < 0:
            return index
    return len(pieces) - 1


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _sorted(entries: tuple[SourceInfo, ...], sort: str) -> list[SourceInfo]:
    def by_title(entry: SourceInfo) -> tuple[str, str]:
        return fold(entry.title), entry.source

    if sort == "title":
        return sorted(entries, key=by_title)
    if sort == "source":
        return sorted(entries, key=lambda entry: (fold(entry.source), entry.id))
    if sort == "longest":
        return sorted(entries, key=lambda entry: (-entry.passages, *by_title(entry)))
    # Two stable sorts: articles added at the same time are sorted by title.
    return sorted(sorted(entries, key=by_title), key=lambda entry: entry.added, reverse=True)
