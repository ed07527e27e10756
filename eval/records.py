"""Read and write run files: JSON lines with a header first and then one record for each question.

During a run, records are appended as they come; a later record of the same question replaces the earlier one. A
finished run holds each question once, in the order of the data set.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from eval.datasets.dataset import Question
from eval.datasets.rows import first_problem
from rag import Answer, Evidence, UsageError

_Line = TypeVar("_Line", bound=BaseModel)


class RunError(UsageError):
    """A run file cannot be used; the message names the file and the line."""


class Header(BaseModel):
    """What was run. A run can be resumed, or compared question by question, only with the same data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str  # dateline, extractive, naive, or the setting of an answer model
    llm: str  # the setting
    model: str  # the model name in the answers
    model_hash: str | None = None  # SHA-256 of the weights; None for an endpoint or no model
    embedding: str
    settings_hash: str
    data: str  # name of the data set
    data_hash: str  # SHA-256 of its questions and articles
    split: str
    kinds: tuple[str, ...] = ()
    limit: int | None = None
    judge: str | None = None  # the setting of the model that judged, if any
    seed: int = 0
    commit: str | None = None
    version: str
    started: str  # ISO 8601, UTC


class Record(BaseModel):
    """A question with its answer and scores.

    `ranked` is the retrieval ranking, ten items at most. `scores` holds every per-question metric by name; None if the
    metric does not apply to this question. `valid` says for each citation whether its quote is the article's text at
    its offsets. `tokens` counts the tokens of all prompts for the question; None if they could not be counted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Question
    answer: Answer
    ranked: tuple[Evidence, ...] = ()
    scores: dict[str, float | None]
    valid: tuple[bool, ...] = ()
    tokens: int | None = None


@dataclass(frozen=True)
class Run:
    """A header and its records."""

    header: Header
    records: tuple[Record, ...]
    path: Path | None = None


def write_header(path: Path, header: Header) -> None:
    """Create a run file with its header.

    Raises:
        RunError: The file cannot be written.
    """
    write_run(path, Run(header, ()))


def append(path: Path, record: Record) -> None:
    """Append a record to a run file; once this returns, the record survives a killed process.

    Raises:
        RunError: The file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(record.model_dump_json() + "\n")
    except OSError as error:
        raise _unwritable(path, error) from error


def write_run(path: Path, run: Run) -> None:
    """Write a whole run atomically, so that a reader sees the old file or the new one.

    Raises:
        RunError: The file cannot be written.
    """
    lines = [part.model_dump_json() + "\n" for part in (run.header, *run.records)]
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_text("".join(lines), encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise _unwritable(path, error) from error


def read_run(path: Path, *, unfinished: bool = False) -> Run:
    """Return the run in a file.

    Args:
        path: The file.
        unfinished: Ignore an incomplete last line, which a killed process leaves behind.

    Raises:
        RunError: The file cannot be read, or a line is not a valid record; the message says which line and why.
    """
    try:
        lines = path.read_bytes().decode("utf-8", "replace" if unfinished else "strict").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path} cannot be read: {error}; give a run file that `rag eval --out` wrote") from error
    cut = lines.pop()  # a complete line ends with a line feed, so this is empty unless the last line was cut off
    if cut and not unfinished:
        raise RunError(f"{path} line {len(lines) + 1} is cut off; finish the run with --resume")
    if not lines:
        raise RunError(f"{path} holds no run; give a run file that `rag eval --out` wrote")
    header = _parse(Header, lines[0], f"{path} line 1")
    records = [_parse(Record, line, f"{path} line {number}") for number, line in enumerate(lines[1:], 2)]
    return Run(header, latest(records), path)


def latest(records: Sequence[Record]) -> tuple[Record, ...]:
    """Return the last record of each question, in the order in which the questions first appear."""
    return tuple({record.question.id: record for record in records}.values())


def _parse(model: type[_Line], line: str, where: str) -> _Line:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise RunError(f"{where} is no {model.__name__.lower()} of a run: {first_problem(error)}") from error


def _unwritable(path: Path, error: OSError) -> RunError:
    return RunError(f"{path} cannot be written: {error.strerror}; choose another folder with --out")
