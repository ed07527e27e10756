"""Access to one SQLite file: one writer, and readers that never wait for it. Only this module uses sqlite3."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import StoreError, one_line

Connection = sqlite3.Connection
# Settings of every connection. With WAL, readers see the last commit while the next one is written. With FULL, each
# commit is on disk before it returns (3 ms here, three per batch), so SQLite is never behind the indexes, which are
# written after it, not even after a power failure. A killed process loses nothing with any setting.
_SETTINGS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -32768")
_MOST_IDLE = 8  # readers kept open


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
            connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
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
