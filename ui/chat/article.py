"""Render an article as HTML with the cited sentence marked; pure functions that escape the untrusted text."""

from __future__ import annotations

import re
from html import escape

from rag import Document, readable_date

_LINE_END = re.compile(r"[^\S\n]*\n")


def article(document: Document, start: int = 0, end: int = 0) -> str:
    """Return the whole article with exactly `text[start:end]` in a `<mark>`.

    Args:
        document: The article.
        start: Where the sentence begins, in characters.
        end: Where it ends; a value at or before `start` means no mark.
    """
    text = document.text
    title, body = _split_title(document)
    facts = [
        document.source,
        document.author,
        document.publisher,
        f"published {readable_date(document.date)}" if document.date else "",
        f"added {readable_date(document.added)}" if document.added else "",
    ]
    about = ' <span aria-hidden="true">·</span> '.join([*(escape(fact) for fact in facts if fact), *_link(document)])
    headline = _marked(text, 0, body, start, end) if body else escape(title)
    return (
        f'<h2 class="dl-headline" dir="auto" id="dl-article-title">{headline}</h2><p class="dl-file">{about}</p>'
        f'<div class="dl-text" dir="auto">{_marked(text, body, len(text), start, end)}</div>'
    )


def _link(document: Document) -> list[str]:
    """Return the link to the published article if the document has a web address."""
    if not document.url.lower().startswith(("https://", "http://")):
        return []
    return [f'<a href="{escape(document.url)}" target="_blank" rel="noopener noreferrer nofollow">original</a>']


def missing() -> str:
    """Return the HTML shown in place of an article that is no longer in the library."""
    return (
        '<h2 class="dl-headline" id="dl-article-title">This article is no longer in the library</h2>'
        '<p class="dl-text">It was removed or replaced after the answer was given. The sentence stands in the list of '
        "sources.</p>"
    )


def _split_title(document: Document) -> tuple[str, int]:
    """Return the title, and where the text continues after it if the text begins with it on a separate line."""
    text = document.text
    skipped = len(text) - len(text.lstrip())
    after = skipped + len(document.title)
    opens = text.startswith(document.title, skipped) and _LINE_END.match(text, after)
    return document.title, after if opens else 0


def _marked(text: str, first: int, last: int, start: int, end: int) -> str:
    """Return `text[first:last]` escaped, with the part within `[start, end)` marked."""
    start, end = max(first, start), min(last, end)
    if start >= end:
        return escape(text[first:last]).strip()
    before, after = escape(text[first:start]), escape(text[end:last])
    return f'{before.lstrip()}<mark tabindex="-1">{escape(text[start:end])}</mark>{after.rstrip()}'
