"""Find the date of publication of a web page; a date that is not sure is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

from rag.language.dates import iso, order_of
from rag.language.identify import detect

# What pages declare, the surest first.
_NAMES = (
    "article:published_time og:article:published_time article:published article:published_date og:published_time "
    "og:pubdate datepublished date_published publish_date publish-date publishdate published_time published-date "
    "publication_date pubdate parsely-pub-date sailthru.date cxenseparse:recs:publishtime dc.date.issued "
    "dcterms.issued dcterms.created dc.date.created dc.date dcterms.date dc.created citation_publication_date "
    "originalpublicationdate date"
).split()
_META = {name: rank for rank, name in enumerate(_NAMES)}
_OTHERS = frozenset(("comment", "review", "hasPart", "itemListElement", "isPartOf", "video", "image", "author"))
_PUBLISHED = re.compile(r'"datePublished"\s*:\s*"([^"]{4,40})"')
_DEEPEST = 6
_SOON = 7  # days after which a changed page is another article
_FURTHEST = timedelta(hours=14)  # between local time and UTC
# "/2023/10/3-questions" has a month and a number.
_IN_ADDRESS = re.compile(
    r"/((?:19|20)\d\d)(?:/(\d\d?)/(\d\d?)(?=[/.?]|\Z)|([.-])(\d\d?)\4(\d\d?)(?=[/_.?-]|\Z)"
    r"|(\d\d)(\d\d)(?=[/_.?-]|\Z))"
)
_FULL = len("2024-07-12")
# Characters before and after the start of a page's title within which its date line is, or a date that may be one.
_LINE, _NEAR = (150, 250), (300, 700)
_CHANGED = re.compile(r'"dateModified"\s*:\s*"([^"]{4,40})"')
_UNSEEN = frozenset("script style noscript template select option footer nav iframe svg head".split())
_ASIDE = re.compile(r"(?<![a-z])comments?(?![a-z])|last-?mod", re.IGNORECASE)
_DOTTED = re.compile(r"\d+\. \d+\.")
_MODIFIED = re.compile("modif|update|expir", re.IGNORECASE)
_DATE = re.compile(
    r"(?<!\d)\d{4}([-/.])\d{1,2}\1\d{1,2}(?!\d)|(?<![\d./-])(?:\d{1,2}([./-]) ?\d{1,2}\2 ?(?:\d{4}|\d\d)"
    r"|\d{1,2}(?:st|nd|rd|th|er|º|ª|\.)?,? (?:de |of )?[^\W\d]{3,12}\.?,? (?:de |del )?\d{4}"
    r"|\d{4} ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일])(?!\d)"
    r"|(?<!\w)[^\W\d]{3,12}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}(?!\d)"
)


def page_date(root: Any, language: str = "", url: str = "") -> str:
    """Return when a page was published in ISO 8601, with its time and zone if it says them; empty if it is not sure.

    Args:
        root: The page as parsed by lxml.
        language: The language that it declares; found out from its text when left out.
        url: Its address, if known.
    """
    day = _in_address(_canonical(root) or url)
    page = _Page(root, language)
    declared = [found for said in _declared(root) if (found := _plausible(iso(said, page.language)))]
    if declared:
        best = _exact(declared)
        if day and not best.startswith(day) and (not _is_local(best) or _days_between(best, day) > 1):
            return day
        return _confirmed(best, page)
    return day or _found(root, page)


def _confirmed(declared: str, page: _Page) -> str:
    """Return the declared date, or the day of the date line where that is the same moment at the newspaper's place.

    It is empty where the date line gives another day, unless the page was changed on that day, soon after, or the page
    also declares that it was last changed on the day that it was published.
    """
    shown = page.beside(_LINE)
    if not shown or declared[:_FULL] in shown or declared[:_FULL] in page.modified:
        return declared
    days = _days_between(declared, shown[0])
    if shown[0] in page.modified and days <= _SOON:
        return declared
    if days > 1:
        return ""
    return declared if _is_local(declared) else shown[0]


def _canonical(root: Any) -> str:
    link = root.find(".//link[@rel='canonical']")
    return str(link.get("href") or "") if link is not None else ""


def _in_address(url: str) -> str:
    match = _IN_ADDRESS.search(url)
    if not match:
        return ""
    month, day = match[2] or match[5] or match[7], match[3] or match[6] or match[8]
    return _plausible(iso(f"{match[1]}-{month:0>2}-{day:0>2}"))


def _declared(root: Any) -> Iterator[str]:
    metas = []
    for meta in root.iter("meta"):
        for key in ("property", "name", "itemprop"):
            rank = _META.get((meta.get(key) or "").lower())
            if rank is not None:
                metas.append((rank, meta.get("content") or ""))
    yield from (said for _, said in sorted(metas, key=lambda entry: entry[0]))
    for script in root.iterfind(".//script[@type='application/ld+json']"):
        text = script.text or ""
        try:
            yield from _published(json.loads(text, strict=False))
        except (ValueError, RecursionError):  # broken, or made to break a parser
            yield from _PUBLISHED.findall(text)
    for element in root.iterfind(".//*[@itemprop='datePublished']"):
        yield element.get("datetime") or element.get("content") or " ".join(element.itertext())


def _published(data: Any, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(data, list):
        for item in data:
            yield from _published(item, depth + 1)
    elif isinstance(data, dict):
        if isinstance(said := data.get("datePublished"), str):
            yield said
        for key, value in data.items():
            if isinstance(value, dict | list) and key not in _OTHERS:
                yield from _published(value, depth + 1)


def _plausible(found: str) -> str:
    """Return a full date that is not in the future, else an empty string."""
    today = datetime.now(timezone.utc).date() + timedelta(days=1)
    return found if len(found) >= _FULL and "1990" < found[:10] <= today.isoformat() else ""


def _exact(found: list[str]) -> str:
    """Return the first of some dates, with the time and the local time zone if another one gives them."""
    first = found[0]
    for other in found[1:]:
        if len(first) == _FULL < len(other) and other.startswith(first):
            return other
        if len(first) == _FULL or len(other) == _FULL:
            continue
        if _is_local(other) and _moment(first) == _moment(other):
            return other
        if not first.endswith("+00:00"):
            continue
        ahead = datetime.fromisoformat(other[:19]) - datetime.fromisoformat(first[:19])
        # "2024-07-13T03:28:35+00:00" and "2024-07-12T22:28:35": the second is the time at the newspaper's place.
        if len(other) == 19 and ahead and abs(ahead) <= _FURTHEST and not ahead % timedelta(minutes=15):
            return datetime.fromisoformat(other).replace(tzinfo=timezone(ahead)).isoformat()
    return first


def _is_local(found: str) -> bool:
    """Return whether a date has a time zone other than UTC, so that its day is that of the newspaper's place."""
    return len(found) > 19 and not found.endswith("+00:00")


def _days_between(found: str, day: str) -> int:
    return abs((date.fromisoformat(found[:_FULL]) - date.fromisoformat(day)).days)


def _moment(found: str) -> datetime:
    moment = datetime.fromisoformat(found)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _found(root: Any, page: _Page) -> str:
    """Return the date beside the page's title, or else the one that htmldate finds if the page's text has it."""
    # Imported here, because it takes a while and only pages need it.
    from htmldate import find_date

    beside = page.beside(_NEAR)
    # An empty address, because the one that the page gives was already read.
    found = [find_date(root, original_date=True, extensive_search=each, url="") or "" for each in (False, True)]
    if both := [day for day in found if day in beside]:
        return both[0]
    if beside:
        return beside[0] if len(set(beside)) == 1 else ""
    everything = f"{page.text} {page.attributes}"
    return next((day for day in found if day and day in _days(everything, page.language, page.order, day)), "")


def _days(text: str, language: str, order: str, wanted: str = "") -> Iterator[str]:
    """Yield the full dates in a text that have only one reading: all of them, or only those that may be `wanted`."""
    for match in _DATE.finditer(text):
        said = match[0]
        if wanted and not (wanted[2:4] in said and str(int(wanted[8:])) in said):
            continue  # reading each takes a millisecond
        said = said.replace(". ", ".") if _DOTTED.match(said) else said
        if found := _plausible(iso(said, language, order)):
            yield found[:_FULL]


class _Page:
    """What a reader sees of a page, without comments and footers; where its title is; and its attributes."""

    def __init__(self, root: Any, language: str) -> None:
        # Imported here with its C library, because only pages need it.
        from lxml import etree

        self._title = -1
        pieces: list[str] = []
        attributes: list[str] = []
        modified: list[str] = []
        size = hidden = 0
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if event == "start":
                hidden += _is_hidden(element)
                said = " ".join(filter(None, (element.get(name) for name in ("property", "name", "itemprop"))))
                if not hidden or element.tag == "meta":
                    into = modified if _MODIFIED.search(said) else attributes
                    into += filter(None, (element.get(name) for name in ("title", "content", "src", "href")))
                if element.tag == "h1" and not hidden and self._title < 0:
                    self._title = size
                text = "" if hidden else f"{element.get('datetime') or ''} {element.text or ''}"
            else:
                hidden -= _is_hidden(element)
                text = "" if hidden else element.tail or ""
            text = f" {' '.join(text.split())}"
            pieces.append(text)
            size += len(text)
        self.text = "".join(pieces)
        self.language = language or detect(self.text)
        self.attributes = " ".join(attributes)
        scripts = " ".join(script.text or "" for script in root.iterfind(".//script[@type='application/ld+json']"))
        self.modified = set(_days(" ".join([*modified, *_CHANGED.findall(scripts)]), self.language, ""))
        self.order = order_of([self.text])

    def beside(self, reach: tuple[int, int]) -> list[str]:
        """Return the days named within so many characters before and after the start of the title."""
        if self._title < 0:
            return []
        return list(
            _days(self.text[max(0, self._title - reach[0]) : self._title + reach[1]], self.language, self.order)
        )


def _is_hidden(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in _UNSEEN:
        return True
    names = f"{element.get('id') or ''} {element.get('class') or ''}"
    return bool(_ASIDE.search(names)) and element.find(".//h1") is None and element.tag != "body"
