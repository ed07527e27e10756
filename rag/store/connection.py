"""How the store talks to its database: one set of SQL statements for SQLite and PostgreSQL.

The statements are in the SQL that both know, with four additions:

- `?` stands for a value. A list is one value, of which `texts(?)` or `numbers(?)` makes a table with a column `value`.
- `a CROSS JOIN b ON …` tells SQLite to read `a` first. PostgreSQL decides for itself.
- `name GLOB ?` compares with a file name pattern in SQLite's syntax.
- `json_valid(text)` and `json_array_length(text)` look at JSON that is kept as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Cursor(Protocol):
    """The rows that a statement found."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows that are left."""


class Connection(Protocol):
    """A connection within a transaction."""

    logs: bool  # whether changes go into the change log, which other processes follow

    def execute(self, statement: str, values: Sequence[object] = (), /) -> Cursor:
        """Run a statement."""

    def executemany(self, statement: str, rows: Iterable[Sequence[object]], /) -> object:
        """Run a statement once for each row of values."""


class AnyDatabase(Protocol):
    """A database; safe to use from several threads. Every method raises `StoreError` if the database fails."""

    def close(self) -> None:
        """Close the database."""

    def write(self) -> AbstractContextManager[Connection]:
        """Lend a connection for one transaction: committed when the block ends, rolled back when it raises."""

    def read(self) -> AbstractContextManager[Connection]:
        """Lend a connection that sees the database as of its first statement, whatever is written meanwhile."""

    def lasting(self, work: Callable[[], T]) -> T:
        """Return what the work returns, which does the same when it is done again: after a lost connection it is.

        A commit may have succeeded although its connection was lost, so the work has to look at what is there.
        """

    def faults(self, connection: Connection, quick: bool = False) -> Iterator[str]:
        """Yield what is wrong with the database itself; after `quick` checks only if wanted."""
