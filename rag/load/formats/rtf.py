"""Read Rich Text Format (`.rtf`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.errors import DocumentError
from rag.load import worker
from rag.load.article import Article, Input, clean, one_line
from rag.load.tables import lines_of
from rag.types import Note

MARK = b"{\\rtf"
MAX_RTF = 20_000_000  # parsed as a whole
_INFO = r"\{\\%s\s([^{}\\]{1,500})\}"
_DATE = re.compile(r"\{\\creatim\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})")


def starts_rtf(head: bytes, suffix: str) -> bool:
    """Return whether a file with these first bytes is RTF, whatever its name."""
    return head.startswith(MARK)


def read(file: Input) -> Iterator[Article | Note]:
    """Yield the article of an RTF file."""
    yield from worker.read("rtf", file, MAX_RTF)


def parse(file: Input) -> Iterator[Article | Note]:
    """Yield the article of an RTF file; runs in the process of `rag.load.worker`."""
    from striprtf.striprtf import rtf_to_text

    raw = file.read(MAX_RTF).decode("latin-1")
    try:
        text = clean("\n\n".join(_blocks(rtf_to_text(raw, errors="replace"))))
    except MemoryError:
        raise
    except Exception as error:  # the library checks nothing
        raise DocumentError(f"{file.source} is a broken RTF file; open it and save it again") from error
    if not text:
        raise DocumentError(f"{file.source} holds no text (only pictures?); add its text")
    head = raw[:20_000]
    date = _DATE.search(head)
    yield Article(
        text=text,
        title=_said(head, "title"),
        author=_said(head, "author"),
        date="{}-{:0>2}-{:0>2}".format(*date.groups()) if date else "",
    )


def _said(head: str, name: str) -> str:
    found = re.search(_INFO % name, head)
    return one_line(found[1]) if found else ""


def _blocks(text: str) -> Iterator[str]:
    """Yield the paragraphs; the library ends cells with a bar, and a table's rows are lines of such cells."""
    rows: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        if line.count("|") > 1 and line.rstrip().endswith("|"):
            rows.append(line.rstrip().rstrip("|").split("|"))
            continue
        yield from lines_of(rows)
        rows = []
        yield line
