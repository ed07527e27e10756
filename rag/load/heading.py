"""Read the date, author and publisher of an article from its first lines and its file's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from rag.language.dates import iso, order_of
from rag.language.readable import DATELINE

_CHARS = 1500  # the date and the writer of an article stand in this much of its text
_LINES = 8
_LINE_CHARS = 120  # a longer line is prose
_DATE_CHARS = 50
# "Valley Courier, 14 March 2024" has two parts as well.
_PARTS = re.compile(
    r"\s*[|·•]\s*|\s+[—–]\s+|(?<=\d),\s+(?=(?i:by)\s)"
    r"|(?<=[^\W\d_]),\s+(?=(?:\d{1,2}\.?\s+[^\W\d_]+\.?,?\s+\d{4}|[^\W\d_]+\.?\s+\d{1,2},\s+\d{4}|\d{4}-\d\d-\d\d)(?:$|,\s))"
)
_SAID = re.compile(
    r"(?:(?:first\s+)?(?:published|posted)(?:\s+(?:on|at))?|date|veröffentlicht(?:\s+am)?|publié(?:\s+le)?"
    r"|publicado(?:\s+el)?|pubblicato(?:\s+il)?)\s*:?\s+",
    re.IGNORECASE,
)
_NAME = r"[^\W\d_a-z][\w.'’-]+"
_NAMES = rf"{_NAME}(?:\s+(?:(?:de|da|del|van|von|der|den|al|bin|el|la)\s+)*{_NAME}){{1,4}}"
_BYLINE = re.compile(
    rf"(?i:by|von|par|por)\s+(?P<names>{_NAMES}(?:(?:,\s+{_NAMES})*,?\s+(?:and|und|et|y|&)\s+{_NAMES})?)(?:,.*)?"
)
_NAME_ALONE = re.compile(rf"(?:The\s+)?{_NAME}(?:\s+{_NAME}){{0,3}}")
_FOLDERS = re.compile(r"(?:^|/)((?:19|20)\d\d)/(\d\d)/(\d\d)/[^/]*\Z")
_STARTS = re.compile(r"((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)(?:[^\d]|\Z)")
_ENDS = re.compile(r"(?:.*[^\d])((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)\Z")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True)
class Heading:
    """What an article's first lines say about it; fields that they do not give are empty."""

    date: str = ""
    author: str = ""
    publisher: str = ""


def heading(text: str, language: str = "", year: str = "") -> Heading:
    """Return what the date line, the byline and the dateline of an article say.

    Args:
        text: The article.
        language: Its language, if known.
        year: The year in which it appeared, if known: many datelines leave it out.
    """
    head = text[:_CHARS]
    order = order_of([text])
    dated = author = ""
    for part in _parts(head):
        said = _SAID.match(part)
        dated = dated or _day(part[said.end() :] if said else part, language, order)
        if not author and (byline := _BYLINE.fullmatch(part)):
            author = " ".join(byline["names"].split())
    line = next((found for line in _lines(head) if (found := DATELINE.match(line))), None)
    if line is None:
        return Heading(dated, author)
    if not dated and (day := line["date"] or line["later"]):
        dated = _day(day, language, order) or (_day(f"{day} {year}", language, order) if year else "")
    return Heading(dated, author, line["agency"] or "")


def is_heading_line(line: str) -> bool:
    """Return whether a line only says when or by whom an article appeared: "Harbour Post, 14 May 2024, by Ann Roe"."""
    if len(line) > _LINE_CHARS:
        return False
    parts = [_SAID.sub("", part, count=1) for part in _split(line)]
    days = [part for part in parts if _day(part, "", "")]
    # A byline alone may be prose: "By New Year, the bridge had been rebuilt."
    return bool(days) and all(part in days or _BYLINE.fullmatch(part) or _NAME_ALONE.fullmatch(part) for part in parts)


def date_in_name(source: str) -> str:
    """Return the date with which a file's name begins or ends, or that its folders give; else empty.

    For example `2024-03-14-floods.txt`, `floods_20240314.txt` and `2024/03/14/floods.html`.
    """
    name = source.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if match := _FOLDERS.search(source):
        year, month, day = match.groups()
    elif match := _STARTS.match(name) or _ENDS.fullmatch(name):
        year, _, month, day = match.groups()
    else:
        return ""
    found = iso(f"{year}-{month}-{day}")
    return found if found and date.fromisoformat(found) <= date.today() + timedelta(days=1) else ""


def year_in_name(source: str) -> str:
    """Return the year in a file's name or its folders if there is just one, else an empty string."""
    years = set(_YEAR.findall(source))
    return years.pop() if len(years) == 1 else ""


def _lines(head: str) -> Iterator[str]:
    lines = (" ".join(line.split()).lstrip("#*_ ") for line in head.splitlines())
    for number, line in enumerate(filter(None, lines)):
        if number == _LINES:
            return
        yield line


def _parts(head: str) -> Iterator[str]:
    """Yield the parts of the lines before the prose: "By Ann Roe | 12 July 2024" has two."""
    for line in _lines(head):
        if len(line) > _LINE_CHARS:
            return
        yield from _split(line)


def _split(line: str) -> list[str]:
    return [part for part in (part.strip(" *_()") for part in _PARTS.split(line)) if part]


def _day(text: str, language: str, order: str) -> str:
    """Return the day that a short text is, in full; a month alone is no date line."""
    found = iso(text, language, order) if len(text) <= _DATE_CHARS and _YEAR.search(text) else ""
    return found if len(found) >= len("2024-07-12") else ""
