"""Turns between the processes that change a collection in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.store.postgres import Held, PostgresDatabase

_PATIENCE = "5min"  # how long a writer waits for its turn


class Turn:
    """Lets one thread of one process at a time change a collection; the same thread may take it again within.

    The turn is a locked row. PostgreSQL frees it when the process ends, however that happens.

    Args:
        database: The collection's database.
    """

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._depth = 0
        self._owner = 0  # the thread that has the turn
        self._holder: Held | None = None

    def __enter__(self) -> None:
        """Wait for the turn, and take it.

        Raises:
            StoreError: The database failed, or another process has had the turn for too long.
        """
        self._take(wait=True)

    def __exit__(self, *_: object) -> None:
        """Give the turn back."""
        self._depth -= 1
        try:
            if not self._depth:
                holder, self._holder, self._owner = self._holder, None, 0
                if holder is not None:
                    with self._database.translated():
                        self._database.give_back(holder)
        finally:
            self._lock.release()

    @contextmanager
    def if_free(self) -> Iterator[bool]:
        """Take the turn if no other process has it, and say so; otherwise do not wait."""
        if not self._take(wait=False):
            yield False
            return
        try:
            yield True
        finally:
            self.__exit__()

    def confirm(self) -> None:
        """Check that this thread has not lost the turn that it took; without one there is nothing to check.

        Raises:
            SQLAlchemyError: The connection that holds the turn is gone.
        """
        if self._holder is not None and self._owner == threading.get_ident():
            self._holder.exec_driver_sql("SELECT 1")

    def _take(self, wait: bool) -> bool:
        self._lock.acquire()
        try:
            taken = self._depth > 0 or self._lock_row(wait)
        except BaseException:
            self._lock.release()
            raise
        if not taken:
            self._lock.release()
            return False
        self._depth += 1
        return True

    def _lock_row(self, wait: bool) -> bool:
        with self._database.translated():
            holder = self._database.connect()
            try:
                holder.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
                holder.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
                row = f"SELECT name FROM turns WHERE name = 'write' FOR UPDATE{'' if wait else ' SKIP LOCKED'}"
                taken = holder.exec_driver_sql(row).fetchone() is not None
            except BaseException:
                holder.close()
                raise
            if not taken:
                holder.close()
                return False
        self._holder, self._owner = holder, threading.get_ident()
        return True
