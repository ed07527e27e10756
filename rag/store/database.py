"""Access to one SQLite file: one writer, and readers that never wait for it. Only this module uses sqlite3."""

from __future__ import annotations

import functools
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from rag.errors import StoreError, one_line
from rag.store import connection as common

# Settings of every connection. With WAL, readers see the last commit while the next one is written. With FULL, each
# commit is on disk before it returns (3 ms here, three per batch), so SQLite is never behind the indexes, which are
# written after it, not even after a power failure. A killed process loses nothing with any setting.
_SETTINGS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -32768")
T = TypeVar("T")
_MOST_IDLE = 8  # readers kept open


class Connection(sqlite3.Connection):
    """A connection that runs the statements of `rag.store.connection`."""

    logs = False  # only one process has the file

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        """Run a statement."""
        return super().execute(_spelled(statement), _bound(values) if list in map(type, values) else values)

    def executemany(self, statement: str, rows: Iterable[Any], /) -> sqlite3.Cursor:
        """Run a statement once for each row of values."""
        return super().executemany(_spelled(statement), rows)


@functools.lru_cache(maxsize=256)
def _spelled(statement: str) -> str:
    return statement.replace("texts(?)", "json_each(?)").replace("numbers(?)", "json_each(?)")


def _bound(values: Sequence[object]) -> list[object]:
    return [json.dumps(value) if isinstance(value, list) else value for value in values]


class Database:
    """One SQLite file, safe to use from several threads: writers take turns, and each reader sees one snapshot.

    Args:
        path: The file. It is created if missing.

    Raises:
        StoreError: The file cannot be opened or is not a database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._idle_lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False
        self._writer = self._connect()

    def close(self) -> None:
        """Close the file. Readers still in use close their connections when they are done."""
        with self._idle_lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()
        with self._lock:
            self._writer.close()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Lend the writer for one transaction: committed when the block ends, rolled back when it raises.

        Raises:
            StoreError: The database failed, and the transaction was rolled back.
        """
        with self._lock, self._translated():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a reader that sees the database as of its first statement, whatever is written meanwhile.

        Raises:
            StoreError: The database failed.
        """
        with self._translated():
            reader = self._take()
            try:
                reader.execute("BEGIN")
                yield reader
            finally:
                if reader.in_transaction:
                    reader.execute("ROLLBACK")
                self._give(reader)

    def lasting(self, work: Callable[[], T]) -> T:
        """Return what the work returns: there is no connection that could be lost."""
        return work()

    def back_up(self, copy: Path) -> None:
        """Write a copy of the whole database to `copy`, which appears only once it is complete."""
        partial = copy.with_name(f"{copy.name}.partial")
        with self._lock, self._translated():
            partial.unlink(missing_ok=True)
            target = sqlite3.connect(partial)
            try:
                self._writer.backup(target)
            finally:
                target.close()
            os.replace(partial, copy)

    def faults(self, connection: common.Connection, quick: bool = False) -> Iterator[str]:
        """Yield what is wrong with the file, from SQLite's own checks; with `quick`, its first fault at most."""
        advice = "" if quick else "; restore it from a copy, or ingest the articles into a new store"
        for (message,) in connection.execute("PRAGMA quick_check(1)" if quick else "PRAGMA integrity_check"):
            if message != "ok":
                yield " ".join(str(message).split()) + advice
        if not quick:
            for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
                yield f"row {row} of {table} belongs to none of {parent}"

    def forgive(self) -> None:
        """Stop enforcing foreign keys, so that rows whose parents are missing are accepted too."""
        with self._lock, self._translated():
            self._writer.execute("PRAGMA foreign_keys = OFF")

    def shrink(self) -> None:
        """Move everything from the WAL into the database file, so that the file can be moved."""
        with self._lock, self._translated():
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _take(self) -> Connection:
        with self._idle_lock:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give(self, reader: Connection) -> None:
        with self._idle_lock:
            if not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(reader)
                return
        reader.close()

    def _connect(self) -> Connection:
        with self._translated():
            if self._closed:
                raise StoreError(f"{self._path} is closed; open the store again")
            connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, factory=Connection)
            try:
                for setting in _SETTINGS:
                    connection.execute(f"PRAGMA {setting}")
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            raise StoreError(
                f"{self._path} cannot be used: {one_line(error)}; check the disk's space and the "
                "permissions, run: rag doctor --repair, or use another store"
            ) from error


def check_schema(path: Path) -> None:
    """Check that the schema of an SQLite file that another library opens can be read, if the file exists.

    Raises:
        StoreError: The schema cannot be read.
    """
    if not path.exists():
        return
    try:
        # Not read-only: whoever opens the file next rolls back what a killed process left half written.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)
        try:
            connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} is damaged: {error}; run: rag doctor --repair, or remove that folder to have it rebuilt"
        ) from error
