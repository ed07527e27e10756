"""Split text into sentences by the rules of its language."""

from __future__ import annotations

import re

import sentencex

_SPACE = re.compile(r"[^\S\n]|[\ud800-\udfff]")
# "May." and "no." are abbreviations before a number, but before a capital they end a sentence.
_LOST_BOUNDARY = re.compile(r"(?:(?<=\bMay\. )|(?<=\bno\. ))(?=[A-Z“\"])")

# What the splitter takes for the end of a sentence, in texts of any language that has such words: the end of the text
# before the boundary, and the start of the text after it.
_TITLES = (
    r"Mrs?|Ms|Mx|MM?|Mmes?|Mlles?|Drs?|Dra|Prof|Profa|Sen|Rep|Gov|Gen|Col|Lt|Sgt|Capt|Cmdr|Rev|Hon|Sr|Sra|Srta|Ing"
    r"|Dipl|Dhr|Mevr|Sig|Dott|Avv|St|Ste|Ft|Mt|Av|Avda|Gral|Hl"
)
# Titles that are other words elsewhere.
_TITLES_OF = {"es": re.compile(r"\b(?:D|Dª|Dña|Dn)\.\s*$")}
_BEFORE_NUMBER = (
    r"approx|aprox|appr|ca|cca|circa|env|arts?|no|nr|núm|num|č|pp?|pág|pag|fig|vol|cap|abs|ok|max|min|tel"
    r"|janv|févr|avr|juil|juill|sept|oct|nov|déc"
)
_MONTH = (
    r"Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec|January|February|March|April|August|September|October"
    r"|November|December"
)
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_ZONE = r"[A-Z]{2,4}|Eastern|Central|Mountain|Pacific|Greenwich|local|GMT|UTC"
# Words before which a German "3." is an ordinal: "am 3. Oktober", "der 1. FC".
_DETERMINER = r"am|im|vom|zum|zur|beim|d(?:er|ie|as|em|en|es)|ein\w{0,2}|jede\w?|ihr\w{0,2}|sein\w{0,2}"
_JOINED = tuple(
    (re.compile(rf"(?:{end})\s*$"), re.compile(start))
    for end, start in (
        (rf"\b(?:{_TITLES})\.|(?<!\w)(?:д-р|г|ул|им|د|أ|م|डॉ|श्री|प्रो)\.", r"[^\W\d_]"),
        (rf"(?i:(?<!\w)(?:{_BEFORE_NUMBER}))\.", r"\d"),
        (r"(?<!\w)(?:approx|Mio|Mrd|Tsd)\.", r"[^\W\d_]"),  # what is counted follows: 25 Mio. Euro
        (r"\b[ap]\.\s?m\.", rf"(?:{_MONTH}|{_DAY}|{_ZONE})\b"),
        (r"\b[\w.]+-[^\W\d_]\.", r"[^\W\d_]"),  # R-W. Va., J.-P. Martin
        (r"\b(?:Prof|Dr)\. em\.", r"[^\W\d_]"),
        (r"\.", r"[,;)\-–]"),
    )
)
_ORDINAL = re.compile(rf"\b(?i:{_DETERMINER})\s\d{{1,3}}\.\s*$")
_QUOTE_GOES_ON = re.compile(r"[。！？][」』”’）]+$")
# Pieces are joined up to this length, and only their edges are read: a text of abbreviations alone must not take long.
_LONGEST, _EDGE = 2000, 80
_OPENING = " \t\"'“‘«„(["
_PARTICLE = re.compile(r"と|という|って|などと")


def split_sentences(text: str, language: str = "") -> list[str]:
    """Return the sentences of `text` with the white space that follows each; joined, they give `text` again.

    Args:
        text: Any text.
        language: Its ISO 639-1 code; unknown languages are split like English.
    """
    # The splitter fails on other kinds of space and on lone surrogates; a plain space in their place keeps every
    # length the same.
    pieces = list(sentencex.segment(language or "en", _SPACE.sub(" ", text)))
    lengths = [len(piece) for piece in pieces]
    if sum(lengths) != len(text):  # offsets are computed from the pieces, so their lengths must add up
        return [text]
    found: list[str] = []
    start = 0
    for length in lengths:
        piece = text[start : start + length]
        start += length
        if found and len(found[-1]) < _LONGEST and _goes_on(found[-1][:_EDGE], found[-1][-_EDGE:], piece, language):
            found[-1] += piece
        else:
            found.append(piece)
    return [part for piece in found for part in _LOST_BOUNDARY.split(piece) if part]


def _goes_on(head: str, before: str, after: str, language: str) -> bool:
    """Return whether two pieces belong to one sentence, by the first one's beginning and end and by the second."""
    if "\n" in before[len(before.rstrip()) :]:
        return False
    if language == "de" and _ORDINAL.search(before) and after[:1].isupper():
        return True
    if language in _TITLES_OF and _TITLES_OF[language].search(before) and after[:1].isupper():
        return True
    if language == "ja" and _QUOTE_GOES_ON.search(before) and _PARTICLE.match(after):
        return True
    if after[:1].islower() and before.rstrip().endswith(".") and not head.lstrip(_OPENING)[:1].islower():
        return True  # no sentence starts with a small letter, except where all do
    return any(end.search(before) and start.match(after) for end, start in _JOINED)
