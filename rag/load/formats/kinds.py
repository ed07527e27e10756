"""Choose the reader for a file by its content and name; a new format needs a module and a row here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rag.errors import DocumentError
from rag.load import zip_archive
from rag.load.article import Input, Reader
from rag.load.formats import epub, feed, html, mail, opendocument, pdf, plain, powerpoint, rows, rtf, word


@dataclass(frozen=True)
class Kind:
    """A format.

    Args:
        name: Its name in messages.
        suffixes: The suffixes of its files, in lower case.
        read: Its reader.
        many: Whether a file holds many parts.
        binary: Whether only the content decides: plain text with one of its suffixes is an error.
        starts: Returns from a file's first bytes and suffix whether it has this format; None if only the name says so.
        member: For a format packed as a zip archive, the member that every archive of this format has.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Reader
    many: bool = False
    binary: bool = False
    starts: Callable[[bytes, str], bool] | None = None
    member: str = ""


# If two rows match, the first one is used.
KINDS = (
    Kind("text", (".txt",), plain.read_text),
    Kind("Markdown", (".md", ".markdown"), plain.read_markdown),
    Kind("HTML", (".html", ".htm", ".xhtml"), html.read, starts=html.starts_page),
    Kind("PDF", (".pdf",), pdf.read, binary=True, starts=pdf.starts_pdf),
    Kind("Word", (".docx",), word.read, binary=True, member=word.MEMBER),
    Kind("PowerPoint", (".pptx",), powerpoint.read, binary=True, member=powerpoint.MEMBER),
    Kind("OpenDocument", (".odt", ".odp", ".ods"), opendocument.read, binary=True, member=opendocument.MEMBER),
    Kind("RTF", (".rtf",), rtf.read, binary=True, starts=rtf.starts_rtf),
    Kind("EPUB", (".epub",), epub.read, binary=True, member=epub.MEMBER),
    Kind("e-mail", (".eml",), mail.read_message),
    Kind("mailbox", (".mbox",), mail.read_mailbox, many=True, starts=mail.starts_mailbox),
    Kind("CSV", (".csv", ".tsv"), rows.read_csv, many=True),
    Kind("JSON lines", (".jsonl", ".ndjson"), rows.read_jsonl, many=True),
    Kind("JSON", (".json",), rows.read_json),
    Kind("feed", (".rss", ".atom", ".xml"), feed.read, starts=feed.starts_feed),
    Kind("zip", (".zip",), zip_archive.read, many=True, binary=True, starts=zip_archive.starts_zip),
)
SUFFIXES = tuple(suffix for kind in KINDS for suffix in kind.suffixes)
_BY_NAME = {kind.name: kind for kind in KINDS}
_BY_SUFFIX = {suffix: kind for kind in KINDS for suffix in kind.suffixes}
_STRANGERS = (
    (
        b"\xd0\xcf\x11\xe0",
        "an old Office file (.doc, .xls), a mail of Outlook (.msg) or locked; save it as .docx, .eml or text, unlocked",
    ),
    (b"\x89PNG", "a picture; add its text"),
    (b"\xff\xd8\xff", "a picture; add its text"),
    (b"GIF8", "a picture; add its text"),
    (b"\x1f\x8b", "packed with gzip; unpack it"),
    (b"BZh", "packed with bzip2; unpack it"),
    (b"7z\xbc\xaf", "packed with 7-Zip; unpack it"),
    (b"Rar!", "packed with RAR; unpack it"),
    (b"\xfd7zXZ", "packed with xz; unpack it"),
    (b"SQLite format 3", "a database; export its articles as CSV"),
)
_HEAD = 4096
_PLAIN = (".txt", ".md", ".markdown", "")


def find_kind(file: Input) -> tuple[Kind, str]:
    """Return the kind of a file by its first bytes, else by its name, and a remark if the two do not agree.

    Raises:
        DocumentError: The file is empty, broken or of an unsupported format; the message says which.
    """
    file.file.seek(0)
    head = file.file.read(_HEAD)
    if not head:
        raise DocumentError(f"{file.source} is empty; remove it or fill it")
    if not head.strip(b"\0"):
        raise DocumentError(f"{file.source} holds nothing but NUL bytes at its start; get it again")
    match = re.search(r"\.\w{1,10}\Z", file.source)
    suffix = match[0].lower() if match else ""
    named = _BY_SUFFIX.get(suffix)
    for mark, what in _STRANGERS:
        if head.startswith(mark):
            raise DocumentError(f"{file.source} is {what}")
    found = _by_content(file, head, suffix)
    if found is None and named and named.binary and head.strip(b"\0 \r\n\t"):
        raise DocumentError(f"{file.source} is no {named.name} file, or its start is missing; get it again")
    kind = found or named or _BY_NAME["text"]
    remark = f"read as {kind.name}, which it is, and not as its name says" if named and kind is not named else ""
    return kind, remark


def _by_content(file: Input, head: bytes, suffix: str) -> Kind | None:
    for kind in sorted(KINDS, key=lambda kind: not kind.binary):
        if suffix in _PLAIN and not kind.binary:
            break  # a text file that starts with markup is still text
        if kind.starts and kind.starts(head, suffix):
            return _packed(file, suffix) or kind if kind.name == "zip" else kind
    return None


def _packed(file: Input, suffix: str) -> Kind | None:
    """Return which of the formats packed as zip archives a file has, or None for a plain archive."""
    packed = [kind for kind in KINDS if kind.member]
    try:
        members = zip_archive.Archive(file).members
    except DocumentError:
        # The reader will report what is wrong with it.
        return next((kind for kind in packed if suffix in kind.suffixes), None)
    return next((kind for kind in packed if kind.member in members), None)
