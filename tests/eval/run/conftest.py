"""The fakes that a run finds in place of its models, and a small data set."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FakeEmbedding
from runs import DATA, Model

from eval.datasets.dataset import DataSet
from eval.datasets.formats import open_data


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    """Run with the fakes: a run makes its own engine from the settings."""
    model = Model(replies={"When was the Brannock lighthouse built?": "1871 [1]"}, default="35 minutes")
    embedding = FakeEmbedding("all-MiniLM-L6-v2")
    monkeypatch.setattr("rag.models.runtime.Models.embedding", lambda _: embedding)
    monkeypatch.setattr("rag.models.runtime.Models.llm", lambda _: model)
    monkeypatch.setattr("rag.engine.Engine.model_hash", "abc")
    return model


@pytest.fixture
def own(tmp_path: Path) -> DataSet:
    """Four questions over three articles; three of them are of the dev half."""
    return open_data(DATA / "own.jsonl", DATA / "articles", tmp_path / "work")
