"""Tell whether two sentences that share most of their words state the same fact."""

from __future__ import annotations

from rag.language.grammar import ENGLISH
from rag.language.opposites import denies
from rag.language.words import content_words, terms

# Words that are numbers, though they have neither a digit nor a capital.
_AMOUNTS = frozenset(
    "half third quarter fifth tenth first second fourth sixth seventh eighth ninth last dozen hundred thousand million "
    "billion trillion double triple twice once".split()
)


def same_fact(one: str, other: str, language: str) -> bool:
    """Return whether two sentences differ neither in a name, a number or a date, nor in a denial.

    A word that only one of them has must be an ordinary English word in lower case. Outside of English, where numbers
    and days may be words like any other and some scripts have no capitals, both must have the same words.

    Args:
        one: A sentence.
        other: Another one.
        language: The ISO 639-1 code of their language; empty where it is not known.
    """
    if language != ENGLISH:
        return set(terms(one, language)) == set(terms(other, language))
    mine, theirs = content_words(one, language), content_words(other, language)
    differing = [(term, mine.get(term) or theirs[term]) for term in mine.keys() ^ theirs.keys()]
    return denies(one) == denies(other) and all(
        token.islower() and not term[0].isdigit() and token not in _AMOUNTS for term, token in differing
    )
