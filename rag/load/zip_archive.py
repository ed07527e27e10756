"""Read zip archives safely, also for Word files and e-books, which are zip archives too.

Nothing is ever unpacked to a path that the archive names: a member's content goes to an anonymous file, and its name is
only used as a label. The sizes that an archive declares are not trusted.
"""

from __future__ import annotations

import contextlib
import io
import posixpath
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

from rag.errors import DocumentError
from rag.language.characters import comparable
from rag.load.article import BombError, Input, one_line
from rag.types import Note

MAX_DEPTH = 3
_MAX_DIRECTORY = 32_000_000  # bytes of an archive's list of members: about 300,000 members
_UTF8 = 0x800
_MEMORY = 8_000_000  # larger members are buffered on disk
_BLOCK = 1 << 18
# What `zipfile` raises when an archive is broken.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class _Careful(io.RawIOBase):
    """A file that refuses any single read larger than a list of members may be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = _MAX_DIRECTORY + 1
        if size > _MAX_DIRECTORY + 1:
            raise zipfile.BadZipFile("its list of members is too long")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._file.seek(offset, whence)
        return self._file.tell()  # a temporary file's seek returns nothing before Python 3.11

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


class Archive:
    """The members of a zip file by name; parts of a name that lead out of the archive are removed."""

    def __init__(self, file: Input) -> None:
        """Read the list of members.

        Raises:
            DocumentError: The file is not an archive, or is broken.
        """
        self._file = file
        try:
            self._zip = zipfile.ZipFile(_Careful(file.file))
        except _BROKEN as error:
            raise DocumentError(
                f"{file.source} is a broken or truncated archive ({one_line(str(error))}); get it again"
            ) from error
        self.members: dict[str, zipfile.ZipInfo] = {}
        self.repeated: list[str] = []
        for info in self._zip.infolist():
            name = posixpath.normpath("/" + _name(info).replace("\\", "/")).lstrip("/")
            if info.is_dir():
                continue
            if name in self.members:
                self.repeated.append(name)
            else:
                self.members[name] = info

    def open(self, name: str) -> BinaryIO:
        """Return a member's content in a separate file: in memory, or on disk if it is large.

        Raises:
            DocumentError: The member is encrypted, compressed in an unusual way, or broken.
            BombError: It unpacks to more than the file's budget allows.
        """
        info = self.members[name]
        if info.flag_bits & 0x1:
            raise DocumentError(f"{name} is encrypted; unpack it with its password and add it")
        # Other compression methods cannot be unpacked within bounds.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DocumentError(
                f"{name} is packed in an unusual way (method {info.compress_type}); unpack it and add it"
            )
        with contextlib.ExitStack() as undo:
            target = undo.enter_context(tempfile.SpooledTemporaryFile(max_size=_MEMORY))
            self._unpack(name, info, target)
            undo.pop_all()
        target.seek(0)
        return cast(BinaryIO, target)

    def _unpack(self, name: str, info: zipfile.ZipInfo, target: IO[bytes]) -> None:
        try:
            with self._zip.open(info) as member:
                while block := member.read(_BLOCK):
                    self._file.budget.take(len(block), self._file.source)
                    target.write(block)
        except _BROKEN as error:
            raise DocumentError(f"{name} is broken in the archive ({one_line(str(error))}); get it again") from error

    def read(self, name: str, limit: int) -> bytes:
        """Return a member's content.

        Raises:
            DocumentError: The member does not exist, cannot be read, or has more than `limit` bytes.
        """
        if name not in self.members:  # a book may write a name otherwise than its archive does
            name = next((other for other in self.members if comparable(other) == comparable(name)), name)
        if name not in self.members:
            raise DocumentError(f"{self._file.source} is incomplete: it lacks {one_line(name)[:100]}; get it again")
        with self.open(name) as content:
            raw = content.read(limit + 1)
        if len(raw) > limit:
            raise DocumentError(f"{self._file.source} holds more than {limit / 1e6:g} MB in one part; split it")
        return raw


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name. Names without the mark for UTF-8 are said to be of MS-DOS, but many are UTF-8 as well."""
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def starts_zip(head: bytes, suffix: str) -> bool:
    """Return whether a file with these first bytes is a zip archive, whatever its name."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def read(file: Input) -> Iterator[Input | Note]:
    """Yield the files in an archive; hidden ones are skipped."""
    if file.depth >= MAX_DEPTH:
        raise DocumentError(f"{file.source} is an archive more than {MAX_DEPTH} archives deep; unpack it")
    archive = Archive(file)
    for name in archive.members:
        if re.search(r"(?:^|[/\\])(?:\.[^./\\]|__MACOSX[/\\]|~\$)", name):
            continue
        try:
            content = archive.open(name)
        except BombError:
            raise
        except DocumentError as error:
            yield Note(f"{file.source}!/{one_line(name)}", str(error))
            continue
        with content:
            yield file.part(one_line(name), content)
    for name in archive.repeated:
        yield Note(f"{file.source}!/{one_line(name)}", "stands in the archive twice; the first one was read")
