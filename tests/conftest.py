"""Isolate the tests: temporary home and working directories, no outside settings, and no network but loopback."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # makes `fakes` importable under every import mode

import postgres_server
from commands import Rag, run_here
from postgres_server import Postgres

from rag import Engine, Settings
from rag.models import registry

# Where `rag models pull` puts the weights. Read before the home directory is replaced for the tests.
MODELS = Settings().models
NEEDED = ("local:small", "all-MiniLM-L6-v2", "all-mpnet-base-v2")

# The same examples in every run; `pytest --hypothesis-profile explore` looks for new ones.
hypothesis.settings.register_profile("dateline", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=3000, print_blob=True)
hypothesis.settings.load_profile("dateline")


@functools.cache
def _weights_problem() -> str:
    states = {name: registry.status(name, MODELS) for name in NEEDED}
    lacking = " ".join(name for name, state in states.items() if state != "ready")
    return f"no verified weights in {MODELS}; run: rag models pull {lacking}" if lacking else ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail slow tests without the weights instead of skipping them, so that a green run means that all tests ran."""
    if item.get_closest_marker("slow") and (problem := _weights_problem()):
        pytest.fail(problem, pytrace=False)


@pytest.fixture(autouse=True, scope="session")
def isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give fixtures of every scope an empty home directory and no network except loopback."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("RAG_")]:
            patch.delenv(name)
        patch.setenv("RAG_JUDGE", "none")  # its base has 438 MB; the tests that need it say so
        patch.setenv("HOME", str(home))
        patch.setenv("USERPROFILE", str(home))
        for kind in ("DATA", "CONFIG", "CACHE", "STATE"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        patch.setattr(socket.socket, "connect", _only_loopback(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _only_loopback(socket.socket.connect_ex))
        patch.chdir(home)
        yield


@pytest.fixture(autouse=True)
def isolated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Give each test an empty working directory, and slow tests the real weights."""
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))
    if request.node.get_closest_marker("slow"):
        monkeypatch.setenv("RAG_MODELS", str(MODELS))


@pytest.fixture(autouse=True)
def _event_loop() -> Iterator[None]:
    """Give each test an event loop and close it; otherwise LlamaIndex creates one that is never closed."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def rag(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Rag:
    """Run `rag …` in this process: extractive, with the fake embedding and the test's own store."""
    from fakes import FakeEmbedding

    monkeypatch.setenv("RAG_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("RAG_LLM", "extractive")
    embedding = FakeEmbedding("all-MiniLM-L6-v2")
    monkeypatch.setattr("rag.models.runtime.Models.embedding", lambda _: embedding)
    return functools.partial(run_here, monkeypatch, capsys)


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """Return the folder of the real weights, for slow tests."""
    return MODELS


@pytest.fixture(scope="session")
def seeds_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an extractive engine over the shipped articles, for tests that only ask."""
    from fakes import make_engine

    with make_engine(tmp_path_factory.mktemp("seeds-engine")) as engine:
        yield engine


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Yield a real PostgreSQL server that the tests share."""
    if why := postgres_server.missing():
        pytest.skip(why)
    with postgres_server.server() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> str:
    """Return the URL of an empty database in PostgreSQL."""
    return postgres.new()


def _only_loopback(connect: Any) -> Any:
    @functools.wraps(connect)
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            # Not an OSError, because the code under test catches those.
            pytest.fail(f"a test reached for the network: {address}")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:  # a host name, which would need a lookup
        return False
