"""The blocks of text in a Word file's body: paragraphs and rows of tables, as a reader of the file sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.load.tables import lines_of

_CELL_CHARS = 400  # a longer cell holds paragraphs, so the table is for layout
# Elements that only wrap others: content controls, insertions that are tracked, and marks for other programs.
_WRAPPERS = frozenset("sdt sdtContent ins moveTo customXml smartTag AlternateContent Choice".split())
# Deletions that are tracked, what is shown only where the element beside it is not, formatting, reading aids, and text
# boxes, which come after their paragraph.
_UNSEEN = frozenset("del moveFrom Fallback pPr rPr sdtPr rt txbxContent".split())
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def blocks_of(parent: Any) -> Iterator[str]:
    """Yield the paragraphs and rows in an element of WordprocessingML, in order."""
    for child in parent:
        name = _name(child)
        if name in _WRAPPERS and not _is_hidden(child):
            yield from blocks_of(child)
        elif name == "p":
            yield _paragraph(child)
            for box in _below(child, "txbxContent"):
                yield from blocks_of(box)
        elif name == "tbl":
            yield from _table(child)


def _paragraph(paragraph: Any) -> str:
    text = "".join(_pieces(paragraph))
    properties = next(_below(paragraph, "pPr"), None)
    is_item = properties is not None and any(_name(child) == "numPr" for child in properties)
    return f"- {text}" if is_item and text.strip() else text


def _pieces(element: Any) -> Iterator[str]:
    for child in element:
        name = _name(child)
        if name == "t":
            yield child.text or ""
        elif name in _BREAKS:
            yield _BREAKS[name]
        elif name not in _UNSEEN and not _is_hidden(child):
            yield from _pieces(child)


def _is_hidden(element: Any) -> bool:
    """Return whether an element is hidden text, or a form's field that shows only what to enter."""
    return (_name(element) == "r" and _is_marked(element, "vanish")) or (
        _name(element) == "sdt" and _is_marked(element, "showingPlcHdr", "sdtPr")
    )


def _table(table: Any) -> Iterator[str]:
    rows = [row for row in _below(table, "tr") if not _is_marked(row, "del", "trPr")]
    cells = [list(_below(row, "tc")) for row in rows]
    if _is_layout([cell for row in cells for cell in row], rows):
        for row in cells:
            for cell in row:
                yield from blocks_of(cell)
        return
    header = next((n for n, row in enumerate(rows) if not _is_marked(row, "tblHeader", "trPr")), len(rows))
    if header == 0 and len(rows) > 1 and _is_bold(rows[0]) and not _is_bold(rows[1]):
        header = 1
    grid: list[list[str]] = []
    for row in cells:
        grid.append(_filled(row, grid[-1] if grid else [], len(grid) < header))
    yield from lines_of(grid, header or None)


def _is_layout(cells: list[Any], rows: list[Any]) -> bool:
    """Return whether a table places text on the page: a single column, or cells with tables or paragraphs in them."""
    return (
        len(cells) < 2 * len(rows) - len(rows) // 2
        or any(_name(inner) == "tbl" for cell in cells for inner in cell.iterdescendants())
        or any(len(_cell(cell)) > _CELL_CHARS for cell in cells)
    )


def _filled(row: list[Any], above: list[str], is_header: bool) -> list[str]:
    """Return a row's cells by column; a cell that reaches down is repeated, a name counts for all columns it spans."""
    found: list[str] = []
    for cell in row:
        properties = next(_below(cell, "tcPr"), None)
        merged = _value(properties, "vMerge")
        text = _cell(cell)
        if merged in ("", "continue") and not text:
            text = above[len(found)] if len(found) < len(above) else ""
        span = _value(properties, "gridSpan") or "1"
        more = min(int(span), 50) - 1 if span.isdigit() and len(span) < 6 else 0
        found += [text, *[text if is_header else ""] * more]
    return found


def _cell(cell: Any) -> str:
    return " ".join(" ".join(block.removeprefix("- ") for block in blocks_of(cell)).split())


def _is_bold(row: Any) -> bool:
    """Return whether all text of a row is in bold."""
    runs = [run for run in row.iter() if _name(run) == "r" and "".join(_pieces(run)).strip()]
    return bool(runs) and all(_is_marked(run, "b") for run in runs)


def _is_marked(element: Any, mark: str, within: str = "rPr") -> bool:
    """Return whether an element's properties set a mark, which may also be there to unset it."""
    properties = next(_below(element, within), None)
    value = _value(properties, mark)
    return value is not None and value.lower() not in ("0", "false", "off", "none")


def _value(properties: Any, name: str) -> str | None:
    """Return the value of a property, empty if it has none, or None if it is not set."""
    for child in properties if properties is not None else ():
        if _name(child) == name:
            return next((str(value) for key, value in child.attrib.items() if key.rpartition("}")[2] == "val"), "")
    return None


def _below(element: Any, name: str) -> Iterator[Any]:
    """Yield the elements of this name in an element, but not those in one another."""
    for child in element:
        if _name(child) == name:
            yield child
        elif _name(child) in _WRAPPERS or (name == "txbxContent" and _name(child) != "Fallback"):
            yield from _below(child, name)


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
