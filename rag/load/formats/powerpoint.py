"""Read PowerPoint files (`.pptx`): the text of the slides in their order."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from rag.errors import DocumentError
from rag.load import worker
from rag.load.article import Article, Input, clean
from rag.load.formats.packed_xml import attribute, local, properties, tree
from rag.load.tables import lines_of
from rag.load.zip_archive import Archive
from rag.types import Note

MEMBER = "ppt/presentation.xml"  # present in every PowerPoint file
_LINKS = "ppt/_rels/presentation.xml.rels"
_MOST_SLIDES = 2000


def read(file: Input) -> Iterator[Article | Note]:
    """Yield the article of a PowerPoint file."""
    yield from worker.read("powerpoint", file)


def parse(file: Input) -> Iterator[Article | Note]:
    """Yield the article of a PowerPoint file; runs in the process of `rag.load.worker`."""
    archive = Archive(file)
    blocks = [block for name in _slides(archive, file) for block in _blocks(tree(archive, name, file))]
    text = clean("\n\n".join(blocks))
    if not text:
        raise DocumentError(f"{file.source} holds no text (only pictures?); add its text")
    yield Article(text=text, **properties(archive, "docProps/core.xml", file))


def _slides(archive: Archive, file: Input) -> Iterator[str]:
    targets = {link.get("Id"): link.get("Target", "") for link in tree(archive, _LINKS, file) if local(link)}
    listed = [e for e in tree(archive, MEMBER, file).iter() if local(e) == "sldId"]
    for slide in listed[:_MOST_SLIDES]:
        links = [value for key, value in slide.attrib.items() if str(key).endswith("}id")]
        target = targets.get(links[0], "") if links else ""
        yield posixpath.normpath(posixpath.join("/ppt", target)).lstrip("/")


def _blocks(parent: Any) -> Iterator[str]:
    for child in parent:
        name = local(child)
        if name == "p" and "drawingml" in child.tag:
            yield "".join(_pieces(child))
        elif name == "tbl":
            rows = [[_cell(cell) for cell in row if local(cell) == "tc"] for row in child if local(row) == "tr"]
            styled = any(attribute(e, "firstRow") == "1" for e in child if local(e) == "tblPr")
            yield from lines_of(rows, 1 if styled and len(rows) > 1 else None)
        elif name != "Fallback":
            yield from _blocks(child)


def _cell(cell: Any) -> str:
    return " ".join(" ".join(_blocks(cell)).split())


def _pieces(paragraph: Any) -> Iterator[str]:
    for element in paragraph.iter():
        if local(element) == "t":
            yield element.text or ""
        elif local(element) in ("br", "tab"):
            yield " "
