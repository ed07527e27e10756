"""Split and normalise words in one way for every stage: lexical index, term coverage and verification."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import filterfalse

from rag.language.characters import comparable
from rag.language.common_words import SLIGHT as SLIGHT
from rag.language.common_words import STOPWORDS as STOPWORDS
from rag.language.grammar import ELIDING, ENGLISH, capitals_mark_names, function_words, stem
from rag.language.sentences import split_sentences as split_sentences
from rag.language.unspaced import EAST, SOUTH_EAST, content_pieces, pieces

VERSION = "3"  # changes whenever `terms` returns others for a text, so that older indexes are built again
_LETTER = rf"[^\W\d_{EAST}{SOUTH_EAST}]"
# Signs that belong to the letter before them, such as vowels in Hindi and Arabic, and the joiners of Persian and Hindi.
_MARKS = "".join(chr(c) for c in range(0x300, 0x1E00) if unicodedata.category(chr(c)) in ("Mn", "Mc")) + "\u200c\u200d"
_WORD = rf"(?:{_LETTER}[{_MARKS}]*)+"
_NAMED = (
    rf"(?:{_LETTER}(?:\.{_LETTER})+\b\.?|[A-Z]\.(?: [A-Z]\.)+)(?:['’]s\b)?"  # U.S., D.C, U. S.
    rf"|\d+(?:[.,٫٬]\d+)*"  # 3,000  2.7  19
)
_UNSPACED = re.compile(rf"[{EAST}{SOUTH_EAST}]+")
_TOKEN = re.compile(rf"{_NAMED}|{_WORD}(?:['’]{_WORD})*|{_UNSPACED.pattern}")  # don't, Mexico's
_ELIDED_TOKEN = re.compile(rf"{_NAMED}|{_WORD}|{_UNSPACED.pattern}")  # l'eau is two words
_JOINERS = re.compile("[\u200c\u200d]")
_STRAIGHT = str.maketrans({"’": "'", "‘": "'"})
_POSSESSIVE = re.compile(r"['’]s?$")
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "zero _ two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split()
    )
    if word != "_"  # "one" is a pronoun far more often than a number
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90"}

# "By Ada Kern, the Tessin Post", and "TESSIN, 4 May (Reuters) -".
_HEAD_CHARS, _BYLINE_CHARS = 800, 140
_BY = re.compile(r"(?:By|From|Published)\b|.*, \d{1,2} [A-Z][a-z]+(?: \d{4})?$")
_DATELINE = re.compile(r"\(([A-Z][\w .&-]{1,40})\)\s*[-–—]")
# Words that many bylines have and that do not identify a paper by themselves.
_ROLES = frozenset(
    """reporter reporters correspondent staff writer editor agency press news paper magazine issue published report
    local national international special science health business politics political economics sport sports world
    january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday""".split()
)

# Words in capitals that are not names.
_COMMON_CAPITALS = frozenset("A I AI CEO CFO CV DIY FAQ GDP HQ HR ID IT MP NGO OK PM PR TV VP".split())


def fold(text: str) -> str:
    """Return `text` without accents and case, with straight quotation marks, for comparing."""
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", comparable(text))
    bare = "".join(filterfalse(unicodedata.combining, decomposed))
    return bare.translate(_QUOTES).casefold()


_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "ʼ": "'"})


@lru_cache(maxsize=65536)
def _normal(token: str, language: str = ENGLISH) -> str:
    """Return a word, stemmed by the rules of its language, or a number in digits without separators of thousands."""
    if token[0].isdigit():
        return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in token.replace(",", ""))
    word = re.sub(r"[. ]", "", _POSSESSIVE.sub("", fold(token)))
    if language == ENGLISH:
        return _NUMBER_WORDS.get(word) or stem(word, ENGLISH)
    # These stemmers read accents: Spanish "-ción", German "ä".
    return fold(stem(_JOINERS.sub("", token.casefold().translate(_STRAIGHT)), language))


def _tokens(text: str, language: str) -> list[str]:
    return (_ELIDED_TOKEN if language in ELIDING else _TOKEN).findall(comparable(text))


def _normals(token: str, language: str) -> tuple[str, ...]:
    """Return the terms of a token: one for a word, several for a run of text without spaces."""
    if _UNSPACED.match(token):
        return pieces(token)
    return (normal,) if (normal := _normal(token, language)) else ()


def words(text: str) -> list[str]:
    """Return the words of `text` as `usual`, in order: `"U.S. aid"` gives `["U.S.", "aid"]`."""
    return _tokens(text, ENGLISH)


def terms(text: str, language: str = ENGLISH) -> list[str]:
    """Return the normalised, stemmed words of `text` in order, function words included (the index's view).

    Args:
        text: Any text.
        language: Its ISO 639-1 code; its stems and function words are used. Scripts without spaces need none.
    """
    return [term for token in _tokens(text, language or ENGLISH) for term in _normals(token, language or ENGLISH)]


def content_terms(text: str, language: str = ENGLISH) -> list[str]:
    """Return the terms of `text` that carry content, in order, each once; see `terms`."""
    return list(content_words(text, language))


def content_words(text: str, language: str = ENGLISH) -> dict[str, str]:
    """Return the terms of `text` that carry content, in order, each with the last word that it came from."""
    found: dict[str, str] = {}
    for token in _tokens(text, language or ENGLISH):
        found.update(dict.fromkeys(_content(token, language or ENGLISH), token))
    return found


@lru_cache(maxsize=65536)
def _content(token: str, language: str) -> tuple[str, ...]:
    """Return the terms of a token that carry content; none for function words."""
    if _UNSPACED.match(token):
        return content_pieces(token)
    return () if _is_function_word(token, language) else _normals(token, language)


def numbers(text: str) -> set[str]:
    """Return the numbers in `text`, written in digits: `"US $310 million"` gives `{"310"}`."""
    return {term for term in terms(text) if term[0].isdigit()}


def names(text: str, language: str = ENGLISH) -> list[str]:
    """Return the terms of the names in `text`: words with a capital that is not due to their position.

    A capital at the start of a sentence counts only where the next word has one too or a possessive follows. There are
    none in a language that writes every noun with a capital.
    """
    language = language or ENGLISH
    if not capitals_mark_names(language):
        return []
    text = comparable(text)
    found: dict[str, None] = {}
    matches = list((_ELIDED_TOKEN if language in ELIDING else _TOKEN).finditer(text))
    for index, match in enumerate(matches):
        token = match.group()
        if len(token) < 2 or not token[0].isupper() or token in _COMMON_CAPITALS or _is_function_word(token, language):
            continue  # one letter is not a name: A&E, plan B
        starts = index == 0 or text[: match.start()].rstrip(" \"'“‘(¿¡«").endswith((".", "!", "?", ":"))
        followed = index + 1 < len(matches) and matches[index + 1].group()[0].isupper()
        if not starts or followed or (token.isupper() and len(token) > 1) or _POSSESSIVE.search(token):
            found[_normal(token, language)] = None
    return [term for term in found if term]


def acronyms(text: str) -> list[str]:
    """Return the words of `text` in capitals that may stand for a name: `"Did AMLO call the CEO?"` gives `["AMLO"]`."""
    bare = [_POSSESSIVE.sub("", token) for token in _tokens(text, ENGLISH)]
    return [t for t in bare if len(t) > 2 and t.isalpha() and t.isupper() and t not in _COMMON_CAPITALS]


def spell_out(acronym: str, text: str) -> str | None:
    """Return the first run of capitalised words in `text` with these initials, or None."""
    wanted, text = fold(acronym), comparable(text)
    run: list[str] = []
    end = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        joined = bool(run) and text[end : match.start()] in (" ", "-")
        end = match.end()
        if not token[0].isupper() or fold(token) == wanted:
            run = []
            continue
        run = [*run, token] if joined else [token]
        last = run[-len(wanted) :]
        if "".join(fold(word)[0] for word in last) == wanted:
            return " ".join(last)
    return None


def initials(text: str) -> set[str]:
    """Return the initials of runs of three or more capitalised words: `"World Health Organization"` gives `who`."""
    text = comparable(text)
    found: set[str] = set()
    run = ""
    end = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0].isupper() and (not run or text[end : match.start()] in (" ", "-")):
            run += fold(token)[0]
        else:
            run = fold(token)[0] if token[0].isupper() else ""
        end = match.end()
        found.update(run[i:] for i in range(len(run) - 2))
    return found


def published_by(text: str, who: str) -> bool:
    """Return whether an article's byline or dateline names this writer, paper or agency.

    Args:
        text: The article.
        who: A name; phrases that many bylines have ("the paper", "our reporter") do not count.
    """
    wanted = content_terms(who)
    if not set(content_terms(" ".join(word for word in words(who) if fold(word) not in _ROLES))):
        return False
    lines = [line.strip() for line in text[:_HEAD_CHARS].splitlines() if line.strip()]
    body = next((n for n, line in enumerate(lines) if len(line) > _BYLINE_CHARS), len(lines))
    bylines = [line for line in lines[1:body] if _BY.match(line)]
    return set(wanted) <= set(content_terms(" ".join([*bylines, *_DATELINE.findall(text[:_HEAD_CHARS])])))


def common_start(a: str, b: str) -> int:
    """Return how many letters the common prefix of two words has."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def same_name(a: str, b: str) -> bool:
    """Return whether two terms name the same thing: equal, or a place and its people (`mexico`, `mexican`)."""
    if a == b:
        return True
    common = common_start(a, b)
    return common >= 4 and len(a) - common <= 3 and len(b) - common <= 3 and a.isalpha() and b.isalpha()


def _is_function_word(token: str, language: str = ENGLISH) -> bool:
    if language != ENGLISH:
        return token.translate(_STRAIGHT).casefold() in function_words(language)
    bare = _POSSESSIVE.sub("", token)  # handles "who's", "it's"
    return bare not in ("US", "WHO", "U.S.") and (fold(token) in STOPWORDS or fold(bare) in STOPWORDS)
