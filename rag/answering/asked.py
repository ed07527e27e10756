"""A question on its way to an answer: what was found for it, and what it has cost so far."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rag.models.meter import Meter
from rag.types import Filters, Hit


@dataclass(slots=True)
class Asked:
    """A question, and what its stages add.

    `wordings` are other wordings of a follow-up. `hits` are sentences for the question, best first, and `others` those
    for its parts and other wordings. `read` has the texts of the articles by id, `timings` the seconds of each stage.
    """

    question: str
    filters: Filters | None
    wordings: Sequence[str]
    meter: Meter
    read: dict[str, str] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)
    others: list[list[Hit]] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def took(self, stage: str, since: float | None = None) -> None:
        """Note how long a stage took that began at `since`, by default when the question was asked."""
        self.timings[stage] = time.perf_counter() - (self.started if since is None else since)
