"""Replicas behind a load balancer, which have their users in one database: each knows what was done at another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from newsroom import NAMES, Newsroom, with_key

from rag import Role


@pytest.fixture
def rooms(tmp_path: Path, database: str) -> Iterator[tuple[Newsroom, Newsroom]]:
    first, second = (Newsroom(tmp_path / name, database) for name in ("first", "second"))
    first.fill()
    yield first, second
    first.users.close()
    second.users.close()


def test_a_session_of_one_is_a_session_of_all(rooms: tuple[Newsroom, Newsroom]) -> None:
    first, second = rooms
    cookies = {name: first.cookie(name) for name in NAMES}
    for name, cookie in cookies.items():
        assert second.get("/v1/documents", headers=second.as_user(cookie)).json()["name"] == name
    assert second.send("POST", "/logout", headers=second.as_user(cookies["rita"])).status_code == 303
    second.users.set_password("ed", "battery staple")
    codes = [first.get("/config", headers=first.as_user(cookie)).status_code for cookie in cookies.values()]
    assert codes == [401, 401, 200]


def test_keys_and_roles_hold_everywhere_at_once(rooms: tuple[Newsroom, Newsroom]) -> None:
    first, second = rooms
    key = with_key(first.users.add_key("ed", "script"))
    assert second.get("/v1/documents", headers=key).json()["role"] == "editor"
    first.users.set_role("ed", Role.READER)
    assert second.get("/v1/documents", headers=key).json()["role"] == "reader"
    first.users.remove_key("ed", "script")
    assert second.get("/v1/documents", headers=key).status_code == 401


def test_the_log_has_what_was_done_at_each(rooms: tuple[Newsroom, Newsroom]) -> None:
    first, second = rooms
    first.cookie("rita")
    second.log_in("rita", "wrong", address="10.0.0.9")
    assert [line["what"] for line in first.users.log.lines()] == ["login", "login failed"]
