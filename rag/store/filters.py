"""Find the documents that meet a question's filters, with SQL."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.errors import UsageError
from rag.language.characters import name_key
from rag.store.view import View
from rag.types import Filters

# Up to this many matching passages are compared one by one; above it, proposals that do not match are dropped.
FEW = 2000
_BRACKETS = re.compile(r"\[!?(?:\w-\w|[\w ./])+\]")
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@dataclass(frozen=True)
class Matching:
    """The documents that meet a filter.

    Args:
        documents: Their numbers.
        passages: How many passages they have in total.
        share: `passages` as a share of all passages.
        few: The ids of these passages if they are few enough to be compared one by one, exactly.
        vectors: The vectors of `few`, float32 of shape (few, dimensions).
        copies: The paths of the other places of a document that meet the filter, by its number, the earliest first.
        main: The documents whose own name and details meet it.
    """

    documents: frozenset[int]
    passages: int
    share: float
    few: tuple[str, ...] = ()
    vectors: npt.NDArray[np.float32] | None = None
    copies: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    main: frozenset[int] = frozenset()


def matching(view: View, filters: Filters) -> Matching:
    """Return the documents of which a copy meets every condition.

    Raises:
        UsageError: `since` or `until` is not a date.
    """
    condition, values = _conditions(view, filters)
    own = view.rows(
        f"SELECT c.number, c.passages FROM documents c WHERE c.state IN ('live', 'changed') AND {condition('c.id')}",
        *values,
    )
    others = view.rows(
        "SELECT d.number, d.passages, c.path FROM places c JOIN documents d ON d.number = c.document "
        f"AND d.path != c.path WHERE d.state IN ('live', 'changed') AND {condition('d.id')} ORDER BY c.date, c.path",
        *values,
    )
    main = {row[0] for row in own}
    copies: dict[int, tuple[str, ...]] = {}
    for number, _, path in others:
        copies[number] = (*copies.get(number, ()), path)
    passages = dict([*((row[0], row[1]) for row in others), *own])
    documents, count = frozenset(passages), sum(passages.values())
    share = count / max(1, view.count()[1])
    if not 0 < count <= FEW:
        return Matching(documents, count, share, copies=copies, main=frozenset(main))
    ids, vectors = zip(*view.passage_vectors(view.chunk_ids(documents)), strict=True)
    return Matching(documents, count, share, ids, np.stack(vectors), copies, frozenset(main))


def unmet(filters: Filters) -> str:
    """Return the sentence that says that no article meets the filters."""
    parts = {
        "named or published by": " or ".join(pattern.strip("*") for pattern in filters.sources),
        "since": filters.since,
        "until": filters.until,
        "written by": " or ".join(filters.authors),
        "in the language": " or ".join(filters.languages),
    }
    said = ", ".join(f"{name} {value}" for name, value in parts.items() if value)
    chosen = "one of the chosen articles" if filters.documents else ""
    return f"No article in the library meets the filter ({'; '.join(filter(None, (chosen, said)))})."


def _conditions(view: View, filters: Filters) -> tuple[Callable[[str], str], list[object]]:
    """Return the SQL condition on a copy `c` (given how its document's id is called) and its values."""
    conditions = ["true"]
    values: list[object] = []

    def require(condition: str, *more: object) -> None:
        conditions.append(condition)
        values.extend(more)

    if filters.documents:
        require("ID IN (SELECT value FROM texts(?))", list(filters.documents))
    if since := day("since", filters.since):
        require("c.date >= ?", since)
    if until := day("until", filters.until):
        # Documents published during that day, month or year are included. Of one whose day is not known, that is sure
        # only if its whole month is.
        require("c.date != '' AND substr(c.date, 1, ?) <= ?", len(until), until)
        require(
            "substr(c.date, 1, 10) != substr(CAST(? AS TEXT), 1, CASE WHEN length(c.date) < 10 THEN length(c.date) "
            "ELSE 10 END) OR length(c.date) >= ?",
            until,
            len(until),
        )
        conditions[-1] = f"({conditions[-1]})"
    if filters.languages:
        wanted = [language.casefold() for language in filters.languages]
        require("c.language IN (SELECT value FROM texts(?))", wanted)
    if filters.authors:
        parts = [name_key(author) for author in filters.authors]
        named = [author for author in _every(view, "author") if author and any(p in name_key(author) for p in parts)]
        require("c.author IN (SELECT value FROM texts(?))", named)
    if filters.sources:
        require(*_of_sources(view, filters.sources))
    return (lambda name: " AND ".join(conditions).replace("ID IN", f"{name} IN", 1)), values


def _of_sources(view: View, patterns: Sequence[str]) -> tuple[Any, ...]:
    """Return the SQL condition that a copy's source name or publisher fits a pattern, and its values."""
    # Names in stores of older versions are not composed, so a pattern is also tried as it was given.
    folded = list(dict.fromkeys(key(pattern) for pattern in patterns for key in (name_key, str.casefold)))
    globs = [glob for pattern in folded if (glob := _as_glob(pattern)) is not None]
    others = [_compiled(pattern) for pattern in folded if _as_glob(pattern) is None]
    names = _every(view, "folded") if others else []
    named = [*folded, *(name for name in names if _fits(name, others))]  # "a [v2].txt" fits itself
    every = [_compiled(pattern) for pattern in folded]
    said = {p: name_key(p) for p in _every(view, "publisher") if p}
    publishers = [p for p, key in said.items() if key in folded or _fits(key, every)]
    fits = " OR ".join(["c.folded IN (SELECT value FROM texts(?))", *["c.folded GLOB ?"] * len(globs)])
    return f"({fits} OR c.publisher IN (SELECT value FROM texts(?)))", named, *globs, publishers


def _as_glob(pattern: str) -> str | None:
    """Return a file name pattern in SQLite's GLOB syntax, or None if GLOB may read it differently."""
    return None if "[" in _BRACKETS.sub("", pattern) else pattern.replace("[!", "[^")


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


def _fits(name: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    return any(pattern.match(name) for pattern in patterns)


def _every(view: View, column: str) -> list[str]:
    """Return the different values of a column of the documents and their places."""
    return [str(row[0]) for row in view.rows(f"SELECT {column} FROM documents UNION SELECT {column} FROM places")]


def day(name: str, value: str) -> str:
    """Return a filter's date, month or year, or an empty string, after checking it.

    Raises:
        UsageError: The value is not a date, month or year.
    """
    value = value.strip()
    if value:
        try:
            if not _DAY.fullmatch(value):
                raise ValueError
            date.fromisoformat(f"{value}-01-01"[:10])
        except ValueError as error:
            raise UsageError(f"{name} {value!r} is no date; write it like 2024-07-12, 2024-07 or 2024") from error
    return value
