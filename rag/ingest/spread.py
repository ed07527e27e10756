"""Spread the reading and embedding of files over workers on other machines, in order and with a bound on what waits."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from rag.errors import ClusterError
from rag.ingest.pipeline import mapped
from rag.ingest.prepare import Files
from rag.ingest.read import BatchReader, Holds, Part
from rag.ingest.scan import Found
from rag.protocols import Vectors
from rag.types import File

Prepared = tuple[list[Part], list[Vectors] | None]
_FILES, _BYTES = 256, 128 * 1024  # files that one worker reads together, and their size; about 256 passages
_LARGE = 4 * 1024 * 1024  # a larger file is read here, so that what it holds is spread over many workers
_ATTEMPTS = 4  # with a worker each


class LostWorkerError(ClusterError):
    """A worker has ended; another one may do its work."""


class Worker(Protocol):
    """A `rag.ingest.prepare.Preparer` on some machine. Every method raises `LostWorkerError` when it is gone."""

    def read(self, number: int, files: Files) -> list[str]:
        """Read files; see `Preparer.read`."""

    def embed(self, number: int, known: Collection[str]) -> Prepared:
        """Embed what was read; see `Preparer.embed`."""

    def vectors(self, parts: Sequence[Part]) -> list[Vectors]:
        """Return the vectors of passages; see `Preparer.vectors`."""


class Workers(Protocol):
    """The workers of a cluster; implemented in `rag.ingest.ray_cluster`."""

    @property
    def most(self) -> int:
        """Return how many batches they take at the same time when all of them are there."""

    def lend(self, stopped: threading.Event) -> AbstractContextManager[Worker]:
        """Wait for a worker that is free, and lend it. One that is lost meanwhile is replaced.

        Raises:
            ClusterError: No worker is to be had, or `stopped` was set.
        """


@dataclass
class _Unit:
    """What one worker takes at a time: small files, or parts of a large one that were read here."""

    number: int
    files: list[tuple[Found, File | None]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    size: int = 0


class Spread:
    """Prepares files with workers. What a lost worker had is done again by another.

    Args:
        workers: The workers.
        reader: Reads large files here.
        holds: Returns which of the given document ids the store holds.
    """

    def __init__(self, workers: Workers, reader: BatchReader, holds: Holds) -> None:
        self._workers, self._reader, self._holds = workers, reader, holds
        self._lock = threading.Lock()
        self._under_way: dict[str, int] = {}  # documents, and the first unit that has each

    def batches(self, files: Iterable[tuple[Found, File | None]]) -> Generator[Prepared, None, None]:
        """Yield what these files hold with the vectors, in the order of the files. Close it if you leave early.

        Args:
            files: The files, each with what the store knows about it.

        Raises:
            ClusterError: The workers are gone, or do not see the files.
        """
        # One more than they take, so that none waits for the next; a slow one holds up what comes after twice that.
        window = 2 * self._workers.most + 1
        yield from mapped(self._units(files), self._prepare, window, self._reader.stopped.set)

    def written(self, parts: Sequence[Part]) -> None:
        """Note that these parts are now in the store."""
        self._reader.written(parts)
        with self._lock:
            for document_id in [document.id for part in parts for document, _ in part.documents]:
                self._under_way.pop(document_id, None)

    def _units(self, files: Iterable[tuple[Found, File | None]]) -> Iterator[_Unit]:
        unit = _Unit(0)
        for found, known in files:
            if unit.files and (found.size > _LARGE or len(unit.files) >= _FILES or unit.size + found.size > _BYTES):
                yield unit
                unit = _Unit(unit.number + 1)
            if found.size > _LARGE:
                for parts in self._reader.batches([(found, known)]):
                    yield _Unit(unit.number, parts=parts)
                    unit = _Unit(unit.number + 1)
            else:
                unit.files.append((found, known))
                unit.size += found.size
        if unit.files:
            yield unit

    def _prepare(self, unit: _Unit) -> Prepared:
        for _ in range(_ATTEMPTS):
            try:
                with self._workers.lend(self._reader.stopped) as worker:
                    return self._by(worker, unit)
            except LostWorkerError as error:
                last = error
        names = [found.source for found, _ in unit.files] or [unit.parts[0].found.source]
        raise ClusterError(
            f"{_ATTEMPTS} workers in a row ended while they had {names[0]}{' and others' if names[1:] else ''} "
            f"({last}); look into their machines' memory and Ray's logs, then run it again"
        ) from last

    def _by(self, worker: Worker, unit: _Unit) -> Prepared:
        if unit.parts:
            return unit.parts, worker.vectors(unit.parts)
        ids = worker.read(unit.number, unit.files)
        parts, vectors = worker.embed(unit.number, self._known(unit.number, ids))
        for part in parts:
            if part.is_gone and os.path.lexists(part.found.path):
                raise ClusterError(
                    f"a worker does not see {part.found.path}; put the articles in a folder that all machines of the "
                    "cluster share under the same path"
                )
        return parts, vectors

    def _known(self, number: int, ids: Sequence[str]) -> set[str]:
        """Return which of the documents need not be embedded: they are in the store, or will be before this unit."""
        with self._lock:
            before = {i for i in ids if self._under_way.setdefault(i, number) < number}
            self._under_way |= {i: number for i in ids if self._under_way[i] > number}
        # Looked up in this order: what is written in between is found in the store.
        return before | self._holds([i for i in ids if i not in before])
