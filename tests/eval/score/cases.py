"""Make single questions, answers and rankings with known places, for the tests of scores."""

from __future__ import annotations

from typing import Any

from eval.datasets.dataset import Question
from rag import Answer, Citation, Evidence, Place, Span

WHERE = Span(0, 100)


def question(
    *facts: list[tuple[str, int, int]],
    kind: str = "fact",
    keys: list[list[str]] | None = None,
    answers: tuple[str, ...] = ("yes",),
) -> Question:
    """Return a question on facts, each a list of (source, start, end); without facts and answers it must be refused."""
    places = [[{"source": s, "start": a, "end": b, "quote": "x" * (b - a)} for s, a, b in fact] for fact in facts]
    values: dict[str, Any] = {"id": "q", "kind": kind, "split": "dev", "turns": ["?"], "evidence": places}
    return Question.model_validate(values | {"answers": answers, "keys": keys or []})


REFUSABLE = question(kind="off_topic", answers=())


def cited(marker: int, source: str, start: int, end: int, *also: Place, quote: str = "q") -> Citation:
    return Citation(marker, source, "T", quote, start, end, 1.0, source, WHERE, also)


def shown(rank: int, source: str, start: int, end: int, *also: Place) -> Evidence:
    return Evidence(rank, source, "T", "q", start, end, 1, 1, 1, source, WHERE, also=also)


def answer(text: str = "yes [1]", *, citations: Any = (), abstained: bool = False) -> Answer:
    return Answer("?", text, abstained, tuple(citations), (), "fake", {"total": 1.0}, "0" * 16)


NOT_SAID = answer("The articles do not say.", abstained=True)
