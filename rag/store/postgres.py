"""Documents in PostgreSQL, through SQLAlchemy: pooled connections, and turns between the processes that write."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import sqlalchemy
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, PendingRollbackError, SQLAlchemyError

from rag.errors import DatabaseServerError, StoreError, one_line
from rag.store import connection as common
from rag.store import retry
from rag.store.postgres_schema import LAYOUTS, prepare
from rag.store.turn import Turn

T = TypeVar("T")
Held: TypeAlias = sqlalchemy.Connection  # while it has a turn
_log = logging.getLogger(__name__)
_PREFIX = "dateline"  # the schema of the default collection, and the beginning of the others'
_LONGEST_NAME = 50  # of a collection, since PostgreSQL cuts names at 63 bytes
# Seconds. A connection whose other end has gone is given up after a minute, on both sides. Then what a dead machine had
# locked is free.
_CONNECT = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_SERVER = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
_START = "start it, or correct the setting database"


class Connection:
    """A connection that runs the statements of `rag.store.connection`."""

    logs = True

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[object] = (), /) -> Any:
        """Run a statement, or without values a script of several."""
        if not values:
            return self._connection.exec_driver_sql(_joined(statement), execution_options={"no_parameters": True})
        return self._connection.exec_driver_sql(_spelled(statement), tuple(map(_bound, values)))

    def executemany(self, statement: str, rows: Iterable[Sequence[object]], /) -> None:
        """Run a statement once for each row of values."""
        if found := [tuple(map(_bound, row)) for row in rows]:
            self._connection.exec_driver_sql(_spelled(statement), found)


class PostgresSchema:
    """One schema of a PostgreSQL database, with tables of its own; safe to use from several threads.

    Args:
        url: `postgresql+psycopg://user:password@host:port/name`.
        schema: The name of the schema, which is made if it is missing.
        layouts: The scripts that make its tables; see `rag.store.postgres_schema`.

    Raises:
        StoreMismatchError: The tables are of a newer version.
        StoreError: The database cannot be reached or used.
    """

    def __init__(self, url: str, schema: str, layouts: Sequence[str]) -> None:
        self._engine, self.where = _engine(url, schema)
        self._readers = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._closed = False
        try:
            with self.write() as connection:
                prepare(connection, self.where, layouts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections that nobody uses; the others are closed when they are given back."""
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Lend a connection for one transaction: committed when the block ends, rolled back when it raises.

        Raises:
            StoreError: The database failed, and the transaction was rolled back.
        """
        with self.translated(), self._engine.connect() as connection, self._lent(connection), connection.begin():
            yield Connection(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a connection that sees the database as of its first statement, whatever is written meanwhile.

        Raises:
            StoreError: The database failed.
        """
        with self.translated(), self._readers.connect() as connection, self._lent(connection):
            yield Connection(connection)

    def lasting(self, work: Callable[[], T]) -> T:
        """Return what the work returns, which is done again for half a minute while the connection is lost."""
        for attempt in retry.attempts(retry.PATIENCE):
            try:
                return work()
            except DatabaseServerError as error:
                last = error
                if not attempt:
                    _log.warning("%s (trying again for %.0f s)", error, retry.PATIENCE)
        raise last

    def faults(self, connection: common.Connection, quick: bool = False) -> Iterator[str]:
        """Yield nothing: PostgreSQL checks itself, and enforces foreign keys."""
        yield from ()

    def connect(self) -> sqlalchemy.Connection:
        """Return a connection that the caller gives back with `give_back`."""
        return self._engine.connect()

    def give_back(self, connection: sqlalchemy.Connection) -> None:
        """End a connection's transaction and keep it for the next one, or close it if this database is closed."""
        with connection, self._lent(connection):
            pass

    @contextmanager
    def _lent(self, connection: sqlalchemy.Connection) -> Iterator[None]:
        try:
            yield
        finally:
            if self._closed and not connection.invalidated:
                connection.invalidate()  # the pool would keep it open

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the errors of SQLAlchemy and the driver into `StoreError`."""
        with _translated(self.where):
            yield


class PostgresDatabase(PostgresSchema):
    """One collection in a PostgreSQL database, in a schema of its own; safe to use from several threads.

    Args:
        url: `postgresql+psycopg://user:password@host:port/name`.
        collection: The name of the collection.

    Raises:
        StoreMismatchError: The library is of a newer version.
        StoreError: The database cannot be reached or used.
    """

    def __init__(self, url: str, collection: str) -> None:
        self.turn = Turn(self)
        super().__init__(url, schema_of(collection), LAYOUTS)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Lend a connection for one transaction, as `PostgresSchema.write` does.

        Raises:
            StoreError: The database failed, or this process has lost its turn; the transaction was rolled back.
        """
        with super().write() as connection:
            yield connection
            self.turn.confirm()


def schema_of(collection: str) -> str:
    """Return the name of a collection's schema.

    Raises:
        StoreError: The collection's name is too long for PostgreSQL.
    """
    if len(collection) > _LONGEST_NAME:
        raise StoreError(f"a collection's name has at most {_LONGEST_NAME} characters in PostgreSQL; use a shorter one")
    return _PREFIX if collection == "default" else f"{_PREFIX}-{collection}"


def collections(url: str) -> list[str]:
    """Return the names of the collections in a database, in alphabetical order, without the default one.

    Raises:
        StoreError: The database cannot be reached or used.
    """
    engine, where = _engine(url, _PREFIX)
    try:
        with _translated(where), engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT nspname FROM pg_namespace ORDER BY nspname")
            return sorted(n.removeprefix(f"{_PREFIX}-") for (n,) in found if n.startswith(f"{_PREFIX}-"))
    finally:
        engine.dispose()


def _engine(url: str, schema: str) -> tuple[sqlalchemy.Engine, str]:
    """Return an engine and how its database is called in messages, without the password."""
    try:
        parsed = sqlalchemy.make_url(url)
        where = f"{parsed.host or 'localhost'}{f':{parsed.port}' if parsed.port else ''}/{parsed.database or ''}"
        given = {"options": f'{_SERVER} -c search_path="{schema}"', **_CONNECT}
        engine = sqlalchemy.create_engine(
            parsed,
            connect_args=given,
            pool_size=8,
            max_overflow=24,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise StoreError(
            f"PostgreSQL needs the package {error.name}; run: pip install 'dateline[postgres]', or unset database"
        ) from error
    except (ArgumentError, ValueError) as error:
        raise StoreError(
            "the setting database is not an address; write it like postgresql+psycopg://user:password@host/name"
        ) from error
    return engine, where


@contextmanager
def _translated(where: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, UnicodeError) as error:
        found = error.orig if isinstance(error, DBAPIError) else error
        reason = one_line(found, first=True, keys=[])
        kind = DatabaseServerError if _is_away(error, reason) else StoreError
        raise kind(f"the database {where} cannot be used: {reason}; {_advice(found, reason)}") from error


def _is_away(error: Exception, reason: str) -> bool:
    """Return whether the server cannot be reached or has ended the connection, which may pass."""
    if isinstance(error, PendingRollbackError):  # a connection was used that was lost before
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return str(state).startswith(("08", "57P"))
    return isinstance(error, OperationalError) and _advice(error.orig, reason) == _START


def _advice(error: object, reason: str) -> str:
    state = getattr(error, "sqlstate", None) or ""
    if state == "55P03":
        return "another process has been writing for a long time; try again later"
    if state.startswith("28") or "authentication failed" in reason or "no password" in reason:
        return "correct the user and the password in the setting database"
    if state == "3D000" or "does not exist" in reason:
        return "make it with createdb, or correct the setting database"
    if state == "42501":
        return "allow this user to create schemas: GRANT CREATE ON DATABASE … TO …"
    if state[:2] in ("53", "58", "XX"):
        return "look into the server's log"
    return _START


@functools.lru_cache(maxsize=256)
def _spelled(statement: str) -> str:
    """Return a statement as PostgreSQL and the driver read it."""
    return _joined(statement).replace("%", "%%").replace("GLOB ?", "~ glob(?)").replace("?", "%s")


def _joined(statement: str) -> str:
    return statement.replace("CROSS JOIN", "JOIN")


def _bound(value: object) -> object:
    """Return a value as PostgreSQL takes it: its texts cannot hold the character NUL."""
    if isinstance(value, list):
        return [_bound(item) for item in value]
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value
