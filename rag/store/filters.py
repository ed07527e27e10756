"""Find the documents that meet a question's filters, with SQL."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
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
    """

    documents: frozenset[int]
    passages: int
    share: float
    few: tuple[str, ...] = ()
    vectors: npt.NDArray[np.float32] | None = None


def matching(view: View, filters: Filters) -> Matching:
    """Return the documents that meet every condition.

    Raises:
        UsageError: `since` or `until` is not a date.
    """
    conditions = ["d.state IN ('live', 'changed')"]
    values: list[object] = []

    def require(condition: str, *more: object) -> None:
        conditions.append(condition)
        values.extend(more)

    if filters.documents:
        require("d.id IN (SELECT value FROM json_each(?))", json.dumps(filters.documents))
    if since := day("since", filters.since):
        require("d.date >= ?", since)
    if until := day("until", filters.until):
        # Documents published during that day, month or year are included; those with a less exact date are not.
        require("d.date != '' AND substr(d.date, 1, ?) <= ? AND length(d.date) >= ?", len(until), until, len(until))
    if filters.languages:
        wanted = [language.casefold() for language in filters.languages]
        require("d.language IN (SELECT value FROM json_each(?))", json.dumps(wanted))
    if filters.authors:
        parts = [name_key(author) for author in filters.authors]
        authors = _distinct(view, "documents", "author")
        named = [author for author in authors if author and any(part in name_key(author) for part in parts)]
        require("d.author IN (SELECT value FROM json_each(?))", json.dumps(named))
    if filters.sources:
        require(*_of_sources(view, filters.sources))
    rows = view.rows(f"SELECT d.number, d.passages FROM documents d WHERE {' AND '.join(conditions)}", *values)
    documents, passages = frozenset(row[0] for row in rows), sum(row[1] for row in rows)
    share = passages / max(1, view.count()[1])
    if not 0 < passages <= FEW:
        return Matching(documents, passages, share)
    ids, vectors = zip(*view.passage_vectors(view.chunk_ids(documents)), strict=True)
    return Matching(documents, passages, share, ids, np.stack(vectors))


def _of_sources(view: View, patterns: Sequence[str]) -> tuple[Any, ...]:
    """Return the SQL condition that a source name (of any place) or the publisher fits a pattern, and its values."""
    # Names in stores of older versions are not composed, so a pattern is also tried as it was given.
    folded = list(dict.fromkeys(key(pattern) for pattern in patterns for key in (name_key, str.casefold)))
    globs = [glob for pattern in folded if (glob := _as_glob(pattern)) is not None]
    others = [_compiled(pattern) for pattern in folded if _as_glob(pattern) is None]
    names = _distinct(view, "places", "folded") + _distinct(view, "documents", "folded") if others else []
    named = json.dumps([*folded, *(name for name in names if _fits(name, others))])  # "a [v2].txt" fits itself
    every = [_compiled(pattern) for pattern in folded]
    said = {p: name_key(p) for p in _distinct(view, "documents", "publisher") if p}
    publishers = json.dumps([p for p, key in said.items() if key in folded or _fits(key, every)])
    fits = " OR ".join(["folded IN (SELECT value FROM json_each(?))", *["folded GLOB ?"] * len(globs)])
    condition = (
        f"d.number IN (SELECT document FROM places WHERE {fits} UNION SELECT number FROM documents WHERE {fits} "
        "UNION SELECT number FROM documents WHERE publisher IN (SELECT value FROM json_each(?)))"
    )
    return condition, named, *globs, named, *globs, publishers


def _as_glob(pattern: str) -> str | None:
    """Return a file name pattern in SQLite's GLOB syntax, or None if GLOB may read it differently."""
    return None if "[" in _BRACKETS.sub("", pattern) else pattern.replace("[!", "[^")


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


def _fits(name: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    return any(pattern.match(name) for pattern in patterns)


def _distinct(view: View, table: str, column: str) -> list[str]:
    return [str(row[0]) for row in view.rows(f"SELECT DISTINCT {column} FROM {table}")]


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
