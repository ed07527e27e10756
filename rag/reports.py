"""The reports that whole calls return: what an ingest did, and what the library says of a text."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rag.types import Citation


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did to each source.

    `moved` are the sources whose file was moved, `removed` those whose file is gone. `failed` holds each failure as
    (source, reason), `notices` other messages in the same form.
    """

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    notices: tuple[tuple[str, str], ...] = ()
    passages: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, ready for `json.dumps`."""
        return dataclasses.asdict(self)


def merge(reports: Sequence[IngestReport]) -> IngestReport:
    """Return several reports as one."""
    return IngestReport(
        added=tuple(name for r in reports for name in r.added),
        replaced=tuple(name for r in reports for name in r.replaced),
        unchanged=tuple(name for r in reports for name in r.unchanged),
        moved=tuple(name for r in reports for name in r.moved),
        removed=tuple(name for r in reports for name in r.removed),
        notices=tuple(entry for r in reports for entry in r.notices),
        failed=tuple(entry for r in reports for entry in r.failed),
        passages=sum(r.passages for r in reports),
        seconds=sum(r.seconds for r in reports),
    )


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """A sentence of a checked text.

    `verdict` is "supported", "contradicted" or "not found" (in the articles). `support` in [0, 1] is how likely the
    cited sentences support it; the citations of one that is not found are the nearest sentences.
    """

    text: str
    verdict: str
    support: float
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the library says of each sentence of a text; markers are numbered through the whole report."""

    items: tuple[CheckedSentence, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, ready for `json.dumps`."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        """Return each sentence with its verdict and its sources, for a terminal."""
        lines = []
        for item in self.items:
            lines.append(f"{item.verdict:12} {item.support:.2f}  {item.text}")
            if item.verdict != "not found":
                lines.extend(f"  [{c.marker}] {c.source}: “{c.quote}”" for c in item.citations)
        return "\n".join(lines)
