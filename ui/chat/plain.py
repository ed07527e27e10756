"""Show plain text as paragraphs: lines that were broken to a width flow, and all other lines stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ui.chat.marked import Piece, Words, direction

_LINE_END = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_QUOTED = re.compile(r"[^\S\r\n]*(?:>[^\S\r\n]?)+")
_ALIGNED = re.compile(r"\S(?: {3,}|\t)\S")
_ITEM = re.compile(r"(?:[-*•–+]|\(?\d{1,3}[.)]|\w[.)])\s")
# A width that text is broken to, in columns. What is longer was not broken, what is shorter is a list or a poem.
_NARROW, _WIDE = 50, 100
_SLACK = 3  # columns by which programs differ in what fits
_UNSPACED = re.compile("[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")


def paragraphs(text: str, first: int = 0) -> Iterator[Piece]:
    """Yield the paragraphs of a text from offset `first` on; quoted ones (`> …`, as in mails) as quotations."""
    lines = list(_lines(text, first))
    width = _width(text[start:end] for start, end in lines)
    run: list[tuple[int, int]] = []
    for start, end in [*lines, (len(text), len(text))]:
        blank = not text[start:end].strip()
        whole = run and _columns(text[slice(*run[-1])]) > _WIDE  # a line for each paragraph
        if run and (blank or whole or bool(_QUOTED.match(text, *run[-1])) != bool(_QUOTED.match(text, start, end))):
            yield from _paragraph(text, run, width)
            run = []
        if not blank:
            run.append((start, end))


def flowing(text: str) -> str:
    """Return a sentence on one line, without the marks of a quoted mail where it goes over several lines."""
    lines = list(_lines(text, 0))
    quoted = len(lines) > 1 and all(_QUOTED.match(text, start, end) for start, end in lines[1:])
    shown = ""
    for start, end in lines:
        match = _QUOTED.match(text, start, end) if quoted else None
        line = " ".join(text[match.end() if match else start : end].split())
        shown += _between(shown, line) + line
    return shown.strip()


def _paragraph(text: str, lines: list[tuple[int, int]], width: int) -> Iterator[Piece]:
    quoted = bool(_QUOTED.match(text, *lines[0]))
    shown = text[lines[0][0] : lines[-1][1]]
    columns = ' class="dl-columns"' if _ALIGNED.search(shown) else ""  # blanks have a meaning there
    yield f'{"<blockquote>" if quoted else ""}<p{columns} dir="{direction(shown)}">'
    before = -1  # where the line before ended
    for number, (start, end) in enumerate(lines):
        prefix = _QUOTED.match(text, start, end) if quoted else None
        begin = prefix.end() if prefix else start
        end = start + len(text[start:end].rstrip())
        if number:
            flows = _was_broken(text[slice(*lines[number - 1])], text[begin:end], width)
            begin += len(text[begin:end]) - len(text[begin:end].lstrip()) if flows else 0
            yield Words(_between(text[:before][-1:], text[begin:end]) if flows else "\n", before, begin)
        yield Words(text[begin:end], begin, end)
        before = max(begin, end)
    yield f"</p>{'</blockquote>' if quoted else ''}\n"


def _lines(text: str, first: int) -> Iterator[tuple[int, int]]:
    start = first
    for match in _LINE_END.finditer(text, first):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _width(lines: Iterator[str]) -> int:
    """Return the width that a text seems to be broken to, 0 if there is none; an address alone may be wider."""
    widths = [_columns(line.rstrip()) for line in lines if len(line.split()) > 1 or _UNSPACED.search(line)]
    widest = max(widths, default=0)
    return widest if _NARROW <= widest <= _WIDE and len(widths) > 2 else 0


def _was_broken(line: str, following: str, width: int) -> bool:
    """Return whether a line ends where it does because the next word did not fit."""
    line, following = line.rstrip(), following.strip()
    if not width or _ITEM.match(following):
        return False
    word = following[:1] if _UNSPACED.match(following) else following.split(maxsplit=1)[0] if following else ""
    return _columns(line) + 1 + _columns(word) > width - _SLACK


def _columns(text: str) -> int:
    return len(text) + len(_UNSPACED.findall(text))


def _between(before: str, after: str) -> str:
    """Return what joins two lines: nothing in scripts without spaces."""
    return "" if not before or (_UNSPACED.match(before[-1:]) and _UNSPACED.match(after)) else " "
