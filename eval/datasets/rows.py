"""Lines and rows of the files that data sets come in; what is wrong in one is named with its line."""

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
Loose = Annotated[str, Field(coerce_numbers_to_str=True)]  # people write numbers where a name or an answer is meant
_Model = TypeVar("_Model", bound=BaseModel)


class DatasetError(UsageError):
    """A data set cannot be used; the message names the file and the line."""


class Line(BaseModel):
    """A part of a file; what else stands there is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in one line what is wrong with a file that cannot be read.

    Raises:
        DatasetError: It is not there, not UTF-8, or the system does not let us.
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
        DatasetError: The file cannot be read, is not UTF-8, or a line is no JSON.
    """
    # U+2028 and its like are no line ends in JSON lines.
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
    """Note that an id stands in a line.

    Raises:
        DatasetError: It stood in an earlier line already.
    """
    if name in seen:
        raise DatasetError(f"{path} line {line}: id {name!r} is taken by line {seen[name]}")
    seen[name] = line


def rows(path: Path, delimiter: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield each row of a table that is not empty, with the number of its last line.

    Args:
        path: The file.
        delimiter: What stands between fields, which are then never quoted; found out when left out, since
            spreadsheets also write semicolons and tabs.

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
    """Return what was read as a model; `where` names the file and the line in a `DatasetError`."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise DatasetError(f"{where}: {first_problem(error)}") from error
