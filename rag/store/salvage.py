"""Recover a store that does not open, from what can still be read of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from rag.errors import StoreError
from rag.store.database import Database
from rag.store.documents import SCHEMA
from rag.store.migrate import INDEXES, LAYOUT, UNCHECKED

_TABLES = ("meta", "documents", "texts", "bands", "chunks", "files", "places")
_REST = ("-wal", "-shm")


def drop_indexes(folder: Path) -> None:
    """Remove both indexes, so that the next opening rebuilds them and removes damaged documents.

    Raises:
        StoreError: The database cannot be written.
    """
    database = Database(folder / "documents.db")
    try:
        with database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, '1')", (UNCHECKED,))
    finally:
        database.close()
    for name in INDEXES:
        shutil.rmtree(folder / name, ignore_errors=True)


def mend_database(folder: Path, embedding: str) -> list[str]:
    """Repair the database of a store that is not open, and return one line for each thing that was done.

    First the database's own indexes are rebuilt. If that is not enough, every row that can be read is copied into a new
    database, and the damaged one is kept beside it as `documents.db.damaged`.

    Raises:
        StoreError: Nothing in the database can be read.
    """
    path = folder / "documents.db"
    if not path.exists() or not path.stat().st_size:
        return []
    with suppress(StoreError):
        if _is_sound(path):
            return []
        _reindex(path)
        if _is_sound(path):
            return ["the indexes inside documents.db were built again"]
    new = path.with_name("documents.db.new")
    _remove(new)
    read = _copy(path, new, embedding)
    for rest in ("", *_REST):
        if (old := path.with_name(path.name + rest)).exists():
            os.replace(old, path.with_name(f"{path.name}.damaged{rest}"))
    os.replace(new, path)
    drop_indexes(folder)
    return [f"documents.db was damaged: {read:,} articles could be read, and what it was is documents.db.damaged"]


def _is_sound(path: Path) -> bool:
    database = Database(path)
    try:
        with database.read() as connection:
            said = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
            if not _statements(SCHEMA.split(";")) <= _statements(row[0] for row in said):
                return False  # a table or column has another name
            return [row[0] for row in connection.execute("PRAGMA integrity_check(1)")] == ["ok"]
    finally:
        database.close()


def _statements(made: Iterable[str]) -> set[str]:
    return {" ".join(statement.split()).replace(" IF NOT EXISTS", "") for statement in made} - {""}


def _reindex(path: Path) -> None:
    database = Database(path)
    try:
        with database.write() as connection:
            connection.execute("REINDEX")
    finally:
        database.close()


def _copy(path: Path, new: Path, embedding: str) -> int:
    """Copy what can be read, and return how many articles have a text."""
    source, target = Database(path), Database(new)
    try:
        with target.write() as connection:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
        target.forgive()
        for table in _TABLES:
            width = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
            for found in _rows(source, table):
                row = (*found, *[""] * (width - len(found)))  # the layout before this one had fewer columns
                with suppress(StoreError), target.write() as connection:
                    connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        with target.write() as connection:
            count = connection.execute("SELECT COUNT(*) FROM documents JOIN texts ON document = number").fetchone()[0]
            if not count:
                raise StoreError(f"nothing of {path} can be read; put it back from a copy, or ingest into a new store")
            connection.execute("UPDATE documents SET state = 'live' WHERE state != 'going'")
            for key, value in {"layout": LAYOUT, "embedding": embedding, UNCHECKED: "1", "used": "1"}.items():
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('version', '1')")
        target.shrink()
    finally:
        source.close()
        target.close()
    return int(count)


def _rows(source: Database, table: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows from the front as far as they can be read, then, if some are left, from the back."""
    key = {"meta": "key", "bands": "key"}.get(table, "rowid")
    for order in ("ASC", "DESC"):
        found: list[tuple[object, ...]] = []
        try:
            with source.read() as connection:
                for row in connection.execute(f"SELECT * FROM {table} NOT INDEXED ORDER BY {key} {order}"):
                    found.append(row)
            whole = True
        except StoreError:
            whole = False
        yield from found
        if whole:
            return


def _remove(path: Path) -> None:
    for rest in ("", *_REST):
        path.with_name(path.name + rest).unlink(missing_ok=True)
