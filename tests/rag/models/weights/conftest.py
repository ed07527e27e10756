"""Sources of weights on loopback; nothing outside of the test is asked or read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from weight_sources import NOWHERE, Hub, Index, serving


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield from serving(server)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, wheels: Path) -> Iterator[Index]:
    server = Index(wheels)
    monkeypatch.setenv("PIP_FIND_LINKS", server.url)
    yield from serving(server)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny"


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No cache, token, pip configuration or address but the test's own."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "HF_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    settings |= {"HF_ENDPOINT": NOWHERE, "HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path / "user")}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    yield
    huggingface_hub.close_session()
