"""Users, their log and the feedback in PostgreSQL, where all replicas of a server have them in common."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.errors import StoreError
from rag.store.postgres import Connection, PostgresSchema
from rag.users.file import Tables, UsersFile
from rag.users.log import UserLog

SCHEMA = "dateline_server"  # never a collection's: their schemas begin with `dateline-`
log = logging.getLogger(__name__)
MOST_LINES = 500_000  # of the log, after which its oldest ones are removed
_TAKEN = {
    "users": "id, name, role, password, stamp, added",
    "keys": 'id, "user", name, role, hash, added, expires',
    "ended": "session, expires",
    "meta": "key, value",
}
_LAYOUTS = (
    """
    CREATE DOMAIN words AS TEXT COLLATE "C";
    CREATE TABLE meta (key words PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE users (
        id words PRIMARY KEY, name words NOT NULL UNIQUE, role words NOT NULL, password TEXT NOT NULL,
        stamp words NOT NULL, added words NOT NULL);
    CREATE TABLE keys (
        id words PRIMARY KEY, "user" words NOT NULL REFERENCES users (id) ON DELETE CASCADE, name words NOT NULL,
        role words NOT NULL, hash words NOT NULL, added words NOT NULL, expires words NOT NULL, UNIQUE ("user", name));
    CREATE TABLE ended (session words PRIMARY KEY, expires words NOT NULL);
    CREATE TABLE log (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, line TEXT NOT NULL);
    CREATE TABLE feedback (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, line TEXT NOT NULL);
    """,
)


class SharedTables(Tables):
    """The tables of a server in PostgreSQL, which are made when they are first used.

    Args:
        url: The database, as in the setting `database`.
        folder: The store's folder. The users in its file are moved to a database that has none.
    """

    def __init__(self, url: str, folder: Path | None = None) -> None:
        super().__init__()
        self._url = url
        self._folder = folder

    def _open(self) -> PostgresSchema:
        schema = _ServerSchema(self._url, SCHEMA, _LAYOUTS)
        try:
            if self._folder is not None:
                _take_over(UsersFile(self._folder), schema)
        except BaseException:
            schema.close()
            raise
        return schema


class _ServerSchema(PostgresSchema):
    """The schema, in which one process at a time writes."""

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as writer:
            writer.execute("SELECT pg_advisory_xact_lock(hashtext(?))", (SCHEMA,))
            yield writer


def _take_over(file: UsersFile, schema: PostgresSchema) -> None:
    """Move the users of a file to a database without users, so that whoever needed a user still does.

    Raises:
        StoreError: The file cannot be read or renamed, or the database failed.
    """
    if not file.path.exists():
        return
    with schema.write() as writer:
        if writer.execute("SELECT 1 FROM users LIMIT 1").fetchone():
            log.warning("%s is not used: the users are in the database %s", file.path, schema.where)
            return
        try:
            for table, columns in _TAKEN.items():
                values = ", ".join("?" * len(columns.split(", ")))
                wanted = f"INSERT INTO {table} VALUES ({values}) ON CONFLICT DO NOTHING"
                writer.executemany(wanted, file.rows(f"SELECT {columns} FROM {table}"))
        finally:
            file.close()
        moved = file.path.with_name(f"{file.path.name}.moved")
        try:
            file.path.replace(moved)
        except OSError as error:
            raise StoreError(
                f"{file.path} cannot be renamed: {error.strerror}; run this as the user who runs the server"
            ) from error
    log.warning("the users are in the database %s now; %s is what was in the folder", schema.where, moved)


class SharedLog(UserLog):
    """The log of all replicas of a server.

    Args:
        tables: Where it is.
    """

    def __init__(self, tables: SharedTables) -> None:
        self._tables = tables

    def lines(self, most: int = 50) -> tuple[Mapping[str, Any], ...]:
        """Return the last lines, oldest first; the errors are those of `SharedTables.rows`."""
        found = self._tables.rows("SELECT line FROM log ORDER BY number DESC LIMIT ?", most)
        return tuple(json.loads(line) for (line,) in reversed(found))

    def _append(self, line: str) -> None:
        with self._tables.write() as writer:
            number = writer.execute("INSERT INTO log (line) VALUES (?) RETURNING number", (line,)).fetchone()[0]
            writer.execute("DELETE FROM log WHERE number <= ?", (number - MOST_LINES,))


class SharedFeedback:
    """What the readers of all replicas think of the answers.

    Args:
        tables: Where it is.
    """

    def __init__(self, tables: SharedTables) -> None:
        self._tables = tables

    def add(self, line: str, most: int) -> bool:
        """Add a line, and return whether there was place for it.

        Args:
            line: JSON.
            most: Characters that all lines together may have.
        """
        with self._tables.write() as writer:
            held = writer.execute("SELECT COALESCE(SUM(LENGTH(line)), 0) FROM feedback").fetchone()[0]
            if held + len(line) > most:
                return False
            writer.execute("INSERT INTO feedback (line) VALUES (?)", (line,))
        return True

    def lines(self) -> list[str]:
        """Return the lines, oldest first; the errors are those of `SharedTables.rows`."""
        return [line for (line,) in self._tables.rows("SELECT line FROM feedback ORDER BY number")]
