"""Questions with accepted answers and gold evidence, and the articles that they are asked over.

The shipped data set, and any other in its schema, is a JSON-lines file. Each line is one question (see docs/eval.md):

    id        unique name
    kind      one of `KINDS`
    split     "dev" for tuning, "test" only for reporting
    turns     the questions of a conversation; the last one is scored
    answers   accepted short answers, best first; empty when the articles do not say
    keys      what a right answer must contain: one of each inner list, as whole words
    evidence  the facts needed; each a list of the places that state it: source, start, end, quote
    forbidden what an answer must not contain; only for the kind "talk", and may be left out

A message of the kind "talk" asks for no fact, such as a greeting or "shorter". It has keys but no accepted answers, and
evidence only where the reply has to cite something.

`eval/datasets/formats.py` reads the other formats into the same questions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from eval.datasets.rows import DatasetError, json_lines, unique, validated
from rag import seeds_folder

SEEDS = Path(__file__).parents[1] / "data" / "seeds.jsonl"
TALK = "talk"
MUST_REFUSE = ("off_topic", "not_in_articles", "false_premise", "wrong_detail", "no_answer")
KINDS = (
    "fact",
    "wh",
    "paraphrase",
    "list",
    "reason",
    "two_articles",
    "follow_up",
    "summary",
    "comparison",
    "course",
    "typo",
    "yes_no",
    "time",
    TALK,
    *MUST_REFUSE,
)
# Kinds for questions from other data sets that do not name a kind.
ANSWERABLE, IMPOSSIBLE, JUDGED = "answerable", "impossible", "judged"

_FRONT = re.compile(r"\A---\r?\n.*?\n---\r?\n", re.DOTALL)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GoldPlace(_Strict):
    """A place that states a fact: `text[start:end] == quote` in the article `source`.

    If the place is a whole article, `quote` is empty. `relevance` is its grade in judged rankings.
    """

    source: str
    start: int = Field(ge=0)
    end: int = Field(ge=1)
    quote: str
    relevance: int = Field(default=1, ge=1)


class Question(_Strict):
    """One question of a data set; see the module's docstring for the fields."""

    id: str = Field(min_length=1)
    kind: str
    split: str
    turns: tuple[str, ...] = Field(min_length=1)
    answers: tuple[str, ...]
    keys: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...]
    evidence: tuple[Annotated[tuple[GoldPlace, ...], Field(min_length=1)], ...]
    forbidden: tuple[str, ...] = ()

    @property
    def is_talk(self) -> bool:
        """Return whether it is a message that asks for no fact."""
        return self.kind == TALK

    @property
    def must_refuse(self) -> bool:
        """Return whether the question must be refused, since the articles do not contain the answer."""
        return not self.answers and not self.evidence and not self.is_talk

    @property
    def has_answer_key(self) -> bool:
        """Return whether an answer can be right or wrong; judged rankings only say which articles are relevant."""
        return self.must_refuse or bool(self.answers) or self.is_talk


@dataclass(frozen=True)
class DataSet:
    """Questions, and the folder of the articles that they are asked over.

    Without a folder they are asked over the reader's own library. `split` is the default split.
    """

    name: str
    questions: tuple[Question, ...]
    articles: Path | None
    split: str = "test"

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the questions; it does not include the articles."""
        return hashlib.sha256("\n".join(q.model_dump_json() for q in self.questions).encode()).hexdigest()

    def choose(
        self, split: str | None = None, kinds: Sequence[str] = (), limit: int | None = None
    ) -> tuple[Question, ...]:
        """Return the first `limit` questions of a split and of these kinds.

        Args:
            split: Name of a split, or "all"; the data set's default split if omitted.
            kinds: Kinds of question; all kinds if empty.
            limit: The maximum number of questions.

        Raises:
            DatasetError: The data set has no such split or kind, or no question is left.
        """
        split = split or self.split
        splits = dict.fromkeys(q.split for q in self.questions)
        if split not in (*splits, "all"):
            raise DatasetError(f"{self.name} has no split {split!r}; use {' or '.join((*splits, 'all'))}")
        known = dict.fromkeys(q.kind for q in self.questions)
        if unknown := [kind for kind in kinds if kind not in known]:
            raise DatasetError(f"{self.name} has no question of kind {unknown[0]!r}; use {', '.join(known)}")
        found = [q for q in self.questions if split in ("all", q.split) and (not kinds or q.kind in kinds)]
        if not found[:limit]:
            raise DatasetError(f"no question of split {split!r} and kind {', '.join(kinds) or 'any'} is left")
        return tuple(found[:limit])


def shipped() -> DataSet:
    """Return the shipped questions over the shipped articles."""
    return DataSet("seeds", tuple(read()), seeds_folder(), "dev")


def one_turn(
    name: str, kind: str, text: str, answers: tuple[str, ...], facts: list[list[GoldPlace]], split: str = "test"
) -> Question:
    """Return a question with one turn and these needed facts; each accepted answer alone is right."""
    return Question(
        id=name,
        kind=kind,
        split=split,
        turns=(text,),
        answers=answers,
        keys=(answers,) if answers else (),
        evidence=tuple(tuple(places) for places in facts if places),
    )


def make_data_set(path: Path, questions: dict[str, Question], articles: Path | None, split: str = "test") -> DataSet:
    """Return a data set named after its file.

    Raises:
        DatasetError: There are no questions.
    """
    if not questions:
        raise DatasetError(f"{path} holds no question")
    return DataSet(path.resolve().stem, tuple(questions.values()), articles, split)


def read(path: Path = SEEDS, articles: Path | None = None) -> list[Question]:
    """Return the questions of a JSON-lines file.

    Args:
        path: The file.
        articles: Folder of the articles that contain the evidence; the shipped articles if omitted.

    Raises:
        DatasetError: The file cannot be read, or a line is not a valid question; the message says which and why.
    """
    text = cache(lambda source: _article(articles or seeds_folder(), source))
    questions: list[Question] = []
    seen: dict[str, int] = {}
    for number, raw in json_lines(path):
        where = f"{path} line {number}"
        question = validated(Question, raw, where)
        _check(question, where)
        for place in (place for fact in question.evidence for place in fact):
            _check_place(place, text(place.source), where)
        unique(question.id, number, seen, str(path))
        questions.append(question)
    if not questions:
        raise DatasetError(f"{path} holds no question")
    return questions


def _check(question: Question, where: str) -> None:
    if question.kind not in KINDS:
        raise DatasetError(f"{where}: kind {question.kind!r} is unknown; use one of {', '.join(KINDS)}")
    if question.split not in ("dev", "test"):
        raise DatasetError(f"{where}: split is {question.split!r}; use dev or test")
    if question.is_talk:
        if question.answers or not question.keys:
            raise DatasetError(f"{where}: a message of kind {TALK} has keys and no answers")
        return
    if question.forbidden:
        raise DatasetError(f"{where}: only a message of kind {TALK} has forbidden words")
    refused = question.kind in MUST_REFUSE
    filled = [bool(part) for part in (question.answers, question.keys, question.evidence)]
    if filled != [not refused] * 3:
        wanted = "none of" if refused else "all of"
        raise DatasetError(f"{where}: a question of kind {question.kind} has {wanted} answers, keys and evidence")


def _check_place(place: GoldPlace, text: str | None, where: str) -> None:
    if text is None:
        raise DatasetError(f"{where}: there is no article {place.source!r}; correct it, or give --articles FOLDER")
    if place.end <= place.start or text[place.start : place.end] != place.quote:
        raise DatasetError(f"{where}: the span {place.start}-{place.end} of {place.source} is not its quote")


def _article(folder: Path, source: str) -> str | None:
    """Return an article's text, in which citations have their places: in Markdown, what follows the front matter."""
    path = folder / source
    try:
        text = path.read_bytes().decode("utf-8-sig") if path.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    return _FRONT.sub("", text, count=1) if text and path.suffix == ".md" else text
