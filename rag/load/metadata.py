"""Clean what files say of their articles: a site's name in titles, dates and repetitions in bylines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.language.day_names import is_day_or_month
from rag.language.words import fold

_SEPARATOR = re.compile(r"\s+(?:[|–—·•»:-]|::|\|\|)\s+|\s*\|\s*")
_LEAST = 3  # characters; a shorter name fits by chance
_SUFFIX = re.compile(r"\.[a-z]{2,6}\Z")


def plain_title(title: str, site: str = "", headings: Sequence[str] = ()) -> str:
    """Return a title without the name of the site before or after it.

    Args:
        title: `Bridge opens | Harbour Post`.
        site: The site's name.
        headings: Headings of the page: one that is the start or the end of the title is the title.
    """
    for cut in _SEPARATOR.finditer(title):
        before, after = title[: cut.start()].strip(), title[cut.end() :].strip()
        if before and not _is_site(before, site) and (_is_site(after, site) or before in headings):
            return plain_title(before, site, headings)
        if len(after) > len(before) and not _is_site(after, site) and (_is_site(before, site) or after in headings):
            return plain_title(after, site, headings)
    return title


def byline(names: Iterable[str], language: str = "", between: str = "; ") -> str:
    """Return the names of a byline, each once in whatever case, without dates.

    Args:
        names: The parts of the byline.
        language: That of the article, in which days and months may be named.
        between: What to put between the names.
    """
    found: dict[str, str] = {}
    for part in names:
        name = " ".join(part.split()).strip(" ,;|")
        if not name or _is_date(name, language):
            continue
        known = found.get(fold(name), name)
        found[fold(name)] = name if known.isupper() or known.islower() else known
    return between.join(found.values())


def _is_site(text: str, site: str) -> bool:
    said = _letters(text)
    return len(said) >= _LEAST and said in (_letters(site), *map(_letters, _SEPARATOR.split(site)))


def _letters(name: str) -> str:
    """Return a name for comparison: `The Harbour Post` and `harbourpost.com` are equal."""
    return re.sub(r"[\W_]+", "", _SUFFIX.sub("", fold(name).removeprefix("www.").removeprefix("the ")))


def _is_date(name: str, language: str) -> bool:
    words = re.findall(r"[^\W\d_]+", name)
    dated = any(c.isdigit() for c in name)
    return (dated or bool(words)) and all(
        is_day_or_month(word, language) or (dated and len(word) < 3) for word in words
    )
