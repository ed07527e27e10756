"""Split `Document`s into `Chunk`s of whole sentences with their character spans, without page furniture.

Credits, teasers, bylines and source lines stay in the document, so that all offsets remain valid, but never become
evidence. Captions are evidence, but are kept apart from the prose around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise

from rag.language.sentences import split_sentences
from rag.types import Chunk, Document, Span

# Longer sentences are cut at a space: neither the embedding model nor the answer model would read all of one.
MAX_SENTENCE_CHARS = 1000
_HEADLINE_CHARS = 200
_CAPTION_CHARS = 40  # a shorter caption only names what the picture shows

_AGENCIES = r"(?:Reuters|AFP|AP|EPA|Getty(?: Images)?|Associated Press|Bloomberg|Xinhua|DPA|ANSA|EFE|TASS|PA|UPI)"
_FURNITURE = re.compile(
    r"""(?xi)
    \(?\s*(?:file\s+)?(?:photo|image|picture|video|graphic|illustration)s?(?:\s+(?:by|credit|courtesy)\b.*|\s*[:/].*)$
    | (?:read|see|also|watch|listen|related|more|recommended|don't\ miss|click\ here|follow\ us|sign\ up|subscribe)
      (?:\s+(?:more|also|now|read|here|next|stor(?:y|ies)|coverage|articles?|on|from|about\s+this))*\s*[:>»|].*
    | \(?(?:sources?|via|credits?|copyright|©|tags?|topics|category|published|updated|last\ updated|posted)\s*[:©].*
    | \(?(?:c\)|©)\s*\d{4}\b.*
    | advertisement
    """
)
_BYLINE = re.compile(
    r"By\s+[A-Z][\w.'’-]+(?:\s+(?:and|&|[A-Z][\w.'’-]*|de|da|van|von|al|bin),?){1,9}(?:\s*[|/,].{0,60})?$"
)
_AGENCY_LINE = re.compile(rf"[(\[—–-]*\s*{_AGENCIES}(?:\s*[/,&]\s*{_AGENCIES})*\s*[)\]]*")
_CREDIT_AT_END = re.compile(
    rf"(?:\[[^\[\]]{{2,80}}[/|][^\[\]]{{2,60}}\]|[(\[](?:file|photo|image)[^()\[\]]{{0,80}}[)\]]"
    rf"|(?<![.!?\"”’'])\s[(\[]{_AGENCIES}[^()\[\]]{{0,40}}[)\]]|/{_AGENCIES})\s*$",
    re.IGNORECASE,
)
_CAPTION_WORDS = re.compile(
    r",\s*(?:left|right|centre|center|second from (?:left|right)|pictured)\s*,|\((?:L|R|C|pictured)\)"
)
_FULL_DATE = re.compile(r"\bon [A-Z][a-z]+\.? \d{1,2}, \d{4}\b|\b\d{1,2} [A-Z][a-z]+ \d{4}\b")
_TERMINAL = tuple(".!?…。！？:;")
_CLOSERS = "\"'”’»)]}*_ "


class _Kind(Enum):
    PROSE = "prose"
    CAPTION = "caption"
    FURNITURE = "furniture"


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


def sentences(text: str, language: str = "") -> list[Span]:
    """Return the spans of the sentences in a text that may serve as evidence; `language` is its ISO 639-1 code."""
    return [sentence for block in _kept(text, language) for sentence in block]


def _kept(text: str, language: str) -> Iterator[list[Span]]:
    """Yield the sentences of each block that is not furniture, or of every block if all are furniture.

    A caption has an empty block before and after it.
    """
    blocks = list(_blocks(text))
    kinds = _kinds(text, blocks)
    if set(kinds) == {_Kind.FURNITURE}:
        kinds = [_Kind.PROSE] * len(blocks)  # it is all there is to cite
    for span, kind in zip(blocks, kinds, strict=True):
        if kind is _Kind.CAPTION:
            credit = _CREDIT_AT_END.search(text, span.start, span.end)
            yield []
            yield list(_sentences_in(text, Span(span.start, credit.start() if credit else span.end), language))
            yield []
        elif kind is _Kind.PROSE:
            yield list(_sentences_in(text, span, language))


def _runs(document: Document) -> Iterator[list[Span]]:
    """Yield runs of sentences that have nothing but white space between them."""
    run: list[Span] = []
    for block in _kept(document.text, document.language):
        if run and (not block or document.text[run[-1].end : block[0].start].strip()):
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
    wrapped = widest <= 100 and len(lines) > 2
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
    if _ends_sentence(content) or after.startswith(("-", "*", "•")) or {_kind(content), _kind(after)} != {_Kind.PROSE}:
        return False
    return after[:1].islower() or (wrapped and line.end - line.start >= 0.7 * widest)


def _kinds(text: str, blocks: list[Span]) -> list[_Kind]:
    """Return for each block whether it is prose of the article, a picture's caption, or page furniture."""
    contents = [text[span.start : span.end].strip() for span in blocks]
    kinds = [_kind(content) for content in contents]
    credits = [
        kind is _Kind.FURNITURE
        and bool(re.match(r"\(?\s*(?:photo|image|picture)\b", c, re.I) or _AGENCY_LINE.fullmatch(c))
        for c, kind in zip(contents, kinds, strict=True)
    ]
    for index, is_credit in enumerate(credits):
        if not is_credit:
            continue
        # A caption is on the line directly before an agency's name or directly after a photo credit.
        for near in (index - 1, index + 1):
            if 0 < near < len(blocks) and _touch(text, blocks, index, near) and _looks_like_caption(contents[near]):
                kinds[near] = _Kind.CAPTION
    if len(blocks) > 1 and not _ends_sentence(contents[0]) and len(contents[0]) <= _HEADLINE_CHARS:
        kinds[0] = _Kind.FURNITURE  # the headline: the article below says it in full
    captions: set[str] = set()
    for index, content in enumerate(contents):
        # A caption is kept once, however often the page repeats it; one of a few words says nothing.
        again = content in captions or (kinds[index] is _Kind.CAPTION and len(content) < _CAPTION_CHARS)
        if again or (index and kinds[index] is _Kind.PROSE and _is_heading(content)):
            kinds[index] = _Kind.FURNITURE
        if kinds[index] is _Kind.CAPTION:
            captions.add(content)
    return kinds


def _touch(text: str, blocks: list[Span], a: int, b: int) -> bool:
    first, second = sorted((a, b))
    return len(text[blocks[first].end : blocks[second].start].splitlines()) <= 1


def _looks_like_caption(content: str) -> bool:
    return len(content) < 400 and bool(
        _CAPTION_WORDS.search(content) or _FULL_DATE.search(content) or not _ends_sentence(content)
    )


def _kind(content: str) -> _Kind:
    """Return the kind of a block, judged by its words alone."""
    if len(content) <= 500:
        if _FURNITURE.fullmatch(content) or _BYLINE.fullmatch(content) or _AGENCY_LINE.fullmatch(content):
            return _Kind.FURNITURE
        placed = re.search(r"\b(?:during|at|in|on|outside|before)\b", content)
        if _CREDIT_AT_END.search(content) or (_CAPTION_WORDS.search(content) and placed):
            return _Kind.CAPTION
    return _Kind.PROSE


def _is_heading(content: str) -> bool:
    """Return whether a block is a headline: short, unpunctuated, not a list item, without figures such as a score."""
    content = content.lstrip("# ")
    tokens = content.split()
    if (
        not tokens
        or len(content) > 120
        or _ends_sentence(content)
        or ": " in content
        or len(re.findall(r"\d+", content)) > 1
    ):
        return False
    if content[0] in "-*•–—" or not any(c.isalpha() for c in content):
        return False
    capital = sum(
        token.lstrip("'\"“‘(")[:1].isupper() for token in tokens if len(token) > 3 or tokens.index(token) == 0
    )
    long = sum(len(token) > 3 for token in tokens) or 1
    return len(tokens) <= 4 or (len(tokens) <= 16 and capital >= 0.6 * long)


def _ends_sentence(content: str) -> bool:
    return content.rstrip(_CLOSERS).endswith(_TERMINAL)


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
