"""Read e-books (`.epub`): one article per chapter, or one for a book with a single chapter."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from rag.errors import DocumentError
from rag.load.article import Article, Input, one_line
from rag.load.contain import contained
from rag.load.formats.html import MAX_HTML, decode_page, decoded_prose
from rag.load.zip_archive import Archive
from rag.types import Note

MEMBER = "META-INF/container.xml"  # present in every e-book
_MAX_XML = 5_000_000
_PAGES = ("application/xhtml+xml", "text/html")


def read(file: Input) -> Iterator[Article | Note]:
    """Yield the chapters of a book in reading order, without its table of contents and cover."""
    archive = Archive(file)
    container = _xml(archive, MEMBER, file)
    package = next((e.get("full-path", "") for e in container.iter("{*}rootfile")), "")
    book = _xml(archive, package, file)
    known = {name: one_line(book.findtext(f".//{{*}}metadata/{{*}}{name}")) for name in _NAMES}
    names = list(_chapters(book, posixpath.dirname(package)))
    count = 0
    for name in names:
        member = one_line(name) if len(names) > 1 else ""
        source = f"{file.source}!/{one_line(name)}"
        for item in contained(source, "", _chapter, archive, name, known, member, source):
            count += isinstance(item, Article)
            yield item
    if not count:
        raise DocumentError(f"{file.source} holds no text (only pictures?); add its text")


def _chapter(archive: Archive, name: str, known: dict[str, str], member: str, source: str) -> Iterator[Article | Note]:
    heading, text, notice = decoded_prose(decode_page(archive.read(name, MAX_HTML)), source)
    if notice:
        yield Note(source, notice, failed=False)
    if text:
        yield Article(
            text=text,
            title=": ".join(dict.fromkeys(filter(None, (known["title"], heading)))),
            date=known["date"],
            author=known["creator"],
            publisher=known["publisher"],
            language=known["language"],
            url=known["source"] if known["source"].startswith("http") else "",
            member=member,
        )


_NAMES = ("title", "creator", "date", "language", "publisher", "source")


def _xml(archive: Archive, name: str, file: Input) -> Any:
    # Imported here with its C library, because only books need it.
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(archive.read(name, _MAX_XML), parser)
    except (etree.LxmlError, ValueError) as error:
        raise DocumentError(f"{file.source} is a broken e-book ({one_line(str(error))[:120]}); get it again") from error


def _chapters(book: Any, folder: str) -> Iterator[str]:
    """Yield the names of the pages in reading order."""
    items = {item.get("id"): item for item in book.iter("{*}item")}
    for reference in book.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in _PAGES or "nav" in (item.get("properties") or "").split():
            continue
        yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))
