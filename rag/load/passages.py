"""Split `Document`s into `Chunk`s of whole sentences with their character spans, without page furniture.

Credits, teasers, bylines and source lines stay in the document, so that all offsets remain valid, but never become
evidence. Captions are evidence, but are kept apart from the prose around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from rag.language.sentences import split_sentences
from rag.load.block_kinds import BlockKind, credit_at_end, ends_sentence, is_list_item, kind_of, kinds_of
from rag.types import Chunk, Document, Span

# Longer sentences are cut at a space: neither the embedding model nor the answer model would read all of one.
MAX_SENTENCE_CHARS = 1000
_NARROW, _WIDE = 40, 100  # how many characters lines of hard-wrapped text may have
_BULLET = re.compile(r"[-*•◦▪‣·]\s+(?=\S)")


def split(document: Document, size: int = 4) -> list[Chunk]:
    """Return the passages of a document, in order.

    Args:
        document: The article.
        size: The most sentences in a passage. No passage crosses a teaser or heading; each caption is its own passage.

    Returns:
        Chunks with `chunk.text == document.text[chunk.start:chunk.end]`; their sentences' spans do not overlap.
    """
    chunks: list[Chunk] = []
    for run in _runs(document):
        # Passages of even length read better than full ones and a short last one.
        count = -(-len(run) // size)
        bounds = [round(i * len(run) / count) for i in range(count + 1)]
        for first, last in pairwise(bounds):
            spans = tuple(run[first:last])
            start, end = spans[0].start, spans[-1].end
            chunk_id = f"{document.id[:32]}-{start}-{end}"
            chunks.append(Chunk(chunk_id, document.id, start, end, document.text[start:end], spans))
    return chunks


def sentences(text: str, title: str = "", language: str = "") -> list[Span]:
    """Return the spans of the sentences in a text that may serve as evidence.

    Args:
        text: The article.
        title: Its title, if known; it tells a headline from an opening that lacks its full stop.
        language: Its ISO 639-1 code, if known.
    """
    return [sentence for block in _kept(text, title, language) for sentence in block]


def _kept(text: str, title: str, language: str) -> list[list[Span]]:
    """Return the sentences of each block that is not furniture.

    A caption has an empty block before and after it. If nothing is left, what there is to cite is every block, even one
    without a letter.
    """
    blocks = list(_blocks(text))
    kept: list[list[Span]] = []
    for span, kind in zip(blocks, kinds_of(text, blocks, title), strict=True):
        if kind is BlockKind.CAPTION:
            said = Span(span.start, credit_at_end(text, span.start, span.end) or span.end)
            kept += [[], _told(text, said, language), []]
        elif kind is BlockKind.PROSE:
            kept.append(_told(text, span, language))
    for choose in (_told, _sentences_in):
        if any(kept):
            break
        kept = [list(choose(text, span, language)) for span in blocks]
    return kept


def _told(text: str, block: Span, language: str) -> list[Span]:
    """Return the sentences of a block; a list's bullets and numbers, dots and rules are none."""
    bullet = _BULLET.match(text, block.start, block.end)
    spans = _sentences_in(text, Span(bullet.end() if bullet else block.start, block.end), language)
    return [span for span in spans if _has_letter(text[span.start : span.end])]


def _has_letter(text: str) -> bool:
    return any(c.isalpha() for c in text)


def _runs(document: Document) -> Iterator[list[Span]]:
    """Yield runs of sentences that have no words between them."""
    run: list[Span] = []
    for block in _kept(document.text, document.title, document.language):
        if run and (not block or _has_letter(document.text[run[-1].end : block[0].start])):
            yield run
            run = []
        run += block
    if run:
        yield run


def _blocks(text: str) -> Iterator[Span]:
    """Yield the paragraphs: one per line, except that lines of hard-wrapped text are joined."""
    lines: list[Span] = []
    for match in re.finditer(r"[^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+", text):
        if text[match.start() : match.end()].strip():
            lines.append(Span(match.start(), match.end()))
    widest = max((span.end - span.start for span in lines), default=0)
    wrapped = _NARROW <= widest <= _WIDE and len(lines) > 2
    index = 0
    while index < len(lines):
        start, end = lines[index].start, lines[index].end
        while index + 1 < len(lines) and _continues(text, lines[index], lines[index + 1], wrapped, widest):
            index += 1
            end = lines[index].end
        yield Span(start, end)
        index += 1


def _continues(text: str, line: Span, following: Span, wrapped: bool, widest: int) -> bool:
    if text[line.end : following.start] not in ("\n", "\r\n", "\r"):
        return False
    content, after = (text[span.start : span.end].strip() for span in (line, following))
    if ends_sentence(content) or is_list_item(after) or {kind_of(content), kind_of(after)} != {BlockKind.PROSE}:
        return False
    return after[:1].islower() or (wrapped and line.end - line.start >= 0.7 * widest)


def _sentences_in(text: str, block: Span, language: str) -> Iterator[Span]:
    start = block.start
    for piece in split_sentences(text[block.start : block.end], language):
        yield from _cut(text, _strip(text, Span(start, start + len(piece))))
        start += len(piece)


def _strip(text: str, span: Span) -> Span:
    piece = text[span.start : span.end]
    start = span.start + len(piece) - len(piece.lstrip())
    return Span(start, max(start, span.end - (len(piece) - len(piece.rstrip()))))


def _cut(text: str, span: Span) -> Iterator[Span]:
    start = span.start
    while span.end - start > MAX_SENTENCE_CHARS:
        space = text.rfind(" ", start + MAX_SENTENCE_CHARS // 2, start + MAX_SENTENCE_CHARS)
        end = space if space > 0 else start + MAX_SENTENCE_CHARS
        yield _strip(text, Span(start, end))
        start = _strip(text, Span(end, span.end)).start
    if start < span.end:
        yield Span(start, span.end)
