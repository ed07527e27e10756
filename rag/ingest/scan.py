"""Scan the paths that a user gives for article files, with their size and time, and for what cannot be read."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import DocumentError
from rag.ingest.objects import is_object, listing
from rag.load.files import SUFFIXES

# A file that changed less than this ago may change again within the same tick of the file system's clock.
RACY_NS = 2_000_000_000
_HIDDEN = (".", "~$")  # word processors create "~$" files beside an open file


@dataclass(frozen=True, slots=True)
class Found:
    """An article file.

    `path` is its path in the file system or its address in an object store, `key` the store's name for that (absolute,
    with names that are not valid text escaped), and `source` its name in citations.
    """

    path: str
    key: str
    source: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Scan:
    """The files at some paths, by key; `folders` were searched, and nothing below `unreadable` could be."""

    files: dict[str, Found] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)

    def hides(self, key: str) -> bool:
        """Return whether the file may exist although it was not found: it, or a folder above it, is unreadable."""
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
        """Return whether the file would have been found if it existed."""
        return any(key.startswith(folder) for folder in self.folders) and not self.hides(key)


def scan(paths: Sequence[Path | str], held: Callable[[str], int]) -> Scan:
    """Return the article files at these paths. A file that is found twice counts where it is found first.

    Links to files are followed. Links to folders are not (they may lead in a circle, or anywhere), and a notice says
    so. Hidden files and folders are left out.

    Args:
        paths: Files and folders, and addresses of them in object stores.
        held: Returns how many files the store knows below a folder, for the message when that folder is empty now.

    Raises:
        DocumentError: A path does not exist, or is a folder that cannot be listed or holds no article.
        ObjectStoreError: An object store cannot be reached.
        UsageError: An address is not one, or the package for this kind of store is not installed.
    """
    found = Scan()
    for given in paths:
        if is_object(given):
            _scan_objects(found, str(given), held)
            continue
        path = _absolute(given)
        if os.path.isdir(path):
            _scan_folder(found, path, held)
        elif os.path.isfile(path):
            _take(found, path, key_of(path), text_of(os.path.basename(path)))
        else:
            raise DocumentError(f"{text_of(path)} does not exist{_known(held(key_of(path)))}")
    return found


def is_racy(mtime_ns: int) -> bool:
    """Return whether a file changed so recently that another change might not show in its time."""
    return mtime_ns > time.time_ns() - RACY_NS


def key_of(path: str) -> str:
    """Return the store's name for an absolute path: with forward slashes, and as valid text."""
    return text_of(path if os.sep == "/" else path.replace(os.sep, "/"))


def text_of(name: str) -> str:
    r"""Return a file name as valid text: bytes that are not valid in the file system's encoding become `\xNN`."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return name


def _absolute(path: Path | str) -> str:
    """Resolve all links in a path except a file's own name, so that the same file always has the same path."""
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


def _scan_objects(found: Scan, url: str, held: Callable[[str], int]) -> None:
    root, objects = listing(url)
    folder = f"{root.rstrip('/')}/"
    single = [stored for stored in objects if stored.url == root] if len(objects) == 1 else []
    below = [stored for stored in objects if stored.url.startswith(folder) and _is_article(stored.url[len(folder) :])]
    if not single and not below:
        raise DocumentError(f"{url} holds no article file{_known(held(key_of(root)), 'check the address')}")
    for stored in single or below:
        source = text_of(stored.url.rpartition("/")[2] if single else stored.url[len(folder) :])
        key = text_of(stored.url)
        found.files.setdefault(key, Found(stored.url, key, source, stored.size, stored.mtime_ns))
    if not single:
        found.folders.append(text_of(folder))


def _is_article(name: str) -> bool:
    """Return whether an object is taken as a file of a folder would be."""
    return name.lower().endswith(SUFFIXES) and not any(part.startswith(_HIDDEN) for part in name.split("/"))


def _known(count: int, advice: str = "mount its disk") -> str:
    """Return what to do about an empty or missing path, which may be a disk that is not mounted."""
    if not count:
        return "; give a folder that holds articles, or a file"
    files = "1 file" if count == 1 else f"{count:,} files"
    return (
        f" now, but holds articles in the store ({files}), and nothing was removed; {advice}, or let them "
        "go with: rag remove"
    )


def _walk(found: Scan, root: str) -> int:
    """Add all files below a folder, sorted by name; return how many there are, including those found before."""
    seen = 0
    below = len(key_of(root).rstrip("/")) + 1  # position in a key at which the source name begins
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
    """Return the entries of a folder in reverse order of their names."""
    try:
        with os.scandir(folder) as listing:
            entries = [entry for entry in listing if not entry.name.startswith(_HIDDEN)]
    except OSError as error:
        _fail(found, key_of(folder), source, f"cannot be listed: {error.strerror}; check its permissions")
        return []
    return sorted(entries, key=lambda entry: entry.name, reverse=True)


def _take(found: Scan, path: str, key: str, source: str) -> int:
    """Add a file; return 1 if it is a regular file that exists, else 0."""
    if key in found.files:
        return 1
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            _fail(found, key, source, "is a link to nothing; mend or remove it")
        return 0  # deleted since the folder was listed
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
