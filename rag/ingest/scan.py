"""What lies at the paths that a user gives: their article files with size and time, and what cannot be looked into."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import DocumentError
from rag.load.files import SUFFIXES

# A file that changed this short a while ago may change again within the same tick of the file system's clock.
RACY_NS = 2_000_000_000
_HIDDEN = (".", "~$")  # the latter is what word processors put beside an open file


@dataclass(frozen=True, slots=True)
class Found:
    """An article file.

    `path` is where the system finds it, `key` what the store calls that (absolute; a name that is no valid text is
    escaped), `source` its name in citations.
    """

    path: str
    key: str
    source: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Scan:
    """The files at some paths, by key; `folders` were looked through, below `unreadable` nothing could be seen."""

    files: dict[str, Found] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)

    def hides(self, key: str) -> bool:
        """Tell whether the file may be there all the same: it, or a folder above it, could not be looked at."""
        if not self.unreadable:
            return False
        above = key
        while above not in self.unreadable:
            shorter = above.rpartition("/")[0]
            if shorter == above or not shorter:
                return False
            above = shorter
        return True

    def mirrors(self, key: str) -> bool:
        """Tell whether the file would have been found if it were there."""
        return any(key.startswith(folder) for folder in self.folders) and not self.hides(key)


def scan(paths: Sequence[Path | str], held: Callable[[str], int]) -> Scan:
    """Return the article files at these paths. A file that is found twice is taken where it is found first.

    Links to files are followed; links to folders are not (they may lead round in a circle, or anywhere), which a notice
    says. Hidden files and folders are left out.

    Args:
        paths: Files and folders.
        held: How many files the store knows below a folder, to say so where it is empty now.

    Raises:
        DocumentError: A path does not exist, or is a folder that cannot be listed or holds no article.
    """
    found = Scan()
    for path in map(_absolute, paths):
        if os.path.isdir(path):
            _scan_folder(found, path, held)
        elif os.path.isfile(path):
            _take(found, path, key_of(path), text_of(os.path.basename(path)))
        else:
            raise DocumentError(f"{text_of(path)} does not exist{_known(held(key_of(path)))}")
    return found


def is_racy(mtime_ns: int) -> bool:
    """Tell whether a file changed so lately that its time cannot be relied on to tell of the next change."""
    return mtime_ns > time.time_ns() - RACY_NS


def key_of(path: str) -> str:
    """Return what the store calls an absolute path: with forward slashes, and valid text."""
    return text_of(path if os.sep == "/" else path.replace(os.sep, "/"))


def text_of(name: str) -> str:
    r"""Return a file name as valid text: bytes that are none in the file system's encoding become `\xNN`."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return name


def _absolute(path: Path | str) -> str:
    """Return a path without links in it but for its own name, so that the same file is known by one name."""
    given = Path(path).expanduser()
    try:
        return str(given.resolve() if given.is_dir() else given.parent.resolve() / given.name)
    except (OSError, RuntimeError) as error:  # a link that leads to itself
        raise DocumentError(f"{text_of(str(path))} cannot be followed: {error}; check its links") from error


def _scan_folder(found: Scan, folder: str, held: Callable[[str], int]) -> None:
    failed = len(found.failed)
    seen = _walk(found, folder)
    if key_of(folder) in found.unreadable:
        raise DocumentError(found.failed[failed][1])
    if not seen and len(found.failed) == failed:
        raise DocumentError(f"{text_of(folder)} holds no article file{_known(held(key_of(folder)))}")
    found.folders.append(key_of(folder).rstrip("/") + "/")


def _known(count: int) -> str:
    """Say what to do about a path where nothing is, which may be a disk that is not mounted."""
    if not count:
        return "; give a folder that holds articles, or a file"
    return (
        f" now, but holds articles in the store ({count} files), and nothing was removed; mount its disk, or let them "
        "go with: rag remove"
    )


def _walk(found: Scan, root: str) -> int:
    """Take all files below a folder, in the order of their names; return how many, those found before included."""
    seen = 0
    below = len(key_of(root).rstrip("/")) + 1  # where a source name begins in a key
    waiting = _listing(found, root, key_of(root))
    while waiting:
        entry = waiting.pop()
        key = key_of(entry.path)
        source = key[below:]
        try:
            if entry.is_dir(follow_symlinks=False):
                waiting.extend(_listing(found, entry.path, source))
            elif entry.is_symlink() and entry.is_dir():
                notice = f"{source} is a link to a folder, which is not followed; give that folder as well"
                found.notices.append((source, notice))
            elif entry.name.lower().endswith(SUFFIXES):
                seen += _take(found, entry.path, key, source)
        except OSError as error:
            _fail(found, key, source, f"cannot be looked at: {error.strerror}")
    return seen


def _listing(found: Scan, folder: str, source: str) -> list[os.DirEntry[str]]:
    """Return what a folder holds, last name first."""
    try:
        with os.scandir(folder) as listing:
            entries = [entry for entry in listing if not entry.name.startswith(_HIDDEN)]
    except OSError as error:
        _fail(found, key_of(folder), source, f"cannot be listed: {error.strerror}; check its permissions")
        return []
    return sorted(entries, key=lambda entry: entry.name, reverse=True)


def _take(found: Scan, path: str, key: str, source: str) -> int:
    """Take a file; return 1 if it is one, else 0."""
    if key in found.files:
        return 1
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            _fail(found, key, source, "is a link to nothing; mend or remove it")
        return 0  # gone since the folder was listed
    except OSError as error:
        _fail(found, key, source, f"cannot be looked at: {error.strerror}; check its permissions")
        return 0
    if not stat.S_ISREG(status.st_mode):
        return 0
    found.files[key] = Found(path, key, source, status.st_size, status.st_mtime_ns)
    return 1


def _fail(found: Scan, key: str, source: str, reason: str) -> None:
    found.unreadable.add(key)
    found.failed.append((source, f"{source} {reason}"))
