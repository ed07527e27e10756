"""Users in PostgreSQL, whom all replicas of a server have in common."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from postgres_server import Postgres

from rag import DatabaseServerError, Role, StoreError, UsageError, Users
from rag.store import postgres as databases
from rag.users import shared

PASSWORD = "correct horse"


@pytest.fixture
def database(postgres: Postgres) -> str:
    return postgres.new()


def test_replicas_have_users_sessions_keys_and_the_log_in_common(database: str, tmp_path: Path) -> None:
    with Users(tmp_path / "a", database) as here, Users(tmp_path / "b", database) as there:
        anna = here.add("anna", PASSWORD, Role.ADMIN)
        key = there.add_key("anna", "script", Role.READER)
        assert there.check("anna", PASSWORD) == anna and here.secret() == there.secret()
        found = here.with_key(key)
        assert found is not None and found.role is Role.READER
        here.end_session("s", days=1)
        here.end_session("s", days=2)
        assert there.in_session(anna.id, anna.stamp, "s") is None and there.in_session(anna.id, anna.stamp, "t") == anna
        here.log.note("login", "anna")
        there.log.note("logout", "anna", address="10.0.0.1\x00\ud800")
        assert [line["what"] for line in here.log.lines()] == ["login", "logout"]
        assert [line["what"] for line in here.log.lines(1)] == ["logout"]
        there.set_password("anna", "battery staple")
        assert here.in_session(anna.id, anna.stamp, "t") is None
    assert list(tmp_path.iterdir()) == []


def test_they_are_no_collection(database: str, users: Users) -> None:
    users.add("anna", PASSWORD)
    assert databases.collections(database) == []


def test_one_of_two_replicas_adds_a_name(database: str, tmp_path: Path) -> None:
    refused = list[str]()
    start = threading.Barrier(4)

    def add() -> None:
        with Users(tmp_path, database) as users:
            start.wait()
            try:
                users.add("anna", PASSWORD)
            except UsageError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3 and all("already" in said for said in refused)


def test_the_log_forgets_its_oldest_lines(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MOST_LINES", 5)
    for number in range(12):
        users.log.note("login", str(number))
    assert [line["user"] for line in users.log.lines()] == [str(number) for number in range(7, 12)]


def test_users_of_the_folder_go_to_a_database_without_any(database: str, tmp_path: Path) -> None:
    with Users(tmp_path) as users:
        anna = users.add("anna", PASSWORD, Role.ADMIN)
        key, secret = users.add_key("anna", "script"), users.secret()
        users.end_session("s", days=1)
    for _ in range(2):
        with Users(tmp_path, database) as users:
            assert users.exist() and users.check("anna", PASSWORD) == anna and users.with_key(key) == anna
            assert users.secret() == secret and users.in_session(anna.id, anna.stamp, "s") is None
        assert not (tmp_path / "users.db").exists() and (tmp_path / "users.db.moved").exists()


def test_users_of_a_folder_stay_where_the_database_has_some(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for folder, place, name in (("a", None, "anna"), ("b", database, "ben")):
        with Users(tmp_path / folder, place) as users:
            users.add(name, PASSWORD)
    with Users(tmp_path / "a", database) as users:
        assert [user.name for user in users.all()] == ["ben"]
    assert "users.db is not used" in caplog.text
    with Users(tmp_path / "a") as users:
        assert [user.name for user in users.all()] == ["anna"]


def test_a_damaged_file_is_not_taken_for_none(database: str, tmp_path: Path) -> None:
    (tmp_path / "users.db").write_bytes(b"not a database" * 100)
    for _ in range(2):
        with Users(tmp_path, database) as users, pytest.raises(StoreError, match=r"users\.db cannot be used"):
            users.exist()


def test_the_secret_of_an_older_file_holds(tmp_path: Path) -> None:
    with Users(tmp_path) as users:
        secret = users.secret()
    connection = sqlite3.connect(tmp_path / "users.db")
    connection.execute("ALTER TABLE meta RENAME COLUMN key TO name")
    connection.commit()
    connection.close()
    for _ in range(2):
        with Users(tmp_path) as users:
            assert users.secret() == secret


def test_nobody_comes_in_while_the_database_is_away(postgres: Postgres, users: Users) -> None:
    users.add("anna", PASSWORD)
    with postgres.away():
        for look in (users.exist, lambda: users.check("anna", PASSWORD), lambda: users.log.note("login")):
            with pytest.raises(DatabaseServerError, match="cannot be used"):
                look()
    assert users.check("anna", PASSWORD) is not None
