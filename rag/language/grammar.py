"""What differs between languages that write words with spaces: stems, function words, elisions, and capitals."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import snowballstemmer
import stopwordsiso

from rag.language.common_words import STOPWORDS

ENGLISH = "en"
_STEMMERS = dict(
    entry.split(":")
    for entry in (
        "ar:arabic ca:catalan cs:czech da:danish de:german el:greek en:english eo:esperanto es:spanish et:estonian"
        " eu:basque fa:persian fi:finnish fr:french ga:irish hi:hindi hu:hungarian hy:armenian id:indonesian it:italian"
        " lt:lithuanian nb:norwegian ne:nepali nl:dutch nn:norwegian no:norwegian pl:polish pt:portuguese ro:romanian"
        " ru:russian sr:serbian sv:swedish ta:tamil tr:turkish yi:yiddish"
    ).split()
)
# Languages in which an article loses its vowel and is written together with the noun: l'eau, dell'acqua.
ELIDING = frozenset("ca fr it".split())
# Languages that write every noun with a capital, so that a capital does not mark a name.
_CAPITAL_NOUNS = frozenset("de lb".split())
# Languages that write nouns as one word: Verband and Chefin make Verbandschefin.
_COMPOUNDING = frozenset("da de et fi hu is nb nl nn no sv".split())
# Question words, and verbs of questions, that the lists lack.
_ASKING = {
    "ar": "لماذا كم متى أين اين هل كيف ماذا",
    "de": "heißt heisst wieviel wieviele lautet",
    "es": "llama llaman",
    "fr": "appelle",
    "hi": "कितना कितनी कितने क्यों कब कहाँ कैसे",
    "it": "chiama",
    "nl": "hoeveel heet",
    "pt": "chama",
}
# Particles that are written together with the next word, and that the stemmer leaves there: "and the", "for the".
_PARTICLES = {"ar": re.compile("^(?:[وفبك](?=ال)|ل(?=ل))")}
_ROOT = 3  # letters of an Arabic root
_STRAIGHT = str.maketrans({"’": "'", "‘": "'"})


class _Unstemmed:
    """Stands in for the stemmer of a language that has none."""

    def stemWord(self, word: str) -> str:  # the name in snowballstemmer
        return word


@cache
def _stemmer(language: str) -> Any:
    name = _STEMMERS.get(language)
    return snowballstemmer.stemmer(name) if name else _Unstemmed()


def stem(word: str, language: str) -> str:
    """Return the stem of a word in lower case; the word itself in a language without a stemmer."""
    if language in _PARTICLES:
        word = _PARTICLES[language].sub("", word)
    found = str(_stemmer(language).stemWord(word))
    if language == "ar":
        # Long vowels tell a verb from its noun ("was opened", "opening"); the other letters are the root of both.
        root = re.sub("[اوي]", "", found)
        return root if len(root) >= _ROOT else found
    return found


@cache
def function_words(language: str) -> frozenset[str]:
    """Return the words of a language that say nothing about the subject of a question, in lower case."""
    if language == ENGLISH:
        return STOPWORDS
    code = "no" if language in ("nb", "nn") else language
    listed = stopwordsiso.stopwords(code) if stopwordsiso.has_lang(code) else set()
    words = {*listed, *_ASKING.get(language, "").split()}
    return frozenset(word.translate(_STRAIGHT).casefold() for word in words if not re.search(r"\d", word))


def capitals_mark_names(language: str) -> bool:
    """Return whether a capital inside a sentence marks a name in this language."""
    return language not in _CAPITAL_NOUNS


def compounds(language: str) -> bool:
    """Return whether a language writes several nouns as one word."""
    return language in _COMPOUNDING
