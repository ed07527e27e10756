"""`rag check`: what is checked, what is printed, and what goes wrong."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from commands import Rag
from doubles import WordJudge

from rag.cli.check import text_of
from rag.errors import UsageError

TRUE, FALSE = "Harris recently announced US $310 million in additional aid for the region", "The king resigned."


@pytest.fixture(autouse=True)
def judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.models.runtime.Models.judge", lambda _: WordJudge())


@pytest.mark.long
def test_each_sentence_has_a_verdict_and_its_sources(rag: Rag) -> None:
    run = rag("check", f"{TRUE}. {FALSE}")
    assert run.code == 0
    first, source, *_, last = run.out.splitlines()
    assert first.startswith("supported") and TRUE in first
    assert source.strip().startswith("[1] 003_")
    assert last.startswith("not found") and FALSE in last


@pytest.mark.long
def test_as_json_and_from_a_file(rag: Rag, tmp_path: Path) -> None:
    (tmp_path / "draft.txt").write_text(f"{TRUE}.", encoding="utf-8")
    [item] = json.loads(rag("check", tmp_path / "draft.txt", "--json").out)["items"]
    assert item["verdict"] == "supported" and item["citations"][0]["marker"] == 1


@pytest.mark.long
def test_what_cannot_be_checked_is_one_line(rag: Rag, tmp_path: Path) -> None:
    (tmp_path / "draft.bin").write_bytes(b"\xff\xfe\xff")
    for given in (" ", tmp_path / "draft.bin"):
        run = rag("check", given)
        assert run.code == 2 and run.out == ""
        assert run.err.splitlines()[-1].startswith("rag: error: ")


def test_the_text_is_given_in_a_file_or_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "draft.txt").write_text("It burst.", encoding="utf-8")
    assert text_of(str(tmp_path / "draft.txt")) == "It burst."
    assert text_of("It burst.") == "It burst."
    assert text_of("It burst. " * 5000) == "It burst. " * 5000
    assert text_of("a\0b") == "a\0b"
    monkeypatch.setattr(sys, "stdin", io.StringIO("From a pipe."))
    assert text_of("-") == "From a pipe."
    (tmp_path / "bad").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="UTF-8"):
        text_of(str(tmp_path / "bad"))
