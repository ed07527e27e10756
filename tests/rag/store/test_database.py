"""One SQLite file: readers see one moment and wait for nobody, a transaction is kept whole or not at all."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import WAIT

from rag import StoreError
from rag.store.database import Database, check_schema


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "d.db")
    with database.write() as connection:
        connection.execute("CREATE TABLE boats (name TEXT UNIQUE)")
    yield database
    database.close()


def add(database: Database, name: str) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO boats VALUES (?)", (name,))


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM boats ORDER BY name")]


def test_a_reader_sees_one_moment(database: Database) -> None:
    add(database, "Ada")
    with database.read() as connection:
        count = "SELECT COUNT(*) FROM boats"
        assert connection.execute(count).fetchone() == (1,)
        add(database, "Bea")
        assert connection.execute(count).fetchone() == (1,)
    assert names(database) == ["Ada", "Bea"]


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    add(database, "Ada")
    seen: list[list[str]] = []
    with database.write() as connection:
        connection.execute("INSERT INTO boats VALUES ('Bea')")
        reader = threading.Thread(target=lambda: seen.append(names(database)))
        reader.start()
        reader.join(WAIT)
        assert seen == [["Ada"]]  # while the writer is still at it
    assert names(database) == ["Ada", "Bea"]


def test_what_fails_is_undone(database: Database) -> None:
    add(database, "Ada")
    with pytest.raises(StoreError, match="UNIQUE"), database.write() as connection:
        connection.execute("INSERT INTO boats VALUES ('Bea')")
        connection.execute("INSERT INTO boats VALUES ('Ada')")
    with pytest.raises(KeyError), database.write() as connection:
        connection.execute("INSERT INTO boats VALUES ('Cleo')")
        raise KeyError
    assert names(database) == ["Ada"]
    add(database, "Dora")  # the failed transactions are over
    assert names(database) == ["Ada", "Dora"]


def test_writers_take_turns(database: Database) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(20):
                add(database, f"{number}-{turn}")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(names(database)) == 4 * 20


def test_readers_are_closed_with_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "d.db")
    with database.read() as one, database.read() as other:
        readers = [one, other]
        database.close()
    for reader in readers:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            reader.execute("SELECT 1")
    with pytest.raises(StoreError, match="closed"), database.read():
        pass


def test_copy(database: Database, tmp_path: Path) -> None:
    add(database, "Ada")
    database.back_up(tmp_path / "copy.db")
    add(database, "Bea")
    copy = Database(tmp_path / "copy.db")
    assert names(copy) == ["Ada"]
    copy.close()
    assert [path.name for path in tmp_path.glob("*.partial")] == []


@pytest.mark.parametrize("content", [b"this is no database, it is a text " * 100, b"SQLite format 3\0" + b"x" * 4096])
def test_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "d.db"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Database(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert path.read_bytes() == content  # nothing of the reader's file is lost


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Database(tmp_path / "no" / "d.db")


def test_schema_of_a_file_whose_writer_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    killed = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('CREATE TABLE a (b)'); c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN');"
        "[c.execute('INSERT INTO a VALUES (?)', ('x' * 5000,)) for _ in range(50)]; os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False)
    assert path.with_name("other.sqlite3-journal").exists()
    check_schema(path)
    check_schema(tmp_path / "missing.sqlite3")
    assert not (tmp_path / "missing.sqlite3").exists()


def test_schema_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    database = Database(path)
    with database.write() as connection:
        connection.execute("CREATE TABLE harbours (name TEXT)")
    database.close()
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE harbours", b"CREATE \xa7ABLE harbours"))
    with pytest.raises(StoreError, match="is damaged"):
        check_schema(path)
