from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rag import StoreError, Users
from rag.users import log as log_module
from rag.users.log import LogFile


@pytest.fixture
def log(tmp_path: Path) -> LogFile:
    return LogFile(tmp_path)


def test_a_line_for_each(log: LogFile) -> None:
    assert log.lines() == ()
    log.note("login", "anna", address="127.0.0.1")
    log.note("article removed", "anna", article="a\nb“x”", empty="")
    first, second = map(json.loads, log.path.read_text(encoding="utf-8").splitlines())
    assert first == {"time": first["time"], "what": "login", "user": "anna", "address": "127.0.0.1"}
    assert second["article"] == "a\nb“x”" and "empty" not in second
    assert [line["what"] for line in log.lines()] == ["login", "article removed"]
    assert [line["what"] for line in log.lines(1)] == ["article removed"]
    assert os.name == "nt" or log.path.stat().st_mode & 0o077 == 0


def test_values_have_a_limit_and_odd_lines_are_left_out(log: LogFile) -> None:
    log.note("login failed", name="x" * 100_000 + "\ud800")
    assert len(log.path.read_bytes()) < 1000
    with log.path.open("ab") as file:
        file.write(b'{"time": "half\n[1]\n\xff\n')
    log.note("login", "anna")
    assert [line["what"] for line in log.lines()] == ["login failed", "login"]


def test_a_full_file_is_put_aside(log: LogFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MOST_BYTES", 200)
    for number in range(30):
        log.note("login", str(number))
    assert len(list(log.path.parent.iterdir())) == 6
    kept = [int(line["user"]) for line in log.lines(1000)]
    assert kept == list(range(kept[0], 30)) and 6 <= len(kept) < 30
    assert os.name == "nt" or all(path.stat().st_mode & 0o077 == 0 for path in log.path.parent.iterdir())


def test_a_file_that_cannot_be_written_or_read(log: LogFile) -> None:
    log.path.mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        log.note("login", "anna")
    with pytest.raises(StoreError, match="cannot be read"):
        log.lines()


def test_users_have_it(filed: Users, tmp_path: Path) -> None:
    filed.add("anna", None)
    filed.log.note("login", "anna")
    assert (tmp_path / "store" / "users.log").read_text(encoding="utf-8").count("login") == 1
