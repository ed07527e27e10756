"""Read new and changed files and split them into passages, in batches of bounded size."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import DocumentError, RagError, one_line
from rag.ingest.changes import by_columns
from rag.ingest.objects import UNKNOWN, copied, is_object
from rag.ingest.scan import Found, is_racy
from rag.load.files import read
from rag.load.passages import split
from rag.types import Chunk, Document, File, Note

BATCH = 256  # passages that are embedded together
LATER = UNKNOWN  # stored as a file's time, so that its bytes are compared again next time
_ATTEMPTS = 3
_PAGE = 1 << 20
_WEIGHT_CHARS = 2000  # this much text counts as one passage, so that known articles do not pile up either

Holds = Callable[[Sequence[str]], set[str]]


@dataclass(slots=True)
class Part:
    """What one write takes from one file: all of it, or a part of a large file.

    `documents` come with their passages, or with None where the store holds the passages. `file` is what the store
    records about the file, or None if it cannot be read. `is_last` says that no more parts of the file follow,
    `is_whole` that it has been read completely, `is_same` that its bytes are those that the store knows, and `is_gone`
    that it disappeared meanwhile.
    """

    found: Found
    file: File | None = None
    documents: list[tuple[Document, tuple[Chunk, ...] | None]] = field(default_factory=list)
    is_last: bool = False
    is_whole: bool = False
    is_same: bool = False
    is_gone: bool = False
    failed: list[tuple[str, str]] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)
    passages: int = 0
    weight: int = 1

    def add(self, document: Document, chunks: tuple[Chunk, ...] | None) -> None:
        """Add a document with its passages."""
        self.documents.append((document, chunks))
        self.passages += len(chunks or ())
        self.weight += len(chunks or ()) + 1 + len(document.text) // _WEIGHT_CHARS

    def leave_out(self, known: Collection[str]) -> None:
        """Leave out the passages of these documents, which the store holds."""
        self.documents = [(d, None if d.id in known else chunks) for d, chunks in self.documents]
        self.passages = sum(len(chunks or ()) for _, chunks in self.documents)


class _Broken(Note):
    """A failure after which nothing more can be read from a file."""


class BatchReader:
    """Reads files one after another, from one thread at a time.

    Args:
        holds: Returns which of the given document ids the store holds.
        size: The most sentences in a passage.
        columns: The names of the columns of tables; see `rag.load.files.read`.
    """

    def __init__(self, holds: Holds, size: int, columns: Mapping[str, str] | None = None) -> None:
        self.stopped = threading.Event()
        self._holds = holds
        self._size = size
        self._columns = columns
        self._lock = threading.Lock()
        self._under_way: set[str] = set()

    def batches(self, files: Iterable[tuple[Found, File | None]]) -> Iterator[list[Part]]:
        """Yield what these files hold, about `BATCH` passages at a time, until `stopped` is set.

        Args:
            files: The files, each with what the store knows about it.
        """
        batch: list[Part] = []
        weight = 0
        for found, known in files:
            for part in self._file(found, known):
                if self.stopped.is_set():
                    return
                batch.append(part)
                weight += part.weight
                if weight >= BATCH:
                    yield batch
                    batch, weight = [], 0
        if batch:
            yield batch

    def written(self, parts: Iterable[Part]) -> None:
        """Note that these parts are now in the store."""
        with self._lock:
            self._under_way.difference_update(document.id for part in parts for document, _ in part.documents)

    def _file(self, found: Found, known: File | None) -> Iterator[Part]:
        return self._object(found, known) if is_object(found.path) else self._local(found, known)

    def _object(self, found: Found, known: File | None) -> Iterator[Part]:
        """Read an object from a copy of it, which cannot change meanwhile."""
        try:
            with copied(found.path, found.size, found.mtime_ns) as (path, stored):
                file = File(found.key, stored.size, stored.mtime_ns, self._hash(path, found.path))
                if not stored.tag and is_racy(file.mtime_ns):
                    file = dataclasses.replace(file, mtime_ns=LATER)
                if known and known.hash == file.hash:
                    yield Part(found, file, is_last=True, is_same=True)
                    return
                with contextlib.closing(self.parts(found, file, self._items(found, path))) as parts:
                    yield from map(self._begun, parts)
        except FileNotFoundError:
            yield Part(found, is_last=True, is_gone=True)
        except DocumentError as error:
            yield Part(found, is_last=True, failed=[(found.source, str(error))])

    def _local(self, found: Found, known: File | None) -> Iterator[Part]:
        for _ in range(_ATTEMPTS):
            yielded = False
            try:
                before = _look(found.path)
                file = File(found.key, before[0], before[1], self._hash(found.path, found.path))
                if is_racy(file.mtime_ns):
                    file = dataclasses.replace(file, mtime_ns=LATER)
                if known and known.hash == file.hash:
                    yield Part(found, file, is_last=True, is_same=True)
                    return
                with contextlib.closing(self.parts(found, file, self._items(found))) as parts:
                    for part in parts:
                        if _look(found.path) != before:
                            break
                        yielded = True
                        yield self._begun(part)
                    else:
                        return
            except FileNotFoundError:
                yield Part(found, is_last=True, is_gone=True)
                return
            except OSError as error:
                yield _failure(found, f"cannot be read: {error.strerror or error}; check the file and its permissions")
                return
            if yielded:  # a large file: its written parts stay until it has been read without a change
                break
        yield _failure(found, "changes while it is read; it is read again with the next ingest")

    def _begun(self, part: Part) -> Part:
        """Note that what is new in a part will be written, and return the part."""
        with self._lock:
            self._under_way.update(d.id for d, chunks in part.documents if chunks is not None)
        return part

    def parts(
        self, found: Found, file: File, items: Generator[Document | Note, None, None]
    ) -> Generator[Part, None, None]:
        """Yield a file's documents in parts; the last part says what happened to the file as a whole.

        Args:
            found: Where the file is, and its name.
            file: What the store will record about it.
            items: What the file holds, as yielded by `guarded`.
        """
        part, count, broken = Part(found, file), 0, False
        new: set[str] = set()
        with contextlib.closing(items):
            for item in items:
                if self.stopped.is_set():
                    return
                if isinstance(item, Document):
                    count += self._take(part, item, new)
                else:
                    (part.failed if item.failed else part.notices).append((item.source, item.text))
                    broken = broken or isinstance(item, _Broken)
                if part.weight >= BATCH:
                    yield part
                    part = Part(found, file)
                    new.clear()  # they are under way now
        # A file that breaks off or has nothing readable does not count as whole, so what it held before is kept.
        part.is_last, part.is_whole = True, count > 0 and not broken
        if not (count or part.failed):
            part.failed.append((found.source, f"{found.source} holds no article; remove it or fill it"))
        yield part

    def _take(self, part: Part, document: Document, new: set[str]) -> int:
        """Add a document to a part; return 1, or 0 if it cannot be split into passages."""
        found = part.found
        place = found.key + document.source.removeprefix(found.source) if found.key else ""
        try:
            chunks = self._split(document, new)
        except RagError:
            raise  # an error of the store
        except Exception as error:  # one unexpected text must not stop the others
            reason = f"{document.source} cannot be split into passages ({one_line(error, named=True)})"
            part.failed.append((document.source, reason))
            return 0
        part.add(dataclasses.replace(document, path=place), chunks)
        return 1

    def _items(self, found: Found, copy: Path | None = None) -> Generator[Document | Note, None, None]:
        return guarded(found.source, lambda: read(copy or Path(found.path), found.source, self._columns))

    def _split(self, document: Document, new: set[str]) -> tuple[Chunk, ...] | None:
        """Return a document's passages, or None if they are in the store or about to be written to it."""
        # Check those under way first: if one is written between the two checks, the second one finds it in the store.
        with self._lock:
            if document.id in new or document.id in self._under_way:
                return None
        if self._holds([document.id]):
            return None
        new.add(document.id)
        return tuple(split(document, self._size))

    def _hash(self, path: Path | str, name: str) -> str:
        """Return the SHA-256 of the bytes at a path and, if the name is that of a table, of the column names given."""
        digest = hashlib.sha256()
        with open(path, "rb") as stream:
            while page := stream.read(_PAGE):
                digest.update(page)
                if self.stopped.is_set():
                    break
        if by_columns(name, self._columns):
            digest.update(repr(sorted((self._columns or {}).items())).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def guarded(source: str, items: Callable[[], Iterable[Document | Note]]) -> Generator[Document | Note, None, None]:
    """Yield everything that a file's reader yields, and if it fails, its error as a note at the end."""
    try:
        yield from items()
    except DocumentError as error:
        yield _Broken(source, str(error))
    except Exception as error:  # a broken file may break a reader in ways that no list of exceptions covers
        yield _Broken(source, f"{source} cannot be read ({one_line(error, named=True)})")


def _look(path: str) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ino


def _failure(found: Found, reason: str) -> Part:
    return Part(found, is_last=True, failed=[(found.source, f"{found.source} {reason}")])
