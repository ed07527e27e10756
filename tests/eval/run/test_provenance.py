"""Which code made a run: the commit, and whether it was changed since."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from eval.run import provenance


def test_commit_of_this_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    here = tmp_path / "eval" / "provenance.py"
    here.parent.mkdir()
    here.write_text("x", encoding="utf-8")
    monkeypatch.setattr(provenance, "__file__", str(here))
    assert provenance.commit() is None, "no repository"
    git("init")
    git("commit", "--allow-empty", "-m", "first")
    assert provenance.commit() is None, "somebody else's repository"
    git("add", "eval")
    git("commit", "-m", "second")
    clean = provenance.commit()
    assert clean and not clean.endswith("-dirty")
    (tmp_path / "report.html").write_text("x", encoding="utf-8")
    assert provenance.commit() == clean, "what git does not know changes no answer"
    here.write_text("y", encoding="utf-8")
    assert provenance.commit() == f"{clean}-dirty"


def test_version_is_said_in_any_case() -> None:
    assert provenance.code_version()
