from __future__ import annotations

import getpass
import io
import json
from pathlib import Path

import pytest
import quick_hashes
from commands import Done, Rag

from rag import Feedback, Role, Settings, Users

PASSWORD = "correct horse"


class Input(io.StringIO):
    """Standard input, which may be a terminal."""

    def __init__(self, given: str, terminal: bool) -> None:
        super().__init__(given)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


class Command:
    """`rag users` with a store of its own and standard input."""

    def __init__(self, rag: Rag, store: Path, patch: pytest.MonkeyPatch) -> None:
        self.rag, self.store, self.patch = rag, store, patch
        self.terminal = False

    def __call__(self, *arguments: str, given: str = PASSWORD + "\n") -> Done:
        self.patch.setattr("sys.stdin", Input(given, self.terminal))
        return self.rag("users", *arguments, "--store", str(self.store))

    @property
    def users(self) -> Users:
        return Users(self.store)


@pytest.fixture
def command(rag: Rag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    quick_hashes.use(monkeypatch)
    return Command(rag, tmp_path / "store", monkeypatch)


def test_users_are_added_listed_and_removed(command: Command) -> None:
    done = command("add", "anna", "--role", "admin")
    assert done.code == 0 and done.out.startswith("added anna (admin)\nFrom now on everyone needs a user")
    assert command("add", "ben").out == "added ben (reader)\n"
    assert command("add", "zoe", "--no-password", given="").out == "added zoe (reader)\n"
    assert command("remove", "zoe").out == "removed zoe\n"
    listed = json.loads(command("list", "--json").out)
    assert [(user["name"], user["role"]) for user in listed] == [("anna", "admin"), ("ben", "reader")]
    assert "anna" in command("list").out
    assert command("role", "ben", "editor").out == "ben is editor now\n"
    assert command("remove", "ben").out == "removed ben\n"
    assert "No user is left" in command("remove", "anna").out
    with command.users as users:
        assert not users.exist()


def test_a_first_user_who_is_no_admin_is_told(command: Command) -> None:
    assert "No user is an admin" in command("add", "anna").out


def test_passwords_come_from_the_terminal_or_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command("add", "anna", given="from standard input\r\nmore\n")
    with command.users as users:
        assert users.check("anna", "from standard input")
        typed = iter(["typed twice", "typed twice", "typed once", "typed ONCE"])
        monkeypatch.setattr(getpass, "getpass", lambda prompt: next(typed))
        command.terminal = True
        assert command("passwd", "anna").code == 0
        assert users.check("anna", "typed twice")
        done = command("passwd", "anna")
        assert done.code == 2 and "differ" in done.err and users.check("anna", "typed twice")


def test_a_password_is_no_argument(command: Command) -> None:
    assert command("add", "anna", PASSWORD).code == 2
    assert command("add", "anna", "--password", PASSWORD).code == 2


def test_keys(command: Command) -> None:
    command("add", "anna", "--role", "editor")
    done = command("key", "add", "anna", "script", "--role", "reader", "--days", "30")
    key = done.out.strip()
    assert done.code == 0 and "not shown again" in done.err
    with command.users as users:
        found = users.with_key(key)
        assert found and found.role is Role.READER
        listed = command("key", "list", "--json").out
        assert json.loads(listed)[0]["name"] == "script" and key[-20:] not in listed
        assert "script" in command("key", "list", "anna").out
        assert command("key", "remove", "anna", "script").out == "removed script of anna\n"
        assert users.with_key(key) is None
    assert json.loads(command("key", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("passwd", "ben"), "no user 'ben'"),
        (("remove", "ben"), "no user 'ben'"),
        (("role", "ben", "admin"), "no user 'ben'"),
        (("key", "add", "ben", "k"), "no user 'ben'"),
        (("key", "list", "ben"), "no user 'ben'"),
        (("key", "add", "anna", "k", "--role", "admin"), "anna is only reader"),
        (("key", "remove", "anna", "k"), "no key 'k'"),
        (("add", "anna"), "already"),
    ],
)
def test_errors_say_what_to_do(command: Command, arguments: tuple[str, ...], said: str) -> None:
    command("add", "anna")
    done = command(*arguments)
    assert done.code == 2 and said in done.err and len(done.err.splitlines()) == 1


def test_the_log_says_who_did_what(command: Command) -> None:
    command("add", "anna")
    command("passwd", "anna")
    with command.users as users:
        users.log.note("login failed", name="\x1b[31mred", address="10.0.0.9")
    lines = [json.loads(line) for line in command("log", "--json").out.splitlines()]
    assert [line["what"] for line in lines] == ["user added", "password changed", "login failed"]
    assert lines[0]["about"] == "anna" and lines[0]["user"].startswith("command line (")
    text = command("log", "--last", "1").out
    assert "login failed" in text and "10.0.0.9" in text and "\x1b" not in text and PASSWORD not in text


def test_users_and_feedback_of_a_database(
    command: Command, rag: Rag, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_DATABASE", database)
    assert command("add", "anna").code == 0
    with Users(tmp_path / "other", database) as users:
        assert [user.name for user in users.all()] == ["anna"]
    Feedback(Settings(store=tmp_path / "other")).add({"vote": "up"})
    assert rag("feedback", "--store", str(tmp_path / "store")).out == '{"vote": "up"}\n'
    assert list(tmp_path.iterdir()) == []
