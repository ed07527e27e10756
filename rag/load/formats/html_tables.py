"""Replace the tables of figures and facts in an HTML tree by one paragraph for each row; layout tables stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.load.tables import lines_of

_MAX_CELLS = 20_000  # more are not laid out in a grid: spans may multiply them
_MAX_SPAN = 50
_CELL_CHARS = 400  # a longer cell holds paragraphs
_MOST_LINKS = 0.8  # of the text; a table of links alone is a menu
_LAYOUT = frozenset("article aside figure footer form h1 h2 h3 iframe input main nav section select table".split())
_BREAKS = frozenset("br div p".split())
_UNSEEN = frozenset("noscript script style template".split())


def unfold_tables(root: Any) -> None:
    """Replace the tables in a tree of lxml elements."""
    for table in list(root.iter("table")):
        parent = table.getparent()
        if parent is None or not _is_data(table):
            continue
        lines = _lines(table)
        if not lines:
            continue
        block = table.makeelement("div")
        for line in lines:
            paragraph = block.makeelement("p")
            paragraph.text = line
            block.append(paragraph)
        block.tail = table.tail
        parent.replace(table, block)


def _is_data(table: Any) -> bool:
    if table.get("role") in ("presentation", "none"):
        return False
    inner = [element for element in table.iterdescendants() if isinstance(element.tag, str)]
    if any(element.tag in _LAYOUT for element in inner):
        return False
    cells = [element for element in inner if element.tag in ("td", "th")]
    rows = [element for element in inner if element.tag == "tr"]
    if len(rows) < 2 or len(cells) < 2 * len(rows) - len(rows) // 2 or len(cells) > _MAX_CELLS:
        return False
    if any(len(_text(cell)) > _CELL_CHARS for cell in cells):
        return False
    total = sum(len(_text(cell)) for cell in cells)
    linked = sum(len(_text(element)) for element in inner if element.tag == "a")
    return total > 0 and linked <= _MOST_LINKS * total


def _lines(table: Any) -> list[str]:
    grid: list[list[str]] = []
    header = 0
    named = True
    below: dict[int, tuple[int, str]] = {}  # column: how many more rows a cell reaches down into, and its text
    for row in table.iter("tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        is_header = bool(cells) and (row.getparent().tag == "thead" or all(map(_is_name, cells)))
        named = named and is_header
        header += named
        grid.append(_fill(cells, below, is_header))
    captions = [_text(caption) for caption in table.iter("caption")]
    # Cells that say that they name a row, and no row that names the columns: a list of facts.
    facts = header == 0 and len(grid[0]) == 2 and all(row[0].tag == "th" for row in table.iter("tr") if len(row))
    if facts:
        return [*filter(None, captions), *(": ".join(filter(None, row)) for row in grid if any(row))]
    # Where all rows are names, they are no header but a table in bold.
    return [*filter(None, captions), *lines_of(grid, header if 0 < header < len(grid) else None)]


def _is_name(cell: Any) -> bool:
    """Return whether a cell is marked as a name, or is all in bold."""
    if cell.tag == "th":
        return True
    text = _text(cell)
    return bool(text) and text == " ".join(_text(part) for part in cell.iter("b", "strong"))


def _fill(cells: list[Any], below: dict[int, tuple[int, str]], is_header: bool) -> list[str]:
    """Return a row's cells by column. A name counts for all columns that its cell spans, a value for the first."""
    row: list[str] = []
    waiting = list(cells)
    while waiting or len(row) in below:
        if len(row) in below:
            left, text = below.pop(len(row))
            if left > 1:
                below[len(row)] = (left - 1, text)
            row.append(text)
            continue
        cell = waiting.pop(0)
        text = _text(cell)
        down = _span(cell, "rowspan")
        for number in range(_span(cell, "colspan")):
            shown = text if is_header or number == 0 else ""
            if down > 1:
                below[len(row)] = (down - 1, shown)
            row.append(shown)
    return row


def _span(cell: Any, name: str) -> int:
    said = str(cell.get(name) or "1").strip()
    return min(max(int(said), 1), _MAX_SPAN) if said.isdigit() and len(said) < 6 else 1


def _text(element: Any) -> str:
    """Return an element's text on one line; the items of a list have commas between them."""
    items = (" ".join(item.split()) for item in "".join(_pieces(element)).split("\0"))
    return ", ".join(filter(None, items)).replace(":, ", ": ")


def _pieces(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _UNSEEN:
            yield "\0" if child.tag == "li" else " " if child.tag in _BREAKS else ""
            yield from _pieces(child)
            yield "\0" if child.tag == "li" else " " if child.tag in _BREAKS else ""
        yield child.tail or ""
