"""Uploaded files: where they lie, whose they are, and how much may lie there. Nothing here knows Gradio.

Gradio keeps every upload in one folder and lets any request name any file in it. Here each reader has only the files
that came with a request of theirs, and only until these were added to the library.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import filelock

from rag import UsageError

MOST_OF_READER = 1_000_000_000  # bytes that one reader's uploads may take until they are added
MOST_OF_ALL = 4_000_000_000  # bytes that all uploads may take
FREE = 500_000_000  # bytes that stay free on the disk
FORGOTTEN = 3600.0  # seconds after which an upload that nobody added is deleted
_PREFIX = "dateline-uploads-"


@dataclass
class _Upload:
    """One file: its size in bytes, who uploaded it, and when it came."""

    size: int
    owners: set[str] = field(default_factory=set)
    came: float = field(default_factory=time.monotonic)


class Uploads:
    """The uploads of this process.

    Args:
        folder: Where they lie; nothing else does.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._files: dict[Path, _Upload] = {}
        self._coming: dict[str, int] = {}
        self._lock = threading.Lock()

    def reserve(self, owner: str, size: int) -> None:
        """Make room for a request of `size` bytes that is about to be read; `release` gives it back.

        Raises:
            UsageError: This reader's uploads, or all of them, would take too much.
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
        """Give back the room of a request that ended."""
        with self._lock:
            self._coming[owner] -= size
            if not self._coming[owner]:
                del self._coming[owner]

    def note(self, owner: str, paths: Iterable[str]) -> None:
        """Remember that this reader uploaded these files."""
        with self._lock:
            for path in map(self._inside, paths):
                if path and path.is_file():
                    self._files.setdefault(path, _Upload(path.stat().st_size)).owners.add(owner)

    def owns(self, owner: str, path: str) -> bool:
        """Tell whether this reader uploaded the file at `path`, and it was not added yet."""
        found = self._inside(path)
        with self._lock:
            return found in self._files and owner in self._files[found].owners

    def drop(self, owner: str, path: str) -> None:
        """Let go of a file: it is deleted when no other reader has uploaded the same. Any other path is left alone."""
        found = self._inside(path)
        with self._lock:
            if found is None or found not in self._files:
                return
            self._files[found].owners.discard(owner)
            if not self._files[found].owners:
                self._delete(found)

    def sweep(self) -> None:
        """Delete what was uploaded and never added, and what broken uploads left behind."""
        with self._lock:
            now = time.monotonic()
            for path in [p for p, file in self._files.items() if now - file.came > FORGOTTEN]:
                self._delete(path)
            before = time.time() - FORGOTTEN
            for path in self.folder.rglob("*"):
                with contextlib.suppress(OSError):  # it went meanwhile
                    if path not in self._files and path.name != "lock" and path.lstat().st_mtime < before:
                        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    def _inside(self, path: str) -> Path | None:
        """Return the file that a path leads to, where it lies in the folder."""
        try:
            found = Path(path).resolve()
        except (OSError, ValueError, RuntimeError):
            return None
        return found if self.folder in found.parents else None

    def _delete(self, path: Path) -> None:
        self._files.pop(path, None)
        with contextlib.suppress(OSError):  # the folder is deleted as a whole at the end
            path.unlink()
            if path.parent != self.folder:
                path.parent.rmdir()  # Gradio gives each upload a folder of its own


@dataclass(frozen=True)
class Own:
    """The uploads of one reader."""

    uploads: Uploads
    owner: str

    def has(self, path: str) -> bool:
        """Tell whether the reader uploaded the file at `path`, and it was not added yet."""
        return self.uploads.owns(self.owner, path)

    def drop(self, path: str) -> None:
        """Delete a file of the reader's; any other path is left alone."""
        self.uploads.drop(self.owner, path)


@cache
def uploads() -> Uploads:
    """Return the uploads of this process, in a new folder that is deleted at its end; left-over ones go now."""
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    _sweep_left_over(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    lock = filelock.FileLock(folder / "lock", thread_local=False)
    lock.acquire()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)  # where Gradio puts them, and the only place it takes them from

    def end() -> None:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return Uploads(folder)


def _sweep_left_over(parent: Path) -> None:
    """Delete the folders of processes that were killed: nobody holds their locks."""
    for folder in parent.glob(f"{_PREFIX}*"):
        lock = filelock.FileLock(folder / "lock", timeout=0, thread_local=False)
        with contextlib.suppress(OSError, filelock.Timeout):
            if folder.stat().st_uid == os.getuid() if hasattr(os, "getuid") else True:
                lock.acquire()
                lock.release()
                shutil.rmtree(folder, ignore_errors=True)
