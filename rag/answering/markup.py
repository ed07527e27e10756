"""Take the Markdown off a model's reply: what is left are its lines in the order in which they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


def plain_lines(reply: str) -> list[str]:
    """Return the lines of a reply without its markup.

    List items, quoted lines and lines of code are lines. A row of a table is one line with the names of its columns.
    Headings are left out, unless there is nothing else. Tags are left out, and what is between them stays.
    """
    tokens = _parser().parse(reply)
    found = [(kind, text.strip()) for kind, text in _lines(tokens, _numbering(tokens)) if text.strip()]
    return [text for kind, text in found if kind != "heading"] or [text for _, text in found]


def _lines(tokens: Sequence[Token], numbering: set[int]) -> Iterator[tuple[str, str]]:
    """Yield (kind, line)."""
    kind, number = "", ""
    columns, cells = list[str](), list[str]()
    for n, token in enumerate(tokens):
        if token.type == "list_item_open":
            # "1968." at the start of a line looks like an item's number to Markdown.
            number = f"{token.info}{token.markup} " if token.info and n not in numbering else ""
        elif token.type in ("heading_open", "heading_close"):
            kind = "heading" if token.type == "heading_open" else ""
        elif token.type == "tr_open":
            cells = []
        elif token.type == "thead_close":
            columns = cells
        elif token.type == "tr_close" and columns and cells is not columns:
            named = (f"{name}: {cell}" if name else cell for name, cell in zip(columns, cells, strict=False) if cell)
            yield "row", "; ".join(named)
        elif token.type == "tr_close":
            columns = []
        elif token.type == "inline" and tokens[n - 1].type in ("th_open", "td_open"):
            cells.append(_words(token).strip())
        elif token.type == "inline":
            first, *rest = _words(token).split("\n")
            yield kind, f"{number}{first}"
            yield from ((kind, line) for line in rest)
            number = ""
        elif token.type in ("fence", "code_block"):
            yield from (("code", line) for line in token.content.splitlines())
        elif token.type == "html_block":
            yield from (("html", line) for line in _TAG.sub(" ", token.content).splitlines())


def _words(token: Token) -> str:
    """Return the words of a paragraph or a cell."""
    breaks = {"softbreak": "\n", "hardbreak": "\n", "html_inline": ""}
    return "".join(breaks.get(child.type, child.content) for child in token.children or ())


def _numbering(tokens: Sequence[Token]) -> set[int]:
    """Return the places of the items whose numbers count them: those of two and more that go on from 1."""
    found, expected = set[int](), 1
    for n, token in enumerate(tokens):
        if token.type == "list_item_open" and token.info == str(expected):
            found.add(n)
            expected += 1
    return found if len(found) > 1 else set()


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # Imported here because only strong models write Markdown. Underlined headings are left to their paragraph: a rule
    # below an answer would make it a heading.
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").disable("lheading")
