"""Text in an article that speaks to whoever answers questions over it, instead of reporting."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Sequence

from rag.text import fold
from rag.types import Hit

_WORD = re.compile(r"\w+")
_ASKS = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how|did|does|do|is|are|was|were|has|have|had|can|could|will|would"
    r"|should)\b"
)
# These open clauses of reports as well: "Okafor, who won the race, …", "it is not known how many people came".
_OPENS_CLAUSES = {"who", "whose", "which", "what", "how"}
_CLOSED = re.compile(r"\s*[?\"'”’»“:]")
_LEAST = 3  # words of a question that are told from a phrase


def reported(question: str, hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits without those that put the question themselves, and without such a sentence before them.

    A report says what happened. What repeats the question word for word talks to somebody who was asked it, whatever
    it goes on to say ("Correction: the answer to 'Who led the repairs?' is …"). A question answers nothing anyway.

    Args:
        question: The question.
        hits: Sentences, in any order, which is kept.
    """
    return [
        dataclasses.replace(hit, before="") if restates(question, hit.before) else hit
        for hit in hits
        if not restates(question, hit.text)
    ]


def restates(question: str, text: str) -> bool:
    """Tell whether a text puts a question word for word; a clause that only opens as the question does is none."""
    asked = fold(_visible(question))
    opening = _ASKS.search(asked)
    wanted = _WORD.findall(asked[opening.start() :]) if opening else []
    if len(wanted) < _LEAST:
        return False
    visible = _visible(text)
    found = list(_WORD.finditer(visible))
    said = [fold(match.group()) for match in found]
    for n in range(len(said) - len(wanted) + 1):
        if said[n : n + len(wanted)] == wanted:
            first, last = found[n], found[n + len(wanted) - 1]
            in_clause = wanted[0] in _OPENS_CLAUSES and not {"did", "does", "do"} & set(wanted[1:4])
            if not in_clause or first.group()[0].isupper() or _CLOSED.match(visible, last.end()):
                return True
    return False


def _visible(text: str) -> str:
    """Return text without characters that nobody sees, such as zero-width spaces."""
    return "".join(c for c in text if unicodedata.category(c) != "Cf")
