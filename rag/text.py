"""Words as every stage sees them: one normalisation for the lexical index, term coverage and verification."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

_TOKEN = re.compile(
    r"(?:[^\W\d_]\.){2,}"  # U.S., D.C.
    r"|\d+(?:[.,]\d+)*"  # 3,000  2.7  19
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*"  # don't, Mexico's
)
_POSSESSIVE = re.compile(r"['’]s?$")
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "zero _ two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split()
    )
    if word != "_"  # "one" is a pronoun far more often than a number
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90"}

# Words that say nothing about what a question or sentence is about.
STOPWORDS = frozenset(
    """a about above after again against all also am an and any are as at be because been before being below between
    both but by can could did do does doing down during each few for from further had has have having he her here hers
    him himself his how i if in into is it its itself just let may me might more most much must my no nor not now of
    off on once one only or other our out over own same say says said she should so some such tell than that the their
    them then there these they this those through to too under until up upon us very was we were what when where
    whether which while who whom whose why will with would you your yes please according article articles exactly
    happened happen mentioned mention many get got give many name describe described anyone someone something anything
    ever there's don't doesn't didn't isn't wasn't""".split()
)
_STOP_UNLESS_UPPER = frozenset({"us", "it", "may", "will"})  # US, IT, May and Will are names

_stemmer = snowballstemmer.stemmer("english")


def fold(text: str) -> str:
    """Return `text` without accents and case, with straight quotation marks, for comparing."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return bare.translate(_QUOTES).casefold()


_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-"})


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    return str(_stemmer.stemWord(word))


def _normal(token: str) -> str:
    if token[0].isdigit():
        return token.replace(",", "")
    word = _POSSESSIVE.sub("", fold(token)).replace(".", "")
    return _NUMBER_WORDS.get(word) or _stem(word)


def words(text: str) -> list[str]:
    """Return the words of `text` as they stand, in order: `"U.S. aid"` gives `["U.S.", "aid"]`."""
    return _TOKEN.findall(text)


def terms(text: str) -> list[str]:
    """Return the normalised, stemmed words of `text` in order, function words included (the index's view)."""
    return [term for token in _TOKEN.findall(text) if (term := _normal(token))]


def content_terms(text: str) -> list[str]:
    """Return the terms of `text` that carry content, in order, each once."""
    found: dict[str, None] = {}
    for token in _TOKEN.findall(text):
        low = fold(token)
        if low in STOPWORDS and not (low in _STOP_UNLESS_UPPER and token[0].isupper() and low == "us"):
            continue
        if term := _normal(token):
            found[term] = None
    return list(found)


def numbers(text: str) -> set[str]:
    """Return the numbers in `text`, written in digits: `"US $310 million"` gives `{"310"}`."""
    return {term for term in terms(text) if term[0].isdigit()}


def names(text: str) -> list[str]:
    """Return the terms of capitalised words and acronyms, except a sentence's first word when it is a common one.

    Without a part-of-speech tagger this is the evidence there is: it is used where a miss costs little.
    """
    found: dict[str, None] = {}
    first = True
    for match in _TOKEN.finditer(text):
        token = match.group()
        low = fold(token)
        common = low in STOPWORDS and low not in _STOP_UNLESS_UPPER
        starts = first or text[: match.start()].rstrip().endswith((".", "!", "?", ":", "“", '"'))
        if token[0].isupper() and not common and not (starts and low in _STOP_UNLESS_UPPER):
            found[_normal(token)] = None
        first = False
    return [term for term in found if term]
