"""The input and output types of all format readers, and the limits that apply to every format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from rag.errors import DocumentError
from rag.language.characters import usual
from rag.types import Note

MAX_BYTES = 50_000_000  # for one article; a file of many may be larger
MAX_UNPACKED = 20_000_000_000  # bytes that the archives in one file may unpack to in total
MAX_RATIO = 100  # text compresses to a tenth, tables of figures to a thirtieth
_FREE_UNPACKED = 50_000_000  # below this the ratio is not checked: a small file may be all blanks
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class BombError(DocumentError):
    """An archive unpacks to more than is reasonable; nothing more of the file is read."""


class Budget:
    """How many bytes the archives in one file may still unpack to, whatever sizes they declare."""

    def __init__(self, packed: int) -> None:
        self._left = min(MAX_UNPACKED, max(_FREE_UNPACKED, MAX_RATIO * packed))

    def take(self, count: int, source: str) -> None:
        """Count `count` unpacked bytes.

        Raises:
            BombError: That is more than was left.
        """
        self._left -= count
        if self._left < 0:
            raise BombError(
                f"{source} unpacks to more than {MAX_RATIO} times its size or {MAX_UNPACKED // 10**9} GB "
                "(a zip bomb?); unpack it and add the articles"
            )


@dataclass(frozen=True)
class Input:
    """A file to read: on disk, uploaded, or a member of an archive.

    `source` is its name in citations and messages. `member` is its name inside the archive it came from, empty if it
    came from none. `file` is binary and seekable.
    """

    source: str
    file: BinaryIO
    budget: Budget
    columns: Mapping[str, str] | None = None
    member: str = ""
    depth: int = 0

    def read(self, limit: int = 0) -> bytes:
        """Return the whole content.

        Raises:
            DocumentError: The file is empty or larger than `limit` bytes (`MAX_BYTES` when left out).
        """
        limit = limit or MAX_BYTES
        self.file.seek(0)
        raw = self.file.read(limit + 1)
        if len(raw) > limit:
            raise DocumentError(f"{self.source} is larger than {limit // 1_000_000} MB; split it into articles")
        if not raw:
            raise DocumentError(f"{self.source} is empty; remove it or fill it")
        return raw

    def part(self, member: str, file: BinaryIO) -> Input:
        """Return a file that this one contains."""
        return Input(f"{self.source}!/{member}", file, self.budget, self.columns, member, self.depth + 1)


@dataclass(frozen=True)
class Article:
    """An article as a format's reader returns it. Fields that the file does not give are empty.

    `text` is kept unchanged. `member` identifies the article among several in a file. `date` and `language` are as
    declared; `rag.language.dates` and `rag.language.identify` interpret them. A date of None means that the reader has
    looked at what the text says too, and is not sure.
    """

    text: str = field(repr=False)
    title: str = ""
    date: str | datetime | None = ""
    author: str = ""
    publisher: str = ""
    language: str = ""
    url: str = ""
    member: str = ""


# A reader yields articles, notes (a part that failed, or how something was read), and files inside to be read in turn.
Reader = Callable[[Input], Iterator[Article | Note | Input]]


def clean(text: str) -> str:
    """Clean extracted text: line feeds only, no control characters, the others as `usual`, at most one blank line."""
    text = usual(_NO_TEXT.sub("", _LINE_ENDS.sub("\n", _SURROGATE.sub("\ufffd", text))))
    text = "\n".join(line.rstrip(" \t\u00a0") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def one_line(text: object) -> str:
    """Return a metadata value as a single line of bounded length, or an empty string if it is not text."""
    return " ".join(clean(text[:5000]).split())[:1000] if isinstance(text, str) else ""
