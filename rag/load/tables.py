"""Turn a table into lines that stand alone: each row with the names of its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAME_CHARS = 80  # a longer cell is no name of a column
_FIGURE = re.compile(r"[^\w]*\d[\d.,:/ \u00a0\u202f-]*[^\W\d_]{0,3}[^\w]*")  # 4,112  61 %  €4.50  12 km  3-1
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_SPACE = re.compile(r"\s+")


def lines_of(rows: Sequence[Sequence[str]], header: int | None = None) -> list[str]:
    """Return one line for each row of a table that is not empty.

    A row under a header is "District: Old Town; Votes: 6,001", one without a header "Old Town | 6,001".

    Args:
        rows: The rows' cells; rows may be of different length.
        header: How many rows at the start name the columns; None if the table does not say, then a first row of words
            over columns of figures counts as one.
    """
    cells = [[_SPACE.sub(" ", cell).strip() for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if header is None:
        header = int(_has_header(cells))
    width = max(map(len, cells), default=0)
    names = [_name([row[column] for row in cells[:header] if column < len(row)]) for column in range(width)]
    if header and len(cells) == header:  # a header and nothing under it is all there is
        return [_row(row, []) for row in cells]
    return [_row(row, names if header else []) for row in cells[header:]]


def _row(row: Sequence[str], names: Sequence[str]) -> str:
    filled = [(column, cell) for column, cell in enumerate(row) if cell]
    if not names:
        cells = list(dict.fromkeys(cell for _, cell in filled))
        return (" " if len(cells) == 2 and cells[0].endswith(":") else " | ").join(cells)
    if len(filled) == 1 and len(row) > 1:  # a line within the table: "Second round"
        return filled[0][1]
    return "; ".join(_cell(names[column], cell) for column, cell in filled)


def _cell(name: str, cell: str) -> str:
    """Return a value with its column's name, which tables for small screens repeat in each cell ("PriceFree")."""
    rest = cell.removeprefix(name)
    repeated = bool(name) and rest != cell and rest[:1] and not rest[0].isspace() and not rest[0].islower()
    value = rest.lstrip(": ") if repeated else cell
    return f"{name}: {value}" if name else cell


def _name(parts: Sequence[str]) -> str:
    """Return a column's name from the cells above it: "Votes" over "Quist" is "Votes, Quist"."""
    return ", ".join(dict.fromkeys(part.rstrip(":") for part in parts if part))


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names the columns: words, and below some of them nothing but figures."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first, *body = rows
    named = [cell for cell in first[1:] if cell]
    if len(named) < len(first) - 1 or len(set(first)) < len(first) or any(len(cell) > _NAME_CHARS for cell in first):
        return False
    if any(_FIGURE.fullmatch(cell) and not _YEAR.fullmatch(cell) for cell in first):
        return False
    columns = ([row[column] for row in body if column < len(row) and row[column]] for column in range(1, len(first)))
    return any(
        column and all(_FIGURE.fullmatch(cell) and not _YEAR.fullmatch(cell) for cell in column) for column in columns
    )
