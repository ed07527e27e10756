from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from rag import Role, StoreError, UsageError, Users

PASSWORD = "correct horse"


def test_nothing_is_made_before_the_first_user(filed: Users, tmp_path: Path) -> None:
    assert not filed.exist() and filed.all() == () and filed.check("anna", PASSWORD) is None
    assert filed.with_key("dl_x") is None and filed.in_session("a", "b", "c") is None and filed.keys() == ()
    with pytest.raises(UsageError, match="no user 'anna'"):
        filed.find("anna")
    assert not (tmp_path / "store").exists()


def test_a_user_has_a_password_and_a_role(users: Users) -> None:
    user = users.add("Anna", PASSWORD, Role.EDITOR)
    assert users.exist() and users.all() == (user,) and user.name == "anna" and user.role is Role.EDITOR
    assert users.check("ANNA", PASSWORD) == user
    for name, password in (("anna", "correct horsf"), ("anna", ""), ("anna", "x" * 5000), ("ben", PASSWORD)):
        assert users.check(name, password) is None
    assert "stamp" not in repr(user)


def test_a_user_without_a_password_logs_in_with_none(users: Users) -> None:
    user = users.add("anna", None)
    for password in ("", "None", PASSWORD, "x" * 5000):
        assert users.check("anna", password) is None
    assert users.in_session(user.id, user.stamp, "s") == user
    users.set_password("anna", PASSWORD)
    assert users.check("anna", PASSWORD)


def test_the_file_holds_no_password_and_no_key(filed: Users, tmp_path: Path) -> None:
    filed.add("anna", PASSWORD)
    key = filed.add_key("anna", "script")
    filed.close()
    content = (tmp_path / "store" / "users.db").read_bytes()
    assert b"argon2id" in content
    assert PASSWORD.encode() not in content and key.rpartition("_")[2].encode() not in content


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_its_owner_reads_the_file(filed: Users, tmp_path: Path) -> None:
    filed.add("anna", PASSWORD)
    path = tmp_path / "store" / "users.db"
    assert {file.stat().st_mode & 0o077 for file in path.parent.glob("users.db*")} == {0}
    filed.close()
    path.chmod(0o644)
    assert filed.exist() and path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", " anna", "a b", "a/b", "../x", "-a", "a" * 65, "a\n", "<b>", "a\x00", "a\x1b[1m"])
def test_names_that_cannot_be_used(users: Users, name: str) -> None:
    with pytest.raises(UsageError, match="not usable as a name"):
        users.add(name, PASSWORD)
    assert not users.exist()


@pytest.mark.parametrize("name", ["anna", "ANNA", "ａｎｎａ"])
def test_names_that_look_alike_are_the_same(users: Users, name: str) -> None:
    users.add("Anna", PASSWORD)
    with pytest.raises(UsageError, match="already"):
        users.add(name, PASSWORD)
    assert users.find(name).name == "anna"


@pytest.mark.parametrize("password", ["", "short", "x" * 1001])
def test_passwords_that_cannot_be_used(users: Users, password: str) -> None:
    with pytest.raises(UsageError, match="a password has 10 to"):
        users.add("anna", password)
    users.add("anna", PASSWORD)
    with pytest.raises(UsageError, match="a password has 10 to"):
        users.set_password("anna", password)


def test_another_password_ends_sessions(users: Users) -> None:
    user = users.add("anna", PASSWORD)
    assert users.in_session(user.id, user.stamp, "s") == user
    changed = users.set_password("anna", "battery staple")
    assert users.in_session(user.id, user.stamp, "s") is None
    assert users.in_session(changed.id, changed.stamp, "s") == changed
    assert users.check("anna", PASSWORD) is None and users.check("anna", "battery staple") == changed


def test_a_session_that_ended_stays_so(users: Users) -> None:
    user = users.add("anna", PASSWORD)
    users.end_session("s", days=1)
    assert users.in_session(user.id, user.stamp, "s") is None and users.in_session(user.id, user.stamp, "t") == user
    users.end_session("old", days=-1)
    users.end_session("u", days=1)  # forgets those that would have expired
    assert users.in_session(user.id, user.stamp, "old") == user


def test_a_removed_user_does_not_come_back_under_the_same_name(users: Users) -> None:
    user = users.add("anna", PASSWORD)
    key = users.add_key("anna", "script")
    users.remove("anna")
    assert users.in_session(user.id, user.stamp, "s") is None and users.with_key(key) is None
    again = users.add("anna", PASSWORD)
    assert again.id != user.id and users.in_session(user.id, user.stamp, "s") is None and users.keys() == ()


def test_an_admin_is_left(users: Users) -> None:
    users.add("anna", PASSWORD, Role.ADMIN)
    with pytest.raises(UsageError, match="only admin"):
        users.set_role("anna", Role.READER)
    users.add("ben", PASSWORD)
    for change in (lambda: users.remove("anna"), lambda: users.set_role("anna", Role.EDITOR)):
        with pytest.raises(UsageError, match="only admin"):
            change()
    users.set_role("ben", Role.ADMIN)
    assert users.set_role("anna", Role.READER).role is Role.READER
    users.remove("anna")
    users.remove("ben")  # the last user may go
    assert not users.exist()


def test_another_process_sees_changes_at_once(users: Users, tmp_path: Path, database: str | None) -> None:
    with Users(tmp_path / "store", database) as other:
        assert not users.exist()
        other.add("anna", PASSWORD)
        assert users.exist() and users.secret() == other.secret() and len(users.secret()) == 32
        other.remove("anna")
        assert not users.exist()


def test_a_damaged_file_lets_nobody_in(filed: Users, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "users.db").write_bytes(b"not a database" * 100)
    for look in (filed.exist, filed.all, lambda: filed.check("anna", PASSWORD)):
        with pytest.raises(StoreError, match=r"users\.db cannot be used"):
            look()


def test_a_file_that_was_just_made_has_no_users(filed: Users, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "users.db").touch()
    assert not filed.exist()


def test_a_role_that_nobody_knows_is_none(filed: Users, tmp_path: Path) -> None:
    filed.add("anna", PASSWORD)
    filed.close()
    connection = sqlite3.connect(tmp_path / "store" / "users.db")
    connection.execute("UPDATE users SET role = 'root'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="unknown role 'root'"):
        filed.find("anna")
