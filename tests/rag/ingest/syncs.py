"""Helpers for the tests of a sync: three articles, a large table, and the results of an ingest."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from rag import Engine
from rag.reports import IngestReport

THREE = {
    "cod.txt": "The cod left the harbour in May 2019. Captain Odile Brandt saw it.",
    "b/news.md": "Herring came home.",
    "b/pike.txt": "A pike was seen under the bridge.",
}
STATES = ("added", "replaced", "unchanged", "moved", "removed", "failed")


def did(report: IngestReport) -> dict[str, tuple[Any, ...]]:
    """Return the non-empty results of an ingest."""
    return {state: found for state in STATES if (found := getattr(report, state))}


def settle(folder: Path) -> None:
    """Make all files old enough that a sync relies on their times."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            past = time.time() - 3600
            os.utime(path, (past, past))


def library(engine: Engine) -> dict[str, str]:
    """Return the text of each source, copies included."""
    texts = {}
    for entry in engine.sources():
        for source in (entry.source, *entry.copies):
            texts[source] = engine.document(entry.id).text
    return texts


def assert_sound(engine: Engine) -> None:
    assert list(engine._index.problems()) == []


def rows(count: int, word: str = "row") -> str:
    return "".join(
        json.dumps({"title": f"Title {n}", "text": f"This is {word} {n} of the table. It stands by itself."}) + "\n"
        for n in range(count)
    )
