"""Run the command line in tests, either in this process or in a separate one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fakes import ROOT

from rag.cli import app as cli


@dataclass
class Done:
    """The result of a command."""

    code: int
    out: str
    err: str


Rag = Callable[..., Done]


def run_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    """Run `rag …` in this process."""
    monkeypatch.setattr(sys, "argv", ["rag", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    capture = capsys.readouterr()
    return Done(int(left.value.code or 0), capture.out, capture.err)


def environment(**env: str) -> dict[str, str]:
    """Return the environment for a process that runs the command line."""
    return os.environ | {"PYTHONPATH": str(ROOT), "RAG_LLM": "extractive"} | env


def process(*arguments: str, **env: str) -> Done:
    """Run `python -m rag …` as a separate process."""
    command = [sys.executable, "-m", "rag", *arguments]
    done = subprocess.run(
        command, env=environment(**env), capture_output=True, encoding="utf-8", errors="replace", timeout=200
    )
    return Done(done.returncode, done.stdout, done.stderr)
