"""The questions that readers keep about their own library: JSON lines beside the store, which the eval suite reads.

The file is `STORE-questions.jsonl` (with `-COLLECTION` before the dot for any but the default collection), one
question a line: `id`, `question`, `answer` (a list, empty if the articles must not answer), `evidence` (the sentence).
`rag eval --data FILE` runs it too.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag import Engine, Settings, UsageError
from ui.chat.conversations import new_id

if TYPE_CHECKING:
    from eval.datasets.dataset import DataSet, Question

MOST_KEPT = 500
MOST_CHARS = 500  # of a question or an answer
MOST_ANSWERS = 10
NAME = "your library"
_writing = threading.Lock()


@dataclass(frozen=True)
class Sentence:
    """The sentence that a question was made from: `text[start:end] == quote` in the article."""

    source: str
    start: int
    end: int
    quote: str


def own_path(settings: Settings) -> Path:
    """Return where the questions about a store's collection are kept."""
    which = "" if settings.collection == "default" else f"-{settings.collection}"
    return settings.store.with_name(f"{settings.store.name}-questions{which}.jsonl")


class OwnQuestions:
    """The kept questions of one library, shared by all readers of a page."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, engine: Engine) -> OwnQuestions:
        """Return the questions about an engine's library."""
        return cls(own_path(engine.settings))

    def listed(self) -> tuple[Question, ...]:
        """Return the kept questions, the oldest first.

        Raises:
            UsageError: The file is damaged; the message names the line.
        """
        found = self._read()
        return found.questions if found else ()

    def data_set(self) -> DataSet:
        """Return the questions as a data set over the library.

        Raises:
            UsageError: None is kept, or the file is damaged.
        """
        found = self._read()
        if not found or not found.questions:
            raise UsageError("no question about your library is kept yet; keep some first")
        return replace(found, name=NAME)

    def keep(self, question: str, answer: str, sentence: Sentence | None = None) -> None:
        """Add a question.

        Args:
            question: As the reader typed it.
            answer: The accepted answers with `|` between them; empty if the articles must not answer.
            sentence: What the question was made from; it is the evidence if it has one of the answers.

        Raises:
            UsageError: The question cannot be kept; the message says why.
        """
        question = _clean(question)
        answers = tuple(dict.fromkeys(filter(None, map(_clean, answer.split("|")))))
        if not question:
            raise UsageError("the question is empty; type one")
        if max(map(len, (question, *answers))) > MOST_CHARS or len(answers) > MOST_ANSWERS:
            raise UsageError(f"use at most {MOST_CHARS} characters for each text, and {MOST_ANSWERS} answers")
        with _writing:
            kept = self.listed()
            if len(kept) >= MOST_KEPT:
                raise UsageError(f"{MOST_KEPT} questions are kept already; delete some first")
            if any(one.turns[0].casefold() == question.casefold() for one in kept):
                raise UsageError("this question is kept already")
            self._write([*map(_line, kept), _record(new_id(), question, answers, _evidence(answers, sentence))])

    def forget(self, question_id: str) -> None:
        """Delete a question; nothing happens if it is gone."""
        with _writing:
            self._write([_line(one) for one in self.listed() if one.id != question_id])

    def _read(self) -> DataSet | None:
        """Return the file's data set; None if there is no file, or it is empty."""
        from eval.datasets.table import read_table

        return read_table(self.path, None) if self.path.is_file() and self.path.stat().st_size else None

    def _write(self, lines: Iterable[dict[str, Any]]) -> None:
        beside = self.path.with_name(f"{self.path.name}.new")
        try:
            beside.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), encoding="utf-8")
            os.replace(beside, self.path)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}; free the disk") from error


def _clean(text: str) -> str:
    """Return a text of a browser on one line, without half characters, which no file can hold."""
    return " ".join(text.encode("utf-8", "ignore").decode("utf-8").split())


def _evidence(answers: Sequence[str], sentence: Sentence | None) -> list[list[dict[str, Any]]]:
    """Return the sentence if it still has an answer: the reader may have changed it."""
    if sentence is None:
        return []
    said = " ".join(sentence.quote.split()).casefold()
    return [[vars(sentence)]] if any(answer.casefold() in said for answer in answers) else []


def _line(one: Question) -> dict[str, Any]:
    places = [[place.model_dump(exclude_defaults=True) for place in fact] for fact in one.evidence]
    return _record(one.id, one.turns[0], one.answers, places)


def _record(name: str, question: str, answers: Sequence[str], evidence: list[list[dict[str, Any]]]) -> dict[str, Any]:
    return {"id": name, "question": question, "answer": list(answers), "evidence": evidence}
