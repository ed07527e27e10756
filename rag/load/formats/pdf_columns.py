"""Put lines of a PDF that run across columns into reading order, and lines of a table into rows with column names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.load.tables import lines_of

GAP = 0.9  # font sizes; a wider space may separate columns, a narrower one is between words
_TABLE_GAP = 1.5
_LEAST_LINES = 3  # in which columns of prose run side by side
_PROSE_CHARS = 18  # a line of a column of prose has more characters on average, a table's cell fewer
_PITCH = 2.5  # font sizes; a line further down is no part of the same columns

_Strip = tuple[float, float]  # from left to right, in points


@dataclass(frozen=True)
class Piece:
    """A part of a line with no wide space in it, and where it begins and ends in points."""

    text: str
    left: float
    right: float


@dataclass(frozen=True)
class Line:
    """A line of a page: its pieces, its baseline and its font size, in points from the lower left.

    `alone` says that it is a paragraph of its own, like a table's row.
    """

    pieces: tuple[Piece, ...]
    base: float
    size: float
    alone: bool = False

    @property
    def text(self) -> str:
        """Its text."""
        return " ".join(piece.text for piece in self.pieces)

    @property
    def left(self) -> float:
        """Where its first letter is."""
        return self.pieces[0].left

    @property
    def right(self) -> float:
        """Where its last letter is."""
        return self.pieces[-1].right


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Return a page's lines with columns one after the other, and each row of a table as a line that stands alone."""
    found: list[Line] = []
    start = 0
    while start < len(lines):
        end, strips = _band(lines, start)
        band = lines[start:end]
        shared = sum(len(line.pieces) > 1 for line in band)
        is_wide = all(right - left >= _TABLE_GAP * lines[start].size for left, right in strips)
        grid = [_by_column(line, strips) for line in band]
        if _is_prose(grid) and (shared >= _LEAST_LINES or (shared > 1 and is_wide)):
            found += _columns(band, grid)
        elif shared > 1 and is_wide:
            found += _rows(band, grid)
        else:
            found.append(lines[start])
            end = start + 1
        start = end
    return found


def _band(lines: Sequence[Line], start: int) -> tuple[int, list[_Strip]]:
    """Return the end of the lines from `start` on that leave the same strips of the page empty, and these strips."""
    first = lines[start]
    strips = [(a.right, b.left) for a, b in zip(first.pieces, first.pieces[1:], strict=False)]
    end = start + 1
    while strips and end < len(lines):
        before, line = lines[end - 1], lines[end]
        if not 0 < before.base - line.base <= _PITCH * max(before.size, line.size):
            break
        left = [strip for strip in _common(strips, _free(line)) if strip[1] - strip[0] >= GAP * line.size]
        if not left:
            break
        strips = left
        end += 1
    return end, strips


def _free(line: Line) -> list[_Strip]:
    edges = [-math.inf, *(edge for piece in line.pieces for edge in (piece.left, piece.right)), math.inf]
    return [(edges[at], edges[at + 1]) for at in range(0, len(edges), 2)]


def _common(first: Sequence[_Strip], second: Sequence[_Strip]) -> Iterator[_Strip]:
    for a in first:
        for b in second:
            if max(a[0], b[0]) < min(a[1], b[1]):
                yield max(a[0], b[0]), min(a[1], b[1])


def _by_column(line: Line, strips: Sequence[_Strip]) -> list[list[Piece]]:
    columns: list[list[Piece]] = [[] for _ in range(len(strips) + 1)]
    for piece in line.pieces:
        columns[sum(piece.left >= right for _, right in strips)].append(piece)
    return columns


def _is_prose(grid: Sequence[Sequence[Sequence[Piece]]]) -> bool:
    """Return whether every column has lines as long as those of prose."""
    for column in zip(*grid, strict=True):
        lengths = [sum(len(piece.text) for piece in cell) for cell in column if cell]
        if sum(lengths) < _PROSE_CHARS * len(lengths):
            return False
    return True


def _columns(band: Sequence[Line], grid: Sequence[Sequence[Sequence[Piece]]]) -> Iterator[Line]:
    for column in zip(*grid, strict=True):
        for line, pieces in zip(band, column, strict=True):
            if pieces:
                yield replace(line, pieces=tuple(pieces))


def _rows(band: Sequence[Line], grid: Sequence[Sequence[Sequence[Piece]]]) -> Iterator[Line]:
    """Yield the rows of a table; a line without a first cell continues the row above it."""
    rows: list[list[str]] = []
    for line in grid:
        cells = [" ".join(piece.text for piece in cell) for cell in line]
        if rows and not cells[0] and any(rows[-1]):
            rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    first = band[0]
    for text in lines_of(rows):
        yield Line((Piece(text, first.left, first.right),), first.base, first.size, alone=True)
