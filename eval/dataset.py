"""Questions with accepted answers and gold evidence, read from JSON lines.

A line is one question (docs/eval.md has the schema in full):

    id        unique name
    kind      one of `KINDS`
    split     "dev" to tune on, "test" only to report
    turns     the questions of a conversation; the last one is scored
    answers   accepted short answers, best first; empty when the articles do not say
    keys      what a right answer must hold: one of each inner list, as whole words
    evidence  the facts needed; each a list of the places that state it: source, start, end, quote
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag import UsageError, seeds_folder

SEEDS = Path(__file__).parent / "data" / "seeds.jsonl"
MUST_REFUSE = ("off_topic", "not_in_articles", "false_premise", "wrong_detail", "no_answer")
KINDS = (
    "fact",
    "wh",
    "paraphrase",
    "list",
    "reason",
    "two_articles",
    "follow_up",
    "typo",
    "yes_no",
    *MUST_REFUSE,
)


class DatasetError(UsageError):
    """A data set cannot be used; the message names the file and the line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(_Strict):
    """A place that states a fact: `text[start:end] == quote` in the article `source`."""

    source: str
    start: int = Field(ge=0)
    end: int = Field(ge=1)
    quote: str


class Question(_Strict):
    """One question of the data set; see the module's text for the fields."""

    id: str = Field(min_length=1)
    kind: str
    split: str
    turns: tuple[str, ...] = Field(min_length=1)
    answers: tuple[str, ...]
    keys: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...]
    evidence: tuple[Annotated[tuple[Place, ...], Field(min_length=1)], ...]

    @property
    def must_refuse(self) -> bool:
        """Tell whether the articles do not hold the answer."""
        return self.kind in MUST_REFUSE


def read(path: Path = SEEDS) -> list[Question]:
    """Return the questions of a JSON-lines file.

    Raises:
        DatasetError: The file cannot be read, or a line is no question: which line, and what is wrong with it.
    """
    questions: list[Question] = []
    seen: dict[str, int] = {}
    for number, raw in _lines(path):
        try:
            question = Question.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise DatasetError(f"{path} line {number}: {where}: {first['msg']}") from error
        _check(question, f"{path} line {number}")
        if question.id in seen:
            raise DatasetError(f"{path} line {number}: id {question.id!r} is taken by line {seen[question.id]}")
        seen[question.id] = number
        questions.append(question)
    return questions


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # U+2028 and its like are no line ends in JSON lines
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                raise DatasetError(f"{path} line {number}: not JSON: {error.msg} at column {error.colno}") from error


def _check(question: Question, where: str) -> None:
    if question.kind not in KINDS:
        raise DatasetError(f"{where}: kind {question.kind!r} is unknown; use one of {', '.join(KINDS)}")
    if question.split not in ("dev", "test"):
        raise DatasetError(f"{where}: split is {question.split!r}; use dev or test")
    filled = [bool(part) for part in (question.answers, question.keys, question.evidence)]
    if filled != [not question.must_refuse] * 3:
        wanted = "none of" if question.must_refuse else "all of"
        raise DatasetError(f"{where}: a question of kind {question.kind} has {wanted} answers, keys and evidence")
    for place in (place for fact in question.evidence for place in fact):
        article = seeds_folder() / place.source
        text = article.read_bytes().decode("utf-8") if article.is_file() else None
        found = place.quote if text is None else text[place.start : place.end]
        if place.end - place.start != len(place.quote) or found != place.quote:
            raise DatasetError(f"{where}: the span {place.start}-{place.end} of {place.source} is not its quote")
