"""The text that is read from a web page about an election."""

from __future__ import annotations

from rag.load.files import read_bytes
from rag.types import Document


def text_of(body: str) -> str:
    """Return what is read from a page with this body."""
    markup = f"<html><head><title>Recount in Pellworth</title></head><body>{body}</body></html>"
    [document] = [item for item in read_bytes(markup.encode(), "page.html") if isinstance(item, Document)]
    return document.text
