"""SIGTERM under load: what was begun ends, what was accepted is kept, and nothing new is taken."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from deployed import free_port, process
from fakes import WAIT, FakeEmbedding

from rag import Engine, Settings

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")]


class Load:
    """Asks one slow question, and uploads article after article until the server refuses."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=90)
        self.answered: list[int] = []
        self.accepted: list[str] = []
        self.refused: list[int] = []
        self.threads = [threading.Thread(target=self.ask)]
        self.threads += [threading.Thread(target=self.upload, args=(n,)) for n in range(3)]
        for thread in self.threads:
            thread.start()

    def ask(self) -> None:
        asked = {"question": "When did the cod leave the harbour?"}
        self.answered.append(self.client.post("/v1/answer", json=asked).status_code)

    def upload(self, worker: int) -> None:
        for n in range(1000):
            name = f"{worker}-{n}.txt"
            files = {"files": (name, f"The trout number {worker} {n} left the harbour.".encode())}
            try:
                done = self.client.post("/v1/documents", files=files)
            except httpx.TransportError:  # the server has ended
                return
            if done.status_code != 200:
                self.refused.append(done.status_code)
                return
            self.accepted += [name for result in done.json()["results"] if result["state"] == "added"]


def test_no_accepted_work_is_lost(tmp_path: Path) -> None:
    port = free_port()
    with process(tmp_path, port) as running:
        load = Load(f"http://127.0.0.1:{port}")
        end = time.monotonic() + WAIT
        while len(load.accepted) < 5 and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGTERM)
        for thread in load.threads:
            thread.join(90)
        load.client.close()
        assert running.wait(90) == 0
    assert load.answered == [200] and set(load.refused) <= {503}
    embedding = FakeEmbedding()
    with Engine(Settings(store=tmp_path / "store", llm="extractive"), embedding=embedding) as engine:
        held = {source.source for source in engine.sources()}
    assert len(load.accepted) >= 5 and set(load.accepted) <= held
    check_log((tmp_path / "log.txt").read_text(encoding="utf-8"))


def check_log(text: str) -> None:
    """Check that each request is a line of JSON without what was asked."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    [asked] = [line for line in lines if line["path"] == "/v1/answer"]
    assert (asked["method"], asked["status"]) == ("POST", 200) and asked["seconds"] > 0 and asked["bytes"] > 0
    assert asked["request_id"] and "harbour" not in text
