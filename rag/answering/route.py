"""Tell what a message asks for: an answer, a summary, a comparison, a course of events, or no fact at all."""

from __future__ import annotations

import json
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_DATA = Path(__file__).with_name("route.json")
CERTAIN = 0.6  # below this probability a message asks for an answer, like most


class Route(Enum):
    """What a message asks for."""

    ANSWER = "answer"
    HELLO = "hello"
    THANKS = "thanks"
    HELP = "help"
    LIBRARY = "library"  # a summary of everything
    ARTICLE = "article"  # a summary of one article
    TOPIC = "topic"  # a summary of what the articles say about something
    COMPARE = "compare"
    COURSE = "course"  # events in their order
    # About the answer before:
    MORE = "more"
    SHORTER = "shorter"
    SURE = "sure"


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
    return Route(fitted["kinds"][best]) if likely[best] >= CERTAIN else Route.ANSWER


@lru_cache(maxsize=1)
def _fitted() -> dict[str, Any]:
    fitted = json.loads(_DATA.read_text(encoding="utf-8"))
    return fitted | {name: np.asarray(fitted[name], np.float32) for name in ("bias", "vectors")}
