"""The notebook of the docs runs from its first cell to its last, and shows what it says."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from fakes import ROOT, FakeEmbedding

pytestmark = pytest.mark.long


def test_every_cell_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding = FakeEmbedding("all-MiniLM-L6-v2")
    monkeypatch.setattr("rag.models.runtime.Models.embedding", lambda _: embedding)
    cells = json.loads((ROOT / "docs" / "example.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    shown = [run("".join(cell["source"]), names) for cell in cells if cell["cell_type"] == "code"]
    count, answer, verbatim, refusal, *_ = shown
    assert count == 5 and verbatim is True and refusal.abstained
    assert answer.citations and "310" in answer._repr_markdown_()


def run(source: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does, and return what its last line is."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None
