"""Take a comparison of two named things apart: "How does Spain's debt differ from Italy's?" asks for both."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from rag.language.words import content_terms, names

_COMPARES = re.compile(r"\b(?:compar|contrast|differ)|\b(?:versus|vs)\b", re.IGNORECASE)
_CAPITALISED = re.compile(r"\b\w+(?:[-.'’]\w+)*")
_JOINED = re.compile(r"\s*(?:,|and|or|versus|vs\.?|than|with|to|from)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Side:
    """One of two things that are compared.

    Args:
        terms: The terms of its name.
        question: The question without the name of the other one.
    """

    terms: frozenset[str]
    question: str


def compares(question: str) -> bool:
    """Return whether a question compares two named things in so many words."""
    return bool(_COMPARES.search(question)) and sides(question) is not None


def sides(question: str) -> tuple[Side, Side] | None:
    """Return the two named things that a question compares; None if it does not name two.

    Of more than two names, those that stand side by side are compared: "Voss and Lorenz" in "How do Voss and Lorenz
    see the closures at Brotland?"
    """
    found = _named(question)
    pairs = [
        (one, other)
        for one, other in itertools.pairwise(found)
        if len(found) == 2 or _JOINED.match(question[one.stop : other.start])
    ]
    if len(pairs) != 1:
        return None
    one, other = pairs[0]
    return _side(question, one, other), _side(question, other, one)


def _named(question: str) -> list[slice]:
    """Return where each name of a question is; words of a name stand next to each other."""
    terms = set(names(question))
    found: list[slice] = []
    for match in _CAPITALISED.finditer(question):
        if not match[0][0].isupper() or not terms & set(content_terms(match[0])):
            continue
        if found and not question[found[-1].stop : match.start()].strip():
            found[-1] = slice(found[-1].start, match.end())
        else:
            found.append(slice(match.start(), match.end()))
    return found


def _side(question: str, own: slice, other: slice) -> Side:
    alone = f"{question[: other.start]}{question[other.stop :]}"
    return Side(frozenset(content_terms(question[own])), " ".join(alone.split()))
