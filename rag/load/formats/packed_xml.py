"""Read the XML in office files, which are zip archives."""

from __future__ import annotations

from typing import Any

from rag.errors import DocumentError
from rag.load.article import Input, one_line
from rag.load.zip_archive import Archive

MAX_XML = 20_000_000  # a part is parsed as a whole, which takes ten times its size


def tree(archive: Archive, name: str, file: Input) -> Any:
    """Return the root element of a member; entities are not expanded.

    Raises:
        DocumentError: The member is missing, too large or broken.
    """
    # Imported here with its C library, because only office files need it.
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(archive.read(name, MAX_XML), parser)
    except (etree.LxmlError, ValueError) as error:
        reason = one_line(str(error))[:120]
        raise DocumentError(f"{file.source} is a broken office file ({reason}); open it and save it again") from error


def properties(archive: Archive, name: str, file: Input) -> dict[str, str]:
    """Return the title, date, author and language that a member of Dublin Core states; empty where it is missing."""
    root = tree(archive, name, file) if name in archive.members else None
    said = {local(e): one_line(e.text) for e in root.iter() if e.text} if root is not None else {}
    return {
        "title": said.get("title", ""),
        "date": said.get("created") or said.get("creation-date") or said.get("date", ""),
        "author": said.get("initial-creator") or said.get("creator", ""),
        "language": said.get("language", ""),
    }


def local(element: Any) -> str:
    """Return an element's name without its namespace; empty for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str) -> str:
    """Return an attribute by its name without a namespace; empty if the element does not have it."""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")
