"""PostgreSQL: several processes that open a library at once, and what is said when it cannot be used."""

from __future__ import annotations

import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from postgres_server import Postgres

from rag import Settings, StoreError
from rag.errors import SettingsError
from rag.store.opening import collection_names
from rag.store.postgres import PostgresDatabase

pytestmark = pytest.mark.long


def refusal(url: str) -> str:
    with pytest.raises(StoreError) as refused:
        PostgresDatabase(url, "default")
    said = str(refused.value)
    assert "\n" not in said and "p@ss" not in said and "p%40ss" not in said
    return said


def test_a_server_that_is_down(postgres: Postgres) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = refusal(f"postgresql+psycopg://dateline:p%40ss@127.0.0.1:{port}/news")
    assert said.startswith(f"the database 127.0.0.1:{port}/news cannot be used: ")
    assert said.endswith("; start it, or correct the setting database")


def test_a_wrong_password_and_a_missing_database(postgres: Postgres) -> None:
    parts = urlsplit(postgres.url)
    wrong = parts._replace(netloc=f"dateline:wrong@{parts.hostname}:{parts.port}").geturl()
    assert refusal(wrong).endswith("; correct the user and the password in the setting database")
    missing = parts._replace(path="/nowhere").geturl()
    assert refusal(missing).endswith("; make it with createdb, or correct the setting database")


def test_a_user_that_may_not_create_schemas(postgres: Postgres, database: str) -> None:
    postgres.run("DROP ROLE IF EXISTS reader")
    postgres.run("CREATE ROLE reader LOGIN PASSWORD 'reads'")
    parts = urlsplit(database)
    said = refusal(parts._replace(netloc=f"reader:reads@{parts.hostname}:{parts.port}").geturl())
    assert "permission denied" in said and said.endswith("GRANT CREATE ON DATABASE … TO …")


def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'dateline[postgres]'" in refusal("postgresql+psycopg://a:p%40ss@localhost/news")


@pytest.mark.parametrize("url", ["news", "sqlite:///news.db", "postgresql://host", "mysql://host/news"])
def test_what_is_no_address_of_a_database_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="not the address of a database"):
        Settings(database=url)


def test_the_address_is_not_shown() -> None:
    settings = Settings(database="postgresql://a:secret@host/news")
    assert "a:secret" not in repr(settings) + settings.model_dump_json()
    assert settings.database is not None
    assert settings.database.get_secret_value() == "postgresql+psycopg://a:secret@host/news"


def test_a_new_database_has_the_default_collection(database: str) -> None:
    assert collection_names(Settings(database=database)) == ("default",)


def test_processes_that_open_a_new_library_at_once(database: str) -> None:
    start = threading.Barrier(6)

    def opened(_: int) -> str:
        start.wait()
        made = PostgresDatabase(database, "default")
        with made.read() as reader:
            library = reader.execute("SELECT value FROM meta WHERE key = 'library'").fetchone()[0]
        made.close()
        return str(library)

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(opened, range(6)))) == 1
