"""Identify the language of an article, from what it declares or else from its text, and that of a question."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any

from rag.language.grammar import ENGLISH, function_words

_SURE = 0.9
_LEAST_LETTERS = 40  # a headline made of names is not enough evidence
_SAMPLES = (400, 2000)  # characters; the longer sample takes more time, so it is used only in doubt
_LETTER = re.compile(r"[^\W\d_]")
_THREE = (
    "ara:ar bul:bg ces:cs cze:cs dan:da deu:de ger:de ell:el gre:el eng:en est:et fin:fi fra:fr fre:fr heb:he hin:hi "
    "hrv:hr hun:hu ind:id ita:it jpn:ja kor:ko lav:lv lit:lt nld:nl dut:nl nor:no pol:pl por:pt ron:ro rum:ro rus:ru "
    "slk:sk slv:sl spa:es srp:sr swe:sv tha:th tur:tr ukr:uk urd:ur vie:vi zho:zh chi:zh"
)
_CODES = dict(entry.split(":") for entry in _THREE.split())
_VARIETIES = {"ary": "ar", "arz": "ar", "wuu": "zh", "yue": "zh"}
_lock = threading.Lock()
# Scripts that one language is written in, or mostly; an alphabet of several languages has the commonest one here.
_SCRIPTS = (
    ("ja", "\u3040-\u30ff"),
    ("ko", "\u3131-\u318e\uac00-\ud7a3"),
    ("zh", "\u3400-\u4dbf\u4e00-\u9fff"),
    ("th", "\u0e01-\u0e5b"),
    ("hi", "\u0900-\u097f"),
    ("he", "\u05d0-\u05ea"),
    ("el", "\u0370-\u03ff"),
    ("uk", "іїєґІЇЄҐ"),
    ("ru", "\u0400-\u04ff"),
    ("fa", "پچژگ"),
    ("ar", "\u0621-\u06ff"),
)
_OWN_SCRIPT = frozenset("ja ko zh th el".split())  # nothing else is written in these
_IN_SCRIPT = tuple((name, re.compile(f"[{letters}]")) for name, letters in _SCRIPTS)
_LATIN = "ca cs da de es et fi fr hr hu id it lt lv nl no pl pt ro sk sl sv tr vi".split()
_WORD = re.compile(r"[^\W\d_]+")
# Languages that are easily taken for one another in a line of text.
_NEAR = tuple(
    frozenset(group.split())
    for group in (
        "da nb nn no sv",
        "cs sk",
        "bs hr sl sr",
        "ca es gl pt",
        "id ms",
        "af nl",
        "be bg mk ru sr uk",
        "ar fa ur",
        "hi mr ne",
        "ja zh",
    )
)
_NAMES = {
    "ar": "Arabic",
    "bg": "Bulgarian",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sr": "Serbian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}


def code(declared: str) -> str:
    """Return the ISO 639-1 code of a declared language such as `en-GB` or `eng`; empty when there is none."""
    match = re.match(r"([A-Za-z]{2,3})(?:[-_]|$)", declared.strip())
    if not match:
        return ""
    primary = match[1].lower()
    return primary if len(primary) == 2 else _CODES.get(primary, "")


def detect(text: str) -> str:
    """Return the ISO 639-1 code of the language a text is in; empty unless it is clear."""
    for size in _SAMPLES:
        # The middle of an article is usually prose, even if it starts with a list of names.
        start = max(0, (len(text) - size) // 2)
        sample = text[start : start + size]
        if len(_LETTER.findall(sample)) < _LEAST_LETTERS:
            return ""
        if (script := _script(sample)) in _OWN_SCRIPT:
            return script
        with _lock:  # loading takes half a second, once
            found, probability = _likeliest(sample)
        if probability >= _SURE or size >= len(text):
            break
    return found if probability >= _SURE and len(found) == 2 else ""


@lru_cache(maxsize=4096)
def detect_short(line: str) -> str:
    """Return the ISO 639-1 code of a question's or sentence's language; empty unless its script or words make it clear.

    A line is too short for the statistics of `detect`, but most lines have function words.
    """
    if script := _script(line):
        return script
    said = [word.casefold() for word in _WORD.findall(line)]
    english = sum(word in function_words(ENGLISH) for word in said)
    counts = {name: sum(word in function_words(name) for word in said) for name in _LATIN}
    most = max(counts.values())
    if not said or most <= english or most < 2:
        return ENGLISH if english >= 2 and english >= most else ""
    best = [name for name in _LATIN if counts[name] == most]
    if len(best) == 1:
        return best[0]
    with _lock:
        return _likeliest(line, best)[0]


def _script(text: str) -> str:
    """Return the language that most letters of a text belong to by their script; empty for Latin and other scripts."""
    if text.isascii():
        return ""
    written = {name: len(script.findall(text)) for name, script in _IN_SCRIPT}
    if 2 * sum(written.values()) <= len(_LETTER.findall(text)):
        return ""
    # Japanese, Ukrainian and Persian share a script with another language, but have letters of their own.
    own = next((name for name in ("ja", "uk", "fa") if written[name]), "")
    return own or max(written, key=written.__getitem__)


def _likeliest(text: str, among: Collection[str] = ()) -> tuple[str, float]:
    """Return the likeliest language, of some or of all, with its probability; a variety counts for its language."""
    found: Counter[str] = Counter()
    for name, probability in _identifier().rank(text):
        found[_VARIETIES.get(name, name)] += probability
    return max(((name, found[name]) for name in among or found), key=lambda entry: entry[1])


def near(one: str, other: str) -> bool:
    """Return whether two languages are the same or are easily taken for one another in a line of text."""
    return one == other or any({one, other} <= group for group in _NEAR)


def name(language: str) -> str:
    """Return the English name of a language by its ISO 639-1 code, or the code itself."""
    return _NAMES.get(language, language)


@cache
def _identifier() -> Any:
    # Imported here because the model is several megabytes and only reading files needs it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
