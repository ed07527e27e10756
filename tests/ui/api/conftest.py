"""Engines for the tests of the interface for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles import WordJudge
from fakes import FakeEmbedding, FakeLLM, make_engine

sys.path.insert(0, str(Path(__file__).parent))

from api_client import Client
from samples import REPLIES

from rag import Engine
from ui.server import queue


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine over the shipped articles, with a model that knows the samples' answers."""
    model = FakeLLM(replies=REPLIES)
    folder = tmp_path_factory.mktemp("api")
    with make_engine(folder, model=model, judge=WordJudge(), caution=0.0) as engine:
        yield engine


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine over one article, for tests that change the library."""
    documents = {"a.txt": "The pier\n\nHarborough opened a pier of 40 metres.\n"}
    embedding = FakeEmbedding("all-MiniLM-L6-v2")  # by its name the command line may open the store
    with make_engine(tmp_path, documents=documents, judge=WordJudge(), embedding=embedding) as engine:
        yield engine


@pytest.fixture
def client(engine: Engine) -> Client:
    return Client(engine)


@pytest.fixture
def own(own_engine: Engine) -> Client:
    return Client(own_engine)


@pytest.fixture(autouse=True)
def nobody_waits() -> Iterator[None]:
    yield
    queue._lines.clear()
