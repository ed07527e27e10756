"""PDF: its paragraphs, with words that were divided at the ends of lines put together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rag.errors import DocumentError
from rag.formats import worker
from rag.formats.article import Article, Input, clean, one_line
from rag.types import Note

_NO_TITLE = re.compile(
    r"(?:microsoft \w+ - .*|untitled.*|.*\.(?:docx?|indd|pdf|qxd|tex|dvi|rtf|html?|pages|odt))", re.I
)
# What words with a hyphen of their own begin with.
_COMPOUND = frozenset(
    "all anti cross deep double eight ex far fast five four full half hard high ill left long low mid multi nine non "
    "old one open post pre quasi right second self semi seven short six ten third three top two vice well".split()
)
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def read(file: Input) -> Iterator[Article | Note]:
    """Yield the article of a PDF."""
    said = worker.call("pdf", file.read(), file.source)
    text = clean("\n\n".join(_paragraphs(said["blocks"])))
    if not text:
        raise DocumentError(f"{file.source} holds no text (a scan?); run text recognition over it")
    if said["bad"]:
        yield Note(file.source, f"{said['bad']} of its pages are broken and were not read")
    meta = said["meta"]
    title = one_line(meta.get("Title"))
    yield Article(
        text=text,
        title="" if _NO_TITLE.fullmatch(title) else title,
        date=one_line(meta.get("CreationDate")),
        author=one_line(meta.get("Author")),
    )


def _paragraphs(blocks: list[list[str]]) -> Iterator[str]:
    """Yield each block of lines as one, words that were divided at a line's end put together where that is safe."""
    known = Counter(word for lines in blocks for word in _whole_words(lines))
    for lines in blocks:
        text = ""
        for line in filter(None, (" ".join(line.split()) for line in lines)):
            text = _joined(text, line, known) if text else line
        yield text


def _whole_words(lines: list[str]) -> Iterator[str]:
    divided = False
    for line in lines:
        words = _WORD.findall(line)
        first, divided = divided, line.rstrip().endswith("-")
        yield from words[first : len(words) - divided]


def _joined(text: str, line: str, known: Counter[str]) -> str:
    if text.endswith("\u00ad"):  # a hyphen that says of itself that it only divides
        return text[:-1] + line
    before, after = re.search(r"[^\W\d_]+(?:-[^\W\d_]+)*-\Z", text), _WORD.match(line)
    if not before or not after or not after[0][0].islower():
        return f"{text} {line}"
    first, second = before[0][:-1], after[0]
    if not known[first + second] and (
        known[f"{first}-{second}"] or first.lower() in _COMPOUND or (known[first] and known[second])
    ):
        return text + line
    return text[:-1] + line
