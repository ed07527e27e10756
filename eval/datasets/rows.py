"""Read lines and rows of data set files, and name the file and line in errors."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag import UsageError

Text = Annotated[str, Field(pattern=r"\S")]
Loose = Annotated[str, Field(coerce_numbers_to_str=True)]  # people write numbers for names and answers
_Model = TypeVar("_Model", bound=BaseModel)


class DatasetError(UsageError):
    """A data set cannot be used; the message names the file and the line."""


class Line(BaseModel):
    """A part of a file; unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the errors of reading a file into a one-line message.

    Raises:
        DatasetError: The file is missing, not UTF-8, or the system does not allow reading it.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} cannot be read: it is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}; check the path") from error


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield each line of a JSON-lines file with its number; blank lines are skipped.

    Raises:
        DatasetError: The file cannot be read, is not UTF-8, or a line is not JSON.
    """
    # U+2028 and similar characters do not end a line in JSON lines.
    with reading(path), path.open(encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    found = json.loads(line)
                except json.JSONDecodeError as error:
                    where = f"{path} line {number}"
                    raise DatasetError(f"{where}: not JSON: {error.msg} at column {error.colno}") from error
                yield number, found


def first_problem(error: ValidationError) -> str:
    """Return where the first problem is and what it is, in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}{where and ': '}{first['msg']}"


def unique(name: str, line: int, seen: dict[str, int], path: str) -> None:
    """Record the line that has an id.

    Raises:
        DatasetError: An earlier line already has it.
    """
    if name in seen:
        raise DatasetError(f"{path} line {line}: id {name!r} is taken by line {seen[name]}")
    seen[name] = line


def rows(path: Path, delimiter: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield each non-empty row of a table with the number of its last line.

    Args:
        path: The file.
        delimiter: The separator of fields, which are then never quoted. If omitted, it is detected, since spreadsheets
            also write semicolons and tabs.

    Raises:
        DatasetError: The file cannot be read, is not UTF-8, or a row is broken.
    """
    with reading(path), path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter else csv.QUOTE_MINIMAL
        reader = csv.reader(file, delimiter=delimiter or max(",;\t", key=first.count), quoting=quoting, strict=True)
        try:
            for row in reader:
                if any(field.strip() for field in row):
                    yield reader.line_num, row
        except csv.Error as error:
            raise DatasetError(f"{path} line {reader.line_num}: {error}") from error


def validated(model: type[_Model], raw: Any, where: str) -> _Model:
    """Validate raw data and return it as a model; `where` names the file and line in a `DatasetError`."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise DatasetError(f"{where}: {first_problem(error)}") from error
