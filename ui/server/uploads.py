"""Track uploaded files: their folder, their owners and their total size; does not depend on Gradio.

Gradio keeps every upload in one folder and lets any request name any file in it. Here each reader can use only files
from their own requests, and only until these are added to the library.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import BinaryIO

import filelock

from rag import UsageError

MOST_OF_READER = 1_000_000_000  # bytes that one reader's uploads may take until they are added
MOST_OF_ALL = 4_000_000_000  # bytes that all uploads may take
FREE = 500_000_000  # bytes that must stay free on the disk
FORGOTTEN = 3600.0  # seconds after which an upload that was not added is deleted
_PREFIX = "dateline-uploads-"
_MOST_NAME, _MOST_END = 50, 10  # characters of a file name before and after its last dot; each has up to 4 bytes


@dataclass
class _Upload:
    """One file: its size in bytes, the readers who uploaded it, and the upload time."""

    size: int
    owners: set[str] = field(default_factory=set)
    came: float = field(default_factory=time.monotonic)


class Uploads:
    """The uploads of this process.

    Args:
        folder: The folder of the uploads, which contains nothing else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._files: dict[Path, _Upload] = {}
        self._coming: dict[str, int] = {}
        self._lock = threading.Lock()

    def reserve(self, owner: str, size: int) -> None:
        """Reserve room for a request of `size` bytes that is about to be read; `release` gives it back.

        Raises:
            UsageError: This reader's uploads, or all uploads together, would take too much space.
        """
        self.sweep()
        with self._lock:
            held = sum(file.size for file in self._files.values() if owner in file.owners)
            if size + held + self._coming.get(owner, 0) > MOST_OF_READER:
                raise UsageError(f"more than {MOST_OF_READER // 1_000_000:,} MB of uploads; add fewer files at once")
            total = sum(file.size for file in self._files.values()) + sum(self._coming.values())
            if size + total > MOST_OF_ALL or shutil.disk_usage(self.folder).free < size + FREE:
                raise UsageError("there is no room for more uploads now; try again in some minutes")
            self._coming[owner] = self._coming.get(owner, 0) + size

    def release(self, owner: str, size: int) -> None:
        """Give back the room of a finished request."""
        with self._lock:
            self._coming[owner] -= size
            if not self._coming[owner]:
                del self._coming[owner]

    def note(self, owner: str, paths: Iterable[str]) -> None:
        """Record that this reader uploaded these files."""
        with self._lock:
            for path in map(self._inside, paths):
                if path and path.is_file():
                    self._files.setdefault(path, _Upload(path.stat().st_size)).owners.add(owner)

    def put(self, owner: str, name: str, file: BinaryIO) -> str:
        """Write a file into a folder of its own, record its owner and return its path.

        Args:
            owner: The id of the reader who uploaded it.
            name: Its name as the reader gave it; only its last part is used, with `_` for what no file name may have.
            file: The content, from its current position on.
        """
        last = re.sub(r'[\x00-\x1f<>:"|?*\ud800-\udfff]', "_", re.split(r"[/\\]", name)[-1]).strip(" .")
        stem, dot, end = last.rpartition(".")
        place = Path(tempfile.mkdtemp(dir=self.folder)) / (f"{stem[:_MOST_NAME]}{dot}{end[:_MOST_END]}" or "file")
        with place.open("wb") as target:
            shutil.copyfileobj(file, target)
        self.note(owner, [str(place)])
        return str(place)

    def owns(self, owner: str, path: str) -> bool:
        """Return whether this reader uploaded the file at `path` and it is not yet added."""
        found = self._inside(path)
        with self._lock:
            return found in self._files and owner in self._files[found].owners

    def drop(self, owner: str, path: str) -> None:
        """Release a reader's file, and delete it unless another reader uploaded the same one; ignore any other path."""
        found = self._inside(path)
        with self._lock:
            if found is None or found not in self._files:
                return
            self._files[found].owners.discard(owner)
            if not self._files[found].owners:
                self._delete(found)

    def sweep(self) -> None:
        """Delete uploads that were never added, and the remains of broken uploads."""
        with self._lock:
            now = time.monotonic()
            for path in [p for p, file in self._files.items() if now - file.came > FORGOTTEN]:
                self._delete(path)
            before = time.time() - FORGOTTEN
            for path in self.folder.rglob("*"):
                with contextlib.suppress(OSError):  # deleted in the meantime
                    if path not in self._files and path.name != "lock" and path.lstat().st_mtime < before:
                        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    def _inside(self, path: str) -> Path | None:
        """Return the file that a path leads to, or None if it is outside the folder."""
        try:
            found = Path(path).resolve()
        except (OSError, ValueError, RuntimeError):
            return None
        return found if self.folder in found.parents else None

    def _delete(self, path: Path) -> None:
        self._files.pop(path, None)
        with contextlib.suppress(OSError):  # the whole folder is deleted at the end anyway
            path.unlink()
            if path.parent != self.folder:
                path.parent.rmdir()  # Gradio gives each upload its own folder


@dataclass(frozen=True)
class Own:
    """The uploads of one reader."""

    uploads: Uploads
    owner: str

    def has(self, path: str) -> bool:
        """Return whether the reader uploaded the file at `path` and it is not yet added."""
        return self.uploads.owns(self.owner, path)

    def drop(self, path: str) -> None:
        """Delete one of the reader's files; ignore any other path."""
        self.uploads.drop(self.owner, path)


@cache
def uploads() -> Uploads:
    """Return this process's uploads, in a new folder that is deleted at exit; delete left-over folders now."""
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    _sweep_left_over(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    lock = filelock.FileLock(folder / "lock", thread_local=False)
    lock.acquire()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)  # where Gradio puts uploads, and the only place that it takes them from

    def end() -> None:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return Uploads(folder)


def _sweep_left_over(parent: Path) -> None:
    """Delete the folders of killed processes, whose locks are no longer held."""
    for folder in parent.glob(f"{_PREFIX}*"):
        lock = filelock.FileLock(folder / "lock", timeout=0, thread_local=False)
        with contextlib.suppress(OSError, filelock.Timeout):
            if folder.stat().st_uid == os.getuid() if hasattr(os, "getuid") else True:
                lock.acquire()
                lock.release()
                shutil.rmtree(folder, ignore_errors=True)
