"""How text of articles is shown outside the article: on one line and without markup. What is cited stays verbatim."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from rag import readable_date
from ui.chat.markdown import is_markdown, stripped, stripped_inline
from ui.chat.plain import flowing


def as_read(text: str, source: str) -> str:
    """Return a quote or a title as it is shown: Markdown is stripped, and lines that were broken to a width flow.

    Args:
        text: What the article says, verbatim.
        source: The article's source; its name says whether it is Markdown.
    """
    return stripped(text) if is_markdown(source) else flowing(text)


def answer_as_read(text: str, sources: Iterable[str]) -> str:
    """Return an answer's text as it is shown: without Markdown if it comes from a Markdown file."""
    return stripped_inline(text) if any(map(is_markdown, sources)) else text


def published(publisher: str | None, date: str | None) -> str:
    """Return who published an article and when, as HTML; an empty string if neither is known.

    Each stands apart, so that a name which is written from right to left does not turn the date after it.

    Args:
        publisher: As the article names it.
        date: ISO 8601.
    """
    known = ", ".join(f"<bdi>{escape(fact)}</bdi>" for fact in (publisher, readable_date(date or "")) if fact)
    return f'<span class="dl-origin">{known}</span>' if known else ""


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters, with `…` where its end is left out."""
    return text if len(text) <= most else text[: most - 1] + "…"


def begun(text: str, most: int) -> str:
    """Return a text, or its first whole words where it is longer than `most` characters."""
    words = text[:most].rsplit(None, 1)
    return f"{words[0]}…" if len(text) > most and len(words) > 1 else shortened(text, most)
