"""Give the answers that need no model: those to the last questions, and abstentions that are clear before asking."""

from __future__ import annotations

import threading
from collections import OrderedDict

from rag.types import Answer, Filters

_MOST = 500
# The store's version, the question, the filters, and the other wordings.
Key = tuple[int, str, Filters | None, tuple[str, ...]]


class KnownAnswers:
    """The answers to the last questions. Thread-safe."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Answer | None:
        """Return the answer given to this question since the store last changed, if any."""
        with self._lock:
            return self._answers.get(key)

    def keep(self, key: Key, answer: Answer) -> None:
        """Keep an answer; the oldest one is dropped if there are too many."""
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)


def unasked(question: str, text: str, settings_hash: str, model: str = "none") -> Answer:
    """Return the abstention for a question that nothing was asked about, with a text that says why.

    Args:
        question: The question.
        text: Why it is not answered, or what is said to a message that asks nothing.
        settings_hash: Of the engine's settings.
        model: The `model` of the answer; `rag.answering.talk.TALK` for a message that asks nothing.
    """
    return Answer(
        question=question,
        text=text,
        abstained=True,
        citations=(),
        evidence=(),
        model=model,
        timings={"total": 0.0},
        settings_hash=settings_hash,
    )
