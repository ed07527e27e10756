"""Tell an article's prose from captions and page furniture, judging each block (a paragraph or line) by its words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from enum import Enum

from rag.load.heading import is_heading_line
from rag.types import Span

_HEADLINE_WORDS = 16
_SUBHEAD_WORDS = 4
_HEADING_CHARS = 120
_LIST_LINES = 3  # a heading and its subheading are two
_CAPTION_CHARS = 40  # a shorter caption only names what the picture shows
_MOST = 0.75  # of a title's words have capitals, even where a short verb has none
_VERB_CHARS = 3
_TOLD_WORDS = 3  # a sentence has at least so many words in lower case, a name or a label has not

_AGENCIES = r"(?:Reuters|AFP|AP|EPA|Getty(?: Images)?|Associated Press|Bloomberg|Xinhua|DPA|ANSA|EFE|TASS|PA|UPI)"
_PHOTO = re.compile(
    r"(?i)\(?\s*(?:file\s+)?(?:photo|image|picture|video|graphic|illustration)s?"
    r"(?:\s+(?:by|credit|courtesy)\b.*|\s*[:/].*)"
)
# "Read more: TITLE", "Source: NAME". What tells something after such a label ("Also: tickets cost 12 euros, she said.")
# is prose.
_LABELLED = re.compile(
    r"""(?xi)
    (?:read|see|also|watch|listen|related|more|recommended)
      (?:\s+(?:more|also|now|read|here|next|stor(?:y|ies)|coverage|articles?|on|from|about\s+this))*\s*[:>»|].*
    | \(?(?:sources?|via|credits?|tags?|topics|category|published|updated|last\ updated|posted)\s*:.*
    """
)
_FURNITURE = re.compile(
    r"""(?xi)
    (?:don't\ miss|click\ here|follow\ us|sign\ up|subscribe)
      (?:\s+(?:more|also|now|read|here|next|stor(?:y|ies)|coverage|articles?|on|from|about\s+this))*\s*[:>»|].*
    | \(?(?:copyright\s*[:©]|©).*
    | \(?c\)\s*\d{4}\b.*
    | advertisement
    """
)
_BYLINE = re.compile(
    r"By\s+[A-Z][\w.'’-]+(?:\s+(?:and|&|[A-Z][\w.'’-]*|d[aeiou]|d[aeo]s|de[lnr]|l[ae]|al|bin|el|ten|ter|v[ao]n|y),?){1,9}(?:\s*[|/,].{0,60})?$"
)
_AGENCY_LINE = re.compile(rf"[(\[—–-]*\s*{_AGENCIES}(?:\s*[/,&]\s*{_AGENCIES})*\s*[)\]]*")
# "[Jo Lie/Reuters]", "(File photo)", "(AFP)", "/AFP"; but not the unit "[km/h]".
_CREDIT_AT_END = re.compile(
    r"(?:\[(?=[^\[\]]*[A-Z])[^\[\]]{2,80}[/|]\s*[A-Z][^\[\]]{1,60}\]|[(\[](?i:file|photo|image)\b[^()\[\]]{0,80}[)\]]"
    rf"|(?<![.!?\"”’'])\s[(\[](?i:{_AGENCIES})[^()\[\]]{{0,40}}[)\]]|/(?i:{_AGENCIES}))\s*$"
)
_CAPTION_WORDS = re.compile(
    r",\s*(?:left|right|centre|center|second from (?:left|right)|pictured)\s*,|\((?:L|R|C|pictured)\)"
)
# "Valley Courier, 14 March 2024", "Tuesday, March 14, 2024"
_DATE_LINE = re.compile(
    r"(?:[^\d.!?:;]{2,60}[,|–—-]\s*)?(?:\d{1,2}\.?\s+[^\W\d_]+\.?,?\s+\d{4}|[^\W\d_]+\.?\s+\d{1,2},\s+\d{4}|\d{4}-\d\d-\d\d)"
)
_HEAD = 4  # blocks in which the date line is looked for
_FULL_DATE = re.compile(r"\bon [A-Z][a-z]+\.? \d{1,2}, \d{4}\b|\b\d{1,2} [A-Z][a-z]+ \d{4}\b")
_FULL_STOPS = tuple(".!?…。！？؟۔।॥။።։")
_TERMINAL = (*_FULL_STOPS, *":;：；")
_CLOSERS = "\"'”’»)]}*_ 」』）】"
_LIST_ITEM = re.compile(r"[-*•◦▪‣·–—]|\(?\w{1,3}[.)]\s")
_TABLE_ROW = re.compile(r"[^|]+\|[^|]+")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_LOWER_WORD = re.compile(r"(?<!\w)[^\W\d_A-Z]\w{2,}")
# Words that titles in capitals leave in lower case: "The Mayor of Tessin at the Gate".
_SMALL_WORDS = frozenset(
    "a an and as at but by for from in into nor of off on onto or over per the to up upon via vs with".split()
)
# Scripts written without spaces, with the letters that an average word has.
_UNSPACED = (
    (re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"), 2),
    (re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"), 5),
)


class BlockKind(Enum):
    """What a block of an article is."""

    PROSE = "prose"
    CAPTION = "caption"
    FURNITURE = "furniture"


def kinds_of(text: str, blocks: Sequence[Span], title: str = "") -> list[BlockKind]:
    """Return for each block whether it is prose of the article, a picture's caption, or page furniture.

    Args:
        text: The article.
        blocks: Its paragraphs and lines, in order.
        title: Its title, if known: then a first line that is not the title can be an opening without a full stop.
    """
    contents = [text[span.start : span.end].strip() for span in blocks]
    kinds = [kind_of(content) for content in contents]
    _mark_captions(text, blocks, contents, kinds)
    if len(blocks) > 1 and _is_headline(contents[0], title):
        kinds[0] = BlockKind.FURNITURE  # the article below says it in full
    for index, content in enumerate(contents[:_HEAD]):
        if len(blocks) > 1 and (_DATE_LINE.fullmatch(content) or is_heading_line(content)):
            kinds[index] = BlockKind.FURNITURE
    _mark_headings(contents, kinds)
    captions: set[str] = set()
    for index, content in enumerate(contents):
        if kinds[index] is BlockKind.CAPTION:
            # A caption is kept once, however often the page repeats it; one of a few words says nothing.
            if content in captions or (len(content) < _CAPTION_CHARS and not _ends_with(content, _FULL_STOPS)):
                kinds[index] = BlockKind.FURNITURE
            captions.add(content)
    return kinds


def kind_of(content: str) -> BlockKind:
    """Return the kind of a block, judged by its words alone."""
    if len(content) > 500:
        return BlockKind.PROSE
    tells = _tells(content)
    if _FURNITURE.fullmatch(content) or _AGENCY_LINE.fullmatch(content):
        return BlockKind.FURNITURE
    if _PHOTO.fullmatch(content):
        return BlockKind.CAPTION if tells else BlockKind.FURNITURE
    if not tells and (_LABELLED.fullmatch(content) or _BYLINE.fullmatch(content)):
        return BlockKind.FURNITURE
    placed = re.search(r"\b(?:during|at|in|on|outside|before)\b", content)
    if credit_at_end(content, 0, len(content)) or (_CAPTION_WORDS.search(content) and placed):
        return BlockKind.CAPTION
    return BlockKind.PROSE


def credit_at_end(text: str, start: int, end: int) -> int:
    """Return where the credit begins that ends a caption, or 0 if it has none."""
    found = _CREDIT_AT_END.search(text, start, end)
    return found.start() if found else 0


def ends_sentence(content: str) -> bool:
    """Return whether a line ends as a sentence does, or introduces what follows."""
    return _ends_with(content, _TERMINAL)


def is_list_item(content: str) -> bool:
    """Return whether a line starts with the mark or number of a list."""
    return bool(_LIST_ITEM.match(content))


def _ends_with(content: str, marks: tuple[str, ...]) -> bool:
    return content.rstrip(_CLOSERS).endswith(marks)


def _tells(content: str) -> bool:
    """Return whether a line is a statement, unlike a title or a list of names."""
    return _ends_with(content, tuple(".!。！؟۔।")) and len(_LOWER_WORD.findall(content)) >= _TOLD_WORDS


def _mark_captions(text: str, blocks: Sequence[Span], contents: Sequence[str], kinds: list[BlockKind]) -> None:
    """Mark as a caption what is on the line directly before an agency's name or directly after a photo credit."""
    credits = [
        index
        for index, content in enumerate(contents)
        if kinds[index] is BlockKind.FURNITURE and (_PHOTO.fullmatch(content) or _AGENCY_LINE.fullmatch(content))
    ]
    for index in credits:
        for near in (index - 1, index + 1):
            if 0 < near < len(blocks) and _touch(text, blocks, index, near) and _looks_like_caption(contents[near]):
                kinds[near] = BlockKind.CAPTION


def _touch(text: str, blocks: Sequence[Span], a: int, b: int) -> bool:
    first, second = sorted((a, b))
    return len(text[blocks[first].end : blocks[second].start].splitlines()) <= 1


def _looks_like_caption(content: str) -> bool:
    return len(content) < 400 and bool(
        _CAPTION_WORDS.search(content) or _FULL_DATE.search(content) or not ends_sentence(content)
    )


def _is_headline(content: str, title: str) -> bool:
    """Return whether an article's first block is its headline, and not an opening that lacks its full stop."""
    if ends_sentence(content) or _words(content) > _HEADLINE_WORDS or is_list_item(content):
        return False
    said, known = (" ".join(part.lstrip("#").split()).casefold() for part in (content, title))
    return not known or said in known or known in said or _is_short(content) or _is_title_case(content)


def _mark_headings(contents: Sequence[str], kinds: list[BlockKind]) -> None:
    """Mark the headings between paragraphs, but not the short lines of a list: introduced, or many in a row."""
    short = [kind is BlockKind.PROSE and _is_short(content) for content, kind in zip(contents, kinds, strict=True)]
    start = 0
    for is_short, group in itertools.groupby(short):
        end = start + len(list(group))
        is_list = end - start >= _LIST_LINES or (start > 0 and contents[start - 1].endswith((":", "：")))
        for index in range(max(start, 1), end):
            is_heading = _is_title_case(contents[index]) or (is_short and not is_list)
            if is_heading and kinds[index] is BlockKind.PROSE:
                kinds[index] = BlockKind.FURNITURE
        start = end


def _is_short(content: str) -> bool:
    return _may_be_heading(content) and _words(content) <= _SUBHEAD_WORDS


def _is_title_case(content: str) -> bool:
    """Return whether a line has capitals as English titles do: all words but small ones."""
    tokens = [token.strip("'\"“”‘’()[],") for token in content.lstrip("# ").split()]
    capitals = sum(token[:1].isupper() for token in tokens)
    lower = [token for token in tokens if token[:1].islower() and token not in _SMALL_WORDS]
    careless = capitals >= _MOST * len(tokens) and all(
        len(token) <= _VERB_CHARS for token in lower
    )  # "Talks was Brief"
    return (
        _may_be_heading(content)
        and _SUBHEAD_WORDS < len(tokens) <= _HEADLINE_WORDS
        and capitals > 2
        and (careless or not lower)
    )


def _may_be_heading(content: str) -> bool:
    """Return whether a line is unpunctuated and without what lists, tables and scores have."""
    content = content.lstrip("# ")
    return (
        len(content) <= _HEADING_CHARS
        and any(c.isalpha() for c in content)
        and not ends_sentence(content)
        and ": " not in content
        and "：" not in content
        and not is_list_item(content)
        and not _TABLE_ROW.search(content)
        and len(_FIGURE.findall(content)) <= 1
    )


def _words(content: str) -> float:
    """Return how many words a line has, also in scripts that do not divide them."""
    count = 0.0
    for letters, each in _UNSPACED:
        content, found = letters.subn(" ", content)
        count += found / each
    return count + sum(any(c.isalnum() for c in token) for token in content.split())
