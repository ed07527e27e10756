"""The benchmark of syncs runs, on a small archive, and leaves the store as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import ROOT

from bench import sync
from bench.support.stand_in import StandIn
from rag import Engine, Settings

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    made = StandIn()
    monkeypatch.setattr("rag.models.runtime.Models.embedding", lambda _: made)


def test_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sync", "--dir", str(tmp_path), "--unchanged", "60", "--large", "90", "--runs", "1", "--stand-in"]
    monkeypatch.setattr("sys.argv", command)
    monkeypatch.chdir(ROOT)  # the command line runs as a process of its own
    for _ in range(2):  # the second finds the stores
        sync.main()
        rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][2:]
        assert len(rows) == 5 and "60 unchanged passages in 12 files, whole process" in rows[0]
        assert "90 passages in 18 files" in rows[2]
    with Engine(Settings(store=tmp_path / "sync-90" / "store", llm="extractive")) as engine:
        assert engine.counts()[:2] == (18, 90)
