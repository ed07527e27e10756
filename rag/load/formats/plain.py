"""Read plain text and Markdown files: the text unchanged, and the metadata in Markdown's front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.load.article import Article, Input, one_line
from rag.load.charset import decode
from rag.types import Note

_FRONT = re.compile(r"---[ \t]*\r?\n(.{0,60000}?\n)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_KEYS = {
    "title": ("title", "headline"),
    "author": ("author", "authors", "byline"),
    "publisher": ("publisher", "source", "site"),
    "language": ("language", "lang"),
    "url": ("url", "link", "canonical_url"),
    "date": ("date", "published", "pubdate", "publishdate", "created"),
}


def read_text(file: Input) -> Iterator[Article | Note]:
    """Yield the article of a text file."""
    text, notice = decode(file.read(), file.source)
    if notice:
        yield Note(file.source, notice, failed=False)
    yield Article(text=text)


def read_markdown(file: Input) -> Iterator[Article | Note]:
    """Yield the article of a Markdown file, without its front matter."""
    text, notice = decode(file.read(), file.source)
    if notice:
        yield Note(file.source, notice, failed=False)
    match = _FRONT.match(text)
    said = _mapping(match[1]) if match else None
    if match is None or said is None or not text[match.end() :].strip():
        yield Article(text=text)  # a line of dashes alone is not front matter
        return
    values = {field: next((v for k in keys if (v := _value(said.get(k)))), "") for field, keys in _KEYS.items()}
    yield Article(text=text[match.end() :], **values)


def _mapping(text: str) -> dict[str, Any] | None:
    # Imported here, because only Markdown with front matter needs it.
    import yaml

    try:
        # BaseLoader keeps everything a string and expands no merge keys. It is pure Python, so deep nesting is an
        # error instead of a crash.
        found = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return {str(key).lower(): value for key, value in found.items()} if isinstance(found, dict) else None


def _value(value: object) -> str:
    if isinstance(value, list):
        return one_line(", ".join(v for v in value[:50] if isinstance(v, str)))
    return one_line(value)
