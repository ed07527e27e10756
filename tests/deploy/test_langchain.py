"""The example for LangChain, against a running server."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from deployed import free_port, process
from fakes import ROOT

pytestmark = pytest.mark.long
pytest.importorskip("langchain_openai", reason="langchain-openai is not installed: it brings ten packages of its own")


def test_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = importlib.util.spec_from_file_location("langchain_chat", ROOT / "docs" / "langchain_chat.py")
    assert found and found.loader
    example = importlib.util.module_from_spec(found)
    found.loader.exec_module(example)
    port = free_port()
    monkeypatch.setenv("DATELINE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(sys, "argv", ["langchain_chat.py", "When did the cod leave the harbour?"])
    with process(tmp_path, port):
        example.main()
    said = capsys.readouterr().out
    assert said.count("cod.txt") + said.count("The cod left") >= 2, said
