"""One SQLite file: a writer, and readers of their own that no writer holds up. Only this module knows sqlite3."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import StoreError, one_line

Connection = sqlite3.Connection
# What every connection is set to. WAL lets readers see the last commit while the next one is written. With FULL each
# commit is on the disk before it returns (3 ms here, three a batch), so SQLite is never behind the indexes that are
# written after it, not even when the power fails; a killed process loses nothing with any setting.
_SETTINGS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -32768")
_MOST_IDLE = 8  # readers kept open


class Database:
    """One SQLite file, safe to use from several threads: writers take turns, each reader sees one moment.

    Args:
        path: The file; made when missing.

    Raises:
        StoreError: It cannot be opened or is no database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._idle_lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False
        self._writer = self._connect()

    def close(self) -> None:
        """Close the file; readers at work close theirs when they are done."""
        with self._idle_lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()
        with self._lock:
            self._writer.close()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Lend the writer for one transaction: kept when the block ends, undone when it raises.

        Raises:
            StoreError: The database failed; nothing of the transaction was kept.
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
        """Lend a reader that sees the database as it is at its first statement, whatever is written meanwhile.

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
        """Write a copy of the whole database; `copy` is there complete or not at all."""
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
        """Take rows whose parents are missing too, from now on."""
        with self._lock, self._translated():
            self._writer.execute("PRAGMA foreign_keys = OFF")

    def shrink(self) -> None:
        """Put everything into the one file, so that it can be moved."""
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
    """Read the names of the tables in a file that another engine opens, where there is one.

    Raises:
        StoreError: They cannot be read.
    """
    if not path.exists():
        return
    try:
        # Not read only: what a killed process left half written is undone by whoever opens the file next.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)
        try:
            connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} is damaged: {error}; run: rag doctor --repair, or remove that folder to have it rebuilt"
        ) from error
