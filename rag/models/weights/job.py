"""A running pull of weights: files are hashed as they arrive and accepted only if they are the official ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.models.weights.pins import Model, WeightFile, chunks

SPARE = 64 << 20  # bytes left free on the disk


class UnusableError(Exception):
    """A source cannot deliver; the text is the reason."""


class DamagedError(UnusableError):
    """A source delivered other bytes than the official ones."""


@dataclass
class Job:
    """A running pull; files are removed from `missing` as they are put in place."""

    model: Model
    home: Path
    partial: Path
    missing: list[WeightFile]
    bar: Any  # tqdm, which has no types
    local: Path | None

    def part(self, file: WeightFile, suffix: str) -> Path:
        """Return the path where `file` is written until it is complete."""
        return self.partial / (file.path.replace("/", "--") + suffix)

    def start(self, label: str) -> None:
        """Restart the progress bar."""
        self.bar.reset(total=sum(file.size for file in self.missing))
        self.bar.set_description(f"{self.model.name} ({label})")

    def land(self, file: WeightFile, chunks: Iterable[bytes]) -> None:
        """Write `file` from `chunks` and hash it; raises `DamagedError` if it is not the official one."""
        digest, size, part = hashlib.sha256(), 0, self.part(file, ".tmp")
        try:
            with part.open("wb") as out:
                for chunk in chunks:
                    size += len(chunk)
                    if size > file.size:  # this also stops a zip bomb
                        raise DamagedError(f"{file.path} is longer than the official {file.size:,} bytes")
                    digest.update(chunk)
                    out.write(chunk)
                    self.bar.update(len(chunk))
            self.place(file, part, digest.hexdigest())
        finally:
            part.unlink(missing_ok=True)

    def place(self, file: WeightFile, part: Path, found: str) -> None:
        """Move `part`, whose SHA-256 is `found`, to its place, or delete it and raise `DamagedError`."""
        if found != file.sha256:
            part.unlink()
            raise DamagedError(f"{file.path} has SHA-256 {found}, the official one is {file.sha256}")
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        target = self.home / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, target)
        self.missing.remove(file)


def copy(job: Job, locate: Callable[[WeightFile], Path | None]) -> None:
    """Copy the missing files from where `locate` finds them; raises `UnusableError` if some are still missing."""
    reason: UnusableError | None = None
    for file in list(job.missing):
        found = locate(file)
        if found is None:
            reason = reason or UnusableError(f"{file.path} is not there")
            continue
        try:
            job.land(file, chunks(found))
        except DamagedError as error:
            reason = error
    if reason:
        raise reason


def size_of(folder: Path) -> int:
    """Return the size of `folder` in bytes; files may disappear meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total
