"""How text of articles is shown outside the article: on one line and without markup. What is cited stays verbatim."""

from __future__ import annotations

from collections.abc import Iterable

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
