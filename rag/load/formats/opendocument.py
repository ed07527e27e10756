"""Read OpenDocument files: texts, presentations and spreadsheets (`.odt`, `.odp`, `.ods`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.errors import DocumentError
from rag.load import worker
from rag.load.article import Article, Input, clean
from rag.load.formats.packed_xml import attribute, local, properties, tree
from rag.load.tables import lines_of
from rag.load.zip_archive import Archive
from rag.types import Note

MEMBER = "META-INF/manifest.xml"  # present in every OpenDocument file
_MOST_REPEATS = 50  # of a cell; an empty one may be repeated a million times to fill a sheet
_UNSEEN = frozenset("annotation annotation-end note ruby-text tracked-changes forms notes sequence-decls".split())
_SPACES = {"tab": "\t", "line-break": "\n"}


def read(file: Input) -> Iterator[Article | Note]:
    """Yield the article of an OpenDocument file."""
    yield from worker.read("opendocument", file)


def parse(file: Input) -> Iterator[Article | Note]:
    """Yield the article of an OpenDocument file; runs in the process of `rag.load.worker`."""
    archive = Archive(file)
    body = next((e for e in tree(archive, "content.xml", file) if local(e) == "body"), ())
    text = clean("\n\n".join(_blocks(body)))
    if not text:
        raise DocumentError(f"{file.source} holds no text (only pictures?); add its text")
    yield Article(text=text, **properties(archive, "meta.xml", file))


def _blocks(parent: Any, mark: str = "") -> Iterator[str]:
    for child in parent:
        name = local(child)
        if name in ("p", "h"):
            text = "".join(_pieces(child))
            yield mark + text if text.strip() else ""
            for box in (inner for inner in child.iter() if local(inner) == "text-box"):
                yield from _blocks(box)
        elif name == "table":
            yield from _table(child)
        elif name and name not in _UNSEEN:
            yield from _blocks(child, "- " if name == "list-item" else mark)


def _pieces(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = local(child)
        if name == "s":
            count = attribute(child, "c")
            yield " " * (min(int(count), 80) if count.isdigit() else 1)
        elif name in _SPACES:
            yield _SPACES[name]
        elif name and name not in _UNSEEN and name != "text-box":
            yield from _pieces(child)
        yield child.tail or ""


def _table(table: Any) -> Iterator[str]:
    rows = [row for row in table.iter() if local(row) == "table-row"]
    if any(local(inner) == "table" for row in rows for inner in row.iter()):  # for layout
        for row in rows:
            yield from _blocks(row)
        return
    header = sum(local(row.getparent()) == "table-header-rows" for row in rows)
    yield from lines_of([_cells(row) for row in rows], header or None)


def _cells(row: Any) -> list[str]:
    found: list[str] = []
    for cell in row:
        if local(cell) in ("table-cell", "covered-table-cell"):
            count = attribute(cell, "number-columns-repeated")
            text = " ".join(" ".join(block.removeprefix("- ") for block in _blocks(cell)).split())
            found += [text] * (min(int(count), _MOST_REPEATS) if count.isdigit() and len(count) < 9 else 1)
    return found
