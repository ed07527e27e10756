"""Write characters in one way: composed accents, no ligatures, nothing that is not seen.

The same word may be written with other characters: `é` as one or as two, `fi` as a ligature, with a soft hyphen where a
line may break, or with marks of direction around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rag.types import Span

# A soft hyphen at the end of a line divides a word.
_HYPHENS = re.compile("\u00ad(?:[ \t]*\r?\n[ \t]*(?=[^\\W\\d_]))?")
_ALWAYS_UNSEEN = "\u034f\u180e\u2060-\u2064\ufeff"
# Joiners, spaces of no width and marks of direction.
_JOINERS = "\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069"
# What is written without them: Latin, Greek, Cyrillic, and the signs and spaces between words. Elsewhere they have
# a use: they shape Persian and Indian words, divide Thai ones, and join the parts of an emoji.
_WITHOUT = "\x00-\u058f\u1e00-\u200a\u2010-\u2029\u202f-\u205f\u20a0-\u20cf"
_UNSEEN = re.compile(f"[{_ALWAYS_UNSEEN}]|(?<![^{_WITHOUT}{_JOINERS}])[{_JOINERS}](?![^{_WITHOUT}{_JOINERS}])")
# Ligatures of Latin and Armenian, and the forms of Arabic letters within a word.
_LIGATURES = re.compile("[\ufb00-\ufb17\ufb50-\ufdfb\ufe70-\ufefc]")
_ODD = re.compile(f"[\u00ad{_ALWAYS_UNSEEN}{_JOINERS}\ufb00-\ufb17\ufb50-\ufdfb\ufe70-\ufefc]")  # most texts have none
# Marks that no letter has a composed form with, and that may be left out.
_MARKS = re.compile(
    f"[{_ALWAYS_UNSEEN}{_JOINERS}\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)


def usual(text: str) -> str:
    """Return a text with its characters as they are usually written, for reading.

    Accents are composed (NFC), ligatures are divided, and characters that are not seen are left out.
    """
    if text.isascii():
        return text
    if _ODD.search(text):
        text = _LIGATURES.sub(_divided, _UNSEEN.sub("", _HYPHENS.sub("", text)))
    return unicodedata.normalize("NFC", text)


def comparable(text: str) -> str:
    """Return a text in the form in which its words are compared: as `usual`, and without marks that may be left out."""
    text = usual(text)
    return text if text.isascii() else _MARKS.sub("", text)


def name_key(name: str) -> str:
    """Return the form in which names of files, people and papers are compared, ignoring case."""
    return comparable(name).casefold()


def usual_spans(text: str, spans: Sequence[Span]) -> tuple[str, list[Span]]:
    """Return a text as `usual`, and where these parts of it are there; the parts are in order and do not overlap."""
    if usual(text) == text:
        return text, list(spans)
    pieces: list[str] = []
    found: list[Span] = []
    end = length = 0
    for span in spans:
        before, inside = usual(text[end : span.start]), usual(text[span.start : span.end])
        pieces += [before, inside]
        found.append(Span(length + len(before), length + len(before) + len(inside)))
        end, length = span.end, found[-1].end
    return "".join([*pieces, usual(text[end:])]), found


def _divided(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0])
