"""The file of the users: `users.db` in the store's folder, which only the user who runs the server can read."""

from __future__ import annotations

import os
import re
import stat
import threading
import unicodedata
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from rag.errors import StoreError, UsageError
from rag.store.connection import AnyDatabase, Connection
from rag.store.database import Database

NAME = "users.db"
_USABLE = re.compile(r"\w[\w.@+-]{0,63}")
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, "
    "password TEXT NOT NULL, stamp TEXT NOT NULL, added TEXT NOT NULL)",
    'CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, "user" TEXT NOT NULL REFERENCES users (id) ON DELETE '
    "CASCADE, name TEXT NOT NULL, role TEXT NOT NULL, hash TEXT NOT NULL, added TEXT NOT NULL, expires TEXT NOT NULL, "
    'UNIQUE ("user", name))',
    "CREATE TABLE IF NOT EXISTS ended (session TEXT PRIMARY KEY, expires TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
_OLDER = "SELECT 1 FROM pragma_table_info('meta') WHERE name = 'name'"


class Tables(ABC):
    """Where users and their keys are; opened when it is needed, and thread-safe."""

    def __init__(self) -> None:
        """Begin with nothing open."""
        self._lock = threading.Lock()
        self._opened: AnyDatabase | None = None

    def close(self) -> None:
        """Close what is open; it is opened again when it is needed."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened:
            opened.close()

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a query.

        Raises:
            StoreError: They cannot be read.
        """
        with self._database().read() as reader:
            return reader.execute(statement, values).fetchall()

    def write(self) -> AbstractContextManager[Connection]:
        """Lend the writer for one transaction; of all processes, one has it at a time.

        Raises:
            StoreError: Nothing can be written.
        """
        return self._database().write()

    def _database(self) -> AnyDatabase:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    @abstractmethod
    def _open(self) -> AnyDatabase:
        """Return the database with its tables made."""


class UsersFile(Tables):
    """The file of the users, which is created when something is first written.

    Args:
        folder: The store's folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / NAME

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a query; none where there is no file.

        Raises:
            StoreError: The file cannot be read.
        """
        return super().rows(statement, *values) if self._opened or self.path.exists() else []

    def _open(self) -> AnyDatabase:
        _make_private(self.path)
        database = Database(self.path)
        try:
            with database.write() as writer:
                for statement in _SCHEMA:
                    writer.execute(statement)
                if writer.execute(_OLDER).fetchone():
                    writer.execute("ALTER TABLE meta RENAME COLUMN name TO key")
        except BaseException:
            database.close()
            raise
        return database


def _make_private(path: Path) -> None:
    """Create a file that only this user can read, or make it one.

    Raises:
        StoreError: It belongs to another user, or cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if hasattr(os, "getuid") and stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be used: {error.strerror}; run this as the user who runs the server"
        ) from error


def folded(name: str) -> str:
    """Return a name as it is kept: small and capital letters, and other forms of a letter, are the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def checked_name(name: str) -> str:
    """Return the name of a user or key as it is kept.

    Raises:
        UsageError: It is not usable as a name.
    """
    name = folded(name)
    if not _USABLE.fullmatch(name):
        raise UsageError(f"{name[:80]!r} is not usable as a name; use up to 64 letters, digits and . _ - + @")
    return name


def moment(days: float = 0) -> str:
    """Return the time in some days from now, in UTC."""
    return (datetime.now(timezone.utc) + timedelta(days=days)).isoformat(timespec="seconds")
