"""Show Markdown safely: a few elements of our own, and every word of the article as escaped text with its place.

markdown-it-py finds the structure. Its own HTML is never used, HTML in an article is text, and what this module does
not name is shown without markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ui.chat.marked import Piece, Words, direction

ENDINGS = (".md", ".markdown")
MOST_CHARS = 300_000  # of an article; parsing takes a second or so for as many
_NEWLINE = re.compile(r"\r\n?|\n")
_ADDRESS = ("https://", "http://", "mailto:")
_DESTINATION = re.compile(
    r"\]\(\s*(?:<[^<>\n]*>|(?:\\.|[^\s()\\]|\((?:\\.|[^\s()\\])*\))*)"
    r"""(?:\s+(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\)))?\s*\)|\]\[[^\[\]]*\]|\]"""
)
# The elements, by markdown-it's name. The article's own headline is an h2.
_BLOCKS = {
    "paragraph": "p",
    "bullet_list": "ul",
    "list_item": "li",
    "blockquote": "blockquote",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
}
_ROWS = ("thead", "tbody", "tr")  # run as their table does
_INLINE = {"strong": "strong", "em": "em", "s": "s"}
_HEADINGS = {"h1": "h3", "h2": "h3", "h3": "h4", "h4": "h5", "h5": "h6", "h6": "h6"}


@cache
def _parser() -> MarkdownIt:
    # Escapes stay pieces of their own, so that every character has its place.
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return parser.disable("text_join")


def is_markdown(source: str) -> bool:
    """Return whether a source, or the member of an archive that it names, is a Markdown file."""
    return source.lower().endswith(ENDINGS)


def blocks(text: str, title: str) -> tuple[list[Piece], list[Piece]]:
    """Return the headline, if the text begins with the title, and the rest of a Markdown text."""
    tokens = _parser().parse(text)
    places = _Places(text)
    headline: list[Piece] = []
    if len(tokens) > 2 and tokens[1].type == "inline" and _is_title(tokens[1].content, title):
        headline = list(_inline(tokens[1], places))
        tokens = tokens[3:]
    return headline, [piece for token in tokens for piece in _block(token, places)]


def stripped(text: str) -> str:
    """Return the words of some Markdown on one line; numbers of sources such as [1] stay."""
    lines = []
    for token in _parser().parse(text):
        if token.type == "inline":
            lines.append("".join(_words(token)))
        elif token.type == "list_item_open" and token.info:  # "1986. That was long ago." is no list for its reader
            lines.append(f"{token.info}{token.markup}")
        elif token.type in ("fence", "code_block"):
            lines.append(token.content)
    return " ".join(" ".join(lines).split())


def stripped_inline(text: str) -> str:
    """Return a text without the Markdown inside its lines; the lines stay as they are."""
    lines = text.split("\n")
    return "\n".join("".join("".join(_words(token)) for token in _parser().parseInline(line)) for line in lines)


def _is_title(content: str, title: str) -> bool:
    said = " ".join(content.split())
    return bool(title) and title in (said, stripped(said))


def _words(token: Token) -> Iterator[str]:
    return (piece.text for piece in _inline(token, None) if isinstance(piece, Words))


def _block(token: Token, places: _Places) -> Iterator[Piece]:
    name, _, side = token.type.rpartition("_")
    if token.type == "inline":
        yield from _inline(token, places)
    elif token.type in ("fence", "code_block"):
        yield '<pre tabindex="0" role="group" aria-label="Preformatted">'
        yield from places.code(token)
        yield "</pre>\n"
    elif token.type == "hr":
        yield "<hr>\n"
    elif name == "table":
        if side == "open":
            yield '<div class="dl-scroll" tabindex="0" role="group" aria-label="Table">'
            yield f'<table dir="{places.direction(token)}">'
        else:
            yield "</table></div>\n"
    elif not token.hidden and (tag := _HEADINGS.get(token.tag) if name == "heading" else _tag(name)):
        if side == "close":
            yield f"</{tag}>\n"
        else:
            start = token.attrGet("start")
            numbered = f' start="{start:d}"' if isinstance(start, int) else ""
            runs = f' dir="{places.direction(token)}"' if token.map and tag not in _ROWS else ""
            yield f"<{tag}{numbered}{runs}>"


def _tag(name: str) -> str | None:
    return "ol" if name == "ordered_list" else _BLOCKS.get(name)


def _inline(token: Token, places: _Places | None) -> Iterator[Piece]:
    at = places.of(token) if places else []
    content, position = token.content, 0
    flat = content.replace("\n", " ")
    links: list[str] = []  # how each open link ends

    def words(text: str, written: str) -> list[Words]:
        nonlocal position
        found = flat.find(written.replace("\n", " "), position)
        if found < 0 or not at:
            return [Words(text, -1, -1)]
        position = found + len(written)
        first, last = at[found], at[position - 1] + 1
        if text == written and last - first != len(text):  # an escaped bar in a table
            return [Words(c, n, n + 1) for c, n in zip(text, at[found:position], strict=True)]
        return [Words(text, first, last)]

    for child in token.children or ():
        name, _, side = child.type.rpartition("_")
        if child.type == "text":
            yield from words(child.content, child.content)
        elif child.type == "code_inline":
            yield "<code>"
            yield from words(child.content, child.content)
            yield "</code>"
        elif child.type == "text_special":
            yield from words(child.content, child.markup)
        elif child.type in ("softbreak", "hardbreak"):
            yield from words(" ", "\n")
            if child.type == "hardbreak":
                yield "<br>"
        elif child.type == "image":
            yield from words(child.content, child.content)
            position = _after_link(content, position)
        elif child.type == "link_open":
            links.append("</a>" if (opening := _link(child)) else "")
            yield opening
        elif child.type == "link_close":
            position = _after_link(content, position) if child.markup != "autolink" else position
            yield links.pop()
        elif name in _INLINE:
            yield f"<{'/' if side == 'close' else ''}{_INLINE[name]}>"
        else:
            yield from words(child.content, child.content)


def _link(token: Token) -> str:
    """Return the start of a link to a web or mail address; nothing for any other."""
    address = str(token.attrGet("href") or "")
    if not address.lower().startswith(_ADDRESS):
        return ""
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">'


def _after_link(content: str, position: int) -> int:
    """Return where a text goes on after the address of a link whose words end at `position`."""
    closing = content.find("]", position)
    match = _DESTINATION.match(content, closing) if closing >= 0 else None
    return match.end() if match else position


class _Places:
    """Where the contents of tokens stand in the text that they were parsed from."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[tuple[int, int]] = []
        start = 0
        for match in _NEWLINE.finditer(text):
            self.lines.append((start, match.start()))
            start = match.end()
        self.lines.append((start, len(text)))
        self._cells: dict[int, int] = {}  # how far each line of a table was read

    def of(self, token: Token) -> list[int]:
        """Return the place of each character of an inline token; nothing if they are not found."""
        found: list[int] = []
        first = token.map[0] if token.map else 0
        for number, line in enumerate(token.content.split("\n"), first):
            start, end = self.lines[min(number, len(self.lines) - 1)]
            begin = max(start, self._cells.get(number, start))
            column = self.text.find(line, begin, end)
            if column >= 0:
                places: Sequence[int] = range(column, column + len(line))
            else:  # in a table, a bar inside a cell has a backslash
                column = self.text.find(line.replace("|", "\\|"), begin, end)
                places = [n for n in range(column, end) if self.text[n : n + 2] != "\\|"][: len(line)]
                if column < 0:
                    return []
            self._cells[number] = places[-1] + 1 if places else begin
            found += [*places, end]
        return found[:-1]

    def code(self, token: Token) -> Iterator[Words]:
        """Yield the lines of a block of code."""
        first = (token.map[0] if token.map else 0) + (token.type == "fence")
        for number, line in enumerate(token.content.rstrip("\n").split("\n"), first):
            start, end = self.lines[min(number, len(self.lines) - 1)]
            column = self.text.find(line, start, end)
            yield Words(line, column, column + len(line)) if column >= 0 else Words(line, -1, -1)
            yield Words("\n", end, min(end + 1, len(self.text)))

    def direction(self, token: Token) -> str:
        """Return the direction of the lines of a block."""
        first, last = token.map or (0, 0)
        return direction(self.text[self.lines[first][0] : self.lines[min(last, len(self.lines)) - 1][1]])
