"""A folder of three articles, and an engine whose library holds them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedding, make_engine, write_articles
from syncs import THREE, assert_sound, settle

from rag import Engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_articles(tmp_path / "articles", THREE)
    settle(folder)
    return folder


@pytest.fixture
def embedding() -> FakeEmbedding:
    return FakeEmbedding()


@pytest.fixture
def engine(tmp_path: Path, folder: Path, embedding: FakeEmbedding) -> Iterator[Engine]:
    """An engine whose library holds the three articles."""
    with make_engine(tmp_path, documents={}, embedding=embedding) as engine:
        engine.ingest(folder)
        yield engine
        assert_sound(engine)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose bytes are looked at."""
    names: list[str] = []

    def watched(path: str, mode: str) -> Any:
        names.append(os.path.basename(path))
        return open(path, mode)

    monkeypatch.setattr("rag.ingest.read.open", watched, raising=False)
    return names
