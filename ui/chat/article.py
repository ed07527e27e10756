"""Render an article as HTML with the cited sentence marked; pure functions that escape the untrusted text."""

from __future__ import annotations

import re
from html import escape

from rag import Document, readable_date
from ui.chat.markdown import MOST_CHARS, blocks, is_markdown
from ui.chat.marked import Piece, Words, direction, joined
from ui.chat.plain import paragraphs
from ui.chat.reading import as_read, published

_LINE_END = re.compile(r"[^\S\n]*\n")


def article(document: Document, start: int = 0, end: int = 0) -> str:
    """Return the whole article with exactly `text[start:end]` marked.

    A Markdown file is shown with its headings, lists and links, any other as paragraphs.

    Args:
        document: The article.
        start: Where the sentence begins, in characters.
        end: Where it ends; a value at or before `start` means no mark.
    """
    headline, body = _parts(document)
    facts = [
        escape(document.source),
        escape(document.author),
        published(document.publisher, document.date),  # the script shows it above the article as well
        f"added {escape(readable_date(document.added))}" if document.added else "",
    ]
    about = ' <span aria-hidden="true">·</span> '.join([*filter(None, facts), *_link(document)])
    return (
        f'<h2 class="dl-headline" dir="{direction(document.title)}" id="dl-article-title">'
        f'{joined(headline, start, end)}</h2><p class="dl-file">{about}</p>'
        f'<div class="dl-text" dir="{direction(document.text)}">{joined(body, start, end)}</div>'
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


def _parts(document: Document) -> tuple[list[Piece], list[Piece]]:
    """Return the headline and what follows it; a title that the text does not begin with has no place in it."""
    text, title = document.text, Words(as_read(document.title, document.source), -1, -1)
    if is_markdown(document.source) and len(text) <= MOST_CHARS:
        headline, body = blocks(text, document.title)
        return headline or [title], body
    first, after = _title_in(document)
    return [Words(text[first:after], first, after)] if after else [title], list(paragraphs(text, after))


def _title_in(document: Document) -> tuple[int, int]:
    """Return where the title stands if the text begins with it on a separate line, else zeros."""
    text = document.text
    skipped = len(text) - len(text.lstrip())
    after = skipped + len(document.title)
    opens = text.startswith(document.title, skipped) and _LINE_END.match(text, after)
    return (skipped, after) if opens else (0, 0)
