"""The values of table cells and JSON as text: paragraphs in lists, wrapped texts, markup, and character references."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from rag.load.article import clean, one_line
from rag.load.formats.html import prose
from rag.load.metadata import byline

_MAX_DEPTH = 20
_MARKUP = re.compile(
    r"</(?:p|div|span|a|strong|em|b|i|u|li|ul|ol|td|tr|table|blockquote|h[1-6])>|<br\s*/?>|<p\b[^<>]*>", re.IGNORECASE
)
_REFERENCE = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
# Where an object holds its text, the first of these that it has; several of the last may follow one another.
_TEXTS = "text content body rendered html value paragraphs paragraph p blocks children items li".split()


def text_of(value: object) -> str:
    """Return an article's text, with a blank line between the paragraphs of a list.

    Args:
        value: A text (with or without markup), a list of paragraphs, or an object that holds one of these, for example
            `{"rendered": "<p>It rained.</p>"}` or `[{"type": "paragraph", "content": "It rained."}]`.
    """
    return "\n\n".join(filter(None, map(_plain, _texts(value, 0))))


def line_of(value: object) -> str:
    """Return a title, a date, a name or a list of names as one line."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)[:40]
    if isinstance(value, list):
        return byline(map(_name, value[:50]), between=", ")
    return _name(value)


def _texts(value: object, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)[:40]
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, depth + 1)
    elif isinstance(value, dict):
        yield from _texts(_held(value), depth + 1)


def _held(value: Mapping[str, object]) -> object:
    by_name = {str(key).lower(): held for key, held in reversed(list(value.items()))}
    return next((by_name[name] for name in _TEXTS if isinstance(by_name.get(name), str | list | dict)), None)


def _plain(text: str) -> str:
    """Return a text without markup, and with the characters that references such as `&eacute;` stand for."""
    if _MARKUP.search(text):
        return prose(text)
    return clean(html.unescape(text) if _REFERENCE.search(text) else text)


def _name(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("name") or _held(value)
    return one_line(_plain(value[:5000])) if isinstance(value, str) else ""
