"""Read PDF files as paragraphs, rejoining words that were hyphenated at line ends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rag.errors import DocumentError
from rag.load import worker
from rag.load.article import Article, Input, clean, one_line
from rag.types import Note

_NO_TITLE = re.compile(
    r"(?:microsoft \w+ - .*|untitled.*|.*\.(?:docx?|indd|pdf|qxd|tex|dvi|rtf|html?|pages|odt))", re.I
)
_NO_AUTHOR = ("anonymous", "unknown", "author", "admin", "administrator", "user")  # what programs write by themselves
# First parts of compound words that are written with a hyphen.
_COMPOUND = frozenset(
    "all anti cross deep double eight ex far fast five four full half hard high ill left long low mid multi nine non "
    "old one open post pre quasi right second self semi seven short six ten third three top two vice well".split()
)
_WORD_CHARS = 60
_DIVIDED = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)-\Z")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def starts_pdf(head: bytes, suffix: str) -> bool:
    """Return whether a file with these first bytes is a PDF; with suffix `.pdf`, other bytes may precede the mark."""
    return head.startswith(b"%PDF-") or (suffix == ".pdf" and b"%PDF-" in head[:1024])


def read(file: Input) -> Iterator[Article | Note]:
    """Yield the article of a PDF."""
    said = worker.call("pdf", file.read(), file.source)
    text = clean("\n\n".join(_paragraphs(said["blocks"])))
    if not text:
        raise DocumentError(f"{file.source} holds no text (a scan?); run text recognition over it")
    if said["bad"]:
        yield Note(file.source, f"{said['bad']} of its pages are broken and were not read")
    meta = said["meta"]
    title, author = one_line(meta.get("Title")), one_line(meta.get("Author"))
    yield Article(
        text=text,
        title="" if _NO_TITLE.fullmatch(title) else title,
        date=one_line(meta.get("CreationDate")),
        author="" if author.lower() in _NO_AUTHOR else author,
    )


def _paragraphs(blocks: list[list[str]]) -> Iterator[str]:
    """Yield each block of lines as one paragraph, rejoining words hyphenated at line ends where that is safe."""
    known = Counter(word for lines in blocks for word in _whole_words(lines))
    for lines in blocks:
        parts: list[str] = []
        for line in filter(None, (" ".join(line.split()) for line in lines)):
            if parts:
                parts[-1:] = _joined(parts[-1], line, known)
            parts.append(line)
        yield "".join(parts)


def _whole_words(lines: list[str]) -> Iterator[str]:
    divided = False
    for line in lines:
        words = _WORD.findall(line)
        first, divided = divided, line.rstrip().endswith("-")
        yield from words[first : len(words) - divided]


def _joined(before: str, line: str, known: Counter[str]) -> tuple[str, str]:
    """Return the line `before` in the form that joins `line`, and what to put between them."""
    if before.endswith("\u00ad"):  # a soft hyphen is not part of the word
        return before[:-1], ""
    first, second = _DIVIDED.search(before[-_WORD_CHARS:]), _WORD.match(line)
    if not first or not second or not second[0][0].islower():
        return before, " "
    start, end = first[1], second[0]
    if not known[start + end] and (
        known[f"{start}-{end}"] or start.lower() in _COMPOUND or (known[start] and known[end])
    ):
        return before, ""
    return before[:-1], ""
