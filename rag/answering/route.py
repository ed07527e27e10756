"""Tell what a message asks for: an answer, a summary, a comparison, a course of events, or no fact at all."""

from __future__ import annotations

import json
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.language.words import content_terms, words

_DATA = Path(__file__).with_name("route.json")
# Below this probability a message asks for an answer, like most; some kinds are easily taken for a question.
CERTAIN, _MORE_CERTAIN = 0.6, 0.7


class Route(Enum):
    """What a message asks for."""

    ANSWER = "answer"
    HELLO = "hello"
    THANKS = "thanks"
    HELP = "help"
    ANNOYED = "annoyed"  # such as "you are useless"
    LIST = "list"  # of all the articles
    LIBRARY = "library"  # a summary of everything
    ARTICLE = "article"  # a summary of one article
    TOPIC = "topic"  # a summary of what the articles say about something
    ABOUT_ARTICLES = "about articles"  # such as who wrote one; recognised by rag.language.article_questions
    COMPARE = "compare"
    COURSE = "course"  # events in their order
    # About the answer before:
    MORE = "more"
    SHORTER = "shorter"
    SURE = "sure"


_NEARLY = (Route.TOPIC, Route.COMPARE, Route.COURSE)


def route(vector: npt.NDArray[np.float32]) -> Route:
    """Return what a message asks for, by a regression that `python -m train.route` fits.

    Args:
        vector: The message's vector from the embedding model that Dateline comes with, of shape (dimensions,).
    """
    fitted = _fitted()
    scores = fitted["vectors"] @ vector + fitted["bias"]
    likely = np.exp(scores - scores.max())
    likely /= likely.sum()
    best = int(likely.argmax())
    found = Route(fitted["kinds"][best])
    return found if likely[best] >= (CERTAIN if found not in _NEARLY else _MORE_CERTAIN) else Route.ANSWER


def about(message: str) -> str:
    """Return what a message is about: its words without those that only say what is wanted, such as "summarize"."""
    frame = _fitted()["frame"]
    kept = [word for word in words(message) if (terms := content_terms(word)) and not set(terms) <= frame]
    return " ".join(kept)


@lru_cache(maxsize=1)
def _fitted() -> dict[str, Any]:
    fitted: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    fitted["frame"] = frozenset(fitted["frame"])
    return fitted | {name: np.asarray(fitted[name], np.float32) for name in ("bias", "vectors")}
