"""Workers without a cluster: each prepares files in the thread that borrowed it, and may be lost at a given moment."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from fakes import FakeEmbedding

from rag.ingest.prepare import Files, Preparer
from rag.ingest.read import Part
from rag.ingest.spread import LostWorkerError, Prepared


class CrewWorker:
    """A `Preparer` that is new each time, as one on another machine would be after it was lost."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._preparer = Preparer(crew.embedding, 4)

    def read(self, number: int, files: Files) -> list[str]:
        self._crew.happens("read", number)
        return self._preparer.read(number, files)

    def embed(self, number: int, known: Collection[str]) -> Prepared:
        self._crew.happens("embed", number)
        parts, vectors = self._preparer.embed(number, known)
        return parts, vectors

    def vectors(self, parts: Sequence[Part]) -> Any:
        self._crew.happens("vectors", -1)
        return self._preparer.vectors(parts)


class Crew:
    """Workers that are always free. `lost` says how often one is lost in each step; `calls` are those made."""

    def __init__(self, lost: dict[tuple[str, int], int] | None = None, most: int = 2) -> None:
        self.embedding = FakeEmbedding()
        self.most = most
        self.calls: list[tuple[str, int]] = []
        self.before: Callable[[str, int], None] = lambda *_: None
        self._lost = dict(lost or {})
        self._lock = threading.Lock()

    def __call__(self) -> AbstractContextManager[Crew]:
        """Start them, as `sync` asks for it."""
        return contextlib.nullcontext(self)

    @contextlib.contextmanager
    def lend(self, stopped: threading.Event) -> Iterator[CrewWorker]:
        yield CrewWorker(self)

    def happens(self, step: str, number: int) -> None:
        self.before(step, number)
        with self._lock:
            self.calls.append((step, number))
            left = self._lost.get((step, number), 0)
            self._lost[step, number] = left - 1
        if left > 0:
            raise LostWorkerError("the machine was switched off")
