"""A served page, a visitor to it, and a file of the server that no visitor may have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from visitor import Visitor

from ui import serve
from ui.server import queue
from ui.server import uploads as uploads_module
from ui.server.uploads import uploads


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no upload, and nobody who waits, to the next test."""
    yield
    queue._lines.clear()
    with monkeypatch.context() as patch:
        patch.setattr(uploads_module, "FORGOTTEN", -1.0)
        uploads().sweep()


@pytest.fixture
def url(page: gr.Blocks) -> Iterator[str]:
    with serve(page) as url:
        yield url


@pytest.fixture
def visitor(url: str) -> Iterator[Visitor]:
    with Visitor(url) as visitor:
        yield visitor.open()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text("Secret plans\n\nThe treasure is buried under the old oak in Eidsund.\n")
    return path
