"""Read a reader's own questions and answers from CSV or JSON lines; JSON lines may say where the evidence is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.datasets.dataset import ANSWERABLE, IMPOSSIBLE, DataSet, GoldPlace, Question, make_data_set, one_turn
from eval.datasets.rows import DatasetError, Line, Loose, Text, json_lines, rows, unique, validated


class _Row(Line):
    question: Text
    answer: Loose | tuple[Loose, ...] | None
    id: Loose | None = None
    kind: str | None = None
    evidence: tuple[tuple[GoldPlace, ...], ...] = ()  # the facts needed, each with the places that state it


def read_table(path: Path, articles: Path | None) -> DataSet:
    """Read questions; without a folder of articles they are asked over the library.

    Raises:
        DatasetError: The questions cannot be used; the message names the line.
    """
    questions: dict[str, Question] = {}
    seen: dict[str, int] = {}
    for number, raw in _csv_rows(path) if path.suffix.lower() == ".csv" else json_lines(path):
        where = f"{path} line {number}"
        if isinstance(raw, dict) and (missing := [name for name in ("question", "answer") if name not in raw]):
            raise DatasetError(f"{where}: {missing[0]!r} is missing; there are {', '.join(map(repr, raw)) or 'none'}")
        if isinstance(raw, dict) and not isinstance(raw.get("evidence"), list):  # any other column of this name
            raw = {name: value for name, value in raw.items() if name != "evidence"}
        row = validated(_Row, raw, where)
        name = row.id or f"line-{number}"
        unique(name, number, seen, str(path))
        answers = _answers(row.answer, where)
        kind = row.kind or (ANSWERABLE if answers else IMPOSSIBLE)
        questions[name] = one_turn(name, kind, row.question, answers, [list(places) for places in row.evidence])
    return make_data_set(path, questions, articles)


def _answers(given: str | tuple[str, ...] | None, where: str) -> tuple[str, ...]:
    """Return the accepted answers from `A|B`, a JSON list, or a list."""
    if isinstance(given, str) and given.lstrip().startswith('["'):
        try:
            given = tuple(json.loads(given))
        except json.JSONDecodeError as error:
            raise DatasetError(f"{where}: the answer begins like a JSON list but is none: {error.msg}") from error
        if not all(isinstance(one, str) for one in given):
            raise DatasetError(f"{where}: the answer is a list of something else than texts")
    found = given.split("|") if isinstance(given, str) else given or ()
    return tuple(dict.fromkeys(one.strip() for one in found if one.strip()))


def _csv_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield each row by column names, with the number of its last line."""
    found = rows(path)
    _, header = next(found, (1, []))
    names = [name.strip().casefold() for name in header]
    for name in ("question", "answer"):
        if name not in names:
            raise DatasetError(f"{path}: column {name!r} is missing; there are {', '.join(map(repr, names)) or 'none'}")
    for number, row in found:
        if len(row) != len(names):
            raise DatasetError(
                f"{path} line {number}: {len(row)} fields for {len(names)} columns; put quotes around text with commas"
            )
        yield number, dict(zip(names, row, strict=True))
