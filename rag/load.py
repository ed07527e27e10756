"""Files to `Document`s: the text exactly as read, and a title."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from rag.errors import DocumentError
from rag.types import Document

SUFFIXES = (".txt", ".md")
MAX_BYTES = 50_000_000
_TITLE_CHARS = 80
_HEADLINE_CHARS = 200


def find_files(path: Path) -> list[tuple[Path, str]]:
    """Return the article files at `path` with their source names, sorted by name.

    A file's source is its name; below a folder it is the path relative to that folder, with forward slashes.

    Raises:
        DocumentError: `path` does not exist, cannot be listed or holds no article.
    """
    if path.is_file():
        return [(path, path.name)]
    if not path.is_dir():
        raise DocumentError(f"{path} does not exist; give a file or a folder of .txt or .md articles")
    try:
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    except OSError as error:
        raise DocumentError(f"{path} cannot be listed: {error.strerror}; check its permissions") from error
    if not found:
        raise DocumentError(f"{path} holds no .txt or .md file; give a folder that holds articles")
    return [(p, p.relative_to(path).as_posix()) for p in found]


def load(path: Path, source: str | None = None) -> Document:
    """Read one article.

    Args:
        path: The file.
        source: Its name in citations; the file's name when left out.

    Raises:
        DocumentError: The file cannot be read, is empty, is no UTF-8 text or is larger than 50 MB.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(f"{path} is larger than {MAX_BYTES // 1_000_000} MB; split it into articles")
        raw = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror}; check the file and its permissions") from error
    return make_document(decode(raw, str(path)), source or path.name, str(path.resolve()))


def decode(raw: bytes, name: str) -> str:
    """Return the text of a file's bytes: UTF-8, or UTF-16 where a byte order mark says so.

    Raises:
        DocumentError: It is something else; nothing is guessed.
    """
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    if "\0" in text:
        raise DocumentError(f"{name} holds NUL characters, so it is no text; convert it to UTF-8 text")
    if not text.strip():
        raise DocumentError(f"{name} is empty; remove it or fill it")
    return text


def make_document(text: str, source: str, path: str = "") -> Document:
    """Return the `Document` of a text; its id is the SHA-256 of the text."""
    return Document(
        id=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        source=source,
        title=make_title(text) or source,
        text=text,
        path=path,
        added=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def make_title(text: str) -> str:
    """Return the headline when the first line is one, else the first words, cut at a word."""
    lines = _lines(text)
    first = next(lines, "")
    more = next(lines, None) is not None
    is_sentence = first.rstrip("\"'”’)").endswith(".") or len(first) > _HEADLINE_CHARS
    if more and not is_sentence:
        return first
    if len(first) <= _TITLE_CHARS:
        return first.rstrip(".") if more else first
    cut = first[: _TITLE_CHARS + 1]
    head = cut.rsplit(None, 1)[0] if " " in cut else first[:_TITLE_CHARS]
    return head.rstrip(" ,;:–—-") + "…"


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if stripped := line.strip().lstrip("#").strip():
            yield " ".join(stripped.split())
