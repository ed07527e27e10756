"""Join pieces of HTML and of an article's text, with the cited sentence in a `<mark>` wherever it is shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from itertools import islice

_RIGHT_TO_LEFT = ("R", "AL")
_SHARE = 0.3  # of the letters; an Arabic article begins with "(AFP)" and names people in Latin letters
_LOOKED_AT = 400  # letters


@dataclass(frozen=True)
class Words:
    """Text that is shown for `text[start:end]` of an article: the same characters, or others that mean the same.

    It has no place where `start` is negative, and is never marked then.
    """

    text: str
    start: int
    end: int


Piece = str | Words  # a `str` is HTML


def joined(pieces: Iterable[Piece], start: int = 0, end: int = 0) -> str:
    """Return pieces as HTML, their words escaped; what lies within `[start, end)` is marked.

    No mark reaches across HTML of the pieces, so a sentence with bold words has several.
    """
    parts: list[str] = []
    marking = False
    for piece in pieces:
        if isinstance(piece, str):
            parts += ["</mark>", piece] if marking else [piece]
            marking = False
            continue
        for text, inside in _split(piece, start, end):
            if inside != marking:
                parts.append('<mark tabindex="-1">' if inside else "</mark>")
                marking = inside
            parts.append(escape(text))
    return "".join([*parts, "</mark>"] if marking else parts)


def direction(text: str) -> str:
    """Return the value for `dir` of a text: `rtl` where a good part of its letters runs from right to left."""
    kinds = [unicodedata.bidirectional(letter) for letter in islice(filter(str.isalpha, text), _LOOKED_AT)]
    right_to_left = sum(kind in _RIGHT_TO_LEFT for kind in kinds)
    return "rtl" if right_to_left > _SHARE * len(kinds) else "ltr"


def _split(words: Words, start: int, end: int) -> list[tuple[str, bool]]:
    """Return the parts of some words before, within and after `[start, end)`, without empty ones."""
    text = words.text
    if len(text) != words.end - words.start:  # other characters: all or nothing
        return [(text, words.start >= 0 and start < words.end and words.start < end)] if text else []
    first = min(max(start - words.start, 0), len(text))
    last = min(max(end - words.start, first), len(text))
    if words.start < 0:
        first = last = 0
    parts = [(text[:first], False), (text[first:last], True), (text[last:], False)]
    return [part for part in parts if part[0]]
