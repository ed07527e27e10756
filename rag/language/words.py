"""Split and normalise words in one way for every stage: lexical index, term coverage and verification."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import sentencex
import snowballstemmer

from rag.language.characters import comparable

_TOKEN = re.compile(
    r"(?:[^\W\d_](?:\.[^\W\d_])+\b\.?|[A-Z]\.(?: [A-Z]\.)+)(?:['’]s\b)?"  # U.S., D.C, U. S.
    r"|\d+(?:[.,]\d+)*"  # 3,000  2.7  19
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*"  # don't, Mexico's
)
_SPACE = re.compile(r"[^\S\n]|[\ud800-\udfff]")
_TITLE_AT_END = re.compile(r"\b(?:Mrs?|Ms|Mx|Dr|Prof|Sen|Rep|Gov|Gen|Col|Lt|Sgt|Capt|Rev|Hon|St)\.\s*$")
# "May." and "no." are abbreviations before a number, but before a capital they end a sentence.
_LOST_BOUNDARY = re.compile(r"(?:(?<=\bMay\. )|(?<=\bno\. ))(?=[A-Z“\"])")
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

# Words that say nothing about the subject of a question or sentence.
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

# Words with some content that say little by themselves; it does not matter if a sentence lacks them.
SLIGHT = frozenset(
    """able according actual actually add allow already also although another apart apparently appear appeared appears
    apply ask asked asking available away based became become becomes began begin beginning begins begun belong big
    bit born bring bringing brings brought call called case cause caused causes century certain change changed come
    comes coming common consider considered contain course day days describe described did different do doing done
    due each early easily effort end ended ends enough entire eventually ever exact exactly example exist expect
    expected explain fact far feel feels felt field finally find finds first follow following form formed found full
    gave general get gets getting give given gives giving go goes going gone good got great group had happen
    happened happening happens hard held help helped hold holding hour hours hundreds idea important include
    included including involve involved issue item keep keeping kept kind know known large largely last late later
    lead least leave leaves leaving led left less let level like likely list little live lived living long look
    looked made main mainly make makes making many matter mean means meant mention mentioned millions minute minutes
    month months more most mostly move moved much multiple name named need needed needs never new next non number
    occur occurred offer often old one only open order originally other others own part particular particularly
    people percent perform performed person persons place plan planned point possible present prior problem process
    purpose put puts putting question range reach reached real really reason receive received recent recently refer
    referred related remain remained require required requires result resulted right role run said same saw say says
    second see seem seemed seen sense set several show showed shown shows similar since single size small some soon
    sort specific specifically spend start started starts state stated stay step still straight such suffer sum take
    taken takes taking talk talked tell term terms thing things think third thought thousands time times today told
    tomorrow took top total toward towards tried true try trying turn turned two type types typically under undergo
    underwent unit use used uses using usual usually various very view want wanted wants way ways week weeks well
    went whole word words work worked works would year years yesterday""".split()
)

# Words in capitals that are not names.
_COMMON_CAPITALS = frozenset("A I AI CEO CFO CV DIY FAQ GDP HQ HR ID IT MP NGO OK PM PR TV VP".split())

_stemmer = snowballstemmer.stemmer("english")


def fold(text: str) -> str:
    """Return `text` without accents and case, with straight quotation marks, for comparing."""
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", comparable(text))
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return bare.translate(_QUOTES).casefold()


_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "ʼ": "'"})


@lru_cache(maxsize=65536)
def _normal(token: str) -> str:
    if token[0].isdigit():
        return "".join(str(unicodedata.decimal(c, c)) for c in token.replace(",", ""))  # also １２ and ١٢
    word = re.sub(r"[. ]", "", _POSSESSIVE.sub("", fold(token)))
    return _NUMBER_WORDS.get(word) or str(_stemmer.stemWord(word))


def words(text: str) -> list[str]:
    """Return the words of `text` as `usual`, in order: `"U.S. aid"` gives `["U.S.", "aid"]`."""
    return _tokens(text)


def terms(text: str) -> list[str]:
    """Return the normalised, stemmed words of `text` in order, function words included (the index's view)."""
    return [term for token in _tokens(text) if (term := _normal(token))]


def content_terms(text: str) -> list[str]:
    """Return the terms of `text` that carry content, in order, each once."""
    return list(content_words(text))


def content_words(text: str) -> dict[str, str]:
    """Return the terms of `text` that carry content, in order, each with the last word that it came from."""
    found: dict[str, str] = {}
    for token in _tokens(text):
        if term := _content(token):
            found[term] = token
    return found


@lru_cache(maxsize=65536)
def _content(token: str) -> str:
    """Return the normalised form of a word that carries content; empty for other words."""
    return "" if _is_stopword(token) else _normal(token)


def numbers(text: str) -> set[str]:
    """Return the numbers in `text`, written in digits: `"US $310 million"` gives `{"310"}`."""
    return {term for term in terms(text) if term[0].isdigit()}


def names(text: str) -> list[str]:
    """Return the terms of the names in `text`: words with a capital that is not due to their position.

    A capital at the start of a sentence counts only where the next word has one too or a possessive follows.
    """
    text = comparable(text)
    found: dict[str, None] = {}
    matches = list(_TOKEN.finditer(text))
    for index, match in enumerate(matches):
        token = match.group()
        if len(token) < 2 or not token[0].isupper() or token in _COMMON_CAPITALS or _is_stopword(token):
            continue  # one letter is not a name: A&E, plan B
        starts = index == 0 or text[: match.start()].rstrip(" \"'“‘(").endswith((".", "!", "?", ":"))
        followed = index + 1 < len(matches) and matches[index + 1].group()[0].isupper()
        if not starts or followed or (token.isupper() and len(token) > 1) or _POSSESSIVE.search(token):
            found[_normal(token)] = None
    return [term for term in found if term]


def acronyms(text: str) -> list[str]:
    """Return the words of `text` in capitals that may stand for a name: `"Did AMLO call the CEO?"` gives `["AMLO"]`."""
    bare = [_POSSESSIVE.sub("", token) for token in _tokens(text)]
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


def split_sentences(text: str) -> list[str]:
    """Return the sentences of `text` with the white space that follows each; joined, they give `text` again."""
    # The splitter fails on other kinds of space and on lone surrogates; a plain space in their place keeps every
    # length the same.
    pieces = list(sentencex.segment("en", _SPACE.sub(" ", text)))
    lengths = [len(piece) for piece in pieces]
    if sum(lengths) != len(text):  # offsets are computed from the pieces, so their lengths must add up
        return [text]
    found: list[str] = []
    start = 0
    for length in lengths:
        piece = text[start : start + length]
        start += length
        if found and _TITLE_AT_END.search(found[-1]):
            found[-1] += piece
        else:
            found.append(piece)
    return [part for piece in found for part in _LOST_BOUNDARY.split(piece) if part]


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(comparable(text))


def _is_stopword(token: str) -> bool:
    bare = _POSSESSIVE.sub("", token)  # handles "who's", "it's"
    return bare not in ("US", "WHO", "U.S.") and (fold(token) in STOPWORDS or fold(bare) in STOPWORDS)
