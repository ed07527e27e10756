"""What every format's reader takes in and gives out, and the limits that hold for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from rag.errors import DocumentError
from rag.types import Note

MAX_BYTES = 50_000_000  # one article; a container of many may be larger
MAX_UNPACKED = 20_000_000_000  # what the archives in one file may unpack to, altogether
MAX_RATIO = 100  # text shrinks to a tenth, tables of figures to a thirtieth
_FREE_UNPACKED = 50_000_000  # below this no ratio is asked for: a small file may be all blanks
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\u00ad]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class BombError(DocumentError):
    """An archive unpacks to more than anyone means to store; nothing more of the file is read."""


class Budget:
    """How much the archives in one file may still unpack to, whatever they say of their sizes."""

    def __init__(self, packed: int) -> None:
        self._left = min(MAX_UNPACKED, max(_FREE_UNPACKED, MAX_RATIO * packed))

    def take(self, count: int, source: str) -> None:
        """Note that `count` bytes were unpacked.

        Raises:
            BombError: That is more than there was left.
        """
        self._left -= count
        if self._left < 0:
            raise BombError(
                f"{source} unpacks to more than {MAX_RATIO} times its size or {MAX_UNPACKED // 10**9} GB "
                "(a zip bomb?); unpack it and add the articles"
            )


@dataclass(frozen=True)
class Input:
    """A file to read, be it on disk, uploaded, or a member of an archive.

    `source` is its name in citations and messages; `member` the part of that name that stands in the archive it came
    from, empty outside of one. `file` is binary and can be rewound.
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
            DocumentError: It is empty or larger than `limit` bytes (`MAX_BYTES` when left out).
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
    """An article as a format gives it. What the format does not say is empty.

    `text` is kept as it is. `member` names it among several in a file. `date` is as declared, for `rag.language.dates`
    to understand; `language` as well, for `rag.language.identify`.
    """

    text: str = field(repr=False)
    title: str = ""
    date: str | datetime = ""
    author: str = ""
    publisher: str = ""
    language: str = ""
    url: str = ""
    member: str = ""


# An article, a part that failed or how something was read, or a file inside that is to be read in turn.
Reader = Callable[[Input], Iterator[Article | Note | Input]]


def clean(text: str) -> str:
    """Return a text taken out of a format: line feeds only, no characters that are none, at most one blank line."""
    text = _NO_TEXT.sub("", _LINE_ENDS.sub("\n", _SURROGATE.sub("\ufffd", text)))
    text = "\n".join(line.rstrip(" \t\u00a0") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def one_line(text: object) -> str:
    """Return a value of the metadata: a single line, whatever a format made of it."""
    return " ".join(clean(text[:5000]).split())[:1000] if isinstance(text, str) else ""
